"""What the settings of other linters leave out: findings of rules that say the same are left out here, and counted by the file that does it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from readiness.model import Finding
from readiness.ruleset.search import normal_peer_id
from readiness.settings.peers import PeerIgnore, PeerSettings
from readiness.syntax.glob import glob_matches, prefixed_path

IgnoresByRule = dict[tuple[str, str | None], list[tuple[str, PeerIgnore]]]  # by linter and rule, None for all; each with its file
LeftOutByFile = dict[str, dict[str, int]]  # by settings file: how many findings each of its rules left out


def drop_findings_ignored_by_peers(
    findings: Sequence[Finding],
    all_peer_settings: Iterable[PeerSettings],
    *,
    is_locked: Callable[[Finding], bool],
    prefix: str,
    today_text: str,
) -> tuple[list[Finding], dict[str, int], LeftOutByFile]:
    """The findings that stay, how many were left out of each rule (or tier), and by which file and rule of another linter.

    `prefix` leads from the directory of these files to the working directory. A finding that is suppressed already keeps its reason.
    """
    ignores_by_rule: IgnoresByRule = {}
    for peer in all_peer_settings:
        for ignore in peer.ignores:
            if not ignore.until or ignore.until >= today_text:
                rule_key = None if ignore.is_of_all_rules else normal_peer_id(ignore.rule_id)
                ignores_by_rule.setdefault((peer.linter, rule_key), []).append((peer.name, ignore))
    kept_findings: list[Finding] = []
    dropped_count_by_tally_key: Counter[str] = Counter()
    left_out_by_file: LeftOutByFile = {}
    for finding in findings:
        found = _ignore_of_finding(finding, ignores_by_rule, prefix) if ignores_by_rule and finding.suppression is None else None
        if found is None or is_locked(finding):
            kept_findings.append(finding)
            continue
        file_name, rule_id = found
        dropped_count_by_tally_key[finding.tally_key] += 1
        count_by_rule = left_out_by_file.setdefault(file_name, {})
        count_by_rule[rule_id] = count_by_rule.get(rule_id, 0) + 1
    return kept_findings, dict(dropped_count_by_tally_key), left_out_by_file


def _ignore_of_finding(finding: Finding, ignores_by_rule: IgnoresByRule, prefix: str) -> tuple[str, str] | None:
    """(settings file, rule of another linter) that leave a finding out; None where none do."""
    for linter, rule_ids in finding.equivalents.items():
        for rule_key in (*map(normal_peer_id, rule_ids), None):
            for file_name, ignore in ignores_by_rule.get((linter, rule_key), ()):
                is_on_line = not ignore.line or finding.start.line == ignore.line
                if is_on_line and (not ignore.path_glob or glob_matches(ignore.path_glob, prefixed_path(prefix, finding.path))):
                    return file_name, ignore.rule_id
    return None
