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
from readiness.kinds.compose.parts import mount_specs, named_entries, port_specs, variable_settings
from readiness.kinds.compose.schema import flatten_all_of, schema_data
from readiness.kinds.purpose import compose_purpose
from readiness.model import ParseError, Source, Span
from readiness.syntax import outline, yaml
from readiness.syntax.yaml import Map, Seq, load_yaml_documents

KIND_NAME = "compose"
EXAMPLE_PATH = "compose.yaml"

_COMPOSE_FILENAME = re.compile(r"(?:^|/)(?:docker-)?compose(?:[._-][^/]*)?\.ya?ml\Z", re.IGNORECASE)
_SERVICES_KEY_LINE = re.compile(r"""^["']?services["']?[ \t]*:""", re.MULTILINE)
_FIRST_KEY_INDENT = re.compile(r"""^["']?services["']?[ \t]*:[^\n]*\n(?:[ \t]*(?:#[^\n]*)?\n)*([ \t]*)""", re.MULTILINE)
_SERVICE_FIELD_LINE = re.compile(
    r"""^([ \t]+)["']?(?:image|build|container_name|depends_on|extends|environment|env_file|ports|volumes|command|entrypoint|deploy|
    networks|restart|healthcheck|profiles|logging|privileged|network_mode)["']?[ \t]*:""",
    re.MULTILINE | re.VERBOSE,
)
_SERVICES_AS_LIST = re.compile(
    r"^services[ \t]*:[ \t]*(?:#[^\n]*|\r)?\n(?:[ \t]*(?:#[^\n]*|\r)?\n){0,9}[ \t]*-[ \t]",
    re.MULTILINE,
)
_FLOW_STYLE_FIELD = re.compile(r"[{,]\s*[\"']?(?:image|build|extends)[\"']?\s*:")
# Top-level keys of files that have `services:` too and are no compose files: CI systems, Kubernetes, Symfony, Render.
_KEYS_OF_OTHER_TOOLS = re.compile(
    r"""^["']?(?:apiVersion|jobs|stages|steps|pipeline|when|on|kind|before_script|parameters|imports|AWSTemplateFormatVersion|databases
    |default|language|projectId)["']?[ \t]*:""",
    re.MULTILINE | re.VERBOSE,
)
_ELLIPSES = ("...", "…", "[...]")
_COMPOSE_SUFFIXES = (".yaml", ".yml", ".json")
_TOP_LEVEL_KEYS = frozenset("version name include services models networks volumes secrets configs jobs".split())


def recognizes_file(path: str, text: str) -> bool:
    """YAML with `services:` that hold what services have; by its name a file that says nothing else either."""
    named = bool(_COMPOSE_FILENAME.search(path))
    if not named and not path.endswith(_COMPOSE_SUFFIXES):
        return False
    if _SERVICES_KEY_LINE.search(text):
        if named and ("apiVersion" not in text or _is_compose_despite_api_version(text)):
            return True
        if _KEYS_OF_OTHER_TOOLS.search(text) or _SERVICES_AS_LIST.search(text):
            return False
        written = _has_services_key(text) or _FLOW_STYLE_FIELD.search(text) is not None
        return written and (named or _has_only_compose_services(text))
    if "services" in text and "services" in (keys := outline.top_level_keys(text)):
        fits = all(key in _TOP_LEVEL_KEYS or key.startswith("x-") for key in keys)
        return named or (fits and _FLOW_STYLE_FIELD.search(text) is not None)
    return named and not _KEYS_OF_OTHER_TOOLS.search(text)


def _is_compose_despite_api_version(text: str) -> bool:
    """Whether a text that speaks of `apiVersion` somewhere has `services` at its top, and no `apiVersion` there."""
    try:
        roots = [root for root in load_yaml_documents(text) if isinstance(root, Map)]
    except ParseError:
        return False
    return any("services" in root for root in roots) and all("apiVersion" not in r for r in roots)


_MAKES_CONTAINERS = frozenset(("image", "build", "extends", "provider"))


def _has_only_compose_services(text: str) -> bool:
    """Whether the services of a text are those of a compose file, as far as it can be read.

    Layers of Pebble and settings of other supervisors have `command` and `environment` below `services` too. What has
    nothing that makes a container may only hold words of compose files (as an override does), and no service may hold none.
    https://documentation.ubuntu.com/pebble/reference/layer-specification/
    """
    try:
        roots = [root for root in load_yaml_documents(text) if isinstance(root, Map)]
    except ParseError:
        return True
    services = [each for root in roots if isinstance(found := root.get("services"), Map) for each in found.values()]
    key_sets = [frozenset(one) for one in services if isinstance(one, Map) and one]
    known = frozenset(flatten_all_of(schema_data()["$defs"]["service"])["properties"])
    if any(all(key not in known and not key.startswith("x-") for key in keys) for keys in key_sets):
        return False
    if any(keys & _MAKES_CONTAINERS for keys in key_sets):
        return True
    words = {key for keys in key_sets for key in keys - known} | {key for one in roots for key in set(one) - _TOP_LEVEL_KEYS}
    return all(key.startswith("x-") for key in words)


def _has_services_key(text: str) -> bool:
    """Whether a key of services stands below a name: deeper than the first of the names."""
    first = _FIRST_KEY_INDENT.search(text)
    depth = len(first[1]) if first else 0
    return any(len(match[1]) > depth for match in _SERVICE_FIELD_LINE.finditer(text))


def parse(source: Source) -> Document:
    """The services of a compose file. Raises ParseError where the YAML is broken or no mapping."""
    loaded = load_yaml_documents(source.text)
    roots = tuple(root for root in loaded if isinstance(root, Map))
    if not any(roots) or len(roots) != sum(root is not None for root in loaded):
        reason = "a compose file is a mapping with `services`" if any(loaded) else "the file is empty"
        raise ParseError(reason, 0)
    for root in roots:
        check_alias_bounds(root)
    resets = [path for root in roots for path in _apply_reset_tags(source, root)] if "!reset" in source.text else []
    if source.parent is not None and _has_ellipsis(source.text):
        source.fragment = True
    legacy = not any(set(root) & _TOP_LEVEL_KEYS or any(key.startswith("x-") for key in root) for root in roots)
    document = Document(source, roots, compose_purpose(source.path), legacy, reset_paths=tuple(resets))
    for holder, services in service_mappings(document):
        for name, node in services.items():
            if isinstance(node, Map):
                full, elsewhere = extend_service(services, node, {name})
                document.services[name] = Service(source, node, name, services.key_span(name), document, full, elsewhere)
        del holder
    document.awaited_until_completed = frozenset(_services_awaited_until_completed(document))
    if source.parent is not None and _is_excerpt(document):
        source.fragment = True
    return document


def service_mappings(document: Document) -> Iterator[tuple[Map, Map]]:
    """(root, mapping of services) of every YAML document of the file."""
    for root in document.roots:
        services = root if document.legacy else root.get("services")
        if isinstance(services, Map):
            yield root, services


def first_unfilled_placeholder(document: Document) -> int | None:
    """The first `{{ name }}` that stands where a value does; None where there is none."""
    return yaml.first_unfilled_placeholder(document.source.text, document.roots)


def _apply_reset_tags(source: Source, root: Map) -> Iterator[tuple[str, ...]]:
    """Take out what `!reset` stands at, and tell the paths: here the key is as good as not written, and it takes away what
    the file is laid over."""
    stack: list[tuple[Any, tuple[str, ...]]] = [(root, ())]
    seen: set[int] = set()
    while stack:
        node, path = stack.pop()
        if id(node) in seen or not isinstance(node, Map):
            continue
        seen.add(id(node))
        for key, value in list(node.items()):
            if source.text.startswith("!reset", node.at(key).start):
                del node[key]
                yield (*path, key)
            else:
                stack.append((value, (*path, key)))


def _has_ellipsis(text: str) -> bool:
    """Whether a piece in prose says with dots that something was left out."""
    for line in text.splitlines():
        bare = line.strip()
        comment = bare.startswith("#")
        if bare.lstrip("#- \t").startswith(_ELLIPSES) or (comment and bare.endswith(_ELLIPSES)):
            return True
    return False


def _is_excerpt(document: Document) -> bool:
    """Whether a piece in prose uses volumes or networks and leaves out the section that defines them."""
    for service in document.services.values():
        named = any(one.type == "volume" and one.source for one in mount_specs(service.node))
        if named and not any("volumes" in root for root in document.roots):
            return True
        networks = {name for name, _ in named_entries(service.node.get("networks"))} - {"default"}
        if networks and not any("networks" in root for root in document.roots):
            return True
    return False


def _services_awaited_until_completed(document: Document) -> Iterator[str]:
    """The services that another waits for until they have ended."""
    for service in document.services.values():
        depends = service.extended_node.get("depends_on")
        if isinstance(depends, Map):
            for name, how in depends.items():
                if isinstance(how, Map) and how.get("condition") == "service_completed_successfully":
                    yield name


def check_alias_bounds(root: Map) -> None:
    """Raise ParseError where an alias contains itself, or aliases multiply beyond what Docker reads."""
    sizes: dict[int, int] = {}
    open_now: set[int] = set()
    stack: list[tuple[Map | Seq, bool]] = [(root, False)]
    while stack:
        node, done = stack.pop()
        inner = [item for item in (node.values() if isinstance(node, Map) else node) if isinstance(item, Map | Seq)]
        if done:
            open_now.discard(id(node))
            sizes[id(node)] = 1 + len(node) * (2 if isinstance(node, Map) else 1) + sum(sizes[id(item)] for item in inner)
            continue
        if id(node) in sizes:
            continue
        open_now.add(id(node))
        stack.append((node, True))
        for item in inner:
            if id(item) in open_now:
                raise ParseError("an alias contains itself", item.at().start)
            stack.append((item, False))
    total, written = sizes[id(root)], len(sizes)
    if total > 1_000_000 and total > 50 * written:
        raise ParseError(f"aliases expand {written} collections to {total} values", 0)


def whole_file(document: Document) -> Iterator[Document]:
    """Target `compose.file`: the document itself."""
    yield document


def services(document: Document) -> Iterator[Service]:
    """Every service of a file."""
    return iter(document.services.values())


def link_documents(documents_by_kind: Mapping[str, list[Any]], known_paths: Collection[str]) -> None:
    """Fill in what environment files say, and decide what the files are for."""
    del known_paths
    files: dict[str, dotenv.Document] = {
        posixpath.normpath(one.source.path): one for one in documents_by_kind.get(dotenv.KIND_NAME, [])
    }
    join.resolve_environments(documents_by_kind[KIND_NAME], files)
    evidence.collect_non_production_signs(documents_by_kind[KIND_NAME])
    join.assign_env_file_variables(documents_by_kind[KIND_NAME], files)
    evidence.tell_env_file_purposes(documents_by_kind[KIND_NAME], files)


def ports(document: Document) -> Iterator[Port]:
    """Every port of a file; one that two services share by an alias once."""
    return _unique_service_parts(document, port_specs, Port)


def mounts(document: Document) -> Iterator[Mount]:
    """Every mount of a file; one that two services share by an alias once."""
    return _unique_service_parts(document, mount_specs, Mount)


def _unique_service_parts(
    document: Document, find_specs: Callable[..., Iterator[Any]], make_part: Callable[..., Any]
) -> Iterator[Any]:
    """The parts of all services, each place once."""
    seen: set[Span] = set()
    for service in document.services.values():
        for spec in find_specs(service.node, service.env_values):
            if spec.span not in seen:
                seen.add(spec.span)
                yield make_part(service, spec)


def variables(document: Document) -> Iterator[Variable]:
    """Every variable of a file; one that two services share by an alias once. Those of environment files come last."""
    seen: set[Span] = set()
    for service in document.services.values():
        build = service.node.get("build")
        for node, key in ((service.node, "environment"), (build, "args")):
            for setting in variable_settings(service.source, node, key):
                if setting.name_span not in seen:
                    seen.add(setting.name_span)
                    yield Variable(service, setting, key)
    yield from document.env_file_variables


TARGETS: dict[str, Callable[[Document], Any]] = {
    "compose.file": whole_file,
    "compose.service": services,
    "compose.port": ports,
    "compose.mount": mounts,
    "compose.variable": variables,
}
