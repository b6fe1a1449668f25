"""Alerting rules, and whether each says what is to be done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from readiness.kinds.k8s.model import Object
from readiness.model import Outcome, Span, missing

RUNBOOKS = ("runbook_url", "runbook", "runbookUrl", "playbook_url")


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
    for group in obj.spec.entries("groups"):
        for rule in group.entries("rules"):
            name = rule.get("alert")
            if isinstance(name, str):
                notes = rule.dig("annotations")
                runbook = next((notes.text(key) for key in RUNBOOKS if notes.get(key)), "")
                yield Alert(name, rule.text("expr"), runbook, rule.at("alert"))


def alert_runbook_missing(obj: Object) -> Outcome:
    """An alert has no link to what is to be done."""
    for alert in alerts_of(obj):
        if not alert.runbook:
            yield missing(alert.span, alert=alert.name)
