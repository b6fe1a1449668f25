"""The signs in the services of a compose file that it is not production's: what they start, mount, publish and let in.

Each was counted over 186 compose files whose purpose was told by hand from the file and its README.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from readiness.facts.base_images import is_runtime
from readiness.facts.development import development_server
from readiness.facts.programs import started_program_index
from readiness.facts.public_images import STORE_ROLES
from readiness.facts.table import fact_column
from readiness.facts.wrappers import unwrap_command
from readiness.kinds.compose.model import Service
from readiness.kinds.compose.parts import (
    MountSpec,
    expand_scalar,
    mount_specs,
    port_specs,
    string_entries,
    variable_settings,
)
from readiness.kinds.purpose import NonProductionSign, is_non_serving_command
from readiness.syntax import secrets, shell
from readiness.syntax.holes import has_variable
from readiness.syntax.yaml import Map


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
        text = value if isinstance(value, str) else shlex.join(word for word, _ in string_entries(value))
        commands = shell.commands_of(text.replace("$$", "$")) if text else ()
        if server := next(filter(None, map(_development_server, commands)), ""):
            return Started(key, server)
    return None


def _development_server(command: shell.SimpleCommand) -> str:
    """The development server that a command starts, itself or through a program that only runs another."""
    inner = unwrap_command(command)
    own = list(inner.unquoted_words)
    at = started_program_index(inner.program, own)
    found = development_server(inner.program, own)
    return found or (development_server(own[at], own[at + 1 :]) if at is not None else "")


def _servers(services: Sequence[Service]) -> Iterator[NonProductionSign]:
    """A server for development, or a container that is only to be entered."""
    for service in services:
        found = started_for_development(service.extended_node)
        if found is not None:
            text = f"service {service.name!r} starts {found.server}"
            yield NonProductionSign("command", text, service.name_span, True)
            return
        words = service.extended_node.get("command")
        said = words.split() if isinstance(words, str) else [one for one, _ in string_entries(words)]
        if service.builds and said and is_non_serving_command(said) and "sleep" in said[0]:
            text = f"service {service.name!r} only waits to be entered"
            yield NonProductionSign("command", text, service.name_span, True)
            return


_SETTINGS_TARGET = re.compile(r"/(?:usr/local/)?etc(?:/|\Z)|[^\n]*\.(?:conf|cfg|cnf|ini|toml|properties)\Z")


def is_source_mount(service: Service, spec: MountSpec) -> bool:
    """Whether a mount puts the source code of the host in place of the code of the image."""
    if spec.type != "bind" or not spec.source.startswith("."):
        return False
    if _SETTINGS_TARGET.match(spec.target):
        return False
    source = posixpath.normpath(spec.source)
    image = service.image
    runtime = image is not None and is_runtime(image)
    build = service.extended_node.get("build")
    context = expand_scalar(build.get("context", ".") if isinstance(build, Map) else build).text if build is not None else ""
    is_in_context = _is_within(source, posixpath.normpath(context)) if context else source == "."
    whole = source in {".", posixpath.normpath(context or ".")}
    is_code = whole or posixpath.basename(source) in fact_column("folders", "sources")
    return (service.builds or runtime) and is_in_context and is_code


def _is_within(path: str, folder: str) -> bool:
    return folder in {".", path} or path.startswith(folder + "/")


def _mounted_source(services: Sequence[Service]) -> Iterator[NonProductionSign]:
    """All of the source code. A folder of it may be what the host serves, and what a variable names is for the host to say."""
    for service in services:
        for spec in mount_specs(service.extended_node, service.env_values):
            written = service.source.text[spec.span.start : spec.span.end]
            whole = posixpath.basename(posixpath.normpath(spec.source)) in {".", "..", "src", "app"}
            if whole and not has_variable(written) and is_source_mount(service, spec):
                text = f"service {service.name!r} runs the source code of the host"
                yield NonProductionSign("mounted", text, spec.span, True)
                return


def _tools(services: Sequence[Service]) -> Iterator[NonProductionSign]:
    """A mail catcher, and what stands in for a service of somebody else's in tests."""
    if catcher := _first(services, lambda one: one.role == "mail-catcher"):
        text = f"service {catcher.name!r} catches mail that is never sent"
        yield NonProductionSign("mail", text, catcher.name_span, True)
    if emulator := _first(services, _is_made_for_tests):
        text = f"the image of service {emulator.name!r} is made for tests"
        yield NonProductionSign("emulator", text, emulator.name_span, True, "test")


def _is_made_for_tests(service: Service) -> bool:
    """Whether an image is known to be, or is called, one for tests."""
    image = service.image
    return service.role == "emulator" or (image is not None and image.name.endswith(("-test", "-tests")))


def _builds(services: Sequence[Service]) -> Iterator[NonProductionSign]:
    """What only a build is told, or only a developer."""
    if watched := _first(services, _is_watched):
        text = f"service {watched.name!r} follows the changes of a developer"
        yield NonProductionSign("watch", text, watched.name_span, True)
    if len(services) > 1 and all(set(one.extended_node) == {"image", "build"} for one in services):
        text = "its services say how they are built and nothing of how they run"
        yield NonProductionSign("build", text, services[0].name_span, True, "build")


def _is_watched(service: Service) -> bool:
    develop = service.extended_node.get("develop")
    return isinstance(develop, Map) and bool(develop.get("watch"))


def _volatile_data(services: Sequence[Service]) -> Iterator[NonProductionSign]:
    if found := _first(services, _keeps_data_in_memory):
        text = f"the data of store {found.name!r} lies in memory"
        yield NonProductionSign("kept", text, found.name_span, True)


def _keeps_data_in_memory(service: Service) -> bool:
    """Whether the folder of a store's data is a tmpfs."""
    known = service.image_facts
    if known is None or not known.keeps_data:
        return False
    folders = set(known.state_folders(service.image)) | set(known.state_folders_before_18)
    mounted = {
        posixpath.normpath(one.target)
        for one in mount_specs(service.extended_node, service.env_values)
        if one.type == "tmpfs" and one.target
    }
    listed = {posixpath.normpath(text.split(":")[0]) for text, _ in string_entries(service.extended_node.get("tmpfs"))}
    return bool(folders & (mounted | listed))


def _published_stores(services: Sequence[Service]) -> Iterator[NonProductionSign]:
    """A store that everybody reaches, on the port that it serves on."""
    for service in services:
        known = service.image_facts
        if known is None or not known.is_store:
            continue
        for spec in port_specs(service.extended_node, service.env_values):
            target = spec.target
            own = target is not None and any(target[0] <= one <= target[1] for one in known.ports)
            if own and spec.host_ip in {None, "", "0.0.0.0", "::"} and not spec.is_undetermined:  # noqa: S104
                text = f"store {service.name!r} is published on every interface"
                yield NonProductionSign("published", text, spec.span)
                return


def _weak_logins(services: Sequence[Service]) -> Iterator[NonProductionSign]:
    """A store or a console with a password that is written out and well known, one that is the user's name, or none.

    The first password of an application is a placeholder in what people are to copy for production, too.
    """
    guarded = [one for one in services if one.role in STORE_ROLES or one.role == "console"]
    if found := _first(guarded, _lets_in):
        text = f"{found.name!r} lets in with a password that everybody tries, or with none"
        yield NonProductionSign("login", text, found.name_span)


def _lets_in(service: Service) -> bool:
    settings = variable_settings(service.source, service.extended_node, "environment")
    raw_values = {one.name: one.raw_value for one in settings}
    literal = {
        name: str(value) for name, value in raw_values.items() if isinstance(value, str | int) and not isinstance(value, bool)
    }
    known = service.image_facts
    for name, value in literal.items():
        if has_variable(value) or not value:
            continue
        if known is not None and known.opens_to_all(name, value.strip("\"'")):
            return True
        if secrets.classify_value(name, value).is_guessed:
            return True
        stem, password, _ = name.partition("PASS")
        if password and literal.get(f"{stem}USER", literal.get(f"{stem}USERNAME")) == value:
            return True
    return False


SIGNS_OF_SERVICES: tuple[Callable[[Sequence[Service]], Iterator[NonProductionSign]], ...] = (
    _servers,
    _mounted_source,
    _tools,
    _builds,
    _volatile_data,
    _published_stores,
    _weak_logins,
)
