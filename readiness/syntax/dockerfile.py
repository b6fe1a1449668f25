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
from readiness.syntax.dockerfile_template import with_uniform_template_marks
from readiness.syntax.instruction import (
    Dockerfile,
    Heredoc,
    Instruction,
    InstructionFlag,
    NameValuePair,
)
from readiness.syntax.pieces import JoinedText, join_pieces
from readiness.syntax.template import find_marks
from readiness.syntax.words import (
    BLANK_CHARACTERS,
    json_words,
    remove_quotes,
    split_instruction_words,
    words_of,
)

KEYWORDS = frozenset(
    {
        "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL",
        "MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
    }
)  # fmt: skip
MAX_INSTRUCTIONS = 3_000  # an image has 127 layers at most
_MAY_BE_JSON = frozenset({"RUN", "CMD", "ENTRYPOINT", "SHELL", "ADD", "COPY", "VOLUME"})
_INSTRUCTIONS_WITH_HEREDOCS = frozenset({"ADD", "COPY", "RUN"})
_INSTRUCTIONS_WITH_PAIRS = frozenset({"ENV", "LABEL", "ARG"})
_PARSER_DIRECTIVE = re.compile(r"#[ \t]*([A-Za-z][A-Za-z0-9]*)[ \t]*=[ \t]*(\S[^\r\n]*)")
_HEREDOC_START = re.compile(r"(\d*)<<(-?)([^<]+)\Z")
_KEYWORD = re.compile(r"[^ \t\v\f\r\n]+")
_VARIABLE_START = re.compile(r"\$\{?[A-Za-z_]")


@dataclass(slots=True)
class _LineReader:
    """The physical lines of a text, read one by one."""

    text: str
    at: int = 0
    escape: str = "\\"
    has_other_frontend: bool = False
    comments: list[Span] = field(default_factory=list)
    pending_comments: list[Span] = field(default_factory=list)
    errors: list[ParseError] = field(default_factory=list)
    unfilled: list[int] = field(default_factory=list)

    def next_line(self) -> tuple[int, int] | None:
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

    def continued_text_end(self, start: int, end: int) -> int:
        """The end of a line's text before its continuation mark; -1 where the line has none."""
        last = end
        while last > start and self.text[last - 1] in " \t":
            last -= 1
        if last == start or self.text[last - 1] != self.escape:
            return -1
        if last - 2 >= start and self.text[last - 2] == self.escape:
            return -1
        return last - 1

    def add_error(self, message: str, offset: int) -> None:
        """Add a parse error at an offset of the text."""
        self.errors.append(ParseError(message, offset))


def parse_dockerfile(text: str, *, is_template: bool = False) -> Dockerfile:
    """The instructions of a Dockerfile. Raises ParseError where there is none at all.

    In a template, tags that stand alone on their lines and put in nothing themselves are passed over as comments are, and values
    that are to be put in are all written as `{{ }}`. In any other file they are what they are to the builder.
    """
    read = with_uniform_template_marks(text) if is_template else text
    reader = _LineReader(read, 1 if text.startswith("\ufeff") else 0)
    directives = _parser_directives(reader)
    reader.escape = directives.get("escape", "\\") if directives.get("escape") == "`" else "\\"
    # a frontend of somebody else may know other options
    reader.has_other_frontend = "docker/dockerfile" not in directives.get("syntax", "docker/dockerfile")
    instructions: list[Instruction] = []
    for pieces, gap in _logical_lines(reader):
        if len(instructions) > MAX_INSTRUCTIONS:
            message = f"more than {MAX_INSTRUCTIONS} instructions, which no builder makes an image of"
            raise ParseError(message, pieces.source_offset(0))
        above, reader.pending_comments = tuple(reader.pending_comments), []
        instruction = _parse_instruction(reader, pieces)
        if instruction is not None:
            instructions.append(replace(instruction, comments=above, empty_continuation_span=gap))
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


def _parser_directives(reader: _LineReader) -> dict[str, str]:
    """The parser directives at the head; anything that is none ends them, a comment too."""
    directives: dict[str, str] = {}
    while True:
        at = reader.at
        line = reader.next_line()
        match = _PARSER_DIRECTIVE.match(reader.text, _skip_blanks(reader.text, *line), line[1]) if line else None
        name = match.group(1).lower() if match else ""
        if match is None or name in directives or name not in {"escape", "syntax", "check"}:
            reader.at = at
            return directives
        directives[name] = match.group(2).strip()
        reader.comments.append(Span(match.start(), match.end()))


def _skip_blanks(text: str, start: int, end: int) -> int:
    while start < end and text[start] in BLANK_CHARACTERS:
        start += 1
    return start


def _logical_lines(reader: _LineReader) -> Iterator[tuple[JoinedText, Span | None]]:
    """Each instruction's text, continuations joined, comments and empty lines left out."""
    text = reader.text
    while (line := reader.next_line()) is not None:
        start, end = _skip_blanks(text, *line), line[1]
        if start == end:
            reader.pending_comments = []
            continue
        if text[start] == "#":
            reader.comments.append(Span(start, end))
            reader.pending_comments.append(Span(start, end))
            continue
        parts: list[tuple[str, int]] = []
        gap: Span | None = None
        empty = False
        stop = reader.continued_text_end(start, end)
        while stop >= 0:
            parts.append((text[start:stop], start))
            following = reader.next_line()
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
            stop = reader.continued_text_end(start, end)
        else:
            parts.append((text[start:end], start))
        yield join_pieces(parts), gap


def _parse_instruction(reader: _LineReader, pieces: JoinedText) -> Instruction | None:
    """The instruction of a logical line; None where its keyword is unknown."""
    match = _KEYWORD.search(pieces.text)
    if match is None:
        return None
    start, written = match.start(), match.group()
    keyword = written.upper()
    place = pieces.source_span(start, match.end())
    if keyword not in KEYWORDS:
        if _is_template_mark(pieces.text, start):
            reader.unfilled.append(place.start)
        else:
            reader.add_error(f"unknown instruction: {written[:40]}", place.start)
        return None
    end = len(pieces.text.rstrip(BLANK_CHARACTERS))
    instruction = Instruction(keyword, written, pieces.source_span(start, end), place)
    rest = _trim_pieces(pieces.cut(match.end(), end))
    if keyword == "ONBUILD":
        return _parse_onbuild(reader, instruction, rest)
    flags, body = _split_flags(rest, reader.escape)
    instruction = replace(instruction, flags=flags, arguments_text=body)
    instruction = _split_arguments(reader, instruction)
    if keyword in _INSTRUCTIONS_WITH_HEREDOCS and not instruction.is_json_form:
        instruction = replace(instruction, heredocs=tuple(_read_heredocs(reader, instruction)))
    _validate_instruction(reader, instruction)
    return instruction


def _is_template_mark(line: str, start: int) -> bool:
    """Whether another program puts its words where an instruction should begin."""
    first = next(find_marks(line[start:]), None)
    return (first is not None and first.start == 0) or _VARIABLE_START.match(line, start) is not None


def _parse_onbuild(reader: _LineReader, outer: Instruction, rest: JoinedText) -> Instruction:
    """ONBUILD with the instruction inside it; a chain of ONBUILDs is read one level deep."""
    if not rest.text:
        reader.add_error("ONBUILD requires at least one argument", outer.span.start)
        return outer
    first = rest.text.split(None, 1)[0].upper()
    if first == "ONBUILD":
        inner: Instruction | None = Instruction(
            "ONBUILD",
            rest.text[:7],
            rest.source_span(0, len(rest.text)),
            rest.source_span(0, 7),
            arguments_text=rest,
        )
    else:
        inner = _parse_instruction(reader, rest)
    if inner is not None:
        inner = replace(inner, is_under_onbuild=True)
    return replace(outer, arguments_text=rest, words=words_of(rest, reader.escape), onbuild_instruction=inner)


def _trim_pieces(pieces: JoinedText) -> JoinedText:
    text = pieces.text
    start = _skip_blanks(text, 0, len(text))
    return pieces.cut(start, len(text)) if start else pieces


def _split_flags(pieces: JoinedText, escape: str) -> tuple[tuple[InstructionFlag, ...], JoinedText]:
    """The flags before the arguments, and what is left."""
    if not pieces.text.startswith("--"):
        return (), pieces
    flags: list[InstructionFlag] = []
    rest = len(pieces.text)
    for start, end, _ in split_instruction_words(pieces, escape):
        raw = pieces.text[start:end]
        if not raw.startswith("--"):
            rest = start
            break
        if raw == "--":
            rest = _skip_blanks(pieces.text, end, len(pieces.text))
            break
        name, equals, value = raw[2:].partition("=")
        middle = start + 2 + len(name) + len(equals)
        place = pieces.source_span(middle, end) if equals else pieces.source_span(start, end)
        flags.append(
            InstructionFlag(
                name.lower(),
                remove_quotes(value, escape),
                value,
                pieces.source_span(start, end),
                place,
            )
        )
    return tuple(flags), pieces.cut(rest, len(pieces.text))


def _split_arguments(reader: _LineReader, instruction: Instruction) -> Instruction:
    """The instruction with its words: JSON entries, pairs, or words between blanks."""
    escape = reader.escape
    body = instruction.arguments_text
    if instruction.keyword == "HEALTHCHECK":
        words = words_of(body, escape)
        if words and words[0].raw.upper() == "CMD":
            start = _skip_blanks(body.text, len(words[0].raw), len(body.text))
            command = body.cut(start, len(body.text))
            entries = json_words(command)
            tail = entries if entries is not None else words_of(command, escape)
            return replace(
                instruction,
                words=(words[0], *tail),
                arguments_text=command,
                is_json_form=entries is not None,
            )
        return replace(instruction, words=words)
    if instruction.keyword in _MAY_BE_JSON:
        entries = json_words(body)
        if entries is not None:
            return replace(instruction, words=entries, is_json_form=True)
    words = words_of(body, escape)
    instruction = replace(instruction, words=words)
    return _with_pairs(instruction, escape) if instruction.keyword in _INSTRUCTIONS_WITH_PAIRS else instruction


def _with_pairs(instruction: Instruction, escape: str) -> Instruction:
    """ENV, LABEL and ARG: `name=value` words, or the old form `name value` up to the line's end."""
    first = instruction.words[0].raw if instruction.words else ""
    if instruction.keyword != "ARG" and instruction.words and "=" not in first:
        start = _skip_blanks(instruction.arguments_text.text, len(first), len(instruction.arguments_text.text))
        raw = instruction.arguments_text.text[start:]
        name = instruction.words[0]
        place = instruction.arguments_text.source_span(start, len(instruction.arguments_text.text)) if raw else name.span
        entry = Span(name.span.start, place.end)
        pair = NameValuePair(name.value, raw, remove_quotes(raw, escape), name.span, place, entry)
        return replace(instruction, pairs=(pair,), uses_legacy_form=True)
    pairs = []
    spans = list(split_instruction_words(instruction.arguments_text, escape))
    for word, (start, end, _) in zip(instruction.words, spans, strict=True):
        name_raw, equals, value = word.raw.partition("=")
        if not equals and instruction.keyword != "ARG":
            continue
        middle = start + len(name_raw)
        pairs.append(
            NameValuePair(
                remove_quotes(name_raw, escape),
                value if equals else None,
                remove_quotes(value, escape),
                instruction.arguments_text.source_span(start, middle),
                instruction.arguments_text.source_span(middle + 1, end) if equals and value else word.span,
                word.span,
            )
        )
    return replace(instruction, pairs=tuple(pairs))


def _read_heredocs(reader: _LineReader, instruction: Instruction) -> Iterator[Heredoc]:
    """The here-documents that the line announces; reads their bodies off the text."""
    if "<<" not in instruction.arguments_text.text:
        return
    for word in instruction.words:
        match = _HEREDOC_START.match(word.raw) if word.is_quote_closed else None
        if match is None:
            continue
        name = remove_quotes(match.group(3), reader.escape)
        start = stop = reader.at
        while True:
            line = reader.next_line()
            if line is None:
                reader.add_error("unterminated heredoc", word.span.start)
                yield Heredoc(name, name == match.group(3), Span(start, stop), word.span)
                return
            text = reader.text[line[0] : line[1]]
            if (text.lstrip("\t") if match.group(2) else text) == name:
                break
            stop = reader.at
        yield Heredoc(name, name == match.group(3), Span(start, stop), word.span)


def _validate_instruction(reader: _LineReader, instruction: Instruction) -> None:
    """What the builder refuses: too few arguments, and forms that it does not know."""
    keyword, words = instruction.keyword, instruction.words
    count = len(words)
    if keyword == "FROM" and count not in (1, 3):
        reader.add_error("FROM requires either one or three arguments", instruction.span.start)
    elif keyword == "FROM" and count == 3 and words[1].raw.upper() != "AS":
        reader.add_error("the second argument of FROM is AS", words[1].span.start)
    elif keyword in _AT_LEAST and count < _AT_LEAST[keyword]:
        need = _AT_LEAST[keyword]
        noun = "argument" if need == 1 else "arguments"
        reader.add_error(f"{keyword} requires at least {_NUMBER_WORDS[need]} {noun}", instruction.span.start)
    elif keyword == "SHELL" and not instruction.is_json_form:
        reader.add_error("SHELL requires its arguments in JSON form", instruction.span.start)
    elif keyword == "HEALTHCHECK" and words[0].raw.upper() not in ("CMD", "NONE"):
        reader.add_error(f"HEALTHCHECK knows CMD and NONE, not {words[0].raw[:40]}", instruction.span.start)
    elif keyword in ("ENV", "LABEL"):
        if instruction.uses_legacy_form and count == 1:
            reader.add_error(f"{keyword} must have two arguments", instruction.span.start)
        for word in () if instruction.uses_legacy_form else words:
            if "=" not in word.raw:
                reader.add_error(f"no = in {word.raw[:40]}: the form is name=value", word.span.start)
                break
    error = None if reader.has_other_frontend else option_error(instruction)
    if error is not None:
        reader.errors.append(error)
    if keyword in _INSTRUCTIONS_WITH_QUOTES and not instruction.is_json_form:
        for word in words:
            if not word.is_quote_closed:
                reader.add_error("a quote that is opened and never closed", word.span.start)
                break


_NUMBER_WORDS = {1: "one", 2: "two"}
_AT_LEAST = {
    "ADD": 2, "COPY": 2, "ENV": 1, "LABEL": 1, "ARG": 1, "EXPOSE": 1, "VOLUME": 1, "USER": 1,
    "WORKDIR": 1, "STOPSIGNAL": 1, "HEALTHCHECK": 1, "MAINTAINER": 1,
}  # fmt: skip
_INSTRUCTIONS_WITH_QUOTES = frozenset({"ENV", "LABEL", "COPY", "ADD", "FROM", "ARG"})
