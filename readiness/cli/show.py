"""What `check` prints in place of a report: the settings of a path, and what becomes of each file."""

from __future__ import annotations

from typing import Any

import click

from readiness.cli.console import call_or_exit_with_error, one_safe_line

_WORD_BY_FLAG_WITHOUT_EFFECT = {
    "format_": "--format",
    "outputs": "--output",
    "explain_score": "--explain-score",
    "exit_zero": "--exit-zero",
    "quiet": "--quiet",
    "verbose": "--verbose",
    "min_severity": "--min-severity",
    "min_confidence": "--min-confidence",
    "sort": "--sort",
    "max_findings": "--max",
    "statistics": "--statistics",
    "allow_empty": "--allow-empty",
    "paths": "a path beside that of the option",
}


def show_instead_of_report(flags: dict[str, Any], options: dict[str, Any]) -> None:
    """Print what settings hold, or what becomes of each file. Raises UsageError for options that would have no effect."""
    from readiness import api
    from readiness.run.shown_settings import PRECEDENCE_TEXT

    option = "--show-files" if flags["show_files"] else "--show-settings"
    for name, word in _WORD_BY_FLAG_WITHOUT_EFFECT.items():
        if flags[name] and not (name == "paths" and flags["show_files"]):
            raise click.UsageError(f"{word} has no effect with {option}; leave it out")
    if flags["show_files"] and flags["show_settings"] is not None:
        raise click.UsageError("--show-files and --show-settings exclude each other")
    if flags["show_files"]:
        listed = call_or_exit_with_error(lambda: api.files_of_paths(flags["paths"] or (".",), **options))
        lines = [f"{one.path}: {one.status}{f': {one.reason}' if one.reason else ''}" for one in listed]
    else:
        shown = call_or_exit_with_error(lambda: api.settings_of_path(flags["show_settings"], **options))
        lines = [f"# {PRECEDENCE_TEXT}", *(f"{one.name}: {one.value}  # {one.place}" for one in shown)]
    for line in lines:
        click.echo(one_safe_line(line))
