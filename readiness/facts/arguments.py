"""Build arguments that the builder predefines, or that every build may get."""

from __future__ import annotations

from functools import cache

from readiness.facts.table import fact_column


@cache
def platform_arguments() -> frozenset[str]:
    """Those that BuildKit fills in for a stage that declares them."""
    return frozenset(fact_column("build-arguments", "platform"))


@cache
def proxy_arguments() -> frozenset[str]:
    """The build arguments that Docker predefines, so that no ARG need declare them: HTTP_PROXY and its like."""
    return frozenset(fact_column("build-arguments", "proxy"))
