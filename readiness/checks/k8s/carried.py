"""Configuration that a ConfigMap carries as a value."""

from __future__ import annotations

import re

from readiness import kinds
from readiness.kinds import nginx
from readiness.kinds.k8s.model import Object
from readiness.model import CheckOutcome, NotApplicable, ParseError, Source, Span, Undecidable, hit
from readiness.syntax.yaml import Map, literal_line_starts

_CONF_FILENAME = re.compile(r"\.conf(?:\.template)?\Z")


def config_map_nginx_broken(obj: Object) -> CheckOutcome:
    """An nginx configuration in a ConfigMap that nginx cannot read."""
    data = obj.node.get("data")
    carried = data if obj.kind == "ConfigMap" and isinstance(data, Map) else Map(Span(0, 0))
    files = [
        (key, text)
        for key, text in carried.items()
        if isinstance(text, str) and "\n" in text and _CONF_FILENAME.search(key) and nginx.recognizes_file(key, text)
    ]
    if not files:
        yield NotApplicable()
    for key, text in files:
        place = carried.at(key)
        try:
            nginx.parse(Source(key, text))
        except ParseError as error:
            if kinds.template_mark_at_error(Source(key, text, kind=nginx.KIND_NAME), error) is not None:
                yield Undecidable(place)
                continue
            starts = literal_line_starts(obj.source.text, place, text)
            inner = Source(key, text, parent=obj.source, line_starts_in_parent=starts) if starts else None
            at = inner.to_root(_line_start(text, error.offset)) if inner else place.start
            yield hit(Span(at, place.end), key=key, reason=error.message)


def _line_start(text: str, offset: int) -> int:
    """Where the words of the line begin that holds `offset`, or of the last line where it lies behind them."""
    start = text.rfind("\n", 0, min(offset, len(text.rstrip()))) + 1
    while text[start : start + 1] in {" ", "\t"}:
        start += 1
    return start
