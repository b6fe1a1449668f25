"""Servers of development, names, and what Docker reads no more."""

from __future__ import annotations

from readiness.kinds.compose.model import Document, Service
from readiness.kinds.compose.parts import expand_scalar
from readiness.kinds.compose.signs import find_development_server
from readiness.model import CheckOutcome, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.holes import has_variable_sign
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK


def server_for_development(service: Service) -> CheckOutcome:
    """A command that starts a server made for development."""
    development_server = find_development_server(service.node)
    if development_server is not None:
        yield hit(service.node.at(development_server.key), server=development_server.server)


def version_obsolete(document: Document) -> CheckOutcome:
    """The top-level `version`, which Compose ignores with a warning."""
    for root_mapping in document.roots:
        if "version" in root_mapping and not document.legacy:
            yield hit(root_mapping.key_span("version"), value=str(root_mapping["version"])[:20])


def name_missing(document: Document) -> CheckOutcome:
    """A file without a top-level `name`, so that the folder's name decides which project it is."""
    has_project_name = any(str(root.get("name") or "").strip() for root in document.roots) or (
        "COMPOSE_PROJECT_NAME" in document.environment.values_with_secrets
    )
    if not has_project_name and not document.legacy:
        yield hit(document.node.entry_span(next(iter(document.node))), absent="name")


def links_used(service: Service) -> CheckOutcome:
    """`links`, from the time before networks."""
    if service.node.get("links"):
        yield hit(service.node.key_span("links"))


_VALID_CONTAINER_NAME = lazy_regex(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")


def container_name_invalid(service: Service) -> CheckOutcome:
    """A container name that the engine does not take; what has no name in it at all Docker's schema refuses before."""
    container_name = service.node.get("container_name")
    if isinstance(container_name, str):
        expanded_name = expand_scalar(container_name).text
        valid_name_match = _VALID_CONTAINER_NAME.search(expanded_name)
        if UNKNOWN_VALUE_MARK not in expanded_name and (
            valid_name_match.group() != expanded_name if valid_name_match else has_variable_sign(container_name)
        ):
            yield hit(service.node.at("container_name"), value=container_name)
