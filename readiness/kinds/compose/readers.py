"""Who reads the variables of an environment file: lines of compose files, those that are commented out told apart."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import NamedTuple

from readiness.kinds.compose.environment import env_file_references, resolved_path_or_hole
from readiness.kinds.compose.model import Service, Variable
from readiness.kinds.compose.parts import mount_specs, variable_settings_under_key
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK

_VARIABLE_REFERENCE = lazy_regex(r"\$\{?([A-Za-z_]\w{0,100})")


class VariablesByUse(NamedTuple):
    """Names of the variables that the compose files of a project fill in, in lines that are read and in others, and the paths
    of the files that services are given whole."""

    read: frozenset[str]
    commented_out: frozenset[str]
    whole_files: frozenset[str]


def variable_names_by_use(project: Project) -> VariablesByUse:
    """The variables of all compose files of a project by their use."""
    names_in_active_lines: set[str] = set()
    names_in_commented_lines: set[str] = set()
    env_file_paths: set[str] = set()
    for document in project.documents_of_kind("compose"):
        for compose_line in document.source.text.splitlines():
            names_of_line_sort = names_in_commented_lines if compose_line.lstrip().startswith("#") else names_in_active_lines
            names_of_line_sort.update(match[1] for match in _VARIABLE_REFERENCE.finditer(compose_line))
        for service in document.services.values():
            passed_settings = variable_settings_under_key(document.source, service.extended_node, "environment")
            names_in_active_lines.update(one.name for one in passed_settings if one.raw_value is None)
            service_env_files = env_file_references(service.extended_node)
            env_file_paths |= {resolved_path_or_hole(one.path, document.folder, document.environment.values) for one in service_env_files}
    return VariablesByUse(frozenset(names_in_active_lines), frozenset(names_in_commented_lines), frozenset(env_file_paths))


def is_variable_only_in_comments(variable_name: str, env_file_path_to_check: str, project: Project) -> bool:
    """Whether compose files take a variable of an `.env` only in lines that are commented out, and none is given the whole file."""
    if posixpath.basename(env_file_path_to_check) != ".env":
        return False
    names_by_use = project.memoize(variable_names_by_use)
    return (
        variable_name in names_by_use.commented_out
        and variable_name not in names_by_use.read
        and env_file_path_to_check not in names_by_use.whole_files
    )


_PROGRAM_FILE_NAME = lazy_regex(
    r"(?:package\.json|composer\.json|Gemfile|Cargo\.toml|go\.mod|pyproject\.toml|requirements\.txt|pom\.xml|artisan"
    r"|[^/]*\.(?:py|js|mjs|cjs|ts|rb|php|go|rs))\Z"
)
_DOTENV_PATH = lazy_regex(r"(?:\A|[\s/\"'=])\.env(?![\w.-])")
_DOTENV_WRITTEN = lazy_regex(r"\bsed (?:-\w+ )?-i|\btouch |>[ ]?[\"']?[^\s>]{0,200}\.env")


def is_variable_taken_by_nothing(variable_name: str, env_file_path: str, project: Project) -> bool:
    """Whether compose files take other variables of an `.env`, and nothing takes this one.

    What else may read the file is: a service that is given it whole, or whose mounts have it; a script; a program beside it, as
    frameworks read their `.env` themselves. Of an `.env` of which compose files take nothing nobody can tell whose it is.
    """
    folder, file_name = posixpath.split(env_file_path)
    if file_name != ".env":
        return False
    names_by_use = project.memoize(variable_names_by_use)
    if variable_name in names_by_use.read or any(path == env_file_path or UNKNOWN_VALUE_MARK in path for path in names_by_use.whole_files):
        return False
    documents_with_file = [one for one in project.documents_of_kind("compose") if one.folder == folder]
    return (
        any(names_by_use.read & one.environment.values_with_secrets.keys() for one in documents_with_file)
        and not any(_PROGRAM_FILE_NAME.match(posixpath.basename(path)) for path in _paths_in_folder(folder, project))
        and not any(_may_script_read_dotenv(script.text) for script in project.scripts)
        and not any(
            _may_have_file(service, mount.source, env_file_path)
            for document in project.documents_of_kind("compose")
            for service in document.services.values()
            for mount in mount_specs(service.extended_node, service.env_values)
        )
    )


def _may_script_read_dotenv(script_text: str) -> bool:
    """Whether a line of a script names an `.env` and does not just write it."""
    return any(_DOTENV_PATH.search(line) and not _DOTENV_WRITTEN.search(line) for line in script_text.splitlines())


def _paths_in_folder(folder: str, project: Project) -> Iterator[str]:
    return (path for path in project.paths if posixpath.dirname(path) == folder)


def _may_have_file(service: Service, mounted_path: str, file_path: str) -> bool:
    """Whether a path that a service mounts is a file, or a folder above it; one that a variable hides may be."""
    if UNKNOWN_VALUE_MARK in mounted_path:
        return True
    host_path = posixpath.normpath(posixpath.join(service.document.folder, mounted_path))
    return mounted_path.startswith(".") and (host_path in {file_path, "."} or file_path.startswith(f"{host_path}/"))


def sibling_values_by_name(variable: Variable) -> dict[str, str]:
    """The settings in whose company a variable stands: those of its environment file, else those of the service."""
    if variable.env_file_value is not None:
        env_file_entries = variable.env_file_value.document.parsed_env_file.entries
        return {one.name: one.raw_value.strip("\"'") for one in env_file_entries if one.raw_value is not None}
    service_settings = variable_settings_under_key(variable.source, variable.node, "environment")
    return {one.name: one.raw_value for one in service_settings if isinstance(one.raw_value, str)}
