"""The working tree of a job: folders of the workspace, and what a command or an action runs of the code in them."""

from __future__ import annotations

import functools
import posixpath
import re
from collections.abc import Iterator
from typing import Any

from readiness.facts import actions, programs
from readiness.facts.table import fact_row_by_name
from readiness.kinds.github.model import Job, Step
from readiness.kinds.pipeline.scripts import ScriptCommand
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.yaml import Map

_WORKSPACE_PREFIX = lazy_regex(r"(?:\$\{?GITHUB_WORKSPACE\}?|\$\{\{ *github\.workspace *\}\}|\$\{?PWD\}?|\$\(pwd\))(?:/|\Z)")
_PATH_OUTSIDE_WORKSPACE = lazy_regex(
    r"\A(?:\$\{?(?:RUNNER_TEMP|RUNNER_TOOL_CACHE|HOME|TMPDIR|GITHUB_ACTION_PATH)\b\}?|\$\(mktemp[^)]{0,40}\)|~"
    r"|\$\{\{ *(?:runner\.\w+|github\.action_path) *\}\})"
)
_VARIABLE_OR_SUBSTITUTION = lazy_regex(r"[$`]")
_PLAIN_PATH = lazy_regex(r"[\w./@+-]{1,200}\Z")
_SCRIPT_EXTENSION = lazy_regex(r"\.(?:sh|bash|py|js|cjs|mjs|ts|rb|pl|php|ps1|R|jl|lua|zsh)\Z")
UNKNOWN_PATH_PART = "?"
_MAX_COMMAND_CHARACTERS = 1200  # characters of a command that are looked at


@functools.cache
def _code_running_command_patterns() -> tuple[re.Pattern[str], ...]:
    """Those that run the code of the folder that they are started in, over `program word word ...`."""
    return tuple(re.compile(row["command"]) for row in fact_row_by_name("working-tree-commands").values())


def workspace_path(folder: str | None, path: str) -> str | None:
    """A path from a folder of the workspace: relative in it, absolute outside; None where it is no path.

    What a variable holds is `?`: `app/$NAME/src` is `app/?`. What the runner keeps elsewhere is absolute: `$RUNNER_TEMP/a` is
    `/RUNNER_TEMP/a`.
    """
    workspace_prefix = _WORKSPACE_PREFIX.match(path)
    if workspace_prefix is not None:
        folder, path = "", path[workspace_prefix.end() :]
    path = _PATH_OUTSIDE_WORKSPACE.sub(_absolute_path_outside_workspace, path)
    parts_around_variable = _VARIABLE_OR_SUBSTITUTION.split(path, maxsplit=1)
    if len(parts_around_variable) > 1:
        path = posixpath.join(parts_around_variable[0].rpartition("/")[0], UNKNOWN_PATH_PART)
    elif path and not _PLAIN_PATH.match(path):
        return None
    if folder is None:
        return None
    normalized_path = posixpath.normpath(posixpath.join(folder, path))
    return None if normalized_path.startswith("..") else "" if normalized_path == "." else normalized_path


def _absolute_path_outside_workspace(outside_path_match: re.Match[str]) -> str:
    return "/" + re.sub(r"\W", "", outside_path_match[0])


def is_path_within_folder(path: str, folder: str) -> bool:
    """Whether a path is a folder or something in it; the workspace itself is the empty folder."""
    if not folder:
        return not path.startswith("/")
    return path == folder or path.startswith(folder + "/")


def start_folder_of_script(step: Step) -> str | None:
    """The folder in which a step's script starts."""
    nodes_with_folder: list[Map] = [step.node]
    if isinstance(step.owner, Job):
        for job_or_workflow_node in (step.owner.node, step.owner.workflow.node):
            run_defaults = job_or_workflow_node.mapping_at_path("defaults").get("run")
            nodes_with_folder += [run_defaults] if isinstance(run_defaults, Map) else []
    for settings_node in nodes_with_folder:
        working_directory = settings_node.get("working-directory")
        if isinstance(working_directory, str):
            return workspace_path("", working_directory)
    return ""


def folder_after_cd(call: ScriptCommand, folder: str | None) -> str | None:
    """The working folder after a `cd`: relative inside the workspace, absolute outside; None where it cannot be told."""
    target_folder = call.non_option_arguments[0] if call.non_option_arguments else "~"
    return workspace_path(folder, target_folder)


def paths_run_by_command(call: ScriptCommand, folder: str | None) -> Iterator[str]:
    """The files and folders of the workspace whose code a command runs, when it is started in a folder.

    A build runs the code of where it is started and of the folders that it names: `make -C pr`, `pip install -r pr/x.txt`.
    """
    script_path = _script_path_run_by_command(call)
    if script_path:
        yield from _path_without_variables(folder, script_path)
        return
    command_line = " ".join((call.program, *call.words))[:_MAX_COMMAND_CHARACTERS].replace("\n", " ")
    if not any(pattern.match(command_line) for pattern in _code_running_command_patterns()):
        return
    for command_word in call.words:
        yield from _path_without_variables(folder, command_word.rpartition("=")[2])
    if folder is not None:
        yield folder


def _path_without_variables(current_folder: str | None, path: str) -> Iterator[str]:
    """A path, where it is one and no variable hides a part of it."""
    joined_path = workspace_path(current_folder, path)
    if joined_path and UNKNOWN_PATH_PART not in (workspace_path("", path) or ""):
        yield joined_path


def _script_path_run_by_command(command: ScriptCommand) -> str:
    """The file that a command runs: itself where it is written with its folder, or what an interpreter is given."""
    command_words = command.text[:_MAX_COMMAND_CHARACTERS].split()
    written_path = next((word.strip("\"'") for word in command_words if word.strip("\"'").endswith("/" + command.program)), "")
    if written_path:
        return written_path
    if not programs.program_property(command.program, "interpreter"):
        return ""
    for word in command.words:
        if word in ("-c", "-e", "-m", "-Command", "-r", "-s", "--eval"):
            return ""
        if not word.startswith("-") and not word.startswith("+"):
            return word if "/" in word or _SCRIPT_EXTENSION.search(word) else ""
    return ""


def folders_run_by_action(step: Step) -> Iterator[str]:
    """The folder of the workspace whose code an action runs: a local action is that code, others build or test it."""
    uses_reference = step.parsed_uses
    if uses_reference is None:
        return
    if uses_reference.reference_kind == "local":
        code_folder = workspace_path("", uses_reference.path.removeprefix("$/"))
        if code_folder is not None:
            yield code_folder
        return
    action_inputs, triggering_input = step.with_inputs, actions.action_property(uses_reference.slug, "runs-code-with")
    if actions.action_property(uses_reference.slug, "runs-code") or (
        triggering_input is not None and _is_input_set(action_inputs.get(triggering_input))
    ):
        folder_inputs = (action_inputs.get(name) for name in ("context", "working-directory", "path", "build-root-directory", "source"))
        input_folder = next((value for value in folder_inputs if isinstance(value, str)), "")
        code_folder = workspace_path("", input_folder)
        if code_folder is not None:
            yield code_folder


def _is_input_set(input_value: Any) -> bool:
    return input_value not in (None, False, "", "false")
