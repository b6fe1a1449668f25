"""Which workloads are reached from outside the cluster, and by what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from readiness.checks.k8s import gateway, ingress
from readiness.checks.k8s.services import is_internal_balancer, private_balancer_address, service_ports_with_targets
from readiness.checks.k8s.settings import word_opening_engine
from readiness.kinds.k8s.index import object_index, workload_of
from readiness.kinds.k8s.labels import Selector, selector_of_service
from readiness.kinds.k8s.model import Container, Object, Pod
from readiness.kinds.k8s.selecting import certain_selecting_objects, service_selector_index
from readiness.model import CheckOutcome, Hit, Related, Severity, hit, missing
from readiness.model.project import Project
from readiness.syntax.open_ports import debugger_and_jmx_ports

OUTSIDE_SERVICE_TYPES = frozenset({"NodePort", "LoadBalancer"})


def routes_by_service_name(project: Project) -> dict[str, list[Object]]:
    """The objects that lead traffic from outside to a Service, by the Service's name."""
    routes_by_service: dict[str, list[Object]] = {}
    project_index = object_index(project)
    for obj in project_index.objects_of_kinds("Ingress"):
        for _, name, _ in ingress.backends_of(obj):
            routes_by_service.setdefault(name, []).append(obj)
    for obj in project_index.objects_of_kinds(*gateway.route_kinds()):
        for _, name, _, _ in gateway.backend_references(obj):
            routes_by_service.setdefault(name, []).append(obj)
    for obj in project_index.objects_of_kinds("VirtualService"):
        gateways = obj.spec.get("gateways")
        if not isinstance(gateways, list) or not [name for name in gateways if name != "mesh"]:
            continue
        for protocol_key in ("http", "tls", "tcp"):
            for protocol_rule in obj.spec.mappings_under(protocol_key):
                for route in protocol_rule.mappings_under("route"):
                    destination_host = route.mapping_at_path("destination").string_under("host")
                    routes_by_service.setdefault(destination_host.partition(".")[0], []).append(obj)
    return routes_by_service


def pod_exposed(pod: Pod, *, project: Project, ways: Mapping[str, Sequence[str]]) -> CheckOutcome:
    """The pod is reached from outside, told once for each of the ways, which are kinds of objects by name."""
    workload = workload_of(pod, project)
    if workload is None:
        return
    routes_by_service = project.memoize(routes_by_service_name)
    services = list(certain_selecting_objects(workload, project, service_selector_index))
    for way_name, object_kinds in ways.items():
        exposing_object = next(
            (
                obj
                for service in services
                for obj in (service, *routes_by_service.get(service.name, ())[:16])
                if obj.kind in object_kinds and (obj is not service or is_open_to_outside(service))
            ),
            None,
        )
        if exposing_object is not None:
            exposing_location = Related(exposing_object.source, exposing_object.metadata.at("name"), "this leads to it from outside")
            workload_span = pod.owner.metadata.at("name")
            yield missing(workload_span, related=[exposing_location], way=exposing_object.resource, through=way_name)


def is_open_to_outside(service: Object) -> bool:
    """Whether a Service is open beyond the cluster."""
    return service.spec.get("type") in OUTSIDE_SERVICE_TYPES and not is_internal_balancer(service)


def service_admin_exposed(obj: Object, *, project: Project, names: Sequence[str], logins: Sequence[str] = ()) -> CheckOutcome:
    """A Service opens a known administration interface to the outside, by its own name or by what it selects.

    Medium where its load balancer has none but private addresses, and for the programs of `logins`, which ask for a login by default.
    """
    selector = selector_of_service(obj)
    if not is_open_to_outside(obj) or selector is None:
        return
    workload_names = [each.owner.name for each in object_index(project).resolve_selected_workloads(obj, selector).meant]
    for candidate_name in (obj.name, *workload_names):
        admin_program = next((word for word in names if word in candidate_name.lower()), "")
        if admin_program:
            program_hit = _exposed_program_hit(obj, admin_program)
            asks_for_login = admin_program in logins and program_hit.severity is None
            yield program_hit._replace(severity=Severity.MEDIUM, message_name="login") if asks_for_login else program_hit
            return
    yield from _open_debugger_hits(obj, selector, project)


def _exposed_program_hit(service: Object, program: str) -> Hit:
    """A hit on the type of a Service in front of a program that commands something, medium behind a private address."""
    balancer_address = private_balancer_address(service)
    if balancer_address:
        return hit(service.spec.at("type"), severity=Severity.MEDIUM, say="private", program=program, address=balancer_address)
    return hit(service.spec.at("type"), program=program)


def _open_debugger_hits(service: Object, selector: Selector, project: Project) -> CheckOutcome:
    """The first port of a Service behind which a container opens a debugger, JMX or Docker's engine to everybody."""
    target_ports = {target for _, target in service_ports_with_targets(service)}
    for workload in object_index(project).resolve_selected_workloads(service, selector).meant:
        for container in workload.pod.containers() if workload.pod is not None else ():
            for port_number, program in _ports_opened_to_all(container):
                port_names = {port.get("name") for port in container.node.mappings_under("ports") if port.get("containerPort") == port_number}
                if target_ports & {port_number, str(port_number), *port_names}:
                    container_location = Related(container.source, container.node.at("name"), "this container opens it")
                    yield _exposed_program_hit(service, program)._replace(related=(container_location,))
                    return


def _ports_opened_to_all(container: Container) -> Iterator[tuple[int, str]]:
    """The ports on which a container's command, or the options in its variables, let everybody in, and what listens there."""
    command_line = " ".join(str(word) for words in container.command_lists() for word in words)
    for text in (command_line, *(one.value for one in container.variables.values() if one.value)):
        yield from ((one.number, one.what) for one in debugger_and_jmx_ports(text))
    if word_opening_engine(container) is not None:
        yield 2375, "the Docker engine"
