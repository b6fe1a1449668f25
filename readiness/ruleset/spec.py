"""What a rule's words in YAML mean: a Rule, and for each of its tiers what runs it."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from readiness.facts.table import fact_row_by_name, fact_topics
from readiness.model import (
    CATEGORIES,
    PROFILE_LEVELS,
    RULE_AUDIENCES,
    Confidence,
    EquivalentClaim,
    NamedMessage,
    Rule,
    Severity,
    SeverityProof,
    Tier,
    TierOrPartText,
)
from readiness.model.lazy_regex import lazy_regex
from readiness.ruleset import edits
from readiness.ruleset.bound import LoadedRule
from readiness.ruleset.predicates import PathClause, make_path_clause
from readiness.ruleset.rule_file import RULE_KEYS, TIER_KEYS, RuleErrorFactory

REQUIRED_FIELDS = ("title", "severity", "category", "target", "message", "why", "fix")
FINDING_TEXT_FIELDS = ("message", "why", "fix")
FIELDS_MERGED_INTO_TIERS = ("when", "with", "messages")  # of a tier: its own entries beside those of the rule
OTHER_PARTS_KEY = "other"  # among words by part: what the parts that are not named have
MEMBER_NAME_REGEX = lazy_regex(r"[A-Za-z][\w-]*")
_SEVERITY_BY_NAME = {str(one): one for one in Severity}
_CONFIDENCE_BY_NAME = {str(one): one for one in Confidence}
_DETECTION_FIELDS = frozenset({"require", "forbid", "check"})  # the ways in which a rule says what is wrong


def make_loaded_rule_tiers(rule_id: str, rule_file_path: str, rule_spec: Mapping[str, Any], make_error: RuleErrorFactory) -> tuple[LoadedRule, ...]:
    """The rule that the words make, once for each of its tiers. Raises what `make_error` makes."""
    for field_name in rule_spec:
        if field_name not in RULE_KEYS:
            raise make_error(f"no key is called {field_name!r}; allowed are {', '.join(sorted(RULE_KEYS))}", field_name)
    spec_by_tier_name = _spec_by_tier(rule_spec, make_error)
    for tier_name, tier_spec in spec_by_tier_name.items() or (("", rule_spec),):
        for field_name in REQUIRED_FIELDS:
            if field_name not in tier_spec and not (field_name == "message" and tier_spec.get("messages")):
                raise make_error(f"{field_name!r} is missing", *(("tiers", tier_name) if tier_name else ()), field_name)
    made_tiers = tuple(_make_tier(tier_name, tier_spec, make_error) for tier_name, tier_spec in spec_by_tier_name.items())
    base_spec = {**next(iter(spec_by_tier_name.values())), **_rule_texts_by_field(rule_spec)} if spec_by_tier_name else rule_spec
    rule = _make_base_rule(rule_id, base_spec, make_error)
    if made_tiers or "by" in rule_spec:
        rule = _rule_with_tiers_and_parts(rule, rule_spec, made_tiers, spec_by_tier_name, make_error)
    if not spec_by_tier_name:
        return (_make_loaded_rule(rule, rule_file_path, rule_spec, "", make_error),)
    loaded_rules = []
    for tier_name, tier_spec in spec_by_tier_name.items():
        tier_key_path = ("tiers", tier_name)
        make_tier_error: RuleErrorFactory = lambda text, *keys, at=tier_key_path: make_error(text, *at, *keys)  # noqa: E731
        loaded_rules.append(_make_loaded_rule(rule, rule_file_path, tier_spec, tier_name, make_tier_error))
    return tuple(loaded_rules)


def _spec_by_tier(rule_spec: Mapping[str, Any], make_error: RuleErrorFactory) -> dict[str, Mapping[str, Any]]:
    """The words of each tier, what it leaves out taken from the rule."""
    tiers_spec = rule_spec.get("tiers")
    if tiers_spec is None:
        return {}
    if not isinstance(tiers_spec, dict) or not tiers_spec:
        raise make_error("`spec_by_tier_name` is a mapping of names to what each tier has of its own", "tiers")
    spec_by_tier_name: dict[str, Mapping[str, Any]] = {}
    for tier_name, tier_spec in tiers_spec.items():
        if not isinstance(tier_spec, dict):
            raise make_error(f"the tier {tier_name} is a mapping", "tiers", tier_name)
        for tier_key in tier_spec:
            if tier_key not in TIER_KEYS:
                allowed_keys_text = ", ".join(sorted(TIER_KEYS))
                raise make_error(f"a tier has no key {tier_key!r}; allowed are {allowed_keys_text}", "tiers", tier_name, tier_key)
        merged_spec = {**rule_spec, **tier_spec}
        for tier_key in FIELDS_MERGED_INTO_TIERS:
            merged_spec[tier_key] = {**(rule_spec.get(tier_key) or {}), **(tier_spec.get(tier_key) or {})}
        merged_spec["own"] = frozenset(tier_spec.get("with") or ())
        for tier_key in _DETECTION_FIELDS - tier_spec.keys() if _DETECTION_FIELDS & tier_spec.keys() else ():
            merged_spec.pop(tier_key, None)
        if tier_name in PROFILE_LEVELS and "level" not in tier_spec:
            merged_spec["level"] = tier_name
        spec_by_tier_name[tier_name] = merged_spec
    return spec_by_tier_name


def _rule_texts_by_field(rule_spec: Mapping[str, Any]) -> dict[str, Any]:
    """The words that the rule has for all tiers that bring none of their own."""
    return {word: rule_spec[word] for word in FINDING_TEXT_FIELDS if word in rule_spec}


def _make_base_rule(rule_id: str, rule_spec: Mapping[str, Any], make_error: RuleErrorFactory) -> Rule:
    """The words of a rule as a Rule; of one in tiers those of its first."""
    return Rule(
        id=rule_id,
        title=stripped_text(rule_spec["title"]),
        severity=_SEVERITY_BY_NAME[verified_choice(rule_spec, "severity", _SEVERITY_BY_NAME, make_error)],
        confidence=_CONFIDENCE_BY_NAME[verified_choice(rule_spec, "confidence", _CONFIDENCE_BY_NAME, make_error, default_value="high")],
        category=verified_choice(rule_spec, "category", CATEGORIES, make_error),
        kind=rule_id.partition("/")[0],
        targets=target_names_in_spec(rule_spec),
        message=_default_text(rule_spec.get("message", "")),
        why=_default_text(rule_spec["why"]),
        fix=_default_text(rule_spec["fix"]),
        links=tuple(rule_spec.get("links") or ()),
        equivalents={peer: _ids_as_tuple(ids) for peer, ids in (rule_spec.get("same-as") or {}).items()},
        checklist=tuple(rule_spec.get("checklist") or ()),
        marks_secrets=rule_spec.get("hides") is True,
        level=verified_choice(rule_spec, "level", PROFILE_LEVELS, make_error, default_value=PROFILE_LEVELS[0]),
        opinion_reason=stripped_text(rule_spec.get("opinion") or ""),
        proof=_make_severity_proof(rule_spec),
        known_limits=stripped_text(rule_spec.get("limits") or ""),
        named_messages=tuple(_make_named_messages(rule_spec, "", make_error)),
        has_proofs="proves" in rule_spec or "require" in rule_spec,
        asks=_rule_audience(rule_id, rule_spec, make_error),
        edit=edits.make_rule_edit(rule_spec, make_error),
    )


# The categories whose rules are production's questions, by group. Rules on compose files and Dockerfiles say so under `when`;
# a pipeline runs where it lies, with what its repository may do, so what endangers that is asked of every one.
_CATEGORIES_ASKED_OF_PRODUCTION = frozenset({"delivery", "observability", "reliability", "style"})
_PRODUCTION_CATEGORIES_BY_GROUP = {
    "ci": _CATEGORIES_ASKED_OF_PRODUCTION,
    "k8s": _CATEGORIES_ASKED_OF_PRODUCTION | {"edge", "isolation"},
    "nginx": _CATEGORIES_ASKED_OF_PRODUCTION | {"edge", "isolation"},
}


def _rule_audience(rule_id: str, rule_spec: Mapping[str, Any], make_error: RuleErrorFactory) -> str:
    """Of what the rule is asked: as it says, else by its group, its category and what its proof meets."""
    if "asks" in rule_spec:
        return verified_choice(rule_spec, "asks", RULE_AUDIENCES, make_error)
    proof = _make_severity_proof(rule_spec)
    is_production_category = rule_spec.get("category") in _PRODUCTION_CATEGORIES_BY_GROUP.get(rule_id.partition("/")[0], ())
    return "production" if is_production_category and (proof is None or not proof.fails_anywhere) else "everyone"


def _make_severity_proof(rule_spec: Mapping[str, Any]) -> SeverityProof | None:
    """Why the rule is as severe as it is, where it says so."""
    if not (proof_spec := rule_spec.get("proof")):
        return None
    meets, by, since = (stripped_text(proof_spec.get(key, "")) for key in ("meets", "by", "since"))
    return SeverityProof(meets, by, since, proof_spec.get("in") == "production", proof_spec.get("in") == "pods")


def _rule_with_tiers_and_parts(
    rule: Rule,
    rule_spec: Mapping[str, Any],
    rule_tiers: tuple[Tier, ...],
    spec_by_tier_name: Mapping[str, Mapping[str, Any]],
    make_error: RuleErrorFactory,
) -> Rule:
    """A rule with its tiers (`rule_tiers`, with the words of each in `spec_by_tier_name`) and its parts."""
    part_fact_name, part_names = _part_fact_and_values(rule_spec, make_error)
    _verify_tiers_and_parts(rule_tiers, part_names, make_error)
    equivalent_claims = [*_make_equivalent_claims(rule_spec, part_names, make_error)]
    member_texts = [*_make_tier_and_part_texts(rule_spec, "", part_names, make_error)]
    named_messages = [*_make_named_messages(rule_spec, "", make_error)]
    for tier_name in spec_by_tier_name:
        tier_spec, tier_key_path = rule_spec["tiers"][tier_name], ("tiers", tier_name)
        equivalent_claims += _make_equivalent_claims(tier_spec, part_names, make_error, *tier_key_path)
        member_texts += _make_tier_and_part_texts(tier_spec, tier_name, part_names, make_error, *tier_key_path)
        named_messages += _make_named_messages(tier_spec, tier_name, make_error, *tier_key_path)
    checklist_items = (item for tier_name in rule_tiers for item in tier_name.checklist)
    target_names = (target for words in spec_by_tier_name.values() for target in target_names_in_spec(words))
    return rule._replace(
        targets=tuple(dict.fromkeys(target_names)) or rule.targets,
        equivalents=_equivalent_ids_by_linter(equivalent_claims),
        checklist=tuple(dict.fromkeys(checklist_items)) if rule_tiers else rule.checklist,
        tiers=rule_tiers,
        part_fact=part_fact_name,
        parts=part_names,
        equivalent_claims=tuple(equivalent_claims) if any(one.tier or one.part for one in equivalent_claims) else (),
        wordings=tuple(member_texts),
        named_messages=tuple(named_messages),
    )


def _part_fact_and_values(rule_spec: Mapping[str, Any], make_error: RuleErrorFactory) -> tuple[str, tuple[str, ...]]:
    """The fact that tells the hits apart, and its values."""
    part_fact_spec = rule_spec.get("by")
    if part_fact_spec is None:
        return "", ()
    if not isinstance(part_fact_spec, dict) or len(part_fact_spec) != 1:
        raise make_error("`by` is one fact of the hits with its values, as {manager: [apk, apt]}", "by")
    (fact_name, part_values), *_ = part_fact_spec.items()
    if not isinstance(part_values, list) or not part_values:
        raise make_error(f"`by` lists the values of {fact_name}", "by")
    return str(fact_name), tuple(str(value) for value in part_values)


def _make_tier(tier_name: str, tier_spec: Mapping[str, Any], make_error: RuleErrorFactory) -> Tier:
    tier_key_path = ("tiers", tier_name) if tier_name else ()
    return Tier(
        tier_name,
        verified_choice(tier_spec, "level", PROFILE_LEVELS, make_error, *tier_key_path, default_value=PROFILE_LEVELS[0]),
        _SEVERITY_BY_NAME[verified_choice(tier_spec, "severity", _SEVERITY_BY_NAME, make_error, *tier_key_path)],
        tuple(tier_spec.get("checklist") or ()),
        stripped_text(tier_spec.get("opinion") or ""),
        edits.make_rule_edit(tier_spec, make_error, *tier_key_path),
    )


def _verify_tiers_and_parts(tiers: Sequence[Tier], part_names: Sequence[str], make_error: RuleErrorFactory) -> None:
    """Whether tiers go from mild to strict, and every name after a colon means one thing."""
    member_names = [one.name for one in tiers if one.name] + list(part_names)
    for member_name in member_names:
        if not MEMBER_NAME_REGEX.fullmatch(member_name) or member_name == OTHER_PARTS_KEY or member_names.count(member_name) > 1:
            raise make_error(f"{member_name!r} can't name a tier or a part, or does so twice", "tiers")
    for tier, next_tier in itertools.pairwise(tiers):
        if PROFILE_LEVELS.index(next_tier.level) < PROFILE_LEVELS.index(tier.level):
            raise make_error(f"{next_tier.name} has a milder level than {tier.name} before it", "tiers")
        if next_tier.severity > tier.severity:
            raise make_error(f"{next_tier.name} is worse than {tier.name} before it", "tiers")


def _make_equivalent_claims(
    rule_or_tier_spec: Mapping[str, Any], part_names: Sequence[str], make_error: RuleErrorFactory, *tier_key_path: str
) -> Iterator[EquivalentClaim]:
    """What stands under `same-as`: {peer: [ids]}, or {peer: {part: [ids]}}."""
    tier_name = tier_key_path[-1] if tier_key_path else ""
    for linter, ids_or_ids_by_part in (rule_or_tier_spec.get("same-as") or {}).items():
        if not isinstance(ids_or_ids_by_part, dict):
            yield EquivalentClaim(linter, _ids_as_tuple(ids_or_ids_by_part), tier_name)
            continue
        for part_name, ids_of_part in ids_or_ids_by_part.items():
            if part_name not in part_names:
                raise make_error(f"{part_name!r} is no value that `by` lists", *tier_key_path, "same-as", linter, part_name)
            yield EquivalentClaim(linter, _ids_as_tuple(ids_of_part), tier_name, part_name)


def _ids_as_tuple(id_or_ids: Any) -> tuple[str, ...]:
    """One id of another linter, or several."""
    return tuple(str(one) for one in (id_or_ids if isinstance(id_or_ids, list) else [id_or_ids]))


def _equivalent_ids_by_linter(claims: Sequence[EquivalentClaim]) -> dict[str, tuple[str, ...]]:
    """All equivalents, by peer."""
    ids_by_linter: dict[str, tuple[str, ...]] = {}
    for claim in claims:
        ids_by_linter[claim.linter] = tuple(dict.fromkeys((*ids_by_linter.get(claim.linter, ()), *claim.ids)))
    return ids_by_linter


def _make_tier_and_part_texts(
    rule_or_tier_spec: Mapping[str, Any],
    tier_name: str,
    part_names: Sequence[str],
    make_error: RuleErrorFactory,
    *tier_key_path: str,
) -> Iterator[TierOrPartText]:
    """The words that only some hits have: those of a tier, and those under the name of a part."""
    for field_name in FINDING_TEXT_FIELDS:
        text_or_text_by_part = rule_or_tier_spec.get(field_name)
        if isinstance(text_or_text_by_part, dict):
            if OTHER_PARTS_KEY not in text_or_text_by_part and set(part_names) - text_or_text_by_part.keys():
                missing_parts_text = ", ".join(sorted(set(part_names) - text_or_text_by_part.keys()))
                raise make_error(
                    f"{field_name} has no words for {missing_parts_text}, and no `{OTHER_PARTS_KEY}`",
                    *tier_key_path,
                    field_name,
                )
            for part_name, text in text_or_text_by_part.items():
                if part_name not in part_names and part_name != OTHER_PARTS_KEY:
                    raise make_error(f"{part_name!r} is no value that `by` lists", *tier_key_path, field_name, part_name)
                if part_name != OTHER_PARTS_KEY or tier_name:
                    yield TierOrPartText(field_name, tier_name, "" if part_name == OTHER_PARTS_KEY else part_name, stripped_text(text))
        elif text_or_text_by_part is not None and tier_name:
            yield TierOrPartText(field_name, tier_name, "", stripped_text(text_or_text_by_part))


def _make_named_messages(
    rule_or_tier_spec: Mapping[str, Any], tier_name: str, make_error: RuleErrorFactory, *tier_key_path: str
) -> Iterator[NamedMessage]:
    """The messages of the rule, or of its tier, for hits that name one."""
    for message_name, message_text in (rule_or_tier_spec.get("messages") or {}).items():
        if not MEMBER_NAME_REGEX.fullmatch(str(message_name)):
            raise make_error(f"{message_name!r} can't name a message", *tier_key_path, "messages", message_name)
        yield NamedMessage(message_name, stripped_text(message_text), tier_name)


def _default_text(text_or_text_by_part: Any) -> str:
    """The words of the rule as a whole: the plain ones, those of `other`, or of the first part."""
    if isinstance(text_or_text_by_part, dict):
        text_or_text_by_part = text_or_text_by_part.get(OTHER_PARTS_KEY, next(iter(text_or_text_by_part.values()), ""))
    return stripped_text(text_or_text_by_part)


def stripped_text(text_value: Any) -> str:
    """Prose from a rule file: folded scalars end in a line break, which is no part of it."""
    return str(text_value).strip()


def verified_choice(
    rule_or_tier_spec: Mapping[str, Any],
    field_name: str,
    allowed_values: Collection[str],
    make_error: RuleErrorFactory,
    *tier_key_path: str,
    default_value: str = "",
) -> str:
    """The value under a key that has a fixed set of values."""
    chosen_value = rule_or_tier_spec.get(field_name, default_value)
    if chosen_value not in allowed_values:
        raise make_error(f"{field_name} is {chosen_value!r}; allowed are {', '.join(allowed_values)}", *tier_key_path, field_name)
    return str(chosen_value)


def target_names_in_spec(rule_or_tier_spec: Mapping[str, Any]) -> tuple[str, ...]:
    """The targets that a rule or a tier names."""
    target_spec = rule_or_tier_spec["target"]
    return tuple(target_spec) if isinstance(target_spec, list) else (target_spec,)


def _make_loaded_rule(
    rule: Rule, rule_file_path: str, rule_or_tier_spec: Mapping[str, Any], tier_name: str, make_error: RuleErrorFactory
) -> LoadedRule:
    """The rule, or a tier of it, with what runs it: paths and predicates, or a check with its parameters."""
    allowed_values_by_fact = tuple(
        (fact, frozenset(value) if isinstance(value, list) else value) for fact, value in (rule_or_tier_spec.get("when") or {}).items()
    )
    target_names = target_names_in_spec(rule_or_tier_spec) if tier_name else rule.targets
    detection_fields = [key for key in ("require", "forbid", "check") if key in rule_or_tier_spec]
    if target_names == ("core",):
        return LoadedRule(rule, rule_file_path, allowed_values_by_fact, targets=target_names)
    if not detection_fields or ("check" in detection_fields and len(detection_fields) > 1):
        raise make_error("a rule has `require` and `forbid`, or a `check`", "target")
    path_clauses: tuple[PathClause, ...] = ()
    if "check" not in rule_or_tier_spec:
        try:
            path_clauses = tuple(
                make_path_clause(where, what, is_required=way == "require")
                for way in detection_fields
                for where, what in rule_or_tier_spec[way].items()
            )
        except ValueError as error:
            raise make_error(str(error), detection_fields[0]) from None
    return LoadedRule(
        rule,
        rule_file_path,
        allowed_values_by_fact,
        path_clauses,
        str(rule_or_tier_spec.get("check", "")),
        _resolve_check_arguments(rule_or_tier_spec, make_error),
        target_names,
        tier_name,
        rule_or_tier_spec.get("own", frozenset()),
        _make_proof_clauses(rule_or_tier_spec, path_clauses, make_error),
        str(rule_or_tier_spec.get("beside", "")),
    )


def _make_proof_clauses(
    rule_or_tier_spec: Mapping[str, Any], path_clauses: tuple[PathClause, ...], make_error: RuleErrorFactory
) -> tuple[PathClause, ...]:
    """The values that prove the rule's items: those under `proves`, else those that `require` asks for."""
    proofs_spec = rule_or_tier_spec.get("proves")
    if proofs_spec is None:
        return tuple(one for one in path_clauses if one.is_required)
    if not isinstance(proofs_spec, dict) or not proofs_spec:
        raise make_error("`proves` is a mapping of paths to what stands there where all is well", "proves")
    if not rule_or_tier_spec.get("checklist") and "own" not in rule_or_tier_spec:
        raise make_error("`proves` speaks for checklist items, and `checklist` names none", "proves")
    try:
        return tuple(make_path_clause(where, what, is_required=True) for where, what in proofs_spec.items())
    except ValueError as error:
        raise make_error(str(error), "proves") from None


def _resolve_check_arguments(rule_or_tier_spec: Mapping[str, Any], make_error: RuleErrorFactory) -> dict[str, Any]:
    """The parameters under `with`; whether the check takes them is seen when it is imported (see `verification`)."""
    argument_spec_by_name = rule_or_tier_spec.get("with") or {}
    if not isinstance(argument_spec_by_name, dict):
        raise make_error("`with` is a mapping of the check's parameters", "with")
    return {name: _resolve_fact_values(value, make_error) for name, value in argument_spec_by_name.items()}


def _resolve_fact_values(parameter_value: Any, make_error: RuleErrorFactory) -> Any:
    """A parameter's value; for `{facts: topic.property}`, or a list of such names, the things of which the facts say that.

    Things that are numbers in the facts, such as ports, are numbers here too.
    """
    if not isinstance(parameter_value, dict) or parameter_value.keys() != {"facts"}:
        return parameter_value
    fact_names = parameter_value["facts"] if isinstance(parameter_value["facts"], list) else [parameter_value["facts"]]
    matching_things: list[str | int] = []
    for fact_name in fact_names:
        topic_name, _, property_name = fact_name.rpartition(".") if isinstance(fact_name, str) else ("", "", "")
        row_by_thing = fact_row_by_name(topic_name) if topic_name in fact_topics() else {}
        things_with_property = [one for one, row in row_by_thing.items() if isinstance(row, dict) and property_name in row]
        if not things_with_property:
            problem_text = f"there are no facts called {str(fact_name)[:80]!r}"
            raise make_error(f"{problem_text}; name a topic and a property, as `ports.ssh`", "with")
        matching_things += (int(one) if one.isdecimal() else one for one in things_with_property)
    return list(dict.fromkeys(matching_things))
