"""Somebody else's program on somebody else's files: with limits, little of our environment, and no network."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from readiness.loading.render.made import LimitError, RenderError, short_error_text
from readiness.programs import confine
from readiness.programs.process import (
    ProcessLimits,
    ProgramError,
    ProgramResult,
    TooMuchError,
    environment_of_its_own,
    run_program,
)

MAX_PROCESSOR_SECONDS = 30  # seconds of processor time, so that what renders does so under any load
MAX_CLOCK_SECONDS = 10 * MAX_PROCESSOR_SECONDS  # seconds until one is given up that waits, or hardly gets a processor
MAX_MEMORY_BYTES = 2 << 30  # bytes
MAX_RENDERER_OUTPUT_BYTES = 64 << 20  # bytes of what a renderer prints: for a chart, every environment twice
REASON_UNCONFINED = (
    "built where the system takes no network away: remote addresses were refused before, and the builder had no git"
    " and no proxy, but nothing else kept it from the network"
)


def run_renderer_for_text(
    command: Iterable[str],
    stdin_text: str,
    scratch_folder: Path,
    *,
    max_output_bytes: int = MAX_RENDERER_OUTPUT_BYTES,
    is_own_module: bool = False,
) -> str:
    """What a program prints. `is_own_module` is a Python module of this package. Raises RenderError."""
    return run_renderer(command, stdin_text, scratch_folder, max_output_bytes=max_output_bytes, is_own_module=is_own_module).output.decode(
        "utf-8", "replace"
    )


def run_renderer(
    command: Iterable[str],
    stdin_text: str,
    scratch_folder: Path,
    *,
    max_output_bytes: int = MAX_RENDERER_OUTPUT_BYTES,
    is_own_module: bool = False,
) -> ProgramResult:
    """What a program gives, run in a folder of its own, which is its home too.

    Raises RenderError, and LimitError where it is over its limits.
    """
    clock_seconds = MAX_CLOCK_SECONDS if os.name == "posix" else MAX_PROCESSOR_SECONDS  # where nobody counts processor time
    process_limits = ProcessLimits(clock_seconds, MAX_MEMORY_BYTES, max_output_bytes, processor=MAX_PROCESSOR_SECONDS)
    environment = environment_of_its_own(scratch_folder / "home", ("PYTHONPATH", "VIRTUAL_ENV") if is_own_module else ())
    try:
        program_result = run_program(
            list(command),
            working_directory=scratch_folder,
            environment=environment,
            limits=process_limits,
            stdin_data=stdin_text.encode("utf-8", "surrogatepass"),
        )
    except TooMuchError as error:
        raise LimitError(short_error_text(str(error))) from None
    except ProgramError as error:
        raise RenderError(short_error_text(str(error))) from None
    if program_result.exit_code:
        error_class = LimitError if program_result.stopped else RenderError
        raise error_class(short_error_text(program_result.failure_reason))
    return program_result


def was_run_without_network(program_result: ProgramResult) -> bool:
    """Whether a program had no network, by whatever means."""
    return program_result.confinement != confine.NOT_CONFINED
