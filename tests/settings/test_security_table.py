"""docs/security.md: each row is held by a test that names it, and no test names a row that there is not."""

from __future__ import annotations

import re

import pytest

from readiness.cli.main import main
from readiness.settings import LOCKABLE_FILE_WORDS, lockable_settings
from tests.settings_rows import DOCUMENT, holding_tests_by_row, holds, table_rows


def test_a_row_is_named_once() -> None:
    rows = table_rows()
    assert len(rows) == len(set(rows)) > 20


@pytest.mark.parametrize("row", table_rows())
def test_a_row_is_held_by_a_test(row: str) -> None:
    assert holding_tests_by_row().get(row), f"no test says @holds({row!r})"


def test_a_test_names_rows_that_there_are() -> None:
    assert set(holding_tests_by_row()) <= set(table_rows())
    with pytest.raises(AssertionError, match="no row"):
        holds("nothing")


def test_every_setting_has_a_row() -> None:
    document = DOCUMENT.read_text(encoding="utf-8").partition("## How a platform")[0]
    named = set(re.findall(r"`([a-z-]+)`", "".join(line.split("|")[2] for line in document.splitlines() if line.startswith("| `settings-"))))
    assert {*lockable_settings(), "locked"} <= named


def test_every_option_that_is_named_exists() -> None:
    options = {name for option in main.commands["check"].params for name in (*option.opts, *option.secondary_opts)}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", DOCUMENT.read_text(encoding="utf-8"))) - {"--depth"}
    assert named <= options


def test_words_of_locks_are_no_rules() -> None:
    from readiness.model import CATEGORIES
    from tests.conftest import catalogue

    rules = {part for bound in catalogue() for part in (bound.rule.id, bound.rule.id.partition("/")[0])}
    assert {"all", *lockable_settings(), *LOCKABLE_FILE_WORDS}.isdisjoint({*rules, *CATEGORIES, "ALL"})
