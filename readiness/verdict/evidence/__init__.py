"""What the files show by what is in them: a directive, a step of a pipeline, an alert, a backup, a written plan.

Nothing here is a finding. A fact speaks for an item of a checklist, with the places that show it.
"""

from __future__ import annotations

import importlib
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence

from readiness.loading.render.made import written_source_and_span
from readiness.model import Source, Span
from readiness.model.project import Project
from readiness.verdict.checklist import EvidencePlace
from readiness.verdict.evidence_names import DESCRIPTION_BY_FACT

# What looks at a kind is imported where there is one.
_KINDS_BY_MODULE = {
    "k8s": ("k8s",),
    "compose": ("compose",),
    "dockerfile": ("dockerfile",),
    "nginx": ("nginx",),
    "ci": ("github", "gitlab"),
}
MAX_PLACES_PER_FACT_AND_FOLDER = 3  # places of a folder that one fact is shown by


def collect_evidence(projects: Iterable[Project]) -> Mapping[str, tuple[EvidencePlace, ...]]:
    """The facts that projects show, each with its first places.

    What prose tells of is not there yet, and the context is not judged.
    """
    places_by_fact: dict[str, list[EvidencePlace]] = {}
    for fact_name, source, span in _project_facts([one for one in projects if not one.prose]):
        fact_places = places_by_fact.setdefault(fact_name, []) if fact_name in DESCRIPTION_BY_FACT else None
        if fact_places is None:
            continue
        evidence_place = EvidencePlace(source.root.path, source.position_of(span.start).line)
        place_folder = posixpath.dirname(evidence_place.path)
        latest_places = fact_places[-MAX_PLACES_PER_FACT_AND_FOLDER:]
        is_folder_full = len(latest_places) == MAX_PLACES_PER_FACT_AND_FOLDER and all(
            posixpath.dirname(one.path) == place_folder for one in latest_places
        )
        if not is_folder_full and evidence_place not in latest_places:
            fact_places.append(evidence_place)
    return {fact_name: tuple(fact_places) for fact_name, fact_places in sorted(places_by_fact.items())}


def _project_facts(projects: Sequence[Project]) -> Iterator[tuple[str, Source, Span]]:
    """The facts of what may run in production, where somebody wrote them: what a test does shows nothing."""
    from readiness.verdict.evidence import plans

    for project in projects:
        for module_name, document_kinds in _KINDS_BY_MODULE.items():
            if any(map(project.has_judged, document_kinds)):
                evidence_module = importlib.import_module(f"{__name__}.{module_name}")
                for fact_name, source, span in getattr(evidence_module, f"{module_name}_facts")(project):
                    source_purpose = source.root.purposes.get("")
                    written_source, written_span = written_source_and_span(source, span)
                    if (source_purpose is None or source_purpose.is_production) and not project.is_around(written_source):
                        yield fact_name, written_source, written_span
    yield from plans.plan_facts(frozenset().union(*(one.paths - one.context for one in projects)))
