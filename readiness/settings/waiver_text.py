"""A waiver written into the text of settings: comments, order and all that stands there stay as they are."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from readiness.model import ParseError, Source
from readiness.model.lazy_regex import lazy_regex
from readiness.settings import PYPROJECT_FILENAME, ConfigError
from readiness.settings.pyproject import settings_table
from readiness.syntax.yaml import Map, Seq, load_yaml_documents

_PLAIN_WORD = lazy_regex(r"[A-Za-z][\w./-]*\Z")
_INDENT = lazy_regex(r"[ ]*")


def text_with_waiver(report_path: str, text: str, fields: Mapping[str, str]) -> str:
    """A settings text with one more waiver as the last. Raises ConfigError where it is written so that no line can be put into it."""
    source = Source(report_path, text)
    if report_path.endswith(PYPROJECT_FILENAME):
        return _pyproject_with_waiver(source, fields)
    documents = _documents(source)
    settings_map = documents[0] if documents else None
    if settings_map is not None and (not isinstance(settings_map, Map) or len(documents) > 1):
        raise ConfigError(source.place_text(0), "the settings are one mapping")
    new_text = _inserted(source, settings_map, fields)
    settings_before: dict[str, Any] = dict(settings_map or {})
    expected = {**settings_before, "waivers": [*(settings_before.get("waivers") or []), dict(fields)]}
    try:
        written = load_yaml_documents(new_text)
    except ParseError:
        written = []
    if written != [expected]:  # held against what was meant: a text that looks otherwise than it is gets no line
        raise _unwritable(source, settings_map, fields)
    return new_text


def _pyproject_with_waiver(source: Source, fields: Mapping[str, str]) -> str:
    """The text of a `pyproject.toml` with one more waiver at its end, where a table may stand whatever is above it."""
    settings_map = settings_table(source)
    if settings_map is None:
        raise ConfigError(source.path, "has no table [tool.readiness]")
    line_break = "\r\n" if "\r\n" in source.text else "\n"
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items()]
    separator = line_break if source.text.endswith(("\n", "\r")) else line_break * 2
    new_text = source.text + separator + "".join(f"{line}{line_break}" for line in ["[[tool.readiness.waivers]]", *lines])
    try:
        written = settings_table(Source(source.path, new_text))
    except ConfigError:
        written = None
    if written != {**settings_map, "waivers": [*(settings_map.get("waivers") or []), dict(fields)]}:
        raise _unwritable(source, settings_map, fields)
    return new_text


def _documents(source: Source) -> list[object]:
    try:
        return list(load_yaml_documents(source.text))
    except ParseError as error:
        raise ConfigError(source.place_text(error.offset), error.message) from None


def _inserted(source: Source, settings_map: Map | None, fields: Mapping[str, str]) -> str:
    """The text with the entry behind the last one, or with a list of waivers at its end."""
    text = source.text
    line_break = "\r\n" if "\r\n" in text else "\n"
    if settings_map is None or "waivers" not in settings_map:
        separator = "" if not text or text.endswith(("\n", "\r")) else line_break
        return f"{text}{separator}waivers:{line_break}{_entry_text(fields, '  ', line_break)}"
    waivers = settings_map["waivers"]
    lines = text.splitlines(keepends=True)
    if not waivers:
        line_number = source.position_of(settings_map.key_span("waivers").start).line
        key_line = re.sub(r"(waivers[\"']?\s*:)[^#\r\n]*", r"\1 ", lines[line_number - 1], count=1).replace(": \r", ":\r").replace(": \n", ":\n")
        lines[line_number - 1] = key_line if key_line.endswith(("\n", "\r")) else f"{key_line.rstrip()}{line_break}"
        return "".join([*lines[:line_number], _entry_text(fields, "  ", line_break), *lines[line_number:]])
    if not isinstance(waivers, Seq) or waivers.flow:
        raise _unwritable(source, settings_map, fields)
    first_line = lines[source.position_of(waivers.at(0).start).line - 1]
    indent = _INDENT.match(first_line)
    indent_text = indent[0] if indent else ""
    last_line_number = source.position_of(waivers.at(len(waivers) - 1).start).line
    end = last_line_number
    for number, line in enumerate(lines[last_line_number:], last_line_number + 1):
        line_indent = _INDENT.match(line)
        if line.strip() and (line_indent is None or len(line_indent[0]) <= len(indent_text)):
            break
        end = number if line.strip() else end
    if not lines[end - 1].endswith(("\n", "\r")):
        lines[end - 1] += line_break
    return "".join([*lines[:end], _entry_text(fields, indent_text, line_break), *lines[end:]])


def _entry_text(fields: Mapping[str, str], indent: str, line_break: str) -> str:
    """The lines of an entry; whatever could be read as something else is quoted."""
    lines = [f"{name}: {value if _is_plain(name, value) else json.dumps(value, ensure_ascii=False)}" for name, value in fields.items()]
    return "".join(f"{indent}{'- ' if number == 0 else '  '}{line}{line_break}" for number, line in enumerate(lines))


def _is_plain(name: str, value: str) -> bool:
    return name == "rule" and _PLAIN_WORD.match(value) is not None


def _unwritable(source: Source, settings_map: Map | None, fields: Mapping[str, str]) -> ConfigError:
    offset = settings_map.key_span("waivers").start if settings_map is not None and "waivers" in settings_map else 0
    entry = " ".join(_entry_text(fields, "", "\n").split())
    return ConfigError(source.place_text(offset), f"nothing can be put into this text without a look at it; write it yourself: {entry}")
