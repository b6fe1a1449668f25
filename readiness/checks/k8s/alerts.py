"""Alerting rules, and whether each says what is to be done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from readiness.kinds.k8s.model import Object
from readiness.model import CheckOutcome, Span, missing

RUNBOOK_ANNOTATIONS = ("runbook_url", "runbook", "runbookUrl", "playbook_url")


class Alert(NamedTuple):
    """One alerting rule: its name, its expression, its runbook ("" without one), and where it stands."""

    name: str
    expression: str
    runbook: str
    span: Span


def alerts_of(obj: Object) -> Iterator[Alert]:
    """The alerts of a PrometheusRule."""
    if obj.kind != "PrometheusRule":
        return
    for rule_group in obj.spec.mappings_under("groups"):
        for rule in rule_group.mappings_under("rules"):
            alert_name = rule.get("alert")
            if isinstance(alert_name, str):
                annotation_map = rule.mapping_at_path("annotations")
                runbook = next((annotation_map.string_under(key) for key in RUNBOOK_ANNOTATIONS if annotation_map.get(key)), "")
                yield Alert(alert_name, rule.string_under("expr"), runbook, rule.at("alert"))


def alert_runbook_missing(obj: Object) -> CheckOutcome:
    """An alert has no link to what is to be done."""
    for alert in alerts_of(obj):
        if not alert.runbook:
            yield missing(alert.span, alert=alert.name)
