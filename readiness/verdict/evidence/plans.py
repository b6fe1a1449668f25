"""Plans and descriptions that are files by themselves, known by their names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from readiness.model import Source, Span

_PROSE_FILENAME_PATTERN = r"[^/]{0,80}\.(?:md|rst|adoc|txt|org|html)\Z"
_PATH_PATTERN_BY_FACT = (
    ("recovery-plan", rf"(?:^|[/_-])disaster[-_]?recovery{_PROSE_FILENAME_PATTERN}"),
    ("runbook", rf"(?:^|/)run-?books?/(?:[^/]{{1,80}}/){{0,3}}{_PROSE_FILENAME_PATTERN}|(?:^|[/_-])run-?books?{_PROSE_FILENAME_PATTERN}"),
    ("incident-plan", rf"(?:^|[/_-])incident[-_]?(?:response|plan|handling|management){_PROSE_FILENAME_PATTERN}"),
    ("troubleshooting", rf"(?:^|[/_-])troubleshooting{_PROSE_FILENAME_PATTERN}"),
    ("api-description", r"(?:^|[/_.-])(?:openapi|swagger)[^/]{0,40}\.(?:ya?ml|json)\Z"),
)  # fmt: skip


_REQUIRED_SUBSTRINGS = ("disaster", "book", "incident", "troubleshooting", "openapi", "swagger")


def plan_facts(paths: Iterable[str]) -> Iterator[tuple[str, Source, Span]]:
    """The facts that files such as runbooks and incident plans show by their paths alone."""
    for path in sorted(paths):
        low = path.lower()[-300:]
        if any(word in low for word in _REQUIRED_SUBSTRINGS):
            for name, pattern in _PATH_PATTERN_BY_FACT:
                if re.search(pattern, low):
                    yield name, Source(path, ""), Span(0, 0)
