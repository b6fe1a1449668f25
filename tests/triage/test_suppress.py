"""Suppression: where a comment reaches, what an annotation and a waiver cover, and what is said of bad ones."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

import readiness
from readiness.model import Source
from readiness.triage import suppress
from readiness.verdict.report import Report
from tests.effort import effort
from tests.settings_rows import holds

TODAY = datetime.date(2026, 11, 21)
RULE = "k8s/root-filesystem-writable"
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example.com/web:1.2.3
          ports: [{containerPort: 80}]
"""
HEADLINE = "apiVersion: apps/v1"
CONTAINER = "        - name: web"


def run(root: Path, text: str, settings: str = "") -> Report:
    (root / "web.yaml").write_text(text, encoding="utf-8")
    config: str | bool = False
    if settings:
        (root / ".readiness.yaml").write_text(settings, encoding="utf-8")
        config = str(root / ".readiness.yaml")
    return readiness.check([root / "web.yaml"], select=[RULE, "core/"], base=root, today=TODAY, config=config)


def state(report: Report) -> dict[str, str]:
    return {finding.rule.partition("/")[2]: finding.suppression.suppressed_by if finding.suppression else "open" for finding in report.findings}


OPEN = {"root-filesystem-writable": "open"}
COMMENTED = {"root-filesystem-writable": "comment"}
PLACES = {
    "the line above": (CONTAINER, f"        # readiness: ignore[{RULE}] a reason\n{CONTAINER}"),
    "the line itself": (CONTAINER, f"{CONTAINER}  # readiness: ignore[{RULE}] a reason"),
    "two comments above": (
        CONTAINER,
        f"        # readiness: ignore[{RULE}] a reason\n        # more\n{CONTAINER}",
    ),
    "the head of the file": (HEADLINE, f"# readiness: ignore[{RULE}] a reason\n\n{HEADLINE}"),
    "the head of the object": (
        HEADLINE,
        f"a: 1\n---\n# readiness: ignore[{RULE}] a reason\n{HEADLINE}",
    ),
    "behind words and more hashes": (
        CONTAINER,
        f"{CONTAINER}  # readiness: not now ## see readiness: ignore[{RULE}] a reason",
    ),
    "a reason that says until": (
        CONTAINER,
        f"{CONTAINER}  # readiness: ignore[{RULE}] not until spring; until=2026-11-21",
    ),
    "until a day to come": (
        CONTAINER,
        f"{CONTAINER}  # readiness: ignore[{RULE}] a reason, until=2026-11-21",
    ),
}


@pytest.mark.parametrize(("old", "new"), PLACES.values(), ids=PLACES)
def test_a_comment_reaches(tmp_path: Path, old: str, new: str) -> None:
    assert state(run(tmp_path, WEB.replace(old, new, 1))) == COMMENTED


PROBLEMS = {
    "another line": (
        "spec:\n",
        f"spec:  # readiness: ignore[{RULE}] a reason\n",
        "suppression-unused",
    ),
    "another rule": (
        CONTAINER,
        f"{CONTAINER}  # readiness: ignore[core/suppression-unused] a reason",
        "suppression-unused",
    ),
    "no reason": (CONTAINER, f"{CONTAINER}  # readiness: ignore[{RULE}]", "suppression-invalid"),
    "no rule": (CONTAINER, f"{CONTAINER}  # readiness: ignore a reason", "suppression-invalid"),
    "unknown rule": (
        CONTAINER,
        f"{CONTAINER}  # readiness: ignore[k8s/nope] a reason",
        "suppression-invalid",
    ),
    "over": (
        CONTAINER,
        f"{CONTAINER}  # readiness: ignore[{RULE}] a reason, until=2026-11-20",
        "suppression-expired",
    ),
    "no date": (
        CONTAINER,
        f"{CONTAINER}  # readiness: ignore[{RULE}] a reason, until=soon",
        "suppression-invalid",
    ),
    "open bracket": (
        CONTAINER,
        f"{CONTAINER}  # readiness: ignore[{RULE} a reason",
        "suppression-invalid",
    ),
}


@holds("comments")
@pytest.mark.parametrize(("old", "new", "said"), PROBLEMS.values(), ids=PROBLEMS)
def test_what_cannot_take_effect_is_said_and_silences_nothing(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert state(run(tmp_path, WEB.replace(old, new, 1))) == {**OPEN, said: "open"}


def test_words_without_a_hash_before_them_are_no_comment() -> None:
    text = "a: readiness: ignore[x] y # readiness: ignore[b] reason\nreadiness: ignore[c] z\n"
    source = Source("a.yaml", text)
    assert [(one.rules, one.span.start) for one in suppress.comment_directives(source)] == [(("b",), text.index("#"))]


LONG = {
    "hashes": "#" * 4000,
    "the word": "# readiness: " * 400,
    "directives": "# readiness: ignore[a] b " * 200,
    "brackets": "# readiness: ignore[" * 200,
    "dates": "# readiness: ignore[a] " + "until=x " * 400,
    "blanks": "# readiness: ignore[a] b" + " " * 4000 + "c",
    "before": "readiness: " * 400 + "#",
}


@pytest.mark.parametrize("line", LONG.values(), ids=LONG)
def test_a_long_line_takes_no_time(line: str) -> None:
    def work(times: int) -> int:
        return effort(lambda: list(suppress.comment_directives(Source("a", line * times + "readiness:"))))

    assert work(8) < 4.5 * work(2)


@pytest.mark.parametrize("name", ["root-filesystem-writable", "k8s.root-filesystem-writable"])
@pytest.mark.parametrize("where", ["object", "pod template"])
def test_an_annotation_covers_its_object(tmp_path: Path, name: str, where: str) -> None:
    indent = "  " if where == "object" else "      "
    note = f"{indent}annotations:\n{indent}  readiness.dev/ignore.{name}: the operator restarts it\n"
    old = "  name: web\n" if where == "object" else "      labels: {app: web}\n"
    report = run(tmp_path, WEB.replace(old, old + note, 1))
    assert state(report) == {"root-filesystem-writable": "annotation"}


def test_an_annotation_of_another_object_does_not(tmp_path: Path) -> None:
    other = "---\napiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  annotations:\n"
    other += "    readiness.dev/ignore.root-filesystem-writable: elsewhere\n"
    assert state(run(tmp_path, WEB + other)) == {**OPEN, "suppression-unused": "open"}


WAIVER = f"waivers:\n  - rule: {RULE}\n    reason: restarted by hand\n"


def test_a_waiver(tmp_path: Path) -> None:
    assert state(run(tmp_path, WEB, WAIVER)) == {"root-filesystem-writable": "waiver"}
    assert state(run(tmp_path, WEB, WAIVER + "    resource: Deployment/w*\n    path: '*.yaml'\n")) == {"root-filesystem-writable": "waiver"}


def test_waivers_that_match_nothing_or_are_over(tmp_path: Path) -> None:
    other = WAIVER + "    resource: Deployment/api\n"
    unused = run(tmp_path, WEB, other + "    path: w*.yaml\n")
    assert state(unused) == {**OPEN, "suppression-unused": "open"}
    assert state(run(tmp_path, WEB, other)) == OPEN, "what it silences may stand in another file"
    assert state(run(tmp_path, WEB, other + "    path: api.yaml\n")) == OPEN
    over = run(tmp_path, WEB, WAIVER + "    until: '2026-01-01'\n")
    assert state(over) == {**OPEN, "suppression-expired": "open"}
    (found,) = [one for one in over.findings if one.rule == "core/suppression-expired"]
    assert (found.path, found.line) == (".readiness.yaml", 2)


@holds("comments", "settings-waivers")
def test_a_locked_rule_is_not_silenced(tmp_path: Path) -> None:
    text = WEB.replace(CONTAINER, f"{CONTAINER}  # readiness: ignore[{RULE}] a reason")
    report = run(tmp_path, text, f"locked: [{RULE}]\n")
    assert state(report) == {**OPEN, "suppression-invalid": "open"}


def test_both_numbers_are_told(tmp_path: Path) -> None:
    text = WEB.replace(CONTAINER, f"{CONTAINER}  # readiness: ignore[{RULE}] a reason")
    report = run(tmp_path, text).to_dict()
    assert report["score"] == 100
    assert report["waived"]["score"] < 100
