"""The examples of a rule's file: texts with carets under the places that the rule must name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from readiness.model import Severity, Span
from readiness.rules import Bound
from readiness.syntax.yaml import load_all


class Mark(NamedTuple):
    """A place that the rule must name; `severity` where it is less bad there than the rule's other places."""

    path: str
    span: Span
    severity: Severity | None


@dataclass(frozen=True)
class Example:
    """One example of a rule: the files, without caret lines, and what the carets mark."""

    bad: bool
    files: Mapping[str, str]
    marks: tuple[Mark, ...]


_CARETS = re.compile(rf"[ ]*\^+[ ]*(?P<severity>{'|'.join(map(str, Severity))})?\Z")


def of(bound: Bound, default_path: str) -> list[Example]:
    """The examples of a rule's file; a text stands under `default_path`, a mapping gives its own paths."""
    spec = load_all(bound.path.read_text(encoding="utf-8"))[0]
    found = []
    for bad in (True, False):
        for item in spec.get("bad" if bad else "good") or ():
            texts = item if isinstance(item, dict) else {default_path: item}
            plain, marks = {}, []
            for path, text in texts.items():
                plain[path], found_marks = uncaret(path, str(text))
                marks += found_marks
            found.append(Example(bad, plain, tuple(marks)))
    return found


def uncaret(path: str, text: str) -> tuple[str, list[Mark]]:
    """The text without its caret lines, and what they mark in what is left."""
    lines: list[str] = []
    marks: list[Mark] = []
    offset = last = 0
    for line in text.splitlines(keepends=True):
        carets = _CARETS.match(line.rstrip("\n"))
        if carets:
            span = Span(last + line.index("^"), last + line.rindex("^") + 1)
            word = carets["severity"]
            marks.append(Mark(path, span, Severity[word.upper()] if word else None))
        else:
            lines.append(line)
            last, offset = offset, offset + len(line)
    return "".join(lines), marks
