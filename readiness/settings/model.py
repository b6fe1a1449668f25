"""What settings are in a run: the model, its limits, and the error for what cannot be used."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from readiness.model import Severity, Source, Span
from readiness.model.package import DATA_FOLDER
from readiness.model.records import dataclass

SETTINGS_SCHEMA_PATH = DATA_FOLDER / "config.schema.json"
LOCK_ALL = "all"  # in `locked`: every setting, and what the files of the tree say to the tool
LOCKABLE_FILE_WORDS = ("comments", "foreign-ignores")  # in `locked`: what files say; any settings file may lock these
SETTING_UNUSED_RULE_ID = "core/setting-unused"
SETTINGS_BELOW_ROOT = (  # what a settings file below that of the root may set: what concerns its own directory alone
    "profile", "select", "extend-select", "ignore", "exclude", "severity", "per-path", "per-path-ignores", "parameters", "purpose", "waivers",
)  # fmt: skip
# A lock of one setting holds against others by which the same could be had.
SETTINGS_LOCKED_WITH: Mapping[str, tuple[str, ...]] = {
    "fail-on": ("severity", "per-path"),
    "severity": ("per-path",),
    "ignore": ("per-path", "per-path-ignores"),
    "profile": ("select", "per-path"),
    "select": ("profile", "per-path"),
    "per-path": ("per-path-ignores",),
}


class ConfigError(Exception):
    """A setting that cannot be used: where it stands (`file:line:column`) and what to change."""

    def __init__(self, file_line_column: str, message: str) -> None:
        super().__init__(f"{file_line_column}: {message}")
        self.where = file_line_column
        self.message = message


@dataclass(frozen=True, slots=True)
class Waiver:
    """An entry of `waivers`: findings of a rule, on paths and resources that match, do not count for a reason."""

    rule: str
    path: str
    resource: str
    reason: str
    owner: str
    until: str | None
    line: int
    span: Span
    source: Source


@dataclass(frozen=True, slots=True)
class Environments:
    """Which variants of one deployable are production: patterns, each with the place where it stands.

    `values` are globs of values files, `overlays` of folders of kustomizations, `profiles` names of compose profiles,
    `branches` globs of branches.
    """

    values: tuple[tuple[str, str], ...] = ()
    overlays: tuple[tuple[str, str], ...] = ()
    profiles: tuple[tuple[str, str], ...] = ()
    branches: tuple[tuple[str, str], ...] = ()

    def by_sort(self) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
        """The patterns of each sort."""
        return (
            ("values", self.values),
            ("overlays", self.overlays),
            ("profiles", self.profiles),
            ("branches", self.branches),
        )


class SeveritySetting(NamedTuple):
    """An entry of `severity`: what a word for rules is rated, and where that stands (`file:line:column`)."""

    word: str
    severity: Severity
    place: str


class PathRules(NamedTuple):
    """Which rules hold for the files of a glob, and how bad they are: an entry of `per-path`, or a settings file for its directory.

    `profile` and `select` are None where the entry leaves the choice to what stands above it. `pattern` is the glob, relative to what all
    globs of the run are relative to, and `glob` as it is written at `source` and `span`; what holds for all files of a settings file has
    none. `is_callers` tells what stands above the tree's own settings.
    """

    pattern: str
    glob: str
    profile: str | None = None
    select: tuple[str, ...] | None = None
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severities: tuple[SeveritySetting, ...] = ()
    setting: str = "per-path"
    source: Source | None = None
    span: Span = Span(0, 0)
    is_callers: bool = False


GivenParameters = tuple[str, Mapping[str, Any], str]  # a rule, its parameters, where they stand


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of a run, as the file gives them; what it leaves out has the default of the tool.

    `callers_parameters` and `callers_purposes` are those that stand above the tree's own settings, `parameters_by_path` those of settings files below
    the root, by the glob of their directory. `purposes` are (glob over paths, what files there are for, where that stands).
    `folder` is the file's, `prefix` what leads from what its paths are relative to to the working directory: a file that was
    found is about its folder, one that was named about where it is used. `given` are the settings that the file has, `locked` the rules
    that nothing may suppress, `locked_words` the settings and the words in files that what stands below can't set. Of settings that
    were put together from several files `layers` are these, the one that counts most first. `path_rules` are what holds for some paths, what
    counts most last. `span_by_word` is where a word of a setting stands, by both.
    """

    source: Source | None = None
    profile: str = "recommended"
    select: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    path_rules: tuple[PathRules, ...] = ()
    fail_on: str = "high"
    min_score: int | None = None
    exclude: tuple[str, ...] = ()
    documents: bool | None = None
    shellcheck: bool = False
    foreign_ignores: bool = True
    checklists: tuple[str, ...] = ()
    rules: tuple[Path, ...] = ()
    baseline: Path | None = None
    parameters: tuple[GivenParameters, ...] = ()
    callers_parameters: tuple[GivenParameters, ...] = ()
    parameters_by_path: tuple[tuple[str, tuple[GivenParameters, ...]], ...] = ()
    locked: tuple[str, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    environments: Environments = Environments()
    folder: Path | None = None
    prefix: str = ""
    purposes: tuple[tuple[str, str, str], ...] = ()
    callers_purposes: tuple[tuple[str, str, str], ...] = ()
    given: tuple[str, ...] = ()
    locked_words: tuple[str, ...] = ()
    layers: tuple[SettingsLayer, ...] = ()
    is_choice_settled: bool = False
    span_by_word: Mapping[tuple[str, str], Span] = field(default_factory=dict)

    @property
    def sources(self) -> tuple[Source, ...]:
        """The texts of the files that the settings come from."""
        return tuple(one.config.source for one in self.layers if one.config.source) or ((self.source,) if self.source else ())

    def place_of(self, setting: str, word: str = "") -> str:
        """`file:line:column` of a word of a setting, or of the setting; empty where no file has it."""
        for config in (*(layer.config for layer in self.layers), self):
            if (setting, word) in config.span_by_word and config.source is not None:
                return config.source.place_text(config.span_by_word[setting, word].start)
        return ""

    def place_in_entry(self, entry: PathRules, setting: str, word: str = "") -> str:
        """`file:line:column` of a word of a setting in an entry for some paths, or in the settings file of a directory; empty where none has it."""
        scope = {"settings": setting, "per-path-ignores": f"per-path-ignores {entry.glob}"}.get(entry.setting, f"per-path {entry.glob} {setting}")
        files = (one.config for one in self.layers if one.config.source is entry.source)
        return next((place for one in files if (place := one.place_of(scope, word))), "")

    def place_of_path(self, setting: str, path: Path) -> str:
        """`file:line:column` of a setting that names a path, which is resolved there; that of the setting where the same word is not found."""
        for config in (*(layer.config for layer in self.layers), self):
            for (name, word), span in config.span_by_word.items():
                if name == setting and word and config.source is not None and path.as_posix().endswith(posixpath.normpath(word)):
                    return config.source.place_text(span.start)
        return self.place_of(setting) or path.as_posix()


class SettingsLayer(NamedTuple):
    """A settings file of a run: what reports call it, what it says, and which of its settings another file locks.

    `is_below_root` tells the file of a directory below that of the tree's own settings, whose path from there is `folder`; `is_callers` tells
    one that stands above the tree's own.
    """

    name: str
    config: Config
    refused: tuple[str, ...] = ()
    is_below_root: bool = False
    is_callers: bool = False
    folder: str = ""


@cache
def settings_schema() -> dict[str, Any]:
    """The JSON Schema of settings files."""
    schema: dict[str, Any] = json.loads(SETTINGS_SCHEMA_PATH.read_text(encoding="utf-8"))
    return schema


def lockable_settings() -> tuple[str, ...]:
    """The settings that `locked` may name: all but itself."""
    return tuple(name for name in settings_schema()["properties"] if name not in {"locked", "foreign-ignores", "required-version"})


def with_settings_locked_along(words: frozenset[str]) -> frozenset[str]:
    """Words of `locked`, and the settings that would undo what they lock."""
    return words.union(*(SETTINGS_LOCKED_WITH.get(word, ()) for word in words))
