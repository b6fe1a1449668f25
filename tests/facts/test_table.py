"""The loader of facts: what it takes, what it refuses, and when facts are too old."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from readiness.facts import table
from readiness.syntax import compiled

TEXT = """\
source: [https://example.com/list]
read: 2026-03-01
every: 90d
made-by: hand
rows:
  "3.10": {ends: 2026-10-31}
  on: {ports: [80, 443]}
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is compiled here is kept here."""
    monkeypatch.setattr(compiled, "COMPILED_CACHE_FOLDER", tmp_path / "home")


def test_what_a_file_says(tmp_path: Path) -> None:
    (tmp_path / "things.yaml").write_text(TEXT)
    found = table.read_facts(tmp_path, "things")
    assert found.topic == "things"
    assert found.source == ("https://example.com/list",)
    assert found.made_by == "hand"
    assert found.rows == {"3.10": {"ends": "2026-10-31"}, "on": {"ports": [80, 443]}}


def test_json_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "things.yaml").write_text(TEXT)
    (tmp_path / "other.json").write_text(
        json.dumps(
            {
                "source": ["https://example.com/list"],
                "read": "2026-03-01",
                "every": "90d",
                "made-by": "hand",
                "rows": {"3.10": {"ends": "2026-10-31"}, "on": {"ports": [80, 443]}},
            }
        )
    )
    first, second = table.read_facts(tmp_path, "things"), table.read_facts(tmp_path, "other")
    assert (first.rows, first.read_on, first.trusted_days) == (
        second.rows,
        second.read_on,
        second.trusted_days,
    )


def test_what_rows_have_alike_is_merged_into_them(tmp_path: Path) -> None:
    text = TEXT.replace("rows:\n", "shared:\n  web: &web {role: proxy, ports: [80]}\nrows:\n")
    (tmp_path / "things.yaml").write_text(text + "  nginx: {<<: *web, ports: [8080]}\n")
    found = table.read_facts(tmp_path, "things").rows
    assert found["nginx"] == {"role": "proxy", "ports": [8080]}
    assert "web" not in found


@pytest.mark.parametrize(
    ("today", "age", "stale"),
    [
        ("2026-03-01", 0, False),
        ("2026-05-30", 90, False),
        ("2026-05-31", 91, True),
        ("2026-01-01", -59, False),
    ],
)
def test_facts_are_stale_when_their_time_is_over(tmp_path: Path, today: str, age: int, stale: bool) -> None:
    (tmp_path / "things.yaml").write_text(TEXT)
    found = table.read_facts(tmp_path, "things")
    day = datetime.date.fromisoformat(today)
    assert (found.age_in_days(day), found.is_stale(day)) == (age, stale)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("source: [https://example.com/list]", "source: []", "source is a list of addresses"),
        ("source: [https://example.com/list]", "source: here", "source is a list of addresses"),
        ("2026-03-01", "2026-02-30", "read is a day"),
        ("2026-03-01", "yesterday", "read is a day"),
        ("90d", "90", "every is a number of days"),
        ("90d", "0d", "every is a number of days"),
        ("90d", "3 months", "every is a number of days"),
        ("made-by: hand", "made-by: [hand]", "made-by is a string"),
        ("made-by: hand\n", "", "a mapping with every, made-by, read, rows, source"),
        ("rows:", "things:", "a mapping with every, made-by, read, rows, source"),
        ("rows:", "rows: [a]\nshared:", "rows is a mapping"),
        ("source:", "source: [", "things.yaml"),
        (TEXT, "", "a mapping with"),
        (TEXT, f"{TEXT}---\n{TEXT}", "a mapping with"),
    ],
)
def test_what_is_no_file_of_facts_is_refused(tmp_path: Path, old: str, new: str, reason: str) -> None:
    (tmp_path / "things.yaml").write_text(TEXT.replace(old, new))
    with pytest.raises(table.FactsError, match=reason) as caught:
        table.read_facts(tmp_path, "things")
    assert str(caught.value).startswith("facts/things.yaml: ")


def test_broken_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "things.json").write_text("{")
    with pytest.raises(table.FactsError, match=r"facts/things\.json: "):
        table.read_facts(tmp_path, "things")


def test_a_topic_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(table.FactsError, match="no facts on 'things'"):
        table.read_facts(tmp_path, "things")


def test_a_column_is_what_has_the_property() -> None:
    found = table.property_by_fact_name("images", "from-18")
    assert found["postgres"] == "/var/lib/postgresql"
    assert "mysql" not in found
