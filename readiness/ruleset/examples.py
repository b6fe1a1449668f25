"""The examples of a rule's file: texts with carets under the places that the rule must name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from readiness import files
from readiness.model import Severity, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
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
        severity_words = () if self.severity is None else (str(self.severity),)
        return " ".join((*severity_words, *self.tiers_and_parts))


@dataclass(frozen=True)
class Example:
    """One example of a rule: the files, without caret lines, and what the carets mark."""

    is_bad: bool
    files: Mapping[str, str]
    marks: tuple[CaretMark, ...]


_CARET_LINE = lazy_regex(r"[ ]*\^+(?P<words>(?:[ ]+[\w-]+)*)[ ]*\Z")
_SEVERITY_BY_CARET_WORD = {str(one): one for one in Severity}


def rule_examples(loaded_rule: LoadedRule, default_path: str) -> list[Example]:
    """The examples of a rule's file; a text stands under `default_path`, a mapping gives its own paths."""
    examples_spec = _read_rule_examples_spec(loaded_rule)
    examples = []
    for is_bad in (True, False):
        for example_spec in examples_spec.get("bad" if is_bad else "good") or ():
            marked_text_by_path = example_spec if isinstance(example_spec, dict) else {default_path: example_spec}
            unmarked_text_by_path, caret_marks = {}, []
            for path, text in marked_text_by_path.items():
                unmarked_text_by_path[path], marks_in_file = strip_caret_lines(path, str(text), loaded_rule.rule.tiers_and_parts)
                caret_marks += marks_in_file
            examples.append(Example(is_bad, unmarked_text_by_path, tuple(caret_marks)))
    return examples


def _read_rule_examples_spec(loaded_rule: LoadedRule) -> Mapping[str, Any]:
    """What holds the examples of a rule: its file, or its row of a family file."""
    if families.is_family_file(loaded_rule.path):
        return families.family_rule_examples(loaded_rule.path, loaded_rule.rule.id.partition("/")[2])
    examples_spec: Mapping[str, Any] = load_yaml_documents(files.read_regular_file(loaded_rule.path, files.MAX_JUDGED_FILE_BYTES).decode("utf-8"))[0]
    return examples_spec


def strip_caret_lines(path: str, marked_text: str, member_names: Collection[str] = ()) -> tuple[str, list[CaretMark]]:
    """The text without its caret lines, and what they mark in what is left.

    A line of carets may end in a severity and in some of `member_names`; with any other word it is a line of the text.
    """
    unmarked_lines: list[str] = []
    caret_marks: list[CaretMark] = []
    unmarked_length = last_line_start = 0
    for line in marked_text.splitlines(keepends=True):
        caret_line_match = _CARET_LINE.match(line.rstrip("\n"))
        caret_words = caret_line_match["words"].split() if caret_line_match else []
        if caret_line_match and all(word in _SEVERITY_BY_CARET_WORD or word in member_names for word in caret_words):
            marked_span = Span(last_line_start + line.index("^"), last_line_start + line.rindex("^") + 1)
            severity = next((_SEVERITY_BY_CARET_WORD[word] for word in caret_words if word in _SEVERITY_BY_CARET_WORD), None)
            marked_members = tuple(word for word in caret_words if word not in _SEVERITY_BY_CARET_WORD)
            caret_marks.append(CaretMark(path, marked_span, severity, marked_members))
        else:
            unmarked_lines.append(line)
            last_line_start, unmarked_length = unmarked_length, unmarked_length + len(line)
    return "".join(unmarked_lines), caret_marks
