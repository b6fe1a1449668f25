"""Values that know where they were written, and the text that is made of them."""

from __future__ import annotations

import bisect
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from readiness.loading.render.made import GeneratedSource, LimitError, RenderError
from readiness.model import Source, Span
from readiness.syntax.yaml import Map, Scalar, Seq, literal_line_starts, parse_plain_scalar

MAX_VALUES = 300_000  # of one overlay; aliases are written out
MAX_OBJECT_LOOKUPS = 2_000_000  # of patches, generators and replacements at objects
MAX_TEXT = 10 << 20  # characters of what one overlay builds: what a single file may have
MAX_DEPTH = 200  # of a value: deeper ones are left to a builder, whose text our reader refuses by itself


class UnsupportedFeatureError(RenderError):
    """Something in a kustomization that this builder does not know: another one may."""


class InvalidKustomizationError(RenderError):
    """Something that no builder could carry out: why, and where it is written."""

    def __init__(self, reason: str, place: WrittenPlace) -> None:
        super().__init__(reason)
        self.place = place


class NeedsOtherBuilderError(InvalidKustomizationError):
    """Something that only another way of building gives: which one, and where it is asked for."""


class WrittenPlace(NamedTuple):
    """Where something was written; `source` is a whole file."""

    source: Source
    span: Span


@dataclass(slots=True, eq=False)
class PlacedValue:
    """A mapping, a list or a scalar. `place` is where it stands, `key_place` where its key does (where it has one).

    `line_places` are the places of the lines of a text of several. `removal_places` says what took keys of a mapping away.
    """

    data: dict[str, PlacedValue] | list[PlacedValue] | Scalar
    place: WrittenPlace
    key_place: WrittenPlace
    line_places: tuple[WrittenPlace, ...] = ()
    removal_places: list[WrittenPlace] = field(default_factory=list)

    @property
    def map(self) -> dict[str, PlacedValue]:
        """The entries of a mapping; none of anything else."""
        return self.data if isinstance(self.data, dict) else {}

    @property
    def list_entries(self) -> list[PlacedValue]:
        """The entries of a list; none of anything else."""
        return self.data if isinstance(self.data, list) else []

    @property
    def string(self) -> str:
        """A text; empty for anything else."""
        return self.data if isinstance(self.data, str) else ""

    def value_at_path(self, *path: str) -> PlacedValue | None:
        """The value under a path of keys."""
        value: PlacedValue | None = self
        for key in path:
            value = value.map.get(key) if value else None
        return value

    def text_at_path(self, *path: str) -> str:
        """The text under a path of keys; empty where there is none."""
        found = self.value_at_path(*path)
        return found.string if found else ""


class WorkCounter:
    """How many values an overlay may still have, and how often an object may be held against a name."""

    def __init__(self) -> None:
        self.left = MAX_VALUES
        self.looks = MAX_OBJECT_LOOKUPS

    def count_lookups(self, count: int) -> None:
        """Count objects that are looked through. Raises RenderError when there are too many."""
        self.looks -= count
        if self.looks < 0:
            raise LimitError(f"its patches would look at over {MAX_OBJECT_LOOKUPS:,} objects")

    def count_values(self, count: int = 1) -> None:
        """Count values. Raises RenderError when there are too many."""
        self.left -= count
        if self.left < 0:
            raise LimitError(f"it has over {MAX_VALUES:,} values")


def root_file_place(source: Source, span: Span) -> WrittenPlace:
    """A place of a text, in the file that it stands in."""
    if source.parent is None:
        return WrittenPlace(source, span)
    start, end = source.to_root(span.start), source.to_root(span.end)
    return WrittenPlace(source.root, Span(start, max(start, end)))


def make_placed_value(node: Any, source: Source, span: Span, counter: WorkCounter, depth: int = 0) -> PlacedValue:
    """A value of a parsed text, each part with its place. Raises RenderError for too many parts."""
    counter.count_values()
    if depth > MAX_DEPTH:
        raise UnsupportedFeatureError("it is nested too deeply")
    here = root_file_place(source, span)
    if isinstance(node, Map):
        if node.repeated:
            key, at = node.repeated[0]
            raise InvalidKustomizationError(
                f"{key[:80]!r} is said a second time in one mapping",
                root_file_place(source, Span(at, at)),
            )
        made = PlacedValue({}, here, here)
        for key, value in node.items():
            entry = make_placed_value(value, source, node.at(key), counter, depth + 1)
            entry.key_place = root_file_place(source, node.key_span(key))
            made.map[key] = entry
        return made
    if isinstance(node, Seq):
        items = [make_placed_value(value, source, node.at(index), counter, depth + 1) for index, value in enumerate(node)]
        return PlacedValue(items, here, here)
    lines: tuple[WrittenPlace, ...] = ()
    if isinstance(node, str) and "\n" in node:
        starts = literal_line_starts(source.text, span, node)
        lines = tuple(
            root_file_place(source, Span(at, at + len(line))) for at, line in zip(starts, node.split("\n"), strict=False)
        )
    return PlacedValue(node, here, here, lines)


def copy_value(value: PlacedValue, counter: WorkCounter) -> PlacedValue:
    """The same value once more, so that a change of one is none of the other."""
    counter.count_values()
    data = value.data
    if isinstance(data, dict):
        data = {key: copy_value(one, counter) for key, one in data.items()}
    elif isinstance(data, list):
        data = [copy_value(one, counter) for one in data]
    return PlacedValue(data, value.place, value.key_place, value.line_places, list(value.removal_places))


def to_plain_data(value: PlacedValue) -> Any:
    """A value without places."""
    if isinstance(value.data, dict):
        return {key: to_plain_data(one) for key, one in value.data.items()}
    if isinstance(value.data, list):
        return [to_plain_data(one) for one in value.data]
    return value.data


class PlacedPiece(NamedTuple):
    """A piece of a built text: where it ends, where it was written, and whether place goes with place in it."""

    end: int
    place: WrittenPlace
    is_offset_exact: bool = False


class PlacedSource(GeneratedSource):
    """What an overlay builds, each piece of the text with the place that it was written at.

    `removals` are what took keys away from mappings, by where these begin; `kept` is the same overlay without that.
    """

    __slots__ = ("begins", "home", "kept", "marks", "removals")

    def __init__(self, path: str, text: str, environment: str, home: Source) -> None:
        super().__init__(path, text, environment)
        self.home = home
        self.begins: list[int] = []
        self.marks: list[list[PlacedPiece]] = []
        self.removals: list[tuple[int, WrittenPlace]] = []
        self.kept: PlacedSource | None = None

    def last_removal_place(self, span: Span) -> WrittenPlace | None:
        """What took a key away from the innermost piece around a place, or from a piece in it; the last that did."""
        mark = self.innermost_piece(span)
        if mark is None:
            return None
        first = bisect.bisect_left(self.removals, span.start, key=lambda one: one[0])
        last = bisect.bisect_left(self.removals, mark.end, key=lambda one: one[0])
        return self.removals[last - 1][1] if last > first else None

    def written_location(self, span: Span) -> tuple[Source, Span]:
        """Where the innermost piece around a place was written."""
        mark = self.innermost_piece(span)
        if mark is None:
            return self.home, self.home.one_line(Span(0, len(self.home.text)))
        source, there = mark.place
        if mark.is_offset_exact:
            start = self.begins[bisect.bisect_right(self.begins, span.start) - 1]
            first = min(there.start + span.start - start, there.end)
            there = Span(first, min(max(first, there.start + span.end - start), there.end))
        return source, source.one_line(there)

    def innermost_piece(self, span: Span) -> PlacedPiece | None:
        """The innermost piece around a place; of those that begin with it the one that ends with it, else the largest."""
        at = bisect.bisect_right(self.begins, span.start) - 1
        while at >= 0:
            some = self.marks[at]
            if self.begins[at] == span.start:
                return next((one for one in some if one.end == span.end), some[0])
            for found in reversed(some):
                if span.start < found.end:
                    return found
            at -= 1
        return None


def write_objects(objects: list[PlacedValue], path: str, environment: str, home: Source) -> PlacedSource:
    """The text of some objects. Raises RenderError where it is too long."""
    writer = _PlacedYamlWriter()
    for node in objects:
        writer.append_text("---\n")
        writer.write_value(node, 0)
    source = PlacedSource(path, "".join(writer.parts), environment, home)
    source.removals = sorted(writer.removals, key=lambda one: one[0])
    for start, marks in sorted(writer.marks.items()):
        source.begins.append(start)
        source.marks.append(sorted(marks, key=lambda mark: -mark.end))
    return source


_PLAIN_KEY = re.compile(r"[A-Za-z_][\w./-]*\Z", re.ASCII)
_NON_PLAIN_CHARACTER = re.compile("[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_BLOCK_SCALAR_TEXT = re.compile(r"[^\s\x00-\x1f][^\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]*\Z")


class _PlacedYamlWriter:
    """One pass over values; block style, for texts of several lines are read at their lines in it alone."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.at = 0
        self.marks: dict[int, list[PlacedPiece]] = {}
        self.removals: list[tuple[int, WrittenPlace]] = []

    def append_text(self, text: str) -> None:
        self.parts.append(text)
        self.at += len(text)
        if self.at > MAX_TEXT:
            raise LimitError(f"it builds over {MAX_TEXT >> 20} MiB")

    def record_place(self, start: int, place: WrittenPlace, *, exact: bool = False, end: int | None = None) -> None:
        stop = self.at if end is None else end
        self.marks.setdefault(start, []).append(PlacedPiece(stop, place, exact))

    def write_value(self, value: PlacedValue, indent: int) -> None:
        """A value where a line has just begun or an indicator stands before it; ends with a line break."""
        start = self.at
        if isinstance(value.data, dict) and value.data:
            for number, (key, inner) in enumerate(value.data.items()):
                if number:
                    self.append_text(" " * indent)
                self.write_entry(key, inner, indent)
            self.record_place(start, value.place)
        elif isinstance(value.data, list) and value.data:
            for number, inner in enumerate(value.data):
                if number:
                    self.append_text(" " * indent)
                self.append_text("- ")
                self.write_value(inner, indent + 2)
            self.record_place(start, value.place)
        else:
            self.write_scalar(value, indent)
        self.removals += [(start, one) for one in value.removal_places]

    def write_entry(self, key: str, value: PlacedValue, indent: int) -> None:
        start = self.at
        is_plain = _PLAIN_KEY.match(key) and isinstance(parse_plain_scalar(key), str)
        self.append_text(key if is_plain else double_quoted(key))
        self.record_place(start, value.key_place, end=start + len(key))
        self.append_text(":")
        if isinstance(value.data, dict | list) and value.data:
            self.append_text("\n" + " " * (indent + 2))
            self.write_value(value, indent + 2)
        else:
            self.append_text(" ")
            self.write_value(value, indent + 2)

    def write_scalar(self, value: PlacedValue, indent: int) -> None:
        start, data = self.at, value.data
        if isinstance(data, str) and "\n" in data and _BLOCK_SCALAR_TEXT.match(data) and indent:
            self.write_block_scalar(value, data, indent)
            return
        self.append_text(_yaml_scalar_text(data))
        self.record_place(start, value.place)
        self.append_text("\n")

    def write_block_scalar(self, value: PlacedValue, text: str, indent: int) -> None:
        """A text of several lines, each with its own place where it has one."""
        start = self.at
        body = text.rstrip("\n")
        ends = len(text) - len(body)
        self.append_text("|" + ("-" if not ends else "" if ends == 1 else "+"))
        self.append_text("\n")
        lines = [*body.split("\n"), *([""] * (ends - 1))]
        for number, line in enumerate(lines):
            if line:
                self.append_text(" " * indent)
                at = self.at
                self.append_text(line)
                if number < len(value.line_places):
                    self.record_place(at, value.line_places[number], exact=True)
            self.append_text("\n")
        self.record_place(start, value.place)


def _yaml_scalar_text(data: Any) -> str:
    """A scalar, or an empty container, as YAML."""
    if isinstance(data, dict | list):
        return "[]" if isinstance(data, list) else "{}"
    if isinstance(data, float) and not math.isfinite(data):
        return ".nan" if math.isnan(data) else ".inf" if data > 0 else "-.inf"
    return double_quoted(data) if isinstance(data, str) else json.dumps(data)


def double_quoted(text: str) -> str:
    """A text in double quotes, as YAML reads it."""
    plain_text = json.dumps(text, ensure_ascii=False)
    return _NON_PLAIN_CHARACTER.sub(lambda found: f"\\u{ord(found[0]):04x}", plain_text)


def walk_values(value: PlacedValue) -> Iterator[PlacedValue]:
    """A value and all in it."""
    stack = [value]
    while stack:
        entry = stack.pop()
        yield entry
        stack += entry.map.values() if isinstance(entry.data, dict) else entry.list_entries
