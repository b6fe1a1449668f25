"""What a container may do to its host: users, privileges, capabilities, namespaces, devices, host directories."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from typing import Any

from readiness.checks.compose.doors import has_way_in
from readiness.facts.base_images import drops_root_in_entrypoint, nonroot_user
from readiness.facts.host_paths import is_container_runtime_socket, is_sensitive_host_path
from readiness.kinds.compose.application import merged_node_and_is_complete
from readiness.kinds.compose.model import Mount, Service
from readiness.kinds.compose.parts import expand_scalar, string_entries
from readiness.kinds.compose.words import (
    is_true_value,
    merged_node_if_defined_here,
    missing_service_hit,
    stage_built_by_service,
)
from readiness.kinds.dockerfile.users import is_root_user, user_of
from readiness.model import CheckOutcome, Hit, Severity, Span, Undecidable, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project, parent_folders
from readiness.syntax.holes import has_variable_sign
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.yaml import Map, Seq


def user_root(service: Service) -> CheckOutcome:
    """A service that sets `user: root` or user id 0."""
    user_setting = service.node.get("user")
    if not isinstance(user_setting, str):
        return
    user_text = expand_scalar(user_setting).text
    user_name = user_text.partition(":")[0].strip()
    if UNKNOWN_VALUE_MARK in user_text:
        yield Undecidable(service.node.at("user"))
    elif user_name in {"root", "0"}:
        yield hit(service.node.at("user"), user=user_text)


def user_unset(service: Service, project: Project) -> CheckOutcome:
    """A service that says not who it runs as, of an image that is not known to see to it."""
    merged_node_and_completeness = merged_node_if_defined_here(service, project)
    if merged_node_and_completeness is None or not service.runs or (service.image_facts is not None and service.image_facts.is_store):
        return
    merged_node, is_merged_completely = merged_node_and_completeness
    if merged_node.get("user") is not None:
        return
    if service.builds:
        built_stage = stage_built_by_service(service, project)
        if built_stage is None:
            yield Undecidable(service.name_span)
        elif built_stage.effective_value("USER") is None and nonroot_user(built_stage.root_stage.image) is None:
            yield missing_service_hit(service)
        return
    image = service.image
    if image is None or image.name_unknown or not is_merged_completely or nonroot_user(image) is not None:
        yield Undecidable(service.name_span)
        return
    yield missing_service_hit(service)


def _hit_by_way_in(service: Service, project: Project, span: Span, severity: Severity | None = None, **facts: Any) -> Hit:
    """A hit on what makes a container root on its host, medium where no request from outside the project gets to the container:
    then another one has to be taken over first."""
    if severity is None and not has_way_in(service, project):
        return hit(span, severity=Severity.MEDIUM, say="inside", **facts)
    return hit(span, severity=severity, **facts)


def _hit_by_way_in_and_user(service: Service, project: Project, span: Span, severity: Severity | None = None, **facts: Any) -> Hit:
    """The same of what only root in the container makes use of, medium under another user, too: the engine gives its processes no capability."""
    if severity is None and has_way_in(service, project) and _runs_as_other_than_root(service, project):
        return hit(span, severity=Severity.MEDIUM, say="user", **facts)
    return _hit_by_way_in(service, project, span, severity, **facts)


_POWERFUL_GROUPS = frozenset({"0", "root", "disk", "docker", "kmem"})  # they own devices, sockets and files of the host


def _runs_as_other_than_root(service: Service, project: Project) -> bool:
    """Whether a service surely runs as somebody else than root: by its own `user`, else by the USER of the image that it builds or names.

    A group that it is given besides may open what root's would.
    """
    merged_node, is_merged_completely = merged_node_and_is_complete(service, project)
    if merged_node.get("group_add") is not None:
        return False
    if merged_node.get("user") is not None:
        user_name, _, group_name = (part.strip() for part in expand_scalar(merged_node["user"], service.env_values).text.partition(":"))
        return bool(user_name) and group_name not in _POWERFUL_GROUPS and UNKNOWN_VALUE_MARK not in user_name and not is_root_user(user_name)
    if not is_merged_completely or merged_node.get("entrypoint") is not None:
        return False
    if service.builds:
        built_stage = stage_built_by_service(service, project)
        return built_stage is not None and not is_root_user(user_of(built_stage) or "root")
    image = service.image
    return image is not None and not image.name_unknown and nonroot_user(image) is not None


def privileged(service: Service, project: Project) -> CheckOutcome:
    """A service that sets `privileged: true`."""
    if is_true_value(service.node.get("privileged")):
        yield _hit_by_way_in_and_user(service, project, service.node.at("privileged"))


def capability_dangerous(service: Service, project: Project, *, deny: Sequence[str]) -> CheckOutcome:
    """A capability that is as good as root on the host.

    SYS_PTRACE reaches the processes that the container sees, which are its own unless it shares the host's. What an image runs
    as somebody else than root, by its own entry point and without a way back, does not have the capability.
    """
    added_capabilities = service.node.get("cap_add")
    has_own_pid_namespace = service.extended_node.get("pid") != "host"
    image = service.image
    is_capability_given_up = image is not None and drops_root_in_entrypoint(image) and _has_no_new_privileges(service.extended_node)
    for index, capability_setting in enumerate(added_capabilities) if isinstance(added_capabilities, Seq) else ():
        capability_name = capability_setting.upper().removeprefix("CAP_") if isinstance(capability_setting, str) else ""
        if capability_name in deny and isinstance(added_capabilities, Seq):
            is_less_dangerous = is_capability_given_up or (capability_name == "SYS_PTRACE" and has_own_pid_namespace)
            severity = Severity.MEDIUM if is_less_dangerous else None
            yield _hit_by_way_in_and_user(service, project, added_capabilities.at(index), severity, capability=capability_name)


def capabilities_not_dropped(service: Service, project: Project) -> CheckOutcome:
    """Docker's default capabilities, none of them dropped."""
    merged_node_and_completeness = merged_node_if_defined_here(service, project)
    if merged_node_and_completeness is None or not service.runs or is_true_value(merged_node_and_completeness[0].get("privileged")):
        return
    dropped_capabilities = [text.upper() for text, _ in string_entries(merged_node_and_completeness[0].get("cap_drop"))]
    if "ALL" not in dropped_capabilities and "CAP_ALL" not in dropped_capabilities:
        own_cap_drop = service.node.get("cap_drop")
        yield missing_service_hit(service, service.node.at("cap_drop") if isinstance(own_cap_drop, Seq) else None)


def _has_no_new_privileges(service_node: Map) -> bool:
    """Whether a service has `no-new-privileges` under `security_opt`."""
    security_options = [text.replace("=", ":").replace(" ", "") for text, _ in string_entries(service_node.get("security_opt"))]
    return bool({"no-new-privileges:true", "no-new-privileges"} & set(security_options))


def privilege_escalation(service: Service, project: Project) -> CheckOutcome:
    """A service without `no-new-privileges` under `security_opt`."""
    merged_node_and_completeness = merged_node_if_defined_here(service, project)
    if merged_node_and_completeness is None or not service.runs:
        return
    if not _has_no_new_privileges(merged_node_and_completeness[0]):
        own_security_opt = service.node.get("security_opt")
        yield missing_service_hit(service, service.node.at("security_opt") if isinstance(own_security_opt, Seq) else None)


def root_writable(service: Service, project: Project) -> CheckOutcome:
    """A root file system that can be written to."""
    merged_node_and_completeness = merged_node_if_defined_here(service, project)
    if merged_node_and_completeness is not None and service.runs and not is_true_value(merged_node_and_completeness[0].get("read_only")):
        if isinstance(merged_node_and_completeness[0].get("read_only"), str) and has_variable_sign(merged_node_and_completeness[0]["read_only"]):
            yield Undecidable(service.name_span)
        else:
            has_own_read_only = service.node.get("read_only") is not None
            yield missing_service_hit(service, service.node.at("read_only") if has_own_read_only else None)


def host_namespace(service: Service, project: Project, *, keys: Sequence[str]) -> CheckOutcome:
    """A namespace of the host: its network, its processes, its shared memory."""
    if service.image_facts is not None and service.image_facts.is_host_agent:
        return
    for namespace_key in keys:
        if expand_scalar(service.node.get(namespace_key)).text == "host":
            # Without `userns-remap`, the default, there is no other user namespace that it could leave. A stack for tests
            # runs with nobody else's processes beside it than those of whoever started it.
            severity_outside_user_namespace = None if service.production else Severity.MEDIUM
            severity = Severity.LOW if namespace_key == "userns_mode" else severity_outside_user_namespace
            yield _hit_by_way_in_and_user(service, project, service.node.at(namespace_key), severity, key=namespace_key)


_DISABLED_SECURITY_OPTION = lazy_regex(r"(?:seccomp|apparmor|systempaths)[:=]\s*unconfined\Z|label[:=]\s*disable\Z", re.IGNORECASE)


def confinement_off(service: Service) -> CheckOutcome:
    """seccomp, AppArmor or SELinux switched off."""
    security_options = service.node.get("security_opt")
    for index, security_option in enumerate(security_options) if isinstance(security_options, Seq) else ():
        if isinstance(security_option, str) and isinstance(security_options, Seq) and _DISABLED_SECURITY_OPTION.match(security_option.strip()):
            yield hit(security_options.at(index), option=security_option.strip())


_DANGEROUS_DEVICE = lazy_regex(r"/dev(?:/(?:mem|kmem|port|sd[a-z]\d*|nvme\d+n\d\w*|vd[a-z]\d*|xvd[a-z]\d*|disk|mapper)(?:/.*)?)?/?\Z")


def device_host(service: Service, project: Project) -> CheckOutcome:
    """The host's disks or memory as a device."""
    devices = service.node.get("devices")
    for index, device in enumerate(devices) if isinstance(devices, Seq) else ():
        device_path = device.get("source") if isinstance(device, Map) else device
        if isinstance(device_path, str) and isinstance(devices, Seq) and _DANGEROUS_DEVICE.match(device_path.partition(":")[0]):
            yield _hit_by_way_in_and_user(service, project, devices.at(index), path=device_path.partition(":")[0])


def engine_socket(mount: Mount, *, tools: bool, project: Project) -> CheckOutcome:
    """The engine's socket; `tools`: in an image whose work needs it.

    A service without an image of its own changes one of another file: the nearest of its name, here or in a folder above.
    """
    socket_path = posixpath.normpath(mount.spec.source or "-")
    if not socket_path.startswith(("/", "~")) or not is_container_runtime_socket(socket_path):
        return
    if _needs_docker_engine(mount.owner, project) is tools:
        yield _hit_by_way_in(mount.owner, project, mount.spec.span, path=mount.spec.source)


def _needs_docker_engine(service: Service, project: Project) -> bool:
    """Whether all that a service may be is a program whose work needs the engine."""
    possible_services = [service]
    if not service.owned and not service.extends:
        services_by_folder = project.memoize(_image_services_by_name_and_folder).get(service.name, {})
        folders = (service.document.folder, *parent_folders(service.document.folder))
        possible_services = next((services_by_folder[one] for one in folders if one in services_by_folder), possible_services)
    facts_of_images = [one.image_facts for one in possible_services]
    return all(one is not None and one.is_docker_console for one in facts_of_images)


def _image_services_by_name_and_folder(project: Project) -> dict[str, dict[str, list[Service]]]:
    """Name -> folder -> the services that say what they run."""
    services_by_folder_by_name: dict[str, dict[str, list[Service]]] = {}
    for document in project.documents_of_kind("compose"):
        for service in document.services.values():
            if service.owned:
                services_by_folder_by_name.setdefault(service.name, {}).setdefault(document.folder, []).append(service)
    return services_by_folder_by_name


def engine_api(service: Service, project: Project) -> CheckOutcome:
    """A service with `use_api_socket: true`, which hands it the API of the engine."""
    if is_true_value(service.node.get("use_api_socket")):
        yield _hit_by_way_in(service, project, service.node.at("use_api_socket"))


_HOME_VARIABLE_PATTERN = lazy_regex(r"""(?:^|[\s"':])\$(?:HOME\b|\{HOME\})""")


def host_path_sensitive(mount: Mount, project: Project) -> CheckOutcome:
    """A folder of the host that holds the host itself; high where it may be written to and requests from outside get to the container."""
    mount_spec, image_facts = mount.spec, mount.owner.image_facts
    mount_text = mount.source.text[mount_spec.span.start : mount_spec.span.end]
    host_source = "~" + mount_spec.source[1:] if _HOME_VARIABLE_PATTERN.search(mount_text) else mount_spec.source
    host_path = posixpath.normpath(host_source) if host_source else ""
    is_writable_log_folder = host_path == "/var/log" and not mount_spec.read_only  # a reader of logs reads them; only writing forges them
    if mount_spec.type not in {"bind", ""} or not (is_sensitive_host_path(host_path) or is_writable_log_folder):
        return
    if image_facts is not None and image_facts.is_host_agent and (mount_spec.read_only or {"rslave", "ro"} & set(mount_spec.options)):
        return
    if mount_spec.read_only:
        message_name = "read-only"
    elif not has_way_in(mount.owner, project):
        message_name = "inside"
    elif not _is_in_home(host_path) and _runs_as_other_than_root(mount.owner, project):
        message_name = "user"
    else:
        message_name = "devices" if host_path == "/dev" and _is_kept_from_disks(mount.owner.extended_node) else "writable"
    yield hit(mount_spec.span, severity=None if message_name == "writable" else Severity.MEDIUM, say=message_name, path=host_path)


def _is_in_home(host_path: str) -> bool:
    """Whether a folder of the host may belong to the user whom a container runs as."""
    return host_path.startswith(("~", "/home")) or has_variable_sign(host_path)


_CHARACTER_DEVICES_RULE = lazy_regex(r"\s*c\s+(?:[2-9]|[1-9][0-9]{1,4}):(?:\*|[0-9]{1,5})\s+[rwm]{1,3}\s*\Z")  # major 1 has the memory of the host


def _is_kept_from_disks(service_node: Map) -> bool:
    """Whether `device_cgroup_rules` say which character devices a service opens, and nothing gives it others of the host."""
    cgroup_rules = service_node.get("device_cgroup_rules")
    if not isinstance(cgroup_rules, Seq) or not cgroup_rules or is_true_value(service_node.get("privileged")) or "devices" in service_node:
        return False
    return all(isinstance(one, str) and _CHARACTER_DEVICES_RULE.match(one) for one in cgroup_rules)
