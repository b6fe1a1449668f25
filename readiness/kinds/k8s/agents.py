"""Pods that work on their node: node agents, storage drivers, init containers that set kernel parameters."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from readiness.kinds.k8s.effective import as_integer, effective_security
from readiness.kinds.k8s.model import Container, Pod
from readiness.syntax.yaml import Map, Seq

_SHELLS = frozenset({"sh", "bash", "ash", "dash"})


def host_folders(pod: Pod) -> dict[str, str]:
    """The hostPath volumes of a pod: name -> path on the node."""
    return {
        volume.string_under("name"): volume.mapping_at_path("hostPath").string_under("path")
        for volume in pod.node.mappings_under("volumes")
        if volume.get("hostPath") is not None
    }


def mounts_of(pod: Pod, volume: str) -> Iterator[tuple[Container, Map]]:
    """The places at which the containers of a pod mount a volume."""
    for container in pod.containers():
        for mount in container.node.mappings_under("volumeMounts"):
            if mount.get("name") == volume:
                yield container, mount


def has_host_root(container: Container) -> bool:
    """Whether a container is root on its node already."""
    return container.security_context.get("privileged") is True


def is_unprivileged_user(container: Container) -> bool:
    """Whether a container is surely not root."""
    user = as_integer(effective_security(container, "runAsUser"))
    if user is not None:
        return user != 0
    return effective_security(container, "runAsNonRoot") is True


def is_node_agent(pod: Pod) -> bool:
    """Whether a pod looks after its node: one on each node, with folders of it."""
    return pod.kind == "DaemonSet" and bool(host_folders(pod))


def is_storage_driver(container: Container) -> bool:
    """Whether a container mounts volumes for other pods: only a privileged one may do so."""
    return any(mount.get("mountPropagation") == "Bidirectional" for mount in container.node.mappings_under("volumeMounts"))


def sets_kernel_parameters(container: Container) -> bool:
    """Whether an init container does nothing but run sysctl, for which it has to be privileged, and ends."""
    if container.role != "init":
        return False
    written = (container.node.get(key) for key in ("command", "args"))
    words = [str(word) for part in written if isinstance(part, Seq) for word in part]
    if words and posixpath.basename(words[0]) in _SHELLS:
        words = words[-1].split() if len(words) > 1 else []
    return (
        bool(words)
        and posixpath.basename(words[0]) == "sysctl"
        and not any(mark in " ".join(words) for mark in (";", "&", "|"))
    )


def does_node_work(container: Container) -> bool:
    """Whether a container does a node's work, for which it needs rights on the node: a word with its owner, not an intruder."""
    return is_node_agent(container.pod) or is_storage_driver(container) or sets_kernel_parameters(container)
