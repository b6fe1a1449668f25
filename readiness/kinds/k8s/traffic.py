"""Which containers the requests of a Service reach; ports for measurements and health checks take none."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from readiness.kinds.k8s.effective import as_integer
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.model import Container, Object, Pod
from readiness.kinds.k8s.scale import pod_count_range, pods_rounded_down, update_strategy
from readiness.kinds.k8s.selecting import selecting_objects, service_selectors
from readiness.model.project import Project
from readiness.syntax.image import parse_image
from readiness.syntax.yaml import Map

# Words in the name of a port that nobody's requests go to.
_NON_TRAFFIC_PORT_WORD = re.compile(
    r"\b(?:metrics?|prom|prometheus|telemetry|monitor(?:ing)?|health[a-z]{0,8}|probes?|liveness|livez|readiness|readyz|dummy|placeholder"
    r"|unused|pprof|profiling)\b"
)


def is_non_traffic_port(port: Map) -> bool:
    """Whether a port, of a container or of a Service, is for measurements or health checks, or a dummy, by its name."""
    names = (port.string_under("name"), port.string_under("targetPort"))
    return any(_NON_TRAFFIC_PORT_WORD.search(name.replace("_", "-").lower()) for name in names)


def services_of(pod: Pod, project: Project) -> list[Object]:
    """The Services that select a pod and stand with it."""
    workload = object_index(project).workload_by_owner_id.get(id(pod.owner))
    return list(selecting_objects(workload, project, service_selectors)) if workload else []


def request_targets(services: list[Object]) -> Iterator[Any]:
    """What the ports of Services send requests to: a number or a name; ports that are aside left out."""
    for service in services:
        aside = bool(_NON_TRAFFIC_PORT_WORD.search(service.name.lower())) or _is_scraped_only(service)
        for port in service.spec.mappings_under("ports"):
            if not (is_non_traffic_port(port) or aside):
                yield port.get("targetPort") or port.get("port")


_EXPORTER_WORD = re.compile(r"(?:\A|[-_])exporters?(?:[-_]|\Z)")
# https://github.com/prometheus/prometheus/wiki/Default-port-allocations
_EXPORTER_PORTS = range(9100, 10000)


def _is_scraped_only(service: Object) -> bool:
    """Whether a Service is that of an exporter of measurements: by its name, and by ports of exporters or a mark for Prometheus."""
    if not _EXPORTER_WORD.search(service.name.lower()):
        return False
    ports = []
    for port in service.spec.mappings_under("ports"):
        target = as_integer(port.get("targetPort"))
        ports.append(as_integer(port.get("port")) if target is None else target)
    marked = str(service.annotations.get("prometheus.io/scrape")).lower() == "true"
    return marked or (bool(ports) and all(port in _EXPORTER_PORTS for port in ports))


def takes_datagrams_only(services: list[Object]) -> bool:
    """Whether all ports of a pod's Services are of UDP, by which most send and wait for no answer."""
    ports = [port for service in services for port in service.spec.mappings_under("ports")]
    return bool(ports) and all(port.get("protocol") == "UDP" for port in ports)


def is_idle(container: Container) -> bool:
    """Whether a container does nothing but keep its pod there: it sleeps, or is the image that pauses."""
    words = [word for part in container.command_lists() for text in part for word in str(text)[:200].split()]
    if words and posixpath.basename(words[0]) in {"sh", "bash", "ash"} and len(words) > 2:
        words = words[2:]
    if not words:
        return parse_image(container.image).name.rpartition("/")[2] == "pause"
    return posixpath.basename(words[0]) in {"sleep", "true", "pause"} and not any(
        mark in word for word in words for mark in "&;|"
    )


def takes_requests(container: Container, services: list[Object]) -> bool:
    """Whether one of the Services sends requests to the container: to a port of its own, or to one that no container declares.

    A name that several containers give to a port is the first one's.
    https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports
    """
    mains = [one for one in container.pod.containers() if one.role == "main"]
    known = {word for one in mains for word in _declared_port_words(one)}
    own, alone = _declared_port_words(container), len(mains) == 1
    for earlier in takewhile(lambda one: one.node is not container.node, mains):
        own -= _names(earlier)
    aside = {
        word
        for port in container.node.mappings_under("ports")
        if is_non_traffic_port(port)
        for word in _port_number_and_name(port)
    }
    return any(str(target) in own - aside or (alone and str(target) not in known) for target in request_targets(services))


def _port_number_and_name(port: Map) -> set[str]:
    """The number and the name of a container's port, as a Service may write them."""
    return {str(port.get("containerPort")), port.string_under("name")} - {""}


def _names(container: Container) -> set[str]:
    return {port.string_under("name") for port in container.node.mappings_under("ports")} - {""}


def _declared_port_words(container: Container) -> set[str]:
    return {word for port in container.node.mappings_under("ports") for word in _port_number_and_name(port)}


def opens_port(container: Container) -> bool:
    """Whether a container declares a port that requests may go to."""
    return any(
        one.get("containerPort") is not None and not is_non_traffic_port(one) for one in container.node.mappings_under("ports")
    )


def serves_anything(pod: Pod, project: Project) -> bool:
    """Whether something may want to connect to a pod: by a Service of the files, or by a port that it declares.

    Ports for measurements and health checks count for nothing.
    """
    services = services_of(pod, project)
    mains = [one for one in pod.containers() if one.role == "main"]
    return any(opens_port(one) or takes_requests(one, services) for one in mains)


def rolls_over(pod: Pod, project: Project) -> bool:
    """Whether a rollout puts new pods beside old ones that still answer, so that it matters which of them get requests.

    Not with Recreate or OnDelete, not with a pod of its own, nor with the one pod of a StatefulSet, which stops first; and not
    where maxUnavailable allows all pods to stop first.
    """
    owner = pod.owner
    strategy = update_strategy(owner)
    if strategy.get("type") in {"Recreate", "OnDelete"}:
        return False
    if pod.kind == "DaemonSet":
        return True
    least = as_integer(pod_count_range(owner, project).minimum)
    if pod.kind == "StatefulSet":
        return least is not None and least > 1
    stopped = pods_rounded_down(strategy.mapping_at_path("rollingUpdate").get("maxUnavailable"), least or 1)
    return pod.kind == "Deployment" and not (least is not None and stopped is not None and 0 < least <= stopped)
