"""Ingress: TLS, redirects, classes, backends, hosts, and the annotations of ingress-nginx."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from readiness.checks.k8s.absence import details_of_missing_service
from readiness.checks.k8s.written import lowered_where_values_decide
from readiness.facts.table import property_by_fact_name
from readiness.kinds.k8s.deliveries import is_controller_made_service_name, may_release_make_service, service_names_beside
from readiness.kinds.k8s.effective import integer_or_none, is_filled_in_value
from readiness.kinds.k8s.elsewhere import find_named_in_run
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.labels import may_be_same_namespace
from readiness.kinds.k8s.model import Container, Object
from readiness.kinds.units import MAX_CANDIDATES_PER_QUESTION
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
    spelling,
)
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax.nodes import mappings_in, text_or_empty
from readiness.syntax.yaml import Map, Seq

NGINX_ANNOTATION_PREFIX = "nginx.ingress.kubernetes.io/"


def is_ingress(obj: Object) -> bool:
    """Whether an object is an Ingress of Kubernetes."""
    return obj.kind == "Ingress" and obj.group in {"networking.k8s.io", "extensions"}


def tls_missing(obj: Object, *, strict: bool) -> CheckOutcome:
    """An Ingress has no TLS; unless `strict`, annotations by which a controller adds it count.

    Medium unless the file says that the controller's own load balancer faces the internet: in front of others something that is in no
    file (a tunnel, a proxy, a default certificate) may end TLS.
    """
    if not is_ingress(obj) or any(True for _ in obj.spec.mappings_under("tls")):
        return
    if not strict and property_by_fact_name("kubernetes-annotations", "ends-tls").keys() & obj.annotations:
        return
    if is_filled_in_value(obj.spec.get("tls")):
        yield Undecidable(obj.spec.at("tls"))
    else:
        is_open_balancer = obj.annotations.get("alb.ingress.kubernetes.io/scheme") == "internet-facing"
        severity = None if is_open_balancer else Severity.MEDIUM
        yield missing(obj.metadata.at("name"), severity=severity)


def ingress_rules(obj: Object) -> Iterator[Map]:
    """The rules of an Ingress."""
    yield from obj.spec.mappings_under("rules")


def certificate_covers(pattern: str, host: str) -> bool:
    """Whether a host of a certificate stands for a host: itself, or a wildcard for its first part."""
    if pattern == host:
        return True
    return pattern.startswith("*.") and host.partition(".")[2] == pattern[2:]


@lowered_where_values_decide()
def ingress_host_without_tls(obj: Object) -> CheckOutcome:
    """An Ingress has TLS for some of its hosts, and not for this one."""
    tls_entries = list(obj.spec.mappings_under("tls")) if is_ingress(obj) else []
    certificate_hosts: list[str] = []
    for tls_entry in tls_entries:
        entry_hosts = tls_entry.get("hosts")
        if not isinstance(entry_hosts, Seq) or not entry_hosts:
            return  # no hosts: the certificate's own
        certificate_hosts += [host for host in entry_hosts if isinstance(host, str)]
    if any(map(is_filled_in_value, certificate_hosts)):
        return
    for rule in ingress_rules(obj):
        host = rule.get("host")
        if (
            tls_entries
            and isinstance(host, str)
            and host
            and not is_filled_in_value(host)
            and not any(certificate_covers(one, host) for one in certificate_hosts)
        ):
            yield hit(rule.at("host"), host=host)


FALSE_TEXTS = frozenset({"false", "False", "FALSE", "no", "0"})


# Controllers that redirect to HTTPS by themselves where an Ingress has TLS.
REDIRECTING_CONTROLLERS = ("nginx", "haproxy")


def ingress_redirect_off(obj: Object) -> CheckOutcome:
    """An Ingress with TLS answers plain HTTP too: the redirect is turned off."""
    if not is_ingress(obj) or not obj.spec.get("tls"):
        return
    class_name = obj.spec.get("ingressClassName") or obj.annotations.get("kubernetes.io/ingress.class")
    if class_name not in REDIRECTING_CONTROLLERS and not any("redirect" in annotation_key for annotation_key in obj.annotations):
        yield NotApplicable()  # what its controller does by itself is not known
    force_redirect = obj.annotations.get(NGINX_ANNOTATION_PREFIX + "force-ssl-redirect")
    annotation_key = NGINX_ANNOTATION_PREFIX + "ssl-redirect"
    if str(obj.annotations.get(annotation_key)) in FALSE_TEXTS and str(force_redirect).lower() != "true":
        yield hit(obj.annotations.at(annotation_key), annotation=annotation_key)
    entrypoints = obj.annotations.get("traefik.ingress.kubernetes.io/router.entrypoints")
    if isinstance(entrypoints, str) and "web" in {part.strip() for part in entrypoints.split(",")}:
        middlewares = obj.annotations.string_under("traefik.ingress.kubernetes.io/router.middlewares")
        if "redirect" not in middlewares:
            annotation_key = "traefik.ingress.kubernetes.io/router.entrypoints"
            yield hit(obj.annotations.at(annotation_key), annotation=annotation_key)


def ingress_class_missing(obj: Object, *, project: Project) -> CheckOutcome:
    """An Ingress names no class, and no class of the files is the default."""
    if not is_ingress(obj) or obj.spec.get("ingressClassName"):
        return
    if obj.annotations.get("kubernetes.io/ingress.class") is not None or _is_for_gke(obj):
        return
    default_class_annotation = "ingressclass.kubernetes.io/is-default-class"
    if not any(str(each.annotations.get(default_class_annotation)) == "true" for each in object_index(project).objects_of_kinds("IngressClass")):
        yield Undecidable(obj.metadata.at("name")) if project.may_lack_objects() else missing(obj.metadata.at("name"))


def _is_for_gke(obj: Object) -> bool:
    """Whether an Ingress is written for GKE, whose controller takes those that name no class."""
    return any(
        key.startswith(("networking.gke.io/", "ingress.gcp.kubernetes.io/")) or key == "kubernetes.io/ingress.global-static-ip-name"
        for key in obj.annotations
    )


def ingress_class_annotation(obj: Object) -> CheckOutcome:
    """An Ingress names its class by the annotation that ingressClassName replaced."""
    annotation_key = "kubernetes.io/ingress.class"
    if is_ingress(obj) and obj.annotations.get(annotation_key) is not None:
        yield hit(obj.annotations.key_span(annotation_key))


def backends_of(obj: Object) -> Iterator[tuple[Map, str, Any]]:
    """The Services that an Ingress sends to: the mapping that names each, its name, its port."""
    backend_nodes = [obj.spec.mapping_at_path(key) for key in ("defaultBackend", "backend")]
    for rule in ingress_rules(obj):
        backend_nodes += [path.mapping_at_path("backend") for path in rule.mapping_at_path("http").mappings_under("paths")]
    for backend_node in backend_nodes:
        service = backend_node.mapping_at_path("service")
        if isinstance(service.get("name"), str):
            port = service.mapping_at_path("port")
            port_number = port.get("number")
            yield service, service["name"], port.get("name") if port_number is None else port_number
        elif isinstance(backend_node.get("serviceName"), str):
            yield backend_node, backend_node["serviceName"], backend_node.get("servicePort")


def ingress_backend_unresolved(obj: Object, *, project: Project) -> CheckOutcome:
    """An Ingress sends to a Service that is in no file, or to a port that the Service does not have.

    Low where no Service stands beside the Ingress: then a chart or an operator makes it.
    """
    if not is_ingress(obj):
        return
    for service_node, service_name, port in backends_of(obj):
        name_key = "name" if "name" in service_node else "serviceName"
        if is_filled_in_value(service_name) or (port == "use-annotation"):
            continue
        backend = Backend(service_name, obj.namespace, None if is_filled_in_value(port) else port)
        port_span = service_node.mapping_at_path("port").at() if "port" in service_node else service_node.at("servicePort")
        yield from unresolved_backend(obj, backend, service_node.at(name_key), port_span, project)


class Backend(NamedTuple):
    """A Service that requests are sent to, and its port there, a number or a name; None for one that nobody can tell."""

    name: str
    namespace: str
    port: Any


def unresolved_backend(obj: Object, backend: Backend, place: Span, port_place: Span, project: Project) -> CheckOutcome:
    """An object sends to a Service that is in no file, or to a port that the Service does not have.

    Medium at most for a name that is like none of the Services beside the object: something else may bring that one.
    """
    resolution = find_named_in_run(obj, "Service", backend.name, project, backend.namespace)
    is_made_elsewhere = resolution.is_absent and (
        is_controller_made_service_name(backend.name, project) or may_release_make_service(obj, backend.name, backend.namespace, project)
    )
    if resolution.is_ambiguous or is_made_elsewhere:
        yield Undecidable(place)
    elif resolution.is_absent:
        details = details_of_missing_service(obj, backend.name, resolution, backend.namespace, project)
        is_misspelt = bool(spelling.most_similar_known_word(backend.name, service_names_beside(obj, project)))
        yield missing(
            place,
            say="service",
            related=details.related,
            severity=details.severity or (None if is_misspelt else Severity.MEDIUM),
            service=backend.name,
            where=details.where_missing_text,
        )
    elif backend.port is not None and not any(_has_service_port(each, backend.port) for each in resolution.meant):
        service = resolution.meant[0]
        service_location = Related(service.source, service.metadata.at("name"), "the Service")
        yield hit(port_place, related=[service_location], say="port", service=backend.name, port=backend.port)


def _has_service_port(service: Object, port: Any) -> bool:
    """Whether a Service has a port of that number or name."""
    service_ports = service.spec.get("ports")
    if service.spec.get("type") == "ExternalName" or not isinstance(service_ports, Seq):
        return True
    return any(
        port in (service_port.get("port"), service_port.get("name")) or is_filled_in_value(service_port.get("port"))
        for service_port in mappings_in(service_ports)
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
    ingresses_by_route: dict[tuple[str, str, str, str], list[Object]] = {}
    for obj in object_index(project).objects_of_kinds("Ingress"):
        if is_ingress(obj):
            for route_key in _route_keys(obj):
                route_ingresses = ingresses_by_route.setdefault(route_key, [])
                if not route_ingresses or route_ingresses[-1] is not obj:
                    route_ingresses.append(obj)
    return ingresses_by_route


def _route_keys(obj: Object) -> Iterator[tuple[str, str, str, str]]:
    folder = posixpath.dirname(obj.source.root.path)
    class_name = obj.spec.get("ingressClassName") or obj.annotations.get("kubernetes.io/ingress.class")
    for rule in ingress_rules(obj):
        host = rule.string_under("host")
        for path in rule.mapping_at_path("http").mappings_under("paths"):
            if host and not is_filled_in_value(host):
                yield folder, str(class_name), host, path.string_under("path") or "/"


def ingress_route_repeated(obj: Object, *, project: Project) -> CheckOutcome:
    """Two Ingresses of one folder claim the same host and path."""
    if not is_ingress(obj) or NGINX_ANNOTATION_PREFIX + "canary" in obj.annotations:
        return
    ingresses_by_route = project.memoize(_ingresses_by_route)
    reported_keys = set()
    for route_key in _route_keys(obj):
        rival_ingresses = [
            rival_ingress
            for rival_ingress in ingresses_by_route.get(route_key, ())[:MAX_CANDIDATES_PER_QUESTION]
            if rival_ingress is not obj and (rival_ingress.name, rival_ingress.namespace) != (obj.name, obj.namespace)
            and not object_index(project).are_alternatives(obj.source, rival_ingress.source)
            and NGINX_ANNOTATION_PREFIX + "canary" not in rival_ingress.annotations
            and may_be_same_namespace(rival_ingress.namespace, obj.namespace) is True
        ]  # fmt: skip
        if rival_ingresses and route_key not in reported_keys and ingresses_by_route[route_key][0] is not obj:
            reported_keys.add(route_key)
            rival_location = Related(rival_ingresses[0].source, rival_ingresses[0].metadata.at("name"), "claims it too")
            yield hit(
                obj.metadata.at("name"),
                related=[rival_location],
                route=route_key[2] + route_key[3],
                other=rival_ingresses[0].name,
            )


_STATEMENT_START_PATTERN = lazy_regex(r"(?:\A|[;{}\n])\s*")


def snippet(obj: Object, *, words: Sequence[Pattern] = (), without: Sequence[Pattern] = ()) -> CheckOutcome:
    """An annotation puts text into the controller's configuration; `words`: only text with one of these, `without`: with none."""
    if not is_ingress(obj):
        return
    for annotation_key, annotation_value in obj.annotations.items():
        if not annotation_key.startswith(NGINX_ANNOTATION_PREFIX) or not annotation_key.endswith("snippet"):
            continue
        snippet_text = str(annotation_value)[:20000]
        statement_starts = [match.end() for match in _STATEMENT_START_PATTERN.finditer(snippet_text)]
        if (not words or _has_statement_matching(words, snippet_text, statement_starts)) and not _has_statement_matching(
            without, snippet_text, statement_starts
        ):
            yield hit(obj.annotations.key_span(annotation_key), annotation=annotation_key)


def _has_statement_matching(patterns: Sequence[Pattern], text: str, statement_starts: Sequence[int]) -> bool:
    return any(re.compile(pattern).match(text, statement_start) for pattern in patterns for statement_start in statement_starts)


def ingress_snippets_allowed(obj: Object) -> CheckOutcome:
    """The configuration of ingress-nginx allows snippets."""
    if obj.kind == "ConfigMap":
        data = obj.node.mapping_at_path("data")
        if str(data.get("allow-snippet-annotations")).lower() == "true":
            yield hit(data.at("allow-snippet-annotations"))


_NGINX_CONTROLLER_IMAGE_PATTERN = lazy_regex(r"(?:\A|/)(?:ingress-nginx/controller(?:-chroot)?|nginx-ingress-controller)(?:[:@]|\Z)")


def ingress_nginx_retired(container: Container) -> CheckOutcome:
    """The container is the ingress-nginx controller."""
    if _NGINX_CONTROLLER_IMAGE_PATTERN.search(container.image):
        yield hit(container.node.at("image"))


def ingress_nginx_annotation(obj: Object) -> CheckOutcome:
    """An Ingress is written for ingress-nginx: it carries its annotations."""
    if is_ingress(obj):
        nginx_annotation_keys = [key for key in obj.annotations if key.startswith(NGINX_ANNOTATION_PREFIX)]
        if nginx_annotation_keys:
            yield hit(obj.annotations.key_span(nginx_annotation_keys[0]), annotation=nginx_annotation_keys[0])


# Class, prefix of the annotations, and how those begin that limit requests.
RATE_LIMIT_CLASSES_AND_PREFIXES = (
    ("nginx", NGINX_ANNOTATION_PREFIX, "limit-"),
    ("haproxy", "haproxy.org/", "rate-limit-requests"),
)


def ingress_rate_limit_missing(obj: Object) -> CheckOutcome:
    """An Ingress of a controller that can limit requests sets no limit."""
    if not is_ingress(obj):
        return
    class_name = obj.spec.get("ingressClassName") or obj.annotations.get("kubernetes.io/ingress.class")
    for controller_class, annotation_prefix, limit_prefix in RATE_LIMIT_CLASSES_AND_PREFIXES:
        if class_name == controller_class or any(key.startswith(annotation_prefix) for key in obj.annotations):
            if not any(key.startswith(annotation_prefix + limit_prefix) for key in obj.annotations):
                yield missing(obj.metadata.at("name"))
            return
    yield NotApplicable()


def ingress_certificate_by_hand(obj: Object, *, project: Project) -> CheckOutcome:
    """Nothing in the files issues the certificate of an Ingress."""
    issuer_annotation_prefixes = tuple(property_by_fact_name("kubernetes-annotations", "issues"))
    if not is_ingress(obj) or any(key.startswith(issuer_annotation_prefixes) for key in obj.annotations):
        return
    issued_secret_names = {each.spec.string_under("secretName") for each in object_index(project).objects_of_kinds("Certificate")}
    for tls_entry in obj.spec.mappings_under("tls"):
        secret_name = tls_entry.get("secretName")
        if isinstance(secret_name, str) and not is_filled_in_value(secret_name) and secret_name not in issued_secret_names:
            secret_span = tls_entry.at("secretName")
            yield Undecidable(secret_span) if project.may_lack_objects(obj.namespace) else missing(secret_span, secret=secret_name)


def ingress_cors_everyone(obj: Object) -> CheckOutcome:
    """An Ingress answers cross-origin requests from everywhere."""
    if not is_ingress(obj) or str(obj.annotations.get(NGINX_ANNOTATION_PREFIX + "enable-cors")).lower() != "true":
        return
    origin_key = NGINX_ANNOTATION_PREFIX + "cors-allow-origin"
    allowed_origins = obj.annotations.get(origin_key)
    if allowed_origins is None:
        yield missing(obj.annotations.key_span(NGINX_ANNOTATION_PREFIX + "enable-cors"))
    elif isinstance(allowed_origins, str) and "*" in [part.strip() for part in allowed_origins.split(",")]:
        yield hit(obj.annotations.at(origin_key))


def ingress_body_unbounded(obj: Object) -> CheckOutcome:
    """An Ingress takes bodies of any size."""
    annotation_key = NGINX_ANNOTATION_PREFIX + "proxy-body-size"
    body_size = obj.annotations.get(annotation_key)
    if is_ingress(obj) and (integer_or_none(body_size) == 0 or re.fullmatch(r"0[kmgKMG]?", text_or_empty(body_size))):
        yield hit(obj.annotations.at(annotation_key))
