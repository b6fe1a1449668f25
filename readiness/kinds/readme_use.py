"""Where a README has people start its compose file: in sections about developing and trying alone, or elsewhere too."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.facts.compose_names import DEFAULT_COMPOSE_NAMES
from readiness.model.lazy_regex import lazy_regex

_MAX_READ_LINES = 4000
_HEADING_LINE = lazy_regex(r"(?P<marks>#{1,6}|={1,6})[ \t]{1,8}(?P<title>[^\n]{1,200})")
_FENCE_LINE = lazy_regex(r"[ \t]{0,12}(?:```|~~~)")
_COMPOSE_START = lazy_regex(r"\b(?:docker[- ]|podman[- ])compose[ \t](?P<options>[^\n`;&|]{0,120}?)\b(?:up|run|start)\b", re.IGNORECASE)
_NAMED_COMPOSE_FILE = lazy_regex(r"(?:^|[ \t])(?:-f|--file)(?:=|[ \t]+)(?P<path>[^ \t]{1,120})")
_DEVELOPMENT_TITLE = lazy_regex(
    r"\b(?:develop(?:ing|ment|ers?)?|contribut(?:e|ing|ors?|ions?)|local(?:ly)?|hacking|debug(?:ging)?|tests?|testing)\b", re.IGNORECASE
)


def is_started_for_development_alone(readme_text: str) -> bool:
    """Whether every place of a README that starts the compose file beside it stands below a heading about development, tests or one's own machine.

    The title of the document is no such heading: it names the product. A README that starts nothing says nothing.
    """
    titles = list(_titles_above_starts(readme_text))
    return bool(titles) and all(_DEVELOPMENT_TITLE.search(one) for one in titles)


def _titles_above_starts(readme_text: str) -> Iterator[str]:
    """For each command that starts the default compose file: the headings that it stands below, but for the document's title."""
    open_headings: list[tuple[int, str]] = []
    is_fenced = False
    for line in readme_text.split("\n", _MAX_READ_LINES)[:_MAX_READ_LINES]:
        if _FENCE_LINE.match(line):
            is_fenced = not is_fenced
        heading = None if is_fenced else _HEADING_LINE.match(line)
        if heading:
            level = len(heading["marks"])
            open_headings = [one for one in open_headings if one[0] < level] + [(level, heading["title"])]
        for start in _COMPOSE_START.finditer(line[:1000]):
            named_files = {one["path"].removeprefix("./") for one in _NAMED_COMPOSE_FILE.finditer(start["options"])}
            if not named_files or named_files & DEFAULT_COMPOSE_NAMES:
                yield " / ".join(title for level, title in open_headings if level > 1)
