"""One run: what was found on disk, held against the rules that were asked for, to findings that are marked and stamped."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from readiness import kinds, redaction
from readiness.loading import assemble, discover
from readiness.loading.assembly import Assembly, FileStatus
from readiness.loading.discover import Surroundings
from readiness.loading.render.made import RenderInput, written_place
from readiness.loading.variants import Production, Variants
from readiness.model import NOT_RENDERED_RULE, UNJUDGED_RULES, Finding, Rule, Source, Span
from readiness.ruleset import rules
from readiness.ruleset import select as selection
from readiness.ruleset.bound import LoadedRule
from readiness.ruleset.names import RuleName, RuleNames
from readiness.run import engine, purposes
from readiness.run.groups import rule_groups
from readiness.run.parameters import apply_parameters
from readiness.settings import SETTINGS_FILENAME, Config
from readiness.triage import baseline, copies, foreign, suppress
from readiness.triage.unjudged import broken_paths, is_missing_verdict_finding
from readiness.verdict import evidence
from readiness.verdict.checklist import EvidencePlace


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What a run was asked for, options and settings file together; an option beats the file."""

    profile: str
    select: tuple[str, ...]
    ignore: tuple[str, ...]
    fail_on: str
    min_score: int | None
    checklists: tuple[str, ...]
    documents: bool | None
    rules: tuple[Path, ...]
    baseline: Path | None
    since: str | None
    jobs: int
    render: bool
    strict_coverage: bool
    helm_values: tuple[Path, ...]
    context: bool
    foreign_ignores: bool
    shellcheck: bool
    purpose: str
    config: Config


@dataclass(slots=True)
class RunResult:
    """What a run gives: the files, the findings, what every rule looked at, and where secrets stand.

    `rules` are all that were loaded, `active_rules` says which of their hits count. `silenced_by_others_count` says how many
    findings of each rule the comments of other linters left out, `evidence_by_fact` what the files show for checklists,
    `notices` which names of rules are out of date, `render_inputs` what rendering read, `context` what was read around the
    judged files, `environments` which variants were taken for production. `production` says that not all of it is for something
    else.
    """

    file_statuses: list[FileStatus]
    ignored_file_count: int
    rules: tuple[Rule, ...]
    active_rules: selection.ActivePairsByRule
    tally_by_rule: dict[str, engine.RuleTally]
    subject_count_by_path: dict[str, int]
    findings: list[Finding]
    secret_places: list[tuple[Source, Span]]
    silenced_by_others_count: dict[str, int] = field(default_factory=dict)
    evidence_by_fact: Mapping[str, tuple[EvidencePlace, ...]] = field(default_factory=dict)
    render_inputs: list[RenderInput] = field(default_factory=list)
    notices: tuple[str, ...] = ()
    context: Surroundings = field(default_factory=Surroundings)
    environments: tuple[Production, ...] = ()
    production: bool = True


@dataclass(slots=True)
class RuleSelection:
    """What a run was asked for, worked out: the rules, which of their hits count, what is locked, and all names."""

    names: RuleNames
    loaded_rules: list[LoadedRule]
    active_rules: selection.ActivePairsByRule
    locked_rules: selection.SelectionWords


def run_pipeline(
    discovered: discover.DiscoveredFiles,
    settings: RunSettings,
    today: datetime.date,
    progress: Callable[[int, int], None] | None = None,
) -> RunResult:
    """Sources to findings, suppressed ones marked. `progress` is told how many rules of how many are done."""
    core = {one.rule.id: one.rule for one in core_rules()}
    assembly = _assemble(discovered, settings, core)
    for project in assembly.every_project:
        project.today = today
    purposes.say_purposes(assembly, settings.config, settings.purpose)
    assembly.parse_findings += purposes.invalid_purposes(assembly, core["core/purpose-invalid"])
    asked = _select_rules(assembly, settings)
    active = asked.active_rules
    # Rules that stand on secret values always run: what they find is masked in every other finding's lines.
    running = [one for one in asked.loaded_rules if one.rule.marks_secrets or selection.must_run(one, active)]
    outcome = _run_engine(assembly, running, core, settings.jobs, progress)
    external = _shell_findings(assembly, settings, core["core/script-unjudged"])
    outcome.findings += external
    active |= {one.rule: selection.ALL_PAIRS for one in external}
    purposes.tell_purposes(assembly)
    _relocate_rendered_findings(assembly, outcome, running, core)
    read = [one for project in assembly.projects for kind in project.by_kind.values() for one in kind]
    hidden = redaction.hidden_places(outcome.findings, [one.source.root for one in read])
    found_all = engine.sort_and_deduplicate([*assembly.parse_findings, *outcome.findings])
    wanted = [one for one in found_all if selection.is_finding_active(one, active) or one.rule == "core/crash"]
    findings, left_out = _triage_findings(wanted, assembly, asked, settings, today)
    return RunResult(
        file_statuses=assembly.file_statuses,
        ignored_file_count=assembly.ignored_file_count,
        rules=(
            *rules.unique_rules(asked.loaded_rules),
            *{one.rule: one.rule_definition for one in external}.values(),
        ),
        active_rules=active,
        tally_by_rule=outcome.tally_by_rule,
        subject_count_by_path=outcome.subject_count_by_path,
        findings=findings,
        secret_places=hidden,
        silenced_by_others_count=left_out,
        evidence_by_fact=evidence.collect_evidence(assembly.projects),
        render_inputs=assembly.render_inputs,
        notices=(
            *asked.names.notices.values(),
            *assembly.notices,
            *purposes.unused_purposes(discovered, settings.config, whole=assembly.whole),
        ),
        production=purposes.has_production(assembly),
        context=discovered.context,
        environments=assembly.production,
    )


def _assemble(discovered: discover.DiscoveredFiles, settings: RunSettings, core: dict[str, Rule]) -> Assembly:
    """What was found, as projects, with what is to be told of settings that name nothing."""
    variants = Variants(settings.config.environments, settings.config.prefix)
    assembly = assemble.assemble_projects(
        discovered,
        core,
        judge_documents=settings.documents,
        render=settings.render,
        helm_values=settings.helm_values,
        variants=variants,
    )
    assembly.whole = discover.is_walked_whole(discovered, settings.config.folder)
    assembly.production = tuple(variants.decisions)
    assembly.notices = variants.unused() if assembly.whole and settings.render else ()
    return assembly


def _relocate_rendered_findings(
    assembly: Assembly,
    result: engine.EngineResult,
    running_rules: list[LoadedRule],
    core_rules: dict[str, Rule],
) -> None:
    """Tell what was found in renderings where it was written."""
    if assembly.environment_count_by_path:
        from readiness.loading.render import relocate
        from readiness.run import removals

        removals.move_findings_to_removing_patches(assembly, result, running_rules, core_rules)
        result.findings = relocate.relocate_findings(result.findings, assembly.environment_count_by_path)
        assembly.parse_findings = relocate.relocate_findings(assembly.parse_findings, assembly.environment_count_by_path)
        for tally in result.tally_by_rule.values():
            places = dict.fromkeys(written_place(source, span) for source, span in tally.places)
            tally.places = list(places)


def _select_rules(assembly: Assembly, settings: RunSettings) -> RuleSelection:
    """The rules that can have something to say, and what of them was asked for."""
    names = RuleNames(settings.rules)
    file = settings.config
    select = selection.parse_words(settings.select, names, _place_of_words(settings.select, file.select, "--select"))
    ignore = selection.parse_words(settings.ignore, names, _place_of_words(settings.ignore, file.ignore, "--ignore"))
    locked = selection.parse_words(file.locked, names, SETTINGS_FILENAME, refuse_unknown=False)
    levels = selection.needed_levels(rules.rules_folder(), settings.profile, settings.select)
    bounds = apply_parameters(rules.load_rules(settings.rules, rule_groups(assembly), levels), file, names)
    active = selection.choose_active_pairs(bounds, rules.rules_folder(), profile=settings.profile, select=select, ignore=ignore)
    _keep_unjudged(active, settings, names)
    return RuleSelection(names, bounds, active, locked)


def _keep_unjudged(active: selection.ActivePairsByRule, settings: RunSettings, names: RuleNames) -> None:
    """Count what says that something has no verdict, whatever the settings of the tree leave out.

    `--ignore` is the caller's word and may. Raises SelectionError for a word in the settings that could have no effect.
    """
    file = settings.config
    for word in file.ignore:
        if word in UNJUDGED_RULES:
            raise selection.SelectionError(
                f"{SETTINGS_FILENAME}: ignore: {word} says that something has no verdict, and the settings can't leave that out;"
                " mend what it names, or leave the file out under `exclude`"
            )
    asked = selection.parse_words(settings.ignore[len(file.ignore) :], names, "--ignore")
    for rule in (*UNJUDGED_RULES, NOT_RENDERED_RULE) if file.ignore else ():
        if not asked.covers_name(RuleName(rule)) and "correctness" not in asked.id_prefixes_and_categories:
            active.setdefault(rule, selection.ALL_PAIRS)


def _place_of_words(words: Sequence[str], words_in_settings: Sequence[str], option: str) -> str:
    """Where words stand: in the settings file, or behind an option."""
    return SETTINGS_FILENAME if words and set(words) <= set(words_in_settings) else option


def _triage_findings(
    findings: list[Finding],
    assembly: Assembly,
    selection: RuleSelection,
    settings: RunSettings,
    today: datetime.date,
) -> tuple[list[Finding], dict[str, int]]:
    """The findings, those marked that do not count, and how many the comments of other linters left out."""
    broken = broken_paths(assembly.file_statuses)
    law = suppress.SuppressionPolicy(
        selection.names,
        selection.locked_rules,
        selection.active_rules,
        today,
        broken,
        settings.config.prefix,
        None if assembly.whole else tuple(row.path for row in assembly.file_statuses),
    )
    marked = apply_own_suppressions(findings, assembly, selection.loaded_rules, law, settings)
    whole = copies.fold_copies(engine.sort_and_deduplicate(marked), assembly.parsed)
    kept, left_out = apply_suppressions_of_other_linters(whole, assembly, settings, law)
    stamped = baseline.add_fingerprints(engine.sort_and_deduplicate(kept))
    return _suppress_known(stamped, law, settings), left_out


def _run_engine(
    assembly: Assembly,
    running_rules: list[LoadedRule],
    core_rules: dict[str, Rule],
    jobs: int,
    progress: Callable[[int, int], None] | None,
) -> engine.EngineResult:
    """What the rules find in all projects, here or in `jobs` processes."""
    if jobs > 1:
        from readiness.run import parallel

        for project in assembly.projects:  # what documents are is asked here, too, not only where rules run
            kinds.link_documents(project.by_kind, project.paths, prose=project.prose)
        return parallel.run_parallel(assembly.projects, running_rules, core_rules, assembly.sources, jobs)
    outcome = engine.EngineResult()
    tick = engine.progress_ticks(assembly.projects, running_rules, progress) if progress else None
    for project in assembly.projects:
        engine.run_rules(project, running_rules, core_rules, outcome, tick)
    return outcome


def _suppress_known(findings: list[Finding], policy: suppress.SuppressionPolicy, settings: RunSettings) -> list[Finding]:
    """The findings, those marked that a baseline or an earlier revision had already.

    A baseline lies in the tree, so it says nothing of what has no verdict; an earlier revision is nobody's word.
    """
    if settings.baseline:
        known = baseline.load_baseline(settings.baseline)
        known = baseline.renew_fingerprints(findings, known, policy.names, settings.baseline.name)
        findings = baseline.suppress_known(
            findings,
            known,
            "baseline",
            "known when the baseline was written",
            is_exempt=lambda one: is_missing_verdict_finding(one, policy.broken_paths),
        )
    if settings.since is not None:
        known = _known_findings_of_revision(settings, policy.today)
        findings = baseline.suppress_known(findings, known, "since", f"stood already where this branch left {settings.since}")
    return findings


def _shell_findings(assembly: Assembly, settings: RunSettings, silent: Rule) -> list[Finding]:
    """What ShellCheck says where it is asked, but for what --ignore leaves out or --select does not name."""
    if not settings.shellcheck:
        return []
    from readiness.run.external import shellcheck

    return [
        one
        for one in shellcheck.shellcheck_findings(assembly.projects, silent)
        if one.rule_definition is silent or selection.is_asked_for(one.rule_definition, settings.select, settings.ignore)
    ]


def apply_own_suppressions(
    findings: list[Finding],
    assembly: Assembly,
    loaded_rules: Sequence[LoadedRule],
    policy: suppress.SuppressionPolicy,
    settings: RunSettings,
) -> list[Finding]:
    """The findings after comments, annotations and waivers."""
    from readiness.loading.render.made import GeneratedSource
    from readiness.loading.render.relocate import relocate_note as told

    known = {bound.rule.id: bound.rule for bound in loaded_rules}
    written = [source for source in assembly.sources if not isinstance(source.root, GeneratedSource)]
    directives = [one for source in written for one in suppress.comment_directives(source)]
    for project in assembly.projects:
        for kind, documents in project.by_kind.items():
            for document in documents:
                directives += [
                    suppress.annotation_directive(told(note), policy.names) for note in kinds.suppression_notes(kind, document)
                ]

    marked = suppress.apply_suppressions(
        findings,
        directives,
        settings.config.waivers,
        catalogue=known,
        policy=policy,
        config=settings.config.source,
    )
    aside = assembly.context  # what is wrong with a suppression there is told where it is judged
    return [one for one in marked if one.rule not in suppress.OWN or one.path not in aside]


def apply_suppressions_of_other_linters(
    findings: list[Finding],
    assembly: Assembly,
    settings: RunSettings,
    policy: suppress.SuppressionPolicy,
) -> tuple[list[Finding], dict[str, int]]:
    """The findings that no comment for another linter silences, and how many of each rule one does."""
    if not settings.foreign_ignores:
        return findings, {}
    from readiness.loading.render.relocate import relocate_note as told

    directives = (
        directive
        for project in assembly.projects
        for kind, documents in project.by_kind.items()
        for document in documents
        for directive in foreign.directives_for_other_linters(kind, document, told)
    )
    return foreign.drop_findings_silenced_for_others(findings, directives, policy.is_locked)


def _known_findings_of_revision(settings: RunSettings, today: datetime.date) -> baseline.KnownFindingCounts:
    """What was found where this branch left the revision that was asked for."""
    from readiness.triage import revision

    file = settings.config

    def find_in_earlier_tree(tree: Path) -> Iterable[Finding]:
        files = discover.discover_files([tree], file.exclude, base=tree, prefix=file.prefix)
        return run_pipeline(files, replace(settings, since=None, baseline=None), today).findings

    return revision.findings_since(settings.since or "", find_in_earlier_tree)


@cache
def core_rules() -> tuple[LoadedRule, ...]:
    """The rules about files that cannot be judged; there are few and they are always needed."""
    return tuple(rules.load_rules(groups=("core",)))
