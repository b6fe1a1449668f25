"""Objects of one name in several namespaces and folders: which of them another one means.

Inside of what is applied together the namespace decides, and between units first the namespace and then the folder. What
belongs to a nearer twin of the asker, an object of the asker's own kind and name, is nobody else's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Generic, Protocol, TypeVar

from readiness.kinds.k8s.effective import is_filled_in_value
from readiness.kinds.units import (
    BELOW_FOLDER_DISTANCE,
    MAX_CANDIDATES_PER_QUESTION,
    SAME_FOLDER_DISTANCE,
    NearestThings,
    ThingsByFolder,
)
from readiness.model import Source
from readiness.model.records import dataclass


class NamespacedThing(Protocol):
    """What has a namespace and stands in a source: an object, a pod, or a workload."""

    @property
    def source(self) -> Source:
        """Where it stands."""

    @property
    def namespace(self) -> str:
        """The namespace that is written on it."""


T = TypeVar("T", bound=NamespacedThing)
_NO_DISTANCE_LIMIT = 1 << 30


@dataclass(frozen=True, slots=True)
class NameResolution(Generic[T]):
    """What an object means by a name.

    `meant` are those that are meant. `is_ambiguous` says that some may be meant and nobody can tell which.
    `same_name_elsewhere` are a few of that name which belong to others: they stand in another namespace, or with a nearer twin.
    """

    meant: tuple[T, ...] = ()
    is_ambiguous: bool = False
    same_name_elsewhere: tuple[T, ...] = ()

    @property
    def is_absent(self) -> bool:
        """Whether nothing can be meant."""
        return not self.meant and not self.is_ambiguous


class ThingsByNamespace(Generic[T]):
    """Things of one name, by namespace and by place."""

    __slots__ = ("_by_space", "every")

    def __init__(self, things: Iterable[T] = ()) -> None:
        self.every: ThingsByFolder[T] = ThingsByFolder()
        self._by_space: dict[str, ThingsByFolder[T]] = {}
        for thing in things:
            self.add(thing)

    def add(self, thing: T) -> None:
        """Take a thing in."""
        self.every.add(thing)
        self._by_space.setdefault(comparable_namespace(thing.namespace), ThingsByFolder()).add(thing)

    def places_in_namespace(self, namespace: str) -> list[ThingsByFolder[T]]:
        """The things of the same namespace, then those whose namespace may be the same; no list is empty."""
        compared_namespace = comparable_namespace(namespace)
        folder_maps = [self._by_space.get(compared_namespace)]
        if compared_namespace:
            folder_maps.append(self._by_space.get(""))
        elif len(self._by_space) > 1 or not folder_maps[0]:
            folder_maps.append(self.every)
        return [found for found in folder_maps if found is not None]

    def things_possibly_in_namespace(self, namespace: str) -> Iterable[T]:
        """The things whose namespace is the same or may be."""
        if not comparable_namespace(namespace):
            return self.every.things
        return chain.from_iterable(places.things for places in self.places_in_namespace(namespace))

    def nearest(
        self,
        path: str,
        namespace: str,
        predicate: Callable[[T], bool],
        *,
        ignore_folders: bool = False,
    ) -> NearestThings[T]:
        """The nearest things that are accepted; `ignore_folders`: all are applied together, and no folder counts."""
        folder_maps = self.places_in_namespace(namespace)
        if ignore_folders:
            for things_by_folder in folder_maps:
                accepted_things = [thing for thing in things_by_folder.things if predicate(thing)][:MAX_CANDIDATES_PER_QUESTION]
                if accepted_things:
                    return NearestThings(accepted_things, 0, False)
            return NearestThings([], -1, False)
        for distance_range in ((0, SAME_FOLDER_DISTANCE), (BELOW_FOLDER_DISTANCE, _NO_DISTANCE_LIMIT)):
            for things_by_folder in folder_maps:
                nearest_things = things_by_folder.nearest(path, predicate, distance_range=distance_range)
                if nearest_things.distance >= 0:
                    return nearest_things
        return NearestThings([], -1, False)

    def least_distance(self, path: str, namespace: str, *, same_namespace_only: bool) -> tuple[int, bool]:
        """The distance of the nearest thing (-1 for none), and whether several folders have it.

        `same_namespace_only`: of those in the same namespace, else of those that may be in it.
        """
        compared_namespace = comparable_namespace(namespace)
        folder_maps = [self._by_space[compared_namespace]] if same_namespace_only and compared_namespace in self._by_space else []
        distances_with_ties = [one.least_distance(path) for one in (folder_maps if same_namespace_only else self.places_in_namespace(namespace))]
        return min((one for one in distances_with_ties if one[0] >= 0), default=(-1, False))


def comparable_namespace(namespace: str) -> str:
    """The namespace as it is compared: empty where none is written or a variable gives it."""
    return "" if is_filled_in_value(namespace) else namespace


def has_exactly_same_namespace(thing: NamespacedThing, other_thing: NamespacedThing) -> bool:
    """Whether two things have the same namespace written, or both none."""
    return comparable_namespace(thing.namespace) == comparable_namespace(other_thing.namespace)
