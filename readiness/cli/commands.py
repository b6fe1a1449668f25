"""The commands beside `check`: what the rules say, what a checklist says, and the files that start a project off."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from readiness.cli.console import (
    EXIT_FAILED,
    EXIT_UNABLE,
    exit_on_error,
    print_notices,
    strip_control_characters,
    write_file,
)
from readiness.cli.program import StrictCommand
from readiness.version import __version__

if TYPE_CHECKING:
    import datetime

    from readiness.facts.table import FactsTable


@click.command(cls=StrictCommand, short_help="The page of a rule, or why a pod is not admitted.")
@click.argument("rule")
@click.argument("paths", nargs=-1, type=click.Path())
def explain(rule: str, paths: tuple[str, ...]) -> None:
    """What a rule says, why it breaks in production, how to fix it, with examples and equivalents.

    RULE is an id of ours, its name alone, or another linter's id. `pss` with paths tells for every workload the level of
    the Pod Security Standards that would admit it, and each reason why the next one would not.

    \b
    Examples:
      readiness explain k8s/liveness-probe-missing
      readiness explain CKV_K8S_8
      readiness explain pss deploy/
    """
    from readiness import api

    if rule == "pss":
        for line in exit_on_error(lambda: list(api.admission_lines(paths or (".",)))):
            click.echo(strip_control_characters(line))
        return
    if paths:
        raise click.UsageError("only `explain pss` takes paths")

    def make_pages() -> list[str]:
        from readiness.reports import pages

        found, notices = api.find_rules(rule)
        print_notices(notices)
        return [pages.rule_page(tiers, api.checklist_questions()) for tiers in found]

    for number, text in enumerate(exit_on_error(make_pages)):
        click.echo(("\n" if number else "") + text, nl=False)


@click.command("rules", cls=StrictCommand, short_help="The catalogue of rules.")
@click.option("--like", metavar="ID", help="Ours that say the same as another linter's rule.")
@click.option(
    "--kind",
    metavar="KIND",
    help="Only rules of a kind: dockerfile, compose, k8s, nginx, ci, project, core.",
)
@click.option("--profile", metavar="NAME", help="Only rules of a profile.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(("table", "json", "markdown")),
    default="table",
    show_default=True,
)
def list_rules(like: str | None, kind: str | None, profile: str | None, format_: str) -> None:
    """List the rules.

    \b
    Examples:
      readiness rules --kind nginx
      readiness rules --like DL3007
      readiness rules --profile strict --format json
    """
    from readiness import api

    matching = exit_on_error(lambda: api.search_rules(like=like, kind=kind, profile=profile))
    if format_ == "json":
        import json

        from readiness.reports import rule_list

        click.echo(json.dumps([rule_list.rule_as_json(rule) for rule in matching], indent=2))
        return
    if format_ == "markdown":
        from readiness.reports import pages

        click.echo(pages.rules_table(matching), nl=False)
        return
    width = max(len(rule.id) for rule in matching)
    for rule in matching:
        click.echo(f"{rule.id:{width}}  {rule.severity!s:8}  {rule.level:11}  {rule.title}")


@click.command("checklist", cls=StrictCommand, short_help="A guide's checklist, item by item.")
@click.argument("arguments", nargs=-1, metavar="[NAME] [PATH]...")
@click.option("--format", "format_", type=click.Choice(("table", "json")), default="table", show_default=True)
def show_checklist(arguments: tuple[str, ...], format_: str) -> None:
    """Say of every item of a checklist whether it is met, failed or open, with the place that shows it.

    NAME is one of the checklists (default: all of them); everything else is a path. All rules that name one of
    its items run, whatever the profile says: what a guide asks for is no matter of taste here.

    \b
    Examples:
      readiness checklist
      readiness checklist flowise deploy/
    """
    from readiness import api

    names, paths = exit_on_error(lambda: api.split_checklist_arguments(arguments))
    report = exit_on_error(
        lambda: api.check(paths or ["."], checklists=names, select=api.rules_of_checklists(names), config=True)
    )
    print_notices(report.notices)
    outcomes = [one for one in report.checklists if one.checklist.source_document in names]
    if format_ == "json":
        import json

        rows = report.to_dict()["checklists"]
        click.echo(json.dumps([row for row in rows if row["system"] in names], indent=2))
        return
    from readiness.reports import pages

    for line in pages.checklist_lines(outcomes):
        click.echo(strip_control_characters(line))


@click.command("facts", cls=StrictCommand, short_help="What the rules know of the world, and how old it is.")
@click.option("--stale", is_flag=True, help="Only what is over its time; exit 1 if there is any.")
@click.option(
    "--today",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="The day to count ages from (default: by the clock).",
)
@click.option("--format", "format_", type=click.Choice(("table", "json")), default="table", show_default=True)
def list_facts(stale: bool, today: datetime.datetime | None, format_: str) -> None:
    """List the tables of facts: how many rows each has, where they are from, when they were read and how old they are.

    What is older than it may be is to be held against its source again; checks go on trusting it.

    \b
    Examples:
      readiness facts
      readiness facts --stale
      readiness facts --stale --today 2027-01-01 --format json
    """
    import datetime

    from readiness import api

    day = today.date() if today else datetime.date.today()
    tables = exit_on_error(api.facts_tables)
    listed = [one for one in tables if not stale or one.is_stale(day)]
    if format_ == "json":
        import json

        click.echo(json.dumps([api.facts_row(one, day) for one in listed], indent=2))
    else:
        for line in _facts_lines(listed, day):
            click.echo(line)
        if not listed:
            click.echo("no facts are over their time")
    if stale and listed:
        sys.exit(EXIT_FAILED)


def _facts_lines(tables: list[FactsTable], today: datetime.date) -> list[str]:
    """A line for each topic, in columns."""
    rows = [
        (
            facts.topic,
            f"{len(facts.rows)} rows",
            f"read {facts.read_on}",
            f"{facts.age_in_days(today)} of {facts.trusted_days} days{' STALE' if facts.is_stale(today) else ''}",
            facts.made_by,
            facts.source[0] + (f" and {len(facts.source) - 1} more" if len(facts.source) > 1 else ""),
        )
        for facts in tables
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in rows]


@click.command(cls=StrictCommand, short_help="Write today's findings down.")
@click.argument("paths", nargs=-1, type=click.Path())
@click.option(
    "--output",
    default=".readiness-baseline.json",
    show_default=True,
    metavar="FILE",
    help="The file to write.",
)
def baseline(paths: tuple[str, ...], output: str) -> None:
    """Write today's findings down, so that only new ones count.

    \b
    Example:
      readiness baseline . && readiness check --baseline .readiness-baseline.json .
    """
    from readiness import api

    report = exit_on_error(lambda: api.check(paths or ["."], config=True))
    print_notices(report.notices)
    write_file(output, api.baseline_text(report))
    open_ones = sum(not one.suppression for one in report.findings)
    click.echo(f"{output}: {open_ones} findings; `readiness check --baseline {output}` counts only others")


@click.command(cls=StrictCommand, short_help="Write a commented .readiness.yaml.")
@click.option("--hook", is_flag=True, help="Write .pre-commit-config.yaml too.")
@click.option("--workflow", is_flag=True, help="Write .github/workflows/readiness.yml too.")
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
def init(hook: bool, workflow: bool, force: bool) -> None:
    """Write a commented .readiness.yaml into the working directory, and what else is asked for.

    Asked at a terminal, it offers the pre-commit hook and the workflow; files that are there stay as they are.

    \b
    Example:
      readiness init --hook --workflow
    """
    from readiness.cli import starter

    asked = sys.stdin.isatty() and sys.stdout.isatty() and not (hook or workflow)
    wanted = {".readiness.yaml": starter.SETTINGS_TEMPLATE}
    if hook or (asked and click.confirm("Write .pre-commit-config.yaml with the hook?", default=False)):
        wanted[".pre-commit-config.yaml"] = starter.PRE_COMMIT_TEMPLATE.format(version=__version__)
    if workflow or (asked and click.confirm("Write .github/workflows/readiness.yml?", default=False)):
        wanted[".github/workflows/readiness.yml"] = starter.WORKFLOW_TEMPLATE.format(version=__version__)
    there = [name for name in wanted if Path(name).exists()]
    for name, text in wanted.items():
        if name in there and not force:
            click.echo(f"{name}: there already; --force overwrites it", err=True)
            continue
        write_file(name, text)
        click.echo(f"{name}: written")
    if there and not force:
        sys.exit(EXIT_UNABLE)
