"""The outline of a text in flow form (JSON, `{a: b}`): its outermost keys, also where the text is broken further on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from readiness.model.lazy_regex import lazy_regex

# What may stand between the beginning of a document and the brace or the bracket that its root begins with.
_TEXT_BEFORE_ROOT = lazy_regex(r"(?:[ \t\r\n]++|\#[^\n]*+|%[^\n]*+)*+(?=[{\[])")
_FLOW_TOKEN = lazy_regex(
    r"""[ \t\r\n]*+(?:(\#[^\n]*+) | ([{}\[\],:]) | ("(?:[^"\\]++|\\[\s\S])*+") | ('[^']*+')
    | ([^ \t\r\n{}\[\],:"'][^\r\n{}\[\],:]*+) | (["']))""",
    re.VERBOSE,
)
# Keys that a pattern over the text does not see: with escapes, a tag, an anchor, or behind a question mark.
UNUSUAL_KEY_PATTERN = lazy_regex(r'"(?=[^"\n]*\\[xuU])[^"\n]*+"[ \t]*+:|^[ \t]*+[?!&]', re.MULTILINE)
_PUNCTUATION_GROUP, _DOUBLE_QUOTED_GROUP, _SINGLE_QUOTED_GROUP, _PLAIN_GROUP = 2, 3, 4, 5


def top_level_keys(text: str) -> frozenset[str]:
    """The outermost keys of the documents that begin with a brace or a bracket; none where no document does."""
    document_and_root_offsets = [
        (document_start, root_offset.end())
        for document_start, content_start in _document_starts(text)
        if (root_offset := _TEXT_BEFORE_ROOT.match(text, content_start)) is not None
    ]
    document_ends = [*(document_start for document_start, _ in document_and_root_offsets[1:]), len(text)]
    return frozenset(
        name
        for (_, root_offset), document_end in zip(document_and_root_offsets, document_ends, strict=False)
        for name in _mapping_keys(text, root_offset, document_end)
        if name
    )


def _document_starts(text: str) -> Iterator[tuple[int, int]]:
    """Where each document begins: its separator or the text, and what follows that."""
    yield 0, int(text.startswith("\ufeff"))
    separator_offset = 0 if text.startswith("---") else text.find("\n---") + 1
    while text.startswith("---", separator_offset):
        if text[separator_offset + 3 : separator_offset + 4] in {" ", "\t", "\r", "\n"}:
            yield separator_offset, separator_offset + 3
        separator_offset = text.find("\n---", separator_offset) + 1 or len(text)


def _mapping_keys(text: str, offset: int, document_end: int) -> Iterator[str]:
    """The keys of the outermost mapping that begins at `offset`, or of those in the list that does.

    They are looked for as far as `document_end`, where the next document begins: so none is read twice, closed or not.
    """
    bracket_depth = mapping_depth = 0
    key_text, is_key_position = "", False
    while (match := _FLOW_TOKEN.match(text, offset, document_end)) is not None:
        token_group, offset = match.lastindex or 0, match.end()
        if token_group == _PUNCTUATION_GROUP:
            punctuation = match[2]
            if punctuation == ":" and is_key_position and mapping_depth == 1:
                yield key_text
            bracket_depth += (punctuation in "{[") - (punctuation in "}]")
            mapping_depth += (punctuation == "{") - (punctuation == "}")
            is_key_position = punctuation in "{,"
            if bracket_depth <= 0:
                return
        elif token_group in {_DOUBLE_QUOTED_GROUP, _SINGLE_QUOTED_GROUP, _PLAIN_GROUP}:
            key_text = _unquoted_key(match[token_group].strip()) if is_key_position and mapping_depth == 1 else ""


def _unquoted_key(key_as_written: str) -> str:
    """A key without its quotes; escapes as JSON has them."""
    if key_as_written[:1] == '"' and "\\" in key_as_written:
        try:
            return str(json.loads(key_as_written))
        except ValueError:
            return ""
    return key_as_written.strip("\"'")
