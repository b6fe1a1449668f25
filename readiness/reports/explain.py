"""`--explain-score`: the sum that makes the score, line by line, so that anyone can add it up again."""

from __future__ import annotations

import math

from readiness.model import Confidence, Rule, Severity
from readiness.verdict.report import Report
from readiness.verdict.score import Category, RuleTerm, severity_portions


def score_lines(report: Report) -> list[str]:
    """The sum: every rule that costs points, every category, raw, the ceiling, the score and the grade."""
    lines = ["score, algorithm 1: points x (1 + log2 places), bent to each category's cap", ""]
    for category in report.categories:
        lines += _category_lines(category, [t for t in report.result.terms if t.rule.category == category.id])
    if report.raw is None:
        return [*lines, "too little was judged: no score"]
    losses = math.fsum(one.capped_loss for one in report.categories)
    lines.append(f"raw   = 100 - {losses:.2f} = {report.raw:.2f}")
    if report.result.ceiling < 100:
        worst = {49: "critical", 89: "high"}[report.result.ceiling]
        lines.append(
            f"score = floor(min({report.raw:.2f}, {report.result.ceiling})) = {report.score}: a {worst} finding is open"
        )
    else:
        lines.append(f"score = floor({report.raw:.2f}) = {report.score}")
    lines.append(f"grade = {report.grade}, coverage {report.coverage.percent} %")
    return lines


def _category_lines(category: Category, terms: list[RuleTerm]) -> list[str]:
    """One category: its rules, their sum, and the loss that it is bent to."""
    if not terms:
        said = "nothing found" if category.assessed else "not assessed"
        return [f"{category.id} (cap {category.cap}): {said}, loss 0.00", ""]
    width = max(len(term.rule.id) for term in terms)
    rows = [
        f"  {term.rule.id:<{width}}  {_rule_term_text(term)}"
        f" ({term.places} {'place' if term.places == 1 else 'places'}) = {term.points:.2f}"
        for term in sorted(terms, key=lambda term: (-term.points, term.rule.id))
    ]
    points, cap = category.uncapped_points, category.cap
    bent = f"{cap} x (1 - exp(-{points:.2f} / {cap})) = {category.capped_loss:.2f}"
    return [f"{category.id} (cap {cap}): {points:.2f} points, loss {bent}", *rows, ""]


def _rule_term_text(term: RuleTerm) -> str:
    """What one place of each severity costs and why, and how often that counts."""
    return " + ".join(
        f"{_severity_points_text(term.rule, severity)} x {times:.2f}" for severity, times in severity_portions(term.by_severity)
    )


def _severity_points_text(rule: Rule, severity: Severity) -> str:
    doubt = "" if rule.confidence is Confidence.HIGH else f", {rule.confidence} confidence"
    return f"{severity}{doubt} {rule.points_at(severity):g}"
