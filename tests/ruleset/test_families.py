"""Family files: what rows share, what is their own, and that each row is a rule like any other."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from readiness.model import Severity
from readiness.reports import pages
from readiness.ruleset import examples, families, rules
from readiness.ruleset.rule_file import RuleError
from tests.ruleset.test_tiers import deployment

FAMILY = """\
common:
  category: reliability
  level: optional
  opinion: Some want more.
  target: k8s.object
  check: k8s.replicas.replicas_low
  message: "{resource} asks for {count}"
  with: {minimum: 2}
  links: [https://example.com/]
frame: |
  apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web}
  spec:
    {}
rules:
  few-two:
    title: Fewer than two
    severity: medium
    why: A node goes.
    fix: Ask for two.
    bad:
      - |
        replicas: 1
                  ^
    good: ["replicas: 2"]
  few-four:
    title: Fewer than four
    severity: low
    level: strict
    with: {minimum: 4}
    why: Two nodes go.
    fix: Ask for four.
    same-as: {kube-linter: [minimum-three-replicas]}
    bad:
      - other.yaml: |
          apiVersion: apps/v1
          kind: Deployment
          metadata: {name: web}
          spec: {replicas: 3}
                           ^
    good: ["replicas: 4"]
"""


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    folder = tmp_path / "rules" / "k8s" / "families"
    folder.mkdir(parents=True)
    (folder / "few.yaml").write_text(FAMILY)
    return folder.parent.parent


def test_a_row_is_a_rule(shelf: Path) -> None:
    (two,) = rules.read_own_rule_tiers("k8s/few-two", shelf / "k8s" / "families" / "few.yaml")
    (four,) = rules.read_own_rule_tiers("k8s/few-four", shelf / "k8s" / "families" / "few.yaml")
    assert (two.rule.id, two.rule.level, two.rule.severity) == (
        "k8s/few-two",
        "optional",
        Severity.MEDIUM,
    )
    assert (four.rule.level, four.rule.opinion_reason, four.arguments) == (
        "strict",
        "Some want more.",
        {"minimum": 4},
    )
    assert two.arguments == {"minimum": 2}
    names = [name for name in rules.load_all_rule_ids([shelf]) if name.startswith("k8s/few-")]
    assert names == ["k8s/few-four", "k8s/few-two"]


def test_rows_are_judged_selected_and_silenced_like_other_rules(shelf: Path) -> None:
    tree = shelf.parent / "tree"
    tree.mkdir()
    (tree / "web.yaml").write_text(f"# readiness: ignore[k8s/few-two] on purpose\n\n{deployment('web', 1)}")
    report = readiness.check([tree], base=tree, rules=[shelf], select=["core/"], extend_select=["k8s/few-"])
    assert [(one.rule, bool(one.suppression)) for one in report.findings] == [
        ("k8s/few-four", False),
        ("k8s/few-two", True),
    ]


def test_examples_stand_in_the_frame_with_their_carets(shelf: Path) -> None:
    (two,) = rules.read_own_rule_tiers("k8s/few-two", shelf / "k8s" / "families" / "few.yaml")
    bad, good = examples.rule_examples(two, "x.yaml")
    assert bad.files == {"x.yaml": deployment("web", 1).replace(", annotations: {}", "")}
    (mark,) = bad.marks
    assert bad.files["x.yaml"][mark.span.start : mark.span.end] == "1"
    assert "replicas: 2" in good.files["x.yaml"]
    (four,) = rules.read_own_rule_tiers("k8s/few-four", shelf / "k8s" / "families" / "few.yaml")
    assert "other.yaml" in examples.rule_examples(four, "x.yaml")[0].files, "a project has no frame"
    page = pages.rule_page([two], {})
    assert "  replicas: 1\n            ^" in page
    assert "Some want more." in page


MISTAKES = {
    "no rules": ("common: {}\n", "k8s/families/few.yaml", "has `rules`"),
    "key": (FAMILY + "more: 1\n", "k8s/families/few.yaml:43", "no key is called 'more'"),
    "row": (FAMILY + "  few-none: 3\n", "k8s/families/few.yaml:43", "few-none is a mapping"),
    "words": (
        FAMILY.replace("severity: low", "severity: lowest"),
        "k8s/families/few.yaml:29",
        "severity is 'lowest'",
    ),
    "broken": (FAMILY + "  few-none: [\n", "k8s/families/few.yaml:44", "flow node"),
}


@pytest.mark.parametrize(("text", "where", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_at_its_line(shelf: Path, text: str, where: str, said: str) -> None:
    (shelf / "k8s" / "families" / "few.yaml").write_text(text)
    with pytest.raises(RuleError) as caught:
        rules.load_rules([shelf])
    assert (caught.value.where, said in caught.value.message) == (f"{shelf}/{where}", True)


def test_a_row_may_not_reuse_an_id(shelf: Path) -> None:
    (shelf / "k8s" / "few-two.yaml").write_text("title: x\n")
    with pytest.raises(RuleError, match="there is a rule k8s/few-two already"):
        rules.load_rules([shelf])


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("a: 1\n   ^\n", "x:\n  a: 1\n     ^\n"),
        ("a:\n\n  b: 1", "x:\n  a:\n\n    b: 1\n"),
        ("", "x:\n"),
    ],
)
def test_a_text_goes_in_as_deep_as_the_hole(text: str, want: str) -> None:
    assert families.fill_frame("x:\n  {}\n", text) == want
