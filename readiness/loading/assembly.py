"""What a run judges: projects, a row for every file, and what is wrong with files that cannot be judged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from readiness.loading import reading
from readiness.loading.render.made import Input
from readiness.model import Finding, ParseError, Rule, Source
from readiness.model.project import Project

TEMPLATE = "a template: render it first, then check what comes out"
_TEMPLATE = re.compile(r"\{\{|\{%|<%")
_WORDS = {"dockerfile": "Dockerfile", "compose": "compose", "k8s": "Kubernetes", "nginx": "nginx",
          "github": "GitHub workflow", "gitlab": "GitLab CI", "dependabot": "Dependabot", "dotenv": "environment file"}  # fmt: skip


@dataclass(slots=True)
class Row:
    """One file of the report: its kind and whether it was judged, else why not."""

    path: str
    kind: str
    status: str
    reason: str = ""


@dataclass(slots=True)
class Assembly:
    """Projects to judge, a row for each file that was opened, findings about those that do not parse, all sources.

    `others` counts the files that were passed over by their names alone. `inputs` are what rendering read.
    """

    projects: list[Project] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    broken: list[Finding] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    others: int = 0
    environments: dict[str, int] = field(default_factory=dict)
    inputs: list[Input] = field(default_factory=list)

    def parse(
        self, sources: Iterable[Source], core: dict[str, Rule], *, rows: bool = True
    ) -> Iterator[tuple[str, Any]]:
        """(kind, document) of every source that parses; a finding for those that do not, and a row for each file."""
        for source, document, error in reading.read(sources):
            self.sources.append(source)
            if rows and source.parent is None:
                self.rows.append(_row(source, error))
            if error is None:
                yield source.kind, document
            elif not rows or not _TEMPLATE.search(source.text):
                rule = core["core/syntax"]
                self.broken.append(
                    reading.broken(rule, source, error, _WORDS.get(source.kind, source.kind))
                )


def _row(source: Source, error: ParseError | None) -> Row:
    """The row of a file that has a kind."""
    if error is None:
        return Row(source.path, source.kind, "checked")
    if _TEMPLATE.search(source.text):
        return Row(source.path, source.kind, "skipped", TEMPLATE)
    return Row(source.path, source.kind, "invalid", error.message)
