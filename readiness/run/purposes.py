"""What is said of files' purposes by settings, options and the files, and what was taken for what in the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from readiness import kinds
from readiness.loading.assembly import Assembly
from readiness.loading.discover import DiscoveredFiles
from readiness.model import Finding, Purpose, Rule, Source
from readiness.model.messages import fill_message
from readiness.model.project import Project
from readiness.settings import SETTINGS_FILENAME, Config
from readiness.syntax.glob import glob_matches, path_below
from readiness.verdict.score import KIND_RENDERED_FROM, STATUS_CHECKED

# Kinds of which a file runs something somewhere; the others only say something to them.
_RUNNING = ("compose", "dockerfile", "k8s", "nginx")
_PIPELINES = ("github", "gitlab")


def say_purposes(assembly: Assembly, file: Config, asked: str) -> None:
    """Give each file what the option `--purpose` (`asked`) or the settings say that it is for; the last glob that fits counts.

    What is built of an overlay is for what its kustomization says, whose comments are no part of it.
    """
    from readiness.kinds.decision import said_purpose

    option = Purpose(asked, f"--purpose {asked} says so", of_all=True) if asked else None
    for source in _roots(assembly):
        home = getattr(source, "home", None)
        source.said = option or _purpose_in_settings(source.path, file) or source.said
        if source.said is None and isinstance(home, Source):
            source.said = said_purpose(home)


def unused_purposes(discovered: DiscoveredFiles, file: Config, *, whole: bool) -> tuple[str, ...]:
    """A notice for each glob of the settings that fits no file, in a run that walks all of the working directory.

    Of settings above that the run has to judge the `whole` folder: a glob may speak of what lies beside.
    """
    if "." not in discovered.walked_folders or (file.prefix and not whole):
        return ()
    return tuple(
        f"{SETTINGS_FILENAME}:{line}: purpose {pattern[:80]!r} fits no file"
        for pattern, _, line in file.purposes
        if not any(glob_matches(pattern, path_below(file.prefix, path)) for path in discovered.paths)
    )


def _roots(assembly: Assembly) -> Iterator[Source]:
    """The files of all documents, those of renderings too."""
    for project in assembly.every_project:
        for documents in project.by_kind.values():
            yield from (document.source.root for document in documents)


def _purpose_in_settings(path: str, file: Config) -> Purpose | None:
    found = None
    below = path_below(file.prefix, path)
    for pattern, word, line in file.purposes:
        if glob_matches(pattern, below):
            name = file.source.path if file.source else ""
            found = Purpose(word, f"{name}:{line} says so")
    return found


def invalid_purposes(assembly: Assembly, rule: Rule) -> list[Finding]:
    """A finding for each purpose that a file states and that can't take effect."""
    found = []
    for kind, document in _written_documents(assembly):
        for stated in kinds.stated_purposes(kind, document):
            if stated.problem:
                text = fill_message(rule.message, {"problem": stated.problem}.get)
                found.append(Finding(rule, document.source, document.source.one_line(stated.span), text))
    return found


def _written_documents(assembly: Assembly) -> Iterator[tuple[str, Any]]:
    """(kind, document) of all that is a file by itself, prose apart."""
    for project in assembly.projects:
        for kind, documents in project.by_kind.items() if not project.prose else ():
            yield from ((kind, document) for document in documents if document.source.parent is None)


def tell_purposes(assembly: Assembly) -> None:
    """Say in its row what a file was taken for, and what of the things in it, where production's questions were not asked.

    A file that several projects judge (an overlay's base) is told where all of them agree.
    """
    whole: dict[str, str | None] = {}
    parts: dict[str, dict[str, str]] = {}
    for kind, document in _written_documents(assembly):
        path = document.source.path
        taken = {name: one.text for name, one in kinds.purposes_of(kind, document).items() if not one.is_production}
        text = taken.pop("", None)
        whole[path] = text if whole.setdefault(path, text) else None
        parts.setdefault(path, {}).update(taken)
    for row in assembly.file_statuses:
        row.purpose = whole.get(row.path) or ""
        row.aside = tuple(sorted(parts.get(row.path, {}).items())) if not row.purpose else ()


def has_production(assembly: Assembly) -> bool:
    """Whether something may run in production: a file that runs something, or a pipeline that delivers.

    Also where nothing was taken for something else, or something was not read: that may be for production then.
    """
    rows = assembly.file_statuses
    unread = any(row.status != STATUS_CHECKED and row.kind in (*_RUNNING, *KIND_RENDERED_FROM) for row in rows)
    if unread or not any(row.purpose for row in rows):
        return True
    return any(_is_running(project) for project in assembly.projects if not project.prose)


def _is_running(project: Project) -> bool:
    for kind in (*_RUNNING, *_PIPELINES):
        for document in project.by_kind.get(kind, ()):
            taken = kinds.purposes_of(kind, document).get("")
            if (taken is None or taken.is_production) and (kind in _RUNNING or _is_delivering(kind, document)):
                return True
    return False


def _is_delivering(kind: str, pipeline: Any) -> bool:
    return any(True for _ in kinds.subject_finders_of(kind)[f"{kind}.delivery"](pipeline))
