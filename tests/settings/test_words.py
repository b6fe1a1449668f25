"""What is said of names that name no rule, where they stand: suppressions, waivers; and of rule files that nobody would read."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from readiness.ruleset.rule_file import RuleError
from readiness.triage import suppress
from tests.make import write_files

RULE = "title: x\nseverity: low\ncategory: delivery\ntarget: k8s.object\nrequire: {metadata.labels.a: present}\nmessage: x\nwhy: x\nfix: x\n"


def invalid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str]) -> list[tuple[str, str]]:
    write_files(tmp_path, {**files, ".git/HEAD": ""})
    monkeypatch.chdir(tmp_path)
    found = readiness.check(["."], config=True).findings
    return [(one.message, one.fix) for one in found if one.rule == "core/suppression-invalid"]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("DL3007", "; DL3007 is dockerfile/base-image-untagged here"),
        ("dl3007", "; dl3007 is dockerfile/base-image-untagged here"),
        ("KSV017", "; KSV017 is k8s/privileged here"),
        ("dockerfile/user-rot", "; did you mean 'dockerfile/user-root'?"),
        ("k8s/limits-missing", ""),
    ],
)
def test_a_name_that_is_none_says_which_rule_it_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, said: str) -> None:
    dockerfile = f"# readiness: ignore[{word}] it is fine\nFROM alpine:3.20\n"
    settings = f"waivers: [{{rule: '{word}', reason: it is fine}}]\n"
    told = invalid(tmp_path, monkeypatch, {"Dockerfile": dockerfile, ".readiness.yaml": settings})
    assert len(told) == 2
    for message, _ in told:
        assert message.startswith(f"suppression names '{word}', and no rule is called that{said}")


def test_the_advice_fits_where_it_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, annotations: {readiness.dev/ignore.nope: fine}}\nspec: {}\n"
    files = {
        "Dockerfile": "# readiness: ignore[nope] fine\nFROM alpine:3.20\n",
        "pod.yaml": pod,
        ".readiness.yaml": "waivers: [{rule: nope, reason: fine}]\n",
    }
    fixes = [fix for _, fix in invalid(tmp_path, monkeypatch, files)]
    assert [fix.partition(" `")[0] for fix in fixes] == ["Correct the entry under", "Write it as", "Write it as"]
    assert ["readiness: ignore[" in fix for fix in fixes] == [False, True, False]
    assert ["readiness.dev/ignore." in fix for fix in fixes] == [False, False, True]


def test_of_thousands_of_such_names_only_the_first_are_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up: list[str] = []
    monkeypatch.setattr(suppress, "meaning_of_unknown_name", lambda word: looked_up.append(word) or "")
    lines = "".join(f"# readiness: ignore[k8s/n{number}] it is fine\n" for number in range(300))
    assert len(invalid(tmp_path, monkeypatch, {"Dockerfile": f"{lines}FROM alpine:3.20\n"})) == 300
    assert len(looked_up) == suppress.MAX_HINTED_WORDS


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"x.yaml": RULE}, "x.yaml: no rule is read from here; put it into a directory of its kind, as k8s/x.yaml"),
        ({"x.yml": RULE}, "x.yml: no rule is read from here; put it into"),
        ({"k8s/x.yml": RULE}, "x.yml: no rule is read from here; name it x.yaml"),
    ],
)
def test_a_rule_file_that_nobody_reads_is_told(tmp_path: Path, files: dict[str, str], said: str) -> None:
    write_files(tmp_path, {"own/k8s/mine.yaml": RULE, "pod.yaml": "apiVersion: v1\nkind: Pod\n"})
    readiness.check([tmp_path / "pod.yaml"], rules=[tmp_path / "own"])
    write_files(tmp_path / "own", files)
    with pytest.raises(RuleError) as caught:
        readiness.check([tmp_path / "pod.yaml"], rules=[tmp_path / "own"])
    assert said in str(caught.value)
    for folder in ("nothing", "own/empty"):
        with pytest.raises(RuleError, match="there is no rule in this directory"):
            readiness.check([tmp_path / "pod.yaml"], rules=[tmp_path / folder])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("checklists:\n  - nope\n", ".readiness.yaml:2:5: no checklist is called 'nope'; there are "),
        ("rules: [own, ./nope]\n", ".readiness.yaml:1:14: there is no such directory; make it, or take it out of rules"),
        ("\nbaseline: nope.json\n", ".readiness.yaml:2:11: there is no such file; `readiness baseline` writes it"),
        ("min-score: 200\n", ".readiness.yaml:1:12: min-score is 200, and goes from 0 to 100"),
    ],
)
def test_what_is_not_there_is_told_at_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str) -> None:
    write_files(tmp_path, {".readiness.yaml": text, "own/k8s/mine.yaml": RULE, "pod.yaml": "apiVersion: v1\nkind: Pod\n", ".git/HEAD": ""})
    monkeypatch.chdir(tmp_path)
    with pytest.raises(readiness.api.USER_ERRORS) as caught:
        readiness.check(["pod.yaml"], config=True)
    assert str(caught.value).startswith(said)


def test_a_baseline_that_is_not_there_is_no_mistake_where_it_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, {".readiness.yaml": "baseline: nope.json\n", "pod.yaml": "apiVersion: v1\nkind: Pod\n", ".git/HEAD": ""})
    monkeypatch.chdir(tmp_path)
    assert readiness.check(["pod.yaml"], config=True, baseline=False).files
    assert list(readiness.api.admission_lines(["."]))
