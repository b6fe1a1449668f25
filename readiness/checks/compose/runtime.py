"""Whether a service comes back, is known to be well, starts in order, stays within bounds and ends in time."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Sequence
from typing import Any

from readiness.checks.compose.references import service_references
from readiness.checks.dockerfile.health import is_always_healthy
from readiness.facts.base_images import may_be_official_image
from readiness.facts.images import image_property
from readiness.kinds.compose.application import join_compose_files, merged_service
from readiness.kinds.compose.model import Service
from readiness.kinds.compose.parts import expand_scalar
from readiness.kinds.compose.words import (
    duration_seconds,
    healthcheck_has_test,
    healthcheck_words,
    is_truthy,
    merged_service_if_defined_here,
    missing_service_hit,
    replica_count,
    span_of,
    stage_built_by_service,
    stage_in,
)
from readiness.model import CheckOutcome, Span, Undecidable, hit
from readiness.model.project import Project, parent_folders
from readiness.syntax import shell
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.yaml import Map, Seq


def restart_missing(service: Service, project: Project) -> CheckOutcome:
    """A service that stays down after a crash or a reboot."""
    seen = merged_service_if_defined_here(service, project)
    if seen is None or not service.runs or service.document.swarm:
        return
    node, known = seen
    if node.get("restart") is not None or node.mapping_at_path("deploy").get("restart_policy") is not None:
        return
    yield missing_service_hit(service) if known else Undecidable(service.name_span)


_RESTART_POLICY = re.compile(r"(?:no|always|unless-stopped|on-failure(?::[0-9]+)?)\Z")


def restart_invalid(service: Service) -> CheckOutcome:
    """A restart policy that the engine does not know."""
    value = service.node.get("restart")
    if isinstance(value, str):
        text = expand_scalar(value).text
        if UNKNOWN_VALUE_MARK in text:
            yield Undecidable(service.node.at("restart"))
        elif not _RESTART_POLICY.match(text):
            yield hit(service.node.at("restart"), value=text)


def healthcheck_missing(service: Service, project: Project) -> CheckOutcome:
    """A service of which nobody can tell whether it works."""
    seen = merged_service_if_defined_here(service, project)
    if seen is None or not service.runs or service.role in {"agent", "tunnel", "mail-catcher", "emulator"}:
        return
    node, known = seen
    check = node.get("healthcheck")
    if isinstance(check, Map) and (healthcheck_has_test(check) or is_truthy(check.get("disable"))):
        return
    if service.builds:
        stage = stage_built_by_service(service, project)
        brought = None if stage is None else stage.effective_value("HEALTHCHECK") is not None
    else:
        brought = _image_has_healthcheck(service, project)
    if brought is None or not known:
        yield Undecidable(service.name_span)
    elif not brought:
        yield missing_service_hit(service)


def _image_has_healthcheck(service: Service, project: Project) -> bool | None:
    """Whether an image that is pulled has a health check; None where nobody can tell.

    One that no table knows may be the project's own, where the file builds none itself: then it is made from the
    Dockerfile at hand.
    """
    image = service.image
    if image is None or image.name_unknown:
        return None
    if image_property(image, "healthcheck"):
        return True
    known = service.image_facts is not None or any(sibling.builds for sibling in service.document.services.values())
    for folder in () if known else parent_folders(posixpath.join(service.document.folder, "Dockerfile")):
        path = posixpath.join(folder, "Dockerfile")
        stage = stage_in(project.document_by_path("dockerfile").get(path), None)
        if stage is not None and stage.effective_value("HEALTHCHECK") is not None:
            return None
    return False


def healthcheck_disabled(service: Service) -> CheckOutcome:
    """A health check that is switched off."""
    place = _disabled_healthcheck(service)
    if place is not None and not service.once and not _is_disabled_for_sibling(service):
        yield hit(place)


def _disabled_healthcheck(service: Service) -> Span | None:
    """Where the health check is switched off."""
    check = service.node.get("healthcheck")
    if not isinstance(check, Map):
        return None
    test = check.get("test")
    if is_truthy(check.get("disable")):
        return check.at("disable")
    off = test == "NONE" or (isinstance(test, Seq) and test[:1] == ["NONE"])
    return check.at("test") if off else None


def _is_disabled_for_sibling(service: Service) -> bool:
    """Whether another service of the same image keeps its check: the image's is made for that one's process."""
    made = service.extended_node.get("image"), service.extended_node.get("build")
    return any(made) and any(
        (sibling.extended_node.get("image"), sibling.extended_node.get("build")) == made
        and _disabled_healthcheck(sibling) is None
        for sibling in service.document.services.values()
        if sibling is not service and not sibling.once
    )


def healthcheck_pointless(service: Service) -> CheckOutcome:
    """A health check that cannot fail."""
    check = service.node.get("healthcheck")
    if not isinstance(check, Map):
        return
    words = healthcheck_words(check)
    script = words[2] if words[:2] == ["sh", "-c"] and len(words) > 2 else shlex.join(words)
    if is_always_healthy([one for one in shell.commands_of(script) if one.parent_index < 0]):
        yield hit(check.at("test"))


def dependency_waits(service: Service, project: Project, *, stores: bool) -> CheckOutcome:
    """A dependency that is only started, not ready: on a store, or else on a service that has a health check here."""
    depends = service.node.get("depends_on")
    services = project.memoize(join_compose_files).application_of(service.document).services()
    items: list[tuple[str, Any, Span]] = []
    if isinstance(depends, Map):
        items = [(name, how, depends.key_span(name)) for name, how in depends.items()]
    elif isinstance(depends, Seq):
        items = [(name, None, depends.at(i)) for i, name in enumerate(depends) if isinstance(name, str)]
    for name, how, span in items:
        other = services.get(name)
        condition = how.get("condition") if isinstance(how, Map) else "service_started"
        if other is None or condition != "service_started":
            continue
        store = other.image_facts is not None and other.image_facts.is_store
        if store is stores and (store or _has_healthcheck(merged_service(other, project)[0])):
            yield hit(span, used=name, role=other.role)


def _has_healthcheck(node: Map) -> bool:
    """Whether a service says how it is asked for its health."""
    check = node.get("healthcheck")
    off = isinstance(check, Map) and (is_truthy(check.get("disable")) or check.get("test") in ("NONE", ["NONE"]))
    return isinstance(check, Map) and healthcheck_has_test(check) and not off


def dependency_health_unknown(service: Service, project: Project) -> CheckOutcome:
    """A wait for the health of a service that has no health check: it never ends well."""
    depends = service.node.get("depends_on")
    services = project.memoize(join_compose_files).application_of(service.document).services()
    for name, how in depends.items() if isinstance(depends, Map) else ():
        other = services.get(name)
        if other is None or not isinstance(how, Map) or how.get("condition") != "service_healthy":
            continue
        span = how.at("condition")
        node, known = merged_service(other, project)
        check = node.get("healthcheck")
        off = isinstance(check, Map) and (is_truthy(check.get("disable")) or check.get("test") in ("NONE", ["NONE"]))
        if isinstance(check, Map) and healthcheck_has_test(check) and not off:
            continue
        if off or (known and _surely_lacks_healthcheck(other, project)):
            yield hit(span, used=name)
        else:
            yield Undecidable(span)


def _surely_lacks_healthcheck(service: Service, project: Project) -> bool:
    """Whether the image itself has no health check: built here without one, or an official image."""
    if service.builds:
        stage = stage_built_by_service(service, project)
        image = stage.root_stage.image if stage is not None and stage.effective_value("HEALTHCHECK") is None else None
    else:
        image = service.image
    return image is not None and may_be_official_image(image)


_LIMIT_KEY_PATHS = {
    "memory": (("deploy", "resources", "limits", "memory"), ("mem_limit",)),
    "cpu": (("deploy", "resources", "limits", "cpus"), ("cpus",), ("cpu_quota",)),
    "pids": (("deploy", "resources", "limits", "pids"), ("pids_limit",)),
}


def limit_missing(service: Service, project: Project, *, resources: Sequence[str]) -> CheckOutcome:
    """A service that may take all memory, processor time or process numbers of the host."""
    seen = merged_service_if_defined_here(service, project)
    if seen is None or not service.owned or "provider" in service.extended_node:
        return
    node, known = seen
    absent = [
        resource
        for resource in resources
        if not any(node.mapping_at_path(*path[:-1]).get(path[-1]) is not None for path in _LIMIT_KEY_PATHS[resource])
    ]
    if known:
        yield from (missing_service_hit(service, limited=one) for one in absent)
    elif absent:
        yield Undecidable(service.name_span)


def log_rotation_missing(service: Service, project: Project) -> CheckOutcome:
    """Logs that grow until the disk is full: json-file without max-size."""
    seen = merged_service_if_defined_here(service, project)
    if seen is None or not service.runs:
        return
    node, known = seen
    logging = node.mapping_at_path("logging")
    driver = expand_scalar(logging.get("driver")).text
    if UNKNOWN_VALUE_MARK in driver:
        yield Undecidable(service.name_span)
        return
    if driver not in ("", "json-file"):
        return
    if "max-size" in logging.mapping_at_path("options"):
        return
    own = service.node.get("logging")
    span = service.node.at("logging") if isinstance(own, Map) else None
    yield missing_service_hit(service, span) if known else Undecidable(service.name_span)


def stop_grace_short(service: Service, *, least: int) -> CheckOutcome:
    """A container that is killed before it can end its work."""
    given = duration_seconds(service.node.get("stop_grace_period"))
    if given is not None and given < least:
        yield hit(service.node.at("stop_grace_period"), value=str(service.node["stop_grace_period"]))


def stop_grace_missing(service: Service, project: Project) -> CheckOutcome:
    """A database that has ten seconds to end, for it says nothing."""
    seen = merged_service_if_defined_here(service, project)
    if seen is not None and service.role in {"database", "queue", "search"} and not seen[0].get("stop_grace_period"):
        yield missing_service_hit(service)


def replica_single(service: Service, project: Project) -> CheckOutcome:
    """A service of no known role (a database has one) that runs with fewer than two replicas."""
    seen = merged_service_if_defined_here(service, project)
    if seen is None or service.role or not service.runs:
        return
    count = replica_count(seen[0], service.env_values)
    if count is None:
        yield Undecidable(service.name_span)
    elif count < 2:
        own = service.extended_node.mapping_at_path("deploy").get("replicas") is not None
        yield missing_service_hit(service, span_of(service.extended_node, "deploy", "replicas") if own else None)


_URL_HOST = re.compile(r"\b[a-z][a-z0-9+.-]{1,30}://(?:[^@/\s]{0,200}@)?([A-Za-z0-9][A-Za-z0-9_.-]{0,100})")
_HOST_NAME = re.compile(r"(?:^|_)(?:HOST|HOSTNAME|SERVER|ADDR|ADDRESS)\Z", re.IGNORECASE)


def dependency_undeclared(service: Service, project: Project) -> CheckOutcome:
    """A store that the environment names and `depends_on` does not."""
    services = project.memoize(join_compose_files).application_of(service.document).services()
    node, known = merged_service(service, project)
    if not known or service.document.swarm:
        return
    awaited = _services_awaited(node, services, project.memoize(_services_named_by))
    for setting in service.variable_settings:
        text = setting.text or ""
        hosts = [match.group(1) for match in _URL_HOST.finditer(text)]
        if _HOST_NAME.search(setting.name):
            hosts.append(text.partition(":")[0])
        for host in hosts:
            other = services.get(host)
            if other is None or other is service or host in awaited or other.extended_node.get("profiles"):
                continue
            if other.image_facts is not None and other.image_facts.is_store:
                awaited.add(host)
                yield hit(setting.span, used=host, variable=setting.name)


def _services_named_by(project: Project) -> dict[int, tuple[str, ...]]:
    """The services that each service names, by its identity."""
    return {
        id(service): tuple(name for _, name, _ in service_references(service.extended_node))
        for document in project.documents_of_kind("compose")
        for service in document.services.values()
    }


def _services_awaited(node: Map, services: dict[str, Service], references_by_service: dict[int, tuple[str, ...]]) -> set[str]:
    """The services that a service waits for, those among them that they wait for too."""
    awaited: set[str] = set()
    todo = [name for _, name, _ in service_references(node)]
    while todo:
        name = todo.pop()
        if name not in awaited:
            awaited.add(name)
            if name in services:
                todo += references_by_service.get(id(services[name]), ())
    return awaited
