"""Links of a terminal: only where they are understood, and nothing of a name in them but what is encoded."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from readiness import reports
from readiness.model import Source
from readiness.reports.links import file_address, rule_address, should_link_output

from .conftest import find, report, rule, show

LINK = "\x1b]8;;"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


UNDERSTOOD = {
    "nothing known": ({}, False),
    "a program": ({"TERM_PROGRAM": "WezTerm"}, True),
    "another program": ({"TERM_PROGRAM": "Apple_Terminal"}, False),
    "new gnome": ({"VTE_VERSION": "6003"}, True),
    "old gnome": ({"VTE_VERSION": "4205"}, False),
    "no number": ({"VTE_VERSION": "six"}, False),
    "kitty": ({"TERM": "xterm-kitty"}, True),
    "windows": ({"WT_SESSION": "1"}, True),
    "inside tmux": ({"TERM_PROGRAM": "WezTerm", "TMUX": "socket,1,0"}, False),
    "a log of CI": ({"TERM_PROGRAM": "vscode", "CI": "true"}, False),
    "forced": ({"FORCE_HYPERLINK": "1", "CI": "true"}, True),
    "forced off": ({"FORCE_HYPERLINK": "0", "TERM_PROGRAM": "WezTerm"}, False),
}


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_where_links_are_understood(name: str) -> None:
    environment, expected = UNDERSTOOD[name]
    assert should_link_output(Terminal(), environment) is expected
    if "FORCE_HYPERLINK" not in environment:
        assert should_link_output(io.StringIO(), environment) is False


def test_files_and_rules_are_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a b.yaml").write_text("x: 1\n", encoding="utf-8")
    made = report([find(Source("a b.yaml", "x: 1\n"), "x", rule(links=("https://example.com/a?b#c",)))])
    text = show("terminal", made, color="always", hyperlinks=True)
    assert f"{LINK}{tmp_path.as_uri()}/a%20b.yaml\x1b\\" in text
    assert f"{LINK}https://example.com/a?b#c\x1b\\\x1b[2;3mk8s/probe-missing\x1b[0m{LINK}\x1b\\" in text
    assert text.count(LINK) % 2 == 0


def test_no_links_unless_colours_and_links_are_there() -> None:
    made = report([find(Source("a.yaml", "x: 1\n"), "x", rule(links=("https://example.com/",)))])
    assert LINK not in show("terminal", made, color="always")  # a file: nobody says that it makes links
    assert LINK not in show("terminal", made, color="never", hyperlinks=True)
    for name in reports.REPORT_FORMATS[1:]:
        assert LINK not in show(name, made, color="always", hyperlinks=True)


def test_a_hostile_name_stays_inside_its_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = "a\x1b\\\x07;b\n.yaml"
    Path(name).write_text("x: 1\n", encoding="utf-8")
    assert file_address(name).endswith("/a%1B%5C%07%3Bb%0A.yaml")
    text = show("terminal", report([find(Source(name, "x: 1\n"), "x")]), color="always", hyperlinks=True)
    assert "\x07" not in text
    assert f"{LINK}{file_address(name)}\x1b\\\x1b[1ma\\x1b\\\\x07;b\\n.yaml" in text


def test_what_is_no_file_and_no_page_is_no_link() -> None:
    assert file_address("-") == ""
    assert file_address("gone.yaml") == ""
    assert file_address("nul\0.yaml") == ""
    assert rule_address(rule(links=())) == ""
    assert rule_address(rule(links=("javascript:alert(1)",))) == ""
    assert rule_address(rule(links=("https://example.com/\x1b]8;;x\x07 y",))) == "https://example.com/%1B]8;;x%07%20y"
