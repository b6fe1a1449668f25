"""Credentials that two services of a project state: what a client says, and what its server is given."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from readiness.checks.compose.reach import closed_store_names, is_plain_store
from readiness.facts.table import fact_rows
from readiness.kinds.compose.application import env_file_values, join_compose_files
from readiness.kinds.compose.model import Service, Variable
from readiness.kinds.compose.parts import expand_scalar, mount_specs, substring_span, variable_settings
from readiness.kinds.compose.words import service_variables
from readiness.kinds.variables import texts_by_name
from readiness.model import CheckOutcome, Hit, Related, Severity, Source, Span, hit
from readiness.model.project import Project
from readiness.syntax import secrets
from readiness.syntax.holes import has_variable
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK, single_variable_and_default
from readiness.syntax.secrets import SecretStrength, SecretVerdict
from readiness.syntax.yaml import Map

_REQUIREPASS_OPTION = re.compile(r"--requirepass[ =]+[\"']?(?P<password>[^\s\"']{1,200})")
_CREDENTIAL_PIECE_PATTERN = r"(?:\$\{[^{}]{1,200}\}|[^:/@\s${}])"
_URL_WITH_CREDENTIALS = re.compile(
    rf"\b[a-z][a-z0-9+.-]{{1,30}}://(?P<user>{_CREDENTIAL_PIECE_PATTERN}{{0,100}}):(?P<password>{_CREDENTIAL_PIECE_PATTERN}{{1,200}})@(?P<host>[A-Za-z0-9_.-]{{1,200}})"
)
_HOST_VARIABLE = re.compile(r"(?P<prefix>[A-Z0-9_]*?)_?(?:HOST|HOSTNAME|SERVER|ADDR|ADDRESS)\Z")
_PASSWORD_VARIABLE_ENDINGS = ("PASSWORD", "PASS", "PWD")
_USER_VARIABLE_ENDINGS = ("USER", "USERNAME")


@dataclass(frozen=True, slots=True)
class _ValuePlace:
    """Where a value stands: in the compose file, or in an environment file."""

    source: Source
    span: Span


@dataclass(frozen=True, slots=True)
class _ServerAccount:
    """What a server gives one of its users: texts as they are written, with their variables."""

    user: str
    password: str
    place: _ValuePlace


def credentials_differ(service: Service, project: Project) -> CheckOutcome:
    """A password that a service sends and that is not the one its server has."""
    services = project.memoize(join_compose_files).application_of(service.document).services()
    values = service.document.environment.values_with_secrets
    known: dict[str, list[_ServerAccount]] = {}
    for variable, host, user, password, place in _client_logins(service, project):
        server = services.get(host)
        if server is None or server is service:
            continue
        if host not in known:
            known[host] = list(_server_accounts(server, project))
        accounts = known[host]
        named = [account for account in accounts if _is_different(account.user, user or "default", values) is False]
        if not (named or _may_be_made_by_scripts(server) or _may_make_users(service, project, accounts)):
            named = accounts  # a user whom the server does not have gets in with no password at all
        if named and all(_is_different(one.password, password, values) for one in named):
            given = named[0].place
            related = [Related(given.source, given.span, "the server is given another one")]
            yield hit(place.span, at=place.source, variable=variable, server=host, related=related)


PlaceKey = tuple[str, int]  # path and offset of a value


@dataclass(frozen=True, slots=True)
class PasswordCopies:
    """Passwords that clients log in with and that their servers are given in the same words, by their places.

    `clients_by_server` has the places of the clients' copies, `beyond` those of logins to hosts that no file brings.
    """

    copied: frozenset[PlaceKey]
    clients_by_server: Mapping[PlaceKey, Sequence[Related]]
    beyond: frozenset[PlaceKey]


def password_copies(project: Project) -> PasswordCopies:
    """The copies of all compose files. A server that is not asked what its client is asked has none, nor has one whose
    password another rule tells of."""
    copied: set[PlaceKey] = set()
    clients: dict[PlaceKey, list[Related]] = {}
    beyond: set[PlaceKey] = set()
    applications = project.memoize(join_compose_files)
    for document in project.documents_of_kind("compose"):
        services = applications.application_of(document).services()
        for service in document.services.values():
            for variable, host, user, password, place in _client_logins(service, project):
                server = services.get(host)
                key = (place.source.path, place.span.start)
                if server is None and _is_service_name(host):
                    beyond.add(key)
                if server is None or server is service or has_variable(password):
                    continue
                sent = (
                    secrets.classify_value(variable, password)
                    if secrets.is_secret_name(variable)
                    else secrets.classify_value(variable, f"login://{user}:{password}@{host}")
                )
                there = _same_password(server, password, sent, project)
                asked = server.production_whatever_lets_in or not service.production_whatever_lets_in
                if there is None or not asked or (there.source.path, there.span.start) == key:
                    continue
                if _is_env_file(there, project) is _is_env_file(place, project):
                    copied.add(key)
                    related = Related(place.source, place.span, f"{service.name!r} logs in with it")
                    clients.setdefault((there.source.path, there.span.start), []).append(related)
    return PasswordCopies(frozenset(copied), clients, frozenset(beyond))


def lowered_for_closed_store(told: Hit, key: PlaceKey, project: Project) -> Hit:
    """A hit on a password, medium where it is that of a store which nothing outside of its own project reaches.

    Low where the server that a client logs in to lets everybody in, which another rule tells.
    """
    server = project.memoize(_open_server_by_password).get(key, "")
    if server and (told.severity is None or told.severity > Severity.LOW):
        return told._replace(severity=Severity.LOW, message_name="unasked", facts={**told.facts, "store": server})
    store = project.memoize(_closed_store_by_password).get(key, "")
    if not store or (told.severity is not None and told.severity <= Severity.MEDIUM):
        return told
    say = "closed" if told.message_name != "described" else told.message_name
    return told._replace(severity=Severity.MEDIUM, message_name=say, facts={**told.facts, "store": store})


def _closed_store_by_password(project: Project) -> dict[PlaceKey, str]:
    """The places of passwords that let in at closed stores alone, each with the name of its store.

    They are those that the stores are given, and those that their clients log in with. One that a store of another file is
    given, or that is set under the name of another secret, opens something else as well.
    """
    closed: dict[PlaceKey, str] = {}
    opened: set[PlaceKey] = set()
    applications = project.memoize(join_compose_files)
    for document in project.documents_of_kind("compose"):
        app = applications.application_of(document)
        shut = closed_store_names(app, project)
        for service in document.services.values():
            logins: set[str] = set()
            for variable, host, _, password, place in _client_logins(service, project) if shut else ():
                if host in shut and host != service.name:
                    logins.add(variable)
                    closed |= dict.fromkeys(_password_places(password, place, service), host)
            for name, (text, place) in _stated_values(service, project, service.extended_node).items():
                places = _password_places(text, place, service)
                if service.name in shut and secrets.is_password_name(name):
                    closed |= dict.fromkeys(places, service.name)
                elif name not in logins and _may_open_more(name, text, service):
                    opened.update(places)
    return {key: store for key, store in closed.items() if key not in opened}


def _open_server_by_password(project: Project) -> dict[PlaceKey, str]:
    """The places of passwords with which clients log in to servers that ask for none, each with the name of its server."""
    found: dict[PlaceKey, str] = {}
    applications = project.memoize(join_compose_files)
    for document in project.documents_of_kind("compose"):
        services = applications.application_of(document).services()
        open_names = {name for name, one in services.items() if _lets_everybody_in(one, project)}
        for service in document.services.values() if open_names else ():
            for variable, host, _, password, place in _client_logins(service, project):
                weak = secrets.classify_value(variable, password).strength < SecretStrength.RANDOM
                if host in open_names and host != service.name and weak:
                    found[place.source.path, place.span.start] = host
    return found


def _lets_everybody_in(service: Service, project: Project) -> bool:
    """Whether a setting of a server says that it asks nobody for a password."""
    known = service.image_facts
    if known is None or not known.auth_off_values:
        return False
    return any(
        known.opens_to_all(name, value or "") for name, value in texts_by_name(service_variables(service, project)).items()
    )


def _may_open_more(name: str, text: str, service: Service) -> bool:
    """Whether what a service is given under a name may be something else than the password of a store beside it."""
    if is_plain_store(service):
        return secrets.is_password_name(name)
    if secrets.is_password_name(name) and (secrets.names_database(name) or secrets.sets_store_password(name)):
        return False  # a client's copy, whose host is not told
    return secrets.is_secret_name(name) or "://" in text


def _password_places(text: str, place: _ValuePlace, service: Service) -> Iterator[PlaceKey]:
    """Where a password stands: its own place, and those in environment files of the variables that it is made of."""
    yield place.source.path, place.span.start
    given = service.document.environment.env_file_values
    for name in expand_scalar(text).variable_names if has_variable(text) else ():
        if name in given:
            yield given[name].source.path, given[name].span.start


def is_password_moot(variable: Variable, project: Project) -> bool:
    """Whether a server lets everybody in as whom a password is for, which another rule tells; a random one may be in use elsewhere."""
    known = variable.owner.image_facts if variable.where != "args" else None
    if known is None or variable.name not in known.moot_passwords:
        return False
    verdict = secrets.classify_value(variable.name, variable.setting.raw_value)
    moot = known.is_password_moot(variable.name, texts_by_name(service_variables(variable.owner, project)))
    return moot and verdict.strength < SecretStrength.RANDOM


def _is_service_name(host: str) -> bool:
    """Whether a host can only be a service of some compose file: one word, and not the machine itself."""
    return "." not in host and UNKNOWN_VALUE_MARK not in host and not has_variable(host) and host != "localhost"


def _is_env_file(place: _ValuePlace, project: Project) -> bool:
    """Whether a value stands in an environment file."""
    return all(document.source is not place.source for document in project.documents_of_kind("compose"))


def _same_password(server: Service, password: str, sent: SecretVerdict, project: Project) -> _ValuePlace | None:
    """Where a server is given a password in the same words and told so by the same rule."""
    for name, (text, place) in _stated_values(server, project, server.extended_node).items():
        if text != password or not secrets.is_password_name(name):
            continue
        given = secrets.classify_value(name, text)
        if given.is_exposed and given.is_guessed is sent.is_guessed:
            return place
    return None


def _stated_values(service: Service, project: Project, node: Map) -> dict[str, tuple[str, _ValuePlace]]:
    """name -> (text, place) of a service's variables: those of its environment files, then those that it writes.

    What a variable inside an environment file hides is written as a variable without a name.
    """
    stated: dict[str, tuple[str, _ValuePlace]] = {}
    for name, setting in env_file_values(service, project)[0].items():
        text = setting.value.replace("$", "$$").replace(UNKNOWN_VALUE_MARK, "${?}")
        stated[name] = text, _ValuePlace(setting.source, setting.span)
    for one in variable_settings(service.source, node, "environment"):
        if isinstance(one.raw_value, str | int) or one.raw_value is None:
            text = f"${{{one.name}}}" if one.raw_value is None else str(one.raw_value)
            stated[one.name] = text, _ValuePlace(service.source, one.span)
    return stated


def _may_be_made_by_scripts(server: Service) -> bool:
    """Whether scripts that are mounted, or built in, may make users that the environment does not name."""
    mounts = mount_specs(server.extended_node)
    return server.builds or any("initdb" in one.target or UNKNOWN_VALUE_MARK in one.target for one in mounts)


def _may_make_users(service: Service, project: Project, accounts: Sequence[_ServerAccount]) -> bool:
    """Whether a client is given a password of the server's, with which it may make the user that it then logs in as."""
    values = service.document.environment.values_with_secrets
    texts = [text for text, _ in _stated_values(service, project, service.node).values()]
    return any(_is_different(account.password, text, values) is False for account in accounts for text in texts)


def _server_accounts(service: Service, project: Project) -> Iterator[_ServerAccount]:
    """The users of a server, as its environment or its command makes them; none where a part of it was not read."""
    if not env_file_values(service, project)[1]:
        return
    given = _stated_values(service, project, service.extended_node)
    for password, row in fact_rows("store-accounts").items():
        text, place = given.get(password, ("", None))
        if text and place is not None:
            user = row.get("user", "")
            yield _ServerAccount(given[user][0] if user in given else row.get("default", ""), text, place)
    match = _REQUIREPASS_OPTION.search(_raw_command(service.extended_node.get("command")))
    if match:
        place = _ValuePlace(service.source, service.extended_node.at("command"))
        yield _ServerAccount("default", match["password"], place)


def _raw_command(value: Any) -> str:
    """A command as it is written, on one line."""
    return value if isinstance(value, str) else " ".join(map(str, value or ()))


ClientLogin = tuple[str, str, str, str, _ValuePlace]  # variable, host, user, password, its place


def _client_logins(service: Service, project: Project) -> Iterator[ClientLogin]:
    """The logins that a service's environment holds: URLs, and variables that belong together by their names."""
    stated = _stated_values(service, project, service.node)
    texts = {name: text for name, (text, _) in stated.items()}
    places = {name: place for name, (_, place) in stated.items()}
    for name, text in texts.items():
        for match in _URL_WITH_CREDENTIALS.finditer(text):
            whole = places[name]
            span = substring_span(whole.source, whole.span, text, *match.span("password"))
            user, password = unquote(match["user"]), unquote(match["password"])
            yield name, match["host"], user, password, _ValuePlace(whole.source, span)
        about = _HOST_VARIABLE.match(name)
        if about:
            user = _first_variable(texts, about["prefix"], _USER_VARIABLE_ENDINGS)
            password = _first_variable(texts, about["prefix"], _PASSWORD_VARIABLE_ENDINGS)
            if user and password:
                values = service.document.environment.values_with_secrets
                host = expand_scalar(text, values).text.partition(":")[0]
                yield password, host, texts[user], texts[password], places[password]


def _first_variable(texts: dict[str, str], prefix: str, words: Sequence[str]) -> str:
    """The first of the variables PREFIX_WORD, or PREFIXWORD, that is set to something."""
    names = (f"{prefix}{sign}{word}".lstrip("_") for word in words for sign in ("_", ""))
    return next((name for name in names if texts.get(name)), "")


def _is_different(first: str, second: str, values: Mapping[str, str]) -> bool | None:
    """Whether two written values differ where nobody sets anything else; None where nobody can tell."""
    if first == second:
        return False
    filled = expand_scalar(first, values), expand_scalar(second, values)
    if all(one.is_determined and all(name in values for name in one.variable_names) for one in filled):
        return filled[0].text != filled[1].text
    first_default, second_default = (
        single_variable_and_default(first),
        single_variable_and_default(second),
    )
    if first_default is not None and second_default is not None:
        # Of two variables each may be set to what the other is.
        return (
            first_default[1] != second_default[1]
            if first_default[0] == second_default[0] and not has_variable(first_default[1] + second_default[1])
            else None
        )
    if has_variable(first) or has_variable(second):
        same = expand_scalar(first).text == expand_scalar(second).text
        return False if same and UNKNOWN_VALUE_MARK not in expand_scalar(first).text else None
    return True
