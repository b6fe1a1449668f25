"""What a rule's words in YAML mean: a Rule, and for each of its tiers what runs it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from readiness.facts.table import fact_rows, fact_topics
from readiness.model import (
    ASKED,
    CATEGORIES,
    LEVELS,
    Confidence,
    EquivalentClaim,
    NamedMessage,
    Rule,
    Severity,
    SeverityProof,
    Tier,
    TierOrPartText,
)
from readiness.ruleset.bound import LoadedRule
from readiness.ruleset.predicates import PathClause, make_clause
from readiness.ruleset.rule_file import RULE_KEYS, TIER_KEYS, MakeError

REQUIRED_FIELDS = ("title", "severity", "category", "target", "message", "why", "fix")
TEXT_FIELDS = ("message", "why", "fix")
MERGED_FIELDS = ("when", "with", "messages")  # of a tier: its own entries beside those of the rule
OTHER_PARTS = "other"  # among words by part: what the parts that are not named have
MEMBER_NAME = re.compile(r"[A-Za-z][\w-]*")
_SEVERITY_BY_NAME = {str(one): one for one in Severity}
_CONFIDENCE_BY_NAME = {str(one): one for one in Confidence}
_DETECTION_FIELDS = frozenset({"require", "forbid", "check"})  # the ways in which a rule says what is wrong


def make_rule(name: str, file: str, spec: Mapping[str, Any], make_error: MakeError) -> tuple[LoadedRule, ...]:
    """The rule that the words make, once for each of its tiers. Raises what `make_error` makes."""
    for key in spec:
        if key not in RULE_KEYS:
            raise make_error(f"no key is called {key!r}; allowed are {', '.join(sorted(RULE_KEYS))}", key)
    tiers = _spec_by_tier(spec, make_error)
    for tier, words in tiers.items() or (("", spec),):
        for key in REQUIRED_FIELDS:
            if key not in words and not (key == "message" and words.get("messages")):
                raise make_error(f"{key!r} is missing", *(("tiers", tier) if tier else ()), key)
    steps = tuple(_make_tier(tier, words, make_error) for tier, words in tiers.items())
    first = {**next(iter(tiers.values())), **_own_words(spec)} if tiers else spec
    rule = _base_rule(name, first, make_error)
    if steps or "by" in spec:
        rule = _with_members(rule, spec, steps, tiers, make_error)
    if not tiers:
        return (_make_loaded_rule(rule, file, spec, "", make_error),)
    bounds = []
    for tier, words in tiers.items():
        at = ("tiers", tier)
        fail_in_tier: MakeError = lambda text, *keys, at=at: make_error(text, *at, *keys)  # noqa: E731
        bounds.append(_make_loaded_rule(rule, file, words, tier, fail_in_tier))
    return tuple(bounds)


def _spec_by_tier(spec: Mapping[str, Any], fail: MakeError) -> dict[str, Mapping[str, Any]]:
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
        for key in MERGED_FIELDS:
            merged[key] = {**(spec.get(key) or {}), **(own.get(key) or {})}
        merged["own"] = frozenset(own.get("with") or ())
        for key in _DETECTION_FIELDS - own.keys() if _DETECTION_FIELDS & own.keys() else ():
            merged.pop(key, None)
        if name in LEVELS and "level" not in own:
            merged["level"] = name
        tiers[name] = merged
    return tiers


def _own_words(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The words that the rule has for all tiers that bring none of their own."""
    return {word: spec[word] for word in TEXT_FIELDS if word in spec}


def _base_rule(name: str, spec: Mapping[str, Any], fail: MakeError) -> Rule:
    """The words of a rule as a Rule; of one in tiers those of its first."""
    return Rule(
        id=name,
        title=stripped_text(spec["title"]),
        severity=_SEVERITY_BY_NAME[verified_choice(spec, "severity", _SEVERITY_BY_NAME, fail)],
        confidence=_CONFIDENCE_BY_NAME[verified_choice(spec, "confidence", _CONFIDENCE_BY_NAME, fail, default="high")],
        category=verified_choice(spec, "category", CATEGORIES, fail),
        kind=name.partition("/")[0],
        targets=targets_of(spec),
        message=_first_text(spec.get("message", "")),
        why=_first_text(spec["why"]),
        fix=_first_text(spec["fix"]),
        links=tuple(spec.get("links") or ()),
        equivalents={peer: _id_list(ids) for peer, ids in (spec.get("same-as") or {}).items()},
        checklist=tuple(spec.get("checklist") or ()),
        marks_secrets=spec.get("hides") is True,
        level=verified_choice(spec, "level", LEVELS, fail, default=LEVELS[0]),
        opinion_reason=stripped_text(spec.get("opinion") or ""),
        proof=_make_proof(spec),
        known_limits=stripped_text(spec.get("limits") or ""),
        named_messages=tuple(_make_sentences(spec, "", fail)),
        has_proofs="proves" in spec or "require" in spec,
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


def _asked(name: str, spec: Mapping[str, Any], fail: MakeError) -> str:
    """Of what the rule is asked: as it says, else by its group, its category and what its proof meets."""
    if "asks" in spec:
        return verified_choice(spec, "asks", ASKED, fail)
    proof = _make_proof(spec)
    asked = spec.get("category") in _OF_PRODUCTION.get(name.partition("/")[0], ())
    return "production" if asked and (proof is None or not proof.fails_anywhere) else "everyone"


def _make_proof(spec: Mapping[str, Any]) -> SeverityProof | None:
    """Why the rule is as severe as it is, where it says so."""
    given = spec.get("proof")
    return SeverityProof(stripped_text(given["meets"]), stripped_text(given["by"])) if given else None


def _with_members(
    rule: Rule,
    spec: Mapping[str, Any],
    rule_tiers: tuple[Tier, ...],
    tiers: Mapping[str, Mapping[str, Any]],
    fail: MakeError,
) -> Rule:
    """A rule with its tiers (`rule_tiers`, with the words of each in `tiers`) and its parts."""
    by, parts = _part_fact(spec, fail)
    _verify_members(rule_tiers, parts, fail)
    claims = [*_make_claims(spec, parts, fail)]
    wordings = [*_make_wordings(spec, "", parts, fail)]
    sentences = [*_make_sentences(spec, "", fail)]
    for tier in tiers:
        own, way = spec["tiers"][tier], ("tiers", tier)
        claims += _make_claims(own, parts, fail, *way)
        wordings += _make_wordings(own, tier, parts, fail, *way)
        sentences += _make_sentences(own, tier, fail, *way)
    items = (item for tier in rule_tiers for item in tier.checklist)
    targets = (target for words in tiers.values() for target in targets_of(words))
    return rule._replace(
        targets=tuple(dict.fromkeys(targets)) or rule.targets,
        equivalents=_all_equivalents(claims),
        checklist=tuple(dict.fromkeys(items)) if rule_tiers else rule.checklist,
        tiers=rule_tiers,
        part_fact=by,
        parts=parts,
        equivalent_claims=tuple(claims) if any(one.tier or one.part for one in claims) else (),
        wordings=tuple(wordings),
        named_messages=tuple(sentences),
    )


def _part_fact(spec: Mapping[str, Any], fail: MakeError) -> tuple[str, tuple[str, ...]]:
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


def _make_tier(name: str, spec: Mapping[str, Any], fail: MakeError) -> Tier:
    way = ("tiers", name) if name else ()
    return Tier(
        name,
        verified_choice(spec, "level", LEVELS, fail, *way, default=LEVELS[0]),
        _SEVERITY_BY_NAME[verified_choice(spec, "severity", _SEVERITY_BY_NAME, fail, *way)],
        tuple(spec.get("checklist") or ()),
        stripped_text(spec.get("opinion") or ""),
    )


def _verify_members(tiers: Sequence[Tier], parts: Sequence[str], fail: MakeError) -> None:
    """Whether tiers go from mild to strict, and every name after a colon means one thing."""
    names = [one.name for one in tiers if one.name] + list(parts)
    for name in names:
        if not MEMBER_NAME.fullmatch(name) or name == OTHER_PARTS or names.count(name) > 1:
            raise fail(f"{name!r} can't name a tier or a part, or does so twice", "tiers")
    for tier, after in itertools.pairwise(tiers):
        if LEVELS.index(after.level) < LEVELS.index(tier.level):
            raise fail(f"{after.name} has a milder level than {tier.name} before it", "tiers")
        if after.severity > tier.severity:
            raise fail(f"{after.name} is worse than {tier.name} before it", "tiers")


def _make_claims(spec: Mapping[str, Any], parts: Sequence[str], fail: MakeError, *way: str) -> Iterator[EquivalentClaim]:
    """What stands under `same-as`: {peer: [ids]}, or {peer: {part: [ids]}}."""
    tier = way[-1] if way else ""
    for peer, ids in (spec.get("same-as") or {}).items():
        if not isinstance(ids, dict):
            yield EquivalentClaim(peer, _id_list(ids), tier)
            continue
        for part, own in ids.items():
            if part not in parts:
                raise fail(f"{part!r} is no value that `by` lists", *way, "same-as", peer, part)
            yield EquivalentClaim(peer, _id_list(own), tier, part)


def _id_list(ids: Any) -> tuple[str, ...]:
    """One id of another linter, or several."""
    return tuple(str(one) for one in (ids if isinstance(ids, list) else [ids]))


def _all_equivalents(claims: Sequence[EquivalentClaim]) -> dict[str, tuple[str, ...]]:
    """All equivalents, by peer."""
    found: dict[str, tuple[str, ...]] = {}
    for claim in claims:
        found[claim.linter] = tuple(dict.fromkeys((*found.get(claim.linter, ()), *claim.ids)))
    return found


def _make_wordings(
    spec: Mapping[str, Any], tier: str, parts: Sequence[str], fail: MakeError, *way: str
) -> Iterator[TierOrPartText]:
    """The words that only some hits have: those of a tier, and those under the name of a part."""
    for field in TEXT_FIELDS:
        given = spec.get(field)
        if isinstance(given, dict):
            if OTHER_PARTS not in given and set(parts) - given.keys():
                lacking = ", ".join(sorted(set(parts) - given.keys()))
                raise fail(f"{field} has no words for {lacking}, and no `{OTHER_PARTS}`", *way, field)
            for part, text in given.items():
                if part not in parts and part != OTHER_PARTS:
                    raise fail(f"{part!r} is no value that `by` lists", *way, field, part)
                if part != OTHER_PARTS or tier:
                    yield TierOrPartText(field, tier, "" if part == OTHER_PARTS else part, stripped_text(text))
        elif given is not None and tier:
            yield TierOrPartText(field, tier, "", stripped_text(given))


def _make_sentences(spec: Mapping[str, Any], tier: str, fail: MakeError, *way: str) -> Iterator[NamedMessage]:
    """The messages of the rule, or of its tier, for hits that name one."""
    for name, text in (spec.get("messages") or {}).items():
        if not MEMBER_NAME.fullmatch(str(name)):
            raise fail(f"{name!r} can't name a message", *way, "messages", name)
        yield NamedMessage(name, stripped_text(text), tier)


def _first_text(texts: Any) -> str:
    """The words of the rule as a whole: the plain ones, those of `other`, or of the first part."""
    if isinstance(texts, dict):
        texts = texts.get(OTHER_PARTS, next(iter(texts.values()), ""))
    return stripped_text(texts)


def stripped_text(value: Any) -> str:
    """Prose from a rule file: folded scalars end in a line break, which is no part of it."""
    return str(value).strip()


def verified_choice(
    spec: Mapping[str, Any],
    key: str,
    allowed: Collection[str],
    fail: MakeError,
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


def _make_loaded_rule(rule: Rule, file: str, spec: Mapping[str, Any], tier: str, fail: MakeError) -> LoadedRule:
    """The rule, or a tier of it, with what runs it: paths and predicates, or a check with its parameters."""
    when = tuple(
        (fact, frozenset(value) if isinstance(value, list) else value) for fact, value in (spec.get("when") or {}).items()
    )
    targets = targets_of(spec) if tier else rule.targets
    ways = [key for key in ("require", "forbid", "check") if key in spec]
    if targets == ("core",):
        return LoadedRule(rule, file, when, targets=targets)
    if not ways or ("check" in ways and len(ways) > 1):
        raise fail("a rule has `require` and `forbid`, or a `check`", "target")
    clauses: tuple[PathClause, ...] = ()
    if "check" not in spec:
        try:
            clauses = tuple(
                make_clause(where, what, required=way == "require") for way in ways for where, what in spec[way].items()
            )
        except ValueError as error:
            raise fail(str(error), ways[0]) from None
    return LoadedRule(
        rule,
        file,
        when,
        clauses,
        str(spec.get("check", "")),
        _resolve_check_arguments(spec, fail),
        targets,
        tier,
        spec.get("own", frozenset()),
        _make_proof_clauses(spec, clauses, fail),
        str(spec.get("beside", "")),
    )


def _make_proof_clauses(spec: Mapping[str, Any], clauses: tuple[PathClause, ...], fail: MakeError) -> tuple[PathClause, ...]:
    """The values that prove the rule's items: those under `proves`, else those that `require` asks for."""
    given = spec.get("proves")
    if given is None:
        return tuple(one for one in clauses if one.is_required)
    if not isinstance(given, dict) or not given:
        raise fail("`proves` is a mapping of paths to what stands there where all is well", "proves")
    if not spec.get("checklist") and "own" not in spec:
        raise fail("`proves` speaks for checklist items, and `checklist` names none", "proves")
    try:
        return tuple(make_clause(where, what, required=True) for where, what in given.items())
    except ValueError as error:
        raise fail(str(error), "proves") from None


def _resolve_check_arguments(spec: Mapping[str, Any], fail: MakeError) -> dict[str, Any]:
    """The parameters under `with`; whether the check takes them is seen when it is imported (see `verification`)."""
    given = spec.get("with") or {}
    if not isinstance(given, dict):
        raise fail("`with` is a mapping of the check's parameters", "with")
    return {name: _resolve_fact_values(value, fail) for name, value in given.items()}


def _resolve_fact_values(value: Any, fail: MakeError) -> Any:
    """A parameter's value; for `{facts: topic.property}`, or a list of such names, the things of which the facts say that.

    Things that are numbers in the facts, such as ports, are numbers here too.
    """
    if not isinstance(value, dict) or value.keys() != {"facts"}:
        return value
    named = value["facts"] if isinstance(value["facts"], list) else [value["facts"]]
    things: list[str | int] = []
    for name in named:
        topic, _, told = name.rpartition(".") if isinstance(name, str) else ("", "", "")
        table = fact_rows(topic) if topic in fact_topics() else {}
        found = [one for one, row in table.items() if isinstance(row, dict) and told in row]
        if not found:
            wrong = f"there are no facts called {str(name)[:80]!r}"
            raise fail(f"{wrong}; name a topic and a property, as `ports.ssh`", "with")
        things += (int(one) if one.isdecimal() else one for one in found)
    return list(dict.fromkeys(things))
