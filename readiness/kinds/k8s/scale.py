"""How many pods a workload has: what it states, and what autoscalers make of it."""

from __future__ import annotations

import re
from typing import NamedTuple

from readiness.kinds.k8s.effective import as_integer
from readiness.kinds.k8s.index import find_autoscalers
from readiness.kinds.k8s.model import Object
from readiness.model.project import Project
from readiness.syntax.yaml import Map

AUTOSCALER_KINDS = ("HorizontalPodAutoscaler", "ScaledObject")


DEPLOYMENT_KINDS = frozenset({"Deployment", "DeploymentConfig"})


def update_strategy(obj: Object) -> Map:
    """How a Deployment, DaemonSet or StatefulSet is updated."""
    return obj.spec.mapping_at_path("strategy" if obj.kind in DEPLOYMENT_KINDS else "updateStrategy")


class PodCountRange(NamedTuple):
    """The least and the most pods that a workload has; None where nobody can tell."""

    minimum: int | None
    maximum: int | None


def stated_replicas(obj: Object) -> int | None:
    """`replicas` as written; 1 where it is left out, None where it is a variable."""
    value = obj.spec.get("replicas")
    return 1 if value is None else as_integer(value)


def autoscaler_bounds(scaler: Object) -> PodCountRange:
    """The bounds of an autoscaler. KEDA scales to none and up to 100 where it states nothing."""
    low, high = ("minReplicas", "maxReplicas")
    if scaler.kind == "ScaledObject":
        low, high = ("minReplicaCount", "maxReplicaCount")
    least, most = scaler.spec.get(low), scaler.spec.get(high)
    keda = scaler.kind == "ScaledObject"
    return PodCountRange(
        (0 if keda else 1) if least is None else as_integer(least),
        (100 if keda else None) if most is None else as_integer(most),
    )


def pod_count_range(obj: Object, project: Project) -> PodCountRange:
    """The pods that a workload has: its autoscaler's bounds where it has one, else `replicas`."""
    found = find_autoscalers(obj, project, *AUTOSCALER_KINDS)
    for scaler in found.meant:
        return autoscaler_bounds(scaler)
    if found.is_ambiguous:
        return PodCountRange(None, None)
    count = stated_replicas(obj)
    return PodCountRange(count, count)


def pods_rounded_down(number_or_percentage: object, total: int) -> int | None:
    """How many of `total` pods a number or a percentage stands for, rounded down; None where nobody can tell."""
    if isinstance(number_or_percentage, str) and re.fullmatch(r"[0-9]{1,3}%", number_or_percentage):
        return int(number_or_percentage[:-1]) * total // 100
    return as_integer(number_or_percentage)
