"""Who reads the variables of an environment file: lines of compose files, those that are commented out told apart."""

from __future__ import annotations

import posixpath
import re
from typing import NamedTuple

from readiness.kinds.compose.environment import env_file_references, resolved_path_or_hole
from readiness.kinds.compose.model import Variable
from readiness.kinds.compose.parts import variable_settings_under_key
from readiness.model.project import Project

_VARIABLE_REFERENCE = re.compile(r"\$\{?([A-Za-z_]\w{0,100})")


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


def sibling_values_by_name(variable: Variable) -> dict[str, str]:
    """The settings in whose company a variable stands: those of its environment file, else those of the service."""
    if variable.env_file_value is not None:
        env_file_entries = variable.env_file_value.document.parsed_env_file.entries
        return {one.name: one.raw_value.strip("\"'") for one in env_file_entries if one.raw_value is not None}
    service_settings = variable_settings_under_key(variable.source, variable.node, "environment")
    return {one.name: one.raw_value for one in service_settings if isinstance(one.raw_value, str)}
