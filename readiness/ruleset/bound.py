"""A rule, or one tier of it, with what runs it: which subjects it counts, and the function that judges one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from readiness.model import Hit, Outcome, Rule, Severity, Span, Subject, Unknown
from readiness.model.project import Project
from readiness.ruleset.bindings import parameter_names, resolve_check
from readiness.ruleset.predicates import Clause


@dataclass(frozen=True)
class LoadedRule:
    """A rule, and what runs it: which subjects it counts and the function that judges one.

    A rule in tiers has one for each, in their order; `own` are the parameters in `arguments` that the tier sets itself.
    `proofs` are the values of a subject in order that speak for the rule's checklist items. `beside` is the kind of
    file without which the rule has nothing to say; empty for most.
    """

    rule: Rule
    file: str
    when: tuple[tuple[str, Any], ...]
    clauses: tuple[Clause, ...] = ()
    check: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    tier: str = ""
    own: frozenset[str] = frozenset()
    proofs: tuple[Clause, ...] = ()
    beside: str = ""

    @property
    def path(self) -> Path:
        """The rule's file."""
        return Path(self.file)

    @property
    def key(self) -> str:
        """The name under which it is counted what this looked at."""
        return self.rule.key(self.tier)

    @cached_property
    def severity(self) -> Severity:
        """How bad its hits are, where they do not say less."""
        return self.rule.tier(self.tier).severity

    @cached_property
    def function(self) -> Callable[..., Outcome]:
        """The check, imported when its rule first runs; a declarative rule is its own function."""
        if not self.check:
            return self.judge
        return partial(resolve_check(self.check), **self.arguments)

    @cached_property
    def needs_project(self) -> bool:
        """Whether the check asks for all documents together."""
        return bool(self.check) and "project" in parameter_names(resolve_check(self.check))

    @cached_property
    def messages(self) -> Mapping[str, str]:
        """The message for hits of each part; under "" the one for all others."""
        parts = ("", *self.rule.parts)
        return {part: self.rule.text("message", self.tier, part) for part in parts}

    @cached_property
    def sentences(self) -> Mapping[str, str]:
        """The messages for hits that name one, by name."""
        return self.rule.sentences_at(self.tier)

    def accepts(self, parameter: str) -> bool:
        """Whether the check has a parameter of that name."""
        return bool(self.check) and parameter in parameter_names(resolve_check(self.check))

    def applies(self, subject: Subject) -> bool:
        """Whether the subject is one of those that this rule judges."""
        for name, allowed in self.when:
            value = getattr(subject, name)
            if value not in allowed if isinstance(allowed, frozenset) else value != allowed:
                return False
        return True

    def run(self, subject: Subject, project: Project) -> Outcome:
        """What the check says of one subject."""
        return (
            self.function(subject, project=project)
            if self.needs_project
            else self.function(subject)
        )

    def evidence(self, subject: Subject) -> Iterator[Span]:
        """Where a subject that the rule has nothing against shows that it is in order."""
        for clause in self.proofs:
            yield from clause.spans(subject.node)

    def judge(self, subject: Subject) -> Iterator[Hit | Unknown]:
        """The declarative form: every path of `require` must hold, none of `forbid` may."""
        for clause in self.clauses:
            yield from clause.judge(subject.node)
