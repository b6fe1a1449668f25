"""Field names and types of built-in kinds, held against the official API without a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from readiness.checks.k8s.apis import kind_facts
from readiness.checks.k8s.written import lowered_where_values_decide
from readiness.facts.table import fact_row_by_name
from readiness.kinds.k8s.effective import is_filled_in_value
from readiness.kinds.k8s.model import Object
from readiness.model import CheckOutcome, Related, Span, hit, missing, spelling
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax.holes import has_variable_or_placeholder
from readiness.syntax.yaml import Map, Seq

DESCRIPTION_BY_TYPE_CODE = {
    "s": "a string",
    "i": "a number",
    "b": "true or false",
    "n": "a number",
    "q": "a quantity",
}
_CONTAINER_PORT_FIELD = lazy_regex(r"\.containers\[\d+\]\.ports\[\d+\]\.containerPort\Z")  # k8s/port-invalid tells of it
_SELECTOR_FIELD = "spec.selector"  # where it is required a rule of its own tells that it is missing
MAX_VALUES_PER_OBJECT = 20_000  # values of one object that are looked at


class SchemaFlaw(NamedTuple):
    """What does not fit: which sort of mistake, where, in which field.

    `word` is for a type what the field takes, `given` what it has; for a field that is unknown `word` is a hint. `misspelt` is
    the key that was written in the place of a required field, where one is nearly it.
    """

    mistake_kind: str
    span: Span
    field: str
    word: str = ""
    given: str = ""
    misspelt: Span | None = None


def type_name_of_object(obj: Object) -> str:
    """The type of an object in the table; empty for kinds and versions that it does not have."""
    return str(kind_facts(obj).get("type", ""))


def is_cluster_scoped(obj: Object) -> bool:
    """Whether objects of the kind stand in no namespace."""
    return kind_facts(obj).get("cluster") is True


_TypedValue = tuple[Any, str, Span, str]  # a value, the type that it is to have, where it stands, its path


def find_flaws(obj: Object) -> Iterator[SchemaFlaw]:
    """Where an object does not fit its type. Walks without recursion and not for ever: aliases may make a cycle."""
    if obj.node.get("apiVersion") is None or obj.node.get("kind") is None:
        return  # a piece in prose or in the settings of a program, put where it may stand: its type is a guess
    fields_by_type_name = fact_row_by_name("kubernetes-types")
    pending_values: list[_TypedValue] = [(obj.node, type_name_of_object(obj), obj.node.at(), "")]
    for _ in range(MAX_VALUES_PER_OBJECT):
        if not pending_values:
            return
        field_value, type_code, span, field_path = pending_values.pop()
        if field_value is None or not type_code or type_code == "o" or (type_code == "s" and isinstance(field_value, str)):
            continue
        if has_variable_or_placeholder(field_value):
            continue
        expected_type_text = _type_mismatch_text(field_value, type_code, fields_by_type_name)
        if expected_type_text:
            yield SchemaFlaw("type", span, field_path, expected_type_text, _shape_name(field_value))
        elif type_code.startswith(("[]", "{}")):
            pending_values += _typed_entries(field_value, type_code[2:], field_path)
        elif type_code in fields_by_type_name:
            yield from _field_flaws(field_value, type_code, field_path, pending_values)


def _type_mismatch_text(value: Any, type_code: str, fields_by_type_name: Mapping[str, Any]) -> str:
    """What a value of a type is, in words, where this one is something else; empty where it fits."""
    if type_code.startswith("[]"):
        return "" if isinstance(value, Seq) else "a list"
    if type_code.startswith("{}") or type_code in fields_by_type_name:
        return "" if isinstance(value, Map) else "a mapping"
    return "" if _is_of_type(value, type_code) else DESCRIPTION_BY_TYPE_CODE.get(type_code, "another type")


def _typed_entries(collection: Map | Seq, entry_type: str, field_path: str) -> list[_TypedValue]:
    """The first entries of a list or a mapping."""
    if isinstance(collection, Map):
        return [(collection[key], entry_type, collection.at(key), f"{field_path}.{key}") for key in list(collection)[:500]]
    return [(item, entry_type, collection.at(index), f"{field_path}[{index}]") for index, item in enumerate(collection[:500])]


@cache
def _required_fields(type_name: str) -> tuple[str, ...]:
    """The fields that a type requires, in its order."""
    return tuple(field_name for field_name, field_type in fact_row_by_name("kubernetes-types")[type_name].items() if field_type.endswith("!"))


def _field_flaws(node: Map, type_name: str, parent_path: str, pending_values: list[Any]) -> Iterator[SchemaFlaw]:
    type_by_field: Mapping[str, str] = fact_row_by_name("kubernetes-types")[type_name]
    missing_required_fields = [field_name for field_name in _required_fields(type_name) if node.get(field_name) is None]
    misspelt_span_by_field: dict[str, Span] = {}
    for field_name, field_value in node.items():
        field_type = type_by_field.get(field_name)
        field_path = f"{parent_path}.{field_name}" if parent_path else field_name
        if field_type is not None:
            pending_values.append((field_value, field_type.rstrip("!"), node.at(field_name), field_path))
        elif not is_filled_in_value(field_name) and not field_name.startswith(("$", "{{", "x-")):
            nearest_field = spelling.most_similar_known_word(field_name, type_by_field) if missing_required_fields else ""
            if nearest_field in missing_required_fields and f"{parent_path}.{nearest_field}" != _SELECTOR_FIELD:
                misspelt_span_by_field.setdefault(nearest_field, node.key_span(field_name))
            unknown_field_flaw = SchemaFlaw("unknown", node.key_span(field_name), field_path, spelling.did_you_mean_text(field_name, type_by_field))
            yield unknown_field_flaw._replace(misspelt=misspelt_span_by_field.get(nearest_field))
    for field_name in missing_required_fields:
        yield SchemaFlaw(
            "required",
            node.at(),
            f"{parent_path}.{field_name}" if parent_path else field_name,
            misspelt=misspelt_span_by_field.get(field_name),
        )


def _is_of_type(value: Any, type_code: str) -> bool:
    if isinstance(value, bool):
        return type_code == "b"
    if type_code == "b":
        return False
    if type_code == "s":
        return isinstance(value, str)
    if type_code == "i":
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return isinstance(value, str | int | float) if type_code == "q" else isinstance(value, int | float)


def _shape_name(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "a string" if isinstance(value, str) else "a number"


def _list_of_flaws(obj: Object, _project: Project) -> list[SchemaFlaw]:
    """The flaws of an object, for the rules that share them."""
    return list(find_flaws(obj))


@lowered_where_values_decide()
def field_unknown(obj: Object, *, project: Project) -> CheckOutcome:
    """A field that the object's type does not have; `sops` is taken out again when SOPS decrypts the file.

    A required field that is misspelt is told as the one that is missing, where that is told.
    """
    is_required_check_off = project.prose or bool(obj.source.fragment)
    for flaw in project.memoize_for_subject(_list_of_flaws, obj):
        if flaw.mistake_kind == "unknown" and flaw.field != "sops" and (is_required_check_off or flaw.misspelt != flaw.span):
            yield hit(flaw.span, field=flaw.field, meant=flaw.word)


def wrong_type_spans(obj: Object, project: Project) -> frozenset[Span]:
    """The places of an object where `field_type_wrong` tells of a value."""
    return frozenset(flaw.span for flaw in project.memoize_for_subject(_list_of_flaws, obj) if flaw.mistake_kind == "type")


@lowered_where_values_decide()
def field_type_wrong(obj: Object, *, project: Project) -> CheckOutcome:
    """A value of another type than the field takes."""
    for flaw in project.memoize_for_subject(_list_of_flaws, obj):
        if flaw.mistake_kind == "type":
            yield hit(flaw.span, field=flaw.field, wanted=flaw.word, given=flaw.given)


@lowered_where_values_decide()
def field_required_missing(obj: Object, *, project: Project) -> CheckOutcome:
    """A field that the object's type requires is left out; prose may do that, and selectors and ports have rules of their own."""
    if project.prose:
        return
    for flaw in project.memoize_for_subject(_list_of_flaws, obj):
        if flaw.mistake_kind == "required" and flaw.misspelt is None and _CONTAINER_PORT_FIELD.search(flaw.field):
            continue
        if flaw.mistake_kind == "required" and flaw.field != _SELECTOR_FIELD:
            misspelt_location = Related(obj.source, flaw.misspelt, "this key is none of its fields, and nearly that one") if flaw.misspelt else None
            yield missing(flaw.span, related=[misspelt_location] if misspelt_location else [], field=flaw.field)


def namespace_on_cluster_object(obj: Object) -> CheckOutcome:
    """An object that stands in no namespace names one."""
    if is_cluster_scoped(obj) and obj.namespace:
        yield hit(obj.node.mapping_at_path("metadata").at("namespace"))
