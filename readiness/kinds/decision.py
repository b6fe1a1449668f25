"""What a file, and a thing in it, is taken for: what was said of it, else what its signs say together.

Settings and options come first, then what the file itself says, then the evidence. What has no purpose may run in production.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from readiness.kinds.head import purpose_at_head
from readiness.kinds.purpose import NonProductionSign, Pairs, decisive_signs
from readiness.model import PURPOSES, Purpose, Source, Span, join_names
from readiness.model.project import Document

_HEAD = re.compile(r"\ufeff?(?:[ \t]*(?:#[^\n]*)?\r?(?:\n|\Z)|---[ \t]*\r?\n)*")
_SAID = re.compile(r"#[ \t]*readiness:[ \t]*purpose[ \t]*=[ \t]*(?P<word>[^\s#]{0,80})")
IN_COMMENT = "a comment at its head says so"


class Stated(NamedTuple):
    """A word that a file gives for its own purpose, one of PURPOSES or not, and where it stands.

    `is_placed` says whether it counts there.
    """

    word: str
    span: Span
    is_placed: bool = True

    @property
    def is_known(self) -> bool:
        """Whether the word is one of PURPOSES."""
        return self.word in PURPOSES

    @property
    def problem(self) -> str:
        """Why it is not obeyed, and what to do; empty where it is."""
        if not self.is_known:
            return f"purpose {self.word[:80]!r} is none; there are {join_names(PURPOSES)}"
        if not self.is_placed:
            return "a comment says what a file is for above its first line only; move it there"
        return ""


def comment_purpose(source: Source) -> Stated | None:
    """What `# readiness: purpose=WORD` among the comments at the head of a file says; None where it does not stand there."""
    found = next(stated_in_comments(source), None)
    return found if found is not None and found.is_placed else None


def stated_in_comments(source: Source) -> Iterator[Stated]:
    """What comments say that a file is for: the first one at its head counts, those below do not."""
    if "readiness:" not in source.text:
        return
    head = _HEAD.match(source.text)
    end = head.end() if head else 0
    for found in _SAID.finditer(source.text):
        if source.text[source.text.rfind("\n", 0, found.start()) + 1 : found.start()].strip():
            continue  # behind something: it may be a part of a text
        yield Stated(found["word"], Span(*found.span("word")), found.start() < end)


def said_purpose(source: Source) -> Purpose | None:
    """What settings, an option or the comment at the head of a file say that it is for."""
    said = source.root.said
    if said is not None:
        return said
    stated = comment_purpose(source.root)
    return Purpose(stated.word, IN_COMMENT) if stated and stated.is_known else None


def head_signs(source: Source) -> Iterator[NonProductionSign]:
    """What the sentences at the head of a file say, as a sign that decides alone."""
    if found := purpose_at_head(source.text, source.path):
        purpose, place = found
        yield NonProductionSign("head", "the comment at its head says so", place, True, purpose)


def purpose_by_signs(signs: Iterable[NonProductionSign], pairs: Pairs) -> Purpose | None:
    """What signs say together that something is for; None where they do not decide."""
    deciding = decisive_signs(signs, pairs=pairs)
    if not deciding:
        return None
    words = [one.purpose for one in deciding if one.purpose != "development"] or ["development"]
    return Purpose(words[0], " and ".join(one.text for one in deciding))


def take_purposes_of_files(
    documents: Iterable[Document], signs_of: Callable[[Any], Iterable[NonProductionSign]], pairs: Pairs
) -> None:
    """Say of every file what it is for where that is not production: as it is said, else by its signs."""
    for document in documents:
        source = document.source
        if source.parent is None:
            found = said_purpose(source) or purpose_by_signs(signs_of(document), pairs)
            source.purposes = {"": found} if found else {}


def purposes_of_things(whole: Purpose | None, things: Iterable[tuple[str, Purpose | None]]) -> Mapping[str, Purpose]:
    """What a file (under "") and the things in it (`things`: resource, purpose) were taken for.

    Of two things of one name the one that may run in production counts. Where all things are for something else, so is the file.
    """
    if whole is not None:
        return {"": whole}
    found: dict[str, Purpose | None] = {}
    for resource, purpose in things:
        found[resource] = purpose if found.setdefault(resource, purpose) else None
    told = {name: one for name, one in found.items() if one is not None}
    aside = [one for one in told.values() if not one.is_production]
    if found and len(aside) == len(found):
        first = aside[0]
        return {"": first, **{name: one for name, one in told.items() if one != first}}
    return told
