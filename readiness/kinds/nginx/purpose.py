"""What configurations of nginx are for: the signs of tests, samples and development in their places and their server names.

Each sign was counted over 170 files: docs/purpose.md has the numbers.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Sequence

from readiness.kinds.decision import head_signs, take_purposes_of_files
from readiness.kinds.nginx import Document
from readiness.kinds.places import Surroundings, name_signs, place_signs, surroundings
from readiness.kinds.purpose import NonProductionSign, Pairs
from readiness.model import Span

PAIRS: Pairs = frozenset(map(frozenset, (("place", "sibling"), ("place", "host"), ("file", "host"), ("docs", "host"))))
# Names that no resolver of the world knows. https://www.rfc-editor.org/rfc/rfc6761
_NOBODYS = re.compile(r"localhost|127\.0\.0\.1|\[?::1\]?|[\w.*-]+\.(?:test|localhost|local|example|invalid)")
_DOCUMENTS = frozenset({"docs", "doc", "documentation", "contrib"})


def take_purposes(documents: Sequence[Document], paths: Collection[str]) -> None:
    """Say of every configuration what it is for where that is not production."""
    around = surroundings(paths)
    take_purposes_of_files(documents, lambda document: _signs_of(document, around), PAIRS)


def _signs_of(document: Document, around: Surroundings) -> Iterator[NonProductionSign]:
    source, here = document.source, Span(0, 0)
    yield from head_signs(source)
    yield from place_signs(source.path, here, around)
    yield from name_signs(source.path, here)
    if not _DOCUMENTS.isdisjoint(posixpath.dirname(source.path).lower().split("/")):
        yield NonProductionSign("docs", "it lies among documents", here, purpose="sample")
    names = [word for one in document.walk_directives() if one.name == "server_name" for word in one.args]
    if names and all(map(_NOBODYS.fullmatch, names)):
        yield NonProductionSign("host", f"it serves {names[0][:63]}, which nobody else resolves", here)
