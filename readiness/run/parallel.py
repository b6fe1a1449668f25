"""The judging of a run spread over processes: each takes a share of the rules over all documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from readiness.model import Finding, Related, Rule, Source
from readiness.model.project import Project
from readiness.ruleset.bound import Bound
from readiness.run import engine
from readiness.run.engine import Outcome, Tally


class ParallelError(Exception):
    """Processes that can't be had here; the message says what to do."""


Task = tuple[Sequence[Project], Sequence[Bound], dict[str, Rule]]
_TASK: list[Task] = []  # what a forked process finds in its copy of this one's memory


def run(
    projects: Sequence[Project],
    rules: Sequence[Bound],
    core: dict[str, Rule],
    sources: Sequence[Source],
    jobs: int,
) -> Outcome:
    """As engine.run over all projects, with the rules dealt out to `jobs` processes.

    The processes are forked after parsing, so that no document is sent anywhere; back come findings whose sources are
    told by their number. Raises ParallelError where the system has no fork.
    """
    import multiprocessing

    if "fork" not in multiprocessing.get_all_start_methods():
        raise ParallelError("--jobs needs a system that can fork processes; leave it out here")
    numbers = {id(source): number for number, source in enumerate(sources)}
    by_id = {bound.rule.id: bound.rule for bound in rules} | core
    _TASK.append((projects, rules, core))
    try:
        with multiprocessing.get_context("fork").Pool(jobs) as pool:
            shares = pool.map(_share, [(number, jobs, numbers) for number in range(jobs)])
    finally:
        _TASK.clear()
    outcome = Outcome()
    for rows, tally, subjects in shares:
        outcome.findings += [_finding(row, by_id, sources) for row in rows]
        for name, (count, unknown, places) in tally.items():
            outcome.tally[name] = Tally(count, unknown, [(sources[n], span) for n, span in places])
        for path, count in subjects.items():
            outcome.subjects[path] = max(outcome.subjects.get(path, 0), count)
    return outcome


def _share(
    task: tuple[int, int, dict[int, int]],
) -> tuple[list[Any], dict[str, Any], dict[str, int]]:
    """What one process finds with its share of the rules, in a form that is cheap to send."""
    number, jobs, numbers = task
    projects, rules, core = _TASK[0]
    outcome = Outcome()
    for project in projects:
        engine.run(project, rules[number::jobs], core, outcome)
    rows = list(_rows(outcome.findings, numbers))
    tally = {
        name: (look.subjects, look.unknown, [(numbers[id(s)], span) for s, span in look.places])
        for name, look in outcome.tally.items()
    }
    return rows, tally, outcome.subjects


def _rows(findings: Sequence[Finding], numbers: dict[int, int]) -> Iterator[Any]:
    for one in findings:
        related = [(numbers[id(r.source)], r.span, r.message) for r in one.related]
        place = numbers[id(one.source)], one.span
        words = one.message, one.resource, one.container, related, one.heads
        told = one.lowered, one.tier, one.part
        yield one.rule.id, place, *words, told


def _finding(row: Any, rules: dict[str, Rule], sources: Sequence[Source]) -> Finding:
    rule, (number, span), message, resource, container, related, heads, told = row
    others = tuple(Related(sources[n], where, text) for n, where, text in related)
    made = Finding(rules[rule], sources[number], span, message, resource, container, others, heads)
    lowered, tier, part = told
    return made._replace(lowered=lowered, tier=tier, part=part)
