"""One run: what was found on disk, held against the rules that were asked for, to findings that are marked and stamped."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from readiness import kinds, redaction
from readiness.loading import assemble, discover
from readiness.loading.assembly import Assembly, FileStatus
from readiness.loading.discover import Surroundings
from readiness.loading.render.made import Input, written_place
from readiness.loading.variants import Production, Variants
from readiness.model import NOT_RENDERED, UNJUDGED, Finding, Rule, Source, Span
from readiness.ruleset import rules
from readiness.ruleset import select as selection
from readiness.ruleset.bound import LoadedRule
from readiness.ruleset.names import Name, Names
from readiness.run import engine, purposes
from readiness.run.groups import rule_groups
from readiness.run.parameters import apply_parameters
from readiness.settings import NAME, Config
from readiness.triage import baseline, copies, foreign, suppress
from readiness.triage.unjudged import broken_paths, is_unjudged
from readiness.verdict import evidence
from readiness.verdict.checklist import EvidencePlace


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
    jobs: int
    render: bool
    strict_coverage: bool
    helm_values: tuple[Path, ...]
    context: bool
    foreign_ignores: bool
    shellcheck: bool
    purpose: str
    file: Config


@dataclass(slots=True)
class RunResult:
    """What a run gives: the files, the findings, what every rule looked at, and where secrets stand.

    `rules` are all that were loaded, `active` says which of their hits count. `foreign` says how many findings of each
    rule the comments of other linters left out, `evidence` what the files show for checklists, `notices` which names of
    rules are out of date, `inputs` what rendering read, `context` what was read around the judged files,
    `environments` which variants were taken for production. `production` says that not all of it is for something else.
    """

    rows: list[FileStatus]
    others: int
    rules: tuple[Rule, ...]
    active: selection.Active
    tally: dict[str, engine.RuleTally]
    subjects: dict[str, int]
    findings: list[Finding]
    hidden: list[tuple[Source, Span]]
    foreign: dict[str, int] = field(default_factory=dict)
    evidence: Mapping[str, tuple[EvidencePlace, ...]] = field(default_factory=dict)
    inputs: list[Input] = field(default_factory=list)
    notices: tuple[str, ...] = ()
    context: Surroundings = field(default_factory=Surroundings)
    environments: tuple[Production, ...] = ()
    production: bool = True


@dataclass(slots=True)
class Asked:
    """What a run was asked for, worked out: the rules, which of their hits count, what is locked, and all names."""

    names: Names
    bounds: list[LoadedRule]
    active: selection.Active
    locked: selection.Words


def run_pipeline(
    discovered: discover.DiscoveredFiles,
    settings: Settings,
    today: datetime.date,
    progress: Callable[[int, int], None] | None = None,
) -> RunResult:
    """Sources to findings, suppressed ones marked. `progress` is told how many rules of how many are done."""
    core = {one.rule.id: one.rule for one in core_rules()}
    assembly = _assemble(discovered, settings, core)
    for project in (*assembly.projects, *(project for _, project in assembly.kept)):
        project.today = today
    purposes.say_purposes(assembly, settings.file, settings.purpose)
    assembly.broken += purposes.invalid_purposes(assembly, core["core/purpose-invalid"])
    asked = _select_rules(assembly, settings)
    active = asked.active
    # Rules that stand on secret values always run: what they find is masked in every other finding's lines.
    running = [one for one in asked.bounds if one.rule.hides or selection.must_run(one, active)]
    outcome = _run_engine(assembly, running, core, settings.jobs, progress)
    external = _shell_findings(assembly, settings, core["core/script-unjudged"])
    outcome.findings += external
    active |= {one.rule: selection.WHOLE for one in external}
    purposes.tell_purposes(assembly)
    _relocate(assembly, outcome, running, core)
    read = [
        one for project in assembly.projects for kind in project.by_kind.values() for one in kind
    ]
    hidden = redaction.hidden_places(outcome.findings, [one.source.root for one in read])
    found_all = engine.sort_and_deduplicate([*assembly.broken, *outcome.findings])
    wanted = [
        one for one in found_all if selection.is_counted(one, active) or one.rule == "core/crash"
    ]
    findings, left_out = _triage_findings(wanted, assembly, asked, settings, today)
    return RunResult(
        rows=assembly.rows,
        others=assembly.others,
        rules=(
            *rules.unique_rules(asked.bounds),
            *{one.rule: one.definition for one in external}.values(),
        ),
        active=active,
        tally=outcome.tally,
        subjects=outcome.subjects,
        findings=findings,
        hidden=hidden,
        foreign=left_out,
        evidence=evidence.collect_evidence(assembly.projects),
        inputs=assembly.inputs,
        notices=(
            *asked.names.notices.values(),
            *assembly.notices,
            *purposes.unused_purposes(discovered, settings.file),
        ),
        production=purposes.has_production(assembly),
        context=discovered.context,
        environments=assembly.production,
    )


def _assemble(
    discovered: discover.DiscoveredFiles, settings: Settings, core: dict[str, Rule]
) -> Assembly:
    """What was found, as projects, with what is to be told of settings that name nothing."""
    variants = Variants(settings.file.environments, settings.file.prefix)
    assembly = assemble.assemble(
        discovered,
        core,
        documents=settings.documents,
        render=settings.render,
        helm_values=settings.helm_values,
        variants=variants,
    )
    assembly.whole = discover.is_walked_whole(discovered, settings.file.folder)
    assembly.production = tuple(variants.decisions)
    assembly.notices = variants.unused() if assembly.whole and settings.render else ()
    return assembly


def _relocate(
    assembly: Assembly,
    outcome: engine.EngineResult,
    running: list[LoadedRule],
    core: dict[str, Rule],
) -> None:
    """Tell what was found in renderings where it was written."""
    if assembly.environments:
        from readiness.loading.render import relocate
        from readiness.run import removals

        removals.blame_removals(assembly, outcome, running, core)
        outcome.findings = relocate.relocate_findings(outcome.findings, assembly.environments)
        assembly.broken = relocate.relocate_findings(assembly.broken, assembly.environments)
        for tally in outcome.tally.values():
            places = dict.fromkeys(written_place(source, span) for source, span in tally.places)
            tally.places = list(places)


def _select_rules(assembly: Assembly, settings: Settings) -> Asked:
    """The rules that can have something to say, and what of them was asked for."""
    names = Names(settings.rules)
    file = settings.file
    select = selection.parse_words(
        settings.select, names, _place_of_words(settings.select, file.select, "--select")
    )
    ignore = selection.parse_words(
        settings.ignore, names, _place_of_words(settings.ignore, file.ignore, "--ignore")
    )
    locked = selection.parse_words(file.locked, names, NAME, strict=False)
    levels = selection.needed_levels(rules.rules_folder(), settings.profile, settings.select)
    bounds = apply_parameters(
        rules.load_rules(settings.rules, rule_groups(assembly), levels), file, names
    )
    active = selection.chosen_rules(
        bounds, rules.rules_folder(), name=settings.profile, select=select, ignore=ignore
    )
    _keep_unjudged(active, settings, names)
    return Asked(names, bounds, active, locked)


def _keep_unjudged(active: selection.Active, settings: Settings, names: Names) -> None:
    """Count what says that something has no verdict, whatever the settings of the tree leave out.

    `--ignore` is the caller's word and may. Raises SelectionError for a word in the settings that could have no effect.
    """
    file = settings.file
    for word in file.ignore:
        if word in UNJUDGED:
            raise selection.SelectionError(
                f"{NAME}: ignore: {word} says that something has no verdict, and the settings can't leave that out;"
                " mend what it names, or leave the file out under `exclude`"
            )
    asked = selection.parse_words(settings.ignore[len(file.ignore) :], names, "--ignore")
    for rule in (*UNJUDGED, NOT_RENDERED) if file.ignore else ():
        if not asked.is_covering(Name(rule)) and "correctness" not in asked.plain:
            active.setdefault(rule, selection.WHOLE)


def _place_of_words(words: Sequence[str], written: Sequence[str], option: str) -> str:
    """Where words stand: in the settings file, or behind an option."""
    return NAME if words and set(words) <= set(written) else option


def _triage_findings(
    findings: list[Finding],
    assembly: Assembly,
    asked: Asked,
    settings: Settings,
    today: datetime.date,
) -> tuple[list[Finding], dict[str, int]]:
    """The findings, those marked that do not count, and how many the comments of other linters left out."""
    broken = broken_paths(assembly.rows)
    law = suppress.Law(
        asked.names,
        asked.locked,
        asked.active,
        today,
        broken,
        settings.file.prefix,
        None if assembly.whole else tuple(row.path for row in assembly.rows),
    )
    marked = apply_own_suppressions(findings, assembly, asked.bounds, law, settings)
    whole = copies.fold_copies(engine.sort_and_deduplicate(marked), assembly.parsed)
    kept, left_out = apply_foreign_suppressions(whole, assembly, settings, law)
    stamped = baseline.add_fingerprints(engine.sort_and_deduplicate(kept))
    return _suppress_known(stamped, law, settings), left_out


def _run_engine(
    assembly: Assembly,
    running: list[LoadedRule],
    core: dict[str, Rule],
    jobs: int,
    progress: Callable[[int, int], None] | None,
) -> engine.EngineResult:
    """What the rules find in all projects, here or in `jobs` processes."""
    if jobs > 1:
        from readiness.run import parallel

        for (
            project
        ) in assembly.projects:  # what documents are is asked here, too, not only where rules run
            kinds.prepare(project.by_kind, project.paths)
        return parallel.run_parallel(assembly.projects, running, core, assembly.sources, jobs)
    outcome = engine.EngineResult()
    tick = engine.progress_ticks(assembly.projects, running, progress) if progress else None
    for project in assembly.projects:
        engine.run_rules(project, running, core, outcome, tick)
    return outcome


def _suppress_known(
    findings: list[Finding], law: suppress.Law, settings: Settings
) -> list[Finding]:
    """The findings, those marked that a baseline or an earlier revision had already.

    A baseline lies in the tree, so it says nothing of what has no verdict; an earlier revision is nobody's word.
    """
    if settings.baseline:
        known = baseline.load_baseline(settings.baseline)
        known = baseline.renew_fingerprints(findings, known, law.names, settings.baseline.name)
        findings = baseline.suppress_known(
            findings,
            known,
            "baseline",
            "known when the baseline was written",
            spared=lambda one: is_unjudged(one, law.broken),
        )
    if settings.since is not None:
        known = _findings_before(settings, law.today)
        findings = baseline.suppress_known(
            findings, known, "since", f"stood already where this branch left {settings.since}"
        )
    return findings


def _shell_findings(assembly: Assembly, settings: Settings, silent: Rule) -> list[Finding]:
    """What ShellCheck says where it is asked, but for what --ignore leaves out or --select does not name."""
    if not settings.shellcheck:
        return []
    from readiness.run.external import shellcheck

    return [
        one
        for one in shellcheck.shellcheck_findings(assembly.projects, silent)
        if one.definition is silent
        or selection.is_asked_for(one.definition, settings.select, settings.ignore)
    ]


def apply_own_suppressions(
    findings: list[Finding],
    assembly: Assembly,
    bounds: Sequence[LoadedRule],
    law: suppress.Law,
    settings: Settings,
) -> list[Finding]:
    """The findings after comments, annotations and waivers."""
    from readiness.loading.render.made import GeneratedSource
    from readiness.loading.render.relocate import relocate_note as told

    known = {bound.rule.id: bound.rule for bound in bounds}
    written = [
        source for source in assembly.sources if not isinstance(source.root, GeneratedSource)
    ]
    directives = [one for source in written for one in suppress.comment_directives(source)]
    for project in assembly.projects:
        for kind, documents in project.by_kind.items():
            for document in documents:
                directives += [
                    suppress.annotation_directive(told(note), law.names)
                    for note in kinds.suppression_notes(kind, document)
                ]

    marked = suppress.apply_suppressions(
        findings,
        directives,
        settings.file.waivers,
        catalogue=known,
        law=law,
        config=settings.file.source,
    )
    aside = assembly.context  # what is wrong with a suppression there is told where it is judged
    return [one for one in marked if one.rule not in suppress.OWN or one.path not in aside]


def apply_foreign_suppressions(
    findings: list[Finding], assembly: Assembly, settings: Settings, law: suppress.Law
) -> tuple[list[Finding], dict[str, int]]:
    """The findings that no comment for another linter silences, and how many of each rule one does."""
    if not settings.foreign_ignores:
        return findings, {}
    from readiness.loading.render.relocate import relocate_note as told

    directives = (
        directive
        for project in assembly.projects
        for kind, documents in project.by_kind.items()
        for document in documents
        for directive in foreign.foreign_directives(kind, document, told)
    )
    return foreign.drop_silenced(findings, directives, law.is_locked)


def _findings_before(settings: Settings, today: datetime.date) -> baseline.Known:
    """What was found where this branch left the revision that was asked for."""
    from readiness.triage import revision

    file = settings.file

    def earlier(tree: Path) -> Iterable[Finding]:
        files = discover.discover_files([tree], file.exclude, base=tree, prefix=file.prefix)
        return run_pipeline(files, replace(settings, since=None, baseline=None), today).findings

    return revision.findings_since(settings.since or "", earlier)


@cache
def core_rules() -> tuple[LoadedRule, ...]:
    """The rules about files that cannot be judged; there are few and they are always needed."""
    return tuple(rules.load_rules(groups=("core",)))
