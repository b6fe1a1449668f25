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
)
from readiness.loading.assembly import BROKEN, TEMPLATE, Assembly, FileStatus
from readiness.loading.charts import Charts
from readiness.loading.discover import DiscoveredFiles, UnreadFile
from readiness.loading.render import OVERLAYS
from readiness.loading.render.made import written_place
from readiness.loading.variants import Variants
from readiness.model import Finding, Rule, Source, Span, messages
from readiness.model.project import Project, Run

UNKNOWN_KIND = "of no kind that readiness knows"
ENV_FILE_UNUSED = "no compose file reads it"
PROGRAM_INPUT = "input of a program's tests; name it to have it checked"
DOCUMENT_NOT_ASKED = "a document; name it, or ask with --documents"


def assemble(
    discovered: DiscoveredFiles,
    core: dict[str, Rule],
    *,
    documents: bool | None,
    render: bool = True,
    helm_values: Sequence[Path] = (),
    variants: Variants | None = None,
) -> Assembly:
    """All that was found, as projects.

    Files stand together as one project; each environment of a chart or an overlay is one. A Markdown document is a
    project of its own; it is read where it was named, where `documents` asks for it or where nothing else was found, so
    that a README's snippets do not score a repository.
    """
    assembly = Assembly(others=discovered.skipped, context=discovered.context.paths)
    for unread in discovered.unread:
        if unread.kind != "dotenv":
            _unread(unread, assembly, core)
    for unread in discovered.overruled:
        kind = (
            "" if unread.reason.startswith(ignoring.LINK) else "patterns"
        )  # Git follows none either
        assembly.rows.append(FileStatus(unread.path, kind, "skipped", unread.reason))
    inputs = program_input.take_out(discovered)
    charts = environments.chart_folders(discovered.paths)
    templates: dict[str, list[str]] = {folder: [] for folder in charts}
    variants = variants or Variants()
    variants.context = discovered.context.paths
    built = overlays.build_overlays(discovered, assembly, core, variants, asked=render)
    ours = []
    _mark_pipeline_parts(discovered)
    for source in discovered.texts:
        folder = environments.chart_containing(source.path, charts)
        if folder is not None:
            templates[folder].append(source.path)
        elif source.path in built:
            assembly.rows.append(
                environments.template_state(source.path, "k8s", built[source.path])
            )
            assembly.sources.append(source)
        elif posixpath.basename(source.path) in OVERLAYS:
            overlays.add_kustomization(source, assembly, core)
        elif kind := source.kind or kinds.classify(source.path, source.text):
            source.kind = kind
            ours.append(source)
        else:
            _set_aside(source, discovered, assembly)
    closed = [one for one in discovered.unread if one.kind == "dotenv"]
    pairs = _parse_project_files(ours, closed, assembly, core, inputs)
    variants.tell_documents(pairs)
    if pairs:
        assembly.projects.insert(0, environments.make_project(pairs, discovered))
    _add_charts(
        Charts(discovered, assembly, core, helm_values, render, variants), charts, templates
    )
    _add_documents(discovered, assembly, charts, documents)
    _leave_context_out(assembly, discovered)
    assembly.rows.sort(key=lambda row: row.path)
    Run(assembly.projects)
    return assembly


def _leave_context_out(assembly: Assembly, discovered: DiscoveredFiles) -> None:
    """Keep no row of a file that is context, and nothing that is wrong with one; count those that joins see."""
    context = discovered.context.paths
    if not context:
        return
    known = [row for row in assembly.rows if row.path in context and row.status == "checked"]
    discovered.context = replace(discovered.context, files=len({row.path for row in known}))
    assembly.rows = [row for row in assembly.rows if row.path not in context]
    assembly.broken = [
        one
        for one in assembly.broken
        if written_place(one.source, one.span)[0].root.path not in context
    ]


def _mark_pipeline_parts(discovered: DiscoveredFiles) -> None:
    """Give the files that a pipeline of GitLab includes its kind, whatever they are called."""
    texts = {source.path: source for source in discovered.texts}
    if any(posixpath.basename(path) == ".gitlab-ci.yml" for path in texts):
        from readiness.kinds.gitlab.includes import part_paths

        for path in part_paths({path: source.text for path, source in texts.items()}):
            texts[path].kind = "gitlab"


def _add_charts(
    charts: Charts, folders: frozenset[str], templates: Mapping[str, Sequence[str]]
) -> None:
    """Every chart of the tree, with its own values and with those of the releases that install it.

    A chart may make releases of others: of these the first round is rendered.
    """
    made = charts.assembly
    if not templates and not any("k8s" in project.by_kind for project in made.projects):
        return
    from readiness.loading.releases import Releases

    releases = Releases(charts.discovered, folders)
    outer = releases.collect(made.projects, made)
    releases.collect_inflated(overlays.inflating_overlays(charts.discovered, made.parsed), outer)
    before = len(made.projects)
    for folder in sorted(templates):
        charts.add(folder, templates[folder], outer.get(folder, ()))
    for folder, inner in sorted(releases.collect(made.projects[before:], made).items()):
        charts.add_releases(folder, inner)
    rendered = releases.places(charts.rendered)
    for project in made.projects:
        project.rendered = rendered


def _add_documents(
    discovered: DiscoveredFiles, assembly: Assembly, charts: frozenset[str], documents: bool | None
) -> None:
    """Adds a project for each Markdown document that is asked for; charts' own texts are left to the chart."""
    discovered.prose = [
        source
        for source in discovered.prose
        if environments.chart_containing(source.path, charts) is None
    ]
    prose = [source for source in discovered.prose if _is_markdown(source)]
    texts = {id(source) for source in prose}
    assembly.rows += [
        FileStatus(source.path, "", "skipped", UNKNOWN_KIND)
        for source in discovered.prose
        if id(source) not in texts
    ]
    alone = not any(row.kind or row.status == "unreadable" for row in assembly.rows)
    for source in prose:
        asked = alone or source.path in discovered.named if documents is None else documents
        if asked:
            _add_markdown(source, assembly)
        else:
            assembly.rows.append(FileStatus(source.path, "", "skipped", DOCUMENT_NOT_ASKED))


def _set_aside(source: Source, discovered: DiscoveredFiles, assembly: Assembly) -> None:
    """A text of no kind: a document, a template of what has one, or somebody else's file."""
    if _is_markdown(source):
        discovered.prose.append(source)
    elif kind := kinds.kind_of_template(source.path, source.text):
        assembly.rows.append(FileStatus(source.path, kind, "skipped", TEMPLATE))
    elif discover.is_template_of_ours(source.path) and source.path not in discovered.named:
        assembly.others += (
            source.path not in discovered.context.paths
        )  # opened for what it makes, and that is none of ours either
    else:
        assembly.rows.append(FileStatus(source.path, "", "skipped", UNKNOWN_KIND))


def _parse_project_files(
    ours: list[Source],
    closed: list[UnreadFile],
    assembly: Assembly,
    core: dict[str, Rule],
    inputs: Sequence[Source],
) -> list[tuple[str, Any]]:
    """The documents of the project; of environment files those that a compose file reads.

    `closed` are the environment files that nobody could read, `inputs` what the tests of programs read: of those belongs
    to the project what a compose file takes in.
    """
    pairs = list(assembly.parse((one for one in ours if one.kind != "dotenv"), core))
    taken_in = _sources_taken_in(pairs, inputs, assembly)
    pairs += assembly.parse((one for one in taken_in if one.kind != "dotenv"), core)
    files = [one for one in (*ours, *taken_in) if one.kind == "dotenv"]
    if not files and not closed:
        return pairs
    from readiness.kinds.compose.join import env_paths_read_by

    wanted = env_paths_read_by(document for kind, document in pairs if kind == "compose")
    read = [one for one in files if posixpath.normpath(one.path) in wanted]
    assembly.rows += [
        FileStatus(source.path, "", "skipped", ENV_FILE_UNUSED)
        for source in files
        if source not in read
    ]
    for unread in closed:
        if posixpath.normpath(unread.path) in wanted:
            _unread(unread, assembly, core)
        else:
            assembly.rows.append(FileStatus(unread.path, "", "skipped", ENV_FILE_UNUSED))
    return pairs + list(assembly.parse(read, core))


def _sources_taken_in(
    pairs: Sequence[tuple[str, Any]], inputs: Sequence[Source], assembly: Assembly
) -> list[Source]:
    """Of the input of programs what compose files take in, by whatever number of steps; a row for each of the rest."""
    for source in inputs:
        source.kind = source.kind or kinds.classify(source.path, source.text)
    left = {posixpath.normpath(one.path): one for one in inputs if one.kind}
    documents = [document for kind, document in pairs if kind == "compose"]
    found: list[Source] = []
    while documents:
        paths = program_input.paths_taken_in(documents)
        new = [left.pop(path) for path in sorted(paths & left.keys())]
        found += new
        nested = reading.parse_sources([one for one in new if one.kind == "compose"])
        documents = [document for _, document, error in nested if error is None]
    assembly.rows += [
        FileStatus(one.path, "", "skipped", PROGRAM_INPUT if one.kind else UNKNOWN_KIND)
        for one in inputs
        if one not in found
    ]
    return found


def _unread(unread: UnreadFile, assembly: Assembly, core: dict[str, Rule]) -> None:
    """The row of a file that was not read, and the finding that stands for it where it should have been, at its beginning."""
    if unread.status == "skipped":
        assembly.rows.append(FileStatus(unread.path, unread.kind, unread.status, unread.reason))
        return
    assembly.rows.append(FileStatus(unread.path, "", unread.status, unread.reason, BROKEN))
    rule = core["core/unreadable"]
    text = messages.fill_message(rule.message, {"reason": unread.reason}.get)
    assembly.broken.append(Finding(rule, Source(unread.path, ""), Span(0, 0), text))


def _is_markdown(source: Source) -> bool:
    from readiness.syntax.markdown import is_markdown

    return is_markdown(source.path, source.text)


def _add_markdown(source: Source, assembly: Assembly) -> None:
    """The fenced blocks of a document, as one project; blocks that do not parse are told and no findings."""
    pairs = []
    problems = []
    for block, _language in fenced.fenced_blocks(source):
        block.kind = kinds.classify(block.path, block.text)
        if not block.kind:
            continue
        for inner, document, error in reading.parse_sources([block]):
            if error is None:
                assembly.sources.append(inner)
                pairs.append((inner.kind, document))
            else:
                line = inner.position(error.offset).line
                problems.append(f"line {line}: {error.message}")
    if not pairs and not problems:
        assembly.rows.append(
            FileStatus(source.path, "", "skipped", "no block of a kind that readiness knows")
        )
        return
    reason = (
        f"{len(problems)} of its blocks do not parse: {'; '.join(problems[:3])}" if problems else ""
    )
    assembly.rows.append(FileStatus(source.path, "markdown", "checked", reason))
    assembly.projects.append(Project(pairs, prose=True))
