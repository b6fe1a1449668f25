"""Checks of the build context: what COPY takes from it, and what .dockerignore leaves out."""

from __future__ import annotations

import posixpath

from readiness.kinds.dockerfile.model import Step
from readiness.kinds.dockerignore import Document as Ignores
from readiness.model import CheckOutcome, Undecidable, hit
from readiness.model.project import Project
from readiness.syntax.instruction import Instruction
from readiness.syntax.words import InstructionWord


def sources_of_copy(instruction: Instruction) -> tuple[InstructionWord, ...]:
    """The sources of COPY or ADD, here-documents left out."""
    return tuple(word for word in instruction.words[:-1] if not word.raw.startswith("<<"))


def is_whole_context(word: InstructionWord) -> bool:
    """Whether a source is the whole context."""
    return word.value in (".", "./", "*", "./*", "/")


def copy_ignored_file(step: Step, project: Project) -> CheckOutcome:
    """COPY or ADD of a file that the .dockerignore beside the Dockerfile leaves out."""
    instruction = step.instruction
    if instruction.keyword not in ("COPY", "ADD") or instruction.flag("from"):
        return
    path = step.source.root.path
    document = dockerignore_of(project, path, posixpath.dirname(path))
    if document is None or "#" in step.source.path:
        return
    for word in sources_of_copy(instruction):
        value = word.value
        if word.is_variable or "://" in value or any(char in value for char in "*?["):
            continue
        left_out = document.ignores(value)
        if left_out is None:
            yield Undecidable(word.span)
        elif left_out:
            yield hit(word.span, source=value, list=posixpath.basename(document.source.path))


def dockerignore_of(project: Project, dockerfile: str, folder: str) -> Ignores | None:
    """The .dockerignore that counts for a Dockerfile where its context is a folder."""
    by_path = project.document_by_path("dockerignore")
    beside = by_path.get(posixpath.normpath(f"{dockerfile}.dockerignore"))
    document: Ignores | None = beside or by_path.get(posixpath.normpath(posixpath.join(folder, ".dockerignore")))
    return document
