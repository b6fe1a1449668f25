"""The signs in the services of a compose file that it is not production's: what they start, mount, publish and let in.

Each was counted over 186 compose files whose purpose was told by hand from the file and its README.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from readiness.facts.base_images import is_runtime
from readiness.facts.development import development_server_command
from readiness.facts.programs import started_program_index
from readiness.facts.public_images import DATA_STORE_ROLES
from readiness.facts.table import property_by_fact_name
from readiness.facts.wrappers import unwrap_command
from readiness.kinds.compose.model import Service
from readiness.kinds.compose.parts import (
    MountSpec,
    expand_scalar,
    mount_specs,
    port_specs,
    string_entries,
    variable_settings_under_key,
)
from readiness.kinds.purpose import NonProductionSign, is_non_serving_command
from readiness.kinds.variables import filled_variable_names
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import is_at_or_below
from readiness.syntax import secrets, shell
from readiness.syntax.holes import has_variable_sign
from readiness.syntax.yaml import Map


def _first_matching_service(services: Sequence[Service], predicate: Callable[[Service], bool]) -> Service | None:
    """The first of some services of which something holds."""
    return next((one for one in services if predicate(one)), None)


class Started(NamedTuple):
    """A server for development, and the key of the service that starts it."""

    key: str
    server: str


def find_development_server(service_node: Map) -> Started | None:
    """The server for development that a service starts."""
    for command_key in ("command", "entrypoint"):
        command_value = service_node.get(command_key)
        command_text = command_value if isinstance(command_value, str) else shlex.join(word for word, _ in string_entries(command_value))
        simple_commands = shell.parse_commands(command_text.replace("$$", "$")) if command_text else ()
        if server_name := next(filter(None, map(_development_server_of_command, simple_commands)), ""):
            return Started(command_key, server_name)
    return None


def _development_server_of_command(command: shell.SimpleCommand) -> str:
    """The development server that a command starts, itself or through a program that only runs another."""
    unwrapped_command = unwrap_command(command)
    command_words = list(unwrapped_command.unquoted_words)
    started_program_position = started_program_index(unwrapped_command.program, command_words)
    server_name = development_server_command(unwrapped_command.program, command_words)
    return server_name or (
        development_server_command(command_words[started_program_position], command_words[started_program_position + 1 :])
        if started_program_position is not None
        else ""
    )


def _signs_from_start_commands(services: Sequence[Service]) -> Iterator[NonProductionSign]:
    """A server for development, or a container that is only to be entered."""
    for service in services:
        started_server = find_development_server(service.extended_node)
        if started_server is not None:
            sign_text = f"service {service.name!r} starts {started_server.server}"
            yield NonProductionSign("command", sign_text, service.name_span, True)
            return
        command_value = service.extended_node.get("command")
        command_words = command_value.split() if isinstance(command_value, str) else [one for one, _ in string_entries(command_value)]
        if service.builds and command_words and is_non_serving_command(command_words) and "sleep" in command_words[0]:
            sign_text = f"service {service.name!r} only waits to be entered"
            yield NonProductionSign("command", sign_text, service.name_span, True)
            return


_CONFIG_MOUNT_TARGET = lazy_regex(r"/(?:usr/local/)?etc(?:/|\Z)|[^\n]*\.(?:conf|cfg|cnf|ini|toml|properties)\Z")


def is_source_mount(service: Service, mount_spec: MountSpec) -> bool:
    """Whether a mount puts the source code of the host in place of the code of the image."""
    if mount_spec.type != "bind" or not mount_spec.source.startswith("."):
        return False
    if _CONFIG_MOUNT_TARGET.match(mount_spec.target):
        return False
    host_path = posixpath.normpath(mount_spec.source)
    image_reference = service.image
    is_runtime_image = image_reference is not None and is_runtime(image_reference)
    build_value = service.extended_node.get("build")
    build_context = (
        expand_scalar(build_value.get("context", ".") if isinstance(build_value, Map) else build_value).text if build_value is not None else ""
    )
    is_in_context = is_at_or_below(host_path, posixpath.normpath(build_context)) if build_context else host_path == "."
    is_whole_context = host_path in {".", posixpath.normpath(build_context or ".")}
    is_code = is_whole_context or posixpath.basename(host_path) in property_by_fact_name("folders", "sources")
    return (service.builds or is_runtime_image) and is_in_context and is_code


def _signs_from_source_mounts(services: Sequence[Service]) -> Iterator[NonProductionSign]:
    """All of the source code. A folder of it may be what the host serves, and what a variable names is for the host to say."""
    for service in services:
        for mount_spec in mount_specs(service.extended_node, service.env_values):
            written_mount = service.source.text[mount_spec.span.start : mount_spec.span.end]
            is_whole_source_folder = posixpath.basename(posixpath.normpath(mount_spec.source)) in {".", "..", "src", "app"}
            if is_whole_source_folder and not has_variable_sign(written_mount) and is_source_mount(service, mount_spec):
                sign_text = f"service {service.name!r} runs the source code of the host"
                yield NonProductionSign("mounted", sign_text, mount_spec.span, True)
                return


def _signs_from_test_services(services: Sequence[Service]) -> Iterator[NonProductionSign]:
    """A mail catcher, and what stands in for a service of somebody else's in tests."""
    if mail_catcher := _first_matching_service(services, lambda one: one.role == "mail-catcher"):
        sign_text = f"service {mail_catcher.name!r} catches mail that is never sent"
        yield NonProductionSign("mail", sign_text, mail_catcher.name_span, True)
    if emulator := _first_matching_service(services, _uses_image_for_tests):
        sign_text = f"the image of service {emulator.name!r} is made for tests"
        yield NonProductionSign("emulator", sign_text, emulator.name_span, True, "test")


def _uses_image_for_tests(service: Service) -> bool:
    """Whether an image is known to be, or is called, one for tests."""
    image_reference = service.image
    return service.role == "emulator" or (image_reference is not None and image_reference.name.endswith(("-test", "-tests")))


def _signs_from_build_settings(services: Sequence[Service]) -> Iterator[NonProductionSign]:
    """What only a build is told, or only a developer."""
    if watched_service := _first_matching_service(services, _has_develop_watch):
        sign_text = f"service {watched_service.name!r} follows the changes of a developer"
        yield NonProductionSign("watch", sign_text, watched_service.name_span, True)
    if len(services) > 1 and all(set(one.extended_node) == {"image", "build"} for one in services):
        sign_text = "its services say how they are built and nothing of how they run"
        yield NonProductionSign("build", sign_text, services[0].name_span, True, "build")


def _has_develop_watch(service: Service) -> bool:
    develop_settings = service.extended_node.get("develop")
    return isinstance(develop_settings, Map) and bool(develop_settings.get("watch"))


def _signs_from_volatile_stores(services: Sequence[Service]) -> Iterator[NonProductionSign]:
    if volatile_store := _first_matching_service(services, _keeps_data_in_memory):
        sign_text = f"the data of store {volatile_store.name!r} lies in memory"
        yield NonProductionSign("kept", sign_text, volatile_store.name_span, True)


def _keeps_data_in_memory(service: Service) -> bool:
    """Whether the folder of a store's data is a tmpfs."""
    image_facts = service.image_facts
    if image_facts is None or not image_facts.keeps_data:
        return False
    data_folders = set(image_facts.state_folders(service.image)) | set(image_facts.state_folders_before_18)
    tmpfs_mount_targets = {
        posixpath.normpath(one.target) for one in mount_specs(service.extended_node, service.env_values) if one.type == "tmpfs" and one.target
    }
    tmpfs_key_paths = {posixpath.normpath(text.split(":")[0]) for text, _ in string_entries(service.extended_node.get("tmpfs"))}
    return bool(data_folders & (tmpfs_mount_targets | tmpfs_key_paths))


def _signs_from_published_stores(services: Sequence[Service]) -> Iterator[NonProductionSign]:
    """A store that everybody reaches, on the port that it serves on."""
    for service in services:
        image_facts = service.image_facts
        if image_facts is None or not image_facts.is_store:
            continue
        for port_spec in port_specs(service.extended_node, service.env_values):
            container_port_range = port_spec.target
            is_store_port = container_port_range is not None and any(
                container_port_range[0] <= one <= container_port_range[1] for one in image_facts.ports
            )
            if is_store_port and port_spec.host_ip in {None, "", "0.0.0.0", "::"} and not port_spec.is_undetermined:  # noqa: S104
                sign_text = f"store {service.name!r} is published on every interface"
                yield NonProductionSign("published", sign_text, port_spec.span)
                return


def _signs_from_weak_logins(services: Sequence[Service]) -> Iterator[NonProductionSign]:
    """A store or a console with a password that is written out and well known, one that is the user's name, or none.

    The first password of an application is a placeholder in what people are to copy for production, too.
    """
    services_with_login = [one for one in services if one.role in DATA_STORE_ROLES or one.role == "console"]
    if weakly_guarded_service := _first_matching_service(services_with_login, _has_weak_login):
        sign_text = f"{weakly_guarded_service.name!r} lets in with a password that everybody tries, or with none"
        yield NonProductionSign("login", sign_text, weakly_guarded_service.name_span)


def _has_weak_login(service: Service) -> bool:
    variable_settings_of_service = variable_settings_under_key(service.source, service.extended_node, "environment")
    raw_value_by_name = {one.name: one.raw_value for one in variable_settings_of_service}
    literal_value_by_name = {
        variable_name: str(variable_value)
        for variable_name, variable_value in raw_value_by_name.items()
        if isinstance(variable_value, str | int) and not isinstance(variable_value, bool)
    }
    image_facts, filled_variables = service.image_facts, filled_variable_names(service.variables)
    for variable_name, variable_value in literal_value_by_name.items():
        if has_variable_sign(variable_value) or not variable_value:
            continue
        if image_facts is not None and image_facts.opens_to_all(variable_name, variable_value.strip("\"'"), filled_variables):
            return True
        if secrets.classify_value(variable_name, variable_value).is_guessed:
            return True
        name_before_pass, pass_separator, _ = variable_name.partition("PASS")
        if (
            pass_separator
            and literal_value_by_name.get(f"{name_before_pass}USER", literal_value_by_name.get(f"{name_before_pass}USERNAME")) == variable_value
        ):
            return True
    return False


SERVICE_SIGN_FINDERS: tuple[Callable[[Sequence[Service]], Iterator[NonProductionSign]], ...] = (
    _signs_from_start_commands,
    _signs_from_source_mounts,
    _signs_from_test_services,
    _signs_from_build_settings,
    _signs_from_volatile_stores,
    _signs_from_published_stores,
    _signs_from_weak_logins,
)
