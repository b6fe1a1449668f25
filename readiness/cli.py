"""The command line: flags in, reports and an exit code out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from readiness import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from readiness.report import Report

SEVERITIES = ("critical", "high", "medium", "low", "info", "never")
FORMATS = ("terminal", "json", "github")
PASSED, FAILED, UNABLE = 0, 1, 2


class Fault(click.ClickException):
    """The tool could not do its work: exit 2, with what, where and what to do."""

    exit_code = UNABLE

    def show(self, file: Any = None) -> None:
        """One line on standard error; whatever came from a file is shown without its control characters."""
        click.echo(f"readiness: {printable(self.message)}", err=True)


def printable(text: str) -> str:
    """Text without control characters: names and values from files never steer a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)


def guarded(work: Callable[[], Any]) -> Any:
    """The result of `work`; the errors of ours that a user can mend become one line and exit code 2."""
    from readiness import app

    try:
        return work()
    except app.ERRORS as error:
        raise Fault(app.explain(error)) from None


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
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


@main.command(short_help="Judge files and folders.")
@click.argument("paths", nargs=-1, type=click.Path())
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    help="What standard output shows (default terminal).",
)
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT=FILE",
    help="Write a report to a file; repeatable.",
)
@click.option(
    "--select",
    multiple=True,
    metavar="WORD",
    help="Rule, prefix, category or ALL, in the profile's place.",
)
@click.option(
    "--ignore", multiple=True, metavar="WORD", help="Rule, prefix or category to leave out."
)
@click.option(
    "--profile", metavar="NAME", help="recommended (default), strict, pss-baseline, pss-restricted."
)
@click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    help="Fail on an open finding this bad (default high).",
)
@click.option("--min-score", type=click.IntRange(0, 100), help="Fail under this score.")
@click.option(
    "--config", type=click.Path(), help="A settings file (default: the nearest .readiness.yaml)."
)
@click.option("--no-config", is_flag=True, help="Read no settings file.")
@click.option(
    "--rules",
    "rule_folders",
    multiple=True,
    type=click.Path(),
    help="A folder of custom rule files.",
)
@click.option("--baseline", type=click.Path(), help="Findings in this baseline file do not count.")
@click.option(
    "--since", metavar="REF", help="Findings that stood where this branch left REF do not count."
)
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
    "--helm-values",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False),
    help="Render charts with this values file too; several count together.",
)
@click.option(
    "--checklist",
    "checklists",
    multiple=True,
    metavar="NAME",
    help="Show a checklist; it counts in coverage.",
)
@click.option("--no-cache", is_flag=True, help="Neither read nor write the cache of results.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes to judge files with.",
)
@click.option(
    "--color", type=click.Choice(("auto", "always", "never")), default="auto", show_default=True
)
@click.option("--explain-score", is_flag=True, help="Print the sum that makes the score.")
@click.option("--allow-empty", is_flag=True, help="Nothing to check is no error (for hooks).")
@click.option("--exit-zero", is_flag=True, help="Exit 0 whatever the gate says.")
@click.option("-q", "--quiet", is_flag=True, help="Only findings that fail the gate, and the gate.")
@click.option(
    "-v", "--verbose", is_flag=True, help="Every file, suppressed findings and timings too."
)
def check(**flags: Any) -> None:
    """Judge files and folders (default: the working directory; - reads manifests from standard input).

    Exit code 0: the gate passed. 1: it failed. 2: the tool could not do its work.

    \b
    Examples:
      readiness check
      readiness check deploy/ Dockerfile --fail-on medium
      readiness check --select k8s/ --ignore k8s/image-digest-missing .
      readiness check --format github --output json=readiness.json .
      kustomize build overlays/prod | readiness check -
    """
    if flags["quiet"] and flags["verbose"]:
        raise click.UsageError("-q and -v exclude each other")
    if flags["config"] and flags["no_config"]:
        raise click.UsageError("--config and --no-config exclude each other")
    outputs = [target(value) for value in flags["outputs"]]
    report = guarded(lambda: judge(flags))
    guarded(lambda: write(report, outputs, flags))
    if report.crashed:
        sys.exit(UNABLE)
    if not report.files_judged and not flags["allow_empty"]:
        raise Fault(
            "nothing to check: no file of a kind that readiness knows; name files, or another folder"
        )
    sys.exit(
        PASSED if flags["exit_zero"] or report.gate.passed or not report.files_judged else FAILED
    )


def save(name: str, text: str) -> None:
    """Write a file of ours; what the system refuses is said in one line."""
    try:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise Fault(f"{name}: cannot be written: {(error.strerror or 'error').lower()}") from None


def target(value: str) -> tuple[str, str]:
    """(format, file) of an --output."""
    name, equals, file = value.partition("=")
    if not equals or not file or name not in FORMATS:
        raise click.UsageError(
            f"--output is FORMAT=FILE with one of {', '.join(FORMATS)}, not {value!r}"
        )
    return name, file


def judge(flags: dict[str, Any]) -> Report:
    """The report that a command's flags ask for."""
    from readiness import app

    paths: Sequence[str] = flags["paths"] or (".",)
    stdin = sys.stdin.buffer.read(app.STDIN_LIMIT + 1) if "-" in paths else None
    return app.check(
        [path for path in paths if path != "-"],
        stdin=stdin,
        select=flags["select"],
        ignore=flags["ignore"],
        profile=flags["profile"],
        fail_on=flags["fail_on"],
        min_score=flags["min_score"],
        config=False if flags["no_config"] else flags["config"] or True,
        rules=flags["rule_folders"],
        baseline=flags["baseline"],
        since=flags["since"],
        documents=flags["documents"],
        render=flags["render"],
        helm_values=flags["helm_values"],
        checklists=flags["checklists"] or None,
        cache=not flags["no_cache"],
        jobs=flags["jobs"],
        timing=flags["verbose"],
        progress=meter(),
    )


def meter() -> Callable[[int, int], None] | None:
    """A line on standard error for those who wait longer than a second; none where nobody watches."""
    if not sys.stderr.isatty():
        return None
    import time

    began = shown = time.monotonic()

    def show(done: int, total: int) -> None:
        nonlocal shown
        now = time.monotonic()
        if done == total and shown > began:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
        elif now - began > 1 and now - shown > 0.1:
            shown = now
            sys.stderr.write(f"\r\x1b[Kjudging {done} of {total} documents")
            sys.stderr.flush()

    return show


def write(report: Report, outputs: Sequence[tuple[str, str]], flags: dict[str, Any]) -> None:
    """The report in every format that was asked for."""
    from readiness import reports

    for name, file in outputs:
        try:
            with Path(file).open("w", encoding="utf-8", newline="\n") as out:
                reports.render(name, report, out, reports.Options(color="never"))
        except OSError as error:
            why = (error.strerror or "error").lower()
            raise Fault(f"{file}: cannot be written: {why}") from None
    standard = flags["format_"] or (
        "terminal" if not any(file == "-" for _, file in outputs) else None
    )
    if standard:
        options = reports.Options(
            color=flags["color"],
            quiet=flags["quiet"],
            verbose=flags["verbose"],
            explain=flags["explain_score"],
        )
        reports.render(standard, report, sys.stdout, options)


@main.command(short_help="The page of a rule, or why a pod is not admitted.")
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
    from readiness import app

    if rule == "pss":
        for line in guarded(lambda: list(app.admission(paths or (".",)))):
            click.echo(printable(line))
        return
    if paths:
        raise click.UsageError("only `explain pss` takes paths")

    def pages_of() -> list[str]:
        from readiness import pages

        return [pages.page(bound, app.asks()) for bound in app.look_up(rule)]

    for number, text in enumerate(guarded(pages_of)):
        click.echo(("\n" if number else "") + text, nl=False)


@main.command("rules", short_help="The catalogue of rules.")
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
    from readiness import app

    found = guarded(lambda: app.search(like=like, kind=kind, profile=profile))
    if format_ == "json":
        import json

        click.echo(json.dumps([app.rule_row(rule) for rule in found], indent=2))
        return
    if format_ == "markdown":
        from readiness import pages

        click.echo(pages.table(found, link=False), nl=False)
        return
    width = max(len(rule.id) for rule in found)
    for rule in found:
        click.echo(f"{rule.id:{width}}  {rule.severity!s:8}  {rule.level:11}  {rule.title}")


@main.command("checklist", short_help="A guide's checklist, item by item.")
@click.argument("arguments", nargs=-1, metavar="[NAME] [PATH]...")
@click.option(
    "--format", "format_", type=click.Choice(("table", "json")), default="table", show_default=True
)
def show_checklist(arguments: tuple[str, ...], format_: str) -> None:
    """Say of every item of a checklist whether it is met, failed or open, with the place that shows it.

    NAME is one of the checklists (default: all of them); everything else is a path. All rules that name one of
    its items run, whatever the profile says: what a guide asks for is no matter of taste here.

    \b
    Examples:
      readiness checklist
      readiness checklist flowise deploy/
    """
    from readiness import app

    names, paths = guarded(lambda: app.checklist_arguments(arguments))
    report = guarded(
        lambda: app.check(paths or ["."], checklists=names, select=app.proving(names), config=True)
    )
    outcomes = [one for one in report.checklists if one.checklist.system in names]
    if format_ == "json":
        import json

        rows = report.to_dict()["checklists"]
        click.echo(json.dumps([row for row in rows if row["system"] in names], indent=2))
        return
    from readiness import pages

    for line in pages.checklist_lines(outcomes):
        click.echo(printable(line))


@main.command(short_help="Write today's findings down.")
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
    from readiness import app

    report = guarded(lambda: app.check(paths or ["."], config=True))
    save(output, app.baseline_text(report))
    open_ones = sum(not one.suppressed for one in report.findings)
    click.echo(
        f"{output}: {open_ones} findings; `readiness check --baseline {output}` counts only others"
    )


@main.command(short_help="Write a commented .readiness.yaml.")
@click.option("--hook", is_flag=True, help="Write .pre-commit-config.yaml too.")
@click.option("--workflow", is_flag=True, help="Write .github/workflows/readiness.yml too.")
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
def init(hook: bool, workflow: bool, force: bool) -> None:
    """Write a commented .readiness.yaml into the working directory, and what else is asked for.

    Asked at a terminal, it offers the pre-commit hook and the workflow; files that are there stay as they are.
    """
    from readiness import starter

    asked = sys.stdin.isatty() and sys.stdout.isatty() and not (hook or workflow)
    wanted = {".readiness.yaml": starter.SETTINGS}
    if hook or (
        asked and click.confirm("Write .pre-commit-config.yaml with the hook?", default=False)
    ):
        wanted[".pre-commit-config.yaml"] = starter.HOOK.format(version=__version__)
    if workflow or (
        asked and click.confirm("Write .github/workflows/readiness.yml?", default=False)
    ):
        wanted[".github/workflows/readiness.yml"] = starter.WORKFLOW.format(version=__version__)
    there = [name for name in wanted if Path(name).exists()]
    for name, text in wanted.items():
        if name in there and not force:
            click.echo(f"{name}: there already; --force overwrites it", err=True)
            continue
        save(name, text)
        click.echo(f"{name}: written")
    if there and not force:
        sys.exit(UNABLE)
