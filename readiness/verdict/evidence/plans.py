"""Plans and descriptions that are files by themselves, known by their names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from readiness.model import Source, Span

_PROSE_FILENAME_PATTERN = r"[^/]{0,80}\.(?:md|rst|adoc|txt|org|html)\Z"
_FACTS_AND_PATH_PATTERNS = (
    ("recovery-plan", rf"(?:^|[/_-])disaster[-_]?recovery{_PROSE_FILENAME_PATTERN}"),
    ("runbook", rf"(?:^|/)run-?books?/(?:[^/]{{1,80}}/){{0,3}}{_PROSE_FILENAME_PATTERN}|(?:^|[/_-])run-?books?{_PROSE_FILENAME_PATTERN}"),
    ("incident-plan", rf"(?:^|[/_-])incident[-_]?(?:response|plan|handling|management){_PROSE_FILENAME_PATTERN}"),
    ("troubleshooting", rf"(?:^|[/_-])troubleshooting{_PROSE_FILENAME_PATTERN}"),
    ("api-description", r"(?:^|[/_.-])(?:openapi|swagger)[^/]{0,40}\.(?:ya?ml|json)\Z"),
)  # fmt: skip


_POSSIBLE_PATH_SUBSTRINGS = ("disaster", "book", "incident", "troubleshooting", "openapi", "swagger")


def plan_facts(paths: Iterable[str]) -> Iterator[tuple[str, Source, Span]]:
    """The facts that files such as runbooks and incident plans show by their paths alone."""
    for path in sorted(paths):
        lower_case_path = path.lower()[-300:]
        if any(word in lower_case_path for word in _POSSIBLE_PATH_SUBSTRINGS):
            for fact_name, path_pattern in _FACTS_AND_PATH_PATTERNS:
                if re.search(path_pattern, lower_case_path):
                    yield fact_name, Source(path, ""), Span(0, 0)
