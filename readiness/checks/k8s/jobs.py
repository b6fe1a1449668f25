"""Jobs and CronJobs: schedules, deadlines, retries, and what they leave behind."""

from __future__ import annotations

from readiness.kinds.k8s.effective import as_integer, is_variable
from readiness.kinds.k8s.model import Object, mapping_at, text_or_empty
from readiness.model import Outcome, Unknown, hit, missing
from readiness.syntax.cron_k8s import schedule_mistake
from readiness.syntax.yaml import Map

HOOKS = ("helm.sh/hook", "argocd.argoproj.io/hook")


def job_spec(one: Object) -> Map | None:
    """The spec of the jobs that an object makes; None for other kinds."""
    if one.kind == "Job":
        return one.spec
    return (
        mapping_at(mapping_at(one.spec, "jobTemplate"), "spec") if one.kind == "CronJob" else None
    )


def cron_schedule_invalid(one: Object) -> Outcome:
    """A CronJob's schedule is none."""
    if one.kind != "CronJob":
        return
    value = one.spec.get("schedule")
    if is_variable(value):
        yield Unknown(one.spec.at("schedule"))
    elif isinstance(value, str):
        found = schedule_mistake(value)
        if found:
            yield hit(one.spec.at("schedule"), schedule=value[:60], why=found)
    elif value is None:
        yield missing(one.metadata.at("name"), schedule="", why="it is not written")


def cron_starting_deadline_missing(one: Object) -> Outcome:
    """A CronJob does not say how late a run may start."""
    if one.kind == "CronJob" and one.spec.get("startingDeadlineSeconds") is None:
        yield missing(one.metadata.at("name"))


def cron_starting_deadline_short(one: Object) -> Outcome:
    """A CronJob's starting deadline is shorter than the controller looks: runs are left out."""
    value = as_integer(one.spec.get("startingDeadlineSeconds"))
    if one.kind == "CronJob" and value is not None and value < 10:
        yield hit(one.spec.at("startingDeadlineSeconds"), seconds=value)


def cron_overlap(one: Object) -> Outcome:
    """A CronJob lets a run begin while the one before still works."""
    policy = one.spec.get("concurrencyPolicy")
    if one.kind == "CronJob" and policy is None:
        yield missing(one.metadata.at("name"))
    elif one.kind == "CronJob" and policy == "Allow":
        yield hit(one.spec.at("concurrencyPolicy"))


def cron_failed_history_zero(one: Object) -> Outcome:
    """A CronJob keeps no failed run, so that nobody can see why it failed."""
    if one.kind == "CronJob" and as_integer(one.spec.get("failedJobsHistoryLimit")) == 0:
        yield hit(one.spec.at("failedJobsHistoryLimit"))


def job_deadline_missing(one: Object) -> Outcome:
    """A job may run for ever."""
    spec = job_spec(one)
    pod = (
        mapping_at(mapping_at(spec, "template"), "spec") if spec is not None else Map(one.node.at())
    )
    if (
        spec is None
        or as_integer(spec.get("activeDeadlineSeconds"))
        or as_integer(pod.get("activeDeadlineSeconds"))
    ):
        return
    yield missing(one.metadata.at("name"))


def job_ttl_missing(one: Object) -> Outcome:
    """A lone Job stays in the cluster when it is done."""
    if one.kind != "Job" or one.spec.get("ttlSecondsAfterFinished") is not None:
        return
    managed = one.metadata.get("ownerReferences") or any(
        key.startswith(HOOKS) for key in one.annotations
    )
    if not managed:
        yield missing(one.metadata.at("name"))


def cron_job_ttl(one: Object) -> Outcome:
    """A CronJob's jobs have a time to live beside the history limits that already clean them up."""
    spec = job_spec(one)
    if (
        one.kind == "CronJob"
        and spec is not None
        and spec.get("ttlSecondsAfterFinished") is not None
    ):
        yield hit(spec.at("ttlSecondsAfterFinished"))


def job_backoff_high(one: Object, *, most: int) -> Outcome:
    """A job is tried again so often that its failure goes unseen for a day."""
    spec = job_spec(one)
    value = as_integer(spec.get("backoffLimit")) if spec is not None else None
    if spec is not None and value is not None and value > most:
        yield hit(spec.at("backoffLimit"), limit=value)


def cron_suspended(one: Object) -> Outcome:
    """A CronJob is written down as suspended."""
    if one.kind == "CronJob" and one.spec.get("suspend") is True:
        yield hit(one.spec.at("suspend"), schedule=text_or_empty(one.spec.get("schedule")))
