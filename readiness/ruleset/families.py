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
    MAX_RULE_FILE_BYTES,
    RULE_NAME_REGEX,
    RuleError,
    load_rule_file_documents,
    read_rule_file_source,
    rule_error_factory,
    rule_file_display_path,
    verify_entry_count,
    verify_keys_and_shapes,
)
from readiness.syntax.yaml import Map

FAMILIES_FOLDER = "families"  # beside the rule files of a group
FAMILY_KEYS = ("common", "frame", "rules")
FRAME_PLACEHOLDER = "{}"
_EXAMPLE_KEYS = ("bad", "good")
_KEYS_MERGED_WITH_COMMON = ("with", "messages")


def is_family_file(rule_file_path: Path) -> bool:
    """Whether a file of rules is one of a family."""
    return rule_file_path.parent.name == FAMILIES_FOLDER


def key_path_in_rule_file(rule_file_path: Path, rule_name: str) -> tuple[str, ...]:
    """The keys that lead to the words of the rule `rule_name` in its file; none where it has the file for itself."""
    return ("rules", rule_name) if is_family_file(rule_file_path) else ()


def rule_spec_by_name_in_family(family_file_path: Path) -> dict[str, Any]:
    """What a family file says, its examples apart: the words of every rule in it, by name. Raises RuleError."""
    return _merged_rule_spec_by_name(_read_family_file(family_file_path))


def verified_rule_spec_by_name(family_file_path: Path) -> dict[str, Any]:
    """What a family file of somebody's own says, as `rule_spec_by_name_in_family`; each of its words is of the right shape. Raises RuleError."""
    family_file_spec = _read_family_file(family_file_path, MAX_RULE_FILE_BYTES)
    verify_entry_count(family_file_path, family_file_spec)
    common_spec = family_file_spec.get("common") or {}
    verify_keys_and_shapes(common_spec, rule_error_factory(family_file_path, "common"), allow_parts="by" in common_spec)
    for rule_name, row_spec in family_file_spec["rules"].items():
        if not isinstance(rule_name, str) or not RULE_NAME_REGEX.fullmatch(rule_name):
            raise RuleError(
                rule_file_display_path(family_file_path),
                f"rules have names such as image-tag-latest, not {str(rule_name)[:80]!r}",
            )
        verify_keys_and_shapes(
            row_spec,
            rule_error_factory(family_file_path, "rules", rule_name),
            allow_parts="by" in common_spec or "by" in row_spec,
        )
    return _merged_rule_spec_by_name(family_file_spec)


def _merged_rule_spec_by_name(family_file_spec: Map) -> dict[str, Any]:
    common_spec = family_file_spec.get("common") or {}
    return {name: _merge_row_with_common(common_spec, row) for name, row in family_file_spec["rules"].items()}


def _merge_row_with_common(common_spec: Mapping[str, Any], row_spec: Mapping[str, Any]) -> dict[str, Any]:
    """The words of a row with those that all rows share."""
    merged_spec = {**common_spec, **row_spec}
    for merged_key in _KEYS_MERGED_WITH_COMMON:
        if common_spec.get(merged_key) and row_spec.get(merged_key):
            merged_spec[merged_key] = {**common_spec[merged_key], **row_spec[merged_key]}
    return {merged_key: value for merged_key, value in merged_spec.items() if merged_key not in _EXAMPLE_KEYS}


def family_rule_examples(family_file_path: Path, rule_name: str) -> dict[str, Any]:
    """The examples of a rule of the file, each in the frame where the file has one and the example is a text."""
    family_file_spec = _read_family_file(family_file_path)
    frame_spec, row_spec = family_file_spec.get("frame"), family_file_spec["rules"][rule_name]
    examples_by_key = {}
    for example_key in _EXAMPLE_KEYS:
        frame_text = frame_spec.get(example_key) if isinstance(frame_spec, Map) else frame_spec
        examples_by_key[example_key] = [
            fill_frame(str(frame_text), item) if frame_text and isinstance(item, str) else item for item in row_spec.get(example_key) or ()
        ]
    return examples_by_key


def family_row_name(rule_id: str) -> str:
    """The part of an id by which a family file names its rule."""
    return rule_id.partition("/")[2]


def fill_frame(frame: str, text: str) -> str:
    """A frame with a text in place of the line that is its hole, as deep as that stands; carets move along."""
    framed_lines = []
    for line in frame.splitlines(keepends=True):
        if line.strip() == FRAME_PLACEHOLDER:
            indentation = line[: line.index(FRAME_PLACEHOLDER)]
            framed_lines += [f"{indentation}{own}\n" if own.strip() else "\n" for own in text.splitlines()]
        else:
            framed_lines.append(line)
    return "".join(framed_lines)


def _read_family_file(family_file_path: Path, max_bytes: int | None = None) -> Map:
    """The file as YAML. Raises RuleError."""
    source = read_rule_file_source(family_file_path, max_bytes, keep_examples=True)
    documents = load_rule_file_documents(source)
    family_file_spec = documents[0] if len(documents) == 1 else None
    if not isinstance(family_file_spec, Map) or not isinstance(family_file_spec.get("rules"), Map):
        raise RuleError(source.path, "a family file has `rules`; see docs/writing-rules.md")
    for top_level_key in family_file_spec:
        if top_level_key not in FAMILY_KEYS:
            path_and_line = f"{source.path}:{source.position_of(family_file_spec.key_span(top_level_key).start).line}"
            problem = f"no key is called {str(top_level_key)[:80]!r}; allowed are {', '.join(FAMILY_KEYS)}"
            raise RuleError(path_and_line, problem)
    owners_and_keys = [(family_file_spec, "common")] if family_file_spec.get("common") is not None else []
    for owner_map, mapping_key in (
        *owners_and_keys,
        *((family_file_spec["rules"], mapping_key) for mapping_key in family_file_spec["rules"]),
    ):
        if not isinstance(owner_map[mapping_key], Map):
            path_and_line = f"{source.path}:{source.position_of(owner_map.key_span(mapping_key).start).line}"
            raise RuleError(path_and_line, f"{str(mapping_key)[:80]} is a mapping")
    return family_file_spec
