"""Variables that every kind judges alike: debug modes and log levels, each told by the rule of its kind."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from tests.make import write_files

FILES = {
    "Dockerfile": "FROM alpine:3.20\nENV {name}={value}\n",
    "compose.yaml": "services:\n  web:\n    image: acme/web:1.4\n    environment:\n      {name}: '{value}'\n",
    "pod.yaml": (
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec:\n  containers:\n    - name: web\n      image: acme/web:1.4\n"
        "      env: [{{name: {name}, value: '{value}'}}]\n"
    ),
    "config.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: web}}\ndata: {{{name}: '{value}'}}\n",
}
DEBUG = {"dockerfile/debug-mode", "compose/debug-on", "k8s/debug-on"}
LEVEL = {"dockerfile/log-level-debug", "compose/log-level-debug", "k8s/log-level-debug"}


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SHOP_DEBUG", "yes", DEBUG),
        ("RAILS_ENV", "development", DEBUG),
        ("SHOP_LOG_LEVEL", "TRACE", LEVEL),
        ("SHOP_DEBUG", "no", set()),
        ("SHOP_DEBUG", "$OTHER", set()),
        ("RAILS_ENV", "production", set()),
        ("SHOP_LOG_LEVEL", "warn", set()),
        ("DEBUG_PORT", "1", set()),
    ],
)
def test_each_kind_is_told_the_same(path: str, name: str, value: str, expected: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the folder's own name speaks of tests
    write_files(tmp_path, {path: FILES[path].format(name=name, value=value)})
    report = readiness.check(["."], select=sorted(DEBUG | LEVEL))
    found = {one.rule for one in report.findings}
    kind = {"Dockerfile": "dockerfile/", "compose.yaml": "compose/"}.get(path, "k8s/")
    assert found == {one for one in expected if one.startswith(kind)}
