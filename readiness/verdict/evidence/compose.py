"""What the services of compose files show."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.facts.public_images import DATA_STORE_ROLES
from readiness.facts.table import property_by_fact_name
from readiness.kinds.compose.model import Service
from readiness.kinds.compose.parts import mount_specs, port_specs
from readiness.kinds.compose.words import variable_settings_by_name
from readiness.model import Source, Span
from readiness.model.project import Project
from readiness.syntax.secrets import is_secret_name
from readiness.syntax.yaml import Map, Seq
from readiness.verdict.evidence.backups import is_backup_name
from readiness.verdict.evidence.images import fact_served_by_image, variable_facts


def compose_facts(project: Project) -> Iterator[tuple[str, Source, Span]]:
    """The facts of every service that may run in production."""
    for document in project.documents_of_kind("compose"):
        if document.source.fragment or not document.production:
            continue
        for service in document.services.values():
            for fact_name in _service_facts(service, project):
                yield fact_name, service.source, service.name_span
            for fact_name, span in _facts_of_service_definition(service, project):
                yield fact_name, service.source, span


def _service_facts(service: Service, project: Project) -> Iterator[str]:
    image = service.image
    if image is not None and "provider" not in service.extended_node:
        yield fact_served_by_image(image.text)
    logging_node = service.extended_node.get("logging")
    if isinstance(logging_node, Map) and str(logging_node.get("driver")) in property_by_fact_name("log-drivers", "remote"):
        yield "log-shipping"
    if service.owned and is_backup_name(service.name):
        yield "backup"
    for variable_name, variable_setting in variable_settings_by_name(service, project).items():
        yield from variable_facts(variable_name, variable_setting.value)


def _facts_of_service_definition(service: Service, project: Project) -> Iterator[tuple[str, Span]]:
    """What the service's own lines show."""
    service_node = service.node
    networks_node = service_node.get("networks")
    network_names = list(networks_node) if isinstance(networks_node, Map | Seq) else []
    if any(name != "default" for name in network_names):
        yield "own-network", service_node.at("networks")
    if service.role in DATA_STORE_ROLES:
        if not service_node.get("ports"):
            yield "store-unpublished", service.name_span
        if any(one.type == "volume" and one.source for one in mount_specs(service_node)):
            yield "durable-state", service_node.at("volumes")
    if any(spec.published == (443, 443) for spec in port_specs(service_node)):
        yield "tls-entry", service_node.at("ports")
    if service_node.get("secrets"):
        yield "compose-secret", service_node.at("secrets")
    for variable_setting in service.variable_settings:
        is_secret_variable = is_secret_name(variable_setting.name.removesuffix("_FILE"))
        is_value_from_outside = (
            isinstance(variable_setting.raw_value, str) and "$" in variable_setting.raw_value
        ) or variable_setting.raw_value is None
        if is_secret_variable and (is_value_from_outside or variable_setting.name.endswith("_FILE")):
            yield "compose-secret", variable_setting.span
        if is_secret_variable and service.role in DATA_STORE_ROLES:
            yield "authentication", variable_setting.span
