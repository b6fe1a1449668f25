"""What a rule file says: severity, confidence, category, and the words that a reader gets."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, NewType


class Severity(enum.IntEnum):
    """How bad it is when the rule is right; ordered, so that `>=` reads as "at least as bad"."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    def __str__(self) -> str:
        return self.name.lower()


class Confidence(enum.IntEnum):
    """How sure the rule can be, from the files alone, that its hit is a real problem."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2

    def __str__(self) -> str:
        return self.name.lower()


CATEGORIES = (
    "isolation",
    "reliability",
    "secrets",
    "delivery",
    "edge",
    "observability",
    "correctness",
    "style",
)


NO_EQUIVALENTS_BY_LINTER: Mapping[str, Any] = MappingProxyType({})


PROFILE_LEVELS = ("recommended", "strict", "optional")
# What these say is that something has no verdict: the tree that is judged can't take it back, by comment, waiver, settings
# or baseline.
RULE_IDS_FOR_UNJUDGED_FILES = frozenset({"core/crash", "core/over-limit", "core/syntax", "core/template-unjudged", "core/unreadable"})
NOT_RENDERED_RULE_ID = "core/not-rendered"
# A parameter of a check that is a regular expression: one whose time outgrows the text is refused where it is given.
Pattern = NewType("Pattern", str)


RULE_AUDIENCES = (
    "everyone",
    "production",
)  # of what a rule is asked: of all, or of what may run in production


EDIT_PLACES = ("subject", "resource", "file", "line")  # what a finding is about, its whole resource, its file, its line of it


class RuleEdit(NamedTuple):
    """Where one edit mends what a rule finds: findings with one `at` in one place are mended together.

    `at` is the key or the block that is written, `within` one of EDIT_PLACES: the place in which there is one of it. `text` is
    what to write: the lines below the key in YAML (a mapping, which those of other rules are added to), else lines of the file's
    own syntax; empty where it depends on the place.
    """

    at: str
    within: str = "subject"
    text: Mapping[str, Any] | str = ""


class Tier(NamedTuple):
    """How far a rule goes: the level at which a profile takes it in, and how bad its hits are.

    `checklist` are the items that the tier's hits speak against; `opinion_reason` is for tiers that the field disagrees on.
    """

    name: str
    level: str
    severity: Severity
    checklist: tuple[str, ...] = ()
    opinion_reason: str = ""
    edit: RuleEdit | None = None


class EquivalentClaim(NamedTuple):
    """Rules of another linter (`linter`) that say the same as some hits: those of a tier, of a part, or both."""

    linter: str
    ids: tuple[str, ...]
    tier: str = ""
    part: str = ""


class TierOrPartText(NamedTuple):
    """`message`, `why` or `fix` for the hits of a tier, of a part, or both, in place of the rule's."""

    field: str
    tier: str
    part: str
    text: str


class SeverityProof(NamedTuple):
    """Why a rule is as severe as it is: the words of docs/severity.md that it meets, and the fact in the file that proves it.

    `changed_since` is what was changed in the rule since its record at first sight (docs/precision) was read; with `is_in_production_alone` the
    fact proves it only in a file that is shown to run in production, and is medium elsewhere, with `is_in_pods_alone` only where pods run, and is
    medium in a workload that is scaled to none.
    """

    severity_criterion: str
    proving_fact: str
    changed_since: str = ""
    is_in_production_alone: bool = False
    is_in_pods_alone: bool = False

    @property
    def fails_anywhere(self) -> bool:
        """Whether it is that something will not start, which is wrong whatever it is for."""
        return self.severity_criterion == "It will not start"


class NamedMessage(NamedTuple):
    """A message that a check asks for by its name, for all hits or for those of a tier."""

    name: str
    text: str
    tier: str = ""


class Rule(NamedTuple):
    """One rule: what is wrong, why it breaks in production, how bad it is, how to fix it.

    `marks_secrets` says that its hits stand on secret values, which no output shows. A rule in `tiers` has the severity of the
    worst and the level of the first, and the checklist items of all. Where hits are told apart by the fact `part_fact`, `parts`
    are its values. `equivalents` are those of all tiers and parts, `equivalent_claims` says which belong to which, and is empty
    where all hits have all of them. `named_messages` are the messages of hits that name one; `message`, for all others, is empty
    where there are none. `known_limits` is what the rule cannot see.
    `has_proofs` says that it names values that speak for its checklist items. `asks` is one of ASKED. `edit` says where the fix is
    written, where other rules' are too.
    """

    id: str
    title: str
    severity: Severity
    confidence: Confidence
    category: str
    kind: str
    targets: tuple[str, ...]
    message: str
    why: str
    fix: str
    links: tuple[str, ...] = ()
    equivalents: Mapping[str, tuple[str, ...]] = NO_EQUIVALENTS_BY_LINTER
    checklist: tuple[str, ...] = ()
    level: str = "recommended"
    marks_secrets: bool = False
    opinion_reason: str = ""
    known_limits: str = ""
    tiers: tuple[Tier, ...] = ()
    part_fact: str = ""
    parts: tuple[str, ...] = ()
    equivalent_claims: tuple[EquivalentClaim, ...] = ()
    wordings: tuple[TierOrPartText, ...] = ()
    proof: SeverityProof | None = None
    named_messages: tuple[NamedMessage, ...] = ()
    has_proofs: bool = False
    asks: str = RULE_AUDIENCES[0]
    edit: RuleEdit | None = None

    def __str__(self) -> str:
        return self.id

    @property
    def points_per_failure(self) -> float:
        """What one failure costs before it is spread over a category: see docs/scoring.md."""
        return self.points_at(self.severity)

    def points_at(self, severity: Severity) -> float:
        """What a failure of that severity costs."""
        return POINTS_BY_SEVERITY[severity] * WEIGHT_BY_CONFIDENCE[self.confidence]

    @property
    def tiers_and_parts(self) -> tuple[str, ...]:
        """What may stand behind the id and a colon: its tiers and its parts."""
        return (*(tier.name for tier in self.tiers), *self.parts)

    @property
    def tally_keys(self) -> tuple[str, ...]:
        """The names under which it is counted what the rule looked at: one for each tier."""
        return tuple(self.tally_key(tier.name) for tier in self.tiers) or (self.id,)

    def tally_key(self, tier_name: str) -> str:
        """The name under which it is counted what a tier looked at; the id where there are no tiers."""
        return f"{self.id}:{tier_name}" if tier_name else self.id

    def tier_index(self, tier_name: str) -> int:
        """The index of a tier among the rule's tiers, the mildest first."""
        return next((at for at, one in enumerate(self.tiers) if one.name == tier_name), 0)

    def tier_by_name(self, tier_name: str) -> Tier:
        """The tier of a name; where there are none, the whole rule as one."""
        for tier in self.tiers:
            if tier.name == tier_name:
                return tier
        return Tier("", self.level, self.severity, self.checklist, self.opinion_reason, self.edit)

    def field_text(self, field_name: str, tier_name: str = "", part_name: str = "") -> str:
        """`message`, `why` or `fix` as a hit of that tier and part has it: the closest one that there is."""
        if not self.wordings:
            return str(getattr(self, field_name))
        text_by_tier_and_part = {(one.tier, one.part): one.text for one in self.wordings if one.field == field_name}
        for tier_and_part in ((tier_name, part_name), (tier_name, ""), ("", part_name)):
            if tier_and_part in text_by_tier_and_part:
                return text_by_tier_and_part[tier_and_part]
        return str(getattr(self, field_name))

    def sentences_at(self, tier_name: str) -> dict[str, str]:
        """The messages of a tier for hits that name one, by name."""
        message_by_name_of_tier = {one.name: one.text for one in self.named_messages if one.tier == tier_name}
        return {one.name: one.text for one in self.named_messages if not one.tier} | message_by_name_of_tier

    def equivalents_at(self, tier_name: str, part_name: str) -> Mapping[str, tuple[str, ...]]:
        """The rules of other linters that say the same as a hit of that tier and part."""
        if not self.equivalent_claims:
            return self.equivalents
        rule_ids_by_linter: dict[str, tuple[str, ...]] = {}
        for claim in self.equivalent_claims:
            if claim.tier in {"", tier_name} and claim.part in {"", part_name}:
                rule_ids_by_linter[claim.linter] = tuple(dict.fromkeys((*rule_ids_by_linter.get(claim.linter, ()), *claim.ids)))
        return rule_ids_by_linter


POINTS_BY_SEVERITY = {
    Severity.CRITICAL: 12,
    Severity.HIGH: 6,
    Severity.MEDIUM: 3,
    Severity.LOW: 1,
    Severity.INFO: 0,
}


WEIGHT_BY_CONFIDENCE = {Confidence.HIGH: 1.0, Confidence.MEDIUM: 0.7, Confidence.LOW: 0.3}
