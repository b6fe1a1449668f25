"""What environment files say to a compose file: `.env` beside it, and the files that services name under `env_file`."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import Any

from readiness.kinds import dotenv
from readiness.kinds.compose.parts import expand_scalar
from readiness.kinds.variables import VariableSetting
from readiness.model import Source, Span
from readiness.model.records import dataclass
from readiness.syntax import secrets
from readiness.syntax.dotenv import EnvEntry, parse_raw_env_file, resolve_entries
from readiness.syntax.holes import has_variable_sign
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.yaml import Map, Seq

MAX_ENTRIES_PER_ENV_FILE = 2000  # of one file; no real one has as many
MAX_ENV_VALUE_LENGTH = 256  # characters; what is longer settles nothing, so that no value can be blown up with it


@dataclass(frozen=True, slots=True)
class EnvFileValue:
    """One value that an environment file gives: the entry, the file, and the value with HOLE for what nobody can tell."""

    entry: EnvEntry
    document: dotenv.Document
    value: str

    def setting_of(self, variable_name: str) -> VariableSetting:
        """The setting of a variable of this value; an empty one settles nothing."""
        env_entry = self.entry
        return VariableSetting(variable_name, env_entry.raw_value, self.value or None, env_entry.value_span, env_entry.name_span, self.source)

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

    `values` may be shown; `values_with_secrets` has the secrets too, for comparing only; `env_file_values_and_is_complete` are all with
    their places.
    A value that is empty settles nothing: who commits `PASSWORD=` means that it is filled in elsewhere.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    values_with_secrets: Mapping[str, str] = field(default_factory=dict)
    env_file_values: Mapping[str, EnvFileValue] = field(default_factory=dict)


EMPTY_ENVIRONMENT = Environment()


def environment_from_env_files(env_documents: Iterable[dotenv.Document], outer_environment: Environment = EMPTY_ENVIRONMENT) -> Environment:
    """Files one after the other, the later first in rank, and `outer_environment` before them all."""
    env_file_value_by_name: dict[str, EnvFileValue] = {}
    for env_document in env_documents:
        env_file_value_by_name |= env_file_value_by_name_of(env_document, env_document.parsed_env_file.entries, outer_environment.values_with_secrets)
    return environment_of({**env_file_value_by_name, **outer_environment.env_file_values})


def environment_of(env_file_value_by_name: Mapping[str, EnvFileValue]) -> Environment:
    """The environment that some settings make."""
    value_by_name = {name: one.value for name, one in env_file_value_by_name.items() if 0 < len(one.value) <= MAX_ENV_VALUE_LENGTH}
    secret_names = _secret_variable_names(env_file_value_by_name)
    non_secret_value_by_name = {name: text for name, text in value_by_name.items() if name not in secret_names}
    return Environment(non_secret_value_by_name, value_by_name, env_file_value_by_name)


def _secret_variable_names(env_file_value_by_name: Mapping[str, EnvFileValue]) -> set[str]:
    """The settings that hold a secret: by their names, by what is written in them, or by what fills them in."""
    user_names_by_used_variable: dict[str, list[str]] = {}
    pending_secret_names: list[str] = []
    for variable_name, env_file_value in env_file_value_by_name.items():
        if has_variable_sign(env_file_value.entry.raw_value or "") and not env_file_value.entry.is_literal:
            for used_variable_name in expand_scalar(env_file_value.entry.raw_value).variable_names:
                user_names_by_used_variable.setdefault(used_variable_name, []).append(variable_name)
        if secrets.is_secret_name(variable_name) or any(True for _ in secrets.possible_secret_spans(env_file_value.value)):
            pending_secret_names.append(variable_name)
    secret_names: set[str] = set()
    while pending_secret_names:
        variable_name = pending_secret_names.pop()
        if variable_name not in secret_names:
            secret_names.add(variable_name)
            pending_secret_names += user_names_by_used_variable.get(variable_name, ())
    return secret_names


def env_file_value_by_name_of(
    env_document: dotenv.Document, env_entries: Iterable[EnvEntry], outer_value_by_name: Mapping[str, str]
) -> dict[str, EnvFileValue]:
    """name -> what a file gives it; nothing where it has more to say than any real one."""
    env_entries = [one for one in env_entries if one.name]
    if len(env_entries) > MAX_ENTRIES_PER_ENV_FILE:
        env_document.source.unread_part = f"it has more than {MAX_ENTRIES_PER_ENV_FILE:,} variables, and what they give to services is not known"
        return {}
    resolved_value_by_name = resolve_entries(env_entries, outer_value_by_name)
    return {entry.name: EnvFileValue(entry, env_document, resolved_value_by_name[entry.name]) for entry in env_entries if entry.raw_value is not None}


@dataclass(frozen=True, slots=True)
class EnvFile:
    """One entry of `env_file`: its path as written, its place, whether it must be there, whether it is read as it stands."""

    path: str
    span: Span
    required: bool = True
    raw: bool = False


def env_file_references(service_node: Any) -> Iterator[EnvFile]:
    """The environment files that a service names, in its short and long forms."""
    env_file_section = service_node.get("env_file") if isinstance(service_node, Map) else None
    if isinstance(env_file_section, str):
        yield EnvFile(env_file_section, service_node.at("env_file"))
    for index, env_file_entry in enumerate(env_file_section) if isinstance(env_file_section, Seq) else ():
        if isinstance(env_file_entry, str):
            yield EnvFile(env_file_entry, service_node["env_file"].at(index))
        elif isinstance(env_file_entry, Map) and isinstance(env_file_path_text := env_file_entry.get("path"), str):
            is_optional = env_file_entry.get("required") in (False, "false")
            yield EnvFile(env_file_path_text, env_file_entry.at("path"), not is_optional, env_file_entry.get("format") == "raw")


def env_file_values_and_are_all_read(
    service_node: Any,
    compose_folder: str,
    env_document_by_path: Mapping[str, dotenv.Document],
    outer_value_by_name: Mapping[str, str],
) -> tuple[dict[str, EnvFileValue], bool]:
    """What a service's environment files give it, and whether all of them could be read.

    `outer_value_by_name` fills in their variables, and those in their names.
    """
    env_file_value_by_name: dict[str, EnvFileValue] = {}
    is_complete = True
    for env_file_reference in env_file_references(service_node):
        env_document = env_document_by_path.get(resolved_path_or_hole(env_file_reference.path, compose_folder, outer_value_by_name))
        if env_document is None:
            is_complete = False
            continue
        env_document.read = env_document.read or not env_file_reference.raw
        if env_document.has_too_many_readers:
            is_complete = False
            continue
        parsed_env_file = parse_raw_env_file(env_document.source.text) if env_file_reference.raw else env_document.parsed_env_file
        is_complete = is_complete and parsed_env_file.problem is None
        env_file_value_by_name |= env_file_value_by_name_of(env_document, parsed_env_file.entries, outer_value_by_name)
    return env_file_value_by_name, is_complete


def resolved_path_or_hole(written_path: str, naming_folder: str, value_by_name: Mapping[str, str]) -> str:
    """The path of a file that is named in a folder; HOLE where a variable hides it."""
    expanded_path = expand_scalar(written_path, value_by_name).text
    return UNKNOWN_VALUE_MARK if UNKNOWN_VALUE_MARK in expanded_path else posixpath.normpath(posixpath.join(naming_folder, expanded_path))
