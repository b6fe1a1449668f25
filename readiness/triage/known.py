"""Findings that stood before, and which of today's they are: told by what they say and of what, and by lines where texts are at hand.

A finding is looked for in this order, and each that is known covers one: the same mark on the same line of a file, or of what it was called before;
the same mark in the file, then anywhere; the same rule on a line that only moved, or in a stretch that was rewritten where what is marked is nearly
the same; at last the same rule on the same thing of the same file, which had as many before.
"""

from __future__ import annotations

import bisect
import collections
import difflib
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import NamedTuple

from readiness.model import Finding, Severity
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.triage.line_alignment import LineAlignment, align_lines

MIN_TEXT_LIKENESS = 0.6  # of two marked texts that are one, edited
MIN_FILE_LIKENESS = 0.5  # of two files that are one, renamed: the share of their lines that both have, as git counts it
MAX_RENAME_PAIRS = 40_000  # of files that are gone and files that are new, compared with each other
MAX_COMPARED_CHARACTERS = 200  # of a marked text
MAX_LINE_COMPARISONS = 5_000_000  # of lines of such files
MAX_CANDIDATES_PER_HUNK = 20  # of known findings in one rewritten stretch, compared with one finding
MAX_TEXT_COMPARISONS = 20_000  # of marked texts
# What counts things, and what a release or its contents put into a name: the number of a step, a hash, a version.
_CHANGING_PART_OF_RESOURCE = lazy_regex(
    r"(?<=/)\d++(?=/|\Z)|(?<=[/._-])(?:(?=[a-f]{0,40}+\d)[0-9a-f]{7,64}|v?\d{1,20}+\.\d[\w.]{0,64}+)(?=[/._-]|\Z)"
)

_Hunk = tuple[tuple[int, int], tuple[int, int]]  # the lines of a rewritten stretch in both texts


class KnownFinding(NamedTuple):
    """A finding of an earlier run: its mark without a number, its rule, file and thing, and how bad it was.

    Its line, from 1, and the text that it marks are there where they are known. Of what has no severity nobody knows how bad it was.
    """

    fingerprint: str
    rule: str
    path: str
    thing: str = ""
    severity: Severity = Severity.CRITICAL
    line: int = 0
    marked_text: str = ""
    resource: str = ""
    container: str = ""
    message: str = ""

    @property
    def marks_own_name(self) -> bool:
        """Whether it marks the name of the thing that it is of: something is missing there, and the name says nothing of what."""
        last_word = self.marked_text.rpartition(" ")[2].strip("\"':")
        return bool(last_word) and last_word in {self.container, self.resource.partition("/")[2]}


@dataclass(frozen=True, slots=True)
class EarlierState:
    """What an earlier run found; the paths of its files, and the texts that its findings stand in, where these are at hand.

    `paths_left` are those of findings in files that are still there and that the later run does not judge: these findings are nowhere else.
    `unjudged_text_by_path` has the texts of the files that it could not judge: a chart, say, that did not render.
    """

    findings: Sequence[KnownFinding] = ()
    paths: frozenset[str] = frozenset()
    text_by_path: Mapping[str, str] = field(default_factory=dict)
    paths_left: frozenset[str] = frozenset()
    unjudged_text_by_path: Mapping[str, str] = field(default_factory=dict)


class Matches(NamedTuple):
    """Of each later finding the index of the earlier one that it is, None for what is new; and which of these stood unseen.

    What stood unseen is on a line that was there, in a file that had no verdict then.
    """

    earlier_indexes: list[int | None]
    unseen: frozenset[int]


def hash_of_words(*words: str) -> str:
    """A short name for some words."""
    return hashlib.sha256("\0".join(words).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def marked_text_of(finding: Finding) -> str:
    """What a finding marks, with single blanks. The text of a secret stays out: a short hash of a weak password can be guessed."""
    return "" if finding.rule_definition.marks_secrets else " ".join(finding.source.text[finding.span.start : finding.span.end].split())


def lasting_resource_name(resource: str) -> str:
    """The name of a thing without what changes while the thing does not.

    A step before the third makes that the fourth, and a release puts another hash into the name of its job.
    """
    return _CHANGING_PART_OF_RESOURCE.sub("*", resource)


def thing_hash(rule_id: str, resource: str, container: str) -> str:
    """A name for a rule on a thing, whatever is marked there."""
    return hash_of_words(rule_id, lasting_resource_name(resource), container)


def known_finding_of(finding: Finding) -> KnownFinding:
    """What is kept of a finding to know it again."""
    return KnownFinding(
        fingerprint_without_number(finding.fingerprint),
        finding.rule,
        finding.path,
        thing_hash(finding.rule, finding.resource, finding.container),
        finding.severity,
        finding.line,
        marked_text_of(finding),
        finding.resource,
        finding.container,
        finding.message,
    )


def state_of_findings(findings: Iterable[Finding], paths: Iterable[str]) -> EarlierState:
    """What findings of a run on some paths make known."""
    findings = list(findings)
    return EarlierState([known_finding_of(one) for one in findings], frozenset(paths), {one.path: one.source.root.text for one in findings})


def fingerprint_without_number(fingerprint: str) -> str:
    """A fingerprint without the number that tells it from findings that are alike."""
    return fingerprint.partition("-")[0]


def match_known_findings(earlier: EarlierState, later: EarlierState) -> Matches:
    """Which of the later findings the earlier ones are."""
    matching = _Matching(earlier, later)
    return Matches(matching.earlier_indexes(), matching.unseen_indexes())


class _Matching:
    """Later findings held against earlier ones, each of which is one later finding at most."""

    def __init__(self, earlier: EarlierState, later: EarlierState) -> None:
        self.earlier, self.later = earlier, later
        self.match_by_index: list[int | None] = [None] * len(later.findings)
        self.is_taken = [one.path in earlier.paths_left for one in earlier.findings]
        self.former_path = _former_paths(earlier, later)
        self.alignment_by_path: dict[str, LineAlignment | None] = {}

    def earlier_indexes(self) -> list[int | None]:
        """The index of the earlier finding of each later one."""
        path = self.path_before
        self._match_by(lambda one: (one.fingerprint, one.path, one.line), self._key_on_kept_line(lambda one: one.fingerprint))
        self._match_by(lambda one: (one.fingerprint, one.path), lambda one: (one.fingerprint, path(one)))
        self._match_by(lambda one: one.fingerprint, lambda one: one.fingerprint)
        self._match_by(lambda one: (one.rule, one.path, one.line), self._key_on_kept_line(lambda one: one.rule), is_text_changed=True)
        self._match_in_hunks()
        if not self.earlier.text_by_path:  # else lines have told it better
            self._match_by(lambda one: (one.thing, one.path), lambda one: (one.thing, path(one)), is_text_changed=True)
        return self.match_by_index

    def unseen_indexes(self) -> frozenset[int]:
        """The findings that match none, on lines that stood in files that were not judged."""
        alignment_by_path: dict[str, LineAlignment] = {}
        unseen = set()
        for index, one in enumerate(self.later.findings):
            earlier_text = self.earlier.unjudged_text_by_path.get(one.path) if self.match_by_index[index] is None else None
            if earlier_text is None or one.path not in self.later.text_by_path:
                continue
            if one.path not in alignment_by_path:
                alignment_by_path[one.path] = align_lines(earlier_text, self.later.text_by_path[one.path])
            if one.line in alignment_by_path[one.path].kept:
                unseen.add(index)
        return frozenset(unseen)

    def path_before(self, one: KnownFinding) -> str:
        """What the file of a later finding was called."""
        return self.former_path.get(one.path, one.path)

    def _match_by(
        self,
        earlier_key: Callable[[KnownFinding], object],
        later_key: Callable[[KnownFinding], object],
        *,
        is_text_changed: bool = False,
    ) -> None:
        """Match what has one key, in order; where the marked text need not be the same nothing covers what is worse than it."""
        free_by_key = collections.defaultdict[object, collections.deque[int]](collections.deque)
        for index, one in enumerate(self.earlier.findings):
            if not self.is_taken[index]:
                free_by_key[earlier_key(one)].append(index)
        for index, one in enumerate(self.later.findings):
            key = later_key(one) if self.match_by_index[index] is None else None
            free = free_by_key.get(key) if key is not None else None
            if not free:
                continue
            if is_text_changed:
                fitting = next((at for at in free if self.earlier.findings[at].severity >= one.severity), None)
                if fitting is None:
                    continue
                free.remove(fitting)
                self._take(index, fitting)
            else:
                self._take(index, free.popleft())

    def _take(self, later_index: int, earlier_index: int) -> None:
        self.match_by_index[later_index] = earlier_index
        self.is_taken[earlier_index] = True

    def _alignment(self, path: str) -> LineAlignment | None:
        """How the lines of a file moved; None where a text of it is not at hand."""
        if path not in self.alignment_by_path:
            earlier_text = self.earlier.text_by_path.get(self.former_path.get(path, path))
            later_text = self.later.text_by_path.get(path)
            self.alignment_by_path[path] = None if earlier_text is None or later_text is None else align_lines(earlier_text, later_text)
        return self.alignment_by_path[path]

    def _key_on_kept_line(self, word: Callable[[KnownFinding], str]) -> Callable[[KnownFinding], object]:
        """The key of a later finding by the line that its line was; none where there was no such line."""

        def key(one: KnownFinding) -> object:
            alignment = self._alignment(one.path)
            line_before = alignment.kept.get(one.line) if alignment else None
            return None if line_before is None else (word(one), self.path_before(one), line_before)

        return key

    def _match_in_hunks(self) -> None:
        """Match findings of one rule in a stretch that was rewritten: what is marked is nearly the same, or the new name of a thing."""
        free_by_rule_and_hunk = self._free_by_rule_and_hunk()
        comparisons_left = MAX_TEXT_COMPARISONS
        for index, one in enumerate(self.later.findings):
            alignment = self._alignment(one.path) if free_by_rule_and_hunk and self.match_by_index[index] is None else None
            hunk = alignment.hunk_by_line.get(one.line) if alignment else None
            free = free_by_rule_and_hunk.get((one.rule, self.path_before(one), hunk), []) if hunk else []
            likeness, at = 0.0, -1
            for candidate in free[:MAX_CANDIDATES_PER_HUNK]:
                known = self.earlier.findings[candidate]
                comparisons_left -= 1
                if known.severity < one.severity or comparisons_left < 0:
                    continue
                candidate_likeness = 1.0 if hunk and _is_renamed_in_place(known, one, hunk) else _likeness(known.marked_text, one.marked_text)
                if candidate_likeness > likeness:
                    likeness, at = candidate_likeness, candidate
            if likeness >= MIN_TEXT_LIKENESS:
                free.remove(at)
                self._take(index, at)

    def _free_by_rule_and_hunk(self) -> dict[tuple[str, str, _Hunk], list[int]]:
        """The earlier findings that no later one is yet, by their rule, their file, and the stretch that was rewritten since."""
        later_path_by_former = {former: path for path, former in self.former_path.items()}
        hunks_by_path: dict[str, list[_Hunk]] = {}
        free_by_rule_and_hunk: dict[tuple[str, str, _Hunk], list[int]] = {}
        for index, one in enumerate(self.earlier.findings):
            if self.is_taken[index]:
                continue
            if one.path not in hunks_by_path:
                alignment = self._alignment(later_path_by_former.get(one.path, one.path))
                hunks_by_path[one.path] = sorted(set(alignment.hunk_by_line.values())) if alignment else []
            hunks = hunks_by_path[one.path]
            position = bisect.bisect_right(hunks, one.line, key=lambda hunk: hunk[0][0]) - 1
            if position >= 0 and one.line < hunks[position][0][1]:
                free_by_rule_and_hunk.setdefault((one.rule, one.path, hunks[position]), []).append(index)
        return free_by_rule_and_hunk


def _is_renamed_in_place(known: KnownFinding, one: KnownFinding, hunk: _Hunk) -> bool:
    """Whether two findings mark the names of their things on the same line of a stretch that kept its length."""
    (earlier_start, earlier_end), (later_start, later_end) = hunk
    is_same_line = earlier_end - earlier_start == later_end - later_start and known.line - earlier_start == one.line - later_start
    return is_same_line and known.marks_own_name and one.marks_own_name


def _likeness(text: str, other_text: str) -> float:
    """How much of two texts is the same, from 0 to 1."""
    return difflib.SequenceMatcher(None, text[:MAX_COMPARED_CHARACTERS], other_text[:MAX_COMPARED_CHARACTERS], autojunk=False).ratio()


def _former_paths(earlier: EarlierState, later: EarlierState) -> dict[str, str]:
    """What files that are new were called before, by their paths: the file that is gone and has most of their lines."""
    gone = {path: text for path, text in earlier.text_by_path.items() if path not in later.paths and path not in earlier.paths_left}
    added = {path: text for path, text in later.text_by_path.items() if path not in earlier.paths}
    if not gone or len(gone) * len(added) > MAX_RENAME_PAIRS:
        return {}
    lines_by_gone_path = {path: collections.Counter(map(str.strip, text.splitlines())) for path, text in gone.items()}
    likeness_and_paths = []
    comparisons_left = MAX_LINE_COMPARISONS
    for path, text in added.items():
        lines = collections.Counter(map(str.strip, text.splitlines()))
        line_count = lines.total()
        for gone_path, gone_lines in lines_by_gone_path.items():
            fewer, more = sorted((line_count, gone_lines.total()))
            comparisons_left -= len(lines)
            if fewer >= MIN_FILE_LIKENESS * more and comparisons_left > 0:
                likeness = (lines & gone_lines).total() / max(more, 1)
                likeness_and_paths.append((-likeness, gone_path.rpartition("/")[2] != path.rpartition("/")[2], gone_path, path))
    former_path: dict[str, str] = {}
    renamed_paths: set[str] = set()
    for negative_likeness, _, gone_path, path in sorted(likeness_and_paths):
        if -negative_likeness >= MIN_FILE_LIKENESS and path not in former_path and gone_path not in renamed_paths:
            former_path[path] = gone_path
            renamed_paths.add(gone_path)
    return former_path
