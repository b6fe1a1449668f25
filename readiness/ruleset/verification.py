"""Whether a rule fits what there is: its targets, its check and their facts, and whether its expressions may be run."""

from __future__ import annotations

from collections.abc import Iterator

from readiness import kinds
from readiness.model import messages
from readiness.ruleset import bindings, families
from readiness.ruleset import message_facts as facts
from readiness.ruleset.bound import LoadedRule
from readiness.ruleset.rule_file import Fail, error_factory
from readiness.syntax import backtracking
from readiness.syntax.ways import Work


def shared_work() -> Work:
    """What it may cost to judge the regular expressions of several rules together."""
    return Work(backtracking.MAX_EFFORT)


def verify_rule(bound: LoadedRule, work: Work | None = None) -> None:
    """Hold a rule against what there is: targets, facts, the check and its parameters, expressions. Raises RuleError.

    The tool's own rules are verified by its tests, custom rules when they are loaded. `work` bounds what it may cost to judge
    the regular expressions of several rules.
    """
    way = families.key_path(bound.path, families.row_name(bound.rule.id))
    fail = error_factory(bound.path, *way, tier=bound.tier)
    if bound.check:
        try:
            bindings.verify_binding(bound.check, bound.arguments)
        except bindings.BindingError as error:
            raise fail(str(error), "check" if "check" in str(error) else "with") from None
    for target in bound.targets:
        _verify_target(bound, target, fail)
        _verify_messages(bound, target, fail)
    work = work or shared_work()
    for key, pattern in _expressions(bound):
        why = backtracking.refusal_reason(pattern, work)
        if why:
            raise fail(f"the expression {pattern[:80]!r} is refused: {why}", key)


def _expressions(bound: LoadedRule) -> Iterator[tuple[str, str]]:
    """(key of the rule file, expression) of every regular expression in a rule."""
    for clause in bound.clauses:
        yield from (
            ("require" if clause.required else "forbid", pattern) for pattern in clause.patterns
        )
    for clause in bound.proofs:
        yield from (("proves", pattern) for pattern in clause.patterns)
    if bound.check:
        yield from (
            ("with", one) for _, one in bindings.parameter_patterns(bound.check, bound.arguments)
        )


def _verify_target(bound: LoadedRule, target: str, fail: Fail) -> None:
    """Whether a target is one, fits the check, and its subjects have the facts that `when` names."""
    kind = kinds.kind_of_target(target)
    known = kinds.targets_of(kind) if kind in kinds.KINDS else {}
    if target not in known:
        near = ", ".join(sorted(known)) or ", ".join(f"{one}.…" for one in kinds.KINDS)
        raise fail(f"no target is called {target!r}; there are {near}", "target")
    if bound.check and not bindings.accepts_subjects(bound.check, facts.target_classes(target)):
        raise fail(f"{bound.check} looks at something else than {target}", "target")
    subject = facts.facts_of_target(target)
    for name, allowed in bound.when:
        sort = subject.get(name)
        if sort is None:
            there = ", ".join(subject)
            raise fail(f"subjects of {target} have no fact {name!r}; there are {there}", "when")
        values = allowed if isinstance(allowed, frozenset) else {allowed}
        if any(facts.value_type(value) != sort for value in values):
            raise fail(f"the fact {name!r} of {target} is {sort}", "when")


def _verify_messages(bound: LoadedRule, target: str, fail: Fail) -> None:
    """Whether there are the facts that `by` and the messages of the rule, its tier and its parts name."""
    rule = bound.rule
    said = facts.names_said(bound.check)
    for name in bound.sentences.keys() - set(said):
        there = ", ".join(filter(None, said)) or "no name at all"
        who = bound.check or "a rule without a check"
        raise fail(f"{who} never says {name!r}; it says {there}", "messages", name)
    unused = (rule.message, *(one.text for one in rule.wordings if one.field == "message"))
    for text in unused:
        _names_in(text, fail, "message")
    for say in said:
        known = {
            *facts.facts_of_target(target),
            *facts.facts_of_check(bound.check, say, some=bool(rule.parts)),
        }
        near = ", ".join(sorted(known))
        if rule.by and rule.by not in known:
            raise fail(f"there is no fact {rule.by!r}; there are {near}", "by")
        own = say in bound.sentences
        texts = [bound.sentences[say]] if own else list(bound.messages.values())
        way = ("messages", say) if own else ("message",)
        if not all(texts):
            lacking = f"says {say!r}" if say else "says some of its hits without a name"
            raise fail(f"{bound.check} {lacking}: the rule has no `{way[0]}` for it", "messages")
        for name in sorted({name for text in texts for name in _names_in(text, fail, *way)}):
            if name not in known:
                raise fail(f"there is no fact {name!r}; there are {near}", *way)


def _names_in(text: str, fail: Fail, *way: str) -> frozenset[str]:
    """The facts that a message names. Raises what `fail` makes where it can't be filled."""
    try:
        return messages.fact_names(text)
    except messages.MessageError as error:
        raise fail(str(error), *way) from None
