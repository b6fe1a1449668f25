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
MAX_MESSAGE_LENGTH = 4000  # the runner cuts a message at 4096 characters
LEVEL_BY_SEVERITY = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
    Severity.INFO: "notice",
}


def render(report: Report, output: TextIO, *, options: ReportOptions) -> None:
    """Write annotations, worst and most gainful first, then every finding as a plain line, the score and the gate."""
    redactor = Redactor(report.hidden)
    prefix = workspace_prefix()
    wanted = filter(report.gate.is_failed_by, report.open) if options.quiet else report.open
    findings = sorted(wanted, key=lambda one: (-one.severity, -round(one.score_gain, 4), one.fix_place, one.rule))
    for level in ("error", "warning", "notice"):
        mine = [one for one in findings if LEVEL_BY_SEVERITY[one.severity] == level]
        room = (
            MAX_ANNOTATIONS_PER_LEVEL if len(mine) <= MAX_ANNOTATIONS_PER_LEVEL else MAX_ANNOTATIONS_PER_LEVEL - 1
        )  # the last one tells of the rest
        for finding in mine[:room]:
            output.write(annotation_command(finding, level, redactor, prefix) + "\n")
        if len(mine) > room:
            more = f"and {len(mine) - room} more of this level: the log of this step has them all"
            output.write(workflow_command(level, {"title": "readiness"}, more) + "\n")
    for finding in findings:
        output.write(digest.finding_headline(finding, redactor) + "\n")
    for line in digest.production_lines(report, redactor, verbose=options.verbose):
        output.write(f"production: {line}\n")
    if report.context.files:
        output.write(f"context: {digest.context_text(report)}\n")
    number = "no score" if report.score is None else f"score {report.score} of 100, grade {report.grade}"
    output.write(f"{number}, {digest.verdict_text(report)}, coverage {digest.coverage_text(report)}\n")
    for line in digest.purpose_lines(report, redactor, verbose=options.verbose):
        output.write(f"purpose: {line}\n")
    output.write(digest.gate_text(report, redactor) + "\n")


def annotation_command(finding: Finding, level: str, redactor: Redactor, prefix: str = "") -> str:
    """The command that puts a finding on its line."""
    start, end, rule = finding.start, finding.end, finding.rule_definition
    properties = {
        "file": escape_controls(prefix + finding.path),
        "line": str(start.line),
        "endLine": str(end.line),
    }
    if start.line == end.line:  # the runner drops columns of anything longer
        properties |= {"col": str(start.column), "endColumn": str(max(end.column, start.column))}
    properties["title"] = escape_controls(f"{rule.title} ({rule.id})")
    body = [
        redactor.mask_text(finding.message),
        digest.first_sentence(finding.why),
        f"Fix: {digest.first_sentence(finding.fix)}",
    ]
    text = "\n".join(map(escape_controls, filter(None, body)))
    return workflow_command(
        level,
        properties,
        text if len(text) <= MAX_MESSAGE_LENGTH else text[: MAX_MESSAGE_LENGTH - 1] + "…",
    )


def workflow_command(name: str, properties: dict[str, str], message: str) -> str:
    """A workflow command with everything escaped, so that no value can end it or begin another."""
    property_list = ",".join(f"{key}={_escape_property(value)}" for key, value in properties.items())
    return f"::{name} {property_list}::{_escape_data(message)}"


def _escape_data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape_data(text).replace(":", "%3A").replace(",", "%2C")


def workspace_prefix() -> str:
    """What leads from the root of the checkout to the working directory: annotations want paths from the root."""
    workspace = os.environ.get("GITHUB_WORKSPACE")
    if not workspace:
        return ""
    here, root = Path.cwd(), Path(workspace).resolve()
    if here == root or not here.is_relative_to(root):
        return ""
    return here.relative_to(root).as_posix() + "/"
