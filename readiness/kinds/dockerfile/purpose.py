"""What images are for: the signs of development, tests and samples in the name, the place and the stages of a Dockerfile.

Each sign was counted over 555 Dockerfiles: docs/purpose.md has the numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from readiness.kinds.decision import explicit_purpose, head_signs, purpose_by_signs
from readiness.kinds.dockerfile.model import Document
from readiness.kinds.places import README_SIGN_PAIRS_THAT_DECIDE, Surroundings, folder_signs, readme_signs, surroundings
from readiness.kinds.purpose import (
    NonProductionSign,
    SignNamePairs,
    dockerfile_purpose,
    is_non_serving_command,
    non_production_purpose_by_path,
)
from readiness.model import Purpose
from readiness.model.lazy_regex import lazy_regex

DECISIVE_SIGN_PAIRS: SignNamePairs = frozenset(map(frozenset, (("place", "sibling"), ("place", "stage"), ("place", "waits")))) | (
    README_SIGN_PAIRS_THAT_DECIDE - {frozenset(("readme", "loose"))}
)
_EDITOR_IMAGE_NAME = lazy_regex(r"(?:devcontainers|vscode/devcontainers|gitpod)/")  # what editors open
_NON_PRODUCTION_STAGE_NAME = lazy_regex(r"(?:[\w-]+-)?(?:tests?|dev|development|debug|e2e|lint)")


def take_purposes(documents: Sequence[Document], known_paths: Collection[str]) -> None:
    """Say of every Dockerfile what its image is for where that is not production."""
    file_surroundings = surroundings(known_paths)
    for document in documents:
        source = document.source
        purpose = explicit_purpose(source)
        if purpose is None and source.parent is None:
            purpose = _purpose_of_dockerfile(document, file_surroundings)
        source.purposes = {"": purpose} if purpose else {}


def _purpose_of_dockerfile(document: Document, file_surroundings: Surroundings) -> Purpose | None:
    """By name, else by signs; a name that says production is believed."""
    path = document.source.path
    if dockerfile_purpose(path) != "unknown":
        return non_production_purpose_by_path(path, "image")
    return purpose_by_signs(_signs_of_dockerfile(document, file_surroundings), DECISIVE_SIGN_PAIRS)


def _signs_of_dockerfile(document: Document, file_surroundings: Surroundings) -> Iterator[NonProductionSign]:
    source, document_span = document.source, document.at()
    yield from head_signs(source)
    yield from folder_signs(source.path, document_span, file_surroundings)
    # images of demonstrations are served as often as not
    yield from (one for one in readme_signs(source, file_surroundings) if one.purpose != "demo")
    last_stage = document.stages[-1] if document.stages else None
    if last_stage is None:
        return
    if _EDITOR_IMAGE_NAME.search(last_stage.root_stage.image.name):
        yield NonProductionSign("base", "its base is an editor's", last_stage.node.at(), True)
    if _NON_PRODUCTION_STAGE_NAME.fullmatch(last_stage.name.lower()):
        yield NonProductionSign("stage", f"its last stage is called {last_stage.name}", last_stage.node.at())
    effective_command = last_stage.effective_value("CMD") or last_stage.effective_value("ENTRYPOINT")
    if effective_command and is_non_serving_command([word.value for word in effective_command.instruction.words]):
        yield NonProductionSign("waits", "it starts nothing that serves", last_stage.node.at())
