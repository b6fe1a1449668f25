"""Dockerfile syntax by the rules of BuildKit's own parser, with the place of every word.

Structure first: whatever can be read is read, and what is wrong is kept in `Dockerfile.errors`, so
that one bad line does not hide the rest of the file. docs/adr/0008 says why this is no wrapper.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, replace

from readiness.model import OverLimitError, ParseError, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.syntax.dockerfile_options import first_option_error
from readiness.syntax.dockerfile_template import with_uniform_template_marks
from readiness.syntax.instruction import Dockerfile, Heredoc, Instruction, InstructionFlag, NameValuePair
from readiness.syntax.pieces import JoinedText, join_pieces
from readiness.syntax.template import find_template_marks
from readiness.syntax.words import BLANK_CHARACTERS, parse_instruction_words, parse_json_words, remove_quotes, split_instruction_words

INSTRUCTION_KEYWORDS = frozenset(
    {
        "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL",
        "MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
    }
)  # fmt: skip
MAX_DOCKERFILE_INSTRUCTIONS = 3_000  # an image has 127 layers at most
_INSTRUCTIONS_THAT_MAY_BE_JSON = frozenset({"RUN", "CMD", "ENTRYPOINT", "SHELL", "ADD", "COPY", "VOLUME"})
_INSTRUCTIONS_WITH_HEREDOCS = frozenset({"ADD", "COPY", "RUN"})
_INSTRUCTIONS_WITH_PAIRS = frozenset({"ENV", "LABEL", "ARG"})
_PARSER_DIRECTIVE = lazy_regex(r"#[ \t]*([A-Za-z][A-Za-z0-9]*)[ \t]*=[ \t]*(\S[^\r\n]*)")
_HEREDOC_START = lazy_regex(r"(\d*)<<(-?)([^<]+)\Z")
_INSTRUCTION_KEYWORD = lazy_regex(r"[^ \t\v\f\r\n]+")
_VARIABLE_START = lazy_regex(r"\$\{?[A-Za-z_]")


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
        line_start = self.at
        line_break_offset = self.text.find("\n", line_start)
        self.at = len(self.text) if line_break_offset < 0 else line_break_offset + 1
        line_end = len(self.text) if line_break_offset < 0 else line_break_offset
        while line_end > line_start and self.text[line_end - 1] == "\r":
            line_end -= 1
        return line_start, line_end

    def continued_text_end(self, line_start: int, line_end: int) -> int:
        """The end of a line's text before its continuation mark; -1 where the line has none."""
        text_end = line_end
        while text_end > line_start and self.text[text_end - 1] in " \t":
            text_end -= 1
        if text_end == line_start or self.text[text_end - 1] != self.escape:
            return -1
        if text_end - 2 >= line_start and self.text[text_end - 2] == self.escape:
            return -1
        return text_end - 1

    def add_error(self, message: str, offset: int) -> None:
        """Add a parse error at an offset of the text."""
        self.errors.append(ParseError(message, offset))


def parse_dockerfile(text: str, *, is_template: bool = False) -> Dockerfile:
    """The instructions of a Dockerfile. Raises ParseError where there is none at all.

    In a template, tags that stand alone on their lines and put in nothing themselves are passed over as comments are, and values
    that are to be put in are all written as `{{ }}`. In any other file they are what they are to the builder.
    """
    parsed_text = with_uniform_template_marks(text, INSTRUCTION_KEYWORDS) if is_template else text
    reader = _LineReader(parsed_text, 1 if text.startswith("\ufeff") else 0)
    value_by_directive = _read_parser_directives(reader)
    reader.escape = value_by_directive.get("escape", "\\") if value_by_directive.get("escape") == "`" else "\\"
    # a frontend of somebody else may know other options
    reader.has_other_frontend = "docker/dockerfile" not in value_by_directive.get("syntax", "docker/dockerfile")
    instructions: list[Instruction] = []
    for logical_line, blank_line_span in _logical_lines_and_blank_spans(reader):
        if len(instructions) > MAX_DOCKERFILE_INSTRUCTIONS:
            message = f"it has more than {MAX_DOCKERFILE_INSTRUCTIONS:,} instructions"
            raise OverLimitError(message, logical_line.source_offset(0))
        comments_above, reader.pending_comments = tuple(reader.pending_comments), []
        instruction = _parse_instruction(reader, logical_line)
        if instruction is not None:
            instructions.append(replace(instruction, comments=comments_above, empty_continuation_span=blank_line_span))
    if not instructions:
        first_error = reader.errors[0] if reader.errors else ParseError("file with no instructions", 0)
        raise first_error
    return Dockerfile(
        tuple(instructions),
        value_by_directive,
        tuple(reader.comments),
        tuple(reader.errors),
        reader.escape,
        is_template or bool(reader.unfilled),
        tuple(reader.unfilled),
    )


def _read_parser_directives(reader: _LineReader) -> dict[str, str]:
    """The parser directives at the head; anything that is none ends them, a comment too."""
    value_by_directive: dict[str, str] = {}
    while True:
        line_start = reader.at
        line_start_and_end = reader.next_line()
        match = (
            _PARSER_DIRECTIVE.match(reader.text, _offset_after_blanks(reader.text, *line_start_and_end), line_start_and_end[1])
            if line_start_and_end
            else None
        )
        directive_name = match.group(1).lower() if match else ""
        if match is None or directive_name in value_by_directive or directive_name not in {"escape", "syntax", "check"}:
            reader.at = line_start
            return value_by_directive
        value_by_directive[directive_name] = match.group(2).strip()
        reader.comments.append(Span(match.start(), match.end()))


def _offset_after_blanks(text: str, offset: int, end_offset: int) -> int:
    while offset < end_offset and text[offset] in BLANK_CHARACTERS:
        offset += 1
    return offset


def _logical_lines_and_blank_spans(reader: _LineReader) -> Iterator[tuple[JoinedText, Span | None]]:
    """Each instruction's text, continuations joined, comments and empty lines left out."""
    text = reader.text
    while (line_start_and_end := reader.next_line()) is not None:
        text_start, line_end = _offset_after_blanks(text, *line_start_and_end), line_start_and_end[1]
        if text_start == line_end:
            reader.pending_comments = []
            continue
        if text[text_start] == "#":
            reader.comments.append(Span(text_start, line_end))
            reader.pending_comments.append(Span(text_start, line_end))
            continue
        texts_and_offsets: list[tuple[str, int]] = []
        blank_line_span: Span | None = None
        has_blank_line = False
        continued_text_end = reader.continued_text_end(text_start, line_end)
        while continued_text_end >= 0:
            texts_and_offsets.append((text[text_start:continued_text_end], text_start))
            next_line_start_and_end = reader.next_line()
            if next_line_start_and_end is None:
                break
            text_start, line_end = next_line_start_and_end
            first_non_blank = _offset_after_blanks(text, text_start, line_end)
            if first_non_blank < line_end and text[first_non_blank] == "#":
                reader.comments.append(Span(first_non_blank, line_end))
                continued_text_end = text_start = first_non_blank  # an empty part: the loop goes on
                continue
            if first_non_blank == line_end:
                has_blank_line = True
                continued_text_end = text_start
                continue
            if has_blank_line and blank_line_span is None:
                blank_line_span = Span(first_non_blank, line_end)
            continued_text_end = reader.continued_text_end(text_start, line_end)
        else:
            texts_and_offsets.append((text[text_start:line_end], text_start))
        yield join_pieces(texts_and_offsets), blank_line_span


def _parse_instruction(reader: _LineReader, logical_line: JoinedText) -> Instruction | None:
    """The instruction of a logical line; None where its keyword is unknown."""
    match = _INSTRUCTION_KEYWORD.search(logical_line.text)
    if match is None:
        return None
    keyword_start, written_keyword = match.start(), match.group()
    keyword = written_keyword.upper()
    keyword_span = logical_line.source_span(keyword_start, match.end())
    if keyword not in INSTRUCTION_KEYWORDS:
        if _begins_with_template_mark(logical_line.text, keyword_start):
            reader.unfilled.append(keyword_span.start)
        else:
            reader.add_error(f"unknown instruction: {written_keyword[:40]}", keyword_span.start)
        return None
    instruction_end = len(logical_line.text.rstrip(BLANK_CHARACTERS))
    instruction = Instruction(keyword, written_keyword, logical_line.source_span(keyword_start, instruction_end), keyword_span)
    arguments_text = _without_leading_blanks(logical_line.cut(match.end(), instruction_end))
    if keyword == "ONBUILD":
        return _parse_onbuild(reader, instruction, arguments_text)
    flags, arguments_after_flags = _split_flags_from_arguments(arguments_text, reader.escape)
    instruction = replace(instruction, flags=flags, arguments_text=arguments_after_flags)
    instruction = _with_argument_words(reader, instruction)
    if keyword in _INSTRUCTIONS_WITH_HEREDOCS and not instruction.is_json_form:
        instruction = replace(instruction, heredocs=tuple(_read_heredocs(reader, instruction)))
    _validate_instruction(reader, instruction)
    return instruction


def _begins_with_template_mark(logical_line_text: str, instruction_start: int) -> bool:
    """Whether another program puts its words where an instruction should begin."""
    first_mark = next(find_template_marks(logical_line_text[instruction_start:]), None)
    return (first_mark is not None and first_mark.start == 0) or _VARIABLE_START.match(logical_line_text, instruction_start) is not None


def _parse_onbuild(reader: _LineReader, onbuild_instruction: Instruction, arguments_text: JoinedText) -> Instruction:
    """ONBUILD with the instruction inside it; a chain of ONBUILDs is read one level deep."""
    if not arguments_text.text:
        reader.add_error("ONBUILD requires at least one argument", onbuild_instruction.span.start)
        return onbuild_instruction
    first_keyword = arguments_text.text.split(None, 1)[0].upper()
    if first_keyword == "ONBUILD":
        inner_instruction: Instruction | None = Instruction(
            "ONBUILD",
            arguments_text.text[:7],
            arguments_text.source_span(0, len(arguments_text.text)),
            arguments_text.source_span(0, 7),
            arguments_text=arguments_text,
        )
    else:
        inner_instruction = _parse_instruction(reader, arguments_text)
    if inner_instruction is not None:
        inner_instruction = replace(inner_instruction, is_under_onbuild=True)
    return replace(
        onbuild_instruction,
        arguments_text=arguments_text,
        words=parse_instruction_words(arguments_text, reader.escape),
        onbuild_instruction=inner_instruction,
    )


def _without_leading_blanks(joined_text: JoinedText) -> JoinedText:
    text = joined_text.text
    first_non_blank = _offset_after_blanks(text, 0, len(text))
    return joined_text.cut(first_non_blank, len(text)) if first_non_blank else joined_text


def _split_flags_from_arguments(arguments_text: JoinedText, escape_character: str) -> tuple[tuple[InstructionFlag, ...], JoinedText]:
    """The flags before the arguments, and what is left."""
    if not arguments_text.text.startswith("--"):
        return (), arguments_text
    flags: list[InstructionFlag] = []
    arguments_start = len(arguments_text.text)
    for word_start, word_end, _ in split_instruction_words(arguments_text, escape_character):
        raw_word = arguments_text.text[word_start:word_end]
        if not raw_word.startswith("--"):
            arguments_start = word_start
            break
        if raw_word == "--":
            arguments_start = _offset_after_blanks(arguments_text.text, word_end, len(arguments_text.text))
            break
        flag_name, equals_sign, flag_value = raw_word[2:].partition("=")
        value_start = word_start + 2 + len(flag_name) + len(equals_sign)
        value_span = arguments_text.source_span(value_start, word_end) if equals_sign else arguments_text.source_span(word_start, word_end)
        flags.append(
            InstructionFlag(
                flag_name.lower(),
                remove_quotes(flag_value, escape_character),
                flag_value,
                arguments_text.source_span(word_start, word_end),
                value_span,
            )
        )
    return tuple(flags), arguments_text.cut(arguments_start, len(arguments_text.text))


def _with_argument_words(reader: _LineReader, instruction: Instruction) -> Instruction:
    """The instruction with its words: JSON entries, pairs, or words between blanks."""
    escape_character = reader.escape
    arguments_text = instruction.arguments_text
    if instruction.keyword == "HEALTHCHECK":
        argument_words = parse_instruction_words(arguments_text, escape_character)
        if argument_words and argument_words[0].raw.upper() == "CMD":
            command_start = _offset_after_blanks(arguments_text.text, len(argument_words[0].raw), len(arguments_text.text))
            command_text = arguments_text.cut(command_start, len(arguments_text.text))
            json_entries = parse_json_words(command_text)
            command_words = json_entries if json_entries is not None else parse_instruction_words(command_text, escape_character)
            return replace(instruction, words=(argument_words[0], *command_words), arguments_text=command_text, is_json_form=json_entries is not None)
        return replace(instruction, words=argument_words)
    if instruction.keyword in _INSTRUCTIONS_THAT_MAY_BE_JSON:
        json_entries = parse_json_words(arguments_text)
        if json_entries is not None:
            return replace(instruction, words=json_entries, is_json_form=True)
    argument_words = parse_instruction_words(arguments_text, escape_character)
    instruction = replace(instruction, words=argument_words)
    return _with_name_value_pairs(instruction, escape_character) if instruction.keyword in _INSTRUCTIONS_WITH_PAIRS else instruction


def _with_name_value_pairs(instruction: Instruction, escape_character: str) -> Instruction:
    """ENV, LABEL and ARG: `name=value` words, or the old form `name value` up to the line's end."""
    first_raw_word = instruction.words[0].raw if instruction.words else ""
    if instruction.keyword != "ARG" and instruction.words and "=" not in first_raw_word:
        value_start = _offset_after_blanks(instruction.arguments_text.text, len(first_raw_word), len(instruction.arguments_text.text))
        raw_value = instruction.arguments_text.text[value_start:]
        name_word = instruction.words[0]
        value_span = instruction.arguments_text.source_span(value_start, len(instruction.arguments_text.text)) if raw_value else name_word.span
        entry_span = Span(name_word.span.start, value_span.end)
        pair = NameValuePair(name_word.value, raw_value, remove_quotes(raw_value, escape_character), name_word.span, value_span, entry_span)
        return replace(instruction, pairs=(pair,), uses_legacy_form=True)
    name_value_pairs = []
    word_spans = list(split_instruction_words(instruction.arguments_text, escape_character))
    for pair_word, (value_start, word_end, _) in zip(instruction.words, word_spans, strict=True):
        raw_name, equals_sign, raw_pair_value = pair_word.raw.partition("=")
        if not equals_sign and instruction.keyword != "ARG":
            continue
        name_end = value_start + len(raw_name)
        name_value_pairs.append(
            NameValuePair(
                remove_quotes(raw_name, escape_character),
                raw_pair_value if equals_sign else None,
                remove_quotes(raw_pair_value, escape_character),
                instruction.arguments_text.source_span(value_start, name_end),
                instruction.arguments_text.source_span(name_end + 1, word_end) if equals_sign and raw_pair_value else pair_word.span,
                pair_word.span,
            )
        )
    return replace(instruction, pairs=tuple(name_value_pairs))


def _read_heredocs(reader: _LineReader, instruction: Instruction) -> Iterator[Heredoc]:
    """The here-documents that the line announces; reads their bodies off the text."""
    if "<<" not in instruction.arguments_text.text:
        return
    for word in instruction.words:
        heredoc_start = _HEREDOC_START.match(word.raw) if word.is_quote_closed else None
        if heredoc_start is None:
            continue
        delimiter = remove_quotes(heredoc_start.group(3), reader.escape)
        body_start = body_end = reader.at
        while True:
            line_start_and_end = reader.next_line()
            if line_start_and_end is None:
                reader.add_error("unterminated heredoc", word.span.start)
                yield Heredoc(delimiter, delimiter == heredoc_start.group(3), Span(body_start, body_end), word.span)
                return
            line_text = reader.text[line_start_and_end[0] : line_start_and_end[1]]
            if (line_text.lstrip("\t") if heredoc_start.group(2) else line_text) == delimiter:
                break
            body_end = reader.at
        yield Heredoc(delimiter, delimiter == heredoc_start.group(3), Span(body_start, body_end), word.span)


def _validate_instruction(reader: _LineReader, instruction: Instruction) -> None:
    """What the builder refuses: too few arguments, and forms that it does not know."""
    keyword, words = instruction.keyword, instruction.words
    word_count = len(words)
    if keyword == "FROM" and word_count not in (1, 3):
        reader.add_error("FROM requires either one or three arguments", instruction.span.start)
    elif keyword == "FROM" and word_count == 3 and words[1].raw.upper() != "AS":
        reader.add_error("the second argument of FROM is AS", words[1].span.start)
    elif keyword in _MIN_ARGUMENTS_BY_INSTRUCTION and word_count < _MIN_ARGUMENTS_BY_INSTRUCTION[keyword]:
        min_arguments = _MIN_ARGUMENTS_BY_INSTRUCTION[keyword]
        noun = "argument" if min_arguments == 1 else "arguments"
        reader.add_error(f"{keyword} requires at least {_WORD_BY_NUMBER[min_arguments]} {noun}", instruction.span.start)
    elif keyword == "SHELL" and not instruction.is_json_form:
        reader.add_error("SHELL requires its arguments in JSON form", instruction.span.start)
    elif keyword == "HEALTHCHECK" and words[0].raw.upper() not in ("CMD", "NONE"):
        reader.add_error(f"HEALTHCHECK knows CMD and NONE, not {words[0].raw[:40]}", instruction.span.start)
    elif keyword in ("ENV", "LABEL"):
        if instruction.uses_legacy_form and word_count == 1:
            reader.add_error(f"{keyword} must have two arguments", instruction.span.start)
        for word in () if instruction.uses_legacy_form else words:
            if "=" not in word.raw:
                reader.add_error(f"no = in {word.raw[:40]}: the form is name=value", word.span.start)
                break
    flag_or_signal_error = None if reader.has_other_frontend else first_option_error(instruction)
    if flag_or_signal_error is not None:
        reader.errors.append(flag_or_signal_error)
    if keyword in _INSTRUCTIONS_WITH_QUOTE_CHECK and not instruction.is_json_form:
        for word in words:
            if not word.is_quote_closed:
                reader.add_error("a quote that is opened and never closed", word.span.start)
                break


_WORD_BY_NUMBER = {1: "one", 2: "two"}
_MIN_ARGUMENTS_BY_INSTRUCTION = {
    "ADD": 2, "COPY": 2, "ENV": 1, "LABEL": 1, "ARG": 1, "EXPOSE": 1, "VOLUME": 1, "USER": 1,
    "WORKDIR": 1, "STOPSIGNAL": 1, "HEALTHCHECK": 1, "MAINTAINER": 1,
}  # fmt: skip
_INSTRUCTIONS_WITH_QUOTE_CHECK = frozenset({"ENV", "LABEL", "COPY", "ADD", "FROM", "ARG"})
