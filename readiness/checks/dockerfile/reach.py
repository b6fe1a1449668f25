"""Checks of what the build context brings along: secrets, history and the files of the deployment."""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache

from readiness.checks.dockerfile.context import dockerignore_of, is_whole_context_source, source_words_of_copy
from readiness.checks.dockerfile.secret_files import (
    copy_secret_file,
    secret_file_paths,
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
    dockerfile_path = stage.source.root.path
    context_folder = posixpath.dirname(dockerfile_path)
    if "#" in stage.source.path:
        return
    copied_sources = list(_context_sources(stage))
    folder_prefix = f"{context_folder}/" if context_folder else ""
    context_secret_files = [one for one in project.memoize(secret_file_paths) if one.startswith(folder_prefix)] if copied_sources else []
    unignored_secret_files = [
        posixpath.relpath(file, context_folder or ".")
        for file in context_secret_files
        if not _is_ignored_by_dockerignore(project, dockerfile_path, file)
    ]
    for instruction, source_word in copied_sources if unignored_secret_files else ():
        if source_word.span in spans_of_hits(copy_secret_file(Step(stage.document, stage, instruction), project)):
            continue  # a folder like .ssh is told by its name
        source_folder = posixpath.normpath(source_word.value.rstrip("*").lstrip("/") or ".")
        copied_secret_files = [
            file
            for file in unignored_secret_files
            if (source_folder == "." or file.startswith(f"{source_folder}/"))
            and ("/" not in file or surely_holds_secrets(project, context_folder, file))
            and _reaches_image(stage, instruction, source_folder, file)
        ]
        if copied_secret_files:
            more_text = f" and {len(copied_secret_files) - 1} more" if len(copied_secret_files) > 1 else ""
            copied_description = "the whole context" if is_whole_context_source(source_word) else f"directory {source_word.value!r}"
            yield hit(source_word.span, what=copied_description, file=copied_secret_files[0] + more_text)
            return


def _context_sources(stage: Stage) -> Iterator[tuple[Instruction, InstructionWord]]:
    """The sources that COPY and ADD take from the build context."""
    for instruction in stage.instructions:
        if instruction.keyword in ("COPY", "ADD") and not instruction.flag("from") and not instruction.is_under_onbuild:
            for source_word in source_words_of_copy(instruction):
                if not source_word.is_variable and "://" not in source_word.value:
                    yield instruction, source_word


def _reaches_image(stage: Stage, instruction: Instruction, source_folder: str, file_path: str) -> bool:
    """Whether a file of the context that a COPY brings into a stage surely ends up in the image that is built."""
    if stage.shipped:
        return True
    target_folder = copy_destination(stage, instruction)
    file_name = posixpath.basename(file_path)
    if target_folder is None or any(file_name in run_instruction.arguments_text.text for run_instruction in stage.instructions_of("RUN")):
        return False
    return _is_copied_from_stage(stage, posixpath.normpath(posixpath.join(target_folder, posixpath.relpath(file_path, source_folder))))


@lru_cache(maxsize=16)
def _paths_copied_from_stage(stage: Stage) -> frozenset[str]:
    """The absolute paths that stages of the image copy out of a stage."""
    copied_paths: set[str] = set()
    for copying_stage in stage.document.stages:
        for instruction in copying_stage.instructions_of("COPY") if copying_stage.shipped else ():
            from_flag = instruction.flag("from")
            if from_flag is not None and stage.document.stage_by_name(from_flag.value) is stage:
                source_words = (word for word in instruction.words[:-1] if not word.is_variable)
                copied_paths.update(posixpath.normpath(f"/{word.value.rstrip('*')}") for word in source_words)
    return frozenset(path.replace("//", "/") for path in copied_paths)


def _is_copied_from_stage(stage: Stage, path: str) -> bool:
    path_parts = path.split("/")
    path_and_parents = {"/".join(path_parts[:count]) or "/" for count in range(1, len(path_parts) + 1)}
    return not path_and_parents.isdisjoint(_paths_copied_from_stage(stage))


def _is_ignored_by_dockerignore(project: Project, dockerfile_path: str, file_path: str) -> bool:
    """Whether a .dockerignore leaves a file out, beside the Dockerfile or in a folder above, where the context may be."""
    for folder in parent_folders(dockerfile_path):
        dockerignore = dockerignore_of(project, dockerfile_path, folder)
        if dockerignore is None:
            continue
        if dockerignore.ignores(posixpath.relpath(file_path, folder or ".")) is not False:
            return True
    return False


def context_unfiltered(stage: Stage, project: Project, *, shipped: bool) -> CheckOutcome:
    """The whole context is copied without a .dockerignore: into the image, or only into a stage that builds."""
    dockerfile_path = stage.source.root.path
    context_folder = posixpath.dirname(dockerfile_path)
    if "#" in stage.source.path or not project.is_walked(context_folder) or _has_dockerignore(project, dockerfile_path):
        return
    for instruction, source_word in _context_sources(stage):
        if not is_whole_context_source(source_word):
            continue
        target_folder = copy_destination(stage, instruction)
        if (stage.shipped or (target_folder is not None and _is_copied_from_stage(stage, target_folder))) is not shipped:
            continue
        if source_word.span in spans_of_hits(context_with_secrets(stage, project)):
            return  # the worst of what it brings is told already
        unwanted_name = "" if shipped else _unwanted_context_path(project, context_folder)
        if shipped or unwanted_name:
            yield missing(source_word.span, source=source_word.value, unwanted=unwanted_name)
            return


def _has_dockerignore(project: Project, dockerfile_path: str) -> bool:
    """Whether a .dockerignore stands beside the Dockerfile, or in a folder above, where the context may be."""
    ignore_file_names = (".dockerignore", ".containerignore", f"{posixpath.basename(dockerfile_path)}.dockerignore")
    return any(project.was_path_seen(posixpath.join(folder, name)) for folder in parent_folders(dockerfile_path) for name in ignore_file_names)


_DEPLOYMENT_KINDS = ("compose", "k8s", "github", "gitlab")


def _unwanted_context_path(project: Project, context_folder: str) -> str:
    """Something in a context that no build needs, and that changes on its own; empty where nothing is seen."""
    for folder_name in (".git", "node_modules"):
        if posixpath.normpath(posixpath.join(context_folder, folder_name)) in project.closed:
            return folder_name
    folder_prefix = f"{context_folder}/" if context_folder else ""
    for deployment_paths in project.memoize(_deployment_paths_of_kinds):
        index = bisect_left(deployment_paths, folder_prefix)
        if index < len(deployment_paths) and deployment_paths[index].startswith(folder_prefix):
            return posixpath.relpath(deployment_paths[index], context_folder or ".")
    return ""


def _deployment_paths_of_kinds(project: Project) -> list[list[str]]:
    """The paths of the files that deploy, in order, for each kind of them."""
    path_sets = ({one.source.root.path for one in project.documents_of_kind(kind)} for kind in _DEPLOYMENT_KINDS)
    return [sorted(path for path in paths if path[:1] != "/" and path[:3] != "../") for paths in path_sets]
