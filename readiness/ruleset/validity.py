"""Whether a rule can do what it says: its targets, its facts, its check with the parameters, its regular expressions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from readiness import kinds
from readiness.model import messages
from readiness.ruleset import bindings
from readiness.ruleset import message_facts as facts
from readiness.ruleset.rule_file import Fail, failing
from readiness.syntax import backtracking
from readiness.syntax.ways import Work

if TYPE_CHECKING:
    from readiness.ruleset.rules import Bound


def verify(bounds: Iterable[Bound]) -> None:
    """Hold rules against what there is: targets, facts, checks and their parameters, expressions. Raises RuleError.

    The tool's own rules are verified by its tests, custom rules when they are loaded, and those that the settings give other
    parameters. What it may cost to judge all their regular expressions is bounded.
    """
    work = Work(backtracking.MAX_EFFORT)
    for bound in bounds:
        _verify(bound, work)


def _verify(bound: Bound, work: Work) -> None:
    fail = failing(bound.path)
    if bound.check:
        try:
            bindings.hold(bound.check, bound.arguments)
        except bindings.BindingError as error:
            raise fail("check" if "check" in str(error) else "with", str(error)) from None
    for target in bound.rule.targets:
        _verify_target(bound, target, fail)
    for key, pattern in _expressions(bound):
        why = backtracking.refusal(pattern, work)
        if why:
            raise fail(key, f"the expression {pattern[:80]!r} is refused: {why}")


def _expressions(bound: Bound) -> Iterator[tuple[str, str]]:
    """(key of the rule file, expression) of every regular expression in a rule."""
    for one in bound.clauses:
        yield from (("require" if one.required else "forbid", pattern) for pattern in one.patterns)
    if bound.check:
        yield from (("with", one) for _, one in bindings.patterns(bound.check, bound.arguments))


def _verify_target(bound: Bound, target: str, fail: Fail) -> None:
    """Whether a target is one, fits the check, and its subjects have the facts that `when` and the message name."""
    kind = kinds.kind_of_target(target)
    known = kinds.targets(kind) if kind in kinds.KINDS else {}
    if target not in known:
        near = ", ".join(sorted(known)) or ", ".join(f"{one}.…" for one in kinds.KINDS)
        raise fail("target", f"no target is called {target!r}; there are {near}")
    if bound.check and not bindings.takes(bound.check, facts.classes(target)):
        raise fail("target", f"{bound.check} looks at something else than {target}")
    subject = facts.of_target(target)
    for name, allowed in bound.when:
        sort = subject.get(name)
        if sort is None:
            there = ", ".join(subject)
            raise fail("when", f"subjects of {target} have no fact {name!r}; there are {there}")
        values = allowed if isinstance(allowed, frozenset) else {allowed}
        if any(facts.sort_of(value) != sort for value in values):
            raise fail("when", f"the fact {name!r} of {target} is {sort}")
    try:
        named = messages.names(bound.rule.message)
    except messages.MessageError as error:
        raise fail("message", str(error)) from None
    facts_there = {*subject, *facts.of_check(bound.check)}
    for name in sorted(named - facts_there):
        near = ", ".join(sorted(facts_there))
        raise fail("message", f"there is no fact {name!r}; there are {near}")
