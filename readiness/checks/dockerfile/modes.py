"""Checks of file modes: what chmod, install, mkdir and `--chmod` set."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from readiness.checks.dockerfile.packages import is_shipped
from readiness.facts.wrappers import unwrap_command
from readiness.kinds.dockerfile.model import Step
from readiness.kinds.dockerfile.users import is_root_user, user_of
from readiness.model import CheckOutcome, Severity, Span, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax import shell


class FileMode(NamedTuple):
    """A mode as written, where, what sets it, and the number of the command among those of its RUN; None for COPY and ADD."""

    text: str
    span: Span
    set_by: str
    command_index: int | None = None


_ENGINE_FOLDERS = ("/dev/", "/proc/", "/sys/")
_CHMOD_OPTION_PATTERN = lazy_regex(r"-(?:[Rcfv]+|-[a-z-]+)(?:=|\Z)")
_RECURSIVE_OPTION_PATTERN = lazy_regex(r"-(?:[cfv]*R[cfvhHLP]*|-recursive)\Z")
_OWNER_NAME = lazy_regex(r"[A-Za-z0-9_][\w-]{0,40}")
_OCTAL_MODE_PATTERN = lazy_regex(r"[0-7]{3,5}\Z")
_SYMBOLIC_MODE_CLAUSE_PATTERN = lazy_regex(r"([ugoa]*)[+=]([rwxXst]+)\Z")


def modes_set(step: Step) -> Iterator[FileMode]:
    """Every mode that an instruction gives to files."""
    if step.keyword in ("COPY", "ADD"):
        chmod_flag = step.instruction.flag("chmod")
        if chmod_flag is not None:
            yield FileMode(chmod_flag.value, chmod_flag.value_span, f"{step.keyword} --chmod")
    elif step.keyword == "RUN":
        for command_index, command in enumerate(step.script.commands):
            mode_word = _mode_word_of_command(unwrap_command(command))
            if mode_word is not None:
                yield FileMode(mode_word.value, mode_word.span, unwrap_command(command).program, command_index)


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
    """A mode lets everyone write; the sticky bit of folders like /tmp is fine.

    Not where the same RUN takes it back. Low where it gives the files to the user that the image runs as, or to another one beside
    root: there is nobody else whom the mode lets write.
    """
    for file_mode in modes_set(step) if is_shipped(step) else ():
        if not _is_world_writable(file_mode.text) or _is_taken_back(step, file_mode):
            continue
        owner = _owner_given_in_same_run(step, file_mode)
        if owner:
            yield hit(file_mode.span, severity=Severity.LOW, say="owned", mode=file_mode.text, by=file_mode.set_by, owner=owner)
        else:
            yield hit(file_mode.span, say="open", mode=file_mode.text, by=file_mode.set_by)


def _is_world_writable(mode_text: str) -> bool:
    """Whether a mode lets everyone write, and everyone delete what others wrote."""
    if _OCTAL_MODE_PATTERN.match(mode_text):
        special_bits = int(mode_text[:-3] or "0", 8)
        return bool(int(mode_text[-1], 8) & 2 and not special_bits & 1)
    return any(
        {"o", "a"} & set(user_classes) and "w" in permissions and "t" not in permissions for user_classes, permissions in _granting_clauses(mode_text)
    )


def _is_taken_back(step: Step, file_mode: FileMode) -> bool:
    """Whether a later chmod of the same RUN gives all the same paths an octal mode without it."""
    mode_paths = _paths_of_command(step, file_mode.command_index, "chmod")
    return bool(mode_paths) and any(
        _OCTAL_MODE_PATTERN.match(later_mode) and not _is_world_writable(later_mode) and all(_is_covered(path, later_paths) for path in mode_paths)
        for _, later_mode, later_paths in _path_commands_in_same_folder(step, file_mode.command_index, "chmod", is_later_only=True)
    )


def _owner_given_in_same_run(step: Step, file_mode: FileMode) -> str:
    """The user to whom a chown of the same RUN gives all the same paths, if the image runs as that one or as root; else empty."""
    mode_paths = _paths_of_command(step, file_mode.command_index, "chmod")
    image_user = user_of(step.stage)
    if not mode_paths or image_user is None:
        return ""
    for _, owner_and_group, owned_paths in _path_commands_in_same_folder(step, file_mode.command_index, "chown"):
        owner = re.split(r"[:.]", owner_and_group)[0]
        is_sole_user = image_user in ("", owner) or is_root_user(image_user)
        if _OWNER_NAME.fullmatch(owner) and not is_root_user(owner) and is_sole_user and all(_is_covered(path, owned_paths) for path in mode_paths):
            return owner
    return ""


def _path_commands_in_same_folder(
    step: Step, command_index: int | None, program: str, *, is_later_only: bool = False
) -> Iterator[tuple[int, str, tuple[list[str], bool]]]:
    """(number, mode or owner, (paths, whether -R)) of the other commands of a program in a RUN, up to a `cd` on either side."""
    if command_index is None:
        return
    commands = [unwrap_command(command) for command in step.script.commands]
    directions = [range(command_index + 1, len(commands))]
    if not is_later_only:
        directions.append(range(command_index - 1, -1, -1))
    for direction in directions:
        for index in direction:
            if commands[index].program in ("cd", "pushd", "popd"):
                break
            operands = [word.value for word in commands[index].words if not _CHMOD_OPTION_PATTERN.match(word.value)]
            if commands[index].program == program and len(operands) > 1:
                is_recursive = any(_RECURSIVE_OPTION_PATTERN.match(word.value) for word in commands[index].words)
                yield index, operands[0], ([posixpath.normpath(one) for one in operands[1:]], is_recursive)


def _paths_of_command(step: Step, command_index: int | None, program: str) -> list[str]:
    """The paths to which a command of a RUN gives a mode; empty where it is another program's or they are not fixed."""
    command = unwrap_command(step.script.commands[command_index]) if command_index is not None else None
    if command is None or command.program != program:
        return []
    operands = [word.value for word in command.words if not _CHMOD_OPTION_PATTERN.match(word.value)]
    return [posixpath.normpath(one) for one in operands[1:]]


def _is_covered(path: str, paths_and_recursive: tuple[list[str], bool]) -> bool:
    """Whether a path is one of those of a command, or below one of a command with -R."""
    paths, is_recursive = paths_and_recursive
    return any(path == one or (is_recursive and path.startswith(one.rstrip("/") + "/")) for one in paths)


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
