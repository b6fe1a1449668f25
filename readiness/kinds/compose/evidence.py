"""What a compose file itself says that it is for: the signs of development, tests, samples and builds.

Each sign was counted over 186 compose files whose purpose was told by hand from the file and its README. The strong ones stand
in no file of production; of the weak ones no pair that counts does (readiness/kinds/purpose.py).
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from readiness.facts.base_images import is_runtime
from readiness.facts.development import development_server
from readiness.facts.programs import started_program_index
from readiness.facts.public_images import STORES
from readiness.facts.table import column
from readiness.facts.wrappers import unwrapped
from readiness.kinds.compose.head import purpose_at_head
from readiness.kinds.compose.join import includes_of
from readiness.kinds.compose.model import Document, Service
from readiness.kinds.compose.parts import (
    MountSpec,
    expand_scalar,
    mount_specs,
    port_specs,
    string_entries,
    variable_specs,
)
from readiness.kinds.purpose import Sign, compose_purpose, is_idle_command, is_sample_path
from readiness.syntax import secrets, shell
from readiness.syntax.holes import has_variable
from readiness.syntax.interpolation import HOLE, NOTHING
from readiness.syntax.yaml import Map


def collect_signs(documents: Sequence[Document]) -> None:
    """Give every file whose name says nothing of its purpose the signs of what it is for."""
    _believe_includes(documents)
    groups = _files_that_may_run_together(documents)
    for document in documents:
        asked = document.purpose == "unknown" and not document.legacy
        together = groups.get(id(document), [document])
        document.signs = tuple(_signs_of(document, together)) if asked else ()


def _believe_includes(documents: Sequence[Document]) -> None:
    """What a file of production takes in is of production, whatever folder it lies in; its own name is still believed."""
    by_path = {posixpath.normpath(one.source.path): one for one in documents}
    todo = [one for one in documents if one.purpose in {"unknown", "prod"}]
    while todo:
        for path in files_taken_in(todo.pop()):
            inner = by_path.get(path)
            if inner is None or inner.purpose not in {"dev", "test"}:
                continue
            if compose_purpose(posixpath.basename(path)) == "unknown":
                inner.purpose = "unknown"
                todo.append(inner)


def _signs_of(document: Document, together: Sequence[Document]) -> Iterator[Sign]:
    """The signs of one file. What is left out counts only where no file that may be laid on it brings it.

    A service that is for development by its own name, profile or build says nothing of the others.
    """
    if any(root.get("x-readiness") == "production" for root in document.roots):
        return
    if found := purpose_at_head(document.source.text, document.source.path):
        yield Sign("head", "the comment at its head says so", found[1], True, found[0])
    services = [one for one in document.services.values() if not one.set_aside]
    signs = [sign for find in _SIGNS_OF_SERVICES for sign in find(services)]
    if is_sample_path(document.source.path):
        text = "it lies in a folder of examples"
        signs.append(Sign("sample", text, document.node.at(), purpose="an example"))
    if document.source.parent is None:
        signs += _absences(together, services)
    served = any(map(_is_entry_with_tls, services))
    yield from (one for one in signs if one.strong or not served)


def _is_entry_with_tls(service: Service) -> bool:
    """Whether a proxy serves the world with TLS, as nobody needs for development: a weak sign says nothing beside it."""
    if service.role not in {"proxy", "tunnel"}:
        return False
    specs = port_specs(service.full, service.values)
    return service.role == "tunnel" or any(
        one.published is not None and one.published[0] <= 443 <= one.published[1] for one in specs
    )


def _first(services: Sequence[Service], holds: Callable[[Service], bool]) -> Service | None:
    """The first of some services of which something holds."""
    return next((one for one in services if holds(one)), None)


class Started(NamedTuple):
    """A server for development, and the key of the service that starts it."""

    key: str
    server: str


def started_for_development(node: Map) -> Started | None:
    """The server for development that a service starts."""
    for key in ("command", "entrypoint"):
        value = node.get(key)
        text = (
            value
            if isinstance(value, str)
            else shlex.join(word for word, _ in string_entries(value))
        )
        commands = shell.commands_of(text.replace("$$", "$")) if text else ()
        if server := next(filter(None, map(_development_server, commands)), ""):
            return Started(key, server)
    return None


def _development_server(command: shell.Command) -> str:
    """The development server that a command starts, itself or through a program that only runs another."""
    inner = unwrapped(command)
    own = list(inner.values)
    at = started_program_index(inner.program, own)
    found = development_server(inner.program, own)
    return found or (development_server(own[at], own[at + 1 :]) if at is not None else "")


def _servers(services: Sequence[Service]) -> Iterator[Sign]:
    """A server for development, or a container that is only to be entered."""
    for service in services:
        found = started_for_development(service.full)
        if found is not None:
            text = f"service {service.name!r} starts {found.server}"
            yield Sign("command", text, service.head, True)
            return
        words = service.full.get("command")
        said = (
            words.split() if isinstance(words, str) else [one for one, _ in string_entries(words)]
        )
        if service.builds and said and is_idle_command(said) and "sleep" in said[0]:
            text = f"service {service.name!r} only waits to be entered"
            yield Sign("command", text, service.head, True)
            return


_SETTINGS_TARGET = re.compile(
    r"/(?:usr/local/)?etc(?:/|\Z)|[^\n]*\.(?:conf|cfg|cnf|ini|toml|properties)\Z"
)


def is_source_mount(service: Service, spec: MountSpec) -> bool:
    """Whether a mount puts the source code of the host in place of the code of the image."""
    if (
        spec.type != "bind"
        or not spec.source.startswith(".")
        or _SETTINGS_TARGET.match(spec.target)
    ):
        return False
    source = posixpath.normpath(spec.source)
    image = service.image
    runtime = image is not None and is_runtime(image)
    build = service.full.get("build")
    context = (
        expand_scalar(build.get("context", ".") if isinstance(build, Map) else build).text
        if build is not None
        else ""
    )
    is_in_context = _is_within(source, posixpath.normpath(context)) if context else source == "."
    whole = source in {".", posixpath.normpath(context or ".")}
    is_code = whole or posixpath.basename(source) in column("folders", "sources")
    return (service.builds or runtime) and is_in_context and is_code


def _is_within(path: str, folder: str) -> bool:
    return folder in {".", path} or path.startswith(folder + "/")


def _mounted_source(services: Sequence[Service]) -> Iterator[Sign]:
    """All of the source code. A folder of it may be what the host serves, and what a variable names is for the host to say."""
    for service in services:
        for spec in mount_specs(service.full, service.values):
            written = service.source.text[spec.span.start : spec.span.end]
            whole = posixpath.basename(posixpath.normpath(spec.source)) in {".", "..", "src", "app"}
            if whole and not has_variable(written) and is_source_mount(service, spec):
                text = f"service {service.name!r} runs the source code of the host"
                yield Sign("mounted", text, spec.span, True)
                return


def _tools(services: Sequence[Service]) -> Iterator[Sign]:
    """A mail catcher, and what stands in for a service of somebody else's in tests."""
    if catcher := _first(services, lambda one: one.role == "mail-catcher"):
        text = f"service {catcher.name!r} catches mail that is never sent"
        yield Sign("mail", text, catcher.head, True)
    if emulator := _first(services, _is_made_for_tests):
        text = f"the image of service {emulator.name!r} is made for tests"
        yield Sign("emulator", text, emulator.head, True, "tests")


def _is_made_for_tests(service: Service) -> bool:
    """Whether an image is known to be, or is called, one for tests."""
    image = service.image
    return service.role == "emulator" or (
        image is not None and image.name.endswith(("-test", "-tests"))
    )


def _builds(services: Sequence[Service]) -> Iterator[Sign]:
    """What only a build is told, or only a developer."""
    if watched := _first(services, _is_watched):
        text = f"service {watched.name!r} follows the changes of a developer"
        yield Sign("watch", text, watched.head, True)
    if len(services) > 1 and all(set(one.full) == {"image", "build"} for one in services):
        text = "its services say how they are built and nothing of how they run"
        yield Sign("build", text, services[0].head, True, "builds")


def _is_watched(service: Service) -> bool:
    develop = service.full.get("develop")
    return isinstance(develop, Map) and bool(develop.get("watch"))


def _volatile_data(services: Sequence[Service]) -> Iterator[Sign]:
    if found := _first(services, _keeps_data_in_memory):
        text = f"the data of store {found.name!r} lies in memory"
        yield Sign("kept", text, found.head, True)


def _keeps_data_in_memory(service: Service) -> bool:
    """Whether the folder of a store's data is a tmpfs."""
    known = service.image_facts
    if known is None or not known.keeps_data:
        return False
    folders = set(known.state_folders(service.image)) | set(known.data)
    mounted = {
        posixpath.normpath(one.target)
        for one in mount_specs(service.full, service.values)
        if one.type == "tmpfs" and one.target
    }
    listed = {
        posixpath.normpath(text.split(":")[0])
        for text, _ in string_entries(service.full.get("tmpfs"))
    }
    return bool(folders & (mounted | listed))


def _published_stores(services: Sequence[Service]) -> Iterator[Sign]:
    """A store that everybody reaches, on the port that it serves on."""
    for service in services:
        known = service.image_facts
        if known is None or not known.is_store:
            continue
        for spec in port_specs(service.full, service.values):
            target = spec.target
            own = target is not None and any(target[0] <= one <= target[1] for one in known.ports)
            if own and spec.host_ip in {None, "", "0.0.0.0", "::"} and not spec.open:  # noqa: S104
                text = f"store {service.name!r} is published on every interface"
                yield Sign("published", text, spec.span)
                return


def _weak_logins(services: Sequence[Service]) -> Iterator[Sign]:
    """A store or a console with a password that is written out and well known, one that is the user's name, or none.

    The first password of an application is a placeholder in what people are to copy for production, too.
    """
    guarded = [one for one in services if one.role in STORES or one.role == "console"]
    if found := _first(guarded, _lets_in):
        text = f"{found.name!r} lets in with a password that everybody tries, or with none"
        yield Sign("login", text, found.head)


def _lets_in(service: Service) -> bool:
    specs = list(variable_specs(service.source, service.full, "environment"))
    literal = {
        one.name: str(one.value)
        for one in specs
        if isinstance(one.value, str | int) and not isinstance(one.value, bool)
    }
    known = service.image_facts
    for name, value in literal.items():
        if has_variable(value) or not value:
            continue
        if known is not None and known.opens_to_all(name, value.strip("\"'")):
            return True
        if secrets.classify(name, value).is_guessed:
            return True
        stem, password, _ = name.partition("PASS")
        if password and literal.get(f"{stem}USER", literal.get(f"{stem}USERNAME")) == value:
            return True
    return False


_SIGNS_OF_SERVICES: tuple[Callable[[Sequence[Service]], Iterator[Sign]], ...] = (
    _servers,
    _mounted_source,
    _tools,
    _builds,
    _volatile_data,
    _published_stores,
    _weak_logins,
)


def _absences(together: Sequence[Document], services: Sequence[Service]) -> Iterator[Sign]:
    """What none of the files that may run together has: a volume under a store, a restart, an application."""
    owned = [one for one in services if one.owned or one.extends]
    every = [
        one
        for document in together
        for one in document.services.values()
        if not one.set_aside and "provider" not in one.full
    ]
    defined = {one.name for one in every if one.owned}
    if not owned or any(one.name not in defined for one in every) or _takes_in_unseen(together):
        return
    place = owned[0].head
    if not any(map(_has_restart, every)) and not any(one.swarm for one in together):
        yield Sign("restarts", "nothing restarts", place)
    stores = {one.name for one in every if _is_store_of_data(one)}
    if stores and not any(one.name in stores and _may_keep_data(one) for one in every):
        yield Sign("kept", "no store keeps its data", place)
    roles = {one.role for one in every}
    if roles & STORES and roles <= STORES | {"console"}:
        yield Sign("stores", "there are stores and no application", place)


def _has_restart(service: Service) -> bool:
    """Whether a service says that it is started again."""
    deploy = service.full.get("deploy")
    policy = isinstance(deploy, Map) and deploy.get("restart_policy") is not None
    return policy or service.full.get("restart") not in (None, "no", False)


def _is_store_of_data(service: Service) -> bool:
    known = service.image_facts
    return known is not None and known.keeps_data and not service.once


_SETTINGS_OF_STORES = re.compile(
    r"/docker-entrypoint-initdb\.d|/etc/|\.(?:sql|sh|conf|cnf|ini|ya?ml|json|js|crt|key|pem|xml)\Z"
)


def _may_keep_data(service: Service) -> bool:
    """Whether anything is mounted that may hold data: no tmpfs, no setting and no script of the first start."""
    if service.full.get("volumes_from"):
        return True
    return any(
        spec.type != "tmpfs" and not _SETTINGS_OF_STORES.search(spec.target)
        for spec in mount_specs(service.full, service.values)
    )


def _takes_in_unseen(together: Sequence[Document]) -> bool:
    """Whether one of some files takes in a file that is not among them."""
    paths = {posixpath.normpath(one.source.path) for one in together}
    return any(path not in paths for one in together for path in files_taken_in(one))


def files_taken_in(document: Document) -> set[str]:
    """The files that a file includes or extends services of; HOLE for one whose name a variable hides."""
    written = [one.path for one in includes_of(document)]
    written += [one.extends[0] for one in document.services.values() if one.extends]
    values = document.environment.values or NOTHING
    texts = [expand_scalar(one, values).text for one in written]
    return {
        HOLE if HOLE in text else posixpath.normpath(posixpath.join(document.folder, text))
        for text in texts
    }


def _files_that_may_run_together(documents: Sequence[Document]) -> dict[int, list[Document]]:
    """The files of each file's group by the identity of the file: those beside it that name one of its services, and those
    that take in one another. What is for development or tests by its name is in no group."""
    files = [
        one for one in documents if one.source.parent is None and one.purpose in {"unknown", "prod"}
    ]
    by_path = {posixpath.normpath(one.source.path): one for one in files}
    groups: dict[Any, list[Document]] = {id(one): [one] for one in files}

    def join(first: Document, second: Document) -> None:
        mine, theirs = groups[id(first)], groups[id(second)]
        if mine is not theirs:
            mine += theirs
            groups.update((id(one), mine) for one in theirs)

    beside: dict[tuple[str, str], Document] = {}
    for document in files:
        for name in document.services:
            join(beside.setdefault((document.folder, name), document), document)
        for path in files_taken_in(document):
            if path in by_path:
                join(document, by_path[path])
    return groups
