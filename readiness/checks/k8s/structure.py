"""Field names and types of built-in kinds, held against the official API without a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from readiness.checks.k8s.apis import kind_facts
from readiness.facts.table import fact_rows
from readiness.kinds.k8s.effective import is_variable
from readiness.kinds.k8s.model import Object
from readiness.model import CheckOutcome, Related, Span, hit, missing, spelling
from readiness.model.project import Project
from readiness.syntax.holes import is_form_unknown
from readiness.syntax.yaml import Map, Seq

TYPE_DESCRIPTIONS = {
    "s": "a string",
    "i": "a number",
    "b": "true or false",
    "n": "a number",
    "q": "a quantity",
}
_SELECTOR_FIELD = "spec.selector"  # where it is required a rule of its own tells that it is missing
MAX_VALUES = 20_000  # values of one object that are looked at


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


def type_of_object(obj: Object) -> str:
    """The type of an object in the table; empty for kinds and versions that it does not have."""
    return str(kind_facts(obj).get("type", ""))


def is_cluster_scoped(obj: Object) -> bool:
    """Whether objects of the kind stand in no namespace."""
    return kind_facts(obj).get("cluster") is True


_Place = tuple[Any, str, Span, str]  # a value, the type that it is to have, where it stands, its path


def find_flaws(obj: Object) -> Iterator[SchemaFlaw]:
    """Where an object does not fit its type. Walks without recursion and not for ever: aliases may make a cycle."""
    if obj.node.get("apiVersion") is None:
        return  # a piece in prose, put where it may stand
    types = fact_rows("kubernetes-types")
    stack: list[_Place] = [(obj.node, type_of_object(obj), obj.node.at(), "")]
    for _ in range(MAX_VALUES):
        if not stack:
            return
        value, kind, span, path = stack.pop()
        if value is None or not kind or kind == "o" or is_form_unknown(value):
            continue
        wanted = _wanted_word(value, kind, types)
        if wanted:
            yield SchemaFlaw("type", span, path, wanted, _shape_name(value))
        elif kind.startswith(("[]", "{}")):
            stack += _entries(value, kind[2:], path)
        elif kind in types:
            yield from _member_flaws(value, types[kind], path, stack)


def _wanted_word(value: Any, kind: str, types: Mapping[str, Any]) -> str:
    """What a value of a type is, in words, where this one is something else; empty where it fits."""
    if kind.startswith("[]"):
        return "" if isinstance(value, Seq) else "a list"
    if kind.startswith("{}") or kind in types:
        return "" if isinstance(value, Map) else "a mapping"
    return "" if _is_of_type(value, kind) else TYPE_DESCRIPTIONS.get(kind, "another type")


def _entries(value: Map | Seq, kind: str, path: str) -> list[_Place]:
    """The first entries of a list or a mapping."""
    if isinstance(value, Map):
        return [(value[key], kind, value.at(key), f"{path}.{key}") for key in list(value)[:500]]
    return [(item, kind, value.at(n), f"{path}[{n}]") for n, item in enumerate(value[:500])]


def _member_flaws(node: Map, type_by_field: dict[str, str], path: str, stack: list[Any]) -> Iterator[SchemaFlaw]:
    absent = {key for key, kind in type_by_field.items() if kind.endswith("!") and node.get(key) is None}
    misspelt: dict[str, Span] = {}
    for key, value in node.items():
        kind = type_by_field.get(key)
        inner = f"{path}.{key}" if path else key
        if kind is not None:
            stack.append((value, kind.rstrip("!"), node.at(key), inner))
        elif not is_variable(key) and not key.startswith(("$", "{{", "x-")):
            near = spelling.nearest_word(key, type_by_field) if absent else ""
            if near in absent and f"{path}.{near}" != _SELECTOR_FIELD:
                misspelt.setdefault(near, node.key_span(key))
            told = SchemaFlaw("unknown", node.key_span(key), inner, spelling.did_you_mean_text(key, type_by_field))
            yield told._replace(misspelt=misspelt.get(near))
    for key in type_by_field:
        if key in absent:
            yield SchemaFlaw("required", node.at(), f"{path}.{key}" if path else key, misspelt=misspelt.get(key))


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


def _flaws_of(obj: Object, _project: Project) -> list[SchemaFlaw]:
    """The flaws of an object, for the rules that share them."""
    return list(find_flaws(obj))


def field_unknown(obj: Object, *, project: Project) -> CheckOutcome:
    """A field that the object's type does not have; `sops` is taken out again when SOPS decrypts the file.

    A required field that is misspelt is told as the one that is missing, where that is told.
    """
    alone = project.prose or bool(obj.source.fragment)
    for flaw in project.memoize_for_subject(_flaws_of, obj):
        if flaw.mistake_kind == "unknown" and flaw.field != "sops" and (alone or flaw.misspelt != flaw.span):
            yield hit(flaw.span, field=flaw.field, meant=flaw.word)


def wrong_type_spans(obj: Object, project: Project) -> frozenset[Span]:
    """The places of an object where `field_type_wrong` tells of a value."""
    return frozenset(flaw.span for flaw in project.memoize_for_subject(_flaws_of, obj) if flaw.mistake_kind == "type")


def field_type_wrong(obj: Object, *, project: Project) -> CheckOutcome:
    """A value of another type than the field takes."""
    for flaw in project.memoize_for_subject(_flaws_of, obj):
        if flaw.mistake_kind == "type":
            yield hit(flaw.span, field=flaw.field, wanted=flaw.word, given=flaw.given)


def field_required_missing(obj: Object, *, project: Project) -> CheckOutcome:
    """A field that the object's type requires is left out; prose may do that, and selectors have a rule of their own."""
    if project.prose:
        return
    for flaw in project.memoize_for_subject(_flaws_of, obj):
        if flaw.mistake_kind == "required" and flaw.field != _SELECTOR_FIELD:
            written = (
                Related(obj.source, flaw.misspelt, "this key is none of its fields, and nearly that one")
                if flaw.misspelt
                else None
            )
            yield missing(flaw.span, related=[written] if written else [], field=flaw.field)


def namespace_on_cluster_object(obj: Object) -> CheckOutcome:
    """An object that stands in no namespace names one."""
    if is_cluster_scoped(obj) and obj.namespace:
        yield hit(obj.node.mapping_at_path("metadata").at("namespace"))
