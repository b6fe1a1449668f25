"""Names, labels, ports and variables by their syntax, and things that are written twice."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import islice, pairwise

from readiness.checks.k8s.apis import kinds_by_group
from readiness.checks.k8s.structure import wrong_type_spans
from readiness.checks.k8s.written import lowered_where_values_decide
from readiness.kinds.k8s.effective import integer_or_none, is_filled_in_value
from readiness.kinds.k8s.elsewhere import is_applied_by_flux
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.labels import may_be_same_namespace
from readiness.kinds.k8s.model import Container, Document, Object, Pod
from readiness.kinds.units import MAX_CANDIDATES_PER_QUESTION, folder_of
from readiness.model import (
    CheckOutcome,
    Hit,
    Pattern,
    Related,
    Severity,
    Span,
    Undecidable,
    hit,
    missing,
)
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax.holes import has_placeholder, has_variable_or_placeholder
from readiness.syntax.yaml import Map, walk_containers

DNS_LABEL_PATTERN = lazy_regex(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\Z")
DNS_SUBDOMAIN_PATTERN = lazy_regex(r"(?=.{1,253}\Z)[a-z0-9]+(?:-+[a-z0-9]+)*(?:\.[a-z0-9]+(?:-+[a-z0-9]+)*)*\Z")
QUALIFIED_NAME_PATTERN = lazy_regex(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?\Z")
PORT_NAME_PATTERN = lazy_regex(r"(?=[a-z0-9-]{1,15}\Z)(?=.*[a-z])[a-z0-9](?:-?[a-z0-9])*\Z")
# A name of these kinds is part of host names, and so has no dots.
KINDS_WITH_DNS_LABEL_NAME = frozenset({"Service", "Namespace"})
# OpenShift's API server has other rules for names: of an ImageStream's `_` is a part, of a Group's any path segment.
_GROUP_WITH_NAME_RULES_OF_ITS_OWN = ".openshift.io"
# Kinds whose names may hold colons, as those of the system's own roles do.
KINDS_ALLOWING_COLONS = frozenset({"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"})


@lowered_where_values_decide(DNS_SUBDOMAIN_PATTERN)
def name_invalid(obj: Object) -> CheckOutcome:
    """An object's name is none that Kubernetes takes; a place for another program to fill in, as `_` is, is not known.

    A Template of OpenShift needs none: `oc process -f` makes its objects, and it is not stored.
    """
    metadata = obj.metadata
    object_name = metadata.get("name")
    if object_name is None:
        if (
            metadata.get("generateName") is None
            and obj.source.parent is None
            and obj.kind not in {"Kustomization", "Component", "Template"}
            and _is_api_object(obj)
        ):
            yield missing(obj.metadata.at(), say="missing")
    elif isinstance(object_name, str) and not is_filled_in_value(object_name) and obj.kind not in KINDS_ALLOWING_COLONS and not obj.source.fragment:
        if (
            has_placeholder(object_name)
            or not any(map(str.isalnum, object_name))
            or (not _is_api_object(obj) and _CAPITALS_PLACEHOLDER_PATTERN.search(object_name))
        ):
            yield Undecidable(metadata.at("name"))
            return
        if obj.group.endswith(_GROUP_WITH_NAME_RULES_OF_ITS_OWN):
            return
        requires_dns_label = obj.kind in KINDS_WITH_DNS_LABEL_NAME and "." not in obj.group
        if not (DNS_LABEL_PATTERN.match(object_name) if requires_dns_label else DNS_SUBDOMAIN_PATTERN.match(object_name)):
            message_name, max_length = ("label", 63) if requires_dns_label else ("subdomain", 253)
            if len(object_name) > max_length and _has_only_name_characters(object_name, dots=not requires_dns_label):
                message_name = "long"
            yield hit(metadata.at("name"), say=message_name, name=object_name[:80], length=len(object_name), limit=max_length)


def _has_only_name_characters(name: str, *, dots: bool) -> bool:
    """Whether nothing is wrong with the characters of a name, so that its length is."""
    return all("a" <= one <= "z" or "0" <= one <= "9" or one == "-" or (dots and one == ".") for one in name)


# A word in capitals in the name of an object of a program's own.
_CAPITALS_PLACEHOLDER_PATTERN = lazy_regex(r"\b[A-Z][A-Z0-9]{1,60}(?:_[A-Z0-9]{1,60}){1,20}\b")


def _is_api_object(obj: Object) -> bool:
    """Whether an object is one that the API server keeps, by its group."""
    return obj.group in kinds_by_group()


@lowered_where_values_decide(DNS_LABEL_PATTERN)
def container_name_invalid(container: Container) -> CheckOutcome:
    """A container's name is no DNS label."""
    container_name = container.node.get("name")
    if not isinstance(container_name, str) or is_filled_in_value(container_name):
        return
    if has_placeholder(container_name):
        yield Undecidable(container.node.at("name"))
    elif not DNS_LABEL_PATTERN.match(container_name):
        is_only_long = len(container_name) > 63 and _has_only_name_characters(container_name, dots=False)
        yield hit(container.node.at("name"), say="long" if is_only_long else "characters", value=container_name[:80], length=len(container_name))


def invalid_key_part(key: str) -> str:
    """The part of a text that keeps it from being a key of a label or annotation, `prefix` or `name`; empty where it is one."""
    prefix, separator, name = key.rpartition("/")
    if separator and not DNS_SUBDOMAIN_PATTERN.match(prefix):
        return "prefix"
    return "" if QUALIFIED_NAME_PATTERN.match(name) else "name"


@lowered_where_values_decide(QUALIFIED_NAME_PATTERN)
def label_invalid(obj: Object, *, project: Project) -> CheckOutcome:
    """A label that the API server refuses: its key, or its value.

    Low where Flux applies the object and the value is no string: it leaves out all labels of the object, and sends the rest.
    https://github.com/fluxcd/flux2/pull/5906
    """
    for label_hit in _label_hits(obj.labels, wrong_type_spans(obj, project)):
        if isinstance(label_hit, Hit) and label_hit.message_name == "no-string" and is_applied_by_flux(obj, project):
            yield label_hit._replace(message_name="left-out", severity=Severity.LOW)
        else:
            yield label_hit


@lowered_where_values_decide(QUALIFIED_NAME_PATTERN)
def pod_label_invalid(pod: Pod, *, project: Project) -> CheckOutcome:
    """A label of a pod template that the API server refuses."""
    if pod.template is not pod.owner.node:
        yield from _label_hits(pod.labels, wrong_type_spans(pod.owner, project))


def _label_hits(labels: Map, wrong_type_value_spans: Collection[Span]) -> CheckOutcome:
    """A hit for each label that the API server refuses; one with a word to replace is not known.

    Of a value that is no string `field_type_wrong` tells where the schema of the kind is known (`wrong_type_value_spans`).
    """
    for label_key, label_value in labels.items():
        if is_filled_in_value(label_key) or is_filled_in_value(label_value) or label_key == "":
            continue
        if has_placeholder(label_key) or (isinstance(label_value, str) and has_placeholder(label_value)):
            yield Undecidable(labels.at(label_key))
            continue
        invalid_part = invalid_key_part(label_key)
        if invalid_part:
            yield hit(labels.key_span(label_key), say=invalid_part, label=label_key[:80])
        elif isinstance(label_value, str) and label_value and not QUALIFIED_NAME_PATTERN.match(label_value):
            yield hit(labels.at(label_key), say="value", label=label_key, value=label_value[:64])
        elif label_value is not None and not isinstance(label_value, str) and labels.at(label_key) not in wrong_type_value_spans:
            yield hit(labels.at(label_key), say="no-string", label=label_key)


@lowered_where_values_decide()
def annotation_invalid(obj: Object, *, project: Project) -> CheckOutcome:
    """An annotation that the API server refuses: its key, or a value that is no string, as of labels."""
    wrong_types = wrong_type_spans(obj, project)
    for annotation_key, annotation_value in obj.annotations.items():
        invalid_part = invalid_key_part(annotation_key) if not has_variable_or_placeholder(annotation_key) else ""
        if invalid_part:
            yield hit(obj.annotations.key_span(annotation_key), say=invalid_part, key=annotation_key[:80])
        elif annotation_value is not None and not isinstance(annotation_value, str) and obj.annotations.at(annotation_key) not in wrong_types:
            yield hit(obj.annotations.at(annotation_key), say="no-string", key=annotation_key)


@lowered_where_values_decide()
def env_name_invalid(container: Container) -> CheckOutcome:
    """A variable's name that the API server refuses: empty, or with `=`."""
    for env_entry in container.node.mappings_under("env"):
        variable_name = env_entry.get("name")
        if isinstance(variable_name, str) and not has_variable_or_placeholder(variable_name) and (not variable_name or "=" in variable_name):
            yield hit(env_entry.at("name"), value=variable_name[:80])


def env_repeated(container: Container) -> CheckOutcome:
    """A variable is set twice in one container: the last one counts."""
    first_span_by_name: dict[str, Span] = {}
    for variable_setting in container.variable_settings:
        variable_name = variable_setting.name
        if not variable_name or is_filled_in_value(variable_name):
            continue
        if variable_name in first_span_by_name:
            first_location = Related(container.source, first_span_by_name[variable_name], "set here at first")
            yield hit(variable_setting.name_span, related=[first_location], variable=variable_name)
        first_span_by_name.setdefault(variable_name, variable_setting.name_span)


@lowered_where_values_decide()
def port_invalid(container: Container, *, names: bool) -> CheckOutcome:
    """A port of a container that the API server refuses; `names`: only names and numbers, else also doubles."""
    seen_port_names = set()
    for port in container.node.mappings_under("ports"):
        port_number, port_name = port.get("containerPort"), port.get("name")
        if port_number is None and not names:
            yield missing(port.at(), say="no-number")
        elif integer_or_none(port_number) is not None and not 0 < int(str(port_number)) < 65536:
            yield hit(port.at("containerPort"), say="number", number=port_number)
        if isinstance(port_name, str) and not has_variable_or_placeholder(port_name):
            if not PORT_NAME_PATTERN.match(port_name):
                yield hit(port.at("name"), say="name", port=port_name[:40])
            elif port_name in seen_port_names and not names:
                yield hit(port.at("name"), say="repeated", port=port_name)
            seen_port_names.add(port_name)


@lowered_where_values_decide()
def target_port_invalid(obj: Object) -> CheckOutcome:
    """A Service's targetPort is no port name and no port number."""
    if obj.kind != "Service" or obj.api_version != "v1":
        return
    for port in obj.spec.mappings_under("ports"):
        for port_key in ("targetPort", "port"):
            port_value = port.get(port_key)
            if (
                isinstance(port_value, str)
                and port_key == "targetPort"
                and not has_variable_or_placeholder(port_value)
                and not PORT_NAME_PATTERN.match(port_value)
            ):
                is_quoted_number = port_value.isdecimal() and 0 < int(port_value[:6]) < 65536
                message_name = "quoted" if is_quoted_number else "name"
                yield hit(port.at(port_key), say=message_name, field=port_key, value=port_value[:40])
            elif integer_or_none(port_value) == 0 and port_key == "targetPort":
                continue  # the API server takes it as left out: `port` counts
            elif not 0 < (integer_or_none(port_value) or 1) < 65536 or integer_or_none(port_value) == 0:
                yield hit(port.at(port_key), say="number", field=port_key, value=port_value)


@lowered_where_values_decide()
def pod_part_repeated(pod: Pod) -> CheckOutcome:
    """Two containers, or two volumes, of one pod bear the same name."""
    seen_names: set[object] = set()
    for container in pod.containers():
        name = container.node.get("name")
        if isinstance(name, str) and not is_filled_in_value(name):
            if name in seen_names:
                yield hit(container.node.at("name"), what="container", value=name)
            seen_names.add(name)
    seen_names.clear()
    for volume in pod.node.mappings_under("volumes"):
        name = volume.get("name")
        if isinstance(name, str) and not is_filled_in_value(name):
            if name in seen_names:
                yield hit(volume.at("name"), what="volume", value=name)
            seen_names.add(name)


def key_repeated(document: Document) -> CheckOutcome:
    """A key is written twice in one mapping: the reader refuses it or keeps the later one; low where both say the same."""
    for document_root in document.roots:
        for mapping in walk_containers(document_root):
            if isinstance(mapping, Map):
                for repeated_key, key_offset in mapping.repeated:
                    severity = None if repeated_key in mapping.differing else Severity.LOW
                    yield hit(Span(key_offset, key_offset + len(repeated_key)), severity=severity, key=repeated_key[:80])


def _objects_by_name(project: Project) -> dict[tuple[str, str, str, str], list[Object]]:
    """The objects of a project by folder, group, kind and name."""
    objects_by_name_key: dict[tuple[str, str, str, str], list[Object]] = {}
    for kind_objects in object_index(project).objects_by_kind.values():
        for obj in kind_objects:
            if obj.name and not obj.source.fragment:
                name_key = (folder_of(obj.source), obj.group, obj.kind, obj.name)
                objects_by_name_key.setdefault(name_key, []).append(obj)
    return objects_by_name_key


def object_repeated(obj: Object, *, project: Project) -> CheckOutcome:
    """Two objects of one folder have the same kind, name and namespace: the later one overwrites the other."""
    if obj.metadata.get("name") is None or obj.source.fragment:
        return
    name_key = (folder_of(obj.source), obj.group, obj.kind, obj.name)
    for same_named_object in islice(project.memoize(_objects_by_name).get(name_key, ()), MAX_CANDIDATES_PER_QUESTION):
        if same_named_object is obj:
            return
        if may_be_same_namespace(obj.namespace, same_named_object.namespace) is True and not _are_in_different_files(obj, same_named_object):
            other_location = Related(same_named_object.source, same_named_object.metadata.at("name"), "the other one")
            yield hit(obj.metadata.at("name"), related=[other_location])
            return


def _are_in_different_files(obj: Object, other: Object) -> bool:
    """Whether the two may be versions of one manifest, of which one is applied: they stand in different files."""
    return obj.source.root.path != other.source.root.path


def labels_missing(obj: Object, *, any_of: Sequence[str], kinds: Sequence[str]) -> CheckOutcome:
    """An object, or the pods that it makes, bears none of the labels."""
    if obj.kind not in kinds:
        return
    template_labels = obj.spec.mapping_at_path("template", "metadata", "labels")
    if not any(key in obj.labels for key in any_of) or (obj.spec.get("template") and not any(key in template_labels for key in any_of)):
        yield missing(obj.metadata.at("name"))


def label_owner_missing(obj: Object, *, key: str, annotation: bool) -> CheckOutcome:
    """An object does not bear a label, or an annotation."""
    if key not in (obj.annotations if annotation else obj.labels):
        yield missing(obj.metadata.at("name"), key=key)


def annotation_email_missing(obj: Object, *, suffix: str, pattern: Pattern) -> CheckOutcome:
    """An object has no annotation of a key whose value has a form."""
    suffixed_values = [value for key, value in obj.annotations.items() if key.endswith(suffix)]
    if not any(isinstance(value, str) and re.search(pattern, value[:400]) for value in suffixed_values):
        yield missing(obj.metadata.at("name"), key=suffix)


def label_instance_differs(obj: Object) -> CheckOutcome:
    """The label app.kubernetes.io/instance is missing, or is not the object's name."""
    instance_key = "app.kubernetes.io/instance"
    instance_label = obj.labels.get(instance_key)
    if instance_label is None:
        yield missing(obj.metadata.at("name"), say="missing")
    elif instance_label != obj.name and not is_filled_in_value(instance_label) and not is_filled_in_value(obj.name):
        yield hit(obj.labels.at(instance_key), say="differs")


def keys_unsorted(document: Document) -> CheckOutcome:
    """The keys of a mapping are not in alphabetical order."""
    for document_root in document.roots:
        for mapping in walk_containers(document_root):
            if isinstance(mapping, Map):
                own_keys = [key for key in mapping if key not in mapping.merged]
                for previous_key, next_key in pairwise(own_keys):
                    if next_key < previous_key:
                        yield hit(mapping.key_span(next_key), key=next_key[:80], before=previous_key[:80])
                        break
