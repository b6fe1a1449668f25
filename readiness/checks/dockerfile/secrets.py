"""Checks of secrets: in ENV and ARG, in RUN, in the files that COPY brings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.kinds.dockerfile_model import Step
from readiness.model import Hit, Span, hit
from readiness.syntax import secrets
from readiness.syntax.words import references

_WORD = re.compile(
    r"(?:\A|_)(?:api_?key|access_?key|secret_?key|private_?key|auth_?token|credentials?|passw(?:or)?d"
    r"|pword|passphrase|secrets?|token|ssh_key|deploy_key|basic_auth)(?:_|\Z)"
)
_ABOUT = re.compile(
    r"_(?:file|path|dir|name|url|uri|ttl|expir\w*|timeout|length|size|type|algorithm|enabled|policy"
    r"|regex|limit|header|version|endpoint|host|port|prefix|suffix|count|min|max)\Z|public"
)


def names_secret(name: str) -> bool:
    """Whether a variable's name says that it holds a secret."""
    flat = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")
    if flat in ("pwd", "oldpwd"):
        return False  # the shell's working folder
    if secrets.names_secret(name):
        return True
    return bool(_WORD.search(flat)) and not _ABOUT.search(flat)


def value_in_environment(step: Step) -> Iterator[Hit]:
    """ENV, ARG or LABEL with a secret's value."""
    if step.keyword not in ("ENV", "ARG", "LABEL"):
        return
    for pair in step.instruction.pairs:
        reason = secrets.judge(pair.name, pair.value) if pair.raw else None
        if reason:
            yield hit(pair.span, name=pair.name, reason=reason, keyword=step.keyword)


def name_in_environment(step: Step) -> Iterator[Hit]:
    """ENV or ARG whose name says that it takes a secret; an empty ENV is only a declaration."""
    if step.keyword not in ("ENV", "ARG"):
        return
    for pair in step.instruction.pairs:
        if step.keyword == "ENV" and not pair.value:
            continue
        harmless = pair.value.lower() in ("true", "false", "yes", "no", "none", "null", "0", "1")
        if names_secret(pair.name) and not harmless and not pair.value.startswith(("/", "./")):
            yield hit(pair.name_span, name=pair.name, keyword=step.keyword)


def value_in_run(step: Step) -> Iterator[Hit]:
    """A command of RUN with a secret's value in it."""
    if step.keyword not in ("RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK"):
        return
    one = step.instruction
    text = step.source.text
    areas = [one.span, *(doc.body for doc in one.heredocs)]
    seen: set[int] = set()
    for area in areas:
        for found in secrets.in_text(text[area.start : area.end]):
            span = Span(area.start + found.span.start, area.start + found.span.end)
            if span.start not in seen:
                seen.add(span.start)
                yield hit(span, reason=found.reason, keyword=step.keyword)


def argument_used(step: Step) -> Iterator[Hit]:
    """A RUN uses a build argument whose name says that it is a secret."""
    if step.keyword != "RUN":
        return
    names = {
        pair.name
        for one in step.stage.instructions
        if one.keyword == "ARG"
        for pair in one.pairs
        if names_secret(pair.name)
    }
    if not names:
        return
    text, base = step.instruction.body, step.instruction.body.text
    for found in references(base, quoted=False):
        if found.name in names:
            yield hit(text.span(found.start, found.end), name=found.name)
            return
