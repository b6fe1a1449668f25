"""Seccomp, AppArmor, SELinux, kernel parameters and /proc: how a container is confined."""

from __future__ import annotations

from readiness.checks.k8s.intruders import lowered_unless_reached
from readiness.checks.k8s.pss import APPARMOR_ANNOTATION_PREFIX
from readiness.facts.table import property_by_fact_name
from readiness.kinds.k8s.effective import (
    effective_security_setting,
    is_filled_in_value,
    linux_containers,
    pod_security_context,
)
from readiness.kinds.k8s.model import Container, Pod
from readiness.kinds.k8s.openshift import has_default_constraints
from readiness.model import CheckOutcome, Undecidable, hit, missing
from readiness.model.project import Project
from readiness.syntax.yaml import Map

# Read by no Kubernetes since 1.27.
SECCOMP_ANNOTATION_PREFIXES = (
    "container.seccomp.security.alpha.kubernetes.io/",
    "seccomp.security.alpha.kubernetes.io/pod",
)


def seccomp_missing(pod: Pod, project: Project, *, allow_local: bool = True) -> CheckOutcome:
    """A container has no seccomp profile in force; without `allow_local`, one other than the runtime's counts too.

    A privileged container runs unconfined whatever its profile is: that it is privileged is told by itself. OpenShift's default constraints give
    the runtime's profile.
    """
    if has_default_constraints(pod, project):
        return
    for container in linux_containers(pod):
        if container.security_context.get("privileged") is True:
            continue
        effective_profile = effective_security_setting(container, "seccompProfile")
        profile_type = effective_profile.get("type") if isinstance(effective_profile, Map) else None
        if is_filled_in_value(profile_type):
            yield Undecidable(container.node.at())
        elif profile_type is None and not has_seccomp_annotation(container):
            yield missing(container.node.at(), container=container.name, name=container.name)
        elif profile_type == "Localhost" and not allow_local:
            container_profile = container.security_context.mapping_at_path("seccompProfile")
            written_profile = (
                container_profile if container_profile.get("type") is not None else pod_security_context(pod).mapping_at_path("seccompProfile")
            )
            yield hit(written_profile.at("type"), container=container.name, name=container.name)


def has_seccomp_annotation(container: Container) -> bool:
    """Whether one of the old seccomp annotations is for this container."""
    container_key, pod_key = SECCOMP_ANNOTATION_PREFIXES[0] + container.name, SECCOMP_ANNOTATION_PREFIXES[1]
    return any(
        key in annotation_map for annotation_map in (container.pod.annotations, container.pod.owner.annotations) for key in (container_key, pod_key)
    )


def seccomp_annotation(pod: Pod) -> CheckOutcome:
    """An old seccomp annotation, where no field says the same."""
    if pod.windows or all(effective_security_setting(c, "seccompProfile") is not None for c in pod.containers()):
        return
    for annotation_key in pod.annotations:
        if annotation_key.startswith(SECCOMP_ANNOTATION_PREFIXES):
            yield hit(pod.annotations.key_span(annotation_key), key=annotation_key)


def profile_unconfined(pod: Pod, *, key: str) -> CheckOutcome:
    """The seccomp or AppArmor profile of the pod or of a container is Unconfined."""
    for name, security_context in ((c.name, c.security_context) for c in pod.containers()):
        profile = security_context.mapping_at_path(key)
        if profile.get("type") == "Unconfined":
            yield hit(profile.at("type"), container=name, who=f"container {name!r}")
    profile = pod_security_context(pod).mapping_at_path(key)
    if profile.get("type") == "Unconfined":
        yield hit(profile.at("type"), who=pod.resource)
    if key == "appArmorProfile":
        for name, annotation_value in pod.annotations.items():
            if name.startswith(APPARMOR_ANNOTATION_PREFIX) and annotation_value == "unconfined":
                container_description = f"container {name.removeprefix(APPARMOR_ANNOTATION_PREFIX)!r}"
                yield hit(pod.annotations.at(name), who=container_description)


def security_option_unset(pod: Pod, *, key: str) -> CheckOutcome:
    """Neither the pod nor a container sets a field of its securityContext."""
    if pod.windows or pod_security_context(pod).get(key) is not None:
        return
    if not any(c.security_context.get(key) is not None for c in pod.containers()):
        yield missing(pod.node.at(), key=key)


def windows_unset(pod: Pod, *, key: str) -> CheckOutcome:
    """A Windows pod leaves an option of windowsOptions unset, for itself and for a container."""
    pod_options = pod_security_context(pod).mapping_at_path("windowsOptions")
    has_windows_options = bool(pod_options) or any(c.security_context.mapping_at_path("windowsOptions") for c in pod.containers())
    if not (pod.windows or has_windows_options) or pod_options.get(key) is not None:
        return
    for container in pod.containers():
        if container.security_context.mapping_at_path("windowsOptions").get(key) is None:
            yield missing(container.node.at(), container=container.name, name=container.name)


def windows_host_process(pod: Pod, *, project: Project) -> CheckOutcome:
    """A Windows container runs as a process of the node; medium but for a server that takes requests and has no work on its node.

    A container repeats what its pod says.
    """
    windows_options = pod_security_context(pod).mapping_at_path("windowsOptions")
    if windows_options.get("hostProcess") is True:
        yield lowered_unless_reached(hit(windows_options.at("hostProcess"), container=""), pod, project)
        return
    for container in pod.containers():
        windows_options = container.security_context.mapping_at_path("windowsOptions")
        if windows_options.get("hostProcess") is True:
            yield lowered_unless_reached(hit(windows_options.at("hostProcess"), container=container.name), pod, project)


def sysctl_unsafe(pod: Pod) -> CheckOutcome:
    """A kernel parameter that the kubelet does not allow unless it is told to."""
    for sysctl in pod_security_context(pod).mappings_under("sysctls"):
        sysctl_name = sysctl.string_under("name")
        if is_filled_in_value(sysctl_name):
            yield Undecidable(sysctl.at("name"))
        elif sysctl_name and sysctl_name.replace("/", ".") not in property_by_fact_name("kernel-parameters", "safe"):
            yield hit(sysctl.at("name"), sysctl=sysctl_name)


def proc_mount_unmasked(container: Container) -> CheckOutcome:
    """/proc is mounted without the runtime's masks."""
    proc_mount = container.security_context.get("procMount")
    if isinstance(proc_mount, str) and proc_mount != "Default" and container.pod.node.get("hostUsers") is not False:
        yield hit(container.security_context.at("procMount"), value=proc_mount)
