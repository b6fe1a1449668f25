"""The text of a rule file: read within bounds, its words of the right shapes, its mistakes at their places.

A rule file may come with the tree that is judged, so nothing in it is trusted: not its size, not its names, not its prose.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from readiness.kinds import KINDS
from readiness.model import ParseError, Source
from readiness.syntax.yaml import Map, Seq, load_yaml_documents

MAX_BYTES = 64 * 1024  # of a file of somebody's own
MAX_ENTRIES = 5000  # of a file without its examples; what an alias stands for counts each time
FIELD_ORDER = (
    "title severity confidence category hides level opinion target asks when beside by require forbid check with message"
    " messages why fix limits links same-as checklist proves proof tiers bad good"
).split()  # the order in which the fields of our own files stand
RULE_KEYS = frozenset(FIELD_ORDER)
TIER_KEYS = frozenset(
    "severity level opinion target when require forbid check with message messages why fix same-as checklist proves".split()
)
MAX_TIERS = 12  # of a rule: each is judged by itself
MAX_PARTS = 100
_EXAMPLES_START = re.compile(r"^(?:bad|good):", re.MULTILINE)
RULE_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")  # of a rule, in its group
_URL = re.compile(r"https?://[!-~]{1,500}")


class RuleError(Exception):
    """A rule file that cannot be used: `where` names the file and the line, `message` what to change."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(f"{where}: {message}")
        self.where = where
        self.message = message


MakeError = Callable[..., RuleError]
"""(what is wrong, *keys that lead to the place) to the error that says so at the line."""


def rule_file_path_text(path: Path) -> str:
    """A rule file as errors name it: from the working directory where it lies below it, else its group and its name."""
    here = Path.cwd()
    if here in path.parents:
        return path.relative_to(here).as_posix()
    return "/".join(path.parts[-3:] if path.parent.name == "families" else path.parts[-2:])


def error_factory(path: Path, *key_path: str, tier: str = "") -> MakeError:
    """What makes errors about a file, or about what stands in it at the end of `key_path`.

    Where a tier is named, a key of the tier's own stands there, any other in the rule.
    """

    def make_error(message: str, *keys: str) -> RuleError:
        source = read_without_examples(path, with_examples=bool(key_path))
        node: Any = load_yaml_documents(source.text)[0]
        place = node.at()
        for key in key_path:
            if isinstance(node, Map):
                place, node = node.key_span(key), node.get(key)
        if tier and keys and isinstance(node, Map) and isinstance(node.get("tiers"), Map):
            own = node["tiers"].get(tier)
            node = own if isinstance(own, Map) and keys[0] in own else node
        for key in keys:
            if not isinstance(node, Map):
                break
            place, node = node.key_span(key), node.get(key)
        return RuleError(f"{source.path}:{source.position_of(place.start).line}", message)

    return make_error


def read_without_examples(path: Path, limit: int | None = None, *, with_examples: bool = False) -> Source:
    """The text of a rule file without its examples, which are read by `examples` when somebody wants them. Raises RuleError.

    `with_examples` is for files of families, whose examples stand among the words.
    """
    try:
        with path.open("rb") as file:
            data = file.read() if limit is None else file.read(limit + 1)
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not UTF-8"
        raise RuleError(rule_file_path_text(path), f"cannot be read: {why.lower()}") from None
    if limit is not None and len(data) > limit:
        raise RuleError(rule_file_path_text(path), f"a rule file has {limit // 1024} KiB at most; split it")
    cut = None if with_examples else _EXAMPLES_START.search(text)
    return Source(rule_file_path_text(path), text[: cut.start()] if cut else text)


def documents_of(source: Source) -> list[Any]:
    """The YAML documents of a rule file. Raises RuleError."""
    try:
        return list(load_yaml_documents(source.text))
    except ParseError as error:
        where = f"{source.path}:{source.position_of(error.offset).line}"
        raise RuleError(where, error.message) from None


def rule_spec(path: Path, limit: int | None = None) -> Map:
    """What a rule file says, its examples apart. Raises RuleError."""
    source = read_without_examples(path, limit)
    documents = documents_of(source)
    spec = documents[0] if documents else None
    if not isinstance(spec, Map):
        raise RuleError(source.path, "a rule file is a mapping; see docs/writing-rules.md")
    return spec


def verified_rule_spec(path: Path) -> dict[str, Any]:
    """What a rule file of somebody's own says, each of its words of the right shape. Raises RuleError."""
    spec = rule_spec(path, MAX_BYTES)
    verify_entry_count(path, spec)
    verify_keys(spec, error_factory(path), allow_parts="by" in spec)
    return spec


def verify_entry_count(path: Path, spec: Mapping[str, Any]) -> None:
    """Raise RuleError for a file of too many entries."""
    left = MAX_ENTRIES
    stack: list[Any] = [spec]
    while stack:
        node = stack.pop()
        inner = list(node.values()) if isinstance(node, Map) else node if isinstance(node, Seq) else ()
        left -= len(inner)
        if left < 0:
            raise RuleError(rule_file_path_text(path), f"a rule file has {MAX_ENTRIES} entries at most")
        stack += inner


def verify_keys(spec: Mapping[str, Any], make_error: MakeError, *, allow_parts: bool, tier: str = "") -> None:
    """Raise what `make_error` makes for a word of a rule, or of a tier, that is none or of a wrong shape.

    `allow_parts` says that the rule has some, so that its words may differ by them.
    """
    way = ("tiers", tier) if tier else ()
    for key, value in spec.items():
        if key not in (TIER_KEYS if tier else RULE_KEYS):
            known = ", ".join(sorted(TIER_KEYS if tier else RULE_KEYS))
            said = f"a tier has no key {key!r:.80}" if tier else f"no key is called {str(key)[:80]!r}"
            raise make_error(f"{said}; allowed are {known}", *way, str(key))
        form, said = (allow_parts and _SHAPE_BY_KEY_WITH_PARTS.get(key)) or _SHAPE_BY_KEY[key]
        if not form(value):
            raise make_error(f"{key} must be {said}", *way, key)
    for name, own in () if tier else (spec.get("tiers") or {}).items():
        verify_keys(own, make_error, allow_parts=allow_parts, tier=name)


def _is_scalar_or_empty(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _is_one_line_text(value: Any) -> bool:
    return isinstance(value, str) and value.strip().isprintable() and len(value) <= 1000


def _is_prose(value: Any) -> bool:
    return isinstance(value, str) and all(c.isprintable() or c in "\n\t" for c in value)


def _are_lines(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_one_line_text, value))


def _is_mapping(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_one_line_text, value)) and bool(value)


def _are_conditions(value: Any) -> bool:
    return _is_mapping(value) and all(
        _is_scalar_or_empty(condition)
        or (isinstance(condition, list) and bool(condition) and all(map(_is_scalar_or_empty, condition)))
        for condition in value.values()
    )


def _are_ids(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_scalar_or_empty, value))


def _are_equivalents(value: Any) -> bool:
    return value is None or (
        isinstance(value, dict) and all(map(_is_one_line_text, value)) and all(map(_are_ids, value.values()))
    )


def _are_equivalents_by_part(value: Any) -> bool:
    return value is None or (
        isinstance(value, dict)
        and all(map(_is_one_line_text, value))
        and all(
            _are_ids(ids) or (_is_mapping(ids) and all(_is_scalar_or_empty(one) or _are_ids(one) for one in ids.values()))
            for ids in value.values()
        )
    )


def _plain_or_by_part(is_valid: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """The words that all hits have, or a mapping of parts to the words of each."""
    return lambda value: is_valid(value) or (_is_mapping(value) and all(map(is_valid, value.values())))


def _are_parts(value: Any) -> bool:
    return (
        _is_mapping(value) and len(value) == 1 and all(_are_lines(one) and 0 < len(one) <= MAX_PARTS for one in value.values())
    )


def _are_tiers(value: Any) -> bool:
    return _is_mapping(value) and len(value) <= MAX_TIERS and all(isinstance(one, Map) for one in value.values())


def _is_proof(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"meets", "by"} and all(map(_is_one_line_text, value.values()))


_ONE_LINE = (_is_one_line_text, "one line of text")
_TEXT_SHAPE = (_is_prose, "text without control characters")
_LIST_SHAPE = (lambda value: value is None or _are_lines(value), "a list of texts")
_MAPPING_SHAPE = (_is_mapping, "a mapping")
_SHAPE_BY_KEY_WITH_PARTS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "message": (_plain_or_by_part(_is_one_line_text), "one line of text, or one for each part"),
    **dict.fromkeys(
        ("why", "fix"), (_plain_or_by_part(_is_prose), "text without control characters, or such a text for each part")
    ),
    "same-as": (_are_equivalents_by_part, "a mapping of linters to lists of their ids, or to such a list for each part"),
}  # fmt: skip
_SHAPE_BY_KEY: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(("title", "message", "severity", "confidence", "category", "level", "asks", "check"), _ONE_LINE),
    "messages": (
        lambda value: _is_mapping(value) and all(map(_is_one_line_text, value.values())),
        "a mapping of names that the check says to one line of text each",
    ),
    **dict.fromkeys(("why", "fix", "opinion", "limits"), _TEXT_SHAPE),
    **dict.fromkeys(("require", "forbid", "proves"), _MAPPING_SHAPE),
    "with": (lambda value: value is None or _is_mapping(value), "a mapping"),
    "target": (lambda value: _is_one_line_text(value) or (_are_lines(value) and bool(value)), "a target, or a list of them"),
    "when": (_are_conditions, "a mapping of facts to values or lists of values"),
    "beside": (lambda value: value in KINDS, f"one of {', '.join(KINDS)}"),
    "links": (
        lambda value: value is None or (_are_lines(value) and all(map(_URL.fullmatch, value))),
        "a list of addresses that begin with https://",
    ),
    "same-as": (_are_equivalents, "a mapping of linters to lists of their ids"),
    "by": (_are_parts, f"one fact of the hits with its values, as {{manager: [apk, apt]}}, {MAX_PARTS} at most"),
    "tiers": (_are_tiers, f"a mapping of names to what each tier has of its own, {MAX_TIERS} at most"),
    "checklist": _LIST_SHAPE,
    "proof": (_is_proof, "{meets: a sentence of docs/severity.md, by: the fact in the file}"),
    "hides": (lambda value: isinstance(value, bool), "true or false"),
    "bad": (lambda _: True, ""),
    "good": (lambda _: True, ""),
}  # fmt: skip
