"""What is taken for a slip of the pen, and what for a word of one's own."""

from __future__ import annotations

import pytest

from readiness.model import spelling

KNOWN = ["livenessProbe", "readinessProbe", "imagePullPolicy", "ports", "env", "envFrom"]
NEAR = {
    "a letter left out": ("livenesProbe", "livenessProbe"),
    "a letter added": ("portss", "ports"),
    "letters swapped": ("imagePullPolciy", "imagePullPolicy"),
    "another case": ("readinessprobe", "readinessProbe"),
    "another word": ("persistence", ""),
    "the word itself": ("ports", ""),
    "too short": ("ev", ""),
    "too long": ("livenessProbe" * 9, ""),
}


@pytest.mark.parametrize("case", NEAR)
def test_nearest(case: str) -> None:
    word, near = NEAR[case]
    assert spelling.most_similar_known_word(word, KNOWN) == near
    assert spelling.did_you_mean_text(word, KNOWN) == (f"; did you mean {near!r}?" if near else "")


def test_a_rule_that_is_only_somewhat_alike_is_not_offered() -> None:
    assert spelling.most_similar_known_word("k8s/data-not-persistent", ["k8s/rbac-grant-impersonate"]) == ""


@pytest.mark.parametrize(
    ("word", "other", "expected"),
    [("actons", "actions", True), ("actiosn", "actions", True), ("actinos", "actions", True),
     ("bctions", "actions", True), ("actions", "actions", False), ("cations", "actions", True),
     ("atcoins", "actions", False), ("action", "actionss", False), ("", "ab", False)],
)  # fmt: skip
def test_one_slip_apart(word: str, other: str, expected: bool) -> None:
    assert spelling.is_one_typo_apart(word, other) is expected
    assert spelling.is_one_typo_apart(other, word) is expected
