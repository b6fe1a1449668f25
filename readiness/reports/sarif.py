"""A report in SARIF 2.1.0, which GitHub shows as code scanning alerts and which other platforms import.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

from __future__ import annotations

from typing import Any, TextIO
from urllib.parse import quote

from readiness.model import Confidence, Finding, Related, Rule
from readiness.redaction import Redactor
from readiness.reports import ReportOptions, digest
from readiness.reports.frame import escape_controls
from readiness.reports.machine_text import (
    MachineFinding,
    findings_to_tell,
    machine_findings,
    more_text,
    path_prefix_from_workspace,
    remedy_text,
    why_text,
    word_by_severity,
    worst_first,
    write_json,
)
from readiness.ruleset.rule_pages import rule_page_url
from readiness.verdict.report import Report

MAX_RESULTS = 25_000
"""Results that GitHub accepts of one run; of more it refuses the whole file."""
MAX_TAGS = 20  # of a rule, as GitHub counts
SCHEMA_URL = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = word_by_severity("error", "error", "warning", "note", "note")
# GitHub: over 9.0 critical, 7.0 to 8.9 high, 4.0 to 6.9 medium, 0.1 to 3.9 low.
SECURITY_SEVERITIES = word_by_severity("9.5", "8.0", "5.5", "2.0", "0.0")
SECURITY_CATEGORIES = frozenset({"isolation", "secrets", "edge"})
_PRECISIONS = {Confidence.HIGH: "high", Confidence.MEDIUM: "medium", Confidence.LOW: "low"}
_ROOT = {"uriBaseId": "%SRCROOT%"}


def render(report: Report, output: TextIO, *, options: ReportOptions) -> None:
    """Write open findings, worst first, as many as GitHub accepts; with `quiet` those that fail the gate alone.

    GitHub shows what is suppressed in a file as open, so suppressed findings are written with `verbose` alone.
    """
    findings = findings_to_tell(report, is_quiet=options.quiet)
    told_findings = worst_first([*findings, *report.suppressed]) if options.verbose else findings
    written = list(machine_findings(report, told_findings[:MAX_RESULTS]))
    first_finding_by_rule = {one.finding.rule: one.finding for one in reversed(written)}
    rule_ids = sorted(first_finding_by_rule)
    rule_entries = [_rule_entry(first_finding_by_rule[rule_id]) for rule_id in rule_ids]
    rule_index_by_id = {rule_id: index for index, rule_id in enumerate(rule_ids)}
    redactor, path_prefix = Redactor(report.hidden), path_prefix_from_workspace()
    run: dict[str, Any] = {
        "tool": {"driver": {"name": "readiness", "version": report.version, "rules": rule_entries}},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The root of the checkout."}}},
        "results": [_result(one, rule_index_by_id, redactor, path_prefix) for one in written],
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": _notifications(report, len(told_findings))}],
        "properties": {"score": report.score, "grade": report.grade, "verdict": report.verdict, "gatePassed": report.gate.passed},
    }
    write_json(output, {"$schema": SCHEMA_URL, "version": "2.1.0", "runs": [run]})


def _rule_entry(first_finding: Finding) -> dict[str, Any]:
    """A finding's rule as readers see it: what it is called, what breaks, what to do, and how sure it is."""
    rule = first_finding.rule_definition
    why, remedy = why_text(first_finding), remedy_text(first_finding)
    links = "".join(f"\n- <{link}>" for link in rule.links)
    properties: dict[str, Any] = {
        "precision": _PRECISIONS[rule.confidence],
        "problem.severity": {"error": "error", "warning": "warning", "note": "recommendation"}[LEVELS[rule.severity]],
        "tags": _tags(rule),
    }
    if rule.category in SECURITY_CATEGORIES:
        properties["security-severity"] = SECURITY_SEVERITIES[rule.severity]
    page_url = rule_page_url(rule.id)
    return {
        "id": rule.id,
        "name": "".join(part.capitalize() for part in rule.id.replace("/", "-").split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": why},
        **({"helpUri": page_url} if page_url else {}),
        "help": {
            "text": f"{why}\n\nFix: {remedy}\n\nMore: {more_text(rule.id)}",
            "markdown": f"{why}\n\n**Fix:** {remedy}\n{links}\n\nMore: {f'<{page_url}>' if page_url else f'`{more_text(rule.id)}`'}",
        },
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": properties,
    }


def _tags(rule: Rule) -> list[str]:
    """`security` where the rule is about it, its category, and the ids of other linters' rules that say the same."""
    own_tags = [*(["security"] if rule.category in SECURITY_CATEGORIES else []), rule.category]
    peer_ids = (f"{peer}/{peer_id}" for peer, ids in sorted(rule.equivalents_at("", "").items()) for peer_id in ids)
    return [*own_tags, *peer_ids][:MAX_TAGS]


def _result(told: MachineFinding, rule_index_by_id: dict[str, int], redactor: Redactor, path_prefix: str) -> dict[str, Any]:
    finding = told.finding
    start, end = finding.start, finding.end
    region = {"startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": max(end.column, start.column)}
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": rule_index_by_id[finding.rule],
        "level": LEVELS[finding.severity],
        "message": {"text": told.message},
        "locations": [{"physicalLocation": {"artifactLocation": _artifact(told.path), "region": region}, **_logical_locations(finding, redactor)}],
        "partialFingerprints": {"primaryLocationLineHash": told.fingerprint, "readiness/v1": told.fingerprint},
        "properties": {"severity": str(finding.severity), "gain": round(finding.score_gain, 4)},
    }
    if finding.related:
        result["relatedLocations"] = [_related_location(number, one, redactor, path_prefix) for number, one in enumerate(finding.related, start=1)]
    if finding.suppression is not None:
        is_in_source = finding.suppression.suppressed_by in {"comment", "annotation"}
        reason = redactor.mask_text(finding.suppression.reason)
        result["suppressions"] = [{"kind": "inSource" if is_in_source else "external", "justification": reason}]
    return result


def _logical_locations(finding: Finding, redactor: Redactor) -> dict[str, Any]:
    """The thing that a finding is about, as KIND/NAME, where it is about one."""
    resource = escape_controls(redactor.mask_text(finding.resource))
    return {"logicalLocations": [{"fullyQualifiedName": resource, "kind": "resource"}]} if resource else {}


def _related_location(number: int, related: Related, redactor: Redactor, path_prefix: str) -> dict[str, Any]:
    line = related.source.position_of(related.span.start).line
    physical_location = {"artifactLocation": _artifact(escape_controls(path_prefix + related.source.root.path)), "region": {"startLine": line}}
    return {"id": number, "physicalLocation": physical_location, "message": {"text": escape_controls(redactor.mask_text(related.message))}}


def _artifact(path: str) -> dict[str, str]:
    """A file by its path from the root of the checkout, written as a URL is."""
    return {"uri": quote(path, safe="/-._~+@", errors="replace"), **_ROOT}


def _notifications(report: Report, finding_count: int) -> list[dict[str, Any]]:
    """What a reader has to know beside the results: what was left out, and that the gate failed or was not evaluated."""
    texts = [report.confinement_notice, Redactor(report.hidden).mask_text(digest.gate_reason_text(report))]
    if finding_count > MAX_RESULTS:
        texts.append(f"{finding_count - MAX_RESULTS} milder findings are left out: GitHub accepts {MAX_RESULTS} results of one run")
    return [{"level": "note", "message": {"text": escape_controls(text)}} for text in texts if text]
