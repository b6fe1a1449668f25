"""The command that lays out a rule writes what the tests of rules ask for, and overwrites nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.ruleset import examples, rules
from readiness.ruleset.rule_file import RULE_KEYS
from readiness.syntax.yaml import load_yaml_documents
from tests.hit_facts import default_path, hits
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
    (spec,) = load_yaml_documents(written[0].read_text(encoding="utf-8"))
    assert set(spec) <= RULE_KEYS
    assert spec["check"] == "k8s.names.a_b"
    assert "def a_b(" in written[1].read_text(encoding="utf-8")


def test_a_declarative_rule_needs_no_code(checkout: Path) -> None:
    (path,) = lay_out(checkout, "k8s/a-b", "k8s.container", None)
    assert "require" in load_yaml_documents(path.read_text(encoding="utf-8"))[0]


@pytest.mark.parametrize(("rule", "check"), [("a-b", None), ("k8s/A", None), ("k8s/../x", None), ("k8s/a", "names")])
def test_what_is_no_rule(checkout: Path, rule: str, check: str | None) -> None:
    with pytest.raises(LayoutError):
        lay_out(checkout, rule, "k8s.container", check)


def test_nothing_is_overwritten(checkout: Path) -> None:
    lay_out(checkout, "k8s/a-b", "k8s.container", "k8s.names.a_b")
    with pytest.raises(LayoutError, match="already"):
        lay_out(checkout, "k8s/a-b", "k8s.container", "k8s.names.a_b")


FILLED = {
    "title: TODO what is wrong, at most 60 characters, no full stop": "title: Object without a name",
    "category: TODO isolation | secrets | reliability | delivery | edge | observability | correctness | style": "category: correctness",
    "{TODO.path: present}": "{metadata.name: present}",
    "TODO the thing, then the fact": "object {resource} has no name",
    "TODO the first sentence says what breaks in production.": "The API server refuses it.",
    "TODO the first sentence says what to write.": "Write one.",
    "TODO the official documentation": "https://kubernetes.io/docs/concepts/overview/working-with-objects/names/",
    "    TODO an example, with carets under the place\n    ^^^^": "    apiVersion: v1\n    kind: Pod\n    metadata: {labels: {}}\n              ^^^^^^^^^^^^",  # noqa: E501
    "    TODO the near miss: what looks wrong and is right": "    apiVersion: v1\n    kind: Pod\n    metadata: {name: web}",
}  # fmt: skip


def test_a_rule_whose_gaps_are_filled_is_read_and_finds_what_it_shows(checkout: Path) -> None:
    (path,) = lay_out(checkout, "k8s/a-b", "k8s.object", None)
    text = path.read_text(encoding="utf-8")
    for gap, words in FILLED.items():
        assert gap in text
        text = text.replace(gap, words)
    assert "TODO" not in text
    path.write_text(text, encoding="utf-8")
    (bound,) = rules.read_own_rule_tiers("k8s/a-b", path)
    shown = list(examples.rule_examples(bound, default_path(bound)))
    assert [(one.is_bad, len(list(hits(bound, one)))) for one in shown] == [(True, 1), (False, 0)]


def test_the_module_of_a_new_check_can_be_imported(checkout: Path) -> None:
    *_, code = lay_out(checkout, "k8s/a-b", "k8s.container", "k8s.fresh.a_b")
    names: dict[str, object] = {}
    exec(compile(code.read_text(encoding="utf-8"), "fresh.py", "exec"), names)  # noqa: S102
    assert callable(names["a_b"])
