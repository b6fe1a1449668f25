"""Dockerfiles: stages and what each inherits, instructions, and the commands that RUN runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from readiness.facts.arguments import platform_arguments, proxy_arguments
from readiness.facts.wrappers import unwrap_command
from readiness.kinds.dockerfile.model import Command, Document, Stage, Step
from readiness.kinds.variables import VariableSetting
from readiness.model import ParseError, Source
from readiness.syntax import dockerfile as syntax
from readiness.syntax import image as images
from readiness.syntax import template
from readiness.syntax.instruction import Instruction, NameValuePair
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.words import expand_word, remove_quotes

KIND_NAME = "dockerfile"
EXAMPLE_PATH = "Dockerfile"

# In the middle of a name the word only says what a file is about (`old_dockerfile_test.cwl`): its content decides.
_DOCKERFILE_FILENAME = re.compile(
    r"(?:\A|/)(?:(?:dockerfile|containerfile)(?:[._-][^/]*|\d+)?|[^/]*[._-](?:dockerfile|containerfile)\d*)\Z",
    re.IGNORECASE,
)
# Copies and lists of what to leave out, m4's sources and documents; and the endings of other languages.
_NEVER_DOCKERFILE_SUFFIX = re.compile(
    r"\.(?:bak|orig|m4|dockerignore|containerignore|md|markdown|rst|adoc|html?|ya?ml|json|map|lock|svg|png)\Z",
    re.IGNORECASE,
)
_SOURCE_CODE_SUFFIX = re.compile(
    r"\.(?:py|rb|go|js|ts|tsx|java|php|sh|bash|ps1|toml|ini|xml|sql|css|vue|kts?|cs|cpp|[ch]|rs|lua|vim|el)\Z",
    re.IGNORECASE,
)
_FOR_LANGUAGE = re.compile(r"(?:\A|/)(?:docker|container)file\.\w+\Z", re.IGNORECASE)
_FIRST_INSTRUCTION = re.compile(r"\A\ufeff?(?:[ \t]*(?:#[^\n]*|\r)?\n)*[ \t]*(\S+)[ \t]+([^\r\n]*)")
_FROM_LINE = re.compile(
    r"^[ \t]*FROM[ \t]+(?:--platform=\S+[ \t]+)?[a-z0-9$.{][^\s]*(?:[ \t]+AS[ \t]+\S+)?[ \t]*\r?$",
    re.IGNORECASE | re.MULTILINE,
)
_INSTRUCTION_LINE = re.compile(
    r"^[ \t]*(?:RUN|CMD|COPY|ADD|ENTRYPOINT|WORKDIR|ENV|EXPOSE|USER|LABEL|HEALTHCHECK|VOLUME"
    r"|ARG|SHELL|STOPSIGNAL|ONBUILD|MAINTAINER)[ \t]+\S",
    re.MULTILINE,
)
_SNIPPET_INSTRUCTION = re.compile(r"(?:RUN|CMD|COPY|ADD|ENTRYPOINT|WORKDIR|EXPOSE|HEALTHCHECK|USER|STOPSIGNAL)[ \t]+\S")


_YAML_HEADS = ("%YAML", "---")  # the head of what generators fill in: no instruction begins so


def recognizes_file(path: str, text: str) -> bool:
    """A FROM line first, with other instructions or the name of a Dockerfile; or such a name alone.

    `Dockerfile.WORD` is a Dockerfile whatever the word is, but one of another language only with a FROM: `Dockerfile.go` builds
    the image of a program in Go.
    """
    if _NEVER_DOCKERFILE_SUFFIX.search(path) or (text.startswith(_YAML_HEADS) and template.is_named_as_template(path)):
        return False
    if _SOURCE_CODE_SUFFIX.search(path):
        return _FOR_LANGUAGE.search(path) is not None and begins_an_image(text)
    if _DOCKERFILE_FILENAME.search(path.rpartition("#")[2]):
        return bool(text.strip())
    head = _FIRST_INSTRUCTION.match(text[:20_000])
    if head is None:
        return False
    if head.group(1).upper() in ("FROM", "ARG"):
        return bool(_FROM_LINE.search(text) and _INSTRUCTION_LINE.search(text))
    return "#" in path and bool(_SNIPPET_INSTRUCTION.match(text, head.start(1))) and _is_all_instructions(text)


def begins_an_image(text: str) -> bool:
    """Whether a text begins with FROM, or with the ARGs before one, and goes on with instructions or ends there."""
    head = _FIRST_INSTRUCTION.match(text[:20_000])
    if head is None or head.group(1).upper() not in ("FROM", "ARG") or not _FROM_LINE.search(text):
        return False
    return bool(_INSTRUCTION_LINE.search(text)) or _is_all_instructions(text)


def _is_all_instructions(text: str) -> bool:
    """Whether every line of a block in prose is an instruction, a continuation, a comment or blank."""
    try:
        return not syntax.parse_dockerfile(text).errors
    except ParseError:
        return False


def parse(source: Source) -> Document:
    """The stages and steps of a Dockerfile. Raises ParseError.

    A template by its name is none before its words are put in: where whole instructions are put in, nobody can tell what else
    the file lacks. Another file of which that is true is a Dockerfile with lines that the builder does not know.
    """
    is_template = template.is_named_as_template(source.path)
    document = Document(source, syntax.parse_dockerfile(source.text, is_template=is_template))
    if is_template and document.parsed_dockerfile.placeholder_offsets:
        raise ParseError(
            "unknown instruction: a template's mark",
            document.parsed_dockerfile.placeholder_offsets[0],
        )
    groups: list[list[Instruction]] = [[]]
    for instruction in document.parsed_dockerfile.instructions:
        if instruction.keyword == "FROM":
            groups.append([])
        groups[-1].append(instruction)
    head = [one for one in groups[0] if one.keyword != "ARG"]
    _read_global_args(document, groups[0])
    if len(groups) == 1:
        document.stages.append(_make_stage(document, 0, groups[0]))
    elif groups[0]:
        _make_steps(document, _make_stage(document, -1, head, groups[0]))
    for group in groups[1:]:
        document.stages.append(_make_stage(document, len(document.stages), group))
    for stage in document.stages:
        _make_steps(document, stage)
    document.final_image_stages.update(id(stage) for stage in document.stages[-1].base_chain)
    return document


def first_unfilled_placeholder(document: Document) -> int | None:
    """Where another program puts an instruction in that the builder does not find; None where it reads the whole file."""
    return next(iter(document.parsed_dockerfile.placeholder_offsets), None)


def _read_global_args(document: Document, instructions: Iterable[Instruction]) -> None:
    """The ARGs before the first FROM, with their defaults filled in."""
    for instruction in instructions:
        for pair in instruction.pairs if instruction.keyword == "ARG" else ():
            value = None
            if pair.raw is not None:
                value = expand_word(pair.raw, lambda name: global_arg_default(document, name))
            document.global_args[pair.name] = (instruction.span.start, value)


def global_arg_default(document: Document, name: str) -> str | None:
    """The default of an ARG in the scope of FROM lines; None where only the build tells."""
    if name in platform_arguments() or name in proxy_arguments():
        return None
    found = document.global_args.get(name)
    return found[1] if found else ""


def _make_stage(
    document: Document,
    index: int,
    own_instructions: list[Instruction],
    all_instructions: list[Instruction] | None = None,
) -> Stage:
    """One stage; `all_instructions` are its instructions where they are more than those that count in it."""
    start = own_instructions[0] if own_instructions and own_instructions[0].keyword == "FROM" else None
    name, written = "", ""
    base: Stage | None = None
    if start and start.words:
        written = start.words[0].raw
        filled = expand_word(
            written,
            lambda one: global_arg_default(document, one),
            document.parsed_dockerfile.escape_character,
        )
        written = remove_quotes(written) if filled is None else filled
        base = next((s for s in reversed(document.stages) if s.name == written.lower()), None)
        if len(start.words) > 2:
            name = start.words[2].value.lower()
    stage = Stage(
        document,
        index,
        name,
        start,
        images.parse_image(written),
        base,
        tuple(_expand_onbuild(all_instructions or own_instructions)),
    )
    _fill_variables(document, stage)
    return stage


def _expand_onbuild(instructions: Iterable[Instruction]) -> Iterator[Instruction]:
    """The instructions, each ONBUILD followed by the instruction inside it."""
    for instruction in instructions:
        yield instruction
        if instruction.onbuild_instruction is not None:
            yield instruction.onbuild_instruction


def _fill_variables(document: Document, stage: Stage) -> None:
    """Fill the stage's tables of ENV and ARG, in order; the values of one line see those before it.

    What an ARG gives a build nobody can tell, whatever its default: so the settings of ENV know other variables of ENV alone.
    """
    for instruction in stage.instructions:
        if instruction.keyword not in ("ENV", "ARG"):
            continue
        fresh: list[tuple[str, str | None]] = []
        settings: list[VariableSetting] = []
        for pair in instruction.pairs:
            if instruction.keyword == "ENV":
                settings.append(_env_setting(document, stage, pair))
            elif any(pair.name in below.own_variables for below in stage.base_chain):
                continue  # an ENV of the same name wins
            if pair.raw is not None:
                fresh.append((pair.name, stage.expand_word(pair.raw, instruction.span.start)))
            else:
                known = document.global_args.get(pair.name)
                fresh.append((pair.name, known[1] if known else None))
        stage.variable_settings.extend(settings)
        stage.own_variables.update((one.name, one) for one in settings)
        for name, value in fresh:
            stage.values_by_offset.setdefault(name, []).append((instruction.span.start, value))


def _env_setting(document: Document, stage: Stage, pair: NameValuePair) -> VariableSetting:
    """The setting of a pair of ENV, with what ENV has set before it."""

    def value_of(name: str) -> str | None:
        found = (below.own_variables[name].value for below in stage.base_chain if name in below.own_variables)
        return next(found, None)

    text = expand_word(pair.raw or "", value_of, document.parsed_dockerfile.escape_character)
    return VariableSetting(
        pair.name, pair.value, UNKNOWN_VALUE_MARK if text is None else text, pair.value_span, pair.name_span, document.source
    )


def _make_steps(document: Document, stage: Stage) -> None:
    document.steps.extend(Step(document, stage, one) for one in stage.instructions)


def whole_file(document: Document) -> Iterable[Document]:
    """Target `dockerfile.file`: the document itself."""
    return (document,)


def stages(document: Document) -> Iterable[Stage]:
    """The stages; a piece without FROM is one."""
    return document.stages


def steps(document: Document) -> Iterable[Step]:
    """Every instruction, those under ONBUILD and before the first FROM too."""
    return document.steps


def run_steps(document: Document) -> Iterable[Step]:
    """The RUN instructions."""
    return (step for step in document.steps if step.keyword == "RUN")


def commands(document: Document) -> Iterable[Command]:
    """The simple commands of every RUN, worked out once."""
    if not document.commands:
        for step in run_steps(document):
            for command in step.script.commands:
                document.commands.append(Command(step, command, unwrap_command(command)))
    return document.commands


TARGETS: dict[str, Callable[[Document], Iterable[Any]]] = {
    "dockerfile.file": whole_file,
    "dockerfile.stage": stages,
    "dockerfile.instruction": steps,
    "dockerfile.run": run_steps,
    "dockerfile.command": commands,
}
