"""Texts to projects: which file is of which kind, which stand together, and what could not be judged."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from readiness import kinds
from readiness.loading import discover, environments, fenced, ignoring, reading
from readiness.loading.assembly import BROKEN, TEMPLATE, Assembly, FileStatus
from readiness.loading.charts import Charts
from readiness.loading.discover import DiscoveredFiles, UnreadFile
from readiness.loading.render import OVERLAYS
from readiness.model import Finding, Rule, Source, Span, messages
from readiness.model.project import Project

UNKNOWN_KIND = "of no kind that readiness knows"
ENV_FILE_UNUSED = "no compose file reads it"
DOCUMENT_NOT_ASKED = "a document; name it, or ask with --documents"


def assemble(
    found: DiscoveredFiles,
    core: dict[str, Rule],
    *,
    documents: bool | None,
    render: bool = True,
    helm_values: Sequence[Path] = (),
) -> Assembly:
    """All that was found, as projects.

    Files stand together as one project; each environment of a chart or an overlay is one. A Markdown document is a
    project of its own; it is read where it was named, where `documents` asks for it or where nothing else was found, so
    that a README's snippets do not score a repository.
    """
    made = Assembly(others=found.skipped)
    for unread in found.unread:
        if unread.kind != "dotenv":
            _unread(unread, made, core)
    for one in found.overruled:
        kind = "" if one.reason.startswith(ignoring.LINK) else "patterns"  # Git follows none either
        made.rows.append(FileStatus(one.path, kind, "skipped", one.reason))
    charts = environments.chart_folders(found.paths)
    templates: dict[str, list[str]] = {folder: [] for folder in charts}
    built = environments.build_overlays(found, made, core, asked=render)
    ours = []
    for source in found.texts:
        folder = environments.chart_containing(source.path, charts)
        if folder is not None:
            templates[folder].append(source.path)
        elif source.path in built:
            made.rows.append(environments.state(source.path, "k8s", built[source.path]))
            made.sources.append(source)
        elif posixpath.basename(source.path) in OVERLAYS:
            environments.overlay(source, made, core)
        elif kind := source.kind or kinds.classify(source.path, source.text):
            source.kind = kind
            ours.append(source)
        else:
            _set_aside(source, found, made)
    closed = [one for one in found.unread if one.kind == "dotenv"]
    pairs = _parse_project_files(ours, closed, made, core)
    if pairs:
        made.projects.insert(0, environments.make_project(pairs, found))
    _add_charts(Charts(found, made, core, helm_values, render), charts, templates)
    _add_documents(found, made, charts, documents)
    made.rows.sort(key=lambda row: row.path)
    return made


def _add_charts(
    charts: Charts, folders: frozenset[str], templates: Mapping[str, Sequence[str]]
) -> None:
    """Every chart of the tree, with its own values and with those of the releases that install it.

    A chart may make releases of others: of these the first round is rendered.
    """
    made = charts.made
    if not templates and not any("k8s" in project.by_kind for project in made.projects):
        return
    from readiness.loading.releases import Releases

    releases = Releases(charts.found, folders)
    outer = releases.collect(made.projects, made)
    releases.collect_inflated(environments.inflating_overlays(charts.found), outer)
    before = len(made.projects)
    for folder in sorted(templates):
        charts.add(folder, templates[folder], outer.get(folder, ()))
    for folder, inner in sorted(releases.collect(made.projects[before:], made).items()):
        charts.add_releases(folder, inner)
    rendered = releases.places(charts.rendered)
    for project in made.projects:
        project.rendered = rendered


def _add_documents(
    found: DiscoveredFiles, made: Assembly, charts: frozenset[str], documents: bool | None
) -> None:
    """Adds a project for each Markdown document that is asked for; charts' own texts are left to the chart."""
    found.prose = [
        one for one in found.prose if environments.chart_containing(one.path, charts) is None
    ]
    prose = [source for source in found.prose if _is_markdown(source)]
    texts = {id(source) for source in prose}
    made.rows += [
        FileStatus(one.path, "", "skipped", UNKNOWN_KIND)
        for one in found.prose
        if id(one) not in texts
    ]
    alone = not made.projects
    for source in prose:
        asked = alone or source.path in found.named if documents is None else documents
        if asked:
            _add_markdown(source, made)
        else:
            made.rows.append(FileStatus(source.path, "", "skipped", DOCUMENT_NOT_ASKED))


def _set_aside(source: Source, found: DiscoveredFiles, made: Assembly) -> None:
    """A text of no kind: a document, a template of what has one, or somebody else's file."""
    if _is_markdown(source):
        found.prose.append(source)
    elif kind := kinds.made_from(source.path, source.text):
        made.rows.append(FileStatus(source.path, kind, "skipped", TEMPLATE))
    elif discover.makes_ours(source.path) and source.path not in found.named:
        made.others += 1  # opened for what it makes, and that is none of ours either
    else:
        made.rows.append(FileStatus(source.path, "", "skipped", UNKNOWN_KIND))


def _parse_project_files(
    ours: list[Source], closed: list[UnreadFile], made: Assembly, core: dict[str, Rule]
) -> list[tuple[str, Any]]:
    """The documents of the project; of environment files those that a compose file reads.

    `closed` are the environment files that nobody could read.
    """
    files = [one for one in ours if one.kind == "dotenv"]
    pairs = list(made.parse((one for one in ours if one.kind != "dotenv"), core))
    if not files and not closed:
        return pairs
    from readiness.kinds.compose.join import env_paths_read_by

    wanted = env_paths_read_by(document for kind, document in pairs if kind == "compose")
    read = [one for one in files if posixpath.normpath(one.path) in wanted]
    made.rows += [
        FileStatus(one.path, "", "skipped", ENV_FILE_UNUSED) for one in files if one not in read
    ]
    for one in closed:
        if posixpath.normpath(one.path) in wanted:
            _unread(one, made, core)
        else:
            made.rows.append(FileStatus(one.path, "", "skipped", ENV_FILE_UNUSED))
    return pairs + list(made.parse(read, core))


def _unread(one: UnreadFile, made: Assembly, core: dict[str, Rule]) -> None:
    """The row of a file that was not read, and the finding that stands for it where it should have been, at its beginning."""
    if one.status == "skipped":
        made.rows.append(FileStatus(one.path, one.kind, one.status, one.reason))
        return
    made.rows.append(FileStatus(one.path, "", one.status, one.reason, BROKEN))
    rule = core["core/unreadable"]
    text = messages.fill(rule.message, {"reason": one.reason}.get)
    made.broken.append(Finding(rule, Source(one.path, ""), Span(0, 0), text))


def _is_markdown(source: Source) -> bool:
    from readiness.syntax.markdown import is_markdown

    return is_markdown(source.path, source.text)


def _add_markdown(source: Source, made: Assembly) -> None:
    """The fenced blocks of a document, as one project; blocks that do not parse are told and no findings."""
    pairs = []
    problems = []
    for block, _language in fenced.fenced_blocks(source):
        block.kind = kinds.classify(block.path, block.text)
        if not block.kind:
            continue
        for inner, document, error in reading.parse_sources([block]):
            if error is None:
                made.sources.append(inner)
                pairs.append((inner.kind, document))
            else:
                line = inner.position(error.offset).line
                problems.append(f"line {line}: {error.message}")
    if not pairs and not problems:
        made.rows.append(
            FileStatus(source.path, "", "skipped", "no block of a kind that readiness knows")
        )
        return
    reason = (
        f"{len(problems)} of its blocks do not parse: {'; '.join(problems[:3])}" if problems else ""
    )
    made.rows.append(FileStatus(source.path, "markdown", "checked", reason))
    made.projects.append(Project(pairs, prose=True))
