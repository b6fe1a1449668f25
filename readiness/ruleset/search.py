"""Finding a rule by words, or by another linter's id however it is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from readiness.model import Rule
from readiness.model.lazy_regex import lazy_regex

_SEPARATORS = lazy_regex(r"[-_\s.]+")
_LEADING_ZEROS = lazy_regex(r"(?<=[a-z])0+(?=\d)")
_WORD = lazy_regex(r"[a-z0-9]+")
_ID_WEIGHT, _TITLE_WEIGHT, _PEER_WEIGHT, _PROSE_WEIGHT = 8, 6, 5, 1
_MIN_STEM_LENGTH = 3  # letters of a searched word that have to begin a word of the rule


def normal_peer_id(peer_id: str) -> str:
    """Another linter's id in one spelling: `AVD-KSV-0008`, `KSV008` and `ksv-8` are one, and so are `CKV_K8S_8` and `ckv-k8s-8`."""
    lowercase_id = peer_id.strip().lower().removeprefix("avd-")
    return _LEADING_ZEROS.sub("", _SEPARATORS.sub("", lowercase_id))


def has_equivalent(rule: Rule, peer_id: str) -> bool:
    """Whether a rule, or a part of it, says the same as a rule of another linter, whose id may be written in any way."""
    wanted_id = normal_peer_id(peer_id)
    return any(normal_peer_id(one) == wanted_id for ids in rule.equivalents.values() for one in ids)


def rules_matching_words(rules: Iterable[Rule], words: Sequence[str]) -> list[Rule]:
    """The rules that hold all words, those first that have them in the id, the title or another linter's id."""
    scored_rules = [(_match_weight(rule, words), rule) for rule in rules]
    return [rule for weight, rule in sorted(scored_rules, key=lambda pair: (-pair[0], pair[1].id)) if weight]


def _match_weight(rule: Rule, words: Sequence[str]) -> int:
    """How well a rule fits all words; 0 where one of them is nowhere in it."""
    weighted_words = (
        (_ID_WEIGHT, _words_of(rule.id)),
        (_TITLE_WEIGHT, _words_of(rule.title)),
        (_PROSE_WEIGHT, _words_of(" ".join((rule.why, rule.fix, rule.message, rule.category)))),
    )
    total_weight = 0
    for word in words:
        weight = _PEER_WEIGHT if has_equivalent(rule, word) else 0
        for part in _words_of(word) if not weight else ():
            part_weight = sum(weight_of_text for weight_of_text, text_words in weighted_words if _is_among(part, text_words))
            if not part_weight:
                return 0
            weight += part_weight
        if not weight:
            return 0
        total_weight += weight
    return total_weight


def _words_of(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))


def _is_among(searched_word: str, text_words: frozenset[str]) -> bool:
    """Whether a word is among those of a text, or begins one of them (`probe` finds `probes`)."""
    if searched_word in text_words:
        return True
    return len(searched_word) >= _MIN_STEM_LENGTH and any(one.startswith(searched_word) for one in text_words)
