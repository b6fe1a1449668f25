"""The settings of a project: where they stand, and what they say. `.readiness.yaml`, `.readiness.yml` or `[tool.readiness]` in `pyproject.toml`."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from readiness import files, tree_paths
from readiness.model import ParseError, Source
from readiness.settings.model import (
    LOCK_ALL,
    LOCKABLE_FILE_WORDS,
    SETTINGS_SCHEMA_PATH,
    Config,
    ConfigError,
    Environments,
    PathRules,
    SettingsLayer,
    SeveritySetting,
    Waiver,
    lockable_settings,
)
from readiness.settings.parsing import settings_in_map
from readiness.settings.pyproject import PYPROJECT_FILENAME, settings_table
from readiness.syntax.yaml import Map, load_yaml_documents

__all__ = [
    "LOCKABLE_FILE_WORDS",
    "LOCK_ALL",
    "MAX_SETTINGS_FILE_BYTES",
    "PYPROJECT_FILENAME",
    "SETTINGS_FILENAME",
    "SETTINGS_FILENAMES",
    "SETTINGS_SCHEMA_PATH",
    "Config",
    "ConfigError",
    "Environments",
    "PathRules",
    "SettingsLayer",
    "SeveritySetting",
    "Waiver",
    "config_file_loader",
    "config_seen_from_directory",
    "find_settings_file",
    "load_config",
    "lockable_settings",
    "parse_config",
    "settings_file_in",
]

SETTINGS_FILENAME = ".readiness.yaml"
SETTINGS_FILENAMES = (SETTINGS_FILENAME, ".readiness.yml")
MAX_SETTINGS_FILE_BYTES = 256 * 1024


def find_settings_file(start_folder: Path) -> Path | None:
    """The settings file that stands at the root, seen from a folder. Raises ConfigError.

    In a repository that is the topmost one of the folder and of those above it; the files below add to it for their own folders. Where there
    is no repository the nearest one counts.
    """
    current_folder, found_files = start_folder.resolve(), []
    while True:
        settings_file = settings_file_in(current_folder)
        found_files += [settings_file] if settings_file is not None else []
        if tree_paths.is_repository_root(current_folder):
            return found_files[-1] if found_files else None
        if current_folder.parent == current_folder:
            return found_files[0] if found_files else None
        current_folder = current_folder.parent


def settings_file_in(folder: Path, display_folder: str = "") -> Path | None:
    """The settings file of a folder: `.readiness.yaml`, `.readiness.yml`, or a `pyproject.toml` that has settings.

    Raises ConfigError where there are two, and where one is a link that leads out of its folder. What is no regular file is found all the
    same: that it can't be read is told, for settings that are passed over in silence would be other settings. Of a `pyproject.toml` that
    can't be read nobody knows whether it has any, so it has none. `display_folder` is what reports call the folder.
    """
    display_prefix = f"{display_folder}/" if display_folder else ""
    found_names = [name for name in SETTINGS_FILENAMES if os.path.lexists(folder / name)]
    for name in found_names:
        if not tree_paths.is_inside_folder(folder, folder / name):
            raise ConfigError(display_prefix + name, "is a link that leads out of its directory; copy the file here")
    if os.path.lexists(folder / PYPROJECT_FILENAME) and _has_settings_table(folder / PYPROJECT_FILENAME):
        found_names.append(PYPROJECT_FILENAME)
    if len(found_names) > 1:
        first, second = (f"[tool.readiness] of {one}" if one == PYPROJECT_FILENAME else one for one in found_names[:2])
        raise ConfigError(display_prefix + found_names[0], f"{first} and {second} stand in one directory; keep one of them")
    return folder / found_names[0] if found_names else None


def _has_settings_table(pyproject_file: Path) -> bool:
    """Whether a `pyproject.toml` has settings for this tool. Raises ConfigError where these are broken."""
    if not tree_paths.is_inside_folder(pyproject_file.parent, pyproject_file):
        return False
    try:
        text = files.read_regular_file(pyproject_file, MAX_SETTINGS_FILE_BYTES).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return False
    return settings_table(Source(PYPROJECT_FILENAME, text)) is not None


def load_config(settings_path: Path, *, display_path: str = "", is_named: bool = True) -> Config:
    """The settings in a file. Raises ConfigError with file, line and column.

    `is_named` says that somebody named the file: it may lock settings of the file that comes with the tree. `display_path` is what reports
    call it, where that is not its own path.
    """
    has_own_name = settings_path.name in {*SETTINGS_FILENAMES, PYPROJECT_FILENAME}
    report_path = display_path or (settings_path.name if has_own_name else settings_path.as_posix())
    try:
        settings_bytes = files.read_regular_file(settings_path, MAX_SETTINGS_FILE_BYTES)
    except OSError as error:
        raise ConfigError(report_path, f"cannot be read: {files.os_error_text_without_path(error)}") from None
    return parse_config(report_path, settings_bytes, settings_path.parent, may_lock_settings=is_named)


def parse_config(report_path: str, settings_bytes: bytes, settings_folder: Path, *, may_lock_settings: bool) -> Config:
    """The settings in the bytes of a file in a folder. Raises ConfigError with file, line and column."""
    try:
        source = Source(report_path, settings_bytes.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ConfigError(report_path, "cannot be read: not UTF-8") from None
    if report_path.endswith(PYPROJECT_FILENAME):
        settings_map = settings_table(source)
        if settings_map is None:
            raise ConfigError(report_path, "has no table [tool.readiness]")
    else:
        settings_map = _yaml_settings_map(source)
    if settings_map is None:
        return Config(source, folder=settings_folder)
    return settings_in_map(source, settings_map, settings_folder, may_lock_settings=may_lock_settings)


def _yaml_settings_map(source: Source) -> Map | None:
    """The mapping of a settings file in YAML; None where it says nothing. Raises ConfigError."""
    try:
        documents = load_yaml_documents(source.text)
    except ParseError as error:
        raise ConfigError(source.place_text(error.offset), error.message) from None
    settings_map = documents[0] if documents else None
    if settings_map is not None and (not isinstance(settings_map, Map) or len(documents) > 1):
        raise ConfigError(source.place_text(0), "the settings are one mapping")
    return settings_map


def config_seen_from_directory(settings_config: Config, working_directory: Path) -> Config:
    """The settings of a file that was found in a working directory or above it."""
    if settings_config.folder is None or not working_directory.resolve().is_relative_to(settings_config.folder.resolve()):
        return settings_config
    prefix_from_settings_folder = working_directory.resolve().relative_to(settings_config.folder.resolve()).as_posix()
    return replace(settings_config, prefix="" if prefix_from_settings_folder == "." else prefix_from_settings_folder)


def config_file_loader(display_folder_of: Callable[[Path], str]) -> Callable[[Path, str], Config | None]:
    """What loads the settings file of a directory, where it has one; `display_folder_of` tells what reports call the directory."""

    def load(folder: Path, _: str) -> Config | None:
        display_folder = display_folder_of(folder)
        settings_file = settings_file_in(folder, display_folder)
        if settings_file is None:
            return None
        display_path = f"{display_folder}/{settings_file.name}" if display_folder else settings_file.name
        return load_config(settings_file, display_path=display_path, is_named=False)

    return load
