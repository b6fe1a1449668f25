"""The examples of a rule's file: texts with carets under the places that the rule must name."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from readiness.model import Severity, Span
from readiness.ruleset import families
from readiness.ruleset.bound import LoadedRule
from readiness.syntax.yaml import load_yaml_documents


class CaretMark(NamedTuple):
    """A place that the rule must name.

    `severity` is given where it is less bad there than the rule's other places, `tiers_and_parts` where the tier or the part of
    the rule is to be told, in the order of the file.
    """

    path: str
    span: Span
    severity: Severity | None
    tiers_and_parts: tuple[str, ...] = ()

    @property
    def severity_and_members(self) -> str:
        """The words behind the carets in an example: severity and members."""
        severity = () if self.severity is None else (str(self.severity),)
        return " ".join((*severity, *self.tiers_and_parts))


@dataclass(frozen=True)
class Example:
    """One example of a rule: the files, without caret lines, and what the carets mark."""

    is_bad: bool
    files: Mapping[str, str]
    marks: tuple[CaretMark, ...]


_CARET_LINE = re.compile(r"[ ]*\^+(?P<words>(?:[ ]+[\w-]+)*)[ ]*\Z")
_SEVERITY_BY_NAME = {str(one): one for one in Severity}


def rule_examples(loaded_rule: LoadedRule, default_path: str) -> list[Example]:
    """The examples of a rule's file; a text stands under `default_path`, a mapping gives its own paths."""
    spec = _read_examples(loaded_rule)
    examples = []
    for bad in (True, False):
        for item in spec.get("bad" if bad else "good") or ():
            texts = item if isinstance(item, dict) else {default_path: item}
            plain, marks = {}, []
            for path, text in texts.items():
                plain[path], found_marks = strip_carets(path, str(text), loaded_rule.rule.tiers_and_parts)
                marks += found_marks
            examples.append(Example(bad, plain, tuple(marks)))
    return examples


def _read_examples(loaded_rule: LoadedRule) -> Mapping[str, Any]:
    """What holds the examples of a rule: its file, or its row of a family file."""
    if families.is_family(loaded_rule.path):
        return families.family_rule_examples(loaded_rule.path, loaded_rule.rule.id.partition("/")[2])
    spec: Mapping[str, Any] = load_yaml_documents(loaded_rule.path.read_text(encoding="utf-8"))[0]
    return spec


def strip_carets(path: str, text: str, members: Collection[str] = ()) -> tuple[str, list[CaretMark]]:
    """The text without its caret lines, and what they mark in what is left.

    A line of carets may end in a severity and in some of `members`; with any other word it is a line of the text.
    """
    lines: list[str] = []
    marks: list[CaretMark] = []
    offset = last = 0
    for line in text.splitlines(keepends=True):
        carets = _CARET_LINE.match(line.rstrip("\n"))
        words = carets["words"].split() if carets else []
        if carets and all(word in _SEVERITY_BY_NAME or word in members for word in words):
            span = Span(last + line.index("^"), last + line.rindex("^") + 1)
            severity = next((_SEVERITY_BY_NAME[word] for word in words if word in _SEVERITY_BY_NAME), None)
            named = tuple(word for word in words if word not in _SEVERITY_BY_NAME)
            marks.append(CaretMark(path, span, severity, named))
        else:
            lines.append(line)
            last, offset = offset, offset + len(line)
    return "".join(lines), marks
