"""The containers and images that nginx files are mounted or copied into: only what is in one of them is one server.

https://nginx.org/en/docs/ngx_core_module.html#include
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import TYPE_CHECKING

from readiness.model.project import Project, parent_folders
from readiness.model.records import dataclass

if TYPE_CHECKING:
    from readiness.kinds.dockerfile.model import Document as Dockerfile

_NGINX_FOLDER_NAMES = frozenset({"nginx", "openresty"})


def is_nginx_configuration_path(path: str) -> bool:
    """Whether a path in an image is one that nginx reads its configuration from."""
    *_, file_name = path_parts = path.split("/")
    return not _NGINX_FOLDER_NAMES.isdisjoint(path_parts) or ("nginx" in file_name and file_name.endswith(".conf"))


@dataclass(frozen=True, slots=True)
class ContainersByPath:
    """Paths of files and folders with the containers and images that hold them."""

    containers_by_path: dict[str, set[str]] = field(default_factory=dict)

    def containers_holding(self, path: str) -> frozenset[str]:
        """The containers and images that hold a file; empty where nothing tells."""
        path = posixpath.normpath(path)
        container_names: set[str] = set(self.containers_by_path.get(path, ()))
        for parent_folder in parent_folders(path):
            container_names |= self.containers_by_path.get(parent_folder or ".", set())
        return frozenset(container_names)

    def are_apart(self, path: str, other_path: str) -> bool:
        """Whether two files are surely in different containers or images."""
        containers, other_containers = self.containers_holding(path), self.containers_holding(other_path)
        return bool(containers and other_containers) and containers.isdisjoint(other_containers)

    def are_together(self, path: str, other_path: str) -> bool:
        """Whether two files are surely in one container or image."""
        return not self.containers_holding(path).isdisjoint(self.containers_holding(other_path))


def containers_of_configurations(project: Project) -> ContainersByPath:
    """What compose files mount and Dockerfiles copy to where nginx reads its configuration."""
    configuration_containers = ContainersByPath()
    for configuration_path, container_name in (
        *_mounted_paths_with_containers(project),
        *_copied_paths_with_dockerfiles(project),
    ):
        configuration_containers.containers_by_path.setdefault(configuration_path, set()).add(container_name)
    return configuration_containers


def _mounted_paths_with_containers(project: Project) -> Iterator[tuple[str, str]]:
    documents = project.documents_of_kind("compose")
    if not documents:
        return
    from readiness.kinds.compose.parts import mount_specs
    from readiness.kinds.compose.words import dockerfile_path_of_service

    for document in documents:
        if document.source.parent is not None:
            continue
        for service in document.services.values():
            for mount in mount_specs(service.extended_node, service.env_values):
                if mount.type == "bind" and is_nginx_configuration_path(mount.target):
                    mounted_path = posixpath.normpath(posixpath.join(document.folder, mount.source))
                    yield (
                        mounted_path,
                        dockerfile_path_of_service(service) or f"{service.source.path}#{service.name}",
                    )


def _copied_paths_with_dockerfiles(project: Project) -> Iterator[tuple[str, str]]:
    for dockerfile_path, source_word in words_copied_to_nginx(project.documents_of_kind("dockerfile")):
        copied_path = _path_of_copy_source(source_word, dockerfile_path, project)
        if copied_path is not None:
            yield copied_path, dockerfile_path


def words_copied_to_nginx(dockerfiles: Sequence[Dockerfile]) -> Iterator[tuple[str, str]]:
    """The sources that COPY and ADD name, out of the build's context, of what goes where nginx reads its configuration: each behind
    the path of its Dockerfile."""
    if not dockerfiles:
        return
    from readiness.kinds.dockerfile.paths import copy_destination

    for dockerfile in dockerfiles:
        for stage in dockerfile.stages:
            for instruction in (*stage.instructions_of("COPY"), *stage.instructions_of("ADD")):
                copy_target = None if instruction.flag("from") is not None else copy_destination(stage, instruction)
                if copy_target is not None and is_nginx_configuration_path(copy_target):
                    yield from ((dockerfile.source.path, source_word.value) for source_word in instruction.words[:-1])


def _path_of_copy_source(source_word: str, dockerfile_path: str, project: Project) -> str | None:
    """The file or folder that a source of COPY means: the context is the Dockerfile's folder, or one above it."""
    source_word = source_word.rstrip("*") if source_word.endswith("/*") else source_word
    for context_folder in parent_folders(dockerfile_path):
        path_in_tree = posixpath.normpath(posixpath.join(context_folder, source_word.lstrip("/")))
        if project.was_path_seen(path_in_tree):
            return path_in_tree
    return None
