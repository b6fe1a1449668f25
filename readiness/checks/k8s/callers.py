"""Who uses a Service: routes from outside, the API server's webhooks, and the workloads that name it as a host."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.checks.k8s.exposure import is_open_to_outside, routes_by_service_name
from readiness.checks.k8s.webhooks import failure_policy
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.model import Object, Pod
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
    own_config_maps = config_map_names_of(pod) if pod is not None else set()
    return any(
        (pod is None or owner is not pod.owner) and not (owner.kind == "ConfigMap" and owner.name in own_config_maps)
        for owner in project.memoize(_naming_objects_by_host).get(service.name, ())
    )


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


def _naming_objects_by_host(project: Project) -> dict[str, list[Object]]:
    """The workloads and ConfigMaps of a project by the hosts that they name, made once a run."""
    objects_by_host: dict[str, list[Object]] = {}
    project_index = object_index(project)
    hosts_and_owners = [
        *((host, one.owner) for one in project_index.workloads if one.pod is not None for host in _hosts_named_by_pod(one.pod)),
        *((host, obj) for obj in project_index.objects_of_kinds("ConfigMap") for host in _hosts_named_by_values(obj.node.mapping_at_path("data"))),
    ]
    for host, owner in hosts_and_owners:
        owners = objects_by_host.setdefault(host, [])
        if owner not in owners[-1:] and len(owners) < _MAX_OWNERS_PER_HOST:
            owners.append(owner)
    return objects_by_host


def _hosts_named_by_pod(pod: Pod) -> Iterator[str]:
    """The hosts that the variables and the commands of a pod's containers name."""
    for container in pod.containers():
        for variable in container.node.mappings_under("env"):
            yield from _hosts_in_setting(variable.string_under("name"), variable.get("value"))
        for command_list in container.command_lists():
            for word in command_list:
                yield from _hosts_in_setting("", word)


def _hosts_named_by_values(values: Map) -> Iterator[str]:
    for name, value in values.items():
        yield from _hosts_in_setting(str(name), value)


def _hosts_in_setting(name: str, value: object) -> Iterator[str]:
    """The hosts in a text; the text itself where its name says that it is one."""
    text = value[:_MAX_TEXT_CHARACTERS] if isinstance(value, str) else ""
    if _HOST_VARIABLE_NAME.search(name):
        yield text.partition(".")[0]
    for host_match in _HOST_IN_TEXT.finditer(text):
        yield host_match[1] or host_match[2]


def config_map_names_of(pod: Pod) -> set[str]:
    """The ConfigMaps that a pod mounts or takes its variables from."""
    names = {volume.mapping_at_path("configMap").string_under("name") for volume in pod.node.mappings_under("volumes")}
    for container in pod.containers():
        names |= {source.mapping_at_path("configMapRef").string_under("name") for source in container.node.mappings_under("envFrom")}
        names |= {variable.mapping_at_path("valueFrom", "configMapKeyRef").string_under("name") for variable in container.node.mappings_under("env")}
    return names
