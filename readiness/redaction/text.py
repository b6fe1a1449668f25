"""What looks like the value of a secret in a text of any language: a line of a file, a script, a sentence about either."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

from readiness.model import Span
from readiness.model.lazy_regex import lazy_regex
from readiness.redaction.commands import command_password_spans
from readiness.syntax import secrets

PERMISSION_VERBS = frozenset({"read", "write", "deletecollection"})  # `id-token: write` grants a right
_PEM_HEADER = "-----BEGIN "
_MAX_PEM_HEADER_LENGTH = 80  # characters
_MAX_KEY_LENGTH = 20_000  # characters
_CUT_OFF_KEY = lazy_regex(r"[A-Za-z0-9+/=\s\"'\\]{0,2000}")
# Each repeats one class only, with a bound: input is hostile. What is looked ahead at is not used up, so that the
# assignment inside `command: PASSWORD=...` is found as well.
NAME_PATTERN = r"(?P<name>[A-Za-z_][A-Za-z0-9_.-]{1,80})"
ASSIGNMENT_SIGN_PATTERN = r"""["']?[ \t]{0,8}(?::=|[:=])[ \t]{0,8}"""
_QUOTED_ASSIGNMENT = lazy_regex(
    rf"""(?<![\w.-])(?={NAME_PATTERN}{ASSIGNMENT_SIGN_PATTERN}(?:"(?P<double>[^"]{{1,400}})"|'(?P<single>[^']{{1,400}})'))"""
)
_UNQUOTED_ASSIGNMENT = lazy_regex(rf"""(?<![\w.-])(?={NAME_PATTERN}{ASSIGNMENT_SIGN_PATTERN}(?P<value>[^\s"',]{{1,400}}))""")
_SPACE_SEPARATED_VALUE_PATTERN = r"""["']?[ \t,]{1,8}["']?(?P<value>[^\s"'-][^\s"']{0,400})"""
VARIABLE_DEFAULT = lazy_regex(rf"""(?=\$\{{{NAME_PATTERN}:?-(?P<value>[^\s"'{{}}]{{1,400}}))""")
_QUERY_ARGUMENT = lazy_regex(rf"""(?<=[?&]){NAME_PATTERN}=(?P<value>[^\s"'&#;]{{1,400}})""")
ENV_INSTRUCTION = lazy_regex(rf"\b(?:ENV|ARG|export)[ \t]{{1,8}}{NAME_PATTERN}{_SPACE_SEPARATED_VALUE_PATTERN}")
_FLAG_WITH_VALUE = lazy_regex(rf"(?<![\w-])(?=--?{NAME_PATTERN}{_SPACE_SEPARATED_VALUE_PATTERN})")
_COMPARISON = lazy_regex(rf"""(?<![\w.-])(?={NAME_PATTERN}[ \t]{{0,8}}(?:[!=]=|=|!?~\*?)[ \t]{{0,8}}["'](?P<value>[^"']{{1,400}})["'])""")
_FALLBACK = lazy_regex(rf"""(?<![\w.-])(?={NAME_PATTERN}[ \t]{{0,8}}\|\|[ \t]{{0,8}}["'](?P<value>[^"']{{1,400}})["'])""")
_TEMPLATE_DEFAULT = lazy_regex(rf"""\bdefault[ \t]{{1,8}}["'](?P<value>[^"']{{1,400}})["'][ \t]{{1,8}}[.$]{{0,3}}{NAME_PATTERN}""")
_PIPED_TEMPLATE_DEFAULT = lazy_regex(
    rf"""(?<![\w.-])(?={NAME_PATTERN}[ \t]{{0,8}}\|[ \t]{{0,8}}default[ \t]{{1,8}}["'](?P<value>[^"']{{1,400}})["'])"""
)
_ELEMENT = lazy_regex(rf"""<{NAME_PATTERN}>(?P<value>[^<>\n]{{1,400}})</""")
# A directive of a program's own configuration: its name and one word. In a sentence two words are two words.
_DIRECTIVE_LINE = lazy_regex(
    rf"""^[ \t]{{0,80}}{NAME_PATTERN}[ \t]{{1,20}}(?:=[ \t]{{1,20}})?["']?(?P<value>[^\s"';{{}}=:]{{4,400}})["']?[ \t]{{0,8}};?[ \t]{{0,8}}\r?$""",
    re.MULTILINE,
)
_CONTINUED_VALUE = lazy_regex(
    rf"""(?<![\w.-])(?=-{{0,2}}{NAME_PATTERN}(?:=|[ \t]{{1,8}})[ \t]{{0,8}}\\[ \t]{{0,8}}\r?\n[ \t]{{0,80}}["']?"""
    r"""(?P<value>[^\s"'\\-][^\s"'\\]{0,400}))"""
)
# Each with what a text must hold to be searched for it.
_VALUES_UNDER_NAMES = (
    (_QUOTED_ASSIGNMENT, ""), (_UNQUOTED_ASSIGNMENT, ""), (_FLAG_WITH_VALUE, "-"), (VARIABLE_DEFAULT, "${"), (_COMPARISON, "="), (_FALLBACK, "||"),
    (_TEMPLATE_DEFAULT, "default"), (_PIPED_TEMPLATE_DEFAULT, "default"), (_ELEMENT, "</"), (_CONTINUED_VALUE, "\\"), (_QUERY_ARGUMENT, "="),
)  # fmt: skip
_AUTH_SCHEME_TOKEN = lazy_regex(r"\b(?:Bearer|Basic|Token)[ \t]{1,4}(?P<value>[A-Za-z0-9+/=._~-]{8,400})", re.IGNORECASE)
_USER_PASSWORD_OPTION = lazy_regex(r"""(?<!\S)(?:-u|--user)[ =]?["']?[^\s:"'$]{1,80}:(?P<value>[^\s"']{1,200})""")
_SQL_PASSWORD = lazy_regex(r"\b(?:PASSWORD|IDENTIFIED[ \t]{1,4}BY)[ \t]{1,4}'(?P<value>[^'\n]{1,200})'", re.IGNORECASE)
_PASS_PHRASE_SOURCE = lazy_regex(r"""-pass(?:in|out)?[ \t=]{1,4}["']?pass:(?P<value>[^\s"']{1,200})""")
_MASKED_BY_RUNNER = lazy_regex(r"::add-mask::(?P<value>[^\s\"']{1,400})")
_PGPASS_LINE = lazy_regex(r"(?<![\w.:-])[\w.*-]{1,100}:(?:\d{2,5}|\*):[\w*-]{1,60}:[\w*-]{1,60}:(?P<value>[^\s\"':]{1,200})")
_CERTAIN_PATTERNS = (
    (_USER_PASSWORD_OPTION, "-u"),
    (_SQL_PASSWORD, "'"),
    (_PASS_PHRASE_SOURCE, "pass:"),
    (_MASKED_BY_RUNNER, "add-mask"),
    (_PGPASS_LINE, ":"),
)
_SECRET_DATA_IN_JSON = lazy_regex(r'"(?:data|stringData)"[ ]{0,4}:[ ]{0,4}\{(?P<value>[^{}]{1,4000})\}')  # of an object that an annotation holds
# What only a value that a machine made proves: a token in a user's place, a login before a registry, the `auth` of Docker and npm.
_URL_USER = lazy_regex(r"://(?P<value>[^\s/:@'\"<>$]{8,200})@")
_LOGIN_BEFORE_HOST = lazy_regex(r"(?<![\w./:@-])[\w.-]{1,80}:(?P<value>[^\s/:@'\"<>$]{8,200})@[\w-]{1,60}\.[\w.-]{1,100}/")
_ENCODED_LOGIN = lazy_regex(r"""\b_?auth["']?[ \t]{0,4}[:=][ \t]{0,4}["']?(?P<value>[A-Za-z0-9+/=_-]{8,400})""")
_PATTERNS_OF_MADE_VALUES = ((_URL_USER, "@"), (_LOGIN_BEFORE_HOST, "@"), (_ENCODED_LOGIN, "auth"))
# What every pattern here and every known shape of a key has: an assignment, a flag, a scheme, a long word, or what an entry of .netrc begins with.
POSSIBLE_SECRET_SIGN = lazy_regex(r"[:=<]|-[A-Za-z]|[A-Za-z0-9_.-]{15}|bearer|basic|token|machine|password|identified", re.IGNORECASE)


class SecretSort(enum.StrEnum):
    """How much of a marked value is hidden wherever else it turns up."""

    PLACE = "place"  # nothing: a word that half the report may hold
    VALUE = "value"  # all of it
    CONTENT = "content"  # the words in it that a machine made: the data of a Secret holds hosts and names as well
    ENCODED = "encoded"  # the same of what it is in base64, and that itself


class SecretMark(NamedTuple):
    """A value that no output shows: where it stands, under which name, whether its place says that it is one whatever the name.

    `sort` is None where the name and the value have to tell.
    """

    span: Span
    name: str = ""
    is_certain: bool = False
    sort: SecretSort | None = None


def marks_in_text(text: str, *, is_marked_by_form: bool = False) -> Iterator[SecretMark]:
    """What looks like the value of a secret, in a line of a file or in a sentence about it.

    `is_marked_by_form` says that the text is a part of one in which keys of known shapes, private keys and the passwords of commands are
    marked already: a second look at a part finds no more of them.
    """
    for span in secrets.possible_secret_spans(text, may_have_shapes=not is_marked_by_form):
        value = without_sentence_marks(text[span.start : span.end])
        if (
            value not in PERMISSION_VERBS
            and not _is_no_value(text[span.start : span.end])
            and not secrets.is_placeholder(value)
            and not _is_message_of_expansion(text, span.start)
        ):
            name = name_without_trailing_number(_name_before(text, span.start))
            is_named = secrets.is_secret_name(name)  # what is not assigned to a secret's name is known by its shape, or stands in a URL
            yield SecretMark(span, name if is_named else "", is_certain=not is_named)
    if secrets.may_contain_secret_name(text):
        for pattern, needed_text in _VALUES_UNDER_NAMES:
            if needed_text in text:
                yield from marks_under_secret_names(pattern, text)
    for span in () if is_marked_by_form else command_password_spans(text):
        yield SecretMark(span, is_certain=True)
    for pattern, needed_text in _CERTAIN_PATTERNS:
        if needed_text in text:
            yield from _marks_of_pattern(pattern, text, lambda value: not secrets.is_placeholder(value) and "$" not in value)
    for mark in _marks_of_pattern(_AUTH_SCHEME_TOKEN, text, lambda value: not secrets.is_placeholder(value) and not value.isalpha()):
        yield mark._replace(sort=SecretSort.ENCODED)
    if '"Secret"' in text:
        yield from (mark._replace(sort=SecretSort.CONTENT) for mark in _marks_of_pattern(_SECRET_DATA_IN_JSON, text, bool))
    for pattern, needed_text in _PATTERNS_OF_MADE_VALUES:
        if needed_text in text:
            yield from _marks_of_pattern(pattern, text, is_made_by_machine)
    yield from (SecretMark(span) for span in (() if is_marked_by_form else private_key_bodies(text)))


def marks_in_lines(text: str, *, is_marked_by_form: bool = False) -> Iterator[SecretMark]:
    """What looks like the value of a secret where each line stands for itself, as in a file and not in a sentence."""
    yield from marks_in_text(text, is_marked_by_form=is_marked_by_form)
    if secrets.may_contain_secret_name(text):
        yield from marks_under_secret_names(ENV_INSTRUCTION, text)
        for mark in marks_under_secret_names(_DIRECTIVE_LINE, text):
            if mark.name.islower() or mark.name.isupper():
                yield mark


def marks_under_secret_names(pattern: re.Pattern[str], text: str) -> Iterator[SecretMark]:
    """The values that a pattern finds under names of secrets."""
    for match in pattern.finditer(text):
        value_group = _value_group_of(match)
        name, value = name_without_trailing_number(match["name"]), without_sentence_marks(match[value_group])
        if _is_no_value(match[value_group]) or (value in PERMISSION_VERBS and not secrets.is_password_name(name)):
            continue
        span = Span(match.start(value_group), match.start(value_group) + len(match[value_group].rstrip("`")))
        if secrets.must_be_hidden_in_output(name, value) and not _is_message_of_expansion(text, span.start):
            yield SecretMark(span, name)


def without_sentence_marks(value: str) -> str:
    """A value without what only ends a sentence, or code in one, behind it."""
    stripped_value = value.strip("`").rstrip(".,;:)`")
    return (stripped_value if "[" in value or "{" in value else stripped_value.rstrip("]}")) or value


# A mapping that begins, a file that a program reads, a variable that has to be there or is replaced.
_NO_VALUE = lazy_regex(r"""[\[{]{0,3}\{["']?[\w.-]{0,80}["']?:?\}{0,3}\Z|@\.{0,2}/|\$\{\w{1,80}:?[?+]""")


def _is_no_value(value: str) -> bool:
    """Whether what stands behind a name is no value of it, whatever the name."""
    return bool(_NO_VALUE.match(value))


def _value_group_of(match: re.Match[str]) -> str:
    """The group of a match that holds the value: its own, or that of its quotes."""
    return next(group for group in ("value", "double", "single") if match.groupdict().get(group) is not None)


def _marks_of_pattern(pattern: re.Pattern[str], text: str, is_value: Callable[[str], bool]) -> Iterator[SecretMark]:
    for match in pattern.finditer(text):
        if is_value(match["value"]):
            yield SecretMark(Span(*match.span("value")), is_certain=True)


def is_made_by_machine(value: str) -> bool:
    """Whether a value is such that nobody writes it but for a secret: long, of mixed characters, no name and no placeholder."""
    return secrets.secret_strength_of(value) >= secrets.SecretStrength.RANDOM and not secrets.is_placeholder(value)


def _is_message_of_expansion(text: str, value_start: int) -> bool:
    """Whether what stands at a place is the message or the replacement of `${NAME:?message}`, `${NAME:+other}`, and no value of the name."""
    before = text[max(value_start - 90, 0) : value_start]
    opening = before.rfind("${")
    sign_and_rest = (before[opening + 2 :] + text[value_start : value_start + 1]).lstrip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
    )
    return opening >= 0 and sign_and_rest[:2] in (":?", ":+")


def _name_before(text: str, value_start: int) -> str:
    """The name that a value is assigned to, as far as the few characters before it tell."""
    before = text[max(value_start - 90, 0) : value_start].rstrip(" \t\"':=")
    return re.split(r"[^\w.-]", before)[-1]


@lru_cache(maxsize=16_384)
def is_secret_word(word: str) -> bool:
    """Whether a word of a file may be a secret's name; most files have the same few words over and over."""
    return secrets.may_contain_secret_name(word) and (
        secrets.is_secret_name(name_without_trailing_number(word.lstrip("-"))) or secrets.is_secret_object_credential_key(word)
    )


def name_without_trailing_number(name: str) -> str:
    """A name without the number that only counts: `PASSWORD_2`."""
    return name.rstrip("0123456789_-.")


def private_key_bodies(text: str) -> Iterator[Span]:
    """From each BEGIN ... PRIVATE KEY to its END; where that is cut off, as far as it reads like a key."""
    header_offset = text.find(_PEM_HEADER)
    while header_offset >= 0:
        header_end = text.find("-----", header_offset + len(_PEM_HEADER), header_offset + _MAX_PEM_HEADER_LENGTH)
        if header_end >= 0 and "PRIVATE KEY" in text[header_offset:header_end]:
            body_start = header_end + 5
            body_start += text[body_start : body_start + 1] == "\n"
            body_end = text.find("-----END ", body_start, body_start + _MAX_KEY_LENGTH)
            cut_off_body = _CUT_OFF_KEY.match(text, body_start)
            yield Span(body_start, body_end if body_end >= 0 else cut_off_body.end() if cut_off_body else body_start)
        header_offset = text.find(_PEM_HEADER, header_offset + 1)
