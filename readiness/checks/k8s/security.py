"""Users, privileges and capabilities of containers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from readiness.checks.k8s.intruders import lowered_unless_reached
from readiness.checks.k8s.written import lowered_where_values_decide
from readiness.facts.table import property_by_fact_name
from readiness.kinds.k8s import agents
from readiness.kinds.k8s.effective import (
    effective_security_setting,
    has_user_namespace,
    integer_or_none,
    is_filled_in_value,
    linux_containers,
    pod_security_context,
    span_of_deepest_mapping,
    undecidable_if_variable,
)
from readiness.kinds.k8s.model import Container, Pod
from readiness.kinds.k8s.openshift import has_default_constraints
from readiness.model import (
    CheckOutcome,
    NotApplicable,
    Severity,
    Span,
    Undecidable,
    hit,
    join_names,
    missing,
)
from readiness.model.project import Project
from readiness.syntax.nodes import text_or_empty
from readiness.syntax.yaml import Map, Seq

# Fields that a pod's securityContext and a container's have in common.
SHARED_CONTEXT_FIELDS = frozenset(
    {
        "runAsUser",
        "runAsGroup",
        "runAsNonRoot",
        "seLinuxOptions",
        "seccompProfile",
        "appArmorProfile",
        "windowsOptions",
    }
)
# Fields of a container's securityContext that a pod's does not have.
CONTAINER_ONLY_CONTEXT_FIELDS = (
    "allowPrivilegeEscalation",
    "capabilities",
    "privileged",
    "procMount",
    "readOnlyRootFilesystem",
)


def root_user(pod: Pod, *, key: str = "runAsUser", init: bool | None = None) -> CheckOutcome:
    """A container or the pod sets user (or group) 0; `init` limits it to the containers that come first, or to the others.

    Low in a Job of a hook, which takes no requests and ends.
    """
    severity = Severity.LOW if agents.is_hook_job(pod) else None
    if pod.windows or has_user_namespace(pod):
        return
    has_inheriting_container = False
    for container in pod.containers():
        if init is not None and (container.role == "init") is not init:
            continue
        container_user = container.security_context.get(key)
        has_inheriting_container = has_inheriting_container or container_user is None
        yield from undecidable_if_variable(container.security_context, key)
        if integer_or_none(container_user) == 0:
            span, container_name = container.security_context.at(key), container.name
            yield hit(span, severity=severity, container=container_name, who=f"container {container_name!r}")
    pod_context = pod_security_context(pod)
    if has_inheriting_container and not init and integer_or_none(pod_context.get(key)) == 0:
        yield hit(pod_context.at(key), severity=severity, who=pod.resource)


def run_as_non_root_missing(pod: Pod, project: Project) -> CheckOutcome:
    """Nothing keeps a container from running as root: no runAsNonRoot and no user other than 0.

    OpenShift gives pods under its default constraints a user of their namespace, whatever the image says, and Istio's injector
    one to the containers that it fills in.
    """
    if pod.windows or has_user_namespace(pod) or has_default_constraints(pod, project):
        return
    for container in pod.containers():
        if agents.is_filled_in_by_injector(container):
            continue
        run_as_user, run_as_non_root = (
            effective_security_setting(container, "runAsUser"),
            effective_security_setting(container, "runAsNonRoot"),
        )
        if is_filled_in_value(run_as_user) or is_filled_in_value(run_as_non_root):
            yield Undecidable(container.node.at())
        elif run_as_non_root is not True and integer_or_none(run_as_user) is None:
            yield from _root_possible_hits(container, run_as_non_root)


def _root_possible_hits(container: Container, run_as_non_root: Any) -> CheckOutcome:
    """The hit for a container without a guard: at the value that takes it away, of the container or its pod, else at the container."""
    container_context, container_name = container.security_context, container.name
    if run_as_non_root is False and container_context.get("runAsNonRoot") is False:
        yield hit(container_context.at("runAsNonRoot"), container=container_name, name=container_name, say="off")
    elif run_as_non_root is False:
        yield hit(pod_security_context(container.pod).at("runAsNonRoot"), container=container_name, name=container_name, say="off-in-pod")
    else:
        yield missing(container.node.at(), say="neither", container=container_name, name=container_name)


@lowered_where_values_decide()
def run_as_user_contradiction(pod: Pod) -> CheckOutcome:
    """runAsNonRoot together with user 0: the kubelet refuses to start the container."""
    if pod.windows:
        return
    for container in pod.containers():
        if effective_security_setting(container, "runAsNonRoot") is True and integer_or_none(effective_security_setting(container, "runAsUser")) == 0:
            context_with_user = container.security_context
            if context_with_user.get("runAsUser") is None:
                context_with_user = pod_security_context(pod)
            yield hit(context_with_user.at("runAsUser"), container=container.name, name=container.name)


def run_as_id_low(pod: Pod, *, keys: Sequence[str], minimum: int) -> CheckOutcome:
    """A container's user or group id is not set, or under `minimum`."""
    for container, id_key in itertools.product(linux_containers(pod), keys):
        effective_id = effective_security_setting(container, id_key)
        numeric_id, container_name = integer_or_none(effective_id), container.name
        if is_filled_in_value(effective_id):
            yield Undecidable(container.node.at())
        elif numeric_id is None:
            yield missing(container.node.at(), container=container_name, name=container_name, value="not set", key=id_key)
        elif numeric_id < minimum:
            container_context = container.security_context
            context_with_id = container_context if container_context.get(id_key) is not None else pod_security_context(pod)
            yield hit(context_with_id.at(id_key), container=container_name, name=container_name, value=numeric_id, key=id_key)


def supplemental_group_root(pod: Pod) -> CheckOutcome:
    """The supplementary groups or the fsGroup of the pod hold the root group."""
    pod_context = pod_security_context(pod)
    supplemental_groups = pod_context.get("supplementalGroups")
    supplemental_groups = supplemental_groups if isinstance(supplemental_groups, Seq) else Seq(pod_context.at())
    for index, group in enumerate(supplemental_groups):
        if integer_or_none(group) == 0:
            yield hit(supplemental_groups.at(index), say="supplemental")
    if integer_or_none(pod_context.get("fsGroup")) == 0:
        yield hit(pod_context.at("fsGroup"), say="fs-group")


def security_flag_set(container: Container, *, key: str, value: bool) -> CheckOutcome:
    """A field of the container's securityContext is set to a value; info beside what implies it, and is told itself."""
    yield from undecidable_if_variable(container.security_context, key)
    if container.security_context.get(key) is value:
        severity = Severity.INFO if _may_always_escalate(container) else None
        yield hit(container.security_context.at(key), severity=severity)


def privileged(container: Container, *, project: Project) -> CheckOutcome:
    """The container is privileged; medium where it is surely not root, for what works on its node, and where no Service leads to it.

    What works on its node are agents, storage drivers, runners of pipelines, and pods that are run once. An init container ends before
    the pod takes requests.
    """
    yield from undecidable_if_variable(container.security_context, "privileged")
    if agents.is_privileged(container):
        has_ended = container.role == "init"
        is_lowered_to_medium = has_ended or agents.needs_node_rights(container) or agents.is_surely_not_root(container)
        severity = Severity.MEDIUM if is_lowered_to_medium else None
        yield lowered_unless_reached(hit(container.security_context.at("privileged"), severity=severity), container.pod, project)


def root_filesystem_writable(container: Container, *, key: str, wanted: bool) -> CheckOutcome:
    """A field of the container's securityContext is not set to what it should be."""
    field_value = container.security_context.get(key)
    yield from undecidable_if_variable(container.security_context, key)
    if field_value is None:
        yield missing(container.node.at(), say="unset", field=key)
    elif field_value is not wanted and isinstance(field_value, bool):
        yield hit(container.security_context.at(key), say="set", field=key, value=str(field_value).lower())


def _may_always_escalate(container: Container) -> bool:
    """Whether a container is privileged or adds SYS_ADMIN: allowPrivilegeEscalation is always true then, whatever is written."""
    return agents.is_privileged(container) or any(name == "SYS_ADMIN" for _, name in capabilities_listed(container, "add"))


def privilege_escalation_unset(container: Container) -> CheckOutcome:
    """allowPrivilegeEscalation is not written, so that setuid programs may raise privileges.

    Where it is always true, the API server refuses a `false`.
    """
    if _may_always_escalate(container):
        yield NotApplicable()
    elif container.security_context.get("allowPrivilegeEscalation") is None:
        yield missing(container.node.at())


def security_context_misplaced(pod: Pod) -> CheckOutcome:
    """A field of containers in the pod's securityContext, where Kubernetes has none."""
    pod_context = pod_security_context(pod)
    for context_field in CONTAINER_ONLY_CONTEXT_FIELDS:
        if context_field in pod_context:
            yield hit(pod_context.key_span(context_field), key=context_field)


# -- capabilities -------------------------------------------------------------------------------------------------


def canonical_capability(value: Any) -> str:
    """A capability's name as Kubernetes writes it: upper case, without CAP_."""
    return value.upper().removeprefix("CAP_") if isinstance(value, str) else ""


def capabilities_listed(container: Container, key: str) -> Iterator[tuple[Span, str]]:
    """The capabilities that a container adds or drops, with their places."""
    capabilities = container.security_context.mapping_at_path("capabilities").get(key)
    if isinstance(capabilities, Seq):
        yield from ((capabilities.at(index), canonical_capability(capability)) for index, capability in enumerate(capabilities))


def capabilities_dropped(container: Container) -> set[str]:
    """The capabilities that a container drops."""
    return {name for _, name in capabilities_listed(container, "drop")}


def capability_added(container: Container, *, project: Project, deny: Sequence[str] = (), allow: Sequence[str] = ()) -> CheckOutcome:
    """The container adds a capability of `deny`; without `deny`, any that is not in `allow`.

    A privileged container has them all, and is told for that. Medium but for a server that takes requests, has no work on its node and
    drives no storage.
    """
    if agents.is_privileged(container):
        yield NotApplicable()
        return
    for span, capability in capabilities_listed(container, "add"):
        if is_filled_in_value(capability):
            yield Undecidable(span)
        elif capability and (capability in deny if deny else capability not in allow):
            severity = Severity.MEDIUM if agents.is_storage_driver(container) else None
            yield lowered_unless_reached(hit(span, severity=severity, capability=capability), container.pod, project)


def capabilities_not_dropped(container: Container, project: Project) -> CheckOutcome:
    """The container drops neither ALL nor every capability that the runtime grants by default; a privileged one drops none.

    Low where the image of the tree runs as a user other than root, whose process has none unless it adds one, as under the default constraints of
    OpenShift.
    """
    if agents.is_privileged(container):
        yield NotApplicable()
        return
    dropped_capabilities = capabilities_dropped(container)
    if "ALL" not in dropped_capabilities and not dropped_capabilities >= property_by_fact_name("linux-capabilities", "default").keys():
        has_none = not any(capabilities_listed(container, "add")) and (
            _is_user_of_image_other_than_root(container, project) or has_default_constraints(container.pod, project)
        )
        yield missing(span_of_deepest_mapping(container, "securityContext", "capabilities"), severity=Severity.LOW if has_none else None)


def _is_user_of_image_other_than_root(container: Container, project: Project) -> bool:
    """Whether a container runs as the user of its image, and a Dockerfile of the tree makes that one by number and not root."""
    if effective_security_setting(container, "runAsUser") is not None or not project.documents_of_kind("dockerfile"):
        return False
    from readiness.kinds.joins.images import stage_of_container

    stage = stage_of_container(container, project)
    user = stage.effective_value("USER") if stage is not None else None
    user_number = user.instruction.words[0].value.partition(":")[0] if user is not None and user.instruction.words else ""
    return user_number.isascii() and user_number.isdecimal() and user_number.strip("0") != ""


def net_raw(container: Container, *, unset: bool) -> CheckOutcome:
    """The container keeps NET_RAW; with `unset` also where it says nothing of capabilities at all."""
    has_capabilities = bool(container.security_context.mapping_at_path("capabilities"))
    net_raw_spans = [span for span, name in capabilities_listed(container, "add") if name in {"NET_RAW", "ALL"}]
    for span in net_raw_spans:
        yield hit(span, say="added")
    if not net_raw_spans and not {"ALL", "NET_RAW"} & capabilities_dropped(container) and (has_capabilities or unset):
        yield missing(
            span_of_deepest_mapping(container, "securityContext", "capabilities"),
            say="kept",
        )


def has_linux_hardening(container: Container) -> bool:
    """Whether one of seccomp, AppArmor, SELinux or dropped capabilities narrows a container."""
    pod = container.pod
    seccomp_profile = effective_security_setting(container, "seccompProfile")
    seccomp_type = seccomp_profile.get("type") if isinstance(seccomp_profile, Map) else None
    apparmor_profile = effective_security_setting(container, "appArmorProfile")
    apparmor_type = apparmor_profile.get("type") if isinstance(apparmor_profile, Map) else None
    apparmor_annotation = pod.annotations.get(f"container.apparmor.security.beta.kubernetes.io/{container.name}")
    adds_all = any(name == "ALL" for _, name in capabilities_listed(container, "add"))
    return (
        seccomp_type in {"RuntimeDefault", "Localhost"}
        or apparmor_type in {"RuntimeDefault", "Localhost"}
        or text_or_empty(apparmor_annotation) not in {"", "unconfined"}
        or bool(effective_security_setting(container, "seLinuxOptions"))
        or (bool(capabilities_dropped(container)) and not adds_all)
    )


def linux_hardening_missing(container: Container) -> CheckOutcome:
    """None of seccomp, AppArmor, SELinux or dropped capabilities narrows the container."""
    if not has_linux_hardening(container):
        yield missing(container.node.at())


def security_context_missing(pod: Pod) -> CheckOutcome:
    """Neither the pod nor every container says who runs in it and how it is confined."""
    if pod_security_context(pod):
        return
    containers_without_context = [container.name for container in pod.containers() if not SHARED_CONTEXT_FIELDS & set(container.security_context)]
    if containers_without_context:
        yield missing(pod.node.at(), names=join_names(repr(name) for name in containers_without_context))


def container_security_context_missing(container: Container) -> CheckOutcome:
    """The container has no securityContext of its own."""
    if not container.security_context:
        yield missing(container.node.at())
