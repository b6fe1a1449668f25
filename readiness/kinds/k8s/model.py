"""The words of Kubernetes manifests: objects, the pod specs inside them, and their containers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field
from functools import cache
from typing import Any

from readiness.facts.table import property_by_fact_name
from readiness.kinds.variables import HasVariables, VariableSetting, scalar_text_or_unknown_mark
from readiness.model import Source, Span
from readiness.model.records import dataclass
from readiness.syntax.holes import is_variable_or_template
from readiness.syntax.yaml import Map, Seq

LONG_RUNNING_KINDS = frozenset(
    {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Rollout", "DeploymentConfig", "Service"}
)  # fmt: skip
PROBE_FIELDS = ("livenessProbe", "readinessProbe", "startupProbe")
CIDRS_OF_ALL_ADDRESSES = frozenset({"0.0.0.0/0", "::/0"})  # of IPv4 or of IPv6
REPLICATED_KINDS = frozenset(
    {
        "Deployment",
        "StatefulSet",
        "ReplicaSet",
        "ReplicationController",
        "Rollout",
        "DeploymentConfig",
    }
)
KINDS_WITH_LASTING_PODS = (*REPLICATED_KINDS, "DaemonSet", "Pod")  # whose pods stay


@cache
def _development_name_pattern() -> re.Pattern[str]:
    """The words of development and tests, each between the marks that part names and paths."""
    development_word_pattern = "|".join(map(re.escape, property_by_fact_name("purpose-words", "namespace")))
    return re.compile(rf"(?:\A|[/._-])(?:{development_word_pattern})(?=[/._-]|\Z)")


class WithMetadata:
    """What carries metadata: an object, or the pods that a template makes (whose labels selectors match)."""

    __slots__ = ()

    @property
    def metadata_holder(self) -> Map:
        """The mapping that holds the metadata."""
        raise NotImplementedError

    @property
    def metadata(self) -> Map:
        """The metadata; an empty mapping at the owner's place where there is none."""
        return self.metadata_holder.mapping_at_path("metadata")

    @property
    def labels(self) -> Map:
        """metadata.labels."""
        return self.metadata.mapping_at_path("labels")

    @property
    def annotations(self) -> Map:
        """metadata.annotations."""
        return self.metadata.mapping_at_path("annotations")


@dataclass(frozen=True, slots=True, eq=False)
class Object(WithMetadata, HasVariables):
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
        """`KIND/NAME`, as reports name it."""
        return f"{self.kind}/{self.name}"

    @property
    def group(self) -> str:
        """The API group: `apps`, `networking.k8s.io`; empty for the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def metadata_holder(self) -> Map:
        """The object's root mapping, which holds `metadata`."""
        return self.node

    @property
    def spec(self) -> Map:
        """The object's spec; an empty mapping at the object's place where there is none."""
        return self.node.mapping_at_path("spec")

    @property
    def named_for_development(self) -> bool:
        """Whether its file or its namespace is, by its name, for development or tests."""
        development_name_pattern = _development_name_pattern()
        return bool(development_name_pattern.search(self.source.root.path.lower()) or development_name_pattern.search(self.namespace.lower()))

    @property
    def variable_settings(self) -> Iterator[VariableSetting]:
        """What a ConfigMap gives to the environments that take it in; values of several lines are files."""
        config_map_data = self.node.mapping_at_path("data")
        for data_key, data_value in config_map_data.items() if self.kind == "ConfigMap" else ():
            if "\n" not in str(data_value):
                yield _variable_setting_from_mapping(config_map_data, data_key, data_key, config_map_data.key_span(data_key), self.source)


@dataclass(frozen=True, slots=True, eq=False)
class Pod(WithMetadata):
    """A pod spec wherever it stands: in a Pod, or in the template of a workload.

    `node` is the pod spec, `owner` the object that holds it, `template` the mapping that holds metadata and spec
    (the object itself for a Pod). `kind` and `name` are the owner's.
    """

    source: Source
    node: Map
    owner: Object
    template: Map
    container: str = ""
    _containers: list[Container] = field(default_factory=list)

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
        """`KIND/NAME` of the object that the pod spec stands in."""
        return self.owner.resource

    @property
    def metadata_holder(self) -> Map:
        """The template; the object itself for a Pod."""
        return self.template

    @property
    def serving(self) -> bool:
        """Whether its pods are meant to run until they are replaced (and are no jobs or bare pods)."""
        return self.kind in LONG_RUNNING_KINDS

    @property
    def windows(self) -> bool:
        """Whether the pod says that it runs on Windows: by `os`, or by the nodes that it selects."""
        node_selector = self.node.mapping_at_path("nodeSelector")
        return self.node.mapping_at_path("os").get("name") == "windows" or node_selector.get("kubernetes.io/os") == "windows"

    def containers(self) -> Iterator[Container]:
        """Every container of the pod, init and ephemeral ones too; the same ones at every call."""
        if not self._containers:
            self._containers.extend(
                Container(self.source, container_node, self, container_role(container_list_key, container_node))
                for container_list_key in ("initContainers", "containers", "ephemeralContainers")
                for container_node in self.node.mappings_under(container_list_key)
            )
        return iter(self._containers)


@dataclass(frozen=True, slots=True, eq=False)
class Container(HasVariables):
    """One container. `role` is main, init, sidecar (an init container that restarts always) or ephemeral."""

    source: Source
    node: Map
    pod: Pod
    role: str
    _variable_settings: list[VariableSetting] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The container's name; empty where none is written."""
        return self.node.string_under("name")

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
    def named_for_development(self) -> bool:
        """Whether its object's file or namespace is, by its name, for development or tests."""
        return self.pod.owner.named_for_development

    @property
    def image(self) -> str:
        """The image reference as written; empty where there is none."""
        return self.node.string_under("image")

    @property
    def variable_settings(self) -> Iterator[VariableSetting]:
        """The variables under `env`; the last of a name counts, as it does for the kubelet."""
        if not self._variable_settings:
            self._variable_settings.extend(
                _variable_setting_from_mapping(env_entry, "value", env_entry.string_under("name"), env_entry.at("name"), self.source)
                for env_entry in self.node.mappings_under("env")
            )
        return iter(self._variable_settings)

    @property
    def security_context(self) -> Map:
        """The container's securityContext; an empty mapping at the container's place where there is none."""
        return self.node.mapping_at_path("securityContext")

    def command_lists(self) -> Iterator[Seq]:
        """The lists under `command` and `args` that are written, in this order."""
        yield from (listed for key in ("command", "args") if isinstance(listed := self.node.get(key), Seq))


def _variable_setting_from_mapping(mapping: Map, value_key: str, variable_name: str, name_span: Span, source: Source) -> VariableSetting:
    """The setting of a variable whose value stands under a key of a mapping, or beside it under `valueFrom`."""
    raw_value = mapping.get(value_key)
    known_value_text = scalar_text_or_unknown_mark(raw_value, holds_unknown_value=isinstance(raw_value, str) and is_variable_or_template(raw_value))
    return VariableSetting(
        variable_name,
        raw_value,
        known_value_text,
        mapping.at(value_key),
        name_span,
        source,
        mapping.mapping_at_path("valueFrom"),
    )


def container_role(container_list_key: str, node: Map) -> str:
    """What sort of container stands under a key of the pod spec."""
    if container_list_key == "containers":
        return "main"
    if container_list_key == "ephemeralContainers":
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
