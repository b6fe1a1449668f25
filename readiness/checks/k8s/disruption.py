"""PodDisruptionBudgets: missing, in the way of every drain, over nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from readiness.checks.k8s.absence import pods_absence
from readiness.kinds.k8s.effective import as_integer, is_variable
from readiness.kinds.k8s.elsewhere import reached_in_run
from readiness.kinds.k8s.index import (
    Workload,
    certain_autoscalers,
    find_autoscalers,
    object_index,
    workload_of,
)
from readiness.kinds.k8s.model import REPLICATED_KINDS, Object, Pod
from readiness.kinds.k8s.scale import (
    AUTOSCALER_KINDS,
    autoscaler_bounds,
    pod_count_range,
    stated_replicas,
)
from readiness.kinds.k8s.selecting import budget_selector, budget_selectors, selecting_objects
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
    least = pod_count_range(pod.owner, project).minimum
    if least is None:
        yield Undecidable(pod.owner.spec.at("replicas"))
    elif least < minimum:
        yield NotApplicable()
    elif not project.memoize(budget_selectors).all_selecting_objects(workload):
        related = [
            Related(scaler.source, scaler.metadata.at("name"), "the autoscaler keeps so many")
            for scaler in certain_autoscalers(pod.owner, project, *AUTOSCALER_KINDS)[:1]
        ]
        yield missing(pod.owner.metadata.at("name"), related=related, count=least)


def _workloads_covered(obj: Object, project: Project) -> list[Workload]:
    """The workloads that a budget is surely about."""
    wanted = budget_selector(obj)
    if wanted is None:
        return []
    workloads = object_index(project).resolve_selected_workloads(obj, wanted).meant
    return [each for each in workloads if each.owner.kind in REPLICATED_KINDS]


def _written_bound(obj: Object) -> str:
    """The field of a budget that is written, where exactly one is."""
    fields = [key for key in ("minAvailable", "maxUnavailable") if obj.spec.get(key) is not None]
    return fields[0] if len(fields) == 1 else ""


def disruption_budget_zero(obj: Object) -> CheckOutcome:
    """A budget allows no disruption whatever the number of pods: maxUnavailable 0, or minAvailable 100%."""
    if obj.kind != BUDGET_KIND:
        return
    for field in ("minAvailable", "maxUnavailable"):
        value = obj.spec.get(field)
        if is_variable(value):
            yield Undecidable(obj.spec.at(field))
        elif (field, value) in _BOUNDS_ALLOWING_NO_EVICTION:
            yield hit(obj.spec.at(field), field=field, value=value)


def disruption_budget_no_room(obj: Object, *, project: Project) -> CheckOutcome:
    """A budget asks for as many pods as its workload has, so that none may ever be evicted."""
    if obj.kind != BUDGET_KIND or _written_bound(obj) != "minAvailable":
        return
    value = obj.spec.get("minAvailable")
    workloads = _workloads_covered(obj, project)
    if value == "100%" or len(workloads) != 1:
        return
    owner = workloads[0].owner
    if not find_autoscalers(owner, project, *AUTOSCALER_KINDS).is_absent:
        return
    count = stated_replicas(owner)
    needed = _pods_rounded_up(value, count or 0)
    if count and needed is not None and needed >= count:
        span = owner.spec.at("replicas") if "replicas" in owner.spec else owner.metadata.at("name")
        place = Related(owner.source, span, "its replicas")
        yield hit(obj.spec.at("minAvailable"), related=[place], value=value, count=count,
                  workload=owner.resource)  # fmt: skip


def _pods_rounded_up(value: object, total: int) -> int | None:
    """How many of `total` pods a budget's number or percentage stands for: 50 % of one pod is one pod."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,3}%", value):
        return -(-int(value[:-1]) * total // 100)
    return as_integer(value)


def over_autoscaler(obj: Object, *, project: Project) -> CheckOutcome:
    """A budget asks for as many pods as the autoscaler of its workload keeps, or for more."""
    if obj.kind != BUDGET_KIND or _written_bound(obj) != "minAvailable":
        return
    value = obj.spec.get("minAvailable")
    for workload in _workloads_covered(obj, project):
        for scaler in certain_autoscalers(workload.owner, project, *AUTOSCALER_KINDS):
            least = autoscaler_bounds(scaler).minimum
            needed = _pods_rounded_up(value, least or 0)
            if not least or needed is None or needed < least:
                continue
            key = "minReplicas" if scaler.kind != "ScaledObject" else "minReplicaCount"
            span = scaler.spec.at(key) if key in scaler.spec else scaler.metadata.at("name")
            place = Related(scaler.source, span, "the autoscaler goes down to this")
            yield hit(obj.spec.at("minAvailable"), related=[place], value=value, least=least,
                      workload=workload.owner.resource, bound="equal" if needed == least else "over")  # fmt: skip


def autoscaler_under_disruption_budget(pod: Pod, *, project: Project) -> CheckOutcome:
    """As `over_autoscaler`, told at the workload."""
    workload = workload_of(pod, project)
    if workload is None or pod.kind not in REPLICATED_KINDS:
        return
    for scaler in certain_autoscalers(pod.owner, project, *AUTOSCALER_KINDS):
        least = autoscaler_bounds(scaler).minimum
        for budget in selecting_objects(workload, project, budget_selectors):
            value = as_integer(budget.spec.get("minAvailable"))
            if least is not None and value is not None and value > least:
                place = Related(budget.source, budget.spec.at("minAvailable"), "the budget asks for this")
                yield hit(pod.owner.metadata.at("name"), related=[place], value=value, least=least)


def disruption_budget_selects_nothing(obj: Object, *, project: Project) -> CheckOutcome:
    """A budget selects no pod of any workload in the files."""
    wanted = budget_selector(obj) if obj.kind == BUDGET_KIND else None
    if obj.kind != BUDGET_KIND or not object_index(project).workloads:
        return
    if wanted is None:
        place = obj.spec.key_span("selector") if "selector" in obj.spec else obj.metadata.at("name")
        yield missing(place, say="selector")
        return
    opened = wanted.without_controller_labels()
    if opened.selects_everything and not wanted.selects_everything:
        return
    if object_index(project).may_be_operated(opened):
        return
    found = reached_in_run(obj, opened, project)
    told = pods_absence(found, obj, project) if found.is_absent else None
    if not found.meant and told is None:
        yield Undecidable(obj.spec.key_span("selector"))
    elif told is not None:
        yield missing(
            obj.spec.key_span("selector"), severity=told.severity, related=told.related, say="pods",
            where=told.where_missing_text,
        )  # fmt: skip


def disruption_budget_unhealthy_unset(obj: Object) -> CheckOutcome:
    """The budget does not say whether pods that are not ready may be evicted."""
    if obj.kind == BUDGET_KIND and obj.spec.get("unhealthyPodEvictionPolicy") is None:
        yield missing(obj.metadata.at("name"))


def disruption_budget_incomplete(obj: Object) -> CheckOutcome:
    """A budget has neither minAvailable nor maxUnavailable, or both."""
    if obj.kind != BUDGET_KIND:
        return
    fields = [key for key in ("minAvailable", "maxUnavailable") if obj.spec.get(key) is not None]
    if not fields:
        yield missing(obj.metadata.at("name"), say="neither")
    elif len(fields) == 2:
        yield hit(obj.spec.key_span("maxUnavailable"), say="both")


def disruption_budget_overlap(pod: Pod, *, project: Project) -> CheckOutcome:
    """Two budgets select the same pods: the eviction API then refuses every eviction."""
    workload = workload_of(pod, project)
    if workload is None:
        return
    objects = selecting_objects(workload, project, budget_selectors)
    names = sorted({one.name for one in objects})
    if len(names) > 1:
        related = [Related(obj.source, obj.metadata.at("name"), "selects the pods") for obj in objects[:4]]
        yield hit(pod.owner.metadata.at("name"), related=related, names=" and ".join(names[:4]))
