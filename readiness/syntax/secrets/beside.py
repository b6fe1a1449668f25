"""What the settings beside a password say of it: the host that it lets in at, and whether another store is used.

Settings of one block are compared: the lines of the same depth around a place, or the variables of one container.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from readiness.syntax.secrets.names import name_words

_MOST_LINES = 60  # lines of a block that are read, each way
_MAX_LINE_CHARACTERS = 400
_SETTING_LINE = re.compile(
    r"""(?P<indent>[ \t]{0,200})["']?(?P<name>[A-Za-z_][\w.-]{0,80})["']?[ \t]{0,20}"""
    r"""(?:=|:[ \t])[ \t]{0,20}(?:[&!][\w-]{1,40}[ \t]{1,4})?["']?(?P<value>[^\s"'#]{0,200})"""
)
_SEPARATORS = re.compile(r"[-_.]")
_PASSWORD_ENDING = re.compile(r"(?:password|passwd|pass|pwd)\Z")
_HOST_ENDING = re.compile(r"host(?:name)?|server|addr(?:ess)?|endpoint")
_ADDRESS_ENDING = re.compile(r"(?:jdbc|db|database|datasource|connection)?ur[il]")
_DATABASE_ADDRESS = re.compile(
    r"(?:jdbc:)?(?:postgres(?:ql)?|mysql|mariadb|mongodb|redis|sqlserver|oracle)://(?P<host>[\w.-]{1,255})(?![\w.:-]{0,255}@)"
)
_ENGINE_WORDS = frozenset("engine type driver dialect adapter connection backend".split())
_DATABASE_WORDS = frozenset("db database sql".split())
_OF_THE_WHOLE = frozenset("app site base public root main server web".split())
_LOCAL_ADDRESS = re.compile(r"(?:https?://)?(?:localhost|127\.0\.0\.1)(?::\d{1,5})?/?", re.IGNORECASE)
# What a store is called in names and values, by its family.
_FAMILY_BY_WORD = {
    "sqlite": "file", "sqlite3": "file", "h2": "file",
    "postgres": "postgres", "postgresql": "postgres", "pg": "postgres", "pgsql": "postgres",
    "mysql": "mysql", "mariadb": "mysql", "mongo": "mongo", "mongodb": "mongo", "mssql": "mssql", "oracle": "oracle",
}  # fmt: skip


def settings_beside(text: str, offset: int) -> tuple[str, dict[str, str]]:
    """The name of the setting at a place in a text, and the settings of its block by name; deeper lines are left out."""
    start = text.rfind("\n", 0, offset) + 1
    own = _SETTING_LINE.match(text, start, start + _MAX_LINE_CHARACTERS)
    if own is None:
        return "", {}
    before = text[max(0, start - _MOST_LINES * _MAX_LINE_CHARACTERS) : start].splitlines()[-_MOST_LINES:]
    after = text[start : start + _MOST_LINES * _MAX_LINE_CHARACTERS].splitlines()[:_MOST_LINES]
    settings: dict[str, str] = {}
    for lines in (reversed(before), after):
        for line in lines:
            bare = line.strip()
            if not bare or bare.startswith("#"):
                continue
            depth = len(line) - len(line.lstrip())
            if depth < len(own["indent"]):
                break
            found = _SETTING_LINE.match(line[:_MAX_LINE_CHARACTERS])
            if found and depth == len(own["indent"]):
                settings.setdefault(found["name"], found["value"])
    return own["name"], settings


def host_beside(name: str, settings: Mapping[str, str]) -> str:
    """The host of the server that a password is for, by the setting of the same prefix; empty where none is given.

    It may stand in the address of a database: `jdbcUrl: jdbc:postgresql://localhost:5432/shop`.
    """
    owner = _PASSWORD_ENDING.sub("", _SEPARATORS.sub("", name.lower()))
    for other, value in settings.items():
        bare = _SEPARATORS.sub("", other.lower())
        if bare.startswith(owner) and _HOST_ENDING.fullmatch(bare, len(owner)):
            return value.partition(":")[0]
    for other, value in settings.items():
        bare = _SEPARATORS.sub("", other.lower())
        address = _DATABASE_ADDRESS.match(value)
        if address and bare.startswith(owner) and _ADDRESS_ENDING.fullmatch(bare, len(owner)):
            return address["host"]
    return ""


def local_setting(settings: Mapping[str, str]) -> str:
    """The name of a setting that says its block is for somebody's own machine; empty where none does.

    So says an environment that is called local (`ENVIRONMENT: local`), and an address of the whole at this machine (`DOMAIN:
    localhost`); the host of a server (`DB_HOST`) says where that one runs.
    """
    for name, value in settings.items():
        words = name_words(name)
        if words[-1:] in (["environment"], ["env"]) and value.lower() in ("local", "localhost"):
            return name
        addresses_whole = (
            words[-1:] in (["domain"], ["url"], ["host"]) and len(words) <= 2 and _OF_THE_WHOLE.issuperset(words[:-1])
        )
        if addresses_whole and _LOCAL_ADDRESS.fullmatch(value):
            return name
    return ""


def names_database(name: str) -> bool:
    """Whether a name speaks of a database, by what one is or by what some are called: `DB_PASSWORD`, `PGPASSWORD`."""
    return not {*_FAMILY_BY_WORD, *_DATABASE_WORDS}.isdisjoint(name_words(name))


def uses_other_store(name: str, settings: Mapping[str, str]) -> bool:
    """Whether a switch beside a database's password says that another database is used: `DB_ENGINE: sqlite`."""
    words = name_words(name)
    own = {_FAMILY_BY_WORD[word] for word in words if word in _FAMILY_BY_WORD}
    if not own and not _DATABASE_WORDS & set(words):
        return False
    for other, value in settings.items():
        parts = name_words(other)
        used = _FAMILY_BY_WORD.get(value.lower())
        switches = len(parts) > 1 and parts[-1] in _ENGINE_WORDS and _DATABASE_WORDS & set(parts)
        if switches and used is not None and (used == "file" or (own and used not in own)):
            return True
    return False
