"""What the files of one run stand for beyond what is written: the values of aliases, merge keys, `extends` and templates, summed up.

Each file has a limit of its own; a tree of many files, each just below it, has this one. A file that repeats nothing is never refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from readiness.model import OverLimitError

MAX_EXPANDED_VALUES_PER_RUN = 500_000  # the largest of the trees that this was tried on has 9,000

_values_of_run: ContextVar[list[int] | None] = ContextVar("values_of_run", default=None)


@contextmanager
def expansion_counted_for_run() -> Iterator[None]:
    """Count what files stand for meanwhile, from nothing."""
    token = _values_of_run.set([0])
    try:
        yield
    finally:
        _values_of_run.reset(token)


def count_expanded_values(count: int, offset: int) -> None:
    """Count the values that a text takes in more than once. Raises OverLimitError at `offset` where that is more than a run goes through."""
    values_of_run = _values_of_run.get()
    if values_of_run is None or not count:
        return
    if values_of_run[0] + count > MAX_EXPANDED_VALUES_PER_RUN:
        message = f"with those of the files before it, its aliases and templates stand for more than {MAX_EXPANDED_VALUES_PER_RUN:,} values"
        raise OverLimitError(message, offset)
    values_of_run[0] += count
