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
from readiness.syntax.yaml import Map, Scalar, Seq, literal_line_starts, plain_scalar

MAX_VALUES = 300_000  # of one overlay; aliases are written out
MAX_LOOKS = 2_000_000  # of patches, generators and replacements at objects
MAX_TEXT = 10 << 20  # characters of what one overlay builds: what a single file may have
MAX_DEPTH = (
    200  # of a value: deeper ones are left to a builder, whose text our reader refuses by itself
)


class UnknownError(RenderError):
    """Something in a kustomization that this builder does not know: another one may."""


class BrokenError(RenderError):
    """Something that no builder could carry out: why, and where it is written."""

    def __init__(self, reason: str, place: Place) -> None:
        super().__init__(reason)
        self.place = place


class AbsentError(BrokenError):
    """Something that only another way of building gives: which one, and where it is asked for."""


class Place(NamedTuple):
    """Where something was written; `source` is a whole file."""

    source: Source
    span: Span


@dataclass(slots=True, eq=False)
class Value:
    """A mapping, a list or a scalar. `place` is where it stands, `key` where its key does (where it has one).

    `lines` are the places of the lines of a text of several. `removed` says what took keys of a mapping away.
    """

    data: dict[str, Value] | list[Value] | Scalar
    place: Place
    key: Place
    lines: tuple[Place, ...] = ()
    removed: list[Place] = field(default_factory=list)

    @property
    def map(self) -> dict[str, Value]:
        """The entries of a mapping; none of anything else."""
        return self.data if isinstance(self.data, dict) else {}

    @property
    def items(self) -> list[Value]:
        """The entries of a list; none of anything else."""
        return self.data if isinstance(self.data, list) else []

    @property
    def text(self) -> str:
        """A text; empty for anything else."""
        return self.data if isinstance(self.data, str) else ""

    def get(self, *path: str) -> Value | None:
        """The value under a path of keys."""
        value: Value | None = self
        for key in path:
            value = value.map.get(key) if value else None
        return value

    def under(self, *path: str) -> str:
        """The text under a path of keys; empty where there is none."""
        found = self.get(*path)
        return found.text if found else ""


class Counter:
    """How many values an overlay may still have, and how often an object may be held against a name."""

    def __init__(self) -> None:
        self.left = MAX_VALUES
        self.looks = MAX_LOOKS

    def look(self, count: int) -> None:
        """Count objects that are looked through. Raises RenderError when there are too many."""
        self.looks -= count
        if self.looks < 0:
            raise LimitError(f"its patches would look at over {MAX_LOOKS:,} objects")

    def take(self, count: int = 1) -> None:
        """Count values. Raises RenderError when there are too many."""
        self.left -= count
        if self.left < 0:
            raise LimitError(f"it has over {MAX_VALUES:,} values")


def in_file(source: Source, span: Span) -> Place:
    """A place of a text, in the file that it stands in."""
    if source.parent is None:
        return Place(source, span)
    start, end = source.to_root(span.start), source.to_root(span.end)
    return Place(source.root, Span(start, max(start, end)))


def placed(node: Any, source: Source, span: Span, counter: Counter, depth: int = 0) -> Value:
    """A value of a parsed text, each part with its place. Raises RenderError for too many parts."""
    counter.take()
    if depth > MAX_DEPTH:
        raise UnknownError("it is nested too deeply")
    here = in_file(source, span)
    if isinstance(node, Map):
        if node.repeated:
            key, at = node.repeated[0]
            raise BrokenError(
                f"{key[:80]!r} is said a second time in one mapping", in_file(source, Span(at, at))
            )
        made = Value({}, here, here)
        for key, value in node.items():
            entry = placed(value, source, node.at(key), counter, depth + 1)
            entry.key = in_file(source, node.key(key))
            made.map[key] = entry
        return made
    if isinstance(node, Seq):
        items = [
            placed(value, source, node.at(index), counter, depth + 1)
            for index, value in enumerate(node)
        ]
        return Value(items, here, here)
    lines: tuple[Place, ...] = ()
    if isinstance(node, str) and "\n" in node:
        starts = literal_line_starts(source.text, span, node)
        lines = tuple(
            in_file(source, Span(at, at + len(line)))
            for at, line in zip(starts, node.split("\n"), strict=False)
        )
    return Value(node, here, here, lines)


def copied(value: Value, counter: Counter) -> Value:
    """The same value once more, so that a change of one is none of the other."""
    counter.take()
    data = value.data
    if isinstance(data, dict):
        data = {key: copied(one, counter) for key, one in data.items()}
    elif isinstance(data, list):
        data = [copied(one, counter) for one in data]
    return Value(data, value.place, value.key, value.lines, list(value.removed))


def plain(value: Value) -> Any:
    """A value without places."""
    if isinstance(value.data, dict):
        return {key: plain(one) for key, one in value.data.items()}
    if isinstance(value.data, list):
        return [plain(one) for one in value.data]
    return value.data


class Mark(NamedTuple):
    """A piece of a built text: where it ends, where it was written, and whether place goes with place in it."""

    end: int
    place: Place
    exact: bool = False


class PlacedSource(GeneratedSource):
    """What an overlay builds, each piece of the text with the place that it was written at.

    `removals` are what took keys away from mappings, by where these begin; `kept` is the same overlay without that.
    """

    __slots__ = ("begins", "home", "kept", "marks", "removals")

    def __init__(self, path: str, text: str, environment: str, home: Source) -> None:
        super().__init__(path, text, environment)
        self.home = home
        self.begins: list[int] = []
        self.marks: list[list[Mark]] = []
        self.removals: list[tuple[int, Place]] = []
        self.kept: PlacedSource | None = None

    def removed_under(self, span: Span) -> Place | None:
        """What took a key away from the innermost piece around a place, or from a piece in it; the last that did."""
        mark = self.mark(span)
        if mark is None:
            return None
        first = bisect.bisect_left(self.removals, span.start, key=lambda one: one[0])
        last = bisect.bisect_left(self.removals, mark.end, key=lambda one: one[0])
        return self.removals[last - 1][1] if last > first else None

    def place(self, span: Span) -> tuple[Source, Span]:
        """Where the innermost piece around a place was written."""
        mark = self.mark(span)
        if mark is None:
            return self.home, self.home.one_line(Span(0, len(self.home.text)))
        source, there = mark.place
        if mark.exact:
            start = self.begins[bisect.bisect_right(self.begins, span.start) - 1]
            first = min(there.start + span.start - start, there.end)
            there = Span(first, min(max(first, there.start + span.end - start), there.end))
        return source, source.one_line(there)

    def mark(self, span: Span) -> Mark | None:
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


def written(objects: list[Value], path: str, environment: str, home: Source) -> PlacedSource:
    """The text of some objects. Raises RenderError where it is too long."""
    writer = _Writer()
    for node in objects:
        writer.add("---\n")
        writer.value(node, 0)
    source = PlacedSource(path, "".join(writer.parts), environment, home)
    source.removals = sorted(writer.removals, key=lambda one: one[0])
    for start, marks in sorted(writer.marks.items()):
        source.begins.append(start)
        source.marks.append(sorted(marks, key=lambda mark: -mark.end))
    return source


_PLAIN_KEY = re.compile(r"[A-Za-z_][\w./-]*\Z", re.ASCII)
_ODD = re.compile(
    "[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_BLOCK = re.compile(
    r"[^\s\x00-\x1f][^\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]*\Z"
)


class _Writer:
    """One pass over values; block style, for texts of several lines are read at their lines in it alone."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.at = 0
        self.marks: dict[int, list[Mark]] = {}
        self.removals: list[tuple[int, Place]] = []

    def add(self, text: str) -> None:
        self.parts.append(text)
        self.at += len(text)
        if self.at > MAX_TEXT:
            raise LimitError(f"it builds over {MAX_TEXT >> 20} MiB")

    def mark(
        self, start: int, place: Place, *, exact: bool = False, end: int | None = None
    ) -> None:
        stop = self.at if end is None else end
        self.marks.setdefault(start, []).append(Mark(stop, place, exact))

    def value(self, value: Value, indent: int) -> None:
        """A value where a line has just begun or an indicator stands before it; ends with a line break."""
        start = self.at
        if isinstance(value.data, dict) and value.data:
            for number, (key, inner) in enumerate(value.data.items()):
                if number:
                    self.add(" " * indent)
                self.entry(key, inner, indent)
            self.mark(start, value.place)
        elif isinstance(value.data, list) and value.data:
            for number, inner in enumerate(value.data):
                if number:
                    self.add(" " * indent)
                self.add("- ")
                self.value(inner, indent + 2)
            self.mark(start, value.place)
        else:
            self.scalar(value, indent)
        self.removals += [(start, one) for one in value.removed]

    def entry(self, key: str, value: Value, indent: int) -> None:
        start = self.at
        is_plain = _PLAIN_KEY.match(key) and isinstance(plain_scalar(key), str)
        self.add(key if is_plain else quoted(key))
        self.mark(start, value.key, end=start + len(key))
        self.add(":")
        if isinstance(value.data, dict | list) and value.data:
            self.add("\n" + " " * (indent + 2))
            self.value(value, indent + 2)
        else:
            self.add(" ")
            self.value(value, indent + 2)

    def scalar(self, value: Value, indent: int) -> None:
        start, data = self.at, value.data
        if isinstance(data, str) and "\n" in data and _BLOCK.match(data) and indent:
            self.block(value, data, indent)
            return
        self.add(_word(data))
        self.mark(start, value.place)
        self.add("\n")

    def block(self, value: Value, text: str, indent: int) -> None:
        """A text of several lines, each with its own place where it has one."""
        start = self.at
        body = text.rstrip("\n")
        ends = len(text) - len(body)
        self.add("|" + ("-" if not ends else "" if ends == 1 else "+"))
        self.add("\n")
        lines = [*body.split("\n"), *([""] * (ends - 1))]
        for number, line in enumerate(lines):
            if line:
                self.add(" " * indent)
                at = self.at
                self.add(line)
                if number < len(value.lines):
                    self.mark(at, value.lines[number], exact=True)
            self.add("\n")
        self.mark(start, value.place)


def _word(data: Any) -> str:
    """A scalar, or an empty container, as YAML."""
    if isinstance(data, dict | list):
        return "[]" if isinstance(data, list) else "{}"
    if isinstance(data, float) and not math.isfinite(data):
        return ".nan" if math.isnan(data) else ".inf" if data > 0 else "-.inf"
    return quoted(data) if isinstance(data, str) else json.dumps(data)


def quoted(text: str) -> str:
    """A text in double quotes, as YAML reads it."""
    plain_text = json.dumps(text, ensure_ascii=False)
    return _ODD.sub(lambda found: f"\\u{ord(found[0]):04x}", plain_text)


def walk(value: Value) -> Iterator[Value]:
    """A value and all in it."""
    stack = [value]
    while stack:
        entry = stack.pop()
        yield entry
        stack += entry.map.values() if isinstance(entry.data, dict) else entry.items
