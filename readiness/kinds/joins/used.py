"""What Dockerfiles and configurations of nginx are for by what uses them: only files that are not for production.

Counted over 101 repositories: docs/purpose.md has the numbers. Of a Dockerfile the use says nothing where a pipeline builds it, or
where it is the one at the root, which a build by hand and most hosts take.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from readiness.kinds.compose.parts import mount_specs
from readiness.kinds.compose.words import dockerfile_path_of_service
from readiness.kinds.nginx.homes import is_nginx_configuration_path, words_copied_to_nginx
from readiness.kinds.purpose import dockerfile_purpose
from readiness.model import Purpose
from readiness.model.project import parent_folders

if TYPE_CHECKING:
    from readiness.kinds.compose.model import Document as ComposeFile
    from readiness.kinds.compose.model import Service
    from readiness.kinds.dockerfile.model import Document as Dockerfile

_PurposesOfUsersByPath = dict[str, list[Purpose | None]]  # by path, of everything that uses it; None for what may run in production


def tell_purposes_by_use(documents_by_kind: Mapping[str, Sequence[Any]], known_paths: Collection[str]) -> None:
    """Say of every Dockerfile and configuration of nginx of which nothing else is said what all that uses them is for."""
    compose_files: Sequence[ComposeFile] = documents_by_kind.get("compose", ())
    dockerfiles: Sequence[Dockerfile] = documents_by_kind.get("dockerfile", ())
    undecided_dockerfiles = [one for one in dockerfiles if _is_purpose_undecided(one) and posixpath.dirname(posixpath.normpath(one.source.path))]
    if compose_files and undecided_dockerfiles and not (pipeline_built_dockerfiles := _dockerfiles_built_by_pipelines(documents_by_kind)).is_unknown:
        build_purposes_by_path = _build_purposes_by_dockerfile(compose_files)
        for document in undecided_dockerfiles:
            dockerfile_path = posixpath.normpath(document.source.path)
            if dockerfile_path not in pipeline_built_dockerfiles.paths and dockerfile_purpose(dockerfile_path) == "unknown":
                _set_purpose_if_all_uses_agree(document, build_purposes_by_path.get(dockerfile_path, []), "builds")
    undecided_nginx_files = [one for one in documents_by_kind.get("nginx", ()) if _is_purpose_undecided(one)]
    if compose_files and undecided_nginx_files:
        mount_purposes_by_path = _mount_purposes_by_path(compose_files)
        copied_paths = set(_copied_configuration_paths(dockerfiles, known_paths))
        for document in undecided_nginx_files:
            path_and_parent_folders = [
                posixpath.normpath(document.source.path),
                *parent_folders(posixpath.normpath(document.source.path)),
            ]
            if copied_paths.isdisjoint(one or "." for one in path_and_parent_folders):
                _set_purpose_if_all_uses_agree(
                    document,
                    [use for one in path_and_parent_folders for use in mount_purposes_by_path.get(one or ".", [])],
                    "mounts",
                )


def _is_purpose_undecided(document: Any) -> bool:
    """Whether a file stands for itself, and nothing was said of what it is for."""
    source = document.source
    return source.parent is None and source.said is None and not source.purposes


def _set_purpose_if_all_uses_agree(document: Any, purposes_of_uses: Sequence[Purpose | None], use_verb: str) -> None:
    """Take a file for what all its uses are for; those of production, or none at all, leave it as it is."""
    first_purpose = purposes_of_uses[0] if purposes_of_uses else None
    if first_purpose is not None and all(one is not None for one in purposes_of_uses):
        document.source.purposes = {"": Purpose(first_purpose.word, f"so is all that {use_verb} it, as {first_purpose.evidence}"[:300])}


def _build_purposes_by_dockerfile(compose_files: Sequence[ComposeFile]) -> _PurposesOfUsersByPath:
    """The builds of compose files by Dockerfile: only a name or a folder says enough of a file for what it builds."""
    purposes_by_dockerfile_path: _PurposesOfUsersByPath = {}
    for document in compose_files:
        file_purpose = document.taken_for if document.purpose in {"dev", "test"} else None
        for service in document.services.values():
            dockerfile_path = dockerfile_path_of_service(service)
            if dockerfile_path is not None:
                purposes_by_dockerfile_path.setdefault(dockerfile_path, []).append(file_purpose)
    return purposes_by_dockerfile_path


class _Built:
    """The Dockerfiles that pipelines build; `is_unknown` where one of them hides which."""

    def __init__(self, dockerfile_paths: Collection[str | None]) -> None:
        self.paths = {posixpath.normpath(one) for one in dockerfile_paths if one is not None}
        self.is_unknown = None in dockerfile_paths


def _dockerfiles_built_by_pipelines(documents_by_kind: Mapping[str, Sequence[Any]]) -> _Built:
    steps_and_jobs: list[Any] = [job for file in documents_by_kind.get("gitlab", ()) for job in file.jobs]
    workflows = [one for one in documents_by_kind.get("github", ()) if hasattr(one, "jobs")]
    steps_and_jobs += [step for one in workflows for job in one.jobs for step in job.steps]
    if not steps_and_jobs:
        return _Built(())
    from readiness.kinds.joins.builds import builds_of_runner

    return _Built([one.dockerfile_path for runner in steps_and_jobs for one in builds_of_runner(runner) if not one.from_git])


def _mount_purposes_by_path(compose_files: Sequence[ComposeFile]) -> _PurposesOfUsersByPath:
    """What services mount to where nginx reads its configuration, by path."""
    purposes_by_mounted_path: _PurposesOfUsersByPath = {}
    for document in compose_files:
        for service in document.services.values():
            for mount_spec in mount_specs(service.extended_node, service.env_values):
                if mount_spec.type == "bind" and is_nginx_configuration_path(mount_spec.target):
                    mounted_path = posixpath.normpath(posixpath.join(document.folder, mount_spec.source))
                    purposes_by_mounted_path.setdefault(mounted_path, []).append(_non_production_purpose_of_service(document, service))
    return purposes_by_mounted_path


def _non_production_purpose_of_service(document: ComposeFile, service: Service) -> Purpose | None:
    """What a service is for, where that is not production."""
    taken_purpose = service.stated or document.taken_for
    if taken_purpose is None and service.set_aside:
        return Purpose("development", f"the service {service.name!r} is")
    return None if taken_purpose is None or taken_purpose.is_production else taken_purpose


def _copied_configuration_paths(dockerfiles: Sequence[Dockerfile], known_paths: Collection[str]) -> Iterator[str]:
    """What images copy to where nginx reads its configuration, from the folder of the Dockerfile or from one above it."""
    known_files_and_folders = set(map(posixpath.normpath, known_paths))
    known_files_and_folders |= {context_folder for source_path in known_files_and_folders for context_folder in parent_folders(source_path)}
    for dockerfile_path, source_word in words_copied_to_nginx(dockerfiles):
        for context_folder in parent_folders(posixpath.normpath(dockerfile_path)):
            source_path = posixpath.normpath(posixpath.join(context_folder, source_word.rstrip("*").lstrip("/")))
            if source_path in known_files_and_folders or source_path == ".":
                yield source_path
