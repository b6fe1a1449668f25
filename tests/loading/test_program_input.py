"""The input of programs' tests is no deployment, unless a deployment takes it in or somebody names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.api import check
from readiness.verdict.report import Report
from tests.make import write_files

OLD = "db:\n  image: postgres:9.6\n"
STACK = 'services: {web: {image: "acme/web:1.4.0", restart: always, env_file: %s}}\n'


def judged(report: Report) -> set[str]:
    """The paths of what was judged, by their last two parts."""
    return {"/".join(Path(row.path).parts[-2:]) for row in report.files if row.status == "checked"}


@pytest.mark.parametrize("folder", ["pkg/testdata/a", "src/test/resources", "web/__fixtures__", "web/cypress/fixtures/a", "spec/api/fixtures"])
def test_input_is_set_aside(tmp_path: Path, folder: str) -> None:
    files = {f"{folder}/compose.yml": OLD, f"{folder}/Dockerfile": "FROM alpine:3.14\n"}
    root = write_files(tmp_path, files)
    report = check([root])
    assert not report.findings
    assert {row.status for row in report.files} == {"skipped"}
    assert all("input of a program's tests" in row.reason for row in report.files)
    assert judged(check([root / folder / "compose.yml"])), "a file that is named is judged"
    assert len(judged(check([root / folder]))) == 2, "so is all of a folder that is named"


@pytest.mark.parametrize("folder", ["testdata-loader", "test/resources", "fixtures", "cypress", "contests/fixtures"])
def test_neighbours_are_judged(tmp_path: Path, folder: str) -> None:
    root = write_files(tmp_path, {f"{folder}/Dockerfile": "FROM alpine:3.14\n"})
    assert judged(check([root]))


def test_what_a_deployment_takes_in_is_judged(tmp_path: Path) -> None:
    inner = "services: {db: {image: 'postgres:17.2', restart: always, env_file: db.env}}\n"
    files = {
        "compose.yaml": "include: [testdata/db.yaml]\n" + STACK % "testdata/web.env",
        "testdata/db.yaml": inner,
        "testdata/db.env": "POSTGRES_PASSWORD=postgres\n",
        "testdata/web.env": "A=b\n",
        "testdata/other.yaml": inner,
        "testdata/unused.env": "A=b\n",
    }
    report = check([write_files(tmp_path, files)])
    names = {one.rpartition("/")[2] for one in judged(report)}
    assert names == {"compose.yaml", "db.yaml", "db.env", "web.env"}
    assert "compose/password-well-known" in {one.rule for one in report.findings}


GOLDEN = (
    "test/helm/a.out.yaml",
    "test/helm/a.in.yaml",
    "e2e/golden/web/a.yaml",
    "tests/x/golden_files/a.yaml",
    "pkg/a.golden.yaml",
    "e2e-tests/web/compare/a.yaml",
    "tests/x/expected/a.yaml",
    "controllers/a.yaml",
    "controllers/a-expected.yaml",
    "data/proxy.src.yaml",
    "data/proxy.expected.yaml",
    "data/rules.input.yaml",
    "data/rules.output.yaml",
    "cmd/_testdata/apply/a.yaml",
)
NEIGHBOURS = (
    "deploy/a.out.yaml",
    "images/golden/a.yaml",
    "tests/goldenrod/a.yaml",
    "deploy/log.in.yaml",
    "a.out.yml",
    "compare/a.yaml",
    "deploy/b-expected.yaml",
    "deploy/proxy.src.yaml",
    "deploy/rules.expected.yaml",
    "deploy/rules.out.yaml",
)


def test_what_a_program_should_print_is_set_aside(tmp_path: Path) -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, imge: b}]}\n"
    root = write_files(tmp_path, dict.fromkeys((*GOLDEN, *NEIGHBOURS), pod))
    report = check([root], base=root)
    assert {row.path for row in report.files if row.status == "checked"} == set(NEIGHBOURS)
    assert {one.path for one in report.findings} <= set(NEIGHBOURS)
    assert report.findings
    assert len(judged(check([root / "e2e/golden"], base=root))) == 1, "a folder that is named is judged"


POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, imge: b}]}\n"
COMPARES = 'assert.Equal(t, read("./baseline/manifests/" + name), render("./baseline/values/" + name))\n'


def judged_with(tmp_path: Path, manifest: str, program: str, text: str, *, named: str = "") -> bool:
    """Whether a manifest is judged in a tree with the program of a test."""
    root = write_files(tmp_path, {manifest: POD, program: text})
    report = check([root / named] if named else [root], base=root)
    return bool(judged(report))


OUTPUTS = (
    ("test/app/baseline/manifests/a.yaml", "test/app/baseline_test.go", COMPARES),
    ("pkg/expected/a.yaml", "pkg/render_test.go", 'cmp.Diff(got, load("expected/a.yaml"))\n'),
    ("pkg/data/want/a.yaml", "pkg/render_test.go", 'require.Equal(t, got, load(filepath.Join("data", "want", name)))\n'),
    ("tests/snapshots/a.yaml", "tests/test_chart.py", 'assert got == (HERE / "snapshots" / name).read_text()\n'),
    ("tests/snapshots/one/web/templates/a.yaml", "tests/a_test.go", 'dir := Sprintf("snapshots/%s", name)\nactual.Diff(t, load(dir))\n'),
    ("src/expected/a.yaml", "src/render.test.ts", "expect(got).toEqual(read('expected/a.yaml'))\n"),
)


@pytest.mark.parametrize(("manifest", "program", "text"), OUTPUTS)
def test_what_a_test_only_compares_is_set_aside(tmp_path: Path, manifest: str, program: str, text: str) -> None:
    assert not judged_with(tmp_path, manifest, program, text)
    assert judged_with(tmp_path, manifest, program, text, named=str(Path(manifest).parent)), "a folder that is named is judged"


APPLIED = (
    ("test/app/baseline/a.yaml", "test/app/a_test.go", COMPARES + 'k8s.KubectlApply(t, options, "baseline/a.yaml")\n'),
    (
        "test/app/snapshots/a.yaml",
        "test/app/a_test.go",
        'run("kubectl", "apply", "-f", "snapshots/a.yaml")\nassert.Nil(t, err)\n',
    ),
    ("policies/baseline/a.yaml", "policies/a_test.go", "assert.Nil(t, err)\n"),
    ("policies/baseline/a.yaml", "other/a_test.go", COMPARES),
    ("test/app/mapper/baseline/a.yaml", "test/app/baseline_test.go", COMPARES),
    ("pkg/manifests/a.yaml", "pkg/render_test.go", 'cmp.Diff(got, load("manifests/a.yaml"))\n'),
    ("pkg/expected/a.yaml", "pkg/render.go", 'cmp.Diff(got, load("expected/a.yaml"))\n'),
)


@pytest.mark.parametrize(("manifest", "program", "text"), APPLIED)
def test_what_may_be_applied_is_judged(tmp_path: Path, manifest: str, program: str, text: str) -> None:
    assert judged_with(tmp_path, manifest, program, text)
