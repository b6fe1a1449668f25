"""`--explain-score`: the sum that makes the score, of the whole and of each service, so that anyone can add it up again."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence

from readiness.model import Confidence, Rule, Severity
from readiness.redaction import Redactor
from readiness.reports.frame import escape_controls
from readiness.verdict.report import Report
from readiness.verdict.score import ALGORITHM_VERSION, PREVIOUS_ALGORITHM_VERSION, Category, RuleTerm, Score, repetition_factor_by_severity
from readiness.verdict.service_scores import OutsideTerm, ServiceScore

MAX_LINE_WIDTH = 110  # columns of a sum


def score_lines(report: Report) -> list[str]:
    """The sum of the whole: every rule that costs points, every category, raw, the ceiling, the score and the grade; then each service."""
    redactor = Redactor(report.hidden)
    report_score = report.by_service
    deciding_name = _service_text(report_score.deciding_service, redactor)
    explanation_lines = [
        f"score, algorithm {ALGORITHM_VERSION}: a service in full, what is outside of it lightly; the service that loses most decides",
        f"whole: {deciding_name} decides"
        if deciding_name
        else "whole: no service has a finding that counts in full; what is nobody's counts lightly",
    ]
    whole = report_score.whole
    for category in whole.categories:
        outside_terms = [one for one in report_score.outside_terms if one.rule.category == category.id]
        explanation_lines += _category_lines(category, [one for one in whole.terms if one.rule.category == category.id], outside_terms)
    if whole.unrounded_score is None:
        return [*explanation_lines, "too little was judged: no score"]
    explanation_lines += _result_lines(whole)
    explanation_lines.append(f"grade = {whole.grade}, coverage {report.coverage.percent} %")
    explanation_lines.append(f"algorithm {PREVIOUS_ALGORITHM_VERSION} gives {report_score.previous.score}, grade {report_score.previous.grade}")
    for service in sorted(report_score.services, key=_worst_first_key):
        explanation_lines += ["", *_service_lines(service, report_score.note_on_service(service.name), redactor)]
    return explanation_lines


def _worst_first_key(service: ServiceScore) -> tuple[float, str]:
    return service.result.unrounded_score or 0.0, service.name


def _service_text(name: str, redactor: Redactor) -> str:
    return f"service {escape_controls(redactor.mask_text(name))}" if name else ""


def _service_lines(service: ServiceScore, note: str, redactor: Redactor) -> list[str]:
    """One service by its own findings alone: the categories in which something fails, and what is left. `note` says how it counts for the whole."""
    result = service.result
    first_line = f"{_service_text(service.name, redactor)}: score {result.score}, grade {result.grade}"
    service_lines = [f"{first_line} ({note})" if note else first_line]
    for category in result.categories:
        rule_terms = [term for term in result.terms if term.rule.category == category.id]
        if rule_terms:
            service_lines += [f"  {line}" for line in _category_lines(category, rule_terms, ()) if line]
    return [*service_lines, *(f"  {line}" for line in _result_lines(result))]


def _result_lines(result: Score) -> list[str]:
    """From the losses to the score."""
    unrounded_score = result.unrounded_score or 0.0
    total_loss = math.fsum(one.capped_loss for one in result.categories)
    raw_line = f"raw   = 100 - {total_loss:.2f} = {unrounded_score:.2f}"
    if result.ceiling == 100:
        return [raw_line, f"score = floor({unrounded_score:.2f}) = {result.score}"]
    worst_severity = {49: "critical", 89: "high"}[result.ceiling]
    return [raw_line, f"score = floor(min({unrounded_score:.2f}, {result.ceiling})) = {result.score}: a {worst_severity} finding is open"]


def _category_lines(category: Category, rule_terms: Sequence[RuleTerm], outside_terms: Iterable[OutsideTerm]) -> list[str]:
    """One category: its rules, what is added for places outside, their sum, and the loss that it is bent to."""
    terms_text = {term.rule.id: f"{_rule_term_text(term)} ({_places_text(term.places)}) = {term.points:.2f}" for term in rule_terms}
    points_by_rule = {term.rule.id: term.points for term in rule_terms}
    for outside in outside_terms:
        own_text = terms_text.get(outside.rule.id)
        outside_text = f"outside, {_places_text(outside.places)}: {_outside_term_text(outside)} = {outside.points:.2f}"
        terms_text[outside.rule.id] = f"{own_text}; {outside_text}" if own_text else outside_text
        points_by_rule[outside.rule.id] = points_by_rule.get(outside.rule.id, 0.0) + outside.points
    if not terms_text:
        empty_category_state = "nothing found" if category.assessed else "not assessed"
        return [f"{category.id} (cap {category.cap}): {empty_category_state}, loss 0.00", ""]
    rule_id_width = max(map(len, terms_text))
    uncapped_points, category_cap = category.uncapped_points, category.cap
    capped_loss_formula = f"{category_cap} x (1 - exp(-{uncapped_points:.2f} / {category_cap})) = {category.capped_loss:.2f}"
    return [
        f"{category.id} (cap {category_cap}): {uncapped_points:.2f} points, loss {capped_loss_formula}",
        *(
            line
            for rule_id in sorted(terms_text, key=lambda one: (-points_by_rule[one], one))
            for line in _wrapped_lines(f"  {rule_id:<{rule_id_width}}  {terms_text[rule_id]}", " " * (rule_id_width + 6))
        ),
        "",
    ]


def _places_text(place_count: int) -> str:
    return f"{place_count} {'place' if place_count == 1 else 'places'}"


def _rule_term_text(term: RuleTerm) -> str:
    """What one place of each severity costs and why, and how often that counts."""
    return " + ".join(
        f"{_points_per_place_text(term.rule, severity)} x {times:.2f}" for severity, times in repetition_factor_by_severity(term.by_severity)
    )


def _outside_term_text(outside: OutsideTerm) -> str:
    """What each place outside costs, its share, and how often that counts; less what the service's own would cost so."""
    added, subtracted = (
        " + ".join(f"{_points_per_place_text(outside.rule, one.severity)} x {one.share:g} x {one.factor:.4g}" for one in terms)
        for terms in (outside.added, outside.subtracted)
    )
    return f"{added} - ({subtracted})" if subtracted else added


def _wrapped_lines(line: str, indent: str) -> list[str]:
    """A line of a sum in lines of at most so many columns, the further ones indented."""
    return textwrap.wrap(line, MAX_LINE_WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _points_per_place_text(rule: Rule, severity: Severity) -> str:
    confidence_note = "" if rule.confidence is Confidence.HIGH else f", {rule.confidence} confidence"
    return f"{severity}{confidence_note} {rule.points_at(severity):g}"
