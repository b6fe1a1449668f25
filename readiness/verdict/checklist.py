"""The documents' checklists, and what a run says of every item: met, failed, open or attested."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from readiness.model import Finding, Rule, Source, Span, join_names
from readiness.syntax import compiled
from readiness.syntax.yaml import load_all
from readiness.verdict.evidence_names import FACTS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

STATES = ("met", "failed", "open", "attested")
VERIFY = ("static", "evidence", "attest")
KINDS = ("dockerfile", "compose", "nginx", "kubernetes", "ci", "repo")
_KEYS = frozenset(("id", "section", "ask", "verify", "over", "figures", "proof", "shown", "open"))


class ChecklistError(Exception):
    """A checklist file that cannot be used: where, and what to change."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a document asks for before production.

    `verify` says what can show it (configuration alone, an artefact in the tree, or only a person),
    `over` the kinds of file that do, `figures` the numbers that the document gives. `proof` lists
    the groups of rules (or tiers of rules) and FACTS that prove it: each FACT of one group, and each rule that says
    what value proves it, must have a place that shows it; the other rules must have run. None: each rule that names
    the item is a group of its own. Empty: rules only tell when it fails. `shown` names FACTS that must be shown too;
    `open` says why nothing here can prove the item.
    """

    id: str
    section: str
    ask: str
    verify: str
    over: tuple[str, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)
    proof: tuple[tuple[str, ...], ...] | None = None
    shown: tuple[str, ...] = ()
    open: str = ""


@dataclass(frozen=True, slots=True)
class Checklist:
    """All items of one document."""

    system: str
    title: str
    items: tuple[Item, ...]


class RuleLook(Protocol):
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
class Verdict:
    """What a run says of one item: the findings against it, or the places that speak for it.

    `units` says it of each unit that has something to say, where these are several.
    """

    item: Item
    state: str
    reason: str
    findings: tuple[Finding, ...] = ()
    evidence: tuple[EvidencePlace, ...] = ()
    rules: tuple[str, ...] = ()
    units: tuple[UnitVerdict, ...] = ()


Seen = Mapping[str, Sequence[EvidencePlace]]  # the places that show a fact, or what a rule proves


@dataclass(frozen=True, slots=True)
class ChecklistOutcome:
    """One checklist's verdicts, in the order of the document."""

    checklist: Checklist
    verdicts: tuple[Verdict, ...]

    def count(self, state: str) -> int:
        """How many items are in a state."""
        return sum(verdict.state == state for verdict in self.verdicts)

    @property
    def summary(self) -> str:
        """How many items are in each state; of `attested` there is nothing to say while nothing attests."""
        found = ((state, self.count(state)) for state in STATES)
        return ", ".join(f"{n} {state}" for state, n in found if n or state != "attested")


def load_checklists(folder: Path) -> tuple[Checklist, ...]:
    """The checklists of a folder, by name."""
    read = compiled.load_folder(folder, lambda path: load_all(path.read_text("utf-8")))
    return tuple(checklist_from(f"{name}.yaml", documents) for name, documents in read.items())


def parse_checklist(name: str, text: str) -> Checklist:
    """One checklist file; raises ChecklistError where it is not as it must be."""
    return checklist_from(name, load_all(text))


def checklist_from(name: str, documents: list[Any]) -> Checklist:
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


def _parse_item(name: str, system: str, entry: Any) -> Item:
    if not isinstance(entry, dict) or not entry.keys() <= _KEYS:
        raise ChecklistError(f"{name}: an item has {join_names(sorted(_KEYS))}, and no other key")
    key, section, ask, verify = (entry.get(word) for word in ("id", "section", "ask", "verify"))
    if not (isinstance(key, str) and isinstance(section, str) and isinstance(ask, str)):
        raise ChecklistError(f"{name}: id, section and ask of an item are strings")
    if not key.startswith(f"{system}."):
        raise ChecklistError(f"{name}: the id {key} begins with {system}. and a short name")
    over, figures = entry.get("over") or [], entry.get("figures") or {}
    if verify not in VERIFY:
        raise ChecklistError(f"{name}: verify of {key} is one of {join_names(VERIFY)}")
    if not isinstance(over, list) or any(kind not in KINDS for kind in over):
        raise ChecklistError(f"{name}: over of {key} lists kinds out of {join_names(KINDS)}")
    if not isinstance(figures, dict):
        raise ChecklistError(f"{name}: figures of {key} is a mapping")
    shown, why = entry.get("shown") or [], entry.get("open", "")
    if not isinstance(shown, list) or any(fact not in FACTS for fact in shown):
        raise ChecklistError(f"{name}: shown of {key} lists facts out of {join_names(FACTS)}")
    if not isinstance(why, str):
        raise ChecklistError(f"{name}: open of {key} is a string")
    proof = _parse_proof(name, key, entry)
    return Item(key, section, ask, verify, tuple(over), figures, proof, tuple(shown), why)


def _parse_proof(name: str, key: str, entry: dict[str, Any]) -> tuple[tuple[str, ...], ...] | None:
    if "proof" not in entry:
        return None
    groups = entry["proof"] if isinstance(entry["proof"], list) else [None]
    made = [[one] if isinstance(one, str) else one for one in groups]
    told = [one for one in made if isinstance(one, list) and all(isinstance(r, str) for r in one)]
    if len(told) < len(made) or not all(told):
        raise ChecklistError(f"{name}: proof of {key} lists rules and facts, or lists of them")
    for word in (word for one in told for word in one if "/" not in word and word not in FACTS):
        raise ChecklistError(f"{name}: proof of {key}: no fact is called {word!r}")
    return tuple(tuple(one) for one in told)


def evaluate(
    checklists: Iterable[Checklist],
    rules: Iterable[Rule],
    findings: Iterable[Finding],
    looks: Mapping[str, RuleLook],
    silenced: Collection[str] = (),
    evidence: Mapping[str, Sequence[EvidencePlace]] | None = None,
) -> tuple[ChecklistOutcome, ...]:
    """The state of every item.

    `rules` are those that ran, with the tiers that did, `looks` what each of them saw. An item is failed when a rule
    that names it found something that is not suppressed; met when nothing did and places show what proves it; open
    otherwise: that nothing was found, where nothing was to be seen, meets no item. Of a rule with tiers only those count that
    name the item. A waiver is no proof, so an item whose findings are all suppressed is open. So is one of a rule in
    `silenced`: findings of these were left out.
    """
    proving: dict[str, list[str]] = {}
    silent: set[str] = set()
    for rule in rules:
        silent.update(() if rule.proves else (rule.id, *rule.keys))
        for tier in rule.tiers or (rule.tier(""),):
            for item in tier.checklist:
                proving.setdefault(item, []).append(rule.key(tier.name))
    units: dict[str, str] = {}
    against: dict[str, list[Finding]] = {}
    for finding in findings:
        units.setdefault(finding.path, finding.unit or posixpath.dirname(finding.path))
        for item in finding.checklist:
            against.setdefault(item, []).append(finding)
    seen = {fact: tuple(places) for fact, places in (evidence or {}).items()}
    seen |= {
        key: tuple(
            dict.fromkeys(
                EvidencePlace(source.root.path, source.position(span.start).line)
                for source, span in look.places
            )
        )
        for key, look in looks.items()
    }

    def verdict_of(item: Item) -> Verdict:
        names, found = proving.get(item.id, ()), against.get(item.id, ())
        whole = _verdict_against(item, names, found, looks, silenced) or _met_verdict(
            item, names, seen, silent
        )
        return replace(whole, units=_unit_verdicts(whole, found, seen, silent, units))

    return tuple(
        ChecklistOutcome(one, tuple(verdict_of(item) for item in one.items)) for one in checklists
    )


def _verdict_against(
    item: Item,
    rules: Sequence[str],
    findings: Sequence[Finding],
    looks: Mapping[str, RuleLook],
    silenced: Collection[str],
) -> Verdict | None:
    """What keeps an item from being met; None where it only needs its proof."""
    if item.verify == "attest":
        return Verdict(item, "open", "only a person can say")
    names = tuple(sorted(rules))
    standing = tuple(finding for finding in findings if not finding.suppressed)
    if standing:
        rule_names = join_names(dict.fromkeys(finding.rule for finding in standing))
        return Verdict(item, "failed", f"found by {rule_names}", standing, rules=names)
    if findings or any(name in silenced for name in names):
        how = "waived" if findings else "silenced by a comment for another linter"
        return Verdict(item, "open", f"{how}, which is no proof", tuple(findings), rules=names)
    if any(name in looks and looks[name].unknown for name in names):
        return Verdict(item, "open", "a value comes from outside the files", rules=names)
    return None


def _met_verdict(item: Item, rules: Sequence[str], seen: Seen, silent: Collection[str]) -> Verdict:
    """Met where places show all of one group, and what must be shown too."""
    names = tuple(sorted(rules))
    groups = _groups(item, names)
    if not groups and not item.shown:
        return Verdict(item, "open", item.open or _open_verdict(item, names), rules=names)
    ran = [
        group
        for group in groups
        if all("/" not in one or _named_by_proof(one, names) for one in group)
    ]
    if groups and not ran:
        lacking = join_names(
            one for one in groups[0] if "/" in one and not _named_by_proof(one, names)
        )
        return Verdict(item, "open", f"{lacking} did not run", rules=names)
    telling = [tuple(one for one in group if one not in silent) for group in ran]
    proven = [
        group for group in telling if group and all(_places(one, names, seen) for one in group)
    ]
    lacking = join_names(FACTS[fact] for fact in item.shown if not seen.get(fact))
    if groups and not proven:
        return Verdict(item, "open", "nothing that is here shows it", rules=names)
    if lacking:
        return Verdict(item, "open", f"the files do not show {lacking}", rules=names)
    shown = [*dict.fromkeys(one for group in proven for one in group), *item.shown]
    places = {place for one in shown for place in _places(one, names, seen)}
    proof = [one if "/" in one else FACTS[one] for one in shown]
    why = f"shown by {join_names(proof)}"
    return Verdict(item, "met", why, evidence=tuple(sorted(places)), rules=names)


def _groups(item: Item, names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The groups that prove an item: its own, or each rule that names it."""
    if item.proof is not None:
        return item.proof
    alone = item.verify == "static" and not item.shown
    return tuple((name,) for name in names) if alone else ()


def _places(word: str, names: Sequence[str], seen: Seen) -> list[EvidencePlace]:
    """Where a fact, or what a rule proves, is shown."""
    keys = _named_by_proof(word, names) if "/" in word else [word]
    return [place for key in keys for place in seen.get(key, ())]


def _unit_verdicts(
    whole: Verdict,
    findings: Sequence[Finding],
    seen: Seen,
    silent: Collection[str],
    units_of_paths: Mapping[str, str],
) -> tuple[UnitVerdict, ...]:
    """What each unit says of an item: its findings, or all of one group shown by its own places.

    A place is in the unit that findings on its file name, else in its folder.
    """
    item, names = whole.item, whole.rules
    if item.verify == "attest":
        return ()
    groups = [
        (*(one for one in group if one not in silent), *item.shown)
        for group in _groups(item, names) or ((),)
    ]
    by_unit: dict[str, dict[str, list[EvidencePlace]]] = {}
    for word in dict.fromkeys(one for group in groups for one in group):
        for place in _places(word, names, seen):
            unit = units_of_paths.get(place.path, posixpath.dirname(place.path))
            by_unit.setdefault(unit, {}).setdefault(word, []).append(place)
    against: dict[str, list[Finding]] = {}
    for finding in findings:
        if not finding.suppressed:
            against.setdefault(units_of_paths[finding.path], []).append(finding)
    units = sorted(by_unit.keys() | against)
    if len(units) < 2:
        return ()
    found = []
    for unit in units:
        mine, shown = tuple(against.get(unit, ())), by_unit.get(unit, {})
        complete = [group for group in groups if group and all(one in shown for one in group)]
        places = {place for group in complete for one in group for place in shown[one]}
        met = complete and whole.state != "open"
        state = "failed" if mine else "met" if met else "open"
        found.append(
            UnitVerdict(unit, state, mine, () if mine or not met else tuple(sorted(places)))
        )
    return tuple(found)


def _named_by_proof(name: str, ran: Sequence[str]) -> list[str]:
    """What a proof names of the rules and tiers that ran: a tier by itself, a rule by all of its tiers."""
    return [one for one in ran if name in {one, one.partition(":")[0]}]


def _open_verdict(item: Item, names: Sequence[str]) -> str:
    if item.verify == "evidence":
        return "no file that is read here can show it; somebody has to look"
    return "rules tell when it fails, and none proves it" if names else "no rule that ran proves it"


def outcome_as_json(outcome: ChecklistOutcome) -> dict[str, Any]:
    """The JSON form of one checklist's outcome; findings are named by their fingerprints."""
    return {
        "system": outcome.checklist.system,
        "title": outcome.checklist.title,
        **{state: outcome.count(state) for state in STATES},
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
