"""What the files show by what is in them: alerts, scraping, dashboards, backups, log shippers, written plans.

Nothing here is a finding. A fact speaks for an item of a checklist, with the places that show it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from readiness.loading.render.made import GeneratedSource
from readiness.model import Source, Span
from readiness.model.project import Project
from readiness.verdict.checklist import FACTS, EvidencePlace

MOST = 3  # places that one fact is shown by


def collect_evidence(projects: Iterable[Project]) -> Mapping[str, tuple[EvidencePlace, ...]]:
    """The facts that projects show, each with its first places. What prose tells of is not there yet."""
    found: dict[str, list[EvidencePlace]] = {}
    for name, source, span in _project_facts([one for one in projects if not one.prose]):
        places = found.setdefault(name, []) if name in FACTS else None
        if places is not None and len(places) < MOST:
            place = _evidence_place(source, span)
            places += [] if place in places else [place]
    return {name: tuple(places) for name, places in sorted(found.items())}


def _project_facts(projects: Sequence[Project]) -> Iterator[tuple[str, Source, Span]]:
    from readiness.verdict.evidence import plans

    for project in projects:
        if "k8s" in project.by_kind:  # what looks at a kind is imported where there is one
            from readiness.verdict.evidence import k8s

            yield from k8s.k8s_facts(project)
        if "compose" in project.by_kind:
            from readiness.verdict.evidence import compose

            yield from compose.compose_facts(project)
    yield from plans.plan_facts(frozenset().union(*(one.paths for one in projects)))


def _evidence_place(source: Source, span: Span) -> EvidencePlace:
    """The file and line that somebody wrote, also for what was rendered."""
    root = source.root
    if isinstance(root, GeneratedSource):
        source, span = root.place(Span(source.to_root(span.start), source.to_root(span.end)))
    return EvidencePlace(source.root.path, source.position(span.start).line)
