"""Somebody else's program on somebody else's files: with limits, little of our environment, and no network."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from readiness.loading.render.made import LimitError, RenderError, short_error
from readiness.programs import confine
from readiness.programs.process import (
    NOWHERE,
    Answer,
    Limits,
    ProgramError,
    TooMuchError,
    run_program,
)

TIMEOUT = 30  # seconds of processor time, so that what renders does so under any load
CLOCK = 10 * TIMEOUT  # seconds until one is given up that waits, or hardly gets a processor
MEMORY = 2 << 30  # bytes
OUTPUT = 64 << 20  # bytes of what a renderer prints: for a chart, every environment twice
UNCONFINED = (
    "built where the system takes no network away: remote addresses were refused before, and the builder had no git"
    " and no proxy, but nothing else kept it from the network"
)


def run_confined(
    command: Iterable[str], request: str, scratch: Path, *, output: int = OUTPUT, ours: bool = False
) -> str:
    """What a program prints. `ours` is a Python module of this package. Raises RenderError."""
    return run_renderer(command, request, scratch, output=output, ours=ours).output.decode(
        "utf-8", "replace"
    )


def run_renderer(
    command: Iterable[str], request: str, scratch: Path, *, output: int = OUTPUT, ours: bool = False
) -> Answer:
    """What a program gives, run in a folder of its own, which is its home too.

    Raises RenderError, and LimitError where it is over its limits.
    """
    clock = CLOCK if os.name == "posix" else TIMEOUT  # where nobody counts processor time
    limits = Limits(clock, MEMORY, output, processor=TIMEOUT)
    environment = _environment(scratch, ours=ours)
    try:
        done = run_program(
            list(command),
            folder=scratch,
            environment=environment,
            limits=limits,
            request=request.encode("utf-8", "surrogatepass"),
        )
    except TooMuchError as error:
        raise LimitError(short_error(str(error))) from None
    except ProgramError as error:
        raise RenderError(short_error(str(error))) from None
    if done.code:
        fault = LimitError if done.stopped else RenderError
        raise fault(short_error(done.reason))
    return done


def is_confined(done: Answer) -> bool:
    """Whether a program had no network, by whatever means."""
    return done.network != confine.NONE


def _environment(scratch: Path, *, ours: bool) -> dict[str, str]:
    """All that a program is given: no PATH to find git on, no proxy, no settings of anybody's, a home in the scratch."""
    home = scratch / "home"
    home.mkdir(exist_ok=True)
    given = {"PATH": NOWHERE, "LANG": "C.UTF-8", "HOME": str(home), "TMPDIR": str(home)}
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        given[name] = str(home / name.lower())
    kept = ("SYSTEMROOT", *(("PYTHONPATH", "VIRTUAL_ENV") if ours else ()))
    return given | {name: os.environ[name] for name in kept if name in os.environ}
