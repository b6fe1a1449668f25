"""The commands by which a project that has findings starts: what it has is written down, and only what is new counts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from readiness.cli.console import EXIT_FAILED, CommandError, call_or_exit_with_error, one_safe_line, print_notices, replace_file
from readiness.cli.program import StrictCommand
from readiness.cli.starter import BASELINE_FILENAME

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable, Iterable, Mapping

    from readiness.model import Finding
    from readiness.verdict.difference import ComparedReport, Difference
    from readiness.verdict.report import Report

# What of the options of `check` says what is judged, and by what; the others say what is shown, and what passes.
OPTIONS_OF_RUNS = frozenset(
    {
        "paths",
        "select",
        "extend_select",
        "ignore",
        "exclude_globs",
        "profile",
        "config",
        "settings_from",
        "no_config",
        "rule_folders",
        "documents",
        "render",
        "helm_values",
        "no_context",
        "shellcheck",
        "purpose",
        "foreign_ignores",
        "today",
        "jobs",
        "timeout",
    }
)
MAX_REPORT_BYTES = 200 << 20  # of a JSON report
MAX_NAMED_FINDINGS = 20  # new ones that --ratchet names


def baseline_command(check: click.Command, make_report: Callable[[dict[str, Any]], Report]) -> click.Command:
    """The command `baseline`, with those options of `check` that say what is judged."""

    def baseline(*, output: str | None, prune: bool, ratchet: bool, **given: Any) -> None:
        """Write today's findings down, so that only new ones count. It is written to the file that the settings name as their baseline.

        --prune takes out what is fixed and takes nothing in. --ratchet does that too, and fails where something is new: with it a baseline
        only ever shrinks.

        \b
        Examples:
          readiness baseline . && readiness check --baseline .readiness-baseline.json .
          readiness baseline --prune
          readiness baseline --ratchet
        """
        if prune and ratchet:
            raise click.UsageError("--prune and --ratchet exclude each other: --ratchet prunes, too")
        refuse_settings_twice(given)
        config_option = False if given["no_config"] else given["config"] or True
        in_settings = None if given["settings_from"] else call_or_exit_with_error(lambda: baseline_in_settings(config_option))
        file_name = output or in_settings or BASELINE_FILENAME
        is_update = prune or ratchet
        if is_update and not os.path.lexists(file_name):
            raise CommandError(f"{file_name}: there is no such baseline; `readiness baseline` writes one")
        flags = flags_of_check(check, {**given, "baseline": file_name if is_update else False, "no_cache": True})
        report = call_or_exit_with_error(lambda: make_report(flags))
        print_notices(one for one in report.notices if not (is_update and file_name in one))
        refuse_unassessed(report)
        (_update if is_update else _write)(report, file_name, is_ratchet=ratchet, is_in_settings=in_settings == file_name)

    command = click.command("baseline", cls=StrictCommand, short_help="Write today's findings down.")(baseline)
    command.params = [
        *options_of_runs(check),
        click.Option(["--output"], metavar="FILE", help=f"The file to write (default: that of the settings, else {BASELINE_FILENAME})."),
        click.Option(["--prune"], is_flag=True, help="Take out what is fixed; take nothing in."),
        click.Option(["--ratchet"], is_flag=True, help="Take out what is fixed; exit 1 where something is new."),
    ]
    return command


def diff_command(check: click.Command, make_report: Callable[[dict[str, Any]], Report]) -> click.Command:
    """The command `diff`, with those options of `check` that say what is judged."""

    def diff(*, since: str | None, to: str | None, reports: tuple[str, str] | None, format_: str, fail_on: str | None, **given: Any) -> None:
        """Tell which findings are new, fixed and moved to another file against a revision, and the score before and after.

        PATHs are judged as they are and as they were. The work tree is held against where this branch left REF, or with --to another branch
        against where that left it, both by the settings of today; or a report against an earlier one, both written by --output json=FILE. What
        is suppressed counts as not there.

        Exit code 0: nothing that is new fails. 1: something is. 2: it could not be told.

        \b
        Examples:
          readiness diff --since origin/main
          readiness diff --since v1.0 --to v1.1 deploy/
          readiness diff --reports before.json after.json --format markdown
        """
        if (since is None) == (reports is None):
            raise click.UsageError("give either --since REF or --reports BEFORE AFTER")
        if reports is not None:
            refuse_options_without_effect(check, {**given, "to": to})
            result, gate_fail_on = _difference_of_files(*reports), fail_on or "high"
        else:
            refuse_settings_twice(given)
            flags = flags_of_check(check, {**given, "baseline": False, "no_cache": True, "fail_on": fail_on})
            result, gate_fail_on = _difference_of_revisions(flags, str(since), to, make_report)
        _print_difference(result, format_)
        if result.failing(gate_fail_on):
            raise click.exceptions.Exit(EXIT_FAILED)

    command = click.command("diff", cls=StrictCommand, short_help="What is new, fixed and moved since a revision.")(diff)
    command.params = [
        *options_of_runs(check),
        click.Option(["--since"], metavar="REF", help="The revision that a branch left."),
        click.Option(["--to"], metavar="REF", help="Judge this revision in place of the work tree."),
        click.Option(["--reports"], nargs=2, metavar="BEFORE AFTER", help="Two JSON reports in place of revisions."),
        click.Option(["--format", "format_"], type=click.Choice(("terminal", "json", "markdown")), default="terminal", show_default=True),
        next(one for one in check.params if one.name == "fail_on"),
    ]
    return command


def read_json_report(name: str) -> ComparedReport:
    """A report that was written with --format json. Raises CommandError."""
    import json

    from readiness import files
    from readiness.verdict import difference

    try:
        return difference.compared_json_report(json.loads(files.read_regular_file(Path(name), MAX_REPORT_BYTES)), name)
    except OSError as error:
        raise CommandError(f"{name}: cannot be read: {files.os_error_text_without_path(error)}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise CommandError(f"{name}: this is no report of version 1; `readiness check --format json` writes one") from None


def refuse_options_without_effect(check: click.Command, given: Mapping[str, Any]) -> None:
    """Raise UsageError for what says what to judge where two reports say that."""
    defaults = {**flags_of_check(check, {}), "to": None}
    name_by_parameter = {one.name: one.opts[0] for one in options_of_runs(check)} | {"to": "--to", "paths": "PATH"}
    for parameter, value in given.items():
        if value != defaults[parameter]:
            raise click.UsageError(f"{name_by_parameter[parameter]} can have no effect with --reports: the reports say what was judged")


def _difference_of_files(before_name: str, after_name: str) -> Difference:
    from readiness.verdict.difference import compare_reports

    return compare_reports(read_json_report(before_name), read_json_report(after_name))


def _difference_of_revisions(
    flags: dict[str, Any], since: str, to: str | None, make_report: Callable[[dict[str, Any]], Report]
) -> tuple[Difference, str]:
    """(the difference, which severity fails)."""
    from readiness.verdict.difference import compare_reports, compared_report

    later_report = call_or_exit_with_error(lambda: make_report({**flags, "at": (to, to) if to else None}))
    earlier_report = call_or_exit_with_error(lambda: make_report({**flags, "at": (since, to or "HEAD")}))
    print_notices(later_report.notices)
    refuse_unassessed(later_report)
    difference = compare_reports(compared_report(earlier_report, since), compared_report(later_report, to or "the work tree"))
    return difference, later_report.gate.fail_on


def _print_difference(difference: Difference, format_name: str) -> None:
    if format_name == "json":
        import json

        # As in the JSON report: a runner that shows this would take ##[...] for a command.
        click.echo(json.dumps(difference.to_dict(), indent=1, ensure_ascii=True).replace("##", "#\\u0023"))
        return
    from readiness.reports import difference as formats

    for line in formats.markdown_lines(difference) if format_name == "markdown" else map(one_safe_line, formats.terminal_lines(difference)):
        click.echo(line)


def options_of_runs(check: click.Command) -> list[click.Parameter]:
    """The options of `check` that say what is judged: they mean the same in every command."""
    return [one for one in check.params if one.name in OPTIONS_OF_RUNS]


def flags_of_check(check: click.Command, given: Mapping[str, Any]) -> dict[str, Any]:
    """What `check` would be called with: what is given, and its defaults for the rest."""
    defaults = check.make_context(check.name, [], resilient_parsing=True).params
    return {**defaults, **given}


def refuse_settings_twice(given: Mapping[str, Any]) -> None:
    """Raise UsageError where settings are named and none are to be read."""
    for name in ("config", "settings_from"):
        if given[name] and given["no_config"]:
            raise click.UsageError(f"--{name.replace('_', '-')} and --no-config exclude each other")


def refuse_unassessed(report: Report) -> None:
    """Raise CommandError where a run has not done its work: nothing may be concluded from it."""
    if report.crashed:
        raise CommandError("a rule crashed, so the findings are not all there are; nothing was written (`readiness check` names the rule)")
    if not report.gate.was_evaluated:
        raise CommandError(f"not assessed, and nothing was written: {report.gate.reason}")


def baseline_in_settings(config_option: str | bool) -> str | None:
    """The baseline that the settings name, as a path from the working directory."""
    from readiness import api

    path = api.baseline_path_in_settings(config_option)
    return Path(os.path.relpath(path)).as_posix() if path else None


def _write(report: Report, file_name: str, *, is_ratchet: bool, is_in_settings: bool) -> None:
    """Write a baseline of all that is open."""
    from readiness import api

    del is_ratchet
    count = len(api.new_findings_for_baseline(report))
    if not count:
        raise CommandError(
            f"nothing is open, so a baseline would be empty; {file_name} was not written (`readiness baseline --prune` takes out what is fixed)"
        )
    replace_file(file_name, api.baseline_text(report))
    how_to_use = "`readiness check`" if is_in_settings else f"`readiness check --baseline {file_name}`"
    click.echo(f"{file_name}: {_counted(count, 'finding')}; {how_to_use} counts only others")


def _update(report: Report, file_name: str, *, is_ratchet: bool, is_in_settings: bool) -> None:
    """Take out of a baseline what is fixed; with a ratchet fail where something is new, and write nothing."""
    from readiness import api

    del is_in_settings
    new_findings = api.new_findings_for_baseline(report)
    if is_ratchet and new_findings:
        for line in _finding_lines(new_findings[:MAX_NAMED_FINDINGS], report):
            click.echo(line)
        more = len(new_findings) - MAX_NAMED_FINDINGS
        click.echo(f"{file_name}: {_counted(len(new_findings), 'finding')} not in it{f', {more} not shown' if more > 0 else ''}; nothing was written")
        raise click.exceptions.Exit(EXIT_FAILED)
    fixed_count = len(report.baseline_outcome.fixed)
    replace_file(file_name, api.pruned_baseline_text(report))
    left_count = sum(one.suppression is not None and one.suppression.suppressed_by == "baseline" for one in report.findings)
    left_count += len(report.baseline_outcome.unjudged)
    fixed_clause = f"{_counted(fixed_count, 'fixed entry', 'fixed entries')} taken out" if fixed_count else "nothing is fixed"
    click.echo(f"{file_name}: {fixed_clause}, {_counted(left_count, 'entry', 'entries')} left")


def _finding_lines(findings: Iterable[Finding], report: Report) -> list[str]:
    """A line for each finding, as reports have it."""
    from readiness.redaction import Redactor

    redactor = Redactor(report.hidden)
    return [
        one_safe_line(f"{one.path}:{one.start.line}:{one.start.column}: {one.severity}[{one.rule}] {redactor.mask_text(one.message)}")
        for one in findings
    ]


def _counted(count: int, word: str, plural: str = "") -> str:
    return f"{count} {word if count == 1 else plural or word + 's'}"


@click.command("waive", cls=StrictCommand, short_help="Write a waiver into the settings.")
@click.argument("rule")
@click.argument("path", required=False)
@click.option("--reason", required=True, help="Why the finding is no fault here.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD", help="The last day on which it holds.")
@click.option("--resource", metavar="KIND/NAME", help="Only of this thing; a glob.")
@click.option("--owner", help="Who answers for it.")
def waive(rule: str, path: str | None, reason: str, until: datetime.datetime | None, resource: str | None, owner: str | None) -> None:
    """Write a waiver into the settings at the root, behind those that are there; comments and order stay as they are.

    PATH is a file, a directory or a glob, seen from the working directory; without one the rule is waived everywhere. A waiver that would
    silence nothing is not written.

    \b
    Examples:
      readiness waive k8s/host-path-sensitive deploy/agents --reason "reads the node's own logs" --until 2027-06-30
      readiness waive k8s/privileged --resource DaemonSet/node-agent --reason "mounts file systems for others"
    """
    from readiness import settings

    settings_path = call_or_exit_with_error(lambda: settings.find_settings_file(Path.cwd())) or Path.cwd() / settings.SETTINGS_FILENAME
    name = Path(os.path.relpath(settings_path)).as_posix()
    fields = {
        "rule": rule,
        "path": _waived_glob(path, settings_path.parent),
        "resource": resource,
        "reason": reason,
        "owner": owner,
        "until": f"{until:%Y-%m-%d}" if until else None,
    }
    given_fields = {key: value for key, value in fields.items() if value is not None}
    new_text, silenced_count, line = call_or_exit_with_error(lambda: _settings_with_waiver(settings_path, given_fields))
    replace_file(name, new_text)
    click.echo(f"{name}:{line}: {_counted(silenced_count, 'finding')} of {one_safe_line(rule)} waived{f' until {until:%Y-%m-%d}' if until else ''}")


def _waived_glob(path: str | None, settings_folder: Path) -> str | None:
    """A path from the working directory as a glob from the folder of the settings. Raises CommandError for one that leads out of it."""
    import glob

    if path is None:
        return None
    relative_path = Path(os.path.relpath(path, settings_folder)).as_posix()
    if relative_path == ".":
        return None
    if relative_path.startswith("../"):
        raise CommandError(f"{path}: lies outside of the directory of the settings, {settings_folder.name}; waive it in settings there")
    if not os.path.lexists(path):
        return relative_path
    return glob.escape(relative_path) + ("/*" if Path(path).is_dir() else "")


def _settings_with_waiver(settings_path: Path, fields: dict[str, str]) -> tuple[str, int, int]:
    """(the text of the settings with a waiver, how many findings it silences, its line). Raises CommandError where it silences none."""
    from readiness import api, files, settings
    from readiness.settings.waiver_text import text_with_waiver

    text = ""
    if os.path.lexists(settings_path):
        settings.load_config(settings_path, is_named=False)  # what is wrong with it now is told at its place
        text = files.read_regular_file(settings_path, settings.MAX_SETTINGS_FILE_BYTES).decode("utf-8-sig")
    file_name = settings_path.name
    new_text = text_with_waiver(file_name, text, fields)
    config = settings.parse_config(file_name, new_text.encode(), settings_path.parent, may_lock_settings=False)
    waiver = config.waivers[-1]
    report = api.check([os.path.relpath(settings_path.parent)], config=config)
    silenced_count = sum(
        one.suppression is not None and one.suppression == ("waiver", waiver.reason, waiver.until) and _is_of_rule(one, waiver.rule)
        for one in report.findings
    )
    if not silenced_count:
        problems = [one.message for one in report.findings if one.path == file_name and one.line == waiver.line]
        why = problems[0] if problems else f"no open finding of {waiver.rule} stands there"
        raise CommandError(f"{file_name}: not written, for the waiver would silence nothing: {why}")
    return new_text, silenced_count, waiver.line


def _is_of_rule(finding: Finding, rule_name: str) -> bool:
    """Whether a name is that of a finding's rule, of a member of it, or one that it had before."""
    from readiness.ruleset.names import RuleNames

    return any(one.may_cover(finding) for one in RuleNames().names_of(rule_name))
