"""One redaction for every format: the values of secrets never reach a reader, and control characters neither."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from readiness.model import ParseError, Source, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.redaction.judge import SecretPlace, secret_spans_in_file
from readiness.redaction.text import (
    ASSIGNMENT_SIGN_PATTERN,
    NAME_PATTERN,
    POSSIBLE_SECRET_SIGN,
    SecretSort,
    is_made_by_machine,
    marks_in_lines,
    marks_in_text,
    name_without_trailing_number,
    without_sentence_marks,
)
from readiness.syntax import secrets
from readiness.syntax.yaml import load_yaml_documents

MASK = "********"
_MIN_KNOWN_SECRET_LENGTH = 6  # characters that a value must have to be masked wherever it turns up
_FEW_PREFIXES = 8  # beginnings of known secrets, so many that a text is searched for each of them
_CONSTANT_STYLE_NAME = lazy_regex(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_ASSIGNMENT_START = lazy_regex(rf"""{NAME_PATTERN}{ASSIGNMENT_SIGN_PATTERN}["']?""")
_LIST_ENTRY_START_PATTERN = r"""\A[ \t]*(?:-[ \t]+)?"""
_ENTRY_NAME_LINE = lazy_regex(rf"""{_LIST_ENTRY_START_PATTERN}(?:name|key):[ \t]*["']?{NAME_PATTERN}["']?[ \t]*\Z""")
_ENTRY_VALUE_START = lazy_regex(rf"{_LIST_ENTRY_START_PATTERN}value:[ \t]*(?=\S)")
_LINE_BREAK = lazy_regex(r"\r?\n|\\r?\\n|\\n")  # a key in one line has its line breaks as escapes
_CONTENT_WORD = lazy_regex(r"""[^\s=:"',;(){}<>\[\]]{8,200}""")
_MAX_CONTENT_WORDS = 2_000  # words of a Secret's file that are known again elsewhere
_MAX_UNQUOTED_LENGTH = 10_000  # characters of a quoted value that is read as YAML reads it
_MAX_MESSAGE_LENGTH = 2000  # characters of a message
_CONTEXT_CHARACTERS_PER_SIDE = 1000  # characters on either side of what is shown: enough for any name and value that reach into it


class Redactor:
    """Masks the values at known places, and whatever looks like a secret.

    A known value is masked wherever it turns up, unless it is so plain a word (`postgres`) that half the report
    would go with it; then only where it stands as the secret.
    """

    def __init__(self, secret_places: Iterable[SecretPlace | tuple[Source, Span]] = (), secret_texts: Iterable[str] = ()) -> None:
        self._rows: dict[tuple[str, int], list[Span]] = {}
        self._marked_paths: set[str] = set()
        self._texts: dict[str, str] = {}
        self._values: dict[str, set[str]] = {}  # by the first characters
        for secret_place in secret_places:
            source, span, sort = SecretPlace(*secret_place)
            secret_text = source.text[span.start : span.end]
            if _CONSTANT_STYLE_NAME.fullmatch(secret_text) and _is_secret_name(secret_text):
                continue  # the place of a variable's name, which readers need
            assignment_match = _ASSIGNMENT_START.match(secret_text) if sort is SecretSort.VALUE else None
            value_start = span.start + (assignment_match.end() if assignment_match else 0)
            self._remember_secret(source.root, Span(source.to_root(value_start), source.to_root(span.end)))
            self._know_values(known_texts(source.text[value_start : span.end], sort))
        self._know_values(secret_texts)

    def _know_values(self, secret_texts: Iterable[str]) -> None:
        """Mask values wherever they turn up, those apart that are plain words."""
        for value in secret_texts:
            if _is_distinctive_value(value) and not secrets.is_placeholder(value):
                self._values.setdefault(value[:_MIN_KNOWN_SECRET_LENGTH], set()).add(value)

    def _remember_secret(self, root_source: Source, span: Span) -> None:
        """Remember what is hidden of each line that a place covers."""
        offset = span.start
        while offset < span.end:
            line_number, column = root_source.position_of(offset)
            line_end = root_source.line_offsets[line_number] if line_number < len(root_source.line_offsets) else len(root_source.text)
            hidden_length = min(span.end, line_end) - offset
            self._rows.setdefault((root_source.path, line_number), []).append(Span(column - 1, column - 1 + hidden_length))
            offset = max(line_end, offset + 1)

    def _mark_shown_file(self, root_source: Source) -> None:
        """Mark a file that is shown and was not marked before: a template, a patch, one that nobody judges."""
        if root_source.path not in self._marked_paths:
            self._marked_paths.add(root_source.path)
            for span in secret_spans_in_file(root_source):
                self._remember_secret(root_source, span)

    def mask_text(self, message: str) -> str:
        """A message without the values of secrets; one that goes on for ever is cut."""
        if len(message) > _MAX_MESSAGE_LENGTH:
            message = message[:_MAX_MESSAGE_LENGTH] + "…"
        if message not in self._texts:
            self._texts[message] = _mask_spans(message, self._spans_in_sentence(message))
        return self._texts[message]

    def _spans_in_sentence(self, message: str) -> list[Span]:
        """What to mask in a sentence: `secrets: delete` in one is about a right, not a value."""
        secret_looking_spans = (
            [one.span for one in marks_in_text(message) if not _may_be_lowercase_word(without_sentence_marks(message[one.span.start : one.span.end]))]
            if POSSIBLE_SECRET_SIGN.search(message)  # most messages give no reason to look closer, and there are many
            else ()
        )
        return _merge_touching_spans([*secret_looking_spans, *self._known_spans(message)])

    def secret_spans(self, text: str) -> list[Span]:
        """What to mask in a text, merged and in order."""
        return _merge_touching_spans([*(mark.span for mark in marks_in_text(text)), *self._known_spans(text)])

    def _known_spans(self, text: str) -> Iterator[Span]:
        """Where the values of known secrets stand in a text."""
        if len(self._values) <= _FEW_PREFIXES and not any(start in text for start in self._values):
            return  # as in most texts; with more values it is the letters of the text that are gone through, however many there are
        last_start = len(text) - _MIN_KNOWN_SECRET_LENGTH
        value_starts = [at for at in range(last_start + 1) if text[at : at + _MIN_KNOWN_SECRET_LENGTH] in self._values]
        for value_start in value_starts:
            for known_secret in self._values[text[value_start : value_start + _MIN_KNOWN_SECRET_LENGTH]]:
                if text.startswith(known_secret, value_start):
                    yield Span(value_start, value_start + len(known_secret))

    def line_spans(self, source: Source, line_number: int, shown_columns: Span) -> list[Span]:
        """What to mask in line `line_number` (from 1) of a file, in and near the columns (from 0) that are shown."""
        root_source = source.root
        line_text = root_source.line_text(line_number)
        window_start = max(shown_columns.start - _CONTEXT_CHARACTERS_PER_SIDE, 0)
        window_text = line_text[window_start : shown_columns.end + _CONTEXT_CHARACTERS_PER_SIDE]
        hidden_spans = [*(mark.span for mark in marks_in_lines(window_text)), *self._known_spans(window_text)]
        hidden_spans = [Span(window_start + span.start, window_start + span.end) for span in hidden_spans]
        self._mark_shown_file(root_source)
        hidden_spans += self._rows.get((root_source.path, line_number), [])
        hidden_spans += _value_of_name_value_entry(root_source, line_number, line_text)
        return _merge_touching_spans(span for span in hidden_spans if span.start < span.end)


def known_texts(secret_text: str, sort: SecretSort) -> Iterator[str]:
    """What of a marked value is masked wherever it turns up, in each form that it may be told in."""
    if sort is SecretSort.VALUE:
        for value_line in _LINE_BREAK.split(secret_text):
            value = value_line.strip(" \t\r\"'")
            yield from _forms_of_value(value)
            yield from _known_contents(value, is_encoded=False) if " " in value else ()
        if secret_text[:1] in ("'", '"') and ("\\" in secret_text or "\n" in secret_text or "''" in secret_text):
            yield from _forms_of_value(_value_as_yaml_reads_it(secret_text))
    elif sort is not SecretSort.PLACE:
        yield from _known_contents(secret_text.strip(" \t\r\n\"'"), is_encoded=sort is SecretSort.ENCODED)


def _forms_of_value(value: str) -> Iterator[str]:
    """A value, and what it is without the escapes of a URL and in base64."""
    yield value
    if "%" in value:
        yield unquote(value)
    if _is_distinctive_value(value):
        yield base64.b64encode(value.encode()).decode().rstrip("=")


def _value_as_yaml_reads_it(quoted_text: str) -> str:
    """What a quoted scalar says; nothing where it is none."""
    try:
        value = load_yaml_documents(quoted_text[:_MAX_UNQUOTED_LENGTH])[0]
    except (ParseError, IndexError):
        return ""
    return value if isinstance(value, str) else ""


def _known_contents(value: str, *, is_encoded: bool) -> Iterator[str]:
    """What of a Secret's value is so much its own that nobody writes it for anything else."""
    if is_encoded:
        yield value
        try:
            value = base64.b64decode(value, validate=False).decode()
        except (binascii.Error, ValueError):
            return
    for count, match in enumerate(_CONTENT_WORD.finditer(value)):
        if count == _MAX_CONTENT_WORDS:
            return
        if is_made_by_machine(match[0]):
            yield from _forms_of_value(match[0])


def _may_be_lowercase_word(secret_value: str) -> bool:
    """Whether a value may be a word of any sentence."""
    return secret_value.isalpha() and secret_value.islower() and len(secret_value) < 2 * _MIN_KNOWN_SECRET_LENGTH


def _is_distinctive_value(secret_value: str) -> bool:
    """Whether a value is so much its own that it can be masked wherever it stands."""
    return len(secret_value) >= _MIN_KNOWN_SECRET_LENGTH and not _may_be_lowercase_word(secret_value)


def _is_secret_name(variable_name: str) -> bool:
    """Whether a name is that of a secret; a number at its end (`PASSWORD_2`) only counts."""
    return secrets.is_secret_name(name_without_trailing_number(variable_name))


def _value_of_name_value_entry(root_source: Source, line_number: int, line_text: str) -> Iterator[Span]:
    """The `value:` of a list entry whose `name:`, on the line before or after, is that of a secret."""
    value_match = _ENTRY_VALUE_START.match(line_text)
    if value_match:
        for neighbor_line_number in (line_number - 1, line_number + 1):
            name_match = _ENTRY_NAME_LINE.match(root_source.line_text(neighbor_line_number))
            unquoted_value = line_text[value_match.end() :].strip().strip("\"'")
            if name_match and secrets.must_be_hidden_in_output(name_without_trailing_number(name_match["name"]), unquoted_value):
                yield Span(value_match.end(), len(line_text.rstrip()))


def _merge_touching_spans(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, those that touch as one."""
    merged_spans: list[Span] = []
    for span in sorted(spans):
        if merged_spans and span.start <= merged_spans[-1].end:
            merged_spans[-1] = Span(merged_spans[-1].start, max(merged_spans[-1].end, span.end))
        else:
            merged_spans.append(span)
    return merged_spans


def _mask_spans(text: str, spans: Iterable[Span]) -> str:
    offset = 0
    text_parts = []
    for span in spans:
        text_parts += [text[offset : span.start], MASK]
        offset = span.end
    return "".join([*text_parts, text[offset:]])
