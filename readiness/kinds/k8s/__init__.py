"""Kubernetes manifests: which files they are, and what in them is judged, nested or set aside."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from typing import Any

from readiness.facts.table import fact_column, fact_rows
from readiness.kinds.k8s.model import Container, Document, Object, Pod
from readiness.kinds.k8s.objects import is_config_file, objects_of, pod_specs_of
from readiness.kinds.k8s.releases import release_values_in
from readiness.kinds.places import KUSTOMIZATION_PATH, surroundings
from readiness.model import AnnotationSuppression, ParseError, Source
from readiness.syntax import outline, yaml
from readiness.syntax.yaml import (
    Map,
    Seq,
    literal_line_starts,
    load_yaml_documents,
    with_plain_separators,
)

KIND_NAME = "k8s"
EXAMPLE_PATH = "deploy.yaml"

# A value, or what stands for one: an anchor, a tag, a block scalar, a place that another program fills in.
_API_VERSION_LINE = re.compile(
    r"""^[ \t]*(?:- )?["']?apiVersion["']?[ \t]*:[ \t]*["']?(?:[\w./$&!*>|@-]|\{(?:[{%]|\w+\})|<%|%%)""",
    re.MULTILINE,
)
_KIND_LINE = re.compile(r"""^[ \t]*(?:- )?["']?kind["']?[ \t]*:[ \t]*["']?[A-Z]\w+""", re.MULTILINE)
_FLOW_STYLE_API_VERSION = re.compile(r"""["']?apiVersion["']?\s*:\s*["']?[\w./-]+["']?\s*,""")
_CONTAINERS_KEY_LINE = re.compile(r"^[ \t]*(?:- )?(?:containers|initContainers)[ \t]*:", re.MULTILINE)
_CONTAINER_FIELD_LINE = re.compile(
    r"^(?:livenessProbe|readinessProbe|startupProbe|securityContext|resources):[ \t]*$",
    re.MULTILINE,
)
# Fields that take one value, so that a mapping there (`name: {app}`) is a place for another program to fill in.
_SCALAR_FIELDS = frozenset(
    """name namespace image value containerPort replicas cpu memory storage path host port serviceName serviceAccountName
    claimName secretName storageClassName schedule""".split()
)
_BRACE_PLACEHOLDER = re.compile(r":[ \t]+\{[A-Za-z_][\w.]*\}")
_OBJECT_KEYS = frozenset({"apiVersion", "kind"})
_MANIFEST_SUFFIXES = (".yaml", ".yml", ".json")
# What tests hold a cluster against: parts of objects, which nobody applies (kuttl, chainsaw).
_TEST_ASSERTION_PATH = re.compile(r"(?:\A|/)\d{1,4}-(?:assert|errors)\.ya?ml\Z")
_PATCH_PATH = re.compile(r"(?:\A|[_.-])patch(?:es)?(?:[_.-]|\Z)|\Apatches/")
_KINDS_REQUIRING_SELECTOR = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"})


def recognizes_file(path: str, text: str) -> bool:
    """YAML or JSON with `apiVersion` and `kind`; in prose also a piece with containers or a container's parts."""
    return path.endswith(_MANIFEST_SUFFIXES) and _may_hold_objects(path, text) and not _is_for_programs(text)


_VERSION = re.compile(r"v[0-9]\w*")


@cache
def _config_file_pattern() -> re.Pattern[str]:
    """What a text with the settings of a program says somewhere: the group's name, or at a line's end the kind's, or a version's without a group."""
    alone = fact_rows("kubernetes-config-files").keys() - fact_column("kubernetes-config-files", "names-manifests").keys()
    ends = r"""["']?,?[ \t]*$"""
    names = [
        rf"(?<![\w./]){name}{ends}" if _VERSION.fullmatch(name) else re.escape(name) + (ends if version else "/")
        for name, _, version in (thing.partition(" ") for thing in sorted(alone))
    ]
    return re.compile("|".join(names), re.MULTILINE)


def _is_for_programs(content: str) -> bool:
    """Whether each document of a text is the settings of a program (a kubeconfig, kubelet's), and none a manifest."""
    if not _config_file_pattern().search(content):
        return False
    try:
        roots = [root for root in load_yaml_documents(content) if isinstance(root, Map)]
    except ParseError:
        return False
    return bool(roots) and all(is_config_file(root.string_under("apiVersion"), root.string_under("kind")) for root in roots)


def _may_hold_objects(path: str, content: str) -> bool:
    """Whether a text has the two keys of an object, or a part of one where it is a piece of prose."""
    if (_API_VERSION_LINE.search(content) or _FLOW_STYLE_API_VERSION.search(content)) and ("kind" in content):
        return bool(_KIND_LINE.search(content) or "kind" in content[:4000])
    if "apiVersion" in content and "kind" in content and outline.top_level_keys(content) >= _OBJECT_KEYS:
        return True
    if outline.ODD_KEY.search(content) and _has_objects(content):
        return True
    return "#" in path and bool(_CONTAINERS_KEY_LINE.search(content) or _CONTAINER_FIELD_LINE.search(content))


def _has_objects(content: str) -> bool:
    """Whether a text is YAML that has the two keys of an object at its top, however they are written."""
    try:
        return any(isinstance(root, Map) and root.keys() >= _OBJECT_KEYS for root in load_yaml_documents(content))
    except ParseError:
        return False


def parse(source: Source) -> Document:
    """The objects of a manifest. Raises ParseError where the YAML is broken."""
    roots = tuple(load_yaml_documents(with_plain_separators(source.text)))
    objects = tuple(obj for root in roots for obj in objects_of(source, root))
    pods = tuple(pod for one in objects for pod in pod_specs_of(one))
    containers = tuple(container for pod in pods for container in pod.containers())
    if objects and all(one.node.get("kind") is None for one in objects):
        source.fragment = True
    if source.parent is not None and any(_is_abridged(one) for one in objects):
        source.fragment = True
    return Document(source, roots, objects, pods, containers)


def first_unfilled_placeholder(document: Document) -> int | None:
    """The first `{{ name }}` or `{name}` that stands where a value does; None where there is none."""
    text, roots = document.source.text, document.roots
    places = [offset] if (offset := yaml.first_unfilled_placeholder(text, roots)) is not None else []
    if _BRACE_PLACEHOLDER.search(text):
        places += [
            value.at().start
            for root in roots
            for node in yaml.walk_containers(root)
            if isinstance(node, Map)
            for key, value in node.items()
            if key in _SCALAR_FIELDS and isinstance(value, Map) and value.flow and list(value.values()) == [None]
        ]
    return min(places, default=None)


def _is_abridged(obj: Object) -> bool:
    """Whether an object in prose leaves out what the API server requires: it is shown in part."""
    spec = obj.node.get("spec")
    return obj.api_version == "apps/v1" and isinstance(spec, Map) and spec.get("selector") is None


_EMBEDDED_CONFIG_KEY = re.compile(r"\.(?:conf|ya?ml|cfg|toml|json|template|vhost)\Z|\Adefault\Z|nginx|compose", re.IGNORECASE)


def embedded_sources(document: Document) -> Iterator[Source]:
    """Config files carried in the values of ConfigMaps, at their true lines."""
    for obj in document.objects:
        data = obj.node.get("data")
        if obj.kind != "ConfigMap" or not isinstance(data, Map):
            continue
        for key, value in data.items():
            if isinstance(value, str) and "\n" in value and _EMBEDDED_CONFIG_KEY.search(key):
                starts = literal_line_starts(document.source.text, data.at(key), value)
                if starts:
                    yield Source(
                        f"{document.source.path}#{obj.name}/{key}",
                        value,
                        parent=document.source,
                        line_starts_in_parent=starts,
                    )


def link_documents(documents_by_kind: Mapping[str, list[Any]], known_paths: Collection[str]) -> None:
    """Mark what shows a part of an object: the patches of kustomizations, and what tests hold a cluster against."""
    patches: set[str] = set()
    patched_folders: set[str] = set()
    complete: set[tuple[str, str]] = set()
    folders = surroundings(known_paths).kustomized
    documents: list[Document] = documents_by_kind[KIND_NAME]
    for document in documents:
        root, folder = document.node, posixpath.dirname(document.source.root.path)
        if root.get("kind") in ("Kustomization", "Component") or KUSTOMIZATION_PATH.search(document.source.root.path):
            entries = [posixpath.normpath(posixpath.join(folder, one)) for one in _patch_entries(root) if one]
            patches.update(entries)
            patched_folders.update([posixpath.normpath(folder)] if entries else ())
        patches.update(_paths_expected_by_test(document, folder))
        complete.update((one.kind, one.name) for one in document.objects if _has_selector(one))
    for document in documents:
        path = posixpath.normpath(document.source.root.path)
        partial = any("$patch" in one.node for one in document.objects)
        if any(not one.image for one in document.containers):
            partial = partial or posixpath.dirname(path) in folders
        partial = partial or _is_patch_by_content(document, path, patched_folders, complete)
        if partial or path in patches or _TEST_ASSERTION_PATH.search(path) or _is_unlisted_patch(path, folders):
            document.source.fragment = True


def _has_selector(obj: Object) -> bool:
    """Whether an object says what it selects."""
    return isinstance(obj.node.get("spec"), Map) and obj.spec.get("selector") is not None


def _is_patch_by_content(
    document: Document, path: str, patched_folders: Collection[str], complete: Collection[tuple[str, str]]
) -> bool:
    """Whether all workloads of a file lack the selector that apps/v1 requires, and something says that they are patches.

    That is the name of the file or its folder, or two of three: its containers have no image, a workload of the same kind and name
    is complete elsewhere, the file lies beside or below a kustomization that patches.
    """
    workloads = [one for one in document.objects if one.api_version == "apps/v1" and one.kind in _KINDS_REQUIRING_SELECTOR]
    if not workloads or any(map(_has_selector, workloads)):
        return False
    folder, name = posixpath.split(path.lower())
    if any(_PATCH_PATH.search(one) for one in (name.rpartition(".")[0], posixpath.basename(folder))):
        return True
    above = {posixpath.dirname(path), *(path[: at.start()] for at in re.finditer("/", path)), "."}
    is_patched_here = not above.isdisjoint(patched_folders)
    has_complete_one = all((one.kind, one.name) in complete for one in workloads)
    is_without_images = bool(document.containers) and not any(one.image for one in document.containers)
    return (is_patched_here or is_without_images) and (has_complete_one or (is_patched_here and is_without_images))


def _patch_entries(root: Map) -> Iterator[str]:
    """The paths of the patches that a kustomization names."""
    for key in ("patchesStrategicMerge", "patches", "patchesJson6902"):
        listed = root.get(key)
        yield from ((one for one in listed if isinstance(one, str)) if isinstance(listed, Seq) else ())
        yield from (one.string_under("path") for one in root.mappings_under(key))


def _is_unlisted_patch(path: str, kustomization_folders: Collection[str]) -> bool:
    """Whether a file is a patch by its name, or its folder's, beside or below a kustomization: one that names it no more."""
    folder, name = posixpath.split(path)
    if _PATCH_PATH.search(name.lower().removesuffix(".yaml").removesuffix(".yml")):
        return folder in kustomization_folders or posixpath.dirname(folder) in kustomization_folders
    return posixpath.basename(folder) == "patches" and posixpath.dirname(folder) in kustomization_folders


def _paths_expected_by_test(document: Document, folder: str) -> Iterator[str]:
    """The files that a test of chainsaw names as what is expected, not expected, or patched."""
    for root in document.roots:
        api = root.string_under("apiVersion") if isinstance(root, Map) else ""
        if not api.startswith("chainsaw.kyverno.io/"):
            continue
        for node in yaml.walk_containers(root):
            for key in ("assert", "error", "patch") if isinstance(node, Map) else ():
                named = node.mapping_at_path(key).string_under("file") if isinstance(node, Map) else ""
                if named:
                    yield posixpath.normpath(posixpath.join(folder, named))


IGNORE_ANNOTATION_PREFIX = "readiness.dev/ignore."


def annotation_suppressions(document: Document) -> Iterator[AnnotationSuppression]:
    """The suppressions that objects and pod templates carry in their annotations."""
    carriers = [(one.annotations, one.node) for one in document.objects]
    carriers += [(pod.annotations, pod.template) for pod in document.pods if pod.template is not pod.owner.node]
    for carried, node in carriers:
        for key, value in carried.items():
            if key.startswith(IGNORE_ANNOTATION_PREFIX):
                rule, reason = (
                    key.removeprefix(IGNORE_ANNOTATION_PREFIX),
                    value if isinstance(value, str) else "",
                )
                yield AnnotationSuppression(document.source, rule, reason, carried.entry_span(key), node.at())


def objects(document: Document) -> tuple[Object, ...]:
    """Every object of a file."""
    return document.objects


def pods(document: Document) -> tuple[Pod, ...]:
    """Every pod spec of a file."""
    return document.pods


def containers(document: Document) -> tuple[Container, ...]:
    """Every container of a file."""
    return document.containers


def whole_file(document: Document) -> Iterator[Document]:
    """Target `k8s.file`: the document itself."""
    yield document


TARGETS: dict[str, Callable[[Document], Any]] = {
    "k8s.object": objects,
    "k8s.pod": pods,
    "k8s.container": containers,
    "k8s.file": whole_file,
    "k8s.values": release_values_in,
}
