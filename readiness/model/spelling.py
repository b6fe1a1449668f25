"""Words that are nearly one that is known: what a message offers in their place."""

from __future__ import annotations

from collections.abc import Iterable

MAX_WORD_LENGTH = 60  # characters of a word that is compared; names of keys, flags, stages and rules are shorter
MAX_KNOWN_WORDS = 300  # known words that it is compared with, unless a caller asks for more: a file may have thousands of both
MIN_WORD_SIMILARITY = 0.75  # of difflib's ratio: one slip in a word of four letters, two in one of eight


def most_similar_known_word(word: str, known_words: Iterable[str], max_known_words: int = MAX_KNOWN_WORDS) -> str:
    """The known word that `word` is most like, whatever the letters' case; empty where none is like it.

    A word of one's own is not taken for a slip of the pen: shorter than three letters, or over MAX_WORD_LENGTH, nothing is like it.
    """
    if not 3 <= len(word) <= MAX_WORD_LENGTH:
        return ""
    word_by_lowercase: dict[str, str] = {}
    for known_word in known_words:
        if known_word != word:
            word_by_lowercase.setdefault(known_word.lower(), known_word)
        if len(word_by_lowercase) >= max_known_words:
            break
    lowercase_word = word.lower()
    if lowercase_word in word_by_lowercase:
        return word_by_lowercase[lowercase_word]
    import difflib  # few runs meet a word that is nearly another

    close_matches = difflib.get_close_matches(lowercase_word, word_by_lowercase, 1, MIN_WORD_SIMILARITY)
    return word_by_lowercase[close_matches[0]] if close_matches else ""


def did_you_mean_text(word: str, known_words: Iterable[str]) -> str:
    """`; did you mean 'X'?`, to stand behind a message; empty where nothing is near."""
    suggested_word = most_similar_known_word(word, known_words)
    return f"; did you mean {suggested_word!r}?" if suggested_word else ""


def is_one_typo_apart(word: str, other_word: str) -> bool:
    """Whether one letter was left out, added or changed, or two neighbours were swapped: how names are imitated."""
    if abs(len(word) - len(other_word)) > 1 or word == other_word:
        return False
    first_difference_index = next(
        (i for i, (a, b) in enumerate(zip(word, other_word, strict=False)) if a != b),
        min(len(word), len(other_word)),
    )
    if len(word) == len(other_word):
        are_letters_swapped = (
            word[first_difference_index + 1 : first_difference_index + 2] + word[first_difference_index : first_difference_index + 1]
            == other_word[first_difference_index : first_difference_index + 2]
        )
        return word[first_difference_index + 1 :] == other_word[first_difference_index + 1 :] or (
            are_letters_swapped and word[first_difference_index + 2 :] == other_word[first_difference_index + 2 :]
        )
    longer_word, shorter_word = (word, other_word) if len(word) > len(other_word) else (other_word, word)
    return longer_word[first_difference_index + 1 :] == shorter_word[first_difference_index:]
