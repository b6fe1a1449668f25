"""`.dockerignore` files: the patterns, and whether they leave a path out of the build context."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from dataclasses import field
from typing import Any

from readiness.model import OverLimitError, Source, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.syntax import glob
from readiness.syntax.glob import WorkBudget

KIND_NAME = "dockerignore"
EXAMPLE_PATH = ".dockerignore"
FILE_PATTERN = r"[^/]*\.?(docker|container)ignore"
_IGNORE_FILENAMES = (".dockerignore", ".containerignore")
MAX_PATTERNS_PER_FILE = 5000
MAX_MATCHING_WORK_PER_FILE = 10_000_000  # units that all questions to one file may take


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
        pattern_length = self.span.end - self.span.start
        part_comparisons = len(self.path_parts) * (path.count("/") + 1) if "**" in self.path_parts else len(self.path_parts)
        return part_comparisons + (pattern_length * len(path) >> 10)


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """The patterns in order; itself the subject of `dockerignore.file`."""

    source: Source
    patterns: tuple[DockerignorePattern, ...]
    container: str = ""
    resource: str = ""
    matching_budget: WorkBudget = field(default_factory=lambda: WorkBudget(MAX_MATCHING_WORK_PER_FILE))

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
        path_parts = _split_cleaned_path(path)
        is_ignored = False
        for pattern in self.patterns:
            if not self.matching_budget.try_spend(pattern.cost(path)):
                return None
            if not path_parts:
                matches_whole_context = pattern.path_parts in (("*",), ("**",))
                is_ignored = matches_whole_context or (is_ignored and not pattern.negated)
            elif pattern.negated and _may_match_inside_folder(pattern.path_parts, path_parts):
                is_ignored = False
            elif _pattern_matches(pattern.path_parts, path_parts):
                is_ignored = not pattern.negated
        return is_ignored


def parse(source: Source) -> Document:
    """The patterns of a file; nothing in it can be wrong, but there can be too much. Raises ParseError."""
    patterns: list[DockerignorePattern] = []
    line_start = 1 if source.text.startswith("\ufeff") else 0
    for pattern_line in source.text[line_start:].split("\n"):
        stripped_line = pattern_line.strip()
        if stripped_line and not pattern_line.startswith("#"):
            is_negated = stripped_line.startswith("!")
            path_parts = _split_cleaned_path(stripped_line.lstrip("!").strip())
            if path_parts:
                if len(patterns) == MAX_PATTERNS_PER_FILE:
                    raise OverLimitError(f"it has more than {MAX_PATTERNS_PER_FILE:,} patterns", line_start)
                pattern_start = line_start + pattern_line.index(stripped_line)
                patterns.append(DockerignorePattern(path_parts, is_negated, Span(pattern_start, pattern_start + len(stripped_line))))
        line_start += len(pattern_line) + 1
    return Document(source, tuple(patterns))


def _split_cleaned_path(path_or_pattern: str) -> tuple[str, ...]:
    """A path or pattern in its parts, cleaned as Docker does; none for the context itself."""
    cleaned_path = posixpath.normpath(path_or_pattern.strip("/")) if path_or_pattern.strip("/") else "."
    return () if cleaned_path == "." else tuple(cleaned_path.split("/")[:64])


def _pattern_matches(pattern_parts: tuple[str, ...], path_parts: tuple[str, ...]) -> bool:
    """Whether a pattern matches a path or a folder that it lies in; `**` stands for any number of parts."""
    matched_part_counts = {0}
    for pattern_part in pattern_parts:
        if pattern_part == "**":
            matched_part_counts = set(range(min(matched_part_counts), len(path_parts) + 1)) if matched_part_counts else matched_part_counts
        else:
            matched_part_counts = {at + 1 for at in matched_part_counts if at < len(path_parts) and _part_matches(pattern_part, path_parts[at])}
    return bool(matched_part_counts - {0})


def _part_matches(pattern_part: str, path_part: str) -> bool:
    """Whether one part of a pattern names a part of a path: `[^a]` and `\\*` are Go's, not the shell's."""
    return glob.glob_matches(_ESCAPED_CHARACTER.sub(r"[\1]", pattern_part).replace("[^", "[!"), path_part)


_ESCAPED_CHARACTER = lazy_regex(r"\\(.)")


def _may_match_inside_folder(pattern_parts: tuple[str, ...], folder_parts: tuple[str, ...]) -> bool:
    """Whether a pattern may match something inside a folder, or the folder itself."""
    for pattern_part, folder_part in zip(pattern_parts, folder_parts, strict=False):
        if pattern_part == "**":
            return True
        if not _part_matches(pattern_part, folder_part):
            return False
    return len(pattern_parts) >= len(folder_parts)


def whole_file(document: Document) -> Iterable[Document]:
    """Target `dockerignore.file`: the document itself."""
    return (document,)


TARGETS: dict[str, Callable[[Document], Iterable[Any]]] = {"dockerignore.file": whole_file}
