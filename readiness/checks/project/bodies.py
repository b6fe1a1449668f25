"""The size of a request body along its way: what the Ingress lets in, against what the nginx behind it takes."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.checks.k8s.ingress import NGINX, backends_of, is_ingress
from readiness.checks.nginx.limits import parse_size
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.labels import service_selector
from readiness.kinds.k8s.model import Object, Pod
from readiness.kinds.nginx import Document
from readiness.kinds.units import folder_of
from readiness.model import NotApplicable, Outcome, Related, Span, Unknown, hit
from readiness.model.project import Project
from readiness.syntax import image as images

_KEY = f"{NGINX}proxy-body-size"
_HARMLESS = ("mime.types", "_params", "fastcgi.conf")
_DEFAULT = 1024 * 1024  # client_max_body_size where nobody sets it


def body_size_smaller_behind(obj: Object, *, project: Project) -> Outcome:
    """An Ingress that lets in larger bodies than the nginx that it sends them to."""
    outer = obj.annotations.get(_KEY)
    if not is_ingress(obj) or not isinstance(outer, str):
        yield NotApplicable()
        return
    limit = parse_size(outer)
    if limit is None:
        yield Unknown(obj.annotations.at(_KEY))
        return
    for pod in _pods_behind(obj, project):
        inner = _accepted_body_size(pod, project)
        if inner is None:
            yield Unknown(obj.annotations.at(_KEY))
            continue
        most, document, span, written = inner
        if most and (limit > most or not limit):
            note = Related(document.source, span, f"the nginx behind it takes {written}")
            place = obj.annotations.at(_KEY)
            yield hit(place, related=[note], outer=outer, inner=written, name=pod.resource)
            return


def _pods_behind(obj: Object, project: Project) -> Iterator[Pod]:
    """The pods that an Ingress sends to."""
    known = object_index(project)
    for _, name, _ in backends_of(obj):
        service = known.named(obj, "Service", name).near
        wanted = service_selector(service[0]) if len(service) == 1 else None
        workloads = known.reached(service[0], wanted).near if wanted is not None else ()
        if len(workloads) == 1 and workloads[0].pod is not None:
            yield workloads[0].pod


def _accepted_body_size(pod: Pod, project: Project) -> tuple[int, Document, Span, str] | None:
    """The largest body that a pod's only container, an nginx, takes anywhere, and where that is told; 0 for any size."""
    containers = [one for one in pod.containers() if one.role in {"main", "sidecar"}]
    if len(containers) != 1:
        return None
    image = images.parse_image(containers[0].image)
    if image.name_unknown or image.familiar not in {"nginx", "nginxinc/nginx-unprivileged"}:
        return None
    mounts = list(containers[0].node.entries("volumeMounts"))
    mounted = [mount for mount in mounts if mount.text("mountPath").startswith("/etc/nginx")]
    volumes = {volume.text("name"): volume for volume in pod.node.entries("volumes")}
    documents: list[Document] = []
    for mount in mounted:
        volume = volumes.get(mount.text("name"))
        name = volume.dig("configMap").text("name") if volume is not None else ""
        sources = project.memo(config_map_files).get((folder_of(pod.source), name), [])
        if not sources or len({one.source.root.path for one in sources}) > 1:
            return None
        documents += sources
    return _largest_size(documents)


def config_map_files(project: Project) -> dict[tuple[str, str], list[Document]]:
    """The nginx files in ConfigMaps, by the manifest's folder and the ConfigMap's name."""
    found: dict[tuple[str, str], list[Document]] = {}
    for document in project.documents("nginx"):
        parent = document.source.parent
        name = document.source.path.rpartition("#")[2].partition("/")[0]
        if parent is not None and name:
            found.setdefault((folder_of(parent), name), []).append(document)
    return found


def _largest_size(documents: list[Document]) -> tuple[int, Document, Span, str] | None:
    """The largest size that any directive of the files sets; None where an include or a variable may set another."""
    best: tuple[int, Document, Span, str] | None = None
    for document in documents:
        for directive in document.walk():
            value = directive.args[0] if directive.args else ""
            if (
                directive.name == "include"
                and not value.endswith(_HARMLESS)
                and "conf.d" not in value
            ):
                return None
            if directive.name != "client_max_body_size":
                continue
            most = parse_size(value)
            if most is None or not most:
                return None
            if best is None or most > best[0]:
                best = most, document, directive.at(1), value
    if best is None and documents:
        servers = [d for d in documents[0].walk() if d.name == "server" and d.block is not None]
        if servers:
            best = _DEFAULT, documents[0], servers[0].head, "1m, its default"
    return best
