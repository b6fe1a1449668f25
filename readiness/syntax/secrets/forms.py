"""Forms of values that are no credential, whatever name they stand under: paths, addresses, options of a program."""

from __future__ import annotations

import re

from readiness.syntax.secrets.names import may_name_secret

_PATH_PREFIXES = ("/", "./", "../", "~/")
_FILE_SUFFIXES = (".pem", ".key", ".crt", ".txt", ".json")
_OPTION_NAME = re.compile(r"[a-z][a-z0-9]{1,20}(?:[-_][a-z0-9]{1,20}){0,4}\Z")
_MAX_OPTIONS_LENGTH = 1000  # characters of a value that is options of a program
_MAX_OPTION_LENGTH = 12  # characters, one more than what an option says that is no path: `RS256`, `10m`


def is_no_credential_by_form(text: str) -> bool:
    """Whether a value has the form of a path, a file, an address, or of options."""
    return text.startswith(_PATH_PREFIXES) or "://" in text or text.endswith(_FILE_SUFFIXES) or _is_list_of_options(text)


def _is_list_of_options(text: str) -> bool:
    """Whether a value is options of a program, none of which is a secret: `jwt,priv-key=/keys/jwt.pem,sign-method=RS256`.

    What an option says is a path, or short and under a name that is no secret's.
    """
    first, *rest = text.split(",")
    options = [one.partition("=") for one in (rest if _OPTION_NAME.match(first) else [first, *rest])]
    return (
        len(text) <= _MAX_OPTIONS_LENGTH
        and bool(rest)
        and all(
            _OPTION_NAME.match(name)
            and (value.startswith(_PATH_PREFIXES) or (0 < len(value) < _MAX_OPTION_LENGTH and not may_name_secret(name)))
            for name, _, value in options
        )
    )
