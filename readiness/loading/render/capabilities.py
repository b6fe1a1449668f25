"""What `.Capabilities` says to a chart: the newest Kubernetes that the facts know, with all API versions that it serves.

A renderer knows those of its client library: old ones that no cluster serves any more, and none of the aggregated ones.
"""

from __future__ import annotations

import re
from functools import cache

from readiness.facts.table import fact_rows, facts_table

_HAS_API_VERSION_CALL = ".Capabilities.APIVersions.Has"
_API_VERSION_ARGUMENT = re.compile(r"""([ \t]{1,20}["`])([\w./-]{1,300})(?=["`])""")
_UNSERVED_GROUP_PREFIX = "removed.invalid/"


def kubernetes_version() -> str:
    """The release of Kubernetes that a chart is rendered for: `1.37`."""
    return facts_table("kubernetes-kinds").version


@cache
def served_versions() -> tuple[str, ...]:
    """What that release serves, as `.Capabilities.APIVersions.Has` is asked: `apps/v1` and `apps/v1/Deployment`.

    https://helm.sh/docs/chart_template_guide/builtin_objects/
    """
    found = set()
    for name in fact_rows("kubernetes-kinds"):
        version, _, kind = name.partition(" ")
        found |= {version, f"{version}/{kind}"}
    return tuple(sorted(found))


@cache
def _removed_versions() -> frozenset[str]:
    found = set()
    for name in fact_rows("kubernetes-apis"):
        version, _, kind = name.partition(" ")
        found |= {version, f"{version}/{kind}"}
    return frozenset(found - set(served_versions()))


def without_removed_versions(text: str) -> str:
    """A template that asks for API versions which are no longer served in words that no cluster answers with yes."""

    first, *others = text.split(_HAS_API_VERSION_CALL)
    made = [first]
    for part in others:
        found = _API_VERSION_ARGUMENT.match(part)
        if found and found[2] in _removed_versions():
            part = f"{found[1]}{_UNSERVED_GROUP_PREFIX}{part[found.end(1) :]}"  # noqa: PLW2901
        made.append(part)
    return _HAS_API_VERSION_CALL.join(made)
