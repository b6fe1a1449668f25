"""What is critical or high says which sentence of docs/severity.md it meets, and by which fact in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.model import Rule, Severity, SeverityProof
from readiness.reports import pages
from readiness.ruleset.rule_file import RuleError, rule_error_factory, verify_keys_and_shapes
from tests.conftest import catalogue

PAGE = Path(__file__).parents[2] / "docs" / "severity.md"
RULES = {bound.rule.id: bound for bound in catalogue()}
# Rules that are high and whose files prove none of the sentences. The list only gets shorter.
UNPROVED: set[str] = set()


def meanings() -> dict[str, str]:
    """The table of docs/severity.md: severity -> what it means."""
    rows = [line.split("|") for line in PAGE.read_text("utf-8").splitlines() if line[:4] == "| **"]
    return {row[1].strip(" *"): row[2].strip() for row in rows}


def worst(rule: Rule) -> Severity:
    return max((one.severity for one in rule.tiers), default=rule.severity)


SEVERE = sorted(name for name, one in RULES.items() if worst(one.rule) >= Severity.HIGH)


def test_table() -> None:
    assert list(meanings()) == [str(one) for one in sorted(Severity, reverse=True)]


@pytest.mark.parametrize("name", [one for one in SEVERE if one not in UNPROVED])
def test_proof(name: str) -> None:
    rule = RULES[name].rule
    assert rule.proof is not None, "name under `proof` the sentence that it meets and the fact"
    assert rule.proof.severity_criterion in meanings()[str(worst(rule))]
    assert rule.proof.proving_fact.endswith(".")
    assert 20 < len(rule.proof.proving_fact) < 140


def test_unproved() -> None:
    """The list names rules that are still high and still have no proof."""
    assert set(SEVERE) >= UNPROVED
    assert not [name for name in UNPROVED if RULES[name].rule.proof]


def test_others() -> None:
    """What is medium or less needs no proof, and has none that somebody forgot when it was lowered."""
    assert not [name for name in RULES.keys() - set(SEVERE) if RULES[name].rule.proof]


def test_page() -> None:
    text = pages.rule_page([RULES["k8s/selector-missing"]], {})
    assert '## Severity\n\nhigh: "It will not start". The workload has no selector' in text
    assert "## Severity" not in pages.rule_page([RULES["k8s/cpu-limit-missing"]], {})


@pytest.mark.parametrize(
    "proof",
    [
        "It will not start.",
        {},
        {"meets": "It will not start"},
        {"meets": "It will not start", "by": ["a field"]},
        {"meets": "It will not start", "by": "a field", "so": "high"},
    ],
)
def test_shape(proof: object, tmp_path: Path) -> None:
    path = tmp_path / "k8s" / "mine.yaml"
    path.parent.mkdir()
    path.write_text("title: Mine\nproof: x\n", "utf-8")
    with pytest.raises(RuleError, match="proof must be"):
        verify_keys_and_shapes({"proof": proof}, rule_error_factory(path), allow_parts=False)


def test_own_rule_with_proof() -> None:
    verify_keys_and_shapes(
        {"proof": {"meets": "data is lost", "by": "The fact."}},
        rule_error_factory(PAGE),
        allow_parts=False,
    )
    assert SeverityProof("data is lost", "The fact.").severity_criterion == "data is lost"
