"""The command line: flags in, reports and an exit code out."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from readiness.cli import adoption, commands, completion
from readiness.cli.console import (
    EXIT_FAILED,
    EXIT_NOT_ASSESSED,
    EXIT_PASSED,
    CommandError,
    call_or_exit_with_error,
    print_notices,
)
from readiness.cli.program import CliProgram, end_of_readers_ignored
from readiness.cli.run_options import options_of_api
from readiness.cli.view_options import format_of_standard_output, refuse_options_without_effect, view_of_flags, with_view_options
from readiness.model.crash import raising_file_and_line
from readiness.reports import REPORT_FORMATS
from readiness.run import deadline
from readiness.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from readiness.verdict.report import Report

FAIL_ON_CHOICES = ("critical", "high", "medium", "low", "info", "never")
_FORMATS_OF_FINDINGS_ALONE = frozenset({"codequality", "rdjson"})  # they have no place for what else there is to say
_ERASE_LINE = "\r\x1b[K"


@click.group(
    cls=CliProgram,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="readiness")
def main() -> None:
    """Hold deployment files against production checklists.

    Reads Dockerfiles, compose files, nginx configs, Kubernetes manifests and CI workflows, tells what breaks in
    production at its exact place, and gives a score that can be recomputed.

    \b
    Examples:
      readiness check ./deploy
      readiness explain k8s/liveness-probe-missing
      readiness rules --like DL3007
    """


@main.command(short_help="Judge files and directories.")
@click.argument("paths", nargs=-1, type=click.Path())
@click.option(
    "--format",
    "format_",
    type=click.Choice(REPORT_FORMATS),
    help="What standard output shows (default terminal).",
)
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT=FILE",
    help="Write a report to a file, or to standard output (-); repeatable.",
)
@click.option(
    "--select",
    multiple=True,
    metavar="WORD",
    shell_complete=completion.complete_selector,
    help="Narrow the profile to a prefix or category; or ask a rule by its id, or ALL, whatever the profile.",
)
@click.option(
    "--extend-select",
    multiple=True,
    metavar="WORD",
    shell_complete=completion.complete_selector,
    help="Rule, prefix or category to ask besides the profile.",
)
@click.option("--ignore", multiple=True, metavar="WORD", shell_complete=completion.complete_selector, help="Rule, prefix or category to leave out.")
@click.option("--exclude", "exclude_globs", multiple=True, metavar="GLOB", help="Paths to leave out, named ones too, from the working directory.")
@click.option(
    "--profile", metavar="NAME", shell_complete=completion.complete_profile, help="recommended (default), strict, pss-baseline, pss-restricted."
)
@click.option(
    "--fail-on",
    type=click.Choice(FAIL_ON_CHOICES),
    help="Fail on an open finding this bad (default high).",
)
@click.option("--min-score", type=click.IntRange(0, 100), help="Fail under this score (by algorithm 2).")
@click.option("--config", type=click.Path(), help="A settings file that counts before the nearest .readiness.yaml, and may lock it.")
@click.option("--settings-from", metavar="REF", help="Read .readiness.yaml and what it names from a git revision, not from the files here.")
@click.option("--no-config", is_flag=True, help="Read no settings file.")
@click.option(
    "--rules",
    "rule_folders",
    multiple=True,
    type=click.Path(),
    help="A directory of custom rule files.",
)
@click.option("--baseline", type=click.Path(), help="Findings in this baseline file do not count.")
@click.option("--since", metavar="REF", help="Findings that stood where this branch left REF do not count.")
@click.option(
    "--documents/--no-documents",
    default=None,
    help="Judge Markdown met on a walk (default: if nothing else).",
)
@click.option(
    "--render/--no-render",
    default=True,
    help="Render Helm charts and build kustomizations (default: yes, with what is installed).",
)
@click.option(
    "--strict-coverage",
    is_flag=True,
    help="Fail where something was not judged, for whatever reason: absent, remote, out of the tree, over a limit.",
)
@click.option(
    "--helm-values",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False),
    help="Render charts with this values file too; several count together.",
)
@click.option(
    "--no-context",
    is_flag=True,
    help="Read nothing around PATHS: joins see no other file of the repository.",
)
@click.option(
    "--for-commit",
    is_flag=True,
    help="For hooks: leave out what git does not track, and tell nothing of files that are not given.",
)
@click.option(
    "--shellcheck/--no-shellcheck",
    default=None,
    help="Ask ShellCheck about the scripts in images and pipelines.",
)
@click.option(
    "--purpose",
    type=click.Choice(["production"]),
    default=None,
    help="Ask production's questions of all files, whatever they seem to be for.",
)
@click.option(
    "--foreign-ignores/--no-foreign-ignores",
    default=True,
    help="Let comments for other linters count (hadolint, zizmor, checkov ...; default: yes).",
)
@click.option(
    "--checklist",
    "checklists",
    multiple=True,
    metavar="NAME",
    shell_complete=completion.complete_checklist,
    help="Show a checklist; it counts in coverage.",
)
@click.option(
    "--today",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="The day for which to judge: waivers and releases end by it (default: by the clock).",
)
@click.option("--stdin-filename", metavar="NAME", help="The file that standard input (-) is judged as; nothing of that name is read.")
@click.option("--no-cache", is_flag=True, help="Neither read nor write the cache of results.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes to judge files with.",
)
@click.option("--timeout", type=float, metavar="SECONDS", help="Give the run up after this time by the clock, with exit code 2.")
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", show_default=True)
@with_view_options
@click.option("--show-settings", metavar="PATH", help="Print the settings that hold for PATH, each with where it comes from, and end.")
@click.option("--show-files", is_flag=True, help="List every file, and why it is judged or not, and end.")
@click.option("--explain-score", is_flag=True, help="Print the sum that makes the score, and that of each service.")
@click.option("--allow-empty", is_flag=True, help="Nothing to judge is no error (for hooks).")
@click.option("--exit-zero", is_flag=True, help="Exit 0 whatever the gate says.")
@click.option("-q", "--quiet", is_flag=True, help="Only findings that fail the gate, and the gate.")
@click.option("-v", "--verbose", is_flag=True, help="Every file, suppressed findings and timings too.")
def check(**flags: Any) -> None:
    """Judge files and directories (default: the working directory; - reads manifests from standard input).

    Exit code 0: the gate passed. 1: it failed. 2: the tool could not do its work, or too little was there to judge.

    \b
    Examples:
      readiness check
      readiness check deploy/ Dockerfile --fail-on medium
      readiness check --select k8s/ .                  (the profile's rules for Kubernetes alone)
      readiness check --extend-select k8s/image-digest-missing --exclude 'legacy/*' .
      readiness check --format github --output json=readiness.json .
      kustomize build overlays/prod | readiness check -
      readiness check - --stdin-filename docker/Dockerfile.prod < draft
    """
    if flags["config"] and flags["no_config"]:
        raise click.UsageError("--config and --no-config exclude each other")
    if flags["settings_from"] and flags["no_config"]:
        raise click.UsageError("--settings-from and --no-config exclude each other")
    if flags["show_settings"] is not None or flags["show_files"]:
        from readiness.cli.show import show_instead_of_report

        show_instead_of_report(flags, options_of_api(flags))
        return
    format_and_path_pairs = [parse_output_option(value) for value in flags["outputs"]]
    if flags["timeout"] is not None and (timeout_problem := deadline.timeout_error_text(flags["timeout"])):
        raise click.UsageError(f"--{timeout_problem}")
    refuse_options_without_effect(flags, format_of_standard_output(flags, format_and_path_pairs))
    refuse_outputs_in_one_place(format_and_path_pairs, has_format=flags["format_"] is not None)
    report = call_or_exit_with_error(lambda: report_for_options(flags))
    with end_of_readers_ignored():
        is_findings_alone = not _FORMATS_OF_FINDINGS_ALONE.isdisjoint({flags["format_"], *(name for name, _ in format_and_path_pairs)})
        told_notices = (one for one in report.notices if one != report.confinement_notice or is_findings_alone)
        print_notices([*told_notices, *notices_of_environment(flags)])
    with end_of_readers_ignored():
        call_or_exit_with_error(lambda: write_reports(report, format_and_path_pairs, flags))
        if flags["format_"] in _FORMATS_OF_FINDINGS_ALONE or any(
            name in _FORMATS_OF_FINDINGS_ALONE for name, path in format_and_path_pairs if path == "-"
        ):
            print_notices([gate_line(report)])
    if report.crashed:
        sys.exit(EXIT_NOT_ASSESSED)
    if not report.gate.was_evaluated and not flags["allow_empty"]:
        raise CommandError(f"not assessed: {report.gate.reason}")
    is_passed = report.gate.passed or not report.gate.was_evaluated
    sys.exit(EXIT_PASSED if flags["exit_zero"] or is_passed else EXIT_FAILED)


def gate_line(report: Report) -> str:
    """What other formats end with: the gate, and what settings of the tree changed."""
    from readiness.redaction import Redactor
    from readiness.reports import digest

    return digest.gate_text(report, Redactor(report.hidden))


def parse_output_option(value: str) -> tuple[str, str]:
    """(format, file) of an --output."""
    format_name, equals_sign, output_path = value.partition("=")
    if not equals_sign or not output_path or format_name not in REPORT_FORMATS:
        raise click.UsageError(f"--output is FORMAT=FILE with one of {', '.join(REPORT_FORMATS)}, not {value!r}")
    return format_name, output_path


def notices_of_environment(flags: dict[str, Any]) -> list[str]:
    """What somebody who runs this in GitHub Actions may not know: which format makes annotations."""
    is_unasked = flags["format_"] is None and not flags["outputs"]
    if is_unasked and os.environ.get("GITHUB_ACTIONS") == "true":
        return ["this runs in GitHub Actions: --format github annotates the lines of a pull request"]
    return []


def refuse_outputs_in_one_place(format_and_path_pairs: Sequence[tuple[str, str]], *, has_format: bool) -> None:
    """Raise UsageError where two reports would be written to one file, or to standard output."""
    paths = [path if path == "-" else os.path.realpath(path) for _, path in format_and_path_pairs]
    if has_format and "-" in paths:
        raise click.UsageError("--format and --output FORMAT=- both write to standard output; give one of them")
    for number, (path, (_, written_path)) in enumerate(zip(paths, format_and_path_pairs, strict=True)):
        if path in paths[:number]:
            where = "standard output" if path == "-" else written_path
            raise click.UsageError(f"two reports cannot be written to {where}; name another file for one of them")


def report_for_options(flags: dict[str, Any]) -> Report:
    """The report that a command's flags ask for; nothing of the line of progress is left when it is there, or when it cannot be made."""
    progress_line = ProgressLine() if sys.stderr.isatty() else None
    try:
        with deadline.end_after(flags["timeout"]):
            return _report_with_progress(flags, progress_line.show if progress_line else None)
    finally:
        if progress_line:
            progress_line.erase()


def _report_with_progress(flags: dict[str, Any], show_progress: Callable[[int, int], None] | None) -> Report:
    from readiness import api

    paths: Sequence[str] = flags["paths"] or (".",)
    stdin_bytes = read_standard_input(api.STDIN_LIMIT + 1) if "-" in paths else None
    return api.check(
        [path for path in paths if path != "-"],
        stdin=stdin_bytes,
        cache=not flags["no_cache"],
        timing=flags["verbose"],
        progress=show_progress,
        **options_of_api(flags),
    )


def read_standard_input(limit: int) -> bytes:
    """What standard input holds, up to a limit in bytes."""
    try:
        return sys.stdin.buffer.read(limit)
    except OSError as error:
        error_text = (error.strerror or "error").lower()
        raise CommandError(f"standard input cannot be read: {error_text}; pipe manifests in, or name files") from None


class ProgressLine:
    """A line on standard error for those who wait longer than a second."""

    def __init__(self) -> None:
        self._start_time = self._shown_time = time.monotonic()
        self._is_shown = False

    def show(self, done: int, total: int) -> None:
        """Write how many rules of how many are done, at most ten times a second."""
        current_time = time.monotonic()
        if current_time - self._start_time > 1 and current_time - self._shown_time > 0.1:
            self._shown_time, self._is_shown = current_time, True
            self._write(f"{_ERASE_LINE}{done} of {total} rules")

    def erase(self) -> None:
        """Take the line away, where there is one."""
        if self._is_shown:
            self._is_shown = False
            self._write(_ERASE_LINE)

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.write(text)
            sys.stderr.flush()


def write_reports(report: Report, outputs: Sequence[tuple[str, str]], flags: dict[str, Any]) -> None:
    """The report in every format that was asked for."""
    from readiness import reports

    stdout_format = format_of_standard_output(flags, outputs)
    crashed_formats: list[str] = []
    for format_name, output_path in outputs:
        if output_path == "-":
            continue
        try:
            with crash_of_format(format_name, crashed_formats), Path(output_path).open("w", encoding="utf-8", newline="\n") as output_file:
                reports.write_report(format_name, report, output_file, reports.ReportOptions(color="never"))
        except OSError as error:
            error_text = (error.strerror or "error").lower()
            raise CommandError(f"{output_path}: cannot be written: {error_text}") from None
    report_options = reports.ReportOptions(
        color=flags["color"],
        quiet=flags["quiet"],
        verbose=flags["verbose"],
        explain=flags["explain_score"],
        view=view_of_flags(flags),
    )
    with crash_of_format(stdout_format, crashed_formats):
        reports.write_report(stdout_format, report, sys.stdout, report_options)
    if crashed_formats:
        raise CommandError(f"the report could not be written whole: {'; '.join(crashed_formats)}; please report it")


@contextlib.contextmanager
def crash_of_format(format_name: str, crashed_formats: list[str]) -> Iterator[None]:
    """Keep a crash of one format from ending those after it; what the system or the caller can mend goes on."""
    try:
        yield
    except (MemoryError, OSError, click.ClickException):
        raise
    except Exception as error:
        crashed_formats.append(f"{format_name} crashed ({type(error).__name__} in {raising_file_and_line(error)})")


for command in (
    commands.explain,
    commands.list_rules,
    commands.show_checklist,
    commands.list_facts,
    adoption.baseline_command(check, report_for_options),
    adoption.diff_command(check, report_for_options),
    adoption.waive,
    commands.print_completion,
    commands.init,
):
    main.add_command(command)
