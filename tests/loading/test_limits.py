"""Limits of ours: what is over one is said, as ours, keeps the gate shut or lowers coverage, and is never told as the user's mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from readiness.kinds.compose.environment import MAX_ENTRIES_PER_ENV_FILE
from readiness.kinds.compose.join import MAX_VARIABLES_FROM_ENV_FILE
from readiness.model import OverLimitError, ParseError
from readiness.syntax.dockerfile import MAX_DOCKERFILE_INSTRUCTIONS
from readiness.syntax.nginx import MAX_BLOCK_DEPTH
from readiness.syntax.yaml import MAX_ALIASED_VALUES_PER_FILE, MAX_NESTING_DEPTH, load_yaml_documents
from readiness.verdict.report import Report
from tests import growth_series as series
from tests.effort import effort
from tests.make import write_files
from tests.work import lower_bounds


def run(root: Path, tree: dict[str, str]) -> Report:
    write_files(root, tree)
    return readiness.check([root], base=root, config=False)


def instructions(count: int) -> dict[str, str]:
    return {"Dockerfile": "FROM alpine:3.20\n" + "RUN make\n" * count}


def blocks(depth: int) -> dict[str, str]:
    return series.nginx("location /a {\n" * (depth - 2) + "}\n" * (depth - 2))


def nested(depth: int) -> dict[str, str]:
    return {"k.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\nx: " + "[" * depth + "]" * depth + "\n"}


def bomb(levels: int) -> dict[str, str]:
    """Each anchor is nine of the one before it: no parser of a real tool takes it."""
    lines = ["x-0: &a0 [a, b, c, d, e, f, g, h, i]\n"]
    lines += [f"x-{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, levels)]
    return {"compose.yaml": "".join(lines) + f"services: {{a: {{image: 'a:1', x-a: *a{levels - 1}}}}}\n"}


OVER = {
    "instructions": (instructions(MAX_DOCKERFILE_INSTRUCTIONS + 5), "instructions"),
    "blocks": (blocks(MAX_BLOCK_DEPTH + 5), "blocks inside each other"),
    "nesting": (nested(MAX_NESTING_DEPTH + 5), "nested more than"),
    "one list for all jobs": (series.ci_aliased_steps(300), "aliases stand for"),
    "one map for all services": (series.compose_aliased_services(300), "aliases stand for"),
    "merges of merges": (series.yaml_merge_chain(900), "aliases stand for"),
    "merges of one": (series.yaml_merge_fan(300), "aliases stand for"),
    "extends": (series.compose_extends_one(300), "by `extends`"),
    "templates of GitLab": (series.gitlab_extends_many(300), "jobs inherit"),
    "variables of a pipeline": (
        {".gitlab-ci.yml": "variables:\n" + "".join(f"  A{n}: b\n" for n in range(300)) + "".join(f"j{n}: {{script: [make]}}\n" for n in range(300))},
        "jobs inherit",
    ),
}


@pytest.mark.parametrize(("tree", "words"), OVER.values(), ids=OVER)
def test_what_is_over_a_limit_is_told_as_ours_and_keeps_the_gate_shut(tmp_path: Path, tree: dict[str, str], words: str) -> None:
    report = run(tmp_path, tree)
    (path,) = tree
    (row,) = (one for one in report.files if one.path == path)
    assert (row.status, row.cause) == ("unreadable", "limit")
    (finding,) = (one for one in report.findings if one.rule.startswith("core/"))
    assert (finding.rule, finding.path) == ("core/over-limit", path)
    assert words in finding.message
    assert "limit of readiness" in finding.message
    assert "does not parse" not in finding.message
    assert not report.gate.passed
    assert report.coverage.percent == 0


UNDER = {
    "instructions": instructions(500),
    "blocks": blocks(50),
    "nesting": nested(90),
    "steps": series.ci_aliased_steps(40),
    "services": series.compose_aliased_services(60),
    "merges": series.yaml_merge_chain(60),
    "extends": series.compose_extends_one(60),
    "templates": series.gitlab_extends_many(60),
}


@pytest.mark.parametrize("tree", UNDER.values(), ids=UNDER)
def test_what_people_write_is_under_every_limit(tmp_path: Path, tree: dict[str, str]) -> None:
    report = run(tmp_path, tree)
    assert [one.status for one in report.files] == ["checked"]
    assert [one.rule for one in report.findings if one.rule.startswith("core/")] == []


def test_a_bomb_that_no_tool_takes_is_still_a_mistake_of_the_file(tmp_path: Path) -> None:
    report = run(tmp_path, bomb(12))
    (finding,) = (one for one in report.findings if one.rule.startswith("core/"))
    assert finding.rule == "core/syntax"
    assert not report.gate.passed


def test_the_tree_cannot_silence_a_limit(tmp_path: Path) -> None:
    tree = {"Dockerfile": "# readiness: ignore[core/over-limit] it is ours\n" + instructions(MAX_DOCKERFILE_INSTRUCTIONS + 5)["Dockerfile"]}
    report = run(tmp_path, tree)
    assert not report.gate.passed
    assert any(one.rule == "core/over-limit" and not one.suppression for one in report.findings)


@pytest.mark.parametrize("text", [
    "a: &a [1, 2]\nb: *a\n", "a: &a {b: 1}\nc: {<<: *a}\n", "a: &a [*a]\n", "a: &a {b: *a}\n", "--- &a [1]\n--- {a: 1}\n",
])  # fmt: skip
def test_few_aliases_are_under_the_limit(text: str) -> None:
    assert load_yaml_documents(text)


@pytest.mark.parametrize(
    "tree", [series.yaml_merge_chain(4000), series.yaml_merge_fan(2000), series.ci_aliased_steps(2000)], ids=["chain", "fan", "steps"]
)
def test_aliases_are_counted_while_they_are_read(tree: dict[str, str]) -> None:
    """What a merge copies is bounded before it is copied: 4,000 merges of merges would be 8,000,000 entries."""
    (text,) = tree.values()

    def read() -> None:
        with pytest.raises(ParseError, match="aliases stand for"):
            load_yaml_documents(text)

    assert effort(read) < 60 * MAX_ALIASED_VALUES_PER_FILE


def test_a_limit_is_a_parse_error_to_who_does_not_ask() -> None:
    assert issubclass(OverLimitError, ParseError)


def test_an_environment_file_for_too_many_services_is_read_in_part(tmp_path: Path) -> None:
    count = int(MAX_VARIABLES_FROM_ENV_FILE**0.5) + 10
    tree = {
        "compose.yaml": "services:\n" + "".join(f"  s{n}: {{image: 'a:1', env_file: all.env}}\n" for n in range(count)),
        "all.env": "".join(f"A{n}=b\n" for n in range(count)),
    }
    report = run(tmp_path, tree)
    (row,) = (one for one in report.files if one.path == "all.env")
    assert (row.status, row.cause) == ("checked", "limit")
    assert "limit of readiness" in row.reason
    assert report.coverage.percent < 100


def test_an_environment_file_of_too_many_variables_is_read_in_part(tmp_path: Path) -> None:
    tree = {
        "compose.yaml": "services: {s: {image: 'a:1', env_file: all.env}}\n",
        "all.env": "".join(f"A{n}=b\n" for n in range(MAX_ENTRIES_PER_ENV_FILE + 1)),
    }
    (row,) = (one for one in run(tmp_path, tree).files if one.path == "all.env")
    assert (row.status, row.cause) == ("checked", "limit")
    assert f"{MAX_ENTRIES_PER_ENV_FILE:,} variables" in row.reason


MANIFEST = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\nx: &x [a, b, c]\ny: [*x, *x]\n"
EXTENDS = "services:\n  a: {image: 'a:1', environment: {A: b, C: d}}\n  b: {extends: {service: a}}\n  c: {extends: {service: a}}\n"
GITLAB = "stages: [s]\n.a: {image: 'a:1', variables: {A: b, C: d}}\nj: {extends: .a, stage: s, script: [make]}\n"


@pytest.mark.parametrize(
    ("first", "second", "text", "limit"),
    [("k1.yaml", "k2.yaml", MANIFEST, 9), ("a/compose.yaml", "b/compose.yaml", EXTENDS, 9), ("a/.gitlab-ci.yml", "b/.gitlab-ci.yml", GITLAB, 5)],
    ids=["aliases", "extends", "templates"],
)
def test_files_that_are_each_below_their_limit_are_not_all_read(
    tmp_path: Path, first: str, second: str, text: str, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {one.status for one in run(tmp_path, {first: text, second: text}).files} == {"checked"}
    monkeypatch.setattr("readiness.syntax.expansion.MAX_EXPANDED_VALUES_PER_RUN", limit)
    report = run(tmp_path, {"plain.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: p}\n"})
    assert {one.path: (one.status, one.cause) for one in report.files} == {
        first: ("checked", ""),
        second: ("unreadable", "limit"),
        "plain.yaml": ("checked", ""),
    }
    (finding,) = (one for one in report.findings if one.rule == "core/over-limit")
    assert (finding.path, "files before it" in finding.message) == (second, True)
    assert not report.gate.passed
    assert report.coverage.percent < 100
    assert {one.status for one in run(tmp_path, {}).files} == {"checked", "unreadable"}  # each run counts from nothing


# Trees past a bound of what is joined while rules run, and the words of the row of the file behind it.
PAST_A_BOUND = {
    "variables of all environment files": ("compose_env_files", "MAX_VARIABLES_FROM_ENV_FILES_PER_RUN", "with those before it"),
    "directives of an include": ("nginx_shared_include", "MAX_INCLUDED_DIRECTIVES_PER_TREE", "its includes bring in more directives"),
    "steps of a job": ("ci_steps", "_MAX_STEPS_PER_JOB", "steps, and those after them"),
    "pods of a selector": ("k8s_selectors_not_in", "MAX_SELECTED_PAIRS_PER_PROJECT", "a selector in it may mean more than"),
    "Services of a monitor": ("k8s_service_monitors", "MAX_SELECTED_PAIRS_PER_PROJECT", "a selector in it may mean more than"),
}


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(("name", "bound", "words"), PAST_A_BOUND.values(), ids=PAST_A_BOUND)
def test_a_file_whose_joins_are_past_a_bound_says_so(
    tmp_path: Path, name: str, bound: str, words: str, jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path, series.ALL[name](12))
    whole = readiness.check([tmp_path], base=tmp_path, jobs=jobs)
    assert {one.cause for one in whole.files} == {""}
    lower_bounds(monkeypatch, {bound: 10, "MAX_CANDIDATES_PER_QUESTION": 4})
    report = readiness.check([tmp_path], base=tmp_path, jobs=jobs)
    reasons = [one.reason for one in report.files if one.cause == "limit"]
    assert reasons
    assert all(one.startswith("a limit of readiness: ") and words in one for one in reasons)
    assert report.coverage.percent < whole.coverage.percent
    assert not [one for one in report.findings if one.rule == "core/crash"]


def test_past_the_bound_of_selectors_nothing_is_said_to_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, series.k8s_selectors_not_in(12) | {"few.yaml": series.manifest("Service", "s", "spec: {selector: {app: a3}}")})
    whole = {(one.rule, one.path, one.resource) for one in readiness.check([tmp_path], select=["ALL"], base=tmp_path).findings}
    lower_bounds(monkeypatch, {"MAX_SELECTED_PAIRS_PER_PROJECT": 10, "MAX_CANDIDATES_PER_QUESTION": 4})
    bounded = {(one.rule, one.path, one.resource) for one in readiness.check([tmp_path], select=["ALL"], base=tmp_path).findings}
    assert bounded <= whole


def test_an_environment_file_for_some_services_is_read_whole(tmp_path: Path) -> None:
    tree = {
        "compose.yaml": "services:\n" + "".join(f"  s{n}: {{image: 'a:1', env_file: all.env}}\n" for n in range(20)),
        "all.env": "".join(f"A{n}=b\n" for n in range(20)),
    }
    assert {one.cause for one in run(tmp_path, tree).files} == {""}
