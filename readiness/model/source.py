"""Texts and places: sources, spans and positions."""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from readiness.model.purpose import Purpose

_NO_PURPOSE_BY_THING: Mapping[str, Purpose] = MappingProxyType({})


class Span(NamedTuple):
    """Two offsets into a source's text, in characters; `end` is exclusive."""

    start: int
    end: int


class Position(NamedTuple):
    """A place as people say it: both numbers count from 1, columns in characters."""

    line: int
    column: int


class Source:
    """A file's path and text, or a document nested in another source (a fenced block, a ConfigMap value).

    `line_starts_in_parent` gives, for each line of a nested text, the offset in the parent's text where that line begins, so
    that every place is told in the file that a person opens. `is_fragment` marks a piece shown without its
    surroundings (a block in prose): it is judged for what it shows, not for what it leaves out.

    `readme_says` are words of the README files at and above it (readiness/kinds/readme.py), `repository_owner` is who owns
    the repository of a pipeline, where its files say so, `described_owners` whose repositories its README and charts name, where they
    do not, `code_owners` the accounts that its CODEOWNERS name (readiness/kinds/github/owner.py).
    `unapplied_because` is what says that nobody applies it as it stands (readiness/loading/unapplied.py); empty where nothing does.
    `archived_because` is what says that it is kept and no longer deployed (readiness/loading/archived.py); empty where nothing does.
    `test_use_because` is what says that only tests apply it (readiness/loading/test_use.py); empty where nothing does.
    `replaced_images` are the names of images in it for which somebody puts in others (readiness/loading/image_names.py).
    `unread_part` says what of it was not gone through, for a limit of readiness; empty where all was.
    `said` is what settings or an option say that it is for; where `is_purpose_locked` what it says itself does not count.
    `stated_purposes` is what its comments say that it is for (readiness/kinds/decision.py), once they were read.
    `secret_spans` are where its secrets stand, once somebody looked for them (readiness/redaction/judge.py); None before.
    `purposes` is what it was taken for: all of it under "", things in it under their resources; what is not there may run in production.
    """

    __slots__ = (
        "_lines", "archived_because", "code_owners", "described_owners", "fragment", "is_purpose_locked", "kind", "parent", "path", "purposes",
        "readme_says", "replaced_images", "repository_owner", "said", "secret_spans", "starts", "stated_purposes", "test_use_because",
        "text", "unapplied_because", "unread_part",
    )  # fmt: skip

    def __init__(
        self,
        path: str,
        text: str,
        *,
        parent: Source | None = None,
        line_starts_in_parent: tuple[int, ...] = (),
        is_fragment: bool = False,
        kind: str = "",
    ) -> None:
        self.path = path
        self.text = text
        self.parent = parent
        self.starts = line_starts_in_parent
        self.fragment = is_fragment
        self.kind = kind
        self.said: Purpose | None = None
        self.is_purpose_locked = False
        self.readme_says: frozenset[str] = frozenset()
        self.repository_owner = ""
        self.described_owners: frozenset[str] = frozenset()
        self.code_owners: frozenset[str] = frozenset()
        self.unapplied_because = ""
        self.test_use_because = ""
        self.archived_because = ""
        self.replaced_images: frozenset[str] = frozenset()
        self.unread_part = ""
        self.secret_spans: tuple[Span, ...] | None = None
        self.purposes: Mapping[str, Purpose] = _NO_PURPOSE_BY_THING
        self.stated_purposes: tuple[Any, ...] | None = None
        self._lines: list[int] | None = None

    def __repr__(self) -> str:
        return f"Source({self.path!r}, {len(self.text)} characters)"

    @property
    def line_offsets(self) -> list[int]:
        """The offset at which each line begins (LF, CRLF and lone CR end a line)."""
        if self._lines is None:
            self._lines = line_starts(self.text)
        return self._lines

    @property
    def root(self) -> Source:
        """The file that a nested source stands in; the source itself where it is a file."""
        source = self
        while source.parent is not None:
            source = source.parent
        return source

    def to_root(self, offset: int) -> int:
        """The offset in the root's text of an offset in this text."""
        source = self
        while source.parent is not None:
            line_index = bisect.bisect_right(source.line_offsets, offset) - 1
            line_index = min(line_index, len(source.starts) - 1)
            offset = source.starts[line_index] + offset - source.line_offsets[line_index] if line_index >= 0 else 0
            source = source.parent
        return offset

    def position_of(self, offset: int) -> Position:
        """Line and column, both from 1, of an offset in this text, told in the root file."""
        root_source = self
        if self.parent is not None:
            root_source, offset = self.root, self.to_root(offset)
        line_index = max(bisect.bisect_right(root_source.line_offsets, offset) - 1, 0)
        return Position(line_index + 1, offset - root_source.line_offsets[line_index] + 1)

    def place_text(self, offset: int) -> str:
        """`file:line:column` of an offset."""
        line_and_column = self.position_of(offset)
        return f"{self.root.path}:{line_and_column.line}:{line_and_column.column}"

    def line_text(self, line_number: int) -> str:
        """The text of line `line_number` (from 1) without its line break; empty past the end."""
        if not 0 < line_number <= len(self.line_offsets):
            return ""
        line_start = self.line_offsets[line_number - 1]
        line_end = self.line_offsets[line_number] if line_number < len(self.line_offsets) else len(self.text)
        return self.text[line_start:line_end].rstrip("\r\n")

    def one_line(self, span: Span) -> Span:
        """The span cut at the end of its first line, without trailing blanks.

        What is missing is shown at its closest owner, and an owner may be a hundred lines long; the first line
        is the grip that a reader needs and that an annotation on a pull request can show.
        """
        span_start = min(span.start, len(self.text))
        span_end = min(max(span.end, span_start), len(self.text))
        for line_break in ("\n", "\r"):
            line_break_offset = self.text.find(line_break, span_start, span_end)
            if line_break_offset >= 0:
                span_end = line_break_offset
        return Span(span_start, span_start + len(self.text[span_start:span_end].rstrip()))


def line_starts(text: str) -> list[int]:
    """The offsets at which the lines of `text` begin."""
    line_start_offsets = [0]
    find_in_text = text.find
    if "\r" not in text:
        line_break_offset = find_in_text("\n")
        while line_break_offset >= 0:
            line_start_offsets.append(line_break_offset + 1)
            line_break_offset = find_in_text("\n", line_break_offset + 1)
        return line_start_offsets
    for line_break_offset, char in enumerate(text):
        if char == "\n" or (char == "\r" and text[line_break_offset + 1 : line_break_offset + 2] != "\n"):
            line_start_offsets.append(line_break_offset + 1)
    return line_start_offsets


class ParseError(Exception):
    """A source that its kind cannot read: the parser's reason and the offset where it gave up."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class OverLimitError(ParseError):
    """A source that its own tool may well read, and that is over a limit of ours: never told as a mistake of whoever wrote it."""
