"""What the tests share: the rules, and the shared material that only some machines have."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from readiness.ruleset import rules
from readiness.ruleset.bound import LoadedRule

# Timings are no tests: the first example of a run imports and compiles what the others find done.
settings.register_profile("without-timings", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("without-timings")

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


@cache
def catalogue() -> tuple[LoadedRule, ...]:
    """Every rule of the tool, each tier by itself."""
    return tuple(rules.load_rules())


@cache
def by_rule() -> dict[str, list[LoadedRule]]:
    """The tiers of every rule of the tool; one for a rule that has none."""
    found: dict[str, list[LoadedRule]] = {}
    for bound in catalogue():
        found.setdefault(bound.rule.id, []).append(bound)
    return found


@pytest.fixture
def shared() -> Path:
    """The shared material beside the checkout; without it the test is skipped, and says so."""
    if not SHARED.is_dir():
        pytest.skip("needs the shared material beside the checkout (../shared), which is not here")
    return SHARED


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update` writes the snapshots anew."""
    parser.addoption("--update", action="store_true", help="write the snapshots anew")
