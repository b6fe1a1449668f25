"""Who holds the rights that a role gives: controllers whose work is the whole cluster, and people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from readiness.facts.table import fact_rows
from readiness.kinds.k8s.effective import account_name
from readiness.kinds.k8s.index import Workload, object_index
from readiness.kinds.k8s.model import Object
from readiness.kinds.k8s.spaces import ThingsByNamespace
from readiness.model import Hit, Severity
from readiness.model.messages import FactValue
from readiness.model.project import Project
from readiness.syntax.image import parse_image
from readiness.syntax.yaml import Map

_PEOPLE_SEVERITIES = {"groups": Severity.LOW, "users": Severity.MEDIUM}


def lowered_for_people(told: Hit, bindings: Sequence[Object]) -> Hit:
    """A hit on rights, low where all who get them by `bindings` are groups of people, medium where users are among them."""
    say = _kind_of_people(subject for one in bindings for subject in one.node.mappings_under("subjects"))
    return _lowered(told, _PEOPLE_SEVERITIES[say], say, {}) if say else told


def lowered_for_controllers(told: Hit, bindings: Sequence[Object], project: Project) -> Hit:
    """A hit on rights, medium where all who get them by `bindings` are controllers whose documented work is the whole cluster.

    Then its message says which. Without bindings nobody knows who gets the rights.
    """
    facts = _controller_facts([(one, subject) for one in bindings for subject in one.node.mappings_under("subjects")], project)
    return _lowered(told, Severity.MEDIUM, "controller", facts) if facts else told


def _lowered(told: Hit, severity: Severity, say: str, facts: Mapping[str, FactValue]) -> Hit:
    if told.severity is not None and told.severity <= severity:
        return told
    return told._replace(severity=severity, message_name=say, facts={**told.facts, **facts})


def _kind_of_people(subjects: Iterable[Map]) -> str:
    """`groups` where all subjects are groups that an identity provider fills, `users` where users are among them, else empty.

    Whatever begins with `system:` is no person: Kubernetes fills those groups, and names service accounts and nodes so.
    """
    found = [(one.string_under("kind"), one.string_under("name")) for one in subjects]
    if not found or any(kind not in {"Group", "User"} or not name or name.startswith("system:") for kind, name in found):
        return ""
    return "users" if any(kind == "User" for kind, _ in found) else "groups"


def _controller_facts(subjects: Sequence[tuple[Object, Map]], project: Project) -> dict[str, FactValue]:
    """What a message says of the controllers, where every subject is an account that nothing else runs as; else nothing."""
    rows = [_controller_of_account(binding, subject, project) for binding, subject in subjects]
    known = [row for row in rows if row is not None]
    return {"program": known[0]["program"]} if known and len(known) == len(rows) else {}


def _controller_of_account(binding: Object, subject: Map, project: Project) -> Mapping[str, str] | None:
    """The row of the controller that runs as a service account, if all that runs as it is such; Jobs come and go with it."""
    if subject.get("kind") != "ServiceAccount":
        return None
    accounts = project.memoize(_workloads_by_account).get(subject.string_under("name"), ThingsByNamespace())
    namespace = subject.string_under("namespace") or binding.namespace
    found = object_index(project).resolve_meant(binding, accounts, namespace, shared=True).meant
    rows = [_controller_of_workload(one) for one in found if one.owner.kind not in {"Job", "CronJob"}]
    return rows[0] if rows and all(rows) else None


def _controller_of_workload(workload: Workload) -> Mapping[str, str] | None:
    """The row of the first of a workload's containers that is such a controller."""
    rows: Mapping[str, Mapping[str, str]] = fact_rows("cluster-controllers")
    for container in workload.pod.containers() if workload.pod else ():
        image = parse_image(container.image) if container.role == "main" and container.image else None
        name = "/".join(image.name.split("/")[-2:]) if image and not image.name_unknown else ""
        if name in rows:
            return rows[name]
    return None


def _workloads_by_account(project: Project) -> dict[str, ThingsByNamespace[Workload]]:
    """The workloads of a project by the name of the service account that they run as, made once a run."""
    found: dict[str, ThingsByNamespace[Workload]] = {}
    for one in object_index(project).workloads:
        if one.pod is not None:
            found.setdefault(account_name(one.pod), ThingsByNamespace()).add(one)
    return found
