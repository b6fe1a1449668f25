"""The pipeline, and the public API: paths and settings in, a report out."""

from __future__ import annotations

import datetime
import inspect
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache as memo
from pathlib import Path
from typing import Any

from readiness import settings as config
from readiness.facts import table
from readiness.facts.table import FactsError, FactsTable
from readiness.loading import discover, standard_input
from readiness.loading.listing import ListedFile, listed_files
from readiness.loading.report_paths import ReportPaths
from readiness.model import Finding, Rule
from readiness.redaction import Redactor
from readiness.ruleset import rules
from readiness.ruleset import select as selection
from readiness.ruleset.bound import LoadedRule
from readiness.ruleset.names import RuleName, RuleNames
from readiness.ruleset.rule_file import RuleError
from readiness.ruleset.search import has_equivalent, rules_matching_words
from readiness.run import deadline
from readiness.run.deadline import RunTimeoutError
from readiness.run.external import ShellcheckError
from readiness.run.parallel import ParallelError
from readiness.run.pipeline import RunResult, run_pipeline
from readiness.run.preparation import settings_and_files
from readiness.run.previously_known import unjudged_texts
from readiness.run.report_of_run import all_checklists, report_of_run, score_at_revision
from readiness.run.run_settings import OptionError, RunSettings, load_settings_of_run
from readiness.run.shown_settings import ShownSetting, shown_settings
from readiness.settings import Config
from readiness.triage import baseline
from readiness.verdict import checklist
from readiness.verdict.report import Report

_PARAMETERS_OF_THE_RUN_ITSELF = frozenset({"paths", "cache", "stdin", "timeout", "today", "timing", "progress", "base"})
STDIN_LIMIT = discover.MAX_SOURCE_BYTES
USER_ERRORS = (
    config.ConfigError,
    selection.SelectionError,
    RuleError,
    baseline.BaselineError,
    checklist.ChecklistError,
    discover.MissingPathError,
    standard_input.StandardInputError,
    OptionError,
    ParallelError,
    RunTimeoutError,
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
    extend_select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    exclude: Sequence[str] = (),
    profile: str | None = None,
    fail_on: str | None = None,
    min_score: int | None = None,
    config: str | os.PathLike[str] | bool | Config = False,
    settings_from: str | None = None,
    rules: Sequence[str | os.PathLike[str]] = (),
    baseline: str | os.PathLike[str] | bool | None = None,
    since: str | None = None,
    at: tuple[str, str] | None = None,
    documents: bool | None = None,
    render: bool = True,
    strict_coverage: bool = False,
    helm_values: Sequence[str | os.PathLike[str]] = (),
    context: bool = True,
    for_commit: bool = False,
    foreign_ignores: bool = True,
    shellcheck: bool | None = None,
    checklists: Sequence[str] | None = None,
    purpose: str = "",
    cache: bool = False,
    jobs: int = 1,
    stdin: bytes | None = None,
    stdin_filename: str = "",
    timeout: float | None = None,
    today: datetime.date | None = None,
    timing: bool = False,
    progress: Callable[[int, int], None] | None = None,
    base: Path | None = None,
) -> Report:
    """The report on files and folders.

    `baseline` is a baseline file; by default that of the settings counts, and with False none.
    `config` is a settings file, or what one would say, with the nearest one of the tree below it; True for the nearest one alone, False for
    none. `settings_from` is
    a revision of the repository: its settings then take the place of the tree's own. `today` (default: the clock) is the
    day by which dated suppressions and the updates of releases end. `base` (default: the working directory) is what paths are
    relative to. `context` says whether the files around the paths in their repository are read for joins, and not judged.
    `at` is (a revision, a later one): judged is the tree where the later one left the first, by the settings of today.
    `for_commit` judges as a hook does: what git does not track is left out, and nothing is said of files that were not given.
    `stdin` is what standard input holds, a file of the run called `-`, or judged as the file `stdin_filename`.
    `foreign_ignores` says whether comments for other linters count. `strict_coverage` fails the gate
    where something was not judged, for whatever reason. `purpose` is what all files are for,
    whatever says otherwise: "production", or empty where each is asked. `timeout` is after how many seconds the run is
    given up. `progress` is told how many rules of how many are done. Raises one of USER_ERRORS where the tool cannot do its work.
    """
    options = {name: value for name, value in locals().items() if name not in _PARAMETERS_OF_THE_RUN_ITSELF}
    phase_timestamps = [time.perf_counter()] if timing else []
    with deadline.end_after(_verified_timeout(timeout)), settings_and_files(paths, base, stdin, options) as (discovered, settings):
        phase_timestamps.append(time.perf_counter())
        run_date = today or datetime.date.today()
        run_function = _run_or_load_from_cache if cache and since is None and settings_from is None else run_pipeline
        run_result = run_function(discovered, settings, run_date, progress)
        phase_timestamps.append(time.perf_counter())
        seconds_by_phase = {"read": phase_timestamps[1] - phase_timestamps[0], "judge": phase_timestamps[2] - phase_timestamps[1]} if timing else None
        score_before = score_at_revision(run_result, settings, discovered)
        unjudged_text_by_path = unjudged_texts(run_result.file_statuses, discovered)
        return report_of_run(run_result, settings, seconds_by_phase, score_before, unjudged_text_by_path)


def settings_of_path(path: str, **options: Any) -> list[ShownSetting]:
    """The settings that hold for a path, each with where it comes from. `options` are those of `check`. Raises one of USER_ERRORS."""
    base: Path = options.get("base") or Path.cwd()
    with settings_and_files([path], options.get("base"), None, _with_defaults(options)) as (_, settings):
        return shown_settings(settings, ReportPaths(base.absolute()).report_path(path))


def files_of_paths(paths: Sequence[str | os.PathLike[str]], **options: Any) -> list[ListedFile]:
    """Every file under some paths, and why it was judged or not. `options` are those of `check`. Raises one of USER_ERRORS."""
    with settings_and_files(paths, options.get("base"), None, _with_defaults(options)) as (discovered, settings):
        run_result = run_pipeline(discovered, settings, options.get("today") or datetime.date.today())
        reason_by_path = {one.name: f"of {one.linter}, for what has an equal here" for one in settings.peers}
        reason_by_path |= {one.path: "of this run" for one in settings.config.sources}
        rows = [(path, "settings", reason) for path, reason in reason_by_path.items()]
        rows += [(one.path, one.status, one.reason or one.purpose) for one in run_result.file_statuses if one.kind or one.path not in reason_by_path]
        redactor = Redactor(run_result.secret_places)
        return [ListedFile(one.path, one.status, redactor.mask_text(one.reason)) for one in listed_files(discovered, rows)]


def _with_defaults(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of `check`, those that were not given as they are by default."""
    defaults = {name: one.default for name, one in inspect.signature(check).parameters.items()}
    return {name: value for name, value in {**defaults, **options}.items() if name not in _PARAMETERS_OF_THE_RUN_ITSELF}


def _verified_timeout(timeout: float | None) -> float | None:
    if timeout is not None and (timeout_problem := deadline.timeout_error_text(timeout)):
        raise OptionError(timeout_problem)
    return timeout


def _run_or_load_from_cache(
    discovered: discover.DiscoveredFiles,
    settings: RunSettings,
    today: datetime.date,
    progress: Callable[[int, int], None] | None,
) -> RunResult:
    """The run, or what the cache kept of the same one."""
    from readiness.run import cache

    result_cache = cache.user_result_cache()
    if not result_cache.is_outside_scanned_tree(discovered):
        return run_pipeline(discovered, settings, today, progress)
    cache_key = cache.result_cache_key(discovered, settings, today.isoformat())
    run_result = result_cache.load(cache_key, discovered, settings)
    if run_result is None:
        run_result = run_pipeline(discovered, settings, today, progress)
        result_cache.store_result(cache_key, run_result)
    return run_result


def find_rules(name: str) -> tuple[list[list[LoadedRule]], list[str]]:
    """The rules that a name means, each with its tiers, and notices on a name that is out of date.

    A name is an id, the part after its slash, an id with a tier or part, an id that a rule had before, or another
    linter's id. Raises SelectionError.
    """
    loaded_rules_by_id: dict[str, list[LoadedRule]] = {}
    for loaded_rule in rules.load_rules():
        loaded_rules_by_id.setdefault(loaded_rule.rule.id, []).append(loaded_rule)
    rule_names = RuleNames()
    matching_rule_ids = [one for one in loaded_rules_by_id if name in {one, one.partition("/")[2]}]
    if not matching_rule_ids:
        candidate_names = [name, *rule_names.ids_ending_with(name)]
        matching_rule_ids = [one.rule_id for word in candidate_names for one in rule_names.names_of(word) if one.rule_id in loaded_rules_by_id]
    if not matching_rule_ids:
        matching_rule_ids = [one for one, (first, *_) in loaded_rules_by_id.items() if has_equivalent(first.rule, name)]
    if not matching_rule_ids:
        raise selection.SelectionError(selection.unknown_selector_text(name))
    return [loaded_rules_by_id[one] for one in dict.fromkeys(matching_rule_ids)], list(rule_names.notices.values())


def search_rules(*, like: str | None, kind: str | None, profile: str | None, words: Sequence[str] = ()) -> list[Rule]:
    """The rules that fit all that is asked, those that fit `words` best first. Raises SelectionError where none does."""
    loaded_rules = rules.load_rules()
    matching_rules = rules.rules_without_repeated_tiers(loaded_rules)
    if like:
        matching_rules = [rule for rule in matching_rules if has_equivalent(rule, like)]
    if kind:
        matching_rules = [rule for rule in matching_rules if rule.kind == kind]
    if profile:
        choice = selection.RuleChoice(*selection.load_profile_levels_and_selectors(rules.rules_folder(), profile))
        active_rules = selection.active_pairs_by_rule_id(loaded_rules, choice)
        matching_rules = [selection.rule_with_active_tiers_only(rule, active_rules) for rule in matching_rules if rule.id in active_rules]
    if words:
        matching_rules = rules_matching_words(matching_rules, words)
    if not matching_rules:
        criteria_text = " ".join(f"{word} {value!r}" for word, value in (("with", " ".join(words)), ("like", like), ("of kind", kind)) if value)
        hint = f"; `readiness rules {like}` looks for it as a word" if like else ""
        raise selection.SelectionError(f"there is no rule {criteria_text}".rstrip() + hint)
    return matching_rules


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


def admission_lines(paths: Sequence[str]) -> Iterator[str]:
    """For every workload under the paths, which level of the Pod Security Standards admits it, and why not more."""
    from readiness.loading import assemble
    from readiness.reports import admission as admitted
    from readiness.run.pipeline import load_core_rules

    core_rule_by_id = {bound.rule.id: bound.rule for bound in load_core_rules()}
    with settings_and_files(paths, None, None, _with_defaults({"config": True, "context": False, "baseline": False})) as (discovered, settings):
        assembly = assemble.assemble_projects(discovered, core_rule_by_id, may_judge_documents=settings.documents)
    yield from (f"{one.path}:{one.line}: {one.message}" for one in assembly.parse_findings)
    workload_lines = list(admitted.admission_lines(assembly.projects))
    yield from workload_lines or ["no workload was found"]


def split_checklist_arguments(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """(names, paths) of the arguments of `readiness checklist`: the first may be the name of a checklist."""
    known_checklist_names = [one.source_document for one in all_checklists()]
    if arguments and arguments[0] in known_checklist_names:
        return [arguments[0]], list(arguments[1:])
    if arguments and not Path(arguments[0]).exists():
        raise checklist.ChecklistError(f"{arguments[0]!r} is neither a path nor a checklist; there are {', '.join(known_checklist_names)}")
    return known_checklist_names, list(arguments)


def baseline_text(report: Report) -> str:
    """The baseline file of a report's open findings."""
    return baseline.baseline_file_text(report.findings, format_resource=Redactor(report.hidden).mask_text)


def pruned_baseline_text(report: Report) -> str:
    """The baseline file that a run was held against, without the entries that are fixed; what the run left out stays."""
    still_known = (one._replace(suppression=None) for one in report.findings if one.suppression and one.suppression.suppressed_by == "baseline")
    return baseline.baseline_file_text(still_known, report.baseline_outcome.unjudged, format_resource=Redactor(report.hidden).mask_text)


def new_findings_for_baseline(report: Report) -> list[Finding]:
    """The open findings that a baseline would have to take in."""
    return [one for one in report.open if baseline.may_be_known(one)]


def baseline_path_in_settings(config_option: str | os.PathLike[str] | bool) -> Path | None:
    """The baseline file that the settings of a run name."""
    return load_settings_of_run(config_option).baseline


@memo
def catalogue() -> tuple[Rule, ...]:
    """Every rule of the tool, by id."""
    return tuple(rules.rules_without_repeated_tiers(rules.load_rules()))
