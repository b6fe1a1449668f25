"""Secrets in a line or a block of any language: known shapes, accounts in URLs, `NAME=value` assignments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from readiness.model import Span
from readiness.syntax.secrets.accounts import PROTOCOL_CONSTANTS, HostReach, find_accounts
from readiness.syntax.secrets.decision import (
    SecretVerdict,
    ValueContext,
    classify_account,
    classify_value,
    is_hidden,
    secret_by_shape,
)
from readiness.syntax.secrets.entropy import SecretStrength
from readiness.syntax.secrets.names import (
    is_secret_name,
    is_signing_key_name,
    may_contain_secret_name,
)
from readiness.syntax.secrets.placeholders import VARIABLE_OR_TEMPLATE, is_placeholder
from readiness.syntax.secrets.public import is_called_public
from readiness.syntax.secrets.shapes import find_shapes
from readiness.syntax.secrets.vocabulary import StatedMeaning

_ASSIGNMENT = re.compile(
    r"""(?P<name>[A-Za-z_][A-Za-z0-9_.-]{1,80})["']?(?P<sign>[ \t]{0,8}(?::=|[:=])[ \t]{0,8}["']?)"""
    r"""(?P<value>[^\s"'#,;}{]{4,400})"""
)
# A value that is worked out where it stands: a command, a call, an index, a YAML tag, an interpolation of configparser.
_COMPUTED_VALUE = re.compile(r"\$\(|`|!\w|%\(|[A-Za-z_][\w.]{0,80}[(\[]")
_NETRC_LOGIN = re.compile(r"\bmachine\s+[\w.-]+\s+login\s+\S+\s+password\s+([^\s\"'\\]+)")
_SHELL_OPERATORS = ("-", "=", "?", "+")  # `${NAME:-default}`; behind the last two stand a message and what replaces a value
_SQL_VARIABLE = re.compile(r"""[ \t]+:["']?\Z""")  # WITH PASSWORD :'db_password' names a variable of psql
_MAX_LINE_CHARACTERS = 500  # characters before an assignment in which its line begins, if it is one that a person wrote
_COMMENT_START = re.compile(rf"[ \t]{{0,{_MAX_LINE_CHARACTERS}}}(?:--|//|#|\*|;)")
_COMMENTED_OUT = re.compile(rf"[ \t]{{0,{_MAX_LINE_CHARACTERS}}}(?:#(?!!)|//|;)")  # in a line of settings
_MORE_WORDS = re.compile(r"(?<![ \t]),?[ \t]+[A-Za-z]")  # behind a value: no blank ends one


@dataclass(frozen=True, slots=True)
class FoundSecret:
    """A value that is a secret: what it is, and where in the text that was searched."""

    verdict: SecretVerdict
    span: Span
    found_by_name: bool = False  # an assignment told of it, by the variable's name alone
    is_signing_key: bool = False  # the name is that of a key which an application makes up for itself

    @property
    def reason(self) -> str:
        """How a message names it: `GitHub token`, `password`."""
        return self.verdict.reason


def secrets_in_text(text: str, value_context: ValueContext = ValueContext.SERVED) -> Iterator[FoundSecret]:
    """The secrets in a text by the context that it stands in, well-known ones too, each once: what tells most of it comes first."""
    seen: set[int] = set()
    for secret in _secrets_by_shape_or_account(text, value_context):
        if secret.span.start not in seen:
            seen.add(secret.span.start)
            yield secret


def _secrets_by_shape_or_account(text: str, place: ValueContext) -> Iterator[FoundSecret]:
    for shape in find_shapes(text):
        if shape.meaning is None:
            yield FoundSecret(secret_by_shape(shape), shape.span)
        elif shape.meaning is StatedMeaning.COMMON:
            decided = classify_value("", text[shape.span.start : shape.span.end], place)
            if decided.is_exposed and (counted := _verdict_in_line(text, shape.span, decided)) is not None:
                yield FoundSecret(counted, shape.span)
    for written in find_accounts(text):
        decided = classify_account(written, place)
        if decided.is_exposed and (counted := _verdict_in_line(text, decided.span, decided)) is not None:
            yield FoundSecret(counted, decided.span)
    for login in _NETRC_LOGIN.finditer(text) if "machine" in text else ():
        decided = classify_value("password", login[1], place)
        if decided.is_exposed:
            decided = replace(decided, reason="password of a .netrc", reach=HostReach.AWAY)
            yield FoundSecret(decided, Span(*login.span(1)))
    for assignment in _ASSIGNMENT.finditer(text) if may_contain_secret_name(text) else ():
        start = _start_of_value(text, assignment)
        verdict = _verdict_on_assignment(text, assignment, start, place) if start is not None else None
        if verdict is not None and start is not None:
            span = Span(start + verdict.span.start, start + verdict.span.end)
            verdict = _verdict_in_line(text, span, verdict)
        if verdict is not None:
            named = verdict.strength < SecretStrength.SHAPE and verdict.reach is None
            signs = named and is_signing_key_name(assignment["name"])
            yield FoundSecret(verdict, span, named, signs)


def _start_of_value(text: str, match: re.Match[str]) -> int | None:
    """Where the value of an assignment starts; of `${NAME:-default}` the default, and None for the message of `${NAME:?message}`."""
    start = match.start("value")
    if text[max(0, match.start() - 2) : match.start()] != "${":
        return start
    operator = text[start - 1] if match["sign"].endswith("=") else text[start]
    if operator not in _SHELL_OPERATORS[:2]:
        return None
    return start if match["sign"].endswith("=") else start + 1


def _verdict_on_assignment(text: str, match: re.Match[str], start: int, place: ValueContext) -> SecretVerdict | None:
    """What the value of an assignment is, from `start` on, where it stands in the open."""
    value = text[start : match.end("value")]
    computed = _COMPUTED_VALUE.match(value) or _SQL_VARIABLE.match(match["sign"])
    if computed or not is_secret_name(match["name"]):
        return None
    verdict = classify_value(match["name"], value, place)
    return verdict if verdict.is_exposed and not _is_prose(text, match, verdict.strength) else None


def _verdict_in_line(text: str, span: Span, verdict: SecretVerdict) -> SecretVerdict | None:
    """A verdict by whether its line is commented out: what nobody reads in opens nothing.

    A word is then none, a password of somebody's own a minor one; a key that somebody gave out may be in use elsewhere.
    """
    row = text.rfind("\n", max(span.start - _MAX_LINE_CHARACTERS, 0), span.start) + 1
    if verdict.strength is SecretStrength.SHAPE or not _COMMENTED_OUT.match(text, row, span.start):
        return verdict
    return None if verdict.is_guessed or verdict.strength is SecretStrength.WORD else replace(verdict, is_minor=True)


def with_comment(verdict: SecretVerdict, text: str, offset: int) -> SecretVerdict:
    """A verdict on the secret at a place of a text: minor, with the reason, where the comment beside it says that anybody may have it."""
    if not is_called_public(text, offset):
        return verdict
    return replace(verdict, is_minor=True, reason=f"{verdict.reason} that its comment calls public")


def _is_prose(text: str, match: re.Match[str], level: SecretStrength) -> bool:
    """Whether a name and a colon begin a sentence: `apikey:   masked, one star a letter`; in a comment all the more."""
    if match["sign"].strip() != ":" or not _MORE_WORDS.match(text, match.end()):
        return False
    row = text.rfind("\n", max(match.start() - _MAX_LINE_CHARACTERS, 0), match.start()) + 1
    commented = _COMMENT_START.match(text, row, match.start())
    return level < (SecretStrength.RANDOM if commented else SecretStrength.CHOSEN)


def may_be_secrets(text: str) -> Iterator[Span]:
    """Where a text may hold a secret, which no output then shows: wider than `secrets_in_text`.

    What a value says of itself counts for nothing here (`notsecret` may be somebody's password), unless it says outright
    that another belongs in its place.
    """
    for shape in find_shapes(text):
        if not is_placeholder(text[shape.span.start : shape.span.end]):
            yield shape.span
    for written in find_accounts(text):
        if written.password.lower() in PROTOCOL_CONSTANTS:
            yield from (verdict.span for verdict in (classify_account(written, ValueContext.SERVED),) if verdict.is_exposed)
        elif not _may_be_shown(written.password):
            yield written.password_span
    for login in _NETRC_LOGIN.finditer(text) if "machine" in text else ():
        if not _may_be_shown(login[1]):
            yield Span(*login.span(1))
    for match in _ASSIGNMENT.finditer(text) if may_contain_secret_name(text) else ():
        if is_hidden(match["name"], match["value"]) and not VARIABLE_OR_TEMPLATE.search(match["value"]):
            yield Span(*match.span("value"))


def _may_be_shown(value: str) -> bool:
    return bool(VARIABLE_OR_TEMPLATE.search(value)) or is_placeholder(value)
