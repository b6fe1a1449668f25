"""A run that is given a time ends by it, wherever it is, with nothing decided and nothing left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import readiness
from readiness import api
from readiness.run import deadline
from readiness.run.deadline import RunTimeoutError
from tests import growth_series as series
from tests.make import write_files

posix_only = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs interval timers")


def command(root: Path, *flags: str, stdin: int | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "readiness", "check", "--no-config", "--no-cache", *flags],
        cwd=root, capture_output=True, text=True, check=False, stdin=stdin or subprocess.DEVNULL,
    )  # fmt: skip


@posix_only
@pytest.mark.parametrize("flags", [[], ["--jobs", "2"]], ids=["one process", "two"])
def test_a_run_that_takes_longer_ends_with_two_and_a_sentence(tmp_path: Path, flags: list[str]) -> None:
    write_files(tmp_path, series.k8s_ingress_services(300))
    done = command(tmp_path, *flags, "--timeout", "0.3")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("readiness: the run was not done after 0.3 seconds")
    assert "--timeout" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@posix_only
def test_standard_input_that_never_ends_is_waited_for_no_longer(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    try:
        done = command(tmp_path, "--timeout", "0.3", "-", stdin=reader)
    finally:
        os.close(reader)
        os.close(writer)
    assert done.returncode == 2
    assert "was not done after 0.3 seconds" in done.stderr


@posix_only
def test_a_run_in_time_is_as_without(tmp_path: Path) -> None:
    write_files(tmp_path, series.compose_services(2))
    timed, plain = (readiness.check([tmp_path], base=tmp_path, timeout=one) for one in (500.0, None))
    assert [one.message for one in timed.findings] == [one.message for one in plain.findings]
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@posix_only
@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf"), 1e9])
def test_what_is_no_time_is_refused(tmp_path: Path, seconds: float) -> None:
    with pytest.raises(api.OptionError, match="timeout is"):
        readiness.check([tmp_path], timeout=seconds)
    done = command(tmp_path, f"--timeout={seconds}")
    assert done.returncode == 2
    assert "--timeout is" in done.stderr


@posix_only
def test_a_thread_cannot_have_one_and_is_told(tmp_path: Path) -> None:
    errors: list[Exception] = []

    def check() -> None:
        try:
            readiness.check([tmp_path], timeout=1.0)
        except api.OptionError as error:
            errors.append(error)

    thread = threading.Thread(target=check)
    thread.start()
    thread.join()
    assert "main thread" in str(errors[0])


@posix_only
def test_no_check_can_keep_it_for_an_error_of_its_own() -> None:
    """The one `try` around checks takes every Exception: the end of the time is none."""

    def swallow_errors_for_ever() -> None:
        while True:
            with contextlib.suppress(Exception):
                time.sleep(1)

    with pytest.raises(RunTimeoutError), deadline.end_after(0.05):
        swallow_errors_for_ever()


@posix_only
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_it_is_asked_again_where_the_first_time_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "_SECONDS_UNTIL_ASKED_AGAIN", 0.05)
    lost = 0

    class Finalized:
        def __del__(self) -> None:
            nonlocal lost
            time.sleep(0.2)  # no error gets out of here
            lost += 1

    def lose_and_wait() -> None:
        thing = Finalized()
        del thing
        time.sleep(20)

    with pytest.raises(RunTimeoutError), deadline.end_after(0.05):
        lose_and_wait()
    assert lost <= 1


@posix_only
def test_a_block_that_comes_to_its_end_too_late_has_not_been_in_time() -> None:
    def lose_the_error() -> None:
        with contextlib.suppress(BaseException):
            time.sleep(20)

    with pytest.raises(RunTimeoutError), deadline.end_after(0.05):
        lose_the_error()


@posix_only
def test_a_program_that_runs_is_ended_too() -> None:
    with pytest.raises(RunTimeoutError), deadline.end_after(0.1):
        subprocess.run([sys.executable, "-c", "import time; time.sleep(60)"], check=False)
