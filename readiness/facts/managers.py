"""Package managers as one table: what installs, updates, cleans, locks and asks, for each of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from readiness.facts.table import rows


@dataclass(frozen=True, slots=True)
class Manager:
    """One package manager. Names of actions are its own; `valued` are options that take a value.

    `install`, `update`, `upgrade`, `remove` and `clean` are subcommands (options, for pacman);
    `yes` answers its questions. `lists` are the folders that hold what a clean build leaves out, `~`
    for the home of any user; `moves` are the options and variables that name another folder;
    `unversioned` are subcommands whose words have no version of their own;
    `uncached` (options), `switches` (variables) and `settings` (in a script) turn the cache off.
    """

    name: str
    programs: tuple[str, ...]
    install: frozenset[str]
    update: frozenset[str] = frozenset()
    upgrade: frozenset[str] = frozenset()
    remove: frozenset[str] = frozenset()
    unversioned: frozenset[str] = frozenset()
    clean: frozenset[str] = frozenset()
    yes: tuple[str, ...] = ()
    valued: frozenset[str] = frozenset()
    uncached: tuple[str, ...] = ()
    switches: tuple[str, ...] = ()
    settings: re.Pattern[str] | None = None
    lists: tuple[str, ...] = ()
    moves: tuple[str, ...] = ()
    locked: frozenset[str] = frozenset()
    lock_files: frozenset[str] = frozenset()
    pin: re.Pattern[str] | None = None
    system: bool = False


@cache
def managers() -> tuple[Manager, ...]:
    """All package managers of the table."""
    return tuple(_manager(name, row) for name, row in rows("managers").items())


@cache
def by_program() -> Mapping[str, Manager]:
    """program -> the package manager that it is; also by two words, as `uv pip`."""
    return {program: manager for manager in managers() for program in manager.programs}


def _manager(name: str, row: Mapping[str, Any]) -> Manager:
    """The Manager of one row of the table, by its name there."""

    def words(key: str) -> frozenset[str]:
        return frozenset(row.get(key, ()))

    def pattern(key: str) -> re.Pattern[str] | None:
        return re.compile(row[key]) if key in row else None

    return Manager(
        row.get("name", name),
        tuple(row.get("programs", (name,))),
        install=words("install"),
        update=words("update"),
        upgrade=words("upgrade"),
        remove=words("remove"),
        unversioned=words("unversioned"),
        clean=words("clean"),
        yes=tuple(row.get("assumes-yes", ())),
        valued=words("valued"),
        uncached=tuple(row.get("uncached", ())),
        switches=tuple(row.get("switches", ())),
        settings=pattern("settings"),
        lists=tuple(row.get("lists", ())),
        moves=tuple(row.get("moves", ())),
        locked=words("locked"),
        lock_files=words("lock-files"),
        pin=pattern("pin"),
        system="system" in row,
    )
