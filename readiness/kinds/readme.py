"""What the README of a folder says of the files in it: material to study, a demonstration, no production, or samples to change."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping

from readiness.model import Source
from readiness.model.project import parent_folders

README_NAME = re.compile(r"(?:\A|/)readme(?:\.(?:md|markdown|rst|adoc|txt))?\Z", re.IGNORECASE)
STUDY, DEMO, TRIAL, CHANGE = "study", "demo", "trial", "change"  # the words of Source.readme_says
_HEAD_LENGTH, _TEXT_LENGTH = 900, 8000  # characters: what a folder is for is said first
_NO_PROSE = re.compile(r"```.*?(?:```|\Z)|<!--.*?-->|!?\[[^\]\n]{0,200}\]\([^)\n]{0,400}\)|<[^>\n]{1,300}>", re.DOTALL)
STUDY_FOLDER = re.compile(r"cka|ckad|cks|exercises?|katas?|workshops?|study(?:[._-](?:notes|material|guide))?")
_ARTICLE = r"(?:the |an? |my |our )?(?:[\w-]+ ){0,3}"
_STUDY_WORDS = re.compile(
    r"\bstudy(?:ing)? (?:material|notes?|guide|plan)"
    r"|\b(?:training|course|workshop|lecture|exam) (?:material|notes?|exercises?)"
    rf"|\b(?:notes|exercises|solutions|material) (?:for|from|of) {_ARTICLE}(?:exam|course|workshop|certification|training)\b"
    rf"|\b(?:exam|certification) preparation\b|\bprepar(?:e|ing|ation) for {_ARTICLE}(?:exam|certification)\b"
    r"|\bexercises? (?:to|for) (?:practi[cs]e|practi[cs]ing|learn|learning)\b"
)
_BEFORE_WORDS = re.compile(r"\A[^a-z]+")  # marks, and links back to where somebody came from
_DEMO_WORDS = re.compile(r"\bdemo(?:nstration)?s?\b")
_TRIALS = r"(?:local |manual )?(?:tests?|testing|development|evaluation|demonstration|demo|educational)"
_TRIAL_WORDS = re.compile(
    rf"\b(?:only|solely|purely) for {_TRIALS}\b|\bfor {_TRIALS}(?: (?:and|or) [a-z]+)?(?: purposes)? only\b"
    r"|\b(?:not|never)(?: be)? (?:(?:considered|meant|intended|suitable|fit|used?|run) )?(?:an? |for |in |as )?production\b"
)
_CHANGE_WORDS = re.compile(
    r"\b(?:chang(?:e|ing)|replac(?:e|ing)|updat(?:e|ing)|set)\b[^.\n]{0,200}\bbefore\b[^.\n]{0,40}\bproduction\b"
)


def tell_readmes(sources: Iterable[Source]) -> None:
    """Give every source of a tree the words of the READMEs at and above it: a demonstration is one of its own folder only."""
    listed = list(sources)
    words = {
        posixpath.dirname(one.path): found
        for one in listed
        if README_NAME.search(one.path) and (found := frozenset(words_of_readme(one.text)))
    }
    for source in listed if words else ():
        source.readme_says = _words_around(source.path, words)


def words_of_readme(text: str) -> Iterator[str]:
    """What the prose of a README says: of its head that it is for study, a demonstration or trials, of all of it what to change."""
    prose = _NO_PROSE.sub(" ", text[:_TEXT_LENGTH]).lower().replace("**", "").replace("`", "")
    head = _BEFORE_WORDS.sub("", prose)[:_HEAD_LENGTH]
    if _STUDY_WORDS.search(head):
        yield STUDY
    if _DEMO_WORDS.search(head.split("\n\n", 1)[0]):
        yield DEMO
    if _TRIAL_WORDS.search(head):
        yield TRIAL
    if _CHANGE_WORDS.search(prose):
        yield CHANGE


def _words_around(path: str, words: Mapping[str, frozenset[str]]) -> frozenset[str]:
    own, *above = parent_folders(path)
    found = words.get(own, frozenset())
    return found | {STUDY} if any(STUDY in words.get(folder, ()) for folder in above) else found
