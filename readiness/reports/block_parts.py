"""A block of findings that one edit mends, as labelled parts that a terminal lays out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from readiness.model import Finding
from readiness.redaction import Redactor
from readiness.reports import digest
from readiness.reports.grouping import EditBlock
from readiness.reports.thing_words import edit_words, thing_words

MAX_FURTHER_PLACES = 8  # so many further places have a line each; of more, only the lines are told


class BlockPart(NamedTuple):
    """A paragraph below a block's heading: what `finding` says, or a labelled text."""

    label: str
    text: str
    finding: Finding | None = None


def heading_text(block: EditBlock, redactor: Redactor) -> str:
    """What is edited, and by how many rules."""
    return f"{redactor.mask_text(edit_words(block.first))} ({len(block.rule_ids)} rules)"


def block_parts(block: EditBlock, redactor: Redactor, *, verbose: bool) -> Iterator[BlockPart]:
    """The rules with what they say here, why, what to write, and the other things that need the edit.

    Why is said once for all rules, with `verbose` below each; a fix below its rule where what to write leaves it unsaid. Where a line
    must do, there are only the ids.
    """
    if block.is_brief:
        yield BlockPart("", ", ".join(block.rule_ids))
    else:
        yield from _rule_parts(block, redactor, verbose=verbose)
        if block.text.lines and block.is_text_new:
            for number, line in enumerate(block.text.lines):
                yield BlockPart("edit" if number == 0 else " ", line)
    for finding in block.members:
        for place in finding.related:
            place_text = f"{place.source.root.path}:{place.source.position_of(place.span.start).line}"
            yield BlockPart("see", f"{place_text} {redactor.mask_text(place.message)}")
    yield from _further_parts(block, redactor, verbose=verbose)


def _rule_parts(block: EditBlock, redactor: Redactor, *, verbose: bool) -> Iterator[BlockPart]:
    """What each finding says, with its fix where that is needed, and the reasons that are new to the reader."""
    untold_rule_ids = set(block.new_reasons)
    reasons: dict[str, None] = {}
    for finding in block.members:
        yield BlockPart("", redactor.mask_text(finding.message), finding)
        if finding.rule not in untold_rule_ids:
            continue
        untold_rule_ids.remove(finding.rule)
        if verbose:
            yield BlockPart("why", finding.why)
        else:
            reasons[digest.first_sentence(finding.why)] = None
        if verbose or finding.rule in block.text.unsaid_rule_ids:
            yield BlockPart("fix", finding.fix)
    if reasons:
        yield BlockPart("why", " ".join(reasons))


def _further_parts(block: EditBlock, redactor: Redactor, *, verbose: bool) -> Iterator[BlockPart]:
    """The other things: a line each while they are few, with their rules where these are not all of the block's."""
    should_show_all = verbose or len(block.further) <= MAX_FURTHER_PLACES
    shown_things = block.further if should_show_all else block.further[: MAX_FURTHER_PLACES - 2]
    for findings in shown_things:
        rule_ids = dict.fromkeys(one.rule for one in findings)
        rules_text = "the same" if len(rule_ids) == len(block.rule_ids) else ", ".join(rule_ids)
        is_same_resource = bool(findings[0].container) and findings[0].resource == block.first.resource
        thing_name = f"container {findings[0].container}" if is_same_resource else thing_words(findings[0])
        yield BlockPart("also", f"{findings[0].line}: {redactor.mask_text(thing_name)}{': ' if thing_name else ''}{rules_text}")
    remaining_things = block.further[len(shown_things) :]
    if remaining_things:
        yield BlockPart("also", digest.further_lines_text([findings[0].line for findings in remaining_things]))
