"""The parameters that settings give to rules: which tier takes which, and what is wrong with those that none takes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from readiness.ruleset.bound import LoadedRule, PathsOfVariant
from readiness.ruleset.names import RuleName, RuleNames
from readiness.ruleset.rule_file import RuleError
from readiness.ruleset.select import SelectionWords, unknown_selector_text
from readiness.settings import Config, ConfigError
from readiness.settings.model import GivenParameters

NameParametersAndLocation = tuple[RuleName, Mapping[str, Any], str]  # a rule or a tier, its parameters, where they stand


def apply_parameters(loaded_rules: list[LoadedRule], config: Config, known_names: RuleNames) -> list[LoadedRule]:
    """The rules with the parameters that the settings give them, one for each set of files that has its own. Raises ConfigError."""
    adjusted_rules, _ = _with_parameters(loaded_rules, config.parameters, known_names)
    if not config.parameters_by_path:
        return adjusted_rules
    variants_by_rule_id: dict[str, dict[str, list[LoadedRule]]] = {}
    for pattern, parameters in config.parameters_by_path:
        rules_of_path, _ = _with_parameters(loaded_rules, parameters, known_names)
        _, adjusted_ids = _with_parameters(loaded_rules, tuple(one for one in parameters if one not in config.parameters), known_names)
        for rule_id in adjusted_ids:
            variants_by_rule_id.setdefault(rule_id, {})[pattern] = [one for one in rules_of_path if one.rule.id == rule_id]
    all_rules: list[LoadedRule] = []
    for rule_id, same_rules in itertools.groupby(adjusted_rules, key=lambda one: one.rule.id):
        tiers_by_pattern = {"*": list(same_rules), **variants_by_rule_id.get(rule_id, {})}
        for pattern, tiers in tiers_by_pattern.items():
            others = tuple(one for one in tiers_by_pattern if one != pattern and one.startswith(pattern.removesuffix("*")))
            paths = PathsOfVariant(pattern, others, config.prefix) if len(tiers_by_pattern) > 1 else None
            all_rules += (replace(one, paths=paths) if paths else one for one in tiers)
    return all_rules


def places_of_locked_parameters(config: Config, locked: SelectionWords, locked_by_caller: SelectionWords, known_names: RuleNames) -> frozenset[str]:
    """Where settings of the tree give parameters to rules that a file above theirs locks: these change nothing, or they would undo the lock."""
    return frozenset(
        place
        for layer in config.layers
        if not layer.is_callers
        for rule_word, _, place in layer.config.parameters
        if is_any_tier_locked(locked if layer.is_below_root else locked_by_caller, known_names.resolve_word_silently(rule_word))
    )


def is_any_tier_locked(locked: SelectionWords, rule_names: Iterable[RuleName]) -> bool:
    """Whether some of what names mean is locked."""
    return any(locked.covers_name(name) or any(one.rule_id == name.rule_id for one in locked.all_names) for name in rule_names)


def without_parameters_at(config: Config, places: frozenset[str]) -> Config:
    """Settings without the parameters that stand at some places."""
    if not places:
        return config

    def kept(parameters: Iterable[GivenParameters]) -> tuple[GivenParameters, ...]:
        return tuple(one for one in parameters if one[2] not in places)

    by_path = tuple((pattern, kept(parameters)) for pattern, parameters in config.parameters_by_path)
    return replace(config, parameters=kept(config.parameters), parameters_by_path=by_path)


def _with_parameters(
    loaded_rules: list[LoadedRule], given_parameters: Sequence[GivenParameters], known_names: RuleNames
) -> tuple[list[LoadedRule], list[str]]:
    """The rules with some parameters, and the ids of those that have any."""
    parameters_by_name_and_location = []
    for rule_word, value_by_parameter, settings_location in given_parameters:
        rule_names = known_names.names_of(rule_word, settings_location)
        if not rule_names:
            raise ConfigError(settings_location, unknown_selector_text(rule_word).replace("no rule, category or prefix is", "no rule is"))
        parameters_by_name_and_location += [(name, value_by_parameter, settings_location) for name in rule_names]
    adjusted_rules, adjusted_ids = list(loaded_rules), []
    for parameters_of_name in parameters_by_name_and_location:
        tier_indexes = [at for at, bound in enumerate(adjusted_rules) if bound.rule.id == parameters_of_name[0].rule_id]
        if tier_indexes:
            adjusted_tiers = _apply_parameters_to_tiers([adjusted_rules[at] for at in tier_indexes], parameters_of_name)
            adjusted_rules[tier_indexes[0] : tier_indexes[-1] + 1] = adjusted_tiers
            adjusted_ids.append(parameters_of_name[0].rule_id)
    return adjusted_rules, list(dict.fromkeys(adjusted_ids))


def _apply_parameters_to_tiers(loaded_tiers: Sequence[LoadedRule], given_parameters: NameParametersAndLocation) -> list[LoadedRule]:
    """The tiers of a rule with parameters for it."""
    rule_name, value_by_parameter, settings_location = given_parameters
    rule = loaded_tiers[0].rule
    if rule_name.tier_or_part in rule.parts:
        raise ConfigError(
            settings_location,
            f"{rule_name} is a part of {rule.id}, and parameters are set for a rule or a tier of it",
        )
    if rule_name.tier_or_part and not any(one.tier == rule_name.tier_or_part for one in loaded_tiers):
        return list(loaded_tiers)  # a tier that this run has no need of
    parameters_per_tier = [_parameters_for_tier(loaded_tiers, one, value_by_parameter, rule_name) for one in loaded_tiers]
    for parameter_name in value_by_parameter:
        if not any(parameter_name in tier_parameters for tier_parameters in parameters_per_tier):
            # Nothing takes it: let the first say so in the words of its check.
            tier_index = next((n for n, one in enumerate(loaded_tiers) if one.tier == rule_name.tier_or_part), 0)
            parameters_per_tier[tier_index][parameter_name] = value_by_parameter[parameter_name]
    from readiness.ruleset.verification import verify_rule

    adjusted_tiers = []
    for loaded_tier, tier_parameters in zip(loaded_tiers, parameters_per_tier, strict=True):
        adjusted_tier = replace(loaded_tier, arguments={**loaded_tier.arguments, **tier_parameters}) if tier_parameters else loaded_tier
        if tier_parameters:
            try:
                verify_rule(adjusted_tier)
            except RuleError as error:
                raise ConfigError(settings_location, f"{rule.id}: {error.message}") from None
        adjusted_tiers.append(adjusted_tier)
    return adjusted_tiers


def _parameters_for_tier(
    loaded_tiers: Sequence[LoadedRule], loaded_tier: LoadedRule, value_by_parameter: Mapping[str, Any], rule_name: RuleName
) -> dict[str, Any]:
    """The parameters that are for one tier.

    A name with a tier means that tier. A rule's name means all of them; but a parameter by which they differ is that of
    the first, which is the one that a profile takes in before the others.
    """
    if rule_name.tier_or_part and loaded_tier.tier != rule_name.tier_or_part:
        return {}
    if rule_name.tier_or_part or len(loaded_tiers) == 1:
        return dict(value_by_parameter)
    tier_specific_parameters = frozenset[str]().union(*(one.own_parameters for one in loaded_tiers))
    return {
        key: value
        for key, value in value_by_parameter.items()
        if loaded_tier.has_parameter(key) and (key not in tier_specific_parameters or loaded_tier is loaded_tiers[0])
    }
