"""What to write where one edit mends several findings: the texts of their rules, put together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from readiness.model import Finding
from readiness.model.lazy_regex import lazy_regex

_PLAIN_SCALAR = lazy_regex(r"[A-Za-z0-9][A-Za-z0-9_./-]*")
_READ_AS_NO_STRING = lazy_regex(r"(?i:true|false|yes|no|on|off|null|y|n)|[0-9][0-9_.]*(?:e[0-9]+)?")


@dataclass(frozen=True, slots=True)
class EditText:
    """What to write: `lines` say it for all rules but `unsaid_rule_ids`, whose own fixes tell it."""

    lines: tuple[str, ...]
    unsaid_rule_ids: frozenset[str]


def edit_text(findings: Iterable[Finding]) -> EditText:
    """What to write for these findings together. A rule that says something else than one before it is left unsaid."""
    merged_mapping: dict[str, Any] = {}
    text_lines: dict[str, None] = {}
    unsaid_rule_ids = set()
    for finding in findings:
        written = finding.edit.text if finding.edit else ""
        if isinstance(written, str):
            text_lines.update(dict.fromkeys(written.splitlines()))
        elif (merged := _merged(merged_mapping, written)) is not None:
            merged_mapping = merged
            continue
        else:
            written = ""
        if not written:
            unsaid_rule_ids.add(finding.rule)
    return EditText((*_yaml_lines(merged_mapping), *text_lines), frozenset(unsaid_rule_ids))


def edit_text_in_one_line(findings: Iterable[Finding]) -> str:
    """The same in one line; empty where there is nothing to write for one of them."""
    merged_mapping: dict[str, Any] = {}
    text_lines: dict[str, None] = {}
    for finding in findings:
        written = finding.edit.text if finding.edit else ""
        if isinstance(written, str):
            text_lines.update(dict.fromkeys(written.splitlines()))
        else:
            merged_mapping = _merged(merged_mapping, written) or merged_mapping
    return ", ".join((*(f"{key}: {_flow(value)}" for key, value in merged_mapping.items()), *text_lines))


def _merged(mapping: Mapping[str, Any], addition: Mapping[str, Any]) -> dict[str, Any] | None:
    """Both mappings in one, lists added up; None where they contradict each other."""
    merged = dict(mapping)
    for key, value in addition.items():
        former_value = merged.get(key, value)
        if isinstance(former_value, dict) and isinstance(value, dict):
            merged_value = _merged(former_value, value)
            if merged_value is None:
                return None
            merged[key] = merged_value
        elif isinstance(former_value, list) and isinstance(value, list):
            merged[key] = [*former_value, *(item for item in value if item not in former_value)]
        elif former_value == value:
            merged[key] = value
        else:
            return None
    return merged


def _yaml_lines(mapping: Mapping[str, Any]) -> list[str]:
    """A mapping as YAML: its keys, those below a key that has several, and the rest in brackets."""
    lines = []
    for key, value in mapping.items():
        if isinstance(value, dict) and len(value) > 1:
            lines.append(f"{_scalar(key)}:")
            lines += [f"  {_scalar(inner_key)}: {_flow(inner_value)}" for inner_key, inner_value in value.items()]
        else:
            lines.append(f"{_scalar(key)}: {_flow(value)}")
    return lines


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(inner_value)}" for key, inner_value in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return str(value)
    if _PLAIN_SCALAR.fullmatch(value) and not _READ_AS_NO_STRING.fullmatch(value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
