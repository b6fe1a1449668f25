"""One secret value of a chart is one finding, wherever templates print it."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from tests.make import write_files

CHART = "apiVersion: v2\nname: shop\nversion: 1.0.0\n"
MANIFEST = "apiVersion: v1\nkind: Secret\nmetadata: {name: shop}\nstringData:\n"
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: db}\nspec:\n  containers:\n    - name: db\n      image: registry.example.com/db:1\n      env:\n"
VARIABLE = "        - name: %s\n          value: %s\n"
AS_SECRET = MANIFEST + "  DB_PASSWORD: {{ .Values.db.password | quote }}\n"
AS_VARIABLE = POD + VARIABLE % ("DB_PASSWORD", "{{ .Values.db.password | quote }}")
URL = '{{ printf "postgresql://%s:%s@db:5432/shop" .Values.db.user .Values.db.password | quote }}'
VALUES = "db:\n  user: shop\n  password: winter-harbour-71\n"


def told(tmp_path: Path, templates: dict[str, str], values: str = VALUES) -> list[tuple[str, str, int]]:
    files = {f"shop/templates/{name}.yaml": text for name, text in templates.items()}
    write_files(tmp_path, {"shop/Chart.yaml": CHART, "shop/values.yaml": values, **files})
    report = readiness.check([tmp_path], base=tmp_path, select=["k8s/secret-in-env", "k8s/secret-committed"])
    return [(one.rule, one.path, one.line) for one in report.findings if one.suppression is None]


@pytest.mark.parametrize(
    "templates",
    [
        {"a": AS_SECRET, "b": AS_VARIABLE},
        {"a": AS_SECRET + f"  DATABASE_URL: {URL}\n", "b": AS_VARIABLE},
        {"a": AS_SECRET, "b": AS_VARIABLE + VARIABLE % ("DATABASE_URL", URL)},
        {"a": AS_SECRET, "b": POD + VARIABLE % ("DATABASE_URL", URL)},
    ],
)
def test_a_value_that_templates_print_several_times_is_told_once(tmp_path: Path, templates: dict[str, str]) -> None:
    assert [(path, line) for _, path, line in told(tmp_path, templates)] == [("shop/values.yaml", 3)]


def test_the_other_places_are_related(tmp_path: Path) -> None:
    told(tmp_path, {"a": AS_SECRET + f"  DATABASE_URL: {URL}\n", "b": AS_VARIABLE})
    (finding,) = readiness.check([tmp_path], base=tmp_path, select=["k8s/secret-in-env", "k8s/secret-committed"]).findings
    places = {(one.source.root.path, one.message) for one in finding.related}
    assert places >= {
        ("shop/templates/a.yaml", "a template puts the value in here"),
        ("shop/templates/b.yaml", "a template puts the value in here"),
        ("shop/templates/a.yaml", "the value is a part of this, too"),
    }


def test_two_values_are_two_findings(tmp_path: Path) -> None:
    templates = {"a": AS_SECRET, "b": POD + VARIABLE % ("DB_PASSWORD", "{{ .Values.other.password | quote }}")}
    values = VALUES + "other:\n  password: autumn-window-28\n"
    assert {line for _, _, line in told(tmp_path, templates, values)} == {3, 5}


def test_a_url_of_another_value_is_told(tmp_path: Path) -> None:
    other_url = URL.replace("db.password", "queue.word")
    values = VALUES + "queue:\n  word: autumn-window-28\n"
    assert len(told(tmp_path, {"a": AS_SECRET + f"  DATABASE_URL: {other_url}\n"}, values)) == 2


def test_a_url_that_only_shares_the_user_is_told(tmp_path: Path) -> None:
    url = '{{ printf "postgresql://%s:autumn-window-28@db:5432/shop" .Values.db.user | quote }}'
    assert len(told(tmp_path, {"a": AS_SECRET + f"  DATABASE_URL: {url}\n"})) == 2


def test_a_silenced_rule_leaves_the_other(tmp_path: Path) -> None:
    values = VALUES.replace("71\n", "71  # readiness: ignore[k8s/secret-in-env] known\n")
    assert told(tmp_path, {"a": AS_SECRET, "b": AS_VARIABLE}, values) == [("k8s/secret-committed", "shop/values.yaml", 3)]
