"""The YAML documents of the files of a run, each file parsed once whoever asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from readiness.loading.render.made import GeneratedSource
from readiness.model import ParseError, Source
from readiness.syntax.yaml import load_yaml_documents, with_plain_separators


class ParsedTexts:
    """The documents of texts, by source, as tools of Kubernetes separate them."""

    __slots__ = ("_roots",)

    def __init__(self) -> None:
        self._roots: dict[Source, Sequence[Any] | ParseError] = {}

    def keep(self, source: Source, roots: Sequence[Any]) -> None:
        """Take in what somebody else has parsed."""
        self._roots[source] = roots

    def files(self) -> list[Source]:
        """The files that were parsed, those apart that a renderer made or that stand in another."""
        return [source for source in self._roots if source.parent is None and not isinstance(source, GeneratedSource)]

    def documents(self, source: Source) -> Sequence[Any]:
        """The documents of a text. Raises ParseError where it does not parse."""
        if source not in self._roots:
            try:
                self._roots[source] = load_yaml_documents(with_plain_separators(source.text))
            except ParseError as error:
                self._roots[source] = ParseError(error.message, error.offset)
        found = self._roots[source]
        if isinstance(found, ParseError):
            raise ParseError(found.message, found.offset)
        return found
