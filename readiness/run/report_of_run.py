"""What a run gives, as the report on it: scored, held against checklists, and through the gate."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from readiness.loading import discover, given
from readiness.ruleset import rules
from readiness.ruleset import select as selection
from readiness.run.pipeline import RunResult
from readiness.run.run_settings import RunSettings
from readiness.settings.effects import peer_effects, with_refused_statements
from readiness.verdict import checklist, report
from readiness.verdict.report import Report
from readiness.verdict.score import Score
from readiness.version import __version__


@cache
def all_checklists() -> tuple[checklist.Checklist, ...]:
    """The checklists that ship with the tool."""
    return checklist.load_checklists(rules.rules_folder() / "checklists")


def score_at_revision(run_result: RunResult, settings: RunSettings, discovered: discover.DiscoveredFiles) -> Score | None:
    """The score at the revision that a run was held against.

    None where it was held against none, and where it judged only a part of what was judged there: nothing would be comparable.
    """
    earlier_run = run_result.earlier_run
    if earlier_run is None or run_result.context.files or not given.is_walked_whole(discovered, discovered.base):
        return None
    earlier_report = report_of_run(earlier_run, settings)
    return None if earlier_report.crashed else earlier_report.result


def report_of_run(
    run_result: RunResult,
    settings: RunSettings,
    seconds_by_phase: dict[str, float] | None = None,
    score_before: Score | None = None,
    unjudged_text_by_path: Mapping[str, str] | None = None,
) -> Report:
    """Score the findings of a run, evaluate its checklists and decide the gate; `seconds_by_phase` is the time of each phase."""
    shipped_checklists = all_checklists()
    for checklist_name in settings.checklists:
        if checklist_name not in {one.source_document for one in shipped_checklists}:
            known_checklist_names = ", ".join(one.source_document for one in shipped_checklists)
            place = settings.config.place_of("checklists", checklist_name)
            message = f"no checklist is called {checklist_name[:80]!r}; there are {known_checklist_names}"
            raise checklist.ChecklistError(f"{place}: {message}" if place else message)
    active_rules = [
        selection.rule_with_active_tiers_only(rule, run_result.active_rules) for rule in run_result.rules if rule.id in run_result.active_rules
    ]
    return report.build_report(
        tool_version=__version__,
        rules=active_rules,
        findings=run_result.findings,
        scored_rows=run_result.file_statuses,
        tally_by_rule=run_result.tally_by_rule,
        subject_count_by_path=run_result.subject_count_by_path,
        checklists=checklist.evaluate_checklists(
            shipped_checklists,
            active_rules,
            run_result.findings,
            run_result.tally_by_rule,
            {*run_result.silenced_by_others_count, *run_result.left_out_count_by_rule},
            run_result.evidence_by_fact,
        ),
        chosen_checklists=settings.checklists,
        fail_on=settings.fail_on,
        min_score=settings.min_score,
        strict_coverage=settings.strict_coverage,
        secret_places=run_result.secret_places,
        seconds_by_phase=seconds_by_phase,
        ignored_file_count=run_result.ignored_file_count,
        silenced_by_others_count=sum(run_result.silenced_by_others_count.values()),
        surroundings=run_result.context,
        environments=run_result.environments,
        services=run_result.services,
        undeployed_paths=run_result.undeployed_paths,
        notices=(*settings.notices, *run_result.notices),
        is_production_judged=run_result.production,
        baseline_outcome=run_result.baseline_outcome,
        score_before=score_before,
        unjudged_text_by_path=unjudged_text_by_path,
        settings_effects=(
            *with_refused_statements(settings.effects, run_result.refused_comment_count, run_result.refused_purpose_count),
            *peer_effects(settings.peers, run_result.left_out_by_peer_file, settings.config.layers),
        ),
    )
