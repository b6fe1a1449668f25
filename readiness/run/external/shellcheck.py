"""ShellCheck over the scripts in images and pipelines, on request: its comments as findings at their exact places."""

from __future__ import annotations

import json
import os
import re
import tempfile
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from readiness import kinds, programs
from readiness.facts.base_images import shell_family
from readiness.kinds.pipeline.scripts import mask_expressions
from readiness.model import Confidence, Finding, Rule, Severity, Source, Span, line_starts
from readiness.model.messages import fill_message
from readiness.model.project import Project
from readiness.programs.process import (
    NotStartedError,
    ProcessLimits,
    ProgramError,
    ProgramTimeoutError,
    run_program,
)
from readiness.run.external import ShellcheckError
from readiness.syntax import image as images
from readiness.syntax.scalar import make_offset_mapper
from readiness.syntax.words import variable_references
from readiness.syntax.yaml import Map

BATCH_TIMEOUT_SECONDS = 40.0  # seconds for one batch; half of it for each half of one that took longer
MIN_TIMEOUT_SECONDS = 5.0  # seconds for one script
MAX_SCRIPTS_PER_BATCH = 200  # scripts
MAX_SCRIPT_LENGTH = 100_000  # characters of one script
MAX_OUTPUT_BYTES = 256 << 20  # bytes of comments on one batch
# What cannot be told of a script that is shown in part: variables that the builder or the runner sets, files that
# are elsewhere, and tests that look constant because an expression stands in them. SC1010 and SC1083 are guesses at
# slips (`rebar3 do`, `HEAD^{tree}`), and were wrong wherever they were read.
EXCLUDED_CODES = "SC1010,SC1083,SC1090,SC1091,SC2034,SC2043,SC2050,SC2078,SC2148,SC2154,SC2157,SC2170,SC2193,SC2194"
# Single quotes keep a variable from the shell, mostly on purpose (SC2016): told where the script has that very
# variable, and the text is none that another program fills in.
_SINGLE_QUOTED_VARIABLE_CODE = 2016
_TEMPLATING_PROGRAM = re.compile(r"\b(?:sed|perl|envsubst|ssh|docker|kubectl|awk|jq|yq|gh|psql|mongo\w*)\b")
_SHELL_ASSIGNMENT = re.compile(r"(?:^|[\s;&|(])(?:export\s+|readonly\s+)?([A-Za-z_]\w*)=")
_SINGLE_QUOTED = re.compile(r"'[^']*'")
# What the runner sets has no blanks in it.
_RUNNER_FILE_VARIABLE = re.compile(r"\$\{?GITHUB_(?:OUTPUT|ENV|PATH|STEP_SUMMARY|STATE)\b")
# Runners call the shell with -e: a `cd` that fails ends the script there.
_CODES_MOOT_UNDER_ERREXIT = frozenset({2164})
_POWERSHELL_COMMAND = re.compile(r"\$env:|\b(?:Write|New|Get|Set|Remove|Invoke|Start)-[A-Z][a-z]")
_WINDOWS_IMAGE = re.compile(r"windows|nanoserver|servercore", re.IGNORECASE)
_SUPPORTED_SHELLS = frozenset({"sh", "bash", "dash", "ksh", "ash", "busybox sh"})
_SEVERITY_BY_LEVEL = {
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


def collect_scripts(projects: Iterable[Project]) -> Iterator[ShellcheckScript]:
    """Every script of the projects' Dockerfiles and pipelines that a shell known to ShellCheck runs."""
    for project in projects:
        for kind, find in (
            ("dockerfile", _dockerfile_scripts),
            ("github", _github_scripts),
            ("gitlab", _gitlab_scripts),
        ):
            for document in project.judged_documents(kind):
                for script in find(document):
                    if script.shell in _SUPPORTED_SHELLS and 0 < len(script.text) <= MAX_SCRIPT_LENGTH:
                        yield script


def _dockerfile_scripts(document: Any) -> Iterator[ShellcheckScript]:
    for step in kinds.subject_finders_of("dockerfile")["dockerfile.run"](document):
        if step.posix and not step.instruction.is_json_form:
            pieces, before = step.script.script_text, step.instruction.span.start
            shell = step.stage.shell_program(before).rpartition("/")[2]
            declared = {name for below in step.stage.base_chain for name in below.values_by_offset}
            names = frozenset(name for name in declared if step.stage.declares_variable(name, before))
            head = step.node.at().start
            yield ShellcheckScript(step.source, step.resource, head, shell, pieces.text, pieces.source_offset, names)


def _github_scripts(document: Any) -> Iterator[ShellcheckScript]:
    for step in kinds.subject_finders_of("github")["github.step"](document):
        text = step.run_script
        if text is not None:
            where = make_offset_mapper(step.source.text, text.span, text.value)
            head = step.node.at().start
            yield ShellcheckScript(
                step.source,
                step.resource,
                head,
                step.shell or "bash",
                mask_expressions(text.value),
                where,
            )


def _gitlab_scripts(document: Any) -> Iterator[ShellcheckScript]:
    """The two scripts of each job: the runner joins before_script and script in one shell."""
    for job in kinds.subject_finders_of("gitlab")["gitlab.job"](document):
        head = job.node.at().start
        for keys in (("before_script", "script"), ("after_script",)):
            lines = [line for key in keys for line in job.script_lines(key)]
            text, offset = _join_lines(lines)
            yield ShellcheckScript(job.source, job.resource, head, _shell_of_job(job, text), text, offset)


def _join_lines(lines: Sequence[Any]) -> tuple[str, Callable[[int], int]]:
    """Lines as one text, and the way from its offsets to their places."""
    starts, ways, size = [], [], 0
    for line in lines:
        starts.append(size)
        ways.append(make_offset_mapper(line.source.text, line.span, line.value))
        size += len(line.value) + 1

    def source_offset(at: int) -> int:
        index = bisect_right(starts, at) - 1
        return ways[index](at - starts[index])

    return "\n".join(line.value for line in lines), source_offset


def _shell_of_job(job: Any, text: str) -> str:
    """The shell that the runner finds in the image: bash where there is one; empty for PowerShell."""
    image = job.inherited_value("image")
    name = image.get("name") if isinstance(image, Map) else image
    name = name if isinstance(name, str) else ""
    tags = job.inherited_value("tags")
    if _POWERSHELL_COMMAND.search(text) or _WINDOWS_IMAGE.search(f"{name} {list(tags or ())}"):
        return ""
    return "ash" if shell_family(images.parse_image(name)) == "busybox" else "bash"


def shellcheck_findings(projects: Iterable[Project], unjudged_rule: Rule) -> list[Finding]:
    """What ShellCheck says of every script; of one that it does not answer, `unjudged_rule`. Raises ShellcheckError."""
    program = programs.find_program("shellcheck")
    if not program:
        raise ShellcheckError("shellcheck is not installed; `pip install 'readiness[shellcheck]'` brings it")
    by_shell: dict[str, list[ShellcheckScript]] = {}
    for script in collect_scripts(projects):
        shell = {"ash": "dash", "busybox sh": "dash"}.get(script.shell, script.shell)
        by_shell.setdefault(shell, []).append(script)
    findings: dict[tuple[str, int, Span, str], Finding] = {}
    for shell, some in sorted(by_shell.items()):
        for start in range(0, len(some), MAX_SCRIPTS_PER_BATCH):
            for finding in _check_batch(
                program,
                shell,
                some[start : start + MAX_SCRIPTS_PER_BATCH],
                BATCH_TIMEOUT_SECONDS,
                unjudged_rule,
            ):
                # what several jobs inherit is one place
                key = (finding.source.path, id(finding.source.parent), finding.span, finding.rule)
                findings.setdefault(key, finding)
    return list(findings.values())


def _check_batch(
    program: str, shell: str, batch: Sequence[ShellcheckScript], seconds: float, unjudged_rule: Rule
) -> Iterator[Finding]:
    """What ShellCheck says of some scripts; where it gives no answer, its halves are asked, down to one script."""
    try:
        comments = _run_shellcheck(program, shell, batch, seconds)
    except NotStartedError as error:
        raise ShellcheckError(f"shellcheck: {error}") from None
    except (ValueError, KeyError, ProgramError) as error:
        if len(batch) == 1:
            yield _unjudged_finding(batch[0], unjudged_rule, error)
            return
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            yield from _check_batch(program, shell, half, max(seconds / 2, MIN_TIMEOUT_SECONDS), unjudged_rule)
        return
    for comment in comments:
        script = batch[int(Path(comment["file"]).stem)]
        if script.source.kind != "dockerfile" and comment["code"] in _CODES_MOOT_UNDER_ERREXIT:
            continue
        finding = _finding_from_comment(script, comment)
        if _RUNNER_FILE_VARIABLE.match(finding.source.text, finding.span.start):
            continue
        if comment["code"] != _SINGLE_QUOTED_VARIABLE_CODE or _is_own_variable(script, finding):
            yield finding


def _run_shellcheck(program: str, shell: str, batch: Sequence[ShellcheckScript], seconds: float) -> list[dict[str, Any]]:
    """One process over some scripts; the scripts are data to it, and it follows no file that they name."""
    with tempfile.TemporaryDirectory(prefix="readiness-") as folder:
        names = []
        for number, script in enumerate(batch):
            names.append(f"{number}.sh")
            text = script.text.encode("utf-8", "replace")
            (Path(folder) / names[-1]).write_bytes(text)
        command = [
            program,
            "--norc",
            "--format=json1",
            f"--shell={shell}",
            f"--exclude={EXCLUDED_CODES}",
        ]
        done = run_program(
            [*command, "--", *names],
            folder=Path(folder),
            environment=os.environ,
            limits=ProcessLimits(seconds, 0, MAX_OUTPUT_BYTES),
            without_network=False,
        )
        comments: list[dict[str, Any]] = json.loads(done.output)["comments"]
        return comments


def _unjudged_finding(script: ShellcheckScript, unjudged_rule: Rule, error: Exception) -> Finding:
    late = isinstance(error, ProgramTimeoutError)
    reason = "it took too long" if late else type(error).__name__
    start = script.to_source_offset(0)
    span = script.source.one_line(Span(start, len(script.source.text)))
    message = fill_message(unjudged_rule.message, {"reason": reason}.get)
    return Finding(
        unjudged_rule,
        script.source,
        span,
        message,
        resource=script.resource,
        enclosing_offsets=(script.head_offset,),
    )


def _is_own_variable(script: ShellcheckScript, finding: Finding) -> bool:
    """Whether a variable in single quotes is one of the script's own, and no other program's to fill in."""
    text, (start, end) = script.source.text, finding.span
    line = text.rfind("\n", 0, start)
    while line > 0 and text[line - 1] == "\\":  # the command begins further up
        line = text.rfind("\n", 0, line)
    before = text[line + 1 : start]
    given = script.declared_names | set(_SHELL_ASSIGNMENT.findall(_SINGLE_QUOTED.sub("''", script.text)))
    used = {one.name for one in variable_references(text[start:end], respect_single_quotes=False)}
    return bool(used & given) and not _TEMPLATING_PROGRAM.search(before)


def _finding_from_comment(script: ShellcheckScript, comment: dict[str, Any]) -> Finding:
    """One comment, at its place in the file."""
    starts = line_starts(script.text)

    def offset_at(line: int, column: int) -> int:
        row = min(max(line, 1), len(starts)) - 1
        return min(starts[row] + max(column, 1) - 1, len(script.text))

    start = offset_at(comment["line"], comment["column"])
    end = max(offset_at(comment["endLine"], comment["endColumn"]), start + 1)
    first = script.to_source_offset(start)
    span = script.source.one_line(Span(first, max(script.to_source_offset(end - 1) + 1, first)))
    return Finding(
        rule_for_code(comment["code"], comment["level"]),
        script.source,
        span,
        comment["message"].rstrip("."),
        resource=script.resource,
        enclosing_offsets=(script.head_offset,),
    )


@lru_cache(maxsize=512)
def rule_for_code(code: int, level: str) -> Rule:
    """The rule that stands for one of ShellCheck's: its words are on ShellCheck's own page."""
    style = level == "style"
    return Rule(
        id=f"shell/SC{code:04d}",
        title=f"ShellCheck SC{code:04d}",
        severity=_SEVERITY_BY_LEVEL.get(level, Severity.INFO),
        confidence=Confidence.MEDIUM,
        category="style" if style else "correctness",
        kind="shell",
        targets=("shell",),
        message="{message}",
        why="A shell script that means something else than it says fails late, on the one input nobody tried.",
        fix=f"See https://www.shellcheck.net/wiki/SC{code:04d} for the reason and the mend.",
        links=(f"https://www.shellcheck.net/wiki/SC{code:04d}",),
        level="optional",
    )
