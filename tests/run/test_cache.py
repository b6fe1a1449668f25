"""The cache: an answer that is kept is the answer that a run would give now, or it is not used."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import readiness
from readiness import api
from readiness.loading.render import helm, kustomize
from readiness.run import cache
from readiness.run.run_settings import load_settings_of_run, merge_options
from tests.make import write_files

needs_helm = pytest.mark.skipif(
    not helm.available_chart_renderer(),
    reason="needs the extra readiness[helm] or helm, and neither is installed",
)
needs_kustomize = pytest.mark.skipif(not kustomize.kustomize_build_command(), reason="needs kustomize or kubectl, and neither is installed")
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: x}
spec:
  containers:
    - {name: x, image: 'example.com/x:1.0.0', securityContext: {privileged: BAD}}
"""
GOOD, BAD = POD.replace("BAD", "false"), POD.replace("BAD", "true")
CHART = {
    "Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies: [{name: sub, version: 1.0.0}]\n",
    "values.yaml": "bad: false\n",
    "templates/_helpers.tpl": '{{- define "bad" -}}{{ .Values.bad }}{{- end }}\n',
    "templates/pod.yaml": POD.replace("BAD", '{{ include "bad" . }}').replace("name: x}", "name: a}"),
    "templates/file.yaml": POD.replace("BAD", '{{ .Files.Get "data/bad.bin" }}').replace("name: x}", "name: b}"),
    "data/bad.bin": "false",
    "ci/local-values.yaml": "bad: false\n",
    "values-local.yaml": "bad: false\n",
    "charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
    "charts/sub/templates/pod.yaml": GOOD.replace("name: x}", "name: c}"),
    ".gitignore": "data\nvalues-local.yaml\nci\ncharts\nlate\n",
}  # fmt: skip


def write(root: Path, files: dict[str, str]) -> None:
    write_files(root, files)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> cache.ResultCache:
    store = cache.ResultCache(tmp_path / "kept")
    monkeypatch.setattr(cache, "user_result_cache", lambda: store)
    return store


def run(root: Path, **more: Any) -> dict[str, Any]:
    options = {"select": ["k8s/privileged", "core/not-rendered"], "base": root, **more}
    return readiness.check([options.pop("path", root)], **options).to_dict()


def is_answered(root: Path, monkeypatch: pytest.MonkeyPatch, **more: Any) -> bool:
    """Whether the cache alone answers."""
    with monkeypatch.context() as patch:
        patch.setattr(api, "run_pipeline", lambda *_: pytest.fail("it is worked out"))
        try:
            run(root, cache=True, **more)
        except pytest.fail.Exception:
            return False
    return True


def told(report: dict[str, Any]) -> list[tuple[str, int]]:
    return [(one["path"], one["line"]) for one in report["findings"]]


def archive(template: str) -> bytes:
    """A packed chart."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as file:
        for name, text in {
            "sub/Chart.yaml": CHART["charts/sub/Chart.yaml"],
            "sub/templates/pod.yaml": template,
        }.items():
            about = tarfile.TarInfo(name)
            about.size = len(text)
            file.addfile(about, io.BytesIO(text.encode()))
    return out.getvalue()


def packed(root: Path) -> None:
    for path in sorted((root / "shop/charts/sub").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (root / "shop/charts/sub").rmdir()
    (root / "shop/charts/sub-1.0.0.tgz").write_bytes(archive('{{ fail "packed" }}'))


def edit(path: str, text: str) -> Callable[[Path], None]:
    return lambda root: write(root, {path: text})


CHANGES: dict[str, Callable[[Path], None]] = {
    "a helper": edit("shop/templates/_helpers.tpl", CHART["templates/_helpers.tpl"].replace("{{ .Values.bad }}", "true")),
    "a helper, of the same size": edit(
        "shop/templates/_helpers.tpl", CHART["templates/_helpers.tpl"].replace("{{ .Values.bad }}", "{{ print true  }}"),
    ),
    "a file that a template prints": edit("shop/data/bad.bin", "true "),
    "an ignored values file": edit("shop/values-local.yaml", "bad: true\n"),
    "an ignored values file that is new": edit("shop/values-late.yaml", "bad: true\n"),
    "ignored values of a test": edit("shop/ci/local-values.yaml", "bad: [\n"),
    "an ignored part of the chart": edit("shop/charts/sub/templates/pod.yaml", BAD.replace("name: x}", "name: c}")),
    "a packed part of the chart": packed,
    "a template that the walk sees": edit("shop/templates/more.yaml", BAD.replace("name: x}", "name: d}")),
    "a file that is gone": lambda root: (root / "shop/templates/_helpers.tpl").unlink(),
}  # fmt: skip


@needs_helm
@pytest.mark.parametrize("name", CHANGES)
def test_a_chart_is_rendered_again_when_anything_in_it_changed(
    tmp_path: Path, kept: cache.ResultCache, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    root = tmp_path / "root"
    write(root / "shop", CHART)
    first = run(root, cache=True)
    assert told(first) == []
    assert is_answered(root, monkeypatch)
    CHANGES[name](root)
    second = run(root, cache=True)
    assert second == run(root)
    assert told(second) != []
    assert is_answered(root, monkeypatch)


@needs_helm
def test_a_finding_in_a_file_that_the_walk_did_not_see_keeps_its_place(
    tmp_path: Path, kept: cache.ResultCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root"
    write(root / "shop", {**CHART, "charts/sub/templates/pod.yaml": "\n\n" + BAD})
    first = run(root, cache=True)
    assert told(first) == [("shop/charts/sub/templates/pod.yaml", 8)]
    assert is_answered(root, monkeypatch)
    assert run(root, cache=True) == first


@needs_helm
def test_a_finding_in_an_archive_keeps_its_place(tmp_path: Path, kept: cache.ResultCache, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "root"
    write(root / "shop", {name: CHART[name] for name in CHART if not name.startswith("charts/")})
    (root / "shop/charts").mkdir()
    (root / "shop/charts/sub-1.0.0.tgz").write_bytes(archive("\n\n" + BAD))
    first = run(root, cache=True)
    assert told(first) == [("shop/charts/sub-1.0.0.tgz/templates/pod.yaml", 8)]
    assert is_answered(root, monkeypatch)
    assert run(root, cache=True) == first


OVERLAY = {
    "prod/kustomization.yaml": "resources: [../dist/base, ../vendor/base, late]\ncomponents: [../dist/component]\n"
    "configMapGenerator: [{name: x, files: [a.bin, k=b.bin], envs: [c.properties]}]\npatches: [{path: ../prod/dist/patch.yaml}]\n",
    "prod/a.bin": "1", "prod/b.bin": "2", "prod/c.properties": "C=3\n",
    "prod/dist/patch.yaml": GOOD.replace("name: x}", "name: a}", 1),
    "prod/late/kustomization.yaml": "resources: [pod.yaml]\n",
    "prod/late/pod.yaml": GOOD.replace("name: x}", "name: d}", 1),
    "dist/base/kustomization.yaml": "resources: [pod.yaml]\n",
    "dist/base/pod.yaml": GOOD.replace("name: x}", "name: a}", 1),
    "dist/component/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [pod.yaml]\n",
    "dist/component/pod.yaml": GOOD.replace("name: x}", "name: b}", 1),
    "vendor/base/kustomization.yaml": "resources: [pod.yaml]\n",
    "vendor/base/pod.yaml": GOOD.replace("name: x}", "name: c}", 1),
    ".gitignore": "dist\n",
}  # fmt: skip
EDITS = {
    "an ignored base": (
        "dist/base/pod.yaml",
        GOOD.replace("name: x}", "name: a}", 1) + "---\n" + BAD.replace("name: x}", "name: e}", 1),
    ),
    "a vendored base": ("vendor/base/pod.yaml", BAD.replace("name: x}", "name: c}", 1)),
    "an ignored component": ("dist/component/pod.yaml", BAD.replace("name: x}", "name: b}", 1)),
    "an ignored patch": ("prod/dist/patch.yaml", BAD.replace("name: x}", "name: a}", 1)),
    "what an ignored base takes in": ("dist/base/kustomization.yaml", "resources: []\n"),
    "a file of a generator": ("prod/a.bin", "9"),
    "a file of a generator under a key": ("prod/b.bin", None),
    "the environment of a generator": ("prod/c.properties", "C=4\n"),
    "a second kustomization beside one": ("dist/base/Kustomization", "resources: [pod.yaml]\n"),
}


@needs_kustomize
@pytest.mark.parametrize("name", EDITS)
def test_an_overlay_is_built_again_when_anything_it_takes_in_changed(
    tmp_path: Path, kept: cache.ResultCache, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    root = tmp_path / "root"
    write(root, OVERLAY)
    path, text = EDITS[name]
    first = run(root, cache=True)
    assert [(row["path"], row["status"]) for row in first["files"] if row["kind"] == "kustomize"] == [("prod/kustomization.yaml", "checked")]
    assert told(first) == []
    assert is_answered(root, monkeypatch)
    (root / path).unlink() if text is None else write(root, {path: text})
    assert not is_answered(root, monkeypatch)
    second = run(root, cache=True)
    assert second == run(root)
    assert (told(second) == []) is (path.endswith((".bin", ".properties")) and text is not None)
    assert is_answered(root, monkeypatch)


@needs_kustomize
@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_an_overlay_is_built_again_when_what_was_missing_comes_or_a_link_turns(tmp_path: Path, kept: cache.ResultCache) -> None:
    root = tmp_path / "root"
    write(
        root,
        {
            "prod/kustomization.yaml": "resources: [../vendor/now]\n",
            "vendor/good/kustomization.yaml": "resources: [pod.yaml]\n", "vendor/good/pod.yaml": GOOD,
            "vendor/bad/kustomization.yaml": "resources: [pod.yaml]\n", "vendor/bad/pod.yaml": BAD,
        },
    )  # fmt: skip
    first = run(root, cache=True)
    assert [one["rule"] for one in first["findings"]] == ["core/not-rendered"]
    (root / "vendor/now").symlink_to("good")
    second = run(root, cache=True)
    assert second["findings"] == []
    (root / "vendor/now").unlink()
    (root / "vendor/now").symlink_to("bad")
    third = run(root, cache=True)
    assert [one["rule"] for one in third["findings"]] == ["k8s/privileged"]
    assert third == run(root)


@needs_kustomize
def test_an_overlay_is_built_again_when_a_base_beside_the_given_folder_changed(tmp_path: Path, kept: cache.ResultCache) -> None:
    root = tmp_path / "root"
    write(root, {".git/HEAD": "", "base/kustomization.yaml": "resources: [pod.yaml]\n", "base/pod.yaml": GOOD,
                 "prod/kustomization.yaml": "resources: [../base]\n"})  # fmt: skip
    assert told(run(root, path=root / "prod", cache=True)) == []
    write(root, {"base/pod.yaml": BAD})
    assert told(run(root, path=root / "prod", cache=True)) == [("base/pod.yaml", 6)]


def program(folder: Path, name: str, text: bytes = b"\x7fELF") -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(text)
    (folder / name).chmod(0o755)


def key(root: Path, **more: Any) -> str:
    """The key of a run with some options."""
    options = dict.fromkeys(("profile", "fail_on", "min_score", "baseline", "since", "documents", "shellcheck"))
    options |= {
        "select": (),
        "extend_select": (),
        "exclude": (),
        "ignore": (),
        "rules": (),
        "jobs": 1,
        "render": True,
        "strict_coverage": False,
        "helm_values": (),
    }
    options |= {"context": True, "for_commit": False, "foreign_ignores": True, "purpose": "", "checklists": None, **more}
    settings = merge_options(load_settings_of_run(options.pop("config", False)), **options)
    from readiness.loading import discover

    return cache.result_cache_key(discover.discover_files([root], working_directory=root), settings, "2026-01-01")


COMPARED = 'package web\n\nfunc TestWeb(t *testing.T) { assert.Equal(t, read("expected/pod.yaml"), render()) }\n'


@pytest.mark.parametrize(
    "change",
    [edit("web_test.go", COMPARED.replace("expected", "manifests")), lambda root: (root / "web_test.go").unlink()],
    ids=["it names another folder", "it is gone"],
)
def test_a_program_that_says_what_a_file_is_for_is_asked_again(
    tmp_path: Path, kept: cache.ResultCache, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None]
) -> None:
    root = tmp_path / "root"
    write(root, {"expected/pod.yaml": BAD.replace("{{ .Values.bad }}", "true"), "web_test.go": COMPARED})
    assert told(run(root, cache=True)) == []
    assert is_answered(root, monkeypatch)
    change(root)
    second = run(root, cache=True)
    assert second == run(root)
    assert told(second) != []
    assert is_answered(root, monkeypatch)


@pytest.mark.skipif(os.name != "posix", reason="needs executable files")
@pytest.mark.parametrize(
    ("name", "files", "options"),
    [
        ("kubectl", {"kustomization.yaml": "{}"}, {}),
        ("kustomize", {"a/kustomization.yml": "{}"}, {}),
        ("kustomize", {"a/Kustomization": "{}"}, {}),
        ("helm", {"x/Chart.yaml": "name: x"}, {}),
        ("shellcheck", {"Dockerfile": "FROM scratch"}, {"shellcheck": True}),
    ],
)
def test_which_program_is_there_matters_where_it_is_asked(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    files: dict[str, str],
    options: dict[str, Any],
) -> None:
    root = tmp_path / "root"
    write(root, files)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    keys = [key(root, **options)]
    assert key(root, **options) == keys[0]
    for text in (b"\x7fELF", b"\x7fELF2"):
        program(tmp_path / "bin", name, text)
        keys.append(key(root, **options))
    assert len(set(keys)) == 3
    if "shellcheck" not in options:
        assert len({key(root, render=False, **options), keys[2]}) == 2
    write(tmp_path / "plain", {"a.yaml": GOOD})
    program(tmp_path / "bin", name, b"\x7fELF3")
    plain = key(tmp_path / "plain")
    program(tmp_path / "bin", name, b"\x7fELF45")
    assert key(tmp_path / "plain") == plain  # nobody asks it


def test_every_setting_and_file_that_a_run_reads_is_in_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "root"
    write(root, {"a.yaml": GOOD, "README.md": "a", ".gitignore": "b\n"})
    write(
        tmp_path,
        {
            "v.yaml": "a: 1\n",
            "b.json": "{}",
            "rules/k8s/mine.yaml": "title: a\n",
            "c.yaml": "profile: all\n",
        },
    )
    options: dict[str, Any] = {
        "helm_values": (tmp_path / "v.yaml",), "baseline": tmp_path / "b.json", "rules": (tmp_path / "rules",),
        "config": tmp_path / "c.yaml",
    }  # fmt: skip
    keys = [key(root), key(root, **options)]
    for name in ("v.yaml", "b.json", "rules/k8s/mine.yaml", "c.yaml"):
        path = tmp_path / name
        status = path.stat()
        path.write_bytes(path.read_bytes().replace(b"a", b"e").replace(b"{}", b"[]").replace(b"elle", b"alla"))
        if name == "c.yaml":
            path.write_text("profile: 'all'\n")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # a change that its time does not show
        keys.append(key(root, **options))
    path = tmp_path / "rules/k8s/more.yaml"
    path.write_text("title: b\n")
    keys.append(key(root, **options))
    for name, text in (
        ("a.yaml", BAD),
        ("b.bin", "x"),
        ("README.md", "b"),
        (".gitignore", "c\n"),
        ("new/x", ""),
    ):
        write(root, {name: text})
        keys.append(key(root, **options))
    others: list[dict[str, Any]] = [
        {"select": ("ALL",)}, {"ignore": ("k8s",)}, {"render": False},
        {"strict_coverage": True}, {"purpose": "production"}, {"documents": True}, {"foreign_ignores": False},
        {"context": False}, {"for_commit": True},
    ]  # fmt: skip
    keys += [key(root, **{**options, **more}) for more in others]
    monkeypatch.setattr(cache, "__version__", "0.0.0")
    keys.append(key(root, **options))
    assert len(set(keys)) == len(keys)
    assert key(root, **options, jobs=4) == keys[-1]


def test_the_tool_itself_and_its_libraries_are_in_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [one.split(" ")[0] for one in cache._tool_file_states()]
    for ending in (
        "readiness/run/cache.py",
        "facts/images.yaml",
        "rules/k8s/privileged.yaml",
        "profiles/strict.yaml",
    ):
        assert any(name.endswith(ending) for name in names), ending
    assert not any("__pycache__" in name for name in names)
    write(tmp_path, {"yaml/__init__.py": ""})
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "yaml")
    before = list(cache._tool_file_states())[-1]
    (tmp_path / "new-1.0.dist-info").mkdir()
    assert list(cache._tool_file_states())[-1] != before


SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut off": lambda text: text[: len(text) // 2],
    "one byte": lambda text: text.replace(b"k8s/privileged", b"k8s/privilegee", 1),
    "a number": lambda text: text.replace(b'"severity": ', b'"severity": 9', 1),
    "a list": lambda _: b"[]",
    "null": lambda _: b"null",
    "another shape": lambda _: b'{"rules": [], "findings": {}}',
    "without its checksum": lambda text: b"{" + text[20:],
    "no text": lambda _: b"\xff\x00\xfe" * 50,
    "deep": lambda _: b"[" * 100_000,
    "long": lambda text: text + b" ",
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_was_spoilt_is_thrown_away(tmp_path: Path, kept: cache.ResultCache, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    root = tmp_path / "root"
    write(root, {"a.yaml": BAD})
    first = run(root, cache=True)
    (file,) = kept.folder.glob("*.json")
    good = file.read_bytes()
    bad = SPOILT[name](good)
    assert bad != good
    file.write_bytes(bad)
    assert not is_answered(root, monkeypatch)
    assert not file.exists()
    assert run(root, cache=True) == first
    assert file.read_bytes() == good


PLACES: dict[str, Callable[[Path], None]] = {
    "a file where the folder should be": lambda path: path.write_text(""),
    "a file above it": lambda path: None,
    "a folder where a result should be": lambda path: path.mkdir(),
    "a link to nowhere": lambda path: path.symlink_to("/nowhere/at/all"),
    "a device": lambda path: path.symlink_to("/dev/null"),
}


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
@pytest.mark.parametrize("name", PLACES)
def test_a_folder_that_cannot_be_written_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    root = tmp_path / "root"
    write(root, {"a.yaml": BAD})
    home = tmp_path / "home"
    home.mkdir()
    folder = home / "readiness"
    PLACES[name](folder)
    if name == "a file above it":
        folder = folder / "file" / "x"
        (home / "readiness").mkdir()
        (home / "readiness" / "file").write_text("")
    monkeypatch.setattr(cache, "user_result_cache", lambda: cache.ResultCache(folder))
    if name == "a folder where a result should be":
        monkeypatch.setattr(cache, "result_cache_key", lambda *_: "k")
        (folder / "k.json").mkdir(parents=True)
    assert run(root, cache=True) == run(root, cache=True) == run(root)


def command(root: Path, home: str, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XDG_CACHE_HOME": home}
    return subprocess.run(
        [sys.executable, "-m", "readiness", "check", "--no-config", "--fail-on", "medium", *words, "."],
        cwd=root, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs XDG_CACHE_HOME and /dev/full")
def test_the_command_ends_as_without_a_cache(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write(root, {"a.yaml": BAD})
    plain = command(root, str(tmp_path / "cache"), "--no-cache")
    assert plain.returncode == 1
    write(tmp_path, {"file": ""})
    cached = tmp_path / "cache"
    for home in (cached, cached, tmp_path / "file", Path("/proc")):
        done = command(root, str(home))
        assert (done.returncode, done.stdout, done.stderr) == (1, plain.stdout, plain.stderr), home
    (file,) = (tmp_path / "cache" / "readiness").glob("*.json")
    for text in (b"", b"[" * 100_000, file.read_bytes()[:-20]):
        file.write_bytes(text)
        done = command(root, str(tmp_path / "cache"))
        assert (done.returncode, done.stdout, done.stderr) == (1, plain.stdout, plain.stderr), text[:9]


def test_a_cache_in_the_scanned_tree_is_neither_read_nor_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys can be worked out by everybody: whoever wrote the tree could have written the answers too."""
    root = tmp_path / "root"
    write(root, {"a.yaml": GOOD, "deploy/b.yaml": GOOD})
    monkeypatch.setattr(cache, "user_result_cache", lambda: cache.ResultCache(tmp_path / "elsewhere"))
    good = run(root, cache=True)
    (answer,) = (tmp_path / "elsewhere").glob("*.json")
    write(root, {"a.yaml": BAD})
    bad = run(root, cache=True)
    planted = root / ".cache" / "readiness"
    planted.mkdir(parents=True)
    for file in (tmp_path / "elsewhere").glob("*.json"):
        (planted / file.name).write_bytes(answer.read_bytes())
    monkeypatch.setattr(cache, "user_result_cache", lambda: cache.ResultCache(planted))
    assert good["findings"] == []
    before = {file: file.read_bytes() for file in planted.iterdir()}
    assert run(root, cache=True) == bad
    (root / ".git").mkdir()
    run(root, path=root / "deploy", cache=True)
    run(root, path=root / "a.yaml", cache=True)
    assert {file: file.read_bytes() for file in planted.iterdir()} == before


def test_what_is_said_of_the_settings_keeps_its_line(tmp_path: Path, kept: cache.ResultCache, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "root" / "deploy"
    write(
        root,
        {
            "a.yaml": GOOD,
            "../.readiness.yaml": "# settings\n\nwaivers:\n  - {rule: k8s/privileged, path: deploy/a.yaml, reason: later}\n",
        },
    )
    monkeypatch.chdir(root)
    (tmp_path / "root" / ".git").mkdir()
    first = readiness.check(["."], config=True, cache=True).to_dict()
    assert [(row["path"], row["line"]) for row in first["findings"] if row["rule"].startswith("core/")] == [("../.readiness.yaml", 4)]
    monkeypatch.setattr(api, "run_pipeline", None)
    assert readiness.check(["."], config=True, cache=True).to_dict() == first


def test_the_text_of_the_settings_is_the_same_in_every_process() -> None:
    """A set is written in another order by each."""
    options = dict.fromkeys(("profile", "min_score", "baseline", "since", "documents", "shellcheck", "checklists"))
    words = dict.fromkeys(("select", "extend_select", "exclude", "ignore", "rules", "helm_values"), ())
    switches = {"jobs": 1, "render": True, "strict_coverage": False, "context": True, "foreign_ignores": True, "purpose": "", "fail_on": "low"}
    switches |= {"for_commit": False}
    settings = merge_options(load_settings_of_run(False), **{**options, **words, **switches, "select": ("k8s/",)})
    assert settings.overruled_settings
    assert "frozenset" not in cache.settings_cache_text(settings)


def test_old_results_and_what_was_left_behind_go(tmp_path: Path, kept: cache.ResultCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MAX_CACHED_RESULTS", 2)
    root = tmp_path / "root"
    write(root, {"a.yaml": GOOD})
    kept.folder.mkdir()
    for name, age in (("old.1.part", 2 * cache.TEMPORARY_FILE_MAX_AGE_SECONDS), ("new.2.part", 0)):
        (kept.folder / name).write_text("{")
        now = (kept.folder / name).stat().st_mtime
        os.utime(kept.folder / name, (now - age, now - age))
    for number in range(4):
        write(root, {"a.yaml": GOOD + f"# {number}\n"})
        run(root, cache=True)
    assert len(list(kept.folder.glob("*.json"))) == 2
    assert [one.name for one in kept.folder.glob("*.part")] == ["new.2.part"]


def test_services_are_kept(tmp_path: Path, kept: cache.ResultCache, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path / "tree", {"compose.yaml": "services:\n  web: {image: 'redis:7'}\n  db: {image: 'mysql:8'}\n"})
    monkeypatch.chdir(tmp_path / "tree")
    first, second = (readiness.check(["."], cache=True).to_dict() for _ in range(2))
    assert len(first["services"]) == 2
    assert first == second
