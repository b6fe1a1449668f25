"""Rules, severities and ignores by path, `extend-select`, and what a prefix of `select` does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import readiness
from readiness.cli.main import main
from readiness.ruleset.select import SelectionError
from readiness.settings import ConfigError
from readiness.verdict.report import Report
from tests.make import write_files
from tests.settings_rows import holds

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: %s}
spec: {hostPID: true, containers: [{name: app, image: 'x:1.0.0', securityContext: {privileged: true}}]}
"""
HOST_PID, PRIVILEGED, DIGEST = "k8s/host-pid", "k8s/privileged", "k8s/image-digest-missing"


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {"web.yaml": POD % "web", "legacy/a.yaml": POD % "a", "legacy/deep/b.yaml": POD % "b", ".git/HEAD": ""}
    made = write_files(tmp_path / "tree", files)
    monkeypatch.chdir(made)
    return made


def check(tree: Path, text: str, **options: object) -> Report:
    write_files(tree, {".readiness.yaml": text})
    return readiness.check(["."], base=tree, **{"config": True, "context": False, **options})  # type: ignore[arg-type]


def paths(report: Report, rule: str) -> set[str]:
    return {one.path for one in report.open if one.rule == rule}


def severities(report: Report, rule: str) -> dict[str, str]:
    return {one.path: str(one.severity) for one in report.open if one.rule == rule}


ALL_PATHS = {"web.yaml", "legacy/a.yaml", "legacy/deep/b.yaml"}

# -- select, extend-select ----------------------------------------------------------------------------------------


def test_a_prefix_narrows_the_profile(tree: Path) -> None:
    (tree / "Dockerfile").write_text("FROM alpine\n")
    whole, narrowed = check(tree, "# nothing\n"), check(tree, "select: [k8s/]\n")
    of_kubernetes = [(one.rule, one.path) for one in whole.findings if one.rule.startswith(("k8s/", "core/"))]
    assert [(one.rule, one.path) for one in narrowed.findings] == of_kubernetes
    assert {one.rule for one in whole.findings} - {one.rule for one in narrowed.findings}
    assert DIGEST not in {one.rule for one in narrowed.findings}
    assert [one.rule for one in check(tree, "# nothing\n", select=["k8s/"]).findings] == [one.rule for one in narrowed.findings]


@pytest.mark.parametrize(
    ("options", "is_asked"),
    [
        ({"select": ["k8s/"]}, False),
        ({"select": ["delivery"]}, False),
        ({"select": ["k8s/image-"]}, False),
        ({"select": [DIGEST]}, True),
        ({"select": ["ALL"]}, True),
        ({"select": ["k8s/", DIGEST]}, True),
        ({"extend_select": [DIGEST]}, True),
        ({"extend_select": ["k8s/image-"]}, True),
        ({"select": ["ci/"], "extend_select": ["k8s/"]}, True),
        ({"extend_select": ["k8s/"], "ignore": [DIGEST]}, False),
    ],
)
def test_what_asks_a_rule_that_is_in_no_profile(tree: Path, options: dict[str, list[str]], is_asked: bool) -> None:
    report = check(tree, "# nothing\n", **options)
    assert (DIGEST in {one.rule for one in report.findings}) is is_asked
    in_file = "\n".join(f"{name.replace('_', '-')}: {json.dumps(words)}" for name, words in options.items())
    assert [one.rule for one in check(tree, in_file + "\n").findings] == [one.rule for one in report.findings]


def test_the_profile_that_is_narrowed_is_that_of_the_settings(tree: Path) -> None:
    strict = check(tree, "profile: strict\n", select=["k8s/"])
    assert {one.rule for one in strict.findings} > {one.rule for one in check(tree, "# nothing\n", select=["k8s/"]).findings}
    assert {one.rule for one in check(tree, "profile: pss-baseline\n", select=["k8s/"]).findings} == {
        "k8s/pss-baseline-host-namespaces",
        "k8s/pss-baseline-privileged",
    }


def test_a_prefix_that_the_profile_has_no_rule_of_is_refused(tree: Path) -> None:
    with pytest.raises(SelectionError, match=r"^--select: 'nginx/' selects nothing: .* pss-baseline has no rule of it.*--extend-select nginx/"):
        check(tree, "profile: pss-baseline\n", select=["nginx/"])
    with pytest.raises(SelectionError, match=r"^\.readiness\.yaml:2:10: 'nginx/' selects nothing"):
        check(tree, "profile: pss-baseline\nselect: [nginx/]\n")
    check(tree, "# nothing\n", select=["nginx/", "k8s/"])  # no file is nginx's, and that is no mistake


def test_the_example_of_the_help_does_what_it_says(tree: Path) -> None:
    help_text = " ".join(CliRunner().invoke(main, ["check", "--help"]).stdout.split())
    assert "readiness check --select k8s/ . (the profile's rules for Kubernetes alone)" in help_text
    rows = json.loads(CliRunner().invoke(main, ["check", "--no-cache", "--select", "k8s/", "--format", "json", "."]).stdout)["findings"]
    levels = {rule.id: rule.level for rule in readiness.catalogue()}
    assert rows
    assert {levels[row["rule"]] for row in rows} == {"recommended"}


# -- by path ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "left"),
    [("legacy/**", {"web.yaml"}), ("legacy/*", {"web.yaml"}), ("**/b.yaml", ALL_PATHS - {"legacy/deep/b.yaml"}), ("*", set()), ("no/*", ALL_PATHS)],
)
@pytest.mark.parametrize("word", ["k8s/", HOST_PID, "isolation", "ALL"])
def test_ignores_by_path(tree: Path, pattern: str, left: set[str], word: str) -> None:
    for text in (f"per-path-ignores: {{'{pattern}': ['{word}']}}\n", f"per-path: {{'{pattern}': {{ignore: ['{word}']}}}}\n"):
        assert paths(check(tree, text), HOST_PID) == left


def test_a_profile_and_a_selection_by_path(tree: Path) -> None:
    report = check(
        tree, "per-path: {web.yaml: {profile: strict}, 'legacy/*': {select: [k8s/privileged]}, 'legacy/deep/*': {extend-select: [k8s/image-]}}\n"
    )
    at = {path: {one.rule for one in report.findings if one.path == path} for path in ALL_PATHS}
    assert at["web.yaml"] == {one.rule for one in check(tree, "profile: strict\n").findings if one.path == "web.yaml"}
    assert at["legacy/a.yaml"] == {PRIVILEGED}
    assert {PRIVILEGED, DIGEST} <= at["legacy/deep/b.yaml"]
    assert HOST_PID not in at["legacy/deep/b.yaml"]


def test_an_option_chooses_for_all_paths(tree: Path) -> None:
    text = "per-path: {web.yaml: {select: [k8s/privileged], ignore: [k8s/host-ipc]}}\n"
    assert paths(check(tree, text), HOST_PID) == ALL_PATHS - {"web.yaml"}
    assert paths(check(tree, text, select=[HOST_PID]), HOST_PID) == ALL_PATHS
    assert paths(check(tree, text, profile="strict"), HOST_PID) == ALL_PATHS


def test_a_suppression_of_a_rule_that_is_not_asked_there_is_not_unused(tree: Path) -> None:
    write_files(tree, {"legacy/a.yaml": f"# readiness: ignore[{HOST_PID}] it is fine\n\n" + POD % "a"})
    assert paths(check(tree, "per-path-ignores: {'legacy/*': [k8s/]}\n"), "core/suppression-unused") == set()
    assert paths(check(tree, "per-path-ignores: {web.yaml: [k8s/]}\n"), "core/suppression-unused") == set()


def test_what_is_ignored_by_path_meets_no_item_of_a_checklist(tree: Path) -> None:
    def met(text: str) -> set[str]:
        return {row["id"] for one in check(tree, text).to_dict()["checklists"] for row in one["items"] if row["state"] == "met"}

    assert met("per-path-ignores: {'*': [ALL]}\n") <= met("# nothing\n")


# -- severities ---------------------------------------------------------------------------------------------------


@holds("settings-severity")
@pytest.mark.parametrize(
    ("text", "want"),
    [
        (f"severity: {{{HOST_PID}: low}}", dict.fromkeys(ALL_PATHS, "low")),
        (f"severity: {{{HOST_PID}: critical}}", dict.fromkeys(ALL_PATHS, "critical")),
        (f"severity: {{k8s/: info, {HOST_PID}: high}}", dict.fromkeys(ALL_PATHS, "high")),
        (f"severity: {{{HOST_PID}: high, ALL: info}}", dict.fromkeys(ALL_PATHS, "info")),
        (f"severity: {{isolation: low}}\nper-path: {{'legacy/*': {{severity: {{{HOST_PID}: critical}}}}}}",
         {"web.yaml": "low", "legacy/a.yaml": "critical", "legacy/deep/b.yaml": "critical"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_severity_of_the_settings_counts(tree: Path, text: str, want: dict[str, str], jobs: int) -> None:
    report = check(tree, text + "\n", jobs=jobs, purpose="production")
    assert severities(report, HOST_PID) == want
    rows = report.to_dict()["findings"]
    assert {row["path"]: row["severity"] for row in rows if row["rule"] == HOST_PID} == want


@holds("settings-severity")
def test_the_gate_goes_by_it_and_its_line_names_it(tree: Path) -> None:
    report = check(tree, "severity: {ALL: low}\n")
    assert report.gate.passed
    assert report.settings_effects[0].changes == ("rates ALL low",)
    assert not check(tree, f"severity: {{{HOST_PID}: critical}}\n", select=[HOST_PID], purpose="production").gate.passed


def test_what_is_not_for_production_closes_no_gate_whatever_the_rule_is_called(tree: Path) -> None:
    compose = "services: {web: {image: 'x:1.0.0', depends_on: [nope]}}\n"
    write_files(tree, {"compose.yaml": compose, "dev/compose.yaml": "# readiness: purpose=development\n" + compose})
    found = severities(check(tree, "severity: {compose/reference-undefined: critical}\n"), "compose/reference-undefined")
    assert found == {"compose.yaml": "critical", "dev/compose.yaml": "medium"}


@holds("settings-severity", "settings-choice")
def test_a_locked_rule_is_rated_and_ignored_by_no_path_of_the_tree(tree: Path) -> None:
    write_files(tree.parent, {"platform.yaml": f"locked: [{PRIVILEGED}]\nseverity: {{{HOST_PID}: critical}}\n"})
    text = f"severity: {{{PRIVILEGED}: info, k8s/: info}}\nper-path-ignores: {{'*': [{PRIVILEGED}, {HOST_PID}]}}\n"
    report = check(tree, text, config="../platform.yaml")
    before = check(tree, "# nothing\n", config="../platform.yaml")
    assert severities(report, PRIVILEGED) == severities(before, PRIVILEGED)
    assert set(severities(report, PRIVILEGED)) == ALL_PATHS
    told = [one.message for one in report.findings if one.rule == "core/setting-unused"]
    assert told == [f"{PRIVILEGED} is locked by the settings, so {one} has no effect on it" for one in ("severity", "per-path-ignores")]
    report = check(tree, f"severity: {{{HOST_PID}: info}}\n", config="../platform.yaml", purpose="production")
    assert severities(report, HOST_PID) == dict.fromkeys(ALL_PATHS, "critical")


@holds("settings-severity", "config-locked")
@pytest.mark.parametrize(
    ("lock", "text", "refused"),
    [
        ("fail-on", f"severity: {{{HOST_PID}: info}}\n", "severity"),
        ("fail-on", f"per-path: {{'*': {{severity: {{{HOST_PID}: info}}}}}}\n", "per-path"),
        ("severity", f"severity: {{{HOST_PID}: info}}\n", "severity"),
        ("ignore", "per-path-ignores: {'*': [ALL]}\n", "per-path-ignores"),
        ("ignore", "per-path: {'*': {ignore: [ALL]}}\n", "per-path"),
        ("profile", "per-path: {'*': {select: [ci/]}}\n", "per-path"),
        ("profile", "select: [ci/]\n", "select"),
        ("per-path", "per-path-ignores: {'*': [ALL]}\n", "per-path-ignores"),
    ],
)
def test_a_lock_holds_against_what_would_undo_it(tree: Path, lock: str, text: str, refused: str) -> None:
    write_files(tree.parent, {"platform.yaml": f"locked: [{lock}]\n"})
    report = check(tree, text, config="../platform.yaml")
    before = check(tree, "# nothing\n", config="../platform.yaml")
    assert [(one.rule, one.path, one.severity) for one in report.findings] == [(one.rule, one.path, one.severity) for one in before.findings]
    assert report.settings_effects[1].refused == (refused,)


@holds("settings-severity", "settings-choice")
@pytest.mark.parametrize("text", ["severity: {core/syntax: info}\n", "per-path-ignores: {'*': [core/syntax]}\n"])
def test_what_says_that_there_is_no_verdict_is_rated_and_ignored_nowhere(tree: Path, text: str) -> None:
    write_files(tree, {"broken.yaml": "apiVersion: v1\nkind: Pod\nspec: [\n"})
    with pytest.raises(SelectionError, match="says that something has no verdict"):
        check(tree, text)
    for wide in ("severity: {ALL: info}\n", "per-path-ignores: {'*': [ALL]}\n", "per-path: {'*': {select: [ci/]}}\n"):
        report = check(tree, wide)
        assert [str(one.severity) for one in report.open if one.rule == "core/syntax"] == ["high"]
        assert not report.gate.passed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("profile: strikt\n", r"^\.readiness\.yaml:1:10: no profile is called 'strikt'; did you mean 'strict'\?"),
        ("select: [k8s/, k8s/nope]\n", r"^\.readiness\.yaml:1:16: no rule, category or prefix is called 'k8s/nope'"),
        ("extend-select:\n  - k8s/\n  - DL3007\n", r"^\.readiness\.yaml:3:5: 'DL3007' is another linter's id; the rule here is"),
        ("ignore: [k8s/nope]\n", r"^\.readiness\.yaml:1:10: no rule, category or prefix"),
        ("severity:\n  k8s/nope: low\n", r"^\.readiness\.yaml:2:3: no rule, category or prefix"),
        ("locked: [k8s/nope]\n", r"^\.readiness\.yaml:1:10: no rule, category or prefix"),
        ("per-path-ignores: {a: [k8s/, k8s/nope]}\n", r"^\.readiness\.yaml:1:30: no rule, category or prefix"),
        ("per-path: {a: {ignore: [k8s/nope]}}\n", r"^\.readiness\.yaml:1:25: no rule, category or prefix"),
        ("per-path: {a: {profile: nope}}\n", r"^\.readiness\.yaml:1:25: no profile is called 'nope'; there are"),
        ("per-path: {a: {severity: {k8s/nope: low}}}\n", r"^\.readiness\.yaml:1:27: no rule, category or prefix"),
    ],
)
def test_a_word_that_names_nothing_is_told_at_its_place(tree: Path, text: str, said: str) -> None:
    with pytest.raises((SelectionError, ConfigError), match=said):
        check(tree, text)


UNASKED = f"{DIGEST} is not among the rules that are asked, so %s no effect on it; add it to extend-select"


@pytest.mark.parametrize(
    ("text", "line", "subject"),
    [
        (f"severity:\n  {DIGEST}: low\n", 2, "severity has"),
        (f"per-path: {{'*': {{severity: {{{DIGEST}: low}}}}}}\n", 1, "per-path has"),
        (f"severity: {{{DIGEST}: low}}\nextend-select: [k8s/image-]\n", 0, ""),
        (f"severity: {{{DIGEST}: low}}\nper-path: {{'legacy/*': {{extend-select: [{DIGEST}]}}}}\n", 0, ""),
        ("severity: {k8s/image-: low, delivery: low, nginx/server-tokens-shown: low}\n", 0, ""),
        (f"profile: strict\nseverity: {{{DIGEST}: low}}\n", 0, ""),
        (f"profile: strict\nignore: [{DIGEST}]\nseverity: {{{DIGEST}: low}}\n", 3, "severity has"),
    ],
)
def test_a_severity_of_a_rule_that_nobody_asks_is_told(tree: Path, text: str, line: int, subject: str) -> None:
    text = text.replace("nginx/server-tokens-shown", next(one.id for one in readiness.catalogue() if one.kind == "nginx"))
    told = [(one.line, one.message) for one in check(tree, text).findings if one.rule == "core/setting-unused"]
    assert told == ([(line, UNASKED % subject)] if line else [])
    for options in ({"select": ["k8s/host-pid"]}, {"ignore": [DIGEST]}, {"profile": "pss-baseline"}):
        told_with_options = [one for one in check(tree, text, **options).findings if one.rule == "core/setting-unused"]
        assert not told_with_options, "what options leave out, the settings say for another run"


@pytest.mark.parametrize(("before", "is_told"), [("", True), ("extend-select: [k8s/image-registry-unlisted]\n", False)])
def test_parameters_of_a_rule_that_nobody_asks_are_told(tree: Path, before: str, is_told: bool) -> None:
    rule = "k8s/image-registry-unlisted"
    report = check(tree, f"{before}parameters: {{{rule}: {{allow: [docker.io]}}}}\n")
    told = [one.message for one in report.findings if one.rule == "core/setting-unused"]
    assert told == ([(UNASKED % "parameters have").replace(DIGEST, rule)] if is_told else [])
