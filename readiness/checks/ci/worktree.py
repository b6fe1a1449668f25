"""The working tree of a job: folders of the workspace, and what a command or an action runs of the code in them."""

from __future__ import annotations

import functools
import posixpath
import re
from collections.abc import Iterator
from typing import Any

from readiness.facts import actions, programs
from readiness.facts.table import fact_rows
from readiness.kinds.github.model import Job, Step
from readiness.kinds.pipeline.scripts import ScriptCommand
from readiness.syntax.yaml import Map

_WORKSPACE_PREFIX = re.compile(r"(?:\$\{?GITHUB_WORKSPACE\}?|\$\{\{ *github\.workspace *\}\}|\$\{?PWD\}?|\$\(pwd\))(?:/|\Z)")
_PATH_OUTSIDE_WORKSPACE = re.compile(
    r"\A(?:\$\{?(?:RUNNER_TEMP|RUNNER_TOOL_CACHE|HOME|TMPDIR|GITHUB_ACTION_PATH)\b\}?|\$\(mktemp[^)]{0,40}\)|~"
    r"|\$\{\{ *(?:runner\.\w+|github\.action_path) *\}\})"
)
_VARIABLE_OR_SUBSTITUTION = re.compile(r"[$`]")
_PLAIN_PATH = re.compile(r"[\w./@+-]{1,200}\Z")
_SCRIPT_EXTENSION = re.compile(r"\.(?:sh|bash|py|js|cjs|mjs|ts|rb|pl|php|ps1|R|jl|lua|zsh)\Z")
UNKNOWN_FOLDER = "?"
_MAX_COMMAND_CHARACTERS = 1200  # characters of a command that are looked at


@functools.cache
def _code_running_command_patterns() -> tuple[re.Pattern[str], ...]:
    """Those that run the code of the folder that they are started in, over `program word word ...`."""
    return tuple(re.compile(row["command"]) for row in fact_rows("working-tree-commands").values())


def workspace_path(folder: str | None, path: str) -> str | None:
    """A path from a folder of the workspace: relative in it, absolute outside; None where it is no path.

    What a variable holds is `?`: `app/$NAME/src` is `app/?`. What the runner keeps elsewhere is absolute: `$RUNNER_TEMP/a` is
    `/RUNNER_TEMP/a`.
    """
    match = _WORKSPACE_PREFIX.match(path)
    if match is not None:
        folder, path = "", path[match.end() :]
    path = _PATH_OUTSIDE_WORKSPACE.sub(_path_elsewhere, path)
    parts = _VARIABLE_OR_SUBSTITUTION.split(path, maxsplit=1)
    if len(parts) > 1:
        path = posixpath.join(parts[0].rpartition("/")[0], UNKNOWN_FOLDER)
    elif path and not _PLAIN_PATH.match(path):
        return None
    if folder is None:
        return None
    joined = posixpath.normpath(posixpath.join(folder, path))
    return None if joined.startswith("..") else "" if joined == "." else joined


def _path_elsewhere(match: re.Match[str]) -> str:
    return "/" + re.sub(r"\W", "", match[0])


def is_within(path: str, folder: str) -> bool:
    """Whether a path is a folder or something in it; the workspace itself is the empty folder."""
    if not folder:
        return not path.startswith("/")
    return path == folder or path.startswith(folder + "/")


def start_folder(step: Step) -> str | None:
    """The folder in which a step's script starts."""
    holders: list[Map] = [step.node]
    if isinstance(step.owner, Job):
        for node in (step.owner.node, step.owner.workflow.node):
            run = node.mapping_at_path("defaults").get("run")
            holders += [run] if isinstance(run, Map) else []
    for holder in holders:
        folder = holder.get("working-directory")
        if isinstance(folder, str):
            return workspace_path("", folder)
    return ""


def folder_after_cd(call: ScriptCommand, folder: str | None) -> str | None:
    """The working folder after a `cd`: relative inside the workspace, absolute outside; None where it cannot be told."""
    target = call.non_option_arguments[0] if call.non_option_arguments else "~"
    return workspace_path(folder, target)


def paths_run_by(call: ScriptCommand, folder: str | None) -> Iterator[str]:
    """The files and folders of the workspace whose code a command runs, when it is started in a folder.

    A build runs the code of where it is started and of the folders that it names: `make -C pr`, `pip install -r pr/x.txt`.
    """
    script = _script_path(call)
    if script:
        yield from _known_paths(folder, script)
        return
    line = " ".join((call.program, *call.words))[:_MAX_COMMAND_CHARACTERS].replace("\n", " ")
    if not any(pattern.match(line) for pattern in _code_running_command_patterns()):
        return
    for word in call.words:
        yield from _known_paths(folder, word.rpartition("=")[2])
    if folder is not None:
        yield folder


def _known_paths(folder: str | None, path: str) -> Iterator[str]:
    """A path, where it is one and no variable hides a part of it."""
    found = workspace_path(folder, path)
    if found and UNKNOWN_FOLDER not in (workspace_path("", path) or ""):
        yield found


def _script_path(call: ScriptCommand) -> str:
    """The file that a command runs: itself where it is written with its folder, or what an interpreter is given."""
    words = call.text[:_MAX_COMMAND_CHARACTERS].split()
    path = next((word.strip("\"'") for word in words if word.strip("\"'").endswith("/" + call.program)), "")
    if path:
        return path
    if not programs.program_property(call.program, "interpreter"):
        return ""
    for word in call.words:
        if word in ("-c", "-e", "-m", "-Command", "-r", "-s", "--eval"):
            return ""
        if not word.startswith("-") and not word.startswith("+"):
            return word if "/" in word or _SCRIPT_EXTENSION.search(word) else ""
    return ""


def folders_run_by_action(step: Step) -> Iterator[str]:
    """The folder of the workspace whose code an action runs: a local action is that code, others build or test it."""
    used = step.parsed_uses
    if used is None:
        return
    if used.reference_kind == "local":
        started_in = workspace_path("", used.path.removeprefix("$/"))
        if started_in is not None:
            yield started_in
        return
    options, key = step.with_inputs, actions.action_property(used.slug, "runs-code-with")
    if actions.action_property(used.slug, "runs-code") or (key is not None and _is_set(options.get(key))):
        named = (options.get(name) for name in ("context", "working-directory", "path", "build-root-directory", "source"))
        folder = next((value for value in named if isinstance(value, str)), "")
        started_in = workspace_path("", folder)
        if started_in is not None:
            yield started_in


def _is_set(value: Any) -> bool:
    return value not in (None, False, "", "false")
