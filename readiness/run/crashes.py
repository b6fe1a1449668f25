"""The parts of a run behind the loading, each of which may crash without ending it: that is told at a file that is judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from readiness import kinds
from readiness.loading.assembly import Assembly
from readiness.model import Finding, Rule, Source
from readiness.model.crash import LINKS, CrashAsFinding, Part
from readiness.model.project import Project

T = TypeVar("T")
F = TypeVar("F")


class Parts:
    """What runs a part of a run, and what stands in for its result where it crashes. `findings` are those of the parts that did."""

    def __init__(self, assembly: Assembly, crash_rule: Rule) -> None:
        self._assembly = assembly
        self._crash_rule = crash_rule
        self.findings: list[Finding] = []

    def result(self, part: Part, make: Callable[[], T], fallback: F) -> T | F:
        """What a part makes; `fallback` where it crashes, which is told in the findings."""
        with CrashAsFinding(part, self._crash_rule, first_judged_source(self._assembly), self.findings.append):
            return make()
        return fallback

    def take_findings(self) -> list[Finding]:
        """The findings of the parts that crashed since this was asked last."""
        crash_findings, self.findings = self.findings, []
        return crash_findings


def link_project(project: Project, crash_rule: Rule, findings: list[Finding]) -> set[str]:
    """Let each kind look at all documents of a project, as `kinds.link_documents` tells; the kinds for which that crashed, told in `findings`."""
    crashed_kinds = set()
    for kind, link in kinds.linking_steps(project.by_kind, project.paths, is_prose=project.prose):
        finding_count_before = len(findings)
        with CrashAsFinding(LINKS, crash_rule, project.by_kind[kind][0].source, findings.append):
            link()
        if len(findings) > finding_count_before:
            crashed_kinds.add(kind)
    return crashed_kinds


def first_judged_source(assembly: Assembly) -> Source | None:
    """The file that stands for all that are judged."""
    sources = [document.source.root for project in assembly.projects for documents in project.by_kind.values() for document in documents]
    judged_sources = [one for one in sources if one.path not in assembly.context]
    return min(judged_sources or sources, key=lambda one: one.path, default=None)
