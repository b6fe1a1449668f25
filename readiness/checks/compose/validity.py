"""What Docker refuses in one file: keys, values, variables, keys written twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from readiness.facts.table import fact_column
from readiness.kinds import dotenv
from readiness.kinds.compose import formats, schema
from readiness.kinds.compose.application import join_compose_files
from readiness.kinds.compose.model import Document
from readiness.kinds.compose.parts import substring_span
from readiness.kinds.compose.schema import Problem
from readiness.model import CheckOutcome, Hit, Span, Undecidable, hit, spelling
from readiness.model.project import Project
from readiness.syntax.interpolation import InterpolationError, interpolate
from readiness.syntax.yaml import Map, Seq

_TEMPLATE_MARK = re.compile(r"\{\{|\{%")


def _problems_of(project: Project) -> dict[int, list[Problem]]:
    """What the schema and the forms of values refuse, by document."""
    problems: dict[int, list[Problem]] = {}
    parts = project.memoize(join_compose_files).extended_only_ids
    for document in project.documents_of_kind("compose"):
        mine = problems[id(document)] = []
        if document.legacy:
            continue
        for root in document.roots:
            mine += schema.schema_problems(root)
            mine += formats.format_problems(root)
        if id(document) in parts:  # Docker reads only the services that are extended
            mine[:] = [problem for problem in mine if not (len(problem.path) == 2 and problem.path[0] == "services")]
    return problems


def _problems_outside_template_marks(document: Document, project: Project) -> list[Problem]:
    problems = project.memoize(_problems_of).get(id(document), [])
    if not _TEMPLATE_MARK.search(document.source.text):
        return problems
    text = document.source.text
    return [one for one in problems if not _TEMPLATE_MARK.search(text[one.span.start : one.span.end + 2])]


def key_unknown(document: Document, project: Project) -> CheckOutcome:
    """A key that the specification does not know where it stands; what another tool's keys are in a file that it reads, nobody can tell."""
    reader = next((key for key in document.node if key in fact_column("docker-words", "compose-reader")), None)
    if reader is not None:
        yield Undecidable(document.node.key_span(reader))
        return
    for problem in _problems_outside_template_marks(document, project):
        if problem.kind == "key" and not _is_template_key(problem):
            owner = ".".join(problem.path[:-1]) or "the top level"
            yield hit(
                problem.span,
                key=problem.path[-1],
                owner=owner,
                hint=_key_hint(problem),
                resource=_resource_of(problem.path),
            )
    if document.legacy:
        first = next(iter(document.node), "")
        hint = "; the first format has no `services`, and Docker reads it no more"
        yield hit(document.node.key_span(first), key=first, owner="the top level", hint=hint)


def _is_template_key(problem: Problem) -> bool:
    """Keys that are variables of a template, not of Docker."""
    return problem.path[-1].startswith(("{", "%"))


def _resource_of(key_path: tuple[str, ...]) -> str:
    return f"service/{key_path[1]}" if len(key_path) > 1 and key_path[0] == "services" else "project"


def _key_hint(problem: Problem) -> str:
    """Where the key belongs, or the nearest one that is known here."""
    key, parent_path = problem.path[-1], problem.path[:-1]
    if len(parent_path) == 1 and parent_path[0] in {
        "services",
        "networks",
        "volumes",
        "secrets",
        "configs",
        "models",
    }:
        return "; a name has letters, digits, dots, hyphens and underscores"
    below = [
        path
        for path in _known_paths().get(key, ())
        if path[: len(_path_form(parent_path))] == _path_form(parent_path) and path != _path_form(parent_path)
    ]
    if below:
        return f"; it belongs under `{'.'.join(below[0][len(_path_form(parent_path)) :])}`"
    hint = spelling.did_you_mean_text(key, problem.allowed) or spelling.did_you_mean_text(
        key.replace("-", "_"), problem.allowed
    )
    if hint:
        return hint
    homes = [path for path in _known_paths().get(key, ()) if path]
    if not parent_path and any(path == ("services", "*") for path in homes):
        return "; it belongs to a service"
    if homes:
        return f"; it belongs under `{'.'.join(step for step in homes[0] if step != '*')}`"
    return ""


def _path_form(path: tuple[str, ...]) -> tuple[str, ...]:
    """A path with names taken out: services.web.deploy is services.*.deploy."""
    return tuple("*" if index == 1 or step.isdigit() else step for index, step in enumerate(path))


@cache
def _known_paths() -> dict[str, list[tuple[str, ...]]]:
    """key -> the forms of path under which the specification knows it, the shortest first."""
    paths: dict[str, list[tuple[str, ...]]] = {}
    todo: list[tuple[tuple[str, ...], dict[str, Any]]] = [((), schema.schema_data())]
    while todo:
        path, node = todo.pop(0)
        if len(path) > 6 or path[:1] == ("jobs",):
            continue
        if "$ref" in node:
            todo.append((path, schema.schema_data()["$defs"][node["$ref"].rpartition("/")[2]]))
        todo += [(path, inner) for name in ("oneOf", "allOf") for inner in node.get(name, ())]
        for key, inner in node.get("properties", {}).items():
            paths.setdefault(key, []).append(path)
            todo.append(((*path, key), inner))
        if len(path) == 1:
            todo += [((*path, "*"), inner) for form, inner in node.get("patternProperties", {}).items() if form != "^x-"]
        if "items" in node and path:
            todo.append((path, node["items"]))
    return paths


def value_invalid(document: Document, project: Project) -> CheckOutcome:
    """A value of a type or a form that Docker refuses, or a key that must be there and is not."""
    for problem in _problems_outside_template_marks(document, project):
        if problem.kind != "key":
            facts = {"where": ".".join(problem.path) or "the file", **problem.facts}
            resource = _resource_of(problem.path)
            yield Hit(problem.span, facts, resource=resource, message_name=problem.say)


def interpolation_invalid(document: Document) -> CheckOutcome:
    """A `${` that begins no variable."""
    for root in document.roots:
        seen: set[int] = set()
        stack: list[Map | Seq] = [root]
        while stack:
            node = stack.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            for key, value in list(node.items() if isinstance(node, Map) else enumerate(node)):
                if isinstance(value, Map | Seq):
                    stack.append(value)
                elif isinstance(value, str) and "${" in value:
                    yield from _interpolation_error(document, node, key, value)


def _interpolation_error(document: Document, node: Map | Seq, key: Any, value: str) -> Iterator[Hit]:
    try:
        interpolate(value)
    except InterpolationError as error:
        end = value.find("}", error.offset) + 1 or error.offset + 2
        span = substring_span(document.source, node.at(key), value, error.offset, end)
        yield hit(span, text=value[error.offset : end][:40], problem=error.message)


def env_file_invalid(document: dotenv.Document) -> CheckOutcome:
    """An environment file that Docker refuses to read; all of the line is shown, or hidden, as one."""
    problem = document.parsed_env_file.problem
    if document.read and problem is not None:
        text = document.source.text
        start = text.rfind("\n", 0, min(problem.offset, len(text.rstrip()) - 1)) + 1
        span = document.source.one_line(Span(start, len(text)))
        yield hit(span, problem=problem.message)


def key_repeated(document: Document) -> CheckOutcome:
    """A key that stands twice in one mapping."""
    seen: set[int] = set()
    stack: list[Any] = list(document.roots)
    while stack:
        node = stack.pop()
        if not isinstance(node, Map | Seq) or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, Map):
            for key, at in node.repeated:
                yield hit(type(node.at())(at, at + len(key)), key=key)
        stack.extend(node.values() if isinstance(node, Map) else node)
