"""The end of a run by the clock: what is not done by then is given up as a whole, so that a report never depends on how fast a machine is."""

from __future__ import annotations

import contextlib
import math
import signal
import threading
from collections.abc import Iterator
from typing import Any, NoReturn

MAX_TIMEOUT_SECONDS = 1_000_000.0
_SECONDS_UNTIL_ASKED_AGAIN = 5.0  # where the first time fell on code that lets no error out, as a finalizer does


class RunTimeoutError(Exception):
    """A run that took longer than it was given; nothing was decided."""


class _DeadlineReached(BaseException):  # not an error of a check: no `except Exception` may keep it
    pass


def timeout_error_text(seconds: float) -> str:
    """Why a timeout cannot be used; empty where it can."""
    if not math.isfinite(seconds) or not 0 < seconds <= MAX_TIMEOUT_SECONDS:
        return f"timeout is {seconds:g} seconds; give a number above 0 and up to {MAX_TIMEOUT_SECONDS:,.0f}"
    if not hasattr(signal, "setitimer"):
        return "timeout needs a system with interval timers; leave it out here"
    if threading.current_thread() is not threading.main_thread():
        return "timeout works in the main thread alone; leave it out here"
    return ""


@contextlib.contextmanager
def end_after(seconds: float | None) -> Iterator[None]:
    """End what runs in the block after some seconds by the clock, wherever it is, programs and processes that it started too.

    None ends nothing. What clears up behind itself does so on the way out. Raises RunTimeoutError then, and also
    where the block came to its end late because code that lets no error out, such as a finalizer, kept the first one.
    """
    if seconds is None:
        yield
        return
    is_deadline_reached = False

    def raise_deadline_reached(_number: int, _frame: Any) -> NoReturn:
        nonlocal is_deadline_reached
        is_deadline_reached = True
        raise _DeadlineReached

    previous_handler = signal.signal(signal.SIGALRM, raise_deadline_reached)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, _SECONDS_UNTIL_ASKED_AGAIN)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        if is_deadline_reached:
            raise _DeadlineReached
    except _DeadlineReached:
        raise RunTimeoutError(
            f"the run was not done after {seconds:g} seconds and was ended, so nothing was decided;"
            " give --timeout more, or judge fewer files at a time"
        ) from None
    finally:
        signal.signal(signal.SIGALRM, previous_handler)
