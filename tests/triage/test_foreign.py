"""Other linters' own comments and annotations: what each covers, and what it leaves alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import readiness
from readiness import kinds
from readiness.cli.main import main
from readiness.loading.render import helm
from readiness.model import Source
from readiness.triage import foreign
from readiness.verdict.report import Report
from tests.make import write_files
from tests.settings_rows import holds

WORKFLOW = ".github/workflows/ci.yml"
DEPLOY = "deploy.yaml"


def check(root: Path, path: str, text: str, rule: str, **more: object) -> Report:
    write_files(root, {path: text})
    return readiness.check([root], select=[rule], base=root, **more)


def lines(report: Report) -> list[int]:
    return [one.line for one in report.findings]


# (the rule, the text, the lines of the findings that stay)
LATEST = "dockerfile/base-image-untagged"
UNPINNED = "dockerfile/package-version-missing"
ROOT_USER = "dockerfile/user-root"
WORKDIR = "dockerfile/workdir-relative"
DOCKERFILES = {
    "no directive": (LATEST, "FROM debian:latest\n", [1]),
    "hadolint": (LATEST, "# hadolint ignore=DL3007\nFROM debian:latest\n", []),
    "hadolint, several and a reason": (
        LATEST,
        "# hadolint ignore=DL3008 , DL3007 # on purpose\nFROM debian:latest\n",
        [],
    ),
    "hadolint, other lines between": (
        LATEST,
        "# hadolint ignore=DL3007\n\n# more\nFROM debian:latest\n",
        [],
    ),
    "hadolint, all lines of the instruction": (
        WORKDIR,
        "FROM debian:12\n# hadolint ignore=DL3000\nWORKDIR \\\n  app\n",
        [],
    ),
    "hadolint, another rule": (LATEST, "# hadolint ignore=DL3008\nFROM debian:latest\n", [2]),
    "hadolint, another instruction": (
        LATEST,
        "# hadolint ignore=DL3007\nARG A=1\nFROM debian:latest\n",
        [3],
    ),
    "hadolint, below": (LATEST, "FROM debian:latest\n# hadolint ignore=DL3007\n", [1]),
    "hadolint, inside of an instruction": (
        WORKDIR,
        "FROM debian:12\nRUN a && \\\n  # hadolint ignore=DL3000\n  b\nWORKDIR app\n",
        [5],
    ),
    "hadolint, in a heredoc": (
        WORKDIR,
        "FROM debian:12\nRUN <<EOF\n# hadolint ignore=DL3000\nEOF\nWORKDIR app\n",
        [5],
    ),
    "hadolint, another part of the rule": (
        UNPINNED,
        "FROM debian:12\n# hadolint ignore=DL3018\nRUN apt-get install -y git && apk add git\n",
        [3],
    ),
    "hadolint, both parts of the rule": (
        UNPINNED,
        "FROM debian:12\n# hadolint ignore=DL3018,DL3008\nRUN apt-get install -y git && apk add git\n",
        [],
    ),
    "hadolint, the tag and no tag": (
        LATEST,
        "# hadolint global ignore=DL3006\nFROM debian AS a\nFROM debian:latest\n",
        [3],
    ),
    "hadolint, the whole file": (
        WORKDIR,
        "# hadolint global ignore=DL3000\nFROM debian:12\nWORKDIR a\nWORKDIR b\n",
        [],
    ),
    "hadolint, a stage": (
        ROOT_USER,
        "# hadolint stage ignore=DL3002\nFROM debian:12\nUSER root\n",
        [],
    ),
    "hadolint, another stage": (
        ROOT_USER,
        "# hadolint stage ignore=DL3002\nFROM debian:12 AS a\nUSER app\nFROM a\nUSER root\n",
        [5],
    ),
    "hadolint, not its words": (LATEST, "# hadolint ignored=DL3007\nFROM debian:latest\n", [2]),
    "docker, the whole file": (
        WORKDIR,
        "# syntax=docker/dockerfile:1\n# check=skip=WorkdirRelativePath;error=true\nFROM debian:12\nWORKDIR a\n",
        [],
    ),
    "docker, all": (WORKDIR, "#Check = error=true;skip=all\nFROM debian:12\nWORKDIR a\n", []),
    "docker, another check": (
        WORKDIR,
        "# check=skip=StageNameCasing\nFROM debian\nWORKDIR a\n",
        [3],
    ),
    "docker, its values have a case": (
        WORKDIR,
        "# check=skip=workdirrelativepath\nFROM debian:12\nWORKDIR a\n",
        [3],
    ),
    "docker, an instruction": (
        WORKDIR,
        "FROM debian:12\n# check=skip=WorkdirRelativePath\nWORKDIR a\nWORKDIR /\nWORKDIR b\n",
        [],
    ),
    "docker, blanks": (
        WORKDIR,
        "# check = skip = WorkdirRelativePath\nFROM debian:12\nWORKDIR a\n",
        [],
    ),
    "docker, no skip": (WORKDIR, "# check=error=true\nFROM debian:12\nWORKDIR a\n", [3]),
    "docker, all but of docker": (LATEST, "# check=skip=all\nFROM debian:latest\n", [2]),
    "checkov": (
        "dockerfile/healthcheck-missing",
        'FROM debian:12\nEXPOSE 80\n#checkov:skip=CKV_DOCKER_2:a job\nCMD ["a"]\n',
        [],
    ),
    "checkov, another rule": (
        "dockerfile/healthcheck-missing",
        '#checkov:skip=CKV_DOCKER_3:a job\nFROM debian:12\nEXPOSE 80\nCMD ["a"]\n',
        [2],
    ),
}


@pytest.mark.parametrize(("rule", "text", "stay"), DOCKERFILES.values(), ids=DOCKERFILES)
def test_a_dockerfile(tmp_path: Path, rule: str, text: str, stay: list[int]) -> None:
    assert lines(check(tmp_path, "Dockerfile", text, rule)) == stay


SERVICES = "services:\n  a:\n    image: nginx:latest{0}\n  b:\n    image: redis:latest\n"
COMPOSE = {
    "no directive": (SERVICES.format(""), [3, 5]),
    "the file": ("# dclint disable-file\n" + SERVICES.format(""), []),
    "all rules": ("\n---\n# dclint disable\n" + SERVICES.format(""), []),
    "behind the separator": ("--- # dclint disable\n" + SERVICES.format(""), []),
    "a rule": (
        "# dclint disable no-version-field, service-image-require-explicit-tag\n" + SERVICES.format(""),
        [],
    ),
    "another rule": ("# dclint disable no-version-field\n" + SERVICES.format(""), [4, 6]),
    "not at the head": (SERVICES.format("\n    # dclint disable"), [3, 6]),
    "a line": (SERVICES.format(" # dclint disable-line"), [5]),
    "a line and its rule": (
        SERVICES.format(" # dclint disable-line service-image-require-explicit-tag"),
        [5],
    ),
    "a line and another rule": (SERVICES.format(" # dclint disable-line no-version-field"), [3, 5]),
    "the line above": (
        SERVICES.replace("    image: redis", "    # dclint disable-line\n    image: redis").format(""),
        [3],
    ),
    "the end of the line above": (
        SERVICES.replace("  b:", "  b: # dclint disable-line").format(""),
        [3, 5],
    ),
    "not its words": ("# dclint disable-files\n" + SERVICES.format(""), [4, 6]),
}


@pytest.mark.parametrize(("text", "stay"), COMPOSE.values(), ids=COMPOSE)
def test_a_compose_file(tmp_path: Path, text: str, stay: list[int]) -> None:
    assert lines(check(tmp_path, "compose.yaml", text, "compose/image-tag-floating")) == stay


PORTS = "services:\n  a:\n    ports:{0}\n{1}      - '80:80'\n\n      - '81:81'\n    user: x\n  b:\n    ports: ['82:82']\n"
LISTS = {
    "at the key": (PORTS.format(" # dclint disable-line", ""), [9]),
    "at the key, the rule": (
        PORTS.format(" # dclint disable-line no-unbound-port-interfaces", ""),
        [9],
    ),
    "at the key, another rule": (
        PORTS.format(" # dclint disable-line require-quotes-in-ports", ""),
        [4, 6, 9],
    ),
    "above an entry": (PORTS.format("", "      # dclint disable-line\n"), [7, 10]),
}


@pytest.mark.parametrize(("text", "stay"), LISTS.values(), ids=LISTS)
def test_a_list_of_a_compose_file(tmp_path: Path, text: str, stay: list[int]) -> None:
    assert lines(check(tmp_path, "compose.yaml", text, "compose/port-every-interface")) == stay


JOBS = """\
on:{on}
  pull_request_target:
permissions: {{}}
jobs:
  a:{job}
    runs-on: ubuntu-24.04
    steps:
      - name: greet{name}
        run: |
          echo ${{{{ github.event.issue.title }}}}{script}
        env: {{A: b}}{env}
      - run: echo ${{{{ github.event.issue.body }}}}{run}
"""
MARK = " # v1 zizmor: ignore[{0}] it is told"
INJECTION, TRIGGER = "ci/template-injection", "ci/trigger-dangerous"
WORKFLOWS = {
    "no directive": (INJECTION, "", "template-injection", [10, 12]),
    "the line": (INJECTION, "run", "template-injection", [10]),
    "several rules": (INJECTION, "run", "artipacked, template-injection", [10]),
    "another rule": (INJECTION, "run", "artipacked", [10, 12]),
    "the step's name": (INJECTION, "name", "template-injection", [12]),
    "the step's last line": (INJECTION, "env", "template-injection", [12]),
    "in the script": (INJECTION, "script", "template-injection", [10, 12]),
    "the job's name": (INJECTION, "job", "template-injection", []),
    "the triggers": (TRIGGER, "on", "dangerous-triggers", []),
    "not the triggers": (TRIGGER, "job", "dangerous-triggers", [2]),
    "triggers without a directive": (TRIGGER, "", "dangerous-triggers", [2]),
}


@pytest.mark.parametrize(("rule", "where", "names", "stay"), WORKFLOWS.values(), ids=WORKFLOWS)
def test_a_workflow(tmp_path: Path, rule: str, where: str, names: str, stay: list[int]) -> None:
    places = dict.fromkeys(("on", "job", "name", "script", "env", "run"), "")
    text = JOBS.format(**{**places, **({where: MARK.format(names)} if where else {})})
    assert lines(check(tmp_path, WORKFLOW, text, rule)) == stay


def test_what_a_job_lacks_is_silenced_anywhere_in_it(tmp_path: Path) -> None:
    text = "on: push\njobs:\n{0}  b:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: make\n"
    job = "  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: make{0}\n"
    rule = "ci/permissions-missing"
    bare = lines(check(tmp_path, WORKFLOW, text.format(job.format("")), rule))
    mark = job.format(" # zizmor: ignore[excessive-permissions]")
    left = lines(check(tmp_path, WORKFLOW, text.format(mark), rule))
    assert left == [line for line in bare if line not in (3, 4)]


def test_dependabots_entries(tmp_path: Path) -> None:
    entry = "  - package-ecosystem: {0}\n    directory: /\n    schedule: {{interval: daily}}\n    cooldown: {{default-days: 1}}\n"
    text = "version: 2\nupdates:\n" + entry.format("npm # zizmor: ignore[dependabot-cooldown]")
    text += entry.format("pip")
    report = check(tmp_path, ".github/dependabot.yml", text, "ci/dependabot-cooldown-short")
    assert lines(report) == [10]


RULE = "k8s/root-filesystem-writable"
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations: {{{0}}}
spec:
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata:
      labels: {{app: web}}
      annotations: {{{1}}}
    spec:
      containers:
        - name: web
          image: example.com/web:1.2.3
"""
OTHER = "---\n" + WEB.format("", "").replace("web", "other")
ANNOTATIONS = {
    "none": ("", "", False),
    "checkov": ("checkov.io/skip1: CKV_K8S_22=cache", "", True),
    "checkov, no reason": ("checkov.io/skip12: CKV_K8S_22", "", True),
    "checkov, another rule": ("checkov.io/skip1: CKV_K8S_20=CKV_K8S_22", "", False),
    "checkov, many lines": (r'checkov.io/skip1: "CKV_K8S_20\nCKV_K8S_22"', "", False),
    "checkov, on the template": ("", "checkov.io/skip1: CKV_K8S_22=x", False),
    "kube-linter": ("ignore-check.kube-linter.io/no-read-only-root-fs: cache", "", True),
    "kube-linter, another rule": ("ignore-check.kube-linter.io/latest-tag: cache", "", False),
    "kube-linter, all": ("kube-linter.io/ignore-all: cache", "", True),
    "kube-linter, on the template": ("", "kube-linter.io/ignore-all: cache", False),
    "kube-score": (
        'kube-score/ignore: "service-type, container-security-context-readonlyrootfilesystem"',
        "",
        True,
    ),
    "kube-score, on the template": (
        "",
        "kube-score/ignore: container-security-context-readonlyrootfilesystem",
        True,
    ),
    "kube-score, another rule": ("kube-score/ignore: service-type", "", False),
    "polaris": ('polaris.fairwinds.com/exempt: "true"', "", True),
    "polaris, a rule": (
        'polaris.fairwinds.com/notReadOnlyRootFilesystem-exempt: "true"',
        "",
        True,
    ),
    "polaris, another rule": ('polaris.fairwinds.com/hostIPCSet-exempt: "true"', "", False),
    "polaris, not true": ('polaris.fairwinds.com/exempt: "false"', "", False),
    "no string": ("polaris.fairwinds.com/exempt: [true], checkov.io/skip1: {a: b}", "", False),
}


@pytest.mark.parametrize(("mine", "template", "silent"), ANNOTATIONS.values(), ids=ANNOTATIONS)
def test_an_annotation(tmp_path: Path, mine: str, template: str, silent: bool) -> None:
    report = check(tmp_path, DEPLOY, WEB.format(mine, template) + OTHER, RULE)
    left = [one.resource for one in report.findings]
    assert left == (["Deployment/other"] if silent else ["Deployment/web", "Deployment/other"])
    assert report.foreign == silent
    assert report.to_dict()["waived"]["foreign"] == silent


SILENT = WEB.format("kube-linter.io/ignore-all: x", "")


@holds("comments-foreign")
def test_a_locked_rule_is_not_silenced(tmp_path: Path) -> None:
    settings = tmp_path / ".readiness.yaml"
    settings.write_text(f"locked: [{RULE}]\n", encoding="utf-8")
    report = check(tmp_path, DEPLOY, SILENT, RULE, config=settings)
    assert (len(report.findings), report.foreign) == (1, 0)


def test_it_can_be_turned_off(tmp_path: Path) -> None:
    report = check(tmp_path, DEPLOY, SILENT, RULE, foreign_ignores=False)
    assert (len(report.findings), report.foreign) == (1, 0)


def test_a_reason_of_ours_is_used_all_the_same(tmp_path: Path) -> None:
    text = f"# readiness: ignore[{RULE}] a reason\n{SILENT}"
    report = readiness_with_core(tmp_path, text)
    assert [one.rule for one in report.findings] == [RULE]
    assert (len(report.suppressed), report.foreign) == (1, 0)


def readiness_with_core(root: Path, text: str) -> Report:
    (root / DEPLOY).write_text(text, encoding="utf-8")
    return readiness.check([root], select=[RULE, "core/"], base=root)


def test_one_that_silences_nothing_is_no_problem(tmp_path: Path) -> None:
    text = SILENT.replace(
        "          image",
        "          securityContext: {readOnlyRootFilesystem: true}\n          image",
    )
    assert readiness_with_core(tmp_path, text).findings == ()


def test_what_is_silenced_proves_no_item_of_a_checklist(tmp_path: Path) -> None:
    path, rule = "Dockerfile", LATEST
    (item, *_) = next(one for one in readiness.catalogue() if one.id == rule).checklist

    def state(text: str) -> str:
        report = check(tmp_path, path, text, rule)
        return next(verdict.state for outcome in report.checklists for verdict in outcome.verdicts if verdict.item.id == item)

    assert state("# hadolint ignore=DL3007\nFROM debian:latest\n") == "open"
    assert state("FROM debian:latest\n") == "failed"


@holds("comments-foreign")
def test_the_command_line_says_how_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    Path(DEPLOY).write_text(SILENT, encoding="utf-8")
    words = ["check", "--select", RULE]
    for _ in ("worked out", "from the cache"):
        said = CliRunner().invoke(main, words).output
        assert "1 left out by comments and settings for other linters (--no-foreign-ignores shows them)" in said
    shown = CliRunner().invoke(main, [*words, "--no-foreign-ignores", "--format", "json"]).output
    assert len(json.loads(shown)["findings"]) == 1
    assert "left out" not in CliRunner().invoke(main, [*words, "--no-foreign-ignores"]).output


def test_a_block_in_prose(tmp_path: Path) -> None:
    text = "# Guide\n\n```dockerfile\n# hadolint ignore=DL3007\nFROM debian:latest\nFROM alpine:latest\n```\n"
    assert lines(check(tmp_path, "GUIDE.md", text, LATEST)) == [6]


@pytest.mark.skipif(not helm.available_chart_renderer(), reason="needs the extra readiness[helm] or helm")
def test_a_rendered_object(tmp_path: Path) -> None:
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: a\nversion: 1.0.0\n", "utf-8")
    (tmp_path / "values.yaml").write_text("name: web\n", encoding="utf-8")
    template = (SILENT + OTHER).replace("name: web", "name: {{ .Values.name }}")
    report = check(tmp_path, "templates/web.yaml", template, RULE)
    assert [one.resource for one in report.findings] == ["Deployment/other"]
    assert report.foreign == 1


HOSTILE = {
    "ids": ("Dockerfile", "FROM a\n# hadolint ignore=" + "DL1," * 100_000 + "\nRUN a\n"),
    "blanks": ("Dockerfile", "FROM a\n# hadolint " + " " * 300_000 + "x\n"),
    "skips": ("Dockerfile", "FROM a\n# " + "checkov:skip=" * 50_000),
    "no instruction": ("Dockerfile", "# check=skip=;skip;=;\n# hadolint stage ignore=\nRUN a\n# hadolint ignore=DL1"),
    "lines": ("compose.yaml", "services:\n  a:\n    image: b\n" + "# dclint disable-line a\n" * 20_000),
    "words": ("compose.yaml", "services:\n  a:\n    image: b" + " # dclint" * 50_000),
    "marks": ("compose.yaml", "services:\n  a:\n    image: b # dclint" + "#  " * 100_000),
    "brackets": (WORKFLOW, "on: push\njobs:\n  a:\n    steps:\n      - run: a #" + " zizmor: ignore[" * 50_000),
    "odd jobs": (WORKFLOW, "on: &a [push]\njobs: {a: *a, b: {steps: {c: d}}, 1: {steps: [e, [f]]}} # zizmor: ignore[,]\n"),
    "odd objects": (DEPLOY, "apiVersion: v1\nkind: Pod\nmetadata: {annotations: [kube-score/ignore]}\nspec: []\n"),
}  # fmt: skip


@pytest.mark.parametrize(("path", "text"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_silence_nothing(path: str, text: str) -> None:
    source = Source(path, text)
    source.kind = kinds.detect_kind(path, text)
    document = kinds.parse_source(source)
    kept, left = foreign.drop_findings_silenced_elsewhere([], foreign.directives_for_other_linters(source.kind, document), lambda _: False)
    assert (kept, left) == ([], {})
