"""Seccomp, AppArmor, SELinux, kernel parameters and /proc: how a container is confined."""

from __future__ import annotations

from readiness.checks.k8s.pss import APPARMOR_ANNOTATION
from readiness.facts.table import fact_column
from readiness.kinds.k8s.effective import (
    effective_security,
    is_variable,
    linux_containers,
    pod_security_context,
)
from readiness.kinds.k8s.model import Container, Pod
from readiness.model import CheckOutcome, Severity, Undecidable, hit, missing
from readiness.syntax.yaml import Map

# Read by no Kubernetes since 1.27.
SECCOMP_ANNOTATIONS = (
    "container.seccomp.security.alpha.kubernetes.io/",
    "seccomp.security.alpha.kubernetes.io/pod",
)


def seccomp_missing(pod: Pod, *, allow_local: bool = True) -> CheckOutcome:
    """A container has no seccomp profile in force; without `allow_local`, one other than the runtime's counts too."""
    for container in linux_containers(pod):
        profile = effective_security(container, "seccompProfile")
        kind = profile.get("type") if isinstance(profile, Map) else None
        if is_variable(kind):
            yield Undecidable(container.node.at())
        elif kind is None and not has_seccomp_annotation(container):
            yield missing(container.node.at(), container=container.name, name=container.name)
        elif kind == "Localhost" and not allow_local:
            own = container.security_context.mapping_at_path("seccompProfile")
            owner = own if own.get("type") is not None else pod_security_context(pod).mapping_at_path("seccompProfile")
            yield hit(owner.at("type"), container=container.name, name=container.name)


def has_seccomp_annotation(container: Container) -> bool:
    """Whether one of the old seccomp annotations is for this container."""
    own, whole = SECCOMP_ANNOTATIONS[0] + container.name, SECCOMP_ANNOTATIONS[1]
    return any(key in owner for owner in (container.pod.annotations, container.pod.owner.annotations) for key in (own, whole))


def seccomp_annotation(pod: Pod) -> CheckOutcome:
    """An old seccomp annotation, where no field says the same."""
    if pod.windows or all(effective_security(c, "seccompProfile") is not None for c in pod.containers()):
        return
    for key in pod.annotations:
        if key.startswith(SECCOMP_ANNOTATIONS):
            yield hit(pod.annotations.key_span(key), key=key)


def profile_unconfined(pod: Pod, *, key: str) -> CheckOutcome:
    """The seccomp or AppArmor profile of the pod or of a container is Unconfined."""
    for name, security in ((c.name, c.security_context) for c in pod.containers()):
        profile = security.mapping_at_path(key)
        if profile.get("type") == "Unconfined":
            yield hit(profile.at("type"), container=name, who=f"container {name!r}")
    profile = pod_security_context(pod).mapping_at_path(key)
    if profile.get("type") == "Unconfined":
        yield hit(profile.at("type"), who=pod.resource)
    if key == "appArmorProfile":
        for name, value in pod.annotations.items():
            if name.startswith(APPARMOR_ANNOTATION) and value == "unconfined":
                who = f"container {name.removeprefix(APPARMOR_ANNOTATION)!r}"
                yield hit(pod.annotations.at(name), who=who)


def security_option_unset(pod: Pod, *, key: str) -> CheckOutcome:
    """Neither the pod nor a container sets a field of its securityContext."""
    if pod.windows or pod_security_context(pod).get(key) is not None:
        return
    if not any(c.security_context.get(key) is not None for c in pod.containers()):
        yield missing(pod.node.at(), key=key)


def windows_unset(pod: Pod, *, key: str) -> CheckOutcome:
    """A Windows pod leaves an option of windowsOptions unset, for itself and for a container."""
    shared = pod_security_context(pod).mapping_at_path("windowsOptions")
    speaks = bool(shared) or any(c.security_context.mapping_at_path("windowsOptions") for c in pod.containers())
    if not (pod.windows or speaks) or shared.get(key) is not None:
        return
    for container in pod.containers():
        if container.security_context.mapping_at_path("windowsOptions").get(key) is None:
            yield missing(container.node.at(), container=container.name, name=container.name)


def windows_host_process(pod: Pod) -> CheckOutcome:
    """A Windows container runs as a process of the node; medium in a DaemonSet, which looks after its node.

    A container repeats what its pod says.
    """
    severity = Severity.MEDIUM if pod.kind == "DaemonSet" else None
    options = pod_security_context(pod).mapping_at_path("windowsOptions")
    if options.get("hostProcess") is True:
        yield hit(options.at("hostProcess"), severity=severity, container="")
        return
    for container in pod.containers():
        options = container.security_context.mapping_at_path("windowsOptions")
        if options.get("hostProcess") is True:
            yield hit(options.at("hostProcess"), severity=severity, container=container.name)


def sysctl_unsafe(pod: Pod) -> CheckOutcome:
    """A kernel parameter that the kubelet does not allow unless it is told to."""
    for item in pod_security_context(pod).mappings_under("sysctls"):
        name = item.string_under("name")
        if is_variable(name):
            yield Undecidable(item.at("name"))
        elif name and name.replace("/", ".") not in fact_column("kernel-parameters", "safe"):
            yield hit(item.at("name"), sysctl=name)


def proc_mount_unmasked(container: Container) -> CheckOutcome:
    """/proc is mounted without the runtime's masks."""
    value = container.security_context.get("procMount")
    if isinstance(value, str) and value != "Default" and container.pod.node.get("hostUsers") is not False:
        yield hit(container.security_context.at("procMount"), value=value)
