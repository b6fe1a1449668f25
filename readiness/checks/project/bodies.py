"""The size of a request body along its way: what the Ingress lets in, against what the nginx behind it takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.checks.k8s.ingress import NGINX_ANNOTATION_PREFIX, backends_of, is_ingress
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.labels import service_selector
from readiness.kinds.k8s.model import Object, Pod
from readiness.kinds.units import folder_of
from readiness.model import CheckOutcome, NotApplicable, Related, Span, Undecidable, hit
from readiness.model.project import Project
from readiness.syntax import image as images
from readiness.syntax.nginx_values import parse_size

if TYPE_CHECKING:
    from readiness.kinds.nginx import Document

_BODY_SIZE_ANNOTATION = f"{NGINX_ANNOTATION_PREFIX}proxy-body-size"
_STOCK_INCLUDES = ("mime.types", "_params", "fastcgi.conf")
_DEFAULT_BODY_SIZE = 1024 * 1024  # client_max_body_size where nobody sets it


def body_size_smaller_behind(obj: Object, *, project: Project) -> CheckOutcome:
    """An Ingress that lets in larger bodies than the nginx that it sends them to."""
    outer = obj.annotations.get(_BODY_SIZE_ANNOTATION)
    if not is_ingress(obj) or not isinstance(outer, str):
        yield NotApplicable()
        return
    limit = parse_size(outer)
    if limit is None:
        yield Undecidable(obj.annotations.at(_BODY_SIZE_ANNOTATION))
        return
    for pod in _pods_behind_ingress(obj, project):
        inner = _accepted_body_size(pod, project)
        if inner is None:
            yield Undecidable(obj.annotations.at(_BODY_SIZE_ANNOTATION))
            continue
        most, document, span, written = inner
        if most and (limit > most or not limit):
            note = Related(document.source, span, f"the nginx behind it takes {written}")
            place = obj.annotations.at(_BODY_SIZE_ANNOTATION)
            yield hit(place, related=[note], outer=outer, inner=written, name=pod.resource)
            return


def _pods_behind_ingress(obj: Object, project: Project) -> Iterator[Pod]:
    """The pods that an Ingress sends to."""
    known = object_index(project)
    for _, name, _ in backends_of(obj):
        service = known.find_named(obj, "Service", name).meant
        wanted = service_selector(service[0]) if len(service) == 1 else None
        workloads = known.resolve_selected_workloads(service[0], wanted).meant if wanted is not None else ()
        if len(workloads) == 1 and workloads[0].pod is not None:
            yield workloads[0].pod


def _accepted_body_size(pod: Pod, project: Project) -> tuple[int, Document, Span, str] | None:
    """The largest body that a pod's only container, an nginx, takes anywhere, and where that is told; 0 for any size."""
    containers = [one for one in pod.containers() if one.role in {"main", "sidecar"}]
    if len(containers) != 1:
        return None
    image = images.parse_image(containers[0].image)
    if image.name_unknown or image.familiar_name not in {"nginx", "nginxinc/nginx-unprivileged"}:
        return None
    mounts = list(containers[0].node.mappings_under("volumeMounts"))
    mounted = [mount for mount in mounts if mount.string_under("mountPath").startswith("/etc/nginx")]
    volumes = {volume.string_under("name"): volume for volume in pod.node.mappings_under("volumes")}
    documents: list[Document] = []
    for mount in mounted:
        volume = volumes.get(mount.string_under("name"))
        name = volume.mapping_at_path("configMap").string_under("name") if volume is not None else ""
        sources = project.memoize(_config_map_files).get((folder_of(pod.source), name), [])
        if not sources or len({one.source.root.path for one in sources}) > 1:
            return None
        documents += sources
    return _largest_size(documents)


def _config_map_files(project: Project) -> dict[tuple[str, str], list[Document]]:
    """The nginx files in ConfigMaps, by the manifest's folder and the ConfigMap's name."""
    found: dict[tuple[str, str], list[Document]] = {}
    for document in project.documents_of_kind("nginx"):
        parent = document.source.parent
        name = document.source.path.rpartition("#")[2].partition("/")[0]
        if parent is not None and name:
            found.setdefault((folder_of(parent), name), []).append(document)
    return found


def _largest_size(documents: list[Document]) -> tuple[int, Document, Span, str] | None:
    """The largest size that any directive of the files sets; None where an include or a variable may set another."""
    best: tuple[int, Document, Span, str] | None = None
    for document in documents:
        for directive in document.walk_directives():
            value = directive.args[0] if directive.args else ""
            if directive.name == "include" and not value.endswith(_STOCK_INCLUDES) and "conf.d" not in value:
                return None
            if directive.name != "client_max_body_size":
                continue
            most = parse_size(value)
            if most is None or not most:
                return None
            if best is None or most > best[0]:
                best = most, document, directive.at(1), value
    if best is None and documents:
        servers = [d for d in documents[0].walk_directives() if d.name == "server" and d.block is not None]
        if servers:
            best = _DEFAULT_BODY_SIZE, documents[0], servers[0].head_span, "1m, its default"
    return best
