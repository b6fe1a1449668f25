"""Where the values stand that a template puts into a rendering: in which file, under which keys."""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from readiness.loading.render.made import GeneratedSource, SetValue
from readiness.model import ParseError, Source, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.yaml import Map, Seq, load_yaml_documents

# Values: the source they stand in, the keys that lead to those of a chart, and the mapping where that is not the source's first.
ValuesFileAndKeys = tuple[Source, tuple[str, ...], Map | None]

_SpanKeysAndText = tuple[Span, tuple[str, ...], str]  # its place, its keys in the chart's values, its text

_MAX_ACTIONS_PER_LINE = 100  # of a line that are told apart
_MAX_NODES_PER_FILE = 20_000  # of one file that are compared
_MIN_RECOGNIZABLE_CHARACTERS = 6  # characters of a value that may be known again inside a longer text
_ACTION_PRINTING_ONE_VALUE = lazy_regex(r"\{\{-?\s*(?:default\s+\S+\s+)?\$?\.Values\.([\w.]+)\s*(?:\|\s*\w+\s*){0,3}-?\}\}")
_MAX_LINES_PER_ITEM = 10
_NAME_OF_ITEM = lazy_regex(r"""(?:-[ ]+)?name:[ ]+["']?([^\s"']{1,200})["']?\Z""")
_NAME_FIELD_LINE = lazy_regex(r"\s*(?:-\s+)?name:")
_ACTION = lazy_regex(r"\{\{(?:[^{}]|\{(?!\{)|\}(?!\}))*\}\}")
_ACTION_PRINTING_NOTHING = lazy_regex(r"\{\{-?\s*(?:/\*|(?:if|else|end|with)\b|\$\w+\s*:?=)")
_CALL_WITH_VALUES = lazy_regex(r"\A\{\{-?\s*(?:include|template)\s+\"[\w./-]+\"\s[^|]*\.Values\.\w")
_VALUES_REFERENCE = lazy_regex(r"\.Values\.([\w.]+)")


def action_ranges_in_line(template_line: str) -> list[tuple[int, int]]:
    """Where the actions of a line begin and end; one that goes on behind the line ends with it."""
    action_ranges = []
    action_start = template_line.find("{{")
    while action_start >= 0:
        closing_offset = template_line.find("}}", action_start)
        action_end = closing_offset + 2 if closing_offset >= 0 else len(template_line.rstrip())
        action_ranges.append((action_start, action_end))
        action_start = template_line.find("{{", action_end) if closing_offset >= 0 else -1
    return action_ranges[:_MAX_ACTIONS_PER_LINE]


def action_range_for_rendered_range(template_line: str, rendered_line: str, rendered_start: int, rendered_end: int) -> tuple[int, int] | None:
    """The one action of a template's line that gave a range of its rendering; None where more than that gave it.

    A line of one action needs no such look.
    """
    action_ranges = action_ranges_in_line(template_line)
    rendered_offset = previous_action_end = 0
    for action_index, (action_start, action_end) in enumerate(action_ranges if len(action_ranges) > 1 else ()):
        rendered_offset = rendered_line.find(template_line[previous_action_end:action_start], rendered_offset)
        if rendered_offset < 0:
            return None
        rendered_offset += action_start - previous_action_end
        text_after_action = template_line[action_end : action_ranges[action_index + 1][0] if action_index + 1 < len(action_ranges) else None]
        rendered_action_end = rendered_line.find(text_after_action, rendered_offset) if text_after_action.strip() else len(rendered_line)
        if rendered_offset <= rendered_start and rendered_end <= rendered_action_end:
            return action_start, action_end
        previous_action_end = action_end
    return None


def values_printed_alone(template_text: str, values_files: Sequence[ValuesFileAndKeys]) -> Iterator[SetValue]:
    """The values that the actions of a text print, of those that print one of the values and nothing else."""
    for action_start, action_end in action_ranges_in_line(template_text):
        action_match = _ACTION_PRINTING_ONE_VALUE.fullmatch(template_text[action_start:action_end])
        set_value, _ = _deciding_set_value_and_value(action_match[1].split("."), values_files) if action_match else (None, None)
        if set_value is not None:
            yield set_value


def value_printed_as(rendered_text: str, template_line: str, values_files: Sequence[ValuesFileAndKeys]) -> SetValue | None:
    """The one value that is a text of a rendering, as it stands or in base64.

    Those that the template's line names are asked first; then all of the file that wins, for a helper or a whole
    mapping may have brought it there. Where several are the same text nobody can tell which it was.
    """
    unquoted_text = rendered_text.strip().strip("\"'")
    if not unquoted_text:
        return None
    for reference_match in _VALUES_REFERENCE.finditer(template_line):
        set_value, text = _deciding_set_value_and_value(reference_match[1].split("."), values_files)
        if set_value is not None and isinstance(text, str) and _is_printed_plain_or_base64(text, unquoted_text):
            return set_value
    return _only_matching_value(values_files, lambda text: len(text) > 3 and _is_printed_plain_or_base64(text, unquoted_text))


def value_in_printed_mapping(mapping_key: str, rendered_text: str, template_line: str, values_files: Sequence[ValuesFileAndKeys]) -> SetValue | None:
    """The one value that a mapping has under a key, and prints as a text, where a template's line prints whole mappings.

    Those that the line names are looked through, else all of a file (`with` has named it before). The file that wins is asked first.
    """
    if "toYaml" not in template_line:
        return None
    named_key_paths = [match[1].split(".") for match in _VALUES_REFERENCE.finditer(template_line)] or [[]]
    for values_file, chart_keys, values_mapping in values_files:
        values_root = values_mapping if values_mapping is not None else _values_file_root(values_file)
        spans_and_key_paths = [
            (owner_mapping.at(mapping_key), key_path)
            for named_keys in named_key_paths
            for owner_mapping, key_path in _mappings_and_key_paths_below(
                values_root, (*(() if named_keys[:1] == ["global"] else chart_keys), *named_keys)
            )
            if mapping_key in owner_mapping and _scalar_text(owner_mapping[mapping_key]) == rendered_text.strip().strip("\"'")
        ]
        if spans_and_key_paths:
            return (
                _written_set_value(values_file, spans_and_key_paths[0][0], (*spans_and_key_paths[0][1], mapping_key))
                if len(spans_and_key_paths) == 1
                else None
            )
    return None


def value_given_to_only_call(mapping_key: str, rendered_text: str, template_text: str, values_files: Sequence[ValuesFileAndKeys]) -> SetValue | None:
    """The one value that a template gives to the only definition that it takes in, under a key, and that prints a text under that key.

    So do charts on a library: their templates hold one `include` with a mapping of the values, and no word of their own. The text may end
    in the value (`apiVersion: autoscaling/{{ .apiVersion }}`). The file that wins is asked first.
    """
    calls = [match[0] for match in _ACTION.finditer(template_text) if not _ACTION_PRINTING_NOTHING.match(match[0])]
    if len(calls) != 1 or not _CALL_WITH_VALUES.match(calls[0]) or _ACTION.sub("", template_text).strip("- \t\r\n"):
        return None
    unquoted_text = rendered_text.strip().strip("\"'")
    wanted_texts = {unquoted_text, unquoted_text.rpartition("/")[2]} - {""}
    key_paths = [match[1].split(".") for match in _VALUES_REFERENCE.finditer(calls[0])]
    for values_file, chart_keys, values_mapping in values_files:
        values_root = values_mapping if values_mapping is not None else _values_file_root(values_file)
        spans_and_key_paths = [
            (mapping.at(mapping_key), (*inner_key_path, mapping_key), _scalar_text(mapping[mapping_key]))
            for key_path in key_paths
            for mapping, inner_key_path in _mappings_and_key_paths_below(values_root, (*chart_keys, *key_path))
            if mapping_key in mapping
        ]
        if spans_and_key_paths:
            span, key_path_of_value, text = spans_and_key_paths[0]
            return _written_set_value(values_file, span, key_path_of_value) if len(spans_and_key_paths) == 1 and text in wanted_texts else None
    return None


def value_set_by_parent_chart(template_words: str, values_files: Sequence[ValuesFileAndKeys]) -> SetValue | None:
    """The one value that an action names, where a parent's file decides, which has it under the chart's name."""
    references = set(_VALUES_REFERENCE.findall(template_words)) if template_words.startswith("{{") else set()
    for values_file_and_keys in values_files if len(references) == 1 else ():
        set_value, _ = _deciding_set_value_and_value(next(iter(references)).split("."), [values_file_and_keys])
        if set_value is not None:
            return set_value if values_file_and_keys[1] else None
    return None


def _scalar_text(value: Any) -> str | None:
    """A scalar as toYaml prints it, without quotes; None for others."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def _mappings_and_key_paths_below(root_value: Any, key_path: tuple[str, ...]) -> Iterator[tuple[Map, tuple[str, ...]]]:
    """The mapping that keys lead to and those in it, each with the keys that lead to it; _NODES at most."""
    for key in key_path:
        root_value = root_value.get(key) if isinstance(root_value, Map) else None
    pending_values_and_paths: list[tuple[Any, tuple[str, ...]]] = [(root_value, key_path)]
    for _ in range(_MAX_NODES_PER_FILE):
        if not pending_values_and_paths:
            return
        inner_value, inner_key_path = pending_values_and_paths.pop()
        keys_and_values: Iterable[tuple[str | int, Any]] = ()
        if isinstance(inner_value, Map):
            yield inner_value, inner_key_path
            keys_and_values = inner_value.items()
        elif isinstance(inner_value, Seq):
            keys_and_values = enumerate(inner_value)
        pending_values_and_paths += [
            (value, (*inner_key_path, str(key))) for key, value in keys_and_values if isinstance(value, Map | Seq) and len(inner_key_path) < 24
        ]


def value_deciding_text(rendered_text: str, template_line: str, values_files: Sequence[ValuesFileAndKeys], item_name: str = "") -> SetValue | None:
    """The value that decides about a text of a rendering, for a template that nobody can edit.

    What the line names comes before the longest value that stands in the reference of an image; of a list it is the item of the name that
    stands beside the text (`item_name`). The name of an object decides about nothing that is found at it.
    """
    if _NAME_FIELD_LINE.match(template_line):
        return None
    for reference_match in _VALUES_REFERENCE.finditer(template_line):
        set_value, value = _deciding_set_value_and_value(reference_match[1].split("."), values_files)
        if set_value is not None:
            return _item_of_name(set_value, value, item_name, values_files) or set_value
    unquoted_text = rendered_text.strip().strip("\"'")
    if "/" not in unquoted_text or any(one.isspace() for one in unquoted_text):
        return None
    contained_value_texts = [
        text
        for values_file_and_keys in values_files
        for _, _, text in _scalars_of_values_file(values_file_and_keys)
        if len(text) >= _MIN_RECOGNIZABLE_CHARACTERS and _holds_word(unquoted_text, text)
    ]
    longest_value_text = max(contained_value_texts, key=len, default="")
    return _only_matching_value(values_files, lambda text: text == longest_value_text) if longest_value_text else None


def name_of_list_item(line_text: Callable[[int], str], line_number: int) -> str:
    """The name of the list's item that a line stands in, as of the variable whose value it has; empty where it has none before the line."""
    for number in range(line_number, max(line_number - _MAX_LINES_PER_ITEM, 0), -1):
        line = line_text(number).strip()
        if (name_match := _NAME_OF_ITEM.match(line)) is not None:
            return name_match[1]
        if line.startswith("- "):
            break
    return ""


def _item_of_name(set_list: SetValue, value: Any, item_name: str, values_files: Sequence[ValuesFileAndKeys]) -> SetValue | None:
    """The value of the only item with a name in a list that is set, or the item where it has none; None for what is no such list."""
    named_items = [
        (index, item) for index, item in enumerate(value if isinstance(value, Seq) else ()) if isinstance(item, Map) and item.get("name") == item_name
    ]
    values_file = next((one for one, _, _ in values_files if one.root.path == set_list.source.path), None)
    if len(named_items) != 1 or values_file is None or isinstance(values_file.root, GeneratedSource):
        return None
    index, item = named_items[0]
    return _written_set_value(values_file, item.at("value"), (*set_list.keys, str(index)))


def _holds_word(text: str, word: str) -> bool:
    """Whether a text holds a word that nothing continues on either side."""
    word_start = text.find(word)
    while word_start >= 0:
        word_end = word_start + len(word)
        if not (text[word_start - 1 : word_start].isalnum() or text[word_end : word_end + 1].isalnum()):
            return True
        word_start = text.find(word, word_start + 1)
    return False


def _is_printed_plain_or_base64(value_text: str, printed_text: str) -> bool:
    """Whether a value was printed as a text."""
    if value_text == printed_text:
        return True
    value_bytes = value_text.encode("utf-8", "replace")
    return len(printed_text) == -(-len(value_bytes) // 3) * 4 and base64.b64encode(value_bytes).decode() == printed_text


def _only_matching_value(values_files: Sequence[ValuesFileAndKeys], is_wanted_text: Callable[[str], bool]) -> SetValue | None:
    """The only value of which something holds, of the first file that has any."""
    for values_file_and_keys in values_files:
        values_file = values_file_and_keys[0]
        spans_and_key_paths = [(span, keys) for span, keys, text in _scalars_of_values_file(values_file_and_keys) if text and is_wanted_text(text)]
        if spans_and_key_paths:
            return _written_set_value(values_file, *spans_and_key_paths[0]) if len(spans_and_key_paths) == 1 else None
    return None


def _deciding_set_value_and_value(key_path: list[str], values_files: Sequence[ValuesFileAndKeys]) -> tuple[SetValue | None, Any]:
    """The place that sets a value last, which is the one that counts, and the value; two None where nothing sets it."""
    for values_file, chart_keys, values_mapping in values_files:
        inner_value = values_mapping if values_mapping is not None else _values_file_root(values_file)
        *parent_keys, last_key = key_path if key_path[0] == "global" else [*chart_keys, *key_path]
        for parent_key in parent_keys:
            inner_value = inner_value.get(parent_key) if isinstance(inner_value, Map) else None
        if isinstance(inner_value, Map) and last_key in inner_value:
            return _written_set_value(values_file, inner_value.at(last_key), tuple(key_path)), inner_value[last_key]
    return None, None


def _written_set_value(values_file: Source, span: Span, key_path: tuple[str, ...]) -> SetValue:
    """A value where somebody wrote it, for a file may be a text in another, or a rendering."""
    root_source = values_file.root
    root_start, root_end = values_file.to_root(span.start), values_file.to_root(span.end)
    written_span = Span(root_start, max(root_start, root_end))
    written_source, written_span = (
        root_source.written_location(written_span) if isinstance(root_source, GeneratedSource) else (root_source, written_span)
    )
    return SetValue(written_source, written_span, key_path)


def _values_file_root(values_file: Source) -> Any:
    """What a values file says; None where it does not parse."""
    return _first_yaml_document(values_file.text)


@functools.lru_cache(maxsize=16)
def _first_yaml_document(yaml_text: str) -> Any:
    """The first document of a text: each finding of a chart asks for the same few."""
    try:
        yaml_documents = load_yaml_documents(yaml_text)
    except ParseError:
        return None
    return yaml_documents[0] if yaml_documents else None


def _scalars_of_values_file(values_file_and_keys: ValuesFileAndKeys) -> Sequence[_SpanKeysAndText]:
    """The scalars that a file sets for a chart."""
    values_file, chart_keys, values_mapping = values_file_and_keys
    if values_mapping is not None:
        return tuple(_scalars_below_keys(values_mapping, chart_keys))
    return _scalars_of_yaml_text(values_file.text, chart_keys)


@functools.lru_cache(maxsize=16)
def _scalars_of_yaml_text(yaml_text: str, chart_keys: tuple[str, ...]) -> Sequence[_SpanKeysAndText]:
    """Those of a text: each finding of a chart asks for the same few."""
    return tuple(_scalars_below_keys(_first_yaml_document(yaml_text), chart_keys))


def _scalars_below_keys(root_value: Any, chart_keys: tuple[str, ...]) -> Iterator[_SpanKeysAndText]:
    """Those below some keys, each with its place and its keys in the chart's values."""
    for chart_key in chart_keys:
        root_value = root_value.get(chart_key) if isinstance(root_value, Map) else None
    pending_values_and_keys: list[tuple[Any, tuple[str, ...]]] = [(root_value, ())]
    node_count = 0
    while pending_values_and_keys and node_count < _MAX_NODES_PER_FILE:
        container, container_keys = pending_values_and_keys.pop()
        keys_and_values: Iterable[tuple[str | int, Any]] = ()
        if isinstance(container, Map | Seq):
            keys_and_values = container.items() if isinstance(container, Map) else enumerate(container)
        for key, value in keys_and_values:
            node_count += 1
            key_path = (*container_keys, str(key))
            if isinstance(value, Map | Seq):
                if len(key_path) < 24:
                    pending_values_and_keys.append((value, key_path))
            elif isinstance(value, str):
                yield container.at(key), key_path, value
