"""Services: what they select, the ports they send to, and to whom they open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from readiness.checks.k8s.absence import are_pods_beside, pods_absence
from readiness.facts.domains import is_private_ip
from readiness.facts.table import fact_column
from readiness.kinds.k8s.deliveries import is_delivered_beside
from readiness.kinds.k8s.effective import as_integer, is_variable
from readiness.kinds.k8s.elsewhere import reached_in_run, services_in_run
from readiness.kinds.k8s.index import ObjectIndex, Workload, object_index, owner_of
from readiness.kinds.k8s.labels import Selector, label_selector, service_selector
from readiness.kinds.k8s.labels import may_be_same_namespace as same_namespace
from readiness.kinds.k8s.model import EVERY_ADDRESS, Object
from readiness.kinds.k8s.spaces import NameResolution
from readiness.kinds.units import MAX_CANDIDATES
from readiness.model import CheckOutcome, Related, Severity, Undecidable, hit, join_names, missing
from readiness.model.project import Project
from readiness.syntax.yaml import Map, Seq


def is_service(obj: Object) -> bool:
    """Whether an object is a Service of the core group (Knative has one of its own)."""
    return obj.kind == "Service" and obj.api_version == "v1"


def _workloads_reached(obj: Object, project: Project) -> Sequence[Workload]:
    """The workloads that a Service surely sends traffic to."""
    wanted = service_selector(obj)
    return object_index(project).resolve_selected_workloads(obj, wanted).meant if wanted is not None else ()


def service_selects_nothing(obj: Object, *, alone: bool, project: Project) -> CheckOutcome:
    """A Service selects no pod of any workload in the files; `alone`: where there is no workload at all.

    Medium where no workload stands beside the Service: then the one that it means comes from elsewhere. In tests the program
    of the test makes the pods, and it fails without them: there nothing can be told.
    """
    wanted = service_selector(obj) if is_service(obj) else None
    index: ObjectIndex = object_index(project)
    if wanted is None or bool(index.workloads) is alone:
        return
    purposes = obj.source.root.purposes
    taken = purposes.get(obj.resource) or purposes.get("")
    if taken is not None and taken.word == "test":
        yield Undecidable(obj.spec.at("selector"))
        return
    opened = wanted.without_controller_labels()
    if opened.selects_everything or index.may_be_operated(opened):
        return
    if not alone and not index.is_populated(obj.namespace) and not index.is_matched_anywhere(opened):
        yield Undecidable(obj.spec.at("selector"))
        return
    found = reached_in_run(obj, opened, project)
    told = pods_absence(found, obj, project) if found.is_absent else None
    if any(is_variable(value) for _, value in opened.pairs) or (not found.meant and told is None):
        yield Undecidable(obj.spec.at("selector"))
    elif told is not None:
        pairs = join_names(f"{key}={value}" for key, value in opened.pairs)
        beside = are_pods_beside(obj, project)
        yield missing(
            obj.spec.key_span("selector"), severity=told.severity or (None if beside else Severity.MEDIUM),
            related=told.related, pairs=pairs, where=told.where_missing_text,
        )  # fmt: skip


def service_targets(obj: Object) -> Iterator[tuple[Map, object]]:
    """The ports of a Service, each with what it sends to: targetPort, else the port itself."""
    for port in obj.spec.mappings_under("ports"):
        target = port.get("targetPort")
        yield port, port.get("port") if target is None else target


def service_port_undefined(obj: Object, *, project: Project) -> CheckOutcome:
    """A Service sends to a port by a name that no selected pod defines."""
    if not is_service(obj) or not any(isinstance(target, str) for _, target in service_targets(obj)):
        return
    workloads = [each for each in _workloads_reached(obj, project) if each.pod is not None]
    if not workloads:
        return
    names = {port.string_under("name") for each in workloads for port in _declared_ports(each)}
    for port, target in service_targets(obj):
        if isinstance(target, str) and not target.isdigit() and target not in names and not is_variable(target):
            yield hit(port.at("targetPort"), related=[_selected_pods_related(workloads[0])], port=target)


def service_port_undeclared(obj: Object, *, project: Project) -> CheckOutcome:
    """A Service sends to a port number that its pods, which do declare ports, do not."""
    if not is_service(obj) or obj.spec.get("clusterIP") == "None":
        return
    workloads = [each for each in _workloads_reached(obj, project) if each.pod is not None]
    if not workloads or any(not _declares_all_ports(each) for each in workloads):
        return
    numbers = {as_integer(port.get("containerPort")) for each in workloads for port in _declared_ports(each)}
    for port, target in service_targets(obj):
        value = int(target) if isinstance(target, str) and target.isdigit() and len(target) < 6 else target
        number = as_integer(value)
        if number is not None and number not in numbers:
            place = "targetPort" if port.get("targetPort") is not None else "port"
            served = join_names(sorted(one for one in numbers if one is not None))
            yield hit(
                port.at(place),
                related=[_selected_pods_related(workloads[0])],
                port=number,
                served=served,
            )


def _selected_pods_related(workload: Workload) -> Related:
    return Related(workload.source, workload.owner.metadata.at("name"), "the pods that it selects")


def _declared_ports(workload: Workload) -> Iterator[Map]:
    for container in workload.pod.containers() if workload.pod else ():
        yield from container.node.mappings_under("ports")


def _declares_all_ports(workload: Workload) -> bool:
    """Whether every main container of a workload declares its ports, so that an undeclared one stands out."""
    containers = [one for one in workload.pod.containers() if one.role == "main"] if workload.pod else []
    return bool(containers) and all(any(True for _ in container.node.mappings_under("ports")) for container in containers)


def service_exposed(obj: Object, *, types: Sequence[str]) -> CheckOutcome:
    """A Service is of a type that opens it beyond the cluster."""
    kind = obj.spec.get("type")
    if is_service(obj) and isinstance(kind, str) and kind in types:
        yield hit(obj.spec.at("type"), type=kind)


_INTERNAL_VALUES = frozenset({"true", "internal", "intranet", "0.0.0.0/0"})


def is_internal_balancer(obj: Object) -> bool:
    """Whether a load balancer is kept inside the network by an annotation or a class."""
    scheme = obj.annotations.get("service.beta.kubernetes.io/aws-load-balancer-scheme")
    return scheme == "internal" or any(
        str(obj.annotations.get(key, "")).lower() in _INTERNAL_VALUES
        for key in fact_column("kubernetes-annotations", "internal")
    )


def private_address(obj: Object) -> str:
    """The first address that a load balancer asks for, where all of them are reached from their own network alone; else empty."""
    if obj.spec.get("type") != "LoadBalancer":
        return ""
    listed = (obj.annotations.get(key) for key in fact_column("kubernetes-annotations", "addresses"))
    texts = [one for one in (obj.spec.get("loadBalancerIP"), *listed) if isinstance(one, str)]
    found = [address for text in texts for address in text.replace(",", " ").split()]
    external = obj.spec.get("externalIPs")
    found += [str(one) for one in external] if isinstance(external, Seq) else []
    return found[0] if found and all(map(is_private_ip, found)) else ""


def load_balancer_open(obj: Object) -> CheckOutcome:
    """A load balancer takes connections from anywhere; one that only the own network reaches does not."""
    if not is_service(obj) or obj.spec.get("type") != "LoadBalancer" or is_internal_balancer(obj) or private_address(obj):
        return
    ranges = obj.spec.get("loadBalancerSourceRanges")
    if not isinstance(ranges, Seq) or not ranges:
        other = "service.beta.kubernetes.io/load-balancer-source-ranges" in obj.annotations
        if not other:
            yield missing(obj.spec.at("type"))


def load_balancer_ranges_everything(obj: Object) -> CheckOutcome:
    """The source ranges of a load balancer hold every address."""
    ranges = obj.spec.get("loadBalancerSourceRanges")
    if is_service(obj) and isinstance(ranges, Seq):
        for at, value in enumerate(ranges):
            if value in EVERY_ADDRESS:
                yield hit(ranges.at(at), range=value)


def service_external_ips(obj: Object) -> CheckOutcome:
    """A Service claims addresses outside of the cluster."""
    addresses = obj.spec.get("externalIPs")
    if is_service(obj) and isinstance(addresses, Seq) and addresses:
        yield hit(obj.spec.at("externalIPs"))


def service_ports_invalid(obj: Object) -> CheckOutcome:
    """Ports of a Service that the API server refuses: several without names, a name or a port twice."""
    if not is_service(obj):
        return
    ports = list(obj.spec.mappings_under("ports"))
    names, numbers = set(), set()
    for port in ports:
        name, key = port.get("name"), (port.get("port"), port.get("protocol") or "TCP")
        if name is None and len(ports) > 1:
            yield missing(port.at(), say="no-name")
        elif isinstance(name, str) and name in names:
            yield hit(port.at("name"), say="name", port_name=name[:63])
        if as_integer(key[0]) is not None and key in numbers:
            yield hit(port.at("port"), say="number", port=as_integer(key[0]), protocol=str(key[1])[:4])
        names.add(name)
        numbers.add(key)


def service_monitor_selects_nothing(obj: Object, *, project: Project) -> CheckOutcome:
    """A ServiceMonitor (or PodMonitor) selects no Service (or pod) in the files, or only such as are applied for others."""
    if obj.kind not in {"ServiceMonitor", "PodMonitor"}:
        return
    index = object_index(project)
    wanted = label_selector(obj.spec.get("selector")) or Selector()
    is_of_services = obj.kind == "ServiceMonitor"
    if not (index.objects_by_kind.get("Service") if is_of_services else index.workloads):
        return
    allowed = _watched_namespaces(obj)
    if allowed is not None and not _shows_any(allowed, obj.kind, project):
        return
    if ("component", "apiserver") in wanted.pairs:
        return  # the Service of the API server, which the cluster brings along
    others: list[Object | Workload] = []
    for namespace in [""] if allowed is None else allowed[:MAX_CANDIDATES]:
        found: NameResolution[Object] | NameResolution[Workload] = (
            services_in_run(obj, wanted, project, namespace)
            if is_of_services
            else reached_in_run(obj, wanted, project, namespace)
        )
        if found.is_ambiguous:
            yield Undecidable(obj.metadata.at("name"))
            return
        if found.meant:
            return
        others += [one for one in found.same_name_elsewhere if same_namespace(one.namespace, namespace) is not False]
    beside = is_delivered_beside(obj, project, "Service") if is_of_services else are_pods_beside(obj, project)
    if others and not beside:
        yield Undecidable(obj.metadata.at("name"))
        return
    place = obj.spec.key_span("selector") if "selector" in obj.spec else obj.metadata.at("name")
    where = "that is applied with it, only one for others" if others else "in the files"
    there = [Related(one.source, owner_of(one).metadata.at("name"), "this one is applied for others") for one in others[:1]]
    yield missing(place, related=there, noun="Service" if is_of_services else "pod", where=where)


def _shows_any(names: list[str], kind: str, project: Project) -> bool:
    """Whether the files show any Service (or workload) that may stand in one of the namespaces."""
    index = object_index(project)
    if kind != "ServiceMonitor":
        return any(index.is_populated(name) for name in names)
    seen = project.memoize(_namespaces_of_services)
    return any(not name or (name in seen and name != "kube-system") for name in names)


def _namespaces_of_services(project: Project) -> frozenset[str]:
    return frozenset(one.namespace for one in object_index(project).objects_of_kinds("Service"))


def _watched_namespaces(obj: Object) -> list[str] | None:
    """The namespaces that a monitor looks in; None for all of them."""
    chosen = obj.spec.mapping_at_path("namespaceSelector")
    if chosen.get("any") is True:
        return None
    names = chosen.get("matchNames")
    if isinstance(names, Seq):
        return [name for name in names if isinstance(name, str)]
    return [obj.namespace]
