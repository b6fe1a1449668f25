"""The documents' checklists, and what a run says of every item: met, failed, open or attested."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from readiness.model import Finding, Rule, Source, Span, join_names
from readiness.model.records import dataclass
from readiness.syntax import compiled
from readiness.syntax.yaml import load_yaml_documents
from readiness.verdict.evidence_names import DESCRIPTION_BY_FACT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

ITEM_STATES = ("met", "failed", "open", "attested")
VERIFY_METHODS = ("static", "evidence", "attest")
ITEM_KINDS = ("dockerfile", "compose", "nginx", "kubernetes", "ci", "repo")
_ITEM_KEYS = frozenset(("id", "section", "ask", "verify", "over", "figures", "proof", "shown", "open"))


class ChecklistError(Exception):
    """A checklist file that cannot be used: where, and what to change."""


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """One thing that a document asks for before production.

    `verify_method` says what can show it (configuration alone, an artefact in the tree, or only a person),
    `over` the kinds of file that do, `figures` the numbers that the document gives. `proof_groups` lists
    the groups of rules (or tiers of rules) and FACTS that prove it: each FACT of one group, and each rule that says
    what value proves it, must have a place that shows it; the other rules must have run. None: each rule that names
    the item is a group of its own. Empty: rules only tell when it fails. `also_required_facts` names FACTS that must be shown too;
    `open_reason` says why nothing here can prove the item.
    """

    id: str
    section: str
    question: str
    verify_method: str
    over: tuple[str, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)
    proof_groups: tuple[tuple[str, ...], ...] | None = None
    also_required_facts: tuple[str, ...] = ()
    open_reason: str = ""


@dataclass(frozen=True, slots=True)
class Checklist:
    """All items of one document."""

    source_document: str
    title: str
    items: tuple[ChecklistItem, ...]


class RuleTallyView(Protocol):
    """What one rule looked at: how many subjects, how many were undecidable, the first places."""

    @property
    def subjects(self) -> int:
        """How many subjects the rule judged."""

    @property
    def unknown(self) -> int:
        """How often the files could not tell."""

    @property
    def places(self) -> Sequence[tuple[Source, Span]]:
        """Values that speak for it, in what it has nothing against; the first of each folder."""


class EvidencePlace(NamedTuple):
    """Where something stands that speaks for an item: file, and line from 1."""

    path: str
    line: int


class UnitVerdict(NamedTuple):
    """What one unit says of an item: what is applied together, by its name or its folder."""

    unit: str
    state: str
    findings: tuple[Finding, ...]
    evidence: tuple[EvidencePlace, ...]


@dataclass(frozen=True, slots=True)
class ItemVerdict:
    """What a run says of one item: the findings against it, or the places that speak for it.

    `units` says it of each unit that has something to say, where these are several.
    """

    item: ChecklistItem
    state: str
    reason: str
    findings: tuple[Finding, ...] = ()
    evidence: tuple[EvidencePlace, ...] = ()
    rules: tuple[str, ...] = ()
    units: tuple[UnitVerdict, ...] = ()


EvidenceByFact = Mapping[str, Sequence[EvidencePlace]]  # the places that show a fact, or what a rule proves


@dataclass(frozen=True, slots=True)
class ChecklistOutcome:
    """One checklist's verdicts, in the order of the document."""

    checklist: Checklist
    verdicts: tuple[ItemVerdict, ...]

    def count(self, item_state: str) -> int:
        """How many items are in a state."""
        return sum(verdict.state == item_state for verdict in self.verdicts)

    @property
    def summary(self) -> str:
        """How many items are in each state; of `attested` there is nothing to say while nothing attests."""
        states_and_counts = ((state, self.count(state)) for state in ITEM_STATES)
        return ", ".join(f"{n} {state}" for state, n in states_and_counts if n or state != "attested")


def load_checklists(checklists_folder: Path) -> tuple[Checklist, ...]:
    """The checklists of a folder, by name."""
    documents_by_name = compiled.load_yaml_folder(checklists_folder, lambda path: load_yaml_documents(path.read_text("utf-8")))
    return tuple(make_checklist(f"{name}.yaml", documents) for name, documents in documents_by_name.items())


def parse_checklist(file_name: str, text: str) -> Checklist:
    """One checklist file; raises ChecklistError where it is not as it must be."""
    return make_checklist(file_name, load_yaml_documents(text))


def make_checklist(file_name: str, documents: list[Any]) -> Checklist:
    """The checklist that the YAML documents of a file make."""
    checklist_mapping = documents[0] if len(documents) == 1 else None
    if not isinstance(checklist_mapping, dict) or not isinstance(checklist_mapping.get("items"), list):
        raise ChecklistError(f"{file_name}: a checklist is one mapping with system, title and items")
    system_name, title = checklist_mapping.get("system"), checklist_mapping.get("title")
    if not isinstance(system_name, str) or not isinstance(title, str):
        raise ChecklistError(f"{file_name}: system and title are strings")
    items = tuple(_parse_item(file_name, system_name, entry) for entry in checklist_mapping["items"])
    seen_item_ids: set[str] = set()
    for item in items:
        if item.id in seen_item_ids:
            raise ChecklistError(f"{file_name}: {item.id} stands twice")
        seen_item_ids.add(item.id)
    return Checklist(system_name, title, items)


def _parse_item(file_name: str, system_name: str, item_mapping: Any) -> ChecklistItem:
    if not isinstance(item_mapping, dict) or not item_mapping.keys() <= _ITEM_KEYS:
        raise ChecklistError(f"{file_name}: an item has {join_names(sorted(_ITEM_KEYS))}, and no other key")
    item_id, section, question, verify_method = (item_mapping.get(word) for word in ("id", "section", "ask", "verify"))
    if not (isinstance(item_id, str) and isinstance(section, str) and isinstance(question, str)):
        raise ChecklistError(f"{file_name}: id, section and ask of an item are strings")
    if not item_id.startswith(f"{system_name}."):
        raise ChecklistError(f"{file_name}: the id {item_id} begins with {system_name}. and a short name")
    file_kinds, figures = item_mapping.get("over") or [], item_mapping.get("figures") or {}
    if verify_method not in VERIFY_METHODS:
        raise ChecklistError(f"{file_name}: verify of {item_id} is one of {join_names(VERIFY_METHODS)}")
    if not isinstance(file_kinds, list) or any(kind not in ITEM_KINDS for kind in file_kinds):
        raise ChecklistError(f"{file_name}: over of {item_id} lists kinds out of {join_names(ITEM_KINDS)}")
    if not isinstance(figures, dict):
        raise ChecklistError(f"{file_name}: figures of {item_id} is a mapping")
    required_facts, open_reason = item_mapping.get("shown") or [], item_mapping.get("open", "")
    if not isinstance(required_facts, list) or any(fact not in DESCRIPTION_BY_FACT for fact in required_facts):
        raise ChecklistError(f"{file_name}: shown of {item_id} lists facts out of {join_names(DESCRIPTION_BY_FACT)}")
    if not isinstance(open_reason, str):
        raise ChecklistError(f"{file_name}: open of {item_id} is a string")
    proof_groups = _parse_proof(file_name, item_id, item_mapping)
    return ChecklistItem(item_id, section, question, verify_method, tuple(file_kinds), figures, proof_groups, tuple(required_facts), open_reason)


def _parse_proof(file_name: str, item_id: str, item_mapping: dict[str, Any]) -> tuple[tuple[str, ...], ...] | None:
    if "proof" not in item_mapping:
        return None
    raw_groups = item_mapping["proof"] if isinstance(item_mapping["proof"], list) else [None]
    groups_as_lists = [[one] if isinstance(one, str) else one for one in raw_groups]
    valid_groups = [one for one in groups_as_lists if isinstance(one, list) and all(isinstance(r, str) for r in one)]
    if len(valid_groups) < len(groups_as_lists) or not all(valid_groups):
        raise ChecklistError(f"{file_name}: proof of {item_id} lists rules and facts, or lists of them")
    for unknown_fact in (
        unknown_fact for one in valid_groups for unknown_fact in one if "/" not in unknown_fact and unknown_fact not in DESCRIPTION_BY_FACT
    ):
        raise ChecklistError(f"{file_name}: proof of {item_id}: no fact is called {unknown_fact!r}")
    return tuple(tuple(one) for one in valid_groups)


def evaluate_checklists(
    checklists: Iterable[Checklist],
    rules: Iterable[Rule],
    findings: Iterable[Finding],
    tally_by_rule: Mapping[str, RuleTallyView],
    silenced_rules: Collection[str] = (),
    evidence_by_fact: Mapping[str, Sequence[EvidencePlace]] | None = None,
) -> tuple[ChecklistOutcome, ...]:
    """The state of every item.

    `rules` are those that ran, with the tiers that did, `tally_by_rule` what each of them saw. An item is failed when a rule
    that names it found something that is not suppressed; met when nothing did and places show what proves it; open
    otherwise: that nothing was found, where nothing was to be seen, meets no item. Of a rule with tiers only those count that
    name the item. A waiver is no proof, so an item whose findings are all suppressed is open. So is one of a rule in
    `silenced_rules`: findings of these were left out.
    """
    rule_keys_by_item_id: dict[str, list[str]] = {}
    rule_keys_without_proofs: set[str] = set()
    for rule in rules:
        rule_keys_without_proofs.update(() if rule.has_proofs else (rule.id, *rule.tally_keys))
        for rule_tier in rule.tiers or (rule.tier_by_name(""),):
            for item in rule_tier.checklist:
                rule_keys_by_item_id.setdefault(item, []).append(rule.tally_key(rule_tier.name))
    unit_by_path: dict[str, str] = {}
    findings_by_item_id: dict[str, list[Finding]] = {}
    for finding in findings:
        unit_by_path.setdefault(finding.path, finding.unit_path or posixpath.dirname(finding.path))
        for item in finding.checklist:
            findings_by_item_id.setdefault(item, []).append(finding)
    places_by_fact_or_rule = {fact: tuple(places) for fact, places in (evidence_by_fact or {}).items()}
    places_by_fact_or_rule |= {
        key: tuple(dict.fromkeys(EvidencePlace(source.root.path, source.position_of(span.start).line) for source, span in look.places))
        for key, look in tally_by_rule.items()
    }

    def verdict_of(item: ChecklistItem) -> ItemVerdict:
        rule_keys, item_findings = rule_keys_by_item_id.get(item.id, ()), findings_by_item_id.get(item.id, ())
        item_verdict = _verdict_without_proof(item, rule_keys, item_findings, tally_by_rule, silenced_rules) or _proven_verdict(
            item, rule_keys, places_by_fact_or_rule, rule_keys_without_proofs
        )
        return replace(
            item_verdict,
            units=_unit_verdicts(item_verdict, item_findings, places_by_fact_or_rule, rule_keys_without_proofs, unit_by_path),
        )

    return tuple(ChecklistOutcome(one, tuple(verdict_of(item) for item in one.items)) for one in checklists)


def _verdict_without_proof(
    item: ChecklistItem,
    rule_keys: Sequence[str],
    findings: Sequence[Finding],
    tally_by_rule: Mapping[str, RuleTallyView],
    silenced_rules: Collection[str],
) -> ItemVerdict | None:
    """What keeps an item from being met; None where it only needs its proof."""
    if item.verify_method == "attest":
        return ItemVerdict(item, "open", "only a person can say")
    sorted_rule_keys = tuple(sorted(rule_keys))
    open_findings = tuple(finding for finding in findings if not finding.suppression)
    if open_findings:
        rule_names = join_names(dict.fromkeys(finding.rule for finding in open_findings))
        return ItemVerdict(item, "failed", f"found by {rule_names}", open_findings, rules=sorted_rule_keys)
    if findings or any(name in silenced_rules for name in sorted_rule_keys):
        silencing_description = "waived" if findings else "silenced by words for another linter, or left out by settings for some paths"
        return ItemVerdict(item, "open", f"{silencing_description}, which is no proof", tuple(findings), rules=sorted_rule_keys)
    if any(name in tally_by_rule and tally_by_rule[name].unknown for name in sorted_rule_keys):
        return ItemVerdict(item, "open", "a value comes from outside the files", rules=sorted_rule_keys)
    return None


def _proven_verdict(
    item: ChecklistItem,
    rule_keys: Sequence[str],
    evidence_by_fact: EvidenceByFact,
    rules_without_proofs: Collection[str],
) -> ItemVerdict:
    """Met where places show all of one group, and what must be shown too."""
    sorted_rule_keys = tuple(sorted(rule_keys))
    proof_groups = _proof_groups_of_item(item, sorted_rule_keys)
    if not proof_groups and not item.also_required_facts:
        return ItemVerdict(item, "open", item.open_reason or _open_item_reason(item, sorted_rule_keys), rules=sorted_rule_keys)
    groups_with_run_rules = [group for group in proof_groups if all("/" not in one or _rules_named_by_proof(one, sorted_rule_keys) for one in group)]
    if proof_groups and not groups_with_run_rules:
        lacking_text = join_names(one for one in proof_groups[0] if "/" in one and not _rules_named_by_proof(one, sorted_rule_keys))
        return ItemVerdict(item, "open", f"{lacking_text} did not run", rules=sorted_rule_keys)
    groups_with_proving_rules = [tuple(one for one in group if one not in rules_without_proofs) for group in groups_with_run_rules]
    proven_groups = [
        group
        for group in groups_with_proving_rules
        if group and all(_evidence_places_of_fact_or_rule(one, sorted_rule_keys, evidence_by_fact) for one in group)
    ]
    lacking_text = join_names(DESCRIPTION_BY_FACT[fact] for fact in item.also_required_facts if not evidence_by_fact.get(fact))
    if proof_groups and not proven_groups:
        return ItemVerdict(item, "open", "nothing that is here shows it", rules=sorted_rule_keys)
    if lacking_text:
        return ItemVerdict(item, "open", f"the files do not show {lacking_text}", rules=sorted_rule_keys)
    shown_facts_and_rules = [*dict.fromkeys(one for group in proven_groups for one in group), *item.also_required_facts]
    evidence_places = {place for one in shown_facts_and_rules for place in _evidence_places_of_fact_or_rule(one, sorted_rule_keys, evidence_by_fact)}
    shown_descriptions = [one if "/" in one else DESCRIPTION_BY_FACT[one] for one in shown_facts_and_rules]
    met_reason = f"shown by {join_names(shown_descriptions)}"
    return ItemVerdict(item, "met", met_reason, evidence=tuple(sorted(evidence_places)), rules=sorted_rule_keys)


def _proof_groups_of_item(item: ChecklistItem, rule_keys: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The groups that prove an item: its own, or each rule that names it."""
    if item.proof_groups is not None:
        return item.proof_groups
    is_provable_by_single_rule = item.verify_method == "static" and not item.also_required_facts
    return tuple((name,) for name in rule_keys) if is_provable_by_single_rule else ()


def _evidence_places_of_fact_or_rule(fact_or_rule: str, rule_keys: Sequence[str], evidence_by_fact: EvidenceByFact) -> list[EvidencePlace]:
    """Where a fact, or what a rule proves, is shown."""
    fact_or_rule_keys = _rules_named_by_proof(fact_or_rule, rule_keys) if "/" in fact_or_rule else [fact_or_rule]
    return [place for key in fact_or_rule_keys for place in evidence_by_fact.get(key, ())]


def _unit_verdicts(
    item_verdict: ItemVerdict,
    findings: Sequence[Finding],
    evidence_by_fact: EvidenceByFact,
    rules_without_proofs: Collection[str],
    unit_by_path: Mapping[str, str],
) -> tuple[UnitVerdict, ...]:
    """What each unit says of an item: its findings, or all of one group shown by its own places.

    A place is in the unit that findings on its file name, else in its folder.
    """
    item, rule_keys = item_verdict.item, item_verdict.rules
    if item.verify_method == "attest":
        return ()
    proof_groups = [
        (*(one for one in group if one not in rules_without_proofs), *item.also_required_facts)
        for group in _proof_groups_of_item(item, rule_keys) or ((),)
    ]
    places_by_unit_and_fact: dict[str, dict[str, list[EvidencePlace]]] = {}
    for fact_or_rule in dict.fromkeys(one for group in proof_groups for one in group):
        for place in _evidence_places_of_fact_or_rule(fact_or_rule, rule_keys, evidence_by_fact):
            unit = unit_by_path.get(place.path, posixpath.dirname(place.path))
            places_by_unit_and_fact.setdefault(unit, {}).setdefault(fact_or_rule, []).append(place)
    findings_by_unit: dict[str, list[Finding]] = {}
    for finding in findings:
        if not finding.suppression:
            findings_by_unit.setdefault(unit_by_path[finding.path], []).append(finding)
    units = sorted(places_by_unit_and_fact.keys() | findings_by_unit)
    if len(units) < 2:
        return ()
    unit_verdicts = []
    for unit in units:
        unit_findings, places_by_fact_or_rule = tuple(findings_by_unit.get(unit, ())), places_by_unit_and_fact.get(unit, {})
        complete_groups = [group for group in proof_groups if group and all(one in places_by_fact_or_rule for one in group)]
        evidence_places = {place for group in complete_groups for one in group for place in places_by_fact_or_rule[one]}
        is_met = complete_groups and item_verdict.state != "open"
        unit_state = "failed" if unit_findings else "met" if is_met else "open"
        unit_verdicts.append(UnitVerdict(unit, unit_state, unit_findings, () if unit_findings or not is_met else tuple(sorted(evidence_places))))
    return tuple(unit_verdicts)


def _rules_named_by_proof(proof_name: str, rules_that_ran: Sequence[str]) -> list[str]:
    """What a proof names of the rules and tiers that ran: a tier by itself, a rule by all of its tiers."""
    return [one for one in rules_that_ran if proof_name in {one, one.partition(":")[0]}]


def _open_item_reason(item: ChecklistItem, rule_names: Sequence[str]) -> str:
    if item.verify_method == "evidence":
        return "no file that is read here can show it; somebody has to look"
    return "rules tell when it fails, and none proves it" if rule_names else "no rule that ran proves it"


def outcome_as_json(outcome: ChecklistOutcome) -> dict[str, Any]:
    """The JSON form of one checklist's outcome; findings are named by their fingerprints."""
    return {
        "system": outcome.checklist.source_document,
        "title": outcome.checklist.title,
        **{state: outcome.count(state) for state in ITEM_STATES},
        "items": [
            {
                "id": verdict.item.id,
                "state": verdict.state,
                "reason": verdict.reason,
                "findings": [finding.fingerprint for finding in verdict.findings],
                "evidence": [place._asdict() for place in verdict.evidence],
                "attestation": None,
                **({"units": [_unit_json(one) for one in verdict.units]} if verdict.units else {}),
            }
            for verdict in outcome.verdicts
        ],
    }


def _unit_json(verdict: UnitVerdict) -> dict[str, Any]:
    return {
        "unit": verdict.unit,
        "state": verdict.state,
        "findings": [finding.fingerprint for finding in verdict.findings],
        "evidence": [place._asdict() for place in verdict.evidence],
    }
