"""What environment files say to a compose file: `.env` beside it, and the files that services name under `env_file`."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from readiness.kinds import dotenv
from readiness.kinds.compose.parts import expand_scalar
from readiness.model import Source, Span
from readiness.syntax import secrets
from readiness.syntax.dotenv import Entry, parse_raw, resolve_entries
from readiness.syntax.holes import has_variable
from readiness.syntax.interpolation import HOLE
from readiness.syntax.yaml import Map, Seq

MAX_ENTRIES = 2000  # of one file; no real one has as many
MAX_VALUE = (
    256  # characters; what is longer settles nothing, so that no value can be blown up with it
)


@dataclass(frozen=True, slots=True)
class Setting:
    """One value that an environment file gives: the entry, the file, and the value with HOLE for what nobody can tell."""

    entry: Entry
    document: dotenv.Document
    value: str

    @property
    def source(self) -> Source:
        """The source of the environment file that sets it."""
        return self.document.source

    @property
    def span(self) -> Span:
        """The place of the entry in that file."""
        return self.entry.span


@dataclass(frozen=True, slots=True)
class Environment:
    """What variables hold where nobody sets anything else.

    `values` may be shown; `whole` has the secrets too, for comparing only; `settings` are all with their places.
    A value that is empty settles nothing: who commits `PASSWORD=` means that it is filled in elsewhere.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    unmasked: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Setting] = field(default_factory=dict)


EMPTY = Environment()


def layer_env_files(
    documents: Iterable[dotenv.Document], outer: Environment = EMPTY
) -> Environment:
    """Files one after the other, the later first in rank, and `outer` before them all."""
    settings: dict[str, Setting] = {}
    for document in documents:
        settings |= settings_of(document, document.file.entries, outer.unmasked)
    return environment_of({**settings, **outer.settings})


def environment_of(settings: Mapping[str, Setting]) -> Environment:
    """The environment that some settings make."""
    whole = {name: one.value for name, one in settings.items() if 0 < len(one.value) <= MAX_VALUE}
    hidden = _secret_settings(settings)
    public = {name: text for name, text in whole.items() if name not in hidden}
    return Environment(public, whole, settings)


def _secret_settings(settings: Mapping[str, Setting]) -> set[str]:
    """The settings that hold a secret: by their names, by what is written in them, or by what fills them in."""
    used_by: dict[str, list[str]] = {}
    todo: list[str] = []
    for name, setting in settings.items():
        if has_variable(setting.entry.template or "") and not setting.entry.fixed:
            for used in expand_scalar(setting.entry.template).names:
                used_by.setdefault(used, []).append(name)
        if secrets.names_secret(name) or any(True for _ in secrets.may_be_secrets(setting.value)):
            todo.append(name)
    secret: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in secret:
            secret.add(name)
            todo += used_by.get(name, ())
    return secret


def settings_of(
    document: dotenv.Document, entries: Iterable[Entry], outer: Mapping[str, str]
) -> dict[str, Setting]:
    """name -> what a file gives it; nothing where it has more to say than any real one."""
    entries = [one for one in entries if one.name]
    if len(entries) > MAX_ENTRIES:
        return {}
    values = resolve_entries(entries, outer)
    return {
        entry.name: Setting(entry, document, values[entry.name])
        for entry in entries
        if entry.template is not None
    }


@dataclass(frozen=True, slots=True)
class EnvFile:
    """One entry of `env_file`: its path as written, its place, whether it must be there, whether it is read as it stands."""

    path: str
    span: Span
    required: bool = True
    raw: bool = False


def env_files(node: Any) -> Iterator[EnvFile]:
    """The environment files that a service names, in its short and long forms."""
    value = node.get("env_file") if isinstance(node, Map) else None
    if isinstance(value, str):
        yield EnvFile(value, node.at("env_file"))
    for index, item in enumerate(value) if isinstance(value, Seq) else ():
        if isinstance(item, str):
            yield EnvFile(item, node["env_file"].at(index))
        elif isinstance(item, Map) and isinstance(path := item.get("path"), str):
            optional = item.get("required") in (False, "false")
            yield EnvFile(path, item.at("path"), not optional, item.get("format") == "raw")


def read_env_files(
    node: Any, folder: str, files: Mapping[str, dotenv.Document], outer: Mapping[str, str]
) -> tuple[dict[str, Setting], bool]:
    """What a service's environment files give it, and whether all of them could be read.

    `outer` fills in their variables, and those in their names.
    """
    settings: dict[str, Setting] = {}
    complete = True
    for env_file in env_files(node):
        document = files.get(env_file_path(env_file.path, folder, outer))
        if document is None:
            complete = False
            continue
        document.read = document.read or not env_file.raw
        file = parse_raw(document.source.text) if env_file.raw else document.file
        complete = complete and file.problem is None
        settings |= settings_of(document, file.entries, outer)
    return settings, complete


def env_file_path(path: str, folder: str, values: Mapping[str, str]) -> str:
    """The path of a file that is named in a folder; HOLE where a variable hides it."""
    text = expand_scalar(path, values).text
    return HOLE if HOLE in text else posixpath.normpath(posixpath.join(folder, text))
