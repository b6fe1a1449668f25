"""Kubernetes manifests: objects, the pod specs inside them, and their containers."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from readiness.model import Note, Source, Span
from readiness.syntax.yaml import Map, Seq, literal, load_all

NAME = "k8s"
EXAMPLE = "deploy.yaml"

_API = re.compile(r"""^[ \t]*(?:- )?["']?apiVersion["']?[ \t]*:[ \t]*["']?[\w./-]""", re.MULTILINE)
_KIND = re.compile(r"""^[ \t]*(?:- )?["']?kind["']?[ \t]*:[ \t]*["']?[A-Z]\w+""", re.MULTILINE)
_FLOW = re.compile(r"""["']?apiVersion["']?\s*:\s*["']?[\w./-]+["']?\s*,""")
_POD = re.compile(r"^[ \t]*(?:- )?(?:containers|initContainers)[ \t]*:", re.MULTILINE)
_CONTAINER = re.compile(
    r"^(?:livenessProbe|readinessProbe|startupProbe|securityContext|resources):[ \t]*$",
    re.MULTILINE,
)
_NAMES = (".yaml", ".yml", ".json")
_KUSTOMIZATION = re.compile(r"(?:\A|/)[kK]ustomization(?:\.ya?ml)?\Z")
# Files that are read by a tool of their own, not by the API server.
_NOT_OBJECTS = frozenset({"Kustomization", "Component", "Config", "Cluster", "ClusterConfiguration", "InitConfiguration",
                          "KubeletConfiguration", "JoinConfiguration", "Kptfile", "Profile"})  # fmt: skip
WORKLOADS = frozenset(
    {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Rollout", "DeploymentConfig",
     "Service", "Job", "CronJob", "ScaledJob", "Pod", "PodTemplate"}
)  # fmt: skip
SERVING = frozenset(
    {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Rollout", "DeploymentConfig", "Service"}
)  # fmt: skip
_PLAIN = frozenset({"ReplicationController", "Job"})
_APPS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"})
# Custom resources whose spec.template is a pod template.
_TEMPLATED = frozenset(
    {
        ("Rollout", "argoproj.io"),
        ("Service", "serving.knative.dev"),
        ("Configuration", "serving.knative.dev"),
        ("DeploymentConfig", "apps.openshift.io"),
        ("DeploymentConfig", ""),
    }
)
BATCH = frozenset({"Job", "CronJob", "ScaledJob"})
REPLICATED = frozenset(
    {
        "Deployment",
        "StatefulSet",
        "ReplicaSet",
        "ReplicationController",
        "Rollout",
        "DeploymentConfig",
    }
)


def claims(path: str, text: str) -> bool:
    """YAML or JSON with `apiVersion` and `kind`; in prose also a piece with containers or a container's parts."""
    if not path.endswith(_NAMES):
        return False
    if (_API.search(text) or _FLOW.search(text)) and ("kind" in text):
        return bool(_KIND.search(text) or "kind" in text[:4000])
    return "#" in path and bool(_POD.search(text) or _CONTAINER.search(text))


@dataclass(frozen=True, slots=True, eq=False)
class Object:
    """One API object. `namespace` is empty where none is written; `group` is empty for the core group."""

    source: Source
    node: Map
    api_version: str
    kind: str
    name: str
    namespace: str
    container: str = ""

    @property
    def resource(self) -> str:
        """KIND/NAME."""
        return f"{self.kind}/{self.name}"

    @property
    def group(self) -> str:
        """The API group: `apps`, `networking.k8s.io`; empty for the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def metadata(self) -> Map:
        """The object's metadata; an empty mapping at the object's place where there is none."""
        return mapping(self.node, "metadata")

    @property
    def spec(self) -> Map:
        """The object's spec; an empty mapping at the object's place where there is none."""
        return mapping(self.node, "spec")

    @property
    def labels(self) -> Map:
        """metadata.labels."""
        return mapping(self.metadata, "labels")

    @property
    def annotations(self) -> Map:
        """metadata.annotations."""
        return mapping(self.metadata, "annotations")


@dataclass(frozen=True, slots=True, eq=False)
class Pod:
    """A pod spec wherever it stands: in a Pod, or in the template of a workload.

    `node` is the pod spec, `owner` the object that holds it, `template` the mapping that holds metadata and spec
    (the object itself for a Pod). `kind` and `name` are the owner's.
    """

    source: Source
    node: Map
    owner: Object
    template: Map
    container: str = ""

    @property
    def kind(self) -> str:
        """The kind of the object that holds the pod spec."""
        return self.owner.kind

    @property
    def name(self) -> str:
        """The name of the object that holds the pod spec."""
        return self.owner.name

    @property
    def namespace(self) -> str:
        """The namespace written on the owner; empty where none is."""
        return self.owner.namespace

    @property
    def resource(self) -> str:
        """KIND/NAME of the owner."""
        return self.owner.resource

    @property
    def metadata(self) -> Map:
        """The pod's own metadata."""
        return mapping(self.template, "metadata")

    @property
    def labels(self) -> Map:
        """The labels that the pods carry: what selectors match."""
        return mapping(self.metadata, "labels")

    @property
    def annotations(self) -> Map:
        """The annotations that the pods carry."""
        return mapping(self.metadata, "annotations")

    @property
    def serving(self) -> bool:
        """Whether its pods are meant to run until they are replaced (and are no jobs or bare pods)."""
        return self.kind in SERVING

    @property
    def replicated(self) -> bool:
        """Whether its owner has `replicas`."""
        return self.kind in REPLICATED

    @property
    def windows(self) -> bool:
        """Whether the pod says that it runs on Windows: by `os`, or by the nodes that it selects."""
        selector = mapping(self.node, "nodeSelector")
        return (
            mapping(self.node, "os").get("name") == "windows"
            or selector.get("kubernetes.io/os") == "windows"
        )

    def containers(self) -> Iterator[Container]:
        """Every container of the pod, init and ephemeral ones too."""
        for key in ("initContainers", "containers", "ephemeralContainers"):
            for item in maps(self.node.get(key)):
                yield Container(self.source, item, self, role_of(key, item))


@dataclass(frozen=True, slots=True, eq=False)
class Container:
    """One container. `role` is main, init, sidecar (an init container that restarts always) or ephemeral."""

    source: Source
    node: Map
    pod: Pod
    role: str

    @property
    def name(self) -> str:
        """The container's name; empty where none is written."""
        return text(self.node.get("name"))

    @property
    def container(self) -> str:
        """The container's name, as reports print it."""
        return self.name

    @property
    def resource(self) -> str:
        """KIND/NAME of the object that holds the pod."""
        return self.pod.resource

    @property
    def kind(self) -> str:
        """The kind of the object that holds the pod."""
        return self.pod.kind

    @property
    def serving(self) -> bool:
        """Whether it runs as long as its pod, and the pod until it is replaced."""
        return self.pod.serving and self.role in {"main", "sidecar"}

    @property
    def windows(self) -> bool:
        """Whether its pod says that it runs on Windows."""
        return self.pod.windows

    @property
    def image(self) -> str:
        """The image reference as written; empty where there is none."""
        return text(self.node.get("image"))

    @property
    def security(self) -> Map:
        """The container's securityContext; an empty mapping at the container's place where there is none."""
        return mapping(self.node, "securityContext")


def role_of(key: str, node: Map) -> str:
    """What sort of container stands under a key of the pod spec."""
    if key == "containers":
        return "main"
    if key == "ephemeralContainers":
        return "ephemeral"
    return "sidecar" if node.get("restartPolicy") == "Always" else "init"


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """The objects of one file, in order, the items of Lists among them, with their pods and containers."""

    source: Source
    roots: tuple[Any, ...]
    objects: tuple[Object, ...]
    pods: tuple[Pod, ...]
    containers: tuple[Container, ...]
    resource: str = ""
    container: str = ""

    @property
    def node(self) -> Map:
        """The first mapping of the file."""
        return next((root for root in self.roots if isinstance(root, Map)), Map(Span(0, 0)))


def parse(source: Source) -> Document:
    """The objects of a manifest. Raises ParseError where the YAML is broken."""
    roots = tuple(load_all(source.text))
    objects = tuple(found for root in roots for found in objects_of(source, root))
    pods = tuple(pod for one in objects for pod in pods_of(one))
    containers = tuple(container for pod in pods for container in pod.containers())
    if objects and all(one.node.get("kind") is None for one in objects):
        source.fragment = True
    if source.parent is not None and any(_elided(one) for one in objects):
        source.fragment = True
    return Document(source, roots, objects, pods, containers)


def _elided(one: Object) -> bool:
    """Whether an object in prose leaves out what the API server requires: it is shown in part."""
    spec = one.node.get("spec")
    return one.api_version == "apps/v1" and isinstance(spec, Map) and spec.get("selector") is None


def objects_of(source: Source, root: Any, depth: int = 0) -> Iterator[Object]:
    """The objects of one YAML document; a List is opened."""
    if not isinstance(root, Map):
        return
    kind, version = root.get("kind"), root.get("apiVersion")
    if not isinstance(kind, str) or not isinstance(version, str):
        if source.parent is not None:
            yield from piece(source, root)
        return
    if kind.endswith("List") and isinstance(root.get("items"), Seq) and depth < 3:
        for item in root["items"]:
            yield from objects_of(source, item, depth + 1)
        return
    if kind in _NOT_OBJECTS and "kustomize" in version + kind.lower():
        return
    metadata = mapping(root, "metadata")
    name = text(metadata.get("name")) or text(metadata.get("generateName"))
    yield Object(source, root, version, kind, name, text(metadata.get("namespace")))


def piece(source: Source, root: Map) -> Iterator[Object]:
    """A part of a manifest shown in prose, put where it would stand: a spec, a pod spec, a container."""
    node = root
    if isinstance(node.get("spec"), Map):
        yield Object(
            source,
            node,
            "v1",
            "PodTemplate" if "template" not in node["spec"] else "Deployment",
            "",
            "",
        )
        return
    for key in ("containers", "initContainers"):
        if isinstance(node.get(key), Seq):
            shell = Map(node.at())
            shell["spec"] = node
            shell._edges["spec"] = (node.at().start, *node.at())
            yield Object(source, shell, "v1", "Pod", "", "")
            return
    probes = {
        "livenessProbe",
        "readinessProbe",
        "startupProbe",
        "securityContext",
        "resources",
        "image",
        "env",
    }
    values = isinstance(node.get("image"), Map) or isinstance(node.get("env"), Map)  # of a chart
    if probes & set(node) and not {"services", "jobs"} & set(node) and not values:
        shell, spec, containers = Map(node.at()), Map(node.at()), Seq(node.at())
        containers.append(node)
        containers._edges.append((node.at().start, node.at().end))
        for outer, key, inner in ((shell, "spec", spec), (spec, "containers", containers)):
            outer[key] = inner
            outer._edges[key] = (node.at().start, *node.at())
        yield Object(source, shell, "v1", "Pod", "", "")


def pods_of(one: Object) -> Iterator[Pod]:
    """The pod specs of an object: one for most workloads."""
    kind, group, spec = one.kind, one.group, one.node.get("spec")
    if kind == "PodTemplate" and isinstance(one.node.get("template"), Map):
        yield from pod_in(one, one.node["template"])
        return
    if not isinstance(spec, Map):
        return
    if kind == "Pod" or (kind == "PodTemplate" and "template" not in spec):
        yield Pod(one.source, spec, one, one.node)
    elif kind in _PLAIN or (
        kind in _APPS and (group in {"", "extensions"} or group.endswith("apps"))
    ):
        yield from pod_in(one, spec.get("template"))
    elif kind == "CronJob":
        job = mapping(spec, "jobTemplate")
        yield from pod_in(one, mapping(job, "spec").get("template"))
    elif (kind, group) in _TEMPLATED:
        yield from pod_in(one, spec.get("template"))
    elif kind in {"Sandbox", "SandboxTemplate"} and group.endswith("agents.x-k8s.io"):
        yield from pod_in(one, spec.get("podTemplate"))
    elif (kind, group) == ("ScaledJob", "keda.sh"):
        yield from pod_in(one, mapping(spec, "jobTargetRef").get("template"))
    elif (
        kind in {"Task", "ClusterTask"}
        and group == "tekton.dev"
        and isinstance(spec.get("steps"), Seq)
    ):
        pod = Map(spec.at())
        pod["containers"], pod._edges["containers"] = spec["steps"], spec._edges["steps"]
        yield Pod(one.source, pod, one, one.node)


def pod_in(one: Object, template: Any) -> Iterator[Pod]:
    """The pod spec of a template."""
    if isinstance(template, Map) and isinstance(template.get("spec"), Map):
        yield Pod(one.source, template["spec"], one, template)


def mapping(node: Any, key: str) -> Map:
    """The mapping under a key; an empty one at the node's own place where there is none, so that rules need no case."""
    value = node.get(key) if isinstance(node, Map) else None
    return value if isinstance(value, Map) else Map(node.at())


def maps(value: Any) -> Iterator[Map]:
    """The mappings among the entries of a list."""
    if isinstance(value, Seq):
        yield from (item for item in value if isinstance(item, Map))


def text(value: Any) -> str:
    """A string, or an empty one where something else stands."""
    return value if isinstance(value, str) else ""


_CONFIG = re.compile(
    r"\.(?:conf|ya?ml|cfg|toml|json|template|vhost)\Z|\Adefault\Z|nginx|compose", re.IGNORECASE
)


def embedded(document: Document) -> Iterator[Source]:
    """Config files carried in the values of ConfigMaps, at their true lines."""
    for one in document.objects:
        data = one.node.get("data")
        if one.kind != "ConfigMap" or not isinstance(data, Map):
            continue
        for key, value in data.items():
            if isinstance(value, str) and "\n" in value and _CONFIG.search(key):
                starts = literal(document.source.text, data.at(key), value)
                if starts:
                    yield Source(
                        f"{document.source.path}#{one.name}/{key}",
                        value,
                        parent=document.source,
                        starts=starts,
                    )


def prepare(documents: list[Document], paths: Collection[str]) -> None:
    """Mark the patches of kustomizations: they show a part of an object, and leave out what their base has."""
    patches: set[str] = set()
    folders = {
        posixpath.dirname(posixpath.normpath(path)) for path in paths if _KUSTOMIZATION.search(path)
    }
    for document in documents:
        root, folder = document.node, posixpath.dirname(document.source.root.path)
        if root.get("kind") in _NOT_OBJECTS or _KUSTOMIZATION.search(document.source.root.path):
            listed = root.get("patchesStrategicMerge")
            entries = (
                [one for one in listed if isinstance(one, str)] if isinstance(listed, Seq) else []
            )
            for key in ("patches", "patchesJson6902"):
                entries += [text(one.get("path")) for one in maps(root.get(key))]
            patches.update(
                posixpath.normpath(posixpath.join(folder, entry)) for entry in entries if entry
            )
    for document in documents:
        path = posixpath.normpath(document.source.root.path)
        partial = any("$patch" in one.node for one in document.objects)
        if any(not one.image for one in document.containers):
            partial = partial or posixpath.dirname(path) in folders
        if partial or path in patches:
            document.source.fragment = True


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
    """The file as a whole."""
    yield document


TARGETS: dict[str, Callable[[Document], Any]] = {
    "k8s.object": objects,
    "k8s.pod": pods,
    "k8s.container": containers,
    "k8s.file": files,
}
