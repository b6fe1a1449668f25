"""Requests and limits: missing, against each other, and units that nobody meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from readiness.kinds.k8s.effective import deepest_existing_span
from readiness.kinds.k8s.index import workload_of
from readiness.kinds.k8s.model import Container, Pod
from readiness.kinds.k8s.quantity import parse_quantity, quantity_unit
from readiness.kinds.k8s.selecting import limit_range_index
from readiness.model import CheckOutcome, Undecidable, hit, join_names, missing
from readiness.model.project import Project
from readiness.syntax.holes import is_form_unknown
from readiness.syntax.yaml import Map


def resource_quantities(container: Container, sort: str) -> Map:
    """The requests or the limits of a container."""
    return container.node.mapping_at_path("resources", sort)


def has_malformed_resources(container: Container) -> bool:
    """Whether resources, requests or limits are no mappings: another rule says so."""
    found = container.node.get("resources")
    parts = (found, *(found.get(sort) for sort in ("requests", "limits"))) if isinstance(found, Map) else (found,)
    return any(part is not None and not isinstance(part, Map) for part in parts)


def pod_level_quantities(pod: Pod, sort: str) -> Map:
    """The requests or the limits that a pod states for all of its containers together."""
    return pod.node.mapping_at_path("resources", sort)


def _limit_range_defaults(pod: Pod, project: Project) -> Iterator[Map]:
    """The defaults for containers of the LimitRanges that hold for a pod."""
    workload = workload_of(pod, project)
    for obj in project.memoize(limit_range_index).all_selecting_objects(workload) if workload is not None else ():
        for item in obj.spec.mappings_under("limits"):
            if item.get("type") == "Container":
                yield item


def _may_be_defaulted(container: Container, section: str, name: str, project: Project) -> bool:
    """Whether a LimitRange in the container's namespace may fill in what is left out."""
    keys = ("default",) if section == "limits" else ("defaultRequest", "default")
    return any(
        item.mapping_at_path(key).get(name) is not None
        for item in _limit_range_defaults(container.pod, project)
        for key in keys
    )


def resources_unset(container: Container, *, sort: str, name: str, exact: bool, project: Project) -> CheckOutcome:
    """A request or limit is not set. Unless `exact`, a limit counts as its request, and a LimitRange fills in."""
    if container.role == "ephemeral" or (not exact and container.role == "init"):
        return
    if resource_quantities(container, sort).get(name) is not None or has_malformed_resources(container):
        return
    if not exact:
        implied = sort == "requests" and resource_quantities(container, "limits").get(name) is not None
        shared = pod_level_quantities(container.pod, sort).get(name) is not None
        if implied or shared or _may_be_defaulted(container, sort, name, project):
            return
    yield missing(deepest_existing_span(container, "resources", sort), resource_name=name)


def resources_incomplete(container: Container, *, names: Sequence[str], sorts: Sequence[str]) -> CheckOutcome:
    """One of the requests and limits is not set."""
    if container.role == "ephemeral" or has_malformed_resources(container):
        return
    absent = [f"{sort}.{name}" for sort in sorts for name in names if resource_quantities(container, sort).get(name) is None]
    if absent:
        yield missing(deepest_existing_span(container, "resources"), absent=join_names(absent))


def limit_differs(container: Container, *, names: Sequence[str]) -> CheckOutcome:
    """A request and a limit of the same resource are not equal."""
    requests, limits = (
        resource_quantities(container, "requests"),
        resource_quantities(container, "limits"),
    )
    for name in names:
        low, high = requests.get(name), limits.get(name)
        if low is None and high is None:
            continue
        if parse_quantity(low) != parse_quantity(high):
            place = limits.at(name) if high is not None else requests.at(name)
            values = "unset" if low is None else low, "unset" if high is None else high
            yield hit(place, resource_name=name, request=values[0], limit=values[1])


def resource_request_over_limit(container: Container) -> CheckOutcome:
    """A request is higher than its limit: the API server refuses the pod."""
    requests, limits = (
        resource_quantities(container, "requests"),
        resource_quantities(container, "limits"),
    )
    for name, value in requests.items():
        low, high = parse_quantity(value), parse_quantity(limits.get(name))
        if low is not None and high is not None and low > high:
            yield hit(requests.at(name), resource_name=name, request=value, limit=limits[name])


def resource_quantity_invalid(container: Container) -> CheckOutcome:
    """A value that is no quantity, or a negative one."""
    for sort in ("requests", "limits"):
        for name, value in resource_quantities(container, sort).items():
            place = resource_quantities(container, sort).at(name)
            if value is None or isinstance(value, dict | list):
                continue
            if is_form_unknown(value):
                yield Undecidable(place)
                continue
            quantity = parse_quantity(value)
            if quantity is None or quantity < 0:
                yield hit(place, sort=sort, resource_name=name, value=value)


MEBIBYTE = 2**20
LEAST_SENSIBLE_MEMORY = 4 * MEBIBYTE  # the runtime needs about that much to start anything


def resource_quantity_absurd(container: Container, *, cores: int) -> CheckOutcome:
    """A quantity that nobody means: memory in thousandths of a byte or under 4 MiB, or more than `cores` CPUs."""
    for sort in ("requests", "limits"):
        listed = resource_quantities(container, sort)
        for name, value in listed.items():
            quantity = parse_quantity(value)
            if quantity is None or quantity <= 0:
                continue
            if name in {"memory", "ephemeral-storage"} and quantity_unit(value) in {"m", "u", "n"}:
                say = "thousandths"
            elif name == "memory" and quantity < LEAST_SENSIBLE_MEMORY:
                say = "bytes"
            elif name == "cpu" and quantity > cores:
                say = "cores"
            elif name == "cpu" and quantity < 0.001:
                say = "least"
            else:
                continue
            amount = f"{quantity:g}"
            yield hit(listed.at(name), say=say, sort=sort, resource_name=name, amount=amount)


def quality_of_service_best_effort(pod: Pod) -> CheckOutcome:
    """No container of the pod has a request or a limit: it is the first to be evicted."""
    for container in pod.containers():
        for sort in ("requests", "limits"):
            if any(resource_quantities(container, sort).get(name) is not None for name in ("cpu", "memory")):
                return
    if not pod_level_quantities(pod, "requests") and not pod_level_quantities(pod, "limits"):
        yield missing(pod.node.at("containers"))
