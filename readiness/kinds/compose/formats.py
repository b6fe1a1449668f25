"""Values with a form of their own: durations, sizes, numbers in strings, ports, mounts, hosts, commands."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Any

from readiness.kinds.compose.parts import expand_scalar, parse_port_range, split_short_mount, split_short_port
from readiness.kinds.compose.schema import Problem, is_string_with_variable, json_type
from readiness.model import Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.messages import FactValue
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.yaml import Map, Seq

Form = Callable[[Any], str]
"""What keeps a value from being of a form, as the name of its sentence; empty where nothing does."""
MessageNameAndFacts = tuple[str, dict[str, FactValue]]
"""The name of a sentence and its facts."""
_DURATION_PATTERN = lazy_regex(r"-?(?:0|(?:[0-9]+(?:\.[0-9]*)?(?:ns|[uµμ]s|ms|s|m|h|d|w))+)\Z")
_BYTE_SIZE_PATTERN = lazy_regex(r"[0-9]+(?:\.[0-9]+)? ?(?:b|[kmgtp](?:i?b)?)?\Z", re.IGNORECASE)
_INTEGER_PATTERN = lazy_regex(r"[-+]?[0-9]+\Z")
_NUMBER_PATTERN = lazy_regex(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\Z")
_BOOLEAN_WORDS = frozenset("true false yes no y n on off".split())


def boolean_problem(value: Any) -> str:
    """A string that stands for a boolean."""
    return "" if value.lower() in _BOOLEAN_WORDS else "boolean"


def integer_problem(value: Any) -> str:
    """A string that stands for a whole number."""
    return "" if _INTEGER_PATTERN.match(value) else "whole"


def natural_number_problem(value: Any) -> str:
    """A whole number of nothing or more."""
    return "" if _INTEGER_PATTERN.match(str(value)) and str(value)[0] != "-" else "natural"


def number_problem(value: Any) -> str:
    """A string that stands for a number."""
    return "" if _NUMBER_PATTERN.match(value) else "number"


def duration_problem(value: Any) -> str:
    """Why a value is no duration such as `1m30s`; empty where it is one."""
    return "" if _DURATION_PATTERN.match(value) else "duration"


def byte_size_problem(value: Any) -> str:
    """Why a value is no size in bytes such as `512m`; empty where it is one."""
    return "" if _BYTE_SIZE_PATTERN.match(value) else "size"


def unclosed_quote_problem(value: Any) -> str:
    """A command line whose quotes are closed."""
    return "" if _are_quotes_closed(value) else "quote"


def device_count_problem(value: Any) -> str:
    """Why a value is no count of devices (a number or `all`); empty where it is one."""
    return "" if value == "all" or _INTEGER_PATTERN.match(value) else "count"


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
_BOOLEAN_KEYS_BY_TOP_SECTION = {
    "networks": ("external", "internal", "attachable", "enable_ipv4", "enable_ipv6"),
    "volumes": ("external",),
    "secrets": ("external",),
    "configs": ("external",),
}
_OCTAL_MODE_PATTERN = lazy_regex(r"0?o?[0-7]+\Z")
Table = dict[str, "Table | Form"]


def _build_format_check_tree() -> Table:
    """The table of forms as a tree of keys."""
    check_tree: Table = {}
    for key_path_text, format_check in _FORMAT_CHECK_BY_PATH.items():
        tree_node = check_tree
        *leading_keys, last_key = key_path_text.split(".")
        for leading_key in leading_keys:
            child_tree = tree_node.get(leading_key)
            if not isinstance(child_tree, dict):  # `ulimits.*` is a form and has more below it
                child_tree = {} if child_tree is None else {"": child_tree}
                tree_node[leading_key] = child_tree
            tree_node = child_tree
        if isinstance(tree_node.get(last_key), dict):
            tree_node[last_key][""] = format_check  # type: ignore[index]
        else:
            tree_node[last_key] = format_check
    return check_tree


_FORMAT_CHECK_TREE = _build_format_check_tree()


def format_problems(root: Map) -> Iterator[Problem]:
    """Every value of a file that has not the form that it must have."""
    services_section = root.get("services")
    if isinstance(services_section, Map):
        for service_or_item_name, service_node in services_section.items():
            if isinstance(service_node, Map):
                service_key_path = ("services", service_or_item_name)
                yield from _format_problems_below(service_node, _FORMAT_CHECK_TREE, service_key_path)
                yield from _port_problems(service_node.get("ports"), service_key_path)
                yield from _mount_problems(service_node.get("volumes"), service_key_path)
                yield from _list_entry_problems(service_node, service_key_path)
    for top_section, boolean_keys in _BOOLEAN_KEYS_BY_TOP_SECTION.items():
        item_by_name = root.get(top_section)
        for service_or_item_name, section_item in item_by_name.items() if isinstance(item_by_name, Map) else ():
            for boolean_key in boolean_keys:
                boolean_text = section_item.get(boolean_key) if isinstance(section_item, Map) else None
                if isinstance(boolean_text, str) and not is_string_with_variable(boolean_text) and boolean_problem(boolean_text):
                    item_key_path = (top_section, service_or_item_name, boolean_key)
                    yield _format_problem(section_item.at(boolean_key), item_key_path, "boolean", value=boolean_text)


def _format_problem(span: Span, key_path: tuple[str, ...], message_name: str, **facts: FactValue) -> Problem:
    return Problem("value", span, key_path, message_name, facts)


def _format_problems_below(node: Map | Seq, format_check_tree: Table, key_path: tuple[str, ...]) -> Iterator[Problem]:
    """Values whose path is in the table."""
    key_value_pairs = enumerate(node) if isinstance(node, Seq) else node.items()
    for key, value in key_value_pairs:
        check_or_subtree = format_check_tree.get("*") or format_check_tree.get(key) if isinstance(key, str) else format_check_tree.get("*")
        if isinstance(value, Map | Seq):
            if isinstance(check_or_subtree, dict):
                yield from _format_problems_below(value, check_or_subtree, (*key_path, str(key)))
            continue
        format_check = check_or_subtree.get("") if isinstance(check_or_subtree, dict) else check_or_subtree
        if not callable(format_check) or is_string_with_variable(value):
            continue
        if isinstance(value, str) or (format_check is natural_number_problem and json_type(value) == "integer"):
            problem_name = format_check(expand_scalar(value).text)
            if problem_name:
                yield _format_problem(node.at(key), (*key_path, str(key)), problem_name, value=value)


def _port_problems(port_entries: Any, service_key_path: tuple[str, ...]) -> Iterator[Problem]:
    """Ports in their short form, and what the long one cannot be without."""
    for index, port_entry in enumerate(port_entries) if isinstance(port_entries, Seq) else ():
        port_key_path, port_span = (*service_key_path, "ports", str(index)), port_entries.at(index)
        if isinstance(port_entry, Map):
            host_ip = port_entry.get("host_ip")
            if port_entry.get("target") is None:
                yield _format_problem(port_span, port_key_path, "port-target")
            if isinstance(host_ip, str) and not (is_string_with_variable(host_ip) or _is_ip_address(host_ip)):
                yield _format_problem(port_entry.at("host_ip"), port_key_path, "address", value=host_ip)
        elif isinstance(port_entry, str | int | float) and not isinstance(port_entry, bool):
            flaw_name_and_facts = short_port_flaw(expand_scalar(port_entry).text)
            if flaw_name_and_facts is not None:
                yield _format_problem(port_span, port_key_path, flaw_name_and_facts[0], **flaw_name_and_facts[1])


def short_port_flaw(port_text: str) -> MessageNameAndFacts | None:
    """Why a port in its short form is none; None where it is one, or a variable hides it."""
    if UNKNOWN_VALUE_MARK in port_text:
        return None
    host_ip, host_port, container_port, protocol = split_short_port(port_text)
    if "/" in port_text and protocol and protocol.lower() not in {"tcp", "udp", "sctp"}:
        return "protocol", {"value": protocol}
    if not container_port:
        return "no-container-port", {}
    container_port_range, host_port_range = (
        _valid_port_range(container_port, 1),
        _valid_port_range(host_port, 0) if host_port else None,
    )
    if container_port_range is None:
        return "container-port", {"value": container_port}
    if host_port and host_port_range is None:
        return "host-port", {"value": host_port}
    if host_port_range is not None and container_port_range[1] - container_port_range[0] not in {
        0,
        host_port_range[1] - host_port_range[0],
    }:
        return "lengths", {"host": host_port, "target": container_port}
    if host_ip and not _is_ip_address(host_ip):
        return "address", {"value": host_ip}
    return None


def _valid_port_range(range_text: str, lowest_port: int) -> tuple[int, int] | None:
    """The first and the last port of a range, or None where one is no port."""
    parsed_range = parse_port_range(range_text)
    return parsed_range if parsed_range is not None and lowest_port <= parsed_range[0] <= parsed_range[1] <= 65535 else None


def _is_ip_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


def _mount_problems(mount_entries: Any, service_key_path: tuple[str, ...]) -> Iterator[Problem]:
    """Mounts in their short form, and what the long one cannot be without."""
    for index, mount_entry in enumerate(mount_entries) if isinstance(mount_entries, Seq) else ():
        mount_key_path, mount_span = (*service_key_path, "volumes", str(index)), mount_entries.at(index)
        if isinstance(mount_entry, Map):
            mount_type = mount_entry.get("type")
            if isinstance(mount_type, str) and mount_entry.get("target") is None:
                yield _format_problem(mount_span, mount_key_path, "mount-target")
            elif mount_type == "bind" and "source" not in mount_entry:
                yield _format_problem(mount_span, mount_key_path, "mount-source")
        elif isinstance(mount_entry, str):
            expanded_mount = expand_scalar(mount_entry).text
            mount_parts = split_short_mount(expanded_mount)
            if not expanded_mount:
                yield _format_problem(mount_span, mount_key_path, "mount-empty")
            elif len(mount_parts) > 1 and not all(mount_parts[:2]):
                yield _format_problem(mount_span, mount_key_path, "mount-colons", value=mount_entry)
            elif len(mount_parts) > 3:
                yield _format_problem(mount_span, mount_key_path, "mount-parts", value=mount_entry)


def _list_entry_problems(service: Map, service_key_path: tuple[str, ...]) -> Iterator[Problem]:
    """Hosts, devices, health checks, lists without doubles, names of variables, counts under nought."""
    build_section = service.get("build")
    for list_entry, entry_span in [
        *_constant_strings_with_spans(service, "extra_hosts"),
        *_constant_strings_with_spans(build_section, "extra_hosts"),
    ]:
        entry_name, separator, _ = list_entry.partition("=") if "=" in list_entry else list_entry.partition(":")
        if not entry_name or not separator:
            yield _format_problem(entry_span, service_key_path, "host", value=list_entry)
    yield from _long_form_problems(service, service_key_path)
    for list_entry, entry_span in _constant_strings_with_spans(service, "devices"):
        if list_entry.count(":") > 2 and "=" not in list_entry:
            yield _format_problem(entry_span, service_key_path, "device-parts", value=list_entry)
    for section_owner, list_key in ((service, "environment"), (build_section, "args")):
        for list_entry, entry_span in _constant_strings_with_spans(section_owner, list_key):
            entry_name, separator, _ = list_entry.partition("=")
            if separator and entry_name != entry_name.rstrip():
                yield _format_problem(entry_span, service_key_path, "blank", variable=entry_name.strip())
    for list_key, allowed_bare_entry in (("additional_contexts", ""), ("ssh", "default")):
        for list_entry, entry_span in _constant_strings_with_spans(build_section, list_key):
            if "=" not in list_entry and list_entry != allowed_bare_entry:
                yield _format_problem(entry_span, (*service_key_path, "build", list_key), "pair", value=list_entry)
    healthcheck_test = service.mapping_at_path("healthcheck").get("test")
    if (
        isinstance(healthcheck_test, Seq)
        and healthcheck_test
        and healthcheck_test[0] not in ("CMD", "CMD-SHELL", "NONE")
        and isinstance(healthcheck_test[0], str)
    ):
        yield _format_problem(healthcheck_test.at(0), service_key_path, "health", value=healthcheck_test[0])


def _long_form_problems(service: Map, service_key_path: tuple[str, ...]) -> Iterator[Problem]:
    """Devices, secrets and configs in their long form, without what they cannot be without."""
    for section_owner, list_key, required_key in (
        (service, "devices", "target"),
        (service, "secrets", "source"),
        (service, "configs", "source"),
        (service.get("build"), "secrets", "source"),
    ):
        list_entries = section_owner.get(list_key) if isinstance(section_owner, Map) else None
        for index, list_entry in enumerate(list_entries) if isinstance(list_entries, Seq) else ():
            if not isinstance(list_entry, Map) or not isinstance(list_entries, Seq):
                continue
            file_mode = list_entry.get("mode")
            if required_key not in list_entry:
                yield _format_problem(list_entries.at(index), (*service_key_path, list_key), "lacks", key=required_key)
            if isinstance(file_mode, str) and not is_string_with_variable(file_mode) and not _OCTAL_MODE_PATTERN.match(file_mode):
                yield _format_problem(list_entry.at("mode"), (*service_key_path, list_key), "mode", value=file_mode)


def _constant_strings_with_spans(section_owner: Any, list_key: str) -> Iterator[tuple[str, Span]]:
    """The strings of a list, without those that hold variables."""
    list_entries = section_owner.get(list_key) if isinstance(section_owner, Map) else None
    if not isinstance(list_entries, Seq):
        return
    for index, list_entry in enumerate(list_entries):
        if isinstance(list_entry, str) and UNKNOWN_VALUE_MARK not in expand_scalar(list_entry).text:
            yield list_entry, list_entries.at(index)


def _are_quotes_closed(command_line: str) -> bool:
    """Whether every quote of a command line is closed, by the shell's rules of quoting."""
    open_quote, char_index = "", 0
    while char_index < len(command_line):
        current_char = command_line[char_index]
        if current_char == "\\" and open_quote != "'":
            char_index += 1
        elif open_quote:
            open_quote = "" if current_char == open_quote else open_quote
        elif current_char in "'\"`":
            open_quote = current_char
        char_index += 1
    return not open_quote
