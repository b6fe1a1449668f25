"""Checks of ENV, ARG, LABEL, EXPOSE and WORKDIR: their values and their variables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from readiness.facts.arguments import platform_arguments, proxy_arguments
from readiness.facts.base_images import has_bare_environment, is_without_application
from readiness.kinds.dockerfile.model import Stage, Step
from readiness.model import CheckOutcome, Hit, Span, Undecidable, hit, missing, spelling
from readiness.syntax.holes import has_template, has_variable
from readiness.syntax.words import VariableReference, variable_references

# Where the builder fills variables in (RUN, CMD and ENTRYPOINT leave that to the shell).
_EXPANDED_INSTRUCTIONS = frozenset({"ADD", "COPY", "ENV", "EXPOSE", "LABEL", "STOPSIGNAL", "USER", "VOLUME",
                      "WORKDIR"})  # fmt: skip


def workdir_relative(step: Step) -> CheckOutcome:
    """WORKDIR is relative, and no absolute one stands before it."""
    instruction = step.instruction
    if instruction.keyword != "WORKDIR" or not instruction.words:
        return
    raw = instruction.arguments_text.text.strip()
    folder = raw.strip("\"'")
    if is_absolute(folder, step.stage):
        return
    if raw.lstrip('"').startswith("$") or has_template(raw):
        filled = step.expand_word(raw)
        if not filled or filled.lstrip("\"'").startswith("{{"):
            yield Undecidable(instruction.arguments_span)
            return
        if is_absolute(filled, step.stage):
            return
    if not any(_is_settled(one, step.stage) for one in _earlier_folders(step)):
        yield hit(instruction.arguments_span, folder=folder)


def _earlier_folders(step: Step) -> Iterator[str]:
    """The folders of the WORKDIRs before a step, in its stage and those that it is made from."""
    for below in step.stage.base_chain:
        for other in below.instructions:
            before = other.span.start < step.instruction.span.start
            if other.keyword == "WORKDIR" and before and other.words:
                yield other.arguments_text.text.strip().strip("\"'")


def _is_settled(folder: str, stage: Stage) -> bool:
    """Whether a folder is absolute, or a variable may hold one that is."""
    return is_absolute(folder, stage) or folder.startswith("$")


_WINDOWS_DRIVE = re.compile(r"[A-Za-z]:")


def is_absolute(path: str, stage: Stage) -> bool:
    """Whether a path does not depend on WORKDIR; a backslash begins one on Windows only."""
    if path.startswith("\\"):
        return stage.windows or not stage.whole or path.startswith("\\\\")
    return path.startswith("/") or bool(_WINDOWS_DRIVE.match(path))


_PORT_SPEC = re.compile(r"(\d{1,19})(?:-(\d{1,19}))?(?:/([A-Za-z]+))?\Z")


def port_out_of_range(step: Step) -> CheckOutcome:
    """EXPOSE names a port that does not exist, or none at all."""
    for word in step.instruction.words if step.keyword == "EXPOSE" else ():
        value = step.expand_word(word.raw)
        if value is None or has_template(value) or (not value and word.is_variable):
            yield Undecidable(word.span)
            continue
        mistake = _port_mistake(value)
        if mistake and ":" not in value:
            yield hit(word.span, say=mistake, port=value[:60])


def _port_mistake(text: str) -> str:
    """Why the builder takes a word for no port, as the name of a message; empty where it takes it."""
    match = _PORT_SPEC.match(text)
    if match is None:
        return "number"
    first, last = int(match.group(1)), int(match.group(2) or match.group(1))
    if max(first, last) > 65535:
        return "most"
    if first > last:
        return "range"
    if match.group(3) and match.group(3).lower() not in ("tcp", "udp", "sctp"):
        return "protocol"
    return ""


def port_with_host(step: Step) -> CheckOutcome:
    """EXPOSE with an address or a port of the host."""
    if step.keyword == "EXPOSE":
        for word in step.instruction.words:
            if ":" in word.value and not word.is_variable:
                yield hit(word.span, port=word.value)


def port_protocol_capitals(step: Step) -> CheckOutcome:
    """The protocol of EXPOSE has capitals."""
    if step.keyword == "EXPOSE":
        for word in step.instruction.words:
            protocol = word.value.partition("/")[2]
            if protocol != protocol.lower() and not word.is_variable:
                yield hit(word.span, port=word.value)


def port_ssh(step: Step, *, ports: Sequence[int] = (22,)) -> CheckOutcome:
    """EXPOSE names a port that a container should not serve."""
    if step.keyword == "EXPOSE":
        for word in step.instruction.words:
            match = _PORT_SPEC.match(word.value)
            if match and len(match.group(1)) < 6:
                first = int(match.group(1))
                last = int(match.group(2)) if match.group(2) and len(match.group(2)) < 6 else first
                if any(first <= port <= last for port in ports):
                    yield hit(word.span, port=word.value)


# What a command says that starts a server.
_SERVER_START = re.compile(
    r"\b(?:gunicorn|uvicorn|hypercorn|daphne|waitress|puma|unicorn|rails|nginx|httpd|caddy|streamlit|runserver)\b"
    r"|\b(?:https?-?server|server|serve|web|api)(?:\.[a-z]+)?\b|--(?:port|bind|listen)\b|0\.0\.0\.0|\[::\]",
    re.IGNORECASE,
)


def port_undeclared(stage: Stage) -> CheckOutcome:
    """The final stage starts a server, as its command says, and names no port."""
    image = stage.root_stage.image
    if not stage.final or not stage.whole or not is_without_application(image):
        return
    if image.familiar_name == "php":
        return  # it declares a port of its own
    if any(one.keyword == "EXPOSE" for below in stage.base_chain for one in below.instructions):
        return
    starts = [effective.text for effective in map(stage.effective_value, ("ENTRYPOINT", "CMD")) if effective is not None]
    if _SERVER_START.search(" ".join(starts)):
        yield missing(stage.at())


def maintainer_deprecated(step: Step) -> CheckOutcome:
    """The MAINTAINER instruction, deprecated in favour of a label."""
    if step.keyword == "MAINTAINER" and not step.onbuild:
        yield hit(step.instruction.span)


def pair_without_equals(step: Step) -> CheckOutcome:
    """ENV or LABEL with a blank in place of the equals sign."""
    if step.instruction.uses_legacy_form and step.instruction.pairs:
        yield hit(step.instruction.arguments_span, keyword=step.keyword)


def env_self_reference(step: Step) -> CheckOutcome:
    """ENV uses a variable that the same instruction sets."""
    instruction = step.instruction
    if instruction.keyword != "ENV" or instruction.uses_legacy_form:
        return
    names = {pair.name for pair in instruction.pairs}
    for pair in instruction.pairs:
        for reference in variable_references(pair.raw or "", step.document.parsed_dockerfile.escape_character):
            name = reference.name
            if name not in names or name == pair.name or reference.modifier:
                continue
            if not step.stage.declares_variable(name, instruction.span.start):
                yield hit(_use_span(step, pair.value_span, reference), name=name)


def variable_undefined(step: Step) -> CheckOutcome:
    """An instruction uses a variable that is set later, elsewhere, or misspelt, and nowhere before.

    Of one that the same ENV sets, `env_self_reference` tells.
    """
    instruction, stage = step.instruction, step.stage
    if instruction.keyword not in _EXPANDED_INSTRUCTIONS or step.onbuild or not stage.whole:
        return
    self_references = {found.span for found in env_self_reference(step) if isinstance(found, Hit)}
    for word in instruction.words:
        if not has_variable(word.raw):
            continue
        uses = list(variable_references(word.raw, step.document.parsed_dockerfile.escape_character))
        for reference in uses:
            name = reference.name
            if (
                reference.modifier
                or name in proxy_arguments()
                or name == "PATH"
                or not name[0].isalpha()
                or _is_guarded(reference, uses)
            ):
                continue
            if stage.declares_variable(name, instruction.span.start) or stage.index < 0:
                continue
            reason = reason_undefined(stage, name, instruction.span.start)
            span = _use_span(step, word.span, reference)
            if reason and span not in self_references:
                yield hit(span, name=name, reason=reason)
            elif not reason:
                yield Undecidable(span)


def _is_guarded(use: VariableReference, uses: Sequence[VariableReference]) -> bool:
    """Whether a use stands inside `${X:+...}` or `${X+...}` of the same variable: it is read only where that is set."""
    return any(
        guard.name == use.name and guard.modifier in (":+", "+") and guard.start < use.start and use.end < guard.end
        for guard in uses
    )


def _use_span(step: Step, span: Span, reference: VariableReference) -> Span:
    exact = Span(span.start + reference.start, span.start + reference.end)
    return exact if step.source.text[exact.start : exact.start + 1] == "$" else span


def reason_undefined(stage: Stage, name: str, after: int) -> str:
    """What shows that nothing sets the name; empty where the base image may."""
    if name in stage.document.global_args:
        return "it is declared before FROM, and no ARG brings it into the stage"
    if name in platform_arguments():
        return "the builder gives it to stages that declare it with ARG"
    entries = [one for below in stage.base_chain for one in below.values_by_offset.get(name, ())]
    if any(at > after for at, _ in entries):
        return "it is set only further down"
    names = [one for one in _known_variables(stage) if one != name and len(name) < spelling.MAX_WORD_LENGTH]
    close = [other for other in names if sorted(other) == sorted(name)]
    near = close[0] if close else spelling.nearest_word(name, names)
    if near:
        return f"did you mean {near!r}?"
    return "the base image sets PATH alone" if has_bare_environment(stage.root_stage.image) else ""


@lru_cache(maxsize=16)
def _known_variables(stage: Stage) -> tuple[str, ...]:
    """The variables that a stage knows, as many as a name is compared with."""
    return tuple(sorted({"PATH", *proxy_arguments(), *(n for s in stage.base_chain for n in s.values_by_offset)})[:200])


def definition_comment(step: Step) -> CheckOutcome:
    """The comment above ARG or a named FROM does not begin with the name that it describes."""
    instruction = step.instruction
    if instruction.keyword == "ARG":
        names = [pair.name for pair in instruction.pairs]
    elif instruction.keyword == "FROM" and len(instruction.words) > 2:
        names = [instruction.words[2].value]
    else:
        return
    if not instruction.comments or not names:
        return
    text = step.source.text
    last = text[instruction.comments[-1].start : instruction.comments[-1].end].lstrip("# \t")
    first = last.partition(" ")[0]
    if last and first.lower() not in [name.lower() for name in names]:
        yield hit(instruction.span, name=names[0])
