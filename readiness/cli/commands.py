"""The commands beside `check`: what the rules say, what a checklist says, and the files that start a project off."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from readiness.cli.completion import SHELLS, complete_checklist, complete_kind, complete_profile, complete_rule, completion_script
from readiness.cli.console import (
    EXIT_FAILED,
    EXIT_NOT_ASSESSED,
    call_or_exit_with_error,
    is_output_drawn,
    print_markdown,
    print_notices,
    print_paragraphs,
    terminal_width,
    write_file,
)
from readiness.cli.program import StrictCommand

if TYPE_CHECKING:
    import datetime

    from readiness.facts.table import FactsTable

PAGE_FORMATS = ("terminal", "markdown")


@click.command(cls=StrictCommand, short_help="The page of a rule, or why a pod is not admitted.")
@click.argument("rule", shell_complete=complete_rule)
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--format", "format_", type=click.Choice(PAGE_FORMATS), help="Drawn for a terminal (default on one), or Markdown (default elsewhere).")
def explain(rule: str, paths: tuple[str, ...], format_: str | None) -> None:
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
        if format_:
            raise click.UsageError("--format has no effect on `explain pss`; leave it out")
        from readiness.reports import catalogue

        admission_lines = call_or_exit_with_error(lambda: list(api.admission_lines(paths or (".",))))
        print_paragraphs(map(catalogue.text_paragraph, admission_lines))
        return
    if paths:
        raise click.UsageError("only `explain pss` takes paths")

    def make_pages() -> list[str]:
        from readiness.reports import pages

        tiers_of_found_rules, notices = api.find_rules(rule)
        print_notices(notices)
        return [pages.rule_page(tiers, api.checklist_questions()) for tiers in tiers_of_found_rules]

    print_markdown("\n".join(call_or_exit_with_error(make_pages)), format_)


@click.command("rules", cls=StrictCommand, short_help="The catalogue of rules, or those with some words.")
@click.argument("words", nargs=-1, metavar="[WORD]...")
@click.option("--like", metavar="ID", help="Ours that say the same as another linter's rule.")
@click.option(
    "--kind",
    metavar="KIND",
    shell_complete=complete_kind,
    help="Only rules of a kind: dockerfile, compose, k8s, nginx, ci, project, core.",
)
@click.option("--profile", metavar="NAME", shell_complete=complete_profile, help="Only rules of a profile.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(("table", "json", "markdown")),
    default="table",
    show_default=True,
)
def list_rules(words: tuple[str, ...], like: str | None, kind: str | None, profile: str | None, format_: str) -> None:
    """List the rules, or those that hold every WORD in their id, title, reason or fix, or as another linter's id; the best match first.

    \b
    Examples:
      readiness rules privileged
      readiness rules --kind k8s probe port
      readiness rules --kind nginx
      readiness rules --like DL3007
      readiness rules --profile strict --format json
    """
    from readiness import api

    matching_rules = call_or_exit_with_error(lambda: api.search_rules(like=like, kind=kind, profile=profile, words=words))
    if format_ == "json":
        import json

        from readiness.reports import rule_list

        click.echo(json.dumps([rule_list.rule_json_object(rule) for rule in matching_rules], indent=2))
        return
    if format_ == "markdown":
        from readiness.reports import pages

        click.echo(pages.rules_markdown_table(matching_rules), nl=False)
        return
    from readiness.reports import catalogue
    from readiness.reports.links import should_link_output

    if is_output_drawn():
        print_paragraphs(catalogue.drawn_rule_paragraphs(matching_rules, terminal_width(), hyperlinks=should_link_output(sys.stdout)))
    else:
        print_paragraphs(catalogue.rule_paragraphs(matching_rules))


@click.command("checklist", cls=StrictCommand, short_help="A guide's checklist, item by item.")
@click.argument("arguments", nargs=-1, metavar="[NAME] [PATH]...", shell_complete=complete_checklist)
@click.option("--state", "states", multiple=True, type=click.Choice(("failed", "met", "open")), help="Only items in this state; repeatable.")
@click.option("--format", "format_", type=click.Choice(("table", "json")), default="table", show_default=True)
def show_checklist(arguments: tuple[str, ...], states: tuple[str, ...], format_: str) -> None:
    """Say of every item of a checklist whether it is met, failed or open, with the place that shows it.

    The counts of each checklist come first, then what failed, what is met, and what is open.

    NAME is one of the checklists (default: all of them); everything else is a path. All rules that name one of
    its items run, whatever the profile says: what a guide asks for is no matter of taste here.

    \b
    Examples:
      readiness checklist
      readiness checklist flowise deploy/
      readiness checklist --state failed --state open
    """
    from readiness import api
    from readiness.reports import catalogue

    checklist_names, paths = call_or_exit_with_error(lambda: api.split_checklist_arguments(arguments))
    report = call_or_exit_with_error(
        lambda: api.check(paths or ["."], checklists=checklist_names, select=api.rules_of_checklists(checklist_names), config=True)
    )
    print_notices(report.notices)
    checklist_outcomes = [one for one in report.checklists if one.checklist.source_document in checklist_names]
    shown_states = states or catalogue.SHOWN_STATES
    if format_ == "json":
        import json

        checklist_rows = [row for row in report.to_dict()["checklists"] if row["system"] in checklist_names]
        click.echo(json.dumps(catalogue.shown_checklist_rows(checklist_rows, shown_states), indent=2))
        return
    print_paragraphs(catalogue.checklist_paragraphs(checklist_outcomes, shown_states))


@click.command("completion", cls=StrictCommand, short_help="What makes a shell complete rules, profiles and options.")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def print_completion(context: click.Context, shell: str) -> None:
    """Print the script by which a shell completes commands, options, rules, categories, profiles and checklists at the Tab key.

    \b
    Examples:
      eval "$(readiness completion bash)"     in ~/.bashrc (bash 4.4 or later)
      eval "$(readiness completion zsh)"      in ~/.zshrc, after compinit
      readiness completion fish > ~/.config/fish/completions/readiness.fish
    """
    click.echo(completion_script(shell, context.find_root().command), nl=False)


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

    reference_day = today.date() if today else datetime.date.today()
    facts_tables = call_or_exit_with_error(api.facts_tables)
    listed_tables = [one for one in facts_tables if not stale or one.is_stale(reference_day)]
    if format_ == "json":
        import json

        click.echo(json.dumps([api.facts_row(one, reference_day) for one in listed_tables], indent=2))
    else:
        for facts_line in _facts_table_lines(listed_tables, reference_day):
            click.echo(facts_line)
        if not listed_tables:
            click.echo("no facts are over their time")
    if stale and listed_tables:
        sys.exit(EXIT_FAILED)


def _facts_table_lines(tables: list[FactsTable], today: datetime.date) -> list[str]:
    """A line for each topic, in columns."""
    row_texts = [
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
    column_widths = [max(map(len, column)) for column in zip(*row_texts, strict=True)]
    return ["  ".join(word.ljust(width) for word, width in zip(row, column_widths, strict=True)).rstrip() for row in row_texts]


@click.command(cls=StrictCommand, short_help="Write a commented .readiness.yaml.")
@click.option("--hook", is_flag=True, help="Write .pre-commit-config.yaml too.")
@click.option("--workflow", is_flag=True, help="Write .github/workflows/readiness.yml too.")
@click.option("--baseline", is_flag=True, help="Write a baseline of what is open today, and settings that name it.")
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
def init(hook: bool, workflow: bool, baseline: bool, force: bool) -> None:
    """Write a commented .readiness.yaml into the working directory, and what else is asked for.

    Asked at a terminal, it offers the pre-commit hook, a baseline and the workflow, and with --hook alone a baseline; files that are there stay as
    they are.

    \b
    Example:
      readiness init --hook --baseline --workflow
    """
    from readiness.cli import starter
    from readiness.origin import Origin, installation_origin

    origin = installation_origin()
    is_at_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    is_asked_for_all = is_at_terminal and not (hook or workflow or baseline)
    is_hook_alone = hook and not baseline  # what is open today would stop the first commit that touches its file
    hook = hook or (is_asked_for_all and click.confirm("Write .pre-commit-config.yaml with the hook?", default=False))
    baseline = baseline or (
        (is_asked_for_all or (is_at_terminal and is_hook_alone))
        and click.confirm("Write a baseline, so that only what is new counts?", default=False)
    )
    workflow = workflow or (is_asked_for_all and click.confirm("Write .github/workflows/readiness.yml?", default=False))
    baseline_text = _baseline_of_today() if baseline else ""
    content_by_file_name = {".readiness.yaml": starter.settings_text(has_baseline=bool(baseline_text))}
    if baseline_text:
        content_by_file_name[starter.BASELINE_FILENAME] = baseline_text
    if hook:
        content_by_file_name[".pre-commit-config.yaml"] = starter.pre_commit_config(origin)
    if workflow:
        content_by_file_name[".github/workflows/readiness.yml"] = starter.workflow(origin)
    existing_file_names = [file_name for file_name in content_by_file_name if Path(file_name).exists()]
    for file_name, file_content in content_by_file_name.items():
        if file_name in existing_file_names and not force:
            click.echo(f"{file_name}: there already; --force overwrites it", err=True)
            continue
        write_file(file_name, file_content)
        click.echo(f"{file_name}: written")
        if file_content in (starter.pre_commit_config(Origin()), starter.workflow(Origin())):
            click.echo(f"{file_name}: say in it where readiness is installed from; this installation does not tell", err=True)
    for hint in starter.hints(has_hook=hook, has_baseline=bool(baseline_text), kept_file_names=() if force else existing_file_names):
        click.echo(hint, err=True)
    if existing_file_names and not force:
        sys.exit(EXIT_NOT_ASSESSED)


def _baseline_of_today() -> str:
    """The baseline of what is open in the working directory; empty, and said so, where nothing is."""
    from readiness import api

    report = call_or_exit_with_error(lambda: api.check(["."], config=True, baseline=False))
    if report.gate.was_evaluated and api.new_findings_for_baseline(report):
        return str(api.baseline_text(report))
    click.echo(f"no baseline is needed: {'nothing is open' if report.gate.was_evaluated else report.gate.reason}", err=True)
    return ""
