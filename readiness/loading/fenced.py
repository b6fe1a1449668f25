"""The fenced blocks of a Markdown document as sources, each under the name that its language or first line gives."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.model import Source, line_starts
from readiness.model.lazy_regex import lazy_regex


def fenced_block_sources(markdown_source: Source) -> Iterator[tuple[Source, str]]:
    """(nested source, language) of every fenced block of a document; the first line may name the block's file."""
    from readiness.syntax.markdown import fenced_blocks as fenced

    for block_number, block in enumerate(fenced(markdown_source.text, line_starts(markdown_source.text)), start=1):
        file_name = filename_in_first_line(block.text) or FILENAME_BY_LANGUAGE.get(block.language, "")
        yield (
            Source(
                f"{markdown_source.path}#{block_number}/{file_name}",
                block.text,
                parent=markdown_source,
                line_starts_in_parent=block.line_offsets,
            ),
            block.language,
        )


FILENAME_BY_LANGUAGE = {
    "yaml": "block.yaml",
    "yml": "block.yaml",
    "json": "block.json",
    "dockerfile": "Dockerfile",
    "docker": "Dockerfile",
    "containerfile": "Dockerfile",
    "nginx": "nginx.conf",
    "nginxconf": "nginx.conf",
    "conf": "nginx.conf",
    "": "block",
}


_FILENAME_COMMENT = lazy_regex(r"\A\s*(?:#|//)\s*(?:file(?:name)?:\s*)?([\w./-]+)\s*$", re.MULTILINE)


def filename_in_first_line(block_text: str) -> str:
    """The file name in a first-line comment, as prose often gives it (`# docker-compose.prod.yml`)."""
    filename_match = _FILENAME_COMMENT.match(block_text[:300])
    file_name = filename_match.group(1) if filename_match else ""
    return file_name if "." in file_name or file_name.lower().startswith("dockerfile") else ""
