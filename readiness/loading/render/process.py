"""Somebody else's program on somebody else's files: with limits, little of our environment, and no network."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from readiness.loading.render.made import LimitError, RenderError, short_error
from readiness.programs import confine
from readiness.programs.process import (
    EMPTY_PATH,
    ProcessLimits,
    ProgramError,
    ProgramResult,
    TooMuchError,
    run_program,
)

TIMEOUT_SECONDS = 30  # seconds of processor time, so that what renders does so under any load
CLOCK = 10 * TIMEOUT_SECONDS  # seconds until one is given up that waits, or hardly gets a processor
MAX_MEMORY_BYTES = 2 << 30  # bytes
MAX_OUTPUT_BYTES = 64 << 20  # bytes of what a renderer prints: for a chart, every environment twice
REASON_UNCONFINED = (
    "built where the system takes no network away: remote addresses were refused before, and the builder had no git"
    " and no proxy, but nothing else kept it from the network"
)


def run_confined(
    command: Iterable[str],
    request: str,
    scratch: Path,
    *,
    max_output: int = MAX_OUTPUT_BYTES,
    is_own_module: bool = False,
) -> str:
    """What a program prints. `is_own_module` is a Python module of this package. Raises RenderError."""
    return run_renderer(command, request, scratch, max_output=max_output, is_own_module=is_own_module).output.decode(
        "utf-8", "replace"
    )


def run_renderer(
    command: Iterable[str],
    request: str,
    scratch: Path,
    *,
    max_output: int = MAX_OUTPUT_BYTES,
    is_own_module: bool = False,
) -> ProgramResult:
    """What a program gives, run in a folder of its own, which is its home too.

    Raises RenderError, and LimitError where it is over its limits.
    """
    clock = CLOCK if os.name == "posix" else TIMEOUT_SECONDS  # where nobody counts processor time
    limits = ProcessLimits(clock, MAX_MEMORY_BYTES, max_output, processor=TIMEOUT_SECONDS)
    environment = _minimal_environment(scratch, is_own_module=is_own_module)
    try:
        done = run_program(
            list(command),
            folder=scratch,
            environment=environment,
            limits=limits,
            stdin_data=request.encode("utf-8", "surrogatepass"),
        )
    except TooMuchError as error:
        raise LimitError(short_error(str(error))) from None
    except ProgramError as error:
        raise RenderError(short_error(str(error))) from None
    if done.exit_code:
        fault = LimitError if done.stopped else RenderError
        raise fault(short_error(done.failure_reason))
    return done


def is_confined(answer: ProgramResult) -> bool:
    """Whether a program had no network, by whatever means."""
    return answer.confinement != confine.NOT_CONFINED


def _minimal_environment(scratch: Path, *, is_own_module: bool) -> dict[str, str]:
    """All that a program is given: no PATH to find git on, no proxy, no settings of anybody's, a home in the scratch."""
    home = scratch / "home"
    home.mkdir(exist_ok=True)
    given = {"PATH": EMPTY_PATH, "LANG": "C.UTF-8", "HOME": str(home), "TMPDIR": str(home)}
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        given[name] = str(home / name.lower())
    kept = ("SYSTEMROOT", *(("PYTHONPATH", "VIRTUAL_ENV") if is_own_module else ()))
    return given | {name: os.environ[name] for name in kept if name in os.environ}
