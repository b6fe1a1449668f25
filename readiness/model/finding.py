"""What a report is made of: findings, and why one does not count."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from readiness.model.hits import Related
from readiness.model.rule import Rule, RuleEdit, Severity
from readiness.model.source import Position, Source, Span


class Suppression(NamedTuple):
    """Why a finding does not count: who said so, the reason given, and the date it ends (YYYY-MM-DD)."""

    suppressed_by: str
    reason: str
    until: str | None = None

    @property
    def is_of_known_finding(self) -> bool:
        """Whether the finding stood before, by a baseline or an earlier revision, and nobody said that it is no fault."""
        return self.suppressed_by in {"baseline", "since"}


class AnnotationSuppression(NamedTuple):
    """A suppression that an object carries in its annotations: the rule it names, its text, and where."""

    source: Source
    rule: str
    text: str
    span: Span
    covered_span: Span


MESSAGE_VALUE_PUT_IN_HERE = "a template puts the value in here"  # what is said of a place whose value stands elsewhere


class Edit(NamedTuple):
    """A change of a file that mends a finding: `text` takes the place of `span`."""

    source: Source
    span: Span
    text: str


class Environments(NamedTuple):
    """Which environments of a chart or of overlays give a finding, of `total` for which its file is rendered.

    `tests` are sets of values of install tests, which are named where nothing else gives it.
    """

    names: tuple[str, ...]
    tests: tuple[str, ...]
    total: int

    def joined(self, other_environments: Environments) -> Environments:
        """Those of two findings that are one."""
        joined_names = tuple(dict.fromkeys((*self.names, *other_environments.names)))
        joined_test_names = tuple(dict.fromkeys((*self.tests, *other_environments.tests)))
        return Environments(joined_names, joined_test_names, max(self.total, other_environments.total))

    def told(self) -> str:
        """What a message says of them: nothing where it is all."""
        if not self.names:
            return f" (only with {join_names(self.tests)})" if self.tests else ""
        return f" (only with {join_names(self.names)})" if len(self.names) < self.total else ""


class Finding(NamedTuple):
    """One true thing about one place.

    `rule_definition` is the rule that says it. `enclosing_offsets` are the offsets where the blocks around the place begin: a
    suppression may stand there. `lowered_severity` is the severity of the hit, or of its tier, where that is under the rule's;
    `rated_severity` is what settings call the rule here.
    `score_gain` is what the raw score wins without it, in points. `tier` and `part` say which of the rule's it is. The rest
    says what the finding belongs to, each empty where nothing is known: `edit_group` the findings that one edit mends,
    `unit_path` what is applied together with its file, `service_name` what a team would call one, `purpose` what the file is
    for, `replacement_text` what to write here where that is more exact than the rule's `fix`, `edits` the changes that do so.
    `environments` are those that give it where it was found in renderings, until its message says so.
    """

    rule_definition: Rule
    source: Source
    span: Span
    message: str
    resource: str = ""
    container: str = ""
    related: tuple[Related, ...] = ()
    enclosing_offsets: tuple[int, ...] = ()
    suppression: Suppression | None = None
    score_gain: float = 0.0
    fingerprint: str = ""
    lowered_severity: Severity | None = None
    tier: str = ""
    part: str = ""
    edit_group: str = ""
    unit_path: str = ""
    service_name: str = ""
    purpose: str = ""
    replacement_text: str = ""
    edits: tuple[Edit, ...] = ()
    environments: Environments | None = None
    rated_severity: Severity | None = None

    @property
    def rule(self) -> str:
        """The rule's id."""
        return self.rule_definition.id

    @property
    def severity(self) -> Severity:
        """How bad it is here: the rule's severity, or what settings call it; where a lower one holds for the place, that."""
        rule_severity = self.rule_definition.severity if self.rated_severity is None else self.rated_severity
        return rule_severity if self.lowered_severity is None else min(rule_severity, self.lowered_severity)

    @property
    def tally_key(self) -> str:
        """The name under which what its rule, or the rule's tier, looked at is counted."""
        return self.rule_definition.tally_key(self.tier)

    @property
    def why(self) -> str:
        """Why it breaks in production, in the words for its tier and part."""
        return self.rule_definition.field_text("why", self.tier, self.part)

    @property
    def fix(self) -> str:
        """How to fix it, in the words for its tier and part."""
        return self.rule_definition.field_text("fix", self.tier, self.part)

    @property
    def edit(self) -> RuleEdit | None:
        """Where its fix is written, together with those of other rules; None where the rule names no such place."""
        return self.rule_definition.tier_by_name(self.tier).edit

    @property
    def checklist(self) -> tuple[str, ...]:
        """The items of checklists that it speaks against."""
        return self.rule_definition.tier_by_name(self.tier).checklist

    @property
    def equivalents(self) -> Mapping[str, tuple[str, ...]]:
        """The rules of other linters that say the same."""
        return self.rule_definition.equivalents_at(self.tier, self.part)

    @property
    def path(self) -> str:
        """The path of the file, relative to the working directory, with `/`."""
        return self.source.root.path

    @property
    def fix_place(self) -> tuple[str, int]:
        """Where the fix goes: the file, and the offset in it. Equal places are one failure to the score."""
        finding_source = self.source
        if finding_source.parent is None:
            return finding_source.path, self.span.start
        return finding_source.root.path, finding_source.to_root(self.span.start)

    @property
    def silenced_at(self) -> Iterator[tuple[Source, Span]]:
        """Where a suppression may speak of it: its own place, and those of the templates that put its value in."""
        yield self.source, self.span
        for related_place in self.related:
            if related_place.message == MESSAGE_VALUE_PUT_IN_HERE:
                yield related_place.source, related_place.span

    @property
    def start(self) -> Position:
        """Line and column of the first character."""
        return self.source.position_of(self.span.start)

    @property
    def end(self) -> Position:
        """Line and column behind the last character."""
        start = self.start
        return Position(start.line, start.column + self.span.end - self.span.start)

    @property
    def line(self) -> int:
        """The line, from 1."""
        return self.start.line


def with_worse_severity(finding: Finding, twin: Finding) -> Finding:
    """`one`, with the severity and the tier of `twin` where that is worse: both say the same of the same place."""
    if twin.severity <= finding.severity:
        return finding
    return finding._replace(lowered_severity=twin.lowered_severity, tier=twin.tier)


_MAX_RELATED_PLACES_PER_FINDING = 6  # that one finding shows for several that it stands for


def joined_finding(finding: Finding, twin: Finding) -> Finding:
    """A finding that stands for its twin, too: as bad as the worse of both, with places and environments of both."""
    additional_places = [place for place in twin.related if place not in finding.related]
    joined_places = (*finding.related, *additional_places[: max(_MAX_RELATED_PLACES_PER_FINDING - len(finding.related), 0)])
    finding_environments, twin_environments = finding.environments, twin.environments
    joined_environments = finding_environments.joined(twin_environments) if finding_environments and twin_environments else None
    shared_unit_path = finding.unit_path if finding.unit_path == twin.unit_path else ""
    shared_service_name = finding.service_name if finding.service_name == twin.service_name else ""
    return with_worse_severity(finding, twin)._replace(
        related=joined_places, environments=joined_environments, unit_path=shared_unit_path, service_name=shared_service_name
    )


def message_without_resource(message: str, resource: str) -> str:
    """A message with blanks for the resource that it is about: two that differ in nothing else say the same."""
    resource_kind, _, resource_name = resource.partition("/")
    for resource_text in (resource, resource_name or resource_kind):
        if resource_text:
            message = re.sub(rf"(?<![\w/-]){re.escape(resource_text)}(?![\w-])", "\0", message)
    return message


def join_names(names_to_join: Iterable[object]) -> str:
    """Names for a message: `a, b and c`."""
    name_texts = [str(item) for item in names_to_join]
    return name_texts[0] if len(name_texts) == 1 else f"{', '.join(name_texts[:-1])} and {name_texts[-1]}" if name_texts else ""
