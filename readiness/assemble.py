"""Texts to projects: which file is of which kind, which stand together, and what could not be judged."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from readiness import discover, engine, environments, kinds, messages
from readiness.assembly import Assembly, Row
from readiness.discover import Found
from readiness.model import Finding, Rule, Source, Span
from readiness.project import Project
from readiness.render import OVERLAYS

OTHER = "of no kind that readiness knows"
UNUSED = "no compose file reads it"
PROSE = "a document; name it, or ask with --documents"


def assemble(
    found: Found,
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
        made.rows.append(Row(unread.path, "", "unreadable", unread.reason))
        source = Source(unread.path, "")
        made.broken.append(_unreadable(core["core/unreadable"], source, unread.reason))
    for one in found.overruled:
        made.rows.append(Row(one.path, "patterns", "skipped", one.reason))
    charts = environments.chart_folders(found.paths)
    templates: dict[str, list[str]] = {folder: [] for folder in charts}
    built = environments.overlays(found, made, core, asked=render)
    ours = []
    for source in found.texts:
        folder = environments.chart_of(source.path, charts)
        if folder is not None:
            templates[folder].append(source.path)
        elif source.path in built:
            made.rows.append(Row(source.path, "k8s", "checked"))
            made.sources.append(source)
        elif posixpath.basename(source.path) in OVERLAYS:
            made.sources.append(source)
        elif kind := source.kind or kinds.classify(source.path, source.text):
            source.kind = kind
            ours.append(source)
        elif _is_markdown(source):
            found.prose.append(source)
        else:
            made.rows.append(Row(source.path, "", "skipped", OTHER))
    pairs = _judged(ours, made, core)
    if pairs:
        made.projects.insert(0, environments.project(pairs, found))
    for folder in sorted(templates):
        if templates[folder]:
            environments.chart(
                folder, templates[folder], found, made, core, values=helm_values, asked=render
            )
    found.prose = [one for one in found.prose if environments.chart_of(one.path, charts) is None]
    prose = [source for source in found.prose if _is_markdown(source)]
    texts = {id(source) for source in prose}
    made.rows += [
        Row(one.path, "", "skipped", OTHER) for one in found.prose if id(one) not in texts
    ]
    alone = not made.projects
    for source in prose:
        asked = alone or source.path in found.named if documents is None else documents
        if asked:
            _prose(source, made)
        else:
            made.rows.append(Row(source.path, "", "skipped", PROSE))
    made.rows.sort(key=lambda row: row.path)
    return made


def _judged(ours: list[Source], made: Assembly, core: dict[str, Rule]) -> list[tuple[str, Any]]:
    """The documents of the project; of environment files those that a compose file reads."""
    files = [one for one in ours if one.kind == "dotenv"]
    pairs = list(made.parse((one for one in ours if one.kind != "dotenv"), core))
    if not files:
        return pairs
    from readiness.kinds.compose_join import read_by

    wanted = read_by(document for kind, document in pairs if kind == "compose")
    read = [one for one in files if posixpath.normpath(one.path) in wanted]
    made.rows += [Row(one.path, "", "skipped", UNUSED) for one in files if one not in read]
    return pairs + list(made.parse(read, core))


def _unreadable(rule: Rule, source: Source, reason: str) -> Finding:
    """The finding that stands for a file that was not read, at its beginning."""
    return Finding(rule, source, Span(0, 0), messages.fill(rule.message, {"reason": reason}.get))


def _is_markdown(source: Source) -> bool:
    from readiness.syntax.markdown import is_markdown

    return is_markdown(source.path, source.text)


def _prose(source: Source, made: Assembly) -> None:
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
    made.projects.append(Project(pairs, prose=True))
