"""The examples of a rule's file: texts with carets under the places that the rule must name."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from readiness.model import Severity, Span
from readiness.ruleset import families
from readiness.ruleset.bound import LoadedRule
from readiness.syntax.yaml import load_all


class Mark(NamedTuple):
    """A place that the rule must name.

    `severity` is given where it is less bad there than the rule's other places, `members` where the tier or the part of
    the rule is to be told, in the order of the file.
    """

    path: str
    span: Span
    severity: Severity | None
    members: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The words behind the carets in an example: severity and members."""
        severity = () if self.severity is None else (str(self.severity),)
        return " ".join((*severity, *self.members))


@dataclass(frozen=True)
class Example:
    """One example of a rule: the files, without caret lines, and what the carets mark."""

    bad: bool
    files: Mapping[str, str]
    marks: tuple[Mark, ...]


_CARETS = re.compile(r"[ ]*\^+(?P<words>(?:[ ]+[\w-]+)*)[ ]*\Z")
_SEVERITIES = {str(one): one for one in Severity}


def examples_of(bound: LoadedRule, default_path: str) -> list[Example]:
    """The examples of a rule's file; a text stands under `default_path`, a mapping gives its own paths."""
    spec = _read(bound)
    examples = []
    for bad in (True, False):
        for item in spec.get("bad" if bad else "good") or ():
            texts = item if isinstance(item, dict) else {default_path: item}
            plain, marks = {}, []
            for path, text in texts.items():
                plain[path], found_marks = strip_carets(path, str(text), bound.rule.members)
                marks += found_marks
            examples.append(Example(bad, plain, tuple(marks)))
    return examples


def _read(bound: LoadedRule) -> Mapping[str, Any]:
    """What holds the examples of a rule: its file, or its row of a family file."""
    if families.is_family(bound.path):
        return families.examples_of(bound.path, bound.rule.id.partition("/")[2])
    spec: Mapping[str, Any] = load_all(bound.path.read_text(encoding="utf-8"))[0]
    return spec


def strip_carets(path: str, text: str, members: Collection[str] = ()) -> tuple[str, list[Mark]]:
    """The text without its caret lines, and what they mark in what is left.

    A line of carets may end in a severity and in some of `members`; with any other word it is a line of the text.
    """
    lines: list[str] = []
    marks: list[Mark] = []
    offset = last = 0
    for line in text.splitlines(keepends=True):
        carets = _CARETS.match(line.rstrip("\n"))
        words = carets["words"].split() if carets else []
        if carets and all(word in _SEVERITIES or word in members for word in words):
            span = Span(last + line.index("^"), last + line.rindex("^") + 1)
            severity = next((_SEVERITIES[word] for word in words if word in _SEVERITIES), None)
            named = tuple(word for word in words if word not in _SEVERITIES)
            marks.append(Mark(path, span, severity, named))
        else:
            lines.append(line)
            last, offset = offset, offset + len(line)
    return "".join(lines), marks
