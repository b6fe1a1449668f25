"""Where data stands: stores that lose it, source code mounted in, configuration that can be written to."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from readiness.facts.public_images import Known
from readiness.facts.table import column
from readiness.kinds.compose.model import Mount, Service
from readiness.kinds.compose.parts import MountSpec, mount_specs, port_specs
from readiness.kinds.compose.signs import is_source_mount
from readiness.kinds.compose.words import (
    command_line,
    command_words,
    merged_if_owned,
    missing_in_service,
    service_environment,
)
from readiness.model import NotApplicable, Outcome, Unknown, hit
from readiness.model.project import Project
from readiness.syntax.interpolation import HOLE
from readiness.syntax.yaml import Map

Settings = dict[str, str | None]


def not_durable(service: Service, project: Project, *, stores: bool) -> Outcome:
    """A server whose data goes away with its container; `stores`: one that keeps the data of others, or its own state."""
    seen = merged_if_owned(service, project)
    known = service.image_facts
    if (
        seen is None
        or known is None
        or service.once
        or not _must_keep_data(service, known, stores=stores)
    ):
        yield NotApplicable()
        return
    node, complete = seen
    folders = known.state_folders(service.image)
    specs = list(mount_specs(node, service.values))
    if any(not spec.target or HOLE in spec.target for spec in specs) or node.get("volumes_from"):
        yield Unknown(service.head)
        return
    if any(_mount_covers(spec.target, folders) and spec.type != "tmpfs" for spec in specs):
        return  # one without a name is another rule's
    settings = service_environment(service, project, node)
    if _is_data_moved(settings, node, specs):
        return
    own = {spec.span for spec in mount_specs(service.node, service.values)}
    wrong = next(
        (one for one in specs if _mount_covers(one.target, known.data) and one.span in own), None
    )
    if not complete or _may_keep_elsewhere(settings, known, node, specs):
        yield Unknown(service.head)
    else:
        span = wrong.span if wrong is not None and wrong.type != "tmpfs" else None
        yield missing_in_service(service, span, role=known.role, folder=folders[0])


def _must_keep_data(service: Service, known: Known, *, stores: bool) -> bool:
    """Whether an image keeps what must last: other services' data, or its own state."""
    if not known.data or known.volatile or known.role == "cache" or known.is_store is not stores:
        return False
    # A proxy keeps its certificates there, when it gets any.
    return known.role != "proxy" or any(
        spec.target is not None and spec.target[0] <= 443 <= spec.target[1]
        for spec in port_specs(service.full, service.values)
    )


def _is_data_moved(settings: Settings, node: Map, specs: Sequence[MountSpec]) -> bool:
    """Whether a setting or the command names a folder that is mounted: the data was moved there."""
    words = [value for name, value in settings.items() if value and _FOLDER.search(name.upper())]
    command = command_line(node.get("command"))
    return any(
        spec.target.rstrip("/") in command
        or any(spec.target.rstrip("/") in word or word.startswith(spec.target) for word in words)
        for spec in specs
        if spec.source and spec.target.rstrip("/") and spec.type != "tmpfs"
    )


_FOLDER = re.compile(r"DATA|PATH|DIR|HOME|STORAGE|MODELS")


def _may_keep_elsewhere(
    settings: Settings, known: Known, node: Map, specs: Sequence[MountSpec]
) -> bool:
    """Whether the state may be kept elsewhere: in a database, or where a configuration file says."""
    if known.role == "logs":
        return bool(node.get("configs")) or any(_is_for_settings(spec.target) for spec in specs)
    return any(name.startswith("GF_DATABASE_") for name in settings)


def _mount_covers(target: str, data: tuple[str, ...]) -> bool:
    """Whether a mount holds the folder of the data, or part of what is below it."""
    target = posixpath.normpath(target)
    return any(
        target == path or path.startswith(target + "/") or target.startswith(path + "/")
        for path in data
    )


def cache_not_durable(service: Service, project: Project) -> Outcome:
    """A cache that starts empty after each restart: no append-only file, or none that lasts."""
    seen = merged_if_owned(service, project)
    if (
        seen is None
        or service.role != "cache"
        or service.image_facts is None
        or service.image_facts.volatile
    ):
        yield NotApplicable()
        return
    node, _ = seen
    command = command_line(node.get("command"))
    if HOLE in command or any(word.endswith(".conf") for word in command_words(command)):
        yield Unknown(service.head)
        return
    durable = any(
        _mount_covers(spec.target, service.image_facts.data) and spec.source
        for spec in mount_specs(node, service.values)
    )
    if not (durable and "--appendonly yes" in command.replace('"', "").replace("'", "")):
        yield missing_in_service(service)


def cache_unbounded(service: Service, project: Project) -> Outcome:
    """A cache without a bound of its memory."""
    seen = merged_if_owned(service, project)
    if seen is None or service.role != "cache" or service.image_facts is None:
        yield NotApplicable()
        return
    node, _ = seen
    command = command_line(node.get("command")) + " ".join(
        value or "" for value in service_environment(service, project, node).values()
    )
    if HOLE in command or any(word.endswith(".conf") for word in command_words(command)):
        yield Unknown(service.head)
    elif "maxmemory" not in command and "memcached" not in str(service.full.get("image")):
        yield missing_in_service(service)


def source_mounted(mount: Mount) -> Outcome:
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
    return path.endswith(tuple(column("file-endings", "settings")))


def config_writable(mount: Mount) -> Outcome:
    """A configuration that the container may change."""
    spec = mount.spec
    config = _is_for_settings(spec.source) or _READ_ONLY.match(spec.target)
    if spec.type == "bind" and config and not spec.read_only:
        yield hit(spec.span, path=spec.source)


# Those that belong into a repository; keys, dumps and environment files are kept out of it on purpose.
_TRACKED = (".conf", ".yml", ".yaml")
_SAMPLE = re.compile(r"example|sample|template|tmpl|dist|default|\.j2\Z|\.in\Z", re.IGNORECASE)


def mount_source_unresolved(mount: Mount, project: Project) -> Outcome:
    """A configuration file that is mounted and is not there: Docker makes an empty folder of it."""
    spec = mount.spec
    text = spec.source
    named = text.startswith(".") and text.endswith(_TRACKED)
    if spec.type != "bind" or not named or HOLE in text or project.prose:
        return
    base = posixpath.dirname(mount.source.path)
    path = posixpath.normpath(posixpath.join(base, text))
    if project.exists(path):
        return
    if (
        not project.is_surely_missing(path)
        or _has_sample_beside(path, project)
        or _exists_from_above(text, base, project)
    ):
        yield Unknown(spec.span)
    else:
        yield hit(spec.span, path=text)


def _has_sample_beside(path: str, project: Project) -> bool:
    """Whether a sample stands beside a path, of which somebody makes the file."""
    folder, name = posixpath.split(path)
    stem = name.partition(".")[0] or name
    return any(
        posixpath.dirname(path) == folder
        and stem in posixpath.basename(path)
        and _SAMPLE.search(posixpath.basename(path))
        for path in project.paths
    )


def _exists_from_above(text: str, base: str, project: Project) -> bool:
    """Whether the path is there seen from a folder above: a file given behind another is read from that one's folder."""
    while base and base not in project.walked:
        base = posixpath.dirname(base)
        if project.exists(posixpath.join(base, text)):
            return True
    return False


def volume_anonymous(mount: Mount) -> Outcome:
    """A volume without a name."""
    spec = mount.spec
    known = mount.owner.image_facts
    if spec.type != "volume" or spec.source or not spec.target or HOLE in spec.target:
        return
    if known is not None and _mount_covers(spec.target, known.state_folders(mount.owner.image)):
        yield hit(spec.span, path=spec.target)
