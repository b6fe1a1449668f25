"""Checks of taste: letters' case, empty continuations, comments for other linters."""

from __future__ import annotations

import re

from readiness.kinds.dockerfile.model import Document, Stage
from readiness.model import CheckOutcome, hit


def instruction_case(document: Document) -> CheckOutcome:
    """Instructions are not all written in the case that most of them have."""
    instructions = list(document.parsed_dockerfile.instructions)
    upper = sum(one.keyword_as_written.isupper() for one in instructions)
    lower = sum(one.keyword_as_written.islower() for one in instructions)
    for instruction in instructions:
        mixed = not instruction.keyword_as_written.isupper() and not instruction.keyword_as_written.islower()
        minority = instruction.keyword_as_written.islower() if upper >= lower else instruction.keyword_as_written.isupper()
        if mixed or minority:
            wanted = instruction.keyword if upper >= lower else instruction.keyword.lower()
            yield hit(instruction.keyword_span, keyword=instruction.keyword_as_written, wanted=wanted)


def from_as_case(stage: Stage) -> CheckOutcome:
    """FROM and AS differ in case."""
    start = stage.from_instruction
    if start is not None and len(start.words) == 3:
        word = start.words[1].raw
        if start.keyword_as_written.isupper() != word.isupper() or start.keyword_as_written.islower() != word.islower():
            yield hit(start.words[1].span, word=word, keyword=start.keyword_as_written)


def continuation_empty(document: Document) -> CheckOutcome:
    """An empty line inside an instruction: the place is the line that it cuts off."""
    for step in document.steps:
        instruction = step.instruction
        if instruction.empty_continuation_span is not None:
            yield hit(instruction.empty_continuation_span, keyword=step.keyword, resource=step.resource)


_HADOLINT_IGNORE_COMMENT = re.compile(
    r"#[ \t]*hadolint[ \t]+ignore[ \t]*=[ \t]*(?:DL|SC)\d+(?:[ \t]*,[ \t]*(?:DL|SC)\d+)*[ \t]*(?:#|\r?$)",
    re.MULTILINE,
)


def ignore_comment_foreign(document: Document) -> CheckOutcome:
    """A comment that tells hadolint to be silent."""
    text = document.source.text
    for span in document.parsed_dockerfile.comments:
        if _HADOLINT_IGNORE_COMMENT.match(text, span.start):
            yield hit(span)
