"""Build arguments that the builder predefines, or that every build may get."""

from __future__ import annotations

from functools import cache

from readiness.facts.table import property_by_fact_name


@cache
def platform_build_arguments() -> frozenset[str]:
    """Those that BuildKit fills in for a stage that declares them."""
    return frozenset(property_by_fact_name("build-arguments", "platform"))


@cache
def predefined_proxy_build_arguments() -> frozenset[str]:
    """The build arguments that Docker predefines, so that no ARG need declare them: HTTP_PROXY and its like."""
    return frozenset(property_by_fact_name("build-arguments", "proxy"))
