"""`.readiness.yaml`: the settings of a project, and mistakes in them at their places."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from readiness import files
from readiness.model import ParseError, Source, Span, spelling
from readiness.model.package import DATA
from readiness.syntax.yaml import Map, load_all

NAME = ".readiness.yaml"
SCHEMA = DATA / "config.schema.json"


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
class Config:
    """The settings of a run, as the file gives them; what it leaves out has the default of the tool.

    `parameters` are (rule, its parameters, where they stand).
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


def nearest(start: Path) -> Path | None:
    """The `.readiness.yaml` of `start` or of the nearest folder above it, up to the root of its repository."""
    here = start.resolve()
    while True:
        file = here / NAME
        if file.is_file():
            return file
        if (here / ".git").exists() or here.parent == here:
            return None
        here = here.parent


def load(path: Path) -> Config:
    """The settings in a file. Raises ConfigError with file, line and column."""
    shown = path.name if path.name == NAME else path.as_posix()
    try:
        source = Source(shown, files.read(path, files.MIB).decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError(shown, f"cannot be read: {files.reason_of(error)}") from None
    except UnicodeDecodeError:
        raise ConfigError(shown, "cannot be read: not UTF-8") from None
    try:
        documents = load_all(source.text)
    except ParseError as error:
        raise ConfigError(where(source, error.offset), error.message) from None
    spec = documents[0] if documents else None
    if spec is None:
        return Config(source)
    if not isinstance(spec, Map) or len(documents) > 1:
        raise ConfigError(where(source, 0), "the settings are one mapping")
    validate(source, spec)
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
        rules=tuple(path.parent / folder for folder in spec.get("rules", ())),
        baseline=path.parent / spec["baseline"] if "baseline" in spec else None,
        parameters=tuple(
            (rule, given, where(source, spec["parameters"].key(rule).start))
            for rule, given in spec.get("parameters", {}).items()
        ),
        locked=tuple(spec.get("locked", ())),
        waivers=tuple(waiver(source, item) for item in spec.get("waivers", ())),
    )


def waiver(source: Source, item: Map) -> Waiver:
    """One entry of `waivers`."""
    until = item.get("until")
    if until is not None:
        try:
            datetime.date.fromisoformat(until)
        except ValueError:
            raise ConfigError(
                where(source, item.at("until").start), f"{until} is no date"
            ) from None
    return Waiver(
        item["rule"],
        item.get("path", ""),
        item.get("resource", ""),
        item["reason"],
        item.get("owner", ""),
        until,
        source.position(item.at().start).line,
        item.at("rule"),
    )


def validate(source: Source, spec: Map) -> None:
    """Hold the settings against their schema. Raises ConfigError for the first mistake, at its place."""
    import jsonschema

    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    errors = sorted(
        jsonschema.Draft202012Validator(schema).iter_errors(spec),
        key=lambda e: ([str(p) for p in e.path], e.message),
    )
    if errors:
        offset, message = explain(spec, errors[0], schema)
        raise ConfigError(where(source, offset), message)


def explain(spec: Map, error: Any, schema: dict[str, Any]) -> tuple[int, str]:
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
        hint = spelling.hint(key, allowed) or f"; there are {', '.join(allowed)}"
        return node.key(key).start, f"no setting is called {key!r}{hint}"
    if error.validator == "enum":
        return (
            span.start,
            f"{name} is {node!r}; allowed are {', '.join(map(str, error.validator_value))}",
        )
    if error.validator == "type":
        return span.start, f"{name or 'the file'} must be of type {error.validator_value}"
    if error.validator == "required":
        absent = [key for key in error.validator_value if key not in node]
        return span.start, f"{name} lacks {' and '.join(absent)}"
    return span.start, f"{name}: {error.message}"


def where(source: Source, offset: int) -> str:
    """`file:line:column` of an offset."""
    position = source.position(offset)
    return f"{source.path}:{position.line}:{position.column}"
