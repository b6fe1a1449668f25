"""The YAML documents of the files of a run, each file parsed once whoever asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from readiness.loading.render.made import GeneratedSource
from readiness.model import ParseError, Source
from readiness.syntax.yaml import blank_out_separator_comments, load_yaml_documents


class ParsedTexts:
    """The documents of texts, by source, as tools of Kubernetes separate them."""

    __slots__ = ("_roots",)

    def __init__(self) -> None:
        self._roots: dict[Source, Sequence[Any] | ParseError] = {}

    def keep(self, source: Source, document_roots: Sequence[Any]) -> None:
        """Take in what somebody else has parsed."""
        self._roots[source] = document_roots

    def files(self) -> list[Source]:
        """The files that were parsed, those apart that a renderer made or that stand in another."""
        return [source for source in self._roots if source.parent is None and not isinstance(source, GeneratedSource)]

    def documents(self, source: Source) -> Sequence[Any]:
        """The documents of a text. Raises ParseError where it does not parse."""
        if source not in self._roots:
            try:
                self._roots[source] = load_yaml_documents(blank_out_separator_comments(source.text))
            except ParseError as error:
                self._roots[source] = ParseError(error.message, error.offset)
        documents_or_error = self._roots[source]
        if isinstance(documents_or_error, ParseError):
            raise ParseError(documents_or_error.message, documents_or_error.offset)
        return documents_or_error
