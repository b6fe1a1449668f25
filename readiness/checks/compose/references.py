"""Names that lead nowhere, circles, settings that shut each other out."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from readiness.checks.compose.app import App, apps, included, outside, owns, resolve, whole
from readiness.kinds.compose import Document, Service
from readiness.kinds.compose_parts import expanded, mount_specs, names, strings
from readiness.model import Hit, Span, Unknown, hit
from readiness.project import Project
from readiness.syntax.interpolation import HOLE
from readiness.syntax.yaml import Map, Seq

Found = Iterator[Hit | Unknown]
Use = tuple[str, str, Span]  # what is named (service, network ...), its name, where


def undefined(service: Service, project: Project) -> Found:
    """A service, network, volume, secret, config or model that is defined nowhere in the app."""
    made = project.memo(apps)
    app = made.app(service.document)
    if id(service.document) in made.parts:
        yield Unknown(service.head)
        return
    shown_only = service.source.fragment or (project.prose and not service.owned)
    defined = {
        "service": set(app.services()),
        "network": app.names("networks") | {"default"},
        "volume": app.names("volumes"),
        "secret": app.names("secrets"),
        "config": app.names("configs"),
        "model": app.names("models"),
    }
    for what, name, span in [*used_by(service.node), *_inherited(service, project)]:
        if HOLE in name or name in defined[what]:
            continue
        if app.open or shown_only:
            yield Unknown(span)
        else:
            yield hit(span, what=what, used=name)


def used_by(node: Map) -> Iterator[Use]:
    """Everything that a service names."""
    yield from services_used(node)
    yield from things_used(node)


def _inherited(service: Service, project: Project) -> Iterator[Use]:
    """What a service names through the service of another file that it extends; shown where it does so."""
    if service.extends is None or "extends" not in service.node:
        return
    node, _ = outside(project.memo(apps), service)
    own = {(what, name) for what, name, _ in used_by(service.node)}
    for what, name, _ in used_by(node):
        if (what, name) not in own:
            yield what, name, service.node.at("extends")


def profiled(service: Service, project: Project) -> Found:
    """A service that needs another which only a profile starts, and is in no profile itself."""
    if service.full.get("profiles"):
        return
    services = project.memo(apps).app(service.document).services()
    for _, name, span in services_used(service.node):
        other = services.get(name)
        profiles = other.full.get("profiles") if other is not None else None
        if isinstance(profiles, Seq) and profiles and not _optional(service, name):
            yield hit(span, used=name, profile=str(profiles[0]))


def _optional(service: Service, name: str) -> bool:
    depends = service.full.get("depends_on")
    how = depends.get(name) if isinstance(depends, Map) else None
    return isinstance(how, Map) and how.get("required") is False


def services_used(node: Map) -> Iterator[Use]:
    """The services that a service names."""
    depends = node.get("depends_on")
    for name, key in names(depends):
        yield "service", expanded(name).text, _name_at(depends, key)
    for key in ("network_mode", "ipc", "pid"):
        text = expanded(node.get(key)).text
        if text.startswith("service:"):
            yield "service", text[8:], node.at(key)
    for key in ("links", "volumes_from"):
        for text, index in strings(node.get(key)):
            name = expanded(text).text.partition(":")[0]
            if not (key == "volumes_from" and name == "container"):
                yield "service", name, node[key].at(index) if index is not None else node.at(key)
    build = node.get("build")
    contexts = build.get("additional_contexts") if isinstance(build, Map) else None
    for name, value in contexts.items() if isinstance(contexts, Map) else ():
        text = expanded(value).text
        if text.startswith("service:") and isinstance(contexts, Map):
            yield "service", text[8:], contexts.at(name)


def _name_at(node: Any, key: Any) -> Span:
    """The place of a name: a mapping's key, or a list's entry."""
    span: Span = node.key(key) if isinstance(node, Map) else node.at(key)
    return span


def things_used(node: Map) -> Iterator[Use]:
    """The networks, volumes, secrets, configs and models that a service names."""
    for section, what in (("networks", "network"), ("models", "model")):
        used = node.get(section)
        for name, key in names(used):
            yield what, expanded(name).text, _name_at(used, key)
    for mount in mount_specs(node):
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
                yield what, expanded(source).text, span


def cycles(document: Document, project: Project) -> Found:
    """Services that wait for each other in a circle."""
    services = project.memo(apps).app(document).services()
    edges = {name: [(used, span) for _, used, span in services_used(one.node)] for name, one in services.items()}
    state: dict[str, int] = {}
    for start in document.services:
        stack = [(start, iter(edges.get(start, ())))]
        path = [start]
        if state.get(start):
            continue
        state[start] = 1
        while stack:
            name, rest = stack[-1]
            for used, span in rest:
                if state.get(used) == 1 and used in path:
                    circle = [*path[path.index(used) :], used]
                    if services[name].document is document:
                        yield hit(span, circle=" → ".join(circle), resource=f"service/{name}")
                elif used in edges and not state.get(used):
                    state[used] = 1
                    stack.append((used, iter(edges[used])))
                    path.append(used)
                    break
            else:
                stack.pop()
                path.pop()
                state[name] = 2


def extends(service: Service, project: Project) -> Found:
    """A service that extends what is not there, or itself."""
    parent = service.node.get("extends")
    name = parent.get("service") if isinstance(parent, Map) else parent
    file = parent.get("file") if isinstance(parent, Map) else None
    if not isinstance(name, str) or HOLE in expanded(name).text:
        return
    span = parent.at("service") if isinstance(parent, Map) else service.node.at("extends")
    made = project.memo(apps)
    if isinstance(file, str) and isinstance(parent, Map):
        document = resolve(made, service.document, file)
        if document is None:
            yield from _absent_file(service.document, project, file, parent.at("file"))
        elif name not in document.services:
            yield hit(span, problem=f"{file} has no service {name}")
        return
    services = service.document.services
    if name not in services:
        yield hit(span, problem=f"there is no service {name} in the file")
        return
    seen = [service.name]
    while isinstance(name, str) and name in services:
        if name in seen:
            if name == service.name:
                yield hit(span, problem=f"{' → '.join([*seen, name])} is a circle")
            return
        seen.append(name)
        parent = services[name].node.get("extends")
        name = parent if isinstance(parent, str) else parent.get("service") if isinstance(parent, Map) else None
        if isinstance(parent, Map) and "file" in parent:
            return


def includes(document: Document, project: Project) -> Found:
    """A file that is included and is not there, or includes the one that includes it."""
    made = project.memo(apps)
    for path, owner, key in included(document):
        span = owner.at(key)
        found = resolve(made, document, path)
        if found is None:
            yield from _absent_file(document, project, path, span)
            continue
        seen, todo = {id(found)}, [found]
        while todo:
            one = todo.pop()
            if one is document:
                yield hit(span, problem=f"{path} includes the file that includes it")
                break
            inner = [resolve(made, one, path) for path, _, _ in included(one)]
            todo += [x for x in inner if x is not None and not (id(x) in seen or seen.add(id(x)))]  # type: ignore[func-returns-value]


def _absent_file(document: Document, project: Project, path: str, span: Span) -> Found:
    """A file that is surely not there, or one that nobody can tell of."""
    text = expanded(path).text
    if HOLE in text or "://" in text or text.startswith(("/", "~", "git@", "oci:")) or project.prose:
        yield Unknown(span)
        return
    folder = posixpath.dirname(document.source.path)
    target = posixpath.normpath(posixpath.join(folder, text))
    if project.exists(target) or target.startswith("..") or not project.sees(folder):
        yield Unknown(span)
    else:
        yield hit(span, problem=f"there is no file {text}")


def imageless(service: Service, project: Project) -> Found:
    """A service that neither names an image nor builds one, in its own file or another."""
    made = project.memo(apps)
    app = made.app(service.document)
    if "{{" in service.source.text or id(service.document) in made.parts:
        return
    node, known = whole(service, project)
    if any(node.get(key) not in (None, "") or (key == "build" and key in node) for key in ("image", "build", "provider")):
        return
    if not known or app.open or service.document.override or project.prose or _amends(service):
        yield Unknown(service.head)
    elif not any(service.name in one.services for one in app.under):
        yield hit(service.head)


def _amends(service: Service) -> bool:
    """Whether the file is an overlay whose base is not here: by its name, or because no service of it says what runs."""
    document = service.document
    base = posixpath.basename(document.source.path).lower()
    layered = base.removeprefix("docker-").split(".")
    overlay = len(layered) > 2 and layered[0] == "compose"
    alone = not any(one.owned for one in document.services.values())
    return overlay or (alone and document.purpose != "unknown")


def conflicts(service: Service, project: Project) -> Found:
    """Two settings of a service of which Docker takes only one."""
    node, _ = whole(service, project)
    if not owns(service, project):
        return
    own = service.full
    build = own.get("build")
    if "network_mode" in own and isinstance(own.get("networks"), Map | Seq) and own["networks"]:
        yield hit(own.at("network_mode"), first="network_mode", second="networks")
    if isinstance(build, Map) and {"dockerfile", "dockerfile_inline"} <= set(build):
        yield hit(build.at("dockerfile"), first="build.dockerfile", second="build.dockerfile_inline")
    for first, path in _TWICE:
        value, other = own.get(first), _deep(own, path)
        if value is not None and other is not None and not _same(value, other):
            yield hit(own.at(first), first=first, second=f"{'.'.join(path)} of another value")
    count = next((_whole(value) for value in (_deep(node, ("deploy", "replicas")), node.get("scale")) if value is not None), 1)
    if "container_name" in own and count > 1:
        yield hit(own.at("container_name"), first="container_name", second=f"{count} replicas")
    platform = own.get("platform")
    platforms = build.get("platforms") if isinstance(build, Map) else None
    if isinstance(platform, str) and "$" not in platform and isinstance(platforms, Seq) and platforms and platform not in platforms:
        yield hit(own.at("platform"), first="platform", second="build.platforms that leave it out")
    yield from _devices(own)
    yield from _watch(own)


_TWICE = (
    ("scale", ("deploy", "replicas")),
    ("mem_limit", ("deploy", "resources", "limits", "memory")),
    ("mem_reservation", ("deploy", "resources", "reservations", "memory")),
    ("cpus", ("deploy", "resources", "limits", "cpus")),
    ("pids_limit", ("deploy", "resources", "limits", "pids")),
)


def _deep(node: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        node = node.get(step) if isinstance(node, Map) else None
    return node


def _whole(value: Any) -> int:
    text = str(value)
    return int(text) if text.isdigit() and len(text) < 9 else 1


def _same(first: Any, second: Any) -> bool:
    """Whether two values mean one thing; a variable may."""
    texts = [expanded(one).text.lower().replace(" ", "").removesuffix("b").removesuffix("i") for one in (first, second)]
    if any(HOLE in text for text in texts):
        return True
    try:
        return float(texts[0]) == float(texts[1])
    except ValueError:
        return texts[0] == texts[1]


def _devices(own: Map) -> Iterator[Hit]:
    for devices in (_deep(own, ("deploy", "resources", "reservations", "devices")), own.get("gpus")):
        for one in devices if isinstance(devices, Seq) else ():
            if isinstance(one, Map) and {"count", "device_ids"} <= set(one):
                yield hit(one.at("count"), first="count", second="device_ids")


def _watch(own: Map) -> Iterator[Hit]:
    watch = _deep(own, ("develop", "watch"))
    for one in watch if isinstance(watch, Seq) else ():
        action = str(one.get("action")) if isinstance(one, Map) else ""
        if action in {"sync", "sync+restart"} and not one.get("target"):
            yield hit(one.at("action"), first=f"action {action}", second="no target")
        if isinstance(one, Map) and one.get("path") == "":
            yield hit(one.at("path"), first="watch", second="an empty path")


def definitions(document: Document) -> Found:
    """A volume, network, secret or config whose settings do not go together."""
    for section in ("volumes", "networks", "secrets", "configs"):
        for name, (_, node) in document.section(section).items():
            if isinstance(node, Map):
                yield from _definition(section, name, node)


def _definition(section: str, name: str, node: Map) -> Iterator[Hit]:
    external = node.get("external")
    outside = external in (True, "true") or isinstance(external, Map)
    where = f"{section}.{name}"
    if isinstance(external, Map) and "name" in node and external.get("name") not in (None, node["name"]):
        yield hit(node.at("name"), where=where, problem="name and external.name differ; only `name` is needed")
    if outside and section == "volumes":
        for key in node:
            if key not in {"name", "external"} and not key.startswith("x-"):
                yield hit(node.key(key), where=where, problem=f"{key} has no effect on a volume that is external")
    if outside or section not in {"secrets", "configs"} or (external is not None and not isinstance(external, bool)):
        return
    ways = ("file", "environment", "content") if section == "configs" else ("file", "environment")
    given = [way for way in ways if way in node]
    if len(given) > 1:
        yield hit(node.key(given[1]), where=where, problem=f"{' and '.join(given)} shut each other out")
    elif not given:
        allowed = f"{', '.join(ways[:-1])} or {ways[-1]}"
        yield hit(node.at(), where=where, problem=f"it has none of {allowed}, and is not external")


def container_names(document: Document, project: Project) -> Found:
    """A container_name that two services have."""
    app: App = project.memo(apps).app(document)
    first: dict[str, str] = {}
    for name, service in app.services().items():
        value = service.full.get("container_name")
        text = expanded(value).text if isinstance(value, str) else ""
        if not text or HOLE in text:
            continue
        other = first.setdefault(text, name)
        if other != name and service.document is document and "container_name" in service.node:
            yield hit(service.node.at("container_name"), value=text, other=other, resource=service.resource)


