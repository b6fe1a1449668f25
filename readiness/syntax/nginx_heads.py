"""What the statements of a text begin with, as nginx would split it: for telling nginx's files from others, broken ones too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from readiness.model.lazy_regex import lazy_regex

# As in `nginx`, with one token more where that gives up: a quote that nothing ends ends the reading.
_NGINX_TOKEN_PATTERN = lazy_regex(
    r"""[ \t\r\n]*+(?:
      (\#[^\n]*+)
    | ([;{}])
    | "((?:[^"\\]++|\\[\s\S])*+)"
    | '((?:[^'\\]++|\\[\s\S])*+)'
    | ((?:\\[\s\S]|\$\{*+|[^ \t\r\n;{}\#"'\\$])(?:[^ \t\r\n;{\\$]++|\\[\s\S]|\$\{*+)*+)
    )""",
    re.VERBOSE,
)
_PUNCTUATION_GROUP, _WORD_GROUP = 2, 5
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
    open_block_names: list[str] = []
    statement_words: list[str] = []
    statement_start = last_word_end = offset = 0
    while (match := _NGINX_TOKEN_PATTERN.match(text, offset)) is not None:
        token_group = match.lastindex or 0
        offset = match.end()
        if token_group == _PUNCTUATION_GROUP:
            punctuation = match[2]
            if statement_words:
                yield from _statement_head(statement_words, punctuation, text, statement_start, last_word_end, open_block_names)
            if punctuation == "{" and statement_words:
                open_block_names.append(statement_words[0])
            elif punctuation == "}" and open_block_names:
                open_block_names.pop()
            statement_words = []
        elif token_group > 1:
            if not statement_words:
                statement_start = match.start(token_group)
            statement_words.append(match[token_group])
            last_word_end = offset
    if statement_words:
        yield from _statement_head(statement_words, "", text, statement_start, last_word_end, open_block_names)


def _statement_head(
    words: list[str], terminator: str, text: str, statement_start: int, last_word_end: int, open_block_names: list[str]
) -> Iterator[StatementHead]:
    block_name = open_block_names[-1] if open_block_names else ""
    if block_name not in DATA_BLOCK_NAMES and not block_name.endswith("_by_lua_block"):
        first_word, second_word = (*words[:2], "", "")[:2]
        yield StatementHead(first_word, second_word, len(words), terminator, "\n" in text[statement_start:last_word_end], block_name)
