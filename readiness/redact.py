"""One redaction for every format: the values of secrets never reach a reader, and control characters neither."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from readiness.model import Source, Span
from readiness.syntax import secrets

MASK = "********"
_PEM = "-----BEGIN "
# Each repeats one class only, with a bound: input is hostile.
_VARIABLE = r"(?P<name>[A-Za-z_][A-Za-z0-9_.-]{1,80})"
_QUOTED = re.compile(
    _VARIABLE
    + r"""["']?[ \t]{0,8}(?::=|[:=])[ \t]{0,8}(?:"(?P<double>[^"]{1,400})"|'(?P<single>[^']{1,400})')"""
)
_PLAIN = re.compile(
    _VARIABLE + r"""["']?[ \t]{0,8}(?::=|[:=])[ \t]{0,8}(?P<value>[^\s"',]{1,400})"""
)
_SPACED = re.compile(
    r"(?:\b(?:ENV|ARG|export)[ \t]{1,8}|--?)"
    + _VARIABLE
    + r"""["']?[ \t,]{1,8}["']?(?P<value>[^\s"'-][^\s"']{0,400})"""
)
_BEARER = re.compile(
    r"\b(?:Bearer|Basic|Token)[ \t]{1,4}(?P<value>[A-Za-z0-9+/=._~-]{8,400})", re.IGNORECASE
)
_USER = re.compile(r"""(?<!\S)(?:-u|--user)[ =]?["']?[^\s:"']{1,80}:(?P<value>[^\s"']{1,200})""")
_CONSTANT = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_PAIR = re.compile(r"""[A-Za-z_][A-Za-z0-9_.-]{0,80}["']?[ \t]{0,8}(?::=|[:=])[ \t]{0,8}["']?""")
_NAME = re.compile(
    r"""\A[ \t]*(?:-[ \t]+)?(?:name|key):[ \t]*["']?(?P<name>[A-Za-z_][\w.-]{0,80})["']?[ \t]*\Z"""
)
_VALUE = re.compile(r"""\A[ \t]*(?:-[ \t]+)?value:[ \t]*(?P<value>\S.{0,2000}?)[ \t]*\Z""")


class Redactor:
    """Masks the values at known places, and whatever looks like a secret.

    A known value is masked wherever it turns up, unless it is so plain a word (`postgres`) that half the report
    would go with it; then only where it stands as the secret.
    """

    def __init__(self, hidden: Iterable[tuple[Source, Span]] = ()) -> None:
        self._places: dict[str, list[Span]] = {}
        self._blocks: dict[str, list[Span]] = {}
        values: set[str] = set()
        for source, span in hidden:
            root = source.root
            text = source.text[span.start : span.end]
            if _CONSTANT.fullmatch(text) and secrets.names_secret(text):
                continue  # the place of a variable's name, which readers need
            name = _PAIR.match(text)
            start = span.start + (name.end() if name else 0)
            place = Span(source.to_root(start), source.to_root(span.end))
            self._places.setdefault(root.path, []).append(place)
            values.update(filter(_telling, source.text[start : span.end].split("\n")))
        self._values = tuple(
            sorted((v.strip(" \t\r\"'") for v in values), key=lambda v: (-len(v), v))
        )

    def text(self, text: str) -> str:
        """A message without the values of secrets."""
        return _masked(text, self.spans(text))

    def spans(self, text: str) -> list[Span]:
        """What to mask in a text, merged and in order."""
        found = list(_suspicious(text))
        for value in self._values:
            at = text.find(value)
            while at >= 0:
                found.append(Span(at, at + len(value)))
                at = text.find(value, at + len(value))
        return _merged(found)

    def line(self, source: Source, number: int) -> tuple[str, list[Span]]:
        """Line `number` (from 1) of a file as it stands, and what to mask in it."""
        root = source.root
        text = root.line(number)
        found = self.spans(text)
        start = root.lines[number - 1] if 0 < number <= len(root.lines) else 0
        for span in (*self._places.get(root.path, ()), *self._keys(root)):
            low, high = max(span.start - start, 0), min(span.end - start, len(text))
            if low < high:
                found.append(Span(low, high))
        found.extend(_value_of_entry(root, number, text))
        return text, _merged(found)

    def _keys(self, root: Source) -> list[Span]:
        """The bodies of private keys in a file: none of their lines looks like a secret by itself."""
        known = self._blocks.get(root.path)
        if known is None:
            known = self._blocks[root.path] = list(_keys(root.text))
        return known


def _telling(value: str) -> bool:
    """Whether a value is so much its own that it can be masked wherever it stands."""
    value = value.strip(" \t\r\"'")
    return len(value) >= 12 or (len(value) >= 6 and not (value.isalpha() and value.islower()))


def _suspicious(text: str) -> Iterator[Span]:
    """What looks like the value of a secret in a line or a message."""
    for secret in secrets.in_text(text):
        yield secret.span
    for pattern in (_QUOTED, _PLAIN, _SPACED):
        for found in pattern.finditer(text):
            group = found.lastgroup or "value"
            if secrets.names_secret(found["name"]) and not secrets.is_placeholder(found[group]):
                yield Span(*found.span(group))
    for pattern in (_BEARER, _USER):
        for found in pattern.finditer(text):
            if not secrets.is_placeholder(found["value"]):
                yield Span(*found.span("value"))


def _value_of_entry(root: Source, number: int, text: str) -> Iterator[Span]:
    """The `value:` of a list entry whose `name:`, on the line before or after, is that of a secret."""
    value = _VALUE.match(text)
    if value and not secrets.is_placeholder(value["value"]):
        for other in (number - 1, number + 1):
            name = _NAME.match(root.line(other))
            if name and secrets.names_secret(name["name"]):
                yield Span(*value.span("value"))


def _keys(text: str) -> Iterator[Span]:
    """From the line after each BEGIN ... PRIVATE KEY to its END, or to the end of the text."""
    at = text.find(_PEM)
    while at >= 0:
        line = text.find("\n", at)
        if line < 0:
            return
        if "PRIVATE KEY" in text[at:line]:
            end = text.find("-----END ", line)
            yield Span(line + 1, end if end >= 0 else len(text))
        at = text.find(_PEM, line)


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, those that touch as one."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def _masked(text: str, spans: Iterable[Span]) -> str:
    at = 0
    parts = []
    for span in spans:
        parts += [text[at : span.start], MASK]
        at = span.end
    return "".join([*parts, text[at:]])
