"""What is known of GitHub's actions, by their names: `owner/repository` or `owner/repository/path`, in lower case."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from readiness.facts.table import fact_row_by_name, property_by_fact_name
from readiness.model.lazy_regex import lazy_regex


def action_property(action_name: str, property_key: str) -> Any:
    """One property of an action; None where it is not known."""
    return fact_row_by_name("actions").get(action_name, {}).get(property_key)


_TEST_CLUSTER_ACTION = lazy_regex(
    r"/(?:(?:actions?|gh|gha|setup|create|start|run)-){1,3}(?:kind|k3d|k3s|k0s|minikube|microk8s)(?:-|\Z)|/(?:kind|k3d|k3s|k0s|minikube|microk8s)-(?:actions?|setup|cluster)\Z"
)


def effects_of_action(action_name: str) -> tuple[str, ...]:
    """What a step with an action does, told of the action itself, else of its repository, else of its owner.

    Another one that is called after a cluster for tests and after setting it up makes one: `acme/setup-k3d`.
    """
    effects_by_name, name_parts = property_by_fact_name("actions", "effects"), action_name.split("/")
    name_prefixes = ("/".join(name_parts[:count]) for count in (3, 2, 1))
    known_effects = next((tuple(effects_by_name[key]) for key in name_prefixes if key in effects_by_name), ())
    return known_effects or (("cluster",) if _TEST_CLUSTER_ACTION.search(action_name) else ())


def files_brought_by_action(action_name: str) -> str:
    """What an action brings into the repository's folder: none, the repository, a cache; empty where it is not known."""
    brought_files_by_name = property_by_fact_name("actions", "files")
    if action_name in brought_files_by_name:
        return str(brought_files_by_name[action_name])
    return next((what for pattern, what in _brought_files_by_name_pattern() if pattern.fullmatch(action_name)), "")


@cache
def _brought_files_by_name_pattern() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The names with `*`, which stands for one part of a name."""
    wildcard_name_pairs = ((name, what) for name, what in property_by_fact_name("actions", "files").items() if "*" in name)
    return tuple((re.compile(re.escape(name).replace(r"\*", "[^/]+")), what) for name, what in wildcard_name_pairs)


def action_interface(action_name: str) -> Mapping[str, Any]:
    """The inputs and outputs of an action, and below which version it no longer runs; empty for most."""
    interface_of_action: Mapping[str, Any] = fact_row_by_name("action-interfaces").get(action_name, {})
    return interface_of_action
