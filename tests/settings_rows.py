"""The rows of docs/security.md, and how a test says that it holds one."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

TESTS = Path(__file__).resolve().parent
DOCUMENT = TESTS.parent / "docs" / "security.md"
_Test = TypeVar("_Test", bound=Callable[..., object])


def holds(*rows: str) -> Callable[[_Test], _Test]:
    """Say that a test holds some rows of docs/security.md."""
    unknown = set(rows) - set(table_rows())
    assert not unknown, f"docs/security.md has no row {unknown}"
    return lambda test: test


def table_rows() -> list[str]:
    """The ids of the rows, in order."""
    return re.findall(r"^\| `([a-z-]+)` \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)


def holding_tests_by_row() -> dict[str, list[str]]:
    """The tests that say that they hold a row, by row."""
    found: dict[str, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if "@holds(" in text else ():
            for decorator in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
                if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name) and decorator.func.id == "holds":
                    for argument in decorator.args:
                        found.setdefault(ast.literal_eval(argument), []).append(f"{path.relative_to(TESTS)}::{node.name}")
    return found
