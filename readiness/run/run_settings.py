"""What a run is asked for: the settings files and the options of the command line as one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from readiness import files
from readiness.model.records import dataclass
from readiness.run import deadline
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
from readiness.settings.layers import merge_settings, single_layer

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
    """What a run was asked for, options and settings file together; an option beats the file. `effects` is what each file changed."""

    profile: str
    select: tuple[str, ...]
    ignore: tuple[str, ...]
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


def refuse_empty_options(**options: Any) -> None:
    """Raise OptionError for an option with an empty value: a variable that is not set must not pass for no option."""
    for option_name, option_value in options.items():
        option_values = option_value if isinstance(option_value, list | tuple) else (option_value,)
        if any(isinstance(one, str) and not one.strip() for one in option_values):
            raise OptionError(f"{option_name} is empty: give it a value, or leave it out")


def refuse_unusable_options(
    values_files: Sequence[str | os.PathLike[str]], timeout: float | None, purpose: str, stdin: bytes | None, stdin_filename: str
) -> None:
    """Raise OptionError for a values file that cannot be read, for an unusable timeout or purpose, and for a name of nothing."""
    for values_file in values_files:
        try:
            read_error = "" if files.decode_text(files.read_regular_file(Path(values_file), files.MAX_JUDGED_FILE_BYTES)) is not None else "no text"
        except OSError as error:
            read_error = files.os_error_text_without_path(error)
        if read_error:
            raise OptionError(f"helm_values: {os.fspath(values_file)} cannot be read: {read_error}")
    if timeout is not None and (timeout_problem := deadline.timeout_error_text(timeout)):
        raise OptionError(timeout_problem)
    if stdin_filename and stdin is None:
        raise OptionError("stdin_filename names standard input, which is not among the paths: give - as one of them")
    if purpose not in {"", "production"}:
        raise OptionError(f"purpose is {purpose[:80]!r}; only production is asked of all files")


@contextmanager
def settings_of_run(
    config_option: str | os.PathLike[str] | bool | Config, settings_reference: str | None = None, base_folder: Path | None = None
) -> Iterator[Config]:
    """The settings of a run: those of the file named, and below it those of the tree, of its own file or of that at a revision."""
    if settings_reference is None:
        yield load_settings_of_run(config_option, base_folder)
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

    with settings_at_revision(settings_reference) as trees:
        settings = single_layer(trees) if callers is None else merge_settings(callers, trees)
        if trees.source is None:
            settings = replace(settings, layers=(*settings.layers, SettingsLayer(f"{settings_reference}:{SETTINGS_FILENAME}", trees)))
        yield settings


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
    return config_seen_from_directory(load_config(found_path, is_named=False), base_folder or Path.cwd())


def merge_options(config: Config, *, checklists: Sequence[str] | None, **options: Any) -> RunSettings:
    """Options and settings files as one: an option that was given wins, lists of rules and words add up."""
    return RunSettings(
        profile=options["profile"] or config.profile,
        select=options["select"] or (() if options["profile"] else config.select),
        ignore=(*config.ignore, *options["ignore"]),
        fail_on=options["fail_on"] or config.fail_on,
        min_score=config.min_score if options["min_score"] is None else options["min_score"],
        checklists=tuple(config.checklists if checklists is None else checklists),
        documents=config.documents if options["documents"] is None else options["documents"],
        rules=(*config.rules, *options["rules"]),
        baseline=None if options["baseline"] is False else options["baseline"] or config.baseline,
        **{key: options[key] for key in _OPTIONS_NOT_IN_SETTINGS_FILE if key != "foreign_ignores"},
        foreign_ignores=options["foreign_ignores"] and "foreign-ignores" not in config.locked_words,
        shellcheck=config.shellcheck if options["shellcheck"] is None else options["shellcheck"],
        config=config,
        effects=settings_effects(config.layers, _settings_overruled_by_options({**options, "checklists": checklists})),
    )


def _settings_overruled_by_options(options: Mapping[str, Any]) -> frozenset[str]:
    """The settings that a file may give and that options decide."""
    given_options = {name.replace("_", "-") for name, value in options.items() if value is not None and value != ""}
    overruled = {"fail-on", "min-score", "checklists", "documents", "baseline", "shellcheck"} & given_options
    if options["select"] or "profile" in given_options:
        overruled |= {"select", "profile"}
    return frozenset(overruled)
