"""What configurations of nginx are for: the signs of tests, samples and development in their places and their server names.

Each sign was counted over 170 files: docs/purpose.md has the numbers.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Sequence

from readiness.kinds.decision import head_signs, set_purposes_of_documents
from readiness.kinds.nginx import Document
from readiness.kinds.places import Surroundings, file_name_signs, folder_signs, surroundings
from readiness.kinds.purpose import NonProductionSign, SignNamePairs
from readiness.model import Span
from readiness.model.lazy_regex import lazy_regex

DECISIVE_SIGN_PAIRS: SignNamePairs = frozenset(map(frozenset, (("place", "sibling"), ("place", "host"), ("file", "host"), ("docs", "host"))))
# Names that no resolver of the world knows. https://www.rfc-editor.org/rfc/rfc6761
_UNRESOLVABLE_SERVER_NAME = lazy_regex(r"localhost|127\.0\.0\.1|\[?::1\]?|[\w.*-]+\.(?:test|localhost|local|example|invalid)")
_DOCUMENTATION_FOLDER_NAMES = frozenset({"docs", "doc", "documentation", "contrib"})


def take_purposes(documents: Sequence[Document], known_paths: Collection[str]) -> None:
    """Say of every configuration what it is for where that is not production."""
    file_surroundings = surroundings(known_paths)
    set_purposes_of_documents(documents, lambda document: _signs_of_configuration(document, file_surroundings), DECISIVE_SIGN_PAIRS)


def _signs_of_configuration(document: Document, file_surroundings: Surroundings) -> Iterator[NonProductionSign]:
    source, document_start_span = document.source, Span(0, 0)
    yield from head_signs(source)
    yield from folder_signs(source.path, document_start_span, file_surroundings)
    yield from file_name_signs(source.path, document_start_span)
    if not _DOCUMENTATION_FOLDER_NAMES.isdisjoint(posixpath.dirname(source.path).lower().split("/")):
        yield NonProductionSign("docs", "it lies among documents", document_start_span, purpose="sample")
    server_names = [word for one in document.walk_directives() if one.name == "server_name" for word in one.args]
    if server_names and all(map(_UNRESOLVABLE_SERVER_NAME.fullmatch, server_names)):
        yield NonProductionSign("host", f"it serves {server_names[0][:63]}, which nobody else resolves", document_start_span)
