"""What settings of a hostile tree may cost, and what they may not undo: limits over all files, locks against parameters and other linters."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import readiness
from readiness.cli.main import main
from readiness.settings import ConfigError, nested
from readiness.settings.peers import NAMES_BY_LINTER
from readiness.verdict.report import Report
from tests.make import write_files
from tests.settings_rows import holds

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: %s}
spec: {hostPID: true, containers: [{name: app, image: 'x:1.0.0', securityContext: {privileged: true}}]}
"""
OLD = "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: x%s}\nspec: {}\n"
REMOVED, UNTRUSTED, RUNNER = "k8s/api-version-removed", "dockerfile/base-image-registry-untrusted", "ci/runner-label-unknown"
NEVER_REMOVED = f"parameters: {{{REMOVED}: {{version: '1.20'}}}}\n"
WORKFLOW = "on: push\njobs:\n  a:\n    runs-on: ubuntu-2404\n    steps: [{run: make}]\n"


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = write_files(tmp_path / "tree", {"web.yaml": POD % "web", "a/a.yaml": POD % "a", "a/b/b.yaml": POD % "b", ".git/HEAD": ""})
    monkeypatch.chdir(made)
    return made


def check(*paths: str, **options: object) -> Report:
    return readiness.check(list(paths) or ["."], **{"config": True, "context": False, **options})  # type: ignore[arg-type]


def found(report: Report, rule: str) -> set[str]:
    return {one.path for one in report.open if one.rule == rule}


def unused(report: Report) -> list[tuple[str, int, str]]:
    return [(one.path, one.line, one.message) for one in report.findings if one.rule == "core/setting-unused"]


# -- limits -------------------------------------------------------------------------------------------------------


@holds("settings-below")
@pytest.mark.parametrize(
    ("limit", "value", "noun"),
    [("MAX_FILES_BELOW_ROOT", 1, "files"), ("MAX_BYTES_BELOW_ROOT", 150, "bytes"), ("MAX_ENTRIES_BELOW_ROOT", 5, "entries")],
)
def test_settings_below_the_root_have_limits_together(tree: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, noun: str) -> None:
    text = "# " + "x" * 70 + "\nignore: [ci/, nginx/]\n"
    write_files(tree, {"a/.readiness.yaml": text})
    monkeypatch.setattr(nested, limit, value)
    check()
    write_files(tree, {"a/b/.readiness.yaml": text})
    with pytest.raises(ConfigError) as caught:
        check()
    assert str(caught.value) == (
        f"a/b/.readiness.yaml: with this file the settings below the root have over {value} {noun} together, the limit; say some of it at the root"
    )


@holds("settings-below")
def test_each_sort_of_entry_counts(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nested, "MAX_ENTRIES_BELOW_ROOT", 100)
    many = [f"x{number}" for number in range(101)]
    for text in (
        f"exclude: {json.dumps(many)}\n",
        f"severity: {json.dumps(dict.fromkeys(many, 'low'))}\n",
        f"per-path-ignores: {json.dumps({one: ['ci/'] for one in many})}\n",
        f"per-path: {json.dumps({one: {'severity': {'ci/': 'low'}} for one in many})}\n",
        f"per-path: {json.dumps({'*': {'severity': dict.fromkeys(many, 'low')}})}\n",
        f"purpose: {json.dumps(dict.fromkeys(many, 'test'))}\n",
        f"parameters: {json.dumps({one: {'a': 1} for one in many})}\n",
        f"waivers: {json.dumps([{'rule': 'ci/', 'reason': one + ' later'} for one in many])}\n",
    ):
        write_files(tree, {"a/.readiness.yaml": text})
        with pytest.raises(ConfigError, match="over 100 entries together"):
            check()


# -- locks --------------------------------------------------------------------------------------------------------


@holds("settings-below", "settings-parameters")
def test_a_directory_gives_no_parameters_to_a_rule_that_the_root_locks(tree: Path) -> None:
    write_files(tree, {f"{folder}/old.yaml": OLD % number for number, folder in enumerate((".", "a", "a/b"))})
    write_files(tree, {"a/.readiness.yaml": NEVER_REMOVED})
    assert found(check(), REMOVED) == {"old.yaml"}
    write_files(tree, {".readiness.yaml": f"locked: [{REMOVED}]\n"})
    report = check()
    assert found(report, REMOVED) == {"old.yaml", "a/old.yaml", "a/b/old.yaml"}
    assert unused(report) == [("a/.readiness.yaml", 1, f"{REMOVED} is locked by the settings, so parameters have no effect on it")]
    write_files(tree, {".readiness.yaml": f"locked: [{REMOVED}]\n{NEVER_REMOVED}", "a/.readiness.yaml": "# nothing\n"})
    report = check()
    assert found(report, REMOVED) == set(), "who locks a rule may set it"
    assert not unused(report)


@holds("settings-parameters", "config-locked")
@pytest.mark.parametrize("locked", [REMOVED, "k8s/", "k8s/api-version"])
def test_the_tree_gives_no_parameters_to_a_rule_that_the_caller_locks(tree: Path, locked: str) -> None:
    write_files(tree, {"old.yaml": OLD % 0, ".readiness.yaml": f"locked: [{REMOVED}]\n{NEVER_REMOVED}"})
    write_files(tree.parent, {"platform.yaml": f"locked: ['{locked}']\n"})
    report = check(config="../platform.yaml")
    assert found(report, REMOVED) == {"old.yaml"}
    assert [message for _, _, message in unused(report)] == [f"{REMOVED} is locked by the settings, so parameters have no effect on it"]
    write_files(tree.parent, {"platform.yaml": f"locked: [{REMOVED}]\n{NEVER_REMOVED}"})
    assert found(check(config="../platform.yaml"), REMOVED) == set()


@holds("settings-foreign", "config-locked")
def test_other_linters_give_no_parameters_to_locked_rules(tree: Path) -> None:
    write_files(tree, {"Dockerfile": "FROM ghcr.io/x/y:1.0.0\n", ".github/workflows/ci.yml": WORKFLOW})
    write_files(
        tree, {".hadolint.yaml": "trustedRegistries: [ghcr.io]\n", ".github/actionlint.yaml": "self-hosted-runner: {labels: [ubuntu-2404]}\n"}
    )
    platform = "extend-select: [dockerfile/, ci/]\nparameters: {dockerfile/base-image-registry-untrusted: {allowed: [docker.io]}}\n"
    write_files(tree, {".readiness.yaml": "extend-select: [dockerfile/, ci/]\n"})
    assert found(check(), RUNNER) == set()
    for locked in (f"[{UNTRUSTED}, {RUNNER}]", "[parameters]"):
        write_files(tree.parent, {"platform.yaml": f"{platform}locked: {locked}\n"})
        report = check(config="../platform.yaml")
        assert found(report, RUNNER) == {".github/workflows/ci.yml"}
        assert found(report, UNTRUSTED) == {"Dockerfile"}
    refused = {one.name: one.refused for one in report.settings_effects if one.refused}
    assert refused == {".hadolint.yaml": ("options",), ".github/actionlint.yaml": ("options",)}
    assert ".hadolint.yaml: nothing changed; refused there: options (locked by ../platform.yaml)" in [one.text for one in report.settings_effects]


@holds("settings-foreign", "config-locked")
def test_a_lock_of_ignore_holds_against_other_linters_files(tree: Path) -> None:
    write_files(tree, {".kube-linter.yaml": "checks: {exclude: [privileged-container], ignorePaths: ['**']}\n"})
    assert found(check(), "k8s/privileged") == set()
    write_files(tree.parent, {"platform.yaml": "locked: [ignore]\n"})
    report = check(config="../platform.yaml")
    assert found(report, "k8s/privileged") == {"web.yaml", "a/a.yaml", "a/b/b.yaml"}
    assert report.foreign == 0
    assert report.settings_effects[-1].text == ".kube-linter.yaml: nothing changed; refused there: ignores (locked by ../platform.yaml)"


GLOBS = ("*", "**/*", "b/*", "b/b.yaml", "[a-z]*", "./*", "[.][.]/*", "*.yaml")
PEER_IDS = ("DL3007", "privileged-container", "CKV_K8S_16", "KSV-0017", "dangerous-triggers", "*", "all", "k8s/privileged", "core/syntax")
STATEMENTS = st.one_of(
    st.builds("profile: {}".format, st.sampled_from(["strict", "pss-baseline", "recommended"])),
    st.builds("select: [{}]".format, st.sampled_from(["k8s/", "ci/action-unpinned", "ALL", "k8s/host-pid"])),
    st.builds("ignore: [{}]".format, st.sampled_from(["ALL", "k8s/", "isolation", "k8s/privileged"])),
    st.builds("severity: {{{}: {}}}".format, st.sampled_from(["ALL", "k8s/", "k8s/privileged"]), st.sampled_from(["info", "critical"])),
    st.builds("per-path-ignores: {{'{}': [{}]}}".format, st.sampled_from(GLOBS), st.sampled_from(["ALL", "k8s/privileged"])),
    st.builds("per-path: {{'{}': {{select: [ci/action-unpinned], severity: {{ALL: info}}}}}}".format, st.sampled_from(GLOBS)),
    st.builds("waivers: [{{rule: {}, reason: it is fine, path: '{}'}}]".format, st.sampled_from(["k8s/privileged", "ALL"]), st.sampled_from(GLOBS)),
    st.builds("purpose: {{'{}': {}}}".format, st.sampled_from(GLOBS), st.sampled_from(["test", "archive", "study"])),
)


@holds("settings-below")
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(statements=st.lists(STATEMENTS, max_size=4, unique_by=lambda one: one.partition(":")[0]))
def test_whatever_a_directory_says_concerns_its_files_alone_and_leaves_locked_rules(tree: Path, statements: list[str]) -> None:
    broken = "apiVersion: v1\nkind: Pod\nspec: [\n"
    write_files(tree, {".readiness.yaml": "locked: [k8s/privileged]\n", "a/broken.yaml": broken, "a/.readiness.yaml": "# nothing\n"})
    before = check()
    write_files(tree, {"a/.readiness.yaml": "".join(f"{one}\n" for one in statements)})
    after = check()
    outside = [[one for one in report.findings if not one.path.startswith("a/")] for report in (before, after)]
    assert [(one.rule, one.path, one.severity, one.suppression) for one in outside[0]] == [
        (one.rule, one.path, one.severity, one.suppression) for one in outside[1]
    ]
    held_rules = {"core/syntax", "k8s/privileged"}
    if any(one.startswith("purpose") for one in statements):  # what files are for is no suppression: the table's row of purposes
        held_rules.remove("k8s/privileged")
    kept = [{(one.rule, one.path) for one in report.open if one.rule in held_rules} for report in (before, after)]
    assert kept[0]
    assert kept[0] <= kept[1]
    assert not after.gate.passed, "a file without a verdict keeps the gate shut"


@holds("settings-foreign")
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ids=st.lists(st.sampled_from(PEER_IDS), max_size=3),
    glob=st.sampled_from([*GLOBS, "../*", "/"]),
    linter=st.sampled_from([one for one in NAMES_BY_LINTER if one != "actionlint"]),
)
def test_whatever_another_linter_says_leaves_out_what_is_equal_and_no_locked_rule(tree: Path, ids: list[str], glob: str, linter: str) -> None:
    texts = {
        "hadolint": {"ignored": ids},
        "kube-linter": {"checks": {"exclude": ids, "ignorePaths": [glob]}},
        "checkov": {"skip-check": ids, "skip-path": [glob]},
        "trivy": {"misconfigurations": [{"id": one, "paths": [glob]} for one in ids]},
        "zizmor": {"rules": {one: {"disable": True, "ignore": [glob]} for one in ids}},
        "dclint": {"rules": dict.fromkeys(ids, 0), "exclude": [glob]},
    }
    for name in (one for names in NAMES_BY_LINTER.values() for one in names):
        (tree / name).unlink(missing_ok=True)
    write_files(tree, {".readiness.yaml": "locked: [k8s/privileged]\n", "a/broken.yaml": "apiVersion: v1\nkind: Pod\nspec: [\n"})
    before = check()
    write_files(tree, {NAMES_BY_LINTER[linter][0]: json.dumps(texts[linter])})
    after = check()
    lost = [one for one in before.open if (one.rule, one.path) not in {(other.rule, other.path) for other in after.open}]
    assert all(one.equivalents.get(linter) for one in lost)
    assert not {one.rule for one in lost} & {"k8s/privileged", "core/syntax"}
    assert {(one.rule, one.path) for one in after.open} <= {(one.rule, one.path) for one in before.open}
    assert bool(lost) == (NAMES_BY_LINTER[linter][0] in [one.name for one in after.settings_effects])


# -- other trees of a run -----------------------------------------------------------------------------------------


def git(root: Path, *words: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *words], cwd=root, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`main` with a directory whose settings ignore a rule; then a second file stands there, and one beside it."""
    root = write_files(tmp_path / "repository", {"a/a.yaml": POD % "a", "web.yaml": POD % "web"})
    git(root, "init", "-q", "-b", "main")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "one")
    git(root, "checkout", "-q", "-b", "topic")
    write_files(root, {"a/.readiness.yaml": "ignore: [k8s/host-pid]\nexclude: [x.yaml]\n", "a/new.yaml": POD % "new", "a/x.yaml": POD % "x"})
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "two")
    monkeypatch.chdir(root)
    return root


def test_diff_judges_both_trees_by_the_settings_of_directories_of_today(repository: Path) -> None:
    result = CliRunner().invoke(main, ["diff", "--since", "main", "--format", "json"], catch_exceptions=False)
    difference = json.loads(result.stdout)
    told = {(row["rule"], row["path"]) for name in ("new", "fixed", "moved") for row in difference[name]}
    assert not [one for one in told if one[0] == "k8s/host-pid" or one[1] == "a/x.yaml"], "what is ignored was ignored before, too"
    assert ("k8s/privileged", "a/new.yaml") in told
    assert not difference["fixed"]
    assert CliRunner().invoke(main, ["diff", "--since", "main", "--to", "topic", "--format", "json"]).stdout.count('"a/new.yaml"') == (
        result.stdout.count('"a/new.yaml"')
    )


def test_since_and_a_hook_go_by_the_settings_of_directories(repository: Path) -> None:
    rows = {(one.rule, one.path) for one in check(since="main").open}
    assert ("k8s/privileged", "a/new.yaml") in rows
    assert not [one for one in rows if one[0] == "k8s/host-pid" or one[1] in {"a/x.yaml", "a/a.yaml", "web.yaml"}]
    report = check("a/new.yaml", "a/x.yaml", for_commit=True)
    assert {one.path for one in report.findings} == {"a/new.yaml"}
    assert "k8s/host-pid" not in {one.rule for one in report.findings}


@holds("settings-below")
def test_settings_of_a_revision_are_those_of_its_directories(repository: Path) -> None:
    write_files(repository, {"a/.readiness.yaml": "ignore: [ALL]\n", "a/b/.readiness.yaml": "ignore: [ALL]\n", "a/b/b.yaml": POD % "b"})
    report = check(settings_from="HEAD")
    assert found(report, "k8s/privileged") == {"web.yaml", "a/a.yaml", "a/new.yaml", "a/b/b.yaml"}
    assert found(report, "k8s/host-pid") == {"web.yaml"}
    assert [one.name for one in report.settings_effects][-1] == "HEAD:a/.readiness.yaml"
    (repository / "a/.readiness.yaml").unlink()
    assert found(check(settings_from="HEAD"), "k8s/host-pid") == {"web.yaml"}, "who takes the file away takes nothing from the settings"
    assert found(check(settings_from="main"), "k8s/host-pid") == {"web.yaml", "a/a.yaml", "a/new.yaml", "a/x.yaml", "a/b/b.yaml"}
