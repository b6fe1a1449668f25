"""Servers of development, names, and what Docker reads no more."""

from __future__ import annotations

import re

from readiness.kinds.compose.model import Document, Service
from readiness.kinds.compose.parts import expand_scalar
from readiness.kinds.compose.signs import started_for_development
from readiness.model import CheckOutcome, hit
from readiness.syntax.holes import has_variable
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK


def server_for_development(service: Service) -> CheckOutcome:
    """A command that starts a server made for development."""
    found = started_for_development(service.node)
    if found is not None:
        yield hit(service.node.at(found.key), server=found.server)


def version_obsolete(document: Document) -> CheckOutcome:
    """The top-level `version`, which Compose ignores with a warning."""
    for root in document.roots:
        if "version" in root and not document.legacy:
            yield hit(root.key_span("version"), value=str(root["version"])[:20])


def name_missing(document: Document) -> CheckOutcome:
    """A file without a top-level `name`, so that the folder's name decides which project it is."""
    named = any(str(root.get("name") or "").strip() for root in document.roots) or (
        "COMPOSE_PROJECT_NAME" in document.environment.values_with_secrets
    )
    if not named and not document.legacy:
        yield hit(document.node.entry_span(next(iter(document.node))), absent="name")


def links_used(service: Service) -> CheckOutcome:
    """`links`, from the time before networks."""
    if service.node.get("links"):
        yield hit(service.node.key_span("links"))


_VALID_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")


def container_name_invalid(service: Service) -> CheckOutcome:
    """A container name that the engine does not take; what has no name in it at all Docker's schema refuses before."""
    value = service.node.get("container_name")
    if isinstance(value, str):
        text = expand_scalar(value).text
        match = _VALID_NAME.search(text)
        if UNKNOWN_VALUE_MARK not in text and (match.group() != text if match else has_variable(value)):
            yield hit(service.node.at("container_name"), value=value)
