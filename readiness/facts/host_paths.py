"""What a folder or a file of a host is: the host itself, credentials of a cloud, the socket of a container runtime."""

from __future__ import annotations

import posixpath

from readiness.facts.table import fact_column, fact_rows


def is_within(path: str, folder: str) -> bool:
    """Whether a path is a folder or something in it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def is_sensitive(path: str) -> bool:
    """Whether whoever has this path of a host has the host, or much of it."""
    row = fact_rows("host-paths").get(path, {})
    if "whole" in row or "below" in row:
        return True
    below = fact_column("host-paths", "below")
    return "harmless" not in row and any(is_within(path, folder) for folder in below)


def is_plugin_folder(path: str) -> bool:
    """Whether plugins of a kubelet leave their sockets at a path: device plugins, the registration and the socket of a driver."""
    below = fact_column("host-paths", "plugins")
    return any(is_within(path, folder) for folder in below) and not holds_volumes(path)


def holds_volumes(path: str) -> bool:
    """Whether a kubelet keeps the volumes of its pods at a path: where a storage driver mounts them."""
    return path in fact_column("host-paths", "volumes")


def holds_cloud_credentials(path: str) -> bool:
    """Whether credentials of a cloud stand at a path of a host."""
    return any(is_within(path, folder) for folder in fact_column("host-paths", "cloud"))


def is_runtime_socket(path: str) -> bool:
    """Whether a path is the socket of a container runtime."""
    return posixpath.basename(path) in fact_column("host-paths", "socket")


def holds_runtime_socket(path: str) -> bool:
    """Whether a path is the socket of a container runtime, or the folder of one."""
    return is_runtime_socket(path) or path in fact_column("host-paths", "sockets")
