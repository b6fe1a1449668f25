"""Commands of workflow steps that name files of the repository: where they stand, and whether the files were there before."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from readiness.facts.actions import files_brought_by
from readiness.facts.table import column
from readiness.kinds.github.model import Job, Step
from readiness.kinds.github.uses import repository_root
from readiness.kinds.gitlab import model
from readiness.kinds.pipeline.scripts import Call, script_calls
from readiness.model import Span
from readiness.syntax.text import Text
from readiness.syntax.yaml import Map

MANY = 256  # commands of a script that are looked at

_WRITES = re.compile(
    r"(?<![-=<>&\d])(?:\d?>{1,2}\|?)(?![&>(]|[ \t]*/dev/|[ \t]*[\"']?\$\{?GITHUB_)"
)


Runner = Step | model.Job


@dataclass(frozen=True, slots=True)
class CommandPlace:
    """A command of a step or a job, with the folder that it runs in, as a path of the tree.

    `clean`: the repository stands before it as it was pushed, and nothing has written to it since.
    """

    text: Text
    call: Call
    folder: str
    clean: bool

    def span(self, word: str, after: int = 0) -> Span:
        """Where a word of the command stands."""
        start = self.text.value.find(word, self.call.start + after, self.call.end)
        found = start >= 0
        return self.text.part(
            start if found else self.call.start, start + len(word) if found else self.call.end
        )

    def path(self, word: str) -> str | None:
        """A literal path relative to where the command runs, as a path of the tree; None for anything else."""
        return path_inside(self.folder, word)


def path_inside(folder: str, word: str) -> str | None:
    """A literal relative path from a folder; None where it is absolute, holds a variable or is a pattern."""
    if not word or word.startswith(("/", "~", "-")) or "://" in word:
        return None
    if any(char in word for char in "$*?[]{}<>`|;&()\"'\\,%") or word.startswith("git@"):
        return None
    return posixpath.normpath(posixpath.join(folder, word))


def placed_commands(runner: Runner) -> Iterator[CommandPlace]:
    """The commands of a step or a job that run in a folder which is known: no `cd` before them, no other shell."""
    if isinstance(runner, model.Job):
        path = runner.file.whole[0].source.path  # a part runs where the whole does
        folder = posixpath.dirname(path) if posixpath.basename(path) == ".gitlab-ci.yml" else None
        texts = list(islice(runner.scripts, MANY))
        clean = _starts_clean(runner.file)
    else:
        folder = working_folder(runner)
        texts = [runner.run] if runner.run is not None else []
        clean = is_checkout_untouched(runner)
        if runner.shell not in {"bash", "sh", ""}:
            return
    if folder is None:
        return
    for text in texts:
        start = first_write_offset(text.value)
        for call in islice(script_calls(text.value), MANY):
            if call.program in {"cd", "pushd", "popd", "ssh", "su", "chroot", "nix-shell"}:
                return
            before = clean and (start is None or start >= call.start)
            yield CommandPlace(text, call, folder, before)
        clean = clean and start is None


def _starts_clean(file: model.File) -> bool:
    """Whether the jobs of a pipeline start with the repository alone: no artifacts, caches or files of others."""
    if "project.fresh" not in file.memo:
        nodes = [each.node for each in file.whole]
        nodes += [node for each in nodes for node in each.values() if isinstance(node, Map)]
        keys = {key for node in nodes for key in node}
        values = {name for node in nodes for name in _variable_names(node.get("variables"))}
        others = {"artifacts", "cache", "trigger"} & keys or file.includes
        file.memo["project.fresh"] = not others and not any(
            name.startswith("GIT_") for name in values
        )
    known: bool = file.memo["project.fresh"]
    return known


def _variable_names(variables: object) -> list[str]:
    return list(variables) if isinstance(variables, Map) else []


def working_folder(step: Step) -> str | None:
    """The folder that a step's script starts in; None where a variable says it or the root is not known."""
    root = repository_root(step.source.path)
    job, workflow = step.job, step.workflow
    if root is None or job is None or workflow is None:
        return None
    folder = step.node.get("working-directory")
    for node in (job.node, workflow.node):
        if folder is not None:
            break
        folder = node.dig("defaults", "run").get("working-directory")
    if folder is None:
        return root
    return path_inside(root, folder.strip()) if isinstance(folder, str) else None


def is_checkout_untouched(step: Step) -> bool:
    """Whether the repository stands before a step as it was pushed: checked out whole, and nothing wrote to it since."""
    job, workflow = step.job, step.workflow
    if job is None or workflow is None or step.dead:
        return False
    known = workflow.memo.setdefault("project.untouched", {})
    if job.name not in known:
        known[job.name] = _untouched_steps(job)
    return step.number in known[job.name]


def _untouched_steps(job: Job) -> frozenset[int]:
    """The numbers of the steps of a job before which the repository is whole and as it was pushed."""
    untouched, checked_out = set(), False
    for step in job.steps:
        if checked_out:
            untouched.add(step.number)
        used = step.uses
        if used is not None:
            if not files_brought_by(used.name):
                break
            if used.name == "actions/checkout":
                if {"repository", "ref", "path", "sparse-checkout"} & set(step.options):
                    break
                checked_out = True
        elif step.run is not None and first_write_offset(step.run.value) is not None:
            break
    return frozenset(untouched)


@lru_cache(maxsize=256)
def first_write_offset(script: str) -> int | None:
    """Where a script first does something that may write a file; None where it does nothing of the sort."""
    redirection = _WRITES.search(script)
    starts = [redirection.start()] if redirection is not None else []
    starts += [call.start for call in script_calls(script) if not _writes_nothing(call)][:1]
    return min(starts, default=None)


def _writes_nothing(call: Call) -> bool:
    if call.program in {"docker", "podman"}:
        return "cp" not in call.verbs[:2] and "run" not in call.verbs[:2]
    if call.program in {"git"}:
        return call.verbs[:1] in {("config",), ("log",), ("rev-parse",), ("describe",), ("fetch",)}
    if call.program in {"npm", "yarn", "pnpm"}:
        return call.verbs[:1] in {("ci",), ("install",), ("test",)}
    return call.program in column("programs", "makes-nothing")


def count_mentions(runner: Runner, word: str) -> int:
    """How often a script speaks of a path: more than it is deployed, and the script may look whether it is there."""
    texts = runner.scripts if isinstance(runner, model.Job) else [runner.run]
    return sum(text.value.count(word) for text in texts if text is not None)


def is_conditional(runner: Runner) -> bool:
    """Whether a step may find nothing and pass: it looks whether files are there, or may fail."""
    if isinstance(runner, model.Job):
        may_fail = runner.value("allow_failure") not in (None, False)
        return may_fail or "exists" in str(runner.value("rules"))
    nodes = [runner.node, *([runner.job.node] if runner.job is not None else [])]
    return any(
        "hashFiles" in str(node.get("if")) or node.get("continue-on-error") not in (None, False)
        for node in nodes
    )
