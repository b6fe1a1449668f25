"""The Action's comment: what it says, whose it is, and the step that writes it with a program in `gh`'s place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness.cli.github_comment import COMMENT_AUTHOR, COMMENT_MARK, MAX_COMMENT_CHARACTERS, comment_text, own_comment_id
from tests.conftest import ROOT

STEP = next(one for one in yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))["runs"]["steps"] if one.get("name") == "Comment")
GH = """#!/bin/sh
printf '%s\\n' "$*" >> "$FAKE_LOG"
case "$*" in
*PATCH* | *POST*) [ "$FAKE_MAY" = write ] || { echo 'gh: Resource not accessible by integration (HTTP 403)' >&2; exit 1; } ;;
*) [ "$FAKE_MAY" = nothing ] && { echo 'gh: HTTP 401' >&2; exit 1; }; cat "$FAKE_PAGES" ;;
esac
"""


def comment(number: int, author: str = COMMENT_AUTHOR, body: str = COMMENT_MARK + "\n## ready") -> dict[str, Any]:
    return {"id": number, "user": {"login": author}, "body": body}


STRANGERS = [
    comment(1, "mallory"),
    comment(2, body="thanks"),
    comment(3, body=f"> quoted {COMMENT_MARK}"),
    {"id": 4, "user": None, "body": COMMENT_MARK},
    {"id": 5, "user": {"login": COMMENT_AUTHOR}, "body": None},
]


@pytest.mark.parametrize(
    ("pages", "own"),
    [
        ([[]], ""),
        ([STRANGERS], ""),
        ([[*STRANGERS, comment(7), comment(8)]], "7"),
        ([STRANGERS * 20, STRANGERS, [comment(9)]], "9"),
    ],
)
@pytest.mark.parametrize("between", ["", "\n"])
def test_which_comment_is_its_own(pages: list[Any], own: str, between: str) -> None:
    assert own_comment_id(between.join(map(json.dumps, pages))) == own


class Written:
    """What the step said, and what it asked the API for."""

    def __init__(self, status: int, log: str, calls: list[str]) -> None:
        self.status, self.log, self.calls = status, log, calls


def run_step(folder: Path, pages: list[Any], may: str) -> Written:
    """The step as bash runs it, whose token may write, may read alone, or may do nothing."""
    python, gh = folder / "readiness" / "bin" / "python", folder / "bin" / "gh"
    for path, text in ((gh, GH), (python, f'#!/bin/sh\nshift\nPYTHONSAFEPATH=1 PYTHONPATH="{ROOT}" exec "{sys.executable}" "$@"\n')):
        path.parent.mkdir(parents=True)
        path.write_text(text)
        path.chmod(0o755)
    (folder / "pages").write_text("".join(map(json.dumps, pages)))
    (folder / "log").write_text("")
    environment = {
        "PATH": f"{gh.parent}:{os.environ['PATH']}",
        "RUNNER_TEMP": str(folder),
        "GITHUB_REPOSITORY": "team/app",
        "PULL_REQUEST": "12",
        "COMMENT": str(folder / "comment.md"),
        "GH_TOKEN": "t",
        "FAKE_LOG": str(folder / "log"),
        "FAKE_PAGES": str(folder / "pages"),
        "FAKE_MAY": may,
    }
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEP["run"]]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return Written(done.returncode, done.stdout + done.stderr, (folder / "log").read_text().splitlines())


@pytest.mark.parametrize(
    ("pages", "written"),
    [
        ([STRANGERS], "--method POST repos/team/app/issues/12/comments"),
        ([STRANGERS, [comment(9)]], "--method PATCH repos/team/app/issues/comments/9"),
    ],
    ids=["the first", "the next"],
)
def test_it_writes_one_comment_and_edits_it(tmp_path: Path, pages: list[Any], written: str) -> None:
    done = run_step(tmp_path, pages, "write")
    assert (done.status, done.log) == (0, "")
    assert done.calls == [
        "api --paginate repos/team/app/issues/12/comments?per_page=100",
        f"api --silent {written} --field body=@{tmp_path / 'comment.md'}",
    ]


@pytest.mark.parametrize(
    ("may", "pages", "text"),
    [
        ("nothing", [[]], "the comments of this pull request cannot be read"),
        ("read", [[]], "the token may not write to pull requests, as on those from forks"),
        ("read", [[comment(9)]], "the token may not write to pull requests, as on those from forks"),
        ("write", ["<html>"], "the comments of this pull request cannot be read"),
    ],
)
def test_a_token_that_may_not_is_one_line_and_no_failure(tmp_path: Path, may: str, pages: list[Any], text: str) -> None:
    done = run_step(tmp_path, pages, may)
    assert (done.status, done.log) == (0, f"::notice::readiness: no comment: {text}\n")


PART = "<details><summary>x</summary>\n\n" + "words " * 2000 + "\n\n</details>\n\n"


@pytest.mark.parametrize("length", [0, MAX_COMMENT_CHARACTERS - len(COMMENT_MARK) - 1])
def test_a_report_that_fits_is_whole(length: int) -> None:
    assert comment_text("x" * length, "https://github.example/r") == f"{COMMENT_MARK}\n" + "x" * length


@pytest.mark.parametrize(
    ("middle", "whole_parts"),
    [
        (PART * 20, 4),
        (PART + PART.replace("words", PART), 1),  # what is folded twice is not left open
        ("<details>\n\n" + "words " * 20_000 + "</details>\n", 0),
        ("words\n" * 20_000, 0),
        ("words " * 20_000 + "\n", 0),
    ],
    ids=["files", "nested", "one file", "lines", "a line"],
)
def test_a_long_report_keeps_the_verdict_and_the_gate(middle: str, whole_parts: int) -> None:
    text = comment_text(f"## not ready\n\n{middle}gate failed: 3 high\n", "https://github.example/r")
    assert len(text) <= MAX_COMMENT_CHARACTERS
    assert text.count("<details>") == text.count("</details>") == whole_parts
    assert text.startswith(f"{COMMENT_MARK}\n## not ready\n")
    assert text.endswith("\n\nThe rest is in [the summary of the run](https://github.example/r).\n\ngate failed: 3 high\n")
