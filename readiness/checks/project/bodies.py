"""The size of a request body along its way: what the Ingress lets in, against what the nginx behind it takes."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.checks.k8s.ingress import NGINX, backends, is_ingress
from readiness.checks.nginx.limits import size
from readiness.kinds.k8s.index import folder, index, nearest
from readiness.kinds.k8s.labels import service_selector
from readiness.kinds.k8s.model import Object, Pod, mapping, maps, text
from readiness.kinds.nginx import Document
from readiness.model import Aside, Hit, Related, Span, Unknown, hit
from readiness.model.project import Project
from readiness.syntax import image as images

Found = Iterator[Hit | Unknown | Aside]
_KEY = f"{NGINX}proxy-body-size"
_HARMLESS = ("mime.types", "_params", "fastcgi.conf")
_DEFAULT = 1024 * 1024  # client_max_body_size where nobody sets it


def smaller_behind(one: Object, *, project: Project) -> Found:
    """An Ingress that lets in larger bodies than the nginx that it sends them to."""
    outer = one.annotations.get(_KEY)
    if not is_ingress(one) or not isinstance(outer, str):
        yield Aside()
        return
    limit = size(outer)
    if limit is None:
        yield Unknown(one.annotations.at(_KEY))
        return
    for pod in _behind(one, project):
        inner = _taken(pod, project)
        if inner is None:
            yield Unknown(one.annotations.at(_KEY))
            continue
        most, document, span, written = inner
        if most and (limit > most or not limit):
            note = Related(document.source, span, f"the nginx behind it takes {written}")
            place = one.annotations.at(_KEY)
            yield hit(place, related=[note], outer=outer, inner=written, name=pod.resource)
            return


def _behind(one: Object, project: Project) -> Iterator[Pod]:
    """The pods that an Ingress sends to."""
    known = index(project)
    for _, name, _ in backends(one):
        service = nearest(one, known.found("Service", name, one.namespace))
        wanted = service_selector(service[0]) if len(service) == 1 else None
        workloads = known.selected(wanted, one.namespace) if wanted is not None else []
        if len(workloads) == 1 and workloads[0].pod is not None:
            yield workloads[0].pod


def _taken(pod: Pod, project: Project) -> tuple[int, Document, Span, str] | None:
    """The largest body that a pod's only container, an nginx, takes anywhere, and where that is told; 0 for any size."""
    containers = [one for one in pod.containers() if one.role in {"main", "sidecar"}]
    if len(containers) != 1:
        return None
    image = images.parse(containers[0].image)
    if image.name_unknown or image.familiar not in {"nginx", "nginxinc/nginx-unprivileged"}:
        return None
    mounts = list(maps(containers[0].node.get("volumeMounts")))
    mounted = [mount for mount in mounts if text(mount.get("mountPath")).startswith("/etc/nginx")]
    volumes = {text(volume.get("name")): volume for volume in maps(pod.node.get("volumes"))}
    documents: list[Document] = []
    for mount in mounted:
        volume = volumes.get(text(mount.get("name")))
        name = text(mapping(volume, "configMap").get("name")) if volume is not None else ""
        found = project.memo(configs).get((folder(pod.source), name), [])
        if not found or len({one.source.root.path for one in found}) > 1:
            return None
        documents += found
    return _largest(documents)


def configs(project: Project) -> dict[tuple[str, str], list[Document]]:
    """The nginx files in ConfigMaps, by the manifest's folder and the ConfigMap's name."""
    found: dict[tuple[str, str], list[Document]] = {}
    for document in project.documents("nginx"):
        parent = document.source.parent
        name = document.source.path.rpartition("#")[2].partition("/")[0]
        if parent is not None and name:
            found.setdefault((folder(parent), name), []).append(document)
    return found


def _largest(documents: list[Document]) -> tuple[int, Document, Span, str] | None:
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
            most = size(value)
            if most is None or not most:
                return None
            if best is None or most > best[0]:
                best = most, document, directive.at(1), value
    if best is None and documents:
        servers = [d for d in documents[0].walk() if d.name == "server" and d.block is not None]
        if servers:
            best = _DEFAULT, documents[0], servers[0].head, "1m, its default"
    return best
