"""YAML with places: libyaml's events into dicts and lists that know where their values stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import yaml
from yaml._yaml import CParser

from readiness.model import ParseError, Span
from readiness.syntax.nodes import Map, Seq

__all__ = [
    "MAX_NODES",
    "Map",
    "Scalar",
    "Seq",
    "first_unfilled_placeholder",
    "literal_line_starts",
    "load_yaml_documents",
    "parse_plain_scalar",
    "walk_containers",
    "with_plain_separators",
]

Scalar = str | int | float | bool | None
MAX_NODES = 2_000_000  # nodes of one file; a file of 50 MB stays under it, a bomb of aliases never counts (aliases share)

MAX_KEY = 1_000  # characters that a key which is no scalar is written out to: each level around it doubles its escapes

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z|[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z")
_SCALAR_BY_WORD: dict[str, Scalar] = {
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


def parse_plain_scalar(text: str) -> Scalar:
    """A plain scalar by the core schema of YAML 1.2, so that `on` and `yes` stay strings.

    What no number fits into (thousands of digits) stays a string.
    """
    if text in _SCALAR_BY_WORD:
        return _SCALAR_BY_WORD[text]
    if text[0] in _NUMBER_FIRST_CHARACTERS and len(text) < 400:
        if _INTEGER.match(text):
            base = {"0o": 8, "0x": 16}.get(text[:2], 10)
            return int(text[2:], base) if base != 10 else int(text)
        if _FLOAT.match(text):
            return float(text.replace(".inf", "inf").replace(".Inf", "inf").replace(".INF", "inf"))
    return text


class _Loader:
    """One pass over the events of one text."""

    def __init__(self, text: str, base: int) -> None:
        self.parser = CParser(text)
        self.event: Callable[[], Any] = self.parser.get_event
        self.anchors: dict[str, Any] = {}
        self.end = 0
        self.base = base
        self.count = 0

    def load_documents(self) -> Iterator[Any]:
        """Each document's value, in order."""
        while True:
            event = self.event()
            kind = event.__class__
            if kind is yaml.StreamEndEvent:
                return
            if kind is yaml.DocumentStartEvent:
                self.anchors.clear()
                yield self.build_value(self.event(), 0)
                self.event()  # the document's end

    def build_value(self, event: Any, depth: int) -> Any:
        """The value that begins with `event`; leaves its end in `self.end`."""
        kind = event.__class__
        if kind is yaml.ScalarEvent:
            self.end = self.base + event.end_mark.index
            value: Any = event.value
            if event.implicit[0] and not event.style:
                value = parse_plain_scalar(value)
            if event.anchor:
                self.anchors[event.anchor] = value
            return value
        if kind is yaml.AliasEvent:
            self.end = self.base + event.end_mark.index
            if event.anchor not in self.anchors:
                raise ParseError(f"undefined alias {event.anchor!r}", self.base + event.start_mark.index)
            return self.anchors[event.anchor]
        if depth > 400:
            raise ParseError("nested too deeply", self.base + event.start_mark.index)
        self.count += 1
        if self.count > MAX_NODES:
            raise ParseError("too many values", self.base + event.start_mark.index)
        return self.build_mapping(event, depth) if kind is yaml.MappingStartEvent else self.build_sequence(event, depth)

    def build_mapping(self, start: Any, depth: int) -> Map:
        base = self.base
        node = Map(Span(base + start.start_mark.index, 0))
        node.flow = bool(start.flow_style)
        node.tag = start.tag or ""
        if start.anchor:
            self.anchors[start.anchor] = node
        bases: list[tuple[Any, int]] = []
        self.end = base + start.end_mark.index
        edges = node._edges
        while True:
            key = self.event()
            if key.__class__ is yaml.MappingEndEvent:
                break
            at = base + key.start_mark.index
            is_plain = key.__class__ is yaml.ScalarEvent
            name = key.value if is_plain else str(self.build_value(key, depth + 1))[:MAX_KEY]
            first = self.event()
            begin = base + first.start_mark.index
            value = self.build_value(first, depth + 1)
            if name == "<<" and is_plain and key.implicit[0]:
                bases.append((value, at))
                continue
            if name in node:
                node.repeated.append((name, at))
                if isinstance(value, (Map, Seq)) or node[name] != value:
                    node.differing.add(name)
            node[name] = value
            edges[name] = (at, begin, self.end if self.end >= begin else begin)
        if node.flow:
            closing: Any = key.end_mark
            self.end = base + closing.index
        elif not edges and not bases:
            self.end = max(self.end, node._span.start)
        node._span = Span(node._span.start, self.end)
        end = self.end
        for value, at in bases:
            _merge_key(node, value, at)
        self.end = end
        return node

    def build_sequence(self, start: Any, depth: int) -> Seq:
        base = self.base
        node = Seq(Span(base + start.start_mark.index, 0))
        node.flow = bool(start.flow_style)
        node.tag = start.tag or ""
        if start.anchor:
            self.anchors[start.anchor] = node
        self.end = base + start.end_mark.index
        while True:
            first = self.event()
            if first.__class__ is yaml.SequenceEndEvent:
                break
            begin = base + first.start_mark.index
            value = self.build_value(first, depth + 1)
            node.append(value)
            node._edges.append((begin, self.end if self.end >= begin else begin))
        if node.flow:
            closing: Any = first.end_mark
            self.end = base + closing.index
        node._span = Span(node._span.start, self.end)
        return node


def _merge_key(node: Map, value: Any, at: int) -> None:
    """Take in what `<<: value` brings: keys that the mapping has not written itself, at the anchor's own places."""
    sources = value if isinstance(value, Seq) else [value]
    for source in sources:
        if not isinstance(source, Map):
            raise ParseError("a merge key takes a mapping or a list of mappings", at)
        if not source._span.end:  # still open: the merge stands inside of what it merges
            raise ParseError("a merge key cannot take in the mapping that it stands in", at)
        for name in list(source):
            if name not in node:
                node[name] = source[name]
                node._edges[name] = source._edges[name]
                node.merged.add(name)


def load_yaml_documents(text: str) -> list[Any]:
    """Every document of a text, as Map, Seq or scalar.

    Scalars are resolved by the core schema. Offsets count characters of `text`. Raises ParseError with the
    parser's reason and the offset.
    """
    base = 1 if text.startswith("\ufeff") else 0  # libyaml does not count a byte order mark
    try:
        return list(_Loader(text[base:], base).load_documents())
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark or error.context_mark
        reason = ", ".join(part for part in (error.context, error.problem) if part)
        raise ParseError(reason, base + mark.index if mark else 0) from None
    except yaml.reader.ReaderError as error:
        character = f"U+{error.character:04X}" if isinstance(error.character, int) else "a byte"
        raise ParseError(f"{character} is not allowed in YAML", base + _character_offset(text, error.position)) from None
    except UnicodeEncodeError as error:
        raise ParseError("half a surrogate pair is not allowed in YAML", base + error.start) from None
    except RecursionError:
        raise ParseError("nested too deeply", 0) from None
    except (ValueError, OverflowError) as error:
        raise ParseError(str(error).split("\n", 1)[0], 0) from None
    except MemoryError:
        pass  # raised below, where the error no longer holds on to what was built
    raise ParseError("its values take more memory than there is", 0)


_SEPARATOR_WITH_COMMENT = re.compile(r"^---(#[^\r\n]*)", re.MULTILINE)


def with_plain_separators(text: str) -> str:
    """A text of Kubernetes objects with `---# comment` as a plain separator, every other character in its place.

    YAML wants a blank before the comment; what reads manifests (kubectl, kustomize) takes the line without one too:
    https://github.com/kubernetes/apimachinery/blob/master/pkg/util/yaml/decoder.go
    """
    if "---#" not in text:
        return text
    return _SEPARATOR_WITH_COMMENT.sub(lambda match: "---" + " " * len(match[1]), text)


def _character_offset(text: str, position: int) -> int:
    """libyaml's reader counts bytes of UTF-8; everything else counts characters."""
    return len(text.encode("utf-8", "surrogatepass")[: max(position, 0)].decode("utf-8", "ignore"))


def walk_containers(node: Any, limit: int = 100_000) -> Iterator[Map | Seq]:
    """Every container below `node`, each once, in order: an alias is no second visit and a cycle is none at all."""
    seen: set[int] = set()
    stack = [node] if isinstance(node, _CONTAINERS) else []
    while stack and len(seen) < limit:
        item = stack.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        yield item
        inner = list(item.values()) if isinstance(item, Map) else item
        stack += [one for one in reversed(inner) if isinstance(one, _CONTAINERS)]


_CONTAINERS = (Map, Seq)


# Two braces where a value may begin: behind a mark of YAML, a tag, an anchor, or nothing.
_FLOW_IN_FLOW = re.compile(r"(?:^|[:?\-\[{,]|[!&]\S{0,200}+[ \t])[ \t]{0,400}+\{\s{0,400}+\{", re.MULTILINE)


def first_unfilled_placeholder(text: str, roots: Iterable[Any]) -> int | None:
    """The first `{{ name }}` of a text that stands where a value does: a mapping whose key is a mapping, to YAML.

    No tool that reads YAML takes such a key: another program is to put a value in its place. In quotes, comments and block
    scalars the same characters are text.
    """
    if "{{" not in text or _FLOW_IN_FLOW.search(text) is None:
        return None
    places = [
        node.at().start
        for root in roots
        for node in walk_containers(root, MAX_NODES)
        if isinstance(node, Map) and node.flow
        for key in node
        if text.startswith("{", node.key_span(key).start)
    ]
    return min(places, default=None)


def literal_line_starts(text: str, span: Span, value: str) -> tuple[int, ...]:
    """For a literal block scalar (`|`): where each line of `value` begins in `text`; empty for any other scalar."""
    if text[span.start : span.start + 1] != "|":
        return ()
    starts: list[int] = []
    at = text.find("\n", span.start) + 1
    indent = -1
    for line in value.split("\n"):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        raw = text[at:end].rstrip("\r")
        if line.strip() and indent < 0:
            indent = len(raw) - len(line) if raw.endswith(line) else -1
            if indent < 0:
                return ()
        starts.append(min(at + max(indent, 0), end))
        at = min(end + 1, len(text))
    return tuple(starts)
