"""Logins of containers: to which server a password is for, whether the files bring it, and who else states the password."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from readiness.facts import public_images
from readiness.kinds.k8s.deliveries import begins_with_name
from readiness.kinds.k8s.effective import is_variable
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.model import Container
from readiness.kinds.k8s.traffic import services_of
from readiness.kinds.purpose import is_non_production_path
from readiness.kinds.units import file_distance
from readiness.model import Hit, Related, Severity, Source, Span
from readiness.model.project import Project
from readiness.syntax import secrets
from readiness.syntax.holes import has_template, has_variable
from readiness.syntax.image import parse_image
from readiness.syntax.secrets import SecretStrength, SecretVerdict

_MAX_LINE_CHARACTERS = 2000
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1"})


@dataclass(frozen=True, slots=True)
class StatedPassword:
    """A password in a container's environment: the container, the name of the variable and its place."""

    container: Container
    name: str
    span: Span

    @property
    def source(self) -> Source:
        """The source that it stands in."""
        return self.container.source


def literal_variables(container: Container) -> Iterator[tuple[str, object, Span]]:
    """The variables of a container that have a value in the file: name, value, its place."""
    for setting in container.variable_settings:
        if setting.raw_value is not None:
            yield setting.name, setting.raw_value, setting.span


def literal_settings(container: Container) -> dict[str, str]:
    """The variables of a container that are texts in the file."""
    return {name: value for name, value, _ in literal_variables(container) if isinstance(value, str)}


def _login(name: str, value: str, settings: Mapping[str, str]) -> tuple[str, str]:
    """(host, password) of a variable: those of the account in a URL, else its value with the host beside it."""
    account = next(secrets.find_accounts(value), None)
    return (account.host, account.password) if account else (secrets.host_beside(name, settings), value)


def is_login_idle(verdict: SecretVerdict, name: str, value: str, settings: Mapping[str, str], project: Project) -> bool:
    """Whether a password opens nothing that the files show: a default one of a server that they do not bring, or one of a
    store that a switch beside it puts another in place of. What a machine made is in use somewhere."""
    if verdict.strength >= SecretStrength.RANDOM:
        return False
    if secrets.uses_other_store(name, settings):
        return True
    host = _login(name, value, settings)[0]
    default = verdict.is_guessed or verdict.strength is SecretStrength.WORD
    return default and bool(host) and _is_beyond_files(host, project)


def is_login_moot(container: Container, name: str, verdict: SecretVerdict) -> bool:
    """Whether a password lets in nobody whom the server does not let in without one, which another rule tells.

    What a machine made may be in use elsewhere.
    """
    known = public_images.facts_of_public_image(parse_image(container.image)) if container.image else None
    moot = known is not None and known.is_password_moot(name, literal_settings(container))
    return moot and verdict.strength < SecretStrength.RANDOM


def lowered_for_open_server(told: Hit, container: Container, name: str, value: str, project: Project) -> Hit:
    """A hit on a login's password, lowered where its server asks for none, as the files show.

    Low where the server is told to let everybody in, medium where another container logs in there as the same user without a
    password, which its image may still bring.
    """
    settings = literal_settings(container)
    host, _ = _login(name, value, settings)
    first = host.partition(".")[0]
    severity, say, shown = Severity.LOW, "unasked", project.memoize(_open_servers).get(first)
    if shown is None:
        user = next((user for _, user, other in _users_with_host(settings) if other == host), "")
        severity, say, shown = Severity.MEDIUM, "spared", project.memoize(_logins_without_password).get((first, user))
    if not host or shown is None or shown.container.pod is container.pod:
        return told
    if told.severity is not None and told.severity <= severity:
        return told
    there = Related(shown.source, shown.span, "here it is not asked" if say == "unasked" else "this login has no password")
    return told._replace(
        severity=severity, message_name=say, facts={**told.facts, "server": first}, related=(*told.related, there)
    )


def _open_servers(project: Project) -> dict[str, StatedPassword]:
    """Services -> the setting of a container behind them that lets everybody in."""
    found: dict[str, StatedPassword] = {}
    for container in _containers(project):
        known = public_images.facts_of_public_image(parse_image(container.image)) if container.image else None
        for name, value, span in literal_variables(container) if known is not None else ():
            if known is not None and isinstance(value, str) and known.opens_to_all(name, value):
                for service in services_of(container.pod, project):
                    found.setdefault(service.name, StatedPassword(container, name, span))
    return found


def _logins_without_password(project: Project) -> dict[tuple[str, str], StatedPassword]:
    """(host, user) -> the variable for the user, in a container that is given a host and a user and nothing like a password."""
    found: dict[tuple[str, str], StatedPassword] = {}
    for container in _containers(project):
        names = [one.string_under("name") for one in container.node.mappings_under("env")]
        if container.node.get("envFrom"):
            continue
        spans = {name: span for name, _, span in literal_variables(container)}
        for name, user, host in _users_with_host(literal_settings(container)):
            owner = _USER_NAME.sub("", name)
            if not any(one.startswith(owner) and _MAY_BE_PASSWORD.search(one[len(owner) :]) for one in names):
                found.setdefault((host.partition(".")[0], user), StatedPassword(container, name, spans[name]))
    return found


_USER_NAME = re.compile(r"_?USER(?:NAME)?\Z", re.IGNORECASE)
_MAY_BE_PASSWORD = re.compile(r"PASS|PWD|PW\Z|SECRET|TOKEN|URL|DATASOURCE|DSN", re.IGNORECASE)


def _users_with_host(settings: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """The users that settings name beside a host of the same prefix: name of the variable, user, host."""
    for name, user in settings.items():
        owner = _USER_NAME.sub("", name)
        host = secrets.host_beside(f"{owner}_PASSWORD", settings) if owner != name else ""
        if user and host and not is_variable(user) and not is_variable(host):
            yield name, user, host


def with_idle_login(verdict: SecretVerdict, source: Source, span: Span, project: Project) -> SecretVerdict:
    """The verdict on a value in a text, minor where the settings beside it, or beside the Helm value it comes from, say so."""
    start, end = source.to_root(span.start), source.to_root(span.end)
    set_value = getattr(source.root, "set_value", None)  # only a rendering knows which values it prints
    value = set_value(Span(start, max(start, end))) if set_value is not None else None
    text, at = (value.source.text, value.span.start) if value is not None else (source.root.text, start)
    name, settings = secrets.settings_beside(text, at)
    first = text.rfind("\n", 0, at) + 1
    line = text[first : first + _MAX_LINE_CHARACTERS].partition("\n")[0]
    idle = name and is_login_idle(verdict, name, line if "://" in line else "", settings, project)
    return replace(verdict, is_minor=True) if idle else verdict


def with_idle_login_in_text(verdict: SecretVerdict, text: str, project: Project) -> SecretVerdict:
    """The verdict on the secret in a text that stands encoded in a file, minor where the settings beside it in the text say so."""
    found = next(secrets.secrets_in_text(text), None) if "\n" in text.strip() else None
    if found is None or found.verdict.kind is not verdict.kind:
        return verdict
    name, settings = secrets.settings_beside(text, found.span.start)
    if not name or not is_login_idle(verdict, name, "", settings, project):
        return verdict
    return replace(verdict, is_minor=True, reason=f"{verdict.reason} to a server that no file brings")


def _is_beyond_files(host: str, project: Project) -> bool:
    """Whether nothing in the files may answer to a host's name in the cluster; an outer name may be anything's.

    On a pod's own machine a server answers where one of its containers is a store.
    """
    first, _, rest = host.partition(".")
    if host in _LOCAL_HOSTS:
        return not project.memoize(_has_store_beside)
    if is_variable(host) or has_variable(host) or has_template(host) or first.isdigit():
        return False
    if rest and "svc" not in rest.split("."):
        return False
    return not begins_with_name(first, project.memoize(_object_names))


def _has_store_beside(project: Project) -> bool:
    """Whether a pod of the files runs a store beside another container, or the machine's own network in which one may be."""
    for workload in object_index(project).workloads:
        containers = list(workload.pod.containers()) if workload.pod is not None else []
        known = [public_images.facts_of_public_image(parse_image(one.image)) for one in containers if one.image]
        if len(containers) > 1 and (any(one is None or one.is_store for one in known) or len(known) < len(containers)):
            return True
        if workload.pod is not None and workload.pod.node.get("hostNetwork") is True:
            return True
    return False


def _object_names(project: Project) -> frozenset[str]:
    objects = object_index(project).objects_by_kind_and_name
    return frozenset(name for _, name in objects if name)


_OBJECT_NAME = re.compile(r"[a-z][a-z0-9.-]{1,62}\Z")
_NAMED_AS_SECRETS = ("Secret", "SealedSecret", "ExternalSecret", "ServiceAccount")


def is_name_of_secret(container: Container, name: str, value: object, project: Project) -> bool:
    """Whether a variable holds no secret but what the Secret is called in which the program keeps or finds one.

    So say a Secret or a role of that name in the files, and the workload's own name or account: an operator calls its Secret by these.
    """
    if not secrets.may_name_secret_object(name) or not isinstance(value, str) or not _OBJECT_NAME.match(value):
        return False
    pod = container.pod
    if value in (pod.owner.name, pod.node.get("serviceAccountName")):
        return True
    index = object_index(project)
    return any((kind, value) in index.objects_by_kind_and_name for kind in _NAMED_AS_SECRETS) or value in project.memoize(
        _secrets_named_in_roles
    )


def _secrets_named_in_roles(project: Project) -> frozenset[str]:
    """The names of Secrets to which roles of the files grant access."""
    objects = object_index(project).objects_by_kind
    return frozenset(
        name
        for role in (*objects.get("Role", ()), *objects.get("ClusterRole", ()))
        for rule in role.node.mappings_under("rules")
        if "secrets" in (rule.get("resources") or ())
        for name in rule.get("resourceNames") or ()
        if isinstance(name, str)
    )


def password_at_server(container: Container, name: str, value: str, project: Project) -> StatedPassword | None:
    """Where the server that a login is for is given the same password: there it is told, and here it is a copy."""
    host, password = _login(name, value, literal_settings(container))
    given = project.memoize(_passwords_of_servers).get((host.partition(".")[0], password), ())
    here = container.source.root.path
    others = [
        one
        for one in given
        if one.container.pod is not container.pod
        and is_non_production_path(one.source.root.path) <= is_non_production_path(here)
    ]
    return min(others, key=lambda one: file_distance(one.source.root.path, here), default=None)


def copies_at_clients(container: Container, name: str, project: Project) -> Sequence[StatedPassword]:
    """The logins of other containers that are told with a server's password."""
    return project.memoize(_copies_by_server).get((id(container.node), name), ())


def _passwords_of_servers(project: Project) -> dict[tuple[str, str], list[StatedPassword]]:
    """(Service, password) -> where the containers behind it are given it as a text."""
    given: dict[tuple[str, str], list[StatedPassword]] = {}
    for container in _containers(project):
        for name, value, span in literal_variables(container):
            if not isinstance(value, str) or "://" in value or not secrets.is_password_name(name):
                continue
            settings = literal_settings(container)
            if secrets.host_beside(name, settings) or not secrets.classify_value(name, value).is_exposed:
                continue  # a client's own
            for service in services_of(container.pod, project):
                given.setdefault((service.name, value), []).append(StatedPassword(container, name, span))
    return given


def _copies_by_server(project: Project) -> dict[tuple[int, str], list[StatedPassword]]:
    """(identity of a server's container, name of its variable) -> the logins that copy the password there."""
    copies: dict[tuple[int, str], list[StatedPassword]] = {}
    for container in _containers(project):
        for name, value, span in literal_variables(container):
            if not isinstance(value, str) or not (secrets.is_secret_name(name) or "://" in value):
                continue
            server = password_at_server(container, name, value, project)
            if server is not None:
                key = id(server.container.node), server.name
                copies.setdefault(key, []).append(StatedPassword(container, name, span))
    return copies


def _containers(project: Project) -> Iterator[Container]:
    for workload in object_index(project).workloads:
        if workload.pod is not None:
            yield from workload.pod.containers()
