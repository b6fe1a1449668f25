"""`--show-settings` and `--show-files`: what holds for a path and where that comes from, and what becomes of every file."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import readiness
from readiness.cli.main import main
from readiness.run.shown_settings import PRECEDENCE_TEXT
from tests.make import write_files
from tests.settings_rows import DOCUMENT

PAGE = (DOCUMENT.parent / "settings.md").read_text(encoding="utf-8")

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {hostPID: true, containers: [{name: app, image: 'x:1.0.0'}]}\n"
ROOT = (
    "fail-on: low\nignore: [ci/]\nexclude: [old, gone/*]\nper-path: {'a/*': {profile: strict, severity: {k8s/: info}}, 'c/*': {ignore: [nginx/]}}\n"
)
BELOW = """\
severity: {k8s/host-pid: medium}
ignore: [nginx/]
parameters: {k8s/api-version-removed: {version: '1.30'}}
waivers: [{rule: k8s/privileged, path: b/*, reason: it is fine}]
"""
CALLERS = "min-score: 3\nseverity: {k8s/host-pid: critical}\nlocked: [waivers]\n"


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {"web.yaml": POD, "a/b/web.yaml": POD, "old/x.yaml": POD, ".git/HEAD": "", ".readiness.yaml": ROOT, "a/.readiness.yaml": BELOW}
    made = write_files(tmp_path / "tree", files)
    write_files(tmp_path, {"platform.yaml": CALLERS})
    monkeypatch.chdir(made)
    return made


def output(*words: str) -> list[str]:
    result = CliRunner().invoke(main, ["check", *words])
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def shown(*words: str) -> dict[str, list[tuple[str, str]]]:
    """The values of each setting, with their places."""
    found: dict[str, list[tuple[str, str]]] = {}
    for line in output("--show-settings", *words)[1:]:
        setting, _, rest = line.partition(": ")
        value, _, place = rest.rpartition("  # ")
        found.setdefault(setting, []).append((value, place))
    return found


def test_each_value_has_its_place() -> None:
    settings = shown("a/b/web.yaml")
    assert settings["profile"] == [("strict", ".readiness.yaml:4:29")]
    assert settings["ignore"] == [("nginx/", "a/.readiness.yaml:2:10"), ("ci/", ".readiness.yaml:2:10")]
    assert settings["severity k8s/host-pid"] == [("medium", "a/.readiness.yaml:1:12")]
    assert settings["severity k8s/"] == [("info", ".readiness.yaml:4:48")]
    assert settings["fail-on"] == [("low", ".readiness.yaml:1:1")]
    assert settings["min-score"] == [("not set", "default")]
    assert settings["parameters k8s/api-version-removed version"] == [("1.30", "a/.readiness.yaml:3:14")]
    assert settings["waiver k8s/privileged"] == [("it is fine", "a/.readiness.yaml:4:18")]
    assert settings["exclude"] == [("old", ".readiness.yaml:3:11"), ("gone/*", ".readiness.yaml:3:16")]


def test_what_is_another_directorys_is_not_shown(tree: Path) -> None:
    settings = shown("web.yaml")
    assert settings["profile"] == [("recommended", "default")]
    assert settings["ignore"] == [("ci/", ".readiness.yaml:2:10")]
    assert not [one for one in settings if one.startswith(("severity", "parameters", "waiver"))]
    assert shown("old/x.yaml")["exclude"][0] == ("old (leaves this path out)", ".readiness.yaml:3:11")
    write_files(tree, {"c/web.yaml": POD})
    assert shown("c/web.yaml")["ignore"] == [("nginx/", ".readiness.yaml:4:79"), ("ci/", ".readiness.yaml:2:10")]


def test_the_callers_file_and_options_stand_above() -> None:
    settings = shown("a/b/web.yaml", "--config", "../platform.yaml", "--fail-on", "never", "--ignore", "compose/", "--profile", "pss-baseline")
    assert settings["profile"] == [("pss-baseline", "option")]
    assert settings["fail-on"] == [("never", "option")]
    assert settings["min-score"] == [("3", "../platform.yaml:1:1")]
    assert settings["severity k8s/host-pid"] == [("critical", "../platform.yaml:2:12")]
    assert settings["ignore"][-1] == ("compose/", "--ignore")
    assert settings["refused waivers"] == [("another file locks it", "a/.readiness.yaml")]
    assert "waiver k8s/privileged" not in settings
    assert shown("web.yaml", "--no-config")["profile"] == [("recommended", "default")]


def test_every_file_is_listed_with_the_reason(tree: Path) -> None:
    write_files(
        tree,
        {
            ".gitignore": "out/\n", "out/a.yaml": POD, "node_modules/x/a.yaml": POD, "main.py": "", "notes.yaml": "a: b\n",
            "broken.yaml": "apiVersion: v1\nkind: Pod\nspec: [\n",
        },
    )  # fmt: skip
    (tree / "link").symlink_to("a")
    rows = dict(line.split(": ", 1) for line in output("--show-files"))
    assert rows["web.yaml"] == "checked"
    assert rows["old/"] == "skipped: left out by exclude: old"
    assert rows["out/"] == "skipped: left out by .gitignore"
    assert rows["node_modules/"].startswith("skipped: a directory of version control or of other")
    assert rows["main.py"] == "skipped: of no kind that readiness reads, by its name"
    assert rows["notes.yaml"] == "skipped: of no kind that readiness knows"
    assert rows[".readiness.yaml"] == rows["a/.readiness.yaml"] == "settings: of this run"
    assert rows["link"] == "skipped: a link; its target is read where it stands"
    assert rows["broken.yaml"].startswith("invalid")
    rows = dict(line.split(": ", 1) for line in output("--show-files", "web.yaml"))
    assert rows["web.yaml"] == "checked"
    assert rows["broken.yaml"].startswith("context: ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--show-files", "--show-settings", "web.yaml"], "exclude each other"),
        (["--show-files", "--format", "json"], "--format has no effect with --show-files"),
        (["--show-settings", "web.yaml", "a"], "has no effect with --show-settings"),
        (["--show-settings", "web.yaml", "-q"], "--quiet has no effect"),
        (["--show-settings", "nope.yaml"], "there is no such file or directory"),
        (["--show-settings", "web.yaml", "--select", "k8s/", "--fail-on", "maybe"], "maybe"),
    ],
)
def test_what_has_no_effect_is_refused(words: list[str], said: str) -> None:
    result = CliRunner().invoke(main, ["check", *words])
    assert result.exit_code == 2
    assert said in result.output


def test_names_of_files_steer_no_terminal(tree: Path) -> None:
    write_files(tree, {"a\n::error::b.yaml": POD, ".readiness.yaml": 'ignore: ["a\\n::error::b"]\n'})
    for words in (["--show-files", "--no-config"], ["--show-settings", "web.yaml"]):
        assert not [line for line in output(*words) if line.startswith("::")]


def test_the_choice_of_rules_that_is_shown_is_the_one_that_is_judged_by(tree: Path) -> None:
    """A directory's `select` narrows the profile from above, and a profile of its own takes no `select` from there."""
    texts = ("# nothing\n", "profile: strict\n", "select: [k8s/host-pid]\n", "profile: pss-baseline\n", "profile: strict\nselect: [k8s/]\n")
    by_path = ("", "per-path: {'a/*': {profile: pss-restricted}}\n", "per-path: {'a/*': {select: [k8s/]}}\n")
    for root in (f"{one}{other}" for one in texts for other in by_path):
        for below in texts:
            write_files(tree, {".readiness.yaml": root, "a/.readiness.yaml": below})
            settings = shown("a/b/web.yaml")
            choice = {"profile": settings["profile"][0][0], "select": [word for word, _ in settings.get("select", [])]}
            judged = readiness.check(["a/b/web.yaml"], config=True, context=False).findings
            expected = readiness.check(["a/b/web.yaml"], config=False, context=False, **choice).findings  # type: ignore[arg-type]
            found, wanted = ({one.rule for one in findings if not one.rule.startswith("core/")} for findings in (judged, expected))
            assert found == wanted, (root, below, choice)


def test_settings_of_other_linters_are_shown_where_they_count(tree: Path) -> None:
    write_files(
        tree,
        {
            ".hadolint.yaml": "ignored: [DL3007]\ntrustedRegistries: [ghcr.io, docker.io]\n",
            ".kube-linter.yaml": "checks: {ignorePaths: ['a/**']}\n",
            ".trivyignore": "KSV-0017 exp:2999-01-01\n",
            "zizmor.yml": "rules: {dangerous-triggers: {ignore: ['b.yml:3']}}\n",
        },
    )
    settings = shown("a/b/web.yaml")
    assert settings["ignore of hadolint"] == [("DL3007", ".hadolint.yaml")]
    assert settings["ignore of kube-linter"] == [("all checks", ".kube-linter.yaml")]
    assert settings["ignore of trivy"] == [("KSV-0017 until 2999-01-01", ".trivyignore")]
    assert settings["parameters dockerfile/base-image-registry-untrusted allowed"] == [("ghcr.io, docker.io", ".hadolint.yaml")]
    assert "ignore of zizmor" not in settings
    assert "ignore of kube-linter" not in shown("web.yaml")
    assert not [one for one in shown("web.yaml", "--no-foreign-ignores") if one.startswith("ignore of")]
    rows = dict(line.split(": ", 1) for line in output("--show-files", "a"))
    assert rows[".hadolint.yaml"] == "settings: of hadolint, for what has an equal here"
    write_files(tree.parent, {"platform.yaml": "locked: [ignore]\n"})
    locked = shown("web.yaml", "--config", "../platform.yaml")
    assert locked["refused ignores of hadolint"] == [("another file locks the like", ".hadolint.yaml")]
    assert "ignore of hadolint" not in locked


def test_the_order_is_that_of_the_page() -> None:
    steps = [one.partition(". ")[2].rstrip(",.") for one in PAGE.partition("## What counts most\n")[2].partition("\n\n")[0].splitlines()]
    assert len(steps) == 6
    (head,) = output("--show-settings", "web.yaml")[:1]
    assert head == f"# {PRECEDENCE_TEXT}"
    words = ("options", "the file of --config", "nearest", "those above it up to the root", "settings of other linters", "the defaults")
    places = [head.index(word) for word in words]
    assert places == sorted(places)
    for step, word in zip(steps, ("options", "--config", "nearest", "above", "settings of other linters", "the defaults"), strict=True):
        assert word in step
