"""Secrets in YAML by its structure, whatever way it is written: under names, in Secret objects, beside a `name:`, in lists of words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from readiness.model import Span
from readiness.model.lazy_regex import lazy_regex
from readiness.redaction.commands import has_program_with_password, password_spans_in_words
from readiness.redaction.text import PERMISSION_VERBS, SecretMark, SecretSort, is_made_by_machine, is_secret_word, name_without_trailing_number
from readiness.syntax import secrets
from readiness.syntax.nodes import Map, Seq

_MAX_NESTING = 100  # nodes, one in the other
_MAX_NODES = 500_000  # of one document that are looked at
# Below a secret's name these hold the value itself: defaults of inputs, variables that are described, contents of compose secrets.
_KEYS_OF_THE_VALUE = frozenset({"default", "value", "content", "options", "defaultValue", "stringValue", "example", "examples", "enum"})
_LITERALS_OF_GENERATOR = "literals of a generator"
_SECRETS_OF_FILE, _SECRETS_OF_COMPOSE = "secrets of the file", "secret of the file"
_NAME_KEYS = ("name", "key", "header")  # of an entry that has its value under `value`
_PLURALS_THAT_LIST_NAMES = lazy_regex(r"(?:secrets?|credentials?)\Z", re.IGNORECASE)  # `secrets: [db_password]`: what they are called
_HEADERS_OF_LOGINS = frozenset({"authorization", "proxy-authorization"})
_BLOCK_HEAD = lazy_regex(r"(?:[&!][^\s]{1,200}[ \t]{1,8}){0,3}[|>][-+0-9]{0,3}[ \t]{0,8}(?:#[^\n]{0,200})?\r?\n")
_NODE_PROPERTIES = lazy_regex(r"(?:[&!][^\s\"',\[\]{}]{0,200}[ \t]{1,8}){1,3}")
_ALIAS = lazy_regex(r"\*([\w.-]{1,100})\Z")
_ANCHOR = lazy_regex(r"&([\w.-]{1,100})[ \t]{1,8}(?:![^\s]{0,100}[ \t]{1,8})?")


class _Place(NamedTuple):
    """A value with its place, the secret's name that it stands under, and how deep."""

    value: Any
    span: Span
    name: str
    is_whole: bool  # it belongs to the data of a Secret: all of it is hidden, whatever the name
    is_encoded: bool
    depth: int


class _Anchors:
    """Where the scalars of a text stand that have an anchor, as far as their lines go; looked for when the first alias is met."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._start_by_anchor: dict[str, int] | None = None

    def span_of(self, anchor: str) -> Span | None:
        """The place of an anchor's scalar; None where there is no such anchor."""
        if self._start_by_anchor is None:
            self._start_by_anchor = {match[1]: match.end() for match in _ANCHOR.finditer(self._text)}
        start = self._start_by_anchor.get(anchor)
        if start is None:
            return None
        line_end = self._text.find("\n", start)
        return Span(start, start + len(self._text[start : line_end if line_end >= 0 else len(self._text)].rstrip(" \t\r,}]")))


def marks_in_yaml(text: str, document_roots: Iterable[Any]) -> Iterator[SecretMark]:
    """The mark on each secret value in parsed documents."""
    anchors = _Anchors(text)
    for document_root in document_roots:
        pending = [_Place(document_root, Span(0, 0), "", is_whole=False, is_encoded=False, depth=0)]
        seen: set[tuple[int, bool]] = set()
        while pending and len(seen) < _MAX_NODES:
            place = pending.pop()
            if isinstance(place.value, Map | Seq):
                node_and_sort = (id(place.value), place.is_whole)
                if node_and_sort in seen or place.depth > _MAX_NESTING:
                    continue
                seen.add(node_and_sort)
                if isinstance(place.value, Map):
                    pending += _places_in_mapping(place.value, place)
                else:
                    yield from _marks_of_words(text, place.value)
                    pending += _places_in_list(place.value, place)
            elif place.value is not None and (place.name or place.is_whole):
                yield from _marks_of_scalar(text, place, anchors)


def _places_in_mapping(mapping: Map, around: _Place) -> Iterator[_Place]:
    """What stands under the keys of a mapping."""
    has_secret_data = mapping.get("kind") == "Secret"
    entry_name = next((mapping[key] for key in _NAME_KEYS if isinstance(mapping.get(key), str)), "") if "value" in mapping else ""
    for key, value in mapping.items():
        is_data = has_secret_data and key in ("data", "stringData") and isinstance(value, Map)
        is_whole = around.is_whole or is_data or (key == "content" and around.name == _SECRETS_OF_COMPOSE)
        name = around.name if key in _KEYS_OF_THE_VALUE else ""
        if key == "value" and entry_name:
            name = "password" if entry_name.lower() in _HEADERS_OF_LOGINS else entry_name
        elif (key == "secretGenerator" and around.depth == 0) or (key == "literals" and around.name == _LITERALS_OF_GENERATOR):
            name = _LITERALS_OF_GENERATOR
        elif key == "secrets" and around.depth == 0:
            name = _SECRETS_OF_FILE
        elif around.name == _SECRETS_OF_FILE and isinstance(value, Map):
            name = _SECRETS_OF_COMPOSE
        elif not name and is_secret_word(key):
            name = key
        if name or is_whole or isinstance(value, Map | Seq):
            is_encoded = (is_data and key == "data") or (around.is_encoded and around.is_whole)
            yield _Place(value, mapping.at(key), name, is_whole, is_encoded, around.depth + 1)


def _places_in_list(entries: Seq, around: _Place) -> Iterator[_Place]:
    """What the entries of a list are; those that only name things are no values."""
    for index, entry in enumerate(entries):
        lists_names = bool(_PLURALS_THAT_LIST_NAMES.search(around.name)) and not (isinstance(entry, str) and is_made_by_machine(entry))
        name = "" if lists_names and not around.is_whole else around.name
        yield _Place(entry, entries.at(index), name, around.is_whole, around.is_encoded, around.depth + 1)


def _marks_of_scalar(text: str, place: _Place, anchors: _Anchors) -> Iterator[SecretMark]:
    """The mark on a value that stands under a secret's name, or in the data of a Secret."""
    raw_text = text[place.span.start : place.span.end]
    alias_match = _ALIAS.match(raw_text)
    span = anchors.span_of(alias_match[1]) if alias_match else _value_span(raw_text, place.span)
    if span is None or span.start >= span.end:
        return
    value = place.value if isinstance(place.value, str) else text[span.start : span.end].strip("\"'")
    if place.is_whole:
        yield SecretMark(span, place.name, sort=SecretSort.ENCODED if place.is_encoded else SecretSort.CONTENT)
        return
    if place.name == _LITERALS_OF_GENERATOR:
        value_start = span.start + text[span.start : span.end].find("=") + 1
        if value_start > span.start and not secrets.is_placeholder(text[value_start : span.end]):
            yield SecretMark(Span(value_start, span.end), is_certain=True)
        return
    name = name_without_trailing_number(place.name)
    if value in PERMISSION_VERBS and not secrets.is_password_name(name):
        return
    if secrets.must_be_hidden_in_output(name, value.strip()) and not secrets.is_list_of_references(name, value):
        yield SecretMark(span, name)


def _value_span(raw_text: str, span: Span) -> Span:
    """The place of a scalar without what stands before its value: anchor, tag, the head of a block."""
    head = _BLOCK_HEAD.match(raw_text) or _NODE_PROPERTIES.match(raw_text)
    return Span(span.start + head.end(), span.end) if head else span


def _marks_of_words(text: str, entries: Seq) -> Iterator[SecretMark]:
    """The passwords in a list of words that is a command."""
    if len(entries) > 1 and all(isinstance(entry, str | int | float) for entry in entries):
        start, end = entries.at(0).start, entries.at(len(entries) - 1).end
        if has_program_with_password(text, start, end):
            for span in password_spans_in_words(text, start, end, is_one_command=True):
                yield SecretMark(span, is_certain=True)
        for index, entry in enumerate(entries[:-1]):
            following = entries[index + 1]
            option = entry.lstrip("-") if isinstance(entry, str) and entry.startswith("-") else ""
            if option and isinstance(following, str) and not following.startswith("-") and secrets.must_be_hidden_in_output(option, following):
                yield SecretMark(entries.at(index + 1), option)
