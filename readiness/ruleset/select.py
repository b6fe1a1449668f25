"""Which rules a run holds, and which of their tiers and parts: profiles, and the words of --select and --ignore."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from readiness.model import CATEGORIES, PROFILE_LEVELS, Finding, Rule, spelling
from readiness.ruleset.bound import LoadedRule
from readiness.ruleset.names import RuleName, RuleNames, rule_names_by_former_id
from readiness.ruleset.rule_file import RuleError
from readiness.ruleset.rules import SHELLCHECK_RULE_SELECTOR, load_rules, rules_without_repeated_tiers
from readiness.ruleset.search import has_equivalent
from readiness.syntax.yaml import Map, load_yaml_documents

ALL_SELECTOR = "ALL"
MAX_EQUAL_RULES_SHOWN = 3  # of ours that say what another linter's rule does
CORE_RULE_GROUP = "core"  # what the tool says of files that it can't judge: always on, or they would pass in silence
TierAndPartPairs = frozenset[tuple[str, str]]  # (tier, part) of hits
ANY_TIER_AND_PART: TierAndPartPairs = frozenset({("", "")})  # of a rule without tiers and parts
ActivePairsByRuleId = dict[str, TierAndPartPairs]  # by rule: which of its hits count


class SelectionError(Exception):
    """A selector or a profile that names nothing; the message says where it stands, and what is meant, perhaps."""

    def __init__(self, message: str, place_text: str = "") -> None:
        super().__init__(f"{place_text}: {message}" if place_text else message)


class SelectionWords(NamedTuple):
    """Words that choose rules.

    `id_prefixes_and_categories` are ids, prefixes, categories and ALL, `rule_names` the rules of others, or parts of them, and
    `names_under_former_prefixes` those that a prefix takes in since they had other ids before.
    """

    id_prefixes_and_categories: tuple[str, ...] = ()
    rule_names: tuple[RuleName, ...] = ()
    names_under_former_prefixes: tuple[RuleName, ...] = ()

    def __bool__(self) -> bool:
        """Whether there are any words."""
        return bool(self.id_prefixes_and_categories or self.rule_names or self.names_under_former_prefixes)

    @property
    def all_names(self) -> tuple[RuleName, ...]:
        """The rules that are named, by prefixes too."""
        return (*self.rule_names, *self.names_under_former_prefixes)

    def covers_name(self, rule_name: RuleName) -> bool:
        """Whether ids and prefixes among the words choose all that a name means."""
        return any(word == ALL_SELECTOR or selector_covers_id(word, rule_name.rule_id) for word in self.id_prefixes_and_categories) or any(
            chosen.rule_id == rule_name.rule_id and chosen.tier_or_part in {"", rule_name.tier_or_part} for chosen in self.all_names
        )

    def covers_finding(self, finding: Finding) -> bool:
        """Whether ids and prefixes among the words choose a finding."""
        return self.covers_name(RuleName(finding.rule)) or any(one.is_name_of(finding) for one in self.all_names)


def profile_names(data_folder: Path) -> tuple[str, ...]:
    """The names of the profiles that ship with the tool."""
    return tuple(sorted(path.stem for path in (data_folder / "profiles").glob("*.yaml")))


def load_profile_levels_and_selectors(data_folder: Path, profile_name: str, place_text: str = "") -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(levels, selectors) of a profile. Raises SelectionError for a name that is none."""
    profile_path = data_folder / "profiles" / f"{profile_name}.yaml"
    known_profile_names = profile_names(data_folder)
    if profile_name not in known_profile_names:
        suggestion_text = spelling.did_you_mean_text(profile_name, known_profile_names)
        known_names_text = suggestion_text or f"; there are {', '.join(known_profile_names)}"
        raise SelectionError(f"no profile is called {profile_name[:80]!r}{known_names_text}", place_text)
    profile_spec = load_yaml_documents(profile_path.read_text(encoding="utf-8"))[0]
    if not isinstance(profile_spec, Map):
        raise RuleError(profile_path.name, "a profile is a mapping with `levels` and `select`")
    return tuple(profile_spec.get("levels") or ()), tuple(profile_spec.get("select") or ())


def selector_matches_rule(selector: str, rule: Rule) -> bool:
    """Whether a selector names a rule: its id, a prefix of it (`k8s`, `k8s/pss-`), its category, or ALL."""
    return selector in {ALL_SELECTOR, rule.category} or selector_covers_id(selector, rule.id)


def profile_levels_to_load(profile_levels: Iterable[str], *, may_choose_others: bool) -> tuple[str, ...]:
    """The levels of which a run may need rules: those of its profiles, and all where words may choose rules of others."""
    return PROFILE_LEVELS if may_choose_others else tuple(one for one in PROFILE_LEVELS if one in set(profile_levels))


def parse_rule_selectors(
    selector_words: Iterable[str],
    known_names: RuleNames,
    place_text: str | Callable[[str], str] = "",
    *,
    should_refuse_unknown: bool = True,
) -> SelectionWords:
    """What words choose. Raises SelectionError for one that names nothing where `should_refuse_unknown`: it must not pass in silence.

    `place_text` says where the words stand, or tells it for each.
    """
    prefixes_and_categories: list[str] = []
    selected_names: list[RuleName] = []
    names_under_prefixes: list[RuleName] = []
    for word in selector_words:
        place = place_text if isinstance(place_text, str) else place_text(word)
        if word in rule_names_by_former_id():
            selected_names += known_names.names_of(word, place)
        elif (
            word == ALL_SELECTOR
            or word in CATEGORIES
            or SHELLCHECK_RULE_SELECTOR.fullmatch(word)
            or any(selector_covers_id(word, one) for one in known_names.ids)
        ):
            prefixes_and_categories.append(word)
            names_under_prefixes += known_names.resolve_former_prefix(word, place)
        else:
            names_of_word = known_names.names_of(word, place)
            names_of_prefix = () if names_of_word else known_names.resolve_former_prefix(word, place)
            if should_refuse_unknown and not names_of_word and not names_of_prefix:
                raise SelectionError(unknown_selector_text(word), place)
            selected_names += names_of_word
            names_under_prefixes += names_of_prefix
    return SelectionWords(tuple(prefixes_and_categories), tuple(selected_names), tuple(names_under_prefixes))


def selector_covers_id(selector: str, rule_id: str) -> bool:
    """Whether a selector is the id of a rule or a prefix of it."""
    return selector in {rule_id, rule_id.partition("/")[0]} or ("/" in selector and rule_id.startswith(selector))


def tier_and_part_pairs_of_rule(rule: Rule) -> TierAndPartPairs:
    """All hits that a rule may have, by tier and part."""
    tier_names = [tier.name for tier in rule.tiers] or [""]
    return frozenset((tier, part) for tier in tier_names for part in ("", *rule.parts))


class RuleChoice(NamedTuple):
    """What chooses the rules of some files: a profile, by its levels and selectors, and the words beside it.

    A word of `selection` that is a prefix or a category narrows the profile to what it covers; a rule that is named is asked whatever the
    profile, and ALL asks every rule. `extension` is asked beside that, and `ignored` is taken out of all.
    """

    profile_levels: tuple[str, ...]
    profile_selectors: tuple[str, ...] = ()
    selection: SelectionWords = SelectionWords()
    extension: SelectionWords = SelectionWords()
    ignored: SelectionWords = SelectionWords()


def active_pairs_by_rule_id(loaded_rules: Sequence[LoadedRule], choice: RuleChoice) -> ActivePairsByRuleId:
    """What a run counts of each rule."""
    active_pairs = {rule.id: active_pairs_of_rule(rule, choice) for rule in rules_without_repeated_tiers(loaded_rules)}
    return {rule_id: pairs for rule_id, pairs in active_pairs.items() if pairs}


def active_pairs_of_rule(rule: Rule, choice: RuleChoice) -> TierAndPartPairs:
    """What counts of a rule.

    A tier that is selected by name brings the milder ones before it along: a rule is as strict as that. A tier that is
    ignored by name takes only what it adds.
    """
    if any(selector_matches_rule(word, rule) for word in choice.ignored.id_prefixes_and_categories):
        return frozenset()
    all_pairs = tier_and_part_pairs_of_rule(rule)
    pairs_of_profile = {pair for pair in all_pairs if rule.tier_by_name(pair[0]).level in choice.profile_levels}
    if rule.kind == CORE_RULE_GROUP or any(selector_matches_rule(word, rule) for word in choice.profile_selectors):
        pairs_of_profile = set(all_pairs)
    active_pairs = set(pairs_of_profile) if not choice.selection or rule.kind == CORE_RULE_GROUP else set[tuple[str, str]]()
    for word in choice.selection.id_prefixes_and_categories:
        if selector_matches_rule(word, rule):
            active_pairs |= all_pairs if word in {ALL_SELECTOR, rule.id} else pairs_of_profile
    for name in choice.selection.names_under_former_prefixes:
        active_pairs |= pairs_of_profile.intersection(_pairs_selected_by_name(name, rule))
    if any(selector_matches_rule(word, rule) for word in choice.extension.id_prefixes_and_categories):
        active_pairs |= all_pairs
    for name in (*choice.selection.rule_names, *choice.extension.all_names):
        active_pairs.update(_pairs_selected_by_name(name, rule))
    for name in choice.ignored.all_names:
        if name.rule_id == rule.id:
            active_pairs -= {pair for pair in all_pairs if name.tier_or_part in {"", *pair}}
    return frozenset(active_pairs)


def is_rule_chosen_by_words(rule: Rule, choice: RuleChoice) -> bool:
    """Whether words choose a rule that no profile knows, as those of ShellCheck."""
    if any(selector_matches_rule(word, rule) for word in choice.ignored.id_prefixes_and_categories):
        return False
    chosen_words = (*choice.selection.id_prefixes_and_categories, *choice.extension.id_prefixes_and_categories)
    return not choice.selection or any(selector_matches_rule(word, rule) for word in chosen_words)


def _pairs_selected_by_name(rule_name: RuleName, rule: Rule) -> Iterable[tuple[str, str]]:
    """The hits of a rule that a name selects."""
    if rule_name.rule_id != rule.id:
        return ()
    all_pairs = tier_and_part_pairs_of_rule(rule)
    if rule_name.tier_or_part in rule.parts or not rule_name.tier_or_part:
        return (cell for cell in all_pairs if rule_name.tier_or_part in {"", cell[1]})
    selected_tier_index = rule.tier_index(rule_name.tier_or_part)
    return (cell for cell in all_pairs if rule.tier_index(cell[0]) <= selected_tier_index)


def is_finding_active(finding: Finding, active_pairs: ActivePairsByRuleId) -> bool:
    """Whether a finding is one that was asked for."""
    active_pairs_of_rule = active_pairs.get(finding.rule, frozenset())
    return (finding.tier, finding.part) in active_pairs_of_rule


def must_tier_run(loaded_rule: LoadedRule, active_pairs: ActivePairsByRuleId) -> bool:
    """Whether a tier has to run: what it finds counts, or is told by it and so not by a stricter one that counts."""
    active_pairs_of_rule = active_pairs.get(loaded_rule.rule.id)
    if active_pairs_of_rule is None:
        return False
    rule = loaded_rule.rule
    return rule.tier_index(loaded_rule.tier) <= max(rule.tier_index(tier) for tier, _ in active_pairs_of_rule)


def rule_with_active_tiers_only(rule: Rule, active_pairs: ActivePairsByRuleId) -> Rule:
    """A rule with those of its tiers alone that count."""
    if not rule.tiers:
        return rule
    active_tier_names = {tier for tier, _ in active_pairs[rule.id]}
    active_tiers = tuple(tier for tier in rule.tiers if tier.name in active_tier_names)
    return rule._replace(tiers=active_tiers, severity=max(tier.severity for tier in active_tiers), level=active_tiers[0].level)


def meaning_of_unknown_name(word: str) -> str:
    """What a word that names no rule may mean, to go on a sentence with: another linter's id, or a rule with nearly that name."""
    rule_by_id = {rule.id: rule for rule in rules_without_repeated_tiers(load_rules())}
    equal_rule_ids = [name for name, rule in rule_by_id.items() if has_equivalent(rule, word)]
    if equal_rule_ids:
        others_text = f" and {len(equal_rule_ids) - MAX_EQUAL_RULES_SHOWN} more" if len(equal_rule_ids) > MAX_EQUAL_RULES_SHOWN else ""
        return f"; {word} is {', '.join(equal_rule_ids[:MAX_EQUAL_RULES_SHOWN])}{others_text} here"
    rule_id, separator, member_name = word.partition(":")
    if separator and rule_id in rule_by_id:
        return f"; {rule_id} has {', '.join(rule_by_id[rule_id].tiers_and_parts) or 'no tiers and parts'}, and no {member_name!r}"
    return _suggestion_text(word, rule_by_id)


def unknown_selector_text(selector: str) -> str:
    """What to say of a selector that names nothing, with the nearest that does."""
    if SHELLCHECK_RULE_SELECTOR.fullmatch(selector):
        wiki_page_url = f"https://www.shellcheck.net/wiki/{selector.rpartition('/')[2]}"
        return f"{selector!r} is ShellCheck's; its page is {wiki_page_url}"
    rule_by_id = {rule.id: rule for rule in rules_without_repeated_tiers(load_rules())}
    rule_id, separator, member_name = selector.partition(":")
    if separator and rule_id in rule_by_id:
        members_text = ", ".join(rule_by_id[rule_id].tiers_and_parts) or "none"
        return f"{rule_id} has no tier or part {member_name!r}; there are {members_text}"
    equal_rule_ids = [name for name, rule in rule_by_id.items() if has_equivalent(rule, selector)]
    if equal_rule_ids:
        return f"{selector!r} is another linter's id; the rule here is {equal_rule_ids[-1]!r}"
    return f"no rule, category or prefix is called {selector!r}{_suggestion_text(selector, rule_by_id)}"


def _suggestion_text(selector: str, rule_ids: Iterable[str]) -> str:
    """The nearest name of the same kind, if the part after the slash is near; else how to look for a word."""
    kind, slash, local_name = selector.partition("/")
    id_by_local_name = {name.partition("/")[2]: name for name in rule_ids if not slash or name.startswith(f"{kind}/")}
    known_words = [*id_by_local_name, *(() if slash else CATEGORIES)]
    nearest_name = spelling.most_similar_known_word(local_name if slash else selector, known_words, len(known_words) + 1)
    if nearest_name:
        return f"; did you mean {id_by_local_name.get(nearest_name, nearest_name)!r}?"
    words = " ".join((local_name or kind).replace("-", " ").split())
    return f"; `readiness rules {words}` looks for words" if words.replace(" ", "").isalnum() else ""
