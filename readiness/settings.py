"""`.readiness.yaml`: the settings of a project, and mistakes in them at their places."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath
from typing import Any

from readiness import files
from readiness.model import ParseError, Source, Span, spelling
from readiness.model.package import DATA_FOLDER
from readiness.syntax.yaml import Map, Seq, load_yaml_documents

SETTINGS_FILENAME = ".readiness.yaml"
MAX_BYTES = 256 * 1024
MAX_ENTRIES = 20_000  # what an alias stands for counts each time
SCHEMA_PATH = DATA_FOLDER / "config.schema.json"


class ConfigError(Exception):
    """A setting that cannot be used: where it stands (`file:line:column`) and what to change."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(f"{where}: {message}")
        self.where = where
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

    `parameters` are (rule, its parameters, where they stand), `purposes` (glob over paths, what files there are for, its line).
    `folder` is the file's, `prefix` what leads from what its paths are relative to to the working directory: a file that was
    found is about its folder, one that was named about where it is used.
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
    purposes: tuple[tuple[str, str, int], ...] = ()


def find_settings_file(start: Path) -> Path | None:
    """The `.readiness.yaml` of `start` or of the nearest folder above it, up to the root of its repository.

    Raises ConfigError where it is a link that leads out of its folder.
    """
    here = start.resolve()
    while True:
        file = here / SETTINGS_FILENAME
        if file.is_file():
            if not is_inside(here, file):
                raise ConfigError(SETTINGS_FILENAME, "is a link that leads out of its directory; copy the file here")
            return file
        if (here / ".git").exists() or here.parent == here:
            return None
        here = here.parent


def load_config(path: Path) -> Config:
    """The settings in a file. Raises ConfigError with file, line and column."""
    report_path = path.name if path.name == SETTINGS_FILENAME else path.as_posix()
    try:
        source = Source(report_path, files.read_regular_file(path, MAX_BYTES).decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError(report_path, f"cannot be read: {files.os_error_text(error)}") from None
    except UnicodeDecodeError:
        raise ConfigError(report_path, "cannot be read: not UTF-8") from None
    try:
        documents = load_yaml_documents(source.text)
    except ParseError as error:
        raise ConfigError(location_text(source, error.offset), error.message) from None
    spec = documents[0] if documents else None
    if spec is None:
        return Config(source, folder=path.parent)
    if not isinstance(spec, Map) or len(documents) > 1:
        raise ConfigError(location_text(source, 0), "the settings are one mapping")
    validate_settings(source, spec)
    return Config(
        source,
        profile=spec.get("profile", "recommended"),
        select=tuple(spec.get("select", ())),
        ignore=tuple(spec.get("ignore", ())),
        fail_on=spec.get("fail-on", "high"),
        min_score=spec.get("min-score"),
        exclude=tuple(spec.get("exclude", ())),
        documents=spec.get("documents"),
        shellcheck=spec.get("shellcheck", False),
        checklists=tuple(spec.get("checklists", ())),
        rules=tuple(
            _resolve_named_path(source, path.parent, folder, spec["rules"].at(number).start, "--rules")
            for number, folder in enumerate(spec.get("rules", ()))
        ),
        baseline=_resolve_named_path(source, path.parent, spec["baseline"], spec.at("baseline").start, "--baseline")
        if "baseline" in spec
        else None,
        parameters=tuple(
            (rule, given, location_text(source, spec["parameters"].key_span(rule).start))
            for rule, given in spec.get("parameters", {}).items()
        ),
        locked=tuple(spec.get("locked", ())),
        waivers=tuple(parse_waiver(source, item) for item in spec.get("waivers", ())),
        environments=_environments(source, spec),
        folder=path.parent,
        purposes=tuple(
            (pattern, word, source.position_of(spec["purpose"].key_span(pattern).start).line)
            for pattern, word in spec.get("purpose", {}).items()
        ),
    )


def _environments(source: Source, spec: Map) -> Environments:
    """What the settings take for production."""
    named = spec.get("environments", {}).get("production", {})
    return Environments(
        **{
            sort: tuple((word, location_text(source, words.at(number).start)) for number, word in enumerate(words))
            for sort, words in named.items()
        }
    )


def seen_from(file: Config, base: Path) -> Config:
    """The settings of a file that was found in a working directory or above it."""
    if file.folder is None or not base.resolve().is_relative_to(file.folder.resolve()):
        return file
    prefix = base.resolve().relative_to(file.folder.resolve()).as_posix()
    return replace(file, prefix="" if prefix == "." else prefix)


def is_inside(folder: Path, path: Path) -> bool:
    """Whether a path stays in a folder when all links are followed."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # links that go round, a NUL in a name
        return False


def _resolve_named_path(source: Source, folder: Path, path_text: str, offset: int, option: str) -> Path:
    """A path that the settings name: it stays in their folder, for they may come with the tree that is judged."""
    path = folder / path_text
    if Path(path_text).is_absolute() or PureWindowsPath(path_text).drive or not is_inside(folder, path):
        raise ConfigError(
            location_text(source, offset),
            f"{path_text[:200]!r} leads out of the directory of these settings; put it inside, or give it as {option}",
        )
    return path


def parse_waiver(source: Source, item: Map) -> Waiver:
    """The waiver that an entry of `waivers` describes. Raises ConfigError."""
    until = item.get("until")
    if until is not None:
        try:
            datetime.date.fromisoformat(until)
        except ValueError:
            raise ConfigError(location_text(source, item.at("until").start), f"{until} is no date") from None
    return Waiver(
        item["rule"],
        item.get("path", ""),
        item.get("resource", ""),
        item["reason"],
        item.get("owner", ""),
        until,
        source.position_of(item.at().start).line,
        item.at("rule"),
    )


def validate_settings(source: Source, spec: Map) -> None:
    """Hold the settings against their schema. Raises ConfigError for the first mistake, at its place."""
    import jsonschema

    _verify_size(source, spec)
    schema = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    errors = sorted(
        jsonschema.Draft202012Validator(schema).iter_errors(spec),
        key=lambda e: ([str(p) for p in e.path], e.message),
    )
    if errors:
        offset, message = explain_schema_error(spec, errors[0], schema)
        raise ConfigError(location_text(source, offset), message)


def _verify_size(source: Source, spec: Map) -> None:
    """Raise ConfigError for settings of more entries than anybody writes, and for a list that says a thing twice."""
    left = MAX_ENTRIES
    stack: list[Any] = [spec]
    while stack:
        node = stack.pop()
        inner = list(node.values()) if isinstance(node, Map) else node if isinstance(node, Seq) else ()
        left -= len(inner)
        if left < 0:
            raise ConfigError(location_text(source, 0), f"settings have {MAX_ENTRIES} entries at most")
        stack += inner
    for key, value in spec.items():
        seen: set[str] = set()
        for number, element in enumerate(value if isinstance(value, Seq) else ()):
            if isinstance(element, str) and element in seen:
                place = location_text(source, value.at(number).start)
                raise ConfigError(place, f"{key} names {element[:200]!r} twice")
            seen |= {element} if isinstance(element, str) else set()


def explain_schema_error(spec: Map, error: Any, schema: dict[str, Any]) -> tuple[int, str]:
    """(offset, message) of a schema error, in words that say what is allowed."""
    node: Any = spec
    parent, last = None, None
    for step in error.path:
        parent, last, node = node, step, node[step]
    name = ".".join(str(step) for step in error.path)
    span = parent.at(last) if parent is not None else spec.at()
    if error.validator == "additionalProperties":
        allowed = sorted(error.schema["properties"])
        key = next(key for key in node if key not in allowed)
        hint = spelling.did_you_mean_text(str(key), allowed) or f"; there are {', '.join(allowed)}"
        return node.key_span(key).start, f"no setting is called {str(key)[:80]!r}{hint}"
    if error.validator == "enum":
        return (
            span.start,
            f"{name} is {str(node)[:80]!r}; allowed are {', '.join(map(str, error.validator_value))}",
        )
    if error.validator == "type":
        return span.start, f"{name or 'the file'} must be of type {error.validator_value}"
    if error.validator == "required":
        absent = [key for key in error.validator_value if key not in node]
        return span.start, f"{name} lacks {' and '.join(absent)}"
    return span.start, f"{name}: {_shorten_validator_message(error.message)}"


def _shorten_validator_message(text: str) -> str:
    """A message of the validator, which quotes all of a value."""
    return text if len(text) <= 300 else f"{text[:200]} … {text[-80:]}"


def location_text(source: Source, offset: int) -> str:
    """`file:line:column` of an offset."""
    position = source.position_of(offset)
    return f"{source.path}:{position.line}:{position.column}"
