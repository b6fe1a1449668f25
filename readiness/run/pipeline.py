"""One run: what was found on disk, held against the rules that were asked for, to findings that are marked and stamped."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from functools import cache
from pathlib import Path

from readiness import kinds, redaction
from readiness.loading import assemble, discover
from readiness.loading.assembly import Assembly, FileStatus
from readiness.loading.deployed import DeploymentEvidence
from readiness.loading.discover import Surroundings
from readiness.loading.render.made import RenderInput
from readiness.loading.variants import Production, Variants
from readiness.model import Finding, Rule, join_names
from readiness.model.crash import CEILING, COPIES, EVIDENCE, PURPOSES, SERVICES, SUPPRESSIONS
from readiness.model.records import dataclass
from readiness.model.service import Service
from readiness.programs.budget import one_run_budget
from readiness.ruleset import rules
from readiness.ruleset import select as selection
from readiness.ruleset.bound import LoadedRule
from readiness.ruleset.names import RuleName, RuleNames
from readiness.run import ceiling, engine, purposes, secrecy
from readiness.run.crashes import Parts, link_project
from readiness.run.groups import needed_rule_groups
from readiness.run.parameters import apply_parameters
from readiness.run.removals import relocate_rendered_findings
from readiness.run.run_settings import RunSettings
from readiness.settings import SETTINGS_FILENAME, Config
from readiness.syntax.expansion import expansion_counted_for_run
from readiness.triage import baseline, copies, foreign, suppress
from readiness.triage.services.found import find_services_of_findings
from readiness.triage.unjudged import RULE_IDS_THAT_NOTHING_SILENCES
from readiness.verdict import evidence
from readiness.verdict.checklist import EvidencePlace
from readiness.verdict.edit_groups import with_edit_groups


@dataclass(slots=True)
class RunResult:
    """What a run gives: the files, the findings, what every rule looked at, and where secrets stand.

    `rules` are all that were loaded, `active_rules` says which of their hits count. `silenced_by_others_count` says how many
    findings of each rule the comments of other linters left out, `evidence_by_fact` what the files show for checklists,
    `notices` which names of rules are out of date, `render_inputs` what rendering read, `context` what was read around the
    judged files, `environments` which variants were taken for production, `undeployed_paths` the files that nothing deploys, whose findings were
    lowered for that. `production` says that not all of it is for something else. `services` are what a team would call one.
    `refused_comment_count` and `refused_purpose_count` are what the files of the tree say and settings lock.
    """

    file_statuses: list[FileStatus]
    ignored_file_count: int
    rules: tuple[Rule, ...]
    active_rules: selection.ActivePairsByRuleId
    tally_by_rule: dict[str, engine.RuleTally]
    subject_count_by_path: dict[str, int]
    findings: list[Finding]
    secret_places: list[redaction.SecretPlace]
    silenced_by_others_count: dict[str, int] = field(default_factory=dict)
    evidence_by_fact: Mapping[str, tuple[EvidencePlace, ...]] = field(default_factory=dict)
    render_inputs: list[RenderInput] = field(default_factory=list)
    notices: tuple[str, ...] = ()
    context: Surroundings = field(default_factory=Surroundings)
    environments: tuple[Production, ...] = ()
    undeployed_paths: tuple[str, ...] = ()
    production: bool = True
    services: tuple[Service, ...] = ()
    refused_comment_count: int = 0
    refused_purpose_count: int = 0


@dataclass(slots=True)
class RuleSelection:
    """What a run was asked for, worked out: the rules, which of their hits count, what is locked, and all names."""

    names: RuleNames
    loaded_rules: list[LoadedRule]
    active_rules: selection.ActivePairsByRuleId
    locked_rules: selection.SelectionWords


def run_pipeline(
    discovered: discover.DiscoveredFiles,
    settings: RunSettings,
    today: datetime.date,
    report_progress: Callable[[int, int], None] | None = None,
) -> RunResult:
    """Sources to findings, suppressed ones marked. `report_progress` is told how many rules of how many are done."""
    core_rule_by_id = {one.rule.id: one.rule for one in load_core_rules()}
    assembly = _assemble_projects_and_variants(discovered, settings, core_rule_by_id, today)
    parts = Parts(assembly, core_rule_by_id["core/crash"])
    purpose_findings: list[Finding] = parts.result(PURPOSES, lambda: _state_purposes(assembly, settings, core_rule_by_id["core/purpose-invalid"]), [])
    assembly.parse_findings += purpose_findings
    marked_secrets = secrecy.mark_secrets(discovered, assembly)
    run_rules = _load_and_select_rules(assembly, settings)
    active_pairs_by_rule = run_rules.active_rules
    # Rules that stand on secret values always run: what they find is masked in every other finding's lines.
    running_rules = [one for one in run_rules.loaded_rules if one.rule.marks_secrets or selection.must_tier_run(one, active_pairs_by_rule)]
    engine_result = _run_rules_on_projects(assembly, running_rules, core_rule_by_id, settings.jobs, report_progress)
    engine_result.findings += (shellcheck_findings := _requested_shellcheck_findings(assembly, settings, core_rule_by_id["core/script-unjudged"]))
    active_pairs_by_rule |= {one.rule: selection.ANY_TIER_AND_PART for one in shellcheck_findings}
    services: tuple[Service, ...] = parts.result(SERVICES, lambda: find_services_of_findings(assembly, engine_result).services, ())
    parts.result(PURPOSES, lambda: purposes.record_purposes_in_file_statuses(assembly), None)
    assembly.record_unread_parts()
    relocate_rendered_findings(assembly, engine_result, running_rules, core_rule_by_id, parts)
    found = [*assembly.parse_findings, *engine_result.findings]
    lowered: tuple[list[Finding], tuple[str, ...]] = parts.result(CEILING, lambda: _lower_severities(found, discovered), (found, ()))
    all_findings = engine.sort_and_deduplicate([*lowered[0], *parts.take_findings()])
    active_findings = [one for one in all_findings if selection.is_finding_active(one, active_pairs_by_rule) or one.rule == "core/crash"]
    evidence_by_fact: Mapping[str, tuple[EvidencePlace, ...]] = parts.result(EVIDENCE, lambda: evidence.collect_evidence(assembly.projects), {})
    triaged_findings, silenced_count_by_rule_id = _suppress_and_fingerprint_findings(active_findings, assembly, run_rules, settings, today, parts)
    run_result = RunResult(
        file_statuses=assembly.file_statuses,
        ignored_file_count=assembly.ignored_file_count,
        rules=(*rules.rules_without_repeated_tiers(run_rules.loaded_rules), *{one.rule: one.rule_definition for one in shellcheck_findings}.values()),
        active_rules=active_pairs_by_rule,
        tally_by_rule=engine_result.tally_by_rule,
        subject_count_by_path=engine_result.subject_count_by_path,
        findings=triaged_findings,
        secret_places=redaction.find_secret_places(engine_result.findings, marked_secrets.places),
        silenced_by_others_count=silenced_count_by_rule_id,
        evidence_by_fact=evidence_by_fact,
        render_inputs=assembly.render_inputs,
        notices=(
            *run_rules.names.notices.values(),
            *assembly.notices,
            *assembly.budget.confinement_notices(),
            *purposes.notices_for_unused_purposes(discovered, settings.config, is_walked_whole=assembly.whole),
        ),
        production=purposes.may_have_production(assembly),
        context=discovered.context,
        environments=assembly.production,
        services=services,
        undeployed_paths=lowered[1],
        refused_comment_count=sum(one.message == suppress.LOCKED_COMMENT_PROBLEM for one in triaged_findings),
        refused_purpose_count=sum(one.message == purposes.LOCKED_PURPOSE_PROBLEM for one in purpose_findings),
    )
    return secrecy.run_result_without_secrets(run_result, marked_secrets)


def _state_purposes(assembly: Assembly, settings: RunSettings, invalid_purpose_rule: Rule) -> list[Finding]:
    """Tell files what they are for, by whoever states it; the findings on purposes that nobody knows."""
    purposes.set_stated_purposes(assembly, settings.config, settings.purpose)
    return purposes.findings_for_invalid_purposes(assembly, invalid_purpose_rule)


def _lower_severities(findings: Iterable[Finding], discovered: discover.DiscoveredFiles) -> tuple[list[Finding], tuple[str, ...]]:
    """The findings, those outside of what is deployed to production lowered, and the paths of what nothing deploys."""
    lowered_findings = ceiling.lower_severities_of_other_environments(findings)
    evidence = DeploymentEvidence(discovered)
    return ceiling.lower_severities_in_undeployed_files(lowered_findings, evidence.evidence_for, evidence.shows_production, evidence.passes_over)


def _assemble_projects_and_variants(
    discovered: discover.DiscoveredFiles, settings: RunSettings, core_rule_by_id: dict[str, Rule], today: datetime.date
) -> Assembly:
    """What was found, as projects of a day, with what is to be told of settings that name nothing."""
    production_variants = Variants(settings.config.environments, settings.config.prefix)
    with expansion_counted_for_run():
        assembly = assemble.assemble_projects(
            discovered,
            core_rule_by_id,
            may_judge_documents=settings.documents,
            render=settings.render,
            helm_values=settings.helm_values,
            variants=production_variants,
        )
    for project in assembly.every_project:
        project.today = today
    assembly.whole = discover.is_walked_whole(discovered, settings.config.folder)
    assembly.production = tuple(production_variants.decisions)
    assembly.notices = production_variants.unused() if assembly.whole and settings.render else ()
    return assembly


def _load_and_select_rules(assembly: Assembly, settings: RunSettings) -> RuleSelection:
    """The rules that can have something to say, and what of them was asked for."""
    rule_names = RuleNames(settings.rules)
    settings_config = settings.config
    selected_words = selection.parse_rule_selectors(
        settings.select, rule_names, _selector_location_text(settings.select, settings_config.select, settings_config, "--select")
    )
    ignored_words = selection.parse_rule_selectors(
        settings.ignore, rule_names, _selector_location_text(settings.ignore, settings_config.ignore, settings_config, "--ignore")
    )
    locked_words = selection.parse_rule_selectors(settings_config.locked, rule_names, _settings_files_text(settings_config))
    profile_levels = selection.profile_levels_to_load(rules.rules_folder(), settings.profile, settings.select)
    loaded_rules = apply_parameters(rules.load_rules(settings.rules, needed_rule_groups(assembly), profile_levels), settings_config, rule_names)
    active_pairs_by_rule = selection.active_pairs_by_rule_id(
        loaded_rules,
        rules.rules_folder(),
        profile_name=settings.profile,
        selection=selected_words,
        ignored_selection=ignored_words,
    )
    _keep_unjudged_rules_active(active_pairs_by_rule, settings, rule_names)
    return RuleSelection(rule_names, loaded_rules, active_pairs_by_rule, locked_words)


def _keep_unjudged_rules_active(active_pairs_by_rule: selection.ActivePairsByRuleId, settings: RunSettings, rule_names: RuleNames) -> None:
    """Count what says that something has no verdict, whatever the settings of the tree leave out.

    `--ignore` is the caller's word and may. Raises SelectionError for a word in the settings that could have no effect.
    """
    settings_config = settings.config
    for ignored_word in settings_config.ignore:
        if ignored_word in RULE_IDS_THAT_NOTHING_SILENCES:
            raise selection.SelectionError(
                f"{_settings_files_text(settings_config)}: ignore: {ignored_word} says that something has no verdict, and settings can't"
                " leave that out; mend what it names, or leave the file out under `exclude`"
            )
    command_line_ignores = selection.parse_rule_selectors(settings.ignore[len(settings_config.ignore) :], rule_names, "--ignore")
    for rule_id in sorted(RULE_IDS_THAT_NOTHING_SILENCES) if settings_config.ignore else ():
        if not command_line_ignores.covers_name(RuleName(rule_id)) and "correctness" not in command_line_ignores.id_prefixes_and_categories:
            active_pairs_by_rule.setdefault(rule_id, selection.ANY_TIER_AND_PART)


def _selector_location_text(selector_words: Sequence[str], words_in_settings: Sequence[str], settings_config: Config, option_name: str) -> str:
    """Where words stand: in the settings, or behind an option."""
    return _settings_files_text(settings_config) if selector_words and set(selector_words) <= set(words_in_settings) else option_name


def _settings_files_text(settings_config: Config) -> str:
    """The files that the settings come from."""
    return join_names(one.path for one in settings_config.sources) or SETTINGS_FILENAME


def _suppress_and_fingerprint_findings(
    findings: list[Finding],
    assembly: Assembly,
    run_rules: RuleSelection,
    settings: RunSettings,
    today: datetime.date,
    parts: Parts,
) -> tuple[list[Finding], dict[str, int]]:
    """The findings, those marked that do not count, and how many the comments of other linters left out."""
    suppression_policy = suppress.SuppressionPolicy(
        run_rules.names,
        run_rules.locked_rules,
        run_rules.active_rules,
        today,
        settings.config.prefix,
        None if assembly.whole else tuple(row.path for row in assembly.file_statuses),
        "comments" in settings.config.locked_words,
    )
    marked_findings = parts.result(
        SUPPRESSIONS, lambda: apply_own_suppressions(findings, assembly, run_rules.loaded_rules, suppression_policy, settings), findings
    )
    sorted_findings = engine.sort_and_deduplicate(marked_findings)
    findings_without_copies = parts.result(COPIES, lambda: copies.fold_copies(sorted_findings, assembly.parsed), sorted_findings)
    not_silenced: tuple[list[Finding], dict[str, int]] = parts.result(
        SUPPRESSIONS,
        lambda: apply_suppressions_of_other_linters(findings_without_copies, assembly, settings, suppression_policy),
        (findings_without_copies, {}),
    )
    findings_not_silenced, silenced_count_by_rule_id = not_silenced
    fingerprinted_findings = baseline.add_fingerprints(engine.sort_and_deduplicate([*findings_not_silenced, *parts.take_findings()]))
    settled_findings = _suppress_previously_known(fingerprinted_findings, suppression_policy, settings)
    grouped_findings = parts.result(COPIES, lambda: list(with_edit_groups(settled_findings)), settled_findings)
    return [*grouped_findings, *baseline.add_fingerprints(parts.take_findings())], silenced_count_by_rule_id


def _run_rules_on_projects(
    assembly: Assembly,
    running_rules: list[LoadedRule],
    core_rule_by_id: dict[str, Rule],
    process_count: int,
    report_progress: Callable[[int, int], None] | None,
) -> engine.EngineResult:
    """What the rules find in all projects, here or in `process_count` processes."""
    if process_count > 1:
        from readiness.run import parallel

        for project in assembly.projects:  # what documents are is asked here, too, not only where rules run, which tell what crashes
            link_project(project, core_rule_by_id["core/crash"], [])
        return parallel.run_parallel(assembly.projects, running_rules, core_rule_by_id, assembly.sources, process_count)
    engine_result = engine.EngineResult()
    on_rule_done = engine.make_rule_progress_callback(assembly.projects, running_rules, report_progress) if report_progress else None
    for project in assembly.projects:
        engine.run_rules(project, running_rules, core_rule_by_id, engine_result, on_rule_done)
    return engine_result


def _suppress_previously_known(findings: list[Finding], policy: suppress.SuppressionPolicy, settings: RunSettings) -> list[Finding]:
    """The findings, those marked that a baseline or an earlier revision had already.

    A baseline lies in the tree, so it says nothing of what has no verdict; an earlier revision is nobody's word.
    """
    if settings.baseline:
        known_finding_counts = baseline.load_baseline(settings.baseline)
        known_finding_counts = baseline.replace_former_fingerprints(findings, known_finding_counts, policy.names, settings.baseline.name)
        findings = baseline.suppress_known_findings(
            findings,
            known_finding_counts,
            "baseline",
            "known when the baseline was written",
            is_exempt=lambda one: one.rule in RULE_IDS_THAT_NOTHING_SILENCES,
        )
    if settings.since is not None:
        known_finding_counts = _known_findings_of_revision(settings, policy.today)
        findings = baseline.suppress_known_findings(findings, known_finding_counts, "since", f"stood already where this branch left {settings.since}")
    return findings


def _requested_shellcheck_findings(assembly: Assembly, settings: RunSettings, unjudged_rule: Rule) -> list[Finding]:
    """What ShellCheck says where it is asked, but for what --ignore leaves out or --select does not name."""
    if not settings.shellcheck:
        return []
    from readiness.run.external import shellcheck

    return [
        one
        for one in shellcheck.shellcheck_findings(assembly.projects, unjudged_rule, assembly.budget)
        if one.rule_definition is unjudged_rule or selection.is_selected_and_not_ignored(one.rule_definition, settings.select, settings.ignore)
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
    from readiness.loading.render.relocate import relocate_suppression as told

    rule_by_id = {bound.rule.id: bound.rule for bound in loaded_rules}
    written_sources = [source for source in assembly.sources if not isinstance(source.root, GeneratedSource)]
    suppression_directives = [one for source in written_sources for one in suppress.comment_directives(source)]
    for project in assembly.projects:
        for kind, documents in project.by_kind.items():
            for document in documents:
                suppression_directives += [
                    suppress.annotation_directive(told(suppression_note), policy.names)
                    for suppression_note in kinds.annotation_suppressions_of(kind, document)
                ]

    marked_findings = suppress.apply_suppressions(
        findings,
        suppression_directives,
        settings.config.waivers,
        rule_by_id=rule_by_id,
        policy=policy,
    )
    context_paths = assembly.context  # what is wrong with a suppression there is told where it is judged
    return [one for one in marked_findings if one.rule not in suppress.SUPPRESSION_RULE_IDS or one.path not in context_paths]


def apply_suppressions_of_other_linters(
    findings: list[Finding],
    assembly: Assembly,
    settings: RunSettings,
    policy: suppress.SuppressionPolicy,
) -> tuple[list[Finding], dict[str, int]]:
    """The findings that no comment for another linter silences, and how many of each rule one does."""
    if not settings.foreign_ignores:
        return findings, {}
    from readiness.loading.render.relocate import relocate_suppression as told

    foreign_directives = (
        directive
        for project in assembly.projects
        for kind, documents in project.by_kind.items()
        for document in documents
        for directive in foreign.directives_for_other_linters(kind, document, told)
    )
    return foreign.drop_findings_silenced_elsewhere(findings, foreign_directives, policy.is_locked)


def _known_findings_of_revision(settings: RunSettings, today: datetime.date) -> baseline.KnownFindingCounts:
    """What was found where this branch left the revision that was asked for."""
    from readiness.triage import revision

    settings_config = settings.config

    def find_in_earlier_tree(earlier_tree: Path) -> Iterable[Finding]:
        discovered_files = discover.discover_files(
            [earlier_tree], settings_config.exclude, working_directory=earlier_tree, glob_prefix=settings_config.prefix
        )
        with one_run_budget():
            return run_pipeline(discovered_files, replace(settings, since=None, baseline=None), today).findings

    return revision.finding_counts_at_revision(settings.since or "", find_in_earlier_tree)


@cache
def load_core_rules() -> tuple[LoadedRule, ...]:
    """The rules about files that cannot be judged; there are few and they are always needed."""
    return tuple(rules.load_rules(rule_groups=("core",)))
