"""What stands before a run: its options verified and joined with the settings files, and the files that it is about found."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from readiness import files
from readiness.loading import discover
from readiness.loading.context import add_context
from readiness.loading.standard_input import add_standard_input
from readiness.programs.budget import one_run_budget
from readiness.run.focus import JudgedTree, tracked_files_of_run, tree_of_run
from readiness.run.run_settings import OptionError, RunSettings, merge_options, settings_of_run, with_settings_below_root
from readiness.settings import ConfigError
from readiness.settings.nested import SettingsBelowRoot


@contextmanager
def settings_and_files(
    paths: Sequence[str | os.PathLike[str]], base: Path | None, stdin: bytes | None, options: dict[str, Any]
) -> Iterator[tuple[discover.DiscoveredFiles, RunSettings]]:
    """The files and the settings of a run, for as long as what the settings name is there, within one budget. Raises one of USER_ERRORS."""
    config, settings_from, purpose, baseline = options["config"], options["settings_from"], options["purpose"], options["baseline"]
    names = ("select", "extend_select", "ignore", "exclude", "profile", "rules", "baseline", "since", "helm_values", "checklists")
    _refuse_empty_options(paths=paths, config=config, settings_from=settings_from, **{name: options[name] for name in names})
    _refuse_unreadable_values_files(options["helm_values"])
    if options["stdin_filename"] and stdin is None:
        raise OptionError("stdin_filename names standard input, which is not among the paths: give - as one of them")
    if purpose not in {"", "production"}:
        raise OptionError(f"purpose is {purpose[:80]!r}; only production is asked of all files")
    asked = {name: value for name, value in options.items() if name not in {"config", "settings_from", "at", "stdin_filename"}}
    asked |= {name: tuple(asked[name]) for name in ("select", "extend_select", "exclude", "ignore")}
    asked |= {name: tuple(Path(one) for one in asked[name]) for name in ("rules", "helm_values")}
    asked["baseline"] = Path(baseline) if baseline and baseline is not True else False if baseline is False else None
    with one_run_budget(), settings_of_run(config, settings_from, base) as settings_files, tree_of_run(paths, options["at"], base) as tree:
        settings = settings_files.with_peers(merge_options(settings_files.config, **asked), base)
        _refuse_missing_files_of_settings(settings)
        yield _discover(tree, settings, settings_files.below_root(settings, base, tree.base), stdin, options["stdin_filename"])


def _discover(
    tree: JudgedTree,
    settings: RunSettings,
    below_root: SettingsBelowRoot | None,
    stdin: bytes | None,
    stdin_filename: str,
) -> tuple[discover.DiscoveredFiles, RunSettings]:
    """The files of a run, with those around them and with standard input where they are asked for; and its settings, with those of directories."""
    discovered = discover.discover_files(
        tree.paths,
        settings.exclude,
        working_directory=tree.base,
        glob_prefix=settings.config.prefix,
        settings_below_root=below_root,
        tracked=tracked_files_of_run(tree.base) if settings.for_commit else None,
    )
    if below_root is not None:
        settings = with_settings_below_root(settings, below_root)
    if settings.context:
        add_context(discovered, tree.paths)
    if stdin is not None:
        add_standard_input(discovered, stdin, stdin_filename)
    return discovered, settings


def _refuse_missing_files_of_settings(settings: RunSettings) -> None:
    """Raise ConfigError where settings name a directory of rules, or a baseline that counts, and it is not there."""
    config = settings.config
    for rules_folder in config.rules:
        if not rules_folder.is_dir():
            raise ConfigError(config.place_of_path("rules", rules_folder), "there is no such directory; make it, or take it out of rules")
    baseline = config.baseline
    if baseline is not None and settings.baseline == baseline and "baseline" not in settings.overruled_settings and not os.path.lexists(baseline):
        raise ConfigError(config.place_of_path("baseline", baseline), "there is no such file; `readiness baseline` writes it")


def _refuse_empty_options(**options: Any) -> None:
    """Raise OptionError for an option with an empty value: a variable that is not set must not pass for no option."""
    for option_name, option_value in options.items():
        option_values = option_value if isinstance(option_value, list | tuple) else (option_value,)
        if any(isinstance(one, str) and not one.strip() for one in option_values):
            raise OptionError(f"{option_name} is empty: give it a value, or leave it out")


def _refuse_unreadable_values_files(values_files: Sequence[str | os.PathLike[str]]) -> None:
    """Raise OptionError for a values file that was given and cannot be read."""
    for values_file in values_files:
        try:
            read_error = "" if files.decode_text(files.read_regular_file(Path(values_file), files.MAX_JUDGED_FILE_BYTES)) is not None else "no text"
        except OSError as error:
            read_error = files.os_error_text_without_path(error)
        if read_error:
            raise OptionError(f"helm_values: {os.fspath(values_file)} cannot be read: {read_error}")
