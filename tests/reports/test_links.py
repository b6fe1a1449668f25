"""Links of a terminal: only where they are understood and the installation tells its commit, and nothing of the tree in them."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest

from readiness import reports
from readiness.model import RuleEdit, Source
from readiness.reports.links import rule_link, should_link_output

from .conftest import find, report, rule, show

LINK = "\x1b]8;;"
PAGES = "https://pages.example/0123abc/"
SHIPPED = "k8s/privileged"


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


@pytest.fixture
def known_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation that tells its commit."""
    monkeypatch.setattr("readiness.origin.rule_pages_url", lambda: PAGES)


@pytest.mark.usefixtures("known_pages")
@pytest.mark.parametrize("options", [{}, {"quiet": True}, {"verbose": True}, {"width": 40}])
def test_rules_are_links_to_their_pages(options: dict[str, Any]) -> None:
    made = report([find(Source("a.yaml", "x: 1\n"), "x", rule(SHIPPED))])
    text = show("terminal", made, color="always", hyperlinks=True, **options)
    assert f"{LINK}{PAGES}{SHIPPED}.yaml\x1b\\\x1b[2;3m{SHIPPED}\x1b[0m{LINK}\x1b\\" in text
    assert len(re.findall(r"\x1b\]8;;[^\x1b]", text)) == text.count(f"{LINK}\x1b\\"), "each link ends"


@pytest.mark.usefixtures("known_pages")
def test_rules_of_one_edit_are_links() -> None:
    source = Source("a.yaml", "x: 1\n")
    rules = [rule(name, edit=RuleEdit("securityContext")) for name in (SHIPPED, "k8s/host-path")]
    made = report([find(source, "x", one, edit_group="a.yaml: securityContext") for one in rules])
    text = show("terminal", made, color="always", hyperlinks=True)
    assert all(f"{LINK}{PAGES}{one.id}.yaml\x1b\\" in text for one in rules)


@pytest.mark.usefixtures("known_pages")
def test_no_links_unless_colours_and_links_are_there() -> None:
    made = report([find(Source("a.yaml", "x: 1\n"), "x", rule(SHIPPED))])
    assert LINK not in show("terminal", made, color="always")  # a file: nobody says that it makes links
    assert LINK not in show("terminal", made, color="never", hyperlinks=True)
    for name in reports.REPORT_FORMATS[1:]:
        assert LINK not in show(name, made, color="always", hyperlinks=True)


def test_no_links_where_the_installation_tells_no_commit() -> None:
    made = report([find(Source("a.yaml", "x: 1\n"), "x", rule(SHIPPED, links=("https://example.com/",)))])
    assert LINK not in show("terminal", made, color="always", hyperlinks=True)


@pytest.mark.usefixtures("known_pages")
def test_nothing_of_the_tree_is_in_a_link() -> None:
    custom_rule = rule("k8s/of-the-tree", links=("https://example.com/\x1b]8;;x\x07",), title="a\x1b]8;;https://example.com\x1b\\b")
    source = Source("a\x1b]8;;https://example.com\x1b\\b.yaml", "x: \x1b]8;;https://example.com\x1b\\\n")
    made = report([find(source, "x", custom_rule, message="\x1b]8;;https://example.com\x07"), find(source, ":", rule(SHIPPED))])
    text = show("terminal", made, color="always", hyperlinks=True)
    assert set(re.findall(r"\x1b\]8;;([^\x1b\x07]*)", text)) == {f"{PAGES}{SHIPPED}.yaml", ""}
    assert "\x07" not in text


def test_a_url_is_encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("readiness.origin.rule_pages_url", lambda: "https://pages.example/\x1b\x07 ä/")
    assert rule_link(SHIPPED, hyperlinks=True) == f"https://pages.example/%1B%07%20%C3%A4/{SHIPPED}.yaml"
    assert rule_link(SHIPPED, hyperlinks=False) == ""
    assert rule_link("k8s/of-the-tree", hyperlinks=True) == ""
