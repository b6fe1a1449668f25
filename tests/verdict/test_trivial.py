"""A nearly empty project of each kind meets no checklist item but what a line of it shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness import api
from readiness.run.report_of_run import all_checklists

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: example.com/web:1.2.3
"""
WORKFLOW = """\
on: push
jobs:
  test:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
      - run: make test
"""
# A project, and all that it meets: the item, and what stands in the line that shows it.
PROJECTS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "an empty image": ({"Dockerfile": "FROM scratch\n"}, {}),
    "an image": (
        {"Dockerfile": 'FROM python:3.13-slim\nRUN pip install --no-cache-dir flask\nUSER 10001\nCMD ["python", "-m", "flask", "run"]\n'},
        {
            "dashflow.non-root": "10001",
            "dashflow.versioned-image": "python:3.13-slim",
            "flowise.exec-form": '["python"',
            "flowise.minimal-base": "python:3.13-slim",
            "flowise.no-package-cache": "--no-cache-dir",
            "flowise.non-root": "10001",
        },
    ),
    "a service": (
        {"compose.yaml": "services:\n  web:\n    image: nginx:1.27.1\n"},
        {"dashflow.versioned-image": "nginx:1.27.1"},
    ),
    "a service without a version": ({"compose.yaml": "services:\n  web:\n    build: .\n"}, {}),
    "a server": (
        {"nginx.conf": "server {\n  listen 80;\n  server_name example.com;\n  root /srv;\n}\n"},
        {},
    ),
    "a Deployment": ({"web.yaml": DEPLOYMENT}, {"dashflow.versioned-image": "web:1.2.3"}),
    "an object without pods": (
        {"a.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"},
        {},
    ),
    "a workflow": ({".github/workflows/ci.yml": WORKFLOW}, {}),
    "a pipeline": ({".gitlab-ci.yml": "test:\n  script: [make test]\n"}, {}),
    "a document": ({"README.md": f"```yaml\n{DEPLOYMENT}```\n"}, {}),
}


@pytest.mark.parametrize("name", PROJECTS)
def test_nothing_is_met_but_what_a_line_shows(name: str, tmp_path: Path) -> None:
    files, expected = PROJECTS[name]
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    systems = [one.source_document for one in all_checklists()]
    report = api.check([tmp_path], checklists=systems, select=api.rules_of_checklists(systems), base=tmp_path)
    met = {verdict.item.id: verdict for outcome in report.checklists for verdict in outcome.verdicts if verdict.state == "met"}
    assert sorted(met) == sorted(expected)
    for item, shown in expected.items():
        (place,) = met[item].evidence
        assert shown in files[place.path].splitlines()[place.line - 1]
