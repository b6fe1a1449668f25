"""Which containers the requests of a Service reach; ports for measurements and health checks take none."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from itertools import islice, takewhile
from typing import Any

from readiness.kinds.k8s.agents import is_hook_object
from readiness.kinds.k8s.effective import integer_or_none
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.model import Container, Object, Pod
from readiness.kinds.k8s.scale import pod_count_range, pods_rounded_down, update_strategy_node
from readiness.kinds.k8s.selecting import certain_selecting_objects, service_selector_index
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax.image import parse_image
from readiness.syntax.yaml import Map

# Words in the name of a port that nobody's requests go to.
_NON_TRAFFIC_PORT_WORD = lazy_regex(
    r"\b(?:metrics?|stats|prom|prometheus|telemetry|monitor(?:ing)?|health[a-z]{0,8}|probes?|liveness|livez|readiness|readyz|dummy|placeholder"
    r"|unused|pprof|profiling)\b"
)


def is_non_traffic_port(port: Map) -> bool:
    """Whether a port, of a container or of a Service, is for measurements or health checks, or a dummy, by its name."""
    return is_non_traffic_port_name(port.string_under("name")) or is_non_traffic_port_name(port.string_under("targetPort"))


def is_non_traffic_port_name(port_name: str) -> bool:
    """Whether the name of a port says that it is for measurements or health checks, or a dummy."""
    return bool(_NON_TRAFFIC_PORT_WORD.search(port_name[:200].replace("_", "-").lower()))


def services_selecting_pod(pod: Pod, project: Project) -> list[Object]:
    """The Services that select a pod and stand with it."""
    workload = object_index(project).workload_by_owner_id.get(id(pod.owner))
    return list(certain_selecting_objects(workload, project, service_selector_index)) if workload else []


def target_ports_of_services(services: list[Object]) -> Iterator[Any]:
    """What the ports of Services send requests to: a number or a name; ports that are aside left out."""
    for service in services:
        is_non_traffic_service = bool(_NON_TRAFFIC_PORT_WORD.search(service.name.lower())) or _is_metrics_exporter_service(service)
        for service_port in service.spec.mappings_under("ports"):
            if not (is_non_traffic_port(service_port) or is_non_traffic_service):
                yield service_port.get("targetPort") or service_port.get("port")


_EXPORTER_WORD = lazy_regex(r"(?:\A|[-_])exporters?(?:[-_]|\Z)")
# https://github.com/prometheus/prometheus/wiki/Default-port-allocations
EXPORTER_PORTS = range(9100, 10000)


def _is_metrics_exporter_service(service: Object) -> bool:
    """Whether a Service is that of an exporter of measurements: by its name, and by ports of exporters or a mark for Prometheus."""
    if not _EXPORTER_WORD.search(service.name.lower()):
        return False
    target_ports = []
    for service_port in service.spec.mappings_under("ports"):
        target_port = integer_or_none(service_port.get("targetPort"))
        target_ports.append(integer_or_none(service_port.get("port")) if target_port is None else target_port)
    is_marked_for_prometheus = str(service.annotations.get("prometheus.io/scrape")).lower() == "true"
    return is_marked_for_prometheus or (bool(target_ports) and all(service_port in EXPORTER_PORTS for service_port in target_ports))


def has_only_udp_ports(services: list[Object]) -> bool:
    """Whether all ports of a pod's Services are of UDP, by which most send and wait for no answer."""
    service_ports = [port for service in services for port in service.spec.mappings_under("ports")]
    return bool(service_ports) and all(port.get("protocol") == "UDP" for port in service_ports)


def is_idle_container(container: Container) -> bool:
    """Whether a container does nothing but keep its pod there: it sleeps, or is the image that pauses."""
    command_words = [word for part in container.command_lists() for text in part for word in str(text)[:200].split()]
    if command_words and posixpath.basename(command_words[0]) in {"sh", "bash", "ash"} and len(command_words) > 2:
        command_words = command_words[2:]
    if not command_words:
        return parse_image(container.image).name.rpartition("/")[2] == "pause"
    return posixpath.basename(command_words[0]) in {"sleep", "true", "pause"} and not any(mark in word for word in command_words for mark in "&;|")


_MAX_CONTAINERS_PER_POD = 64  # of which the ports are compared; no pod has as many


def receives_service_requests(container: Container, services: list[Object]) -> bool:
    """Whether one of the Services sends requests to the container: to a port of its own, or to one that no container declares.

    A name that several containers give to a port is the first one's.
    https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports
    """
    main_containers = [one for one in islice(container.pod.containers(), _MAX_CONTAINERS_PER_POD) if one.role == "main"]
    declared_port_words_of_pod = {word for one in main_containers for word in _declared_port_words(one)}
    own_port_words, is_only_main_container = _declared_port_words(container), len(main_containers) == 1
    for earlier_container in takewhile(lambda one: one.node is not container.node, main_containers):
        own_port_words -= _port_names(earlier_container)
    non_traffic_port_words = {
        word for port in container.node.mappings_under("ports") if is_non_traffic_port(port) for word in _port_number_and_name_words(port)
    }
    return any(
        str(target) in own_port_words - non_traffic_port_words or (is_only_main_container and str(target) not in declared_port_words_of_pod)
        for target in target_ports_of_services(services)
    )


def _port_number_and_name_words(container_port: Map) -> set[str]:
    """The number and the name of a container's port, as a Service may write them."""
    return {str(container_port.get("containerPort")), container_port.string_under("name")} - {""}


def _port_names(container: Container) -> set[str]:
    return {port.string_under("name") for port in container.node.mappings_under("ports")} - {""}


def _declared_port_words(container: Container) -> set[str]:
    return {word for port in container.node.mappings_under("ports") for word in _port_number_and_name_words(port)}


def declares_traffic_port(container: Container) -> bool:
    """Whether a container declares a port that requests may go to."""
    return any(one.get("containerPort") is not None and not is_non_traffic_port(one) for one in container.node.mappings_under("ports"))


def takes_requests_from_network(pod: Pod, project: Project) -> bool:
    """Whether the Services of the files send requests to a pod, other than for measurements: what reaches it comes over the network."""
    return any(True for _ in target_ports_of_services(services_selecting_pod(pod, project)))


def may_serve_requests(pod: Pod, project: Project) -> bool:
    """Whether something may want to connect to a pod: by a Service of the files, or by a port that it declares.

    Ports for measurements and health checks count for nothing.
    """
    selecting_services = services_selecting_pod(pod, project)
    main_containers = [one for one in pod.containers() if one.role == "main"]
    return any(declares_traffic_port(one) or receives_service_requests(one, selecting_services) for one in main_containers)


def has_overlapping_rollout(pod: Pod, project: Project) -> bool:
    """Whether a rollout puts new pods beside old ones that still answer, so that it matters which of them get requests.

    Not with Recreate or OnDelete, not with a pod of its own, nor with the one pod of a StatefulSet, which stops first; not where
    maxUnavailable allows all pods to stop first, nor where the workload is a hook, which its tool deletes and creates anew.
    """
    owner_object = pod.owner
    if is_hook_object(owner_object):
        return False
    update_strategy_settings = update_strategy_node(owner_object)
    if update_strategy_settings.get("type") in {"Recreate", "OnDelete"}:
        return False
    if pod.kind == "DaemonSet":
        return True
    minimum_pod_count = integer_or_none(pod_count_range(owner_object, project).minimum)
    if pod.kind == "StatefulSet":
        return minimum_pod_count is not None and minimum_pod_count > 1
    max_stopped_pods = pods_rounded_down(update_strategy_settings.mapping_at_path("rollingUpdate").get("maxUnavailable"), minimum_pod_count or 1)
    return pod.kind == "Deployment" and not (
        minimum_pod_count is not None and max_stopped_pods is not None and 0 < minimum_pod_count <= max_stopped_pods
    )
