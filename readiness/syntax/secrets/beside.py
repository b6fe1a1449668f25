"""What the settings beside a password say of it: the host that it lets in at, and whether another store is used.

Settings of one block are compared: the lines of the same depth around a place, or the variables of one container.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.secrets.names import is_password_name, is_secret_name, name_words

_MAX_LINES_EACH_WAY = 60  # lines of a block that are read, each way
_MAX_LINE_CHARACTERS = 400
_SETTING_LINE = lazy_regex(
    r"""(?P<indent>[ \t]{0,200})["']?(?P<name>[A-Za-z_][\w.-]{0,80})["']?[ \t]{0,20}"""
    r"""(?:=|:[ \t])[ \t]{0,20}(?:[&!][\w-]{1,40}[ \t]{1,4})?["']?(?P<value>[^\s"'#]{0,200})"""
)
_NAME_SEPARATOR = lazy_regex(r"[-_.]")
_PASSWORD_NAME_ENDING = lazy_regex(r"(?:password|passwd|pass|pwd)\Z")
_HOST_NAME_ENDING = lazy_regex(r"host(?:name)?|server|addr(?:ess)?|endpoint")
_URL_NAME_ENDING = lazy_regex(r"(?:jdbc|db|database|datasource|connection)?ur[il]")
_DATABASE_URL = lazy_regex(r"(?:jdbc:)?(?:postgres(?:ql)?|mysql|mariadb|mongodb|redis|sqlserver|oracle)://(?P<host>[\w.-]{1,255})(?![\w.:-]{0,255}@)")
_ENGINE_SETTING_WORDS = frozenset("engine type driver dialect adapter connection backend".split())
_DATABASE_WORDS = frozenset("db database sql".split())
_WHOLE_APPLICATION_WORDS = frozenset("app site base public root main server web".split())
_ADMINISTRATOR_WORDS = frozenset({"admin", "administrator", "root", "superuser", "basicauth", "dashboard", "console", "bootstrap", "initial"})
_USER_NAME_MARKS = ("USER", "LOGIN", "MAIL", "ADMIN")
_OWN_MACHINE_ENVIRONMENTS = frozenset({"local", "localhost", "development", "dev", "develop"})
_LOCALHOST_ADDRESS = lazy_regex(r"(?:https?://)?(?:localhost|127\.0\.0\.1)(?::\d{1,5})?/?", re.IGNORECASE)
# What a store is called in names and values, by its family.
_STORE_FAMILY_BY_WORD = {
    "sqlite": "file", "sqlite3": "file", "h2": "file",
    "postgres": "postgres", "postgresql": "postgres", "pg": "postgres", "pgsql": "postgres",
    "mysql": "mysql", "mariadb": "mysql", "mongo": "mongo", "mongodb": "mongo", "mssql": "mssql", "oracle": "oracle",
}  # fmt: skip


def setting_name_and_block_settings(text: str, offset: int) -> tuple[str, dict[str, str]]:
    """The name of the setting at a place in a text, and the settings of its block by name; deeper lines are left out."""
    line_start = text.rfind("\n", 0, offset) + 1
    setting_match = _SETTING_LINE.match(text, line_start, line_start + _MAX_LINE_CHARACTERS)
    if setting_match is None:
        return "", {}
    lines_before = text[max(0, line_start - _MAX_LINES_EACH_WAY * _MAX_LINE_CHARACTERS) : line_start].splitlines()[-_MAX_LINES_EACH_WAY:]
    lines_from_setting = text[line_start : line_start + _MAX_LINES_EACH_WAY * _MAX_LINE_CHARACTERS].splitlines()[:_MAX_LINES_EACH_WAY]
    value_by_setting_name: dict[str, str] = {}
    for lines in (reversed(lines_before), lines_from_setting):
        for line in lines:
            stripped_line = line.strip()
            if not stripped_line or stripped_line.startswith("#"):
                continue
            indent_width = len(line) - len(line.lstrip())
            if indent_width < len(setting_match["indent"]):
                break
            block_setting_match = _SETTING_LINE.match(line[:_MAX_LINE_CHARACTERS])
            if block_setting_match and indent_width == len(setting_match["indent"]):
                value_by_setting_name.setdefault(block_setting_match["name"], block_setting_match["value"])
    return setting_match["name"], value_by_setting_name


def host_of_password(password_name: str, value_by_setting_name: Mapping[str, str]) -> str:
    """The host of the server that a password is for, by the setting of the same prefix; empty where none is given.

    It may stand in the address of a database: `jdbcUrl: jdbc:postgresql://localhost:5432/shop`.
    """
    password_prefix = _PASSWORD_NAME_ENDING.sub("", _NAME_SEPARATOR.sub("", password_name.lower()))
    for setting_name, setting_value in value_by_setting_name.items():
        normalized_setting_name = _NAME_SEPARATOR.sub("", setting_name.lower())
        if normalized_setting_name.startswith(password_prefix) and _HOST_NAME_ENDING.fullmatch(normalized_setting_name, len(password_prefix)):
            return setting_value.partition(":")[0]
    for setting_name, setting_value in value_by_setting_name.items():
        normalized_setting_name = _NAME_SEPARATOR.sub("", setting_name.lower())
        database_url_match = _DATABASE_URL.match(setting_value)
        if (
            database_url_match
            and normalized_setting_name.startswith(password_prefix)
            and _URL_NAME_ENDING.fullmatch(normalized_setting_name, len(password_prefix))
        ):
            return database_url_match["host"]
    return ""


def local_environment_setting_name(value_by_setting_name: Mapping[str, str]) -> str:
    """The name of a setting that says its block is for somebody's own machine; empty where none does.

    So says an environment that is called local or development (`ENVIRONMENT: local`, `APP_ENV: development`), and an address of the
    whole at this machine (`DOMAIN: localhost`); the host of a server (`DB_HOST`) says where that one runs.
    """
    for setting_name, setting_value in value_by_setting_name.items():
        setting_name_words = name_words(setting_name)
        if setting_name_words[-1:] in (["environment"], ["env"]) and setting_value.lower() in _OWN_MACHINE_ENVIRONMENTS:
            return setting_name
        is_application_address = (
            setting_name_words[-1:] in (["domain"], ["url"], ["host"])
            and len(setting_name_words) <= 2
            and _WHOLE_APPLICATION_WORDS.issuperset(setting_name_words[:-1])
        )
        if is_application_address and _LOCALHOST_ADDRESS.fullmatch(setting_value):
            return setting_name
    return ""


def is_database_name(name: str) -> bool:
    """Whether a name speaks of a database, by what one is or by what some are called: `DB_PASSWORD`, `PGPASSWORD`."""
    return name == "PGPASSWORD" or not {*_STORE_FAMILY_BY_WORD, *_DATABASE_WORDS}.isdisjoint(name_words(name))


def uses_other_database(password_name: str, value_by_setting_name: Mapping[str, str]) -> bool:
    """Whether a switch beside a database's password says that another database is used: `DB_ENGINE: sqlite`."""
    password_name_words = name_words(password_name)
    own_store_families = {_STORE_FAMILY_BY_WORD[word] for word in password_name_words if word in _STORE_FAMILY_BY_WORD}
    if not own_store_families and not _DATABASE_WORDS & set(password_name_words):
        return False
    for setting_name, setting_value in value_by_setting_name.items():
        setting_name_words = name_words(setting_name)
        used_store_family = _STORE_FAMILY_BY_WORD.get(setting_value.lower())
        is_engine_setting = (
            len(setting_name_words) > 1 and setting_name_words[-1] in _ENGINE_SETTING_WORDS and _DATABASE_WORDS & set(setting_name_words)
        )
        if (
            is_engine_setting
            and used_store_family is not None
            and (used_store_family == "file" or (own_store_families and used_store_family not in own_store_families))
        ):
            return True
    return False


def is_administrator_password(password_name: str, value_by_setting_name: Mapping[str, str]) -> bool:
    """Whether a password is an administrator's, by its name or by the user beside it; one that is just called so is the service's."""
    if not is_password_name(password_name):
        return False
    words = name_words(password_name)
    if len(words) == 1 or any(word in _ADMINISTRATOR_WORDS or word.endswith("admin") for word in words):
        return True
    return any(text.lower().startswith(("admin", "root")) for text in _user_names_beside(password_name, value_by_setting_name))


def _user_names_beside(password_name: str, value_by_setting_name: Mapping[str, str]) -> Iterator[str]:
    """What the settings hold that are called as the user of a password: `OE_USER` beside `OE_PASS`."""
    prefix = password_name.upper().rpartition("_")[0]
    for name, text in value_by_setting_name.items():
        rest = name.upper().removeprefix(prefix)
        if prefix and name.upper().startswith(prefix) and any(mark in rest for mark in _USER_NAME_MARKS) and not is_secret_name(name):
            yield text
