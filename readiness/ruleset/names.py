"""What the name of a rule means: an id, an id with a tier or a part behind a colon, or an id that it had before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from readiness.model import Finding, join_names
from readiness.model.memo import cached_property
from readiness.ruleset import rules
from readiness.syntax import compiled
from readiness.syntax.yaml import load_yaml_documents

RENAMED_FILE_STEM = "renamed"  # rules/renamed.yaml
MEMBER_SEPARATOR = ":"  # between an id and a member of the rule


class RuleName(NamedTuple):
    """A rule, or of its hits only those of one tier or one part (`tier_or_part`)."""

    rule_id: str
    tier_or_part: str = ""

    def __str__(self) -> str:
        return f"{self.rule_id}{MEMBER_SEPARATOR}{self.tier_or_part}" if self.tier_or_part else self.rule_id

    def is_name_of(self, finding: Finding) -> bool:
        """Whether it names a finding."""
        return finding.rule == self.rule_id and self.tier_or_part in {
            "",
            finding.tier,
            finding.part,
        }

    def may_cover(self, finding: Finding) -> bool:
        """Whether it names a finding, or a stricter tier than the finding's."""
        if self.is_name_of(finding):
            return True
        tier_names = [tier.name for tier in finding.rule_definition.tiers]
        return (
            finding.rule == self.rule_id
            and self.tier_or_part in tier_names
            and finding.rule_definition.tier_index(finding.tier) <= finding.rule_definition.tier_index(self.tier_or_part)
        )


def parse_rule_name(rule_name_text: str) -> RuleName:
    """`rule_id` or `rule:member` as written."""
    rule_id, _, member_name = rule_name_text.partition(MEMBER_SEPARATOR)
    return RuleName(rule_id, member_name)


@cache
def rule_names_by_former_id() -> dict[str, tuple[RuleName, ...]]:
    """The ids that rules had before, and what each of them is now."""
    current_ids_by_former_id = compiled.load_yaml_folder(rules.rules_folder(), _read_current_ids_by_former_id)[RENAMED_FILE_STEM]
    return {old: tuple(map(parse_rule_name, new)) for old, new in current_ids_by_former_id.items()}


def _read_current_ids_by_former_id(renamed_file: Path) -> dict[str, list[str]]:
    """The file as plain data: an old id is one rule now, or several."""
    renamed_ids_spec = load_yaml_documents(renamed_file.read_text(encoding="utf-8"))[0]
    return {old: new if isinstance(new, list) else [new] for old, new in renamed_ids_spec.items()}


class RuleNames:
    """All names that rules have in a run, and which of their former ones were used.

    `notices` are sentences, one for each former id, that say what it is called now and where it stood first.
    """

    def __init__(self, own_rule_folders: Sequence[Path] = ()) -> None:
        self._roots = tuple(own_rule_folders)
        self.notices: dict[str, str] = {}
        if self._roots:
            _ = self.ids  # what is wrong with somebody's own rules is told before anything else

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The ids of all rules there are; most runs need none of them."""
        return tuple(rules.load_all_rule_ids(self._roots))

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.ids)

    @cached_property
    def _rules_by_former_id(self) -> dict[str, tuple[RuleName, ...]]:
        """What former ids are called now; none that a rule of somebody's own has."""
        return {old: names for old, names in rule_names_by_former_id().items() if old not in self._known}

    def names_of(self, rule_word: str, place_text: str = "") -> tuple[RuleName, ...]:
        """What a word names; nothing where no rule has or had that name. where it stands (`place_text`) is for the notice."""
        rule_names = self.resolve_word_silently(rule_word)
        if rule_names and rule_word in self._rules_by_former_id:
            self._note_former_word(rule_word, rule_names, place_text)
        return rule_names

    def resolve_word_silently(self, rule_word: str) -> tuple[RuleName, ...]:
        """What a word names, as `names_of`, without the notice about former ids."""
        if rule_word in self._known or rules.SHELLCHECK_RULE_SELECTOR.fullmatch(rule_word):
            return (RuleName(rule_word),)
        rule_name = parse_rule_name(rule_word)
        if rule_name.tier_or_part and rule_name.rule_id in self._known and rule_name.tier_or_part in self.tiers_and_parts(rule_name.rule_id):
            return (rule_name,)
        return self._rules_by_former_id.get(rule_word, ())

    def ids_ending_with(self, local_name: str) -> list[str]:
        """The ids whose part behind the slash is `local_name`; where there is none, the former ones."""
        matching_ids = [one for one in self.ids if one.partition("/")[2] == local_name]
        return matching_ids or [one for one in self._rules_by_former_id if one.partition("/")[2] == local_name]

    def former_ids_of(self, rule_id: str) -> Iterable[tuple[str, RuleName]]:
        """The ids that a rule, or a part of it, had before."""
        return ((old, name) for old, names in self._rules_by_former_id.items() for name in names if name.rule_id == rule_id)

    def resolve_former_prefix(self, id_prefix: str, place_text: str = "") -> tuple[RuleName, ...]:
        """What the former ids name that begin with a word, where the name of today does not; nothing for a whole id."""
        rule_names: dict[RuleName, None] = {}
        if "/" in id_prefix and id_prefix not in self._known:
            for former_id, current_names in self._rules_by_former_id.items():
                if former_id.startswith(id_prefix):
                    rule_names |= dict.fromkeys(one for one in current_names if not one.rule_id.startswith(id_prefix))
        if rule_names:
            self._note_former_word(
                id_prefix,
                tuple(rule_names),
                place_text,
                has_current_meaning=any(one.startswith(id_prefix) for one in self.ids),
            )
        return tuple(rule_names)

    def tiers_and_parts(self, rule_id: str) -> tuple[str, ...]:
        """The tiers and the parts of a rule."""
        rule_file = dict(rules.rule_ids_and_files([rules.rules_folder(), *self._roots])).get(rule_id)
        return rules.read_own_rule_tiers(rule_id, Path(rule_file))[0].rule.tiers_and_parts if rule_file else ()

    def _note_former_word(
        self,
        former_word: str,
        current_names: Sequence[RuleName],
        place_text: str,
        *,
        has_current_meaning: bool = False,
    ) -> None:
        """Note what a word that was in use before is now; `has_current_meaning` where rules of today have it as well."""
        place_prefix = f"{place_text}: " if place_text else ""
        current_names_text = join_names([*map(str, current_names)])
        notice = (
            f"{former_word} takes in {current_names_text} as before, under other names now"
            if has_current_meaning
            else f"{former_word} is called {current_names_text} now; the old name still works"
        )
        self.notices.setdefault(former_word, f"{place_prefix}{notice}")
