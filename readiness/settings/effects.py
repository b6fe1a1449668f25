"""What the settings files of a run change, in the words of the gate's line: nobody shall take a gate for one that settings have opened."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from readiness.model import join_names
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.settings.model import LOCK_ALL, LOCKABLE_FILE_WORDS, Config, SettingsLayer, lockable_settings
from readiness.settings.peers import PeerSettings

MAX_WORDS_SHOWN = 3  # of the words of one setting
MAX_WORD_LENGTH = 60  # characters of a word that is shown
_PLAIN_WORD = lazy_regex(r"[\w./*:{}-]+")


@dataclass(frozen=True, slots=True)
class SettingsEffect:
    """A settings file of a run: what reports call it, what it changed, and what of it was refused since another file locks that."""

    name: str
    changes: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    locked_by: str = ""
    is_below_root: bool = False

    @property
    def text(self) -> str:
        """The effect in one clause, as raw as its words are in the file."""
        changes_text = ", ".join(self.changes) or "nothing changed"
        refused_text = f"; refused there: {join_names(self.refused)} (locked by {self.locked_by})" if self.refused else ""
        return f"{self.name}: {changes_text}{refused_text}"


def settings_effects(layers: Iterable[SettingsLayer], overruled_settings: Collection[str] = ()) -> tuple[SettingsEffect, ...]:
    """The effect of each file; what options of the command line overrule changes nothing."""
    all_layers = tuple(layers)
    locked_by = _name_of_locking_file(all_layers)
    return tuple(
        SettingsEffect(
            shown_word(layer.name),
            tuple(_changes(layer.config, overruled_settings)) if layer.config.source else ("not there",),
            layer.refused,
            locked_by,
            layer.is_below_root,
        )
        for layer in all_layers
    )


def _name_of_locking_file(layers: Iterable[SettingsLayer]) -> str:
    return next((shown_word(one.name) for one in layers if one.config.locked_words), "")


def with_refused_statements(effects: tuple[SettingsEffect, ...], comment_count: int, purpose_count: int) -> tuple[SettingsEffect, ...]:
    """The effects, with what the files of the tree say and may not, told with the tree's own file at the root where there is one."""
    refused_texts = [
        f"{count} {noun if count == 1 else f'{noun}s'} in files"
        for count, noun in ((comment_count, "suppression"), (purpose_count, "purpose"))
        if count
    ]
    if not refused_texts or not effects:
        return effects
    index = max((number for number, one in enumerate(effects) if not one.is_below_root), default=len(effects) - 1)
    told = replace(effects[index], refused=(*effects[index].refused, *refused_texts))
    return (*effects[:index], told, *effects[index + 1 :])


def peer_effects(
    peers: Iterable[PeerSettings], left_out_by_file: Mapping[str, Mapping[str, int]], layers: Iterable[SettingsLayer]
) -> Iterator[SettingsEffect]:
    """The effect of each settings file of another linter that has any: what it leaves out, by which of its rules, and its options that count.

    `layers` are our own settings files, which may lock the like.
    """
    locked_by = _name_of_locking_file(layers)
    for peer in peers:
        changes = []
        if count_by_rule := left_out_by_file.get(peer.name):
            count = sum(count_by_rule.values())
            changes.append(f"leaves out {count} {'finding' if count == 1 else 'findings'} by {_words_text(sorted(count_by_rule))}")
        if peer.runner_labels:
            changes.append(_list_text("names runners", peer.runner_labels))
        if peer.registries:
            changes.append(_list_text("trusts registries", peer.registries))
        if changes or peer.refused:
            yield SettingsEffect(shown_word(peer.name), tuple(changes), peer.refused, locked_by)


def shown_word(word: str) -> str:
    """A word of a settings file as a line may hold it: bounded, and in quotes where it could be taken for the line's own words."""
    short_word = word if len(word) <= MAX_WORD_LENGTH else f"{word[: MAX_WORD_LENGTH - 1]}…"
    return short_word if _PLAIN_WORD.fullmatch(short_word) else repr(short_word)


def _words_text(words: Iterable[str]) -> str:
    """The first words, and how many more there are."""
    all_words = list(words)
    hidden_count = len(all_words) - MAX_WORDS_SHOWN
    shown_words = [shown_word(one) for one in all_words[:MAX_WORDS_SHOWN]]
    return join_names([*shown_words, f"{hidden_count} more"] if hidden_count > 0 else shown_words)


def _changes(config: Config, overruled_settings: Collection[str]) -> Iterable[str]:
    """What the settings of a file are beside the defaults, what opens the gate most first."""
    for setting, describe in _DESCRIPTION_BY_SETTING.items():
        description = describe(config) if setting in config.given and setting not in overruled_settings else ""
        if description:
            yield description


def _fail_on_text(config: Config) -> str:
    if config.fail_on == Config().fail_on:
        return ""
    return "gate off (fail-on never)" if config.fail_on == "never" else f"fail-on {config.fail_on}"


def _list_text(verb: str, words: Iterable[str]) -> str:
    words_text = _words_text(words)
    return f"{verb} {words_text}" if words_text else ""


def _ratings_text(config: Config) -> str:
    """What rules are called, each with its severity; in quotes a word could not be taken for the line's own."""
    rated = [one for entry in config.path_rules if entry.setting == "severity" for one in entry.severities]
    hidden_count = len(rated) - MAX_WORDS_SHOWN
    texts = [f"{shown_word(one.word)} {one.severity}" for one in rated[:MAX_WORDS_SHOWN]]
    return f"rates {join_names([*texts, f'{hidden_count} more'] if hidden_count > 0 else texts)}" if rated else ""


def _locked_text(config: Config) -> str:
    is_all_locked = set(config.locked_words) >= {*lockable_settings(), *LOCKABLE_FILE_WORDS}
    return _list_text("locks", [LOCK_ALL, *config.locked] if is_all_locked else [*config.locked_words, *config.locked])


_DESCRIPTION_BY_SETTING: Mapping[str, Callable[[Any], str]] = {
    "fail-on": _fail_on_text,
    "min-score": lambda config: f"min-score {config.min_score}",
    "ignore": lambda config: _list_text("ignores", config.ignore),
    "profile": lambda config: "" if config.profile == Config().profile else f"profile {shown_word(config.profile)}",
    "select": lambda config: _list_text("selects", config.select),
    "extend-select": lambda config: _list_text("selects besides", config.extend_select),
    "severity": _ratings_text,
    "per-path-ignores": lambda config: _list_text("ignores rules in", (one.glob for one in config.path_rules if one.setting == "per-path-ignores")),
    "per-path": lambda config: _list_text("other rules in", (one.glob for one in config.path_rules if one.setting == "per-path")),
    "exclude": lambda config: _list_text("excludes", config.exclude),
    "waivers": lambda config: _list_text("waives", dict.fromkeys(one.rule for one in config.waivers)),
    "baseline": lambda config: f"baseline {shown_word(config.baseline.name)}",
    "purpose": lambda config: _list_text("purpose of", (pattern for pattern, *_ in config.purposes)),
    "environments": lambda config: _list_text("production is", (word for _, words in config.environments.by_sort() for word, _ in words)),
    "parameters": lambda config: _list_text("parameters of", (rule for rule, *_ in config.parameters)),
    "rules": lambda config: _list_text("rules in", (one.name for one in config.rules)),
    "foreign-ignores": lambda config: "" if config.foreign_ignores else "words for other linters do not count",
    "documents": lambda config: "documents judged" if config.documents else "documents left out",
    "shellcheck": lambda config: "asks ShellCheck" if config.shellcheck else "",
    "checklists": lambda config: _list_text("checklists", config.checklists),
    "locked": _locked_text,
}
