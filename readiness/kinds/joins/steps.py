"""Commands of workflow steps that name files of the repository: where they stand, and whether the files were there before."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from readiness.facts.actions import files_action_brings
from readiness.facts.table import fact_column
from readiness.kinds.github.model import Job, Step
from readiness.kinds.github.uses import repository_root
from readiness.kinds.gitlab import model
from readiness.kinds.pipeline.scripts import ScriptCommand, script_calls
from readiness.model import Span
from readiness.syntax.text import LocatedText
from readiness.syntax.yaml import Map

MAX_COMMANDS = 256  # commands of a script that are looked at

_FILE_REDIRECTION = re.compile(r"(?<![-=<>&\d])(?:\d?>{1,2}\|?)(?![&>(]|[ \t]*/dev/|[ \t]*[\"']?\$\{?GITHUB_)")


StepOrJob = Step | model.Job


@dataclass(frozen=True, slots=True)
class LocatedCommand:
    """A command of a step or a job, with the folder that it runs in, as a path of the tree.

    `runs_on_clean_checkout`: the repository stands before it as it was pushed, and nothing has written to it since.
    """

    text: LocatedText
    call: ScriptCommand
    run_folder: str
    runs_on_clean_checkout: bool

    def span_of_word(self, word: str, after_offset: int = 0) -> Span:
        """Where a word of the command stands."""
        start = self.text.value.find(word, self.call.start + after_offset, self.call.end)
        found = start >= 0
        return self.text.span_of_part(start if found else self.call.start, start + len(word) if found else self.call.end)

    def repository_path_of_word(self, word: str) -> str | None:
        """A literal path relative to where the command runs, as a path of the tree; None for anything else."""
        return path_inside(self.run_folder, word)


def path_inside(folder: str, word: str) -> str | None:
    """A literal relative path from a folder; None where it is absolute, holds a variable or is a pattern."""
    if not word or word.startswith(("/", "~", "-")) or "://" in word:
        return None
    if any(char in word for char in "$*?[]{}<>`|;&()\"'\\,%") or word.startswith("git@"):
        return None
    return posixpath.normpath(posixpath.join(folder, word))


def commands_with_known_folder(step_or_job: StepOrJob) -> Iterator[LocatedCommand]:
    """The commands of a step or a job that run in a folder which is known: no `cd` before them, no other shell."""
    if isinstance(step_or_job, model.Job):
        path = step_or_job.file.merged_files[0].source.path  # a part runs where the whole does
        folder = posixpath.dirname(path) if posixpath.basename(path) == ".gitlab-ci.yml" else None
        texts = list(islice(step_or_job.script_texts, MAX_COMMANDS))
        clean = _starts_clean(step_or_job.file)
    else:
        folder = step_working_folder(step_or_job)
        texts = [step_or_job.run_script] if step_or_job.run_script is not None else []
        clean = is_checkout_untouched(step_or_job)
        if step_or_job.shell not in {"bash", "sh", ""}:
            return
    if folder is None:
        return
    for text in texts:
        start = first_write_offset(text.value)
        for call in islice(script_calls(text.value), MAX_COMMANDS):
            if call.program in {"cd", "pushd", "popd", "ssh", "su", "chroot", "nix-shell"}:
                return
            before = clean and (start is None or start >= call.start)
            yield LocatedCommand(text, call, folder, before)
        clean = clean and start is None


def _starts_clean(gitlab_file: model.GitlabFile) -> bool:
    """Whether the jobs of a pipeline start with the repository alone: no artifacts, caches or files of others."""
    if "project.fresh" not in gitlab_file.cached_results:
        nodes = [each.node for each in gitlab_file.merged_files]
        nodes += [node for each in nodes for node in each.values() if isinstance(node, Map)]
        keys = {key for node in nodes for key in node}
        names = {name for job in gitlab_file.all_jobs.values() for name in job.variables}
        others = {"artifacts", "cache", "trigger"} & keys or gitlab_file.includes
        gitlab_file.cached_results["project.fresh"] = not others and not any(name.startswith("GIT_") for name in names)
    known: bool = gitlab_file.cached_results["project.fresh"]
    return known


def step_working_folder(step: Step) -> str | None:
    """The folder that a step's script starts in; None where a variable says it or the root is not known."""
    root = repository_root(step.source.path)
    job, workflow = step.job, step.workflow
    if root is None or job is None or workflow is None:
        return None
    folder = step.node.get("working-directory")
    for node in (job.node, workflow.node):
        if folder is not None:
            break
        folder = node.mapping_at_path("defaults", "run").get("working-directory")
    if folder is None:
        return root
    return path_inside(root, folder.strip()) if isinstance(folder, str) else None


def is_checkout_untouched(step: Step) -> bool:
    """Whether the repository stands before a step as it was pushed: checked out whole, and nothing wrote to it since."""
    job, workflow = step.job, step.workflow
    if job is None or workflow is None or step.dead:
        return False
    known = workflow.cached_results.setdefault("project.untouched", {})
    if job.name not in known:
        known[job.name] = _untouched_steps(job)
    return step.number in known[job.name]


def _untouched_steps(job: Job) -> frozenset[int]:
    """The numbers of the steps of a job before which the repository is whole and as it was pushed."""
    untouched, checked_out = set(), False
    for step in job.steps:
        if checked_out:
            untouched.add(step.number)
        used = step.parsed_uses
        if used is not None:
            if not files_action_brings(used.lowercase_name):
                break
            if used.lowercase_name == "actions/checkout":
                if {"repository", "ref", "path", "sparse-checkout"} & set(step.with_inputs):
                    break
                checked_out = True
        elif step.run_script is not None and first_write_offset(step.run_script.value) is not None:
            break
    return frozenset(untouched)


@lru_cache(maxsize=256)
def first_write_offset(script: str) -> int | None:
    """Where a script first does something that may write a file; None where it does nothing of the sort."""
    redirection = _FILE_REDIRECTION.search(script)
    starts = [redirection.start()] if redirection is not None else []
    starts += [call.start for call in script_calls(script) if not _writes_nothing(call)][:1]
    return min(starts, default=None)


def _writes_nothing(call: ScriptCommand) -> bool:
    if call.program in {"docker", "podman"}:
        return "cp" not in call.non_option_arguments[:2] and "run" not in call.non_option_arguments[:2]
    if call.program in {"git"}:
        return call.non_option_arguments[:1] in {
            ("config",),
            ("log",),
            ("rev-parse",),
            ("describe",),
            ("fetch",),
        }
    if call.program in {"npm", "yarn", "pnpm"}:
        return call.non_option_arguments[:1] in {("ci",), ("install",), ("test",)}
    return call.program in fact_column("programs", "makes-nothing")


def count_mentions(step_or_job: StepOrJob, word: str) -> int:
    """How often a script speaks of a path: more than it is deployed, and the script may look whether it is there."""
    texts = step_or_job.script_texts if isinstance(step_or_job, model.Job) else [step_or_job.run_script]
    return sum(text.value.count(word) for text in texts if text is not None)


def may_tolerate_missing_files(step_or_job: StepOrJob) -> bool:
    """Whether a step may find nothing and pass: it looks whether files are there, or may fail."""
    if isinstance(step_or_job, model.Job):
        may_fail = step_or_job.inherited_value("allow_failure") not in (None, False)
        return may_fail or "exists" in str(step_or_job.inherited_value("rules"))
    nodes = [step_or_job.node, *([step_or_job.job.node] if step_or_job.job is not None else [])]
    return any("hashFiles" in str(node.get("if")) or node.get("continue-on-error") not in (None, False) for node in nodes)
