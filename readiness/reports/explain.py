"""`--explain-score`: the sum that makes the score, line by line, so that anyone can add it up again."""

from __future__ import annotations

import math

from readiness.model import Confidence, Rule, Severity
from readiness.verdict.report import Report
from readiness.verdict.score import Category, RuleTerm, repetition_factor_by_severity


def score_lines(report: Report) -> list[str]:
    """The sum: every rule that costs points, every category, raw, the ceiling, the score and the grade."""
    explanation_lines = ["score, algorithm 1: points x (1 + log2 places), bent to each category's cap", ""]
    for category in report.categories:
        explanation_lines += _category_lines(category, [t for t in report.result.terms if t.rule.category == category.id])
    if report.raw is None:
        return [*explanation_lines, "too little was judged: no score"]
    total_loss = math.fsum(one.capped_loss for one in report.categories)
    explanation_lines.append(f"raw   = 100 - {total_loss:.2f} = {report.raw:.2f}")
    if report.result.ceiling < 100:
        worst_severity = {49: "critical", 89: "high"}[report.result.ceiling]
        explanation_lines.append(
            f"score = floor(min({report.raw:.2f}, {report.result.ceiling})) = {report.score}: a {worst_severity} finding is open"
        )
    else:
        explanation_lines.append(f"score = floor({report.raw:.2f}) = {report.score}")
    explanation_lines.append(f"grade = {report.grade}, coverage {report.coverage.percent} %")
    return explanation_lines


def _category_lines(category: Category, rule_terms: list[RuleTerm]) -> list[str]:
    """One category: its rules, their sum, and the loss that it is bent to."""
    if not rule_terms:
        empty_category_state = "nothing found" if category.assessed else "not assessed"
        return [f"{category.id} (cap {category.cap}): {empty_category_state}, loss 0.00", ""]
    rule_id_width = max(len(term.rule.id) for term in rule_terms)
    rule_term_lines = [
        f"  {term.rule.id:<{rule_id_width}}  {_rule_term_text(term)} ({term.places} {'place' if term.places == 1 else 'places'}) = {term.points:.2f}"
        for term in sorted(rule_terms, key=lambda term: (-term.points, term.rule.id))
    ]
    uncapped_points, category_cap = category.uncapped_points, category.cap
    capped_loss_formula = f"{category_cap} x (1 - exp(-{uncapped_points:.2f} / {category_cap})) = {category.capped_loss:.2f}"
    return [
        f"{category.id} (cap {category_cap}): {uncapped_points:.2f} points, loss {capped_loss_formula}",
        *rule_term_lines,
        "",
    ]


def _rule_term_text(term: RuleTerm) -> str:
    """What one place of each severity costs and why, and how often that counts."""
    return " + ".join(
        f"{_points_per_place_text(term.rule, severity)} x {times:.2f}" for severity, times in repetition_factor_by_severity(term.by_severity)
    )


def _points_per_place_text(rule: Rule, severity: Severity) -> str:
    confidence_note = "" if rule.confidence is Confidence.HIGH else f", {rule.confidence} confidence"
    return f"{severity}{confidence_note} {rule.points_at(severity):g}"
