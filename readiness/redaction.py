"""One redaction for every format: the values of secrets never reach a reader, and control characters neither."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator

from readiness.model import Finding, Source, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax import secrets

MASK = "********"
_PERMISSION_VERBS = frozenset({"read", "write", "deletecollection"})  # `id-token: write` grants a right
_MIN_KNOWN_SECRET_LENGTH = 6  # characters that a value must have to be masked wherever it turns up
_PEM_HEADER = "-----BEGIN "
# Each repeats one class only, with a bound: input is hostile. What is looked ahead at is not used up, so that the
# assignment inside `command: PASSWORD=...` is found as well.
_NAME_PATTERN = r"(?P<name>[A-Za-z_][A-Za-z0-9_.-]{1,80})"
_ASSIGNMENT_SIGN_PATTERN = r"""["']?[ \t]{0,8}(?::=|[:=])[ \t]{0,8}"""
_QUOTED_ASSIGNMENT = lazy_regex(
    rf"""(?<![\w.-])(?={_NAME_PATTERN}{_ASSIGNMENT_SIGN_PATTERN}(?:"(?P<double>[^"]{{1,400}})"|'(?P<single>[^']{{1,400}})'))"""
)
_UNQUOTED_ASSIGNMENT = lazy_regex(rf"""(?<![\w.-])(?={_NAME_PATTERN}{_ASSIGNMENT_SIGN_PATTERN}(?P<value>[^\s"',]{{1,400}}))""")
_SPACE_SEPARATED_VALUE_PATTERN = r"""["']?[ \t,]{1,8}["']?(?P<value>[^\s"'-][^\s"']{0,400})"""
_VARIABLE_DEFAULT = lazy_regex(rf"""\$\{{{_NAME_PATTERN}:?-(?P<value>[^\s"'{{}}]{{1,400}})""")
_ENV_INSTRUCTION = lazy_regex(rf"\b(?:ENV|ARG|export)[ \t]{{1,8}}{_NAME_PATTERN}{_SPACE_SEPARATED_VALUE_PATTERN}")
_FLAG_WITH_VALUE = lazy_regex(rf"(?<![\w-])(?=--?{_NAME_PATTERN}{_SPACE_SEPARATED_VALUE_PATTERN})")
_AUTH_SCHEME_TOKEN = lazy_regex(r"\b(?:Bearer|Basic|Token)[ \t]{1,4}(?P<value>[A-Za-z0-9+/=._~-]{8,400})", re.IGNORECASE)
_USER_PASSWORD_OPTION = lazy_regex(r"""(?<!\S)(?:-u|--user)[ =]?["']?[^\s:"'$]{1,80}:(?P<value>[^\s"']{1,200})""")
# What every pattern here and every known shape of a key has: an assignment, a flag, a scheme, a long word, or what an entry of .netrc begins with.
_POSSIBLE_SECRET_SIGN = lazy_regex(r"[:=]|-[A-Za-z]|[A-Za-z0-9_.-]{15}|bearer|basic|token|machine", re.IGNORECASE)
_CONSTANT_STYLE_NAME = lazy_regex(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_ASSIGNMENT_START = lazy_regex(rf"""{_NAME_PATTERN}{_ASSIGNMENT_SIGN_PATTERN}["']?""")
_SECRET_KIND_LINE = lazy_regex(r"""^kind:[ \t]{0,8}["']?Secret\b""", re.MULTILINE)
_YAML_KEY = lazy_regex(r"""[ \t]*["']?[\w.-]{1,253}["']?:(?:[ \t]+|$)""", re.MULTILINE)
_LIST_ENTRY_START_PATTERN = r"""\A[ \t]*(?:-[ \t]+)?"""
_ENTRY_NAME_LINE = lazy_regex(rf"""{_LIST_ENTRY_START_PATTERN}(?:name|key):[ \t]*["']?{_NAME_PATTERN}["']?[ \t]*\Z""")
_ENTRY_VALUE_START = lazy_regex(rf"{_LIST_ENTRY_START_PATTERN}value:[ \t]*(?=\S)")
_MAX_MESSAGE_LENGTH = 2000  # characters of a message
_CONTEXT_CHARACTERS_PER_SIDE = 1000  # characters on either side of what is shown: enough for any name and value that reach into it


class Redactor:
    """Masks the values at known places, and whatever looks like a secret.

    A known value is masked wherever it turns up, unless it is so plain a word (`postgres`) that half the report
    would go with it; then only where it stands as the secret.
    """

    def __init__(self, hidden_source_spans: Iterable[tuple[Source, Span]] = ()) -> None:
        self._rows: dict[tuple[str, int], list[Span]] = {}
        self._read: set[str] = set()  # paths whose text was searched for what lines do not tell
        self._texts: dict[str, str] = {}
        self._values: dict[str, set[str]] = {}  # by the first characters
        for source, span in hidden_source_spans:
            secret_text = source.text[span.start : span.end]
            if _CONSTANT_STYLE_NAME.fullmatch(secret_text) and _is_secret_name(secret_text):
                continue  # the place of a variable's name, which readers need
            assignment_match = _ASSIGNMENT_START.match(secret_text)
            value_start = span.start + (assignment_match.end() if assignment_match else 0)
            self._remember_secret(source.root, Span(source.to_root(value_start), source.to_root(span.end)))
            for value_line in source.text[value_start : span.end].split("\n"):
                unquoted_value = value_line.strip(" \t\r\"'")
                if _is_distinctive_value(unquoted_value) and not secrets.is_placeholder(unquoted_value):
                    self._values.setdefault(unquoted_value[:_MIN_KNOWN_SECRET_LENGTH], set()).add(unquoted_value)

    def _remember_secret(self, root_source: Source, span: Span) -> None:
        """Remember what is hidden of each line that a place covers."""
        offset = span.start
        while offset < span.end:
            line_number, column = root_source.position_of(offset)
            line_end = root_source.line_offsets[line_number] if line_number < len(root_source.line_offsets) else len(root_source.text)
            hidden_length = min(span.end, line_end) - offset
            self._rows.setdefault((root_source.path, line_number), []).append(Span(column - 1, column - 1 + hidden_length))
            offset = max(line_end, offset + 1)

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
            [span for span in _values_that_look_secret(message) if not _may_be_lowercase_word(message[span.start : span.end])]
            if _POSSIBLE_SECRET_SIGN.search(message)  # most messages give no reason to look closer, and there are many
            else ()
        )
        return _merge_touching_spans([*secret_looking_spans, *self._known_spans(message)])

    def secret_spans(self, text: str) -> list[Span]:
        """What to mask in a text, merged and in order."""
        return _merge_touching_spans([*_values_that_look_secret(text), *self._known_spans(text)])

    def _known_spans(self, text: str) -> Iterator[Span]:
        """Where the values of known secrets stand in a text."""
        known_secrets_by_prefix = self._values
        if len(known_secrets_by_prefix) < len(text) and not any(start in text for start in known_secrets_by_prefix):
            return  # as in most texts; with more values than letters it is quicker to go by letters
        for value_start in range(len(text) - _MIN_KNOWN_SECRET_LENGTH + 1):
            for known_secret in self._values.get(text[value_start : value_start + _MIN_KNOWN_SECRET_LENGTH], ()):
                if text.startswith(known_secret, value_start):
                    yield Span(value_start, value_start + len(known_secret))

    def line_spans(self, source: Source, line_number: int, shown_columns: Span) -> list[Span]:
        """What to mask in line `line_number` (from 1) of a file, in and near the columns (from 0) that are shown."""
        root_source = source.root
        line_text = root_source.line_text(line_number)
        window_start = max(shown_columns.start - _CONTEXT_CHARACTERS_PER_SIDE, 0)
        window_text = line_text[window_start : shown_columns.end + _CONTEXT_CHARACTERS_PER_SIDE]
        hidden_spans = [*self.secret_spans(window_text), *_values_assigned_to_secrets(_ENV_INSTRUCTION, window_text)]
        hidden_spans = [Span(window_start + span.start, window_start + span.end) for span in hidden_spans]
        self._hide_keys_and_secret_objects(root_source)
        hidden_spans += self._rows.get((root_source.path, line_number), [])
        hidden_spans += _value_of_name_value_entry(root_source, line_number, line_text)
        return _merge_touching_spans(span for span in hidden_spans if span.start < span.end)

    def _hide_keys_and_secret_objects(self, root_source: Source) -> None:
        """Hide private keys and the values of Secret objects: none of their lines looks like a secret by itself."""
        if root_source.path not in self._read:
            self._read.add(root_source.path)
            for span in (*_private_key_bodies(root_source.text), *_secret_object_values(root_source)):
                self._remember_secret(root_source, span)


def find_secret_places(findings: Iterable[Finding], read_sources: Iterable[Source]) -> list[tuple[Source, Span]]:
    """Where secrets stand: what rules on secrets found, and the defaults of variables that hold one."""
    places = [(one.source, one.span) for one in findings if one.rule_definition.marks_secrets]
    for source in dict.fromkeys(read_sources):
        places += secret_default_spans(source)
    return places


def secret_default_spans(source: Source) -> Iterator[tuple[Source, Span]]:
    """The defaults that a text gives to variables with names of secrets (`${DB_PASSWORD:-x}`): what is made of one may be
    told far from there."""
    if "${" in source.text and secrets.may_contain_secret_name(source.text):
        yield from ((source, span) for span in _values_assigned_to_secrets(_VARIABLE_DEFAULT, source.text))


def _may_be_lowercase_word(secret_value: str) -> bool:
    """Whether a value may be a word of any sentence."""
    return secret_value.isalpha() and secret_value.islower() and len(secret_value) < 2 * _MIN_KNOWN_SECRET_LENGTH


def _is_distinctive_value(secret_value: str) -> bool:
    """Whether a value is so much its own that it can be masked wherever it stands."""
    return len(secret_value) >= _MIN_KNOWN_SECRET_LENGTH and not _may_be_lowercase_word(secret_value)


def _values_that_look_secret(text: str) -> Iterator[Span]:
    """What looks like the value of a secret, in a line of a file or in a sentence about it."""
    for span in secrets.possible_secret_spans(text):
        if text[span.start : span.end] not in _PERMISSION_VERBS:
            yield span
    if secrets.may_contain_secret_name(text):
        yield from _values_assigned_to_secrets(_QUOTED_ASSIGNMENT, text)
        yield from _values_assigned_to_secrets(_UNQUOTED_ASSIGNMENT, text)
        yield from _values_assigned_to_secrets(_FLAG_WITH_VALUE, text)
        yield from _values_assigned_to_secrets(_VARIABLE_DEFAULT, text)
    for pattern in (_AUTH_SCHEME_TOKEN, _USER_PASSWORD_OPTION):
        for match in pattern.finditer(text):
            token_value = match["value"]
            if not secrets.is_placeholder(token_value) and not token_value.isalpha():
                yield Span(*match.span("value"))


def _values_assigned_to_secrets(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    """The values that a pattern finds under names of secrets."""
    for match in pattern.finditer(text):
        value_group = match.lastgroup or "value"
        variable_name, assigned_value = _name_without_trailing_number(match["name"]), match[value_group]
        if assigned_value in _PERMISSION_VERBS and not secrets.is_password_name(variable_name):
            continue
        if secrets.must_be_hidden_in_output(variable_name, assigned_value):
            yield Span(*match.span(value_group))


def _is_secret_name(variable_name: str) -> bool:
    """Whether a name is that of a secret; a number at its end (`PASSWORD_2`) only counts."""
    return secrets.is_secret_name(_name_without_trailing_number(variable_name))


def _name_without_trailing_number(variable_name: str) -> str:
    return variable_name.rstrip("0123456789_-.")


def _value_of_name_value_entry(root_source: Source, line_number: int, line_text: str) -> Iterator[Span]:
    """The `value:` of a list entry whose `name:`, on the line before or after, is that of a secret."""
    value_match = _ENTRY_VALUE_START.match(line_text)
    if value_match:
        for neighbor_line_number in (line_number - 1, line_number + 1):
            name_match = _ENTRY_NAME_LINE.match(root_source.line_text(neighbor_line_number))
            unquoted_value = line_text[value_match.end() :].strip().strip("\"'")
            if name_match and secrets.must_be_hidden_in_output(_name_without_trailing_number(name_match["name"]), unquoted_value):
                yield Span(value_match.end(), len(line_text.rstrip()))


def _private_key_bodies(text: str) -> Iterator[Span]:
    """From the line after each BEGIN ... PRIVATE KEY to its END, or to the end of the text."""
    begin_offset = text.find(_PEM_HEADER)
    while begin_offset >= 0:
        line_end = text.find("\n", begin_offset)
        if line_end < 0:
            return
        if "PRIVATE KEY" in text[begin_offset:line_end]:
            body_end = text.find("-----END ", line_end)
            yield Span(line_end + 1, body_end if body_end >= 0 else len(text))
        begin_offset = text.find(_PEM_HEADER, line_end)


def _secret_object_values(root_source: Source) -> Iterator[Span]:
    """What stands under `data` and `stringData` of Secret objects, key by key; the keys stay readable."""
    if not _SECRET_KIND_LINE.search(root_source.text):
        return
    line_offsets = [*root_source.line_offsets, len(root_source.text)]
    value_spans: list[Span] = []
    is_secret_object = is_in_data_section = False
    for line_start, line_end in itertools.pairwise(line_offsets):
        line = root_source.text[line_start:line_end]
        if line.startswith("---"):
            yield from value_spans if is_secret_object else ()
            value_spans, is_secret_object, is_in_data_section = [], False, False
        elif line[:1].strip():  # a key of the object itself
            is_secret_object = is_secret_object or bool(_SECRET_KIND_LINE.match(line))
            is_in_data_section = line.startswith(("data:", "stringData:"))
        elif is_in_data_section and line.strip():
            key_match = _YAML_KEY.match(line)
            value_spans.append(Span(line_start + (key_match.end() if key_match else 0), line_start + len(line.rstrip())))
    yield from value_spans if is_secret_object else ()


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
