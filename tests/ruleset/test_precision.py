"""What readers said of findings at first sight: the rows, and what is counted out of them."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.model import Severity
from readiness.ruleset import names, precision, rules
from tests.conftest import ROOT

FOLDER = ROOT / "docs" / "precision"
KEYS = ["round", "tree", "rule", "severity", "place", "reader", "verdict", "reason"]
ROWS = [json.loads(line) for path in sorted(FOLDER.glob("*.jsonl")) for line in path.read_text(encoding="utf-8").splitlines()]


def test_rows_say_where_who_and_why() -> None:
    for row in ROWS:
        assert list(row) == KEYS
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{12}", row["tree"])
        assert re.fullmatch(r".+:[0-9]+:[0-9]+", row["place"])
        assert row["verdict"] in precision.VERDICT_LETTERS
        assert row["reader"]
        assert row["reason"]
        assert row["severity"] in {str(one) for one in Severity}


def test_records_are_of_rules_that_are_or_were() -> None:
    known = {bound.rule.id for bound in rules.load_rules()} | names.rule_names_by_former_id().keys()
    assert {row["rule"] for row in ROWS} - known == set()


@pytest.mark.parametrize(("verdicts", "right"), [("T", 1), ("TT", 1), ("TN", 0), ("F", 0), ("X", 0)])
def test_a_place_is_right_where_all_readers_say_so(verdicts: str, right: int) -> None:
    rows = [{"round": "1", "tree": "a/b@0", "rule": "k8s/x", "place": "a:1:1", "verdict": verdict} for verdict in verdicts]
    assert precision.read_and_right_counts_by_rule(rows) == {"k8s/x": [1, right]}


@given(st.integers(1, 500).flatmap(lambda read: st.tuples(st.just(read), st.integers(0, read))))
def test_interval_holds_the_share(counts: tuple[int, int]) -> None:
    record = precision.Precision(*counts)
    low, high = record.interval()
    assert 0 <= low <= record.right / record.read + 1e-9
    assert record.right / record.read - 1e-9 <= high <= 1


def test_interval_is_wilsons() -> None:
    """Ten of ten is 72 to 100 %, by the formula of Wilson (1927)."""
    assert precision.Precision(10, 10).interval() == pytest.approx((0.722, 1.0), abs=1e-3)
