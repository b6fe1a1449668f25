"""Values with a form of their own: durations, sizes, numbers in strings, ports, mounts, hosts, commands."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Any

from readiness.kinds.compose.parts import expand_scalar, parse_range, split_mount, split_port
from readiness.kinds.compose.schema import Problem, is_variable, json_type
from readiness.model import Span
from readiness.model.messages import FactValue
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.yaml import Map, Seq

Form = Callable[[Any], str]
"""What keeps a value from being of a form, as the name of its sentence; empty where nothing does."""
Flaw = tuple[str, dict[str, FactValue]]
"""The name of a sentence and its facts."""
_DURATION = re.compile(r"-?(?:0|(?:[0-9]+(?:\.[0-9]*)?(?:ns|[uµμ]s|ms|s|m|h|d|w))+)\Z")
_BYTE_SIZE = re.compile(r"[0-9]+(?:\.[0-9]+)? ?(?:b|[kmgtp](?:i?b)?)?\Z", re.IGNORECASE)
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\Z")
_BOOLEAN_WORDS = frozenset("true false yes no y n on off".split())


def boolean_problem(value: Any) -> str:
    """A string that stands for a boolean."""
    return "" if value.lower() in _BOOLEAN_WORDS else "boolean"


def integer_problem(value: Any) -> str:
    """A string that stands for a whole number."""
    return "" if _INTEGER.match(value) else "whole"


def natural_number_problem(value: Any) -> str:
    """A whole number of nothing or more."""
    return "" if _INTEGER.match(str(value)) and str(value)[0] != "-" else "natural"


def number_problem(value: Any) -> str:
    """A string that stands for a number."""
    return "" if _NUMBER.match(value) else "number"


def duration_problem(value: Any) -> str:
    """Why a value is no duration such as `1m30s`; empty where it is one."""
    return "" if _DURATION.match(value) else "duration"


def byte_size_problem(value: Any) -> str:
    """Why a value is no size in bytes such as `512m`; empty where it is one."""
    return "" if _BYTE_SIZE.match(value) else "size"


def unclosed_quote_problem(value: Any) -> str:
    """A command line whose quotes are closed."""
    return "" if _quotes_closed(value) else "quote"


def device_count_problem(value: Any) -> str:
    """Why a value is no count of devices (a number or `all`); empty where it is one."""
    return "" if value == "all" or _INTEGER.match(value) else "count"


_FORMAT_CHECK_BY_PATH: dict[str, Form] = {
    path: form
    for form, paths in (
        (boolean_problem, """privileged read_only stdin_open tty init oom_kill_disable attach healthcheck.disable volumes.*.read_only
            volumes.*.volume.nocopy volumes.*.bind.create_host_path build.privileged build.no_cache build.pull
            depends_on.*.restart post_start.*.privileged pre_stop.*.privileged env_file.*.required"""),
        (natural_number_problem, """scale deploy.replicas healthcheck.retries deploy.update_config.parallelism
            deploy.rollback_config.parallelism deploy.restart_policy.max_attempts
            deploy.placement.max_replicas_per_node blkio_config.weight blkio_config.weight_device.*.weight"""),
        (integer_problem, """pids_limit cpu_count cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares oom_score_adj
            deploy.resources.limits.pids ports.*.target build.ulimits.* build.ulimits.*.soft build.ulimits.*.hard
            deploy.resources.reservations.generic_resources.*.discrete_resource_spec.value ulimits.* ulimits.*.soft
            ulimits.*.hard"""),
        (number_problem, """cpus cpu_percent deploy.resources.limits.cpus deploy.resources.reservations.cpus
            deploy.update_config.max_failure_ratio deploy.rollback_config.max_failure_ratio"""),
        (duration_problem, """stop_grace_period healthcheck.interval healthcheck.timeout healthcheck.start_period
            healthcheck.start_interval deploy.update_config.delay deploy.update_config.monitor deploy.rollback_config.delay
            deploy.rollback_config.monitor deploy.restart_policy.delay deploy.restart_policy.window"""),
        (byte_size_problem, """mem_limit mem_reservation memswap_limit mem_swappiness shm_size build.shm_size deploy.resources.limits.memory
            deploy.resources.reservations.memory volumes.*.tmpfs.size blkio_config.device_read_bps.*.rate
            blkio_config.device_write_bps.*.rate blkio_config.device_read_iops.*.rate blkio_config.device_write_iops.*.rate"""),
        (unclosed_quote_problem, "command entrypoint post_start.*.command pre_stop.*.command"),
        (device_count_problem, "deploy.resources.reservations.devices.*.count gpus.*.count"),
    )
    for path in paths.split()
}  # fmt: skip
_TOP_BOOLEANS = {
    "networks": ("external", "internal", "attachable", "enable_ipv4", "enable_ipv6"),
    "volumes": ("external",),
    "secrets": ("external",),
    "configs": ("external",),
}
_OCTAL_MODE = re.compile(r"0?o?[0-7]+\Z")
Table = dict[str, "Table | Form"]


def _build_format_check_tree() -> Table:
    """The table of forms as a tree of keys."""
    tree: Table = {}
    for path, form in _FORMAT_CHECK_BY_PATH.items():
        node = tree
        *steps, last = path.split(".")
        for step in steps:
            below = node.get(step)
            if not isinstance(below, dict):  # `ulimits.*` is a form and has more below it
                below = {} if below is None else {"": below}
                node[step] = below
            node = below
        if isinstance(node.get(last), dict):
            node[last][""] = form  # type: ignore[index]
        else:
            node[last] = form
    return tree


_FORMAT_CHECK_TREE = _build_format_check_tree()


def format_problems(root: Map) -> Iterator[Problem]:
    """Every value of a file that has not the form that it must have."""
    services = root.get("services")
    if isinstance(services, Map):
        for name, service in services.items():
            if isinstance(service, Map):
                where = ("services", name)
                yield from _format_problems_below(service, _FORMAT_CHECK_TREE, where)
                yield from _port_problems(service.get("ports"), where)
                yield from _mount_problems(service.get("volumes"), where)
                yield from _list_problems(service, where)
    for section, keys in _TOP_BOOLEANS.items():
        items = root.get(section)
        for name, item in items.items() if isinstance(items, Map) else ():
            for key in keys:
                value = item.get(key) if isinstance(item, Map) else None
                if isinstance(value, str) and not is_variable(value) and boolean_problem(value):
                    place = (section, name, key)
                    yield _format_problem(item.at(key), place, "boolean", value=value)


def _format_problem(span: Span, path: tuple[str, ...], say: str, **facts: FactValue) -> Problem:
    return Problem("value", span, path, say, facts)


def _format_problems_below(node: Map | Seq, checks: Table, path: tuple[str, ...]) -> Iterator[Problem]:
    """Values whose path is in the table."""
    items = enumerate(node) if isinstance(node, Seq) else node.items()
    for key, value in items:
        found = checks.get("*") or checks.get(key) if isinstance(key, str) else checks.get("*")
        if isinstance(value, Map | Seq):
            if isinstance(found, dict):
                yield from _format_problems_below(value, found, (*path, str(key)))
            continue
        form = found.get("") if isinstance(found, dict) else found
        if not callable(form) or is_variable(value):
            continue
        if isinstance(value, str) or (form is natural_number_problem and json_type(value) == "integer"):
            wrong = form(expand_scalar(value).text)
            if wrong:
                yield _format_problem(node.at(key), (*path, str(key)), wrong, value=value)


def _port_problems(ports: Any, path: tuple[str, ...]) -> Iterator[Problem]:
    """Ports in their short form, and what the long one cannot be without."""
    for index, item in enumerate(ports) if isinstance(ports, Seq) else ():
        where, span = (*path, "ports", str(index)), ports.at(index)
        if isinstance(item, Map):
            address = item.get("host_ip")
            if item.get("target") is None:
                yield _format_problem(span, where, "port-target")
            if isinstance(address, str) and not (is_variable(address) or _is_ip_address(address)):
                yield _format_problem(item.at("host_ip"), where, "address", value=address)
        elif isinstance(item, str | int | float) and not isinstance(item, bool):
            flaw = port_flaw(expand_scalar(item).text)
            if flaw is not None:
                yield _format_problem(span, where, flaw[0], **flaw[1])


def port_flaw(text: str) -> Flaw | None:
    """Why a port in its short form is none; None where it is one, or a variable hides it."""
    if UNKNOWN_VALUE_MARK in text:
        return None
    address, host, target, protocol = split_port(text)
    if "/" in text and protocol and protocol.lower() not in {"tcp", "udp", "sctp"}:
        return "protocol", {"value": protocol}
    if not target:
        return "no-container-port", {}
    inside, outside = _port_range(target, 1), _port_range(host, 0) if host else None
    if inside is None:
        return "container-port", {"value": target}
    if host and outside is None:
        return "host-port", {"value": host}
    if outside is not None and inside[1] - inside[0] not in {0, outside[1] - outside[0]}:
        return "lengths", {"host": host, "target": target}
    if address and not _is_ip_address(address):
        return "address", {"value": address}
    return None


def _port_range(text: str, least: int) -> tuple[int, int] | None:
    """The first and the last port of a range, or None where one is no port."""
    found = parse_range(text)
    return found if found is not None and least <= found[0] <= found[1] <= 65535 else None


def _is_ip_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


def _mount_problems(mounts: Any, path: tuple[str, ...]) -> Iterator[Problem]:
    """Mounts in their short form, and what the long one cannot be without."""
    for index, item in enumerate(mounts) if isinstance(mounts, Seq) else ():
        where, span = (*path, "volumes", str(index)), mounts.at(index)
        if isinstance(item, Map):
            kind = item.get("type")
            if isinstance(kind, str) and item.get("target") is None:
                yield _format_problem(span, where, "mount-target")
            elif kind == "bind" and "source" not in item:
                yield _format_problem(span, where, "mount-source")
        elif isinstance(item, str):
            text = expand_scalar(item).text
            parts = split_mount(text)
            if not text:
                yield _format_problem(span, where, "mount-empty")
            elif len(parts) > 1 and not all(parts[:2]):
                yield _format_problem(span, where, "mount-colons", value=item)
            elif len(parts) > 3:
                yield _format_problem(span, where, "mount-parts", value=item)


def _list_problems(service: Map, path: tuple[str, ...]) -> Iterator[Problem]:
    """Hosts, devices, health checks, lists without doubles, names of variables, counts under nought."""
    build = service.get("build")
    for item, span in [
        *_constant_strings(service, "extra_hosts"),
        *_constant_strings(build, "extra_hosts"),
    ]:
        name, separator, _ = item.partition("=") if "=" in item else item.partition(":")
        if not name or not separator:
            yield _format_problem(span, path, "host", value=item)
    yield from _long_form_problems(service, path)
    for item, span in _constant_strings(service, "devices"):
        if item.count(":") > 2 and "=" not in item:
            yield _format_problem(span, path, "device-parts", value=item)
    for owner, key in ((service, "environment"), (build, "args")):
        for item, span in _constant_strings(owner, key):
            name, separator, _ = item.partition("=")
            if separator and name != name.rstrip():
                yield _format_problem(span, path, "blank", variable=name.strip())
    for key, lone in (("additional_contexts", ""), ("ssh", "default")):
        for item, span in _constant_strings(build, key):
            if "=" not in item and item != lone:
                yield _format_problem(span, (*path, "build", key), "pair", value=item)
    test = service.mapping_at_path("healthcheck").get("test")
    if isinstance(test, Seq) and test and test[0] not in ("CMD", "CMD-SHELL", "NONE") and isinstance(test[0], str):
        yield _format_problem(test.at(0), path, "health", value=test[0])


def _long_form_problems(service: Map, path: tuple[str, ...]) -> Iterator[Problem]:
    """Devices, secrets and configs in their long form, without what they cannot be without."""
    for owner, key, needed in (
        (service, "devices", "target"),
        (service, "secrets", "source"),
        (service, "configs", "source"),
        (service.get("build"), "secrets", "source"),
    ):
        items = owner.get(key) if isinstance(owner, Map) else None
        for index, item in enumerate(items) if isinstance(items, Seq) else ():
            if not isinstance(item, Map) or not isinstance(items, Seq):
                continue
            mode = item.get("mode")
            if needed not in item:
                yield _format_problem(items.at(index), (*path, key), "lacks", key=needed)
            if isinstance(mode, str) and not is_variable(mode) and not _OCTAL_MODE.match(mode):
                yield _format_problem(item.at("mode"), (*path, key), "mode", value=mode)


def _constant_strings(owner: Any, key: str) -> Iterator[tuple[str, Span]]:
    """The strings of a list, without those that hold variables."""
    items = owner.get(key) if isinstance(owner, Map) else None
    if not isinstance(items, Seq):
        return
    for index, item in enumerate(items):
        if isinstance(item, str) and UNKNOWN_VALUE_MARK not in expand_scalar(item).text:
            yield item, items.at(index)


def _quotes_closed(line: str) -> bool:
    """Whether every quote of a command line is closed, by the shell's rules of quoting."""
    quote, at = "", 0
    while at < len(line):
        char = line[at]
        if char == "\\" and quote != "'":
            at += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"`":
            quote = char
        at += 1
    return not quote
