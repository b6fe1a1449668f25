"""`readiness diff` and `check --since` on a repository: what is new, fixed and moved, and which code each ends with."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

import readiness
from readiness.cli.main import main
from tests.make import write_files
from tests.settings_rows import holds

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: x, labels: {app: x}}
spec:
  hostPID: true
  containers:
    - {name: x, image: 'x:1.0.0'}
"""
OTHER = POD.replace("name: x", "name: y")
DOCKERFILE = "FROM debian:10\nUSER root\n"


def git(root: Path, *words: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *words], cwd=root, check=True, capture_output=True)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`main` with two files; on `topic` one is renamed and edited above, one is mended, one is added; `other` is main."""
    root = write_files(tmp_path_factory.mktemp("repository"), {"deploy/pod.yaml": POD, "Dockerfile": DOCKERFILE, ".gitignore": "*.json\n*.md\n"})
    git(root, "init", "-q", "-b", "main")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "one")
    git(root, "branch", "other")
    git(root, "checkout", "-q", "-b", "topic")
    git(root, "mv", "deploy/pod.yaml", "deploy/app.yaml")
    write_files(root, {"deploy/app.yaml": "# above\n" + POD.replace("x:1.0.0", "x:1.1.0"), "Dockerfile": "FROM debian:10\nUSER 1000\n"})
    write_files(root, {"deploy/other.yaml": OTHER})
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "two")
    return root


@pytest.fixture(autouse=True)
def _in_the_repository(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words), catch_exceptions=False)


SCHEMA = json.loads((Path(readiness.__file__).parent / "data" / "difference.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def told(*words: str) -> dict[str, Any]:
    result = run("diff", "--format", "json", *words)
    assert result.exit_code in {0, 1}, result.stderr
    data: dict[str, Any] = json.loads(result.stdout)
    VALIDATOR.validate(data)
    return data


def test_the_schema_is_one_and_refuses() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    data = told("--since", "main")
    assert data["new"]
    assert data["moved"]
    for name, row in (("new", {"from": {"path": "x", "line": 1}}), ("moved", {"from": {"path": "x"}}), ("moved", {"reason": "x"})):
        assert not VALIDATOR.is_valid({**data, name: [{**data[name][0], **row}]})
    assert not VALIDATOR.is_valid({**data, "not_judged_before": data["new"]}), "without a reason"


def test_the_work_tree_against_where_it_left_a_branch() -> None:
    data = told("--since", "main")
    assert {row["path"] for row in data["new"]} == {"deploy/other.yaml"}
    assert "dockerfile/user-root" in {row["rule"] for row in data["fixed"]}
    assert {row["path"] for row in data["fixed"]} == {"Dockerfile"}
    assert {row["path"] for row in data["moved"]} == {"deploy/app.yaml"}
    assert all(row["from"]["path"] == "deploy/pod.yaml" for row in data["moved"])
    assert data["points"] == data["after"]["score"] - data["before"]["score"]
    assert run("diff", "--since", "main", "--fail-on", "medium").exit_code == 1
    assert run("diff", "--since", "main").exit_code == 0, "nothing high is new"
    assert run("diff", "--since", "main", "--fail-on", "medium", "Dockerfile").exit_code == 0


def test_a_branch_against_a_branch() -> None:
    data = told("--since", "topic", "--to", "topic")
    assert data["new"] == data["fixed"] == data["moved"] == []
    assert {row["path"] for row in told("--since", "main", "--to", "topic")["new"]} == {"deploy/other.yaml"}
    assert told("--since", "topic", "--to", "main")["new"] == [], "where main left topic is main"


def test_reports_against_each_other(tmp_path: Path) -> None:
    before, after = str(tmp_path / "before.json"), str(tmp_path / "after.json")
    run("check", "--output", f"json={before}", "Dockerfile", "deploy/app.yaml")
    run("check", "--output", f"json={after}", ".")
    result = run("diff", "--reports", before, after, "--fail-on", "medium")
    assert result.exit_code == 1
    assert ", 0 fixed, 0 moved; score " in result.stdout.splitlines()[-1]
    assert {line.split()[1].split(":")[0] for line in result.stdout.splitlines()[:-1]} == {"deploy/other.yaml"}
    back = told("--reports", after, before)
    assert not back["new"]
    assert {row["path"] for row in back["fixed"]} == {"deploy/other.yaml"}


def edited_report(path: Path, source: Path, **tool: object) -> str:
    """A copy of a report, as another version of the tool would have made it."""
    data = json.loads(source.read_text())
    data["tool"] |= tool
    path.write_text(json.dumps(data))
    return str(path)


def test_what_other_rules_find_is_not_new(tmp_path: Path) -> None:
    """A report of before by fewer rules: what they could not find in files that were there is told apart, and fails nothing."""
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    run("check", "--select", "k8s/", "--ignore", "k8s/host-pid", "--output", f"json={before}", "deploy/app.yaml", "--no-context")
    run("check", "--select", "k8s/", "--output", f"json={after}", "deploy", "--no-context")
    data = told("--reports", str(before), str(after))
    assert {(row["rule"], row["path"], row["reason"]) for row in data["not_judged_before"]} == {
        ("k8s/host-pid", "deploy/app.yaml", "its rule did not run")
    }
    assert ("k8s/host-pid", "deploy/other.yaml") in {(row["rule"], row["path"]) for row in data["new"]}, "its file was not there"
    assert data["points"] is None
    back = told("--reports", str(after), str(before))
    assert {(row["rule"], row["path"], row["reason"]) for row in back["not_judged_after"]} == {
        ("k8s/host-pid", "deploy/app.yaml", "its rule did not run")
    }
    assert ("k8s/host-pid", "deploy/other.yaml") in {(row["rule"], row["path"]) for row in back["fixed"]}
    last_line = run("diff", "--reports", str(before), str(after)).stdout.splitlines()[-1]
    assert ", 1 not judged before; score " in last_line
    assert last_line.endswith(", by other rules or another algorithm")
    text = run("diff", "--reports", str(before), str(after), "--format", "markdown").stdout
    assert "### Not judged before" in text
    same_rules = json.loads(after.read_text())["tool"]["rules"]
    assert "k8s/host-pid" in same_rules
    known = edited_report(tmp_path / "known.json", before, rules=same_rules)
    assert "k8s/host-pid" in {row["rule"] for row in told("--reports", known, str(after))["new"] if row["path"] == "deploy/app.yaml"}
    assert told("--reports", known, str(after))["points"] is not None
    assert told("--reports", edited_report(tmp_path / "old.json", before, rules=same_rules, score_algorithm=1), str(after))["points"] is None


def test_a_group_of_rules_that_had_nothing_to_judge_is_no_other_set_of_rules(tmp_path: Path) -> None:
    before, after = str(tmp_path / "before.json"), str(tmp_path / "after.json")
    run("check", "--output", f"json={before}", "Dockerfile", "--no-context")
    run("check", "--output", f"json={after}", ".", "--no-context")
    data = told("--reports", before, after)
    assert data["not_judged_before"] == []
    assert data["points"] is not None
    assert {row["path"] for row in data["new"]} >= {"deploy/app.yaml", "deploy/other.yaml"}


def test_what_is_not_judged_any_more_is_not_fixed(repository: Path, tmp_path: Path) -> None:
    """A file that is broken now has no verdict, so nothing in it is fixed; and the other way round nothing on its old lines is new."""
    before, after = str(tmp_path / "before.json"), str(tmp_path / "after.json")
    run("check", "--output", f"json={before}", ".")
    whole_text = (repository / "deploy/app.yaml").read_text()
    git(repository, "checkout", "-q", "-b", "half")
    try:
        write_files(repository, {"deploy/app.yaml": whole_text + "  broken: [\n"})
        git(repository, "commit", "-q", "-a", "-m", "broken")
        run("check", "--output", f"json={after}", ".")
        for words in (("--since", "topic"), ("--reports", before, after)):
            data = told(*words)
            assert {row["rule"] for row in data["new"]} == {"core/syntax"}
            assert "k8s/host-pid" in {row["rule"] for row in data["not_judged_after"]}
            assert {row["reason"] for row in data["not_judged_after"]} == {"its file had no verdict"}
            assert "k8s/host-pid" not in {row["rule"] for row in data["fixed"]}
        write_files(repository, {"deploy/app.yaml": whole_text.replace("hostPID", "hostNetwork: true\n  hostPID")})
        data = told("--since", "half")
        assert "k8s/host-pid" in {row["rule"] for row in data["not_judged_before"]}
        assert "k8s/host-network" in {row["rule"] for row in data["new"]}, "its line was not there"
        assert {row["rule"] for row in data["fixed"]} == {"core/syntax"}
    finally:
        git(repository, "checkout", "-q", "-f", "topic")
        git(repository, "branch", "-q", "-D", "half")


def test_check_since_tells_the_score_before_and_now(repository: Path) -> None:
    """The score before is that of the revision; with all that stands it is that of a run without --since."""
    change = json.loads(run("check", "--since", "main", "--format", "json", ".").stdout)["score_change"]
    assert change["after"]["score"] == json.loads(run("check", "--format", "json", ".").stdout)["score"]
    git(repository, "checkout", "-q", "main")
    try:
        assert change["before"]["score"] == json.loads(run("check", "--format", "json", ".").stdout)["score"]
    finally:
        git(repository, "checkout", "-q", "topic")
    assert change["before"]["raw_score"] != change["after"]["raw_score"]
    before, after = (f"{change[name]['score']}, {change[name]['grade']}" for name in ("before", "after"))
    points = change["after"]["score"] - change["before"]["score"]
    text = f"stood already where this branch left main; score before {before}, with all that stands now {after} ({points:+d})"
    for format_name in ("github", "markdown"):
        assert text in run("check", "--since", "main", "--format", format_name, ".").stdout.replace("\\", "")
    assert "score_change" not in json.loads(run("check", "--since", "main", "--format", "json", "deploy").stdout), "a part of what stood there"


def test_markdown_has_the_score_and_no_markup_of_files(tmp_path: Path) -> None:
    text = run("diff", "--since", "main", "--format", "markdown").stdout
    assert text.startswith("**score ")
    assert "| medium | k8s/host-pid | deploy/other.yaml:5 |" in text
    report = json.loads(run("check", "--format", "json", "deploy/other.yaml").stdout)
    report["findings"][0]["message"] = "<b>@octocat</b> | ![x](http://example.com)"
    Path(tmp_path / "hostile.json").write_text(json.dumps(report))
    Path(tmp_path / "empty.json").write_text(json.dumps(report | {"findings": []}))
    hostile = run("diff", "--reports", str(tmp_path / "empty.json"), str(tmp_path / "hostile.json"), "--format", "markdown").stdout
    assert "| <b>" not in hostile
    assert "\n| " in hostile
    assert all(line.replace("\\|", "").count("|") == 5 for line in hostile.splitlines() if line.startswith("| "))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "give either"),
        (["--since", "main", "--reports", "a", "b"], "give either"),
        (["--reports", "gone.json", "gone.json"], "cannot be read"),
        (["--reports", "Dockerfile", "Dockerfile"], "this is no report"),
        (["--reports", "a", "b", "--select", "k8s/"], "--select"),
        (["--reports", "a", "b", "--to", "main"], "--to can have no effect"),
        (["--reports", "a", "b", "Dockerfile"], "PATH can have no effect"),
        (["--since", "nowhere"], "no commit of this repository"),
        (["--since", "main", "--to", "nowhere"], "no commit of this repository"),
        (["--since", "main", "--no-config", "--config", "x"], "exclude each other"),
        (["--since", "main", "--ignore", "ALL"], "not assessed"),
    ],
)
def test_what_is_refused(words: list[str], said: str) -> None:
    result = run("diff", *words)
    assert result.exit_code == 2
    assert said in result.stderr


@holds("git-index")
def test_for_a_commit_what_git_tracks_is_judged_and_what_is_named(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(repository, {"scratch/pod.yaml": POD.replace("name: x", "name: z"), "deploy/kustomization.yaml": "resources: [app.yaml]\n"})
    try:
        rows: dict[str, set[str]] = {}
        for words in ([], ["."], ["deploy"], ["scratch/pod.yaml"], ["deploy/kustomization.yaml"]):
            report = json.loads(run("check", "--for-commit", "--allow-empty", "--format", "json", *words).stdout)
            rows[" ".join(words)] = {row["path"] for row in report["findings"]}
        assert rows[""] == rows["."] == {"Dockerfile", "deploy/app.yaml", "deploy/other.yaml"}
        assert rows["deploy"] == {"deploy/app.yaml", "deploy/other.yaml"}
        assert rows["scratch/pod.yaml"] == {"scratch/pod.yaml"}, "it was named"
        assert rows["deploy/kustomization.yaml"] == set(), "what it builds was not named"
        monkeypatch.chdir(repository / "deploy")
        report = json.loads(run("check", "--for-commit", "--format", "json").stdout)
        assert {row["path"] for row in report["findings"]} == {"app.yaml", "other.yaml"}
    finally:
        (repository / "scratch/pod.yaml").unlink()
        (repository / "deploy/kustomization.yaml").unlink()


def test_for_a_commit_needs_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("check", "--for-commit")
    assert result.exit_code == 2
    assert "for_commit" in result.stderr


def test_since_follows_renames() -> None:
    report = json.loads(run("check", "--since", "main", "--format", "json", ".").stdout)
    assert {row["path"] for row in report["findings"] if row["suppressed"] is None} == {"deploy/other.yaml"}


def test_what_stands_elsewhere_is_not_moved_here(repository: Path) -> None:
    """A copy is new where the original is still there, though this run does not judge that."""
    write_files(repository, {"deploy/copy.yaml": "# above\n" + POD})
    run("baseline", "--output", "known.json", "deploy/app.yaml")
    try:
        for words in (["--since", "topic"], ["--baseline", "known.json"]):
            report = json.loads(run("check", *words, "--format", "json", "deploy/copy.yaml").stdout)
            assert "k8s/host-pid" in {row["rule"] for row in report["findings"] if row["suppressed"] is None}
        assert json.loads(run("check", "--baseline", "known.json", "--format", "json", "deploy/app.yaml").stdout)["findings"][0]["suppressed"]
    finally:
        (repository / "deploy/copy.yaml").unlink()


def test_what_did_not_render_before_brings_nothing_new(repository: Path) -> None:
    """A chart that could not be rendered had no verdict; its lines stood all the same."""
    chart = {"chart/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", "chart/templates/pod.yaml": OTHER + "    {{- broken }}\n"}
    git(repository, "checkout", "-q", "-b", "broken", "main")
    try:
        write_files(repository, chart)
        git(repository, "add", ".")
        git(repository, "commit", "-q", "-m", "broken")
        write_files(repository, {"chart/templates/pod.yaml": OTHER.replace("hostPID", "hostNetwork: true\n  hostPID")})
        report = json.loads(run("check", "--since", "HEAD", "--format", "json", "chart").stdout)
        open_rules = {row["rule"] for row in report["findings"] if row["suppressed"] is None}
        unseen = {row["rule"] for row in report["findings"] if row["suppressed"] and "could not be judged" in row["suppressed"]["reason"]}
        assert "k8s/host-network" in open_rules
        assert "k8s/host-pid" in unseen
    finally:
        git(repository, "checkout", "-q", "-f", "topic")
