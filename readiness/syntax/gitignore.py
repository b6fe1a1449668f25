"""`.gitignore` files: which paths their patterns leave out (https://git-scm.com/docs/gitignore#_pattern_format).

Matched part by part between slashes, with a budget: what is meant to say which files to leave alone may not keep the walk from
its end. A line that Git would throw away is thrown away, and the others hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from readiness.syntax import glob
from readiness.syntax.glob import Budget

_MAKING = 300  # units that it takes to make an expression
_WHOLE, _ABOVE = 2, 1  # a pattern matches the path, or a folder that it lies in


class SpentError(Exception):
    """The patterns took more work than they may."""


@dataclass(slots=True, eq=False)
class Part:
    """What a pattern says of one name: a text that it equals, an ending, or a pattern, which is made when it is first asked."""

    text: str
    ending: str | None = None
    pattern: bool = False
    made: re.Pattern[str] | None = None

    def matches(self, name: str, budget: Budget) -> bool:
        """Whether it matches a name. Raises SpentError."""
        if self is _STAR:
            return bool(name)
        if self.ending is not None:
            return name.endswith(self.ending)
        if not self.pattern:
            return name == self.text
        if self.made is None:
            budget.spend(_MAKING + len(self.text))
            self.made = glob.compiled_glob(self.text)
        if not budget.spend(glob.match_cost(self.text, name)):
            raise SpentError
        return self.made.match(name) is not None


_ANY = Part("**")  # any number of folders
_STAR = Part("*", pattern=True)  # any name


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line: its number, whether it leaves out or takes back in, its parts; `always` is what it says of any path.

    `folder` says that it means folders only.
    """

    number: int
    ignores: bool
    parts: tuple[Part, ...]
    folder: bool
    always: int = 0

    @property
    def name_anywhere(self) -> Part | None:
        """The one part of a pattern that speaks of a name wherever it is; None for others."""
        count = 3 if self.folder else 2
        if len(self.parts) != count or self.parts[0] is not _ANY or self.always:
            return None
        ends = not self.folder or self.parts[2] is _ANY
        return self.parts[1] if ends and self.parts[1] is not _ANY else None

    def rank(self, names: Sequence[str], budget: Budget) -> int:
        """How the pattern matches a path: 2 the path itself, 1 a folder around it, 0 not at all. Raises SpentError."""
        if self.always:
            return self.always if len(names) > 1 or not self.folder else 0
        if self.parts[0] is not _ANY and not self.parts[0].matches(names[0], budget):
            return 0
        ends = self._ends(names, budget)
        if self.parts[-1] is _ANY:
            is_in_folder = any(end < len(names) for end in ends)
            return 0 if not is_in_folder else _ABOVE if self.folder else _WHOLE
        return _WHOLE if len(names) in ends else _ABOVE if ends else 0

    def _ends(self, names: Sequence[str], budget: Budget) -> set[int]:
        """How many names of a path the parts can take, a last `**` apart."""
        reached = {0}
        for part in self.parts[:-1] if self.parts[-1] is _ANY else self.parts:
            if part is _ANY:
                reached = set(range(min(reached), len(names)))
            else:
                reached = {
                    at + 1 for at in reached if at < len(names) and part.matches(names[at], budget)
                }
            if not reached:
                break
            if not budget.spend(len(reached)):
                raise SpentError
        return reached


class Ignored:
    """The patterns of a file. Most speak of one name wherever it is: what they say of a name is worked out once."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)
        self._names: dict[str, list[Pattern]] = {}
        self._endings: list[tuple[str, Pattern]] = []
        self._globs: list[tuple[Part, Pattern]] = []
        self._others: list[Pattern] = []
        for pattern in parse_patterns(self.lines):
            part = pattern.name_anywhere
            if part is None:
                self._others.append(pattern)
            elif part.ending is not None:
                self._endings.append((part.ending, pattern))
            elif part.pattern:
                self._globs.append((part, pattern))
            else:
                self._names.setdefault(part.text, []).append(pattern)
        self._others.reverse()
        self._ends = tuple(ending for ending, _ in self._endings)
        self._told: dict[str, tuple[Pattern, ...]] = {}

    def match(self, path: str, budget: Budget) -> bool:
        """Whether a path relative to the file's folder is left out; a folder's ends in a slash. Raises SpentError.

        The last pattern that matches the path itself decides; where none does, the last that matches a folder around it.
        """
        names = path.split("/")
        whole: Pattern | None = None
        above: Pattern | None = None
        last = len(names) - 1
        for at, name in enumerate(names):
            for pattern in self._of(name, budget):
                if at < last:
                    above = _later_pattern(above, pattern)
                elif not pattern.folder:
                    whole = _later_pattern(whole, pattern)
        for pattern in self._others:
            if whole is not None and whole.number > pattern.number:
                break
            if not budget.spend():
                raise SpentError
            rank = pattern.rank(names, budget)
            if rank == _WHOLE:
                whole = _later_pattern(whole, pattern)
            elif rank == _ABOVE:
                above = _later_pattern(above, pattern)
        winner = whole or above
        return winner is not None and winner.ignores

    def _of(self, name: str, budget: Budget) -> tuple[Pattern, ...]:
        """The patterns that match a name, of those that speak of names anywhere. Raises SpentError."""
        known = self._told.get(name)
        if known is None:
            patterns = list(self._names.get(name, ()))
            if name.endswith(self._ends):
                patterns += [pattern for ending, pattern in self._endings if name.endswith(ending)]
            patterns += [pattern for part, pattern in self._globs if part.matches(name, budget)]
            if not budget.spend(1 + len(self._ends) // 16):
                raise SpentError
            if len(self._told) >= _REMEMBERED:
                self._told.clear()
            known = self._told[name] = tuple(patterns)
        return known


_REMEMBERED = 20_000  # names


def _later_pattern(pattern: Pattern | None, other: Pattern) -> Pattern:
    return other if pattern is None or other.number > pattern.number else pattern


def parse_patterns(lines: Iterable[str]) -> Iterator[Pattern]:
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
            yield Pattern(number, not text.startswith("!"), parts, folder or always[1], always[0])


def _pattern_parts(names: list[str]) -> tuple[Part, ...]:
    """The parts of a pattern: from any folder on where it names none, and with all that is in a folder it names."""
    if not names[0]:
        names = names[1:]
    elif len(names) == 1 or (len(names) == 2 and not names[1]):
        names = names if names[0] == "**" else ["**", *names]
    if names and not names[-1]:
        names = [*names[:-1], "**"]
    parts: list[Part] = []
    for name in names:
        part = _ANY if name == "**" else part_of(name)
        if part is None:
            return ()
        if part is not _ANY or parts[-1:] != [_ANY]:
            parts.append(part)
    return tuple(parts)


def _verdict_on_all(parts: tuple[Part, ...], folder: bool) -> tuple[int, bool]:
    """What a pattern of stars alone says of every path, and whether only of those in a folder; 0 for other patterns."""
    stars = ["**" if part is _ANY else "*" if part is _STAR else "" for part in parts]
    if stars in (["**"], ["**", "*", "**"]):
        inside = folder or len(stars) == 3
        return (_ABOVE if folder else _WHOLE), inside
    return (_WHOLE, False) if stars == ["**", "*"] else (0, False)


def part_of(name: str) -> Part | None:
    """The part that a pattern between two slashes makes; None where it is broken: an open bracket, a backslash at its end."""
    if name == "*":
        return _STAR
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
    if len(name) > glob.LONGEST or not set(shell) & set("*?["):
        return Part(shell)
    rest = shell[1:]
    if shell[0] == "*" and not set(rest) & set("*?["):
        return Part(shell, ending=rest)
    return Part(shell, pattern=True)
