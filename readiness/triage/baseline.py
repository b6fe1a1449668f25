"""Findings that are known already: fingerprints and baseline files."""

from __future__ import annotations

import collections
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from readiness import files
from readiness.model import Finding, Suppression
from readiness.ruleset.names import RuleName, RuleNames
from readiness.triage.unjudged import RULE_IDS_THAT_NOTHING_SILENCES

BASELINE_VERSION = 2  # of baseline files, and so of the recipe of fingerprints
MAX_BASELINE_BYTES = 100 * files.BYTES_PER_MIB  # of a baseline file
KnownFindingCounts = collections.Counter[tuple[str, str]]  # how many findings of a mark a path has


class BaselineError(Exception):
    """A baseline or a revision that cannot be used; the message says what to do."""


def add_fingerprints(findings: Iterable[Finding]) -> list[Finding]:
    """The findings with their fingerprints: a hash of the rule, the resource and the text that is marked.

    No line, file or folder goes in, so that a finding keeps its name where its file is edited, moved or renamed; of several
    that are alike the second ends in `-2`. The text of a secret stays out: a short hash of a weak password can be guessed.
    """
    count_by_fingerprint: collections.Counter[str] = collections.Counter()
    fingerprinted_findings = []
    for finding in findings:
        fingerprint = fingerprint_for_rule_id(finding, finding.rule)
        count_by_fingerprint[fingerprint] += 1
        duplicate_suffix = f"-{count_by_fingerprint[fingerprint]}" if count_by_fingerprint[fingerprint] > 1 else ""
        fingerprinted_findings.append(finding._replace(fingerprint=fingerprint + duplicate_suffix))
    return fingerprinted_findings


def fingerprint_for_rule_id(finding: Finding, rule_id: str) -> str:
    """The hash of a finding under an id of its rule: that of today, or one that it had before."""
    marked_text = "" if finding.rule_definition.marks_secrets else finding.source.text[finding.span.start : finding.span.end]
    hashed_text = "\0".join((rule_id, finding.resource, finding.container, " ".join(marked_text.split())))
    return hashlib.sha256(hashed_text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def fingerprint_without_number(fingerprint: str) -> str:
    """A fingerprint without the number that tells it from findings that are alike."""
    return fingerprint.partition("-")[0]


def baseline_file_text(findings: Iterable[Finding], format_resource: Callable[[str], str] = str) -> str:
    """A baseline file: today's open findings, by fingerprint, with enough beside it for a person to read.

    What says that something has no verdict is left out: no baseline silences it.

    `format_resource` makes of a name what may be shown of it.
    """
    baseline_entries = [
        {
            "fingerprint": finding.fingerprint,
            "rule": finding.rule,
            "path": finding.path,
            "resource": format_resource(finding.resource),
        }
        for finding in findings
        if not finding.suppression and finding.rule not in RULE_IDS_THAT_NOTHING_SILENCES
    ]
    return json.dumps({"version": BASELINE_VERSION, "findings": baseline_entries}, indent=1, ensure_ascii=True) + "\n"


def load_baseline(baseline_path: Path) -> KnownFindingCounts:
    """What a baseline file knows. Raises BaselineError."""
    try:
        baseline_data = json.loads(files.read_regular_file(baseline_path, MAX_BASELINE_BYTES))
        if baseline_data["version"] != BASELINE_VERSION:
            raise BaselineError(
                f"{baseline_path.name}: this baseline is of version {baseline_data['version']!r}, and {BASELINE_VERSION} is read;"
                " write it anew with `readiness baseline`"
            )
        baseline_entries = baseline_data["findings"]
        return collections.Counter((fingerprint_without_number(str(row["fingerprint"])), str(row["path"])) for row in baseline_entries)
    except OSError as error:
        raise BaselineError(f"{baseline_path.name}: cannot be read: {files.os_error_text_without_path(error)}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BaselineError(f"{baseline_path.name}: this is no baseline; `readiness baseline` writes one") from None


def count_by_fingerprint_and_path(findings: Iterable[Finding]) -> KnownFindingCounts:
    """What findings of an earlier run make known."""
    return collections.Counter((fingerprint_without_number(one.fingerprint), one.path) for one in findings)


def suppress_known_findings(
    findings: Sequence[Finding],
    known_finding_counts: KnownFindingCounts,
    suppressed_by: str,
    reason: str,
    *,
    is_exempt: Callable[[Finding], bool] = lambda one: False,
) -> list[Finding]:
    """The findings, as many of each mark suppressed as are known: those at their old path first, then those that moved.

    What is `is_exempt` goes on counting, known or not.
    """
    remaining_counts = collections.Counter(known_finding_counts)
    suppression = Suppression(suppressed_by, reason)
    marked_findings = list(findings)
    for may_have_moved in (False, True):
        if may_have_moved:
            count_by_fingerprint = collections.Counter[str]()
            for (fingerprint, _), count in remaining_counts.items():
                count_by_fingerprint[fingerprint] += count
        for index, finding in enumerate(marked_findings):
            if finding.suppression or is_exempt(finding):
                continue
            fingerprint = fingerprint_without_number(finding.fingerprint)
            if may_have_moved and count_by_fingerprint[fingerprint]:
                count_by_fingerprint[fingerprint] -= 1
            elif not may_have_moved and remaining_counts[fingerprint, finding.path]:
                remaining_counts[fingerprint, finding.path] -= 1
            else:
                continue
            marked_findings[index] = finding._replace(suppression=suppression)
    return marked_findings


def replace_former_fingerprints(
    findings: Sequence[Finding], known_finding_counts: KnownFindingCounts, rule_names: RuleNames, baseline_name: str
) -> KnownFindingCounts:
    """What is known, with the marks of today for what is known under an id that a rule had before.

    A file that was written before rules were renamed goes on working, and `rule_names` notes that it is old. Each
    entry goes to one finding, those at their old path first, as in `suppress_known_findings`. What several ids say of one place, because
    they are one rule now, is one entry.
    """
    remaining_counts, renewed_counts = collections.Counter(known_finding_counts), collections.Counter(known_finding_counts)
    unmatched_findings = [one for one in findings if not one.suppression]
    former_entry_count, former_ids_and_names = 0, set[tuple[str, RuleName]]()
    for may_have_moved in (False, True):
        paths_by_fingerprint = _paths_by_fingerprint(remaining_counts)
        still_unmatched_findings = []
        for finding in unmatched_findings:
            current_fingerprint = fingerprint_without_number(finding.fingerprint)
            former_fingerprints = [
                (former_id, rule_name, fingerprint_for_rule_id(finding, former_id))
                for former_id, rule_name in rule_names.former_ids_of(finding.rule)
                if rule_name.may_cover(finding)
            ]
            known_paths = [
                at
                for fingerprint in (current_fingerprint, *(fingerprint for *_, fingerprint in former_fingerprints))
                for at in (paths_by_fingerprint.get(fingerprint, ()) if may_have_moved else (finding.path,))
                if remaining_counts[fingerprint, at]
            ]
            if not known_paths:
                still_unmatched_findings.append(finding)
                continue
            known_path = known_paths[0]
            for former_id, rule_name, fingerprint in former_fingerprints:
                if remaining_counts[fingerprint, known_path]:
                    remaining_counts[fingerprint, known_path] -= 1
                    renewed_counts[fingerprint, known_path] -= 1
                    former_entry_count += 1
                    former_ids_and_names.add((former_id, rule_name))
            renewed_counts[current_fingerprint, known_path] += not remaining_counts[current_fingerprint, known_path]
            remaining_counts[current_fingerprint, known_path] -= bool(remaining_counts[current_fingerprint, known_path])
        unmatched_findings = still_unmatched_findings
    if former_ids_and_names:
        rule_names.notices[baseline_name] = _former_id_notice(baseline_name, former_entry_count, *min(former_ids_and_names))
    return renewed_counts


def _former_id_notice(baseline_name: str, former_entry_count: int, former_id: str, rule_name: RuleName) -> str:
    """The notice of a baseline file with entries under former ids, one of which it names."""
    findings_clause = "1 finding stands" if former_entry_count == 1 else f"{former_entry_count} findings stand"
    return (
        f"{baseline_name}: {findings_clause} under former names of rules ({former_id} is called {rule_name} now); they still count as known, and"
        " `readiness baseline` writes the file anew"
    )


PathsByFingerprint = dict[str, list[str]]


def _paths_by_fingerprint(known_finding_counts: KnownFindingCounts) -> PathsByFingerprint:
    """The paths that have a mark, by mark."""
    paths_by_fingerprint: PathsByFingerprint = {}
    for fingerprint, path in known_finding_counts:
        paths_by_fingerprint.setdefault(fingerprint, []).append(path)
    return paths_by_fingerprint
