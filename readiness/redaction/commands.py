"""Passwords among the words of commands, by what each program takes (facts/password-arguments.yaml).

No shell is parsed: words are told apart the same way in a script, in the list of an exec form, and in a sentence that quotes one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from functools import cache
from typing import Any, NamedTuple

from readiness.facts.table import FactsError, fact_row_by_name
from readiness.model import Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.syntax import secrets

_MAX_COMMAND_LENGTH = 4000  # characters of a line, with those that go on behind it, that are looked at
_MAX_QUOTE_NESTING = 3  # scripts in quotes, one in the other
_TOKEN = lazy_regex(
    r"""(?P<operator>[;|&\n]{1,4}|<<<)|"(?P<double>(?:[^"\\]|\\.){0,2000})"|'(?P<single>[^']{0,2000})'|(?P<bare>[^\s"'`;|&,\[\]{}()<>]{1,2000})|.""",
    re.DOTALL,
)
_LINE_THAT_GOES_ON = lazy_regex(r"[\\`][ \t]{0,8}\r?\n")
_PRINTING_PROGRAMS = frozenset({"echo", "printf"})
_NO_FACTS: Mapping[str, Any] = {}


class _Word(NamedTuple):
    """A word of a command with its place; `quoted` is what stands in quotes where that is all of it."""

    text: str
    span: Span
    quoted: Span | None = None


@dataclass(slots=True)
class _CommandState:
    """What is known of the command whose words are read: its program, and what the next words may be."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    operands: list[_Word] = field(default_factory=list)
    operand_countdowns: list[int] = field(default_factory=list)  # how many operands there are up to one that is the password
    awaited: str = ""  # what the next word is: "password", "account", "entry"
    is_printing: bool = False

    def enter_program(self, program_name: str) -> None:
        """Begin with the words behind a program's name."""
        self.facts, self.words, self.operands, self.awaited = fact_row_by_name("password-arguments")[program_name], [], [], ""
        self.operand_countdowns = [count for count in (self.facts.get("operands", _NO_FACTS).get("*"),) if count]

    @property
    def has_verb(self) -> bool:
        """Whether the word stands there without which nothing of the command is a password."""
        verbs = self.facts.get("verb")
        return verbs is None or not set(verbs).isdisjoint(self.words)


def programs_with_passwords() -> frozenset[str]:
    """The names of the programs that take a password as an argument; none where the facts cannot be read, for an error is told by this, too."""
    try:
        return _known_programs()
    except FactsError:
        return frozenset()


@cache
def _known_programs() -> frozenset[str]:
    return frozenset(fact_row_by_name("password-arguments"))


_WORD = lazy_regex(r"[\w.-]+")


def command_password_spans(text: str, programs: Iterable[str] | None = None) -> Iterator[Span]:
    """Where passwords stand in the commands of a text, each command in a line of its own or in lines that go on.

    `programs` are those that the text names, where that is known.
    """
    named_programs = programs_with_passwords().intersection(_WORD.findall(text)) if programs is None else programs
    command_end = 0
    for program_start in sorted(offset for program in named_programs for offset in _word_offsets(text, program)):
        if program_start >= command_end:
            command_start, command_end = _logical_line(text, program_start, program_start)
            yield from password_spans_in_words(text, max(command_start, program_start - _MAX_COMMAND_LENGTH), command_end)


def _word_offsets(text: str, word: str) -> Iterator[int]:
    offset = text.find(word)
    while offset >= 0:
        yield offset
        offset = text.find(word, offset + len(word))


def has_program_with_password(text: str, start: int, end: int) -> bool:
    """Whether a part of a text names a program that takes a password as an argument."""
    return not programs_with_passwords().isdisjoint(_WORD.findall(text, start, end))


def _logical_line(text: str, start: int, end: int) -> tuple[int, int]:
    """Where the line around a place begins and ends, with the lines before and after that are one with it, up to a bound."""
    line_start, line_end = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    while line_start > 1 and start - line_start < _MAX_COMMAND_LENGTH and text[max(line_start - 3, 0) : line_start - 1].rstrip("\r")[-1:] == "\\":
        line_start = text.rfind("\n", 0, line_start - 1) + 1
    while 0 <= line_end - start < _MAX_COMMAND_LENGTH and _LINE_THAT_GOES_ON.match(text, line_end - 1 - (text[line_end - 1 : line_end] == "\r")):
        line_end = text.find("\n", line_end + 1)
    return line_start, min(line_end if line_end >= 0 else len(text), start + _MAX_COMMAND_LENGTH)


def password_spans_in_words(text: str, start: int, end: int, *, nesting: int = 0, is_one_command: bool = False) -> Iterator[Span]:
    """Where passwords stand among the words of a part of a text; of one command the ends of its lines are blanks."""
    state = _CommandState()
    printed: list[_Word] = []
    for piece in _words_and_operators(text, start, end, is_one_command=is_one_command):
        if isinstance(piece, str):
            if piece == "<<<":
                state.awaited = "password" if _reads_password(state) else ""
                continue
            yield from _last_operand_span(state)
            printed = state.operands if state.is_printing and piece == "|" else []
            state = _CommandState()
            continue
        if piece.quoted is not None and " " in piece.text and not state.awaited and nesting < _MAX_QUOTE_NESTING:
            yield from password_spans_in_words(text, *piece.quoted, nesting=nesting + 1)
        for span in _spans_of_word(state, piece, printed):
            if _is_literal(text[span.start : span.end]):
                yield span
    yield from _last_operand_span(state)


def _words_and_operators(text: str, start: int, end: int, *, is_one_command: bool) -> Iterator[_Word | str]:
    """The words of a part of a text, and the operators between commands as they stand."""
    pieces: list[re.Match[str]] = []
    for match in _TOKEN.finditer(text, start, end):
        is_word_piece = match.lastgroup in ("double", "single", "bare")
        if pieces and (not is_word_piece or match.start() != pieces[-1].end()):
            yield _word_of(pieces)
            pieces = []
        if is_word_piece:
            pieces.append(match)
        elif match["operator"] and not (match["operator"].isspace() and (is_one_command or text[match.start() - 1 : match.start()] in "\\`")):
            yield match["operator"]
    if pieces:
        yield _word_of(pieces)


def _word_of(pieces: list[re.Match[str]]) -> _Word:
    """The word that pieces without a blank between them are."""
    if len(pieces) > 1:
        end = pieces[-1].end(pieces[-1].lastgroup or 0)
        return _Word(pieces[0].string[pieces[0].start() : end], Span(pieces[0].start(), end))
    span = Span(*pieces[0].span())
    group = pieces[0].lastgroup or 0
    quoted = Span(*pieces[0].span(group)) if group != "bare" else None
    return _Word(pieces[0][group], quoted or span, quoted)


def _spans_of_word(state: _CommandState, word: _Word, printed: list[_Word]) -> Iterator[Span]:
    """The places in a word, or in what was printed for it, that are a password; the state goes on behind it."""
    if word.text in ("\\", "-") and not (word.text == "-" and state.facts and not state.awaited):
        return  # the end of a line that goes on, the mark of a list's entry
    if state.awaited:
        awaited, state.awaited = state.awaited, ""
        yield from _span_behind(word, {"account": ":", "entry": "="}.get(awaited, ""))
        return
    program_name = word.text.rpartition("/")[2]
    if program_name in programs_with_passwords() and not word.text.startswith("-"):
        state.enter_program(program_name)
    elif program_name in _PRINTING_PROGRAMS and not state.facts:
        state.is_printing, state.operands = True, []
        return
    elif word.text.startswith("-") and state.facts and len(word.text) > 1:
        yield from _spans_of_option(state, word)
    else:
        yield from _spans_of_operand(state, word)
    state.words.append(word.text)
    if printed and _reads_password(state):
        yield from _span_behind(printed[-1], ":" if state.facts.get("account") else "")
        printed.clear()


def _spans_of_option(state: _CommandState, word: _Word) -> Iterator[Span]:
    """What an option brings: a password in its word, or one that the next word is."""
    facts = state.facts
    option, equals_sign, _ = word.text.partition("=")
    if not state.has_verb:
        return
    for sort in ("options", "accounts", "entries"):
        if option in facts.get(sort, ()):
            awaited = {"options": "password", "accounts": "account", "entries": "entry"}[sort]
            if equals_sign:
                value = _Word(word.text[len(option) + 1 :], Span(word.span.start + len(option) + 1, word.span.end))
                yield from _span_behind(value, {"account": ":", "entry": "="}.get(awaited, ""))
            else:
                state.awaited = awaited
            return
    if word.text.startswith("--"):
        return
    for sort in ("glued", "accounts"):
        for short_option in facts.get(sort, ()):
            if len(short_option) == 2 and word.text.startswith(short_option) and len(word.text) > 2:
                value = _Word(word.text[2:], Span(word.span.start + 2, word.span.end))
                yield from _span_behind(value, ":" if sort == "accounts" else "")
                return


def _spans_of_operand(state: _CommandState, word: _Word) -> Iterator[Span]:
    """A word that is no option: the password where an earlier word says so."""
    previous = state.operands[-1].text if state.operands else ""
    state.operands.append(word)
    if not state.facts or not state.has_verb:
        return
    state.operand_countdowns = [count - 1 for count in state.operand_countdowns]
    if 0 in state.operand_countdowns or (state.facts.get("pairs") and secrets.is_secret_name(previous.rpartition(":")[2].rpartition(".")[2])):
        yield word.span
    state.operand_countdowns = [count for count in state.operand_countdowns if count > 0]
    if (count := state.facts.get("operands", _NO_FACTS).get(word.text)) is not None:
        state.operand_countdowns.append(count)


def _last_operand_span(state: _CommandState) -> Iterator[Span]:
    """The last operand of a command that has ended, where that is the password."""
    for mark in state.facts.get("last", ()):
        is_letter = len(mark) == 2 and mark.startswith("-")
        is_there = any((one.startswith("-") and not one.startswith("--") and mark[1] in one) if is_letter else one == mark for one in state.words)
        if is_there and len(state.operands) > 1 and _is_literal(state.operands[-1].text):
            yield state.operands[-1].span
            return


def _reads_password(state: _CommandState) -> bool:
    """Whether a command reads the password from its standard input."""
    marks = state.facts.get("stdin", ())
    return state.has_verb and ("*" in marks or not set(marks).isdisjoint(state.words))


def _span_behind(word: _Word, sign: str) -> Iterator[Span]:
    """The place of a word's value; of one with a sign in it only what stands behind that, and nothing where it has none."""
    before, found_sign, value = word.text.partition(sign) if sign else ("", "", word.text)
    opening_quotes = len(value) - len(value.lstrip("\"'"))
    if len(value) > opening_quotes and (found_sign or not sign):
        yield Span(word.span.start + len(before) + len(found_sign) + opening_quotes, word.span.end)


def _is_literal(value: str) -> bool:
    """Whether a value is one, and not put in from elsewhere or said to belong there."""
    return bool(value) and value != "-" and "$" not in value and "=@" not in value and "{{" not in value and not secrets.is_placeholder(value)
