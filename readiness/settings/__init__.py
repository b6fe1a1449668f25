"""`.readiness.yaml`: the settings of a project, and mistakes in them at their places."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PureWindowsPath
from typing import Any, NamedTuple

from readiness import files, tree_paths
from readiness.model import ParseError, Source, Span, spelling
from readiness.model.package import DATA_FOLDER
from readiness.model.records import dataclass
from readiness.syntax.nodes import has_more_entries
from readiness.syntax.yaml import Map, Seq, load_yaml_documents

SETTINGS_FILENAME = ".readiness.yaml"
MAX_SETTINGS_FILE_BYTES = 256 * 1024
MAX_SETTINGS_ENTRIES = 20_000  # what an alias stands for counts each time
SETTINGS_SCHEMA_PATH = DATA_FOLDER / "config.schema.json"
LOCK_ALL = "all"  # in `locked`: every setting, and what the files of the tree say to the tool
LOCKABLE_FILE_WORDS = ("comments", "foreign-ignores")  # in `locked`: what files say, and no setting; any settings file may lock these


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


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of a run, as the file gives them; what it leaves out has the default of the tool.

    `parameters` are (rule, its parameters, where they stand), `purposes` (glob over paths, what files there are for, where that stands).
    `folder` is the file's, `prefix` what leads from what its paths are relative to to the working directory: a file that was
    found is about its folder, one that was named about where it is used. `given` are the settings that the file has, `locked` the rules
    that nothing may suppress, `locked_words` the settings and the words in files that what stands below can't set. Of settings that
    were put together from several files `layers` are these, the one that counts most first.
    """

    source: Source | None = None
    profile: str = "recommended"
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fail_on: str = "high"
    min_score: int | None = None
    exclude: tuple[str, ...] = ()
    documents: bool | None = None
    shellcheck: bool = False
    checklists: tuple[str, ...] = ()
    rules: tuple[Path, ...] = ()
    baseline: Path | None = None
    parameters: tuple[tuple[str, Mapping[str, Any], str], ...] = ()
    locked: tuple[str, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    environments: Environments = Environments()
    folder: Path | None = None
    prefix: str = ""
    purposes: tuple[tuple[str, str, str], ...] = ()
    given: tuple[str, ...] = ()
    locked_words: tuple[str, ...] = ()
    layers: tuple[SettingsLayer, ...] = ()

    @property
    def sources(self) -> tuple[Source, ...]:
        """The texts of the files that the settings come from."""
        return tuple(one.config.source for one in self.layers if one.config.source) or ((self.source,) if self.source else ())


class SettingsLayer(NamedTuple):
    """A settings file of a run: what reports call it, what it says, and which of its settings another file locks."""

    name: str
    config: Config
    refused: tuple[str, ...] = ()


def find_settings_file(start_folder: Path) -> Path | None:
    """The `.readiness.yaml` of a folder or of the nearest folder above it, up to the root of its repository.

    Raises ConfigError where it is a link that leads out of its folder. What is no regular file is found all the same: that it can't be
    read is told, for settings that are passed over in silence would be other settings.
    """
    current_folder = start_folder.resolve()
    while True:
        settings_file = current_folder / SETTINGS_FILENAME
        if os.path.lexists(settings_file):
            if not tree_paths.is_inside_folder(current_folder, settings_file):
                raise ConfigError(SETTINGS_FILENAME, "is a link that leads out of its directory; copy the file here")
            return settings_file
        if tree_paths.is_repository_root(current_folder) or current_folder.parent == current_folder:
            return None
        current_folder = current_folder.parent


def load_config(settings_path: Path, *, display_path: str = "", is_named: bool = True) -> Config:
    """The settings in a file. Raises ConfigError with file, line and column.

    `is_named` says that somebody named the file: it may lock settings of the file that comes with the tree. `display_path` is what reports
    call it, where that is not its own path.
    """
    report_path = display_path or (settings_path.name if settings_path.name == SETTINGS_FILENAME else settings_path.as_posix())
    try:
        settings_bytes = files.read_regular_file(settings_path, MAX_SETTINGS_FILE_BYTES)
    except OSError as error:
        raise ConfigError(report_path, f"cannot be read: {files.os_error_text_without_path(error)}") from None
    return parse_config(report_path, settings_bytes, settings_path.parent, may_lock_settings=is_named)


def parse_config(report_path: str, settings_bytes: bytes, settings_folder: Path, *, may_lock_settings: bool) -> Config:
    """The settings in the bytes of a file in a folder. Raises ConfigError with file, line and column."""
    try:
        source = Source(report_path, settings_bytes.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ConfigError(report_path, "cannot be read: not UTF-8") from None
    try:
        documents = load_yaml_documents(source.text)
    except ParseError as error:
        raise ConfigError(file_line_column_text(source, error.offset), error.message) from None
    settings_map = documents[0] if documents else None
    if settings_map is None:
        return Config(source, folder=settings_folder)
    if not isinstance(settings_map, Map) or len(documents) > 1:
        raise ConfigError(file_line_column_text(source, 0), "the settings are one mapping")
    validate_settings(source, settings_map)
    locked_rule_words, locked_words = _locked_rules_and_words(source, settings_map, may_lock_settings=may_lock_settings)
    return Config(
        source,
        profile=settings_map.get("profile", "recommended"),
        select=tuple(settings_map.get("select", ())),
        ignore=tuple(settings_map.get("ignore", ())),
        fail_on=settings_map.get("fail-on", "high"),
        min_score=settings_map.get("min-score"),
        exclude=tuple(settings_map.get("exclude", ())),
        documents=settings_map.get("documents"),
        shellcheck=settings_map.get("shellcheck", False),
        checklists=tuple(settings_map.get("checklists", ())),
        rules=tuple(
            _resolve_path_inside_folder(source, settings_folder, folder, settings_map["rules"].at(number).start, "--rules")
            for number, folder in enumerate(settings_map.get("rules", ()))
        ),
        baseline=_resolve_path_inside_folder(source, settings_folder, settings_map["baseline"], settings_map.at("baseline").start, "--baseline")
        if "baseline" in settings_map
        else None,
        parameters=tuple(
            (rule, given, file_line_column_text(source, settings_map["parameters"].key_span(rule).start))
            for rule, given in settings_map.get("parameters", {}).items()
        ),
        locked=locked_rule_words,
        locked_words=locked_words,
        waivers=tuple(parse_waiver(source, item) for item in settings_map.get("waivers", ())),
        environments=_production_environments(source, settings_map),
        folder=settings_folder,
        purposes=tuple(
            (pattern, word, f"{source.path}:{source.position_of(settings_map['purpose'].key_span(pattern).start).line}")
            for pattern, word in settings_map.get("purpose", {}).items()
        ),
        given=tuple(sorted(settings_map)),
    )


def lockable_settings() -> tuple[str, ...]:
    """The settings that `locked` may name: all but itself."""
    schema = json.loads(SETTINGS_SCHEMA_PATH.read_text(encoding="utf-8"))
    return tuple(name for name in schema["properties"] if name != "locked")


def _locked_rules_and_words(source: Source, settings_map: Map, *, may_lock_settings: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(rules, settings and words in files) that `locked` names. Raises ConfigError for a setting where nothing stands below the file."""
    if "locked" not in settings_map:
        return (), ()
    locked = settings_map["locked"]
    words_and_offsets = (
        [(locked, settings_map.at("locked").start)]
        if isinstance(locked, str)
        else [(word, locked.at(number).start) for number, word in enumerate(locked)]
    )
    settings_names = lockable_settings()
    locked_words: set[str] = set()
    for word, offset in words_and_offsets:
        if word in {LOCK_ALL, *settings_names} and not may_lock_settings:
            raise ConfigError(
                file_line_column_text(source, offset),
                f"locked: {word} is for a file that is given with --config, above the one that comes with the tree, which cannot hold"
                f" itself; here stand rules, {' and '.join(LOCKABLE_FILE_WORDS)}",
            )
        if word == LOCK_ALL:
            locked_words |= {*settings_names, *LOCKABLE_FILE_WORDS}
        elif word in settings_names or word in LOCKABLE_FILE_WORDS:
            locked_words.add(word)
    known_words = {LOCK_ALL, *settings_names, *LOCKABLE_FILE_WORDS}
    return tuple(word for word, _ in words_and_offsets if word not in known_words), tuple(sorted(locked_words))


def _production_environments(source: Source, settings_map: Map) -> Environments:
    """What the settings take for production."""
    patterns_by_sort = settings_map.get("environments", {}).get("production", {})
    return Environments(
        **{
            sort: tuple((word, file_line_column_text(source, words.at(number).start)) for number, word in enumerate(words))
            for sort, words in patterns_by_sort.items()
        }
    )


def config_seen_from_directory(settings_config: Config, working_directory: Path) -> Config:
    """The settings of a file that was found in a working directory or above it."""
    if settings_config.folder is None or not working_directory.resolve().is_relative_to(settings_config.folder.resolve()):
        return settings_config
    prefix_from_settings_folder = working_directory.resolve().relative_to(settings_config.folder.resolve()).as_posix()
    return replace(settings_config, prefix="" if prefix_from_settings_folder == "." else prefix_from_settings_folder)


def _resolve_path_inside_folder(source: Source, settings_folder: Path, path_text: str, path_offset: int, option_name: str) -> Path:
    """A path that the settings name: it stays in their folder, for they may come with the tree that is judged."""
    resolved_path = settings_folder / path_text
    if Path(path_text).is_absolute() or PureWindowsPath(path_text).drive or not tree_paths.is_inside_folder(settings_folder, resolved_path):
        raise ConfigError(
            file_line_column_text(source, path_offset),
            f"{path_text[:200]!r} leads out of the directory of these settings; put it inside, or give it as {option_name}",
        )
    return resolved_path


def parse_waiver(source: Source, waiver_map: Map) -> Waiver:
    """The waiver that an entry of `waivers` describes. Raises ConfigError."""
    expiry_date = waiver_map.get("until")
    if expiry_date is not None:
        try:
            datetime.date.fromisoformat(expiry_date)
        except ValueError:
            raise ConfigError(file_line_column_text(source, waiver_map.at("until").start), f"{expiry_date} is no date") from None
    return Waiver(
        waiver_map["rule"],
        waiver_map.get("path", ""),
        waiver_map.get("resource", ""),
        waiver_map["reason"],
        waiver_map.get("owner", ""),
        expiry_date,
        source.position_of(waiver_map.at().start).line,
        waiver_map.at("rule"),
        source,
    )


def validate_settings(source: Source, settings_map: Map) -> None:
    """Hold the settings against their schema. Raises ConfigError for the first mistake, at its place."""
    import jsonschema

    _verify_entry_count_and_duplicates(source, settings_map)
    schema = json.loads(SETTINGS_SCHEMA_PATH.read_text(encoding="utf-8"))
    schema_errors = sorted(
        jsonschema.Draft202012Validator(schema).iter_errors(settings_map),
        key=lambda e: ([str(p) for p in e.path], e.message),
    )
    if schema_errors:
        error_offset, message = explain_schema_error(settings_map, schema_errors[0], schema)
        raise ConfigError(file_line_column_text(source, error_offset), message)


def _verify_entry_count_and_duplicates(source: Source, settings_map: Map) -> None:
    """Raise ConfigError for settings of more entries than anybody writes, and for a list that says a thing twice."""
    if has_more_entries(settings_map, MAX_SETTINGS_ENTRIES):
        raise ConfigError(file_line_column_text(source, 0), f"settings have {MAX_SETTINGS_ENTRIES} entries at most")
    for setting_name, setting_value in settings_map.items():
        seen_elements: set[str] = set()
        for element_index, element in enumerate(setting_value if isinstance(setting_value, Seq) else ()):
            if isinstance(element, str) and element in seen_elements:
                location = file_line_column_text(source, setting_value.at(element_index).start)
                raise ConfigError(location, f"{setting_name} names {element[:200]!r} twice")
            seen_elements |= {element} if isinstance(element, str) else set()


def explain_schema_error(settings_map: Map, error: Any, schema: dict[str, Any]) -> tuple[int, str]:
    """(offset, message) of a schema error, in words that say what is allowed."""
    current_node: Any = settings_map
    parent_node, last_step = None, None
    for path_step in error.path:
        parent_node, last_step, current_node = current_node, path_step, current_node[path_step]
    dotted_key_path = ".".join(str(path_step) for path_step in error.path)
    error_span = parent_node.at(last_step) if parent_node is not None else settings_map.at()
    if error.validator == "additionalProperties":
        allowed_keys = sorted(error.schema["properties"])
        unknown_key = next(unknown_key for unknown_key in current_node if unknown_key not in allowed_keys)
        suggestion_text = spelling.did_you_mean_text(str(unknown_key), allowed_keys) or f"; there are {', '.join(allowed_keys)}"
        return current_node.key_span(unknown_key).start, f"no setting is called {str(unknown_key)[:80]!r}{suggestion_text}"
    if error.validator == "enum":
        return (
            error_span.start,
            f"{dotted_key_path} is {str(current_node)[:80]!r}; allowed are {', '.join(map(str, error.validator_value))}",
        )
    if error.validator == "type":
        return error_span.start, f"{dotted_key_path or 'the file'} must be of type {error.validator_value}"
    if error.validator == "required":
        missing_keys = [unknown_key for unknown_key in error.validator_value if unknown_key not in current_node]
        return error_span.start, f"{dotted_key_path} lacks {' and '.join(missing_keys)}"
    return error_span.start, f"{dotted_key_path}: {_shorten_validator_message(error.message)}"


def _shorten_validator_message(validator_message: str) -> str:
    """A message of the validator, which quotes all of a value."""
    return validator_message if len(validator_message) <= 300 else f"{validator_message[:200]} … {validator_message[-80:]}"


def file_line_column_text(source: Source, offset: int) -> str:
    """`file:line:column` of an offset."""
    line_and_column = source.position_of(offset)
    return f"{source.path}:{line_and_column.line}:{line_and_column.column}"
