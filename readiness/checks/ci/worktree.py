"""The working tree of a job: folders of the workspace, and what a command or an action runs of the code in them."""

from __future__ import annotations

import functools
import posixpath
import re
from collections.abc import Iterator
from typing import Any

from readiness.facts import actions, programs
from readiness.facts.table import rows
from readiness.kinds.github.model import Job, Step
from readiness.kinds.pipeline.scripts import Call
from readiness.syntax.yaml import Map

_WORKSPACE = re.compile(
    r"(?:\$\{?GITHUB_WORKSPACE\}?|\$\{\{ *github\.workspace *\}\}|\$\{?PWD\}?|\$\(pwd\))(?:/|\Z)"
)
_OUTSIDE = re.compile(
    r"\A(?:\$\{?(?:RUNNER_TEMP|RUNNER_TOOL_CACHE|HOME|TMPDIR|GITHUB_ACTION_PATH)\b\}?|\$\(mktemp[^)]{0,40}\)|~"
    r"|\$\{\{ *(?:runner\.\w+|github\.action_path) *\}\})"
)
_VARIABLE = re.compile(r"[$`]")
_FILE = re.compile(r"[\w./@+-]{1,200}\Z")
_EXTENSION = re.compile(r"\.(?:sh|bash|py|js|cjs|mjs|ts|rb|pl|php|ps1|R|jl|lua|zsh)\Z")
UNKNOWN = "?"
_LINE = 1200  # characters of a command that are looked at


@functools.cache
def _commands() -> tuple[re.Pattern[str], ...]:
    """Those that run the code of the folder that they are started in, over `program word word ...`."""
    return tuple(re.compile(row["command"]) for row in rows("working-tree-commands").values())


def inside(folder: str | None, path: str) -> str | None:
    """A path from a folder of the workspace: relative in it, absolute outside; None where it is no path.

    What a variable holds is `?`: `app/$NAME/src` is `app/?`. What the runner keeps elsewhere is absolute: `$RUNNER_TEMP/a` is
    `/RUNNER_TEMP/a`.
    """
    found = _WORKSPACE.match(path)
    if found is not None:
        folder, path = "", path[found.end() :]
    path = _OUTSIDE.sub(_elsewhere, path)
    told = _VARIABLE.split(path, maxsplit=1)
    if len(told) > 1:
        path = posixpath.join(told[0].rpartition("/")[0], UNKNOWN)
    elif path and not _FILE.match(path):
        return None
    if folder is None:
        return None
    whole = posixpath.normpath(posixpath.join(folder, path))
    return None if whole.startswith("..") else "" if whole == "." else whole


def _elsewhere(found: re.Match[str]) -> str:
    return "/" + re.sub(r"\W", "", found[0])


def within(path: str, folder: str) -> bool:
    """Whether a path is a folder or something in it; the workspace itself is the empty folder."""
    if not folder:
        return not path.startswith("/")
    return path == folder or path.startswith(folder + "/")


def start(step: Step) -> str | None:
    """The folder in which a step's script starts."""
    holders: list[Map] = [step.node]
    if isinstance(step.owner, Job):
        for node in (step.owner.node, step.owner.workflow.node):
            run = node.dig("defaults").get("run")
            holders += [run] if isinstance(run, Map) else []
    for holder in holders:
        folder = holder.get("working-directory")
        if isinstance(folder, str):
            return inside("", folder)
    return ""


def moved(call: Call, folder: str | None) -> str | None:
    """The folder after a `cd`."""
    target = call.verbs[0] if call.verbs else "~"
    return inside(folder, target)


def runs(call: Call, folder: str | None) -> Iterator[str]:
    """The files and folders of the workspace whose code a command runs, when it is started in a folder.

    A build runs the code of where it is started and of the folders that it names: `make -C pr`, `pip install -r pr/x.txt`.
    """
    script = _script(call)
    if script:
        yield from _known(folder, script)
        return
    line = " ".join((call.program, *call.words))[:_LINE].replace("\n", " ")
    if not any(pattern.match(line) for pattern in _commands()):
        return
    for word in call.words:
        yield from _known(folder, word.rpartition("=")[2])
    if folder is not None:
        yield folder


def _known(folder: str | None, path: str) -> Iterator[str]:
    """A path, where it is one and no variable hides a part of it."""
    found = inside(folder, path)
    if found and UNKNOWN not in (inside("", path) or ""):
        yield found


def _script(call: Call) -> str:
    """The file that a command runs: itself where it is written with its folder, or what an interpreter is given."""
    words = call.text[:_LINE].split()
    path = next(
        (word.strip("\"'") for word in words if word.strip("\"'").endswith("/" + call.program)), ""
    )
    if path:
        return path
    if not programs.fact(call.program, "interpreter"):
        return ""
    for word in call.words:
        if word in ("-c", "-e", "-m", "-Command", "-r", "-s", "--eval"):
            return ""
        if not word.startswith("-") and not word.startswith("+"):
            return word if "/" in word or _EXTENSION.search(word) else ""
    return ""


def action_runs(step: Step) -> Iterator[str]:
    """The folder of the workspace whose code an action runs: a local action is that code, others build or test it."""
    used = step.uses
    if used is None:
        return
    if used.form == "local":
        found = inside("", used.path.removeprefix("$/"))
        if found is not None:
            yield found
        return
    options, key = step.options, actions.fact(used.slug, "runs-code-with")
    if actions.fact(used.slug, "runs-code") or (key is not None and _set(options.get(key))):
        named = (
            options.get(name)
            for name in ("context", "working-directory", "path", "build-root-directory", "source")
        )
        folder = next((value for value in named if isinstance(value, str)), "")
        found = inside("", folder)
        if found is not None:
            yield found


def _set(value: Any) -> bool:
    return value not in (None, False, "", "false")
