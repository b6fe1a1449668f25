"""Selectors of Services, budgets, policies and monitors: what is applied with them first, and a twin's pods are nobody else's."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from readiness import kinds
from readiness.model import Severity, Source
from readiness.model.project import Project, RunProjects
from readiness.run import engine
from tests.conftest import catalogue

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: %s}
spec:
  selector: {matchLabels: {app: %s}}
  template:
    metadata: {labels: {app: %s}}
    spec: {containers: [{name: web, image: "example.com/web:1.2.3"}]}
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web, labels: {app: %s}}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""
BUDGET = """\
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
"""
POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress], ingress: []}
"""
PEER = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: store}
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]
"""
PODS = """\
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: web}
spec: {selector: {matchLabels: {app: web}}, podMetricsEndpoints: [{port: web}]}
"""
SERVICES = """\
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: web}
spec: {selector: {matchLabels: {app: web}}, endpoints: [{port: web}]}
"""


def deployment(name: str) -> str:
    return DEPLOYMENT % (name, name, name)


# What selects pods (or Services) of app=web, what it selects, the same under another name, and the rule.
KINDS = {
    "a service": (SERVICE % "x", deployment("web"), deployment("shop"), "service-selects-nothing"),
    "a budget": (BUDGET, deployment("web"), deployment("shop"), "disruption-budget-selects-nothing"),
    "a policy": (POLICY, deployment("web"), deployment("shop"), "network-policy-selects-nothing"),
    "a peer": (PEER, deployment("web"), deployment("shop"), "network-policy-peer-unresolved"),
    "pods": (PODS, deployment("web"), deployment("shop"), "service-monitor-selects-nothing"),
    "services": (SERVICES, SERVICE % "web", SERVICE % "shop", "service-monitor-selects-nothing"),
}  # fmt: skip
Told = list[tuple[str, Severity, str]]


def project(files: Mapping[str, str], unit: str = "") -> Project:
    documents = [("k8s", kinds.parse_source(Source(path, text, kind="k8s"))) for path, text in files.items()]
    return Project(documents, files, is_complete=True, unit=unit)  # fmt: skip


def told(rule: str, *projects: Project) -> Told:
    """(path, severity, path of the related place) of what a rule says."""
    RunProjects(list(projects))
    outcome = engine.EngineResult()
    rules = [bound for bound in catalogue() if bound.rule.id == f"k8s/{rule}"]
    core = {bound.rule.id: bound.rule for bound in catalogue()}
    for one in projects:
        engine.run_rules(one, rules, core, outcome)
    return [(one.path, one.severity, next((other.source.path for other in one.related), "")) for one in engine.sort_and_deduplicate(outcome.findings)]


@pytest.mark.parametrize(("selecting", "selected", "other", "rule"), KINDS.values(), ids=KINDS)
class TestSelections:
    def test_a_neighbour_of_its_own_has_the_pods(self, selecting: str, selected: str, other: str, rule: str) -> None:
        files = {"dev/s.yaml": selecting, "dev/d.yaml": selected}
        files |= {"prod/s.yaml": selecting, "prod/d.yaml": other}
        assert told(rule, project(files)) == [("prod/s.yaml", Severity.LOW, "dev/d.yaml")]

    def test_each_has_its_own(self, selecting: str, selected: str, other: str, rule: str) -> None:
        del other
        files = {f"{name}/{file}.yaml": text for name in ("dev", "prod")
                 for file, text in (("s", selecting), ("d", selected))}  # fmt: skip
        assert told(rule, project(files)) == []

    def test_a_folder_beside_it_has_them_for_nobody_else(self, selecting: str, selected: str, other: str, rule: str) -> None:
        files = {"a/s.yaml": selecting, "a/d.yaml": other, "b/d.yaml": selected}
        assert told(rule, project(files)) == []

    def test_no_file_has_them(self, selecting: str, selected: str, other: str, rule: str) -> None:
        del selected
        ((path, severity, place),) = told(rule, project({"a/s.yaml": selecting, "a/d.yaml": other}))
        assert (path, place) == ("a/s.yaml", "")
        assert severity >= Severity.LOW

    def test_two_that_may_be_meant_are_silent(self, selecting: str, selected: str, other: str, rule: str) -> None:
        files = {"a/s.yaml": selecting, "a/d.yaml": other}
        files |= {"b/d.yaml": selected, "c/d.yaml": selected}
        assert told(rule, project(files)) == []

    def test_another_unit_may_bring_them(self, selecting: str, selected: str, other: str, rule: str) -> None:
        plain = project({"a/s.yaml": selecting, "a/d.yaml": other})
        assert told(rule, plain, project({"chart/d.yaml": selected}, "chart (values.yaml)")) == []

    def test_what_another_unit_has_for_its_own_is_not_meant(self, selecting: str, selected: str, other: str, rule: str) -> None:
        dev = project({"dev/s.yaml": selecting, "dev/d.yaml": selected}, "dev")
        prod = project({"prod/s.yaml": selecting, "prod/d.yaml": other}, "prod")
        assert told(rule, dev, prod) == [("prod/s.yaml", Severity.LOW, "dev/d.yaml")]

    def test_a_copy_without_an_application_may_be_for_the_one_that_there_is(self, selecting: str, selected: str, other: str, rule: str) -> None:
        """As examples and patches to apply by hand are."""
        del other
        files = {
            "deploy/s.yaml": selecting,
            "deploy/d.yaml": selected,
            "examples/s.yaml": selecting,
        }
        assert told(rule, project(files)) == []
