"""What the files show, beside what is wrong in them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness import api
from readiness.model import Source
from readiness.model.project import Project
from readiness.verdict import evidence
from readiness.verdict.checklist import load_checklists
from readiness.verdict.evidence_names import DESCRIPTION_BY_FACT
from tests.conftest import ROOT


def shown(texts: dict[str, str], **options: bool) -> dict[str, list[str]]:
    """Fact -> PATH:LINE, of a project of some files."""
    from readiness import kinds

    documents = []
    for path, text in texts.items():
        source = Source(path, text, kind=kinds.detect_kind(path, text))
        if source.kind:
            documents.append((source.kind, kinds.parse_source(source)))
    found = evidence.collect_evidence([Project(documents, texts, **options)])
    return {name: [f"{path}:{line}" for path, line in places] for name, places in found.items()}


def pod(fields: str, kind: str = "Deployment") -> str:
    head = f"apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: web}}\nspec:\n"
    return f"{head}  selector: {{matchLabels: {{a: b}}}}\n  template:\n    spec:\n      containers: [{{{fields}}}]\n"


def timed(name: str, command: str, more: str = "") -> str:
    return (
        f"apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: {name}}}\nspec:\n  schedule: '0 2 * * *'\n{more}"
        f"  jobTemplate: {{spec: {{template: {{spec: {{containers: [{{name: a, image: b, command: {command}}}]}}}}}}}}\n"
    )


def rules(name: str, expression: str) -> str:
    return (
        "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: web}\nspec:\n"
        f"  groups: [{{name: a, rules: [{{alert: {name}, expr: '{expression}'}}]}}]\n"
    )


SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: %s, ports: [%s]}\n"
BOARD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: board}\ndata:\n  board.json: '%s'\n"
COMPOSE = (
    "services:\n  app:\n    image: app:1\n    logging: {driver: fluentd}\n    environment: {LOG_LEVEL: info}\n"
    "  metrics: {image: 'prom/prometheus:v3.0.1'}\n  db-backup: {image: 'example.com/dump:1'}\n"
)
CASES = {
    **{
        f"alert on {about}: {expression}": (
            "a.yaml",
            rules("Alert", expression),
            {"alert", *([f"alert-{about}"] if about else [])},
        )
        for about, expression in (
            ("errors", "rate(errors_total[5m]) > 0.05"),
            ("errors", "sum(rate(http_requests_total{code=~\"5..\"}[5m])) > 1"),
            ("errors", "job:request_errors:ratio5m > 0.01"),
            ("", "config_last_reload_failed == 1"),
            ("latency", "histogram_quantile(0.95, x) > 1"),
            ("memory", "container_memory_working_set_bytes / x > 0.9"),
            ("", "sum(namespace_memory:kube_pod_requests:sum) > x"),
            ("cpu", "rate(container_cpu_usage_seconds_total[5m]) > 0.9"),
            ("restarts", "increase(kube_pod_container_status_restarts_total[1h]) > 3"),
            ("not-ready", "kube_pod_status_ready == 0"),
            ("not-ready", "up == 0"),
            ("", "node_filesystem_avail_bytes < 1"),
        )
    },
    "monitor": (
        "a.yaml",
        "apiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\nmetadata: {name: web}\nspec: {}\n",
        {"scraping"},
    ),
    "a kind of another group": (
        "a.yaml",
        "apiVersion: example.com/v1\nkind: PodMonitor\nmetadata: {name: web}\nspec: {}\n",
        set(),
    ),
    "scraping by annotation": (
        "a.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: web, annotations: {prometheus.io/scrape: 'true'}}\nspec: {}\n",
        {"scraping"},
    ),
    "service with metrics": (
        "a.yaml",
        SERVICE % ("ClusterIP", "{name: http, port: 80}, {name: metrics, port: 9090}"),
        {"service-with-metrics"},
    ),
    "service of metrics alone": (
        "a.yaml",
        SERVICE % ("ClusterIP", "{name: metrics, port: 9090}"),
        set(),
    ),
    "service on every node": (
        "a.yaml",
        SERVICE % ("NodePort", "{name: http, port: 80}, {name: metrics, port: 9090}"),
        set(),
    ),
    "backup by its name": ("a.yaml", timed("db-backup", "[./run]"), {"backup", "backup-schedule"}),
    "backup by its command": (
        "a.yaml",
        timed("nightly", "[sh, -c, pg_dump app > /x]"),
        {"backup", "backup-schedule"},
    ),
    "what only tidies up": ("a.yaml", timed("clean-backups", "[find, /backups, -delete]"), set()),
    "backup that is off": ("a.yaml", timed("backup", "[./run]", "  suspend: true\n"), set()),
    "dashboard": (
        "a.yaml",
        BOARD % '{"panels": [{"expr": "rate(errors[5m])"}]}',
        {"dashboard-server", "dashboard-rate", "dashboard-errors"},
    ),
    "no dashboard": ("a.yaml", BOARD % '{"rate(": "errors"}', set()),
    "environment": (
        "a.yaml",
        pod("name: web, image: web, env: [{name: NODE_ENV, value: production}]"),
        {"production-named", "debug-off"},
    ),
    "environment for tests": (
        "a.yaml",
        pod("name: web, image: web, env: [{name: NODE_ENV, value: test}]"),
        set(),
    ),
    "tracker from a secret": (
        "a.yaml",
        pod("name: web, image: web, env: [{name: SENTRY_DSN, valueFrom: {secretKeyRef: {name: a, key: b}}}]"),
        {"error-tracker"},
    ),
    "tracker that is off": (
        "a.yaml",
        pod("name: web, image: web, env: [{name: SENTRY_DSN, value: ''}]"),
        set(),
    ),
    "shipper": (
        "a.yaml",
        pod("name: logs, image: 'fluent/fluent-bit:3.2.1'", "DaemonSet"),
        {"log-shipping"},
    ),
    "compose": (
        "compose.yaml",
        COMPOSE,
        {"log-shipping", "log-level", "scraping", "backup"},
    ),
    "compose for development": (
        "compose.dev.yaml",
        "services:\n  metrics: {image: 'prom/prometheus:v3.0.1'}\n",
        set(),
    ),
    "plans": ("docs/disaster-recovery.md", "", {"recovery-plan"}),
    "runbooks": ("runbooks/database/restore.md", "", {"runbook"}),
    "no plan": ("src/disaster_recovery.py", "", set()),
}  # fmt: skip


@pytest.mark.parametrize(("path", "text", "facts"), CASES.values(), ids=CASES)
def test_what_files_show(path: str, text: str, facts: set[str]) -> None:
    assert set(shown({path: text})) == facts


def test_lists_where_words_belong_raise_nothing() -> None:
    scaler = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nspec: {metrics: [{type: [Pods]}, {type: {}}]}\n"
    service = "services:\n  a: {image: x, logging: {driver: [fluentd]}}\n"
    assert shown({"a.yaml": scaler, "compose.yaml": service}) == {}


def test_the_place_is_told_and_few_are_enough() -> None:
    texts = {f"{n}.yaml": rules("Errors", "rate(x[5m]) > 1") for n in range(9)}
    assert shown(texts)["alert-errors"] == ["0.yaml:5", "1.yaml:5", "2.yaml:5"]


def test_prose_shows_nothing() -> None:
    assert shown({"a.yaml": rules("Errors", "rate(x[5m]) > 1")}, is_prose=True) == {}


def test_every_fact_is_asked_for_by_a_checklist() -> None:
    asked = {
        fact
        for checklist in load_checklists(ROOT / "rules" / "checklists")
        for item in checklist.items
        for fact in (
            *item.also_required_facts,
            *(one for group in item.proof_groups or () for one in group),
        )
        if "/" not in fact
    }
    assert asked == set(DESCRIPTION_BY_FACT)


def test_a_chart_shows_its_template(tmp_path) -> None:
    pytest.importorskip("helm_python")
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: web\nversion: 1.0.0\n")
    (tmp_path / "templates" / "alerts.yaml").write_text("# alerts\n" + rules("Errors", "rate(x[5m]) > 1"))
    report = api.check([tmp_path], checklists=["dify"], base=tmp_path)
    (outcome,) = [one for one in report.checklists if one.checklist.source_document == "dify"]
    verdict = next(one for one in outcome.verdicts if one.item.id == "dify.alerting")
    assert verdict.state == "met"
    assert [tuple(place) for place in verdict.evidence] == [("templates/alerts.yaml", 6)]


ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 70000)
    | st.sampled_from(["", "true", "Pods", "metrics", "0 2 * * *", "prom/prometheus:v3", "$X", "rate(errors[5m])", "backup"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        "name kind type spec metadata annotations labels data ports port metrics schedule suspend groups rules alert expr template"
        " containers image env value command args prometheus.io/scrape logging driver environment SENTRY_DSN board.json".split()),
        inner, max_size=4),
    max_leaves=14,
)  # fmt: skip
KINDS = [
    "PrometheusRule",
    "HorizontalPodAutoscaler",
    "ConfigMap",
    "Service",
    "CronJob",
    "Deployment",
    "Pod",
    "ServiceMonitor",
]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(KINDS), ODD, ODD, ODD)
def test_odd_shapes_raise_nothing(kind: str, spec: object, metadata: object, data: object) -> None:
    version = "monitoring.coreos.com/v1" if "M" in kind or "Rule" in kind else "v1"
    manifest = {
        "apiVersion": version,
        "kind": kind,
        "metadata": metadata,
        "spec": spec,
        "data": data,
    }
    shown(
        {
            "a.json": json.dumps(manifest),
            "compose.yaml": json.dumps({"services": {"a": spec, "b": data}}),
        }
    )
