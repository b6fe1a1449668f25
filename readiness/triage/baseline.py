"""Findings that are known already: fingerprints and baseline files."""

from __future__ import annotations

import collections
import json
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from readiness import files
from readiness.model import Finding, Severity, Suppression
from readiness.ruleset.names import RuleName, RuleNames
from readiness.triage.known import (
    EarlierState,
    KnownFinding,
    fingerprint_without_number,
    hash_of_words,
    lasting_resource_name,
    marked_text_of,
    match_known_findings,
    state_of_findings,
    thing_hash,
)
from readiness.triage.unjudged import RULE_IDS_THAT_NOTHING_SILENCES

BASELINE_VERSION = 3  # of baseline files, and so of the recipe of fingerprints
FORMER_BASELINE_VERSION = 2  # it counted the steps and stages in the names of things; what it knows is still known
MAX_BASELINE_BYTES = 100 * files.BYTES_PER_MIB  # of a baseline file


class BaselineError(Exception):
    """A baseline or a revision that cannot be used; the message says what to do."""


class Baseline(NamedTuple):
    """A baseline file: what it knows, and the version of the recipe of its fingerprints."""

    entries: tuple[KnownFinding, ...]
    version: int = BASELINE_VERSION


class BaselineOutcome(NamedTuple):
    """What became of the entries of a baseline in a run: `fixed` match no open finding, `unjudged` are of files or rules that the run left out."""

    fixed: tuple[KnownFinding, ...] = ()
    unjudged: tuple[KnownFinding, ...] = ()


def add_fingerprints(findings: Iterable[Finding]) -> list[Finding]:
    """The findings with their fingerprints: a hash of the rule, the resource and the text that is marked.

    No line, file or folder goes in, nor how many steps or stages stand before, so that a finding keeps its name where its file is edited, moved or
    renamed; of several that are alike the second ends in `-2`.
    """
    count_by_fingerprint: collections.Counter[str] = collections.Counter()
    fingerprinted_findings = []
    for finding in findings:
        fingerprint = fingerprint_for_rule_id(finding, finding.rule)
        count_by_fingerprint[fingerprint] += 1
        duplicate_suffix = f"-{count_by_fingerprint[fingerprint]}" if count_by_fingerprint[fingerprint] > 1 else ""
        fingerprinted_findings.append(finding._replace(fingerprint=fingerprint + duplicate_suffix))
    return fingerprinted_findings


def fingerprint_for_rule_id(finding: Finding, rule_id: str, version: int = BASELINE_VERSION) -> str:
    """The hash of a finding under an id of its rule, that of today or one that it had before, by the recipe of a version."""
    resource = finding.resource if version == FORMER_BASELINE_VERSION else lasting_resource_name(finding.resource)
    return hash_of_words(rule_id, resource, finding.container, marked_text_of(finding))


def may_be_known(finding: Finding) -> bool:
    """Whether a baseline may silence a finding: not what says that something has no verdict."""
    return finding.rule not in RULE_IDS_THAT_NOTHING_SILENCES


def baseline_file_text(findings: Iterable[Finding], kept_entries: Iterable[KnownFinding] = (), format_resource: Callable[[str], str] = str) -> str:
    """A baseline file of the open findings and of entries that stay, with enough beside each mark for a person to read.

    `format_resource` makes of a name what may be shown of it.
    """
    entry_rows = [
        {
            "fingerprint": finding.fingerprint,
            "rule": finding.rule,
            "path": finding.path,
            "resource": format_resource(finding.resource),
            "thing": thing_hash(finding.rule, finding.resource, finding.container),
            "severity": str(finding.severity),
        }
        for finding in findings
        if not finding.suppression and may_be_known(finding)
    ]
    entry_rows += [
        {
            "fingerprint": entry.fingerprint,
            "rule": entry.rule,
            "path": entry.path,
            "resource": entry.resource,
            "thing": entry.thing,
            "severity": str(entry.severity),
        }
        for entry in kept_entries
    ]
    entry_rows.sort(key=lambda row: row["path"])  # of one file in the order of the report
    return json.dumps({"version": BASELINE_VERSION, "findings": entry_rows}, indent=1, ensure_ascii=True) + "\n"


def load_baseline(baseline_path: Path) -> Baseline:
    """What a baseline file knows. Raises BaselineError."""
    try:
        baseline_data = json.loads(files.read_regular_file(baseline_path, MAX_BASELINE_BYTES))
        version = baseline_data["version"]
        if version not in {BASELINE_VERSION, FORMER_BASELINE_VERSION}:
            raise BaselineError(
                f"{baseline_path.name}: this baseline is of version {version!r}, and {BASELINE_VERSION} is read;"
                " write it anew with `readiness baseline`"
            )
        return Baseline(tuple(_known_finding_of_row(row) for row in baseline_data["findings"]), version)
    except OSError as error:
        raise BaselineError(f"{baseline_path.name}: cannot be read: {files.os_error_text_without_path(error)}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BaselineError(f"{baseline_path.name}: this is no baseline; `readiness baseline` writes one") from None


def _known_finding_of_row(row: dict[str, object]) -> KnownFinding:
    """An entry of a baseline file; those of the former version say neither which thing they are of nor how bad they were."""
    return KnownFinding(
        fingerprint_without_number(str(row["fingerprint"])),
        str(row.get("rule", "")),
        str(row["path"]),
        str(row.get("thing", "")),
        Severity[str(row.get("severity", "critical")).upper()],
        resource=str(row.get("resource", "")),
    )


def replace_former_fingerprints(findings: Sequence[Finding], known: Baseline, rule_names: RuleNames, baseline_name: str) -> list[KnownFinding]:
    """The entries of a baseline, with the marks of today for those of an older recipe, or under an id that a rule had before.

    A file that was written before rules were renamed goes on working, and `rule_names` notes that it is old. Each entry goes to one finding, those
    at their old path first, as they are matched later. What several ids say of one place, because they are one rule now, is one entry.
    """
    open_findings = [one for one in findings if not one.suppression]
    entries = _with_fingerprints_of_today(open_findings, known, rule_names)
    indexes_by_mark = collections.defaultdict[tuple[str, str], list[int]](list)
    for index, entry in enumerate(entries):
        indexes_by_mark[entry.fingerprint, entry.path].append(index)
    paths_by_fingerprint = collections.defaultdict[str, list[str]](list)
    for fingerprint, path in indexes_by_mark:
        paths_by_fingerprint[fingerprint].append(path)
    renewed_entries: list[KnownFinding] = []
    former_entry_count, former_ids_and_names = 0, set[tuple[str, RuleName]]()
    for may_have_moved in (False, True):
        still_unmatched_findings = []
        for finding in open_findings:
            names_by_mark: dict[str, tuple[str, RuleName] | None] = {fingerprint_without_number(finding.fingerprint): None}
            for former_id, rule_name in rule_names.former_ids_of(finding.rule):
                if rule_name.may_cover(finding):
                    names_by_mark.setdefault(fingerprint_for_rule_id(finding, former_id), (former_id, rule_name))
            known_path = next(
                (
                    path
                    for mark in names_by_mark
                    for path in (paths_by_fingerprint.get(mark, ()) if may_have_moved else (finding.path,))
                    if indexes_by_mark.get((mark, path))
                ),
                None,
            )
            if known_path is None:
                still_unmatched_findings.append(finding)
                continue
            met_marks = [mark for mark in names_by_mark if indexes_by_mark.get((mark, known_path))]
            met_entries = [entries[indexes_by_mark[mark, known_path].pop(0)] for mark in met_marks]
            renewed_entries.append(met_entries[0]._replace(fingerprint=next(iter(names_by_mark)), rule=finding.rule))
            former_ids = [one for mark in met_marks if (one := names_by_mark[mark]) is not None]
            former_entry_count += len(former_ids)
            former_ids_and_names.update(former_ids)
        open_findings = still_unmatched_findings
    if former_ids_and_names:
        rule_names.notices[baseline_name] = _former_id_notice(baseline_name, former_entry_count, *min(former_ids_and_names))
    return [*renewed_entries, *(entries[index] for indexes in indexes_by_mark.values() for index in indexes)]


def _with_fingerprints_of_today(findings: Iterable[Finding], known: Baseline, rule_names: RuleNames) -> tuple[KnownFinding, ...]:
    """The entries of a baseline, those of the former recipe with the marks that the same findings have by today's."""
    if known.version != FORMER_BASELINE_VERSION:
        return known.entries
    mark_of_today = {
        fingerprint_for_rule_id(finding, rule_id, FORMER_BASELINE_VERSION): fingerprint_for_rule_id(finding, rule_id)
        for finding in findings
        for rule_id in (finding.rule, *(former_id for former_id, _ in rule_names.former_ids_of(finding.rule)))
    }
    return tuple(one._replace(fingerprint=mark_of_today.get(one.fingerprint, one.fingerprint)) for one in known.entries)


def _former_id_notice(baseline_name: str, former_entry_count: int, former_id: str, rule_name: RuleName) -> str:
    """The notice of a baseline file with entries under former ids, one of which it names."""
    findings_clause = "1 finding stands" if former_entry_count == 1 else f"{former_entry_count} findings stand"
    return (
        f"{baseline_name}: {findings_clause} under former names of rules ({former_id} is called {rule_name} now); they still count as known, and"
        " `readiness baseline` writes the file anew"
    )


def baseline_outcome(
    unmet_entries: Iterable[KnownFinding], judged_paths: Collection[str], active_rules: Collection[str], *, is_gone: Callable[[str], bool]
) -> BaselineOutcome:
    """What the entries that no finding met say: that they are fixed, where a run judged their file by their rule, or the file is gone."""
    fixed: list[KnownFinding] = []
    unjudged: list[KnownFinding] = []
    for entry in unmet_entries:
        is_judged = (entry.path in judged_paths or is_gone(entry.path)) and entry.rule in active_rules
        (fixed if is_judged else unjudged).append(entry)
    return BaselineOutcome(tuple(fixed), tuple(unjudged))


def fixed_entries_notice(baseline_name: str, fixed_count: int) -> str:
    """What to tell of entries that are fixed."""
    return f"{baseline_name}: {fixed_count} {'entry is' if fixed_count == 1 else 'entries are'} fixed; `readiness baseline --prune` takes out what is"


def mark_known_findings(
    findings: Sequence[Finding],
    earlier: EarlierState,
    suppression: Suppression,
    *,
    unseen_reason: str = "",
    judged_paths: Collection[str] = (),
    is_exempt: Callable[[Finding], bool] = lambda one: False,
) -> tuple[list[Finding], list[KnownFinding]]:
    """(the findings, those suppressed that are known; what is known and was not met). What is `is_exempt` goes on counting, known or not.

    `unseen_reason` is why what stood in files without a verdict does not count. `judged_paths` are those of the run: a
    known file that is none of them may have been renamed.
    """
    indexes = [index for index, one in enumerate(findings) if not one.suppression and not is_exempt(one)]
    later = state_of_findings([findings[index] for index in indexes], judged_paths)
    marked_findings = list(findings)
    matches = match_known_findings(earlier, later)
    for number, (index, earlier_index) in enumerate(zip(indexes, matches.earlier_indexes, strict=True)):
        if earlier_index is not None:
            marked_findings[index] = findings[index]._replace(suppression=suppression)
        elif number in matches.unseen:
            marked_findings[index] = findings[index]._replace(suppression=suppression._replace(reason=unseen_reason))
    met_indexes = set(matches.earlier_indexes)
    return marked_findings, [one for index, one in enumerate(earlier.findings) if index not in met_indexes]
