"""Made-up histories: a small repository, an edit of every kind that brings nothing new, and a few that do; what is told new is counted."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

import readiness
from readiness.model import Severity
from readiness.triage.known import EarlierState, KnownFinding, lasting_resource_name, match_known_findings, state_of_findings
from readiness.verdict.report import Report
from tests.effort import effort
from tests.make import write_files

Tree = Mapping[str, str]
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: example/web:1.2.3
          env:
            - {name: DB_PASSWORD, value: tr0ub4dor}
        - name: side
          image: example/side:latest
"""
WORKFLOW = """\
name: ci
on: push
jobs:
  test:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v2
      - uses: someone/setup@v1
      - run: curl https://example.com/install.sh | bash
      - uses: someone/publish@v3
"""
REDIS = "  cache:\n    image: redis\n"
COMPOSE = f"services:\n  db:\n    image: postgres:12\n    restart: always\n{REDIS}  api:\n    image: example/api\n    restart: always\n"
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
SIDE = "        - name: side"
TREE: Tree = {
    "deploy/web.yaml": WEB,
    "compose.yaml": COMPOSE,
    "Dockerfile": "FROM debian:10\nRUN apt-get update\nRUN apt-get install curl\nADD https://example.com/x.tgz /x/\nCMD x\n",
    ".github/workflows/ci.yml": WORKFLOW,
}


def edited(path: str, old: str, new: str) -> Callable[[Tree], Tree]:
    def edit(tree: Tree) -> Tree:
        assert old in tree[path]
        return {**tree, path: tree[path].replace(old, new)}

    return edit


def renamed(**names: str) -> Callable[[Tree], Tree]:
    words = {"web": "deploy/web.yaml", "dockerfile": "Dockerfile", "ci": ".github/workflows/ci.yml"}
    return lambda tree: {{words[key]: name for key, name in names.items()}.get(path, path): text for path, text in tree.items()}


def indented(tree: Tree) -> Tree:
    """List items two blanks further in."""
    return {**tree, "deploy/web.yaml": re.sub(r"(?m)^(        |          )(?=\S| )", r"\1  ", WEB)}


NOTHING_NEW: dict[str, Callable[[Tree], Tree]] = {
    "lines above": lambda tree: {path: "# a comment\n\n" + text for path, text in tree.items()},
    "line ends": lambda tree: {path: text.replace("\n", "\r\n") for path, text in tree.items()},
    "indentation": indented,
    "a file is renamed": renamed(web="deploy/deployment.yaml"),
    "a file moves": renamed(web="k8s/base/app/web.yaml"),
    "a workflow is renamed": renamed(ci=".github/workflows/build.yaml"),
    "a file is renamed and edited": lambda tree: renamed(web="app.yaml")(edited("deploy/web.yaml", "web:1.2.3", "web:1.2.4")(tree)),
    "another version": edited("deploy/web.yaml", "example/web:1.2.3", "example/web:1.3.0"),
    "another version of an action": edited(".github/workflows/ci.yml", "someone/setup@v1", "someone/setup@v2"),
    "a step before": edited(".github/workflows/ci.yml", "    steps:\n", "    steps:\n      - run: make lint\n"),
    "a step less": edited(".github/workflows/ci.yml", "      - uses: actions/checkout@v2\n", ""),
    "a stage before": edited("Dockerfile", "FROM debian:10\n", "FROM scratch\nCOPY a /a\nFROM debian:10\n"),
    "an edited command": edited("Dockerfile", "apt-get install curl", "apt-get install curl jq"),
    "a thing with another name": edited("compose.yaml", "  cache:\n", "  sessions:\n"),
    "another value": edited("deploy/web.yaml", "tr0ub4dor", "c0rrect-horse"),
    "the order of files' parts": lambda tree: {**tree, "compose.yaml": COMPOSE.replace(REDIS, "") + REDIS},
    "edits elsewhere": lambda tree: {**tree, "NOTES.md": "words\n", "deploy/service.yaml": NAMESPACE},
    "something is fixed": edited("compose.yaml", "image: redis", "image: redis:7.4.1"),
}  # fmt: skip
NEW: dict[str, tuple[Callable[[Tree], Tree], str]] = {
    "another container": (edited("deploy/web.yaml", SIDE, f"        - {{name: more, image: example/more:latest}}\n{SIDE}"), "more"),
    "another service": (edited("compose.yaml", "  cache:\n", "  search:\n    image: opensearchproject/opensearch\n  cache:\n"), "service/search"),
    "a copy of a file": (lambda tree: {**tree, "copy/web.yaml": WEB.replace("web", "api")}, "copy/web.yaml"),
    "an action in place of another": (edited(".github/workflows/ci.yml", "someone/setup@v1", "intruder/harvest@main"), "ci.yml:8"),
    "worse on the same line": (edited("deploy/web.yaml", SIDE, f"{SIDE}\n          securityContext: {{privileged: true}}"), "k8s/privileged"),
}  # fmt: skip


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Report:
    root = write_files(tmp_path_factory.mktemp("before"), TREE)
    report = readiness.check([root], base=root)
    assert {one.path for one in report.open} == set(TREE)
    return report


def state(report: Report) -> EarlierState:
    return state_of_findings(report.open, (row.path for row in report.files))


def told_new(before: EarlierState, report: Report) -> list[str]:
    matches = match_known_findings(before, state(report))
    taken = [one for one in matches.earlier_indexes if one is not None]
    assert len(taken) == len(set(taken)), "what is known covers one finding"
    pairs = zip(report.open, matches.earlier_indexes, strict=True)
    return [f"{one.rule} {one.path}:{one.line} {one.resource} {one.container}" for one, known in pairs if known is None]


def after(root: Path, edit: Callable[[Tree], Tree]) -> Report:
    return readiness.check([write_files(root, edit(TREE))], base=root)


@pytest.mark.parametrize("name", NOTHING_NEW)
def test_what_brings_nothing_new(tmp_path: Path, before: Report, name: str) -> None:
    assert told_new(state(before), after(tmp_path, NOTHING_NEW[name])) == []


@pytest.mark.parametrize("name", NEW)
def test_what_brings_something_new(tmp_path: Path, before: Report, name: str) -> None:
    edit, word = NEW[name]
    new = told_new(state(before), after(tmp_path, edit))
    assert new
    assert all(word in line for line in new), new


def test_many_edits_at_once(tmp_path: Path, before: Report) -> None:
    """Edits that bring nothing new, several at a time: all orders are alike."""
    chance = random.Random(11)  # noqa: S311
    for number in range(8):
        tree = TREE
        names = chance.sample(["lines above", "another version", "a step before", "an edited command", "another value", "edits elsewhere"], 3)
        for one in names:
            tree = NOTHING_NEW[one](tree)
        root = write_files(tmp_path / str(number), tree)
        assert told_new(state(before), readiness.check([root], base=root)) == [], names


def test_without_texts_as_many_of_a_thing_are_known_as_there_were() -> None:
    """A baseline has no texts: a rule on a thing of a file stays known whatever is marked, and nothing worse does."""
    known = KnownFinding("a", "k8s/x", "web.yaml", "thing", Severity.MEDIUM)
    earlier = EarlierState([known])
    other_text = known._replace(fingerprint="b")
    assert match_known_findings(earlier, EarlierState([other_text])).earlier_indexes == [0]
    assert match_known_findings(earlier, EarlierState([other_text, other_text])).earlier_indexes == [0, None]
    assert match_known_findings(earlier, EarlierState([other_text._replace(severity=Severity.HIGH)])).earlier_indexes == [None]
    assert match_known_findings(earlier, EarlierState([other_text._replace(path="api.yaml")])).earlier_indexes == [None]


def test_what_stood_in_a_file_without_a_verdict_is_unseen_and_not_new(before: Report, tmp_path: Path) -> None:
    later = state(before)
    unjudged = EarlierState(unjudged_text_by_path={"deploy/web.yaml": "# above\n" + WEB.replace("side:latest", "side:1.0.0")})
    matches = match_known_findings(unjudged, later)
    unseen = {(later.findings[index].path, later.findings[index].line) for index in matches.unseen}
    assert {path for path, _ in unseen} == {"deploy/web.yaml"}
    assert ("deploy/web.yaml", 16) not in unseen, "that line was written since"


def test_a_file_is_known_by_most_of_its_lines(before: Report) -> None:
    """Half of them make it the same file under another name; of several the most alike is."""
    later = state(before)
    moved = replace(
        later,
        findings=[one._replace(path=one.path.replace("deploy/", "k8s/"), fingerprint="other") for one in later.findings],
        paths=frozenset(one.replace("deploy/", "k8s/") for one in later.paths),
        text_by_path={path.replace("deploy/", "k8s/"): text for path, text in later.text_by_path.items()},
    )
    assert None not in match_known_findings(later, moved).earlier_indexes
    rewritten = replace(moved, text_by_path={**moved.text_by_path, "k8s/web.yaml": "kind: other\n" * 18})
    new = [moved.findings[n].path for n, known in enumerate(match_known_findings(later, rewritten).earlier_indexes) if known is None]
    assert set(new) == {"k8s/web.yaml"}


@pytest.mark.parametrize(
    ("resource", "lasting"),
    [
        ("job/test/step/3", "job/test/step/*"),
        ("job/test/step/publish", "job/test/step/publish"),
        ("stage/0", "stage/*"),
        ("Job/release-migrate-9880e827", "Job/release-migrate-*"),
        ("Job/migrate-1.2.3", "Job/migrate-*"),
        ("Deployment/web", "Deployment/web"),
        ("StatefulSet/kafka-0", "StatefulSet/kafka-0"),
        ("Deployment/cascade-decade", "Deployment/cascade-decade"),
        ("server/10.0.0.1", "server/*"),
        ("", ""),
    ],
)
def test_what_lasts_of_a_name(resource: str, lasting: str) -> None:
    assert lasting_resource_name(resource) == lasting


def test_a_large_rewrite_takes_work_that_grows_with_its_size() -> None:
    def work(count: int) -> int:
        def rewritten(word: str) -> EarlierState:
            findings = [KnownFinding(f"{word}{n}", "k8s/x", "a.yaml", f"{word}{n}", Severity.LOW, n + 1, f"{word} {n}") for n in range(count)]
            return EarlierState(findings, frozenset({"a.yaml"}), {"a.yaml": "".join(f"{word} {n}\n" for n in range(count))})

        return effort(lambda: match_known_findings(rewritten("before"), rewritten("then")))

    assert work(800) < 5 * work(200)
