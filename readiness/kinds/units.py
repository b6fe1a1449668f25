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

MANY = 64  # as many candidates as one question looks at; past them the answer is unknown
FOLDER = 1  # the distance up to which files stand in one folder
BELOW = 2  # the distance of what lies in a folder under it


class Located(Protocol):
    """What stands in a source."""

    @property
    def source(self) -> Source:
        """Where it stands."""


T = TypeVar("T", bound=Located)


def folder_of(source: Source) -> str:
    """The folder of the file that a source stands in."""
    return posixpath.dirname(source.root.path)


def distance(path: str, other: str) -> int:
    """How far a file is from another one.

    0: the same file. 1: one of its folder. 2: one below its folder. 2n+1: one in the folder n steps up. 2n+2: another
    one below that folder.
    """
    if path == other:
        return 0
    here, there = _folders_on(path), _folders_on(other)
    common = 0
    for mine, its in zip(here, there, strict=False):
        if mine != its:
            break
        common += 1
    steps = len(here) - common
    return 2 * steps + (FOLDER if common == len(there) else BELOW)


def steps_up(far: int) -> int:
    """How many folders up from a file lies the folder that a distance leads through: 0 for what is in or below its own."""
    return max(far - FOLDER, 0) // 2


def is_surely_nearer(far: int, other: int) -> bool:
    """Whether the first of two distances is the smaller one by a folder.

    In and below a file's own folder every step counts. Further up, what lies in a folder and what lies below it is as near:
    a file that holds all of an application may lie above the folder that holds it in parts.
    """
    if steps_up(far) != steps_up(other):
        return far < other
    return far < other <= BELOW


def _folders_on(path: str) -> list[str]:
    return [part for part in posixpath.dirname(path).split("/") if part]


class Nearest(NamedTuple, Generic[T]):
    """The things that are meant, their distance (-1 for none), and whether they are tied: only one of them can be meant."""

    things: list[T]
    distance: int
    tied: bool


class _Folder(Generic[T]):
    """A folder that holds things, in its files or further below."""

    __slots__ = ("files", "folders")

    def __init__(self) -> None:
        self.files: dict[str, list[T]] = {}
        self.folders: dict[str, _Folder[T]] = {}

    def own(self) -> Iterator[T]:
        """The things in its own files."""
        return chain.from_iterable(self.files.values())

    def below(self, leave_out: str = "") -> Iterator[T]:
        """The things below it, but for those in one of its folders."""
        waiting = [iter(self.folders.items())]
        while waiting:
            name, folder = next(waiting[-1], ("", None))
            if folder is None:
                waiting.pop()
            elif len(waiting) > 1 or name != leave_out:
                yield from folder.own()
                waiting.append(iter(folder.folders.items()))


class Places(Generic[T]):
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
        for part in _folders_on(path):
            folder = folder.folders.setdefault(part, _Folder())
        folder.files.setdefault(path, []).append(thing)
        self.things.append(thing)

    def outward(self, path: str) -> Iterator[tuple[int, Iterator[T]]]:
        """The things by their distance from a file, the nearest first."""
        parts = _folders_on(path)
        way = [self._top]
        for part in parts:
            inner = way[-1].folders.get(part)
            if inner is None:
                break
            way.append(inner)
        for steps in range(len(parts) + 1 - len(way), len(parts) + 1):
            folder = way[len(parts) - steps]
            if steps:
                yield 2 * steps + FOLDER, folder.own()
                yield 2 * steps + BELOW, folder.below(parts[len(parts) - steps])
            else:
                yield 0, iter(folder.files.get(path, ()))
                others = (found for name, found in folder.files.items() if name != path)
                yield FOLDER, chain.from_iterable(others)
                yield BELOW, folder.below()

    def nearest(
        self,
        path: str,
        accepts: Callable[[T], bool] = lambda thing: True,
        *,
        within: tuple[int, int] = (0, 1 << 30),
    ) -> Nearest[T]:
        """The nearest things that are accepted.

        Those of one folder go together; those of several folders at the same distance are tied. `within` bounds the
        distance. After MANY things that were not accepted the answer is tied, too.
        """
        refused = 0
        for far, things in self.outward(path):
            if far > within[1]:
                break
            if far < within[0]:
                continue
            found: list[T] = []
            for thing in things:
                if accepts(thing):
                    found.append(thing)
                    if far >= BELOW and folder_of(found[0].source) != folder_of(thing.source):
                        return Nearest(found, far, True)
                else:
                    refused += 1
                    if refused > MANY:
                        return Nearest([], far, True)
            if found:
                return Nearest(found, far, False)
        return Nearest([], -1, False)

    def least_distance(self, path: str) -> tuple[int, bool]:
        """The distance of the nearest thing (-1 for none), and whether things of several folders have it."""
        for far, things in self.outward(path):
            first = next(things, None)
            if first is not None:
                folder = folder_of(first.source)
                others = islice(things, MANY) if far >= BELOW else ()
                return far, any(folder_of(thing.source) != folder for thing in others)
        return -1, False

    def accepted(self, path: str, accepts: Callable[[T], bool]) -> list[T]:
        """The things that are accepted, the nearest first, among the MANY nearest ones."""
        nearest = chain.from_iterable(part for _, part in self.outward(path))
        return [thing for thing in islice(nearest, MANY) if accepts(thing)]
