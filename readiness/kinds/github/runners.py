"""The runners of a job: labels, also those that a matrix gives, and the values of a matrix."""

from __future__ import annotations

from typing import Any

from readiness.model import Span
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.holes import has_github_expression
from readiness.syntax.yaml import Map, Seq


def operating_system_of_label(label: str) -> str:
    """The operating system that a runner's label tells of, else an empty string."""
    lowercase_label = label.lower()
    if lowercase_label.startswith(("ubuntu", "linux")):
        return "linux"
    if lowercase_label.startswith("windows"):
        return "windows"
    return "macos" if lowercase_label.startswith("macos") else ""


def runner_labels_with_spans(job_node: Map) -> list[tuple[str, Span]]:
    """The labels of a job's runner with their places; a label from the matrix gives its values."""
    runs_on_node = job_node.get("runs-on")
    parent_node: Any = job_node
    key_in_parent: Any = "runs-on"
    if isinstance(runs_on_node, Map):
        parent_node, key_in_parent, runs_on_node = runs_on_node, "labels", runs_on_node.get("labels")
    parent_key_label_triples = [(parent_node, key_in_parent, runs_on_node)] if isinstance(runs_on_node, str) else []
    if isinstance(runs_on_node, Seq):
        parent_key_label_triples = [
            (runs_on_node, index, matrix_value) for index, matrix_value in enumerate(runs_on_node) if isinstance(matrix_value, str)
        ]
    labels_with_spans: list[tuple[str, Span]] = []
    for label_parent, label_key, label_text in parent_key_label_triples:
        if not has_github_expression(label_text):
            labels_with_spans.append((label_text, label_parent.at(label_key)))
            continue
        matrix_key = key_of_whole_matrix_expression(label_text)
        if matrix_key is not None:
            for matrix_value, matrix_value_span in matrix_values_with_spans(job_node, matrix_key):
                labels_of_value = matrix_value if isinstance(matrix_value, Seq) else [matrix_value]
                labels_with_spans += [(label, matrix_value_span) for label in labels_of_value if isinstance(label, str)]
    return labels_with_spans


_WHOLE_MATRIX_EXPRESSION = lazy_regex(r"\$\{\{\s*matrix\.([A-Za-z_][A-Za-z0-9_-]*)\s*\}\}\Z")


def key_of_whole_matrix_expression(value: str) -> str | None:
    """The key of `${{ matrix.key }}`, where a value is that and nothing else."""
    expression_match = _WHOLE_MATRIX_EXPRESSION.match(value.strip())
    return expression_match.group(1) if expression_match else None


_MATRIX_EXPRESSION = lazy_regex(r"\$\{\{\s*matrix\.([A-Za-z_][A-Za-z0-9_-]*)\s*\}\}")
_FORMAT_OF_MATRIX_VALUE = lazy_regex(r"\$\{\{\s*format\(\s*'([^'{}]*\{0\}[^'{}]*)'\s*,\s*matrix\.([A-Za-z_][A-Za-z0-9_-]*)\s*\)\s*\}\}\Z")


def expanded_matrix_texts(job_node: Map, value: str) -> list[tuple[Any, Span]] | None:
    """What a text with one matrix key in it can be, with the places of the key's values.

    The key stands alone, beside other text, or in `format('postgres:{0}', matrix.key)`. None for every other text.
    """
    matrix_key = key_of_whole_matrix_expression(value)
    if matrix_key is not None:
        return matrix_values_with_spans(job_node, matrix_key)
    stripped_value = value.strip()
    format_match = _FORMAT_OF_MATRIX_VALUE.match(stripped_value)
    matrix_match = format_match or _MATRIX_EXPRESSION.search(stripped_value)
    if matrix_match is None:
        return None
    text_before, text_after = stripped_value[: matrix_match.start()], stripped_value[matrix_match.end() :]
    matrix_key = matrix_match.group(1)
    if format_match is not None:
        (text_before, _, text_after), matrix_key = format_match.group(1).partition("{0}"), format_match.group(2)
    if has_github_expression(text_before) or has_github_expression(text_after):
        return None
    return [
        (f"{text_before}{drawn}{text_after}", place)
        for drawn, place in matrix_values_with_spans(job_node, matrix_key)
        if isinstance(drawn, str | int | float) and not isinstance(drawn, bool)
    ]


def matrix_values_with_spans(job_node: Map, matrix_key: str) -> list[tuple[Any, Span]]:
    """The values that a matrix key can have, with their places, but those that `exclude` takes out alone."""
    matrix_node = job_node.mapping_at_path("strategy").get("matrix")
    if not isinstance(matrix_node, Map):
        return []
    values_with_spans: list[tuple[Any, Span]] = []
    axis_values = next((matrix_node[key] for key in matrix_node if key.lower() == matrix_key.lower()), None)
    excluded_values = [
        include_entry[matrix_key]
        for include_entry in _list_items(matrix_node.get("exclude"))
        if isinstance(include_entry, Map) and len(include_entry) == 1 and matrix_key in include_entry
    ]
    if isinstance(axis_values, Seq):
        values_with_spans += [
            (include_entry, axis_values.at(i)) for i, include_entry in enumerate(axis_values) if include_entry not in excluded_values
        ]
    for include_entry in _list_items(matrix_node.get("include")):
        if isinstance(include_entry, Map):
            values_with_spans += [(include_entry[key], include_entry.at(key)) for key in include_entry if key.lower() == matrix_key.lower()]
    return values_with_spans


def _list_items(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Seq) else []


def operating_system_of_job(job_node: Map) -> str:
    """The one operating system that a job runs on, else an empty string: written labels hold together."""
    systems_of_written_labels = {operating_system_of_label(label) for label in _literal_runner_labels(job_node)} - {""}
    systems_of_expanded_labels = {operating_system_of_label(label) for label, _ in runner_labels_with_spans(job_node)}
    systems = systems_of_written_labels or systems_of_expanded_labels
    return systems.pop() if len(systems) == 1 else ""


def _literal_runner_labels(job_node: Map) -> list[str]:
    runs_on_node = job_node.get("runs-on")
    if isinstance(runs_on_node, Map):
        runs_on_node = runs_on_node.get("labels")
    return [
        label
        for label in (runs_on_node if isinstance(runs_on_node, Seq) else [runs_on_node])
        if isinstance(label, str) and not has_github_expression(label)
    ]


def default_shell_of_job(job_node: Map) -> str:
    """The shell that a job's runners take where none is named; empty where nobody can tell."""
    operating_systems = {operating_system_of_label(label) for label, _ in runner_labels_with_spans(job_node)}
    if "windows" in operating_systems:
        return "pwsh" if operating_system_of_job(job_node) == "windows" else ""
    return "bash" if operating_systems & {"linux", "macos"} else ""
