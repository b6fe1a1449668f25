"""The judging of a run spread over processes: each takes a share of the rules over all documents."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from readiness.model import Finding, Related, Rule, Source
from readiness.model.project import Project
from readiness.ruleset.bound import LoadedRule
from readiness.run import engine
from readiness.run.engine import EngineResult, RuleTally

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess


class ParallelError(Exception):
    """Processes that can't be had here, or that ended early; the message says what to do."""


class WorkerError(RuntimeError):
    """An error that ended a process: its class and its place in the code. Its traceback is a note."""


# What functions of checks, kinds and syntax import when they are first called.
MODULES_IMPORTED_LATE = (
    "markdown_it",
    "readiness.kinds.compose",
    "readiness.kinds.compose.model",
    "readiness.kinds.compose.parts",
    "readiness.kinds.compose.words",
    "readiness.kinds.decision",
    "readiness.kinds.dockerfile.model",
    "readiness.kinds.dockerfile.paths",
    "readiness.kinds.github.model",
    "readiness.kinds.joins.builds",
    "readiness.kinds.joins.images",
    "readiness.kinds.nginx",
    "readiness.syntax.secrets",
)
WorkerAnswer = tuple[list[Any], dict[str, Any], dict[str, int]]
# Held while processes are forked: the pipe of one run must not be inherited by a process of another, which would keep it open.
_FORK_LOCK = threading.Lock()


def run_parallel(
    projects: Sequence[Project],
    rules: Sequence[LoadedRule],
    core_rules: dict[str, Rule],
    sources: Sequence[Source],
    jobs: int,
) -> EngineResult:
    """As engine.run_rules over all projects, with the rules dealt out to `jobs` processes.

    The processes are forked after parsing, so that no document is sent anywhere; back come findings whose sources are
    told by their number. Several threads may run at once. Raises ParallelError where the system has no fork, refuses
    one, or ends a process.
    """
    import multiprocessing

    if "fork" not in multiprocessing.get_all_start_methods():
        raise ParallelError("--jobs needs a system that can fork processes; leave it out here")
    if multiprocessing.current_process().daemon:
        raise ParallelError("a daemonic process may start no processes of its own; leave `jobs` out here")
    numbers = {id(source): number for number, source in enumerate(sources)}
    by_id = {bound.rule.id: bound.rule for bound in rules} | core_rules
    _import_checks(rules)

    def run_share(number: int) -> WorkerAnswer:
        return _run_share(projects, rules[number::jobs], core_rules, numbers)

    outcome = EngineResult()
    with _fork_processes(run_share, min(jobs, max(len(rules), 1))) as answers:
        for rows, tally, subjects in map(_receive_answer, answers):
            outcome.findings += [_finding_from_row(row, by_id, sources) for row in rows]
            for name, (count, unknown, places) in tally.items():
                seen = [(sources[n], span) for n, span in places]
                outcome.tally_by_rule[name] = RuleTally(count, unknown, seen)
            for path, count in subjects.items():
                outcome.subject_count_by_path[path] = max(outcome.subject_count_by_path.get(path, 0), count)
    return outcome


def _import_checks(rules: Sequence[LoadedRule]) -> None:
    """Import what the rules need before anything is forked: another thread may be importing it at this moment, and
    a forked process would wait for that thread, which it does not have."""
    from readiness.syntax import shell

    for bound in rules:
        _ = bound.check_function, bound.needs_project
    for name in MODULES_IMPORTED_LATE:
        importlib.import_module(name)
    shell.bash_language()


@contextlib.contextmanager
def _fork_processes(run_share: Callable[[int], WorkerAnswer], count: int) -> Iterator[list[Connection]]:
    """`count` processes that each send one answer; none of them outlives the block, whatever ends it."""
    processes: list[BaseProcess] = []
    answers: list[Connection] = []
    try:
        try:
            _start_processes(run_share, count, processes, answers)
        except OSError as error:
            why = (error.strerror or type(error).__name__).lower()
            raise ParallelError(f"--jobs: processes cannot be started: {why}; use fewer, or leave it out") from None
        yield answers
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()
        for receiver in answers:
            receiver.close()


def _start_processes(
    run_share: Callable[[int], WorkerAnswer],
    count: int,
    processes: list[BaseProcess],
    receivers: list[Connection],
) -> None:
    """Start the processes, each known to the caller as soon as it runs."""
    import multiprocessing

    context = multiprocessing.get_context("fork")
    with _FORK_LOCK, _block_signals():
        for number in range(count):
            receiver, sender = context.Pipe(duplex=False)
            receivers.append(receiver)
            with sender:
                process = context.Process(target=_run_worker, args=(run_share, number, sender), daemon=True)
                process.start()
                processes.append(process)


@contextlib.contextmanager
def _block_signals() -> Iterator[None]:
    """Signals wait until every process is started, and a process until it is ready for them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run_worker(run_share: Callable[[int], WorkerAnswer], number: int, sender: Connection) -> None:
    """One process: its answer, or the error that kept it from one. An interrupt is the parent's to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    answer: WorkerAnswer | tuple[str, str]
    try:
        answer = run_share(number)
    except Exception as error:  # told to the parent, which raises it
        answer = f"{type(error).__name__} in {engine.code_place(error)}", traceback.format_exc()
    with contextlib.suppress(OSError):  # the parent is gone
        sender.send(answer)
    sys.stderr.flush()
    os._exit(0)  # what the parent would do at its end is not this process's to do


def _receive_answer(receiver: Connection) -> WorkerAnswer:
    """A process's answer. Raises what the process met, or ParallelError where it ended without an answer."""
    try:
        answer: WorkerAnswer | tuple[str, str] = receiver.recv()
    except (EOFError, OSError):
        raise ParallelError(
            "a process of --jobs ended before its answer (the system may be short of memory); use fewer, or leave it out"
        ) from None
    if len(answer) == 2:
        message, trace = answer
        error = MemoryError() if message.startswith("MemoryError ") else WorkerError(message)
        error.add_note(trace)
        raise error
    return answer


def _run_share(
    projects: Sequence[Project],
    rules: Sequence[LoadedRule],
    core: dict[str, Rule],
    number_by_source_id: dict[int, int],
) -> WorkerAnswer:
    """What some of the rules find, in a form that is cheap to send."""
    outcome = EngineResult()
    for project in projects:
        engine.run_rules(project, rules, core, outcome)
    rows = list(_finding_rows(outcome.findings, number_by_source_id))
    tally = {
        name: (
            look.subjects,
            look.unknown,
            [(number_by_source_id[id(s)], span) for s, span in look.places],
        )
        for name, look in outcome.tally_by_rule.items()
    }
    return rows, tally, outcome.subject_count_by_path


def _finding_rows(findings: Sequence[Finding], number_by_source_id: dict[int, int]) -> Iterator[Any]:
    for finding in findings:
        related = [(number_by_source_id[id(r.source)], r.span, r.message) for r in finding.related]
        place = number_by_source_id[id(finding.source)], finding.span
        words = (
            finding.message,
            finding.resource,
            finding.container,
            related,
            finding.enclosing_offsets,
        )
        told = finding.lowered_severity, finding.tier, finding.part, finding.unit_path
        yield finding.rule, place, *words, told


def _finding_from_row(row: Any, rules: dict[str, Rule], sources: Sequence[Source]) -> Finding:
    rule, (number, span), message, resource, container, related, heads, told = row
    others = tuple(Related(sources[n], where, text) for n, where, text in related)
    finding = Finding(rules[rule], sources[number], span, message, resource, container, others, heads)
    lowered, tier, part, unit = told
    return finding._replace(lowered_severity=lowered, tier=tier, part=part, unit_path=unit)
