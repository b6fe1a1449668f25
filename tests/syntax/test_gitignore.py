"""`.gitignore` patterns: what pathspec says of small ones, Git's word where that is broken, and an end to all of them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec

from readiness.syntax import gitignore, glob
from readiness.syntax.gitignore import BudgetSpentError, IgnorePatterns
from readiness.syntax.glob import WorkBudget
from tests.effort import effort

PLENTY = 10**7


def ours(lines: list[str], path: str) -> bool:
    return IgnorePatterns(lines).is_ignored(path, WorkBudget(PLENTY))


def theirs(lines: list[str], path: str) -> bool:
    """What pathspec says; its `[!a]` takes a slash too, which Git's does not."""
    spec = GitIgnoreSpec.from_lines(lines)
    for pattern in spec.patterns:
        if pattern.regex is not None:
            pattern.regex = re.compile(pattern.regex.pattern.replace("[^ab]", "[^ab/]"))
    return bool(spec.match_file(path))


NAMES = st.sampled_from(["a", "b", "ab", "aa", "ba", "a.b", "c"])
PIECES = st.sampled_from(
    [
        "a",
        "b",
        "*",
        "**",
        "***",
        "?",
        "[ab]",
        "[!ab]",
        "[^ab]",
        ".",
        "\\*",
        "\\a",
        "ab",
        "a.b",
        "[a-c]",
    ]
)
PARTS = st.one_of(st.just("**"), st.just("*"), NAMES, st.lists(PIECES, min_size=1, max_size=3).map("".join))
LINES = st.builds(
    lambda bang, top, parts, folder: bang + top + "/".join(parts) + folder,
    st.sampled_from(["", "", "!"]), st.sampled_from(["", "", "/"]),
    st.lists(PARTS, min_size=1, max_size=4), st.sampled_from(["", "", "/"]),
)  # fmt: skip
PATHS = st.builds(
    lambda parts, folder: "/".join(parts) + folder,
    st.lists(NAMES, min_size=1, max_size=5), st.sampled_from(["", "/"]),
)  # fmt: skip


@settings(max_examples=1500, deadline=None)
@given(st.lists(LINES, min_size=1, max_size=4), PATHS)
def test_agrees_with_pathspec(lines: list[str], path: str) -> None:
    assert ours(lines, path) is theirs(lines, path)


SAYS = {
    "a name anywhere": (["out"], {"out": True, "a/out": True, "out/b": True, "outer": False}),
    "a folder": (["out/"], {"out": False, "out/": True, "out/b": True, "a/out/b": True}),
    "at the top": (["/out"], {"out": True, "a/out": False}),
    "in a folder": (["a/out"], {"a/out": True, "b/a/out": False}),
    "taken back": (
        ["*.yaml", "!keep.yaml"],
        {"a.yaml": True, "keep.yaml": False, "a/keep.yaml": False},
    ),
    "stars between": (["a/**/b"], {"a/b": True, "a/x/y/b": True, "a/xb": False}),
    "stars in front": (["**/b/c"], {"b/c": True, "a/b/c": True}),
    "stars behind": (["a/**"], {"a": False, "a/": True, "a/b/c": True}),
    "comment and blanks": (["# a", "", "   ", "b  "], {"# a": False, "b": True}),
    "escaped": (["\\#a", "\\!b", "c\\ "], {"#a": True, "!b": True, "c ": True, "c": False}),
    "star takes no slash": (["a*c"], {"abc": True, "a/c": False}),
    "set takes no slash": (["a[!b]c"], {"axc": True, "abc": False, "a/c": False}),
    "set with a bracket": (["[]a]b"], {"]b": True, "ab": True}),
    "a range turned around": (["[z-a]", "b"], {"m": False, "b": True}),
    "broken lines alone are left out": (["[a", "b\\", "c"], {"c": True, "[a": False, "b": False}),
    "everything": (["*"], {"a": True, "a/b": True}),
    "nothing": (["/", "//", "!", "a//b"], {"a": False, "a/b": False}),
}


@pytest.mark.parametrize(("lines", "paths"), SAYS.values(), ids=SAYS)
def test_patterns(lines: list[str], paths: dict[str, bool]) -> None:
    assert {path: ours(lines, path) for path in paths} == paths


@pytest.mark.parametrize("lines", [lines for lines, _ in SAYS.values()], ids=SAYS)
def test_git_says_the_same_of_files(tmp_path: Path, lines: list[str]) -> None:
    """Of files only: Git does not look into a folder that it leaves out, and asks by what is on the disk."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("\n".join(lines) + "\n", encoding="utf-8")
    paths = [
        "out",
        "a/out",
        "a.yaml",
        "keep.yaml",
        "a/b",
        "a/x/y/b",
        "b/c",
        "axc",
        "abc",
        "]b",
        "ab",
        "c",
        "m",
        "#a",
        "!b",
    ]
    done = subprocess.run(
        ["git", "-C", str(tmp_path), "check-ignore", "--no-index", "--stdin"],
        input="\n".join(paths) + "\n", capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = {line.strip('"') for line in done.stdout.splitlines()}
    assert {path for path in paths if ours(lines, path)} == said


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("*a" * 40 + "b", "a" * 200),
        ("*a" * 500 + "b", "a" * 255),
        ("**/" * 300 + "b", "a/" * 60 + "c"),
        ("**/a/" * 60 + "b", "a/" * 60 + "c"),
        ("*?" * 120 + "b", "a" * 250),
        ("[ab]*" * 100 + "c", "ab" * 120),
        ("a" * 100_000, "a" * 255),
        ("?" * 4000, "a" * 255),
    ],
)  # fmt: skip
def test_hostile_lines_come_to_an_end(line: str, name: str) -> None:
    def judge() -> None:
        assert ours([line], name) is False

    assert effort(judge) < 1_000_000


def test_the_work_is_bounded() -> None:
    lines = [f"x{n}*y{n}*z" for n in range(5000)]
    with pytest.raises(BudgetSpentError):
        IgnorePatterns(lines).is_ignored("x1y1z" * 20, WorkBudget(100_000))


def test_names_cost_nothing() -> None:
    """A file of thousands of names is looked up, not gone through."""
    names = IgnorePatterns([f"name-{n}/" for n in range(50_000)])
    assert effort(lambda: names.is_ignored("a/b/name-7/c", WorkBudget(10))) < 200


@pytest.mark.parametrize(
    ("pattern", "text", "holds"),
    [
        ("*", "a/b", True), ("a*", "a/b", True), ("[!a]", "b", True), ("[a]", "[a]", False), ("a", "A", False),
        ("*.yaml", "a.yaml\n", False), ("?" * 5000, "a" * 5000, False), ("*" * 5000, "a", False),
    ],
)  # fmt: skip
def test_globs(pattern: str, text: str, holds: bool) -> None:
    assert glob.glob_matches(pattern, text) is holds


def test_a_glob_never_runs_away() -> None:
    """Counted by the engine of the tests: `re` does the same inside of C."""
    import fnmatch

    from readiness.syntax import regex
    from tests.backtracker import steps

    for pattern, text in (("*a" * 12 + "b", "a" * 60), ("*[ab]?" * 8 + "c", "ab" * 30)):
        root = regex.parse_python_regex(fnmatch.translate(pattern))
        assert steps(root, text, everywhere=False, again=False, most=100_000) < 20_000


def test_lines_that_mean_nothing_make_no_pattern() -> None:
    assert list(gitignore.parse_ignore_patterns(["", "#", "/", "!", "[", "a\\", "   "])) == []
