"""Values files for environments that lie above a chart: they are its environments, and its defaults alone are nobody's."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from readiness.loading.render.helm import available_chart_renderer
from readiness.verdict.report import Report
from tests.make import write_files

pytestmark = pytest.mark.skipif(not available_chart_renderer(), reason="needs helm or readiness[helm]")
CRON_JOB = """\
apiVersion: batch/v1
kind: CronJob
metadata: {name: trim}
spec:
  {{- with .Values.schedule }}
  schedule: {{ . | quote }}
  {{- end }}
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{name: trim, image: acme/trim:1.0.0}]
"""
CHART = {
    "deploy/shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
    "deploy/shop/templates/trim.yaml": CRON_JOB,
    "deploy/shop/values.yaml": "schedule: ''\n",
}
SCHEDULE = "schedule: '0 3 * * *'\n"


def check(root: Path, files: dict[str, str]) -> Report:
    return readiness.check([write_files(root, files)], base=root, config=False)


def cron_findings(report: Report) -> list[tuple[str, str]]:
    return [(one.path, one.message) for one in report.findings if one.rule == "k8s/cron-schedule-invalid"]


@pytest.mark.parametrize("folder", ["deploy", "."])
@pytest.mark.parametrize(("first", "second"), [("values-dev.yaml", "values-prod.yaml"), ("values.staging.yml", "production-values.yaml")])
def test_defaults_are_not_judged_where_environments_lie_above(tmp_path: Path, folder: str, first: str, second: str) -> None:
    assert cron_findings(check(tmp_path / "without", CHART))
    beside = {f"{folder}/{first}": SCHEDULE, f"{folder}/{second}": SCHEDULE}
    report = check(tmp_path / "with", CHART | beside)
    assert not cron_findings(report)
    assert any(second in str(row) for row in report.to_dict()["environments"])


def test_a_value_that_such_a_file_sets_is_judged_there(tmp_path: Path) -> None:
    beside = {"deploy/values-dev.yaml": SCHEDULE, "deploy/values-prod.yaml": "schedule: '61 3 * * *'\n"}
    [(_, message)] = cron_findings(check(tmp_path, CHART | beside))
    assert "61" in message


OTHER_CHART = {one.replace("deploy/shop", "deploy/mail"): text for one, text in CHART.items()}


@pytest.mark.parametrize(
    "files",
    [
        {"deploy/values-prod.yaml": SCHEDULE},  # the defaults may be for another environment
        {"deploy/values-dev.yaml": "a: 1\nb: 2\n", "deploy/values-prod.yaml": "a: 1\nb: 2\n"},  # of another chart, by their keys
        {"deploy/values-red.yaml": SCHEDULE, "deploy/values-blue.yaml": SCHEDULE},  # nothing says that they are for environments
        {"deploy/values-dev.yaml.example": SCHEDULE, "deploy/values-prod.yaml.example": SCHEDULE},
        {"a/b/values-dev.yaml": SCHEDULE, "a/b/values-prod.yaml": SCHEDULE},  # not above it
        {"deploy/values-dev.yaml": SCHEDULE, "deploy/values-prod.yaml": SCHEDULE} | OTHER_CHART,  # for which of two?
    ],
)
def test_defaults_are_judged_where_nothing_says_that_others_are_deployed(tmp_path: Path, files: dict[str, str]) -> None:
    assert cron_findings(check(tmp_path, CHART | files))


def test_files_far_above_a_chart_are_not_its_own(tmp_path: Path) -> None:
    deep = {one.replace("deploy/", "deploy/a/b/"): text for one, text in CHART.items()}
    assert cron_findings(check(tmp_path, deep | {"deploy/values-dev.yaml": SCHEDULE, "deploy/values-prod.yaml": SCHEDULE}))


def test_defaults_are_judged_where_the_files_above_do_not_render(tmp_path: Path) -> None:
    broken = {"deploy/values-dev.yaml": "schedule: [\n", "deploy/values-prod.yaml": "schedule: [\n"}
    assert cron_findings(check(tmp_path, CHART | broken))
