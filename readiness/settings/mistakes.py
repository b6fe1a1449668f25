"""What is wrong with a settings file, in plain words and at its place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from readiness.model import Source, spelling
from readiness.settings.model import ConfigError, settings_schema
from readiness.syntax.nodes import has_more_entries
from readiness.syntax.yaml import Map, Seq

MAX_SETTINGS_ENTRIES = 20_000  # what an alias stands for counts each time
MAX_VALUE_LENGTH_SHOWN = 80  # characters
_SETTING_BY_NAME_ELSEWHERE = {  # what others call a setting, where that is not near enough to be found as a misspelling
    "per-file-ignores": "per-path-ignores",
    "extend-ignore": "ignore",
    "extend-exclude": "exclude",
    "skip": "ignore",
    "disable": "ignore",
    "enable": "extend-select",
}
_ARTICLE_AND_TYPE = {
    "array": "a list",
    "object": "a mapping",
    "string": "a string",
    "boolean": "true or false",
    "integer": "a whole number",
}


def validate_settings(source: Source, settings_map: Map) -> None:
    """Hold the settings against their schema. Raises ConfigError for the first mistake, at its place."""
    import jsonschema

    _verify_entry_count_and_duplicates(source, settings_map)
    schema = settings_schema()
    schema_errors = sorted(
        jsonschema.Draft202012Validator(schema).iter_errors(settings_map),
        key=lambda e: ([str(p) for p in e.path], e.message),
    )
    if schema_errors:
        error_offset, message = _offset_and_text_of_mistake(settings_map, schema_errors[0])
        raise ConfigError(source.place_text(error_offset), message)


def _verify_entry_count_and_duplicates(source: Source, settings_map: Map) -> None:
    """Raise ConfigError for settings of more entries than anybody writes, and for a list or a mapping that says a thing twice."""
    if has_more_entries(settings_map, MAX_SETTINGS_ENTRIES):
        raise ConfigError(source.place_text(0), f"settings have {MAX_SETTINGS_ENTRIES} entries at most")
    unvisited_nodes: list[Any] = [settings_map]
    while unvisited_nodes:
        node = unvisited_nodes.pop()
        unvisited_nodes += list(node.values()) if isinstance(node, Map) else node if isinstance(node, Seq) else ()
        if isinstance(node, Map) and node.repeated:
            repeated_key, key_offset = node.repeated[0]
            raise ConfigError(source.place_text(key_offset), f"{_shown(repeated_key)} is written twice; keep one of them")
    for setting_name, setting_value in settings_map.items():
        seen_elements: set[str] = set()
        for element_index, element in enumerate(setting_value if isinstance(setting_value, Seq) else ()):
            if isinstance(element, str) and element in seen_elements:
                location = source.place_text(setting_value.at(element_index).start)
                raise ConfigError(location, f"{setting_name} names {element[:200]!r} twice")
            seen_elements |= {element} if isinstance(element, str) else set()


def _offset_and_text_of_mistake(settings_map: Map, error: Any) -> tuple[int, str]:
    """(offset, message) of a schema error, in words that say what is allowed."""
    current_node: Any = settings_map
    parent_node, last_step = None, None
    for path_step in error.path:
        parent_node, last_step, current_node = current_node, path_step, current_node[path_step]
    name = _dotted_name(error.path)
    error_span = parent_node.at(last_step) if parent_node is not None else settings_map.at()
    if error.validator in {"additionalProperties", "propertyNames"} and isinstance(current_node, Map):
        unknown_key = next((key for key in current_node if key not in error.schema.get("properties", {})), "")
        return current_node.key_span(unknown_key).start, _text_of_key_mistake(name, unknown_key, error)
    return error_span.start, _text_of_value_mistake(name, current_node, error)


def _text_of_key_mistake(name: str, unknown_key: str, error: Any) -> str:
    """What to say of a key that there is not, or of one that can't be."""
    if error.validator == "propertyNames":
        return f"{name} has an entry without a name, or with one that is too long"
    allowed_keys = sorted(error.schema["properties"])
    meant = _SETTING_BY_NAME_ELSEWHERE.get(str(unknown_key))
    suggestion_text = f"; here it is {meant!r}" if meant in allowed_keys else spelling.did_you_mean_text(str(unknown_key), allowed_keys)
    where = f" in {name}" if name else ""
    return f"no setting is called {_shown(unknown_key)}{where}{suggestion_text or f'; there are {_listed(allowed_keys)}'}"


def _text_of_value_mistake(name: str, value: Any, error: Any) -> str:
    """What to say of a value that can't stand there."""
    limit = error.validator_value
    if error.validator == "type":
        allowed_types = [limit] if isinstance(limit, str) else limit
        expected = " or ".join(_ARTICLE_AND_TYPE[one] for one in allowed_types)
        return f"{name or 'the file'} is {expected}{_hint_of_type(value, allowed_types)}"
    if error.validator == "required":
        return f"{name} lacks {' and '.join(key for key in limit if key not in value)}"
    text_by_validator = {
        "enum": f"{name} is {_shown(value)}; allowed are {_listed(limit)}" if isinstance(limit, list) else "",
        "minLength": f"{name}: give a reason of at least {limit} characters" if name.endswith("reason") else f"{name} is empty",
        "maxLength": f"{name} is longer than {limit} characters",
        "maxItems": f"{name} has more than {limit} entries",
        "maxProperties": f"{name} has more than {limit} entries",
        "minProperties": f"{name} is empty: leave it out, or say something there",
        "pattern": f"{name} is a date like 2027-06-30, not {_shown(value)}",
        "minimum": f"{name} is {value}, and goes from 0 to 100",
        "maximum": f"{name} is {value}, and goes from 0 to 100",
    }
    return text_by_validator.get(error.validator) or f"{name}: {_shortened_text(error.message)}"


def _dotted_name(path_steps: Iterable[Any]) -> str:
    """`waivers[1].reason`: entries of lists are counted from 1, as people do."""
    name = ""
    for step in path_steps:
        if isinstance(step, int):
            name += f"[{step + 1}]"
        else:
            name += f".{step[:MAX_VALUE_LENGTH_SHOWN]}" if name else str(step)[:MAX_VALUE_LENGTH_SHOWN]
    return name


def _hint_of_type(value: Any, allowed_types: Iterable[str]) -> str:
    """What is there instead, and how it would be written."""
    if isinstance(value, str) and "array" in allowed_types:
        return f": write [{value[:MAX_VALUE_LENGTH_SHOWN]}]"
    if value is None:
        return ", and nothing stands there"
    if isinstance(value, bool | int | float) and "string" in allowed_types:
        return f", not {value}: put it in quotes"
    return f", not {_shown(value)}" if isinstance(value, str | bool | int | float) else ""


def _listed(words: Iterable[Any]) -> str:
    return ", ".join(map(str, words))


def _shown(value: Any) -> str:
    """A value in quotes, no longer than a line takes."""
    text = value if isinstance(value, str) else str(value)
    return repr(text if len(text) <= MAX_VALUE_LENGTH_SHOWN else f"{text[: MAX_VALUE_LENGTH_SHOWN - 1]}…")


def _shortened_text(validator_message: str) -> str:
    """A message of the validator, which quotes all of a value."""
    return validator_message if len(validator_message) <= 300 else f"{validator_message[:200]} … {validator_message[-80:]}"
