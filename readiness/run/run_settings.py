"""What a run is asked for: the settings files and the options of the command line as one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from readiness.model.records import dataclass
from readiness.settings import (
    SETTINGS_FILENAME,
    Config,
    SettingsLayer,
    config_seen_from_directory,
    find_settings_file,
    load_config,
    lockable_settings,
)
from readiness.settings.effects import SettingsEffect, settings_effects
from readiness.settings.globs import normal_glob, prefixed_glob, problem_of_glob
from readiness.settings.layers import merge_settings, single_layer
from readiness.settings.nested import ConfigLoader, SettingsBelowRoot
from readiness.settings.peers import FileReader, PeerSettings, read_peer_settings, work_tree_reader

_OPTIONS_NOT_IN_SETTINGS_FILE = (
    "since",
    "jobs",
    "render",
    "strict_coverage",
    "helm_values",
    "context",
    "foreign_ignores",
    "purpose",
    "for_commit",
)


class OptionError(ValueError):
    """An option of `check` that cannot be used; the message names it and says what to do."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What a run was asked for, options and settings file together; an option beats the file.

    `exclude` are the globs of files and options, relative to what those of the files are, `exclude_options` those of the options as given.
    `effects` is what each file changed, `overruled_settings` the settings of files that options decide. `notices` are what
    there is to say of settings files that were not read, `peers` the settings of other linters.
    """

    profile: str
    select: tuple[str, ...]
    extend_select: tuple[str, ...]
    ignore: tuple[str, ...]
    exclude: tuple[str, ...]
    fail_on: str
    min_score: int | None
    checklists: tuple[str, ...]
    documents: bool | None
    rules: tuple[Path, ...]
    baseline: Path | None
    since: str | None
    jobs: int
    render: bool
    strict_coverage: bool
    helm_values: tuple[Path, ...]
    context: bool
    foreign_ignores: bool
    shellcheck: bool
    purpose: str
    for_commit: bool
    config: Config
    effects: tuple[SettingsEffect, ...] = ()
    exclude_options: tuple[str, ...] = ()
    overruled_settings: frozenset[str] = frozenset()
    notices: tuple[str, ...] = ()
    peers: tuple[PeerSettings, ...] = ()


class SettingsFiles(NamedTuple):
    """The settings at the root, and what loads those of the directories below where these are read (`load_below_root`)."""

    config: Config
    may_have_more_below: bool = True
    load_below_root: ConfigLoader | None = None
    read_at_revision: Callable[[str], FileReader] | None = None

    def below_root(self, settings: RunSettings, base_folder: Path | None, walked_base: Path | None) -> SettingsBelowRoot | None:
        """What reads the settings below the root as a walk comes by; None where no settings files are read.

        `walked_base` is where the walk has what `base_folder` is here: another one where an earlier tree is judged by the settings of today.
        """
        if not self.may_have_more_below:
            return None
        return SettingsBelowRoot(settings.config, base_folder or Path.cwd(), self.load_below_root, walked_base)

    def with_peers(self, settings: RunSettings, base_folder: Path | None) -> RunSettings:
        """The settings of a run with those of other linters at the root, where settings files are read and these count."""
        if not self.may_have_more_below or not settings.foreign_ignores:
            return settings
        below_root = SettingsBelowRoot(settings.config, base_folder or Path.cwd())
        display_folder = below_root.display_folder(below_root.root)
        reader = self.read_at_revision(settings.config.prefix) if self.read_at_revision else work_tree_reader(below_root.root, display_folder)
        peers, notices = read_peer_settings(reader)
        peers = tuple(one.without_locked(settings.config.locked_words) for one in peers)
        return replace(settings, peers=peers, notices=(*settings.notices, *notices))


@contextmanager
def settings_of_run(
    config_option: str | os.PathLike[str] | bool | Config, settings_reference: str | None = None, base_folder: Path | None = None
) -> Iterator[SettingsFiles]:
    """The settings of a run: those of the file named, and below it those of the tree, of its own files or of those at a revision."""
    if settings_reference is None:
        yield SettingsFiles(load_settings_of_run(config_option, base_folder), config_option is not False)
        return
    if config_option is False:
        raise OptionError("settings_from and no settings exclude each other: leave one of them out")
    if isinstance(config_option, Config):
        raise OptionError("settings_from takes the place of the tree's settings, and these are given; leave one of them out")
    callers = None if config_option is True else load_config(Path(config_option))
    if callers and set(callers.locked_words).issuperset(lockable_settings()):
        raise OptionError(
            f"settings_from can have no effect: {callers.source.path if callers.source else ''} locks all settings; leave one of them out"
        )
    from readiness.run.settings_of_revision import settings_at_revision

    with settings_at_revision(settings_reference) as (trees, files_at_revision):
        settings = single_layer(trees) if callers is None else merge_settings(callers, trees)
        if trees.source is None:
            settings = replace(settings, layers=(*settings.layers, SettingsLayer(f"{settings_reference}:{SETTINGS_FILENAME}", trees)))
        yield SettingsFiles(settings, load_below_root=files_at_revision.load_below_root, read_at_revision=files_at_revision.peer_file_reader)


def load_settings_of_run(config_option: str | os.PathLike[str] | bool | Config, base_folder: Path | None = None) -> Config:
    """The settings of a run: of the file named with the nearest one below it, of the nearest one, or none; or those of a file as it would be."""
    if isinstance(config_option, Config):
        return single_layer(config_seen_from_directory(config_option, base_folder or Path.cwd()))
    if config_option is False:
        return Config()
    found_path = find_settings_file(base_folder or Path.cwd())
    if config_option is True:
        return single_layer(_load_found_config(found_path, base_folder))
    named_path = Path(config_option)
    if found_path is None or found_path == named_path.resolve():
        return single_layer(load_config(named_path))
    callers = load_config(named_path, display_path=named_path.as_posix())
    return merge_settings(callers, _load_found_config(found_path, base_folder))


def _load_found_config(found_path: Path | None, base_folder: Path | None) -> Config:
    """The settings of a file that comes with the tree; none where there is no such file."""
    if found_path is None:
        return Config()
    base = (base_folder or Path.cwd()).resolve()
    display_path = os.path.relpath(found_path, base).replace(os.sep, "/")
    return config_seen_from_directory(load_config(found_path, display_path=display_path, is_named=False), base)


def merge_options(config: Config, *, checklists: Sequence[str] | None, **options: Any) -> RunSettings:
    """Options and settings files as one: an option that was given wins, lists of rules and words add up. Raises OptionError."""
    overruled_settings = _settings_overruled_by_options({**options, "checklists": checklists})
    config = _with_settled_choice(config, is_settled_by_options="profile" in overruled_settings)
    return RunSettings(
        profile=options["profile"] or config.profile,
        select=options["select"] or (() if options["profile"] else config.select),
        extend_select=(*config.extend_select, *options["extend_select"]),
        ignore=(*config.ignore, *options["ignore"]),
        exclude=(*config.exclude, *_exclude_globs_of_options(options["exclude"], config.prefix)),
        exclude_options=tuple(options["exclude"]),
        fail_on=options["fail_on"] or config.fail_on,
        min_score=config.min_score if options["min_score"] is None else options["min_score"],
        checklists=tuple(config.checklists if checklists is None else checklists),
        documents=config.documents if options["documents"] is None else options["documents"],
        rules=(*config.rules, *options["rules"]),
        baseline=None if options["baseline"] is False else options["baseline"] or config.baseline,
        **{key: options[key] for key in _OPTIONS_NOT_IN_SETTINGS_FILE if key != "foreign_ignores"},
        foreign_ignores=options["foreign_ignores"] and config.foreign_ignores and "foreign-ignores" not in config.locked_words,
        shellcheck=config.shellcheck if options["shellcheck"] is None else options["shellcheck"],
        config=config,
        effects=settings_effects(config.layers, overruled_settings),
        overruled_settings=overruled_settings,
    )


def with_settings_below_root(settings: RunSettings, settings_below_root: SettingsBelowRoot) -> RunSettings:
    """The settings of a run with those of the files below the root that a walk came by."""
    settings = replace(settings, notices=(*settings.notices, *settings_below_root.notices))
    if not settings_below_root.config_by_folder:
        return settings
    config = _with_settled_choice(settings_below_root.merged(), is_settled_by_options="profile" in settings.overruled_settings)
    exclude = tuple(dict.fromkeys((*settings.exclude, *config.exclude)))
    return replace(settings, config=config, exclude=exclude, effects=settings_effects(config.layers, settings.overruled_settings))


def _with_settled_choice(config: Config, *, is_settled_by_options: bool) -> Config:
    """Settings whose entries for some paths choose no profile and no `select`, where what stands above them does."""
    if not is_settled_by_options and not config.is_choice_settled:
        return config
    path_rules = tuple(one if one.is_callers and not is_settled_by_options else one._replace(profile=None, select=None) for one in config.path_rules)
    return replace(config, path_rules=path_rules, is_choice_settled=True)


def _exclude_globs_of_options(patterns: Sequence[str], prefix: str) -> tuple[str, ...]:
    """The globs of `--exclude`, which are relative to the working directory, as those of the settings. Raises OptionError."""
    for pattern in patterns:
        if problem := problem_of_glob(pattern, "the working directory"):
            raise OptionError(f"exclude: {problem}")
    return tuple(prefixed_glob(prefix, normal_glob(one)) for one in patterns)


def _settings_overruled_by_options(options: Mapping[str, Any]) -> frozenset[str]:
    """The settings that a file may give and that options decide."""
    given_options = {name.replace("_", "-") for name, value in options.items() if value is not None and value != ""}
    overruled = {"fail-on", "min-score", "checklists", "documents", "baseline", "shellcheck"} & given_options
    if options["select"] or "profile" in given_options:
        overruled |= {"select", "profile"}
    return frozenset(overruled)
