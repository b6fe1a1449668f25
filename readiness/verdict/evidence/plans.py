"""Plans and descriptions that are files by themselves, known by their names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from readiness.model import Source, Span

_TEXT = r"[^/]{0,80}\.(?:md|rst|adoc|txt|org|html)\Z"
_PLANS = (
    ("recovery-plan", rf"(?:^|[/_-])disaster[-_]?recovery{_TEXT}"),
    ("runbook", rf"(?:^|/)run-?books?/(?:[^/]{{1,80}}/){{0,3}}{_TEXT}|(?:^|[/_-])run-?books?{_TEXT}"),
    ("incident-plan", rf"(?:^|[/_-])incident[-_]?(?:response|plan|handling|management){_TEXT}"),
    ("troubleshooting", rf"(?:^|[/_-])troubleshooting{_TEXT}"),
    ("api-description", r"(?:^|[/_.-])(?:openapi|swagger)[^/]{0,40}\.(?:ya?ml|json)\Z"),
)  # fmt: skip


_WORDS = ("disaster", "book", "incident", "troubleshooting", "openapi", "swagger")


def plan_facts(paths: Iterable[str]) -> Iterator[tuple[str, Source, Span]]:
    """The facts that files such as runbooks and incident plans show by their paths alone."""
    for path in sorted(paths):
        low = path.lower()[-300:]
        if any(word in low for word in _WORDS):
            for name, pattern in _PLANS:
                if re.search(pattern, low):
                    yield name, Source(path, ""), Span(0, 0)
