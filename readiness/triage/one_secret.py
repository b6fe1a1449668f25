"""One secret is one finding: a value of a chart that several templates print, alone or in a longer text, is mended where it is set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from readiness.model import MESSAGE_VALUE_PUT_IN_HERE, Finding, Related, joined_finding
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax import secrets

MESSAGE_VALUE_IS_PART_OF_THIS = "the value is a part of this, too"
_VALUES_REFERENCE = lazy_regex(r"\.Values\.([\w.]{1,200})")
_TEMPLATES_FOLDER = "/templates/"


def fold_printed_secrets(findings: Sequence[Finding]) -> list[Finding]:
    """The findings, of those on one secret value of a chart the worst, with the places of the others as related ones.

    Rules differ by where a template prints the value: a Secret, a variable, a URL that is put together of it. What is silenced
    stands for nothing that is not.
    """
    findings_by_value: dict[Any, list[Finding]] = {}
    for finding in findings:
        if _is_at_printed_secret(finding):
            findings_by_value.setdefault((finding.fix_place, finding.suppression, finding.purpose), []).append(finding)
    folded_finding_by_id: dict[int, Finding | None] = {}
    for findings_of_value in findings_by_value.values():
        # One rule on several objects names them all in one message, which is done before.
        worst_finding = max(findings_of_value, key=lambda one: one.severity)  # the first of several
        joined = worst_finding
        for other_finding in findings_of_value:
            if other_finding.rule != worst_finding.rule:
                joined = joined_finding(joined, other_finding)
                folded_finding_by_id[id(other_finding)] = None
        folded_finding_by_id[id(worst_finding)] = joined
    kept_findings = [kept for one in findings if (kept := folded_finding_by_id.get(id(one), one)) is not None]
    return _fold_composed_secrets(kept_findings)


def _is_at_printed_secret(finding: Finding) -> bool:
    """Whether a finding stands at a secret value of a chart, which a template prints."""
    return _is_about_secret_value(finding) and any(one.message == MESSAGE_VALUE_PUT_IN_HERE for one in finding.related)


def _is_about_secret_value(finding: Finding) -> bool:
    """Whether a finding is about a secret's value in a manifest."""
    return finding.rule_definition.marks_secrets and finding.rule.startswith("k8s/")


def _fold_composed_secrets(findings: Sequence[Finding]) -> list[Finding]:
    """The findings without those on a text that a template puts together of a secret value which has a finding of its own."""
    numbers_by_chart: dict[str, list[int]] = {}
    for number, finding in enumerate(findings):
        if finding.suppression is None and _is_at_printed_secret(finding):
            for chart_path in {_chart_path(one) for one in finding.related if one.message == MESSAGE_VALUE_PUT_IN_HERE}:
                numbers_by_chart.setdefault(chart_path, []).append(number)
    kept_by_number: dict[int, Finding | None] = {}
    for number, finding in enumerate(findings):
        if number in kept_by_number or not _is_about_secret_value(finding) or _is_at_printed_secret(finding):
            continue
        referenced_keys = _values_keys_at(finding)
        for value_number in numbers_by_chart.get(_chart_path(finding), ()) if referenced_keys else ():
            value_finding = kept_by_number.get(value_number) or findings[value_number]
            if value_finding.severity >= finding.severity and referenced_keys & _printed_values_keys(value_finding):
                composed_place = Related(finding.source, finding.span, MESSAGE_VALUE_IS_PART_OF_THIS)
                kept_by_number[value_number] = value_finding._replace(related=(*value_finding.related, composed_place))
                kept_by_number[number] = None
                break
    return [kept for number, one in enumerate(findings) if (kept := kept_by_number.get(number, one)) is not None]


def _chart_path(place: Finding | Related) -> str:
    """The folder of the chart whose template a place stands in; empty for one that stands in none."""
    return place.source.root.path.partition(_TEMPLATES_FOLDER)[0] if _TEMPLATES_FOLDER in place.source.root.path else ""


def _printed_values_keys(finding: Finding) -> set[str]:
    """The values that the templates print by which a finding stands where one is set."""
    return {key for one in finding.related if one.message == MESSAGE_VALUE_PUT_IN_HERE for key in _values_keys_at(one) if _is_last_key_secret(key)}


def _is_last_key_secret(dotted_keys: str) -> bool:
    """Whether the last of some keys is a secret's name: beside it a template may print the user."""
    return secrets.is_secret_name(dotted_keys.rpartition(".")[2])


def _values_keys_at(place: Finding | Related) -> set[str]:
    """The dotted keys of a chart's values that the line of a template refers to."""
    text = place.source.text
    line_start = text.rfind("\n", 0, place.span.start) + 1
    line_end = text.find("\n", place.span.end)
    return set(_VALUES_REFERENCE.findall(text[line_start : line_end if line_end >= 0 else len(text)]))
