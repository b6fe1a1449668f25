"""Paths inside an image: the working folder in force, and where the words of an instruction lead."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from readiness.facts.base_images import sets_folder
from readiness.kinds.dockerfile.model import Stage
from readiness.syntax.holes import has_template
from readiness.syntax.instruction import Instruction
from readiness.syntax.words import Word


def working_folder(stage: Stage, before: int | None = None) -> str | None:
    """The working folder at an offset, or at the stage's end; None where it is not known."""
    steps: list[str] = []
    for below in stage.chain:
        for instruction in reversed(below.of("WORKDIR")):
            if before is not None and instruction.span.start >= before:
                continue
            filled = below.expand(instruction.body.text.strip(), instruction.span.start)
            if not filled or has_template(filled):
                return None
            steps.append(filled)
            if filled.startswith("/"):
                return posixpath.normpath(posixpath.join(*reversed(steps)))
    if sets_folder(stage.root.image) is not False:
        return None
    return posixpath.normpath(posixpath.join("/", *reversed(steps)))


def absolute_path(stage: Stage, raw: str, before: int | None = None) -> str | None:
    """The absolute path that a word means at an offset; None where it is not known."""
    filled = stage.expand(raw, len(stage.source.text) if before is None else before)
    if not filled or has_template(filled):
        return None
    if filled.startswith("/"):
        return posixpath.normpath(filled)
    base = working_folder(stage, before)
    return None if base is None else posixpath.normpath(posixpath.join(base, filled))


def volume_words(stage: Stage) -> Iterator[tuple[Word, str | None]]:
    """The words of VOLUME, of the stage and of those below it, with the folder of each; None where it is not known."""
    for below in stage.chain:
        for instruction in below.of("VOLUME"):
            for word in instruction.words:
                raw = word.value if instruction.json else word.raw
                yield word, absolute_path(below, raw, instruction.span.start)


def copy_target(stage: Stage, instruction: Instruction) -> str | None:
    """Where a COPY or ADD puts its files; None where it is not known."""
    if not instruction.words:
        return None
    last = instruction.words[-1]
    return absolute_path(
        stage, last.value if instruction.json else last.raw, instruction.span.start
    )
