"""Environment files as Docker reads them: `NAME=value` with quotes, escapes, comments and variables, each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from readiness.model import ParseError, Span
from readiness.syntax.interpolation import HOLE, NOTHING, InterpolationError, interpolate

_BLANK = "\t\v\f\r \x85\xa0"  # what Docker skips within a line
_SPACE = (
    _BLANK + "\n\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
)
_EXPORT = re.compile(r"export[\t\n\f\r ]+")
_NAME = re.compile(rf"[\w.\[\]{_BLANK}-]*")
_CLOSING = {quote: re.compile(r"\\.|" + quote, re.DOTALL) for quote in ("'", '"')}
_ESCAPE = re.compile(r'\\([abcfnrtv$"\\]|0[0-9]{0,3})')
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
            "$": "$$", '"': '"', "\\": "\\"}  # fmt: skip
MAX_GROWTH = 1_000_000  # characters that variables may make of one file


@dataclass(frozen=True, slots=True)
class Entry:
    """One `NAME=value`. `key` and `span` are the places of both, the value's without its quotes.

    `template` is the value before its variables are filled in, None where the name alone takes it from outside;
    `fixed` says that nothing is filled in (single quotes, the raw format).
    """

    name: str
    key: Span
    span: Span
    template: str | None
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """The entries of a file up to `problem`, for which Docker refuses the whole."""

    entries: tuple[Entry, ...]
    problem: ParseError | None = None

    @property
    def exports(self) -> dict[str, Entry]:
        """name -> the entry that counts: the last."""
        return {entry.name: entry for entry in self.entries}


def parse_dotenv(text: str) -> File:
    """The entries of an environment file. Never raises: what is wrong with it stands in the answer."""
    entries: list[Entry] = []
    at = 1 if text.startswith("\ufeff") else 0
    try:
        while (at := _next_statement(text, at)) < len(text):
            entry, at = _parse_entry(text, at)
            if entry.template and not entry.fixed:
                interpolate(entry.template)
            entries.append(entry)
    except ParseError as error:
        return File(tuple(entries), error)
    except InterpolationError as error:
        return File(tuple(entries), ParseError(error.message, entry.span.start))
    return File(tuple(entries))


def _next_statement(text: str, at: int) -> int:
    """Where the next statement begins, past blanks and comments; the text's end where there is none."""
    while True:
        at = _skip_chars(text, at, _SPACE)
        if text[at : at + 1] != "#":
            return at
        end = text.find("\n", at)
        at = len(text) if end < 0 else end


def _skip_chars(text: str, at: int, chars: str) -> int:
    while at < len(text) and text[at] in chars:
        at += 1
    return at


def _parse_entry(text: str, at: int) -> tuple[Entry, int]:
    """The entry that begins at an offset, and where it ends."""
    word = _EXPORT.match(text, at)
    if word:
        at = _skip_chars(text, word.end(), _BLANK)
        if at == len(text):
            raise ParseError("nothing is exported", word.start())
    allowed = _NAME.match(text, at)
    end = allowed.end() if allowed else at
    sign = text[end : end + 1]
    if sign not in {"=", ":", "\n", ""}:
        raise ParseError(f"{sign!r} stands in the name of a variable", end)
    if not sign:  # the last line, without a break: Docker takes it for a value without a name
        value = text[at:end].rstrip(_SPACE)
        return Entry("", Span(at, at), Span(at, at + len(value)), value), end
    name = text[at:end].rstrip(_SPACE)
    key = Span(at, at + len(name))
    if " " in name:
        raise ParseError("a blank stands in the name of a variable", at + name.index(" "))
    if sign == "\n":
        return Entry(name, key, key, None), end + 1
    start = _skip_chars(text, end + 1, _BLANK)
    return (
        _quoted_value(text, start, name, key)
        if text[start : start + 1] in _CLOSING
        else _unquoted_value(text, start, name, key)
    )


def _unquoted_value(text: str, start: int, name: str, key: Span) -> tuple[Entry, int]:
    """A value without quotes: to the end of its line, or to a `#` behind a blank."""
    end = text.find("\n", start)
    end = len(text) if end < 0 else end
    value = text[start:end].partition(" #")[0].rstrip(_SPACE)
    return Entry(name, key, Span(start, start + len(value)), value), end


def _quoted_value(text: str, start: int, name: str, key: Span) -> tuple[Entry, int]:
    """A value in quotes, which may go over several lines."""
    quote, at = text[start], start + 1
    closing = _CLOSING[quote]
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
        inner = _ESCAPE.sub(_unescape, inner)
    return Entry(name, key, span, inner, quote == "'"), at


def _unescape(match: re.Match[str]) -> str:
    """What an escape in double quotes stands for; a number is octal."""
    body = match.group(1)
    if not body.startswith("0"):
        return _ESCAPES.get(body, match.group())
    digits = body[1:]
    whole = len(digits) == 3 and all(one in "01234567" for one in digits)
    return chr(int(digits, 8)) if whole and int(digits, 8) < 256 else "\\" + digits


def parse_raw(text: str) -> File:
    """The entries of an env_file of `format: raw`: what stands behind the `=` is the value, to the last blank."""
    entries: list[Entry] = []
    at = 1 if text.startswith("\ufeff") else 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        last = end - 1 if text[end - 1 : end] == "\r" and end > at else end
        start = _skip_chars(text, at, _SPACE) if text[at:last].strip(_SPACE) else last
        if start < last and text[start] != "#":
            name, given, value = text[start:last].partition("=")
            key = Span(start, start + len(name))
            if not name or any(char in name for char in _SPACE):
                return File(tuple(entries), ParseError(_RAW, start))
            span = Span(last - len(value), last) if given else key
            entries.append(Entry(name, key, span, value if given else None, fixed=True))
        at = end + 1
    return File(tuple(entries))


_RAW = "a line is `NAME=value`, and a name has no blanks"


def resolve_entries(entries: Iterable[Entry], outer: Mapping[str, str] = NOTHING) -> dict[str, str]:
    """name -> value, with HOLE for what nobody can tell. What stands in `outer` goes before what the file says itself."""
    resolved: dict[str, str] = {}
    seen: dict[str, str] = dict(outer)
    growth = 0
    for entry in entries:
        value = entry.template
        if value is None:
            value = outer.get(entry.name, HOLE)
        elif not entry.fixed and "$" in value:
            try:
                value = interpolate(value, seen).text if growth < MAX_GROWTH else HOLE
            except InterpolationError:
                value = HOLE
            growth += len(value)
        resolved[entry.name] = value
        if entry.name not in outer:
            seen[entry.name] = value
    return resolved
