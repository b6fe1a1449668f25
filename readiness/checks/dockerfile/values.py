"""Checks of ENV, ARG, LABEL, EXPOSE and WORKDIR: their values and their variables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from readiness.facts.arguments import platform_build_arguments, predefined_proxy_build_arguments
from readiness.facts.base_images import is_without_application, sets_only_path_variable
from readiness.kinds.dockerfile.model import Stage, Step
from readiness.model import CheckOutcome, Hit, Span, Undecidable, hit, missing, spelling
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.holes import has_template_opening, has_variable_sign
from readiness.syntax.words import VariableReference, variable_references

# Where the builder fills variables in (RUN, CMD and ENTRYPOINT leave that to the shell).
_VARIABLE_EXPANDING_KEYWORDS = frozenset({"ADD", "COPY", "ENV", "EXPOSE", "LABEL", "STOPSIGNAL", "USER", "VOLUME",
                      "WORKDIR"})  # fmt: skip


def workdir_relative(step: Step) -> CheckOutcome:
    """WORKDIR is relative, and no absolute one stands before it."""
    instruction = step.instruction
    if instruction.keyword != "WORKDIR" or not instruction.words:
        return
    raw_folder = instruction.arguments_text.text.strip()
    folder = raw_folder.strip("\"'")
    if is_absolute(folder, step.stage):
        return
    if raw_folder.lstrip('"').startswith("$") or has_template_opening(raw_folder):
        expanded_folder = step.expand_word(raw_folder)
        if not expanded_folder or expanded_folder.lstrip("\"'").startswith("{{"):
            yield Undecidable(instruction.arguments_span)
            return
        if is_absolute(expanded_folder, step.stage):
            return
    if not any(_may_be_absolute(one, step.stage) for one in _earlier_workdirs(step)):
        yield hit(instruction.arguments_span, folder=folder)


def _earlier_workdirs(step: Step) -> Iterator[str]:
    """The folders of the WORKDIRs before a step, in its stage and those that it is made from."""
    for chain_stage in step.stage.base_chain:
        for instruction in chain_stage.instructions:
            is_before_step = instruction.span.start < step.instruction.span.start
            if instruction.keyword == "WORKDIR" and is_before_step and instruction.words:
                yield instruction.arguments_text.text.strip().strip("\"'")


def _may_be_absolute(folder: str, stage: Stage) -> bool:
    """Whether a folder is absolute, or a variable may hold one that is."""
    return is_absolute(folder, stage) or folder.startswith("$")


_WINDOWS_DRIVE_PATTERN = lazy_regex(r"[A-Za-z]:")


def is_absolute(path: str, stage: Stage) -> bool:
    """Whether a path does not depend on WORKDIR; a backslash begins one on Windows only."""
    if path.startswith("\\"):
        return stage.windows or not stage.whole or path.startswith("\\\\")
    return path.startswith("/") or bool(_WINDOWS_DRIVE_PATTERN.match(path))


_PORT_SPEC_PATTERN = lazy_regex(r"(\d{1,19})(?:-(\d{1,19}))?(?:/([A-Za-z]+))?\Z")


def port_out_of_range(step: Step) -> CheckOutcome:
    """EXPOSE names a port that does not exist, or none at all."""
    for word in step.instruction.words if step.keyword == "EXPOSE" else ():
        expanded_value = step.expand_word(word.raw)
        if expanded_value is None or has_template_opening(expanded_value) or (not expanded_value and word.is_variable):
            yield Undecidable(word.span)
            continue
        port_mistake = _port_mistake(expanded_value)
        if port_mistake and ":" not in expanded_value:
            yield hit(word.span, say=port_mistake, port=expanded_value[:60])


def _port_mistake(port_spec: str) -> str:
    """Why the builder takes a word for no port, as the name of a message; empty where it takes it."""
    port_match = _PORT_SPEC_PATTERN.match(port_spec)
    if port_match is None:
        return "number"
    first_port, last_port = int(port_match.group(1)), int(port_match.group(2) or port_match.group(1))
    if max(first_port, last_port) > 65535:
        return "most"
    if first_port > last_port:
        return "range"
    if port_match.group(3) and port_match.group(3).lower() not in ("tcp", "udp", "sctp"):
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
            port_match = _PORT_SPEC_PATTERN.match(word.value)
            if port_match and len(port_match.group(1)) < 6:
                first_port = int(port_match.group(1))
                last_port = int(port_match.group(2)) if port_match.group(2) and len(port_match.group(2)) < 6 else first_port
                if any(first_port <= port <= last_port for port in ports):
                    yield hit(word.span, port=word.value)


# What a command says that starts a server.
_SERVER_COMMAND_PATTERN = lazy_regex(
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
    if any(one.keyword == "EXPOSE" for chain_stage in stage.base_chain for one in chain_stage.instructions):
        return
    start_texts = [effective.text for effective in map(stage.effective_value, ("ENTRYPOINT", "CMD")) if effective is not None]
    if _SERVER_COMMAND_PATTERN.search(" ".join(start_texts)):
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
    set_names = {pair.name for pair in instruction.pairs}
    for pair in instruction.pairs:
        for reference in variable_references(pair.raw or "", step.document.parsed_dockerfile.escape_character):
            variable_name = reference.name
            if variable_name not in set_names or variable_name == pair.name or reference.modifier:
                continue
            if not step.stage.declares_variable(variable_name, instruction.span.start):
                yield hit(_reference_span(step, pair.value_span, reference), name=variable_name)


def variable_undefined(step: Step) -> CheckOutcome:
    """An instruction uses a variable that is set later, elsewhere, or misspelt, and nowhere before.

    Of one that the same ENV sets, `env_self_reference` tells.
    """
    instruction, stage = step.instruction, step.stage
    if instruction.keyword not in _VARIABLE_EXPANDING_KEYWORDS or step.onbuild or not stage.whole:
        return
    self_references = {found.span for found in env_self_reference(step) if isinstance(found, Hit)}
    for word in instruction.words:
        if not has_variable_sign(word.raw):
            continue
        references = list(variable_references(word.raw, step.document.parsed_dockerfile.escape_character))
        for reference in references:
            variable_name = reference.name
            if (
                reference.modifier
                or variable_name in predefined_proxy_build_arguments()
                or variable_name == "PATH"
                or not variable_name[0].isalpha()
                or _is_guarded_reference(reference, references)
            ):
                continue
            if stage.declares_variable(variable_name, instruction.span.start) or stage.index < 0:
                continue
            reason = undefined_variable_reason(stage, variable_name, instruction.span.start)
            span = _reference_span(step, word.span, reference)
            if reason and span not in self_references:
                yield hit(span, name=variable_name, reason=reason)
            elif not reason:
                yield Undecidable(span)


def _is_guarded_reference(reference: VariableReference, references: Sequence[VariableReference]) -> bool:
    """Whether a use stands inside `${X:+...}` or `${X+...}` of the same variable: it is read only where that is set."""
    return any(
        guard.name == reference.name and guard.modifier in (":+", "+") and guard.start < reference.start and reference.end < guard.end
        for guard in references
    )


def _reference_span(step: Step, word_span: Span, reference: VariableReference) -> Span:
    exact_span = Span(word_span.start + reference.start, word_span.start + reference.end)
    return exact_span if step.source.text[exact_span.start : exact_span.start + 1] == "$" else word_span


def undefined_variable_reason(stage: Stage, name: str, after: int) -> str:
    """What shows that nothing sets the name; empty where the base image may."""
    if name in stage.document.global_args:
        return "it is declared before FROM, and no ARG brings it into the stage"
    if name in platform_build_arguments():
        return "the builder gives it to stages that declare it with ARG"
    value_entries = [one for below in stage.base_chain for one in below.values_by_offset.get(name, ())]
    if any(offset > after for offset, _ in value_entries):
        return "it is set only further down"
    known_names = [one for one in _known_variable_names(stage) if one != name and len(name) < spelling.MAX_WORD_LENGTH]
    anagram_names = [other for other in known_names if sorted(other) == sorted(name)]
    nearest_name = anagram_names[0] if anagram_names else spelling.most_similar_known_word(name, known_names)
    if nearest_name:
        return f"did you mean {nearest_name!r}?"
    return "the base image sets PATH alone" if sets_only_path_variable(stage.root_stage.image) else ""


@lru_cache(maxsize=16)
def _known_variable_names(stage: Stage) -> tuple[str, ...]:
    """The variables that a stage knows, as many as a name is compared with."""
    return tuple(sorted({"PATH", *predefined_proxy_build_arguments(), *(n for s in stage.base_chain for n in s.values_by_offset)})[:200])


def definition_comment(step: Step) -> CheckOutcome:
    """The comment above ARG or a named FROM does not begin with the name that it describes."""
    instruction = step.instruction
    if instruction.keyword == "ARG":
        defined_names = [pair.name for pair in instruction.pairs]
    elif instruction.keyword == "FROM" and len(instruction.words) > 2:
        defined_names = [instruction.words[2].value]
    else:
        return
    if not instruction.comments or not defined_names:
        return
    text = step.source.text
    last_comment = text[instruction.comments[-1].start : instruction.comments[-1].end].lstrip("# \t")
    first_word = last_comment.partition(" ")[0]
    if last_comment and first_word.lower() not in [name.lower() for name in defined_names]:
        yield hit(instruction.span, name=defined_names[0])
