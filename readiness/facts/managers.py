"""Package managers as one table: what installs, updates, cleans, locks and asks, for each of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from readiness.facts.table import fact_row_by_name
from readiness.model.records import dataclass


@dataclass(frozen=True, slots=True)
class PackageManager:
    """One package manager. Names of actions are its own; `options_with_value` are options that take a value.

    `install_subcommands`, `update_subcommands`, `upgrade_subcommands`, `remove_subcommands` and `clean_subcommands` are
    subcommands (options, for pacman); `assume_yes_options` answers its questions. `cache_folders` are the folders that hold
    what a clean build leaves out, `~` for the home of any user; `cache_folder_options` are the options and variables that name
    another folder; `unversioned` are subcommands whose words have no version of their own; `no_cache_options` (options),
    `no_cache_variables` (variables) and `no_cache_setting` (in a script) turn the cache off.
    """

    name: str
    programs: tuple[str, ...]
    install_subcommands: frozenset[str]
    update_subcommands: frozenset[str] = frozenset()
    upgrade_subcommands: frozenset[str] = frozenset()
    remove_subcommands: frozenset[str] = frozenset()
    unversioned: frozenset[str] = frozenset()
    clean_subcommands: frozenset[str] = frozenset()
    assume_yes_options: tuple[str, ...] = ()
    options_with_value: frozenset[str] = frozenset()
    no_cache_options: tuple[str, ...] = ()
    no_cache_variables: tuple[str, ...] = ()
    no_cache_setting: re.Pattern[str] | None = None
    cache_folders: tuple[str, ...] = ()
    cache_folder_options: tuple[str, ...] = ()
    lock_file_commands: frozenset[str] = frozenset()
    lock_files: frozenset[str] = frozenset()
    pinned_package: re.Pattern[str] | None = None
    is_system_manager: bool = False


@cache
def package_managers() -> tuple[PackageManager, ...]:
    """All package managers of the table."""
    return tuple(_make_package_manager(name, row) for name, row in fact_row_by_name("managers").items())


@cache
def manager_by_program() -> Mapping[str, PackageManager]:
    """program -> the package manager that it is; also by two words, as `uv pip`."""
    return {program: manager for manager in package_managers() for program in manager.programs}


def _make_package_manager(row_name: str, manager_row: Mapping[str, Any]) -> PackageManager:
    """The Manager of one row of the table, by its name there."""

    def column_words(column_name: str) -> frozenset[str]:
        return frozenset(manager_row.get(column_name, ()))

    def column_regex(column_name: str) -> re.Pattern[str] | None:
        return re.compile(manager_row[column_name]) if column_name in manager_row else None

    return PackageManager(
        manager_row.get("name", row_name),
        tuple(manager_row.get("programs", (row_name,))),
        install_subcommands=column_words("install"),
        update_subcommands=column_words("update"),
        upgrade_subcommands=column_words("upgrade"),
        remove_subcommands=column_words("remove"),
        unversioned=column_words("unversioned"),
        clean_subcommands=column_words("clean"),
        assume_yes_options=tuple(manager_row.get("assumes-yes", ())),
        options_with_value=column_words("valued"),
        no_cache_options=tuple(manager_row.get("uncached", ())),
        no_cache_variables=tuple(manager_row.get("switches", ())),
        no_cache_setting=column_regex("settings"),
        cache_folders=tuple(manager_row.get("lists", ())),
        cache_folder_options=tuple(manager_row.get("moves", ())),
        lock_file_commands=column_words("locked"),
        lock_files=column_words("lock-files"),
        pinned_package=column_regex("pin"),
        is_system_manager="system" in manager_row,
    )
