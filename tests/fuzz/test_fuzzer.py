"""The fuzzer finds what it is for: each thing that may never happen is made to happen here."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from readiness.model import Span, hit
from readiness.reports import plain
from readiness.ruleset.bound import LoadedRule
from readiness.syntax import dockerfile
from tests.fuzz import __main__ as fuzz
from tests.fuzz import corpus, minimise, mutations, oracle
from tests.fuzz.kinds import FUZZ_KINDS
from tests.fuzz.oracle import Failure, judge, look_at_output
from tests.fuzz.worker import Worker

FILES = {"Dockerfile": b"FROM debian:latest\nRUN true\n"}
KIND = FUZZ_KINDS["dockerfile"]


def failure(**options: Any) -> Failure | None:
    return judge(KIND, FILES, **options).failure


def test_what_is_right_is_no_failure() -> None:
    assert failure() is None
    assert failure(counted=True) is None


def test_a_parser_that_raises_is_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dockerfile, "parse_dockerfile", lambda *_, **__: {}["x"])
    found = failure(stages=("parsers",))
    assert found is not None
    assert (found.sort, found.stage) == ("crash", "parsers")
    assert "KeyError" in found.detail


def with_rule(monkeypatch: pytest.MonkeyPatch, check: Callable[..., Any]) -> None:
    """Let one rule of the tool have another check, and no other any."""

    def run_check(self: LoadedRule, subject: Any, project: Any) -> Any:
        return check(subject) if self.rule.id == "dockerfile/user-root" else iter(())

    monkeypatch.setattr(LoadedRule, "run_check", run_check)


def test_a_rule_that_raises_is_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(subject: Any) -> Any:
        raise IndexError

    with_rule(monkeypatch, check)
    found = failure()
    assert found is not None
    assert (found.sort, found.stage) == ("crash", "check")
    assert "IndexError" in found.detail


def test_a_place_outside_of_the_file_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("readiness.model.Source.one_line", lambda self, span: Span(span.start, len(self.text) + 7))
    with_rule(monkeypatch, lambda subject: iter([hit(Span(0, 3))]))
    found = failure()
    assert found is not None
    assert found.sort == "place"


BAD_OUTPUT = {
    "an escape": ("json", '"\x1b[31m"', "json: U+001B"),
    "an escape that is no style": ("terminal", "a \x1b[2J b", "terminal: U+001B"),
    "a carriage return": ("markdown", "a\rb", "markdown: U+000D"),
    "a byte of C1": ("terminal", "a\x9b31mb", "terminal: U+009B"),
    "text that runs backwards": ("github", "a\u202eb", "github: U+202E"),
    "half of a pair": ("markdown", "a\ud800b", "markdown: U+D800"),
    "a command of the runner": ("terminal", "a\n::set-env name=A::b\n", "terminal: a line begins with a command"),
    "a command of the older form": ("github", "##[add-path]b\n", "github: a line begins with a command"),
    "a secret": ("markdown", f"a {oracle.PLANTED} b", "markdown"),
}


@pytest.mark.parametrize("name", BAD_OUTPUT)
def test_what_may_stand_in_no_output_is_seen(name: str) -> None:
    format_name, text, wanted = BAD_OUTPUT[name]
    with pytest.raises(oracle._FailedError, match=re.escape(wanted)) if name != "an escape" else pytest.raises((oracle._FailedError, ValueError)):
        look_at_output(format_name, text, {oracle.PLANTED})


def test_what_may_stand_in_outputs_is_let_through() -> None:
    look_at_output("terminal", "\x1b[1mbold\x1b[0m\tx\n ::set-env\n", {oracle.PLANTED})
    look_at_output("github", "::error file=a::b\n::group::x\n", set())


def test_a_planted_secret_that_is_shown_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def render(report: Any, out: Any, *, options: Any) -> None:
        out.write(oracle.PLANTED + "\n")

    monkeypatch.setattr(plain, "render", render)
    planted = mutations.SECRET_LINE_FORMS[0].format(oracle.PLANTED).encode()
    assert judge(KIND, {"Dockerfile": FILES["Dockerfile"] + planted + b"\n"}).failure == Failure("secret", "reports", "terminal")
    assert judge(KIND, {"Dockerfile": FILES["Dockerfile"] + b"# " + planted}).failure is None, "only a whole line counts as planted"


def test_slow_work_is_measured_twice_and_told_by_its_function(monkeypatch: pytest.MonkeyPatch) -> None:
    began: list[float] = []
    parse = dockerfile.parse_dockerfile

    def slow(*arguments: Any, **more: Any) -> Any:
        began.append(time.process_time())
        ends_at = time.process_time() + 0.1
        while time.process_time() < ends_at:
            parse("FROM a\n" * 100)
        return parse(*arguments, **more)

    monkeypatch.setattr(dockerfile, "parse_dockerfile", slow)
    monkeypatch.setattr(oracle, "SECONDS_OF_ANY_INPUT", 0.0)
    found = failure(stages=("check",))
    assert found is not None
    assert (found.sort, found.stage) == ("slow", "check")
    assert ".py:" in found.detail
    assert len(began) >= 2


def test_too_many_lines_of_a_parser_are_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    parse = dockerfile.parse_dockerfile
    monkeypatch.setattr(
        dockerfile, "parse_dockerfile", lambda *arguments, **more: [parse("FROM a\n" * 100) for _ in range(40)] and parse(*arguments, **more)
    )
    found = failure(stages=("parsers",), counted=True)
    assert found is not None
    assert found.sort == "slow"


def test_a_worker_that_ends_or_hangs_is_a_failure_and_the_next_input_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    with Worker(0) as worker:
        assert worker.judge("dockerfile", FILES).failure is None
        assert worker._process is not None
        os.kill(worker._process.pid, signal.SIGSEGV)
        worker._process.wait()
        died = worker.judge("dockerfile", FILES).failure
        assert died is not None
        assert (died.sort, died.detail.split()[:2]) == ("died", ["exit", "-11"])
        assert worker.judge("dockerfile", FILES).failure is None
        monkeypatch.setattr("tests.fuzz.worker.SECONDS_UNTIL_HANG", 0.5)
        os.kill(worker._process.pid, signal.SIGSTOP)
        stopped = worker.judge("dockerfile", FILES).failure
        assert stopped is not None
        assert stopped.sort == "hang"


def test_a_worker_has_no_more_memory_than_it_may() -> None:
    with Worker(0) as worker:
        worker.judge("dockerfile", FILES)
        assert worker._process is not None
        limits = Path(f"/proc/{worker._process.pid}/limits")
        if not limits.exists():
            pytest.skip("this system does not tell the limits of a process")
        (line,) = (line for line in limits.read_text().splitlines() if line.startswith("Max data size"))
        assert int(line.split()[3]) == 1 << 30


@pytest.mark.parametrize("kind", FUZZ_KINDS)
def test_an_input_is_the_same_every_time_and_others_are_others(kind: str) -> None:
    inputs = [fuzz.input_with_number(kind, 3, number) for number in range(20)]
    assert inputs == [fuzz.input_with_number(kind, 3, number) for number in range(20)]
    assert len({corpus.content_name(one) for one in inputs}) > 15
    assert any(oracle.PLANTED.encode() in content for one in inputs for content in one.values())


def test_an_input_is_made_small() -> None:
    files = {"Dockerfile": b"FROM a\n" * 50 + b"RUN one bad word here\n" + b"RUN x\n" * 50, "other": b"y\n" * 100}
    small = minimise.minimised(files, lambda one: b"bad" in one.get("Dockerfile", b""))
    assert small == {"Dockerfile": b"bad"}


def test_making_small_ends_after_its_tries() -> None:
    tried = 0

    def fails(_: object) -> bool:
        nonlocal tried
        tried += 1
        return False

    files = {"a": b"x\n" * 1000}
    assert minimise.minimised(files, fails, tries=50) == files
    assert tried == 50


CONTENTS = {
    "short text": b"FROM a\n",
    "no text": b"\xff\xfe\x00",
    "repeats": b"FROM a\n" + b"RUN x\n" * 3000 + b"USER y\n",
    "long text": bytes(range(32, 127)) * 30,
    "line ends": b"a\r\nb\r" * 200,
}


@pytest.mark.parametrize("name", CONTENTS)
def test_the_corpus_keeps_an_input_to_the_byte(name: str, tmp_path: Path) -> None:
    files = {"a/Dockerfile": CONTENTS[name]}
    path = corpus.store("dockerfile", files, "what it was", tmp_path)
    assert [(one.kind, one.name, one.was, one.files) for one in corpus.entries(tmp_path)] == [
        ("dockerfile", corpus.content_name(files), "what it was", files)
    ]
    assert path.stem == corpus.content_name(files)
    assert name != "repeats" or path.stat().st_size < 500


def test_a_failure_is_written_down_small_and_fails_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken(Worker):
        def judge(self, kind: str, files: dict[str, bytes], stages: Any = (), *, counted: bool = False) -> oracle.Verdict:
            bad = any(b"FROM" in content for content in files.values())
            return oracle.Verdict(Failure("crash", "parsers", "X in a.py:1") if bad else None, "", 0.0)

    monkeypatch.setattr(fuzz, "Worker", Broken)
    assert fuzz.main(["dockerfile", "--inputs", "5", "--into", str(tmp_path)]) == 1
    (entry,) = corpus.entries(tmp_path)
    assert entry.was == "crash in parsers: X in a.py:1"
    assert list(entry.files.values()) == [b"FROM"]
    assert "dockerfile: 5 inputs" in capsys.readouterr().out
