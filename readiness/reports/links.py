"""Links in a terminal (OSC 8): where they are understood, and what a rule's id leads to.

A link holds nothing of the scanned tree: no path, since a click would open a file with whatever program goes by its name, and no URL that
a custom rule names.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TextIO
from urllib.parse import quote

from readiness.model.number import decimal_number
from readiness.ruleset.rule_pages import rule_page_url

# What TERM_PROGRAM says of terminals that make links. Others print them as text, or show nothing; tmux passes them on only since 3.4.
_PROGRAMS_WITH_LINKS = frozenset({"iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "Tabby", "rio"})
_FIRST_VTE_VERSION = 5000  # GNOME Terminal and its kin, from 0.50
_SAFE_CHARACTERS = ":/?#[]@!$&'()*+,;=%~-._"


def should_link_output(output_stream: TextIO, environment: Mapping[str, str] | None = None) -> bool:
    """Whether the output is a terminal that makes links; FORCE_HYPERLINK decides where it is set (0: none)."""
    variables = os.environ if environment is None else environment
    if forced := variables.get("FORCE_HYPERLINK"):
        return forced != "0"
    if not output_stream.isatty() or variables.get("CI") or variables.get("TMUX") or variables.get("STY"):
        return False
    vte_version = variables.get("VTE_VERSION", "")
    return (
        variables.get("TERM_PROGRAM") in _PROGRAMS_WITH_LINKS
        or (decimal_number(vte_version) or 0) >= _FIRST_VTE_VERSION
        or bool(variables.get("WT_SESSION") or variables.get("KONSOLE_VERSION") or variables.get("KITTY_WINDOW_ID"))
        or variables.get("TERM") in {"xterm-kitty", "alacritty", "foot", "xterm-ghostty"}
    )


def rule_link(rule_id: str, *, hyperlinks: bool | None) -> str:
    """The URL of a rule's file at the commit that is installed; empty without links, where nobody knows it, and for a custom rule."""
    return quote(rule_page_url(rule_id), safe=_SAFE_CHARACTERS) if hyperlinks else ""
