"""What the comment at the head of a file says that the file is for."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from readiness.model import Span
from readiness.model.lazy_regex import lazy_regex

MAX_HEAD_LENGTH = 4000  # characters: who says what a file is for says it first

_HEAD_COMMENT = lazy_regex(r"(?:\ufeff?(?:[ \t]*(?:#[^\n]*)?|---[ \t]*|version:[^\n]*)(?:\n|\Z))+")
_SENTENCE_END = lazy_regex(r"(?<=[.!?;])\s+|\n\s*\n|\n(?=\s*(?:[-*=]|\d+[.)]))")
_PURPOSE_PATTERNS = (
    ("test", r"(?:integration |e2e |end-to-end |unit |automated )?(?:tests?|testing|ci|e2e)"),
    ("demo", r"(?:demos?|demonstrations?|evaluation|trying (?:it )?out|quick ?-?start)"),
    ("development", r"(?:local )?(?:development|dev|debugging|hacking)"),
)
# What every sentence has that says what a file is for: most comments are about other things, and are looked at no closer.
_PURPOSE_WORD = lazy_regex(rf"production|\bsample\b|\b(?:{'|'.join(words for _, words in _PURPOSE_PATTERNS)})\b")
# Who speaks of another file, of one setting or of what to do otherwise does not say what this file is for.
_OTHER_TOPIC_WORD = lazy_regex(
    r"\.ya?ml\b|\.env\b|\bdockerfile\b|password|secret|credential|certificate|\bkeys?\b|\bports?\b|\bvalues?\b|variable|setting"
    r"|\boption|\bsee\b|overrid|uncomment|\bif\b|\bwhen\b|instead|\bchange\b|\bremove\b|\bunless\b|\bvolumes?\b"
)
_FILE_OF_SAMPLE_SENTENCE = lazy_regex(
    r"this (?:file|manifest|compose file) (?:defines|contains|deploys|creates|starts|runs) [^.]{1,160}\bfor the [\w-]{1,40} "
    r"(?P<word>sample|demo)(?: application)?\W*\Z"
)
_STACK_TO_TEST_SENTENCE = lazy_regex(
    r"(?:this |the |an? )?(?:simple |minimal |local )?(?:docker[- ]compose|compose|stack|set-?up|deployment)(?: file| set-?up| stack)? to test \w"
)
_LIST_ITEM = lazy_regex(r"[-*][ ]?[\w./-]+:[ ]")  # `- debug: all services, for development` tells of a profile
_NOT_FOR_PRODUCTION_PHRASE = lazy_regex(
    r"\b(?:not|never|don't)\b[^,]{0,50}\b(?:for|in|as|on) (?:\w+ ){0,2}production\b"
    r"|\bnot (?:\w+ )?production[- ]ready\b|\bnon-production\b"
)
_SENTENCE_LEAD_PATTERN = r"^(?:(?:note|warning|important|caution|attention)\b\W*)?(?:(?:this|the) )?"
_SUBJECT_NOUN_PATTERN = r"(?:compose|docker[- ]compose|stack|setup|environment|configuration|config|cluster|services?|deployment|file)"

_SORT_OF_TESTS_PATTERN = r"(?:smoke|load|stress|integration|acceptance|regression|e2e|end-to-end|conformance)"


def purpose_at_head(text: str, path: str) -> tuple[str, Span] | None:
    """What a file is for by the comment at its head, in a word, and the place of that comment; None where it does not say."""
    head_match = _HEAD_COMMENT.match(text, 0, MAX_HEAD_LENGTH)
    if head_match is None or "#" not in head_match[0]:
        return None
    comment_span = Span(text.index("#"), head_match.end())
    for sentence in _sentences_in_head_comment(head_match[0], posixpath.basename(path)):
        if not _PURPOSE_WORD.search(sentence) or _OTHER_TOPIC_WORD.search(sentence) or _LIST_ITEM.match(sentence):
            continue
        if _NOT_FOR_PRODUCTION_PHRASE.search(sentence):
            return "development", comment_span
        if "production" in sentence or "prod " in sentence:
            continue
        if sample_match := _FILE_OF_SAMPLE_SENTENCE.match(sentence):
            return sample_match["word"], comment_span
        if _STACK_TO_TEST_SENTENCE.match(sentence):
            return "test", comment_span
        for purpose, purpose_pattern in _PURPOSE_PATTERNS:
            if _states_purpose(sentence, purpose_pattern):
                return purpose, comment_span
    return None


def _states_purpose(sentence: str, purpose_pattern: str) -> bool:
    """Whether a sentence says that the file is for something: `only for X`, `this stack is for X`, `X environment`.

    A sort of tests (`compose for durability smoke tests`) and what is said to be a purpose (`provided with the purpose of locally
    testing X`) may have words between. What is done by hand, or on one's own machine, may stand further from the subject: `this file
    starts an example for manual X`. What is used for X (`a tiny deployment used for testing the operator`) is, as the head of a file, for that.
    """
    return bool(
        re.search(rf"{_SENTENCE_LEAD_PATTERN}(?:only |just |purely |solely )?(?:meant |intended )?for {purpose_pattern}\b", sentence)
        or re.search(
            rf"{_SENTENCE_LEAD_PATTERN}(?:\S+ ){{0,3}}{_SUBJECT_NOUN_PATTERN} (?:\S+ ){{0,4}}for (?:\w+ )?{purpose_pattern}\b",
            sentence,
        )
        or re.search(
            rf"{_SENTENCE_LEAD_PATTERN}(?:\S+ ){{0,3}}{_SUBJECT_NOUN_PATTERN} (?:\S+ ){{0,12}}for (?:manual|local|exploratory) {purpose_pattern}\b",
            sentence,
        )
        or re.search(
            rf"{_SENTENCE_LEAD_PATTERN}(?:an? |simple |minimal |local ){{0,3}}{purpose_pattern} {_SUBJECT_NOUN_PATTERN}\b",
            sentence,
        )
        or re.search(
            rf"{_SENTENCE_LEAD_PATTERN}(?:\S+ ){{0,3}}{_SUBJECT_NOUN_PATTERN} (?:\S+ ){{0,4}}(?:with|for) (?:the )?purposes? of"
            rf" (?:\w+ ){{0,2}}{purpose_pattern}\b",
            sentence,
        )
        or re.search(
            rf"{_SENTENCE_LEAD_PATTERN}(?:\S+ ){{0,3}}{_SUBJECT_NOUN_PATTERN} for (?:\S+ ){{0,4}}{_SORT_OF_TESTS_PATTERN} {purpose_pattern}\W*\Z",
            sentence,
        )
        or re.search(
            rf"{_SENTENCE_LEAD_PATTERN}(?:an? )?(?:\S+ ){{0,5}}{_SUBJECT_NOUN_PATTERN}"
            rf" (?:that is |which is |is )?(?:only )?used for (?:manual )?{purpose_pattern}\b",
            sentence,
        )
        or re.search(rf"\bfor {purpose_pattern}(?: purposes)? only\b|\bonly for {purpose_pattern}\b", sentence)
    )


def _sentences_in_head_comment(head_comment: str, file_name: str) -> Iterator[str]:
    """The sentences of a comment, in lower case, each on one line; the file's own name says nothing."""
    comment_lines = [line.strip().lstrip("#").strip() for line in head_comment.splitlines() if line.strip() != "---"]
    for sentence in _SENTENCE_END.split("\n".join(comment_lines)):
        yield " ".join(sentence.replace(file_name, "file").lower().split())
