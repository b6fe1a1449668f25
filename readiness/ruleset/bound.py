"""A rule, or one tier of it, with what runs it: which subjects it counts, and the function that judges one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from readiness.model import CheckOutcome, Hit, Rule, Severity, Span, Subject, Undecidable
from readiness.model.memo import cached_property
from readiness.model.project import Project
from readiness.model.records import dataclass
from readiness.ruleset.bindings import parameter_names, resolve_check
from readiness.ruleset.predicates import PathClause
from readiness.syntax.glob import glob_matches, prefixed_path


class PathsOfVariant(NamedTuple):
    """The files for which one variant of a rule is: those of the directory `own`, without those of the directories `others` in it.

    All are globs, relative to where `prefix` begins that leads to the working directory.
    """

    own: str
    others: tuple[str, ...]
    prefix: str

    def has_file(self, path: str) -> bool:
        """Whether a file is judged by this variant."""
        path_below_settings = prefixed_path(self.prefix, path)
        return glob_matches(self.own, path_below_settings) and not any(glob_matches(one, path_below_settings) for one in self.others)


class Rating(NamedTuple):
    """How bad the settings call a rule in the files of a glob: all of it, or what has the tier or the part `member`.

    `prefix` leads from what the glob is relative to to the working directory. `is_callers` tells what stands above the tree's settings.
    """

    pattern: str
    prefix: str
    severity: Severity
    is_callers: bool = False
    member: str = ""


@dataclass(frozen=True)
class LoadedRule:
    """A rule, and what runs it: which subjects it counts and the function that judges one.

    A rule in tiers has one for each, in their order; `own_parameters` are the parameters in `arguments` that the tier sets itself.
    `proof_clauses` are the values of a subject in order that speak for the rule's checklist items. `beside` is the kind of
    file without which the rule has nothing to say; empty for most. `ratings` are what the settings say of its severity, what counts most
    last. Of a rule that has other parameters in some files there is one for each; `paths` says which files are whose.
    """

    rule: Rule
    rule_file: str
    conditions: tuple[tuple[str, Any], ...]
    clauses: tuple[PathClause, ...] = ()
    check_name: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    tier: str = ""
    own_parameters: frozenset[str] = frozenset()
    proof_clauses: tuple[PathClause, ...] = ()
    beside: str = ""
    ratings: tuple[Rating, ...] = ()
    paths: PathsOfVariant | None = None

    def with_ratings(self, ratings: tuple[Rating, ...]) -> LoadedRule:
        """The same rule with what the settings say of its severity."""
        return replace(self, ratings=ratings) if ratings else self

    @property
    def path(self) -> Path:
        """The rule's file."""
        return Path(self.rule_file)

    @property
    def tally_key(self) -> str:
        """The name under which it is counted what this looked at."""
        return self.rule.tally_key(self.tier)

    @cached_property
    def severity(self) -> Severity:
        """How bad its hits are, where they do not say less."""
        return self.rule.tier_by_name(self.tier).severity

    @cached_property
    def check_function(self) -> Callable[..., CheckOutcome]:
        """The check, imported when its rule first runs; a declarative rule is its own function."""
        if not self.check_name:
            return self.judge_declaratively
        return partial(resolve_check(self.check_name), **self.arguments)

    @cached_property
    def needs_project(self) -> bool:
        """Whether the check asks for all documents together."""
        return bool(self.check_name) and "project" in parameter_names(resolve_check(self.check_name))

    @cached_property
    def message_by_part(self) -> Mapping[str, str]:
        """The message for hits of each part; under "" the one for all others."""
        part_names = ("", *self.rule.parts)
        return {part: self.rule.field_text("message", self.tier, part) for part in part_names}

    @cached_property
    def message_by_name(self) -> Mapping[str, str]:
        """The messages for hits that name one, by name."""
        return self.rule.sentences_at(self.tier)

    def has_parameter(self, parameter_name: str) -> bool:
        """Whether the check has a parameter of that name."""
        return bool(self.check_name) and parameter_name in parameter_names(resolve_check(self.check_name))

    def applies_to(self, subject: Subject) -> bool:
        """Whether the subject is one of those that this rule judges."""
        for fact_name, allowed_values in self.conditions:
            fact_value = getattr(subject, fact_name)
            if fact_value not in allowed_values if isinstance(allowed_values, frozenset) else fact_value != allowed_values:
                return False
        return True

    def run_check(self, subject: Subject, project: Project) -> CheckOutcome:
        """What the check says of one subject."""
        return self.check_function(subject, project=project) if self.needs_project else self.check_function(subject)

    def evidence_spans(self, subject: Subject) -> Iterator[Span]:
        """Where a subject that the rule has nothing against shows that it is in order."""
        for clause in self.proof_clauses:
            yield from clause.spans_that_hold(subject.node)

    def judge_declaratively(self, subject: Subject) -> Iterator[Hit | Undecidable]:
        """The declarative form: every path of `require` must hold, none of `forbid` may."""
        for clause in self.clauses:
            yield from clause.hits_of_node(subject.node)
