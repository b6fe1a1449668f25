"""Build arguments that the builder predefines, or that every build may get."""

from __future__ import annotations

from functools import cache

from readiness.facts.table import column


@cache
def platform_arguments() -> frozenset[str]:
    """Those that BuildKit fills in for a stage that declares them."""
    return frozenset(column("build-arguments", "platform"))


@cache
def proxy_arguments() -> frozenset[str]:
    """Those that every build may get."""
    return frozenset(column("build-arguments", "proxy"))
