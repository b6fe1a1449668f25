"""Values that only say that one belongs there, or where it comes from."""

from __future__ import annotations

import re

from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.secrets.entropy import SecretStrength, secret_strength_of

REFERENCE_VALUE = lazy_regex(
    r"""\A\s*(?:\$\$?\{.*\}|\$\(.*\)|\$[A-Za-z_][A-Za-z0-9_]*|\{\{.*\}\}|\{[A-Za-z_][\w.-]{1,60}\}|<[^<>]*>|\[[^\[\]]*\]|%[A-Za-z_]+%
    |@[A-Za-z_]+@|__[A-Za-z_0-9]+__|%%[A-Za-z_0-9]+%%
    # What programs read out of their environment or a file by themselves: LiteLLM, Rails, PowerShell, Symfony, Grafana, Caddy, Node.js, Python.
    |os\.environ/[A-Za-z_]\w*|(?:os\.environ|(?:process\.)?env)\[["']?[A-Za-z_]\w*["']?\]|os\.getenv\(["'][A-Za-z_]\w*["']\)|process\.env\.[A-Za-z_]\w*
    |\$env:[A-Za-z_]\w*|%env\([\w:]+\)%|\$__(?:env|file|vault)\{[^{}]+\}|\{(?:\$|(?:env|file):)[^{}\s]+\}
    |(?:vault|secret|secrets|ssm|op|awssm|gcpsm|azurekv|ref|arn|sops|doppler|env|file|k8s)[:+]\S*)\s*\Z""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
VARIABLE_OR_TEMPLATE = lazy_regex(r"\$\{[A-Za-z_][A-Za-z0-9_]*(?::?[-?+=][^{}]*)?\}|\$\(\w+\)|\$[A-Za-z_]\w*|\$\{\{[^{}]*\}\}|\{\{[^{}]*\}\}")
PLACEHOLDER_PHRASE = lazy_regex(
    r"""change[-_ ]?(?:me|it|this)|replace[-_ ]?(?:me|this|with|by)?\b|your[-_ ]|\byour|my[-_ ]?(?:secret|password|token|key)\b|
    example|placeholder|redacted|dummy|\btodo\b|fixme|insert[-_ ]|xxx|\*\*\*|\.\.\.|…|<[^<\n]*>|put[-_ ]?your|set[-_ ]?(?:me|this)|
    fill[-_ ]?(?:me|in)|sample|\b(?:password|secret|token|key)[ ](?:for|of|to)[ ]|user[-_ ]provided|
    not[-_ ]?a[-_ ]?(?:real|secret)|base64[-_ ]?encoded|encoded[-_ ]|to[-_ ]be[-_ ]""",
    re.VERBOSE | re.IGNORECASE,
)
_CONSTANT_STYLE_NAME = lazy_regex(r"[A-Z]{2,40}(?:_[A-Z]{2,40}){1,8}\Z|_[A-Z]{2,40}_\Z")
VALUES_WITHOUT_SECRET = frozenset(
    """
    true false yes no on off null none nil ~ undefined disabled enabled optional required auto default always never
    inherit file env vault local basic bearer unset empty - -- n/a na
    """.split()
) | {""}  # fmt: skip


def is_reference(value: str) -> bool:
    """Whether a value is filled in from elsewhere: a variable, a template, a pointer into a secret store."""
    return bool(REFERENCE_VALUE.match(value)) if len(value) < 2000 else False


# A line of what an action fetches from a store of secrets: where the value lies there, and the variable that it goes to.
_SECRET_POINTER_LINE = lazy_regex(
    r"""(?:[A-Za-z_][\w-]{0,80}[ \t]{0,4}[=:,][ \t]{0,4})?(?:(?:op|vault|gcpsm|awssm|akeyless|ref\+\w{1,20}|https)://\S{1,300}|arn:aws[\w-]{0,10}:\S{1,300}
    |projects/[\w.-]{1,80}/secrets/\S{1,200})
    |[\w.{}$-]{1,80}(?:/[\w.{}$*-]{1,80}){1,10}[ \t]{1,4}[\w.*-]{1,80}(?:[ \t]{0,4}\|[ \t]{0,4}[\w.-]{1,80})?""",
    re.VERBOSE,
)
# `NAME=path:key` and `name:project/secret`: an input that is called `secrets` lists such, any other may hold a login.
_NAMED_SECRET_POINTER_LINE = lazy_regex(
    r"[A-Za-z_]\w{0,80}=(?P<path>[A-Za-z][\w./-]{0,120}):(?P<key>[A-Za-z_][\w.-]{0,80})|[a-z]\w{0,80}:[a-z][\w.-]{0,80}(?:/[\w.-]{1,80}){1,2}"
)
_MAX_POINTER_LINES = 100


def is_constant_style_name(value: str) -> bool:
    """Whether a value is the name of what belongs there, in the way that constants are written: `GOOGLE_API_KEY_VAL`."""
    return bool(_CONSTANT_STYLE_NAME.match(value))


def is_list_of_references(setting_name: str, value: str) -> bool:
    """Whether each line of a value says where a secret lies and which variable takes it: `secret/data/ci token | TOKEN`.

    The name of the setting tells where a line may be a login just as well: `secrets` lists many, a `password` is one.
    """
    pointer_lines = [line.strip(" \t;") for line in value.splitlines()[: _MAX_POINTER_LINES + 1]]
    pointer_lines = [line for line in pointer_lines if line and not line.startswith("#")]
    if not pointer_lines or len(pointer_lines) > _MAX_POINTER_LINES:
        return False
    return all(
        _SECRET_POINTER_LINE.fullmatch(line) or (_is_plural_secrets_name(setting_name) and _is_named_secret_pointer(line)) for line in pointer_lines
    )


def _is_plural_secrets_name(name: str) -> bool:
    """Whether a setting is called by the plural, as inputs are that fetch several secrets."""
    return bool(re.search(r"(?i)secrets\Z", name))


def _is_named_secret_pointer(line: str) -> bool:
    """Whether a line is `NAME=path:key` or `name:project/secret`, and the key in it is made of words."""
    match = _NAMED_SECRET_POINTER_LINE.fullmatch(line)
    return match is not None and (match["key"] is None or secret_strength_of(match["key"]) is SecretStrength.WORD)


def is_placeholder(value: str) -> bool:
    """Whether a value says outright that one belongs there, so that it may be shown; narrower than what classify calls one.

    One letter or two over and over are nothing either.
    """
    unquoted_value = value.strip().strip("\"'")
    return (
        unquoted_value.lower() in VALUES_WITHOUT_SECRET
        or len(set(unquoted_value)) <= 2
        or is_constant_style_name(unquoted_value)
        or bool(PLACEHOLDER_PHRASE.search(unquoted_value[:400]))
        or is_reference(unquoted_value)
    )
