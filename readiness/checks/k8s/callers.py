"""Who uses a Service: routes from outside, the API server's webhooks, and the workloads that name it as a host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from readiness.checks.k8s import gateway, ingress
from readiness.checks.k8s.exposure import is_open_to_outside, routes_by_service_name
from readiness.checks.k8s.webhooks import failure_policy
from readiness.kinds.k8s.effective import is_filled_in_value
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.labels import parse_label_selector
from readiness.kinds.k8s.model import Object, Pod
from readiness.kinds.k8s.traffic import is_non_traffic_port
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax.yaml import Map

_MAX_TEXT_CHARACTERS = 20_000  # of one value that is searched for hosts
_MAX_OWNERS_PER_HOST = 64  # objects that are kept for one name
# A name of one label where a host stands: in an address, before a port or a domain of the cluster.
_HOST_IN_TEXT = lazy_regex(
    r"(?:(?://|@)([a-z][-a-z0-9]{0,62})(?=[:/.\s\"',]|\Z))"
    r"|(?:(?:\A|[\s,;=\"'(])([a-z][-a-z0-9]{0,62})(?=:[0-9]{2,5}\b|\.[-a-z0-9]{1,63}\.svc\b))"
)
_PORT_BEHIND_HOST = lazy_regex(r"(?:\.[-a-z0-9.]{1,253})?:([0-9]{1,5})(?![0-9])")
_HOST_VARIABLE_NAME = lazy_regex(r"(?i)(?:host(?:name)?|server|servers|addr(?:ess)?|endpoint|service|url|upstream)\Z")
_WEBHOOK_KINDS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")


def is_service_used(service: Object, pod: Pod, project: Project) -> bool:
    """Whether the files show who sends requests to a Service: it is open to the outside, a route leads to it, or others name it.

    Others are workloads, and ConfigMaps that the Service's own pod does not take in.
    """
    return is_open_to_outside(service) or is_service_named(service, pod, project)


def is_service_named(service: Object, pod: Pod | None, project: Project) -> bool:
    """Whether a route, a webhook, a workload or a ConfigMap of the files names a Service; `pod` is its own, None where it has none."""
    if project.memoize(routes_by_service_name).get(service.name):
        return True
    if service.name in project.memoize(_services_of_further_routes) or failing_webhook_of_service(service, project) is not None:
        return True
    return any(True for _ in _ports_named_by_others(service, pod, project))


def is_service_port_used(service: Object, port: Map, pod: Pod, project: Project) -> bool:
    """Whether the files show who sends requests to one port of a Service: as for a Service, by the port's number or name.

    Whoever names no port may mean any that takes requests, by its name.
    """
    takes_any_requests = not is_non_traffic_port(port)
    if takes_any_requests and is_open_to_outside(service):
        return True
    words = {str(one) for one in (port.get("port"), port.get("name"), port.get("targetPort")) if one is not None}
    asked_ports = {*project.memoize(_asked_ports_by_service_name).get(service.name, ()), *_ports_named_by_others(service, pod, project)}
    if asked_ports & words or (takes_any_requests and "" in asked_ports):
        return True
    return _is_scraped(service, words, project)


def _is_scraped(service: Object, port_words: set[str], project: Project) -> bool:
    """Whether a monitor, or the annotations by which Prometheus finds what it asks, lead to a port of a Service."""
    if str(service.annotations.get("prometheus.io/scrape")).lower() == "true" and str(service.annotations.get("prometheus.io/port")) in port_words:
        return True
    return any(
        (selector := parse_label_selector(monitor.spec.get("selector"))) is not None
        and selector.matches(service.labels)
        and any(str(endpoint.get(key)) in port_words for endpoint in monitor.spec.mappings_under("endpoints") for key in ("port", "targetPort"))
        for monitor in object_index(project).objects_of_kinds("ServiceMonitor", "VMServiceScrape")
    )


def _ports_named_by_others(service: Object, pod: Pod | None, project: Project) -> Iterator[str]:
    """The ports by which workloads and ConfigMaps name a Service as a host, but for its own pod; empty where they write none."""
    own_config_maps = config_map_names_of(pod) if pod is not None else set()
    for owner, port in project.memoize(_naming_objects_by_host).get(service.name, ()):
        if (pod is None or owner is not pod.owner) and not (owner.kind == "ConfigMap" and owner.name in own_config_maps):
            yield port


def _asked_ports_by_service_name(project: Project) -> dict[str, set[str]]:
    """The ports, by number or name, that routes and the API server ask of Services; empty where they write none."""
    asked_ports: dict[str, set[str]] = {}
    for service_name, port in _services_and_ports_of_routes(project):
        asked_ports.setdefault(service_name, set()).add("" if port is None or is_filled_in_value(port) else str(port))
    return asked_ports


def _services_and_ports_of_routes(project: Project) -> Iterator[tuple[str, Any]]:
    project_index = object_index(project)
    for obj in project_index.objects_of_kinds("Ingress"):
        yield from ((name, port) for _, name, port in ingress.backends_of(obj))
    for obj in project_index.objects_of_kinds(*gateway.route_kinds()):
        yield from ((name, port) for _, name, _, port in gateway.backend_references(obj))
    for obj in project_index.objects_of_kinds("VirtualService"):
        for route in (route for key in ("http", "tls", "tcp") for one in obj.spec.mappings_under(key) for route in one.mappings_under("route")):
            destination = route.mapping_at_path("destination")
            yield destination.string_under("host").partition(".")[0], destination.mapping_at_path("port").get("number")
    for obj in project_index.objects_of_kinds("IngressRoute", "IngressRouteTCP", "IngressRouteUDP"):
        for service in (service for route in obj.spec.mappings_under("routes") for service in route.mappings_under("services")):
            yield service.string_under("name"), service.get("port")
    for obj in project_index.objects_of_kinds("Route"):
        yield obj.spec.mapping_at_path("to").string_under("name"), obj.spec.mapping_at_path("port").get("targetPort")
    for obj in project_index.objects_of_kinds(*_WEBHOOK_KINDS):
        for webhook in obj.node.mappings_under("webhooks"):
            yield _service_and_port_of_api_server(webhook.mapping_at_path("clientConfig", "service"))
    for obj in project_index.objects_of_kinds("CustomResourceDefinition"):
        yield _service_and_port_of_api_server(obj.spec.mapping_at_path("conversion", "webhook", "clientConfig", "service"))
    for obj in project_index.objects_of_kinds("APIService"):
        yield _service_and_port_of_api_server(obj.spec.mapping_at_path("service"))


def _service_and_port_of_api_server(service: Map) -> tuple[str, Any]:
    """What the API server asks: port 443 where none is written."""
    return service.string_under("name"), service.get("port", 443)


def failing_webhook_of_service(service: Object, project: Project) -> Object | None:
    """The webhook configuration by which the API server refuses requests while a Service does not answer."""
    return next(
        (one for one, namespace in project.memoize(_failing_webhooks_by_service).get(service.name, ()) if namespace in {"", service.namespace}),
        None,
    ) or next((one for one, _ in project.memoize(_failing_webhooks_by_service).get(service.name, ()) if not service.namespace), None)


def _failing_webhooks_by_service(project: Project) -> dict[str, list[tuple[Object, str]]]:
    """The webhook configurations whose `failurePolicy` is Fail, with the namespace, by the name of their Service."""
    webhooks_by_service: dict[str, list[tuple[Object, str]]] = {}
    for obj in object_index(project).objects_of_kinds(*_WEBHOOK_KINDS):
        for webhook in obj.node.mappings_under("webhooks"):
            client_service = webhook.mapping_at_path("clientConfig", "service")
            if client_service.string_under("name") and failure_policy(obj, webhook) == "Fail":
                webhooks_by_service.setdefault(client_service.string_under("name"), []).append((obj, client_service.string_under("namespace")))
    return webhooks_by_service


def _services_of_further_routes(project: Project) -> frozenset[str]:
    """The names of the Services that routes of Traefik and OpenShift lead to."""
    project_index = object_index(project)
    service_names = {
        service.string_under("name")
        for obj in project_index.objects_of_kinds("IngressRoute", "IngressRouteTCP")
        for route in obj.spec.mappings_under("routes")
        for service in route.mappings_under("services")
    }
    service_names |= {obj.spec.mapping_at_path("to").string_under("name") for obj in project_index.objects_of_kinds("Route")}
    return frozenset(service_names - {""})


def _naming_objects_by_host(project: Project) -> dict[str, list[tuple[Object, str]]]:
    """The workloads and ConfigMaps of a project, with the ports that they write, by the hosts that they name, made once a run."""
    objects_by_host: dict[str, list[tuple[Object, str]]] = {}
    project_index = object_index(project)
    owners_and_hosts = [
        *((one.owner, named) for one in project_index.workloads if one.pod is not None for named in _hosts_named_by_pod(one.pod)),
        *((obj, named) for obj in project_index.objects_of_kinds("ConfigMap") for named in _hosts_named_by_values(obj.node.mapping_at_path("data"))),
    ]
    for owner, (host, port) in owners_and_hosts:
        owners = objects_by_host.setdefault(host, [])
        if (owner, port) not in owners[-1:] and len(owners) < _MAX_OWNERS_PER_HOST:
            owners.append((owner, port))
    return objects_by_host


def _hosts_named_by_pod(pod: Pod) -> Iterator[tuple[str, str]]:
    """The hosts, with their ports, that the variables and the commands of a pod's containers name."""
    for container in pod.containers():
        for variable in container.node.mappings_under("env"):
            yield from _hosts_in_setting(variable.string_under("name"), variable.get("value"))
        for command_list in container.command_lists():
            for word in command_list:
                yield from _hosts_in_setting("", word)


def _hosts_named_by_values(values: Map) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        yield from _hosts_in_setting(str(name), value)


def _hosts_in_setting(name: str, value: object) -> Iterator[tuple[str, str]]:
    """The hosts in a text, with their ports, which are empty where none is written; the text itself where its name says that it is one."""
    text = value[:_MAX_TEXT_CHARACTERS] if isinstance(value, str) else ""
    if _HOST_VARIABLE_NAME.search(name) and "/" not in text:
        yield text.partition(".")[0], ""
    for host_match in _HOST_IN_TEXT.finditer(text):
        port_match = _PORT_BEHIND_HOST.match(text, host_match.end())
        scheme = text[max(host_match.start() - 6, 0) : host_match.start()].lower() if host_match[1] else ""
        yield host_match[1] or host_match[2], port_match[1] if port_match is not None else _port_of_scheme(scheme)


def _port_of_scheme(text_before_host: str) -> str:
    """The port of an address that writes none, by the scheme that ends a text; empty for those that have ports of their own."""
    return "443" if text_before_host.endswith("https:") else "80" if text_before_host.endswith("http:") else ""


def config_map_names_of(pod: Pod) -> set[str]:
    """The ConfigMaps that a pod mounts or takes its variables from."""
    names = {volume.mapping_at_path("configMap").string_under("name") for volume in pod.node.mappings_under("volumes")}
    for container in pod.containers():
        names |= {source.mapping_at_path("configMapRef").string_under("name") for source in container.node.mappings_under("envFrom")}
        names |= {variable.mapping_at_path("valueFrom", "configMapKeyRef").string_under("name") for variable in container.node.mappings_under("env")}
    return names
