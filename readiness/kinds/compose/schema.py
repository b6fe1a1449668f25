"""The Compose Specification's schema as closures: JSON Schema, as much of it as that schema uses, with places."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from readiness.model import Span
from readiness.model.messages import FactValue
from readiness.model.package import DATA_FOLDER
from readiness.syntax.holes import has_variable
from readiness.syntax.interpolation import InterpolationError, interpolate
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

    def child(self, owner: Map | Seq, key: Any) -> SchemaPosition:
        """The place of the value under `key` of `owner`, one step further down."""
        return SchemaPosition(owner, key, (*self.path, str(key)), self.problems)

    def add_problem(self, say: str, *, sort: str = "value", **facts: FactValue) -> None:
        """Add a problem at this place to the list."""
        self.problems.append(Problem(sort, self.span(), self.path, say, facts))


SchemaCheck = Callable[[Any, SchemaPosition], None]
_TYPE_NAMES = {"object": "a mapping", "array": "a list", "string": "a string", "integer": "a whole number",
          "number": "a number", "boolean": "true or false", "null": "empty"}  # fmt: skip
_CASTABLE_TYPES = frozenset({"string", "integer", "number", "boolean"})


@cache
def schema_data() -> Schema:
    """The JSON schema of the Compose specification, as shipped with the package."""
    loaded: Schema = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    return loaded


@cache
def root_check() -> SchemaCheck:
    """The compiled check of the schema's root, made once a process."""
    return compile_schema(schema_data())


@cache
def _load_definition(name: str) -> SchemaCheck:
    return compile_schema(schema_data()["$defs"][name])


def _reference_check(name: str) -> SchemaCheck:
    """The check of a definition, compiled when it is first asked: definitions may refer to themselves."""

    def check(value: Any, place: SchemaPosition) -> None:
        _load_definition(name)(value, place)

    return check


def schema_problems(root: Map) -> list[Problem]:
    """All that the schema refuses in one YAML document."""
    place = SchemaPosition(root, None, ())
    root_check()(root, place)
    return place.problems


def compile_schema(schema: Schema) -> SchemaCheck:
    """A function that reports where a value breaks one (sub)schema."""
    schema = flatten_all_of(schema)
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _reference_check(name)
    if "oneOf" in schema:
        return make_one_of_check(schema["oneOf"])
    checks: list[SchemaCheck] = []
    if "enum" in schema:
        checks.append(make_enum_check(schema["enum"]))
    if "pattern" in schema:
        checks.append(make_pattern_check(schema["pattern"]))
    if "minimum" in schema or "maximum" in schema:
        checks.append(make_bounds_check(schema.get("minimum"), schema.get("maximum")))
    if "items" in schema:
        checks.append(make_items_check(compile_schema(schema["items"])))
    if schema.get("uniqueItems"):
        checks.append(check_unique)
    if {"properties", "patternProperties", "required", "additionalProperties"} & set(schema):
        checks.append(make_mapping_check(schema))
    return make_type_check(schema.get("type"), checks)


def flatten_all_of(schema: Schema) -> Schema:
    """`allOf` and what it refers to, as one schema: the parts have no keys in common."""
    if "allOf" not in schema:
        return schema
    merged: Schema = {"type": "object", "properties": {}, "patternProperties": {}}
    for branch in [*schema["allOf"], schema]:
        part = schema_data()["$defs"][branch["$ref"].rpartition("/")[2]] if "$ref" in branch else branch
        merged["properties"].update(part.get("properties", {}))
        merged["patternProperties"].update(part.get("patternProperties", {}))
        merged["required"] = [*merged.get("required", ()), *part.get("required", ())]
    merged["additionalProperties"] = False
    return merged


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


def is_variable(value: Any) -> bool:
    """Whether a string holds a variable: what it will be nobody can tell."""
    if not isinstance(value, str) or not has_variable(value):
        return False
    try:
        return not interpolate(value).has_no_variables
    except InterpolationError:
        return True


def is_of_type(value: Any, types: Any) -> bool:
    """Whether a value is of one of the types (None: any); a variable can become any scalar."""
    if types is None:
        return True
    wanted = {types} if isinstance(types, str) else set(types)
    sort = json_type(value)
    if sort in wanted or (sort == "integer" and "number" in wanted):
        return True
    return sort == "string" and bool(wanted & _CASTABLE_TYPES) and is_variable(value)


def make_type_check(types: Any, checks: list[SchemaCheck]) -> SchemaCheck:
    """The type first; the rest only where that holds."""

    def check(value: Any, place: SchemaPosition) -> None:
        if not is_of_type(value, types):
            place.add_problem("type", given=describe_value(value), wanted=types_text(types))
            return
        for validate in checks:
            validate(value, place)

    return check


def describe_value(value: Any) -> str:
    """What a value is, in a word; scalars that are no strings as they stand."""
    sort = json_type(value)
    if sort in {"integer", "number", "boolean"}:
        return str(value).lower() if isinstance(value, bool) else str(value)
    return _TYPE_NAMES[sort] if value is not None else "nothing"


def types_text(types: Any) -> str:
    """The types that a schema allows as a message names them: `a string or a number`."""
    words = [_TYPE_NAMES[one] for one in ([types] if isinstance(types, str) else types)]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def make_enum_check(values: list[Any]) -> SchemaCheck:
    """A check for `enum`: the value equals one of `values`."""

    def check(value: Any, place: SchemaPosition) -> None:
        if value not in values and not is_variable(value):
            place.add_problem("choice", value=value, allowed=", ".join(map(str, values)))

    return check


def make_pattern_check(pattern: str) -> SchemaCheck:
    """A check for `pattern`: a string in which the expression is found."""
    search = re.compile(pattern).search

    def check(value: Any, place: SchemaPosition) -> None:
        if isinstance(value, str) and not search(value) and not is_variable(value):
            place.add_problem("form", value=value, form=pattern)

    return check


def make_bounds_check(low: float | None, high: float | None) -> SchemaCheck:
    """A check for `minimum` and `maximum`, both inclusive; None is no bound."""

    def check(value: Any, place: SchemaPosition) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return
        if (low is not None and value < low) or (high is not None and value > high):
            if high is None:
                place.add_problem("least", value=value, least=low)
            else:
                place.add_problem("range", value=value, least=low, most=high)

    return check


def make_items_check(item: SchemaCheck) -> SchemaCheck:
    """A check for `items`: each entry of a list holds to one check."""

    def check(value: Any, place: SchemaPosition) -> None:
        if isinstance(value, Seq):
            for index, element in enumerate(value):
                item(element, place.child(value, index))

    return check


# Lists of services that Docker makes unique itself before it looks at the schema.
_DEDUPLICATED_LISTS = frozenset(
    """cap_add cap_drop dns dns_opt dns_search expose links ports profiles tmpfs volumes environment labels annotations sysctls
    build.args build.labels build.additional_contexts deploy.labels""".split()
)


def check_unique(value: Any, place: SchemaPosition) -> None:
    """A check for `uniqueItems`: no two entries of a list are equal."""
    path = place.path
    if path[0] != "services" or ".".join(path[2:]) in _DEDUPLICATED_LISTS or path[2:-1][:1] == ("networks",):
        return
    seen: set[object] = set()
    for index, item in enumerate(value) if isinstance(value, Seq) else ():
        if isinstance(item, str | int | float) and (type(item), item) in seen:
            place.problems.append(Problem("value", value.at(index), path, "twice", {"value": item}))
        seen.add((type(item), item) if isinstance(item, str | int | float) else object())


def make_mapping_check(schema: Schema) -> SchemaCheck:
    """Every key of a mapping: those that are named, those of a form, those that must be there."""
    named = {key: compile_schema(one) for key, one in schema.get("properties", {}).items()}
    formed = [
        (re.compile(form).search, compile_schema(subschema)) for form, subschema in schema.get("patternProperties", {}).items()
    ]
    required, closed = schema.get("required", ()), schema.get("additionalProperties") is False

    def check(value: Any, place: SchemaPosition) -> None:
        if not isinstance(value, Map):
            return
        for key in required:
            if key not in value:
                place.add_problem("missing", sort="missing", key=key)
        for key, element in value.items():
            validate = named.get(key) or next((make for search, make in formed if search(key)), None)
            if validate is not None:
                validate(element, place.child(value, key))
            elif closed:
                place.problems.append(
                    Problem(
                        "key",
                        value.key_span(key),
                        (*place.path, key),
                        "key",
                        {"key": key},
                        tuple(named),
                    )
                )

    return check


def make_one_of_check(schemas: list[Schema]) -> SchemaCheck:
    """The branch whose type fits; where none does, the types of all."""
    branches = [(_schema_types(one), compile_schema(one)) for one in schemas]

    def check(value: Any, place: SchemaPosition) -> None:
        best: list[Problem] | None = None
        for types, branch in branches:
            if not is_of_type(value, types):
                continue
            trial = SchemaPosition(place.owner, place.key, place.path)
            branch(value, trial)
            if not trial.problems:
                return
            best = trial.problems if best is None else best
        if best is not None:
            place.problems.extend(best)
            return
        wanted = types_text(list(_all_types(branches)))
        place.add_problem("type", given=describe_value(value), wanted=wanted)

    return check


def _all_types(branches: list[tuple[Any, SchemaCheck]]) -> dict[str, None]:
    """The types of all branches, each once, in order."""
    found: dict[str, None] = {}
    for types, _ in branches:
        found.update(dict.fromkeys([types] if isinstance(types, str) else types or ()))
    return found


def _schema_types(schema: Schema) -> Any:
    """The types that a schema names, through its references."""
    while "$ref" in schema:
        schema = schema_data()["$defs"][schema["$ref"].rpartition("/")[2]]
    if "oneOf" in schema:
        return [one for inner in schema["oneOf"] for one in _listed_types(inner)]
    return schema.get("type")


def _listed_types(schema: Schema) -> list[str]:
    types = _schema_types(schema)
    return [types] if isinstance(types, str) else list(types or ())
