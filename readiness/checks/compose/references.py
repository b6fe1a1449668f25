"""Names that lead nowhere, circles, settings that shut each other out."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from readiness.checks.compose.nearby import RESOURCE_KINDS, names_in_nearby_files_by_kind
from readiness.kinds.compose.application import (
    JoinedFiles,
    document_at_written_path,
    extended_node_and_is_complete,
    join_compose_files,
    merged_node_and_is_complete,
)
from readiness.kinds.compose.join import included_files_of
from readiness.kinds.compose.model import Document, Service
from readiness.kinds.compose.parts import expand_scalar, mount_specs, named_entries, string_entries
from readiness.kinds.compose.words import is_surely_compose, may_run_together
from readiness.model import CheckOutcome, Severity, Source, Span, Undecidable, hit
from readiness.model.project import Project
from readiness.syntax import yaml
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.yaml import Map, Seq

NamedReference = tuple[str, str, Span]  # what is named (service, network ...), its name, where


def reference_undefined(service: Service, project: Project) -> CheckOutcome:
    """A service, network, volume, secret, config or model that is defined nowhere in the app.

    High in a file that Docker reads by itself, where no compose file of the tree has the name; others may be given to Docker together.
    """
    joined_files = project.memoize(join_compose_files)
    application = joined_files.application_of(service.document)
    if id(service.document) in joined_files.extended_only_ids:
        yield Undecidable(service.name_span)
        return
    may_be_defined_in_unread_file = application.has_unread_files or _may_be_excerpt(service, project)
    defined_names_by_kind = project.memoize_for_subject(_defined_names_by_kind, application)
    for referenced_kind, referenced_name, reference_span in [
        *names_used_by_service(service.node, service.env_values),
        *_names_used_by_extended_service(service, project),
    ]:
        if UNKNOWN_VALUE_MARK in referenced_name or referenced_name in defined_names_by_kind[referenced_kind]:
            continue
        nearby_names_by_kind = names_in_nearby_files_by_kind(service.document, project)
        if may_be_defined_in_unread_file or referenced_name in nearby_names_by_kind.get(referenced_kind, ()):
            yield Undecidable(reference_span)
        else:
            is_defined_nowhere = service.document.first and referenced_name not in project.memoize(_names_defined_anywhere)
            yield hit(reference_span, severity=None if is_defined_nowhere else Severity.MEDIUM, what=referenced_kind, used=referenced_name)


def _names_defined_anywhere(project: Project) -> frozenset[str]:
    """The names that the compose files of a tree define, whatever they are: a script may join any of them."""
    return frozenset(
        name
        for document in project.documents_of_kind("compose")
        for names in (document.services, *(document.section_entries(f"{kind}s") for kind in RESOURCE_KINDS))
        for name in names
    )


def _defined_names_by_kind(application: JoinedFiles, project: Project) -> dict[str, Collection[str]]:
    """What an app defines, by what it is."""
    del project
    return {
        "service": application.services().keys(),
        "network": application.names_in_section("networks") | {"default"},
        "volume": application.names_in_section("volumes"),
        "secret": application.names_in_section("secrets"),
        "config": application.names_in_section("configs"),
        "model": application.names_in_section("models"),
    }


def _may_be_excerpt(service: Service, project: Project) -> bool:
    """Whether a file surely shows a part: a piece in prose, an overlay without its base, one whose override was not seen."""
    top_level_keys = {key for root in service.document.roots for key in root}
    definition_keys = top_level_keys - {"services", "version", "name"}
    return (
        service.source.fragment
        or (project.prose and not (service.owned and definition_keys))
        or _is_overlay_without_base(service.document, project)
        or _has_unseen_override(service.document, project)
    )


_SAMPLE_FILE_SUFFIXES = (".example", ".sample", ".dist", ".template")


def _has_unseen_override(document: Document, project: Project) -> bool:
    """Whether Compose lays a file on this one that is no part of the repository: made from a sample, or ignored by Git."""
    file_stem, _, file_extension = posixpath.basename(document.source.path).rpartition(".")
    if not document.first or document.override:
        return False
    for override_extension in (file_extension, "yaml" if file_extension == "yml" else "yml"):
        override_path = posixpath.normpath(posixpath.join(document.folder, f"{file_stem}.override.{override_extension}"))
        if override_path in project.paths:
            return False
        if project.ignored(override_path) or any(override_path + sample_suffix in project.paths for sample_suffix in _SAMPLE_FILE_SUFFIXES):
            return True
    return False


def names_used_by_service(node: Map, values: Mapping[str, str]) -> Iterator[NamedReference]:
    """Everything that a service names."""
    yield from references_to_services(node)
    yield from references_to_resources(node, values)


def _names_used_by_extended_service(service: Service, project: Project) -> Iterator[NamedReference]:
    """What a service names through the service of another file that it extends; shown where it does so."""
    if service.extends is None or "extends" not in service.node:
        return
    extended_node, _ = extended_node_and_is_complete(project.memoize(join_compose_files), service)
    own_names = {(kind, used_name) for kind, used_name, _ in names_used_by_service(service.node, service.env_values)}
    for kind, used_name, _ in names_used_by_service(extended_node, service.env_values):
        if (kind, used_name) not in own_names:
            yield kind, used_name, service.node.at("extends")


def dependency_profiled(service: Service, project: Project) -> CheckOutcome:
    """A service that needs another which only a profile starts, and is in no profile itself."""
    if service.extended_node.get("profiles"):
        return
    service_by_name = project.memoize(join_compose_files).application_of(service.document).services()
    for _, dependency_name, reference_span in references_to_services(service.node):
        dependency = service_by_name.get(dependency_name)
        dependency_profiles = dependency.extended_node.get("profiles") if dependency is not None else None
        if isinstance(dependency_profiles, Seq) and dependency_profiles and not _is_optional_dependency(service, dependency_name):
            if set(_active_profiles(service)) & {*dependency_profiles, "*"}:
                continue
            yield hit(reference_span, used=dependency_name, profile=str(dependency_profiles[0]))


def _active_profiles(service: Service) -> list[str]:
    """The profiles that the `.env` switches on."""
    return service.document.environment.values_with_secrets.get("COMPOSE_PROFILES", "").split(",")


def _is_optional_dependency(service: Service, dependency_name: str) -> bool:
    dependency_options = service.extended_node.mapping_at_path("depends_on").get(dependency_name)
    return isinstance(dependency_options, Map) and dependency_options.get("required") is False


def references_to_services(node: Map) -> Iterator[NamedReference]:
    """The services that a service names."""
    depends_on = node.get("depends_on")
    for referenced_name, reference_key in named_entries(depends_on):
        yield "service", expand_scalar(referenced_name).text, _entry_name_span(depends_on, reference_key)
    for reference_key in ("network_mode", "ipc", "pid"):
        reference_text = expand_scalar(node.get(reference_key)).text
        if reference_text.startswith("service:"):
            yield "service", reference_text[8:], node.at(reference_key)
    for reference_key in ("links", "volumes_from"):
        for reference_text, entry_index in string_entries(node.get(reference_key)):
            referenced_name = expand_scalar(reference_text).text.partition(":")[0]
            if not (reference_key == "volumes_from" and referenced_name == "container"):
                yield (
                    "service",
                    referenced_name,
                    node[reference_key].at(entry_index) if entry_index is not None else node.at(reference_key),
                )
    additional_contexts = node.mapping_at_path("build").get("additional_contexts")
    for referenced_name, context_value in additional_contexts.items() if isinstance(additional_contexts, Map) else ():
        reference_text = expand_scalar(context_value).text
        if reference_text.startswith("service:") and isinstance(additional_contexts, Map):
            yield "service", reference_text[8:], additional_contexts.at(referenced_name)


def _entry_name_span(entries_node: Any, entry_key: Any) -> Span:
    """The place of a name: a mapping's key, or a list's entry."""
    span: Span = entries_node.key_span(entry_key) if isinstance(entries_node, Map) else entries_node.at(entry_key)
    return span


def references_to_resources(node: Map, values: Mapping[str, str]) -> Iterator[NamedReference]:
    """The networks, volumes, secrets, configs and models that a service names."""
    for section_name, resource_kind in (("networks", "network"), ("models", "model")):
        used_entries = node.get(section_name)
        for resource_name, entry_key in named_entries(used_entries):
            yield resource_kind, expand_scalar(resource_name).text, _entry_name_span(used_entries, entry_key)
    for mount in mount_specs(node, values):
        if mount.type == "volume" and mount.source:
            yield "volume", mount.source, mount.span
    build_section = node.get("build")
    for parent_node, section_name, resource_kind in (
        (node, "secrets", "secret"),
        (node, "configs", "config"),
        (build_section, "secrets", "secret"),
    ):
        used_entries = parent_node.get(section_name) if isinstance(parent_node, Map) else None
        for entry_index, used_entry in enumerate(used_entries) if isinstance(used_entries, Seq) else ():
            source_name = used_entry.get("source") if isinstance(used_entry, Map) else used_entry
            if isinstance(source_name, str) and isinstance(used_entries, Seq):
                source_span = used_entry.at("source") if isinstance(used_entry, Map) else used_entries.at(entry_index)
                yield resource_kind, expand_scalar(source_name).text, source_span


def dependency_cycle(document: Document, project: Project) -> CheckOutcome:
    """Services that wait for each other in a circle."""
    service_by_name = project.memoize(join_compose_files).application_of(document).services()
    references_by_service = {
        service_name: [(used, closing_reference_span) for _, used, closing_reference_span in references_to_services(service.node)]
        for service_name, service in service_by_name.items()
    }
    for service_name, closing_reference_span, cycle_names in _dependency_cycles(document.services, references_by_service):
        if service_by_name[service_name].document is document:
            yield hit(closing_reference_span, circle=" → ".join(cycle_names), resource=f"service/{service_name}")


def _dependency_cycles(
    start_names: Iterable[str], references_by_service: Mapping[str, Sequence[tuple[str, Span]]]
) -> Iterator[tuple[str, Span, list[str]]]:
    """The edges that close a circle: whose they are, where they stand, and the names along the circle."""
    visited_names: set[str] = set()
    for start_name in start_names:
        remaining_references_by_name = {} if start_name in visited_names else {start_name: iter(references_by_service.get(start_name, ()))}
        while remaining_references_by_name:
            current_name = next(reversed(remaining_references_by_name))
            visited_names.add(current_name)
            referenced_name, reference_span = next(remaining_references_by_name[current_name], ("", None))
            if reference_span is None:
                del remaining_references_by_name[current_name]
            elif referenced_name in remaining_references_by_name:
                names_on_path = list(remaining_references_by_name)
                yield current_name, reference_span, [*names_on_path[names_on_path.index(referenced_name) :], referenced_name]
            elif referenced_name in references_by_service and referenced_name not in visited_names:
                remaining_references_by_name[referenced_name] = iter(references_by_service[referenced_name])


def extends_invalid(service: Service, project: Project) -> CheckOutcome:
    """A service that extends what is not there, or itself."""
    extends_setting = service.node.get("extends")
    extended_name = _extended_service_name(extends_setting)
    if not isinstance(extended_name, str) or UNKNOWN_VALUE_MARK in expand_scalar(extended_name).text:
        return
    name_span = extends_setting.at("service") if isinstance(extends_setting, Map) else service.node.at("extends")
    extended_file = extends_setting.get("file") if isinstance(extends_setting, Map) else None
    if isinstance(extended_file, str) and isinstance(extends_setting, Map):
        extended_document = document_at_written_path(project.memoize(join_compose_files), service.document, extended_file)
        if extended_document is None:
            yield from _missing_file_outcomes(service.document, project, extended_file, extends_setting.at("file"))
        elif extended_name not in extended_document.services:
            yield hit(name_span, say="other-file", file=extended_file, service=extended_name)
    elif extended_name not in service.document.services:
        yield hit(name_span, say="service", service=extended_name)
    elif cycle_names := project.memoize_for_subject(_extension_cycle_by_name, service.document).get(service.name):
        yield hit(name_span, say="circle", circle=" → ".join(cycle_names))


def _extended_service_name(extends_setting: Any) -> Any:
    """The service that an `extends` names."""
    return extends_setting.get("service") if isinstance(extends_setting, Map) else extends_setting


def _extension_cycle_by_name(document: Document, project: Project) -> dict[str, list[str]]:
    """The services of one file by which a service extends itself, from itself to itself, by the names of those that do."""
    del project
    cycle_by_name: dict[str, list[str]] = {}
    seen_names: set[str] = set()
    for first_name in document.services:
        index_by_name: dict[str, int] = {}
        name: Any = first_name
        while isinstance(name, str) and name in document.services and name not in seen_names:
            seen_names.add(name)
            index_by_name[name] = len(index_by_name)
            extends_setting = document.services[name].node.get("extends")
            name = None if isinstance(extends_setting, Map) and "file" in extends_setting else _extended_service_name(extends_setting)
        if isinstance(name, str) and name in index_by_name:
            cycle = list(index_by_name)[index_by_name[name] :]
            skipped_names = [] if len(cycle) <= _MAX_SERVICES_OF_SHOWN_CYCLE else ["…"]
            for at, one in enumerate(cycle):
                following_names = [*cycle[at : at + _MAX_SERVICES_OF_SHOWN_CYCLE], *cycle[: min(at, _MAX_SERVICES_OF_SHOWN_CYCLE)]]
                cycle_by_name[one] = [*following_names[:_MAX_SERVICES_OF_SHOWN_CYCLE], *skipped_names, one]
    return cycle_by_name


_MAX_SERVICES_OF_SHOWN_CYCLE = 20  # as many of a circle as one message names


def include_invalid(document: Document, project: Project) -> CheckOutcome:
    """A file that is included and is not there, or includes the one that includes it."""
    joined_files = project.memoize(join_compose_files)
    for include in included_files_of(document):
        included_path, include_span = include.path, include.owner.at(include.key)
        included_document = document_at_written_path(joined_files, document, included_path)
        if included_document is None:
            yield from _missing_file_outcomes(document, project, included_path, include_span)
            continue
        visited_document_ids, pending_documents = {id(included_document)}, [included_document]
        while pending_documents:
            current_document = pending_documents.pop()
            if current_document is document:
                yield hit(include_span, say="circle", file=included_path)
                break
            nested_documents = [document_at_written_path(joined_files, current_document, other.path) for other in included_files_of(current_document)]
            for nested_document in nested_documents:
                if nested_document is not None and id(nested_document) not in visited_document_ids:
                    visited_document_ids.add(id(nested_document))
                    pending_documents.append(nested_document)


def _missing_file_outcomes(document: Document, project: Project, referenced_path: str, reference_span: Span) -> CheckOutcome:
    """A file that is surely not there, or one that nobody can tell of."""
    expanded_path = expand_scalar(referenced_path, document.environment.values).text
    if UNKNOWN_VALUE_MARK in expanded_path or "://" in expanded_path or expanded_path.startswith(("/", "~", "git@", "oci:")) or project.prose:
        yield Undecidable(reference_span)
        return
    compose_folder = posixpath.dirname(document.source.path)
    target_path = posixpath.normpath(posixpath.join(compose_folder, expanded_path))
    if project.was_path_seen(target_path) or target_path.startswith("..") or not project.is_walked(compose_folder):
        yield Undecidable(reference_span)
    else:
        yield hit(reference_span, say="file", file=expanded_path)


def image_missing(service: Service, project: Project) -> CheckOutcome:
    """A service that neither names an image nor builds one, in its own file or another."""
    joined_files = project.memoize(join_compose_files)
    application = joined_files.application_of(service.document)
    if id(service.document) in joined_files.extended_only_ids or _has_unfilled_placeholder(service, project):
        return
    merged_node, is_merged_completely = merged_node_and_is_complete(service, project)
    if any(merged_node.get(key) not in (None, "") or (key == "build" and key in merged_node) for key in ("image", "build", "provider")):
        return
    if (
        not is_merged_completely
        or application.has_unread_files
        or service.document.override
        or project.prose
        or _may_overlay_unread_file(service.document)
    ):
        yield Undecidable(service.name_span)
    elif not any(service.name in one.services for one in application.bases):
        yield hit(service.name_span, severity=None if is_surely_compose(service.document) else Severity.MEDIUM)


def _has_unfilled_placeholder(service: Service, project: Project) -> bool:
    """Whether another program is to put something into the service: `{{ name }}` where a value stands."""
    return project.memoize_for_subject(_may_have_placeholder, service.source) and any(
        True for _ in yaml.unfilled_placeholder_offsets(service.source.text, [service.node])
    )


def _may_have_placeholder(source: Source, project: Project) -> bool:
    """Whether a file has two braces where a value may begin."""
    del project
    return yaml.may_have_unfilled_placeholder(source.text)


def _is_overlay_without_base(document: Document, project: Project) -> bool:
    """Whether a file is an overlay, and no other file of its folder was read: a .gitignore may leave the base out."""
    compose_file_count = project.memoize(_compose_file_count_by_folder).get(document.folder, 0)
    return compose_file_count == 1 and not document.first and _may_overlay_unread_file(document)


def _compose_file_count_by_folder(project: Project) -> Counter[str]:
    """How many compose files each folder has."""
    return Counter(document.folder for document in project.documents_of_kind("compose"))


def _may_overlay_unread_file(document: Document) -> bool:
    """Whether the file is an overlay whose base is not here: by its name, or because no service of it says what runs."""
    file_name = posixpath.basename(document.source.path).lower()
    file_name_parts = file_name.removeprefix("docker-").split(".")
    is_named_as_overlay = len(file_name_parts) > 2 and file_name_parts[0] == "compose"
    has_no_owned_service = not any(one.owned for one in document.services.values())
    return is_named_as_overlay or (has_no_owned_service and document.purpose != "unknown")


def container_name_repeated(document: Document, project: Project) -> CheckOutcome:
    """A container_name that two services have."""
    application: JoinedFiles = project.memoize(join_compose_files).application_of(document)
    first_service_by_container_name: dict[str, Service] = {}
    for service in application.services().values():
        container_name = service.extended_node.get("container_name")
        expanded_name = expand_scalar(container_name).text if isinstance(container_name, str) else ""
        if not expanded_name:
            continue
        # One text with one variable in it is one name, whatever the variable holds.
        first_service = first_service_by_container_name.setdefault(
            str(container_name) if UNKNOWN_VALUE_MARK in expanded_name else expanded_name, service
        )
        is_set_in_document = service.document is document and "container_name" in service.node
        if first_service is not service and is_set_in_document and may_run_together(first_service, service):
            container_name_span = service.node.at("container_name")
            yield hit(container_name_span, value=str(container_name), other=first_service.name, resource=service.resource)
