"""Hostile and broken input: no crash, nothing passed over in silence, bounded time and memory."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import readiness
from readiness.verdict.report import Report
from tests.make import write_files

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  containers:\n    - {name: x, image: 'x:1.0.0'}\n"


def run(root: Path, **files: str | bytes) -> Report:
    write_files(root, files)
    return readiness.check([root], select=["ALL"], base=root)


def states(report: Report) -> dict[str, str]:
    return {row.path: row.status for row in report.files}


BROKEN = {
    "yaml": ("k.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: x\n", 3),
    "tab": ("k.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n\tname: x\n", 4),
    "nul": ("k.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: \x01}\n", 3),
    "compose": ("compose.yaml", "services:\n  a:\n   image: x\n  b: [\n", 4),
    "nginx": ("nginx.conf", "http {\n  server {\n    listen 80\n  }\n}\n", 3),
    "nginx end": ("nginx.conf", "http {\n  server {\n    listen 80;\n", 3),
    "dockerfile": ("Dockerfile", "FROM alpine:3.20\nBOGUS x\n", 2),
    "workflow": (".github/workflows/a.yml", "on: push\njobs:\n  a:\n    steps: [\n", 4),
}


@pytest.mark.parametrize(("name", "text", "line"), BROKEN.values(), ids=BROKEN)
def test_what_does_not_parse_is_a_finding_at_its_line_and_others_go_on(tmp_path: Path, name: str, text: str, line: int) -> None:
    report = run(tmp_path, **{name: text, "z-good.yaml": POD})
    # A Dockerfile is read line by line: what BuildKit refuses is a finding, and the rest of the file is judged.
    rule = "dockerfile/instruction-invalid" if name == "Dockerfile" else "core/syntax"
    found = [one for one in report.findings if one.rule == rule]
    assert [one.path for one in found] == [name]
    assert abs(found[0].line - line) <= 1
    assert states(report)[name] == ("checked" if name == "Dockerfile" else "invalid")
    assert states(report)["z-good.yaml"] == "checked"
    assert any(one.path == "z-good.yaml" for one in report.findings)
    assert not report.gate.passed


def test_what_is_nested_deeper_than_we_read_is_our_limit_and_no_error_of_the_file(tmp_path: Path) -> None:
    report = run(tmp_path, **{"k.yaml": "apiVersion: v1\nkind: Pod\nspec: " + "[" * 500 + "]" * 500 + "\n", "z-good.yaml": POD})
    assert {one.rule for one in report.findings if one.path == "k.yaml"} == {"core/over-limit"}
    assert states(report)["z-good.yaml"] == "checked"
    assert not report.gate.passed


ODD = {
    "empty": "",
    "blank": "\n\n  \n",
    "only comments": "# kind: Pod\n# apiVersion: v1\n",
    "bom and crlf": "\ufeff" + POD.replace("\n", "\r\n"),
    "cycle": POD.replace("spec:", "metadata2: &a {b: *a}\nspec: &s") + "    - *s\n",
    "wrong shapes": "apiVersion: v1\nkind: Pod\nmetadata: 3\nspec: [containers, 4]\n",
    "null everywhere": "apiVersion: apps/v1\nkind: Deployment\nmetadata:\nspec:\n  template:\n    spec:\n      containers:\n        -\n",
    "numbers for names": "apiVersion: 1\nkind: 2\n---\napiVersion: v1\nkind: Service\nmetadata: {name: 3}\nspec: {ports: 4}\n",
    "huge number": POD + "    - {name: y, image: 9" + "9" * 6000 + "}\n",
    "long line": POD + "    # " + "x" * 300_000 + "\n",
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
@pytest.mark.parametrize(
    "name",
    ["a.yaml", "compose.yaml", "Dockerfile", "nginx.conf", ".github/workflows/a.yml", "a.md"],
)
def test_odd_texts_crash_nothing(tmp_path: Path, name: str, text: str) -> None:
    report = run(tmp_path, **{name: text})
    assert not report.crashed
    assert report.to_dict()["version"] == 1


def test_a_bomb_of_aliases_takes_no_time(tmp_path: Path) -> None:
    lines = ["a0: &a0 {x: y, image: 'z:1'}"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 20)]
    bomb = "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  containers: *a19\n"
    compose = "\n".join(lines) + "\nservices:\n  a:\n    environment: *a19\n    image: 'x:1'\n"
    report = run(tmp_path, **{"k.yaml": "\n".join(lines) + "\n" + bomb, "compose.yaml": compose})
    assert not report.crashed


def test_a_bomb_of_aliases_in_a_workflow_takes_no_time(tmp_path: Path) -> None:
    lines = ["z0: &z0 {a: x, b: y}", "y0: &y0 {a: p, b: q}"]
    lines += [f"{c}{n}: &{c}{n} {{a: *{c}{n - 1}, b: *{c}{n - 1}}}" for n in range(1, 30) for c in "zy"]
    job = (
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n"
        "    strategy: {matrix: {a: [*z29, *y29], include: [{a: *z29, b: *y29}]}}\n"
        "    steps:\n      - run: npm publish ${{ matrix.a }}\n        env: *z29\n        with: *y29\n"
    )
    report = run(tmp_path, **{".github/workflows/a.yml": "\n".join(lines) + "\n" + job})
    assert not report.crashed


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid"), reason="needs POSIX permissions")
def test_an_unreadable_file_is_a_finding(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads every file, so none can be made unreadable here")
    (tmp_path / "a.yaml").write_text(POD)
    (tmp_path / "a.yaml").chmod(0)
    assert states(run(tmp_path))["a.yaml"] == "unreadable"


def test_a_file_over_the_limit_is_a_finding(tmp_path: Path) -> None:
    report = run(tmp_path, **{"big.yaml": POD + "# " + "x" * (11 * 1024 * 1024), "b.yaml": POD})
    assert states(report) == {"b.yaml": "checked", "big.yaml": "unreadable"}
    assert [one.path for one in report.findings if one.rule == "core/unreadable"] == ["big.yaml"]
    assert not report.gate.passed


def test_a_file_of_fifty_megabytes_costs_little_memory(tmp_path: Path) -> None:
    with (tmp_path / "big.yaml").open("w") as out:
        out.write(POD)
        for _ in range(50):
            out.write("# " + "x" * (1024 * 1024) + "\n")
    code = "import readiness,sys; r=readiness.check([sys.argv[1]]); print(r.gate.passed)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (600 << 20, 600 << 20)),
    )
    assert done.stdout.strip() == "False"


def test_names_with_escapes_reach_no_terminal_raw(tmp_path: Path) -> None:
    (tmp_path / "a\n\x1b[31m::error::.yaml").write_text("apiVersion: v1\nkind: Pod\nx: [\n")
    for name in ("terminal", "github", "markdown"):
        done = subprocess.run(
            [sys.executable, "-m", "readiness", "check", "--no-config", "--format", name, "."],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert "\x1b[31m" not in done.stdout
        assert not any(line.startswith("\x1b") or "[31m::error" in line[:12] for line in done.stdout.splitlines())
