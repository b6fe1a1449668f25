"""What the files show by what is in them: a directive, a step of a pipeline, an alert, a backup, a written plan.

Nothing here is a finding. A fact speaks for an item of a checklist, with the places that show it.
"""

from __future__ import annotations

import importlib
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence

from readiness.loading.render.made import written_place
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
MAX_PLACES_PER_FOLDER = 3  # places of a folder that one fact is shown by


def collect_evidence(projects: Iterable[Project]) -> Mapping[str, tuple[EvidencePlace, ...]]:
    """The facts that projects show, each with its first places.

    What prose tells of is not there yet, and the context is not judged.
    """
    found: dict[str, list[EvidencePlace]] = {}
    for name, source, span in _project_facts([one for one in projects if not one.prose]):
        places = found.setdefault(name, []) if name in DESCRIPTION_BY_FACT else None
        if places is None:
            continue
        place = EvidencePlace(source.root.path, source.position_of(span.start).line)
        folder = posixpath.dirname(place.path)
        last = places[-MAX_PLACES_PER_FOLDER:]
        full = len(last) == MAX_PLACES_PER_FOLDER and all(posixpath.dirname(one.path) == folder for one in last)
        if not full and place not in last:
            places.append(place)
    return {name: tuple(places) for name, places in sorted(found.items())}


def _project_facts(projects: Sequence[Project]) -> Iterator[tuple[str, Source, Span]]:
    """The facts of what may run in production, where somebody wrote them: what a test does shows nothing."""
    from readiness.verdict.evidence import plans

    for project in projects:
        for room, kinds in _KINDS_BY_MODULE.items():
            if any(map(project.has_judged, kinds)):
                looks = importlib.import_module(f"{__name__}.{room}")
                for name, source, span in getattr(looks, f"{room}_facts")(project):
                    taken = source.root.purposes.get("")
                    written, there = written_place(source, span)
                    if (taken is None or taken.is_production) and not project.is_around(written):
                        yield name, written, there
    yield from plans.plan_facts(frozenset().union(*(one.paths - one.context for one in projects)))
