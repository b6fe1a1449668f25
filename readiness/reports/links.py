"""Links in a terminal (OSC 8): where they are understood, and the addresses of files and rules."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

from readiness.model import Rule

# What TERM_PROGRAM says of terminals that make links. Others print them as text, or show nothing; tmux passes them on only since 3.4.
_PROGRAMS_WITH_LINKS = frozenset({"iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "Tabby", "rio"})
_FIRST_VTE_VERSION = 5000  # GNOME Terminal and its kin, from 0.50
_SAFE_CHARACTERS = ":/?#[]@!$&'()*+,;=%~-._"


def should_link_output(output_stream: TextIO, environment: Mapping[str, str] | None = None) -> bool:
    """Whether the output is a terminal that makes links of addresses; FORCE_HYPERLINK decides where it is set (0: none)."""
    variables = os.environ if environment is None else environment
    if forced := variables.get("FORCE_HYPERLINK"):
        return forced != "0"
    if not output_stream.isatty() or variables.get("CI") or variables.get("TMUX") or variables.get("STY"):
        return False
    vte_version = variables.get("VTE_VERSION", "")
    return (
        variables.get("TERM_PROGRAM") in _PROGRAMS_WITH_LINKS
        or (vte_version.isascii() and vte_version.isdigit() and int(vte_version[:9]) >= _FIRST_VTE_VERSION)
        or bool(variables.get("WT_SESSION") or variables.get("KONSOLE_VERSION") or variables.get("KITTY_WINDOW_ID"))
        or variables.get("TERM") in {"xterm-kitty", "alacritty", "foot", "xterm-ghostty"}
    )


@lru_cache(maxsize=1000)
def file_address(path: str) -> str:
    """The address of a file of the report, its name percent-encoded; empty for what is no file here, as standard input or a chart's output."""
    try:
        absolute_path = Path.cwd() / path
        return absolute_path.as_uri() if absolute_path.is_file() else ""
    except (OSError, ValueError):
        return ""


def rule_address(rule: Rule) -> str:
    """What a rule's id leads to: the first page of documentation that the rule names; empty where it names none on the web."""
    address = rule.links[0] if rule.links else ""
    return quote(address, safe=_SAFE_CHARACTERS) if address.startswith(("https://", "http://")) else ""
