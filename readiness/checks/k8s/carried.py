"""Configuration that a ConfigMap carries as a value."""

from __future__ import annotations

from readiness import kinds
from readiness.kinds import nginx
from readiness.kinds.k8s.model import Object
from readiness.model import CheckOutcome, NotApplicable, ParseError, Source, Span, Undecidable, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.yaml import Map, literal_line_starts

_CONF_FILENAME_PATTERN = lazy_regex(r"\.conf(?:\.template)?\Z")


def config_map_nginx_broken(obj: Object) -> CheckOutcome:
    """An nginx configuration in a ConfigMap that nginx cannot read."""
    data = obj.node.get("data")
    config_map_data = data if obj.kind == "ConfigMap" and isinstance(data, Map) else Map(Span(0, 0))
    nginx_files = [
        (data_key, text)
        for data_key, text in config_map_data.items()
        if isinstance(text, str) and "\n" in text and _CONF_FILENAME_PATTERN.search(data_key) and nginx.recognizes_file(data_key, text)
    ]
    if not nginx_files:
        yield NotApplicable()
    for data_key, text in nginx_files:
        value_span = config_map_data.at(data_key)
        try:
            nginx.parse(Source(data_key, text))
        except ParseError as error:
            if kinds.template_mark_offset_at_error(Source(data_key, text, kind=nginx.KIND_NAME), error) is not None:
                yield Undecidable(value_span)
                continue
            line_starts = literal_line_starts(obj.source.text, value_span, text)
            nested_source = Source(data_key, text, parent=obj.source, line_starts_in_parent=line_starts) if line_starts else None
            error_line_start = nested_source.to_root(_line_text_start(text, error.offset)) if nested_source else value_span.start
            yield hit(Span(error_line_start, value_span.end), key=data_key, reason=error.message)


def _line_text_start(text: str, offset: int) -> int:
    """Where the words of the line begin that holds `offset`, or of the last line where it lies behind them."""
    start = text.rfind("\n", 0, min(offset, len(text.rstrip()))) + 1
    while text[start : start + 1] in {" ", "\t"}:
        start += 1
    return start
