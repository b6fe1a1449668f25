"""Which variants of one deployable are taken for production: by the settings, else by their names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

import readiness
from readiness.cli.main import main
from readiness.loading.render.helm import available_chart_renderer
from readiness.run import cache
from readiness.settings import ConfigError
from readiness.verdict.report import Report
from tests.make import write_files

needs_helm = pytest.mark.skipif(not available_chart_renderer(), reason="needs helm or readiness[helm]")
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: acme/web:1.0.0
"""
RESOURCES = "resources: {limits: {memory: 1Gi}, requests: {memory: 1Gi, cpu: 100m}}"


def overlay(container: str) -> str:
    return f"""\
resources: [../../base]
patches:
  - patch: |
      apiVersion: apps/v1
      kind: Deployment
      metadata: {{name: web}}
      spec:
        template:
          spec:
            containers:
              - name: web
                {container}
"""


def kustomized(**overlays: str) -> dict[str, str]:
    tree = {"base/kustomization.yaml": "resources: [web.yaml]\n", "base/web.yaml": DEPLOYMENT}
    for name, container in overlays.items():
        tree[f"overlays/{name}/kustomization.yaml"] = overlay(container)
    return tree


CHART = {
    "chart/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
    "chart/templates/web.yaml": DEPLOYMENT.replace(
        "image: acme/web:1.0.0\n",
        "image: acme/web:{{ .Values.tag }}\n          {{- with .Values.extra }}\n          {{- toYaml . | nindent 10 }}\n          {{- end }}\n",
    ),
    "chart/values.yaml": "{tag: 1.0.0, extra: {}}\n",
}
MEMORY = "k8s/memory-limit-missing"


def check(root: Path, files: dict[str, str], settings: str = "", **options: Any) -> Report:
    write_files(root, files)
    if settings:
        (root / ".readiness.yaml").write_text(settings)
    config = root / ".readiness.yaml" if settings else False
    return readiness.check([root], select=["ALL"], base=root, config=config, **options)


def rules(report: Report) -> set[str]:
    return {one.rule for one in report.findings}


def decided(report: Report) -> list[tuple[str, list[str], list[str], str]]:
    return [tuple(one.values()) for one in report.to_dict().get("environments", ())]


def test_an_overlay_for_development_is_not_asked_what_production_needs(tmp_path: Path) -> None:
    report = check(tmp_path, kustomized(dev="env: []", prod=RESOURCES))
    assert MEMORY not in rules(report)
    assert decided(report) == [("overlays", ["overlays/prod"], ["overlays/dev"], "names")]


def test_what_production_lacks_is_told(tmp_path: Path) -> None:
    report = check(tmp_path, kustomized(dev=RESOURCES, prod="env: []"))
    (found,) = [one for one in report.findings if one.rule == MEMORY]
    assert (found.path, "only with" in found.message) == ("base/web.yaml", False)


@pytest.mark.parametrize(
    ("names", "aside"),
    [
        (("dev", "prod"), {"dev"}),
        (("local", "eu", "us"), {"local"}),
        (("ci", "e2e-tests", "live"), {"ci", "e2e-tests"}),
        (("staging", "production"), set()),
        (("eu", "us"), set()),
        (("dev", "test"), set()),  # one of them is all that is deployed
    ],
)
def test_names_decide_while_one_is_left(names: tuple[str, ...], aside: set[str], tmp_path: Path) -> None:
    report = check(tmp_path, kustomized(**dict.fromkeys(names, "env: []")))
    others = {one for _, _, others, _ in decided(report) for one in others}
    assert others == {f"overlays/{name}" for name in aside}
    assert MEMORY in rules(report)


def test_a_folder_above_all_variants_says_nothing_of_one(tmp_path: Path) -> None:
    tree = {f"test/{path}": text for path, text in kustomized(dev=RESOURCES, prod="env: []").items()}
    assert decided(check(tmp_path, tree))[0][2] == ["test/overlays/dev"]


def test_overlays_of_different_things_are_no_variants(tmp_path: Path) -> None:
    tree = {
        "a/dev/kustomization.yaml": "resources: [web.yaml]\n",
        "a/dev/web.yaml": DEPLOYMENT,
        "b/prod/kustomization.yaml": "resources: [web.yaml]\n",
        "b/prod/web.yaml": DEPLOYMENT.replace("web", "api"),
    }
    report = check(tmp_path, tree)
    assert decided(report) == []
    assert {one.path for one in report.findings if one.rule == MEMORY} == {
        "a/dev/web.yaml",
        "b/prod/web.yaml",
    }


def test_mistakes_are_told_wherever_they_run(tmp_path: Path) -> None:
    wrong = check(tmp_path, kustomized(dev="imagePullPolicies: Always", prod=RESOURCES))
    assert [one.path for one in wrong.findings if one.rule_definition.category == "correctness"]


def test_an_overlay_that_does_not_build_is_nothing_that_is_left(tmp_path: Path) -> None:
    tree = kustomized(dev="env: []", prod="env: []")
    tree["overlays/prod/kustomization.yaml"] = "resources: [../../base, gone.yaml]\n"
    report = check(tmp_path, tree)
    assert decided(report) == []


def test_the_settings_win_over_names(tmp_path: Path) -> None:
    tree = kustomized(dev="env: []", prod=RESOURCES, eu=RESOURCES)
    named = "environments: {production: {overlays: [overlays/dev]}}\n"
    report = check(tmp_path, tree, named)
    assert decided(report) == [("overlays", ["overlays/dev"], ["overlays/eu", "overlays/prod"], "settings")]
    assert MEMORY in rules(report)
    by_name = "environments: {production: {overlays: [e*, prod]}}\n"
    assert MEMORY not in rules(check(tmp_path, tree, by_name))


@needs_helm
def test_values_for_development_are_not_asked_what_production_needs(tmp_path: Path) -> None:
    values = {
        "chart/values-dev.yaml": "{tag: latest, extra: {}}\n",
        "chart/values-prod.yaml": json.dumps({"extra": {"resources": {"limits": {"memory": "1Gi"}}}}),
    }
    report = check(tmp_path, {**CHART, **values})
    assert MEMORY not in rules(report)
    assert "k8s/image-tag-missing" not in rules(report)
    assert decided(report) == [("chart", ["values-prod.yaml"], ["values.yaml", "values-dev.yaml"], "names")]
    settings = "environments: {production: {values: [chart/values-prod.yaml, values.yaml]}}\n"
    asked = check(tmp_path, {**CHART, **values}, settings)
    assert MEMORY in rules(asked)
    assert decided(asked)[0][1:] == (
        ["values.yaml", "values-prod.yaml"],
        ["values-dev.yaml"],
        "settings",
    )


@needs_helm
@pytest.mark.parametrize("name", ["values-prod.yaml", "values-eu.yaml"])
def test_defaults_count_while_nothing_says_that_all_environments_have_their_own(name: str, tmp_path: Path) -> None:
    values = {f"chart/{name}": json.dumps({"extra": {"resources": {"limits": {"memory": "1Gi"}}}})}
    report = check(tmp_path, {**CHART, **values})
    assert decided(report) == []
    assert MEMORY in rules(report)


@needs_helm
def test_values_that_the_caller_gives_are_asked(tmp_path: Path) -> None:
    given = write_files(tmp_path, {"dev.yaml": "{tag: latest}\n"}) / "dev.yaml"
    values = {"chart/values-dev.yaml": "{}\n", "chart/values-prod.yaml": "{}\n"}
    report = check(tmp_path / "tree", {**CHART, **values}, helm_values=[given])
    assert "k8s/image-tag-missing" in rules(report)


COMPOSE = """\
services:
  web:
    image: acme/web:1.0.0
    restart: always
    mem_limit: 1g
    healthcheck: {test: [CMD, "true"]}
  batch:
    image: acme/batch:1.0.0
    profiles: [PROFILE]
"""


@pytest.mark.parametrize(
    ("profile", "settings", "asked"),
    [
        ("debug", "", False),
        ("nightly", "", True),
        ("debug", "[debug]", True),
        ("nightly", "[web, debug]", False),
        ("nightly", "[nightly]", True),
    ],
)
def test_profiles(profile: str, settings: str, asked: bool, tmp_path: Path) -> None:
    text = f"environments: {{production: {{profiles: {settings}}}}}\n" if settings else ""
    report = check(tmp_path, {"compose.yaml": COMPOSE.replace("PROFILE", profile)}, text)
    told = {one.rule for one in report.findings if one.resource == "service/batch"}
    assert ("compose/restart-missing" in told) is asked


WORKFLOW = """\
on: {push: {branches: [NAME]}}
jobs:
  ship:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
      - run: kubectl apply -f k8s
"""
GITLAB = """\
deploy:
  image: alpine:3.20
  script: [kubectl apply -f k8s]
  rules: [{if: '$CI_COMMIT_BRANCH == "NAME"'}]
"""
ROLLBACK = "ci/rollback-missing"


@pytest.mark.parametrize(("path", "text"), [(".github/workflows/a.yml", WORKFLOW), (".gitlab-ci.yml", GITLAB)])
def test_branches(path: str, text: str, tmp_path: Path) -> None:
    named = "environments: {production: {branches: [main, 'release/*']}}\n"
    asked = {
        branch: ROLLBACK in rules(check(tmp_path, {path: text.replace("NAME", branch)}, settings))
        for branch, settings in (("main", named), ("release/1", named), ("next", named))
    }
    assert asked == {"main": True, "release/1": True, "next": False}
    (tmp_path / ".readiness.yaml").unlink()
    assert ROLLBACK in rules(check(tmp_path, {path: text.replace("NAME", "next")}))


def test_what_a_job_says_of_its_place_counts_more_than_its_branch(tmp_path: Path) -> None:
    text = WORKFLOW.replace("NAME", "main").replace("ship:\n", "ship:\n    environment: staging\n")
    named = "environments: {production: {branches: [main]}}\n"
    assert ROLLBACK not in rules(check(tmp_path, {".github/workflows/a.yml": text}, named))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{production: {values: [a]}, staging: {}}", "no setting is called 'staging'"),
        ("{production: {value: [a]}}", "no setting is called 'value'"),
        ("{production: {values: a}}", "environments.production.values is a list: write [a]"),
        ("{production: [a]}", "environments.production is a mapping"),
        ("{}", "environments lacks production"),
        ("{production: {}}", "environments.production"),
    ],
)
def test_mistakes_are_told_at_their_place(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        check(tmp_path, {"compose.yaml": COMPOSE}, f"environments: {text}\n")
    assert said in str(caught.value)
    assert str(caught.value).startswith(".readiness.yaml:1:")


def test_a_pattern_that_names_nothing_is_told(tmp_path: Path) -> None:
    settings = """\
environments:
  production:
    values: [nope.yaml]
    overlays: [overlays/prod, overlays/gone]
    profiles: [none]
    branches: [nowhere]
"""
    report = check(tmp_path, kustomized(dev="env: []", prod=RESOURCES), settings)
    assert [one.partition(" names")[0] for one in report.notices] == [
        ".readiness.yaml:3:14: environments.production.values: 'nope.yaml'",
        ".readiness.yaml:4:31: environments.production.overlays: 'overlays/gone'",
        ".readiness.yaml:5:16: environments.production.profiles: 'none'",
        ".readiness.yaml:6:16: environments.production.branches: 'nowhere'",
    ]
    part = readiness.check([tmp_path / "base"], base=tmp_path, config=tmp_path / ".readiness.yaml")
    assert part.notices == (), "what it names may be in another part"


def test_every_report_tells_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write_files(tmp_path, kustomized(dev="env: []", prod=RESOURCES)))
    for name in ("terminal", "github", "markdown"):
        for color in (["--color", "always"], ["--color", "never"]) if name == "terminal" else ([],):
            arguments = ["check", "--no-cache", "--exit-zero", "--format", name, *color]
            out = click.unstyle(CliRunner().invoke(main, arguments).output)
            sentence = "overlays: overlays/prod, not overlays/dev, by their names"
            assert " ".join(out.split()).count(sentence) == 1


def test_where_nothing_has_variants_nothing_is_told(tmp_path: Path) -> None:
    assert "environments" not in check(tmp_path, {"web.yaml": DEPLOYMENT}).to_dict()


def test_the_cache_keeps_the_decisions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "user_result_cache", lambda: cache.ResultCache(tmp_path / "kept"))
    root, tree = tmp_path / "root", kustomized(dev="env: []", prod=RESOURCES)
    first = check(root, tree, cache=True).to_dict()
    assert first["environments"]
    assert check(root, tree, cache=True).to_dict() == first
