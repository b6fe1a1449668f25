"""What Kubernetes objects show."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.checks.k8s.alerts import alerts_of
from readiness.facts.table import property_by_fact_name
from readiness.kinds.k8s.model import Object, Pod
from readiness.model import Source, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax.yaml import Seq
from readiness.verdict.evidence.backups import is_backup_name, is_dump_command
from readiness.verdict.evidence.images import fact_served_by_image, variable_facts

_BACKUP_SCHEDULE_FACT = "backup-schedule"  # which shows a backup only with a time
# What an alert is on: all of the patterns are in its name and expression.
_FACTS_AND_ALERT_PATTERNS: tuple[tuple[str, *tuple[re.Pattern[str], ...]], ...] = (
    ("alert-errors", lazy_regex(r"error|fail|5\.\.|5xx|code=~\"5", re.IGNORECASE),
     lazy_regex(r"rate\s*\(|increase\s*\(|:rate|ratio")),
    ("alert-latency", lazy_regex(r"quantile|latency|duration_seconds|response_time", re.IGNORECASE)),
    ("alert-memory", lazy_regex(
        r"memory_(?:working_set|usage|rss)|resident_memory|MemAvailable|memory\w{0,40}_(?:bytes|limit|used)", re.IGNORECASE)),
    ("alert-cpu", lazy_regex(r"cpu_(?:usage|seconds|utili[sz]ation)", re.IGNORECASE)),
    ("alert-restarts", lazy_regex(r"restarts_total|crashloop", re.IGNORECASE)),
    ("alert-not-ready", lazy_regex(
        r"kube_pod_status_(?:ready|phase)|replicas_(?:unavailable|available)|\bup\b[^=]{0,200}==\s*0|absent\s*\(\s*up\b")),
)  # fmt: skip
_SCRAPE_ANNOTATION = "prometheus.io/scrape"
_METRICS_PORT_NAME = lazy_regex(r"metrics|prom")
_REPLICATED_KINDS = frozenset({"Deployment", "StatefulSet", "ReplicaSet", "Rollout"})
_BUDGET_FIELDS = ("minAvailable", "maxUnavailable")
_POLICY_DIRECTIONS_AND_FACTS = (
    ("ingress", "network-policy-ingress"),
    ("egress", "network-policy-egress"),
)
_EMPTY_ANNOTATION_VALUES = frozenset({"", "0", "false", "none", "off"})
_FACTS_AND_ANNOTATION_PATTERNS = (
    ("ingress-limit", lazy_regex(r"limit-(?:rps|rpm|connections)|rate-?limit|throttle")),
    ("ingress-redirect", lazy_regex(r"(?:ssl|https)-redirect\Z|redirect-(?:to-)?https")),
)
_CUSTOM_METRIC_TYPES = frozenset({"Pods", "Object", "External"})
_DASHBOARD_JSON = lazy_regex(r'"panels"\s*:\s*\[|"schemaVersion"\s*:')
# What a dashboard shows, by the words of its queries and titles.
_FACTS_AND_PANEL_PATTERNS = (
    ("dashboard-rate", lazy_regex(r"rate\s*\(|throughput|per second", re.IGNORECASE)),
    ("dashboard-errors", lazy_regex(r"error|fail|success|5\.\.|5xx", re.IGNORECASE)),
    ("dashboard-latency", lazy_regex(r"quantile|latency|duration|response time", re.IGNORECASE)),
    ("dashboard-resources", lazy_regex(r"memory|cpu", re.IGNORECASE)),
)


def k8s_facts(project: Project) -> Iterator[tuple[str, Source, Span]]:
    """The facts of every object, pod and container."""
    for document in project.documents_of_kind("k8s"):
        if document.source.fragment:
            continue
        for kubernetes_object in document.objects:
            facts_and_spans = (
                *_object_facts(kubernetes_object),
                *_facts_by_object_kind(kubernetes_object),
                *_scheduled_backup_facts(kubernetes_object, document.pods),
            )
            for fact_name, span in facts_and_spans:
                yield fact_name, kubernetes_object.source, span
        for pod in document.pods:
            for fact_name, span in _pod_facts(pod):
                yield fact_name, pod.source, span


def _object_facts(kubernetes_object: Object) -> Iterator[tuple[str, Span]]:
    fact_name = property_by_fact_name("kubernetes-custom", "shows").get(f"{kubernetes_object.kind} {kubernetes_object.group}")
    if fact_name is not None and fact_name != _BACKUP_SCHEDULE_FACT:
        yield fact_name, kubernetes_object.node.at()
    for alert in alerts_of(kubernetes_object):
        yield "alert", alert.span
        alert_text = f"{alert.name[:200]} {alert.expression[:4000]}"
        yield from ((variable_name, alert.span) for variable_name, *all_of in _FACTS_AND_ALERT_PATTERNS if all(p.search(alert_text) for p in all_of))
    if _has_scrape_annotation(kubernetes_object):
        yield "scraping", kubernetes_object.annotations.entry_span(_SCRAPE_ANNOTATION)
    if kubernetes_object.kind == "HorizontalPodAutoscaler":
        custom_metrics = [
            metric for metric in kubernetes_object.spec.mappings_under("metrics") if metric.string_under("type") in _CUSTOM_METRIC_TYPES
        ]
        yield from (("autoscaler-own-metric", metric.at()) for metric in custom_metrics[:1])
    if kubernetes_object.kind == "ConfigMap":
        yield from _dashboard_facts(kubernetes_object)
        for variable_name, setting in kubernetes_object.variables.items():
            yield from ((fact_name, setting.span) for fact_name in variable_facts(variable_name, setting.value))
    if kubernetes_object.kind == "Service" and kubernetes_object.group == "" and kubernetes_object.spec.get("type", "ClusterIP") == "ClusterIP":
        service_ports = list(kubernetes_object.spec.mappings_under("ports"))
        metrics_ports = [port for port in service_ports if _METRICS_PORT_NAME.search(str(port.get("name")))]
        if metrics_ports and len(metrics_ports) < len(service_ports):
            yield "service-with-metrics", metrics_ports[0].at()


def _facts_by_object_kind(kubernetes_object: Object) -> Iterator[tuple[str, Span]]:
    """What an object is there for: scaling, budgets, policies, storage, several replicas."""
    object_spec = kubernetes_object.spec
    replica_count = object_spec.get("replicas")
    if kubernetes_object.kind in _REPLICATED_KINDS and isinstance(replica_count, int) and replica_count > 1:
        yield "several-replicas", object_spec.at("replicas")
        if replica_count > 2:
            yield "three-replicas", object_spec.at("replicas")
    if kubernetes_object.kind == "HorizontalPodAutoscaler":
        yield from _scaling_facts(kubernetes_object)
    elif kubernetes_object.kind == "ScaledObject" and "maxReplicaCount" in object_spec:
        yield "autoscaler-bounds", object_spec.at("maxReplicaCount")
    elif kubernetes_object.kind == "PodDisruptionBudget":
        yield from (("disruption-budget", object_spec.at(annotation_key)) for annotation_key in _BUDGET_FIELDS if annotation_key in object_spec)
    elif kubernetes_object.kind == "NetworkPolicy":
        policy_types = object_spec.get("policyTypes")
        for traffic_direction, fact_name in _POLICY_DIRECTIONS_AND_FACTS:
            if traffic_direction in object_spec or (isinstance(policy_types, Seq) and traffic_direction.capitalize() in policy_types):
                yield fact_name, object_spec.at(traffic_direction if traffic_direction in object_spec else "policyTypes")
    elif kubernetes_object.kind in {"Role", "ClusterRole"} and kubernetes_object.node.get("rules"):
        yield "role", kubernetes_object.node.at("rules")
    if kubernetes_object.kind == "Ingress":
        for annotation_key, annotation_value in kubernetes_object.annotations.items():
            is_enabled_value = str(annotation_value).lower() not in _EMPTY_ANNOTATION_VALUES
            annotation_facts = (
                fact_name for fact_name, words in _FACTS_AND_ANNOTATION_PATTERNS if is_enabled_value and words.search(str(annotation_key))
            )
            yield from ((fact_name, kubernetes_object.annotations.entry_span(annotation_key)) for fact_name in annotation_facts)
    if kubernetes_object.kind == "StatefulSet" and object_spec.get("volumeClaimTemplates"):
        yield "persistent-volume", object_spec.at("volumeClaimTemplates")
    if kubernetes_object.kind in {"Rollout", "Canary"} and object_spec:
        yield "gradual-rollout", kubernetes_object.node.at("kind")


def _scaling_facts(kubernetes_object: Object) -> Iterator[tuple[str, Span]]:
    autoscaler_spec = kubernetes_object.spec
    min_replicas = autoscaler_spec.get("minReplicas")
    if "maxReplicas" in autoscaler_spec and isinstance(min_replicas, int):
        yield "autoscaler-bounds", autoscaler_spec.at("maxReplicas")
        if min_replicas > 1:
            yield "several-replicas", autoscaler_spec.at("minReplicas")
        if min_replicas > 2:
            yield "three-replicas", autoscaler_spec.at("minReplicas")
    for metric in autoscaler_spec.mappings_under("metrics"):
        resource_name = metric.mapping_at_path("resource").string_under("name")
        if resource_name in {"cpu", "memory"}:
            yield f"autoscaler-{resource_name}", metric.at()
    if "targetCPUUtilizationPercentage" in autoscaler_spec:
        yield "autoscaler-cpu", autoscaler_spec.at("targetCPUUtilizationPercentage")


def _has_scrape_annotation(object_or_pod: Object | Pod) -> bool:
    return str(object_or_pod.annotations.get(_SCRAPE_ANNOTATION)).lower() == "true"


def _dashboard_facts(config_map: Object) -> Iterator[tuple[str, Span]]:
    data_node = config_map.node.mapping_at_path("data")
    for file_name, file_text in data_node.items():
        if file_name.endswith(".json") and isinstance(file_text, str) and _DASHBOARD_JSON.search(file_text):
            yield "dashboard-server", data_node.key_span(file_name)
            yield from ((name, data_node.key_span(file_name)) for name, words in _FACTS_AND_PANEL_PATTERNS if words.search(file_text))


def _scheduled_backup_facts(kubernetes_object: Object, pods: tuple[Pod, ...]) -> Iterator[tuple[str, Span]]:
    """A backup that runs by itself: its schedule."""
    has_active_schedule = isinstance(kubernetes_object.spec.get("schedule"), str) and kubernetes_object.spec.get("suspend") is not True
    fact_of_custom_resource = property_by_fact_name("kubernetes-custom", "shows").get(f"{kubernetes_object.kind} {kubernetes_object.group}")
    is_backup = fact_of_custom_resource == _BACKUP_SCHEDULE_FACT
    if kubernetes_object.kind == "CronJob" and has_active_schedule:
        container_commands = [" ".join(_strings_in_sequence(c.node.get("command")) + _strings_in_sequence(c.node.get("args")))
                 for pod in pods if pod.owner is kubernetes_object for c in pod.containers()]  # fmt: skip
        is_backup = is_backup_name(kubernetes_object.name) or any(is_dump_command(word) for word in container_commands)
    if is_backup and has_active_schedule:
        yield "backup", kubernetes_object.spec.at("schedule")
        yield "backup-schedule", kubernetes_object.spec.at("schedule")


def _strings_in_sequence(value: object) -> list[str]:
    return [str(part) for part in value] if isinstance(value, Seq) else []


def _pod_facts(pod: Pod) -> Iterator[tuple[str, Span]]:
    if _has_scrape_annotation(pod):
        yield "scraping", pod.annotations.entry_span(_SCRAPE_ANNOTATION)
    for volume in pod.node.mappings_under("volumes"):
        if "persistentVolumeClaim" in volume:
            yield "persistent-volume", volume.at("persistentVolumeClaim")
    for container in pod.containers():
        image_fact_name = fact_served_by_image(container.image)
        if image_fact_name and image_fact_name != "backup" and pod.serving:
            yield image_fact_name, container.node.at("image")
        for variable_name, setting in container.variables.items():
            yield from ((image_fact_name, setting.name_span) for image_fact_name in variable_facts(variable_name, setting.value))
