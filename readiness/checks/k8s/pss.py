"""The Pod Security Standards, control by control, as their newest version has them.

Each control is a function from a pod to violations. `verdict` answers "would this pod be admitted, and if not
why"; the rules, one a control, and the rule on a namespace's own label share it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

from readiness.facts.table import column
from readiness.kinds.k8s.model import PROBES, Container, Pod
from readiness.model import Outcome, Span, hit, missing
from readiness.syntax.yaml import Map, Seq


@dataclass(frozen=True, slots=True)
class Violation:
    """One reason why a pod is not admitted: where, what stands there, in which container."""

    span: Span
    what: str
    container: str = ""
    absent: bool = False
    control: str = ""


Control = Callable[[Pod], Iterator[Violation]]

SELINUX_TYPES = frozenset(
    {"container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
)
SECCOMP = frozenset({"RuntimeDefault", "Localhost"})
APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"
HOOKS = ("postStart", "preStop")


# -- what the controls ask of a pod -------------------------------------------------------------------------------


def is_windows_pod(pod: Pod) -> bool:
    """Whether the standards' waivers for Windows apply: only `os.name` says so."""
    return pod.node.dig("os").get("name") == "windows"


def has_user_namespace(pod: Pod) -> bool:
    """Whether the pod has a user namespace of its own, in which root is nobody on the host."""
    return pod.node.get("hostUsers") is False


def pod_context(pod: Pod) -> Map:
    """The pod's own securityContext."""
    return pod.node.dig("securityContext")


def security_contexts(pod: Pod) -> Iterator[tuple[str, Map]]:
    """The pod's securityContext, then each container's, with the container's name."""
    yield "", pod_context(pod)
    for container in pod.containers():
        yield container.name, container.security


def is_number(value: Any, wanted: int) -> bool:
    """Whether a value is this number (`false` is not 0)."""
    return isinstance(value, int) and not isinstance(value, bool) and value == wanted


# -- baseline -----------------------------------------------------------------------------------------------------


def host_process(pod: Pod) -> Iterator[Violation]:
    """No container of a Windows pod is a process of the host."""
    for name, security in security_contexts(pod):
        options = security.dig("windowsOptions")
        if options.get("hostProcess") is True:
            yield Violation(options.at("hostProcess"), "hostProcess is true", name)


def host_namespaces(pod: Pod) -> Iterator[Violation]:
    """The pod shares neither network, processes nor IPC with the host."""
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.node.get(key) is True:
            yield Violation(pod.node.at(key), f"{key} is true")


def privileged(pod: Pod) -> Iterator[Violation]:
    """Violations of "Privileged Containers": `privileged: true` in any container."""
    for container in pod.containers():
        if container.security.get("privileged") is True:
            yield Violation(
                container.security.at("privileged"), "privileged is true", container.name
            )


def capabilities_added(container: Container, allowed: Collection[str]) -> Iterator[Violation]:
    """Capabilities that a container adds although they are not allowed."""
    capabilities = container.security.dig("capabilities").get("add")
    if not isinstance(capabilities, Seq):
        return
    for index, name in enumerate(capabilities):
        if isinstance(name, str) and name not in allowed:
            yield Violation(capabilities.at(index), f"capability {name} is added", container.name)


def capabilities_baseline(pod: Pod) -> Iterator[Violation]:
    """No capability beyond the runtime's default set is added."""
    for container in pod.containers():
        yield from capabilities_added(container, column("linux-capabilities", "baseline"))


def host_path(pod: Pod) -> Iterator[Violation]:
    """No volume is a folder of the host."""
    for volume in pod.node.entries("volumes"):
        if volume.get("hostPath") is not None:
            yield Violation(volume.at("hostPath"), f"volume {volume.text('name')!r} is a hostPath")


def host_ports(pod: Pod) -> Iterator[Violation]:
    """No container takes a port of the host."""
    for container in pod.containers():
        for port in container.node.entries("ports"):
            number = port.get("hostPort")
            if isinstance(number, int) and not isinstance(number, bool) and number != 0:
                yield Violation(port.at("hostPort"), f"hostPort is {number}", container.name)


def host_probes(pod: Pod) -> Iterator[Violation]:
    """No probe and no lifecycle hook names a host (since 1.34): the kubelet would call it for the pod."""
    for container in pod.containers():
        lifecycle = container.node.dig("lifecycle")
        for owner, keys in ((container.node, PROBES), (lifecycle, HOOKS)):
            for key in keys:
                for way in ("httpGet", "tcpSocket"):
                    action = owner.dig(key, way)
                    if action.text("host"):
                        what = f"{key}.{way}.host is set"
                        yield Violation(action.at("host"), what, container.name)


def apparmor(pod: Pod) -> Iterator[Violation]:
    """The AppArmor profile, by field or by the older annotation, is the runtime's or a local one."""
    for name, security in security_contexts(pod):
        profile = security.dig("appArmorProfile")
        kind = profile.get("type")
        if isinstance(kind, str) and kind not in {"RuntimeDefault", "Localhost"}:
            yield Violation(profile.at("type"), f"the AppArmor profile is {kind}", name)
    for key, value in pod.annotations.items():
        name = key.removeprefix(APPARMOR_ANNOTATION)
        if name == key or not isinstance(value, str):
            continue
        if value not in {"", "runtime/default"} and not value.startswith("localhost/"):
            yield Violation(pod.annotations.at(key), f"the AppArmor profile is {value}", name)


def selinux(pod: Pod) -> Iterator[Violation]:
    """The SELinux type is one of the containers' types, user and role are not set."""
    for name, security in security_contexts(pod):
        options = security.dig("seLinuxOptions")
        kind = options.text("type")
        if kind and kind not in SELINUX_TYPES:
            yield Violation(options.at("type"), f"the SELinux type is {kind}", name)
        for key in ("user", "role"):
            if options.text(key):
                yield Violation(options.at(key), f"the SELinux {key} is set", name)


def proc_mount(pod: Pod) -> Iterator[Violation]:
    """/proc is mounted with the runtime's masks."""
    for container in pod.containers():
        value = container.security.get("procMount")
        if isinstance(value, str) and value != "Default":
            yield Violation(
                container.security.at("procMount"), f"procMount is {value}", container.name
            )


def proc_mount_baseline(pod: Pod) -> Iterator[Violation]:
    """The same, waived where the pod has a user namespace of its own (since 1.35)."""
    if not has_user_namespace(pod):
        yield from proc_mount(pod)


def seccomp_baseline(pod: Pod) -> Iterator[Violation]:
    """No seccomp profile that is written is another than the runtime's or a local one."""
    for name, security in security_contexts(pod):
        profile = security.dig("seccompProfile")
        kind = profile.get("type")
        if isinstance(kind, str) and kind not in SECCOMP:
            yield Violation(profile.at("type"), f"the seccomp profile is {kind}", name)


def sysctls(pod: Pod) -> Iterator[Violation]:
    """Only kernel parameters that are safe for the neighbours are set."""
    for item in pod_context(pod).entries("sysctls"):
        name = item.text("name")
        if name and name not in column("kernel-parameters", "safe"):
            yield Violation(item.at("name"), f"sysctl {name} is set")


# -- restricted ---------------------------------------------------------------------------------------------------


def volume_types(pod: Pod) -> Iterator[Violation]:
    """Every volume is of a type that stays inside the pod or behind a claim; one without a source is an emptyDir."""
    for volume in pod.node.entries("volumes"):
        sources = [key for key, value in volume.items() if key != "name" and value is not None]
        if sources and column("kubernetes-volumes", "restricted").keys().isdisjoint(sources):
            what = f"volume {volume.text('name')!r} is of type {sources[0]}"
            yield Violation(volume.at(sources[0]), what)


def privilege_escalation(pod: Pod) -> Iterator[Violation]:
    """Every container says that its processes gain no privileges; waived for Windows."""
    if is_windows_pod(pod):
        return
    for container in pod.containers():
        value = container.security.get("allowPrivilegeEscalation")
        if value is True:
            span = container.security.at("allowPrivilegeEscalation")
            yield Violation(span, "allowPrivilegeEscalation is true", container.name)
        elif value is None:
            what = "allowPrivilegeEscalation is not set to false"
            yield Violation(container.node.at(), what, container.name, absent=True)


def run_as_non_root(pod: Pod) -> Iterator[Violation]:
    """Every container must not run as root; waived in a user namespace (since 1.35)."""
    if has_user_namespace(pod):
        return
    for name, security in security_contexts(pod):
        if security.get("runAsNonRoot") is False:
            yield Violation(security.at("runAsNonRoot"), "runAsNonRoot is false", name)
    if pod_context(pod).get("runAsNonRoot") is True:
        return
    for container in pod.containers():
        if container.security.get("runAsNonRoot") is None:
            what = "runAsNonRoot is not set to true"
            yield Violation(container.node.at(), what, container.name, absent=True)


def run_as_user(pod: Pod) -> Iterator[Violation]:
    """No user is 0; waived in a user namespace (since 1.35)."""
    if has_user_namespace(pod):
        return
    for name, security in security_contexts(pod):
        if is_number(security.get("runAsUser"), 0):
            yield Violation(security.at("runAsUser"), "runAsUser is 0", name)


def seccomp_restricted(pod: Pod) -> Iterator[Violation]:
    """A seccomp profile is in force for every container; waived for Windows."""
    if is_windows_pod(pod):
        return
    yield from seccomp_baseline(pod)
    if pod_context(pod).dig("seccompProfile").get("type") in SECCOMP:
        return
    for container in pod.containers():
        if not isinstance(container.security.dig("seccompProfile").get("type"), str):
            what = "no seccomp profile is set"
            yield Violation(container.node.at(), what, container.name, absent=True)


def capabilities_restricted(pod: Pod) -> Iterator[Violation]:
    """All capabilities are dropped, and at most NET_BIND_SERVICE comes back; waived for Windows."""
    if is_windows_pod(pod):
        return
    for container in pod.containers():
        drop = container.security.dig("capabilities").get("drop")
        if not isinstance(drop, Seq) or "ALL" not in drop:
            span = container.security.dig("capabilities").at("drop")
            what = "capability ALL is not dropped"
            yield Violation(span, what, container.name, absent=True)
        yield from capabilities_added(container, frozenset({"NET_BIND_SERVICE"}))


BASELINE: dict[str, Control] = {
    "baseline-host-process": host_process,
    "baseline-host-namespaces": host_namespaces,
    "baseline-privileged": privileged,
    "baseline-capabilities": capabilities_baseline,
    "baseline-host-path": host_path,
    "baseline-host-ports": host_ports,
    "baseline-host-probes": host_probes,
    "baseline-apparmor": apparmor,
    "baseline-selinux": selinux,
    "baseline-proc-mount": proc_mount_baseline,
    "baseline-seccomp": seccomp_baseline,
    "baseline-sysctls": sysctls,
}
RESTRICTED: dict[str, Control] = {
    "restricted-volume-types": volume_types,
    "restricted-privilege-escalation": privilege_escalation,
    "restricted-run-as-non-root": run_as_non_root,
    "restricted-run-as-user": run_as_user,
    "restricted-seccomp": seccomp_restricted,
    "restricted-capabilities": capabilities_restricted,
    "restricted-proc-mount": proc_mount,
}
# The restricted control says all that these say, and is asked in their place.
OVERRIDDEN = frozenset(
    {"baseline-capabilities", "baseline-host-path", "baseline-proc-mount", "baseline-seccomp"}
)
CONTROLS = BASELINE | RESTRICTED


def violations_of(pod: Pod, name: str) -> Iterator[Violation]:
    """The violations of one control in a pod, by the control's name in the Pod Security Standards."""
    for violation in CONTROLS[name](pod):
        yield replace(violation, control=name)


def levels_refused(pod: Pod) -> dict[str, list[Violation]]:
    """For each level the reasons why the pod is not admitted; an empty list is a yes."""
    baseline = {name: list(violations_of(pod, name)) for name in BASELINE}
    kept = [
        one for name, violations in baseline.items() if name not in OVERRIDDEN for one in violations
    ]
    return {
        "privileged": [],
        "baseline": [one for violations in baseline.values() for one in violations],
        "restricted": kept + [one for name in RESTRICTED for one in violations_of(pod, name)],
    }


# -- the check of every rule --------------------------------------------------------------------------------------


def pss_control_broken(pod: Pod, *, name: str) -> Outcome:
    """The pod violates one control of the Pod Security Standards."""
    for violation in violations_of(pod, name):
        make = missing if violation.absent else hit
        yield make(
            violation.span,
            container=violation.container,
            what=violation.what,
            where=subject_text(violation, pod),
        )


def subject_text(violation: Violation, pod: Pod) -> str:
    """The container or the workload of a violation, for messages."""
    return f"container {violation.container!r}" if violation.container else pod.resource
