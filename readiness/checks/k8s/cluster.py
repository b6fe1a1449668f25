"""Objects as such: their namespace, policies of the cluster, and programs that should be in none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from readiness.checks.k8s.apis import namespaced_kinds
from readiness.kinds.k8s.effective import integer_or_none, template_text_of_value
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
    if obj.namespace != "default" or is_kept_in_default_namespace(obj) or (obj.kind in NAMESPACE_POLICY_KINDS) is not rules:
        return
    namespace_span = obj.metadata.at("namespace")
    if not template_text_of_value(obj.source, namespace_span):  # the release's namespace, which is only `default` while nobody says
        yield hit(namespace_span)


def namespace_missing(obj: Object) -> CheckOutcome:
    """The object names no namespace, so it goes wherever kubectl points."""
    if obj.kind in namespaced_kinds() and "namespace" not in obj.metadata and not is_kept_in_default_namespace(obj):
        yield missing(obj.node.at("kind") if "name" not in obj.metadata else obj.metadata.at("name"))


def is_kept_in_default_namespace(obj: Object) -> bool:
    """Whether it is one of the objects that Kubernetes itself keeps in `default`."""
    return (obj.kind, obj.name) in {("Service", "kubernetes"), ("ServiceAccount", "default")}


# -- PodSecurityPolicy --------------------------------------------------------------------------------------------


def pod_security_policy_permissive(obj: Object) -> CheckOutcome:
    """A PodSecurityPolicy lets through what it is there to refuse."""
    name_span = obj.metadata.at("name")
    for policy_field in ("privileged", "hostPID", "hostIPC", "hostNetwork", "allowPrivilegeEscalation"):
        field_value = obj.spec.get(policy_field)
        if field_value is True:
            yield hit(obj.spec.at(policy_field), permits=policy_field)
        elif field_value is None and policy_field == "allowPrivilegeEscalation":  # true by default
            yield missing(name_span, permits=policy_field)
    for policy_field in ("allowedCapabilities", "defaultAddCapabilities"):
        if obj.spec.get(policy_field):
            yield hit(obj.spec.at(policy_field), key=policy_field, permits="capabilities-added")
    required_drops = obj.spec.get("requiredDropCapabilities")
    dropped_capabilities = {item for item in required_drops if isinstance(item, str)} if isinstance(required_drops, Seq) else set()
    if "ALL" not in dropped_capabilities:
        yield missing(name_span, permits="capabilities-kept" if "NET_RAW" in dropped_capabilities else "net-raw")
    yield from _policy_root_hits(obj)
    if not _does_policy_require_seccomp(obj):
        yield missing(name_span, permits="seccomp")


def _policy_root_hits(obj: Object) -> CheckOutcome:
    """A PodSecurityPolicy lets containers run as user 0."""
    run_as_user = obj.spec.mapping_at_path("runAsUser")
    user_rule = run_as_user.get("rule")
    range_minimums = [item.get("min") for item in run_as_user.mappings_under("ranges")]
    excludes_root = bool(range_minimums) and all(isinstance(least, int) and least > 0 for least in range_minimums)
    if user_rule == "MustRunAsNonRoot" or (user_rule == "MustRunAs" and excludes_root):
        return
    if user_rule:
        yield hit(run_as_user.at("rule"), permits="root")
    else:
        yield missing(obj.metadata.at("name"), permits="root")


def _does_policy_require_seccomp(obj: Object) -> bool:
    """Whether a PodSecurityPolicy sets the runtime's seccomp profile, or allows no other."""
    default_profile = obj.annotations.get("seccomp.security.alpha.kubernetes.io/defaultProfileName")
    allowed_profiles_text = obj.annotations.string_under("seccomp.security.alpha.kubernetes.io/allowedProfileNames")
    allowed_profiles = {name.strip() for name in allowed_profiles_text.split(",") if name.strip()}
    runtime_profiles = {"runtime/default", "docker/default"}
    return default_profile in runtime_profiles or (bool(allowed_profiles) and allowed_profiles <= runtime_profiles)


# -- programs -----------------------------------------------------------------------------------------------------


def matching_label_key(labels: Any, pairs: Sequence[Sequence[str]]) -> str:
    """The key of the first label that is one of the pairs; empty where none is."""
    if not hasattr(labels, "get"):
        return ""
    return next((key for key, value in pairs if labels.get(key) == value), "")


def known_program_run(pod: Pod, *, labels: Sequence[Sequence[str]], image: Pattern) -> CheckOutcome:
    """The pod is a known program: by the labels it carries, or by an image of that name."""
    for container in pod.containers():
        image_name = images.parse_image(container.image).name.rpartition("/")[2]
        if re.fullmatch(image, image_name):
            yield hit(container.node.at("image"), container=container.name)
            return
    for label_map in (pod.labels, pod.owner.labels):
        label_key = matching_label_key(label_map, labels)
        if label_key:
            yield hit(label_map.at(label_key))
            return


def tiller_service(obj: Object, *, labels: Sequence[Sequence[str]]) -> CheckOutcome:
    """The Service belongs to a known program: by its labels or its selector."""
    for label_map in (obj.labels, obj.spec.mapping_at_path("selector")):
        label_key = matching_label_key(label_map, labels)
        if label_key:
            yield hit(label_map.at(label_key))
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
    for label_map in (pod.labels, pod.owner.labels):
        label_key = matching_label_key(label_map, labels)
        if label_key:
            yield hit(label_map.at(label_key), say="labelled")
            return


def _runs_tiller(container: Container) -> bool:
    return images.parse_image(container.image).name.rpartition("/")[2] == "tiller"


def _listens_on_loopback(container: Container) -> bool:
    """Whether an argument gives an address of the container's own loopback."""
    return any(
        isinstance(argument, str) and re.search(r"(?:^|=)(?:localhost|127\.0\.0\.1|\[::1\]):\d", argument)
        for key in ("args", "command")
        if isinstance(arguments := container.node.get(key), Seq)
        for argument in arguments
    )


def git_sync_command(container: Container) -> CheckOutcome:
    """git-sync is told to run a command of the manifest."""
    if "git-sync" not in images.parse_image(container.image).name:
        return
    command_flags = (
        "--exechook-command",
        "--git",
        "--git-config",
        "--sync-hook-command",
        "-exechook-command",
        "-git",
        "-sync-hook-command",
    )
    arguments = container.node.get("args")
    arguments = arguments if isinstance(arguments, Seq) else Seq(container.node.at())
    for index, argument in enumerate(arguments):
        if isinstance(argument, str) and argument.partition("=")[0] in command_flags:
            yield hit(arguments.at(index), flag=argument.partition("=")[0])
    for variable_setting in container.variable_settings:
        if variable_setting.name in {"GITSYNC_EXECHOOK_COMMAND", "GIT_SYNC_EXECHOOK_COMMAND", "GITSYNC_GIT", "GIT_SYNC_GIT"}:
            yield hit(variable_setting.name_span, flag=variable_setting.name)


def service_ssh(obj: Object, *, numbers: Sequence[int]) -> CheckOutcome:
    """A Service opens one of the ports."""
    for port in obj.spec.mappings_under("ports"):
        for port_key in ("port", "targetPort"):
            if integer_or_none(port.get(port_key)) in numbers:
                yield hit(port.at(port_key), port=port[port_key])
                break


def volume_mounted(pod: Pod, *, sources: Sequence[str]) -> CheckOutcome:
    """The pod mounts a volume of one of the types into a container."""
    mounted_volume_names = {mount.string_under("name") for c in pod.containers() for mount in c.node.mappings_under("volumeMounts")}
    for volume in pod.node.mappings_under("volumes"):
        for source_type in sources if volume.get("name") in mounted_volume_names else ():
            if volume.get(source_type) is not None:
                yield hit(volume.at(source_type), volume=volume.string_under("name"), source=source_type)
