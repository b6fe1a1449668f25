"""Services: what they select, the ports they send to, and to whom they open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from readiness.checks.k8s.absence import are_workloads_beside
from readiness.checks.k8s.written import lowered_where_values_decide
from readiness.facts.domains import is_private_ip
from readiness.facts.table import property_by_fact_name
from readiness.kinds.k8s.agents import is_filled_in_by_injector
from readiness.kinds.k8s.deliveries import has_objects_of_kind_beside
from readiness.kinds.k8s.effective import integer_or_none
from readiness.kinds.k8s.elsewhere import find_matching_services_in_run, find_reached_workloads_in_run
from readiness.kinds.k8s.index import Workload, object_index, owner_object_of
from readiness.kinds.k8s.labels import Selector, parse_label_selector, selector_of_service
from readiness.kinds.k8s.labels import may_be_same_namespace as same_namespace
from readiness.kinds.k8s.model import CIDRS_OF_ALL_ADDRESSES, Object
from readiness.kinds.k8s.spaces import NameResolution
from readiness.kinds.units import MAX_CANDIDATES_PER_QUESTION
from readiness.model import CheckOutcome, Related, Undecidable, hit, join_names, missing
from readiness.model.project import Project
from readiness.syntax.yaml import Map, Seq


def is_service(obj: Object) -> bool:
    """Whether an object is a Service of the core group (Knative has one of its own)."""
    return obj.kind == "Service" and obj.api_version == "v1"


def workloads_behind_service(obj: Object, project: Project) -> Sequence[Workload]:
    """The workloads that a Service surely sends traffic to."""
    selector = selector_of_service(obj)
    return object_index(project).resolve_selected_workloads(obj, selector).meant if selector is not None else ()


def service_ports_with_targets(obj: Object) -> Iterator[tuple[Map, object]]:
    """The ports of a Service, each with what it sends to: targetPort, else the port itself."""
    for port in obj.spec.mappings_under("ports"):
        target_port = port.get("targetPort")
        yield port, port.get("port") if target_port is None else target_port


def service_port_undeclared(obj: Object, *, project: Project) -> CheckOutcome:
    """A Service sends to a port number that its pods, which do declare ports, do not."""
    if not is_service(obj) or obj.spec.get("clusterIP") == "None":
        return
    workloads = [each for each in workloads_behind_service(obj, project) if each.pod is not None]
    if not workloads or any(not _declares_all_ports(each) for each in workloads):
        return
    container_port_numbers = {integer_or_none(port.get("containerPort")) for each in workloads for port in ports_declared_by(each)}
    for port, target_port in service_ports_with_targets(obj):
        target_number = int(target_port) if isinstance(target_port, str) and target_port.isdecimal() and len(target_port) < 6 else target_port
        port_number = integer_or_none(target_number)
        if port_number is not None and port_number not in container_port_numbers:
            port_key = "targetPort" if port.get("targetPort") is not None else "port"
            served_ports_text = join_names(sorted(one for one in container_port_numbers if one is not None))
            yield hit(
                port.at(port_key),
                related=[selected_pods_location(workloads[0])],
                port=port_number,
                served=served_ports_text,
            )


def selected_pods_location(workload: Workload) -> Related:
    """The place of a workload that a Service selects."""
    return Related(workload.source, workload.owner.metadata.at("name"), "the pods that it selects")


def ports_declared_by(workload: Workload) -> Iterator[Map]:
    """The ports that the containers of a workload declare."""
    for container in workload.pod.containers() if workload.pod else ():
        yield from container.node.mappings_under("ports")


def _declares_all_ports(workload: Workload) -> bool:
    """Whether every main container of a workload declares its ports, so that an undeclared one stands out; an injector adds some."""
    containers = [one for one in workload.pod.containers() if one.role == "main"] if workload.pod else []
    return bool(containers) and all(
        any(True for _ in container.node.mappings_under("ports")) and not is_filled_in_by_injector(container) for container in containers
    )


def service_exposed(obj: Object, *, types: Sequence[str]) -> CheckOutcome:
    """A Service is of a type that opens it beyond the cluster."""
    service_type = obj.spec.get("type")
    if is_service(obj) and isinstance(service_type, str) and service_type in types:
        yield hit(obj.spec.at("type"), type=service_type)


_INTERNAL_ANNOTATION_VALUES = frozenset({"true", "internal", "intranet", "0.0.0.0/0"})


def is_internal_balancer(obj: Object) -> bool:
    """Whether a load balancer is kept inside the network by an annotation or a class."""
    balancer_scheme = obj.annotations.get("service.beta.kubernetes.io/aws-load-balancer-scheme")
    return balancer_scheme == "internal" or any(
        str(obj.annotations.get(key, "")).lower() in _INTERNAL_ANNOTATION_VALUES
        for key in property_by_fact_name("kubernetes-annotations", "internal")
    )


def private_balancer_address(obj: Object) -> str:
    """The first address that a load balancer asks for, where all of them are reached from their own network alone; else empty."""
    if obj.spec.get("type") != "LoadBalancer":
        return ""
    annotation_values = (obj.annotations.get(key) for key in property_by_fact_name("kubernetes-annotations", "addresses"))
    address_texts = [one for one in (obj.spec.get("loadBalancerIP"), *annotation_values) if isinstance(one, str)]
    addresses = [address for text in address_texts for address in text.replace(",", " ").split()]
    external_ips = obj.spec.get("externalIPs")
    addresses += [str(one) for one in external_ips] if isinstance(external_ips, Seq) else []
    return addresses[0] if addresses and all(map(is_private_ip, addresses)) else ""


def load_balancer_open(obj: Object) -> CheckOutcome:
    """A load balancer takes connections from anywhere; one that only the own network reaches does not."""
    if not is_service(obj) or obj.spec.get("type") != "LoadBalancer" or is_internal_balancer(obj) or private_balancer_address(obj):
        return
    source_ranges = obj.spec.get("loadBalancerSourceRanges")
    if not isinstance(source_ranges, Seq) or not source_ranges:
        has_ranges_annotation = "service.beta.kubernetes.io/load-balancer-source-ranges" in obj.annotations
        if not has_ranges_annotation:
            yield missing(obj.spec.at("type"))


def load_balancer_ranges_everything(obj: Object) -> CheckOutcome:
    """The source ranges of a load balancer hold every address."""
    source_ranges = obj.spec.get("loadBalancerSourceRanges")
    if is_service(obj) and isinstance(source_ranges, Seq):
        for index, source_range in enumerate(source_ranges):
            if source_range in CIDRS_OF_ALL_ADDRESSES:
                yield hit(source_ranges.at(index), range=source_range)


def service_external_ips(obj: Object) -> CheckOutcome:
    """A Service claims addresses outside of the cluster."""
    external_ips = obj.spec.get("externalIPs")
    if is_service(obj) and isinstance(external_ips, Seq) and external_ips:
        yield hit(obj.spec.at("externalIPs"))


@lowered_where_values_decide()
def service_ports_invalid(obj: Object) -> CheckOutcome:
    """Ports of a Service that the API server refuses: several without names, a name or a port twice."""
    if not is_service(obj):
        return
    ports = list(obj.spec.mappings_under("ports"))
    port_names, ports_and_protocols = set(), set()
    for port in ports:
        port_name, port_and_protocol = port.get("name"), (port.get("port"), port.get("protocol") or "TCP")
        if port_name is None and len(ports) > 1:
            yield missing(port.at(), say="no-name")
        elif isinstance(port_name, str) and port_name in port_names:
            yield hit(port.at("name"), say="name", port_name=port_name[:63])
        if integer_or_none(port_and_protocol[0]) is not None and port_and_protocol in ports_and_protocols:
            yield hit(
                port.at("port"),
                say="number",
                port=integer_or_none(port_and_protocol[0]),
                protocol=str(port_and_protocol[1])[:4],
            )
        port_names.add(port_name)
        ports_and_protocols.add(port_and_protocol)


def service_monitor_selects_nothing(obj: Object, *, project: Project) -> CheckOutcome:
    """A ServiceMonitor (or PodMonitor) selects no Service (or pod) in the files, or only such as are applied for others."""
    if obj.kind not in {"ServiceMonitor", "PodMonitor"}:
        return
    project_index = object_index(project)
    selector = parse_label_selector(obj.spec.get("selector")) or Selector()
    is_of_services = obj.kind == "ServiceMonitor"
    if not (project_index.objects_by_kind.get("Service") if is_of_services else project_index.workloads):
        return
    watched_namespaces = _watched_namespaces(obj)
    if watched_namespaces is not None and not _has_targets_in_namespaces(watched_namespaces, obj.kind, project):
        return
    if ("component", "apiserver") in selector.pairs:
        return  # the Service of the API server, which the cluster brings along
    candidates_elsewhere: list[Object | Workload] = []
    for namespace in [""] if watched_namespaces is None else watched_namespaces[:MAX_CANDIDATES_PER_QUESTION]:
        resolution: NameResolution[Object] | NameResolution[Workload] = (
            find_matching_services_in_run(obj, selector, project, namespace)
            if is_of_services
            else find_reached_workloads_in_run(obj, selector, project, namespace)
        )
        if resolution.is_ambiguous:
            yield Undecidable(obj.metadata.at("name"))
            return
        if resolution.meant:
            return
        candidates_elsewhere += [one for one in resolution.same_name_elsewhere if same_namespace(one.namespace, namespace) is not False]
    is_target_kind_beside = has_objects_of_kind_beside(obj, project, "Service") if is_of_services else are_workloads_beside(obj, project)
    if candidates_elsewhere and not is_target_kind_beside:
        yield Undecidable(obj.metadata.at("name"))
        return
    selector_span = obj.spec.key_span("selector") if "selector" in obj.spec else obj.metadata.at("name")
    where_missing = "that is applied with it, only one for others" if candidates_elsewhere else "in the files"
    other_locations = [
        Related(one.source, owner_object_of(one).metadata.at("name"), "this one is applied for others") for one in candidates_elsewhere[:1]
    ]
    yield missing(selector_span, related=other_locations, noun="Service" if is_of_services else "pod", where=where_missing)


def _has_targets_in_namespaces(namespaces: list[str], monitor_kind: str, project: Project) -> bool:
    """Whether the files show any Service (or workload) that may stand in one of the namespaces."""
    project_index = object_index(project)
    if monitor_kind != "ServiceMonitor":
        return any(project_index.is_populated(name) for name in namespaces)
    service_namespaces = project.memoize(_namespaces_of_services)
    return any(not name or (name in service_namespaces and name != "kube-system") for name in namespaces)


def _namespaces_of_services(project: Project) -> frozenset[str]:
    return frozenset(one.namespace for one in object_index(project).objects_of_kinds("Service"))


def _watched_namespaces(obj: Object) -> list[str] | None:
    """The namespaces that a monitor looks in; None for all of them."""
    namespace_selector = obj.spec.mapping_at_path("namespaceSelector")
    if namespace_selector.get("any") is True:
        return None
    matched_names = namespace_selector.get("matchNames")
    if isinstance(matched_names, Seq):
        return [name for name in matched_names if isinstance(name, str)]
    return [obj.namespace]
