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
from readiness.model.crash import raising_file_and_line
from readiness.model.project import Project
from readiness.ruleset.bound import LoadedRule
from readiness.run import engine
from readiness.run.engine import EngineResult

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess


class ParallelError(Exception):
    """Processes that can't be had here, or that ended early; the message says what to do."""


class WorkerError(RuntimeError):
    """An error that ended a process: its class and its place in the code. Its traceback is a note."""


# What functions of checks, kinds and syntax import when they are first called.
LAZILY_IMPORTED_MODULES = (
    "difflib",
    "markdown_it",
    "readiness.facts.base_images",
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
    "readiness.kinds.k8s.releases",
    "readiness.kinds.nginx",
    "readiness.syntax.secrets",
)
WorkerResultRows = tuple[list[Any], dict[str, Any], dict[str, int], dict[int, str]]
# Held while processes are forked: the pipe of one run must not be inherited by a process of another, which would keep it open.
_FORK_LOCK = threading.Lock()


def run_parallel(
    projects: Sequence[Project],
    loaded_rules: Sequence[LoadedRule],
    core_rule_by_id: dict[str, Rule],
    sources: Sequence[Source],
    process_count: int,
) -> EngineResult:
    """As engine.run_rules over all projects, with the rules dealt out to `process_count` processes.

    The processes are forked after parsing, so that no document is sent anywhere; back come findings whose sources are
    told by their number. Several threads may run at once. Raises ParallelError where the system has no fork, refuses
    one, or ends a process.
    """
    import multiprocessing

    if "fork" not in multiprocessing.get_all_start_methods():
        raise ParallelError("--jobs needs a system that can fork processes; leave it out here")
    if multiprocessing.current_process().daemon:
        raise ParallelError("a daemonic process may start no processes of its own; leave `process_count` out here")
    source_index_by_id = {id(source): number for number, source in enumerate(sources)}
    rule_by_id = {bound.rule.id: bound.rule for bound in loaded_rules} | core_rule_by_id
    _import_modules_before_fork(loaded_rules)

    def run_share(worker_index: int) -> WorkerResultRows:
        return _run_rule_share(projects, loaded_rules[worker_index::process_count], core_rule_by_id, sources, source_index_by_id)

    engine_result = EngineResult()
    with _fork_processes(run_share, min(process_count, max(len(loaded_rules), 1))) as worker_receivers:
        for finding_rows, tally_row_by_key, subject_counts_by_path, unread_part_by_index in map(_receive_answer, worker_receivers):
            engine_result.findings += [_finding_from_row(row, rule_by_id, sources) for row in finding_rows]
            for tally_key, (subject_count, undecidable_count, place_rows) in tally_row_by_key.items():
                evidence_places = [(sources[n], span) for n, span in place_rows]
                tally = engine_result.tally_of(tally_key)  # a rule with other parameters in some files is counted in several shares
                tally.subjects, tally.unknown = tally.subjects + subject_count, tally.unknown + undecidable_count
                tally.places += evidence_places
            for file_path, subject_count in subject_counts_by_path.items():
                engine_result.subject_count_by_path[file_path] = max(engine_result.subject_count_by_path.get(file_path, 0), subject_count)
            for source_index, unread_part in unread_part_by_index.items():
                sources[source_index].unread_part = unread_part
    return engine_result


def _import_modules_before_fork(loaded_rules: Sequence[LoadedRule]) -> None:
    """Import what the rules need before anything is forked: another thread may be importing it at this moment, and
    a forked process would wait for that thread, which it does not have."""
    from readiness.syntax import shell

    for loaded_rule in loaded_rules:
        _ = loaded_rule.check_function, loaded_rule.needs_project
    for module_name in LAZILY_IMPORTED_MODULES:
        importlib.import_module(module_name)
    shell.bash_language()


@contextlib.contextmanager
def _fork_processes(run_share: Callable[[int], WorkerResultRows], process_count: int) -> Iterator[list[Connection]]:
    """`process_count` processes that each send one answer; none of them outlives the block, whatever ends it."""
    processes: list[BaseProcess] = []
    receivers: list[Connection] = []
    try:
        try:
            _start_processes(run_share, process_count, processes, receivers)
        except OSError as error:
            failure_reason = (error.strerror or type(error).__name__).lower()
            raise ParallelError(f"--jobs: processes cannot be started: {failure_reason}; use fewer, or leave it out") from None
        yield receivers
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()
        for receiver in receivers:
            receiver.close()


def _start_processes(
    run_share: Callable[[int], WorkerResultRows],
    process_count: int,
    processes: list[BaseProcess],
    receivers: list[Connection],
) -> None:
    """Start the processes, each known to the caller as soon as it runs."""
    import multiprocessing

    fork_context = multiprocessing.get_context("fork")
    with _FORK_LOCK, _block_signals_during_fork():
        for worker_index in range(process_count):
            receiver, sender = fork_context.Pipe(duplex=False)
            receivers.append(receiver)
            with sender:
                process = fork_context.Process(target=_run_worker, args=(run_share, worker_index, sender), daemon=True)
                process.start()
                processes.append(process)


@contextlib.contextmanager
def _block_signals_during_fork() -> Iterator[None]:
    """Signals wait until every process is started, and a process until it is ready for them.

    What runs around a fork lets no error out, so that one that a signal raises there, the end of the time as well, would be lost.
    """
    previous_signal_mask = signal.pthread_sigmask(signal.SIG_BLOCK, _signals_that_wait())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous_signal_mask)


def _signals_that_wait() -> set[signal.Signals]:
    return {signal.SIGINT, signal.SIGTERM, signal.SIGALRM}


def _run_worker(run_share: Callable[[int], WorkerResultRows], worker_index: int, sender: Connection) -> None:
    """One process: its answer, or the error that kept it from one. An interrupt is the parent's to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _signals_that_wait())
    answer: WorkerResultRows | tuple[str, str]
    try:
        answer = run_share(worker_index)
    except Exception as error:  # told to the parent, which raises it
        answer = f"{type(error).__name__} in {raising_file_and_line(error)}", traceback.format_exc()
    with contextlib.suppress(OSError):  # the parent is gone
        sender.send(answer)
    sys.stderr.flush()
    os._exit(0)  # what the parent would do at its end is not this process's to do


def _receive_answer(receiver: Connection) -> WorkerResultRows:
    """A process's answer. Raises what the process met, or ParallelError where it ended without an answer."""
    try:
        answer: WorkerResultRows | tuple[str, str] = receiver.recv()
    except (EOFError, OSError):
        raise ParallelError("a process of --jobs ended before its answer (the system may be short of memory); use fewer, or leave it out") from None
    if len(answer) == 2:
        message, traceback_text = answer
        error = MemoryError() if message.startswith("MemoryError ") else WorkerError(message)
        error.add_note(traceback_text)
        raise error
    return answer


def _run_rule_share(
    projects: Sequence[Project],
    loaded_rules: Sequence[LoadedRule],
    core_rule_by_id: dict[str, Rule],
    sources: Sequence[Source],
    source_index_by_id: dict[int, int],
) -> WorkerResultRows:
    """What some of the rules find, in a form that is cheap to send."""
    engine_result = EngineResult()
    for project in projects:
        engine.run_rules(project, loaded_rules, core_rule_by_id, engine_result)
    finding_rows = list(_findings_to_rows(engine_result.findings, source_index_by_id))
    tally_row_by_key = {
        name: (
            look.subjects,
            look.unknown,
            [(source_index_by_id[id(s)], span) for s, span in look.places],
        )
        for name, look in engine_result.tally_by_rule.items()
    }
    unread_part_by_index = {index: one.unread_part for index, one in enumerate(sources) if one.parent is None and one.unread_part}
    return finding_rows, tally_row_by_key, engine_result.subject_count_by_path, unread_part_by_index


def _findings_to_rows(findings: Sequence[Finding], source_index_by_id: dict[int, int]) -> Iterator[Any]:
    for finding in findings:
        related_rows = [(source_index_by_id[id(r.source)], r.span, r.message) for r in finding.related]
        place_row = source_index_by_id[id(finding.source)], finding.span
        text_fields = (
            finding.message,
            finding.resource,
            finding.container,
            related_rows,
            finding.enclosing_offsets,
        )
        member_fields = finding.lowered_severity, finding.tier, finding.part, finding.unit_path, finding.rated_severity
        yield finding.rule, place_row, *text_fields, member_fields


def _finding_from_row(finding_row: Any, rule_by_id: dict[str, Rule], sources: Sequence[Source]) -> Finding:
    rule_id, (source_index, span), message, resource_name, container_name, related_rows, enclosing_offsets, member_fields = finding_row
    related_places = tuple(Related(sources[n], where, text) for n, where, text in related_rows)
    finding = Finding(
        rule_by_id[rule_id],
        sources[source_index],
        span,
        message,
        resource_name,
        container_name,
        related_places,
        enclosing_offsets,
    )
    lowered_severity, tier_name, part_name, unit_path, rated_severity = member_fields
    return finding._replace(lowered_severity=lowered_severity, tier=tier_name, part=part_name, unit_path=unit_path, rated_severity=rated_severity)
