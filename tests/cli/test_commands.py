"""The command line as a user meets it: what it prints, and with which exit code it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import readiness
from readiness.cli.main import main
from tests.conftest import ROOT

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: x, labels: {app: x}}
spec:
  containers:
    - {name: x, image: 'x:1.0.0', securityContext: {privileged: true}}
---
apiVersion: v1
kind: Service
metadata: {name: x}
spec: {selector: {app: x}, ports: [{port: 80}]}
"""
GOOD = "FROM scratch\n"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()  # no settings file above is ours
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(*words: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, list(words), input=stdin, catch_exceptions=False)


def write(name: str, text: str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text, encoding="utf-8")


CODES = {
    "the gate fails": (["check"], 1, "gate"),
    "never": (["check", "--fail-on", "never"], 0, "gate passed"),
    "exit zero": (["check", "--exit-zero"], 0, "gate"),
    "minimum": (["check", "--fail-on", "never", "--min-score", "100"], 1, "--min-score 100"),
    "ignored": (
        ["check", "--select", "k8s/privileged", "--ignore", "k8s/privileged"],
        2,
        "no rule had anything to look at",
    ),
    "words between commas": (["check", "--select", "nginx/,k8s/privileged"], 1, "1 high open"),
    "unknown rule": (["check", "--select", "k8s/privleged"], 2, "did you mean 'k8s/privileged'"),
    "unknown profile": (["check", "--profile", "lax"], 2, "recommended"),
    "unknown path": (["check", "gone"], 2, "no such file"),
    "unknown flag": (["check", "--fast"], 2, "No such option"),
    "bad output": (["check", "--output", "xml=a"], 2, "--output"),
    "two settings": (["check", "--config", "a", "--no-config"], 2, "exclude each other"),
    "missing settings": (["check", "--config", "a.yaml"], 2, "cannot be read"),
    "quiet and verbose": (["check", "-q", "-v"], 2, "exclude each other"),
    "unwritable output": (["check", "--output", "json=no/such/a.json"], 2, "cannot be written"),
    "no revision": (["check", "--since", "nowhere"], 2, "readiness:"),
    "missing baseline": (["check", "--baseline", "gone.json"], 2, "gone.json"),
    "unknown checklist": (["check", "--checklist", "nope"], 2, "flowise"),
    "explain nothing": (["explain", "zzz"], 2, "no rule"),
    "like nothing": (["rules", "--like", "ZZ99"], 2, "no rule"),
    "checklist nothing": (["checklist", "nope"], 2, "neither a path nor a checklist"),
}


@pytest.mark.parametrize(("words", "code", "said"), CODES.values(), ids=CODES)
def test_exit_codes_and_what_is_said(words: list[str], code: int, said: str) -> None:
    write("pod.yaml", POD)
    result = run(*words)
    assert result.exit_code == code
    assert said in result.output


def test_nothing_to_check_is_an_error_unless_it_is_allowed() -> None:
    write("notes.txt", "nothing here")
    result = run("check")
    assert result.exit_code == 2
    assert "nothing to check" in result.output
    assert run("check", "--allow-empty").exit_code == 0


def test_the_last_line_says_which_gate_decided() -> None:
    write("pod.yaml", POD)
    assert "--fail-on high" in run("check").output.strip().splitlines()[-1]


def test_standard_input() -> None:
    result = run("check", "--format", "json", "-", stdin=POD)
    report = json.loads(result.stdout)
    assert {one["path"] for one in report["findings"]} == {"-"}
    assert result.exit_code == 1


def test_several_reports_in_one_run() -> None:
    write("pod.yaml", POD)
    result = run("check", "--output", "json=a.json", "--output", "github=a.txt")
    assert json.loads(Path("a.json").read_text())["version"] == 1
    assert "::error" in Path("a.txt").read_text()
    assert "gate failed" in result.output


def test_settings_are_found_and_can_be_left_out() -> None:
    write("deploy/pod.yaml", POD)
    write(".readiness.yaml", "ignore: [k8s/]\n")
    assert run("check", "deploy").exit_code == 0
    assert run("check", "--no-config", "deploy").exit_code == 1


def test_explain_by_ours_by_name_and_by_theirs() -> None:
    for name in ("k8s/privileged", "privileged", "CKV_K8S_16"):
        result = run("explain", name)
        assert result.exit_code == 0
        assert "# k8s/privileged" in result.output
        assert "```yaml" in result.output
        assert "kubernetes.io" in result.output


def test_explain_says_why_a_pod_is_not_admitted() -> None:
    write("pod.yaml", POD)
    result = run("explain", "pss", "pod.yaml")
    assert result.exit_code == 0
    assert "Pod/x is admitted up to the level privileged" in result.output
    assert "pod.yaml:6: privileged is true (container 'x') [k8s/pss-baseline-privileged]" in result.output
    write("pod.yaml", POD.replace("privileged: true", "privileged: false"))
    assert "up to the level baseline" in run("explain", "pss", "pod.yaml").output
    assert run("explain", "k8s/privileged", "pod.yaml").exit_code == 2


def test_explain_leaves_out_what_settings_above_exclude(monkeypatch: pytest.MonkeyPatch) -> None:
    write(".readiness.yaml", "exclude: [sub/skip/*]\n")
    write("sub/skip/pod.yaml", POD)
    monkeypatch.chdir("sub")
    assert run("explain", "pss").output == "no workload was found\n"


def test_the_catalogue() -> None:
    rows = json.loads(run("rules", "--format", "json").output)
    assert {row["id"] for row in rows} == {rule.id for rule in readiness.catalogue()}
    assert "k8s/privileged" in run("rules", "--like", "CKV_K8S_16").output
    assert all(line.startswith("nginx/") for line in run("rules", "--kind", "nginx").output.splitlines())
    assert run("rules", "--format", "markdown").output.startswith("| rule |")


def test_a_checklist_says_of_each_item_what_shows_it() -> None:
    result = run("checklist", "flowise", str(ROOT / "fixtures" / "flowise" / "hardened"))
    assert result.exit_code == 0
    assert "flowise.non-root" in result.output
    assert "met" in result.output
    rows = json.loads(run("checklist", "flowise", "--format", "json", str(ROOT / "fixtures" / "flowise" / "weak")).output)
    assert [row["system"] for row in rows] == ["flowise"]


def test_init_writes_and_overwrites_only_when_told() -> None:
    assert run("init", "--hook", "--workflow").exit_code == 0
    assert Path(".github/workflows/readiness.yml").is_file()
    assert Path(".pre-commit-config.yaml").is_file()
    write(".readiness.yaml", "profile: strict\n")
    again = run("init")
    assert again.exit_code == 2
    assert Path(".readiness.yaml").read_text() == "profile: strict\n"
    assert run("init", "--force").exit_code == 0
    assert run("check", "--allow-empty").exit_code == 0


def test_a_baseline_from_the_command_line() -> None:
    write("pod.yaml", POD)
    assert run("baseline").exit_code == 0
    assert run("check", "--baseline", ".readiness-baseline.json").exit_code == 0


def test_a_crashing_rule_costs_itself_and_exit_code_2(monkeypatch: pytest.MonkeyPatch) -> None:
    from readiness.ruleset.bound import LoadedRule

    write("pod.yaml", POD)
    whole = LoadedRule.run_check

    def fail(self: LoadedRule, subject: object, project: object) -> object:
        if self.rule.id == "k8s/run-as-root":
            raise ValueError("boom")
        return whole(self, subject, project)  # type: ignore[arg-type]

    monkeypatch.setattr(LoadedRule, "run_check", fail)
    result = run("check", "--no-cache", "--select", "ALL")
    assert result.exit_code == 2
    assert "k8s/run-as-root crashed here (ValueError" in result.output
    assert "k8s/privileged" in result.output


def test_names_from_files_are_printed_without_their_control_characters() -> None:
    write("pod.yaml", POD)
    result = run("check", "gone\x1b[31m")
    assert "\x1b" not in result.output


@pytest.mark.parametrize(("arguments", "is_told"), [([], True), (["--format", "github"], False), (["--output", "json=-"], False)])
def test_in_github_actions_the_format_is_named(arguments: list[str], is_told: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    write("pod.yaml", POD)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert ("--format github annotates" in run("check", *arguments).stderr) is is_told
    monkeypatch.delenv("GITHUB_ACTIONS")
    assert "--format github annotates" not in run("check").stderr
