"""Texts that a renderer made: told in the files that they were made from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from readiness.model import Related, Source, Span
from readiness.model.records import dataclass


class RenderError(Exception):
    """A chart or an overlay that gave no manifests: the reason in the renderer's words."""


class LimitError(RenderError):
    """A chart or an overlay that takes more than it may here: that is no fault of it, and says nothing of it."""


class CrashedBuildError(RenderError):
    """An overlay whose making raised what it does not document: that is its cause."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.__cause__ = cause


def without_frames(render_error: RenderError) -> RenderError:
    """An error that no longer holds what was made on the way to it: nothing collects that while it is told of."""
    error: BaseException | None = render_error
    while error is not None:
        error.__traceback__ = None
        earlier_error, error.__context__ = error.__context__, None
        error = earlier_error
    return render_error


@dataclass(frozen=True, slots=True)
class SetValue:
    """A value where somebody wrote it: the file, the place in it, and the keys that lead there in its chart's values."""

    source: Source
    span: Span
    keys: tuple[str, ...]


class GeneratedSource(Source):
    """A text that nobody wrote: it is told in the files it was made from, and by its environment's name.

    `trial` says that its values are those of a test, which nobody deploys, or, where it is `aside`, of another environment than
    production; `alone` that there are no others with which it can be made; `packed` is the archive of the file that it was
    made from, where that stands in one.
    """

    __slots__ = ("alone", "aside", "environment", "packed", "trial")

    def __init__(self, path: str, text: str, environment: str) -> None:
        super().__init__(path, text)
        self.environment = environment
        self.trial = self.aside = self.alone = False
        self.packed = ""

    def written_location(self, span: Span) -> tuple[Source, Span]:
        """Where a place of this text stands in a file that somebody wrote."""
        raise NotImplementedError

    def value_places(self, source: Source, span: Span) -> Iterator[Related]:
        """Other places that a reader of this one needs: where its value is set, when that can be told."""
        del source, span
        return iter(())

    def definition_places(self, span: Span) -> Iterator[Related]:
        """Where a definition wrote a place of this text that a template only takes in, when that can be told."""
        del span
        return iter(())

    def parent_value(self, source: Source, span: Span) -> SetValue | None:
        """Where a chart above its own sets the one value that decides about a place of the template, when that can be told."""
        del source, span
        return None

    def values_sources(self) -> Iterator[Source]:
        """The files of values that it is made with."""
        return iter(())

    def set_value(self, span: Span) -> SetValue | None:
        """Where somebody set the value that a place of this text prints, when that can be told."""
        del span
        return None

    def overriding_value(self, span: Span) -> SetValue | None:
        """Where a file over a chart's own values set the value that a place of this text prints with a whole mapping."""
        del span
        return None


def written_source_and_span(source: Source, span: Span) -> tuple[Source, Span]:
    """Where a place stands in a file that somebody wrote: the same place but for what was rendered."""
    root_source = source.root
    if not isinstance(root_source, GeneratedSource):
        return source, span
    root_start, root_end = source.to_root(span.start), source.to_root(span.end)
    return root_source.written_location(Span(root_start, max(root_start, root_end)))


class RenderInput(NamedTuple):
    """One thing that was looked at, be it there or not: a whole chart, or a path in a tree; and what it was.

    `root` is the chart's or the tree's folder, relative to what reports are relative to.
    """

    kind: str
    root: str
    path: str
    hash_or_kind: str


def short_error_text(error_text: str) -> str:
    """The part of a renderer's message that a person needs, on one line."""
    return " ".join(line.strip() for line in error_text.splitlines() if line.strip())[:600]
