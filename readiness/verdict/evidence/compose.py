"""What the services of compose files show."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.kinds.compose.model import Service
from readiness.kinds.compose.words import service_environment
from readiness.model import Source, Span
from readiness.model.project import Project
from readiness.syntax.interpolation import HOLE
from readiness.syntax.yaml import Map
from readiness.verdict.evidence.backups import is_backup_name
from readiness.verdict.evidence.images import image_fact, variable_fact

_REMOTE = frozenset(
    {"fluentd", "gelf", "syslog", "awslogs", "gcplogs", "splunk", "loki", "etwlogs"}
)


def compose_facts(project: Project) -> Iterator[tuple[str, Source, Span]]:
    """The facts of every service that may run in production."""
    for document in project.documents("compose"):
        if document.source.fragment or not document.production:
            continue
        for service in document.services.values():
            for name in _service_facts(service, project):
                yield name, service.source, service.head


def _service_facts(service: Service, project: Project) -> Iterator[str]:
    image = service.image
    if image is not None and "provider" not in service.full:
        yield image_fact(image.text)
    driver = service.full.get("logging")
    if isinstance(driver, Map) and str(driver.get("driver")) in _REMOTE:
        yield "log-shipping"
    if service.owned and is_backup_name(service.name):
        yield "backup"
    for name, value in service_environment(service, project).items():
        known = None if value is None or HOLE in value else value
        yield variable_fact(name, known)
