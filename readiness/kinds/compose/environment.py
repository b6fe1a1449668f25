"""What environment files say to a compose file: `.env` beside it, and the files that services name under `env_file`."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from readiness.kinds import dotenv
from readiness.kinds.compose.parts import expand_scalar
from readiness.kinds.variables import VariableSetting
from readiness.model import Source, Span
from readiness.syntax import secrets
from readiness.syntax.dotenv import EnvEntry, parse_raw_env_file, resolve_entries
from readiness.syntax.holes import has_variable
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.yaml import Map, Seq

MAX_ENV_FILE_ENTRIES = 2000  # of one file; no real one has as many
MAX_VALUE_LENGTH = 256  # characters; what is longer settles nothing, so that no value can be blown up with it


@dataclass(frozen=True, slots=True)
class EnvFileValue:
    """One value that an environment file gives: the entry, the file, and the value with HOLE for what nobody can tell."""

    entry: EnvEntry
    document: dotenv.Document
    value: str

    def setting_of(self, name: str) -> VariableSetting:
        """The setting of a variable of this value; an empty one settles nothing."""
        entry = self.entry
        return VariableSetting(name, entry.raw_value, self.value or None, entry.value_span, entry.name_span, self.source)

    @property
    def source(self) -> Source:
        """The source of the environment file that sets it."""
        return self.document.source

    @property
    def span(self) -> Span:
        """The place of the entry in that file."""
        return self.entry.value_span


@dataclass(frozen=True, slots=True)
class Environment:
    """What variables hold where nobody sets anything else.

    `values` may be shown; `values_with_secrets` has the secrets too, for comparing only; `env_file_values` are all with
    their places.
    A value that is empty settles nothing: who commits `PASSWORD=` means that it is filled in elsewhere.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    values_with_secrets: Mapping[str, str] = field(default_factory=dict)
    env_file_values: Mapping[str, EnvFileValue] = field(default_factory=dict)


EMPTY_ENVIRONMENT = Environment()


def layer_env_files(documents: Iterable[dotenv.Document], outer_environment: Environment = EMPTY_ENVIRONMENT) -> Environment:
    """Files one after the other, the later first in rank, and `outer_environment` before them all."""
    settings: dict[str, EnvFileValue] = {}
    for document in documents:
        settings |= values_of_env_file(document, document.parsed_env_file.entries, outer_environment.values_with_secrets)
    return environment_of({**settings, **outer_environment.env_file_values})


def environment_of(values: Mapping[str, EnvFileValue]) -> Environment:
    """The environment that some settings make."""
    whole = {name: one.value for name, one in values.items() if 0 < len(one.value) <= MAX_VALUE_LENGTH}
    hidden = _secret_variable_names(values)
    public = {name: text for name, text in whole.items() if name not in hidden}
    return Environment(public, whole, values)


def _secret_variable_names(values: Mapping[str, EnvFileValue]) -> set[str]:
    """The settings that hold a secret: by their names, by what is written in them, or by what fills them in."""
    used_by: dict[str, list[str]] = {}
    todo: list[str] = []
    for name, setting in values.items():
        if has_variable(setting.entry.raw_value or "") and not setting.entry.is_literal:
            for used in expand_scalar(setting.entry.raw_value).variable_names:
                used_by.setdefault(used, []).append(name)
        if secrets.is_secret_name(name) or any(True for _ in secrets.may_be_secrets(setting.value)):
            todo.append(name)
    secret: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in secret:
            secret.add(name)
            todo += used_by.get(name, ())
    return secret


def values_of_env_file(
    document: dotenv.Document, entries: Iterable[EnvEntry], outer_values: Mapping[str, str]
) -> dict[str, EnvFileValue]:
    """name -> what a file gives it; nothing where it has more to say than any real one."""
    entries = [one for one in entries if one.name]
    if len(entries) > MAX_ENV_FILE_ENTRIES:
        return {}
    values = resolve_entries(entries, outer_values)
    return {entry.name: EnvFileValue(entry, document, values[entry.name]) for entry in entries if entry.raw_value is not None}


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
    node: Any,
    folder: str,
    env_documents: Mapping[str, dotenv.Document],
    outer_values: Mapping[str, str],
) -> tuple[dict[str, EnvFileValue], bool]:
    """What a service's environment files give it, and whether all of them could be read.

    `outer_values` fills in their variables, and those in their names.
    """
    settings: dict[str, EnvFileValue] = {}
    complete = True
    for env_file in env_files(node):
        document = env_documents.get(env_file_path(env_file.path, folder, outer_values))
        if document is None:
            complete = False
            continue
        document.read = document.read or not env_file.raw
        file = parse_raw_env_file(document.source.text) if env_file.raw else document.parsed_env_file
        complete = complete and file.problem is None
        settings |= values_of_env_file(document, file.entries, outer_values)
    return settings, complete


def env_file_path(path: str, folder: str, values: Mapping[str, str]) -> str:
    """The path of a file that is named in a folder; HOLE where a variable hides it."""
    text = expand_scalar(path, values).text
    return UNKNOWN_VALUE_MARK if UNKNOWN_VALUE_MARK in text else posixpath.normpath(posixpath.join(folder, text))
