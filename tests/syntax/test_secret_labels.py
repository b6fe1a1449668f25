"""The decision on secrets, held to labelled values out of real configurations: name, value and place, split by repository.

A row has the name, the value (real ones replaced by others of the same shape), the place, the repository and the kind of
file, what the value is (`class`), and whether it opens something as it stands there (`finding`). The decision was tuned on
one half. The other was labelled by two readers (`second`), neither of whom saw what the decision says; the first run there
had a precision and a recall of 55/62 (0.887; with 95 % confidence 0.785 to 0.944), by the second reader 53/62 and 53/60.
What it showed has been mended since, so that half is no longer blind: a new measurement needs rows of other repositories.
Four of its rows stay wrong: a key for events that is public by design, and three keys that tests of an application were
given, which ci/secret-inline tells of on purpose.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.syntax import secrets
from readiness.syntax.secrets import SecretKind, ValueContext

FOLDER = Path(__file__).with_name("secrets")
HALVES = ("tuning", "heldout")
PLACES = {
    "served": ValueContext.SERVED,
    "build": ValueContext.BUILD,
    "job": ValueContext.JOB,
    "sample": ValueContext.SAMPLE,
}
CLASSES = {
    SecretKind.SECRET: "literal",
    SecretKind.WELL_KNOWN: "well-known",
    SecretKind.PLACEHOLDER: "placeholder",
    SecretKind.TEST_VALUE: "test",
    SecretKind.REFERENCE: "reference",
    SecretKind.SETTING: "setting",
    SecretKind.CONSTANT: "setting",
    SecretKind.OTHER: "setting",
}
# precision, recall, and the share of rows of the right class: what the decision reaches, and may not fall under.
FLOORS = {"tuning": (0.98, 0.95, 0.88), "heldout": (0.93, 0.95, 0.93)}


@cache
def rows(half: str) -> tuple[dict[str, Any], ...]:
    return tuple(map(json.loads, (FOLDER / f"{half}.jsonl").read_text().splitlines()))


def told(row: dict[str, Any]) -> bool:
    return secrets.classify_value(row["name"], row["value"], PLACES[row["place"]]).is_exposed


def test_there_are_enough_and_no_repository_is_in_both_halves() -> None:
    repositories = [{row["repo"] for row in rows(half)} for half in HALVES]
    assert not repositories[0] & repositories[1]
    assert all(len(rows(half)) >= 400 for half in HALVES)
    assert sum(row["finding"] for half in HALVES for row in rows(half)) > 200


@pytest.mark.parametrize("half", HALVES)
def test_precision_and_recall(half: str) -> None:
    right = [row for row in rows(half) if told(row) and row["finding"]]
    false = [row["id"] for row in rows(half) if told(row) and not row["finding"]]
    missed = [row["id"] for row in rows(half) if row["finding"] and not told(row)]
    precision, recall, _ = FLOORS[half]
    assert len(right) / (len(right) + len(false)) >= precision, false
    assert len(right) / (len(right) + len(missed)) >= recall, missed


def test_two_readers_agree() -> None:
    both = [(row["finding"], row["second"]["finding"]) for row in rows("heldout")]
    assert sum(first == second for first, second in both) / len(both) >= 0.98


@pytest.mark.parametrize("half", HALVES)
def test_what_each_value_is(half: str) -> None:
    wrong = [
        (row["id"], found)
        for row in rows(half)
        for found in (CLASSES[secrets.classify_value(row["name"], row["value"]).kind],)
        if found != row["class"].replace("none", "setting")
    ]
    assert 1 - len(wrong) / len(rows(half)) >= FLOORS[half][2], wrong


@pytest.mark.parametrize("half", HALVES)
def test_a_labelled_value_is_the_same_at_every_place(half: str) -> None:
    for row in rows(half):
        kinds = {secrets.classify_value(row["name"], row["value"], place).kind for place in ValueContext}
        assert len(kinds) == 1, row


_NAMES = st.sampled_from("DB_PASSWORD SECRET_KEY API_TOKEN caSecret PORT tls.key SMTP_PASSWORD".split())
_PIECES = st.sampled_from(
    """
    secret postgres changeme test Kq7vT2mXw9 seafarer hunter2x9 - _ 1 $X ${X} <token> xxx :// a:b@c: @localhost @db.acme.io
    postgres://a:seafarer@db/x postgres://a:postgres@db.acme.io/x https://x:Kq7vT2mXw9pL@localhost/y sk_test_ AKIAIOSFODNN7EXAMPLE
    AKIAQ3EGRVJ7WLDN5TZB ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
    """.split(" ")
)  # the empty ones and the ends of lines are pieces too


@given(_NAMES, st.lists(_PIECES, max_size=5).map("".join))
def test_any_value_is_the_same_at_every_place(name: str, value: str) -> None:
    verdicts = [secrets.classify_value(name, value, place) for place in ValueContext]
    assert len({one.kind for one in verdicts}) == 1
    assert not any(one.is_exposed for one in verdicts) or secrets.classify_value(name, value).is_exposed
