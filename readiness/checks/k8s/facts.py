"""What objects prove beside what they deploy: alerts, scraping, dashboards, backups, certificates, secrets from a store.

Pure functions from an object to facts, for checklists and for rules; nothing here judges.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from readiness.kinds.k8s_model import Object, Pod, mapping, maps, text
from readiness.model import Hit, Span, missing

# What an alert is about, by words of its name and its expression. The first that fits counts.
SUBJECTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("restarts", re.compile(r"restarts_total|crashloop|restart(?:s|ed|ing)", re.IGNORECASE)),
    (
        "not-ready",
        re.compile(
            r"not_?ready|unavailable|kube_pod_status_ready|replicas_(?:mismatch|unavailable|available)"
            r"|\bup\b[^=]{0,200}==\s*0|absent\(\s*up\b|targetdown|instancedown",
            re.IGNORECASE,
        ),
    ),
    (
        "latency",
        re.compile(
            r"latency|duration_seconds|response_time|histogram_quantile|slow", re.IGNORECASE
        ),
    ),
    ("errors", re.compile(r"error|failed|failure|5\.\.|5xx|code=~\"5", re.IGNORECASE)),
    ("memory", re.compile(r"memory|\boom", re.IGNORECASE)),
    ("cpu", re.compile(r"cpu", re.IGNORECASE)),
    ("disk", re.compile(r"filesystem|disk|volume_stats|persistentvolume", re.IGNORECASE)),
    ("certificate", re.compile(r"certificate|cert_?manager|\bcert\b", re.IGNORECASE)),
    ("backup", re.compile(r"backup|velero", re.IGNORECASE)),
)


class Alert(NamedTuple):
    """One alerting rule: its name, what it is about ("" where no word tells), its runbook, and where it stands."""

    name: str
    subject: str
    runbook: str
    span: Span


def subject_of(name: str, expression: str) -> str:
    """What an alert is about, by its name and else by its expression; empty where neither tells."""
    for words in (name[:200], expression[:4000]):
        for subject, pattern in SUBJECTS:
            if pattern.search(words):
                return subject
    return ""


def alerts(one: Object) -> Iterator[Alert]:
    """The alerts of a PrometheusRule."""
    if one.kind != "PrometheusRule":
        return
    for group in maps(one.spec.get("groups")):
        for rule in maps(group.get("rules")):
            name = rule.get("alert")
            if isinstance(name, str):
                notes = mapping(rule, "annotations")
                runbook = next((text(notes.get(key)) for key in RUNBOOKS if notes.get(key)), "")
                subject = subject_of(name, text(rule.get("expr")))
                yield Alert(name, subject, runbook, rule.at("alert"))


RUNBOOKS = ("runbook_url", "runbook", "runbookUrl", "playbook_url")


def scraped(pod: Pod) -> bool:
    """Whether a pod asks to be scraped by its annotations."""
    return str(pod.annotations.get("prometheus.io/scrape")).lower() == "true"


_DASHBOARD = re.compile(r'"panels"\s*:\s*\[|"schemaVersion"\s*:')


def dashboards(one: Object) -> Iterator[str]:
    """The names of the dashboards that a ConfigMap carries, or that an object of the Grafana operator is."""
    if one.kind == "GrafanaDashboard":
        yield one.name
    if one.kind == "ConfigMap":
        for key, value in mapping(one.node, "data").items():
            if key.endswith(".json") and isinstance(value, str) and _DASHBOARD.search(value):
                yield key


_BACKUP = re.compile(
    r"\b(?:pg_dump(?:all)?|pg_basebackup|mysqldump|mariadb-dump|mongodump|redis-cli\s+--rdb|restic|borg|velero|wal-g"
    r"|barman|xtrabackup|etcdctl\s+snapshot)\b|backup",
    re.IGNORECASE,
)
SNAPSHOTS = frozenset(
    {
        ("Schedule", "velero.io"),
        ("VolumeSnapshot", "snapshot.storage.k8s.io"),
        ("ScheduledBackup", "postgresql.cnpg.io"),
        ("SnapshotSchedule", "snapscheduler.backube"),
        ("PerconaXtraDBClusterBackup", "pxc.percona.com"),
    }
)


def backup(one: Object, pods: tuple[Pod, ...]) -> str:
    """The schedule of a backup that an object is; its kind where it has none, empty where it is no backup."""
    if (one.kind, one.group) in SNAPSHOTS:
        return text(one.spec.get("schedule")) or one.kind
    if one.kind != "CronJob":
        return ""
    words = [one.name]
    for pod in pods:
        if pod.owner is one:
            for container in pod.containers():
                words += [
                    container.image,
                    *_words(container.node.get("command")),
                    *_words(container.node.get("args")),
                ]
    return text(one.spec.get("schedule")) if _BACKUP.search(" ".join(words)[:8000]) else ""


def _words(value: object) -> list[str]:
    return [str(part) for part in value] if isinstance(value, list) else []


# Kinds that prove a thing by being there.
PROOFS = {
    ("ServiceMonitor", "monitoring.coreos.com"): "scraping",
    ("PodMonitor", "monitoring.coreos.com"): "scraping",
    ("AlertmanagerConfig", "monitoring.coreos.com"): "alert-routing",
    ("Certificate", "cert-manager.io"): "certificates",
    ("Issuer", "cert-manager.io"): "certificates",
    ("ClusterIssuer", "cert-manager.io"): "certificates",
    ("ExternalSecret", "external-secrets.io"): "secret-store",
    ("ClusterExternalSecret", "external-secrets.io"): "secret-store",
    ("SealedSecret", "bitnami.com"): "secret-store",
    ("SecretProviderClass", "secrets-store.csi.x-k8s.io"): "secret-store",
    ("VaultStaticSecret", "secrets.hashicorp.com"): "secret-store",
    ("Application", "argoproj.io"): "gitops",
    ("Kustomization", "kustomize.toolkit.fluxcd.io"): "gitops",
    ("HelmRelease", "helm.toolkit.fluxcd.io"): "gitops",
    ("Rollout", "argoproj.io"): "gradual-rollout",
    ("Canary", "flagger.app"): "gradual-rollout",
}


def proof(one: Object) -> str:
    """What an object proves by being there; empty for other objects."""
    return PROOFS.get((one.kind, one.group), "")


def alert_without_runbook(one: Object) -> Iterator[Hit]:
    """An alert has no link to what is to be done."""
    for alert in alerts(one):
        if not alert.runbook:
            yield missing(alert.span, alert=alert.name)
