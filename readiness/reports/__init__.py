"""Reports: one module a format, imported when it is chosen; each has `render(report, out, *, options)`."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO

from readiness.model.records import dataclass
from readiness.reports.view import View

if TYPE_CHECKING:
    from readiness.verdict.report import Report

REPORT_FORMATS = ("terminal", "json", "github", "markdown", "sarif", "junit", "codequality", "rdjson")


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """How a report is shown: `color` is auto, always or never; `width` in columns (None: the terminal's).

    `hyperlinks` says whether rules are links to their pages (None: as the terminal can).
    `view`, which says which findings are shown, is for the terminal; of the others JSON alone knows its `statistics`.
    """

    color: str = "auto"
    quiet: bool = False
    verbose: bool = False
    explain: bool = False
    width: int | None = None
    view: View = View()
    hyperlinks: bool | None = None


def write_report(format_name: str, report: Report, output_stream: TextIO, options: ReportOptions | None = None) -> None:
    """Write a report in the format `format_name`; raises ValueError for a name that is none."""
    options = options or ReportOptions()
    if format_name not in REPORT_FORMATS:
        raise ValueError(f"there is no format {format_name!r}")
    module_name = format_name
    if module_name == "terminal" and not should_style_output(output_stream, options.color):
        module_name = "plain"
    if module_name != "json" and hasattr(output_stream, "reconfigure"):  # a narrow encoding must not end the report
        output_stream.reconfigure(errors="backslashreplace")
    importlib.import_module(f"readiness.reports.{module_name}").render(report, output_stream, options=options)


def should_style_output(output_stream: TextIO, color_mode: str, environment: Mapping[str, str] | None = None) -> bool:
    """Whether the output is a terminal for people: in a pipe, a file or a CI log it is plain and stable.

    `--color` decides, then NO_COLOR, then FORCE_COLOR and CLICOLOR_FORCE, each with any value but an empty one or 0 (https://no-color.org,
    https://force-color.org).
    """
    environment_variables = os.environ if environment is None else environment
    if color_mode != "auto":
        return color_mode == "always"
    if environment_variables.get("NO_COLOR"):
        return False
    if any(environment_variables.get(name, "") not in {"", "0"} for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    if environment_variables.get("CI") or environment_variables.get("TERM") == "dumb":
        return False
    encoding = (getattr(output_stream, "encoding", None) or "utf-8").lower().replace("-", "")
    return encoding == "utf8" and output_stream.isatty()
