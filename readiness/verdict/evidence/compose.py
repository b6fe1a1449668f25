"""What the services of compose files show."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.facts.public_images import STORE_ROLES
from readiness.facts.table import fact_column
from readiness.kinds.compose.model import Service
from readiness.kinds.compose.parts import mount_specs, port_specs
from readiness.kinds.compose.words import service_variables
from readiness.model import Source, Span
from readiness.model.project import Project
from readiness.syntax.secrets import is_secret_name
from readiness.syntax.yaml import Map, Seq
from readiness.verdict.evidence.backups import is_backup_name
from readiness.verdict.evidence.images import image_fact, variable_facts


def compose_facts(project: Project) -> Iterator[tuple[str, Source, Span]]:
    """The facts of every service that may run in production."""
    for document in project.documents_of_kind("compose"):
        if document.source.fragment or not document.production:
            continue
        for service in document.services.values():
            for name in _service_facts(service, project):
                yield name, service.source, service.name_span
            for name, span in _facts_in_service_lines(service, project):
                yield name, service.source, span


def _service_facts(service: Service, project: Project) -> Iterator[str]:
    image = service.image
    if image is not None and "provider" not in service.extended_node:
        yield image_fact(image.text)
    driver = service.extended_node.get("logging")
    if isinstance(driver, Map) and str(driver.get("driver")) in fact_column("log-drivers", "remote"):
        yield "log-shipping"
    if service.owned and is_backup_name(service.name):
        yield "backup"
    for name, setting in service_variables(service, project).items():
        yield from variable_facts(name, setting.value)


def _facts_in_service_lines(service: Service, project: Project) -> Iterator[tuple[str, Span]]:
    """What the service's own lines show."""
    node = service.node
    joined = node.get("networks")
    names = list(joined) if isinstance(joined, Map | Seq) else []
    if any(name != "default" for name in names):
        yield "own-network", node.at("networks")
    if service.role in STORE_ROLES:
        if not node.get("ports"):
            yield "store-unpublished", service.name_span
        if any(one.type == "volume" and one.source for one in mount_specs(node)):
            yield "durable-state", node.at("volumes")
    if any(spec.published == (443, 443) for spec in port_specs(node)):
        yield "tls-entry", node.at("ports")
    if node.get("secrets"):
        yield "compose-secret", node.at("secrets")
    for setting in service.variable_settings:
        secret = is_secret_name(setting.name.removesuffix("_FILE"))
        outside = (isinstance(setting.raw_value, str) and "$" in setting.raw_value) or setting.raw_value is None
        if secret and (outside or setting.name.endswith("_FILE")):
            yield "compose-secret", setting.span
        if secret and service.role in STORE_ROLES:
            yield "authentication", setting.span
