"""Secrets in a line or a block of any language: known shapes, accounts in URLs, `NAME=value` assignments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from readiness.model import Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.syntax.secrets.accounts import PROTOCOL_CONSTANTS, HostReach, find_url_accounts
from readiness.syntax.secrets.decision import (
    SecretVerdict,
    ValueContext,
    classify_account,
    classify_value,
    must_be_hidden_in_output,
    verdict_of_secret_shape,
)
from readiness.syntax.secrets.entropy import SecretStrength
from readiness.syntax.secrets.names import (
    is_secret_name,
    is_signing_key_name,
    may_contain_secret_name,
)
from readiness.syntax.secrets.placeholders import VARIABLE_OR_TEMPLATE, is_placeholder
from readiness.syntax.secrets.public import (
    is_called_example_by_comment,
    is_called_public_by_comment,
    is_called_public_by_head,
    is_called_replaceable_by_comment,
)
from readiness.syntax.secrets.shapes import find_credential_shapes
from readiness.syntax.secrets.vocabulary import StatedMeaning

_ASSIGNMENT_PATTERN = lazy_regex(
    r"""(?P<name>[A-Za-z_][A-Za-z0-9_.-]{1,80})["']?(?P<sign>[ \t]{0,8}(?::=|[:=])[ \t]{0,8}["']?)"""
    r"""(?P<value>[^\s"'#,;}{]{4,400})"""
)
# A value that is worked out where it stands: a command, a call, an index, a YAML tag, an interpolation of configparser.
_COMPUTED_VALUE = lazy_regex(r"\$\(|`|!\w|%\(|[A-Za-z_][\w.]{0,80}[(\[]")
_NETRC_LOGIN = lazy_regex(r"\bmachine\s+[\w.-]+\s+login\s+\S+\s+password\s+([^\s\"'\\]+)")
_SHELL_EXPANSION_OPERATORS = (
    "-",
    "=",
    "?",
    "+",
)  # `${NAME:-default}`; behind the last two stand a message and what replaces a value
_SQL_VARIABLE = lazy_regex(r"""[ \t]+:["']?\Z""")  # WITH PASSWORD :'db_password' names a variable of psql
_MAX_LINE_CHARACTERS = 500  # characters before an assignment in which its line begins, if it is one that a person wrote
_COMMENT_START = lazy_regex(rf"[ \t]{{0,{_MAX_LINE_CHARACTERS}}}(?:--|//|#|\*|;)")
_COMMENTED_OUT_LINE_START = lazy_regex(rf"[ \t]{{0,{_MAX_LINE_CHARACTERS}}}(?:#(?!!)|//|;)")  # in a line of settings
_FOLLOWING_WORD = lazy_regex(r"(?<![ \t]),?[ \t]+[A-Za-z]")  # behind a value: no blank ends one


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
    seen_start_offsets: set[int] = set()
    for secret in _secret_candidates(text, value_context):
        if secret.span.start not in seen_start_offsets:
            seen_start_offsets.add(secret.span.start)
            yield secret


def _secret_candidates(text: str, value_context: ValueContext) -> Iterator[FoundSecret]:
    for credential_shape in find_credential_shapes(text):
        if credential_shape.meaning is None:
            yield FoundSecret(verdict_of_secret_shape(credential_shape), credential_shape.span)
        elif credential_shape.meaning is StatedMeaning.COMMON:
            candidate_verdict = classify_value("", text[credential_shape.span.start : credential_shape.span.end], value_context)
            if (
                candidate_verdict.is_exposed
                and (verdict_in_line := _verdict_unless_commented_out(text, credential_shape.span, candidate_verdict)) is not None
            ):
                yield FoundSecret(verdict_in_line, credential_shape.span)
    for account in find_url_accounts(text):
        candidate_verdict = classify_account(account, value_context)
        if (
            candidate_verdict.is_exposed
            and (verdict_in_line := _verdict_unless_commented_out(text, candidate_verdict.span, candidate_verdict)) is not None
        ):
            yield FoundSecret(verdict_in_line, candidate_verdict.span)
    for netrc_match in _NETRC_LOGIN.finditer(text) if "machine" in text else ():
        candidate_verdict = classify_value("password", netrc_match[1], value_context)
        if candidate_verdict.is_exposed:
            candidate_verdict = replace(candidate_verdict, reason="password of a .netrc", reach=HostReach.AWAY)
            yield FoundSecret(candidate_verdict, Span(*netrc_match.span(1)))
    for assignment_match in _ASSIGNMENT_PATTERN.finditer(text) if may_contain_secret_name(text) else ():
        value_start = _assigned_value_start(text, assignment_match)
        assignment_verdict = _verdict_on_assignment(text, assignment_match, value_start, value_context) if value_start is not None else None
        if assignment_verdict is not None and value_start is not None:
            secret_span = Span(value_start + assignment_verdict.span.start, value_start + assignment_verdict.span.end)
            assignment_verdict = _verdict_unless_commented_out(text, secret_span, assignment_verdict)
        if assignment_verdict is not None:
            is_found_by_name = assignment_verdict.strength < SecretStrength.SHAPE and assignment_verdict.reach is None
            is_signing_key = is_found_by_name and is_signing_key_name(assignment_match["name"])
            yield FoundSecret(assignment_verdict, secret_span, is_found_by_name, is_signing_key)


def _assigned_value_start(text: str, assignment_match: re.Match[str]) -> int | None:
    """Where the value of an assignment starts; of `${NAME:-default}` the default, and None for the message of `${NAME:?message}`."""
    value_start = assignment_match.start("value")
    if text[max(0, assignment_match.start() - 2) : assignment_match.start()] != "${":
        return value_start
    expansion_operator = text[value_start - 1] if assignment_match["sign"].endswith("=") else text[value_start]
    if expansion_operator not in _SHELL_EXPANSION_OPERATORS[:2]:
        return None
    return value_start if assignment_match["sign"].endswith("=") else value_start + 1


def _verdict_on_assignment(text: str, assignment_match: re.Match[str], value_start: int, value_context: ValueContext) -> SecretVerdict | None:
    """What the value of an assignment is, from `value_start` on, where it stands in the open."""
    value = text[value_start : assignment_match.end("value")]
    is_computed_value = _COMPUTED_VALUE.match(value) or _SQL_VARIABLE.match(assignment_match["sign"])
    if is_computed_value or not is_secret_name(assignment_match["name"]):
        return None
    verdict = classify_value(assignment_match["name"], value, value_context)
    return verdict if verdict.is_exposed and not _is_prose(text, assignment_match, verdict.strength) else None


def _verdict_unless_commented_out(text: str, secret_span: Span, verdict: SecretVerdict) -> SecretVerdict | None:
    """A verdict by whether its line is commented out: what nobody reads in opens nothing.

    A word is then none, a password of somebody's own a minor one; a key that somebody gave out may be in use elsewhere.
    """
    line_start = text.rfind("\n", max(secret_span.start - _MAX_LINE_CHARACTERS, 0), secret_span.start) + 1
    if verdict.strength is SecretStrength.SHAPE or not _COMMENTED_OUT_LINE_START.match(text, line_start, secret_span.start):
        return verdict
    return None if verdict.is_guessed or verdict.strength is SecretStrength.WORD else replace(verdict, is_minor=True)


def verdict_with_public_comment(verdict: SecretVerdict, text: str, offset: int) -> SecretVerdict:
    """A verdict on the secret at a place of a text: minor, with the reason, by the comment that stands with it.

    That says that anybody may have it, here or at the head of the document; or, of what no machine made, that it is an example; or,
    of what no service gave out, that one's own is to be put there.
    """
    if is_called_public_by_comment(text, offset) or is_called_public_by_head(text, offset):
        return replace(verdict, is_minor=True, reason=f"{verdict.reason} that its comment calls public")
    if verdict.strength < SecretStrength.RANDOM and is_called_example_by_comment(text, offset):
        return replace(verdict, is_minor=True, reason=f"{verdict.reason} that its comment calls an example")
    if verdict.strength < SecretStrength.SHAPE and is_called_replaceable_by_comment(text, offset):
        return replace(verdict, is_minor=True, reason=f"{verdict.reason} that its comment says to replace")
    return verdict


def _is_prose(text: str, assignment_match: re.Match[str], secret_strength: SecretStrength) -> bool:
    """Whether a name and a colon begin a sentence: `apikey:   masked, one star a letter`; in a comment all the more."""
    if assignment_match["sign"].strip() != ":" or not _FOLLOWING_WORD.match(text, assignment_match.end()):
        return False
    line_start = text.rfind("\n", max(assignment_match.start() - _MAX_LINE_CHARACTERS, 0), assignment_match.start()) + 1
    comment_match = _COMMENT_START.match(text, line_start, assignment_match.start())
    return secret_strength < (SecretStrength.RANDOM if comment_match else SecretStrength.CHOSEN)


def possible_secret_spans(text: str, *, may_have_shapes: bool = True) -> Iterator[Span]:
    """Where a text may hold a secret, which no output then shows: wider than `secrets_in_text`; without known shapes where it may have none.

    What a value says of itself counts for nothing here (`notsecret` may be somebody's password), unless it says outright
    that another belongs in its place.
    """
    for credential_shape in find_credential_shapes(text) if may_have_shapes else ():
        if not is_placeholder(text[credential_shape.span.start : credential_shape.span.end]):
            yield credential_shape.span
    for account in find_url_accounts(text):
        if account.password.lower() in PROTOCOL_CONSTANTS:
            yield from (verdict.span for verdict in (classify_account(account, ValueContext.SERVED),) if verdict.is_exposed)
        elif not _is_reference_or_placeholder(account.password):
            yield account.password_span
    for netrc_match in _NETRC_LOGIN.finditer(text) if "machine" in text else ():
        if not _is_reference_or_placeholder(netrc_match[1]):
            yield Span(*netrc_match.span(1))
    for assignment_match in _ASSIGNMENT_PATTERN.finditer(text) if may_contain_secret_name(text) else ():
        if must_be_hidden_in_output(assignment_match["name"], assignment_match["value"]) and not VARIABLE_OR_TEMPLATE.search(
            assignment_match["value"]
        ):
            yield Span(*assignment_match.span("value"))


def _is_reference_or_placeholder(value: str) -> bool:
    return bool(VARIABLE_OR_TEMPLATE.search(value)) or is_placeholder(value)
