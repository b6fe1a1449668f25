"""Label selectors and namespaces as Kubernetes reads them, and who stands with whom."""

from __future__ import annotations

from typing import Any

import pytest

from readiness.checks.k8s.alerts import alerts_of
from readiness.kinds import k8s
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.labels import Selector, may_be_same_namespace, parse_label_selector
from readiness.kinds.k8s.quantity import parse_quantity
from readiness.model import Source
from readiness.model.project import Project
from readiness.syntax.cron_k8s import schedule_mistake
from readiness.syntax.yaml import load_yaml_documents
from tests.effort import effort


def project(**files: str) -> Project:
    texts = {path.replace("__", "/") + ".yaml": text for path, text in files.items()}
    return Project([("k8s", k8s.parse(Source(path, text))) for path, text in texts.items()], texts)


def parsed(text: str) -> Any:
    return load_yaml_documents(text)[0]


@pytest.mark.parametrize(
    ("text", "labels", "expected"),
    [
        ("{}", {}, True),
        ("{}", {"a": "1"}, True),
        ("{matchLabels: {a: x}}", {"a": "x", "b": "y"}, True),
        ("{matchLabels: {a: x, b: z}}", {"a": "x", "b": "y"}, False),
        ("{matchLabels: {a: x}}", {}, False),
        ("{matchExpressions: [{key: a, operator: In, values: [x, y]}]}", {"a": "y"}, True),
        ("{matchExpressions: [{key: a, operator: In, values: [x, y]}]}", {}, False),
        ("{matchExpressions: [{key: a, operator: NotIn, values: [x]}]}", {}, True),
        ("{matchExpressions: [{key: a, operator: NotIn, values: [x]}]}", {"a": "x"}, False),
        ("{matchExpressions: [{key: a, operator: Exists}]}", {"a": ""}, True),
        ("{matchExpressions: [{key: a, operator: DoesNotExist}]}", {"a": ""}, False),
        (
            "{matchLabels: {a: x}, matchExpressions: [{key: b, operator: Exists}]}",
            {"a": "x"},
            False,
        ),
        ("{matchLabels: {a: x}}", {"a": "${NAME}"}, True),
    ],
)
def test_selectors(text: str, labels: dict[str, str], expected: bool) -> None:
    found = parse_label_selector(parsed(text))
    assert found is not None
    assert found.matches(labels) is expected


def test_no_selector_is_none_and_an_empty_one_is_all() -> None:
    assert parse_label_selector(None) is None
    assert parse_label_selector(parsed("{}")) == Selector()


def test_namespaces() -> None:
    assert may_be_same_namespace("", "") is True
    assert may_be_same_namespace("a", "a") is True
    assert may_be_same_namespace("a", "b") is False
    assert may_be_same_namespace("a", "") is None


POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: NAME, labels: {app: web}}\nspec: {containers: [{name: c}]}\n"


CUSTOM = "apiVersion: kafka.strimzi.io/v1\nkind: Kafka\nmetadata: {name: events, labels: {team: data}}\n"
OPERATED = {
    "its name": ("app", "events", True),
    "a label of it": ("team", "data", True),
    "a name that begins with its name": ("app", "events-kafka-0", True),
    "another name": ("app", "eventsource", False),
    "a domain of an operator": ("cnpg.io/cluster", "x", True),
    "a domain that workloads use": ("shop.io/app", "x", False),
    "a domain misspelt": ("shopp.io/app", "x", False),
    "a common domain": ("app.kubernetes.io/name", "x", False),
}


@pytest.mark.parametrize(("key", "value", "operated"), OPERATED.values(), ids=OPERATED)
def test_pods_that_an_operator_may_make(key: str, value: str, operated: bool) -> None:
    made = project(a=CUSTOM, b=POD.replace("app: web", "shop.io/app: web"))
    assert object_index(made).may_be_operated(Selector(((key, value),))) is operated


def test_an_index_is_linear() -> None:
    def lines(count: int) -> int:
        text = "---\n".join(POD.replace("app: web", f"app: web{n}") for n in range(count))
        made = project(all=text)

        def ask() -> None:
            found = object_index(made)
            for n in range(count):
                assert len(found.selected_workloads(Selector((("app", f"web{n}"),)), "")) == 1

        return effort(ask)

    assert lines(1000) < lines(100) * 11


@pytest.mark.parametrize(
    ("text", "value"),
    [("500m", 0.5), ("1Gi", 2**30), ("1e3", 1000.0), (2, 2.0), ("1.5", 1.5), ("512MB", None), ("", None),
     ("1 Gi", None), (True, None), ("E", None), ("1E", 1e18)],
)  # fmt: skip
def test_quantities(text: Any, value: float | None) -> None:
    assert parse_quantity(text) == value


@pytest.mark.parametrize(
    ("schedule", "right"),
    [("* * * * *", True), ("@every 1h30m", True), ("0/5 * * * ?", True), ("0 0 * * 7", False),
     ("@often", False), ("TZ=UTC 0 0 * * *", False), ("5-1 * * * *", False), ("*/0 * * * *", False), ("", False)],
)  # fmt: skip
def test_schedules(schedule: str, right: bool) -> None:
    assert (schedule_mistake(schedule) == "") is right


def test_alerts() -> None:
    rule = """
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: web}
spec:
  groups:
    - rules:
        - {alert: HighLatency, expr: x, annotations: {runbook_url: "https://example.com"}}
        - {alert: PodNotReady, expr: x}
"""
    first = project(rule=rule).documents_of_kind("k8s")[0].objects[0]
    assert [(one.name, one.expression, bool(one.runbook)) for one in alerts_of(first)] == [
        ("HighLatency", "x", True),
        ("PodNotReady", "x", False),
    ]
