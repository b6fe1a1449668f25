"""The command that lays out a rule writes what the tests of rules ask for, and overwrites nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.ruleset.rule_file import KEYS
from readiness.syntax.yaml import load_all
from tools.new_rule import LayoutError, lay_out


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "rules" / "k8s").mkdir(parents=True)
    (tmp_path / "readiness" / "checks" / "k8s").mkdir(parents=True)
    (tmp_path / "readiness" / "checks" / "k8s" / "names.py").write_text('"""Names."""\n')
    return tmp_path


def test_a_rule_and_the_stub_of_its_check(checkout: Path) -> None:
    written = lay_out(checkout, "k8s/a-b", "k8s.container", "k8s.names.a_b")
    assert [path.name for path in written] == ["a-b.yaml", "names.py"]
    (spec,) = load_all(written[0].read_text(encoding="utf-8"))
    assert set(spec) <= KEYS
    assert spec["check"] == "k8s.names.a_b"
    assert "def a_b(" in written[1].read_text(encoding="utf-8")


def test_a_declarative_rule_needs_no_code(checkout: Path) -> None:
    (path,) = lay_out(checkout, "k8s/a-b", "k8s.container", None)
    assert "require" in load_all(path.read_text(encoding="utf-8"))[0]


@pytest.mark.parametrize(
    ("rule", "check"), [("a-b", None), ("k8s/A", None), ("k8s/../x", None), ("k8s/a", "names")]
)
def test_what_is_no_rule(checkout: Path, rule: str, check: str | None) -> None:
    with pytest.raises(LayoutError):
        lay_out(checkout, rule, "k8s.container", check)


def test_nothing_is_overwritten(checkout: Path) -> None:
    lay_out(checkout, "k8s/a-b", "k8s.container", "k8s.names.a_b")
    with pytest.raises(LayoutError, match="already"):
        lay_out(checkout, "k8s/a-b", "k8s.container", "k8s.names.a_b")
