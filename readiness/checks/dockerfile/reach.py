"""Checks of what the build context brings along: secrets, history and the files of the deployment."""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache

from readiness.checks.dockerfile.context import dockerignore_of, is_whole_context, sources_of_copy
from readiness.checks.dockerfile.secret_files import (
    copy_secret_file,
    secret_paths,
    surely_holds_secrets,
)
from readiness.kinds.dockerfile.model import Stage, Step
from readiness.kinds.dockerfile.paths import copy_destination
from readiness.model import CheckOutcome, hit, missing, spans_of_hits
from readiness.model.project import Project, parent_folders
from readiness.syntax.instruction import Instruction
from readiness.syntax.words import InstructionWord


def context_with_secrets(stage: Stage, project: Project) -> CheckOutcome:
    """A folder of the context is copied into the image, and files with secrets lie in it."""
    path = stage.source.root.path
    folder = posixpath.dirname(path)
    if "#" in stage.source.path:
        return
    copies = list(_context_sources(stage))
    prefix = f"{folder}/" if folder else ""
    near = [one for one in project.memoize(secret_paths) if one.startswith(prefix)] if copies else []
    left = [posixpath.relpath(file, folder or ".") for file in near if not _is_ignored(project, path, file)]
    for instruction, word in copies if left else ():
        if word.span in spans_of_hits(copy_secret_file(Step(stage.document, stage, instruction), project)):
            continue  # a folder like .ssh is told by its name
        source = posixpath.normpath(word.value.rstrip("*").lstrip("/") or ".")
        secret_files = [
            file
            for file in left
            if (source == "." or file.startswith(f"{source}/"))
            and ("/" not in file or surely_holds_secrets(project, folder, file))
            and _ends_in_image(stage, instruction, source, file)
        ]
        if secret_files:
            more = f" and {len(secret_files) - 1} more" if len(secret_files) > 1 else ""
            what = "the whole context" if is_whole_context(word) else f"directory {word.value!r}"
            yield hit(word.span, what=what, file=secret_files[0] + more)
            return


def _context_sources(stage: Stage) -> Iterator[tuple[Instruction, InstructionWord]]:
    """The sources that COPY and ADD take from the build context."""
    for instruction in stage.instructions:
        if instruction.keyword in ("COPY", "ADD") and not instruction.flag("from") and not instruction.is_under_onbuild:
            for word in sources_of_copy(instruction):
                if not word.is_variable and "://" not in word.value:
                    yield instruction, word


def _ends_in_image(stage: Stage, instruction: Instruction, source: str, file: str) -> bool:
    """Whether a file of the context that a COPY brings into a stage surely ends up in the image that is built."""
    if stage.shipped:
        return True
    folder = copy_destination(stage, instruction)
    name = posixpath.basename(file)
    if folder is None or any(name in run.arguments_text.text for run in stage.instructions_of("RUN")):
        return False
    return _is_taken_on(stage, posixpath.normpath(posixpath.join(folder, posixpath.relpath(file, source))))


@lru_cache(maxsize=16)
def _paths_taken_from(stage: Stage) -> frozenset[str]:
    """The absolute paths that stages of the image copy out of a stage."""
    taken_paths: set[str] = set()
    for other in stage.document.stages:
        for instruction in other.instructions_of("COPY") if other.shipped else ():
            flag = instruction.flag("from")
            if flag is not None and stage.document.stage_by_name(flag.value) is stage:
                words = (word for word in instruction.words[:-1] if not word.is_variable)
                taken_paths.update(posixpath.normpath(f"/{word.value.rstrip('*')}") for word in words)
    return frozenset(path.replace("//", "/") for path in taken_paths)


def _is_taken_on(stage: Stage, path: str) -> bool:
    parts = path.split("/")
    above = {"/".join(parts[:count]) or "/" for count in range(1, len(parts) + 1)}
    return not above.isdisjoint(_paths_taken_from(stage))


def _is_ignored(project: Project, dockerfile: str, file_path: str) -> bool:
    """Whether a .dockerignore leaves a file out, beside the Dockerfile or in a folder above, where the context may be."""
    for folder in parent_folders(dockerfile):
        ignores = dockerignore_of(project, dockerfile, folder)
        if ignores is None:
            continue
        if ignores.ignores(posixpath.relpath(file_path, folder or ".")) is not False:
            return True
    return False


def context_unfiltered(stage: Stage, project: Project, *, shipped: bool) -> CheckOutcome:
    """The whole context is copied without a .dockerignore: into the image, or only into a stage that builds."""
    path = stage.source.root.path
    folder = posixpath.dirname(path)
    if "#" in stage.source.path or not project.is_walked(folder) or _has_dockerignore(project, path):
        return
    for instruction, word in _context_sources(stage):
        if not is_whole_context(word):
            continue
        where = copy_destination(stage, instruction)
        if (stage.shipped or (where is not None and _is_taken_on(stage, where))) is not shipped:
            continue
        if word.span in spans_of_hits(context_with_secrets(stage, project)):
            return  # the worst of what it brings is told already
        unwanted = "" if shipped else _unwanted_file(project, folder)
        if shipped or unwanted:
            yield missing(word.span, source=word.value, unwanted=unwanted)
            return


def _has_dockerignore(project: Project, dockerfile: str) -> bool:
    """Whether a .dockerignore stands beside the Dockerfile, or in a folder above, where the context may be."""
    names = (".dockerignore", ".containerignore", f"{posixpath.basename(dockerfile)}.dockerignore")
    return any(project.was_path_seen(posixpath.join(folder, name)) for folder in parent_folders(dockerfile) for name in names)


_DEPLOYMENT_KINDS = ("compose", "k8s", "github", "gitlab")


def _unwanted_file(project: Project, folder: str) -> str:
    """Something in a context that no build needs, and that changes on its own; empty where nothing is seen."""
    for name in (".git", "node_modules"):
        if posixpath.normpath(posixpath.join(folder, name)) in project.closed:
            return name
    prefix = f"{folder}/" if folder else ""
    for paths in project.memoize(_deployment_files):
        at = bisect_left(paths, prefix)
        if at < len(paths) and paths[at].startswith(prefix):
            return posixpath.relpath(paths[at], folder or ".")
    return ""


def _deployment_files(project: Project) -> list[list[str]]:
    """The paths of the files that deploy, in order, for each kind of them."""
    found = ({one.source.root.path for one in project.documents_of_kind(kind)} for kind in _DEPLOYMENT_KINDS)
    return [sorted(path for path in paths if path[:1] != "/" and path[:3] != "../") for paths in found]
