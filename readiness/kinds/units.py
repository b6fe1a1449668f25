"""What is applied together, and which of several things of one name is meant: the nearest one.

A unit is what one command applies: an environment of a chart, an overlay, a compose project, an nginx main file with what it
includes, a pipeline with its parts; of plain manifests the folder. Inside a unit names are plain. Between units the folders
decide, outward from a file: its folder and what lies below, then for each folder above it first that folder's own files, then
what else lies below that. Of several at the same distance nobody can tell which is meant.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Generic, NamedTuple, Protocol, TypeVar

from readiness.model import Source

MAX_CANDIDATES = 64  # as many candidates as one question looks at; past them the answer is unknown
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


def file_distance(path: str, other: str) -> int:
    """How far a file is from another one.

    0: the same file. 1: one of its folder. 2: one below its folder. 2n+1: one in the folder n steps up. 2n+2: another
    one below that folder.
    """
    if path == other:
        return 0
    here, there = _folder_names_of(path), _folder_names_of(other)
    common = 0
    for mine, its in zip(here, there, strict=False):
        if mine != its:
            break
        common += 1
    steps = len(here) - common
    return 2 * steps + (SAME_FOLDER_DISTANCE if common == len(there) else BELOW_FOLDER_DISTANCE)


def steps_up(distance_between: int) -> int:
    """How many folders up from a file lies the folder that a distance leads through: 0 for what is in or below its own."""
    return max(distance_between - SAME_FOLDER_DISTANCE, 0) // 2


def is_surely_nearer(first_distance: int, second_distance: int) -> bool:
    """Whether the first of two distances is the smaller one by a folder.

    In and below a file's own folder every step counts. Further up, what lies in a folder and what lies below it is as near:
    a file that holds all of an application may lie above the folder that holds it in parts.
    """
    if steps_up(first_distance) != steps_up(second_distance):
        return first_distance < second_distance
    return first_distance < second_distance <= BELOW_FOLDER_DISTANCE


def _folder_names_of(path: str) -> list[str]:
    return [part for part in posixpath.dirname(path).split("/") if part]


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

    def things_below(self, leave_out: str = "") -> Iterator[T]:
        """The things below it, but for those in one of its folders."""
        waiting = [iter(self.folders.items())]
        while waiting:
            name, folder = next(waiting[-1], ("", None))
            if folder is None:
                waiting.pop()
            elif len(waiting) > 1 or name != leave_out:
                yield from folder.things_in_own_files()
                waiting.append(iter(folder.folders.items()))


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
        path = thing.source.root.path
        folder = self._top
        for part in _folder_names_of(path):
            folder = folder.folders.setdefault(part, _Folder())
        folder.files.setdefault(path, []).append(thing)
        self.things.append(thing)

    def by_increasing_distance(self, path: str) -> Iterator[tuple[int, Iterator[T]]]:
        """The things by their distance from a file, the nearest first."""
        parts = _folder_names_of(path)
        way = [self._top]
        for part in parts:
            inner = way[-1].folders.get(part)
            if inner is None:
                break
            way.append(inner)
        for steps in range(len(parts) + 1 - len(way), len(parts) + 1):
            folder = way[len(parts) - steps]
            if steps:
                yield 2 * steps + SAME_FOLDER_DISTANCE, folder.things_in_own_files()
                yield (
                    2 * steps + BELOW_FOLDER_DISTANCE,
                    folder.things_below(parts[len(parts) - steps]),
                )
            else:
                yield 0, iter(folder.files.get(path, ()))
                others = (found for name, found in folder.files.items() if name != path)
                yield SAME_FOLDER_DISTANCE, chain.from_iterable(others)
                yield BELOW_FOLDER_DISTANCE, folder.things_below()

    def nearest(
        self,
        path: str,
        predicate: Callable[[T], bool] = lambda thing: True,
        *,
        distance_range: tuple[int, int] = (0, 1 << 30),
    ) -> NearestThings[T]:
        """The nearest things that are accepted.

        Those of one folder go together; those of several folders at the same distance are tied. `distance_range` bounds the
        distance. After MAX_CANDIDATES things that were not accepted the answer is tied, too.
        """
        refused = 0
        for far, things in self.by_increasing_distance(path):
            if far > distance_range[1]:
                break
            if far < distance_range[0]:
                continue
            found: list[T] = []
            for thing in things:
                if predicate(thing):
                    found.append(thing)
                    if far >= BELOW_FOLDER_DISTANCE and folder_of(found[0].source) != folder_of(thing.source):
                        return NearestThings(found, far, True)
                else:
                    refused += 1
                    if refused > MAX_CANDIDATES:
                        return NearestThings([], far, True)
            if found:
                return NearestThings(found, far, False)
        return NearestThings([], -1, False)

    def least_distance(self, path: str) -> tuple[int, bool]:
        """The distance of the nearest thing (-1 for none), and whether things of several folders have it."""
        for far, things in self.by_increasing_distance(path):
            first = next(things, None)
            if first is not None:
                folder = folder_of(first.source)
                others = islice(things, MAX_CANDIDATES) if far >= BELOW_FOLDER_DISTANCE else ()
                return far, any(folder_of(thing.source) != folder for thing in others)
        return -1, False

    def accepted_by_distance(self, path: str, predicate: Callable[[T], bool]) -> list[T]:
        """The things that are accepted, the nearest first, among the MAX_CANDIDATES nearest ones."""
        nearest = chain.from_iterable(part for _, part in self.by_increasing_distance(path))
        return [thing for thing in islice(nearest, MAX_CANDIDATES) if predicate(thing)]
