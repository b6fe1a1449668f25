"""The environments of a chart, rendered a few at a time within limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from readiness.loading.chart_errors import is_default_namespace_refused, render_problem_text
from readiness.loading.render.made import LimitError, RenderError
from readiness.programs import budget as programs_budget
from readiness.programs.budget import RunBudget

if TYPE_CHECKING:
    from readiness.loading.render import helm
    from readiness.loading.render.chart_files import ChartFiles

_MAX_ENVIRONMENTS_PER_PROCESS = 10  # environments that one process renders
_MAX_SECONDS_PER_CHART = 120  # of processor time for all environments of one chart


def render_in_batches(
    chart_files: ChartFiles, environments: Sequence[helm.ValuesEnvironment], chart_folder: str, budget: RunBudget
) -> tuple[list[helm.RenderedTemplate], dict[str, str], set[str]]:
    """(renderings, errors by environment, those that are limits) of a chart, a few at a time, for each process has a limit.

    After one that did not end well no more are tried, nor after some minutes of processor time for the chart, or when the run's budget is spent.
    """
    rendered_templates: list[helm.RenderedTemplate] = []
    error_by_environment: dict[str, str] = {}
    limit_errors: set[str] = set()
    program_seconds_before = programs_budget.child_processor_seconds()
    last_problem = ""
    for batch_start in range(0, len(environments), _MAX_ENVIRONMENTS_PER_PROCESS):
        batch = list(environments[batch_start : batch_start + _MAX_ENVIRONMENTS_PER_PROCESS])
        if not last_problem and programs_budget.child_processor_seconds() - program_seconds_before > _MAX_SECONDS_PER_CHART:
            limit_error = LimitError(f"the environments before it took over {_MAX_SECONDS_PER_CHART} seconds")
            last_problem = render_problem_text(limit_error, chart_folder)
            limit_errors.add(last_problem)
        if last_problem:
            error_by_environment |= {one.name: last_problem for one in batch}
            continue
        try:
            batch_templates, batch_error_by_environment = _render_batch_within_budget(chart_files, batch, budget)
            rendered_templates += batch_templates
            error_by_environment |= batch_error_by_environment
        except RenderError as render_error:
            last_problem = render_problem_text(render_error, chart_folder)
            limit_errors |= {last_problem} if isinstance(render_error, LimitError) else set()
            error_by_environment |= {one.name: last_problem for one in batch}
    return rendered_templates, error_by_environment, limit_errors


def _render_batch_within_budget(
    chart_files: ChartFiles, environments: Sequence[helm.ValuesEnvironment], budget: RunBudget
) -> tuple[list[helm.RenderedTemplate], dict[str, str]]:
    """What `_render_batch` gives, counted. Raises RenderError."""
    try:
        with budget.metered():
            rendered_templates, error_by_environment = _render_batch(chart_files, environments)
        budget.add_rendered_bytes(sum(len(one.text) for one in rendered_templates))
    except programs_budget.BudgetExceededError as error:
        raise LimitError(str(error)) from None
    return rendered_templates, error_by_environment


def _render_batch(chart_files: ChartFiles, environments: Sequence[helm.ValuesEnvironment]) -> tuple[list[helm.RenderedTemplate], dict[str, str]]:
    """The same of a few environments; those that refuse the namespace are rendered for another. Raises RenderError."""
    from readiness.loading.render import helm

    rendered_templates, error_by_environment = helm.render_chart(chart_files, environments)
    namespace_refusing_environments = [one for one in environments if is_default_namespace_refused(one, error_by_environment.get(one.name, ""))]
    if not namespace_refusing_environments:
        return rendered_templates, error_by_environment
    retried_templates, retried_error_by_environment = helm.render_chart(
        chart_files, [replace(one, namespace=helm.DEFAULT_RELEASE_NAME) for one in namespace_refusing_environments]
    )
    retried_environment_names = {one.name for one in namespace_refusing_environments}
    return [*rendered_templates, *retried_templates], {
        name: environment_error for name, environment_error in error_by_environment.items() if name not in retried_environment_names
    } | retried_error_by_environment
