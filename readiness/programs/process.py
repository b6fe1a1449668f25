"""The one way to run a program from outside: without a shell, with limits, and with an environment that is written out."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from readiness.programs import confine

MAX_STDERR_BYTES = 1 << 20  # bytes of what a program says on standard error that are read
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
    """What a program gave: output, messages, exit code, and the word for how the network was taken from it."""

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
        return error_lines[-1] if error_lines else f"exit code {self.exit_code}"


def run_program(
    command: Sequence[str],
    *,
    working_directory: Path,
    environment: Mapping[str, str],
    limits: ProcessLimits,
    stdin_data: bytes = b"",
    remove_network: bool = True,
) -> ProgramResult:
    """Run a program in a folder, without the network where the system can take it away. Raises ProgramError.

    `remove_network` is False for a program that never reads the scanned tree's settings: it has the time limit only.

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
        remove_network = remove_network and os.name == "posix" and bool(sys.executable)
        try:
            exit_code = _exit_code_of_program(
                [*(_launcher_command(limits, confinement_file.fileno()) if remove_network else ()), *command],
                stdin=stdin_file, stdout=stdout_file, stderr=stderr_file, timeout=limits.seconds,
                cwd=working_directory, env={**_library_path_environment(), **environment},
                pass_fds=(confinement_file.fileno(),) if remove_network else (),
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise ProgramTimeoutError(f"it did not finish in {limits.seconds:g} seconds") from None
        except OSError as error:
            raise NotStartedError(f"it does not run: {(error.strerror or 'error').lower()}") from None
        output = _read_up_to(stdout_file, limits.output + 1)
        if len(output) > limits.output:
            raise TooMuchError(f"its output is over {limits.output >> 20} MiB")
        error_output = _read_up_to(stderr_file, MAX_STDERR_BYTES).decode("utf-8", "replace")
        return ProgramResult(output, error_output, exit_code, _read_up_to(confinement_file, 16).decode() or confine.NOT_CONFINED)


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


def child_processor_seconds() -> float:
    """The processor time of all programs that have run so far; by the clock where the system counts none."""
    if os.name != "posix":
        return time.monotonic()
    process_times = os.times()
    return process_times.children_user + process_times.children_system


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
