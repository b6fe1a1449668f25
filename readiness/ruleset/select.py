"""Which rules a run holds: profiles, and the words of --select and --ignore."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from readiness.model import CATEGORIES, LEVELS, Rule, spelling
from readiness.ruleset.rule_file import RuleError
from readiness.ruleset.rules import EXTERNAL, Bound, load
from readiness.syntax.yaml import Map, load_all

ALL = "ALL"
CORE = "core"  # what the tool says of files that it can't judge: always on, or they would pass in silence


class SelectionError(Exception):
    """A selector or a profile that names nothing; the message says what is meant, perhaps."""


def profiles(folder: Path) -> tuple[str, ...]:
    """The names of the profiles that ship with the tool."""
    return tuple(sorted(path.stem for path in (folder / "profiles").glob("*.yaml")))


def profile(folder: Path, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(levels, selectors) of a profile. Raises SelectionError for a name that is none."""
    path = folder / "profiles" / f"{name}.yaml"
    known = profiles(folder)
    if name not in known:
        raise SelectionError(f"no profile is called {name!r}; there are {', '.join(known)}")
    spec = load_all(path.read_text(encoding="utf-8"))[0]
    if not isinstance(spec, Map):
        raise RuleError(path.name, "a profile is a mapping with `levels` and `select`")
    return tuple(spec.get("levels") or ()), tuple(spec.get("select") or ())


def matches(selector: str, rule: Rule) -> bool:
    """Whether a selector names a rule: its id, a prefix of it (`k8s`, `k8s/pss-`), its category, or ALL."""
    return selector in {ALL, rule.category} or named(selector, rule.id)


def levels(folder: Path, name: str, select: Sequence[str]) -> tuple[str, ...]:
    """The levels of which a run may need rules: all of them, but for a profile that is made of levels alone."""
    chosen_levels, extra = profile(folder, name)
    return LEVELS if select or extra else chosen_levels


def validate(words: Sequence[str], ids: Sequence[str]) -> None:
    """Raise SelectionError for a selector that names nothing: a mistyped one must not pass in silence."""
    for word in words:
        known = word == ALL or word in CATEGORIES or EXTERNAL.fullmatch(word)
        if not known and not any(named(word, one) for one in ids):
            raise SelectionError(unknown(word))


def named(word: str, name: str) -> bool:
    """Whether a selector is the id of a rule or a prefix of it."""
    return word in {name, name.partition("/")[0]} or ("/" in word and name.startswith(word))


def chosen(
    bounds: Sequence[Bound],
    folder: Path,
    *,
    name: str,
    select: Sequence[str],
    ignore: Sequence[str],
) -> set[str]:
    """The ids of the rules that a run counts: `select` takes the place of the profile, `ignore` is taken out of either."""
    if select:
        ids = {b.rule.id for b in bounds if any(matches(selector, b.rule) for selector in select)}
    else:
        its_levels, extra = profile(folder, name)
        ids = {
            b.rule.id
            for b in bounds
            if b.rule.level in its_levels or any(matches(selector, b.rule) for selector in extra)
        }
    return {
        b.rule.id
        for b in bounds
        if (b.rule.id in ids or b.rule.kind == CORE)
        and not any(matches(selector, b.rule) for selector in ignore)
    }


def unknown(selector: str) -> str:
    """What to say of a selector that names nothing, with the nearest that does."""
    if EXTERNAL.fullmatch(selector):
        page = f"https://www.shellcheck.net/wiki/{selector.rpartition('/')[2]}"
        return f"{selector!r} is ShellCheck's; its page is {page}"
    bounds = load()
    names = [bound.rule.id for bound in bounds]
    tails = {bound.rule.id.partition("/")[2]: bound.rule.id for bound in bounds}
    peers = {one: b.rule.id for b in bounds for ids in b.rule.equivalents.values() for one in ids}
    if selector in peers:
        return f"{selector!r} is another linter's id; the rule here is {peers[selector]!r}"
    near = spelling.nearest(selector, [*names, *CATEGORIES, *tails])
    hint = f"; did you mean {tails.get(near, near)!r}?" if near else ""
    return f"no rule, category or prefix is called {selector!r}{hint}"
