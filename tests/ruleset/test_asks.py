"""Of what a rule is asked: of everything, or of what may run in production; by its file, else by its category and its proof."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.api import check
from readiness.model import Rule
from readiness.ruleset import rules
from readiness.ruleset.rule_file import RuleError
from tests.make import write_files

ALL: dict[str, Rule] = {one.rule.id: one.rule for one in rules.load_rules()}


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("k8s/readiness-probe-missing", "production"),
        ("k8s/data-ephemeral", "production"),
        ("k8s/run-as-root", "production"),
        ("nginx/hsts-missing", "production"),
        ("ci/rollback-missing", "production"),
        ("k8s/selector-mismatch", "everyone"),
        ("k8s/secret-committed", "everyone"),
        ("k8s/image-bitnami-gone", "everyone"),
        ("k8s/runtime-socket", "everyone"),
        ("nginx/filesystem-root-served", "everyone"),
        ("nginx/credential-inline", "everyone"),
        ("ci/foreign-code-checkout", "everyone"),
        ("ci/action-unpinned", "everyone"),
        ("compose/engine-socket", "everyone"),
    ],
)
def test_of_what_a_rule_is_asked(name: str, asked: str) -> None:
    assert ALL[name].asks == asked


def test_secrets_and_what_is_wrong_anywhere_are_asked_of_everything() -> None:
    for rule in ALL.values():
        if rule.category in {"secrets", "correctness"}:
            assert rule.asks == "everyone", rule.id
        if rule.proof and rule.proof.severity_criterion == "It will not start":
            assert rule.asks == "everyone", rule.id


MINE = """title: Mine
severity: medium
category: reliability
target: k8s.object
{}
forbid: {{kind: present}}
message: found
why: Because.
fix: Mend it.
"""
OBJECT = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: 'a/b:1'}]}\n"


@pytest.mark.parametrize(
    ("asks", "paths"),
    [
        ("", {"deploy/a.yaml"}),
        ("asks: production", {"deploy/a.yaml"}),
        ("asks: everyone", {"deploy/a.yaml", "tests/a.yaml"}),
    ],
)
def test_a_rule_of_ones_own(tmp_path: Path, asks: str, paths: set[str]) -> None:
    files = {"deploy/a.yaml": OBJECT, "tests/a.yaml": OBJECT, "r/k8s/mine.yaml": MINE.format(asks)}
    write_files(tmp_path, files)
    found = check([tmp_path], base=tmp_path, rules=[tmp_path / "r"], select=["k8s/mine"])
    assert {one.path for one in found.findings} == paths


def test_a_word_that_is_none(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.yaml": OBJECT, "r/k8s/mine.yaml": MINE.format("asks: nobody")})
    with pytest.raises(RuleError, match="asks is 'nobody'; allowed are everyone, production"):
        check([tmp_path], base=tmp_path, rules=[tmp_path / "r"], select=["k8s/mine"])
