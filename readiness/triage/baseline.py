"""Findings that are known already: fingerprints and baseline files."""

from __future__ import annotations

import collections
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from readiness import files
from readiness.model import UNJUDGED_RULES, Finding, Suppression
from readiness.ruleset.names import RuleName, RuleNames

BASELINE_VERSION = 2  # of baseline files, and so of the recipe of fingerprints
MAX_BASELINE = 100 * files.MIB  # of a baseline file
KnownFindingCounts = collections.Counter[tuple[str, str]]  # how many findings of a mark a path has


class BaselineError(Exception):
    """A baseline or a revision that cannot be used; the message says what to do."""


def add_fingerprints(findings: Iterable[Finding]) -> list[Finding]:
    """The findings with their fingerprints: a hash of the rule, the resource and the text that is marked.

    No line, file or folder goes in, so that a finding keeps its name where its file is edited, moved or renamed; of several
    that are alike the second ends in `-2`. The text of a secret stays out: a short hash of a weak password can be guessed.
    """
    seen: collections.Counter[str] = collections.Counter()
    done = []
    for finding in findings:
        mark = fingerprint_for_rule_id(finding, finding.rule)
        seen[mark] += 1
        number = f"-{seen[mark]}" if seen[mark] > 1 else ""
        done.append(finding._replace(fingerprint=mark + number))
    return done


def fingerprint_for_rule_id(finding: Finding, rule_id: str) -> str:
    """The hash of a finding under an id of its rule: that of today, or one that it had before."""
    text = "" if finding.rule_definition.marks_secrets else finding.source.text[finding.span.start : finding.span.end]
    parts = "\0".join((rule_id, finding.resource, finding.container, " ".join(text.split())))
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def fingerprint_base(fingerprint: str) -> str:
    """A fingerprint without the number that tells it from findings that are alike."""
    return fingerprint.partition("-")[0]


def baseline_text(findings: Iterable[Finding], format_path: Callable[[str], str] = str) -> str:
    """A baseline file: today's open findings, by fingerprint, with enough beside it for a person to read.

    What says that something has no verdict is left out: no baseline silences it.

    `format_path` makes of a name what may be shown of it.
    """
    rows = [
        {
            "fingerprint": finding.fingerprint,
            "rule": finding.rule,
            "path": finding.path,
            "resource": format_path(finding.resource),
        }
        for finding in findings
        if not finding.suppression and finding.rule not in UNJUDGED_RULES
    ]
    return json.dumps({"version": BASELINE_VERSION, "findings": rows}, indent=1, ensure_ascii=True) + "\n"


def load_baseline(path: Path) -> KnownFindingCounts:
    """What a baseline file knows. Raises BaselineError."""
    try:
        spec = json.loads(files.read_regular_file(path, MAX_BASELINE))
        if spec["version"] != BASELINE_VERSION:
            raise BaselineError(
                f"{path.name}: this baseline is of version {spec['version']!r}, and {BASELINE_VERSION} is read;"
                " write it anew with `readiness baseline`"
            )
        rows = spec["findings"]
        return collections.Counter((fingerprint_base(str(row["fingerprint"])), str(row["path"])) for row in rows)
    except OSError as error:
        raise BaselineError(f"{path.name}: cannot be read: {files.os_error_text(error)}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BaselineError(f"{path.name}: this is no baseline; `readiness baseline` writes one") from None


def known_findings(findings: Iterable[Finding]) -> KnownFindingCounts:
    """What findings of an earlier run make known."""
    return collections.Counter((fingerprint_base(one.fingerprint), one.path) for one in findings)


def suppress_known(
    findings: Sequence[Finding],
    known: KnownFindingCounts,
    suppressed_by: str,
    reason: str,
    *,
    is_exempt: Callable[[Finding], bool] = lambda one: False,
) -> list[Finding]:
    """The findings, as many of each mark suppressed as are known: those at their old path first, then those that moved.

    What is `is_exempt` goes on counting, known or not.
    """
    left = collections.Counter(known)
    suppression = Suppression(suppressed_by, reason)
    done = list(findings)
    for moved in (False, True):
        if moved:
            anywhere = collections.Counter[str]()
            for (fingerprint, _), count in left.items():
                anywhere[fingerprint] += count
        for index, finding in enumerate(done):
            if finding.suppression or is_exempt(finding):
                continue
            fingerprint = fingerprint_base(finding.fingerprint)
            if moved and anywhere[fingerprint]:
                anywhere[fingerprint] -= 1
            elif not moved and left[fingerprint, finding.path]:
                left[fingerprint, finding.path] -= 1
            else:
                continue
            done[index] = finding._replace(suppression=suppression)
    return done


def renew_fingerprints(
    findings: Sequence[Finding], known: KnownFindingCounts, names: RuleNames, baseline_name: str
) -> KnownFindingCounts:
    """What is known, with the marks of today for what is known under an id that a rule had before.

    A file that was written before rules were renamed goes on working, and `names` notes that it is old. Each
    entry goes to one finding, those at their old path first, as in `suppress_known`. What several ids say of one place, because
    they are one rule now, is one entry.
    """
    left, renewed = collections.Counter(known), collections.Counter(known)
    waiting = [one for one in findings if not one.suppression]
    count, seen = 0, set[tuple[str, RuleName]]()
    for moved in (False, True):
        places = _paths_by_fingerprint(left)
        rest = []
        for finding in waiting:
            today = fingerprint_base(finding.fingerprint)
            former = [
                (old, name, fingerprint_for_rule_id(finding, old))
                for old, name in names.former_ids_of(finding.rule)
                if name.may_cover(finding)
            ]
            paths = [
                at
                for mark in (today, *(mark for *_, mark in former))
                for at in (places.get(mark, ()) if moved else (finding.path,))
                if left[mark, at]
            ]
            if not paths:
                rest.append(finding)
                continue
            path = paths[0]
            for old, name, mark in former:
                if left[mark, path]:
                    left[mark, path] -= 1
                    renewed[mark, path] -= 1
                    count += 1
                    seen.add((old, name))
            renewed[today, path] += not left[today, path]
            left[today, path] -= bool(left[today, path])
        waiting = rest
    if seen:
        names.notices[baseline_name] = _former_id_notice(baseline_name, count, *min(seen))
    return renewed


def _former_id_notice(baseline_name: str, count: int, old: str, name: RuleName) -> str:
    """The notice of a baseline file with entries under former ids, one of which it names."""
    stand = "1 finding stands" if count == 1 else f"{count} findings stand"
    return (
        f"{baseline_name}: {stand} under former names of rules ({old} is called {name} now); they still count as known, and"
        " `readiness baseline` writes the file anew"
    )


PathsByFingerprint = dict[str, list[str]]


def _paths_by_fingerprint(known: KnownFindingCounts) -> PathsByFingerprint:
    """The paths that have a mark, by mark."""
    found: PathsByFingerprint = {}
    for mark, path in known:
        found.setdefault(mark, []).append(path)
    return found
