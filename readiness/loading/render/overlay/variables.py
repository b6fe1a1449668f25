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
from readiness.loading.render.overlay.selector import identity_count
from readiness.loading.render.work import WorkCounter
from readiness.model.lazy_regex import lazy_regex

_FIELDS_PER_LOOKUP = 16  # of which few are of the object's kind
_VARIABLE_REFERENCE = lazy_regex(r"\$(?:\$|\(([^)]{0,400})\))")  # `$$` is a `$` that begins none


class Fields(NamedTuple):
    """Fields that may hold variables, by their path: lists on the way are gone through. What is empty fits all."""

    path: tuple[str, ...]
    kind: str = ""
    group: str = ""
    version: str = ""


# Where kustomize puts variables in: in containers, by the path to the pod of a kind; and elsewhere, by kind.
_CONTAINER_FIELD_PATHS = ("args", "command", "env/value", "volumeMounts/mountPath")
_POD_PATH_BY_KIND = {
    "CronJob": "spec/jobTemplate/spec/template/spec",
    "DaemonSet": "spec/template/spec",
    "Deployment": "spec/template/spec",
    "Job": "spec/template/spec",
    "Pod": "spec",
    "ReplicaSet": "spec/template/spec",
    "StatefulSet": "spec/template/spec",
}
_OTHER_FIELD_PATHS_BY_KIND = {
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
_DEFAULT_VARIABLE_FIELDS = (
    *(
        Fields((*pod.split("/"), listed, *field.split("/")), kind)
        for kind, pod in _POD_PATH_BY_KIND.items()
        for listed in ("containers", "initContainers")
        for field in _CONTAINER_FIELD_PATHS
    ),
    *(Fields(tuple(path.split("/")), kind) for kind, paths in _OTHER_FIELD_PATHS_BY_KIND.items() for path in paths),
)


def configured_fields(configuration: PlacedValue) -> Iterator[Fields]:
    """The fields that a file of `configurations` adds (`varReference`)."""
    variable_reference_entries = configuration.map.get("varReference")
    for variable_reference_entry in variable_reference_entries.list_entries if variable_reference_entries else ():
        escaped_keys = re.split(r"(?<!\\)/", variable_reference_entry.text_at_path("path").strip("/"))
        key_path = tuple(part.replace("\\/", "/").removesuffix("[]") for part in escaped_keys)
        if key_path != ("",):
            yield Fields(
                key_path,
                variable_reference_entry.text_at_path("kind"),
                variable_reference_entry.text_at_path("group"),
                variable_reference_entry.text_at_path("version"),
            )


def resolve_variables(
    resources: list[OverlayResource], variables: Iterable[PlacedValue], additional_fields: Iterable[Fields], counter: WorkCounter
) -> None:
    """Put the values of variables in; one whose object is not there stays as it is. `additional_fields` are fields beside the usual ones."""
    value_by_variable_name = dict(_variable_names_and_values(resources, variables, counter))
    if not value_by_variable_name:
        return
    all_fields = (*_DEFAULT_VARIABLE_FIELDS, *dict.fromkeys(additional_fields))
    for resource in resources:
        counter.count_lookups(len(all_fields) // _FIELDS_PER_LOOKUP)
        for variable_fields in all_fields:
            if _are_fields_of_resource(variable_fields, resource):
                for text_value in _text_values_at_path(resource.node, variable_fields.path, counter):
                    _resolve_in_value(text_value, value_by_variable_name, counter)


def _variable_names_and_values(
    resources: list[OverlayResource], variables: Iterable[PlacedValue], counter: WorkCounter
) -> Iterator[tuple[str, PlacedValue]]:
    """(name, value) of the variables that are one value of an object."""
    resources_by_kind_and_name: dict[tuple[str, str], list[OverlayResource]] = {}
    for resource in resources:
        for kind_and_name in dict.fromkeys((identity.kind, identity.name) for identity in resource.identities):
            resources_by_kind_and_name.setdefault(kind_and_name, []).append(resource)
    for variable in variables:
        variable_name, object_reference = variable.text_at_path("name"), variable.value_at_path("objref")
        if not variable_name or object_reference is None:
            continue
        object_kind, object_name, namespace = (object_reference.text_at_path(key) for key in ("kind", "name", "namespace"))
        named_resources = resources_by_kind_and_name.get((object_kind, object_name), [])
        counter.count_lookups(identity_count(named_resources))
        referenced_resources = [
            resource
            for resource in named_resources
            if any(
                (identity.kind, identity.name) == (object_kind, object_name) and namespace in {"", identity.namespace}
                for identity in resource.identities
            )
        ]
        field_path = variable.text_at_path("fieldref", "fieldpath") or variable.text_at_path("fieldref", "fieldPath")
        key_path = field_path.split(".") if field_path else ["metadata", "name"]
        variable_value = referenced_resources[0].node.value_at_path(*key_path) if referenced_resources else None
        if variable_value is not None and not isinstance(variable_value.data, dict | list):
            yield variable_name, variable_value


def _are_fields_of_resource(variable_fields: Fields, resource: OverlayResource) -> bool:
    """Whether fields are those of an object."""
    return (
        variable_fields.kind in {"", resource.kind}
        and variable_fields.group in {"", resource.group}
        and variable_fields.version in {"", resource.version}
    )


def _text_values_at_path(value: PlacedValue, key_path: tuple[str, ...], counter: WorkCounter) -> Iterator[PlacedValue]:
    """The texts at a path: of a mapping or a list that stands there all that are in it."""
    counter.count_visits(1)
    if isinstance(value.data, list) and key_path:
        for item in value.data:
            yield from _text_values_at_path(item, key_path, counter)
    elif key_path:
        inner_value = value.map.get(key_path[0])
        if inner_value is not None:
            yield from _text_values_at_path(inner_value, key_path[1:], counter)
    elif isinstance(value.data, dict | list):
        counter.count_visits(len(value.data))
        contained_values = value.data.values() if isinstance(value.data, dict) else value.data
        yield from (item for item in contained_values if isinstance(item.data, str))
    elif isinstance(value.data, str):
        yield value


def _resolve_in_value(text_value: PlacedValue, value_by_variable_name: dict[str, PlacedValue], counter: WorkCounter) -> None:
    """Put values into one text; a text that is one variable takes the value as it is, and its place."""
    whole_reference_match = _VARIABLE_REFERENCE.fullmatch(text_value.string)
    if whole_reference_match and whole_reference_match[1] in value_by_variable_name:
        variable_value = value_by_variable_name[whole_reference_match[1]]
        text_value.data, text_value.place, text_value.line_places = variable_value.data, variable_value.place, ()
        return

    def replace_reference(reference_match: re.Match[str]) -> str:
        if reference_match[1] is None:
            return "$"
        variable_value = value_by_variable_name.get(reference_match[1])
        value_text = reference_match[0] if variable_value is None else str(variable_value.data)
        counter.count_characters(len(value_text))
        return value_text

    counter.count_characters(len(text_value.string))
    text_value.data = _VARIABLE_REFERENCE.sub(replace_reference, text_value.string)
