"""PodDisruptionBudgets: missing, in the way of every drain, over nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from readiness.checks.k8s.absence import are_workloads_beside, details_of_missing_pods
from readiness.kinds.k8s.deliveries import is_release_beside
from readiness.kinds.k8s.effective import integer_or_none, is_filled_in_value
from readiness.kinds.k8s.elsewhere import find_reached_workloads_in_run
from readiness.kinds.k8s.index import (
    Workload,
    find_autoscalers,
    find_certain_autoscalers,
    object_index,
    workload_of,
)
from readiness.kinds.k8s.model import REPLICATED_KINDS, Object, Pod
from readiness.kinds.k8s.scale import (
    AUTOSCALER_KINDS,
    autoscaler_bounds,
    pod_count_range,
    stated_replica_count,
)
from readiness.kinds.k8s.selecting import budget_selector_index, certain_selecting_objects, selector_of_budget
from readiness.model import CheckOutcome, NotApplicable, Related, Undecidable, hit, missing
from readiness.model.project import Project

BUDGET_KIND = "PodDisruptionBudget"
_BOUNDS_ALLOWING_NO_EVICTION = frozenset(
    {
        ("maxUnavailable", 0),
        ("maxUnavailable", "0%"),
        ("maxUnavailable", "0"),
        ("minAvailable", "100%"),
    }
)


def disruption_budget_missing(pod: Pod, *, minimum: int, kinds: Sequence[str], project: Project) -> CheckOutcome:
    """A workload with at least `minimum` replicas is in no disruption budget."""
    workload = workload_of(pod, project)
    if workload is None or pod.kind not in kinds:
        yield NotApplicable()
        return
    minimum_pods = pod_count_range(pod.owner, project).minimum
    if minimum_pods is None:
        yield Undecidable(pod.owner.spec.at("replicas"))
    elif minimum_pods < minimum:
        yield NotApplicable()
    elif not project.memoize(budget_selector_index).all_selecting_objects(workload):
        if project.may_lack_objects(pod.namespace):
            yield Undecidable(pod.owner.metadata.at("name"))
            return
        autoscaler_locations = [
            Related(autoscaler.source, autoscaler.metadata.at("name"), "the autoscaler keeps so many")
            for autoscaler in find_certain_autoscalers(pod.owner, project, *AUTOSCALER_KINDS)[:1]
        ]
        yield missing(pod.owner.metadata.at("name"), related=autoscaler_locations, count=minimum_pods)


def _workloads_of_budget(obj: Object, project: Project) -> list[Workload]:
    """The workloads that a budget is surely about."""
    selector = selector_of_budget(obj)
    if selector is None:
        return []
    workloads = object_index(project).resolve_selected_workloads(obj, selector).meant
    return [each for each in workloads if each.owner.kind in REPLICATED_KINDS]


def _only_bound_field(obj: Object) -> str:
    """The field of a budget that is written, where exactly one is."""
    bound_fields = [key for key in ("minAvailable", "maxUnavailable") if obj.spec.get(key) is not None]
    return bound_fields[0] if len(bound_fields) == 1 else ""


def disruption_budget_zero(obj: Object) -> CheckOutcome:
    """A budget allows no disruption whatever the number of pods: maxUnavailable 0, or minAvailable 100%."""
    if obj.kind != BUDGET_KIND:
        return
    for bound_field in ("minAvailable", "maxUnavailable"):
        bound_value = obj.spec.get(bound_field)
        if is_filled_in_value(bound_value):
            yield Undecidable(obj.spec.at(bound_field))
        elif (bound_field, bound_value) in _BOUNDS_ALLOWING_NO_EVICTION:
            yield hit(obj.spec.at(bound_field), field=bound_field, value=bound_value)


def disruption_budget_no_room(obj: Object, *, project: Project) -> CheckOutcome:
    """A budget asks for as many pods as its workload has, so that none may ever be evicted."""
    if obj.kind != BUDGET_KIND or _only_bound_field(obj) != "minAvailable":
        return
    min_available = obj.spec.get("minAvailable")
    workloads = _workloads_of_budget(obj, project)
    if min_available == "100%" or len(workloads) != 1:
        return
    owner = workloads[0].owner
    if not find_autoscalers(owner, project, *AUTOSCALER_KINDS).is_absent:
        return
    replicas = stated_replica_count(owner)
    required_pods = _pods_rounded_up(min_available, replicas or 0)
    if replicas and required_pods is not None and required_pods >= replicas:
        replicas_span = owner.spec.at("replicas") if "replicas" in owner.spec else owner.metadata.at("name")
        replicas_location = Related(owner.source, replicas_span, "its replicas")
        yield hit(obj.spec.at("minAvailable"), related=[replicas_location], value=min_available, count=replicas,
                  workload=owner.resource)  # fmt: skip


def _pods_rounded_up(bound_value: object, total_pods: int) -> int | None:
    """How many of `total_pods` pods a budget's number or percentage stands for: 50 % of one pod is one pod."""
    if isinstance(bound_value, str) and re.fullmatch(r"[0-9]{1,3}%", bound_value):
        return -(-int(bound_value[:-1]) * total_pods // 100)
    return integer_or_none(bound_value)


def over_autoscaler(obj: Object, *, project: Project) -> CheckOutcome:
    """A budget asks for as many pods as the autoscaler of its workload keeps, or for more."""
    if obj.kind != BUDGET_KIND or _only_bound_field(obj) != "minAvailable":
        return
    min_available = obj.spec.get("minAvailable")
    for workload in _workloads_of_budget(obj, project):
        for autoscaler in find_certain_autoscalers(workload.owner, project, *AUTOSCALER_KINDS):
            minimum_replicas = autoscaler_bounds(autoscaler).minimum
            required_pods = _pods_rounded_up(min_available, minimum_replicas or 0)
            if not minimum_replicas or required_pods is None or required_pods < minimum_replicas:
                continue
            minimum_key = "minReplicas" if autoscaler.kind != "ScaledObject" else "minReplicaCount"
            minimum_span = autoscaler.spec.at(minimum_key) if minimum_key in autoscaler.spec else autoscaler.metadata.at("name")
            minimum_location = Related(autoscaler.source, minimum_span, "the autoscaler goes down to this")
            yield hit(obj.spec.at("minAvailable"), related=[minimum_location], value=min_available, least=minimum_replicas,
                      workload=workload.owner.resource, bound="equal" if required_pods == minimum_replicas else "over")  # fmt: skip


def autoscaler_under_disruption_budget(pod: Pod, *, project: Project) -> CheckOutcome:
    """As `over_autoscaler`, told at the workload."""
    workload = workload_of(pod, project)
    if workload is None or pod.kind not in REPLICATED_KINDS:
        return
    for autoscaler in find_certain_autoscalers(pod.owner, project, *AUTOSCALER_KINDS):
        minimum_replicas = autoscaler_bounds(autoscaler).minimum
        for budget in certain_selecting_objects(workload, project, budget_selector_index):
            min_available = integer_or_none(budget.spec.get("minAvailable"))
            if minimum_replicas is not None and min_available is not None and min_available > minimum_replicas:
                budget_location = Related(budget.source, budget.spec.at("minAvailable"), "the budget asks for this")
                yield hit(pod.owner.metadata.at("name"), related=[budget_location], value=min_available, least=minimum_replicas)


def disruption_budget_selects_nothing(obj: Object, *, project: Project) -> CheckOutcome:
    """A budget selects no pod of any workload in the files; beside a release and no workload the pods may be the release's."""
    selector = selector_of_budget(obj) if obj.kind == BUDGET_KIND else None
    if obj.kind != BUDGET_KIND or not object_index(project).workloads:
        return
    if selector is None:
        selector_span = obj.spec.key_span("selector") if "selector" in obj.spec else obj.metadata.at("name")
        yield missing(selector_span, say="selector")
        return
    selector_without_controller = selector.without_controller_labels()
    if selector_without_controller.selects_everything and not selector.selects_everything:
        return
    if object_index(project).may_be_operated(selector_without_controller):
        return
    resolution = find_reached_workloads_in_run(obj, selector_without_controller, project)
    details = details_of_missing_pods(resolution, obj, project) if resolution.is_absent else None
    is_of_release = resolution.is_absent and is_release_beside(obj, project) and not are_workloads_beside(obj, project)
    if is_of_release or (not resolution.meant and details is None):
        yield Undecidable(obj.spec.key_span("selector"))
    elif details is not None:
        yield missing(
            obj.spec.key_span("selector"), severity=details.severity, related=details.related, say="pods",
            where=details.where_missing_text,
        )  # fmt: skip


def disruption_budget_unhealthy_unset(obj: Object) -> CheckOutcome:
    """The budget does not say whether pods that are not ready may be evicted."""
    if obj.kind == BUDGET_KIND and obj.spec.get("unhealthyPodEvictionPolicy") is None:
        yield missing(obj.metadata.at("name"))


def disruption_budget_incomplete(obj: Object) -> CheckOutcome:
    """A budget has neither minAvailable nor maxUnavailable, or both."""
    if obj.kind != BUDGET_KIND:
        return
    bound_fields = [key for key in ("minAvailable", "maxUnavailable") if obj.spec.get(key) is not None]
    if not bound_fields:
        yield missing(obj.metadata.at("name"), say="neither")
    elif len(bound_fields) == 2:
        yield hit(obj.spec.key_span("maxUnavailable"), say="both")


def disruption_budget_overlap(pod: Pod, *, project: Project) -> CheckOutcome:
    """Two budgets select the same pods: the eviction API then refuses every eviction."""
    workload = workload_of(pod, project)
    if workload is None:
        return
    budgets = certain_selecting_objects(workload, project, budget_selector_index)
    budget_names = sorted({one.name for one in budgets})
    if len(budget_names) > 1:
        budget_locations = [Related(obj.source, obj.metadata.at("name"), "selects the pods") for obj in budgets[:4]]
        yield hit(pod.owner.metadata.at("name"), related=budget_locations, names=" and ".join(budget_names[:4]))
