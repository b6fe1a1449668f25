"""ShellCheck over the scripts in images and pipelines, on request: its comments as findings at their exact places."""

from __future__ import annotations

import json
import re
import tempfile
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from readiness import kinds, programs
from readiness.facts.base_images import default_shell_family
from readiness.kinds.pipeline.scripts import mask_expressions
from readiness.model import Confidence, Finding, Rule, Severity, Source, Span, line_starts
from readiness.model.lazy_regex import lazy_regex
from readiness.model.messages import fill_message
from readiness.model.project import Project
from readiness.model.records import dataclass
from readiness.programs.budget import BudgetExceededError, RunBudget
from readiness.programs.process import (
    NotStartedError,
    ProcessLimits,
    ProgramError,
    ProgramTimeoutError,
    environment_of_its_own,
    printable_prefix,
    run_program,
)
from readiness.run.external import ShellcheckError
from readiness.syntax import image as images
from readiness.syntax.scalar import make_offset_mapper
from readiness.syntax.words import variable_references
from readiness.syntax.yaml import Map

BATCH_TIMEOUT_SECONDS = 40.0  # seconds for one batch; half of it for each half of one that took longer
MIN_BATCH_TIMEOUT_SECONDS = 5.0  # seconds for one script
MAX_SCRIPTS_PER_BATCH = 200  # scripts
MAX_SCRIPT_CHARACTERS = 100_000  # characters of one script
MAX_SHELLCHECK_MEMORY_BYTES = 2 << 30  # bytes of memory of one process
MAX_SHELLCHECK_OUTPUT_BYTES = 64 << 20  # bytes of comments on one batch
# What cannot be told of a script that is shown in part: variables that the builder or the runner sets, files that
# are elsewhere, and tests that look constant because an expression stands in them. SC1010 and SC1083 are guesses at
# slips (`rebar3 do`, `HEAD^{tree}`), and were wrong wherever they were read.
EXCLUDED_SHELLCHECK_CODES = "SC1010,SC1083,SC1090,SC1091,SC2034,SC2043,SC2050,SC2078,SC2148,SC2154,SC2157,SC2170,SC2193,SC2194"
# Single quotes keep a variable from the shell, mostly on purpose (SC2016): told where the script has that very
# variable, and the text is none that another program fills in.
_SINGLE_QUOTED_VARIABLE_CODE = 2016
_TEMPLATING_PROGRAM = lazy_regex(r"\b(?:sed|perl|envsubst|ssh|docker|kubectl|awk|jq|yq|gh|psql|mongo\w*)\b")
_SHELL_ASSIGNMENT = lazy_regex(r"(?:^|[\s;&|(])(?:export\s+|readonly\s+)?([A-Za-z_]\w*)=")
_SINGLE_QUOTED_TEXT = lazy_regex(r"'[^']*'")
# What the runner sets has no blanks in it.
_RUNNER_FILE_VARIABLE = lazy_regex(r"\$\{?GITHUB_(?:OUTPUT|ENV|PATH|STEP_SUMMARY|STATE)\b")
# Runners call the shell with -e: a `cd` that fails ends the script there.
_CODES_MOOT_UNDER_ERREXIT = frozenset({2164})
_POWERSHELL_COMMAND = lazy_regex(r"\$env:|\b(?:Write|New|Get|Set|Remove|Invoke|Start)-[A-Z][a-z]")
_WINDOWS_IMAGE = lazy_regex(r"windows|nanoserver|servercore", re.IGNORECASE)
_SHELLS_SHELLCHECK_SUPPORTS = frozenset({"sh", "bash", "dash", "ksh", "ash", "busybox sh"})
_SEVERITY_BY_SHELLCHECK_LEVEL = {
    "error": Severity.MEDIUM,
    "warning": Severity.LOW,
    "info": Severity.INFO,
    "style": Severity.INFO,
}


@dataclass(frozen=True, slots=True)
class ShellcheckScript:
    """A script: its shell, its text, the offset in its source of each of its characters, and what it belongs to.

    `declared_names` are the variables that surely have a value in it.
    """

    source: Source
    resource: str
    head_offset: int
    shell: str
    text: str
    to_source_offset: Callable[[int], int]
    declared_names: frozenset[str] = frozenset()


def collect_shellcheck_scripts(projects: Iterable[Project]) -> Iterator[ShellcheckScript]:
    """Every script of the projects' Dockerfiles and pipelines that a shell known to ShellCheck runs."""
    for project in projects:
        for kind, find_scripts in (
            ("dockerfile", _dockerfile_scripts),
            ("github", _github_scripts),
            ("gitlab", _gitlab_scripts),
        ):
            for document in project.judged_documents(kind):
                for script in find_scripts(document):
                    if script.shell in _SHELLS_SHELLCHECK_SUPPORTS and 0 < len(script.text) <= MAX_SCRIPT_CHARACTERS:
                        yield script


def _dockerfile_scripts(document: Any) -> Iterator[ShellcheckScript]:
    for run_step in kinds.subject_finder_by_target("dockerfile")["dockerfile.run"](document):
        if run_step.posix and not run_step.instruction.is_json_form:
            script_text, instruction_start = run_step.script.script_text, run_step.instruction.span.start
            shell = run_step.stage.shell_program(instruction_start).rpartition("/")[2]
            declared_candidates = {name for base_stage in run_step.stage.base_chain for name in base_stage.values_by_offset}
            declared_variable_names = frozenset(name for name in declared_candidates if run_step.stage.declares_variable(name, instruction_start))
            step_start = run_step.node.at().start
            yield ShellcheckScript(
                run_step.source,
                run_step.resource,
                step_start,
                shell,
                script_text.text,
                script_text.source_offset,
                declared_variable_names,
            )


def _github_scripts(document: Any) -> Iterator[ShellcheckScript]:
    for step in kinds.subject_finder_by_target("github")["github.step"](document):
        run_script = step.run_script
        if run_script is not None:
            to_source_offset = make_offset_mapper(step.source.text, run_script.span, run_script.value)
            step_start = step.node.at().start
            yield ShellcheckScript(
                step.source,
                step.resource,
                step_start,
                step.shell or "bash",
                mask_expressions(run_script.value),
                to_source_offset,
            )


def _gitlab_scripts(document: Any) -> Iterator[ShellcheckScript]:
    """The two scripts of each job: the runner joins before_script and script in one shell."""
    for job in kinds.subject_finder_by_target("gitlab")["gitlab.job"](document):
        job_start = job.node.at().start
        for script_keys in (("before_script", "script"), ("after_script",)):
            script_lines = [line for key in script_keys for line in job.script_lines(key)]
            joined_text, to_source_offset = _join_lines_with_offset_mapper(script_lines)
            yield ShellcheckScript(job.source, job.resource, job_start, _shell_of_job(job, joined_text), joined_text, to_source_offset)


def _join_lines_with_offset_mapper(lines: Sequence[Any]) -> tuple[str, Callable[[int], int]]:
    """Lines as one text, and the way from its offsets to their places."""
    line_starts_in_text, line_offset_mappers, text_length = [], [], 0
    for line in lines:
        line_starts_in_text.append(text_length)
        line_offset_mappers.append(make_offset_mapper(line.source.text, line.span, line.value))
        text_length += len(line.value) + 1

    def source_offset(text_offset: int) -> int:
        line_index = bisect_right(line_starts_in_text, text_offset) - 1
        return line_offset_mappers[line_index](text_offset - line_starts_in_text[line_index])

    return "\n".join(line.value for line in lines), source_offset


def _shell_of_job(job: Any, script_text: str) -> str:
    """The shell that the runner finds in the image: bash where there is one; empty for PowerShell."""
    image_value = job.inherited_value("image")
    image_name = image_value.get("name") if isinstance(image_value, Map) else image_value
    image_name = image_name if isinstance(image_name, str) else ""
    runner_tags = job.inherited_value("tags")
    if _POWERSHELL_COMMAND.search(script_text) or _WINDOWS_IMAGE.search(f"{image_name} {list(runner_tags or ())}"):
        return ""
    return "ash" if default_shell_family(images.parse_image(image_name)) == "busybox" else "bash"


def shellcheck_findings(projects: Iterable[Project], unjudged_rule: Rule, budget: RunBudget) -> list[Finding]:
    """What ShellCheck says of every script; of one that it does not answer, `unjudged_rule`. Raises ShellcheckError."""
    shellcheck_path = programs.find_packaged_program("shellcheck")
    if not shellcheck_path:
        raise ShellcheckError("shellcheck is not installed; `pip install 'readiness[shellcheck]'` brings it")
    if programs.is_script_or_snap(shellcheck_path):
        raise ShellcheckError(
            f"{shellcheck_path} is a snap or a version manager's shim, which starts another program and cannot be confined;"
            " `pip install 'readiness[shellcheck]'` brings one that can"
        )
    scripts_by_shell: dict[str, list[ShellcheckScript]] = {}
    for script in collect_shellcheck_scripts(projects):
        shell = {"ash": "dash", "busybox sh": "dash"}.get(script.shell, script.shell)
        scripts_by_shell.setdefault(shell, []).append(script)
    finding_by_key: dict[tuple[str, int, Span, str], Finding] = {}
    for shell, shell_scripts in sorted(scripts_by_shell.items()):
        for batch_start in range(0, len(shell_scripts), MAX_SCRIPTS_PER_BATCH):
            for finding in _check_batch(
                shellcheck_path,
                shell,
                shell_scripts[batch_start : batch_start + MAX_SCRIPTS_PER_BATCH],
                BATCH_TIMEOUT_SECONDS,
                unjudged_rule,
                budget,
            ):
                # what several jobs inherit is one place
                finding_key = (finding.source.path, id(finding.source.parent), finding.span, finding.rule)
                finding_by_key.setdefault(finding_key, finding)
    return list(finding_by_key.values())


def _check_batch(
    shellcheck_path: str, shell: str, scripts: Sequence[ShellcheckScript], timeout_seconds: float, unjudged_rule: Rule, budget: RunBudget
) -> Iterator[Finding]:
    """What ShellCheck says of some scripts; where it gives no answer, its halves are asked, down to one script."""
    try:
        with budget.metered():
            comments = _run_shellcheck(shellcheck_path, shell, scripts, timeout_seconds)
    except BudgetExceededError as error:
        yield from (_unjudged_finding(one, unjudged_rule, str(error)) for one in scripts)
        return
    except NotStartedError as error:
        raise ShellcheckError(f"shellcheck: {error}") from None
    except (ValueError, KeyError, ProgramError) as error:
        if len(scripts) == 1:
            reason = "it took too long" if isinstance(error, ProgramTimeoutError) else type(error).__name__
            yield _unjudged_finding(scripts[0], unjudged_rule, reason)
            return
        middle_index = len(scripts) // 2
        for half_batch in (scripts[:middle_index], scripts[middle_index:]):
            yield from _check_batch(shellcheck_path, shell, half_batch, max(timeout_seconds / 2, MIN_BATCH_TIMEOUT_SECONDS), unjudged_rule, budget)
        return
    for comment in comments:
        script = scripts[int(Path(comment["file"]).stem)]
        if script.source.kind != "dockerfile" and comment["code"] in _CODES_MOOT_UNDER_ERREXIT:
            continue
        finding = _finding_from_comment(script, comment)
        if _RUNNER_FILE_VARIABLE.match(finding.source.text, finding.span.start):
            continue
        if comment["code"] != _SINGLE_QUOTED_VARIABLE_CODE or _is_variable_of_script(script, finding):
            yield finding


def _run_shellcheck(shellcheck_path: str, shell: str, scripts: Sequence[ShellcheckScript], timeout_seconds: float) -> list[dict[str, Any]]:
    """One process over some scripts; the scripts are data to it, and it follows no file that they name."""
    with tempfile.TemporaryDirectory(prefix="readiness-") as temporary_folder:
        script_file_names = []
        for script_index, script in enumerate(scripts):
            script_file_names.append(f"{script_index}.sh")
            script_bytes = script.text.encode("utf-8", "replace")
            (Path(temporary_folder) / script_file_names[-1]).write_bytes(script_bytes)
        command = [
            shellcheck_path,
            "--norc",
            "--format=json1",
            f"--shell={shell}",
            f"--exclude={EXCLUDED_SHELLCHECK_CODES}",
        ]
        shellcheck_result = run_program(
            [*command, "--", *script_file_names],
            working_directory=Path(temporary_folder),
            environment=environment_of_its_own(Path(temporary_folder) / "home"),
            limits=ProcessLimits(timeout_seconds, MAX_SHELLCHECK_MEMORY_BYTES, MAX_SHELLCHECK_OUTPUT_BYTES),
        )
        comments: list[dict[str, Any]] = json.loads(shellcheck_result.output)["comments"]
        return comments


def _unjudged_finding(script: ShellcheckScript, unjudged_rule: Rule, reason: str) -> Finding:
    script_start_offset = script.to_source_offset(0)
    script_first_line_span = script.source.one_line(Span(script_start_offset, len(script.source.text)))
    message = fill_message(unjudged_rule.message, {"reason": reason}.get)
    return Finding(
        unjudged_rule,
        script.source,
        script_first_line_span,
        message,
        resource=script.resource,
        enclosing_offsets=(script.head_offset,),
    )


def _is_variable_of_script(script: ShellcheckScript, finding: Finding) -> bool:
    """Whether a variable in single quotes is one of the script's own, and no other program's to fill in."""
    source_text, (finding_start, finding_end) = script.source.text, finding.span
    line_break_offset = source_text.rfind("\n", 0, finding_start)
    while line_break_offset > 0 and source_text[line_break_offset - 1] == "\\":  # the command begins further up
        line_break_offset = source_text.rfind("\n", 0, line_break_offset)
    command_text_before = source_text[line_break_offset + 1 : finding_start]
    script_variable_names = script.declared_names | set(_SHELL_ASSIGNMENT.findall(_SINGLE_QUOTED_TEXT.sub("''", script.text)))
    quoted_variable_names = {one.name for one in variable_references(source_text[finding_start:finding_end], respect_single_quotes=False)}
    return bool(quoted_variable_names & script_variable_names) and not _TEMPLATING_PROGRAM.search(command_text_before)


def _finding_from_comment(script: ShellcheckScript, comment: dict[str, Any]) -> Finding:
    """One comment, at its place in the file."""
    line_start_offsets = line_starts(script.text)

    def offset_at(line: int, column: int) -> int:
        line_index = min(max(line, 1), len(line_start_offsets)) - 1
        return min(line_start_offsets[line_index] + max(column, 1) - 1, len(script.text))

    script_start = offset_at(comment["line"], comment["column"])
    script_end = max(offset_at(comment["endLine"], comment["endColumn"]), script_start + 1)
    source_start = script.to_source_offset(script_start)
    span = script.source.one_line(Span(source_start, max(script.to_source_offset(script_end - 1) + 1, source_start)))
    return Finding(
        rule_for_shellcheck_code(comment["code"], comment["level"]),
        script.source,
        span,
        printable_prefix(comment["message"].rstrip(".")),
        resource=script.resource,
        enclosing_offsets=(script.head_offset,),
    )


@lru_cache(maxsize=16_384)
def rule_for_shellcheck_code(shellcheck_code: int, shellcheck_level: str) -> Rule:
    """The rule that stands for one of ShellCheck's: its words are on ShellCheck's own page."""
    is_style = shellcheck_level == "style"
    return Rule(
        id=f"shell/SC{shellcheck_code:04d}",
        title=f"ShellCheck SC{shellcheck_code:04d}",
        severity=_SEVERITY_BY_SHELLCHECK_LEVEL.get(shellcheck_level, Severity.INFO),
        confidence=Confidence.MEDIUM,
        category="style" if is_style else "correctness",
        kind="shell",
        targets=("shell",),
        message="{message}",
        why="A shell script that means something else than it says fails late, on the one input nobody tried.",
        fix=f"See https://www.shellcheck.net/wiki/SC{shellcheck_code:04d} for the reason and the mend.",
        links=(f"https://www.shellcheck.net/wiki/SC{shellcheck_code:04d}",),
        level="optional",
    )
