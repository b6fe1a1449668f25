"""The outline of a text in flow form (JSON, `{a: b}`): its outermost keys, also where the text is broken further on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

# What may stand between the beginning of a document and the brace or the bracket that its root begins with.
_BEFORE_ROOT = re.compile(r"(?:[ \t\r\n]++|\#[^\n]*+|%[^\n]*+)*+(?=[{\[])")
_TOKEN = re.compile(
    r"""[ \t\r\n]*+(?:(\#[^\n]*+) | ([{}\[\],:]) | ("(?:[^"\\]++|\\[\s\S])*+") | ('[^']*+')
    | ([^ \t\r\n{}\[\],:"'][^\r\n{}\[\],:]*+) | (["']))""",
    re.VERBOSE,
)
# Keys that a pattern over the text does not see: with escapes, a tag, an anchor, or behind a question mark.
ODD_KEY = re.compile(r'"(?=[^"\n]*\\[xuU])[^"\n]*+"[ \t]*+:|^[ \t]*+[?!&]', re.MULTILINE)
_MARK_GROUP, _DOUBLE_QUOTED_GROUP, _SINGLE_QUOTED_GROUP, _PLAIN_GROUP = 2, 3, 4, 5


def top_level_keys(text: str) -> frozenset[str]:
    """The outermost keys of the documents that begin with a brace or a bracket; none where no document does."""
    roots = [
        (start, root.end())
        for start, inside in _document_starts(text)
        if (root := _BEFORE_ROOT.match(text, inside)) is not None
    ]
    ends = [*(start for start, _ in roots[1:]), len(text)]
    return frozenset(
        name for (_, root), end in zip(roots, ends, strict=False) for name in _mapping_keys(text, root, end) if name
    )


def _document_starts(text: str) -> Iterator[tuple[int, int]]:
    """Where each document begins: its separator or the text, and what follows that."""
    yield 0, int(text.startswith("\ufeff"))
    at = 0 if text.startswith("---") else text.find("\n---") + 1
    while text.startswith("---", at):
        if text[at + 3 : at + 4] in {" ", "\t", "\r", "\n"}:
            yield at, at + 3
        at = text.find("\n---", at) + 1 or len(text)


def _mapping_keys(text: str, offset: int, end: int) -> Iterator[str]:
    """The keys of the outermost mapping that begins at `offset`, or of those in the list that does.

    They are looked for as far as `end`, where the next document begins: so none is read twice, closed or not.
    """
    depth = maps = 0
    name, is_key = "", False
    while (match := _TOKEN.match(text, offset, end)) is not None:
        group, offset = match.lastindex or 0, match.end()
        if group == _MARK_GROUP:
            mark = match[2]
            if mark == ":" and is_key and maps == 1:
                yield name
            depth += (mark in "{[") - (mark in "}]")
            maps += (mark == "{") - (mark == "}")
            is_key = mark in "{,"
            if depth <= 0:
                return
        elif group in {_DOUBLE_QUOTED_GROUP, _SINGLE_QUOTED_GROUP, _PLAIN_GROUP}:
            name = _unquoted_key(match[group].strip()) if is_key and maps == 1 else ""


def _unquoted_key(written: str) -> str:
    """A key without its quotes; escapes as JSON has them."""
    if written[:1] == '"' and "\\" in written:
        try:
            return str(json.loads(written))
        except ValueError:
            return ""
    return written.strip("\"'")
