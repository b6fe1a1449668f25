"""From the mapping of a settings file to the settings that it gives, each mistake at its place."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

from readiness.model import Severity, Source, Span
from readiness.settings.globs import normal_glob, problem_of_glob
from readiness.settings.mistakes import validate_settings
from readiness.settings.model import (
    LOCK_ALL,
    LOCKABLE_FILE_WORDS,
    Config,
    ConfigError,
    Environments,
    PathRules,
    SeveritySetting,
    Waiver,
    lockable_settings,
)
from readiness.settings.required_version import problem_of_required_version
from readiness.syntax.yaml import Map, Seq
from readiness.tree_paths import is_inside_folder

_SETTINGS_WITH_PLACES = ("profile", "select", "extend-select", "ignore", "exclude", "checklists", "locked")


def settings_in_map(source: Source, settings_map: Map, settings_folder: Path, *, may_lock_settings: bool) -> Config:
    """The settings that a mapping gives. Raises ConfigError with file, line and column.

    `may_lock_settings` says that the file stands above that of the tree, and may lock settings of it.
    """
    _verify_required_version(source, settings_map)
    validate_settings(source, settings_map)
    _verify_globs(source, settings_map)
    locked_rule_words, locked_words = _locked_rules_and_words(source, settings_map, may_lock_settings=may_lock_settings)
    return Config(
        source,
        profile=settings_map.get("profile", "recommended"),
        select=tuple(settings_map.get("select", ())),
        extend_select=tuple(settings_map.get("extend-select", ())),
        ignore=tuple(settings_map.get("ignore", ())),
        path_rules=tuple(_path_rules(source, settings_map)),
        fail_on=settings_map.get("fail-on", "high"),
        min_score=settings_map.get("min-score"),
        exclude=tuple(map(normal_glob, settings_map.get("exclude", ()))),
        documents=settings_map.get("documents"),
        shellcheck=settings_map.get("shellcheck", False),
        foreign_ignores=settings_map.get("foreign-ignores", True),
        checklists=tuple(settings_map.get("checklists", ())),
        rules=tuple(
            _resolve_path_inside_folder(source, settings_folder, folder, settings_map["rules"].at(number).start, "--rules")
            for number, folder in enumerate(settings_map.get("rules", ()))
        ),
        baseline=_resolve_path_inside_folder(source, settings_folder, settings_map["baseline"], settings_map.at("baseline").start, "--baseline")
        if "baseline" in settings_map
        else None,
        parameters=tuple(
            (rule, given, source.place_text(settings_map["parameters"].key_span(rule).start))
            for rule, given in settings_map.get("parameters", {}).items()
        ),
        locked=locked_rule_words,
        locked_words=locked_words,
        waivers=tuple(parse_waiver(source, item) for item in settings_map.get("waivers", ())),
        environments=_production_environments(source, settings_map),
        folder=settings_folder,
        purposes=tuple(
            (normal_glob(pattern), word, f"{source.path}:{source.position_of(settings_map['purpose'].key_span(pattern).start).line}")
            for pattern, word in settings_map.get("purpose", {}).items()
        ),
        given=tuple(sorted(settings_map)),
        span_by_word=dict(_spans_of_words(settings_map)),
    )


def _verify_required_version(source: Source, settings_map: Map) -> None:
    """Raise ConfigError where the file is for another version: told before anything else, for that version may know other settings."""
    requirement = settings_map.get("required-version")
    if isinstance(requirement, str) and (problem := problem_of_required_version(requirement)):
        raise ConfigError(source.place_text(settings_map.at("required-version").start), problem)


def _verify_globs(source: Source, settings_map: Map) -> None:
    """Raise ConfigError for a glob that is absolute."""
    for pattern, offset in _globs_with_offsets(settings_map):
        if problem := problem_of_glob(pattern):
            raise ConfigError(source.place_text(offset), problem)


def _globs_with_offsets(settings_map: Map) -> Iterator[tuple[str, int]]:
    """The globs over paths of all settings, with where they stand."""
    for number, pattern in enumerate(settings_map.get("exclude", ())):
        yield pattern, settings_map["exclude"].at(number).start
    for setting in ("purpose", "per-path", "per-path-ignores"):
        yield from ((pattern, settings_map[setting].key_span(pattern).start) for pattern in settings_map.get(setting, ()))
    for waiver_map in settings_map.get("waivers", ()):
        if "path" in waiver_map:
            yield waiver_map["path"], waiver_map.at("path").start
    production_map = settings_map.get("environments", {}).get("production", {})
    for sort in ("values", "overlays"):
        yield from ((pattern, production_map[sort].at(number).start) for number, pattern in enumerate(production_map.get(sort, ())))


def _severity_settings(source: Source, mapping: Map) -> tuple[SeveritySetting, ...]:
    """The entries of `severity` in a mapping, in order."""
    severity_map = mapping.get("severity", {})
    return tuple(
        SeveritySetting(word, Severity[name.upper()], source.place_text(severity_map.key_span(word).start)) for word, name in severity_map.items()
    )


def _path_rules(source: Source, settings_map: Map) -> Iterator[PathRules]:
    """What `severity` says of all files, and the entries of `per-path-ignores` and `per-path`, in order."""
    if "severity" in settings_map:
        yield PathRules("*", "", severities=_severity_settings(source, settings_map), setting="severity", source=source)
    for pattern, words in settings_map.get("per-path-ignores", {}).items():
        span = settings_map["per-path-ignores"].key_span(pattern)
        yield PathRules(normal_glob(pattern), pattern, ignore=tuple(words), setting="per-path-ignores", source=source, span=span)
    for pattern, entry in settings_map.get("per-path", {}).items():
        yield PathRules(
            normal_glob(pattern),
            pattern,
            profile=entry.get("profile"),
            select=tuple(entry["select"]) if "select" in entry else None,
            extend_select=tuple(entry.get("extend-select", ())),
            ignore=tuple(entry.get("ignore", ())),
            severities=_severity_settings(source, entry),
            source=source,
            span=settings_map["per-path"].key_span(pattern),
        )


def _spans_of_words(mapping: Map) -> Iterator[tuple[tuple[str, str], Span]]:
    """((setting, word), where it stands) of the words that may name nothing, and of each setting by itself."""
    for setting in mapping:
        yield (setting, ""), mapping.key_span(setting)
    for setting in _SETTINGS_WITH_PLACES:
        value = mapping.get(setting)
        if isinstance(value, str):
            yield (setting, value), mapping.at(setting)
        elif isinstance(value, Seq):
            for number, word in enumerate(value):
                yield from (((setting, written), value.at(number)) for written in dict.fromkeys((word, normal_glob(word))))
    if "baseline" in mapping:
        yield ("baseline", mapping["baseline"]), mapping.at("baseline")
    yield from ((("rules", folder), mapping["rules"].at(number)) for number, folder in enumerate(mapping.get("rules", ())))
    for setting in ("parameters", "severity"):
        yield from (((setting, word), mapping[setting].key_span(word)) for word in mapping.get(setting, {}))
    for pattern, words in mapping.get("per-path-ignores", {}).items():
        yield from (((f"per-path-ignores {pattern}", word), words.at(number)) for number, word in enumerate(words))
    for pattern, entry in mapping.get("per-path", {}).items():
        yield from (((f"per-path {pattern} {setting}", word), span) for (setting, word), span in _spans_of_words(entry))


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
                source.place_text(offset),
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
            sort: tuple((word, source.place_text(words.at(number).start)) for number, word in enumerate(words))
            for sort, words in patterns_by_sort.items()
        }
    )


def _resolve_path_inside_folder(source: Source, settings_folder: Path, path_text: str, path_offset: int, option_name: str) -> Path:
    """A path that the settings name: it stays in their folder, for they may come with the tree that is judged."""
    resolved_path = settings_folder / path_text
    if Path(path_text).is_absolute() or PureWindowsPath(path_text).drive or not is_inside_folder(settings_folder, resolved_path):
        raise ConfigError(
            source.place_text(path_offset),
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
            raise ConfigError(
                source.place_text(waiver_map.at("until").start), f"until is a date like 2027-06-30, and {expiry_date} is no day"
            ) from None
    return Waiver(
        waiver_map["rule"],
        normal_glob(waiver_map.get("path", "")),
        waiver_map.get("resource", ""),
        waiver_map["reason"],
        waiver_map.get("owner", ""),
        expiry_date,
        source.position_of(waiver_map.at().start).line,
        waiver_map.at("rule"),
        source,
    )
