"""Requests and limits: missing, against each other, and units that nobody meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from readiness.checks.k8s.written import lowered_where_values_decide, unknown_in_fragments
from readiness.kinds.k8s.agents import is_hook_job
from readiness.kinds.k8s.effective import integer_or_none, span_of_deepest_mapping
from readiness.kinds.k8s.index import workload_of
from readiness.kinds.k8s.model import Container, Pod
from readiness.kinds.k8s.quantity import parse_quantity, quantity_unit
from readiness.kinds.k8s.selecting import limit_range_selector_index
from readiness.model import CheckOutcome, Severity, Undecidable, hit, join_names, missing
from readiness.model.project import Project
from readiness.syntax.holes import has_variable_or_placeholder
from readiness.syntax.yaml import Map


def resource_quantities(container: Container, sort: str) -> Map:
    """The requests or the limits of a container."""
    return container.node.mapping_at_path("resources", sort)


def has_malformed_resources(container: Container) -> bool:
    """Whether resources, requests or limits are no mappings: another rule says so."""
    resources = container.node.get("resources")
    resource_mappings = (resources, *(resources.get(sort) for sort in ("requests", "limits"))) if isinstance(resources, Map) else (resources,)
    return any(part is not None and not isinstance(part, Map) for part in resource_mappings)


def pod_level_quantities(pod: Pod, sort: str) -> Map:
    """The requests or the limits that a pod states for all of its containers together."""
    return pod.node.mapping_at_path("resources", sort)


def _limit_range_defaults(pod: Pod, project: Project) -> Iterator[Map]:
    """The defaults for containers of the LimitRanges that hold for a pod."""
    workload = workload_of(pod, project)
    for limit_range in project.memoize(limit_range_selector_index).all_selecting_objects(workload) if workload is not None else ():
        for limit_item in limit_range.spec.mappings_under("limits"):
            if limit_item.get("type") == "Container":
                yield limit_item


def _has_limit_range_default(container: Container, section: str, resource_name: str, project: Project) -> bool:
    """Whether a LimitRange in the container's namespace may fill in what is left out."""
    default_keys = ("default",) if section == "limits" else ("defaultRequest", "default")
    return any(
        limit_item.mapping_at_path(key).get(resource_name) is not None
        for limit_item in _limit_range_defaults(container.pod, project)
        for key in default_keys
    )


def resources_unset(container: Container, *, sort: str, name: str, exact: bool, project: Project) -> CheckOutcome:
    """A request or limit is not set. Unless `exact`, a limit counts as its request, and a LimitRange fills in.

    Low in a Job that is gone as soon as it has ended: nothing that it leaks grows for long.
    """
    if container.role == "ephemeral" or (not exact and container.role == "init"):
        return
    if resource_quantities(container, sort).get(name) is not None or has_malformed_resources(container):
        return
    if not exact:
        is_implied_by_limit = sort == "requests" and resource_quantities(container, "limits").get(name) is not None
        is_set_for_pod = pod_level_quantities(container.pod, sort).get(name) is not None
        if is_implied_by_limit or is_set_for_pod or _has_limit_range_default(container, sort, name, project):
            return
    severity = Severity.LOW if _is_brief_job(container.pod) else None
    yield missing(span_of_deepest_mapping(container, "resources", sort), severity=severity, resource_name=name)


_MAX_SECONDS_OF_BRIEF_JOB = 60


def _is_brief_job(pod: Pod) -> bool:
    """Whether a pod is of a Job that is deleted when it has ended, or that Helm or Argo CD wait for before or after a release."""
    if pod.kind != "Job":
        return False
    seconds_kept = integer_or_none(pod.owner.spec.get("ttlSecondsAfterFinished"))
    return is_hook_job(pod) or (seconds_kept is not None and seconds_kept <= _MAX_SECONDS_OF_BRIEF_JOB)


def resources_incomplete(container: Container, *, names: Sequence[str], sorts: Sequence[str]) -> CheckOutcome:
    """One of the requests and limits is not set."""
    if container.role == "ephemeral" or has_malformed_resources(container):
        return
    absent_quantities = [f"{sort}.{name}" for sort in sorts for name in names if resource_quantities(container, sort).get(name) is None]
    if absent_quantities:
        yield missing(span_of_deepest_mapping(container, "resources"), absent=join_names(absent_quantities))


@unknown_in_fragments
def limit_differs(container: Container, *, names: Sequence[str]) -> CheckOutcome:
    """A request and a limit of the same resource are not equal."""
    requests, limits = (
        resource_quantities(container, "requests"),
        resource_quantities(container, "limits"),
    )
    for resource_name in names:
        request, limit = requests.get(resource_name), limits.get(resource_name)
        if request is None and limit is None:
            continue
        if parse_quantity(request) != parse_quantity(limit):
            quantity_span = limits.at(resource_name) if limit is not None else requests.at(resource_name)
            request_and_limit = "unset" if request is None else request, "unset" if limit is None else limit
            yield hit(quantity_span, resource_name=resource_name, request=request_and_limit[0], limit=request_and_limit[1])


@lowered_where_values_decide()
def resource_request_over_limit(container: Container) -> CheckOutcome:
    """A request is higher than its limit: the API server refuses the pod."""
    requests, limits = (
        resource_quantities(container, "requests"),
        resource_quantities(container, "limits"),
    )
    for resource_name, request_text in requests.items():
        request, limit = parse_quantity(request_text), parse_quantity(limits.get(resource_name))
        if request is not None and limit is not None and request > limit:
            yield hit(requests.at(resource_name), resource_name=resource_name, request=request_text, limit=limits[resource_name])


@lowered_where_values_decide()
def resource_quantity_invalid(container: Container) -> CheckOutcome:
    """A value that is no quantity, or a negative one."""
    for section in ("requests", "limits"):
        for resource_name, quantity_text in resource_quantities(container, section).items():
            quantity_span = resource_quantities(container, section).at(resource_name)
            if quantity_text is None or isinstance(quantity_text, dict | list):
                continue
            if has_variable_or_placeholder(quantity_text):
                yield Undecidable(quantity_span)
                continue
            quantity = parse_quantity(quantity_text)
            if quantity is None or quantity < 0:
                yield hit(quantity_span, sort=section, resource_name=resource_name, value=quantity_text)


MEBIBYTE = 2**20
LEAST_SENSIBLE_MEMORY_BYTES = 4 * MEBIBYTE  # the runtime needs about that much to start anything


@lowered_where_values_decide()
def resource_quantity_absurd(container: Container, *, cores: int) -> CheckOutcome:
    """A quantity that nobody means: memory in thousandths of a byte or under 4 MiB, or more than `cores` CPUs."""
    for section in ("requests", "limits"):
        section_quantities = resource_quantities(container, section)
        for resource_name, quantity_text in section_quantities.items():
            quantity = parse_quantity(quantity_text)
            if quantity is None or quantity <= 0:
                continue
            if resource_name in {"memory", "ephemeral-storage"} and quantity_unit(quantity_text) in {"m", "u", "n"}:
                message_name = "thousandths"
            elif resource_name == "memory" and quantity < LEAST_SENSIBLE_MEMORY_BYTES:
                message_name = "bytes"
            elif resource_name == "cpu" and quantity > cores:
                message_name = "cores"
            elif resource_name == "cpu" and quantity < 0.001:
                message_name = "least"
            else:
                continue
            quantity_shown = f"{quantity:g}"
            yield hit(
                section_quantities.at(resource_name),
                say=message_name,
                sort=section,
                resource_name=resource_name,
                amount=quantity_shown,
            )


def quality_of_service_best_effort(pod: Pod) -> CheckOutcome:
    """No container of the pod has a request or a limit: it is the first to be evicted."""
    for container in pod.containers():
        for section in ("requests", "limits"):
            if any(resource_quantities(container, section).get(name) is not None for name in ("cpu", "memory")):
                return
    if not pod_level_quantities(pod, "requests") and not pod_level_quantities(pod, "limits"):
        yield missing(pod.node.at("containers"))
