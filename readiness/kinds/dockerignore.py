"""`.dockerignore` files: the patterns, and whether they leave a path out of the build context."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from readiness.model import ParseError, Source, Span
from readiness.syntax import glob
from readiness.syntax.glob import WorkBudget

KIND_NAME = "dockerignore"
EXAMPLE_PATH = ".dockerignore"
_IGNORE_FILENAMES = (".dockerignore", ".containerignore")
MAX_PATTERNS = 5000
MAX_WORK = 10_000_000  # units that all questions to one file may take


def recognizes_file(path: str, text: str) -> bool:
    """By the name alone: any text is a list of patterns."""
    del text
    return path.endswith(_IGNORE_FILENAMES)


@dataclass(frozen=True, slots=True)
class DockerignorePattern:
    """One line: its parts between slashes, and whether it takes files back in."""

    path_parts: tuple[str, ...]
    negated: bool
    span: Span

    def cost(self, path: str) -> int:
        """The most units that it can take to match it: with stars for folders in it, each part with each."""
        size = self.span.end - self.span.start
        turns = len(self.path_parts) * (path.count("/") + 1) if "**" in self.path_parts else len(self.path_parts)
        return turns + (size * len(path) >> 10)


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """The patterns in order; itself the subject of `dockerignore.file`."""

    source: Source
    patterns: tuple[DockerignorePattern, ...]
    container: str = ""
    resource: str = ""
    matching_budget: WorkBudget = field(default_factory=lambda: WorkBudget(MAX_WORK))

    @property
    def node(self) -> Document:
        """The document itself, which answers `get` and `at` for predicates."""
        return self

    def get(self, key: str, default: Any = None, /) -> Any:
        """Always `default`: an ignore file has no keys."""
        del key
        return default

    def at(self, key: Any = None, /) -> Span:
        """The place of the whole text, for a finding about the file."""
        del key
        return Span(0, len(self.source.text))

    def ignores(self, path: str) -> bool | None:
        """Whether a path, relative to the context, is left out: the last pattern that matches decides.

        A folder counts as left out only where no pattern takes a part of it back in. None where it takes too much work to tell.
        """
        parts = _path_parts(path)
        ignored = False
        for pattern in self.patterns:
            if not self.matching_budget.try_spend(pattern.cost(path)):
                return None
            if not parts:
                hits = pattern.path_parts in (("*",), ("**",))
                ignored = hits or (ignored and not pattern.negated)
            elif pattern.negated and _may_lie_under(pattern.path_parts, parts):
                ignored = False
            elif _pattern_matches(pattern.path_parts, parts):
                ignored = not pattern.negated
        return ignored


def parse(source: Source) -> Document:
    """The patterns of a file; nothing in it can be wrong, but there can be too much. Raises ParseError."""
    patterns: list[DockerignorePattern] = []
    offset = 1 if source.text.startswith("\ufeff") else 0
    for line in source.text[offset:].split("\n"):
        text = line.strip()
        if text and not line.startswith("#"):
            negated = text.startswith("!")
            parts = _path_parts(text.lstrip("!").strip())
            if parts:
                if len(patterns) == MAX_PATTERNS:
                    raise ParseError(f"over {MAX_PATTERNS} patterns are not gone through", offset)
                start = offset + line.index(text)
                patterns.append(DockerignorePattern(parts, negated, Span(start, start + len(text))))
        offset += len(line) + 1
    return Document(source, tuple(patterns))


def _path_parts(path: str) -> tuple[str, ...]:
    """A path or pattern in its parts, cleaned as Docker does; none for the context itself."""
    clean = posixpath.normpath(path.strip("/")) if path.strip("/") else "."
    return () if clean == "." else tuple(clean.split("/")[:64])


def _pattern_matches(pattern: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    """Whether a pattern matches a path or a folder that it lies in; `**` stands for any number of parts."""
    reached = {0}
    for segment in pattern:
        if segment == "**":
            reached = set(range(min(reached), len(parts) + 1)) if reached else reached
        else:
            reached = {at + 1 for at in reached if at < len(parts) and _part_matches(segment, parts[at])}
    return bool(reached - {0})


def _part_matches(pattern: str, part: str) -> bool:
    """Whether one part of a pattern names a part of a path: `[^a]` and `\\*` are Go's, not the shell's."""
    return glob.glob_matches(_ESCAPED_CHARACTER.sub(r"[\1]", pattern).replace("[^", "[!"), part)


_ESCAPED_CHARACTER = re.compile(r"\\(.)")


def _may_lie_under(pattern: tuple[str, ...], folder: tuple[str, ...]) -> bool:
    """Whether a pattern may match something inside a folder, or the folder itself."""
    for segment, part in zip(pattern, folder, strict=False):
        if segment == "**":
            return True
        if not _part_matches(segment, part):
            return False
    return len(pattern) >= len(folder)


def whole_file(document: Document) -> Iterable[Document]:
    """Target `dockerignore.file`: the document itself."""
    return (document,)


TARGETS: dict[str, Callable[[Document], Iterable[Any]]] = {"dockerignore.file": whole_file}
