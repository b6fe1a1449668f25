"""Paths inside an image: the working folder in force, and where the words of an instruction lead."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from readiness.facts.base_images import sets_working_folder
from readiness.kinds.dockerfile.model import Stage
from readiness.syntax.holes import has_template
from readiness.syntax.instruction import Instruction
from readiness.syntax.words import InstructionWord


def working_folder(stage: Stage, before_offset: int | None = None) -> str | None:
    """The working folder at an offset, or at the stage's end; None where it is not known."""
    steps: list[str] = []
    for below in stage.base_chain:
        for instruction in reversed(below.instructions_of("WORKDIR")):
            if before_offset is not None and instruction.span.start >= before_offset:
                continue
            filled = below.expand_word(instruction.arguments_text.text.strip(), instruction.span.start)
            if not filled or has_template(filled):
                return None
            steps.append(filled)
            if filled.startswith("/"):
                return posixpath.normpath(posixpath.join(*reversed(steps)))
    if sets_working_folder(stage.root_stage.image) is not False:
        return None
    return posixpath.normpath(posixpath.join("/", *reversed(steps)))


def absolute_path(stage: Stage, raw: str, before_offset: int | None = None) -> str | None:
    """The absolute path that a word means at an offset; None where it is not known."""
    filled = stage.expand_word(raw, len(stage.source.text) if before_offset is None else before_offset)
    if not filled or has_template(filled):
        return None
    if filled.startswith("/"):
        return posixpath.normpath(filled)
    base = working_folder(stage, before_offset)
    return None if base is None else posixpath.normpath(posixpath.join(base, filled))


def volume_words(stage: Stage) -> Iterator[tuple[InstructionWord, str | None]]:
    """The words of VOLUME, of the stage and of those below it, with the folder of each; None where it is not known."""
    for below in stage.base_chain:
        for instruction in below.instructions_of("VOLUME"):
            for word in instruction.words:
                raw = word.value if instruction.is_json_form else word.raw
                yield word, absolute_path(below, raw, instruction.span.start)


def copy_destination(stage: Stage, instruction: Instruction) -> str | None:
    """Where a COPY or ADD puts its files; None where it is not known."""
    if not instruction.words:
        return None
    last = instruction.words[-1]
    return absolute_path(stage, last.value if instruction.is_json_form else last.raw, instruction.span.start)
