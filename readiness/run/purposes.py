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
from readiness.settings import Config
from readiness.syntax.glob import glob_matches, prefixed_path
from readiness.verdict.score import RENDERED_KIND_BY_SOURCE_KIND, STATUS_CHECKED

# Kinds of which a file runs something somewhere; the others only say something to them.
_RUNTIME_KINDS = ("compose", "dockerfile", "k8s", "nginx")
_PIPELINE_KINDS = ("github", "gitlab")
LOCKED_PURPOSE_PROBLEM = "purposes are locked by the settings, so this one does not count; ask whoever keeps the settings for `purpose:` there"


def set_stated_purposes(assembly: Assembly, settings_config: Config, option_purpose_name: str) -> None:
    """Give each file what the option `--purpose` (`option_purpose_name`) or the settings say that it is for; the last glob that fits counts.

    What is built of an overlay is for what its kustomization says, whose comments are no part of it.
    """
    from readiness.kinds.decision import explicit_purpose

    option_purpose = Purpose(option_purpose_name, f"--purpose {option_purpose_name} says so", of_all=True) if option_purpose_name else None
    is_purpose_locked = "purpose" in settings_config.locked_words
    for source in _root_sources(assembly):
        home_source = getattr(source, "home", None)
        source.is_purpose_locked = is_purpose_locked
        source.said = option_purpose or _purpose_in_settings(source.path, settings_config) or source.said
        if source.said is None and isinstance(home_source, Source) and not is_purpose_locked:
            source.said = explicit_purpose(home_source)


def notices_for_unused_purposes(discovered: DiscoveredFiles, settings_config: Config, *, is_walked_whole: bool) -> tuple[str, ...]:
    """A notice for each glob of the settings that fits no file, in a run that walks all of the working directory.

    Of settings above that the run has to judge the `is_walked_whole` folder: a glob may speak of what lies beside.
    """
    if "." not in discovered.walked_folders or (settings_config.prefix and not is_walked_whole):
        return ()
    return tuple(
        f"{place}: purpose {pattern[:80]!r} fits no file"
        for pattern, _, place in settings_config.purposes
        if not any(glob_matches(pattern, prefixed_path(settings_config.prefix, path)) for path in discovered.paths)
    )


def _root_sources(assembly: Assembly) -> Iterator[Source]:
    """The files of all documents, those of renderings too."""
    for project in assembly.every_project:
        for documents in project.by_kind.values():
            yield from (document.source.root for document in documents)


def _purpose_in_settings(path: str, settings_config: Config) -> Purpose | None:
    matching_purpose = None
    path_below_settings = prefixed_path(settings_config.prefix, path)
    for pattern, purpose_name, settings_place in settings_config.purposes:
        if glob_matches(pattern, path_below_settings):
            matching_purpose = Purpose(purpose_name, f"{settings_place} says so")
    return matching_purpose


def findings_for_invalid_purposes(assembly: Assembly, invalid_purpose_rule: Rule) -> list[Finding]:
    """A finding for each purpose that a file states and that can't take effect."""
    invalid_purpose_findings = []
    for kind, document in _kinds_and_file_documents(assembly):
        for stated_purpose in kinds.stated_purposes(kind, document):
            problem = LOCKED_PURPOSE_PROBLEM if document.source.root.is_purpose_locked else stated_purpose.problem
            if problem:
                message = fill_message(invalid_purpose_rule.message, {"problem": problem}.get)
                invalid_purpose_findings.append(
                    Finding(invalid_purpose_rule, document.source, document.source.one_line(stated_purpose.span), message)
                )
    return invalid_purpose_findings


def _kinds_and_file_documents(assembly: Assembly) -> Iterator[tuple[str, Any]]:
    """(kind, document) of all that is a file by itself, prose apart."""
    for project in assembly.projects:
        for kind, documents in project.by_kind.items() if not project.prose else ():
            yield from ((kind, document) for document in documents if document.source.parent is None)


def record_purposes_in_file_statuses(assembly: Assembly) -> None:
    """Say in its row what a file was taken for, and what of the things in it, where production's questions were not asked.

    A file that several projects judge (an overlay's base) is told where all of them agree.
    """
    purpose_text_by_path: dict[str, str | None] = {}
    purpose_text_by_thing_by_path: dict[str, dict[str, str]] = {}
    for kind, document in _kinds_and_file_documents(assembly):
        path = document.source.path
        purpose_text_by_thing = {
            name: one.text for name, one in kinds.purpose_by_resource_of_document(kind, document).items() if not one.is_production
        }
        file_purpose_text = purpose_text_by_thing.pop("", None)
        purpose_text_by_path[path] = file_purpose_text if purpose_text_by_path.setdefault(path, file_purpose_text) else None
        purpose_text_by_thing_by_path.setdefault(path, {}).update(purpose_text_by_thing)
    for file_status in assembly.file_statuses:
        file_status.purpose = purpose_text_by_path.get(file_status.path) or ""
        file_status.aside = tuple(sorted(purpose_text_by_thing_by_path.get(file_status.path, {}).items())) if not file_status.purpose else ()


def may_have_production(assembly: Assembly) -> bool:
    """Whether something may run in production: a file that runs something, or a pipeline that delivers.

    Also where nothing was taken for something else, or something was not read: that may be for production then.
    """
    file_statuses = assembly.file_statuses
    has_unread_runtime_file = any(
        row.status != STATUS_CHECKED and row.kind in (*_RUNTIME_KINDS, *RENDERED_KIND_BY_SOURCE_KIND) for row in file_statuses
    )
    if has_unread_runtime_file or not any(row.purpose for row in file_statuses):
        return True
    return any(_may_run_in_production(project) for project in assembly.projects if not project.prose)


def _may_run_in_production(project: Project) -> bool:
    for kind in (*_RUNTIME_KINDS, *_PIPELINE_KINDS):
        for document in project.by_kind.get(kind, ()):
            file_purpose = kinds.purpose_by_resource_of_document(kind, document).get("")
            if (file_purpose is None or file_purpose.is_production) and (kind in _RUNTIME_KINDS or _has_delivery(kind, document)):
                return True
    return False


def _has_delivery(kind: str, pipeline: Any) -> bool:
    return any(True for _ in kinds.subject_finder_by_target(kind)[f"{kind}.delivery"](pipeline))
