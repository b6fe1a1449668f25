"""Rules in tiers and rules in parts: what counts, how bad it is, who may silence it, and that nothing is told twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import readiness
from readiness import api
from readiness.cli.main import REPORT_FORMATS, main
from readiness.model import Rule, Severity
from readiness.reports import pages, rule_list
from readiness.ruleset import rules
from readiness.ruleset.rule_file import RuleError
from readiness.ruleset.select import SelectionError
from readiness.run import cache
from readiness.settings import ConfigError
from readiness.triage import baseline
from readiness.verdict.report import Report

HEAD = """\
title: Few replicas
category: reliability
target: k8s.object
when: {kind: Deployment}
check: k8s.replicas.replicas_low
message: "{resource} asks for {count}"
why: A node goes. Nothing answers.
fix: Ask for more.
links: [https://example.com/]
"""
TIERS = """\
same-as: {kube-linter: [minimum-three-replicas]}
tiers:
  recommended: {severity: medium, with: {minimum: 2}, checklist: [flowise.replicas]}
  strict:
    severity: low
    with: {minimum: 3}
    message: "{resource} asks for {count}, under three"
    why: A node goes in a drain. Nothing answers.
    same-as: {polaris: [deploymentMissingReplicas]}
  optional:
    severity: info
    with: {minimum: 5}
    fix: Ask for five.
    opinion: Three will do.
"""
EXAMPLES = "bad: []\ngood: []\n"
FEW = "k8s/mine"
# Rules need an example's kind only; these parts go by a fact of the subject.
PARTS = """\
title: Object
severity: low
category: reliability
target: k8s.object
check: k8s.replicas.replicas_low
with: {minimum: 9}
by: {kind: [Deployment, StatefulSet]}
message: {Deployment: "deployment {name}", other: "other {name}"}
why: It breaks.
fix: {Deployment: Mend the deployment., StatefulSet: Mend the set.}
links: [https://example.com/]
same-as:
  kube-score: {Deployment: deployment-replicas, StatefulSet: [service-type]}
  polaris: [deploymentMissingReplicas]
"""
KINDS = "k8s/kinds"


def deployment(name: str, replicas: int, kind: str = "Deployment", notes: str = "{}") -> str:
    return f"""\
apiVersion: apps/v1
kind: {kind}
metadata: {{name: {name}, annotations: {notes}}}
spec:
  replicas: {replicas}
"""


ALL = "---\n".join(deployment(f"web{count}", count) for count in (1, 2, 4, 9))


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder with a rule in tiers and one in parts."""
    folder = tmp_path / "rules" / "k8s"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(HEAD + TIERS + EXAMPLES)
    (folder / "kinds.yaml").write_text(PARTS + EXAMPLES)
    return folder.parent


def run(shelf: Path, text: str = ALL, settings: str = "", **options: object) -> Report:
    root = shelf.parent / "tree"
    root.mkdir(exist_ok=True)
    (root / "web.yaml").write_text(text)
    if settings:
        file = shelf.parent / ".readiness.yaml"
        file.write_text(settings)
        options["config"] = str(file)
    return readiness.check([root], base=root, rules=[shelf], **options)  # type: ignore[arg-type]


def told(report: Report, rule: str = FEW) -> list[tuple[str, str]]:
    return [
        (finding.resource.partition("/web")[2], str(finding.severity))
        for finding in report.findings
        if finding.rule == rule and not finding.suppression
    ]


MILD, MIDDLE, LAST = ("1", "medium"), ("2", "low"), ("4", "info")


@pytest.mark.parametrize(
    ("options", "want"),
    [
        ({"profile": "recommended"}, [MILD]),
        ({"profile": "strict"}, [MILD, MIDDLE]),
        ({"select": ["ALL"]}, [MILD, MIDDLE, LAST]),
        ({"select": [FEW]}, [MILD, MIDDLE, LAST]),
        ({"select": ["reliability"]}, [MILD]),
        ({"select": ["k8s/m"]}, [MILD]),
        ({"select": ["k8s/m"], "profile": "strict"}, [MILD, MIDDLE]),
        ({"select": ["k8s/m"], "extend_select": ["k8s/m"]}, [MILD, MIDDLE, LAST]),
        ({"extend_select": [f"{FEW}:strict"], "ignore": ["ci/"]}, [MILD, MIDDLE]),
        ({"select": [f"{FEW}:recommended"]}, [MILD]),
        ({"select": [f"{FEW}:strict"]}, [MILD, MIDDLE]),
        ({"select": [f"{FEW}:optional"]}, [MILD, MIDDLE, LAST]),
        ({"select": [FEW], "ignore": [f"{FEW}:optional"]}, [MILD, MIDDLE]),
        ({"select": [FEW], "ignore": [f"{FEW}:recommended"]}, [MIDDLE, LAST]),
        ({"profile": "strict", "ignore": [f"{FEW}:strict"]}, [MILD]),
        ({"profile": "strict", "ignore": [FEW]}, []),
        ({"select": ["ALL"], "ignore": ["reliability"]}, []),
    ],
)
def test_each_place_is_told_once_at_the_mildest_tier(shelf: Path, options: dict[str, object], want: list[tuple[str, str]]) -> None:
    assert told(run(shelf, **options)) == want


def test_a_hit_has_the_words_of_its_tier(shelf: Path) -> None:
    mild, middle, last = [one for one in run(shelf, select=[FEW]).findings if one.rule == FEW]
    assert mild.message == "Deployment/web1 asks for 1"
    assert middle.message == "Deployment/web2 asks for 2, under three"
    assert [one.why.partition(".")[0] for one in (mild, middle, last)] == [
        "A node goes",
        "A node goes in a drain",
        "A node goes",
    ]
    assert [one.fix for one in (mild, middle, last)] == [
        "Ask for more.",
        "Ask for more.",
        "Ask for five.",
    ]
    assert [dict(one.equivalents) for one in (mild, middle)] == [
        {"kube-linter": ("minimum-three-replicas",)},
        {"kube-linter": ("minimum-three-replicas",), "polaris": ("deploymentMissingReplicas",)},
    ]
    assert [one.checklist for one in (mild, middle)] == [("flowise.replicas",), ()]


def test_words_of_one_tier_are_not_those_of_the_next(shelf: Path) -> None:
    file = shelf / "k8s" / "mine.yaml"
    first = "recommended: {severity: medium, message: 'mild {count}', fix: Be mild., "
    file.write_text(file.read_text().replace("recommended: {severity: medium, ", first))
    mild, _, last = [one for one in run(shelf, select=[FEW]).findings if one.rule == FEW]
    assert (mild.message, mild.fix) == ("mild 1", "Be mild.")
    assert (last.message, last.why) == (
        "Deployment/web4 asks for 4",
        "A node goes. Nothing answers.",
    )


def test_a_tier_with_the_name_of_a_level_has_it(shelf: Path) -> None:
    """Whatever the rule says for the others; a level of the tier's own comes first."""
    file = shelf / "k8s" / "mine.yaml"
    text = file.read_text()
    file.write_text(f"level: strict\n{text.replace('recommended: {', 'few: {')}")
    (rule,) = rules.rules_without_repeated_tiers(rules.read_own_rule_tiers(FEW, file))
    assert [one.level for one in rule.tiers] == ["strict", "strict", "optional"]
    file.write_text(text.replace("recommended: {", "few: {").replace("strict:\n", "strict:\n    level: optional\n"))
    (rule,) = rules.rules_without_repeated_tiers(rules.read_own_rule_tiers(FEW, file))
    assert [one.level for one in rule.tiers] == ["recommended", "optional", "optional"]


def test_a_rule_in_tiers_is_one_rule(shelf: Path) -> None:
    (rule,) = rules.rules_without_repeated_tiers(rules.read_own_rule_tiers(FEW, shelf / "k8s" / "mine.yaml"))
    assert (rule.severity, rule.level) == (Severity.MEDIUM, "recommended")
    assert set(rule.equivalents) == {"kube-linter", "polaris"}
    row = rule_list.rule_json_object(rule)
    assert [one["name"] for one in row["tiers"]] == ["recommended", "strict", "optional"]
    page = pages.rule_page(rules.read_own_rule_tiers(FEW, shelf / "k8s" / "mine.yaml"), {})
    for word in (
        "medium or low or info",
        "`k8s/mine:strict` | low | in the profile strict",
        "`minimum: 3` (strict)",
        "polaris: deploymentMissingReplicas (strict)",
        "- optional: Ask for five.",
        "Three will do.",
    ):
        assert word in page


def test_the_score_counts_each_place_at_its_tier(shelf: Path) -> None:
    mild = run(shelf, select=[f"{FEW}:recommended"])
    both = run(shelf, select=[f"{FEW}:strict"])
    (term,) = both.by_service.previous.terms
    assert term.by_severity == ((Severity.MEDIUM, 1), (Severity.LOW, 1))
    assert mild.raw is not None
    assert both.raw is not None
    assert mild.raw > both.raw
    assert mild.to_dict()["tool"]["rules_version"] != both.to_dict()["tool"]["rules_version"]


def test_only_the_tier_that_names_an_item_fails_it(shelf: Path) -> None:
    def state(text: str) -> str:
        report = run(shelf, text, select=[FEW])
        verdicts = (v for one in report.checklists for v in one.verdicts)
        return next(v.state for v in verdicts if v.item.id == "flowise.replicas")

    assert state(deployment("web1", 1)) == "failed"
    assert state(deployment("web2", 2)) == "open"  # nothing is found, and nothing shows it


@pytest.mark.parametrize(
    ("member", "want"),
    [("", []), (":recommended", [MIDDLE, LAST]), (":strict", [MILD, LAST])],
)
def test_a_comment_may_silence_a_tier(shelf: Path, member: str, want: list[tuple[str, str]]) -> None:
    text = f"# readiness: ignore[{FEW}{member}] on purpose\n\n{ALL}"
    report = run(shelf, text, select=[FEW, "core/"])
    assert told(report) == want
    assert [one.rule for one in report.open if one.rule_definition.kind == "core"] == []


def test_an_annotation_names_a_tier_behind_a_dot(shelf: Path) -> None:
    notes = "{readiness.dev/ignore.k8s.mine.strict: on purpose}"
    text = deployment("web2", 2, notes=notes) + "---\n" + deployment("web1", 1, notes=notes)
    report = run(shelf, text, select=[FEW, "core/"])
    assert told(report) == [MILD]
    assert [one.rule for one in report.open] == ["core/suppression-unused", FEW]


def test_a_waiver_and_a_lock_may_name_a_tier(shelf: Path) -> None:
    waived = f"waivers: [{{rule: '{FEW}:strict', reason: on purpose}}]\n"
    assert told(run(shelf, settings=waived, select=[FEW])) == [MILD, LAST]
    locked = f"waivers: [{{rule: '{FEW}', reason: on purpose}}]\nlocked: ['{FEW}:recommended']\n"
    assert told(run(shelf, settings=locked, select=[FEW])) == [MILD]
    locked = f"waivers: [{{rule: '{FEW}:strict', reason: on purpose}}]\nlocked: ['{FEW}']\n"
    report = run(shelf, settings=locked, select=[FEW, "core/"])
    assert told(report) == [MILD, MIDDLE, LAST]
    assert "k8s/mine:strict is locked" in " ".join(one.message for one in report.open)


def test_a_tier_that_is_not_there_is_refused(shelf: Path) -> None:
    with pytest.raises(SelectionError, match="no rule, category or prefix"):
        run(shelf, select=[f"{FEW}:strictest"])
    with pytest.raises(SelectionError, match="no tier or part 'x'"):
        run(shelf, select=["k8s/privileged:x"])
    text = f"# readiness: ignore[{FEW}:x] on purpose\n\n{ALL}"
    report = run(shelf, text, select=[FEW, "core/"])
    assert "core/suppression-invalid" in {one.rule for one in report.open}


@pytest.mark.parametrize(
    ("parameters", "want"),
    [
        # a parameter in which tiers differ is the first one's, where no tier is named
        (f"{{{FEW}: {{minimum: 3}}}}", [MILD, ("2", "medium"), LAST]),
        (f"{{'{FEW}:optional': {{minimum: 10}}}}", [MILD, MIDDLE, LAST, ("9", "info")]),
        (f"{{'{FEW}:strict': {{minimum: 2}}}}", [MILD, ("2", "info"), LAST]),
    ],
)
def test_parameters_for_a_tier(shelf: Path, parameters: str, want: list[tuple[str, str]]) -> None:
    assert told(run(shelf, settings=f"parameters: {parameters}\n", select=[FEW])) == want


def test_a_parameter_that_nothing_takes_is_refused(shelf: Path) -> None:
    for rule, said in (
        (FEW, "unexpected keyword argument 'x'"),
        (f"{FEW}:strict", "unexpected keyword argument 'x'"),
        (f"{KINDS}:Deployment", "is a part of k8s/kinds"),
        (f"{FEW}:x", "no rule is called"),
    ):
        with pytest.raises(ConfigError, match=said):
            run(shelf, settings=f"parameters: {{'{rule}': {{x: 1}}}}\n", select=[FEW, KINDS])


# Parts


def test_a_part_is_told_by_a_fact(shelf: Path) -> None:
    text = ALL + "---\n" + deployment("web3", 3, "StatefulSet") + "---\n" + deployment("web4", 4, "ReplicaSet")
    found = [one for one in run(shelf, text, select=[KINDS]).findings if one.rule == KINDS]
    assert {(one.part, one.message.split()[0], one.fix) for one in found} == {
        ("Deployment", "deployment", "Mend the deployment."),
        ("StatefulSet", "other", "Mend the set."),
        ("", "other", "Mend the deployment."),
    }
    peers = {one.part: one.equivalents.get("kube-score") for one in found}
    assert peers == {
        "Deployment": ("deployment-replicas",),
        "StatefulSet": ("service-type",),
        "": None,
    }


@pytest.mark.parametrize(
    ("options", "want"),
    [
        ({"select": [KINDS]}, ["Deployment", "StatefulSet"]),
        ({"select": [f"{KINDS}:Deployment"]}, ["Deployment"]),
        ({"select": [KINDS], "ignore": [f"{KINDS}:Deployment"]}, ["StatefulSet"]),
        ({"select": ["ALL"], "ignore": [f"{KINDS}:Deployment"]}, ["StatefulSet"]),
    ],
)
def test_a_part_may_be_selected_and_ignored(shelf: Path, options: dict[str, object], want: list[str]) -> None:
    text = deployment("a", 1) + "---\n" + deployment("b", 1, "StatefulSet")
    report = run(shelf, text, **options)
    assert [one.part for one in report.findings if one.rule == KINDS] == want


@pytest.mark.parametrize(
    ("note", "stays"),
    [
        ("kube-score/ignore: deployment-replicas", ["StatefulSet"]),
        ("kube-score/ignore: service-type", ["Deployment"]),
        ("kube-score/ignore: pod-probes", ["Deployment", "StatefulSet"]),
        ("polaris.fairwinds.com/deploymentMissingReplicas-exempt: 'true'", []),
    ],
)
def test_a_foreign_comment_silences_only_its_own_part(shelf: Path, note: str, stays: list[str]) -> None:
    text = deployment("a", 1, notes=f"{{{note}}}") + "---\n"
    text += deployment("b", 1, "StatefulSet", notes=f"{{{note}}}")
    report = run(shelf, text, select=[KINDS])
    assert [one.part for one in report.findings if one.rule == KINDS] == stays
    assert report.foreign == 2 - len(stays)


def test_a_foreign_comment_silences_only_its_own_tier(shelf: Path) -> None:
    note = "{polaris.fairwinds.com/deploymentMissingReplicas-exempt: 'true'}"
    text = deployment("web1", 1, notes=note) + "---\n" + deployment("web2", 2, notes=note)
    assert told(run(shelf, text, select=[FEW])) == [MILD]


def test_json_has_the_equivalents_of_the_hit(shelf: Path) -> None:
    text = deployment("a", 1) + "---\n" + deployment("b", 1, "StatefulSet")
    rows = run(shelf, text, select=[KINDS]).to_dict()["findings"]
    assert [row["equivalents"]["kube-score"] for row in rows] == [
        ["deployment-replicas"],
        ["service-type"],
    ]


# What keeps and shows findings


def test_processes_and_the_cache_keep_tiers_and_parts(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shelf.parent / "cache"
    monkeypatch.setattr(cache, "user_result_cache", lambda: cache.ResultCache(folder))
    cold = run(shelf, select=[FEW, KINDS], cache=True)
    assert run(shelf, select=[FEW, KINDS], jobs=3).to_dict() == cold.to_dict()
    monkeypatch.setattr(api, "run_pipeline", None)
    warm = run(shelf, select=[FEW, KINDS], cache=True)
    assert warm.to_dict() == cold.to_dict()
    assert [(one.tier, one.part, one.fix) for one in warm.findings] == [(finding.tier, finding.part, finding.fix) for finding in cold.findings]


@pytest.mark.parametrize("form", REPORT_FORMATS)
def test_every_format_tells_the_tier_s_severity_and_words(form: str, shelf: Path) -> None:
    run(shelf)
    flags = ["check", "--no-config", "--no-cache", "--select", FEW, "--rules", str(shelf)]
    tree = str(shelf.parent / "tree")
    said = CliRunner().invoke(main, [*flags, "--format", form, tree]).stdout
    if form == "json":
        severities = [one["severity"] for one in json.loads(said)["findings"]]
        assert severities == ["medium", "low", "info"]
        return
    if form in {"sarif", "codequality", "rdjson"}:
        levels = {"sarif": ["warning", "note", "note"], "codequality": ["major", "minor", "info"], "rdjson": ["WARNING", "INFO", "INFO"]}[form]
        value = json.loads(said)
        rows = value["runs"][0]["results"] if form == "sarif" else value["diagnostics"] if form == "rdjson" else value
        assert [one["level" if form == "sarif" else "severity"] for one in rows] == levels
        return
    for text in ("asks for 2, under three", "A node goes in a drain.", "Ask for five."):
        assert text in said
    for word in (f"`{FEW}`", " low") if form == "markdown" else (f"low[{FEW}]",):
        assert word in said


def test_a_baseline_knows_a_finding_whatever_its_tier(shelf: Path) -> None:
    known = shelf.parent / "known.json"
    known.write_text(baseline.baseline_file_text(run(shelf, select=[f"{FEW}:recommended"]).findings))
    assert told(run(shelf, select=[FEW], baseline=known)) == [MIDDLE, LAST]


# Mistakes in rule files

MISTAKES = {
    "no mapping": ("tiers: [a]\n", 10, "tiers must be a mapping"),
    "no key": ("tiers:\n  strict: {severity: low, category: edge}\n", 11, "no key 'category'"),
    "severity": ("tiers:\n  strict: {severity: lowest}\n", 11, "severity is 'lowest'"),
    "no severity": ("tiers:\n  strict: {with: {minimum: 2}}\n", 11, "'severity' is missing"),
    "raised": (
        "tiers:\n  recommended: {severity: low}\n  strict: {severity: high}\n",
        10,
        "strict is worse than recommended",
    ),
    "backwards": (
        "severity: low\ntiers:\n  strict: {}\n  recommended: {}\n",
        11,
        "recommended has a milder level than strict",
    ),
    "two meanings": (
        "by: {kind: [strict]}\ntiers:\n  strict: {severity: low}\n",
        11,
        "'strict' can't name",
    ),
    "no such part": (
        "severity: low\nby: {kind: [Pod]}\nsame-as:\n  polaris: {Job: x}\n",
        13,
        "'Job' is no value that `by` lists",
    ),
    "parts without words": (
        "severity: low\nby: {kind: [Pod, Job]}\n",
        9,
        "fix has no words for Job",
    ),
    "by": ("severity: low\nby: kind\n", 11, "by must be one fact"),
}


@pytest.mark.parametrize(("text", "line", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_at_its_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    head = HEAD.replace("fix: Ask for more.\n", "")
    fix = "fix: {Pod: Mend it.}\n" if "without words" in said or "no words" in said else "fix: Mend.\n"
    folder = tmp_path / "k8s"
    folder.mkdir()
    (folder / "mine.yaml").write_text(head + fix + text + EXAMPLES)
    with pytest.raises(RuleError) as caught:
        rules.read_own_rule_tiers(FEW, folder / "mine.yaml")
    assert said in caught.value.message
    assert caught.value.where == f"{folder}/mine.yaml:{line}"


def test_every_shipped_rule_in_tiers_goes_from_mild_to_strict() -> None:
    """What rules without tiers cannot break: a Rule's severity and level are those of its first tier."""
    tiered: list[Rule] = [rule for rule in readiness.catalogue() if rule.tiers]
    assert all(rule.severity is rule.tiers[0].severity for rule in tiered)
    assert all(rule.level == rule.tiers[0].level for rule in tiered)
