"""Forms of values that are no credential, whatever name they stand under: paths, addresses, options of a program."""

from __future__ import annotations

from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.secrets.names import has_secret_word

_PATH_PREFIXES = ("/", "./", "../", "~/")
_FILE_SUFFIXES = (".pem", ".key", ".crt", ".txt", ".json")
_OPTION_NAME_PATTERN = lazy_regex(r"[a-z][a-z0-9]{1,20}(?:[-_][a-z0-9]{1,20}){0,4}\Z")
_MAX_OPTIONS_LENGTH = 1000  # characters of a value that is options of a program
_OPTION_VALUE_LENGTH_LIMIT = 12  # characters, one more than what an option says that is no path: `RS256`, `10m`


def is_no_credential_by_form(text: str) -> bool:
    """Whether a value has the form of a path, a file, an address, or of options."""
    return text.startswith(_PATH_PREFIXES) or "://" in text or text.endswith(_FILE_SUFFIXES) or _is_option_list_without_secret(text)


def _is_option_list_without_secret(text: str) -> bool:
    """Whether a value is options of a program, none of which is a secret: `jwt,priv-key=/keys/jwt.pem,sign-method=RS256`.

    What an option says is a path, or short and under a name that is no secret's.
    """
    first_option, *other_options = text.split(",")
    option_partitions = [
        one.partition("=") for one in (other_options if _OPTION_NAME_PATTERN.match(first_option) else [first_option, *other_options])
    ]
    return (
        len(text) <= _MAX_OPTIONS_LENGTH
        and bool(other_options)
        and all(
            _OPTION_NAME_PATTERN.match(name)
            and (value.startswith(_PATH_PREFIXES) or (0 < len(value) < _OPTION_VALUE_LENGTH_LIMIT and not has_secret_word(name)))
            for name, _, value in option_partitions
        )
    )
