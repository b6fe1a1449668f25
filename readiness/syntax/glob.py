"""Patterns of file names (`*`, `?`, `[seq]`, `[!seq]`), matched in time that is no more than the product of both lengths.

The patterns come with the tree that is judged. Python's own translation gives each piece between two stars one try, so that
nothing runs away; a pattern or a text that is longer than any path matches nothing.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from functools import lru_cache

MAX_PATTERN_OR_PATH_LENGTH = 4096  # characters of a path, and of a pattern


class WorkBudget:
    """How much work may still be spent on patterns; a unit is about half a microsecond."""

    def __init__(self, work_units: int) -> None:
        self.left = work_units

    def try_spend(self, work_units: int = 1) -> bool:
        """Take from what is left; whether there was as much."""
        self.left -= work_units
        return self.left >= 0


def glob_matches(pattern: str, text: str) -> bool:
    """Whether a pattern matches all of a text, the same on every system; a star takes slashes too, and `**/` any number of folders."""
    if pattern == "*":
        return True
    if len(pattern) > MAX_PATTERN_OR_PATH_LENGTH or len(text) > MAX_PATTERN_OR_PATH_LENGTH:
        return False
    if "**/" in pattern:
        pattern, text = _with_closed_parts(pattern, is_pattern=True), _with_closed_parts(text, is_pattern=False)
    fixed_part = literal_prefix(pattern)
    if not text.startswith(fixed_part):
        return False
    return text == pattern if fixed_part == pattern else _compile_glob_cached(pattern).match(text) is not None


@lru_cache(maxsize=16_384)
def _with_closed_parts(path_or_pattern: str, *, is_pattern: bool) -> str:
    """A path with a slash on both sides of each part, or its pattern, in which a part `**` is a star that may stand for no part at all."""
    parts = path_or_pattern.split("/")
    return "".join("*" if is_pattern and part == "**" and number < len(parts) - 1 else f"/{part}/" for number, part in enumerate(parts))


@lru_cache(maxsize=16_384)
def literal_prefix(pattern: str) -> str:
    """What every text begins with that a pattern matches; of most patterns that, too, tells that they do not match."""
    return pattern[: min((pattern.index(mark) for mark in "*?[" if mark in pattern), default=len(pattern))]


def prefixed_path(path_prefix: str, path: str) -> str:
    """A path of the working directory, relative to where `path_prefix` begins that leads to that directory."""
    return posixpath.normpath(posixpath.join(path_prefix, path)) if path_prefix else path


def max_match_cost(pattern: str, text: str) -> int:
    """The most units that it can take to match one with the other."""
    return 1 + (len(pattern) * len(text) >> 10)


def compile_glob(pattern: str) -> re.Pattern[str]:
    """The expression of a pattern, for those who keep it."""
    return re.compile(fnmatch.translate(pattern))


_compile_glob_cached = lru_cache(maxsize=16_384)(compile_glob)
