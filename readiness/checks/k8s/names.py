"""Names, labels, ports and variables by their syntax, and things that are written twice."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import islice, pairwise

from readiness.checks.k8s.apis import kinds_by_group
from readiness.checks.k8s.structure import wrong_type_spans
from readiness.kinds.k8s.effective import as_integer, is_variable
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.labels import may_be_same_namespace
from readiness.kinds.k8s.model import Container, Document, Object, Pod
from readiness.kinds.units import folder_of
from readiness.model import (
    CheckOutcome,
    Pattern,
    Related,
    Severity,
    Span,
    Undecidable,
    hit,
    missing,
)
from readiness.model.project import Project
from readiness.syntax.holes import has_placeholder, is_form_unknown
from readiness.syntax.yaml import Map, walk_containers

DNS_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\Z")
DNS_SUBDOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9]+(?:-+[a-z0-9]+)*(?:\.[a-z0-9]+(?:-+[a-z0-9]+)*)*\Z")
QUALIFIED_NAME = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?\Z")
PORT_NAME = re.compile(r"(?=[a-z0-9-]{1,15}\Z)(?=.*[a-z])[a-z0-9](?:-?[a-z0-9])*\Z")
# A name of these kinds is part of host names, and so has no dots.
KINDS_WITH_DNS_LABEL_NAME = frozenset({"Service", "Namespace"})
# Kinds whose names may hold colons, as those of the system's own roles do.
KINDS_ALLOWING_COLONS = frozenset({"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"})


def name_invalid(obj: Object) -> CheckOutcome:
    """An object's name is none that Kubernetes takes; a place for another program to fill in is not known."""
    metadata = obj.metadata
    name = metadata.get("name")
    if name is None:
        if (
            metadata.get("generateName") is None
            and obj.source.parent is None
            and obj.kind not in {"Kustomization", "Component"}
            and _is_api_object(obj)
        ):
            yield missing(obj.metadata.at(), say="missing")
    elif isinstance(name, str) and not is_variable(name) and obj.kind not in KINDS_ALLOWING_COLONS and not obj.source.fragment:
        if has_placeholder(name) or (not _is_api_object(obj) and _TO_FILL_IN.search(name)):
            yield Undecidable(metadata.at("name"))
            return
        labelled = obj.kind in KINDS_WITH_DNS_LABEL_NAME and "." not in obj.group
        if not (DNS_LABEL.match(name) if labelled else DNS_SUBDOMAIN.match(name)):
            say = "label" if labelled else "subdomain"
            yield hit(metadata.at("name"), say=say, name=name[:80])


# A word in capitals in the name of an object of a program's own.
_TO_FILL_IN = re.compile(r"\b[A-Z][A-Z0-9]{1,60}(?:_[A-Z0-9]{1,60}){1,20}\b")


def _is_api_object(obj: Object) -> bool:
    """Whether an object is one that the API server keeps, by its group."""
    return obj.group in kinds_by_group()


def container_name_invalid(container: Container) -> CheckOutcome:
    """A container's name is no DNS label."""
    name = container.node.get("name")
    if not isinstance(name, str) or is_variable(name):
        return
    if has_placeholder(name):
        yield Undecidable(container.node.at("name"))
    elif not DNS_LABEL.match(name):
        yield hit(container.node.at("name"), value=name[:80])


def key_mistake(key: str) -> str:
    """The part of a text that keeps it from being a key of a label or annotation, `prefix` or `name`; empty where it is one."""
    prefix, slash, name = key.rpartition("/")
    if slash and not DNS_SUBDOMAIN.match(prefix):
        return "prefix"
    return "" if QUALIFIED_NAME.match(name) else "name"


def label_invalid(obj: Object, *, project: Project) -> CheckOutcome:
    """A label that the API server refuses: its key, or its value."""
    yield from _label_hits(obj.labels, wrong_type_spans(obj, project))


def pod_label_invalid(pod: Pod, *, project: Project) -> CheckOutcome:
    """A label of a pod template that the API server refuses."""
    if pod.template is not pod.owner.node:
        yield from _label_hits(pod.labels, wrong_type_spans(pod.owner, project))


def _label_hits(labels: Map, wrong_types: Collection[Span]) -> CheckOutcome:
    """A hit for each label that the API server refuses; one with a word to replace is not known.

    Of a value that is no string `field_type_wrong` tells where the schema of the kind is known (`wrong_types`).
    """
    for key, value in labels.items():
        if is_variable(key) or is_variable(value) or key == "":
            continue
        if has_placeholder(key) or (isinstance(value, str) and has_placeholder(value)):
            yield Undecidable(labels.at(key))
            continue
        fault = key_mistake(key)
        if fault:
            yield hit(labels.key_span(key), say=fault, label=key[:80])
        elif isinstance(value, str) and value and not QUALIFIED_NAME.match(value):
            yield hit(labels.at(key), say="value", label=key, value=value[:64])
        elif value is not None and not isinstance(value, str) and labels.at(key) not in wrong_types:
            yield hit(labels.at(key), say="no-string", label=key)


def annotation_invalid(obj: Object, *, project: Project) -> CheckOutcome:
    """An annotation that the API server refuses: its key, or a value that is no string, as of labels."""
    wrong_types = wrong_type_spans(obj, project)
    for key, value in obj.annotations.items():
        fault = key_mistake(key) if not is_form_unknown(key) else ""
        if fault:
            yield hit(obj.annotations.key_span(key), say=fault, key=key[:80])
        elif value is not None and not isinstance(value, str) and obj.annotations.at(key) not in wrong_types:
            yield hit(obj.annotations.at(key), say="no-string", key=key)


def env_name_invalid(container: Container) -> CheckOutcome:
    """A variable's name that the API server refuses: empty, or with `=`."""
    for entry in container.node.mappings_under("env"):
        name = entry.get("name")
        if isinstance(name, str) and not is_form_unknown(name) and (not name or "=" in name):
            yield hit(entry.at("name"), value=name[:80])


def env_repeated(container: Container) -> CheckOutcome:
    """A variable is set twice in one container: the last one counts."""
    seen: dict[str, Span] = {}
    for setting in container.variable_settings:
        name = setting.name
        if not name or is_variable(name):
            continue
        if name in seen:
            first = Related(container.source, seen[name], "set here at first")
            yield hit(setting.name_span, related=[first], variable=name)
        seen.setdefault(name, setting.name_span)


def port_invalid(container: Container, *, names: bool) -> CheckOutcome:
    """A port of a container that the API server refuses; `names`: only names and numbers, else also doubles."""
    seen = set()
    for port in container.node.mappings_under("ports"):
        value, name = port.get("containerPort"), port.get("name")
        if value is None and not names:
            yield missing(port.at(), say="no-number")
        elif as_integer(value) is not None and not 0 < int(str(value)) < 65536:
            yield hit(port.at("containerPort"), say="number", number=value)
        if isinstance(name, str) and not is_form_unknown(name):
            if not PORT_NAME.match(name):
                yield hit(port.at("name"), say="name", port=name[:40])
            elif name in seen and not names:
                yield hit(port.at("name"), say="repeated", port=name)
            seen.add(name)


def target_port_invalid(obj: Object) -> CheckOutcome:
    """A Service's targetPort is no port name and no port number."""
    if obj.kind != "Service" or obj.api_version != "v1":
        return
    for port in obj.spec.mappings_under("ports"):
        for key in ("targetPort", "port"):
            value = port.get(key)
            if isinstance(value, str) and key == "targetPort" and not is_form_unknown(value) and not PORT_NAME.match(value):
                number_ = value.isdigit() and 0 < int(value[:6]) < 65536
                say = "quoted" if number_ else "name"
                yield hit(port.at(key), say=say, field=key, value=value[:40])
            elif as_integer(value) == 0 and key == "targetPort":
                continue  # the API server takes it as left out: `port` counts
            elif not 0 < (as_integer(value) or 1) < 65536 or as_integer(value) == 0:
                yield hit(port.at(key), say="number", field=key, value=value)


def pod_part_repeated(pod: Pod) -> CheckOutcome:
    """Two containers, or two volumes, of one pod bear the same name."""
    seen: set[object] = set()
    for container in pod.containers():
        name = container.node.get("name")
        if isinstance(name, str) and not is_variable(name):
            if name in seen:
                yield hit(container.node.at("name"), what="container", value=name)
            seen.add(name)
    seen.clear()
    for volume in pod.node.mappings_under("volumes"):
        name = volume.get("name")
        if isinstance(name, str) and not is_variable(name):
            if name in seen:
                yield hit(volume.at("name"), what="volume", value=name)
            seen.add(name)


def key_repeated(document: Document) -> CheckOutcome:
    """A key is written twice in one mapping: the reader refuses it or keeps the later one; low where both say the same."""
    for root in document.roots:
        for node in walk_containers(root):
            if isinstance(node, Map):
                for key, at in node.repeated:
                    severity = None if key in node.differing else Severity.LOW
                    yield hit(Span(at, at + len(key)), severity=severity, key=key[:80])


def _objects_by_name(project: Project) -> dict[tuple[str, str, str, str], list[Object]]:
    """The objects of a project by folder, group, kind and name."""
    made: dict[tuple[str, str, str, str], list[Object]] = {}
    for kinds in object_index(project).objects_by_kind.values():
        for obj in kinds:
            if obj.name and not obj.source.fragment:
                key = (folder_of(obj.source), obj.group, obj.kind, obj.name)
                made.setdefault(key, []).append(obj)
    return made


def object_repeated(obj: Object, *, project: Project) -> CheckOutcome:
    """Two objects of one folder have the same kind, name and namespace: the later one overwrites the other."""
    if obj.metadata.get("name") is None or obj.source.fragment:
        return
    key = (folder_of(obj.source), obj.group, obj.kind, obj.name)
    for other in islice(project.memoize(_objects_by_name).get(key, ()), 64):
        if other is obj:
            return
        if may_be_same_namespace(obj.namespace, other.namespace) is True and not _may_be_variants(obj, other):
            there = Related(other.source, other.metadata.at("name"), "the other one")
            yield hit(obj.metadata.at("name"), related=[there])
            return


def _may_be_variants(obj: Object, other: Object) -> bool:
    """Whether the two may be versions of one manifest, of which one is applied: they stand in different files."""
    return obj.source.root.path != other.source.root.path


def labels_missing(obj: Object, *, any_of: Sequence[str], kinds: Sequence[str]) -> CheckOutcome:
    """An object, or the pods that it makes, bears none of the labels."""
    if obj.kind not in kinds:
        return
    template = obj.spec.mapping_at_path("template", "metadata", "labels")
    if not any(key in obj.labels for key in any_of) or (
        obj.spec.get("template") and not any(key in template for key in any_of)
    ):
        yield missing(obj.metadata.at("name"))


def label_owner_missing(obj: Object, *, key: str, annotation: bool) -> CheckOutcome:
    """An object does not bear a label, or an annotation."""
    if key not in (obj.annotations if annotation else obj.labels):
        yield missing(obj.metadata.at("name"), key=key)


def annotation_email_missing(obj: Object, *, suffix: str, pattern: Pattern) -> CheckOutcome:
    """An object has no annotation of a key whose value has a form."""
    values = [value for key, value in obj.annotations.items() if key.endswith(suffix)]
    if not any(isinstance(value, str) and re.search(pattern, value[:400]) for value in values):
        yield missing(obj.metadata.at("name"), key=suffix)


def label_instance_differs(obj: Object) -> CheckOutcome:
    """The label app.kubernetes.io/instance is missing, or is not the object's name."""
    key = "app.kubernetes.io/instance"
    value = obj.labels.get(key)
    if value is None:
        yield missing(obj.metadata.at("name"), say="missing")
    elif value != obj.name and not is_variable(value) and not is_variable(obj.name):
        yield hit(obj.labels.at(key), say="differs")


def keys_unsorted(document: Document) -> CheckOutcome:
    """The keys of a mapping are not in alphabetical order."""
    for root in document.roots:
        for node in walk_containers(root):
            if isinstance(node, Map):
                keys = [key for key in node if key not in node.merged]
                for before, after in pairwise(keys):
                    if after < before:
                        yield hit(node.key_span(after), key=after[:80], before=before[:80])
                        break
