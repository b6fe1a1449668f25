"""Users, privileges and capabilities of containers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from readiness.facts.table import fact_column
from readiness.kinds.k8s import agents
from readiness.kinds.k8s.effective import (
    as_integer,
    deepest_existing_span,
    effective_security,
    has_user_namespace,
    is_variable,
    linux_containers,
    pod_security_context,
    unknown_if_variable,
)
from readiness.kinds.k8s.model import Container, Pod
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
CONTAINER_ONLY = (
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
    inherits = False
    for container in pod.containers():
        if init is not None and (container.role == "init") is not init:
            continue
        own = container.security_context.get(key)
        inherits = inherits or own is None
        yield from unknown_if_variable(container.security_context, key)
        if as_integer(own) == 0:
            span, name = container.security_context.at(key), container.name
            yield hit(span, severity=severity, container=name, who=f"container {name!r}")
    shared = pod_security_context(pod)
    if inherits and not init and as_integer(shared.get(key)) == 0:
        yield hit(shared.at(key), severity=severity, who=pod.resource)


def run_as_non_root_missing(pod: Pod) -> CheckOutcome:
    """Nothing keeps a container from running as root: no runAsNonRoot and no user other than 0."""
    if pod.windows or has_user_namespace(pod):
        return
    for container in pod.containers():
        user, guard = (
            effective_security(container, "runAsUser"),
            effective_security(container, "runAsNonRoot"),
        )
        if is_variable(user) or is_variable(guard):
            yield Undecidable(container.node.at())
        elif guard is not True and as_integer(user) is None:
            yield from _unguarded_hit(container, guard)


def _unguarded_hit(container: Container, guard_setting: Any) -> CheckOutcome:
    """The hit for a container without a guard: at the value that takes it away, else at the container."""
    own, name = container.security_context, container.name
    if guard_setting is False and own.get("runAsNonRoot") is False:
        yield hit(own.at("runAsNonRoot"), container=name, name=name, say="off")
    else:
        yield missing(container.node.at(), say="neither", container=name, name=name)


def run_as_user_contradiction(pod: Pod) -> CheckOutcome:
    """runAsNonRoot together with user 0: the kubelet refuses to start the container."""
    if pod.windows:
        return
    for container in pod.containers():
        if (
            effective_security(container, "runAsNonRoot") is True
            and as_integer(effective_security(container, "runAsUser")) == 0
        ):
            owner = container.security_context
            if owner.get("runAsUser") is None:
                owner = pod_security_context(pod)
            yield hit(owner.at("runAsUser"), container=container.name, name=container.name)


def run_as_id_low(pod: Pod, *, keys: Sequence[str], minimum: int) -> CheckOutcome:
    """A container's user or group id is not set, or under `minimum`."""
    for container, key in itertools.product(linux_containers(pod), keys):
        value = effective_security(container, key)
        user, name = as_integer(value), container.name
        if is_variable(value):
            yield Undecidable(container.node.at())
        elif user is None:
            yield missing(container.node.at(), container=name, name=name, value="not set", key=key)
        elif user < minimum:
            own = container.security_context
            owner = own if own.get(key) is not None else pod_security_context(pod)
            yield hit(owner.at(key), container=name, name=name, value=user, key=key)


def supplemental_group_root(pod: Pod) -> CheckOutcome:
    """The supplementary groups or the fsGroup of the pod hold the root group."""
    shared = pod_security_context(pod)
    groups = shared.get("supplementalGroups")
    groups = groups if isinstance(groups, Seq) else Seq(shared.at())
    for index, group in enumerate(groups):
        if as_integer(group) == 0:
            yield hit(groups.at(index), say="supplemental")
    if as_integer(shared.get("fsGroup")) == 0:
        yield hit(shared.at("fsGroup"), say="fs-group")


def security_flag_set(container: Container, *, key: str, value: bool) -> CheckOutcome:
    """A field of the container's securityContext is set to a value; low beside `privileged`, which implies it."""
    yield from unknown_if_variable(container.security_context, key)
    if container.security_context.get(key) is value:
        severity = Severity.LOW if agents.has_host_root(container) else None
        yield hit(container.security_context.at(key), severity=severity)


def privileged(container: Container) -> CheckOutcome:
    """The container is privileged; medium where it is surely not root, and for what works on its node.

    That are agents, storage drivers, a sysctl that ends, and pods that are run once.
    """
    yield from unknown_if_variable(container.security_context, "privileged")
    if agents.has_host_root(container):
        lowered = agents.does_node_work(container) or agents.is_unprivileged_user(container)
        severity = Severity.MEDIUM if lowered else None
        yield hit(container.security_context.at("privileged"), severity=severity)


def root_filesystem_writable(container: Container, *, key: str, wanted: bool) -> CheckOutcome:
    """A field of the container's securityContext is not set to what it should be."""
    found = container.security_context.get(key)
    yield from unknown_if_variable(container.security_context, key)
    if found is None:
        yield missing(container.node.at(), say="unset", field=key)
    elif found is not wanted and isinstance(found, bool):
        yield hit(container.security_context.at(key), say="set", field=key, value=str(found).lower())


def privilege_escalation_unset(container: Container) -> CheckOutcome:
    """allowPrivilegeEscalation is not written, so that setuid programs may raise privileges."""
    if container.security_context.get("allowPrivilegeEscalation") is None:
        yield missing(container.node.at())


def security_context_misplaced(pod: Pod) -> CheckOutcome:
    """A field of containers in the pod's securityContext, where Kubernetes has none."""
    shared = pod_security_context(pod)
    for key in CONTAINER_ONLY:
        if key in shared:
            yield hit(shared.key_span(key), key=key)


# -- capabilities -------------------------------------------------------------------------------------------------


def canonical_capability(value: Any) -> str:
    """A capability's name as Kubernetes writes it: upper case, without CAP_."""
    return value.upper().removeprefix("CAP_") if isinstance(value, str) else ""


def capabilities_listed(container: Container, key: str) -> Iterator[tuple[Span, str]]:
    """The capabilities that a container adds or drops, with their places."""
    values = container.security_context.mapping_at_path("capabilities").get(key)
    if isinstance(values, Seq):
        yield from ((values.at(index), canonical_capability(value)) for index, value in enumerate(values))


def capabilities_dropped(container: Container) -> set[str]:
    """The capabilities that a container drops."""
    return {name for _, name in capabilities_listed(container, "drop")}


def capability_added(container: Container, *, deny: Sequence[str] = (), allow: Sequence[str] = ()) -> CheckOutcome:
    """The container adds a capability of `deny`; without `deny`, any that is not in `allow`.

    A privileged container has them all, and is told for that. Medium for node agents.
    """
    if agents.has_host_root(container):
        yield NotApplicable()
        return
    severity = Severity.MEDIUM if agents.is_node_agent(container.pod) else None
    for span, name in capabilities_listed(container, "add"):
        if is_variable(name):
            yield Undecidable(span)
        elif name and (name in deny if deny else name not in allow):
            yield hit(span, severity=severity, capability=name)


def capabilities_not_dropped(container: Container) -> CheckOutcome:
    """The container drops neither ALL nor every capability that the runtime grants by default; a privileged one drops none."""
    if agents.has_host_root(container):
        yield NotApplicable()
        return
    names = capabilities_dropped(container)
    if "ALL" not in names and not names >= fact_column("linux-capabilities", "default").keys():
        yield missing(deepest_existing_span(container, "securityContext", "capabilities"))


def net_raw(container: Container, *, unset: bool) -> CheckOutcome:
    """The container keeps NET_RAW; with `unset` also where it says nothing of capabilities at all."""
    written = bool(container.security_context.mapping_at_path("capabilities"))
    added_raw = [span for span, name in capabilities_listed(container, "add") if name in {"NET_RAW", "ALL"}]
    for span in added_raw:
        yield hit(span, say="added")
    if not added_raw and not {"ALL", "NET_RAW"} & capabilities_dropped(container) and (written or unset):
        yield missing(
            deepest_existing_span(container, "securityContext", "capabilities"),
            say="kept",
        )


def is_hardened(container: Container) -> bool:
    """Whether one of seccomp, AppArmor, SELinux or dropped capabilities narrows a container."""
    pod = container.pod
    seccomp = effective_security(container, "seccompProfile")
    kind = seccomp.get("type") if isinstance(seccomp, Map) else None
    profile = effective_security(container, "appArmorProfile")
    apparmor = profile.get("type") if isinstance(profile, Map) else None
    annotation = pod.annotations.get(f"container.apparmor.security.beta.kubernetes.io/{container.name}")
    adds_all = any(name == "ALL" for _, name in capabilities_listed(container, "add"))
    return (
        kind in {"RuntimeDefault", "Localhost"}
        or apparmor in {"RuntimeDefault", "Localhost"}
        or text_or_empty(annotation) not in {"", "unconfined"}
        or bool(effective_security(container, "seLinuxOptions"))
        or (bool(capabilities_dropped(container)) and not adds_all)
    )


def linux_hardening_missing(container: Container) -> CheckOutcome:
    """None of seccomp, AppArmor, SELinux or dropped capabilities narrows the container."""
    if not is_hardened(container):
        yield missing(container.node.at())


def security_context_missing(pod: Pod) -> CheckOutcome:
    """Neither the pod nor every container says who runs in it and how it is confined."""
    if pod_security_context(pod):
        return
    bare = [container.name for container in pod.containers() if not SHARED_CONTEXT_FIELDS & set(container.security_context)]
    if bare:
        yield missing(pod.node.at(), names=join_names(repr(name) for name in bare))


def container_security_context_missing(container: Container) -> CheckOutcome:
    """The container has no securityContext of its own."""
    if not container.security_context:
        yield missing(container.node.at())
