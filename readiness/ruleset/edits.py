"""`edit` in a rule file: the place that the fix is written at, so that what one edit mends is told together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from readiness.kinds import kind_of_target
from readiness.model import EDIT_PLACES, RuleEdit, join_names

if TYPE_CHECKING:
    from readiness.ruleset.rule_file import RuleErrorFactory

_MAX_NAME_LENGTH = 40  # of the place: it stands in headings
EDIT_SHAPE_TEXT = (
    "a name such as `securityContext`, or {at: NAME, in: PLACE, write: WHAT}, of which `at` is needed;"
    f" NAME has at most {_MAX_NAME_LENGTH} characters, PLACE is one of {', '.join(EDIT_PLACES)}, WHAT a mapping or lines of text"
)
_EDIT_KEYS = frozenset({"at", "in", "write"})
_KINDS_OF_YAML = frozenset({"compose", "dependabot", "github", "gitlab", "k8s"})
_MAX_WRITTEN_ENTRIES = 40  # of what to write, and the lines of a text
_MAX_WRITTEN_DEPTH = 6
_MAX_SCALAR_LENGTH = 200


def make_rule_edit(rule_or_tier_spec: Mapping[str, Any], make_error: RuleErrorFactory, *tier_key_path: str) -> RuleEdit | None:
    """What stands under `edit`; None where there is nothing. Raises what `make_error` makes: what is written fits the file that the rule is about."""
    edit_spec = rule_or_tier_spec.get("edit")
    if edit_spec is None:
        return None
    if not is_edit_shape(edit_spec):
        raise make_error(f"edit must be {EDIT_SHAPE_TEXT}", *tier_key_path, "edit")
    if isinstance(edit_spec, str):
        return RuleEdit(edit_spec.strip())
    written = edit_spec.get("write", "")
    if problem_text := _problem_of_written(written, _file_kinds_of_targets(rule_or_tier_spec.get("target"))):
        raise make_error(problem_text, *tier_key_path, "edit")
    return RuleEdit(edit_spec["at"].strip(), edit_spec.get("in", EDIT_PLACES[0]), _plain_value(written))


def _file_kinds_of_targets(target_spec: Any) -> frozenset[str]:
    """The kinds of file of which a rule judges something."""
    targets = [target_spec] if isinstance(target_spec, str) else target_spec if isinstance(target_spec, list) else []
    return frozenset(kind_of_target(one) for one in targets if isinstance(one, str))


def _problem_of_written(written: Any, file_kinds: frozenset[str]) -> str:
    """Why that cannot be written into files of these kinds; empty where it fits: keys into YAML, lines into everything else."""
    if not written:
        return ""
    kinds_of_lines, kinds_of_yaml = sorted(file_kinds - _KINDS_OF_YAML), sorted(file_kinds & _KINDS_OF_YAML)
    if isinstance(written, dict) and kinds_of_lines:
        return f"edit: `write` is lines of text in a rule on {join_names(kinds_of_lines)}, which is no YAML; write them, or leave `write` out"
    if isinstance(written, str) and kinds_of_yaml:
        return f"edit: `write` is a mapping in a rule on {join_names(kinds_of_yaml)}, such as {{KEY: VALUE}}; write one, or leave `write` out"
    return ""


def is_edit_shape(value: Any) -> bool:
    """Whether a value under `edit` is one that can be used: small, and of printable characters."""
    if not isinstance(value, dict):
        return _is_place_name(value)
    written = value.get("write", "")
    return (
        value.keys() <= _EDIT_KEYS
        and _is_place_name(value.get("at"))
        and value.get("in", EDIT_PLACES[0]) in EDIT_PLACES
        and (_are_written_lines(written) if isinstance(written, str) else isinstance(written, dict) and bool(written) and _is_small_tree(written))
    )


def _is_place_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value.isprintable() and len(value) <= _MAX_NAME_LENGTH


def _are_written_lines(text: str) -> bool:
    text_lines = text.splitlines()
    return len(text_lines) <= _MAX_WRITTEN_ENTRIES and all(one.isprintable() and len(one) <= _MAX_SCALAR_LENGTH for one in text_lines)


def _is_small_tree(value: Any) -> bool:
    """Whether a value is nothing but mappings, lists and scalars of bounded size."""
    remaining_entries = _MAX_WRITTEN_ENTRIES
    unvisited_values: list[tuple[Any, int]] = [(value, 0)]
    while unvisited_values:
        entry, depth = unvisited_values.pop()
        remaining_entries -= 1
        if remaining_entries < 0 or depth > _MAX_WRITTEN_DEPTH:
            return False
        if isinstance(entry, dict):
            if not all(isinstance(key, str) and key.isprintable() and len(key) <= _MAX_SCALAR_LENGTH for key in entry):
                return False
            unvisited_values += ((one, depth + 1) for one in entry.values())
        elif isinstance(entry, list):
            unvisited_values += ((one, depth + 1) for one in entry)
        elif not (isinstance(entry, int | float) or (isinstance(entry, str) and entry.isprintable() and len(entry) <= _MAX_SCALAR_LENGTH)):
            return False
    return True


def _plain_value(value: Any) -> Any:
    """Mappings and lists of the YAML reader as plain ones; texts without the line break at their end."""
    if isinstance(value, dict):
        return {str(key): _plain_value(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_plain_value(entry) for entry in value]
    return value.rstrip("\n") if isinstance(value, str) else value
