"""What a rule's words in YAML mean: a Rule, and for each of its tiers what runs it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from readiness.facts.table import rows, topics
from readiness.model import (
    ASKED,
    CATEGORIES,
    LEVELS,
    Claim,
    Confidence,
    Proof,
    Rule,
    Sentence,
    Severity,
    Tier,
    Wording,
)
from readiness.ruleset.bound import LoadedRule
from readiness.ruleset.predicates import Clause, clause
from readiness.ruleset.rule_file import KEYS, TIER_KEYS, Fail

NEEDED = ("title", "severity", "category", "target", "message", "why", "fix")
WORDS = ("message", "why", "fix")
ADDED_UP = ("when", "with", "messages")  # of a tier: its own entries beside those of the rule
OTHER = "other"  # among words by part: what the parts that are not named have
NAME = re.compile(r"[A-Za-z][\w-]*")
_SEVERITIES = {str(one): one for one in Severity}
_CONFIDENCES = {str(one): one for one in Confidence}
_FORMS = frozenset({"require", "forbid", "check"})  # the ways in which a rule says what is wrong


def make_rule(name: str, file: str, spec: Mapping[str, Any], fail: Fail) -> tuple[LoadedRule, ...]:
    """The rule that the words make, once for each of its tiers. Raises what `fail` makes."""
    for key in spec:
        if key not in KEYS:
            raise fail(f"no key is called {key!r}; allowed are {', '.join(sorted(KEYS))}", key)
    tiers = _words_by_tier(spec, fail)
    for tier, words in tiers.items() or (("", spec),):
        for key in NEEDED:
            if key not in words and not (key == "message" and words.get("messages")):
                raise fail(f"{key!r} is missing", *(("tiers", tier) if tier else ()), key)
    steps = tuple(_make_tier(tier, words, fail) for tier, words in tiers.items())
    first = {**next(iter(tiers.values())), **_own_words(spec)} if tiers else spec
    rule = _base_rule(name, first, fail)
    if steps or "by" in spec:
        rule = _with_members(rule, spec, steps, tiers, fail)
    if not tiers:
        return (_bind(rule, file, spec, "", fail),)
    bounds = []
    for tier, words in tiers.items():
        at = ("tiers", tier)
        fail_in_tier: Fail = lambda text, *keys, at=at: fail(text, *at, *keys)  # noqa: E731
        bounds.append(_bind(rule, file, words, tier, fail_in_tier))
    return tuple(bounds)


def _words_by_tier(spec: Mapping[str, Any], fail: Fail) -> dict[str, Mapping[str, Any]]:
    """The words of each tier, what it leaves out taken from the rule."""
    given = spec.get("tiers")
    if given is None:
        return {}
    if not isinstance(given, dict) or not given:
        raise fail("`tiers` is a mapping of names to what each tier has of its own", "tiers")
    tiers: dict[str, Mapping[str, Any]] = {}
    for name, own in given.items():
        if not isinstance(own, dict):
            raise fail(f"the tier {name} is a mapping", "tiers", name)
        for key in own:
            if key not in TIER_KEYS:
                allowed = ", ".join(sorted(TIER_KEYS))
                raise fail(f"a tier has no key {key!r}; allowed are {allowed}", "tiers", name, key)
        merged = {**spec, **own}
        for key in ADDED_UP:
            merged[key] = {**(spec.get(key) or {}), **(own.get(key) or {})}
        merged["own"] = frozenset(own.get("with") or ())
        for key in _FORMS - own.keys() if _FORMS & own.keys() else ():
            merged.pop(key, None)
        if name in LEVELS and "level" not in own:
            merged["level"] = name
        tiers[name] = merged
    return tiers


def _own_words(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The words that the rule has for all tiers that bring none of their own."""
    return {word: spec[word] for word in WORDS if word in spec}


def _base_rule(name: str, spec: Mapping[str, Any], fail: Fail) -> Rule:
    """The words of a rule as a Rule; of one in tiers those of its first."""
    return Rule(
        id=name,
        title=stripped_text(spec["title"]),
        severity=_SEVERITIES[choice_under(spec, "severity", _SEVERITIES, fail)],
        confidence=_CONFIDENCES[
            choice_under(spec, "confidence", _CONFIDENCES, fail, default="high")
        ],
        category=choice_under(spec, "category", CATEGORIES, fail),
        kind=name.partition("/")[0],
        targets=targets_of(spec),
        message=_first_text(spec.get("message", "")),
        why=_first_text(spec["why"]),
        fix=_first_text(spec["fix"]),
        links=tuple(spec.get("links") or ()),
        equivalents={peer: _id_list(ids) for peer, ids in (spec.get("same-as") or {}).items()},
        checklist=tuple(spec.get("checklist") or ()),
        hides=spec.get("hides") is True,
        level=choice_under(spec, "level", LEVELS, fail, default=LEVELS[0]),
        opinion=stripped_text(spec.get("opinion") or ""),
        proof=_proof(spec),
        limits=stripped_text(spec.get("limits") or ""),
        sentences=tuple(_sentences(spec, "", fail)),
        proves="proves" in spec or "require" in spec,
        asks=_asked(name, spec, fail),
    )


# The categories whose rules are production's questions, by group. Rules on compose files and Dockerfiles say so under `when`;
# a pipeline runs where it lies, with what its repository may do, so what endangers that is asked of every one.
_OF_PIPELINES = frozenset({"delivery", "observability", "reliability", "style"})
_OF_PRODUCTION = {
    "ci": _OF_PIPELINES,
    "k8s": _OF_PIPELINES | {"edge", "isolation"},
    "nginx": _OF_PIPELINES | {"edge", "isolation"},
}
_FAILS_ANYWHERE = "It will not start"  # as a rule's proof says


def _asked(name: str, spec: Mapping[str, Any], fail: Fail) -> str:
    """Of what the rule is asked: as it says, else by its group, its category and what its proof meets."""
    if "asks" in spec:
        return choice_under(spec, "asks", ASKED, fail)
    meets = (spec.get("proof") or {}).get("meets")
    asked = spec.get("category") in _OF_PRODUCTION.get(name.partition("/")[0], ())
    return "production" if asked and meets != _FAILS_ANYWHERE else "everyone"


def _proof(spec: Mapping[str, Any]) -> Proof | None:
    """Why the rule is as severe as it is, where it says so."""
    given = spec.get("proof")
    return Proof(stripped_text(given["meets"]), stripped_text(given["by"])) if given else None


def _with_members(
    rule: Rule,
    spec: Mapping[str, Any],
    steps: tuple[Tier, ...],
    tiers: Mapping[str, Mapping[str, Any]],
    fail: Fail,
) -> Rule:
    """A rule with its tiers (`steps`, with the words of each in `tiers`) and its parts."""
    by, parts = _part_fact(spec, fail)
    _verify_members(steps, parts, fail)
    claims = [*_claims(spec, parts, fail)]
    wordings = [*_wordings(spec, "", parts, fail)]
    sentences = [*_sentences(spec, "", fail)]
    for tier in tiers:
        own, way = spec["tiers"][tier], ("tiers", tier)
        claims += _claims(own, parts, fail, *way)
        wordings += _wordings(own, tier, parts, fail, *way)
        sentences += _sentences(own, tier, fail, *way)
    items = (item for tier in steps for item in tier.checklist)
    targets = (target for words in tiers.values() for target in targets_of(words))
    return rule._replace(
        targets=tuple(dict.fromkeys(targets)) or rule.targets,
        equivalents=_all_equivalents(claims),
        checklist=tuple(dict.fromkeys(items)) if steps else rule.checklist,
        tiers=steps,
        by=by,
        parts=parts,
        claims=tuple(claims) if any(one.tier or one.part for one in claims) else (),
        wordings=tuple(wordings),
        sentences=tuple(sentences),
    )


def _part_fact(spec: Mapping[str, Any], fail: Fail) -> tuple[str, tuple[str, ...]]:
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


def _make_tier(name: str, whole: Mapping[str, Any], fail: Fail) -> Tier:
    way = ("tiers", name) if name else ()
    return Tier(
        name,
        choice_under(whole, "level", LEVELS, fail, *way, default=LEVELS[0]),
        _SEVERITIES[choice_under(whole, "severity", _SEVERITIES, fail, *way)],
        tuple(whole.get("checklist") or ()),
        stripped_text(whole.get("opinion") or ""),
    )


def _verify_members(tiers: Sequence[Tier], parts: Sequence[str], fail: Fail) -> None:
    """Whether tiers go from mild to strict, and every name after a colon means one thing."""
    names = [one.name for one in tiers if one.name] + list(parts)
    for name in names:
        if not NAME.fullmatch(name) or name == OTHER or names.count(name) > 1:
            raise fail(f"{name!r} can't name a tier or a part, or does so twice", "tiers")
    for tier, after in itertools.pairwise(tiers):
        if LEVELS.index(after.level) < LEVELS.index(tier.level):
            raise fail(f"{after.name} has a milder level than {tier.name} before it", "tiers")
        if after.severity > tier.severity:
            raise fail(f"{after.name} is worse than {tier.name} before it", "tiers")


def _claims(
    spec: Mapping[str, Any], parts: Sequence[str], fail: Fail, *way: str
) -> Iterator[Claim]:
    """What stands under `same-as`: {peer: [ids]}, or {peer: {part: [ids]}}."""
    tier = way[-1] if way else ""
    for peer, ids in (spec.get("same-as") or {}).items():
        if not isinstance(ids, dict):
            yield Claim(peer, _id_list(ids), tier)
            continue
        for part, own in ids.items():
            if part not in parts:
                raise fail(f"{part!r} is no value that `by` lists", *way, "same-as", peer, part)
            yield Claim(peer, _id_list(own), tier, part)


def _id_list(given: Any) -> tuple[str, ...]:
    """One id of another linter, or several."""
    return tuple(str(one) for one in (given if isinstance(given, list) else [given]))


def _all_equivalents(claims: Sequence[Claim]) -> dict[str, tuple[str, ...]]:
    """All equivalents, by peer."""
    found: dict[str, tuple[str, ...]] = {}
    for claim in claims:
        found[claim.peer] = tuple(dict.fromkeys((*found.get(claim.peer, ()), *claim.ids)))
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
                    yield Wording(field, tier, "" if part == OTHER else part, stripped_text(text))
        elif given is not None and tier:
            yield Wording(field, tier, "", stripped_text(given))


def _sentences(spec: Mapping[str, Any], tier: str, fail: Fail, *way: str) -> Iterator[Sentence]:
    """The messages of the rule, or of its tier, for hits that name one."""
    for name, text in (spec.get("messages") or {}).items():
        if not NAME.fullmatch(str(name)):
            raise fail(f"{name!r} can't name a message", *way, "messages", name)
        yield Sentence(name, stripped_text(text), tier)


def _first_text(given: Any) -> str:
    """The words of the rule as a whole: the plain ones, those of `other`, or of the first part."""
    if isinstance(given, dict):
        given = given.get(OTHER, next(iter(given.values()), ""))
    return stripped_text(given)


def stripped_text(value: Any) -> str:
    """Prose from a rule file: folded scalars end in a line break, which is no part of it."""
    return str(value).strip()


def choice_under(
    spec: Mapping[str, Any],
    key: str,
    allowed: Collection[str],
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


def _bind(rule: Rule, file: str, spec: Mapping[str, Any], tier: str, fail: Fail) -> LoadedRule:
    """The rule, or a tier of it, with what runs it: paths and predicates, or a check with its parameters."""
    when = tuple(
        (fact, frozenset(value) if isinstance(value, list) else value)
        for fact, value in (spec.get("when") or {}).items()
    )
    targets = targets_of(spec) if tier else rule.targets
    ways = [key for key in ("require", "forbid", "check") if key in spec]
    if targets == ("core",):
        return LoadedRule(rule, file, when, targets=targets)
    if not ways or ("check" in ways and len(ways) > 1):
        raise fail("a rule has `require` and `forbid`, or a `check`", "target")
    clauses: tuple[Clause, ...] = ()
    if "check" not in spec:
        try:
            clauses = tuple(
                clause(where, what, required=way == "require")
                for way in ways
                for where, what in spec[way].items()
            )
        except ValueError as error:
            raise fail(str(error), ways[0]) from None
    return LoadedRule(
        rule,
        file,
        when,
        clauses,
        str(spec.get("check", "")),
        _arguments(spec, fail),
        targets,
        tier,
        spec.get("own", frozenset()),
        _proofs(spec, clauses, fail),
        str(spec.get("beside", "")),
    )


def _proofs(spec: Mapping[str, Any], clauses: tuple[Clause, ...], fail: Fail) -> tuple[Clause, ...]:
    """The values that prove the rule's items: those under `proves`, else those that `require` asks for."""
    given = spec.get("proves")
    if given is None:
        return tuple(one for one in clauses if one.required)
    if not isinstance(given, dict) or not given:
        raise fail(
            "`proves` is a mapping of paths to what stands there where all is well", "proves"
        )
    if not spec.get("checklist") and "own" not in spec:
        raise fail("`proves` speaks for checklist items, and `checklist` names none", "proves")
    try:
        return tuple(clause(where, what, required=True) for where, what in given.items())
    except ValueError as error:
        raise fail(str(error), "proves") from None


def _arguments(spec: Mapping[str, Any], fail: Fail) -> dict[str, Any]:
    """The parameters under `with`; whether the check takes them is seen when it is imported (see `verify`)."""
    given = spec.get("with") or {}
    if not isinstance(given, dict):
        raise fail("`with` is a mapping of the check's parameters", "with")
    return {name: _with_facts(value, fail) for name, value in given.items()}


def _with_facts(value: Any, fail: Fail) -> Any:
    """A parameter's value; for `{facts: topic.property}`, or a list of such names, the things of which the facts say that.

    Things that are numbers in the facts, such as ports, are numbers here too.
    """
    if not isinstance(value, dict) or value.keys() != {"facts"}:
        return value
    named = value["facts"] if isinstance(value["facts"], list) else [value["facts"]]
    things: list[str | int] = []
    for name in named:
        topic, _, told = name.rpartition(".") if isinstance(name, str) else ("", "", "")
        table = rows(topic) if topic in topics() else {}
        found = [one for one, row in table.items() if isinstance(row, dict) and told in row]
        if not found:
            wrong = f"there are no facts called {str(name)[:80]!r}"
            raise fail(f"{wrong}; name a topic and a property, as `ports.ssh`", "with")
        things += (int(one) if one.isdecimal() else one for one in found)
    return list(dict.fromkeys(things))
