"""Credentials that their shape gives away whatever they are called, and which of these are none that is in use."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from readiness.model import Span
from readiness.syntax.secrets.entropy import SecretStrength
from readiness.syntax.secrets.placeholders import TO_FILL_IN
from readiness.syntax.secrets.vocabulary import (
    StatedMeaning,
    is_repeating_or_sequential,
    meaning_of,
)

# What it is, what a text must hold to be searched for it, and its form: each repeats one class only, so no backtracking.
_CREDENTIAL_SHAPES = (
    ("private key", "PRIVATE KEY", r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY-----"),
    ("AWS access key id", "IA", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("GitHub token", "gh", r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{60,255})\b"),
    ("GitLab token", "glpat-", r"\bglpat-[A-Za-z0-9_-]{20,64}(?![A-Za-z0-9_-])"),
    ("Slack token", "xox", r"\bxox[abprs]-[A-Za-z0-9-]{10,250}"),
    ("Slack webhook", "hooks.slack.com",
     r"https://hooks\.slack\.com/services/T[A-Z0-9]{6,}/B[A-Z0-9]{6,}/[A-Za-z0-9]{16,}"),
    ("Stripe key", "k_live_", r"\b[sr]k_live_[A-Za-z0-9]{20,247}\b"),
    ("Google API key", "AIza", r"\bAIza[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])"),
    ("OpenAI key", "sk-", r"\bsk-(?:proj-|svcacct-)?[A-Za-z0-9_-]{40,200}(?![A-Za-z0-9_-])"),
    ("Anthropic key", "sk-ant-", r"\bsk-ant-[A-Za-z0-9_-]{40,200}(?![A-Za-z0-9_-])"),
    ("SendGrid key", "SG.", r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"),
    ("Ceph key", "==", r"(?<![A-Za-z0-9+/])AQ[A-Za-z0-9+/]{12}AA[A-Za-z0-9+/]{22}=="),
    ("npm token", "npm_", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("PyPI token", "pypi-", r"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,400}"),
    ("JSON web token", "eyJ", r"\beyJ[A-Za-z0-9_-]{10,1000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10,1000}"),
)  # fmt: skip
# Keys that a program's own documentation or defaults give to everybody, by what they open. Who installs it and leaves one has it open.
# https://apisix.apache.org/docs/apisix/admin-api/ https://supabase.com/docs/guides/self-hosting/docker
# https://grafana.com/docs/grafana/latest/setup-grafana/configure-grafana/#secret_key https://nacos.io/docs/latest/guide/admin/auth/
# https://goharbor.io/docs/latest/install-config/configure-yml-file/
_PUBLISHED_KEYS = (
    ("APISIX admin key", "edd1c9f034335f136f87ad84b625c8f1"),
    ("APISIX viewer key", "4054f7cf07e344346cd3f287985e76a2"),
    ("Supabase JWT secret", "super-secret-jwt-token-with-at-least-32-characters-long"),
    ("Grafana secret key", "SW2YcwTIb9zpOOhoPsMm"),
    ("Supabase JWT secret", "your-super-secret-jwt-token-with-at-least-32-characters-long"),
    ("Nacos token key", "VGhpc0lzTXlDdXN0b21TZWNyZXRLZXkwMTIzNDU2Nzg="),
    ("Nacos token key", "SecretKey012345678901234567890123456789012345678901234567890123456789"),
    ("Harbor administrator password", "Harbor12345"),
)
_compiled_pattern = cache(re.compile)  # most are never needed, and each takes time to make
_KEY_BODY = re.compile(r"(?:\\n|[\s'\"]){0,200}(?:[A-Za-z-]{3,20}: [^\n]{1,80}\n\s{0,80}){0,3}[A-Za-z0-9+/=]{40}")
_KEY_BLOCK = re.compile(r"(?<=-)(?:\\n|\s)[^-]{1,4000}-----END ")
_TOKEN_PREFIX = re.compile(r"\A[A-Za-z]{2,10}[_-](?:[a-z]{2,8}[_-])?")
_MIN_DISTINCT_CHARACTERS = 6  # different characters: a key of so few was typed, not made


class CredentialShape(NamedTuple):
    """A credential by its shape: what it is, where it stands, and what it says of itself.

    `meaning` is None of one that may be in use; examples, rows of one letter, the mere head of a key, and tokens and keys that
    are made for everybody have one. `strength` is SHAPE but of a key whose body cannot be one.
    """

    reason: str
    span: Span
    meaning: StatedMeaning | None
    strength: SecretStrength = SecretStrength.SHAPE


def find_shapes(text: str) -> Iterator[CredentialShape]:
    """Every credential in a text that its shape gives away."""
    for reason, mark, pattern in _CREDENTIAL_SHAPES:
        for match in _compiled_pattern(pattern).finditer(text) if mark in text else ():
            span = Span(*match.span())
            if reason == "private key":
                yield _private_key(text, span)
            else:
                yield CredentialShape(reason, span, _meaning_of_credential(reason, match.group()))
    for reason, key in _PUBLISHED_KEYS:
        if key in text:
            for match in _compiled_pattern(rf"(?<![\w/+-]){re.escape(key)}(?![\w/+-])").finditer(text):
                yield CredentialShape(reason, Span(*match.span()), StatedMeaning.COMMON, SecretStrength.WORD)


def _private_key(text: str, head_span: Span) -> CredentialShape:
    """A key, by what stands behind its head: the head alone stands in every script that looks for one."""
    if _KEY_BODY.match(text, head_span.end):
        return CredentialShape("private key", head_span, None)
    if _KEY_BLOCK.match(text, head_span.end):
        return CredentialShape("private key", head_span, None, SecretStrength.WORD)
    return CredentialShape("private key", head_span, StatedMeaning.NONE)


def _meaning_of_credential(reason: str, value: str) -> StatedMeaning | None:
    """What something of a credential's shape says of itself."""
    if TO_FILL_IN.search(value):
        return StatedMeaning.TO_CHANGE
    if reason == "JSON web token":
        return _meaning_of_token(value)
    body = _TOKEN_PREFIX.sub("", value) if "_" in value[:11] or "-" in value[:11] else value[4:]
    if len(set(body)) < _MIN_DISTINCT_CHARACTERS or is_repeating_or_sequential(body):
        return StatedMeaning.PURPOSE  # typed, not made
    said = meaning_of(body)
    return None if said is StatedMeaning.COMMON else said


def _meaning_of_token(token: str) -> StatedMeaning | None:
    """What a JSON web token says of itself: Supabase's anonymous role, its demonstration, the example of jwt.io."""
    body = token.split(".")[1]
    try:
        said = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    if said.get("role") == "anon":
        return StatedMeaning.NONE
    if said.get("iss") == "supabase-demo":
        return StatedMeaning.COMMON
    return StatedMeaning.PURPOSE if said.get("name") in ("John Doe", "Jane Doe") else None
