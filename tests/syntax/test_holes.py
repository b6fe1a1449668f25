"""One door to the question whether a file can tell what a text is."""

from __future__ import annotations

import ast

import pytest

from readiness.syntax.holes import (
    GITHUB_EXPRESSION_OPENING,
    TEMPLATE_OPENING,
    VARIABLE_SIGN,
    has_github_expression,
    has_template_opening,
    has_variable_sign,
)
from tests.conftest import ROOT

TEXTS = {
    "plain": (False, False, False),
    "": (False, False, False),
    "$NAME": (True, False, False),
    "a${NAME:-b}": (True, False, False),
    "{{ .Values.x }}": (False, True, False),
    "{ {x} }": (False, False, False),
    "${{ github.ref }}": (True, True, True),
    "$ {{ x }}": (True, True, False),
}


@pytest.mark.parametrize(("text", "wanted"), TEXTS.items())
def test_who_may_fill_in(text: str, wanted: tuple[bool, bool, bool]) -> None:
    assert (has_variable_sign(text), has_template_opening(text), has_github_expression(text)) == wanted


def test_nobody_looks_for_marks_by_hand() -> None:
    found = [
        f"{path.relative_to(ROOT).as_posix()}:{node.lineno}"
        for folder in ("checks", "kinds")
        for path in sorted((ROOT / "readiness" / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Compare)
        and isinstance(node.ops[0], ast.In | ast.NotIn)
        and isinstance(node.left, ast.Constant)
        and node.left.value in {VARIABLE_SIGN, TEMPLATE_OPENING, GITHUB_EXPRESSION_OPENING}
    ]
    assert not found
