"""One heading for what one edit mends: in colours, plain, and as an annotation; and what it says to write."""

from __future__ import annotations

import re

import pytest
import yaml

from readiness.model import Finding, RuleEdit, Source, Suppression
from readiness.redaction import Redactor
from readiness.reports import block_parts, digest, grouping
from readiness.reports.edit_text import edit_text, edit_text_in_one_line
from readiness.reports.frame import display_width
from readiness.reports.grouping import EditBlock, FindingGroup, groups_by_file
from readiness.reports.thing_words import resource_words
from readiness.verdict.report import FileRow, Report

from .conftest import find, report, rule, show

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
NAMES = ["app", "proxy", "init", "log", "sync", "cache", "queue", "cron", "auth", "mail", "feed"]
SOURCE = Source("deploy/web.yaml", "".join(f"- name: {name}\n" for name in NAMES), kind="k8s")


def writes(**fields: object) -> RuleEdit:
    return RuleEdit("securityContext", "subject", {"securityContext": fields})


ROOT = rule("k8s/root", "medium", "isolation", edit=writes(runAsNonRoot=True), why="It may run as root. Then more.", fix="Set runAsNonRoot.")
DROP = rule("k8s/drop", "low", "isolation", edit=writes(capabilities={"drop": ["ALL"]}), why="It has capabilities. More.", fix="Drop them.")
USER = rule("k8s/user", "high", "isolation", edit=RuleEdit("securityContext"), why="It is root. More.", fix="Choose a user. Any.")
PROBE = rule("k8s/probe", "medium", why="It hangs. More.", fix="Add a probe. Cheap.")


def of(name: str, *rules: object, **more: object) -> list[Finding]:
    group = f"{SOURCE.path}: Deployment/web container {name}: securityContext"
    return [
        find(SOURCE, f"name: {name}", one, message=f"{name}: {one.id}", resource="Deployment/web", container=name,  # type: ignore[arg-type, attr-defined]
             edit_group=group if one.edit else "", **more)  # type: ignore[arg-type, attr-defined]
        for one in rules
    ]  # fmt: skip


def grouped(findings: list[Finding]) -> list[FindingGroup | EditBlock]:
    ((_, groups),) = groups_by_file(made(findings), verbose=False)
    return groups


def made(findings: list[Finding]) -> Report:
    return report(sorted(findings, key=lambda one: (one.span.start, one.rule)))


def styled(whole: Report, width: int = 100, **options: bool) -> str:
    return ESCAPE.sub("", show("terminal", whole, color="always", width=width, **options))


# -- what stands together -------------------------------------------------------------------------------------------
def test_several_rules_of_one_edit_are_one_block() -> None:
    block, probe = grouped(of("app", ROOT, DROP, PROBE))
    assert isinstance(block, EditBlock)
    assert isinstance(probe, FindingGroup)
    assert block.rule_ids == ("k8s/root", "k8s/drop")
    assert len(block.findings) == 2


def test_one_rule_alone_is_told_as_before() -> None:
    (group,) = grouped([*of("app", ROOT), *of("proxy", ROOT)])
    assert isinstance(group, FindingGroup)
    assert len(group.findings) == 2


def test_a_thing_with_the_same_rules_or_fewer_is_told_with_the_first() -> None:
    (block,) = grouped([*of("app", ROOT), *of("proxy", ROOT, DROP), *of("init", ROOT, DROP)])
    assert isinstance(block, EditBlock)
    assert [one.container for one in block.members] == ["proxy", "proxy"]
    assert [[one.container for one in thing] for thing in block.further] == [["init", "init"], ["app"]]


def test_a_thing_with_another_rule_has_a_block_of_its_own() -> None:
    first, second = grouped([*of("app", ROOT, DROP), *of("proxy", ROOT, USER)])
    assert isinstance(first, EditBlock)
    assert isinstance(second, EditBlock)
    assert (first.rule_ids, second.rule_ids) == (("k8s/root", "k8s/drop"), ("k8s/user", "k8s/root"))
    assert second.new_reasons == {"k8s/user"}


def test_a_worse_hit_of_the_same_rule_does_not_hide_behind_a_mild_one() -> None:
    mild = of("app", USER, ROOT, lowered_severity=DROP.severity)
    first, second = grouped([*mild, *of("proxy", USER, ROOT)])
    assert first.first.severity < second.first.severity


def test_what_is_suppressed_stays_out() -> None:
    (group,) = grouped([*of("app", ROOT), *of("app", DROP, suppression=Suppression("comment", "known"))])
    assert isinstance(group, FindingGroup)


def test_every_open_finding_is_in_one_group() -> None:
    findings = [*of("app", ROOT, DROP, PROBE), *of("proxy", ROOT), *of("init", DROP, USER), *of("log", PROBE)]
    seen = [id(one) for group in grouped(findings) for one in group.findings]
    assert len(seen) == len(set(seen)) == len(findings)


# -- how it is shown ------------------------------------------------------------------------------------------------
PLAIN_BLOCK = """\
one edit: Deployment/web container app: securityContext (3 rules)
deploy/web.yaml:1:3: high[k8s/user] app: k8s/user
deploy/web.yaml:1:3: medium[k8s/root] app: k8s/root
deploy/web.yaml:1:3: low[k8s/drop] app: k8s/drop
     1 | - name: app
       |   ^^^^^^^^^
  why k8s/user: It is root.
  why k8s/root: It may run as root.
  why k8s/drop: It has capabilities.
  write:
    securityContext:
      runAsNonRoot: true
      capabilities: {drop: [ALL]}
  fix k8s/user: Choose a user. Any.
deploy/web.yaml:2:3: medium[k8s/root] proxy: k8s/root
"""
TERMINAL_BLOCK = """\
  high     Deployment/web container app: securityContext (3 rules)
           deploy/web.yaml:1:3  GAIN
         1 │ - name: app
           │   ━━━━━━━━━
           high     k8s/user  app: k8s/user
           fix  Choose a user. Any.
           medium   k8s/root  app: k8s/root
           low      k8s/drop  app: k8s/drop
           why  It is root. It may run as root. It has capabilities.
           edit securityContext:
                  runAsNonRoot: true
                  capabilities: {drop: [ALL]}
           also 2: container proxy: k8s/root
"""


def test_a_block_in_both_reports() -> None:
    whole = made([*of("app", ROOT, DROP, USER), *of("proxy", ROOT)])
    assert PLAIN_BLOCK in show("terminal", whole)
    without = made(of("proxy", ROOT)).raw
    assert whole.raw is not None
    assert without is not None
    block_text = TERMINAL_BLOCK.replace("GAIN", f"+{without - whole.raw:.1f}")
    assert block_text in "".join(f"{line.rstrip()}\n" for line in styled(whole).splitlines())


def test_what_was_told_once_is_not_told_again() -> None:
    whole = made([*of("app", ROOT, DROP), *of("proxy", ROOT, DROP, USER)])
    text = styled(made([*of("app", ROOT, DROP), *of("proxy", ROOT, USER)]))
    assert text.count("It may run as root") == 1
    assert show("terminal", whole, verbose=True).count("Then more.") == 1
    again = report([*of("app", ROOT, DROP), *(one._replace(source=Source("b.yaml", SOURCE.text, kind="k8s")) for one in of("app", ROOT, DROP))])
    assert styled(again).count("runAsNonRoot: true") == 1, "in the first of the two blocks"
    assert styled(again).count("medium   k8s/root  app: k8s/root") == 2, "what it says stands in both"
    assert styled(again).count("It may run as root.") == 1


def test_the_same_need_of_many_things_is_a_few_lines() -> None:
    whole = made([one for name in NAMES for one in of(name, ROOT, DROP, USER)])
    text = styled(whole)
    assert text.count("It may run as root") == 1
    assert text.count("also") == 7
    assert "4 further, on lines 8, 9, 10, 11" in text
    assert "also 2: container proxy: the same" in text
    plain = show("terminal", whole)
    assert len(re.findall(r"^deploy/web\.yaml:\d+:\d+: ", plain, re.MULTILINE)) == 33, "the plain report has a line for each"


@pytest.mark.parametrize("color", ["never", "always"])
def test_every_id_and_every_count_is_there(color: str) -> None:
    whole = made([*of("app", ROOT, DROP, USER), *of("proxy", DROP)])
    text = ESCAPE.sub("", show("terminal", whole, color=color, width=100))
    for name in ("k8s/root", "k8s/drop", "k8s/user"):
        assert name in text.replace("  k8s securityContext", "")
    assert "1 high, 1 medium and 2 low" in text


def test_in_a_crowd_a_mild_block_has_its_heading_and_its_ids() -> None:
    second = rule("k8s/more", "low", "isolation", edit=writes(readOnlyRootFilesystem=True))
    crowd = [find(SOURCE, "name", rule(f"k8s/r{n}", "high")) for n in range(grouping.MAX_FULLY_SHOWN_GROUPS + 1)]
    text = styled(made([*crowd, *of("feed", DROP, second)]))
    assert "k8s/drop, k8s/more" in text
    assert "It has capabilities" not in text


@pytest.mark.parametrize("width", [40, 80, 200])
def test_blocks_keep_the_width(width: int) -> None:
    text = styled(made([one for name in NAMES for one in of(name, ROOT, DROP, USER)]), width)
    assert max(display_width(line.rstrip()) for line in text.splitlines()) <= width


def test_the_first_screen_says_what_to_fix_first() -> None:
    whole = made([one for name in NAMES for one in of(name, ROOT, DROP, USER, PROBE)])
    for color in ("never", "always"):
        first_screen = ESCAPE.sub("", show("terminal", whole, color=color, width=80)).splitlines()[:24]
        assert first_screen[0].lower().startswith("fix first")
        assert max(map(len, first_screen)) <= 80
        assert "k8s securityContext" in first_screen[1]
        assert "3 rules, 11 containers, 11 fail the gate" in first_screen[1]
        assert first_screen[2].strip() == "k8s/drop, k8s/root, k8s/user"
        assert "runAsNonRoot: true" in first_screen[3]
        assert "k8s/probe" in first_screen[4]
    assert show("github", whole).startswith("fix first:\n")


def test_a_report_of_one_row_has_no_table_at_its_top() -> None:
    text = show("terminal", made(of("app", ROOT)))
    assert text.startswith("deploy/web.yaml:1:3: ")
    assert text.count("fix first:") == 1
    assert "fix first" not in show("terminal", made(of("app", ROOT, PROBE)), quiet=True)


def test_what_follows_a_block_in_the_plain_report_is_apart() -> None:
    lines = show("terminal", made([*of("app", ROOT, DROP, PROBE), *of("proxy", PROBE)])).splitlines()
    heading = lines.index("one edit: Deployment/web container app: securityContext (2 rules)")
    end = lines.index("", heading)
    assert all("k8s/probe" not in line for line in lines[heading:end])
    assert lines[end + 1].startswith("deploy/web.yaml:1:3: medium[k8s/probe]")
    assert "\n\n\n" not in show("terminal", made(of("app", ROOT, DROP))), "a block at the end of a file has one empty line after it"


def test_without_a_score_no_block_gains() -> None:
    unread = [FileRow(f"x{number}.yaml", "k8s", "unreadable", "tab", cause="broken") for number in range(9)]
    whole = report([*of("app", ROOT, DROP, PROBE)], rows=[FileRow(SOURCE.path, "k8s", "checked"), *unread])
    assert whole.score is None
    assert not re.search(r"\+\d", styled(whole))
    assert not re.search(r"\+\d", show("terminal", whole))
    assert re.search(r"\+\d", styled(made(of("app", ROOT, DROP, PROBE))))


RESOURCES = {
    "job/test/step/6": "step 6 of job test",
    "job/a/b/step/checkout": "step checkout of job a/b",
    "action/setup/step/1": "step 1 of action setup",
    "stage/0": "stage 1",
    "stage/builder": "stage builder",
    "service/web": "service web",
    "location//api/": "location /api/",
    "server/_": "server _",
    "Deployment/web": "Deployment/web",
    "Deployment/": "Deployment",
    "nginx/nginx.conf": "nginx/nginx.conf",
    "": "",
}


@pytest.mark.parametrize("resource", RESOURCES)
def test_things_are_called_what_a_reader_calls_them(resource: str) -> None:
    assert resource_words(resource) == RESOURCES[resource]


def test_headings_and_annotations_tell_things_in_words() -> None:
    source = Source(".github/workflows/ci.yml", "- uses: a\n- uses: b\n", kind="github")
    rules = [rule(f"ci/{name}", edit=RuleEdit("uses")) for name in ("one", "two")]
    findings = [
        find(source, f"uses: {letter}", one, resource=f"job/test/step/{number}", edit_group=f"{source.path}: job/test/step/{number}: uses{suffix}")
        for number, (letter, suffix) in enumerate((("a", ""), ("b", " #2")), start=1)
        for one in rules
    ]
    for text in (styled(made(findings)), show("terminal", made(findings)), show("github", made(findings))):
        assert "step 1 of job test" in text
        assert "step/1" not in text
        assert "#2" not in text


# -- annotations ----------------------------------------------------------------------------------------------------
def annotations_of(whole: Report, **options: bool) -> list[str]:
    return [line for line in show("github", whole, **options).splitlines() if line.startswith(("::error", "::warning", "::notice"))]


def test_a_group_is_one_annotation_with_all_its_ids() -> None:
    found = annotations_of(made([*of("app", ROOT, DROP, USER), *of("proxy", ROOT)]))
    assert [line.partition(" ")[0] for line in found] == ["::error", "::warning"]
    assert "title=Deployment/web container app%3A securityContext (3 rules)::" in found[0]
    for name in ("high[k8s/user] app", "medium[k8s/root] app", "low[k8s/drop] app"):
        assert name in found[0]
    assert "%0AWrite:%0A  securityContext:%0A    runAsNonRoot: true%0A    capabilities: {drop: [ALL]}%0AFix (k8s/user): Choose a user." in found[0]
    assert "(k8s/root)::proxy: k8s/root" in found[1]


def test_more_is_told_in_ten_annotations() -> None:
    whole = made([one for name in NAMES for one in of(name, ROOT, USER)])
    found = annotations_of(whole)
    assert len(found) == 10
    assert found[-1] == "::error title=readiness::and 4 more of this level: the log of this step has them all"


def test_a_quiet_annotation_has_what_fails_the_gate() -> None:
    (found,) = annotations_of(made(of("app", ROOT, DROP, USER)), quiet=True)
    assert "k8s/user" in found
    assert "k8s/root" not in found


# -- what to write --------------------------------------------------------------------------------------------------
def with_texts(*texts: object) -> list[Finding]:
    return [find(SOURCE, "name", rule(f"k8s/r{n}", edit=RuleEdit("x", "subject", text))) for n, text in enumerate(texts)]  # type: ignore[arg-type]


def test_texts_are_one_yaml_document() -> None:
    text = edit_text(with_texts({"a": {"b": True}}, {"a": {"c": {"d": ["ALL"]}}}, {"a": {"c": {"d": ["SOME"]}}}, {"e": "1"}, {"f": "x: y"}))
    assert yaml.safe_load("\n".join(text.lines)) == {"a": {"b": True, "c": {"d": ["ALL", "SOME"]}}, "e": "1", "f": "x: y"}
    assert not text.unsaid_rule_ids


def test_what_contradicts_the_text_so_far_is_left_to_its_fix() -> None:
    text = edit_text(with_texts({"a": {"b": 1, "c": 2}}, {"a": {"b": 2}}, {"a": {"b": 1, "d": 3}}))
    assert text.lines == ("a:", "  b: 1", "  c: 2", "  d: 3")
    assert text.unsaid_rule_ids == {"k8s/r1"}


def test_lines_of_other_syntaxes_stand_once() -> None:
    text = edit_text(with_texts("USER 10001", "USER 10001", "", "HEALTHCHECK CMD true"))
    assert text.lines == ("USER 10001", "HEALTHCHECK CMD true")
    assert text.unsaid_rule_ids == {"k8s/r2"}


def test_what_to_write_in_one_line() -> None:
    assert edit_text_in_one_line(with_texts({"a": {"b": True}}, "", {"c": "0.5"})) == 'a: {b: true}, c: "0.5"'
    assert edit_text_in_one_line(with_texts("")) == ""


@pytest.mark.parametrize(
    "value", ["true", "no", "1", "1.5", "10001", "1e3", "null", "a: b", "#x", "", "it's", 'say "x"', "no-new-privileges:true", "100m", "a/b.c"]
)
def test_a_string_is_read_back_as_it_is(value: str) -> None:
    assert yaml.safe_load("\n".join(edit_text(with_texts({"k": value})).lines)) == {"k": value}


@pytest.mark.parametrize(
    ("text", "width", "shown"), [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("漢字漢字", 5, "漢字…"), ("ab cd", 4, "ab…"), ("", 3, "")]
)
def test_a_line_is_shortened(text: str, width: int, shown: str) -> None:
    assert digest.shortened_text(text, width) == shown


def test_nothing_of_a_name_steers_the_terminal() -> None:
    findings = [one._replace(edit_group=f"{SOURCE.path}: Deployment/\x1b[31m: x", resource="Deployment/\x1b[31m") for one in of("app", ROOT, DROP)]
    for color in ("never", "always"):
        assert "\x1b[31m: x" not in show("terminal", made(findings), color=color, width=100)
    (block,) = grouped(findings)
    assert isinstance(block, EditBlock)
    assert block_parts.heading_text(block, Redactor(())).endswith("(2 rules)")
