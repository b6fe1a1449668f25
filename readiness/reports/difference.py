"""The difference of two reports, for a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
    for heading, unjudged in (("not judged before", difference.not_judged_before), ("not judged after", difference.not_judged_after)):
        for one, reason in unjudged:
            yield f"{heading}, since {reason}: {one.path}:{one.line}: {one.severity}[{one.rule}] {one.message}"
    yield f"{sums_text(difference)}; {score_text(difference)}"


def markdown_lines(difference: Difference) -> Iterator[str]:
    """The score, and a table of what is new, one of what is fixed, and those of what only one of the runs could tell."""
    yield f"**{markdown_text(score_text(difference))}** - {markdown_text(sums_text(difference))}"
    tables: list[tuple[str, Sequence[tuple[KnownFinding, str]]]] = [
        ("New", [(one, "") for one in difference.new]),
        ("Fixed", [(one, "") for one in difference.fixed]),
        ("Not judged before", difference.not_judged_before),
        ("Not judged after", difference.not_judged_after),
    ]
    for heading, findings_and_reasons in tables:
        if not findings_and_reasons:
            continue
        yield from ("", f"### {heading}", "", "| severity | rule | place | message |", "|---|---|---|---|")
        for one, reason in sorted(findings_and_reasons, key=lambda pair: -pair[0].severity)[:MAX_MARKDOWN_ROWS]:
            message = f"{one.message} ({reason})" if reason else one.message
            cells = [markdown_text(cell).replace("|", "\\|") for cell in (str(one.severity), one.rule, f"{one.path}:{one.line}", message)]
            yield f"| {' | '.join(cells)} |"
        if len(findings_and_reasons) > MAX_MARKDOWN_ROWS:
            yield f"\n{len(findings_and_reasons) - MAX_MARKDOWN_ROWS} more are not shown."


def _worst_first(findings: tuple[KnownFinding, ...]) -> list[KnownFinding]:
    return sorted(findings, key=lambda one: -one.severity)


def sums_text(difference: Difference) -> str:
    """How many findings are new, by severity, how many are fixed and moved, and how many only one of the runs could tell."""
    counts = [(severity, sum(one.severity is severity for one in difference.new)) for severity in sorted(Severity, reverse=True)]
    severities = ", ".join(f"{count} {severity}" for severity, count in counts if count)
    text = f"{len(difference.new)} new{f' ({severities})' if severities else ''}, {len(difference.fixed)} fixed, {len(difference.moved)} moved"
    unjudged_counts = ((len(difference.not_judged_before), "not judged before"), (len(difference.not_judged_after), "not judged after"))
    return ", ".join([text, *(f"{count} {words}" for count, words in unjudged_counts if count)])


def score_text(difference: Difference) -> str:
    """The score before and after, and by how much it rose where the two can be compared."""
    before, after = (f"{one.score} {one.grade}" if one.score is not None else "none" for one in (difference.before, difference.after))
    text = f"score {before} at {difference.before.name}, {after}"
    if difference.points is not None:
        return f"{text} ({difference.points:+d}) at {difference.after.name}"
    is_by_other_rules = None not in {difference.before.score, difference.after.score}
    return f"{text} at {difference.after.name}{', by other rules or another algorithm' if is_by_other_rules else ''}"
