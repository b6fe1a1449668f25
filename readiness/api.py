"""The pipeline, and the public API: paths and settings in, a report out."""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache as memo
from pathlib import Path
from typing import Any

from readiness import files
from readiness import settings as config
from readiness.facts import table
from readiness.facts.table import FactsError, FactsTable
from readiness.loading import discover
from readiness.loading.context import add_context
from readiness.model import Rule
from readiness.redaction import Redactor
from readiness.ruleset import rules
from readiness.ruleset import select as selection
from readiness.ruleset.bound import LoadedRule
from readiness.ruleset.names import RuleName, RuleNames
from readiness.ruleset.rule_file import RuleError
from readiness.run.external import ShellcheckError
from readiness.run.parallel import ParallelError
from readiness.run.pipeline import RunResult, RunSettings, run_pipeline
from readiness.settings import Config
from readiness.triage import baseline
from readiness.verdict import checklist, report
from readiness.verdict.report import Report
from readiness.version import __version__


class OptionError(ValueError):
    """An option of `check` that cannot be used; the message names it and says what to do."""


STDIN_LIMIT = discover.MAX_BYTES
_OPTIONS_NOT_IN_FILE = (
    "since",
    "jobs",
    "render",
    "strict_coverage",
    "helm_values",
    "context",
    "foreign_ignores",
    "purpose",
)
USER_ERRORS = (
    config.ConfigError,
    selection.SelectionError,
    RuleError,
    baseline.BaselineError,
    checklist.ChecklistError,
    discover.MissingPathError,
    OptionError,
    ParallelError,
    ShellcheckError,
    FactsError,
)


def error_message(error: Exception) -> str:
    """What to tell a user of one of USER_ERRORS: what, where, and what to do."""
    if isinstance(error, discover.MissingPathError):
        return f"{error}: there is no such file or directory"
    return str(error)


def check(  # noqa: PLR0913  # the options of the command line, each with a default
    paths: Sequence[str | os.PathLike[str]] = (".",),
    *,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    profile: str | None = None,
    fail_on: str | None = None,
    min_score: int | None = None,
    config: str | os.PathLike[str] | bool = False,
    rules: Sequence[str | os.PathLike[str]] = (),
    baseline: str | os.PathLike[str] | None = None,
    since: str | None = None,
    documents: bool | None = None,
    render: bool = True,
    strict_coverage: bool = False,
    helm_values: Sequence[str | os.PathLike[str]] = (),
    context: bool = True,
    foreign_ignores: bool = True,
    shellcheck: bool | None = None,
    checklists: Sequence[str] | None = None,
    purpose: str = "",
    cache: bool = False,
    jobs: int = 1,
    stdin: bytes | None = None,
    today: datetime.date | None = None,
    timing: bool = False,
    progress: Callable[[int, int], None] | None = None,
    base: Path | None = None,
) -> Report:
    """The report on files and folders.

    `config` is a settings file, True for the nearest one, False for none. `today` (default: the clock) is the
    day by which dated suppressions and the updates of releases end. `base` (default: the working directory) is what paths are
    relative to. `context` says whether the files around the paths in their repository are read for joins, and not judged.
    `foreign_ignores` says whether comments for other linters count. `strict_coverage` fails the gate
    where a program or a dependency is absent without which something was not judged. `purpose` is what all files are for,
    whatever says otherwise: "production", or empty where each is asked. `progress` is told how many
    rules of how many are done. Raises one of USER_ERRORS where the tool cannot do its work.
    """
    _refuse_empty(
        paths=paths, select=select, ignore=ignore, profile=profile, config=config, rules=rules, baseline=baseline,
        since=since, helm_values=helm_values, checklists=checklists,
    )  # fmt: skip
    _refuse_unreadable(helm_values)
    if purpose not in {"", "production"}:
        raise OptionError(f"purpose is {purpose[:80]!r}; only production is asked of all files")
    clock = [time.perf_counter()] if timing else []
    settings = merge_options(
        _load_config(config, base),
        select=tuple(select),
        ignore=tuple(ignore),
        profile=profile,
        fail_on=fail_on,
        min_score=min_score,
        rules=tuple(Path(folder) for folder in rules),
        baseline=Path(baseline) if baseline else None,
        since=since,
        jobs=jobs,
        render=render,
        strict_coverage=strict_coverage,
        helm_values=tuple(Path(one) for one in helm_values),
        context=context,
        foreign_ignores=foreign_ignores,
        purpose=purpose,
        shellcheck=shellcheck,
        documents=documents,
        checklists=checklists,
    )
    file = settings.config
    discovered = discover.discover_files(paths, file.exclude, base=base, prefix=file.prefix)
    if context:
        add_context(discovered, paths)
    if stdin is not None:
        discover.add_standard_input(discovered, stdin)
    clock.append(time.perf_counter())
    day = today or datetime.date.today()
    work = _run_cached if cache and since is None else run_pipeline
    run = work(discovered, settings, day, progress)
    clock.append(time.perf_counter())
    seconds = {"read": clock[1] - clock[0], "judge": clock[2] - clock[1]} if timing else None
    return _build_report(run, settings, seconds)


def _refuse_empty(**options: Any) -> None:
    """Raise OptionError for an option with an empty value: a variable that is not set must not pass for no option."""
    for name, given in options.items():
        values = given if isinstance(given, list | tuple) else (given,)
        if any(isinstance(one, str) and not one.strip() for one in values):
            raise OptionError(f"{name} is empty: give it a value, or leave it out")


def _refuse_unreadable(values: Sequence[str | os.PathLike[str]]) -> None:
    """Raise OptionError for a values file that was given and cannot be read."""
    for value in values:
        try:
            why = "" if files.decode_text(files.read_regular_file(Path(value), files.MAX_FILE_BYTES)) is not None else "no text"
        except OSError as error:
            why = files.os_error_text(error)
        if why:
            raise OptionError(f"helm_values: {os.fspath(value)} cannot be read: {why}")


def _run_cached(
    discovered: discover.DiscoveredFiles,
    settings: RunSettings,
    today: datetime.date,
    progress: Callable[[int, int], None] | None,
) -> RunResult:
    """The run, or what the cache kept of the same one."""
    from readiness.run import cache

    kept = cache.user_cache()
    if not kept.is_outside_scanned_tree(discovered):
        return run_pipeline(discovered, settings, today, progress)
    key = cache.cache_key(discovered, settings, today.isoformat())
    run = kept.load(key, discovered, settings)
    if run is None:
        run = run_pipeline(discovered, settings, today, progress)
        kept.store_result(key, run)
    return run


def _build_report(run: RunResult, settings: RunSettings, seconds_by_phase: dict[str, float] | None) -> Report:
    """Score the findings of a run, evaluate its checklists and decide the gate; `seconds_by_phase` is the time of each phase."""
    known = all_checklists()
    for name in settings.checklists:
        if name not in {one.source_document for one in known}:
            there = ", ".join(one.source_document for one in known)
            raise checklist.ChecklistError(f"no checklist is called {name!r}; there are {there}")
    active = [selection.with_counted_tiers(rule, run.active_rules) for rule in run.rules if rule.id in run.active_rules]
    return report.build_report(
        version=__version__,
        rules=active,
        findings=run.findings,
        rows=run.file_statuses,
        tally_by_rule=run.tally_by_rule,
        subjects=run.subject_count_by_path,
        checklists=checklist.evaluate_checklists(
            known,
            active,
            run.findings,
            run.tally_by_rule,
            run.silenced_by_others_count,
            run.evidence_by_fact,
        ),
        chosen_checklists=settings.checklists,
        fail_on=settings.fail_on,
        min_score=settings.min_score,
        strict_coverage=settings.strict_coverage,
        secret_places=run.secret_places,
        timing=seconds_by_phase,
        ignored_file_count=run.ignored_file_count,
        silenced_by_others_count=sum(run.silenced_by_others_count.values()),
        context=run.context,
        environments=run.environments,
        notices=run.notices,
        production=run.production,
    )


def _load_config(config_option: str | os.PathLike[str] | bool, base: Path | None = None) -> Config:
    """The settings file of a run: the one named, the nearest one, or none."""
    if config_option is False:
        return Config()
    path = config.find_settings_file(Path.cwd()) if config_option is True else Path(config_option)
    found = config.load_config(path) if path else Config()
    return config.seen_from(found, base or Path.cwd()) if config_option is True else found


def merge_options(config: Config, *, checklists: Sequence[str] | None, **options: Any) -> RunSettings:
    """Options and settings file as one: an option that was given wins, lists of rules and words add up."""
    return RunSettings(
        profile=options["profile"] or config.profile,
        select=options["select"] or (() if options["profile"] else config.select),
        ignore=(*config.ignore, *options["ignore"]),
        fail_on=options["fail_on"] or config.fail_on,
        min_score=config.min_score if options["min_score"] is None else options["min_score"],
        checklists=tuple(config.checklists if checklists is None else checklists),
        documents=config.documents if options["documents"] is None else options["documents"],
        rules=(*config.rules, *options["rules"]),
        baseline=options["baseline"] or config.baseline,
        **{key: options[key] for key in _OPTIONS_NOT_IN_FILE},
        shellcheck=config.shellcheck if options["shellcheck"] is None else options["shellcheck"],
        config=config,
    )


def find_rules(name: str) -> tuple[list[list[LoadedRule]], list[str]]:
    """The rules that a name means, each with its tiers, and notices on a name that is out of date.

    A name is an id, the part after its slash, an id with a tier or part, an id that a rule had before, or another
    linter's id. Raises SelectionError.
    """
    by_id: dict[str, list[LoadedRule]] = {}
    for bound in rules.load_rules():
        by_id.setdefault(bound.rule.id, []).append(bound)
    names = RuleNames()
    matching = [one for one in by_id if name in {one, one.partition("/")[2]}]
    if not matching:
        words = [name, *names.ids_ending_with(name)]
        matching = [one.rule_id for word in words for one in names.names_of(word) if one.rule_id in by_id]
    if not matching:
        matching = [one for one, (first, *_) in by_id.items() if has_equivalent(first.rule, name)]
    if not matching:
        raise selection.SelectionError(selection.unknown_selector_text(name))
    return [by_id[one] for one in dict.fromkeys(matching)], list(names.notices.values())


def has_equivalent(rule: Rule, peer_id: str) -> bool:
    """Whether a rule, or a part of it, says the same as a rule of another linter."""
    return any(peer_id in ids for ids in rule.equivalents.values())


def search_rules(*, like: str | None, kind: str | None, profile: str | None) -> list[Rule]:
    """The rules that fit all that is asked. Raises SelectionError where none does."""
    bounds = rules.load_rules()
    matching = rules.unique_rules(bounds)
    if like:
        matching = [rule for rule in matching if has_equivalent(rule, like)]
    if kind:
        matching = [rule for rule in matching if rule.kind == kind]
    if profile:
        none = selection.SelectionWords((), ())
        active = selection.choose_active_pairs(bounds, rules.rules_folder(), profile=profile, select=none, ignore=none)
        matching = [selection.with_counted_tiers(rule, active) for rule in matching if rule.id in active]
    if not matching:
        asked = " ".join(f"{word} {value!r}" for word, value in (("like", like), ("of kind", kind)) if value)
        raise selection.SelectionError(f"there is no rule {asked}".rstrip())
    return matching


def facts_tables() -> list[FactsTable]:
    """The tables of facts, by topic. Raises FactsError."""
    return [table.facts_table(topic) for topic in table.fact_topics()]


def facts_row(facts: FactsTable, today: datetime.date) -> dict[str, Any]:
    """The head of a table of facts as JSON, with its age in days."""
    return {
        "topic": facts.topic,
        "rows": len(facts.rows),
        "source": list(facts.source),
        "read": facts.read_on.isoformat(),
        "every": facts.trusted_days,
        "age": facts.age_in_days(today),
        "stale": facts.is_stale(today),
        "made_by": facts.made_by,
    }


def checklist_questions() -> dict[str, str]:
    """What every checklist item asks, by its id."""
    return {item.id: item.question for one in all_checklists() for item in one.items}


def rules_of_checklists(names: Sequence[str]) -> tuple[str, ...]:
    """The rules, or those of their tiers, that say something of an item of these checklists."""
    return tuple(
        str(RuleName(rule.id, tier.name))
        for rule in catalogue()
        for tier in rule.tiers or (rule.tier_by_name(""),)
        if any(item.partition(".")[0] in names for item in tier.checklist)
    )


@memo
def all_checklists() -> tuple[checklist.Checklist, ...]:
    """The checklists that ship with the tool."""
    return checklist.load_checklists(rules.rules_folder() / "checklists")


def admission_lines(paths: Sequence[str]) -> Iterator[str]:
    """For every workload under the paths, which level of the Pod Security Standards admits it, and why not more."""
    from readiness.loading import assemble
    from readiness.reports import admission as admitted
    from readiness.run.pipeline import core_rules

    settings = _load_config(True)
    core = {bound.rule.id: bound.rule for bound in core_rules()}
    assembly = assemble.assemble_projects(
        discover.discover_files(paths, settings.exclude, prefix=settings.prefix), core, judge_documents=settings.documents
    )
    yield from (f"{one.path}:{one.line}: {one.message}" for one in assembly.parse_findings)
    lines = list(admitted.admission_lines(assembly.projects))
    yield from lines or ["no workload was found"]


def split_checklist_arguments(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """(names, paths) of the arguments of `readiness checklist`: the first may be the name of a checklist."""
    known = [one.source_document for one in all_checklists()]
    if arguments and arguments[0] in known:
        return [arguments[0]], list(arguments[1:])
    if arguments and not Path(arguments[0]).exists():
        raise checklist.ChecklistError(f"{arguments[0]!r} is neither a path nor a checklist; there are {', '.join(known)}")
    return known, list(arguments)


def baseline_text(report: Report) -> str:
    """The baseline file of a report's open findings."""
    return baseline.baseline_text(report.findings, Redactor(report.hidden).mask_text)


@memo
def catalogue() -> tuple[Rule, ...]:
    """Every rule of the tool, by id."""
    return tuple(rules.unique_rules(rules.load_rules()))
