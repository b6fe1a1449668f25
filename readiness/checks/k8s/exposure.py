"""Which workloads are reached from outside the cluster, and by what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from readiness.checks.k8s import gateway, ingress
from readiness.checks.k8s.services import is_internal_balancer, private_address
from readiness.kinds.k8s.index import object_index, workload_of
from readiness.kinds.k8s.labels import service_selector
from readiness.kinds.k8s.model import Object, Pod
from readiness.kinds.k8s.selecting import selecting_objects, service_selectors
from readiness.model import CheckOutcome, Related, Severity, hit, missing
from readiness.model.project import Project

OUTSIDE_SERVICE_TYPES = frozenset({"NodePort", "LoadBalancer"})


def routes_to_services(project: Project) -> dict[str, list[Object]]:
    """The objects that lead traffic from outside to a Service, by the Service's name."""
    routes: dict[str, list[Object]] = {}
    known = object_index(project)
    for obj in known.objects_of_kinds("Ingress"):
        for _, name, _ in ingress.backends_of(obj):
            routes.setdefault(name, []).append(obj)
    for obj in known.objects_of_kinds(*gateway.route_kinds()):
        for _, name, _, _ in gateway.backend_references(obj):
            routes.setdefault(name, []).append(obj)
    for obj in known.objects_of_kinds("VirtualService"):
        gateways = obj.spec.get("gateways")
        if not isinstance(gateways, list) or not [name for name in gateways if name != "mesh"]:
            continue
        for key in ("http", "tls", "tcp"):
            for rule in obj.spec.mappings_under(key):
                for route in rule.mappings_under("route"):
                    host = route.mapping_at_path("destination").string_under("host")
                    routes.setdefault(host.partition(".")[0], []).append(obj)
    return routes


def pod_exposed(pod: Pod, *, project: Project, ways: Mapping[str, Sequence[str]]) -> CheckOutcome:
    """The pod is reached from outside, told once for each of the ways, which are kinds of objects by name."""
    workload = workload_of(pod, project)
    if workload is None:
        return
    leads = project.memoize(routes_to_services)
    serving = list(selecting_objects(workload, project, service_selectors))
    for through, kinds in ways.items():
        way = next(
            (
                obj
                for service in serving
                for obj in (service, *leads.get(service.name, ())[:16])
                if obj.kind in kinds and (obj is not service or is_open_to_outside(service))
            ),
            None,
        )
        if way is not None:
            there = Related(way.source, way.metadata.at("name"), "this leads to it from outside")
            place = pod.owner.metadata.at("name")
            yield missing(place, related=[there], way=way.resource, through=through)


def is_open_to_outside(service: Object) -> bool:
    """Whether a Service is open beyond the cluster."""
    return service.spec.get("type") in OUTSIDE_SERVICE_TYPES and not is_internal_balancer(service)


def service_admin_exposed(obj: Object, *, project: Project, names: Sequence[str]) -> CheckOutcome:
    """A Service opens a known administration interface to the outside, by its own name or by what it selects.

    Medium where its load balancer has none but private addresses.
    """
    wanted = service_selector(obj)
    if not is_open_to_outside(obj) or wanted is None:
        return
    names_of_workloads = [each.owner.name for each in object_index(project).resolve_selected_workloads(obj, wanted).meant]
    for name in (obj.name, *names_of_workloads):
        program = next((word for word in names if word in name.lower()), "")
        if program:
            address = private_address(obj)
            if address:
                yield hit(obj.spec.at("type"), severity=Severity.MEDIUM, say="private", program=program, address=address)
            else:
                yield hit(obj.spec.at("type"), program=program)
            return
