"""Pipelines of GitLab in several files: what includes what, and whose keys count."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.kinds import gitlab
from readiness.kinds.gitlab.includes import YamlFileTree, included_pipeline_paths, resolve_includes
from readiness.kinds.gitlab.model import GitlabFile
from readiness.loading import assemble, discover
from readiness.model import Source
from readiness.model.project import Project
from readiness.run import engine
from readiness.syntax.yaml import load_yaml_documents
from tests.conftest import catalogue
from tests.effort import effort

ROOT = ".gitlab-ci.yml"
JOB = "build:\n  stage: pack\n  image: node:22.1\n  script: [make]\n"
FORMS = {
    "a path": ("include: ci/build.yml\n", {"ci/build.yml"}, False),
    "a path from the root": ("include: /ci/build.yml\n", {"ci/build.yml"}, False),
    "local": ("include: {local: ci/build.yml}\n", {"ci/build.yml"}, False),
    "a list": (
        "include: [{local: ci/build.yml}, ci/deep/test.yaml]\n",
        {"ci/build.yml", "ci/deep/test.yaml"},
        False,
    ),
    "a star stays in its folder": ("include: [{local: 'ci/*.yml'}]\n", {"ci/build.yml"}, False),
    "two stars do not": (
        "include: [{local: 'ci/**.yml'}, {local: '**/*.yaml'}]\n",
        {"ci/build.yml", "ci/deep/test.yaml"},
        False,
    ),
    "with a rule": (
        "include: [{local: ci/build.yml, rules: [{if: $CI}]}]\n",
        {"ci/build.yml"},
        False,
    ),
    "not there": ("include: [{local: ci/none.yml}, ci/build.yml]\n", {"ci/build.yml"}, True),
    "remote": ("include: ['https://example.com/a.yml', ci/build.yml]\n", {"ci/build.yml"}, True),
    "another project": ("include: [{project: a/b, file: /ci/build.yml}]\n", set(), True),
    "a component": ("include: [{component: gitlab.com/a/b@1}]\n", set(), True),
    "a template": ("include: [{template: Auto-DevOps.gitlab-ci.yml}]\n", set(), True),
    "a variable": ("include: [{local: 'ci/$WHICH.yml'}]\n", set(), True),
}  # fmt: skip
PATHS = (ROOT, "ci/build.yml", "ci/deep/test.yaml", "ci/notes.txt", "other.yml")


@pytest.mark.parametrize(("text", "paths", "is_open"), FORMS.values(), ids=FORMS)
def test_forms_of_include(text: str, paths: set[str], is_open: bool) -> None:
    nodes = {path: load_yaml_documents(text if path == ROOT else JOB)[0] for path in PATHS}
    found = resolve_includes(ROOT, nodes.get, YamlFileTree(PATHS))
    assert (set(found.paths), found.is_incomplete) == (paths, is_open)


def test_parts_of_parts_and_circles() -> None:
    texts = {
        ROOT: "include: a.yml\n",
        "a.yml": "include: b.yml\n" + JOB,
        "b.yml": "include: [a.yml, .gitlab-ci.yml]\n",
        "c.yml": "include: a.yml\n",
    }
    assert included_pipeline_paths(texts) == {"a.yml", "b.yml"}
    assert included_pipeline_paths({f"sub/{path}": text for path, text in texts.items()}) == {
        "sub/a.yml",
        "sub/b.yml",
    }


def test_the_work_for_patterns_is_bounded() -> None:
    def work(count: int) -> int:
        texts = {f"{n}.yml": "include: ['**/*a*b*.yml', '*x*.yml']\n" for n in range(count)}
        root = "include: ['*.yml']\n" + "".join(f"# {n}\n" for n in range(9))
        return effort(lambda: included_pipeline_paths({ROOT: root, **texts}))

    assert work(4000) < work(1000) * 6


def joined(files: dict[str, str]) -> list[GitlabFile]:
    made = [gitlab.parse(Source(path, text)) for path, text in sorted(files.items())]
    gitlab.link_documents({"gitlab": made}, files)
    return made


def test_the_whole_gives_stages_templates_and_defaults() -> None:
    root, part = joined(
        {
            ROOT: "stages: [pack]\ninclude: ci/build.yml\ndefault: {image: node:22.1}\n.base: {when: manual, script: [echo base]}\n",
            "ci/build.yml": "stages: [other]\nbuild:\n  stage: pack\n  extends: .base\n",
        }
    )
    (job,) = part.jobs
    assert part.stages == root.stages == [".pre", "pack", ".post"]
    assert (job.inherited_value("image"), job.manual, root.all_jobs) == (
        "node:22.1",
        True,
        {"build": job},
    )
    (line,) = job.script_lines("script")
    assert (line.value, line.source.path) == ("echo base", "ci/build.yml")
    assert part.source.text[slice(*line.span_of_part(0, 4))] == ".base"


def test_the_including_file_counts_first() -> None:
    files = {
        ROOT: "include: [a.yml, b.yml]\n",
        "a.yml": "x: {stage: build, script: [a]}\n",
        "b.yml": "x: {stage: deploy, script: [b]}\n",
    }
    root, *_ = joined(files)
    assert root.all_jobs["x"].stage == "deploy"
    root, *_ = joined({**files, ROOT: files[ROOT] + "x: {stage: test}\n"})
    assert root.all_jobs["x"].stage == "test"
    assert [line.value for line in root.all_jobs["x"].script_lines("script")] == ["b"]


def found(files: dict[str, str], *rules: str) -> set[tuple[str, str, int]]:
    documents = [("gitlab", gitlab.parse(Source(path, text))) for path, text in sorted(files.items())]
    bounds = [bound for bound in catalogue() if bound.rule.id in rules]
    outcome = engine.EngineResult()
    core = {bound.rule.id: bound.rule for bound in catalogue()}
    engine.run_rules(Project(documents, files, is_complete=True), bounds, core, outcome)
    return {(one.rule, one.path, one.line) for one in outcome.findings}


STAGE, NEEDS = "ci/gitlab-stage-unknown", "ci/gitlab-needs-unknown"
PART = "deploy:\n  stage: ship\n  needs: [unit]\n  script: [make deploy]\n"
WHOLE = "stages: [test, ship]\nunit: {stage: test, script: [make]}\n"


@pytest.mark.parametrize(
    ("root", "expected"),
    [
        (WHOLE + "include: part.yml\n", set()),
        ("stages: [test]\ninclude: part.yml\n", {(STAGE, "part.yml", 2), (NEEDS, "part.yml", 3)}),
        ("stages: [test]\ninclude: [part.yml, {project: a/b, file: c.yml}]\n", set()),
        (WHOLE, set()),  # not included: a fragment, whose pipeline is not known
    ],
)  # fmt: skip
def test_stages_and_needs_of_the_whole(root: str, expected: set[tuple[str, str, int]]) -> None:
    assert found({ROOT: root, "part.yml": PART}, STAGE, NEEDS) == expected


@pytest.mark.parametrize("path", [".gitlab/deploy.yml", "ci/deploy.yml", "deploy.gitlab-ci.yml", "sub/.gitlab/ci/a.yml"])
@pytest.mark.parametrize("head", ["", "include: {local: .gitlab/none.yml}\n", "include: shared.yml\n"])
@pytest.mark.parametrize("root", [None, WHOLE, "stages: [test]\nunit: {script: [make]}\n"])
def test_a_fragment_that_nothing_includes_is_silent(path: str, head: str, root: str | None) -> None:
    files = {path: head + PART, "shared.yml": ".base: {stage: test, script: [make]}\n"}
    assert found(files | ({ROOT: root} if root else {}), STAGE, NEEDS) == set()


def test_stages_in_a_fragment_are_no_pipeline_where_one_stands_beside() -> None:
    stages = "stages: [build]\n"
    wrong = {STAGE, NEEDS}
    assert {rule for rule, *_ in found({"team.gitlab-ci.yml": stages + PART}, STAGE, NEEDS)} == wrong
    assert {rule for rule, *_ in found({f"app/{ROOT}": PART}, STAGE, NEEDS)} == wrong
    assert found({".gitlab/a.yml": stages + PART}, STAGE, NEEDS) == set()
    assert found({"ci/a.yml": stages + PART, ROOT: WHOLE}, STAGE, NEEDS) == set()


def test_a_part_of_two_pipelines_is_silent() -> None:
    files = {
        "a/.gitlab-ci.yml": "stages: [one]\ninclude: ../part.yml\n",
        "b.gitlab-ci.yml": WHOLE + "include: part.yml\n",
        "c.gitlab-ci.yml": "stages: [one]\ninclude: part.yml\n",
        "part.yml": PART,
    }
    assert found(files, STAGE, NEEDS) == set()


def test_a_test_in_another_part_runs_before() -> None:
    """An image is pushed after the tests of another file of the same pipeline."""
    push = "push:\n  stage: ship\n  script: [docker push registry.example.com/a:1]\n"
    unit = "unit:\n  stage: test\n  script: [pytest]\n"
    rule = "ci/image-pushed-untested"
    root = "stages: [test, ship]\ninclude: [push.yml, unit.yml]\n"
    assert found({ROOT: root, "push.yml": push, "unit.yml": unit}, rule) == set()
    late = {
        ROOT: "stages: [ship, test]\ninclude: [push.yml, unit.yml]\n",
        "push.yml": push,
        "unit.yml": unit,
    }
    assert found(late, rule) == {(rule, "push.yml", 3)}


def test_included_files_are_read_whatever_they_are_called(tmp_path: Path) -> None:
    folder = tmp_path
    (folder / "jobs").mkdir()
    (folder / ROOT).write_text("include: jobs/x.yml\n")
    (folder / "jobs/x.yml").write_text("x: {script: [make]}\n")
    (folder / "jobs/y.yml").write_text("y: {script: [make]}\n")
    core = {bound.rule.id: bound.rule for bound in catalogue()}
    made = assemble.assemble_projects(discover.discover_files([folder], working_directory=folder), core, may_judge_documents=False)
    assert {row.path: row.kind for row in made.file_statuses} == {
        ROOT: "gitlab",
        "jobs/x.yml": "gitlab",
        "jobs/y.yml": "",
    }
