"""Ingress: TLS, redirects, classes, backends, hosts, and the annotations of ingress-nginx."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from readiness.checks.k8s.absence import service_absence
from readiness.facts.domains import is_public_name
from readiness.facts.table import fact_column
from readiness.kinds.k8s.deliveries import is_made_by_controller
from readiness.kinds.k8s.effective import as_integer, is_variable
from readiness.kinds.k8s.elsewhere import find_named_in_run
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.labels import may_be_same_namespace
from readiness.kinds.k8s.model import Container, Object
from readiness.model import (
    CheckOutcome,
    NotApplicable,
    Pattern,
    Related,
    Severity,
    Span,
    Undecidable,
    hit,
    missing,
)
from readiness.model.project import Project
from readiness.syntax.nodes import mappings_in, text_or_empty
from readiness.syntax.yaml import Map, Seq

NGINX_ANNOTATION_PREFIX = "nginx.ingress.kubernetes.io/"


def is_ingress(obj: Object) -> bool:
    """Whether an object is an Ingress of Kubernetes."""
    return obj.kind == "Ingress" and obj.group in {"networking.k8s.io", "extensions"}


def tls_missing(obj: Object, *, strict: bool) -> CheckOutcome:
    """An Ingress has no TLS; unless `strict`, annotations by which a controller adds it count.

    Medium unless the file says that it is public: by a host with a public name, or a load balancer that faces the internet.
    """
    if not is_ingress(obj) or any(True for _ in obj.spec.mappings_under("tls")):
        return
    if not strict and fact_column("kubernetes-annotations", "ends-tls").keys() & obj.annotations:
        return
    if is_variable(obj.spec.get("tls")):
        yield Undecidable(obj.spec.at("tls"))
    else:
        severity = None if _is_public(obj) else Severity.MEDIUM
        yield missing(obj.metadata.at("name"), severity=severity)


# Names that stand for somebody's own (RFC 2606).
_SAMPLE_HOST = re.compile(r"(?:\A|[.-])example(?:\.|\Z)")


def _is_public(obj: Object) -> bool:
    """Whether an Ingress says that it faces the internet: by its load balancer, else by a host and no class for the inside."""
    scheme = obj.annotations.get("alb.ingress.kubernetes.io/scheme")
    if scheme is not None:
        return bool(scheme == "internet-facing")
    classes = (
        obj.spec.get("ingressClassName"),
        obj.annotations.get("kubernetes.io/ingress.class"),
    )
    if any(word in text_or_empty(name) for name in classes for word in ("internal", "private")):
        return False
    hosts = (text_or_empty(rule.get("host")).removeprefix("*.") for rule in ingress_rules(obj))
    return any(is_public_name(host) and not _SAMPLE_HOST.search(host) for host in hosts)


def ingress_rules(obj: Object) -> Iterator[Map]:
    """The rules of an Ingress."""
    yield from obj.spec.mappings_under("rules")


def certificate_covers(pattern: str, host: str) -> bool:
    """Whether a host of a certificate stands for a host: itself, or a wildcard for its first part."""
    if pattern == host:
        return True
    return pattern.startswith("*.") and host.partition(".")[2] == pattern[2:]


def ingress_host_without_tls(obj: Object) -> CheckOutcome:
    """An Ingress has TLS for some of its hosts, and not for this one."""
    entries = list(obj.spec.mappings_under("tls")) if is_ingress(obj) else []
    hosts: list[str] = []
    for entry in entries:
        listed = entry.get("hosts")
        if not isinstance(listed, Seq) or not listed:
            return  # no hosts: the certificate's own
        hosts += [host for host in listed if isinstance(host, str)]
    if any(map(is_variable, hosts)):
        return
    for rule in ingress_rules(obj):
        host = rule.get("host")
        if (
            entries
            and isinstance(host, str)
            and host
            and not is_variable(host)
            and not any(certificate_covers(one, host) for one in hosts)
        ):
            yield hit(rule.at("host"), host=host)


FALSE_TEXTS = frozenset({"false", "False", "FALSE", "no", "0"})


# Controllers that redirect to HTTPS by themselves where an Ingress has TLS.
REDIRECTING_CONTROLLERS = ("nginx", "haproxy")


def ingress_redirect_off(obj: Object) -> CheckOutcome:
    """An Ingress with TLS answers plain HTTP too: the redirect is turned off."""
    if not is_ingress(obj) or not obj.spec.get("tls"):
        return
    name = obj.spec.get("ingressClassName") or obj.annotations.get("kubernetes.io/ingress.class")
    if name not in REDIRECTING_CONTROLLERS and not any("redirect" in key for key in obj.annotations):
        yield NotApplicable()  # what its controller does by itself is not known
    forced = obj.annotations.get(NGINX_ANNOTATION_PREFIX + "force-ssl-redirect")
    key = NGINX_ANNOTATION_PREFIX + "ssl-redirect"
    if str(obj.annotations.get(key)) in FALSE_TEXTS and str(forced).lower() != "true":
        yield hit(obj.annotations.at(key), annotation=key)
    entry = obj.annotations.get("traefik.ingress.kubernetes.io/router.entrypoints")
    if isinstance(entry, str) and "web" in {part.strip() for part in entry.split(",")}:
        middle = obj.annotations.string_under("traefik.ingress.kubernetes.io/router.middlewares")
        if "redirect" not in middle:
            key = "traefik.ingress.kubernetes.io/router.entrypoints"
            yield hit(obj.annotations.at(key), annotation=key)


def ingress_class_missing(obj: Object, *, project: Project) -> CheckOutcome:
    """An Ingress names no class, and no class of the files is the default."""
    if not is_ingress(obj) or obj.spec.get("ingressClassName"):
        return
    if obj.annotations.get("kubernetes.io/ingress.class") is not None or _is_for_gke(obj):
        return
    default = "ingressclass.kubernetes.io/is-default-class"
    if not any(str(each.annotations.get(default)) == "true" for each in object_index(project).objects_of_kinds("IngressClass")):
        yield missing(obj.metadata.at("name"))


def _is_for_gke(obj: Object) -> bool:
    """Whether an Ingress is written for GKE, whose controller takes those that name no class."""
    return any(
        key.startswith(("networking.gke.io/", "ingress.gcp.kubernetes.io/"))
        or key == "kubernetes.io/ingress.global-static-ip-name"
        for key in obj.annotations
    )


def ingress_class_annotation(obj: Object) -> CheckOutcome:
    """An Ingress names its class by the annotation that ingressClassName replaced."""
    key = "kubernetes.io/ingress.class"
    if is_ingress(obj) and obj.annotations.get(key) is not None:
        yield hit(obj.annotations.key_span(key))


def backends_of(obj: Object) -> Iterator[tuple[Map, str, Any]]:
    """The Services that an Ingress sends to: the mapping that names each, its name, its port."""
    nodes = [obj.spec.mapping_at_path(key) for key in ("defaultBackend", "backend")]
    for rule in ingress_rules(obj):
        nodes += [path.mapping_at_path("backend") for path in rule.mapping_at_path("http").mappings_under("paths")]
    for node in nodes:
        service = node.mapping_at_path("service")
        if isinstance(service.get("name"), str):
            port = service.mapping_at_path("port")
            number = port.get("number")
            yield service, service["name"], port.get("name") if number is None else number
        elif isinstance(node.get("serviceName"), str):
            yield node, node["serviceName"], node.get("servicePort")


def ingress_backend_unresolved(obj: Object, *, project: Project) -> CheckOutcome:
    """An Ingress sends to a Service that is in no file, or to a port that the Service does not have.

    Low where no Service stands beside the Ingress: then a chart or an operator makes it.
    """
    if not is_ingress(obj):
        return
    for node, name, port in backends_of(obj):
        key = "name" if "name" in node else "serviceName"
        if is_variable(name) or (port == "use-annotation"):
            continue
        backend = Backend(name, obj.namespace, None if is_variable(port) else port)
        port_place = node.mapping_at_path("port").at() if "port" in node else node.at("servicePort")
        yield from unresolved_backend(obj, backend, node.at(key), port_place, project)


class Backend(NamedTuple):
    """A Service that requests are sent to, and its port there, a number or a name; None for one that nobody can tell."""

    name: str
    namespace: str
    port: Any


def unresolved_backend(obj: Object, backend: Backend, place: Span, port_place: Span, project: Project) -> CheckOutcome:
    """An object sends to a Service that is in no file, or to a port that the Service does not have."""
    found = find_named_in_run(obj, "Service", backend.name, project, backend.namespace)
    if found.is_ambiguous or (found.is_absent and is_made_by_controller(backend.name)):
        yield Undecidable(place)
    elif found.is_absent:
        told = service_absence(obj, backend.name, found, backend.namespace, project)
        yield missing(
            place,
            say="service",
            related=told.related,
            severity=told.severity,
            service=backend.name,
            where=told.where_missing_text,
        )
    elif backend.port is not None and not any(_has_port(each, backend.port) for each in found.meant):
        service = found.meant[0]
        there = Related(service.source, service.metadata.at("name"), "the Service")
        yield hit(port_place, related=[there], say="port", service=backend.name, port=backend.port)


def _has_port(service: Object, port: Any) -> bool:
    """Whether a Service has a port of that number or name."""
    listed = service.spec.get("ports")
    if service.spec.get("type") == "ExternalName" or not isinstance(listed, Seq):
        return True
    return any(
        port in (entry.get("port"), entry.get("name")) or is_variable(entry.get("port")) for entry in mappings_in(listed)
    )


def ingress_host_missing(obj: Object) -> CheckOutcome:
    """A rule of an Ingress has no host, so that it answers for every name."""
    if is_ingress(obj):
        for rule in ingress_rules(obj):
            if rule.get("host") in (None, "", "*"):
                yield missing(rule.at())


def ingress_host_wildcard(obj: Object) -> CheckOutcome:
    """A rule of an Ingress answers for every name under a domain."""
    if is_ingress(obj):
        for rule in ingress_rules(obj):
            if rule.string_under("host").startswith("*."):
                yield hit(rule.at("host"), host=rule["host"])


def _ingresses_by_route(project: Project) -> dict[tuple[str, str, str, str], list[Object]]:
    """The Ingresses of a project by folder, class, host and path."""
    by_route: dict[tuple[str, str, str, str], list[Object]] = {}
    for obj in object_index(project).objects_of_kinds("Ingress"):
        if is_ingress(obj):
            for key in _route_keys(obj):
                listed = by_route.setdefault(key, [])
                if not listed or listed[-1] is not obj:
                    listed.append(obj)
    return by_route


def _route_keys(obj: Object) -> Iterator[tuple[str, str, str, str]]:
    place = posixpath.dirname(obj.source.root.path)
    name = obj.spec.get("ingressClassName") or obj.annotations.get("kubernetes.io/ingress.class")
    for rule in ingress_rules(obj):
        host = rule.string_under("host")
        for path in rule.mapping_at_path("http").mappings_under("paths"):
            if host and not is_variable(host):
                yield place, str(name), host, path.string_under("path") or "/"


def ingress_route_repeated(obj: Object, *, project: Project) -> CheckOutcome:
    """Two Ingresses of one folder claim the same host and path."""
    if not is_ingress(obj) or NGINX_ANNOTATION_PREFIX + "canary" in obj.annotations:
        return
    routes = project.memoize(_ingresses_by_route)
    seen = set()
    for key in _route_keys(obj):
        others = [
            other
            for other in routes.get(key, ())[:64]
            if other is not obj and (other.name, other.namespace) != (obj.name, obj.namespace)
            and not object_index(project).are_alternatives(obj.source, other.source)
            and NGINX_ANNOTATION_PREFIX + "canary" not in other.annotations
            and may_be_same_namespace(other.namespace, obj.namespace) is True
        ]  # fmt: skip
        if others and key not in seen and routes[key][0] is not obj:
            seen.add(key)
            there = Related(others[0].source, others[0].metadata.at("name"), "claims it too")
            yield hit(
                obj.metadata.at("name"),
                related=[there],
                route=key[2] + key[3],
                other=others[0].name,
            )


_STATEMENT_START = re.compile(r"(?:\A|[;{}\n])\s*")


def snippet(obj: Object, *, words: Sequence[Pattern] = (), without: Sequence[Pattern] = ()) -> CheckOutcome:
    """An annotation puts text into the controller's configuration; `words`: only text with one of these, `without`: with none."""
    if not is_ingress(obj):
        return
    for key, value in obj.annotations.items():
        if not key.startswith(NGINX_ANNOTATION_PREFIX) or not key.endswith("snippet"):
            continue
        text = str(value)[:20000]
        starts = [match.end() for match in _STATEMENT_START.finditer(text)]
        if (not words or _begins_statement(words, text, starts)) and not _begins_statement(without, text, starts):
            yield hit(obj.annotations.key_span(key), annotation=key)


def _begins_statement(words: Sequence[Pattern], text: str, starts: Sequence[int]) -> bool:
    return any(re.compile(word).match(text, at) for word in words for at in starts)


def ingress_snippets_allowed(obj: Object) -> CheckOutcome:
    """The configuration of ingress-nginx allows snippets."""
    if obj.kind == "ConfigMap":
        data = obj.node.mapping_at_path("data")
        if str(data.get("allow-snippet-annotations")).lower() == "true":
            yield hit(data.at("allow-snippet-annotations"))


_NGINX_CONTROLLER_IMAGE = re.compile(r"(?:\A|/)(?:ingress-nginx/controller(?:-chroot)?|nginx-ingress-controller)(?:[:@]|\Z)")


def ingress_nginx_retired(container: Container) -> CheckOutcome:
    """The container is the ingress-nginx controller."""
    if _NGINX_CONTROLLER_IMAGE.search(container.image):
        yield hit(container.node.at("image"))


def ingress_nginx_annotation(obj: Object) -> CheckOutcome:
    """An Ingress is written for ingress-nginx: it carries its annotations."""
    if is_ingress(obj):
        found = [key for key in obj.annotations if key.startswith(NGINX_ANNOTATION_PREFIX)]
        if found:
            yield hit(obj.annotations.key_span(found[0]), annotation=found[0])


# Class, prefix of the annotations, and how those begin that limit requests.
RATE_LIMIT_ANNOTATIONS = (
    ("nginx", NGINX_ANNOTATION_PREFIX, "limit-"),
    ("haproxy", "haproxy.org/", "rate-limit-requests"),
)


def ingress_rate_limit_missing(obj: Object) -> CheckOutcome:
    """An Ingress of a controller that can limit requests sets no limit."""
    if not is_ingress(obj):
        return
    name = obj.spec.get("ingressClassName") or obj.annotations.get("kubernetes.io/ingress.class")
    for controller, prefix, limit in RATE_LIMIT_ANNOTATIONS:
        if name == controller or any(key.startswith(prefix) for key in obj.annotations):
            if not any(key.startswith(prefix + limit) for key in obj.annotations):
                yield missing(obj.metadata.at("name"))
            return
    yield NotApplicable()


def ingress_certificate_by_hand(obj: Object, *, project: Project) -> CheckOutcome:
    """Nothing in the files issues the certificate of an Ingress."""
    issuing = tuple(fact_column("kubernetes-annotations", "issues"))
    if not is_ingress(obj) or any(key.startswith(issuing) for key in obj.annotations):
        return
    issued = {each.spec.string_under("secretName") for each in object_index(project).objects_of_kinds("Certificate")}
    for entry in obj.spec.mappings_under("tls"):
        name = entry.get("secretName")
        if isinstance(name, str) and not is_variable(name) and name not in issued:
            yield missing(entry.at("secretName"), secret=name)


def ingress_cors_everyone(obj: Object) -> CheckOutcome:
    """An Ingress answers cross-origin requests from everywhere."""
    if not is_ingress(obj) or str(obj.annotations.get(NGINX_ANNOTATION_PREFIX + "enable-cors")).lower() != "true":
        return
    key = NGINX_ANNOTATION_PREFIX + "cors-allow-origin"
    origin = obj.annotations.get(key)
    if origin is None:
        yield missing(obj.annotations.key_span(NGINX_ANNOTATION_PREFIX + "enable-cors"))
    elif isinstance(origin, str) and "*" in [part.strip() for part in origin.split(",")]:
        yield hit(obj.annotations.at(key))


def ingress_body_unbounded(obj: Object) -> CheckOutcome:
    """An Ingress takes bodies of any size."""
    key = NGINX_ANNOTATION_PREFIX + "proxy-body-size"
    value = obj.annotations.get(key)
    if is_ingress(obj) and (as_integer(value) == 0 or re.fullmatch(r"0[kmgKMG]?", text_or_empty(value))):
        yield hit(obj.annotations.at(key))
