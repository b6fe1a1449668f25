"""Who may log in to what a service runs: authentication switched off, or left at its default."""

from __future__ import annotations

from readiness.checks.compose.doors import is_reached_by_strangers
from readiness.checks.variables import open_login_hits
from readiness.facts.public_images import ImageFacts
from readiness.kinds.compose.application import merged_node_and_is_complete
from readiness.kinds.compose.model import Service
from readiness.kinds.compose.parts import (
    mount_specs,
    string_entries,
)
from readiness.kinds.compose.words import (
    command_line,
    may_have_unread_settings,
    merged_node_if_defined_here,
    missing_service_hit,
    variable_settings_by_name,
)
from readiness.kinds.purpose import is_sample_path
from readiness.kinds.variables import filled_variable_names, texts_by_name
from readiness.model import CheckOutcome, Hit, NotApplicable, Severity, Undecidable
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.yaml import Map


def authentication_off(service: Service, project: Project) -> CheckOutcome:
    """A setting that lets everybody into a store or a console; medium where no port by which strangers get there is seen."""
    known = service.image_facts
    if known is None:
        yield NotApplicable()
        return
    node, whole = merged_node_and_is_complete(service, project)
    reached = node.get("ports") or node.get("network_mode") == "host" or not whole
    # A proxy's interface shows routes and changes none; what only its own networks reach is behind another fault.
    is_open = is_reached_by_strangers(service, project) and known.role != "proxy" and not is_sample_path(service.source.root.path)
    severity = None if is_open else Severity.MEDIUM
    words = (
        (word, service.node.at("command") if index is None else service.node["command"].at(index))
        for text, index in string_entries(service.node.get("command"))
        for word in dict.fromkeys(text.split())
    )
    for outcome in open_login_hits(
        known,
        service.variable_settings,
        words,
        filled_variables=filled_variable_names(variable_settings_by_name(service, project, node)),
        has_unread_variables=may_have_unread_settings(service, project, node) or not whole,
    ):
        if not isinstance(outcome, Hit):
            yield outcome
        elif not reached and _is_for_readers(service, outcome.facts["setting"], known, project):
            yield outcome._replace(severity=Severity.LOW, message_name="readers")
        else:
            yield outcome._replace(severity=severity)


def _is_for_readers(service: Service, name: str, known: ImageFacts, project: Project) -> bool:
    """Whether a setting lets everybody read and no more: no variable beside it gives them another role."""
    role = known.role_variables.get(name)
    if role is None:
        return False
    setting = variable_settings_by_name(service, project).get(role)
    return setting is None or (setting.value or "?").strip("\"'").lower() in ("", "viewer")


def credentials_default(service: Service, project: Project) -> CheckOutcome:
    """An image whose first password is known, and is left as it is."""
    seen = merged_node_if_defined_here(service, project)
    known = service.image_facts
    if seen is None or known is None or not known.variables_with_default_password:
        return
    settings = variable_settings_by_name(service, project, seen[0])
    for name in known.variables_with_default_password:
        if name in settings or any(other in settings for other in known.substitute_variables.get(name, ())):
            continue
        if known.is_password_moot(name, texts_by_name(settings)):
            continue
        if may_have_unread_settings(service, project, seen[0]) or not seen[1] or _has_mounted_settings(seen[0]):
            yield Undecidable(service.name_span)
        else:
            yield missing_service_hit(service, variable=name, image=str(service.extended_node.get("image")))


def authentication_unset(service: Service, project: Project) -> CheckOutcome:
    """A store that asks for no password unless it is told to."""
    seen = merged_node_if_defined_here(service, project)
    known = service.image_facts
    if seen is None or known is None or not (known.auth_variables or known.auth_flags):
        yield NotApplicable()
        return
    node, complete = seen
    settings = variable_settings_by_name(service, project, node)
    if any(name in settings and settings[name].text != "" for name in known.auth_variables):
        return
    command = f"{command_line(node.get('entrypoint'))} {command_line(node.get('command'))}"
    if any(flag in command for flag in known.auth_flags):
        return
    if may_have_unread_settings(service, project, node) or UNKNOWN_VALUE_MARK in command or not complete or _has_mounted_settings(node):
        yield Undecidable(service.name_span)
    else:
        asked = known.auth_variables[0] if known.auth_variables else known.auth_flags[0]
        yield missing_service_hit(service, role=known.role, variable=asked)


def _has_mounted_settings(node: Map) -> bool:
    """Whether a file that may hold settings is mounted."""
    return any(_CONFIG_MOUNT_PATH.search(one.target) for one in mount_specs(node))


_CONFIG_MOUNT_PATH = lazy_regex(
    r"(?:^|/)etc/(?!localtime|timezone|ssl|grafana/provisioning)|conf(?:ig)?(?:\.d)?(?:[/.]|\Z)|\.(?:ya?ml|cnf|acl|json)\Z"
)
