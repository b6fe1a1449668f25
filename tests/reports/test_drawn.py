"""`explain`, `rules` and `checklist` on a terminal, and the same as a pipe gets it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from readiness import api
from readiness.cli.main import main
from readiness.model import Source
from readiness.reports import catalogue, pages
from readiness.reports.catalogue import Paragraph, drawn_paragraph, plain_line
from readiness.reports.drawn_page import drawn_lines, inline_pieces
from readiness.reports.frame import display_width
from readiness.verdict.checklist import ChecklistItem, ItemVerdict

from .conftest import find, rule

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
PAGES_WITH_ALL = ("k8s/liveness-probe-missing", "k8s/memory-limit-missing", "compose/secret-inline", "dockerfile/user-root")
PAGE = """\
# k8s/x

**A title**

high · confidence high

| tier | says |
|---|---|
| `k8s/x:mild` | so many words that they take more than one line \\| of a window |
| `k8s/x:strict` | few |

- one item that is long enough to be wrapped in a narrow window
- `code`: <https://example.com/a_long_address>

```yaml
a: '**b**'
   ^^^^^^^
# no heading
- no item
| no table |
```
"""


def drawn(text: str, width: int) -> list[str]:
    return [ESCAPE.sub("", line) for line in drawn_lines(text, width)]


def test_a_page_without_its_marks() -> None:
    assert drawn(PAGE, 60) == [
        "k8s/x",
        "",
        "A title",
        "",
        "high · confidence high",
        "",
        "tier          says",
        "k8s/x:mild    so many words that they take more than one",
        "              line | of a window",
        "k8s/x:strict  few",
        "",
        "  • one item that is long enough to be wrapped in a narrow",
        "    window",
        "  • code: https://example.com/a_long_address",
        "",
        "  │ a: '**b**'",
        "  │    ^^^^^^^",
        "  │ # no heading",
        "  │ - no item",
        "  │ | no table |",
    ]


def test_a_table_in_a_narrow_window_tells_its_rows_below_each_other() -> None:
    table = "\n".join(PAGE.splitlines()[6:10])
    assert drawn(table, 30) == [
        "k8s/x:mild",
        "    so many words that they",
        "    take more than one line |",
        "    of a window",
        "k8s/x:strict",
        "    few",
    ]


def test_what_a_mark_is_painted_as() -> None:
    assert inline_pieces("a `b` **c** <https://d.e> f") == [
        ("a ", ""),
        ("b", "cyan"),
        (" ", ""),
        ("c", "bold"),
        (" ", ""),
        ("https://d.e", "dim"),
        (" f", ""),
    ]
    assert inline_pieces("a * b ` c <d>") == [("a * b ` c <d>", "")]
    assert inline_pieces("\x1b]0;x\x07") == [("\\x1b]0;x\\x07", "")]


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_no_word_of_a_page_is_broken(width: int) -> None:
    for name in PAGES_WITH_ALL:
        (tiers,) = api.find_rules(name)[0]
        text = pages.rule_page(tiers, api.checklist_questions())
        lines = drawn(text, width)
        told_text = "\n".join(line for line in text.splitlines() if not line.startswith(("```", "|---", "| tier")))
        told_text = re.sub(r"https?://\S+", "", told_text)  # an address may be longer than a line
        shown_words = set(re.findall(r"\w[\w/-]*", "\n".join(lines)))
        assert {word for word in re.findall(r"\w[\w/-]*", told_text) if len(word) < width - 16} <= shown_words
        assert max(display_width(line) for line in lines) <= width
        assert "**" not in "".join(lines)
        assert "```" not in "".join(lines)


def test_a_paragraph_is_a_line_of_a_pipe_and_several_of_a_terminal() -> None:
    paragraph = Paragraph([("  ", ""), ("met   ", "green"), ("one two three", "")], 8)
    assert plain_line(paragraph) == "  met   one two three"
    assert drawn_paragraph(paragraph, 16) == ["  \x1b[32mmet   \x1b[0mone two", "        three"]


# -- the commands ---------------------------------------------------------------------------------------------------
@pytest.fixture
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "Dockerfile").write_text("FROM debian:latest\nCMD app\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)


def run(*words: str, **environment: str) -> Result:
    return CliRunner().invoke(main, list(words), env=environment, catch_exceptions=False, color=True)


COLOURED = {
    "force": ({"FORCE_COLOR": "1"}, True),
    "clicolor": ({"CLICOLOR_FORCE": "1"}, True),
    "no color wins": ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    "a pipe": ({}, False),
}


@pytest.mark.usefixtures("_in_a_folder_of_its_own")
@pytest.mark.parametrize("words", ["explain k8s/privileged", "rules privileged", "checklist flowise", "check -q"])
@pytest.mark.parametrize("name", COLOURED)
def test_the_same_variables_colour_all_commands(words: str, name: str) -> None:
    environment, is_coloured = COLOURED[name]
    assert ("\x1b[" in run(*words.split(), **environment).stdout) is is_coloured


@pytest.mark.usefixtures("_in_a_folder_of_its_own")
def test_explain_is_markdown_where_it_is_not_drawn() -> None:
    raw = run("explain", "k8s/privileged").stdout
    assert raw.startswith("# k8s/privileged\n\n**")
    assert run("explain", "k8s/privileged", "--format", "markdown", FORCE_COLOR="1").stdout == raw
    assert run("explain", "k8s/privileged", "--format", "terminal").stdout.startswith("k8s/privileged\n\n")
    refused = run("explain", "pss", ".", "--format", "markdown")
    assert refused.exit_code == 2
    assert "no effect" in refused.output


@pytest.mark.usefixtures("_in_a_folder_of_its_own")
def test_a_checklist_begins_with_its_counts_and_with_what_failed() -> None:
    lines = run("checklist").stdout.splitlines()
    counts = [re.fullmatch(r".+: (\d+) failed, (\d+) met, (\d+) open", line) for line in lines[: lines.index("")]]
    assert len(counts) == 4
    assert all(counts)
    for block in "\n".join(lines).split("\n\n")[1:]:
        states = re.findall(r"^  (failed|met|open) ", block, re.MULTILINE)
        assert states == sorted(states, key=("failed", "met", "open").index)
    assert sum(line.startswith("  open ") for line in lines) == sum(int(found[3]) for found in counts if found)


@pytest.mark.usefixtures("_in_a_folder_of_its_own")
def test_a_checklist_of_some_states() -> None:
    whole = run("checklist", "flowise").stdout.splitlines()
    some = run("checklist", "flowise", "--state", "failed", "--state", "met").stdout.splitlines()
    assert some[0] == whole[0]
    assert some == whole[: len(some)]
    assert {line.split()[0] for line in some[2:] if re.match(r"  \w", line)} <= {"failed", "met"}
    rows = json.loads(run("checklist", "flowise", "--state", "open", "--format", "json").stdout)
    assert {item["state"] for item in rows[0]["items"]} == {"open"}
    assert rows[0]["failed"] == int(whole[0].rpartition(" failed")[0].rpartition(" ")[2])
    assert run("checklist", "--state", "done").exit_code == 2


# -- code of a page in a narrow window -------------------------------------------------------------------------------
def code(text: str, width: int) -> list[str]:
    return drawn(f"```\n{text}\n```", width)


def test_code_that_is_wrapped_keeps_its_bar_and_its_carets() -> None:
    assert code("  RUN one --two three\n                ^^^^^ it\n      ^^^", 22) == [
        "  │   RUN one",
        "  │       ^^^",
        "  │       --two three",
        "  │             ^^^^^",
        "  │       it",
    ]
    assert code("a: 1\n^ b", 40) == ["  │ a: 1", "  │ ^ b"]
    assert code("^ no code above", 40) == ["  │ ^ no code above"]


def test_a_word_that_needs_the_whole_line_gets_it() -> None:
    assert code("    image: a/b@sha256:0123456", 24) == ["  │     image:", "  │   a/b@sha256:0123456"]


# -- rules and checklists --------------------------------------------------------------------------------------------
def drawn_rules(width: int) -> list[str]:
    rules = [
        rule("k8s/a", "high", title="One"),
        rule("k8s/of-a-name", "low", title="Two", level="strict"),
        rule("k8s/c", title="3", level="optional"),
    ]
    paragraphs = catalogue.drawn_rule_paragraphs(rules, width)
    return [ESCAPE.sub("", line).rstrip() for one in paragraphs for line in drawn_paragraph(one, width)]


def test_rules_are_in_columns_where_there_is_room_and_say_what_is_off() -> None:
    assert drawn_rules(50) == [
        "high      k8s/a          One",
        "low       k8s/of-a-name  Two  (in strict)",
        "high      k8s/c          3  (off)",
    ]
    assert drawn_rules(30) == ["high      k8s/a  One", "low       k8s/of-a-name  Two", "          (in strict)", "high      k8s/c  3  (off)"]


def test_a_text_keeps_its_indent_and_steers_nothing() -> None:
    paragraph = catalogue.text_paragraph("    one two\x1b[2J ::three")
    assert drawn_paragraph(paragraph, 16) == ["    one", "    two\\x1b[2J", "    ::three"]
    assert plain_line(paragraph) == "    one two\\x1b[2J ::three"


@pytest.mark.usefixtures("_in_a_folder_of_its_own")
def test_no_line_of_a_drawn_page_is_a_command_to_a_runner() -> None:
    Path("pod.yaml").write_text(
        f"kind: Pod\napiVersion: v1\nmetadata: {{name: '{'x ' * 30}::error::y'}}\nspec: {{containers: [{{name: a, image: b}}]}}\n", "utf-8"
    )
    for words in ("explain pss", "check --min-severity info", "check -q --fail-on info"):
        lines = run(*words.split(), "pod.yaml", FORCE_COLOR="1").stdout.splitlines()
        assert any("error::y" in line for line in lines), words
        assert not [line for line in lines if line.lstrip().startswith("::")], words


def test_the_places_of_an_item_are_told_once_and_by_rule() -> None:
    source = Source("a.yaml", "x: 1\ny: 2\nz: 3\n")
    findings = [find(source, text, rule(name)) for text, name in (("x", "k8s/a"), ("x", "k8s/a"), ("y", "k8s/b"), ("z", "k8s/a"), ("1", "k8s/c"))]
    item = ChecklistItem("flowise.x", "", "Is it?", "configuration")
    (_, places) = catalogue._item_paragraphs(ItemVerdict(item, "failed", "", tuple(findings)))
    assert plain_line(places).strip() == "k8s/a: a.yaml:1, a.yaml:3; k8s/b: a.yaml:2 and 1 more"
    (_, reason) = catalogue._item_paragraphs(ItemVerdict(item, "open", "nobody can tell"))
    assert plain_line(reason).strip() == "nobody can tell"
