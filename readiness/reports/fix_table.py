"""The table of what to fix first, in words: what both reports for people and that for GitHub lay out."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence

from readiness.redaction import Redactor
from readiness.reports.digest import count_with_noun, first_sentence, shortened_text
from readiness.reports.edit_text import edit_text, edit_text_in_one_line
from readiness.reports.frame import display_width, escape_controls
from readiness.verdict.fix_first import FixRow
from readiness.verdict.report import Report

SCREEN_LINES = 23  # of a terminal of 24 lines, which keeps one for its prompt
MAX_ROWS_OF_SHORT_TABLE = 5  # where it is told once more, beside the score


def fix_row_texts(row: FixRow) -> tuple[str, str]:
    """(how much there is of a row, what to write for it), each in one line."""
    return escape_controls(_counts_text(row) + _failing_text(row)), escape_controls(_what_to_write(row))


def text_with_counts(text: str, row: FixRow, max_width: int) -> str:
    """A row's text with how much there is of it and how much of that fails the gate, in fewer words in a narrow line, and shortened there."""
    failing_text = _failing_text(row)
    for failing_words in (failing_text, failing_text.removesuffix(" the gate"), ""):
        whole_text = f"{text}{escape_controls(_counts_text(row) + failing_words)}"
        if display_width(whole_text) <= max_width:
            return whole_text
    return shortened_text(whole_text, max_width)


def _counts_text(row: FixRow) -> str:
    rule_count_text = f"{len(row.rule_ids)} rules, " if len(row.rule_ids) > 1 else ""
    return rule_count_text + count_with_noun(row.place_count, row.noun)


def _failing_text(row: FixRow) -> str:
    if not row.failing_count:
        return ""
    return f", {row.failing_count} fail the gate" if row.failing_count > 1 else ", 1 fails the gate"


def gain_text(report: Report, row: FixRow, *, digits: int) -> str:
    """What a row gains, with more digits where it would be nothing; `gate` where it only fails that, and empty without either.

    Where there is no score, nothing gains.
    """
    if report.score is not None and row.gain >= 0.005:
        return f"+{row.gain:.{digits}f}" if row.gain >= 0.05 else f"+{row.gain:.2f}"
    return "gate" if row.failing_count else ""


def detail_lines(row: FixRow, redactor: Redactor, max_width: int, *, shows_ids: bool, shows_fix: bool) -> list[str]:
    """What stands below a row: the ids of its rules where its name is none, and what to write."""
    lines = [rule_ids_text(row.rule_ids, max_width)] if shows_ids and _has_ids_to_tell(row) else []
    if shows_fix:
        lines.append(shortened_text(redactor.mask_text(fix_row_texts(row)[1]), max_width))
    return lines


def rule_ids_text(rule_ids: Sequence[str], max_width: int) -> str:
    """As many of these ids as fit, one at least, and how many more there are."""
    for shown_count in range(len(rule_ids), 0, -1):
        hidden_count = len(rule_ids) - shown_count
        text = ", ".join(rule_ids[:shown_count]) + (f" and {hidden_count} more" if hidden_count else "")
        if len(text) <= max_width:
            return text
    return shortened_text(text, max_width)


def rows_on_first_screen(fix_rows: Sequence[FixRow]) -> list[FixRow]:
    """The rows that a screen has room for with their ids and fixes, below a heading."""
    visible_rows: list[FixRow] = []
    line_count = 1
    for row in fix_rows:
        line_count += 3 if _has_ids_to_tell(row) else 2
        if line_count > SCREEN_LINES:
            break
        visible_rows.append(row)
    return visible_rows


def has_room_for_ids(fix_rows: Sequence[FixRow], other_texts: Sequence[str], width: int, *, other_lines: int) -> bool:
    """Whether the last screen has room for these rows with the ids of their rules, beside texts of some width and further lines."""
    text_lines = sum(max(len(textwrap.wrap(text, width)), 1) for text in other_texts)
    return len(fix_rows) + sum(map(_has_ids_to_tell, fix_rows)) + text_lines + other_lines <= SCREEN_LINES


def _has_ids_to_tell(row: FixRow) -> bool:
    return len(row.rule_ids) > 1


def _what_to_write(row: FixRow) -> str:
    """What the edits of a row write, together; else, or where that says nothing of the commonest rules, how the worst of these is fixed.

    Where a row has several rules, such a fix stands behind the id of its own.
    """
    count_by_rule = Counter(one.rule for one in row.findings)
    commonest_finding = max(row.findings, key=lambda one: (count_by_rule[one.rule], one.severity))
    findings_by_rule = {one.rule: one for one in reversed(row.findings)}
    findings = [findings_by_rule[rule_id] for rule_id in row.rule_ids]
    said_rule_ids = findings_by_rule.keys() - edit_text(findings).unsaid_rule_ids
    if any(count_by_rule[rule_id] == count_by_rule[commonest_finding.rule] for rule_id in said_rule_ids):
        return edit_text_in_one_line(findings)
    fix_text = first_sentence(commonest_finding.fix)
    return f"{commonest_finding.rule}: {fix_text}" if len(row.rule_ids) > 1 else fix_text
