"""Texts to projects: which file is of which kind, which stand together, and what could not be judged."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from readiness import discover, engine, kinds
from readiness.discover import Found
from readiness.model import Finding, ParseError, Rule, Source, Span
from readiness.project import Project

_TEMPLATE = re.compile(r"\{\{|\{%|<%")
_LIBRARY = re.compile(r"^type:[ \t]*[\"']?library\b", re.MULTILINE)
_WORDS = {"dockerfile": "Dockerfile", "compose": "compose", "k8s": "Kubernetes", "nginx": "nginx",
          "github": "GitHub workflow", "gitlab": "GitLab CI", "dependabot": "Dependabot"}  # fmt: skip


OTHER = "of no kind that readiness knows"
PROSE = "a document; name it, or ask with --documents"


@dataclass(slots=True)
class Row:
    """One file of the report: its kind and whether it was judged, else why not."""

    path: str
    kind: str
    status: str
    reason: str = ""


@dataclass(slots=True)
class Assembly:
    """Projects to judge, a row for each file that was opened, findings about those that do not parse, all sources.

    `others` counts the files that were passed over by their names alone.
    """

    projects: list[Project] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    broken: list[Finding] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    others: int = 0
    environments: dict[str, int] = field(default_factory=dict)


def assemble(
    found: Found, core: dict[str, Rule], *, documents: bool | None, settings: dict[str, Any]
) -> Assembly:
    """All that was found, as projects.

    Files stand together as one project. A Markdown document is a project of its own; on a walk it is read where
    `documents` asks for it or where nothing else was found, so that a README's snippets do not score a repository.
    """
    made = Assembly(others=found.skipped)
    for unread in found.unread:
        made.rows.append(Row(unread.path, "", "unreadable", unread.reason))
        source = Source(unread.path, "")
        made.broken.append(_unreadable(core["core/unreadable"], source, unread.reason))
    charts = chart_folders(found.paths)
    templates: dict[str, list[str]] = {chart: [] for chart in charts}
    ours = []
    for source in found.texts:
        chart = chart_of(source.path, charts)
        source.kind = "" if chart is not None else kinds.classify(source.path, source.text)
        if chart is not None:
            templates[chart].append(source.path)
        elif source.kind:
            ours.append(source)
        elif _is_markdown(source):
            found.prose.append(source)
        else:
            made.rows.append(Row(source.path, "", "skipped", OTHER))
    pairs = list(_parse(ours, core, made))
    found.prose = [one for one in found.prose if chart_of(one.path, charts) is None]
    prose = [source for source in found.prose if _is_markdown(source)]
    texts = {id(source) for source in prose}
    made.rows += [
        Row(one.path, "", "skipped", OTHER) for one in found.prose if id(one) not in texts
    ]
    wanted = documents if documents is not None else (not ours or not found.walked)
    if wanted:
        for source in prose:
            _prose(source, core, made, settings)
    else:
        made.rows += [Row(source.path, "", "skipped", PROSE) for source in prose]
    if pairs:
        project = Project(pairs, found.paths, complete=found.walked, settings=settings)
        made.projects.insert(0, project)
    for chart in sorted(templates):
        if templates[chart]:
            _chart(chart, templates[chart], found, core, made, settings)
    made.rows.sort(key=lambda row: row.path)
    return made


def _parse(
    sources: list[Source], core: dict[str, Rule], made: Assembly
) -> Iterator[tuple[str, Any]]:
    """(kind, document) of every source that parses; a row for each, a finding for those that do not."""
    for source, document, error in engine.read(sources):
        made.sources.append(source)
        if source.parent is None:
            made.rows.append(_row(source, error))
        if error is None:
            yield source.kind, document
        elif not _TEMPLATE.search(source.text):
            made.broken.append(
                engine.broken(core["core/syntax"], source, error, _WORDS[source.kind])
            )


def _row(source: Source, error: ParseError | None) -> Row:
    """The row of a file that has a kind."""
    if error is None:
        return Row(source.path, source.kind, "checked")
    if _TEMPLATE.search(source.text):
        return Row(source.path, source.kind, "skipped", "a template that needs rendering first")
    return Row(source.path, source.kind, "invalid", error.message)


def _unreadable(rule: Rule, source: Source, reason: str) -> Finding:
    """The finding that stands for a file that was not read, at its beginning."""
    return Finding(rule, source, Span(0, 0), rule.message.format(reason=reason))


def _is_markdown(source: Source) -> bool:
    from readiness.syntax.markdown import is_markdown

    return is_markdown(source.path, source.text)


def _prose(source: Source, core: dict[str, Rule], made: Assembly, settings: dict[str, Any]) -> None:
    """The fenced blocks of a document, as one project; blocks that do not parse are told and no findings."""
    pairs = []
    problems = []
    for block, _language in discover.blocks(source):
        block.kind = kinds.classify(block.path, block.text)
        if not block.kind:
            continue
        for inner, document, error in engine.read([block]):
            if error is None:
                made.sources.append(inner)
                pairs.append((inner.kind, document))
            else:
                line = inner.position(error.offset).line
                problems.append(f"line {line}: {error.message}")
    if not pairs and not problems:
        made.rows.append(Row(source.path, "", "skipped", "no block of a kind that readiness knows"))
        return
    reason = (
        f"{len(problems)} of its blocks do not parse: {'; '.join(problems[:3])}" if problems else ""
    )
    made.rows.append(Row(source.path, "markdown", "checked", reason))
    made.projects.append(Project(pairs, prose=True, settings=settings))


def chart_folders(paths: set[str]) -> frozenset[str]:
    """The folders that hold a Helm chart; one inside another chart's `charts` is rendered with that."""
    folders = {
        posixpath.dirname(path) for path in paths if posixpath.basename(path) == "Chart.yaml"
    }
    return frozenset(one for one in folders if not any(_holds(other, one) for other in folders))


def _holds(chart: str, folder: str) -> bool:
    return folder.startswith(posixpath.join(chart, "charts") + "/")


def chart_of(path: str, charts: frozenset[str]) -> str | None:
    """The chart whose template a file is: such a file is no manifest until it is rendered."""
    parts = path.split("/")
    for depth in range(len(parts) - 1):
        folder = "/".join(parts[:depth])
        if folder in charts and parts[depth] in {"templates", "charts"}:
            return folder
    return None


def _chart(
    chart: str,
    paths: list[str],
    found: Found,
    core: dict[str, Rule],
    made: Assembly,
    settings: dict[str, Any],
) -> None:
    """A chart's renderings, a project for each environment; what fails is a finding at Chart.yaml."""
    from readiness.render import helm

    about = next(
        (one for one in found.texts if one.path == posixpath.join(chart, "Chart.yaml")), None
    )
    if about is None or _LIBRARY.search(about.text):
        return
    reason = "" if helm.available() else helm.MISSING
    renderings: list[helm.Rendered] = []
    errors: dict[str, str] = {}
    folder = found.base / chart
    wanted = []
    if not reason:
        wanted = helm.environments(folder, settings.get("helm_values", ()))
        try:
            renderings, errors = helm.render(folder, chart, wanted)
        except helm.RenderError as fault:
            errors = {"": str(fault)}
    for name, problem in errors.items():
        text = core["core/not-rendered"].message.format(
            environment=f" with {name}" if name else "", reason=problem
        )
        made.broken.append(
            Finding(
                core["core/not-rendered"], about, about.one_line(Span(0, len(about.text))), text
            )
        )
    if not reason and len(errors) >= max(len(wanted), 1):
        reason = "chart does not render"
    made.rows += [Row(path, "helm", "skipped" if reason else "checked", reason) for path in paths]
    sources = {id(one.template): one.template for one in renderings}
    made.sources += sources.values()
    environments = [one.name for one in wanted if one.name not in errors]
    made.environments |= {one.path: len(environments) for one in sources.values()}
    for name in environments:
        mine: list[Source] = [one for one in renderings if one.environment == name]
        for source in mine:
            source.kind = kinds.classify(source.path, source.text)
        pairs = []
        for source, document, error in engine.read(one for one in mine if one.kind):
            made.sources.append(source)
            if error is None:
                pairs.append((source.kind, document))
            else:
                made.broken.append(
                    engine.broken(core["core/syntax"], source, error, _WORDS[source.kind])
                )
        made.projects.append(Project(pairs, found.paths, complete=found.walked, settings=settings))
