"""What a patch took away: a finding that would not be there without that is told at the patch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from readiness.loading.assembly import Assembly
from readiness.loading.render.made import GeneratedSource, written_source_and_span
from readiness.loading.render.relocate import relocate_finding, relocate_findings
from readiness.model import Finding, Rule
from readiness.model.crash import PLACES
from readiness.ruleset.bound import LoadedRule
from readiness.run import engine
from readiness.run.crashes import Parts

if TYPE_CHECKING:
    from readiness.loading.render.overlay.placed import PlacedSource, WrittenPlace


def relocate_rendered_findings(
    assembly: Assembly,
    engine_result: engine.EngineResult,
    running_rules: list[LoadedRule],
    core_rule_by_id: dict[str, Rule],
    parts: Parts,
) -> None:
    """Tell what was found in renderings where it was written."""
    if assembly.environment_count_by_path:

        def relocated(findings: list[Finding]) -> list[Finding]:
            written_findings = [one for one in findings if not isinstance(one.source.root, GeneratedSource)]
            return parts.result(PLACES, lambda: relocate_findings(findings, assembly.environment_count_by_path), written_findings)

        parts.result(PLACES, lambda: move_findings_to_removing_patches(assembly, engine_result, running_rules, core_rule_by_id), None)
        engine_result.findings = relocated(engine_result.findings)
        assembly.parse_findings = relocated(assembly.parse_findings)
        for tally in engine_result.tally_by_rule.values():
            written_places = dict.fromkeys(written_source_and_span(source, span) for source, span in tally.places)
            tally.places = list(written_places)


def move_findings_to_removing_patches(
    assembly: Assembly,
    engine_result: engine.EngineResult,
    running_rules: Sequence[LoadedRule],
    core_rule_by_id: dict[str, Rule],
) -> None:
    """Move the findings of overlays that their patches make by what they take away to those patches.

    The rules that may be such are asked once more, of the overlay as if nothing had been taken away: what they find there
    as well is nobody's removal, and is told in the base.
    """
    finding_indexes_by_source_id: dict[int, list[int]] = {id(overlay_source): [] for overlay_source, _ in assembly.overlays_without_removals}
    for finding_index, finding in enumerate(engine_result.findings if finding_indexes_by_source_id else ()):
        root_source = finding.source.root
        if id(root_source) in finding_indexes_by_source_id:
            finding_indexes_by_source_id[id(root_source)].append(finding_index)
    dropped_indexes: set[int] = set()
    for overlay_source, project_without_removals in assembly.overlays_without_removals:
        removal_place_by_index = {
            finding_index: removal_place
            for finding_index in finding_indexes_by_source_id[id(overlay_source)]
            if (removal_place := _removing_place_of_finding(overlay_source, engine_result.findings[finding_index]))
        }
        rule_ids = {engine_result.findings[finding_index].rule for finding_index in removal_place_by_index}
        result_without_removals = engine.EngineResult()
        rules_to_rerun = [bound for bound in running_rules if bound.rule.id in rule_ids]
        engine.run_rules(project_without_removals, rules_to_rerun, core_rule_by_id, result_without_removals)
        keys_without_removals = {_finding_identity_across_texts(finding) for finding in result_without_removals.findings}
        for finding_index, removal_place in removal_place_by_index.items():
            finding = engine_result.findings[finding_index]
            if _finding_identity_across_texts(finding) not in keys_without_removals:
                if project_without_removals.judged is False and removal_place.source.path in project_without_removals.context:
                    dropped_indexes.add(finding_index)  # what is not judged takes it away
                    continue
                removal_span = removal_place.source.one_line(removal_place.span)
                relocated_finding = relocate_finding(finding, overlay_source)
                engine_result.findings[finding_index] = relocated_finding._replace(
                    source=removal_place.source, span=removal_span, enclosing_offsets=()
                )
    if dropped_indexes:
        engine_result.findings = [one for finding_index, one in enumerate(engine_result.findings) if finding_index not in dropped_indexes]


def _removing_place_of_finding(overlay_source: PlacedSource, finding: Finding) -> WrittenPlace | None:
    """What took something away from where a finding stands."""
    if finding.source is not overlay_source:
        return None
    return overlay_source.last_removal_place(finding.span)


def _finding_identity_across_texts(finding: Finding) -> tuple[str, str, str, str]:
    """What two findings on one thing in two texts have in common."""
    return finding.rule, finding.part, finding.resource, finding.container
