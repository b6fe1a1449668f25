"""Logins of containers: to which server a password is for, whether the files bring it, and who else states the password."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from readiness.facts import public_images
from readiness.kinds.k8s.deliveries import begins_with_any_name
from readiness.kinds.k8s.effective import is_filled_in_value
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.model import Container
from readiness.kinds.k8s.traffic import services_selecting_pod
from readiness.kinds.purpose import is_non_production_path
from readiness.kinds.units import file_distance
from readiness.kinds.variables import filled_variable_names
from readiness.model import Hit, Related, Severity, Source, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.model.records import dataclass
from readiness.syntax import secrets
from readiness.syntax.holes import has_template_opening, has_variable_sign
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


def literal_text_by_variable(container: Container) -> dict[str, str]:
    """The variables of a container that are texts in the file."""
    return {name: value for name, value, _ in literal_variables(container) if isinstance(value, str)}


def _host_and_password(variable_name: str, variable_value: str, value_by_name: Mapping[str, str]) -> tuple[str, str]:
    """(host, password) of a variable: those of the account in a URL, else its value with the host beside it."""
    account = next(secrets.find_url_accounts(variable_value), None)
    return (account.host, account.password) if account else (secrets.host_of_password(variable_name, value_by_name), variable_value)


def is_login_idle(verdict: SecretVerdict, name: str, value: str, settings: Mapping[str, str], project: Project) -> bool:
    """Whether a password opens nothing that the files show: a default one of a server that they do not bring, or one of a
    store that a switch beside it puts another in place of. What a machine made is in use somewhere."""
    if verdict.strength >= SecretStrength.RANDOM:
        return False
    if secrets.uses_other_database(name, settings):
        return True
    server_host = _host_and_password(name, value, settings)[0]
    is_default_password = verdict.is_guessed or verdict.strength is SecretStrength.WORD
    return is_default_password and bool(server_host) and _is_host_outside_files(server_host, project)


def is_login_moot(container: Container, name: str, verdict: SecretVerdict) -> bool:
    """Whether a password lets in nobody whom the server does not let in without one, which another rule tells.

    What a machine made may be in use elsewhere.
    """
    image_facts = public_images.facts_of_public_image(parse_image(container.image)) if container.image else None
    is_moot = image_facts is not None and image_facts.is_password_moot(name, literal_text_by_variable(container))
    return is_moot and verdict.strength < SecretStrength.RANDOM


def lowered_for_open_server(told: Hit, container: Container, name: str, value: str, project: Project) -> Hit:
    """A hit on a login's password, lowered where its server asks for none, as the files show.

    Low where the server is told to let everybody in, medium where another container logs in there as the same user without a
    password, which its image may still bring.
    """
    value_by_name = literal_text_by_variable(container)
    server_host, _ = _host_and_password(name, value, value_by_name)
    server_name = server_host.partition(".")[0]
    severity, message_name, open_login = Severity.LOW, "unasked", project.memoize(_open_setting_by_service).get(server_name)
    if open_login is None:
        user = next((user for _, user, other in _users_with_host(value_by_name) if other == server_host), "")
        severity, message_name, open_login = (
            Severity.MEDIUM,
            "spared",
            project.memoize(_passwordless_login_by_host_user).get((server_name, user)),
        )
    if not server_host or open_login is None or open_login.container.pod is container.pod:
        return told
    if told.severity is not None and told.severity <= severity:
        return told
    login_location = Related(
        open_login.source,
        open_login.span,
        "here it is not asked" if message_name == "unasked" else "this login has no password",
    )
    return told._replace(
        severity=severity,
        message_name=message_name,
        facts={**told.facts, "server": server_name},
        related=(*told.related, login_location),
    )


def _open_setting_by_service(project: Project) -> dict[str, StatedPassword]:
    """Services -> the setting of a container behind them that lets everybody in."""
    setting_by_service: dict[str, StatedPassword] = {}
    for container in _workload_containers(project):
        image_facts = public_images.facts_of_public_image(parse_image(container.image)) if container.image else None
        filled_variables = filled_variable_names(container.variables)
        for variable_name, variable_value, span in literal_variables(container) if image_facts is not None else ():
            if (
                image_facts is not None
                and isinstance(variable_value, str)
                and image_facts.opens_to_all(variable_name, variable_value, filled_variables)
            ):
                for service in services_selecting_pod(container.pod, project):
                    setting_by_service.setdefault(service.name, StatedPassword(container, variable_name, span))
    return setting_by_service


def _passwordless_login_by_host_user(project: Project) -> dict[tuple[str, str], StatedPassword]:
    """(host, user) -> the variable for the user, in a container that is given a host and a user and nothing like a password."""
    login_by_host_and_user: dict[tuple[str, str], StatedPassword] = {}
    for container in _workload_containers(project):
        variable_names = [one.string_under("name") for one in container.node.mappings_under("env")]
        if container.node.get("envFrom"):
            continue
        span_by_name = {variable_name: span for variable_name, _, span in literal_variables(container)}
        for variable_name, user, server_host in _users_with_host(literal_text_by_variable(container)):
            name_prefix = _USER_SUFFIX_PATTERN.sub("", variable_name)
            if not any(one.startswith(name_prefix) and _PASSWORD_LIKE_PATTERN.search(one[len(name_prefix) :]) for one in variable_names):
                login_by_host_and_user.setdefault(
                    (server_host.partition(".")[0], user), StatedPassword(container, variable_name, span_by_name[variable_name])
                )
    return login_by_host_and_user


_USER_SUFFIX_PATTERN = lazy_regex(r"_?USER(?:NAME)?\Z", re.IGNORECASE)
_PASSWORD_LIKE_PATTERN = lazy_regex(r"PASS|PWD|PW\Z|SECRET|TOKEN|URL|DATASOURCE|DSN", re.IGNORECASE)


def _users_with_host(value_by_name: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """The users that settings name beside a host of the same prefix: name of the variable, user, host."""
    for variable_name, user in value_by_name.items():
        name_prefix = _USER_SUFFIX_PATTERN.sub("", variable_name)
        server_host = secrets.host_of_password(f"{name_prefix}_PASSWORD", value_by_name) if name_prefix != variable_name else ""
        if user and server_host and not is_filled_in_value(user) and not is_filled_in_value(server_host):
            yield variable_name, user, server_host


def verdict_with_idle_login(verdict: SecretVerdict, source: Source, span: Span, project: Project) -> SecretVerdict:
    """The verdict on a value in a text, minor where the settings beside it, or beside the Helm value it comes from, say so."""
    root_start, root_end = source.to_root(span.start), source.to_root(span.end)
    find_set_value = getattr(source.root, "set_value", None)  # only a rendering knows which values it prints
    helm_value = find_set_value(Span(root_start, max(root_start, root_end))) if find_set_value is not None else None
    settings_text, value_offset = (helm_value.source.text, helm_value.span.start) if helm_value is not None else (source.root.text, root_start)
    variable_name, value_by_name = secrets.setting_name_and_block_settings(settings_text, value_offset)
    line_start = settings_text.rfind("\n", 0, value_offset) + 1
    value_line = settings_text[line_start : line_start + _MAX_LINE_CHARACTERS].partition("\n")[0]
    is_idle = variable_name and is_login_idle(verdict, variable_name, value_line if "://" in value_line else "", value_by_name, project)
    return replace(verdict, is_minor=True) if is_idle else verdict


def verdict_with_idle_login_in_text(verdict: SecretVerdict, text: str, project: Project) -> SecretVerdict:
    """The verdict on the secret in a text that stands encoded in a file, minor where the settings beside it in the text say so."""
    found_secret = next(secrets.secrets_in_text(text), None) if "\n" in text.strip() else None
    if found_secret is None or found_secret.verdict.kind is not verdict.kind:
        return verdict
    variable_name, value_by_name = secrets.setting_name_and_block_settings(text, found_secret.span.start)
    if not variable_name or not is_login_idle(verdict, variable_name, "", value_by_name, project):
        return verdict
    return replace(verdict, is_minor=True, reason=f"{verdict.reason} to a server that no file brings")


def _is_host_outside_files(host: str, project: Project) -> bool:
    """Whether nothing in the files may answer to a host's name in the cluster; an outer name may be anything's.

    On a pod's own machine a server answers where one of its containers is a store.
    """
    first_label, _, domain = host.partition(".")
    if host in _LOCAL_HOSTS:
        return not project.memoize(_has_store_beside)
    if is_filled_in_value(host) or has_variable_sign(host) or has_template_opening(host) or first_label.isdigit():
        return False
    if domain and "svc" not in domain.split("."):
        return False
    return not begins_with_any_name(first_label, project.memoize(_object_names))


def _has_store_beside(project: Project) -> bool:
    """Whether a pod of the files runs a store beside another container, or the machine's own network in which one may be."""
    for workload in object_index(project).workloads:
        containers = list(workload.pod.containers()) if workload.pod is not None else []
        facts_of_images = [public_images.facts_of_public_image(parse_image(one.image)) for one in containers if one.image]
        if len(containers) > 1 and (any(one is None or one.is_store for one in facts_of_images) or len(facts_of_images) < len(containers)):
            return True
        if workload.pod is not None and workload.pod.node.get("hostNetwork") is True:
            return True
    return False


def _object_names(project: Project) -> frozenset[str]:
    objects_by_kind_and_name = object_index(project).objects_by_kind_and_name
    return frozenset(name for _, name in objects_by_kind_and_name if name)


_OBJECT_NAME_PATTERN = lazy_regex(r"[a-z][a-z0-9.-]{1,62}\Z")
_KINDS_NAMED_AS_THEIR_SECRET = ("Secret", "SealedSecret", "ExternalSecret", "ServiceAccount")


def is_secret_object_name(container: Container, name: str, value: object, project: Project) -> bool:
    """Whether a variable holds no secret but what the Secret is called in which the program keeps or finds one.

    So say a Secret or a role of that name in the files, and the workload's own name or account: an operator calls its Secret by these.
    """
    if not secrets.may_be_secret_object_name(name) or not isinstance(value, str) or not _OBJECT_NAME_PATTERN.match(value):
        return False
    pod = container.pod
    if value in (pod.owner.name, pod.node.get("serviceAccountName")):
        return True
    project_index = object_index(project)
    return any((kind, value) in project_index.objects_by_kind_and_name for kind in _KINDS_NAMED_AS_THEIR_SECRET) or value in project.memoize(
        _secrets_named_in_roles
    )


def _secrets_named_in_roles(project: Project) -> frozenset[str]:
    """The names of Secrets to which roles of the files grant access."""
    objects_by_kind = object_index(project).objects_by_kind
    return frozenset(
        name
        for role in (*objects_by_kind.get("Role", ()), *objects_by_kind.get("ClusterRole", ()))
        for rule in role.node.mappings_under("rules")
        if "secrets" in (rule.get("resources") or ())
        for name in rule.get("resourceNames") or ()
        if isinstance(name, str)
    )


def password_at_server(container: Container, name: str, value: str, project: Project) -> StatedPassword | None:
    """Where the server that a login is for is given the same password: there it is told, and here it is a copy."""
    server_host, password = _host_and_password(name, value, literal_text_by_variable(container))
    server_passwords = project.memoize(_passwords_by_service_and_value).get((server_host.partition(".")[0], password), ())
    client_path = container.source.root.path
    other_passwords = [
        one
        for one in server_passwords
        if one.container.pod is not container.pod and is_non_production_path(one.source.root.path) <= is_non_production_path(client_path)
    ]
    return min(other_passwords, key=lambda one: file_distance(one.source.root.path, client_path), default=None)


def copies_at_clients(container: Container, name: str, project: Project) -> Sequence[StatedPassword]:
    """The logins of other containers that are told with a server's password."""
    return project.memoize(_copies_by_server).get((id(container.node), name), ())


def _passwords_by_service_and_value(project: Project) -> dict[tuple[str, str], list[StatedPassword]]:
    """(Service, password) -> where the containers behind it are given it as a text."""
    passwords_by_service_and_value: dict[tuple[str, str], list[StatedPassword]] = {}
    for container in _workload_containers(project):
        for variable_name, variable_value, span in literal_variables(container):
            if not isinstance(variable_value, str) or "://" in variable_value or not secrets.is_password_name(variable_name):
                continue
            value_by_name = literal_text_by_variable(container)
            if secrets.host_of_password(variable_name, value_by_name) or not secrets.classify_value(variable_name, variable_value).is_exposed:
                continue  # a client's own
            for service in services_selecting_pod(container.pod, project):
                passwords_by_service_and_value.setdefault((service.name, variable_value), []).append(StatedPassword(container, variable_name, span))
    return passwords_by_service_and_value


def _copies_by_server(project: Project) -> dict[tuple[int, str], list[StatedPassword]]:
    """(identity of a server's container, name of its variable) -> the logins that copy the password there."""
    copies_by_server: dict[tuple[int, str], list[StatedPassword]] = {}
    for container in _workload_containers(project):
        for variable_name, variable_value, span in literal_variables(container):
            if not isinstance(variable_value, str) or not (secrets.is_secret_name(variable_name) or "://" in variable_value):
                continue
            server_password = password_at_server(container, variable_name, variable_value, project)
            if server_password is not None:
                server_key = id(server_password.container.node), server_password.name
                copies_by_server.setdefault(server_key, []).append(StatedPassword(container, variable_name, span))
    return copies_by_server


def _workload_containers(project: Project) -> Iterator[Container]:
    for workload in object_index(project).workloads:
        if workload.pod is not None:
            yield from workload.pod.containers()
