"""Dockerfiles: stages and what each inherits, instructions, and the commands that RUN runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from readiness.facts.arguments import platform_build_arguments, predefined_proxy_build_arguments
from readiness.facts.wrappers import unwrap_command
from readiness.kinds.dockerfile.model import Command, Document, Stage, Step
from readiness.kinds.variables import VariableSetting
from readiness.model import ParseError, Source
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax import dockerfile as syntax
from readiness.syntax import image as images
from readiness.syntax import template
from readiness.syntax.instruction import Instruction, NameValuePair
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.words import expand_word, remove_quotes

KIND_NAME = "dockerfile"
EXAMPLE_PATH = "Dockerfile"
FILE_PATTERN = r"([^/]*[._-])?(docker|container)file([._-][^/]*)?"

# In the middle of a name the word only says what a file is about (`old_dockerfile_test.cwl`): its content decides.
_DOCKERFILE_FILENAME = lazy_regex(
    r"(?:\A|/)(?:(?:dockerfile|containerfile)(?:[._-][^/]*|\d+)?|[^/]*[._-](?:dockerfile|containerfile)\d*)\Z",
    re.IGNORECASE,
)
# Copies and lists of what to leave out, m4's sources and documents; and the endings of other languages.
_NEVER_DOCKERFILE_SUFFIX = lazy_regex(
    r"\.(?:bak|orig|m4|dockerignore|containerignore|md|markdown|rst|adoc|html?|ya?ml|json|map|lock|svg|png)\Z",
    re.IGNORECASE,
)
_SOURCE_CODE_SUFFIX = lazy_regex(
    r"\.(?:py|rb|go|js|ts|tsx|java|php|sh|bash|ps1|toml|ini|xml|sql|css|vue|kts?|cs|cpp|[ch]|rs|lua|vim|el)\Z",
    re.IGNORECASE,
)
_DOCKERFILE_FOR_LANGUAGE = lazy_regex(r"(?:\A|/)(?:docker|container)file\.\w+\Z", re.IGNORECASE)
_FIRST_INSTRUCTION = lazy_regex(r"\A\ufeff?(?:[ \t]*(?:#[^\n]*|\r)?\n)*[ \t]*(\S+)[ \t]+([^\r\n]*)")
_FROM_LINE = lazy_regex(
    r"^[ \t]*FROM[ \t]+(?:--platform=\S+[ \t]+)?[a-z0-9$.{][^\s]*(?:[ \t]+AS[ \t]+\S+)?[ \t]*\r?$",
    re.IGNORECASE | re.MULTILINE,
)
_INSTRUCTION_LINE = lazy_regex(
    r"^[ \t]*(?:RUN|CMD|COPY|ADD|ENTRYPOINT|WORKDIR|ENV|EXPOSE|USER|LABEL|HEALTHCHECK|VOLUME"
    r"|ARG|SHELL|STOPSIGNAL|ONBUILD|MAINTAINER)[ \t]+\S",
    re.MULTILINE,
)
_SNIPPET_FIRST_INSTRUCTION = lazy_regex(r"(?:RUN|CMD|COPY|ADD|ENTRYPOINT|WORKDIR|EXPOSE|HEALTHCHECK|USER|STOPSIGNAL)[ \t]+\S")


_YAML_FIRST_LINES = ("%YAML", "---")  # the head of what generators fill in: no instruction begins so


def recognizes_file(path: str, text: str) -> bool:
    """A FROM line first, with other instructions or the name of a Dockerfile; or such a name alone.

    `Dockerfile.WORD` is a Dockerfile whatever the word is, but one of another language only with a FROM: `Dockerfile.go` builds
    the image of a program in Go.
    """
    if _NEVER_DOCKERFILE_SUFFIX.search(path) or (text.startswith(_YAML_FIRST_LINES) and template.is_named_as_template(path)):
        return False
    if _SOURCE_CODE_SUFFIX.search(path):
        return _DOCKERFILE_FOR_LANGUAGE.search(path) is not None and starts_with_from(text)
    if _DOCKERFILE_FILENAME.search(path.rpartition("#")[2]):
        return bool(text.strip())
    first_instruction = _FIRST_INSTRUCTION.match(text[:20_000])
    if first_instruction is None:
        return False
    if first_instruction.group(1).upper() in ("FROM", "ARG"):
        return bool(_FROM_LINE.search(text) and _INSTRUCTION_LINE.search(text))
    return "#" in path and bool(_SNIPPET_FIRST_INSTRUCTION.match(text, first_instruction.start(1))) and _has_only_instruction_lines(text)


def starts_with_from(text: str) -> bool:
    """Whether a text begins with FROM, or with the ARGs before one, and goes on with instructions or ends there."""
    first_instruction = _FIRST_INSTRUCTION.match(text[:20_000])
    if first_instruction is None or first_instruction.group(1).upper() not in ("FROM", "ARG") or not _FROM_LINE.search(text):
        return False
    return bool(_INSTRUCTION_LINE.search(text)) or _has_only_instruction_lines(text)


def _has_only_instruction_lines(text: str) -> bool:
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
    instruction_groups: list[list[Instruction]] = [[]]
    for instruction in document.parsed_dockerfile.instructions:
        if instruction.keyword == "FROM":
            instruction_groups.append([])
        instruction_groups[-1].append(instruction)
    instructions_before_from = [one for one in instruction_groups[0] if one.keyword != "ARG"]
    _fill_global_args(document, instruction_groups[0])
    if len(instruction_groups) == 1:
        _add_stage(document, _make_stage(document, 0, instruction_groups[0]))
    elif instruction_groups[0]:
        _add_steps_of_stage(document, _make_stage(document, -1, instructions_before_from, instruction_groups[0]))
    for stage_instructions in instruction_groups[1:]:
        _add_stage(document, _make_stage(document, len(document.stages), stage_instructions))
    for stage in document.stages:
        _add_steps_of_stage(document, stage)
    document.final_image_stages.update(id(stage) for stage in document.stages[-1].base_chain)
    return document


def _add_stage(document: Document, stage: Stage) -> None:
    document.stages.append(stage)
    document.last_stage_by_name[stage.name] = stage


def first_unfilled_placeholder(document: Document) -> int | None:
    """Where another program puts an instruction in that the builder does not find; None where it reads the whole file."""
    return next(iter(document.parsed_dockerfile.placeholder_offsets), None)


def _fill_global_args(document: Document, instructions_before_from: Iterable[Instruction]) -> None:
    """The ARGs before the first FROM, with their defaults filled in."""
    for instruction in instructions_before_from:
        for name_value_pair in instruction.pairs if instruction.keyword == "ARG" else ():
            default_value = None
            if name_value_pair.raw is not None:
                default_value = expand_word(name_value_pair.raw, lambda name: global_arg_default(document, name))
            document.global_args[name_value_pair.name] = (instruction.span.start, default_value)


def global_arg_default(document: Document, arg_name: str) -> str | None:
    """The default of an ARG in the scope of FROM lines; None where only the build tells."""
    if arg_name in platform_build_arguments() or arg_name in predefined_proxy_build_arguments():
        return None
    global_arg = document.global_args.get(arg_name)
    return global_arg[1] if global_arg else ""


def _make_stage(
    document: Document,
    index: int,
    own_instructions: list[Instruction],
    all_instructions: list[Instruction] | None = None,
) -> Stage:
    """One stage; `all_instructions` are its instructions where they are more than those that count in it."""
    from_instruction = own_instructions[0] if own_instructions and own_instructions[0].keyword == "FROM" else None
    stage_name, image_text = "", ""
    base_stage: Stage | None = None
    if from_instruction and from_instruction.words:
        image_text = from_instruction.words[0].raw
        expanded_image_text = expand_word(
            image_text,
            lambda one: global_arg_default(document, one),
            document.parsed_dockerfile.escape_character,
        )
        image_text = remove_quotes(image_text) if expanded_image_text is None else expanded_image_text
        base_stage = document.last_stage_by_name.get(image_text.lower())
        if len(from_instruction.words) > 2:
            stage_name = from_instruction.words[2].value.lower()
    stage = Stage(
        document,
        index,
        stage_name,
        from_instruction,
        images.parse_image(image_text),
        base_stage,
        tuple(_instructions_with_onbuild_bodies(all_instructions or own_instructions)),
    )
    _fill_stage_variables(document, stage)
    return stage


def _instructions_with_onbuild_bodies(instructions: Iterable[Instruction]) -> Iterator[Instruction]:
    """The instructions, each ONBUILD followed by the instruction inside it."""
    for instruction in instructions:
        yield instruction
        if instruction.onbuild_instruction is not None:
            yield instruction.onbuild_instruction


def _fill_stage_variables(document: Document, stage: Stage) -> None:
    """Fill the stage's tables of ENV and ARG, in order; the values of one line see those before it.

    What an ARG gives a build nobody can tell, whatever its default: so the settings of ENV know other variables of ENV alone.
    """
    for instruction in stage.instructions:
        if instruction.keyword not in ("ENV", "ARG"):
            continue
        new_values: list[tuple[str, str | None]] = []
        env_settings: list[VariableSetting] = []
        for name_value_pair in instruction.pairs:
            if instruction.keyword == "ENV":
                env_settings.append(_env_setting(document, stage, name_value_pair))
            elif any(name_value_pair.name in below.own_variables for below in stage.base_chain):
                continue  # an ENV of the same name wins
            if name_value_pair.raw is not None:
                new_values.append((name_value_pair.name, stage.expand_word(name_value_pair.raw, instruction.span.start)))
            else:
                global_arg = document.global_args.get(name_value_pair.name)
                new_values.append((name_value_pair.name, global_arg[1] if global_arg else None))
        stage.variable_settings.extend(env_settings)
        stage.own_variables.update((one.name, one) for one in env_settings)
        for variable_name, variable_value in new_values:
            stage.values_by_offset.setdefault(variable_name, []).append((instruction.span.start, variable_value))


def _env_setting(document: Document, stage: Stage, name_value_pair: NameValuePair) -> VariableSetting:
    """The setting of a pair of ENV, with what ENV has set before it."""

    def value_by_env(name: str) -> str | None:
        env_values = (below.own_variables[name].value for below in stage.base_chain if name in below.own_variables)
        return next(env_values, None)

    expanded_value = expand_word(name_value_pair.raw or "", value_by_env, document.parsed_dockerfile.escape_character)
    return VariableSetting(
        name_value_pair.name,
        name_value_pair.value,
        UNKNOWN_VALUE_MARK if expanded_value is None else expanded_value,
        name_value_pair.value_span,
        name_value_pair.name_span,
        document.source,
    )


def _add_steps_of_stage(document: Document, stage: Stage) -> None:
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
