"""Which passwords let strangers in, as the files prove: what asks for one is reached from beyond its host."""

from __future__ import annotations

from collections.abc import Mapping

from readiness.checks.compose.client_logins import value_and_location_by_variable
from readiness.checks.compose.network import is_on_every_interface, is_routed_by_proxy
from readiness.checks.compose.reach import is_published_on_loopback, is_store
from readiness.kinds.compose.application import join_compose_files, merged_node_and_is_complete
from readiness.kinds.compose.model import Service, Variable
from readiness.kinds.compose.parts import expand_scalar, port_specs
from readiness.kinds.dotenv import EnvValue
from readiness.model import Hit, Severity, Source, Span
from readiness.model.project import Project
from readiness.syntax import secrets
from readiness.syntax.secrets import SecretStrength, SecretVerdict

_LOCATION_UNPROVEN_MESSAGES = frozenset({"", "tried", "used"})


def has_way_in(service: Service, project: Project) -> bool:
    """Whether requests from outside the host may reach a service: a port of it is published on more than the host's own
    loopback address, it is on the host's network, or a proxy is told of it."""
    merged_node, _ = merged_node_and_is_complete(service, project)
    if merged_node.get("network_mode") == "host" or is_routed_by_proxy(service):
        return True
    return bool(merged_node.get("ports")) and not all(is_published_on_loopback(one) for one in port_specs(merged_node, service.env_values))


def is_reached_by_strangers(service: Service, project: Project) -> bool:
    """Whether a service is surely reached from beyond its host: by a port on every interface, the host's network or a proxy."""
    merged_node, _ = merged_node_and_is_complete(service, project)
    if merged_node.get("network_mode") == "host" or is_routed_by_proxy(service):
        return True
    return any(is_on_every_interface(one) is True for one in port_specs(merged_node, service.env_values))


def lower_unless_stranger_gets_in(told: Hit, subject: Variable | EnvValue, verdict: SecretVerdict, project: Project) -> Hit:
    """A hit on a secret, medium where no file shows that strangers get in with it.

    What a service gave out is worth something wherever it is used, and so is what a machine made for an application to sign with. A word that
    everybody tries opens what asks for it, and only for those who get there.
    """
    is_worth_something = not verdict.is_guessed and (
        verdict.strength is SecretStrength.SHAPE
        or (
            verdict.strength is SecretStrength.RANDOM and (secrets.is_signing_key_name(subject.name) or secrets.is_application_key_name(subject.name))
        )
    )
    if is_worth_something or (told.severity is not None and told.severity <= Severity.MEDIUM):
        return told
    is_door = _is_door(subject, project)
    if is_door and verdict.is_guessed:
        return told
    message_name = "inside" if not is_door and told.message_name in _LOCATION_UNPROVEN_MESSAGES else told.message_name
    return told._replace(severity=Severity.MEDIUM, message_name=message_name)


def _is_door(subject: Variable | EnvValue, project: Project) -> bool:
    """Whether a setting lets a stranger in at one of the services that take it."""
    if isinstance(subject, Variable) and subject.env_file_value is None:
        return _lets_stranger_in(subject.owner, subject.name, project)
    source, span = (subject.source, subject.entry.value_span) if isinstance(subject, EnvValue) else (subject.source, subject.setting.span)
    takers = project.memoize(_takers_by_line).get(_line_key(source, span), ())
    return any(_lets_stranger_in(service, variable_name, project) for service, variable_name in takers)


def _line_key(source: Source, span: Span) -> tuple[str, int]:
    return source.path, source.position_of(span.start).line


def _takers_by_line(project: Project) -> dict[tuple[str, int], list[tuple[Service, str]]]:
    """(path, line) of an environment file -> the services that take the value there, and what it is called with them."""
    takers_by_line: dict[tuple[str, int], list[tuple[Service, str]]] = {}
    for document in project.documents_of_kind("compose"):
        for service in document.services.values():
            settings = value_and_location_by_variable(service, project, service.extended_node)
            for variable_name, (text, place) in settings.items():
                if place.source is not service.source:
                    takers_by_line.setdefault(_line_key(place.source, place.span), []).append((service, variable_name))
                    continue
                for filled_in_name in expand_scalar(text, document.environment.values_with_secrets).variable_names:
                    setting = document.environment.env_file_values.get(filled_in_name)
                    if setting is not None:
                        takers_by_line.setdefault(_line_key(setting.source, setting.span), []).append((service, variable_name))
    return takers_by_line


def _lets_stranger_in(service: Service, variable_name: str, project: Project) -> bool:
    """Whether strangers reach what asks for a setting of a service.

    That is the server of the account in an address, or whose host a setting beside names; the service itself where it is a store, or where the
    setting is the password of its administrator or a key that it signs with. Every other password may be one with which the service logs in
    somewhere else.
    """
    text_by_variable = project.memoize_for_subject(_text_by_variable, service)
    text = text_by_variable.get(variable_name, "")
    account = next(secrets.find_url_accounts(text), None) if "://" in text else None
    host = account.host if account is not None else "" if is_store(service, project) else secrets.host_of_password(variable_name, text_by_variable)
    if host:
        server = project.memoize(join_compose_files).application_of(service.document).services().get(host)
        return server is not None and is_reached_by_strangers(server, project)
    if is_store(service, project):
        is_password = secrets.is_password_name(variable_name) or variable_name == "NEO4J_AUTH"
        return is_password and (is_reached_by_strangers(service, project) or _has_open_console(service, project))
    if not is_reached_by_strangers(service, project):
        return False
    if secrets.is_database_name(variable_name):
        return False
    return secrets.is_administrator_password(variable_name, text_by_variable) or secrets.is_application_key_name(variable_name)


def _has_open_console(service: Service, project: Project) -> bool:
    """Whether strangers reach a console of a service's app, through which they log in to its stores."""
    service_by_name = project.memoize(join_compose_files).application_of(service.document).services()
    return any(one.role == "console" and is_reached_by_strangers(one, project) for one in service_by_name.values())


def _text_by_variable(service: Service, project: Project) -> Mapping[str, str]:
    """What a service's variables hold, with what environment files fill in."""
    value_by_name = service.document.environment.values_with_secrets
    settings = value_and_location_by_variable(service, project, service.extended_node)
    return {name: expand_scalar(text, value_by_name).text for name, (text, _) in settings.items()}
