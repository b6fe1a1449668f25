"""Whether a rule fits what there is: its targets, its check and their facts, and whether its expressions may be run."""

from __future__ import annotations

from collections.abc import Iterator

from readiness import kinds
from readiness.model import messages
from readiness.ruleset import bindings, families
from readiness.ruleset import message_facts as facts
from readiness.ruleset.bound import LoadedRule
from readiness.ruleset.rule_file import MakeError, error_factory
from readiness.syntax import backtracking
from readiness.syntax.ways import StepCounter


def shared_work() -> StepCounter:
    """What it may cost to judge the regular expressions of several rules together."""
    return StepCounter(backtracking.MAX_EFFORT)


def verify_rule(bound: LoadedRule, work: StepCounter | None = None) -> None:
    """Hold a rule against what there is: targets, facts, the check and its parameters, expressions. Raises RuleError.

    The tool's own rules are verified by its tests, custom rules when they are loaded. `work` bounds what it may cost to judge
    the regular expressions of several rules.
    """
    way = families.key_path(bound.path, families.row_name(bound.rule.id))
    fail = error_factory(bound.path, *way, tier=bound.tier)
    if bound.check_name:
        try:
            bindings.verify_binding(bound.check_name, bound.arguments)
        except bindings.BindingError as error:
            raise fail(str(error), "check" if "check" in str(error) else "with") from None
    for target in bound.targets:
        _verify_target(bound, target, fail)
        _verify_messages(bound, target, fail)
    work = work or shared_work()
    for key, pattern in _expressions(bound):
        why = backtracking.slow_regex_reason(pattern, work)
        if why:
            raise fail(f"the expression {pattern[:80]!r} is refused: {why}", key)


def _expressions(bound: LoadedRule) -> Iterator[tuple[str, str]]:
    """(key of the rule file, expression) of every regular expression in a rule."""
    for clause in bound.clauses:
        yield from (("require" if clause.is_required else "forbid", pattern) for pattern in clause.regexes)
    for clause in bound.proof_clauses:
        yield from (("proves", pattern) for pattern in clause.regexes)
    if bound.check_name:
        yield from (("with", one) for _, one in bindings.parameter_regexes(bound.check_name, bound.arguments))


def _verify_target(bound: LoadedRule, target: str, fail: MakeError) -> None:
    """Whether a target is one, fits the check, and its subjects have the facts that `when` names."""
    kind = kinds.kind_of_target(target)
    known = kinds.subject_finders_of(kind) if kind in kinds.KINDS else {}
    if target not in known:
        near = ", ".join(sorted(known)) or ", ".join(f"{one}.…" for one in kinds.KINDS)
        raise fail(f"no target is called {target!r}; there are {near}", "target")
    if bound.check_name and not bindings.accepts_subjects(bound.check_name, facts.target_classes(target)):
        raise fail(f"{bound.check_name} looks at something else than {target}", "target")
    subject = facts.facts_of_target(target)
    for name, allowed in bound.conditions:
        sort = subject.get(name)
        if sort is None:
            there = ", ".join(subject)
            raise fail(f"subjects of {target} have no fact {name!r}; there are {there}", "when")
        values = allowed if isinstance(allowed, frozenset) else {allowed}
        if any(facts.value_type(value) != sort for value in values):
            raise fail(f"the fact {name!r} of {target} is {sort}", "when")


def _verify_messages(bound: LoadedRule, target: str, fail: MakeError) -> None:
    """Whether there are the facts that `by` and the messages of the rule, its tier and its parts name."""
    rule = bound.rule
    said = facts.message_names_of_check(bound.check_name)
    for name in bound.message_by_name.keys() - set(said):
        there = ", ".join(filter(None, said)) or "no name at all"
        who = bound.check_name or "a rule without a check"
        raise fail(f"{who} never says {name!r}; it says {there}", "messages", name)
    unused = (rule.message, *(one.text for one in rule.wordings if one.field == "message"))
    for text in unused:
        _names_in(text, fail, "message")
    for say in said:
        known = {
            *facts.facts_of_target(target),
            *facts.facts_of_check(bound.check_name, say, include_optional=bool(rule.parts)),
        }
        near = ", ".join(sorted(known))
        if rule.part_fact and rule.part_fact not in known:
            raise fail(f"there is no fact {rule.part_fact!r}; there are {near}", "by")
        own = say in bound.message_by_name
        texts = [bound.message_by_name[say]] if own else list(bound.message_by_part.values())
        way = ("messages", say) if own else ("message",)
        if not all(texts):
            lacking = f"says {say!r}" if say else "says some of its hits without a name"
            raise fail(f"{bound.check_name} {lacking}: the rule has no `{way[0]}` for it", "messages")
        for name in sorted({name for text in texts for name in _names_in(text, fail, *way)}):
            if name not in known:
                raise fail(f"there is no fact {name!r}; there are {near}", *way)


def _names_in(text: str, fail: MakeError, *way: str) -> frozenset[str]:
    """The facts that a message names. Raises what `fail` makes where it can't be filled."""
    try:
        return messages.fact_names(text)
    except messages.MessageError as error:
        raise fail(str(error), *way) from None
