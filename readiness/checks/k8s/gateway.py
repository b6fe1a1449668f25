"""Gateway API: listeners without TLS, routes to nowhere, routes that answer plain HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from readiness.checks.k8s.ingress import has_port
from readiness.kinds.k8s.effective import is_variable
from readiness.kinds.k8s.index import nearest_candidates, object_index
from readiness.kinds.k8s.model import Object, mapping_at, mappings_in, text_or_empty
from readiness.model import Outcome, Related, hit, missing
from readiness.model.project import Project
from readiness.syntax.yaml import Map

GROUP = "gateway.networking.k8s.io"
ROUTES = frozenset({"HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute"})


def is_gateway(obj: Object) -> bool:
    """Whether an object is a Gateway of the Gateway API (Istio has one of the same name)."""
    return obj.kind == "Gateway" and obj.group == GROUP


def listeners(obj: Object) -> Iterator[Map]:
    """The listeners of a Gateway."""
    yield from mappings_in(obj.spec.get("listeners"))


def gateway_certificate_missing(obj: Object) -> Outcome:
    """A listener ends TLS and names no certificate."""
    if not is_gateway(obj):
        return
    for listener in listeners(obj):
        tls = mapping_at(listener, "tls")
        ends = listener.get("protocol") in {"HTTPS", "TLS"} and tls.get("mode") in (
            None,
            "Terminate",
        )
        named = any(True for _ in mappings_in(tls.get("certificateRefs"))) or tls.get("options")
        if ends and not named:
            yield missing(listener.at("name"), name=text_or_empty(listener.get("name")))


def gateway_plain_only(obj: Object) -> Outcome:
    """A Gateway listens for HTTP and has no listener for HTTPS."""
    if is_gateway(obj):
        protocols = {listener.get("protocol") for listener in listeners(obj)}
        if "HTTP" in protocols and not protocols & {"HTTPS", "TLS"}:
            yield missing(obj.metadata.at("name"))


def gateway_listener_repeated(obj: Object) -> Outcome:
    """Two listeners of a Gateway have the same port, protocol and hostname."""
    seen: dict[tuple[Any, ...], str] = {}
    for listener in listeners(obj) if is_gateway(obj) else ():
        port, protocol, host = (listener.get(key) for key in ("port", "protocol", "hostname"))
        if not isinstance(port, int) or not isinstance(protocol, str) or is_variable(host):
            continue
        key = (port, protocol, host if isinstance(host, str) else "")
        name = text_or_empty(listener.get("name"))
        if key in seen:
            yield hit(listener.at("name"), name=name, other=seen[key], port=port)
        else:
            seen[key] = name


def backend_references(obj: Object) -> Iterator[tuple[Map, str, str, Any]]:
    """The Services that a route sends to: where each is named, its name, its namespace, its port."""
    for rule in mappings_in(obj.spec.get("rules")):
        for ref in mappings_in(rule.get("backendRefs")):
            if ref.get("group") in (None, "") and ref.get("kind") in (None, "Service"):
                name = ref.get("name")
                if isinstance(name, str) and not is_variable(name):
                    yield (
                        ref,
                        name,
                        text_or_empty(ref.get("namespace")) or obj.namespace,
                        ref.get("port"),
                    )


def gateway_backend_missing(obj: Object, *, project: Project) -> Outcome:
    """A route sends to a Service that is in no file, or to a port that the Service does not have."""
    if obj.kind not in ROUTES or obj.group != GROUP:
        return
    for ref, name, namespace, port in backend_references(obj):
        found = object_index(project).found("Service", name, namespace)
        if not found:
            yield missing(ref.at("name"), what=f"Service {name!r}, which is in no file")
            continue
        near = nearest_candidates(obj, found) or found
        if port is not None and not any(has_port(each, port) for each in near):
            there = Related(near[0].source, near[0].metadata.at("name"), "the Service")
            yield hit(
                ref.at("port"),
                related=[there],
                what=f"port {port} of Service {name!r}, which it does not have",
            )


def gateway_listener_missing(obj: Object, *, project: Project) -> Outcome:
    """A route names a listener that its Gateway does not have."""
    if obj.kind not in ROUTES or obj.group != GROUP:
        return
    for ref in mappings_in(obj.spec.get("parentRefs")):
        name, section = ref.get("name"), ref.get("sectionName")
        if (
            ref.get("kind") not in (None, "Gateway")
            or not isinstance(name, str)
            or not isinstance(section, str)
        ):
            continue
        found = nearest_candidates(obj, object_index(project).names.get(("Gateway", name), ()))
        known = [
            text_or_empty(each.get("name")) for gateway in found for each in listeners(gateway)
        ]
        if found and section not in known and not is_variable(section):
            yield hit(ref.at("sectionName"), section=section, gateway=name)


def gateway_route_not_redirected(obj: Object, *, project: Project) -> Outcome:
    """A route serves content on a listener for plain HTTP, whose Gateway also has one for HTTPS."""
    if obj.kind != "HTTPRoute" or obj.group != GROUP:
        return
    if not any(True for _ in backend_references(obj)):
        return
    for ref in mappings_in(obj.spec.get("parentRefs")):
        name = text_or_empty(ref.get("name"))
        for gateway in nearest_candidates(
            obj, object_index(project).names.get(("Gateway", name), ())
        ):
            by_name = {
                text_or_empty(each.get("name")): each.get("protocol") for each in listeners(gateway)
            }
            section = ref.get("sectionName")
            protocols = set(by_name.values())
            plain = (
                by_name.get(section) == "HTTP" if isinstance(section, str) else "HTTP" in protocols
            )
            if plain and "HTTPS" in protocols:
                yield hit(ref.at("sectionName") if section else ref.at("name"), gateway=name)
