"""The runners of a job: labels, also those that a matrix gives, and the values of a matrix."""

from __future__ import annotations

import re
from typing import Any

from readiness.model import Span
from readiness.syntax.holes import has_expression
from readiness.syntax.yaml import Map, Seq


def system_of_label(label: str) -> str:
    """The operating system that a runner's label tells of, else an empty string."""
    low = label.lower()
    if low.startswith(("ubuntu", "linux")):
        return "linux"
    if low.startswith("windows"):
        return "windows"
    return "macos" if low.startswith("macos") else ""


def runner_labels(job_node: Map) -> list[tuple[str, Span]]:
    """The labels of a job's runner with their places; a label from the matrix gives its values."""
    node = job_node.get("runs-on")
    owner: Any = job_node
    key: Any = "runs-on"
    if isinstance(node, Map):
        owner, key, node = node, "labels", node.get("labels")
    pairs = [(owner, key, node)] if isinstance(node, str) else []
    if isinstance(node, Seq):
        pairs = [(node, index, item) for index, item in enumerate(node) if isinstance(item, str)]
    labels: list[tuple[str, Span]] = []
    for place, at, value in pairs:
        if not has_expression(value):
            labels.append((value, place.at(at)))
            continue
        name = matrix_name(value)
        if name is not None:
            for item, span in matrix_values(job_node, name):
                each = item if isinstance(item, Seq) else [item]
                labels += [(label, span) for label in each if isinstance(label, str)]
    return labels


_WHOLE_MATRIX_EXPRESSION = re.compile(r"\$\{\{\s*matrix\.([A-Za-z_][A-Za-z0-9_-]*)\s*\}\}\Z")


def matrix_name(value: str) -> str | None:
    """The key of `${{ matrix.key }}`, where a value is that and nothing else."""
    match = _WHOLE_MATRIX_EXPRESSION.match(value.strip())
    return match.group(1) if match else None


_MATRIX_EXPRESSION = re.compile(r"\$\{\{\s*matrix\.([A-Za-z_][A-Za-z0-9_-]*)\s*\}\}")
_FORMAT_OF_MATRIX_VALUE = re.compile(
    r"\$\{\{\s*format\(\s*'([^'{}]*\{0\}[^'{}]*)'\s*,\s*matrix\.([A-Za-z_][A-Za-z0-9_-]*)\s*\)\s*\}\}\Z"
)


def matrix_texts(job_node: Map, value: str) -> list[tuple[Any, Span]] | None:
    """What a text with one matrix key in it can be, with the places of the key's values.

    The key stands alone, beside other text, or in `format('postgres:{0}', matrix.key)`. None for every other text.
    """
    name = matrix_name(value)
    if name is not None:
        return matrix_values(job_node, name)
    text = value.strip()
    match = _FORMAT_OF_MATRIX_VALUE.match(text) or _MATRIX_EXPRESSION.search(text)
    if match is None:
        return None
    before, after = text[: match.start()], text[match.end() :]
    name = match.group(1)
    if match.re is _FORMAT_OF_MATRIX_VALUE:
        (before, _, after), name = match.group(1).partition("{0}"), match.group(2)
    if has_expression(before) or has_expression(after):
        return None
    return [
        (f"{before}{drawn}{after}", place)
        for drawn, place in matrix_values(job_node, name)
        if isinstance(drawn, str | int | float) and not isinstance(drawn, bool)
    ]


def matrix_values(job_node: Map, name: str) -> list[tuple[Any, Span]]:
    """The values that a matrix key can have, with their places, but those that `exclude` takes out alone."""
    matrix = job_node.mapping_at_path("strategy").get("matrix")
    if not isinstance(matrix, Map):
        return []
    values: list[tuple[Any, Span]] = []
    axis = next((matrix[key] for key in matrix if key.lower() == name.lower()), None)
    excluded = [
        item[name] for item in _list_items(matrix.get("exclude")) if isinstance(item, Map) and len(item) == 1 and name in item
    ]
    if isinstance(axis, Seq):
        values += [(item, axis.at(i)) for i, item in enumerate(axis) if item not in excluded]
    for item in _list_items(matrix.get("include")):
        if isinstance(item, Map):
            values += [(item[key], item.at(key)) for key in item if key.lower() == name.lower()]
    return values


def _list_items(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Seq) else []


def operating_system(job_node: Map) -> str:
    """The one operating system that a job runs on, else an empty string: written labels hold together."""
    written = {system_of_label(label) for label in _written_labels(job_node)} - {""}
    drawn = {system_of_label(label) for label, _ in runner_labels(job_node)}
    found = written or drawn
    return found.pop() if len(found) == 1 else ""


def _written_labels(job_node: Map) -> list[str]:
    node = job_node.get("runs-on")
    if isinstance(node, Map):
        node = node.get("labels")
    return [
        label for label in (node if isinstance(node, Seq) else [node]) if isinstance(label, str) and not has_expression(label)
    ]


def default_shell(job_node: Map) -> str:
    """The shell that a job's runners take where none is named; empty where nobody can tell."""
    systems = {system_of_label(label) for label, _ in runner_labels(job_node)}
    if "windows" in systems:
        return "pwsh" if operating_system(job_node) == "windows" else ""
    return "bash" if systems & {"linux", "macos"} else ""
