"""Words that are nearly one that is known: what a message offers in their place."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MAX_WORD_LENGTH = 60  # characters of a word that is compared; names of keys, flags, stages and rules are shorter
MAX_KNOWN_WORDS = 2000  # known words that it is compared with
MIN_SIMILARITY = 0.75  # of difflib's ratio: one slip in a word of four letters, two in one of eight


def nearest_word(word: str, known_words: Iterable[str]) -> str:
    """The known word that `word` is most like, whatever the letters' case; empty where none is like it.

    A word of one's own is not taken for a slip of the pen: shorter than three letters, or over MAX_WORD_LENGTH, nothing is like it.
    """
    if not 3 <= len(word) <= MAX_WORD_LENGTH:
        return ""
    by_lower: dict[str, str] = {}
    for other in known_words:
        if other != word:
            by_lower.setdefault(other.lower(), other)
        if len(by_lower) >= MAX_KNOWN_WORDS:
            break
    low = word.lower()
    if low in by_lower:
        return by_lower[low]
    close = difflib.get_close_matches(low, by_lower, 1, MIN_SIMILARITY)
    return by_lower[close[0]] if close else ""


def did_you_mean_text(word: str, known_words: Iterable[str]) -> str:
    """`; did you mean 'X'?`, to stand behind a message; empty where nothing is near."""
    near = nearest_word(word, known_words)
    return f"; did you mean {near!r}?" if near else ""


def is_one_slip_apart(word: str, other: str) -> bool:
    """Whether one letter was left out, added or changed, or two neighbours were swapped: how names are imitated."""
    if abs(len(word) - len(other)) > 1 or word == other:
        return False
    at = next(
        (i for i, (a, b) in enumerate(zip(word, other, strict=False)) if a != b),
        min(len(word), len(other)),
    )
    if len(word) == len(other):
        swapped = word[at + 1 : at + 2] + word[at : at + 1] == other[at : at + 2]
        return word[at + 1 :] == other[at + 1 :] or (swapped and word[at + 2 :] == other[at + 2 :])
    long, short = (word, other) if len(word) > len(other) else (other, word)
    return long[at + 1 :] == short[at:]
