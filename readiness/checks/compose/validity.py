"""What Docker refuses in one file: keys, values, variables, keys written twice."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from readiness.facts.table import property_by_fact_name
from readiness.kinds import dotenv
from readiness.kinds.compose import formats, schema
from readiness.kinds.compose.application import join_compose_files
from readiness.kinds.compose.model import Document
from readiness.kinds.compose.parts import substring_span
from readiness.kinds.compose.schema import Problem
from readiness.kinds.compose.words import is_surely_compose
from readiness.model import CheckOutcome, Hit, Severity, Span, Undecidable, hit, spelling
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax.interpolation import InterpolationError, interpolate_variables
from readiness.syntax.yaml import Map, Seq

_TEMPLATE_OPENING_MARK = lazy_regex(r"\{\{|\{%")


def _problems_by_document_id(project: Project) -> dict[int, list[Problem]]:
    """What the schema and the forms of values refuse, by document."""
    problems_by_document_id: dict[int, list[Problem]] = {}
    extended_only_ids = project.memoize(join_compose_files).extended_only_ids
    for document in project.documents_of_kind("compose"):
        document_problems = problems_by_document_id[id(document)] = []
        if document.legacy:
            continue
        for root_mapping in document.roots:
            document_problems += schema.schema_problems(root_mapping)
            document_problems += formats.format_problems(root_mapping)
        if id(document) in extended_only_ids:  # Docker reads only the services that are extended
            document_problems[:] = [problem for problem in document_problems if not (len(problem.path) == 2 and problem.path[0] == "services")]
    return problems_by_document_id


def _problems_outside_template_marks(document: Document, project: Project) -> list[Problem]:
    problems = project.memoize(_problems_by_document_id).get(id(document), [])
    if not _TEMPLATE_OPENING_MARK.search(document.source.text):
        return problems
    source_text = document.source.text
    return [one for one in problems if not _TEMPLATE_OPENING_MARK.search(source_text[one.span.start : one.span.end + 2])]


def key_unknown(document: Document, project: Project) -> CheckOutcome:
    """A key that the specification does not know where it stands; what another tool's keys are in a file that it reads, nobody can tell."""
    foreign_tool_key = next((key for key in document.node if key in property_by_fact_name("docker-words", "compose-reader")), None)
    if foreign_tool_key is not None:
        yield Undecidable(document.node.key_span(foreign_tool_key))
        return
    for unknown_key_problem in _problems_outside_template_marks(document, project):
        if unknown_key_problem.kind == "key" and not _is_template_variable_key(unknown_key_problem):
            parent_path_text = ".".join(unknown_key_problem.path[:-1]) or "the top level"
            yield hit(
                unknown_key_problem.span,
                severity=None if is_surely_compose(document) else Severity.MEDIUM,
                key=unknown_key_problem.path[-1],
                owner=parent_path_text,
                hint=_key_hint(unknown_key_problem),
                resource=_resource_at_key_path(unknown_key_problem.path),
            )
    if document.legacy:
        first_key = next(iter(document.node), "")
        format_hint = "; the first format has no `services`, and Docker reads it no more"
        yield hit(document.node.key_span(first_key), key=first_key, owner="the top level", hint=format_hint)


def _is_template_variable_key(problem: Problem) -> bool:
    """Keys that are variables of a template, not of Docker."""
    return problem.path[-1].startswith(("{", "%"))


def _resource_at_key_path(key_path: tuple[str, ...]) -> str:
    return f"service/{key_path[1]}" if len(key_path) > 1 and key_path[0] == "services" else "project"


def _key_hint(problem: Problem) -> str:
    """Where the key belongs, or the nearest one that is known here."""
    unknown_key, parent_path = problem.path[-1], problem.path[:-1]
    if len(parent_path) == 1 and parent_path[0] in {
        "services",
        "networks",
        "volumes",
        "secrets",
        "configs",
        "models",
    }:
        return "; a name has letters, digits, dots, hyphens and underscores"
    paths_below_parent = [
        path
        for path in _known_parent_paths_by_key().get(unknown_key, ())
        if path[: len(_path_without_names(parent_path))] == _path_without_names(parent_path) and path != _path_without_names(parent_path)
    ]
    if paths_below_parent:
        return f"; it belongs under `{'.'.join(paths_below_parent[0][len(_path_without_names(parent_path)) :])}`"
    spelling_hint = spelling.did_you_mean_text(unknown_key, problem.allowed) or spelling.did_you_mean_text(
        unknown_key.replace("-", "_"), problem.allowed
    )
    if spelling_hint:
        return spelling_hint
    known_parent_paths = [path for path in _known_parent_paths_by_key().get(unknown_key, ()) if path]
    if not parent_path and any(path == ("services", "*") for path in known_parent_paths):
        return "; it belongs to a service"
    if known_parent_paths:
        return f"; it belongs under `{'.'.join(step for step in known_parent_paths[0] if step != '*')}`"
    return ""


def _path_without_names(key_path: tuple[str, ...]) -> tuple[str, ...]:
    """A path with names taken out: services.web.deploy is services.*.deploy."""
    return tuple("*" if index == 1 or step.isdigit() else step for index, step in enumerate(key_path))


@cache
def _known_parent_paths_by_key() -> dict[str, list[tuple[str, ...]]]:
    """key -> the forms of path under which the specification knows it, the shortest first."""
    parent_paths_by_key: dict[str, list[tuple[str, ...]]] = {}
    pending_schema_nodes: list[tuple[tuple[str, ...], dict[str, Any]]] = [((), schema.load_compose_schema())]
    while pending_schema_nodes:
        key_path, schema_node = pending_schema_nodes.pop(0)
        if len(key_path) > 6 or key_path[:1] == ("jobs",):
            continue
        if "$ref" in schema_node:
            pending_schema_nodes.append((key_path, schema.load_compose_schema()["$defs"][schema_node["$ref"].rpartition("/")[2]]))
        pending_schema_nodes += [(key_path, inner_node) for name in ("oneOf", "allOf") for inner_node in schema_node.get(name, ())]
        for property_key, inner_node in schema_node.get("properties", {}).items():
            parent_paths_by_key.setdefault(property_key, []).append(key_path)
            pending_schema_nodes.append(((*key_path, property_key), inner_node))
        if len(key_path) == 1:
            pending_schema_nodes += [
                ((*key_path, "*"), inner_node) for form, inner_node in schema_node.get("patternProperties", {}).items() if form != "^x-"
            ]
        if "items" in schema_node and key_path:
            pending_schema_nodes.append((key_path, schema_node["items"]))
    return parent_paths_by_key


def value_invalid(document: Document, project: Project) -> CheckOutcome:
    """A value of a type or a form that Docker refuses, or a key that must be there and is not."""
    for value_problem in _problems_outside_template_marks(document, project):
        if value_problem.kind != "key":
            message_facts = {"where": ".".join(value_problem.path) or "the file", **value_problem.facts}
            resource = _resource_at_key_path(value_problem.path)
            yield Hit(value_problem.span, message_facts, resource=resource, message_name=value_problem.say)


def interpolation_invalid(document: Document) -> CheckOutcome:
    """A `${` that begins no variable."""
    for root_mapping in document.roots:
        visited_ids: set[int] = set()
        pending_nodes: list[Map | Seq] = [root_mapping]
        while pending_nodes:
            mapping_or_list = pending_nodes.pop()
            if id(mapping_or_list) in visited_ids:
                continue
            visited_ids.add(id(mapping_or_list))
            for entry_key, entry_value in list(mapping_or_list.items() if isinstance(mapping_or_list, Map) else enumerate(mapping_or_list)):
                if isinstance(entry_value, Map | Seq):
                    pending_nodes.append(entry_value)
                elif isinstance(entry_value, str) and "${" in entry_value:
                    yield from _interpolation_error_hits(document, mapping_or_list, entry_key, entry_value)


def _interpolation_error_hits(document: Document, parent_node: Map | Seq, entry_key: Any, interpolated_text: str) -> Iterator[Hit]:
    try:
        interpolate_variables(interpolated_text)
    except InterpolationError as error:
        error_end = interpolated_text.find("}", error.offset) + 1 or error.offset + 2
        error_span = substring_span(document.source, parent_node.at(entry_key), interpolated_text, error.offset, error_end)
        yield hit(error_span, text=interpolated_text[error.offset : error_end][:40], problem=error.message)


def env_file_invalid(document: dotenv.Document) -> CheckOutcome:
    """An environment file that Docker refuses to read; all of the line is shown, or hidden, as one."""
    parse_problem = document.parsed_env_file.problem
    if document.read and parse_problem is not None:
        source_text = document.source.text
        line_start = source_text.rfind("\n", 0, min(parse_problem.offset, len(source_text.rstrip()) - 1)) + 1
        rest_of_file_span = document.source.one_line(Span(line_start, len(source_text)))
        yield hit(rest_of_file_span, problem=parse_problem.message)


def key_repeated(document: Document) -> CheckOutcome:
    """A key that stands twice in one mapping."""
    visited_ids: set[int] = set()
    pending_nodes: list[Any] = list(document.roots)
    while pending_nodes:
        mapping_or_list = pending_nodes.pop()
        if not isinstance(mapping_or_list, Map | Seq) or id(mapping_or_list) in visited_ids:
            continue
        visited_ids.add(id(mapping_or_list))
        if isinstance(mapping_or_list, Map):
            for repeated_key, key_offset in mapping_or_list.repeated:
                yield hit(type(mapping_or_list.at())(key_offset, key_offset + len(repeated_key)), key=repeated_key)
        pending_nodes.extend(mapping_or_list.values() if isinstance(mapping_or_list, Map) else mapping_or_list)
