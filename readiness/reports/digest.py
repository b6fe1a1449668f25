"""What a person is shown of a report, in words: shared by every format that is read and not parsed."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable, Sequence

from readiness.model import RULE_IDS_FOR_UNJUDGED_FILES, Finding, Severity, join_names
from readiness.model.lazy_regex import lazy_regex
from readiness.redaction import Redactor
from readiness.reports.frame import ELLIPSIS, display_width, escape_controls
from readiness.reports.grouping import EditBlock, FindingGroup
from readiness.triage.unjudged import is_missing_verdict_finding
from readiness.verdict.gate import missing_score_reason_text
from readiness.verdict.report import Report
from readiness.verdict.score import (
    ALGORITHM_VERSION,
    MIN_COVERAGE_FOR_SCORE,
    PREVIOUS_ALGORITHM_VERSION,
    Score,
    counts_in_score,
    is_file_without_verdict,
)

MAX_LINES_SHOWN = 5
MAX_WORD_LEFT_OUT = 16  # in characters: a word that is cut is left out, but not a path or a URL
MAX_PURPOSES_SHOWN = 3
GATE_LINE_WIDTH = 80  # up to which the last line has the score as well
MAX_LINE_NUMBERS_SHOWN = 40
MAX_NAMES_SHOWN = 3  # of paths, units or variants, in a sentence on them
TITLE_BY_FILE_KIND = {
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
_SENTENCE_END = lazy_regex(r"(?<!\be\.g)(?<!\bi\.e)(?<!\betc)(?<!\bvs)(?<![\s.])[.!?](?=\s+\S)")


def first_sentence(text: str) -> str:
    """The first sentence of a text, on one line."""
    text = " ".join(text.split())
    match = _SENTENCE_END.search(text)
    return text[: match.end()] if match else text


def unit_paths_text(report: Report, file_path: str, groups: Iterable[FindingGroup | EditBlock]) -> str:
    """What the findings of a file belong to, where a run has several units and the file's path does not say which."""
    paths_not_worth_naming = {"", file_path, posixpath.dirname(file_path) or "."}
    findings_of_file = [one for group in groups for one in group.findings]
    own_unit_start = f"{file_path}#"
    unit_paths = dict.fromkeys(one.unit_path for one in findings_of_file)
    distinct_unit_paths = [unit for unit in unit_paths if unit not in paths_not_worth_naming and not unit.startswith(own_unit_start)]
    if not distinct_unit_paths or all(one.unit_path == distinct_unit_paths[0] for one in report.findings):
        return ""
    return _first_names_text(distinct_unit_paths)


def finding_headline(finding: Finding, redactor: Redactor) -> str:
    """`path:line:column: severity[rule] message`: the line that editors and problem matchers read."""
    return escape_controls(f"{_location(finding)}: {finding.severity}[{finding.rule}] {redactor.mask_text(finding.message)}")


def finding_location(finding: Finding) -> str:
    """`path:line:column`, as terminals make a link of it."""
    return escape_controls(_location(finding))


def _location(finding: Finding) -> str:
    start_position = finding.start
    return f"{finding.path}:{start_position.line}:{start_position.column}"


def further_lines_text(line_numbers: Sequence[int]) -> str:
    """Where further places are, of which there are too many for a line each."""
    line_numbers_text = ", ".join(map(str, line_numbers[:MAX_LINE_NUMBERS_SHOWN]))
    hidden_count = len(line_numbers) - MAX_LINE_NUMBERS_SHOWN
    return f"{len(line_numbers)} further, on lines {line_numbers_text}" + (f" and {hidden_count} more" if hidden_count > 0 else "")


def shortened_text(text: str, max_width: int) -> str:
    """A line of at most so many columns, with an ellipsis where it was cut: between two words, unless the last one that fits in part is long."""
    if display_width(text) <= max_width:
        return text
    visible_text = text
    while visible_text and display_width(visible_text) > max_width - 1:
        visible_text = visible_text[:-1]
    if not text[len(visible_text)].isspace():
        words, blank, cut_word = visible_text.rpartition(" ")
        visible_text = words if blank and len(cut_word) <= MAX_WORD_LEFT_OUT else visible_text
    return visible_text.rstrip() + ELLIPSIS


def verdict_text(report: Report) -> str:
    """The verdict, and what stands against `ready`."""
    if report.verdict == "ready":
        if not report.outside:
            return "ready: nothing high or critical is open, and every file was read"
        outside_files_text = count_with_noun(len(report.outside), "file")
        return f"ready, of what is here: nothing high or critical is open; {outside_files_text} stand for what lies elsewhere"
    if not report.assessed:
        return f"not assessed: {_missing_score_text(report)}"
    severity_count_texts = []
    for severity in (Severity.CRITICAL, Severity.HIGH):
        finding_count = sum(one.severity is severity for one in report.open)
        if finding_count:
            severity_count_texts.append(f"{finding_count} {severity}")
    reasons_not_ready = [f"{join_names(severity_count_texts)} open"] if severity_count_texts else []
    return f"not ready: {', '.join([*reasons_not_ready, *_unread_count_texts(report)])}"


def _unread_count_texts(report: Report) -> list[str]:
    """How many files of ours have no verdict, and how many have one that is not on all of them; nothing where all were read."""
    unread_paths = {row.path for row in report.coverage.unread_files if is_file_without_verdict(row)}
    partly_read_paths = {one.path for one in report.open if one.rule in RULE_IDS_FOR_UNJUDGED_FILES}
    partly_read_paths = (partly_read_paths | {row.path for row in report.coverage.unread_files}) - unread_paths
    paths_and_words = ((unread_paths, "not read"), (partly_read_paths, "read in part"))
    return [f"{count_with_noun(len(paths), 'file')} {words}" for paths, words in paths_and_words if paths]


def unread_counts_text(report: Report) -> str:
    """How much of what is here has no verdict, in one part of a sentence; empty where all of it has one."""
    return join_names(_unread_count_texts(report)) if report.coverage.unread_files else ""


def _untold_unread_counts_text(report: Report) -> str:
    """The same behind the gate's reason, where that does not speak of all of these files anyway."""
    if not report.gate.was_evaluated:
        return ""
    told_paths = {one.path for one in report.open if is_missing_verdict_finding(one, report.gate.broken_paths)}
    has_untold_files = any(row.path not in told_paths for row in report.coverage.unread_files)
    return unread_counts_text(report) if has_untold_files else ""


def _missing_score_text(report: Report) -> str:
    """Why there is no score."""
    redactor = Redactor(report.hidden)
    if not report.gate.was_evaluated:
        return escape_controls(redactor.mask_text(report.gate.reason))
    is_production_judged = any(row.kind and not row.purpose for row in report.files)
    percent = report.coverage.percent_without_outside
    if is_production_judged and report.coverage.unread_files and percent < MIN_COVERAGE_FOR_SCORE:
        return f"{percent} % of what is here was judged, and a score takes {MIN_COVERAGE_FOR_SCORE} %"
    reason = missing_score_reason_text(report.files, report.coverage, is_production_judged=is_production_judged)
    return escape_controls(redactor.mask_text(reason))


def score_text(report: Report) -> str:
    """The score, its algorithms and its grade."""
    return "no score" if report.score is None else f"score {report.score} of 100 ({algorithms_text(report)}), grade {report.grade}"


def algorithms_text(report: Report) -> str:
    """The algorithm of the score, and what the previous one gives: nobody shall take a change of the sum for one of the files."""
    return f"algorithm {ALGORITHM_VERSION}; algorithm {PREVIOUS_ALGORITHM_VERSION}: {report.by_service.previous.score}"


def ceiling_text(report: Report) -> str:
    """What the score would be without its ceiling; empty where the ceiling does not bind."""
    raw_score, score_ceiling = report.raw, report.result.ceiling
    if raw_score is None or raw_score <= score_ceiling:
        return ""
    worst_severity = max((one.severity for one in report.open if counts_in_score(one)), default=Severity.HIGH)
    return f"{raw_score:.2f} before the ceiling of {score_ceiling} that an open {worst_severity} finding sets"


def suppressed_text(report: Report) -> str:
    """How much is suppressed, and the score without that or before the change; empty where nothing is and no score before is known."""
    suppressed_count = len(report.suppressed)
    if report.score_change is not None:
        return "; ".join([*([f"{count_with_noun(suppressed_count, 'finding')} suppressed"] if suppressed_count else []), score_change_text(report)])
    if not suppressed_count:
        return ""
    unwaived_score = report.unwaived
    score_text = (
        "no score" if unwaived_score.score is None else f"{unwaived_score.score} {unwaived_score.grade}, raw {unwaived_score.unrounded_score:.2f}"
    )
    return f"{count_with_noun(suppressed_count, 'finding')} suppressed; without that: {score_text}"


def known_findings_text(report: Report, redactor: Redactor) -> str:
    """How many findings were there before, by a revision or a baseline, and so do not count, and the score before and now.

    Empty where none was and no score before is known.
    """
    reasons = (one.suppression.reason for one in report.suppressed if one.suppression and one.suppression.is_of_known_finding)
    counts_texts = [f"{count_with_noun(count, 'finding')} {reason}" for reason, count in Counter(reasons).items()]
    counts_text = f"not counted: {join_names(counts_texts)}" if counts_texts else ""
    return escape_controls(redactor.mask_text("; ".join(filter(None, (counts_text, score_change_text(report))))))


def score_change_text(report: Report) -> str:
    """The score at the revision that a run is held against, and that of all that stands now; with a baseline the latter alone."""
    change = report.score_change
    if change is None:
        is_any_known = any(one.suppression and one.suppression.is_of_known_finding for one in report.suppressed)
        return f"score with all that is suppressed {_short_score_text(report.unwaived)}" if is_any_known else ""
    difference_text = "" if change.points is None else f" ({change.points:+d})"
    return f"score before {_short_score_text(change.before)}, with all that stands now {_short_score_text(change.after)}{difference_text}"


def _short_score_text(score: Score) -> str:
    """A score and its grade."""
    return "none" if score.score is None else f"{score.score}, {score.grade}"


def foreign_suppressions_text(report: Report) -> str:
    """How much the comments of other linters left out; empty where nothing was."""
    if not report.foreign:
        return ""
    return f"{report.foreign} left out by comments and settings for other linters (--no-foreign-ignores shows them)"


def coverage_text(report: Report) -> str:
    """How much of what was asked has a verdict."""
    is_grade_capped = report.score is not None and report.score >= 90 and report.grade != "A"
    return f"{report.coverage.percent} %" + (", and no A under 80 %" if is_grade_capped else "")


def file_counts_by_kind_text(report: Report) -> str:
    """The files by kind: how many there are, and how many of them were read where that is fewer."""
    count_texts = [
        f"{TITLE_BY_FILE_KIND.get(coverage.kind, coverage.kind)} {coverage.file_count}"
        + (f" ({coverage.checked_count} read)" if coverage.checked_count < coverage.file_count else "")
        for coverage in report.coverage.by_kind
    ]
    if report.others:
        count_texts.append(f"{count_with_noun(report.others, 'other file')} left alone")
    return ", ".join(count_texts) or "none"


def unread_file_lines(report: Report, redactor: Redactor, *, verbose: bool) -> list[str]:
    """The files of ours that have no verdict, and why."""
    unread_files = report.coverage.unread_files
    visible_count = _visible_count(len(unread_files), verbose=verbose)
    unread_file_texts = [escape_controls(f"{row.path}: {redactor.mask_text(row.reason)}") for row in unread_files[:visible_count]]
    return unread_file_texts if visible_count == len(unread_files) else [*unread_file_texts, f"and {len(unread_files) - visible_count} more"]


def _visible_count(line_count: int, *, verbose: bool) -> int:
    """How many of some lines are shown: all, or the first few where that leaves out more than one."""
    return line_count if verbose or line_count <= MAX_LINES_SHOWN + 1 else MAX_LINES_SHOWN


def purpose_lines(report: Report, redactor: Redactor, *, verbose: bool) -> list[str]:
    """The files and the things in files that were taken for something else than production's, and why: all, or the first three."""
    places_and_purposes = [(row.path, row.purpose) for row in report.files if row.purpose]
    places_and_purposes += [(f"{row.path} {resource}", text) for row in report.files for resource, text in row.aside]
    return _visible_lines([f"{place}: {text}" for place, text in places_and_purposes], redactor, max_lines=None if verbose else MAX_PURPOSES_SHOWN)


def undeployed_text(report: Report, redactor: Redactor) -> str:
    """Which files have findings that are medium at most since nothing deploys them; empty where there are none."""
    if not report.undeployed_paths:
        return ""
    what_deploys = "no chart, script, pipeline or GitOps engine here deploys"
    names_text = redactor.mask_text(_first_names_text(report.undeployed_paths))
    what_to_write = 'for what is deployed from elsewhere write `purpose: {"deploy/*": production}`, with your paths, in .readiness.yaml'
    return escape_controls(f"medium at most, since {what_deploys} them (a document alone does not show it): {names_text}; {what_to_write}")


def checklist_lines(report: Report) -> list[str]:
    """A line for each checklist that was chosen."""
    return [f"{outcome.checklist.title}: {outcome.summary}" for outcome in report.checklists if outcome.checklist.source_document in report.chosen]


def production_variant_lines(report: Report, redactor: Redactor, *, verbose: bool) -> list[str]:
    """Which variants were taken for production, which were not, and what decided that: all of them, or the first few."""
    variant_lines = [
        f"{one.of}: {_first_names_text(one.taken)}" + (f", not {_first_names_text(one.others)}" if one.others else "") + f", by {one.decided_by}"
        for one in report.environments
    ]
    return _visible_lines(variant_lines, redactor, max_lines=_visible_count(len(variant_lines), verbose=verbose))


def _visible_lines(all_lines: Sequence[str], redactor: Redactor, *, max_lines: int | None) -> list[str]:
    """Lines as a reader may see them: the first `max_lines` and how many more there are, or all."""
    visible_lines = [escape_controls(redactor.mask_text(line)) for line in all_lines[:max_lines]]
    hidden_line_count = len(all_lines) - len(visible_lines)
    return [*visible_lines, f"and {hidden_line_count} more (-v names them)"] if hidden_line_count else visible_lines


def _first_names_text(all_names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    visible_names = list(all_names[:MAX_NAMES_SHOWN])
    hidden_name_count = len(all_names) - len(visible_names)
    return join_names([*visible_names, f"{hidden_name_count} more"] if hidden_name_count else visible_names) or "none"


def context_text(report: Report) -> str:
    """What was read around the judged files; empty where nothing was."""
    report_context = report.context
    if not report_context.files:
        return ""
    judged_names = _first_names_text(report_context.judged)
    was_or_were = "was" if report_context.files == 1 else "were"
    text = f"{count_with_noun(report_context.files, 'file')} around {judged_names} {was_or_were} read for joins and not judged"
    if report_context.cut:
        text += ", and not all that the repository holds"
    return escape_controls(f"{text}; --no-context leaves them out")


def gate_text(report: Report, redactor: Redactor, *, width: int = GATE_LINE_WIDTH) -> str:
    """The last line: passed or failed, and why; and the score, where a line of `width` columns has room for it."""
    gate_outcome = "passed" if report.gate.passed else "failed" if report.gate.was_evaluated else "not evaluated"
    excused_counts_and_nouns = ((report.files_excused, "file"), (report.things_excused, "thing"))
    excused_text = join_names([count_with_noun(count, gate_outcome) for count, gate_outcome in excused_counts_and_nouns if count])
    excused_note = f"; {excused_text} not taken for production" if excused_text else ""
    unread_text = _untold_unread_counts_text(report)
    unread_note = f"; {unread_text}" if unread_text else ""
    settings_note = f"; {redactor.mask_text(settings_text(report))}" if report.settings_effects else ""
    text = escape_controls(f"gate {gate_outcome}: {redactor.mask_text(report.gate.reason)}{unread_note}{excused_note}{settings_note}")
    is_score_in_reason = "score " in report.gate.reason
    score_note = "" if report.score is None or is_score_in_reason else f"; score {report.score} of 100, {report.grade}"
    return text + score_note if display_width(text + score_note) <= width else text


def gate_reason_text(report: Report) -> str:
    """What decided the gate, how much has no verdict, and which settings files counted for it; as raw as their words are."""
    return "; ".join(filter(None, (report.gate.reason, _untold_unread_counts_text(report), settings_text(report) if report.settings_effects else "")))


def settings_text(report: Report) -> str:
    """Which settings files counted, what each changed, and what of it was refused."""
    return f"settings from {'; from '.join(one.text for one in report.settings_effects)}"


def severity_counts_text(findings: Iterable[Finding]) -> str:
    """How many findings of each severity."""
    count_by_severity = Counter(one.severity for one in findings)
    severity_count_texts = [f"{count_by_severity[severity]} {severity}" for severity in sorted(count_by_severity, reverse=True)]
    return join_names(severity_count_texts) or "none"


def count_with_noun(count: int, noun: str) -> str:
    """A count with its noun: `1 file`, `2 files`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
