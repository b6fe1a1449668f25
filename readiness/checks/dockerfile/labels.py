"""Checks of LABEL: keys, and values with a form of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime

from readiness.facts.table import fact_column
from readiness.kinds.dockerfile.model import Stage, Step
from readiness.model import CheckOutcome, Undecidable, hit, missing
from readiness.syntax.words import variable_references

_LABEL_KEY = re.compile(r"[a-z](?:[a-z0-9_]|\.(?!\.)|-(?!-))*\Z")


def label_key_invalid(step: Step) -> CheckOutcome:
    """The key of a label has a form that Docker's guidelines rule out."""
    if step.keyword != "LABEL":
        return
    for pair in step.instruction.pairs:
        name = pair.name
        used = [reference.name for reference in variable_references(name)]
        if used and all(step.stage.declares_variable(one, step.instruction.span.start) for one in used):
            continue
        if name.startswith(("com.docker.", "io.docker.", "org.dockerproject.")):
            yield hit(pair.name_span, say="prefix", key=name)
        elif not _LABEL_KEY.match(name) or name[-1:] in "._-":
            yield hit(pair.name_span, say="form", key=name)


def label_empty(step: Step) -> CheckOutcome:
    """A label without a value."""
    if step.keyword == "LABEL":
        for pair in step.instruction.pairs:
            if not pair.value and not step.instruction.uses_legacy_form:
                yield hit(pair.pair_span, key=pair.name)


def labels_missing(stage: Stage, *, required: Sequence[str]) -> CheckOutcome:
    """The final stage, with those below it, has none of the labels that say where an image comes from."""
    if not stage.whole or not stage.final:
        return
    have = {
        pair.name
        for below in stage.base_chain
        for instruction in below.instructions
        if instruction.keyword == "LABEL"
        for pair in instruction.pairs
    }
    lacking = [name for name in required if name not in have]
    if lacking:
        yield missing(stage.at(), labels=", ".join(lacking))


_OCI_PREFIX = "org.opencontainers.image."
_RFC3339_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:)(\d\d)(?:\.\d+)?(?:[Zz]|[+-][01]\d:[0-5]\d|[+-]2[0-3]:[0-5]\d)\Z")


def _is_time(value: str) -> bool:
    """A time as in RFC 3339, of a day that there is; second 60 is a leap second."""
    match = _RFC3339_TIME.match(value)
    if match is None:
        return False
    day, minutes, second = match.groups()
    try:
        datetime.fromisoformat(f"{day}T{minutes}{min(int(second), 59):02}")
    except ValueError:
        return False
    return int(second) <= 60


def _is_url(value: str) -> bool:
    return bool(re.match(r"[a-z][a-z0-9+.-]*://\S+\Z", value, re.IGNORECASE))


def _is_word(value: str) -> bool:
    return bool(value) and not any(char.isspace() for char in value)


_SPDX_IDENTIFIER = re.compile(r"(?:DocumentRef-[A-Za-z0-9.-]+:)?[A-Za-z0-9][A-Za-z0-9.-]*\+?\Z")
_SPDX_OPERATORS = frozenset({"AND", "OR", "WITH", "and", "or", "with"})


def _is_license(value: str) -> bool:
    """Whether a text has the form of an SPDX expression; the list of identifiers grows, and is not asked."""
    words = value.replace("(", " ( ").replace(")", " ) ").split()
    depth, due = 0, True  # due: a licence comes next
    for word in words:
        if word == "(":
            if not due:
                return False
            depth += 1
        elif word == ")":
            if due or not depth:
                return False
            depth -= 1
        elif word in _SPDX_OPERATORS:
            if due:
                return False
            due = True
        elif due and _SPDX_IDENTIFIER.match(word) and word.lower() not in fact_column("licenses", "habit"):
            due = False
        else:
            return False
    return bool(words) and not due and not depth


_OCI_FORMS: dict[str, Callable[[str], bool]] = {
    "created": _is_time,
    "url": _is_url,
    "documentation": _is_url,
    "source": _is_url,
    "licenses": _is_license,
    "revision": _is_word,
    "version": _is_word,
}


def label_unknown(step: Step) -> CheckOutcome:
    """A key under org.opencontainers.image that the specification does not have."""
    if step.keyword == "LABEL":
        for pair in step.instruction.pairs:
            key = pair.name.removeprefix(_OCI_PREFIX)
            if pair.name.startswith(_OCI_PREFIX) and key not in fact_column("image-labels", "defined"):
                yield hit(pair.name_span, key=pair.name)


def label_contact_missing(step: Step, *, keys: Sequence[str]) -> CheckOutcome:
    """A label that names whom to ask has no address in it."""
    if step.keyword != "LABEL":
        return
    for pair in step.instruction.pairs:
        if pair.name not in keys or not pair.value:
            continue
        value = step.expand_word(pair.raw or "")
        if value is None:
            yield Undecidable(pair.value_span)
        elif "@" not in value and "://" not in value:
            yield hit(pair.value_span, key=pair.name)


def label_value_invalid(step: Step) -> CheckOutcome:
    """A label of the OCI specification with a value of another form."""
    if step.keyword != "LABEL":
        return
    for pair in step.instruction.pairs:
        key = pair.name.removeprefix(_OCI_PREFIX)
        if not pair.name.startswith(_OCI_PREFIX) or key not in _OCI_FORMS or not pair.value:
            continue
        value = step.expand_word(pair.raw or "")
        if value is None:
            yield Undecidable(pair.value_span)
        elif not _OCI_FORMS[key](value):
            form = "url" if _OCI_FORMS[key] is _is_url else key
            yield hit(pair.value_span, key=pair.name, value=value[:80], form=form)
