"""Files by their names: those that are there to be copied, and those that may hold credentials and can be read."""

from __future__ import annotations

import posixpath
import re

from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.secrets.names import is_secret_name, may_contain_secret_name
from readiness.syntax.secrets.placeholders import VARIABLE_OR_TEMPLATE, is_reference
from readiness.syntax.secrets.search import possible_secret_spans

_SAMPLE_FILENAME = lazy_regex(
    r"(?:\A|[._-])(?:examples?|samples?|template|tmpl|tpl|dist|skel|skeleton)(?:[._-]|\Z)"
    r"|\.(?:md|mdx|markdown|mdown|rst|adoc|txt)\Z",
    re.IGNORECASE,
)
# Settings of clients, as text; each may hold a token, and most hold none.
_CLIENT_SETTINGS_FILENAME = lazy_regex(
    r"\.npmrc|\.yarnrc(?:\.ya?ml)?|\.pypirc|\.pip/pip\.conf|pip\.conf|[._]netrc|\.git-credentials|kubeconfig|\.env(?:\.[\w.-]+)?"
)
_NAME_VALUE_LINE = lazy_regex(
    r"""^[ \t]{0,80}(?://[^\s:]{1,200}:|export[ \t]{1,20})?["']?(?P<name>[\w.-]{1,80})["']?[ \t]{0,20}[:=][ \t]{0,20}["']?"""
    r"""(?P<value>[^\s"'#]{1,400})""",
    re.MULTILINE,
)
# What holds a credential under a name that tells of none: base64 of user and password, a key, a line of a .netrc.
_UNNAMED_CREDENTIAL = lazy_regex(r"\b_auth[ \t]{0,20}=[ \t]{0,20}[^\s$]|npmAuthIdent:|client-key-data:|\bpassword[ \t]{1,20}[^\s$]")


def is_sample_filename(path: str) -> bool:
    """Whether a file is one to copy and fill in, or prose that shows one: `site.conf.sample`, `.env.example`, `README.md`.

    Folders say too little.
    """
    return bool(_SAMPLE_FILENAME.search(posixpath.basename(path)))


def is_client_settings_filename(filename: str) -> bool:
    """Whether a file of this name holds a client's settings, in which a credential can be seen by reading them."""
    return bool(_CLIENT_SETTINGS_FILENAME.fullmatch(filename))


def has_possible_credential(text: str) -> bool:
    """Whether the text of such a file has anything in it that may be a secret; what it takes from a variable is none."""
    if _UNNAMED_CREDENTIAL.search(text) or any(True for _ in possible_secret_spans(text)):
        return True
    return may_contain_secret_name(text) and any(
        is_secret_name(match["name"]) and not is_reference(match["value"]) and not VARIABLE_OR_TEMPLATE.search(match["value"])
        for match in _NAME_VALUE_LINE.finditer(text)
    )
