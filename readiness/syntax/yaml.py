"""YAML with places: libyaml's events into dicts and lists that know where their values stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn

import yaml
from yaml._yaml import CParser

from readiness.model import OverLimitError, ParseError, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.expansion import count_expanded_values
from readiness.syntax.nodes import Map, Seq

__all__ = [
    "MAX_CONTAINERS_PER_FILE",
    "Map",
    "Seq",
    "YamlScalar",
    "blank_out_separator_comments",
    "first_unfilled_placeholder",
    "literal_line_starts",
    "load_yaml_documents",
    "may_have_unfilled_placeholder",
    "parse_plain_scalar",
    "unfilled_placeholder_offsets",
    "walk_containers",
]

YamlScalar = str | int | float | bool | None
MAX_NESTING_DEPTH = 400
MAX_ALIASED_VALUES_PER_FILE = 50_000  # that aliases and merge keys stand for, each time anew
MAX_VALUES_OF_ALIASES_ANY_TOOL_TAKES = 4_000_000  # go-yaml, which Docker and Kubernetes read with, refuses what mostly comes of aliases long before
MAX_CONTAINERS_PER_FILE = 2_000_000  # nodes of one file; a file of 50 MB stays under it, a bomb of aliases never counts (aliases share)

MAX_COMPLEX_KEY_LENGTH = 1_000  # characters that a key which is no scalar is written out to: each level around it doubles its escapes

_INTEGER_PATTERN = lazy_regex(r"[-+]?(?:0|[1-9][0-9]*)\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT_PATTERN = lazy_regex(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z|[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z")
_SCALAR_BY_WORD: dict[str, YamlScalar] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_NUMBER_FIRST_CHARACTERS = frozenset("0123456789+-.")


def parse_plain_scalar(text: str) -> YamlScalar:
    """A plain scalar by the core schema of YAML 1.2, so that `on` and `yes` stay strings.

    What no number fits into (thousands of digits) stays a string.
    """
    if text in _SCALAR_BY_WORD:
        return _SCALAR_BY_WORD[text]
    if text[0] in _NUMBER_FIRST_CHARACTERS and len(text) < 400:
        if _INTEGER_PATTERN.match(text):
            number_base = {"0o": 8, "0x": 16}.get(text[:2], 10)
            return int(text[2:], number_base) if number_base != 10 else int(text)
        if _FLOAT_PATTERN.match(text):
            return float(text.replace(".inf", "inf").replace(".Inf", "inf").replace(".INF", "inf"))
    return text


_MERGE_TAG = "tag:yaml.org,2002:merge"  # `!!merge <<: *anchor`, as yq writes it


class _Loader:
    """One pass over the events of one text.

    What an alias stands for is shared in memory, and rules go through it at every place: so it counts each time.
    """

    def __init__(self, text: str, base_offset: int) -> None:
        self.parser = CParser(text)
        self.event: Callable[[], Any] = self.parser.get_event
        self.anchors: dict[str, Any] = {}
        self.end = 0
        self.base = base_offset
        self.count = 0
        self.value_count = 0  # values, those that aliases stand for each time
        self.aliased_count = 0
        self.size_by_anchor: dict[str, int] = {}

    def load_documents(self) -> Iterator[Any]:
        """Each document's value, in order."""
        while True:
            event = self.event()
            event_type = event.__class__
            if event_type is yaml.StreamEndEvent:
                return
            if event_type is yaml.DocumentStartEvent:
                self.anchors.clear()
                self.size_by_anchor.clear()
                yield self.build_value(self.event(), 0)
                self.event()  # the document's end

    def build_value(self, event: Any, nesting_depth: int) -> Any:
        """The value that begins with `event`; leaves its end in `self.end`."""
        event_type = event.__class__
        if event_type is yaml.ScalarEvent:
            self.end = self.base + event.end_mark.index
            scalar_value: Any = event.value
            if event.implicit[0] and not event.style:
                scalar_value = parse_plain_scalar(scalar_value)
            if event.anchor:
                self.anchors[event.anchor] = scalar_value
            return scalar_value
        if event_type is yaml.AliasEvent:
            self.end = self.base + event.end_mark.index
            if event.anchor not in self.anchors:
                raise ParseError(f"undefined alias {event.anchor!r}", self.base + event.start_mark.index)
            aliased_size = self.size_by_anchor.get(event.anchor, 1)
            self.value_count += aliased_size
            self.aliased_count += aliased_size
            return self.anchors[event.anchor]
        if nesting_depth > MAX_NESTING_DEPTH:
            raise OverLimitError(f"its values are nested more than {MAX_NESTING_DEPTH} deep", self.base + event.start_mark.index)
        self.count += 1
        if self.count > MAX_CONTAINERS_PER_FILE:
            raise OverLimitError(f"it has more than {MAX_CONTAINERS_PER_FILE:,} mappings and lists", self.base + event.start_mark.index)
        values_before = self.value_count
        collection: Any = (
            self.build_mapping(event, nesting_depth) if event_type is yaml.MappingStartEvent else self.build_sequence(event, nesting_depth)
        )
        if event.anchor:
            self.size_by_anchor[event.anchor] = self.value_count - values_before
        return collection

    def build_mapping(self, start_event: Any, nesting_depth: int) -> Map:
        base_offset = self.base
        mapping = Map(Span(base_offset + start_event.start_mark.index, 0))
        mapping.flow = bool(start_event.flow_style)
        mapping.tag = start_event.tag or ""
        if start_event.anchor:
            self.anchors[start_event.anchor] = mapping
        merged_values_and_offsets: list[tuple[Any, int]] = []
        if start_event.anchor:
            self.size_by_anchor[start_event.anchor] = 1  # an alias in itself
        self.end = base_offset + start_event.end_mark.index
        offsets_by_key = mapping._edges
        while True:
            key_event = self.event()
            if key_event.__class__ is yaml.MappingEndEvent:
                break
            key_start = base_offset + key_event.start_mark.index
            is_plain = key_event.__class__ is yaml.ScalarEvent
            key_text = key_event.value if is_plain else str(self.build_value(key_event, nesting_depth + 1))[:MAX_COMPLEX_KEY_LENGTH]
            value_event = self.event()
            value_start = base_offset + value_event.start_mark.index
            value = self.build_value(value_event, nesting_depth + 1)
            if key_text == "<<" and is_plain and (key_event.implicit[0] or key_event.tag == _MERGE_TAG):
                merged_values_and_offsets.append((value, key_start))
                continue
            if key_text in mapping:
                mapping.repeated.append((key_text, key_start))
                if isinstance(value, (Map, Seq)) or mapping[key_text] != value:
                    mapping.differing.add(key_text)
            mapping[key_text] = value
            offsets_by_key[key_text] = (key_start, value_start, self.end if self.end >= value_start else value_start)
        if mapping.flow:
            closing_mark: Any = key_event.end_mark
            self.end = base_offset + closing_mark.index
        elif not offsets_by_key and not merged_values_and_offsets:
            self.end = max(self.end, mapping._span.start)
        mapping._span = Span(mapping._span.start, self.end)
        mapping_end = self.end
        self.value_count += len(mapping) + 1
        for value, key_start in merged_values_and_offsets:
            if self.aliased_count > MAX_ALIASED_VALUES_PER_FILE:  # each merge copies what it takes in
                self.refuse_aliases(key_start)
            _merge_into_mapping(mapping, value, key_start)
        self.end = mapping_end
        return mapping

    def refuse_aliases(self, offset: int) -> NoReturn:
        """Raise what is to be said of aliases that stand for more than is gone through: of a bomb that it is one."""
        if self.value_count > MAX_VALUES_OF_ALIASES_ANY_TOOL_TAKES and self.value_count > 50 * (self.value_count - self.aliased_count):
            raise ParseError(f"its aliases stand for over {MAX_VALUES_OF_ALIASES_ANY_TOOL_TAKES:,} values, which no parser takes", offset)
        raise OverLimitError(f"its aliases stand for more than {MAX_ALIASED_VALUES_PER_FILE:,} values", offset)

    def build_sequence(self, start_event: Any, nesting_depth: int) -> Seq:
        base_offset = self.base
        sequence = Seq(Span(base_offset + start_event.start_mark.index, 0))
        sequence.flow = bool(start_event.flow_style)
        sequence.tag = start_event.tag or ""
        if start_event.anchor:
            self.anchors[start_event.anchor] = sequence
        self.end = base_offset + start_event.end_mark.index
        while True:
            entry_event = self.event()
            if entry_event.__class__ is yaml.SequenceEndEvent:
                break
            entry_start = base_offset + entry_event.start_mark.index
            entry_value = self.build_value(entry_event, nesting_depth + 1)
            sequence.append(entry_value)
            sequence._edges.append((entry_start, self.end if self.end >= entry_start else entry_start))
        self.value_count += len(sequence) + 1
        if sequence.flow:
            closing_mark: Any = entry_event.end_mark
            self.end = base_offset + closing_mark.index
        sequence._span = Span(sequence._span.start, self.end)
        return sequence


def _merge_into_mapping(target_mapping: Map, merged_value: Any, merge_key_offset: int) -> None:
    """Take in what `<<: value` brings: keys that the mapping has not written itself, at the anchor's own places."""
    source_mappings = merged_value if isinstance(merged_value, Seq) else [merged_value]
    for source_mapping in source_mappings:
        if not isinstance(source_mapping, Map):
            raise ParseError("a merge key takes a mapping or a list of mappings", merge_key_offset)
        if not source_mapping._span.end:  # still open: the merge stands inside of what it merges
            raise ParseError("a merge key cannot take in the mapping that it stands in", merge_key_offset)
        for key in list(source_mapping):
            if key not in target_mapping:
                target_mapping[key] = source_mapping[key]
                target_mapping._edges[key] = source_mapping._edges[key]
                target_mapping.merged.add(key)


# What a parser sees only lines below what is wrong: a line without its colon, as one that leaves a block of text, or a quote left open.
_PROBLEMS_FOUND_LATE = frozenset({"could not find expected ':'", "found unexpected end of stream"})


def load_yaml_documents(text: str) -> list[Any]:
    """Every document of a text, as Map, Seq or scalar.

    Scalars are resolved by the core schema. Offsets count characters of `text`. Raises ParseError with the
    parser's reason and the offset.
    """
    byte_order_mark_length = 1 if text.startswith("\ufeff") else 0  # libyaml does not count a byte order mark
    try:
        loader = _Loader(text[byte_order_mark_length:], byte_order_mark_length)
        documents = list(loader.load_documents())
    except yaml.MarkedYAMLError as error:
        error_mark: Any = (error.context_mark if error.problem in _PROBLEMS_FOUND_LATE else None) or error.problem_mark or error.context_mark
        error_reason = ", ".join(part for part in (error.context, error.problem) if part)
        raise ParseError(error_reason, byte_order_mark_length + error_mark.index if error_mark else 0) from None
    except yaml.reader.ReaderError as error:
        forbidden_character = f"U+{error.character:04X}" if isinstance(error.character, int) else "a byte"
        raise ParseError(
            f"{forbidden_character} is not allowed in YAML",
            byte_order_mark_length + _character_offset_of_byte(text, error.position),
        ) from None
    except UnicodeEncodeError as error:
        raise ParseError("half a surrogate pair is not allowed in YAML", byte_order_mark_length + error.start) from None
    except RecursionError:
        raise OverLimitError(f"its values are nested more than {MAX_NESTING_DEPTH} deep", 0) from None
    except (ValueError, OverflowError) as error:
        raise ParseError(str(error).split("\n", 1)[0], 0) from None
    except MemoryError:
        loader = None  # what was built goes before anything else is made
    if loader is None:
        raise OverLimitError("its values take more memory than there is", 0)
    if loader.aliased_count > MAX_ALIASED_VALUES_PER_FILE:
        loader.refuse_aliases(0)
    count_expanded_values(loader.aliased_count, 0)
    return documents


_SEPARATOR_WITH_COMMENT = lazy_regex(r"^---(#[^\r\n]*)", re.MULTILINE)


def blank_out_separator_comments(text: str) -> str:
    """A text of Kubernetes objects with `---# comment` as a plain separator, every other character in its place.

    YAML wants a blank before the comment; what reads manifests (kubectl, kustomize) takes the line without one too:
    https://github.com/kubernetes/apimachinery/blob/master/pkg/util/yaml/decoder.go
    """
    if "---#" not in text:
        return text
    return _SEPARATOR_WITH_COMMENT.sub(lambda match: "---" + " " * len(match[1]), text)


def _character_offset_of_byte(text: str, byte_position: int) -> int:
    """libyaml's reader counts bytes of UTF-8; everything else counts characters."""
    return len(text.encode("utf-8", "surrogatepass")[: max(byte_position, 0)].decode("utf-8", "ignore"))


def walk_containers(root_value: Any, max_containers: int = 100_000) -> Iterator[Map | Seq]:
    """Every container below `root_value`, each once, in order: an alias is no second visit and a cycle is none at all."""
    seen_container_ids: set[int] = set()
    pending_containers = [root_value] if isinstance(root_value, _CONTAINER_TYPES) else []
    while pending_containers and len(seen_container_ids) < max_containers:
        container = pending_containers.pop()
        if id(container) in seen_container_ids:
            continue
        seen_container_ids.add(id(container))
        yield container
        contained_values = list(container.values()) if isinstance(container, Map) else container
        pending_containers += [one for one in reversed(contained_values) if isinstance(one, _CONTAINER_TYPES)]


_CONTAINER_TYPES = (Map, Seq)


# Two braces where a value may begin: behind a mark of YAML, a tag, an anchor, or nothing.
_DOUBLE_BRACE_VALUE_START = lazy_regex(r"(?:^|[:?\-\[{,]|[!&]\S{0,200}+[ \t])[ \t]{0,400}+\{\s{0,400}+\{", re.MULTILINE)


def first_unfilled_placeholder(text: str, document_roots: Iterable[Any]) -> int | None:
    """The first `{{ name }}` of a text that stands where a value does: a mapping whose key is a mapping, to YAML.

    No tool that reads YAML takes such a key: another program is to put a value in its place. In quotes, comments and block
    scalars the same characters are text.
    """
    return min(unfilled_placeholder_offsets(text, document_roots), default=None) if may_have_unfilled_placeholder(text) else None


def may_have_unfilled_placeholder(text: str) -> bool:
    """Whether two braces stand where a value may begin."""
    return "{{" in text and _DOUBLE_BRACE_VALUE_START.search(text) is not None


def unfilled_placeholder_offsets(text: str, nodes: Iterable[Any]) -> Iterator[int]:
    """Where below some nodes of a text a mapping has a mapping as its key."""
    for root in nodes:
        for node in walk_containers(root, MAX_CONTAINERS_PER_FILE):
            if isinstance(node, Map) and node.flow:
                yield from (node.at().start for key in node if text.startswith("{", node.key_span(key).start))


def literal_line_starts(text: str, scalar_span: Span, scalar_value: str) -> tuple[int, ...]:
    """For a literal block scalar (`|`): where each line of `scalar_value` begins in `text`; empty for any other scalar."""
    if text[scalar_span.start : scalar_span.start + 1] != "|":
        return ()
    line_starts: list[int] = []
    line_start = text.find("\n", scalar_span.start) + 1
    indent_width = -1
    for line in scalar_value.split("\n"):
        line_end = text.find("\n", line_start)
        line_end = len(text) if line_end < 0 else line_end
        source_line = text[line_start:line_end].rstrip("\r")
        if line.strip() and indent_width < 0:
            indent_width = len(source_line) - len(line) if source_line.endswith(line) else -1
            if indent_width < 0:
                return ()
        line_starts.append(min(line_start + max(indent_width, 0), line_end))
        line_start = min(line_end + 1, len(text))
    return tuple(line_starts)
