"""The table of services that reports for people show: what each has open, and what it consists of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from readiness.model import Finding, Severity
from readiness.model.service import Service
from readiness.redaction import Redactor
from readiness.reports.digest import TITLE_BY_FILE_KIND
from readiness.reports.frame import ELLIPSIS, display_width, escape_controls
from readiness.verdict.by_service import findings_by_service
from readiness.verdict.report import Report

MAX_SERVICES_SHOWN = 12
MIN_SERVICES_FOR_TABLE = 2
SHARED_ROW_NAME = "(shared)"  # what is nobody's, or several services' at once
_NAME_WIDTH = 28
_SCORE_WIDTH = 6
_COUNT_WIDTH = 5
_SHOWN_SEVERITIES = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)


class ServiceRow(NamedTuple):
    """A service in the table: its name, its score and grade, how many findings of each shown severity are open, and its parts in words."""

    name: str
    score_text: str
    counts: tuple[int, ...]
    parts_text: str


def service_table_lines(report: Report, redactor: Redactor, *, width: int, verbose: bool) -> list[str]:
    """The table as lines of at most `width` columns, the worst services first; none where there is one service or none."""
    if len(report.services) < MIN_SERVICES_FOR_TABLE:
        return []
    findings_by_name = findings_by_service(report.open)
    rows = sorted((_service_row(report, one, findings_by_name.get(one.name, ()), redactor) for one in report.services), key=_order_of_row)
    hidden_count = 0 if verbose or len(rows) <= MAX_SERVICES_SHOWN + 1 else len(rows) - MAX_SERVICES_SHOWN
    shown_rows = rows[: len(rows) - hidden_count]
    if shared_findings := findings_by_name.get("", ()):
        shown_rows.append(ServiceRow(SHARED_ROW_NAME, "", _counts(shared_findings), "nobody's, or of several"))
    heading = "".join(f"{text:>{_COUNT_WIDTH}}" for text in ("crit", "high", "med", "low"))
    lines = [f"{'service':<{_NAME_WIDTH}}{'score':>{_SCORE_WIDTH}}{heading}  consists of"]
    lines += [_row_line(one, width) for one in shown_rows]
    if hidden_count:
        lines.append(f"and {hidden_count} more services (-v names them)")
    return [_cut(one, width) for one in lines]


def _service_row(report: Report, service: Service, findings: Iterable[Finding], redactor: Redactor) -> ServiceRow:
    result = report.by_service.result_of_service(service.name)
    score_text = "" if result.score is None else f"{result.score} {result.grade}"
    note = report.by_service.note_on_service(service.name)
    parts_text = "; ".join(filter(None, (_parts_text(service), note)))
    return ServiceRow(escape_controls(redactor.mask_text(service.name)), score_text, _counts(findings), escape_controls(parts_text))


def _order_of_row(row: ServiceRow) -> tuple[tuple[int, ...], str]:
    return tuple(-count for count in row.counts), row.name


def _counts(findings: Iterable[Finding]) -> tuple[int, ...]:
    count_by_severity = Counter(one.severity for one in findings)
    return tuple(count_by_severity[severity] for severity in _SHOWN_SEVERITIES)


def _parts_text(service: Service) -> str:
    """What a service consists of: its objects by kind, its files by what they are."""
    object_kinds = Counter(part.resource.partition("/")[0] for part in service.parts if part.kind == "k8s")
    file_kinds = dict.fromkeys(part.kind for part in service.parts if part.kind != "k8s")
    texts = [f"{count} {kind}" if count > 1 else kind for kind, count in sorted(object_kinds.items(), key=lambda one: (one[0] == "Service", one[0]))]
    return ", ".join([*(TITLE_BY_FILE_KIND.get(one, one) for one in sorted(file_kinds)), *texts])


def _row_line(row: ServiceRow, width: int) -> str:
    """A row: the name cut to its column, the counts, and as much of the parts as there is room for."""
    name = _cut(row.name, _NAME_WIDTH - 1)
    counts = "".join(f"{count or '·':>{_COUNT_WIDTH}}" for count in row.counts)
    line_start = f"{name}{' ' * (_NAME_WIDTH - display_width(name))}{row.score_text:>{_SCORE_WIDTH}}{counts}  "
    return line_start + _cut(row.parts_text, max(width - display_width(line_start), 1))


def _cut(text: str, width: int) -> str:
    """A text of at most `width` columns."""
    if display_width(text) <= width:
        return text
    while text and display_width(text) > width - 1:
        text = text[:-1]
    return text + ELLIPSIS
