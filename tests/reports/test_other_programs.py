"""SARIF, JUnit, Code Quality and reviewdog's format: what their readers need, of a report that was made by hand and of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from click.testing import CliRunner

from readiness.cli.main import main
from readiness.model import Confidence, Related, Severity, Source, Span, Suppression
from readiness.reports import sarif
from readiness.ruleset.rule_pages import rule_page_url
from readiness.verdict.report import Report
from tests.conftest import ROOT, by_rule
from tests.make import write_files

from .conftest import find, report, rule, show

WEB = Source("deploy/web ü.yaml", "kind: Pod\nname: 漢字 web\nimage: web:latest\ntoken: hunter2-Zq8-k3\n")
OTHER = Source("deploy/other.yaml", "kind: Service\nname: db\n")
PROBE, TAG = rule(), rule("k8s/tag-floating", "medium", "isolation", title="Floating tag", links=("https://example.org/tags",))
ENVIRONMENT = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")

RESULT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["$schema", "version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results", "columnKind"],
                "additionalProperties": False,
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "required": ["name", "version", "rules"],
                                "properties": {
                                    "rules": {
                                        "items": {
                                            "required": ["id", "shortDescription", "fullDescription", "help", "defaultConfiguration"],
                                            "properties": {
                                                "id": {"type": "string", "maxLength": 255},
                                                "name": {"type": "string", "maxLength": 255, "pattern": "^[A-Za-z0-9]+$"},
                                                "shortDescription": {"properties": {"text": {"type": "string", "maxLength": 1024}}},
                                                "fullDescription": {"properties": {"text": {"type": "string", "minLength": 1}}},
                                                "defaultConfiguration": {"properties": {"level": {"enum": ["error", "warning", "note"]}}},
                                            },
                                        }
                                    }
                                },
                            }
                        },
                    },
                    "columnKind": {"enum": ["unicodeCodePoints", "utf16CodeUnits"]},
                    "originalUriBaseIds": {"type": "object"},
                    "invocations": {"items": {"required": ["executionSuccessful"]}},
                    "properties": {"type": "object"},
                    "results": {
                        "maxItems": 25_000,
                        "items": {
                            "required": ["ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints"],
                            "additionalProperties": False,
                            "properties": {
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "level": {"enum": ["error", "warning", "note"]},
                                "message": {"required": ["text"]},
                                "locations": {"minItems": 1, "maxItems": 1},
                                "partialFingerprints": {"additionalProperties": {"type": "string", "minLength": 1}},
                                "relatedLocations": {"items": {"required": ["id", "physicalLocation", "message"]}},
                                "suppressions": {"items": {"properties": {"kind": {"enum": ["inSource", "external"]}}}},
                                "properties": {"type": "object"},
                            },
                        },
                    },
                },
            },
        },
    },
}


@pytest.fixture(autouse=True)
def _no_workspace(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def sample() -> Report:
    waived = find(WEB, "kind", rule("k8s/waived", "high"), suppression=Suppression("comment", "later"))
    related = (Related(OTHER, Span(14, 22), "the Service"),)
    findings = [
        find(WEB, "web", PROBE, resource="Pod/web"),
        find(WEB, "web:latest", TAG, related=related, message="image is web:latest"),
        find(WEB, "latest", rule("k8s/mild", "low"), message="mild"),
        waived,
    ]
    return report(findings, secret_places=[(WEB, Span(WEB.text.index("hunter2"), len(WEB.text) - 1))])


def sarif_run(made: Report, **options: Any) -> Any:
    value = json.loads(show("sarif", made, **options))
    jsonschema.validate(value, RESULT_SCHEMA)
    return value["runs"][0]


def test_sarif_results_are_worst_first_and_leave_suppressed_ones_out(sample: Report) -> None:
    run = sarif_run(sample)
    assert [(one["ruleId"], one["level"]) for one in run["results"]] == [
        ("k8s/probe-missing", "error"),
        ("k8s/tag-floating", "warning"),
        ("k8s/mild", "note"),
    ]
    assert all(run["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] == one["ruleId"] for one in run["results"])
    assert "suppressions" not in json.dumps(run)


def test_sarif_verbose_says_who_suppressed(sample: Report) -> None:
    (waived,) = (one for one in sarif_run(sample, verbose=True)["results"] if one["ruleId"] == "k8s/waived")
    assert waived["suppressions"] == [{"kind": "inSource", "justification": "later"}]


def test_sarif_places(sample: Report) -> None:
    result = sarif_run(sample)["results"][0]
    (location,) = result["locations"]
    assert location["physicalLocation"]["artifactLocation"] == {"uri": "deploy/web%20%C3%BC.yaml", "uriBaseId": "%SRCROOT%"}
    assert location["physicalLocation"]["region"] == {"startLine": 2, "startColumn": 10, "endLine": 2, "endColumn": 13}
    assert location["logicalLocations"] == [{"fullyQualifiedName": "Pod/web", "kind": "resource"}]
    (related,) = sarif_run(sample)["results"][1]["relatedLocations"]
    assert related["physicalLocation"] == {"artifactLocation": {"uri": "deploy/other.yaml", "uriBaseId": "%SRCROOT%"}, "region": {"startLine": 2}}


def test_sarif_rules_say_what_breaks_and_what_to_do(sample: Report) -> None:
    rule_by_id = {one["id"]: one for one in sarif_run(sample)["tool"]["driver"]["rules"]}
    probe, tag = rule_by_id["k8s/probe-missing"], rule_by_id["k8s/tag-floating"]
    assert probe["fullDescription"]["text"] == " ".join(PROBE.why.split())
    assert "**Fix:** Add a probe. Make it cheap." in probe["help"]["markdown"]
    assert "readiness explain k8s/probe-missing" in probe["help"]["text"]
    assert "- <https://example.org/tags>" in tag["help"]["markdown"]
    assert "security-severity" not in probe["properties"]
    assert tag["properties"]["security-severity"] == "5.5"
    assert tag["properties"]["tags"][0] == "security"
    assert tag["properties"]["precision"] == "high"
    assert "helpUri" not in json.dumps(rule_by_id)  # there is no address that is surely ours


@pytest.mark.parametrize(
    ("severity", "level", "number"), [("critical", "error", 9.0), ("high", "error", 7.0), ("medium", "warning", 4.0), ("low", "note", 0.1)]
)
def test_sarif_severities_are_in_githubs_bands(severity: str, level: str, number: float) -> None:
    finding = find(WEB, "web", rule("k8s/open", severity, "isolation"))
    run = sarif_run(report([finding]))
    told = float(run["tool"]["driver"]["rules"][0]["properties"]["security-severity"])
    assert (run["results"][0]["level"], number <= told < {9.0: 10.1, 7.0: 9.0, 4.0: 7.0, 0.1: 4.0}[number]) == (level, True)


def test_sarif_a_lowered_hit_has_its_own_level() -> None:
    run = sarif_run(report([find(WEB, "web", PROBE, lowered_severity=Severity.MEDIUM)]))
    assert run["results"][0]["level"] == "warning"


def test_equal_fingerprints_are_numbered() -> None:
    finding = find(WEB, "web", PROBE)
    hashes = [one["partialFingerprints"]["primaryLocationLineHash"] for one in sarif_run(report([finding, finding._replace(message="b")]))["results"]]
    assert hashes == [finding.fingerprint, f"{finding.fingerprint}-2"]


def test_sarif_holds_as_many_results_as_github_accepts(monkeypatch: pytest.MonkeyPatch, sample: Report) -> None:
    monkeypatch.setattr(sarif, "MAX_RESULTS", 2)
    run = sarif_run(sample)
    assert [one["ruleId"] for one in run["results"]] == ["k8s/probe-missing", "k8s/tag-floating"]
    assert "1 milder findings are left out" in json.dumps(run["invocations"])


@pytest.mark.parametrize("confidence", list(Confidence))
def test_sarif_every_confidence_has_a_precision(confidence: Confidence) -> None:
    assert sarif._PRECISIONS[confidence] == str(confidence)


def test_rules_of_the_tool_lead_to_their_page_and_others_to_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("readiness.origin.rule_pages_url", lambda: "https://pages.example/")
    made = report([find(WEB, "web", rule("k8s/privileged")), find(WEB, "latest", rule("k8s/own-rule"))])
    page = "https://pages.example/k8s/privileged.yaml"
    urls = [rule_page_url(one) for one in by_rule()]
    assert all((ROOT / "rules" / one.removeprefix("https://pages.example/")).is_file() for one in urls)
    assert [one.get("url") for one in json.loads(show("json", made))["findings"]] == [page, None]
    assert {one["code"]["value"]: one["code"].get("url") for one in json.loads(show("rdjson", made))["diagnostics"]} == {
        "k8s/privileged": page,
        "k8s/own-rule": None,
    }
    entry_by_id = {one["id"]: one for one in sarif_run(made)["tool"]["driver"]["rules"]}
    assert entry_by_id["k8s/privileged"]["helpUri"] == page
    assert f"More: <{page}>" in entry_by_id["k8s/privileged"]["help"]["markdown"]
    assert "helpUri" not in entry_by_id["k8s/own-rule"]
    assert "More: `readiness explain k8s/own-rule`" in entry_by_id["k8s/own-rule"]["help"]["markdown"]
    annotations = show("github", made)
    assert f"More: {page}" in annotations
    assert "More: readiness explain k8s/own-rule" in annotations


def test_code_quality(sample: Report) -> None:
    rows = json.loads(show("codequality", sample))
    assert [(one["check_name"], one["severity"]) for one in rows] == [
        ("k8s/probe-missing", "critical"),
        ("k8s/tag-floating", "major"),
        ("k8s/mild", "minor"),
    ]
    assert rows[0]["location"] == {"path": "deploy/web ü.yaml", "lines": {"begin": 2, "end": 2}}
    assert len({one["fingerprint"] for one in rows}) == 3


def test_reviewdog_counts_columns_in_bytes(sample: Report) -> None:
    diagnostics = json.loads(show("rdjson", sample))["diagnostics"]
    assert diagnostics[0]["location"]["range"] == {"start": {"line": 2, "column": 14}, "end": {"line": 2, "column": 17}}
    assert [one["severity"] for one in diagnostics] == ["ERROR", "WARNING", "INFO"]
    assert diagnostics[0]["message"].endswith("\n\nFix: Add a probe. Make it cheap.")


JUNIT_SHAPE = {
    "testsuites": ({"name", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "errors", "file"}, {"testcase"}),
    "testcase": ({"name", "classname"}, {"failure", "system-out"}),
    "failure": ({"message", "type"}, set()),
    "system-out": (set(), set()),
}
"""The attributes and the children of each element, all of which Jenkins' junit-10.xsd allows; what it doesn't name, Jenkins' xUnit plugin refuses."""


def junit_suites(made: Report, **options: Any) -> dict[str, list[tuple[str, bool]]]:
    root = ET.fromstring(show("junit", made, **options))  # noqa: S314  # our own text
    assert root.tag == "testsuites"
    for element in root.iter():
        attributes, children = JUNIT_SHAPE[element.tag]
        assert set(element.attrib) <= attributes
        assert {child.tag for child in element} <= children
    assert int(root.get("tests", "")) == len(list(root.iter("testcase")))
    assert int(root.get("failures", "")) == len(list(root.iter("failure")))
    return {suite.get("name", ""): [(case.get("name", ""), case.find("failure") is not None) for case in suite] for suite in root}


def test_junit_fails_what_fails_the_gate(sample: Report) -> None:
    assert junit_suites(sample) == {
        "deploy/web ü.yaml": [
            ("k8s/probe-missing deploy/web ü.yaml:2:10", True),
            ("k8s/tag-floating deploy/web ü.yaml:3:8", False),
            ("k8s/mild deploy/web ü.yaml:3:12", False),
        ],
        "gate": [("gate", True)],
    }


def test_junit_quiet_holds_failures_alone(sample: Report) -> None:
    assert junit_suites(sample, quiet=True)["deploy/web ü.yaml"] == [("k8s/probe-missing deploy/web ü.yaml:2:10", True)]


def test_junit_of_a_clean_file_is_a_test_that_passed() -> None:
    assert junit_suites(report([])) == {"clean.yaml": [("no findings", False)], "gate": [("gate", False)]}


def test_junit_writes_what_xml_cannot_hold() -> None:
    finding = find(WEB, "web", PROBE, message="a\x00b\x1b[2J\ufffe<&>\ud800")
    assert "<testsuites" in show("junit", report([finding]))
    assert junit_suites(report([finding]))


@pytest.mark.parametrize("name", ["sarif", "junit", "codequality", "rdjson"])
def test_no_secret_and_nothing_that_a_terminal_or_runner_obeys(name: str, sample: Report) -> None:
    hostile = find(WEB, "token", PROBE, message="token hunter2-Zq8-k3 ::error::x ##[add-path]y \x1b[2J\n::warning::z", resource="a\nb")
    made = report([*sample.findings, hostile], secret_places=sample.hidden)
    text = show(name, made)
    assert "hunter2-Zq8-k3" not in text
    assert "\x1b" not in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    assert "##[" not in text
    assert text == show(name, made)
    assert text.isascii()


@pytest.mark.parametrize("variable", ENVIRONMENT)
@pytest.mark.parametrize("name", ["sarif", "junit", "codequality", "rdjson"])
def test_paths_begin_at_the_checkout(name: str, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample: Report) -> None:
    (tmp_path / "app").mkdir()
    monkeypatch.chdir(tmp_path / "app")
    monkeypatch.setenv(variable, str(tmp_path))
    assert "app/deploy/web" in show(name, sample)


def test_junit_names_a_clean_file_from_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "app").mkdir()
    monkeypatch.chdir(tmp_path / "app")
    monkeypatch.setenv("CI_PROJECT_DIR", str(tmp_path))
    assert "app/clean.yaml" in junit_suites(report([]))


def run(tmp_path: Path, *arguments: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str, str]:
    write_files(tmp_path, {"Dockerfile": 'FROM debian\nCMD ["sh"]\n'})
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["check", "--no-cache", "--no-config", *arguments, "."])
    return done.exit_code, done.stdout, done.stderr


def test_several_outputs_in_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status, text, _ = run(tmp_path, "--output", "sarif=a.sarif", "--output", "junit=a.xml", "--output", "codequality=-", monkeypatch=monkeypatch)
    assert status == 0
    assert json.loads(text)[0]["check_name"].startswith("dockerfile/")
    assert json.loads((tmp_path / "a.sarif").read_text("utf-8"))["version"] == "2.1.0"
    assert (tmp_path / "a.xml").read_text("utf-8").startswith("<?xml")
    assert not (tmp_path / "-").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--output", "json=-", "--format", "sarif"], "--format and --output FORMAT=- both write to standard output"),
        (["--output", "json=-", "--output", "sarif=-"], "two reports cannot be written to standard output"),
        (["--output", "json=a", "--output", "sarif=./a"], "two reports cannot be written to ./a"),
        (["--output", "sari=a"], "one of terminal, json"),
    ],
)
def test_outputs_that_meet_are_refused(arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status, _, errors = run(tmp_path, *arguments, monkeypatch=monkeypatch)
    assert status == 2
    assert words in " ".join(errors.split())
