"""Pods that work on their node (node agents, storage drivers, runners of pipelines), and containers that agents of the cluster fill in."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.kinds.k8s.effective import effective_security_setting, integer_or_none, pod_security_context
from readiness.kinds.k8s.model import Container, Object, Pod
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.yaml import Map


def host_path_by_volume_name(pod: Pod) -> dict[str, str]:
    """The hostPath volumes of a pod: name -> path on the node."""
    return {
        volume.string_under("name"): volume.mapping_at_path("hostPath").string_under("path")
        for volume in pod.node.mappings_under("volumes")
        if volume.get("hostPath") is not None
    }


def container_mounts_of_volume(pod: Pod, volume_name: str) -> Iterator[tuple[Container, Map]]:
    """The places at which the containers of a pod mount a volume."""
    for container in pod.containers():
        for volume_mount in container.node.mappings_under("volumeMounts"):
            if volume_mount.get("name") == volume_name:
                yield container, volume_mount


def is_filled_in_by_injector(container: Container) -> bool:
    """Whether Istio's injector writes most of a container, as its `image: auto` asks: image, ports, probes, resources and security context."""
    if container.image != "auto":
        return False
    asked_keys = (*container.pod.annotations.keys(), *container.pod.labels.keys())
    return container.name == "istio-proxy" or any(one.startswith(("inject.istio.io/", "sidecar.istio.io/")) for one in asked_keys)


def is_privileged(container: Container) -> bool:
    """Whether a container is root on its node already."""
    return container.security_context.get("privileged") is True


def is_surely_not_root(container: Container) -> bool:
    """Whether a container is surely not root."""
    user_id = integer_or_none(effective_security_setting(container, "runAsUser"))
    if user_id is not None:
        return user_id != 0
    return effective_security_setting(container, "runAsNonRoot") is True


def is_node_agent(pod: Pod) -> bool:
    """Whether a pod looks after its node: one on each node, with folders of it, or a part of the cluster that is told its node."""
    return pod.kind == "DaemonSet" and (bool(host_path_by_volume_name(pod)) or _is_cluster_part_of_node(pod))


def _is_cluster_part_of_node(pod: Pod) -> bool:
    """Whether a pod ranks with the cluster's own parts, and a container is given the name of the node that it runs on."""
    if pod.node.get("priorityClassName") not in ("system-node-critical", "system-cluster-critical"):
        return False
    return any(
        variable.mapping_at_path("valueFrom", "fieldRef").get("fieldPath") == "spec.nodeName"
        for container in pod.containers()
        for variable in container.node.mappings_under("env")
    )


def is_node_maintenance(pod: Pod) -> bool:
    """Whether a pod works on its node once and ends, by an administrator's hand or by the clock.

    That is a bare Pod that is never restarted and a Job, where they open no port, and a CronJob that has folders of its node and
    only reads them, as one that audits nodes does. What needs rights on the node is there for moments and takes no requests.
    """
    if any(True for container in pod.containers() for _ in container.node.mappings_under("ports")):
        return False
    if pod.kind == "CronJob":
        host_path_by_volume = host_path_by_volume_name(pod)
        return bool(host_path_by_volume) and all(
            mount.get("readOnly") is True for volume in host_path_by_volume for _, mount in container_mounts_of_volume(pod, volume)
        )
    return pod.kind == "Job" or (pod.kind == "Pod" and pod.node.get("restartPolicy") == "Never")


HOOK_ANNOTATIONS = ("helm.sh/hook", "argocd.argoproj.io/hook")


def is_hook_object(obj: Object) -> bool:
    """Whether a delivery tool makes an object anew at every release, before or after it applies the rest.

    https://helm.sh/docs/topics/charts_hooks/#hook-resources-are-not-managed-with-corresponding-releases
    """
    hook_names = [str(obj.annotations[key]) for key in HOOK_ANNOTATIONS if key in obj.annotations]
    return any(one != "Skip" for one in hook_names)  # of Argo CD: not applied at all


def is_hook_job(pod: Pod) -> bool:
    """Whether a pod is that of a Job that a delivery tool runs before or after it applies the rest."""
    return pod.kind == "Job" and is_hook_object(pod.owner)


def is_windows_host_process(pod: Pod) -> bool:
    """Whether a pod says for itself or for a container that it runs on its Windows node without a container around it."""
    security_contexts = (pod_security_context(pod), *(one.security_context for one in pod.containers()))
    return any(one.mapping_at_path("windowsOptions").get("hostProcess") is True for one in security_contexts)


_PROVISIONER_ARGUMENT = lazy_regex(r"--?provisioner=[a-z0-9-]{1,60}\.[a-z0-9.-]{1,100}")


def is_storage_driver(container: Container) -> bool:
    """Whether a container mounts volumes for other pods, which only a privileged one may do, or makes them under a name of its own."""
    words = (word for listed in container.command_lists() for word in listed if isinstance(word, str))
    if any(_PROVISIONER_ARGUMENT.match(word[:200]) for word in words):
        return True
    return any(mount.get("mountPropagation") == "Bidirectional" for mount in container.node.mappings_under("volumeMounts"))


# Names of what builds images and runs the jobs of pipelines, in an image or of a workload.
_JOB_RUNNER_NAME = lazy_regex(
    r"(?:\A|[-_/.:])(?:dind|(?:act|actions|ci|gitlab|github|gitea|forgejo|drone)?[-_]?runners?|buildkitd?|kaniko|buildah|concourse|executors?)"
    r"(?=\Z|[-_/.:@])"
)


def is_job_runner(pod: Pod) -> bool:
    """Whether a pod runs the jobs of pipelines, by its name or that of an image: rights on its node are what such jobs are built with."""
    return any(is_job_runner_name(name) for name in (pod.name, *(one.image for one in pod.containers())))


def is_job_runner_name(name: str) -> bool:
    """Whether a name, of a workload or an image, is that of what runs the jobs of pipelines."""
    return bool(_JOB_RUNNER_NAME.search(name[:200].lower()))


def is_node_work_pod(pod: Pod) -> bool:
    """Whether a pod does its node's work, all the time or once: what it needs of the node is a word with its owner."""
    return is_node_agent(pod) or is_node_maintenance(pod)


def needs_node_rights(container: Container) -> bool:
    """Whether a container does a node's work, for which it needs rights on the node: a word with its owner, not an intruder."""
    return is_node_work_pod(container.pod) or is_storage_driver(container)
