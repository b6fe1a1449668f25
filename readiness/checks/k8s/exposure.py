"""Which workloads are reached from outside the cluster, and by what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from readiness.checks.k8s import gateway, ingress
from readiness.checks.k8s.services import is_internal_balancer, private_address, service_targets
from readiness.checks.k8s.settings import engine_without_tls
from readiness.kinds.k8s.index import object_index, workload_of
from readiness.kinds.k8s.labels import Selector, service_selector
from readiness.kinds.k8s.model import Container, Object, Pod
from readiness.kinds.k8s.selecting import selecting_objects, service_selectors
from readiness.model import CheckOutcome, Hit, Related, Severity, hit, missing
from readiness.model.project import Project
from readiness.syntax.open_ports import open_ports

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
            yield _admin_hit(obj, program)
            return
    yield from _open_debugger(obj, wanted, project)


def _admin_hit(service: Object, program: str) -> Hit:
    """A hit on the type of a Service in front of a program that commands something, medium behind a private address."""
    address = private_address(service)
    if address:
        return hit(service.spec.at("type"), severity=Severity.MEDIUM, say="private", program=program, address=address)
    return hit(service.spec.at("type"), program=program)


def _open_debugger(service: Object, wanted: Selector, project: Project) -> CheckOutcome:
    """The first port of a Service behind which a container opens a debugger, JMX or Docker's engine to everybody."""
    targets = {target for _, target in service_targets(service)}
    for workload in object_index(project).resolve_selected_workloads(service, wanted).meant:
        for container in workload.pod.containers() if workload.pod is not None else ():
            for number, what in _ports_opened_to_all(container):
                named = {
                    port.get("name") for port in container.node.mappings_under("ports") if port.get("containerPort") == number
                }
                if targets & {number, str(number), *named}:
                    there = Related(container.source, container.node.at("name"), "this container opens it")
                    yield _admin_hit(service, what)._replace(related=(there,))
                    return


def _ports_opened_to_all(container: Container) -> Iterator[tuple[int, str]]:
    """The ports on which a container's command, or the options in its variables, let everybody in, and what listens there."""
    line = " ".join(str(word) for words in container.command_lists() for word in words)
    for text in (line, *(one.value for one in container.variables.values() if one.value)):
        yield from ((one.number, one.what) for one in open_ports(text))
    if engine_without_tls(container) is not None:
        yield 2375, "the Docker engine"
