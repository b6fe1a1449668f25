"""Who holds the rights that a role gives: controllers whose work is the whole cluster, and people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from readiness.facts.table import fact_row_by_name
from readiness.kinds.k8s.effective import account_name
from readiness.kinds.k8s.index import Workload, object_index
from readiness.kinds.k8s.model import Object
from readiness.kinds.k8s.spaces import ThingsByNamespace
from readiness.model import Hit, Severity
from readiness.model.messages import FactValue
from readiness.model.project import Project
from readiness.syntax.image import parse_image
from readiness.syntax.yaml import Map

_SEVERITY_BY_PEOPLE_KIND = {"groups": Severity.LOW, "users": Severity.MEDIUM}


def lowered_for_people(told: Hit, bindings: Sequence[Object]) -> Hit:
    """A hit on rights, low where all who get them by `bindings` are groups of people, medium where users are among them."""
    people_kind = _kind_of_people(subject for one in bindings for subject in one.node.mappings_under("subjects"))
    return _hit_lowered_to(told, _SEVERITY_BY_PEOPLE_KIND[people_kind], people_kind, {}) if people_kind else told


def lowered_for_controllers(told: Hit, bindings: Sequence[Object], project: Project) -> Hit:
    """A hit on rights, medium where all who get them by `bindings` are controllers whose documented work is the whole cluster.

    Then its message says which. Without bindings nobody knows who gets the rights.
    """
    controller_facts = _controller_facts([(one, subject) for one in bindings for subject in one.node.mappings_under("subjects")], project)
    return _hit_lowered_to(told, Severity.MEDIUM, "controller", controller_facts) if controller_facts else told


def _hit_lowered_to(rights_hit: Hit, severity: Severity, message_name: str, facts: Mapping[str, FactValue]) -> Hit:
    if rights_hit.severity is not None and rights_hit.severity <= severity:
        return rights_hit
    return rights_hit._replace(severity=severity, message_name=message_name, facts={**rights_hit.facts, **facts})


def _kind_of_people(subjects: Iterable[Map]) -> str:
    """`groups` where all subjects are groups that an identity provider fills, `users` where users are among them, else empty.

    Whatever begins with `system:` is no person: Kubernetes fills those groups, and names service accounts and nodes so.
    """
    kinds_and_names = [(one.string_under("kind"), one.string_under("name")) for one in subjects]
    if not kinds_and_names or any(kind not in {"Group", "User"} or not name or name.startswith("system:") for kind, name in kinds_and_names):
        return ""
    return "users" if any(kind == "User" for kind, _ in kinds_and_names) else "groups"


def _controller_facts(bindings_and_subjects: Sequence[tuple[Object, Map]], project: Project) -> dict[str, FactValue]:
    """What a message says of the controllers, where every subject is an account that nothing else runs as; else nothing."""
    controller_rows = [_controller_of_account(binding, subject, project) for binding, subject in bindings_and_subjects]
    known_rows = [row for row in controller_rows if row is not None]
    return {"program": known_rows[0]["program"]} if known_rows and len(known_rows) == len(controller_rows) else {}


def _controller_of_account(binding: Object, subject: Map, project: Project) -> Mapping[str, str] | None:
    """The row of the controller that runs as a service account, if all that runs as it is such; Jobs come and go with it."""
    if subject.get("kind") != "ServiceAccount":
        return None
    workloads_by_namespace = project.memoize(_workloads_by_account).get(subject.string_under("name"), ThingsByNamespace())
    namespace = subject.string_under("namespace") or binding.namespace
    account_workloads = object_index(project).resolve_meant(binding, workloads_by_namespace, namespace, is_shared_thing=True).meant
    controller_rows = [_controller_of_workload(one) for one in account_workloads if one.owner.kind not in {"Job", "CronJob"}]
    return controller_rows[0] if controller_rows and all(controller_rows) else None


def _controller_of_workload(workload: Workload) -> Mapping[str, str] | None:
    """The row of the first of a workload's containers that is such a controller."""
    controller_by_image_name: Mapping[str, Mapping[str, str]] = fact_row_by_name("cluster-controllers")
    for container in workload.pod.containers() if workload.pod else ():
        image = parse_image(container.image) if container.role == "main" and container.image else None
        image_name = "/".join(image.name.split("/")[-2:]) if image and not image.name_unknown else ""
        if image_name in controller_by_image_name:
            return controller_by_image_name[image_name]
    return None


def _workloads_by_account(project: Project) -> dict[str, ThingsByNamespace[Workload]]:
    """The workloads of a project by the name of the service account that they run as, made once a run."""
    workloads_by_account: dict[str, ThingsByNamespace[Workload]] = {}
    for workload in object_index(project).workloads:
        if workload.pod is not None:
            workloads_by_account.setdefault(account_name(workload.pod), ThingsByNamespace()).add(workload)
    return workloads_by_account
