"""Settings that shut each other out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from readiness.kinds.compose.application import is_defined_here, merged_service
from readiness.kinds.compose.model import Document, Service
from readiness.kinds.compose.parts import expand_scalar
from readiness.kinds.compose.words import replica_count, span_of
from readiness.model import CheckOutcome, Hit, hit
from readiness.model.project import Project
from readiness.syntax.holes import has_variable
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.yaml import Map, Seq


def settings_conflict(service: Service, project: Project) -> CheckOutcome:
    """Two settings of a service of which Docker takes only one."""
    node, _ = merged_service(service, project)
    if not is_defined_here(service, project):
        return
    own = service.extended_node
    yield from _network_conflicts(own)
    yield from _dockerfile_conflicts(own)
    yield from _deploy_duplicate_conflicts(own)
    yield from _name_conflicts(service, node)
    yield from _platform_conflicts(own)
    yield from _device_conflicts(own)
    yield from _watch_conflicts(own)


def _network_conflicts(service_node: Map) -> Iterator[Hit]:
    if "network_mode" in service_node and isinstance(service_node.get("networks"), Map | Seq) and service_node["networks"]:
        yield hit(service_node.at("network_mode"), say="beside", first="network_mode", second="networks")
    mode = str(service_node.get("network_mode"))
    if service_node.get("ports") and (mode == "host" or mode.startswith(("service:", "container:"))):
        yield hit(service_node.at("ports"), say="mode", mode=mode)


def _dockerfile_conflicts(service_node: Map) -> Iterator[Hit]:
    first, second = "dockerfile", "dockerfile_inline"
    build = service_node.mapping_at_path("build")
    if first in build and second in build:
        yield hit(build.at(first), say="beside", first=f"build.{first}", second=f"build.{second}")


def _deploy_duplicate_conflicts(service_node: Map) -> Iterator[Hit]:
    """What stands on the service and under `deploy` with two values, or there beside limits that leave it out."""
    for first, path in _DEPLOY_EQUIVALENTS:
        value, limits = service_node.get(first), service_node.mapping_at_path(*path[:-1])
        other = limits.get(path[-1])
        if value is None or (other is not None and _is_same_value(value, other)):
            continue
        if other is not None:
            yield hit(service_node.at(first), first=first, say="twice", second=".".join(path))
        elif limits and first != "scale" and expand_scalar(value).text not in {"0", "-1"}:
            second, key = ".".join(path[:-1]), path[-1]
            yield hit(service_node.at(first), say="left-out", first=first, second=second, key=key)


def _name_conflicts(service: Service, merged_node: Map) -> Iterator[Hit]:
    """A name for one container where several run; `merged_node` is the service as it runs."""
    own = service.extended_node
    count = replica_count(merged_node, service.env_values) or 1
    if not merged_node.get("container_name") or count < 2:
        return
    place = service.name_span  # where a file that is laid over this one says it
    if "container_name" in own:
        place = own.at("container_name")
    elif own.mapping_at_path("deploy").get("replicas") is not None:
        place = span_of(own, "deploy", "replicas")
    yield hit(place, say="replicas", count=count)


def _platform_conflicts(service_node: Map) -> Iterator[Hit]:
    platform, platforms = (
        service_node.string_under("platform"),
        service_node.mapping_at_path("build").get("platforms"),
    )
    if not platform or has_variable(platform) or not isinstance(platforms, Seq) or not platforms:
        return
    if platform not in platforms:
        yield hit(service_node.at("platform"), say="platform")


_DEPLOY_EQUIVALENTS = (
    ("scale", ("deploy", "replicas")),
    ("mem_limit", ("deploy", "resources", "limits", "memory")),
    ("mem_reservation", ("deploy", "resources", "reservations", "memory")),
    ("cpus", ("deploy", "resources", "limits", "cpus")),
    ("pids_limit", ("deploy", "resources", "limits", "pids")),
)


def _is_same_value(first: Any, second: Any) -> bool:
    """Whether two values mean one thing; a variable may."""
    texts = [
        expand_scalar(value).text.lower().replace(" ", "").removesuffix("b").removesuffix("i") for value in (first, second)
    ]
    if any(UNKNOWN_VALUE_MARK in text for text in texts):
        return True
    try:
        return float(texts[0]) == float(texts[1])
    except ValueError:
        return texts[0] == texts[1]


def _device_conflicts(service_node: Map) -> Iterator[Hit]:
    for devices in (
        service_node.mapping_at_path("deploy", "resources", "reservations").get("devices"),
        service_node.get("gpus"),
    ):
        for device in devices if isinstance(devices, Seq) else ():
            if isinstance(device, Map) and {"count", "device_ids"} <= set(device):
                yield hit(device.at("count"), say="beside", first="count", second="device_ids")


def _watch_conflicts(service_node: Map) -> Iterator[Hit]:
    watch = service_node.mapping_at_path("develop").get("watch")
    for rule in watch if isinstance(watch, Seq) else ():
        action = str(rule.get("action")) if isinstance(rule, Map) else ""
        if action in {"sync", "sync+restart"} and not rule.get("target"):
            yield hit(rule.at("action"), say="no-target", action=action)
        if isinstance(rule, Map) and rule.get("path") == "":
            yield hit(rule.at("path"), say="no-path")


def definition_invalid(document: Document) -> CheckOutcome:
    """A volume, network, secret or config whose settings do not go together."""
    for section in ("volumes", "networks", "secrets", "configs"):
        for name, (_, node) in document.section_entries(section).items():
            if isinstance(node, Map):
                yield from _definition_conflicts(section, name, node)


def _definition_conflicts(section: str, name: str, node: Map) -> Iterator[Hit]:
    external, where = node.get("external"), f"{section}.{name}"
    other = external.get("name") if isinstance(external, Map) else None
    if "name" in node and other not in (None, node["name"]):
        yield hit(node.at("name"), say="names", where=where)
    if external in (True, "true") or isinstance(external, Map):
        for key in node if section == "volumes" else ():
            if key not in {"name", "external"} and not key.startswith("x-"):
                yield hit(node.key_span(key), say="external", where=where, key=key)
    elif section in _WAYS and (external is None or isinstance(external, bool)):
        yield from _way_conflicts(_WAYS[section], where, node)


_WAYS = {"secrets": ("file", "environment"), "configs": ("file", "environment", "content")}


def _way_conflicts(ways: tuple[str, ...], where: str, node: Map) -> Iterator[Hit]:
    """A secret or config that is taken from two places, or from none."""
    given = [way for way in ways if way in node]
    if len(given) > 1:
        yield hit(node.key_span(given[1]), say="both", where=where, given=" and ".join(given))
    elif not given:
        allowed = f"{', '.join(ways[:-1])} or {ways[-1]}"
        yield hit(node.at(), say="none", where=where, allowed=allowed)
