"""Texts to projects: which file is of which kind, which stand together, and what could not be judged."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from readiness import kinds
from readiness.loading import (
    archived,
    discover,
    environments,
    fenced,
    ignoring,
    nested_workflows,
    overlays,
    program_input,
    read_by_templates,
    reading,
    test_use,
    unapplied,
)
from readiness.loading.assembly import CAUSE_OVER_LIMIT, REASON_TEMPLATE, Assembly, FileStatus
from readiness.loading.charts import ChartRenderer
from readiness.loading.discover import DiscoveredFiles, UnreadFile
from readiness.loading.generator_templates import fold_templates_of_generator
from readiness.loading.named_paths import add_rows_for_refused_paths
from readiness.loading.refused import append_unreadable_row
from readiness.loading.render import KUSTOMIZATION_FILENAMES
from readiness.loading.render.made import written_source_and_span
from readiness.loading.variants import Variants
from readiness.model import Rule, Source
from readiness.model.crash import CHART, NAMED_PATHS, OVERLAYS, PARSING, PURPOSES, READMES, REASON_CRASHED, RELEASES
from readiness.model.project import Project, RunProjects

if TYPE_CHECKING:
    from readiness.loading.render import helm

REASON_OF_UNKNOWN_KIND = "of no kind that readiness knows"
REASON_UNUSED_ENV_FILE = "no compose file reads it"
REASON_TEST_DATA = "input of a program's tests; name it to have it checked"
REASON_NESTED_WORKFLOW = "GitHub never runs it: it reads .github/workflows at the root of the repository alone; name it to have it checked"
REASON_DOCUMENT_NOT_REQUESTED = "a document; name it, or ask with --documents"


def assemble_projects(
    discovered: DiscoveredFiles,
    core_rules: dict[str, Rule],
    *,
    may_judge_documents: bool | None,
    render: bool = True,
    helm_values: Sequence[Path] = (),
    variants: Variants | None = None,
) -> Assembly:
    """All that was found, as projects.

    Files stand together as one project; each environment of a chart or an overlay is one. A Markdown document is a
    project of its own; it is read where it was named, where `may_judge_documents` asks for it or where nothing else was found, so
    that a README's snippets do not score a repository.
    """
    assembly = Assembly(ignored_file_count=discovered.skipped_count, context=discovered.context.paths)
    _add_rows_for_unread_files(discovered, assembly, core_rules)
    test_data_sources = program_input.remove_test_data(discovered)
    nested_sources = nested_workflows.remove_nested_workflows(discovered) + nested_workflows.remove_workflows_beside(discovered)
    assembly.file_statuses += [FileStatus(one.path, "", "skipped", REASON_NESTED_WORKFLOW) for one in nested_sources]
    first_source = next(iter((*discovered.sources, *discovered.prose_sources)), None)
    with assembly.crash_as_finding(READMES, first_source, core_rules):
        _mark_what_directories_say(discovered)
    chart_folders = environments.chart_folders(discovered.paths)
    template_paths_by_chart_folder: dict[str, list[str]] = {chart_folder: [] for chart_folder in chart_folders}
    variants = variants or Variants()
    variants.context = discovered.context.paths
    problem_by_built_path: dict[str, str] = {}
    with assembly.crash_as_finding(OVERLAYS, first_source, core_rules):
        problem_by_built_path = overlays.build_overlays(discovered, assembly, core_rules, variants, is_rendering_enabled=render)
    removed_manifests = read_by_templates.remove_manifests_read_by_templates(discovered, chart_folders, problem_by_built_path)
    assembly.file_statuses += [FileStatus(one.path, "k8s", "skipped", read_by_templates.REASON_READ_BY_TEMPLATES) for one in removed_manifests]
    _mark_included_gitlab_files(discovered)
    sources_of_known_kind = []
    for source in discovered.sources:
        chart_folder = environments.chart_folder_of_template(source.path, chart_folders)
        if chart_folder is not None:
            template_paths_by_chart_folder[chart_folder].append(source.path)
        elif source.path in problem_by_built_path:
            assembly.file_statuses.append(environments.rendered_file_status(source.path, "k8s", problem_by_built_path[source.path]))
            assembly.sources.append(source)
        elif posixpath.basename(source.path) in KUSTOMIZATION_FILENAMES:
            overlays.record_kustomization(source, assembly, core_rules)
        elif known_kind := source.kind or _kind_or_crash(source, assembly, core_rules):
            source.kind = known_kind
            sources_of_known_kind.append(source)
        elif known_kind is not None:
            _add_row_for_unknown_kind(source, discovered, assembly)
    kinds_and_documents = _parse_kinds_and_documents(sources_of_known_kind, discovered.unread_files, assembly, core_rules, test_data_sources)
    with assembly.crash_as_finding(NAMED_PATHS, first_source, core_rules):
        add_rows_for_refused_paths(kinds_and_documents, discovered, assembly, core_rules)
    with assembly.crash_as_finding(PURPOSES, first_source, core_rules):
        variants.tell_documents(kinds_and_documents)
    assembly.projects[:0] = [environments.make_project(kinds_and_documents, discovered)] if kinds_and_documents else []
    _add_charts(ChartRenderer(discovered, assembly, core_rules, helm_values, render, variants), chart_folders, template_paths_by_chart_folder)
    _add_documents(discovered, assembly, chart_folders, may_judge_documents, core_rules)
    _record_program_inputs(assembly, discovered)
    _remove_context_rows_and_findings(assembly, discovered)
    fold_templates_of_generator(assembly)
    assembly.file_statuses.sort(key=lambda row: row.path)
    RunProjects(assembly.projects)
    return assembly


def _kind_or_crash(source: Source, assembly: Assembly, core_rules: dict[str, Rule]) -> str | None:
    """The kind of a text; None where telling it crashed, which is told."""
    with assembly.crash_as_finding(PARSING, source, core_rules):
        return kinds.detect_kind(source.path, source.text)
    assembly.file_statuses.append(FileStatus(source.path, "", "unreadable", REASON_CRASHED, CAUSE_OVER_LIMIT))
    assembly.sources.append(source)
    return None


def _add_rows_for_unread_files(discovered: DiscoveredFiles, assembly: Assembly, core_rules: dict[str, Rule]) -> None:
    """The rows of files that were not read, environment files apart, and of those that say what Git ignores and were not followed."""
    for unread_file in discovered.unread_files:
        if unread_file.kind != "dotenv":
            _add_row_for_unread_file(unread_file, assembly, core_rules)
    for unread_file in discovered.partly_followed_gitignores:
        kind = "" if unread_file.reason.startswith(ignoring.REASON_GITIGNORE_IS_LINK) else "patterns"  # Git follows none either
        assembly.file_statuses.append(FileStatus(unread_file.path, kind, "skipped", unread_file.reason))


def _mark_what_directories_say(discovered: DiscoveredFiles) -> None:
    """Tell every source what READMEs and the directories around it say of it: archived, applied by nobody, for tests alone."""
    _set_readme_words_and_owners(discovered)
    archived.mark_archived_files(discovered)
    unapplied.mark_unapplied_manifests(discovered)
    test_use.mark_manifests_of_tests(discovered)


def _set_readme_words_and_owners(discovered: DiscoveredFiles) -> None:
    """Tell every source what the READMEs around it say of it, and pipelines whose repository they stand in."""
    all_sources = (*discovered.sources, *discovered.prose_sources, *discovered.prose_sources_around)
    if any("readme" in one.path.lower() for one in all_sources):
        from readiness.kinds.readme import set_readme_words

        set_readme_words(all_sources)
    if any(".github/workflows/" in one.path for one in all_sources):
        from readiness.kinds.github.owner import set_repository_owners

        set_repository_owners((*all_sources, *discovered.package_sources))


def _record_program_inputs(assembly: Assembly, discovered: DiscoveredFiles) -> None:
    """Keep with the result which programs it depends on."""
    if discovered.program_texts:
        from readiness.loading.render.inputs import program_inputs

        assembly.render_inputs += program_inputs(discovered.program_texts)


def _remove_context_rows_and_findings(assembly: Assembly, discovered: DiscoveredFiles) -> None:
    """Keep no row of a file that is context, and nothing that is wrong with one; count those that joins see."""
    context_paths = discovered.context.paths
    if not context_paths:
        return
    checked_context_rows = [row for row in assembly.file_statuses if row.path in context_paths and row.status == "checked"]
    discovered.context = replace(discovered.context, files=len({row.path for row in checked_context_rows}))
    assembly.file_statuses = [row for row in assembly.file_statuses if row.path not in context_paths]
    assembly.parse_findings = [
        one for one in assembly.parse_findings if written_source_and_span(one.source, one.span)[0].root.path not in context_paths
    ]


def _mark_included_gitlab_files(discovered: DiscoveredFiles) -> None:
    """Give the files that a pipeline of GitLab includes its kind, whatever they are called."""
    source_by_path = {source.path: source for source in discovered.sources}
    if any(posixpath.basename(included_path) == ".gitlab-ci.yml" for included_path in source_by_path):
        from readiness.kinds.gitlab.includes import included_pipeline_paths

        for included_path in included_pipeline_paths({included_path: source.text for included_path, source in source_by_path.items()}):
            source_by_path[included_path].kind = "gitlab"


def _add_charts(chart_renderer: ChartRenderer, chart_folders: frozenset[str], template_paths_by_chart_folder: Mapping[str, Sequence[str]]) -> None:
    """Every chart of the tree, with its own values and with those of the releases that install it.

    A chart may make releases of others: of these the first round is rendered.
    """
    assembly = chart_renderer.assembly
    if not template_paths_by_chart_folder and not any("k8s" in project.by_kind for project in assembly.projects):
        return
    from readiness.loading.releases import ReleaseCollector

    release_collector = ReleaseCollector(chart_renderer.discovered, chart_folders)
    releases_by_chart_folder: dict[str, list[helm.ValuesEnvironment]] = {}
    with chart_renderer.crash_as_finding(RELEASES):
        releases_by_chart_folder = release_collector.collect_from_projects(assembly.projects, assembly)
        inflating_kustomizations = overlays.chart_inflating_kustomizations(chart_renderer.discovered, assembly.parsed)
        release_collector.collect_inflated(inflating_kustomizations, releases_by_chart_folder)
    project_count_before_charts = len(assembly.projects)
    for chart_folder in sorted(template_paths_by_chart_folder):
        template_paths = template_paths_by_chart_folder[chart_folder]
        with chart_renderer.crash_as_finding(CHART, chart_folder):
            chart_renderer.add_chart(chart_folder, template_paths, releases_by_chart_folder.get(chart_folder, ()))
            continue
        assembly.file_statuses += [FileStatus(one, "helm", "unreadable", REASON_CRASHED, CAUSE_OVER_LIMIT) for one in template_paths]
    with chart_renderer.crash_as_finding(RELEASES):
        nested_releases_by_chart_folder = release_collector.collect_from_projects(assembly.projects[project_count_before_charts:], assembly)
        for chart_folder, nested_releases in sorted(nested_releases_by_chart_folder.items()):
            with chart_renderer.crash_as_finding(CHART, chart_folder):
                chart_renderer.add_releases(chart_folder, nested_releases)
        rendered_value_places = release_collector.value_places(chart_renderer.rendered_environment_names)
        for project in assembly.projects:
            project.rendered = rendered_value_places


def _add_documents(
    discovered: DiscoveredFiles,
    assembly: Assembly,
    chart_folders: frozenset[str],
    may_judge_documents: bool | None,
    core_rules: dict[str, Rule],
) -> None:
    """Adds a project for each Markdown document that is asked for; charts' own texts are left to the chart."""
    discovered.prose_sources = [
        source for source in discovered.prose_sources if environments.chart_folder_of_template(source.path, chart_folders) is None
    ]
    markdown_sources = [source for source in discovered.prose_sources if _is_markdown(source)]
    markdown_source_ids = {id(source) for source in markdown_sources}
    assembly.file_statuses += [
        FileStatus(source.path, "", "skipped", REASON_OF_UNKNOWN_KIND) for source in discovered.prose_sources if id(source) not in markdown_source_ids
    ]
    has_only_documents = not any(row.kind or row.status == "unreadable" for row in assembly.file_statuses)
    for source in markdown_sources:
        is_requested = has_only_documents or source.path in discovered.named_paths if may_judge_documents is None else may_judge_documents
        if is_requested:
            with assembly.crash_as_finding(PARSING, source, core_rules):
                _add_markdown(source, assembly)
        else:
            assembly.file_statuses.append(FileStatus(source.path, "", "skipped", REASON_DOCUMENT_NOT_REQUESTED))


def _add_row_for_unknown_kind(source: Source, discovered: DiscoveredFiles, assembly: Assembly) -> None:
    """A text of no kind: a document, a template of what has one, or somebody else's file."""
    if _is_markdown(source):
        discovered.prose_sources.append(source)
    elif kind := kinds.kind_rendered_from_template(source.path, source.text):
        assembly.file_statuses.append(FileStatus(source.path, kind, "skipped", REASON_TEMPLATE))
    elif discover.is_template_of_known_kind(source.path) and source.path not in discovered.named_paths:
        assembly.ignored_file_count += source.path not in discovered.context.paths  # opened for what it makes, and that is none of ours either
    else:
        assembly.file_statuses.append(FileStatus(source.path, "", "skipped", REASON_OF_UNKNOWN_KIND))


def _parse_kinds_and_documents(
    sources_of_known_kind: list[Source],
    unread_files: list[UnreadFile],
    assembly: Assembly,
    core_rules: dict[str, Rule],
    test_data_sources: Sequence[Source],
) -> list[tuple[str, Any]]:
    """The documents of the project; of environment files those that a compose file reads.

    Of `unread_files`, which nobody could read, the environment files count. `test_data_sources` is what the tests of programs read: of that belongs
    to the project what a compose file takes in.
    """
    unread_env_files = [one for one in unread_files if one.kind == "dotenv"]
    kinds_and_documents = list(assembly.parse_and_record((one for one in sources_of_known_kind if one.kind != "dotenv"), core_rules))
    test_data_used_by_compose = _test_data_used_by_compose(kinds_and_documents, test_data_sources, assembly)
    kinds_and_documents += assembly.parse_and_record((one for one in test_data_used_by_compose if one.kind != "dotenv"), core_rules)
    env_file_sources = [one for one in (*sources_of_known_kind, *test_data_used_by_compose) if one.kind == "dotenv"]
    if not env_file_sources and not unread_env_files:
        return kinds_and_documents
    env_paths_read_by_compose = _env_paths_read_by([document for kind, document in kinds_and_documents if kind == "compose"])
    used_env_file_sources = [one for one in env_file_sources if posixpath.normpath(one.path) in env_paths_read_by_compose]
    assembly.file_statuses += [
        FileStatus(source.path, "", "skipped", REASON_UNUSED_ENV_FILE) for source in env_file_sources if source not in used_env_file_sources
    ]
    for unread_file in unread_env_files:
        if posixpath.normpath(unread_file.path) in env_paths_read_by_compose:
            _add_row_for_unread_file(unread_file, assembly, core_rules)
        else:
            assembly.file_statuses.append(FileStatus(unread_file.path, "", "skipped", REASON_UNUSED_ENV_FILE))
    return kinds_and_documents + list(assembly.parse_and_record(used_env_file_sources, core_rules))


def _env_paths_read_by(compose_documents: Sequence[Any]) -> set[str]:
    """The paths of the environment files that compose files read; where there are none, nothing of their kind is imported."""
    if not compose_documents:
        return set()
    from readiness.kinds.compose.join import env_file_paths_looked_for

    return env_file_paths_looked_for(compose_documents)


def _test_data_used_by_compose(
    kinds_and_documents: Sequence[tuple[str, Any]],
    test_data_sources: Sequence[Source],
    assembly: Assembly,
) -> list[Source]:
    """Of the input of programs what compose files take in, by whatever number of steps; a row for each of the rest."""
    for source in test_data_sources:
        source.kind = source.kind or kinds.detect_kind(source.path, source.text)
    remaining_source_by_path = {posixpath.normpath(one.path): one for one in test_data_sources if one.kind}
    compose_documents = [document for kind, document in kinds_and_documents if kind == "compose"]
    used_sources: list[Source] = []
    while compose_documents:
        paths_read = program_input.paths_read_by_compose(compose_documents)
        newly_used_sources = [remaining_source_by_path.pop(path) for path in sorted(paths_read & remaining_source_by_path.keys())]
        used_sources += newly_used_sources
        parsed_compose_sources = reading.parse_sources([one for one in newly_used_sources if one.kind == "compose"])
        compose_documents = [document for _, document, error in parsed_compose_sources if error is None]
    assembly.file_statuses += [
        FileStatus(one.path, "", "skipped", REASON_TEST_DATA if one.kind else REASON_OF_UNKNOWN_KIND)
        for one in test_data_sources
        if one not in used_sources
    ]
    return used_sources


def _add_row_for_unread_file(unread_file: UnreadFile, assembly: Assembly, core_rules: dict[str, Rule]) -> None:
    """The row of a file that was not read, and the finding that stands for it where it should have been, at its beginning."""
    if unread_file.status == "skipped":
        assembly.file_statuses.append(FileStatus(unread_file.path, unread_file.kind, unread_file.status, unread_file.reason))
        return
    append_unreadable_row(assembly, unread_file.path, unread_file.reason, core_rules)


def _is_markdown(source: Source) -> bool:
    from readiness.syntax.markdown import is_markdown

    return is_markdown(source.path, source.text)


def _add_markdown(source: Source, assembly: Assembly) -> None:
    """The fenced blocks of a document, as one project; blocks that do not parse are told and no findings."""
    kinds_and_documents = []
    parse_problems = []
    for block_source, _language in fenced.fenced_block_sources(source):
        block_source.kind = kinds.detect_kind(block_source.path, block_source.text)
        if not block_source.kind:
            continue
        for parsed_source, document, parse_error in reading.parse_sources([block_source]):
            if parse_error is None:
                assembly.sources.append(parsed_source)
                kinds_and_documents.append((parsed_source.kind, document))
            else:
                line_number = parsed_source.position_of(parse_error.offset).line
                parse_problems.append(f"line {line_number}: {parse_error.message}")
    if not kinds_and_documents and not parse_problems:
        assembly.file_statuses.append(FileStatus(source.path, "", "skipped", "no block of a kind that readiness knows"))
        return
    parse_problem_summary = f"{len(parse_problems)} of its blocks do not parse: {'; '.join(parse_problems[:3])}" if parse_problems else ""
    assembly.file_statuses.append(FileStatus(source.path, "markdown", "checked", parse_problem_summary))
    assembly.projects.append(Project(kinds_and_documents, is_prose=True))
