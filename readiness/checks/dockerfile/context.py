"""Checks of the build context: what COPY takes from it, and what .dockerignore leaves out."""

from __future__ import annotations

import posixpath

from readiness.kinds.dockerfile.model import Step
from readiness.kinds.dockerignore import Document as Ignores
from readiness.model import CheckOutcome, Undecidable, hit
from readiness.model.project import Project
from readiness.syntax.instruction import Instruction
from readiness.syntax.words import InstructionWord


def source_words_of_copy(instruction: Instruction) -> tuple[InstructionWord, ...]:
    """The sources of COPY or ADD, here-documents left out."""
    return tuple(word for word in instruction.words[:-1] if not word.raw.startswith("<<"))


def is_whole_context_source(word: InstructionWord) -> bool:
    """Whether a source is the whole context."""
    return word.value in (".", "./", "*", "./*", "/")


def copy_ignored_file(step: Step, project: Project) -> CheckOutcome:
    """COPY or ADD of a file that the .dockerignore beside the Dockerfile leaves out."""
    instruction = step.instruction
    if instruction.keyword not in ("COPY", "ADD") or instruction.flag("from"):
        return
    dockerfile_path = step.source.root.path
    dockerignore = dockerignore_of(project, dockerfile_path, posixpath.dirname(dockerfile_path))
    if dockerignore is None or "#" in step.source.path:
        return
    for source_word in source_words_of_copy(instruction):
        source_path = source_word.value
        if source_word.is_variable or "://" in source_path or any(char in source_path for char in "*?["):
            continue
        is_ignored = dockerignore.ignores(source_path)
        if is_ignored is None:
            yield Undecidable(source_word.span)
        elif is_ignored:
            yield hit(source_word.span, source=source_path, list=posixpath.basename(dockerignore.source.path))


def dockerignore_of(project: Project, dockerfile: str, folder: str) -> Ignores | None:
    """The .dockerignore that counts for a Dockerfile where its context is a folder."""
    dockerignore_by_path = project.document_by_path("dockerignore")
    dockerignore_of_dockerfile = dockerignore_by_path.get(posixpath.normpath(f"{dockerfile}.dockerignore"))
    dockerignore: Ignores | None = dockerignore_of_dockerfile or dockerignore_by_path.get(posixpath.normpath(posixpath.join(folder, ".dockerignore")))
    return dockerignore
