"""What images are for: the signs of development, tests and samples in the name, the place and the stages of a Dockerfile.

Each sign was counted over 555 Dockerfiles: docs/purpose.md has the numbers.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from readiness.kinds.decision import head_signs, purpose_by_signs, said_purpose
from readiness.kinds.dockerfile.model import Document
from readiness.kinds.places import README_PAIRS, Surroundings, place_signs, readme_signs, surroundings
from readiness.kinds.purpose import (
    NonProductionSign,
    Pairs,
    dockerfile_purpose,
    is_non_serving_command,
    purpose_by_name,
)
from readiness.model import Purpose

PAIRS: Pairs = frozenset(map(frozenset, (("place", "sibling"), ("place", "stage"), ("place", "waits")))) | (
    README_PAIRS - {frozenset(("readme", "loose"))}
)
_WORKPLACE = re.compile(r"(?:devcontainers|vscode/devcontainers|gitpod)/")  # what editors open
_ASIDE = re.compile(r"(?:[\w-]+-)?(?:tests?|dev|development|debug|e2e|lint)")


def take_purposes(documents: Sequence[Document], paths: Collection[str]) -> None:
    """Say of every Dockerfile what its image is for where that is not production."""
    around = surroundings(paths)
    for document in documents:
        source = document.source
        found = said_purpose(source)
        if found is None and source.parent is None:
            found = _purpose_of(document, around)
        source.purposes = {"": found} if found else {}


def _purpose_of(document: Document, around: Surroundings) -> Purpose | None:
    """By name, else by signs; a name that says production is believed."""
    path = document.source.path
    if dockerfile_purpose(path) != "unknown":
        return purpose_by_name(path, "image")
    return purpose_by_signs(_signs_of(document, around), PAIRS)


def _signs_of(document: Document, around: Surroundings) -> Iterator[NonProductionSign]:
    source, here = document.source, document.at()
    yield from head_signs(source)
    yield from place_signs(source.path, here, around)
    # images of demonstrations are served as often as not
    yield from (one for one in readme_signs(source, around) if one.purpose != "demo")
    last = document.stages[-1] if document.stages else None
    if last is None:
        return
    if _WORKPLACE.search(last.root_stage.image.name):
        yield NonProductionSign("base", "its base is an editor's", last.node.at(), True)
    if _ASIDE.fullmatch(last.name.lower()):
        yield NonProductionSign("stage", f"its last stage is called {last.name}", last.node.at())
    command = last.effective_value("CMD") or last.effective_value("ENTRYPOINT")
    if command and is_non_serving_command([word.value for word in command.instruction.words]):
        yield NonProductionSign("waits", "it starts nothing that serves", last.node.at())
