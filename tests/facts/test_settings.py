"""What variables say, the same in an image, a compose file and a manifest."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

import readiness
from readiness.facts import settings


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DEBUG", "True", True),
        ("DEBUG", "app:*", True),
        ("DEBUG", "0", False),
        ("DEBUG", "express:router", False),
        ("SHOP_DEBUG_MODE", "on", True),
        ("debug", "1", True),
        ("DEBUGGER", "1", False),
        ("WERKZEUG_DEBUG_PIN", "off", True),
        ("WERKZEUG_DEBUG_PIN", "1", False),
        ("ENV", "dev", True),
        ("NODE_ENV", "Development", True),
        ("NODE_ENV", "production", False),
        ("NODE_ENV", "1", False),
        ("PATH", "dev", False),
    ],
)
def test_what_turns_debug_on(name: str, value: str, expected: bool) -> None:
    assert settings.turns_debug_on(name, value) is expected
    assert settings.may_turn_debug_on(name) or not expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("LOG_LEVEL", True),
        ("APP_LOGLEVEL", True),
        ("LOGGING_LEVEL", True),
        ("LOGGING_LEVEL_ROOT", True),
        ("RUST_LOG", True),
        ("CATALOG_LEVEL", False),
        ("LOG_LEVELS", False),
    ],
)
def test_what_sets_the_level_of_logs(name: str, expected: bool) -> None:
    assert settings.is_log_level_variable(name) is expected
    assert settings.sets_verbose_log_level(name, "TRACE") is expected
    assert not settings.sets_verbose_log_level(name, "warn")


FILES = {
    "Dockerfile": "FROM python:3.13\nENV {name}={value}\nUSER 1000\n",
    "compose.yaml": "services:\n  web: {{image: acme/web:1, environment: {{{name}: '{value}'}}}}\n",
    "pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec:\n  containers:\n"
    "    - {{name: web, image: 'acme/web:1', env: [{{name: {name}, value: '{value}'}}]}}\n",
}
DEBUG = ["compose/debug-on", "dockerfile/debug-mode", "k8s/debug-on"]
LEVEL = ["compose/log-level-debug", "dockerfile/log-level-debug", "k8s/log-level-debug"]


@pytest.mark.parametrize(
    ("name", "value", "rules"),
    [
        ("ENV", "development", DEBUG),
        ("RAILS_ENV", "local", DEBUG),
        ("SHOP_DEBUG", "yes", DEBUG),
        ("WERKZEUG_DEBUG_PIN", "off", DEBUG),
        ("DEBUG", "false", []),
        ("RUST_LOG", "trace", LEVEL),
        ("SHOP_LOGLEVEL", "verbose", LEVEL),
        ("LOG_LEVEL", "info", []),
    ],
)
def test_all_kinds_ask_one_table(tmp_path: Path, name: str, value: str, rules: list[str]) -> None:
    for path, text in FILES.items():
        (tmp_path / path).write_text(text.format(name=name, value=value))
    report = readiness.check([tmp_path], select=DEBUG + LEVEL, base=tmp_path, today=datetime.date(2026, 11, 1))
    assert sorted(one.rule for one in report.findings) == rules
