"""What a Dockerfile holds: its stages, steps and commands, and what each inherits."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from readiness.facts.arguments import platform_arguments, proxy_arguments
from readiness.facts.base_images import has_bare_environment, is_known_official, starts_service
from readiness.kinds.purpose import is_deployed, is_idle_command, may_be_deployed
from readiness.model import Source, Span
from readiness.syntax import shell
from readiness.syntax.dockerfile_shell import script_of, shell_program
from readiness.syntax.image import Image
from readiness.syntax.instruction import Dockerfile, Instruction
from readiness.syntax.words import Word, expand_word

_EFFECTIVE_KEYWORDS = {"CMD", "ENTRYPOINT", "HEALTHCHECK", "USER", "WORKDIR", "STOPSIGNAL", "SHELL"}
_WINDOWS = re.compile(r"windows|nanoserver|servercore", re.IGNORECASE)


def _set_elsewhere(name: str) -> bool:
    """Whether a variable may have a value that no instruction gives it."""
    return name == "PATH" or name in platform_arguments() or name in proxy_arguments()


@dataclass(frozen=True, slots=True, eq=False)
class EffectiveValue:
    """What an instruction in force says, where, and in which stage."""

    text: str
    span: Span
    instruction: Instruction
    stage: Stage


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """A build stage. `start` is its FROM, None where the file shows a piece without one.

    `image` is the base with the defaults of the ARGs filled in; `base` the earlier stage it names.
    `index` is -1 for what stands before the first FROM.
    """

    document: Document
    index: int
    name: str
    start: Instruction | None
    image: Image
    base: Stage | None
    instructions: tuple[Instruction, ...]
    variables: dict[str, list[tuple[int, str | None]]] = field(default_factory=dict)
    environment: dict[str, Instruction] = field(default_factory=dict)
    by_keyword: dict[str, list[Instruction]] = field(default_factory=dict)
    inherited: dict[str, EffectiveValue | None] = field(default_factory=dict)
    container: str = ""

    deployed = property(is_deployed)

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
        return self.start is not None

    @property
    def image_word(self) -> Word | None:
        """The base image's word in FROM as written, variables unexpanded; None before the first FROM."""
        return self.start.words[0] if self.start and self.start.words else None

    @property
    def scratch(self) -> bool:
        """Whether the image under its whole chain of stages is `scratch`, the empty one."""
        return self.root.image.text == "scratch"

    @property
    def role(self) -> str:
        """server: it opens ports, as its file or its base says; program: it starts something; base: nothing."""
        if any(below.of("EXPOSE") for below in self.chain):
            return "server"
        starts = starts_service(self.root.image) if self.whole else None
        command = self.last("ENTRYPOINT") or self.last("CMD")
        if command and is_idle_command([word.value for word in command.instruction.words]):
            return "base"
        return "program" if command or starts is None else "server" if starts else "base"

    @property
    def files_only(self) -> bool:
        """Whether it carries files for other builds and runs nothing: on scratch, no command."""
        if not self.scratch or self.last("CMD") or self.last("ENTRYPOINT"):
            return False
        return any(below.of("COPY") or below.of("ADD") for below in self.chain)

    @property
    def root(self) -> Stage:
        """The stage at the bottom of the chain of FROMs: its image comes from outside."""
        stage = self
        while stage.base is not None:
            stage = stage.base
        return stage

    @property
    def chain(self) -> Iterator[Stage]:
        """The stage, then the stage it is built FROM, and so on to the one with an external base."""
        stage: Stage | None = self
        while stage is not None:
            yield stage
            stage = stage.base

    @property
    def windows(self) -> bool:
        """Whether the base is a Windows image."""
        image, escape = self.root.image, self.document.syntax.escape
        return bool(_WINDOWS.search(image.text)) or (escape == "`" and not is_known_official(image))

    @property
    def shipped(self) -> bool:
        """Whether what it leaves behind is part of the image that is built last."""
        return self.start is None or id(self) in self.document.shipped

    def of(self, keyword: str) -> list[Instruction]:
        """The stage's instructions of one keyword, after those that ONBUILD of its base runs here.

        Its own under ONBUILD are left out: they run in the stages that build on it.
        """
        if not self.by_keyword:
            triggered = [one for one in self.base.instructions if one.onbuild] if self.base else []
            for instruction in (*triggered, *(one for one in self.instructions if not one.onbuild)):
                self.by_keyword.setdefault(instruction.keyword, []).append(instruction)
        return self.by_keyword.get(keyword, [])

    def last(self, keyword: str, before: int | None = None) -> EffectiveValue | None:
        """The instruction in force at the stage's end, or at an offset; inherited ones too."""
        instructions = self.of(keyword)
        count = len(instructions)
        if before is not None:
            count = bisect_left(instructions, before, key=lambda one: one.span.start)
        if count:
            return _effective_value(self, instructions[count - 1])
        if keyword == "CMD" and self.of("ENTRYPOINT"):
            return None  # an ENTRYPOINT resets the CMD of what lies below
        if keyword not in self.inherited:
            self.inherited[keyword] = _is_inherited(self.base, keyword)
        return self.inherited[keyword]

    def get(self, key: str, default: Any = None, /) -> Any:
        """The value in force of USER, CMD, ENTRYPOINT, HEALTHCHECK, WORKDIR, STOPSIGNAL, SHELL."""
        effective = self.last(key) if key in _EFFECTIVE_KEYWORDS else None
        return effective.text if effective else default

    def at(self, key: Any = None, /) -> Span:
        """The place of that value; the stage's FROM where there is none."""
        effective = self.last(key) if key in _EFFECTIVE_KEYWORDS else None
        if effective:
            return effective.span
        if self.start is not None:
            return self.start.span
        return self.instructions[0].span if self.instructions else Span(0, 0)

    def lookup(self, name: str, before: int) -> str | None:
        """The value of a variable at an offset: empty when surely unset, None when unknown."""
        for stage in self.chain:
            entries = stage.variables.get(name)
            if entries:
                index = bisect_left(entries, before, key=lambda entry: entry[0])
                if index:
                    return entries[index - 1][1]
        unset = has_bare_environment(self.root.image) and not _set_elsewhere(name)
        return "" if unset else None

    def declares(self, name: str, before: int) -> bool:
        """Whether ENV or ARG of the stage, or of one below it, sets the name before an offset."""
        return any(
            entries[0][0] < before for stage in self.chain if (entries := stage.variables.get(name))
        )

    def expand(self, raw: str, before: int) -> str | None:
        """The word with its variables filled in; None where a value is unknown."""
        escape = self.document.syntax.escape
        return expand_word(raw, lambda name: self.lookup(name, before), escape)

    def shell(self, before: int) -> str:
        """The program that runs shell forms at an offset: sh, bash, powershell, cmd, ..."""
        effective = self.last("SHELL", before)
        if effective is None:
            return "cmd" if self.windows else "sh"
        return shell_program(effective.instruction)

    def shell_words(self, before: int) -> tuple[str, ...]:
        """The SHELL in force at an offset; empty where none is set."""
        effective = self.last("SHELL", before)
        return tuple(word.value for word in effective.instruction.words) if effective else ()


def _is_inherited(stage: Stage | None, keyword: str) -> EffectiveValue | None:
    """What a stage hands on to those that build on it."""
    while stage is not None:
        instructions = stage.of(keyword)
        if instructions:
            return _effective_value(stage, instructions[-1])
        if keyword == "CMD" and stage.of("ENTRYPOINT"):
            return None
        if keyword in stage.inherited:
            return stage.inherited[keyword]
        stage = stage.base
    return None


def _effective_value(stage: Stage, instruction: Instruction) -> EffectiveValue:
    return EffectiveValue(instruction.said, instruction.args_span, instruction, stage)


@dataclass(frozen=True, slots=True, eq=False)
class Step:
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
    def keyword(self) -> str:
        """The instruction's name in upper case: FROM, RUN and so on."""
        return self.instruction.keyword

    @property
    def onbuild(self) -> bool:
        """Whether the instruction runs in builds upon this image only (ONBUILD)."""
        return self.instruction.onbuild

    def get(self, key: str, default: Any = None, /) -> Any:
        """The value of the instruction's flag `key` (`--mount`, `--from` ...), else `default`."""
        flag = self.instruction.flag(key)
        return flag.value if flag else default

    def at(self, key: Any = None, /) -> Span:
        """The place of a flag's value; of the instruction where there is none."""
        flag = self.instruction.flag(key) if key is not None else None
        return flag.value_span if flag else self.instruction.span

    def expand(self, raw: str) -> str | None:
        """A word with its variables filled in; None where a value is unknown."""
        return self.stage.expand(raw, self.instruction.span.start)

    @property
    def script(self) -> shell.Script:
        """The commands of RUN, CMD, ENTRYPOINT or HEALTHCHECK; none for PowerShell and cmd."""
        return self.document.script(self)

    @property
    def posix(self) -> bool:
        """Whether its shell form is run by a shell that this tool reads."""
        return self.stage.shell(self.instruction.span.start) in shell.SHELLS

    def mounts(self, kind: str = "") -> Iterator[dict[str, str]]:
        """The `--mount` flags as mappings; only those of a type where one is given."""
        return self.instruction.mounts(kind)


def effective_step(stage: Stage, keyword: str) -> Step | None:
    """The step of a keyword that counts at a stage's end, in the stage or below it."""
    effective = stage.last(keyword)
    return Step(stage.document, effective.stage, effective.instruction) if effective else None


@dataclass(frozen=True, slots=True, eq=False)
class Command:
    """A simple command that a RUN runs; `command` is what stands behind sudo, env and the like."""

    step: Step
    whole: shell.Command
    command: shell.Command
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
        return self.command.option(key) or default

    def at(self, key: Any = None, /) -> Span:
        """The place of an option; of the command where there is none."""
        word = self.command.find(key) if isinstance(key, str) else None
        return word.span if word else self.whole.span


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A parsed Dockerfile; itself the subject of the target `dockerfile.file`."""

    source: Source
    syntax: Dockerfile
    stages: list[Stage] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    globals: dict[str, tuple[int, str | None]] = field(default_factory=dict)
    scripts: dict[int, shell.Script] = field(default_factory=dict)
    commands: list[Command] = field(default_factory=list)
    shipped: set[int] = field(default_factory=set)
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
        return self.syntax.directives.get(key, default)

    def at(self, key: Any = None, /) -> Span:
        """The place of the first instruction, for a finding about the file as a whole."""
        del key
        return self.syntax.instructions[0].span

    def stage(self, name: str) -> Stage | None:
        """The stage that `--from=name` means, by name or number; the last of a name."""
        for stage in reversed(self.stages):
            if stage.name and stage.name.lower() == name.lower():
                return stage
        if name.isascii() and name.isdigit() and len(name) < 6 and int(name) < len(self.stages):
            return self.stages[int(name)]
        return None

    def script(self, step: Step) -> shell.Script:
        """The commands of an instruction, read once."""
        key = id(step.instruction)
        if key not in self.scripts:
            self.scripts[key] = script_of(step.instruction, self.source.text, step.posix)
        return self.scripts[key]
