"""What a pod takes of its node: namespaces, ports, directories, sockets."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from readiness.checks.k8s.intruders import lowered_unless_reached
from readiness.facts import host_paths
from readiness.facts.table import property_by_fact_name
from readiness.kinds.k8s import agents
from readiness.kinds.k8s.effective import integer_or_none, is_filled_in_value, undecidable_if_variable
from readiness.kinds.k8s.model import Container, Pod
from readiness.model import CheckOutcome, NotApplicable, Related, Severity, Undecidable, hit
from readiness.model.project import Project
from readiness.syntax.image import parse_image
from readiness.syntax.yaml import Map


def host_namespace_shared(pod: Pod, *, key: str, project: Project) -> CheckOutcome:
    """The pod shares a namespace of its node; medium but for a server that takes requests and has no work on its node.

    Windows has no such namespaces. https://kubernetes.io/docs/concepts/windows/intro/#compatibility-v1-pod
    """
    if pod.windows or agents.is_windows_host_process(pod):
        yield NotApplicable()
        return
    yield from undecidable_if_variable(pod.node, key)
    if pod.node.get(key) is True:
        yield lowered_unless_reached(hit(pod.node.at(key)), pod, project)


def host_port(container: Container) -> CheckOutcome:
    """The container takes a port of the node."""
    if container.pod.node.get("hostNetwork") is True:
        return  # then every port is one of the node, and host-network says so
    yield from host_ports(container)


def host_ports(container: Container) -> CheckOutcome:
    """Every hostPort that is written, on the host's network or not."""
    for port in container.node.mappings_under("ports"):
        host_port_number = integer_or_none(port.get("hostPort"))
        if host_port_number:
            yield hit(port.at("hostPort"), port=host_port_number)


def host_volumes(pod: Pod) -> Iterator[tuple[Map, Map, str]]:
    """Every hostPath volume: the volume, its hostPath, the path without a closing slash."""
    for volume in pod.node.mappings_under("volumes"):
        host_path_map = volume.get("hostPath")
        node_path = host_path_map.get("path") if isinstance(host_path_map, Map) else None
        if isinstance(host_path_map, Map) and isinstance(node_path, str) and node_path:
            yield volume, host_path_map, posixpath.normpath(node_path).replace("//", "/")


def host_path_sensitive(pod: Pod, *, project: Project, also: Sequence[str] = ()) -> CheckOutcome:
    """The pod mounts a folder of its node that gives the node away; `also` are further ones, with what is below them.

    Sockets of the container runtime, credentials of clouds and the folders where plugins meet the kubelet are no matter of this.
    """
    for volume, host_path_map, node_path in host_volumes(pod):
        volume_name = volume.string_under("name")
        if is_filled_in_value(node_path):
            yield Undecidable(host_path_map.at("path"))
        elif _path_controls_node(node_path) or any(host_paths.is_path_within_folder(node_path, one) for one in also):
            severity = _severity_of_mounts(pod, volume_name, node_path)
            if severity is not None:
                path_hit = hit(host_path_map.at("path"), severity=severity, path=node_path, volume=volume_name)
                yield lowered_unless_reached(path_hit, pod, project)


def _path_controls_node(node_path: str) -> bool:
    """Whether who has a path of a node has the node, by what no other rule tells."""
    return (
        host_paths.is_sensitive_host_path(node_path)
        and not host_paths.is_kubelet_plugin_path(node_path)
        and not host_paths.is_or_holds_runtime_socket(node_path)
        and not property_by_fact_name("host-paths", "cloud").get(node_path)
    )


def _severity_of_mounts(pod: Pod, volume_name: str, node_path: str) -> Severity | None:
    """How bad it is that a pod has a folder of its node, by who mounts it and how; None where that says nothing more.

    Low where no container mounts it, and where it is only read and holds what every node has. Medium where all that mount it are
    privileged, which is told and gives the node anyway; there the folders of the kubelet's volumes add nothing. Nothing where it lies
    in another such folder that the same containers mount.
    """
    mounts = list(agents.container_mounts_of_volume(pod, volume_name))
    is_read_only = all(mount.get("readOnly") is True for _, mount in mounts)
    if not mounts or (is_read_only and node_path in property_by_fact_name("host-paths", "public")):
        return Severity.LOW
    if _is_mounted_by_parent_folder(pod, node_path, {id(container.node) for container, _ in mounts}):
        return None
    if all(agents.is_privileged(container) for container, _ in mounts):
        return None if host_paths.is_kubelet_volume_folder(node_path) else Severity.MEDIUM
    return Severity.HIGH


def _is_mounted_by_parent_folder(pod: Pod, node_path: str, container_node_ids: set[int]) -> bool:
    """Whether the containers have a path of the node by a folder above it as well."""
    return any(
        other_path != node_path
        and host_paths.is_path_within_folder(node_path, other_path)
        and _path_controls_node(other_path)
        and container_node_ids <= {id(container.node) for container, _ in agents.container_mounts_of_volume(pod, volume_name)}
        for volume_name, other_path in agents.host_path_by_volume_name(pod).items()
    )


def host_path_cloud_credentials(pod: Pod, *, project: Project) -> CheckOutcome:
    """The pod mounts a folder of its node where credentials of a cloud stand; medium but for a server that takes requests."""
    for volume, host_path_map, node_path in host_volumes(pod):
        if is_filled_in_value(node_path):
            yield Undecidable(host_path_map.at("path"))
        elif host_paths.holds_cloud_credentials(node_path):
            yield lowered_unless_reached(hit(host_path_map.at("path"), path=node_path, volume=volume.string_under("name")), pod, project)


def host_path(pod: Pod) -> CheckOutcome:
    """The pod has a hostPath volume, whatever its path."""
    for volume in pod.node.mappings_under("volumes"):
        if volume.get("hostPath") is not None:
            node_path = volume.mapping_at_path("hostPath").string_under("path")
            yield hit(volume.at("hostPath"), path=node_path, volume=volume.string_under("name"))


def runtime_socket(pod: Pod, *, project: Project) -> CheckOutcome:
    """The pod mounts the socket of the container runtime, which is root on the node.

    Medium but for a server that takes requests and has no work on its node: looking after containers is what node agents are for. Low
    where no container mounts the volume.
    """
    for volume, host_path_map, node_path in host_volumes(pod):
        if host_paths.is_or_holds_runtime_socket(node_path):
            volume_name = volume.string_under("name")
            severity = None if any(agents.container_mounts_of_volume(pod, volume_name)) else Severity.LOW
            yield lowered_unless_reached(hit(host_path_map.at("path"), path=node_path, volume=volume_name, severity=severity), pod, project)


def host_path_writable(pod: Pod) -> CheckOutcome:
    """A container mounts a folder of the node without readOnly; the folders where plugins meet the kubelet have to be so.

    Low below /dev, where a file is a device and none stays; in a container that is root on its node already; of a folder that
    the kubelet makes for the pod, by its program's name; and where the same mount is told as one that gives the node away.
    """
    volume_and_path_by_name = {volume.string_under("name"): (volume, node_path) for volume, _, node_path in host_volumes(pod)}
    for container in pod.containers():
        for mount in container.node.mappings_under("volumeMounts"):
            volume_name = mount.string_under("name")
            if volume_name not in volume_and_path_by_name or mount.get("readOnly") is True:
                continue
            volume, node_path = volume_and_path_by_name[volume_name]
            if host_paths.is_kubelet_plugin_path(node_path):
                continue
            yield from undecidable_if_variable(mount, "readOnly")
            volume_location = Related(pod.source, volume.at("hostPath"), f"{node_path} of the node")
            is_low_severity = (
                agents.is_privileged(container)
                or host_paths.is_path_within_folder(node_path, "/dev")
                or _path_controls_node(node_path)
                or _is_program_state_folder(volume, node_path, container)
            )
            yield hit(
                mount.at(),
                severity=Severity.LOW if is_low_severity else Severity.MEDIUM,
                container=container.name,
                related=[volume_location],
                path=node_path,
                volume=volume_name,
                name=container.name,
            )


def _is_program_state_folder(volume: Map, node_path: str, container: Container) -> bool:
    """Whether a folder of the node is the state of the program in a container: made where there is none, and called as it is.

    https://kubernetes.io/docs/concepts/storage/volumes/#hostpath-volume-types
    """
    if volume.mapping_at_path("hostPath").get("type") != "DirectoryOrCreate" or host_paths.is_sensitive_host_path(node_path):
        return False
    program_names = {container.name, parse_image(container.image).name.rpartition("/")[2]}
    path_words = re.split(r"[/._-]", node_path)
    return node_path.count("/") > 2 and any(name and name in path_words for name in program_names)


def process_namespace_shared(pod: Pod) -> CheckOutcome:
    """All containers of the pod see, and may signal and read, each other's processes."""
    has_several_containers = sum(1 for _ in pod.containers()) > 1
    if pod.node.get("shareProcessNamespace") is True and has_several_containers:
        yield hit(pod.node.at("shareProcessNamespace"))


def container_port_reserved(container: Container, *, numbers: Sequence[int] = (), below: int = 0) -> CheckOutcome:
    """The container opens one of `numbers`, or a port under `below`."""
    for port in container.node.mappings_under("ports"):
        port_number = integer_or_none(port.get("containerPort"))
        protocol = port.get("protocol") or "TCP"
        if port_number and (port_number in numbers or 0 < port_number < below) and not (numbers and protocol != "TCP"):
            yield hit(port.at("containerPort"), port=port_number)


def command_sudo(container: Container) -> CheckOutcome:
    """The command of a container calls sudo."""
    for command_list in container.command_lists():
        for index, command_word in enumerate(command_list):
            if isinstance(command_word, str) and "sudo" in command_word.split():
                yield hit(command_list.at(index))
