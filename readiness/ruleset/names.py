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
        tiers = [tier.name for tier in finding.rule_definition.tiers]
        return (
            finding.rule == self.rule_id
            and self.tier_or_part in tiers
            and finding.rule_definition.tier_index(finding.tier) <= finding.rule_definition.tier_index(self.tier_or_part)
        )


def parse_name(word: str) -> RuleName:
    """`rule` or `rule:member` as written."""
    rule, _, member = word.partition(MEMBER_SEPARATOR)
    return RuleName(rule, member)


@cache
def former_ids() -> dict[str, tuple[RuleName, ...]]:
    """The ids that rules had before, and what each of them is now."""
    table = compiled.load_folder(rules.rules_folder(), _read_table)[RENAMED_FILE_STEM]
    return {old: tuple(map(parse_name, new)) for old, new in table.items()}


def _read_table(path: Path) -> dict[str, list[str]]:
    """The file as plain data: an old id is one rule now, or several."""
    spec = load_yaml_documents(path.read_text(encoding="utf-8"))[0]
    return {old: new if isinstance(new, list) else [new] for old, new in spec.items()}


class RuleNames:
    """All names that rules have in a run, and which of their former ones were used.

    `notices` are sentences, one for each former id, that say what it is called now and where it stood first.
    """

    def __init__(self, roots: Sequence[Path] = ()) -> None:
        self._roots = tuple(roots)
        self.ids = tuple(rules.rule_ids(self._roots))
        self._known = frozenset(self.ids)
        self.notices: dict[str, str] = {}

    @cached_property
    def _rules_by_former_id(self) -> dict[str, tuple[RuleName, ...]]:
        """What former ids are called now; none that a rule of somebody's own has."""
        return {old: names for old, names in former_ids().items() if old not in self._known}

    def names_of(self, word: str, place_text: str = "") -> tuple[RuleName, ...]:
        """What a word names; nothing where no rule has or had that name. where it stands (`place_text`) is for the notice."""
        found = self.resolve_word_silently(word)
        if found and word in self._rules_by_former_id:
            self._note_former_word(word, found, place_text)
        return found

    def resolve_word_silently(self, word: str) -> tuple[RuleName, ...]:
        """What a word names, as `names_of`, without the notice about former ids."""
        if word in self._known or rules.EXTERNAL_RULE_ID.fullmatch(word):
            return (RuleName(word),)
        name = parse_name(word)
        if name.tier_or_part and name.rule_id in self._known and name.tier_or_part in self.tiers_and_parts(name.rule_id):
            return (name,)
        return self._rules_by_former_id.get(word, ())

    def ids_ending_with(self, tail: str) -> list[str]:
        """The ids whose part behind the slash is `tail`; where there is none, the former ones."""
        found = [one for one in self.ids if one.partition("/")[2] == tail]
        return found or [one for one in self._rules_by_former_id if one.partition("/")[2] == tail]

    def former_ids_of(self, rule: str) -> Iterable[tuple[str, RuleName]]:
        """The ids that a rule, or a part of it, had before."""
        return ((old, name) for old, names in self._rules_by_former_id.items() for name in names if name.rule_id == rule)

    def resolve_former_prefix(self, word: str, place_text: str = "") -> tuple[RuleName, ...]:
        """What the former ids name that begin with a word, where the name of today does not; nothing for a whole id."""
        meant: dict[RuleName, None] = {}
        if "/" in word and word not in self._known:
            for old, names in self._rules_by_former_id.items():
                if old.startswith(word):
                    meant |= dict.fromkeys(one for one in names if not one.rule_id.startswith(word))
        if meant:
            self._note_former_word(
                word,
                tuple(meant),
                place_text,
                has_current_meaning=any(one.startswith(word) for one in self.ids),
            )
        return tuple(meant)

    def tiers_and_parts(self, rule: str) -> tuple[str, ...]:
        """The tiers and the parts of a rule."""
        file = dict(rules.rule_files([rules.rules_folder(), *self._roots])).get(rule)
        return rules.read_rule(rule, Path(file))[0].rule.tiers_and_parts if file else ()

    def _note_former_word(
        self,
        word: str,
        names: Sequence[RuleName],
        place_text: str,
        *,
        has_current_meaning: bool = False,
    ) -> None:
        """Note what a word that was in use before is now; `has_current_meaning` where rules of today have it as well."""
        place = f"{place_text}: " if place_text else ""
        new = join_names([*map(str, names)])
        text = (
            f"{word} takes in {new} as before, under other names now"
            if has_current_meaning
            else f"{word} is called {new} now; the old name still works"
        )
        self.notices.setdefault(word, f"{place}{text}")
