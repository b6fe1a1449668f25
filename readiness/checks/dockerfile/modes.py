"""Checks of file modes: what chmod, install, mkdir and `--chmod` set."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from readiness.checks.dockerfile.packages import is_shipped
from readiness.facts.wrappers import unwrap_command
from readiness.kinds.dockerfile.model import Step
from readiness.model import CheckOutcome, Span, hit
from readiness.syntax import shell


class FileMode(NamedTuple):
    """A mode as written, where, and what sets it."""

    text: str
    span: Span
    set_by: str


_OF_THE_ENGINE = ("/dev/", "/proc/", "/sys/")
_CHMOD_OPTION = re.compile(r"-(?:[Rcfv]+|-[a-z-]+)(?:=|\Z)")
_OCTAL_MODE = re.compile(r"[0-7]{3,5}\Z")
_SYMBOLIC_MODE_CLAUSE = re.compile(r"([ugoa]*)[+=]([rwxXst]+)\Z")


def modes_set(step: Step) -> Iterator[FileMode]:
    """Every mode that an instruction gives to files."""
    if step.keyword in ("COPY", "ADD"):
        flag = step.instruction.flag("chmod")
        if flag is not None:
            yield FileMode(flag.value, flag.value_span, f"{step.keyword} --chmod")
    elif step.keyword == "RUN":
        for command in step.script.commands:
            word = _mode_of_command(unwrap_command(command))
            if word is not None:
                yield FileMode(word.value, word.span, unwrap_command(command).program)


def _mode_of_command(command: shell.SimpleCommand) -> shell.ShellWord | None:
    """The mode that a command sets: chmod's first operand, also behind find -exec; -m of install and mkdir."""
    words = list(command.words)
    if command.program == "find":
        places = [at for at, word in enumerate(words[:-1]) if word.value in ("-exec", "-execdir")]
        calls = [at + 1 for at in places if words[at + 1].value.rpartition("/")[2] == "chmod"]
        words = words[calls[0] + 1 :] if calls else []
    elif command.program in ("install", "mkdir"):
        for at, word in enumerate(words):
            if word.value in ("-m", "--mode") and at + 1 < len(words):
                return words[at + 1]
        return None
    elif command.program != "chmod":
        return None
    rest = [word for word in words if not _CHMOD_OPTION.match(word.value)]
    if len(rest) > 1 and all(word.value.startswith(_OF_THE_ENGINE) for word in rest[1:]):
        return None  # the engine makes them anew in each container
    return rest[0] if rest else None


def permissions_world_writable(step: Step) -> CheckOutcome:
    """A mode lets everyone write; the sticky bit of folders like /tmp is fine."""
    for mode in modes_set(step) if is_shipped(step) else ():
        if _OCTAL_MODE.match(mode.text):
            special = int(mode.text[:-3] or "0", 8)
            open_to_all = int(mode.text[-1], 8) & 2 and not special & 1
        else:
            open_to_all = any(
                {"o", "a"} & set(who) and "w" in what and "t" not in what for who, what in _granting_clauses(mode.text)
            )
        if open_to_all:
            yield hit(mode.span, mode=mode.text, by=mode.set_by)


def setuid_set(step: Step) -> CheckOutcome:
    """A mode sets the setuid bit; setgid on its own is how folders pass their group on."""
    for mode in modes_set(step) if is_shipped(step) else ():
        if _OCTAL_MODE.match(mode.text):
            bit = int(mode.text[:-3] or "0", 8) & 4
        else:
            bit = any("s" in what and who != "g" for who, what in _granting_clauses(mode.text))
        if bit:
            yield hit(mode.span, mode=mode.text, by=mode.set_by)


def _granting_clauses(mode: str) -> Iterator[tuple[str, str]]:
    """(who, what) of each part of a symbolic mode that grants something."""
    for part in mode.split(","):
        match = _SYMBOLIC_MODE_CLAUSE.match(part)
        if match:
            yield match.group(1), match.group(2)
