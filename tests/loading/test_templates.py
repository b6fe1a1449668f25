"""Templates and broken files: what stops the parser tells them apart, and neither passes in silence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from readiness import api
from readiness.cli.main import main
from readiness.loading.assembly import REASON_TEMPLATE
from readiness.reports import digest
from readiness.verdict.report import Report
from tests.make import write_files

GOOD = {"ok/Dockerfile": "FROM scratch\nCOPY app /app\nUSER 1000\n"}
BROKEN = {
    "Dockerfile": "FORM debian:13\nFROM debian:13\nCOPY app\nUSER 1000\n",
    "compose.yaml": "services:\n  web:\n    image: nginx:1.27\n   ports: [80]\n",
    "k8s/app.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n spec: {}\n",
    ".github/workflows/ci.yml": "on: push\njobs:\n  a:\n    runs-on: x\n   steps: []\n",
    ".gitlab-ci.yml": "build:\n  script: make\n image: x\n",
    ".github/dependabot.yml": "version: 2\nupdates:\n  - package-ecosystem: npm\n directory: /\n",
    "nginx/nginx.conf": "events {}\nhttp {\n  server {\n    listen 80;\n  }\n",
}
WHOLE = {
    "Dockerfile": "FROM debian:13\nUSER 1000\n",
    "compose.yaml": "services:\n  web:\n    image: nginx:1.27\n",
    "k8s/app.yaml": "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n",
    ".github/workflows/ci.yml": "on: push\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps: [{run: make}]\n",
    ".gitlab-ci.yml": "build:\n  script: make\n",
    ".github/dependabot.yml": "version: 2\nupdates: []\n",
    "nginx/nginx.conf": "events {}\nhttp {\n  server {\n    listen 80;\n  }\n}\n",
}
MARKS = ["{{ x }}", "{%- if x %}", "<% x %>", "<%= x %>", "%%X%%", "@X@", "{# x #}", "${{ x }}"]
BY_SERVICES = (".github", ".gitlab")


def quiet(path: str, text: str, mark: str) -> Iterator[tuple[str, str]]:
    """The text with a mark where no parser stops at one: in a comment, a quoted string, a block of text."""
    yield "comment at the head", f"# {mark}\n{text}"
    yield "comment at the end", f"{text}# {mark}\n"
    if path.endswith((".yaml", ".yml")):
        yield "quotes", f"x-a: '{mark}'\n{text}"
        yield "double quotes", f'x-a: "{mark}"\n{text}'
        yield "block scalar", f"x-a: |\n  {mark}\n{text}"
    elif path == "Dockerfile":
        yield "quotes", f"{text}RUN echo '{mark}'\n"
        yield "here-document", f"{text}RUN <<E\n{mark}\nE\n"
        yield "continued line", f"{text}RUN echo \\\n  {mark}\n"
    else:
        yield "quotes", f"log_format x '{mark}';\n{text}"
        yield "lines in quotes", f'log_format x "\n{mark}\n";\n{text}'


def loud(text: str, mark: str) -> Iterator[tuple[str, str]]:
    """The text with a mark on a line of its own."""
    yield "first line", f"{mark}\n{text}"
    yield "last line", f"{text}{mark}\n"


QUIET = [
    pytest.param(path, changed, id=f"{path}, {mark}, {place}")
    for path, text in BROKEN.items()
    for mark in MARKS
    for place, changed in quiet(path, text, mark)
]
LOUD = [
    pytest.param(path, changed, id=f"{path}, {mark}, {place}")
    for path, text in WHOLE.items()
    for mark in MARKS
    if not mark.startswith("$")
    for place, changed in loud(text, mark)
]


def check(folder: Path, files: dict[str, str], *select: str) -> Report:
    write_files(folder, {**GOOD, **files})
    words = select or ("core/syntax", "core/template-unjudged", "dockerfile/instruction-invalid")
    return api.check([folder], base=folder, select=words)


def told(report: Report, path: str) -> list[str]:
    return [one.rule for one in report.findings if one.path == path]


def row(report: Report, path: str) -> tuple[str, str]:
    return next((one.status, one.reason) for one in report.files if one.path == path)


@pytest.mark.parametrize(("path", "text"), QUIET)
def test_a_mark_that_stops_no_parser_excuses_nothing(tmp_path: Path, path: str, text: str) -> None:
    report = check(tmp_path, {path: text})
    if path == "Dockerfile":
        assert told(report, path) == ["dockerfile/instruction-invalid"] * 2
    else:
        assert told(report, path) == ["core/syntax"]
        assert row(report, path)[0] == "invalid"
    assert not report.gate.passed


@pytest.mark.parametrize("path", WHOLE)
def test_a_mark_that_stops_no_parser_makes_no_template(tmp_path: Path, path: str) -> None:
    for mark in MARKS:
        for _, text in quiet(path, WHOLE[path], mark):
            report = check(tmp_path, {path: text})
            assert told(report, path) == [], text
            assert row(report, path) == ("checked", ""), text


@pytest.mark.parametrize(("path", "text"), LOUD)
def test_a_mark_on_its_own_line_keeps_the_gate_shut(tmp_path: Path, path: str, text: str) -> None:
    report = check(tmp_path, {path: text})
    wanted = "core/syntax" if path.startswith(BY_SERVICES) else "core/template-unjudged"
    assert told(report, path) == [wanted]
    assert not report.gate.passed
    assert report.verdict == "not-ready"


@pytest.mark.parametrize(("path", "text"), [one for one in LOUD if not str(one.values[0]).startswith(BY_SERVICES)])
@pytest.mark.parametrize("named", ["templates/{}", "{}.j2"])
def test_a_template_by_its_name_is_left_alone(tmp_path: Path, path: str, text: str, named: str) -> None:
    path = named.format(path)
    report = check(tmp_path, {path: text})
    assert told(report, path) == []
    assert report.gate.passed
    status, reason = row(report, path)
    if status == "skipped":
        assert reason == REASON_TEMPLATE
        assert report.verdict == "not-ready"
    else:  # a line of a condition in a Dockerfile, or a placeholder that nginx's reader knows: all of it was read
        assert path in {
            "templates/Dockerfile",
            "Dockerfile.j2",
            "templates/nginx/nginx.conf",
            "nginx/nginx.conf.j2",
        }


@pytest.mark.parametrize("path", [one for one in WHOLE if not one.startswith(BY_SERVICES)])
def test_a_template_lowers_coverage_as_a_file_that_was_not_read(tmp_path: Path, path: str) -> None:
    name = f"templates/{path}"
    files = {**GOOD, name: "{{ x }}\n" + WHOLE[path]}
    write_files(tmp_path, files)
    left = api.check([tmp_path], base=tmp_path)
    assert left.coverage.percent < 60
    (tmp_path / name).write_text(WHOLE[path])
    assert api.check([tmp_path], base=tmp_path).coverage.percent > left.coverage.percent


VALUES = {
    "compose.yaml": "services:\n  web:\n    image: nginx:1.27\n    privileged: {{ x }}\n",
    "k8s/app.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: {{ x }}}\nspec:\n  containers: []\n",
    "k8s/glued.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ x }}-web\nspec: {}\n",
    "k8s/format.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {x}\nspec: {}\n",
    "k8s/format-glued.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {x}-web\nspec: {}\n",
    "k8s/version.yaml": "apiVersion: {{ x }}\nkind: Pod\nmetadata: {name: a}\n",
    "nginx/site.conf": "server {\n  listen {{ x }};\n  server_name a;\n}\n",
    "nginx/names.conf": "@X@\nserver {\n  listen 80;\n  server_name a;\n}\n",
}


@pytest.mark.parametrize(("path", "text"), VALUES.items(), ids=VALUES)
def test_a_value_that_is_put_in_keeps_the_gate_shut(tmp_path: Path, path: str, text: str) -> None:
    assert told(check(tmp_path, {path: text}), path) == ["core/template-unjudged"]
    quoted = re.sub(r"(\{\{ x \}\}(?:-web)?)", r"'\1'", text)
    if quoted != text and not path.startswith("nginx"):
        assert told(check(tmp_path, {path: quoted}), path) == []


def test_what_is_read_around_a_value_is_judged(tmp_path: Path) -> None:
    text = "services:\n  web:\n    image: {{ x }}\n    privileged: true\n"
    report = check(tmp_path, {"compose.yaml": text}, "compose/privileged")
    assert told(report, "compose.yaml") == ["core/template-unjudged", "compose/privileged"]
    report = check(tmp_path, {"compose.yaml": text})
    assert "1 file read in part" in digest.verdict_text(report)


def test_an_expression_without_its_dollar_is_no_workflow(tmp_path: Path) -> None:
    path = ".github/workflows/ci.yml"
    text = WHOLE[path].replace("run: make", "run: make, env: {A: {{ github.ref }}}")
    report = check(tmp_path, {path: text})
    assert told(report, path) == ["core/syntax"]
    assert told(check(tmp_path, {path: text.replace("{{", "'${{").replace("}}", "}}'", 1)}), path) == []


BRANCHES = """\
services:
  web:
{% if debug %}
    image: web:dev
{% else %}
    image: web:1.0
    restart: always
{% endif %}
"""


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("compose.yaml.j2", "skipped"),
        ("compose.yaml.tmpl", "skipped"),
        ("compose.template.yaml", "skipped"),
        ("roles/web/templates/compose.yaml", "skipped"),
        ("{{cookiecutter.slug}}/compose.yaml", "skipped"),
        ("compose.yaml", "invalid"),
        ("templated/compose.yaml", "invalid"),
    ],
)
def test_a_name_says_whether_it_is_a_template(tmp_path: Path, path: str, status: str) -> None:
    report = check(tmp_path, {path: BRANCHES})
    assert row(report, path)[0] == status
    assert report.gate.passed is (status == "skipped")
    assert "core/syntax" not in told(report, path)


def test_a_broken_file_is_broken_under_a_name_of_templates_too(tmp_path: Path) -> None:
    text = "server {\n  listen ${PORT};\n  # {{ x }}\n  server_name a;\n"
    report = check(tmp_path, {"nginx/site.conf.template": text})
    assert told(report, "nginx/site.conf.template") == ["core/syntax"]
    assert told(check(tmp_path, {"nginx/site.conf.template": text + "}\n"}), "nginx/site.conf.template") == []


def test_one_line_of_a_template_hides_no_error_of_the_builder(tmp_path: Path) -> None:
    text = "FROM debian:13\n{{ x }}\nRUNN make\nCOPY a\nUSER 1000\n"
    report = check(tmp_path, {"Dockerfile": text})
    assert [(one.rule, one.line) for one in report.findings if one.path == "Dockerfile"] == [
        ("core/template-unjudged", 2),
        ("dockerfile/instruction-invalid", 3),
        ("dockerfile/instruction-invalid", 4),
    ]


def test_nothing_but_templates_is_no_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("app.yaml.j2").write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: {{ x }}}\n")
    result = CliRunner().invoke(main, ["check", ".", "--no-config", "--no-cache"])
    assert result.exit_code == 2
    assert f"nothing was checked: app.yaml.j2: {REASON_TEMPLATE}" in result.output
    assert CliRunner().invoke(main, ["check", ".", "--no-config", "--allow-empty"]).exit_code == 0
    Path("app.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: {{ x }}}\n")
    assert CliRunner().invoke(main, ["check", ".", "--no-config", "--allow-empty"]).exit_code == 1


def test_somebody_elses_templates_are_only_counted(tmp_path: Path) -> None:
    report = check(tmp_path, {"a.yaml.j2": "users: {{ x }}\n", "b.html.j2": "<p>{{ x }}</p>\n"})
    assert {one.path for one in report.files} == {"ok/Dockerfile"}
    assert report.others == 2


@pytest.mark.parametrize(("name", "count"), [("helmfile.yaml", 0), ("helmfile_namespaces.yaml", 0), ("deploy.yaml", 1), ("my-helmfile.yaml", 1)])
def test_helmfile_renders_its_own_files(tmp_path: Path, name: str, count: int) -> None:
    text = "apiVersion: v1\nkind: List\nreleases:\n{{ range .Values.names }}\n- name: {{ . }}\n{{ end }}\n"
    root = write_files(tmp_path, {name: text})
    assert sum(one.rule == "core/template-unjudged" for one in api.check([root], base=root).findings) == count
