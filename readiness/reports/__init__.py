"""Reports: one module a format, imported when it is chosen; each has `render(report, out, *, options)`."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from readiness.verdict.report import Report

MODULE_BY_FORMAT = {"terminal": "terminal", "json": "json", "github": "github"}


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """How a report is shown: `color` is auto, always or never; `width` in columns (None: the terminal's)."""

    color: str = "auto"
    quiet: bool = False
    verbose: bool = False
    explain: bool = False
    width: int | None = None


def write_report(name: str, report: Report, out: TextIO, options: ReportOptions | None = None) -> None:
    """Write a report in the format `name`; raises KeyError for a name that is none."""
    options = options or ReportOptions()
    module = MODULE_BY_FORMAT[name]
    if module == "terminal" and not is_styled(out, options.color):
        module = "plain"
    if module != "json" and hasattr(out, "reconfigure"):  # a narrow encoding must not end the report
        out.reconfigure(errors="backslashreplace")
    importlib.import_module(f"readiness.reports.{module}").render(report, out, options=options)


def is_styled(out: TextIO, color: str, environment: Mapping[str, str] | None = None) -> bool:
    """Whether the output is a terminal for people: in a pipe, a file or a CI log it is plain and stable."""
    known = os.environ if environment is None else environment
    if color != "auto":
        return color == "always"
    if known.get("NO_COLOR") or known.get("CI") or known.get("TERM") == "dumb":
        return False
    encoding = (getattr(out, "encoding", None) or "utf-8").lower().replace("-", "")
    return encoding == "utf8" and out.isatty()
