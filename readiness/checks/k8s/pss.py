"""The Pod Security Standards, control by control, as their newest version has them.

Each control is a function from a pod to violations. `violations_by_level` answers "would this pod be admitted, and
if not why"; the rules, one a control, and the rule on a namespace's own label share it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Any

from readiness.facts.table import property_by_fact_name
from readiness.kinds.k8s.effective import has_user_namespace, pod_security_context
from readiness.kinds.k8s.model import PROBE_FIELDS, Container, Pod
from readiness.model import CheckOutcome, Span, hit, missing
from readiness.model.records import dataclass
from readiness.syntax.yaml import Map, Seq


@dataclass(frozen=True, slots=True)
class Violation:
    """One reason why a pod is not admitted: where, what stands there, in which container."""

    span: Span
    description: str
    container: str = ""
    is_missing_value: bool = False
    control: str = ""


ControlCheck = Callable[[Pod], Iterator[Violation]]

SELINUX_TYPES = frozenset({"container_t", "container_init_t", "container_kvm_t", "container_engine_t"})
ALLOWED_SECCOMP_TYPES = frozenset({"RuntimeDefault", "Localhost"})
APPARMOR_ANNOTATION_PREFIX = "container.apparmor.security.beta.kubernetes.io/"
LIFECYCLE_HOOKS = ("postStart", "preStop")


# -- what the controls ask of a pod -------------------------------------------------------------------------------


def is_windows_pod(pod: Pod) -> bool:
    """Whether the standards' waivers for Windows apply: only `os.name` says so."""
    return pod.node.mapping_at_path("os").get("name") == "windows"


def security_contexts(pod: Pod) -> Iterator[tuple[str, Map]]:
    """The pod's securityContext, then each container's, with the container's name."""
    yield "", pod_security_context(pod)
    for container in pod.containers():
        yield container.name, container.security_context


def is_integer_equal_to(value: Any, wanted: int) -> bool:
    """Whether a value is this number (`false` is not 0)."""
    return isinstance(value, int) and not isinstance(value, bool) and value == wanted


# -- baseline -----------------------------------------------------------------------------------------------------


def host_process_violations(pod: Pod) -> Iterator[Violation]:
    """No container of a Windows pod is a process of the host."""
    for container_name, security_context in security_contexts(pod):
        windows_options = security_context.mapping_at_path("windowsOptions")
        if windows_options.get("hostProcess") is True:
            yield Violation(windows_options.at("hostProcess"), "hostProcess is true", container_name)


def host_namespace_violations(pod: Pod) -> Iterator[Violation]:
    """The pod shares neither network, processes nor IPC with the host."""
    for namespace_key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.node.get(namespace_key) is True:
            yield Violation(pod.node.at(namespace_key), f"{namespace_key} is true")


def privileged_violations(pod: Pod) -> Iterator[Violation]:
    """Violations of "Privileged Containers": `privileged: true` in any container."""
    for container in pod.containers():
        if container.security_context.get("privileged") is True:
            yield Violation(container.security_context.at("privileged"), "privileged is true", container.name)


def added_capability_violations(container: Container, allowed: Collection[str]) -> Iterator[Violation]:
    """Capabilities that a container adds although they are not allowed."""
    capabilities = container.security_context.mapping_at_path("capabilities").get("add")
    if not isinstance(capabilities, Seq):
        return
    for index, capability in enumerate(capabilities):
        if isinstance(capability, str) and capability not in allowed:
            yield Violation(capabilities.at(index), f"capability {capability} is added", container.name)


def baseline_capability_violations(pod: Pod) -> Iterator[Violation]:
    """No capability beyond the runtime's default set is added."""
    for container in pod.containers():
        yield from added_capability_violations(container, property_by_fact_name("linux-capabilities", "baseline"))


def host_path_violations(pod: Pod) -> Iterator[Violation]:
    """No volume is a folder of the host."""
    for volume in pod.node.mappings_under("volumes"):
        if volume.get("hostPath") is not None:
            yield Violation(volume.at("hostPath"), f"volume {volume.string_under('name')!r} is a hostPath")


def host_port_violations(pod: Pod) -> Iterator[Violation]:
    """No container takes a port of the host."""
    for container in pod.containers():
        for port in container.node.mappings_under("ports"):
            port_number = port.get("hostPort")
            if isinstance(port_number, int) and not isinstance(port_number, bool) and port_number != 0:
                yield Violation(port.at("hostPort"), f"hostPort is {port_number}", container.name)


def host_probe_violations(pod: Pod) -> Iterator[Violation]:
    """No probe and no lifecycle hook names a host (since 1.34): the kubelet would call it for the pod."""
    for container in pod.containers():
        lifecycle = container.node.mapping_at_path("lifecycle")
        for handler_owner, handler_keys in ((container.node, PROBE_FIELDS), (lifecycle, LIFECYCLE_HOOKS)):
            for handler_key in handler_keys:
                for handler_kind in ("httpGet", "tcpSocket"):
                    handler = handler_owner.mapping_at_path(handler_key, handler_kind)
                    if handler.string_under("host"):
                        description = f"{handler_key}.{handler_kind}.host is set"
                        yield Violation(handler.at("host"), description, container.name)


def apparmor_violations(pod: Pod) -> Iterator[Violation]:
    """The AppArmor profile, by field or by the older annotation, is the runtime's or a local one."""
    for container_name, security_context in security_contexts(pod):
        profile = security_context.mapping_at_path("appArmorProfile")
        profile_type = profile.get("type")
        if isinstance(profile_type, str) and profile_type not in {"RuntimeDefault", "Localhost"}:
            yield Violation(profile.at("type"), f"the AppArmor profile is {profile_type}", container_name)
    for annotation_key, annotation_value in pod.annotations.items():
        container_name = annotation_key.removeprefix(APPARMOR_ANNOTATION_PREFIX)
        if container_name == annotation_key or not isinstance(annotation_value, str):
            continue
        if annotation_value not in {"", "runtime/default"} and not annotation_value.startswith("localhost/"):
            yield Violation(pod.annotations.at(annotation_key), f"the AppArmor profile is {annotation_value}", container_name)


def selinux_violations(pod: Pod) -> Iterator[Violation]:
    """The SELinux type is one of the containers' types, user and role are not set."""
    for container_name, security_context in security_contexts(pod):
        selinux_options = security_context.mapping_at_path("seLinuxOptions")
        selinux_type = selinux_options.string_under("type")
        if selinux_type and selinux_type not in SELINUX_TYPES:
            yield Violation(selinux_options.at("type"), f"the SELinux type is {selinux_type}", container_name)
        for selinux_field in ("user", "role"):
            if selinux_options.string_under(selinux_field):
                yield Violation(selinux_options.at(selinux_field), f"the SELinux {selinux_field} is set", container_name)


def proc_mount_violations(pod: Pod) -> Iterator[Violation]:
    """/proc is mounted with the runtime's masks."""
    for container in pod.containers():
        proc_mount = container.security_context.get("procMount")
        if isinstance(proc_mount, str) and proc_mount != "Default":
            yield Violation(container.security_context.at("procMount"), f"procMount is {proc_mount}", container.name)


def baseline_proc_mount_violations(pod: Pod) -> Iterator[Violation]:
    """The same, waived where the pod has a user namespace of its own (since 1.35)."""
    if not has_user_namespace(pod):
        yield from proc_mount_violations(pod)


def baseline_seccomp_violations(pod: Pod) -> Iterator[Violation]:
    """No seccomp profile that is written is another than the runtime's or a local one."""
    for container_name, security_context in security_contexts(pod):
        profile = security_context.mapping_at_path("seccompProfile")
        profile_type = profile.get("type")
        if isinstance(profile_type, str) and profile_type not in ALLOWED_SECCOMP_TYPES:
            yield Violation(profile.at("type"), f"the seccomp profile is {profile_type}", container_name)


def sysctl_violations(pod: Pod) -> Iterator[Violation]:
    """Only kernel parameters that are safe for the neighbours are set."""
    for sysctl in pod_security_context(pod).mappings_under("sysctls"):
        sysctl_name = sysctl.string_under("name")
        if sysctl_name and sysctl_name not in property_by_fact_name("kernel-parameters", "safe"):
            yield Violation(sysctl.at("name"), f"sysctl {sysctl_name} is set")


# -- restricted ---------------------------------------------------------------------------------------------------


def volume_type_violations(pod: Pod) -> Iterator[Violation]:
    """Every volume is of a type that stays inside the pod or behind a claim; one without a source is an emptyDir."""
    for volume in pod.node.mappings_under("volumes"):
        source_types = [key for key, value in volume.items() if key != "name" and value is not None]
        if source_types and property_by_fact_name("kubernetes-volumes", "restricted").keys().isdisjoint(source_types):
            description = f"volume {volume.string_under('name')!r} is of type {source_types[0]}"
            yield Violation(volume.at(source_types[0]), description)


def privilege_escalation_violations(pod: Pod) -> Iterator[Violation]:
    """Every container says that its processes gain no privileges; waived for Windows."""
    if is_windows_pod(pod):
        return
    for container in pod.containers():
        allow_escalation = container.security_context.get("allowPrivilegeEscalation")
        if allow_escalation is True:
            span = container.security_context.at("allowPrivilegeEscalation")
            yield Violation(span, "allowPrivilegeEscalation is true", container.name)
        elif allow_escalation is None:
            description = "allowPrivilegeEscalation is not set to false"
            yield Violation(container.node.at(), description, container.name, is_missing_value=True)


def run_as_non_root_violations(pod: Pod) -> Iterator[Violation]:
    """Every container must not run as root; waived in a user namespace (since 1.35)."""
    if has_user_namespace(pod):
        return
    for container_name, security_context in security_contexts(pod):
        if security_context.get("runAsNonRoot") is False:
            yield Violation(security_context.at("runAsNonRoot"), "runAsNonRoot is false", container_name)
    if pod_security_context(pod).get("runAsNonRoot") is True:
        return
    for container in pod.containers():
        if container.security_context.get("runAsNonRoot") is None:
            description = "runAsNonRoot is not set to true"
            yield Violation(container.node.at(), description, container.name, is_missing_value=True)


def run_as_user_violations(pod: Pod) -> Iterator[Violation]:
    """No user is 0; waived in a user namespace (since 1.35)."""
    if has_user_namespace(pod):
        return
    for container_name, security_context in security_contexts(pod):
        if is_integer_equal_to(security_context.get("runAsUser"), 0):
            yield Violation(security_context.at("runAsUser"), "runAsUser is 0", container_name)


def restricted_seccomp_violations(pod: Pod) -> Iterator[Violation]:
    """A seccomp profile is in force for every container; waived for Windows."""
    if is_windows_pod(pod):
        return
    yield from baseline_seccomp_violations(pod)
    if pod_security_context(pod).mapping_at_path("seccompProfile").get("type") in ALLOWED_SECCOMP_TYPES:
        return
    for container in pod.containers():
        if not isinstance(container.security_context.mapping_at_path("seccompProfile").get("type"), str):
            description = "no seccomp profile is set"
            yield Violation(container.node.at(), description, container.name, is_missing_value=True)


def restricted_capability_violations(pod: Pod) -> Iterator[Violation]:
    """All capabilities are dropped, and at most NET_BIND_SERVICE comes back; waived for Windows."""
    if is_windows_pod(pod):
        return
    for container in pod.containers():
        dropped_capabilities = container.security_context.mapping_at_path("capabilities").get("drop")
        if not isinstance(dropped_capabilities, Seq) or "ALL" not in dropped_capabilities:
            span = container.security_context.mapping_at_path("capabilities").at("drop")
            description = "capability ALL is not dropped"
            yield Violation(span, description, container.name, is_missing_value=True)
        yield from added_capability_violations(container, frozenset({"NET_BIND_SERVICE"}))


BASELINE_CHECK_BY_CONTROL: dict[str, ControlCheck] = {
    "baseline-host-process": host_process_violations,
    "baseline-host-namespaces": host_namespace_violations,
    "baseline-privileged": privileged_violations,
    "baseline-capabilities": baseline_capability_violations,
    "baseline-host-path": host_path_violations,
    "baseline-host-ports": host_port_violations,
    "baseline-host-probes": host_probe_violations,
    "baseline-apparmor": apparmor_violations,
    "baseline-selinux": selinux_violations,
    "baseline-proc-mount": baseline_proc_mount_violations,
    "baseline-seccomp": baseline_seccomp_violations,
    "baseline-sysctls": sysctl_violations,
}
RESTRICTED_CHECK_BY_CONTROL: dict[str, ControlCheck] = {
    "restricted-volume-types": volume_type_violations,
    "restricted-privilege-escalation": privilege_escalation_violations,
    "restricted-run-as-non-root": run_as_non_root_violations,
    "restricted-run-as-user": run_as_user_violations,
    "restricted-seccomp": restricted_seccomp_violations,
    "restricted-capabilities": restricted_capability_violations,
    "restricted-proc-mount": proc_mount_violations,
}
# The restricted control says all that these say, and is asked in their place.
BASELINE_CONTROLS_IN_RESTRICTED = frozenset({"baseline-capabilities", "baseline-host-path", "baseline-proc-mount", "baseline-seccomp"})
CHECK_BY_CONTROL = BASELINE_CHECK_BY_CONTROL | RESTRICTED_CHECK_BY_CONTROL


def violations_of(pod: Pod, name: str) -> Iterator[Violation]:
    """The violations of one control in a pod, by the control's name in the Pod Security Standards."""
    for violation in CHECK_BY_CONTROL[name](pod):
        yield replace(violation, control=name)


def violations_by_level(pod: Pod) -> dict[str, list[Violation]]:
    """For each level the reasons why the pod is not admitted; an empty list is a yes."""
    violations_by_control = {name: list(violations_of(pod, name)) for name in BASELINE_CHECK_BY_CONTROL}
    kept_baseline_violations = [
        one for name, violations in violations_by_control.items() if name not in BASELINE_CONTROLS_IN_RESTRICTED for one in violations
    ]
    return {
        "privileged": [],
        "baseline": [one for violations in violations_by_control.values() for one in violations],
        "restricted": kept_baseline_violations + [one for name in RESTRICTED_CHECK_BY_CONTROL for one in violations_of(pod, name)],
    }


# -- the check of every rule --------------------------------------------------------------------------------------


def pss_control_broken(pod: Pod, *, name: str) -> CheckOutcome:
    """The pod violates one control of the Pod Security Standards."""
    for violation in violations_of(pod, name):
        make_hit = missing if violation.is_missing_value else hit
        yield make_hit(
            violation.span,
            container=violation.container,
            what=violation.description,
            where=subject_text(violation, pod),
        )


def subject_text(violation: Violation, pod: Pod) -> str:
    """The container or the workload of a violation, for messages."""
    return f"container {violation.container!r}" if violation.container else pod.resource
