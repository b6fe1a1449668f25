"""Family files: many rules of one make in one file, what they share once and a row for each.

`common` are words that every row has unless it has its own, `with` added up; `frame` is the text of every example (or one
for the `bad` and one for the `good` ones), with the line `{}` where a row's own lines go; `rules` maps the name of each
rule to its words.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from readiness.model import Source
from readiness.ruleset.bound import RuleError
from readiness.syntax.yaml import Map, load_all

FOLDER = "families"  # beside the rule files of a group
KEYS = ("common", "frame", "rules")
HOLE = "{}"
_EXAMPLES = ("bad", "good")


def is_family(path: Path) -> bool:
    """Whether a file of rules is one of a family."""
    return path.parent.name == FOLDER


def spec_of(path: Path) -> dict[str, Any]:
    """What a family file says, its examples apart: the words of every rule in it, by name. Raises RuleError."""
    spec = _read(path)
    common = spec.get("common") or {}
    return {name: _whole(common, row) for name, row in spec["rules"].items()}


def _whole(common: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """The words of a row with those that all rows share."""
    whole = {**common, **row}
    if "with" in common and "with" in row:
        whole["with"] = {**common["with"], **row["with"]}
    return {key: value for key, value in whole.items() if key not in _EXAMPLES}


def examples_of(path: Path, name: str) -> dict[str, Any]:
    """The examples of a rule of the file, each in the frame where the file has one and the example is a text."""
    spec = _read(path)
    given, row = spec.get("frame"), spec["rules"][name]
    made = {}
    for key in _EXAMPLES:
        frame = given.get(key) if isinstance(given, Map) else given
        made[key] = [
            framed(str(frame), item) if frame and isinstance(item, str) else item
            for item in row.get(key) or ()
        ]
    return made


def framed(frame: str, text: str) -> str:
    """A frame with a text in place of the line that is its hole, as deep as that stands; carets move along."""
    lines = []
    for line in frame.splitlines(keepends=True):
        if line.strip() == HOLE:
            depth = line[: line.index(HOLE)]
            lines += [f"{depth}{own}\n" if own.strip() else "\n" for own in text.splitlines()]
        else:
            lines.append(line)
    return "".join(lines)


def _read(path: Path) -> Map:
    """The file as YAML. Raises RuleError."""
    source = Source(path.name, path.read_text(encoding="utf-8"))
    documents = load_all(source.text)
    spec = documents[0] if len(documents) == 1 else None
    if not isinstance(spec, Map) or not isinstance(spec.get("rules"), Map):
        raise RuleError(path.name, "a family file has `rules`; see docs/writing-rules.md")
    for key in spec:
        if key not in KEYS:
            where = f"{path.name}:{source.position(spec.key(key).start).line}"
            raise RuleError(where, f"no key is called {key!r}; allowed are {', '.join(KEYS)}")
    for name, row in spec["rules"].items():
        if not isinstance(row, Map):
            where = f"{path.name}:{source.position(spec['rules'].key(name).start).line}"
            raise RuleError(where, f"{name} is a mapping")
    return spec
