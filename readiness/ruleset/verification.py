"""Whether a rule fits what there is: its targets, its check and their facts, and whether its expressions may be run."""

from __future__ import annotations

from collections.abc import Iterator

from readiness import kinds
from readiness.model import messages
from readiness.ruleset import bindings, families
from readiness.ruleset import message_facts as facts
from readiness.ruleset.bound import LoadedRule
from readiness.ruleset.rule_file import RuleErrorFactory, rule_error_factory
from readiness.syntax import backtracking
from readiness.syntax.ways import StepCounter


def new_regex_step_counter() -> StepCounter:
    """What it may cost to judge the regular expressions of several rules together."""
    return StepCounter(backtracking.MAX_ANALYSIS_STEPS)


def verify_rule(loaded_rule: LoadedRule, regex_step_counter: StepCounter | None = None) -> None:
    """Hold a rule against what there is: targets, facts, the check and its parameters, expressions. Raises RuleError.

    The tool's own rules are verified by its tests, custom rules when they are loaded. `regex_step_counter` bounds what it may cost to judge
    the regular expressions of several rules.
    """
    rule_key_path = families.key_path_in_rule_file(loaded_rule.path, families.family_row_name(loaded_rule.rule.id))
    make_error = rule_error_factory(loaded_rule.path, *rule_key_path, tier_name=loaded_rule.tier)
    if loaded_rule.check_name:
        try:
            bindings.verify_check_and_parameters(loaded_rule.check_name, loaded_rule.arguments)
        except bindings.BindingError as error:
            raise make_error(str(error), "check" if "check" in str(error) else "with") from None
    for target_name in loaded_rule.targets:
        _verify_target(loaded_rule, target_name, make_error)
        _verify_messages(loaded_rule, target_name, make_error)
    regex_step_counter = regex_step_counter or new_regex_step_counter()
    for rule_key, pattern in _keys_and_regexes(loaded_rule):
        slow_regex_reason = backtracking.slow_regex_reason(pattern, regex_step_counter)
        if slow_regex_reason:
            raise make_error(f"the expression {pattern[:80]!r} is refused: {slow_regex_reason}", rule_key)


def _keys_and_regexes(loaded_rule: LoadedRule) -> Iterator[tuple[str, str]]:
    """(key of the rule file, expression) of every regular expression in a rule."""
    for clause in loaded_rule.clauses:
        yield from (("require" if clause.is_required else "forbid", pattern) for pattern in clause.regexes)
    for clause in loaded_rule.proof_clauses:
        yield from (("proves", pattern) for pattern in clause.regexes)
    if loaded_rule.check_name:
        yield from (("with", one) for _, one in bindings.parameters_and_regexes(loaded_rule.check_name, loaded_rule.arguments))


def _verify_target(loaded_rule: LoadedRule, target_name: str, make_error: RuleErrorFactory) -> None:
    """Whether a target is one, fits the check, and its subjects have the facts that `when` names."""
    kind = kinds.kind_of_target(target_name)
    finder_by_target = kinds.subject_finder_by_target(kind) if kind in kinds.KINDS_BY_PRECEDENCE else {}
    if target_name not in finder_by_target:
        known_targets_text = ", ".join(sorted(finder_by_target)) or ", ".join(f"{one}.…" for one in kinds.KINDS_BY_PRECEDENCE)
        raise make_error(f"no target is called {target_name!r}; there are {known_targets_text}", "target")
    if loaded_rule.check_name and not bindings.accepts_subject_classes(loaded_rule.check_name, facts.subject_classes_of_target(target_name)):
        raise make_error(f"{loaded_rule.check_name} looks at something else than {target_name}", "target")
    fact_type_by_name = facts.fact_type_by_name_of_target(target_name)
    for fact_name, allowed_values in loaded_rule.conditions:
        fact_type = fact_type_by_name.get(fact_name)
        if fact_type is None:
            fact_names_text = ", ".join(fact_type_by_name)
            raise make_error(f"subjects of {target_name} have no fact {fact_name!r}; there are {fact_names_text}", "when")
        allowed_value_set = allowed_values if isinstance(allowed_values, frozenset) else {allowed_values}
        if any(facts.value_type_description(value) != fact_type for value in allowed_value_set):
            raise make_error(f"the fact {fact_name!r} of {target_name} is {fact_type}", "when")


def _verify_messages(loaded_rule: LoadedRule, target_name: str, make_error: RuleErrorFactory) -> None:
    """Whether there are the facts that `by` and the messages of the rule, its tier and its parts name."""
    rule = loaded_rule.rule
    check_message_names = facts.message_names_of_check(loaded_rule.check_name)
    for unknown_name in loaded_rule.message_by_name.keys() - set(check_message_names):
        message_names_text = ", ".join(filter(None, check_message_names)) or "no name at all"
        check_text = loaded_rule.check_name or "a rule without a check"
        raise make_error(f"{check_text} never says {unknown_name!r}; it says {message_names_text}", "messages", unknown_name)
    default_messages = (rule.message, *(one.text for one in rule.wordings if one.field == "message"))
    for text in default_messages:
        _fact_names_in_message(text, make_error, "message")
    for message_name in check_message_names:
        known_fact_names = {
            *facts.fact_type_by_name_of_target(target_name),
            *facts.fact_names_of_check(loaded_rule.check_name, message_name, include_optional=bool(rule.parts)),
        }
        known_fact_names_text = ", ".join(sorted(known_fact_names))
        if rule.part_fact and rule.part_fact not in known_fact_names:
            raise make_error(f"there is no fact {rule.part_fact!r}; there are {known_fact_names_text}", "by")
        has_named_message = message_name in loaded_rule.message_by_name
        message_texts = [loaded_rule.message_by_name[message_name]] if has_named_message else list(loaded_rule.message_by_part.values())
        message_key_path = ("messages", message_name) if has_named_message else ("message",)
        if not all(message_texts):
            problem_text = f"says {message_name!r}" if message_name else "says some of its hits without a name"
            raise make_error(f"{loaded_rule.check_name} {problem_text}: the rule has no `{message_key_path[0]}` for it", "messages")
        for unknown_name in sorted(
            {unknown_name for text in message_texts for unknown_name in _fact_names_in_message(text, make_error, *message_key_path)}
        ):
            if unknown_name not in known_fact_names:
                raise make_error(f"there is no fact {unknown_name!r}; there are {known_fact_names_text}", *message_key_path)


def _fact_names_in_message(message_text: str, make_error: RuleErrorFactory, *message_key_path: str) -> frozenset[str]:
    """The facts that a message names. Raises what `make_error` makes where it can't be filled."""
    try:
        return messages.fact_names(message_text)
    except messages.MessageError as error:
        raise make_error(str(error), *message_key_path) from None
