"""The examples of a rule's file: texts with carets under the places that the rule must name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from readiness.model import Span
from readiness.ruleset.rules import Bound
from readiness.syntax.yaml import load_all


@dataclass(frozen=True)
class Example:
    """One example of a rule: the files, without caret lines, and the (path, span) pairs that the carets mark."""

    bad: bool
    files: Mapping[str, str]
    marks: tuple[tuple[str, Span], ...]


_CARETS = re.compile(r"[ ]*\^+[ ]*\Z")


def of(bound: Bound, default_path: str) -> list[Example]:
    """The examples of a rule's file; a text stands under `default_path`, a mapping gives its own paths."""
    spec = load_all(bound.path.read_text(encoding="utf-8"))[0]
    found = []
    for bad in (True, False):
        for item in spec.get("bad" if bad else "good") or ():
            texts = item if isinstance(item, dict) else {default_path: item}
            plain, marks = {}, []
            for path, text in texts.items():
                plain[path], spans = uncaret(str(text))
                marks += [(path, span) for span in spans]
            found.append(Example(bad, plain, tuple(marks)))
    return found


def uncaret(text: str) -> tuple[str, list[Span]]:
    """The text without its caret lines, and the spans that they mark in what is left."""
    lines: list[str] = []
    spans: list[Span] = []
    offset = last = 0
    for line in text.splitlines(keepends=True):
        if _CARETS.match(line.rstrip("\n")):
            spans.append(Span(last + line.index("^"), last + line.rindex("^") + 1))
        else:
            lines.append(line)
            last, offset = offset, offset + len(line)
    return "".join(lines), spans
