"""Secrets in YAML that does not parse, as templates and broken files: by lines, and by how deep they stand."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from readiness.model import Span, line_starts
from readiness.model.lazy_regex import lazy_regex
from readiness.redaction.text import NAME_PATTERN, SecretMark, SecretSort, name_without_trailing_number
from readiness.syntax import secrets

_SECRET_KIND_LINE = lazy_regex(r"""^[ \t-]{0,40}["']?kind["']?:[ \t]{0,8}["']?Secret\b""", 8)
_YAML_KEY = lazy_regex(r"""[ \t]*["']?[\w.-]{1,253}["']?:(?:[ \t]+|$)""", 8)
_BLOCK_KEY = lazy_regex(rf"""(?P<indent>[ \t]{{0,200}})(?:- )?["']?{NAME_PATTERN}["']?:[ \t]{{0,8}}(?:[|>][-+0-9]{{0,3}}[ \t]{{0,8}})?\r?\n""")
_ENTRY_NAME = lazy_regex(rf"""[ \t]{{0,200}}(?:-[ \t]{{1,8}})?["']?(?:name|key)["']?:[ \t]{{0,8}}["']?{NAME_PATTERN}["']?[ \t]{{0,8}}\r?\n?\Z""")
_ENTRY_VALUE = lazy_regex(r"""[ \t]{0,200}(?:-[ \t]{1,8})?["']?value["']?:[ \t]{0,8}(?=\S)""")
_MAX_LINES_BETWEEN = 4  # lines between a name and its value


def marks_in_yaml_lines(text: str) -> Iterator[SecretMark]:
    """The marks on blocks under names of secrets, on values beside such a name, and on the data of Secret objects."""
    line_offsets = [*line_starts(text), len(text)]
    lines = [text[start:end] for start, end in itertools.pairwise(line_offsets)]
    for index, line in enumerate(lines):
        block_match = _BLOCK_KEY.match(line)
        if block_match and secrets.is_secret_name(name_without_trailing_number(block_match["name"])):
            yield from _marks_of_block(lines, line_offsets, index, block_match["name"], len(block_match["indent"]))
        name_match = _ENTRY_NAME.match(line)
        if name_match:
            yield from _marks_of_entry(lines, line_offsets, index, name_without_trailing_number(name_match["name"]))
    if _SECRET_KIND_LINE.search(text):
        yield from (SecretMark(span, sort=SecretSort.CONTENT) for span in secret_object_values(text, line_offsets))


def _marks_of_block(lines: list[str], line_offsets: list[int], index: int, name: str, indent: int) -> Iterator[SecretMark]:
    """The mark on the lines below a key that stand deeper, unless keys of their own or entries begin there."""
    end = index + 1
    while end < len(lines) and (not lines[end].strip() or len(lines[end]) - len(lines[end].lstrip()) > indent):
        end += 1
    block = "".join(lines[index + 1 : end])
    if block.strip() and not _YAML_KEY.match(lines[index + 1]) and not lines[index + 1].lstrip().startswith("- "):
        start = line_offsets[index + 1] + len(block) - len(block.lstrip())
        if secrets.must_be_hidden_in_output(name_without_trailing_number(name), block.strip()):
            yield SecretMark(Span(start, line_offsets[index + 1] + len(block.rstrip())), name)


def _marks_of_entry(lines: list[str], line_offsets: list[int], index: int, name: str) -> Iterator[SecretMark]:
    """The mark on the `value:` near a `name:`, at most a few lines before or behind it."""
    for other in (*range(index + 1, index + 1 + _MAX_LINES_BETWEEN), index - 1):
        if not 0 <= other < len(lines) or (other > index and lines[other].lstrip().startswith("- ")):
            return
        value_match = _ENTRY_VALUE.match(lines[other])
        value = lines[other][value_match.end() :].strip() if value_match else ""
        if value_match and secrets.must_be_hidden_in_output(name, value.strip("\"'")):
            start = line_offsets[other] + value_match.end()
            yield SecretMark(Span(start, start + len(value)), name)


def secret_object_values(text: str, line_offsets: list[int]) -> Iterator[Span]:
    """What stands under `data` and `stringData` of Secret objects, key by key; the keys stay readable."""
    value_spans: list[Span] = []
    is_secret_object = False
    data_indent = -1
    for line_start, line_end in itertools.pairwise(line_offsets):
        line = text[line_start:line_end]
        indent = len(line) - len(line.lstrip(" -"))
        if line.startswith("---"):
            yield from value_spans if is_secret_object else ()
            value_spans, is_secret_object, data_indent = [], False, -1
        elif line.strip() and (data_indent < 0 or indent <= data_indent):
            is_secret_object = is_secret_object or bool(_SECRET_KIND_LINE.match(line))
            data_indent = indent if line.strip(" -").startswith(("data:", "stringData:")) else -1
            flow_start = line.find("{") if data_indent >= 0 else -1
            if flow_start >= 0:
                value_spans.append(Span(line_start + flow_start, line_start + len(line.rstrip())))
        elif line.strip():
            key_match = _YAML_KEY.match(line)
            value_spans.append(Span(line_start + (key_match.end() if key_match else 0), line_start + len(line.rstrip())))
    yield from value_spans if is_secret_object else ()
