"""Files that are kept and no longer deployed: those in a directory that is called an archive, of which nothing outside takes any."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator

from readiness.loading.discover import DiscoveredFiles
from readiness.loading.put_away import ARCHIVE_FOLDER_NAME
from readiness.loading.render import KUSTOMIZATION_FILENAMES
from readiness.loading.unapplied import paths_named_by_kustomization, script_texts
from readiness.model import Source
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import is_at_or_below

_COMMAND_ON_LINE = lazy_regex(r"\b(?:kubectl|kustomize|helm|helmfile|docker|podman|apply|nginx)\b")
_COMMENT = lazy_regex(r"(?:^|(?<=[ \t]))#[^\n]*", re.MULTILINE)


def mark_archived_files(discovered: DiscoveredFiles) -> None:
    """Say of each file in an archive that it lies there; not where a file outside of it names what is in it, or the run was told to look there."""
    sources_by_archive: dict[str, list[Source]] = {}
    for source in discovered.sources:
        if archive_folder := archive_folder_of(source.path):
            sources_by_archive.setdefault(archive_folder, []).append(source)
    walked_folders = [posixpath.normpath(one) for one in discovered.walked_folders]
    for archive_folder, archived_sources in sources_by_archive.items():
        if any(is_at_or_below(one, archive_folder) for one in walked_folders) or _is_archive_in_use(archive_folder, discovered):
            continue
        for source in archived_sources:
            if source.path not in discovered.named_paths:
                source.archived_because = f"it lies in {posixpath.basename(archive_folder)}/, of which nothing outside takes a file"


def archive_folder_of(file_path: str) -> str:
    """The outermost folder on the way to a file that is called an archive; empty where there is none."""
    folder_names = posixpath.dirname(file_path).split("/")
    archive_depth = next((n for n, name in enumerate(folder_names, 1) if ARCHIVE_FOLDER_NAME.fullmatch(name.lower())), 0)
    return "/".join(folder_names[:archive_depth])


def _is_archive_in_use(archive_folder: str, discovered: DiscoveredFiles) -> bool:
    """Whether a file outside of an archive names something in it: a kustomization, a manifest of an engine, a pipeline, a script, or a command of a
    document. A sentence that only tells of the archive takes nothing from it."""
    folder_name = posixpath.basename(archive_folder)
    first_names = {one.removeprefix(f"{archive_folder}/").partition("/")[0] for one in discovered.paths if one.startswith(f"{archive_folder}/")}
    name_pattern = re.escape(folder_name)
    file_of_folder_pattern = rf"(?<![\w-]){name_pattern}/(?P<next>[\w.@${{*-]*)"
    whole_folder_pattern = rf"(?:/|\bpath:[ ]?[\"']?|-[fkR][ ]){name_pattern}(?=[\"']?[ \t]*(?:$|[&;|,}}]))"
    use_pattern = re.compile(f"{file_of_folder_pattern}|{whole_folder_pattern}", re.MULTILINE)
    for source in discovered.sources:
        if archive_folder_of(source.path) == archive_folder:
            continue
        if posixpath.basename(source.path) in KUSTOMIZATION_FILENAMES and any(
            is_at_or_below(one, archive_folder) for one in paths_named_by_kustomization(source)
        ):
            return True
        if _takes_from_archive(_COMMENT.sub("", source.text), use_pattern, first_names):
            return True
    outer_scripts = (text for path, text in script_texts(discovered) if archive_folder_of(path) != archive_folder)
    if any(_takes_from_archive(_COMMENT.sub("", text), use_pattern, first_names) for text in outer_scripts):
        return True
    documents = (*discovered.prose_sources, *discovered.prose_sources_around)
    command_lines = _lines_with_commands(one.text for one in documents if archive_folder_of(one.path) != archive_folder)
    return any(_takes_from_archive(line, use_pattern, first_names) for line in command_lines)


def _takes_from_archive(text: str, use_pattern: re.Pattern[str], first_names: Collection[str]) -> bool:
    """Whether a text names the folder by itself, all of it, or something that is there: an address of a download (`/archive/v1.zip`) is neither.

    Nor is a pattern of what to leave alone or to watch (`archive/**`): nobody applies one.
    """
    for use_match in use_pattern.finditer(text):
        next_name = use_match["next"]
        if next_name is not None and next_name.startswith("**"):
            continue
        if not next_name or next_name in first_names or any(mark in next_name for mark in "*${"):
            return True
    return False


def _lines_with_commands(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from (line for line in text.splitlines() if "/" in line and _COMMAND_ON_LINE.search(line))
