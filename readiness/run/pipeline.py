"""One run: what was found on disk, held against the rules that were asked for, to findings that are marked and stamped."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from functools import cache, partial
from typing import NamedTuple

from readiness import kinds, redaction
from readiness.loading import assemble, discover, given
from readiness.loading.assembly import Assembly, FileStatus
from readiness.loading.deployed import DeploymentEvidence
from readiness.loading.discover import Surroundings
from readiness.loading.render.made import RenderInput
from readiness.loading.variants import Production, Variants
from readiness.model import Finding, Rule
from readiness.model.crash import CEILING, COPIES, EVIDENCE, PURPOSES, SERVICES, SUPPRESSIONS, UNUSED_SETTINGS
from readiness.model.records import dataclass
from readiness.model.service import Service
from readiness.ruleset import rules
from readiness.ruleset import select as selection
from readiness.ruleset.bound import LoadedRule
from readiness.run import ceiling, engine, purposes, secrecy
from readiness.run.crashes import Parts, link_project
from readiness.run.focus import findings_to_tell
from readiness.run.previously_known import RunScope, mark_previously_known
from readiness.run.removals import relocate_rendered_findings
from readiness.run.rule_choices import RuleSelection, select_rules
from readiness.run.run_settings import RunSettings
from readiness.run.unused_settings import (
    findings_for_unused_settings,
    merge_with_suppression_findings,
    notices_for_unused_excludes,
)
from readiness.settings.model import SETTING_UNUSED_RULE_ID
from readiness.syntax.expansion import expansion_counted_for_run
from readiness.triage import baseline, copies, foreign, foreign_settings, suppress
from readiness.triage.services.found import find_services_of_findings
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
    `baseline_outcome` is what became of the entries of a baseline, `earlier_run` what was found at the revision that was asked for.
    `left_out_count_by_rule` says how many findings of each rule settings for some paths left out, `left_out_by_peer_file` those of other linters,
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
    left_out_count_by_rule: dict[str, int] = field(default_factory=dict)
    left_out_by_peer_file: foreign_settings.LeftOutByFile = field(default_factory=dict)
    baseline_outcome: baseline.BaselineOutcome = baseline.BaselineOutcome()
    earlier_run: RunResult | None = None


class TriagedFindings(NamedTuple):
    """Findings, how many what was written for other linters left out, what became of a baseline, the run at a revision."""

    findings: list[Finding]
    silenced_count_by_rule_id: dict[str, int]
    left_out_by_peer_file: foreign_settings.LeftOutByFile
    baseline_outcome: baseline.BaselineOutcome
    earlier_run: RunResult | None


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
    run_rules = select_rules(assembly, settings)
    running_rules = _rules_that_run(run_rules)
    engine_result = _run_rules_on_projects(assembly, running_rules, core_rule_by_id, settings.jobs, report_progress)
    shellcheck_findings = _requested_shellcheck_findings(assembly, settings, core_rule_by_id["core/script-unjudged"], run_rules)
    engine_result.findings += shellcheck_findings
    run_rules.active_rules |= {one.rule: selection.ANY_TIER_AND_PART for one in shellcheck_findings}
    services: tuple[Service, ...] = parts.result(SERVICES, lambda: find_services_of_findings(assembly, engine_result).services, ())
    parts.result(PURPOSES, lambda: purposes.record_purposes_in_file_statuses(assembly), None)
    assembly.record_unread_parts()
    relocate_rendered_findings(assembly, engine_result, running_rules, core_rule_by_id, parts)
    found = [*run_rules.rated(assembly.parse_findings), *engine_result.findings]
    lowered: tuple[list[Finding], tuple[str, ...]] = parts.result(CEILING, lambda: _lower_severities(found, discovered), (found, ()))
    active_findings, left_out_count_by_rule = run_rules.split_by_activity(engine.sort_and_deduplicate([*lowered[0], *parts.take_findings()]))
    evidence_by_fact: Mapping[str, tuple[EvidencePlace, ...]] = parts.result(EVIDENCE, lambda: evidence.collect_evidence(assembly.projects), {})
    find_unused_settings = partial(findings_for_unused_settings, discovered, assembly, settings, run_rules, core_rule_by_id[SETTING_UNUSED_RULE_ID])
    unused_settings: list[Finding] = parts.result(UNUSED_SETTINGS, find_unused_settings, [])
    triaged = _suppress_and_fingerprint_findings(active_findings, unused_settings, assembly, run_rules, settings, today, parts)
    run_result = RunResult(
        file_statuses=assembly.file_statuses,
        ignored_file_count=assembly.ignored_file_count,
        rules=(*rules.rules_without_repeated_tiers(run_rules.loaded_rules), *{one.rule: one.rule_definition for one in shellcheck_findings}.values()),
        active_rules=run_rules.active_rules,
        tally_by_rule=engine_result.tally_by_rule,
        subject_count_by_path=engine_result.subject_count_by_path,
        findings=triaged.findings,
        secret_places=redaction.find_secret_places(engine_result.findings, marked_secrets.places),
        silenced_by_others_count=triaged.silenced_count_by_rule_id,
        left_out_count_by_rule=left_out_count_by_rule,
        left_out_by_peer_file=triaged.left_out_by_peer_file,
        evidence_by_fact=evidence_by_fact,
        render_inputs=assembly.render_inputs,
        notices=_notices_of_run(discovered, assembly, settings, run_rules),
        production=purposes.may_have_production(assembly),
        context=discovered.context,
        environments=assembly.production,
        services=services,
        undeployed_paths=lowered[1],
        refused_comment_count=sum(one.message == suppress.LOCKED_COMMENT_PROBLEM for one in triaged.findings),
        refused_purpose_count=sum(one.message == purposes.LOCKED_PURPOSE_PROBLEM for one in purpose_findings),
        baseline_outcome=triaged.baseline_outcome,
        earlier_run=triaged.earlier_run,
    )
    return secrecy.run_result_without_secrets(run_result, marked_secrets)


def _rules_that_run(run_rules: RuleSelection) -> list[LoadedRule]:
    """The active rules, and those that stand on secret values always: what they find is masked in every other finding's lines."""
    return [one for one in run_rules.loaded_rules if one.rule.marks_secrets or selection.must_tier_run(one, run_rules.active_rules)]


def _notices_of_run(discovered: discover.DiscoveredFiles, assembly: Assembly, settings: RunSettings, run_rules: RuleSelection) -> tuple[str, ...]:
    """What there is to say beside findings: names that are out of date, programs that are not confined, globs that fit nothing."""
    return (
        *run_rules.names.notices.values(),
        *assembly.notices,
        *assembly.budget.confinement_notices(),
        *notices_for_unused_excludes(discovered, settings),
        *purposes.notices_for_unused_purposes(discovered, settings.config, is_walked_whole=assembly.whole),
    )


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
    assembly.whole = given.is_walked_whole(discovered, settings.config.folder)
    assembly.is_gone, assembly.is_there = partial(given.is_gone, discovered), partial(given.is_there, discovered)
    assembly.is_told = partial(given.is_given, discovered) if settings.for_commit else None
    assembly.production = tuple(production_variants.decisions)
    assembly.notices = production_variants.unused() if assembly.whole and settings.render else ()
    return assembly


def _suppress_and_fingerprint_findings(
    findings: list[Finding],
    unused_setting_findings: list[Finding],
    assembly: Assembly,
    run_rules: RuleSelection,
    settings: RunSettings,
    today: datetime.date,
    parts: Parts,
) -> TriagedFindings:
    """The findings, those marked that do not count."""
    suppression_policy = suppress.SuppressionPolicy(
        run_rules.names,
        run_rules.locked_rules,
        run_rules.active_rules,
        today,
        settings.config.prefix,
        None if assembly.whole else tuple(row.path for row in assembly.file_statuses),
        "comments" in settings.config.locked_words,
        run_rules.pairs_at,
    )
    told_findings = findings_to_tell(findings, assembly)
    marked_findings = parts.result(
        SUPPRESSIONS, lambda: apply_own_suppressions(told_findings, assembly, run_rules, suppression_policy, settings), told_findings
    )
    told_settings = [one for one in unused_setting_findings if run_rules.is_active(one)]
    sorted_findings = engine.sort_and_deduplicate(findings_to_tell(merge_with_suppression_findings(marked_findings, told_settings), assembly))
    findings_without_copies = parts.result(COPIES, lambda: copies.fold_copies(sorted_findings, assembly.parsed), sorted_findings)
    by_others: tuple[list[Finding], dict[str, int], foreign_settings.LeftOutByFile] = parts.result(
        SUPPRESSIONS,
        lambda: drop_findings_ignored_elsewhere(findings_without_copies, assembly, settings, suppression_policy),
        (findings_without_copies, {}, {}),
    )
    findings_not_silenced, silenced_count_by_rule_id, left_out_by_peer_file = by_others
    fingerprinted_findings = baseline.add_fingerprints(engine.sort_and_deduplicate([*findings_not_silenced, *parts.take_findings()]))
    known = mark_previously_known(
        fingerprinted_findings,
        RunScope.of(assembly, run_rules.active_rules),
        settings,
        run_rules.names,
        lambda found, asked: run_pipeline(found, asked, today),
    )
    grouped_findings = parts.result(COPIES, lambda: list(with_edit_groups(known.findings)), known.findings)
    triaged_findings = [*grouped_findings, *baseline.add_fingerprints(parts.take_findings())]
    return TriagedFindings(triaged_findings, silenced_count_by_rule_id, left_out_by_peer_file, known.baseline_outcome, known.earlier_run)


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


def _requested_shellcheck_findings(assembly: Assembly, settings: RunSettings, unjudged_rule: Rule, run_rules: RuleSelection) -> list[Finding]:
    """What ShellCheck says where it is asked, but for what --ignore leaves out or --select does not name."""
    if not settings.shellcheck:
        return []
    from readiness.run.external import shellcheck

    return run_rules.rated(
        one
        for one in shellcheck.shellcheck_findings(assembly.projects, unjudged_rule, assembly.budget)
        if one.rule_definition is unjudged_rule or selection.is_rule_chosen_by_words(one.rule_definition, run_rules.choices.base)
    )


def apply_own_suppressions(
    findings: list[Finding],
    assembly: Assembly,
    run_rules: RuleSelection,
    policy: suppress.SuppressionPolicy,
    settings: RunSettings,
) -> list[Finding]:
    """The findings after comments, annotations and waivers."""
    from readiness.loading.render.made import GeneratedSource
    from readiness.loading.render.relocate import relocate_suppression as told

    rule_by_id = {bound.rule.id: bound.rule for bound in run_rules.loaded_rules}
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
    settings_paths = {one.path for one in settings.config.sources}
    told_findings = [
        one for one in marked_findings if one.rule not in suppress.SUPPRESSION_RULE_IDS or one.path not in context_paths or one.path in settings_paths
    ]
    return [*told_findings[: len(findings)], *run_rules.rated(told_findings[len(findings) :])]


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


def drop_findings_ignored_elsewhere(
    findings: list[Finding],
    assembly: Assembly,
    settings: RunSettings,
    policy: suppress.SuppressionPolicy,
) -> tuple[list[Finding], dict[str, int], foreign_settings.LeftOutByFile]:
    """The findings that neither comments nor settings of other linters leave out; how many these do, by rule and by settings file."""
    findings, silenced_count_by_rule_id = apply_suppressions_of_other_linters(findings, assembly, settings, policy)
    findings, left_out_count_by_rule_id, left_out_by_peer_file = foreign_settings.drop_findings_ignored_by_peers(
        findings,
        settings.peers,
        is_locked=policy.is_locked,
        prefix=settings.config.prefix,
        today_text=policy.today.isoformat(),
    )
    return findings, dict(Counter(silenced_count_by_rule_id) + Counter(left_out_count_by_rule_id)), left_out_by_peer_file


@cache
def load_core_rules() -> tuple[LoadedRule, ...]:
    """The rules about files that cannot be judged; there are few and they are always needed."""
    return tuple(rules.load_rules(rule_groups=("core",)))
