"""Annotations on a pull request: GitHub's workflow commands, as many as GitHub keeps, and a log line for each finding.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from readiness.model import Finding, Severity
from readiness.redaction import Redactor
from readiness.reports import ReportOptions, digest
from readiness.reports.edit_text import edit_text
from readiness.reports.frame import escape_controls
from readiness.reports.machine_text import findings_to_tell, more_text, path_prefix_from_workspace
from readiness.reports.plain import FIX_FIRST_WIDTH, fix_first_lines
from readiness.reports.thing_words import edit_words
from readiness.verdict.fix_first import fix_first_rows
from readiness.verdict.report import Report

MAX_ANNOTATIONS_PER_LEVEL = 10  # of each level in one step: what comes later is dropped by the runner
MAX_ANNOTATION_LENGTH = 4000  # the runner cuts a message at 4096 characters
ANNOTATION_LEVEL_BY_SEVERITY = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
    Severity.INFO: "notice",
}


def render(report: Report, output: TextIO, *, options: ReportOptions) -> None:
    """Write annotations, worst and most gainful first, then every finding as a plain line, the score and the gate."""
    redactor = Redactor(report.hidden)
    path_prefix = path_prefix_from_workspace()
    if report.confinement_notice:
        output.write(f"{report.confinement_notice}\n")
    sorted_findings = findings_to_tell(report, is_quiet=options.quiet)
    fix_rows = [] if options.quiet else fix_first_rows(report)
    if len(fix_rows) > 1:
        output.write("\n".join([*fix_first_lines(report, fix_rows, redactor, FIX_FIRST_WIDTH), ""]))
    findings_by_annotation: dict[tuple[str, str, int], list[Finding]] = {}
    for number, finding in enumerate(sorted_findings):
        findings_by_annotation.setdefault(("edit", finding.edit_group, 0) if finding.edit_group else ("finding", "", number), []).append(finding)
    for annotation_level in ("error", "warning", "notice"):
        groups_of_level = [group for group in findings_by_annotation.values() if ANNOTATION_LEVEL_BY_SEVERITY[group[0].severity] == annotation_level]
        max_groups_annotated = (
            MAX_ANNOTATIONS_PER_LEVEL if len(groups_of_level) <= MAX_ANNOTATIONS_PER_LEVEL else MAX_ANNOTATIONS_PER_LEVEL - 1
        )  # the last one tells of the rest
        for group in groups_of_level[:max_groups_annotated]:
            output.write(annotation_command(group, annotation_level, redactor, path_prefix) + "\n")
        if len(groups_of_level) > max_groups_annotated:
            untold_count = sum(map(len, groups_of_level[max_groups_annotated:]))
            overflow_message = f"and {untold_count} more of this level: the log of this step has them all"
            output.write(workflow_command_line(annotation_level, {"title": "readiness"}, overflow_message) + "\n")
    if sorted_findings:  # folded in the log: the annotations above say the worst of them already
        output.write(f"::group::all findings ({len(sorted_findings)})\n")
        output.writelines(digest.finding_headline(finding, redactor) + "\n" for finding in sorted_findings)
        output.write("::endgroup::\n")
    if known_text := digest.known_findings_text(report, redactor):
        output.write(f"{known_text}\n")
    for line in digest.production_variant_lines(report, redactor, verbose=options.verbose):
        output.write(f"production: {line}\n")
    if undeployed_text := digest.undeployed_text(report, redactor):
        output.write(f"lowered: {undeployed_text}\n")
    if report.context.files:
        output.write(f"context: {digest.context_text(report)}\n")
    for line in digest.purpose_lines(report, redactor, verbose=options.verbose):
        output.write(f"purpose: {line}\n")
    output.write(f"{digest.score_text(report)}, {digest.verdict_text(report)}, coverage {digest.coverage_text(report)}\n")
    output.write(digest.gate_text(report, redactor) + "\n")


def annotation_command(findings: Sequence[Finding], annotation_level: str, redactor: Redactor, path_prefix: str = "") -> str:
    """The command that puts findings that one edit mends on the line of the first, or one finding on its own."""
    first = findings[0]
    start_position, end_position = first.start, first.end
    command_properties = {
        "file": escape_controls(path_prefix + first.path),
        "line": str(start_position.line),
        "endLine": str(end_position.line),
    }
    if start_position.line == end_position.line:  # the runner drops columns of anything longer
        command_properties |= {
            "col": str(start_position.column),
            "endColumn": str(max(end_position.column, start_position.column)),
        }
    rule_count = len({one.rule for one in findings})
    title = f"{first.rule_definition.title} ({first.rule})" if rule_count == 1 else f"{redactor.mask_text(edit_words(first))} ({rule_count} rules)"
    command_properties["title"] = escape_controls(title)
    message_lines = _message_lines(findings, redactor) if rule_count > 1 else _message_lines_of_rule(findings, redactor)
    annotation_message = "\n".join(map(escape_controls, filter(None, message_lines)))
    return workflow_command_line(
        annotation_level,
        command_properties,
        annotation_message if len(annotation_message) <= MAX_ANNOTATION_LENGTH else annotation_message[: MAX_ANNOTATION_LENGTH - 1] + "…",
    )


def _message_lines_of_rule(findings: Sequence[Finding], redactor: Redactor) -> list[str]:
    """What one rule says, why, and how to fix it."""
    messages = dict.fromkeys(redactor.mask_text(one.message) for one in findings)
    why, fix = digest.first_sentence(findings[0].why), digest.first_sentence(findings[0].fix)
    return [*messages, why, f"Fix: {fix}", f"More: {more_text(findings[0].rule)}"]


def _message_lines(findings: Sequence[Finding], redactor: Redactor) -> list[str]:
    """What several rules say, each with its id, and once what to write."""
    text = edit_text(findings)
    message_lines = [f"{one.severity}[{one.rule}] {redactor.mask_text(one.message)}" for one in findings]
    message_lines += ["Write:", *(f"  {line}" for line in text.lines)] if text.lines else []
    fix_by_rule = {one.rule: digest.first_sentence(one.fix) for one in findings if one.rule in text.unsaid_rule_ids}
    return [*message_lines, *(f"Fix ({rule}): {fix}" for rule, fix in fix_by_rule.items())]


def workflow_command_line(command_name: str, command_properties: dict[str, str], message: str) -> str:
    """A workflow command with everything escaped, so that no value can end it or begin another."""
    property_list = ",".join(f"{key}={_escape_command_property(value)}" for key, value in command_properties.items())
    return f"::{command_name} {property_list}::{_escape_command_message(message)}"


def _escape_command_message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_command_property(text: str) -> str:
    return _escape_command_message(text).replace(":", "%3A").replace(",", "%2C")
