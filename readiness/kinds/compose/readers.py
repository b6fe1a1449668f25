"""Who reads the variables of an environment file: lines of compose files, those that are commented out told apart."""

from __future__ import annotations

import posixpath
import re
from typing import NamedTuple

from readiness.kinds.compose.environment import env_file_path, env_files
from readiness.kinds.compose.model import Variable
from readiness.kinds.compose.parts import variable_settings
from readiness.model.project import Project

_VARIABLE_USE = re.compile(r"\$\{?([A-Za-z_]\w{0,100})")


class VariablesByUse(NamedTuple):
    """Names of the variables that the compose files of a project fill in, in lines that are read and in others, and the paths
    of the files that services are given whole."""

    read: frozenset[str]
    commented_out: frozenset[str]
    whole_files: frozenset[str]


def variables_by_use(project: Project) -> VariablesByUse:
    """The variables of all compose files of a project by their use."""
    read: set[str] = set()
    commented_out: set[str] = set()
    whole_files: set[str] = set()
    for document in project.documents_of_kind("compose"):
        for line in document.source.text.splitlines():
            names = commented_out if line.lstrip().startswith("#") else read
            names.update(match[1] for match in _VARIABLE_USE.finditer(line))
        for service in document.services.values():
            files = env_files(service.extended_node)
            whole_files |= {env_file_path(one.path, document.folder, document.environment.values) for one in files}
    return VariablesByUse(frozenset(read), frozenset(commented_out), frozenset(whole_files))


def is_reader_commented_out(name: str, path: str, project: Project) -> bool:
    """Whether compose files take a variable of an `.env` only in lines that are commented out, and none is given the whole file."""
    if posixpath.basename(path) != ".env":
        return False
    used = project.memoize(variables_by_use)
    return name in used.commented_out and name not in used.read and path not in used.whole_files


def settings_beside_variable(variable: Variable) -> dict[str, str]:
    """The settings in whose company a variable stands: those of its environment file, else those of the service."""
    if variable.env_file_value is not None:
        entries = variable.env_file_value.document.parsed_env_file.entries
        return {one.name: one.raw_value.strip("\"'") for one in entries if one.raw_value is not None}
    written = variable_settings(variable.source, variable.node, "environment")
    return {one.name: one.raw_value for one in written if isinstance(one.raw_value, str)}
