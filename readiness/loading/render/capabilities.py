"""What `.Capabilities` says to a chart: the newest Kubernetes that the facts know, with all API versions that it serves.

A renderer knows those of its client library: old ones that no cluster serves any more, and none of the aggregated ones.
"""

from __future__ import annotations

from functools import cache

from readiness.facts.table import fact_row_by_name, facts_table
from readiness.model.lazy_regex import lazy_regex

_HAS_API_VERSION_CALL = ".Capabilities.APIVersions.Has"
_QUOTED_API_VERSION_ARGUMENT = lazy_regex(r"""([ \t]{1,20}["`])([\w./-]{1,300})(?=["`])""")
_UNSERVED_GROUP_PREFIX = "removed.invalid/"


def kubernetes_version() -> str:
    """The release of Kubernetes that a chart is rendered for: `1.37`."""
    return facts_table("kubernetes-kinds").version


@cache
def served_api_versions_and_kinds() -> tuple[str, ...]:
    """What that release serves, as `.Capabilities.APIVersions.Has` is asked: `apps/v1` and `apps/v1/Deployment`.

    https://helm.sh/docs/chart_template_guide/builtin_objects/
    """
    api_versions_and_kinds = set()
    for kind_row_name in fact_row_by_name("kubernetes-kinds"):
        api_version, _, kind = kind_row_name.partition(" ")
        api_versions_and_kinds |= {api_version, f"{api_version}/{kind}"}
    return tuple(sorted(api_versions_and_kinds))


@cache
def _removed_api_versions_and_kinds() -> frozenset[str]:
    api_versions_and_kinds = set()
    for api_row_name in fact_row_by_name("kubernetes-apis"):
        api_version, _, kind = api_row_name.partition(" ")
        api_versions_and_kinds |= {api_version, f"{api_version}/{kind}"}
    return frozenset(api_versions_and_kinds - set(served_api_versions_and_kinds()))


def replace_removed_api_versions(template_text: str) -> str:
    """A template that asks for API versions which are no longer served in words that no cluster answers with yes."""

    text_before_first_call, *texts_after_calls = template_text.split(_HAS_API_VERSION_CALL)
    rewritten_parts = [text_before_first_call]
    for text_after_call in texts_after_calls:
        argument_match = _QUOTED_API_VERSION_ARGUMENT.match(text_after_call)
        if argument_match and argument_match[2] in _removed_api_versions_and_kinds():
            text_after_call = f"{argument_match[1]}{_UNSERVED_GROUP_PREFIX}{text_after_call[argument_match.end(1) :]}"  # noqa: PLW2901
        rewritten_parts.append(text_after_call)
    return _HAS_API_VERSION_CALL.join(rewritten_parts)
