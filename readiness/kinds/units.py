"""What is applied together, and which of several things of one name is meant: the nearest one.

A unit is what one command applies: an environment of a chart, an overlay, a compose project, an nginx main file with what it
includes, a pipeline with its parts; of plain manifests the folder. Inside a unit names are plain. Between units the folders
decide, outward from a file: its folder and what lies below, then for each folder above it first that folder's own files, then
what else lies below that. Of several at the same distance nobody can tell which is meant.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import chain, islice
from typing import Generic, NamedTuple, Protocol, TypeVar

from readiness.model import Source

MAX_CANDIDATES_PER_QUESTION = 64  # as many candidates as one question looks at; past them the answer is unknown
MAX_THINGS_MEANT = 256  # as many things of one folder as can be meant by one; past them the answer is unknown
SAME_FOLDER_DISTANCE = 1  # the distance up to which files stand in one folder
BELOW_FOLDER_DISTANCE = 2  # the distance of what lies in a folder under it


class HasSource(Protocol):
    """What stands in a source."""

    @property
    def source(self) -> Source:
        """Where it stands."""


T = TypeVar("T", bound=HasSource)


def folder_of(source: Source) -> str:
    """The folder of the file that a source stands in."""
    return posixpath.dirname(source.root.path)


def file_distance(path: str, other_path: str) -> int:
    """How far a file is from another one.

    0: the same file. 1: one of its folder. 2: one below its folder. 2n+1: one in the folder n steps up. 2n+2: another
    one below that folder.
    """
    if path == other_path:
        return 0
    folder_names, other_folder_names = _folder_names_of(path), _folder_names_of(other_path)
    common_folder_count = 0
    for folder_name, other_folder_name in zip(folder_names, other_folder_names, strict=False):
        if folder_name != other_folder_name:
            break
        common_folder_count += 1
    levels_up = len(folder_names) - common_folder_count
    return 2 * levels_up + (SAME_FOLDER_DISTANCE if common_folder_count == len(other_folder_names) else BELOW_FOLDER_DISTANCE)


def folder_levels_up(file_distance_value: int) -> int:
    """How many folders up from a file lies the folder that a distance leads through: 0 for what is in or below its own."""
    return max(file_distance_value - SAME_FOLDER_DISTANCE, 0) // 2


def is_surely_nearer(first_distance: int, second_distance: int) -> bool:
    """Whether the first of two distances is the smaller one by a folder.

    In and below a file's own folder every step counts. Further up, what lies in a folder and what lies below it is as near:
    a file that holds all of an application may lie above the folder that holds it in parts.
    """
    if folder_levels_up(first_distance) != folder_levels_up(second_distance):
        return first_distance < second_distance
    return first_distance < second_distance <= BELOW_FOLDER_DISTANCE


@lru_cache(maxsize=16_384)
def _folder_names_of(path: str) -> tuple[str, ...]:
    return tuple(part for part in posixpath.dirname(path).split("/") if part)


class NearestThings(NamedTuple, Generic[T]):
    """The things that are meant, their distance (-1 for none), and whether they are tied: only one of them can be meant."""

    things: list[T]
    distance: int
    is_tied: bool


class _Folder(Generic[T]):
    """A folder that holds things, in its files or further below."""

    __slots__ = ("files", "folders")

    def __init__(self) -> None:
        self.files: dict[str, list[T]] = {}
        self.folders: dict[str, _Folder[T]] = {}

    def things_in_own_files(self) -> Iterator[T]:
        """The things in its own files."""
        return chain.from_iterable(self.files.values())

    def things_below(self, excluded_subfolder_name: str = "") -> Iterator[T]:
        """The things below it, but for those in one of its folders."""
        pending_folder_iterators = [iter(self.folders.items())]
        while pending_folder_iterators:
            folder_name, folder = next(pending_folder_iterators[-1], ("", None))
            if folder is None:
                pending_folder_iterators.pop()
            elif len(pending_folder_iterators) > 1 or folder_name != excluded_subfolder_name:
                yield from folder.things_in_own_files()
                pending_folder_iterators.append(iter(folder.folders.items()))


class ThingsByFolder(Generic[T]):
    """Things that one name may mean, by folder: a question costs the depth of a path, not the number of things."""

    __slots__ = ("_top", "things")

    def __init__(self, things: Iterable[T] = ()) -> None:
        self.things: list[T] = []
        self._top: _Folder[T] = _Folder()
        for thing in things:
            self.add(thing)

    def add(self, thing: T) -> None:
        """Take a thing in."""
        file_path = thing.source.root.path
        folder = self._top
        for folder_name in _folder_names_of(file_path):
            folder = folder.folders.setdefault(folder_name, _Folder())
        folder.files.setdefault(file_path, []).append(thing)
        self.things.append(thing)

    def by_increasing_distance(self, file_path: str) -> Iterator[tuple[int, Iterator[T]]]:
        """The things by their distance from a file, the nearest first."""
        folder_names = _folder_names_of(file_path)
        folders_from_root = [self._top]
        for folder_name in folder_names:
            subfolder = folders_from_root[-1].folders.get(folder_name)
            if subfolder is None:
                break
            folders_from_root.append(subfolder)
        for levels_up in range(len(folder_names) + 1 - len(folders_from_root), len(folder_names) + 1):
            folder = folders_from_root[len(folder_names) - levels_up]
            if levels_up:
                yield 2 * levels_up + SAME_FOLDER_DISTANCE, folder.things_in_own_files()
                yield (
                    2 * levels_up + BELOW_FOLDER_DISTANCE,
                    folder.things_below(folder_names[len(folder_names) - levels_up]),
                )
            else:
                yield 0, iter(folder.files.get(file_path, ()))
                things_of_sibling_files = (things for sibling_path, things in folder.files.items() if sibling_path != file_path)
                yield SAME_FOLDER_DISTANCE, chain.from_iterable(things_of_sibling_files)
                yield BELOW_FOLDER_DISTANCE, folder.things_below()

    def nearest(
        self,
        file_path: str,
        predicate: Callable[[T], bool] = lambda thing: True,
        *,
        distance_range: tuple[int, int] = (0, 1 << 30),
    ) -> NearestThings[T]:
        """The nearest things that are accepted.

        Those of one folder go together; those of several folders at the same distance are tied. `distance_range` bounds the
        distance. After MAX_CANDIDATES things that were not accepted, or MAX_THINGS_MEANT that were, the answer is tied, too.
        """
        refused_thing_count = 0
        for distance, things in self.by_increasing_distance(file_path):
            if distance > distance_range[1]:
                break
            if distance < distance_range[0]:
                continue
            accepted_things: list[T] = []
            for thing in things:
                if predicate(thing):
                    accepted_things.append(thing)
                    if len(accepted_things) > MAX_THINGS_MEANT:
                        return NearestThings([], distance, True)
                    if distance >= BELOW_FOLDER_DISTANCE and folder_of(accepted_things[0].source) != folder_of(thing.source):
                        return NearestThings(accepted_things, distance, True)
                else:
                    refused_thing_count += 1
                    if refused_thing_count > MAX_CANDIDATES_PER_QUESTION:
                        return NearestThings([], distance, True)
            if accepted_things:
                return NearestThings(accepted_things, distance, False)
        return NearestThings([], -1, False)

    def least_distance(self, file_path: str) -> tuple[int, bool]:
        """The distance of the nearest thing (-1 for none), and whether things of several folders have it."""
        for distance, things in self.by_increasing_distance(file_path):
            first_thing = next(things, None)
            if first_thing is not None:
                first_thing_folder = folder_of(first_thing.source)
                other_things = islice(things, MAX_CANDIDATES_PER_QUESTION) if distance >= BELOW_FOLDER_DISTANCE else ()
                return distance, any(folder_of(thing.source) != first_thing_folder for thing in other_things)
        return -1, False

    def accepted_by_distance(self, file_path: str, predicate: Callable[[T], bool]) -> list[T]:
        """The things that are accepted, the nearest first, among the MAX_CANDIDATES nearest ones."""
        things_nearest_first = chain.from_iterable(things_at_distance for _, things_at_distance in self.by_increasing_distance(file_path))
        return [thing for thing in islice(things_nearest_first, MAX_CANDIDATES_PER_QUESTION) if predicate(thing)]
