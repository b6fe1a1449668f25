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


_ENGINE_FOLDERS = ("/dev/", "/proc/", "/sys/")
_CHMOD_OPTION_PATTERN = re.compile(r"-(?:[Rcfv]+|-[a-z-]+)(?:=|\Z)")
_OCTAL_MODE_PATTERN = re.compile(r"[0-7]{3,5}\Z")
_SYMBOLIC_MODE_CLAUSE_PATTERN = re.compile(r"([ugoa]*)[+=]([rwxXst]+)\Z")


def modes_set(step: Step) -> Iterator[FileMode]:
    """Every mode that an instruction gives to files."""
    if step.keyword in ("COPY", "ADD"):
        chmod_flag = step.instruction.flag("chmod")
        if chmod_flag is not None:
            yield FileMode(chmod_flag.value, chmod_flag.value_span, f"{step.keyword} --chmod")
    elif step.keyword == "RUN":
        for command in step.script.commands:
            mode_word = _mode_word_of_command(unwrap_command(command))
            if mode_word is not None:
                yield FileMode(mode_word.value, mode_word.span, unwrap_command(command).program)


def _mode_word_of_command(command: shell.SimpleCommand) -> shell.ShellWord | None:
    """The mode that a command sets: chmod's first operand, also behind find -exec; -m of install and mkdir."""
    words = list(command.words)
    if command.program == "find":
        exec_indexes = [index for index, word in enumerate(words[:-1]) if word.value in ("-exec", "-execdir")]
        chmod_indexes = [index + 1 for index in exec_indexes if words[index + 1].value.rpartition("/")[2] == "chmod"]
        words = words[chmod_indexes[0] + 1 :] if chmod_indexes else []
    elif command.program in ("install", "mkdir"):
        for index, word in enumerate(words):
            if word.value in ("-m", "--mode") and index + 1 < len(words):
                return words[index + 1]
        return None
    elif command.program != "chmod":
        return None
    operands = [word for word in words if not _CHMOD_OPTION_PATTERN.match(word.value)]
    if len(operands) > 1 and all(word.value.startswith(_ENGINE_FOLDERS) for word in operands[1:]):
        return None  # the engine makes them anew in each container
    return operands[0] if operands else None


def permissions_world_writable(step: Step) -> CheckOutcome:
    """A mode lets everyone write; the sticky bit of folders like /tmp is fine."""
    for file_mode in modes_set(step) if is_shipped(step) else ():
        if _OCTAL_MODE_PATTERN.match(file_mode.text):
            special_bits = int(file_mode.text[:-3] or "0", 8)
            is_world_writable = int(file_mode.text[-1], 8) & 2 and not special_bits & 1
        else:
            is_world_writable = any(
                {"o", "a"} & set(user_classes) and "w" in permissions and "t" not in permissions
                for user_classes, permissions in _granting_clauses(file_mode.text)
            )
        if is_world_writable:
            yield hit(file_mode.span, mode=file_mode.text, by=file_mode.set_by)


def setuid_set(step: Step) -> CheckOutcome:
    """A mode sets the setuid bit; setgid on its own is how folders pass their group on."""
    for file_mode in modes_set(step) if is_shipped(step) else ():
        if _OCTAL_MODE_PATTERN.match(file_mode.text):
            sets_setuid = int(file_mode.text[:-3] or "0", 8) & 4
        else:
            sets_setuid = any("s" in permissions and user_classes != "g" for user_classes, permissions in _granting_clauses(file_mode.text))
        if sets_setuid:
            yield hit(file_mode.span, mode=file_mode.text, by=file_mode.set_by)


def _granting_clauses(mode_text: str) -> Iterator[tuple[str, str]]:
    """(who, what) of each part of a symbolic mode that grants something."""
    for clause in mode_text.split(","):
        clause_match = _SYMBOLIC_MODE_CLAUSE_PATTERN.match(clause)
        if clause_match:
            yield clause_match.group(1), clause_match.group(2)
