"""What an image is there for, where that is evidence: collecting metrics and logs, keeping logs, showing dashboards."""

from __future__ import annotations

from readiness.syntax import image as images

_SERVES = {
    "scraping": "prom/prometheus quay.io/prometheus/prometheus victoriametrics/vmagent victoriametrics/victoria-metrics"
    " bitnami/prometheus",
    "dashboard-server": "grafana/grafana grafana/grafana-oss grafana/grafana-enterprise bitnami/grafana",
    "log-shipping": "fluent/fluent-bit cr.fluentbit.io/fluent/fluent-bit fluent/fluentd"
    " fluent/fluentd-kubernetes-daemonset grafana/promtail timberio/vector docker.elastic.co/beats/filebeat"
    " elastic/filebeat bitnami/fluent-bit bitnami/fluentd",
    "log-store": "grafana/loki docker.elastic.co/elasticsearch/elasticsearch elasticsearch opensearchproject/opensearch"
    " victoriametrics/victoria-logs graylog/graylog",
    "backup": "offen/docker-volume-backup prodrigestivill/postgres-backup-local databack/mysql-backup tiredofit/db-backup"
    " kartoza/pg-backup fradelg/mysql-cron-backup restic/restic mazzolino/restic",
}
_FACTS = {name: fact for fact, names in _SERVES.items() for name in names.split()}
# Settings without which a client of an error tracker reports to nobody.
TRACKERS = frozenset(
    "SENTRY_DSN ROLLBAR_ACCESS_TOKEN BUGSNAG_API_KEY HONEYBADGER_API_KEY AIRBRAKE_PROJECT_KEY RAYGUN_APIKEY GLITCHTIP_DSN".split()
)


def of_image(reference: str) -> str:
    """The fact that a running container of an image is; empty for most."""
    image = images.parse(reference)
    return "" if image.name_unknown else _FACTS.get(image.familiar, "")


def of_setting(name: str, value: str | None) -> str:
    """The fact that a variable is; `value` is None where it comes from elsewhere."""
    name = name.upper()
    if name in TRACKERS:
        return "error-tracker" if value != "" else ""
    low = (value or "").lower()
    if name.endswith(("_ENV", "ENVIRONMENT")) and low in ("production", "prod"):
        return "production-named"
    if name.endswith(("LOG_LEVEL", "LOGGING_LEVEL", "LOGLEVEL")) or name == "RUST_LOG":
        return "log-level" if low in ("info", "warn", "warning", "error") else ""
    return ""
