"""Why a chart does not render: what is not here, what it asks for, and what brings it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING

from readiness.loading.assembly import CAUSE_ABSENT, CAUSE_BROKEN, CAUSE_OUTSIDE
from readiness.loading.render.made import LimitError, RenderError

if TYPE_CHECKING:
    from readiness.loading.render import helm
    from readiness.loading.render.chart_files import AbsentDependency

_ASKS = "execution error at ("  # `required` and `fail`, in Helm's words
_SCHEMA = "values don't meet the specifications of the schema"


def is_for_absent(problem: str, absent: Iterable[AbsentDependency]) -> bool:
    """Whether a chart fails for values or templates that a dependency brings which is not here, and which is told by itself.

    Its own values come along with it, and so do those that `import-values` takes.
    https://helm.sh/docs/topics/charts/#importing-child-values-via-dependencies
    """
    names = {name for one in absent for name in (one.dependency.alias, one.dependency.name) if name}
    value = re.search(r"<\$?\.Values\.([\w-]{1,200})[.\w-]{0,400}>: nil pointer evaluating", problem)
    template = re.search(r'no template "([\w-]{1,200})\.', problem)
    return any(match is not None and match[1] in names for match in (value, template))


def is_guarded(environment: helm.ValuesEnvironment, problem: str) -> bool:
    """Whether a chart refuses the namespace that it was rendered for since nobody said another: it is not for `default`."""
    from readiness.loading.render import helm

    words = problem.lower()
    return (
        environment.namespace == helm.DEFAULT_NAMESPACE
        and _ASKS in problem
        and all(word in words for word in ("namespace", "default"))
    )


def asks_for_values(name: str, problem: str) -> bool:
    """Whether an environment fails since the chart's author wants other values: defaults that its own schema refuses do so, too."""
    from readiness.loading.render import helm

    return _ASKS in problem or (name == helm.DEFAULT_VALUES_FILE and _SCHEMA in problem)


def absent_by_reason(absent: Iterable[AbsentDependency], folder: str) -> dict[tuple[str, str, str], list[AbsentDependency]]:
    """(file, reason, sort of it) -> the dependencies that are absent for it, which one command brings."""
    grouped: dict[tuple[str, str, str], list[AbsentDependency]] = {}
    for missing in absent:
        reason = missing.reason or f"declared here and not in charts/; {help_of(folder)}"
        grouped.setdefault((missing.dependency.source.path, reason, cause_of(missing)), []).append(missing)
    return grouped


def cause_of(missing: AbsentDependency) -> str:
    """Of which sort it is that a dependency is not here."""
    if not missing.reason:
        return CAUSE_ABSENT
    return CAUSE_OUTSIDE if "leads out" in missing.reason else CAUSE_BROKEN


def help_of(folder: str) -> str:
    """The command that brings what a chart declares."""
    return f"`helm dependency build {shlex.quote(folder or '.')}` brings what is declared"


def problem_of(fault: RenderError, folder: str) -> str:
    """What is said of a chart that gave nothing; where a limit of ours stops it, how it is judged all the same."""
    if not isinstance(fault, LimitError):
        return str(fault)
    where = shlex.quote(folder or ".")
    return f"{fault}; `helm template {where} | readiness check -` judges what it gives"
