"""Gateway API: listeners without TLS, routes to nowhere, routes that answer plain HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from readiness.checks.k8s.ingress import Backend, unresolved_backend
from readiness.facts.table import property_by_fact_name
from readiness.kinds.k8s.effective import is_filled_in_value
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.model import Object
from readiness.model import CheckOutcome, Undecidable, hit, missing
from readiness.model.project import Project
from readiness.syntax.yaml import Map

GATEWAY_GROUP = "gateway.networking.k8s.io"
# https://cloud.google.com/kubernetes-engine/docs/how-to/secure-gateway: Certificate Manager
_CERTIFICATE_MAP_ANNOTATION = "networking.gke.io/certmap"
# https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/gateway/loadbalancerconfig/
_CERTIFICATE_FINDING_CONTROLLER = "gateway.k8s.aws/"


def route_kinds() -> list[str]:
    """The kinds of the Gateway API's routes."""
    return sorted(name.partition(" ")[0] for name in property_by_fact_name("kubernetes-custom", "route"))


def is_route(obj: Object) -> bool:
    """Whether an object is a route of the Gateway API."""
    return f"{obj.kind} {obj.group}" in property_by_fact_name("kubernetes-custom", "route")


def is_gateway(obj: Object) -> bool:
    """Whether an object is a Gateway of the Gateway API (Istio has one of the same name)."""
    return obj.kind == "Gateway" and obj.group == GATEWAY_GROUP


def listeners(obj: Object) -> Iterator[Map]:
    """The listeners of a Gateway."""
    yield from obj.spec.mappings_under("listeners")


def gateway_certificate_missing(obj: Object, *, project: Project) -> CheckOutcome:
    """A listener ends TLS and names no certificate.

    A listener without `tls_settings` may have its certificate from elsewhere: on GKE from the map that an annotation of the Gateway names, else
    from parameters of the Gateway or its class. With `tls_settings` there has to be `certificateRefs` or `options`, which the API server checks.
    """
    if not is_gateway(obj):
        return
    for listener in listeners(obj):
        tls_settings = listener.mapping_at_path("tls")
        terminates_tls = listener.get("protocol") in {"HTTPS", "TLS"} and tls_settings.get("mode") in (None, "Terminate")
        if not terminates_tls or any(True for _ in tls_settings.mappings_under("certificateRefs")) or tls_settings.get("options"):
            continue
        if "tls" not in listener and _CERTIFICATE_MAP_ANNOTATION in obj.annotations:
            continue
        if "tls" not in listener and _has_implementation_parameters(obj, project):
            yield Undecidable(listener.at("name"))
        else:
            yield missing(listener.at("name"), name=listener.string_under("name"))


def _has_implementation_parameters(gateway: Object, project: Project) -> bool:
    """Whether a Gateway or its class has parameters of the implementation, or the class is of one that finds certificates by host."""
    if gateway.spec.mapping_at_path("infrastructure").get("parametersRef") is not None:
        return True
    return any(
        gateway_class.name == gateway.spec.get("gatewayClassName")
        and (
            gateway_class.spec.get("parametersRef") is not None
            or gateway_class.spec.string_under("controllerName").startswith(_CERTIFICATE_FINDING_CONTROLLER)
        )
        for gateway_class in object_index(project).objects_of_kinds("GatewayClass")
    )


def gateway_plain_only(obj: Object) -> CheckOutcome:
    """A Gateway listens for HTTP and has no listener for HTTPS."""
    if is_gateway(obj):
        protocols = {listener.get("protocol") for listener in listeners(obj)}
        if "HTTP" in protocols and not protocols & {"HTTPS", "TLS"}:
            yield missing(obj.metadata.at("name"))


def gateway_listener_repeated(obj: Object) -> CheckOutcome:
    """Two listeners of a Gateway have the same port, protocol and hostname."""
    name_by_port_protocol_host: dict[tuple[Any, ...], str] = {}
    for listener in listeners(obj) if is_gateway(obj) else ():
        port, protocol, hostname = (listener.get(key) for key in ("port", "protocol", "hostname"))
        if not isinstance(port, int) or not isinstance(protocol, str) or is_filled_in_value(hostname):
            continue
        key = (port, protocol, hostname if isinstance(hostname, str) else "")
        listener_name = listener.string_under("name")
        if key in name_by_port_protocol_host:
            yield hit(listener.at("name"), name=listener_name, other=name_by_port_protocol_host[key], port=port)
        else:
            name_by_port_protocol_host[key] = listener_name


def backend_references(obj: Object) -> Iterator[tuple[Map, str, str, Any]]:
    """The Services that a route sends to: where each is named, its name, its namespace, its port."""
    for rule in obj.spec.mappings_under("rules"):
        for backend_ref in rule.mappings_under("backendRefs"):
            if backend_ref.get("group") in (None, "") and backend_ref.get("kind") in (None, "Service"):
                service_name = backend_ref.get("name")
                if isinstance(service_name, str) and not is_filled_in_value(service_name):
                    yield (
                        backend_ref,
                        service_name,
                        backend_ref.string_under("namespace") or obj.namespace,
                        backend_ref.get("port"),
                    )


def gateway_backend_unresolved(obj: Object, *, project: Project) -> CheckOutcome:
    """A route sends to a Service that is in no file, or to a port that the Service does not have.

    Low where no Service stands beside the route: then a chart or an operator makes it.
    """
    if not is_route(obj):
        return
    for backend_ref, service_name, namespace, port in backend_references(obj):
        yield from unresolved_backend(obj, Backend(service_name, namespace, port), backend_ref.at("name"), backend_ref.at("port"), project)


def _referenced_gateways(obj: Object, parent_ref: Map, gateway_name: str, project: Project) -> tuple[Object, ...]:
    """The Gateways that a route surely means by a reference."""
    namespace = parent_ref.string_under("namespace") or obj.namespace
    candidates = object_index(project).find_named(obj, "Gateway", gateway_name, namespace).meant
    return tuple(gateway for gateway in candidates if is_gateway(gateway))


def gateway_listener_unresolved(obj: Object, *, project: Project) -> CheckOutcome:
    """A route names a listener that its Gateway does not have."""
    if not is_route(obj):
        return
    for parent_ref in obj.spec.mappings_under("parentRefs"):
        gateway_name, section_name = parent_ref.get("name"), parent_ref.get("sectionName")
        if parent_ref.get("kind") not in (None, "Gateway") or not isinstance(gateway_name, str) or not isinstance(section_name, str):
            continue
        gateways = _referenced_gateways(obj, parent_ref, gateway_name, project)
        listener_names = [each.string_under("name") for gateway in gateways for each in listeners(gateway)]
        if gateways and section_name not in listener_names and not is_filled_in_value(section_name):
            yield hit(parent_ref.at("sectionName"), section=section_name, gateway=gateway_name)


def gateway_route_not_redirected(obj: Object, *, project: Project) -> CheckOutcome:
    """A route serves content on a listener for plain HTTP, whose Gateway also has one for HTTPS."""
    if obj.kind != "HTTPRoute" or obj.group != GATEWAY_GROUP:
        return
    if not any(True for _ in backend_references(obj)):
        return
    for parent_ref in obj.spec.mappings_under("parentRefs"):
        gateway_name = parent_ref.string_under("name")
        for gateway in _referenced_gateways(obj, parent_ref, gateway_name, project):
            protocol_by_listener_name = {each.string_under("name"): each.get("protocol") for each in listeners(gateway)}
            section_name = parent_ref.get("sectionName")
            protocols = set(protocol_by_listener_name.values())
            is_plain_http = protocol_by_listener_name.get(section_name) == "HTTP" if isinstance(section_name, str) else "HTTP" in protocols
            if is_plain_http and "HTTPS" in protocols:
                yield hit(parent_ref.at("sectionName") if section_name else parent_ref.at("name"), gateway=gateway_name)
