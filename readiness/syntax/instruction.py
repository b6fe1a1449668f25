"""One Dockerfile instruction and its parts, with their places: what syntax/dockerfile.py reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from readiness.model import ParseError, Span
from readiness.syntax.pieces import Pieces, join_pieces
from readiness.syntax.words import Word


@dataclass(frozen=True, slots=True)
class Flag:
    """`--name=value` before the arguments; `value` is empty where none is written."""

    name: str
    value: str
    raw: str
    span: Span
    value_span: Span


@dataclass(frozen=True, slots=True)
class Pair:
    """One `name=value` of ENV, LABEL or ARG; `raw` is None for an ARG without a default."""

    name: str
    raw: str | None
    value: str
    name_span: Span
    span: Span
    entry: Span


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A here-document: its body as it stands; `expand` is false where its name is quoted."""

    name: str
    expand: bool
    body: Span
    word: Span
    chomp: bool = False


# Other names of the keys of a mount.
_KEYS = {"dst": "target", "destination": "target", "src": "source"}


@dataclass(frozen=True, slots=True, eq=False)
class Instruction:
    """One instruction. `body` is everything after the flags; `words` are its arguments.

    `gap` is the first line that an empty line cuts off from what it continues.
    """

    keyword: str
    written: str
    span: Span
    keyword_span: Span
    flags: tuple[Flag, ...] = ()
    body: Pieces = field(default_factory=lambda: join_pieces(()))
    words: tuple[Word, ...] = ()
    json: bool = False
    pairs: tuple[Pair, ...] = ()
    legacy: bool = False
    heredocs: tuple[Heredoc, ...] = ()
    comments: tuple[Span, ...] = ()
    gap: Span | None = None
    onbuild: bool = False
    inner: Instruction | None = None

    def flag(self, name: str) -> Flag | None:
        """The last flag of a name."""
        return next((flag for flag in reversed(self.flags) if flag.name == name), None)

    def mounts(self, kind: str = "") -> Iterator[dict[str, str]]:
        """The `--mount` flags as mappings, by the longer names of their keys; only those of a type where one is given."""
        for flag in self.flags:
            if flag.name == "mount":
                parts = (part.partition("=") for part in flag.value.split(","))
                named = ((name.strip().lower(), value) for name, _, value in parts)
                mount = {_KEYS.get(name, name): value for name, value in named}
                if not kind or mount.get("type", "bind") == kind:
                    yield mount

    @property
    def said(self) -> str:
        """What it says, without quotes where it names one thing."""
        if self.keyword in ("USER", "WORKDIR", "STOPSIGNAL"):
            return " ".join(word.value for word in self.words)
        return self.body.text.strip()

    @property
    def args_span(self) -> Span:
        """From the first argument to the last; the keyword where there is none."""
        if not self.words:
            return self.keyword_span
        return Span(self.words[0].span.start, self.words[-1].span.end)


@dataclass(frozen=True, slots=True, eq=False)
class Dockerfile:
    """All instructions in order, the parser directives, and what is wrong.

    `unfilled` are the offsets of lines where another program puts words in and an instruction should begin.
    """

    instructions: tuple[Instruction, ...]
    directives: dict[str, str]
    comments: tuple[Span, ...]
    errors: tuple[ParseError, ...]
    escape: str
    template: bool
    unfilled: tuple[int, ...] = ()
