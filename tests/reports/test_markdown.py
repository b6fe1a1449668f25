"""The report in Markdown: what it has and in which order, that nothing in a tree is markup in it, and how long it gets."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from markdown_it import MarkdownIt
from markdown_it.token import Token

import readiness
from readiness.cli.main import main
from readiness.model import RuleEdit, Severity, Source, Suppression
from readiness.model.service import Service, ServicePart
from readiness.redaction import MASK
from readiness.reports import markdown
from readiness.reports.github import MAX_ANNOTATIONS_PER_LEVEL
from readiness.reports.markdown import MAX_BYTES, MAX_PLACES_OF_GROUP, code_span, fenced_text, markdown_text
from readiness.verdict.fix_first import fix_first_rows
from readiness.verdict.report import FileRow, Report
from tests.conftest import ROOT

from .conftest import find, report, rule, show

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
OWN_HTML = re.compile(r"<details><summary>(?:<code>[^<>]*</code>|coverage |the sum )[^<>]*</summary>|</details>")
# What GitHub looks for in the text that is left when the markup is gone.
MADE_LIVE_BY_GITHUB = re.compile(r"@\w|#\d|\bGH-\d|://|\bwww\.|:[a-z]+:|\$[^$]+\$|\b[0-9a-f]{40}\b", re.IGNORECASE)
HOSTILE = {
    "code": "`x` and ``y``",
    "an open backtick": "a`b",
    "many backticks": "``` and ````` and `",
    "code beside code": "`.``.`",
    "a pipe": "a|b | c",
    "a pipe behind a backslash": "a\\|b\\\\|c `d|e\\|f`",
    "stars": "*a* **b** ***",
    "underscores": "_a_ __b__ c_d_e",
    "struck out": "~~a~~",
    "a link": "[a](https://example.com) [b][c] [d]: x",
    "an image": "![a](b.png)",
    "an element": "<img src=x onerror=alert(1)> <script>",
    "a comment": "<!-- a",
    "an end": "</details></summary></code>",
    "an entity": "&lt;b&gt; &#64;octocat &copy;",
    "a mention": "@octocat, (@org/team) and a@b",
    "a mention in quotes": "'@octocat' \"@octocat\"",
    "a mention beside code": "@`octocat` x`a`@octocat",
    "a reference": "#12 org/repo#12 GH-12 gh-12",
    "an address": "https://example.com/a_b (http://x) www.example.com",
    "a commit": "a5c3785ed8d6a35868bc169f07e40e889087fd2e",
    "a formula": "$a$ $`b`$ $$c$$ $` `$",
    "an emoji": "80:tada:90 :+1:",
    "lines": "a\n\n# b\n\n- c\r\n    d",
    "a heading": "# a #",
    "an item": "- a",
    "a plus": "+ a",
    "a number": "1. a",
    "a number in brackets": "12) a",
    "a quotation": "> a",
    "an underline": "===",
    "a rule": "--- | ---",
    "a fence": "```sh",
    "tildes": "~~~",
    "a command": "::error::a ##[error]b",
    "other direction": "a\u202eb\u200bc",
    "colours of a terminal": "\x1b[31ma",
    "nothing": "`` ` ``",
    "backslashes": "\\ \\* \\` a\\",
}  # fmt: skip


def inline_tokens(text: str) -> Iterator[Token]:
    for token in PARSER.parse(text):
        yield from token.children or ()


def seen(text: str) -> str:
    """What a reader sees, without blanks and backticks, which say what is code."""
    return re.sub(r"[\s`]", "", "".join(token.content for token in inline_tokens(text)))


def expected(text: str) -> str:
    return re.sub(r"[\s`]", "", markdown.escape_controls(text))


def assert_nothing_is_live(text: str) -> None:
    """Only what the format itself writes is markup: headings, lists, tables, fences, `<details>`, and `**Why:**`."""
    for token in PARSER.parse(text):
        assert not token.type.startswith(("blockquote", "hr", "lheading", "code_block", "ordered"))
        assert token.markup != "=" or token.type != "heading_open"
        if token.type == "html_block":
            assert all(OWN_HTML.fullmatch(line) for line in token.content.splitlines()), token.content
        children = token.children or []
        for position, child in enumerate(children):
            assert child.type in {"text", "code_inline", "strong_open", "strong_close", "softbreak"}, (child.type, child.content)
            if child.type == "strong_open":
                assert children[position + 1].content in {"Why:", "Fix:"}
        for part in "".join(child.content if child.type == "text" else "\n" for child in children).split("\n"):
            assert not MADE_LIVE_BY_GITHUB.search(part), part


# -- text -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("start", ["", "- ", "#### ", "**Why:** "])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_text_is_seen_as_it_is(text: str, start: str) -> None:
    made = start + markdown_text(text)
    assert "\n" not in made
    assert_nothing_is_live(made)
    assert seen(made).removeprefix("Why:") == expected(text)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_code_is_one_code(text: str) -> None:
    (token,) = inline_tokens(code_span(text))
    assert (token.type, token.content) == ("code_inline", markdown.escape_controls(text))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_fence_is_ended_by_nothing_in_it(text: str) -> None:
    (token,) = PARSER.parse(fenced_text([text, "end"]))
    assert (token.type, token.content) == ("fence", f"{markdown.escape_controls(text)}\nend\n")


@pytest.mark.parametrize("cell", [markdown_text, code_span])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_cell_is_one_cell(text: str, cell: Callable[[str], str]) -> None:
    made = markdown._table([("a", "---"), ("b", "---:")], [(cell(text), "end")])
    cells = [token.content for token in PARSER.parse(made) if token.type == "inline"]
    assert cells[:2] + cells[-1:] == ["a", "b", "end"]
    assert len(cells) == 4
    assert re.sub(r"[\s`]", "", "".join(one.content for one in PARSER.parseInline(cells[2])[0].children or ())) == expected(text)


def test_backticks_of_a_sentence_stay_code_and_words_stay_words() -> None:
    assert markdown_text("Write `a: b`, then `c`.") == "Write `a: b`, then `c`."
    assert markdown_text("ask (@octocat), not 'org/repo#12'.") == "ask (`@octocat`), not '`org/repo#12`'."
    assert markdown_text("2 of 3: a_b") == r"2 of 3: a\_b"


# -- the whole ------------------------------------------------------------------------------------------------------
EDIT = RuleEdit("securityContext", "subject", {"securityContext": {"runAsNonRoot": True}})
OTHER_EDIT = RuleEdit("securityContext", "subject", {"securityContext": {"privileged": False}})


def hostile_report(text: str) -> Report:
    """A report that has a text of the tree wherever one may come from."""
    source = Source(f"deploy/{text}.yaml", "one\ntwo\nthree\n", kind="k8s")
    other = Source("other.yaml", "one\n", kind="k8s")
    rules = [rule("k8s/a", edit=EDIT, why=text, fix=text), rule("k8s/b", edit=OTHER_EDIT, title=text), rule("k8s/c", why=text, fix=text, title=text)]
    more = {"resource": f"Deployment/{text}", "container": text, "message": text, "service_name": text}
    findings = [
        find(source, "one", one, edit_group=f"{source.path}: Deployment/{text} container {text}: securityContext", **more) for one in rules[:2]
    ]
    findings += [find(source, word, rules[2], **more) for word in ("two", "three")]
    findings += [find(other, "one", rules[2], unit_path=text, message=text)]
    findings.append(find(source, "two", rules[0], message=text)._replace(suppression=Suppression("comment", text)))
    rows = [
        FileRow(source.path, "k8s", "checked"),
        FileRow(text, "k8s", "broken", text, cause="broken"),
        FileRow(f"{text}/e", "k8s", "checked", purpose=text),
    ]
    services = [Service(name, (ServicePart("deploy", "k8s", source.path, f"{text}/x", "x"),)) for name in (text, "web")]
    return report(findings, rows=[*rows, FileRow("other.yaml", "k8s", "checked")], services=services, undeployed_paths=[text])


@pytest.mark.parametrize("options", [{}, {"verbose": True, "explain": True}, {"quiet": True}], ids=["", "-v", "-q"])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_nothing_in_a_tree_is_live(text: str, options: dict[str, bool]) -> None:
    made = show("markdown", hostile_report(text), **options)
    assert_nothing_is_live(made)
    assert made.count("<details>") == made.count("</details>\n") - seen_ends(made)
    assert expected(text) in re.sub(r"\s", "", "".join(token.content for token in inline_tokens(made))).replace("`", "")
    assert re.match(r"gate (failed|not evaluated)", made.splitlines()[-1])


def seen_ends(made: str) -> int:
    """How many lines of fences end as the element does."""
    return sum(token.content.count("</details>\n") for token in PARSER.parse(made) if token.type == "fence")


def test_what_it_has_and_where(sample: Report) -> None:
    lines = show("markdown", sample).splitlines()
    assert lines[0].startswith("## not ready: 1 critical and 2 high open; score ")
    assert re.search(r"; score \d+ of 100 \(algorithm 2; algorithm 1: \d+\), grade [A-F]$", lines[0])
    order = [
        "### Fix first",
        "<details><summary><code>api/Dockerfile</code>",
        "<details><summary><code>deploy/web.yaml</code>",
        "<details><summary>coverage ",
    ]
    places = [next(at for at, line in enumerate(lines) if line.startswith(start)) for start in order]
    assert places == sorted(places)
    assert lines[-1].startswith("gate failed: 1 critical and 2 high open")
    assert lines[lines.index("`dockerfile/user-root`") + 2] == "- `api/Dockerfile:1` critical: no USER in the final stage"
    assert lines[lines.index("`dockerfile/user-root`") - 2] == "#### Image that runs as root"


def test_the_table_to_fix_first_has_its_rows(sample: Report) -> None:
    rows = [line for line in show("markdown", sample).splitlines() if line.startswith("| +")]
    assert [re.search(r"`([^`]+)`", row)[1] for row in rows] == [one.name for one in fix_first_rows(sample)]  # type: ignore[index]
    assert "1 fails the gate" in rows[0]
    assert rows[0].endswith("| Add a probe. |")


def test_one_edit_is_told_once() -> None:
    source = Source("web.yaml", "one\n", kind="k8s")
    rules = [rule("k8s/a", edit=EDIT, why="It is root. More."), rule("k8s/b", edit=OTHER_EDIT, why="It is root. More.")]
    made = show(
        "markdown",
        report([find(source, "one", one, edit_group="web.yaml: Deployment/web: securityContext", resource="Deployment/web") for one in rules]),
    )
    assert made.count("#### ") == 1
    assert "\n`k8s/a`, `k8s/b`\n" in made
    assert made.count("It is root.") == 1
    assert "```\nsecurityContext:\n  runAsNonRoot: true\n  privileged: false\n```" in made
    assert [line for line in made.splitlines() if line.startswith("- `web.yaml:1` high")] == [
        f"- `web.yaml:1` high `{one.id}`: container 'web' has no probe" for one in rules
    ]


def test_services_stand_in_a_table_where_there_are_several() -> None:
    parts = (ServicePart("deploy", "k8s", "deploy/web.yaml", "Deployment/web", "x"),)
    source = Source("deploy/web.yaml", "one\n", kind="k8s")
    findings = [find(source, "one", service_name="web")]
    one_service = show("markdown", report(findings, services=[Service("web", parts)]))
    two_services = show("markdown", report(findings, services=[Service("web", parts), Service("db", parts)]))
    assert "### Services" not in one_service
    assert "| service | score | critical | high | medium | low | consists of |" in two_services
    assert re.search(r"^\| `web` \| \d+ [A-F] \| 0 \| 1 \| 0 \| 0 \| \\<- decides; Deployment \|$", two_services, re.MULTILINE)
    assert "| `db` | 100 A | 0 | 0 | 0 | 0 | Deployment |" in two_services


@pytest.mark.parametrize("options", [{}, {"verbose": True, "explain": True}, {"quiet": True}], ids=["", "-v", "-q"])
def test_secrets_are_masked(options: dict[str, bool]) -> None:
    said = "run with DB_PASSWORD=Zplanted1xq"
    source = Source("web.yaml", "one\ntwo\n", kind="k8s")
    finding = find(source, "one", message=said)
    rows = [FileRow("web.yaml", "k8s", "checked", purpose=said), FileRow("b.yaml", "k8s", "broken", said, cause="broken")]
    suppressed = find(source, "two", message=said)._replace(suppression=Suppression("comment", said))
    made = show("markdown", report([finding, suppressed], rows=rows), **options)
    assert "planted" not in made
    assert "DB_PASSWORD=" + MASK in seen(made)


def test_checklists_that_were_chosen_stand_before_the_findings() -> None:
    made = readiness.check([ROOT / "fixtures" / "flowise" / "hardened" / "Dockerfile"], checklists=["flowise"], context=False, base=ROOT)
    text = show("markdown", made)
    assert re.search(r"^### Checklists\n\n- Flowise, production deployment: \d+ met, \d+ failed, \d+ open$", text, re.MULTILINE)
    assert text.count("Flowise, production deployment") == 1
    assert text.index("### Checklists") < text.index("<details>")
    assert "### Checklists" not in show("markdown", replace(made, chosen=()))


def test_a_clean_tree_needs_no_table() -> None:
    lines = show("markdown", report([])).splitlines()
    assert lines[0].startswith("## ready: ")
    assert not any(line.startswith(("###", "| ")) for line in lines)
    assert lines[-1].startswith("gate passed")


def test_the_same_report_gives_the_same_bytes(sample: Report) -> None:
    assert show("markdown", sample, verbose=True) == show("markdown", sample, verbose=True, color="always", width=40)


# -- how long it gets -----------------------------------------------------------------------------------------------
def long_report(places: int, length: int, **more: object) -> Report:
    """A file for each place, each with one finding of each severity and a long message."""
    rules = [rule(f"k8s/{severity}", severity) for severity in ("critical", "high", "medium", "low", "info")]
    sources = [Source(f"deploy/{number:05}.yaml", "one\n", kind="k8s") for number in range(places)]
    return report([find(source, "one", one, message=f"{one.id} é" + "x" * length) for source in sources for one in rules], **more)


@pytest.mark.parametrize(
    ("places", "length", "options"),
    [(300, 1900, {}), (300, 1900, {"verbose": True}), (300, 1900, {"quiet": True}), (3000, 20, {})],
    ids=["", "-v", "-q", "15,000 findings"],
)
def test_it_fits_and_the_worst_is_kept(places: int, length: int, options: dict[str, bool]) -> None:
    made = long_report(places, length)
    text = show("markdown", made, **options)
    assert len(text.encode()) <= MAX_BYTES
    counts = [text.count(f": k8s/{severity} é") for severity in ("critical", "high", "medium", "low", "info")]
    failing = [one for one in made.open if not options.get("quiet") or one.severity >= Severity.HIGH]
    for worse, milder in itertools.pairwise(counts):
        assert not milder or worse == places
    match = re.search(r"(\d+) groups? of (\d+) findings?, the least severe, (?:is|are) left out here", text)
    assert sum(counts) == len(failing) - (int(match[2]) if match else 0)
    assert text.splitlines()[-1].startswith("gate failed")
    assert text.count("<details>") == text.count("</details>")
    if match:
        assert len(text.encode()) > MAX_BYTES - 8000
    annotations = re.findall(r"^::(error|warning|notice) ", show("github", made, **options), re.MULTILINE)
    assert max(annotations.count(level) for level in annotations) == MAX_ANNOTATIONS_PER_LEVEL
    assert len(annotations) <= 50  # as many as GitHub keeps of a job


def test_a_report_that_fits_leaves_nothing_out() -> None:
    assert "left out here" not in show("markdown", long_report(50, 1900), verbose=True)


def test_what_is_left_out_is_not_even_made(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    make_item = markdown._finding_item
    monkeypatch.setattr(markdown, "_finding_item", lambda *args, **more: calls.append("") or make_item(*args, **more))  # type: ignore[func-returns-value]
    text = show("markdown", long_report(500, 1900), verbose=True)
    assert len(calls) == text.count(" é") + 1


def test_of_many_places_of_one_rule_the_last_are_lines_alone() -> None:
    source = Source("web.yaml", "one\n" * 300, kind="k8s")
    made = show("markdown", report([find(source, "one", nth=number) for number in range(MAX_PLACES_OF_GROUP + 3)]))
    assert made.count("- `web.yaml:") == MAX_PLACES_OF_GROUP
    assert "\n3 further, on lines 101, 102, 103\n" in made


def test_a_long_background_gives_way_to_findings() -> None:
    source = Source("web.yaml", "one\n", kind="k8s")
    rows = [FileRow(f"{number:04}/{'x' * 180}", "k8s", "checked", purpose="an example") for number in range(2000)]
    made = report([find(source, "one")], rows=[FileRow(source.path, "k8s", "checked"), *rows])
    text = show("markdown", made, verbose=True)
    assert len(text.encode()) <= MAX_BYTES
    assert "What `-v` and `--explain-score` add is left out" in text
    assert "and 1997 more (-v names them)" in text
    assert "- `web.yaml:1` high" in text


def test_the_command_line_writes_it_to_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("Dockerfile").write_text("FROM debian:latest\n")
    command = ["check", "--no-config", "--no-cache", "Dockerfile"]
    CliRunner().invoke(main, [*command, "--format", "json", "--output", "markdown=summary.md"])
    direct = CliRunner().invoke(main, [*command, "--format", "markdown"])
    assert Path("summary.md").read_text() == direct.stdout
    assert direct.stdout.startswith("## ")
    assert direct.stdout.count("<code>Dockerfile</code>") == 1
