"""A short run of the fuzzer: so many inputs of each kind, the same every time, with work counted and not timed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.__main__ import main
from tests.fuzz.kinds import FUZZ_KINDS

INPUTS_PER_KIND = 14


def test_no_input_of_a_short_run_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exit_code = main(["all", "--inputs", str(INPUTS_PER_KIND), "--seed", "1", "--counted", "--keep", "--into", str(tmp_path)])
    said = capsys.readouterr().out
    assert exit_code == 0, said
    assert said.count("nothing failed") == len(FUZZ_KINDS)
