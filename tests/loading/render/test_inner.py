"""What is here of an overlay that takes in something from elsewhere is built all the same, and judged together."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from readiness.loading.render.inner import outermost_buildable_overlays
from readiness.loading.render.kustomize import Kustomization
from readiness.model import Source
from readiness.verdict.report import Report

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata: {labels: {part: web}}
    spec: {containers: [{name: web, image: example.com/web, securityContext: {privileged: %s}}]}
"""
POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress], ingress: []}
"""
REMOTE = "https://example.com/x.yaml"
# Without the component the operation has nothing to replace, and nobody can tell whether it would have with it.
TREE = {
    "all/kustomization.yaml": f"resources: [../web/prod, ../policies]\ncomponents: [{REMOTE}]\n"
    "patches: [{target: {kind: NetworkPolicy}, patch: '[{op: replace, path: /spec/egress/0/to, value: []}]'}]\n",
    "web/base/kustomization.yaml": "resources: [web.yaml]\ncommonLabels: {app: web}\n",
    "web/base/web.yaml": WEB % "true",
    "web/prod/kustomization.yaml": "resources: [../base]\nimages: [{name: example.com/web, newTag: '1.2'}]\n",
    "policies/kustomization.yaml": "resources: [web.yaml]\n",
    "policies/web.yaml": POLICY,
}  # fmt: skip
RULES = [
    "k8s/selector-missing",
    "k8s/image-tag-missing",
    "k8s/network-policy-selects-nothing",
    "k8s/pod-ingress-open",
    "k8s/privileged",
]


def check(root: Path, files: dict[str, str]) -> Report:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return readiness.check([root], select=RULES, base=root)


def told(report: Report) -> list[tuple[str, str]]:
    return [(one.rule, one.path) for one in report.findings]


def test_what_is_here_is_judged_as_it_is_built_and_together(tmp_path: Path) -> None:
    report = check(tmp_path, TREE)
    assert told(report) == [("k8s/privileged", "web/base/web.yaml")]
    rows = {row.path: (row.status, row.cause) for row in report.files}
    assert rows["all/kustomization.yaml"] == ("skipped", "outside")
    assert rows["web/prod/kustomization.yaml"] == ("checked", "")
    assert rows["policies/kustomization.yaml"] == ("checked", "")
    assert "web/base/kustomization.yaml" not in rows  # a part of another
    assert {one.unit_path for one in report.findings} == {"all"}


def test_what_a_built_overlay_takes_in_is_not_built_again(tmp_path: Path) -> None:
    other = {"other/kustomization.yaml": "resources: [../web/prod, ../policies]\n"}
    report = check(tmp_path, TREE | other)
    assert told(report) == [("k8s/privileged", "web/base/web.yaml")]
    assert "web/prod/kustomization.yaml" not in {row.path for row in report.files}


def test_what_is_nowhere_built_says_nothing_of_selectors(tmp_path: Path) -> None:
    files = {
        "web/kustomization.yaml": f"resources: [{REMOTE}, web.yaml]\ncommonLabels: {{app: web}}\n",
        "web/web.yaml": WEB % "false",
    }
    assert ("k8s/selector-missing", "web/web.yaml") not in told(check(tmp_path, files))
    plain = {"plain/web.yaml": WEB % "false"}
    assert ("k8s/selector-missing", "plain/web.yaml") in told(check(tmp_path, plain))


def known(takes: dict[str, str]) -> dict[str, Kustomization]:
    return {
        name: Kustomization(Source(f"{name}/kustomization.yaml", ""), name, name == "part", resource_folders=inner.split())
        for name, inner in takes.items()
    }  # fmt: skip


@pytest.mark.parametrize(
    ("takes", "bad", "good"),
    [
        ({"top": "a b", "a": "", "b": ""}, "top", ["a", "b"]),
        ({"top": "a", "a": "b", "b": ""}, "top", ["a"]),
        ({"top": "a", "a": "b c", "b": "", "c": ""}, "c", ["b"]),
        ({"top": "a", "a": "b", "b": "a"}, "b", []),  # a circle
        ({"top": "a part", "a": "", "part": ""}, "top", ["a"]),  # a component is none by itself
        ({"top": "a gone"}, "top", []),
    ],
)
def test_the_outermost_that_can_be_built_are(takes: dict[str, str], bad: str, good: list[str]) -> None:
    every = known(takes)
    asked: list[str] = []

    def is_refused(one: Kustomization) -> bool:
        asked.append(one.folder)
        return one.folder == bad

    found = outermost_buildable_overlays([every["top"]], [], every, is_refused)
    assert [one.kustomization.folder for one in found] == good
    assert all(one.users == ("top",) for one in found)
    assert len(asked) == len(set(asked))
