"""The parameters that settings give to rules: which tier takes which, and what is wrong with those that none takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from readiness.ruleset.bound import LoadedRule
from readiness.ruleset.names import RuleName, RuleNames
from readiness.ruleset.rule_file import RuleError
from readiness.settings import Config, ConfigError

GivenParameters = tuple[RuleName, Mapping[str, Any], str]  # a rule or a tier, its parameters, where they stand


def apply_parameters(loaded_rules: list[LoadedRule], config: Config, names: RuleNames) -> list[LoadedRule]:
    """The rules with the parameters that the settings give them. Raises ConfigError for what does not fit."""
    given = []
    for word, parameters, where in config.parameters:
        found = names.names_of(word, where)
        if not found:
            raise ConfigError(where, f"no rule is called {word!r}")
        given += [(name, parameters, where) for name in found]
    rules = list(loaded_rules)
    for change in given:
        mine = [at for at, bound in enumerate(rules) if bound.rule.id == change[0].rule_id]
        if mine:
            changed = _adjust_tiers([rules[at] for at in mine], change)
            rules[mine[0] : mine[-1] + 1] = changed
    return rules


def _adjust_tiers(tiers: Sequence[LoadedRule], given_parameters: GivenParameters) -> list[LoadedRule]:
    """The tiers of a rule with parameters for it."""
    name, parameters, where = given_parameters
    rule = tiers[0].rule
    if name.tier_or_part in rule.parts:
        raise ConfigError(
            where,
            f"{name} is a part of {rule.id}, and parameters are set for a rule or a tier of it",
        )
    if name.tier_or_part and not any(one.tier == name.tier_or_part for one in tiers):
        return list(tiers)  # a tier that this run has no need of
    taken = [_parameters_for_tier(tiers, one, parameters, name) for one in tiers]
    for parameter in parameters:
        if not any(parameter in some for some in taken):
            # Nothing takes it: let the first say so in the words of its check.
            at = next((n for n, one in enumerate(tiers) if one.tier == name.tier_or_part), 0)
            taken[at][parameter] = parameters[parameter]
    from readiness.ruleset.verification import verify_rule

    adjusted = []
    for loaded, some in zip(tiers, taken, strict=True):
        changed = replace(loaded, arguments={**loaded.arguments, **some}) if some else loaded
        if some:
            try:
                verify_rule(changed)
            except RuleError as error:
                raise ConfigError(where, f"{rule.id}: {error.message}") from None
        adjusted.append(changed)
    return adjusted


def _parameters_for_tier(
    tiers: Sequence[LoadedRule], tier: LoadedRule, parameters: Mapping[str, Any], name: RuleName
) -> dict[str, Any]:
    """The parameters that are for one tier.

    A name with a tier means that tier. A rule's name means all of them; but a parameter by which they differ is that of
    the first, which is the one that a profile takes in before the others.
    """
    if name.tier_or_part and tier.tier != name.tier_or_part:
        return {}
    if name.tier_or_part or len(tiers) == 1:
        return dict(parameters)
    differing = frozenset[str]().union(*(one.own_parameters for one in tiers))
    return {
        key: value
        for key, value in parameters.items()
        if tier.has_parameter(key) and (key not in differing or tier is tiers[0])
    }
