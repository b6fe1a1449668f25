"""Why a chart does not render: what is not here, what it asks for, and what brings it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING

from readiness.loading.assembly import CAUSE_BROKEN, CAUSE_NOT_HERE, CAUSE_NOT_IN_TREE
from readiness.loading.render.made import LimitError, RenderError

if TYPE_CHECKING:
    from readiness.loading.render import helm
    from readiness.loading.render.chart_files import AbsentDependency

_EXECUTION_ERROR = "execution error at ("  # `required` and `fail`, in Helm's words
_SCHEMA_ERROR = "values don't meet the specifications of the schema"


def is_caused_by_absent_dependency(render_problem: str, absent_dependencies: Iterable[AbsentDependency]) -> bool:
    """Whether a chart fails for values or templates that a dependency brings which is not here, and which is told by itself.

    Its own values come along with it, and so do those that `import-values` takes.
    https://helm.sh/docs/topics/charts/#importing-child-values-via-dependencies
    """
    absent_dependency_names = {name for one in absent_dependencies for name in (one.dependency.alias, one.dependency.name) if name}
    nil_value_match = re.search(r"<\$?\.Values\.([\w-]{1,200})[.\w-]{0,400}>: nil pointer evaluating", render_problem)
    absent_template_match = re.search(r'no template "([\w-]{1,200})\.', render_problem)
    return any(match is not None and match[1] in absent_dependency_names for match in (nil_value_match, absent_template_match))


def is_default_namespace_refused(environment: helm.ValuesEnvironment, render_problem: str) -> bool:
    """Whether a chart refuses the namespace that it was rendered for since nobody said another: it is not for `default`."""
    from readiness.loading.render import helm

    lowercase_problem = render_problem.lower()
    return (
        environment.namespace == helm.DEFAULT_NAMESPACE
        and _EXECUTION_ERROR in render_problem
        and all(word in lowercase_problem for word in ("namespace", "default"))
    )


def asks_for_values(environment_name: str, render_problem: str) -> bool:
    """Whether an environment fails since the chart's author wants other values: defaults that its own schema refuses do so, too."""
    from readiness.loading.render import helm

    return _EXECUTION_ERROR in render_problem or (environment_name == helm.DEFAULT_VALUES_FILE and _SCHEMA_ERROR in render_problem)


def absent_dependencies_by_reason(
    absent_dependencies: Iterable[AbsentDependency], chart_folder: str
) -> dict[tuple[str, str, str], list[AbsentDependency]]:
    """(file, reason, sort of it) -> the dependencies that are absent for it, which one command brings."""
    dependencies_by_reason: dict[tuple[str, str, str], list[AbsentDependency]] = {}
    for absent_dependency in absent_dependencies:
        absence_reason = absent_dependency.reason or f"declared here and not in charts/; {dependency_build_hint(chart_folder)}"
        dependencies_by_reason.setdefault((absent_dependency.dependency.source.path, absence_reason, absence_cause(absent_dependency)), []).append(
            absent_dependency
        )
    return dependencies_by_reason


def absence_cause(absent_dependency: AbsentDependency) -> str:
    """Of which sort it is that a dependency is not here."""
    if not absent_dependency.reason:
        return CAUSE_NOT_HERE
    return CAUSE_NOT_IN_TREE if "leads out" in absent_dependency.reason else CAUSE_BROKEN


def dependency_build_hint(chart_folder: str) -> str:
    """The command that brings what a chart declares."""
    return f"`helm dependency build {shlex.quote(chart_folder or '.')}` brings what is declared"


def render_problem_text(render_error: RenderError, chart_folder: str) -> str:
    """What is said of a chart that gave nothing; where a limit of ours stops it, how it is judged all the same."""
    if not isinstance(render_error, LimitError):
        return str(render_error)
    quoted_chart_folder = shlex.quote(chart_folder or ".")
    return f"{render_error}; `helm template {quoted_chart_folder} | readiness check -` judges what it gives"
