"""The fields of rule files: one order, no default written out, and what a rule on secrets must say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from readiness.ruleset import families, rules
from readiness.ruleset.rule_file import RULE_KEYS, RULE_KEYS_IN_ORDER, TIER_KEYS
from readiness.syntax.yaml import load_yaml_documents
from tests.conftest import ROOT, by_rule

FILES = [ROOT / "rules" / where for where in rules.relative_rule_file_paths(ROOT / "rules")]
DEFAULTS = {"confidence": "high", "level": "recommended", "hides": False}

# What these mark is no secret's value: a name, a mount, a file, an expression that GitHub fills in. A new rule on secrets
# says `hides: true`, or is named here.
SHOWN = {
    "ci/credentials-persisted", "ci/login-password-argument", "ci/publish-token-stored", "ci/secret-in-curl",
    "ci/secret-in-script", "ci/secret-outside-environment", "ci/secret-part-unmasked", "ci/secrets-inherited",
    "ci/secrets-whole-context", "compose/credentials-default", "compose/secret-empty", "compose/secret-in-build-argument",
    "dockerfile/context-unfiltered", "dockerfile/context-with-secrets", "dockerfile/copy-secret-file",
    "dockerfile/key-made-in-build", "dockerfile/secret-argument", "dockerfile/secret-mount-kept", "k8s/cloud-key-static",
    "k8s/host-path-cloud-credentials", "k8s/secret-as-env", "k8s/service-account-token-long-lived",
    "nginx/credentials-logged",
}  # fmt: skip


def parts_of(path: Path) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """(where, fields, fields that they add to) of a rule file: the rule, its tiers, the rows of a family."""
    (spec,) = load_yaml_documents(path.read_text(encoding="utf-8"))
    whole: dict[str, Any] = {"": spec}
    common: Mapping[str, Any] = {}
    if families.is_family_file(path):
        common = spec.get("common") or {}
        whole = {"common": common, **spec["rules"]}
    for name, fields in whole.items():
        yield name, fields, {} if name == "common" else common
        for tier, own in (fields.get("tiers") or {}).items():
            yield f"{name} tiers.{tier}".strip(), own, fields


def misplaced(fields: Mapping[str, Any]) -> str | None:
    """The first field that stands behind one that belongs after it, if any."""
    furthest = 0
    for key in fields:
        if RULE_KEYS_IN_ORDER.index(key) < furthest:
            return key
        furthest = RULE_KEYS_IN_ORDER.index(key)
    return None


def test_order_names_every_field_once() -> None:
    assert len(RULE_KEYS_IN_ORDER) == len(RULE_KEYS)
    assert TIER_KEYS < RULE_KEYS
    assert RULE_KEYS_IN_ORDER[-2:] == ["bad", "good"], "what follows the examples is not read"


def test_the_first_field_out_of_place_is_named() -> None:
    assert misplaced({"title": "", "why": "", "fix": ""}) is None
    assert misplaced({"title": "", "fix": "", "why": "", "message": ""}) == "why"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_fields_stand_in_one_order(path: Path) -> None:
    for where, fields, _ in parts_of(path):
        key = misplaced(fields)
        order = " ".join(one for one in RULE_KEYS_IN_ORDER if one in fields)
        assert key is None, f"{where or 'the rule'}: {key} is out of place; the order is {order}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_default_is_written_out(path: Path) -> None:
    """A tier's level is what it is for, so there it may stand."""
    for where, fields, base in parts_of(path):
        for key, value in fields.items():
            noise = DEFAULTS.get(key) == value and key not in base and "tiers." not in where
            assert not noise, f"{where}: leave out {key}: {value!r} is the default"
            assert value not in ({}, [], "") or key in base, f"{where}: leave out {key}, it is empty"


def test_rules_on_secrets_hide_what_they_mark_or_mark_no_secret() -> None:
    open_ = {name for name, (bound, *_) in by_rule().items() if bound.rule.category == "secrets" and not bound.rule.marks_secrets}
    assert open_ == SHOWN
