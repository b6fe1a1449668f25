"""Jobs and steps among each other: ids, needs, matrices, runners, shells, conditions, permissions, variables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from readiness.facts.table import fact_row_by_name
from readiness.kinds.github.model import Job, Workflow
from readiness.kinds.github.texts import expressions_in_text, is_text_with_expression, located_text_at
from readiness.model import CheckOutcome, Hit, Severity, Span, hit, join_names
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax import secrets
from readiness.syntax.expression import longest_context_accesses
from readiness.syntax.holes import has_github_expression
from readiness.syntax.secrets import SecretStrength, ValueContext
from readiness.syntax.yaml import Map, Seq

_VALID_ID_PATTERN = lazy_regex(r"(?!__)[A-Za-z_][A-Za-z0-9_-]{0,98}\Z")


def id_invalid(workflow: Workflow) -> CheckOutcome:
    """An id that GitHub does not take, or a step's id that stands twice in a job."""
    for job in workflow.jobs:
        if not _VALID_ID_PATTERN.match(job.name):
            yield hit(job.id_span, say="job", id=job.name)
        step_id_by_lowercase_id: dict[str, str] = {}
        for step in job.steps:
            step_id = step.node.get("id")
            if isinstance(step_id, bool | Map | Seq) or not (step_id or step_id == 0) or is_text_with_expression(step_id):
                continue
            step_id = str(step_id)
            if not _VALID_ID_PATTERN.match(step_id):
                yield hit(step.node.at("id"), say="step", id=step_id)
            elif step_id.lower() in step_id_by_lowercase_id:
                yield hit(step.node.at("id"), say="repeated", id=step_id, job=job.name)
            step_id_by_lowercase_id.setdefault(step_id.lower(), step_id)


def needs_invalid(workflow: Workflow) -> CheckOutcome:
    """`needs` of a job that is not there, of itself, twice, or in a circle."""
    job_by_lowercase_name = {job.name.lower(): job for job in workflow.jobs}
    for job in workflow.jobs:
        seen_needs = set()
        for needed_name, needs_span in _needs_and_spans(job.node):
            lowercase_name = needed_name.lower()
            if lowercase_name not in job_by_lowercase_name:
                yield hit(needs_span, say="unknown", job=job.name, needed=needed_name)
            elif lowercase_name in seen_needs:
                yield hit(needs_span, say="repeated", job=job.name, needed=needed_name)
            seen_needs.add(lowercase_name)
    yield from _needs_cycle_hits(job_by_lowercase_name)


def _needs_and_spans(job_node: Map) -> Iterator[tuple[str, Span]]:
    needs_value = job_node.get("needs")
    needs_parent: Any = needs_value if isinstance(needs_value, Seq) else job_node
    for item_key in range(len(needs_value)) if isinstance(needs_value, Seq) else ("needs",):
        needed_name = needs_parent.get(item_key)
        if isinstance(needed_name, str | int | float) and needed_name != "":
            yield str(needed_name), needs_parent.at(item_key)


def _needs_cycle_hits(job_by_lowercase_name: dict[str, Job]) -> Iterator[Hit]:
    """One hit for each circle, at the `needs` of its first job."""
    visit_state_by_job: dict[str, int] = {}
    for start_name, first_job in job_by_lowercase_name.items():
        visit_stack: list[tuple[str, Iterator[str]]] = []
        if start_name not in visit_state_by_job:
            visit_state_by_job[start_name] = 1
            visit_stack.append((start_name, iter([n.lower() for n in first_job.needs])))
        while visit_stack:
            current_name, remaining_needs = visit_stack[-1]
            next_name = next((n for n in remaining_needs if n in job_by_lowercase_name and visit_state_by_job.get(n) != 2), None)
            if next_name is None:
                visit_state_by_job[current_name] = 2
                visit_stack.pop()
            elif visit_state_by_job.get(next_name) == 1:
                visit_path = [entry[0] for entry in visit_stack]
                cycle_names = visit_path[visit_path.index(next_name) :]
                first_cycle_job = job_by_lowercase_name[min(cycle_names, key=lambda n: job_by_lowercase_name[n].id_span.start)]
                cycle_text = " -> ".join([job_by_lowercase_name[n].name for n in cycle_names] + [job_by_lowercase_name[cycle_names[0]].name])
                yield hit(first_cycle_job.id_span, say="circle", jobs=cycle_text)
            else:
                visit_state_by_job[next_name] = 1
                visit_stack.append((next_name, iter([n.lower() for n in job_by_lowercase_name[next_name].needs])))


def matrix_invalid(workflow: Workflow) -> CheckOutcome:
    """A matrix value that stands twice, or an `exclude` that takes nothing out."""
    for job in workflow.jobs:
        matrix = job.node.mapping_at_path("strategy").get("matrix")
        if isinstance(matrix, Map):
            yield from _repeated_matrix_value_hits(matrix)
            yield from _matrix_exclude_hits(matrix)


def _repeated_matrix_value_hits(matrix: Map) -> Iterator[Hit]:
    for axis_name, axis_values in matrix.items():
        if axis_name in ("include", "exclude") or not isinstance(axis_values, Seq):
            continue
        seen_scalars: set[tuple[type, object]] = set()
        for index, axis_value in enumerate(axis_values):
            if isinstance(axis_value, Map | Seq):
                is_repeated = any(type(axis_value) is type(other) and axis_value == other for other in axis_values[: min(index, 64)])
            else:
                is_repeated = (type(axis_value), axis_value) in seen_scalars
                seen_scalars.add((type(axis_value), axis_value))
            if is_repeated:
                yield hit(axis_values.at(index), say="repeated", key=axis_name)


def _matrix_exclude_hits(matrix: Map) -> Iterator[Hit]:
    exclude_entries = matrix.get("exclude")
    axis_values_by_name = {axis_name: axis_values for axis_name, axis_values in matrix.items() if axis_name not in ("include", "exclude")}
    for exclude_entry in exclude_entries if isinstance(exclude_entries, Seq) else ():
        if not isinstance(exclude_entry, Map):
            continue
        for axis_name, excluded_value in exclude_entry.items():
            axis_values = axis_values_by_name.get(axis_name)
            if axis_values is None:
                yield hit(exclude_entry.key_span(axis_name), say="key", key=axis_name)
            elif (
                isinstance(axis_values, Seq)
                and not _contains_nested_expression(excluded_value)
                and not _contains_nested_expression(axis_values)
                and not any(_excludes_value(v, excluded_value) for v in axis_values)
            ):
                yield hit(exclude_entry.at(axis_name), say="value", key=axis_name)


def _contains_nested_expression(matrix_value: Any) -> bool:
    """Whether an expression gives a value, or a part of it."""
    pending_values, visited_count = [matrix_value], 0
    while pending_values and visited_count < 2_000:
        pending_value = pending_values.pop()
        visited_count += 1
        if is_text_with_expression(pending_value):
            return True
        pending_values.extend(pending_value.values() if isinstance(pending_value, Map) else pending_value if isinstance(pending_value, Seq) else ())
    return False


def _excludes_value(matrix_value: Any, excluded_value: Any, nesting_depth: int = 0) -> bool:
    """Whether a value holds all that an `exclude` asks for."""
    if isinstance(matrix_value, Map) and isinstance(excluded_value, Map) and nesting_depth < 20:
        return all(name in matrix_value and _excludes_value(matrix_value[name], excluded_value[name], nesting_depth + 1) for name in excluded_value)
    if isinstance(matrix_value, Seq) and isinstance(excluded_value, Seq) and nesting_depth < 20:
        value_pairs = zip(matrix_value, excluded_value, strict=False)
        return len(excluded_value) <= len(matrix_value) and all(_excludes_value(v, w, nesting_depth + 1) for v, w in value_pairs)
    are_both_scalars = not isinstance(matrix_value, Map | Seq) and not isinstance(excluded_value, Map | Seq)
    return bool(matrix_value == excluded_value) or (are_both_scalars and str(matrix_value).lower() == str(excluded_value).lower())


def permission_invalid(workflow: Workflow) -> CheckOutcome:
    """A permission that there is not, or a value that it does not take."""
    nodes_with_permissions = [workflow.node, *(job.node for job in workflow.jobs)]
    for workflow_or_job_node in nodes_with_permissions:
        if "permissions" not in workflow_or_job_node:
            continue
        permissions = workflow_or_job_node["permissions"]
        if isinstance(permissions, Map):
            yield from _permission_hits(permissions)
        elif permissions not in ("read-all", "write-all") and not isinstance(permissions, Seq):
            permissions_span = workflow_or_job_node.at("permissions") if permissions else workflow_or_job_node.key_span("permissions")
            yield hit(permissions_span, say="whole", value=permissions or "empty")


def _permission_hits(permissions: Map) -> Iterator[Hit]:
    for permission_name, access_level in permissions.items():
        if permission_name not in fact_row_by_name("github-permissions"):
            yield hit(permissions.key_span(permission_name), say="unknown", permission=permission_name)
            continue
        allowed_levels = fact_row_by_name("github-permissions")[permission_name].get("levels", ("read", "write", "none"))
        if access_level not in allowed_levels:
            yield hit(
                permissions.at(permission_name),
                say="level",
                permission=permission_name,
                level=repr(access_level),
                allowed=join_names(allowed_levels),
            )


_INVALID_VARIABLE_CHARACTER = lazy_regex(r"[&=\s]")


def variable_name_invalid(workflow: Workflow) -> CheckOutcome:
    """A variable whose name no shell can read."""
    for env_mapping in _env_mappings_of_workflow(workflow):
        for variable_name in env_mapping:
            if _INVALID_VARIABLE_CHARACTER.search(variable_name) and not has_github_expression(variable_name):
                yield hit(env_mapping.key_span(variable_name), variable=variable_name)


def _env_mappings_of_workflow(workflow: Workflow) -> Iterator[Map]:
    nodes_with_env: list[Any] = [workflow.node]
    for job in workflow.jobs:
        nodes_with_env += [job.node, job.node.get("container"), *(step.node for step in job.steps)]
        services_node = job.node.get("services")
        nodes_with_env += services_node.values() if isinstance(services_node, Map) else ()
    for possible_env_parent in nodes_with_env:
        env_mapping = possible_env_parent.get("env") if isinstance(possible_env_parent, Map) else None
        if isinstance(env_mapping, Map):
            yield env_mapping


_DEPRECATED_WORKFLOW_COMMAND = lazy_regex(r"::(set-output|save-state|set-env)[ \t]+name=|::(add-path)::")
_REPLACEMENT_BY_DEPRECATED_COMMAND = {
    "set-output": "GITHUB_OUTPUT",
    "save-state": "GITHUB_STATE",
    "set-env": "GITHUB_ENV",
    "add-path": "GITHUB_PATH",
}


def command_deprecated(workflow: Workflow) -> CheckOutcome:
    """A workflow command that GitHub has turned off or is about to."""
    for job in workflow.jobs:
        for step in job.steps:
            run_script = step.run_script
            if run_script is None:
                continue
            for match in _DEPRECATED_WORKFLOW_COMMAND.finditer(run_script.value):
                command_name = match.group(1) or match.group(2)
                command_start = match.start() + 2
                yield hit(
                    run_script.span_of_part(command_start, command_start + len(command_name)),
                    resource=step.resource,
                    command=command_name,
                    instead=_REPLACEMENT_BY_DEPRECATED_COMMAND[command_name],
                )


def container_password_inline(workflow: Workflow) -> CheckOutcome:
    """A registry password that stands in the workflow."""
    for job in workflow.jobs:
        services_node = job.node.get("services")
        described_containers: list[tuple[str, Any]] = [("the container", job.node.get("container"))]
        described_containers += [(f"service {n!r}", s) for n, s in services_node.items()] if isinstance(services_node, Map) else []
        for container_description, container_node in described_containers:
            credentials = container_node.get("credentials") if isinstance(container_node, Map) else None
            if not isinstance(credentials, Map):
                continue
            password = credentials.get("password")
            password_text = located_text_at(credentials, "password", workflow.source)
            is_read_from_context = password_text is not None and any(
                expression.tree is None or any(longest_context_accesses(expression.tree)) for expression in expressions_in_text(password_text)
            )  # `${{ 'secret' }}` stands in the file as well
            if isinstance(password, str | int) and password != "" and not is_read_from_context:
                yield hit(
                    credentials.at("password"),
                    severity=_severity_of_registry_password(password),
                    resource=job.resource,
                    what=container_description,
                )


def _severity_of_registry_password(password: str | int) -> Severity:
    """How bad a literal is in the place of a registry's password: only what a machine made is surely one that is in use."""
    secret_verdict = secrets.classify_value("password", password, ValueContext.JOB)
    if not secret_verdict.is_secret:
        return Severity.MEDIUM
    return Severity.CRITICAL if secret_verdict.strength >= SecretStrength.RANDOM else Severity.HIGH
