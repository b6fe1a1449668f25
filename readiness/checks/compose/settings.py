"""Settings of development that stay on, names, and what Docker reads no more."""

from __future__ import annotations

import re
import shlex

from readiness.facts import settings
from readiness.facts.development import development_server
from readiness.facts.programs import started_program_index
from readiness.facts.wrappers import unwrapped
from readiness.kinds.compose.model import Document, Service, Variable
from readiness.kinds.compose.parts import expand_scalar, string_entries
from readiness.model import Outcome, Unknown, hit
from readiness.syntax import shell
from readiness.syntax.holes import has_variable
from readiness.syntax.interpolation import HOLE


def _text_of(variable: Variable) -> str:
    return expand_scalar(variable.spec.value).text.strip().strip("\"'").lower()


def debug_on(variable: Variable) -> Outcome:
    """Debug mode, or an environment that is named development."""
    name, text = variable.spec.name, _text_of(variable)
    if variable.where != "environment" or variable.spec.value is None:
        return
    if HOLE in text and settings.may_turn_debug_on(name):
        yield Unknown(variable.spec.span)
    elif settings.turns_debug_on(name, text):
        yield hit(variable.spec.span, value=text)


def log_level_debug(variable: Variable) -> Outcome:
    """A variable that sets the log level to debug or finer."""
    text = _text_of(variable)
    if variable.where == "environment" and settings.logs_too_much(variable.spec.name, text):
        yield hit(variable.spec.span, value=text)


def server_for_development(service: Service) -> Outcome:
    """A command that starts a server made for development."""
    for key in ("command", "entrypoint"):
        value = service.node.get(key)
        text = (
            value
            if isinstance(value, str)
            else shlex.join(word for word, _ in string_entries(value))
        )
        server = next(
            filter(None, map(_development_server, shell.commands_of(text.replace("$$", "$")))), ""
        )
        if server:
            yield hit(service.node.at(key), server=server)
            return


def _development_server(command: shell.Command) -> str:
    """The development server that a command starts, itself or through a program that only runs another."""
    inner = unwrapped(command)
    own = list(inner.values)
    at = started_program_index(inner.program, own)
    found = development_server(inner.program, own)
    return found or (development_server(own[at], own[at + 1 :]) if at is not None else "")


def version_obsolete(document: Document) -> Outcome:
    """The top-level `version`, which Compose ignores with a warning."""
    for root in document.roots:
        if "version" in root and not document.legacy:
            yield hit(root.key("version"), value=str(root["version"])[:20])


def name_missing(document: Document) -> Outcome:
    """A file without a top-level `name`, so that the folder's name decides which project it is."""
    named = any(str(root.get("name") or "").strip() for root in document.roots) or (
        "COMPOSE_PROJECT_NAME" in document.environment.unmasked
    )
    if not named and not document.legacy:
        yield hit(document.node.entry(next(iter(document.node))), absent="name")


def links_used(service: Service) -> Outcome:
    """`links`, from the time before networks."""
    if service.node.get("links"):
        yield hit(service.node.key("links"))


_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")


def container_name_invalid(service: Service) -> Outcome:
    """A container name that the engine does not take; what has no name in it at all Docker's schema refuses before."""
    value = service.node.get("container_name")
    if isinstance(value, str):
        text = expand_scalar(value).text
        match = _NAME.search(text)
        if HOLE not in text and (match.group() != text if match else has_variable(value)):
            yield hit(service.node.at("container_name"), value=value)
