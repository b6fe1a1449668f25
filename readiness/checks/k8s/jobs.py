"""Jobs and CronJobs: schedules, deadlines, retries, and what they leave behind."""

from __future__ import annotations

from readiness.checks.k8s.written import lowered_where_values_decide
from readiness.kinds.k8s.agents import HOOK_ANNOTATIONS
from readiness.kinds.k8s.effective import integer_or_none
from readiness.kinds.k8s.model import Object
from readiness.model import CheckOutcome, Undecidable, hit, missing
from readiness.syntax.cron_k8s import schedule_mistake
from readiness.syntax.holes import has_variable_or_placeholder
from readiness.syntax.yaml import Map


def job_spec(obj: Object) -> Map | None:
    """The spec of the jobs that an object makes; None for other kinds."""
    if obj.kind == "Job":
        return obj.spec
    return obj.spec.mapping_at_path("jobTemplate", "spec") if obj.kind == "CronJob" else None


@lowered_where_values_decide()
def cron_schedule_invalid(obj: Object) -> CheckOutcome:
    """The schedule of a CronJob is no cron expression that Kubernetes accepts."""
    if obj.kind != "CronJob":
        return
    schedule = obj.spec.get("schedule")
    if has_variable_or_placeholder(schedule):
        yield Undecidable(obj.spec.at("schedule"))
    elif isinstance(schedule, str):
        schedule_error = schedule_mistake(schedule)
        if schedule_error:
            yield hit(obj.spec.at("schedule"), say="form", schedule=schedule[:60], why=schedule_error)
    elif schedule is None:
        yield missing(obj.metadata.at("name"), say="missing")


def cron_starting_deadline_missing(obj: Object) -> CheckOutcome:
    """A CronJob does not say how late a run may start."""
    if obj.kind == "CronJob" and obj.spec.get("startingDeadlineSeconds") is None:
        yield missing(obj.metadata.at("name"))


def cron_starting_deadline_short(obj: Object) -> CheckOutcome:
    """A CronJob's starting deadline is shorter than the controller looks: runs are left out."""
    deadline_seconds = integer_or_none(obj.spec.get("startingDeadlineSeconds"))
    if obj.kind == "CronJob" and deadline_seconds is not None and deadline_seconds < 10:
        yield hit(obj.spec.at("startingDeadlineSeconds"), seconds=deadline_seconds)


def cron_overlap(obj: Object) -> CheckOutcome:
    """A CronJob lets a run begin while the one before still works."""
    concurrency_policy = obj.spec.get("concurrencyPolicy")
    if obj.kind == "CronJob" and concurrency_policy is None:
        yield missing(obj.metadata.at("name"))
    elif obj.kind == "CronJob" and concurrency_policy == "Allow":
        yield hit(obj.spec.at("concurrencyPolicy"))


def cron_failed_history_zero(obj: Object) -> CheckOutcome:
    """A CronJob keeps no failed run, so that nobody can see why it failed."""
    if obj.kind == "CronJob" and integer_or_none(obj.spec.get("failedJobsHistoryLimit")) == 0:
        yield hit(obj.spec.at("failedJobsHistoryLimit"))


def job_deadline_missing(obj: Object) -> CheckOutcome:
    """A Job without activeDeadlineSeconds, which may run for ever."""
    spec = job_spec(obj)
    pod_spec = spec.mapping_at_path("template", "spec") if spec is not None else Map(obj.node.at())
    if spec is None or integer_or_none(spec.get("activeDeadlineSeconds")) or integer_or_none(pod_spec.get("activeDeadlineSeconds")):
        return
    yield missing(obj.metadata.at("name"))


def job_ttl_missing(obj: Object) -> CheckOutcome:
    """A lone Job stays in the cluster when it is done."""
    if obj.kind != "Job" or obj.spec.get("ttlSecondsAfterFinished") is not None:
        return
    is_managed = obj.metadata.get("ownerReferences") or any(key.startswith(HOOK_ANNOTATIONS) for key in obj.annotations)
    if not is_managed:
        yield missing(obj.metadata.at("name"))


def cron_job_ttl(obj: Object) -> CheckOutcome:
    """A CronJob's jobs have a time to live beside the history limits that already clean them up."""
    spec = job_spec(obj)
    if obj.kind == "CronJob" and spec is not None and spec.get("ttlSecondsAfterFinished") is not None:
        yield hit(spec.at("ttlSecondsAfterFinished"))


def job_backoff_high(obj: Object, *, most: int) -> CheckOutcome:
    """A job is tried again so often that its failure goes unseen for a day."""
    spec = job_spec(obj)
    backoff_limit = integer_or_none(spec.get("backoffLimit")) if spec is not None else None
    if spec is not None and backoff_limit is not None and backoff_limit > most:
        yield hit(spec.at("backoffLimit"), limit=backoff_limit)


def cron_suspended(obj: Object) -> CheckOutcome:
    """A CronJob is written down as suspended."""
    if obj.kind == "CronJob" and obj.spec.get("suspend") is True:
        yield hit(obj.spec.at("suspend"), schedule=obj.spec.string_under("schedule"))
