"""The options of `check` that say what standard output shows. One that cannot take effect there is refused, never ignored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from readiness.reports.view import View

SEVERITY_CHOICES = ("critical", "high", "medium", "low", "info")
CONFIDENCE_CHOICES = ("high", "medium", "low")
_VIEW_OPTIONS = (
    click.option("--min-severity", type=click.Choice(SEVERITY_CHOICES), help="Show no finding less severe; the gate counts all of them."),
    click.option("--min-confidence", type=click.Choice(CONFIDENCE_CHOICES), help="Show no finding of a rule less certain; the gate counts all."),
    click.option("--sort", type=click.Choice(("place", "severity")), help="The order of what is shown (default place)."),
    click.option("--max", "max_findings", type=click.IntRange(min=1), metavar="N", help="Show at most N findings, and say how many more there are."),
    click.option("--statistics", is_flag=True, help="Count the findings by rule instead of showing each; with --format json, count them too."),
)
# Where each has an effect. A report for another program lacks nothing that was found: it would close alerts that are still open.
_FORMATS_BY_OPTION: dict[str, tuple[str, frozenset[str]]] = {
    "min_severity": ("--min-severity", frozenset({"terminal"})),
    "min_confidence": ("--min-confidence", frozenset({"terminal"})),
    "sort": ("--sort", frozenset({"terminal"})),
    "max_findings": ("--max", frozenset({"terminal"})),
    "statistics": ("--statistics", frozenset({"terminal", "json"})),
    "explain_score": ("--explain-score", frozenset({"terminal", "markdown"})),
    "quiet": ("-q", frozenset({"terminal", "github", "markdown", "sarif", "junit", "codequality", "rdjson"})),
    "verbose": ("-v", frozenset({"terminal", "json", "github", "markdown", "sarif"})),
}
_EXCLUSIVE_OPTIONS = (
    ("-q", "quiet", "-v", "verbose"),
    ("-q", "quiet", "--statistics", "statistics"),
    ("-q", "quiet", "--explain-score", "explain_score"),
    ("--sort", "sort", "--statistics", "statistics"),
    ("--max", "max_findings", "--statistics", "statistics"),
)


def with_view_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command with the options that say what is shown."""
    for add_option in reversed(_VIEW_OPTIONS):
        command = add_option(command)
    return command


def format_of_standard_output(flags: Mapping[str, Any], format_and_path_pairs: Sequence[tuple[str, str]]) -> str:
    """The format that standard output gets."""
    return flags["format_"] or next((name for name, path in format_and_path_pairs if path == "-"), None) or "terminal"


def refuse_options_without_effect(flags: Mapping[str, Any], stdout_format: str) -> None:
    """Raise UsageError for an option of what is shown that the format of standard output, or another option, leaves without effect."""
    for first_option, first_flag, second_option, second_flag in _EXCLUSIVE_OPTIONS:
        if flags[first_flag] and flags[second_flag]:
            raise click.UsageError(f"{first_option} and {second_option} exclude each other")
    for flag, (option, formats) in _FORMATS_BY_OPTION.items():
        if flags[flag] and stdout_format not in formats:
            raise click.UsageError(f"{option} has no effect on --format {stdout_format}, only on {', '.join(sorted(formats))}; leave it out")
    if flags["color"] == "always" and stdout_format != "terminal":
        raise click.UsageError(f"--color always has no effect on --format {stdout_format}, only on terminal; leave it out")


def view_of_flags(flags: Mapping[str, Any]) -> View:
    """What the flags ask to be shown."""
    from readiness.model import Confidence, Severity
    from readiness.reports.view import View

    return View(
        min_severity=Severity[(flags["min_severity"] or "info").upper()],
        min_confidence=Confidence[(flags["min_confidence"] or "low").upper()],
        sort=flags["sort"] or "place",
        max_findings=flags["max_findings"],
        statistics=flags["statistics"],
    )
