"""What an image is there for, where that is evidence: collecting metrics and logs, keeping logs, showing dashboards."""

from __future__ import annotations

from readiness.facts.images import fact
from readiness.syntax import image as images

# Settings without which a client of an error tracker reports to nobody.
TRACKERS = frozenset(
    "SENTRY_DSN ROLLBAR_ACCESS_TOKEN BUGSNAG_API_KEY HONEYBADGER_API_KEY AIRBRAKE_PROJECT_KEY RAYGUN_APIKEY GLITCHTIP_DSN".split()
)


def of_image(reference: str) -> str:
    """The fact that a running container of an image is; empty for most."""
    return str(fact(images.parse(reference), "serves") or "")


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
