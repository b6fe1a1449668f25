"""What is a secret written into a file: names that hold one, values that are one, and what only looks like it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from readiness.model import Span

# Names are compared word by word (camelCase, snake_case and kebab-case come apart), so that `KEYBOARD`, `TOKENIZER`
# and `PASSWORD_FILE` are told from what they resemble.
_SECRET_WORDS = frozenset(
    {
        "password",
        "passwd",
        "pwd",
        "passphrase",
        "secret",
        "secrets",
        "credential",
        "credentials",
        "apikey",
        "pass",
    }
)
_SECRET_PAIRS = frozenset(
    {
        ("api", "key"), ("access", "key"), ("secret", "key"), ("private", "key"), ("encryption", "key"),
        ("signing", "key"), ("master", "key"), ("auth", "key"), ("account", "key"), ("storage", "key"),
        ("service", "key"), ("license", "key"), ("shared", "key"), ("app", "key"), ("jwt", "key"), ("session", "key"),
    }
)  # fmt: skip
# The last word says what the value is about: `PASSWORD_FILE` is a path, `TOKEN_TTL` a time, `SECRET_NAME` a name.
_ABOUT = frozenset(
    {
        "file", "files", "path", "dir", "directory", "name", "names", "ref", "url", "uri", "endpoint", "host", "port",
        "ttl", "expiry", "expiration", "expires", "expire", "timeout", "duration", "seconds", "minutes", "hours",
        "days", "age", "length", "len", "size", "count", "limit", "limits", "max", "min", "policy", "policies",
        "type", "mode", "algorithm", "alg", "format", "enabled", "enable", "disabled", "disable", "required",
        "require", "allowed", "allow", "regex", "pattern", "field", "header", "prefix", "suffix", "issuer",
        "audience", "id", "version", "provider", "engine", "store", "backend", "manager", "namespace", "arn", "class",
        "rotation", "interval", "strategy", "validation", "location", "mount", "volume", "command", "cmd", "script",
        "env", "var", "variable", "claim", "scope", "scopes", "hash", "encryption", "encrypted", "username", "user",
        "reset", "change", "login", "auth", "attempts", "retries", "rounds", "label", "labels", "annotation",
        "placeholder", "hint", "bytes", "bits", "strength", "complexity", "index", "alias", "group", "role", "key_id",
        "budget", "window", "cache",
    }
)  # fmt: skip
_TOKEN_WORDS = frozenset({"token", "tokens"})
_MARKS = ("pass", "secret", "key", "token", "pwd", "credential")  # one is in each name of a secret

_REFERENCE = re.compile(
    r"""\A\s*(?:\$\{.*\}|\$\(.*\)|\$[A-Za-z_][A-Za-z0-9_]*|\{\{.*\}\}|<[^<>]*>|\[[^\[\]]*\]|%[A-Za-z_]+%|@[A-Za-z_]+@|__[A-Za-z_0-9]+__|
    (?:vault|secret|secrets|ssm|op|awssm|gcpsm|azurekv|ref|arn|sops|doppler|env|file|k8s)[:+]\S*)\s*\Z""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_FILLED = re.compile(
    r"\$\{[A-Za-z_][A-Za-z0-9_]*(?::?[-?+=][^{}]*)?\}|\$\(\w+\)|\$[A-Za-z_]\w*|\$\{\{[^{}]*\}\}|\{\{[^{}]*\}\}"
)
_PLACEHOLDER_WORDS = re.compile(
    r"""change[-_ ]?(?:me|it|this)|replace[-_ ]?(?:me|this|with|by)?\b|your[-_ ]|\byour|my[-_ ]?(?:secret|password|token|key)\b|
    example|placeholder|redacted|dummy|\btodo\b|fixme|insert[-_ ]|xxx|\*\*\*|\.\.\.|…|<[^<\n]*>|put[-_ ]?your|set[-_ ]?(?:me|this)|
    fill[-_ ]?(?:me|in)|sample|\b(?:password|secret|token|key)[ ](?:for|of|to)[ ]|
    not[-_ ]?a[-_ ]?(?:real|secret)|base64[-_ ]?encoded|encoded[-_ ]|to[-_ ]be[-_ ]""",
    re.VERBOSE | re.IGNORECASE,
)
# `GOOGLE_API_KEY_VAL`: the name of what belongs there, in the way that constants are written.
_CONSTANT = re.compile(r"[A-Z]{2,40}(?:_[A-Z]{2,40}){1,8}\Z")
_NO_VALUE = frozenset(
    {"", "true", "false", "yes", "no", "on", "off", "null", "none", "nil", "~", "undefined", "disabled", "enabled", "optional",
     "required", "auto", "default", "always", "never", "inherit", "file", "env", "vault", "local", "basic", "bearer",
     "unset", "empty", "-"}
)  # fmt: skip

# Shapes that are a credential whatever they are called, and what a text must hold to be searched for each.
# Each repeats one class only: no backtracking.
_SHAPES = (
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
    ("npm token", "npm_", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("PyPI token", "pypi-", r"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,400}"),
    ("JSON web token", "eyJ", r"\beyJ[A-Za-z0-9_-]{10,900}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
)  # fmt: skip
_pattern = cache(re.compile)  # most are never needed, and each takes time to make
_USERINFO = re.compile(
    r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,30}://([^\s/:@'\"<>]{0,100}):([^\s/@'\"<>]{1,200})@[^\s/'\"<>]"
)
_ASSIGNMENT = re.compile(
    r"""(?P<name>[A-Za-z_][A-Za-z0-9_.-]{1,80})["']?[ \t]{0,8}(?::=|[:=])[ \t]{0,8}["']?(?P<value>[^\s"'#,;}{]{4,400})"""
)
# A value that is worked out where it stands: a command, a call, an index, a YAML tag, an interpolation of configparser.
_CODE = re.compile(r"\$\(|`|!\w|%\(|[A-Za-z_][\w.]{0,80}[(\[]")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that is a secret: what it is, and where in the text that was searched."""

    reason: str
    span: Span


def words(name: str) -> list[str]:
    """The words of a name, lower case: `dbPassword`, `DB_PASSWORD` and `db-password` are the same two."""
    return [word.lower() for word in _WORD.findall(name)]


def names_secret(name: str) -> bool:
    """Whether a variable of this name holds a secret, by the words that it is made of."""
    parts = words(name)
    if (
        not parts
        or parts[-1] in _ABOUT
        or (parts[0] in {"no", "allow", "use", "enable", "disable", "require"})
    ):
        return False
    if parts[-1] == "credentials" and parts[-2:-1] in (["key"], ["keystore"], ["truststore"]):
        return False  # Confluent's images: the name of a file that holds it
    if parts[-1] in _SECRET_WORDS or (len(parts) > 1 and (parts[-2], parts[-1]) in _SECRET_PAIRS):
        return True
    if (
        parts[-1] in _TOKEN_WORDS
    ):  # MAX_TOKENS is a number, ACCESS_TOKEN is not; `judge` looks at the value too
        return not (
            {"max", "min", "num", "total", "per", "csrf", "output", "input", "prompt", "completion"}
            & set(parts)
        )
    return parts[-1] in {
        "key",
        "value",
        "base",
        "default",
        "admin",
        "root",
        "prod",
        "production",
    } and bool(_SECRET_WORDS & set(parts[:-1]))


def may_name(text: str) -> bool:
    """Whether a text can hold a name that names_secret takes for a secret's: a quick look, before slow ones."""
    low = text.lower()
    return any(mark in low for mark in _MARKS)


def is_reference(value: str) -> bool:
    """Whether a value is filled in from elsewhere: a variable, a template, a pointer into a secret store."""
    return bool(_REFERENCE.match(value)) if len(value) < 2000 else False


def is_placeholder(value: str) -> bool:
    """Whether a value only says that one belongs there."""
    bare = value.strip().strip("\"'")
    return (
        bare.lower() in _NO_VALUE
        or len(set(bare)) <= 2
        or bool(_CONSTANT.match(bare))
        or bool(_PLACEHOLDER_WORDS.search(bare[:400]))
        or is_reference(bare)
    )


def shape(value: str) -> str | None:
    """The name of the credential whose fixed shape is found in a value: a key, a token, a private key."""
    for reason, mark, pattern in _SHAPES:
        found = _pattern(pattern).search(value) if mark in value else None
        if found and not _PLACEHOLDER_WORDS.search(found.group()):
            return reason
    return None


def url_password(value: str) -> Span | None:
    """The place of a password written into a URL (`scheme://user:password@host`), when it is a real one."""
    for found in _USERINFO.finditer(value[:20_000]) if "://" in value else ():
        password = found.group(2)
        if not _FILLED.search(password) and not is_placeholder(password):
            return Span(*found.span(2))
    return None


def judge(name: str, value: object) -> str | None:
    """Why `value`, set under `name`, is a secret in the open; None where it is none, a reference or a placeholder.

    Weak and well-known passwords (`postgres`, `admin`) count: they are what an attacker tries first.
    """
    if not isinstance(value, str):
        if (
            isinstance(value, int)
            and not isinstance(value, bool)
            and names_secret(name)
            and "password" in words(name)
        ):
            return "password"
        return None
    text = value.strip()
    found = shape(text)
    if found:
        return found
    if url_password(text):
        return "password in a URL"
    if not names_secret(name) or is_placeholder(text) or _FILLED.search(text):
        return None
    return _kind_of(words(name), text)


_WAY = re.compile(r"[a-z][a-z0-9._-]{0,30}(?:/[a-z][a-z0-9._-]{0,30}){1,6}\Z")  # oauth2/token
_TOLD = re.compile(r"\b(?:password|passphrase|secret|token|key)\b", re.IGNORECASE)


def _kind_of(parts: list[str], text: str) -> str | None:
    """What a value under a secret's name is, or None where its form says that it is no secret after all."""
    if (
        text.startswith(("/", "./", "~/"))
        or "://" in text
        or text.endswith((".pem", ".key", ".crt", ".txt", ".json"))
    ):
        return None  # a path or an address
    if {"password", "passwd", "pwd", "passphrase", "pass"} & set(parts):
        told = " " in text and (len(text) > 60 or _TOLD.search(text))
        return None if told else "password"  # `password of the admin` is a description
    if len(text) < 6 or " " in text or _WAY.match(text):
        return None
    if _TOKEN_WORDS & set(parts):
        return "token" if len(text) >= 8 and not text.replace(".", "").isdigit() else None
    return "key" if "key" in parts or "apikey" in parts else "secret"


_LOGIN = re.compile(r"\bmachine\s+[\w.-]+\s+login\s+\S+\s+password\s+([^\s\"'\\]+)")


_SQL_VARIABLE = re.compile(
    r"""[ \t]+:["']?\Z"""
)  # WITH PASSWORD :'db_password' names a variable of psql


def in_text(text: str) -> Iterator[Secret]:
    """Secrets in a line or a block of any language: known shapes, URLs with a password, `NAME=value` assignments."""
    for reason, mark, pattern in _SHAPES:
        for found in _pattern(pattern).finditer(text) if mark in text else ():
            if not _PLACEHOLDER_WORDS.search(found.group()):
                yield Secret(reason, Span(*found.span()))
    for found in _USERINFO.finditer(text) if "://" in text else ():
        if not _FILLED.search(found.group(2)) and not is_placeholder(found.group(2)):
            yield Secret("password in a URL", Span(*found.span(2)))
    for found in _LOGIN.finditer(text) if "machine" in text else ():
        if not _FILLED.search(found.group(1)) and not is_placeholder(found.group(1)):
            yield Secret("password of a .netrc", Span(*found.span(1)))
    for found in _ASSIGNMENT.finditer(text) if may_name(text) else ():
        sign = text[found.end("name") : found.start("value")]
        computed = _CODE.match(found["value"]) or _SQL_VARIABLE.match(sign)
        if names_secret(found["name"]) and not computed:
            reason_or_none = judge(found["name"], found["value"])
            if reason_or_none:
                yield Secret(reason_or_none, Span(*found.span("value")))
