"""What the statements of a text begin with, as nginx would split it: for telling nginx's files from others, broken ones too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

# As in `nginx`, with one token more where that gives up: a quote that nothing ends ends the reading.
_TOKEN = re.compile(
    r"""[ \t\r\n]*+(?:
      (\#[^\n]*+)
    | ([;{}])
    | "((?:[^"\\]++|\\[\s\S])*+)"
    | '((?:[^'\\]++|\\[\s\S])*+)'
    | ((?:\\[\s\S]|\$\{*+|[^ \t\r\n;{}\#"'\\$])(?:[^ \t\r\n;{\\$]++|\\[\s\S]|\$\{*+)*+)
    )""",
    re.VERBOSE,
)
_MARK_GROUP, _WORD_GROUP = 2, 5
DATA_BLOCK_NAMES = frozenset({"map", "geo", "types", "split_clients", "charset_map"})
"""Blocks whose lines are data."""


class StatementHead(NamedTuple):
    """One statement: its first two words and how many there are, what ends it, and the first word of the block around it.

    What ends it is `;`, `{`, `}` or, at the end of the text, nothing; `spans_lines` says whether it goes over several lines.
    """

    first_word: str
    second_word: str
    word_count: int
    terminator: str
    spans_lines: bool
    block_name: str


def statement_heads(text: str) -> Iterator[StatementHead]:
    """The statements of a text, in order; those of blocks that hold data or Lua are left out.

    A brace that nothing stands before opens no block: what follows is read as if it were not there.
    """
    blocks: list[str] = []
    words: list[str] = []
    start = last = place = 0
    while (match := _TOKEN.match(text, place)) is not None:
        group = match.lastindex or 0
        place = match.end()
        if group == _MARK_GROUP:
            mark = match[2]
            if words:
                yield from _statement_head(words, mark, text, start, last, blocks)
            if mark == "{" and words:
                blocks.append(words[0])
            elif mark == "}" and blocks:
                blocks.pop()
            words = []
        elif group > 1:
            if not words:
                start = match.start(group)
            words.append(match[group])
            last = place
    if words:
        yield from _statement_head(words, "", text, start, last, blocks)


def _statement_head(words: list[str], end: str, text: str, start: int, last: int, blocks: list[str]) -> Iterator[StatementHead]:
    block = blocks[-1] if blocks else ""
    if block not in DATA_BLOCK_NAMES and not block.endswith("_by_lua_block"):
        first, second = (*words[:2], "", "")[:2]
        yield StatementHead(first, second, len(words), end, "\n" in text[start:last], block)
