"""The line that shows how far a run is: its total is reached, and nothing of it is left."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from readiness import api
from readiness.cli import main
from tests.conftest import ROOT
from tests.make import write_files


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def counts_of(path: Path, **options: object) -> list[tuple[int, int]]:
    counts: list[tuple[int, int]] = []
    api.check([path], cache=False, config=False, progress=lambda done, total: counts.append((done, total)), **options)  # type: ignore[arg-type]
    return counts


@pytest.mark.parametrize("fixture", ["dashflow/hardened", "flowise/weak", "dify/hardened"])
@pytest.mark.parametrize("context", [True, False])
def test_the_total_is_as_many_rules_as_are_run(fixture: str, context: bool) -> None:
    counts = counts_of(ROOT / "fixtures" / fixture, context=context)
    assert [done for done, _ in counts] == list(range(1, len(counts) + 1))
    assert {total for _, total in counts} == {len(counts)}


def test_the_total_of_a_tree_of_pipelines_alone(tmp_path: Path) -> None:
    workflow = "on: push\njobs:\n  test:\n    runs-on: ubuntu-24.04\n    steps: [{run: make test}]\n"
    write_files(tmp_path, {".github/workflows/test.yml": workflow, ".gitlab-ci.yml": "test: {script: [make test]}\n"})
    counts = counts_of(tmp_path)
    assert counts[-1] == (len(counts), len(counts))


def shown_by(show_and_end: Callable[[main.ProgressLine], None], monkeypatch: pytest.MonkeyPatch) -> str:
    terminal = Terminal()
    monkeypatch.setattr(main.sys, "stderr", terminal)
    clock = count()
    monkeypatch.setattr(main.time, "monotonic", lambda: float(next(clock)))
    show_and_end(main.ProgressLine())
    return terminal.getvalue()


def test_what_was_shown_is_erased_wherever_the_count_stood(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(line: main.ProgressLine) -> None:
        for done in range(1, 4):
            line.show(done, 9)
        line.erase()
        line.erase()

    text = shown_by(break_off, monkeypatch)
    assert "3 of 9 rules" in text
    assert text.endswith("rules\r\x1b[K")


def test_nothing_is_erased_where_nothing_was_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown_by(lambda line: line.erase(), monkeypatch) == ""


def test_a_run_that_fails_leaves_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    clock = count()

    def fail(*_: object, **options: Callable[[int, int], None]) -> None:
        for done in range(1, 5):
            options["progress"](done, 9)
        raise RuntimeError

    monkeypatch.setattr(main.sys, "stderr", terminal)
    monkeypatch.setattr(main.time, "monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(api, "check", fail)
    with pytest.raises(SystemExit) as end:
        main.main(["check", str(ROOT / "fixtures" / "flowise" / "weak")])
    assert end.value.code == 2
    assert "rules\r\x1b[K" in terminal.getvalue()
