"""What one rule says of a packed chart is one finding where one edit mends it."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from readiness.loading.render.helm import available_chart_renderer
from readiness.verdict.report import Report
from tests.loading.render.test_chart_parts import ABOUT, DECLARED, outer, packed
from tests.make import write_files

pytestmark = pytest.mark.skipif(not available_chart_renderer(), reason="needs helm or readiness[helm]")
ROLE = "apiVersion: rbac.authorization.k8s.io/v1beta1\nkind: %s\nmetadata: {name: %s}\nrules: []\n"
DEPLOYMENT = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %s}\nspec: {selector: {matchLabels: {app: %s}}, template: "
    "{metadata: {labels: {app: %s}}, spec: {containers: [{name: main, image: 'docker.io/bitnami/redis:7.0.9-debian-11-r1'}]}}}\n"
)
ARCHIVE = "shop/charts/part-1.0.0.tgz"


def check(root: Path, rule: str, templates: dict[str, str], **files: str | bytes) -> Report:
    part = {"Chart.yaml": ABOUT.format("part"), "values.yaml": ""} | {f"templates/{name}": text for name, text in templates.items()}
    write_files(root, outer(DECLARED) | {ARCHIVE: packed(part)} | files)
    return readiness.check([root], base=root, select=[rule])


def test_removed_versions_of_an_archive_are_one_finding(tmp_path: Path) -> None:
    templates = {"a.yaml": ROLE % ("ClusterRole", "a") + "---\n" + ROLE % ("ClusterRole", "b"), "c.yaml": ROLE % ("Role", "c")}
    [finding] = check(tmp_path, "k8s/api-version-removed", templates).findings
    assert finding.path == f"{ARCHIVE}/templates/a.yaml"
    assert "2 more places of the packed chart" in finding.message
    assert [one.source.path.rpartition("/")[2] for one in finding.related] == ["a.yaml", "c.yaml"]


def test_an_image_of_an_archive_is_one_finding(tmp_path: Path) -> None:
    templates = {"a.yaml": DEPLOYMENT % ("a", "a", "a"), "b.yaml": DEPLOYMENT % ("b", "b", "b")}
    [finding] = check(tmp_path, "k8s/image-bitnami-gone", templates).findings
    assert [one.source.path.rpartition("/")[2] for one in finding.related] == ["b.yaml"]


def test_what_two_services_lack_is_a_matter_of_the_values_of_each(tmp_path: Path) -> None:
    templates = {"a.yaml": DEPLOYMENT % ("a", "a", "a"), "b.yaml": DEPLOYMENT % ("b", "b", "b")}
    assert len(check(tmp_path, "k8s/memory-limit-missing", templates).findings) == 2


def test_files_of_hand_stay_apart(tmp_path: Path) -> None:
    own = {"shop/templates/a.yaml": ROLE % ("Role", "a"), "shop/templates/b.yaml": ROLE % ("Role", "b")}
    report = check(tmp_path, "k8s/api-version-removed", {"c.yaml": ROLE % ("Role", "c")}, **own)
    assert sorted(one.path for one in report.findings) == [f"{ARCHIVE}/templates/c.yaml", *own]


def test_a_single_finding_of_an_archive_says_nothing_of_others(tmp_path: Path) -> None:
    [finding] = check(tmp_path, "k8s/api-version-removed", {"c.yaml": ROLE % ("Role", "c")}).findings
    assert "packed chart" not in finding.message
