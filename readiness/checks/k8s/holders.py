"""Who holds the rights that a role gives: workloads, runners of pipelines, tokens, everybody; controllers, and people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from readiness.checks.k8s.callers import config_map_names_of
from readiness.facts.table import fact_row_by_name
from readiness.kinds.k8s.effective import account_name
from readiness.kinds.k8s.index import Workload, object_index
from readiness.kinds.k8s.model import Object
from readiness.kinds.k8s.spaces import ThingsByNamespace
from readiness.kinds.units import MAX_CANDIDATES_PER_QUESTION
from readiness.model import Hit, Severity
from readiness.model.lazy_regex import lazy_regex
from readiness.model.messages import FactValue
from readiness.model.project import Project
from readiness.syntax.image import parse_image
from readiness.syntax.yaml import Map, walk_containers

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


def lowered_unless_held(told: Hit, bindings: Sequence[Object], project: Project) -> Hit:
    """A hit on rights, high only where the files show who can use them that is no controller.

    That is an account which every pod has, or which a workload, the values of a release or a token that never expires in the files use,
    and groups of all accounts. Medium where all that run as the accounts are controllers by their names, and where nothing does.
    """
    told = lowered_for_controllers(told, bindings, project)
    if told.severity is not None and told.severity <= Severity.MEDIUM:
        return told
    controller_resource = ""
    for binding in bindings:
        for subject in binding.node.mappings_under("subjects"):
            holder = _holder_of_subject(binding, subject, project)
            if holder.is_open:
                return told
            controller_resource = controller_resource or holder.controller_resource
    if controller_resource:
        return _hit_lowered_to(told, Severity.MEDIUM, "operator", {"workload": controller_resource})
    return _hit_lowered_to(told, Severity.MEDIUM, "unheld", {})


class _Holder(NamedTuple):
    """Whether the files show who can use a subject's rights, and else the controller that runs as it, if one does."""

    is_open: bool
    controller_resource: str = ""


# Names of what looks after objects of a cluster, as a word in the name of a workload, of an image or of a release.
_CONTROLLER_NAME = lazy_regex(
    r"(?:\A|[-_/.])(?:[a-z0-9]{0,40}controllers?|[a-z0-9]{0,40}operators?|[a-z0-9]{0,40}managers?|provisioners?|reconcilers?|webhooks?)(?=\Z|[-_/.:@])"
)
# Of several copies one does the work: `--leader-elect`, `--enable-leader-election`, `leaderElection: true` in a file of settings.
_LEADER_ELECTION_ARGUMENT = lazy_regex(r"-{0,2}(?:enable[-_])?leader[-_]?elect", re.IGNORECASE)
_LEADER_ELECTION_SETTING = lazy_regex(r"^[ ]*(?:enable[-_])?leader[-_]?elect(?:ion)?[ ]*[:=][ ]*(?:true\b|$)", re.IGNORECASE | re.MULTILINE)
_MAX_SETTINGS_CHARACTERS = 65_536  # of a ConfigMap's value that is searched
_MAX_CONFIG_MAPS_OF_A_NAME = 64
_EVERY_ACCOUNT = lazy_regex(r"system:(?:serviceaccounts(?::.{0,253})?|authenticated|unauthenticated|anonymous)\Z")


def _holder_of_subject(binding: Object, subject: Map, project: Project) -> _Holder:
    """Who uses what a binding gives to a subject, as far as the files show it."""
    name = subject.string_under("name")
    if subject.get("kind") != "ServiceAccount":
        return _Holder(bool(_EVERY_ACCOUNT.match(name)))
    if name == "default" or name in project.memoize(_account_names_in_values) or name in project.memoize(_account_names_with_lasting_token):
        return _Holder(is_open=True)
    account_workloads = _workloads_of_subject(binding, subject, project)
    if not all(project.memoize_for_subject(_is_controller, one) for one in account_workloads):
        return _Holder(is_open=True)
    return _Holder(False, account_workloads[0].owner.resource if account_workloads else "")


def _is_controller(workload: Workload, project: Project) -> bool:
    """Whether a workload is a controller that is known, or says that it is one."""
    return project.memoize_for_subject(_controller_of_workload, workload) is not None or _is_controller_by_words(workload, project)


def _is_controller_by_words(workload: Workload, project: Project) -> bool:
    """Whether a workload says that it is a controller: by its name, an image, or that it elects a leader; or is a Job, which goes with one."""
    if workload.owner.kind in {"Job", "CronJob"}:
        return True
    containers = list(workload.pod.containers()) if workload.pod else []
    words = [str(word)[:200] for container in containers for listed in container.command_lists() for word in listed]
    if any(_LEADER_ELECTION_ARGUMENT.match(word) for word in words) or _elects_leader_by_settings(workload, project):
        return True
    names = [workload.owner.name, account_name(workload.pod) if workload.pod else "", *(one.image for one in containers)]
    return any(_CONTROLLER_NAME.search(name[:400].lower()) for name in names)


def _elects_leader_by_settings(workload: Workload, project: Project) -> bool:
    """Whether a ConfigMap that a workload mounts or takes in turns the election of a leader on."""
    if workload.pod is None:
        return False
    objects_by_name = object_index(project).objects_by_kind_and_name
    for config_map_name in sorted(config_map_names_of(workload.pod)):
        for obj in objects_by_name.get(("ConfigMap", config_map_name), ())[:_MAX_CONFIG_MAPS_OF_A_NAME]:
            texts = [f"{key}: {value}" for key, value in obj.node.mapping_at_path("data").items()]
            if any(_LEADER_ELECTION_SETTING.search(one[:_MAX_SETTINGS_CHARACTERS]) for one in texts):
                return True
    return False


def _account_names_in_values(project: Project) -> frozenset[str]:
    """The service accounts that objects of other kinds run pods as: values of releases, runners of pipelines; not those of controllers."""
    return frozenset(
        account
        for objects in object_index(project).objects_by_kind.values()
        for obj in objects
        if "." in obj.group and not obj.group.endswith(".k8s.io") and not _CONTROLLER_NAME.search(obj.name[:200].lower())
        for mapping in walk_containers(obj.node)
        if isinstance(mapping, Map) and not (mapping is obj.spec and obj.group.endswith("toolkit.fluxcd.io"))  # as whom Flux applies it
        for account in (mapping.string_under("serviceAccountName"), mapping.string_under("serviceAccount"))
        if account
    )


def _account_names_with_lasting_token(project: Project) -> frozenset[str]:
    """The service accounts for which a Secret in the files has a token made that never expires."""
    return frozenset(
        one.annotations.string_under("kubernetes.io/service-account.name")
        for one in object_index(project).objects_of_kinds("Secret")
        if one.node.get("type") == "kubernetes.io/service-account-token"
    )


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
    account_workloads = _workloads_of_subject(binding, subject, project)
    lasting_workloads = [one for one in account_workloads[:MAX_CANDIDATES_PER_QUESTION] if one.owner.kind not in {"Job", "CronJob"}]
    controller_rows = [project.memoize_for_subject(_controller_of_workload, one) for one in lasting_workloads]
    return controller_rows[0] if controller_rows and all(controller_rows) else None


def _workloads_of_subject(binding: Object, subject: Map, project: Project) -> Sequence[Workload]:
    """The workloads that surely run as a service account which a binding names."""
    workloads_by_namespace = project.memoize(_workloads_by_account).get(subject.string_under("name"), ThingsByNamespace())
    namespace = subject.string_under("namespace") or binding.namespace
    return object_index(project).resolve_meant(binding, workloads_by_namespace, namespace, is_shared_thing=True).meant


def _controller_of_workload(workload: Workload, project: Project) -> Mapping[str, str] | None:
    """The row of the first of a workload's containers that is such a controller."""
    del project
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
