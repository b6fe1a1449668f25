"""What an overlay may not reach: the network, by whatever spelling and from wherever, and files out of the tree."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import readiness
from readiness.loading.parsed import ParsedTexts
from readiness.loading.render import gather, kustomize, process
from readiness.loading.render import tree as kept_tree
from readiness.loading.render.made import RenderError
from readiness.loading.render.overlay import builder
from readiness.loading.render.overlay.placed import UnsupportedFeatureError
from readiness.loading.render.tree import ConfinedTree
from readiness.programs import process as programs_process
from readiness.verdict.report import Report
from tests.make import write_files
from tests.programs.test_process import Listener

needs_kustomize = pytest.mark.skipif(not kustomize.kustomize_build_command(), reason="needs kustomize or kubectl, and neither is installed")
on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux, where the network can be taken away")
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: here}\n"
URL = "http://127.0.0.1:PORT/x.yaml"
GIT = "http://127.0.0.1:PORT/org/repo"
PLUGIN = "apiVersion: builtin\nkind: %s\nmetadata: {name: p}\n"
NAMED = "namePrefix: a-\nresources: [cm.yaml]\n"
COMPONENT = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
BINARY = base64.b64encode(URL.encode()).decode()


@pytest.fixture
def listener() -> Iterator[Listener]:
    started = Listener()
    yield started
    started.server.close()


@pytest.fixture
def unstarted(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The starts of a builder that there seems to be: none is to be started."""
    started: list[object] = []
    monkeypatch.setattr(kustomize, "kustomize_build_command", lambda: ["/nowhere/kustomize", "build"])
    monkeypatch.setattr(process, "run_program", lambda *_, **__: started.append(1))
    return started


@pytest.fixture
def left_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Overlays as if all of them held something that is built by programs alone."""

    def unknown(*_: object, **__: object) -> None:
        raise UnsupportedFeatureError("it holds something that is not known here")

    monkeypatch.setattr(builder, "build_source", unknown)


def write(root: Path, files: dict[str, str], port: int = 1) -> None:
    for name, text in {"cm.yaml": MAP, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        coded = text.replace(BINARY, base64.b64encode(URL.replace("PORT", str(port)).encode()).decode())
        (root / name).write_text(coded.replace("PORT", str(port)), encoding="utf-8")


def check(root: Path) -> Report:
    return readiness.check([root], select=["k8s/privileged", "core/not-rendered"], base=root)


def row(report: Report, path: str = "kustomization.yaml") -> tuple[str, str]:
    (found,) = [(one.status, one.reason) for one in report.files if one.path == path]
    return found


def one(text: str) -> dict[str, str]:
    """A kustomization at the top, with a resource of its own so that a builder has something to build."""
    return {"kustomization.yaml": f"resources: [cm.yaml]\n{text}"}


# Spellings of an address, as an entry of `resources`.
SPELLINGS = {
    "http": URL,
    "upper case": URL.replace("http", "HTTP"),
    "mixed case": GIT.replace("http", "hTTp"),
    "https": GIT.replace("http", "https"),
    "blanks around": f"'  {URL} '",
    "an escape": '"\\x68ttp://127.0.0.1:PORT/x"',
    "a folded text": f">-\n  {URL}",
    "base64": f"!!binary {BINARY}",
    "credentials": "http://user:token@127.0.0.1:PORT/org/repo",
    "a query": f"{GIT}//deploy?ref=v1&timeout=5s",
    "git::": f"git::{GIT}",
    "GIT::": f"GIT::{GIT}//a?ref=b",
    "git over ssh": "ssh://git@127.0.0.1:PORT/org/repo.git",
    "git protocol": "git://127.0.0.1:PORT/org/repo",
    "scp": "git@127.0.0.1:org/repo",
    "scp of another user": "deploy@127.0.0.1:org/repo.git//base",
    "scp with a slash": "git@127.0.0.1/org/repo",
    "a file protocol": "file:///tmp/repo",
    "github": "github.com/org/repo/deploy?ref=v1",
    "GitHub": "GitHub.com/org/repo",
    "github, scp": "github.com:org/repo.git",
    "gh": "gh:org/repo",
    "a host": "127.0.0.1.nip.io/org/repo//deploy?ref=v1",
    "a host and a port": "git.example.dev:8443/org/repo/deploy",
    "azure": "dev.azure.com/org/project/_git/repo",
    "a repository's ending": "example/repo.git/deploy",
    "a version": "org/repo?version=2",
    "one slash": "http:/127.0.0.1:PORT/x",
    "no slash": "http:127.0.0.1:PORT",
    "s3": "s3::https://s3.example.com/bucket/x",
    "oci": "oci://127.0.0.1:PORT/x",
}
# Where an address may stand.
PLACES = {
    **{
        key: one(f"{key}: ['{URL}']\n")
        for key in ("bases", "components", "crds", "configurations", "generators", "transformers", "validators")
    },
    "resources again": one(f"Resources: [cm.yaml, '{URL}']\n"),
    "RESOURCES": {"kustomization.yaml": f"RESOURCES: [cm.yaml, '{URL}']\n"},
    "a letter that folds": {"kustomization.yaml": f"reſources: [cm.yaml, '{URL}']\n"},
    "twice, the last one wins": {"kustomization.yaml": f"resources: ['{URL}']\nresources: [cm.yaml]\n"},
    "twice, the first one wins": {"kustomization.yaml": f"resources: [cm.yaml]\nresources: ['{URL}']\n"},
    "a merge": {"kustomization.yaml": f"resources: [cm.yaml]\n<<: {{resources: ['{URL}']}}\n"},
    "a merge of a list": {"kustomization.yaml": f"resources: [cm.yaml]\n<<: [{{crds: [cm.yaml]}}, {{resources: ['{URL}']}}]\n"},
    "an alias": one(f"commonAnnotations: {{docs: &u '{URL}'}}\nbases: [*u]\n"),
    "an alias of a list": one(f"commonLabels: &l ['{URL}']\nbases: *l\n"),
    "openapi": one(f"openapi: {{path: '{URL}'}}\n"),
    "OpenAPI": one(f"OpenAPI: {{Path: '{URL}'}}\n"),
    "patches": one(f"patches: [{{path: '{URL}', target: {{kind: ConfigMap}}}}]\n"),
    "patches, a plain list": one(f"patches: ['{URL}']\n"),
    "Patches": one(f"Patches: [{{Path: '{URL}'}}]\n"),
    "patchesStrategicMerge": one(f"patchesStrategicMerge: ['{URL}']\n"),
    "patchesJson6902": one(f"patchesJson6902: [{{path: '{URL}', target: {{version: v1, kind: ConfigMap, name: here}}}}]\n"),
    "replacements": one(f"replacements: [{{path: '{URL}'}}]\n"),
    "a generator's file": one(f"configMapGenerator: [{{name: x, files: ['{URL}']}}]\n"),
    "a generator's file under a key": one(f"configMapGenerator: [{{name: x, files: ['index.html={URL}']}}]\n"),
    "a generator's envs": one(f"configMapGenerator: [{{name: x, envs: ['{URL}']}}]\n"),
    "a generator's env": one(f"secretGenerator: [{{name: x, env: '{URL}'}}]\n"),
    "a secret's file": one(f"SecretGenerator: [{{name: x, Files: ['{URL}']}}]\n"),
    "a chart": one("helmCharts: [{name: x, repo: 'http://127.0.0.1:PORT/charts'}]\n"),
    "a chart's values": one(f"helmCharts: [{{name: x, valuesFile: '{URL}'}}]\n"),
    "a chart, as it was": one("helmChartInflationGenerator: [{chartName: x, chartRepoUrl: 'http://127.0.0.1:PORT/x'}]\n"),
    "a key that nobody knows": one(f"fetch: ['{URL}']\n"),
    "a second document": one(f"---\nresources: ['{URL}']\n"),
    "the other name": {"kustomization.yml": f"resources: ['{URL}']\n"},
    "a third name beside": {**one(""), "Kustomization": f"resources: ['{URL}']\n"},
    "an ignored base": {**one("bases: [dist]\n"), ".gitignore": "dist\n", "dist/kustomization.yaml": f"resources: ['{URL}']\n"},
    "a vendored base": {**one("bases: [vendor/x]\n"), "vendor/x/kustomization.yaml": f"resources: ['{URL}']\n"},
    "a base of a base": {
        **one("bases: [a]\n"), "a/kustomization.yaml": "resources: [../node_modules/b]\n",
        "node_modules/b/Kustomization": "patches: [{path: '" + URL + "'}]\n",
    },
    "a generator in a file": {
        **one("generators: [g.yaml]\n"), "g.yaml": PLUGIN % "ConfigMapGenerator" + f"files: ['{URL}']\n",
    },
    "a generator in a text": one(
        "generators:\n- |\n" + "".join(f"  {line}\n" for line in (PLUGIN % "SecretGenerator" + f"Envs: ['{URL}']").split("\n"))
    ),
    "a transformer in a file": {
        **one("transformers: [t.yaml]\n"), "t.yaml": PLUGIN % "PatchTransformer" + f"path: '{URL}'\n",
    },
    "a transformer in a folder": {
        **one("transformers: [t]\n"), "t/kustomization.yaml": "resources: [t.yaml]\n",
        "t/t.yaml": PLUGIN % "PatchTransformer" + f"path: '{URL}'\n",
    },
    "a transformer that is patched together": {
        **one("transformers: [t]\n"), "t/t.yaml": PLUGIN % "PatchTransformer" + "path: patch.yaml\n",
        "t/kustomization.yaml": "resources: [t.yaml]\npatches:\n- target: {kind: PatchTransformer}\n  patch: |-\n"
        f"    - {{op: replace, path: /path, value: '{URL}'}}\n",
    },
    "a validator": {
        **one("validators: [v.yaml]\n"), "v.yaml": PLUGIN % "ReplacementTransformer" + f"replacements: [{{path: '{URL}'}}]\n",
    },
}  # fmt: skip
BUILDS = {
    **{f"resource: {name}": one(f"bases:\n- {text}\n") for name, text in SPELLINGS.items()},
    **PLACES,
}


# Not only remote: these are what no builder reads, which is told as it is without anything remote.
BROKEN_ALL_THE_SAME = {
    "twice, the last one wins", "twice, the first one wins", "patches, a plain list", "a second document", "a third name beside",
    "resource: base64",
}  # fmt: skip


@pytest.mark.parametrize("name", BUILDS)
def test_what_is_remote_is_refused_before_anything_is_built(tmp_path: Path, listener: Listener, unstarted: list[object], name: str) -> None:
    write(tmp_path, BUILDS[name], listener.port)
    where = next(file for file in BUILDS[name] if re.match(r"(?i)kustomization", file))
    report = check(tmp_path)
    status, reason = row(report, where)
    assert unstarted == []
    assert "token" not in reason
    if name in BROKEN_ALL_THE_SAME:
        assert [one.rule for one in report.findings] == ["core/not-rendered"]
        return
    has_nothing_else = not BUILDS[name][where].startswith(("resources: [cm.yaml", "Resources: [cm", "RESOURCES: [cm", "re\u017fources: [cm"))
    assert status == ("skipped" if has_nothing_else else "checked")
    assert "which is remote and is not fetched" in reason
    assert re.search(r"; `kustomize build [^`]*\. \| readiness check -` judges what it gives\Z", reason)
    assert listener.count == 0


@needs_kustomize
@on_linux
@pytest.mark.usefixtures("left_to_others")
@pytest.mark.parametrize("namespace", [True, False])
def test_a_builder_that_is_started_all_the_same_reaches_nobody(
    tmp_path: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch, namespace: bool
) -> None:
    """The second lock alone, a network namespace or a filter: nothing is refused before."""
    for pattern in ("_REMOTE_ADDRESS", "_LIKELY_REMOTE_ADDRESS", "_ADDRESS_IN_TEXT"):
        monkeypatch.setattr(gather, pattern, re.compile(r"(?!)"))
    plain = process.ProcessLimits
    monkeypatch.setattr(process, "ProcessLimits", lambda *some, **more: plain(*some, use_namespace=namespace, **more))
    for number, files in enumerate(BUILDS.values()):
        write(tmp_path / f"{number:03}", files, listener.port)
    report = check(tmp_path)
    reasons = [one.reason for one in report.files if one.kind == "kustomize"]
    assert len(reasons) >= len(BUILDS)
    assert not any("remote" in one for one in reasons)
    assert sum("operation not permitted" in one for one in reasons) > 10
    assert listener.count == 0


@needs_kustomize
def test_the_same_builder_reaches_the_listener_where_nothing_holds_it(tmp_path: Path, listener: Listener) -> None:
    reached = []
    for name in ("RESOURCES", "patches", "a generator's file under a key", "resource: base64"):
        root = tmp_path / re.sub(r"\W", "-", name)
        write(root, BUILDS[name], listener.port)
        before = listener.count
        subprocess.run([*kustomize.kustomize_build_command(), str(root)], capture_output=True, check=False)
        reached.append((name, listener.count > before))
    assert reached == [(name, True) for name, _ in reached]


PLAIN = {
    "annotations": one(f"commonAnnotations: {{docs: '{URL}'}}\n"),
    "images": one("images: [{name: web, newName: ghcr.io/org/web, newTag: '1'}]\n"),
    "literals": one(f"configMapGenerator: [{{name: x, literals: ['URL={URL}', REPO=git@example.com:a/b]}}]\n"),
    "a patch in a text": one(
        "patches:\n- target: {kind: ConfigMap}\n  patch: |-\n"
        f"    - {{op: add, path: /metadata/annotations, value: {{docs: '{URL}'}}}}\n"
    ),
    "a patch in a file": {
        **one("patches: [{path: p.yaml}]\n"), "p.yaml": MAP + f"data: {{url: '{URL}', repo: 'github.com/org/repo'}}\n",
    },
    "a generator's file that speaks of one": {
        **one("configMapGenerator: [{name: x, files: [a.txt, key=a.txt], envs: [a.env]}]\n"), "a.txt": URL, "a.env": f"URL={URL}\n",
    },
    "labels": one("labels: [{pairs: {app.kubernetes.io/part-of: a}, includeSelectors: true}]\n"),
    "an annotating transformer": {
        **one("transformers: [t.yaml]\n"),
        "t.yaml": PLUGIN % "AnnotationsTransformer" + f"annotations: {{docs: '{URL}'}}\n"
        "fieldSpecs: [{path: metadata/annotations, create: true}]\n",
    },
    "a folder like a host": {**one("bases: [example.com/org/base]\n"), "example.com/org/base/kustomization.yaml": NAMED,
        "example.com/org/base/cm.yaml": MAP},
    "a folder with an @": {**one("bases: [app@v1]\n"), "app@v1/kustomization.yaml": NAMED, "app@v1/cm.yaml": MAP},
    "two slashes": {**one("bases: [a//b]\n"), "a/b/kustomization.yaml": NAMED, "a/b/cm.yaml": MAP},
    "an ignored base": {**one("bases: [dist]\n"), ".gitignore": "dist\n", "dist/kustomization.yaml": NAMED, "dist/cm.yaml": MAP},
    "a vendored base": {**one("bases: [vendor/x]\n"), "vendor/x/kustomization.yaml": NAMED, "vendor/x/cm.yaml": MAP},
    "a base of two": {
        "a/kustomization.yaml": "resources: [../base]\nnamePrefix: a-\n",
        "b/kustomization.yaml": "resources: [../base]\nnamePrefix: b-\n",
        "base/kustomization.yaml": "resources: [cm.yaml]\n", "base/cm.yaml": MAP, "kustomization.yaml": "resources: [a, b]\n",
    },
    "a component": {**one("components: [c]\n"), "c/kustomization.yaml": COMPONENT + "patches: [{path: p.yaml}]\n", "c/p.yaml": MAP},
    "any case": {"kustomization.yaml": "Resources: [cm.yaml]\nNamePrefix: a-\n"},
}  # fmt: skip


@needs_kustomize
@pytest.mark.parametrize("name", PLAIN)
def test_what_only_speaks_of_an_address_is_built(tmp_path: Path, name: str) -> None:
    write(tmp_path, PLAIN[name])
    report = check(tmp_path)
    assert row(report) == ("checked", "")
    assert report.findings == ()


OUTSIDE = {
    "a resource": "resources: [../outside.yaml]\n",
    "a base": "resources: [../outside]\n",
    "a base by a way round": "resources: [x/../../outside]\n",
    "a patch": "resources: [cm.yaml]\npatches: [{path: ../outside.yaml}]\n",
    "a generator's file": "configMapGenerator: [{name: x, files: [key=../outside.yaml]}]\n",
    "a generator's env": "secretGenerator: [{name: x, envs: [../../../../../../etc/passwd]}]\n",
    "an absolute file": "configMapGenerator: [{name: x, files: [/etc/passwd]}]\n",
    "an absolute base": "resources: [/etc]\n",
    "a link to a file": "resources: [file-link.yaml]\n",
    "a link to a folder": "resources: [folder-link]\n",
    "a link to a link": "resources: [links/again]\n",
    "a link in the way": "resources: [folder-link/deeper]\n",
    "an absolute link": "configMapGenerator: [{name: x, files: [absolute]}]\n",
    "openapi": "resources: [cm.yaml]\nopenapi: {path: ../outside.yaml}\n",
    "a component": "resources: [cm.yaml]\nComponents: [../outside]\n",
}


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
@pytest.mark.parametrize("name", OUTSIDE)
def test_what_stands_out_of_the_tree_is_not_read(tmp_path: Path, unstarted: list[object], name: str) -> None:
    root = tmp_path / "root"
    privileged = MAP.replace("here", "stolen")
    write(tmp_path, {"outside.yaml": privileged, "outside/kustomization.yaml": "resources: [a.yaml]\n",
                     "outside/a.yaml": privileged, "outside/deeper/kustomization.yaml": "resources: [a.yaml]\n",
                     "outside/deeper/a.yaml": privileged})  # fmt: skip
    write(root, {"kustomization.yaml": OUTSIDE[name], "links/x": ""})
    (root / "file-link.yaml").symlink_to("../outside.yaml")
    (root / "folder-link").symlink_to("../outside")
    (root / "links" / "again").symlink_to("../folder-link")
    (root / "absolute").symlink_to(tmp_path / "outside.yaml")
    status, reason = row(check(root))
    assert unstarted == []
    assert status == ("checked" if "cm.yaml" in OUTSIDE[name] else "skipped")
    assert re.search("leads out of the tree and is not read|an absolute path", reason)
    assert str(tmp_path) not in reason


@needs_kustomize
@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_links_in_the_tree_are_followed_as_the_builder_follows_them(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "prod/kustomization.yaml": "resources: [../current]\nnamePrefix: prod-\n",
            "versions/v2/kustomization.yaml": "resources: [alias.yaml, ../common]\n",
            "versions/v2/real.yaml": MAP.replace("here", "real"),
            "versions/common/kustomization.yaml": "resources: [cm.yaml]\n",
            "versions/common/cm.yaml": MAP,
        },
    )
    (tmp_path / "current").symlink_to("versions/v2")
    (tmp_path / "versions/v2/alias.yaml").symlink_to("real.yaml")
    assert row(check(tmp_path), "prod/kustomization.yaml") == ("checked", "")


@needs_kustomize
def test_the_repository_is_the_tree_whatever_part_of_it_is_checked(tmp_path: Path) -> None:
    write(
        tmp_path / "repo",
        {
            "base/kustomization.yaml": "resources: [cm.yaml]\n", "base/cm.yaml": MAP,
            "prod/kustomization.yaml": "resources: [../base]\n", "bad/kustomization.yaml": "resources: [../../cm.yaml]\n",
        },
    )  # fmt: skip
    root = tmp_path / "repo"
    for name, expected in (("prod", "skipped"), ("bad", "skipped")):
        report = readiness.check([root / name], base=root, select=["k8s/privileged"])
        assert row(report, f"{name}/kustomization.yaml")[0] == expected
    (root / ".git").mkdir()
    for given in (root / "prod", root / "prod" / "kustomization.yaml"):
        report = readiness.check([given], base=root, select=["k8s/privileged"])
        assert row(report, "prod/kustomization.yaml") == ("checked", "")
    report = readiness.check([root / "bad"], base=root, select=["k8s/privileged"])
    assert "out of the tree" in row(report, "bad/kustomization.yaml")[1]


TOO_MUCH = {
    "a circle": ({"a/kustomization.yaml": "resources: [../b]\n", "b/kustomization.yaml": "resources: [../a]\n"}, "itself"),
    "a circle of one": ({"a/kustomization.yaml": "resources: [../a]\n"}, "itself"),
    "a fan": (
        {
            f"n{n}/kustomization.yaml": f"resources: [../n{n + 1}, ../m{n + 1}]\n" for n in range(30)
        } | {f"m{n}/kustomization.yaml": f"resources: [../n{n + 1}, ../m{n + 1}]\n" for n in range(30)}
        | {"n30/kustomization.yaml": "namePrefix: a\n", "m30/kustomization.yaml": "namePrefix: b\n"},
        "over 2000 kustomizations",
    ),
    "no YAML": ({"a/kustomization.yaml": "resources: [../b]\n", "b/kustomization.yaml": "resources: [\n"}, "cannot be read"),
    "aliases of aliases": (
        {
            "a/kustomization.yaml": "resources: [../b]\n",
            "b/kustomization.yaml": "x0: &x0 [a]\n" + "".join(f"x{n}: &x{n} [*x{n - 1}, *x{n - 1}]\n" for n in range(1, 700)),
        },
        "too many values",
    ),
    "nested": ({"a/kustomization.yaml": "resources: [../b]\n",
                "b/kustomization.yaml": "x: " + "[" * 300 + "]" * 300}, "nested too deeply"),
}  # fmt: skip


@pytest.mark.parametrize("name", TOO_MUCH)
def test_what_would_not_end_is_a_finding(tmp_path: Path, unstarted: list[object], name: str) -> None:
    files, words = TOO_MUCH[name]
    write_files(tmp_path, files)
    report = check(tmp_path)
    assert unstarted == []
    assert any(words in one.message for one in report.findings if one.rule == "core/not-rendered")


def test_files_have_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        tmp_path,
        {
            "kustomization.yaml": "configMapGenerator: [{name: x, files: [a, b, c]}]\n",
            "a": "1",
            "b": "2",
            "c": "3",
        },
    )
    monkeypatch.setattr(gather, "MAX_FILES_PER_OVERLAY", 3)
    with pytest.raises(RenderError, match="over 3 files"):
        gather.gather_overlay_inputs(ConfinedTree(tmp_path, tmp_path), ".")
    monkeypatch.setattr(gather, "MAX_FILES_PER_OVERLAY", 4)
    assert gather.gather_overlay_inputs(ConfinedTree(tmp_path, tmp_path), ".").files == {
        "kustomization.yaml",
        "a",
        "b",
        "c",
    }
    with (tmp_path / "b").open("wb") as file:
        file.truncate(3 << 30)
    with pytest.raises(RenderError, match="limits of 10 MiB for one file"):
        gather.gather_overlay_inputs(ConfinedTree(tmp_path, tmp_path), ".")
    (tmp_path / "b").write_text("2")
    monkeypatch.setattr(kept_tree, "MAX_TREE_BYTES", 50)
    with pytest.raises(RenderError, match="MiB for all"):
        gather.gather_overlay_inputs(ConfinedTree(tmp_path, tmp_path), ".")


# A builder that does what its argument says.
FAKE = """\
import os, socket, sys
what = open(os.path.join(sys.argv[1], "tree", "cm.yaml")).read().partition("# ")[2].strip()
if what == "deep":
    print("a: " + "[" * 700 + "]" * 700)
elif what == "much":
    while True: print("x" * 1000)
elif what == "memory":
    x = bytearray(3 << 30)
elif what == "time":
    while True: pass
elif what == "environment":
    print("#", {name: os.environ[name] for name in os.environ if name != "LC_CTYPE"})
elif what == "binary":
    sys.stdout.buffer.write(b"\\xff\\xfe\\x00")
else:
    print("apiVersion: v1")
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left_to_others: None) -> Path:
    del left_to_others
    program = tmp_path / "fake.py"
    program.write_text(FAKE)
    monkeypatch.setattr(kustomize, "kustomize_build_command", lambda: [sys.executable, "-I", str(program)])
    return tmp_path / "root"


@on_linux
@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("much", "output is over 10 MiB"), ("memory", "MemoryError"),
        ("time", "limit of time or memory|did not finish"),
    ],
)  # fmt: skip
def test_a_builder_that_runs_away_is_a_finding(fake: Path, monkeypatch: pytest.MonkeyPatch, what: str, words: str) -> None:
    monkeypatch.setattr(process, "MAX_PROCESSOR_SECONDS", 2 if what == "time" else 20)
    write(fake, {"kustomization.yaml": "resources: [cm.yaml]\n", "cm.yaml": MAP + f"# {what}\n"})
    (found,) = check(fake).findings
    assert (found.rule, found.path) == ("core/not-rendered", "kustomization.yaml")
    assert re.search(words, found.message)


def test_a_builder_is_given_a_home_of_its_own_and_nothing_else(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    for name in (
        "HTTPS_PROXY",
        "http_proxy",
        "GIT_SSH_COMMAND",
        "GIT_CONFIG_GLOBAL",
        "KUBECONFIG",
        "TOKEN",
    ):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    write(fake, {"kustomization.yaml": "resources: [cm.yaml]\n", "cm.yaml": MAP + "# environment\n"})
    taken = gather.gather_overlay_inputs(ConfinedTree(fake, fake), ".")
    root = kustomize.kustomization_by_folder(sources(fake), ParsedTexts())[""]
    built = kustomize.build_overlay(root, [root], sources(fake), taken, ParsedTexts())
    found = dict(re.findall(r"'(\w+)': '([^']*)'", built.text))
    assert set(found) <= {
        "PATH", "LANG", "HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "SYSTEMROOT",
    }  # fmt: skip
    assert found["PATH"] == programs_process.EMPTY_PATH_VARIABLE
    assert found["HOME"].endswith("/home")
    assert "http" not in built.text


def sources(root: Path) -> dict[str, readiness.model.Source]:
    from readiness.loading import discover

    return {one.path: one for one in discover.discover_files([root], working_directory=root).sources}


def test_where_nothing_takes_the_network_away_the_row_says_so(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs_process, "_launcher_command", lambda limits, report_descriptor: [])
    write(fake, {"kustomization.yaml": "resources: [cm.yaml]\n"})
    assert row(check(fake)) == ("checked", process.REASON_UNCONFINED)
