"""The one way to run a program from outside: without a shell, with limits, and with an environment that is written out."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from readiness.programs import confine
from readiness.programs.budget import record_incomplete_confinement

MAX_STDERR_BYTES = 1 << 20  # bytes of what a program says on standard error that are read
MAX_SHOWN_CHARACTERS = 600  # characters of a program's words in a message
EMPTY_PATH_VARIABLE = os.devnull  # a PATH on which nothing is found, not even in the current folder


_OUT_OF_MEMORY_MESSAGE = re.compile(r"^(?:fatal error|runtime): .{0,80}out of memory", re.MULTILINE)


class ProgramError(Exception):
    """A program that gave no answer: why, in words."""


class NotStartedError(ProgramError):
    """A program that the system does not start."""


class TooMuchError(ProgramError):
    """A program that used more than it may: what it gave up on says nothing of what it was given."""


class ProgramTimeoutError(TooMuchError):
    """A program that was not done in time."""


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """What a program may use: seconds by the clock, bytes of memory, bytes of output.

    `processor` are the seconds of processor time, where those are fewer: the clock goes on while others have the
    processor, and what is to be the same under any load is counted by the other. `use_namespace` is False for a program that
    looks at who owns files; see `confine.disconnect_from_network`.
    """

    seconds: float
    memory: int
    output: int
    use_namespace: bool = True
    processor: int = 0


@dataclass(frozen=True, slots=True)
class ProgramResult:
    """What a program gave: output, messages, exit code, and the words for how the network was taken from it."""

    output: bytes
    error_output: str
    exit_code: int
    confinement: str

    @property
    def stopped(self) -> bool:
        """Whether it was ended since it used more than it may; a runtime of Go ends itself with code 2 where memory is gone."""
        return self.exit_code < 0 or (self.exit_code == 2 and bool(_OUT_OF_MEMORY_MESSAGE.search(self.error_output)))

    @property
    def failure_reason(self) -> str:
        """Why it failed, as far as it says so."""
        if self.stopped:
            return "it ran over its limit of time or memory"
        error_lines = self.error_output.strip().splitlines()
        return printable_prefix(error_lines[-1]) if error_lines else f"exit code {self.exit_code}"


def run_program(
    command: Sequence[str],
    *,
    working_directory: Path,
    environment: Mapping[str, str],
    limits: ProcessLimits,
    stdin_data: bytes = b"",
) -> ProgramResult:
    """Run a program in a folder, alone and without the network where the system can take it away. Raises ProgramError.

    Input and output go through files, so that a limit on files bounds the output and what a child of it keeps open holds
    nobody up.
    """
    with (
        TemporaryFile() as stdin_file,
        TemporaryFile() as stdout_file,
        TemporaryFile() as stderr_file,
        TemporaryFile() as confinement_file,
    ):
        stdin_file.write(stdin_data)
        stdin_file.seek(0)
        has_launcher = os.name == "posix" and bool(sys.executable)
        try:
            exit_code = _exit_code_of_program(
                [*(_launcher_command(limits, confinement_file.fileno()) if has_launcher else ()), *command],
                stdin=stdin_file, stdout=stdout_file, stderr=stderr_file, timeout=limits.seconds,
                cwd=working_directory, env={**_library_path_environment(), **environment},
                pass_fds=(confinement_file.fileno(),) if has_launcher else (),
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise ProgramTimeoutError(f"it did not finish in {limits.seconds:g} seconds") from None
        except OSError as error:
            raise NotStartedError(f"it does not run: {(error.strerror or 'error').lower()}") from None
        output = _read_up_to(stdout_file, limits.output + 1)
        if len(output) > limits.output:
            raise TooMuchError(f"its output is over {limits.output >> 20} MiB")
        confinement = _read_up_to(confinement_file, 64).decode() or confine.NOT_CONFINED
        if confinement != confine.BY_BOTH and (limits.use_namespace or confinement != confine.BY_SECCOMP_FILTER):
            record_incomplete_confinement(_shown_program_name(command), confinement)
        error_output = _read_up_to(stderr_file, MAX_STDERR_BYTES).decode("utf-8", "replace")
        return ProgramResult(output, error_output, exit_code, confinement)


def _shown_program_name(command: Sequence[str]) -> str:
    """What a report calls a program: by its file, and Helm's library, which a worker of this Python runs, by its own name."""
    return "helm" if command[0] == sys.executable else Path(command[0]).stem


def printable_prefix(program_text: str, max_characters: int = MAX_SHOWN_CHARACTERS) -> str:
    """What may be shown of a program's words, which quote what it was given: no characters that a terminal acts on, and no more than so many."""
    return "".join(one if one.isprintable() else "?" for one in program_text[:max_characters])


def environment_of_its_own(home_folder: Path, kept_variable_names: Sequence[str] = ()) -> dict[str, str]:
    """All that a program is given: no PATH to find others on, no proxy, no settings or credentials of anybody's, a home of its own.

    `kept_variable_names` are variables of this process that it needs besides.
    """
    home_folder.mkdir(exist_ok=True)
    value_by_variable = {"PATH": EMPTY_PATH_VARIABLE, "LANG": "C.UTF-8", "HOME": str(home_folder), "TMPDIR": str(home_folder)}
    for variable_name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        value_by_variable[variable_name] = str(home_folder / variable_name.lower())
    kept_value_by_variable = {name: os.environ[name] for name in ("SYSTEMROOT", *kept_variable_names) if name in os.environ}
    return value_by_variable | kept_value_by_variable


class _Program(subprocess.Popen[bytes]):
    """A program that no signal leaves behind: one that comes while it is being started is answered when it is there to be ended."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        held_back_signals: list[int] = []
        handlers = {}
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if callable(signal.getsignal(number)):
                    handlers[number] = signal.signal(number, lambda number, _: held_back_signals.append(number))
        try:
            super().__init__(*arguments, **options)
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        try:
            for held_back_signal in held_back_signals:
                signal.raise_signal(held_back_signal)
        except BaseException:
            self.kill()
            self.wait()
            raise


def _exit_code_of_program(command: Sequence[str], *, timeout: float, **options: Any) -> int:
    """The exit code of a program when it has ended; whatever else ends the wait ends the program."""
    with _Program(command, **options) as program:
        try:
            return program.wait(timeout)
        except BaseException:
            program.kill()
            raise


def _library_path_environment() -> dict[str, str]:
    """Where the libraries of this Python are, for the one that becomes the program: by absolute folders alone."""
    library_folders_by_variable = {}
    for variable_name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):
        absolute_folders = [one for one in os.environ.get(variable_name, "").split(":") if one.startswith("/")]
        if absolute_folders:
            library_folders_by_variable[variable_name] = ":".join(absolute_folders)
    return library_folders_by_variable


def _launcher_command(limits: ProcessLimits, report_descriptor: int) -> list[str]:
    """What confines itself and then becomes the program."""
    max_file_bytes = max(limits.output, MAX_STDERR_BYTES) + 1  # of any file, and both go into one
    launcher_numbers = (limits.processor or int(limits.seconds), limits.memory, max_file_bytes, report_descriptor)
    confinement_kind = "namespace" if limits.use_namespace else "filter"
    return [sys.executable, "-I", "-S", confine.__file__, *map(str, launcher_numbers), confinement_kind]


def _read_up_to(file: IO[bytes], max_bytes: int) -> bytes:
    file.seek(0)
    return file.read(max_bytes)
