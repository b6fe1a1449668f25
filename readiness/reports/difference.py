"""The difference of two reports, for a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.model import Severity
from readiness.reports.markdown import markdown_text
from readiness.triage.known import KnownFinding
from readiness.verdict.difference import Difference

MAX_MARKDOWN_ROWS = 100  # of each table: a comment holds 65,536 characters


def terminal_lines(difference: Difference) -> Iterator[str]:
    """A line for each finding, the worst first, and the sums as the last."""
    for heading, findings in (("new", difference.new), ("fixed", difference.fixed)):
        for one in _worst_first(findings):
            yield f"{heading}: {one.path}:{one.line}: {one.severity}[{one.rule}] {one.message}"
    for before, after in difference.moved:
        yield f"moved: {after.path}:{after.line}: {after.severity}[{after.rule}] from {before.path}:{before.line}"
    yield f"{sums_text(difference)}; {score_text(difference)}"


def markdown_lines(difference: Difference) -> Iterator[str]:
    """The score, and a table of what is new and one of what is fixed."""
    yield f"**{markdown_text(score_text(difference))}** - {markdown_text(sums_text(difference))}"
    for heading, findings in (("New", difference.new), ("Fixed", difference.fixed)):
        if not findings:
            continue
        yield from ("", f"### {heading}", "", "| severity | rule | place | message |", "|---|---|---|---|")
        for one in _worst_first(findings)[:MAX_MARKDOWN_ROWS]:
            cells = [markdown_text(cell).replace("|", "\\|") for cell in (str(one.severity), one.rule, f"{one.path}:{one.line}", one.message)]
            yield f"| {' | '.join(cells)} |"
        if len(findings) > MAX_MARKDOWN_ROWS:
            yield f"\n{len(findings) - MAX_MARKDOWN_ROWS} more are not shown."


def _worst_first(findings: tuple[KnownFinding, ...]) -> list[KnownFinding]:
    return sorted(findings, key=lambda one: -one.severity)


def sums_text(difference: Difference) -> str:
    """How many findings are new, by severity, and how many are fixed and moved."""
    counts = [(severity, sum(one.severity is severity for one in difference.new)) for severity in sorted(Severity, reverse=True)]
    severities = ", ".join(f"{count} {severity}" for severity, count in counts if count)
    return f"{len(difference.new)} new{f' ({severities})' if severities else ''}, {len(difference.fixed)} fixed, {len(difference.moved)} moved"


def score_text(difference: Difference) -> str:
    """The score before and after."""
    before, after = (f"{one.score} {one.grade}" if one.score is not None else "none" for one in (difference.before, difference.after))
    change = (
        after
        if difference.before.score is None or difference.after.score is None
        else f"{after} ({difference.after.score - difference.before.score:+d})"
    )
    return f"score {before} at {difference.before.name}, {change} at {difference.after.name}"
