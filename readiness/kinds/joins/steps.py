"""Commands of workflow steps that name files of the repository: where they stand, and whether the files were there before."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from readiness.facts.actions import files_brought_by_action
from readiness.facts.table import property_by_fact_name
from readiness.kinds.github.model import Job, Step
from readiness.kinds.github.uses import repository_root_of_workflow_path
from readiness.kinds.gitlab import model
from readiness.kinds.pipeline.scripts import ScriptCommand, script_calls
from readiness.model import Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.syntax.text import LocatedText
from readiness.syntax.yaml import Map

MAX_COMMANDS_PER_SCRIPT = 256  # commands of a script that are looked at

_FILE_REDIRECTION = lazy_regex(r"(?<![-=<>&\d])(?:\d?>{1,2}\|?)(?![&>(]|[ \t]*/dev/|[ \t]*[\"']?\$\{?GITHUB_)")


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
        word_start = self.text.value.find(word, self.call.start + after_offset, self.call.end)
        is_found = word_start >= 0
        return self.text.span_of_part(word_start if is_found else self.call.start, word_start + len(word) if is_found else self.call.end)

    def repository_path_of_word(self, word: str) -> str | None:
        """A literal path relative to where the command runs, as a path of the tree; None for anything else."""
        return literal_path_from_folder(self.run_folder, word)


def literal_path_from_folder(folder: str, path_word: str) -> str | None:
    """A literal relative path from a folder; None where it is absolute, holds a variable or is a pattern."""
    if not path_word or path_word.startswith(("/", "~", "-")) or "://" in path_word:
        return None
    if any(char in path_word for char in "$*?[]{}<>`|;&()\"'\\,%") or path_word.startswith("git@"):
        return None
    return posixpath.normpath(posixpath.join(folder, path_word))


def commands_with_known_folder(step_or_job: StepOrJob) -> Iterator[LocatedCommand]:
    """The commands of a step or a job that run in a folder which is known: no `cd` before them, no other shell."""
    if isinstance(step_or_job, model.Job):
        pipeline_path = step_or_job.file.merged_files[0].source.path  # a part runs where the whole does
        run_folder = posixpath.dirname(pipeline_path) if posixpath.basename(pipeline_path) == ".gitlab-ci.yml" else None
        script_texts = list(islice(step_or_job.script_texts, MAX_COMMANDS_PER_SCRIPT))
        is_checkout_clean = _do_jobs_start_with_clean_checkout(step_or_job.file)
    else:
        run_folder = step_working_folder(step_or_job)
        script_texts = [step_or_job.run_script] if step_or_job.run_script is not None else []
        is_checkout_clean = is_checkout_untouched_before_step(step_or_job)
        if step_or_job.shell not in {"bash", "sh", ""}:
            return
    if run_folder is None:
        return
    for script_text in script_texts:
        first_write = first_write_offset(script_text.value)
        for script_command in islice(script_calls(script_text.value), MAX_COMMANDS_PER_SCRIPT):
            if script_command.program in {"cd", "pushd", "popd", "ssh", "su", "chroot", "nix-shell"}:
                return
            is_clean_before_command = is_checkout_clean and (first_write is None or first_write >= script_command.start)
            yield LocatedCommand(script_text, script_command, run_folder, is_clean_before_command)
        is_checkout_clean = is_checkout_clean and first_write is None


def _do_jobs_start_with_clean_checkout(gitlab_file: model.GitlabFile) -> bool:
    """Whether the jobs of a pipeline start with the repository alone: no artifacts, caches or files of others."""
    if "project.fresh" not in gitlab_file.cached_results:
        mappings_with_keys = [each.node for each in gitlab_file.merged_files]
        mappings_with_keys += [node for each in mappings_with_keys for node in each.values() if isinstance(node, Map)]
        used_keys = {key for node in mappings_with_keys for key in node}
        variable_names = {name for job in gitlab_file.all_jobs.values() for name in job.variables}
        may_bring_other_files = {"artifacts", "cache", "trigger"} & used_keys or gitlab_file.includes
        gitlab_file.cached_results["project.fresh"] = not may_bring_other_files and not any(name.startswith("GIT_") for name in variable_names)
    is_clean: bool = gitlab_file.cached_results["project.fresh"]
    return is_clean


def step_working_folder(step: Step) -> str | None:
    """The folder that a step's script starts in; None where a variable says it or the root is not known."""
    repository_folder = repository_root_of_workflow_path(step.source.path)
    job, workflow = step.job, step.workflow
    if repository_folder is None or job is None or workflow is None:
        return None
    folder_value = step.node.get("working-directory")
    for job_or_workflow_node in (job.node, workflow.node):
        if folder_value is not None:
            break
        folder_value = job_or_workflow_node.mapping_at_path("defaults", "run").get("working-directory")
    if folder_value is None:
        return repository_folder
    return literal_path_from_folder(repository_folder, folder_value.strip()) if isinstance(folder_value, str) else None


def is_checkout_untouched_before_step(step: Step) -> bool:
    """Whether the repository stands before a step as it was pushed: checked out whole, and nothing wrote to it since."""
    job, workflow = step.job, step.workflow
    if job is None or workflow is None or step.dead:
        return False
    untouched_step_numbers_by_job = workflow.cached_results.setdefault("project.untouched", {})
    if job.name not in untouched_step_numbers_by_job:
        untouched_step_numbers_by_job[job.name] = _step_numbers_before_first_write(job)
    return step.number in untouched_step_numbers_by_job[job.name]


def _step_numbers_before_first_write(job: Job) -> frozenset[int]:
    """The numbers of the steps of a job before which the repository is whole and as it was pushed."""
    untouched_step_numbers, is_checked_out = set(), False
    for step in job.steps:
        if is_checked_out:
            untouched_step_numbers.add(step.number)
        parsed_uses = step.parsed_uses
        if parsed_uses is not None:
            if not files_brought_by_action(parsed_uses.lowercase_name):
                break
            if parsed_uses.lowercase_name == "actions/checkout":
                if {"repository", "ref", "path", "sparse-checkout"} & set(step.with_inputs):
                    break
                is_checked_out = True
        elif step.run_script is not None and first_write_offset(step.run_script.value) is not None:
            break
    return frozenset(untouched_step_numbers)


@lru_cache(maxsize=16_384)
def first_write_offset(script: str) -> int | None:
    """Where a script first does something that may write a file; None where it does nothing of the sort."""
    first_redirection = _FILE_REDIRECTION.search(script)
    write_offsets = [first_redirection.start()] if first_redirection is not None else []
    write_offsets += [call.start for call in script_calls(script) if not _is_non_writing_command(call)][:1]
    return min(write_offsets, default=None)


def _is_non_writing_command(call: ScriptCommand) -> bool:
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
    return call.program in property_by_fact_name("programs", "makes-nothing")


def count_mentions_in_scripts(step_or_job: StepOrJob, path_word: str) -> int:
    """How often a script speaks of a path: more than it is deployed, and the script may look whether it is there."""
    script_texts = step_or_job.script_texts if isinstance(step_or_job, model.Job) else [step_or_job.run_script]
    return sum(text.value.count(path_word) for text in script_texts if text is not None)


def may_tolerate_missing_files(step_or_job: StepOrJob) -> bool:
    """Whether a step may find nothing and pass: it looks whether files are there, or may fail."""
    if isinstance(step_or_job, model.Job):
        is_allowed_to_fail = step_or_job.inherited_value("allow_failure") not in (None, False)
        return is_allowed_to_fail or "exists" in str(step_or_job.inherited_value("rules"))
    step_and_job_nodes = [step_or_job.node, *([step_or_job.job.node] if step_or_job.job is not None else [])]
    return any("hashFiles" in str(node.get("if")) or node.get("continue-on-error") not in (None, False) for node in step_and_job_nodes)
