"""Values that know where they were written, and the text that is made of them."""

from __future__ import annotations

import bisect
import json
import math
import re
from collections.abc import Iterator
from dataclasses import field
from typing import Any, NamedTuple

from readiness.loading.render.made import GeneratedSource, LimitError, RenderError
from readiness.loading.render.work import WorkCounter
from readiness.model import Source, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.syntax.yaml import Map, Seq, YamlScalar, literal_line_starts, parse_plain_scalar

MAX_BUILT_TEXT_CHARACTERS = 10 << 20  # characters of what one overlay builds: what a single file may have
MAX_VALUE_NESTING_DEPTH = 200  # of a value: deeper ones are left to a builder, whose text our reader refuses by itself


class UnsupportedFeatureError(RenderError):
    """Something in a kustomization that this builder does not know: another one may."""


class InvalidKustomizationError(RenderError):
    """Something that no builder could carry out: why, and where it is written; `absent_path` is the file or folder that is named and not there."""

    def __init__(self, reason: str, place: WrittenPlace, absent_path: str = "") -> None:
        super().__init__(reason)
        self.place = place
        self.absent_path = absent_path


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

    data: dict[str, PlacedValue] | list[PlacedValue] | YamlScalar
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
        value = self.value_at_path(*path)
        return value.string if value else ""


def root_file_place(source: Source, span: Span) -> WrittenPlace:
    """A place of a text, in the file that it stands in."""
    if source.parent is None:
        return WrittenPlace(source, span)
    root_start, root_end = source.to_root(span.start), source.to_root(span.end)
    return WrittenPlace(source.root, Span(root_start, max(root_start, root_end)))


def make_placed_value(parsed_node: Any, source: Source, span: Span, counter: WorkCounter, nesting_depth: int = 0) -> PlacedValue:
    """A value of a parsed text, each part with its place. Raises RenderError for too many parts."""
    counter.count_values()
    if nesting_depth > MAX_VALUE_NESTING_DEPTH:
        raise UnsupportedFeatureError("it is nested too deeply")
    value_place = root_file_place(source, span)
    if isinstance(parsed_node, Map):
        if parsed_node.repeated:
            key, repeated_key_offset = parsed_node.repeated[0]
            raise InvalidKustomizationError(
                f"{key[:80]!r} is said a second time in one mapping",
                root_file_place(source, Span(repeated_key_offset, repeated_key_offset)),
            )
        placed_mapping = PlacedValue({}, value_place, value_place)
        for key, value in parsed_node.items():
            placed_entry = make_placed_value(value, source, parsed_node.at(key), counter, nesting_depth + 1)
            placed_entry.key_place = root_file_place(source, parsed_node.key_span(key))
            placed_mapping.map[key] = placed_entry
        return placed_mapping
    if isinstance(parsed_node, Seq):
        placed_items = [
            make_placed_value(value, source, parsed_node.at(index), counter, nesting_depth + 1) for index, value in enumerate(parsed_node)
        ]
        return PlacedValue(placed_items, value_place, value_place)
    line_places: tuple[WrittenPlace, ...] = ()
    if isinstance(parsed_node, str) and "\n" in parsed_node:
        counter.count_lines(parsed_node)
        line_starts = literal_line_starts(source.text, span, parsed_node)
        line_places = tuple(
            root_file_place(source, Span(repeated_key_offset, repeated_key_offset + len(line)))
            for repeated_key_offset, line in zip(line_starts, parsed_node.split("\n"), strict=False)
        )
    return PlacedValue(parsed_node, value_place, value_place, line_places)


def copy_value(value: PlacedValue, counter: WorkCounter) -> PlacedValue:
    """The same value once more, so that a change of one is none of the other."""
    counter.count_values()
    copied_data = value.data
    if isinstance(copied_data, dict):
        copied_data = {key: copy_value(one, counter) for key, one in copied_data.items()}
    elif isinstance(copied_data, list):
        copied_data = [copy_value(one, counter) for one in copied_data]
    return PlacedValue(copied_data, value.place, value.key_place, value.line_places, list(value.removal_places))


def to_plain_data(value: PlacedValue, counter: WorkCounter) -> Any:
    """A value without places."""
    counter.count_visits(1)
    if isinstance(value.data, dict):
        return {key: to_plain_data(one, counter) for key, one in value.data.items()}
    if isinstance(value.data, list):
        return [to_plain_data(one, counter) for one in value.data]
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

    def __init__(self, path: str, built_text: str, environment: str, kustomization_source: Source) -> None:
        super().__init__(path, built_text, environment)
        self.home = kustomization_source
        self.begins: list[int] = []
        self.marks: list[list[PlacedPiece]] = []
        self.removals: list[tuple[int, WrittenPlace]] = []
        self.kept: PlacedSource | None = None

    def last_removal_place(self, span: Span) -> WrittenPlace | None:
        """What took a key away from the innermost piece around a place, or from a piece in it; the last that did."""
        piece = self.innermost_piece(span)
        if piece is None:
            return None
        first_removal_index = bisect.bisect_left(self.removals, span.start, key=lambda one: one[0])
        removal_index_limit = bisect.bisect_left(self.removals, piece.end, key=lambda one: one[0])
        return self.removals[removal_index_limit - 1][1] if removal_index_limit > first_removal_index else None

    def written_location(self, span: Span) -> tuple[Source, Span]:
        """Where the innermost piece around a place was written."""
        piece = self.innermost_piece(span)
        if piece is None:
            return self.home, self.home.one_line(Span(0, len(self.home.text)))
        written_source, written_span = piece.place
        if piece.is_offset_exact:
            piece_start = self.begins[bisect.bisect_right(self.begins, span.start) - 1]
            written_start = min(written_span.start + span.start - piece_start, written_span.end)
            written_span = Span(written_start, min(max(written_start, written_span.start + span.end - piece_start), written_span.end))
        return written_source, written_source.one_line(written_span)

    def innermost_piece(self, span: Span) -> PlacedPiece | None:
        """The innermost piece around a place; of those that begin with it the one that ends with it, else the largest."""
        start_index = bisect.bisect_right(self.begins, span.start) - 1
        while start_index >= 0:
            pieces = self.marks[start_index]
            if self.begins[start_index] == span.start:
                return next((one for one in pieces if one.end == span.end), pieces[0])
            for piece in reversed(pieces):
                if span.start < piece.end:
                    return piece
            start_index -= 1
        return None


def write_objects(objects: list[PlacedValue], path: str, environment: str, kustomization_source: Source) -> PlacedSource:
    """The text of some objects. Raises RenderError where it is too long."""
    writer = _PlacedYamlWriter()
    for object_value in objects:
        writer.append_text("---\n")
        writer.write_value(object_value, 0)
    placed_source = PlacedSource(path, "".join(writer.parts), environment, kustomization_source)
    placed_source.removals = sorted(writer.removals, key=lambda one: one[0])
    for piece_start, pieces in sorted(writer.marks.items()):
        placed_source.begins.append(piece_start)
        placed_source.marks.append(sorted(pieces, key=lambda mark: -mark.end))
    return placed_source


_KEY_WITHOUT_QUOTES = lazy_regex(r"[A-Za-z_][\w./-]*\Z", re.ASCII)
_CHARACTER_TO_ESCAPE = lazy_regex("[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_BLOCK_SCALAR_TEXT = lazy_regex(r"[^\s\x00-\x1f][^\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]*\Z")


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
        if self.at > MAX_BUILT_TEXT_CHARACTERS:
            raise LimitError(f"it builds over {MAX_BUILT_TEXT_CHARACTERS >> 20} MiB")

    def record_place(self, piece_start: int, written_place: WrittenPlace, *, is_offset_exact: bool = False, given_end: int | None = None) -> None:
        piece_end = self.at if given_end is None else given_end
        self.marks.setdefault(piece_start, []).append(PlacedPiece(piece_end, written_place, is_offset_exact))

    def write_value(self, placed_value: PlacedValue, indent: int) -> None:
        """A value where a line has just begun or an indicator stands before it; ends with a line break."""
        value_start = self.at
        if isinstance(placed_value.data, dict) and placed_value.data:
            for entry_index, (key, inner_value) in enumerate(placed_value.data.items()):
                if entry_index:
                    self.append_text(" " * indent)
                self.write_entry(key, inner_value, indent)
            self.record_place(value_start, placed_value.place)
        elif isinstance(placed_value.data, list) and placed_value.data:
            for entry_index, inner_value in enumerate(placed_value.data):
                if entry_index:
                    self.append_text(" " * indent)
                self.append_text("- ")
                self.write_value(inner_value, indent + 2)
            self.record_place(value_start, placed_value.place)
        else:
            self.write_scalar(placed_value, indent)
        self.removals += [(value_start, one) for one in placed_value.removal_places]

    def write_entry(self, key: str, placed_value: PlacedValue, indent: int) -> None:
        key_start = self.at
        is_plain = _KEY_WITHOUT_QUOTES.match(key) and isinstance(parse_plain_scalar(key), str)
        self.append_text(key if is_plain else double_quoted(key))
        self.record_place(key_start, placed_value.key_place, given_end=key_start + len(key))
        self.append_text(":")
        if isinstance(placed_value.data, dict | list) and placed_value.data:
            self.append_text("\n" + " " * (indent + 2))
            self.write_value(placed_value, indent + 2)
        else:
            self.append_text(" ")
            self.write_value(placed_value, indent + 2)

    def write_scalar(self, placed_value: PlacedValue, indent: int) -> None:
        scalar_start, scalar = self.at, placed_value.data
        if isinstance(scalar, str) and "\n" in scalar and _BLOCK_SCALAR_TEXT.match(scalar) and indent:
            self.write_block_scalar(placed_value, scalar, indent)
            return
        self.append_text(_yaml_scalar_text(scalar))
        self.record_place(scalar_start, placed_value.place)
        self.append_text("\n")

    def write_block_scalar(self, placed_value: PlacedValue, text: str, indent: int) -> None:
        """A text of several lines, each with its own place where it has one."""
        scalar_start = self.at
        text_without_final_breaks = text.rstrip("\n")
        final_break_count = len(text) - len(text_without_final_breaks)
        self.append_text("|" + ("-" if not final_break_count else "" if final_break_count == 1 else "+"))
        self.append_text("\n")
        lines = [*text_without_final_breaks.split("\n"), *([""] * (final_break_count - 1))]
        for line_index, text_line in enumerate(lines):
            if text_line:
                self.append_text(" " * indent)
                line_start = self.at
                self.append_text(text_line)
                if line_index < len(placed_value.line_places):
                    self.record_place(line_start, placed_value.line_places[line_index], is_offset_exact=True)
            self.append_text("\n")
        self.record_place(scalar_start, placed_value.place)


def _yaml_scalar_text(scalar: Any) -> str:
    """A scalar, or an empty container, as YAML."""
    if isinstance(scalar, dict | list):
        return "[]" if isinstance(scalar, list) else "{}"
    if isinstance(scalar, float) and not math.isfinite(scalar):
        return ".nan" if math.isnan(scalar) else ".inf" if scalar > 0 else "-.inf"
    return double_quoted(scalar) if isinstance(scalar, str) else json.dumps(scalar)


def double_quoted(text: str) -> str:
    """A text in double quotes, as YAML reads it."""
    json_text = json.dumps(text, ensure_ascii=False)
    return _CHARACTER_TO_ESCAPE.sub(lambda found: f"\\u{ord(found[0]):04x}", json_text)


def value_and_nested_values(value: PlacedValue) -> Iterator[PlacedValue]:
    """A value and all in it."""
    pending_values = [value]
    while pending_values:
        nested_value = pending_values.pop()
        yield nested_value
        pending_values += nested_value.map.values() if isinstance(nested_value.data, dict) else nested_value.list_entries
