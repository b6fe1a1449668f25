"""Kubernetes manifests: which files they are, and what in them is judged, nested or set aside."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from typing import Any

from readiness.facts.table import column, rows
from readiness.kinds.k8s.model import Container, Document, Object, Pod
from readiness.kinds.k8s.objects import is_config_file, objects_of, pod_specs_of
from readiness.kinds.k8s.releases import values_in
from readiness.model import Note, ParseError, Source
from readiness.syntax import outline, yaml
from readiness.syntax.yaml import Map, Seq, literal_line_starts, load_all, separated

NAME = "k8s"
EXAMPLE = "deploy.yaml"

# A value, or what stands for one: an anchor, a tag, a block scalar, a place that another program fills in.
_API = re.compile(
    r"""^[ \t]*(?:- )?["']?apiVersion["']?[ \t]*:[ \t]*["']?(?:[\w./$&!*>|@-]|\{(?:[{%]|\w+\})|<%|%%)""",
    re.MULTILINE,
)
_KIND = re.compile(r"""^[ \t]*(?:- )?["']?kind["']?[ \t]*:[ \t]*["']?[A-Z]\w+""", re.MULTILINE)
_FLOW = re.compile(r"""["']?apiVersion["']?\s*:\s*["']?[\w./-]+["']?\s*,""")
_POD = re.compile(r"^[ \t]*(?:- )?(?:containers|initContainers)[ \t]*:", re.MULTILINE)
_CONTAINER = re.compile(
    r"^(?:livenessProbe|readinessProbe|startupProbe|securityContext|resources):[ \t]*$",
    re.MULTILINE,
)
# Fields that take one value, so that a mapping there (`name: {app}`) is a place for another program to fill in.
_PLAIN = frozenset(
    """name namespace image value containerPort replicas cpu memory storage path host port serviceName serviceAccountName
    claimName secretName storageClassName schedule""".split()
)
_FORMAT = re.compile(r":[ \t]+\{[A-Za-z_][\w.]*\}")
_OBJECT = frozenset({"apiVersion", "kind"})
_NAMES = (".yaml", ".yml", ".json")
# What tests hold a cluster against: parts of objects, which nobody applies (kuttl, chainsaw).
_ASSERTION = re.compile(r"(?:\A|/)\d{1,4}-(?:assert|errors)\.ya?ml\Z")
_PATCH = re.compile(r"(?:\A|[_.-])patch(?:es)?(?:[_.-]|\Z)|\Apatches/")
_KUSTOMIZATION = re.compile(r"(?:\A|/)[kK]ustomization(?:\.ya?ml)?\Z")


def claims(path: str, content: str) -> bool:
    """YAML or JSON with `apiVersion` and `kind`; in prose also a piece with containers or a container's parts."""
    return (
        path.endswith(_NAMES) and _may_hold_objects(path, content) and not _is_for_programs(content)
    )


@cache
def _config_file_pattern() -> re.Pattern[str]:
    """What a text with the settings of a program says somewhere: the group's name, or the kind's at a line's end."""
    alone = (
        rows("kubernetes-config-files").keys()
        - column("kubernetes-config-files", "names-manifests").keys()
    )
    names = [
        rf"""{re.escape(name)}["']?,?[ \t]*$""" if version else re.escape(name) + "/"
        for name, _, version in (thing.partition(" ") for thing in sorted(alone))
    ]
    return re.compile("|".join(names), re.MULTILINE)


def _is_for_programs(content: str) -> bool:
    """Whether each document of a text is the settings of a program (a kubeconfig, kubelet's), and none a manifest."""
    if not _config_file_pattern().search(content):
        return False
    try:
        roots = [root for root in load_all(content) if isinstance(root, Map)]
    except ParseError:
        return False
    return bool(roots) and all(
        is_config_file(root.text("apiVersion"), root.text("kind")) for root in roots
    )


def _may_hold_objects(path: str, content: str) -> bool:
    """Whether a text has the two keys of an object, or a part of one where it is a piece of prose."""
    if (_API.search(content) or _FLOW.search(content)) and ("kind" in content):
        return bool(_KIND.search(content) or "kind" in content[:4000])
    if "apiVersion" in content and "kind" in content and outline.top_level_keys(content) >= _OBJECT:
        return True
    if outline.ODD_KEY.search(content) and _has_objects(content):
        return True
    return "#" in path and bool(_POD.search(content) or _CONTAINER.search(content))


def _has_objects(content: str) -> bool:
    """Whether a text is YAML that has the two keys of an object at its top, however they are written."""
    try:
        return any(isinstance(root, Map) and root.keys() >= _OBJECT for root in load_all(content))
    except ParseError:
        return False


def parse(source: Source) -> Document:
    """The objects of a manifest. Raises ParseError where the YAML is broken."""
    roots = tuple(load_all(separated(source.text)))
    objects = tuple(obj for root in roots for obj in objects_of(source, root))
    pods = tuple(pod for one in objects for pod in pod_specs_of(one))
    containers = tuple(container for pod in pods for container in pod.containers())
    if objects and all(one.node.get("kind") is None for one in objects):
        source.fragment = True
    if source.parent is not None and any(_is_abridged(one) for one in objects):
        source.fragment = True
    return Document(source, roots, objects, pods, containers)


def unfilled(document: Document) -> int | None:
    """The first `{{ name }}` or `{name}` that stands where a value does; None where there is none."""
    text, roots = document.source.text, document.roots
    places = [offset] if (offset := yaml.unfilled(text, roots)) is not None else []
    if _FORMAT.search(text):
        places += [
            value.at().start
            for root in roots
            for node in yaml.walk(root)
            if isinstance(node, Map)
            for key, value in node.items()
            if key in _PLAIN
            and isinstance(value, Map)
            and value.flow
            and list(value.values()) == [None]
        ]
    return min(places, default=None)


def _is_abridged(obj: Object) -> bool:
    """Whether an object in prose leaves out what the API server requires: it is shown in part."""
    spec = obj.node.get("spec")
    return obj.api_version == "apps/v1" and isinstance(spec, Map) and spec.get("selector") is None


_CONFIG = re.compile(
    r"\.(?:conf|ya?ml|cfg|toml|json|template|vhost)\Z|\Adefault\Z|nginx|compose", re.IGNORECASE
)


def embedded(document: Document) -> Iterator[Source]:
    """Config files carried in the values of ConfigMaps, at their true lines."""
    for obj in document.objects:
        data = obj.node.get("data")
        if obj.kind != "ConfigMap" or not isinstance(data, Map):
            continue
        for key, value in data.items():
            if isinstance(value, str) and "\n" in value and _CONFIG.search(key):
                starts = literal_line_starts(document.source.text, data.at(key), value)
                if starts:
                    yield Source(
                        f"{document.source.path}#{obj.name}/{key}",
                        value,
                        parent=document.source,
                        starts=starts,
                    )


def prepare(by_kind: Mapping[str, list[Any]], paths: Collection[str]) -> None:
    """Mark what shows a part of an object: the patches of kustomizations, and what tests hold a cluster against."""
    patches: set[str] = set()
    folders = {
        posixpath.dirname(posixpath.normpath(path)) for path in paths if _KUSTOMIZATION.search(path)
    }
    documents: list[Document] = by_kind[NAME]
    for document in documents:
        root, folder = document.node, posixpath.dirname(document.source.root.path)
        if root.get("kind") in ("Kustomization", "Component") or _KUSTOMIZATION.search(
            document.source.root.path
        ):
            entries = filter(None, _patch_entries(root))
            patches.update(posixpath.normpath(posixpath.join(folder, one)) for one in entries)
        patches.update(_expectations(document, folder))
    for document in documents:
        path = posixpath.normpath(document.source.root.path)
        partial = any("$patch" in one.node for one in document.objects)
        if any(not one.image for one in document.containers):
            partial = partial or posixpath.dirname(path) in folders
        if partial or path in patches or _ASSERTION.search(path) or _is_loose_patch(path, folders):
            document.source.fragment = True


def _patch_entries(root: Map) -> Iterator[str]:
    """The paths of the patches that a kustomization names."""
    for key in ("patchesStrategicMerge", "patches", "patchesJson6902"):
        listed = root.get(key)
        yield from (
            (one for one in listed if isinstance(one, str)) if isinstance(listed, Seq) else ()
        )
        yield from (one.text("path") for one in root.entries(key))


def _is_loose_patch(path: str, folders: Collection[str]) -> bool:
    """Whether a file is a patch by its name, or its folder's, beside or below a kustomization: one that names it no more."""
    folder, name = posixpath.split(path)
    if _PATCH.search(name.lower().removesuffix(".yaml").removesuffix(".yml")):
        return folder in folders or posixpath.dirname(folder) in folders
    return posixpath.basename(folder) == "patches" and posixpath.dirname(folder) in folders


def _expectations(document: Document, folder: str) -> Iterator[str]:
    """The files that a test of chainsaw names as what is expected, not expected, or patched."""
    for root in document.roots:
        api = root.text("apiVersion") if isinstance(root, Map) else ""
        if not api.startswith("chainsaw.kyverno.io/"):
            continue
        for node in yaml.walk(root):
            for key in ("assert", "error", "patch") if isinstance(node, Map) else ():
                named = node.dig(key).text("file") if isinstance(node, Map) else ""
                if named:
                    yield posixpath.normpath(posixpath.join(folder, named))


IGNORE = "readiness.dev/ignore."


def notes(document: Document) -> Iterator[Note]:
    """The suppressions that objects and pod templates carry in their annotations."""
    carriers = [(one.annotations, one.node) for one in document.objects]
    carriers += [
        (pod.annotations, pod.template)
        for pod in document.pods
        if pod.template is not pod.owner.node
    ]
    for carried, node in carriers:
        for key, value in carried.items():
            if key.startswith(IGNORE):
                rule, reason = key.removeprefix(IGNORE), value if isinstance(value, str) else ""
                yield Note(document.source, rule, reason, carried.entry(key), node.at())


def objects(document: Document) -> tuple[Object, ...]:
    """Every object of a file."""
    return document.objects


def pods(document: Document) -> tuple[Pod, ...]:
    """Every pod spec of a file."""
    return document.pods


def containers(document: Document) -> tuple[Container, ...]:
    """Every container of a file."""
    return document.containers


def files(document: Document) -> Iterator[Document]:
    """Target `k8s.file`: the document itself."""
    yield document


TARGETS: dict[str, Callable[[Document], Any]] = {
    "k8s.object": objects,
    "k8s.pod": pods,
    "k8s.container": containers,
    "k8s.file": files,
    "k8s.values": values_in,
}
