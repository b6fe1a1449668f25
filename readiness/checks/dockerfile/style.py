"""Checks of taste: letters' case, empty continuations, comments for other linters."""

from __future__ import annotations

import re

from readiness.kinds.dockerfile.model import Document, Stage
from readiness.model import CheckOutcome, hit
from readiness.model.lazy_regex import lazy_regex


def instruction_case(document: Document) -> CheckOutcome:
    """Instructions are not all written in the case that most of them have."""
    instructions = list(document.parsed_dockerfile.instructions)
    uppercase_count = sum(one.keyword_as_written.isupper() for one in instructions)
    lowercase_count = sum(one.keyword_as_written.islower() for one in instructions)
    for instruction in instructions:
        is_mixed_case = not instruction.keyword_as_written.isupper() and not instruction.keyword_as_written.islower()
        is_minority_case = (
            instruction.keyword_as_written.islower() if uppercase_count >= lowercase_count else instruction.keyword_as_written.isupper()
        )
        if is_mixed_case or is_minority_case:
            expected_keyword = instruction.keyword if uppercase_count >= lowercase_count else instruction.keyword.lower()
            yield hit(instruction.keyword_span, keyword=instruction.keyword_as_written, wanted=expected_keyword)


def from_as_case(stage: Stage) -> CheckOutcome:
    """FROM and AS differ in case."""
    from_instruction = stage.from_instruction
    if from_instruction is not None and len(from_instruction.words) == 3:
        as_keyword = from_instruction.words[1].raw
        if (
            from_instruction.keyword_as_written.isupper() != as_keyword.isupper()
            or from_instruction.keyword_as_written.islower() != as_keyword.islower()
        ):
            yield hit(from_instruction.words[1].span, word=as_keyword, keyword=from_instruction.keyword_as_written)


def continuation_empty(document: Document) -> CheckOutcome:
    """An empty line inside an instruction: the place is the line that it cuts off."""
    for step in document.steps:
        instruction = step.instruction
        if instruction.empty_continuation_span is not None:
            yield hit(instruction.empty_continuation_span, keyword=step.keyword, resource=step.resource)


_HADOLINT_IGNORE_COMMENT_PATTERN = lazy_regex(
    r"#[ \t]*hadolint[ \t]+ignore[ \t]*=[ \t]*(?:DL|SC)\d+(?:[ \t]*,[ \t]*(?:DL|SC)\d+)*[ \t]*(?:#|\r?$)",
    re.MULTILINE,
)


def ignore_comment_foreign(document: Document) -> CheckOutcome:
    """A comment that tells hadolint to be silent."""
    text = document.source.text
    for comment_span in document.parsed_dockerfile.comments:
        if _HADOLINT_IGNORE_COMMENT_PATTERN.match(text, comment_span.start):
            yield hit(comment_span)
