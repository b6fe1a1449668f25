"""`.gitignore` files: which paths their patterns leave out (https://git-scm.com/docs/gitignore#_pattern_format).

Matched part by part between slashes, with a budget: what is meant to say which files to leave alone may not keep the walk from
its end. A line that Git would throw away is thrown away, and the others hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from readiness.syntax import glob
from readiness.syntax.glob import WorkBudget

_COMPILE_COST = 300  # units that it takes to make an expression
_MATCHES_PATH, _MATCHES_PARENT = 2, 1  # a pattern matches the path, or a folder that it lies in


class BudgetSpentError(Exception):
    """The patterns took more work than they may."""


@dataclass(slots=True, eq=False)
class PatternPart:
    """What a pattern says of one name: a text that it equals, an ending, or a pattern, which is made when it is first asked."""

    text: str
    required_suffix: str | None = None
    is_glob: bool = False
    compiled_regex: re.Pattern[str] | None = None

    def matches(self, name: str, budget: WorkBudget) -> bool:
        """Whether it matches a name. Raises SpentError."""
        if self is _ANY_NAME:
            return bool(name)
        if self.required_suffix is not None:
            return name.endswith(self.required_suffix)
        if not self.is_glob:
            return name == self.text
        if self.compiled_regex is None:
            budget.try_spend(_COMPILE_COST + len(self.text))
            self.compiled_regex = glob.compiled_glob(self.text)
        if not budget.try_spend(glob.match_cost(self.text, name)):
            raise BudgetSpentError
        return self.compiled_regex.match(name) is not None


_ANY_FOLDERS = PatternPart("**")  # any number of folders
_ANY_NAME = PatternPart("*", is_glob=True)  # any name


@dataclass(frozen=True, slots=True)
class IgnorePattern:
    """One line: its number, whether it leaves out or takes back in, its parts; `unconditional_rank` is what it says of any path.

    `only_folders` says that it means folders only.
    """

    line_order: int
    ignores: bool
    parts: tuple[PatternPart, ...]
    only_folders: bool
    unconditional_rank: int = 0

    @property
    def name_anywhere(self) -> PatternPart | None:
        """The one part of a pattern that speaks of a name wherever it is; None for others."""
        count = 3 if self.only_folders else 2
        if len(self.parts) != count or self.parts[0] is not _ANY_FOLDERS or self.unconditional_rank:
            return None
        ends = not self.only_folders or self.parts[2] is _ANY_FOLDERS
        return self.parts[1] if ends and self.parts[1] is not _ANY_FOLDERS else None

    def match_rank(self, names: Sequence[str], budget: WorkBudget) -> int:
        """How the pattern matches a path: 2 the path itself, 1 a folder around it, 0 not at all. Raises SpentError."""
        if self.unconditional_rank:
            return self.unconditional_rank if len(names) > 1 or not self.only_folders else 0
        if self.parts[0] is not _ANY_FOLDERS and not self.parts[0].matches(names[0], budget):
            return 0
        ends = self._matched_prefix_lengths(names, budget)
        if self.parts[-1] is _ANY_FOLDERS:
            is_in_folder = any(end < len(names) for end in ends)
            return 0 if not is_in_folder else _MATCHES_PARENT if self.only_folders else _MATCHES_PATH
        return _MATCHES_PATH if len(names) in ends else _MATCHES_PARENT if ends else 0

    def _matched_prefix_lengths(self, names: Sequence[str], budget: WorkBudget) -> set[int]:
        """How many names of a path the parts can take, a last `**` apart."""
        reached = {0}
        for part in self.parts[:-1] if self.parts[-1] is _ANY_FOLDERS else self.parts:
            if part is _ANY_FOLDERS:
                reached = set(range(min(reached), len(names)))
            else:
                reached = {at + 1 for at in reached if at < len(names) and part.matches(names[at], budget)}
            if not reached:
                break
            if not budget.try_spend(len(reached)):
                raise BudgetSpentError
        return reached


class IgnorePatterns:
    """The patterns of a file. Most speak of one name wherever it is: what they say of a name is worked out once."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)
        self._names: dict[str, list[IgnorePattern]] = {}
        self._endings: list[tuple[str, IgnorePattern]] = []
        self._globs: list[tuple[PatternPart, IgnorePattern]] = []
        self._others: list[IgnorePattern] = []
        for pattern in parse_patterns(self.lines):
            part = pattern.name_anywhere
            if part is None:
                self._others.append(pattern)
            elif part.required_suffix is not None:
                self._endings.append((part.required_suffix, pattern))
            elif part.is_glob:
                self._globs.append((part, pattern))
            else:
                self._names.setdefault(part.text, []).append(pattern)
        self._others.reverse()
        self._ends = tuple(ending for ending, _ in self._endings)
        self._told: dict[str, tuple[IgnorePattern, ...]] = {}

    def is_ignored(self, path: str, budget: WorkBudget) -> bool:
        """Whether a path relative to the file's folder is left out; a folder's ends in a slash. Raises SpentError.

        The last pattern that matches the path itself decides; where none does, the last that matches a folder around it.
        """
        names = path.split("/")
        whole: IgnorePattern | None = None
        above: IgnorePattern | None = None
        last = len(names) - 1
        for at, name in enumerate(names):
            for pattern in self._patterns_matching_name(name, budget):
                if at < last:
                    above = _later_pattern(above, pattern)
                elif not pattern.only_folders:
                    whole = _later_pattern(whole, pattern)
        for pattern in self._others:
            if whole is not None and whole.line_order > pattern.line_order:
                break
            if not budget.try_spend():
                raise BudgetSpentError
            rank = pattern.match_rank(names, budget)
            if rank == _MATCHES_PATH:
                whole = _later_pattern(whole, pattern)
            elif rank == _MATCHES_PARENT:
                above = _later_pattern(above, pattern)
        winner = whole or above
        return winner is not None and winner.ignores

    def _patterns_matching_name(self, name: str, budget: WorkBudget) -> tuple[IgnorePattern, ...]:
        """The patterns that match a name, of those that speak of names anywhere. Raises SpentError."""
        known = self._told.get(name)
        if known is None:
            patterns = list(self._names.get(name, ()))
            if name.endswith(self._ends):
                patterns += [pattern for ending, pattern in self._endings if name.endswith(ending)]
            patterns += [pattern for part, pattern in self._globs if part.matches(name, budget)]
            if not budget.try_spend(1 + len(self._ends) // 16):
                raise BudgetSpentError
            if len(self._told) >= _MAX_CACHED_NAMES:
                self._told.clear()
            known = self._told[name] = tuple(patterns)
        return known


_MAX_CACHED_NAMES = 20_000  # names


def _later_pattern(pattern: IgnorePattern | None, other: IgnorePattern) -> IgnorePattern:
    return other if pattern is None or other.line_order > pattern.line_order else pattern


def parse_patterns(lines: Iterable[str]) -> Iterator[IgnorePattern]:
    """The patterns of the lines, without blanks, comments and what is none."""
    for number, line in enumerate(lines):
        text = line if line.endswith("\\ ") else line.rstrip()
        if not text or text.startswith("#") or text == "/":
            continue
        names = text.removeprefix("!").split("/")
        folder = not names[-1]
        parts = _pattern_parts(names)
        if parts:
            always = _verdict_on_all(parts, folder)
            yield IgnorePattern(number, not text.startswith("!"), parts, folder or always[1], always[0])


def _pattern_parts(names: list[str]) -> tuple[PatternPart, ...]:
    """The parts of a pattern: from any folder on where it names none, and with all that is in a folder it names."""
    if not names[0]:
        names = names[1:]
    elif len(names) == 1 or (len(names) == 2 and not names[1]):
        names = names if names[0] == "**" else ["**", *names]
    if names and not names[-1]:
        names = [*names[:-1], "**"]
    parts: list[PatternPart] = []
    for name in names:
        part = _ANY_FOLDERS if name == "**" else parse_pattern_part(name)
        if part is None:
            return ()
        if part is not _ANY_FOLDERS or parts[-1:] != [_ANY_FOLDERS]:
            parts.append(part)
    return tuple(parts)


def _verdict_on_all(parts: tuple[PatternPart, ...], folder: bool) -> tuple[int, bool]:
    """What a pattern of stars alone says of every path, and whether only of those in a folder; 0 for other patterns."""
    stars = ["**" if part is _ANY_FOLDERS else "*" if part is _ANY_NAME else "" for part in parts]
    if stars in (["**"], ["**", "*", "**"]):
        inside = folder or len(stars) == 3
        return (_MATCHES_PARENT if folder else _MATCHES_PATH), inside
    return (_MATCHES_PATH, False) if stars == ["**", "*"] else (0, False)


def parse_pattern_part(name: str) -> PatternPart | None:
    """The part that a pattern between two slashes makes; None where it is broken: an open bracket, a backslash at its end."""
    if name == "*":
        return _ANY_NAME
    shell, at = "", 0
    while at < len(name):
        char = name[at]
        at += 1
        if char == "\\":
            if at == len(name):
                return None
            shell += f"[{name[at]}]" if name[at] in "*?[" else name[at]
            at += 1
        elif char == "[":
            negated = name[at : at + 1] in ("!", "^")
            start = at + negated
            end = name.find("]", start + 1)
            if end < 0:
                return None
            shell += f"[{'!' if negated else ''}{name[start:end]}]"
            at = end + 1
        else:
            shell += char
    if len(name) > glob.MAX_LENGTH or not set(shell) & set("*?["):
        return PatternPart(shell)
    rest = shell[1:]
    if shell[0] == "*" and not set(rest) & set("*?["):
        return PatternPart(shell, required_suffix=rest)
    return PatternPart(shell, is_glob=True)
