"""`readiness baseline`: what it writes, what it refuses, and that with --ratchet a baseline only ever shrinks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from readiness.cli import adoption
from readiness.cli.main import check, main

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: x, labels: {app: x}}
spec:
  hostPID: true
  containers:
    - {name: x, image: 'x:1.0.0', securityContext: {privileged: true}}
"""
MILDER = POD.replace("privileged: true", "privileged: false")
KNOWN = ".readiness-baseline.json"
# The options of `check` about what is shown and what passes: a baseline has no use for them.
OPTIONS_OF_REPORTS = {
    "format_", "outputs", "fail_on", "min_score", "baseline", "since", "strict_coverage", "checklists", "no_cache", "color", "explain_score",
    "allow_empty", "exit_zero", "quiet", "verbose", "for_commit", "show_files", "show_settings",
    "min_severity", "min_confidence", "sort", "max_findings", "statistics", "stdin_filename",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    Path("pod.yaml").write_text(POD)


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words), catch_exceptions=False)


def entries(name: str = KNOWN) -> set[tuple[str, str]]:
    return {(row["rule"], row["path"]) for row in json.loads(Path(name).read_text())["findings"]}


def test_every_option_of_check_is_one_of_runs_or_one_of_reports() -> None:
    names = {one.name for one in check.params}
    assert names == OPTIONS_OF_REPORTS | adoption.OPTIONS_OF_RUNS
    assert {one.name for one in main.commands["baseline"].params} == adoption.OPTIONS_OF_RUNS | {"output", "prune", "ratchet"}


def test_it_is_written_by_the_options_of_the_run_that_uses_it() -> None:
    assert run("baseline", "--select", "k8s/privileged").exit_code == 0
    assert entries() == {("k8s/privileged", "pod.yaml")}
    assert run("check", "--select", "k8s/privileged", "--baseline", KNOWN).exit_code == 0
    assert run("baseline", "--ignore", "k8s/privileged").exit_code == 0
    assert ("k8s/privileged", "pod.yaml") not in entries()


def test_the_file_of_the_settings_is_written_and_not_held_against_itself() -> None:
    Path(".readiness.yaml").write_text("baseline: known.json\n")
    Path("known.json").write_text('{"version": 3, "findings": []}')
    assert "`readiness check` counts only others" in run("baseline").stdout
    first = entries("known.json")
    assert ("k8s/privileged", "pod.yaml") in first
    assert run("baseline").exit_code == 0
    assert entries("known.json") == first, "what is known already is written again"
    assert run("check", "-q").exit_code == 0


def test_what_is_refused_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    run("baseline")
    before = Path(KNOWN).read_bytes()
    Path("empty").mkdir()
    outside = tmp_path / "outside.json"
    outside.write_text("kept")
    Path("link.json").symlink_to(outside)
    for words, said in [
        (["baseline", "empty"], "nothing to check"),
        (["baseline", "--ignore", "ALL"], "not assessed"),
        (["baseline", "gone"], "no such file"),
        (["baseline", "--output", "no/such/folder.json"], "there is no directory no/such"),
        (["baseline", "--output", "link.json"], "is a link"),
        (["baseline", "--output", "empty"], "no regular file"),
        (["baseline", "--prune", "--ratchet"], "exclude each other"),
        (["baseline", "--prune", "--output", "none.json"], "no such baseline"),
        (["baseline", "--no-config", "--config", "a.yaml"], "exclude each other"),
        (["baseline", "--select", "k8s/probes-identical"], "a baseline would be empty"),
    ]:
        result = run(*words)
        assert result.exit_code == 2, words
        assert said in result.stderr, words
    assert Path(KNOWN).read_bytes() == before
    assert outside.read_text() == "kept"
    assert not Path("no").exists()
    assert list(tmp_path.glob(".*.partial")) == []


def test_what_is_fixed_is_told_and_pruned() -> None:
    run("baseline")
    Path(KNOWN).chmod(0o640)
    count = len(entries())
    Path("pod.yaml").write_text(MILDER.replace("  hostPID: true\n", ""))
    told = run("check", "--baseline", KNOWN).stderr
    assert f"{KNOWN}: 2 entries are fixed; `readiness baseline --prune`" in told
    pruned = run("baseline", "--prune")
    assert pruned.stdout == f"{KNOWN}: 2 fixed entries taken out, {count - 2} entries left\n"
    assert {("k8s/privileged", "pod.yaml"), ("k8s/host-pid", "pod.yaml")}.isdisjoint(entries())
    assert Path(KNOWN).stat().st_mode & 0o777 == 0o640
    assert "fixed" not in run("check", "--baseline", KNOWN).stderr
    Path("pod.yaml").write_text(MILDER)
    assert run("baseline", "--prune").exit_code == 0, "nothing is taken in, and nothing is said of it"
    assert ("k8s/host-pid", "pod.yaml") not in entries()


def test_what_a_run_does_not_judge_is_not_fixed() -> None:
    Path("deploy").mkdir()
    Path("deploy/pod.yaml").write_text(POD.replace("name: x", "name: y"))
    run("baseline")
    before = entries()
    Path("pod.yaml").write_text(MILDER)
    Path("deploy/pod.yaml").write_text(MILDER.replace("name: x", "name: y"))
    assert "1 entry is fixed" in run("check", "--baseline", KNOWN, "deploy").stderr
    assert "fixed" not in run("check", "--baseline", KNOWN, "--ignore", "k8s/privileged", "deploy").stderr
    run("baseline", "--prune", "deploy")
    assert entries() == before - {("k8s/privileged", "deploy/pod.yaml")}


def test_a_ratchet_only_shrinks() -> None:
    Path("other.yaml").write_text(POD.replace("name: x", "name: y"))
    run("baseline", "--ignore", "k8s/host-pid")
    before = Path(KNOWN).read_bytes()
    refused = run("baseline", "--ratchet")
    assert refused.exit_code == 1
    assert "pod.yaml:5:" in refused.stdout
    assert "[k8s/host-pid]" in refused.stdout
    assert Path(KNOWN).read_bytes() == before
    Path("pod.yaml").write_text(POD.replace("  hostPID: true\n", ""))
    Path("other.yaml").unlink()
    assert run("baseline", "--ratchet").exit_code == 0
    assert {path for _, path in entries()} == {"pod.yaml"}


def test_a_baseline_of_the_version_before_still_counts() -> None:
    """It counted steps and stages in the names of things."""
    Path("pod.yaml").unlink()
    Path("Dockerfile").write_text("FROM debian:10\nRUN apt-get install curl\nCMD x\n")
    run("baseline")
    data = json.loads(Path(KNOWN).read_text())
    from readiness import api
    from readiness.triage import baseline

    marks = {
        baseline.fingerprint_for_rule_id(one, one.rule): baseline.fingerprint_for_rule_id(one, one.rule, baseline.FORMER_BASELINE_VERSION)
        for one in api.check(["."]).findings
    }
    assert any(old != new for new, old in marks.items())
    rows = [{key: row[key] for key in ("rule", "path", "resource")} | {"fingerprint": marks[row["fingerprint"]]} for row in data["findings"]]
    Path(KNOWN).write_text(json.dumps({"version": 2, "findings": rows}))
    report = api.check(["."], baseline=KNOWN)
    assert report.open == ()
    assert report.baseline_outcome.fixed == ()
