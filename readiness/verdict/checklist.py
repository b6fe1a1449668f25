"""The documents' checklists, and what a run says of every item: met, failed, open or attested."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from readiness.model import Finding, Rule, Source, Span, join_names
from readiness.syntax import compiled
from readiness.syntax.yaml import load_all

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

STATES = ("met", "failed", "open", "attested")
VERIFY = ("static", "evidence", "attest")
KINDS = ("dockerfile", "compose", "nginx", "kubernetes", "ci", "repo")
_KEYS = frozenset(("id", "section", "ask", "verify", "over", "figures", "proof", "shown", "open"))
# What files can show by what is in them, in words; readiness/verdict/evidence finds it.
FACTS = {
    "alert": "an alert",
    "alert-errors": "an alert on errors",
    "alert-latency": "an alert on latency",
    "alert-memory": "an alert on memory",
    "alert-cpu": "an alert on CPU use",
    "alert-not-ready": "an alert on pods that are not ready",
    "alert-restarts": "an alert on restarts",
    "alert-routing": "a route for alerts",
    "api-description": "a description of the API",
    "autoscaler-own-metric": "an autoscaler on a metric of the application",
    "backup": "a backup",
    "backup-schedule": "a backup on a schedule",
    "dashboard-errors": "a dashboard of errors",
    "dashboard-latency": "a dashboard of latency",
    "dashboard-rate": "a dashboard of request rates",
    "dashboard-resources": "a dashboard of resources",
    "dashboard-server": "a server for dashboards",
    "error-tracker": "an error tracker",
    "gitops": "a deployment driven from git",
    "incident-plan": "a plan for incidents",
    "log-level": "a log level of info or quieter",
    "log-shipping": "logs that are shipped",
    "log-store": "a store for logs",
    "production-named": "an environment named production",
    "recovery-plan": "a plan for disaster recovery",
    "runbook": "a runbook",
    "scraping": "metrics that are scraped",
    "service-with-metrics": "a ClusterIP Service with a port for metrics beside its own",
    "troubleshooting": "a guide for troubleshooting",
}


class ChecklistError(Exception):
    """A checklist file that cannot be used: where, and what to change."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a document asks for before production.

    `verify` says what can show it (configuration alone, an artefact in the tree, or only a person),
    `over` the kinds of file that do, `figures` the numbers that the document gives. `proof` lists
    the groups of rules, or tiers of rules, that prove it: all of one group must have looked and found nothing.
    None: each rule that names the item is a group of its own. Empty: rules only tell when it fails.
    `shown` names FACTS that must be shown too; `open` says why nothing here can prove the item.
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
        """The first places that the rule looked at."""


class EvidencePlace(NamedTuple):
    """Where something stands that speaks for an item: file, and line from 1."""

    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run says of one item: the findings against it, or the places that speak for it."""

    item: Item
    state: str
    reason: str
    findings: tuple[Finding, ...] = ()
    evidence: tuple[EvidencePlace, ...] = ()
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChecklistOutcome:
    """One checklist's verdicts, in the order of the document."""

    checklist: Checklist
    verdicts: tuple[Verdict, ...]

    def count(self, state: str) -> int:
        """How many items are in a state."""
        return sum(verdict.state == state for verdict in self.verdicts)


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
        raise ChecklistError(f"{name}: proof of {key} lists rules, or lists of rules")
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
    that names it found something that is not suppressed; met when the rules that prove it looked at something of theirs,
    could decide it and found nothing, and what it wants shown is there in `evidence`; open otherwise. Of a rule with
    tiers only those count that name the item. A waiver is no proof, so an item whose findings are all suppressed is
    open. So is one of a rule in `silenced`: findings of these were left out.
    """
    proving: dict[str, list[str]] = {}
    for rule in rules:
        for tier in rule.tiers or (rule.tier(""),):
            for item in tier.checklist:
                proving.setdefault(item, []).append(rule.key(tier.name))
    against: dict[str, list[Finding]] = {}
    for finding in findings:
        for item in finding.checklist:
            against.setdefault(item, []).append(finding)
    return tuple(
        ChecklistOutcome(
            checklist,
            tuple(
                _verdict_against(
                    each, proving.get(each.id, ()), against.get(each.id, ()), looks, silenced
                )
                or _met_verdict(each, proving.get(each.id, ()), looks, evidence or {})
                for each in checklist.items
            ),
        )
        for checklist in checklists
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


def _met_verdict(
    item: Item,
    rules: Sequence[str],
    looks: Mapping[str, RuleLook],
    evidence: Mapping[str, Sequence[EvidencePlace]],
) -> Verdict:
    """Met where the rules that prove it looked, and what must be shown is there."""
    names = tuple(sorted(rules))
    groups = item.proof
    if groups is None:
        alone = item.verify == "static" and not item.shown
        groups = tuple((name,) for name in names) if alone else ()
    if not groups and not item.shown:
        return Verdict(item, "open", item.open or _open_verdict(item, names), rules=names)
    meant = {name: _named_by_proof(name, names) for group in groups for name in group}
    ran = [group for group in groups if all(meant[name] for name in group)]
    if groups and not ran:
        lacking = join_names(name for name in groups[0] if not meant[name])
        return Verdict(item, "open", f"{lacking} did not run", rules=names)
    saw = {
        name: [place for one in mine if one in looks for place in looks[one].places]
        for name, mine in meant.items()
    }
    proven = [group for group in ran if all(saw[name] for name in group)]
    if groups and not proven:
        return Verdict(item, "open", "nothing was there to look at", rules=names)
    lacking = join_names(FACTS[fact] for fact in item.shown if not evidence.get(fact))
    if lacking:
        return Verdict(item, "open", f"the files do not show {lacking}", rules=names)
    places = {place for fact in item.shown for place in evidence[fact]} | {
        EvidencePlace(source.root.path, source.position(span.start).line)
        for group in proven
        for name in group
        for source, span in saw[name]
    }
    proof = join_names(dict.fromkeys(name for group in proven for name in group))
    seen = join_names(FACTS[fact] for fact in item.shown)
    why = "; ".join(
        ([f"{proof} found nothing"] if proof else []) + ([f"{seen} is there"] if seen else [])
    )
    return Verdict(item, "met", why, evidence=tuple(sorted(places)), rules=names)


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
            }
            for verdict in outcome.verdicts
        ],
    }
