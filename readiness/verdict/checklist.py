"""The documents' checklists, and what a run says of every item: met, failed, open or attested."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from readiness.model import Finding, Rule, Source, Span, join_names
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

    def count(self, state: str) -> int:
        """How many items are in a state."""
        return sum(verdict.state == state for verdict in self.verdicts)

    @property
    def summary(self) -> str:
        """How many items are in each state; of `attested` there is nothing to say while nothing attests."""
        found = ((state, self.count(state)) for state in ITEM_STATES)
        return ", ".join(f"{n} {state}" for state, n in found if n or state != "attested")


def load_checklists(folder: Path) -> tuple[Checklist, ...]:
    """The checklists of a folder, by name."""
    read = compiled.load_folder(folder, lambda path: load_yaml_documents(path.read_text("utf-8")))
    return tuple(make_checklist(f"{name}.yaml", documents) for name, documents in read.items())


def parse_checklist(name: str, text: str) -> Checklist:
    """One checklist file; raises ChecklistError where it is not as it must be."""
    return make_checklist(name, load_yaml_documents(text))


def make_checklist(name: str, documents: list[Any]) -> Checklist:
    """The checklist that the YAML documents of a file make."""
    node = documents[0] if len(documents) == 1 else None
    if not isinstance(node, dict) or not isinstance(node.get("items"), list):
        raise ChecklistError(f"{name}: a checklist is one mapping with system, title and items")
    system, title = node.get("system"), node.get("title")
    if not isinstance(system, str) or not isinstance(title, str):
        raise ChecklistError(f"{name}: system and title are strings")
    items = tuple(_parse_item(name, system, entry) for entry in node["items"])
    known: set[str] = set()
    for item in items:
        if item.id in known:
            raise ChecklistError(f"{name}: {item.id} stands twice")
        known.add(item.id)
    return Checklist(system, title, items)


def _parse_item(name: str, system: str, entry: Any) -> ChecklistItem:
    if not isinstance(entry, dict) or not entry.keys() <= _ITEM_KEYS:
        raise ChecklistError(f"{name}: an item has {join_names(sorted(_ITEM_KEYS))}, and no other key")
    key, section, ask, verify = (entry.get(word) for word in ("id", "section", "ask", "verify"))
    if not (isinstance(key, str) and isinstance(section, str) and isinstance(ask, str)):
        raise ChecklistError(f"{name}: id, section and ask of an item are strings")
    if not key.startswith(f"{system}."):
        raise ChecklistError(f"{name}: the id {key} begins with {system}. and a short name")
    over, figures = entry.get("over") or [], entry.get("figures") or {}
    if verify not in VERIFY_METHODS:
        raise ChecklistError(f"{name}: verify of {key} is one of {join_names(VERIFY_METHODS)}")
    if not isinstance(over, list) or any(kind not in ITEM_KINDS for kind in over):
        raise ChecklistError(f"{name}: over of {key} lists kinds out of {join_names(ITEM_KINDS)}")
    if not isinstance(figures, dict):
        raise ChecklistError(f"{name}: figures of {key} is a mapping")
    shown, why = entry.get("shown") or [], entry.get("open", "")
    if not isinstance(shown, list) or any(fact not in DESCRIPTION_BY_FACT for fact in shown):
        raise ChecklistError(f"{name}: shown of {key} lists facts out of {join_names(DESCRIPTION_BY_FACT)}")
    if not isinstance(why, str):
        raise ChecklistError(f"{name}: open of {key} is a string")
    proof = _parse_proof(name, key, entry)
    return ChecklistItem(key, section, ask, verify, tuple(over), figures, proof, tuple(shown), why)


def _parse_proof(name: str, key: str, entry: dict[str, Any]) -> tuple[tuple[str, ...], ...] | None:
    if "proof" not in entry:
        return None
    groups = entry["proof"] if isinstance(entry["proof"], list) else [None]
    made = [[one] if isinstance(one, str) else one for one in groups]
    told = [one for one in made if isinstance(one, list) and all(isinstance(r, str) for r in one)]
    if len(told) < len(made) or not all(told):
        raise ChecklistError(f"{name}: proof of {key} lists rules and facts, or lists of them")
    for word in (word for one in told for word in one if "/" not in word and word not in DESCRIPTION_BY_FACT):
        raise ChecklistError(f"{name}: proof of {key}: no fact is called {word!r}")
    return tuple(tuple(one) for one in told)


def evaluate_checklists(
    checklists: Iterable[Checklist],
    rules: Iterable[Rule],
    findings: Iterable[Finding],
    tally_by_rule: Mapping[str, RuleTallyView],
    silenced_rules: Collection[str] = (),
    evidence: Mapping[str, Sequence[EvidencePlace]] | None = None,
) -> tuple[ChecklistOutcome, ...]:
    """The state of every item.

    `rules` are those that ran, with the tiers that did, `tally_by_rule` what each of them saw. An item is failed when a rule
    that names it found something that is not suppressed; met when nothing did and places show what proves it; open
    otherwise: that nothing was found, where nothing was to be seen, meets no item. Of a rule with tiers only those count that
    name the item. A waiver is no proof, so an item whose findings are all suppressed is open. So is one of a rule in
    `silenced_rules`: findings of these were left out.
    """
    proving: dict[str, list[str]] = {}
    silent: set[str] = set()
    for rule in rules:
        silent.update(() if rule.has_proofs else (rule.id, *rule.tally_keys))
        for tier in rule.tiers or (rule.tier_by_name(""),):
            for item in tier.checklist:
                proving.setdefault(item, []).append(rule.tally_key(tier.name))
    units: dict[str, str] = {}
    against: dict[str, list[Finding]] = {}
    for finding in findings:
        units.setdefault(finding.path, finding.unit_path or posixpath.dirname(finding.path))
        for item in finding.checklist:
            against.setdefault(item, []).append(finding)
    seen = {fact: tuple(places) for fact, places in (evidence or {}).items()}
    seen |= {
        key: tuple(
            dict.fromkeys(EvidencePlace(source.root.path, source.position_of(span.start).line) for source, span in look.places)
        )
        for key, look in tally_by_rule.items()
    }

    def verdict_of(item: ChecklistItem) -> ItemVerdict:
        names, found = proving.get(item.id, ()), against.get(item.id, ())
        whole = _negative_verdict(item, names, found, tally_by_rule, silenced_rules) or _proven_verdict(
            item, names, seen, silent
        )
        return replace(whole, units=_unit_verdicts(whole, found, seen, silent, units))

    return tuple(ChecklistOutcome(one, tuple(verdict_of(item) for item in one.items)) for one in checklists)


def _negative_verdict(
    item: ChecklistItem,
    rules: Sequence[str],
    findings: Sequence[Finding],
    tally_by_rule: Mapping[str, RuleTallyView],
    silenced_rules: Collection[str],
) -> ItemVerdict | None:
    """What keeps an item from being met; None where it only needs its proof."""
    if item.verify_method == "attest":
        return ItemVerdict(item, "open", "only a person can say")
    names = tuple(sorted(rules))
    standing = tuple(finding for finding in findings if not finding.suppression)
    if standing:
        rule_names = join_names(dict.fromkeys(finding.rule for finding in standing))
        return ItemVerdict(item, "failed", f"found by {rule_names}", standing, rules=names)
    if findings or any(name in silenced_rules for name in names):
        how = "waived" if findings else "silenced by a comment for another linter"
        return ItemVerdict(item, "open", f"{how}, which is no proof", tuple(findings), rules=names)
    if any(name in tally_by_rule and tally_by_rule[name].unknown for name in names):
        return ItemVerdict(item, "open", "a value comes from outside the files", rules=names)
    return None


def _proven_verdict(
    item: ChecklistItem,
    rules: Sequence[str],
    evidence_by_fact: EvidenceByFact,
    silenced_rules: Collection[str],
) -> ItemVerdict:
    """Met where places show all of one group, and what must be shown too."""
    names = tuple(sorted(rules))
    groups = _proof_groups(item, names)
    if not groups and not item.also_required_facts:
        return ItemVerdict(item, "open", item.open_reason or _open_item_reason(item, names), rules=names)
    ran = [group for group in groups if all("/" not in one or _rules_named_by_proof(one, names) for one in group)]
    if groups and not ran:
        lacking = join_names(one for one in groups[0] if "/" in one and not _rules_named_by_proof(one, names))
        return ItemVerdict(item, "open", f"{lacking} did not run", rules=names)
    telling = [tuple(one for one in group if one not in silenced_rules) for group in ran]
    proven = [group for group in telling if group and all(_evidence_places(one, names, evidence_by_fact) for one in group)]
    lacking = join_names(DESCRIPTION_BY_FACT[fact] for fact in item.also_required_facts if not evidence_by_fact.get(fact))
    if groups and not proven:
        return ItemVerdict(item, "open", "nothing that is here shows it", rules=names)
    if lacking:
        return ItemVerdict(item, "open", f"the files do not show {lacking}", rules=names)
    shown = [*dict.fromkeys(one for group in proven for one in group), *item.also_required_facts]
    places = {place for one in shown for place in _evidence_places(one, names, evidence_by_fact)}
    proof = [one if "/" in one else DESCRIPTION_BY_FACT[one] for one in shown]
    why = f"shown by {join_names(proof)}"
    return ItemVerdict(item, "met", why, evidence=tuple(sorted(places)), rules=names)


def _proof_groups(item: ChecklistItem, names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The groups that prove an item: its own, or each rule that names it."""
    if item.proof_groups is not None:
        return item.proof_groups
    alone = item.verify_method == "static" and not item.also_required_facts
    return tuple((name,) for name in names) if alone else ()


def _evidence_places(fact_or_rule: str, names: Sequence[str], evidence_by_fact: EvidenceByFact) -> list[EvidencePlace]:
    """Where a fact, or what a rule proves, is shown."""
    keys = _rules_named_by_proof(fact_or_rule, names) if "/" in fact_or_rule else [fact_or_rule]
    return [place for key in keys for place in evidence_by_fact.get(key, ())]


def _unit_verdicts(
    item_verdict: ItemVerdict,
    findings: Sequence[Finding],
    evidence_by_fact: EvidenceByFact,
    silenced_rules: Collection[str],
    units_of_paths: Mapping[str, str],
) -> tuple[UnitVerdict, ...]:
    """What each unit says of an item: its findings, or all of one group shown by its own places.

    A place is in the unit that findings on its file name, else in its folder.
    """
    item, names = item_verdict.item, item_verdict.rules
    if item.verify_method == "attest":
        return ()
    groups = [
        (*(one for one in group if one not in silenced_rules), *item.also_required_facts)
        for group in _proof_groups(item, names) or ((),)
    ]
    by_unit: dict[str, dict[str, list[EvidencePlace]]] = {}
    for word in dict.fromkeys(one for group in groups for one in group):
        for place in _evidence_places(word, names, evidence_by_fact):
            unit = units_of_paths.get(place.path, posixpath.dirname(place.path))
            by_unit.setdefault(unit, {}).setdefault(word, []).append(place)
    against: dict[str, list[Finding]] = {}
    for finding in findings:
        if not finding.suppression:
            against.setdefault(units_of_paths[finding.path], []).append(finding)
    units = sorted(by_unit.keys() | against)
    if len(units) < 2:
        return ()
    found = []
    for unit in units:
        mine, shown = tuple(against.get(unit, ())), by_unit.get(unit, {})
        complete = [group for group in groups if group and all(one in shown for one in group)]
        places = {place for group in complete for one in group for place in shown[one]}
        met = complete and item_verdict.state != "open"
        state = "failed" if mine else "met" if met else "open"
        found.append(UnitVerdict(unit, state, mine, () if mine or not met else tuple(sorted(places))))
    return tuple(found)


def _rules_named_by_proof(name: str, rules_that_ran: Sequence[str]) -> list[str]:
    """What a proof names of the rules and tiers that ran: a tier by itself, a rule by all of its tiers."""
    return [one for one in rules_that_ran if name in {one, one.partition(":")[0]}]


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
