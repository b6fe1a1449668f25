"""The Compose Specification's schema as closures: JSON Schema, as much of it as that schema uses, with places."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import field
from functools import cache
from typing import Any

from readiness.model import Span
from readiness.model.messages import FactValue
from readiness.model.package import DATA_FOLDER
from readiness.model.records import dataclass
from readiness.syntax.holes import has_variable_sign
from readiness.syntax.interpolation import InterpolationError, interpolate_variables
from readiness.syntax.yaml import Map, Seq

Schema = dict[str, Any]
SCHEMA_PATH = DATA_FOLDER / "compose-spec.json"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that Docker refuses: what stands where, and which keys are allowed. `kind` is key, value or missing.

    `say` names the sentence that rules have for it, `facts` fill that.
    """

    kind: str
    span: Span
    path: tuple[str, ...]
    say: str
    facts: Mapping[str, FactValue] = field(default_factory=dict)
    allowed: tuple[str, ...] = ()


@dataclass(slots=True)
class SchemaPosition:
    """Where the validator is: the collection, the key in it, and the path so far."""

    owner: Map | Seq
    key: Any
    path: tuple[str, ...]
    problems: list[Problem] = field(default_factory=list)

    def span(self) -> Span:
        """The span of the value at this place."""
        return self.owner.at(self.key)

    def child(self, collection: Map | Seq, key: Any) -> SchemaPosition:
        """The place of the value under `key` of `collection`, one step further down."""
        return SchemaPosition(collection, key, (*self.path, str(key)), self.problems)

    def add_problem(self, message_key: str, *, problem_kind: str = "value", **facts: FactValue) -> None:
        """Add a problem at this place to the list."""
        self.problems.append(Problem(problem_kind, self.span(), self.path, message_key, facts))


SchemaCheck = Callable[[Any, SchemaPosition], None]
_TYPE_PHRASES_BY_JSON_TYPE = {"object": "a mapping", "array": "a list", "string": "a string", "integer": "a whole number",
          "number": "a number", "boolean": "true or false", "null": "empty"}  # fmt: skip
_SCALAR_JSON_TYPES = frozenset({"string", "integer", "number", "boolean"})


@cache
def load_compose_schema() -> Schema:
    """The JSON schema of the Compose specification, as shipped with the package."""
    schema: Schema = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    return schema


@cache
def compiled_root_check() -> SchemaCheck:
    """The compiled check of the schema's root, made once a process."""
    return compile_schema(load_compose_schema())


@cache
def _compiled_definition(definition_name: str) -> SchemaCheck:
    return compile_schema(load_compose_schema()["$defs"][definition_name])


def _make_reference_check(definition_name: str) -> SchemaCheck:
    """The check of a definition, compiled when it is first asked: definitions may refer to themselves."""

    def check(value: Any, position: SchemaPosition) -> None:
        _compiled_definition(definition_name)(value, position)

    return check


def schema_problems(root: Map) -> list[Problem]:
    """All that the schema refuses in one YAML document."""
    root_position = SchemaPosition(root, None, ())
    compiled_root_check()(root, root_position)
    return root_position.problems


def compile_schema(schema: Schema) -> SchemaCheck:
    """A function that reports where a value breaks one (sub)schema."""
    schema = flatten_all_of(schema)
    if "$ref" in schema:
        definition_name = schema["$ref"].rpartition("/")[2]
        return _make_reference_check(definition_name)
    if "oneOf" in schema:
        return make_one_of_check(schema["oneOf"])
    schema_checks: list[SchemaCheck] = []
    if "enum" in schema:
        schema_checks.append(make_enum_check(schema["enum"]))
    if "pattern" in schema:
        schema_checks.append(make_pattern_check(schema["pattern"]))
    if "minimum" in schema or "maximum" in schema:
        schema_checks.append(make_bounds_check(schema.get("minimum"), schema.get("maximum")))
    if "items" in schema:
        schema_checks.append(make_items_check(compile_schema(schema["items"])))
    if schema.get("uniqueItems"):
        schema_checks.append(check_unique_items)
    if {"properties", "patternProperties", "required", "additionalProperties"} & set(schema):
        schema_checks.append(make_mapping_check(schema))
    return make_type_check(schema.get("type"), schema_checks)


def flatten_all_of(schema: Schema) -> Schema:
    """`allOf` and what it refers to, as one schema: the parts have no keys in common."""
    if "allOf" not in schema:
        return schema
    merged_schema: Schema = {"type": "object", "properties": {}, "patternProperties": {}}
    for subschema_or_reference in [*schema["allOf"], schema]:
        subschema = (
            load_compose_schema()["$defs"][subschema_or_reference["$ref"].rpartition("/")[2]]
            if "$ref" in subschema_or_reference
            else subschema_or_reference
        )
        merged_schema["properties"].update(subschema.get("properties", {}))
        merged_schema["patternProperties"].update(subschema.get("patternProperties", {}))
        merged_schema["required"] = [*merged_schema.get("required", ()), *subschema.get("required", ())]
    merged_schema["additionalProperties"] = False
    return merged_schema


def json_type(value: Any) -> str:
    """The JSON type of a value; a whole float is an integer, as JSON Schema has it."""
    if isinstance(value, Map):
        return "object"
    if isinstance(value, Seq):
        return "array"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return "integer"
    return "number" if isinstance(value, float) else "string"


def is_string_with_variable(value: Any) -> bool:
    """Whether a string holds a variable: what it will be nobody can tell."""
    if not isinstance(value, str) or not has_variable_sign(value):
        return False
    try:
        return not interpolate_variables(value).has_no_variables
    except InterpolationError:
        return True


def may_be_of_json_type(value: Any, allowed_json_types: Any) -> bool:
    """Whether a value is of one of the types (None: any); a variable can become any scalar."""
    if allowed_json_types is None:
        return True
    allowed_types = {allowed_json_types} if isinstance(allowed_json_types, str) else set(allowed_json_types)
    actual_type = json_type(value)
    if actual_type in allowed_types or (actual_type == "integer" and "number" in allowed_types):
        return True
    return actual_type == "string" and bool(allowed_types & _SCALAR_JSON_TYPES) and is_string_with_variable(value)


def make_type_check(allowed_types: Any, checks_after_type: list[SchemaCheck]) -> SchemaCheck:
    """The type first; the rest only where that holds."""

    def check(value: Any, position: SchemaPosition) -> None:
        if not may_be_of_json_type(value, allowed_types):
            position.add_problem("type", given=describe_value(value), wanted=describe_types(allowed_types))
            return
        for schema_check in checks_after_type:
            schema_check(value, position)

    return check


def describe_value(value: Any) -> str:
    """What a value is, in a word; scalars that are no strings as they stand."""
    json_type_name = json_type(value)
    if json_type_name in {"integer", "number", "boolean"}:
        return str(value).lower() if isinstance(value, bool) else str(value)
    return _TYPE_PHRASES_BY_JSON_TYPE[json_type_name] if value is not None else "nothing"


def describe_types(allowed_types: Any) -> str:
    """The types that a schema allows as a message names them: `a string or a number`."""
    type_phrases = [_TYPE_PHRASES_BY_JSON_TYPE[one] for one in ([allowed_types] if isinstance(allowed_types, str) else allowed_types)]
    return type_phrases[0] if len(type_phrases) == 1 else f"{', '.join(type_phrases[:-1])} or {type_phrases[-1]}"


def make_enum_check(allowed_values: list[Any]) -> SchemaCheck:
    """A check for `enum`: the value equals one of `allowed_values`."""

    def check(value: Any, position: SchemaPosition) -> None:
        if value not in allowed_values and not is_string_with_variable(value):
            position.add_problem("choice", value=value, allowed=", ".join(map(str, allowed_values)))

    return check


def make_pattern_check(pattern: str) -> SchemaCheck:
    """A check for `pattern`: a string in which the expression is found."""
    search_pattern = re.compile(pattern).search

    def check(value: Any, position: SchemaPosition) -> None:
        if isinstance(value, str) and not search_pattern(value) and not is_string_with_variable(value):
            position.add_problem("form", value=value, form=pattern)

    return check


def make_bounds_check(minimum: float | None, maximum: float | None) -> SchemaCheck:
    """A check for `minimum` and `maximum`, both inclusive; None is no bound."""

    def check(value: Any, position: SchemaPosition) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return
        if (minimum is not None and value < minimum) or (maximum is not None and value > maximum):
            if maximum is None:
                position.add_problem("least", value=value, least=minimum)
            else:
                position.add_problem("range", value=value, least=minimum, most=maximum)

    return check


def make_items_check(item_check: SchemaCheck) -> SchemaCheck:
    """A check for `items`: each entry of a list holds to one check."""

    def check(value: Any, position: SchemaPosition) -> None:
        if isinstance(value, Seq):
            for item_index, list_item in enumerate(value):
                item_check(list_item, position.child(value, item_index))

    return check


# Lists of services that Docker makes unique itself before it looks at the schema.
_DEDUPLICATED_LIST_PATHS = frozenset(
    """cap_add cap_drop dns dns_opt dns_search expose links ports profiles tmpfs volumes environment labels annotations sysctls
    build.args build.labels build.additional_contexts deploy.labels""".split()
)


def check_unique_items(value: Any, position: SchemaPosition) -> None:
    """A check for `uniqueItems`: no two entries of a list are equal."""
    key_path = position.path
    if key_path[0] != "services" or ".".join(key_path[2:]) in _DEDUPLICATED_LIST_PATHS or key_path[2:-1][:1] == ("networks",):
        return
    seen_items: set[object] = set()
    for item_index, item in enumerate(value) if isinstance(value, Seq) else ():
        if isinstance(item, str | int | float) and (type(item), item) in seen_items:
            position.problems.append(Problem("value", value.at(item_index), key_path, "twice", {"value": item}))
        seen_items.add((type(item), item) if isinstance(item, str | int | float) else object())


def make_mapping_check(schema: Schema) -> SchemaCheck:
    """Every key of a mapping: those that are named, those of a form, those that must be there."""
    checks_by_key = {key: compile_schema(one) for key, one in schema.get("properties", {}).items()}
    pattern_checks = [(re.compile(form).search, compile_schema(subschema)) for form, subschema in schema.get("patternProperties", {}).items()]
    required_keys, forbids_unknown_keys = schema.get("required", ()), schema.get("additionalProperties") is False

    def check(value: Any, position: SchemaPosition) -> None:
        if not isinstance(value, Map):
            return
        for key in required_keys:
            if key not in value:
                position.add_problem("missing", problem_kind="missing", key=key)
        for key, child_value in value.items():
            value_check = checks_by_key.get(key) or next((make for search, make in pattern_checks if search(key)), None)
            if value_check is not None:
                value_check(child_value, position.child(value, key))
            elif forbids_unknown_keys:
                position.problems.append(
                    Problem(
                        "key",
                        value.key_span(key),
                        (*position.path, key),
                        "key",
                        {"key": key},
                        tuple(checks_by_key),
                    )
                )

    return check


def make_one_of_check(branch_schemas: list[Schema]) -> SchemaCheck:
    """The branch whose type fits; where none does, the types of all."""
    typed_branches = [(_types_of_schema(one), compile_schema(one)) for one in branch_schemas]

    def check(value: Any, position: SchemaPosition) -> None:
        first_failed_problems: list[Problem] | None = None
        for branch_types, branch_check in typed_branches:
            if not may_be_of_json_type(value, branch_types):
                continue
            trial_position = SchemaPosition(position.owner, position.key, position.path)
            branch_check(value, trial_position)
            if not trial_position.problems:
                return
            first_failed_problems = trial_position.problems if first_failed_problems is None else first_failed_problems
        if first_failed_problems is not None:
            position.problems.extend(first_failed_problems)
            return
        allowed_types_text = describe_types(list(_types_of_branches(typed_branches)))
        position.add_problem("type", given=describe_value(value), wanted=allowed_types_text)

    return check


def _types_of_branches(branches: list[tuple[Any, SchemaCheck]]) -> dict[str, None]:
    """The types of all branches, each once, in order."""
    ordered_types: dict[str, None] = {}
    for branch_types, _ in branches:
        ordered_types.update(dict.fromkeys([branch_types] if isinstance(branch_types, str) else branch_types or ()))
    return ordered_types


def _types_of_schema(schema: Schema) -> Any:
    """The types that a schema names, through its references."""
    while "$ref" in schema:
        schema = load_compose_schema()["$defs"][schema["$ref"].rpartition("/")[2]]
    if "oneOf" in schema:
        return [one for inner in schema["oneOf"] for one in _type_names_of_schema(inner)]
    return schema.get("type")


def _type_names_of_schema(schema: Schema) -> list[str]:
    types = _types_of_schema(schema)
    return [types] if isinstance(types, str) else list(types or ())
