"""Fenced blocks of a document: found as CommonMark has them, each line at its true place."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.model import Source, line_starts
from readiness.syntax.markdown import FencedBlock, fenced_blocks, is_markdown


def found(text: str) -> list[FencedBlock]:
    return list(fenced_blocks(text, line_starts(text)))


CASES = {
    "plain": ("# A\n\n```yaml\na: 1\nb: 2\n```\n", "yaml", "a: 1\nb: 2\n", [(4, 1), (5, 1)]),
    "tildes": ("~~~ nginx\nserver {}\n~~~\n", "nginx", "server {}\n", [(2, 1)]),
    "in a list": (
        "1. x\n\n   ```yaml\n   a:\n     b: 1\n   ```\n",
        "yaml",
        "a:\n  b: 1\n",
        [(4, 4), (5, 4)],
    ),
    "in a quote": ("> ```\n> FROM x\n> ```\n", "", "FROM x\n", [(2, 3)]),
    "with attributes": ("```{.yaml #id}\na: 1\n```\n", "yaml", "a: 1\n", [(2, 1)]),
    "crlf": ("```yaml\r\na: 1\r\n```\r\n", "yaml", "a: 1\n", [(2, 1)]),
    "unclosed": ("```yaml\na: 1\n", "yaml", "a: 1\n", [(2, 1)]),
    "empty": ("```yaml\n```\n", "yaml", "", []),
}


@pytest.mark.parametrize(("text", "language", "inner", "places"), CASES.values(), ids=CASES)
def test_blocks(text: str, language: str, inner: str, places: list[tuple[int, int]]) -> None:
    (block,) = found(text)
    assert (block.language, block.text) == (language, inner)
    document = Source("a.md", text)
    nested = Source("a.md#1", block.text, parent=document, line_starts_in_parent=block.line_offsets)
    offsets = line_starts(block.text)[: len(places)]
    assert [tuple(nested.position_of(at)) for at in offsets] == places


LOOKS = {
    "ending": ("a.md", "```\nx\n```\n", True),
    "ending without a block": ("a.md", "# A\n", False),
    "content": ("a.txt", "# A\n\nWords.\n\n## B\n\n```yaml\na: 1\n```\n", True),
    "a text with one fence": ("a.txt", "```\n", False),
    "a script": ("a.txt", "echo '```'\n# a comment\n", False),
}


@pytest.mark.parametrize(("path", "text", "yes"), LOOKS.values(), ids=LOOKS)
def test_what_a_document_looks_like(path: str, text: str, yes: bool) -> None:
    assert is_markdown(path, text) is yes


lines = st.lists(
    st.sampled_from(
        [
            "```",
            "```yaml",
            "~~~",
            "a: 1",
            "  b: [",
            "> ```",
            "> x",
            "- ```",
            "  ```",
            "",
            "# h",
            "\x00",
            "\tz",
        ]
    ),
    max_size=14,
)


@given(lines, st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=300, deadline=None)
def test_every_line_of_a_block_stands_where_it_says(parts: list[str], end: str) -> None:
    text = end.join(parts)
    for block in found(text):
        inner = block.text.split("\n")
        for line, start in zip(inner[:-1] or inner, block.line_offsets, strict=False):
            assert 0 <= start <= len(text)
            if line and "\ufffd" not in line and "\t" not in text:  # tabs become blanks
                assert text[start : start + len(line)] == line
