"""What all programs of one run may use together: after that the rest is not asked for, and told as not judged."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

MAX_PROGRAM_SECONDS_PER_RUN = 600  # seconds of processor time of all programs of a run
MAX_RENDERED_BYTES_PER_RUN = 64 << 20  # bytes of what charts and overlays give in a run, whoever renders them


UNCONFINED_NOTICE_START = "not cut off from the network: "

_names_of_metered_block: ContextVar[set[str] | None] = ContextVar("names_of_metered_block", default=None)


class BudgetExceededError(Exception):
    """A run whose programs took too long, or gave too much: which of them, in words."""


def child_processor_seconds() -> float:
    """The processor time of all programs that have run so far; by the clock where the system counts none."""
    if os.name != "posix":
        return time.monotonic()
    process_times = os.times()
    return process_times.children_user + process_times.children_system


class RunBudget:
    """What the programs of one run have used: seconds of processor time, and bytes of what they gave.

    `unconfined_names` are those that the system could not cut off from the network.
    """

    __slots__ = ("rendered_bytes", "seconds", "unconfined_names")

    def __init__(self) -> None:
        self.seconds = 0.0
        self.rendered_bytes = 0
        self.unconfined_names: set[str] = set()

    @contextmanager
    def metered(self) -> Iterator[None]:
        """Count what programs take meanwhile. Raises BudgetExceededError where nothing more is to be started."""
        if self.seconds >= MAX_PROGRAM_SECONDS_PER_RUN:
            raise BudgetExceededError(f"the programs before it took {MAX_PROGRAM_SECONDS_PER_RUN} seconds, the limit for a run")
        seconds_before, token = child_processor_seconds(), _names_of_metered_block.set(self.unconfined_names)
        try:
            yield
        finally:
            _names_of_metered_block.reset(token)
            self.seconds += child_processor_seconds() - seconds_before

    def add_rendered_bytes(self, byte_count: int) -> None:
        """Count what was rendered. Raises BudgetExceededError where that is more than there may be."""
        if self.rendered_bytes + byte_count > MAX_RENDERED_BYTES_PER_RUN:
            raise BudgetExceededError(f"with what was rendered before it, it has over {MAX_RENDERED_BYTES_PER_RUN >> 20} MiB, the limit for a run")
        self.rendered_bytes += byte_count

    def unconfined_notices(self) -> tuple[str, ...]:
        """What a reader is to know of the programs that had the network within reach; nothing where there were none."""
        if not self.unconfined_names:
            return ()
        notice = (
            f"{UNCONFINED_NOTICE_START}{', '.join(sorted(self.unconfined_names))}, since this system gives no namespace and takes no filter;"
            " judge strangers' files in a container without a network"
        )
        return (notice,)


def record_unconfined_program(program_name: str) -> None:
    """Note that a program ran with the network within reach, for the budget that meters it."""
    names = _names_of_metered_block.get()
    if names is not None:
        names.add(program_name)
