"""Dockerfile syntax by the rules of BuildKit's own parser, with the place of every word.

Structure first: whatever can be read is read, and what is wrong is kept in `Dockerfile.errors`, so
that one bad line does not hide the rest of the file. docs/adr/0008 says why this is no wrapper.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from readiness.model import ParseError, Span
from readiness.syntax.dockerfile_options import option_error
from readiness.syntax.instruction import Dockerfile, Flag, Heredoc, Instruction, Pair
from readiness.syntax.pieces import Pieces, join_pieces
from readiness.syntax.template import find_marks
from readiness.syntax.words import SPACE, json_words, split_words, unquoted, words_of

KEYWORDS = frozenset(
    {
        "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL",
        "MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
    }
)  # fmt: skip
MAX_INSTRUCTIONS = 3_000  # an image has 127 layers at most
_MAY_BE_JSON = frozenset({"RUN", "CMD", "ENTRYPOINT", "SHELL", "ADD", "COPY", "VOLUME"})
_HEREDOCS = frozenset({"ADD", "COPY", "RUN"})
_PAIRS = frozenset({"ENV", "LABEL", "ARG"})
_DIRECTIVE = re.compile(r"#[ \t]*([A-Za-z][A-Za-z0-9]*)[ \t]*=[ \t]*(\S[^\r\n]*)")
_HEREDOC = re.compile(r"(\d*)<<(-?)([^<]+)\Z")
_KEYWORD = re.compile(r"[^ \t\v\f\r\n]+")
_VARIABLE = re.compile(r"\$\{?[A-Za-z_]")


@dataclass(slots=True)
class _Reader:
    """The physical lines of a text, read one by one."""

    text: str
    at: int = 0
    escape: str = "\\"
    foreign: bool = False
    comments: list[Span] = field(default_factory=list)
    above: list[Span] = field(default_factory=list)
    errors: list[ParseError] = field(default_factory=list)
    unfilled: list[int] = field(default_factory=list)

    def line(self) -> tuple[int, int] | None:
        """The next line as (start, end without its break); None at the end of the text."""
        if self.at >= len(self.text):
            return None
        start = self.at
        stop = self.text.find("\n", start)
        self.at = len(self.text) if stop < 0 else stop + 1
        end = len(self.text) if stop < 0 else stop
        while end > start and self.text[end - 1] == "\r":
            end -= 1
        return start, end

    def continued(self, start: int, end: int) -> int:
        """The end of a line's text before its continuation mark; -1 where the line has none."""
        last = end
        while last > start and self.text[last - 1] in " \t":
            last -= 1
        if last == start or self.text[last - 1] != self.escape:
            return -1
        if last - 2 >= start and self.text[last - 2] == self.escape:
            return -1
        return last - 1

    def fail(self, message: str, offset: int) -> None:
        """Add a parse error at an offset of the text."""
        self.errors.append(ParseError(message, offset))


def parse_dockerfile(text: str, *, is_template: bool = False) -> Dockerfile:
    """The instructions of a Dockerfile. Raises ParseError where there is none at all.

    In a template, tags that stand alone on their lines and put in nothing themselves are passed over as comments are, and values
    that are to be put in are all written as `{{ }}`. In any other file they are what they are to the builder.
    """
    read = _in_one_form(text) if is_template else text
    reader = _Reader(read, 1 if text.startswith("\ufeff") else 0)
    directives = _parser_directives(reader)
    reader.escape = directives.get("escape", "\\") if directives.get("escape") == "`" else "\\"
    # a frontend of somebody else may know other options
    reader.foreign = "docker/dockerfile" not in directives.get("syntax", "docker/dockerfile")
    instructions: list[Instruction] = []
    for pieces, gap in _logical_lines(reader):
        if len(instructions) > MAX_INSTRUCTIONS:
            message = (
                f"more than {MAX_INSTRUCTIONS} instructions, which no builder makes an image of"
            )
            raise ParseError(message, pieces.offset(0))
        above, reader.above = tuple(reader.above), []
        instruction = _parse_instruction(reader, pieces)
        if instruction is not None:
            instructions.append(replace(instruction, comments=above, gap=gap))
    if not instructions:
        first = reader.errors[0] if reader.errors else ParseError("file with no instructions", 0)
        raise first
    return Dockerfile(
        tuple(instructions),
        directives,
        tuple(reader.comments),
        tuple(reader.errors),
        reader.escape,
        is_template or bool(reader.unfilled),
        tuple(reader.unfilled),
    )


def _in_one_form(text: str) -> str:
    """The text of a template with its marks as `{{ }}`, and tags that stand alone as comments; all else in its place."""
    pieces: list[str] = []
    at = 0
    for mark in find_marks(text):
        written = text[mark.start : mark.end]
        if mark.control and mark.alone:
            pieces += [text[at : mark.start], _commented(written)]
        elif mark.form in {"%%", "@", "<%"} and not (mark.control or mark.alone):
            pieces += [text[at : mark.start], f"{{{{{written[2:-2]}}}}}"[: len(written)]]
        else:
            continue
        at = mark.end
    return "".join([*pieces, text[at:]])


def _commented(written: str) -> str:
    """A text with each of its lines made a comment of its length."""
    return "\n".join("#".ljust(len(line)) for line in written.split("\n"))


def _parser_directives(reader: _Reader) -> dict[str, str]:
    """The parser directives at the head; anything that is none ends them, a comment too."""
    directives: dict[str, str] = {}
    while True:
        at = reader.at
        line = reader.line()
        match = (
            _DIRECTIVE.match(reader.text, _skip_blanks(reader.text, *line), line[1])
            if line
            else None
        )
        name = match.group(1).lower() if match else ""
        if match is None or name in directives or name not in {"escape", "syntax", "check"}:
            reader.at = at
            return directives
        directives[name] = match.group(2).strip()
        reader.comments.append(Span(match.start(), match.end()))


def _skip_blanks(text: str, start: int, end: int) -> int:
    while start < end and text[start] in SPACE:
        start += 1
    return start


def _logical_lines(reader: _Reader) -> Iterator[tuple[Pieces, Span | None]]:
    """Each instruction's text, continuations joined, comments and empty lines left out."""
    text = reader.text
    while (line := reader.line()) is not None:
        start, end = _skip_blanks(text, *line), line[1]
        if start == end:
            reader.above = []
            continue
        if text[start] == "#":
            reader.comments.append(Span(start, end))
            reader.above.append(Span(start, end))
            continue
        parts: list[tuple[str, int]] = []
        gap: Span | None = None
        empty = False
        stop = reader.continued(start, end)
        while stop >= 0:
            parts.append((text[start:stop], start))
            following = reader.line()
            if following is None:
                break
            start, end = following
            first = _skip_blanks(text, start, end)
            if first < end and text[first] == "#":
                reader.comments.append(Span(first, end))
                stop = start = first  # an empty part: the loop goes on
                continue
            if first == end:
                empty = True
                stop = start
                continue
            if empty and gap is None:
                gap = Span(first, end)
            stop = reader.continued(start, end)
        else:
            parts.append((text[start:end], start))
        yield join_pieces(parts), gap


def _parse_instruction(reader: _Reader, pieces: Pieces) -> Instruction | None:
    """The instruction of a logical line; None where its keyword is unknown."""
    match = _KEYWORD.search(pieces.text)
    if match is None:
        return None
    start, written = match.start(), match.group()
    keyword = written.upper()
    place = pieces.span(start, match.end())
    if keyword not in KEYWORDS:
        if _is_mark(pieces.text, start):
            reader.unfilled.append(place.start)
        else:
            reader.fail(f"unknown instruction: {written[:40]}", place.start)
        return None
    end = len(pieces.text.rstrip(SPACE))
    instruction = Instruction(keyword, written, pieces.span(start, end), place)
    rest = _trim_pieces(pieces.cut(match.end(), end))
    if keyword == "ONBUILD":
        return _parse_onbuild(reader, instruction, rest)
    flags, body = _split_flags(rest, reader.escape)
    instruction = replace(instruction, flags=flags, body=body)
    instruction = _split_arguments(reader, instruction)
    if keyword in _HEREDOCS and not instruction.json:
        instruction = replace(instruction, heredocs=tuple(_read_heredocs(reader, instruction)))
    _validate(reader, instruction)
    return instruction


def _is_mark(line: str, start: int) -> bool:
    """Whether another program puts its words where an instruction should begin."""
    first = next(find_marks(line[start:]), None)
    return (first is not None and first.start == 0) or _VARIABLE.match(line, start) is not None


def _parse_onbuild(reader: _Reader, outer: Instruction, rest: Pieces) -> Instruction:
    """ONBUILD with the instruction inside it; a chain of ONBUILDs is read one level deep."""
    if not rest.text:
        reader.fail("ONBUILD requires at least one argument", outer.span.start)
        return outer
    first = rest.text.split(None, 1)[0].upper()
    if first == "ONBUILD":
        inner: Instruction | None = Instruction(
            "ONBUILD", rest.text[:7], rest.span(0, len(rest.text)), rest.span(0, 7), body=rest
        )
    else:
        inner = _parse_instruction(reader, rest)
    if inner is not None:
        inner = replace(inner, onbuild=True)
    return replace(outer, body=rest, words=words_of(rest, reader.escape), inner=inner)


def _trim_pieces(pieces: Pieces) -> Pieces:
    text = pieces.text
    start = _skip_blanks(text, 0, len(text))
    return pieces.cut(start, len(text)) if start else pieces


def _split_flags(pieces: Pieces, escape: str) -> tuple[tuple[Flag, ...], Pieces]:
    """The flags before the arguments, and what is left."""
    if not pieces.text.startswith("--"):
        return (), pieces
    flags: list[Flag] = []
    rest = len(pieces.text)
    for start, end, _ in split_words(pieces, escape):
        raw = pieces.text[start:end]
        if not raw.startswith("--"):
            rest = start
            break
        if raw == "--":
            rest = _skip_blanks(pieces.text, end, len(pieces.text))
            break
        name, equals, value = raw[2:].partition("=")
        middle = start + 2 + len(name) + len(equals)
        place = pieces.span(middle, end) if equals else pieces.span(start, end)
        flags.append(
            Flag(name.lower(), unquoted(value, escape), value, pieces.span(start, end), place)
        )
    return tuple(flags), pieces.cut(rest, len(pieces.text))


def _split_arguments(reader: _Reader, instruction: Instruction) -> Instruction:
    """The instruction with its words: JSON entries, pairs, or words between blanks."""
    escape = reader.escape
    body = instruction.body
    if instruction.keyword == "HEALTHCHECK":
        words = words_of(body, escape)
        if words and words[0].raw.upper() == "CMD":
            start = _skip_blanks(body.text, len(words[0].raw), len(body.text))
            command = body.cut(start, len(body.text))
            entries = json_words(command)
            tail = entries if entries is not None else words_of(command, escape)
            return replace(
                instruction, words=(words[0], *tail), body=command, json=entries is not None
            )
        return replace(instruction, words=words)
    if instruction.keyword in _MAY_BE_JSON:
        entries = json_words(body)
        if entries is not None:
            return replace(instruction, words=entries, json=True)
    words = words_of(body, escape)
    instruction = replace(instruction, words=words)
    return _with_pairs(instruction, escape) if instruction.keyword in _PAIRS else instruction


def _with_pairs(instruction: Instruction, escape: str) -> Instruction:
    """ENV, LABEL and ARG: `name=value` words, or the old form `name value` up to the line's end."""
    first = instruction.words[0].raw if instruction.words else ""
    if instruction.keyword != "ARG" and instruction.words and "=" not in first:
        start = _skip_blanks(instruction.body.text, len(first), len(instruction.body.text))
        raw = instruction.body.text[start:]
        name = instruction.words[0]
        place = instruction.body.span(start, len(instruction.body.text)) if raw else name.span
        entry = Span(name.span.start, place.end)
        pair = Pair(name.value, raw, unquoted(raw, escape), name.span, place, entry)
        return replace(instruction, pairs=(pair,), legacy=True)
    pairs = []
    spans = list(split_words(instruction.body, escape))
    for word, (start, end, _) in zip(instruction.words, spans, strict=True):
        name_raw, equals, value = word.raw.partition("=")
        if not equals and instruction.keyword != "ARG":
            continue
        middle = start + len(name_raw)
        pairs.append(
            Pair(
                unquoted(name_raw, escape),
                value if equals else None,
                unquoted(value, escape),
                instruction.body.span(start, middle),
                instruction.body.span(middle + 1, end) if equals and value else word.span,
                word.span,
            )
        )
    return replace(instruction, pairs=tuple(pairs))


def _read_heredocs(reader: _Reader, instruction: Instruction) -> Iterator[Heredoc]:
    """The here-documents that the line announces; reads their bodies off the text."""
    if "<<" not in instruction.body.text:
        return
    for word in instruction.words:
        match = _HEREDOC.match(word.raw) if word.closed else None
        if match is None:
            continue
        name = unquoted(match.group(3), reader.escape)
        start = stop = reader.at
        while True:
            line = reader.line()
            if line is None:
                reader.fail("unterminated heredoc", word.span.start)
                yield Heredoc(name, name == match.group(3), Span(start, stop), word.span)
                return
            text = reader.text[line[0] : line[1]]
            if (text.lstrip("\t") if match.group(2) else text) == name:
                break
            stop = reader.at
        yield Heredoc(
            name, name == match.group(3), Span(start, stop), word.span, bool(match.group(2))
        )


def _validate(reader: _Reader, instruction: Instruction) -> None:
    """What the builder refuses: too few arguments, and forms that it does not know."""
    keyword, words = instruction.keyword, instruction.words
    count = len(words)
    if keyword == "FROM" and count not in (1, 3):
        reader.fail("FROM requires either one or three arguments", instruction.span.start)
    elif keyword == "FROM" and count == 3 and words[1].raw.upper() != "AS":
        reader.fail("the second argument of FROM is AS", words[1].span.start)
    elif keyword in _AT_LEAST and count < _AT_LEAST[keyword]:
        need = _AT_LEAST[keyword]
        noun = "argument" if need == 1 else "arguments"
        reader.fail(f"{keyword} requires at least {_NUMBERS[need]} {noun}", instruction.span.start)
    elif keyword == "SHELL" and not instruction.json:
        reader.fail("SHELL requires its arguments in JSON form", instruction.span.start)
    elif keyword == "HEALTHCHECK" and words[0].raw.upper() not in ("CMD", "NONE"):
        reader.fail(
            f"HEALTHCHECK knows CMD and NONE, not {words[0].raw[:40]}", instruction.span.start
        )
    elif keyword in ("ENV", "LABEL"):
        if instruction.legacy and count == 1:
            reader.fail(f"{keyword} must have two arguments", instruction.span.start)
        for word in () if instruction.legacy else words:
            if "=" not in word.raw:
                reader.fail(f"no = in {word.raw[:40]}: the form is name=value", word.span.start)
                break
    error = None if reader.foreign else option_error(instruction)
    if error is not None:
        reader.errors.append(error)
    if keyword in _QUOTED and not instruction.json:
        for word in words:
            if not word.closed:
                reader.fail("a quote that is opened and never closed", word.span.start)
                break


_NUMBERS = {1: "one", 2: "two"}
_AT_LEAST = {
    "ADD": 2, "COPY": 2, "ENV": 1, "LABEL": 1, "ARG": 1, "EXPOSE": 1, "VOLUME": 1, "USER": 1,
    "WORKDIR": 1, "STOPSIGNAL": 1, "HEALTHCHECK": 1, "MAINTAINER": 1,
}  # fmt: skip
_QUOTED = frozenset({"ENV", "LABEL", "COPY", "ADD", "FROM", "ARG"})
