from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.kinds import dockerignore
from readiness.model import ParseError, Source
from tests.effort import effort


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("node_modules", "node_modules/a/b.js", True),
        ("node_modules", "src/node_modules", False),
        ("**/node_modules", "src/node_modules/x", True),
        ("/a/", "./a", True),
        ("*.md\n!README.md", "README.md", False),
        ("*.md\n!README.md", "b.md", True),
        ("!a\na", "a", True),
        ("*", ".", True),
        ("*\n!src", ".", False),
        ("**\n!src/keep", "src", False),
        ("a/*/c", "a/b/c", True),
        ("# a\n", "a", False),
        ("a?c", "abc", True),
        ("[^a].txt", "b.txt", True),
        ("[^a].txt", "a.txt", False),
        ("a\\*b", "a*b", True),
        ("a\\*b", "axb", False),
        ("\ufeffa", "a", True),
        (".", "a", False),
        ("", "a", False),
    ],
)
def test_ignores(text: str, path: str, expected: bool) -> None:
    document = dockerignore.parse(Source(".dockerignore", text))
    assert document.ignores(path) is expected


@given(st.text(alphabet="ab*/!.?[]#\n ", max_size=80), st.text(alphabet="ab/.*", max_size=30))
def test_any_text(text: str, path: str) -> None:
    document = dockerignore.parse(Source(".dockerignore", text))
    assert document.ignores(path) in {True, False}
    for pattern in document.patterns:
        assert text[pattern.span.start : pattern.span.end].strip()


def test_hostile_patterns_come_to_an_end() -> None:
    text = "\n".join(f"**/*a*a*b{n}/**/*a*c" for n in range(500))
    document = dockerignore.parse(Source(".dockerignore", text))
    path = "/".join(["a" * 60] * 40)
    document.matching_budget.left = 30_000
    assert effort(lambda: document.ignores(path)) < 1_000_000
    assert document.ignores(path) is None
    assert document.ignores("b") is None, "what is spent is spent"


def test_more_patterns_than_anybody_writes_are_no_file() -> None:
    text = "\n".join(f"a{n}" for n in range(dockerignore.MAX_PATTERNS_PER_FILE + 1))
    with pytest.raises(ParseError, match=f"more than {dockerignore.MAX_PATTERNS_PER_FILE:,} patterns"):
        dockerignore.parse(Source(".dockerignore", text))
