"""`readiness facts`: what is known, where it is from, how old it is, and what is over its time."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from readiness.cli.main import main
from readiness.facts import table
from readiness.syntax import compiled

HEAD = "source: [https://example.com/a, https://example.com/b]\nmade-by: hand\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two topics, one of which may be trusted for a year and one for thirty days."""
    files = {
        "new.yaml": f"{HEAD}read: 2026-03-01\nevery: 365d\nrows: {{a: {{}}, b: {{}}}}\n",
        "old.yaml": f"{HEAD}read: 2026-03-01\nevery: 30d\nrows: {{a: {{}}}}\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(table, "FACTS_FOLDER", tmp_path)
    monkeypatch.setattr(compiled, "COMPILED_CACHE_FOLDER", tmp_path / "home")
    table.facts_table.cache_clear()
    return tmp_path


@pytest.fixture(autouse=True)
def forget() -> object:
    """Nothing of these topics is left for the tests that come after."""
    yield
    table.facts_table.cache_clear()


def facts(*words: str) -> Result:
    return CliRunner().invoke(main, ["facts", *words])


def test_each_topic_is_a_line() -> None:
    result = facts("--today", "2026-04-01")
    assert result.exit_code == 0
    assert [line.split() for line in result.output.splitlines()] == [
        "new 2 rows read 2026-03-01 31 of 365 days hand https://example.com/a and 1 more".split(),
        "old 1 rows read 2026-03-01 31 of 30 days STALE hand https://example.com/a and 1 more".split(),
    ]


@pytest.mark.parametrize(
    ("today", "code", "topics"),
    [
        ("2026-03-31", 0, []),
        ("2026-04-01", 1, ["old"]),
        ("2027-03-01", 1, ["old"]),
        ("2027-03-02", 1, ["new", "old"]),
    ],
)
def test_what_is_over_its_time(today: str, code: int, topics: list[str]) -> None:
    result = facts("--stale", "--today", today)
    assert result.exit_code == code
    lines = result.output.splitlines()
    assert [line.split()[0] for line in lines if "STALE" in line] == topics
    assert ("no facts are over their time" in lines) == (not topics)
    told = json.loads(facts("--stale", "--today", today, "--format", "json").output)
    assert [one["topic"] for one in told] == topics


def test_without_a_day_the_clock_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(datetime.date):
        @classmethod
        def today(cls) -> datetime.date:
            return datetime.date(2026, 4, 2)

    monkeypatch.setattr(datetime, "date", Clock)
    ages = {one["topic"]: one["age"] for one in json.loads(facts("--format", "json").output)}
    assert ages == {"new": 32, "old": 32}


def test_json_says_all_of_the_head() -> None:
    (row,) = json.loads(facts("--stale", "--today", "2026-04-01", "--format", "json").output)
    assert row == {
        "topic": "old",
        "rows": 1,
        "source": ["https://example.com/a", "https://example.com/b"],
        "read": "2026-03-01",
        "every": 30,
        "age": 31,
        "stale": True,
        "made_by": "hand",
    }


def test_a_file_that_is_wrong_is_told(folder: Path) -> None:
    (folder / "odd.yaml").write_text("rows: {}\n")
    result = facts()
    assert result.exit_code == 2
    assert "facts/odd.yaml: a file of facts is a mapping with" in result.output


def test_a_day_that_is_none_is_refused() -> None:
    assert facts("--today", "tomorrow").exit_code == 2
