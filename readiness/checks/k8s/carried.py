"""Configuration that a ConfigMap carries as a value."""

from __future__ import annotations

import re

from readiness import kinds
from readiness.kinds import nginx
from readiness.kinds.k8s.model import Object
from readiness.model import NotApplicable, Outcome, ParseError, Source, Span, Unknown, hit
from readiness.syntax.yaml import Map, literal_line_starts

_CONF = re.compile(r"\.conf(?:\.template)?\Z")


def config_map_nginx_broken(obj: Object) -> Outcome:
    """An nginx configuration in a ConfigMap that nginx cannot read."""
    data = obj.node.get("data")
    carried = data if obj.kind == "ConfigMap" and isinstance(data, Map) else Map(Span(0, 0))
    files = [
        (key, text)
        for key, text in carried.items()
        if isinstance(text, str) and "\n" in text and _CONF.search(key) and nginx.claims(key, text)
    ]
    if not files:
        yield NotApplicable()
    for key, text in files:
        place = carried.at(key)
        try:
            nginx.parse(Source(key, text))
        except ParseError as error:
            if kinds.mark_that_stops(Source(key, text, kind=nginx.NAME), error) is not None:
                yield Unknown(place)
                continue
            starts = literal_line_starts(obj.source.text, place, text)
            inner = Source(key, text, parent=obj.source, starts=starts) if starts else None
            at = inner.to_root(_line_start(text, error.offset)) if inner else place.start
            yield hit(Span(at, place.end), key=key, reason=error.message)


def _line_start(text: str, offset: int) -> int:
    """Where the words of the line begin that holds `offset`, or of the last line where it lies behind them."""
    start = text.rfind("\n", 0, min(offset, len(text.rstrip()))) + 1
    while text[start : start + 1] in {" ", "\t"}:
        start += 1
    return start
