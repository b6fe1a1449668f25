"""Words of Dockerfile instructions: splitting, quotes and variables, as the builder reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from readiness.model import Span
from readiness.syntax import glob
from readiness.syntax.pieces import JoinedText

BLANK_CHARACTERS = " \t\v\f\r\n"
_JSON_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SPECIAL_PARAMETER = re.compile(r"[0-9@*#?$!-]")
_MAX_DEFAULT_DEPTH = 8  # of defaults inside defaults
_MAX_EXPANDED_CHARACTERS = 20_000  # characters: variables that double each other grow without a bound
_MAX_GLOB_LENGTH = 200  # characters of a pattern, and of a value that one is matched with
_MAX_BRACE_NESTING = 30  # braces, one in the other
_MAX_BRACED_LENGTH = 2_000  # characters that a `${...}` may be long
VariableLookup = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class InstructionWord:
    """One argument: as written (`raw`, quotes included) and without its quotes (`value`)."""

    raw: str
    value: str
    span: Span
    is_quote_closed: bool = True
    is_json_entry: bool = False

    @property
    def is_variable(self) -> bool:
        """Whether some of it comes from a variable or a template."""
        if self.is_json_entry:
            return "$" in self.value or "{{" in self.value
        return "{{" in self.raw or next(variable_references(self.raw), None) is not None


@dataclass(frozen=True, slots=True)
class VariableReference:
    """A use of a variable; offsets in the raw text. `modifier` is `:-`, `+`, ... or empty."""

    name: str
    start: int
    end: int
    modifier: str = ""
    argument: str = ""


def split_instruction_words(pieces: JoinedText, escape: str, start: int = 0) -> Iterator[tuple[int, int, bool]]:
    """(start, end, closed) of each word; blanks in quotes, in `{{ }}` or behind the escape divide nothing."""
    text = pieces.text
    at, size, closes = start, len(text), pieces.text.rfind("}}")
    while at < size:
        if text[at] in BLANK_CHARACTERS:
            at += 1
            continue
        begin, quote = at, ""
        while at < size and (quote or text[at] not in BLANK_CHARACTERS):
            char = text[at]
            if char == escape and quote != "'" and at + 1 < size:
                at += 1
            elif quote:
                quote = "" if char == quote else quote
            elif char in "\"'":
                quote = char
            elif char == "{" and at < closes and text.startswith("{{", at):
                at = text.index("}}", at)
            at += 1
        yield begin, at, not quote


def words_of(pieces: JoinedText, escape: str, start: int = 0) -> tuple[InstructionWord, ...]:
    """The words of a text, with their places."""
    return tuple(
        InstructionWord(raw, remove_quotes(raw, escape), pieces.source_span(begin, end), closed)
        for begin, end, closed in split_instruction_words(pieces, escape, start)
        for raw in (pieces.text[begin:end],)
    )


def json_words(pieces: JoinedText) -> tuple[InstructionWord, ...] | None:
    """The entries of a JSON list of strings; None where the text is anything else.

    What stands behind the list is dropped without a word, as the builder does.
    """
    text = pieces.text
    at = _skip_blanks(text, 0)
    if text[at : at + 1] != "[":
        return None
    words: list[InstructionWord] = []
    at = _skip_blanks(text, at + 1)
    while text[at : at + 1] != "]" or words:
        match = _JSON_STRING.match(text, at)
        if match is None:
            return None
        try:
            value = json.loads(match.group())
        except ValueError:
            return None
        words.append(InstructionWord(match.group(), value, pieces.source_span(at, match.end()), is_json_entry=True))
        at = _skip_blanks(text, match.end())
        if text[at : at + 1] == "]":
            break
        if text[at : at + 1] != ",":
            return None
        at = _skip_blanks(text, at + 1)
    return tuple(words)


def _skip_blanks(text: str, offset: int) -> int:
    while offset < len(text) and text[offset] in BLANK_CHARACTERS:
        offset += 1
    return offset


def remove_quotes(raw: str, escape: str = "\\") -> str:
    """The word without its quotes; variables stay as they are written."""
    if not any(char in raw for char in ('"', "'", escape)):
        return raw
    return expand_word(raw, None, escape) or ""


def variable_references(raw: str, escape: str = "\\", respect_single_quotes: bool = True) -> Iterator[VariableReference]:
    """Every use of a variable; single quotes hide it unless `respect_single_quotes` is false."""
    at, quote = 0, ""
    while at < len(raw):
        char = raw[at]
        if char == escape and quote != "'":
            at += 2
            continue
        if respect_single_quotes and quote and char == quote:
            quote = ""
        elif respect_single_quotes and not quote and char in "\"'":
            quote = char
        elif char == "$" and quote != "'":
            reference = reference_at(raw, at)
            if reference:
                yield reference
                if reference.modifier:
                    yield from _shift_references(reference, raw, escape)
                at = reference.end
                continue
        at += 1


def _shift_references(outer: VariableReference, raw: str, escape: str) -> Iterator[VariableReference]:
    """The references inside the argument of one, told in the outer text; one level is enough."""
    base = outer.end - 1 - len(outer.argument)
    at = outer.argument.find("$")
    while at >= 0:
        inner = reference_at(raw, base + at)
        if inner is None or inner.end > outer.end:
            return
        yield inner
        at = outer.argument.find("$", inner.end - base)


def reference_at(text: str, offset: int) -> VariableReference | None:
    """The reference that starts at the `$` at `offset`; None where it is an ordinary dollar."""
    if text[offset + 1 : offset + 2] != "{":
        match = _VARIABLE_NAME.match(text, offset + 1) or _SPECIAL_PARAMETER.match(text, offset + 1)
        return VariableReference(match.group(), offset, match.end()) if match else None
    match = _VARIABLE_NAME.match(text, offset + 2) or _SPECIAL_PARAMETER.match(text, offset + 2)
    if not match:
        return None
    close = _closing_brace_offset(text, offset + 1)
    if close < 0:
        return None
    rest = text[match.end() : close]
    size = 2 if rest[:2] in (":-", ":+", ":?", "##", "%%", "//") else 1 if rest else 0
    return VariableReference(match.group(), offset, close + 1, rest[:size], rest[size:])


def _closing_brace_offset(text: str, offset: int) -> int:
    """The offset of the brace that closes the one at `offset`; -1 where none does, and for braces that nest too deeply.

    Without that bound a text of nested braces would be gone through once for each of them.
    """
    depth = 0
    for index in range(offset, min(len(text), offset + _MAX_BRACED_LENGTH)):
        if text[index] == "{":
            depth += 1
            if depth > _MAX_BRACE_NESTING:
                return -1
        elif text[index] == "}":
            depth -= 1
            if not depth:
                return index
    return -1


_BRACE_OR_PARENTHESIS = re.compile(r"[(){}]")


def nesting_depth(text: str) -> int:
    """How deeply braces or parentheses stand in each other, whatever they mean."""
    depth = {"(": 0, "{": 0}
    most = 0
    for match in _BRACE_OR_PARENTHESIS.finditer(text):
        char = match[0]
        if char in depth:
            depth[char] += 1
            most = max(most, depth[char])
        else:
            opener = "(" if char == ")" else "{"
            depth[opener] = max(depth[opener] - 1, 0)
    return most


def expand_word(raw: str, lookup: VariableLookup | None, escape: str = "\\", depth: int = 0) -> str | None:
    """The word with its variables filled in and its quotes removed; None where a value is unknown.

    `lookup` gives the value of a name, an empty string for one that is surely not set, None for
    one that nobody can know from the file; without a `lookup` variables stay as they are written.
    """
    out: list[str] = []
    at, quote, size = 0, "", 0
    while at < len(raw):
        char, following = raw[at], raw[at + 1 : at + 2]
        if char == escape and quote != "'" and following:
            keep = quote == '"' and following not in ('"', "$", escape)
            out.append(char + following if keep else following)
            at += 2
            continue
        if quote and char == quote:
            quote = ""
        elif not quote and char in "\"'":
            quote = char
        else:
            reference = reference_at(raw, at) if lookup and char == "$" and quote != "'" else None
            value = _reference_value(reference, lookup, escape, depth) if reference and lookup else char
            if value is None or size > _MAX_EXPANDED_CHARACTERS:
                return None
            out.append(value)
            size += len(value) if reference else 0
            at = reference.end - 1 if reference else at
        at += 1
    return "".join(out)


def _reference_value(reference: VariableReference, lookup: VariableLookup, escape: str, depth: int) -> str | None:
    value = lookup(reference.name)
    kind = reference.modifier
    if not kind or value is None:
        return value
    if depth > _MAX_DEFAULT_DEPTH:
        return None
    if kind[-1] == "-":
        return value or expand_word(reference.argument, lookup, escape, depth + 1)
    if kind[-1] == "+":
        return expand_word(reference.argument, lookup, escape, depth + 1) if value else ""
    if kind[-1] == "?":
        return value
    return _apply_modifier(value, kind, expand_word(reference.argument, lookup, escape, depth + 1))


def _apply_modifier(value: str, modifier: str, argument: str | None) -> str | None:
    """`${v#p}`, `${v%p}` and `${v/p/s}`: the value without what matches at an end, or with it replaced."""
    if argument is None or len(argument) > _MAX_GLOB_LENGTH or len(value) > _MAX_GLOB_LENGTH or "[" in argument:
        return None
    if modifier[0] == "/":
        pattern, _, new = argument.partition("/")
        known = pattern and not {"*", "?", "\\"} & set(pattern)
        return value.replace(pattern, new, -1 if len(modifier) == 2 else 1) if known else None
    if modifier[0] not in "#%":
        return None
    sizes = range(len(value) + 1) if len(modifier) == 1 else range(len(value), -1, -1)
    for size in sizes:
        head, tail = value[:size], value[len(value) - size :]
        if glob.glob_matches(argument, head if modifier[0] == "#" else tail):
            return value[size:] if modifier[0] == "#" else value[: len(value) - size]
    return value
