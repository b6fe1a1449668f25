"""What is not production is not asked production's questions, and every report says so once."""

from __future__ import annotations

import io
import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from readiness import api
from readiness.api import check
from readiness.cli.main import main
from readiness.model.package import DATA_FOLDER
from readiness.reports import ReportOptions, github
from readiness.verdict.report import Report
from tests.make import write_files
from tests.settings_rows import holds

DATABASE = """apiVersion: apps/v1
kind: StatefulSet
metadata: {name: pg}
spec:
  serviceName: pg
  selector: {matchLabels: {app: pg}}
  template:
    metadata: {labels: {app: pg}}
    spec:
      containers:
        - name: pg
          image: postgres:17
          ports: [{containerPort: 5432}]
---
apiVersion: v1
kind: Service
metadata: {name: pg}
spec: {selector: {app: pg}, ports: [{port: 5432}]}
"""
KEY = "AKIA" + "QYLPMN5HHHFPZAM2"
SECRET = f"""apiVersion: v1
kind: Secret
metadata: {{name: s}}
stringData: {{AWS_ACCESS_KEY_ID: {KEY}, AWS_SECRET_ACCESS_KEY: "{"wJalrXUtnFEMI7MDENGbPxRfiCYzEXAMPLEKQ9s2"}"}}
"""


def report(root: Path, files: dict[str, str], **options: object) -> Report:
    write_files(root, files)
    return check([root], base=root, **options)  # type: ignore[arg-type]


def rules(found: Report) -> set[str]:
    return {one.rule for one in found.open}


def paths(found: Report, rule: str) -> set[str]:
    return {one.path for one in found.open if one.rule == rule}


def test_questions_of_production(tmp_path: Path) -> None:
    mine, other = tmp_path / "a", tmp_path / "b"
    asked = report(mine, {"deploy/pg.yaml": DATABASE})
    assert {"k8s/readiness-probe-missing", "k8s/data-ephemeral"} <= rules(asked)
    excused = report(other, {"test/acceptance/pg.yaml": DATABASE, "deploy/pg.yaml": DATABASE})
    assert paths(excused, "k8s/data-ephemeral") == {"deploy/pg.yaml"}
    (row,) = [one for one in excused.files if one.purpose]
    assert (row.path, row.purpose) == ("test/acceptance/pg.yaml", "tests: it lies in acceptance/")
    assert "1 file not taken for production" in text_of(excused)


def test_the_report_in_json_lists_purposes(tmp_path: Path) -> None:
    found = report(tmp_path, {"e2e/pg.yaml": DATABASE, "deploy/pg.yaml": DATABASE})
    assert found.to_dict()["purposes"] == [{"path": "e2e/pg.yaml", "purpose": "tests: it lies in e2e/"}]
    assert check([tmp_path], base=tmp_path, purpose="production").to_dict()["purposes"] == []


def text_of(found: Report) -> str:
    out = io.StringIO()
    github.render(found, out, options=ReportOptions())
    return out.getvalue()


@holds("settings-purpose")
def test_a_tree_without_production_is_not_assessed(tmp_path: Path) -> None:
    found = report(tmp_path, {"tests/pg.yaml": DATABASE})
    assert (found.verdict, found.score, found.grade) == ("not-assessed", None, None)
    assert not found.gate.passed
    assert "--purpose production" in found.gate.reason
    forced = check([tmp_path], base=tmp_path, purpose="production")
    assert "k8s/data-ephemeral" in rules(forced)
    assert not any(one.purpose for one in forced.files)


def test_what_was_not_read_may_be_for_production(tmp_path: Path) -> None:
    chart = "apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies: [{name: d, version: 1.0.0, repository: 'https://a.example'}]\n"
    files = {"tests/pg.yaml": DATABASE, "c/Chart.yaml": chart, "c/templates/a.yaml": DATABASE}
    assert "for production:" not in report(tmp_path, files).gate.reason


def test_a_pipeline_that_delivers_is_production(tmp_path: Path) -> None:
    run = "on: push\njobs: {{a: {{runs-on: ubuntu-24.04, steps: [{{run: {}}}]}}}}\n"
    files = {"tests/pg.yaml": DATABASE, ".github/workflows/a.yml": run.format("make test")}
    assert report(tmp_path, files).score is None
    files[".github/workflows/a.yml"] = run.format("kubectl apply -f deploy.yaml")
    assert report(tmp_path, files).score is not None


@holds("settings-purpose")
def test_secrets_are_told_anywhere(tmp_path: Path) -> None:
    found = report(tmp_path, {"tests/secret.yaml": SECRET})
    assert "k8s/secret-committed" in rules(found)
    assert found.score is None


@holds("settings-purpose", "purposes-in-files")
def test_what_is_broken_anywhere_is_told(tmp_path: Path) -> None:
    broken = DATABASE.replace("matchLabels: {app: pg}", "matchLabels: {app: other}")
    assert "k8s/selector-mismatch" in rules(report(tmp_path, {"tests/pg.yaml": broken}))


def test_settings_come_first(tmp_path: Path) -> None:
    settings = "purpose:\n  'tests/*': production\n  'deploy/*': preview\n"
    files = {
        ".readiness.yaml": settings,
        "tests/pg.yaml": "# readiness: purpose=test\n" + DATABASE,
        "deploy/pg.yaml": DATABASE,
    }
    found = report(tmp_path, files, config=tmp_path / ".readiness.yaml")
    assert paths(found, "k8s/data-ephemeral") == {"tests/pg.yaml"}
    (row,) = [one for one in found.files if one.purpose]
    assert row.purpose == "a preview: .readiness.yaml:3 says so"


def test_a_glob_that_fits_nothing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, {".readiness.yaml": "purpose: {'x/*': test, 'a*': test}\n", "a.yaml": DATABASE})
    monkeypatch.chdir(tmp_path)
    settings = tmp_path / ".readiness.yaml"
    assert check(["."], config=settings).notices == (".readiness.yaml:1: purpose 'x/*' fits no file",)
    assert check(["a.yaml"], config=settings).notices == ()


def test_a_glob_of_settings_above_may_fit_what_lies_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = "purpose: {'b/*': test, 'x/*': test}\n"
    write_files(tmp_path, {".git/HEAD": "", ".readiness.yaml": settings, "a/pg.yaml": DATABASE, "b/pg.yaml": DATABASE})
    monkeypatch.chdir(tmp_path / "a")
    assert check(["."], config=True, context=False).notices == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "purpose:\n  'a/*': prod\n",
            ".readiness.yaml:2:10: purpose.a/* is 'prod'; allowed are production",
        ),
        ("purpose: production\n", ".readiness.yaml:1:10: purpose is a mapping, not 'production'"),
    ],
)
def test_settings_that_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    write_files(tmp_path, {".readiness.yaml": text, "a.yaml": DATABASE})
    with pytest.raises(api.config.ConfigError) as error:
        check([tmp_path], base=tmp_path, config=tmp_path / ".readiness.yaml")
    assert message in str(error.value)


def test_an_option_that_cannot_be_used() -> None:
    with pytest.raises(api.OptionError, match="purpose is 'test'"):
        check(purpose="test")
    result = CliRunner().invoke(main, ["check", "--purpose", "test", "."])
    assert result.exit_code == 2


COMPOSE = 'services: {{web: {{image: "acme/web:1"{}}}}}\n'


@holds("purposes-in-files")
@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.yaml", "# readiness: purpose=prod\n" + DATABASE),
        (
            "a.yaml",
            DATABASE.replace("{name: pg}", "{name: pg, annotations: {readiness.dev/purpose: x}}", 1),
        ),
        ("compose.yaml", "x-readiness: {purpose: prod}\n" + COMPOSE.format("")),
        ("compose.yaml", COMPOSE.format(", x-readiness: prod")),
        ("Dockerfile", "# readiness: purpose=prod\nFROM alpine:3.22\n"),
        ("Dockerfile", "FROM alpine:3.22\n# readiness: purpose=test\n"),
        ("a.yaml", DATABASE + "---\n# readiness: purpose=test\n" + SECRET),
        ("compose.yaml", "x-readiness: {purpose: [test]}\n" + COMPOSE.format("")),
    ],
)
def test_a_word_that_is_none_is_told_and_not_obeyed(tmp_path: Path, path: str, text: str) -> None:
    found = report(tmp_path, {path: text})
    assert "core/purpose-invalid" in rules(found)
    assert not any(one.purpose or one.aside for one in found.files)


@pytest.mark.parametrize("said", ["x-readiness: {purpose: test}\n", "# readiness: purpose=test\n"])
def test_a_compose_file_says_it_itself(tmp_path: Path, said: str) -> None:
    found = report(tmp_path, {"compose.prod.yaml": said + COMPOSE.format("")})
    (row,) = [one for one in found.files if one.purpose]
    assert row.purpose.startswith("tests: ")
    assert found.score is None


def test_a_service_says_it_itself(tmp_path: Path) -> None:
    text = COMPOSE.format('}, dev: {image: "acme/dev:1"}, it: {image: "acme/it:1", x-readiness: {purpose: test}')
    found = report(tmp_path, {"compose.yaml": text})
    (row,) = [one for one in found.files if one.path == "compose.yaml"]
    assert [name for name, _ in row.aside] == ["service/dev", "service/it"]
    assert "2 things not taken for production" in text_of(found)
    assert {one.resource for one in found.open} == {"service/web"}
    data = json.loads(json.dumps(found.to_dict()))
    schema = json.loads((DATA_FOLDER / "report.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(data, schema)
    told = data["files"][0]["aside"]
    assert told[1]["purpose"] == "tests: x-readiness of service/it says so"
    all_of_it = check([tmp_path], base=tmp_path, purpose="production")
    assert {"service/dev", "service/it"} <= {one.resource for one in all_of_it.open}


def test_an_overlay_for_tests(tmp_path: Path) -> None:
    overlay = "resources: [../../base]\nnamespace: x\n"
    files = {
        "base/kustomization.yaml": "resources: [pg.yaml]\n",
        "base/pg.yaml": DATABASE,
        "tests/e2e/kustomization.yaml": overlay,
    }
    assert report(tmp_path, files).score is None
    said = report(tmp_path, {"overlays/eu/kustomization.yaml": "# readiness: purpose=preview\n" + overlay})
    assert said.score is None
    found = report(tmp_path, {"overlays/prod/kustomization.yaml": overlay})
    assert found.score is not None
    assert {one.path for one in found.open} == {"base/pg.yaml"}
