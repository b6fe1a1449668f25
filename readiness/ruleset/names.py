"""What the name of a rule means: an id, an id with a tier or a part behind a colon, or an id that it had before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

from readiness.model import Finding, join_names
from readiness.ruleset import rules
from readiness.syntax import compiled
from readiness.syntax.yaml import load_all

RENAMED = "renamed"  # rules/renamed.yaml
MARK = ":"  # between an id and a member of the rule


class Name(NamedTuple):
    """A rule, or of its hits only those of one tier or one part (`member`)."""

    rule: str
    member: str = ""

    def __str__(self) -> str:
        return f"{self.rule}{MARK}{self.member}" if self.member else self.rule

    def is_name_of(self, finding: Finding) -> bool:
        """Whether it names a finding."""
        return finding.rule == self.rule and self.member in {"", finding.tier, finding.part}

    def may_cover(self, finding: Finding) -> bool:
        """Whether it names a finding, or a stricter tier than the finding's."""
        if self.is_name_of(finding):
            return True
        tiers = [tier.name for tier in finding.definition.tiers]
        return (
            finding.rule == self.rule
            and self.member in tiers
            and finding.definition.rank(finding.tier) <= finding.definition.rank(self.member)
        )


def parse_name(word: str) -> Name:
    """`rule` or `rule:member` as written."""
    rule, _, member = word.partition(MARK)
    return Name(rule, member)


@cache
def former_ids() -> dict[str, tuple[Name, ...]]:
    """The ids that rules had before, and what each of them is now."""
    table = compiled.load_folder(rules.rules_folder(), _read_table)[RENAMED]
    return {old: tuple(map(parse_name, new)) for old, new in table.items()}


def _read_table(path: Path) -> dict[str, list[str]]:
    """The file as plain data: an old id is one rule now, or several."""
    spec = load_all(path.read_text(encoding="utf-8"))[0]
    return {old: new if isinstance(new, list) else [new] for old, new in spec.items()}


class Names:
    """All names that rules have in a run, and which of their former ones were used.

    `notices` are sentences, one for each former id, that say what it is called now and where it stood first.
    """

    def __init__(self, roots: Sequence[Path] = ()) -> None:
        self._roots = tuple(roots)
        self.ids = tuple(rules.rule_ids(self._roots))
        self._known = frozenset(self.ids)
        self.notices: dict[str, str] = {}

    @cached_property
    def _former(self) -> dict[str, tuple[Name, ...]]:
        """What former ids are called now; none that a rule of somebody's own has."""
        return {old: names for old, names in former_ids().items() if old not in self._known}

    def names_of(self, word: str, where: str = "") -> tuple[Name, ...]:
        """What a word names; nothing where no rule has or had that name. `where` it stands is for the notice."""
        found = self.meaning(word)
        if found and word in self._former:
            self._tell(word, found, where)
        return found

    def meaning(self, word: str) -> tuple[Name, ...]:
        """What a word names, as `names_of`, without the notice about former ids."""
        if word in self._known or rules.EXTERNAL.fullmatch(word):
            return (Name(word),)
        name = parse_name(word)
        if name.member and name.rule in self._known and name.member in self.members(name.rule):
            return (name,)
        return self._former.get(word, ())

    def ids_ending_with(self, tail: str) -> list[str]:
        """The ids whose part behind the slash is `tail`; where there is none, the former ones."""
        found = [one for one in self.ids if one.partition("/")[2] == tail]
        return found or [one for one in self._former if one.partition("/")[2] == tail]

    def former_ids_of(self, rule: str) -> Iterable[tuple[str, Name]]:
        """The ids that a rule, or a part of it, had before."""
        return (
            (old, name)
            for old, names in self._former.items()
            for name in names
            if name.rule == rule
        )

    def starting_with(self, word: str, where: str = "") -> tuple[Name, ...]:
        """What the former ids name that begin with a word, where the name of today does not; nothing for a whole id."""
        meant: dict[Name, None] = {}
        if "/" in word and word not in self._known:
            for old, names in self._former.items():
                if old.startswith(word):
                    meant |= dict.fromkeys(one for one in names if not one.rule.startswith(word))
        if meant:
            self._tell(
                word, tuple(meant), where, more=any(one.startswith(word) for one in self.ids)
            )
        return tuple(meant)

    def members(self, rule: str) -> tuple[str, ...]:
        """The tiers and the parts of a rule."""
        file = dict(rules.rule_files([rules.rules_folder(), *self._roots])).get(rule)
        return rules.read_rule(rule, Path(file))[0].rule.members if file else ()

    def _tell(self, word: str, names: Sequence[Name], where: str, *, more: bool = False) -> None:
        """Note what a word that was in use before is now; `more` where rules of today have it as well."""
        place = f"{where}: " if where else ""
        new = join_names([*map(str, names)])
        text = (
            f"{word} takes in {new} as before, under other names now"
            if more
            else f"{word} is called {new} now; the old name still works"
        )
        self.notices.setdefault(word, f"{place}{text}")
