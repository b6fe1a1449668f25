"""Annotations on a pull request: GitHub's workflow commands, as many as GitHub keeps, and a log line for each finding.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TextIO

from readiness.model import Finding, Severity
from readiness.redaction import Redactor
from readiness.reports import ReportOptions, digest
from readiness.reports.frame import escape_controls
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
    findings_to_report = filter(report.gate.is_failed_by, report.open) if options.quiet else report.open
    sorted_findings = sorted(findings_to_report, key=lambda one: (-one.severity, -round(one.score_gain, 4), one.fix_place, one.rule))
    for annotation_level in ("error", "warning", "notice"):
        findings_of_level = [one for one in sorted_findings if ANNOTATION_LEVEL_BY_SEVERITY[one.severity] == annotation_level]
        max_findings_annotated = (
            MAX_ANNOTATIONS_PER_LEVEL if len(findings_of_level) <= MAX_ANNOTATIONS_PER_LEVEL else MAX_ANNOTATIONS_PER_LEVEL - 1
        )  # the last one tells of the rest
        for finding in findings_of_level[:max_findings_annotated]:
            output.write(finding_annotation_command(finding, annotation_level, redactor, path_prefix) + "\n")
        if len(findings_of_level) > max_findings_annotated:
            overflow_message = f"and {len(findings_of_level) - max_findings_annotated} more of this level: the log of this step has them all"
            output.write(workflow_command_line(annotation_level, {"title": "readiness"}, overflow_message) + "\n")
    for finding in sorted_findings:
        output.write(digest.finding_headline(finding, redactor) + "\n")
    for line in digest.production_variant_lines(report, redactor, verbose=options.verbose):
        output.write(f"production: {line}\n")
    if undeployed_text := digest.undeployed_text(report, redactor):
        output.write(f"lowered: {undeployed_text}\n")
    if report.context.files:
        output.write(f"context: {digest.context_text(report)}\n")
    output.write(f"{digest.score_text(report)}, {digest.verdict_text(report)}, coverage {digest.coverage_text(report)}\n")
    for line in digest.purpose_lines(report, redactor, verbose=options.verbose):
        output.write(f"purpose: {line}\n")
    output.write(digest.gate_text(report, redactor) + "\n")


def finding_annotation_command(finding: Finding, annotation_level: str, redactor: Redactor, path_prefix: str = "") -> str:
    """The command that puts a finding on its line."""
    start_position, end_position, rule = finding.start, finding.end, finding.rule_definition
    command_properties = {
        "file": escape_controls(path_prefix + finding.path),
        "line": str(start_position.line),
        "endLine": str(end_position.line),
    }
    if start_position.line == end_position.line:  # the runner drops columns of anything longer
        command_properties |= {
            "col": str(start_position.column),
            "endColumn": str(max(end_position.column, start_position.column)),
        }
    command_properties["title"] = escape_controls(f"{rule.title} ({rule.id})")
    message_parts = [
        redactor.mask_text(finding.message),
        digest.first_sentence(finding.why),
        f"Fix: {digest.first_sentence(finding.fix)}",
    ]
    annotation_message = "\n".join(map(escape_controls, filter(None, message_parts)))
    return workflow_command_line(
        annotation_level,
        command_properties,
        annotation_message if len(annotation_message) <= MAX_ANNOTATION_LENGTH else annotation_message[: MAX_ANNOTATION_LENGTH - 1] + "…",
    )


def workflow_command_line(command_name: str, command_properties: dict[str, str], message: str) -> str:
    """A workflow command with everything escaped, so that no value can end it or begin another."""
    property_list = ",".join(f"{key}={_escape_command_property(value)}" for key, value in command_properties.items())
    return f"::{command_name} {property_list}::{_escape_command_message(message)}"


def _escape_command_message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_command_property(text: str) -> str:
    return _escape_command_message(text).replace(":", "%3A").replace(",", "%2C")


def path_prefix_from_workspace() -> str:
    """What leads from the root of the checkout to the working directory: annotations want paths from the root."""
    workspace_path = os.environ.get("GITHUB_WORKSPACE")
    if not workspace_path:
        return ""
    working_directory, workspace_root = Path.cwd(), Path(workspace_path).resolve()
    if working_directory == workspace_root or not working_directory.is_relative_to(workspace_root):
        return ""
    return working_directory.relative_to(workspace_root).as_posix() + "/"
