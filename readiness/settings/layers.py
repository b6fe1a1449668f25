"""The settings of a run from two files: the one that the caller names, and below it the one that comes with the tree.

What the caller's file says of one thing wins. Lists add up, and what the caller's file locks the other one can't set.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from readiness.settings.globs import prefixed_glob
from readiness.settings.model import Config, SettingsLayer, with_settings_locked_along

_Item = TypeVar("_Item")

# Settings of which one file decides alone. `profile` and `select` are one decision: which rules there are.
_SINGLE_SETTINGS = {
    "fail-on": "fail_on",
    "min-score": "min_score",
    "documents": "documents",
    "shellcheck": "shellcheck",
    "foreign-ignores": "foreign_ignores",
    "baseline": "baseline",
    "environments": "environments",
}
_RULE_CHOICES = ("profile", "select")
_ADDED_SETTINGS = ("ignore", "exclude", "checklists", "rules", "parameters", "purpose", "waivers")

_FIELD_BY_SETTING = {
    **_SINGLE_SETTINGS,
    **{one: one for one in (*_RULE_CHOICES, *_ADDED_SETTINGS)},
    "purpose": "purposes",
    "extend-select": "extend_select",
    "locked": "locked",
}


def single_layer(config: Config) -> Config:
    """The settings of one file, as those of a run that has no other."""
    if config.source is None:
        return config
    return replace(config, layers=(SettingsLayer(config.source.path, config),))


def merge_settings(callers: Config, trees: Config) -> Config:
    """The settings of the caller's file with those of the tree's file below them, as those of one that stands where the tree's does.

    Globs of the caller's file are relative to the working directory. What the tree's file gives and may not is in the `refused` of its layer.
    """
    if trees.source is None:
        return single_layer(callers)
    refused = refused_settings(trees, callers)
    allowed_trees = without_settings(trees, refused)
    settled_callers = with_prefixed_globs(callers, trees.prefix)
    values_by_field = {field: _single_value(settled_callers, allowed_trees, setting, field) for setting, field in _SINGLE_SETTINGS.items()}
    rule_choice = settled_callers if set(callers.given).intersection(_RULE_CHOICES) else allowed_trees
    return Config(
        trees.source,
        **values_by_field,  # type: ignore[arg-type]
        profile=rule_choice.profile,
        select=rule_choice.select,
        extend_select=_joined(settled_callers.extend_select, allowed_trees.extend_select),
        path_rules=(*allowed_trees.path_rules, *(one._replace(is_callers=True) for one in settled_callers.path_rules)),
        is_choice_settled=rule_choice is settled_callers,
        ignore=_joined(settled_callers.ignore, allowed_trees.ignore),
        exclude=_joined(settled_callers.exclude, allowed_trees.exclude),
        checklists=_joined(settled_callers.checklists, allowed_trees.checklists),
        rules=_joined(settled_callers.rules, allowed_trees.rules),
        # What stands later counts where both speak of one rule, or of one file.
        parameters=(*allowed_trees.parameters, *settled_callers.parameters),
        callers_parameters=settled_callers.parameters,
        callers_purposes=settled_callers.purposes,
        purposes=(*allowed_trees.purposes, *settled_callers.purposes),
        waivers=(*settled_callers.waivers, *allowed_trees.waivers),
        locked=_joined(settled_callers.locked, trees.locked),
        folder=trees.folder,
        prefix=trees.prefix,
        given=_joined(callers.given, allowed_trees.given),
        locked_words=_joined(callers.locked_words, trees.locked_words),
        layers=(
            SettingsLayer(callers.source.path if callers.source else "", callers, is_callers=True),
            SettingsLayer(trees.source.path, without_settings(trees, _overruled_settings(callers, trees)), refused),
        ),
    )


def refused_settings(trees: Config, locking: Config) -> tuple[str, ...]:
    """The settings of a file that another one above it locks, or that would undo what it locks."""
    locked_words = with_settings_locked_along(frozenset(locking.locked_words))
    return tuple(one for one in trees.given if one in locked_words)


def _overruled_settings(callers: Config, trees: Config) -> tuple[str, ...]:
    """The settings of the tree's file that have no effect: locked ones, and those that the caller's file decides."""
    decided_by_caller = {one for one in _SINGLE_SETTINGS if one in callers.given}
    if set(callers.given).intersection(_RULE_CHOICES):
        decided_by_caller |= set(_RULE_CHOICES)
    return tuple(one for one in trees.given if one in refused_settings(trees, callers) or one in decided_by_caller)


def without_settings(config: Config, settings_names: Iterable[str]) -> Config:
    """Settings as they are where a file does not give some of them."""
    defaults = Config()
    names = tuple(settings_names)
    default_by_field = {_FIELD_BY_SETTING[name]: getattr(defaults, _FIELD_BY_SETTING[name]) for name in names if name in _FIELD_BY_SETTING}
    default_by_field["path_rules"] = tuple(one for one in config.path_rules if one.setting not in names)
    return replace(config, **default_by_field, given=tuple(one for one in config.given if one not in names))


def _single_value(callers: Config, trees: Config, setting: str, field: str) -> object:
    return getattr(callers if setting in callers.given else trees, field)


def _joined(first: tuple[_Item, ...], second: tuple[_Item, ...]) -> tuple[_Item, ...]:
    return tuple(dict.fromkeys((*first, *second)))


def with_prefixed_globs(config: Config, prefix: str) -> Config:
    """The settings with globs that are relative to where `prefix` begins, instead of to the working directory where it ends."""
    if not prefix:
        return config

    environments = config.environments
    return replace(
        config,
        exclude=tuple(prefixed_glob(prefix, one) for one in config.exclude),
        path_rules=tuple(one._replace(pattern=prefixed_glob(prefix, one.pattern)) for one in config.path_rules),
        purposes=tuple((prefixed_glob(prefix, pattern), word, place) for pattern, word, place in config.purposes),
        waivers=tuple(replace(one, path=prefixed_glob(prefix, one.path)) if one.path else one for one in config.waivers),
        environments=replace(
            environments,  # a pattern without a slash is a name
            values=tuple((prefixed_glob(prefix, one) if "/" in one else one, place) for one, place in environments.values),
            overlays=tuple((prefixed_glob(prefix, one) if "/" in one else one, place) for one, place in environments.overlays),
        ),
    )
