"""ShellCheck over the scripts in images and pipelines, on request: its comments as findings at their exact places."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from readiness import kinds
from readiness.external import ShellcheckError
from readiness.kinds.scripts import masked
from readiness.model import Confidence, Finding, Rule, Severity, Source, Span, line_starts
from readiness.project import Project
from readiness.syntax.scalar import places
from readiness.syntax.yaml import Seq

TIMEOUT = 60  # seconds for one batch
BATCH = 200  # scripts
LONGEST = 100_000  # characters of one script
# What cannot be told of a script that is shown in part: variables that the builder or the runner sets, files that
# are elsewhere, and tests that look constant because an expression stands in them. SC1010 and SC1083 are guesses at
# slips (`rebar3 do`, `HEAD^{tree}`), and were wrong wherever they were read.
LEFT_OUT = "SC1010,SC1083,SC1090,SC1091,SC2034,SC2043,SC2050,SC2078,SC2148,SC2154,SC2157,SC2170,SC2193,SC2194"
# What the runner sets has no blanks in it.
_RUNNERS = re.compile(r"\$\{?GITHUB_(?:OUTPUT|ENV|PATH|STEP_SUMMARY|STATE)\b")
# Runners call the shell with -e: a `cd` that fails ends the script there.
_ERREXIT = frozenset({2164})
_SHELLS = frozenset({"sh", "bash", "dash", "ksh", "ash", "busybox sh"})
_SEVERITY = {
    "error": Severity.MEDIUM,
    "warning": Severity.LOW,
    "info": Severity.INFO,
    "style": Severity.INFO,
}


@dataclass(frozen=True, slots=True)
class Script:
    """A script: its shell, its text, the offset in its source of each of its characters, and what it belongs to."""

    source: Source
    resource: str
    head: int
    shell: str
    text: str
    offset: Callable[[int], int]


def scripts(projects: Iterable[Project]) -> Iterator[Script]:
    """Every script of the projects' Dockerfiles and pipelines that a shell known to ShellCheck runs."""
    for project in projects:
        for kind, find in (("dockerfile", _runs), ("github", _steps), ("gitlab", _jobs)):
            for document in project.documents(kind):
                for script in find(document):
                    if script.shell in _SHELLS and 0 < len(script.text) <= LONGEST:
                        yield script


def _runs(document: Any) -> Iterator[Script]:
    for step in kinds.targets("dockerfile")["dockerfile.run"](document):
        if step.posix and not step.instruction.json:
            pieces = step.script.pieces
            shell = step.stage.shell(step.instruction.span.start).rpartition("/")[2]
            yield Script(
                step.source, step.resource, step.node.at().start, shell, pieces.text, pieces.offset
            )


def _steps(document: Any) -> Iterator[Script]:
    for step in kinds.targets("github")["github.step"](document):
        text = step.run
        if text is not None:
            where = places(step.source.text, text.span, text.value)
            head = step.node.at().start
            yield Script(
                step.source, step.resource, head, step.shell or "bash", masked(text.value), where
            )


def _jobs(document: Any) -> Iterator[Script]:
    for job in kinds.targets("gitlab")["gitlab.job"](document):
        for key in ("before_script", "script", "after_script"):
            lines = job.node.get(key)
            if isinstance(lines, str):
                given = [(job.node.at(key), lines)]
            else:
                some = lines if isinstance(lines, Seq) else Seq(Span(0, 0))
                given = [(some.at(index), line) for index, line in enumerate(some)]
            for span, line in given:
                if isinstance(line, str):
                    where = places(job.source.text, span, line)
                    yield Script(job.source, job.resource, job.node.at().start, "bash", line, where)


def findings(projects: Iterable[Project]) -> list[Finding]:
    """What ShellCheck says of every script. Raises ShellcheckError."""
    program = shutil.which("shellcheck")
    if not program:
        raise ShellcheckError(
            "shellcheck is not installed; `pip install 'readiness[shellcheck]'` brings it"
        )
    by_shell: dict[str, list[Script]] = {}
    for script in scripts(projects):
        shell = {"ash": "dash", "busybox sh": "dash"}.get(script.shell, script.shell)
        by_shell.setdefault(shell, []).append(script)
    found: list[Finding] = []
    for shell, some in sorted(by_shell.items()):
        for start in range(0, len(some), BATCH):
            found += _batch(program, shell, some[start : start + BATCH])
    return found


def _batch(program: str, shell: str, batch: Sequence[Script]) -> Iterator[Finding]:
    """One process over some scripts; the scripts are data to it, and it follows no file that they name."""
    with tempfile.TemporaryDirectory(prefix="readiness-") as folder:
        names = []
        for number, script in enumerate(batch):
            names.append(f"{number}.sh")
            text = script.text.encode("utf-8", "replace")
            (Path(folder) / names[-1]).write_bytes(text)
        command = [program, "--norc", "--format=json1", f"--shell={shell}", f"--exclude={LEFT_OUT}"]
        try:
            done = subprocess.run(  # noqa: S603  # an argument list; the scripts are files of ours
                [*command, "--", *names],
                cwd=folder,
                capture_output=True,
                timeout=TIMEOUT,
                check=False,
            )
            comments = json.loads(done.stdout)["comments"]
        except subprocess.TimeoutExpired:
            raise ShellcheckError(f"shellcheck did not finish in {TIMEOUT} seconds") from None
        except (OSError, ValueError, KeyError) as error:
            raise ShellcheckError(f"shellcheck gave no answer ({type(error).__name__})") from None
    for one in comments:
        script = batch[int(Path(one["file"]).stem)]
        if script.source.kind == "dockerfile" or one["code"] not in _ERREXIT:
            found = _finding(script, one)
            if not _RUNNERS.match(found.source.text, found.span.start):
                yield found


def _finding(script: Script, comment: dict[str, Any]) -> Finding:
    """One comment, at its place in the file."""
    starts = line_starts(script.text)

    def at(line: int, column: int) -> int:
        row = min(max(line, 1), len(starts)) - 1
        return min(starts[row] + max(column, 1) - 1, len(script.text))

    start = at(comment["line"], comment["column"])
    end = max(at(comment["endLine"], comment["endColumn"]), start + 1)
    first = script.offset(start)
    span = script.source.one_line(Span(first, max(script.offset(end - 1) + 1, first)))
    return Finding(
        rule(comment["code"], comment["level"]),
        script.source,
        span,
        comment["message"].rstrip("."),
        resource=script.resource,
        heads=(script.head,),
    )


@lru_cache(maxsize=512)
def rule(code: int, level: str) -> Rule:
    """The rule that stands for one of ShellCheck's: its words are on ShellCheck's own page."""
    style = level == "style"
    return Rule(
        id=f"shell/SC{code:04d}",
        title=f"ShellCheck SC{code:04d}",
        severity=_SEVERITY.get(level, Severity.INFO),
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
