"""The words everything else is written in: sources, spans, hits, rules and findings."""

from __future__ import annotations

import bisect
import enum
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, NewType, Protocol

from readiness.messages import Value


class Severity(enum.IntEnum):
    """How bad it is when the rule is right; ordered, so that `>=` reads as "at least as bad"."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    def __str__(self) -> str:
        return self.name.lower()


class Confidence(enum.IntEnum):
    """How sure the rule can be, from the files alone, that its hit is a real problem."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2

    def __str__(self) -> str:
        return self.name.lower()


CATEGORIES = (
    "isolation",
    "reliability",
    "secrets",
    "delivery",
    "edge",
    "observability",
    "correctness",
    "style",
)
NONE: Mapping[str, Any] = MappingProxyType({})
LEVELS = ("recommended", "strict", "optional")
# A parameter of a check that is a regular expression: one whose time outgrows the text is refused where it is given.
Pattern = NewType("Pattern", str)


class Span(NamedTuple):
    """Two offsets into a source's text, in characters; `end` is exclusive."""

    start: int
    end: int


class Position(NamedTuple):
    """A place as people say it: both numbers count from 1, columns in characters."""

    line: int
    column: int


class Source:
    """A file's path and text, or a document nested in another source (a fenced block, a ConfigMap value).

    `starts` gives, for each line of a nested text, the offset in the parent's text where that line begins, so
    that every place is told in the file that a person opens. `fragment` marks a piece shown without its
    surroundings (a block in prose): it is judged for what it shows, not for what it leaves out.
    """

    __slots__ = ("_lines", "fragment", "kind", "parent", "path", "starts", "text")

    def __init__(
        self,
        path: str,
        text: str,
        *,
        parent: Source | None = None,
        starts: tuple[int, ...] = (),
        fragment: bool = False,
        kind: str = "",
    ) -> None:
        self.path = path
        self.text = text
        self.parent = parent
        self.starts = starts
        self.fragment = fragment
        self.kind = kind
        self._lines: list[int] | None = None

    def __repr__(self) -> str:
        return f"Source({self.path!r}, {len(self.text)} characters)"

    @property
    def lines(self) -> list[int]:
        """The offset at which each line begins (LF, CRLF and lone CR end a line)."""
        if self._lines is None:
            self._lines = line_starts(self.text)
        return self._lines

    @property
    def root(self) -> Source:
        """The file that a nested source stands in; the source itself where it is a file."""
        source = self
        while source.parent is not None:
            source = source.parent
        return source

    def to_root(self, offset: int) -> int:
        """The offset in the root's text of an offset in this text."""
        source = self
        while source.parent is not None:
            row = bisect.bisect_right(source.lines, offset) - 1
            row = min(row, len(source.starts) - 1)
            offset = source.starts[row] + offset - source.lines[row] if row >= 0 else 0
            source = source.parent
        return offset

    def position(self, offset: int) -> Position:
        """Line and column, both from 1, of an offset in this text, told in the root file."""
        root = self
        if self.parent is not None:
            root, offset = self.root, self.to_root(offset)
        row = max(bisect.bisect_right(root.lines, offset) - 1, 0)
        return Position(row + 1, offset - root.lines[row] + 1)

    def line(self, number: int) -> str:
        """The text of line `number` (from 1) without its line break; empty past the end."""
        if not 0 < number <= len(self.lines):
            return ""
        start = self.lines[number - 1]
        end = self.lines[number] if number < len(self.lines) else len(self.text)
        return self.text[start:end].rstrip("\r\n")

    def one_line(self, span: Span) -> Span:
        """The span cut at the end of its first line, without trailing blanks.

        What is missing is shown at its closest owner, and an owner may be a hundred lines long; the first line
        is the grip that a reader needs and that an annotation on a pull request can show.
        """
        start = min(span.start, len(self.text))
        end = min(max(span.end, start), len(self.text))
        for stop in ("\n", "\r"):
            cut = self.text.find(stop, start, end)
            if cut >= 0:
                end = cut
        return Span(start, start + len(self.text[start:end].rstrip()))


def line_starts(text: str) -> list[int]:
    """The offsets at which the lines of `text` begin."""
    starts = [0]
    find = text.find
    if "\r" not in text:
        at = find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = find("\n", at + 1)
        return starts
    for at, char in enumerate(text):
        if char == "\n" or (char == "\r" and text[at + 1 : at + 2] != "\n"):
            starts.append(at + 1)
    return starts


class ParseError(Exception):
    """A source that its kind cannot read: the parser's reason and the offset where it gave up."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class Node(Protocol):
    """What every syntax offers to rules: the value under a key, and where it stands."""

    def get(self, key: str, default: Any = None, /) -> Any:
        """The value under `key`, or the default."""

    def at(self, key: Any = None, /) -> Span:
        """The span of the value under `key`; of the node itself where there is no such key."""


class Subject(Protocol):
    """One thing that a rule looks at: a container, a stage, a server block, a job."""

    @property
    def source(self) -> Source:
        """Where it stands."""

    @property
    def node(self) -> Any:
        """Its syntax, for predicates: see Node."""

    @property
    def resource(self) -> str:
        """Its name as KIND/NAME, as reports print it."""

    @property
    def container(self) -> str:
        """The container's name inside a workload, else an empty string."""


class Related(NamedTuple):
    """A second place that belongs to a finding, with what it has to do with it."""

    source: Source
    span: Span
    message: str


class Hit(NamedTuple):
    """What a check yields: a place, and the facts that fill the rule's message.

    `absent` says that the hit is about something left out, shown at its closest owner: such hits are dropped in
    fragments. `source`, `resource` and `container` are given only where they differ from the subject's.
    """

    span: Span
    facts: Mapping[str, Any] = NONE
    absent: bool = False
    source: Source | None = None
    resource: str | None = None
    container: str | None = None
    related: tuple[Related, ...] = ()


class Unknown(NamedTuple):
    """What a check yields where the files cannot tell (a value from a variable): lowers coverage, never the score."""

    span: Span


class Aside:
    """What a check yields for a subject that its rule is not about: it proves nothing of it.

    A job that deploys nothing is no proof that deployments can be rolled back.
    """

    __slots__ = ()


def hit(
    span: Span,
    *,
    at: Source | None = None,
    resource: str | None = None,
    container: str | None = None,
    related: Iterable[Related] = (),
    **facts: Value,
) -> Hit:
    """A hit on something that stands at `span`."""
    return Hit(span, facts, False, at, resource, container, tuple(related))


def missing(
    span: Span,
    *,
    at: Source | None = None,
    resource: str | None = None,
    container: str | None = None,
    related: Iterable[Related] = (),
    **facts: Value,
) -> Hit:
    """A hit on something that is not there; `span` is its closest owner."""
    return Hit(span, facts, True, at, resource, container, tuple(related))


class Rule(NamedTuple):
    """One rule file: what is wrong, why it breaks in production, how bad it is, how to fix it.

    `hides` says that its hits stand on secret values, which no output shows.
    """

    id: str
    title: str
    severity: Severity
    confidence: Confidence
    category: str
    kind: str
    targets: tuple[str, ...]
    message: str
    why: str
    fix: str
    links: tuple[str, ...] = ()
    equivalents: Mapping[str, tuple[str, ...]] = NONE
    checklist: tuple[str, ...] = ()
    level: str = "recommended"
    hides: bool = False
    opinion: str = ""
    since: str = ""

    def __str__(self) -> str:
        return self.id

    @property
    def points(self) -> float:
        """What one failure costs before it is spread over a category: see docs/scoring.md."""
        return POINTS[self.severity] * WEIGHTS[self.confidence]


POINTS = {
    Severity.CRITICAL: 12,
    Severity.HIGH: 6,
    Severity.MEDIUM: 3,
    Severity.LOW: 1,
    Severity.INFO: 0,
}
WEIGHTS = {Confidence.HIGH: 1.0, Confidence.MEDIUM: 0.7, Confidence.LOW: 0.3}


class Suppression(NamedTuple):
    """Why a finding does not count: who said so, the reason given, and the date it ends (YYYY-MM-DD)."""

    by: str
    reason: str
    until: str | None = None


class Note(NamedTuple):
    """A suppression that an object carries in its annotations: the rule it names, its text, and where."""

    source: Source
    rule: str
    text: str
    span: Span
    within: Span


class Finding(NamedTuple):
    """One true thing about one place.

    `heads` are the offsets at which the blocks around the place begin: a suppression may stand there.
    """

    rule: Rule
    source: Source
    span: Span
    message: str
    resource: str = ""
    container: str = ""
    related: tuple[Related, ...] = ()
    heads: tuple[int, ...] = ()
    suppressed: Suppression | None = None
    gain: float = 0.0
    fingerprint: str = ""

    @property
    def path(self) -> str:
        """The path of the file, relative to the working directory, with `/`."""
        return self.source.root.path

    @property
    def place(self) -> tuple[str, int]:
        """Where the fix goes: the file, and the offset in it. Equal places are one failure to the score."""
        source = self.source
        if source.parent is None:
            return source.path, self.span.start
        return source.root.path, source.to_root(self.span.start)

    @property
    def start(self) -> Position:
        """The first character."""
        return self.source.position(self.span.start)

    @property
    def end(self) -> Position:
        """One past the last character."""
        start = self.start
        return Position(start.line, start.column + self.span.end - self.span.start)

    @property
    def line(self) -> int:
        """The line, from 1."""
        return self.start.line


def joined(items: Iterable[object]) -> str:
    """Names for a message: `a, b and c`."""
    names = [str(item) for item in items]
    return (
        names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""
    )
