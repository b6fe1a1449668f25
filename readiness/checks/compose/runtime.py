"""Whether a service comes back, is known to be well, starts in order, stays within bounds and ends in time."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Any

from readiness.checks.compose.image_health import has_image_healthcheck
from readiness.checks.compose.own_waits import waits_by_itself
from readiness.checks.compose.references import references_to_services
from readiness.checks.dockerfile.health import is_always_healthy
from readiness.facts.base_images import may_be_official_image
from readiness.kinds.compose.application import join_compose_files, merged_node_and_is_complete
from readiness.kinds.compose.model import Service
from readiness.kinds.compose.parts import expand_scalar
from readiness.kinds.compose.words import (
    duration_seconds,
    healthcheck_has_test,
    healthcheck_words,
    is_true_value,
    merged_node_if_defined_here,
    missing_service_hit,
    replica_count,
    span_at_key_path,
    stage_built_by_service,
)
from readiness.model import CheckOutcome, Span, Undecidable, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax import shell
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.yaml import Map, Seq


def restart_missing(service: Service, project: Project) -> CheckOutcome:
    """A service that stays down after a crash or a reboot."""
    merged_node_and_completeness = merged_node_if_defined_here(service, project)
    if merged_node_and_completeness is None or not service.runs or service.document.swarm:
        return
    merged_node, is_merged_completely = merged_node_and_completeness
    if merged_node.get("restart") is not None or merged_node.mapping_at_path("deploy").get("restart_policy") is not None:
        return
    yield missing_service_hit(service) if is_merged_completely else Undecidable(service.name_span)


_RESTART_POLICY_PATTERN = lazy_regex(r"(?:no|always|unless-stopped|on-failure(?::[0-9]+)?)\Z")


def restart_invalid(service: Service) -> CheckOutcome:
    """A restart policy that the engine does not know."""
    restart_setting = service.node.get("restart")
    if isinstance(restart_setting, str):
        restart_policy = expand_scalar(restart_setting).text
        if UNKNOWN_VALUE_MARK in restart_policy:
            yield Undecidable(service.node.at("restart"))
        elif not _RESTART_POLICY_PATTERN.match(restart_policy):
            yield hit(service.node.at("restart"), value=restart_policy)


def healthcheck_missing(service: Service, project: Project) -> CheckOutcome:
    """A service of which nobody can tell whether it works."""
    merged_node_and_completeness = merged_node_if_defined_here(service, project)
    if merged_node_and_completeness is None or not service.runs or service.role in {"agent", "tunnel", "mail-catcher", "emulator"}:
        return
    merged_node, is_merged_completely = merged_node_and_completeness
    healthcheck = merged_node.get("healthcheck")
    if isinstance(healthcheck, Map) and (healthcheck_has_test(healthcheck) or is_true_value(healthcheck.get("disable"))):
        return
    if service.builds:
        built_stage = stage_built_by_service(service, project)
        is_in_image = None if built_stage is None else built_stage.effective_value("HEALTHCHECK") is not None
    else:
        is_in_image = has_image_healthcheck(service, project)
    if is_in_image is None or not is_merged_completely:
        yield Undecidable(service.name_span)
    elif not is_in_image:
        yield missing_service_hit(service)


def healthcheck_disabled(service: Service) -> CheckOutcome:
    """A health check that is switched off."""
    disabled_span = _disabled_healthcheck_span(service)
    if disabled_span is not None and not service.once and not _has_sibling_with_healthcheck(service):
        yield hit(disabled_span)


def _disabled_healthcheck_span(service: Service) -> Span | None:
    """Where the health check is switched off."""
    healthcheck = service.node.get("healthcheck")
    if not isinstance(healthcheck, Map):
        return None
    healthcheck_test = healthcheck.get("test")
    if is_true_value(healthcheck.get("disable")):
        return healthcheck.at("disable")
    is_test_none = healthcheck_test == "NONE" or (isinstance(healthcheck_test, Seq) and healthcheck_test[:1] == ["NONE"])
    return healthcheck.at("test") if is_test_none else None


def _has_sibling_with_healthcheck(service: Service) -> bool:
    """Whether another service of the same image keeps its check: the image's is made for that one's process."""
    image_and_build = service.extended_node.get("image"), service.extended_node.get("build")
    return any(image_and_build) and any(
        (sibling.extended_node.get("image"), sibling.extended_node.get("build")) == image_and_build and _disabled_healthcheck_span(sibling) is None
        for sibling in service.document.services.values()
        if sibling is not service and not sibling.once
    )


def healthcheck_pointless(service: Service) -> CheckOutcome:
    """A health check that cannot fail."""
    healthcheck = service.node.get("healthcheck")
    if not isinstance(healthcheck, Map):
        return
    test_words = healthcheck_words(healthcheck)
    test_script = test_words[2] if test_words[:2] == ["sh", "-c"] and len(test_words) > 2 else shlex.join(test_words)
    if is_always_healthy([one for one in shell.parse_commands(test_script) if one.parent_index < 0]):
        yield hit(healthcheck.at("test"))


def dependency_waits(service: Service, project: Project, *, stores: bool) -> CheckOutcome:
    """A dependency that is only started, not ready: on a store, or else on a service that has a health check here."""
    depends_on = service.node.get("depends_on")
    service_by_name = project.memoize(join_compose_files).application_of(service.document).services()
    dependencies: list[tuple[str, Any, Span]] = []
    if isinstance(depends_on, Map):
        dependencies = [
            (dependency_name, dependency_options, depends_on.key_span(dependency_name)) for dependency_name, dependency_options in depends_on.items()
        ]
    elif isinstance(depends_on, Seq):
        dependencies = [(dependency_name, None, depends_on.at(i)) for i, dependency_name in enumerate(depends_on) if isinstance(dependency_name, str)]
    for dependency_name, dependency_options, dependency_span in dependencies:
        dependency = service_by_name.get(dependency_name)
        start_condition = dependency_options.get("condition") if isinstance(dependency_options, Map) else "service_started"
        if dependency is None or start_condition != "service_started":
            continue
        if waits_by_itself(service, dependency_name, service.extended_node, service_by_name):
            continue
        is_store = dependency.image_facts is not None and dependency.image_facts.is_store
        if is_store is stores and (is_store or _has_enabled_healthcheck(merged_node_and_is_complete(dependency, project)[0])):
            yield hit(dependency_span, used=dependency_name, role=dependency.role)


def _has_enabled_healthcheck(service_node: Map) -> bool:
    """Whether a service says how it is asked for its health."""
    healthcheck = service_node.get("healthcheck")
    is_disabled = isinstance(healthcheck, Map) and (is_true_value(healthcheck.get("disable")) or healthcheck.get("test") in ("NONE", ["NONE"]))
    return isinstance(healthcheck, Map) and healthcheck_has_test(healthcheck) and not is_disabled


def dependency_health_unknown(service: Service, project: Project) -> CheckOutcome:
    """A wait for the health of a service that has no health check: it never ends well."""
    depends_on = service.node.get("depends_on")
    service_by_name = project.memoize(join_compose_files).application_of(service.document).services()
    for dependency_name, dependency_options in depends_on.items() if isinstance(depends_on, Map) else ():
        dependency = service_by_name.get(dependency_name)
        if dependency is None or not isinstance(dependency_options, Map) or dependency_options.get("condition") != "service_healthy":
            continue
        condition_span = dependency_options.at("condition")
        merged_node, is_merged_completely = merged_node_and_is_complete(dependency, project)
        healthcheck = merged_node.get("healthcheck")
        is_disabled = isinstance(healthcheck, Map) and (is_true_value(healthcheck.get("disable")) or healthcheck.get("test") in ("NONE", ["NONE"]))
        if isinstance(healthcheck, Map) and healthcheck_has_test(healthcheck) and not is_disabled:
            continue
        if is_disabled or (is_merged_completely and _is_image_without_healthcheck(dependency, project)):
            yield hit(condition_span, used=dependency_name)
        else:
            yield Undecidable(condition_span)


def _is_image_without_healthcheck(service: Service, project: Project) -> bool:
    """Whether the image itself has no health check: built here without one, or an official image."""
    if service.builds:
        built_stage = stage_built_by_service(service, project)
        final_image = built_stage.root_stage.image if built_stage is not None and built_stage.effective_value("HEALTHCHECK") is None else None
    else:
        final_image = service.image
    return final_image is not None and may_be_official_image(final_image)


_LIMIT_KEY_PATHS_BY_RESOURCE = {
    "memory": (("deploy", "resources", "limits", "memory"), ("mem_limit",)),
    "cpu": (("deploy", "resources", "limits", "cpus"), ("cpus",), ("cpu_quota",)),
    "pids": (("deploy", "resources", "limits", "pids"), ("pids_limit",)),
}


def limit_missing(service: Service, project: Project, *, resources: Sequence[str]) -> CheckOutcome:
    """A service that may take all memory, processor time or process numbers of the host."""
    merged_node_and_completeness = merged_node_if_defined_here(service, project)
    if merged_node_and_completeness is None or not service.owned or "provider" in service.extended_node or service.never_started:
        return
    merged_node, is_merged_completely = merged_node_and_completeness
    unlimited_resources = [
        resource
        for resource in resources
        if not any(merged_node.mapping_at_path(*path[:-1]).get(path[-1]) is not None for path in _LIMIT_KEY_PATHS_BY_RESOURCE[resource])
    ]
    if is_merged_completely:
        yield from (missing_service_hit(service, limited=one) for one in unlimited_resources)
    elif unlimited_resources:
        yield Undecidable(service.name_span)


def log_rotation_missing(service: Service, project: Project) -> CheckOutcome:
    """Logs that grow until the disk is full: json-file without max-size."""
    merged_node_and_completeness = merged_node_if_defined_here(service, project)
    if merged_node_and_completeness is None or not service.runs:
        return
    merged_node, is_merged_completely = merged_node_and_completeness
    logging_section = merged_node.mapping_at_path("logging")
    log_driver = expand_scalar(logging_section.get("driver")).text
    if UNKNOWN_VALUE_MARK in log_driver:
        yield Undecidable(service.name_span)
        return
    if log_driver not in ("", "json-file"):
        return
    if "max-size" in logging_section.mapping_at_path("options"):
        return
    own_logging_section = service.node.get("logging")
    logging_span = service.node.at("logging") if isinstance(own_logging_section, Map) else None
    yield missing_service_hit(service, logging_span) if is_merged_completely else Undecidable(service.name_span)


def stop_grace_short(service: Service, *, least: int) -> CheckOutcome:
    """A container that is killed before it can end its work."""
    grace_seconds = duration_seconds(service.node.get("stop_grace_period"))
    if grace_seconds is not None and grace_seconds < least:
        yield hit(service.node.at("stop_grace_period"), value=str(service.node["stop_grace_period"]))


def stop_grace_missing(service: Service, project: Project) -> CheckOutcome:
    """A database that has ten seconds to end, for it says nothing."""
    merged_node_and_completeness = merged_node_if_defined_here(service, project)
    if (
        merged_node_and_completeness is not None
        and service.role in {"database", "queue", "search"}
        and not merged_node_and_completeness[0].get("stop_grace_period")
    ):
        yield missing_service_hit(service)


def replica_single(service: Service, project: Project) -> CheckOutcome:
    """A service of no known role (a database has one) that runs with fewer than two replicas."""
    merged_node_and_completeness = merged_node_if_defined_here(service, project)
    if merged_node_and_completeness is None or service.role or not service.runs:
        return
    replicas = replica_count(merged_node_and_completeness[0], service.env_values)
    if replicas is None:
        yield Undecidable(service.name_span)
    elif replicas < 2:
        has_replicas_setting = service.extended_node.mapping_at_path("deploy").get("replicas") is not None
        yield missing_service_hit(service, span_at_key_path(service.extended_node, "deploy", "replicas") if has_replicas_setting else None)


_URL_HOST = lazy_regex(r"\b[a-z][a-z0-9+.-]{1,30}://(?:[^@/\s]{0,200}@)?([A-Za-z0-9][A-Za-z0-9_.-]{0,100})")
_HOST_VARIABLE_NAME = lazy_regex(r"(?:^|_)(?:HOST|HOSTNAME|SERVER|ADDR|ADDRESS)\Z", re.IGNORECASE)


def dependency_undeclared(service: Service, project: Project) -> CheckOutcome:
    """A store that the environment names and `depends_on` does not."""
    service_by_name = project.memoize(join_compose_files).application_of(service.document).services()
    merged_node, is_merged_completely = merged_node_and_is_complete(service, project)
    if not is_merged_completely or service.document.swarm:
        return
    awaited_services = _names_of_awaited_services(merged_node, service_by_name, project.memoize(_referenced_names_by_service_id))
    for variable_setting in service.variable_settings:
        variable_text = variable_setting.text or ""
        named_hosts = [match.group(1) for match in _URL_HOST.finditer(variable_text)]
        if _HOST_VARIABLE_NAME.search(variable_setting.name):
            named_hosts.append(variable_text.partition(":")[0])
        for host in named_hosts:
            host_service = service_by_name.get(host)
            if host_service is None or host_service is service or host in awaited_services or host_service.extended_node.get("profiles"):
                continue
            if host_service.image_facts is not None and host_service.image_facts.is_store:
                awaited_services.add(host)
                yield hit(variable_setting.span, used=host, variable=variable_setting.name)


def _referenced_names_by_service_id(project: Project) -> dict[int, tuple[str, ...]]:
    """The services that each service names, by its identity."""
    return {
        id(service): tuple(name for _, name, _ in references_to_services(service.extended_node))
        for document in project.documents_of_kind("compose")
        for service in document.services.values()
    }


def _names_of_awaited_services(
    service_node: Map, service_by_name: dict[str, Service], references_by_service_id: dict[int, tuple[str, ...]]
) -> set[str]:
    """The services that a service waits for, those among them that they wait for too."""
    awaited_names: set[str] = set()
    pending_names = [dependency_name for _, dependency_name, _ in references_to_services(service_node)]
    while pending_names:
        dependency_name = pending_names.pop()
        if dependency_name not in awaited_names:
            awaited_names.add(dependency_name)
            if dependency_name in service_by_name:
                pending_names += references_by_service_id.get(id(service_by_name[dependency_name]), ())
    return awaited_names
