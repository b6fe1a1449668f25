"""What a report shows together: the findings that one edit mends, and those of one rule in one file."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from readiness.model import Finding, Severity
from readiness.model.records import dataclass
from readiness.reports.edit_text import EditText, edit_text
from readiness.verdict.report import Report

MAX_FULLY_SHOWN_GROUPS = 60  # with more groups than this, what is low or info takes one line
_RuleKey = tuple[str, Severity, str, str]  # (rule, severity, why, fix): equal where one telling does for several findings


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """Findings of one rule, severity and fix in one file.

    `is_brief` says that a line for each must do, `is_reason_new` that the reason is new to the reader, `shows_frame` that its
    line of the file was not shown just before. `score_gain` is what the first gains; 0 where there is no score.
    """

    first: Finding
    others: tuple[Finding, ...]
    is_brief: bool
    is_reason_new: bool
    shows_frame: bool
    score_gain: float

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All of them."""
        return (self.first, *self.others)


@dataclass(frozen=True, slots=True)
class EditBlock:
    """Findings of several rules that one edit mends, the worst first, and other things of the file that need the same edit.

    `further` are those of each other thing: their rules are among those of `members`. `text` is what to write; `is_text_new` says
    that it was not told before, `new_reasons` are the rules whose reasons were not, `score_gain` is what the unrounded score rises by
    when all of `members` are fixed. The rest is as in FindingGroup.
    """

    members: tuple[Finding, ...]
    further: tuple[tuple[Finding, ...], ...]
    text: EditText
    is_brief: bool
    is_text_new: bool
    new_reasons: frozenset[str]
    shows_frame: bool
    score_gain: float

    @property
    def first(self) -> Finding:
        """The worst of the first thing."""
        return self.members[0]

    @property
    def rule_ids(self) -> tuple[str, ...]:
        """The rules, each once, those of the worst findings first."""
        return tuple(dict.fromkeys(one.rule for one in self.members))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All of them."""
        return (*self.members, *itertools.chain.from_iterable(self.further))


def groups_by_file(
    report: Report, *, verbose: bool, findings: Sequence[Finding] | None = None
) -> Iterator[tuple[str, list[FindingGroup | EditBlock]]]:
    """The open findings, or those of them that are given, file by file: what one edit mends together, and those of one rule, severity and fix."""
    told_findings = report.open if findings is None else findings
    clusters_by_path = [
        (path, _clusters_in_file(list(findings_of_file))) for path, findings_of_file in itertools.groupby(told_findings, key=lambda one: one.path)
    ]
    has_too_many_groups = not verbose and sum(len(clusters) for _, clusters in clusters_by_path) > MAX_FULLY_SHOWN_GROUPS
    teller = _Teller(report, has_too_many_groups, verbose)
    for path, clusters in clusters_by_path:
        teller.last_shown_place = None
        yield path, [teller.edit_block(cluster) if _is_edit_cluster(cluster) else teller.finding_group(cluster[0]) for cluster in clusters]


def _rule_key(finding: Finding) -> _RuleKey:
    return finding.rule, finding.severity, finding.why, finding.fix


_Cluster = list[list[Finding]]  # findings by the thing that they are about, the first of which has all rules of the others


def _clusters_in_file(findings: Sequence[Finding]) -> list[_Cluster]:
    """The findings of a file that are told together, in the order of the first of each.

    Groups of one edit with several rules come first: a group whose rules another one has as well is told with it. What is left
    is told by rule.
    """
    findings_by_edit_group: dict[str, list[Finding]] = {}
    for finding in findings:
        findings_by_edit_group.setdefault(finding.edit_group, []).append(finding)
    findings_by_edit_group.pop("", None)
    clusters_by_edit: dict[tuple[str, str], list[tuple[set[_RuleKey], _Cluster]]] = {}
    rule_keys_by_group = {name: set(map(_rule_key, members)) for name, members in findings_by_edit_group.items()}
    grouped_names = set()
    for name in sorted(findings_by_edit_group, key=lambda name: -len(rule_keys_by_group[name])):
        members, rule_keys = findings_by_edit_group[name], rule_keys_by_group[name]
        rule_edit = members[0].edit
        clusters_of_edit = clusters_by_edit.setdefault((members[0].rule_definition.kind, rule_edit.at if rule_edit else ""), [])
        wider_cluster = next((cluster for keys, cluster in clusters_of_edit if keys >= rule_keys), None)
        if wider_cluster is not None:
            wider_cluster.append(members)
        elif len({one.rule for one in members}) > 1:
            clusters_of_edit.append((rule_keys, [members]))
        else:
            continue
        grouped_names.add(name)
    findings_by_rule: dict[_RuleKey, list[Finding]] = {}
    for finding in findings:
        if finding.edit_group not in grouped_names:
            findings_by_rule.setdefault(_rule_key(finding), []).append(finding)
    clusters = [cluster for clusters_of_edit in clusters_by_edit.values() for _, cluster in clusters_of_edit]
    clusters += [[members] for members in findings_by_rule.values()]
    position_by_finding_id = {id(finding): position for position, finding in enumerate(findings)}
    return sorted(clusters, key=lambda cluster: min(position_by_finding_id[id(members[0])] for members in cluster))


def _is_edit_cluster(cluster: _Cluster) -> bool:
    return len({one.rule for one in cluster[0]}) > 1


class _Teller:
    """Makes what is shown of each cluster, and keeps what the reader was told already."""

    def __init__(self, report: Report, has_too_many_groups: bool, verbose: bool) -> None:
        self.has_score = report.score is not None
        self.report_score = report.by_service
        self.score_now = self.report_score.unrounded_score_without(())
        self.index_by_finding_id = {id(finding): index for index, finding in enumerate(report.findings)}
        self.has_too_many_groups = has_too_many_groups
        self.verbose = verbose
        self.told_reasons: set[tuple[str, str]] = set()
        self.told_texts: set[tuple[str, ...]] = set()
        self.last_shown_place: object = None

    def finding_group(self, findings: Sequence[Finding]) -> FindingGroup:
        """Findings of one rule."""
        first, *others = findings
        is_brief = self.has_too_many_groups and first.severity <= Severity.LOW
        is_reason_new = self.verbose or (first.rule, first.why) not in self.told_reasons
        score_gain = first.score_gain if self.has_score else 0.0
        group = FindingGroup(first, tuple(others), is_brief, is_reason_new, self._is_place_new(first), score_gain)
        if not is_brief:
            self.told_reasons.add((first.rule, first.why))
            self.last_shown_place = first.start, first.end
        return group

    def edit_block(self, cluster: _Cluster) -> EditBlock:
        """Findings of several rules of one thing, and those of other things."""
        members = tuple(sorted(cluster[0], key=lambda one: -one.severity))
        is_brief = self.has_too_many_groups and members[0].severity <= Severity.LOW
        told_in_full = [one for one in members if not self.has_too_many_groups or one.severity > Severity.LOW]
        new_reasons = frozenset(one.rule for one in told_in_full if self.verbose or (one.rule, one.why) not in self.told_reasons)
        text = edit_text(members)
        is_text_new = self.verbose or text.lines not in self.told_texts
        further = tuple(map(tuple, cluster[1:]))
        score_gain = 0.0 if is_brief or not self.has_score else self._joint_score_gain(members)
        block = EditBlock(members, further, text, is_brief, is_text_new, new_reasons, self._is_place_new(members[0]), score_gain)
        if not is_brief:
            self.told_reasons.update((one.rule, one.why) for one in told_in_full)
            self.told_texts.add(text.lines)
            self.last_shown_place = members[0].start, members[0].end
        return block

    def _joint_score_gain(self, findings: Sequence[Finding]) -> float:
        indexes = [self.index_by_finding_id[id(finding)] for finding in findings]
        return self.report_score.unrounded_score_without(indexes) - self.score_now

    def _is_place_new(self, finding: Finding) -> bool:
        return self.verbose or (finding.start, finding.end) != self.last_shown_place
