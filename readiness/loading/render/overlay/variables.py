"""Variables of a kustomization: `$(NAME)` stands for a value of an object. kustomize has replacements for that today.

kustomize puts them in where its settings and those of the overlay say; here they are put in wherever an object names one,
but for the texts of Secrets and the schemas of custom resources.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from readiness.loading.render.overlay.placed import Value, walk
from readiness.loading.render.overlay.resource import Resource

_NAME = re.compile(r"\$\(([-\w.]+)\)")
_OTHERS = frozenset({"Secret", "CustomResourceDefinition"})


def resolve_variables(resources: list[Resource], variables: Iterable[Value]) -> None:
    """Put the values of variables in; one whose object is not there stays as it is."""
    values: dict[str, Value] = {}
    for variable in variables:
        name, wanted = variable.under("name"), variable.get("objref")
        if not name or wanted is None:
            continue
        kind, called = wanted.under("kind"), wanted.under("name")
        found = [
            resource
            for resource in resources
            if any((known.kind, known.name) == (kind, called) for known in resource.identities)
        ]
        path = (
            variable.under("fieldref", "fieldpath") or variable.under("fieldref", "fieldPath")
        ).split(".")
        value = (
            found[0].node.get(*(path if path != [""] else ["metadata", "name"])) if found else None
        )
        if value is not None and not isinstance(value.data, dict | list):
            values[name] = value
    for resource in resources if values else ():
        if resource.kind in _OTHERS:
            continue
        for value in walk(resource.node):
            if isinstance(value.data, str) and "$(" in value.data:
                _resolve(value, values)


def _resolve(value: Value, values: dict[str, Value]) -> None:
    """Put values into one text; a text that is one variable takes the value as it is, and its place."""
    whole = _NAME.fullmatch(value.text)
    if whole and whole[1] in values:
        found = values[whole[1]]
        value.data, value.place, value.lines = found.data, found.place, ()
        return

    def text(match: re.Match[str]) -> str:
        found = values.get(match[1])
        return match[0] if found is None else str(found.data)

    value.data = _NAME.sub(text, value.text)
