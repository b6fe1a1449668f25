"""The process that judges inputs, one at a time, within limits: what ends it ends no campaign."""

from __future__ import annotations

import base64
import faulthandler
import json
import os
import resource
import select
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import IO, Any

from tests.conftest import ROOT
from tests.fuzz.oracle import STAGES, Failure, Verdict, judge

MEMORY_BYTES = 1 << 30  # that an input, with all before it, may take
SECONDS_UNTIL_HANG = 150  # on the clock: the machine may have other work
Files = dict[str, bytes]


class Worker:
    """A process of its own with a seed for hashes of its own; started anew when an input ends it."""

    def __init__(self, hash_seed: int) -> None:
        self.hash_seed = hash_seed
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def judge(self, kind: str, files: Files, stages: Collection[str] = STAGES, *, counted: bool = False) -> Verdict:
        """What the oracle says of an input; `died` or `hang` where no answer comes."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.fuzz.worker"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
                env={**os.environ, "PYTHONHASHSEED": str(self.hash_seed), "PYTHONPATH": str(ROOT), "PATH": os.devnull},  # no program but our own
            )  # fmt: skip
        process = self._process
        request = {"kind": kind, "files": encoded(files), "stages": list(stages), "counted": counted}
        try:
            _pipe(process.stdin).write(json.dumps(request) + "\n")
            _pipe(process.stdin).flush()
            is_ready, _, _ = select.select([process.stdout], [], [], SECONDS_UNTIL_HANG)
            answer = _pipe(process.stdout).readline() if is_ready else ""
        except BrokenPipeError:
            is_ready, answer = [process.stdout], ""
        if not answer:
            process.kill()
            said = process.communicate()[1]
            self._process = None
            return Verdict(Failure("died" if is_ready else "hang", "check", _place_of_end(said, process.returncode if is_ready else 0)), "", 0.0)
        failure, digest, seconds = json.loads(answer)
        return Verdict(Failure(*failure) if failure else None, digest, seconds)


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def _place_of_end(standard_error: str, returncode: int) -> str:
    """Where a process ended, as its fault handler tells, or by its number."""
    lines = [line.strip() for line in standard_error.splitlines() if line.strip().startswith("File ")]
    names = [f"{Path(line.split(chr(34))[1]).name}:{line.split('line ')[1].split(' ')[0]}" for line in lines[:1]]
    return " ".join([f"exit {returncode}", *names])


def encoded(files: Files) -> dict[str, str]:
    """Contents as text."""
    return {path: base64.b64encode(content).decode() for path, content in files.items()}


def main() -> None:
    """Answer requests from standard input until it ends."""
    from tests.fuzz.kinds import FUZZ_KINDS

    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, resource.RLIM_INFINITY))  # renderers reserve address space, and don't use it
    out, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        request: dict[str, Any] = json.loads(line)
        files = {path: base64.b64decode(content) for path, content in request["files"].items()}
        out.write(json.dumps(judge(FUZZ_KINDS[request["kind"]], files, request["stages"], counted=request["counted"])) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
