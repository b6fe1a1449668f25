"""Environment files as Docker reads them: `NAME=value` with quotes, escapes, comments and variables, each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from readiness.model import ParseError, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.syntax.interpolation import (
    NO_VARIABLES,
    UNKNOWN_VALUE_MARK,
    InterpolationError,
    interpolate_variables,
)

_BLANK_CHARACTERS = "\t\v\f\r \x85\xa0"  # what Docker skips within a line
_BLANK_AND_LINE_BREAK_CHARACTERS = _BLANK_CHARACTERS + "\n\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_EXPORT_PREFIX = lazy_regex(r"export[\t\n\f\r ]+")
_VARIABLE_NAME_CHARACTERS = lazy_regex(rf"[\w.\[\]{_BLANK_CHARACTERS}-]*")
_ESCAPE_OR_CLOSING_QUOTE_BY_QUOTE = {quote: lazy_regex(r"\\.|" + quote, re.DOTALL) for quote in ("'", '"')}
_ESCAPE_SEQUENCE = lazy_regex(r'\\([abcfnrtv$"\\]|0[0-9]{0,3})')
_CHARACTER_BY_ESCAPE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
            "$": "$$", '"': '"', "\\": "\\"}  # fmt: skip
MAX_INTERPOLATED_CHARACTERS = 1_000_000  # characters that variables may make of one file


@dataclass(frozen=True, slots=True)
class EnvEntry:
    """One `NAME=value`. `name_span` and `value_or_key_span` are the places of both, the value's without its quotes.

    `raw_value` is the value before its variables are filled in, None where the name alone takes it from outside;
    `is_literal` says that nothing is filled in (single quotes, the raw format).
    """

    name: str
    name_span: Span
    value_span: Span
    raw_value: str | None
    is_literal: bool = False


@dataclass(frozen=True, slots=True)
class EnvFileContent:
    """The entries of a file up to `problem`, for which Docker refuses the whole."""

    entries: tuple[EnvEntry, ...]
    problem: ParseError | None = None

    @property
    def last_entry_by_name(self) -> dict[str, EnvEntry]:
        """name -> the entry that counts: the last."""
        return {entry.name: entry for entry in self.entries}


def parse_dotenv(text: str) -> EnvFileContent:
    """The entries of an environment file. Never raises: what is wrong with it stands in the answer."""
    env_entries: list[EnvEntry] = []
    offset = 1 if text.startswith("\ufeff") else 0
    try:
        while (offset := _next_statement_offset(text, offset)) < len(text):
            env_entry, offset = _parse_entry(text, offset)
            if env_entry.raw_value and not env_entry.is_literal:
                interpolate_variables(env_entry.raw_value)
            env_entries.append(env_entry)
    except ParseError as error:
        return EnvFileContent(tuple(env_entries), error)
    except InterpolationError as error:
        return EnvFileContent(tuple(env_entries), ParseError(error.message, env_entry.value_span.start))
    return EnvFileContent(tuple(env_entries))


def _next_statement_offset(text: str, offset: int) -> int:
    """Where the next statement begins, past blanks and comments; the text's end where there is none."""
    while True:
        offset = _offset_after_chars(text, offset, _BLANK_AND_LINE_BREAK_CHARACTERS)
        if text[offset : offset + 1] != "#":
            return offset
        comment_end = text.find("\n", offset)
        offset = len(text) if comment_end < 0 else comment_end


def _offset_after_chars(text: str, offset: int, chars: str) -> int:
    while offset < len(text) and text[offset] in chars:
        offset += 1
    return offset


def _parse_entry(text: str, offset: int) -> tuple[EnvEntry, int]:
    """The entry that begins at an offset, and where it ends."""
    export_match = _EXPORT_PREFIX.match(text, offset)
    if export_match:
        offset = _offset_after_chars(text, export_match.end(), _BLANK_CHARACTERS)
        if offset == len(text):
            raise ParseError("nothing is exported", export_match.start())
    name_match = _VARIABLE_NAME_CHARACTERS.match(text, offset)
    name_end = name_match.end() if name_match else offset
    separator = text[name_end : name_end + 1]
    if separator not in {"=", ":", "\n", ""}:
        raise ParseError(f"{separator!r} stands in the name of a variable", name_end)
    if not separator:  # the last line, without a break: Docker takes it for a value without a name
        bare_text = text[offset:name_end].rstrip(_BLANK_AND_LINE_BREAK_CHARACTERS)
        return EnvEntry("", Span(offset, offset), Span(offset, offset + len(bare_text)), bare_text), name_end
    variable_name = text[offset:name_end].rstrip(_BLANK_AND_LINE_BREAK_CHARACTERS)
    name_span = Span(offset, offset + len(variable_name))
    if " " in variable_name:
        raise ParseError("a blank stands in the name of a variable", offset + variable_name.index(" "))
    if separator == "\n":
        return EnvEntry(variable_name, name_span, name_span, None), name_end + 1
    value_start = _offset_after_chars(text, name_end + 1, _BLANK_CHARACTERS)
    return (
        _parse_quoted_entry(text, value_start, variable_name, name_span)
        if text[value_start : value_start + 1] in _ESCAPE_OR_CLOSING_QUOTE_BY_QUOTE
        else _parse_unquoted_entry(text, value_start, variable_name, name_span)
    )


def _parse_unquoted_entry(text: str, value_start: int, variable_name: str, name_span: Span) -> tuple[EnvEntry, int]:
    """A value without quotes: to the end of its line, or to a `#` behind a blank."""
    line_end = text.find("\n", value_start)
    line_end = len(text) if line_end < 0 else line_end
    unquoted_value = text[value_start:line_end].partition(" #")[0].rstrip(_BLANK_AND_LINE_BREAK_CHARACTERS)
    return EnvEntry(variable_name, name_span, Span(value_start, value_start + len(unquoted_value)), unquoted_value), line_end


def _parse_quoted_entry(text: str, quote_start: int, variable_name: str, name_span: Span) -> tuple[EnvEntry, int]:
    """A value in quotes, which may go over several lines."""
    quote, search_offset = text[quote_start], quote_start + 1
    escape_or_closing_quote = _ESCAPE_OR_CLOSING_QUOTE_BY_QUOTE[quote]
    while True:
        match = escape_or_closing_quote.search(text, search_offset)
        if match is None:
            raise ParseError("a quote is not closed", quote_start)
        search_offset = match.end()
        if match.group() == quote:
            break
    value_span = Span(quote_start + 1, search_offset - 1)
    unescaped_value = text[value_span.start : value_span.end].replace("\\" + quote, quote)
    if quote == '"':
        unescaped_value = _ESCAPE_SEQUENCE.sub(_unescape_match, unescaped_value)
    return EnvEntry(variable_name, name_span, value_span, unescaped_value, quote == "'"), search_offset


def _unescape_match(match: re.Match[str]) -> str:
    """What an escape in double quotes stands for; a number is octal."""
    escape_body = match.group(1)
    if not escape_body.startswith("0"):
        return _CHARACTER_BY_ESCAPE.get(escape_body, match.group())
    octal_digits = escape_body[1:]
    is_full_octal = len(octal_digits) == 3 and all(one in "01234567" for one in octal_digits)
    return chr(int(octal_digits, 8)) if is_full_octal and int(octal_digits, 8) < 256 else "\\" + octal_digits


def parse_raw_env_file(text: str) -> EnvFileContent:
    """The entries of an env_file of `format: raw`: what stands behind the `=` is the value, to the last blank."""
    env_entries: list[EnvEntry] = []
    line_start = 1 if text.startswith("\ufeff") else 0
    while line_start < len(text):
        line_end = text.find("\n", line_start)
        line_end = len(text) if line_end < 0 else line_end
        text_end = line_end - 1 if text[line_end - 1 : line_end] == "\r" and line_end > line_start else line_end
        text_start = (
            _offset_after_chars(text, line_start, _BLANK_AND_LINE_BREAK_CHARACTERS)
            if text[line_start:text_end].strip(_BLANK_AND_LINE_BREAK_CHARACTERS)
            else text_end
        )
        if text_start < text_end and text[text_start] != "#":
            variable_name, equals_sign, raw_value = text[text_start:text_end].partition("=")
            name_span = Span(text_start, text_start + len(variable_name))
            if not variable_name or any(char in variable_name for char in _BLANK_AND_LINE_BREAK_CHARACTERS):
                return EnvFileContent(tuple(env_entries), ParseError(_RAW_FORMAT_ERROR, text_start))
            value_span = Span(text_end - len(raw_value), text_end) if equals_sign else name_span
            env_entries.append(EnvEntry(variable_name, name_span, value_span, raw_value if equals_sign else None, is_literal=True))
        line_start = line_end + 1
    return EnvFileContent(tuple(env_entries))


_RAW_FORMAT_ERROR = "a line is `NAME=value`, and a name has no blanks"


def resolve_entries(entries: Iterable[EnvEntry], outer_value_by_name: Mapping[str, str] = NO_VARIABLES) -> dict[str, str]:
    """name -> value, with HOLE for what nobody can tell. What stands in `outer_value_by_name` goes before what the file says itself."""
    value_by_name: dict[str, str] = {}
    visible_value_by_name: dict[str, str] = dict(outer_value_by_name)
    interpolated_character_count = 0
    for entry in entries:
        entry_value = entry.raw_value
        if entry_value is None:
            entry_value = outer_value_by_name.get(entry.name, UNKNOWN_VALUE_MARK)
        elif not entry.is_literal and "$" in entry_value:
            try:
                entry_value = (
                    interpolate_variables(entry_value, visible_value_by_name).text
                    if interpolated_character_count < MAX_INTERPOLATED_CHARACTERS
                    else UNKNOWN_VALUE_MARK
                )
            except InterpolationError:
                entry_value = UNKNOWN_VALUE_MARK
            interpolated_character_count += len(entry_value)
        value_by_name[entry.name] = entry_value
        if entry.name not in outer_value_by_name:
            visible_value_by_name[entry.name] = entry_value
    return value_by_name
