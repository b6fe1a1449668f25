"""A sample of the documents with odd values (see odd_values), against every rule: none may crash, nor what surrounds the rules."""

from __future__ import annotations

from itertools import islice

import pytest

from tests import odd_values
from tests.odd_values import DEEP, FAMILIES, ODD

SAMPLE, FEW = (
    130,
    30,
)  # documents of each family; of those that are nested deeply, each of which takes longer


@pytest.mark.parametrize("family", FAMILIES)
def test_no_rule_crashes_on_a_value_that_is_empty_or_of_another_type(family: str) -> None:
    total = sum(1 for _ in FAMILIES[family]())
    count, values = (FEW, len(DEEP)) if family.startswith("deep") else (SAMPLE, len(ODD))
    step = total // count // values * values + 1  # goes round the values, too
    made = list(islice(FAMILIES[family](), 0, None, max(step, 2)))[: count * 2]
    assert len(made) > count // 2
    found = [one for batch in odd_values.batches(made) for one in odd_values.guilty(batch)]
    assert found == []


KNOWN = {
    "compose": ("command", "entrypoint", "test", "ports", "volumes", "env_file", "depends_on"),
    "k8s": ("containers", "args", "volumes", "matchLabels", "ingress", "rules", "subjects"),
    "github": ("steps", "needs", "matrix", "cron", "types", "container", "inputs"),
    "gitlab": ("script", "rules", "include", "stages", "services", "before_script"),
}


@pytest.mark.parametrize("family", KNOWN)
def test_keys_come_from_what_the_package_knows(family: str) -> None:
    """Of each of these keys an empty list is among the documents."""
    made = (make.args for make in FAMILIES[family]())
    empty = {way[-1] for _, _, way, value in made if value == "[]"}
    assert set(KNOWN[family]) <= empty


def test_a_crash_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from readiness.checks.compose import secrets

    monkeypatch.setattr(secrets, "string_entries", lambda value: iter(()) if value else [][1:].pop())
    batch = [{"compose.yaml": odd_values.with_odd("a", odd_values.SERVICE, way, "[]")["a"]} for way in
             [("services", "web", "command"), ("services", "web", "ports")]]  # fmt: skip
    ((files, said),) = odd_values.guilty(batch)
    assert "command" in files["compose.yaml"]
    assert "IndexError" in said
