"""Markdown: the fenced blocks of a document, at their true lines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass

_MARKDOWN_LINE = lazy_regex(r"^ {0,3}(?:#{1,6} |(?:```|~~~)|[-*] |\d+[.)] |---\s*$)", re.MULTILINE)
_FENCE_LINE = lazy_regex(r"^[ >\t]*(?:```|~~~)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class FencedBlock:
    """A fenced block: the language it names, its text, and where each of its lines begins in the document."""

    language: str
    text: str
    line_offsets: tuple[int, ...]


def is_markdown(path: str, text: str) -> bool:
    """Whether a text is Markdown with fenced blocks: by its ending, else by headings and an even number of fenced."""
    if not _FENCE_LINE.search(text):
        return False
    if path.lower().endswith((".md", ".markdown", ".mdx", ".mdown")):
        return True
    if path.rpartition("/")[2] in ("PKG-INFO", "METADATA"):
        return False  # the README once more, in the metadata of a Python package
    return len(_FENCE_LINE.findall(text)) >= 2 and len(_MARKDOWN_LINE.findall(text)) >= 3 and "\n#" in f"\n{text}"


def fenced_blocks(text: str, line_offsets: list[int]) -> Iterator[FencedBlock]:
    """The fenced blocks of a document whose lines begin at `line_offsets`."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"maxNesting": 40}).disable(["inline", "text_join", "reference"], ignoreInvalid=True)
    for token in parser.parse(text.replace("\0", "\ufffd")):
        if token.type != "fence" or not token.map:
            continue
        first_content_line = token.map[0] + 1
        content_lines = token.content.split("\n")[:-1] if token.content.endswith("\n") else token.content.split("\n")
        content_line_offsets = []
        for line_number, line in enumerate(content_lines, start=first_content_line):
            line_start = line_offsets[line_number] if line_number < len(line_offsets) else len(text)
            line_end = line_offsets[line_number + 1] if line_number + 1 < len(line_offsets) else len(text)
            source_line = text[line_start:line_end].rstrip("\r\n")
            content_line_offsets.append(line_start + len(source_line) - len(line) if source_line.endswith(line) else line_start)
        content_line_offsets.append(content_line_offsets[-1] + len(content_lines[-1]) + 1 if content_line_offsets else 0)
        yield FencedBlock(
            token.info.split()[0].strip("{}.").lower() if token.info.strip() else "",
            token.content,
            tuple(content_line_offsets),
        )
