"""Values that only say that one belongs there, or where it comes from."""

from __future__ import annotations

import re

VALUE_REFERENCE = re.compile(
    r"""\A\s*(?:\$\{.*\}|\$\(.*\)|\$[A-Za-z_][A-Za-z0-9_]*|\{\{.*\}\}|\{[A-Za-z_][\w.-]{1,60}\}|<[^<>]*>|\[[^\[\]]*\]|%[A-Za-z_]+%
    |@[A-Za-z_]+@|__[A-Za-z_0-9]+__|%%[A-Za-z_0-9]+%%
    |(?:vault|secret|secrets|ssm|op|awssm|gcpsm|azurekv|ref|arn|sops|doppler|env|file|k8s)[:+]\S*)\s*\Z""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
VARIABLE_OR_TEMPLATE = re.compile(
    r"\$\{[A-Za-z_][A-Za-z0-9_]*(?::?[-?+=][^{}]*)?\}|\$\(\w+\)|\$[A-Za-z_]\w*|\$\{\{[^{}]*\}\}|\{\{[^{}]*\}\}"
)
TO_FILL_IN = re.compile(
    r"""change[-_ ]?(?:me|it|this)|replace[-_ ]?(?:me|this|with|by)?\b|your[-_ ]|\byour|my[-_ ]?(?:secret|password|token|key)\b|
    example|placeholder|redacted|dummy|\btodo\b|fixme|insert[-_ ]|xxx|\*\*\*|\.\.\.|…|<[^<\n]*>|put[-_ ]?your|set[-_ ]?(?:me|this)|
    fill[-_ ]?(?:me|in)|sample|\b(?:password|secret|token|key)[ ](?:for|of|to)[ ]|user[-_ ]provided|
    not[-_ ]?a[-_ ]?(?:real|secret)|base64[-_ ]?encoded|encoded[-_ ]|to[-_ ]be[-_ ]""",
    re.VERBOSE | re.IGNORECASE,
)
_CONSTANT_STYLE_NAME = re.compile(r"[A-Z]{2,40}(?:_[A-Z]{2,40}){1,8}\Z|_[A-Z]{2,40}_\Z")
NO_VALUE = frozenset(
    """
    true false yes no on off null none nil ~ undefined disabled enabled optional required auto default always never
    inherit file env vault local basic bearer unset empty -
    """.split()
) | {""}  # fmt: skip


def is_reference(value: str) -> bool:
    """Whether a value is filled in from elsewhere: a variable, a template, a pointer into a secret store."""
    return bool(VALUE_REFERENCE.match(value)) if len(value) < 2000 else False


def is_constant_name(value: str) -> bool:
    """Whether a value is the name of what belongs there, in the way that constants are written: `GOOGLE_API_KEY_VAL`."""
    return bool(_CONSTANT_STYLE_NAME.match(value))


def is_placeholder(value: str) -> bool:
    """Whether a value says outright that one belongs there, so that it may be shown; narrower than what classify calls one.

    One letter or two over and over are nothing either.
    """
    bare = value.strip().strip("\"'")
    return (
        bare.lower() in NO_VALUE
        or len(set(bare)) <= 2
        or is_constant_name(bare)
        or bool(TO_FILL_IN.search(bare[:400]))
        or is_reference(bare)
    )
