"""The folders in which people keep what is no longer in use, by their names."""

from __future__ import annotations

from readiness.model.lazy_regex import lazy_regex

_ARCHIVE = r"archived?|attic"
ARCHIVE_FOLDER_NAME = lazy_regex(rf"[._]?(?:{_ARCHIVE})|old[-_]releases?")
PATH_WITH_FOLDER_PUT_AWAY = lazy_regex(rf"(?:^|/)[._]?(?:{_ARCHIVE}|deprecated|disabled|inactive|legacy|obsolete|old|retired|unused)(?:/|$)")
