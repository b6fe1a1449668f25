"""Jobs and steps among each other: ids, needs, matrices, runners, shells, conditions, permissions, variables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from readiness.facts.table import fact_rows
from readiness.kinds.github.model import Job, Workflow
from readiness.kinds.github.texts import contains_expression, expressions, text_at
from readiness.model import CheckOutcome, Hit, Severity, Span, hit, join_names
from readiness.syntax import secrets
from readiness.syntax.expression import context_accesses
from readiness.syntax.holes import has_expression
from readiness.syntax.secrets import SecretStrength, ValueContext
from readiness.syntax.yaml import Map, Seq

_VALID_ID = re.compile(r"(?!__)[A-Za-z_][A-Za-z0-9_-]{0,98}\Z")


def id_invalid(workflow: Workflow) -> CheckOutcome:
    """An id that GitHub does not take, or a step's id that stands twice in a job."""
    for job in workflow.jobs:
        if not _VALID_ID.match(job.name):
            yield hit(job.id_span, say="job", id=job.name)
        seen: dict[str, str] = {}
        for step in job.steps:
            name = step.node.get("id")
            if isinstance(name, bool | Map | Seq) or not (name or name == 0) or contains_expression(name):
                continue
            name = str(name)
            if not _VALID_ID.match(name):
                yield hit(step.node.at("id"), say="step", id=name)
            elif name.lower() in seen:
                yield hit(step.node.at("id"), say="repeated", id=name, job=job.name)
            seen.setdefault(name.lower(), name)


def needs_invalid(workflow: Workflow) -> CheckOutcome:
    """`needs` of a job that is not there, of itself, twice, or in a circle."""
    jobs = {job.name.lower(): job for job in workflow.jobs}
    for job in workflow.jobs:
        seen = set()
        for name, span in _needs_of(job.node):
            low = name.lower()
            if low not in jobs:
                yield hit(span, say="unknown", job=job.name, needed=name)
            elif low in seen:
                yield hit(span, say="repeated", job=job.name, needed=name)
            seen.add(low)
    yield from _need_circles(jobs)


def _needs_of(node: Map) -> Iterator[tuple[str, Span]]:
    value = node.get("needs")
    owner: Any = value if isinstance(value, Seq) else node
    for key in range(len(value)) if isinstance(value, Seq) else ("needs",):
        item = owner.get(key)
        if isinstance(item, str | int | float) and item != "":
            yield str(item), owner.at(key)


def _need_circles(jobs: dict[str, Job]) -> Iterator[Hit]:
    """One hit for each circle, at the `needs` of its first job."""
    state: dict[str, int] = {}
    for start, first_job in jobs.items():
        stack: list[tuple[str, Iterator[str]]] = []
        if start not in state:
            state[start] = 1
            stack.append((start, iter([n.lower() for n in first_job.needs])))
        while stack:
            name, rest = stack[-1]
            after = next((n for n in rest if n in jobs and state.get(n) != 2), None)
            if after is None:
                state[name] = 2
                stack.pop()
            elif state.get(after) == 1:
                way = [entry[0] for entry in stack]
                circle = way[way.index(after) :]
                first = jobs[min(circle, key=lambda n: jobs[n].id_span.start)]
                circle_text = " -> ".join([jobs[n].name for n in circle] + [jobs[circle[0]].name])
                yield hit(first.id_span, say="circle", jobs=circle_text)
            else:
                state[after] = 1
                stack.append((after, iter([n.lower() for n in jobs[after].needs])))


def matrix_invalid(workflow: Workflow) -> CheckOutcome:
    """A matrix value that stands twice, or an `exclude` that takes nothing out."""
    for job in workflow.jobs:
        matrix = job.node.mapping_at_path("strategy").get("matrix")
        if isinstance(matrix, Map):
            yield from _repeated_matrix_value_hits(matrix)
            yield from _matrix_exclude_hits(matrix)


def _repeated_matrix_value_hits(matrix: Map) -> Iterator[Hit]:
    for name, values in matrix.items():
        if name in ("include", "exclude") or not isinstance(values, Seq):
            continue
        for index, value in enumerate(values):
            if any(type(value) is type(other) and value == other for other in values[:index][:200]):
                yield hit(values.at(index), say="repeated", key=name)


def _matrix_exclude_hits(matrix: Map) -> Iterator[Hit]:
    excludes = matrix.get("exclude")
    axes = {name: values for name, values in matrix.items() if name not in ("include", "exclude")}
    for entry in excludes if isinstance(excludes, Seq) else ():
        if not isinstance(entry, Map):
            continue
        for name, wanted in entry.items():
            values = axes.get(name)
            if values is None:
                yield hit(entry.key_span(name), say="key", key=name)
            elif (
                isinstance(values, Seq)
                and not _has_expression(wanted)
                and not _has_expression(values)
                and not any(_excludes_value(v, wanted) for v in values)
            ):
                yield hit(entry.at(name), say="value", key=name)


def _has_expression(value: Any) -> bool:
    """Whether an expression gives a value, or a part of it."""
    stack, count = [value], 0
    while stack and count < 2_000:
        item = stack.pop()
        count += 1
        if contains_expression(item):
            return True
        stack.extend(item.values() if isinstance(item, Map) else item if isinstance(item, Seq) else ())
    return False


def _excludes_value(value: Any, excluded: Any, depth: int = 0) -> bool:
    """Whether a value holds all that an `exclude` asks for."""
    if isinstance(value, Map) and isinstance(excluded, Map) and depth < 20:
        return all(name in value and _excludes_value(value[name], excluded[name], depth + 1) for name in excluded)
    if isinstance(value, Seq) and isinstance(excluded, Seq) and depth < 20:
        pairs = zip(value, excluded, strict=False)
        return len(excluded) <= len(value) and all(_excludes_value(v, w, depth + 1) for v, w in pairs)
    plain = not isinstance(value, Map | Seq) and not isinstance(excluded, Map | Seq)
    return bool(value == excluded) or (plain and str(value).lower() == str(excluded).lower())


def permission_invalid(workflow: Workflow) -> CheckOutcome:
    """A permission that there is not, or a value that it does not take."""
    nodes = [workflow.node, *(job.node for job in workflow.jobs)]
    for node in nodes:
        if "permissions" not in node:
            continue
        value = node["permissions"]
        if isinstance(value, Map):
            yield from _permission_hits(value)
        elif value not in ("read-all", "write-all") and not isinstance(value, Seq):
            span = node.at("permissions") if value else node.key_span("permissions")
            yield hit(span, say="whole", value=value or "empty")


def _permission_hits(permissions: Map) -> Iterator[Hit]:
    for name, level in permissions.items():
        if name not in fact_rows("github-permissions"):
            yield hit(permissions.key_span(name), say="unknown", permission=name)
            continue
        allowed = fact_rows("github-permissions")[name].get("levels", ("read", "write", "none"))
        if level not in allowed:
            yield hit(
                permissions.at(name),
                say="level",
                permission=name,
                level=repr(level),
                allowed=join_names(allowed),
            )


_BAD_NAME = re.compile(r"[&=\s]")


def variable_name_invalid(workflow: Workflow) -> CheckOutcome:
    """A variable whose name no shell can read."""
    for node in _environment_mappings(workflow):
        for name in node:
            if _BAD_NAME.search(name) and not has_expression(name):
                yield hit(node.key_span(name), variable=name)


def _environment_mappings(workflow: Workflow) -> Iterator[Map]:
    nodes: list[Any] = [workflow.node]
    for job in workflow.jobs:
        nodes += [job.node, job.node.get("container"), *(step.node for step in job.steps)]
        services = job.node.get("services")
        nodes += services.values() if isinstance(services, Map) else ()
    for node in nodes:
        env = node.get("env") if isinstance(node, Map) else None
        if isinstance(env, Map):
            yield env


_DEPRECATED_COMMAND = re.compile(r"::(set-output|save-state|set-env)[ \t]+name=|::(add-path)::")
_REPLACEMENT_BY_COMMAND = {
    "set-output": "GITHUB_OUTPUT",
    "save-state": "GITHUB_STATE",
    "set-env": "GITHUB_ENV",
    "add-path": "GITHUB_PATH",
}


def command_deprecated(workflow: Workflow) -> CheckOutcome:
    """A workflow command that GitHub has turned off or is about to."""
    for job in workflow.jobs:
        for step in job.steps:
            text = step.run_script
            if text is None:
                continue
            for match in _DEPRECATED_COMMAND.finditer(text.value):
                name = match.group(1) or match.group(2)
                start = match.start() + 2
                yield hit(
                    text.span_of_part(start, start + len(name)),
                    resource=step.resource,
                    command=name,
                    instead=_REPLACEMENT_BY_COMMAND[name],
                )


def container_password_inline(workflow: Workflow) -> CheckOutcome:
    """A registry password that stands in the workflow."""
    for job in workflow.jobs:
        services = job.node.get("services")
        holders: list[tuple[str, Any]] = [("the container", job.node.get("container"))]
        holders += [(f"service {n!r}", s) for n, s in services.items()] if isinstance(services, Map) else []
        for owner, holder in holders:
            credentials = holder.get("credentials") if isinstance(holder, Map) else None
            if not isinstance(credentials, Map):
                continue
            password = credentials.get("password")
            text = text_at(credentials, "password", workflow.source)
            read = text is not None and any(
                expression.tree is None or any(context_accesses(expression.tree)) for expression in expressions(text)
            )  # `${{ 'secret' }}` stands in the file as well
            if isinstance(password, str | int) and password != "" and not read:
                yield hit(
                    credentials.at("password"),
                    severity=_severity_of_registry_password(password),
                    resource=job.resource,
                    what=owner,
                )


def _severity_of_registry_password(password: str | int) -> Severity:
    """How bad a literal is in the place of a registry's password: only what a machine made is surely one that is in use."""
    verdict = secrets.classify_value("password", password, ValueContext.JOB)
    if not verdict.is_secret:
        return Severity.MEDIUM
    return Severity.CRITICAL if verdict.strength >= SecretStrength.RANDOM else Severity.HIGH
