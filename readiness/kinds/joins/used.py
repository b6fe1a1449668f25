"""What Dockerfiles and configurations of nginx are for by what uses them: only files that are not for production.

Counted over 101 repositories: docs/purpose.md has the numbers. Of a Dockerfile the use says nothing where a pipeline builds it, or
where it is the one at the root, which a build by hand and most hosts take.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from readiness.kinds.compose.parts import mount_specs
from readiness.kinds.compose.words import dockerfile_of_service
from readiness.kinds.nginx.homes import is_configuration
from readiness.kinds.purpose import dockerfile_purpose
from readiness.model import Purpose
from readiness.model.project import parent_folders

if TYPE_CHECKING:
    from readiness.kinds.compose.model import Document as ComposeFile
    from readiness.kinds.compose.model import Service
    from readiness.kinds.dockerfile.model import Document as Dockerfile

_Uses = dict[str, list[Purpose | None]]  # by path, of everything that uses it; None for what may run in production


def tell_purposes_by_use(documents_by_kind: Mapping[str, Sequence[Any]], paths: Collection[str]) -> None:
    """Say of every Dockerfile and configuration of nginx of which nothing else is said what all that uses them is for."""
    composed: Sequence[ComposeFile] = documents_by_kind.get("compose", ())
    images: Sequence[Dockerfile] = documents_by_kind.get("dockerfile", ())
    open_images = [one for one in images if _is_open(one) and posixpath.dirname(posixpath.normpath(one.source.path))]
    if composed and open_images and not (built := _built_by_pipelines(documents_by_kind)).is_unknown:
        builds = _builds(composed)
        for document in open_images:
            path = posixpath.normpath(document.source.path)
            if path not in built.paths and dockerfile_purpose(path) == "unknown":
                _take(document, builds.get(path, []), "builds")
    served = [one for one in documents_by_kind.get("nginx", ()) if _is_open(one)]
    if composed and served:
        mounts = _mounts(composed)
        copies = set(_copied_paths(images, paths))
        for document in served:
            around = [posixpath.normpath(document.source.path), *parent_folders(posixpath.normpath(document.source.path))]
            if copies.isdisjoint(one or "." for one in around):
                _take(document, [use for one in around for use in mounts.get(one or ".", [])], "mounts")


def _is_open(document: Any) -> bool:
    """Whether a file stands for itself, and nothing was said of what it is for."""
    source = document.source
    return source.parent is None and source.said is None and not source.purposes


def _take(document: Any, uses: Sequence[Purpose | None], verb: str) -> None:
    """Take a file for what all its uses are for; those of production, or none at all, leave it as it is."""
    first = uses[0] if uses else None
    if first is not None and all(one is not None for one in uses):
        document.source.purposes = {"": Purpose(first.word, f"so is all that {verb} it, as {first.evidence}"[:300])}


def _builds(composed: Sequence[ComposeFile]) -> _Uses:
    """The builds of compose files by Dockerfile: only a name or a folder says enough of a file for what it builds."""
    found: _Uses = {}
    for document in composed:
        taken = document.taken_for if document.purpose in {"dev", "test"} else None
        for service in document.services.values():
            path = dockerfile_of_service(service)
            if path is not None:
                found.setdefault(path, []).append(taken)
    return found


class _Built:
    """The Dockerfiles that pipelines build; `is_unknown` where one of them hides which."""

    def __init__(self, paths: Collection[str | None]) -> None:
        self.paths = {posixpath.normpath(one) for one in paths if one is not None}
        self.is_unknown = None in paths


def _built_by_pipelines(documents_by_kind: Mapping[str, Sequence[Any]]) -> _Built:
    runners: list[Any] = [job for file in documents_by_kind.get("gitlab", ()) for job in file.jobs]
    workflows = [one for one in documents_by_kind.get("github", ()) if hasattr(one, "jobs")]
    runners += [step for one in workflows for job in one.jobs for step in job.steps]
    if not runners:
        return _Built(())
    from readiness.kinds.joins.builds import builds_of_runner

    return _Built([one.dockerfile_path for runner in runners for one in builds_of_runner(runner) if not one.from_git])


def _mounts(composed: Sequence[ComposeFile]) -> _Uses:
    """What services mount to where nginx reads its configuration, by path."""
    found: _Uses = {}
    for document in composed:
        for service in document.services.values():
            for mount in mount_specs(service.extended_node, service.env_values):
                if mount.type == "bind" and is_configuration(mount.target):
                    path = posixpath.normpath(posixpath.join(document.folder, mount.source))
                    found.setdefault(path, []).append(_purpose_of(document, service))
    return found


def _purpose_of(document: ComposeFile, service: Service) -> Purpose | None:
    """What a service is for, where that is not production."""
    taken = service.stated or document.taken_for
    if taken is None and service.set_aside:
        return Purpose("development", f"the service {service.name!r} is")
    return None if taken is None or taken.is_production else taken


def _copied_paths(images: Sequence[Dockerfile], paths: Collection[str]) -> Iterator[str]:
    """What images copy to where nginx reads its configuration, from the folder of the Dockerfile or from one above it."""
    from readiness.kinds.dockerfile.paths import copy_destination

    known = set(map(posixpath.normpath, paths))
    known |= {folder for path in known for folder in parent_folders(path)}
    for document in images:
        for stage in document.stages:
            for instruction in (*stage.instructions_of("COPY"), *stage.instructions_of("ADD")):
                target = None if instruction.flag("from") is not None else copy_destination(stage, instruction)
                if target is None or not is_configuration(target):
                    continue
                for word in instruction.words[:-1]:
                    for folder in parent_folders(posixpath.normpath(document.source.path)):
                        path = posixpath.normpath(posixpath.join(folder, word.value.rstrip("*").lstrip("/")))
                        if path in known or path == ".":
                            yield path
