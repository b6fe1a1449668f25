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
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.secrets.entropy import SecretStrength
from readiness.syntax.secrets.placeholders import PLACEHOLDER_PHRASE
from readiness.syntax.secrets.vocabulary import (
    StatedMeaning,
    is_repeating_or_sequential,
    stated_meaning_of,
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
_PUBLISHED_KEYS_WITH_NAMES = (
    ("APISIX admin key", "edd1c9f034335f136f87ad84b625c8f1"),
    ("APISIX viewer key", "4054f7cf07e344346cd3f287985e76a2"),
    ("Supabase JWT secret", "super-secret-jwt-token-with-at-least-32-characters-long"),
    ("Grafana secret key", "SW2YcwTIb9zpOOhoPsMm"),
    ("Supabase JWT secret", "your-super-secret-jwt-token-with-at-least-32-characters-long"),
    ("Nacos token key", "VGhpc0lzTXlDdXN0b21TZWNyZXRLZXkwMTIzNDU2Nzg="),
    ("Nacos token key", "SecretKey012345678901234567890123456789012345678901234567890123456789"),
    ("Harbor administrator password", "Harbor12345"),
)
_compile_pattern_cached = cache(re.compile)  # most are never needed, and each takes time to make
_PRIVATE_KEY_BODY = lazy_regex(r"(?:\\n|[\s'\"]){0,200}(?:[A-Za-z-]{3,20}: [^\n]{1,80}\n\s{0,80}){0,3}[A-Za-z0-9+/=]{40}")
_PRIVATE_KEY_BLOCK = lazy_regex(r"(?<=-)(?:\\n|\s)[^-]{1,4000}-----END ")
_CREDENTIAL_PREFIX = lazy_regex(r"\A[A-Za-z]{2,10}[_-](?:[a-z]{2,8}[_-])?")
_MIN_DISTINCT_KEY_CHARACTERS = 6  # different characters: a key of so few was typed, not made


AWS_SECRET_KEY = lazy_regex(r"[A-Za-z0-9/+]{40}")
"""Of no shape by itself; under the name that AWS gives it, it is one."""


class CredentialShape(NamedTuple):
    """A credential by its shape: what it is, where it stands, and what it says of itself.

    `meaning` is None of one that may be in use; examples, rows of one letter, the mere head of a key, and tokens and keys that
    are made for everybody have one. `strength` is SHAPE but of a key whose body cannot be one.
    """

    reason: str
    span: Span
    meaning: StatedMeaning | None
    strength: SecretStrength = SecretStrength.SHAPE


def find_credential_shapes(text: str) -> Iterator[CredentialShape]:
    """Every credential in a text that its shape gives away."""
    for reason, required_substring, pattern in _CREDENTIAL_SHAPES:
        for match in _compile_pattern_cached(pattern).finditer(text) if required_substring in text else ():
            credential_span = Span(*match.span())
            if reason == "private key":
                yield _private_key_shape(text, credential_span)
            else:
                yield CredentialShape(reason, credential_span, _meaning_of_credential(reason, match.group()))
    for reason, published_key in _PUBLISHED_KEYS_WITH_NAMES:
        if published_key in text:
            for match in _compile_pattern_cached(rf"(?<![\w/+-]){re.escape(published_key)}(?![\w/+-])").finditer(text):
                yield CredentialShape(reason, Span(*match.span()), StatedMeaning.COMMON, SecretStrength.WORD)


def _private_key_shape(text: str, key_header_span: Span) -> CredentialShape:
    """A key, by what stands behind its head: the head alone stands in every script that looks for one."""
    if _PRIVATE_KEY_BODY.match(text, key_header_span.end):
        return CredentialShape("private key", key_header_span, None)
    if _PRIVATE_KEY_BLOCK.match(text, key_header_span.end):
        return CredentialShape("private key", key_header_span, None, SecretStrength.WORD)
    return CredentialShape("private key", key_header_span, StatedMeaning.NONE)


def _meaning_of_credential(credential_name: str, value: str) -> StatedMeaning | None:
    """What something of a credential's shape says of itself."""
    if PLACEHOLDER_PHRASE.search(value):
        return StatedMeaning.TO_CHANGE
    if credential_name == "JSON web token":
        return _meaning_of_json_web_token(value)
    key_body = _CREDENTIAL_PREFIX.sub("", value) if "_" in value[:11] or "-" in value[:11] else value[4:]
    if len(set(key_body)) < _MIN_DISTINCT_KEY_CHARACTERS or is_repeating_or_sequential(key_body):
        return StatedMeaning.PURPOSE  # typed, not made
    stated_meaning = stated_meaning_of(key_body)
    return None if stated_meaning is StatedMeaning.COMMON else stated_meaning


def _meaning_of_json_web_token(token: str) -> StatedMeaning | None:
    """What a JSON web token says of itself: Supabase's anonymous role, its demonstration, the example of jwt.io."""
    encoded_payload = token.split(".")[1]
    try:
        token_claims = json.loads(base64.urlsafe_b64decode(encoded_payload + "=" * (-len(encoded_payload) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    if not isinstance(token_claims, dict):
        return None
    if token_claims.get("role") == "anon":
        return StatedMeaning.NONE
    if token_claims.get("iss") == "supabase-demo":
        return StatedMeaning.COMMON
    return StatedMeaning.PURPOSE if token_claims.get("name") in ("John Doe", "Jane Doe") else None
