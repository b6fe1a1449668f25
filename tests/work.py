"""How much work each function does, counted and not timed: its calls, and those that it makes, the same on every machine."""

from __future__ import annotations

import cProfile
import sys
from collections import Counter
from collections.abc import Callable

import pytest

Work = Counter[tuple[str, int, str]]  # by file, line and name of a function


def work_by_function(call: Callable[[], object]) -> Work:
    """For each function of Python how often it was entered, a generator each time it goes on, and how many calls it made, those of C among them."""
    profiler = cProfile.Profile(builtins=True, subcalls=True)
    profiler.enable()
    try:
        call()
    finally:
        profiler.disable()
    work: Work = Counter()
    for entry in profiler.getstats():
        if not isinstance(entry.code, str):
            made = sum(inner.callcount for inner in entry.calls or ())
            work[(entry.code.co_filename, entry.code.co_firstlineno, entry.code.co_name)] += entry.callcount + made
    return work


def lower_bounds(monkeypatch: pytest.MonkeyPatch, bounds: dict[str, int]) -> None:
    """Set bounds of the package lower, in every module that has them; each must be in one."""
    for name, value in bounds.items():
        holders = [one for key, one in list(sys.modules.items()) if key.startswith("readiness.") and name in vars(one)]
        assert holders, f"no module that was imported has {name}"
        for module in holders:
            monkeypatch.setattr(module, name, value)
