"""Checks of taste: letters' case, empty continuations, comments for other linters."""

from __future__ import annotations

import re

from readiness.kinds.dockerfile.model import Document, Stage
from readiness.model import Outcome, hit


def instruction_case(document: Document) -> Outcome:
    """Instructions are not all written in the case that most of them have."""
    instructions = list(document.syntax.instructions)
    upper = sum(one.written.isupper() for one in instructions)
    lower = sum(one.written.islower() for one in instructions)
    for instruction in instructions:
        mixed = not instruction.written.isupper() and not instruction.written.islower()
        minority = (
            instruction.written.islower() if upper >= lower else instruction.written.isupper()
        )
        if mixed or minority:
            wanted = instruction.keyword if upper >= lower else instruction.keyword.lower()
            yield hit(instruction.keyword_span, keyword=instruction.written, wanted=wanted)


def from_as_case(stage: Stage) -> Outcome:
    """FROM and AS differ in case."""
    start = stage.start
    if start is not None and len(start.words) == 3:
        word = start.words[1].raw
        if start.written.isupper() != word.isupper() or start.written.islower() != word.islower():
            yield hit(start.words[1].span, word=word, keyword=start.written)


def continuation_empty(document: Document) -> Outcome:
    """An empty line inside an instruction: the place is the line that it cuts off."""
    for step in document.steps:
        instruction = step.instruction
        if instruction.gap is not None:
            yield hit(instruction.gap, keyword=step.keyword, resource=step.resource)


_FOREIGN = re.compile(
    r"#[ \t]*hadolint[ \t]+ignore[ \t]*=[ \t]*(?:DL|SC)\d+(?:[ \t]*,[ \t]*(?:DL|SC)\d+)*[ \t]*(?:#|\r?$)",
    re.MULTILINE,
)


def ignore_comment_foreign(document: Document) -> Outcome:
    """A comment that tells hadolint to be silent."""
    text = document.source.text
    for span in document.syntax.comments:
        if _FOREIGN.match(text, span.start):
            yield hit(span)
