"""The public API: what a run gives, with baselines, revisions, the cache, processes and rules of one's own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

import readiness
from readiness import api
from readiness.ruleset.rule_file import RuleError
from readiness.ruleset.select import SelectionError
from readiness.run import cache
from readiness.settings import ConfigError
from tests.conftest import ROOT
from tests.make import write_files
from tests.settings_rows import holds

WEAK = ROOT / "fixtures" / "flowise" / "weak"
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: x}
spec:
  containers:
    - {name: x, image: 'x:1.0.0', securityContext: {privileged: true}}
"""


def tree(root: Path, **files: str) -> Path:
    return write_files(root, files)


def test_a_report_says_what_the_contract_says() -> None:
    report = readiness.check([WEAK], base=ROOT, purpose="production")
    assert isinstance(report.score, int)
    assert report.grade in set("ABCDF")
    assert report.verdict == "not-ready"
    finding = report.findings[0]
    assert str(finding.rule) in {rule.id for rule in readiness.catalogue()}
    assert finding.path.startswith("fixtures/flowise/weak/")
    assert finding.line >= 1
    assert isinstance(finding.resource, str)


def test_nothing_to_judge_is_no_score(tmp_path: Path) -> None:
    report = readiness.check([tree(tmp_path, **{"a.yaml": "x: 1\n"})])
    assert (report.score, report.grade, report.verdict) == (None, None, "not-assessed")


def test_selection_words() -> None:
    for words in (["k8s/"], ["k8s"], ["k8s/privileged"], ["isolation"], ["ALL"]):
        assert readiness.check([WEAK], select=words).files
    with pytest.raises(SelectionError, match="did you mean 'k8s/privileged'"):
        readiness.check([WEAK], select=["k8s/priviledged"])
    with pytest.raises(SelectionError, match="another linter's id"):
        readiness.check([WEAK], ignore=["CKV_K8S_16"])
    with pytest.raises(SelectionError, match="no profile is called"):
        readiness.check([WEAK], profile="relaxed")


def test_what_is_broken_is_told_whatever_is_selected(tmp_path: Path) -> None:
    root = tree(tmp_path, **{"a.yaml": "apiVersion: v1\nkind: Pod\nx: [\n"})
    report = readiness.check([root], select=["nginx/"], fail_on="never")
    assert [one.rule for one in report.findings] == ["core/syntax"]
    assert not report.gate.passed


def test_a_document_that_is_named_is_judged_beside_a_folder(tmp_path: Path) -> None:
    fence = f"# Guide\n\n```yaml\n{POD}```\n"
    root = tree(tmp_path, **{"deploy/a.yaml": POD, "deploy/README.md": fence, "guide.md": fence})
    report = readiness.check([root / "deploy", root / "guide.md"], base=root)
    assert {row.path: row.status for row in report.files} == {
        "deploy/README.md": "skipped", "deploy/a.yaml": "checked", "guide.md": "checked",
    }  # fmt: skip


@holds("baseline")
def test_a_baseline_lets_only_new_findings_count(tmp_path: Path) -> None:
    root = tree(tmp_path / "t", **{"a.yaml": POD})
    known = tmp_path / "baseline.json"
    before = readiness.check([root], base=root)
    known.write_text(api.baseline_text(before), encoding="utf-8")
    after = readiness.check([root], base=root, baseline=known)
    assert after.open == ()
    assert after.gate.passed
    moved = tree(root, **{"a.yaml": "# a line\n# another\n" + POD})
    assert readiness.check([moved], base=root, baseline=known).open == ()
    more = tree(root, **{"b.yaml": POD.replace("name: x}", "name: y}")})
    assert {one.path for one in readiness.check([more], base=root, baseline=known).open} == {"b.yaml"}


@pytest.mark.parametrize("text", ["", "[]", '{"version": 9, "findings": []}', '{"version": 1}'])
def test_a_file_that_is_no_baseline_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "b.json").write_text(text)
    with pytest.raises(api.USER_ERRORS, match=r"b\.json"):
        readiness.check([WEAK], baseline=tmp_path / "b.json")


def git(root: Path, *words: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *words], cwd=root, check=True, capture_output=True)


def test_since_counts_what_the_branch_brought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree(tmp_path, **{"deploy/a.yaml": POD})
    git(root, "init", "-q", "-b", "main")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "one")
    git(root, "checkout", "-q", "-b", "topic")
    tree(
        root,
        **{
            "deploy/b.yaml": POD.replace("{name: x}", "{name: y}"),
            "deploy/a.yaml": "# moved\n" + POD,
        },
    )
    monkeypatch.chdir(root)
    assert {one.path for one in readiness.check(["deploy"], since="main").open} == {"deploy/b.yaml"}
    monkeypatch.chdir(root / "deploy")
    assert {one.path for one in readiness.check(["."], since="main").open} == {"b.yaml"}
    for ref in ("nowhere", "--output=x", "main:../x"):
        with pytest.raises(api.USER_ERRORS):
            readiness.check(["."], since=ref)


def test_the_cache_answers_as_the_run_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "user_result_cache", lambda: cache.ResultCache(tmp_path / "cache"))
    cold = readiness.check([WEAK], base=ROOT, cache=True).to_dict()
    assert len(list((tmp_path / "cache").glob("*.json"))) == 1
    monkeypatch.setattr(api, "run_pipeline", None)  # a second run that works anything out would fail
    assert readiness.check([WEAK], base=ROOT, cache=True).to_dict() == cold


def test_the_cache_asks_again_when_anything_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "user_result_cache", lambda: cache.ResultCache(tmp_path / "cache"))
    root = tree(tmp_path / "t", **{"a.yaml": POD})
    first = readiness.check([root], base=root, cache=True)
    tree(root, **{"a.yaml": POD.replace("privileged: true", "privileged: false")})
    second = readiness.check([root], base=root, cache=True)
    told = [{one.rule for one in report.findings} for report in (first, second)]
    assert "k8s/privileged" in told[0] - told[1]
    for broken in (tmp_path / "cache").glob("*.json"):
        broken.write_text("{")
    assert readiness.check([root], base=root, cache=True).to_dict() == second.to_dict()


def test_processes_give_what_one_gives() -> None:
    assert readiness.check([WEAK], jobs=2).to_dict() == readiness.check([WEAK]).to_dict()


RULE = """\
title: Container without an owner label
severity: low
category: delivery
target: k8s.object
when: {kind: Pod}
require: {metadata.labels.owner: present}
message: "{resource} has no owner label"
why: Nobody knows whom to call.
fix: Add the label.
"""


def test_rules_of_ones_own(tmp_path: Path) -> None:
    tree(tmp_path, **{"rules/k8s/owner-missing.yaml": RULE, "t/a.yaml": POD})
    report = readiness.check([tmp_path / "t"], rules=[tmp_path / "rules"], select=["k8s/owner-missing"])
    assert [one.message for one in report.findings] == ["Pod/x has no owner label"]


WRONG = {
    "key": (RULE + "sevrity: low\n", "owner-missing.yaml:10: no key is called 'sevrity'"),
    "severity": (RULE.replace("low", "bad"), "owner-missing.yaml:2: severity is 'bad'"),
    "check": (
        RULE.replace("require: {metadata.labels.owner: present}", "check: os.system"),
        "no check is called",
    ),
    "predicate": (RULE.replace("present}", "{like: x}}"), "no predicate is called 'like'"),
    "parameter": (
        RULE.replace(
            "require: {metadata.labels.owner: present}",
            "check: k8s.security.privileged\nwith: {x: 1}",
        ),
        "owner-missing.yaml",
    ),
    "pattern": (RULE.replace("present}", "{matches: '('}}"), "owner-missing.yaml:6"),
    "target": (RULE.replace("k8s.object", "k8s.objekt"), "no target is called 'k8s.objekt'"),
    "fact": (RULE.replace("{kind: Pod}", "{colour: red}"), "colour"),
}


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=WRONG)
def test_a_rule_file_that_is_wrong_says_so(tmp_path: Path, text: str, said: str) -> None:
    tree(tmp_path, **{"rules/k8s/owner-missing.yaml": text, "t/a.yaml": POD})
    with pytest.raises(RuleError, match=said.replace("'", ".")):
        readiness.check([tmp_path / "t"], rules=[tmp_path / "rules"])


@holds("rules-checks")
def test_a_rule_may_not_take_the_name_of_another(tmp_path: Path) -> None:
    tree(tmp_path, **{"rules/k8s/privileged.yaml": RULE, "t/a.yaml": POD})
    with pytest.raises(RuleError, match="there is a rule k8s/privileged already"):
        readiness.check([tmp_path / "t"], rules=[tmp_path / "rules"])


def test_a_settings_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        readiness.check([WEAK], config=tmp_path / "gone.yaml")


OLD = "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: x}\n"


def test_parameters_of_rules_come_from_the_settings(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        **{"a.yaml": OLD, "s.yaml": "parameters:\n  k8s/api-version-removed: {version: '1.24'}\n"},
    )
    words = {"select": ["k8s/api-version-removed"], "base": root}
    assert len(readiness.check([root / "a.yaml"], **words).findings) == 1
    assert readiness.check([root / "a.yaml"], config=root / "s.yaml", **words).findings == ()
    for text, said in (
        (
            "parameters:\n  k8s/api-version-removed: {colour: red}\n",
            r"s\.yaml:2:3: k8s/api-version-removed: `with`",
        ),
        ("parameters:\n  k8s/nope: {a: 1}\n", r"s\.yaml:2:3: no rule is called"),
    ):
        tree(tmp_path, **{"s.yaml": text})
        with pytest.raises(ConfigError, match=said):
            readiness.check([root / "a.yaml"], config=root / "s.yaml", **words)


def test_the_json_report_is_the_same_in_every_order(tmp_path: Path) -> None:
    root = tree(tmp_path, **{"a.yaml": POD, "b/b.yaml": POD})
    together = readiness.check([root / "b", root / "a.yaml"], base=root).to_dict()
    two = readiness.check([root / "a.yaml", root / "b", root / "b" / "b.yaml"], base=root).to_dict()
    assert json.dumps(together["findings"]) == json.dumps(two["findings"])
