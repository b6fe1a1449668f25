"""Somebody else's program on somebody else's files: with a time limit, little of our environment, and no shell."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from readiness.render.made import RenderError, short

TIMEOUT = 30  # seconds


def process(command: Iterable[str], request: str, scratch: Path) -> str:
    """A process with a time limit and little of our environment. Raises RenderError."""
    kept = ("PATH", "PYTHONPATH", "SYSTEMROOT", "VIRTUAL_ENV")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment |= {"HOME": str(scratch), "LANG": "C.UTF-8"}
    try:
        done = subprocess.run(  # noqa: S603  # ours, with the chart as data
            list(command), input=request, capture_output=True, encoding="utf-8", errors="replace", timeout=TIMEOUT, check=False,
            cwd=scratch, env=environment,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise RenderError(f"it did not finish in {TIMEOUT} seconds") from None
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        why = "it ran over its limit of time or memory" if done.returncode < 0 else said[0]
        raise RenderError(short(why))
    return done.stdout
