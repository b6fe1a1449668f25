"""What every rule file must be, beside its examples."""

from __future__ import annotations

import ast
import inspect
import json
import re
import typing

import pytest

from readiness import kinds
from readiness.model import messages
from readiness.ruleset import bindings, examples, rules, spec, verification
from readiness.ruleset.bound import LoadedRule
from readiness.run import engine
from readiness.verdict import checklist
from tests import hit_facts as facts_of
from tests.conftest import ROOT, by_rule, catalogue
from tests.ruleset.test_rules import check, default_path

BOUNDS = [pytest.param(tiers[0], id=name) for name, tiers in by_rule().items()]
JUDGING = [pytest.param(bound, id=bound.tally_key) for bound in catalogue() if bound.targets != ("core",)]
RULES = [pytest.param(tiers, id=name) for name, tiers in by_rule().items() if tiers[0].targets != ("core",)]


@pytest.mark.parametrize("bound", BOUNDS)
def test_words(bound: LoadedRule) -> None:
    rule = bound.rule
    texts = {field: [rule.field_text(field)] for field in spec.FINDING_TEXT_FIELDS}
    texts["message"] += [one.text for one in rule.named_messages]
    for wording in rule.wordings:
        texts[wording.field].append(wording.text)
    assert not rule.title.endswith("."), "a title has no full stop"
    for message in texts["message"]:
        assert not message.endswith("."), "a message has no full stop"
    for sentences in (*texts["why"], *texts["fix"], *filter(None, [rule.known_limits])):
        assert sentences.endswith("."), "`why`, `fix` and `limits` are made of sentences"
    assert "this rule" not in f"{rule.title} {texts}".lower()
    assert len(rule.title) <= 90
    assert re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", rule.id.partition("/")[2]), "names are kebab-case"


@pytest.mark.parametrize("bound", BOUNDS)
def test_links(bound: LoadedRule) -> None:
    assert bound.rule.links, "a rule links the documentation that makes it true"
    assert all(link.startswith("https://") for link in bound.rule.links)


@pytest.mark.parametrize("bound", JUDGING)
def test_binding(bound: LoadedRule) -> None:
    (written,) = (loaded for loaded in rules.read_own_rule_tiers(bound.rule.id, bound.path) if loaded.tier == bound.tier)
    verification.verify_rule(written)
    for target in bound.targets:
        assert target in kinds.subject_finder_by_target(kinds.kind_of_target(target)), f"no target is called {target!r}"
    if bound.rule.category == "style":
        assert bound.rule.tier_by_name(bound.tier).level == "optional", "taste is off by default"


@pytest.mark.parametrize("tiers", RULES)
def test_examples_of_both_sorts(tiers: list[LoadedRule]) -> None:
    found = examples.rule_examples(tiers[0], default_path(tiers[0].rule))
    assert {example.is_bad for example in found} == {True, False}


@pytest.mark.parametrize("bound", [pytest.param(bound, id=bound.tally_key) for bound in catalogue()])
def test_a_message_names_only_facts_that_there_are(bound: LoadedRule) -> None:
    """What a custom rule is held to when it is read holds for the tool's own, at each hit that an example shows."""
    named = {part: messages.fact_names(text) for part, text in bound.message_by_part.items()}
    if bound.targets == ("core",):
        return
    found = facts_of.seen(bound.tally_key)
    assert found
    for subject, hit in found:
        facts = engine.make_fact_lookup(subject, hit)
        part = messages.message_value(facts(bound.rule.part_fact)) if bound.rule.part_fact else ""
        wanted = (
            messages.fact_names(bound.message_by_name[hit.message_name]) if hit.message_name in bound.message_by_name else named.get(part, named[""])
        )
        for name in wanted - set(hit.facts):
            assert isinstance(getattr(subject, name), messages.FactValue)
        assert messages.UNKNOWN_FACT_TEXT not in engine.message_for_hit(bound, part, facts, hit.message_name)


@pytest.mark.parametrize("bound", [one for one in JUDGING if one.values[0].message_by_name])
def test_every_message_by_name_is_shown_by_an_example(bound: LoadedRule) -> None:
    """No sentence stands in a rule file that nobody can get, and no hit falls back on another's sentence."""
    said = {hit.message_name for _, hit in facts_of.seen(bound.tally_key)}
    of_rule = {hit.message_name for one in by_rule()[bound.rule.id] for _, hit in facts_of.seen(one.tally_key)}
    assert said - {""} <= bound.message_by_name.keys()
    assert bound.message_by_name.keys() == of_rule - {""}
    assert ("" in of_rule) == bool(bound.message_by_part[""]), "`message` is for hits that say no name"


def test_checks_say_only_names_that_examples_show() -> None:
    """A name that stands in the code and in no table of facts would be refused nowhere."""
    known = {key.partition(":")[2] for key in facts_of.by_check()}
    for path in sorted((ROOT / "readiness" / "checks").rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for keyword in call.keywords if isinstance(call, ast.Call) else ():
                if keyword.arg == "say":
                    for node in ast.walk(keyword.value):
                        if isinstance(node, ast.Constant) and isinstance(node.value, str):
                            assert node.value in known, f"{path.name}:{node.lineno}"


@pytest.mark.parametrize("bound", JUDGING)
def test_facts_are_plain_values(bound: LoadedRule) -> None:
    for _, hit in facts_of.seen(bound.tally_key):
        assert all(isinstance(value, messages.FactValue) for value in hit.facts.values())


@pytest.mark.parametrize("tiers", [one for one in RULES if one.values[0][0].rule.tiers_and_parts])
def test_examples_show_every_tier_and_every_part(tiers: list[LoadedRule]) -> None:
    shown = set()
    for example in examples.rule_examples(tiers[0], default_path(tiers[0].rule)):
        for finding in check(tiers, example, lambda text: text).findings:
            shown |= {finding.tier, finding.part}
            assert finding.part or not finding.rule_definition.part_fact, "a hit whose part `by` does not list"
    assert shown - {""} == set(tiers[0].rule.tiers_and_parts)


@pytest.mark.parametrize("bound", JUDGING)
def test_parameters_have_the_types_of_the_check(bound: LoadedRule) -> None:
    if not bound.check_name:
        return
    hints = typing.get_type_hints(bindings.resolve_check(bound.check_name))
    parameters = inspect.signature(bindings.resolve_check(bound.check_name)).parameters
    for name, value in bound.arguments.items():
        assert parameters[name].kind is inspect.Parameter.KEYWORD_ONLY, f"{name} is keyword-only"
        wanted = typing.get_origin(hints[name]) or hints[name]
        if isinstance(wanted, type) and wanted.__module__ == "builtins":
            assert isinstance(value, wanted), f"{name} is {value!r}"


def test_every_check_serves_a_rule() -> None:
    bound_names = {bound.check_name for bound in catalogue() if bound.check_name}
    unbound = []
    for path in sorted((ROOT / "readiness" / "checks").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT / "readiness" / "checks").with_suffix("").parts)
        for name, item in vars(__import__(f"readiness.checks.{module}", fromlist=["_"])).items():
            if name.startswith("_") or not inspect.isfunction(item) or item.__module__ != f"readiness.checks.{module}":
                continue
            hints = typing.get_type_hints(item)
            if "Hit" in str(hints.get("return")) and f"{module}.{name}" not in bound_names:
                first = next(iter(inspect.signature(item).parameters.values()), None)
                source = path.read_text(encoding="utf-8")
                others = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "readiness" / "checks").rglob("*.py") if p != path)
                used = len(re.findall(rf"\b{name}\(", source)) > 1 or re.search(rf"\b{name}\b", others)
                if first is not None and not used:
                    unbound.append(f"{module}.{name}")
    assert unbound == []


def test_checklist_items_exist() -> None:
    known = {item.id for listed in checklist.load_checklists(rules.rules_folder() / "checklists") for item in listed.items}
    assert {(b.rule.id, i) for b in catalogue() for i in b.rule.checklist if i not in known} == set()


def test_equivalents_exist_in_the_other_linters(shared: object) -> None:
    from tests.conftest import SHARED

    known: dict[str, set[str]] = {}
    for path in sorted((SHARED / "conformance").glob("*/rules.jsonl")):
        known[path.parent.name] = {str(json.loads(line)["rule"]) for line in path.read_text("utf-8").splitlines()}
    wrong = {
        (b.rule.id, peer, name)
        for b in catalogue()
        for peer, ids in b.rule.equivalents.items()
        for name in ids
        if peer in known and name not in known[peer]
    }
    assert wrong == set()


def test_rules_that_need_what_no_file_has_state_their_limits() -> None:
    """The joins with the cluster or another repository; what they cannot see stands on their pages and in JSON."""
    stated = {name for name, (bound, *_) in by_rule().items() if bound.rule.known_limits}
    wanted = {
        name for name, (bound, *_) in by_rule().items() if bound.check_name.startswith("k8s.references.") and str(bound.rule.confidence) != "high"
    }
    assert wanted
    assert wanted <= stated
