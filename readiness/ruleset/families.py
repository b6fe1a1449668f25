"""Family files: many rules of one make in one file, what they share once and a row for each.

`common` are words that every row has unless it has its own, `with` and `messages` added up (`null` in a row is for none);
`frame` is the text of every example (or one for the `bad` and one for the `good` ones), with the line `{}` where a row's own
lines go; `rules` maps the name of each rule to its words.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from readiness.ruleset.rule_file import (
    MAX_BYTES,
    RULE_NAME,
    RuleError,
    documents_of,
    error_factory,
    read_without_examples,
    rule_file_path_text,
    verify_entry_count,
    verify_keys,
)
from readiness.syntax.yaml import Map

FAMILIES_FOLDER = "families"  # beside the rule files of a group
FAMILY_KEYS = ("common", "frame", "rules")
FRAME_HOLE = "{}"
_EXAMPLE_KEYS = ("bad", "good")
_MERGED_KEYS = ("with", "messages")


def is_family(path: Path) -> bool:
    """Whether a file of rules is one of a family."""
    return path.parent.name == FAMILIES_FOLDER


def key_path(path: Path, name: str) -> tuple[str, ...]:
    """The keys that lead to the words of the rule `name` in its file; none where it has the file for itself."""
    return ("rules", name) if is_family(path) else ()


def family_spec(path: Path) -> dict[str, Any]:
    """What a family file says, its examples apart: the words of every rule in it, by name. Raises RuleError."""
    return _merge_rows_with_common(_read_family(path))


def verified_family_rule_specs(path: Path) -> dict[str, Any]:
    """What a family file of somebody's own says, as `family_spec`; each of its words is of the right shape. Raises RuleError."""
    spec = _read_family(path, MAX_BYTES)
    verify_entry_count(path, spec)
    common = spec.get("common") or {}
    verify_keys(common, error_factory(path, "common"), allow_parts="by" in common)
    for name, row in spec["rules"].items():
        if not isinstance(name, str) or not RULE_NAME.fullmatch(name):
            raise RuleError(
                rule_file_path_text(path),
                f"rules have names such as image-tag-latest, not {str(name)[:80]!r}",
            )
        verify_keys(row, error_factory(path, "rules", name), allow_parts="by" in common or "by" in row)
    return _merge_rows_with_common(spec)


def _merge_rows_with_common(spec: Map) -> dict[str, Any]:
    common = spec.get("common") or {}
    return {name: _merge_row_with_common(common, row) for name, row in spec["rules"].items()}


def _merge_row_with_common(common: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """The words of a row with those that all rows share."""
    whole = {**common, **row}
    for key in _MERGED_KEYS:
        if common.get(key) and row.get(key):
            whole[key] = {**common[key], **row[key]}
    return {key: value for key, value in whole.items() if key not in _EXAMPLE_KEYS}


def family_rule_examples(path: Path, name: str) -> dict[str, Any]:
    """The examples of a rule of the file, each in the frame where the file has one and the example is a text."""
    spec = _read_family(path)
    given, row = spec.get("frame"), spec["rules"][name]
    examples = {}
    for key in _EXAMPLE_KEYS:
        frame = given.get(key) if isinstance(given, Map) else given
        examples[key] = [
            put_in_frame(str(frame), item) if frame and isinstance(item, str) else item for item in row.get(key) or ()
        ]
    return examples


def row_name(name: str) -> str:
    """The part of an id by which a family file names its rule."""
    return name.partition("/")[2]


def put_in_frame(frame: str, text: str) -> str:
    """A frame with a text in place of the line that is its hole, as deep as that stands; carets move along."""
    lines = []
    for line in frame.splitlines(keepends=True):
        if line.strip() == FRAME_HOLE:
            depth = line[: line.index(FRAME_HOLE)]
            lines += [f"{depth}{own}\n" if own.strip() else "\n" for own in text.splitlines()]
        else:
            lines.append(line)
    return "".join(lines)


def _read_family(path: Path, limit: int | None = None) -> Map:
    """The file as YAML. Raises RuleError."""
    source = read_without_examples(path, limit, with_examples=True)
    documents = documents_of(source)
    spec = documents[0] if len(documents) == 1 else None
    if not isinstance(spec, Map) or not isinstance(spec.get("rules"), Map):
        raise RuleError(source.path, "a family file has `rules`; see docs/writing-rules.md")
    for key in spec:
        if key not in FAMILY_KEYS:
            where = f"{source.path}:{source.position_of(spec.key_span(key).start).line}"
            problem = f"no key is called {str(key)[:80]!r}; allowed are {', '.join(FAMILY_KEYS)}"
            raise RuleError(where, problem)
    mappings = [(spec, "common")] if spec.get("common") is not None else []
    for owner, name in (*mappings, *((spec["rules"], name) for name in spec["rules"])):
        if not isinstance(owner[name], Map):
            where = f"{source.path}:{source.position_of(owner.key_span(name).start).line}"
            raise RuleError(where, f"{str(name)[:80]} is a mapping")
    return spec
