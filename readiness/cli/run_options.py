"""The options of `check` in the words of the API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click


def options_of_api(flags: dict[str, Any]) -> dict[str, Any]:
    """What the API is called with, by the flags of `check` and of the commands that have some of them."""
    return {
        "select": split_comma_separated(flags["select"]),
        "extend_select": split_comma_separated(flags["extend_select"]),
        "ignore": split_comma_separated(flags["ignore"]),
        "exclude": flags["exclude_globs"],
        "profile": flags["profile"],
        "fail_on": flags["fail_on"],
        "min_score": flags["min_score"],
        "config": False if flags["no_config"] else flags["config"] or True,
        "settings_from": flags["settings_from"],
        "rules": flags["rule_folders"],
        "baseline": flags["baseline"],  # None: that of the settings; False: none
        "since": flags["since"],
        "stdin_filename": flags["stdin_filename"] or "",
        "at": flags.get("at"),
        "documents": flags["documents"],
        "render": flags["render"],
        "strict_coverage": flags["strict_coverage"],
        "helm_values": flags["helm_values"],
        "context": not flags["no_context"],
        "for_commit": flags["for_commit"],
        "foreign_ignores": flags["foreign_ignores"],
        "purpose": flags["purpose"] or "",
        "shellcheck": flags["shellcheck"],
        "checklists": flags["checklists"] or None,
        "jobs": flags["jobs"],
        "today": flags["today"].date() if flags["today"] else None,
    }


def split_comma_separated(values: Sequence[str]) -> list[str]:
    """The words of a repeatable option, which may hold several between commas. Raises UsageError for none at all."""
    if blank_option_value := next((value for value in values if not value.strip(" ,")), None):
        raise click.UsageError(f"{blank_option_value!r} names no rule, prefix or category")
    return [word.strip() for value in values for word in value.split(",") if word.strip()]
