"""A secret reaches no reader, by whatever way it was written into a file and in whatever form a report is read."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

import readiness
from readiness import api
from readiness.cli.main import main
from readiness.model import Finding, Related, Source, Span, Suppression
from readiness.redaction import MASK
from readiness.reports import REPORT_FORMATS
from readiness.run import cache
from readiness.verdict.report import Report
from tests.make import write_files
from tests.reports.conftest import report, rule, show

from .planted import planted

PLANTED = planted()
SHOWN: tuple[tuple[str, dict[str, Any]], ...] = (
    *((name, {}) for name in REPORT_FORMATS),
    *((name, {"verbose": True, "explain": True}) for name in ("terminal", "github", "markdown")),
    ("terminal", {"quiet": True}),
)
COLOURED = ("terminal", {"color": "always", "width": 300, "verbose": True, "explain": True})


def path_in_tree(number: int, path: str) -> str:
    """Where a file of a way stands: in a folder of its own, but for workflows, which GitHub reads at one place."""
    workflows = ".github/workflows/"
    return f"{workflows}w{number}.yml" if path.startswith(workflows) else f"w{number:03}/{path}"


def every_line(hidden: Report) -> Report:
    """A finding on each line of each file, by rules that know nothing of secrets."""
    findings = []
    for number, one in enumerate(PLANTED):
        for path, text in one.files.items():
            source = Source(path_in_tree(number, path), text)
            for line_number, start in enumerate(source.line_offsets, 1):
                line = source.line_text(line_number)
                if line.strip():
                    span = Span(start, start + len(line))
                    findings.append(Finding(rule(f"k8s/l{line_number}"), source, span, "m", fingerprint=f"{number} {path} {line_number}"))
    return report(findings, secret_places=hidden.hidden)


def every_word(hidden: Report) -> Report:
    """A finding for each secret that quotes it wherever a finding has words."""
    source = Source("x.yaml", "x: 1\n")
    findings = [
        Finding(
            rule(f"k8s/m{number}"),
            source,
            Span(0, 1),
            f"the name x-{one.value}-y is made of {one.value!r}",
            resource=f"service/{one.value}",
            container=one.value,
            related=(Related(source, Span(0, 1), one.value),),
            suppression=Suppression("comment", one.value) if number % 2 else None,
            fingerprint=str(number),
            service_name=one.value,
            unit_path=one.value,
            edit_group=one.value,
        )
        for number, one in enumerate(PLANTED)
    ]
    return report(findings, secret_places=hidden.hidden)


class Runs(NamedTuple):
    """A tree with every way in it, the reports on it: fresh and with words that hold each secret; and the folder of a cache with the fresh one."""

    tree: Path
    cold: Report
    worded: Report
    cache_folder: Path


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    root = tmp_path_factory.mktemp("planted")
    tree = root / "tree"
    for number, one in enumerate(PLANTED):
        write_files(tree, {path_in_tree(number, path): text for path, text in one.files.items()})
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(tree)
        kept = cache.ResultCache(root / "kept")
        monkeypatch.setattr(cache, "user_result_cache", lambda: kept)
        cold = readiness.check(["."], select=["ALL"], cache=True)
        return Runs(tree, cold, every_word(cold), kept.folder)


def leaks(text: str) -> list[str]:
    """The ways whose secret a text shows, in one of its forms."""
    assert text
    pieces = "\n".join(set(text.replace('"', "\n").splitlines()))  # each once: reports say much again and again
    return [one.way for one in PLANTED if any(form in pieces for form in forms_of(one.value))]


def forms_of(value: str) -> tuple[str, str]:
    """A value but for its first letter, which may be escaped, and its base64."""
    return value[1:], base64.b64encode(value.encode()).decode().rstrip("=")


def test_there_are_many_ways_each_of_its_own() -> None:
    assert len(PLANTED) >= 150
    assert len({one.value for one in PLANTED}) == len({one.way for one in PLANTED}) == len(PLANTED)


def test_every_way_holds_its_secret_and_its_file_is_read(runs: Runs) -> None:
    """No way is without a leak only for that nobody reads its file."""
    judged = {row.path for row in runs.cold.files}
    for number, one in enumerate(PLANTED):
        assert one.way in leaks("\n".join(one.files.values()))
        assert judged & {path_in_tree(number, path) for path in one.files}, one.way
    assert len(runs.cold.findings) > 1000


@pytest.mark.parametrize(
    ("said", "format_name", "options"),
    [
        *(("cold", *shown) for shown in SHOWN),
        *(("worded", *shown) for shown in (*SHOWN, COLOURED)),
    ],
    ids=str,
)
def test_no_format_shows_one(said: str, format_name: str, options: dict[str, Any], runs: Runs) -> None:
    assert leaks(show(format_name, getattr(runs, said), **options)) == []


def test_no_line_of_any_file_shows_one(runs: Runs) -> None:
    shown = show("terminal", every_line(runs.cold), width=500, verbose=True)
    assert leaks(shown) == []
    assert shown.count("DB_PASSWORD") > 50  # the names are readable
    assert shown.count(MASK) > len(PLANTED) / 2


def test_no_file_and_no_attribute_holds_one(runs: Runs) -> None:
    assert leaks("\n".join(path.read_text() for path in runs.cache_folder.glob("*.json"))) == []
    assert leaks(api.baseline_text(runs.cold)) == []
    assert leaks("\n".join(f"{one.message} {one.resource} {one.container} {one.related} {one.replacement_text}" for one in runs.cold.findings)) == []
    assert leaks(f"{runs.cold.notices} {runs.cold.services} {runs.cold.files}") == []


def test_the_command_says_none_anywhere(runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On its way from the cache to files of all formats, standard output and standard error."""
    monkeypatch.chdir(runs.tree)
    monkeypatch.setattr(cache, "user_result_cache", lambda: cache.ResultCache(runs.cache_folder))
    monkeypatch.setattr(api, "run_pipeline", None)
    written = [option for name in REPORT_FORMATS for option in ("--output", f"{name}={tmp_path / name}")]
    done = CliRunner().invoke(main, ["check", "--select", "ALL", "--no-config", "-v", "--explain-score", *written, "--format", "terminal", "."])
    assert done.exit_code == 1
    assert leaks(f"{done.stdout}{done.stderr}") == []
    assert {path.name: leaks(path.read_text()) for path in tmp_path.iterdir()} == {name: [] for name in REPORT_FORMATS}
