"""A hit that is less bad than its rule: carried to every output, and never worse than the rule."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import readiness
from readiness import api
from readiness.cli.main import REPORT_FORMATS, main
from readiness.loading.render import relocate
from readiness.loading.render.made import GeneratedSource
from readiness.model import Finding, Severity, Source, Span, hit, missing
from readiness.reports import pages
from readiness.ruleset import examples
from readiness.ruleset.bound import LoadedRule
from readiness.run import cache, engine
from readiness.triage import baseline
from tests.conftest import catalogue

RULE = next(bound for bound in catalogue() if bound.rule.id == "k8s/privileged").rule
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: x, labels: {app: x}}
spec:
  containers:
    - {name: a, image: 'x:1.0.0', securityContext: {privileged: true}}
    - {name: b, image: 'x:1.0.0', securityContext: {privileged: true}}
---
apiVersion: v1
kind: Service
metadata: {name: x}
spec: {selector: {app: x}, ports: [{port: 80}]}
"""


@pytest.fixture
def lower(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes the hits of k8s/privileged ask for a severity, those of the container that is named or all."""

    def patch(severity: Severity | None, container: str = "") -> None:
        run = LoadedRule.run_check

        def changed(bound: LoadedRule, subject: object, project: object) -> Iterator[object]:
            for found in run(bound, subject, project):  # type: ignore[arg-type]
                mine = bound.rule.id == "k8s/privileged" and isinstance(found, engine.Hit)
                if mine and getattr(subject, "container", "") in {container or "a", "b"}:
                    yield found._replace(severity=severity)  # type: ignore[union-attr]
                else:
                    yield found

        monkeypatch.setattr(LoadedRule, "run_check", changed)

    return patch


def pod(root: Path) -> Path:
    (root / "pod.yaml").write_text(POD, encoding="utf-8")
    return root


def severities(report: readiness.Report) -> list[Severity]:
    return [one.severity for one in report.findings]


@pytest.mark.parametrize(("rule", "asked"), list(itertools.product(Severity, Severity)))
def test_nothing_raises_a_severity(rule: Severity, asked: Severity) -> None:
    source = Source("a", "xx")
    finding = Finding(RULE._replace(severity=rule), source, Span(0, 1), "m", lowered_severity=asked)
    assert finding.severity == min(rule, asked)
    assert finding._replace(lowered_severity=None).severity == rule


@pytest.mark.parametrize("tell", [hit, missing])
def test_a_hit_says_how_bad_it_is(tell: Callable[..., engine.Hit]) -> None:
    assert tell(Span(0, 1)).severity is None
    told = tell(Span(0, 1), severity=Severity.LOW, name="x")
    assert (told.severity, told.facts) == (Severity.LOW, {"name": "x"})


def test_a_hit_cannot_raise_its_rule(tmp_path: Path, lower: Callable[..., None]) -> None:
    assert RULE.severity is Severity.HIGH
    lower(Severity.CRITICAL)
    report = readiness.check([pod(tmp_path)], select=[RULE.id])
    assert severities(report) == [Severity.HIGH, Severity.HIGH]
    assert report.result.ceiling == 89


def test_a_lower_hit_counts_as_what_it_is(tmp_path: Path, lower: Callable[..., None]) -> None:
    before = readiness.check([pod(tmp_path)], select=[RULE.id])
    assert (before.verdict, before.gate.passed, before.score) == ("not-ready", False, 89)
    lower(Severity.LOW)
    report = readiness.check([pod(tmp_path)], select=[RULE.id])
    assert severities(report) == [Severity.LOW, Severity.LOW]
    assert (report.verdict, report.gate.passed, report.score) == ("ready", True, 98)
    marks = [one.fingerprint for one in before.findings]
    assert [one.fingerprint for one in report.findings] == marks


WORDS_OF_OTHER_PROGRAMS = {
    "sarif": ('"severity": "high"', '"severity": "low"'),
    "junit": ('type="high"', "low[k8s/privileged]"),
    "codequality": ('"severity": "critical"', '"severity": "minor"'),
    "rdjson": ('"severity": "ERROR"', '"severity": "INFO"'),
}


@pytest.mark.parametrize("form", REPORT_FORMATS)
def test_every_format_tells_the_severity_of_the_place(form: str, tmp_path: Path, lower: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pod(tmp_path))
    lower(Severity.LOW, "b")
    run = ["check", "--no-config", "--no-cache", "--select", RULE.id, "--explain-score"]
    flags = run if form == "terminal" else run[:-1]
    result = CliRunner().invoke(main, [*flags, "--format", form, "."])
    said = result.output
    if form == "json":
        found = [one["severity"] for one in json.loads(result.stdout)["findings"]]
        assert found == ["high", "low"]
        return
    if form in WORDS_OF_OTHER_PROGRAMS:
        assert all(said.count(word) == 1 for word in WORDS_OF_OTHER_PROGRAMS[form]), said
        return
    for severity, line in (("high", 6), ("low", 7)):
        place = f"`pod.yaml:{line}`" if form == "markdown" else f"pod.yaml:{line}:65: {severity}[k8s/privileged]"
        assert place in said
        assert severity in said
    if form == "github":
        assert (
            "::error file=pod.yaml,line=6" in said,
            "::notice file=pod.yaml,line=7" in said,
        ) == (
            True,
            True,
        )
    elif form == "terminal":
        assert "findings: 1 high and 1 low" in said
        assert "high 6 x 1.00 + low 1 x 1.00 (2 places) = 7.00" in said
    assert "1 high open" in said.splitlines()[-1]


def test_the_terminal_marks_each_place_by_its_own_severity(tmp_path: Path, lower: Callable[..., None]) -> None:
    lower(Severity.LOW, "b")
    flags = ["check", "--no-config", "--no-cache", "--select", RULE.id, "--color", "always"]
    said = CliRunner().invoke(main, [*flags, str(pod(tmp_path))]).output
    assert "\x1b[31m  high" in said
    assert "\x1b[36m  low" in said


def test_processes_and_the_cache_keep_it(tmp_path: Path, lower: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "cache"
    monkeypatch.setattr(cache, "user_result_cache", lambda: cache.ResultCache(folder))
    (tmp_path / "t").mkdir()
    root = pod(tmp_path / "t")
    lower(Severity.MEDIUM, "b")
    options = {"base": root, "select": [RULE.id]}
    cold = readiness.check([root], cache=True, **options)  # type: ignore[arg-type]
    assert severities(cold) == [Severity.HIGH, Severity.MEDIUM]
    assert severities(readiness.check([root], jobs=2, **options)) == severities(cold)  # type: ignore[arg-type]
    monkeypatch.setattr(api, "run_pipeline", None)
    warm = readiness.check([root], cache=True, **options)  # type: ignore[arg-type]
    assert warm.to_dict() == cold.to_dict()


def test_a_baseline_knows_a_finding_whatever_its_severity(tmp_path: Path, lower: Callable[..., None]) -> None:
    root = pod(tmp_path)
    known = tmp_path / "known.json"
    known.write_text(baseline.baseline_file_text(readiness.check([root], select=[RULE.id]).findings))
    lower(Severity.LOW, "b")
    assert readiness.check([root], select=[RULE.id], baseline=known).open == ()


class Rendering(GeneratedSource):
    """A rendering of a file, letter by letter."""

    def written_location(self, span: Span) -> tuple[Source, Span]:
        return WRITTEN, span


WRITTEN = Source("chart/a.yaml", "xx\n")


def twin(source: Source, severity: Severity | None) -> Finding:
    return Finding(RULE, source, Span(0, 1), "m", lowered_severity=severity)


@pytest.mark.parametrize("order", list(itertools.permutations([None, Severity.LOW, Severity.INFO])))
def test_of_what_is_said_twice_the_worst_counts(order: tuple[Severity | None, ...]) -> None:
    source = Source("a", "xx")
    kept = engine.sort_and_deduplicate([twin(source, one) for one in order])
    assert [one.severity for one in kept] == [Severity.HIGH]


@pytest.mark.parametrize("order", list(itertools.permutations([Severity.MEDIUM, Severity.LOW])))
def test_of_several_environments_the_worst_counts(order: tuple[Severity, ...]) -> None:
    found = [twin(Rendering("made", WRITTEN.text, str(number)), level) for number, level in enumerate(order)]
    kept = relocate.relocate_findings(found, {WRITTEN.path: 2})
    assert [(one.path, one.severity) for one in kept] == [("chart/a.yaml", Severity.MEDIUM)]


def test_an_example_may_say_how_bad_a_place_is() -> None:
    text = "a: 1\n   ^ low\nb: 2\n   ^\nc: low\n"
    plain, marks = examples.strip_caret_lines("x.yaml", text)
    assert plain == "a: 1\nb: 2\nc: low\n"
    assert [(one.span, one.severity) for one in marks] == [
        (Span(3, 4), Severity.LOW),
        (Span(8, 9), None),
    ]
    assert pages.text_with_caret_lines(plain, marks) == text
