"""Checks of LABEL: keys, and values with a form of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime

from readiness.facts.table import property_by_fact_name
from readiness.kinds.dockerfile.model import Stage, Step
from readiness.model import CheckOutcome, Undecidable, hit, missing
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.words import variable_references

_LABEL_KEY_PATTERN = lazy_regex(r"[a-z](?:[a-z0-9_]|\.(?!\.)|-(?!-))*\Z")


def label_key_invalid(step: Step) -> CheckOutcome:
    """The key of a label has a form that Docker's guidelines rule out."""
    if step.keyword != "LABEL":
        return
    for pair in step.instruction.pairs:
        label_key = pair.name
        variable_names = [reference.name for reference in variable_references(label_key)]
        if variable_names and all(step.stage.declares_variable(one, step.instruction.span.start) for one in variable_names):
            continue
        if label_key.startswith(("com.docker.", "io.docker.", "org.dockerproject.")):
            yield hit(pair.name_span, say="prefix", key=label_key)
        elif not _LABEL_KEY_PATTERN.match(label_key) or label_key[-1:] in "._-":
            yield hit(pair.name_span, say="form", key=label_key)


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
    present_keys = {
        pair.name
        for chain_stage in stage.base_chain
        for instruction in chain_stage.instructions
        if instruction.keyword == "LABEL"
        for pair in instruction.pairs
    }
    missing_keys = [name for name in required if name not in present_keys]
    if missing_keys:
        yield missing(stage.at(), labels=", ".join(missing_keys))


_OCI_LABEL_PREFIX = "org.opencontainers.image."
_RFC3339_TIME_PATTERN = lazy_regex(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:)(\d\d)(?:\.\d+)?(?:[Zz]|[+-][01]\d:[0-5]\d|[+-]2[0-3]:[0-5]\d)\Z")


def _is_rfc3339_time(value: str) -> bool:
    """A time as in RFC 3339, of a day that there is; second 60 is a leap second."""
    match = _RFC3339_TIME_PATTERN.match(value)
    if match is None:
        return False
    date, hour_and_minute, second = match.groups()
    try:
        datetime.fromisoformat(f"{date}T{hour_and_minute}{min(int(second), 59):02}")
    except ValueError:
        return False
    return int(second) <= 60


def _is_url(value: str) -> bool:
    return bool(re.match(r"[a-z][a-z0-9+.-]*://\S+\Z", value, re.IGNORECASE))


def _is_nonempty_without_blanks(value: str) -> bool:
    return bool(value) and not any(char.isspace() for char in value)


_SPDX_IDENTIFIER_PATTERN = lazy_regex(r"(?:DocumentRef-[A-Za-z0-9.-]+:)?[A-Za-z0-9][A-Za-z0-9.-]*\+?\Z")
_SPDX_OPERATORS = frozenset({"AND", "OR", "WITH", "and", "or", "with"})


def _is_spdx_expression(value: str) -> bool:
    """Whether a text has the form of an SPDX expression; the list of identifiers grows, and is not asked."""
    tokens = value.replace("(", " ( ").replace(")", " ) ").split()
    parenthesis_depth, is_license_expected = 0, True
    for license_word in tokens:
        if license_word == "(":
            if not is_license_expected:
                return False
            parenthesis_depth += 1
        elif license_word == ")":
            if is_license_expected or not parenthesis_depth:
                return False
            parenthesis_depth -= 1
        elif license_word in _SPDX_OPERATORS:
            if is_license_expected:
                return False
            is_license_expected = True
        elif (
            is_license_expected
            and _SPDX_IDENTIFIER_PATTERN.match(license_word)
            and license_word.lower() not in property_by_fact_name("licenses", "habit")
        ):
            is_license_expected = False
        else:
            return False
    return bool(tokens) and not is_license_expected and not parenthesis_depth


_VALIDATOR_BY_OCI_KEY: dict[str, Callable[[str], bool]] = {
    "created": _is_rfc3339_time,
    "url": _is_url,
    "documentation": _is_url,
    "source": _is_url,
    "licenses": _is_spdx_expression,
    "revision": _is_nonempty_without_blanks,
    "version": _is_nonempty_without_blanks,
}


def label_unknown(step: Step) -> CheckOutcome:
    """A key under org.opencontainers.image that the specification does not have."""
    if step.keyword == "LABEL":
        for pair in step.instruction.pairs:
            oci_key = pair.name.removeprefix(_OCI_LABEL_PREFIX)
            if pair.name.startswith(_OCI_LABEL_PREFIX) and oci_key not in property_by_fact_name("image-labels", "defined"):
                yield hit(pair.name_span, key=pair.name)


def label_contact_missing(step: Step, *, keys: Sequence[str]) -> CheckOutcome:
    """A label that names whom to ask has no address in it."""
    if step.keyword != "LABEL":
        return
    for pair in step.instruction.pairs:
        if pair.name not in keys or not pair.value:
            continue
        expanded_value = step.expand_word(pair.raw or "")
        if expanded_value is None:
            yield Undecidable(pair.value_span)
        elif "@" not in expanded_value and "://" not in expanded_value:
            yield hit(pair.value_span, key=pair.name)


def label_value_invalid(step: Step) -> CheckOutcome:
    """A label of the OCI specification with a value of another form."""
    if step.keyword != "LABEL":
        return
    for pair in step.instruction.pairs:
        oci_key = pair.name.removeprefix(_OCI_LABEL_PREFIX)
        if not pair.name.startswith(_OCI_LABEL_PREFIX) or oci_key not in _VALIDATOR_BY_OCI_KEY or not pair.value:
            continue
        expanded_value = step.expand_word(pair.raw or "")
        if expanded_value is None:
            yield Undecidable(pair.value_span)
        elif not _VALIDATOR_BY_OCI_KEY[oci_key](expanded_value):
            form_name = "url" if _VALIDATOR_BY_OCI_KEY[oci_key] is _is_url else oci_key
            yield hit(pair.value_span, key=pair.name, value=expanded_value[:80], form=form_name)
