"""`[tool.readiness]` in `pyproject.toml`: the same settings, read as a mapping that knows where its values stand."""

from __future__ import annotations

import json
import re
from typing import Any

from readiness.model import Source, Span
from readiness.settings.model import ConfigError
from readiness.syntax.yaml import Map, Seq

PYPROJECT_FILENAME = "pyproject.toml"
_TABLE_TEXT = "readiness"


def may_have_settings(text: str) -> bool:
    """Whether a `pyproject.toml` may have the table; most have not, and need not be parsed."""
    return _TABLE_TEXT in text and "tool" in text


def settings_table(source: Source) -> Map | None:
    """The table `[tool.readiness]` of a `pyproject.toml`; None where it has none. Raises ConfigError."""
    import tomllib

    if not may_have_settings(source.text):
        return None
    try:
        tool_tables = tomllib.loads(source.text).get("tool")
    except (ValueError, RecursionError) as error:
        if "tool.readiness" not in source.text:
            return None
        reason = str(error)[:200] if isinstance(error, ValueError) else "nested too deep"
        raise ConfigError(source.path, f"is no TOML: {reason}") from None
    table = tool_tables.get("readiness") if isinstance(tool_tables, dict) else None
    if table is None:
        return None
    header_start = max(source.text.find("tool.readiness"), 0)
    if not isinstance(table, dict):
        raise ConfigError(source.place_text(header_start), "tool.readiness is a table: write [tool.readiness]")
    return _placed_map(source.text, table, header_start)


def _placed_map(text: str, table: dict[str, Any], start: int) -> Map:
    """A table as a mapping, each value at its place as far as it can be found in the text."""
    placed_map = Map(Span(start, start))
    for key, value in table.items():
        key_start, value_start = _key_and_value_start(text, key, start)
        placed_map.put(key, _placed(text, value, value_start), Span(value_start, value_start), key_start)
    return placed_map


def _placed(text: str, value: Any, start: int) -> Any:
    """A value of TOML with places; dates become the text that YAML's settings have for them."""
    if isinstance(value, dict):
        return _placed_map(text, value, start)
    if isinstance(value, list):
        placed_list = Seq(Span(start, start))
        element_start = start
        for element in value:
            element_start = _element_start(text, element, element_start)
            placed_list.put(_placed(text, element, element_start), Span(element_start, element_start))
            element_start += 1
        return placed_list
    return value if isinstance(value, str | int | float | bool) else str(value)


def _key_and_value_start(text: str, key: str, start: int) -> tuple[int, int]:
    """Where a key and its value stand at or behind an offset: `key = value`, or a table of that name."""
    name = f"(?:{re.escape(key)}|{re.escape(json.dumps(key, ensure_ascii=False))}|'{re.escape(key)}')"
    found = re.compile(rf"(?<![\w\"'-])({name})[ \t]*=[ \t]*|^[ \t]*\[\[?[^\]\n]*\.({name})\]", re.MULTILINE).search(text, start)
    if found is None:
        return start, start
    return (found.start(1), found.end()) if found[1] else (found.start(2), found.start(2))


def _element_start(text: str, element: Any, start: int) -> int:
    """Where an entry of a list stands at or behind an offset; a table of a list has no text of its own to look for."""
    if isinstance(element, dict):
        next_table = re.compile(r"^[ \t]*\[\[tool\.readiness\.|\{", re.MULTILINE).search(text, start)
        return next_table.start() if next_table else start
    written = json.dumps(element, ensure_ascii=False) if isinstance(element, str) else str(element)
    places = [at for one in (written, f"'{element}'") if (at := text.find(one, start)) >= 0]
    return min(places, default=start)
