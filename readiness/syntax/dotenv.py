"""Environment files as Docker reads them: `NAME=value` with quotes, escapes, comments and variables, each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from readiness.model import ParseError, Span
from readiness.syntax.interpolation import (
    NO_VARIABLES,
    UNKNOWN_VALUE_MARK,
    InterpolationError,
    interpolate,
)

_BLANK_CHARACTERS = "\t\v\f\r \x85\xa0"  # what Docker skips within a line
_SPACE_CHARACTERS = _BLANK_CHARACTERS + "\n\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_EXPORT_PREFIX = re.compile(r"export[\t\n\f\r ]+")
_VARIABLE_NAME = re.compile(rf"[\w.\[\]{_BLANK_CHARACTERS}-]*")
_CLOSING_QUOTE = {quote: re.compile(r"\\.|" + quote, re.DOTALL) for quote in ("'", '"')}
_ESCAPE_SEQUENCE = re.compile(r'\\([abcfnrtv$"\\]|0[0-9]{0,3})')
_CHARACTER_BY_ESCAPE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
            "$": "$$", '"': '"', "\\": "\\"}  # fmt: skip
MAX_GROWTH = 1_000_000  # characters that variables may make of one file


@dataclass(frozen=True, slots=True)
class EnvEntry:
    """One `NAME=value`. `name_span` and `value_span` are the places of both, the value's without its quotes.

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
    entries: list[EnvEntry] = []
    at = 1 if text.startswith("\ufeff") else 0
    try:
        while (at := _next_statement(text, at)) < len(text):
            entry, at = _parse_entry(text, at)
            if entry.raw_value and not entry.is_literal:
                interpolate(entry.raw_value)
            entries.append(entry)
    except ParseError as error:
        return EnvFileContent(tuple(entries), error)
    except InterpolationError as error:
        return EnvFileContent(tuple(entries), ParseError(error.message, entry.value_span.start))
    return EnvFileContent(tuple(entries))


def _next_statement(text: str, offset: int) -> int:
    """Where the next statement begins, past blanks and comments; the text's end where there is none."""
    while True:
        offset = _skip_chars(text, offset, _SPACE_CHARACTERS)
        if text[offset : offset + 1] != "#":
            return offset
        end = text.find("\n", offset)
        offset = len(text) if end < 0 else end


def _skip_chars(text: str, offset: int, chars: str) -> int:
    while offset < len(text) and text[offset] in chars:
        offset += 1
    return offset


def _parse_entry(text: str, offset: int) -> tuple[EnvEntry, int]:
    """The entry that begins at an offset, and where it ends."""
    word = _EXPORT_PREFIX.match(text, offset)
    if word:
        offset = _skip_chars(text, word.end(), _BLANK_CHARACTERS)
        if offset == len(text):
            raise ParseError("nothing is exported", word.start())
    allowed = _VARIABLE_NAME.match(text, offset)
    end = allowed.end() if allowed else offset
    sign = text[end : end + 1]
    if sign not in {"=", ":", "\n", ""}:
        raise ParseError(f"{sign!r} stands in the name of a variable", end)
    if not sign:  # the last line, without a break: Docker takes it for a value without a name
        value = text[offset:end].rstrip(_SPACE_CHARACTERS)
        return EnvEntry("", Span(offset, offset), Span(offset, offset + len(value)), value), end
    name = text[offset:end].rstrip(_SPACE_CHARACTERS)
    key = Span(offset, offset + len(name))
    if " " in name:
        raise ParseError("a blank stands in the name of a variable", offset + name.index(" "))
    if sign == "\n":
        return EnvEntry(name, key, key, None), end + 1
    start = _skip_chars(text, end + 1, _BLANK_CHARACTERS)
    return (
        _quoted_value(text, start, name, key)
        if text[start : start + 1] in _CLOSING_QUOTE
        else _unquoted_value(text, start, name, key)
    )


def _unquoted_value(text: str, start: int, name: str, key: Span) -> tuple[EnvEntry, int]:
    """A value without quotes: to the end of its line, or to a `#` behind a blank."""
    end = text.find("\n", start)
    end = len(text) if end < 0 else end
    value = text[start:end].partition(" #")[0].rstrip(_SPACE_CHARACTERS)
    return EnvEntry(name, key, Span(start, start + len(value)), value), end


def _quoted_value(text: str, start: int, name: str, key: Span) -> tuple[EnvEntry, int]:
    """A value in quotes, which may go over several lines."""
    quote, at = text[start], start + 1
    closing = _CLOSING_QUOTE[quote]
    while True:
        match = closing.search(text, at)
        if match is None:
            raise ParseError("a quote is not closed", start)
        at = match.end()
        if match.group() == quote:
            break
    span = Span(start + 1, at - 1)
    inner = text[span.start : span.end].replace("\\" + quote, quote)
    if quote == '"':
        inner = _ESCAPE_SEQUENCE.sub(_unescape_match, inner)
    return EnvEntry(name, key, span, inner, quote == "'"), at


def _unescape_match(match: re.Match[str]) -> str:
    """What an escape in double quotes stands for; a number is octal."""
    body = match.group(1)
    if not body.startswith("0"):
        return _CHARACTER_BY_ESCAPE.get(body, match.group())
    digits = body[1:]
    whole = len(digits) == 3 and all(one in "01234567" for one in digits)
    return chr(int(digits, 8)) if whole and int(digits, 8) < 256 else "\\" + digits


def parse_raw_env_file(text: str) -> EnvFileContent:
    """The entries of an env_file of `format: raw`: what stands behind the `=` is the value, to the last blank."""
    entries: list[EnvEntry] = []
    at = 1 if text.startswith("\ufeff") else 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        last = end - 1 if text[end - 1 : end] == "\r" and end > at else end
        start = _skip_chars(text, at, _SPACE_CHARACTERS) if text[at:last].strip(_SPACE_CHARACTERS) else last
        if start < last and text[start] != "#":
            name, given, value = text[start:last].partition("=")
            key = Span(start, start + len(name))
            if not name or any(char in name for char in _SPACE_CHARACTERS):
                return EnvFileContent(tuple(entries), ParseError(_RAW_FORMAT_ERROR, start))
            span = Span(last - len(value), last) if given else key
            entries.append(EnvEntry(name, key, span, value if given else None, is_literal=True))
        at = end + 1
    return EnvFileContent(tuple(entries))


_RAW_FORMAT_ERROR = "a line is `NAME=value`, and a name has no blanks"


def resolve_entries(entries: Iterable[EnvEntry], outer_values: Mapping[str, str] = NO_VARIABLES) -> dict[str, str]:
    """name -> value, with HOLE for what nobody can tell. What stands in `outer_values` goes before what the file says itself."""
    resolved: dict[str, str] = {}
    seen: dict[str, str] = dict(outer_values)
    growth = 0
    for entry in entries:
        value = entry.raw_value
        if value is None:
            value = outer_values.get(entry.name, UNKNOWN_VALUE_MARK)
        elif not entry.is_literal and "$" in value:
            try:
                value = interpolate(value, seen).text if growth < MAX_GROWTH else UNKNOWN_VALUE_MARK
            except InterpolationError:
                value = UNKNOWN_VALUE_MARK
            growth += len(value)
        resolved[entry.name] = value
        if entry.name not in outer_values:
            seen[entry.name] = value
    return resolved
