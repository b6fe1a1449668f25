"""The containers and images that nginx files are mounted or copied into: only what is in one of them is one server.

https://nginx.org/en/docs/ngx_core_module.html#include
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from readiness.model.project import Project, parent_folders

if TYPE_CHECKING:
    from readiness.kinds.dockerfile.model import Document as Dockerfile

_NGINX_FOLDER_NAMES = frozenset({"nginx", "openresty"})


def is_configuration(path: str) -> bool:
    """Whether a path in an image is one that nginx reads its configuration from."""
    *_, name = parts = path.split("/")
    return not _NGINX_FOLDER_NAMES.isdisjoint(parts) or ("nginx" in name and name.endswith(".conf"))


@dataclass(frozen=True, slots=True)
class ContainersByPath:
    """Paths of files and folders with the containers and images that hold them."""

    containers_by_path: dict[str, set[str]] = field(default_factory=dict)

    def containers_holding(self, path: str) -> frozenset[str]:
        """The containers and images that hold a file; empty where nothing tells."""
        path = posixpath.normpath(path)
        found: set[str] = set(self.containers_by_path.get(path, ()))
        for folder in parent_folders(path):
            found |= self.containers_by_path.get(folder or ".", set())
        return frozenset(found)

    def are_apart(self, path: str, other: str) -> bool:
        """Whether two files are surely in different containers or images."""
        mine, its = self.containers_holding(path), self.containers_holding(other)
        return bool(mine and its) and mine.isdisjoint(its)

    def are_together(self, path: str, other: str) -> bool:
        """Whether two files are surely in one container or image."""
        return not self.containers_holding(path).isdisjoint(self.containers_holding(other))


def containers_of_configurations(project: Project) -> ContainersByPath:
    """What compose files mount and Dockerfiles copy to where nginx reads its configuration."""
    made = ContainersByPath()
    for path, home in (*_mounted_configurations(project), *_copied_configurations(project)):
        made.containers_by_path.setdefault(path, set()).add(home)
    return made


def _mounted_configurations(project: Project) -> Iterator[tuple[str, str]]:
    documents = project.documents_of_kind("compose")
    if not documents:
        return
    from readiness.kinds.compose.parts import mount_specs
    from readiness.kinds.compose.words import dockerfile_of_service

    for document in documents:
        if document.source.parent is not None:
            continue
        for service in document.services.values():
            for mount in mount_specs(service.extended_node, service.env_values):
                if mount.type == "bind" and is_configuration(mount.target):
                    path = posixpath.normpath(posixpath.join(document.folder, mount.source))
                    yield (
                        path,
                        dockerfile_of_service(service) or f"{service.source.path}#{service.name}",
                    )


def _copied_configurations(project: Project) -> Iterator[tuple[str, str]]:
    documents: list[Dockerfile] = project.documents_of_kind("dockerfile")
    if not documents:
        return
    from readiness.kinds.dockerfile.paths import copy_destination

    for document in documents:
        path = document.source.path
        for stage in document.stages:
            for instruction in (*stage.instructions_of("COPY"), *stage.instructions_of("ADD")):
                target = None if instruction.flag("from") is not None else copy_destination(stage, instruction)
                if target is None or not is_configuration(target):
                    continue
                for word in instruction.words[:-1]:
                    found = _in_context(word.value, path, project)
                    if found is not None:
                        yield found, path


def _in_context(word: str, dockerfile: str, project: Project) -> str | None:
    """The file or folder that a source of COPY means: the context is the Dockerfile's folder, or one above it."""
    word = word.rstrip("*") if word.endswith("/*") else word
    for folder in parent_folders(dockerfile):
        path = posixpath.normpath(posixpath.join(folder, word.lstrip("/")))
        if project.was_path_seen(path):
            return path
    return None
