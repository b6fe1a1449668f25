"""What a person is shown of a report, in words: shared by every format that is read and not parsed."""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from readiness.model import UNJUDGED_RULES, Finding, Severity, join_names
from readiness.redaction import Redactor
from readiness.reports.frame import escape_controls
from readiness.verdict.report import Report
from readiness.verdict.score import counts_in_score, is_unread

MAX_GAINS_SHOWN = 10
MIN_GAIN_SHOWN = 0.005  # what rounds to nothing is no advice
MAX_FULL_GROUPS = 60  # with more groups than this, what is low or info takes one line
MAX_UNREAD_SHOWN = 5
NAMED = 3  # of paths, units or variants, in a sentence on them
TITLE_BY_KIND = {
    "dockerfile": "Dockerfile",
    "dockerignore": ".dockerignore",
    "compose": "compose",
    "dotenv": ".env",
    "k8s": "Kubernetes",
    "nginx": "nginx",
    "github": "GitHub Actions",
    "gitlab": "GitLab CI",
    "dependabot": "Dependabot",
    "helm": "Helm",
    "kustomize": "kustomize",
    "markdown": "Markdown",
}
# The next one may begin with the name of a program or a variable (`nginx`, `$uri`); `...` and a dot between blanks end none.
_SENTENCE_END = re.compile(r"(?<!\be\.g)(?<!\bi\.e)(?<!\betc)(?<!\bvs)(?<![\s.])[.!?](?=\s+\S)")


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """Findings of one rule, severity and fix in one file.

    `is_brief` says that a line for each must do, `is_reason_new` that the reason is new to the reader, `shows_frame` that its
    line of the file was not shown just before.
    """

    first: Finding
    others: tuple[Finding, ...]
    is_brief: bool
    is_reason_new: bool
    shows_frame: bool


def first_sentence(text: str) -> str:
    """The first sentence of a text, on one line."""
    text = " ".join(text.split())
    match = _SENTENCE_END.search(text)
    return text[: match.end()] if match else text


def findings_by_file(report: Report, *, verbose: bool) -> Iterator[tuple[str, list[FindingGroup]]]:
    """The open findings, file by file, those of one rule, severity and fix in one file together."""
    files: list[tuple[str, list[list[Finding]]]] = []
    for path, ones in itertools.groupby(report.open, key=lambda one: one.path):
        alike: dict[tuple[str, Severity, str, str], list[Finding]] = {}
        for finding in ones:
            alike.setdefault((finding.rule, finding.severity, finding.why, finding.fix), []).append(finding)
        files.append((path, list(alike.values())))
    crowded = not verbose and sum(len(groups) for _, groups in files) > MAX_FULL_GROUPS
    known: set[tuple[str, str]] = set()
    for path, groups in files:
        file_groups = []
        last = None
        for first, *others in groups:
            short = crowded and first.severity <= Severity.LOW
            new = verbose or (first.rule, first.why) not in known
            place = (first.start, first.end)
            file_groups.append(FindingGroup(first, tuple(others), short, new, verbose or place != last))
            if not short:
                known.add((first.rule, first.why))
                last = place
        yield path, file_groups


def units_text(report: Report, path: str, groups: Iterable[FindingGroup]) -> str:
    """What the findings of a file belong to, where a run has several units and the file's path does not say which."""
    plain = {"", path, posixpath.dirname(path) or "."}
    if len({one.unit_path for one in report.findings}) < 2:
        return ""
    findings = (one for group in groups for one in (group.first, *group.others))
    told = (one.unit_path for one in findings if not one.unit_path.startswith(f"{path}#"))
    units = list(dict.fromkeys(unit for unit in told if unit not in plain))
    return _some(units) if units else ""


def finding_headline(finding: Finding, redactor: Redactor) -> str:
    """`path:line:column: severity[rule] message`: the line that editors and problem matchers read."""
    start = finding.start
    where = f"{finding.path}:{start.line}:{start.column}"
    return escape_controls(f"{where}: {finding.severity}[{finding.rule}] {redactor.mask_text(finding.message)}")


def highest_gains(report: Report) -> list[tuple[Finding, int]]:
    """The findings with the highest gain, and how many share the place of each: one fix mends them all."""
    places: dict[tuple[str, str, int], list[Finding]] = {}
    for finding in report.open:
        if finding.score_gain >= MIN_GAIN_SHOWN:
            places.setdefault((finding.rule, *finding.fix_place), []).append(finding)
    best = sorted(
        places.values(),
        key=lambda findings: (-round(findings[0].score_gain, 4), _reading_order(findings[0])),
    )
    return [(findings[0], len(findings)) for findings in best[:MAX_GAINS_SHOWN]]


def _reading_order(finding: Finding) -> tuple[int, str, int, str]:
    path, offset = finding.fix_place
    return -finding.severity, path, offset, finding.rule


def verdict_text(report: Report) -> str:
    """The verdict, and what stands against `ready`."""
    if report.verdict == "ready":
        if not report.outside:
            return "ready: nothing high or critical is open, and every file was read"
        some = count_with_noun(len(report.outside), "file")
        return f"ready, of what is here: nothing high or critical is open; {some} stand for what lies elsewhere"
    if not report.assessed:
        return f"not assessed: {report.gate.reason}" if not report.gate.was_evaluated else "not assessed"
    against = []
    for severity in (Severity.CRITICAL, Severity.HIGH):
        count = sum(one.severity is severity for one in report.open)
        if count:
            against.append(f"{count} {severity}")
    reasons = [f"{join_names(against)} open"] if against else []
    unread = {row.path for row in report.coverage.unread_files if is_unread(row)}
    if unread:
        reasons.append(f"{count_with_noun(len(unread), 'file')} not read")
    in_part = {one.path for one in report.open if one.rule in UNJUDGED_RULES}
    in_part = (in_part | {row.path for row in report.coverage.unread_files}) - unread
    if in_part:
        reasons.append(f"{count_with_noun(len(in_part), 'file')} read in part")
    return f"not ready: {', '.join(reasons)}"


def ceiling_text(report: Report) -> str:
    """What the score would be without its ceiling; empty where the ceiling does not bind."""
    raw, top = report.raw, report.result.ceiling
    if raw is None or raw <= top:
        return ""
    worst = max((one.severity for one in report.open if counts_in_score(one)), default=Severity.HIGH)
    return f"{raw:.2f} before the ceiling of {top} that an open {worst} finding sets"


def waived_text(report: Report) -> str:
    """How much is suppressed, and the score without that; empty where nothing is."""
    count = len(report.suppressed)
    if not count:
        return ""
    bare = report.unwaived
    number = "no score" if bare.score is None else f"{bare.score} {bare.grade}, raw {bare.unrounded_score:.2f}"
    return f"{count_with_noun(count, 'finding')} suppressed; without that: {number}"


def foreign_text(report: Report) -> str:
    """How much the comments of other linters left out; empty where nothing was."""
    if not report.foreign:
        return ""
    return f"{report.foreign} left out by comments for other linters (--no-foreign-ignores shows them)"


def coverage_text(report: Report) -> str:
    """How much of what was asked has a verdict."""
    capped = report.score is not None and report.score >= 90 and report.grade != "A"
    return f"{report.coverage.percent} %" + (", and no A under 80 %" if capped else "")


def kinds_text(report: Report) -> str:
    """The files by kind: how many there are, and how many of them were read where that is fewer."""
    parts = [
        f"{TITLE_BY_KIND.get(coverage.kind, coverage.kind)} {coverage.file_count}"
        + (f" ({coverage.checked_count} read)" if coverage.checked_count < coverage.file_count else "")
        for coverage in report.coverage.by_kind
    ]
    if report.others:
        parts.append(f"{count_with_noun(report.others, 'other file')} left alone")
    return ", ".join(parts) or "none"


def unread_lines(report: Report, redactor: Redactor, *, verbose: bool) -> list[str]:
    """The files of ours that have no verdict, and why."""
    rows = report.coverage.unread_files
    visible_count = _visible_count(len(rows), verbose=verbose)
    lines = [escape_controls(f"{row.path}: {redactor.mask_text(row.reason)}") for row in rows[:visible_count]]
    return lines if visible_count == len(rows) else [*lines, f"and {len(rows) - visible_count} more"]


def _visible_count(count: int, *, verbose: bool) -> int:
    """How many of some lines are shown: all, or the first few where that leaves out more than one."""
    return count if verbose or count <= MAX_UNREAD_SHOWN + 1 else MAX_UNREAD_SHOWN


def purpose_lines(report: Report, redactor: Redactor, *, verbose: bool) -> list[str]:
    """The files and the things in files that were taken for something else than production's, and why: all, or the first few."""
    told = [(row.path, row.purpose) for row in report.files if row.purpose]
    told += [(f"{row.path} {resource}", text) for row in report.files for resource, text in row.aside]
    return _first_lines([f"{where}: {text}" for where, text in told], redactor, verbose=verbose)


def checklist_lines(report: Report) -> list[str]:
    """A line for each checklist that was chosen."""
    return [
        f"{outcome.checklist.title}: {outcome.summary}"
        for outcome in report.checklists
        if outcome.checklist.source_document in report.chosen
    ]


def production_lines(report: Report, redactor: Redactor, *, verbose: bool) -> list[str]:
    """Which variants were taken for production, which were not, and what decided that: all of them, or the first few."""
    lines = [
        f"{one.of}: {_some(one.taken)}" + (f", not {_some(one.others)}" if one.others else "") + f", by {one.decided_by}"
        for one in report.environments
    ]
    return _first_lines(lines, redactor, verbose=verbose)


def _first_lines(lines: Sequence[str], redactor: Redactor, *, verbose: bool) -> list[str]:
    """Lines as a reader may see them: all, or the first few and how many more there are."""
    visible_count = _visible_count(len(lines), verbose=verbose)
    shown = [escape_controls(redactor.mask_text(line)) for line in lines[:visible_count]]
    more = len(lines) - visible_count
    return [*shown, f"and {more} more (-v names them)"] if more else shown


def _some(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    visible = list(names[:NAMED])
    more = len(names) - len(visible)
    return join_names([*visible, f"{more} more"] if more else visible) or "none"


def context_text(report: Report) -> str:
    """What was read around the judged files; empty where nothing was."""
    around = report.context
    if not around.files:
        return ""
    names = _some(around.judged)
    was = "was" if around.files == 1 else "were"
    text = f"{count_with_noun(around.files, 'file')} around {names} {was} read for joins and not judged"
    if around.cut:
        text += ", and not all that the repository holds"
    return escape_controls(f"{text}; --no-context leaves them out")


def gate_text(report: Report, redactor: Redactor) -> str:
    """The last line: passed or failed, and why."""
    word = "passed" if report.gate.passed else "failed" if report.gate.was_evaluated else "not evaluated"
    counts = ((report.files_excused, "file"), (report.things_excused, "thing"))
    named = join_names([count_with_noun(count, word) for count, word in counts if count])
    aside = f"; {named} not taken for production" if named else ""
    return escape_controls(f"gate {word}: {redactor.mask_text(report.gate.reason)}{aside}")


def severity_counts_text(findings: Iterable[Finding]) -> str:
    """How many findings of each severity."""
    ones = list(findings)
    counts_ = [
        f"{count} {severity}"
        for severity in sorted(Severity, reverse=True)
        if (count := sum(one.severity is severity for one in ones))
    ]
    return join_names(counts_) or "none"


def count_with_noun(count: int, word: str) -> str:
    """A count with its noun: `1 file`, `2 files`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
