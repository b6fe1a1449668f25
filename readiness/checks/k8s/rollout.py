"""How a new version takes the old one's place, and how pods end."""

from __future__ import annotations

from itertools import zip_longest

from readiness.checks.k8s.storage import has_single_writer
from readiness.checks.k8s.written import lowered_where_values_decide, unknown_in_fragments
from readiness.kinds.k8s import traffic
from readiness.kinds.k8s.effective import integer_or_none, is_filled_in_value
from readiness.kinds.k8s.index import object_index, workload_of
from readiness.kinds.k8s.model import LONG_RUNNING_KINDS, Container, Object, Pod
from readiness.kinds.k8s.scale import (
    KINDS_WITH_STRATEGY_KEY,
    pod_count_range,
    pods_rounded_down,
    stated_replica_count,
    update_strategy_node,
)
from readiness.kinds.k8s.selecting import certain_selecting_objects, service_selector_index
from readiness.model import (
    CheckOutcome,
    NotApplicable,
    Severity,
    Undecidable,
    hit,
    join_names,
    missing,
)
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax.holes import has_variable_or_placeholder
from readiness.syntax.yaml import Map, Seq


def rollout_recreate(pod: Pod, *, project: Project) -> CheckOutcome:
    """A Deployment behind a Service stops all of its pods before it starts new ones, with no claim that forces it to."""
    owner = pod.owner
    if owner.kind not in KINDS_WITH_STRATEGY_KEY:
        yield NotApplicable()
        return
    if update_strategy_node(owner).get("type") != "Recreate":
        return
    workload = workload_of(pod, project)
    if workload and certain_selecting_objects(workload, project, service_selector_index) and not has_single_writer(pod, project):
        yield hit(update_strategy_node(owner).at("type"))


def rollout_not_rolling(obj: Object, *, accept: list[str]) -> CheckOutcome:
    """The type of the update strategy is written and none of `accept`."""
    kinds_with_strategy = KINDS_WITH_STRATEGY_KEY | {"DaemonSet", "StatefulSet"}
    strategy_type = update_strategy_node(obj).get("type")
    if obj.kind in kinds_with_strategy and isinstance(strategy_type, str) and strategy_type not in accept and not is_filled_in_value(strategy_type):
        yield hit(update_strategy_node(obj).at("type"), type=strategy_type)


def rollout_not_rolling_behind_service(pod: Pod, *, project: Project) -> CheckOutcome:
    """A Deployment behind a Service names a strategy other than RollingUpdate."""
    owner = pod.owner
    strategy_type = update_strategy_node(owner).get("type")
    workload = workload_of(pod, project)
    is_not_rolling = isinstance(strategy_type, str) and strategy_type != "RollingUpdate"
    if owner.kind == "Deployment" and is_not_rolling and workload and certain_selecting_objects(workload, project, service_selector_index):
        yield hit(update_strategy_node(owner).at("type"), type=strategy_type)


def rollout_on_delete(obj: Object) -> CheckOutcome:
    """A DaemonSet or StatefulSet changes its pods only when a person deletes them."""
    if obj.kind in {"DaemonSet", "StatefulSet"} and update_strategy_node(obj).get("type") == "OnDelete":
        yield hit(update_strategy_node(obj).at("type"))


def _has_only_idle_containers(pod: Pod) -> bool:
    """Whether no container that stays does anything."""
    return all(traffic.is_idle_container(one) for one in pod.containers() if one.role in {"main", "sidecar"})


@unknown_in_fragments
def rollout_all_unavailable(obj: Object, *, project: Project) -> CheckOutcome:
    """maxUnavailable lets a rollout take every pod away at once.

    Medium where no Service sends it requests, and where it has one pod: it stops before the new one starts, as with Recreate. Low in a
    DaemonSet whose containers only keep its pods there, as one that pulls images.
    """
    if obj.kind not in {"Deployment", "DaemonSet", "StatefulSet"}:
        return
    rolling_update = update_strategy_node(obj).mapping_at_path("rollingUpdate")
    max_unavailable = rolling_update.get("maxUnavailable")
    minimum_pods = pod_count_range(obj, project).minimum if obj.kind != "DaemonSet" else None
    if max_unavailable is None:
        return
    is_all_pods = isinstance(max_unavailable, str) and max_unavailable == "100%"
    if not is_all_pods and (minimum_pods is None or minimum_pods < 1):
        return
    unavailable_pods = pods_rounded_down(max_unavailable, minimum_pods or 1)
    if is_all_pods or (unavailable_pods is not None and minimum_pods is not None and unavailable_pods >= minimum_pods):
        has_single_pod = minimum_pods is not None and minimum_pods == 1
        workload = object_index(project).workload_by_owner_id.get(id(obj))
        takes_requests = workload is not None and workload.pod is not None and traffic.takes_requests_from_network(workload.pod, project)
        severity = Severity.HIGH if takes_requests and not has_single_pod else Severity.MEDIUM
        if obj.kind == "DaemonSet" and workload is not None and workload.pod is not None and _has_only_idle_containers(workload.pod):
            severity = Severity.LOW
        yield hit(rolling_update.at("maxUnavailable"), severity=severity, value=max_unavailable)


@lowered_where_values_decide()
def rollout_stuck(obj: Object) -> CheckOutcome:
    """maxSurge and maxUnavailable are both 0: the API server refuses it, for nothing could move."""
    rolling_update = update_strategy_node(obj).mapping_at_path("rollingUpdate")
    if obj.kind not in {"Deployment", "DaemonSet"}:
        return
    max_surge, max_unavailable = rolling_update.get("maxSurge"), rolling_update.get("maxUnavailable")
    if obj.kind == "DaemonSet" and max_surge is None:
        max_surge = 0
    if max_surge in (0, "0%") and max_unavailable in (0, "0%"):
        yield hit(rolling_update.at("maxUnavailable"))


def revision_history_zero(obj: Object) -> CheckOutcome:
    """No old version is kept, so that there is nothing to roll back to."""
    history_limit = obj.spec.get("revisionHistoryLimit")
    if obj.kind in {"Deployment", "StatefulSet", "DaemonSet"} and integer_or_none(history_limit) == 0:
        yield hit(obj.spec.at("revisionHistoryLimit"))


NO_DEADLINE_SECONDS = 2**31 - 1


def progress_deadline_useless(obj: Object) -> CheckOutcome:
    """A Deployment's progress deadline is off, or not longer than a pod needs to count as available."""
    if obj.kind != "Deployment":
        return
    deadline_seconds = integer_or_none(obj.spec.get("progressDeadlineSeconds"))
    min_ready_seconds = integer_or_none(obj.spec.get("minReadySeconds")) or 0
    if deadline_seconds == NO_DEADLINE_SECONDS:
        yield hit(obj.spec.at("progressDeadlineSeconds"), say="off")
    elif deadline_seconds is not None and deadline_seconds <= min_ready_seconds:
        yield hit(
            obj.spec.at("progressDeadlineSeconds"),
            say="short",
            seconds=deadline_seconds,
            ready=min_ready_seconds,
        )
    elif deadline_seconds is None and min_ready_seconds >= 600:
        yield hit(obj.spec.at("minReadySeconds"), say="default", ready=min_ready_seconds)


def min_ready_seconds_unset(obj: Object) -> CheckOutcome:
    """A new pod counts as available the moment it is ready."""
    has_several_replicas = (stated_replica_count(obj) or 0) > 1
    if obj.kind == "Deployment" and has_several_replicas and not integer_or_none(obj.spec.get("minReadySeconds")):
        yield missing(obj.metadata.at("name"))


def rollout_paused(obj: Object) -> CheckOutcome:
    """A Deployment is written down as paused: new versions are never rolled out."""
    if obj.kind == "Deployment" and obj.spec.get("paused") is True:
        yield hit(obj.spec.at("paused"))


# -- the end of a pod ----------------------------------------------------------------------------------------------


def termination_grace_seconds(pod: Pod) -> int | None:
    """The seconds that a pod has to end; 30 where it says nothing."""
    grace_period = pod.node.get("terminationGracePeriodSeconds")
    return 30 if grace_period is None else integer_or_none(grace_period)


_SHELL_SEPARATOR = lazy_regex(r"[;\n&|]+")
_SLEEP_COMMAND_PATTERN = lazy_regex(r"\bsleep\s+([0-9]{1,6})(?![0-9.smhd])")


def pre_stop_sleep(container: Container) -> tuple[Map, str, int] | None:
    """How long the preStop hook of a container sleeps, and where that stands."""
    pre_stop_hook = container.node.mapping_at_path("lifecycle", "preStop")
    sleep_action = pre_stop_hook.get("sleep")
    if isinstance(sleep_action, Map) and integer_or_none(sleep_action.get("seconds")) is not None:
        return sleep_action, "seconds", int(sleep_action["seconds"])
    sleep_seconds = _SLEEP_COMMAND_PATTERN.findall(_pre_stop_command_line(container))
    if sleep_seconds:
        return pre_stop_hook.mapping_at_path("exec"), "command", sum(map(int, sleep_seconds))
    return None


def _pre_stop_command_line(container: Container) -> str:
    """The command of a container's preStop hook as one text; empty where it runs none."""
    command = container.node.mapping_at_path("lifecycle", "preStop", "exec").get("command")
    return " ".join(str(part) for part in command)[:4000] if isinstance(command, Seq) else ""


# What a shell does behind a sleep that nothing needs: its own words, what it prints, and how it ends.
_IDLE_SHELL_WORDS = frozenset({"done", "fi", "esac", "exit", "true", "echo", "printf", "date", "wait", "return", ":", "}", ")"})


def _is_cut_before_its_work(command_line: str, grace_seconds: int) -> bool:
    """Whether a hook that sleeps has something to do when the grace period is over: a command behind sleeps that fill it."""
    slept_seconds, sleeps = 0, list(_SLEEP_COMMAND_PATTERN.finditer(command_line))
    for sleep, next_sleep in zip_longest(sleeps, sleeps[1:]):
        slept_seconds += int(sleep[1])
        following_text = command_line[sleep.end() : next_sleep.start() if next_sleep is not None else None]
        following_commands = (words for part in _SHELL_SEPARATOR.split(following_text) if (words := part.split()))
        if slept_seconds >= grace_seconds and any(words[0] not in _IDLE_SHELL_WORDS for words in following_commands):
            return True
    return False


@unknown_in_fragments
def grace_period_shorter_than_pre_stop(container: Container) -> CheckOutcome:
    """The preStop hook sleeps as long as the pod has to end, or longer.

    Medium where it only sleeps: the pod has answered requests for all of that time, and the kubelet gives it 2 s more. High where the hook is
    ended before a command that it was to run.
    """
    grace_period, sleep_with_place = termination_grace_seconds(container.pod), pre_stop_sleep(container)
    if grace_period is not None and sleep_with_place is not None and container.role in {"main", "sidecar"}:
        sleep_node, sleep_key, sleep_seconds = sleep_with_place
        if sleep_seconds >= grace_period:
            command_line = _pre_stop_command_line(container)
            is_cut = grace_period > 0 and _is_cut_before_its_work(command_line, grace_period)
            severity = None if is_cut else Severity.MEDIUM
            yield hit(sleep_node.at(sleep_key), severity=severity, say="cut" if is_cut else "", seconds=sleep_seconds, grace=grace_period)


def grace_period_zero(pod: Pod) -> CheckOutcome:
    """The pod is killed at once, without a chance to end its work."""
    if pod.kind in LONG_RUNNING_KINDS and termination_grace_seconds(pod) == 0:
        yield hit(pod.node.at("terminationGracePeriodSeconds"))


@lowered_where_values_decide()
def restart_policy_invalid(pod: Pod, *, serving: list[str], batch: list[str]) -> CheckOutcome:
    """The restartPolicy is none that the kind of workload may have; a job must write one."""
    restart_policy = pod.node.get("restartPolicy")
    if has_variable_or_placeholder(restart_policy):
        yield Undecidable(pod.node.at("restartPolicy"))
        return
    if pod.kind in {"Job", "CronJob", "ScaledJob"}:
        allowed_policies = batch
    elif pod.kind in {
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "ReplicaSet",
        "ReplicationController",
    }:
        allowed_policies = serving
    else:
        return
    if restart_policy is None and "Always" not in allowed_policies:
        yield missing(pod.node.at("containers"), value="unset, which is Always", allowed=join_names(allowed_policies))
    elif restart_policy is not None and restart_policy not in allowed_policies:
        yield hit(pod.node.at("restartPolicy"), value=restart_policy, allowed=join_names(allowed_policies))


def restart_policy_never(pod: Pod) -> CheckOutcome:
    """The restartPolicy is neither Always nor OnFailure."""
    restart_policy = pod.node.get("restartPolicy")
    if restart_policy is not None and restart_policy not in {"Always", "OnFailure"} and not is_filled_in_value(restart_policy):
        yield hit(pod.node.at("restartPolicy"), value=restart_policy)
