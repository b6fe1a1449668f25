"""What pipelines are for: those that lie where their service reads them run, all others are what their place says.

What a pipeline that runs is asked is decided job by job, by what the job does (readiness/kinds/delivery): one that delivers
nothing is asked nothing about deliveries. docs/purpose.md has the numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from readiness.kinds.decision import set_purposes_of_documents
from readiness.kinds.places import Surroundings, folder_signs, surroundings
from readiness.kinds.purpose import NonProductionSign, SignNamePairs
from readiness.model import Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Document

SIGN_PAIRS_THAT_DECIDE: SignNamePairs = frozenset({frozenset({"place", "unread"})})
_PIPELINE_SERVICE_FOLDER = lazy_regex(r"(?:\A|/)\.(?:github|forgejo|gitea|gitlab)/")


def take_purposes(documents: Sequence[Document], paths_of_tree: Collection[str]) -> None:
    """Say of every pipeline in a folder of tests or samples what it is for."""
    surroundings_of_tree = surroundings(paths_of_tree)
    set_purposes_of_documents(documents, lambda document: _non_production_signs(document.source.path, surroundings_of_tree), SIGN_PAIRS_THAT_DECIDE)


def _non_production_signs(pipeline_path: str, tree_surroundings: Surroundings) -> Iterator[NonProductionSign]:
    """What the folders around the home of a pipeline say, and whether a service reads it there."""
    file_start_span = Span(0, 0)
    service_folder_match = _PIPELINE_SERVICE_FOLDER.search(pipeline_path)
    if service_folder_match is None:
        yield from folder_signs(pipeline_path, file_start_span, tree_surroundings)
        return
    yield from folder_signs(pipeline_path[: service_folder_match.start()] + "/", file_start_span, tree_surroundings)
    if service_folder_match.start():
        yield NonProductionSign("unread", "no service reads pipelines there", file_start_span, purpose="sample")
