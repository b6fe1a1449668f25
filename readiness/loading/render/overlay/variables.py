"""Variables of a kustomization: `$(NAME)` stands for a value of an object. kustomize has replacements for that today.

They are put in at the fields that kustomize's own settings name, and at those of the overlay's `configurations`; anywhere else
`$(NAME)` stays what it is, as a container's reference to an environment variable does.
https://github.com/kubernetes-sigs/kustomize/blob/12f9e6391464b3ad9dd3fe8182049dc1b1772990/api/internal/konfig/builtinpluginconsts/varreference.go
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from readiness.loading.render.overlay.placed import PlacedValue
from readiness.loading.render.overlay.resource import OverlayResource

_REFERENCE = re.compile(r"\$(?:\$|\(([^)]{0,400})\))")  # `$$` is a `$` that begins none


class Fields(NamedTuple):
    """Fields that may hold variables, by their path: lists on the way are gone through. What is empty fits all."""

    path: tuple[str, ...]
    kind: str = ""
    group: str = ""
    version: str = ""


# Where kustomize puts variables in: in containers, by the path to the pod of a kind; and elsewhere, by kind.
_CONTAINER = ("args", "command", "env/value", "volumeMounts/mountPath")
_PODS = {
    "CronJob": "spec/jobTemplate/spec/template/spec",
    "DaemonSet": "spec/template/spec",
    "Deployment": "spec/template/spec",
    "Job": "spec/template/spec",
    "Pod": "spec",
    "ReplicaSet": "spec/template/spec",
    "StatefulSet": "spec/template/spec",
}
_OTHER_FIELDS = {
    "CronJob": ("spec/jobTemplate/spec/template/volumes/nfs/server",),
    "DaemonSet": ("spec/template/spec/volumes/nfs/server",),
    "Deployment": ("spec/template/spec/volumes/nfs/server", "spec/template/metadata/annotations"),
    "Ingress": ("spec/rules/host", "spec/tls/hosts", "spec/tls/secretName"),
    "Job": ("spec/template/spec/volumes/nfs/server",),
    "PersistentVolume": ("spec/nfs/server",),
    "Pod": ("spec/volumes/nfs/server",),
    "ReplicaSet": ("spec/template/spec/volumes/nfs/server",),
    "Service": ("spec/ports/port", "spec/ports/targetPort"),
    "StatefulSet": ("spec/volumeClaimTemplates/spec/nfs/server",),
    "": ("metadata/labels", "metadata/annotations"),
}
_USUAL_FIELDS = (
    *(
        Fields((*pod.split("/"), listed, *field.split("/")), kind)
        for kind, pod in _PODS.items()
        for listed in ("containers", "initContainers")
        for field in _CONTAINER
    ),
    *(Fields(tuple(path.split("/")), kind) for kind, paths in _OTHER_FIELDS.items() for path in paths),
)


def configured_fields(settings: PlacedValue) -> Iterator[Fields]:
    """The fields that a file of `configurations` adds (`varReference`)."""
    listed = settings.map.get("varReference")
    for entry in listed.list_entries if listed else ():
        parts = re.split(r"(?<!\\)/", entry.text_at_path("path").strip("/"))
        path = tuple(part.replace("\\/", "/").removesuffix("[]") for part in parts)
        if path != ("",):
            yield Fields(
                path,
                entry.text_at_path("kind"),
                entry.text_at_path("group"),
                entry.text_at_path("version"),
            )


def resolve_variables(resources: list[OverlayResource], variables: Iterable[PlacedValue], more: Iterable[Fields] = ()) -> None:
    """Put the values of variables in; one whose object is not there stays as it is. `more` are fields beside the usual ones."""
    values = dict(_values(resources, variables))
    if not values:
        return
    fields = (*_USUAL_FIELDS, *dict.fromkeys(more))
    for resource in resources:
        for field in fields:
            if _is_about(field, resource):
                for value in _found(resource.node, field.path):
                    _resolve_in_value(value, values)


def _values(resources: list[OverlayResource], variables: Iterable[PlacedValue]) -> Iterator[tuple[str, PlacedValue]]:
    """(name, value) of the variables that are one value of an object."""
    for variable in variables:
        name, wanted = variable.text_at_path("name"), variable.value_at_path("objref")
        if not name or wanted is None:
            continue
        kind, called, space = (wanted.text_at_path(key) for key in ("kind", "name", "namespace"))
        found = [
            resource
            for resource in resources
            if any(
                (known.kind, known.name) == (kind, called) and space in {"", known.namespace} for known in resource.identities
            )
        ]
        path = variable.text_at_path("fieldref", "fieldpath") or variable.text_at_path("fieldref", "fieldPath")
        keys = path.split(".") if path else ["metadata", "name"]
        value = found[0].node.value_at_path(*keys) if found else None
        if value is not None and not isinstance(value.data, dict | list):
            yield name, value


def _is_about(field: Fields, resource: OverlayResource) -> bool:
    """Whether fields are those of an object."""
    return field.kind in {"", resource.kind} and field.group in {"", resource.group} and field.version in {"", resource.version}


def _found(value: PlacedValue, path: tuple[str, ...]) -> Iterator[PlacedValue]:
    """The texts at a path: of a mapping or a list that stands there all that are in it."""
    if isinstance(value.data, list) and path:
        for item in value.data:
            yield from _found(item, path)
    elif path:
        inner = value.map.get(path[0])
        if inner is not None:
            yield from _found(inner, path[1:])
    elif isinstance(value.data, dict | list):
        held = value.data.values() if isinstance(value.data, dict) else value.data
        yield from (item for item in held if isinstance(item.data, str))
    elif isinstance(value.data, str):
        yield value


def _resolve_in_value(value: PlacedValue, values: dict[str, PlacedValue]) -> None:
    """Put values into one text; a text that is one variable takes the value as it is, and its place."""
    whole = _REFERENCE.fullmatch(value.string)
    if whole and whole[1] in values:
        found = values[whole[1]]
        value.data, value.place, value.line_places = found.data, found.place, ()
        return

    def replace_reference(match: re.Match[str]) -> str:
        if match[1] is None:
            return "$"
        found = values.get(match[1])
        return match[0] if found is None else str(found.data)

    value.data = _REFERENCE.sub(replace_reference, value.string)
