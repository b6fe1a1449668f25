"""Texts to projects: which file is of which kind, which stand together, and what could not be judged."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from readiness import kinds
from readiness.loading import (
    discover,
    environments,
    fenced,
    ignoring,
    overlays,
    program_input,
    reading,
    unapplied,
)
from readiness.loading.assembly import CAUSE_BROKEN, REASON_TEMPLATE, Assembly, FileStatus
from readiness.loading.charts import ChartRenderer
from readiness.loading.discover import DiscoveredFiles, UnreadFile
from readiness.loading.render import KUSTOMIZATION_FILENAMES
from readiness.loading.render.made import written_place
from readiness.loading.variants import Variants
from readiness.model import Finding, Rule, Source, Span, messages
from readiness.model.project import Project, RunProjects

REASON_UNKNOWN_KIND = "of no kind that readiness knows"
REASON_ENV_FILE_UNUSED = "no compose file reads it"
REASON_TEST_DATA = "input of a program's tests; name it to have it checked"
REASON_DOCUMENT_NOT_REQUESTED = "a document; name it, or ask with --documents"


def assemble_projects(
    discovered: DiscoveredFiles,
    core_rules: dict[str, Rule],
    *,
    judge_documents: bool | None,
    render: bool = True,
    helm_values: Sequence[Path] = (),
    variants: Variants | None = None,
) -> Assembly:
    """All that was found, as projects.

    Files stand together as one project; each environment of a chart or an overlay is one. A Markdown document is a
    project of its own; it is read where it was named, where `judge_documents` asks for it or where nothing else was found, so
    that a README's snippets do not score a repository.
    """
    assembly = Assembly(ignored_file_count=discovered.skipped_count, context=discovered.context.paths)
    for unread in discovered.unread_files:
        if unread.kind != "dotenv":
            _add_row_for_unread_file(unread, assembly, core_rules)
    for unread in discovered.partly_followed_gitignores:
        kind = "" if unread.reason.startswith(ignoring.REASON_LINK) else "patterns"  # Git follows none either
        assembly.file_statuses.append(FileStatus(unread.path, kind, "skipped", unread.reason))
    inputs = program_input.remove_test_data(discovered)
    _tell_surroundings(discovered)
    unapplied.tell_unapplied(discovered)
    charts = environments.chart_folders(discovered.paths)
    templates: dict[str, list[str]] = {folder: [] for folder in charts}
    variants = variants or Variants()
    variants.context = discovered.context.paths
    built = overlays.build_overlays(discovered, assembly, core_rules, variants, render_enabled=render)
    ours = []
    _mark_pipeline_parts(discovered)
    for source in discovered.sources:
        folder = environments.chart_containing(source.path, charts)
        if folder is not None:
            templates[folder].append(source.path)
        elif source.path in built:
            assembly.file_statuses.append(environments.rendered_file_status(source.path, "k8s", built[source.path]))
            assembly.sources.append(source)
        elif posixpath.basename(source.path) in KUSTOMIZATION_FILENAMES:
            overlays.add_kustomization(source, assembly, core_rules)
        elif kind := source.kind or kinds.detect_kind(source.path, source.text):
            source.kind = kind
            ours.append(source)
        else:
            _add_row_for_unknown_kind(source, discovered, assembly)
    closed = [one for one in discovered.unread_files if one.kind == "dotenv"]
    pairs = _parse_project_files(ours, closed, assembly, core_rules, inputs)
    variants.tell_documents(pairs)
    if pairs:
        assembly.projects.insert(0, environments.make_project(pairs, discovered))
    _add_charts(
        ChartRenderer(discovered, assembly, core_rules, helm_values, render, variants),
        charts,
        templates,
    )
    _add_documents(discovered, assembly, charts, judge_documents)
    _note_programs_read(assembly, discovered)
    _leave_context_out(assembly, discovered)
    assembly.file_statuses.sort(key=lambda row: row.path)
    RunProjects(assembly.projects)
    return assembly


def _tell_surroundings(discovered: DiscoveredFiles) -> None:
    """Tell every source what the READMEs around it say of it, and pipelines whose repository they stand in."""
    sources = (*discovered.sources, *discovered.prose_sources)
    if any("readme" in one.path.lower() for one in sources):
        from readiness.kinds.readme import tell_readmes

        tell_readmes(sources)
    if any(".github/workflows/" in one.path for one in sources):
        from readiness.kinds.github.owner import tell_owners

        tell_owners((*sources, *discovered.package_sources))


def _note_programs_read(assembly: Assembly, discovered: DiscoveredFiles) -> None:
    """Keep with the result which programs it depends on."""
    if discovered.program_texts:
        from readiness.loading.render.inputs import program_inputs

        assembly.render_inputs += program_inputs(discovered.program_texts)


def _leave_context_out(assembly: Assembly, discovered: DiscoveredFiles) -> None:
    """Keep no row of a file that is context, and nothing that is wrong with one; count those that joins see."""
    context = discovered.context.paths
    if not context:
        return
    known = [row for row in assembly.file_statuses if row.path in context and row.status == "checked"]
    discovered.context = replace(discovered.context, files=len({row.path for row in known}))
    assembly.file_statuses = [row for row in assembly.file_statuses if row.path not in context]
    assembly.parse_findings = [
        one for one in assembly.parse_findings if written_place(one.source, one.span)[0].root.path not in context
    ]


def _mark_pipeline_parts(discovered: DiscoveredFiles) -> None:
    """Give the files that a pipeline of GitLab includes its kind, whatever they are called."""
    texts = {source.path: source for source in discovered.sources}
    if any(posixpath.basename(path) == ".gitlab-ci.yml" for path in texts):
        from readiness.kinds.gitlab.includes import part_paths

        for path in part_paths({path: source.text for path, source in texts.items()}):
            texts[path].kind = "gitlab"


def _add_charts(charts: ChartRenderer, folders: frozenset[str], templates: Mapping[str, Sequence[str]]) -> None:
    """Every chart of the tree, with its own values and with those of the releases that install it.

    A chart may make releases of others: of these the first round is rendered.
    """
    made = charts.assembly
    if not templates and not any("k8s" in project.by_kind for project in made.projects):
        return
    from readiness.loading.releases import ReleaseCollector

    releases = ReleaseCollector(charts.discovered, folders)
    outer = releases.collect_from_projects(made.projects, made)
    releases.collect_inflated(overlays.inflating_overlays(charts.discovered, made.parsed), outer)
    before = len(made.projects)
    for folder in sorted(templates):
        charts.add_chart(folder, templates[folder], outer.get(folder, ()))
    for folder, inner in sorted(releases.collect_from_projects(made.projects[before:], made).items()):
        charts.add_releases(folder, inner)
    rendered = releases.value_places(charts.rendered_environment_names)
    for project in made.projects:
        project.rendered = rendered


def _add_documents(
    discovered: DiscoveredFiles,
    assembly: Assembly,
    chart_folders: frozenset[str],
    judge_documents: bool | None,
) -> None:
    """Adds a project for each Markdown document that is asked for; charts' own texts are left to the chart."""
    discovered.prose_sources = [
        source for source in discovered.prose_sources if environments.chart_containing(source.path, chart_folders) is None
    ]
    prose = [source for source in discovered.prose_sources if _is_markdown(source)]
    texts = {id(source) for source in prose}
    assembly.file_statuses += [
        FileStatus(source.path, "", "skipped", REASON_UNKNOWN_KIND)
        for source in discovered.prose_sources
        if id(source) not in texts
    ]
    alone = not any(row.kind or row.status == "unreadable" for row in assembly.file_statuses)
    for source in prose:
        asked = alone or source.path in discovered.named_paths if judge_documents is None else judge_documents
        if asked:
            _add_markdown(source, assembly)
        else:
            assembly.file_statuses.append(FileStatus(source.path, "", "skipped", REASON_DOCUMENT_NOT_REQUESTED))


def _add_row_for_unknown_kind(source: Source, discovered: DiscoveredFiles, assembly: Assembly) -> None:
    """A text of no kind: a document, a template of what has one, or somebody else's file."""
    if _is_markdown(source):
        discovered.prose_sources.append(source)
    elif kind := kinds.kind_of_template(source.path, source.text):
        assembly.file_statuses.append(FileStatus(source.path, kind, "skipped", REASON_TEMPLATE))
    elif discover.is_template_of_known_kind(source.path) and source.path not in discovered.named_paths:
        assembly.ignored_file_count += (
            source.path not in discovered.context.paths
        )  # opened for what it makes, and that is none of ours either
    else:
        assembly.file_statuses.append(FileStatus(source.path, "", "skipped", REASON_UNKNOWN_KIND))


def _parse_project_files(
    sources_of_known_kind: list[Source],
    unread_files: list[UnreadFile],
    assembly: Assembly,
    core_rules: dict[str, Rule],
    test_data_sources: Sequence[Source],
) -> list[tuple[str, Any]]:
    """The documents of the project; of environment files those that a compose file reads.

    `unread_files` are the environment files that nobody could read, `test_data_sources` what the tests of programs read: of
    those belongs to the project what a compose file takes in.
    """
    pairs = list(assembly.parse_and_record((one for one in sources_of_known_kind if one.kind != "dotenv"), core_rules))
    taken_in = _test_data_used_by_compose(pairs, test_data_sources, assembly)
    pairs += assembly.parse_and_record((one for one in taken_in if one.kind != "dotenv"), core_rules)
    files = [one for one in (*sources_of_known_kind, *taken_in) if one.kind == "dotenv"]
    if not files and not unread_files:
        return pairs
    wanted = _env_paths_read_by([document for kind, document in pairs if kind == "compose"])
    read = [one for one in files if posixpath.normpath(one.path) in wanted]
    assembly.file_statuses += [
        FileStatus(source.path, "", "skipped", REASON_ENV_FILE_UNUSED) for source in files if source not in read
    ]
    for unread in unread_files:
        if posixpath.normpath(unread.path) in wanted:
            _add_row_for_unread_file(unread, assembly, core_rules)
        else:
            assembly.file_statuses.append(FileStatus(unread.path, "", "skipped", REASON_ENV_FILE_UNUSED))
    return pairs + list(assembly.parse_and_record(read, core_rules))


def _env_paths_read_by(compose_documents: Sequence[Any]) -> set[str]:
    """The paths of the environment files that compose files read; where there are none, nothing of their kind is imported."""
    if not compose_documents:
        return set()
    from readiness.kinds.compose.join import env_paths_read_by

    return env_paths_read_by(compose_documents)


def _test_data_used_by_compose(
    kinds_and_documents: Sequence[tuple[str, Any]],
    test_data_sources: Sequence[Source],
    assembly: Assembly,
) -> list[Source]:
    """Of the input of programs what compose files take in, by whatever number of steps; a row for each of the rest."""
    for source in test_data_sources:
        source.kind = source.kind or kinds.detect_kind(source.path, source.text)
    left = {posixpath.normpath(one.path): one for one in test_data_sources if one.kind}
    documents = [document for kind, document in kinds_and_documents if kind == "compose"]
    found: list[Source] = []
    while documents:
        paths = program_input.paths_read_by_compose(documents)
        new = [left.pop(path) for path in sorted(paths & left.keys())]
        found += new
        nested = reading.parse_sources([one for one in new if one.kind == "compose"])
        documents = [document for _, document, error in nested if error is None]
    assembly.file_statuses += [
        FileStatus(one.path, "", "skipped", REASON_TEST_DATA if one.kind else REASON_UNKNOWN_KIND)
        for one in test_data_sources
        if one not in found
    ]
    return found


def _add_row_for_unread_file(unread_file: UnreadFile, assembly: Assembly, core_rules: dict[str, Rule]) -> None:
    """The row of a file that was not read, and the finding that stands for it where it should have been, at its beginning."""
    if unread_file.status == "skipped":
        assembly.file_statuses.append(FileStatus(unread_file.path, unread_file.kind, unread_file.status, unread_file.reason))
        return
    assembly.file_statuses.append(FileStatus(unread_file.path, "", unread_file.status, unread_file.reason, CAUSE_BROKEN))
    rule = core_rules["core/unreadable"]
    text = messages.fill_message(rule.message, {"reason": unread_file.reason}.get)
    assembly.parse_findings.append(Finding(rule, Source(unread_file.path, ""), Span(0, 0), text))


def _is_markdown(source: Source) -> bool:
    from readiness.syntax.markdown import is_markdown

    return is_markdown(source.path, source.text)


def _add_markdown(source: Source, assembly: Assembly) -> None:
    """The fenced blocks of a document, as one project; blocks that do not parse are told and no findings."""
    pairs = []
    problems = []
    for block, _language in fenced.fenced_block_sources(source):
        block.kind = kinds.detect_kind(block.path, block.text)
        if not block.kind:
            continue
        for inner, document, error in reading.parse_sources([block]):
            if error is None:
                assembly.sources.append(inner)
                pairs.append((inner.kind, document))
            else:
                line = inner.position_of(error.offset).line
                problems.append(f"line {line}: {error.message}")
    if not pairs and not problems:
        assembly.file_statuses.append(FileStatus(source.path, "", "skipped", "no block of a kind that readiness knows"))
        return
    reason = f"{len(problems)} of its blocks do not parse: {'; '.join(problems[:3])}" if problems else ""
    assembly.file_statuses.append(FileStatus(source.path, "markdown", "checked", reason))
    assembly.projects.append(Project(pairs, is_prose=True))
