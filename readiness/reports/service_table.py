"""The table of services that reports for people show: what each has open, and what it consists of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from readiness.model import Finding, Severity
from readiness.model.service import Service
from readiness.redaction import Redactor
from readiness.reports.digest import TITLE_BY_FILE_KIND, count_with_noun, shortened_text
from readiness.reports.frame import ELLIPSIS, display_width, escape_controls
from readiness.verdict.by_service import findings_by_service
from readiness.verdict.report import Report

MAX_ROWS_SHOWN = 8
MIN_SERVICES_FOR_TABLE = 2
SHARED_ROW_NAME = "(shared)"  # what is nobody's, or several services' at once
DECIDING_MARK = "<- decides"
_MAX_NAME_WIDTH = 28  # at 80 columns and less; two columns more for each five that there are
_WIDEST_NAME = 44
_SCORE_WIDTH = 6
_COUNT_WIDTH = 5
SHOWN_SEVERITIES = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)


class ServiceRow(NamedTuple):
    """A service in the table: its name, its score and grade, how many findings of each shown severity are open, its parts in words, and
    whether it is the one that decides the score of the whole."""

    name: str
    score: int | None
    score_text: str
    counts: tuple[int, ...]
    parts_text: str
    is_deciding: bool = False

    @property
    def marked_parts_text(self) -> str:
        """Its parts, behind the mark of the service that decides."""
        return f"{DECIDING_MARK}; {self.parts_text}" if self.is_deciding else self.parts_text


class ServiceTable(NamedTuple):
    """The rows that are shown, the lowest scores first; what their order means; and how many services are left out."""

    heading: str
    rows: list[ServiceRow]
    hidden_count: int

    @property
    def hidden_services_text(self) -> str:
        """How many services are left out; empty where none is."""
        return f"and {count_with_noun(self.hidden_count, 'more service')} (-v names them)" if self.hidden_count else ""


def service_table(report: Report, redactor: Redactor, *, verbose: bool) -> ServiceTable | None:
    """The table; None where there is one service or none.

    The service that decides the score of the whole is always among those that are shown.
    """
    if len(report.services) < MIN_SERVICES_FOR_TABLE:
        return None
    findings_by_name = findings_by_service(report.open)
    rows = sorted((_service_row(report, one, findings_by_name.get(one.name, ()), redactor) for one in report.services), key=_order_of_row)
    shared_findings = findings_by_name.get("", ())
    max_services = len(rows) if verbose else MAX_ROWS_SHOWN - bool(shared_findings)
    hidden_rows = rows[max_services:]
    shown_rows = rows[:max_services]
    shown_rows[-1:] = [row for row in hidden_rows if row.is_deciding] or shown_rows[-1:]
    if shared_findings:
        shown_rows.append(ServiceRow(SHARED_ROW_NAME, None, "", _counts(shared_findings), "nobody's, or of several"))
    return ServiceTable(_heading(rows), shown_rows, len(hidden_rows))


def service_table_lines(report: Report, redactor: Redactor, *, width: int, verbose: bool) -> list[str]:
    """The table as lines of at most `width` columns; none where there is no table."""
    table = service_table(report, redactor, verbose=verbose)
    if table is None:
        return []
    name_width = min(_MAX_NAME_WIDTH + max(width - 80, 0) * 2 // 5, _WIDEST_NAME, max(display_width(row.name) for row in table.rows))
    name_width = max(name_width, len("service")) + 1
    counts_heading = "".join(f"{text:>{_COUNT_WIDTH}}" for text in ("crit", "high", "med", "low"))
    lines = [table.heading, f"{'service':<{name_width}}{'score':>{_SCORE_WIDTH}}{counts_heading}  consists of"]
    lines += [_row_line(one, width, name_width) for one in table.rows]
    lines += filter(None, [table.hidden_services_text])
    return [_cut(one, width) for one in lines]


def _heading(rows: Iterable[ServiceRow]) -> str:
    """What the order of the rows and the mark of one of them mean."""
    if any(row.is_deciding for row in rows):
        return f"services, lowest score first; {DECIDING_MARK} the score of the whole"
    return "services, worst first"


def _service_row(report: Report, service: Service, findings: Iterable[Finding], redactor: Redactor) -> ServiceRow:
    result = report.by_service.result_of_service(service.name)
    parts_text = "; ".join(filter(None, (_parts_text(service), report.by_service.note_on_service(service.name))))
    return ServiceRow(
        escape_controls(redactor.mask_text(service.name)),
        result.score,
        "" if result.score is None else f"{result.score} {result.grade}",
        _counts(findings),
        escape_controls(parts_text),
        is_deciding=report.score is not None and service.name == report.by_service.deciding_service,
    )


def _order_of_row(row: ServiceRow) -> tuple[int, tuple[int, ...], bool, str]:
    return row.score or 0, tuple(-count for count in row.counts), not row.is_deciding, row.name


def _counts(findings: Iterable[Finding]) -> tuple[int, ...]:
    count_by_severity = Counter(one.severity for one in findings)
    return tuple(count_by_severity[severity] for severity in SHOWN_SEVERITIES)


def _parts_text(service: Service) -> str:
    """What a service consists of: its objects by kind, its files by what they are."""
    object_kinds = Counter(part.resource.partition("/")[0] for part in service.parts if part.kind == "k8s")
    file_kinds = dict.fromkeys(part.kind for part in service.parts if part.kind != "k8s")
    texts = [f"{count} {kind}" if count > 1 else kind for kind, count in sorted(object_kinds.items(), key=lambda one: (one[0] == "Service", one[0]))]
    return ", ".join([*(TITLE_BY_FILE_KIND.get(one, one) for one in sorted(file_kinds)), *texts])


def _row_line(row: ServiceRow, width: int, name_width: int) -> str:
    """A row: the name cut to its column, the counts, and as much of the parts as there is room for."""
    name = _cut_in_the_middle(row.name, name_width - 1)
    counts = "".join(f"{count or '·':>{_COUNT_WIDTH}}" for count in row.counts)
    line_start = f"{name}{' ' * (name_width - display_width(name))}{row.score_text:>{_SCORE_WIDTH}}{counts}  "
    return line_start + shortened_text(row.marked_parts_text, max(width - display_width(line_start), 1))


def _cut_in_the_middle(text: str, width: int) -> str:
    """A text of at most `width` columns, with its beginning and its end, which tells namesakes apart."""
    if display_width(text) <= width:
        return text
    end_width = (width - 1) // 2
    start = _cut(text, width - end_width)
    end = text
    while display_width(end) > end_width:
        end = end[1:]
    return start + end


def _cut(text: str, width: int) -> str:
    """A text of at most `width` columns."""
    if display_width(text) <= width:
        return text
    while text and display_width(text) > width - 1:
        text = text[:-1]
    return text + ELLIPSIS
