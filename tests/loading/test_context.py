"""What lies around the judged files in their repository: joins see it, and nothing is said of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

import readiness
from readiness.cli.main import main
from readiness.loading import context
from readiness.loading.discover import DiscoveredFiles, discover_files
from readiness.run import cache
from readiness.verdict.report import Report
from tests.conftest import ROOT
from tests.make import write_files

DOCKERFILE = """\
FROM python:3.13-slim
COPY app.py /app/
USER 1000
CMD ["python", "/app/app.py"]
"""
COMPOSE = """\
services:
  web:
    build: ..
    ports: ["8080:8080"]
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: acme/web:1.0.0
          envFrom: [{configMapRef: {name: settings}}]
"""
PATCH = """\
resources: [../../base]
patches:
  - patch: |
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: web}
      spec:
        template:
          spec:
            containers:
              - {name: web, resources: {limits: {memory: 1Gi}, requests: {memory: 1Gi, cpu: 500m}}}
"""
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: x}
spec:
  containers:
    - {name: x, image: 'x:1.0.0', securityContext: {privileged: true}}
"""
TREE = {
    ".git/HEAD": "ref: refs/heads/main\n",
    ".gitignore": "ignored/\n",
    "Dockerfile": DOCKERFILE,
    "app.py": "",
    "deploy/compose.yaml": COMPOSE,
    "base/kustomization.yaml": "resources: [deployment.yaml]\n",
    "base/deployment.yaml": DEPLOYMENT,
    "overlays/prod/kustomization.yaml": PATCH,
    "conf/nginx.conf": "events {}\nhttp {\n  add_header X-Frame-Options DENY always;\n  include conf.d/*.conf;\n}\n",
    "conf/conf.d/web.conf": """\
server {
  listen 80;
  location / {
    add_header Cache-Control no-cache;
    proxy_pass http://web:8080;
  }
}
""",
    ".github/workflows/ci.yml": """\
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: docker build -t acme/web:1.0.0 . && docker push acme/web:1.0.0
""",
    "ignored/pod.yaml": POD,
}


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = write_files(tmp_path / "root", TREE)
    monkeypatch.chdir(root)
    return root


def check(*paths: str, **options: Any) -> Report:
    return readiness.check(paths, **{"select": ["ALL"], **options})


def told(report: Report, below: str) -> set[tuple[str, str, int, str, str]]:
    """The findings on the files below a folder."""
    return {
        (one.rule, one.path, one.line, one.message, str(one.severity))
        for one in report.findings
        if one.path.startswith(f"{below}/") or one.path == below
    }


def found(*paths: str, base: Path) -> DiscoveredFiles:
    discovered = discover_files([base / one for one in paths], working_directory=base)
    context.add_context(discovered, [base / one for one in paths])
    return discovered


FOLDERS = [
    "deploy", "base", "overlays", "overlays/prod", "conf", "conf/conf.d", ".github", ".github/workflows"
]  # fmt: skip


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_subfolder_gives_what_the_root_gives_of_it(folder: str, tree: Path) -> None:
    whole = told(check("."), folder)
    assert whole, "a folder of which nothing is told proves nothing"
    report = check(folder)
    assert told(report, folder) == whole
    assert report.score is not None


def test_joins_decide_in_these_folders(tree: Path) -> None:
    """Without the context something else is told, else the test above would hold of itself."""
    changed = [one for one in FOLDERS if told(check(one, context=False), one) != told(check(one), one)]
    assert {"base", "deploy", "conf/conf.d"} <= {*changed}


STORIES = ("dify/weak", "flowise/hardened", "ragflow/weak", "dashflow/weak", "embedded", "broken")


@pytest.mark.parametrize("story", STORIES)
def test_a_fixtures_subfolders_give_what_the_fixture_gives_of_them(story: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "root"
    shutil.copytree(ROOT / "fixtures" / story, root)
    write_files(root, {".git/HEAD": ""})
    monkeypatch.chdir(root)
    folders = [one for one in root.rglob("*") if one.is_dir() and ".git" not in one.parts]
    names = sorted(one.relative_to(root).as_posix() for one in folders)
    whole = check(".")
    assert {name: told(check(name), name) for name in names} == {name: told(whole, name) for name in names}


@pytest.mark.parametrize(("folder", "jobs"), [*((one, 1) for one in FOLDERS), ("base", 2)])
def test_the_context_is_never_reported_on(folder: str, jobs: int, tree: Path) -> None:
    with (tree / "Dockerfile").open("a") as file:
        file.write("RUN curl http://x | sh  # readiness: ignore[k8s/nothing]\n")
    (tree / "deploy/broken.yaml").write_text("services: {web: [\n")
    report = check(folder, jobs=jobs, checklists=["flowise"])
    around = {row.path for row in report.files if not row.path.startswith(f"{folder}/")}
    assert around == set()
    outside = {one.path for one in report.findings if not one.path.startswith(f"{folder}/")}
    # A base that a judged overlay takes in is a part of what it deploys.
    assert outside <= ({"base/deployment.yaml"} if folder.startswith("overlays") else set())
    assert report.coverage.unread_files == () or folder == "deploy"
    shown = [place.path for outcome in report.checklists for verdict in outcome.verdicts for place in verdict.evidence]
    allowed = (f"{folder}/", "base/") if folder.startswith("overlays") else (f"{folder}/",)
    assert all(path.startswith(allowed) for path in shown)


def test_score_and_coverage_are_those_of_the_judged_files(tree: Path) -> None:
    write_files(tree, {"other/pod.yaml": POD})
    with_it = check("deploy")
    (tree / "other/pod.yaml").unlink()
    without = check("deploy")
    assert with_it.context.files == without.context.files + 1
    assert (with_it.raw, with_it.coverage, with_it.files) == (
        without.raw,
        without.coverage,
        without.files,
    )


def test_a_related_place_may_lie_in_the_context(tree: Path) -> None:
    write_files(
        tree,
        {
            "Dockerfile": DOCKERFILE.replace("USER 1000\n", "USER app\nEXPOSE 9000\n"),
            "deploy/pod.yaml": POD.replace("x:1.0.0", "acme/web:1.0.0").replace("privileged", "runAsNonRoot"),
        },
    )
    related = {other.source.root.path for one in check("deploy").findings for other in one.related}
    whole = {other.source.root.path for one in check(".").findings if one.path.startswith("deploy/") for other in one.related}
    assert related == whole
    assert "Dockerfile" in related


def test_a_file_by_itself_has_context_too(tree: Path) -> None:
    whole = told(check("."), "base/deployment.yaml")
    assert told(check("base/deployment.yaml"), "base/deployment.yaml") == whole
    assert check("base/deployment.yaml").score is not None
    report = check("base/deployment.yaml", "conf/conf.d/web.conf")
    assert {row.path for row in report.files} == {"base/deployment.yaml", "conf/conf.d/web.conf"}


def test_from_inside_the_folder(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths lead out of the working directory and in again: nothing is called missing for that."""
    write_files(tree, {"deploy/compose.yaml": COMPOSE.replace("build: ..", "build: ../deploy")})
    write_files(tree, {"deploy/Dockerfile": DOCKERFILE, "deploy/app.py": ""})
    whole = {one.rule for one in check(".").findings if one.path == "deploy/compose.yaml"}
    monkeypatch.chdir(tree / "deploy")
    assert {one.rule for one in check(".").findings if one.path == "compose.yaml"} == whole


@pytest.mark.parametrize("paths", [["."], ["deploy", "."]])
def test_a_whole_repository_has_no_context(paths: list[str], tree: Path) -> None:
    report = check(*paths)
    assert report.context.files == 0
    assert "context" not in report.to_dict()


def test_no_repository_no_context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_files(tmp_path, {key: text for key, text in TREE.items() if ".git/" not in key})
    monkeypatch.chdir(root)
    assert check("deploy").context.files == 0


def test_every_report_says_it_once(tree: Path) -> None:
    data = json.loads(run("deploy", "--format", "json"))
    assert data["context"] == {"files": 6, "around": ["deploy"], "complete": True}
    sentence = "6 files around deploy were read for joins and not judged; --no-context leaves them out"
    for name in ("terminal", "github", "markdown"):
        for color in (["--color", "always"], ["--color", "never"]) if name == "terminal" else ([],):
            out = click.unstyle(run("deploy", "--format", name, *color))
            assert " ".join(out.split()).count(sentence) == 1


def run(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["check", "--exit-zero", "--no-cache", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_flag_turns_it_off_and_breaks_nothing_at_the_root(tree: Path) -> None:
    assert "context" not in json.loads(run("deploy", "--no-context", "--format", "json"))
    assert run(".", "--no-context", "--format", "json") == run(".", "--format", "json")


def test_ignored_and_excluded_files_are_no_context(tree: Path) -> None:
    write_files(tree, {"deploy/.gitignore": "x\n", "node_modules/pod.yaml": POD})
    assert "ignored/pod.yaml" not in {one.path for one in found("deploy", base=tree).sources}
    before = check("deploy", config=True).context.files
    (tree / ".readiness.yaml").write_text("exclude: [conf/*]\n")
    assert check("deploy", config=True).context.files == before - 2


def test_links_do_not_lead_out_of_the_repository(tree: Path, tmp_path: Path) -> None:
    write_files(tmp_path / "secret", {"Dockerfile": "FROM secret:1\n", "pod.yaml": POD})
    (tree / "Dockerfile.out").symlink_to(tmp_path / "secret/Dockerfile")
    (tree / "linked").symlink_to(tmp_path / "secret")
    (tree / "base/up.yaml").symlink_to("../../secret/pod.yaml")
    texts = {one.path: one.text for one in found("deploy", base=tree).sources}
    assert not any("secret" in text or "privileged" in text for text in texts.values())


def test_a_link_to_another_place_has_no_context_here(tree: Path, tmp_path: Path) -> None:
    write_files(tmp_path / "else", {"compose.yaml": COMPOSE})
    (tree / "linked").symlink_to(tmp_path / "else")
    assert found("linked", base=tree).context.paths == frozenset()


def test_links_in_a_circle_and_files_that_cannot_be_read(tree: Path) -> None:
    (tree / "a").symlink_to("b")
    (tree / "b").symlink_to("a")
    (tree / "base/around").symlink_to("..")
    (tree / "bad.yaml").write_bytes(b"\xff\xfe\xff")
    report = check("deploy")
    assert {row.path for row in report.files} == {"deploy/compose.yaml"}
    assert all(one.path.startswith("deploy/") for one in report.findings)


def test_a_large_repository_is_read_to_a_bound(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tree, {f"many/{number}/pod.yaml": POD for number in range(60)})
    monkeypatch.setattr(context, "BOUND_AROUND_FOLDERS", context.Bound(10_000, 20, 1 << 20))
    discovered = found("deploy", base=tree)
    assert discovered.context.cut
    around = {one.path for one in discovered.sources} - {"deploy/compose.yaml"}
    assert len(around) <= 20
    assert {"Dockerfile", ".github/workflows/ci.yml"} <= around, "what is near is read first"
    assert discovered.walked_folders == {"deploy"}, "nothing is said to be missing in what was not read"
    assert check("deploy").to_dict()["context"]["complete"] is False
    assert "not all that the repository holds" in " ".join(run("deploy").split())


@pytest.mark.parametrize("bound", [(5, 1000, 1 << 20), (1000, 1000, 10), (0, 0, 0)])
def test_each_bound_holds(bound: tuple[int, int, int], tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "BOUND_AROUND_FOLDERS", context.Bound(*bound))
    discovered = found("deploy", base=tree)
    assert discovered.context.cut
    assert len(discovered.sources) <= 4


def test_one_file_reads_only_what_its_joins_ask(tree: Path) -> None:
    write_files(
        tree,
        {
            "chart/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n",
            "chart/templates/pod.yaml": POD,
            "other/pod.yaml": POD,
        },
    )
    workflow = {one.path for one in found(".github/workflows/ci.yml", base=tree).sources}
    assert workflow == {".github/workflows/ci.yml", "Dockerfile", "deploy/compose.yaml"}
    manifest = {one.path for one in found("base/deployment.yaml", base=tree).sources}
    assert {"other/pod.yaml", "overlays/prod/kustomization.yaml", "Dockerfile"} <= manifest
    assert not any(path.startswith(("chart/", "conf/", "deploy/")) for path in manifest)


@pytest.mark.parametrize("folder", ["chart/", ""])
def test_a_template_by_itself_is_rendered_by_its_chart(folder: str, tree: Path) -> None:
    chart = {"Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n", "templates/pod.yaml": POD}
    write_files(tree, {f"{folder}{path}": text for path, text in chart.items()})
    (row,) = check(f"{folder}templates/pod.yaml").files
    assert (row.path, row.kind) == (f"{folder}templates/pod.yaml", "helm")
    assert {one.path for one in found(".github/workflows/ci.yml", base=tree).sources} >= {"Dockerfile"}


def test_settings_hold_in_a_subfolder_as_at_the_root(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(
        tree,
        {
            "deploy/skip/compose.yaml": COMPOSE.replace("build: ..", "build: ../.."),
            ".readiness.yaml": """\
exclude: [deploy/skip/*]
waivers:
  - {rule: compose/healthcheck-missing, path: deploy/compose.yaml, reason: looked after}
  - {rule: k8s/resources-missing, path: base/*, reason: looked after}
""",
        },
    )

    def states(*paths: str) -> dict[tuple[str, int], bool]:
        return {(one.rule, one.line): bool(one.suppression) for one in check(*paths, config=True).findings if one.path.endswith("compose.yaml")}

    whole = states(".")
    assert whole["compose/healthcheck-missing", 2] is True
    assert states("deploy") == whole
    assert not [one for one in check("deploy", config=True).findings if "unused" in one.rule]
    monkeypatch.chdir(tree / "deploy")
    report = check(".", config=True)
    assert {row.path for row in report.files if row.kind} == {"compose.yaml"}
    assert states(".")["compose/healthcheck-missing", 2] is True


def test_the_cache_knows_the_context(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "user_result_cache", lambda: cache.ResultCache(tmp_path / "kept"))
    first = check("base", cache=True).to_dict()
    assert check("base", cache=True).to_dict() == first
    assert first["context"]["files"] > 0
    (tree / "overlays/prod/kustomization.yaml").unlink()
    assert check("base", cache=True).to_dict() == check("base").to_dict() != first
    assert check("base", cache=True, context=False).to_dict() == check("base", context=False).to_dict()
