"""What pipelines are for: those that lie where their service reads them run, all others are what their place says.

What a pipeline that runs is asked is decided job by job, by what the job does (readiness/kinds/delivery): one that delivers
nothing is asked nothing about deliveries. docs/purpose.md has the numbers.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from readiness.kinds.decision import take_purposes_of_files
from readiness.kinds.places import Surroundings, place_signs, surroundings
from readiness.kinds.purpose import NonProductionSign, Pairs
from readiness.model import Span
from readiness.model.project import Document

PAIRS: Pairs = frozenset({frozenset({"place", "unread"})})
_HOME = re.compile(r"(?:\A|/)\.(?:github|forgejo|gitea|gitlab)/")


def take_purposes(documents: Sequence[Document], paths: Collection[str]) -> None:
    """Say of every pipeline in a folder of tests or samples what it is for."""
    around = surroundings(paths)
    take_purposes_of_files(documents, lambda document: _signs_of(document.source.path, around), PAIRS)


def _signs_of(path: str, around: Surroundings) -> Iterator[NonProductionSign]:
    """What the folders around the home of a pipeline say, and whether a service reads it there."""
    here = Span(0, 0)
    home = _HOME.search(path)
    if home is None:
        yield from place_signs(path, here, around)
        return
    yield from place_signs(path[: home.start()] + "/", here, around)
    if home.start():
        yield NonProductionSign("unread", "no service reads pipelines there", here, purpose="sample")
