"""The parameters that settings give to rules: which tier takes which, and what is wrong with those that none takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from readiness.ruleset.bound import LoadedRule
from readiness.ruleset.names import RuleName, RuleNames
from readiness.ruleset.rule_file import RuleError
from readiness.settings import Config, ConfigError

NameParametersAndLocation = tuple[RuleName, Mapping[str, Any], str]  # a rule or a tier, its parameters, where they stand


def apply_parameters(loaded_rules: list[LoadedRule], config: Config, known_names: RuleNames) -> list[LoadedRule]:
    """The rules with the parameters that the settings give them. Raises ConfigError for what does not fit."""
    parameters_by_name_and_location = []
    for rule_word, value_by_parameter, settings_location in config.parameters:
        rule_names = known_names.names_of(rule_word, settings_location)
        if not rule_names:
            raise ConfigError(settings_location, f"no rule is called {rule_word!r}")
        parameters_by_name_and_location += [(name, value_by_parameter, settings_location) for name in rule_names]
    adjusted_rules = list(loaded_rules)
    for given_parameters in parameters_by_name_and_location:
        tier_indexes = [at for at, bound in enumerate(adjusted_rules) if bound.rule.id == given_parameters[0].rule_id]
        if tier_indexes:
            adjusted_tiers = _apply_parameters_to_tiers([adjusted_rules[at] for at in tier_indexes], given_parameters)
            adjusted_rules[tier_indexes[0] : tier_indexes[-1] + 1] = adjusted_tiers
    return adjusted_rules


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
