"""What a rule's words in YAML mean: a Rule, and for each of its tiers what runs it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from readiness.model import (
    CATEGORIES,
    LEVELS,
    Claim,
    Confidence,
    Rule,
    Severity,
    Tier,
    Wording,
)
from readiness.ruleset.bound import Bound, RuleError
from readiness.ruleset.predicates import Clause, predicate, steps_of

Fail = Callable[..., RuleError]  # (message, *keys that lead to the place)
NEEDED = ("title", "severity", "category", "target", "message", "why", "fix")
KEYS = frozenset(
    "title severity confidence category level opinion target when require forbid check with message why fix links"
    " same-as checklist since hides by tiers bad good".split()
)
TIER_KEYS = frozenset(
    "severity level opinion target when require forbid check with message why fix same-as checklist".split()
)
WORDS = ("message", "why", "fix")
OTHER = "other"  # among words by part: what the parts that are not named have
NAME = re.compile(r"[A-Za-z][\w-]*")
_SEVERITIES = tuple(str(one) for one in Severity)
_CONFIDENCES = tuple(str(one) for one in Confidence)


def made(name: str, file: str, spec: Mapping[str, Any], fail: Fail) -> tuple[Bound, ...]:
    """The rule that the words make, once for each of its tiers. Raises what `fail` makes."""
    for key in spec:
        if key not in KEYS:
            raise fail(f"no key is called {key!r}; allowed are {', '.join(sorted(KEYS))}", key)
    tiers = _tiers(spec, fail)
    first = next(iter(tiers.values()))
    for key in NEEDED:
        if key not in (first if key != "title" else spec):
            raise fail(f"{key!r} is missing", key)
    rule = _rule(name, spec, tiers, fail)
    bounds = []
    for tier, whole in tiers.items():
        way = ("tiers", tier) if tier else ()
        bound = _bind(rule, file, whole, lambda text, *keys, way=way: fail(text, *way, *keys))
        own = spec["tiers"][tier].get("with") or {} if tier else {}
        bounds.append(replace(bound, tier=tier, own=frozenset(own)))
    return tuple(bounds)


def _tiers(spec: Mapping[str, Any], fail: Fail) -> dict[str, dict[str, Any]]:
    """The words of each tier, what it leaves out taken from the rule; a rule without tiers is one of no name."""
    given = spec.get("tiers")
    if given is None:
        return {"": dict(spec)}
    if not isinstance(given, dict) or not given:
        raise fail("`tiers` is a mapping of names to what each tier has of its own", "tiers")
    found = {}
    for name, own in given.items():
        if not isinstance(own, dict):
            raise fail(f"the tier {name} is a mapping", "tiers", name)
        for key in own:
            if key not in TIER_KEYS:
                allowed = ", ".join(sorted(TIER_KEYS))
                raise fail(f"a tier has no key {key!r}; allowed are {allowed}", "tiers", name, key)
        whole = {**spec, **own}
        for key in ("when", "with"):
            whole[key] = {**(spec.get(key) or {}), **(own.get(key) or {})}
        if {"require", "forbid", "check"} & own.keys():
            for key in {"require", "forbid", "check"} - own.keys():
                whole.pop(key, None)
        whole.setdefault("level", name if name in LEVELS else LEVELS[0])
        found[name] = whole
    return found


def _rule(
    name: str, spec: Mapping[str, Any], tiers: Mapping[str, Mapping[str, Any]], fail: Fail
) -> Rule:
    """The words of a rule as a Rule."""
    by, parts = _by(spec, fail)
    made_tiers = tuple(_tier(tier, whole, fail) for tier, whole in tiers.items())
    _verify_members(made_tiers, parts, fail)
    first = next(iter(tiers.values()))
    claims = tuple(_claims(spec, parts, fail))
    wordings = [*_wordings(spec, "", parts, fail)]
    if "tiers" in spec:
        for tier, own in spec["tiers"].items():
            way = ("tiers", tier)
            claims += tuple(_claims(own, parts, fail, *way))
            wordings += _wordings(own, tier, parts, fail, *way)
    words = {word: _first_text(first[word]) for word in WORDS}
    told_apart = any(one.tier or one.part for one in claims)
    return Rule(
        id=name,
        title=text_of(spec["title"]),
        severity=max(tier.severity for tier in made_tiers),
        confidence=Confidence[
            one_of(spec, "confidence", _CONFIDENCES, fail, default="high").upper()
        ],
        category=one_of(spec, "category", CATEGORIES, fail),
        kind=name.partition("/")[0],
        targets=tuple(dict.fromkeys(t for whole in tiers.values() for t in targets_of(whole))),
        links=tuple(spec.get("links") or ()),
        equivalents=_union(claims),
        checklist=tuple(dict.fromkeys(item for tier in made_tiers for item in tier.checklist)),
        hides=spec.get("hides") is True,
        level=made_tiers[0].level,
        opinion=made_tiers[0].opinion,
        since=str(spec.get("since") or ""),
        tiers=made_tiers if "tiers" in spec else (),
        by=by,
        parts=parts,
        claims=claims if told_apart else (),
        wordings=tuple(wordings),
        **words,
    )


def _by(spec: Mapping[str, Any], fail: Fail) -> tuple[str, tuple[str, ...]]:
    """The fact that tells the hits apart, and its values."""
    given = spec.get("by")
    if given is None:
        return "", ()
    if not isinstance(given, dict) or len(given) != 1:
        raise fail("`by` is one fact of the hits with its values, as {manager: [apk, apt]}", "by")
    (fact, values), *_ = given.items()
    if not isinstance(values, list) or not values:
        raise fail(f"`by` lists the values of {fact}", "by")
    return str(fact), tuple(str(value) for value in values)


def _tier(name: str, whole: Mapping[str, Any], fail: Fail) -> Tier:
    way = ("tiers", name) if name else ()
    return Tier(
        name,
        one_of(whole, "level", LEVELS, fail, *way, default=LEVELS[0]),
        Severity[one_of(whole, "severity", _SEVERITIES, fail, *way).upper()],
        tuple(whole.get("checklist") or ()),
        text_of(whole.get("opinion") or ""),
    )


def _verify_members(tiers: Sequence[Tier], parts: Sequence[str], fail: Fail) -> None:
    """Whether tiers go from mild to strict, and every name after a colon means one thing."""
    names = [one.name for one in tiers if one.name] + list(parts)
    for name in names:
        if not NAME.fullmatch(name) or name == OTHER or names.count(name) > 1:
            raise fail(f"{name!r} can't name a tier or a part, or does so twice", "tiers")
    for one, after in itertools.pairwise(tiers):
        if LEVELS.index(after.level) < LEVELS.index(one.level):
            raise fail(f"{after.name} has a milder level than {one.name} before it", "tiers")
        if after.severity > one.severity:
            raise fail(f"{after.name} is worse than {one.name} before it", "tiers")


def _claims(
    spec: Mapping[str, Any], parts: Sequence[str], fail: Fail, *way: str
) -> Iterator[Claim]:
    """What stands under `same-as`: {peer: [ids]}, or {peer: {part: [ids]}}."""
    tier = way[-1] if way else ""
    for peer, ids in (spec.get("same-as") or {}).items():
        if not isinstance(ids, dict):
            yield Claim(peer, _ids(ids), tier)
            continue
        for part, own in ids.items():
            if part not in parts:
                raise fail(f"{part!r} is no value that `by` lists", *way, "same-as", peer, part)
            yield Claim(peer, _ids(own), tier, part)


def _ids(given: Any) -> tuple[str, ...]:
    """One id of another linter, or several."""
    return tuple(str(one) for one in (given if isinstance(given, list) else [given]))


def _union(claims: Sequence[Claim]) -> dict[str, tuple[str, ...]]:
    """All equivalents, by peer."""
    found: dict[str, tuple[str, ...]] = {}
    for one in claims:
        found[one.peer] = tuple(dict.fromkeys((*found.get(one.peer, ()), *one.ids)))
    return found


def _wordings(
    spec: Mapping[str, Any], tier: str, parts: Sequence[str], fail: Fail, *way: str
) -> Iterator[Wording]:
    """The words that only some hits have: those of a tier, and those under the name of a part."""
    for field in WORDS:
        given = spec.get(field)
        if isinstance(given, dict):
            if OTHER not in given and set(parts) - given.keys():
                lacking = ", ".join(sorted(set(parts) - given.keys()))
                raise fail(f"{field} has no words for {lacking}, and no `{OTHER}`", *way, field)
            for part, text in given.items():
                if part not in parts and part != OTHER:
                    raise fail(f"{part!r} is no value that `by` lists", *way, field, part)
                if part != OTHER or tier:
                    yield Wording(field, tier, "" if part == OTHER else part, text_of(text))
        elif given is not None and tier:
            yield Wording(field, tier, "", text_of(given))


def _first_text(given: Any) -> str:
    """The words of the rule as a whole: the plain ones, those of `other`, or of the first part."""
    if isinstance(given, dict):
        given = given.get(OTHER, next(iter(given.values()), ""))
    return text_of(given)


def text_of(value: Any) -> str:
    """Prose from a rule file: folded scalars end in a line break, which is no part of it."""
    return str(value).strip()


def one_of(
    spec: Mapping[str, Any],
    key: str,
    allowed: Sequence[str],
    fail: Fail,
    *way: str,
    default: str = "",
) -> str:
    """The value under a key that has a fixed set of values."""
    value = spec.get(key, default)
    if value not in allowed:
        raise fail(f"{key} is {value!r}; allowed are {', '.join(allowed)}", *way, key)
    return str(value)


def targets_of(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """The targets that a rule or a tier names."""
    given = spec["target"]
    return tuple(given) if isinstance(given, list) else (given,)


def _bind(rule: Rule, file: str, spec: Mapping[str, Any], fail: Fail) -> Bound:
    """The rule with what runs it: paths and predicates, or a check with its parameters."""
    when = tuple(
        (fact, frozenset(value) if isinstance(value, list) else value)
        for fact, value in (spec.get("when") or {}).items()
    )
    targets = targets_of(spec)
    ways = [key for key in ("require", "forbid", "check") if key in spec]
    if targets == ("core",):
        return Bound(rule, file, when, targets=targets)
    if not ways or ("check" in ways and len(ways) > 1):
        raise fail("a rule has `require` and `forbid`, or a `check`", "target")
    if "check" in spec:
        arguments = _arguments(spec, fail)
        return Bound(
            rule, file, when, check=str(spec["check"]), arguments=arguments, targets=targets
        )
    try:
        clauses = tuple(
            Clause(steps_of(where), predicate(what), way == "require")
            for way in ways
            for where, what in spec[way].items()
        )
    except (ValueError, re.error, AttributeError) as error:
        raise fail(str(error), ways[0]) from None
    return Bound(rule, file, when, clauses=clauses, targets=targets)


def _arguments(spec: Mapping[str, Any], fail: Fail) -> dict[str, Any]:
    """The parameters under `with`; whether the check takes them is seen when it is imported (see `verify`)."""
    given = spec.get("with") or {}
    if not isinstance(given, dict):
        raise fail("`with` is a mapping of the check's parameters", "with")
    return dict(given)
