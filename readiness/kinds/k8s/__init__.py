"""Kubernetes manifests: which files they are, and what in them is judged, nested or set aside."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from typing import Any

from readiness.facts.table import fact_row_by_name, property_by_fact_name
from readiness.kinds.k8s.agents import is_filled_in_by_injector
from readiness.kinds.k8s.model import Container, Document, Object, Pod
from readiness.kinds.k8s.objects import is_program_config_kind, objects_of, pod_specs_of
from readiness.kinds.k8s.releases import release_values_in
from readiness.kinds.places import KUSTOMIZATION_PATH, surroundings
from readiness.model import AnnotationSuppression, ParseError, Source
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax import outline, yaml
from readiness.syntax.yaml import (
    Map,
    Seq,
    blank_out_separator_comments,
    literal_line_starts,
    load_yaml_documents,
)

KIND_NAME = "k8s"
EXAMPLE_PATH = "deploy.yaml"
FILE_PATTERN = r"[^/]+\.(ya?ml|json)"

# A value, or what stands for one: an anchor, a tag, a block scalar, a place that another program fills in.
_API_VERSION_LINE = lazy_regex(
    r"""^[ \t]*(?:- )?["']?apiVersion["']?[ \t]*:[ \t]*["']?(?:[\w./$&!*>|@-]|\{(?:[{%]|\w+\})|<%|%%)""",
    re.MULTILINE,
)
_KIND_LINE = lazy_regex(r"""^[ \t]*(?:- )?["']?kind["']?[ \t]*:[ \t]*["']?[A-Z]\w+""", re.MULTILINE)
_FLOW_STYLE_API_VERSION = lazy_regex(r"""["']?apiVersion["']?\s*:\s*["']?[\w./-]+["']?\s*,""")
_CONTAINERS_KEY_LINE = lazy_regex(r"^[ \t]*(?:- )?(?:containers|initContainers)[ \t]*:", re.MULTILINE)
_CONTAINER_FIELD_LINE = lazy_regex(
    r"^(?:livenessProbe|readinessProbe|startupProbe|securityContext|resources):[ \t]*$",
    re.MULTILINE,
)
# Fields that take one value, so that a mapping there (`name: {app}`) is a place for another program to fill in.
_SCALAR_FIELDS = frozenset(
    """name namespace image value containerPort replicas cpu memory storage path host port serviceName serviceAccountName
    claimName secretName storageClassName schedule""".split()
)
_BRACE_PLACEHOLDER = lazy_regex(r":[ \t]+\{[A-Za-z_][\w.]*\}")
_REQUIRED_OBJECT_KEYS = frozenset({"apiVersion", "kind"})
_MANIFEST_SUFFIXES = (".yaml", ".yml", ".json")
# What tests hold a cluster against: parts of objects, which nobody applies (kuttl, chainsaw).
_TEST_ASSERTION_PATH = lazy_regex(r"(?:\A|/)\d{1,4}-(?:assert|errors)\.ya?ml\Z")
_PATCH_PATH = lazy_regex(r"(?:\A|[_.-])patch(?:es)?(?:[_.-]|\Z)|\Apatches/")
_KINDS_REQUIRING_SELECTOR = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"})


def recognizes_file(path: str, text: str) -> bool:
    """YAML or JSON with `apiVersion` and `kind`; in prose also a piece with containers or a container's parts."""
    return path.endswith(_MANIFEST_SUFFIXES) and _may_contain_objects(path, text) and not _has_only_program_settings(text)


_API_VERSION_PATTERN = lazy_regex(r"v[0-9]\w*")


@cache
def _config_file_patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """(name, pattern) of what a text with the settings of a program says somewhere; the name is in every text that its pattern fits.

    That is the group's name, or at a line's end the kind's, or a version's without a group.
    """
    config_only_api_names = (
        fact_row_by_name("kubernetes-config-files").keys() - property_by_fact_name("kubernetes-config-files", "names-manifests").keys()
    )
    line_end_pattern = r"""["']?,?[ \t]*$"""
    names_and_patterns = [
        (
            name,
            rf"(?<![\w./]){name}{line_end_pattern}"
            if _API_VERSION_PATTERN.fullmatch(name)
            else re.escape(name) + (line_end_pattern if version else "/"),
        )
        for name, _, version in (thing.partition(" ") for thing in sorted(config_only_api_names))
    ]
    return tuple((name, re.compile(api_name_pattern, re.MULTILINE)) for name, api_name_pattern in names_and_patterns)


def _has_only_program_settings(text: str) -> bool:
    """Whether each document of a text is the settings of a program (a kubeconfig, kubelet's), and none a manifest."""
    if not any(name in text and pattern.search(text) for name, pattern in _config_file_patterns()):
        return False
    try:
        root_mappings = [root for root in load_yaml_documents(text) if isinstance(root, Map)]
    except ParseError:
        return False
    return bool(root_mappings) and all(is_program_config_kind(root.string_under("apiVersion"), root.string_under("kind")) for root in root_mappings)


def _may_contain_objects(path: str, text: str) -> bool:
    """Whether a text has the two keys of an object, or a part of one where it is a piece of prose."""
    if (_API_VERSION_LINE.search(text) or _FLOW_STYLE_API_VERSION.search(text)) and ("kind" in text):
        return bool(_KIND_LINE.search(text) or "kind" in text[:4000])
    if "apiVersion" in text and "kind" in text and outline.top_level_keys(text) >= _REQUIRED_OBJECT_KEYS:
        return True
    if outline.UNUSUAL_KEY_PATTERN.search(text) and _has_parsable_objects(text):
        return True
    return "#" in path and bool(_CONTAINERS_KEY_LINE.search(text) or _CONTAINER_FIELD_LINE.search(text))


def _has_parsable_objects(text: str) -> bool:
    """Whether a text is YAML that has the two keys of an object at its top, however they are written."""
    try:
        return any(isinstance(root, Map) and root.keys() >= _REQUIRED_OBJECT_KEYS for root in load_yaml_documents(text))
    except ParseError:
        return False


def parse(source: Source) -> Document:
    """The objects of a manifest. Raises ParseError where the YAML is broken."""
    root_nodes = tuple(load_yaml_documents(blank_out_separator_comments(source.text)))
    objects = tuple(obj for root in root_nodes for obj in objects_of(source, root))
    pods = tuple(pod for one in objects for pod in pod_specs_of(one))
    containers = tuple(container for pod in pods for container in pod.containers())
    if objects and all(one.node.get("kind") is None for one in objects):
        source.fragment = True
    if source.parent is not None and any(_is_workload_without_selector(one) for one in objects):
        source.fragment = True
    return Document(source, root_nodes, objects, pods, containers)


def first_unfilled_placeholder(document: Document) -> int | None:
    """The first `{{ name }}` or `{name}` that stands where a value does; None where there is none."""
    text, roots = document.source.text, document.roots
    placeholder_offsets = [template_mark_offset] if (template_mark_offset := yaml.first_unfilled_placeholder(text, roots)) is not None else []
    if _BRACE_PLACEHOLDER.search(text):
        placeholder_offsets += [
            value.at().start
            for root in roots
            for node in yaml.walk_containers(root)
            if isinstance(node, Map)
            for key, value in node.items()
            if key in _SCALAR_FIELDS and isinstance(value, Map) and value.flow and list(value.values()) == [None]
        ]
    return min(placeholder_offsets, default=None)


def _is_workload_without_selector(obj: Object) -> bool:
    """Whether an object in prose leaves out what the API server requires: it is shown in part."""
    spec_node = obj.node.get("spec")
    return obj.api_version == "apps/v1" and isinstance(spec_node, Map) and spec_node.get("selector") is None


_EMBEDDED_CONFIG_KEY = lazy_regex(r"\.(?:conf|ya?ml|cfg|toml|json|template|vhost)\Z|\Adefault\Z|nginx|compose", re.IGNORECASE)


def embedded_sources(document: Document) -> Iterator[Source]:
    """Config files carried in the values of ConfigMaps, at their true lines."""
    for obj in document.objects:
        config_map_data = obj.node.get("data")
        if obj.kind != "ConfigMap" or not isinstance(config_map_data, Map):
            continue
        for data_key, data_value in config_map_data.items():
            if isinstance(data_value, str) and "\n" in data_value and _EMBEDDED_CONFIG_KEY.search(data_key):
                line_starts = literal_line_starts(document.source.text, config_map_data.at(data_key), data_value)
                if line_starts:
                    yield Source(
                        f"{document.source.path}#{obj.name}/{data_key}",
                        data_value,
                        parent=document.source,
                        line_starts_in_parent=line_starts,
                    )


def link_documents(documents_by_kind: Mapping[str, list[Any]], known_paths: Collection[str]) -> None:
    """Mark what shows a part of an object: the patches of kustomizations, and what tests hold a cluster against."""
    patch_paths: set[str] = set()
    patched_folders: set[str] = set()
    complete_kind_name_pairs: set[tuple[str, str]] = set()
    kustomization_folders = surroundings(known_paths).kustomized
    documents: list[Document] = documents_by_kind[KIND_NAME]
    for document in documents:
        root_mapping, document_folder = document.node, posixpath.dirname(document.source.root.path)
        if root_mapping.get("kind") in ("Kustomization", "Component") or KUSTOMIZATION_PATH.search(document.source.root.path):
            patch_entry_paths = [
                posixpath.normpath(posixpath.join(document_folder, one)) for one in _patch_paths_of_kustomization(root_mapping) if one
            ]
            patch_paths.update(patch_entry_paths)
            patched_folders.update([posixpath.normpath(document_folder)] if patch_entry_paths else ())
        patch_paths.update(_paths_named_by_chainsaw_test(document, document_folder))
        complete_kind_name_pairs.update((one.kind, one.name) for one in document.objects if _has_selector(one))
    for document in documents:
        document_path = posixpath.normpath(document.source.root.path)
        is_partial = any("$patch" in one.node for one in document.objects)
        if any(not one.image for one in document.containers):
            is_partial = is_partial or posixpath.dirname(document_path) in kustomization_folders
        is_partial = is_partial or _is_patch_by_content(document, document_path, patched_folders, complete_kind_name_pairs)
        if (
            is_partial
            or document_path in patch_paths
            or _TEST_ASSERTION_PATH.search(document_path)
            or _is_unlisted_patch(document_path, kustomization_folders)
        ):
            document.source.fragment = True


def _has_selector(obj: Object) -> bool:
    """Whether an object says what it selects."""
    return isinstance(obj.node.get("spec"), Map) and obj.spec.get("selector") is not None


def _is_patch_by_content(
    document: Document, path: str, patched_folders: Collection[str], complete_kind_name_pairs: Collection[tuple[str, str]]
) -> bool:
    """Whether all workloads of a file lack the selector that apps/v1 requires, and something says that they are patches.

    That is the name of the file or its folder, or two of three: its containers have no image, a workload of the same kind and name
    is complete elsewhere, the file lies beside or below a kustomization that patches.
    """
    workloads = [one for one in document.objects if one.api_version == "apps/v1" and one.kind in _KINDS_REQUIRING_SELECTOR]
    if not workloads or any(map(_has_selector, workloads)):
        return False
    folder_path, file_name = posixpath.split(path.lower())
    if any(_PATCH_PATH.search(one) for one in (file_name.rpartition(".")[0], posixpath.basename(folder_path))):
        return True
    path_and_parent_folders = {posixpath.dirname(path), *(path[: at.start()] for at in re.finditer("/", path)), "."}
    is_near_patching_kustomization = not path_and_parent_folders.isdisjoint(patched_folders)
    has_complete_twins = all((one.kind, one.name) in complete_kind_name_pairs for one in workloads)
    has_no_images = bool(document.containers) and not any(one.image for one in document.containers)
    return (is_near_patching_kustomization or has_no_images) and (has_complete_twins or (is_near_patching_kustomization and has_no_images))


def _patch_paths_of_kustomization(root: Map) -> Iterator[str]:
    """The paths of the patches that a kustomization names."""
    for patch_list_key in ("patchesStrategicMerge", "patches", "patchesJson6902"):
        patch_entries = root.get(patch_list_key)
        yield from ((one for one in patch_entries if isinstance(one, str)) if isinstance(patch_entries, Seq) else ())
        yield from (one.string_under("path") for one in root.mappings_under(patch_list_key))


def _is_unlisted_patch(path: str, kustomization_folders: Collection[str]) -> bool:
    """Whether a file is a patch by its name, or its folder's, beside or below a kustomization: one that names it no more."""
    folder_path, file_name = posixpath.split(path)
    if _PATCH_PATH.search(file_name.lower().removesuffix(".yaml").removesuffix(".yml")):
        return folder_path in kustomization_folders or posixpath.dirname(folder_path) in kustomization_folders
    return posixpath.basename(folder_path) == "patches" and posixpath.dirname(folder_path) in kustomization_folders


def _paths_named_by_chainsaw_test(document: Document, document_folder: str) -> Iterator[str]:
    """The files that a test of chainsaw names as what is expected, not expected, or patched."""
    for root in document.roots:
        api_version = root.string_under("apiVersion") if isinstance(root, Map) else ""
        if not api_version.startswith("chainsaw.kyverno.io/"):
            continue
        for test_node in yaml.walk_containers(root):
            for operation_key in ("assert", "error", "patch") if isinstance(test_node, Map) else ():
                named_file = test_node.mapping_at_path(operation_key).string_under("file") if isinstance(test_node, Map) else ""
                if named_file:
                    yield posixpath.normpath(posixpath.join(document_folder, named_file))


IGNORE_ANNOTATION_PREFIX = "readiness.dev/ignore."


def annotation_suppressions(document: Document) -> Iterator[AnnotationSuppression]:
    """The suppressions that objects and pod templates carry in their annotations."""
    annotations_with_nodes = [(one.annotations, one.node) for one in document.objects]
    annotations_with_nodes += [(pod.annotations, pod.template) for pod in document.pods if pod.template is not pod.owner.node]
    for carried_annotations, annotated_node in annotations_with_nodes:
        for annotation_name, annotation_value in carried_annotations.items():
            if annotation_name.startswith(IGNORE_ANNOTATION_PREFIX):
                rule_id, reason = (
                    annotation_name.removeprefix(IGNORE_ANNOTATION_PREFIX),
                    annotation_value if isinstance(annotation_value, str) else "",
                )
                yield AnnotationSuppression(document.source, rule_id, reason, carried_annotations.entry_span(annotation_name), annotated_node.at())


def objects(document: Document) -> tuple[Object, ...]:
    """Every object of a file."""
    return document.objects


def pods(document: Document) -> tuple[Pod, ...]:
    """Every pod spec of a file."""
    return document.pods


def containers(document: Document) -> tuple[Container, ...]:
    """Every container of a file, but those that an injector fills in: what they lack, they get."""
    return tuple(one for one in document.containers if not is_filled_in_by_injector(one))


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
