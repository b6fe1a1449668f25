"""Production-readiness linter: Dockerfiles, compose, nginx, Kubernetes and CI workflows, with a score.

>>> import readiness
>>> report = readiness.check(["deploy/"], select=["ALL"])  # doctest: +SKIP
>>> report.score, report.grade, report.verdict  # doctest: +SKIP
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from readiness.version import __version__

if TYPE_CHECKING:
    from readiness.model import Rule
    from readiness.verdict.report import Report

__all__ = ["__version__", "catalogue", "check"]


def check(paths: Sequence[str | os.PathLike[str]] = (".",), **options: Any) -> Report:
    """The report on files and folders: see readiness.api.check for the options. No settings file unless asked."""
    from readiness.api import check as run

    return run(paths, **options)


def catalogue() -> tuple[Rule, ...]:
    """Every rule of the tool, with .id .title .severity .category .kind .equivalents .checklist."""
    from readiness.api import catalogue as rules

    return rules()
