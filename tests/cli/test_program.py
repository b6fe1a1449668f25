"""The process as its caller sees it: exit codes, one sentence, nothing left behind, whatever happens."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import readiness
from readiness import api
from readiness.cli import program
from readiness.cli.main import REPORT_FORMATS, main
from tests.conftest import ROOT

WEAK = str(ROOT / "fixtures" / "flowise" / "weak")
CHECK = [sys.executable, "-m", "readiness", "check", "--no-config", "--no-cache", "--purpose", "production"]
QUOTED = "a value of the file"


def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False, timeout=120, **options)


def told(done: subprocess.CompletedProcess[str], words: str) -> None:
    """One sentence on standard error, and exit code 2."""
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert done.stderr.startswith("readiness: ")
    assert done.stderr.count("\n") == 1


def closed(number: int) -> Callable[[], None]:
    return lambda: os.close(number)


COMMANDS = {
    "check": [*CHECK, WEAK],
    "json": [*CHECK, "--format", "json", WEAK],
    "github": [*CHECK, "--format", "github", WEAK],
    "markdown": [*CHECK, "--format", "markdown", WEAK],
    "rules": [sys.executable, "-m", "readiness", "rules"],
    "explain": [sys.executable, "-m", "readiness", "explain", "k8s/privileged"],
    "help": [sys.executable, "-m", "readiness", "--help"],
    "version": [sys.executable, "-m", "readiness", "--version"],
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_standard_output_that_is_closed(command: list[str]) -> None:
    told(run(command, preexec_fn=closed(1)), "standard output cannot be written: it is closed")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which Linux has")
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_standard_output_that_is_full(command: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        told(run(command, stdout=full), "standard output cannot be written: no space left")


def run_with_no_reader(command: list[str]) -> subprocess.CompletedProcess[str]:
    read, write = os.pipe()
    os.close(read)
    try:
        return run(command, stdout=write)
    finally:
        os.close(write)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_reader_that_has_enough_ends_a_command_in_silence(name: str) -> None:
    """As `| head` does; the gate's exit code is not lost with the rest of its report."""
    done = run_with_no_reader(COMMANDS[name])
    assert (done.returncode, done.stderr) == (1 if name in {"check", *REPORT_FORMATS} else 0, "")


def test_a_reader_that_has_enough_of_a_report_whose_gate_passed(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    for more, path, code in (([], str(tmp_path), 0), (["--exit-zero"], WEAK, 0), (["--fail-on", "never", "--min-score", "100"], WEAK, 1)):
        done = run_with_no_reader([*CHECK, *more, path])
        assert (done.returncode, done.stderr) == (code, "")
    assert run_with_no_reader([*CHECK, str(tmp_path / "gone")]).returncode == 2


def test_what_writes_files_says_that_nobody_read_it(tmp_path: Path) -> None:
    done = run_with_no_reader([sys.executable, "-m", "readiness", "baseline", "--output", str(tmp_path / "b.json"), WEAK])
    assert done.returncode in {0, 2}
    assert "internal error" not in done.stderr


def test_a_pipe_between_processes_that_breaks_is_no_reader_that_has_enough(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`check` writes to other programs, too; a run that broke off decided nothing."""

    def break_off(*_: Any, **__: Any) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(api, "check", break_off)
    with pytest.raises(SystemExit) as end:
        main(["check", WEAK])
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("readiness: ")


def test_a_report_that_nobody_could_read_is_not_taken_for_a_verdict(tmp_path: Path) -> None:
    """A clean tree passes the gate; with nobody to tell it to, it passed nothing."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    told(run([*CHECK, "--exit-zero", str(tmp_path)], preexec_fn=closed(1)), "it is closed")


def test_no_file_gets_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    done = run([*CHECK, "--output", f"json={report}", WEAK], preexec_fn=closed(1))
    told(done, "it is closed")
    assert report.read_text().startswith("{")
    assert report.read_text().endswith("}\n")


def test_standard_error_may_be_closed(tmp_path: Path) -> None:
    for given, code in ((WEAK, 1), (str(tmp_path / "gone"), 2)):
        done = run([*CHECK, given], stdout=subprocess.PIPE, preexec_fn=closed(2))
        assert (done.returncode, done.stderr) == (code, "")


def test_all_streams_may_be_closed() -> None:
    done = run([*CHECK, WEAK], preexec_fn=lambda: [os.close(n) for n in range(3)] and None)
    assert done.returncode == 2


def test_standard_input_that_is_closed_and_asked() -> None:
    told(run([*CHECK, "-"], preexec_fn=closed(0)), "standard input cannot be read: ")
    done = run([*CHECK, WEAK], stdout=subprocess.DEVNULL, preexec_fn=closed(0))
    assert done.returncode == 1  # nothing was asked of it


def test_standard_input_that_is_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as Python lets it begin: with a folder from the shell it ends before a line of ours runs."""

    class Folder:
        @property
        def buffer(self) -> Any:
            return self

        def read(self, limit: int) -> bytes:
            raise IsADirectoryError(21, "Is a directory")

    monkeypatch.setattr(sys, "stdin", Folder())
    assert ending(["check", "-"]) == 2


def test_a_narrow_encoding_ends_no_command() -> None:
    for command in COMMANDS.values():
        environment = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
        done = run(command, stdout=subprocess.PIPE, env=environment)
        assert done.returncode in {0, 1}
        assert done.stderr == ""


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """The tests' own answers to signals, once more."""
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, answer in before.items():
        signal.signal(number, answer)


def ending(words: list[str]) -> Any:
    """The exit code of the process that these words would be."""
    with pytest.raises(SystemExit) as ended:
        main(args=words, prog_name="readiness")
    return ended.value.code


ERRORS = {
    "ours": (IndexError(QUOTED), "internal error: IndexError in test_program.py:"),
    "recursion": (RecursionError(QUOTED), "internal error: RecursionError in test_program.py:"),
    "memory": (MemoryError(), "out of memory"),
    "system": (PermissionError(13, "Permission denied", "x"), "internal error: PermissionError"),
    "end of file": (EOFError(), "internal error: EOFError"),
    "wrong exit": (SystemExit("text"), ""),
    "base": (BaseException(QUOTED), "internal error: BaseException"),
}
STAGES = ("run.preparation.discover.discover_files", "run.preparation.merge_options", "api.run_pipeline", "api.report_of_run")


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(("error", "words"), ERRORS.values(), ids=ERRORS)
def test_an_error_that_nobody_expects_is_a_sentence_and_exit_code_2(
    error: BaseException,
    words: str,
    stage: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(f"readiness.{stage}", fail)
    monkeypatch.delenv(program.DEBUG_VARIABLE_NAME, raising=False)
    assert ending(["check", "--no-config", "--no-cache", WEAK]) == 2
    out, said = capsys.readouterr()
    assert "Traceback" not in out + said
    assert QUOTED not in out + said
    assert words in said
    assert said.count("\n") <= 1


def test_the_traceback_is_shown_to_those_who_ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ValueError("\n::error::\x1b[31m")

    monkeypatch.setattr(api, "run_pipeline", fail)
    monkeypatch.setenv(program.DEBUG_VARIABLE_NAME, "1")
    assert ending(["check", "--no-config", "--no-cache", WEAK]) == 2
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "in fail" in said
    assert "\x1b" not in said
    assert not any(line.startswith("::") for line in said.splitlines())


def test_an_error_in_a_process_of_jobs_is_told_by_its_own_name() -> None:
    code = (
        "import sys; from readiness.run import engine\n"
        "def fail(*a, **k): return {}['gone']\n"
        "engine.run_rules = fail\n"
        "from readiness.cli.main import main; main(prog_name='readiness')"
    )
    command = [sys.executable, "-c", code, *CHECK[3:], "--jobs", "2", WEAK]
    told(run(command), "internal error: KeyError in <string>:2")


@pytest.mark.parametrize("limit", [90, 150, 220])
def test_no_memory_left_is_no_pass_and_no_traceback(tmp_path: Path, limit: int) -> None:
    """Whatever the limit (in MiB) stops: the file is told as one that could not be judged, or the run as one that could not."""
    head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n"
    (tmp_path / "a.yaml").write_text(head + "- 1\n" * 2_000_000)
    done = run(
        [*CHECK, str(tmp_path)],
        stdout=subprocess.PIPE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit << 20, limit << 20)),
    )
    if done.returncode == 1:
        assert "its values take more memory than there is" in done.stdout
        assert done.stderr == ""
    else:
        told(done, "out of memory")


SLOW = """\
import os, sys, time
from readiness.run import engine
def wait(*a, **k):
    os.write(1, b"%d\\n" % os.getpid())
    time.sleep(60)
engine.run_rules = wait
from readiness.cli.main import main
main(prog_name="readiness")
"""


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(
    ("number", "whole_group", "code", "words"),
    [
        (signal.SIGINT, True, 130, "readiness: interrupted\n"),
        (signal.SIGINT, False, 130, "readiness: interrupted\n"),
        (signal.SIGTERM, False, 143, ""),
    ],
    ids=["Ctrl-C", "SIGINT", "SIGTERM"],
)
def test_an_interrupt_ends_all_processes_in_silence(number: signal.Signals, whole_group: bool, code: int, words: str, jobs: int) -> None:
    command = [sys.executable, "-c", SLOW, *CHECK[3:], "--jobs", str(jobs), WEAK]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        working = [int(process.stdout.readline()) for _ in range(jobs)]
        send = os.killpg if whole_group else os.kill
        send(process.pid, number)
        assert process.wait(timeout=30) == code
        assert process.stderr.read() == words
    for pid in working:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


EMPTY = ("since", "baseline", "config", "profile")
LISTS = ("paths", "select", "ignore", "rules", "helm_values", "checklists")


@pytest.mark.parametrize("option", [*EMPTY, *LISTS])
@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_value_is_refused(option: str, value: str) -> None:
    given: dict[str, Any] = {option: [WEAK, value] if option in LISTS else value}
    with pytest.raises(api.OptionError, match=f"{option} is empty"):
        readiness.check(**{"paths": [WEAK], **given})
    if option == "paths":
        words = [WEAK, value]
    else:
        flag = {"checklists": "checklist", "helm_values": "helm-values"}.get(option, option)
        words = [f"--{flag}", value, WEAK]
    assert ending(["check", *words]) == 2


@pytest.mark.parametrize(
    "words",
    [
        ["explain", ""],
        ["rules", "--like", ""],
        ["rules", "--kind", ""],
        ["checklist", ""],
        ["baseline", "--output", ""],
        ["check", "--select", ","],
        ["check", "--ignore", " , "],
        ["check", "--output", ""],
    ],
    ids=" ".join,
)
def test_no_command_takes_an_empty_value(words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(WEAK)
    assert ending(words) == 2
    said = capsys.readouterr().err
    assert "is empty" in said or "names no" in said
