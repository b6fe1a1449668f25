"""How a new version takes the old one's place, and how pods end."""

from __future__ import annotations

import re

from readiness.checks.k8s.storage import has_single_writer
from readiness.kinds.k8s import traffic
from readiness.kinds.k8s.effective import as_integer, is_variable
from readiness.kinds.k8s.index import object_index, workload_of
from readiness.kinds.k8s.model import LONG_RUNNING_KINDS, Container, Object, Pod
from readiness.kinds.k8s.scale import DEPLOYMENT_KINDS, pod_count_range, pods_rounded_down, stated_replicas, update_strategy
from readiness.kinds.k8s.selecting import selecting_objects, service_selectors
from readiness.model import (
    CheckOutcome,
    NotApplicable,
    Severity,
    Undecidable,
    hit,
    join_names,
    missing,
)
from readiness.model.project import Project
from readiness.syntax.holes import is_form_unknown
from readiness.syntax.yaml import Map, Seq


def rollout_recreate(pod: Pod, *, project: Project) -> CheckOutcome:
    """A Deployment behind a Service stops all of its pods before it starts new ones, with no claim that forces it to."""
    owner = pod.owner
    if owner.kind not in DEPLOYMENT_KINDS:
        yield NotApplicable()
        return
    if update_strategy(owner).get("type") != "Recreate":
        return
    workload = workload_of(pod, project)
    if workload and selecting_objects(workload, project, service_selectors) and not has_single_writer(pod, project):
        yield hit(update_strategy(owner).at("type"))


def rollout_not_rolling(obj: Object, *, accept: list[str]) -> CheckOutcome:
    """The type of the update strategy is written and none of `accept`."""
    kinds = DEPLOYMENT_KINDS | {"DaemonSet", "StatefulSet"}
    kind = update_strategy(obj).get("type")
    if obj.kind in kinds and isinstance(kind, str) and kind not in accept and not is_variable(kind):
        yield hit(update_strategy(obj).at("type"), type=kind)


def rollout_not_rolling_behind_service(pod: Pod, *, project: Project) -> CheckOutcome:
    """A Deployment behind a Service names a strategy other than RollingUpdate."""
    owner = pod.owner
    kind = update_strategy(owner).get("type")
    workload = workload_of(pod, project)
    other = isinstance(kind, str) and kind != "RollingUpdate"
    if owner.kind == "Deployment" and other and workload and selecting_objects(workload, project, service_selectors):
        yield hit(update_strategy(owner).at("type"), type=kind)


def rollout_on_delete(obj: Object) -> CheckOutcome:
    """A DaemonSet or StatefulSet changes its pods only when a person deletes them."""
    if obj.kind in {"DaemonSet", "StatefulSet"} and update_strategy(obj).get("type") == "OnDelete":
        yield hit(update_strategy(obj).at("type"))


def _is_idle(pod: Pod) -> bool:
    """Whether no container that stays does anything."""
    return all(traffic.is_idle(one) for one in pod.containers() if one.role in {"main", "sidecar"})


def rollout_all_unavailable(obj: Object, *, project: Project) -> CheckOutcome:
    """maxUnavailable lets a rollout take every pod away at once.

    Medium where the workload has one pod: it stops before the new one starts, as with Recreate. Low in a DaemonSet whose containers
    only keep its pods there, as one that pulls images.
    """
    if obj.kind not in {"Deployment", "DaemonSet", "StatefulSet"}:
        return
    rolling = update_strategy(obj).mapping_at_path("rollingUpdate")
    value = rolling.get("maxUnavailable")
    count = pod_count_range(obj, project).minimum if obj.kind != "DaemonSet" else None
    if value is None:
        return
    everything = isinstance(value, str) and value == "100%"
    if not everything and (count is None or count < 1):
        return
    part = pods_rounded_down(value, count or 1)
    if everything or (part is not None and count is not None and part >= count):
        alone = count is not None and count == 1
        severity = Severity.MEDIUM if alone else Severity.HIGH
        workload = object_index(project).workload_by_owner_id.get(id(obj))
        if obj.kind == "DaemonSet" and workload is not None and workload.pod is not None and _is_idle(workload.pod):
            severity = Severity.LOW
        yield hit(rolling.at("maxUnavailable"), severity=severity, value=value)


def rollout_stuck(obj: Object) -> CheckOutcome:
    """maxSurge and maxUnavailable are both 0: the API server refuses it, for nothing could move."""
    rolling = update_strategy(obj).mapping_at_path("rollingUpdate")
    if obj.kind not in {"Deployment", "DaemonSet"}:
        return
    surge, unavailable = rolling.get("maxSurge"), rolling.get("maxUnavailable")
    if obj.kind == "DaemonSet" and surge is None:
        surge = 0
    if surge in (0, "0%") and unavailable in (0, "0%"):
        yield hit(rolling.at("maxUnavailable"))


def revision_history_zero(obj: Object) -> CheckOutcome:
    """No old version is kept, so that there is nothing to roll back to."""
    value = obj.spec.get("revisionHistoryLimit")
    if obj.kind in {"Deployment", "StatefulSet", "DaemonSet"} and as_integer(value) == 0:
        yield hit(obj.spec.at("revisionHistoryLimit"))


NO_DEADLINE_SECONDS = 2**31 - 1


def progress_deadline_useless(obj: Object) -> CheckOutcome:
    """A Deployment's progress deadline is off, or not longer than a pod needs to count as available."""
    if obj.kind != "Deployment":
        return
    deadline = as_integer(obj.spec.get("progressDeadlineSeconds"))
    ready = as_integer(obj.spec.get("minReadySeconds")) or 0
    if deadline == NO_DEADLINE_SECONDS:
        yield hit(obj.spec.at("progressDeadlineSeconds"), say="off")
    elif deadline is not None and deadline <= ready:
        yield hit(
            obj.spec.at("progressDeadlineSeconds"),
            say="short",
            seconds=deadline,
            ready=ready,
        )
    elif deadline is None and ready >= 600:
        yield hit(obj.spec.at("minReadySeconds"), say="default", ready=ready)


def min_ready_seconds_unset(obj: Object) -> CheckOutcome:
    """A new pod counts as available the moment it is ready."""
    several = (stated_replicas(obj) or 0) > 1
    if obj.kind == "Deployment" and several and not as_integer(obj.spec.get("minReadySeconds")):
        yield missing(obj.metadata.at("name"))


def rollout_paused(obj: Object) -> CheckOutcome:
    """A Deployment is written down as paused: new versions are never rolled out."""
    if obj.kind == "Deployment" and obj.spec.get("paused") is True:
        yield hit(obj.spec.at("paused"))


# -- the end of a pod ----------------------------------------------------------------------------------------------


def grace_seconds(pod: Pod) -> int | None:
    """The seconds that a pod has to end; 30 where it says nothing."""
    value = pod.node.get("terminationGracePeriodSeconds")
    return 30 if value is None else as_integer(value)


_SLEEP_COMMAND = re.compile(r"\bsleep\s+([0-9]{1,6})(?![0-9.smhd])")


def pre_stop_sleep(container: Container) -> tuple[Map, str, int] | None:
    """How long the preStop hook of a container sleeps, and where that stands."""
    hook = container.node.mapping_at_path("lifecycle", "preStop")
    sleep = hook.get("sleep")
    if isinstance(sleep, Map) and as_integer(sleep.get("seconds")) is not None:
        return sleep, "seconds", int(sleep["seconds"])
    command = hook.mapping_at_path("exec").get("command")
    if isinstance(command, Seq):
        line = " ".join(str(part) for part in command)[:4000]
        sleeps = _SLEEP_COMMAND.findall(line)
        if sleeps:
            return hook.mapping_at_path("exec"), "command", sum(map(int, sleeps))
    return None


def grace_period_shorter_than_pre_stop(container: Container) -> CheckOutcome:
    """The preStop hook sleeps as long as the pod has to end, or longer."""
    limit, found = grace_seconds(container.pod), pre_stop_sleep(container)
    if limit is not None and found is not None and container.role in {"main", "sidecar"}:
        node, key, seconds = found
        if seconds >= limit:
            yield hit(node.at(key), seconds=seconds, grace=limit)


def grace_period_zero(pod: Pod) -> CheckOutcome:
    """The pod is killed at once, without a chance to end its work."""
    if pod.kind in LONG_RUNNING_KINDS and grace_seconds(pod) == 0:
        yield hit(pod.node.at("terminationGracePeriodSeconds"))


def restart_policy_invalid(pod: Pod, *, serving: list[str], batch: list[str]) -> CheckOutcome:
    """The restartPolicy is none that the kind of workload may have; a job must write one."""
    value = pod.node.get("restartPolicy")
    if is_form_unknown(value):
        yield Undecidable(pod.node.at("restartPolicy"))
        return
    if pod.kind in {"Job", "CronJob", "ScaledJob"}:
        allowed = batch
    elif pod.kind in {
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "ReplicaSet",
        "ReplicationController",
    }:
        allowed = serving
    else:
        return
    if value is None and "Always" not in allowed:
        yield missing(pod.node.at("containers"), value="unset, which is Always", allowed=join_names(allowed))
    elif value is not None and value not in allowed:
        yield hit(pod.node.at("restartPolicy"), value=value, allowed=join_names(allowed))


def restart_policy_never(pod: Pod) -> CheckOutcome:
    """The restartPolicy is neither Always nor OnFailure."""
    value = pod.node.get("restartPolicy")
    if value is not None and value not in {"Always", "OnFailure"} and not is_variable(value):
        yield hit(pod.node.at("restartPolicy"), value=value)
