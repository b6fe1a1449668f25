"""The unit of each finding: what is applied together with its file."""

from __future__ import annotations

import pytest

from readiness import kinds
from tests.checks.project.test_project import project

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: b}]}\n"
DB = "services:\n  db:\n    image: postgres:17.6\n"
AMENDS = "services:\n  db:\n    environment: {TZ: UTC}\n"
UNITS: dict[str, dict[str, tuple[str, str]]] = {
    "manifests": {"a.yaml": (POD, "."), "x/y/a.yaml": (POD, "x/y")},
    "an overlay of compose": {
        "compose.yaml": (DB, "compose.yaml"),
        "compose.override.yaml": (AMENDS, "compose.yaml"),
        "more/compose.yaml": (AMENDS, "compose.yaml"),
        "other/compose.yaml": (DB, "other/compose.yaml"),
    },
    "an included file of compose": {
        "compose.yaml": ("include: [parts/db.yaml]\n" + DB.replace("db", "web"), "compose.yaml"),
        "parts/db.yaml": (DB, "compose.yaml"),
    },
    "a pipeline and its parts": {
        ".gitlab-ci.yml": ("include: ci/a.gitlab-ci.yml\n", ".gitlab-ci.yml"),
        "ci/a.gitlab-ci.yml": ("a: {script: [make]}\n", ".gitlab-ci.yml"),
        "ci/b.gitlab-ci.yml": ("b: {script: [make]}\n", "ci/b.gitlab-ci.yml"),
    },
    "a server and what it includes": {
        "nginx.conf": ("events {}\nhttp { include sites/*.conf; }\n", "nginx.conf"),
        "sites/a.conf": ("server { listen 80; }\n", "nginx.conf"),
    },
    "a Dockerfile": {"app/Dockerfile": ("FROM alpine:3.22.1\n", "app")},
}


@pytest.mark.parametrize("files", UNITS.values(), ids=UNITS)
def test_units(files: dict[str, tuple[str, str]]) -> None:
    made = project({path: text for path, (text, _) in files.items()})
    kinds.link_documents(made.by_kind, made.paths)
    units = kinds.unit_path_by_source_id(made)
    documents = [one for some in made.by_kind.values() for one in some]
    found = {one.source.path: units[id(one.source)] for one in documents}
    assert found == {path: unit for path, (_, unit) in files.items()}


def test_a_project_that_is_one_unit() -> None:
    made = project({"x/a.yaml": POD, "b.yaml": POD})
    made.unit = "chart (values-prod.yaml)"
    assert set(kinds.unit_path_by_source_id(made).values()) == {"chart (values-prod.yaml)"}
