"""Which rules a run holds, and which of their tiers and parts: profiles, and the words of --select and --ignore."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from readiness.model import CATEGORIES, LEVELS, Finding, Rule, spelling
from readiness.ruleset.bound import LoadedRule
from readiness.ruleset.names import RuleName, RuleNames, former_ids
from readiness.ruleset.rule_file import RuleError
from readiness.ruleset.rules import EXTERNAL_RULE_ID, load_rules, unique_rules
from readiness.syntax.yaml import Map, load_yaml_documents

ALL_SELECTOR = "ALL"
CORE_GROUP = "core"  # what the tool says of files that it can't judge: always on, or they would pass in silence
TierPartPairs = frozenset[tuple[str, str]]  # (tier, part) of hits
ALL_PAIRS: TierPartPairs = frozenset({("", "")})  # of a rule without tiers and parts
ActivePairsByRule = dict[str, TierPartPairs]  # by rule: which of its hits count


class SelectionError(Exception):
    """A selector or a profile that names nothing; the message says what is meant, perhaps."""


class SelectionWords(NamedTuple):
    """Words that choose rules.

    `id_prefixes_and_categories` are ids, prefixes, categories and ALL, `rule_names` the rules of others, or parts of them.
    """

    id_prefixes_and_categories: tuple[str, ...]
    rule_names: tuple[RuleName, ...]

    def covers_name(self, name: RuleName) -> bool:
        """Whether ids and prefixes among the words choose all that a name means."""
        return any(
            word == ALL_SELECTOR or selector_covers_id(word, name.rule_id) for word in self.id_prefixes_and_categories
        ) or any(
            chosen.rule_id == name.rule_id and chosen.tier_or_part in {"", name.tier_or_part} for chosen in self.rule_names
        )

    def covers_finding(self, finding: Finding) -> bool:
        """Whether ids and prefixes among the words choose a finding."""
        return self.covers_name(RuleName(finding.rule)) or any(one.is_name_of(finding) for one in self.rule_names)


def profile_names(folder: Path) -> tuple[str, ...]:
    """The names of the profiles that ship with the tool."""
    return tuple(sorted(path.stem for path in (folder / "profiles").glob("*.yaml")))


def load_profile(folder: Path, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(levels, selectors) of a profile. Raises SelectionError for a name that is none."""
    path = folder / "profiles" / f"{name}.yaml"
    known = profile_names(folder)
    if name not in known:
        raise SelectionError(f"no profile is called {name!r}; there are {', '.join(known)}")
    spec = load_yaml_documents(path.read_text(encoding="utf-8"))[0]
    if not isinstance(spec, Map):
        raise RuleError(path.name, "a profile is a mapping with `levels` and `select`")
    return tuple(spec.get("levels") or ()), tuple(spec.get("select") or ())


def selector_matches(selector: str, rule: Rule) -> bool:
    """Whether a selector names a rule: its id, a prefix of it (`k8s`, `k8s/pss-`), its category, or ALL."""
    return selector in {ALL_SELECTOR, rule.category} or selector_covers_id(selector, rule.id)


def is_asked_for(rule: Rule, select: Sequence[str], ignore: Sequence[str]) -> bool:
    """Whether the words of --select, where there are any, name a rule, and those of --ignore do not."""
    chosen = not select or any(selector_matches(word, rule) for word in select)
    return chosen and not any(selector_matches(word, rule) for word in ignore)


def needed_levels(folder: Path, profile: str, select: Sequence[str]) -> tuple[str, ...]:
    """The levels of which a run may need rules: all of them, but for a profile that is made of levels alone."""
    chosen_levels, extra = load_profile(folder, profile)
    return LEVELS if select or extra else chosen_levels


def parse_words(words: Iterable[str], names: RuleNames, place_text: str = "", *, refuse_unknown: bool = True) -> SelectionWords:
    """What words choose. Raises SelectionError for one that names nothing where `refuse_unknown`: it must not pass in silence."""
    plain: list[str] = []
    named: list[RuleName] = []
    for word in words:
        if word in former_ids():
            named += names.names_of(word, place_text)
        elif (
            word == ALL_SELECTOR
            or word in CATEGORIES
            or EXTERNAL_RULE_ID.fullmatch(word)
            or any(selector_covers_id(word, one) for one in names.ids)
        ):
            plain.append(word)
            named += names.resolve_former_prefix(word, place_text)
        else:
            some = names.names_of(word, place_text) or names.resolve_former_prefix(word, place_text)
            if refuse_unknown and not some:
                raise SelectionError(unknown_selector_text(word))
            named += some
    return SelectionWords(tuple(plain), tuple(named))


def selector_covers_id(selector: str, rule_id: str) -> bool:
    """Whether a selector is the id of a rule or a prefix of it."""
    return selector in {rule_id, rule_id.partition("/")[0]} or ("/" in selector and rule_id.startswith(selector))


def tier_part_pairs(rule: Rule) -> TierPartPairs:
    """All hits that a rule may have, by tier and part."""
    tiers = [tier.name for tier in rule.tiers] or [""]
    return frozenset((tier, part) for tier in tiers for part in ("", *rule.parts))


def choose_active_pairs(
    loaded_rules: Sequence[LoadedRule],
    folder: Path,
    *,
    profile: str,
    select: SelectionWords,
    ignore: SelectionWords,
) -> ActivePairsByRule:
    """What a run counts of each rule: `select` takes the place of the profile, `ignore` is taken out of either.

    A tier that is selected by name brings the milder ones before it along: a rule is as strict as that. A tier that is
    ignored by name takes only what it adds.
    """
    its_levels, extra = load_profile(folder, profile)
    if select.id_prefixes_and_categories or select.rule_names:
        its_levels, extra = (), ()
    active: ActivePairsByRule = {}
    for rule in unique_rules(loaded_rules):
        every = tier_part_pairs(rule)
        mine: set[tuple[str, str]] = set()
        if rule.kind == CORE_GROUP or any(
            selector_matches(word, rule) for word in (*select.id_prefixes_and_categories, *extra)
        ):
            mine |= every
        mine |= {cell for cell in every if rule.tier_by_name(cell[0]).level in its_levels}
        for chosen in select.rule_names:
            mine.update(_selected_pairs(chosen, rule))
        if any(selector_matches(word, rule) for word in ignore.id_prefixes_and_categories):
            continue
        for ignored in ignore.rule_names:
            if ignored.rule_id == rule.id:
                mine -= {cell for cell in every if ignored.tier_or_part in {"", *cell}}
        if mine:
            active[rule.id] = frozenset(mine)
    return active


def _selected_pairs(name: RuleName, rule: Rule) -> Iterable[tuple[str, str]]:
    """The hits of a rule that a name selects."""
    if name.rule_id != rule.id:
        return ()
    every = tier_part_pairs(rule)
    if name.tier_or_part in rule.parts or not name.tier_or_part:
        return (cell for cell in every if name.tier_or_part in {"", cell[1]})
    rank = rule.tier_index(name.tier_or_part)
    return (cell for cell in every if rule.tier_index(cell[0]) <= rank)


def is_finding_active(finding: Finding, active: ActivePairsByRule) -> bool:
    """Whether a finding is one that was asked for."""
    mine = active.get(finding.rule, frozenset())
    return (finding.tier, finding.part) in mine


def must_run(loaded_rule: LoadedRule, active: ActivePairsByRule) -> bool:
    """Whether a tier has to run: what it finds counts, or is told by it and so not by a stricter one that counts."""
    mine = active.get(loaded_rule.rule.id)
    if mine is None:
        return False
    rule = loaded_rule.rule
    return rule.tier_index(loaded_rule.tier) <= max(rule.tier_index(tier) for tier, _ in mine)


def with_counted_tiers(rule: Rule, active: ActivePairsByRule) -> Rule:
    """A rule with those of its tiers alone that count."""
    if not rule.tiers:
        return rule
    names = {tier for tier, _ in active[rule.id]}
    tiers = tuple(tier for tier in rule.tiers if tier.name in names)
    return rule._replace(tiers=tiers, severity=max(tier.severity for tier in tiers), level=tiers[0].level)


def unknown_selector_text(selector: str) -> str:
    """What to say of a selector that names nothing, with the nearest that does."""
    if EXTERNAL_RULE_ID.fullmatch(selector):
        page = f"https://www.shellcheck.net/wiki/{selector.rpartition('/')[2]}"
        return f"{selector!r} is ShellCheck's; its page is {page}"
    rules = {rule.id: rule for rule in unique_rules(load_rules())}
    rule_id, separator, member = selector.partition(":")
    if separator and rule_id in rules:
        there = ", ".join(rules[rule_id].tiers_and_parts) or "none"
        return f"{rule_id} has no tier or part {member!r}; there are {there}"
    tails = {name.partition("/")[2]: name for name in rules}
    peers = {one: name for name, rule in rules.items() for ids in rule.equivalents.values() for one in ids}  # fmt: skip
    if selector in peers:
        return f"{selector!r} is another linter's id; the rule here is {peers[selector]!r}"
    near = spelling.nearest_word(selector, [*rules, *CATEGORIES, *tails])
    hint = f"; did you mean {tails.get(near, near)!r}?" if near else ""
    return f"no rule, category or prefix is called {selector!r}{hint}"
