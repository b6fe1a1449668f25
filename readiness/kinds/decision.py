"""What a file, and a thing in it, is taken for: what was said of it, else what its signs say together.

Settings and options come first, then what the file itself says, then the evidence. What has no purpose may run in production.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from readiness.kinds.head import purpose_at_head
from readiness.kinds.purpose import NonProductionSign, SignNamePairs, decisive_signs
from readiness.model import DESCRIPTION_BY_PURPOSE, Purpose, Source, Span, join_names
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Document

_HEAD_COMMENTS = lazy_regex(r"\ufeff?(?:[ \t]*(?:#[^\n]*)?\r?(?:\n|\Z)|---[ \t]*\r?\n)*")
_PURPOSE_COMMENT = lazy_regex(r"#[ \t]*readiness:[ \t]*purpose[ \t]*=[ \t]*(?P<word>[^\s#]{0,80})")
HEAD_COMMENT_REASON = "a comment at its head says so"


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
        return self.word in DESCRIPTION_BY_PURPOSE

    @property
    def problem(self) -> str:
        """Why it is not obeyed, and what to do; empty where it is."""
        if not self.is_known:
            return f"purpose {self.word[:80]!r} is none; there are {join_names(DESCRIPTION_BY_PURPOSE)}"
        if not self.is_placed:
            return "a comment says what a file is for above its first line only; move it there"
        return ""


def purpose_in_head_comment(source: Source) -> Stated | None:
    """What `# readiness: purpose=WORD` among the comments at the head of a file says; None where it does not stand there."""
    stated_purpose = next(purposes_stated_in_comments(source), None)
    return stated_purpose if stated_purpose is not None and stated_purpose.is_placed else None


def purposes_stated_in_comments(source: Source) -> Iterator[Stated]:
    """What comments say that a file is for: the first one at its head counts, those below do not. Its text is read once, as each thing in it asks."""
    if source.stated_purposes is None:
        source.stated_purposes = tuple(_read_stated_purposes(source))
    yield from source.stated_purposes


def _read_stated_purposes(source: Source) -> Iterator[Stated]:
    if "readiness:" not in source.text:
        return
    head_match = _HEAD_COMMENTS.match(source.text)
    head_end = head_match.end() if head_match else 0
    for comment_match in _PURPOSE_COMMENT.finditer(source.text):
        if source.text[source.text.rfind("\n", 0, comment_match.start()) + 1 : comment_match.start()].strip():
            continue  # behind something: it may be a part of a text
        yield Stated(comment_match["word"], Span(*comment_match.span("word")), comment_match.start() < head_end)


def explicit_purpose(source: Source) -> Purpose | None:
    """What settings, an option or the comment at the head of a file say that it is for."""
    configured_purpose = source.root.said
    if configured_purpose is not None:
        return configured_purpose
    stated_purpose = None if source.root.is_purpose_locked else purpose_in_head_comment(source.root)
    return Purpose(stated_purpose.word, HEAD_COMMENT_REASON) if stated_purpose and stated_purpose.is_known else None


def head_signs(source: Source) -> Iterator[NonProductionSign]:
    """What the sentences at the head of a file say, and that it lies in an archive, as signs that decide alone."""
    if source.archived_because:
        yield NonProductionSign("archived", source.archived_because, Span(0, 0), True, "archive")
    if purpose_and_span := purpose_at_head(source.text, source.path):
        purpose, purpose_span = purpose_and_span
        yield NonProductionSign("head", "the comment at its head says so", purpose_span, True, purpose)


def purpose_by_signs(signs: Iterable[NonProductionSign], decisive_pairs: SignNamePairs) -> Purpose | None:
    """What signs say together that something is for; None where they do not decide."""
    deciding_signs = decisive_signs(signs, deciding_pairs=decisive_pairs)
    if not deciding_signs:
        return None
    purpose_words = [one.purpose for one in deciding_signs if one.purpose != "development"] or ["development"]
    return Purpose(purpose_words[0], " and ".join(one.text for one in deciding_signs))


def set_purposes_of_documents(
    documents: Iterable[Document], find_signs: Callable[[Any], Iterable[NonProductionSign]], decisive_pairs: SignNamePairs
) -> None:
    """Say of every file what it is for where that is not production: as it is said, else by its signs."""
    for document in documents:
        source = document.source
        if source.parent is None:
            purpose = explicit_purpose(source) or purpose_by_signs(find_signs(document), decisive_pairs)
            source.purposes = {"": purpose} if purpose else {}


def purpose_by_resource(file_purpose: Purpose | None, resource_purposes: Iterable[tuple[str, Purpose | None]]) -> Mapping[str, Purpose]:
    """What a file (under "") and the things in it (`resource_purposes`: resource, purpose) were taken for.

    Of two things of one name the one that may run in production counts. Where all things are for something else, so is the file.
    """
    if file_purpose is not None:
        return {"": file_purpose}
    purpose_by_name: dict[str, Purpose | None] = {}
    for resource_name, purpose in resource_purposes:
        purpose_by_name[resource_name] = purpose if purpose_by_name.setdefault(resource_name, purpose) else None
    known_purpose_by_name = {name: one for name, one in purpose_by_name.items() if one is not None}
    non_production_purposes = [one for one in known_purpose_by_name.values() if not one.is_production]
    if purpose_by_name and len(non_production_purposes) == len(purpose_by_name):
        first_purpose = non_production_purposes[0]
        return {"": first_purpose, **{name: one for name, one in known_purpose_by_name.items() if one != first_purpose}}
    return known_purpose_by_name
