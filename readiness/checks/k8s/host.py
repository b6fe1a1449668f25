"""What a pod takes of its node: namespaces, ports, directories, sockets."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from readiness.facts import host_paths
from readiness.facts.table import fact_column
from readiness.kinds.k8s import agents
from readiness.kinds.k8s.effective import as_integer, is_variable, unknown_if_variable
from readiness.kinds.k8s.model import Container, Pod
from readiness.model import CheckOutcome, NotApplicable, Related, Severity, Undecidable, hit
from readiness.syntax.image import parse_image
from readiness.syntax.yaml import Map


def host_namespace_shared(pod: Pod, *, key: str) -> CheckOutcome:
    """The pod shares a namespace of its node; medium for node agents, and for what works on its node once and ends.

    Windows has no such namespaces. https://kubernetes.io/docs/concepts/windows/intro/#compatibility-v1-pod
    """
    if pod.windows or agents.is_windows_host_process(pod):
        yield NotApplicable()
        return
    yield from unknown_if_variable(pod.node, key)
    if pod.node.get(key) is True:
        severity = Severity.MEDIUM if agents.is_for_node(pod) else None
        yield hit(pod.node.at(key), severity=severity)


def host_port(container: Container) -> CheckOutcome:
    """The container takes a port of the node."""
    if container.pod.node.get("hostNetwork") is True:
        return  # then every port is one of the node, and host-network says so
    yield from host_ports(container)


def host_ports(container: Container) -> CheckOutcome:
    """Every hostPort that is written, on the host's network or not."""
    for port in container.node.mappings_under("ports"):
        found = as_integer(port.get("hostPort"))
        if found:
            yield hit(port.at("hostPort"), port=found)


def host_volumes(pod: Pod) -> Iterator[tuple[Map, Map, str]]:
    """Every hostPath volume: the volume, its hostPath, the path without a closing slash."""
    for volume in pod.node.mappings_under("volumes"):
        source = volume.get("hostPath")
        path = source.get("path") if isinstance(source, Map) else None
        if isinstance(source, Map) and isinstance(path, str) and path:
            yield volume, source, posixpath.normpath(path).replace("//", "/")


def host_path_sensitive(pod: Pod, *, also: Sequence[str] = ()) -> CheckOutcome:
    """The pod mounts a folder of its node that gives the node away; `also` are further ones, with what is below them.

    Sockets of the container runtime, credentials of clouds and the folders where plugins meet the kubelet are no matter of this.
    """
    for volume, source, path in host_volumes(pod):
        name = volume.string_under("name")
        if is_variable(path):
            yield Undecidable(source.at("path"))
        elif _path_controls_node(path) or any(host_paths.is_within(path, one) for one in also):
            severity = _severity_of_mounts(pod, name, path)
            if severity is not None:
                yield hit(source.at("path"), severity=severity, path=path, volume=name)


def _path_controls_node(path: str) -> bool:
    """Whether who has a path of a node has the node, by what no other rule tells."""
    return (
        host_paths.is_sensitive(path)
        and not host_paths.is_plugin_folder(path)
        and not host_paths.holds_runtime_socket(path)
        and not fact_column("host-paths", "cloud").get(path)
    )


def _severity_of_mounts(pod: Pod, volume: str, path: str) -> Severity | None:
    """How bad it is that a pod has a folder of its node, by who mounts it and how; None where that says nothing more.

    Low where no container mounts it, and where it is only read and holds what every node has. Medium in a node agent, in a pod that
    works on its node once and ends, and where all that mount it are privileged, which is told and gives the node anyway; there the
    folders of the kubelet's volumes add nothing. Nothing where it lies in another such folder that the same containers mount.
    """
    mounts = list(agents.mounts_of(pod, volume))
    is_read = all(mount.get("readOnly") is True for _, mount in mounts)
    if not mounts or (is_read and path in fact_column("host-paths", "public")):
        return Severity.LOW
    if _is_within_another(pod, path, {id(container.node) for container, _ in mounts}):
        return None
    if all(agents.has_host_root(container) for container, _ in mounts):
        return None if host_paths.holds_volumes(path) else Severity.MEDIUM
    return Severity.MEDIUM if agents.is_for_node(pod) else Severity.HIGH


def _is_within_another(pod: Pod, path: str, containers: set[int]) -> bool:
    """Whether the containers have a path of the node by a folder above it as well."""
    return any(
        other != path
        and host_paths.is_within(path, other)
        and _path_controls_node(other)
        and containers <= {id(container.node) for container, _ in agents.mounts_of(pod, name)}
        for name, other in agents.host_folders(pod).items()
    )


def host_path_cloud_credentials(pod: Pod) -> CheckOutcome:
    """The pod mounts a folder of its node where credentials of a cloud stand."""
    for volume, source, found in host_volumes(pod):
        if is_variable(found):
            yield Undecidable(source.at("path"))
        elif host_paths.holds_cloud_credentials(found):
            yield hit(source.at("path"), path=found, volume=volume.string_under("name"))


def host_path(pod: Pod) -> CheckOutcome:
    """The pod has a hostPath volume, whatever its path."""
    for volume in pod.node.mappings_under("volumes"):
        if volume.get("hostPath") is not None:
            found = volume.mapping_at_path("hostPath").string_under("path")
            yield hit(volume.at("hostPath"), path=found, volume=volume.string_under("name"))


def runtime_socket(pod: Pod) -> CheckOutcome:
    """The pod mounts the socket of the container runtime, which is root on the node.

    Medium for a DaemonSet, since looking after every node's containers is what node agents are for; low where no container
    mounts the volume.
    """
    for volume, source, path in host_volumes(pod):
        if host_paths.holds_runtime_socket(path):
            name = volume.string_under("name")
            severity = Severity.MEDIUM if agents.is_node_agent(pod) else Severity.HIGH
            if not any(agents.mounts_of(pod, name)):
                severity = Severity.LOW
            yield hit(source.at("path"), path=path, volume=name, severity=severity)


def host_path_writable(pod: Pod) -> CheckOutcome:
    """A container mounts a folder of the node without readOnly; the folders where plugins meet the kubelet have to be so.

    Low below /dev, where a file is a device and none stays; in a container that is root on its node already; of a folder that
    the kubelet makes for the pod, by its program's name; and where the same mount is told as one that gives the node away.
    """
    volumes = {volume.string_under("name"): (volume, path) for volume, _, path in host_volumes(pod)}
    for container in pod.containers():
        for mount in container.node.mappings_under("volumeMounts"):
            name = mount.string_under("name")
            if name not in volumes or mount.get("readOnly") is True:
                continue
            volume, path = volumes[name]
            if host_paths.is_plugin_folder(path):
                continue
            yield from unknown_if_variable(mount, "readOnly")
            where = Related(pod.source, volume.at("hostPath"), f"{path} of the node")
            lowered = (
                agents.has_host_root(container)
                or host_paths.is_within(path, "/dev")
                or _path_controls_node(path)
                or _is_own_folder(volume, path, container)
            )
            yield hit(
                mount.at(),
                severity=Severity.LOW if lowered else Severity.MEDIUM,
                container=container.name,
                related=[where],
                path=path,
                volume=name,
                name=container.name,
            )


def _is_own_folder(volume: Map, path: str, container: Container) -> bool:
    """Whether a folder of the node is the state of the program in a container: made where there is none, and called as it is.

    https://kubernetes.io/docs/concepts/storage/volumes/#hostpath-volume-types
    """
    if volume.mapping_at_path("hostPath").get("type") != "DirectoryOrCreate" or host_paths.is_sensitive(path):
        return False
    names = {container.name, parse_image(container.image).name.rpartition("/")[2]}
    words = re.split(r"[/._-]", path)
    return path.count("/") > 2 and any(name and name in words for name in names)


def process_namespace_shared(pod: Pod) -> CheckOutcome:
    """All containers of the pod see, and may signal and read, each other's processes."""
    several = sum(1 for _ in pod.containers()) > 1
    if pod.node.get("shareProcessNamespace") is True and several:
        yield hit(pod.node.at("shareProcessNamespace"))


def container_port_reserved(container: Container, *, numbers: Sequence[int] = (), below: int = 0) -> CheckOutcome:
    """The container opens one of `numbers`, or a port under `below`."""
    for port in container.node.mappings_under("ports"):
        number = as_integer(port.get("containerPort"))
        protocol = port.get("protocol") or "TCP"
        if number and (number in numbers or 0 < number < below) and not (numbers and protocol != "TCP"):
            yield hit(port.at("containerPort"), port=number)


def command_sudo(container: Container) -> CheckOutcome:
    """The command of a container calls sudo."""
    for values in container.command_lists():
        for index, value in enumerate(values):
            if isinstance(value, str) and "sudo" in value.split():
                yield hit(values.at(index))
