"""Paths inside an image: the working folder in force, and where the words of an instruction lead."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from readiness.facts.base_images import sets_working_folder
from readiness.kinds.dockerfile.model import Stage
from readiness.syntax.holes import has_template_opening
from readiness.syntax.instruction import Instruction
from readiness.syntax.words import InstructionWord


def working_folder(stage: Stage, before_offset: int | None = None) -> str | None:
    """The working folder at an offset, or at the stage's end; None where it is not known."""
    path_parts: list[str] = []
    for stage_below in stage.base_chain:
        for instruction in reversed(stage_below.instructions_of("WORKDIR")):
            if before_offset is not None and instruction.span.start >= before_offset:
                continue
            expanded_path = stage_below.expand_word(instruction.arguments_text.text.strip(), instruction.span.start)
            if not expanded_path or has_template_opening(expanded_path):
                return None
            path_parts.append(expanded_path)
            if expanded_path.startswith("/"):
                return posixpath.normpath(posixpath.join(*reversed(path_parts)))
    if sets_working_folder(stage.root_stage.image) is not False:
        return None
    return posixpath.normpath(posixpath.join("/", *reversed(path_parts)))


def absolute_path(stage: Stage, raw_path: str, before_offset: int | None = None) -> str | None:
    """The absolute path that a word means at an offset; None where it is not known."""
    expanded_path = stage.expand_word(raw_path, len(stage.source.text) if before_offset is None else before_offset)
    if not expanded_path or has_template_opening(expanded_path):
        return None
    if expanded_path.startswith("/"):
        return posixpath.normpath(expanded_path)
    working_folder_path = working_folder(stage, before_offset)
    return None if working_folder_path is None else posixpath.normpath(posixpath.join(working_folder_path, expanded_path))


def volume_words_with_paths(stage: Stage) -> Iterator[tuple[InstructionWord, str | None]]:
    """The words of VOLUME, of the stage and of those below it, with the folder of each; None where it is not known."""
    for base_stage in stage.base_chain:
        for instruction in base_stage.instructions_of("VOLUME"):
            for volume_word in instruction.words:
                volume_path = volume_word.value if instruction.is_json_form else volume_word.raw
                yield volume_word, absolute_path(base_stage, volume_path, instruction.span.start)


def copy_destination(stage: Stage, instruction: Instruction) -> str | None:
    """Where a COPY or ADD puts its files; None where it is not known."""
    if not instruction.words:
        return None
    destination_word = instruction.words[-1]
    return absolute_path(stage, destination_word.value if instruction.is_json_form else destination_word.raw, instruction.span.start)
