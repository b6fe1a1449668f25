"""Helm values that stand in objects: of Flux's HelmRelease, Argo CD's Application and k3s's HelmChart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from readiness.kinds.k8s.model import Document, Object
from readiness.kinds.k8s.traffic import EXPORTER_PORTS, is_non_traffic_port_name
from readiness.model import ParseError, Source, Span
from readiness.model.records import dataclass
from readiness.syntax.yaml import Map, Seq, literal_line_starts, load_yaml_documents

_FLUX_GROUPS = frozenset({"helm.toolkit.fluxcd.io", "helm.fluxcd.io"})
_ARGO_GROUP = "argoproj.io"
_K3S_GROUP = "helm.cattle.io"
_MAX_VALUE_DEPTH = 100
KINDS_OF_RELEASES = ("Application", "ApplicationSet", "HelmChart", "HelmRelease")


@dataclass(frozen=True, slots=True, eq=False)
class HelmReleaseValues:
    """The values of one release as its object writes them: a mapping, or a YAML text, which is a source of its own."""

    source: Source
    node: Map
    owner: Object
    container: str = ""

    @property
    def resource(self) -> str:
        """KIND/NAME of the object."""
        return self.owner.resource

    @property
    def kind(self) -> str:
        """The kind of the object."""
        return self.owner.kind

    @property
    def root_location(self) -> tuple[str, int]:
        """Where the values begin in the file that holds them."""
        return self.source.root.path, self.source.to_root(self.node.at().start)


def is_helm_release(obj: Object) -> bool:
    """Whether an object installs a chart or what stands at a path, and may give it values."""
    return (
        (obj.kind == "HelmRelease" and obj.group in _FLUX_GROUPS)
        or (obj.kind in {"Application", "ApplicationSet"} and obj.group == _ARGO_GROUP)
        or (obj.kind in {"HelmChart", "HelmChartConfig"} and obj.group == _K3S_GROUP)
    )


def release_names(obj: Object) -> Iterator[str]:
    """The names that what a release makes may begin with: its own, that of its object, and those that its values give it instead."""
    yield from filter(None, (obj.name, obj.spec.string_under("releaseName")))
    if obj.spec.string_under("targetNamespace") and obj.group in _FLUX_GROUPS:
        yield f"{obj.spec.string_under('targetNamespace')}-{obj.name}"
    for application_source in argo_application_sources(obj) if obj.group == _ARGO_GROUP else ():
        yield from filter(None, [application_source.mapping_at_path("helm").string_under("releaseName")])
    for values in release_values_of(obj):
        yield from filter(None, (values.node.string_under("fullnameOverride"), values.node.string_under("nameOverride")))


def release_namespaces(obj: Object) -> Iterator[str]:
    """The namespace that a release goes to; its object's own where it says no other."""
    if obj.group == _ARGO_GROUP:
        yield argo_application_spec(obj).mapping_at_path("destination").string_under("namespace")
    else:
        yield obj.spec.string_under("targetNamespace") or obj.namespace


def local_chart_paths(obj: Object) -> Iterator[str]:
    """The folders, from the root of a repository, that a release takes charts or manifests from; none of a chart of a registry."""
    if obj.group in _FLUX_GROUPS:
        chart_mapping = obj.spec.mapping_at_path("chart")
        chart_spec = chart_mapping.mapping_at_path("spec")
        if chart_spec.mapping_at_path("sourceRef").get("kind") in {"GitRepository", "Bucket"}:
            yield chart_spec.string_under("chart")
        elif chart_mapping.string_under("path"):
            yield chart_mapping.string_under("path")
    elif obj.group == _ARGO_GROUP:
        yield from (one.string_under("path") for one in argo_application_sources(obj) if not one.string_under("chart") and one.string_under("path"))


def argo_application_spec(obj: Object) -> Map:
    """What an Application says, or those that an ApplicationSet makes."""
    return obj.spec.mapping_at_path("template", "spec") if obj.kind == "ApplicationSet" else obj.spec


def argo_application_sources(obj: Object) -> Iterator[Map]:
    """The sources of an Application, or of those that an ApplicationSet makes."""
    application_spec = argo_application_spec(obj)
    if isinstance(application_spec.get("source"), Map):
        yield application_spec["source"]
    yield from application_spec.mappings_under("sources")


def release_values_of(obj: Object, argo_source: Map | None = None) -> Iterator[HelmReleaseValues]:
    """The values in an object, those that win last; of an Application those of one source, else of all."""
    if not is_helm_release(obj):
        return
    if obj.group in _FLUX_GROUPS:
        yield from _release_values_under(obj, obj.spec, "values")
    elif obj.group == _K3S_GROUP:
        yield from _release_values_under(obj, obj.spec, "valuesContent")
    else:
        for application_source in [argo_source] if argo_source is not None else argo_application_sources(obj):
            helm_settings = application_source.mapping_at_path("helm")
            yield from _release_values_under(obj, helm_settings, "values")
            yield from _release_values_under(obj, helm_settings, "valuesObject")


def _release_values_under(obj: Object, mapping: Map, key: str) -> Iterator[HelmReleaseValues]:
    written_values = mapping.get(key)
    if isinstance(written_values, Map):
        yield HelmReleaseValues(obj.source, written_values, obj)
    elif isinstance(written_values, str):
        yield from _release_values_in_text(obj, written_values, mapping.at(key))


def _release_values_in_text(obj: Object, text: str, span: Span) -> Iterator[HelmReleaseValues]:
    """Values that are written as a text: at their own lines in a block, else at the line where the text begins."""
    try:
        values_documents = load_yaml_documents(text)
    except ParseError:
        return
    if not values_documents or not isinstance(values_documents[0], Map):
        return
    line_starts = literal_line_starts(obj.source.text, span, text)
    if line_starts:
        values_source = Source(obj.source.path, text, parent=obj.source, line_starts_in_parent=line_starts)
        yield HelmReleaseValues(values_source, values_documents[0], obj)
    else:
        yield HelmReleaseValues(obj.source, _copy_with_single_span(values_documents[0], obj.source.one_line(span)), obj)


def _copy_with_single_span(node: Any, span: Span, depth: int = 0) -> Any:
    """A value of which every part stands at one place: a text in quotes tells no places of its own."""
    if depth > _MAX_VALUE_DEPTH or not isinstance(node, Map | Seq):
        return node
    if isinstance(node, Map):
        copied_mapping = Map(span)
        for key, value in node.items():
            copied_mapping[key] = _copy_with_single_span(value, span, depth + 1)
        return copied_mapping
    copied_list = Seq(span)
    copied_list.extend(_copy_with_single_span(value, span, depth + 1) for value in node)
    return copied_list


@dataclass(frozen=True, slots=True)
class HelmValue:
    """One value under its key: `key_path_in_rule_file` are the keys that lead to it, its own last, and `span` its place."""

    key_path: tuple[str, ...]
    value: Any
    span: Span
    parent_mapping: Map

    @property
    def dotted_name(self) -> str:
        """The keys as Helm's `--set` writes them."""
        return ".".join(self.key_path)


def leaf_values(release_values: HelmReleaseValues) -> Iterator[HelmValue]:
    """Every value that is no mapping and no list, wherever it stands, within bounds."""
    pending_nodes: list[tuple[tuple[str, ...], Any]] = [((), release_values.node)]
    seen_node_ids: set[int] = set()
    while pending_nodes:
        key_path, node = pending_nodes.pop()
        if id(node) in seen_node_ids or len(key_path) > _MAX_VALUE_DEPTH:
            continue  # an alias
        seen_node_ids.add(id(node))
        if isinstance(node, Map):
            for value_key, value in reversed(node.items()):
                if isinstance(value, Map | Seq):
                    pending_nodes.append(((*key_path, value_key), value))
                else:
                    yield HelmValue((*key_path, value_key), value, node.at(value_key), node)
        elif isinstance(node, Seq):
            pending_nodes += [(key_path, value) for value in reversed(node) if isinstance(value, Map | Seq)]


def release_values_in(document: Document) -> Iterator[HelmReleaseValues]:
    """All values of releases that stand in a file."""
    for obj in document.objects:
        yield from release_values_of(obj)


def node_work_of_controller(release_values: HelmReleaseValues, key_path: tuple[str, ...]) -> str:
    """What a controller that values under some keys belong to does on its node; empty where that says nothing.

    `node-agent` is a DaemonSet with directories of its node, `node-reader` a CronJob that only reads them, `node-job` a Job without ports.

    The values are those of charts on bjw-s' common library (`controllers.NAME.type`, `persistence.NAME.type: hostPath`); what they
    say of a pod is what `readiness.kinds.k8s.agents` asks of manifests. Values for all pods belong to every controller.
    https://bjw-s-labs.github.io/helm-charts/docs/common-library/
    """
    node_works = [_node_work(release_values.node, name) for name in controller_names_of_key(release_values, key_path)]
    return node_works[0] if node_works and all(node_works) else ""


def _node_work(values_node: Map, controller_name: str) -> str:
    """What one controller does on its node; empty for one that may be a server like any other."""
    controller_type = values_node.mapping_at_path("controllers", controller_name).string_under("type").lower()
    host_volumes = [one for one in _host_path_volumes(values_node) if _is_mounted_by_controller(one, controller_name)]
    if controller_type == "daemonset":
        return "node-agent" if host_volumes else ""
    if _has_service(values_node, controller_name):
        return ""
    if controller_type == "cronjob":
        is_reading_only = bool(host_volumes) and all(_is_read_only(one, controller_name) for one in host_volumes)
        return "node-reader" if is_reading_only else ""
    return "node-job" if controller_type == "job" else ""


def controller_names_of_key(release_values: HelmReleaseValues, key_path: tuple[str, ...]) -> list[str]:
    """The controllers that a value belongs to, by the keys of charts on bjw-s' common library; none where other charts may have it."""
    controllers = release_values.node.mapping_at_path("controllers")
    if key_path[0] == "controllers" and len(key_path) > 1:
        return [key_path[1]]
    return [name for name in controllers if isinstance(name, str)] if key_path[0] == "defaultPodOptions" else []


def is_daemon_set_by_values(release_values: HelmReleaseValues, key_path: tuple[str, ...]) -> bool:
    """Whether the controllers that a value belongs to are of the type that has a pod on each node."""
    controllers = release_values.node.mapping_at_path("controllers")
    controller_names = controller_names_of_key(release_values, key_path)
    types = [controllers.mapping_at_path(name).string_under("type").lower() for name in controller_names] or [
        release_values.node.mapping_at_path("controller").string_under("type").lower()
    ]
    return all(one == "daemonset" for one in types)


def takes_requests_by_values(release_values: HelmReleaseValues, key_path: tuple[str, ...]) -> bool:
    """Whether the values send requests to the pods that a value belongs to: by a Service with a port that is no measurement's, or a route."""
    values_node, controller_names = release_values.node, controller_names_of_key(release_values, key_path)
    if any(_has_traffic_service(values_node, name) for name in controller_names or [""]):
        return True
    return any(
        isinstance(route, Map) and route.get("enabled", key != "ingress") is not False
        for key in ("ingress", "route")
        for route in (values_node.mapping_at_path(key), *values_node.mapping_at_path(key).values())
        if route
    )


def _has_traffic_service(values_node: Map, controller_name: str) -> bool:
    """Whether the values give a controller (empty: whichever there is) a Service with a port for requests."""
    service_section = values_node.mapping_at_path("service")
    services = [one for one in (service_section, *service_section.values()) if isinstance(one, Map) and (one.get("ports") or one.get("port"))]
    for service in services:
        is_of_others = bool(controller_name) and service.get("controller", controller_name) != controller_name
        ports = service.mapping_at_path("ports")
        port_names = [name for name in ports if isinstance(name, str) and ports.mapping_at_path(name).get("enabled") is not False]
        has_request_port = not port_names or any(not is_non_traffic_port_name(name) for name in port_names)
        is_scraped_alone = _has_service_monitor(values_node) and _has_only_exporter_ports(service)
        if service.get("enabled") is not False and not is_of_others and has_request_port and not is_scraped_alone:
            return True
    return False


def _has_service_monitor(values_node: Map) -> bool:
    """Whether the values make a ServiceMonitor: by a switch, or by endpoints under a name."""
    for monitor_section in (values_node.mapping_at_path("serviceMonitor"), values_node.mapping_at_path("metrics", "serviceMonitor")):
        named_monitors = [one for one in monitor_section.values() if isinstance(one, Map) and one.get("endpoints")]
        if monitor_section.get("enabled", bool(named_monitors)) is True:
            return True
    return False


def _has_only_exporter_ports(service: Map) -> bool:
    """Whether all ports of a Service of values are numbers that exporters of measurements have."""
    ports = service.mapping_at_path("ports")
    port_numbers = [service.get("port")] if not ports else [ports.mapping_at_path(name).get("port") for name in ports if isinstance(name, str)]
    return bool(port_numbers) and all(isinstance(one, int) and one in EXPORTER_PORTS for one in port_numbers)


def _host_path_volumes(values_node: Map) -> Iterator[Map]:
    """The enabled volumes that are directories of the node."""
    for volume in values_node.mapping_at_path("persistence").values():
        if isinstance(volume, Map) and volume.get("type") == "hostPath" and volume.get("enabled") is not False:
            yield volume


def _is_mounted_by_controller(volume: Map, controller_name: str) -> bool:
    """Whether a controller has a volume: mounts for some are `advancedMounts`, any other are for all."""
    advanced_mounts = volume.mapping_at_path("advancedMounts")
    return not advanced_mounts or controller_name in advanced_mounts or bool(volume.get("globalMounts"))


def _is_read_only(volume: Map, controller_name: str) -> bool:
    """Whether all mounts of a volume in a controller are read-only; without any it is mounted for writing."""
    container_mounts = volume.mapping_at_path("advancedMounts", controller_name)
    mounts = [
        *volume.mappings_under("globalMounts"),
        *(mount for container_name in container_mounts for mount in container_mounts.mappings_under(container_name)),
    ]
    return bool(mounts) and all(mount.get("readOnly") is True for mount in mounts)


def _has_service(values_node: Map, controller_name: str) -> bool:
    """Whether a Service sends requests to a controller: one that names it, or that names none."""
    return any(
        isinstance(service, Map) and service.get("enabled") is not False and service.get("controller", controller_name) == controller_name
        for service in values_node.mapping_at_path("service").values()
    )
