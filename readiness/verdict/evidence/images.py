"""What an image is there for, where that is evidence: collecting metrics and logs, keeping logs, showing dashboards."""

from __future__ import annotations

from readiness.facts.images import image_property
from readiness.facts.settings import is_error_tracker_variable, is_log_level_variable
from readiness.syntax import image as images


def fact_served_by_image(reference: str) -> str:
    """The fact that a running container of an image is; empty for most."""
    return str(image_property(images.parse_image(reference), "serves") or "")


def variable_fact(name: str, value: str | None) -> str:
    """The fact that a variable is; `value` is None where it comes from elsewhere."""
    if is_error_tracker_variable(name):
        return "error-tracker" if value != "" else ""
    lower_case_value = (value or "").lower()
    if name.upper().endswith(("_ENV", "ENVIRONMENT")) and lower_case_value in ("production", "prod"):
        return "production-named"
    if is_log_level_variable(name):
        return "log-level" if lower_case_value in ("info", "warn", "warning", "error") else ""
    return ""


_DEBUG_VARIABLES = frozenset({"debug", "flask_debug", "django_debug", "app_debug", "rails_debug"})
_FALSE_TEXTS = frozenset({"false", "0", "off", "no"})


def variable_facts(name: str, value: str | None) -> tuple[str, ...]:
    """All facts that a variable is: that of variable_fact, and that debugging is off."""
    variable_fact_name = variable_fact(name, value)
    is_debug_off = name.lower() in _DEBUG_VARIABLES and (value or "").lower() in _FALSE_TEXTS
    return tuple(filter(None, (variable_fact_name, "debug-off" if is_debug_off or variable_fact_name == "production-named" else "")))
