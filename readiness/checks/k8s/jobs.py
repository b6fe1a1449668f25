"""Jobs and CronJobs: schedules, deadlines, retries, and what they leave behind."""

from __future__ import annotations

from readiness.kinds.k8s.agents import HOOK_ANNOTATIONS
from readiness.kinds.k8s.effective import as_integer
from readiness.kinds.k8s.model import Object
from readiness.model import CheckOutcome, Undecidable, hit, missing
from readiness.syntax.cron_k8s import schedule_mistake
from readiness.syntax.holes import is_form_unknown
from readiness.syntax.yaml import Map


def job_spec(obj: Object) -> Map | None:
    """The spec of the jobs that an object makes; None for other kinds."""
    if obj.kind == "Job":
        return obj.spec
    return obj.spec.mapping_at_path("jobTemplate", "spec") if obj.kind == "CronJob" else None


def cron_schedule_invalid(obj: Object) -> CheckOutcome:
    """The schedule of a CronJob is no cron expression that Kubernetes accepts."""
    if obj.kind != "CronJob":
        return
    value = obj.spec.get("schedule")
    if is_form_unknown(value):
        yield Undecidable(obj.spec.at("schedule"))
    elif isinstance(value, str):
        mistake = schedule_mistake(value)
        if mistake:
            yield hit(obj.spec.at("schedule"), say="form", schedule=value[:60], why=mistake)
    elif value is None:
        yield missing(obj.metadata.at("name"), say="missing")


def cron_starting_deadline_missing(obj: Object) -> CheckOutcome:
    """A CronJob does not say how late a run may start."""
    if obj.kind == "CronJob" and obj.spec.get("startingDeadlineSeconds") is None:
        yield missing(obj.metadata.at("name"))


def cron_starting_deadline_short(obj: Object) -> CheckOutcome:
    """A CronJob's starting deadline is shorter than the controller looks: runs are left out."""
    value = as_integer(obj.spec.get("startingDeadlineSeconds"))
    if obj.kind == "CronJob" and value is not None and value < 10:
        yield hit(obj.spec.at("startingDeadlineSeconds"), seconds=value)


def cron_overlap(obj: Object) -> CheckOutcome:
    """A CronJob lets a run begin while the one before still works."""
    policy = obj.spec.get("concurrencyPolicy")
    if obj.kind == "CronJob" and policy is None:
        yield missing(obj.metadata.at("name"))
    elif obj.kind == "CronJob" and policy == "Allow":
        yield hit(obj.spec.at("concurrencyPolicy"))


def cron_failed_history_zero(obj: Object) -> CheckOutcome:
    """A CronJob keeps no failed run, so that nobody can see why it failed."""
    if obj.kind == "CronJob" and as_integer(obj.spec.get("failedJobsHistoryLimit")) == 0:
        yield hit(obj.spec.at("failedJobsHistoryLimit"))


def job_deadline_missing(obj: Object) -> CheckOutcome:
    """A Job without activeDeadlineSeconds, which may run for ever."""
    spec = job_spec(obj)
    pod = spec.mapping_at_path("template", "spec") if spec is not None else Map(obj.node.at())
    if spec is None or as_integer(spec.get("activeDeadlineSeconds")) or as_integer(pod.get("activeDeadlineSeconds")):
        return
    yield missing(obj.metadata.at("name"))


def job_ttl_missing(obj: Object) -> CheckOutcome:
    """A lone Job stays in the cluster when it is done."""
    if obj.kind != "Job" or obj.spec.get("ttlSecondsAfterFinished") is not None:
        return
    managed = obj.metadata.get("ownerReferences") or any(key.startswith(HOOK_ANNOTATIONS) for key in obj.annotations)
    if not managed:
        yield missing(obj.metadata.at("name"))


def cron_job_ttl(obj: Object) -> CheckOutcome:
    """A CronJob's jobs have a time to live beside the history limits that already clean them up."""
    spec = job_spec(obj)
    if obj.kind == "CronJob" and spec is not None and spec.get("ttlSecondsAfterFinished") is not None:
        yield hit(spec.at("ttlSecondsAfterFinished"))


def job_backoff_high(obj: Object, *, most: int) -> CheckOutcome:
    """A job is tried again so often that its failure goes unseen for a day."""
    spec = job_spec(obj)
    value = as_integer(spec.get("backoffLimit")) if spec is not None else None
    if spec is not None and value is not None and value > most:
        yield hit(spec.at("backoffLimit"), limit=value)


def cron_suspended(obj: Object) -> CheckOutcome:
    """A CronJob is written down as suspended."""
    if obj.kind == "CronJob" and obj.spec.get("suspend") is True:
        yield hit(obj.spec.at("suspend"), schedule=obj.spec.string_under("schedule"))
