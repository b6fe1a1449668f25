"""Where data stands: stores that lose it, source code mounted in, configuration that can be written to."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Any

from readiness.checks.compose.own_stores import base_image_of_own_store, is_data_container
from readiness.facts.public_images import ImageFacts
from readiness.facts.table import property_by_fact_name
from readiness.kinds.compose.model import Mount, Service
from readiness.kinds.compose.parts import MountSpec, mount_specs, port_specs
from readiness.kinds.compose.signs import is_source_mount
from readiness.kinds.compose.words import (
    command_line,
    merged_node_if_defined_here,
    missing_service_hit,
    unquoted_words,
    variable_settings_by_name,
)
from readiness.kinds.variables import VariableSetting
from readiness.model import CheckOutcome, NotApplicable, Severity, Undecidable, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.yaml import Map

SettingByVariable = Mapping[str, VariableSetting]


def not_durable(service: Service, project: Project, *, stores: bool) -> CheckOutcome:
    """A server whose data goes away with its container; `stores`: one that keeps the data of others, or its own state."""
    merged_node_and_completeness = merged_node_if_defined_here(service, project)
    store_base = (
        base_image_of_own_store(service, project) if stores and merged_node_and_completeness is not None and service.image_facts is None else None
    )
    image_facts = service.image_facts if store_base is None else store_base.facts
    if (
        merged_node_and_completeness is None
        or image_facts is None
        or (service.once and not is_data_container(service))
        or not _must_image_keep_data(service, image_facts, is_store=stores)
    ):
        yield NotApplicable()
        return
    merged_node, is_merged_completely = merged_node_and_completeness
    state_folders = image_facts.state_folders(service.image if store_base is None else store_base.image, with_floating_tags=True)
    mounts_of_service = list(mount_specs(merged_node, service.env_values))
    if any(not spec.target or UNKNOWN_VALUE_MARK in spec.target for spec in mounts_of_service) or merged_node.get("volumes_from"):
        yield Undecidable(service.name_span)
        return
    if any(_does_mount_cover_any_folder(spec.target, state_folders) and spec.type != "tmpfs" for spec in mounts_of_service):
        return  # one without a name is another rule's
    setting_by_variable = variable_settings_by_name(service, project, merged_node)
    if _is_data_moved_to_mount(setting_by_variable, merged_node, mounts_of_service):
        return
    own_mount_spans = {spec.span for spec in mount_specs(service.node, service.env_values)}
    mount_at_outdated_folder = next(
        (
            one
            for one in mounts_of_service
            if _does_mount_cover_any_folder(one.target, image_facts.state_folders_before_18) and one.span in own_mount_spans
        ),
        None,
    )
    if not is_merged_completely or _may_keep_state_elsewhere(setting_by_variable, image_facts, merged_node, mounts_of_service):
        yield Undecidable(service.name_span)
        return
    facts: dict[str, Any] = {"role": image_facts.role, "folder": state_folders[0], "related": () if store_base is None else (store_base.related,)}
    if mount_at_outdated_folder is not None and mount_at_outdated_folder.type != "tmpfs":
        yield missing_service_hit(service, mount_at_outdated_folder.span, say="moved", mounted=mount_at_outdated_folder.target, **facts)
        return
    yield missing_service_hit(service, severity=Severity.MEDIUM, **facts)


def _must_image_keep_data(service: Service, image_facts: ImageFacts, *, is_store: bool) -> bool:
    """Whether an image keeps what must last: other services' data, or its own state."""
    if not image_facts.state_folders_before_18 or image_facts.keeps_nothing or image_facts.role == "cache" or image_facts.is_store is not is_store:
        return False
    # A proxy keeps its certificates there, when it gets any.
    return image_facts.role != "proxy" or any(
        spec.target is not None and spec.target[0] <= 443 <= spec.target[1] for spec in port_specs(service.extended_node, service.env_values)
    )


def _is_data_moved_to_mount(setting_by_variable: SettingByVariable, service_node: Map, mount_specs_of_service: Sequence[MountSpec]) -> bool:
    """Whether a setting or the command names a folder that is mounted: the data was moved there."""
    folder_variable_values = [one.text for name, one in setting_by_variable.items() if one.text and _FOLDER_VARIABLE_NAME.search(name.upper())]
    command_text = command_line(service_node.get("command"))
    return any(
        mount_spec.target.rstrip("/") in command_text
        or any(mount_spec.target.rstrip("/") in word or word.startswith(mount_spec.target) for word in folder_variable_values)
        for mount_spec in mount_specs_of_service
        if mount_spec.source and mount_spec.target.rstrip("/") and mount_spec.type != "tmpfs"
    )


_FOLDER_VARIABLE_NAME = lazy_regex(r"DATA|PATH|DIR|HOME|STORAGE|MODELS")


def _may_keep_state_elsewhere(
    setting_by_variable: SettingByVariable,
    image_facts: ImageFacts,
    service_node: Map,
    mount_specs_of_service: Sequence[MountSpec],
) -> bool:
    """Whether the state may be kept elsewhere: in a database, or where a configuration file says."""
    if image_facts.role == "logs":
        return bool(service_node.get("configs")) or any(_is_settings_file(spec.target) for spec in mount_specs_of_service)
    return any(name.startswith("GF_DATABASE_") for name in setting_by_variable)


def _does_mount_cover_any_folder(mount_target: str, data_folders: tuple[str, ...]) -> bool:
    """Whether a mount holds the folder of the data, or part of what is below it."""
    mount_target = posixpath.normpath(mount_target)
    return any(mount_target == path or path.startswith(mount_target + "/") or mount_target.startswith(path + "/") for path in data_folders)


def cache_not_durable(service: Service, project: Project) -> CheckOutcome:
    """A cache that starts empty after each restart: no append-only file, or none that lasts."""
    merged_node_and_completeness = merged_node_if_defined_here(service, project)
    if merged_node_and_completeness is None or service.role != "cache" or service.image_facts is None or service.image_facts.keeps_nothing:
        yield NotApplicable()
        return
    merged_node, _ = merged_node_and_completeness
    command_text = command_line(merged_node.get("command"))
    if UNKNOWN_VALUE_MARK in command_text or any(word.endswith(".conf") for word in unquoted_words(command_text)):
        yield Undecidable(service.name_span)
        return
    has_state_mount = any(
        _does_mount_cover_any_folder(spec.target, service.image_facts.state_folders_before_18) and spec.source
        for spec in mount_specs(merged_node, service.env_values)
    )
    if not (has_state_mount and "--appendonly yes" in command_text.replace('"', "").replace("'", "")):
        yield missing_service_hit(service)


def cache_unbounded(service: Service, project: Project) -> CheckOutcome:
    """A cache without a bound of its memory."""
    merged_node_and_completeness = merged_node_if_defined_here(service, project)
    if merged_node_and_completeness is None or service.role != "cache" or service.image_facts is None:
        yield NotApplicable()
        return
    merged_node, _ = merged_node_and_completeness
    command_and_variables_text = command_line(merged_node.get("command")) + " ".join(
        one.text or "" for one in variable_settings_by_name(service, project, merged_node).values()
    )
    if UNKNOWN_VALUE_MARK in command_and_variables_text or any(word.endswith(".conf") for word in unquoted_words(command_and_variables_text)):
        yield Undecidable(service.name_span)
    elif "maxmemory" not in command_and_variables_text and "memcached" not in str(service.extended_node.get("image")):
        yield missing_service_hit(service)


def source_mounted(mount: Mount) -> CheckOutcome:
    """The source code of the host in place of the code of the image."""
    if is_source_mount(mount.owner, mount.spec):
        yield hit(mount.spec.span, path=mount.spec.source)


# Folders that their programs read and never write.
_READ_ONLY_CONFIG_FOLDER = lazy_regex(
    r"/(?:etc/(?:nginx|caddy|haproxy|traefik|envoy|prometheus|alertmanager|loki|promtail|otelcol\S*|grafana/provisioning|ssl/certs)"
    r"|usr/local/etc/(?:haproxy|redis)|docker-entrypoint-initdb\.d|usr/share/nginx/html|usr/local/apache2/(?:conf|htdocs))(?:/|\Z)"
)


def _is_settings_file(file_path: str) -> bool:
    """Whether a path ends as files do in which a program finds its settings or certificates."""
    return file_path.endswith(tuple(property_by_fact_name("file-endings", "settings")))


def config_writable(mount: Mount) -> CheckOutcome:
    """A configuration that the container may change."""
    mount_spec = mount.spec
    is_config_mount = _is_settings_file(mount_spec.source) or _READ_ONLY_CONFIG_FOLDER.match(mount_spec.target)
    if mount_spec.type == "bind" and is_config_mount and not mount_spec.read_only:
        yield hit(mount_spec.span, path=mount_spec.source)


# Those that belong into a repository; keys, dumps and environment files are kept out of it on purpose.
_USUALLY_COMMITTED_SUFFIXES = (".conf", ".yml", ".yaml")
_SAMPLE_FILENAME = lazy_regex(r"example|sample|template|tmpl|dist|default|\.j2\Z|\.in\Z", re.IGNORECASE)


def mount_source_unresolved(mount: Mount, project: Project) -> CheckOutcome:
    """A configuration file that is mounted and is not there: Docker makes an empty folder of it."""
    mount_spec = mount.spec
    source_text = mount_spec.source
    is_relative_config_path = source_text.startswith(".") and source_text.endswith(_USUALLY_COMMITTED_SUFFIXES)
    if mount_spec.type != "bind" or not is_relative_config_path or UNKNOWN_VALUE_MARK in source_text or project.prose:
        return
    compose_folder = posixpath.dirname(mount.source.path)
    source_path = posixpath.normpath(posixpath.join(compose_folder, source_text))
    if project.was_path_seen(source_path):
        return
    if (
        not project.is_surely_missing(source_path)
        or _has_sample_beside(source_path, project)
        or _exists_relative_to_parent_folder(source_text, compose_folder, project)
    ):
        yield Undecidable(mount_spec.span)
    else:
        yield hit(mount_spec.span, path=source_text)


def _has_sample_beside(path: str, project: Project) -> bool:
    """Whether a sample stands beside a path, of which somebody makes the file."""
    folder, file_name = posixpath.split(path)
    file_stem = file_name.partition(".")[0] or file_name
    return any(
        posixpath.dirname(path) == folder and file_stem in posixpath.basename(path) and _SAMPLE_FILENAME.search(posixpath.basename(path))
        for path in project.paths
    )


def _exists_relative_to_parent_folder(relative_path: str, compose_folder: str, project: Project) -> bool:
    """Whether the path is there seen from a folder above: a file given behind another is read from that one's folder."""
    while compose_folder and compose_folder not in project.walked:
        compose_folder = posixpath.dirname(compose_folder)
        if project.was_path_seen(posixpath.join(compose_folder, relative_path)):
            return True
    return False


def volume_anonymous(mount: Mount) -> CheckOutcome:
    """A volume without a name."""
    mount_spec = mount.spec
    image_facts = mount.owner.image_facts
    if mount_spec.type != "volume" or mount_spec.source or not mount_spec.target or UNKNOWN_VALUE_MARK in mount_spec.target:
        return
    if image_facts is not None and _does_mount_cover_any_folder(mount_spec.target, image_facts.state_folders(mount.owner.image)):
        yield hit(mount_spec.span, path=mount_spec.target)
