"""What all programs of one run may use together: after that the rest is not asked for, and told as not judged."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

MAX_PROGRAM_SECONDS_PER_RUN = 600  # seconds of processor time of all programs of a run
MAX_RENDERED_BYTES_PER_RUN = 64 << 20  # bytes of what charts and overlays give in a run, whoever renders them
MAX_GIT_BYTES_PER_RUN = 3 << 30  # bytes of what git gives in a run: names and contents of an earlier revision


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

    `names_by_confinement` are the programs that the system could not confine in full, by what it did do.
    """

    __slots__ = ("git_bytes", "names_by_confinement", "rendered_bytes", "seconds")

    def __init__(self) -> None:
        self.seconds = 0.0
        self.rendered_bytes = 0
        self.git_bytes = 0
        self.names_by_confinement: dict[str, set[str]] = {}

    @contextmanager
    def metered(self) -> Iterator[None]:
        """Count what programs take meanwhile. Raises BudgetExceededError where nothing more is to be started."""
        if self.seconds >= MAX_PROGRAM_SECONDS_PER_RUN:
            raise BudgetExceededError(f"the programs before it took {MAX_PROGRAM_SECONDS_PER_RUN} seconds, the limit for a run")
        seconds_before, token = child_processor_seconds(), _names_of_metered_block.set(self.names_by_confinement)
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

    def add_git_bytes(self, byte_count: int) -> None:
        """Count what git gave. Raises BudgetExceededError where that is more than there may be."""
        self.git_bytes += byte_count
        if self.git_bytes > MAX_GIT_BYTES_PER_RUN:
            raise BudgetExceededError(f"with what git gave before it, it has over {MAX_GIT_BYTES_PER_RUN >> 20} MiB, the limit for a run")

    def confinement_notices(self) -> tuple[str, ...]:
        """What a reader is to know of the programs that ran with less around them than they should have; nothing where there were none."""
        if not self.names_by_confinement:
            return ()
        told = ((text, sorted(self.names_by_confinement.get(confinement, ()))) for confinement, text in _text_by_confinement().items())
        return ("; ".join(text.format(names=", ".join(names)) for text, names in told if names),)


@cache
def _text_by_confinement() -> Mapping[str, str]:
    """What is said of programs by what confined them, where that is less than all."""
    from readiness.programs import confine  # which brings what a run without programs need not load

    return {
        confine.NOT_CONFINED: (
            "not cut off from the network: {names}, since this system gives no namespace and takes no filter;"
            " judge strangers' files in a container without a network"
        ),
        confine.BY_SECCOMP_FILTER: (
            "confined by a system call filter alone: {names}, since this system gives no network namespace;"
            " the filter refuses sockets and other processes"
        ),
        confine.BY_NAMESPACE: (
            "confined by a network namespace alone: {names}, since this system takes no system call filter; other programs of the machine and sockets"
            " that stand on its disk are within reach"
        ),
    }


_names_of_metered_block: ContextVar[dict[str, set[str]] | None] = ContextVar("names_of_metered_block", default=None)
_budget_of_run: ContextVar[RunBudget | None] = ContextVar("budget_of_run", default=None)


@contextmanager
def one_run_budget() -> Iterator[RunBudget]:
    """Give all that is started meanwhile one budget. A run inside another one has seconds and bytes of its own, and its notices are those of both."""
    budget, outer_budget = RunBudget(), _budget_of_run.get()
    if outer_budget is not None:
        budget.names_by_confinement = outer_budget.names_by_confinement
    token = _budget_of_run.set(budget)
    try:
        yield budget
    finally:
        _budget_of_run.reset(token)


def budget_of_run() -> RunBudget:
    """The budget of the run that is under way; a new one outside of any."""
    return _budget_of_run.get() or RunBudget()


def is_confinement_notice(notice: str) -> bool:
    """Whether a notice of a run says how little its programs were confined."""
    return notice.startswith(tuple(text.partition("{")[0] for text in _text_by_confinement().values()))


def record_incomplete_confinement(program_name: str, confinement: str) -> None:
    """Note what a program was confined by, which is less than it should have been, for the budget that meters it."""
    names_by_confinement = _names_of_metered_block.get()
    if names_by_confinement is not None:
        names_by_confinement.setdefault(confinement, set()).add(program_name)
