"""Credentials that two services of a project state: what a client says, and what its server is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from readiness.checks.compose.client_logins import (
    ClientLogin,
    ValuePlace,
    client_logins,
    hosts_of_variables,
    value_and_location_by_variable,
)
from readiness.checks.compose.reach import is_store, names_of_closed_stores
from readiness.facts.table import fact_row_by_name
from readiness.kinds.compose.application import env_file_values_and_is_complete, join_compose_files
from readiness.kinds.compose.model import Service, Variable
from readiness.kinds.compose.parts import expand_scalar, mount_specs
from readiness.kinds.compose.words import variable_settings_by_name
from readiness.kinds.variables import filled_variable_names, texts_by_name
from readiness.model import CheckOutcome, Hit, Related, Severity, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.model.records import dataclass
from readiness.syntax import secrets
from readiness.syntax.holes import has_variable_sign
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK, single_variable_and_default
from readiness.syntax.secrets import SecretStrength, SecretVerdict

_REQUIREPASS_OPTION = lazy_regex(r"--requirepass[ =]+[\"']?(?P<password>[^\s\"']{1,200})")


@dataclass(frozen=True, slots=True)
class _ServerAccount:
    """What a server gives one of its users: texts as they are written, with their variables."""

    user: str
    password: str
    place: ValuePlace


def credentials_differ(service: Service, project: Project) -> CheckOutcome:
    """A password that a service sends and that is not the one its server has."""
    service_by_name = project.memoize(join_compose_files).application_of(service.document).services()
    value_by_variable = service.document.environment.values_with_secrets
    accounts_by_host: dict[str, list[_ServerAccount]] = {}
    for variable_name, host_name, user, password, password_location in client_logins(service, project):
        server_service = service_by_name.get(host_name)
        if server_service is None or server_service is service:
            continue
        if host_name not in accounts_by_host:
            accounts_by_host[host_name] = list(_server_accounts(server_service, project))
        server_accounts = accounts_by_host[host_name]
        possible_accounts = [
            account for account in server_accounts if _are_values_different(account.user, user or "default", value_by_variable) is False
        ]
        if not (possible_accounts or _may_scripts_make_users(server_service) or _may_client_make_users(service, project, server_accounts)):
            possible_accounts = server_accounts  # a user whom the server does not have gets in with no password at all
        if possible_accounts and all(_are_values_different(one.password, password, value_by_variable) for one in possible_accounts):
            server_location = possible_accounts[0].place
            related_locations = [Related(server_location.source, server_location.span, "the server is given another one")]
            yield hit(
                password_location.span,
                at=password_location.source,
                variable=variable_name,
                server=host_name,
                related=related_locations,
            )


LocationKey = tuple[str, int]  # path and offset of a value


@dataclass(frozen=True, slots=True)
class PasswordCopies:
    """Passwords that clients log in with and that their servers are given in the same words, by their places.

    `clients_by_server` has the places of the clients' copies, `beyond` those of logins to hosts that no file brings.
    """

    copied: frozenset[LocationKey]
    clients_by_server: Mapping[LocationKey, Sequence[Related]]
    beyond: frozenset[LocationKey]


def password_copies(project: Project) -> PasswordCopies:
    """The copies of all compose files. A server that is not asked what its client is asked has none, nor has one whose
    password another rule tells of."""
    copied_locations: set[LocationKey] = set()
    client_copies_by_server_location: dict[LocationKey, list[Related]] = {}
    unresolved_host_locations: set[LocationKey] = set()
    joined_files = project.memoize(join_compose_files)
    for document in project.documents_of_kind("compose"):
        service_by_name = joined_files.application_of(document).services()
        for service in document.services.values():
            for variable_name, host, user, password, client_location in _logins_and_copies(service, service_by_name, project):
                server_service = service_by_name.get(host)
                client_location_key = (client_location.source.path, client_location.span.start)
                if server_service is None and _may_be_service_name(host):
                    unresolved_host_locations.add(client_location_key)
                if server_service is None or server_service is service or has_variable_sign(password):
                    continue
                client_verdict = (
                    secrets.classify_value(variable_name, password)
                    if secrets.is_secret_name(variable_name)
                    else secrets.classify_value(variable_name, f"login://{user}:{password}@{host}")
                )
                server_location = _location_of_same_password(server_service, password, client_verdict, project)
                is_server_judged = server_service.production_whatever_lets_in or not service.production_whatever_lets_in
                if (
                    server_location is None
                    or not is_server_judged
                    or (server_location.source.path, server_location.span.start) == client_location_key
                ):
                    continue
                if _is_in_env_file(server_location, project) is _is_in_env_file(client_location, project):
                    copied_locations.add(client_location_key)
                    client_copy = Related(client_location.source, client_location.span, f"{service.name!r} logs in with it")
                    client_copies_by_server_location.setdefault((server_location.source.path, server_location.span.start), []).append(client_copy)
    return PasswordCopies(frozenset(copied_locations), client_copies_by_server_location, frozenset(unresolved_host_locations))


def _logins_and_copies(service: Service, service_by_name: Mapping[str, Service], project: Project) -> Iterator[ClientLogin]:
    """The logins of a service, and passwords of stores that it has in the stores' own words beside a store's host under a name
    that does not go with theirs: `HOST: db` and `POSTGRES_PASS`, `MYSQL_HOST: mysql` and `MYSQL_ROOT_PASS`."""
    login_variables: set[str] = set()
    for client_login in client_logins(service, project):
        login_variables.add(client_login[0])
        yield client_login
    value_and_location_by_name = value_and_location_by_variable(service, project, service.node)
    hosts = [
        host
        for host in hosts_of_variables(service, {name: text for name, (text, _) in value_and_location_by_name.items()})
        if host in service_by_name and host != service.name and is_store(service_by_name[host], project)
    ]
    if not hosts or is_store(service, project):
        return
    for variable_name, (password_text, password_location) in value_and_location_by_name.items():
        if variable_name in login_variables or not _is_password_of_store_name(variable_name):
            continue
        for host in hosts:
            server_settings = value_and_location_by_variable(service_by_name[host], project, service_by_name[host].extended_node)
            is_servers_own_place = any(one == password_location for _, one in server_settings.values())
            if (
                password_text
                and not is_servers_own_place
                and any(
                    server_text == password_text and secrets.is_password_name(server_name)
                    for server_name, (server_text, _) in server_settings.items()
                )
            ):
                yield variable_name, host, "", password_text, password_location
                break


def _is_password_of_store_name(variable_name: str) -> bool:
    """Whether a name is that of a password with which one logs in to a store."""
    return secrets.is_password_name(variable_name) and (secrets.is_database_name(variable_name) or secrets.is_store_password_name(variable_name))


def lower_severity_for_closed_store(told: Hit, key: LocationKey, project: Project) -> Hit:
    """A hit on a password, medium where it is that of a store which nothing outside of its own project reaches.

    Low where the server that a client logs in to lets everybody in, which another rule tells.
    """
    open_server = project.memoize(_open_server_by_password_location).get(key, "")
    if open_server and (told.severity is None or told.severity > Severity.LOW):
        return told._replace(severity=Severity.LOW, message_name="unasked", facts={**told.facts, "store": open_server})
    closed_store = project.memoize(_closed_store_by_password_location).get(key, "")
    if not closed_store or (told.severity is not None and told.severity <= Severity.MEDIUM):
        return told
    message_name = "closed" if told.message_name != "described" else told.message_name
    return told._replace(severity=Severity.MEDIUM, message_name=message_name, facts={**told.facts, "store": closed_store})


def _closed_store_by_password_location(project: Project) -> dict[LocationKey, str]:
    """The places of passwords that let in at closed stores alone, each with the name of its store.

    They are those that the stores are given, and those that their clients log in with. One that a store of another file is
    given, or that is set under the name of another secret, opens something else as well.
    """
    store_by_location: dict[LocationKey, str] = {}
    reused_locations: set[LocationKey] = set()
    joined_files = project.memoize(join_compose_files)
    for document in project.documents_of_kind("compose"):
        application = joined_files.application_of(document)
        closed_stores = names_of_closed_stores(application, project)
        for service in document.services.values():
            login_variables: set[str] = set()
            for variable_name, host, _, password, value_location in (
                _logins_and_copies(service, application.services(), project) if closed_stores else ()
            ):
                if host in closed_stores and host != service.name:
                    login_variables.add(variable_name)
                    store_by_location |= dict.fromkeys(_password_locations(password, value_location, service), host)
            for stated_name, (value_text, value_location) in value_and_location_by_variable(service, project, service.extended_node).items():
                password_locations = _password_locations(value_text, value_location, service)
                if service.name in closed_stores and secrets.is_password_name(stated_name):
                    store_by_location |= dict.fromkeys(password_locations, service.name)
                elif stated_name not in login_variables and _may_be_other_secret(stated_name, value_text, service, project):
                    reused_locations.update(password_locations)
    return {key: store for key, store in store_by_location.items() if key not in reused_locations}


def _open_server_by_password_location(project: Project) -> dict[LocationKey, str]:
    """The places of passwords with which clients log in to servers that ask for none, each with the name of its server."""
    server_by_location: dict[LocationKey, str] = {}
    joined_files = project.memoize(join_compose_files)
    for document in project.documents_of_kind("compose"):
        service_by_name = joined_files.application_of(document).services()
        open_server_names = {name for name, one in service_by_name.items() if _has_authentication_off(one, project)}
        for service in document.services.values() if open_server_names else ():
            for variable_name, host, _, password, password_location in _logins_and_copies(service, service_by_name, project):
                is_weak_password = secrets.classify_value(variable_name, password).strength < SecretStrength.RANDOM
                if host in open_server_names and host != service.name and is_weak_password:
                    server_by_location[password_location.source.path, password_location.span.start] = host
    return server_by_location


def _has_authentication_off(server_service: Service, project: Project) -> bool:
    """Whether a setting of a server says that it asks nobody for a password."""
    image_facts = server_service.image_facts
    if image_facts is None or not image_facts.auth_off_values:
        return False
    settings = variable_settings_by_name(server_service, project)
    filled_variables = filled_variable_names(settings)
    return any(image_facts.opens_to_all(name, value or "", filled_variables) for name, value in texts_by_name(settings).items())


def _may_be_other_secret(variable_name: str, value_text: str, service: Service, project: Project) -> bool:
    """Whether what a service is given under a name may be something else than the password of a store beside it."""
    if is_store(service, project):
        return secrets.is_password_name(variable_name)
    if _is_password_of_store_name(variable_name):
        return False  # a client's copy, whose host is not told
    return secrets.is_secret_name(variable_name) or "://" in value_text


def _password_locations(password_text: str, password_location: ValuePlace, service: Service) -> Iterator[LocationKey]:
    """Where a password stands: its own place, and those in environment files of the variables that it is made of."""
    yield password_location.source.path, password_location.span.start
    setting_by_name = service.document.environment.env_file_values
    for variable_name in expand_scalar(password_text).variable_names if has_variable_sign(password_text) else ():
        if variable_name in setting_by_name:
            yield setting_by_name[variable_name].source.path, setting_by_name[variable_name].span.start


def is_password_unused_by_open_server(variable: Variable, project: Project) -> bool:
    """Whether a server lets everybody in as whom a password is for, which another rule tells; a random one may be in use elsewhere."""
    image_facts = variable.owner.image_facts if variable.where != "args" else None
    if image_facts is None or variable.name not in image_facts.moot_passwords:
        return False
    secret_verdict = secrets.classify_value(variable.name, variable.setting.raw_value)
    is_password_unused = image_facts.is_password_moot(variable.name, texts_by_name(variable_settings_by_name(variable.owner, project)))
    return is_password_unused and secret_verdict.strength < SecretStrength.RANDOM


def _may_be_service_name(host: str) -> bool:
    """Whether a host can only be a service of some compose file: one word, and not the machine itself."""
    return "." not in host and UNKNOWN_VALUE_MARK not in host and not has_variable_sign(host) and host != "localhost"


def _is_in_env_file(value_location: ValuePlace, project: Project) -> bool:
    """Whether a value stands in an environment file."""
    return all(document.source is not value_location.source for document in project.documents_of_kind("compose"))


def _location_of_same_password(server: Service, password: str, client_verdict: SecretVerdict, project: Project) -> ValuePlace | None:
    """Where a server is given a password in the same words and told so: by the same rule, or by that for what is written down where the
    client's URL alone shows that the password is the name of its user."""
    for variable_name, (value_text, value_location) in value_and_location_by_variable(server, project, server.extended_node).items():
        if value_text != password or not secrets.is_password_name(variable_name):
            continue
        server_verdict = secrets.classify_value(variable_name, value_text)
        if server_verdict.is_exposed and (client_verdict.is_guessed or not server_verdict.is_guessed):
            return value_location
    return None


def _may_scripts_make_users(server: Service) -> bool:
    """Whether scripts that are mounted, or built in, may make users that the environment does not name."""
    mount_list = mount_specs(server.extended_node)
    return server.builds or any("initdb" in one.target or UNKNOWN_VALUE_MARK in one.target for one in mount_list)


def _may_client_make_users(service: Service, project: Project, accounts: Sequence[_ServerAccount]) -> bool:
    """Whether a client is given a password of the server's, with which it may make the user that it then logs in as."""
    value_by_variable = service.document.environment.values_with_secrets
    client_values = [text for text, _ in value_and_location_by_variable(service, project, service.node).values()]
    return any(_are_values_different(account.password, text, value_by_variable) is False for account in accounts for text in client_values)


def _server_accounts(service: Service, project: Project) -> Iterator[_ServerAccount]:
    """The users of a server, as its environment or its command makes them; none where a part of it was not read."""
    if not env_file_values_and_is_complete(service, project)[1]:
        return
    value_and_location_by_name = value_and_location_by_variable(service, project, service.extended_node)
    for password_variable, account_facts in fact_row_by_name("store-accounts").items():
        password_text, password_location = value_and_location_by_name.get(password_variable, ("", None))
        if password_text and password_location is not None:
            user_variable = account_facts.get("user", "")
            yield _ServerAccount(
                value_and_location_by_name[user_variable][0] if user_variable in value_and_location_by_name else account_facts.get("default", ""),
                password_text,
                password_location,
            )
    requirepass_option = _REQUIREPASS_OPTION.search(_command_text(service.extended_node.get("command")))
    if requirepass_option:
        password_location = ValuePlace(service.source, service.extended_node.at("command"))
        yield _ServerAccount("default", requirepass_option["password"], password_location)


def _command_text(command_value: Any) -> str:
    """A command as it is written, on one line."""
    return command_value if isinstance(command_value, str) else " ".join(map(str, command_value or ()))


def _are_values_different(first_text: str, second_text: str, value_by_variable: Mapping[str, str]) -> bool | None:
    """Whether two written values differ where nobody sets anything else; None where nobody can tell."""
    if first_text == second_text:
        return False
    expanded_texts = expand_scalar(first_text, value_by_variable), expand_scalar(second_text, value_by_variable)
    if all(one.is_determined and all(name in value_by_variable for name in one.variable_names) for one in expanded_texts):
        return expanded_texts[0].text != expanded_texts[1].text
    first_variable_and_default, second_variable_and_default = (
        single_variable_and_default(first_text),
        single_variable_and_default(second_text),
    )
    if first_variable_and_default is not None and second_variable_and_default is not None:
        # Of two variables each may be set to what the other is.
        return (
            first_variable_and_default[1] != second_variable_and_default[1]
            if first_variable_and_default[0] == second_variable_and_default[0]
            and not has_variable_sign(first_variable_and_default[1] + second_variable_and_default[1])
            else None
        )
    if has_variable_sign(first_text) or has_variable_sign(second_text):
        are_expansions_equal = expand_scalar(first_text).text == expand_scalar(second_text).text
        return False if are_expansions_equal and UNKNOWN_VALUE_MARK not in expand_scalar(first_text).text else None
    return True
