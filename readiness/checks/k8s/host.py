"""What a pod takes of its node: namespaces, ports, folders, sockets."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from readiness.facts import host_paths
from readiness.facts.table import column
from readiness.kinds.k8s.effective import as_integer, unknown_if_variable
from readiness.kinds.k8s.model import Container, Pod, mapping_at, mappings_in, text_or_empty
from readiness.model import Outcome, Related, Severity, Unknown, hit
from readiness.syntax.yaml import Map, Seq


def namespace(pod: Pod, *, key: str) -> Outcome:
    """The pod shares a namespace of its node."""
    yield from unknown_if_variable(pod.node, key)
    if pod.node.get(key) is True:
        yield hit(pod.node.at(key))


def host_port(container: Container) -> Outcome:
    """The container takes a port of the node."""
    if container.pod.node.get("hostNetwork") is True:
        return  # then every port is one of the node, and host-network says so
    yield from host_ports(container)


def host_ports(container: Container) -> Outcome:
    """Every hostPort that is written, on the host's network or not."""
    for port in mappings_in(container.node.get("ports")):
        found = as_integer(port.get("hostPort"))
        if found:
            yield hit(port.at("hostPort"), port=found)


def host_volumes(pod: Pod) -> Iterator[tuple[Map, Map, str]]:
    """Every hostPath volume: the volume, its hostPath, the path without a closing slash."""
    for volume in mappings_in(pod.node.get("volumes")):
        source = volume.get("hostPath")
        path = source.get("path") if isinstance(source, Map) else None
        if isinstance(source, Map) and isinstance(path, str) and path:
            yield volume, source, posixpath.normpath(path).replace("//", "/")


def host_path_sensitive(pod: Pod, *, also: Sequence[str] = ()) -> Outcome:
    """The pod mounts a folder of its node that gives the node away; `also` are further ones, with what is below them.

    Sockets of the container runtime and credentials of clouds are other rules' matter.
    """
    for volume, source, found in host_volumes(pod):
        if "${" in found or "{{" in found:
            yield Unknown(source.at("path"))
        elif (
            host_paths.is_sensitive(found)
            and not host_paths.holds_runtime_socket(found)
            and not column("host-paths", "cloud").get(found)
        ) or any(host_paths.within(found, one) for one in also):
            yield hit(source.at("path"), path=found, volume=text_or_empty(volume.get("name")))


def host_path_cloud_credentials(pod: Pod) -> Outcome:
    """The pod mounts a folder of its node where credentials of a cloud stand."""
    for volume, source, found in host_volumes(pod):
        if "${" in found or "{{" in found:
            yield Unknown(source.at("path"))
        elif host_paths.holds_cloud_credentials(found):
            yield hit(source.at("path"), path=found, volume=text_or_empty(volume.get("name")))


def host_path(pod: Pod) -> Outcome:
    """The pod has a hostPath volume, whatever its path."""
    for volume in mappings_in(pod.node.get("volumes")):
        if volume.get("hostPath") is not None:
            found = text_or_empty(mapping_at(volume, "hostPath").get("path"))
            yield hit(volume.at("hostPath"), path=found, volume=text_or_empty(volume.get("name")))


def runtime_socket(pod: Pod) -> Outcome:
    """The pod mounts the socket of the container runtime, which is root on the node.

    Medium for a DaemonSet, since looking after every node's containers is what node agents are for; low where no container
    mounts the volume.
    """
    mounted = {
        text_or_empty(mount.get("name"))
        for container in pod.containers()
        for mount in mappings_in(container.node.get("volumeMounts"))
    }
    for volume, source, found in host_volumes(pod):
        if host_paths.holds_runtime_socket(found):
            name = text_or_empty(volume.get("name"))
            severity = Severity.MEDIUM if pod.kind == "DaemonSet" else Severity.HIGH
            if name not in mounted:
                severity = Severity.LOW
            yield hit(source.at("path"), path=found, volume=name, severity=severity)


def host_path_writable(pod: Pod) -> Outcome:
    """A container mounts a folder of the node without readOnly."""
    volumes = {
        text_or_empty(volume.get("name")): (volume, found) for volume, _, found in host_volumes(pod)
    }
    for container in pod.containers():
        for mount in mappings_in(container.node.get("volumeMounts")):
            name = text_or_empty(mount.get("name"))
            if name not in volumes or mount.get("readOnly") is True:
                continue
            volume, found = volumes[name]
            yield from unknown_if_variable(mount, "readOnly")
            where = Related(pod.source, volume.at("hostPath"), f"{found} of the node")
            yield hit(
                mount.at(),
                container=container.name,
                related=[where],
                path=found,
                volume=name,
                name=container.name,
            )


def process_namespace_shared(pod: Pod) -> Outcome:
    """All containers of the pod see, and may signal and read, each other's processes."""
    several = sum(1 for _ in pod.containers()) > 1
    if pod.node.get("shareProcessNamespace") is True and several:
        yield hit(pod.node.at("shareProcessNamespace"))


def container_port(container: Container, *, numbers: Sequence[int] = (), below: int = 0) -> Outcome:
    """The container opens one of `numbers`, or a port under `below`."""
    for port in mappings_in(container.node.get("ports")):
        found = as_integer(port.get("containerPort"))
        protocol = port.get("protocol") or "TCP"
        if (
            found
            and (found in numbers or 0 < found < below)
            and not (numbers and protocol != "TCP")
        ):
            yield hit(port.at("containerPort"), port=found)


def command_sudo(container: Container) -> Outcome:
    """The command of a container calls sudo."""
    for key in ("command", "args"):
        values = container.node.get(key)
        if not isinstance(values, Seq):
            continue
        for index, value in enumerate(values):
            if isinstance(value, str) and "sudo" in value.split():
                yield hit(values.at(index))
