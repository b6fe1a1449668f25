"""What a patch took away: a finding that would not be there without that is told at the patch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from readiness.loading.assembly import Assembly
from readiness.loading.render.relocate import relocate_finding
from readiness.model import Finding, Rule
from readiness.ruleset.bound import LoadedRule
from readiness.run import engine

if TYPE_CHECKING:
    from readiness.loading.render.overlay.placed import PlacedSource, WrittenPlace


def move_findings_to_removing_patches(
    assembly: Assembly,
    result: engine.EngineResult,
    running_rules: Sequence[LoadedRule],
    core_rules: dict[str, Rule],
) -> None:
    """Move the findings of overlays that their patches make by what they take away to those patches.

    The rules that may be such are asked once more, of the overlay as if nothing had been taken away: what they find there
    as well is nobody's removal, and is told in the base.
    """
    numbers: dict[int, list[int]] = {id(source): [] for source, _ in assembly.overlays_without_removals}
    for number, finding in enumerate(result.findings if numbers else ()):
        root = finding.source.root
        if id(root) in numbers:
            numbers[id(root)].append(number)
    dropped: set[int] = set()
    for source, project in assembly.overlays_without_removals:
        mine = {number: place for number in numbers[id(source)] if (place := _removal_place(source, result.findings[number]))}
        names = {result.findings[number].rule for number in mine}
        without = engine.EngineResult()
        asked = [bound for bound in running_rules if bound.rule.id in names]
        engine.run_rules(project, asked, core_rules, without)
        known = {_finding_comparison_key(finding) for finding in without.findings}
        for number, place in mine.items():
            finding = result.findings[number]
            if _finding_comparison_key(finding) not in known:
                if project.judged is False and place.source.path in project.context:
                    dropped.add(number)  # what is not judged takes it away
                    continue
                span = place.source.one_line(place.span)
                moved = relocate_finding(finding, source)
                result.findings[number] = moved._replace(source=place.source, span=span, enclosing_offsets=())
    if dropped:
        result.findings = [one for number, one in enumerate(result.findings) if number not in dropped]


def _removal_place(source: PlacedSource, finding: Finding) -> WrittenPlace | None:
    """What took something away from where a finding stands."""
    if finding.source is not source:
        return None
    return source.last_removal_place(finding.span)


def _finding_comparison_key(finding: Finding) -> tuple[str, str, str, str]:
    """What two findings on one thing in two texts have in common."""
    return finding.rule, finding.part, finding.resource, finding.container
