"""Alerting rules: what each is about, and whether it says what is to be done."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from readiness.kinds.k8s_model import Object, mapping, maps, text
from readiness.model import Hit, Span, missing

# What an alert is about, by words of its name and its expression. The first that fits counts.
SUBJECTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("restarts", re.compile(r"restarts_total|crashloop|restart(?:s|ed|ing)", re.IGNORECASE)),
    (
        "not-ready",
        re.compile(
            r"not_?ready|unavailable|kube_pod_status_ready|replicas_(?:mismatch|unavailable|available)"
            r"|\bup\b[^=]{0,200}==\s*0|absent\(\s*up\b|targetdown|instancedown",
            re.IGNORECASE,
        ),
    ),
    (
        "latency",
        re.compile(
            r"latency|duration_seconds|response_time|histogram_quantile|slow", re.IGNORECASE
        ),
    ),
    ("errors", re.compile(r"error|failed|failure|5\.\.|5xx|code=~\"5", re.IGNORECASE)),
    ("memory", re.compile(r"memory|\boom", re.IGNORECASE)),
    ("cpu", re.compile(r"cpu", re.IGNORECASE)),
    ("disk", re.compile(r"filesystem|disk|volume_stats|persistentvolume", re.IGNORECASE)),
    ("certificate", re.compile(r"certificate|cert_?manager|\bcert\b", re.IGNORECASE)),
    ("backup", re.compile(r"backup|velero", re.IGNORECASE)),
)


RUNBOOKS = ("runbook_url", "runbook", "runbookUrl", "playbook_url")


class Alert(NamedTuple):
    """One alerting rule: its name, what it is about ("" where no word tells), its runbook, and where it stands."""

    name: str
    subject: str
    runbook: str
    span: Span


def subject_of(name: str, expression: str) -> str:
    """What an alert is about, by its name and else by its expression; empty where neither tells."""
    for words in (name[:200], expression[:4000]):
        for subject, pattern in SUBJECTS:
            if pattern.search(words):
                return subject
    return ""


def alerts(one: Object) -> Iterator[Alert]:
    """The alerts of a PrometheusRule."""
    if one.kind != "PrometheusRule":
        return
    for group in maps(one.spec.get("groups")):
        for rule in maps(group.get("rules")):
            name = rule.get("alert")
            if isinstance(name, str):
                notes = mapping(rule, "annotations")
                runbook = next((text(notes.get(key)) for key in RUNBOOKS if notes.get(key)), "")
                subject = subject_of(name, text(rule.get("expr")))
                yield Alert(name, subject, runbook, rule.at("alert"))


def without_runbook(one: Object) -> Iterator[Hit]:
    """An alert has no link to what is to be done."""
    for alert in alerts(one):
        if not alert.runbook:
            yield missing(alert.span, alert=alert.name)
