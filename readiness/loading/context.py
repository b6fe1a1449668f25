"""What lies around the judged files in their repository: read so that joins see it, and never judged.

A Dockerfile is told by the workflow that builds it, a manifest by the overlay that patches it, and either may lie outside of
what a run was asked to judge. The files of the repository around that are found by the same rules (.gitignore, `exclude`,
sizes, links) and within a bound: first those of the folders above, then the pipelines, then what else lies below these folders,
the nearest first. Reports say how many there were.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Sequence
from pathlib import Path

from readiness import kinds
from readiness.loading.discover import MAX_FOLDER_DEPTH, DiscoveredFiles, FileWalk, Surroundings
from readiness.loading.render import KUSTOMIZATION_FILENAMES
from readiness.loading.scripts import scripts_among
from readiness.model import Source
from readiness.model.records import dataclass

_PIPELINE_FOLDER_NAMES = (".github", ".gitlab")
_ALL_KINDS = frozenset(kinds.KINDS_BY_PRECEDENCE)
_KINDS_JOINED_TO_PIPELINES = frozenset({"github", "gitlab", "dockerfile", "compose", "dockerignore"})
# Of which kinds joins ask where a file of some kind is judged by itself. Of any other kind they ask all.
_JOINED_KINDS_BY_KIND = {
    "github": _KINDS_JOINED_TO_PIPELINES,
    "gitlab": _KINDS_JOINED_TO_PIPELINES,
    "k8s": frozenset({"k8s", "dockerfile", "github", "gitlab"}),
    "dockerignore": frozenset({"dockerfile", "compose", "github", "gitlab"}),
    "dependabot": frozenset[str](),
}


@dataclass(frozen=True, slots=True)
class Bound:
    """How much of a repository is read as context: entries of folders that are looked at, files and characters that are read."""

    entries: int
    files: int
    characters: int


BOUND_AROUND_FOLDERS = Bound(50_000, 2_000, 32 << 20)
BOUND_AROUND_FILES = Bound(10_000, 250, 4 << 20)  # a hook over a few files is not to wait for the repository


@dataclass(slots=True)
class _Left:
    """What is left of a bound."""

    bound: Bound
    entries: int = 0
    files: int = 0
    characters: int = 0

    def is_spent(self) -> bool:
        """Whether no more is to be read."""
        return self.entries > self.bound.entries or self.files >= self.bound.files or self.characters > self.bound.characters


@dataclass(frozen=True, slots=True)
class _Place:
    """A path that was given, by its folder, and the root of the repository around it."""

    given: Path
    folder: Path
    root: Path

    @property
    def chain(self) -> list[Path]:
        """The folders around it, the nearest first: those above a folder; of a file its own, too."""
        nearest_folder = self.given.parent
        return [nearest_folder, *nearest_folder.parents][: len(nearest_folder.parts) - len(self.root.parts) + 1]


class ContextWalk(FileWalk):
    """A walk around what an earlier one found: a folder's files before what lies below it, as far as a bound allows."""

    def __init__(self, discovered: DiscoveredFiles, paths_in_repositories: Sequence[_Place], bound: Bound) -> None:
        super().__init__((), discovered.base)
        self.ignoring = self.found.ignore_rules = discovered.ignore_rules
        self.found.tracked = discovered.tracked
        self.left = _Left(bound)
        self.cut = False
        self.given = {str(one.given) for one in paths_in_repositories}
        self.known = {one.path for one in (*discovered.sources, *discovered.prose_sources)}
        self.known |= {one.path for one in discovered.unread_files}
        self.roots = [os.path.realpath(one.root) for one in paths_in_repositories]
        self.waiting: list[Path] = []
        self.visited: set[str] = set()

    def walk_around(self, paths_in_repository: Iterable[_Place]) -> None:
        """Read what lies around some paths of one repository."""
        folders_nearest_first = dict.fromkeys(folder for place in paths_in_repository for folder in place.chain)
        subfolders = [folder for enclosing_folder in folders_nearest_first for folder in self.read_folder(enclosing_folder)]
        subfolders.sort(key=lambda one: one.name not in _PIPELINE_FOLDER_NAMES)
        for folder in subfolders:
            self.walk_below(folder, 1)

    def walk_below(self, folder: Path, depth: int) -> None:
        """Read a folder and all below it."""
        if depth > MAX_FOLDER_DEPTH or str(folder) in self.visited:
            return
        for subfolder in self.read_folder(folder):
            self.walk_below(subfolder, depth + 1)

    def read_folder(self, folder: Path) -> list[Path]:
        """Read the files of a folder; the folders in it that are to be walked."""
        self.visited.add(str(folder))
        subfolders: list[Path] = []
        if self.left.is_spent():
            self.cut = True
            return subfolders
        try:
            with os.scandir(folder) as directory_entries:
                folder_entries = sorted(directory_entries, key=lambda entry: entry.name)
        except OSError:
            return subfolders
        self.enter_parents(folder)
        self.ignoring.enter_folder(folder)
        for entry in folder_entries:
            self.left.entries += 1
            if entry.path in self.given:
                continue
            if self.left.is_spent():
                self.cut = True
                break
            if self.take_entry(entry, folder):
                subfolders.append(Path(entry.path))
        self.ignoring.stack.clear()
        return subfolders

    def add_file(self, path: Path, *, is_named: bool = False) -> None:
        """One file, unless it is judged."""
        if self.report_path(path) in self.known:
            return
        source_count_before = len(self.found.sources)
        super().add_file(path, is_named=is_named)
        for source in self.found.sources[source_count_before:]:
            self.left.files += 1
            self.left.characters += len(source.text)


def add_context(discovered: DiscoveredFiles, judged_paths: Iterable[str | os.PathLike[str]]) -> None:
    """Add what lies around the paths in their repositories to what a walk found.

    Nothing is added for a path that no repository holds, nor for the root of one.
    """
    paths_in_repositories = [place for path in judged_paths if (place := _path_in_repository(Path(path))) is not None]
    if not paths_in_repositories:
        return
    given_folders = [one for one in paths_in_repositories if one.given == one.folder]
    context_walk = ContextWalk(discovered, paths_in_repositories, BOUND_AROUND_FOLDERS if given_folders else BOUND_AROUND_FILES)
    for repository_root in dict.fromkeys(one.root for one in paths_in_repositories):
        context_walk.walk_around(one for one in paths_in_repositories if one.root == repository_root)
    context_walk.follow_links()
    found_files = context_walk.found
    context_sources = found_files.sources if given_folders else _sources_that_joins_ask_for(found_files.sources, discovered)
    context_paths = (found_files.paths - discovered.paths) | {one.path for one in context_sources}
    context_folders = frozenset(context_walk.report_path(folder) for one in given_folders for folder in one.chain)
    context_folders = frozenset() if context_walk.cut else context_folders - discovered.walked_folders
    discovered.context = Surroundings(
        frozenset(context_paths),
        tuple(sorted(map(context_walk.report_path, context_walk.given))),
        context_walk.cut,
        folders=context_folders,
        narrow=not given_folders,
        here=_folder_names_from_root(paths_in_repositories[0].root, discovered.base),
    )
    discovered.sources = sorted([*discovered.sources, *context_sources], key=lambda source: source.path)
    discovered.script_sources += found_files.script_sources
    discovered.prose_sources_around += sorted(found_files.prose_sources, key=lambda source: source.path)
    discovered.paths |= found_files.paths
    discovered.passed_over_paths |= found_files.passed_over_paths - discovered.walked_folders
    discovered.credential_free_paths |= found_files.credential_free_paths
    discovered.walked_folders |= context_folders


def _path_in_repository(path: Path) -> _Place | None:
    """Where a path stands in a repository; None for the root of one, and where none surely holds it."""
    absolute_path = Path(os.path.abspath(path))  # noqa: PTH100  # links stay: paths are told as they were given
    folder = absolute_path if absolute_path.is_dir() else absolute_path.parent
    for candidate_root in (folder, *folder.parents):
        if os.path.lexists(candidate_root / ".git"):
            if candidate_root == absolute_path or not Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(candidate_root)):
                return None  # all of it is judged, or it is a link to another place
            return _Place(absolute_path, folder, candidate_root)
    return None


def _folder_names_from_root(repository_root: Path, working_directory: Path) -> tuple[str, ...]:
    """The folders that lead from the root of a repository to the working directory; none where that lies outside of it."""
    return working_directory.relative_to(repository_root).parts if working_directory.is_relative_to(repository_root) else ()


def _sources_that_joins_ask_for(context_sources: Sequence[Source], judged_files: DiscoveredFiles) -> list[Source]:
    """Of the texts around files that were given by themselves those that joins of these files ask for.

    A chart that holds none of these files is left out: rendering it takes longer than judging them.
    """
    joined_kinds: set[str] = set()
    for source in judged_files.sources:
        source.kind = source.kind or kinds.detect_kind(source.path, source.text)
        joined_kinds |= _JOINED_KINDS_BY_KIND.get(source.kind, _ALL_KINDS) if source.kind else frozenset()
    named_paths = [posixpath.normpath(one) for one in judged_files.named_paths]
    chart_folders = {posixpath.dirname(one.path) for one in context_sources if posixpath.basename(one.path) == "Chart.yaml"}
    own_chart_folders = {folder for folder in chart_folders if any(_is_of_chart(one, folder) for one in named_paths)}
    kept_sources = []
    for source in context_sources:
        enclosing_charts = [folder for folder in chart_folders if _is_of_chart(source.path, folder)]
        if enclosing_charts and own_chart_folders.isdisjoint(enclosing_charts):
            continue
        if enclosing_charts or ("k8s" in joined_kinds and posixpath.basename(source.path) in KUSTOMIZATION_FILENAMES):
            kept_sources.append(source)
            continue
        source.kind = kinds.detect_kind_among(joined_kinds, source.path, source.text)
        if source.kind or scripts_among((), (source,)):
            kept_sources.append(source)
    return kept_sources


def _is_of_chart(path: str, chart_folder: str) -> bool:
    """Whether a file stands in a chart; beside one in the working directory only what Helm reads is a part of it."""
    if chart_folder:
        return path.startswith(f"{chart_folder}/")
    return path == "Chart.yaml" or path.startswith(("templates/", "charts/", "ci/", "values"))
