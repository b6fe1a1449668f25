"""What compose files take in from others: the files that they include, environment files, the variables those give."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from readiness.facts.table import fact_rows
from readiness.kinds import dotenv
from readiness.kinds.compose.environment import (
    EMPTY_ENVIRONMENT,
    EnvFileValue,
    Environment,
    env_file_path,
    env_files,
    environment_of,
    layer_env_files,
    read_env_files,
)
from readiness.kinds.compose.model import Document, Service, Variable
from readiness.kinds.compose.parts import (
    expand_scalar,
    string_entries,
    variable_settings,
)
from readiness.model import Span
from readiness.syntax.interpolation import NO_VARIABLES
from readiness.syntax.yaml import Map, Seq

MAX_INCLUDE_DEPTH = 20  # one inside the other


@dataclass(frozen=True, slots=True)
class Include:
    """One file of an `include`: its path as written with its place (`owner.at(key)`), and the entry it stands in."""

    path: str
    owner: Map | Seq
    key: Any
    entry: Map | None = None


def includes_of(document: Document) -> Iterator[Include]:
    """Every file that a file includes."""
    for root in document.roots:
        items = root.get("include")
        if not isinstance(items, Seq):
            continue
        for index, item in enumerate(items):
            if isinstance(item, str):
                yield Include(item, items, index)
            elif isinstance(item, Map):
                for path, inner in string_entries(item.get("path")):
                    owner: Map | Seq = item if inner is None else item["path"]
                    yield Include(path, owner, "path" if inner is None else inner, item)


def include_folder(include: Include, folder: str, values: Mapping[str, str]) -> str:
    """The folder that an included file's own paths, and its `.env`, are looked for in."""
    entry = include.entry
    named = entry.get("project_directory") if entry is not None else None
    if isinstance(named, str):
        return env_file_path(named, folder, values)
    first = next(string_entries(entry.get("path")), (include.path, 0))[0] if entry is not None else include.path
    return posixpath.dirname(env_file_path(first, folder, values))


def resolve_environments(documents: list[Document], files: Mapping[str, dotenv.Document]) -> None:
    """Give every compose file the environment that its variables are filled in from."""
    if files:
        _EnvironmentResolver(documents, files).resolve_all()


def assign_env_file_variables(documents: list[Document], files: Mapping[str, dotenv.Document]) -> None:
    """Tell of every environment file which variables it gives, and whether to a file that may run in production."""
    if not files:
        return
    for file in files.values():
        file.production = False
    seen: set[tuple[str, Span]] = set()
    for document in sorted(documents, key=lambda one: (not one.production, one.source.path)):
        own = {
            name: read_env_files(service.extended_node, document.folder, files, service.env_file_variables)[0]
            for name, service in document.services.items()
            if "env_file" in service.extended_node
        }
        document.env_file_values_by_service = own
        document.env_file_variables = tuple(_variables_from_env_files(document, own, seen))
        for settings in (document.environment.env_file_values, *own.values()):
            for setting in settings.values():
                named = document.purpose not in {"dev", "test"}
                setting.document.production = setting.document.production or named


class _EnvironmentResolver:
    """The compose files of a project with who includes whom, while their environments are worked out."""

    def __init__(self, documents: list[Document], files: Mapping[str, dotenv.Document]) -> None:
        self.documents = [one for one in documents if one.source.parent is None]
        self.files = files
        self.known: dict[int, Environment] = {}
        self.ways: dict[str, list[tuple[Document, Include | None]]] = {}
        self.own: dict[str, Environment] = {}
        self.homes: dict[str, str] = {}  # path -> the folder whose `.env` names it in COMPOSE_FILE
        for path in sorted(files):
            folder, name = posixpath.split(path)
            for file in compose_file_paths(layer_env_files([files[path]])) if name == ".env" else ():
                self.homes.setdefault(posixpath.normpath(posixpath.join(folder, file)), folder)
        for document in self.documents:
            for include in includes_of(document):
                path = env_file_path(include.path, document.folder, NO_VARIABLES)
                self.ways.setdefault(path, []).append((document, include))
            for path in {one.extends[0] for one in document.services.values() if one.extends}:
                self.ways.setdefault(env_file_path(path, document.folder, NO_VARIABLES), []).append((document, None))

    def resolve_all(self) -> None:
        """Give every document its environment, and mark the environment files that were read."""
        for document in self.documents:
            document.environment = self.environment_of(document, 0)

    def environment_of(self, document: Document, depth: int) -> Environment:
        """The environment of a file: of those that include it, else its own `.env`."""
        if id(document) not in self.known:
            self.known[id(document)] = EMPTY_ENVIRONMENT  # what includes itself has none
            path = posixpath.normpath(document.source.path)
            ways = [way for way in self.ways.get(path, ()) if way[1] or not document.first]
            if ways and depth < MAX_INCLUDE_DEPTH:
                environment = _common_environment([self.environment_from_includer(*way, depth + 1) for way in ways])
            else:
                environment = self.environment_in_folder(self.homes.get(path, document.folder))
            self.known[id(document)] = environment
        return self.known[id(document)]

    def environment_in_folder(self, folder: str) -> Environment:
        """What the `.env` of a folder says."""
        path = posixpath.join(folder, ".env")
        if path not in self.own:
            self.own[path] = layer_env_files(self.env_files_at([path]))
        return self.own[path]

    def environment_from_includer(self, includer: Document, include: Include | None, depth: int) -> Environment:
        """The environment of a file that another includes: what that one has goes first; one that it only extends
        services of has no other."""
        outer = self.environment_of(includer, depth)
        if include is None:
            return outer
        entry = include.entry if include.entry is not None else Map(Span(0, 0))
        named = [env_file_path(file.path, includer.folder, outer.values) for file in env_files(entry)]
        folder = include_folder(include, includer.folder, outer.values)
        return layer_env_files(self.env_files_at(named or [posixpath.join(folder, ".env")]), outer)

    def env_files_at(self, paths: Iterable[str]) -> list[dotenv.Document]:
        """The environment files at some paths, without those that Docker cannot read."""
        there = [self.files.get(posixpath.normpath(path)) for path in paths]
        documents = [one for one in there if one is not None]
        for document in documents:
            document.read = True
        return [one for one in documents if one.parsed_env_file.problem is None]


def compose_file_paths(environment: Environment) -> list[str]:
    """The compose files that COMPOSE_FILE names, in their order."""
    text = environment.values_with_secrets.get("COMPOSE_FILE", "")
    return [one for one in text.split(environment.values_with_secrets.get("COMPOSE_PATH_SEPARATOR", ":")) if one]


def _common_environment(environments: list[Environment]) -> Environment:
    """What several environments agree on."""
    first, *rest = environments
    if not rest:
        return first
    kept = {
        name: setting
        for name, setting in first.env_file_values.items()
        if all(name in way.env_file_values and way.env_file_values[name].value == setting.value for way in rest)
    }
    return environment_of(kept)


def env_paths_read_by(documents: Iterable[Document]) -> set[str]:
    """The paths at which compose files look for environment files."""
    paths: set[str] = set()
    for document in documents:
        if document.source.parent is not None:
            continue
        folder = document.folder
        paths.add(posixpath.normpath(posixpath.join(folder, ".env")))
        entries = [one.entry for one in includes_of(document) if one.entry is not None]
        nodes = [service.extended_node for service in document.services.values()]
        for node in (*entries, *nodes):
            paths |= {env_file_path(one.path, folder, NO_VARIABLES) for one in env_files(node)}
        for include in includes_of(document):
            place = include_folder(include, folder, NO_VARIABLES)
            paths.add(posixpath.normpath(posixpath.join(place, ".env")))
    return paths


def _variables_from_env_files(
    document: Document,
    values_by_service: Mapping[str, dict[str, EnvFileValue]],
    reported_places: set[tuple[str, Span]],
) -> Iterator[Variable]:
    """The variables of services whose values stand in environment files; each place once in a project.

    One value may reach several variables: the one whose name tells of a secret speaks for it, and of several services
    the one that uses it.
    """
    from readiness.syntax.secrets import is_secret_name

    chosen: dict[tuple[str, Span], Variable] = {}
    weight_by_place: dict[tuple[str, Span], tuple[bool, int]] = {}
    for service in document.services.values():
        for name, setting in _variables_with_env_value(service, values_by_service.get(service.name, {})):
            place = (setting.source.path, setting.span)
            if place in reported_places:
                continue
            weight = is_secret_name(name), _weight_of_use(service, name)
            if place not in chosen or weight > weight_by_place[place]:
                weight_by_place[place] = weight
                chosen[place] = Variable(service, setting.setting_of(name), "env_file", setting)
    reported_places |= set(chosen)
    yield from chosen.values()


def _weight_of_use(service: Service, name: str) -> int:
    """How surely a service uses a variable that a whole file gives it: a store takes its own and no other; the more, the surer.

    What is for development or tests speaks for nobody else.
    """
    if service.set_aside:
        return 0
    facts = service.image_facts
    if facts is None or not facts.is_store:
        return 2
    written = any(one.name == name for one in variable_settings(service.source, service.extended_node, "environment"))
    return 3 if written or name in fact_rows("store-accounts") else 1


def _variables_with_env_value(
    service: Service, env_file_values: Mapping[str, EnvFileValue]
) -> Iterator[tuple[str, EnvFileValue]]:
    """(variable, setting that gives it) of a service."""
    environment = service.document.environment
    written = set()
    for one in variable_settings(service.source, service.extended_node, "environment"):
        written.add(one.name)
        bare = one.raw_value is None
        name = one.name if bare else expand_scalar(one.raw_value, environment.values_with_secrets).variable_giving_all
        if name in environment.env_file_values:
            yield one.name, environment.env_file_values[name]
    yield from ((name, one) for name, one in env_file_values.items() if name not in written)
