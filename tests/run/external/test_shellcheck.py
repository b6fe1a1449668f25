"""ShellCheck on request: its comments at their exact places, under our rules of suppression and selection."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

import readiness
from readiness import api, programs
from readiness.verdict.report import Report
from tests.make import write_files

needs_shellcheck = pytest.mark.skipif(not programs.find_packaged_program("shellcheck"), reason="needs shellcheck (the extra readiness[shellcheck])")
DOCKERFILE = """\
FROM debian:12.11
RUN echo one && \\
    # between
    cat $FILE \\
      | grep x
RUN <<EOF
ls $OTHER
EOF
SHELL ["pwsh", "-Command"]
RUN Write-Host $x
"""
WORKFLOW = """\
on: push
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
      - run: |
          echo ok
          rm ${{ github.sha }} $FILE
      - run: "cat \\"a\\" $FILE"
      - shell: python
        run: print($x)
"""
GITLAB = "stages: [a]\na:\n  stage: a\n  script:\n    - echo ok\n    - cat $FILE\n"


def run(root: Path, files: dict[str, str], **more: Any) -> Report:
    write_files(root, files)
    words = {"select": ["shell/"], "shellcheck": True, "base": root, **more}
    return readiness.check([root], **words)


def said(report: Report, rule: str = "shell/SC2086") -> list[tuple[str, int, str]]:
    return [(finding.path, finding.line, finding.source.text[slice(*finding.span)]) for finding in report.findings if finding.rule == rule]


@needs_shellcheck
def test_places_in_every_sort_of_script(tmp_path: Path) -> None:
    files = {
        "Dockerfile": DOCKERFILE,
        ".github/workflows/a.yml": WORKFLOW,
        ".gitlab-ci.yml": GITLAB,
    }
    assert said(run(tmp_path, files)) == [
        (".github/workflows/a.yml", 8, "$FILE"),
        (".github/workflows/a.yml", 9, "$FILE"),
        (".gitlab-ci.yml", 6, "$FILE"),
        ("Dockerfile", 4, "$FILE"),
        ("Dockerfile", 7, "$OTHER"),
    ]


@needs_shellcheck
def test_it_is_silenced_selected_and_ignored_like_any_rule(tmp_path: Path) -> None:
    ours = "FROM debian:12.11\n# readiness: ignore[shell/SC2086] never has blanks\nRUN cat $FILE\n"
    report = run(tmp_path, {"Dockerfile": ours})
    assert [one.suppression is not None for one in report.findings] == [True]
    files = {"Dockerfile": "FROM debian:12.11\nRUN cat $FILE\n"}
    assert run(tmp_path, files, select=["k8s/"]).findings == ()
    assert said(run(tmp_path, files, ignore=["shell/SC2086"])) == []
    assert said(run(tmp_path, files)) == [("Dockerfile", 2, "$FILE")]


@needs_shellcheck
def test_a_script_of_one_line_and_files_of_the_runner(tmp_path: Path) -> None:
    gitlab = "stages: [a]\na:\n  stage: a\n  script: cat $FILE\n"
    github = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: echo a=1 >> $GITHUB_OUTPUT\n"
    report = run(tmp_path, {".gitlab-ci.yml": gitlab, ".github/workflows/a.yml": github})
    assert said(report) == [(".gitlab-ci.yml", 4, "$FILE")]


@needs_shellcheck
def test_only_on_request(tmp_path: Path) -> None:
    files = {"Dockerfile": "FROM debian:12.11\nRUN cat $FILE\n"}
    assert not said(run(tmp_path, files, shellcheck=False, select=["ALL"]))


HOSTILE = {
    "nothing closes": "RUN if [ \"$(echo 'a",
    "an option": "RUN --shell=evil",
    "a directive": "RUN true # shellcheck source=/etc/passwd",
    "wide characters": "RUN echo é😀 $FILE",
}


@needs_shellcheck
@pytest.mark.parametrize("line", HOSTILE.values(), ids=HOSTILE)
def test_hostile_scripts_break_nothing(tmp_path: Path, line: str) -> None:
    report = run(tmp_path, {"Dockerfile": f"FROM debian:12.11\n{line}\n"})
    assert not report.crashed
    if "FILE" in line:
        assert said(report) == [("Dockerfile", 2, "$FILE")]


@needs_shellcheck
def test_the_report_is_complete_and_cached_alike(tmp_path: Path) -> None:
    report = run(tmp_path, {"Dockerfile": "FROM debian:12.11\nRUN cat $FILE\n"})
    (row,) = report.to_dict()["findings"]
    assert (row["rule"], row["severity"]) == ("shell/SC2086", "info")


JOINED = """\
stages: [a]
default:
  image: alpine:3.22
  before_script:
    - folder=$(pwd)
a:
  stage: a
  script:
    - if [ -n "$CI" ]; then
    - cat $folder
    - fi
    - |
      echo "ok"
      cat $folder/x
  after_script:
    - cat $late
b:
  stage: a
  script: [echo ok]
"""


@needs_shellcheck
def test_the_lines_of_a_gitlab_job_are_one_script(tmp_path: Path) -> None:
    report = run(tmp_path, {".gitlab-ci.yml": JOINED})
    assert said(report) == [
        (".gitlab-ci.yml", 10, "$folder"),
        (".gitlab-ci.yml", 14, "$folder"),
        (".gitlab-ci.yml", 16, "$late"),
    ]
    assert {one.rule for one in report.findings} == {"shell/SC2086"}


@needs_shellcheck
@pytest.mark.parametrize(
    ("image", "line", "rules"),
    [
        ("alpine:3.22", "source ./x", {"shell/SC3046"}),  # busybox's sh
        ("debian:12", "source ./x", set()),  # bash is there, and the runner takes it
        ("$IMAGE", "source ./x", set()),  # nobody can tell
        ("mcr.microsoft.com/windows/nanoserver:1809", "cat $x", set()),
        ("debian:12", "Write-Host $x", set()),
    ],
)
def test_the_image_decides_the_shell_of_a_gitlab_job(tmp_path: Path, image: str, line: str, rules: set[str]) -> None:
    text = f"stages: [a]\na:\n  stage: a\n  image: {image}\n  script:\n    - {line}\n"
    assert {one.rule for one in run(tmp_path, {".gitlab-ci.yml": text}).findings} == rules


@needs_shellcheck
@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("RUN Rscript -e 'x(\"$VERSION\")'", True),  # the stage has it, and R fills in nothing
        ("RUN echo 'path=/srv/$basearch' > /etc/x.repo", False),  # dnf fills it in
        ("RUN sed -e 's/${VERSION}/1/' -i x", False),
        ("RUN sed -i \\\n  -e 's/${VERSION}/1/' x", False),
        ("RUN echo 'export PATH=$HOME/bin:$PATH' >> /etc/profile", False),
    ],
)
def test_single_quotes_that_are_meant(tmp_path: Path, line: str, told: bool) -> None:
    report = run(tmp_path, {"Dockerfile": f"FROM debian:12.11\nARG VERSION=1\n{line}\n"})
    assert bool(said(report, "shell/SC2016")) is told


FAKE = """\
import glob, os, sys, time
text = "".join(open(one).read() for one in glob.glob("*.sh"))
if "SLOW" in text: time.sleep(20)
if "BROKEN" in text: sys.exit(3)
print('{"comments": [{"file": "0.sh", "line": 1, "column": 1, "endLine": 1, "endColumn": 2,'
      '"code": 2086, "level": "info", "message": "quote %s."}]}' % sorted(os.environ))
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ShellCheck on PATH that is a script of this Python; one that is no program of its own is refused, but for this."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "shellcheck"
    program.write_text(f"#!{sys.executable} -IS\n{FAKE}", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setattr(programs, "is_script_or_snap", lambda path: False)
    return program


@pytest.mark.parametrize(("word", "reason"), [("SLOW", "too long"), ("BROKEN", "JSONDecodeError")])
def test_a_script_without_an_answer_is_told_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake: Path, word: str, reason: str
) -> None:
    monkeypatch.setattr("readiness.run.external.shellcheck.BATCH_TIMEOUT_SECONDS", 2.0)
    monkeypatch.setattr("readiness.run.external.shellcheck.MIN_BATCH_TIMEOUT_SECONDS", 1.0)
    text = f"FROM debian:12.11\nRUN cat $A\nRUN cat {word}\nRUN cat $B\n"
    report = run(tmp_path / "tree", {"Dockerfile": text}, select=["shell/SC2086"])
    (silent,) = [one for one in report.findings if one.rule == "core/script-unjudged"]
    assert (silent.line, reason in silent.message) == (3, True)
    assert {one.line for one in report.findings if one.rule == "shell/SC2086"} <= {2, 4}
    assert any(one.rule == "shell/SC2086" for one in report.findings)
    assert not report.crashed


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX, where programs are confined")
def test_it_is_given_nothing_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake: Path) -> None:
    for name in ("GITHUB_TOKEN", "SHELLCHECK_OPTS", "HTTPS_PROXY", "SSH_AUTH_SOCK"):
        monkeypatch.setenv(name, "VALUE")
    report = run(tmp_path / "tree", {"Dockerfile": "FROM debian:12.11\nRUN cat $A\n"})
    (found,) = [one for one in report.findings if one.rule == "shell/SC2086"]
    assert "HOME" in found.message
    assert all(word not in found.message for word in ("TOKEN", "OPTS", "PROXY", "SSH"))


def test_time_for_all_scripts_of_a_run_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake: Path) -> None:
    monkeypatch.setattr("readiness.programs.budget.MAX_PROGRAM_SECONDS_PER_RUN", 0)
    report = run(tmp_path / "tree", {"Dockerfile": "FROM debian:12.11\nRUN cat $A\nRUN cat $B\n"})
    told = [(one.rule, one.line, "limit" in one.message) for one in report.findings]
    assert told == [("core/script-unjudged", 2, True), ("core/script-unjudged", 3, True)]


def test_one_that_only_starts_another_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake: Path) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(fake.parent))
    with pytest.raises(api.USER_ERRORS, match="a snap or a version manager's shim"):
        run(tmp_path / "tree", {"Dockerfile": "FROM debian:12.11\nRUN cat $FILE\n"})


def test_without_shellcheck_the_flag_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    with pytest.raises(api.USER_ERRORS, match="shellcheck is not installed"):
        run(tmp_path, {"Dockerfile": "FROM debian:12.11\nRUN cat $FILE\n"})


@needs_shellcheck
def test_it_is_found_beside_the_running_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where `pip install` put it, whether that folder is on PATH or not."""
    found = programs.find_packaged_program("shellcheck")
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "shellcheck").symlink_to(found)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "python"))
    assert programs.find_packaged_program("shellcheck") == str(tmp_path / "venv" / "shellcheck")
    monkeypatch.setenv("PATH", str(Path(found).parent))
    assert programs.find_packaged_program("shellcheck") == found
