"""What a Dockerfile holds: its stages, steps and commands, and what each inherits."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from readiness.facts.arguments import platform_build_arguments, predefined_proxy_build_arguments
from readiness.facts.base_images import is_known_official, sets_only_path_variable, starts_service
from readiness.kinds.dockerfile.inherited import EffectiveValue, effective_value_of, inherited_value
from readiness.kinds.purpose import is_deployed, is_interpreter_alone, is_non_serving_command, may_be_deployed
from readiness.kinds.variables import HasVariables, VariableSetting
from readiness.model import Source, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.syntax import shell
from readiness.syntax.dockerfile_shell import parse_instruction_script, program_of_shell_instruction
from readiness.syntax.image import ImageReference
from readiness.syntax.instruction import Dockerfile, Instruction
from readiness.syntax.words import InstructionWord, expand_word

_KEYWORDS_WITH_EFFECTIVE_VALUE = {"CMD", "ENTRYPOINT", "HEALTHCHECK", "USER", "WORKDIR", "STOPSIGNAL", "SHELL"}
_WINDOWS_IMAGE_NAME = lazy_regex(r"windows|nanoserver|servercore", re.IGNORECASE)


def _may_be_set_by_build(variable_name: str) -> bool:
    """Whether a variable may have a value that no instruction gives it."""
    return variable_name == "PATH" or variable_name in platform_build_arguments() or variable_name in predefined_proxy_build_arguments()


@dataclass(frozen=True, slots=True, eq=False)
class Stage(HasVariables):
    """A build stage. `from_instruction` is its FROM, None where the file shows a piece without one.

    `image` is the base with the defaults of the ARGs filled in; `base_stage` the earlier stage it names.
    `index` is -1 for what stands before the first FROM.
    """

    document: Document
    index: int
    name: str
    from_instruction: Instruction | None
    image: ImageReference
    base_stage: Stage | None
    instructions: tuple[Instruction, ...]
    values_by_offset: dict[str, list[tuple[int, str | None]]] = field(default_factory=dict)
    variable_settings: list[VariableSetting] = field(default_factory=list)
    own_variables: dict[str, VariableSetting] = field(default_factory=dict)
    by_keyword: dict[str, list[Instruction]] = field(default_factory=dict)
    inherited_values: dict[str, EffectiveValue | None] = field(default_factory=dict)
    container: str = ""

    deployed = property(is_deployed)

    @property
    def variables(self) -> Mapping[str, VariableSetting]:
        """What ENV leaves in the image that the stage makes: its own and that of the stages below it."""
        return {name: one for below in reversed(tuple(self.base_chain)) for name, one in below.own_variables.items()}

    @property
    def source(self) -> Source:
        """The source of the Dockerfile."""
        return self.document.source

    @property
    def node(self) -> Stage:
        """The stage itself: `get("USER")` is the user in force at its end."""
        return self

    @property
    def resource(self) -> str:
        """`stage/NAME`, its number without a name."""
        return f"stage/{self.name or max(self.index, 0)}"

    @property
    def final(self) -> bool:
        """Whether it is the last stage, the one that is built unless a target is named."""
        return self.index == len(self.document.stages) - 1

    @property
    def whole(self) -> bool:
        """Whether it begins with a FROM, so that what is not there is missing."""
        return self.from_instruction is not None

    @property
    def image_word(self) -> InstructionWord | None:
        """The base image's word in FROM as written, variables unexpanded; None before the first FROM."""
        return self.from_instruction.words[0] if self.from_instruction and self.from_instruction.words else None

    @property
    def scratch(self) -> bool:
        """Whether the image under its whole chain of stages is `scratch`, the empty one."""
        return self.root_stage.image.text == "scratch"

    @property
    def role(self) -> str:
        """server: it opens ports, as its file or its base says; program: it starts something; base: nothing."""
        if any(below.instructions_of("EXPOSE") for below in self.base_chain):
            return "server"
        base_starts_service = starts_service(self.root_stage.image) if self.whole else None
        default_arguments = self.effective_value("CMD")
        effective_command = self.effective_value("ENTRYPOINT") or default_arguments
        if effective_command and is_non_serving_command([word.value for word in effective_command.instruction.words]):
            return "base"
        if default_arguments and is_interpreter_alone([word.value for word in default_arguments.instruction.words]):
            return "base"  # an entry point that passes on to an interpreter: an image of a language
        return "program" if effective_command or base_starts_service is None else "server" if base_starts_service else "base"

    @property
    def files_only(self) -> bool:
        """Whether it carries files for other builds and runs nothing: on scratch, no command."""
        if not self.scratch or self.effective_value("CMD") or self.effective_value("ENTRYPOINT"):
            return False
        return any(below.instructions_of("COPY") or below.instructions_of("ADD") for below in self.base_chain)

    @property
    def root_stage(self) -> Stage:
        """The stage at the bottom of the chain of FROMs: its image comes from outside."""
        current_stage = self
        while current_stage.base_stage is not None:
            current_stage = current_stage.base_stage
        return current_stage

    @property
    def base_chain(self) -> Iterator[Stage]:
        """The stage, then the stage it is built FROM, and so on to the one with an external base."""
        current_stage: Stage | None = self
        while current_stage is not None:
            yield current_stage
            current_stage = current_stage.base_stage

    @property
    def windows(self) -> bool:
        """Whether the base is a Windows image."""
        root_image, escape_character = self.root_stage.image, self.document.parsed_dockerfile.escape_character
        return bool(_WINDOWS_IMAGE_NAME.search(root_image.text)) or (escape_character == "`" and not is_known_official(root_image))

    @property
    def shipped(self) -> bool:
        """Whether what it leaves behind is part of the image that is built last."""
        return self.from_instruction is None or id(self) in self.document.final_image_stages

    def instructions_of(self, keyword: str) -> list[Instruction]:
        """The stage's instructions of one keyword, after those that ONBUILD of its base runs here.

        Its own under ONBUILD are left out: they run in the stages that build on it.
        """
        if not self.by_keyword:
            onbuild_instructions = [one for one in self.base_stage.instructions if one.is_under_onbuild] if self.base_stage else []
            for instruction in (
                *onbuild_instructions,
                *(one for one in self.instructions if not one.is_under_onbuild),
            ):
                self.by_keyword.setdefault(instruction.keyword, []).append(instruction)
        return self.by_keyword.get(keyword, [])

    def effective_value(self, keyword: str, before_offset: int | None = None) -> EffectiveValue | None:
        """The instruction in force at the stage's end, or at an offset; inherited ones too."""
        keyword_instructions = self.instructions_of(keyword)
        effective_count = len(keyword_instructions)
        if before_offset is not None:
            effective_count = bisect_left(keyword_instructions, before_offset, key=lambda one: one.span.start)
        if effective_count:
            return effective_value_of(self, keyword_instructions[effective_count - 1])
        if keyword == "CMD" and self.instructions_of("ENTRYPOINT"):
            return None  # an ENTRYPOINT resets the CMD of what lies below
        if keyword not in self.inherited_values:
            self.inherited_values[keyword] = inherited_value(self.base_stage, keyword)
        return self.inherited_values[keyword]

    def get(self, key: str, default: Any = None, /) -> Any:
        """The value in force of USER, CMD, ENTRYPOINT, HEALTHCHECK, WORKDIR, STOPSIGNAL, SHELL."""
        effective_value = self.effective_value(key) if key in _KEYWORDS_WITH_EFFECTIVE_VALUE else None
        return effective_value.text if effective_value else default

    def at(self, key: Any = None, /) -> Span:
        """The place of that value; the stage's FROM where there is none."""
        effective_value = self.effective_value(key) if key in _KEYWORDS_WITH_EFFECTIVE_VALUE else None
        if effective_value:
            return effective_value.span
        if self.from_instruction is not None:
            return self.from_instruction.span
        return self.instructions[0].span if self.instructions else Span(0, 0)

    def variable_value(self, variable_name: str, before_offset: int) -> str | None:
        """The value of a variable at an offset: empty when surely unset, None when unknown."""
        for stage_below in self.base_chain:
            offset_values = stage_below.values_by_offset.get(variable_name)
            if offset_values:
                entry_count_before_offset = bisect_left(offset_values, before_offset, key=lambda entry: entry[0])
                if entry_count_before_offset:
                    return offset_values[entry_count_before_offset - 1][1]
        is_surely_unset = sets_only_path_variable(self.root_stage.image) and not _may_be_set_by_build(variable_name)
        return "" if is_surely_unset else None

    def declares_variable(self, variable_name: str, before_offset: int) -> bool:
        """Whether ENV or ARG of the stage, or of one below it, sets the name before an offset."""
        return any(offset_values[0][0] < before_offset for stage in self.base_chain if (offset_values := stage.values_by_offset.get(variable_name)))

    def expand_word(self, raw_word: str, before_offset: int) -> str | None:
        """The word with its variables filled in; None where a value is unknown."""
        escape_character = self.document.parsed_dockerfile.escape_character
        return expand_word(raw_word, lambda name: self.variable_value(name, before_offset), escape_character)

    def shell_program(self, before_offset: int) -> str:
        """The program that runs shell forms at an offset: sh, bash, powershell, cmd, ..."""
        effective_shell = self.effective_value("SHELL", before_offset)
        if effective_shell is None:
            return "cmd" if self.windows else "sh"
        return program_of_shell_instruction(effective_shell.instruction)

    def shell_words(self, before_offset: int) -> tuple[str, ...]:
        """The SHELL in force at an offset; empty where none is set."""
        effective_shell = self.effective_value("SHELL", before_offset)
        return tuple(word.value for word in effective_shell.instruction.words) if effective_shell else ()


@dataclass(frozen=True, slots=True, eq=False)
class Step(HasVariables):
    """One instruction in its stage; those under ONBUILD count on their own, with `onbuild` true."""

    document: Document
    stage: Stage
    instruction: Instruction
    container: str = ""

    deployed = property(is_deployed)

    @property
    def source(self) -> Source:
        """The source of the Dockerfile."""
        return self.document.source

    @property
    def node(self) -> Step:
        """The step itself, which answers `get` and `at` for predicates."""
        return self

    @property
    def resource(self) -> str:
        """The resource of its stage, `stage/NAME`."""
        return self.stage.resource

    @property
    def variable_settings(self) -> list[VariableSetting]:
        """What it sets for the image that is built last: nothing where it is no ENV, or the stage is left behind."""
        stage_settings, instruction_span = self.stage.variable_settings, self.instruction.span
        if self.onbuild or not (self.stage.whole and self.stage.shipped):
            return []
        first_index, end_index = (
            bisect_left(stage_settings, at, key=lambda one: one.name_span.start) for at in (instruction_span.start, instruction_span.end)
        )
        return stage_settings[first_index:end_index]

    @property
    def keyword(self) -> str:
        """The instruction's name in upper case: FROM, RUN and so on."""
        return self.instruction.keyword

    @property
    def onbuild(self) -> bool:
        """Whether the instruction runs in builds upon this image only (ONBUILD)."""
        return self.instruction.is_under_onbuild

    def get(self, key: str, default: Any = None, /) -> Any:
        """The value of the instruction's flag `key` (`--mount`, `--from` ...), else `default`."""
        flag = self.instruction.flag(key)
        return flag.value if flag else default

    def at(self, key: Any = None, /) -> Span:
        """The place of a flag's value; of the instruction where there is none."""
        flag = self.instruction.flag(key) if key is not None else None
        return flag.value_span if flag else self.instruction.span

    def expand_word(self, raw_word: str) -> str | None:
        """A word with its variables filled in; None where a value is unknown."""
        return self.stage.expand_word(raw_word, self.instruction.span.start)

    @property
    def script(self) -> shell.ShellScript:
        """The commands of RUN, CMD, ENTRYPOINT or HEALTHCHECK; none for PowerShell and cmd."""
        return self.document.script_of_step(self)

    @property
    def posix(self) -> bool:
        """Whether its shell form is run by a shell that this tool reads."""
        return self.stage.shell_program(self.instruction.span.start) in shell.SHELL_PROGRAMS

    def mounts(self, kind: str = "") -> Iterator[dict[str, str]]:
        """The `--mount` flags as mappings; only those of a type where one is given."""
        return self.instruction.mount_flags(kind)


def effective_step(stage: Stage, keyword: str) -> Step | None:
    """The step of a keyword that counts at a stage's end, in the stage or below it."""
    effective_value = stage.effective_value(keyword)
    return Step(stage.document, effective_value.stage, effective_value.instruction) if effective_value else None


@dataclass(frozen=True, slots=True, eq=False)
class Command:
    """A simple command that a RUN runs; `command` is what stands behind sudo, env and the like."""

    step: Step
    command_with_wrapper: shell.SimpleCommand
    command: shell.SimpleCommand
    container: str = ""

    deployed = property(is_deployed)

    @property
    def source(self) -> Source:
        """The source of the Dockerfile."""
        return self.step.source

    @property
    def node(self) -> Command:
        """The command itself, which answers `get` and `at` for predicates."""
        return self

    @property
    def resource(self) -> str:
        """The resource of its stage, `stage/NAME`."""
        return self.step.resource

    @property
    def stage(self) -> Stage:
        """The stage in which the command runs."""
        return self.step.stage

    @property
    def program(self) -> str:
        """The program, without its folder; empty where it is not known."""
        return self.command.program

    def get(self, key: str, default: Any = None, /) -> Any:
        """The value of the command's option `key`, else `default`."""
        return self.command.option_value(key) or default

    def at(self, key: Any = None, /) -> Span:
        """The place of an option; of the command where there is none."""
        option_word = self.command.find_option_word(key) if isinstance(key, str) else None
        return option_word.span if option_word else self.command_with_wrapper.span


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A parsed Dockerfile; itself the subject of the target `dockerfile.file`."""

    source: Source
    parsed_dockerfile: Dockerfile
    stages: list[Stage] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    global_args: dict[str, tuple[int, str | None]] = field(default_factory=dict)
    scripts: dict[int, shell.ShellScript] = field(default_factory=dict)
    commands: list[Command] = field(default_factory=list)
    final_image_stages: set[int] = field(default_factory=set)
    last_stage_by_name: dict[str, Stage] = field(default_factory=dict)
    container: str = ""
    resource: str = ""

    @property
    def node(self) -> Document:
        """The document itself, which answers `get` and `at` for predicates."""
        return self

    @property
    def deployed(self) -> bool:
        """Whether its image may run in production: neither its path nor what was taken of it says otherwise."""
        return may_be_deployed(self.source)

    def get(self, key: str, default: Any = None, /) -> Any:
        """The value of the parser directive `key` (syntax, escape, check), else `default`."""
        return self.parsed_dockerfile.parser_directives.get(key, default)

    def at(self, key: Any = None, /) -> Span:
        """The place of the first instruction, for a finding about the file as a whole."""
        del key
        return self.parsed_dockerfile.instructions[0].span

    def stage_by_name(self, name_or_number: str) -> Stage | None:
        """The stage that `--from=name` means, by name or number; the last of a name."""
        named_stage = self.last_stage_by_name.get(name_or_number.lower())
        if named_stage is not None and named_stage.name:
            return named_stage
        stage_index = int(name_or_number) if name_or_number.isascii() and name_or_number.isdecimal() and len(name_or_number) < 6 else len(self.stages)
        return self.stages[stage_index] if stage_index < len(self.stages) else None

    def script_of_step(self, step: Step) -> shell.ShellScript:
        """The commands of an instruction, read once."""
        instruction_id = id(step.instruction)
        if instruction_id not in self.scripts:
            self.scripts[instruction_id] = parse_instruction_script(step.instruction, self.source.text, step.posix)
        return self.scripts[instruction_id]
