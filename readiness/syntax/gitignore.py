"""`.gitignore` files: which paths their patterns leave out (https://git-scm.com/docs/gitignore#_pattern_format).

Matched part by part between slashes, with a budget: what is meant to say which files to leave alone may not keep the walk from
its end. A line that Git would throw away is thrown away, and the others hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from readiness.model.records import dataclass
from readiness.syntax import glob
from readiness.syntax.glob import WorkBudget

_GLOB_COMPILE_COST = 300  # units that it takes to make an expression
_PATH_MATCH_RANK, _PARENT_MATCH_RANK = 2, 1  # a pattern matches the path, or a folder that it lies in


class BudgetSpentError(Exception):
    """The patterns took more work than they may."""


@dataclass(slots=True, eq=False)
class PatternPart:
    """What a pattern says of one name: a text that it equals, an ending, or a pattern, which is made when it is first asked."""

    text: str
    required_suffix: str | None = None
    is_glob: bool = False
    compiled_regex: re.Pattern[str] | None = None

    def matches(self, path_name: str, budget: WorkBudget) -> bool:
        """Whether it matches a name. Raises SpentError."""
        if self is _ANY_NAME:
            return bool(path_name)
        if self.required_suffix is not None:
            return path_name.endswith(self.required_suffix)
        if not self.is_glob:
            return path_name == self.text
        if self.compiled_regex is None:
            budget.try_spend(_GLOB_COMPILE_COST + len(self.text))
            self.compiled_regex = glob.compile_glob(self.text)
        if not budget.try_spend(glob.max_match_cost(self.text, path_name)):
            raise BudgetSpentError
        return self.compiled_regex.match(path_name) is not None


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
        expected_part_count = 3 if self.only_folders else 2
        if len(self.parts) != expected_part_count or self.parts[0] is not _ANY_FOLDERS or self.unconditional_rank:
            return None
        has_expected_ending = not self.only_folders or self.parts[2] is _ANY_FOLDERS
        return self.parts[1] if has_expected_ending and self.parts[1] is not _ANY_FOLDERS else None

    def match_rank(self, path_names: Sequence[str], budget: WorkBudget) -> int:
        """How the pattern matches a path: 2 the path itself, 1 a folder around it, 0 not at all. Raises SpentError."""
        if self.unconditional_rank:
            return self.unconditional_rank if len(path_names) > 1 or not self.only_folders else 0
        if self.parts[0] is not _ANY_FOLDERS and not self.parts[0].matches(path_names[0], budget):
            return 0
        matched_prefix_lengths = self._matched_prefix_lengths(path_names, budget)
        if self.parts[-1] is _ANY_FOLDERS:
            is_in_folder = any(end < len(path_names) for end in matched_prefix_lengths)
            return 0 if not is_in_folder else _PARENT_MATCH_RANK if self.only_folders else _PATH_MATCH_RANK
        return _PATH_MATCH_RANK if len(path_names) in matched_prefix_lengths else _PARENT_MATCH_RANK if matched_prefix_lengths else 0

    def _matched_prefix_lengths(self, path_names: Sequence[str], budget: WorkBudget) -> set[int]:
        """How many names of a path the parts can take, a last `**` apart."""
        prefix_lengths = {0}
        for part in self.parts[:-1] if self.parts[-1] is _ANY_FOLDERS else self.parts:
            if part is _ANY_FOLDERS:
                prefix_lengths = set(range(min(prefix_lengths), len(path_names)))
            else:
                prefix_lengths = {at + 1 for at in prefix_lengths if at < len(path_names) and part.matches(path_names[at], budget)}
            if not prefix_lengths:
                break
            if not budget.try_spend(len(prefix_lengths)):
                raise BudgetSpentError
        return prefix_lengths


class IgnorePatterns:
    """The patterns of a file. Most speak of one name wherever it is: what they say of a name is worked out once."""

    def __init__(self, ignore_file_lines: Iterable[str]) -> None:
        self.lines = tuple(ignore_file_lines)
        self._names: dict[str, list[IgnorePattern]] = {}
        self._endings: list[tuple[str, IgnorePattern]] = []
        self._globs: list[tuple[PatternPart, IgnorePattern]] = []
        self._others: list[IgnorePattern] = []
        for pattern in parse_ignore_patterns(self.lines):
            name_part = pattern.name_anywhere
            if name_part is None:
                self._others.append(pattern)
            elif name_part.required_suffix is not None:
                self._endings.append((name_part.required_suffix, pattern))
            elif name_part.is_glob:
                self._globs.append((name_part, pattern))
            else:
                self._names.setdefault(name_part.text, []).append(pattern)
        self._others.reverse()
        self._ends = tuple(ending for ending, _ in self._endings)
        self._told: dict[str, tuple[IgnorePattern, ...]] = {}

    def is_ignored(self, path: str, budget: WorkBudget) -> bool:
        """Whether a path relative to the file's folder is left out; a folder's ends in a slash. Raises SpentError.

        The last pattern that matches the path itself decides; where none does, the last that matches a folder around it.
        """
        path_names = path.split("/")
        last_path_match: IgnorePattern | None = None
        last_parent_match: IgnorePattern | None = None
        last_index = len(path_names) - 1
        for name_index, path_name in enumerate(path_names):
            for pattern in self._patterns_matching_name(path_name, budget):
                if name_index < last_index:
                    last_parent_match = _pattern_on_later_line(last_parent_match, pattern)
                elif not pattern.only_folders:
                    last_path_match = _pattern_on_later_line(last_path_match, pattern)
        for pattern in self._others:
            if last_path_match is not None and last_path_match.line_order > pattern.line_order:
                break
            if not budget.try_spend():
                raise BudgetSpentError
            match_rank = pattern.match_rank(path_names, budget)
            if match_rank == _PATH_MATCH_RANK:
                last_path_match = _pattern_on_later_line(last_path_match, pattern)
            elif match_rank == _PARENT_MATCH_RANK:
                last_parent_match = _pattern_on_later_line(last_parent_match, pattern)
        deciding_pattern = last_path_match or last_parent_match
        return deciding_pattern is not None and deciding_pattern.ignores

    def _patterns_matching_name(self, path_name: str, budget: WorkBudget) -> tuple[IgnorePattern, ...]:
        """The patterns that match a name, of those that speak of names anywhere. Raises SpentError."""
        matching_patterns = self._told.get(path_name)
        if matching_patterns is None:
            found_patterns = list(self._names.get(path_name, ()))
            if path_name.endswith(self._ends):
                found_patterns += [pattern for name_suffix, pattern in self._endings if path_name.endswith(name_suffix)]
            found_patterns += [pattern for glob_part, pattern in self._globs if glob_part.matches(path_name, budget)]
            if not budget.try_spend(1 + len(self._ends) // 16):
                raise BudgetSpentError
            if len(self._told) >= _MAX_CACHED_NAMES_PER_FILE:
                self._told.clear()
            matching_patterns = self._told[path_name] = tuple(found_patterns)
        return matching_patterns


_MAX_CACHED_NAMES_PER_FILE = 20_000  # names


def _pattern_on_later_line(pattern: IgnorePattern | None, other_pattern: IgnorePattern) -> IgnorePattern:
    return other_pattern if pattern is None or other_pattern.line_order > pattern.line_order else pattern


def parse_ignore_patterns(lines: Iterable[str]) -> Iterator[IgnorePattern]:
    """The patterns of the lines, without blanks, comments and what is none."""
    for line_index, line in enumerate(lines):
        pattern_text = line if line.endswith("\\ ") else line.rstrip()
        if not pattern_text or pattern_text.startswith("#") or pattern_text == "/":
            continue
        name_patterns = pattern_text.removeprefix("!").split("/")
        is_folder_pattern = not name_patterns[-1]
        pattern_parts = _parse_pattern_parts(name_patterns)
        if pattern_parts:
            rank_and_folder_scope = _unconditional_rank_and_scope(pattern_parts, is_folder_pattern)
            yield IgnorePattern(
                line_index,
                not pattern_text.startswith("!"),
                pattern_parts,
                is_folder_pattern or rank_and_folder_scope[1],
                rank_and_folder_scope[0],
            )


def _parse_pattern_parts(name_patterns: list[str]) -> tuple[PatternPart, ...]:
    """The parts of a pattern: from any folder on where it names none, and with all that is in a folder it names."""
    if not name_patterns[0]:
        name_patterns = name_patterns[1:]
    elif len(name_patterns) == 1 or (len(name_patterns) == 2 and not name_patterns[1]):
        name_patterns = name_patterns if name_patterns[0] == "**" else ["**", *name_patterns]
    if name_patterns and not name_patterns[-1]:
        name_patterns = [*name_patterns[:-1], "**"]
    pattern_parts: list[PatternPart] = []
    for name_pattern in name_patterns:
        part = _ANY_FOLDERS if name_pattern == "**" else parse_pattern_part(name_pattern)
        if part is None:
            return ()
        if part is not _ANY_FOLDERS or pattern_parts[-1:] != [_ANY_FOLDERS]:
            pattern_parts.append(part)
    return tuple(pattern_parts)


def _unconditional_rank_and_scope(pattern_parts: tuple[PatternPart, ...], is_folder_pattern: bool) -> tuple[int, bool]:
    """What a pattern of stars alone says of every path, and whether only of those in a folder; 0 for other patterns."""
    star_parts = ["**" if part is _ANY_FOLDERS else "*" if part is _ANY_NAME else "" for part in pattern_parts]
    if star_parts in (["**"], ["**", "*", "**"]):
        is_only_in_folder = is_folder_pattern or len(star_parts) == 3
        return (_PARENT_MATCH_RANK if is_folder_pattern else _PATH_MATCH_RANK), is_only_in_folder
    return (_PATH_MATCH_RANK, False) if star_parts == ["**", "*"] else (0, False)


def parse_pattern_part(name_pattern: str) -> PatternPart | None:
    """The part that a pattern between two slashes makes; None where it is broken: an open bracket, a backslash at its end."""
    if name_pattern == "*":
        return _ANY_NAME
    shell_glob, offset = "", 0
    while offset < len(name_pattern):
        char = name_pattern[offset]
        offset += 1
        if char == "\\":
            if offset == len(name_pattern):
                return None
            shell_glob += f"[{name_pattern[offset]}]" if name_pattern[offset] in "*?[" else name_pattern[offset]
            offset += 1
        elif char == "[":
            is_negated = name_pattern[offset : offset + 1] in ("!", "^")
            class_start = offset + is_negated
            class_end = name_pattern.find("]", class_start + 1)
            if class_end < 0:
                return None
            shell_glob += f"[{'!' if is_negated else ''}{name_pattern[class_start:class_end]}]"
            offset = class_end + 1
        else:
            shell_glob += char
    if len(name_pattern) > glob.MAX_PATTERN_OR_PATH_LENGTH or not set(shell_glob) & set("*?["):
        return PatternPart(shell_glob)
    glob_after_first_character = shell_glob[1:]
    if shell_glob[0] == "*" and not set(glob_after_first_character) & set("*?["):
        return PatternPart(shell_glob, required_suffix=glob_after_first_character)
    return PatternPart(shell_glob, is_glob=True)
