"""One redaction for every format: the values of secrets never reach a reader, and control characters neither."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator

from readiness.model import Finding, Source, Span
from readiness.syntax import secrets

MASK = "********"
_PERMISSION_WORDS = frozenset({"read", "write", "deletecollection"})  # `id-token: write` grants a right
_MIN_SECRET_LENGTH = 6  # characters that a value must have to be masked wherever it turns up
_PEM_HEADER = "-----BEGIN "
# Each repeats one class only, with a bound: input is hostile. What is looked ahead at is not used up, so that the
# assignment inside `command: PASSWORD=...` is found as well.
_NAME_PATTERN = r"(?P<name>[A-Za-z_][A-Za-z0-9_.-]{1,80})"
_ASSIGNMENT_SIGN_PATTERN = r"""["']?[ \t]{0,8}(?::=|[:=])[ \t]{0,8}"""
_QUOTED_ASSIGNMENT = re.compile(
    rf"""(?<![\w.-])(?={_NAME_PATTERN}{_ASSIGNMENT_SIGN_PATTERN}(?:"(?P<double>[^"]{{1,400}})"|'(?P<single>[^']{{1,400}})'))"""
)
_UNQUOTED_ASSIGNMENT = re.compile(rf"""(?<![\w.-])(?={_NAME_PATTERN}{_ASSIGNMENT_SIGN_PATTERN}(?P<value>[^\s"',]{{1,400}}))""")
_SPACE_SEPARATED_VALUE_PATTERN = r"""["']?[ \t,]{1,8}["']?(?P<value>[^\s"'-][^\s"']{0,400})"""
_VARIABLE_DEFAULT = re.compile(rf"""\$\{{{_NAME_PATTERN}:?-(?P<value>[^\s"'{{}}]{{1,400}})""")
_ENV_INSTRUCTION = re.compile(rf"\b(?:ENV|ARG|export)[ \t]{{1,8}}{_NAME_PATTERN}{_SPACE_SEPARATED_VALUE_PATTERN}")
_FLAG_WITH_VALUE = re.compile(rf"(?<![\w-])(?=--?{_NAME_PATTERN}{_SPACE_SEPARATED_VALUE_PATTERN})")
_AUTH_SCHEME_TOKEN = re.compile(r"\b(?:Bearer|Basic|Token)[ \t]{1,4}(?P<value>[A-Za-z0-9+/=._~-]{8,400})", re.IGNORECASE)
_USER_OPTION = re.compile(r"""(?<!\S)(?:-u|--user)[ =]?["']?[^\s:"'$]{1,80}:(?P<value>[^\s"']{1,200})""")
# What every pattern here and every known shape of a key has: an assignment, a flag, a scheme, or a long word.
_MAY_HOLD_SECRET = re.compile(r"[:=]|-[A-Za-z]|[A-Za-z0-9_.-]{15}|bearer|basic|token", re.IGNORECASE)
_CONSTANT_STYLE_NAME = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_ASSIGNMENT_START = re.compile(rf"""{_NAME_PATTERN}{_ASSIGNMENT_SIGN_PATTERN}["']?""")
_SECRET_OBJECT = re.compile(r"""^kind:[ \t]{0,8}["']?Secret\b""", re.MULTILINE)
_YAML_KEY = re.compile(r"""[ \t]*["']?[\w.-]{1,253}["']?:(?:[ \t]+|$)""", re.MULTILINE)
_ENTRY_START_PATTERN = r"""\A[ \t]*(?:-[ \t]+)?"""
_NAME_OF = re.compile(rf"""{_ENTRY_START_PATTERN}(?:name|key):[ \t]*["']?{_NAME_PATTERN}["']?[ \t]*\Z""")
_VALUE_OF = re.compile(rf"{_ENTRY_START_PATTERN}value:[ \t]*(?=\S)")
_MAX_MESSAGE_LENGTH = 2000  # characters of a message
_CONTEXT_CHARACTERS = 1000  # characters on either side of what is shown: enough for any name and value that reach into it


class Redactor:
    """Masks the values at known places, and whatever looks like a secret.

    A known value is masked wherever it turns up, unless it is so plain a word (`postgres`) that half the report
    would go with it; then only where it stands as the secret.
    """

    def __init__(self, hidden: Iterable[tuple[Source, Span]] = ()) -> None:
        self._rows: dict[tuple[str, int], list[Span]] = {}
        self._read: set[str] = set()  # paths whose text was searched for what lines do not tell
        self._texts: dict[str, str] = {}
        self._values: dict[str, set[str]] = {}  # by the first characters
        for source, span in hidden:
            text = source.text[span.start : span.end]
            if _CONSTANT_STYLE_NAME.fullmatch(text) and _is_secret_name(text):
                continue  # the place of a variable's name, which readers need
            name = _ASSIGNMENT_START.match(text)
            start = span.start + (name.end() if name else 0)
            self._remember_secret(source.root, Span(source.to_root(start), source.to_root(span.end)))
            for value in source.text[start : span.end].split("\n"):
                bare = value.strip(" \t\r\"'")
                if _is_distinctive(bare) and not secrets.is_placeholder(bare):
                    self._values.setdefault(bare[:_MIN_SECRET_LENGTH], set()).add(bare)

    def _remember_secret(self, root: Source, span: Span) -> None:
        """Remember what is hidden of each line that a place covers."""
        at = span.start
        while at < span.end:
            line, column = root.position_of(at)
            end = root.line_offsets[line] if line < len(root.line_offsets) else len(root.text)
            size = min(span.end, end) - at
            self._rows.setdefault((root.path, line), []).append(Span(column - 1, column - 1 + size))
            at = max(end, at + 1)

    def mask_text(self, text: str) -> str:
        """A message without the values of secrets; one that goes on for ever is cut."""
        if len(text) > _MAX_MESSAGE_LENGTH:
            text = text[:_MAX_MESSAGE_LENGTH] + "…"
        if text not in self._texts:
            self._texts[text] = _mask_spans(text, self._spans_in_sentence(text)) if self._may_hold_secret(text) else text
        return self._texts[text]

    def _may_hold_secret(self, text: str) -> bool:
        """Whether there is any reason to look closer: most messages have none, and there are many."""
        return bool(_MAY_HOLD_SECRET.search(text)) or bool(self._values)

    def _spans_in_sentence(self, text: str) -> list[Span]:
        """What to mask in a sentence: `secrets: delete` in one is about a right, not a value."""
        found = (span for span in _values_that_look_secret(text) if not _may_be_ordinary_word(text[span.start : span.end]))
        return _merge_spans([*found, *self._known_spans(text)])

    def secret_spans(self, text: str) -> list[Span]:
        """What to mask in a text, merged and in order."""
        return _merge_spans([*_values_that_look_secret(text), *self._known_spans(text)])

    def _known_spans(self, text: str) -> Iterator[Span]:
        """Where the values of known secrets stand in a text."""
        starts = self._values
        if len(starts) < len(text) and not any(start in text for start in starts):
            return  # as in most texts; with more values than letters it is quicker to go by letters
        for at in range(len(text) - _MIN_SECRET_LENGTH + 1):
            for value in self._values.get(text[at : at + _MIN_SECRET_LENGTH], ()):
                if text.startswith(value, at):
                    yield Span(at, at + len(value))

    def line_spans(self, source: Source, number: int, shown_columns: Span) -> list[Span]:
        """What to mask in line `number` (from 1) of a file, in and near the columns (from 0) that are shown."""
        root = source.root
        text = root.line_text(number)
        low = max(shown_columns.start - _CONTEXT_CHARACTERS, 0)
        piece = text[low : shown_columns.end + _CONTEXT_CHARACTERS]
        spans = [*self.secret_spans(piece), *_values_assigned_to_secrets(_ENV_INSTRUCTION, piece)]
        spans = [Span(low + span.start, low + span.end) for span in spans]
        self._hide_keys_and_secret_objects(root)
        spans += self._rows.get((root.path, number), [])
        spans += _value_of_name_value_entry(root, number, text)
        return _merge_spans(span for span in spans if span.start < span.end)

    def _hide_keys_and_secret_objects(self, root: Source) -> None:
        """Hide private keys and the values of Secret objects: none of their lines looks like a secret by itself."""
        if root.path not in self._read:
            self._read.add(root.path)
            for span in (*_private_key_bodies(root.text), *_secret_object_values(root)):
                self._remember_secret(root, span)


def hidden_places(findings: Iterable[Finding], read: Iterable[Source]) -> list[tuple[Source, Span]]:
    """Where secrets stand: what rules on secrets found, and the defaults of variables that hold one."""
    hidden = [(one.source, one.span) for one in findings if one.rule_definition.marks_secrets]
    for source in dict.fromkeys(read):
        hidden += secret_default_spans(source)
    return hidden


def secret_default_spans(source: Source) -> Iterator[tuple[Source, Span]]:
    """The defaults that a text gives to variables with names of secrets (`${DB_PASSWORD:-x}`): what is made of one may be
    told far from there."""
    if "${" in source.text and secrets.may_contain_secret_name(source.text):
        yield from ((source, span) for span in _values_assigned_to_secrets(_VARIABLE_DEFAULT, source.text))


def _may_be_ordinary_word(value: str) -> bool:
    """Whether a value may be a word of any sentence."""
    return value.isalpha() and value.islower() and len(value) < 2 * _MIN_SECRET_LENGTH


def _is_distinctive(value: str) -> bool:
    """Whether a value is so much its own that it can be masked wherever it stands."""
    return len(value) >= _MIN_SECRET_LENGTH and not _may_be_ordinary_word(value)


def _values_that_look_secret(text: str) -> Iterator[Span]:
    """What looks like the value of a secret, in a line of a file or in a sentence about it."""
    for span in secrets.may_be_secrets(text):
        if text[span.start : span.end] not in _PERMISSION_WORDS:
            yield span
    if secrets.may_contain_secret_name(text):
        yield from _values_assigned_to_secrets(_QUOTED_ASSIGNMENT, text)
        yield from _values_assigned_to_secrets(_UNQUOTED_ASSIGNMENT, text)
        yield from _values_assigned_to_secrets(_FLAG_WITH_VALUE, text)
        yield from _values_assigned_to_secrets(_VARIABLE_DEFAULT, text)
    for pattern in (_AUTH_SCHEME_TOKEN, _USER_OPTION):
        for match in pattern.finditer(text):
            value = match["value"]
            if not secrets.is_placeholder(value) and not value.isalpha():
                yield Span(*match.span("value"))


def _values_assigned_to_secrets(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    """The values that a pattern finds under names of secrets."""
    for match in pattern.finditer(text):
        group = match.lastgroup or "value"
        name, value = _without_number(match["name"]), match[group]
        if value in _PERMISSION_WORDS and not secrets.is_password_name(name):
            continue
        if secrets.is_hidden(name, value):
            yield Span(*match.span(group))


def _is_secret_name(name: str) -> bool:
    """Whether a name is that of a secret; a number at its end (`PASSWORD_2`) only counts."""
    return secrets.is_secret_name(_without_number(name))


def _without_number(name: str) -> str:
    return name.rstrip("0123456789_-.")


def _value_of_name_value_entry(root: Source, number: int, text: str) -> Iterator[Span]:
    """The `value:` of a list entry whose `name:`, on the line before or after, is that of a secret."""
    value = _VALUE_OF.match(text)
    if value:
        for other in (number - 1, number + 1):
            name = _NAME_OF.match(root.line_text(other))
            bare = text[value.end() :].strip().strip("\"'")
            if name and secrets.is_hidden(_without_number(name["name"]), bare):
                yield Span(value.end(), len(text.rstrip()))


def _private_key_bodies(text: str) -> Iterator[Span]:
    """From the line after each BEGIN ... PRIVATE KEY to its END, or to the end of the text."""
    at = text.find(_PEM_HEADER)
    while at >= 0:
        line = text.find("\n", at)
        if line < 0:
            return
        if "PRIVATE KEY" in text[at:line]:
            end = text.find("-----END ", line)
            yield Span(line + 1, end if end >= 0 else len(text))
        at = text.find(_PEM_HEADER, line)


def _secret_object_values(root: Source) -> Iterator[Span]:
    """What stands under `data` and `stringData` of Secret objects, key by key; the keys stay readable."""
    if not _SECRET_OBJECT.search(root.text):
        return
    starts = [*root.line_offsets, len(root.text)]
    document: list[Span] = []
    secret = inside = False
    for start, end in itertools.pairwise(starts):
        line = root.text[start:end]
        if line.startswith("---"):
            yield from document if secret else ()
            document, secret, inside = [], False, False
        elif line[:1].strip():  # a key of the object itself
            secret = secret or bool(_SECRET_OBJECT.match(line))
            inside = line.startswith(("data:", "stringData:"))
        elif inside and line.strip():
            key = _YAML_KEY.match(line)
            document.append(Span(start + (key.end() if key else 0), start + len(line.rstrip())))
    yield from document if secret else ()


def _merge_spans(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, those that touch as one."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def _mask_spans(text: str, spans: Iterable[Span]) -> str:
    at = 0
    parts = []
    for span in spans:
        parts += [text[at : span.start], MASK]
        at = span.end
    return "".join([*parts, text[at:]])
