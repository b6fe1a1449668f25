"""The Pod Security Standards, control by control, as their newest version has them.

Each control is a function from a pod to violations. `violations_by_level` answers "would this pod be admitted, and
if not why"; the rules, one a control, and the rule on a namespace's own label share it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

from readiness.facts.table import fact_column
from readiness.kinds.k8s.effective import has_user_namespace, pod_security_context
from readiness.kinds.k8s.model import PROBE_FIELDS, Container, Pod
from readiness.model import CheckOutcome, Span, hit, missing
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
APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"
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


def is_number(value: Any, wanted: int) -> bool:
    """Whether a value is this number (`false` is not 0)."""
    return isinstance(value, int) and not isinstance(value, bool) and value == wanted


# -- baseline -----------------------------------------------------------------------------------------------------


def host_process_violations(pod: Pod) -> Iterator[Violation]:
    """No container of a Windows pod is a process of the host."""
    for name, security in security_contexts(pod):
        options = security.mapping_at_path("windowsOptions")
        if options.get("hostProcess") is True:
            yield Violation(options.at("hostProcess"), "hostProcess is true", name)


def host_namespace_violations(pod: Pod) -> Iterator[Violation]:
    """The pod shares neither network, processes nor IPC with the host."""
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.node.get(key) is True:
            yield Violation(pod.node.at(key), f"{key} is true")


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
    for index, name in enumerate(capabilities):
        if isinstance(name, str) and name not in allowed:
            yield Violation(capabilities.at(index), f"capability {name} is added", container.name)


def baseline_capability_violations(pod: Pod) -> Iterator[Violation]:
    """No capability beyond the runtime's default set is added."""
    for container in pod.containers():
        yield from added_capability_violations(container, fact_column("linux-capabilities", "baseline"))


def host_path_violations(pod: Pod) -> Iterator[Violation]:
    """No volume is a folder of the host."""
    for volume in pod.node.mappings_under("volumes"):
        if volume.get("hostPath") is not None:
            yield Violation(volume.at("hostPath"), f"volume {volume.string_under('name')!r} is a hostPath")


def host_port_violations(pod: Pod) -> Iterator[Violation]:
    """No container takes a port of the host."""
    for container in pod.containers():
        for port in container.node.mappings_under("ports"):
            number = port.get("hostPort")
            if isinstance(number, int) and not isinstance(number, bool) and number != 0:
                yield Violation(port.at("hostPort"), f"hostPort is {number}", container.name)


def host_probe_violations(pod: Pod) -> Iterator[Violation]:
    """No probe and no lifecycle hook names a host (since 1.34): the kubelet would call it for the pod."""
    for container in pod.containers():
        lifecycle = container.node.mapping_at_path("lifecycle")
        for owner, keys in ((container.node, PROBE_FIELDS), (lifecycle, LIFECYCLE_HOOKS)):
            for key in keys:
                for way in ("httpGet", "tcpSocket"):
                    action = owner.mapping_at_path(key, way)
                    if action.string_under("host"):
                        what = f"{key}.{way}.host is set"
                        yield Violation(action.at("host"), what, container.name)


def apparmor_violations(pod: Pod) -> Iterator[Violation]:
    """The AppArmor profile, by field or by the older annotation, is the runtime's or a local one."""
    for name, security in security_contexts(pod):
        profile = security.mapping_at_path("appArmorProfile")
        kind = profile.get("type")
        if isinstance(kind, str) and kind not in {"RuntimeDefault", "Localhost"}:
            yield Violation(profile.at("type"), f"the AppArmor profile is {kind}", name)
    for key, value in pod.annotations.items():
        name = key.removeprefix(APPARMOR_ANNOTATION)
        if name == key or not isinstance(value, str):
            continue
        if value not in {"", "runtime/default"} and not value.startswith("localhost/"):
            yield Violation(pod.annotations.at(key), f"the AppArmor profile is {value}", name)


def selinux_violations(pod: Pod) -> Iterator[Violation]:
    """The SELinux type is one of the containers' types, user and role are not set."""
    for name, security in security_contexts(pod):
        options = security.mapping_at_path("seLinuxOptions")
        kind = options.string_under("type")
        if kind and kind not in SELINUX_TYPES:
            yield Violation(options.at("type"), f"the SELinux type is {kind}", name)
        for key in ("user", "role"):
            if options.string_under(key):
                yield Violation(options.at(key), f"the SELinux {key} is set", name)


def proc_mount_violations(pod: Pod) -> Iterator[Violation]:
    """/proc is mounted with the runtime's masks."""
    for container in pod.containers():
        value = container.security_context.get("procMount")
        if isinstance(value, str) and value != "Default":
            yield Violation(container.security_context.at("procMount"), f"procMount is {value}", container.name)


def baseline_proc_mount_violations(pod: Pod) -> Iterator[Violation]:
    """The same, waived where the pod has a user namespace of its own (since 1.35)."""
    if not has_user_namespace(pod):
        yield from proc_mount_violations(pod)


def baseline_seccomp_violations(pod: Pod) -> Iterator[Violation]:
    """No seccomp profile that is written is another than the runtime's or a local one."""
    for name, security in security_contexts(pod):
        profile = security.mapping_at_path("seccompProfile")
        kind = profile.get("type")
        if isinstance(kind, str) and kind not in ALLOWED_SECCOMP_TYPES:
            yield Violation(profile.at("type"), f"the seccomp profile is {kind}", name)


def sysctl_violations(pod: Pod) -> Iterator[Violation]:
    """Only kernel parameters that are safe for the neighbours are set."""
    for item in pod_security_context(pod).mappings_under("sysctls"):
        name = item.string_under("name")
        if name and name not in fact_column("kernel-parameters", "safe"):
            yield Violation(item.at("name"), f"sysctl {name} is set")


# -- restricted ---------------------------------------------------------------------------------------------------


def volume_type_violations(pod: Pod) -> Iterator[Violation]:
    """Every volume is of a type that stays inside the pod or behind a claim; one without a source is an emptyDir."""
    for volume in pod.node.mappings_under("volumes"):
        sources = [key for key, value in volume.items() if key != "name" and value is not None]
        if sources and fact_column("kubernetes-volumes", "restricted").keys().isdisjoint(sources):
            what = f"volume {volume.string_under('name')!r} is of type {sources[0]}"
            yield Violation(volume.at(sources[0]), what)


def privilege_escalation_violations(pod: Pod) -> Iterator[Violation]:
    """Every container says that its processes gain no privileges; waived for Windows."""
    if is_windows_pod(pod):
        return
    for container in pod.containers():
        value = container.security_context.get("allowPrivilegeEscalation")
        if value is True:
            span = container.security_context.at("allowPrivilegeEscalation")
            yield Violation(span, "allowPrivilegeEscalation is true", container.name)
        elif value is None:
            what = "allowPrivilegeEscalation is not set to false"
            yield Violation(container.node.at(), what, container.name, is_missing_value=True)


def run_as_non_root_violations(pod: Pod) -> Iterator[Violation]:
    """Every container must not run as root; waived in a user namespace (since 1.35)."""
    if has_user_namespace(pod):
        return
    for name, security in security_contexts(pod):
        if security.get("runAsNonRoot") is False:
            yield Violation(security.at("runAsNonRoot"), "runAsNonRoot is false", name)
    if pod_security_context(pod).get("runAsNonRoot") is True:
        return
    for container in pod.containers():
        if container.security_context.get("runAsNonRoot") is None:
            what = "runAsNonRoot is not set to true"
            yield Violation(container.node.at(), what, container.name, is_missing_value=True)


def run_as_user_violations(pod: Pod) -> Iterator[Violation]:
    """No user is 0; waived in a user namespace (since 1.35)."""
    if has_user_namespace(pod):
        return
    for name, security in security_contexts(pod):
        if is_number(security.get("runAsUser"), 0):
            yield Violation(security.at("runAsUser"), "runAsUser is 0", name)


def restricted_seccomp_violations(pod: Pod) -> Iterator[Violation]:
    """A seccomp profile is in force for every container; waived for Windows."""
    if is_windows_pod(pod):
        return
    yield from baseline_seccomp_violations(pod)
    if pod_security_context(pod).mapping_at_path("seccompProfile").get("type") in ALLOWED_SECCOMP_TYPES:
        return
    for container in pod.containers():
        if not isinstance(container.security_context.mapping_at_path("seccompProfile").get("type"), str):
            what = "no seccomp profile is set"
            yield Violation(container.node.at(), what, container.name, is_missing_value=True)


def restricted_capability_violations(pod: Pod) -> Iterator[Violation]:
    """All capabilities are dropped, and at most NET_BIND_SERVICE comes back; waived for Windows."""
    if is_windows_pod(pod):
        return
    for container in pod.containers():
        drop = container.security_context.mapping_at_path("capabilities").get("drop")
        if not isinstance(drop, Seq) or "ALL" not in drop:
            span = container.security_context.mapping_at_path("capabilities").at("drop")
            what = "capability ALL is not dropped"
            yield Violation(span, what, container.name, is_missing_value=True)
        yield from added_capability_violations(container, frozenset({"NET_BIND_SERVICE"}))


BASELINE_CONTROLS: dict[str, ControlCheck] = {
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
RESTRICTED_CONTROLS: dict[str, ControlCheck] = {
    "restricted-volume-types": volume_type_violations,
    "restricted-privilege-escalation": privilege_escalation_violations,
    "restricted-run-as-non-root": run_as_non_root_violations,
    "restricted-run-as-user": run_as_user_violations,
    "restricted-seccomp": restricted_seccomp_violations,
    "restricted-capabilities": restricted_capability_violations,
    "restricted-proc-mount": proc_mount_violations,
}
# The restricted control says all that these say, and is asked in their place.
BASELINE_CONTROLS_SUBSUMED = frozenset(
    {"baseline-capabilities", "baseline-host-path", "baseline-proc-mount", "baseline-seccomp"}
)
CHECK_BY_CONTROL = BASELINE_CONTROLS | RESTRICTED_CONTROLS


def violations_of(pod: Pod, name: str) -> Iterator[Violation]:
    """The violations of one control in a pod, by the control's name in the Pod Security Standards."""
    for violation in CHECK_BY_CONTROL[name](pod):
        yield replace(violation, control=name)


def violations_by_level(pod: Pod) -> dict[str, list[Violation]]:
    """For each level the reasons why the pod is not admitted; an empty list is a yes."""
    baseline = {name: list(violations_of(pod, name)) for name in BASELINE_CONTROLS}
    kept = [one for name, violations in baseline.items() if name not in BASELINE_CONTROLS_SUBSUMED for one in violations]
    return {
        "privileged": [],
        "baseline": [one for violations in baseline.values() for one in violations],
        "restricted": kept + [one for name in RESTRICTED_CONTROLS for one in violations_of(pod, name)],
    }


# -- the check of every rule --------------------------------------------------------------------------------------


def pss_control_broken(pod: Pod, *, name: str) -> CheckOutcome:
    """The pod violates one control of the Pod Security Standards."""
    for violation in violations_of(pod, name):
        make = missing if violation.is_missing_value else hit
        yield make(
            violation.span,
            container=violation.container,
            what=violation.description,
            where=subject_text(violation, pod),
        )


def subject_text(violation: Violation, pod: Pod) -> str:
    """The container or the workload of a violation, for messages."""
    return f"container {violation.container!r}" if violation.container else pod.resource
