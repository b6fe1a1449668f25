"""How many pods a workload has: what it states, and what autoscalers make of it."""

from __future__ import annotations

import re
from typing import NamedTuple

from readiness.kinds.k8s.effective import integer_or_none
from readiness.kinds.k8s.index import find_autoscalers
from readiness.kinds.k8s.model import Object
from readiness.model.project import Project
from readiness.syntax.yaml import Map

AUTOSCALER_KINDS = ("HorizontalPodAutoscaler", "ScaledObject")


KINDS_WITH_STRATEGY_KEY = frozenset({"Deployment", "DeploymentConfig"})


def update_strategy_node(obj: Object) -> Map:
    """How a Deployment, DaemonSet or StatefulSet is updated."""
    return obj.spec.mapping_at_path("strategy" if obj.kind in KINDS_WITH_STRATEGY_KEY else "updateStrategy")


class PodCountRange(NamedTuple):
    """The least and the most pods that a workload has; None where nobody can tell."""

    minimum: int | None
    maximum: int | None


def stated_replica_count(obj: Object) -> int | None:
    """`replicas` as written; 1 where it is left out, None where it is a variable."""
    replicas_value = obj.spec.get("replicas")
    return 1 if replicas_value is None else integer_or_none(replicas_value)


def autoscaler_bounds(autoscaler: Object) -> PodCountRange:
    """The bounds of an autoscaler. KEDA scales to none and up to 100 where it states nothing."""
    minimum_key, maximum_key = ("minReplicas", "maxReplicas")
    if autoscaler.kind == "ScaledObject":
        minimum_key, maximum_key = ("minReplicaCount", "maxReplicaCount")
    minimum_value, maximum_value = autoscaler.spec.get(minimum_key), autoscaler.spec.get(maximum_key)
    is_keda_scaler = autoscaler.kind == "ScaledObject"
    return PodCountRange(
        (0 if is_keda_scaler else 1) if minimum_value is None else integer_or_none(minimum_value),
        (100 if is_keda_scaler else None) if maximum_value is None else integer_or_none(maximum_value),
    )


def pod_count_range(obj: Object, project: Project) -> PodCountRange:
    """The pods that a workload has: its autoscaler's bounds where it has one, else `replicas`."""
    autoscaler_resolution = find_autoscalers(obj, project, *AUTOSCALER_KINDS)
    for autoscaler in autoscaler_resolution.meant:
        return autoscaler_bounds(autoscaler)
    if autoscaler_resolution.is_ambiguous:
        return PodCountRange(None, None)
    replica_count = stated_replica_count(obj)
    return PodCountRange(replica_count, replica_count)


def pods_rounded_down(number_or_percentage: object, total_pods: int) -> int | None:
    """How many of `total_pods` pods a number or a percentage stands for, rounded down; None where nobody can tell."""
    if isinstance(number_or_percentage, str) and re.fullmatch(r"[0-9]{1,3}%", number_or_percentage):
        return int(number_or_percentage[:-1]) * total_pods // 100
    return integer_or_none(number_or_percentage)
