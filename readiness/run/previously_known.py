"""What a run's findings were before: those that a baseline knows, and those of an earlier revision."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from readiness.loading import discover
from readiness.loading.assembly import Assembly, FileStatus
from readiness.model import Finding, Suppression
from readiness.programs.budget import one_run_budget
from readiness.ruleset.names import RuleNames
from readiness.run.run_settings import RunSettings
from readiness.triage import baseline
from readiness.triage.known import EarlierState, state_of_findings
from readiness.verdict.score import STATUS_CHECKED

if TYPE_CHECKING:
    from readiness.run.pipeline import RunResult


class KnownInRun(NamedTuple):
    """The findings of a run, those marked that stood before; what became of a baseline's entries; the run at an earlier revision."""

    findings: list[Finding]
    baseline_outcome: baseline.BaselineOutcome
    earlier_run: RunResult | None


class RunScope(NamedTuple):
    """What a run judged: which files, by which rules; which files that it would have judged are gone, and which are there at all."""

    paths: frozenset[str]
    active_rules: Collection[str]
    is_gone: Callable[[str], bool]
    is_there: Callable[[str], bool]

    def with_paths_left(self, earlier_state: EarlierState) -> EarlierState:
        """What was found earlier, with the paths that are still there and that this run does not judge."""
        unjudged_paths = {one.path for one in earlier_state.findings} - self.paths
        return replace(earlier_state, paths_left=frozenset(filter(self.is_there, unjudged_paths)))

    @classmethod
    def of(cls, assembly: Assembly, active_rules: Collection[str]) -> RunScope:
        """That of a run over what was assembled."""
        return cls(frozenset(row.path for row in assembly.file_statuses), active_rules, assembly.is_gone, assembly.is_there)


RunOnFiles = Callable[[discover.DiscoveredFiles, RunSettings], "RunResult"]


def mark_previously_known(
    findings: list[Finding], scope: RunScope, settings: RunSettings, rule_names: RuleNames, run_on_files: RunOnFiles
) -> KnownInRun:
    """The findings, those marked that a baseline or an earlier revision had already.

    A baseline lies in the tree, so it says nothing of what has no verdict; an earlier revision is nobody's word.
    """
    outcome, earlier_run = baseline.BaselineOutcome(), None
    if settings.baseline:
        baseline_name = settings.baseline.name
        entries = baseline.replace_former_fingerprints(findings, baseline.load_baseline(settings.baseline), rule_names, baseline_name)
        findings, unmet_entries = baseline.mark_known_findings(
            findings,
            scope.with_paths_left(EarlierState(entries)),
            Suppression("baseline", "known when the baseline was written"),
            is_exempt=lambda one: not baseline.may_be_known(one),
        )
        outcome = baseline.baseline_outcome(unmet_entries, scope.paths, scope.active_rules, is_gone=scope.is_gone)
        if outcome.fixed:
            rule_names.notices[f"{baseline_name}: fixed"] = baseline.fixed_entries_notice(baseline_name, len(outcome.fixed))
    if settings.since is not None:
        suppression = Suppression("since", f"stood already where this branch left {settings.since}")
        state_at_revision, earlier_run = _run_at_revision(settings, settings.since, run_on_files)
        earlier_state = scope.with_paths_left(state_at_revision)
        unseen_reason = f"its line stood already where this branch left {settings.since}, in a file that could not be judged there"
        findings, _ = baseline.mark_known_findings(findings, earlier_state, suppression, unseen_reason=unseen_reason, judged_paths=scope.paths)
    return KnownInRun(findings, outcome, earlier_run)


def _run_at_revision(settings: RunSettings, git_reference: str, run_on_files: RunOnFiles) -> tuple[EarlierState, RunResult]:
    """What was found where this branch left a revision, and the run that found it."""
    from readiness.triage import revision

    with revision.checkout_revision(git_reference) as earlier_tree:
        discovered_files = discover.discover_files(
            [earlier_tree], settings.exclude, working_directory=earlier_tree, glob_prefix=settings.config.prefix
        )
        with one_run_budget():
            earlier_run = run_on_files(discovered_files, replace(settings, since=None, baseline=None))
    state = state_of_findings(earlier_run.findings, (row.path for row in earlier_run.file_statuses))
    return replace(state, unjudged_text_by_path=unjudged_texts(earlier_run.file_statuses, discovered_files)), earlier_run


def unjudged_texts(file_statuses: Iterable[FileStatus], discovered: discover.DiscoveredFiles) -> dict[str, str]:
    """The texts of the files of a run that have no verdict, by their paths."""
    unjudged_paths = {row.path for row in file_statuses if row.kind and row.status != STATUS_CHECKED}
    return {one.path: one.text for one in discovered.sources if one.path in unjudged_paths}
