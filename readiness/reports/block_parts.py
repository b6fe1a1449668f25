"""A block of findings that one edit mends, as labelled parts that a terminal lays out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from readiness.model import Finding
from readiness.redaction import Redactor
from readiness.reports import digest
from readiness.reports.grouping import EditBlock
from readiness.verdict.edit_groups import edit_title, thing_title

MAX_FURTHER_PLACES = 8  # so many further places have a line each; of more, only the lines are told


class BlockPart(NamedTuple):
    """A paragraph below a block's heading: what is told of `finding` by its rule, or a labelled text."""

    label: str
    text: str
    finding: Finding | None = None


def heading_text(block: EditBlock, redactor: Redactor) -> str:
    """What is edited, and by how many rules."""
    return f"{redactor.mask_text(edit_title(block.first))} ({len(block.rule_ids)} rules)"


def block_parts(block: EditBlock, redactor: Redactor, *, verbose: bool) -> Iterator[BlockPart]:
    """The rules, what to write, and the other things that need the edit.

    A rule whose fix is in the text has its reason beside its id, and only its id where the reader knows the reason.
    """
    told_text: Callable[[str], str] = str if verbose else digest.first_sentence
    listed_rule_ids = [rule for rule in block.rule_ids if block.is_brief or not (block.new_reasons | block.text.unsaid_rule_ids) & {rule}]
    for finding in block.members:
        if finding.rule in listed_rule_ids:
            continue
        if finding.rule not in block.text.unsaid_rule_ids and not verbose:
            yield BlockPart("", told_text(finding.why), finding)
            continue
        yield BlockPart("", redactor.mask_text(finding.message), finding)
        if finding.rule in block.new_reasons:
            yield BlockPart("why", told_text(finding.why))
            yield BlockPart("fix", told_text(finding.fix))
    if listed_rule_ids:
        yield BlockPart("", ", ".join(listed_rule_ids))
    if block.text.lines and block.is_text_new and not block.is_brief:
        for number, line in enumerate(block.text.lines):
            yield BlockPart("edit" if number == 0 else " ", line)
    for finding in block.members:
        for place in finding.related:
            place_text = f"{place.source.root.path}:{place.source.position_of(place.span.start).line}"
            yield BlockPart("see", f"{place_text} {redactor.mask_text(place.message)}")
    yield from _further_parts(block, redactor, verbose=verbose)


def _further_parts(block: EditBlock, redactor: Redactor, *, verbose: bool) -> Iterator[BlockPart]:
    """The other things: a line each while they are few, with their rules where these are not all of the block's."""
    should_show_all = verbose or len(block.further) <= MAX_FURTHER_PLACES
    shown_things = block.further if should_show_all else block.further[: MAX_FURTHER_PLACES - 2]
    for findings in shown_things:
        rule_ids = dict.fromkeys(one.rule for one in findings)
        rules_text = "the same" if len(rule_ids) == len(block.rule_ids) else ", ".join(rule_ids)
        is_same_resource = bool(findings[0].container) and findings[0].resource == block.first.resource
        thing_name = f"container {findings[0].container}" if is_same_resource else thing_title(findings[0])
        yield BlockPart("also", f"{findings[0].line}: {redactor.mask_text(thing_name)}{': ' if thing_name else ''}{rules_text}")
    remaining_things = block.further[len(shown_things) :]
    if remaining_things:
        yield BlockPart("also", digest.further_lines_text([findings[0].line for findings in remaining_things]))
