"""The checklists as data, and the state of every item as a pure function of a run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from readiness import api
from readiness.model import Confidence, Finding, Rule, Severity, Source, Span, Suppression
from readiness.ruleset.rules import load_rules
from readiness.verdict.checklist import (
    ITEM_STATES,
    Checklist,
    ChecklistError,
    ChecklistItem,
    EvidencePlace,
    evaluate_checklists,
    load_checklists,
    outcome_as_json,
    parse_checklist,
)

FOLDER = Path(__file__).resolve().parents[2] / "rules" / "checklists"
ITEM = ChecklistItem("shop.liveness", "Health", "A liveness probe", "static", ("kubernetes",))
LIST = Checklist("shop", "A shop", (ITEM,))


@dataclass
class Look:
    subjects: int = 0
    unknown: int = 0
    places: tuple[tuple[Source, Span], ...] = ()


SEEN = Look(2, 0, tuple((Source(path, "\na: b\n"), Span(1, 2)) for path in ("web.yaml", "api.yaml")))


def rule(name: str = "k8s/liveness-probe-missing", *items: str) -> Rule:
    return Rule(
        name, "A title", Severity.HIGH, Confidence.HIGH, "reliability", "k8s", ("k8s.container",),
        "a message", "Why.", "Fix.", checklist=items or ("shop.liveness",), has_proofs=True,
    )  # fmt: skip


def finding(of: Rule, suppressed: Suppression | None = None) -> Finding:
    source = Source("web.yaml", "kind: Deployment\n")
    return Finding(of, source, Span(0, 4), "a message", fingerprint="f" * 16, suppression=suppressed)


def state(rules, findings=(), looks=None, item=ITEM):
    outcome = evaluate_checklists([replace(LIST, items=(item,))], rules, findings, looks or {})
    return outcome[0].verdicts[0]


def test_what_a_rule_shows_proves_its_item():
    verdict = state([rule()], looks={rule().id: SEEN})
    assert verdict.state == "met"
    assert [place.path for place in verdict.evidence] == ["api.yaml", "web.yaml"]


def test_a_finding_fails_its_item_whatever_other_rules_say():
    other = rule("k8s/other")
    verdict = state([rule(), other], [finding(rule())], {rule().id: SEEN, other.id: SEEN})
    assert verdict.state == "failed"
    assert [found.rule for found in verdict.findings] == [rule().id]
    assert rule().id in verdict.reason


@pytest.mark.parametrize(
    ("rules", "findings", "looks", "reason"),
    [
        pytest.param([], [], {}, "no rule", id="no rule proves it"),
        pytest.param([rule()], [], {}, "nothing that is here", id="the rule saw nothing"),
        pytest.param([rule()], [], {rule().id: Look()}, "nothing that is here", id="the rule saw no subject"),
        pytest.param([rule()], [], {rule().id: Look(2)}, "nothing that is here", id="silence shows nothing"),
        pytest.param([rule()], [], {rule().id: Look(2, 1)}, "outside", id="undecided"),
        pytest.param(
            [rule()],
            [finding(rule(), Suppression("comment", "legacy"))],
            {rule().id: SEEN},
            "waived",
            id="waived",
        ),
        pytest.param([rule("k8s/x", "shop.else")], [], {"k8s/x": SEEN}, "no rule", id="proves another"),
    ],
)
def test_an_item_without_proof_is_open(rules, findings, looks, reason):
    verdict = state(rules, findings, looks)
    assert verdict.state == "open"
    assert reason in verdict.reason


@pytest.mark.parametrize(("verify", "reason"), [("evidence", "somebody"), ("attest", "person")])
def test_items_that_files_cannot_prove_are_open_with_a_reason(verify, reason):
    verdict = state([rule()], looks={rule().id: SEEN}, item=replace(ITEM, verify_method=verify))
    assert verdict.state == "open"
    assert reason in verdict.reason


@pytest.mark.parametrize(
    ("verify", "proof", "saw", "shown", "expected", "reason"),
    [
        pytest.param("evidence", None, "", "ab", "met", "by a backup and a runbook", id="shown"),
        pytest.param("evidence", None, "", "a", "open", "do not show a runbook", id="half of it"),
        pytest.param("static", (("k8s/a",),), "a", "ab", "met", "shown by k8s/a, a backup", id="both"),
        pytest.param("static", (("k8s/a",),), "", "ab", "open", "nothing that is here", id="no look"),
        pytest.param("static", (("k8s/a",),), "a", "", "open", "do not show", id="not shown"),
        pytest.param("static", None, "", "ab", "met", "shown by a backup", id="rules only tell failures"),
    ],
)
def test_what_must_be_shown(verify, proof, saw, shown, expected, reason):
    item = replace(ITEM, verify_method=verify, proof_groups=proof, also_required_facts=("backup", "runbook"))
    evidence = {("backup" if name == "a" else "runbook"): [EvidencePlace("x.md", 3)] for name in shown}
    looks = {f"k8s/{name}": SEEN for name in saw}
    outcome = evaluate_checklists([replace(LIST, items=(item,))], [rule("k8s/a")], [], looks, evidence_by_fact=evidence)
    verdict = outcome[0].verdicts[0]
    assert (verdict.state, reason in verdict.reason) == (expected, True)
    assert (EvidencePlace("x.md", 3) in verdict.evidence) is (expected == "met")


def test_a_finding_fails_what_is_shown_too():
    item = replace(ITEM, verify_method="evidence", also_required_facts=("backup",))
    evidence = {"backup": [EvidencePlace("x.md", 3)]}
    failing = [finding(rule())]
    outcome = evaluate_checklists([replace(LIST, items=(item,))], [rule()], failing, {}, evidence_by_fact=evidence)
    assert outcome[0].verdicts[0].state == "failed"


def test_why_nothing_proves_an_item_is_told():
    item = replace(ITEM, proof_groups=(), open_reason="which registry is meant, no file says")
    assert state([rule()], looks={rule().id: SEEN}, item=item).reason == item.open_reason


def test_one_rule_that_could_decide_is_enough_where_another_saw_nothing():
    other = rule("k8s/other")
    assert state([rule(), other], looks={other.id: SEEN}).state == "met"


@pytest.mark.parametrize(
    ("proof", "ran", "saw", "expected"),
    [
        pytest.param((("k8s/a",), ("k8s/b",)), "ab", "b", "met", id="one of two is enough"),
        pytest.param((("k8s/a", "k8s/b"),), "ab", "b", "open", id="both are needed"),
        pytest.param((("k8s/a", "k8s/b"),), "ab", "ab", "met", id="both looked"),
        pytest.param((("k8s/a", "k8s/b"),), "a", "ab", "open", id="one did not run"),
        pytest.param((("k8s/a",),), "ab", "b", "open", id="the other rule proves nothing"),
        pytest.param((), "ab", "ab", "open", id="none proves it"),
    ],
)
def test_only_the_named_rules_prove_an_item(proof, ran, saw, expected):
    rules = [rule(f"k8s/{name}") for name in ran]
    looks = {f"k8s/{name}": SEEN for name in saw}
    assert state(rules, looks=looks, item=replace(ITEM, proof_groups=proof)).state == expected


def test_a_rule_that_only_saw_what_it_is_not_about_proves_nothing():
    assert state([rule()], looks={rule().id: Look(3)}).state == "open"


def test_the_json_form_counts_every_item_once():
    items = (
        ITEM,
        replace(ITEM, id="shop.other"),
        replace(ITEM, id="shop.person", verify_method="attest"),
    )
    checks = [rule(), rule("k8s/other", "shop.other")]
    outcome = evaluate_checklists(
        [replace(LIST, items=items)],
        checks,
        [finding(checks[1])],
        {checks[0].id: SEEN, checks[1].id: SEEN},
    )
    told = outcome_as_json(outcome[0])
    assert {key: told[key] for key in ITEM_STATES} == {
        "met": 1,
        "failed": 1,
        "open": 1,
        "attested": 0,
    }
    assert [item["state"] for item in told["items"]] == ["met", "failed", "open"]
    assert told["items"][1]["findings"] == ["f" * 16]
    assert told["items"][0]["evidence"][0] == {"path": "api.yaml", "line": 2}
    assert told["items"][0]["attestation"] is None


GOOD = """\
system: shop
title: A shop
items:
  - {id: shop.a, section: S, ask: Q, verify: static, over: [ci]}
"""


def test_a_checklist_file_is_read():
    assert parse_checklist("shop.yaml", GOOD).items == (ChecklistItem("shop.a", "S", "Q", "static", ("ci",)),)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("items:", "things:", "items"),
        ("system: shop", "system: [shop]", "system"),
        ("id: shop.a", "id: other.a", "begins with shop."),
        ("verify: static", "verify: maybe", "verify"),
        ("over: [ci]", "over: [cobol]", "over"),
        ("over: [ci]", "over: ci", "over"),
        ("ask: Q", "ask: [Q]", "ask"),
        ("ask: Q", "asks: Q", "no other key"),
        ("over: [ci]", "figures: [1]", "figures"),
        ("over: [ci]", "proof: 5", "proof"),
        ("over: [ci]", "proof: [[1]]", "proof"),
        ("over: [ci]", "proof: ci/a", "proof"),
        ("over: [ci]", "proof: [no-such-fact]", "no fact is called 'no-such-fact'"),
        ("items:\n", "items:\n  - {id: shop.a, section: S, ask: Q, verify: static}\n", "twice"),
        ("items:\n", "items:\n  - shop.b\n", "no other key"),
        ("system", "---\nsystem: x\n---\nsystem", "one mapping"),
    ],
)
def test_a_mistake_in_a_checklist_file_is_told(old, new, says):
    with pytest.raises(ChecklistError, match=says):
        parse_checklist("shop.yaml", GOOD.replace(old, new, 1))


def test_the_shipped_checklists():
    lists = load_checklists(FOLDER)
    assert [checklist.source_document for checklist in lists] == [
        "dashflow",
        "dify",
        "flowise",
        "ragflow",
    ]
    items = [item for checklist in lists for item in checklist.items]
    assert len({item.id for item in items}) == len(items)
    assert all(item.over for item in items if item.verify_method != "attest")


def test_rules_and_checklists_agree():
    rules = {bound.rule.id: bound.rule for bound in load_rules(())}
    items = {item.id: item for checklist in load_checklists(FOLDER) for item in checklist.items}
    claims = {(key, rule.id) for rule in rules.values() for key in rule.checklist}
    claims |= {(key, rule.tally_key(tier.name)) for rule in rules.values() for tier in rule.tiers for key in tier.checklist}
    assert {key for key, _ in claims} <= set(items)
    assert not [key for key, _ in claims if items[key].verify_method == "attest"]
    proofs = {(i.id, name) for i in items.values() for group in i.proof_groups or () for name in group if "/" in name}
    assert proofs <= claims


def test_what_proves_an_item_has_a_place() -> None:
    """No item is met by the silence of rules: each names a fact, or a rule that says what value proves it."""
    proving: dict[str, set[str]] = {}
    for bound in load_rules(()):
        for key in bound.rule.tier_by_name(bound.tier).checklist if bound.proof_clauses else ():
            proving.setdefault(key, set()).update({bound.rule.id, bound.tally_key})
    for checklist in load_checklists(FOLDER):
        for item in checklist.items:
            mine = proving.get(item.id, set())
            for group in item.proof_groups or ():
                assert any("/" not in name or name in mine for name in group), item.id
            if item.verify_method == "static" and item.proof_groups is None:
                assert mine or item.also_required_facts, item.id


def test_an_item_is_told_for_each_unit_and_for_the_whole() -> None:
    places = [(Source(f"{unit}/web.yaml", "a: b\n"), Span(0, 1)) for unit in ("shop", "blog")]
    looks = {rule().id: Look(2, 0, tuple(places))}
    both = state([rule()], looks=looks)
    assert (both.state, [(u.unit, u.state) for u in both.units]) == (
        "met",
        [("blog", "met"), ("shop", "met")],
    )
    bad = finding(rule())._replace(source=Source("shop/web.yaml", "kind: x\n"))
    mixed = state([rule()], [bad], {rule().id: Look(2, 0, tuple(places[1:]))})
    assert (mixed.state, [(u.unit, u.state) for u in mixed.units]) == (
        "failed",
        [("blog", "met"), ("shop", "failed")],
    )
    assert mixed.units[0].evidence == (EvidencePlace("blog/web.yaml", 1),)
    assert not mixed.units[1].evidence
    alone = state([rule()], looks={rule().id: Look(1, 0, tuple(places[:1]))})
    assert (alone.state, alone.units) == ("met", ())


def test_what_is_shown_half_here_and_half_there_meets_the_whole_and_no_unit() -> None:
    item = replace(ITEM, proof_groups=(("backup", "runbook"),))
    evidence = {"backup": [EvidencePlace("a/x", 1)], "runbook": [EvidencePlace("b/x", 1)]}
    (outcome,) = evaluate_checklists([replace(LIST, items=(item,))], [], [], {}, evidence_by_fact=evidence)
    (verdict,) = outcome.verdicts
    assert (verdict.state, [u.state for u in verdict.units]) == ("met", ["open", "open"])


def test_attested_is_not_told_while_nothing_attests() -> None:
    (outcome,) = evaluate_checklists([LIST], [rule()], [], {rule().id: SEEN})
    assert outcome.summary == "1 met, 0 failed, 0 open"


STORIES = FOLDER.parent.parent / "fixtures"
FAILS = {
    "flowise": {"security-headers", "proxy-in-front", "ci-rollback", "exec-form"},
    "dify": {"config-from-environment", "no-anonymous-access", "service-replicas", "tls-proxy", "environments"},
    "dashflow": {"configmap", "ingress-tls", "network-policy", "ci-no-deploy-from-pr", "ci-test", "production-settings"},
    "ragflow": {"https-redirect", "security-headers", "vpa", "service-limits", "hpa"},
}  # fmt: skip
SHOWS = {
    "flowise": {"metrics"},
    "dify": {"environments", "alerting", "backup-volume"},
    "dashflow": {
        "production-settings", "service", "metrics", "dashboard", "alert-error-rate", "alert-latency", "alert-memory",
        "alert-cpu", "alert-not-ready", "alert-restarts", "alert-routing",
    },
    "ragflow": {"hpa", "dashboard", "alert-memory", "monitoring-stack", "backup-schedule", "disaster-recovery"},
}  # fmt: skip


def states(story: str, system: str) -> dict[str, str]:
    report = api.check(
        [STORIES / story],
        select=api.rules_of_checklists([system]),
        checklists=[system],
        base=STORIES,
        context=False,
    )
    (outcome,) = [one for one in report.checklists if one.checklist.source_document == system]
    return {verdict.item.id.partition(".")[2]: verdict.state for verdict in outcome.verdicts}


@pytest.mark.parametrize("system", FAILS)
def test_a_hardened_story_fails_no_item_of_its_guide(system):
    found = states(f"{system}/hardened", system)
    assert [key for key, state in found.items() if state == "failed"] == []
    assert sum(state == "met" for state in found.values()) > len(found) // 3
    assert {key: found[key] for key in SHOWS[system]} == dict.fromkeys(SHOWS[system], "met")


@pytest.mark.parametrize("system", FAILS)
def test_a_weak_story_fails_the_items_that_its_guide_breaks(system):
    found = states(f"{system}/weak", system)
    assert {key for key in FAILS[system] if found[key] != "failed"} == set()


def test_where_nothing_is_deployed_no_item_about_deployments_is_met():
    found = states("clean-library", "dify")
    assert {key for key, state in found.items() if state == "met" and key.startswith("ci-")} == set()
