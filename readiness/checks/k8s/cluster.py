"""Objects as such: their namespace, policies of the cluster, and programs that should be in none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from readiness.checks.k8s.apis import namespaced_kinds
from readiness.kinds.k8s.effective import as_integer, template_text
from readiness.kinds.k8s.model import Container, Object, Pod
from readiness.model import CheckOutcome, NotApplicable, Pattern, Severity, hit, missing
from readiness.syntax import image as images
from readiness.syntax.yaml import Seq

# What is written for a namespace and runs in none.
NAMESPACE_POLICY_KINDS = frozenset({"Role", "RoleBinding", "NetworkPolicy", "LimitRange", "ResourceQuota"})


def namespace_default(obj: Object, *, rules: bool) -> CheckOutcome:
    """The object is put into the namespace `default`, by word: with `rules` what governs it, else what runs in it."""
    if "namespace" not in obj.metadata:
        yield NotApplicable()
    if obj.namespace != "default" or is_cluster_default(obj) or (obj.kind in NAMESPACE_POLICY_KINDS) is not rules:
        return
    span = obj.metadata.at("namespace")
    if not template_text(obj.source, span):  # the release's namespace, which is only `default` while nobody says
        yield hit(span)


def namespace_missing(obj: Object) -> CheckOutcome:
    """The object names no namespace, so it goes wherever kubectl points."""
    if obj.kind in namespaced_kinds() and "namespace" not in obj.metadata and not is_cluster_default(obj):
        yield missing(obj.node.at("kind") if "name" not in obj.metadata else obj.metadata.at("name"))


def is_cluster_default(obj: Object) -> bool:
    """Whether it is one of the objects that Kubernetes itself keeps in `default`."""
    return (obj.kind, obj.name) in {("Service", "kubernetes"), ("ServiceAccount", "default")}


# -- PodSecurityPolicy --------------------------------------------------------------------------------------------


def pod_security_policy_permissive(obj: Object) -> CheckOutcome:
    """A PodSecurityPolicy lets through what it is there to refuse."""
    name = obj.metadata.at("name")
    for key in ("privileged", "hostPID", "hostIPC", "hostNetwork", "allowPrivilegeEscalation"):
        value = obj.spec.get(key)
        if value is True:
            yield hit(obj.spec.at(key), permits=key)
        elif value is None and key == "allowPrivilegeEscalation":  # true by default
            yield missing(name, permits=key)
    for key in ("allowedCapabilities", "defaultAddCapabilities"):
        if obj.spec.get(key):
            yield hit(obj.spec.at(key), key=key, permits="capabilities-added")
    required = obj.spec.get("requiredDropCapabilities")
    dropped = {item for item in required if isinstance(item, str)} if isinstance(required, Seq) else set()
    if "ALL" not in dropped:
        yield missing(name, permits="capabilities-kept" if "NET_RAW" in dropped else "net-raw")
    yield from _policy_root(obj)
    if not _has_policy_seccomp(obj):
        yield missing(name, permits="seccomp")


def _policy_root(obj: Object) -> CheckOutcome:
    """A PodSecurityPolicy lets containers run as user 0."""
    user = obj.spec.mapping_at_path("runAsUser")
    rule = user.get("rule")
    lowest = [item.get("min") for item in user.mappings_under("ranges")]
    safe = bool(lowest) and all(isinstance(least, int) and least > 0 for least in lowest)
    if rule == "MustRunAsNonRoot" or (rule == "MustRunAs" and safe):
        return
    if rule:
        yield hit(user.at("rule"), permits="root")
    else:
        yield missing(obj.metadata.at("name"), permits="root")


def _has_policy_seccomp(obj: Object) -> bool:
    """Whether a PodSecurityPolicy sets the runtime's seccomp profile, or allows no other."""
    default = obj.annotations.get("seccomp.security.alpha.kubernetes.io/defaultProfileName")
    allowed = obj.annotations.string_under("seccomp.security.alpha.kubernetes.io/allowedProfileNames")
    names = {name.strip() for name in allowed.split(",") if name.strip()}
    known = {"runtime/default", "docker/default"}
    return default in known or (bool(names) and names <= known)


# -- programs -----------------------------------------------------------------------------------------------------


def matching_label(labels: Any, pairs: Sequence[Sequence[str]]) -> str:
    """The key of the first label that is one of the pairs; empty where none is."""
    if not hasattr(labels, "get"):
        return ""
    return next((key for key, value in pairs if labels.get(key) == value), "")


def known_program_run(pod: Pod, *, labels: Sequence[Sequence[str]], image: Pattern) -> CheckOutcome:
    """The pod is a known program: by the labels it carries, or by an image of that name."""
    for container in pod.containers():
        name = images.parse_image(container.image).name.rpartition("/")[2]
        if re.fullmatch(image, name):
            yield hit(container.node.at("image"), container=container.name)
            return
    for owner in (pod.labels, pod.owner.labels):
        key = matching_label(owner, labels)
        if key:
            yield hit(owner.at(key))
            return


def tiller_service(obj: Object, *, labels: Sequence[Sequence[str]]) -> CheckOutcome:
    """The Service belongs to a known program: by its labels or its selector."""
    for owner in (obj.labels, obj.spec.mapping_at_path("selector")):
        key = matching_label(owner, labels)
        if key:
            yield hit(owner.at(key))
            return


def tiller_open(container: Container) -> CheckOutcome:
    """Tiller, Helm 2's server, listens on more than its own loopback."""
    if _runs_tiller(container) and not _listens_on_loopback(container):
        yield missing(container.node.at())


def tiller_deployed(pod: Pod, *, labels: Sequence[Sequence[str]]) -> CheckOutcome:
    """The pod is Tiller, by an image or a label; medium where it listens on its loopback only, and else `tiller_open` tells."""
    for container in pod.containers():
        if _runs_tiller(container):
            if _listens_on_loopback(container):
                yield hit(container.node.at("image"), container=container.name, severity=Severity.MEDIUM, say="loopback")
            return
    for owner in (pod.labels, pod.owner.labels):
        key = matching_label(owner, labels)
        if key:
            yield hit(owner.at(key), say="labelled")
            return


def _runs_tiller(container: Container) -> bool:
    return images.parse_image(container.image).name.rpartition("/")[2] == "tiller"


def _listens_on_loopback(container: Container) -> bool:
    """Whether an argument gives an address of the container's own loopback."""
    return any(
        isinstance(value, str) and re.search(r"(?:^|=)(?:localhost|127\.0\.0\.1|\[::1\]):\d", value)
        for key in ("args", "command")
        if isinstance(values := container.node.get(key), Seq)
        for value in values
    )


def git_sync_command(container: Container) -> CheckOutcome:
    """git-sync is told to run a command of the manifest."""
    if "git-sync" not in images.parse_image(container.image).name:
        return
    flags = (
        "--exechook-command",
        "--git",
        "--git-config",
        "--sync-hook-command",
        "-exechook-command",
        "-git",
        "-sync-hook-command",
    )
    values = container.node.get("args")
    values = values if isinstance(values, Seq) else Seq(container.node.at())
    for index, value in enumerate(values):
        if isinstance(value, str) and value.partition("=")[0] in flags:
            yield hit(values.at(index), flag=value.partition("=")[0])
    for setting in container.variable_settings:
        if setting.name in {"GITSYNC_EXECHOOK_COMMAND", "GIT_SYNC_EXECHOOK_COMMAND", "GITSYNC_GIT", "GIT_SYNC_GIT"}:
            yield hit(setting.name_span, flag=setting.name)


def service_ssh(obj: Object, *, numbers: Sequence[int]) -> CheckOutcome:
    """A Service opens one of the ports."""
    for port in obj.spec.mappings_under("ports"):
        for key in ("port", "targetPort"):
            if as_integer(port.get(key)) in numbers:
                yield hit(port.at(key), port=port[key])
                break


def volume_mounted(pod: Pod, *, sources: Sequence[str]) -> CheckOutcome:
    """The pod mounts a volume of one of the types into a container."""
    used = {mount.string_under("name") for c in pod.containers() for mount in c.node.mappings_under("volumeMounts")}
    for volume in pod.node.mappings_under("volumes"):
        for source in sources if volume.get("name") in used else ():
            if volume.get(source) is not None:
                yield hit(volume.at(source), volume=volume.string_under("name"), source=source)
