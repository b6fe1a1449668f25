"""Sources and rules to findings and a tally; the only try/except around a check stands here."""

from __future__ import annotations

import itertools
import posixpath
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import PurePath
from typing import Any

from readiness import kinds
from readiness.loading.render.made import written_place
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
from readiness.model.project import Project
from readiness.ruleset.bound import LoadedRule
from readiness.run.ceiling import lower_outside_production
from readiness.run.trials import finding_in_trial


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

    def tally_of(self, key: str) -> RuleTally:
        """The tally of a rule, or of a tier: see Rule.tally_key."""
        tally = self.tally_by_rule.get(key)
        if tally is None:
            tally = self.tally_by_rule[key] = RuleTally()
        return tally


RulesByCondition = dict[Any, list[LoadedRule]]  # the rules of one target, by the conditions under which they judge a subject
PIPELINE_KINDS = frozenset({"github", "gitlab"})
MAX_EVIDENCE_PLACES_PER_FOLDER = 3  # of a folder: as many places a rule as a checklist shows for evidence


def progress_ticks(
    projects: Iterable[Project],
    running: Sequence[LoadedRule],
    progress: Callable[[int, int], None],
) -> Callable[[], None]:
    """What counts rules for `progress`, each once for every kind of file in every project."""
    targets = [kinds.kind_of_target(target) for one in running for target in one.rule.targets]
    total = sum(targets.count(kind) for project in projects for kind in project.by_kind)
    count = iter(range(1, total + 1))
    return lambda: progress(next(count, total), total)


def run_rules(
    project: Project,
    rules: Sequence[LoadedRule],
    core_rules: dict[str, Rule],
    result: EngineResult,
    on_rule_done: Callable[[], None] | None = None,
) -> None:
    """Hold the documents of a project against every rule, rule by rule; what is found is added to `result`.

    `on_rule_done` is called after each rule on a target, for those who wait. Documents of the context are asked for what they show
    of judged files, and are not counted.
    A check that raises gives a finding of core/crash and ends neither the run nor the rule.
    """
    first = len(result.findings)
    by_target: dict[str, RulesByCondition] = {}
    for bound in rules:
        for target in bound.targets:
            conditions = bound.conditions, bound.rule.asks
            by_target.setdefault(target, {}).setdefault(conditions, []).append(bound)
    kinds.link_documents(project.by_kind, project.paths, prose=project.prose)
    for kind, documents in project.by_kind.items():
        known = kinds.subject_finders_of(kind)
        for target, groups in by_target.items():
            if target not in known:
                continue
            subjects, others = _split_subjects(project, documents, known[target], result)
            asked = {asks: (_asked(subjects, asks), _asked(others, asks)) for asks in {asks for _, asks in groups}}
            for (_, asks), bounds in groups.items():
                mine, around = asked[asks]
                counted = _subjects_that_apply(mine, bounds, core_rules, result)
                for bound in bounds:
                    _run_rule(project, counted, bound, core_rules, result)
                    if on_rule_done:
                        on_rule_done()
                _run_on_context(project, around, bounds, core_rules, result)
    result.findings[first:] = lower_outside_production(result.findings[first:], project)


def _asked(subjects: list[Subject], asks: str) -> list[Subject]:
    """The subjects whom rules ask: all, or those that are for production."""
    if asks == "everyone":
        return subjects
    return [one for one in subjects if kinds.is_production(one)]


def _split_subjects(
    project: Project,
    documents: Sequence[Any],
    find: Callable[[Any], Iterable[Subject]],
    outcome: EngineResult,
) -> tuple[list[Subject], list[Subject]]:
    """The subjects of one target that are judged, and those of the context.

    Of an overlay or a chart that is context those are judged that stand in a judged file: a base without its overlays.
    """
    if not project.context or project.judged:
        return list(_find_subjects(documents, find, outcome)), []
    if project.idle:
        return [], []
    if project.judged is None:
        judged = [one for one in documents if not project.is_context(one.source)]
        around = [one for one in documents if project.is_context(one.source)]
        others = list(_find_subjects(around, find, EngineResult()))
        return list(_find_subjects(judged, find, outcome)), others
    mine: list[Subject] = []
    others = []
    for subject in _find_subjects(documents, find, EngineResult()):
        place = Span(subject.node.at().start, subject.node.at().start)
        source = written_place(subject.source, place)[0]
        if source.root.path in project.context:
            others.append(subject)
        else:
            mine.append(subject)
            outcome.subject_count_by_path.setdefault(source.root.path, 1)
    return mine, others


def _run_on_context(
    project: Project,
    subjects: Sequence[Subject],
    bounds: Sequence[LoadedRule],
    core: dict[str, Rule],
    outcome: EngineResult,
) -> None:
    """Add what rules find in judged files when they look at the context: an overlay of a base, what includes a part.

    Of a file that somebody wrote only checks that see the whole project can tell anything of another.
    """
    if not subjects:
        return
    asked = [
        bound
        for bound in bounds
        if (not bound.beside or bound.beside in project.by_kind) and (bound.needs_project or project.judged is False)
    ]
    if not asked:
        return
    aside = EngineResult()
    counted = _subjects_that_apply(subjects, asked, core, aside)
    for bound in asked:
        _run_rule(project, counted, bound, core, aside)
    outcome.findings += [one for one in aside.findings if one.rule != "core/crash"]


def _find_subjects(
    documents: Iterable[Any],
    subject_finder: Callable[[Any], Iterable[Subject]],
    result: EngineResult,
) -> Iterator[Subject]:
    """The subjects of one target in all documents; how many a file has at most is noted."""
    for document in documents:
        some = tuple(subject_finder(document))
        path = document.source.root.path
        result.subject_count_by_path[path] = max(result.subject_count_by_path.get(path, 0), len(some))
        yield from some


def _subjects_that_apply(
    subjects: Sequence[Subject],
    loaded_rules: Sequence[LoadedRule],
    core_rules: dict[str, Rule],
    result: EngineResult,
) -> Sequence[Subject]:
    """The subjects that rules with the same conditions judge."""
    if not loaded_rules[0].conditions:
        return subjects
    counted = []
    for subject in subjects:
        try:
            if loaded_rules[0].applies_to(subject):
                counted.append(subject)
        except Exception as error:  # as in _hold: what a fact of a subject costs is the rules that ask it
            for bound in loaded_rules:
                _record_crash(bound, subject, error, core_rules, result)
    return counted


def _run_rule(
    project: Project,
    subjects: Sequence[Subject],
    loaded_rule: LoadedRule,
    core_rules: dict[str, Rule],
    result: EngineResult,
) -> None:
    """One rule over those subjects of a target that it judges."""
    if not subjects:
        return
    tally = result.tally_of(loaded_rule.tally_key)
    tally.subjects += len(subjects)
    if loaded_rule.beside and loaded_rule.beside not in project.by_kind:
        return  # not even its check is imported
    proving = bool(loaded_rule.proof_clauses) and not project.prose
    for subject in subjects:
        try:
            silent = True
            for unknown in loaded_rule.run_check(subject, project):
                silent = False
                if isinstance(unknown, NotApplicable):
                    continue
                if isinstance(unknown, Undecidable):
                    tally.unknown += 1
                elif unknown.is_missing and _is_shown_in_part(subject, project, loaded_rule):
                    tally.unknown += 1  # not shown here is no proof that it is there
                else:
                    made = finding_from_hit(loaded_rule, subject, unknown)
                    finding = finding_in_trial(made, kinds.taken_purpose(subject))
                    if finding is None or project.is_around(written_place(finding.source, finding.span)[0]):
                        continue
                    units = project.memoize(kinds.unit_by_source_id)
                    unit = units.get(id(finding.source)) or units.get(id(finding.source.root), "")
                    result.findings.append(finding._replace(unit_path=unit))
            if silent and proving and not subject.source.fragment and kinds.is_production(subject):
                _note_evidence(loaded_rule, subject, project, tally)
        except Exception as error:  # a rule's bug must cost that rule, not the run
            _record_crash(loaded_rule, subject, error, core_rules, result)


def _note_evidence(loaded_rule: LoadedRule, subject: Subject, project: Project, tally: RuleTally) -> None:
    """Add the places that speak for a rule, while its folder has few."""
    folder = posixpath.dirname(subject.source.root.path)
    room = MAX_EVIDENCE_PLACES_PER_FOLDER - sum(
        posixpath.dirname(source.root.path) == folder for source, _ in tally.places[-MAX_EVIDENCE_PLACES_PER_FOLDER:]
    )
    if room > 0:
        spans = itertools.islice(loaded_rule.evidence_spans(subject), room)
        tally.places += [
            (subject.source, span) for span in spans if not project.is_around(written_place(subject.source, span)[0])
        ]


def _record_crash(
    loaded_rule: LoadedRule,
    subject: Subject,
    error: Exception,
    core_rules: dict[str, Rule],
    result: EngineResult,
) -> None:
    """Tell of a check that raised; what crashed has no verdict, so it proves no item."""
    result.tally_of(loaded_rule.tally_key).unknown += 1
    result.findings.append(crash_finding(core_rules["core/crash"], loaded_rule, subject, error))


def _is_shown_in_part(subject: Subject, project: Project, loaded_rule: LoadedRule) -> bool:
    """Whether what is left out here may well stand elsewhere: a fragment, or prose whose project is one document.

    A workflow shown whole is no such case: its jobs and steps are all there is.
    """
    if subject.source.fragment:
        return True
    return project.prose and loaded_rule.needs_project and subject.source.kind not in PIPELINE_KINDS


def finding_from_hit(loaded_rule: LoadedRule, subject: Subject, hit: Hit) -> Finding:
    """A hit with its rule, its place on one line, and its message."""
    source, rule = hit.source or subject.source, loaded_rule.rule
    facts = make_fact_lookup(subject, hit)
    part = messages.message_value(facts(rule.part_fact)) if rule.part_fact else ""
    severity = loaded_rule.severity if hit.severity is None else min(hit.severity, loaded_rule.severity)
    return Finding(
        rule_definition=rule,
        source=source,
        span=source.one_line(hit.span),
        message=message_for_hit(loaded_rule, part, facts, hit.message_name),
        resource=subject.resource if hit.resource is None else hit.resource,
        container=subject.container if hit.container is None else hit.container,
        related=hit.related,
        enclosing_offsets=enclosing_starts(subject) if source is subject.source else (),
        lowered_severity=None if severity is rule.severity else severity,
        tier=loaded_rule.tier,
        part=part if part in rule.parts else "",
    )


def enclosing_starts(subject: Any) -> tuple[int, ...]:
    """Where the subject begins, and the things that it is part of: a container, its pod, the object that owns it."""
    starts = [subject.node.at().start]
    for _ in range(4):
        outer = getattr(subject, "pod", None) or getattr(subject, "owner", None)
        if outer is None or outer.source is not subject.source:
            break
        subject = outer
        starts.append(subject.node.at().start)
    return tuple(starts)


def make_fact_lookup(subject: Subject, hit: Hit) -> Callable[[str], object]:
    """The facts of a hit, by name, and those of its subject where the hit says nothing of a name."""
    return lambda name: hit.facts[name] if name in hit.facts else getattr(subject, name, _NO_FACT)


def message_for_hit(loaded_rule: LoadedRule, part: str, facts: Callable[[str], object], message_name: str = "") -> str:
    """The message that a hit names with `message_name`, else that for hits of its part, with the facts in it."""
    text = (
        loaded_rule.message_by_name.get(message_name)
        or loaded_rule.message_by_part.get(part)
        or loaded_rule.message_by_part[""]
    )
    return messages.fill_message(text or loaded_rule.rule.title, facts)


_NO_FACT = object()


def crash_finding(rule: Rule, loaded_rule: LoadedRule, subject: Subject, error: Exception) -> Finding:
    """The finding that stands for a check that raised: which rule, on what, where in the code."""
    facts = {"rule": loaded_rule.rule.id, "error": type(error).__name__, "where": code_place(error)}
    text = messages.fill_message(rule.message, facts.get)
    return Finding(rule, subject.source, Span(0, 0), text, resource=subject.resource)


def code_place(error: BaseException) -> str:
    """`file.py:line` of the code that raised an error; `?` where it has no traceback."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    return f"{PurePath(last[0].filename).name}:{last[0].lineno}" if last else "?"


def sort_and_deduplicate(findings: list[Finding]) -> list[Finding]:
    """Sorted by path, offset and rule; the same thing said twice of one place and name (aliases give twins) once, at its worst.

    What a tier of a rule says of a place, a stricter tier does not say again.
    """
    kept: dict[tuple[str, int, int, str, str, str], Finding] = {}
    for (path, offset, rule, name, message), finding in sorted(
        ((report_order(one), one) for one in findings), key=itemgetter(0)
    ):
        key = (path, offset, finding.span.end - finding.span.start, rule, name, message)
        kept[key] = with_worse_severity(kept[key], finding) if key in kept else finding
    first: dict[Any, int] = {}
    for finding in kept.values():
        if finding.tier:
            rank = finding.rule_definition.tier_index(finding.tier)
            first[_duplicate_key(finding)] = min(first.get(_duplicate_key(finding), rank), rank)
    return [
        finding
        for finding in kept.values()
        if not finding.tier or finding.rule_definition.tier_index(finding.tier) == first[_duplicate_key(finding)]
    ]


def _duplicate_key(finding: Finding) -> tuple[str, tuple[str, int], str, str, str]:
    """What a rule says at most once, at the mildest tier that does."""
    return finding.rule, finding.fix_place, finding.resource, finding.container, finding.part


def report_order(finding: Finding) -> tuple[str, int, str, str, str]:
    """The sort key of reports: path, offset, rule, resource, message."""
    path, offset = finding.fix_place
    return path, offset, finding.rule, finding.resource, finding.message
