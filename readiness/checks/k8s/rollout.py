"""How a new version takes the old one's place, and how pods end."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.checks.k8s.storage import single_writer
from readiness.kinds.k8s.effective import number, variable
from readiness.kinds.k8s.index import selecting, services, workload_of
from readiness.kinds.k8s.model import SERVING, Container, Object, Pod, mapping
from readiness.kinds.k8s.scale import of, stated
from readiness.model import Aside, Hit, Unknown, hit, joined, missing
from readiness.model.project import Project
from readiness.syntax.yaml import Map, Seq

Outcome = Iterator[Hit | Unknown | Aside]
DEPLOYMENTS = frozenset({"Deployment", "DeploymentConfig"})


def strategy(one: Object) -> Map:
    """How a Deployment, DaemonSet or StatefulSet is updated."""
    return mapping(one.spec, "strategy" if one.kind in DEPLOYMENTS else "updateStrategy")


def recreate(pod: Pod, *, project: Project) -> Outcome:
    """A Deployment behind a Service stops all of its pods before it starts new ones, with no claim that forces it to."""
    owner = pod.owner
    if owner.kind not in DEPLOYMENTS:
        yield Aside()
        return
    if strategy(owner).get("type") != "Recreate":
        return
    workload = workload_of(pod, project)
    if workload and selecting(workload, project, services) and not single_writer(pod, project):
        yield hit(strategy(owner).at("type"))


def not_rolling(one: Object, *, accept: list[str]) -> Outcome:
    """The type of the update strategy is written and none of `accept`."""
    kinds = DEPLOYMENTS | {"DaemonSet", "StatefulSet"}
    kind = strategy(one).get("type")
    if one.kind in kinds and isinstance(kind, str) and kind not in accept and not variable(kind):
        yield hit(strategy(one).at("type"), type=kind)


def recreate_behind_service(pod: Pod, *, project: Project) -> Outcome:
    """A Deployment behind a Service names a strategy other than RollingUpdate."""
    owner = pod.owner
    kind = strategy(owner).get("type")
    workload = workload_of(pod, project)
    other = isinstance(kind, str) and kind != "RollingUpdate"
    if owner.kind == "Deployment" and other and workload and selecting(workload, project, services):
        yield hit(strategy(owner).at("type"), type=kind)


def on_delete(one: Object) -> Outcome:
    """A DaemonSet or StatefulSet changes its pods only when a person deletes them."""
    if one.kind in {"DaemonSet", "StatefulSet"} and strategy(one).get("type") == "OnDelete":
        yield hit(strategy(one).at("type"))


def share(value: object, total: int) -> int | None:
    """How many of `total` pods a number or a percentage stands for, rounded down; None where nobody can tell."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,3}%", value):
        return int(value[:-1]) * total // 100
    return number(value)


def all_unavailable(one: Object, *, project: Project) -> Outcome:
    """maxUnavailable lets a rollout take every pod away at once."""
    if one.kind not in {"Deployment", "DaemonSet", "StatefulSet"}:
        return
    rolling = mapping(strategy(one), "rollingUpdate")
    value = rolling.get("maxUnavailable")
    count = of(one, project).least if one.kind != "DaemonSet" else None
    if value is None:
        return
    everything = isinstance(value, str) and value == "100%"
    if not everything and (count is None or count < 1):
        return
    part = share(value, count or 1)
    if everything or (part is not None and count is not None and part >= count):
        yield hit(rolling.at("maxUnavailable"), value=value)


def stuck(one: Object) -> Outcome:
    """maxSurge and maxUnavailable are both 0: the API server refuses it, for nothing could move."""
    rolling = mapping(strategy(one), "rollingUpdate")
    if one.kind not in {"Deployment", "DaemonSet"}:
        return
    surge, unavailable = rolling.get("maxSurge"), rolling.get("maxUnavailable")
    if one.kind == "DaemonSet" and surge is None:
        surge = 0
    if surge in (0, "0%") and unavailable in (0, "0%"):
        yield hit(rolling.at("maxUnavailable"))


def history_zero(one: Object) -> Outcome:
    """No old version is kept, so that there is nothing to roll back to."""
    value = one.spec.get("revisionHistoryLimit")
    if one.kind in {"Deployment", "StatefulSet", "DaemonSet"} and number(value) == 0:
        yield hit(one.spec.at("revisionHistoryLimit"))


NEVER = 2**31 - 1


def deadline(one: Object) -> Outcome:
    """A Deployment's progress deadline is off, or not longer than a pod needs to count as available."""
    if one.kind != "Deployment":
        return
    found = number(one.spec.get("progressDeadlineSeconds"))
    ready = number(one.spec.get("minReadySeconds")) or 0
    if found == NEVER:
        yield hit(
            one.spec.at("progressDeadlineSeconds"), what="is off: a stuck rollout is never told"
        )
    elif found is not None and found <= ready:
        yield hit(
            one.spec.at("progressDeadlineSeconds"),
            what=f"is {found} s, and must be longer than minReadySeconds ({ready} s)",
        )
    elif found is None and ready >= 600:
        yield hit(one.spec.at("minReadySeconds"), what=f"is 600 s and minReadySeconds is {ready} s")


def no_min_ready(one: Object) -> Outcome:
    """A new pod counts as available the moment it is ready."""
    several = (stated(one) or 0) > 1
    if one.kind == "Deployment" and several and not number(one.spec.get("minReadySeconds")):
        yield missing(one.metadata.at("name"))


def paused(one: Object) -> Outcome:
    """A Deployment is written down as paused: new versions are never rolled out."""
    if one.kind == "Deployment" and one.spec.get("paused") is True:
        yield hit(one.spec.at("paused"))


# -- the end of a pod ----------------------------------------------------------------------------------------------


def grace(pod: Pod) -> int | None:
    """The seconds that a pod has to end; 30 where it says nothing."""
    value = pod.node.get("terminationGracePeriodSeconds")
    return 30 if value is None else number(value)


_SLEEP = re.compile(r"\bsleep\s+([0-9]{1,6})(?![0-9.smhd])")


def pause(container: Container) -> tuple[Map, str, int] | None:
    """How long the preStop hook of a container sleeps, and where that stands."""
    hook = mapping(mapping(container.node, "lifecycle"), "preStop")
    sleep = hook.get("sleep")
    if isinstance(sleep, Map) and number(sleep.get("seconds")) is not None:
        return sleep, "seconds", int(sleep["seconds"])
    command = mapping(hook, "exec").get("command")
    if isinstance(command, Seq):
        line = " ".join(str(part) for part in command)[:4000]
        found = _SLEEP.findall(line)
        if found:
            return mapping(hook, "exec"), "command", sum(map(int, found))
    return None


def grace_short(container: Container) -> Outcome:
    """The preStop hook sleeps as long as the pod has to end, or longer."""
    limit, found = grace(container.pod), pause(container)
    if limit is not None and found is not None and container.role in {"main", "sidecar"}:
        node, key, seconds = found
        if seconds >= limit:
            yield hit(node.at(key), seconds=seconds, grace=limit)


def grace_zero(pod: Pod) -> Outcome:
    """The pod is killed at once, without a chance to end its work."""
    if pod.kind in SERVING and grace(pod) == 0:
        yield hit(pod.node.at("terminationGracePeriodSeconds"))


def restart_policy(pod: Pod, *, serving: list[str], batch: list[str]) -> Outcome:
    """The restartPolicy is none that the kind of workload may have; a job must write one."""
    value = pod.node.get("restartPolicy")
    if variable(value):
        yield Unknown(pod.node.at("restartPolicy"))
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
        yield missing(
            pod.node.at("containers"), value="unset, which is Always", allowed=joined(allowed)
        )
    elif value is not None and value not in allowed:
        yield hit(pod.node.at("restartPolicy"), value=value, allowed=joined(allowed))


def restart_never(pod: Pod) -> Outcome:
    """The restartPolicy is neither Always nor OnFailure."""
    value = pod.node.get("restartPolicy")
    if value is not None and value not in {"Always", "OnFailure"} and not variable(value):
        yield hit(pod.node.at("restartPolicy"), value=value)
