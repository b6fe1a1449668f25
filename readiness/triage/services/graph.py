"""What runs, joined to services, and what belongs to it: the joins are entered here, each with its reason, and settled at the end."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import field
from typing import NamedTuple

from readiness.model.purpose import Purpose
from readiness.model.records import dataclass
from readiness.model.service import ServicePart
from readiness.model.source import Source, Span


@dataclass(slots=True, eq=False)
class Runner:
    """Something that runs, as one unit has it: a workload, a service of a compose file, an image that only a build shows.

    `home` is what is applied together with it, `place` where its manifest is written, `image` the repository of its image (empty where
    nobody can tell), `dockerfile_path` what builds that. `is_job`: it is meant to end. `is_public`: others publish its image.
    `is_listed` is False for what only lies around the judged files, `is_for_tests` and `is_for_development` say that it is there
    for nothing else. `has_hidden_build`: its file builds its image, and hides from what.
    """

    part: ServicePart
    name: str
    home: str
    place: tuple[str, int]
    is_job: bool = False
    image: str = ""
    dockerfile_path: str = ""
    is_public: bool = False
    is_listed: bool = True
    is_made_by_chart: bool = False
    is_for_tests: bool = False
    is_for_development: bool = False
    has_hidden_build: bool = False

    def set_purpose(self, purpose: Purpose | None) -> None:
        """Note what it is for, where that is nothing that anybody runs for others, be it as an example."""
        self.is_for_tests = purpose is not None and purpose.word in {"test", "build", "preview"}
        self.is_for_development = purpose is not None and purpose.word == "development"

    @property
    def image_short_name(self) -> str:
        """The last part of its image's name."""
        return self.image.rpartition("/")[2]


class Place(NamedTuple):
    """Where findings on a thing stand before they are moved to what it was rendered from: a file, a resource, offsets in the file."""

    path: str
    resource: str
    start: int = 0
    end: int = 0


@dataclass(slots=True, eq=False)
class Belonging:
    """A thing that belongs to the service of its runners, if they are all of one."""

    part: ServicePart
    places: tuple[Place, ...]
    runners: Sequence[Runner]
    is_listed: bool = True


@dataclass(slots=True, eq=False)
class NamedThing:
    """A thing that nothing joins but its name: it may be called after what runs in its home."""

    part: ServicePart
    places: tuple[Place, ...]
    name: str
    home: str
    is_listed: bool = True


@dataclass(slots=True)
class ServiceGraph:
    """Everything that runs and belongs; groups of runners are kept as a forest, each tree a service."""

    runners: list[Runner] = field(default_factory=list)
    places_by_runner: dict[int, list[Place]] = field(default_factory=dict)
    belongings: list[Belonging] = field(default_factory=list)
    named_things: list[NamedThing] = field(default_factory=list)
    _parent_by_id: dict[int, Runner] = field(default_factory=dict)
    _reason_by_id: dict[int, str] = field(default_factory=dict)

    def add_runner(self, runner: Runner, *places: Place) -> Runner:
        """Enter something that runs, with the places where findings on it stand."""
        self.runners.append(runner)
        self.places_by_runner[id(runner)] = list(places)
        return runner

    def root_of(self, runner: Runner) -> Runner:
        """The runner that stands for the service of another one."""
        root = runner
        while id(root) in self._parent_by_id:
            root = self._parent_by_id[id(root)]
        while root is not runner and self._parent_by_id[id(runner)] is not root:
            self._parent_by_id[id(runner)], runner = root, self._parent_by_id[id(runner)]
        return root

    def join(self, runners: Iterable[Runner], reason: str) -> None:
        """Say that runners are one service; the reason is told of all but the first one."""
        first_runner: Runner | None = None
        for runner in runners:
            if first_runner is None:
                first_runner = runner
                continue
            root, other_root = self.root_of(first_runner), self.root_of(runner)
            if root is not other_root:
                self._parent_by_id[id(other_root)] = root
                self._reason_by_id.setdefault(id(runner), reason)

    def reason_of(self, runner: Runner) -> str:
        """Why a runner belongs to its service: what joined it, else what is said of it."""
        return self._reason_by_id.get(id(runner), runner.part.reason)

    def roots_of(self, runners: Iterable[Runner]) -> list[Runner]:
        """The services of some runners, each once."""
        return list({id(root): root for root in map(self.root_of, runners)}.values())

    def groups(self) -> Iterator[list[Runner]]:
        """The runners of each service, in the order in which they were entered."""
        runners_by_root_id: dict[int, list[Runner]] = {}
        for runner in self.runners:
            runners_by_root_id.setdefault(id(self.root_of(runner)), []).append(runner)
        yield from runners_by_root_id.values()

    def join_groups_by_key(self, keyed_runners: Iterable[tuple[Hashable, Runner]], reason: str) -> None:
        """Join the runners of each key; of a unit in which several services have the key, none is meant."""
        runners_by_key: dict[Hashable, list[Runner]] = {}
        for key, runner in keyed_runners:
            runners_by_key.setdefault(key, []).append(runner)
        for runners in runners_by_key.values():
            roots_by_home: dict[str, set[int]] = {}
            for runner in runners:
                roots_by_home.setdefault(runner.home, set()).add(id(self.root_of(runner)))
            self.join([one for one in runners if len(roots_by_home[one.home]) == 1], reason)


class SettledRoots:
    """The services of lists of runners when all joins are made; a list that many things share is looked through once."""

    def __init__(self, graph: ServiceGraph) -> None:
        self.graph = graph
        self._roots_by_list_id: dict[int, tuple[Sequence[Runner], list[Runner]]] = {}

    def roots_of(self, runners: Sequence[Runner]) -> list[Runner]:
        """The services of some runners, each once."""
        if id(runners) not in self._roots_by_list_id:
            self._roots_by_list_id[id(runners)] = runners, self.graph.roots_of(runners)
        return self._roots_by_list_id[id(runners)][1]


def place_of(source: Source, resource: str, span: Span) -> Place:
    """Where findings on a thing stand that stands in a source, be it nested in a file or not."""
    return Place(source.root.path, resource, source.to_root(span.start), source.to_root(max(span.end - 1, span.start)) + 1)
