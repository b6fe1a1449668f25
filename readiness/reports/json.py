"""The JSON report: contract and schema in data/report.schema.json; the same input gives the same bytes."""

from __future__ import annotations

import json
from typing import Any, TextIO

from readiness.reports import ReportOptions
from readiness.reports.statistics import rule_counts, rule_counts_as_json
from readiness.verdict.report import Report


def render(report: Report, output: TextIO, *, options: ReportOptions) -> None:
    """Write the report as ASCII, so that no encoding can break it and nothing in it steers a terminal."""
    members = report.to_dict()
    if options.view.statistics:
        members["statistics"] = rule_counts_as_json(rule_counts(report, report.open))
    json_text = "{\n" + ",\n".join(_member_text(name, value) for name, value in members.items()) + "\n}"
    # A CI runner that shows this in its log would take ##[...] for a command; in JSON this is the same string.
    output.write(json_text.replace("##", "#\\u0023") + "\n")


def _member_text(member_name: str, member_value: Any) -> str:
    """One member; a list has a line for each of its entries, so that reports can be compared line by line."""
    if isinstance(member_value, list) and member_value:
        item_lines = ",\n".join(json.dumps(item, ensure_ascii=True) for item in member_value)
        return f"{json.dumps(member_name)}: [\n{item_lines}\n]"
    return f"{json.dumps(member_name)}: {json.dumps(member_value, ensure_ascii=True)}"
