"""The text of a rule file: read within bounds, its words of the right shapes, its mistakes at their places.

A rule file may come with the tree that is judged, so nothing in it is trusted: not its size, not its names, not its prose.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from readiness import files
from readiness.kinds import KINDS_BY_PRECEDENCE
from readiness.model import ParseError, Source
from readiness.model.lazy_regex import lazy_regex
from readiness.model.package import PACKAGE_FOLDER
from readiness.ruleset import edits
from readiness.syntax.nodes import has_more_entries
from readiness.syntax.yaml import Map, load_yaml_documents

MAX_RULE_FILE_BYTES = 64 * 1024  # of a file of somebody's own
MAX_RULE_FILE_ENTRIES = 5000  # of a file without its examples; what an alias stands for counts each time
RULE_KEYS_IN_ORDER = (
    "title severity confidence category hides level opinion target asks when beside by require forbid check with message"
    " messages why fix edit limits links same-as checklist proves proof tiers bad good"
).split()  # the order in which the fields of our own files stand
RULE_KEYS = frozenset(RULE_KEYS_IN_ORDER)
TIER_KEYS = frozenset("severity level opinion target when require forbid check with message messages why fix edit same-as checklist proves".split())
MAX_TIERS_PER_RULE = 12  # of a rule: each is judged by itself
MAX_PARTS_PER_RULE = 100
_EXAMPLES_START = lazy_regex(r"^(?:bad|good):", re.MULTILINE)
RULE_NAME_REGEX = lazy_regex(r"[a-z0-9]+(?:-[a-z0-9]+)*")  # of a rule, in its group
_HTTPS_URL = lazy_regex(r"https?://[!-~]{1,500}")


class RuleError(Exception):
    """A rule file that cannot be used: `where` names the file and the line, `message` what to change."""

    def __init__(self, file_and_line: str, message: str) -> None:
        super().__init__(f"{file_and_line}: {message}")
        self.where = file_and_line
        self.message = message


RuleErrorFactory = Callable[..., RuleError]
"""(what is wrong, *keys that lead to the place) to the error that says so at the line."""


def rule_file_display_path(rule_file_path: Path) -> str:
    """A rule file as errors name it: as it was given, from the working directory where it lies below it.

    One of ours, which nobody gave, has its group and its name.
    """
    working_directory = Path.cwd()
    if working_directory in rule_file_path.parents:
        return rule_file_path.relative_to(working_directory).as_posix()
    if not any(map(rule_file_path.is_relative_to, (PACKAGE_FOLDER / "_rules", PACKAGE_FOLDER.parent / "rules"))):
        return rule_file_path.as_posix()
    return "/".join(rule_file_path.parts[-3:] if rule_file_path.parent.name == "families" else rule_file_path.parts[-2:])


def rule_error_factory(rule_file_path: Path, *key_path: str, tier_name: str = "") -> RuleErrorFactory:
    """What makes errors about a file, or about what stands in it at the end of `key_path_in_rule_file`.

    Where a tier is named, a key of the tier's own stands there, any other in the rule.
    """

    def make_error(problem_text: str, *key_names: str) -> RuleError:
        source = read_rule_file_source(rule_file_path, keep_examples=bool(key_path))
        node: Any = load_yaml_documents(source.text)[0]
        key_span = node.at()
        for key_name in key_path:
            if isinstance(node, Map):
                key_span, node = node.key_span(key_name), node.get(key_name)
        if tier_name and key_names and isinstance(node, Map) and isinstance(node.get("tiers"), Map):
            tier_spec = node["tiers"].get(tier_name)
            node = tier_spec if isinstance(tier_spec, Map) and key_names[0] in tier_spec else node
        for key_name in key_names:
            if not isinstance(node, Map):
                break
            key_span, node = node.key_span(key_name), node.get(key_name)
        return RuleError(f"{source.path}:{source.position_of(key_span.start).line}", problem_text)

    return make_error


def read_rule_file_source(rule_file_path: Path, max_bytes: int | None = None, *, keep_examples: bool = False) -> Source:
    """The text of a rule file without its examples, which are read by `examples` when somebody wants them. Raises RuleError.

    `keep_examples` is for files of families, whose examples stand among the words.
    """
    try:
        file_bytes = files.read_regular_file(rule_file_path, files.MAX_JUDGED_FILE_BYTES)
        file_text = file_bytes.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        failure_reason = getattr(error, "strerror", None) or "not UTF-8"
        raise RuleError(rule_file_display_path(rule_file_path), f"cannot be read: {failure_reason.lower()}") from None
    if max_bytes is not None and len(file_bytes) > max_bytes:
        raise RuleError(rule_file_display_path(rule_file_path), f"a rule file has {max_bytes // 1024} KiB at most; split it")
    examples_match = None if keep_examples else _EXAMPLES_START.search(file_text)
    return Source(rule_file_display_path(rule_file_path), file_text[: examples_match.start()] if examples_match else file_text)


def load_rule_file_documents(source: Source) -> list[Any]:
    """The YAML documents of a rule file. Raises RuleError."""
    try:
        return list(load_yaml_documents(source.text))
    except ParseError as error:
        path_and_line = f"{source.path}:{source.position_of(error.offset).line}"
        raise RuleError(path_and_line, error.message) from None


def load_rule_spec(rule_file_path: Path, max_bytes: int | None = None) -> Map:
    """What a rule file says, its examples apart. Raises RuleError."""
    source = read_rule_file_source(rule_file_path, max_bytes)
    documents = load_rule_file_documents(source)
    loaded_spec = documents[0] if documents else None
    if not isinstance(loaded_spec, Map):
        raise RuleError(source.path, "a rule file is a mapping; see docs/writing-rules.md")
    return loaded_spec


def load_verified_rule_spec(rule_file_path: Path) -> dict[str, Any]:
    """What a rule file of somebody's own says, each of its words of the right shape. Raises RuleError."""
    loaded_spec = load_rule_spec(rule_file_path, MAX_RULE_FILE_BYTES)
    verify_entry_count(rule_file_path, loaded_spec)
    verify_keys_and_shapes(loaded_spec, rule_error_factory(rule_file_path), allow_parts="by" in loaded_spec)
    return loaded_spec


def verify_entry_count(rule_file_path: Path, file_spec: Mapping[str, Any]) -> None:
    """Raise RuleError for a file of too many entries."""
    if has_more_entries(file_spec, MAX_RULE_FILE_ENTRIES):
        raise RuleError(rule_file_display_path(rule_file_path), f"a rule file has {MAX_RULE_FILE_ENTRIES} entries at most")


def verify_keys_and_shapes(rule_or_tier_spec: Mapping[str, Any], make_error: RuleErrorFactory, *, allow_parts: bool, tier_name: str = "") -> None:
    """Raise what `make_error` makes for a word of a rule, or of a tier, that is none or of a wrong shape.

    `allow_parts` says that the rule has some, so that its words may differ by them.
    """
    tier_key_path = ("tiers", tier_name) if tier_name else ()
    for rule_key, rule_value in rule_or_tier_spec.items():
        if rule_key not in (TIER_KEYS if tier_name else RULE_KEYS):
            allowed_keys_text = ", ".join(sorted(TIER_KEYS if tier_name else RULE_KEYS))
            shape_or_problem_text = f"a tier has no key {rule_key!r:.80}" if tier_name else f"no key is called {str(rule_key)[:80]!r}"
            raise make_error(f"{shape_or_problem_text}; allowed are {allowed_keys_text}", *tier_key_path, str(rule_key))
        is_valid_shape, shape_or_problem_text = (allow_parts and _VALIDATOR_AND_TEXT_BY_PARTED_KEY.get(rule_key)) or _VALIDATOR_AND_TEXT_BY_KEY[
            rule_key
        ]
        if not is_valid_shape(rule_value):
            raise make_error(f"{rule_key} must be {shape_or_problem_text}", *tier_key_path, rule_key)
    for inner_tier_name, inner_tier_spec in () if tier_name else (rule_or_tier_spec.get("tiers") or {}).items():
        verify_keys_and_shapes(inner_tier_spec, make_error, allow_parts=allow_parts, tier_name=inner_tier_name)


def _is_scalar_or_empty(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _is_one_line_text(value: Any) -> bool:
    return isinstance(value, str) and value.strip().isprintable() and len(value) <= 1000


def _is_multiline_text(value: Any) -> bool:
    return isinstance(value, str) and all(c.isprintable() or c in "\n\t" for c in value)


def _is_list_of_one_line_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_one_line_text, value))


def _is_nonempty_mapping(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_one_line_text, value)) and bool(value)


def _is_mapping_of_conditions(value: Any) -> bool:
    return _is_nonempty_mapping(value) and all(
        _is_scalar_or_empty(condition) or (isinstance(condition, list) and bool(condition) and all(map(_is_scalar_or_empty, condition)))
        for condition in value.values()
    )


def _is_list_of_ids(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_scalar_or_empty, value))


def _is_mapping_of_linters_to_ids(value: Any) -> bool:
    return value is None or (isinstance(value, dict) and all(map(_is_one_line_text, value)) and all(map(_is_list_of_ids, value.values())))


def _is_mapping_of_equivalents_by_part(value: Any) -> bool:
    return value is None or (
        isinstance(value, dict)
        and all(map(_is_one_line_text, value))
        and all(
            _is_list_of_ids(ids) or (_is_nonempty_mapping(ids) and all(_is_scalar_or_empty(one) or _is_list_of_ids(one) for one in ids.values()))
            for ids in value.values()
        )
    )


def _value_or_parts_validator(is_valid_value: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """The words that all hits have, or a mapping of parts to the words of each."""
    return lambda value: is_valid_value(value) or (_is_nonempty_mapping(value) and all(map(is_valid_value, value.values())))


def _is_part_fact_with_values(value: Any) -> bool:
    return (
        _is_nonempty_mapping(value)
        and len(value) == 1
        and all(_is_list_of_one_line_texts(one) and 0 < len(one) <= MAX_PARTS_PER_RULE for one in value.values())
    )


def _is_mapping_of_tiers(value: Any) -> bool:
    return _is_nonempty_mapping(value) and len(value) <= MAX_TIERS_PER_RULE and all(isinstance(one, Map) for one in value.values())


def _is_severity_proof(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and {"meets", "by"} <= value.keys() <= {"meets", "by", "in", "since"}
        and all(map(_is_one_line_text, value.values()))
        and value.get("in", "production") in ("production", "pods")
    )


_ONE_LINE_SHAPE = (_is_one_line_text, "one line of text")
_TEXT_SHAPE = (_is_multiline_text, "text without control characters")
_LIST_SHAPE = (lambda value: value is None or _is_list_of_one_line_texts(value), "a list of texts")
_MAPPING_SHAPE = (_is_nonempty_mapping, "a mapping")
_VALIDATOR_AND_TEXT_BY_PARTED_KEY: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "message": (_value_or_parts_validator(_is_one_line_text), "one line of text, or one for each part"),
    **dict.fromkeys(
        ("why", "fix"), (_value_or_parts_validator(_is_multiline_text), "text without control characters, or such a text for each part")
    ),
    "same-as": (_is_mapping_of_equivalents_by_part, "a mapping of linters to lists of their ids, or to such a list for each part"),
}  # fmt: skip
_VALIDATOR_AND_TEXT_BY_KEY: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(("title", "message", "severity", "confidence", "category", "level", "asks", "check"), _ONE_LINE_SHAPE),
    "messages": (
        lambda value: _is_nonempty_mapping(value) and all(map(_is_one_line_text, value.values())),
        "a mapping of names that the check says to one line of text each",
    ),
    **dict.fromkeys(("why", "fix", "opinion", "limits"), _TEXT_SHAPE),
    **dict.fromkeys(("require", "forbid", "proves"), _MAPPING_SHAPE),
    "with": (lambda value: value is None or _is_nonempty_mapping(value), "a mapping"),
    "target": (lambda value: _is_one_line_text(value) or (_is_list_of_one_line_texts(value) and bool(value)), "a target, or a list of them"),
    "when": (_is_mapping_of_conditions, "a mapping of facts to values or lists of values"),
    "beside": (lambda value: value in KINDS_BY_PRECEDENCE, f"one of {', '.join(KINDS_BY_PRECEDENCE)}"),
    "links": (
        lambda value: value is None or (_is_list_of_one_line_texts(value) and all(map(_HTTPS_URL.fullmatch, value))),
        "a list of addresses that begin with https://",
    ),
    "same-as": (_is_mapping_of_linters_to_ids, "a mapping of linters to lists of their ids"),
    "by": (_is_part_fact_with_values, f"one fact of the hits with its values, as {{manager: [apk, apt]}}, {MAX_PARTS_PER_RULE} at most"),
    "tiers": (_is_mapping_of_tiers, f"a mapping of names to what each tier has of its own, {MAX_TIERS_PER_RULE} at most"),
    "edit": (edits.is_edit_shape, edits.EDIT_SHAPE_TEXT),
    "checklist": _LIST_SHAPE,
    "proof": (_is_severity_proof, "{meets: a sentence of docs/severity.md, by: the fact in the file}, `in: production` or `pods`, `since: a change`"),
    "hides": (lambda value: isinstance(value, bool), "true or false"),
    "bad": (lambda _: True, ""),
    "good": (lambda _: True, ""),
}  # fmt: skip
