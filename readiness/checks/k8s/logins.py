"""Logins of containers: to which server a password is for, whether the files bring it, and who else states the password."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from readiness.kinds.k8s.deliveries import begins_with_name
from readiness.kinds.k8s.effective import is_variable
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.model import Container
from readiness.kinds.k8s.traffic import services_of
from readiness.kinds.purpose import is_non_production_path
from readiness.kinds.units import file_distance
from readiness.model import Source, Span
from readiness.model.project import Project
from readiness.syntax import secrets
from readiness.syntax.holes import has_template, has_variable
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


def _is_beyond_files(host: str, project: Project) -> bool:
    """Whether nothing in the files may answer to a host's name in the cluster; an outer name may be anything's."""
    first, _, rest = host.partition(".")
    if host in _LOCAL_HOSTS or is_variable(host) or has_variable(host) or has_template(host) or first.isdigit():
        return False
    if rest and "svc" not in rest.split("."):
        return False
    return not begins_with_name(first, project.memoize(_object_names))


def _object_names(project: Project) -> frozenset[str]:
    objects = object_index(project).objects_by_kind_and_name
    return frozenset(name for _, name in objects if name)


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
