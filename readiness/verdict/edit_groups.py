"""Findings that one edit mends: they name the same place of the same thing, each by its rule's `edit`."""

from __future__ import annotations

import bisect
import re
from collections.abc import Sequence

from readiness.model import Finding, RuleEdit, Source
from readiness.model.lazy_regex import lazy_regex

_GroupKey = tuple[str, str, int | None, str]  # (file, thing, where the outermost thing around it begins, what is written)
_SERVER_START = lazy_regex(r"^[ \t]{0,40}server[ \t]{0,8}\{", re.MULTILINE)


def with_edit_groups(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings, each with the name of its group; without one where its rule names no place.

    A name is `FILE: THING: WHAT IS WRITTEN`. Two things of one name in one file (two servers) are told apart by a number, which
    they get in the order of the file.
    """
    number_by_key_by_name: dict[str, dict[_GroupKey, int]] = {}
    server_starts_by_source_id: dict[int, list[int]] = {}
    named_findings = []
    for finding in findings:
        rule_edit = finding.edit
        if rule_edit is None:
            named_findings.append(finding)
            continue
        group_key = _group_key(finding, rule_edit, server_starts_by_source_id)
        group_name = ": ".join(filter(None, (finding.path, group_key[1], rule_edit.at)))
        number_by_key = number_by_key_by_name.setdefault(group_name, {})
        number = number_by_key.setdefault(group_key, len(number_by_key) + 1)
        named_findings.append(finding._replace(edit_group=group_name if number == 1 else f"{group_name} #{number}"))
    return tuple(named_findings)


def edit_title(finding: Finding) -> str:
    """The name of a finding's group without its file, which stands above where it is shown."""
    return finding.edit_group.removeprefix(f"{finding.path}: ")


def thing_title(finding: Finding) -> str:
    """The thing that is edited, without what is written there; empty where it is the file."""
    return edit_title(finding).rpartition(": ")[0]


def distinct_thing_count(findings: Sequence[Finding]) -> int:
    """How many containers, services, stages and so on the findings are about: those of one name in one file are told apart as groups are."""
    server_starts_by_source_id: dict[int, list[int]] = {}
    return len({(one.path, one.resource, one.container, _start_of_namesake(one, server_starts_by_source_id)) for one in findings})


def _group_key(finding: Finding, rule_edit: RuleEdit, server_starts_by_source_id: dict[int, list[int]]) -> _GroupKey:
    """What is equal for findings of one group, and for no others."""
    if rule_edit.within == "file":
        return finding.path, "", None, rule_edit.at
    if rule_edit.within == "line":
        return finding.path, finding.resource, finding.line, rule_edit.at
    has_container = rule_edit.within == "subject" and finding.container
    thing_name = f"{finding.resource} container {finding.container}" if has_container else finding.resource
    return finding.path, thing_name, _start_of_namesake(finding, server_starts_by_source_id), rule_edit.at


def _start_of_namesake(finding: Finding, server_starts_by_source_id: dict[int, list[int]]) -> int | None:
    """Where the thing begins that others of its file may share its name with; None where names are unique, and where nobody knows.

    `server_starts_by_source_id` keeps what was looked for once.
    """
    if finding.source.kind == "nginx":
        server_starts = server_starts_by_source_id.get(id(finding.source))
        if server_starts is None:
            server_starts = server_starts_by_source_id[id(finding.source)] = _server_starts(finding.source)
        server_number = bisect.bisect_right(server_starts, finding.span.start)
        return server_starts[server_number - 1] if server_number else None
    is_about_kubernetes = finding.rule_definition.kind in {"k8s", "project"}
    return finding.enclosing_offsets[-1] if is_about_kubernetes and finding.enclosing_offsets else None


def _server_starts(source: Source) -> list[int]:
    """Where the servers of a configuration begin, in order."""
    return [match.start() for match in _SERVER_START.finditer(source.text)]
