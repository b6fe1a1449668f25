"""One Dockerfile instruction and its parts, with their places: what syntax/dockerfile.py reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field

from readiness.model import ParseError, Span
from readiness.model.records import dataclass
from readiness.syntax.pieces import JoinedText, join_pieces
from readiness.syntax.words import InstructionWord


@dataclass(frozen=True, slots=True)
class InstructionFlag:
    """`--name=value` before the arguments; `value` is empty where none is written."""

    name: str
    value: str
    raw: str
    span: Span
    value_span: Span


@dataclass(frozen=True, slots=True)
class NameValuePair:
    """One `name=value` of ENV, LABEL or ARG; `raw` is None for an ARG without a default."""

    name: str
    raw: str | None
    value: str
    name_span: Span
    value_span: Span
    pair_span: Span


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A here-document: its body as it stands; `expands_variables` is false where its name is quoted."""

    name: str
    expands_variables: bool
    body_span: Span
    name_span: Span


# Other names of the keys of a mount.
_MOUNT_KEY_BY_ALIAS = {"dst": "target", "destination": "target", "src": "source"}


@dataclass(frozen=True, slots=True, eq=False)
class Instruction:
    """One instruction. `arguments_text` is everything after the flags; `words` are its arguments.

    `empty_continuation_span` is the first line that an empty line cuts off from what it continues.
    """

    keyword: str
    keyword_as_written: str
    span: Span
    keyword_span: Span
    flags: tuple[InstructionFlag, ...] = ()
    arguments_text: JoinedText = field(default_factory=lambda: join_pieces(()))
    words: tuple[InstructionWord, ...] = ()
    is_json_form: bool = False
    pairs: tuple[NameValuePair, ...] = ()
    uses_legacy_form: bool = False
    heredocs: tuple[Heredoc, ...] = ()
    comments: tuple[Span, ...] = ()
    empty_continuation_span: Span | None = None
    is_under_onbuild: bool = False
    onbuild_instruction: Instruction | None = None

    def flag(self, name: str) -> InstructionFlag | None:
        """The last flag of a name."""
        return next((flag for flag in reversed(self.flags) if flag.name == name), None)

    def mount_flags(self, mount_type: str = "") -> Iterator[dict[str, str]]:
        """The `--mount` flags as mappings, by the longer names of their keys; only those of a type where one is given."""
        for flag in self.flags:
            if flag.name == "mount":
                key_value_partitions = (part.partition("=") for part in flag.value.split(","))
                raw_keys_and_values = ((mount_key.strip().lower(), mount_value) for mount_key, _, mount_value in key_value_partitions)
                value_by_mount_key = {_MOUNT_KEY_BY_ALIAS.get(mount_key, mount_key): mount_value for mount_key, mount_value in raw_keys_and_values}
                if not mount_type or value_by_mount_key.get("type", "bind") == mount_type:
                    yield value_by_mount_key

    @property
    def unquoted_arguments(self) -> str:
        """What it says, without quotes where it names one thing."""
        if self.keyword in ("USER", "WORKDIR", "STOPSIGNAL"):
            return " ".join(word.value for word in self.words)
        return self.arguments_text.text.strip()

    @property
    def arguments_span(self) -> Span:
        """From the first argument to the last; the keyword where there is none."""
        if not self.words:
            return self.keyword_span
        return Span(self.words[0].span.start, self.words[-1].span.end)


@dataclass(frozen=True, slots=True, eq=False)
class Dockerfile:
    """All instructions in order, the parser directives, and what is wrong.

    `placeholder_offsets` are the offsets of lines where another program puts words in and an instruction should begin.
    """

    instructions: tuple[Instruction, ...]
    parser_directives: dict[str, str]
    comments: tuple[Span, ...]
    errors: tuple[ParseError, ...]
    escape_character: str
    is_template: bool
    placeholder_offsets: tuple[int, ...] = ()
