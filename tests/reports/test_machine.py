"""The reports for machines: JSON by its schema, and GitHub's workflow commands as the runner reads them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import readiness
from readiness.model import Related, Source, Span
from readiness.reports import github
from readiness.verdict.report import FileRow, Report

from .conftest import WEB, find, report, rule, show

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "readiness" / "data" / "report.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
GROUP = re.compile(r"^::(?:group::all findings \(\d+\)|endgroup::)$")
COMMAND = re.compile(r"^::(error|warning|notice) ([^:]*)::(.*)$")


def unescape(text: str, *, inside: bool) -> str:
    """What the runner makes of a message, or of a property."""
    if inside:
        text = text.replace("%3A", ":").replace("%2C", ",")
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """The workflow commands in a log, read as the runner reads them."""
    found = []
    for line in text.splitlines():
        if line.lstrip().startswith("::") and not GROUP.match(line):
            match = COMMAND.match(line)
            assert match, line
            properties = dict(one.split("=", 1) for one in match[2].split(","))
            found.append(
                (
                    match[1],
                    {key: unescape(value, inside=True) for key, value in properties.items()},
                    unescape(match[3], inside=False),
                )
            )
    return found


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"seconds_by_phase": {"read": 0.5}},
        {"rows": []},
        {
            "rows": [
                FileRow("a", "", "unreadable", "not text"),
                FileRow("b", "helm", "skipped", "x"),
            ]
        },
        {"min_score": 100, "fail_on": "never"},
    ],
)
def test_json_is_valid_by_the_schema(sample: Report, options: dict[str, Any]) -> None:
    for findings in (list(sample.findings), []):
        made = report(findings, **options)
        told = json.loads(show("json", made))
        VALIDATOR.validate(told)
        assert told == made.to_dict()


def test_the_schema_refuses_what_is_not_a_report(sample: Report) -> None:
    told = sample.to_dict()
    for change in ({"score": 101}, {"verdict": "fine"}, {"extra": 1}, {"findings": [{}]}):
        assert not VALIDATOR.is_valid(told | change)


def test_json_of_a_finding() -> None:
    other = Source("svc.yaml", "a: 1\nport: 80\n")
    finding = find(
        WEB,
        "nginx:latest",
        rule(equivalents={"trivy": ("KSV-0013",)}),
        resource="Deployment/web",
        container="web",
        related=(Related(other, Span(5, 9), "see here"),),
    )
    assert report([finding]).to_dict()["findings"] == [
        {
            "rule": "k8s/probe-missing",
            "title": "Container without a probe",
            "severity": "high",
            "confidence": "high",
            "category": "reliability",
            "message": "container 'web' has no probe",
            "path": "deploy/web.yaml",
            "line": 5,
            "column": 14,
            "end_line": 5,
            "end_column": 26,
            "resource": "Deployment/web",
            "container": "web",
            "unit": "",
            "group": "",
            "service": "web",
            "gain": 5.3343,
            "fingerprint": finding.fingerprint,
            "why": "The kubelet restarts a process that ends, e.g. a crash. Not one that hangs.",
            "remedy": "Add a probe. Make it cheap.",
            "related": [{"path": "svc.yaml", "line": 2, "message": "see here"}],
            "fix": None,
            "equivalents": {"trivy": ["KSV-0013"]},
            "suppressed": None,
        }
    ]


def test_a_place_in_a_nested_source_is_told_in_the_file_that_people_open() -> None:
    root = Source("guide.md", "# A\n```yaml\nname: web\n```\n")
    inner = Source("guide.md", "name: web\n", parent=root, line_starts_in_parent=(12,))
    told = report([find(inner, "web")]).to_dict()["findings"][0]
    assert (told["path"], told["line"], told["column"], told["end_column"]) == (
        "guide.md",
        3,
        7,
        10,
    )
    assert "     3 | name: web\n" in show("terminal", report([find(inner, "web")]))


def test_equal_input_gives_equal_bytes(sample: Report) -> None:
    again = report(list(reversed(sample.findings)))
    for name in ("json", "github", "terminal", "markdown"):
        assert show(name, sample) == show(name, again)


def test_json_is_ascii_and_harmless_in_a_log() -> None:
    finding = find(WEB, "web", message="\x1b[31m \x7f \u202e 漢 \ud800 ##[error]x\n::error::y")
    text = show("json", report([finding]))
    assert text.isascii()
    assert all(char == "\n" or char.isprintable() for char in text)
    assert "##[" not in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    assert json.loads(text)["findings"][0]["message"] == finding.message


def test_github_annotation() -> None:
    finding = find(WEB, "nginx:latest", message="image 'a:b', 100% movable\nnext")
    (level, properties, message), *_ = commands(show("github", report([finding])))
    assert level == "error"
    assert properties == {
        "file": "deploy/web.yaml",
        "line": "5",
        "endLine": "5",
        "col": "14",
        "endColumn": "26",
        "title": "Container without a probe (k8s/probe-missing)",
    }
    assert message.splitlines() == [
        "image 'a:b', 100% movable\\nnext",
        "The kubelet restarts a process that ends, e.g. a crash.",
        "Fix: Add a probe.",
        "More: readiness explain k8s/probe-missing",
    ]


def test_github_escapes_percent_first() -> None:
    assert github.workflow_command_line("error", {"title": "a:b,c%\n"}, "%0A\r\n:,") == "::error title=a%3Ab%2Cc%25%0A::%250A%0D%0A:,"


def test_github_levels_and_order() -> None:
    ones = [
        find(
            WEB,
            "web",
            rule(f"k8s/r-{severity}", severity, "reliability" if severity != "high" else "edge"),
        )
        for severity in ("info", "low", "medium", "high", "critical")
    ]
    got = [(level, properties["title"]) for level, properties, _ in commands(show("github", report(ones)))]
    assert [(level, re.findall(r"r-(\w+)", title)[0]) for level, title in got] == [
        ("error", "critical"),
        ("error", "high"),
        ("warning", "medium"),
        ("notice", "low"),
        ("notice", "info"),
    ]


def test_github_sorts_by_gain_within_a_severity() -> None:
    many = [find(WEB, "e", rule("k8s/many", "high"), nth=n) for n in range(8)]
    finding = find(WEB, "worker", rule("k8s/once", "high", "edge"))
    titles = [properties["title"] for _, properties, _ in commands(show("github", report([*many, finding])))]
    assert "k8s/once" in titles[0]


def test_github_keeps_to_its_cap_and_tells_of_the_rest() -> None:
    source = Source("a.yaml", "x" * 100)
    made = report(
        [find(source, "x", rule("k8s/a", "high"), nth=n) for n in range(25)] + [find(source, "x", rule("k8s/b", "low"), nth=n) for n in range(10)]
    )
    text = show("github", made)
    got = commands(text)
    assert sum(level == "error" for level, _, _ in got) == github.MAX_ANNOTATIONS_PER_LEVEL
    assert sum(level == "notice" for level, _, _ in got) == 10
    assert [message for _, _, message in got if message.startswith("and ")] == ["and 16 more of this level: the log of this step has them all"]
    assert sum(line.startswith("a.yaml:1:") for line in text.splitlines()) == 35
    assert text.splitlines()[-1].startswith("gate failed: ")


def test_github_cuts_long_messages_before_the_runner_does() -> None:
    finding = find(WEB, "web", rule(why="w" * 9000 + "."), message="m" * 9000)
    (_, _, message), *_ = commands(show("github", report([finding])))
    assert len(message) < 4096
    assert message.endswith("…")


def test_github_leaves_suppressed_findings_out(sample: Report) -> None:
    assert "worker:latest" not in show("github", sample)


def test_github_paths_start_at_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "app" / "x").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "app" / "x")
    for workspace, prefix in (
        (tmp_path, "app/x/"),
        (tmp_path / "app" / "x", ""),
        (tmp_path / "b", ""),
        ("", ""),
    ):
        monkeypatch.setenv("GITHUB_WORKSPACE", str(workspace))
        assert github.path_prefix_from_workspace() == prefix
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    (_, properties, _), *_ = commands(show("github", report([find(WEB, "web")])))
    assert properties["file"] == "app/x/deploy/web.yaml"


HOSTILE = "::error::owned %0A::set-env\n::warning::x\r\x1b[2J ##[add-path]y, file=z [bold]b[/bold] [/] :smile: \u202e"


@pytest.mark.parametrize("name", ["terminal", "github", "markdown"])
@pytest.mark.parametrize("color", ["never", "always"])
def test_nothing_from_a_file_steers_the_reader(name: str, color: str) -> None:
    source = Source(HOSTILE, f"{HOSTILE.replace(chr(10), ' ').replace(chr(13), ' ')}\n")
    finding = find(
        source,
        "owned",
        message=HOSTILE,
        resource=HOSTILE,
        related=(Related(source, Span(0, 3), HOSTILE),),
    )
    broken = rule("core/syntax", "high", "correctness")
    rows = [FileRow(HOSTILE, "k8s", "invalid", HOSTILE)]
    made = report([finding, find(source, "file", broken, message=HOSTILE)], rows=rows)
    for options in ({}, {"verbose": True}, {"quiet": True}, {"explain": True}):
        text = show(name, made, color=color, width=120, **options)
        bare = re.sub(r"\x1b\[[0-9;]*m", "", text)
        assert all(char == "\n" or char.isprintable() for char in bare)
        assert not re.search(r"##\w*\[", bare)
        ours = re.compile(r"::(error|notice|warning) (file|title)=")
        for line in bare.splitlines():
            assert not line.lstrip().startswith("::") or ours.match(line) or (name == "github" and GROUP.match(line))
        if name == "terminal":
            assert "[bold]" in bare.replace("\n", "") or options == {"quiet": True}


GUIDE = Path(__file__).resolve().parents[2] / "docs" / "github.md"


def test_the_example_workflow_has_no_finding_itself() -> None:
    made = readiness.check([GUIDE], profile="strict")
    assert [f"{one.rule} {one.line}" for one in made.open] == []
    assert made.score == 100


def test_the_problem_matcher_of_the_docs_reads_the_plain_report(sample: Report) -> None:
    pattern = json.loads(GUIDE.read_text("utf-8").split("```json")[1].split("```")[0])["problemMatcher"][0]["pattern"][0]
    read = [found for line in show("terminal", sample).splitlines() if (found := re.match(pattern["regexp"], line))]
    told = [(one[pattern["file"]], int(one[pattern["line"]]), one[pattern["code"]]) for one in read]
    assert sorted(told) == sorted((one.path, one.line, one.rule) for one in sample.open)
