"""What a folder or a file of a host is: the host itself, credentials of a cloud, the socket of a container runtime."""

from __future__ import annotations

import posixpath

from readiness.facts.table import fact_row_by_name, property_by_fact_name


def is_path_within_folder(path: str, folder: str) -> bool:
    """Whether a path is a folder or something in it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def is_sensitive_host_path(host_path: str) -> bool:
    """Whether whoever has this path of a host has the host, or much of it."""
    host_path_row = fact_row_by_name("host-paths").get(host_path, {})
    if "whole" in host_path_row or "below" in host_path_row:
        return True
    sensitive_folders = property_by_fact_name("host-paths", "below")
    return "harmless" not in host_path_row and any(is_path_within_folder(host_path, folder) for folder in sensitive_folders)


def is_kubelet_plugin_path(host_path: str) -> bool:
    """Whether plugins of a kubelet leave their sockets at a path: device plugins, the registration and the socket of a driver."""
    plugin_folders = property_by_fact_name("host-paths", "plugins")
    return any(is_path_within_folder(host_path, folder) for folder in plugin_folders) and not is_kubelet_volume_folder(host_path)


def is_kubelet_volume_folder(host_path: str) -> bool:
    """Whether a kubelet keeps the volumes of its pods at a path: where a storage driver mounts them."""
    return host_path in property_by_fact_name("host-paths", "volumes")


def holds_cloud_credentials(host_path: str) -> bool:
    """Whether credentials of a cloud stand at a path of a host."""
    return any(is_path_within_folder(host_path, folder) for folder in property_by_fact_name("host-paths", "cloud"))


def is_container_runtime_socket(host_path: str) -> bool:
    """Whether a path is the socket of a container runtime."""
    return posixpath.basename(host_path) in property_by_fact_name("host-paths", "socket")


def is_or_holds_runtime_socket(host_path: str) -> bool:
    """Whether a path is the socket of a container runtime, or the folder of one."""
    return is_container_runtime_socket(host_path) or host_path in property_by_fact_name("host-paths", "sockets")
