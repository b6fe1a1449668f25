"""Files of ours that a walk cannot or will not read: each has a row and a reason, and nothing is ready in silence."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import readiness
from readiness import api, files, kinds
from readiness.loading.render import helm
from readiness.verdict.report import Report
from tests.settings_rows import holds

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs links, FIFOs and sockets of POSIX")
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  containers:\n    - {name: x, image: 'x:1.0.0'}\n"
HUGE = 3 << 30  # bytes that a sparse file says it has


def check(tree: Path, *paths: str, **options: object) -> Report:
    chosen = [tree / one for one in paths] or [tree]
    return readiness.check(chosen, base=tree, **options)


def rows(report: Report) -> dict[str, tuple[str, str]]:
    return {row.path: (row.status, row.reason) for row in report.files}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree with a file that is in order, beside a folder that is none of its business."""
    (tmp_path / "tree" / ".git").mkdir(parents=True)
    (tmp_path / "tree" / "pod.yaml").write_text(POD)
    (tmp_path / "tree" / "shop").mkdir()
    (tmp_path / "tree" / "shop" / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 1.0.0\n")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "file").write_text("FROM alpine:3.20\nENV MARKER=outside\n")
    return tmp_path / "tree"


OURS = {
    "Dockerfile": "dockerfile",
    "web/Dockerfile.prod": "dockerfile",
    "compose.yaml": "compose",
    "deploy/docker-compose.prod.yml": "compose",
    ".github/workflows/ci.yml": "github",
    ".github/dependabot.yml": "dependabot",
    ".gitlab-ci.yml": "gitlab",
    "prod/kustomization.yaml": "kustomize",
    "nginx.conf": "nginx",
    "cart/Chart.yaml": "helm",
    "shop/values-prod.yaml": "helm",
    "shop/templates/web.yaml": "helm",
    ".dockerignore": "dockerignore",
}


def link_out(path: Path) -> None:
    path.symlink_to(os.path.relpath(path.parents[-1 - _depth(path)].parent / "out" / "file", path.parent))


def _depth(path: Path) -> int:
    return path.parts.index("tree")


def listening(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's name is 108 characters at most
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


def sparse(path: Path) -> None:
    with path.open("wb") as out:
        out.truncate(HUGE)


WAYS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a link out": (link_out, "a link out of the tree"),
    "an absolute link out": (lambda path: path.symlink_to("/dev/zero"), "a link out of the tree"),
    "a broken link": (lambda path: path.symlink_to("gone"), "a link to a file that is not there"),
    "a link to itself": (lambda path: path.symlink_to(path.name), "a link to a file that is not"),
    "a FIFO": (os.mkfifo, "it is a FIFO, no regular file"),
    "a socket": (listening, "it is a socket, no regular file"),
    "huge": (sparse, "3072.0 MiB is over the limit of 10 MiB"),
    "no text": (lambda path: path.write_bytes(b"FROM a\n\xff\xfe\0"), "it is not text"),
}


@pytest.mark.parametrize(("make", "reason"), WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("name", OURS)
def test_a_file_of_ours_that_is_not_read_has_a_row_and_keeps_the_gate_shut(tree: Path, name: str, make: Callable[[Path], None], reason: str) -> None:
    whole = check(tree, select=["k8s/privileged"])
    assert whole.gate.passed
    (tree / name).parent.mkdir(parents=True, exist_ok=True)
    make(tree / name)
    report = check(tree, select=["k8s/privileged"])
    status, said = rows(report)[name]
    assert status == "unreadable"
    assert said.startswith(reason)
    assert [(one.rule, one.path) for one in report.findings if one.path == name] == [("core/unreadable", name)]
    assert report.coverage.percent < whole.coverage.percent
    assert report.verdict in {"not-ready", "not-assessed"}  # by how much of the tree it was
    assert not report.gate.passed
    assert "outside" not in str(report.to_dict())


@pytest.mark.parametrize(("name", "kind"), OURS.items(), ids=OURS)
def test_a_name_promises_a_kind(name: str, kind: str) -> None:
    assert kinds.kind_from_path(name, {"shop/Chart.yaml"}) == kind


@pytest.mark.parametrize("name", ["notes.yaml", "values.yaml", "templates/a.yaml", "main.py", "nginx/sock", "conf.d/x"])
def test_a_name_that_promises_nothing(name: str) -> None:
    assert kinds.kind_from_path(name, {"shop/Chart.yaml"}) == ""


OTHERS: dict[str, tuple[str, Callable[[Path], None], bool]] = {
    "a link of some YAML": ("config.yaml", link_out, True),
    "a broken link of some YAML": ("config.yml", lambda path: path.symlink_to("gone"), True),
    "a broken link": ("notes", lambda path: path.symlink_to("gone"), False),
    "a link to a program": ("run.py", link_out, False),
    "a socket that nginx serves": ("nginx.sock", listening, False),
    "a FIFO": ("pipe", os.mkfifo, False),
    "a link to a folder": ("charts", lambda path: path.symlink_to("../out"), False),
}


@pytest.mark.parametrize(("name", "make", "named"), OTHERS.values(), ids=OTHERS)
def test_a_file_that_is_nobodys_by_its_name_stops_nothing(tree: Path, name: str, make: Callable[[Path], None], named: bool) -> None:
    before = check(tree)
    make(tree / name)
    report = check(tree)
    assert report.gate == before.gate
    assert report.coverage == before.coverage
    assert (name in rows(report)) is named
    if named:
        assert rows(report)[name][0] == "skipped"


def test_what_is_ignored_or_excluded_or_vendored_is_not_told(tree: Path) -> None:
    (tree / ".gitignore").write_text("Dockerfile\n/ours/\n")
    (tree / "node_modules").mkdir()
    for name in ("Dockerfile", "compose.yaml", "node_modules/Dockerfile"):
        (tree / name).symlink_to("gone")
    (tree / ".readiness.yaml").write_text("exclude: [compose.yaml]\n")
    report = check(tree, config=tree / ".readiness.yaml")
    assert {"Dockerfile", "compose.yaml", "node_modules/Dockerfile"} & set(rows(report)) == set()


def test_a_link_in_the_tree_is_read_once(tree: Path) -> None:
    (tree / "docker").mkdir()
    (tree / "docker" / "web.Dockerfile").write_text("FROM alpine:latest\n")
    (tree / "docker" / "stack.txt").write_text("services: {a: {image: 'x:1.0.0', privileged: true}}\n")
    (tree / "a").mkdir()
    (tree / "a" / "Dockerfile").symlink_to("../docker/web.Dockerfile")
    (tree / "a" / "compose.yaml").symlink_to("../docker/stack.txt")
    report = check(tree)
    assert rows(report)["docker/web.Dockerfile"] == ("checked", "")
    assert "a/Dockerfile" not in rows(report)
    assert rows(report)["a/compose.yaml"] == ("checked", "")


@pytest.mark.parametrize("name", ["Dockerfile", "a/compose.yaml", "a/nginx.conf"])
def test_a_link_into_the_data_of_git_is_not_followed(tree: Path, name: str) -> None:
    """It may hold the token that the tree was fetched with."""
    (tree / ".git" / "config").write_text("[remote]\n  url = https://x:TOKEN@example.com/a\n")
    (tree / "a").mkdir()
    (tree / name).symlink_to(os.path.relpath(tree / ".git" / "config", (tree / name).parent))
    report = check(tree)
    assert rows(report)[name][0] == "unreadable"
    assert "TOKEN" not in str(report.to_dict())


@pytest.mark.parametrize("folder", [".github", ".github/workflows"])
def test_a_folder_of_ours_that_is_a_link_out(tree: Path, folder: str) -> None:
    (tree / folder).parent.mkdir(exist_ok=True)
    (tree / folder).symlink_to(tree.parent / "out")
    assert rows(check(tree))[folder][0] == "unreadable"


def test_a_folder_that_cannot_be_read(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "deploy").mkdir()
    scan = os.scandir

    def refuse(path: str | os.PathLike[str]) -> object:
        if Path(path).name == "deploy":
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    report = check(tree)
    assert rows(report)["deploy"] == ("unreadable", "permission denied")
    assert report.verdict == "not-ready"


IGNORES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a link": (link_out, "it is a link"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "it is a link"),
    "a FIFO": (os.mkfifo, "it is a FIFO, no regular file"),
    "huge": (sparse, "512 KiB is the limit, and it has more"),
    "a folder": (lambda path: path.mkdir(), "it is a directory, no regular file"),
}


@holds("gitignore")
@pytest.mark.parametrize(("make", "reason"), IGNORES.values(), ids=IGNORES)
@pytest.mark.parametrize("folder", ["", "deploy/"])
def test_a_gitignore_that_is_not_read_leaves_nothing_out(tree: Path, folder: str, make: Callable[[Path], None], reason: str) -> None:
    (tree / "out").mkdir()
    (tree.parent / "out" / "file").write_text("*.yaml\n")
    (tree / "deploy").mkdir()
    (tree / "deploy" / "pod.yaml").write_text(POD.replace("name: x", "name: y"))
    make(tree / f"{folder}.gitignore")
    report = check(tree)
    assert rows(report)[f"{folder}.gitignore"] == (
        "skipped",
        f"{reason}; nothing is left out by it",
    )
    assert rows(report)["pod.yaml"] == rows(report)["deploy/pod.yaml"] == ("checked", "")


COMPOSE = "services: {a: {image: 'x:1.0.0', env_file: [prod.env]}}\n"


@pytest.mark.parametrize("name", [".env", "prod.env"])
@pytest.mark.parametrize(("make", "reason"), WAYS.values(), ids=WAYS)
def test_an_environment_file_matters_where_a_compose_file_reads_it(tree: Path, name: str, make: Callable[[Path], None], reason: str) -> None:
    make(tree / name)
    report = check(tree)
    assert rows(report)[name][0] == "skipped"
    assert not any(one.path == name for one in report.findings)
    (tree / "compose.yaml").write_text(COMPOSE)
    report = check(tree)
    status, said = rows(report)[name]
    assert status == "unreadable"
    assert said.startswith(reason)
    assert not report.gate.passed


def test_an_environment_file_beside_a_compose_file_that_was_given(tree: Path) -> None:
    (tree / "compose.yaml").write_text(COMPOSE)
    (tree / ".env").symlink_to("../out/file")
    sparse(tree / "prod.env")
    report = check(tree, "compose.yaml")
    assert rows(report)[".env"][0] == "skipped"
    assert rows(report)["prod.env"][0] == "unreadable"
    assert report.verdict == "not-ready"


@pytest.mark.parametrize("name", ["pipe", "Dockerfile", "a.yaml"])
def test_a_file_that_was_given_and_is_no_regular_one(tree: Path, name: str) -> None:
    os.mkfifo(tree / name)
    assert rows(check(tree, name))[name] == ("unreadable", "it is a FIFO, no regular file")


def test_a_broken_link_that_was_given(tree: Path) -> None:
    (tree / "a.yaml").symlink_to("gone")
    assert rows(check(tree, "a.yaml"))["a.yaml"][0] == "unreadable"


def test_sparse_files_take_no_memory(tree: Path) -> None:
    (tree / "shop" / "templates").mkdir()
    for name in (
        "compose.yaml",
        "shop/values-prod.yaml",
        "shop/values.yaml",
        "shop/templates/a.yaml",
        ".gitignore",
        ".env",
    ):
        sparse(tree / name)
    sparse(tree / ".readiness.yaml")
    code = "import readiness,sys; r=readiness.check([sys.argv[1]]); print(r.gate.passed)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tree)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (600 << 20, 600 << 20)),
    )
    assert done.stdout.strip() == "False"


BROKEN = {
    "no YAML": "resources: [\n",
    "a list": "- a.yaml\n",
    "a word": "x\n",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_kustomization_that_is_none_is_a_finding(tree: Path, text: str) -> None:
    (tree / "prod").mkdir()
    (tree / "prod" / "kustomization.yaml").write_text(text)
    report = check(tree)
    assert rows(report)["prod/kustomization.yaml"][0] == "invalid"
    assert [one.path for one in report.findings if one.rule == "core/syntax"] == ["prod/kustomization.yaml"]
    assert not report.gate.passed


@pytest.mark.parametrize("text", ["", "# resources: [web.yaml]\n"])
def test_a_kustomization_of_nothing_is_told(tree: Path, text: str) -> None:
    """Nobody builds it as it stands: medium. It keeps the gate shut all the same, as every file of ours without a verdict."""
    (tree / "prod").mkdir()
    (tree / "prod" / "kustomization.yaml").write_text(text)
    report = check(tree)
    assert rows(report)["prod/kustomization.yaml"][0] == "skipped"
    assert [(one.path, str(one.severity)) for one in report.findings if one.rule == "core/syntax"] == [("prod/kustomization.yaml", "medium")]
    assert not report.gate.passed


@pytest.mark.parametrize("count", [1, 2, 3])
def test_kustomizations_that_contain_each_other_are_not_passed_over(tree: Path, count: int) -> None:
    for number in range(count):
        (tree / f"k{number}").mkdir()
        (tree / f"k{number}" / "kustomization.yaml").write_text(f"resources: [../k{(number + 1) % count}]\n")
    report = check(tree)
    told = {path: row for path, row in rows(report).items() if path.startswith("k")}
    assert [row[0] for row in told.values()] == ["skipped"]
    assert report.verdict == "not-ready"


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 100)
    assert files.read_regular_file(path, 100) == b"x" * 100
    with pytest.raises(OSError, match="over the limit"):
        files.read_regular_file(path, 99)
    with pytest.raises(OSError, match="it is a directory"):
        files.read_regular_file(tmp_path, 100)
    with pytest.raises(FileNotFoundError):
        files.read_regular_file(tmp_path / "b", 100)


SETTINGS: dict[str, Callable[[Path], None]] = {
    "huge": sparse,
    "a folder": Path.mkdir,
    "no text": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "not there": lambda path: None,
}


@pytest.mark.parametrize("make", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("option", ["config", "baseline", "helm_values"])
def test_a_file_that_was_named_by_an_option_and_cannot_be_read(tree: Path, option: str, make: Callable[[Path], object]) -> None:
    make(tree / "given")
    value = [tree / "given"] if option == "helm_values" else tree / "given"
    with pytest.raises(api.USER_ERRORS, match="given"):
        check(tree, **{option: value})


@pytest.mark.parametrize("option", ["config", "baseline"])
def test_a_file_that_was_named_by_an_option_and_is_nested_without_end(tree: Path, option: str) -> None:
    (tree / "given").write_text("[" * 100_000)
    with pytest.raises(api.USER_ERRORS, match="given"):
        check(tree, **{option: tree / "given"})


needs_helm = pytest.mark.skipif(
    not helm.available_chart_renderer(),
    reason="needs the extra readiness[helm] or helm, and neither is installed",
)


@needs_helm
def test_links_of_a_chart_lead_no_further_than_the_chart(tree: Path) -> None:
    chart = tree / "shop"
    for folder in ("templates", "parts", "ci"):
        (chart / folder).mkdir()
    text = POD.replace("spec:", "spec:\n  hostPID: {{ .Values.all }}")
    (chart / "parts" / "pod.yaml").write_text(text)
    (chart / "templates" / "pod.yaml").symlink_to("../parts/pod.yaml")
    (tree / "out.yaml").write_text(text)
    (chart / "templates" / "out.yaml").symlink_to("../../out.yaml")
    (chart / "parts" / "prod.yaml").write_text("all: true\n")
    (chart / "values-prod.yaml").symlink_to("parts/prod.yaml")
    (tree / "stage.yaml").write_text("all: true\n")
    (chart / "values-stage.yaml").symlink_to("../stage.yaml")
    report = check(tree, select=["k8s/host-pid"])
    told = {path: status for path, (status, _) in rows(report).items()}
    assert told["shop/templates/pod.yaml"] == "checked"
    assert told["shop/templates/out.yaml"] == told["shop/values-stage.yaml"] == "unreadable"
    (found,) = [one for one in report.findings if one.rule == "k8s/host-pid"]
    assert found.path == "shop/templates/pod.yaml"
    assert found.message.endswith("(only with values-prod.yaml)")


@needs_helm
def test_a_folder_of_values_that_leads_out_of_its_chart(tree: Path) -> None:
    (tree / "shop" / "templates").mkdir()
    (tree / "shop" / "templates" / "pod.yaml").write_text(POD.replace("'x:1.0.0'", "{{ .Values.a }}"))
    (tree / "values").mkdir()
    (tree / "values" / "a-values.yaml").write_text("a: MARKER\n")
    (tree / "shop" / "ci").symlink_to("../values")
    assert "MARKER" not in str(check(tree, select=["ALL"]).to_dict())
