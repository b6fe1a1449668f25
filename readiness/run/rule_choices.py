"""Which rules a run holds, for all files and for those that settings speak of by path, and how bad these are there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import field, replace
from typing import NamedTuple

from readiness.loading.assembly import Assembly
from readiness.model import Finding, Rule, join_names
from readiness.model.records import dataclass
from readiness.ruleset import rules
from readiness.ruleset import select as selection
from readiness.ruleset.bound import LoadedRule, Rating
from readiness.ruleset.names import RuleName, RuleNames
from readiness.ruleset.select import RuleChoice, SelectionError, SelectionWords
from readiness.run.groups import needed_rule_groups
from readiness.run.parameters import apply_parameters, is_any_tier_locked, places_of_locked_parameters, without_parameters_at
from readiness.run.ratings import with_rated_severity
from readiness.run.run_settings import RunSettings
from readiness.settings import SETTINGS_FILENAME, Config, PathRules
from readiness.syntax.glob import glob_matches, prefixed_path
from readiness.triage.unjudged import RULE_IDS_THAT_NOTHING_SILENCES


class _PathChoice(NamedTuple):
    """An entry of the settings for some paths, its words looked up: None where it leaves a choice to what stands above it."""

    entry: PathRules
    profile: tuple[tuple[str, ...], tuple[str, ...]] | None
    selection: SelectionWords | None
    extension: SelectionWords
    ignored: SelectionWords


@dataclass(slots=True)
class PathChoices:
    """Which hits count in which file. `prefix` leads from what the globs are relative to to the working directory."""

    base: RuleChoice
    entries: tuple[_PathChoice, ...] = ()
    prefix: str = ""
    locked_rules: SelectionWords = SelectionWords()
    _choice_by_entries: dict[tuple[int, ...], RuleChoice] = field(default_factory=dict)
    _entries_by_path: dict[str, tuple[int, ...]] = field(default_factory=dict)
    _pairs: dict[tuple[tuple[int, ...], str], selection.TierAndPartPairs] = field(default_factory=dict)

    def pairs_at(self, path: str, rule: Rule) -> selection.TierAndPartPairs:
        """What counts of a rule in a file, by its path as reports print it."""
        numbers = self._entries_at(path)
        key = (numbers, rule.id)
        if key not in self._pairs:
            pairs = selection.active_pairs_of_rule(rule, self._choice_of_entries(numbers))
            if rule.id in RULE_IDS_THAT_NOTHING_SILENCES or self.locked_rules.covers_name(RuleName(rule.id)):
                pairs |= selection.active_pairs_of_rule(rule, self.base)  # no entry for some paths takes these out
            self._pairs[key] = pairs
        return self._pairs[key]

    def widest(self) -> RuleChoice:
        """What takes in all that counts in any file, and maybe more."""
        profiles = [(self.base.profile_levels, self.base.profile_selectors), *(one.profile for one in self.entries if one.profile)]
        levels = tuple(dict.fromkeys(level for levels, _ in profiles for level in levels))
        selectors = tuple(dict.fromkeys(word for _, words in profiles for word in words))
        selections = [self.base.selection, *(one.selection for one in self.entries if one.selection is not None)]
        has_unselected = not all(selections)
        joined = SelectionWords() if has_unselected else _joined_words(selections)
        named = _joined_words(selections) if has_unselected else SelectionWords()
        named = named._replace(id_prefixes_and_categories=tuple(one for one in named.id_prefixes_and_categories if not self._is_only_narrowing(one)))
        extension = _joined_words([self.base.extension, named, *(one.extension for one in self.entries)])
        return RuleChoice(levels, selectors, joined, extension, self.base.ignored)

    def _is_only_narrowing(self, word: str) -> bool:
        return word != selection.ALL_SELECTOR and (word.endswith(("/", "-")) or "/" not in word)

    def _entries_at(self, path: str) -> tuple[int, ...]:
        if path not in self._entries_by_path:
            path_below_settings = prefixed_path(self.prefix, path)
            self._entries_by_path[path] = tuple(
                number for number, one in enumerate(self.entries) if glob_matches(one.entry.pattern, path_below_settings)
            )
        return self._entries_by_path[path]

    def _choice_of_entries(self, numbers: tuple[int, ...]) -> RuleChoice:
        if numbers not in self._choice_by_entries:
            choice = self.base
            for number in numbers:
                one = self.entries[number]
                if one.profile is not None:
                    choice = choice._replace(profile_levels=one.profile[0], profile_selectors=one.profile[1])
                if one.selection is not None:
                    choice = choice._replace(selection=one.selection)
                choice = choice._replace(
                    extension=_joined_words([choice.extension, one.extension]), ignored=_joined_words([choice.ignored, one.ignored])
                )
            self._choice_by_entries[numbers] = choice
        return self._choice_by_entries[numbers]


@dataclass(slots=True)
class RuleSelection:
    """What a run was asked for, worked out: the rules, which of their hits count (somewhere, and where), what is locked, and all names.

    `locked_parameters` is where settings give parameters that change nothing, since their rules are locked. `rule_groups` are those of rules
    for the files that there are.
    """

    names: RuleNames
    loaded_rules: list[LoadedRule]
    active_rules: selection.ActivePairsByRuleId
    locked_rules: SelectionWords
    choices: PathChoices
    ratings: tuple[tuple[SelectionWords, Rating], ...] = ()
    locked_parameters: frozenset[str] = frozenset()
    rule_groups: frozenset[str] = frozenset()

    def is_active(self, finding: Finding) -> bool:
        """Whether a finding is one that was asked for, where it stands."""
        if finding.rule == "core/crash":
            return True
        if not self.choices.entries or finding.rule not in self.active_rules:
            return selection.is_finding_active(finding, self.active_rules)
        return (finding.tier, finding.part) in self.choices.pairs_at(finding.path, finding.rule_definition)

    def is_asked_nowhere(self, word: str) -> bool:
        """Whether a word is the name of a rule (or of a tier or a part of it) for files that there are, and it counts in none of them."""
        names = self.names.resolve_word_silently(word)
        return bool(names) and all(one.rule_id.partition("/")[0] in self.rule_groups and not self._is_asked(one) for one in names)

    def _is_asked(self, name: RuleName) -> bool:
        return any(not name.tier_or_part or name.tier_or_part in pair for pair in self.active_rules.get(name.rule_id, ()))

    def split_by_activity(self, findings: Iterable[Finding]) -> tuple[list[Finding], dict[str, int]]:
        """The findings that were asked for, and how many of each rule, or tier, are left out where they stand alone: those prove no item."""
        active_findings: list[Finding] = []
        left_out_count: Counter[str] = Counter()
        for finding in findings:
            if self.is_active(finding):
                active_findings.append(finding)
            elif self.choices.entries and selection.is_finding_active(finding, self.active_rules):
                left_out_count[finding.tally_key] += 1
        return active_findings, dict(left_out_count)

    def pairs_at(self, path: str, rule_id: str) -> selection.TierAndPartPairs:
        """What counts of a rule in a file, by the id."""
        rule = next((one.rule for one in self.loaded_rules if one.rule.id == rule_id), None) if self.choices.entries else None
        return self.choices.pairs_at(path, rule) if rule is not None else self.active_rules.get(rule_id, frozenset())

    def ratings_of(self, rule: Rule) -> tuple[Rating, ...]:
        """How bad the settings call a rule, those that count most last."""
        is_locked = self.locked_rules.covers_name(RuleName(rule.id))
        members_by_words = {words: _members_rated(words, rule) for words in {words for words, _ in self.ratings}}
        return tuple(
            rating._replace(member=member)
            for words, rating in self.ratings
            if rating.is_callers or not is_locked
            for member in members_by_words[words]
        )

    def rated(self, findings: Iterable[Finding]) -> list[Finding]:
        """Findings of no rule that was run by itself (of the tool, of other programs) as bad as the settings call them."""
        if not self.ratings:
            return list(findings)
        return [_rated_finding(one, self.ratings_of(one.rule_definition)) for one in findings]


def _rated_finding(finding: Finding, ratings: Sequence[Rating]) -> Finding:
    return with_rated_severity(finding, ratings) if ratings and finding.rule not in RULE_IDS_THAT_NOTHING_SILENCES else finding


def _members_rated(words: SelectionWords, rule: Rule) -> list[str]:
    """The tiers and parts of a rule that words rate; the empty one for all of it."""
    members = [""] if any(selection.selector_matches_rule(word, rule) for word in words.id_prefixes_and_categories) else []
    return [*members, *(one.tier_or_part for one in words.all_names if one.rule_id == rule.id)]


def _joined_words(all_words: Iterable[SelectionWords]) -> SelectionWords:
    lists: list[dict[object, None]] = [{}, {}, {}]
    for words in all_words:
        for collected, found in zip(lists, words, strict=True):
            collected.update(dict.fromkeys(found))
    return SelectionWords(*(tuple(one) for one in lists))  # type: ignore[arg-type]


def select_rules(assembly: Assembly, settings: RunSettings) -> RuleSelection:
    """The rules that can have something to say, and what of them was asked for. Raises SelectionError and ConfigError."""
    rule_names, config = RuleNames(settings.rules), settings.config
    _refuse_words_that_nothing_silences(config)

    def words_of(setting: str, words: Sequence[str], option: str) -> SelectionWords:
        return selection.parse_rule_selectors(words, rule_names, lambda word: config.place_of(setting, word) or option)

    profile_place = config.place_of("profile", settings.profile)
    base = RuleChoice(
        *selection.load_profile_levels_and_selectors(rules.rules_folder(), settings.profile, profile_place),
        words_of("select", settings.select, "--select"),
        words_of("extend-select", settings.extend_select, "--extend-select"),
        words_of("ignore", settings.ignore, "--ignore"),
    )
    locked_words = words_of("locked", config.locked, SETTINGS_FILENAME)
    path_rules = tuple(one for one in config.path_rules if one.profile is not None or one.select is not None or one.extend_select or one.ignore)
    entries = tuple(_path_choice(one, rule_names, config) for one in path_rules)
    choices = PathChoices(base, entries, config.prefix, locked_words)
    rated = [(entry, one) for entry in config.path_rules for one in entry.severities]
    place_by_word = {one.word: one.place for _, one in reversed(rated)}
    words_by_word = {word: selection.parse_rule_selectors((word,), rule_names, place) for word, place in place_by_word.items()}
    ratings = tuple((words_by_word[one.word], Rating(entry.pattern, config.prefix, one.severity, entry.is_callers)) for entry, one in rated)
    widest = choices.widest()
    may_choose_others = bool(widest.profile_selectors or widest.selection or widest.extension)
    profile_levels = selection.profile_levels_to_load(widest.profile_levels, may_choose_others=may_choose_others)
    locked_by_caller = words_of("locked", next((one.config.locked for one in config.layers if one.is_callers), ()), SETTINGS_FILENAME)
    locked_parameters = places_of_locked_parameters(config, locked_words, locked_by_caller, rule_names)
    # What other linters' settings say counts least.
    peer_parameters = [one for peer in settings.peers for one in peer.parameters if not is_any_tier_locked(locked_words, [RuleName(one[0])])]
    adjusted_config = without_parameters_at(replace(config, parameters=(*peer_parameters, *config.parameters)), locked_parameters)
    rule_groups = needed_rule_groups(assembly)
    all_rules = rules.load_rules(settings.rules, rule_groups, profile_levels)
    loaded_rules = apply_parameters(all_rules, adjusted_config, rule_names)
    active_pairs = selection.active_pairs_by_rule_id(loaded_rules, widest)
    _keep_unjudged_rules_active(active_pairs, settings, rule_names)
    _refuse_prefixes_outside_profile(base, settings, loaded_rules)
    chosen = RuleSelection(rule_names, loaded_rules, active_pairs, locked_words, choices, ratings, locked_parameters, frozenset(rule_groups))
    if ratings:
        chosen.loaded_rules = [one.with_ratings(chosen.ratings_of(one.rule)) for one in loaded_rules]
    return chosen


def _path_choice(entry: PathRules, rule_names: RuleNames, config: Config) -> _PathChoice:
    """An entry for some paths with its words looked up."""

    def place_in(setting: str) -> Callable[[str], str]:
        file_name = entry.source.path if entry.source else SETTINGS_FILENAME
        return lambda word: config.place_in_entry(entry, setting, word) or file_name

    def words_of(setting: str, words: Sequence[str]) -> SelectionWords:
        return selection.parse_rule_selectors(words, rule_names, place_in(setting))

    profile = None
    if entry.profile is not None:
        profile = selection.load_profile_levels_and_selectors(rules.rules_folder(), entry.profile, place_in("profile")(entry.profile))
    return _PathChoice(
        entry,
        profile,
        None if entry.select is None else words_of("select", entry.select),
        words_of("extend-select", entry.extend_select),
        words_of("ignore", entry.ignore),
    )


def _refuse_words_that_nothing_silences(config: Config) -> None:
    """Raise SelectionError for a word in the settings that could have no effect: what says that something has no verdict stays."""
    words_and_places = [("ignore", word, config.place_of("ignore", word)) for word in config.ignore]
    for entry in config.path_rules:
        file_name = entry.source.path if entry.source else ""
        words_and_places += [(entry.setting, word, file_name) for word in entry.ignore]
        words_and_places += [("severity", one.word, one.place) for one in entry.severities]
    for setting, word, place in words_and_places:
        if word in RULE_IDS_THAT_NOTHING_SILENCES:
            raise SelectionError(
                f"{setting}: {word} says that something has no verdict, and settings can't leave that out or rate it; mend what it names, or"
                " leave the file out under `exclude`",
                place or _settings_files_text(config),
            )


def _refuse_prefixes_outside_profile(base: RuleChoice, settings: RunSettings, loaded_rules: Sequence[LoadedRule]) -> None:
    """Raise SelectionError for a prefix or a category that the profile has no rule of: it would select nothing."""
    for word in base.selection.id_prefixes_and_categories:
        if word == selection.ALL_SELECTOR or rules.SHELLCHECK_RULE_SELECTOR.fullmatch(word):
            continue
        choice = base._replace(selection=SelectionWords((word,)), extension=SelectionWords(), ignored=SelectionWords())
        if word in {"core", "core/", "correctness"} or selection.active_pairs_by_rule_id(
            [one for one in loaded_rules if one.rule.kind != "core"], choice
        ):
            continue
        all_rules = rules.rules_without_repeated_tiers(rules.load_rules(settings.rules))
        covered_rules = [one for one in all_rules if selection.selector_matches_rule(word, one)]
        if covered_rules and not any(selection.active_pairs_of_rule(one, choice) for one in covered_rules):
            raise SelectionError(
                f"{word!r} selects nothing: a prefix or a category narrows the profile, and {settings.profile} has no rule of it; name rules, give"
                f" another --profile, or ask them beside the profile with --extend-select {word}",
                settings.config.place_of("select", word) or "--select",
            )


def _keep_unjudged_rules_active(active_pairs: selection.ActivePairsByRuleId, settings: RunSettings, rule_names: RuleNames) -> None:
    """Count what says that something has no verdict, whatever the settings of the tree leave out. `--ignore` is the caller's word and may."""
    words_in_settings = settings.config.ignore
    command_line_ignores = selection.parse_rule_selectors(settings.ignore[len(words_in_settings) :], rule_names, "--ignore")
    for rule_id in sorted(RULE_IDS_THAT_NOTHING_SILENCES) if words_in_settings else ():
        if not command_line_ignores.covers_name(RuleName(rule_id)) and "correctness" not in command_line_ignores.id_prefixes_and_categories:
            active_pairs.setdefault(rule_id, selection.ANY_TIER_AND_PART)


def _settings_files_text(settings_config: Config) -> str:
    """The files that the settings come from."""
    return join_names(one.path for one in settings_config.sources) or SETTINGS_FILENAME
