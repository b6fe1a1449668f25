"""Where a definition (`define`) of a chart wrote what an `include` of a template prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from readiness.loading.render.lines import guess_template_line_indexes, may_line_render_to
from readiness.model import Source, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass

_BLOCK_ACTION = lazy_regex(r"\{\{-?\s*(define|block|if|range|with|end)\b(?:\s+\"([^\"]{1,200})\")?")
_INCLUDE_OR_TEMPLATE_CALL = lazy_regex(r"\b(?:include|template)\s+\"([^\"]{1,200})\"")
_COMMENT_START = lazy_regex(r"\{\{-?\s*/\*")
_MAX_COMPARED_LINES = 2000  # of what one call prints, or one definition has: they are compared with each other


@dataclass(frozen=True, slots=True)
class Definition:
    """A named piece of a chart's templates: its file, the number of its first line there (from 0), and its lines."""

    source: Source
    first: int
    lines: tuple[str, ...]


def definitions_by_unique_name(templates: Iterable[Source]) -> dict[str, Definition]:
    """The definitions of a chart by their names; of two of one name neither, for nobody can tell which counts."""
    definition_by_name_or_none: dict[str, Definition | None] = {}
    for template_source in templates:
        open_block_names_and_starts: list[tuple[str, int]] = []
        for action_match in _BLOCK_ACTION.finditer(template_source.text):
            if action_match[1] != "end":
                open_block_names_and_starts.append((action_match[2] or "" if action_match[1] == "define" else "", action_match.start()))
            elif open_block_names_and_starts:
                definition_name, definition_start = open_block_names_and_starts.pop()
                if definition_name:
                    first_line_index = template_source.position_of(definition_start).line - 1
                    definition_lines = tuple(template_source.text[definition_start : action_match.start()].split("\n"))
                    definition_by_name_or_none[definition_name] = (
                        None if definition_name in definition_by_name_or_none else Definition(template_source, first_line_index, definition_lines)
                    )
    return {definition_name: one for definition_name, one in definition_by_name_or_none.items() if one is not None}


def last_called_definition_name(template: Source, line_index: int) -> str:
    """The name of the definition that the last action on a line of a template calls; empty where it calls none.

    A comment stands for the only call of its template: what that prints has no line of its own.
    """
    line_end = template.line_offsets[line_index] + len(template.line_text(line_index + 1))
    action_start = template.text.rfind("{{", 0, line_end)
    action_end = template.text.find("}}", action_start)
    if 0 <= action_end < template.line_offsets[line_index]:
        return ""
    if action_start >= 0 and _COMMENT_START.match(template.text, action_start):
        called_names = _INCLUDE_OR_TEMPLATE_CALL.findall(template.text)
        return called_names[0] if len(called_names) == 1 else ""
    call_match = _INCLUDE_OR_TEMPLATE_CALL.search(template.text, action_start, line_end) if action_start >= 0 else None
    return call_match[1] if call_match else ""


def definition_span_by_printed_line(definition: Definition, printed_lines: Sequence[str]) -> Mapping[int, Span]:
    """For each line that a call printed, by its number, the line of the definition that wrote it, where one has its words."""
    if len(printed_lines) > _MAX_COMPARED_LINES or len(definition.lines) > _MAX_COMPARED_LINES:
        return {}
    definition_lines = [one.strip() for one in definition.lines]  # `nindent` moves them
    stripped_printed_lines = [one.strip() for one in printed_lines]
    definition_line_indexes = guess_template_line_indexes("\n".join(definition_lines), "\n".join(stripped_printed_lines))
    definition_span_by_index = {}
    for printed_line_index, (definition_line_index, printed_line) in enumerate(zip(definition_line_indexes, stripped_printed_lines, strict=True)):
        if printed_line and may_line_render_to(definition_lines[definition_line_index], printed_line):
            template_line_index = definition.first + definition_line_index
            template_line_start = definition.source.line_offsets[template_line_index]
            template_line_text = definition.source.line_text(template_line_index + 1)
            definition_span_by_index[printed_line_index] = Span(
                template_line_start + len(template_line_text) - len(template_line_text.lstrip()),
                template_line_start + len(template_line_text.rstrip()),
            )
    return definition_span_by_index
