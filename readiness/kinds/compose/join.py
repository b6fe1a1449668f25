"""What compose files take in from others: the files that they include, environment files, the variables those give."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from readiness.facts.table import fact_row_by_name
from readiness.kinds import dotenv
from readiness.kinds.compose.environment import (
    EMPTY_ENVIRONMENT,
    EnvFileValue,
    Environment,
    env_file_references,
    env_file_values_and_are_all_read,
    environment_from_env_files,
    environment_of,
    resolved_path_or_hole,
)
from readiness.kinds.compose.model import Document, Service, Variable
from readiness.kinds.compose.parts import (
    expand_scalar,
    string_entries,
    variable_settings_under_key,
)
from readiness.model import Span
from readiness.model.records import dataclass
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


def included_files_of(document: Document) -> Iterator[Include]:
    """Every file that a file includes."""
    for root in document.roots:
        include_entries = root.get("include")
        if not isinstance(include_entries, Seq):
            continue
        for index, include_item in enumerate(include_entries):
            if isinstance(include_item, str):
                yield Include(include_item, include_entries, index)
            elif isinstance(include_item, Map):
                for included_path, path_index in string_entries(include_item.get("path")):
                    path_owner: Map | Seq = include_item if path_index is None else include_item["path"]
                    yield Include(included_path, path_owner, "path" if path_index is None else path_index, include_item)


def project_folder_of_include(include: Include, including_folder: str, value_by_name: Mapping[str, str]) -> str:
    """The folder that an included file's own paths, and its `.env`, are looked for in."""
    include_mapping = include.entry
    project_directory = include_mapping.get("project_directory") if include_mapping is not None else None
    if isinstance(project_directory, str):
        return resolved_path_or_hole(project_directory, including_folder, value_by_name)
    first_included_path = next(string_entries(include_mapping.get("path")), (include.path, 0))[0] if include_mapping is not None else include.path
    return posixpath.dirname(resolved_path_or_hole(first_included_path, including_folder, value_by_name))


def resolve_environments(documents: list[Document], env_document_by_path: Mapping[str, dotenv.Document]) -> None:
    """Give every compose file the environment that its variables are filled in from."""
    if env_document_by_path:
        _EnvironmentResolver(documents, env_document_by_path).resolve_all()


def assign_env_file_variables(documents: list[Document], env_document_by_path: Mapping[str, dotenv.Document]) -> None:
    """Tell of every environment file which variables it gives, and whether to a file that may run in production."""
    if not env_document_by_path:
        return
    for env_document in env_document_by_path.values():
        env_document.production = False
    _mark_env_files_with_too_many_readers(documents, env_document_by_path)
    reported_places: set[tuple[str, Span]] = set()
    for document in sorted(documents, key=lambda one: (not one.production, one.source.path)):
        env_file_values_by_service = {
            name: env_file_values_and_are_all_read(service.extended_node, document.folder, env_document_by_path, service.env_file_variables)[0]
            for name, service in document.services.items()
            if "env_file" in service.extended_node
        }
        document.env_file_values_by_service = env_file_values_by_service
        document.env_file_variables = tuple(_variables_from_env_files(document, env_file_values_by_service, reported_places))
        for env_file_value_by_name in (document.environment.env_file_values, *env_file_values_by_service.values()):
            for env_file_value in env_file_value_by_name.values():
                may_run_in_production = document.purpose not in {"dev", "test"}
                env_file_value.document.production = env_file_value.document.production or may_run_in_production


MAX_VARIABLES_FROM_ENV_FILE = 100_000  # that one environment file gives to all services which name it
MAX_VARIABLES_FROM_ENV_FILES_PER_RUN = 500_000  # that all of them give


def _mark_env_files_with_too_many_readers(documents: Iterable[Document], env_document_by_path: Mapping[str, dotenv.Document]) -> None:
    """Set apart the environment files that give more variables to more services than are gone through: what they give is not known."""
    reader_counts: Counter[str] = Counter()
    for document in documents:
        for service in document.services.values():
            references = env_file_references(service.extended_node)
            reader_counts.update({resolved_path_or_hole(one.path, document.folder, NO_VARIABLES) for one in references})
    given_variable_count = 0
    for path, reader_count in reader_counts.items():
        env_document = env_document_by_path.get(path)
        if env_document is None:
            continue
        variable_count = reader_count * len(env_document.parsed_env_file.entries)
        if variable_count > MAX_VARIABLES_FROM_ENV_FILE:
            reason = f"it gives more than {MAX_VARIABLES_FROM_ENV_FILE:,} variables to {reader_count:,} services, which were not gone through"
        elif given_variable_count + variable_count > MAX_VARIABLES_FROM_ENV_FILES_PER_RUN:
            reason = f"with those before it, it gives more than {MAX_VARIABLES_FROM_ENV_FILES_PER_RUN:,} variables, and its own were not gone through"
        else:
            given_variable_count += variable_count
            continue
        env_document.has_too_many_readers = True
        env_document.source.unread_part = reason


class _EnvironmentResolver:
    """The compose files of a project with who includes whom, while their environments are worked out."""

    def __init__(self, documents: list[Document], env_document_by_path: Mapping[str, dotenv.Document]) -> None:
        self.documents = [one for one in documents if one.source.parent is None]
        self.files = env_document_by_path
        self.known: dict[int, Environment] = {}
        self.ways: dict[str, list[tuple[Document, Include | None]]] = {}
        self.own: dict[str, Environment] = {}
        self.homes: dict[str, str] = {}  # path -> the folder whose `.env` names it in COMPOSE_FILE
        for env_or_included_path in sorted(env_document_by_path):
            env_file_folder, file_name = posixpath.split(env_or_included_path)
            for compose_file_path in (
                paths_in_compose_file_variable(environment_from_env_files([env_document_by_path[env_or_included_path]]))
                if file_name == ".env"
                else ()
            ):
                self.homes.setdefault(posixpath.normpath(posixpath.join(env_file_folder, compose_file_path)), env_file_folder)
        for document in self.documents:
            for included_file in included_files_of(document):
                env_or_included_path = resolved_path_or_hole(included_file.path, document.folder, NO_VARIABLES)
                self.ways.setdefault(env_or_included_path, []).append((document, included_file))
            for env_or_included_path in {one.extends[0] for one in document.services.values() if one.extends}:
                self.ways.setdefault(resolved_path_or_hole(env_or_included_path, document.folder, NO_VARIABLES), []).append((document, None))

    def resolve_all(self) -> None:
        """Give every document its environment, and mark the environment files that were read."""
        for document in self.documents:
            document.environment = self.environment_of(document, 0)

    def environment_of(self, document: Document, include_depth: int) -> Environment:
        """The environment of a file: of those that include it, else its own `.env`."""
        if id(document) not in self.known:
            self.known[id(document)] = EMPTY_ENVIRONMENT  # what includes itself has none
            document_path = posixpath.normpath(document.source.path)
            includer_and_include_pairs = [way for way in self.ways.get(document_path, ()) if way[1] or not document.first]
            if includer_and_include_pairs and include_depth < MAX_INCLUDE_DEPTH:
                environment = _common_environment([self.environment_from_includer(*way, include_depth + 1) for way in includer_and_include_pairs])
            else:
                environment = self.environment_in_folder(self.homes.get(document_path, document.folder))
            self.known[id(document)] = environment
        return self.known[id(document)]

    def environment_in_folder(self, folder: str) -> Environment:
        """What the `.env` of a folder says."""
        env_file_path_in_folder = posixpath.join(folder, ".env")
        if env_file_path_in_folder not in self.own:
            self.own[env_file_path_in_folder] = environment_from_env_files(self.env_files_at([env_file_path_in_folder]))
        return self.own[env_file_path_in_folder]

    def environment_from_includer(self, including_document: Document, included_file: Include | None, include_depth: int) -> Environment:
        """The environment of a file that another includes: what that one has goes first; one that it only extends
        services of has no other."""
        includer_environment = self.environment_of(including_document, include_depth)
        if included_file is None:
            return includer_environment
        include_entry = included_file.entry if included_file.entry is not None else Map(Span(0, 0))
        named_env_file_paths = [
            resolved_path_or_hole(file.path, including_document.folder, includer_environment.values) for file in env_file_references(include_entry)
        ]
        include_project_folder = project_folder_of_include(included_file, including_document.folder, includer_environment.values)
        return environment_from_env_files(
            self.env_files_at(named_env_file_paths or [posixpath.join(include_project_folder, ".env")]), includer_environment
        )

    def env_files_at(self, env_file_paths: Iterable[str]) -> list[dotenv.Document]:
        """The environment files at some paths, without those that Docker cannot read."""
        env_documents_or_none = [self.files.get(posixpath.normpath(path)) for path in env_file_paths]
        found_env_documents = [one for one in env_documents_or_none if one is not None]
        for document in found_env_documents:
            document.read = True
        return [one for one in found_env_documents if one.parsed_env_file.problem is None]


def paths_in_compose_file_variable(environment: Environment) -> list[str]:
    """The compose files that COMPOSE_FILE names, in their order."""
    compose_file_value = environment.values_with_secrets.get("COMPOSE_FILE", "")
    return [one for one in compose_file_value.split(environment.values_with_secrets.get("COMPOSE_PATH_SEPARATOR", ":")) if one]


def _common_environment(environments: list[Environment]) -> Environment:
    """What several environments agree on."""
    first_environment, *other_environments = environments
    if not other_environments:
        return first_environment
    common_value_by_name = {
        name: setting
        for name, setting in first_environment.env_file_values.items()
        if all(name in way.env_file_values and way.env_file_values[name].value == setting.value for way in other_environments)
    }
    return environment_of(common_value_by_name)


def env_file_paths_looked_for(documents: Iterable[Document]) -> set[str]:
    """The paths at which compose files look for environment files."""
    env_file_paths: set[str] = set()
    for document in documents:
        if document.source.parent is not None:
            continue
        document_folder = document.folder
        env_file_paths.add(posixpath.normpath(posixpath.join(document_folder, ".env")))
        env_file_paths |= named_env_file_paths(document)
        for included_file in included_files_of(document):
            include_project_folder = project_folder_of_include(included_file, document_folder, NO_VARIABLES)
            env_file_paths.add(posixpath.normpath(posixpath.join(include_project_folder, ".env")))
    return env_file_paths


def named_env_file_paths(document: Document) -> set[str]:
    """The paths of the environment files that a compose file names; a hole for one that a variable hides."""
    include_entries = [one.entry for one in included_files_of(document) if one.entry is not None]
    service_nodes = [service.extended_node for service in document.services.values()]
    return {
        resolved_path_or_hole(one.path, document.folder, NO_VARIABLES)
        for env_file_owner in (*include_entries, *service_nodes)
        for one in env_file_references(env_file_owner)
    }


def _variables_from_env_files(
    document: Document,
    env_file_values_by_service: Mapping[str, dict[str, EnvFileValue]],
    reported_path_and_span_pairs: set[tuple[str, Span]],
) -> Iterator[Variable]:
    """The variables of services whose values stand in environment files; each place once in a project.

    One value may reach several variables: the one whose name tells of a secret speaks for it, and of several services
    the one that uses it.
    """
    from readiness.syntax.secrets import is_secret_name

    variable_by_place: dict[tuple[str, Span], Variable] = {}
    weight_by_place: dict[tuple[str, Span], tuple[bool, int]] = {}
    for service in document.services.values():
        for variable_name, env_file_value in _variables_with_env_value(service, env_file_values_by_service.get(service.name, {})):
            path_and_span = (env_file_value.source.path, env_file_value.span)
            if path_and_span in reported_path_and_span_pairs:
                continue
            variable_weight = is_secret_name(variable_name), _variable_use_weight(service, variable_name)
            if path_and_span not in variable_by_place or variable_weight > weight_by_place[path_and_span]:
                weight_by_place[path_and_span] = variable_weight
                variable_by_place[path_and_span] = Variable(service, env_file_value.setting_of(variable_name), "env_file", env_file_value)
    reported_path_and_span_pairs |= set(variable_by_place)
    yield from variable_by_place.values()


def _variable_use_weight(service: Service, variable_name: str) -> int:
    """How surely a service uses a variable that a whole file gives it: a store takes its own and no other; the more, the surer.

    What is for development or tests speaks for nobody else.
    """
    if service.set_aside:
        return 0
    image_facts = service.image_facts
    if image_facts is None or not image_facts.is_store:
        return 2
    is_written_in_environment = any(
        one.name == variable_name for one in variable_settings_under_key(service.source, service.extended_node, "environment")
    )
    return 3 if is_written_in_environment or variable_name in fact_row_by_name("store-accounts") else 1


def _variables_with_env_value(service: Service, env_file_values: Mapping[str, EnvFileValue]) -> Iterator[tuple[str, EnvFileValue]]:
    """(variable, setting that gives it) of a service."""
    document_environment = service.document.environment
    written_variable_names = set()
    for written_setting in variable_settings_under_key(service.source, service.extended_node, "environment"):
        written_variable_names.add(written_setting.name)
        is_without_value = written_setting.raw_value is None
        giving_variable_name = (
            written_setting.name
            if is_without_value
            else expand_scalar(written_setting.raw_value, document_environment.values_with_secrets).variable_giving_all
        )
        if giving_variable_name in document_environment.env_file_values:
            yield written_setting.name, document_environment.env_file_values[giving_variable_name]
    yield from (
        (giving_variable_name, written_setting)
        for giving_variable_name, written_setting in env_file_values.items()
        if giving_variable_name not in written_variable_names
    )
