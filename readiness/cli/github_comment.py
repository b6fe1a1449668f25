"""The comment that the Action writes on a pull request: its text, and which of the comments there is its own.

https://docs.github.com/en/rest/issues/comments
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from readiness.model.lazy_regex import lazy_regex

COMMENT_MARK = "<!-- readiness -->"
"""What a comment begins with, so that the next run finds it."""
COMMENT_AUTHOR = "github-actions[bot]"
"""Who writes with the token of a job. A comment of somebody else that begins with the mark is not edited."""
MAX_COMMENT_CHARACTERS = 60_000
"""Of a comment, of which GitHub refuses more than 65,536 characters."""
_MAX_GATE_CHARACTERS = 2_000  # of the gate's line, which names what the settings changed
_FOLDED_PART = lazy_regex(r"<details>|</details>\n")


def main() -> None:
    """Write the id of the Action's own comment, of the pages of comments that standard input holds; nothing where there is none.

    Ends with 1 where they are no comments.
    """
    try:
        sys.stdout.write(own_comment_id(sys.stdin.read()))
    except ValueError:
        sys.exit(1)


def comment_text(markdown: str, address: str) -> str:
    """The report as a comment. Of a longer one the verdict, what to fix first, the files that fit and the gate, with where the rest is."""
    text = f"{COMMENT_MARK}\n{markdown}"
    if len(text) <= MAX_COMMENT_CHARACTERS:
        return text
    gate_line = text.rstrip("\n").rpartition("\n")[2]
    where = f"[the summary of the run]({address})" if address else "the summary of the run"
    ending = f"\n\nThe rest is in {where}.\n\n{gate_line[:_MAX_GATE_CHARACTERS]}\n"
    return text[: _end_of_what_fits(text, MAX_COMMENT_CHARACTERS - len(ending))].rstrip("\n") + ending


def _end_of_what_fits(text: str, max_length: int) -> int:
    """Where a text of at most this length ends: behind a part to unfold or before the first, so that none is left open; else behind a line."""
    depth, end = 0, 0
    for match in _FOLDED_PART.finditer(text, 0, max_length):
        if match[0] == "<details>":
            end = end or match.start()
            depth += 1
        else:
            depth -= 1
            end = match.end() if depth == 0 else end
    return end or text.rfind("\n", 0, max_length) + 1


def own_comment_id(pages_text: str) -> str:
    """The id of the first comment that the Action wrote, of pages of GitHub's API one behind the other; empty where there is none."""
    for comment in _comments(pages_text):
        user, body, number = comment.get("user"), comment.get("body"), comment.get("id")
        is_own = isinstance(user, dict) and user.get("login") == COMMENT_AUTHOR and isinstance(body, str) and body.startswith(COMMENT_MARK)
        if is_own and isinstance(number, int):
            return str(number)
    return ""


def _comments(pages_text: str) -> Iterator[dict[str, Any]]:
    """The comments of pages, each a JSON list; raises ValueError for what is none."""
    decoder, position = json.JSONDecoder(), 0
    while remaining := pages_text[position:].lstrip():
        position = len(pages_text) - len(remaining)
        page, position = decoder.raw_decode(pages_text, position)
        if not isinstance(page, list):
            raise ValueError("a page of comments is no list")
        yield from (one for one in page if isinstance(one, dict))


if __name__ == "__main__":
    main()
