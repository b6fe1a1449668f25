"""Names that lead nowhere, circles, settings that shut each other out."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from readiness.kinds.compose.application import (
    JoinedFiles,
    document_at_path,
    extended_across_files,
    join_compose_files,
    merged_service,
)
from readiness.kinds.compose.join import includes_of
from readiness.kinds.compose.model import Document, Service
from readiness.kinds.compose.parts import expand_scalar, mount_specs, named_entries, string_entries
from readiness.kinds.compose.words import may_run_together
from readiness.model import CheckOutcome, Span, Undecidable, hit
from readiness.model.project import Project, parent_folders
from readiness.syntax import yaml
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.yaml import Map, Seq

NamedReference = tuple[str, str, Span]  # what is named (service, network ...), its name, where


def reference_undefined(service: Service, project: Project) -> CheckOutcome:
    """A service, network, volume, secret, config or model that is defined nowhere in the app."""
    apps = project.memoize(join_compose_files)
    app = apps.application_of(service.document)
    if id(service.document) in apps.extended_only_ids:
        yield Undecidable(service.name_span)
        return
    unseen = app.has_unread_files or _is_excerpt(service, project)
    defined, beside = _defined_names(app), _names_beside(service.document, project)
    for what, name, span in [
        *names_used_by(service.node, service.env_values),
        *_inherited_names(service, project),
    ]:
        if UNKNOWN_VALUE_MARK in name or name in defined[what]:
            continue
        if unseen or name in beside.get(what, ()):
            yield Undecidable(span)
        else:
            yield hit(span, what=what, used=name)


def _defined_names(app: JoinedFiles) -> dict[str, set[str]]:
    """What an app defines, by what it is."""
    return {
        "service": set(app.services()),
        "network": app.names_in_section("networks") | {"default"},
        "volume": app.names_in_section("volumes"),
        "secret": app.names_in_section("secrets"),
        "config": app.names_in_section("configs"),
        "model": app.names_in_section("models"),
    }


def _names_beside(document: Document, project: Project) -> dict[str, set[str]]:
    """What the files beside a file or above define, of one that Docker does not read by itself: they are given together."""
    beside: dict[str, set[str]] = {}
    folders = () if document.first else (document.folder, *parent_folders(document.folder))
    for folder in folders:
        for what, names in project.memoize(_names_by_folder).get(folder, {}).items():
            beside.setdefault(what, set()).update(names)
    return beside


def _is_excerpt(service: Service, project: Project) -> bool:
    """Whether a file surely shows a part: a piece in prose, an overlay without its base, one whose override was not seen."""
    sections = {key for root in service.document.roots for key in root}
    more = sections - {"services", "version", "name"}
    return (
        service.source.fragment
        or (project.prose and not (service.owned and more))
        or _is_overlay_without_base(service.document, project)
        or _has_unseen_override(service.document, project)
    )


_SAMPLE_SUFFIXES = (".example", ".sample", ".dist", ".template")


def _has_unseen_override(document: Document, project: Project) -> bool:
    """Whether Compose lays a file on this one that is no part of the repository: made from a sample, or ignored by Git."""
    stem, _, ending = posixpath.basename(document.source.path).rpartition(".")
    if not document.first or document.override:
        return False
    for last in (ending, "yaml" if ending == "yml" else "yml"):
        path = posixpath.normpath(posixpath.join(document.folder, f"{stem}.override.{last}"))
        if path in project.paths:
            return False
        if project.ignored(path) or any(path + sample in project.paths for sample in _SAMPLE_SUFFIXES):
            return True
    return False


def _names_by_folder(project: Project) -> dict[str, dict[str, set[str]]]:
    """folder -> what -> the names that the files of a folder define."""
    found: dict[str, dict[str, set[str]]] = {}
    for document in project.documents_of_kind("compose"):
        names_of = found.setdefault(document.folder, {})
        names_of.setdefault("service", set()).update(document.services)
        for what in ("network", "volume", "secret", "config", "model"):
            names_of.setdefault(what, set()).update(document.section_entries(f"{what}s"))
    return found


def names_used_by(node: Map, values: Mapping[str, str]) -> Iterator[NamedReference]:
    """Everything that a service names."""
    yield from service_references(node)
    yield from resource_references(node, values)


def _inherited_names(service: Service, project: Project) -> Iterator[NamedReference]:
    """What a service names through the service of another file that it extends; shown where it does so."""
    if service.extends is None or "extends" not in service.node:
        return
    node, _ = extended_across_files(project.memoize(join_compose_files), service)
    own = {(what, name) for what, name, _ in names_used_by(service.node, service.env_values)}
    for what, name, _ in names_used_by(node, service.env_values):
        if (what, name) not in own:
            yield what, name, service.node.at("extends")


def dependency_profiled(service: Service, project: Project) -> CheckOutcome:
    """A service that needs another which only a profile starts, and is in no profile itself."""
    if service.extended_node.get("profiles"):
        return
    services = project.memoize(join_compose_files).application_of(service.document).services()
    for _, name, span in service_references(service.node):
        other = services.get(name)
        profiles = other.extended_node.get("profiles") if other is not None else None
        if isinstance(profiles, Seq) and profiles and not _is_optional(service, name):
            if set(_active_profiles(service)) & {*profiles, "*"}:
                continue
            yield hit(span, used=name, profile=str(profiles[0]))


def _active_profiles(service: Service) -> list[str]:
    """The profiles that the `.env` switches on."""
    return service.document.environment.values_with_secrets.get("COMPOSE_PROFILES", "").split(",")


def _is_optional(service: Service, name: str) -> bool:
    how = service.extended_node.mapping_at_path("depends_on").get(name)
    return isinstance(how, Map) and how.get("required") is False


def service_references(node: Map) -> Iterator[NamedReference]:
    """The services that a service names."""
    depends = node.get("depends_on")
    for name, key in named_entries(depends):
        yield "service", expand_scalar(name).text, _name_span(depends, key)
    for key in ("network_mode", "ipc", "pid"):
        text = expand_scalar(node.get(key)).text
        if text.startswith("service:"):
            yield "service", text[8:], node.at(key)
    for key in ("links", "volumes_from"):
        for text, index in string_entries(node.get(key)):
            name = expand_scalar(text).text.partition(":")[0]
            if not (key == "volumes_from" and name == "container"):
                yield "service", name, node[key].at(index) if index is not None else node.at(key)
    contexts = node.mapping_at_path("build").get("additional_contexts")
    for name, value in contexts.items() if isinstance(contexts, Map) else ():
        text = expand_scalar(value).text
        if text.startswith("service:") and isinstance(contexts, Map):
            yield "service", text[8:], contexts.at(name)


def _name_span(node: Any, key: Any) -> Span:
    """The place of a name: a mapping's key, or a list's entry."""
    span: Span = node.key_span(key) if isinstance(node, Map) else node.at(key)
    return span


def resource_references(node: Map, values: Mapping[str, str]) -> Iterator[NamedReference]:
    """The networks, volumes, secrets, configs and models that a service names."""
    for section, what in (("networks", "network"), ("models", "model")):
        used = node.get(section)
        for name, key in named_entries(used):
            yield what, expand_scalar(name).text, _name_span(used, key)
    for mount in mount_specs(node, values):
        if mount.type == "volume" and mount.source:
            yield "volume", mount.source, mount.span
    build = node.get("build")
    for owner, section, what in (
        (node, "secrets", "secret"),
        (node, "configs", "config"),
        (build, "secrets", "secret"),
    ):
        used = owner.get(section) if isinstance(owner, Map) else None
        for index, item in enumerate(used) if isinstance(used, Seq) else ():
            source = item.get("source") if isinstance(item, Map) else item
            if isinstance(source, str) and isinstance(used, Seq):
                span = item.at("source") if isinstance(item, Map) else used.at(index)
                yield what, expand_scalar(source).text, span


def dependency_cycle(document: Document, project: Project) -> CheckOutcome:
    """Services that wait for each other in a circle."""
    services = project.memoize(join_compose_files).application_of(document).services()
    edges = {name: [(used, span) for _, used, span in service_references(service.node)] for name, service in services.items()}
    for name, span, circle in _circles(document.services, edges):
        if services[name].document is document:
            yield hit(span, circle=" → ".join(circle), resource=f"service/{name}")


def _circles(starts: Iterable[str], edges: Mapping[str, Sequence[tuple[str, Span]]]) -> Iterator[tuple[str, Span, list[str]]]:
    """The edges that close a circle: whose they are, where they stand, and the names along the circle."""
    seen: set[str] = set()
    for start in starts:
        path = {} if start in seen else {start: iter(edges.get(start, ()))}
        while path:
            name = next(reversed(path))
            seen.add(name)
            used, span = next(path[name], ("", None))
            if span is None:
                del path[name]
            elif used in path:
                names = list(path)
                yield name, span, [*names[names.index(used) :], used]
            elif used in edges and used not in seen:
                path[used] = iter(edges[used])


def extends_invalid(service: Service, project: Project) -> CheckOutcome:
    """A service that extends what is not there, or itself."""
    parent = service.node.get("extends")
    name = _extended_name(parent)
    if not isinstance(name, str) or UNKNOWN_VALUE_MARK in expand_scalar(name).text:
        return
    span = parent.at("service") if isinstance(parent, Map) else service.node.at("extends")
    file = parent.get("file") if isinstance(parent, Map) else None
    if isinstance(file, str) and isinstance(parent, Map):
        document = document_at_path(project.memoize(join_compose_files), service.document, file)
        if document is None:
            yield from _missing_file(service.document, project, file, parent.at("file"))
        elif name not in document.services:
            yield hit(span, say="other-file", file=file, service=name)
    elif name not in service.document.services:
        yield hit(span, say="service", service=name)
    elif circle := _extension_circle(service):
        yield hit(span, say="circle", circle=" → ".join(circle))


def _extended_name(parent: Any) -> Any:
    """The service that an `extends` names."""
    return parent.get("service") if isinstance(parent, Map) else parent


def _extension_circle(service: Service) -> list[str]:
    """The services of one file by which a service extends itself, from itself to itself; empty where it does not."""
    services, seen = service.document.services, [service.name]
    name = _extended_name(service.node.get("extends"))
    while isinstance(name, str) and name in services and name not in seen:
        seen.append(name)
        parent = services[name].node.get("extends")
        name = None if isinstance(parent, Map) and "file" in parent else _extended_name(parent)
    return [*seen, service.name] if name == service.name else []


def include_invalid(document: Document, project: Project) -> CheckOutcome:
    """A file that is included and is not there, or includes the one that includes it."""
    apps = project.memoize(join_compose_files)
    for include in includes_of(document):
        path, span = include.path, include.owner.at(include.key)
        target = document_at_path(apps, document, path)
        if target is None:
            yield from _missing_file(document, project, path, span)
            continue
        seen, todo = {id(target)}, [target]
        while todo:
            included = todo.pop()
            if included is document:
                yield hit(span, say="circle", file=path)
                break
            inner = [document_at_path(apps, included, other.path) for other in includes_of(included)]
            todo += [x for x in inner if x is not None and not (id(x) in seen or seen.add(id(x)))]  # type: ignore[func-returns-value]


def _missing_file(document: Document, project: Project, path: str, span: Span) -> CheckOutcome:
    """A file that is surely not there, or one that nobody can tell of."""
    text = expand_scalar(path, document.environment.values).text
    if UNKNOWN_VALUE_MARK in text or "://" in text or text.startswith(("/", "~", "git@", "oci:")) or project.prose:
        yield Undecidable(span)
        return
    folder = posixpath.dirname(document.source.path)
    target = posixpath.normpath(posixpath.join(folder, text))
    if project.was_path_seen(target) or target.startswith("..") or not project.is_walked(folder):
        yield Undecidable(span)
    else:
        yield hit(span, say="file", file=text)


def image_missing(service: Service, project: Project) -> CheckOutcome:
    """A service that neither names an image nor builds one, in its own file or another."""
    apps = project.memoize(join_compose_files)
    app = apps.application_of(service.document)
    if id(service.document) in apps.extended_only_ids or _is_unfilled(service):
        return
    node, known = merged_service(service, project)
    if any(node.get(key) not in (None, "") or (key == "build" and key in node) for key in ("image", "build", "provider")):
        return
    if (
        not known
        or app.has_unread_files
        or service.document.override
        or project.prose
        or _may_overlay_unread_file(service.document)
    ):
        yield Undecidable(service.name_span)
    elif not any(service.name in one.services for one in app.bases):
        yield hit(service.name_span)


def _is_unfilled(service: Service) -> bool:
    """Whether another program is to put something into the service: `{{ name }}` where a value stands."""
    return yaml.first_unfilled_placeholder(service.source.text, [service.node]) is not None


def _is_overlay_without_base(document: Document, project: Project) -> bool:
    """Whether a file is an overlay, and no other file of its folder was read: a .gitignore may leave the base out."""
    beside = project.memoize(_compose_file_count_by_folder).get(document.folder, 0)
    return beside == 1 and not document.first and _may_overlay_unread_file(document)


def _compose_file_count_by_folder(project: Project) -> Counter[str]:
    """How many compose files each folder has."""
    return Counter(document.folder for document in project.documents_of_kind("compose"))


def _may_overlay_unread_file(document: Document) -> bool:
    """Whether the file is an overlay whose base is not here: by its name, or because no service of it says what runs."""
    base = posixpath.basename(document.source.path).lower()
    layered = base.removeprefix("docker-").split(".")
    overlay = len(layered) > 2 and layered[0] == "compose"
    alone = not any(one.owned for one in document.services.values())
    return overlay or (alone and document.purpose != "unknown")


def container_name_repeated(document: Document, project: Project) -> CheckOutcome:
    """A container_name that two services have."""
    app: JoinedFiles = project.memoize(join_compose_files).application_of(document)
    first: dict[str, Service] = {}
    for service in app.services().values():
        value = service.extended_node.get("container_name")
        text = expand_scalar(value).text if isinstance(value, str) else ""
        if not text:
            continue
        # One text with one variable in it is one name, whatever the variable holds.
        other = first.setdefault(str(value) if UNKNOWN_VALUE_MARK in text else text, service)
        own = service.document is document and "container_name" in service.node
        if other is not service and own and may_run_together(other, service):
            span = service.node.at("container_name")
            yield hit(span, value=str(value), other=other.name, resource=service.resource)
