"""The JSON report: contract and schema in data/report.schema.json; the same input gives the same bytes."""

from __future__ import annotations

import json
from typing import TextIO

from readiness.report import Report
from readiness.reports import Options


def render(report: Report, out: TextIO, *, options: Options) -> None:
    """Write the report as ASCII, so that no encoding can break it and nothing in it steers a terminal."""
    text = json.dumps(report.to_dict(), indent=2, ensure_ascii=True)
    # A CI runner that shows this in its log would take ##[...] for a command; in JSON this is the same string.
    out.write(text.replace("##", "#\\u0023") + "\n")
