"""Settings that shut each other out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from readiness.kinds.compose.application import is_service_defined_in_own_file, merged_node_and_is_complete
from readiness.kinds.compose.model import Document, Service
from readiness.kinds.compose.parts import expand_scalar
from readiness.kinds.compose.words import replica_count, span_at_key_path
from readiness.model import CheckOutcome, Hit, Severity, hit
from readiness.model.project import Project
from readiness.syntax.holes import has_variable_sign
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.yaml import Map, Seq


def settings_conflict(service: Service, project: Project) -> CheckOutcome:
    """Two settings of a service of which Docker takes only one."""
    merged_node, _ = merged_node_and_is_complete(service, project)
    if not is_service_defined_in_own_file(service, project):
        return
    extended_node = service.extended_node
    yield from _network_conflicts(extended_node)
    yield from _dockerfile_conflicts(extended_node)
    yield from _deploy_duplicate_conflicts(extended_node)
    yield from _container_name_conflicts(service, merged_node)
    yield from _platform_conflicts(extended_node)
    yield from _device_conflicts(extended_node)
    yield from _watch_conflicts(extended_node)


def _network_conflicts(service_node: Map) -> Iterator[Hit]:
    if "network_mode" in service_node and isinstance(service_node.get("networks"), Map | Seq) and service_node["networks"]:
        yield hit(service_node.at("network_mode"), say="beside", first="network_mode", second="networks")
    network_mode = str(service_node.get("network_mode"))
    if service_node.get("ports") and network_mode == "host":
        # Only Compose v1 refused it. The engine warns that it discards the ports, and starts the container:
        # https://docs.docker.com/engine/network/drivers/host/
        yield hit(service_node.at("ports"), severity=Severity.LOW, say="discarded", mode=network_mode)
    elif service_node.get("ports") and network_mode.startswith(("service:", "container:")):
        yield hit(service_node.at("ports"), say="mode", mode=network_mode)


def _dockerfile_conflicts(service_node: Map) -> Iterator[Hit]:
    dockerfile_key, inline_key = "dockerfile", "dockerfile_inline"
    build_section = service_node.mapping_at_path("build")
    if dockerfile_key in build_section and inline_key in build_section:
        yield hit(build_section.at(dockerfile_key), say="beside", first=f"build.{dockerfile_key}", second=f"build.{inline_key}")


def _deploy_duplicate_conflicts(service_node: Map) -> Iterator[Hit]:
    """What stands on the service and under `deploy` with two values, or there beside limits that leave it out."""
    for service_key, deploy_key_path in _SERVICE_AND_DEPLOY_KEY_PATHS:
        service_value, deploy_section = service_node.get(service_key), service_node.mapping_at_path(*deploy_key_path[:-1])
        deploy_value = deploy_section.get(deploy_key_path[-1])
        if service_value is None or (deploy_value is not None and _may_be_same_value(service_value, deploy_value)):
            continue
        if deploy_value is not None:
            yield hit(service_node.at(service_key), first=service_key, say="twice", second=".".join(deploy_key_path))
        elif deploy_section and service_key != "scale" and expand_scalar(service_value).text not in {"0", "-1"}:
            deploy_section_name, deploy_key = ".".join(deploy_key_path[:-1]), deploy_key_path[-1]
            yield hit(service_node.at(service_key), say="left-out", first=service_key, second=deploy_section_name, key=deploy_key)


def _container_name_conflicts(service: Service, merged_node: Map) -> Iterator[Hit]:
    """A name for one container where several run; `merged_node` is the service as it runs."""
    extended_node = service.extended_node
    replicas = replica_count(merged_node, service.env_values) or 1
    if not merged_node.get("container_name") or replicas < 2:
        return
    conflict_span = service.name_span  # where a file that is laid over this one says it
    if "container_name" in extended_node:
        conflict_span = extended_node.at("container_name")
    elif extended_node.mapping_at_path("deploy").get("replicas") is not None:
        conflict_span = span_at_key_path(extended_node, "deploy", "replicas")
    yield hit(conflict_span, say="replicas", count=replicas)


def _platform_conflicts(service_node: Map) -> Iterator[Hit]:
    service_platform, build_platforms = (
        service_node.string_under("platform"),
        service_node.mapping_at_path("build").get("platforms"),
    )
    if not service_platform or has_variable_sign(service_platform) or not isinstance(build_platforms, Seq) or not build_platforms:
        return
    if service_platform not in build_platforms:
        yield hit(service_node.at("platform"), say="platform")


_SERVICE_AND_DEPLOY_KEY_PATHS = (
    ("scale", ("deploy", "replicas")),
    ("mem_limit", ("deploy", "resources", "limits", "memory")),
    ("mem_reservation", ("deploy", "resources", "reservations", "memory")),
    ("cpus", ("deploy", "resources", "limits", "cpus")),
    ("pids_limit", ("deploy", "resources", "limits", "pids")),
)


def _may_be_same_value(first_value: Any, second_value: Any) -> bool:
    """Whether two values mean one thing; a variable may."""
    normalized_texts = [
        expand_scalar(value).text.lower().replace(" ", "").removesuffix("b").removesuffix("i") for value in (first_value, second_value)
    ]
    if any(UNKNOWN_VALUE_MARK in text for text in normalized_texts):
        return True
    try:
        return float(normalized_texts[0]) == float(normalized_texts[1])
    except ValueError:
        return normalized_texts[0] == normalized_texts[1]


def _device_conflicts(service_node: Map) -> Iterator[Hit]:
    for device_list in (
        service_node.mapping_at_path("deploy", "resources", "reservations").get("devices"),
        service_node.get("gpus"),
    ):
        for device in device_list if isinstance(device_list, Seq) else ():
            if isinstance(device, Map) and {"count", "device_ids"} <= set(device):
                yield hit(device.at("count"), say="beside", first="count", second="device_ids")


def _watch_conflicts(service_node: Map) -> Iterator[Hit]:
    watch_rules = service_node.mapping_at_path("develop").get("watch")
    for watch_rule in watch_rules if isinstance(watch_rules, Seq) else ():
        watch_action = str(watch_rule.get("action")) if isinstance(watch_rule, Map) else ""
        if watch_action in {"sync", "sync+restart"} and not watch_rule.get("target"):
            yield hit(watch_rule.at("action"), say="no-target", action=watch_action)
        if isinstance(watch_rule, Map) and watch_rule.get("path") == "":
            yield hit(watch_rule.at("path"), say="no-path")


def definition_invalid(document: Document) -> CheckOutcome:
    """A volume, network, secret or config whose settings do not go together."""
    for section_name in ("volumes", "networks", "secrets", "configs"):
        for definition_name, (_, definition_node) in document.section_entries(section_name).items():
            if isinstance(definition_node, Map):
                yield from _definition_conflicts(section_name, definition_name, definition_node)


def _definition_conflicts(section_name: str, definition_name: str, definition_node: Map) -> Iterator[Hit]:
    external_setting, definition_path = definition_node.get("external"), f"{section_name}.{definition_name}"
    external_name = external_setting.get("name") if isinstance(external_setting, Map) else None
    if "name" in definition_node and external_name not in (None, definition_node["name"]):
        yield hit(definition_node.at("name"), say="names", where=definition_path)
    if external_setting in (True, "true") or isinstance(external_setting, Map):
        for setting_key in definition_node if section_name == "volumes" else ():
            if setting_key not in {"name", "external"} and not setting_key.startswith("x-"):
                yield hit(definition_node.key_span(setting_key), say="external", where=definition_path, key=setting_key)
    elif section_name in _SOURCE_KEYS_BY_SECTION and (external_setting is None or isinstance(external_setting, bool)):
        yield from _source_conflicts(_SOURCE_KEYS_BY_SECTION[section_name], definition_path, definition_node)


_SOURCE_KEYS_BY_SECTION = {"secrets": ("file", "environment"), "configs": ("file", "environment", "content")}


def _source_conflicts(source_keys: tuple[str, ...], definition_path: str, definition_node: Map) -> Iterator[Hit]:
    """A secret or config that is taken from two places, or from none."""
    given_sources = [way for way in source_keys if way in definition_node]
    if len(given_sources) > 1:
        yield hit(definition_node.key_span(given_sources[1]), say="both", where=definition_path, given=" and ".join(given_sources))
    elif not given_sources:
        allowed_sources_text = f"{', '.join(source_keys[:-1])} or {source_keys[-1]}"
        yield hit(definition_node.at(), say="none", where=definition_path, allowed=allowed_sources_text)
