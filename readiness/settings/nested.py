"""Settings files below that of the root: each speaks of its own directory, and adds to what stands above it.

Of what one file decides alone (the profile, the severity of a rule, its parameters) that of the nearest counts; lists add up. What is about
the run as a whole (the gate, the baseline, locks ...) stands at the root alone, and is refused below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from readiness.model import join_names
from readiness.settings import PYPROJECT_FILENAME, SETTINGS_FILENAMES, ConfigError, config_file_loader, settings_file_in
from readiness.settings.globs import glob_of_folder
from readiness.settings.layers import refused_settings, with_prefixed_globs, without_settings
from readiness.settings.model import SETTINGS_BELOW_ROOT, Config, GivenParameters, PathRules, SettingsLayer
from readiness.tree_paths import is_repository_root

MAX_FILES_BELOW_ROOT = 200
MAX_BYTES_BELOW_ROOT = 2 << 20  # of all of them together
MAX_ENTRIES_BELOW_ROOT = 5000  # words, globs and waivers of all of them together: each is held against rules and paths
ConfigLoader = Callable[[Path, str], Config | None]  # a directory, and its path below the root
_RULE_CHOICES = ("profile", "select")
_SETTINGS_NAMES = frozenset({*SETTINGS_FILENAMES, PYPROJECT_FILENAME})


class SettingsBelowRoot:
    """The settings files below a root, each read when a walk comes by its directory.

    `config` are the settings of the run, which stand in `base`, or above it; `walked_base` is what the walk has in its place: the directory
    itself, unless an earlier tree is judged by the settings of today. `config_by_folder` is what was read, by the path of its directory below
    the root.
    """

    def __init__(self, config: Config, base: Path, load: ConfigLoader | None = None, walked_base: Path | None = None) -> None:
        self.config = config
        self.root = _root_of_globs(config, base)
        self.base = base
        self._walked_base = (walked_base or base).resolve()
        self.config_by_folder: dict[str, Config] = {}
        self.notices: list[str] = []
        self._is_of_other_tree = load is not None or self._walked_base != base.resolve()
        self._load = load or config_file_loader(self.display_folder)
        self._seen_folders: set[str] = set()
        self._byte_count = self._entry_count = 0
        self._is_foreign_by_folder: dict[str, bool] = {}

    def may_stand_in(self, names: Iterable[str]) -> bool:
        """Whether a directory of the walk with files of these names may have settings; those of another tree may stand where the walk has none."""
        return self._is_of_other_tree or not _SETTINGS_NAMES.isdisjoint(names)

    def read_down_to(self, folder: Path) -> tuple[str, ...]:
        """Read the files of the directories that lead from the root to one, that one's too; the globs that they exclude."""
        real_folder = self._real_folder(folder)
        if not real_folder.is_relative_to(self.root):
            return ()
        parts = real_folder.relative_to(self.root).parts
        return tuple(glob for count in range(1, len(parts) + 1) for glob in self.read(self.root.joinpath(*parts[:count])))

    def read(self, folder: Path) -> tuple[str, ...]:
        """Read the settings file of a directory, where it has one that was not read; the globs that it excludes. Raises ConfigError."""
        real_folder = self._real_folder(folder)
        if real_folder == self.root or not real_folder.is_relative_to(self.root):
            return ()
        folder_below_root = real_folder.relative_to(self.root).as_posix()
        if folder_below_root in self._seen_folders:
            return ()
        self._seen_folders.add(folder_below_root)
        if self._is_of_other_repository(real_folder):
            return ()
        config = self._load(real_folder, folder_below_root)
        if config is None:
            return ()
        _verify_settings_below_root(config)
        self._count(config)
        allowed_config = without_settings(config, refused_settings(config, self.config))
        self.config_by_folder[folder_below_root] = config
        return with_prefixed_globs(allowed_config, folder_below_root).exclude

    def _count(self, config: Config) -> None:
        """Add a settings file to what all of them have together. Raises ConfigError where that is more than may be."""
        self._byte_count += len(config.source.text.encode()) if config.source else 0
        self._entry_count += _entry_count(config)
        for count, limit, noun in (
            (len(self.config_by_folder) + 1, MAX_FILES_BELOW_ROOT, "files"),
            (self._byte_count, MAX_BYTES_BELOW_ROOT, "bytes"),
            (self._entry_count, MAX_ENTRIES_BELOW_ROOT, "entries"),
        ):
            if count > limit:
                raise ConfigError(
                    config.source.path if config.source else "",
                    f"with this file the settings below the root have over {limit} {noun} together, the limit; say some of it at the root",
                )

    def merged(self) -> Config:
        """The settings of the run with those that were read."""
        config = self.config
        for folder in sorted(self.config_by_folder, key=lambda one: (one.count("/"), one)):
            config = _with_settings_of_folder(config, folder, self.config_by_folder[folder])
        return config

    def display_folder(self, folder: Path) -> str:
        """What reports call a directory: its path from the working directory."""
        base = self.base.resolve()
        if folder == base:
            return ""
        return folder.relative_to(base).as_posix() if folder.is_relative_to(base) else _path_from(base, folder)

    def _real_folder(self, folder: Path) -> Path:
        """A directory of the walk, as the one whose settings hold there."""
        real_folder, base = folder.resolve(), self.base.resolve()
        if self._walked_base != base and real_folder.is_relative_to(self._walked_base):
            return base / real_folder.relative_to(self._walked_base)
        return real_folder

    def _is_of_other_repository(self, folder: Path) -> bool:
        """Whether a directory belongs to a repository inside of this one, whose settings are not this project's."""
        key = str(folder)
        if key not in self._is_foreign_by_folder:
            is_own_root = folder == self.root or not folder.is_relative_to(self.root)
            is_foreign = False if is_own_root else is_repository_root(folder) or self._is_of_other_repository(folder.parent)
            self._is_foreign_by_folder[key] = is_foreign
            if is_foreign and is_repository_root(folder) and settings_file_in(folder):
                self.notices.append(f"{self.display_folder(folder)} is another repository: its settings are not read; run readiness there")
        return self._is_foreign_by_folder[key]


def _path_from(base: Path, folder: Path) -> str:
    """The path of a directory above or beside another one, from there."""
    common_parts = 0
    while common_parts < min(len(base.parts), len(folder.parts)) and base.parts[common_parts] == folder.parts[common_parts]:
        common_parts += 1
    return "/".join([*[".."] * (len(base.parts) - common_parts), *folder.parts[common_parts:]])


def _root_of_globs(config: Config, base: Path) -> Path:
    """The directory that globs of the run are relative to."""
    levels_up = config.prefix.count("/") + 1 if config.prefix else 0
    return base.joinpath(*[".."] * levels_up).resolve()


def _verify_settings_below_root(config: Config) -> None:
    """Raise ConfigError for a setting that is about the run as a whole."""
    for setting in config.given:
        if setting not in (*SETTINGS_BELOW_ROOT, "required-version"):
            raise ConfigError(
                config.place_of(setting),
                f"{setting} is for the settings at the root, since it is about the run as a whole; a settings file below that sets"
                f" {join_names(SETTINGS_BELOW_ROOT)}",
            )
    for pattern, place in _globs_with_places(config):
        if ".." in pattern.split("/"):
            raise ConfigError(place, f"{pattern[:200]!r} leads out of the directory of this file, which speaks of its own files alone")


def _entry_count(config: Config) -> int:
    """How many words, globs and waivers the settings of a file have."""
    ratings = sum(len(one.severities) for one in config.path_rules)
    return len(config.span_by_word) + ratings + len(config.path_rules) + len(config.waivers) + len(config.parameters) + len(config.purposes)


def _globs_with_places(config: Config) -> Iterator[tuple[str, str]]:
    """The globs of a settings file, each with `file:line:column`."""
    yield from ((one, config.place_of("exclude", one)) for one in config.exclude)
    yield from ((one.pattern, one.source.place_text(one.span.start)) for one in config.path_rules if one.source is not None)
    yield from ((one.path, one.source.place_text(one.span.start)) for one in config.waivers)
    yield from ((pattern, place) for pattern, _, place in config.purposes)


def _with_settings_of_folder(config: Config, folder: str, nested: Config) -> Config:
    """The settings of a run with those of a file in a directory below the root."""
    refused = refused_settings(nested, config)
    allowed = with_prefixed_globs(without_settings(nested, refused), folder)
    is_choice_given = not set(allowed.given).isdisjoint(_RULE_CHOICES)
    rules_of_folder = PathRules(
        glob_of_folder(folder),
        "",
        profile=allowed.profile if "profile" in allowed.given else None,
        select=allowed.select if "select" in allowed.given else () if is_choice_given else None,
        extend_select=allowed.extend_select,
        ignore=allowed.ignore,
        setting="settings",
        source=nested.source,
    )
    trees_rules = tuple(one for one in config.path_rules if not one.is_callers)
    callers_rules = tuple(one for one in config.path_rules if one.is_callers)
    trees_purposes = config.purposes[: len(config.purposes) - len(config.callers_purposes)]
    settings_name = nested.source.path if nested.source else folder
    waivers = tuple(replace(one, path=one.path or glob_of_folder(folder)) for one in allowed.waivers)
    without_effect = (*refused, *(_RULE_CHOICES if config.is_choice_settled else ()))
    layer = SettingsLayer(settings_name, without_settings(nested, without_effect), refused, is_below_root=True, folder=folder)
    parameters = (*_parameters_above(config, folder), *allowed.parameters, *config.callers_parameters)
    return replace(
        config,
        path_rules=(*trees_rules, rules_of_folder, *allowed.path_rules, *callers_rules),
        exclude=tuple(dict.fromkeys((*config.exclude, *allowed.exclude))),
        waivers=(*config.waivers, *waivers),
        purposes=(*trees_purposes, *allowed.purposes, *config.callers_purposes),
        parameters_by_path=(*config.parameters_by_path, (glob_of_folder(folder), parameters)) if allowed.parameters else config.parameters_by_path,
        layers=(*config.layers, layer),
    )


def _parameters_above(config: Config, folder: str) -> tuple[GivenParameters, ...]:
    """The parameters that hold in a directory by the files above it, those of the nearest last."""
    from readiness.syntax.glob import glob_matches

    parameters = config.parameters
    for pattern, parameters_of_path in config.parameters_by_path:
        if glob_matches(pattern, f"{folder}/"):
            parameters = parameters_of_path
    return parameters
