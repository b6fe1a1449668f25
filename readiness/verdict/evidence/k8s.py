"""What Kubernetes objects show."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.checks.k8s.alerts import alerts_of
from readiness.facts.table import fact_column
from readiness.kinds.k8s.model import Object, Pod
from readiness.model import Source, Span
from readiness.model.project import Project
from readiness.syntax.yaml import Seq
from readiness.verdict.evidence.backups import is_backup_name, is_dump_command
from readiness.verdict.evidence.images import image_fact, variable_facts

_BACKUP_SCHEDULE_FACT = "backup-schedule"  # which shows a backup only with a time
# What an alert is on: all of the patterns are in its name and expression.
_ALERT_PATTERNS_BY_FACT: tuple[tuple[str, *tuple[re.Pattern[str], ...]], ...] = (
    ("alert-errors", re.compile(r"error|fail|5\.\.|5xx|code=~\"5", re.IGNORECASE),
     re.compile(r"rate\s*\(|increase\s*\(|:rate|ratio")),
    ("alert-latency", re.compile(r"quantile|latency|duration_seconds|response_time", re.IGNORECASE)),
    ("alert-memory", re.compile(
        r"memory_(?:working_set|usage|rss)|resident_memory|MemAvailable|memory\w{0,40}_(?:bytes|limit|used)", re.IGNORECASE)),
    ("alert-cpu", re.compile(r"cpu_(?:usage|seconds|utili[sz]ation)", re.IGNORECASE)),
    ("alert-restarts", re.compile(r"restarts_total|crashloop", re.IGNORECASE)),
    ("alert-not-ready", re.compile(
        r"kube_pod_status_(?:ready|phase)|replicas_(?:unavailable|available)|\bup\b[^=]{0,200}==\s*0|absent\s*\(\s*up\b")),
)  # fmt: skip
_SCRAPE_ANNOTATION = "prometheus.io/scrape"
_METRICS_PORT_NAME = re.compile(r"metrics|prom")
_REPLICATED_KINDS = frozenset({"Deployment", "StatefulSet", "ReplicaSet", "Rollout"})
_BUDGET_FIELDS = ("minAvailable", "maxUnavailable")
_FACT_BY_POLICY_DIRECTION = (
    ("ingress", "network-policy-ingress"),
    ("egress", "network-policy-egress"),
)
_EMPTY_ANNOTATION_VALUES = frozenset({"", "0", "false", "none", "off"})
_ANNOTATION_PATTERNS_BY_FACT = (
    ("ingress-limit", re.compile(r"limit-(?:rps|rpm|connections)|rate-?limit|throttle")),
    ("ingress-redirect", re.compile(r"(?:ssl|https)-redirect\Z|redirect-(?:to-)?https")),
)
_CUSTOM_METRIC_TYPES = frozenset({"Pods", "Object", "External"})
_DASHBOARD_JSON = re.compile(r'"panels"\s*:\s*\[|"schemaVersion"\s*:')
# What a dashboard shows, by the words of its queries and titles.
_PANEL_PATTERNS_BY_FACT = (
    ("dashboard-rate", re.compile(r"rate\s*\(|throughput|per second", re.IGNORECASE)),
    ("dashboard-errors", re.compile(r"error|fail|success|5\.\.|5xx", re.IGNORECASE)),
    ("dashboard-latency", re.compile(r"quantile|latency|duration|response time", re.IGNORECASE)),
    ("dashboard-resources", re.compile(r"memory|cpu", re.IGNORECASE)),
)


def k8s_facts(project: Project) -> Iterator[tuple[str, Source, Span]]:
    """The facts of every object, pod and container."""
    for document in project.documents_of_kind("k8s"):
        if document.source.fragment:
            continue
        for obj in document.objects:
            found = (*_object_facts(obj), *_kind_facts(obj), *_scheduled_backup(obj, document.pods))
            for name, span in found:
                yield name, obj.source, span
        for pod in document.pods:
            for name, span in _pod_facts(pod):
                yield name, pod.source, span


def _object_facts(obj: Object) -> Iterator[tuple[str, Span]]:
    fact = fact_column("kubernetes-custom", "shows").get(f"{obj.kind} {obj.group}")
    if fact is not None and fact != _BACKUP_SCHEDULE_FACT:
        yield fact, obj.node.at()
    for alert in alerts_of(obj):
        yield "alert", alert.span
        words = f"{alert.name[:200]} {alert.expression[:4000]}"
        yield from ((name, alert.span) for name, *all_of in _ALERT_PATTERNS_BY_FACT if all(p.search(words) for p in all_of))
    if _has_scrape_annotation(obj):
        yield "scraping", obj.annotations.entry_span(_SCRAPE_ANNOTATION)
    if obj.kind == "HorizontalPodAutoscaler":
        own = [metric for metric in obj.spec.mappings_under("metrics") if metric.string_under("type") in _CUSTOM_METRIC_TYPES]
        yield from (("autoscaler-own-metric", metric.at()) for metric in own[:1])
    if obj.kind == "ConfigMap":
        yield from _dashboard_facts(obj)
        for name, setting in obj.variables.items():
            yield from ((fact, setting.span) for fact in variable_facts(name, setting.value))
    if obj.kind == "Service" and obj.group == "" and obj.spec.get("type", "ClusterIP") == "ClusterIP":
        ports = list(obj.spec.mappings_under("ports"))
        metrics = [port for port in ports if _METRICS_PORT_NAME.search(str(port.get("name")))]
        if metrics and len(metrics) < len(ports):
            yield "service-with-metrics", metrics[0].at()


def _kind_facts(obj: Object) -> Iterator[tuple[str, Span]]:
    """What an object is there for: scaling, budgets, policies, storage, several replicas."""
    spec = obj.spec
    count = spec.get("replicas")
    if obj.kind in _REPLICATED_KINDS and isinstance(count, int) and count > 1:
        yield "several-replicas", spec.at("replicas")
        if count > 2:
            yield "three-replicas", spec.at("replicas")
    if obj.kind == "HorizontalPodAutoscaler":
        yield from _scaling_facts(obj)
    elif obj.kind == "ScaledObject" and "maxReplicaCount" in spec:
        yield "autoscaler-bounds", spec.at("maxReplicaCount")
    elif obj.kind == "PodDisruptionBudget":
        yield from (("disruption-budget", spec.at(key)) for key in _BUDGET_FIELDS if key in spec)
    elif obj.kind == "NetworkPolicy":
        types = spec.get("policyTypes")
        for way, fact in _FACT_BY_POLICY_DIRECTION:
            if way in spec or (isinstance(types, Seq) and way.capitalize() in types):
                yield fact, spec.at(way if way in spec else "policyTypes")
    elif obj.kind in {"Role", "ClusterRole"} and obj.node.get("rules"):
        yield "role", obj.node.at("rules")
    if obj.kind == "Ingress":
        for key, value in obj.annotations.items():
            said = str(value).lower() not in _EMPTY_ANNOTATION_VALUES
            found = (fact for fact, words in _ANNOTATION_PATTERNS_BY_FACT if said and words.search(str(key)))
            yield from ((fact, obj.annotations.entry_span(key)) for fact in found)
    if obj.kind == "StatefulSet" and spec.get("volumeClaimTemplates"):
        yield "persistent-volume", spec.at("volumeClaimTemplates")
    if obj.kind in {"Rollout", "Canary"} and spec:
        yield "gradual-rollout", obj.node.at("kind")


def _scaling_facts(obj: Object) -> Iterator[tuple[str, Span]]:
    spec = obj.spec
    least = spec.get("minReplicas")
    if "maxReplicas" in spec and isinstance(least, int):
        yield "autoscaler-bounds", spec.at("maxReplicas")
        if least > 1:
            yield "several-replicas", spec.at("minReplicas")
        if least > 2:
            yield "three-replicas", spec.at("minReplicas")
    for metric in spec.mappings_under("metrics"):
        name = metric.mapping_at_path("resource").string_under("name")
        if name in {"cpu", "memory"}:
            yield f"autoscaler-{name}", metric.at()
    if "targetCPUUtilizationPercentage" in spec:
        yield "autoscaler-cpu", spec.at("targetCPUUtilizationPercentage")


def _has_scrape_annotation(owner: Object | Pod) -> bool:
    return str(owner.annotations.get(_SCRAPE_ANNOTATION)).lower() == "true"


def _dashboard_facts(obj: Object) -> Iterator[tuple[str, Span]]:
    data = obj.node.mapping_at_path("data")
    for key, value in data.items():
        if key.endswith(".json") and isinstance(value, str) and _DASHBOARD_JSON.search(value):
            yield "dashboard-server", data.key_span(key)
            yield from ((name, data.key_span(key)) for name, words in _PANEL_PATTERNS_BY_FACT if words.search(value))


def _scheduled_backup(obj: Object, pods: tuple[Pod, ...]) -> Iterator[tuple[str, Span]]:
    """A backup that runs by itself: its schedule."""
    timed = isinstance(obj.spec.get("schedule"), str) and obj.spec.get("suspend") is not True
    shown = fact_column("kubernetes-custom", "shows").get(f"{obj.kind} {obj.group}")
    ours = shown == _BACKUP_SCHEDULE_FACT
    if obj.kind == "CronJob" and timed:
        words = [" ".join(_words_in(c.node.get("command")) + _words_in(c.node.get("args")))
                 for pod in pods if pod.owner is obj for c in pod.containers()]  # fmt: skip
        ours = is_backup_name(obj.name) or any(is_dump_command(word) for word in words)
    if ours and timed:
        yield "backup", obj.spec.at("schedule")
        yield "backup-schedule", obj.spec.at("schedule")


def _words_in(value: object) -> list[str]:
    return [str(part) for part in value] if isinstance(value, Seq) else []


def _pod_facts(pod: Pod) -> Iterator[tuple[str, Span]]:
    if _has_scrape_annotation(pod):
        yield "scraping", pod.annotations.entry_span(_SCRAPE_ANNOTATION)
    for volume in pod.node.mappings_under("volumes"):
        if "persistentVolumeClaim" in volume:
            yield "persistent-volume", volume.at("persistentVolumeClaim")
    for container in pod.containers():
        fact = image_fact(container.image)
        if fact and fact != "backup" and pod.serving:
            yield fact, container.node.at("image")
        for name, setting in container.variables.items():
            yield from ((fact, setting.name_span) for fact in variable_facts(name, setting.value))
