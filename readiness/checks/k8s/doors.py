"""Which secrets of manifests surely open something: what strangers reach asks for them, or a machine made them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from readiness.checks.k8s.exposure import is_open_to_outside, routes_by_service_name
from readiness.checks.k8s.logins import literal_text_by_variable
from readiness.checks.k8s.services import private_balancer_address
from readiness.facts import public_images
from readiness.kinds.k8s.effective import template_text_of_value
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.model import Container, Object
from readiness.kinds.k8s.traffic import services_selecting_pod
from readiness.kinds.units import file_distance
from readiness.model import Hit, Severity, Source
from readiness.model.project import Project
from readiness.syntax import secrets
from readiness.syntax.image import parse_image
from readiness.syntax.secrets import SecretStrength, SecretVerdict

PRIVATE_KEY_REASON = "private key"
_MAX_DISTANCE = 4  # steps between the folders of two files that are taken for one deployment


def lower_unless_proven(told: Hit, verdict: SecretVerdict, source: Source, *, name: str, is_door: bool, is_key_in_use: bool = False) -> Hit:
    """A hit on a secret, medium where the files do not show that it opens something to those who should not be there.

    What a service gave out does, wherever it stands; a private key that something in the files uses (`is_key_in_use`); and what a machine made
    under the name of a key that an application signs with. In a chart the latter two are defaults, which installs may replace. A word does
    where strangers reach what asks for it (`is_door`).
    """
    if is_door or (told.severity is not None and told.severity <= Severity.MEDIUM):
        return told
    if verdict.strength is SecretStrength.SHAPE and verdict.reason != PRIVATE_KEY_REASON and not verdict.is_guessed:
        return told
    is_of_chart = bool(template_text_of_value(source, told.span))
    if not is_of_chart and (is_key_in_use if verdict.reason == PRIVATE_KEY_REASON else signs_with_generated_key(name, verdict)):
        return told
    return told._replace(severity=Severity.MEDIUM, message_name=told.message_name or "inside")


def signs_with_generated_key(name: str, verdict: SecretVerdict) -> bool:
    """Whether a value is what a machine made, under the name of a key that an application signs or encrypts with."""
    is_generated = verdict.strength >= SecretStrength.RANDOM and not verdict.is_guessed
    return is_generated and (secrets.is_signing_key_name(name) or secrets.is_application_key_name(name))


def is_secret_in_use(obj: Object, project: Project) -> bool:
    """Whether a workload mounts or reads a Secret, or an Ingress serves its certificate."""
    users = project.memoize(_users_by_secret).get((obj.namespace, obj.name), ())
    return any(file_distance(obj.source.root.path, path) <= _MAX_DISTANCE for path in users)


def _users_by_secret(project: Project) -> Mapping[tuple[str, str], list[str]]:
    """(namespace, name) of a Secret -> the paths of the objects that mount it, read it, or serve its certificate."""
    users: dict[tuple[str, str], list[str]] = {}
    for secret_name, takers in project.memoize(_takers_by_secret).items():
        for container, *_ in takers:
            users.setdefault((container.pod.namespace, secret_name), []).append(container.source.root.path)
    for workload in object_index(project).workloads:
        for volume in workload.pod.node.mappings_under("volumes") if workload.pod is not None else ():
            sources = (volume, *volume.mapping_at_path("projected").mappings_under("sources"))
            for name in (name for one in sources for key in ("secretName", "name") if (name := one.mapping_at_path("secret").string_under(key))):
                users.setdefault((workload.namespace, name), []).append(workload.source.root.path)
    for document in project.documents_of_kind("k8s"):
        for obj in document.objects:
            for entry in obj.node.mapping_at_path("spec").mappings_under("tls") if obj.kind == "Ingress" else ():
                users.setdefault((obj.namespace, entry.string_under("secretName")), []).append(obj.source.root.path)
    return users


def lets_stranger_in(container: Container, variable_name: str, project: Project) -> bool:
    """Whether strangers reach what asks for a variable of a container: a store that it runs, or a program whose administrator's
    password, or whose key to sign with, it is."""
    image_facts = public_images.facts_of_public_image(parse_image(container.image)) if container.image else None
    if image_facts is not None and image_facts.is_store and secrets.is_password_name(variable_name):
        return _is_reached_by_strangers(container, project) or _is_reached_through_console(container, project)
    value_by_name = literal_text_by_variable(container)
    if secrets.host_of_password(variable_name, value_by_name) or secrets.is_database_name(variable_name):
        return False
    is_asked_here = secrets.is_administrator_password(variable_name, value_by_name) or secrets.is_application_key_name(variable_name)
    return is_asked_here and _is_reached_by_strangers(container, project)


def does_secret_let_stranger_in(obj: Object, key: str, project: Project) -> bool:
    """Whether strangers get in with the value under a key of a Secret: a container takes it, and is reached from outside."""
    takers = project.memoize(_takers_by_secret).get(obj.name, ())
    return any(
        lets_stranger_in(container, variable_name or key, project) or (variable_name != key and lets_stranger_in(container, key, project))
        for container, taken_key, variable_name in takers
        if taken_key in (key, "") and _may_be_one_deployment(obj, container)
    )


def _may_be_one_deployment(obj: Object, container: Container) -> bool:
    """Whether a container may take a Secret: of its own namespace, and from files that lie near its own."""
    is_near = file_distance(obj.source.root.path, container.source.root.path) <= _MAX_DISTANCE
    return is_near and obj.namespace == container.pod.namespace


def _takers_by_secret(project: Project) -> Mapping[str, list[tuple[Container, str, str]]]:
    """Secret's name -> the containers that take it, the key ("" for all) and the variable that it goes to ("" for one of the key's name)."""
    takers_by_secret: dict[str, list[tuple[Container, str, str]]] = {}
    for container in _containers(project):
        for setting in container.variable_settings:
            reference = setting.reference.mapping_at_path("secretKeyRef")
            if reference:
                taken = container, reference.string_under("key"), setting.name
                takers_by_secret.setdefault(reference.string_under("name"), []).append(taken)
        for env_source in container.node.mappings_under("envFrom"):
            secret_name = env_source.mapping_at_path("secretRef").string_under("name")
            if secret_name:
                takers_by_secret.setdefault(secret_name, []).append((container, "", ""))
    return takers_by_secret


def _containers(project: Project) -> Iterator[Container]:
    for workload in object_index(project).workloads:
        if workload.pod is not None:
            yield from workload.pod.containers()


def _is_reached_by_strangers(container: Container, project: Project) -> bool:
    """Whether a Service or a route of the files leads to a container's pod from outside the cluster, not only from private networks."""
    routes_by_service = project.memoize(routes_by_service_name)
    return any(
        (is_open_to_outside(service) and not private_balancer_address(service))
        or any(route.namespace == service.namespace for route in routes_by_service.get(service.name, ()))
        for service in services_selecting_pod(container.pod, project)
    )


def _is_reached_through_console(container: Container, project: Project) -> bool:
    """Whether a console that strangers reach is told of the Service of a container: a stranger logs in through it."""
    service_names = {service.name for service in services_selecting_pod(container.pod, project)}
    return bool(service_names) and any(
        text.partition(":")[0].partition(".")[0] in service_names
        for console in project.memoize(_open_consoles)
        for text in literal_text_by_variable(console).values()
    )


def _open_consoles(project: Project) -> tuple[Container, ...]:
    """The containers of consoles that strangers reach."""
    return tuple(
        container
        for container in _containers(project)
        if container.image
        and (facts := public_images.facts_of_public_image(parse_image(container.image))) is not None
        and facts.role == "console"
        and _is_reached_by_strangers(container, project)
    )
