"""Every path that a file names: inside the tree it is followed, and a refusal is a row, whatever kind of file names it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import readiness
from readiness.loading import named_paths
from readiness.loading.assembly import CAUSE_NOT_IN_TREE
from readiness.loading.render import helm
from readiness.verdict.report import Report
from tests.loading.test_passed import listening, sparse
from tests.make import write_files

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs links and FIFOs")
needs_helm = pytest.mark.skipif(not helm.available_chart_renderer(), reason="needs the extra readiness[helm] or helm, and neither is installed")
MARKER = "outside-marker"
SERVICE = "services:\n  a:\n    image: 'x:1.0.0'\n"
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  containers:\n    - {name: x, image: 'x:1.0.0'}\n"
JOB = "on: push\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    timeout-minutes: 5\n    steps:\n      - uses: "
CHART = {"shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n", "shop/templates/pod.yaml": POD}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository, and beside it a folder with files of every name that tests link to."""
    made = tmp_path / "tree"
    write_files(made, {".git/config": f"[remote]\n  url = https://x:{MARKER}@example.com/a\n", "pod.yaml": POD})
    outside = f"services:\n  b: {{image: 'x:latest', environment: {{A: {MARKER}}}}}\n"
    names = ("file", "a.env", "b.yaml", "Dockerfile", "action.yml", "one.conf", "values.yaml", "_helpers.tpl")
    write_files(tmp_path / "out", dict.fromkeys(names, outside))
    return made


def check(root: Path, files: dict[str, str] | None = None, **more: Any) -> Report:
    write_files(root, files or {})
    return readiness.check([root], base=root, **more)


def rows(report: Report) -> dict[str, tuple[str, str]]:
    return {row.path: (row.status, row.reason) for row in report.files}


def link(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


# What names a file whose content counts: the naming file, and the path that it names in the tree.
READ: dict[str, tuple[dict[str, str], str]] = {
    "env_file": ({"compose.yaml": SERVICE + "    env_file: conf/settings\n"}, "conf/settings"),
    "env_file in a list": ({"compose.yaml": SERVICE + "    env_file: [{path: ./conf/../conf/settings, required: false}]\n"}, "conf/settings"),
    "env_file by an anchor": ({"compose.yaml": "x-a: &a {env_file: conf/settings}\nservices: {a: {<<: *a, image: 'x:1.0.0'}}\n"}, "conf/settings"),
    "extends": ({"compose.yaml": SERVICE + "    extends: {file: base/common.yaml, service: b}\n"}, "base/common.yaml"),
    "include": ({"compose.yaml": "include: [parts/one.yaml]\n" + SERVICE}, "parts/one.yaml"),
    "env_file of an include": (
        {"compose.yaml": "include: [{path: p.yaml, env_file: conf/settings}]\n" + SERVICE, "p.yaml": SERVICE}, "conf/settings",
    ),
    "a Dockerfile of a build": ({"compose.yaml": "services: {a: {build: {context: web, dockerfile: build/Image}}}\n"}, "web/build/Image"),
    "a local include of GitLab": ({".gitlab-ci.yml": "include: [{local: /ci/more}]\na: {script: [make]}\n"}, "ci/more"),
    "a local action": ({".github/workflows/a.yml": JOB + "./act\n"}, "act/action.yml"),
    "a local workflow": (
        {".github/workflows/a.yml": "on: push\npermissions: {}\njobs: {a: {uses: ./.github/workflows/called.yml}}\n"}, ".github/workflows/called.yml",
    ),
    "an include of nginx": ({"web/nginx.conf": "http { include parts/one; server { listen 80; } }\n"}, "web/parts/one"),
}  # fmt: skip


def out(path: Path, tree: Path) -> None:
    link(path, os.path.relpath(tree.parent / "out" / "file", path.parent))


REFUSED: dict[str, tuple[Callable[[Path, Path], Any], str]] = {
    "a link out": (out, "a link out of the tree"),
    "an absolute link out": (lambda path, tree: link(path, str(tree.parent / "out" / "file")), "a link out of the tree"),
    "a device": (lambda path, tree: link(path, "/dev/zero"), "a link out of the tree"),
    "the environment": (lambda path, tree: link(path, "/proc/self/environ"), "a link out of the tree"),
    "git's own settings": (lambda path, tree: link(path, os.path.relpath(tree / ".git" / "config", path.parent)), "a link into the data of version"),
    "a broken link": (lambda path, tree: link(path, "gone"), "a link to a file that is not there"),
    "a link to itself": (lambda path, tree: link(path, path.name), "a link "),
    "a FIFO": (lambda path, tree: os.mkfifo(path), "it is a FIFO, no regular file"),
    "a socket": (lambda path, tree: listening(path), "it is a socket, no regular file"),
    "huge": (lambda path, tree: sparse(path), "3072.0 MiB is over the limit of 10 MiB"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "reason"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize(("files", "named"), READ.values(), ids=READ)
def test_a_named_file_that_is_not_read_has_a_row_and_keeps_the_gate_shut(
    tree: Path, files: dict[str, str], named: str, make: Callable[[Path, Path], Any], reason: str
) -> None:
    (tree / named).parent.mkdir(parents=True, exist_ok=True)
    before = check(tree, files, select=["k8s/privileged"])
    assert "unreadable" not in {status for status, _ in rows(before).values()}
    make(tree / named, tree)
    report = check(tree, select=["k8s/privileged"])
    status, said = rows(report)[named]
    assert (status, said.startswith(reason)) == ("unreadable", True), said
    assert [one.path for one in report.findings if one.rule == "core/unreadable"] == [named]
    assert not report.gate.passed
    assert report.verdict != "ready"
    assert report.coverage.percent < before.coverage.percent
    assert MARKER not in str(report.to_dict())


@pytest.mark.parametrize(
    ("files", "named", "folder"),
    [(files, named, named.partition("/")[0]) for files, named in READ.values() if named.partition("/")[0] not in {".github", "web"}]
    + [(*READ["an include of nginx"], "web/parts"), (*READ["a Dockerfile of a build"], "web/build")],
)  # fmt: skip
def test_a_folder_on_the_way_that_is_a_link_out_is_the_row(tree: Path, files: dict[str, str], named: str, folder: str) -> None:
    del named
    link(tree / folder, os.path.relpath(tree.parent / "out", (tree / folder).parent))
    report = check(tree, files, select=["k8s/privileged"])
    assert rows(report)[folder] == ("unreadable", "a link out of the tree, which is not followed")
    assert not report.gate.passed


@pytest.mark.parametrize(("files", "named"), READ.values(), ids=READ)
def test_a_link_that_stays_in_the_tree_is_nobodys_fault(tree: Path, files: dict[str, str], named: str) -> None:
    """By one step, by `..` that stays inside, and by a link on the way to a link."""
    write_files(tree, {"kept/real.txt": "# nothing\n"})
    link(tree / "kept" / "again", "../kept/./real.txt")
    link(tree / named, os.path.relpath(tree / "kept" / "again", (tree / named).parent))
    report = check(tree, files, select=["k8s/privileged"])
    assert [one.path for one in report.findings if one.rule == "core/unreadable"] == []


def test_dots_behind_a_link_lead_where_the_system_leads(tree: Path) -> None:
    """`d/../x` is beside the folder that `d` leads to: written so in a link it leads out, though its words stay inside."""
    (tree / "deep").mkdir()
    link(tree / "d", "deep/er")
    link(tree / "deep" / "er", "..")
    link(tree / "conf" / "settings", "../d/../out/file")
    report = check(tree, {"compose.yaml": SERVICE + "    env_file: conf/settings\n"}, select=["k8s/privileged"])
    assert any(status == "unreadable" and "link" in reason for status, reason in rows(report).values())
    assert MARKER not in str(report.to_dict())


OUT_OF_TREE: dict[str, tuple[str, str]] = {
    "env_file": (SERVICE + "    env_file: ../out/a.env\n", "../out/a.env"),
    "env_file by many steps": (SERVICE + "    env_file: a/b/../../../out/a.env\n", "../out/a.env"),
    "extends": (SERVICE + "    extends: {file: ../out/b.yaml, service: b}\n", "../out/b.yaml"),
    "include": ("include: [../out/b.yaml]\n" + SERVICE, "../out/b.yaml"),
    "a Dockerfile": ("services: {a: {build: {context: ., dockerfile: ../out/Dockerfile}}}\n", "../out/Dockerfile"),
}


@pytest.mark.parametrize(("text", "path"), OUT_OF_TREE.values(), ids=OUT_OF_TREE)
def test_what_is_named_out_of_the_tree_is_said_in_the_row_of_the_naming_file(tree: Path, text: str, path: str) -> None:
    report = check(tree, {"compose.yaml": text})
    (row,) = [one for one in report.files if one.path == "compose.yaml"]
    assert (row.status, row.cause) == ("checked", CAUSE_NOT_IN_TREE)
    assert row.reason == f"it takes in {path}, which leads out of the tree and is not read"
    assert report.coverage.percent < 100
    assert MARKER not in str(report.to_dict())


def test_a_file_that_one_names_and_another_reads_counts_as_read(tree: Path) -> None:
    link(tree / "l", "../out/file")
    copying = {"Dockerfile": "FROM alpine:3.22\nCOPY l /a\nUSER 1000\n", "compose.yaml": SERVICE + "    env_file: l\nsecrets: {s: {file: l}}\n"}
    report = check(tree, copying, select=["k8s/privileged"])
    assert rows(report)["l"][0] == "unreadable"
    assert [one.path for one in report.findings if one.rule == "core/unreadable"] == ["l"]


def test_paths_behind_the_limit_are_said(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(named_paths, "MAX_NAMED_PATHS_PER_RUN", 3)
    text = "services:\n" + "".join(f"  a{n}: {{image: 'x:1.0.0', env_file: conf/{n}}}\n" for n in range(6))
    link(tree / "conf" / "5", "/dev/zero")
    report = check(tree, {"compose.yaml": text})
    (row,) = [one for one in report.files if one.path == "compose.yaml"]
    assert row.cause == CAUSE_NOT_IN_TREE
    assert "more than the 3 paths of a run" in row.reason


@pytest.mark.parametrize(
    "path", ["a" * 300, "a/" * 150 + "b", "conf/../" * 90 + "b", "./" * 400 + "b", "\u202e", "a b ", "~/x", "%2e%2e/x", "..\\\\x", "C:/x", "//x/y"]
)
def test_odd_names_break_nothing_and_lead_nowhere(tree: Path, path: str) -> None:
    report = check(tree, {"compose.yaml": SERVICE + f'    env_file: "{path}"\n'})
    assert not report.crashed
    assert "core/unreadable" not in {one.rule for one in report.findings}


def test_links_that_take_many_steps_end(tree: Path) -> None:
    """Forty links, each of many steps, and two that lead to each other."""
    for number in range(60):
        link(tree / f"l{number}", "./" + "conf/../" * 200 + f"l{number + 1}")
    (tree / "conf").mkdir()
    link(tree / "x", "y")
    link(tree / "y", "x")
    text = "services:\n  a: {image: 'x:1.0.0', env_file: [l0, x]}\n"
    report = check(tree, {"compose.yaml": text})
    told = {path: reason for path, (status, reason) in rows(report).items() if status == "unreadable"}
    assert len(told) == 2
    assert all("too many steps" in reason for reason in told.values())


def test_a_file_of_the_machine_is_said_and_no_gap(tree: Path) -> None:
    report = check(tree, {"compose.yaml": SERVICE + "    env_file: /proc/self/environ\n"})
    (row,) = [one for one in report.files if one.path == "compose.yaml"]
    assert (row.status, row.cause) == ("checked", "")
    assert "/proc/self/environ, which leads out of the tree and is not read" in row.reason


@pytest.mark.parametrize("path", ["/etc/nginx/mime.types", "../conf.d/*.conf", "$dir/x.conf", "mime.types"])
def test_what_nginx_includes_of_its_image_is_nothing_to_tell(tree: Path, path: str) -> None:
    report = check(tree, {"nginx.conf": f"http {{ include {path}; server {{ listen 80; }} }}\n"})
    assert rows(report)["nginx.conf"] == ("checked", "")


# What names a file whose content nobody asks for.
MENTIONED: dict[str, tuple[dict[str, str], str]] = {
    "a secret": ({"compose.yaml": SERVICE + "    secrets: [s]\nsecrets: {s: {file: ./keys/s}}\n"}, "keys/s"),
    "a config": ({"compose.yaml": SERVICE + "configs: {c: {file: keys/c}}\n"}, "keys/c"),
    "COPY": ({"web/Dockerfile": "FROM alpine:3.22\nCOPY --chown=1:1 src/a /a\nUSER 1000\n"}, "web/src/a"),
    "COPY of JSON": ({"web/Dockerfile": 'FROM alpine:3.22\nCOPY ["./src/a", "/a/"]\nUSER 1000\n'}, "web/src/a"),
    "ADD": ({"web/Dockerfile": "FROM alpine:3.22\nADD src/a.tar /a\nUSER 1000\n"}, "web/src/a.tar"),
    "COPY that climbs": ({"web/Dockerfile": "FROM alpine:3.22\nCOPY ../../src/a /a\nUSER 1000\n"}, "web/src/a"),
}


@pytest.mark.parametrize(("files", "named"), MENTIONED.values(), ids=MENTIONED)
@pytest.mark.parametrize(("make", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_is_only_named_is_told_and_stops_nothing(
    tree: Path, files: dict[str, str], named: str, make: Callable[[Path, Path], Any], reason: str
) -> None:
    (tree / named).parent.mkdir(parents=True, exist_ok=True)
    before = check(tree, files, select=["k8s/privileged"])
    make(tree / named, tree)
    report = check(tree, select=["k8s/privileged"])
    status, said = rows(report)[named]
    assert (status, said.startswith(reason)) == ("skipped", True), said
    assert (report.gate.passed, report.verdict) == (before.gate.passed, before.verdict)
    assert MARKER not in str(report.to_dict())


def test_what_is_ignored_is_told_and_stops_nothing(tree: Path) -> None:
    """A link on one person's machine is in no repository."""
    link(tree / "conf" / "local", "../../out/a.env")
    report = check(tree, {".gitignore": "/conf/\n", "compose.yaml": SERVICE + "    env_file: conf/local\n"}, select=["k8s/privileged"])
    assert rows(report)["conf/local"] == ("skipped", "a link out of the tree, which is not followed")
    assert report.gate.passed


@pytest.mark.parametrize(("files", "named"), READ.values(), ids=READ)
def test_a_cached_result_holds_only_while_the_link_leads_there(
    tree: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], named: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tree.parent / "cache"))
    folder = "linked"
    write_files(tree, {"kept/nothing": "# nothing\n"})
    (tree / named).parent.mkdir(parents=True, exist_ok=True)
    link(tree / folder, "kept")
    link(tree / named, os.path.relpath(tree / folder / "nothing", (tree / named).parent))
    assert "unreadable" not in {status for status, _ in rows(check(tree, files, cache=True)).values()}
    (tree / folder).unlink()
    link(tree / folder, "../out")
    (tree.parent / "out" / "nothing").write_text("# nothing\n")
    report = check(tree, cache=True)
    assert "unreadable" in {status for status, _ in rows(report).values()}


CHART_LINKS: dict[str, tuple[str, str, dict[str, str]]] = {
    "the folder of values for tests": ("shop/ci", "../../out", {}),
    "the folder of subcharts": ("shop/charts", "../../out", {}),
    "a folder of templates": ("shop/templates/more", "../../../out", {}),
    "a folder of templates that stays inside": ("shop/templates/more", "../parts", {"shop/parts/a.yaml": POD}),
    "definitions": ("shop/templates/_helpers.tpl", "../../../out/_helpers.tpl", {}),
    "values of an environment": ("shop/values-prod.yaml", "../../out/values.yaml", {}),
    "the schema of values": ("shop/values.schema.json", "/etc/hostname", {}),
    "a file that a template prints": ("shop/files/a.txt", "../../../out/file", {"shop/templates/m.yaml": '# {{ .Files.Get "files/a.txt" }}\n'}),
    "files that a template goes over": (
        "shop/files/a.txt",
        "../../../out/file",
        {"shop/templates/m.yaml": '# {{ (.Files.Glob "files/*").AsConfig }}\n'},
    ),
    "git's own settings": ("shop/templates/_git.tpl", "../../.git/config", {}),
    "a device": ("shop/templates/_zero.tpl", "/dev/zero", {}),
}


@needs_helm
@pytest.mark.parametrize(("path", "target", "files"), CHART_LINKS.values(), ids=CHART_LINKS)
def test_what_a_chart_has_by_a_link_out_has_a_row_and_keeps_the_gate_shut(tree: Path, path: str, target: str, files: dict[str, str]) -> None:
    write_files(tree, CHART | files)
    link(tree / path, target)
    report = check(tree, select=["k8s/privileged"])
    status, reason = rows(report)[path]
    assert (status, "link" in reason) == ("unreadable", True)
    assert not report.gate.passed
    assert MARKER not in str(report.to_dict())


@needs_helm
def test_a_chart_that_is_a_repository_prints_nothing_of_gits(tree: Path) -> None:
    """The link stays in the chart, and in it lies `.git`."""
    printing = POD.replace("{name: x}\n", '{name: x, annotations: {a: {{ .Files.Get "files/a" | quote }}}}\n', 1)
    write_files(tree, {"Chart.yaml": CHART["shop/Chart.yaml"], "templates/pod.yaml": printing})
    link(tree / "files" / "a", "../.git/config")
    report = check(tree, select=["ALL"])
    assert rows(report)["files/a"] == ("unreadable", "a link into the data of version control, which is not followed")
    assert MARKER not in str(report.to_dict())


@needs_helm
@pytest.mark.parametrize(
    "path",
    [
        "shop/README.md",
        "shop/LICENSE",
        "shop/docs",
        "shop/dashboards/a.json",
        "shop/.helmignore",
        "shop/charts/db/.helmignore",
        "shop/charts/db/LICENSE",
    ],
)
def test_a_link_of_a_chart_that_helm_does_not_use_is_nothing_to_tell(tree: Path, path: str) -> None:
    write_files(tree, CHART)
    link(tree / path, os.path.relpath(tree.parent / "out", (tree / path).parent))
    report = check(tree, select=["k8s/privileged"])
    assert path not in rows(report)
    assert report.gate.passed


@needs_helm
def test_a_fifo_in_a_chart_is_told_and_waits_for_nobody(tree: Path) -> None:
    write_files(tree, CHART)
    os.mkfifo(tree / "shop" / "templates" / "_pipe.tpl")
    report = check(tree, select=["k8s/privileged"])
    assert rows(report)["shop/templates/_pipe.tpl"] == ("unreadable", "it is a FIFO, no regular file")


@needs_helm
def test_a_cached_chart_holds_only_while_its_links_lead_there(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The walk reads no `.tpl`; the rendering does, by a link too."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tree.parent / "cache"))
    define = '{{{{ define "image" }}}}x:{}{{{{ end }}}}'
    chart = CHART | {"shop/parts/a.tpl": define.format("1.0.0"), "shop/parts/b.tpl": define.format("latest")}
    chart["shop/templates/pod.yaml"] = POD.replace("'x:1.0.0'", '{{ include "image" . }}')
    write_files(tree, chart)
    helpers = tree / "shop" / "templates" / "_helpers.tpl"
    link(helpers, "../parts/a.tpl")
    rule = ["k8s/image-tag-missing"]
    assert [one.path for one in check(tree, select=rule, cache=True).findings] == []
    helpers.unlink()
    link(helpers, "../parts/b.tpl")
    assert [one.rule for one in check(tree, select=rule, cache=True).findings] == rule


APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd}
spec:
  project: default
  destination: {namespace: shop, server: https://kubernetes.default.svc}
  source: {repoURL: https://example.com/a, path: shop, targetRevision: main, helm: {valueFiles: [VALUES]}}
"""


@needs_helm
@pytest.mark.parametrize("values", ["../../out/values.yaml", "../linked.yaml", "../folder/values.yaml", "../../../../etc/hostname"])
def test_values_of_a_release_out_of_the_tree_are_said_and_not_taken_in(tree: Path, values: str) -> None:
    write_files(tree, CHART | {"app.yaml": APPLICATION.replace("VALUES", values)})
    link(tree / "linked.yaml", "../out/values.yaml")
    link(tree / "folder", "../out")
    report = check(tree, select=["ALL"])
    (row,) = [one for one in report.files if one.path == "app.yaml"]
    assert (row.status, row.cause) == ("checked", CAUSE_NOT_IN_TREE)
    assert f"the values {values} were not taken in" in row.reason
    assert MARKER not in str(report.to_dict())


KUSTOMIZATIONS: dict[str, str] = {
    "a file of a generator": "configMapGenerator: [{name: a, files: [../.git/config]}]\n",
    "a file of a generator under a name": "secretGenerator: [{name: a, files: ['token=../.git/config']}]\n",
    "a key in capitals": "CONFIGMAPGENERATOR: [{name: a, FILES: ['../.git/config ']}]\n",
    "an environment file": "configMapGenerator: [{name: a, envs: [../.git/config]}]\n",
    "a resource": "resources: [../.git/config]\n",
    "a link": "configMapGenerator: [{name: a, files: [l]}]\n",
    "a link to its folder": "configMapGenerator: [{name: a, files: [g/config]}]\n",
    "a folder in capitals": "configMapGenerator: [{name: a, files: [../.GIT/config]}]\n",
    "by way of itself": "configMapGenerator: [{name: a, files: [../k/../.git/./config]}]\n",
}


@pytest.mark.parametrize("text", KUSTOMIZATIONS.values(), ids=KUSTOMIZATIONS)
def test_a_kustomization_takes_in_nothing_of_gits(tree: Path, text: str) -> None:
    """It holds the token that the tree was fetched with, and a generator makes a ConfigMap of whatever it names."""
    write_files(tree, {"k/kustomization.yaml": text, ".GIT/config": f"url = https://x:{MARKER}@example.com\n"})
    link(tree / "k" / "l", "../.git/config")
    link(tree / "k" / "g", "../.git")
    report = check(tree, select=["ALL"])
    status, reason = rows(report)["k/kustomization.yaml"]
    assert (status, "version control" in reason) == ("skipped", True)
    assert MARKER not in str(report.to_dict())


@pytest.mark.parametrize("taken_in", ["include: [/opt/x.yaml]\n", "x: 1\n"])
def test_what_a_compose_file_takes_in_from_the_machine_is_a_gap(tmp_path: Path, taken_in: str) -> None:
    extended = "" if taken_in.startswith("include") else "    extends: {file: /opt/x.yaml, service: web}\n"
    write_files(tmp_path, {"compose.yaml": f"{taken_in if not extended else ''}services:\n  web:\n    image: nginx:1.27.3\n{extended}"})
    report = readiness.check([tmp_path], base=tmp_path)
    assert [(row.path, "/opt/x.yaml" in row.reason) for row in report.coverage.unread_files] == [("compose.yaml", True)]
