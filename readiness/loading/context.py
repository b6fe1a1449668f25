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
from dataclasses import dataclass
from pathlib import Path

from readiness import kinds
from readiness.loading.discover import MAX_DEPTH, DiscoveredFiles, FileWalk, Surroundings
from readiness.loading.render import KUSTOMIZATION_FILENAMES
from readiness.model import Source

_PIPELINES = (".github", ".gitlab")
_ALL = frozenset(kinds.KINDS)
_CI = frozenset({"github", "gitlab", "dockerfile", "compose", "dockerignore"})
# Of which kinds joins ask where a file of some kind is judged by itself. Of any other kind they ask all.
_ASKED_BY = {
    "github": _CI,
    "gitlab": _CI,
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


AROUND_FOLDERS = Bound(50_000, 2_000, 32 << 20)
AROUND_FILES = Bound(10_000, 250, 4 << 20)  # a hook over a few files is not to wait for the repository


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
        first = self.given.parent
        return [first, *first.parents][: len(first.parts) - len(self.root.parts) + 1]


class ContextWalk(FileWalk):
    """A walk around what an earlier one found: a folder's files before what lies below it, as far as a bound allows."""

    def __init__(self, found: DiscoveredFiles, places: Sequence[_Place], bound: Bound) -> None:
        super().__init__((), found.base)
        self.ignoring = self.found.ignore_rules = found.ignore_rules
        self.left = _Left(bound)
        self.cut = False
        self.given = {str(one.given) for one in places}
        self.known = {one.path for one in (*found.sources, *found.prose_sources)}
        self.known |= {one.path for one in found.unread_files}
        self.roots = [os.path.realpath(one.root) for one in places]
        self.waiting: list[Path] = []
        self.visited: set[str] = set()

    def walk_around(self, places: Iterable[_Place]) -> None:
        """Read what lies around some paths of one repository."""
        outward = dict.fromkeys(folder for place in places for folder in place.chain)
        below = [folder for outer in outward for folder in self.read_folder(outer)]
        below.sort(key=lambda one: one.name not in _PIPELINES)
        for folder in below:
            self.walk_below(folder, 1)

    def walk_below(self, folder: Path, depth: int) -> None:
        """Read a folder and all below it."""
        if depth > MAX_DEPTH or str(folder) in self.visited:
            return
        for inner in self.read_folder(folder):
            self.walk_below(inner, depth + 1)

    def read_folder(self, folder: Path) -> list[Path]:
        """Read the files of a folder; the folders in it that are to be walked."""
        self.visited.add(str(folder))
        inner: list[Path] = []
        if self.left.is_spent():
            self.cut = True
            return inner
        try:
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError:
            return inner
        self.enter_parents(folder)
        self.ignoring.enter_folder(folder)
        for entry in entries:
            self.left.entries += 1
            if entry.path in self.given:
                continue
            if self.left.is_spent():
                self.cut = True
                break
            if self.take_entry(entry, folder):
                inner.append(Path(entry.path))
        self.ignoring.stack.clear()
        return inner

    def add_file(self, path: Path, *, is_named: bool = False) -> None:
        """One file, unless it is judged."""
        if self.report_path(path) in self.known:
            return
        before = len(self.found.sources)
        super().add_file(path, is_named=is_named)
        for source in self.found.sources[before:]:
            self.left.files += 1
            self.left.characters += len(source.text)


def add_context(discovered: DiscoveredFiles, paths: Iterable[str | os.PathLike[str]]) -> None:
    """Add what lies around the paths in their repositories to what a walk found.

    Nothing is added for a path that no repository holds, nor for the root of one.
    """
    places = [place for path in paths if (place := _place(Path(path))) is not None]
    if not places:
        return
    folders = [one for one in places if one.given == one.folder]
    walk = ContextWalk(discovered, places, AROUND_FOLDERS if folders else AROUND_FILES)
    for root in dict.fromkeys(one.root for one in places):
        walk.walk_around(one for one in places if one.root == root)
    walk.follow_links()
    found = walk.found
    texts = found.sources if folders else _asked_texts(found.sources, discovered)
    seen = (found.paths - discovered.paths) | {one.path for one in texts}
    around = frozenset(walk.report_path(folder) for one in folders for folder in one.chain)
    around = frozenset() if walk.cut else around - discovered.walked_folders
    discovered.context = Surroundings(
        frozenset(seen),
        tuple(sorted(map(walk.report_path, walk.given))),
        walk.cut,
        folders=around,
        narrow=not folders,
        here=_steps_down(places[0].root, discovered.base),
    )
    discovered.sources = sorted([*discovered.sources, *texts], key=lambda source: source.path)
    discovered.script_sources += found.script_sources
    discovered.paths |= found.paths
    discovered.passed_over_paths |= found.passed_over_paths - discovered.walked_folders
    discovered.credential_free_paths |= found.credential_free_paths
    discovered.walked_folders |= around


def _place(path: Path) -> _Place | None:
    """Where a path stands in a repository; None for the root of one, and where none surely holds it."""
    given = Path(os.path.abspath(path))  # noqa: PTH100  # links stay: paths are told as they were given
    folder = given if given.is_dir() else given.parent
    for root in (folder, *folder.parents):
        if os.path.lexists(root / ".git"):
            if root == given or not Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(root)):
                return None  # all of it is judged, or it is a link to another place
            return _Place(given, folder, root)
    return None


def _steps_down(root: Path, base: Path) -> tuple[str, ...]:
    """The folders that lead from the root of a repository to the working directory; none where that lies outside of it."""
    return base.relative_to(root).parts if base.is_relative_to(root) else ()


def _asked_texts(texts: Sequence[Source], discovered: DiscoveredFiles) -> list[Source]:
    """Of the texts around files that were given by themselves those that joins of these files ask for.

    A chart that holds none of these files is left out: rendering it takes longer than judging them.
    """
    wanted: set[str] = set()
    for source in discovered.sources:
        source.kind = source.kind or kinds.detect_kind(source.path, source.text)
        wanted |= _ASKED_BY.get(source.kind, _ALL) if source.kind else frozenset()
    named = [posixpath.normpath(one) for one in discovered.named_paths]
    charts = {posixpath.dirname(one.path) for one in texts if posixpath.basename(one.path) == "Chart.yaml"}
    own = {folder for folder in charts if any(_is_of_chart(one, folder) for one in named)}
    kept = []
    for source in texts:
        homes = [folder for folder in charts if _is_of_chart(source.path, folder)]
        if homes and own.isdisjoint(homes):
            continue
        if homes or ("k8s" in wanted and posixpath.basename(source.path) in KUSTOMIZATION_FILENAMES):
            kept.append(source)
            continue
        source.kind = kinds.detect_kind_among(wanted, source.path, source.text)
        if source.kind:
            kept.append(source)
    return kept


def _is_of_chart(path: str, folder: str) -> bool:
    """Whether a file stands in a chart; beside one in the working directory only what Helm reads is a part of it."""
    if folder:
        return path.startswith(f"{folder}/")
    return path == "Chart.yaml" or path.startswith(("templates/", "charts/", "ci/", "values"))
