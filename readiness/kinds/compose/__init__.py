"""Compose files: services with what they extend, their ports, mounts and variables."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from readiness.kinds import dotenv
from readiness.kinds.compose import evidence, join
from readiness.kinds.compose.merge import extend_service
from readiness.kinds.compose.model import Document, Mount, Port, Service, Variable
from readiness.kinds.compose.parts import mount_specs, named_entries, port_specs, variable_settings_under_key
from readiness.kinds.compose.schema import flatten_all_of, load_compose_schema
from readiness.kinds.purpose import compose_purpose
from readiness.model import OverLimitError, ParseError, Source, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax import outline, yaml
from readiness.syntax.expansion import count_expanded_values
from readiness.syntax.yaml import MAX_ALIASED_VALUES_PER_FILE, Map, Seq, load_yaml_documents

KIND_NAME = "compose"
EXAMPLE_PATH = "compose.yaml"
FILE_PATTERN = r"[^/]+\.(ya?ml|json)"

_COMPOSE_FILENAME_PATTERN = lazy_regex(r"(?:^|/)(?:docker-)?compose(?:[._-][^/]*)?\.ya?ml\Z", re.IGNORECASE)
_SERVICES_KEY_LINE_PATTERN = lazy_regex(r"""^["']?services["']?[ \t]*:""", re.MULTILINE)
_FIRST_SERVICE_INDENT_PATTERN = lazy_regex(r"""^["']?services["']?[ \t]*:[^\n]*\n(?:[ \t]*(?:#[^\n]*)?\n)*([ \t]*)""", re.MULTILINE)
_SERVICE_FIELD_LINE_PATTERN = lazy_regex(
    r"""^([ \t]+)["']?(?:image|build|container_name|depends_on|extends|environment|env_file|ports|volumes|command|entrypoint|deploy|
    networks|restart|healthcheck|profiles|logging|privileged|network_mode)["']?[ \t]*:""",
    re.MULTILINE | re.VERBOSE,
)
_SERVICES_AS_LIST_PATTERN = lazy_regex(
    r"^services[ \t]*:[ \t]*(?:#[^\n]*|\r)?\n(?:[ \t]*(?:#[^\n]*|\r)?\n){0,9}[ \t]*-[ \t]",
    re.MULTILINE,
)
_FLOW_STYLE_SERVICE_FIELD_PATTERN = lazy_regex(r"[{,]\s*[\"']?(?:image|build|extends)[\"']?\s*:")
# Top-level keys of files that have `services:` too and are no compose files: CI systems, Kubernetes, Symfony, Render.
_OTHER_TOOL_TOP_KEY_PATTERN = lazy_regex(
    r"""^["']?(?:apiVersion|jobs|stages|steps|pipeline|when|on|kind|before_script|parameters|imports|AWSTemplateFormatVersion|databases
    |default|language|projectId)["']?[ \t]*:""",
    re.MULTILINE | re.VERBOSE,
)
_ELLIPSIS_TEXTS = ("...", "…", "[...]")
_COMPOSE_SUFFIXES = (".yaml", ".yml", ".json")
_COMPOSE_TOP_LEVEL_KEYS = frozenset("version name include services models networks volumes secrets configs jobs".split())


def recognizes_file(path: str, text: str) -> bool:
    """YAML with `services:` that hold what services have; by its name a file that says nothing else either."""
    is_named_as_compose = bool(_COMPOSE_FILENAME_PATTERN.search(path))
    if not is_named_as_compose and not path.endswith(_COMPOSE_SUFFIXES):
        return False
    if _SERVICES_KEY_LINE_PATTERN.search(text):
        if is_named_as_compose and ("apiVersion" not in text or _has_services_but_no_api_version(text)):
            return True
        if _OTHER_TOOL_TOP_KEY_PATTERN.search(text) or _SERVICES_AS_LIST_PATTERN.search(text):
            return False
        has_service_fields = _has_field_below_service_name(text) or _FLOW_STYLE_SERVICE_FIELD_PATTERN.search(text) is not None
        return has_service_fields and (is_named_as_compose or _has_only_compose_services(text))
    if "services" in text and "services" in (top_level_keys := outline.top_level_keys(text)):
        has_only_compose_keys = all(key in _COMPOSE_TOP_LEVEL_KEYS or key.startswith("x-") for key in top_level_keys)
        return is_named_as_compose or (has_only_compose_keys and _FLOW_STYLE_SERVICE_FIELD_PATTERN.search(text) is not None)
    return is_named_as_compose and not _OTHER_TOOL_TOP_KEY_PATTERN.search(text)


def _has_services_but_no_api_version(text: str) -> bool:
    """Whether a text that speaks of `apiVersion` somewhere has `services` at its top, and no `apiVersion` there."""
    try:
        mapping_roots = [root for root in load_yaml_documents(text) if isinstance(root, Map)]
    except ParseError:
        return False
    return any("services" in root for root in mapping_roots) and all("apiVersion" not in r for r in mapping_roots)


_CONTAINER_MAKING_SERVICE_KEYS = frozenset(("image", "build", "extends", "provider"))


def _has_only_compose_services(text: str) -> bool:
    """Whether the services of a text are those of a compose file, as far as it can be read.

    Layers of Pebble and settings of other supervisors have `command` and `environment` below `service_nodes` too. What has
    nothing that makes a container may only hold words of compose files (as an override does), and no service may hold none.
    https://documentation.ubuntu.com/pebble/reference/layer-specification/
    """
    try:
        mapping_roots = [root for root in load_yaml_documents(text) if isinstance(root, Map)]
    except ParseError:
        return True
    service_nodes = [each for root in mapping_roots if isinstance(services_node := root.get("services"), Map) for each in services_node.values()]
    service_key_sets = [frozenset(one) for one in service_nodes if isinstance(one, Map) and one]
    known_service_keys = frozenset(flatten_all_of(load_compose_schema()["$defs"]["service"])["properties"])
    if any(all(key not in known_service_keys and not key.startswith("x-") for key in keys) for keys in service_key_sets):
        return False
    if any(keys & _CONTAINER_MAKING_SERVICE_KEYS for keys in service_key_sets):
        return True
    unknown_keys = {key for keys in service_key_sets for key in keys - known_service_keys} | {
        key for one in mapping_roots for key in set(one) - _COMPOSE_TOP_LEVEL_KEYS
    }
    return all(key.startswith("x-") for key in unknown_keys)


def _has_field_below_service_name(text: str) -> bool:
    """Whether a key of services stands below a name: deeper than the first of the names."""
    first_service_match = _FIRST_SERVICE_INDENT_PATTERN.search(text)
    first_service_indent = len(first_service_match[1]) if first_service_match else 0
    return any(len(match[1]) > first_service_indent for match in _SERVICE_FIELD_LINE_PATTERN.finditer(text))


def parse(source: Source) -> Document:
    """The services of a compose file. Raises ParseError where the YAML is broken or no mapping."""
    yaml_documents = load_yaml_documents(source.text)
    mapping_roots = tuple(root for root in yaml_documents if isinstance(root, Map))
    if not any(mapping_roots) or len(mapping_roots) != sum(root is not None for root in yaml_documents):
        error_reason = "a compose file is a mapping with `node_by_service_name`" if any(yaml_documents) else "the file is empty"
        raise ParseError(error_reason, 0)
    if "*" in source.text or len(source.text) > MAX_EXPANDED_VALUES:  # without an alias there are fewer values than characters
        for root in mapping_roots:
            check_alias_expansion(root)
    reset_key_paths = [path for root in mapping_roots for path in _remove_reset_keys(source, root)] if "!reset" in source.text else []
    if source.parent is not None and _has_ellipsis_line(source.text):
        source.fragment = True
    is_legacy_format = not any(set(root) & _COMPOSE_TOP_LEVEL_KEYS or any(key.startswith("x-") for key in root) for root in mapping_roots)
    document = Document(source, mapping_roots, compose_purpose(source.path), is_legacy_format, reset_paths=tuple(reset_key_paths))
    extended_value_count = 0
    for root_of_services, node_by_service_name in service_mappings(document):
        for service_name, service_node in node_by_service_name.items():
            if isinstance(service_node, Map):
                extended_service_node, extended_file_and_service = extend_service(node_by_service_name, service_node, {service_name})
                extended_value_count += _added_value_count(service_node, extended_service_node)
                if extended_value_count > MAX_ALIASED_VALUES_PER_FILE:
                    message = f"its services take in more than {MAX_ALIASED_VALUES_PER_FILE:,} values by `extends`"
                    raise OverLimitError(message, node_by_service_name.key_span(service_name).start)
                document.services[service_name] = Service(
                    source,
                    service_node,
                    service_name,
                    node_by_service_name.key_span(service_name),
                    document,
                    extended_service_node,
                    extended_file_and_service,
                )
        del root_of_services
    count_expanded_values(extended_value_count, 0)
    document.awaited_until_completed = frozenset(_names_awaited_until_completed(document))
    if source.parent is not None and _lacks_section_of_used_names(document):
        source.fragment = True
    return document


def service_mappings(document: Document) -> Iterator[tuple[Map, Map]]:
    """(root, mapping of services) of every YAML document of the file."""
    for root in document.roots:
        node_by_service_name = root if document.legacy else root.get("services")
        if isinstance(node_by_service_name, Map):
            yield root, node_by_service_name


def first_unfilled_placeholder(document: Document) -> int | None:
    """The first `{{ name }}` that stands where a value does; None where there is none."""
    return yaml.first_unfilled_placeholder(document.source.text, document.roots)


def _remove_reset_keys(source: Source, root: Map) -> Iterator[tuple[str, ...]]:
    """Take out what `!reset` stands at, and tell the paths: here the key is as good as not written, and it takes away what
    the file is laid over."""
    pending_nodes_with_paths: list[tuple[Any, tuple[str, ...]]] = [(root, ())]
    visited_node_ids: set[int] = set()
    while pending_nodes_with_paths:
        current_node, key_path = pending_nodes_with_paths.pop()
        if id(current_node) in visited_node_ids or not isinstance(current_node, Map):
            continue
        visited_node_ids.add(id(current_node))
        for key, value in list(current_node.items()):
            if source.text.startswith("!reset", current_node.at(key).start):
                del current_node[key]
                yield (*key_path, key)
            else:
                pending_nodes_with_paths.append((value, (*key_path, key)))


def _has_ellipsis_line(text: str) -> bool:
    """Whether a piece in prose says with dots that something was left out."""
    for line in text.splitlines():
        stripped_line = line.strip()
        is_comment = stripped_line.startswith("#")
        if stripped_line.lstrip("#- \t").startswith(_ELLIPSIS_TEXTS) or (is_comment and stripped_line.endswith(_ELLIPSIS_TEXTS)):
            return True
    return False


def _lacks_section_of_used_names(document: Document) -> bool:
    """Whether a piece in prose uses volumes or networks and leaves out the section that defines them."""
    for service in document.services.values():
        uses_named_volume = any(one.type == "volume" and one.source for one in mount_specs(service.node))
        if uses_named_volume and not any("volumes" in root for root in document.roots):
            return True
        used_network_names = {name for name, _ in named_entries(service.node.get("networks"))} - {"default"}
        if used_network_names and not any("networks" in root for root in document.roots):
            return True
    return False


def _names_awaited_until_completed(document: Document) -> Iterator[str]:
    """The services that another waits for until they have ended."""
    for service in document.services.values():
        dependencies = service.extended_node.get("depends_on")
        if isinstance(dependencies, Map):
            for dependency_name, dependency_options in dependencies.items():
                if isinstance(dependency_options, Map) and dependency_options.get("condition") == "service_completed_successfully":
                    yield dependency_name


def _added_value_count(service_node: Map, extended_service_node: Map) -> int:
    """How many values a service takes in from those that it extends; nothing where it extends none in its file."""
    if extended_service_node is service_node:
        return 0
    return max(_shallow_value_count(extended_service_node) - _shallow_value_count(service_node), 0)


def _shallow_value_count(service_node: Map) -> int:
    return sum(1 + len(value) if isinstance(value, Map | Seq) else 1 for value in service_node.values())


MAX_EXPANDED_VALUES = 1_000_000  # of a file, with what aliases stand for


def check_alias_expansion(root_mapping: Map) -> None:
    """Raise ParseError where an alias contains itself, or aliases multiply beyond what Docker reads."""
    expanded_size_by_node_id: dict[int, int] = {}
    open_node_ids: set[int] = set()
    pending_nodes: list[tuple[Map | Seq, bool]] = [(root_mapping, False)]
    while pending_nodes:
        current_collection, are_children_done = pending_nodes.pop()
        child_collections = [
            child_collection
            for child_collection in (current_collection.values() if isinstance(current_collection, Map) else current_collection)
            if isinstance(child_collection, Map | Seq)
        ]
        if are_children_done:
            open_node_ids.discard(id(current_collection))
            expanded_size_by_node_id[id(current_collection)] = (
                1
                + len(current_collection) * (2 if isinstance(current_collection, Map) else 1)
                + sum(expanded_size_by_node_id[id(child_collection)] for child_collection in child_collections)
            )
            continue
        if id(current_collection) in expanded_size_by_node_id:
            continue
        open_node_ids.add(id(current_collection))
        pending_nodes.append((current_collection, True))
        for child_collection in child_collections:
            if id(child_collection) in open_node_ids:
                raise ParseError("an alias contains itself", child_collection.at().start)
            pending_nodes.append((child_collection, False))
    expanded_size, written_collection_count = expanded_size_by_node_id[id(root_mapping)], len(expanded_size_by_node_id)
    if expanded_size > MAX_EXPANDED_VALUES and expanded_size > 50 * written_collection_count:
        raise ParseError(f"aliases expand {written_collection_count} collections to {expanded_size} values", 0)


def whole_file(document: Document) -> Iterator[Document]:
    """Target `compose.file`: the document itself."""
    yield document


def services(document: Document) -> Iterator[Service]:
    """Every service of a file."""
    return iter(document.services.values())


def link_documents(documents_by_kind: Mapping[str, list[Any]], known_paths: Collection[str]) -> None:
    """Fill in what environment files say, and decide what the files are for."""
    del known_paths
    env_document_by_path: dict[str, dotenv.Document] = {
        posixpath.normpath(one.source.path): one for one in documents_by_kind.get(dotenv.KIND_NAME, [])
    }
    join.resolve_environments(documents_by_kind[KIND_NAME], env_document_by_path)
    evidence.collect_non_production_signs(documents_by_kind[KIND_NAME])
    join.assign_env_file_variables(documents_by_kind[KIND_NAME], env_document_by_path)
    evidence.assign_env_file_purposes(documents_by_kind[KIND_NAME], env_document_by_path)


def ports(document: Document) -> Iterator[Port]:
    """Every port of a file; one that two services share by an alias once."""
    return _unique_service_parts(document, port_specs, Port)


def mounts(document: Document) -> Iterator[Mount]:
    """Every mount of a file; one that two services share by an alias once."""
    return _unique_service_parts(document, mount_specs, Mount)


def _unique_service_parts(document: Document, find_part_specs: Callable[..., Iterator[Any]], make_service_part: Callable[..., Any]) -> Iterator[Any]:
    """The parts of all services, each place once."""
    seen_spans: set[Span] = set()
    for service in document.services.values():
        for part_spec in find_part_specs(service.node, service.env_values):
            if part_spec.span not in seen_spans:
                seen_spans.add(part_spec.span)
                yield make_service_part(service, part_spec)


def variables(document: Document) -> Iterator[Variable]:
    """Every variable of a file; one that two services share by an alias once. Those of environment files come last."""
    seen_name_spans: set[Span] = set()
    for service in document.services.values():
        build_section = service.node.get("build")
        for section_owner, section_key in ((service.node, "environment"), (build_section, "args")):
            for variable_setting in variable_settings_under_key(service.source, section_owner, section_key):
                if variable_setting.name_span not in seen_name_spans:
                    seen_name_spans.add(variable_setting.name_span)
                    yield Variable(service, variable_setting, section_key)
    yield from document.env_file_variables


TARGETS: dict[str, Callable[[Document], Any]] = {
    "compose.file": whole_file,
    "compose.service": services,
    "compose.port": ports,
    "compose.mount": mounts,
    "compose.variable": variables,
}
