"""The one way to run a program from outside: without a shell, with limits, and with an environment that is written out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from readiness.programs import confine

MAX_MESSAGE_BYTES = 1 << 20  # bytes of what a program says on standard error that are read
EMPTY_PATH = os.devnull  # a PATH on which nothing is found, not even in the current folder


_NO_MEMORY = re.compile(r"^(?:fatal error|runtime): .{0,80}out of memory", re.MULTILINE)


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
    looks at who owns files; see `confine.leave_network`.
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
        return self.exit_code < 0 or (self.exit_code == 2 and bool(_NO_MEMORY.search(self.error_output)))

    @property
    def failure_reason(self) -> str:
        """Why it failed, as far as it says so."""
        if self.stopped:
            return "it ran over its limit of time or memory"
        lines = self.error_output.strip().splitlines()
        return lines[-1] if lines else f"exit code {self.exit_code}"


def run_program(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    limits: ProcessLimits,
    stdin_data: bytes = b"",
    without_network: bool = True,
) -> ProgramResult:
    """Run a program in a folder, without the network where the system can take it away. Raises ProgramError.

    `without_network` is False for a program that never reads the scanned tree's settings: it has the time limit only.

    Input and output go through files, so that a limit on files bounds the output and what a child of it keeps open holds
    nobody up.
    """
    with (
        TemporaryFile() as given,
        TemporaryFile() as out,
        TemporaryFile() as err,
        TemporaryFile() as word,
    ):
        given.write(stdin_data)
        given.seek(0)
        without_network = without_network and os.name == "posix" and bool(sys.executable)
        try:
            code = subprocess.run(  # noqa: S603  # an argument list; what it reads is data to it
                [*(_launcher_command(limits, word.fileno()) if without_network else ()), *command],
                stdin=given, stdout=out, stderr=err, timeout=limits.seconds, check=False,
                cwd=folder, env={**_library_environment(), **environment}, pass_fds=(word.fileno(),) if without_network else (),
            ).returncode  # fmt: skip
        except subprocess.TimeoutExpired:
            raise ProgramTimeoutError(f"it did not finish in {limits.seconds:g} seconds") from None
        except OSError as error:
            raise NotStartedError(f"it does not run: {(error.strerror or 'error').lower()}") from None
        output = _read_up_to(out, limits.output + 1)
        if len(output) > limits.output:
            raise TooMuchError(f"its output is over {limits.output >> 20} MiB")
        said = _read_up_to(err, MAX_MESSAGE_BYTES).decode("utf-8", "replace")
        return ProgramResult(output, said, code, _read_up_to(word, 16).decode() or confine.NOT_CONFINED)


def seconds_of_programs() -> float:
    """The processor time of all programs that have run so far; by the clock where the system counts none."""
    if os.name != "posix":
        return time.monotonic()
    used = os.times()
    return used.children_user + used.children_system


def _library_environment() -> dict[str, str]:
    """Where the libraries of this Python are, for the one that becomes the program: by absolute folders alone."""
    made = {}
    for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):
        folders = [one for one in os.environ.get(name, "").split(":") if one.startswith("/")]
        if folders:
            made[name] = ":".join(folders)
    return made


def _launcher_command(limits: ProcessLimits, report_descriptor: int) -> list[str]:
    """What confines itself and then becomes the program."""
    largest = max(limits.output, MAX_MESSAGE_BYTES) + 1  # of any file, and both go into one
    numbers = (limits.processor or int(limits.seconds), limits.memory, largest, report_descriptor)
    kind = "namespace" if limits.use_namespace else "filter"
    return [sys.executable, "-I", "-S", confine.__file__, *map(str, numbers), kind]


def _read_up_to(file: IO[bytes], size: int) -> bytes:
    file.seek(0)
    return file.read(size)
