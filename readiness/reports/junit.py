"""A report as JUnit XML, which Jenkins, GitLab, Azure Pipelines and CircleCI show as tests: a test suite a file, a test case a finding.

The format has no standard. The strictest reader is Jenkins' xUnit plugin, which refuses a file that its schema (junit-10.xsd) doesn't allow: a
test case has no `file` and no `line` there, so that both are in its name, and the file is that of the suite.

https://github.com/jenkinsci/xunit-plugin/tree/master/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd
https://llg.cubic.org/docs/junit/
"""

from __future__ import annotations

from typing import TextIO
from xml.etree import ElementTree as ET

from readiness.model.lazy_regex import lazy_regex
from readiness.redaction import Redactor
from readiness.reports import ReportOptions, digest
from readiness.reports.frame import escape_controls
from readiness.reports.machine_text import MachineFinding, machine_findings, path_prefix_from_workspace, remedy_text, why_text
from readiness.verdict.report import Report

# What XML 1.0 has no way to write, not even as a reference.
_NO_XML_CHARACTER = lazy_regex("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Report, output: TextIO, *, options: ReportOptions) -> None:
    """Write a suite for each file: what fails the gate is a failure, what is milder a test that passed and says so in its output.

    A file without findings is one test that passed, and the gate is a test of its own, so that a score under the minimum fails one, too. With
    `quiet` the milder findings are left out.
    """
    told_by_path: dict[str, list[MachineFinding]] = {row.path: [] for row in report.files if row.status == "checked"}
    for told in machine_findings(report, sorted(report.open, key=lambda one: (one.fix_place, one.rule))):
        if not options.quiet or report.gate.is_failed_by(told.finding):
            told_by_path.setdefault(told.finding.path, []).append(told)
    root, path_prefix = ET.Element("testsuites", name="readiness"), path_prefix_from_workspace()
    if report.confinement_notice:
        case = ET.SubElement(ET.SubElement(root, "testsuite", name="programs"), "testcase", name="confinement", classname="readiness")
        ET.SubElement(case, "system-out").text = _xml_text(report.confinement_notice)
    for path, told_findings in sorted(told_by_path.items()):
        suite_path = _xml_text(escape_controls(path_prefix + path))
        suite = ET.SubElement(root, "testsuite", name=suite_path, file=suite_path)
        for told in told_findings:
            _add_case(suite, told, is_failure=report.gate.is_failed_by(told.finding))
        if not told_findings:
            ET.SubElement(suite, "testcase", name="no findings", classname=suite_path)
    _add_gate(root, report)
    for suite in (*root, root):
        suite.set("tests", str(sum(1 for _ in suite.iter("testcase"))))
        suite.set("failures", str(sum(1 for _ in suite.iter("failure"))))
        suite.set("errors", "0")
    ET.indent(root)
    xml_text = ET.tostring(root, encoding="us-ascii", xml_declaration=True).decode("ascii")
    output.write(xml_text.replace("##", "#&#35;") + "\n")  # a CI log that shows it runs no command in it (`##[...]`)


def _add_case(suite: ET.Element, told: MachineFinding, *, is_failure: bool) -> None:
    finding = told.finding
    place = f"{told.path}:{finding.start.line}:{finding.start.column}"
    case = ET.SubElement(suite, "testcase", name=_xml_text(f"{finding.rule} {place}"), classname=_xml_text(told.path))
    text = f"{place}: {finding.severity}[{finding.rule}] {told.message}\n\n{why_text(finding)}\n\nFix: {remedy_text(finding)}"
    if is_failure:
        failure = ET.SubElement(case, "failure", message=_xml_text(told.message), type=str(finding.severity))
        failure.text = _xml_text(text)
    else:
        ET.SubElement(case, "system-out").text = _xml_text(text)


def _add_gate(root: ET.Element, report: Report) -> None:
    """The gate as a test: it may fail for the score, or for what was not judged."""
    suite = ET.SubElement(root, "testsuite", name="gate")
    case = ET.SubElement(suite, "testcase", name="gate", classname="readiness")
    reason = _xml_text(Redactor(report.hidden).mask_text(digest.gate_reason_text(report)))
    if report.gate.passed:
        ET.SubElement(case, "system-out").text = reason
    else:
        ET.SubElement(case, "failure", message=reason, type="gate").text = reason


def _xml_text(text: str) -> str:
    """A text without what XML has no way to write."""
    return _NO_XML_CHARACTER.sub("\ufffd", text)
