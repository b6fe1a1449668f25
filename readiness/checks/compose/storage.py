"""Where data stands: stores that lose it, source code mounted in, configuration that can be written to."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence

from readiness.checks.compose.own_stores import base_of_own_store
from readiness.facts.public_images import ImageFacts
from readiness.facts.table import fact_column
from readiness.kinds.compose.model import Mount, Service
from readiness.kinds.compose.parts import MountSpec, mount_specs, port_specs
from readiness.kinds.compose.signs import is_source_mount
from readiness.kinds.compose.words import (
    command_line,
    command_words,
    merged_service_if_defined_here,
    missing_service_hit,
    service_variables,
)
from readiness.kinds.variables import VariableSetting
from readiness.model import CheckOutcome, NotApplicable, Undecidable, hit
from readiness.model.project import Project
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.yaml import Map

EnvironmentVariables = Mapping[str, VariableSetting]


def not_durable(service: Service, project: Project, *, stores: bool) -> CheckOutcome:
    """A server whose data goes away with its container; `stores`: one that keeps the data of others, or its own state."""
    seen = merged_service_if_defined_here(service, project)
    base = base_of_own_store(service, project) if stores and seen is not None and service.image_facts is None else None
    known = service.image_facts if base is None else base.facts
    if seen is None or known is None or service.once or not _must_keep_data(service, known, is_store=stores):
        yield NotApplicable()
        return
    node, complete = seen
    folders = known.state_folders(service.image if base is None else base.image)
    specs = list(mount_specs(node, service.env_values))
    if any(not spec.target or UNKNOWN_VALUE_MARK in spec.target for spec in specs) or node.get("volumes_from"):
        yield Undecidable(service.name_span)
        return
    if any(_mount_covers(spec.target, folders) and spec.type != "tmpfs" for spec in specs):
        return  # one without a name is another rule's
    settings = service_variables(service, project, node)
    if _is_data_moved(settings, node, specs):
        return
    own = {spec.span for spec in mount_specs(service.node, service.env_values)}
    wrong = next(
        (one for one in specs if _mount_covers(one.target, known.state_folders_before_18) and one.span in own),
        None,
    )
    if not complete or _may_keep_elsewhere(settings, known, node, specs):
        yield Undecidable(service.name_span)
    else:
        span = wrong.span if wrong is not None and wrong.type != "tmpfs" else None
        related = () if base is None else (base.related,)
        yield missing_service_hit(service, span, role=known.role, folder=folders[0], related=related)


def _must_keep_data(service: Service, image_facts: ImageFacts, *, is_store: bool) -> bool:
    """Whether an image keeps what must last: other services' data, or its own state."""
    if (
        not image_facts.state_folders_before_18
        or image_facts.keeps_nothing
        or image_facts.role == "cache"
        or image_facts.is_store is not is_store
    ):
        return False
    # A proxy keeps its certificates there, when it gets any.
    return image_facts.role != "proxy" or any(
        spec.target is not None and spec.target[0] <= 443 <= spec.target[1]
        for spec in port_specs(service.extended_node, service.env_values)
    )


def _is_data_moved(variables: EnvironmentVariables, node: Map, mounts: Sequence[MountSpec]) -> bool:
    """Whether a setting or the command names a folder that is mounted: the data was moved there."""
    words = [one.text for name, one in variables.items() if one.text and _FOLDER_VARIABLE_NAME.search(name.upper())]
    command = command_line(node.get("command"))
    return any(
        spec.target.rstrip("/") in command
        or any(spec.target.rstrip("/") in word or word.startswith(spec.target) for word in words)
        for spec in mounts
        if spec.source and spec.target.rstrip("/") and spec.type != "tmpfs"
    )


_FOLDER_VARIABLE_NAME = re.compile(r"DATA|PATH|DIR|HOME|STORAGE|MODELS")


def _may_keep_elsewhere(
    variables: EnvironmentVariables, image_facts: ImageFacts, node: Map, mounts: Sequence[MountSpec]
) -> bool:
    """Whether the state may be kept elsewhere: in a database, or where a configuration file says."""
    if image_facts.role == "logs":
        return bool(node.get("configs")) or any(_is_for_settings(spec.target) for spec in mounts)
    return any(name.startswith("GF_DATABASE_") for name in variables)


def _mount_covers(target: str, data: tuple[str, ...]) -> bool:
    """Whether a mount holds the folder of the data, or part of what is below it."""
    target = posixpath.normpath(target)
    return any(target == path or path.startswith(target + "/") or target.startswith(path + "/") for path in data)


def cache_not_durable(service: Service, project: Project) -> CheckOutcome:
    """A cache that starts empty after each restart: no append-only file, or none that lasts."""
    seen = merged_service_if_defined_here(service, project)
    if seen is None or service.role != "cache" or service.image_facts is None or service.image_facts.keeps_nothing:
        yield NotApplicable()
        return
    node, _ = seen
    command = command_line(node.get("command"))
    if UNKNOWN_VALUE_MARK in command or any(word.endswith(".conf") for word in command_words(command)):
        yield Undecidable(service.name_span)
        return
    durable = any(
        _mount_covers(spec.target, service.image_facts.state_folders_before_18) and spec.source
        for spec in mount_specs(node, service.env_values)
    )
    if not (durable and "--appendonly yes" in command.replace('"', "").replace("'", "")):
        yield missing_service_hit(service)


def cache_unbounded(service: Service, project: Project) -> CheckOutcome:
    """A cache without a bound of its memory."""
    seen = merged_service_if_defined_here(service, project)
    if seen is None or service.role != "cache" or service.image_facts is None:
        yield NotApplicable()
        return
    node, _ = seen
    command = command_line(node.get("command")) + " ".join(
        one.text or "" for one in service_variables(service, project, node).values()
    )
    if UNKNOWN_VALUE_MARK in command or any(word.endswith(".conf") for word in command_words(command)):
        yield Undecidable(service.name_span)
    elif "maxmemory" not in command and "memcached" not in str(service.extended_node.get("image")):
        yield missing_service_hit(service)


def source_mounted(mount: Mount) -> CheckOutcome:
    """The source code of the host in place of the code of the image."""
    if is_source_mount(mount.owner, mount.spec):
        yield hit(mount.spec.span, path=mount.spec.source)


# Folders that their programs read and never write.
_READ_ONLY = re.compile(
    r"/(?:etc/(?:nginx|caddy|haproxy|traefik|envoy|prometheus|alertmanager|loki|promtail|otelcol\S*|grafana/provisioning|ssl/certs)"
    r"|usr/local/etc/(?:haproxy|redis)|docker-entrypoint-initdb\.d|usr/share/nginx/html|usr/local/apache2/(?:conf|htdocs))(?:/|\Z)"
)


def _is_for_settings(path: str) -> bool:
    """Whether a path ends as files do in which a program finds its settings or certificates."""
    return path.endswith(tuple(fact_column("file-endings", "settings")))


def config_writable(mount: Mount) -> CheckOutcome:
    """A configuration that the container may change."""
    spec = mount.spec
    config = _is_for_settings(spec.source) or _READ_ONLY.match(spec.target)
    if spec.type == "bind" and config and not spec.read_only:
        yield hit(spec.span, path=spec.source)


# Those that belong into a repository; keys, dumps and environment files are kept out of it on purpose.
_USUALLY_COMMITTED_SUFFIXES = (".conf", ".yml", ".yaml")
_SAMPLE_FILENAME = re.compile(r"example|sample|template|tmpl|dist|default|\.j2\Z|\.in\Z", re.IGNORECASE)


def mount_source_unresolved(mount: Mount, project: Project) -> CheckOutcome:
    """A configuration file that is mounted and is not there: Docker makes an empty folder of it."""
    spec = mount.spec
    text = spec.source
    named = text.startswith(".") and text.endswith(_USUALLY_COMMITTED_SUFFIXES)
    if spec.type != "bind" or not named or UNKNOWN_VALUE_MARK in text or project.prose:
        return
    base = posixpath.dirname(mount.source.path)
    path = posixpath.normpath(posixpath.join(base, text))
    if project.was_path_seen(path):
        return
    if not project.is_surely_missing(path) or _has_sample_beside(path, project) or _exists_from_above(text, base, project):
        yield Undecidable(spec.span)
    else:
        yield hit(spec.span, path=text)


def _has_sample_beside(path: str, project: Project) -> bool:
    """Whether a sample stands beside a path, of which somebody makes the file."""
    folder, name = posixpath.split(path)
    stem = name.partition(".")[0] or name
    return any(
        posixpath.dirname(path) == folder
        and stem in posixpath.basename(path)
        and _SAMPLE_FILENAME.search(posixpath.basename(path))
        for path in project.paths
    )


def _exists_from_above(text: str, base: str, project: Project) -> bool:
    """Whether the path is there seen from a folder above: a file given behind another is read from that one's folder."""
    while base and base not in project.walked:
        base = posixpath.dirname(base)
        if project.was_path_seen(posixpath.join(base, text)):
            return True
    return False


def volume_anonymous(mount: Mount) -> CheckOutcome:
    """A volume without a name."""
    spec = mount.spec
    known = mount.owner.image_facts
    if spec.type != "volume" or spec.source or not spec.target or UNKNOWN_VALUE_MARK in spec.target:
        return
    if known is not None and _mount_covers(spec.target, known.state_folders(mount.owner.image)):
        yield hit(spec.span, path=spec.target)
