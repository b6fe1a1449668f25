"""The pipeline, and the public API: paths and settings in, a report out."""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache as memo
from pathlib import Path
from typing import Any

from readiness import (
    __version__,
    assemble,
    baseline,
    checklist,
    config,
    discover,
    engine,
    kinds,
    report,
    rules,
    suppress,
)
from readiness import select as selection
from readiness.assemble import Assembly
from readiness.config import Config
from readiness.model import Finding, Rule, Source, Span
from readiness.report import Report
from readiness.rules import Bound

STDIN_LIMIT = discover.MAX_BYTES
ERRORS = (
    config.ConfigError,
    selection.SelectionError,
    rules.RuleError,
    baseline.BaselineError,
    checklist.ChecklistError,
    discover.MissingPathError,
)


def explain(error: Exception) -> str:
    """What to tell a user of one of ERRORS: what, where, and what to do."""
    if isinstance(error, discover.MissingPathError):
        return f"{error}: there is no such file or folder"
    return str(error)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run was asked for, options and settings file together; an option beats the file."""

    profile: str
    select: tuple[str, ...]
    ignore: tuple[str, ...]
    fail_on: str
    min_score: int | None
    checklists: tuple[str, ...]
    documents: bool | None
    rules: tuple[Path, ...]
    baseline: Path | None
    since: str | None
    file: Config


def check(
    paths: Sequence[str | os.PathLike[str]] = (".",),
    *,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    profile: str | None = None,
    fail_on: str | None = None,
    min_score: int | None = None,
    config: str | os.PathLike[str] | bool = False,
    rules: Sequence[str | os.PathLike[str]] = (),
    baseline: str | os.PathLike[str] | None = None,
    since: str | None = None,
    documents: bool | None = None,
    checklists: Sequence[str] | None = None,
    cache: bool = False,
    jobs: int = 1,
    stdin: bytes | None = None,
    today: datetime.date | None = None,
    timing: bool = False,
    base: Path | None = None,
) -> Report:
    """The report on files and folders.

    `config` is a settings file, True for the nearest one, False for none. `today` (default: the clock) is the
    day against which dated suppressions are held. `base` (default: the working directory) is what paths are
    relative to. Raises one of ERRORS where the tool cannot do its work.
    """
    clock = [time.perf_counter()] if timing else []
    settings = settle(
        _config(config),
        select=tuple(select),
        ignore=tuple(ignore),
        profile=profile,
        fail_on=fail_on,
        min_score=min_score,
        rules=tuple(Path(folder) for folder in rules),
        baseline=Path(baseline) if baseline else None,
        since=since,
        documents=documents,
        checklists=checklists,
    )
    found = discover.find(paths, settings.file.exclude, base=base)
    if stdin is not None:
        _stdin(found, stdin)
    clock.append(time.perf_counter())
    run = _run(found, settings, today or datetime.date.today())
    clock.append(time.perf_counter())
    seconds = {"read": clock[1] - clock[0], "judge": clock[2] - clock[1]} if timing else None
    return _report(run, settings, seconds)


@dataclass(slots=True)
class Run:
    """What the pipeline has in hand before the report: findings, what was judged, which rules counted."""

    made: Assembly
    bounds: list[Bound]
    active: set[str]
    outcome: engine.Outcome
    findings: list[Finding]
    hidden: list[tuple[Source, Span]]


def _run(found: discover.Found, settings: Settings, today: datetime.date) -> Run:
    """Sources to findings, suppressed ones marked."""
    core = {one.rule.id: one.rule for one in core_rules()}
    made = assemble.assemble(found, core, documents=settings.documents, settings={})
    bounds = rules.load(settings.rules)
    for bound in bounds:
        if rules.folder() not in bound.path.parents:
            rules.verify(bound)
    active = selection.chosen(
        bounds, rules.folder(), name=settings.profile, select=settings.select, ignore=settings.ignore
    )
    # Rules on secrets always run, chosen or not: what they find is masked in every other finding's lines.
    running = [b for b in bounds if b.rule.id in active or b.rule.category == "secrets"]
    outcome = engine.Outcome()
    for project in made.projects:
        engine.run(project, running, core, outcome)
    hidden = [(one.source, one.span) for one in outcome.findings if one.rule.category == "secrets"]
    found_all = [
        one
        for one in (*made.broken, *outcome.findings)
        if one.rule.id in active or one.rule.id == "core/crash"
    ]
    findings = suppressed(engine.settle(found_all), made, bounds, active, settings, today)
    findings = baseline.stamp(engine.settle(findings))
    if settings.baseline:
        known = baseline.load(settings.baseline)
        findings = baseline.mark(findings, known, "baseline", "known when the baseline was written")
    if settings.since:
        known = _before(settings, today)
        findings = baseline.mark(findings, known, "since", f"stood already where this branch left {settings.since}")
    return Run(made, bounds, active, outcome, findings, hidden)


def _report(run: Run, settings: Settings, seconds: dict[str, float] | None) -> Report:
    """The report on a run."""
    known = all_checklists()
    for name in settings.checklists:
        if name not in {one.system for one in known}:
            there = ", ".join(one.system for one in known)
            raise checklist.ChecklistError(f"no checklist is called {name!r}; there are {there}")
    active = [bound.rule for bound in run.bounds if bound.rule.id in run.active]
    return report.build(
        version=__version__,
        rules=active,
        findings=run.findings,
        rows=run.made.rows,
        looks=run.outcome.tally,
        subjects=run.outcome.subjects,
        checklists=checklist.evaluate(known, active, run.findings, run.outcome.tally),
        chosen=settings.checklists,
        fail_on=settings.fail_on,
        min_score=settings.min_score,
        hidden=run.hidden,
        timing=seconds,
        others=run.made.others,
    )


def suppressed(
    findings: list[Finding],
    made: Assembly,
    bounds: Sequence[Bound],
    active: set[str],
    settings: Settings,
    today: datetime.date,
) -> list[Finding]:
    """The findings after comments, annotations and waivers."""
    known = {bound.rule.id: bound.rule for bound in bounds}
    directives = [one for source in made.sources for one in suppress.comments(source)]
    for project in made.projects:
        for kind, documents in project.by_kind.items():
            for document in documents:
                directives += [suppress.annotation(note, known) for note in kinds.notes(kind, document)]

    def locked(rule: Rule) -> bool:
        return any(selection.matches(word, rule) for word in settings.file.locked)

    return suppress.apply(
        findings,
        directives,
        settings.file.waivers,
        catalogue=known,
        active=active,
        locked=locked,
        today=today,
        config=settings.file.source,
    )


def _before(settings: Settings, today: datetime.date) -> frozenset[str]:
    """The fingerprints of the findings where this branch left the revision that was asked for."""

    def judge(tree: Path) -> Iterable[Finding]:
        there = replace(settings, since=None, baseline=None)
        return _run(discover.find([tree], settings.file.exclude, base=tree), there, today).findings

    return baseline.since(settings.since or "", judge)


def _stdin(found: discover.Found, data: bytes) -> None:
    """Standard input as one file called `-`."""
    text = discover.decode(data) if len(data) <= STDIN_LIMIT else None
    if text is None:
        why = "it is not text" if len(data) <= STDIN_LIMIT else "it is over the size limit"
        found.unread.append(discover.Unread("-", why))
    else:
        found.texts.append(Source("-", text))


def _config(given: str | os.PathLike[str] | bool) -> Config:
    """The settings file of a run: the one named, the nearest one, or none."""
    if given is False:
        return Config()
    path = config.nearest(Path.cwd()) if given is True else Path(given)
    return config.load(path) if path else Config()


def settle(file: Config, *, checklists: Sequence[str] | None, **options: Any) -> Settings:
    """Options and settings file as one: an option that was given wins, lists of rules and words add up."""
    return Settings(
        profile=options["profile"] or file.profile,
        select=options["select"] or (() if options["profile"] else file.select),
        ignore=(*file.ignore, *options["ignore"]),
        fail_on=options["fail_on"] or file.fail_on,
        min_score=file.min_score if options["min_score"] is None else options["min_score"],
        checklists=tuple(file.checklists if checklists is None else checklists),
        documents=file.documents if options["documents"] is None else options["documents"],
        rules=(*file.rules, *options["rules"]),
        baseline=options["baseline"] or file.baseline,
        since=options["since"],
        file=file,
    )


@memo
def core_rules() -> tuple[Bound, ...]:
    """The rules about files that cannot be judged; there are few and they are always needed."""
    return tuple(rules.load(groups=("core",)))


def look_up(name: str) -> list[Bound]:
    """The rules that a name means: an id, the part after its slash, or another linter's id. Raises SelectionError."""
    bounds = rules.load()
    found = [b for b in bounds if name in {b.rule.id, b.rule.id.partition("/")[2]}]
    found = found or [b for b in bounds if any(name in ids for ids in b.rule.equivalents.values())]
    if not found:
        raise selection.SelectionError(selection.unknown(name, bounds))
    return found


def search(*, like: str | None, kind: str | None, profile: str | None) -> list[Rule]:
    """The rules that fit all that is asked. Raises SelectionError where none does."""
    bounds = rules.load()
    if like:
        bounds = [b for b in bounds if any(like in ids for ids in b.rule.equivalents.values())]
    if kind:
        bounds = [b for b in bounds if b.rule.kind == kind]
    if profile:
        ids = selection.chosen(rules.load(), rules.folder(), name=profile, select=(), ignore=())
        bounds = [b for b in bounds if b.rule.id in ids]
    if not bounds:
        asked = " ".join(f"{word} {value!r}" for word, value in (("like", like), ("of kind", kind)) if value)
        raise selection.SelectionError(f"there is no rule {asked}".rstrip())
    return [bound.rule for bound in bounds]


def rule_row(rule: Rule) -> dict[str, Any]:
    """A rule of the catalogue as JSON."""
    return {
        "id": rule.id,
        "title": rule.title,
        "severity": str(rule.severity),
        "confidence": str(rule.confidence),
        "category": rule.category,
        "kind": rule.kind,
        "level": rule.level,
        "why": rule.why,
        "fix": rule.fix,
        "links": list(rule.links),
        "equivalents": {peer: list(ids) for peer, ids in sorted(rule.equivalents.items())},
        "checklist": list(rule.checklist),
    }


def asks() -> dict[str, str]:
    """What every checklist item asks, by its id."""
    return {item.id: item.ask for one in all_checklists() for item in one.items}


@memo
def all_checklists() -> tuple[checklist.Checklist, ...]:
    """The checklists that ship with the tool."""
    return checklist.load(rules.folder() / "checklists")


def checklist_arguments(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """(names, paths) of the arguments of `readiness checklist`: the first may be the name of a checklist."""
    known = [one.system for one in all_checklists()]
    if arguments and arguments[0] in known:
        return [arguments[0]], list(arguments[1:])
    if arguments and not Path(arguments[0]).exists():
        raise checklist.ChecklistError(
            f"{arguments[0]!r} is neither a path nor a checklist; there are {', '.join(known)}"
        )
    return known, list(arguments)


def baseline_text(report: Report) -> str:
    """The baseline file of a report's open findings."""
    return baseline.dump(report.findings)


@memo
def catalogue() -> tuple[Rule, ...]:
    """Every rule of the tool, by id."""
    return tuple(bound.rule for bound in rules.load())
