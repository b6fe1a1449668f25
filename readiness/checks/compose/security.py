"""What a container may do to its host: users, privileges, capabilities, namespaces, devices, host directories."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from readiness.facts.base_images import drops_root, nonroot_user
from readiness.facts.host_paths import is_runtime_socket, is_sensitive
from readiness.kinds.compose.model import Mount, Service
from readiness.kinds.compose.parts import expand_scalar, string_entries
from readiness.kinds.compose.words import (
    is_truthy,
    merged_service_if_defined_here,
    missing_service_hit,
    stage_built_by_service,
)
from readiness.model import CheckOutcome, Severity, Undecidable, hit
from readiness.model.project import Project, parent_folders
from readiness.syntax.holes import has_variable
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.yaml import Map, Seq


def user_root(service: Service) -> CheckOutcome:
    """A service that sets `user: root` or user id 0."""
    value = service.node.get("user")
    if not isinstance(value, str):
        return
    text = expand_scalar(value).text
    user = text.partition(":")[0].strip()
    if UNKNOWN_VALUE_MARK in text:
        yield Undecidable(service.node.at("user"))
    elif user in {"root", "0"}:
        yield hit(service.node.at("user"), user=text)


def user_unset(service: Service, project: Project) -> CheckOutcome:
    """A service that says not who it runs as, of an image that is not known to see to it."""
    seen = merged_service_if_defined_here(service, project)
    if seen is None or not service.runs or (service.image_facts is not None and service.image_facts.is_store):
        return
    node, known = seen
    if node.get("user") is not None:
        return
    if service.builds:
        stage = stage_built_by_service(service, project)
        if stage is None:
            yield Undecidable(service.name_span)
        elif stage.effective_value("USER") is None and nonroot_user(stage.root_stage.image) is None:
            yield missing_service_hit(service)
        return
    image = service.image
    if image is None or image.name_unknown or not known or nonroot_user(image) is not None:
        yield Undecidable(service.name_span)
        return
    yield missing_service_hit(service)


def privileged(service: Service) -> CheckOutcome:
    """A service that sets `privileged: true`."""
    if is_truthy(service.node.get("privileged")):
        yield hit(service.node.at("privileged"))


def capability_dangerous(service: Service, *, deny: Sequence[str]) -> CheckOutcome:
    """A capability that is as good as root on the host.

    SYS_PTRACE reaches the processes that the container sees, which are its own unless it shares the host's. What an image runs
    as somebody else than root, by its own entry point and without a way back, does not have the capability.
    """
    added = service.node.get("cap_add")
    own_processes = service.extended_node.get("pid") != "host"
    image = service.image
    given_up = image is not None and drops_root(image) and _may_not_gain_privileges(service.extended_node)
    for index, item in enumerate(added) if isinstance(added, Seq) else ():
        name = item.upper().removeprefix("CAP_") if isinstance(item, str) else ""
        if name in deny and isinstance(added, Seq):
            mild = given_up or (name == "SYS_PTRACE" and own_processes)
            severity = Severity.MEDIUM if mild else None
            yield hit(added.at(index), severity=severity, capability=name)


def capabilities_not_dropped(service: Service, project: Project) -> CheckOutcome:
    """Docker's default capabilities, none of them dropped."""
    seen = merged_service_if_defined_here(service, project)
    if seen is None or not service.runs or is_truthy(seen[0].get("privileged")):
        return
    dropped = [text.upper() for text, _ in string_entries(seen[0].get("cap_drop"))]
    if "ALL" not in dropped and "CAP_ALL" not in dropped:
        own = service.node.get("cap_drop")
        yield missing_service_hit(service, service.node.at("cap_drop") if isinstance(own, Seq) else None)


def _may_not_gain_privileges(service: Map) -> bool:
    """Whether a service has `no-new-privileges` under `security_opt`."""
    options = [text.replace("=", ":").replace(" ", "") for text, _ in string_entries(service.get("security_opt"))]
    return bool({"no-new-privileges:true", "no-new-privileges"} & set(options))


def privilege_escalation(service: Service, project: Project) -> CheckOutcome:
    """A service without `no-new-privileges` under `security_opt`."""
    seen = merged_service_if_defined_here(service, project)
    if seen is None or not service.runs:
        return
    if not _may_not_gain_privileges(seen[0]):
        own = service.node.get("security_opt")
        yield missing_service_hit(service, service.node.at("security_opt") if isinstance(own, Seq) else None)


def root_writable(service: Service, project: Project) -> CheckOutcome:
    """A root file system that can be written to."""
    seen = merged_service_if_defined_here(service, project)
    if seen is not None and service.runs and not is_truthy(seen[0].get("read_only")):
        if isinstance(seen[0].get("read_only"), str) and has_variable(seen[0]["read_only"]):
            yield Undecidable(service.name_span)
        else:
            own = service.node.get("read_only") is not None
            yield missing_service_hit(service, service.node.at("read_only") if own else None)


def host_namespace(service: Service, *, keys: Sequence[str]) -> CheckOutcome:
    """A namespace of the host: its network, its processes, its shared memory."""
    if service.image_facts is not None and service.image_facts.is_host_agent:
        return
    for key in keys:
        if expand_scalar(service.node.get(key)).text == "host":
            # Without `userns-remap`, the default, there is no other user namespace that it could leave. A stack for tests
            # runs with nobody else's processes beside it than those of whoever started it.
            aside = None if service.production else Severity.MEDIUM
            severity = Severity.LOW if key == "userns_mode" else aside
            yield hit(service.node.at(key), severity=severity, key=key)


_DISABLED_SECURITY_OPTION = re.compile(
    r"(?:seccomp|apparmor|systempaths)[:=]\s*unconfined\Z|label[:=]\s*disable\Z", re.IGNORECASE
)


def confinement_off(service: Service) -> CheckOutcome:
    """seccomp, AppArmor or SELinux switched off."""
    options = service.node.get("security_opt")
    for index, item in enumerate(options) if isinstance(options, Seq) else ():
        if isinstance(item, str) and isinstance(options, Seq) and _DISABLED_SECURITY_OPTION.match(item.strip()):
            yield hit(options.at(index), option=item.strip())


_DANGEROUS_DEVICE = re.compile(
    r"/dev(?:/(?:mem|kmem|port|sd[a-z]\d*|nvme\d+n\d\w*|vd[a-z]\d*|xvd[a-z]\d*|disk|mapper)(?:/.*)?)?/?\Z"
)


def device_host(service: Service) -> CheckOutcome:
    """The host's disks or memory as a device."""
    items = service.node.get("devices")
    for index, item in enumerate(items) if isinstance(items, Seq) else ():
        path = item.get("source") if isinstance(item, Map) else item
        if isinstance(path, str) and isinstance(items, Seq) and _DANGEROUS_DEVICE.match(path.partition(":")[0]):
            yield hit(items.at(index), path=path.partition(":")[0])


def engine_socket(mount: Mount, *, tools: bool, project: Project) -> CheckOutcome:
    """The engine's socket; `tools`: in an image whose work needs it.

    A service without an image of its own changes one of another file: the nearest of its name, here or in a folder above.
    """
    path = posixpath.normpath(mount.spec.source or "-")
    if not path.startswith(("/", "~")) or not is_runtime_socket(path):
        return
    if _needs_engine(mount.owner, project) is tools:
        yield hit(mount.spec.span, path=mount.spec.source)


def _needs_engine(service: Service, project: Project) -> bool:
    """Whether all that a service may be is a program whose work needs the engine."""
    meant = [service]
    if not service.owned and not service.extends:
        known = project.memoize(_services_with_image).get(service.name, {})
        folders = (service.document.folder, *parent_folders(service.document.folder))
        meant = next((known[one] for one in folders if one in known), meant)
    facts = [one.image_facts for one in meant]
    return all(one is not None and one.is_docker_console for one in facts)


def _services_with_image(project: Project) -> dict[str, dict[str, list[Service]]]:
    """Name -> folder -> the services that say what they run."""
    known: dict[str, dict[str, list[Service]]] = {}
    for document in project.documents_of_kind("compose"):
        for service in document.services.values():
            if service.owned:
                known.setdefault(service.name, {}).setdefault(document.folder, []).append(service)
    return known


def engine_api(service: Service) -> CheckOutcome:
    """A service with `use_api_socket: true`, which hands it the API of the engine."""
    if is_truthy(service.node.get("use_api_socket")):
        yield hit(service.node.at("use_api_socket"))


_HOME_VARIABLE = re.compile(r"""(?:^|[\s"':])\$(?:HOME\b|\{HOME\})""")


def host_path_sensitive(mount: Mount) -> CheckOutcome:
    """A folder of the host that holds the host itself."""
    spec, known = mount.spec, mount.owner.image_facts
    written = mount.source.text[spec.span.start : spec.span.end]
    source = "~" + spec.source[1:] if _HOME_VARIABLE.search(written) else spec.source
    path = posixpath.normpath(source) if source else ""
    logs = path == "/var/log" and not spec.read_only  # a reader of logs reads them; only writing forges them
    if spec.type not in {"bind", ""} or not (is_sensitive(path) or logs):
        return
    if known is not None and known.is_host_agent and (spec.read_only or {"rslave", "ro"} & set(spec.options)):
        return
    yield hit(spec.span, say="read-only" if spec.read_only else "writable", path=path)
