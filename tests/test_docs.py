"""What the documents say is what runs."""

from __future__ import annotations

import re
import shlex

import pytest
from click.testing import CliRunner

from readiness.cli.main import main
from readiness.syntax import backtracking
from readiness.syntax.ways import StepCounter
from tests import make_docs
from tests.conftest import ROOT, catalogue

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_what_is_generated_is_current() -> None:
    assert make_docs.stale() == [], "`python -m tests.make_docs` writes it anew"


def test_a_page_ends_with_the_places_where_its_rule_is_written() -> None:
    for path, text in make_docs.page_texts().items():
        places = re.findall(r"^- `([^`:]+)(?::(\d+) (\w+))?`$", text.partition("## Source")[2], re.MULTILINE)
        assert places, path.name
        for file, line, name in places:
            lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
            assert not line or f"def {name}(" in "".join(lines[int(line) - 1 : int(line) + 4])


@pytest.mark.parametrize("command", re.findall(r"^\| `readiness ([a-z]+)", README, re.MULTILINE))
def test_every_command_of_the_readme_has_help_with_an_example(command: str) -> None:
    result = CliRunner().invoke(main, [command, "--help"])
    assert result.exit_code == 0
    assert "Example" in result.output
    assert f"readiness {command}" in result.output


def test_the_readme_names_every_command() -> None:
    named = set(re.findall(r"^\| `readiness ([a-z]+)", README, re.MULTILINE))
    assert named == set(main.commands)


def test_the_main_job_of_the_readme_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = re.findall(r"^\$ readiness (check .*)$", README, re.MULTILINE)
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(main, shlex.split(line))
    assert result.exit_code == 1
    assert "score" in result.output


def test_links_between_documents_lead_somewhere() -> None:
    for path in [
        ROOT / "README.md",
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "docs" / "adr").glob("*.md"),
    ]:
        for link in re.findall(r"\]\((?!https?://|#)([^)#]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / link).exists(), f"{path.name}: {link}"
    for name in re.findall(r"(?<!/)\bdocs/[\w/.-]+\b", README):
        assert (ROOT / name).exists(), name


def test_rules_that_documents_name_exist() -> None:
    known = {bound.rule.id for bound in catalogue()}
    texts = [
        *(ROOT / "docs").glob("*.md"),
        ROOT / "README.md",
        ROOT / "readiness" / "cli" / "starter.py",
    ]
    for path in texts:
        for name in re.findall(
            r"\b((?:k8s|dockerfile|compose|nginx|ci|project|core)/[a-z0-9]+(?:-[a-z0-9]+)+)(?![\w./-])",
            path.read_text("utf-8"),
        ):
            assert name in known, f"{path.name}: {name}"


def test_the_expressions_that_the_guide_refuses_are_refused_and_the_others_are_not() -> None:
    text = (ROOT / "docs" / "writing-rules.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*`) \| .* \| (.*) \|$", text.partition("| refused |")[2], re.MULTILINE)
    assert len(rows) == 5
    for bad, good in rows:
        for code, refused in ((bad, True), (good, False)):
            for pattern in re.findall(r"`([^`]+)`", code):
                why = backtracking.slow_regex_reason(pattern.replace("\\|", "|"), StepCounter(10**6))
                assert bool(why) is refused, pattern
