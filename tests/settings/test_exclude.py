"""`exclude`, in settings and as an option: what it is relative to, that it holds for named files, and that no glob is kept in silence."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import readiness
from readiness.cli.main import main
from readiness.run.run_settings import OptionError
from readiness.settings import ConfigError
from readiness.syntax.glob import glob_matches
from readiness.verdict.report import Report
from tests.make import write_files
from tests.settings_rows import holds

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {hostPID: true, containers: [{name: app, image: 'x:1.0.0'}]}\n"


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = write_files(tmp_path / "tree", {"pod.yaml": POD, "b/k8s/web.yaml": POD.replace("web", "b"), ".git/HEAD": ""})
    monkeypatch.chdir(made)
    return made


def check(*paths: str, **options: object) -> Report:
    return readiness.check(list(paths) or ["."], config=True, select=["k8s/host-pid"], context=False, **options)  # type: ignore[arg-type]


def judged(report: Report) -> set[str]:
    return {row.path for row in report.files if row.status == "checked"}


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["check", "--no-cache", *words])


def unused(report: Report) -> list[tuple[str, int, str]]:
    return [(one.path, one.start.line, one.message) for one in report.findings if one.rule == "core/setting-unused"]


GLOBS = ["b/k8s", "b/k8s/", "b/k8s/*", "b/*", "b", "b/k8s/web.yaml", "./b/k8s", "**/web.yaml", "b/**", "b/**/web.yaml", "**/k8s/**", "*/k8s"]


@holds("settings-exclude")
@pytest.mark.parametrize("pattern", GLOBS)
@pytest.mark.parametrize(("folder", "named"), [("", "b/k8s/web.yaml"), ("b", "k8s/web.yaml"), ("b/k8s", "web.yaml"), ("b/k8s", "."), ("", "b/k8s")])
def test_a_named_path_is_left_out_and_told_wherever_it_is_named_from(
    tree: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, folder: str, named: str
) -> None:
    write_files(tree, {".readiness.yaml": f"exclude: ['{pattern}']\n"})
    monkeypatch.chdir(tree / folder)
    report = check(named)
    assert judged(report) == set()
    assert not report.assessed
    told = [row for row in report.files if row.status == "skipped" and row.reason.startswith("left out by exclude: ")]
    assert len(told) <= 1
    if told:
        assert told[0].path == named
    else:  # the glob matches what lies in the folder alone
        assert named in {".", "b/k8s"}


def test_what_was_named_and_left_out_is_no_error_for_a_hook(tree: Path) -> None:
    write_files(tree, {".readiness.yaml": "exclude: [b/k8s]\n"})
    assert run("b/k8s/web.yaml").exit_code == 2
    assert run("--allow-empty", "b/k8s/web.yaml").exit_code == 0
    result = run("-v", "pod.yaml", "b/k8s/web.yaml")
    assert result.exit_code != 2
    assert "left out by exclude: b/k8s" in result.stdout


def test_globs_of_settings_are_relative_to_their_file_and_those_of_the_option_to_the_working_directory(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tree, {"b/pod.yaml": POD.replace("web", "third"), ".readiness.yaml": "exclude: [pod.yaml]\n"})
    assert judged(check()) == {"b/k8s/web.yaml", "b/pod.yaml"}
    monkeypatch.chdir(tree / "b")
    assert judged(check()) == {"k8s/web.yaml", "pod.yaml"}
    assert judged(check(exclude=["k8s"])) == {"pod.yaml"}
    assert judged(check(exclude=["pod.yaml", "nothing/*"])) == {"k8s/web.yaml"}
    assert judged(check("pod.yaml", "k8s", exclude=["./pod.yaml"])) == {"k8s/web.yaml"}
    assert judged(readiness.check(["."], exclude=["k8s"], context=False)) == {"pod.yaml"}, "without settings, too"


@holds("settings-exclude")
def test_a_glob_that_matches_no_file_is_a_finding_at_its_place(tree: Path) -> None:
    text = 'profile: recommended\nexclude: [b/k8s, "nope/**", "**/gone.yaml", b]\nwaivers:\n  - {rule: k8s/host-pid, path: "old/*", reason: fine}\n'
    write_files(
        tree,
        {".readiness.yaml": text + 'per-path-ignores: {"legacy/**": [k8s/]}\nper-path: {"new/*": {profile: strict}, pod.yaml: {ignore: [ci/]}}\n'},
    )
    report = check()
    assert [(path, line) for path, line, _ in unused(report)] == [(".readiness.yaml", at) for at in (2, 4, 5, 6)]
    assert [message.split(" matches no file")[0] for *_, message in unused(report)] == [
        "exclude 'nope/**'", "waiver with path 'old/*'", "per-path-ignores 'legacy/**'", "per-path 'new/*'",
    ]  # fmt: skip
    assert not [one for one in report.findings if one.rule == "core/suppression-unused"]


@pytest.mark.parametrize("part", ["b", "pod.yaml", "b/k8s/web.yaml"])
def test_of_a_part_of_the_tree_nothing_is_said_of_globs(tree: Path, part: str) -> None:
    write_files(tree, {".readiness.yaml": "exclude: [nope]\nper-path-ignores: {gone/*: [ci/]}\n"})
    assert unused(check(part)) == []


@pytest.mark.parametrize("pattern", ["node_modules", "node_modules/**", "**/node_modules", ".git", "out/*", "out/a.yaml", "b/k8s/*.yaml"])
def test_a_glob_of_what_is_passed_over_anyway_is_in_use(tree: Path, pattern: str) -> None:
    write_files(
        tree,
        {"node_modules/x/a.yaml": POD, "out/a.yaml": POD, ".gitignore": "out/\n", ".readiness.yaml": f"exclude: [b, '{pattern}']\n"},
    )
    assert unused(check()) == []


def test_an_option_that_leaves_nothing_out_is_told(tree: Path) -> None:
    assert "--exclude 'nope/*' matches no file" in run("--exclude", "nope/*").stderr
    assert "matches no file" not in run("--exclude", "b/*").stderr


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("exclude: [/a]\n", "1:11"),
        ("waivers: [{rule: k8s/, reason: it is, path: /a}]\n", "1:45"),
        ("per-path-ignores: {/a: []}\n", "1:20"),
        ("per-path: {/a: {ignore: []}}\n", "1:12"),
        ("purpose: {/a: test}\n", "1:11"),
        ("environments: {production: {values: [/a]}}\n", "1:38"),
    ],
)
def test_a_leading_slash_is_an_error_that_says_how_to_write_it(tree: Path, text: str, place: str) -> None:
    write_files(tree, {".readiness.yaml": text})
    with pytest.raises(ConfigError) as caught:
        check()
    assert caught.value.where == f".readiness.yaml:{place}"
    assert caught.value.message == "'/a' is absolute, and globs are relative to the directory of this file: write 'a'"


def test_so_is_one_of_the_option() -> None:
    with pytest.raises(OptionError, match=r"exclude: '/a' is absolute, and globs are relative to the working directory"):
        check(exclude=["/a"])
    assert run("--exclude", "/a").exit_code == 2
    assert run("--exclude", "").exit_code == 2


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("**/a", ["a", "x/a", "x/y/a"], ["xa", "x/ba", "a/x", ""]),
        ("x/**/a", ["x/a", "x/y/a", "x/y/z/a"], ["xa", "x/ya", "y/x/a"]),
        ("**/x/**/a.*", ["x/a.b", "x/y/a.b", "y/x/a.c"], ["xx/a.b", "x/ba.b"]),
        ("**/x/**", ["x/a", "y/x/a"], ["xx/a", "x"]),
        ("a**/b", ["a/b", "ax/b", "a/x/b"], ["ab"]),
    ],
)
def test_two_stars_stand_for_any_number_of_directories(pattern: str, matching: list[str], others: list[str]) -> None:
    assert [one for one in matching if not glob_matches(pattern, one)] == []
    assert [one for one in others if glob_matches(pattern, one)] == []
