"""Findings in a packed chart: nobody edits a file in an archive, so that one edit mends several of one rule."""

from __future__ import annotations

from collections.abc import Sequence

from readiness.model import Finding, Related, joined_finding
from readiness.model.lazy_regex import lazy_regex

MAX_SHOWN_PLACES = 10  # of places that a finding shows beside its own
_CATEGORIES_MENDED_BY_UPDATE = frozenset({"correctness", "delivery"})
_OUTERMOST_ARCHIVE = lazy_regex(r"(?:[^/]+/)*?[^/]+\.tgz(?=/)")


def fold_packed_findings(findings: Sequence[Finding]) -> list[Finding]:
    """The findings, of those of one rule in one packed chart the first of the worst, with the others as related places.

    Another version of the dependency mends what is wrong in it, and its images; what a service lacks is a matter of that service's values.
    What a file of the tree sets for the chart is told there, and stays apart.
    """
    numbers_by_rule_and_archive: dict[tuple[object, ...], list[int]] = {}
    for number, finding in enumerate(findings):
        archive_match = _OUTERMOST_ARCHIVE.match(finding.path) if ".tgz/" in finding.path else None
        if archive_match is not None:
            rule = finding.rule_definition
            is_mended_by_update = rule.category in _CATEGORIES_MENDED_BY_UPDATE or (rule.edit is not None and rule.edit.at == "image")
            service_name = "" if is_mended_by_update else finding.service_name or finding.resource
            key = (finding.rule, finding.tier, finding.part, archive_match[0], service_name, finding.suppression, finding.purpose)
            numbers_by_rule_and_archive.setdefault(key, []).append(number)
    folded_by_number: dict[int, Finding | None] = {}
    for numbers in numbers_by_rule_and_archive.values():
        if len(numbers) > 1:
            first_number = max(numbers, key=lambda number: (findings[number].severity, -number))
            other_findings = [findings[number] for number in numbers if number != first_number]
            folded_by_number |= dict.fromkeys(numbers)
            folded_by_number[first_number] = _finding_with_other_places(findings[first_number], other_findings)
    return [one for number, finding in enumerate(findings) if (one := folded_by_number.get(number, finding)) is not None]


def _finding_with_other_places(finding: Finding, other_findings: Sequence[Finding]) -> Finding:
    """A finding that stands for others in its archive, and says how many they are."""
    joined = finding
    for other_finding in other_findings:
        joined = joined_finding(joined, other_finding._replace(related=()))
    other_places = tuple(Related(one.source, one.span, one.message) for one in other_findings[:MAX_SHOWN_PLACES])
    places_text = f"{len(other_findings)} more place{'s' * (len(other_findings) > 1)}"
    return joined._replace(message=f"{finding.message} (and in {places_text} of the packed chart)", related=(*finding.related, *other_places))
