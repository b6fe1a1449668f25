"""What a shell offers at the Tab key: rules, categories, profiles and checklists, as they ship with the tool.

Nothing of the working directory is read: what is offered there would be somebody else's word.
"""

from __future__ import annotations

from collections.abc import Iterable

import click
from click.shell_completion import CompletionItem, get_completion_class

SHELLS = ("bash", "zsh", "fish")
PROGRAM_NAME = "readiness"
COMPLETION_VARIABLE = "_READINESS_COMPLETE"  # by which a shell asks, as click names it after the program


def completion_script(shell: str, program: click.Command) -> str:
    """What a shell of SHELLS reads to ask this program at the Tab key."""
    completion_class = get_completion_class(shell)
    if completion_class is None:
        raise ValueError(f"there is no completion for {shell!r}")
    completion = completion_class(program, {}, PROGRAM_NAME, COMPLETION_VARIABLE)
    script = completion.source_template % completion.source_vars()  # and not `source()`, which starts a shell to ask for its version
    return script.replace('string split "," ', 'string split --max 1 "," ')  # fish: an offer may have commas of its own


def complete_rule(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The ids of rules, found by the part after the slash as well."""
    return _items(_rule_ids(), incomplete)


def complete_selector(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What --select takes: rules, prefixes, categories and ALL, of several between commas the last."""
    from readiness.model import CATEGORIES

    finished_words, comma, word = incomplete.rpartition(",")
    rule_ids = _rule_ids()
    prefixes = dict.fromkeys(f"{rule_id.partition('/')[0]}/" for rule_id in rule_ids)
    known_words = rule_ids if "/" in word else [*CATEGORIES, "ALL", *prefixes]
    return _items(known_words, word, finished_words + comma) or _items(rule_ids, word, finished_words + comma)


def complete_profile(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The names of profiles."""
    from readiness.ruleset import rules, select

    return _items(select.profile_names(rules.rules_folder()), incomplete)


def complete_checklist(_context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The names of checklists; an argument may be a path as well."""
    from readiness.run.report_of_run import all_checklists

    items = _items([one.source_document for one in all_checklists()], incomplete)
    return items if isinstance(parameter, click.Option) else [*items, CompletionItem(incomplete, type="file")]


def complete_kind(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The kinds of rules."""
    return _items(dict.fromkeys(rule_id.partition("/")[0] for rule_id in _rule_ids()), incomplete)


def _rule_ids() -> list[str]:
    from readiness.ruleset import rules

    return sorted(rules.load_all_rule_ids(()))


def _items(words: Iterable[str], incomplete: str, finished_words: str = "") -> list[CompletionItem]:
    """The words that begin as the incomplete one; where none does, the ids whose part after the slash does."""
    known_words = list(words)
    matching_words = [word for word in known_words if word.startswith(incomplete)]
    matching_words = matching_words or [word for word in known_words if word.partition("/")[2].startswith(incomplete)]
    return [CompletionItem(finished_words + word) for word in matching_words]
