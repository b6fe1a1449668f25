"""docs/settings.md: every setting stands there, and every example is one that the tool takes."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest

import readiness
from readiness.programs import find_packaged_program
from readiness.settings import Config, parse_config
from readiness.settings.model import SETTINGS_BELOW_ROOT, settings_schema
from readiness.settings.peers import NAMES_BY_LINTER
from readiness.triage.suppress import SUPPRESSION_RULE_IDS
from readiness.verdict.report import Report
from tests.make import write_files
from tests.settings_rows import DOCUMENT

TEXT = (DOCUMENT.parent / "settings.md").read_text(encoding="utf-8")
ROWS = {row[1]: row[2] for row in re.finditer(r"^\| `([a-z-]+)` \| `([^`]+)` \|", TEXT, re.MULTILINE)}
BLOCKS = [(block[1], block[2]) for block in re.finditer(r"^```(yaml|toml)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)]


def parsed(folder: Path, language: str, text: str) -> Config:
    name = "pyproject.toml" if language == "toml" else ".readiness.yaml"
    return parse_config(name, text.encode(), folder, may_lock_settings=False)


def test_every_setting_has_a_row_with_an_example() -> None:
    assert set(ROWS) == set(settings_schema()["properties"])
    assert len(BLOCKS) == 3


@pytest.mark.parametrize("setting", ROWS)
def test_an_example_sets_what_its_row_is_about(tmp_path: Path, setting: str) -> None:
    write_files(tmp_path, {"policy/k8s/mine.yaml": "", ".readiness-baseline.json": ""})
    assert parsed(tmp_path, "yaml", ROWS[setting] + "\n").given == (setting,)


POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\nspec: {hostNetwork: true, containers: [{name: app, image: 'x:1.0.0'}]}\n"
DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {template: {metadata: {labels: {a: b}}}}\n"
RULE = "title: x\nseverity: low\ncategory: delivery\ntarget: k8s.object\nrequire: {metadata.labels.a: present}\nmessage: x\nwhy: x\nfix: x\n"
NODE_AGENT = """\
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      hostNetwork: true
      volumes: [{name: logs, hostPath: {path: /etc/kubernetes}}, {name: docker, hostPath: {path: /var/run/docker.sock}}]
      containers:
        - name: agent
          image: 'x:1.0.0'
          securityContext: {privileged: true}
          volumeMounts: [{name: logs, mountPath: /logs}, {name: docker, mountPath: /docker.sock}]
"""
# What the examples speak of: every glob has its files, every waiver its finding.
FILES = {
    ".git/HEAD": "",
    "pod.yaml": POD % "pod",
    "policy/k8s/mine.yaml": RULE,
    ".readiness-baseline.json": '{"version": 2, "findings": []}',
    "Dockerfile": "FROM alpine:3.20\nUSER 1000\n",
    ".github/workflows/ci.yml": "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps: [{uses: actions/checkout@v4}, {run: make}]\n",
    **{path: POD % path.partition("/")[0] for path in ("examples/a.yaml", "legacy/old/a.yaml", "deploy/a.yaml", "web/testdata/a.yaml")},
    **dict.fromkeys(("agents/a.yaml", "deploy/agents/a.yaml", "services/shop/a.yaml"), NODE_AGENT),
    "charts/web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
    "charts/web/ci/a.yaml": POD % "ci",
    "charts/web/templates/a.yaml": DEPLOYMENT,
    "charts/web/values.yaml": "a: 1\n",
    "charts/web/values-prod.yaml": "a: 2\n",
    "base/kustomization.yaml": "resources: [a.yaml]\n",
    "base/a.yaml": DEPLOYMENT,
    **dict.fromkeys(("overlays/prod/kustomization.yaml", "overlays/dev/kustomization.yaml"), "resources: [../../base]\n"),
}
# Settings whose example leaves the gate's line as it is.
WITHOUT_CHANGE = {"required-version"}


def run_with(folder: Path, monkeypatch: pytest.MonkeyPatch, path: str, text: str) -> Report:
    write_files(folder, {**FILES, path: text})
    monkeypatch.chdir(folder)
    return readiness.check(["."], config=True, today=datetime.date(2026, 12, 1))


def without_effect(report: Report) -> list[str]:
    """What a run says of settings that have no effect."""
    found = [one.message for one in report.findings if one.rule in {"core/setting-unused", *SUPPRESSION_RULE_IDS}]
    return found + [one for one in report.notices if one.startswith((".readiness.yaml", "services/"))]


@pytest.mark.parametrize(("language", "text"), BLOCKS, ids=[f"{language}{number}" for number, (language, _) in enumerate(BLOCKS)])
def test_an_example_has_the_effect_that_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str, text: str) -> None:
    assert parsed(tmp_path, language, text).given
    named_path = re.match(r"# (\S+)\n", text)
    report = run_with(tmp_path, monkeypatch, named_path[1] if named_path else "pyproject.toml" if language == "toml" else ".readiness.yaml", text)
    assert not without_effect(report)
    (effect,) = report.settings_effects
    assert len(effect.changes) == len(parsed(tmp_path, language, text).given) - sum(
        one in text for one in ("profile: recommended", "fail-on: high")
    ) - ('profile = "recommended"' in text)
    assert any(one.suppression and one.suppression.suppressed_by == "waiver" for one in report.findings)


@pytest.mark.parametrize("setting", ROWS)
def test_an_example_of_a_row_has_an_effect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    if setting == "shellcheck" and not find_packaged_program("shellcheck"):
        pytest.skip("the extra is not installed")
    report = run_with(tmp_path, monkeypatch, ".readiness.yaml", ROWS[setting] + "\n")
    assert not without_effect(report)
    assert bool(report.settings_effects[0].changes) is (setting not in WITHOUT_CHANGE)


def test_what_holds_below_the_root_and_of_other_linters_is_said() -> None:
    below = TEXT.partition("It takes ")[2].partition(". What is")[0]
    assert set(re.findall(r"`([a-z-]+)`", below)) == {*SETTINGS_BELOW_ROOT, "required-version"}
    for name in (names[0] for names in NAMES_BY_LINTER.values()):
        assert f"`{name}`" in TEXT, name
