"""Sources and rules to findings and a tally; the only try/except around a check stands here."""

from __future__ import annotations

import itertools
import posixpath
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field
from operator import itemgetter
from typing import Any

from readiness import kinds
from readiness.loading.render.made import written_source_and_span
from readiness.model import (
    Finding,
    Hit,
    NotApplicable,
    Rule,
    Source,
    Span,
    Subject,
    Undecidable,
    messages,
    with_worse_severity,
)
from readiness.model.crash import SUBJECTS, CrashAsFinding, raising_file_and_line
from readiness.model.project import Project
from readiness.model.records import dataclass
from readiness.ruleset.bound import LoadedRule
from readiness.run.ceiling import lower_non_production_severities
from readiness.run.crashes import link_project
from readiness.run.focus import is_told_around
from readiness.run.ratings import subjects_in_paths, with_rated_severity
from readiness.run.trials import finding_unless_excused_by_trial


@dataclass(slots=True)
class RuleTally:
    """What a rule looked at: how many subjects, how many were undecidable, and the first places that speak for it.

    These are values that are there, in subjects that it has nothing against: see LoadedRule.evidence_spans. `places` has some
    of each folder.
    """

    subjects: int = 0
    unknown: int = 0
    places: list[tuple[Source, Span]] = field(default_factory=list)


@dataclass(slots=True)
class EngineResult:
    """What a run over projects gives: findings, a tally for each rule (each tier of one that has tiers), subjects by source."""

    findings: list[Finding] = field(default_factory=list)
    tally_by_rule: dict[str, RuleTally] = field(default_factory=dict)
    subject_count_by_path: dict[str, int] = field(default_factory=dict)

    def tally_of(self, tally_key: str) -> RuleTally:
        """The tally of a rule, or of a tier: see Rule.tally_key."""
        tally = self.tally_by_rule.get(tally_key)
        if tally is None:
            tally = self.tally_by_rule[tally_key] = RuleTally()
        return tally


RulesByConditionsAndAudience = dict[Any, list[LoadedRule]]  # the rules of one target, by the conditions under which they judge a subject
CI_PIPELINE_KINDS = frozenset({"github", "gitlab"})
MAX_EVIDENCE_PLACES_PER_RULE_FOLDER = 3  # of a folder: as many places a rule as a checklist shows for evidence


def make_rule_progress_callback(
    projects: Iterable[Project],
    running_rules: Sequence[LoadedRule],
    report_progress: Callable[[int, int], None],
) -> Callable[[], None]:
    """What counts rules for `report_progress`, each once for every target that files of a project have: as often as `run_rules` calls it."""
    count_by_target = Counter(target for one in running_rules for target in one.targets)
    target_lists = [kinds.subject_finder_by_target(kind) for project in projects for kind in project.by_kind]
    total_rule_runs = sum(count_by_target[target] for targets in target_lists for target in targets)
    finished_counts = iter(range(1, total_rule_runs + 1))
    return lambda: report_progress(next(finished_counts, total_rule_runs), total_rule_runs)


def run_rules(
    project: Project,
    loaded_rules: Sequence[LoadedRule],
    core_rule_by_id: dict[str, Rule],
    engine_result: EngineResult,
    on_rule_done: Callable[[], None] | None = None,
) -> None:
    """Hold the documents of a project against every rule, rule by rule; what is found is added to `engine_result`.

    `on_rule_done` is called after each rule on a target, for those who wait. Documents of the context are asked for what they show
    of judged files, and are not counted.
    A check that raises gives a finding of core/crash and ends neither the run nor the rule.
    """
    first_new_finding_index = len(engine_result.findings)
    rules_by_condition_by_target: dict[str, RulesByConditionsAndAudience] = {}
    for loaded_rule in loaded_rules:
        for target in loaded_rule.targets:
            conditions_and_audience = loaded_rule.conditions, loaded_rule.rule.asks
            rules_by_condition_by_target.setdefault(target, {}).setdefault(conditions_and_audience, []).append(loaded_rule)
    crashed_kinds = link_project(project, core_rule_by_id["core/crash"], engine_result.findings)
    for kind, documents in project.by_kind.items():
        if kind in crashed_kinds:
            continue
        finder_by_target = kinds.subject_finder_by_target(kind)
        for target, rules_by_condition in rules_by_condition_by_target.items():
            if target not in finder_by_target:
                continue
            judged_subjects, context_subjects = _judged_and_context_subjects(
                project, documents, finder_by_target[target], core_rule_by_id["core/crash"], engine_result
            )
            subjects_by_audience = {
                audience: (_subjects_of_audience(judged_subjects, audience), _subjects_of_audience(context_subjects, audience))
                for audience in {audience for _, audience in rules_by_condition}
            }
            for (_, audience), grouped_rules in rules_by_condition.items():
                judged_subjects_of_audience, context_subjects_of_audience = subjects_by_audience[audience]
                subjects_meeting_conditions = _subjects_meeting_conditions(judged_subjects_of_audience, grouped_rules, core_rule_by_id, engine_result)
                for loaded_rule in grouped_rules:
                    _run_rule(project, subjects_meeting_conditions, loaded_rule, core_rule_by_id, engine_result)
                    if on_rule_done:
                        on_rule_done()
                _run_rules_on_context(project, context_subjects_of_audience, grouped_rules, core_rule_by_id, engine_result)
    engine_result.findings[first_new_finding_index:] = lower_non_production_severities(engine_result.findings[first_new_finding_index:], project)


def _subjects_of_audience(subjects: list[Subject], audience: str) -> list[Subject]:
    """The subjects whom rules ask: all, or those that are for production."""
    if audience == "everyone":
        return subjects
    return [one for one in subjects if kinds.is_production_subject(one)]


def _judged_and_context_subjects(
    project: Project,
    documents: Sequence[Any],
    find_subjects: Callable[[Any], Iterable[Subject]],
    crash_rule: Rule,
    engine_result: EngineResult,
) -> tuple[list[Subject], list[Subject]]:
    """The subjects of one target that are judged, and those of the context.

    Of an overlay or a chart that is context those are judged that stand in a judged file: a base without its overlays.
    """
    if not project.context or project.judged:
        return list(_find_subjects(documents, find_subjects, crash_rule, engine_result)), []
    if project.idle:
        return [], []
    if project.judged is None:
        judged_documents = [one for one in documents if not project.is_context(one.source)]
        context_documents = [one for one in documents if project.is_context(one.source)]
        context_subjects = list(_find_subjects(context_documents, find_subjects, crash_rule, EngineResult()))
        return list(_find_subjects(judged_documents, find_subjects, crash_rule, engine_result)), context_subjects
    judged_subjects: list[Subject] = []
    context_subjects = []
    for subject in _find_subjects(documents, find_subjects, crash_rule, EngineResult()):
        subject_start_span = Span(subject.node.at().start, subject.node.at().start)
        written_source = written_source_and_span(subject.source, subject_start_span)[0]
        if written_source.root.path in project.context:
            context_subjects.append(subject)
        else:
            judged_subjects.append(subject)
            engine_result.subject_count_by_path.setdefault(written_source.root.path, 1)
    return judged_subjects, context_subjects


def _run_rules_on_context(
    project: Project,
    context_subjects: Sequence[Subject],
    loaded_rules: Sequence[LoadedRule],
    core_rule_by_id: dict[str, Rule],
    engine_result: EngineResult,
) -> None:
    """Add what rules find in judged files when they look at the context: an overlay of a base, what includes a part.

    Of a file that somebody wrote only checks that see the whole project can tell anything of another.
    """
    if not context_subjects:
        return
    applicable_rules = [
        applicable_rule
        for applicable_rule in loaded_rules
        if (not applicable_rule.beside or applicable_rule.beside in project.by_kind) and (applicable_rule.needs_project or project.judged is False)
    ]
    if not applicable_rules:
        return
    context_result = EngineResult()
    subjects_meeting_conditions = _subjects_meeting_conditions(context_subjects, applicable_rules, core_rule_by_id, context_result)
    for applicable_rule in applicable_rules:
        _run_rule(project, subjects_meeting_conditions, applicable_rule, core_rule_by_id, context_result)
    engine_result.findings += [one for one in context_result.findings if one.rule != "core/crash"]


def _find_subjects(
    documents: Iterable[Any],
    subject_finder: Callable[[Any], Iterable[Subject]],
    crash_rule: Rule,
    engine_result: EngineResult,
) -> Iterator[Subject]:
    """The subjects of one target in all documents; how many a file has at most is noted."""
    for document in documents:
        document_subjects: tuple[Subject, ...] = ()
        with CrashAsFinding(SUBJECTS, crash_rule, document.source, engine_result.findings.append):
            document_subjects = tuple(subject_finder(document))
        file_path = document.source.root.path
        engine_result.subject_count_by_path[file_path] = max(engine_result.subject_count_by_path.get(file_path, 0), len(document_subjects))
        yield from document_subjects


def _subjects_meeting_conditions(
    subjects: Sequence[Subject],
    loaded_rules: Sequence[LoadedRule],
    core_rule_by_id: dict[str, Rule],
    engine_result: EngineResult,
) -> Sequence[Subject]:
    """The subjects that rules with the same conditions judge."""
    if not loaded_rules[0].conditions:
        return subjects
    applicable_subjects = []
    for subject in subjects:
        try:
            if loaded_rules[0].applies_to(subject):
                applicable_subjects.append(subject)
        except Exception as error:  # as in _hold: what a fact of a subject costs is the rules that ask it
            for crashed_rule in loaded_rules:
                _record_crash(crashed_rule, subject, error, core_rule_by_id, engine_result)
    return applicable_subjects


def _run_rule(
    project: Project,
    subjects: Sequence[Subject],
    loaded_rule: LoadedRule,
    core_rule_by_id: dict[str, Rule],
    engine_result: EngineResult,
) -> None:
    """One rule over those subjects of a target that it judges."""
    if loaded_rule.paths is not None:
        subjects = subjects_in_paths(subjects, loaded_rule.paths)
    if not subjects:
        return
    rule_tally = engine_result.tally_of(loaded_rule.tally_key)
    rule_tally.subjects += len(subjects)
    if loaded_rule.beside and loaded_rule.beside not in project.by_kind:
        return  # not even its check is imported
    collects_evidence = bool(loaded_rule.proof_clauses) and not project.prose
    for subject in subjects:
        try:
            has_no_outcome = True
            for outcome in loaded_rule.run_check(subject, project):
                has_no_outcome = False
                if isinstance(outcome, NotApplicable):
                    continue
                if isinstance(outcome, Undecidable):
                    rule_tally.unknown += 1
                elif outcome.is_missing and _may_missing_part_be_elsewhere(subject, project, loaded_rule):
                    rule_tally.unknown += 1  # not shown here is no proof that it is there
                else:
                    finding_from_check = finding_from_hit(loaded_rule, subject, outcome)
                    if loaded_rule.ratings:
                        finding_from_check = with_rated_severity(finding_from_check, loaded_rule.ratings)
                    finding = finding_unless_excused_by_trial(finding_from_check, kinds.effective_purpose_of_subject(subject))
                    if finding is None or is_told_around(finding, project):
                        continue
                    unit_path_by_source_id = project.memoize(kinds.unit_path_by_source_id)
                    unit_path = unit_path_by_source_id.get(id(finding.source)) or unit_path_by_source_id.get(id(finding.source.root), "")
                    engine_result.findings.append(finding._replace(unit_path=unit_path))
            if has_no_outcome and collects_evidence and not subject.source.fragment and kinds.is_production_subject(subject):
                _record_evidence_places(loaded_rule, subject, project, rule_tally)
        except Exception as check_error:  # a rule's bug must cost that rule, not the run
            _record_crash(loaded_rule, subject, check_error, core_rule_by_id, engine_result)


def _record_evidence_places(loaded_rule: LoadedRule, subject: Subject, project: Project, rule_tally: RuleTally) -> None:
    """Add the places that speak for a rule, while its folder has few."""
    subject_folder = posixpath.dirname(subject.source.root.path)
    remaining_place_count = MAX_EVIDENCE_PLACES_PER_RULE_FOLDER - sum(
        posixpath.dirname(source.root.path) == subject_folder for source, _ in rule_tally.places[-MAX_EVIDENCE_PLACES_PER_RULE_FOLDER:]
    )
    if remaining_place_count > 0:
        evidence_spans = itertools.islice(loaded_rule.evidence_spans(subject), remaining_place_count)
        rule_tally.places += [
            (subject.source, span) for span in evidence_spans if not project.is_around(written_source_and_span(subject.source, span)[0])
        ]


def _record_crash(
    loaded_rule: LoadedRule,
    subject: Subject,
    error: Exception,
    core_rule_by_id: dict[str, Rule],
    engine_result: EngineResult,
) -> None:
    """Tell of a check that raised; what crashed has no verdict, so it proves no item."""
    engine_result.tally_of(loaded_rule.tally_key).unknown += 1
    engine_result.findings.append(finding_for_crashed_check(core_rule_by_id["core/crash"], loaded_rule, subject, error))


def _may_missing_part_be_elsewhere(subject: Subject, project: Project, loaded_rule: LoadedRule) -> bool:
    """Whether what is left out here may well stand elsewhere: a fragment, or prose whose project is one document.

    A workflow shown whole is no such case: its jobs and steps are all there is.
    """
    if subject.source.fragment:
        return True
    return project.prose and loaded_rule.needs_project and subject.source.kind not in CI_PIPELINE_KINDS


def finding_from_hit(loaded_rule: LoadedRule, subject: Subject, hit: Hit) -> Finding:
    """A hit with its rule, its place on one line, and its message."""
    source, rule = hit.source or subject.source, loaded_rule.rule
    fact_lookup = make_fact_lookup(subject, hit)
    part_name = messages.message_value(fact_lookup(rule.part_fact)) if rule.part_fact else ""
    severity = loaded_rule.severity if hit.severity is None else min(hit.severity, loaded_rule.severity)
    return Finding(
        rule_definition=rule,
        source=source,
        span=source.one_line(hit.span),
        message=message_for_hit(loaded_rule, part_name, fact_lookup, hit.message_name),
        resource=subject.resource if hit.resource is None else hit.resource,
        container=subject.container if hit.container is None else hit.container,
        related=hit.related,
        enclosing_offsets=enclosing_start_offsets(subject) if source is subject.source else (),
        lowered_severity=None if severity is rule.severity else severity,
        tier=loaded_rule.tier,
        part=part_name if part_name in rule.parts else "",
    )


def enclosing_start_offsets(subject: Any) -> tuple[int, ...]:
    """Where the subject begins, and the things that it is part of: a container, its pod, the object that owns it."""
    start_offsets = [subject.node.at().start]
    for _ in range(4):
        enclosing_subject = getattr(subject, "pod", None) or getattr(subject, "owner", None)
        if enclosing_subject is None or enclosing_subject.source is not subject.source:
            break
        subject = enclosing_subject
        start_offsets.append(subject.node.at().start)
    return tuple(start_offsets)


def make_fact_lookup(subject: Subject, hit: Hit) -> Callable[[str], object]:
    """The facts of a hit, by name, and those of its subject where the hit says nothing of a name."""
    return lambda name: hit.facts[name] if name in hit.facts else getattr(subject, name, _MISSING_FACT)


def message_for_hit(loaded_rule: LoadedRule, part_name: str, fact_lookup: Callable[[str], object], message_name: str = "") -> str:
    """The message that a hit names with `message_name`, else that for hits of its part, with the facts in it."""
    message_template = loaded_rule.message_by_name.get(message_name) or loaded_rule.message_by_part.get(part_name) or loaded_rule.message_by_part[""]
    return messages.fill_message(message_template or loaded_rule.rule.title, fact_lookup)


_MISSING_FACT = object()


def finding_for_crashed_check(crash_rule: Rule, loaded_rule: LoadedRule, subject: Subject, error: Exception) -> Finding:
    """The finding that stands for a check that raised: which rule, on what, where in the code."""
    fact_by_name = {"rule": loaded_rule.rule.id, "error": type(error).__name__, "where": raising_file_and_line(error)}
    message = messages.fill_message(crash_rule.message, fact_by_name.get)
    return Finding(crash_rule, subject.source, Span(0, 0), message, resource=subject.resource)


def sort_and_deduplicate(findings: list[Finding]) -> list[Finding]:
    """Sorted by path, offset and rule; the same thing said twice of one place and name (aliases give twins) once, at its worst.

    What a tier of a rule says of a place, a stricter tier does not say again.
    """
    finding_by_identity: dict[tuple[str, int, int, str, str, str], Finding] = {}
    for (path, offset, rule_id, resource_name, message), finding in sorted(((report_sort_key(one), one) for one in findings), key=itemgetter(0)):
        finding_identity = (path, offset, finding.span.end - finding.span.start, rule_id, resource_name, message)
        finding_by_identity[finding_identity] = (
            with_worse_severity(finding_by_identity[finding_identity], finding) if finding_identity in finding_by_identity else finding
        )
    mildest_tier_index_by_key: dict[Any, int] = {}
    findings_with_key_and_tier_index = [
        (finding, _duplicate_key(finding), finding.rule_definition.tier_index(finding.tier)) if finding.tier else (finding, None, 0)
        for finding in finding_by_identity.values()
    ]
    for _, duplicate_key, tier_index in findings_with_key_and_tier_index:
        mildest_tier_index_by_key[duplicate_key] = min(mildest_tier_index_by_key.get(duplicate_key, tier_index), tier_index)
    return [
        finding for finding, duplicate_key, tier_index in findings_with_key_and_tier_index if tier_index == mildest_tier_index_by_key[duplicate_key]
    ]


def _duplicate_key(finding: Finding) -> tuple[str, tuple[str, int], str, str, str]:
    """What a rule says at most once, at the mildest tier that does."""
    return finding.rule, finding.fix_place, finding.resource, finding.container, finding.part


def report_sort_key(finding: Finding) -> tuple[str, int, str, str, str]:
    """The sort key of reports: path, offset, rule, resource, message."""
    path, offset = finding.fix_place
    return path, offset, finding.rule, finding.resource, finding.message
