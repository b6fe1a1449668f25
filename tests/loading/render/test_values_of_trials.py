"""What only values of install tests, or of other environments than production, bring: not told, or medium at worst."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from readiness.loading.render import helm
from readiness.model import Severity
from tests.make import write_files

pytestmark = pytest.mark.skipif(not helm.available_chart_renderer(), reason="needs the extra readiness[helm] or helm, and neither is installed")

CHART = "apiVersion: v2\nname: shop\nversion: 1.0.0\n"
PRINTS_WHOLE_OBJECTS = "{{- range .Values.resources }}\n---\n{{ toYaml . }}\n{{- end }}\n"
OLD_CLASS = "resources:\n- apiVersion: scheduling.k8s.io/v1beta1\n  kind: PriorityClass\n  metadata: {name: high}\n  value: 100\n"
COMMENTED = "resources: []\n" + "".join(f"# {line}\n" for line in OLD_CLASS.splitlines())
OLD_TEMPLATE = "{{- if .Values.old }}\napiVersion: scheduling.k8s.io/v1beta1\nkind: PriorityClass\nmetadata: {name: high}\nvalue: 100\n{{- end }}\n"


def severities(root: Path, files: dict[str, str], rule: str) -> list[Severity]:
    tree = write_files(root, {f"chart/{path}": text for path, text in ({"Chart.yaml": CHART} | files).items()})
    return [one.severity for one in readiness.check([tree], base=tree, select=[rule]).findings]


@pytest.mark.parametrize(
    ("files", "is_told"),
    [
        ({"templates/a.yaml": PRINTS_WHOLE_OBJECTS, "values.yaml": "resources: []\n", "ci/a-values.yaml": OLD_CLASS}, False),
        ({"templates/a.yaml": PRINTS_WHOLE_OBJECTS, "values.yaml": COMMENTED, "ci/a-values.yaml": OLD_CLASS}, False),
        ({"templates/a.yaml": PRINTS_WHOLE_OBJECTS, "values.yaml": OLD_CLASS, "ci/a-values.yaml": OLD_CLASS}, True),
        ({"templates/a.yaml": OLD_TEMPLATE, "values.yaml": "old: false\n", "ci/a-values.yaml": "old: true\n"}, True),
    ],
)
def test_what_an_install_test_brings_itself(tmp_path: Path, files: dict[str, str], is_told: bool) -> None:
    assert bool(severities(tmp_path, files, "k8s/api-version-removed")) is is_told


@pytest.mark.parametrize(
    ("values_by_name", "worst"),
    [
        ({"values.yaml": "old: false\n", "values-dev.yaml": "old: true\n"}, Severity.MEDIUM),
        ({"values.yaml": "old: false\n", "ci/a-values.yaml": "old: true\n"}, Severity.MEDIUM),
        ({"values.yaml": "old: true\n", "values-dev.yaml": "old: true\n"}, None),
        ({"values.yaml": "old: false\n", "values-dev.yaml": "old: true\n", "values-prod.yaml": "old: true\n"}, None),
    ],
)
def test_what_only_other_environments_give_is_medium_at_worst(tmp_path: Path, values_by_name: dict[str, str], worst: Severity | None) -> None:
    deploys = {"../up.sh": "helm upgrade --install shop ./chart\n"}
    told = severities(tmp_path, {"templates/a.yaml": OLD_TEMPLATE} | values_by_name | deploys, "k8s/api-version-removed")
    alone = severities(tmp_path / "all", {"templates/a.yaml": OLD_TEMPLATE, "values.yaml": "old: true\n"} | deploys, "k8s/api-version-removed")
    assert set(alone) == {Severity.HIGH}
    assert set(told) == {worst or Severity.HIGH}
