"""The size of a request body along its way: what the Ingress lets in, against what the nginx behind it takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.checks.k8s.ingress import NGINX_ANNOTATION_PREFIX, backends_of, is_ingress
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.labels import selector_of_service
from readiness.kinds.k8s.model import Object, Pod
from readiness.kinds.units import folder_of
from readiness.model import CheckOutcome, NotApplicable, Related, Span, Undecidable, hit
from readiness.model.project import Project
from readiness.syntax import image as images
from readiness.syntax.nginx_values import parse_nginx_size

if TYPE_CHECKING:
    from readiness.kinds.nginx import Document

_BODY_SIZE_ANNOTATION = f"{NGINX_ANNOTATION_PREFIX}proxy-body-size"
_STOCK_INCLUDE_SUFFIXES = ("mime.types", "_params", "fastcgi.conf")
_DEFAULT_BODY_SIZE = 1024 * 1024  # client_max_body_size where nobody sets it


def body_size_smaller_behind(obj: Object, *, project: Project) -> CheckOutcome:
    """An Ingress that lets in larger bodies than the nginx that it sends them to."""
    ingress_body_size_text = obj.annotations.get(_BODY_SIZE_ANNOTATION)
    if not is_ingress(obj) or not isinstance(ingress_body_size_text, str):
        yield NotApplicable()
        return
    ingress_body_size_limit = parse_nginx_size(ingress_body_size_text)
    if ingress_body_size_limit is None:
        yield Undecidable(obj.annotations.at(_BODY_SIZE_ANNOTATION))
        return
    for pod in _pods_behind_ingress(obj, project):
        accepted_body_size = _largest_accepted_body_size(pod, project)
        if accepted_body_size is None:
            yield Undecidable(obj.annotations.at(_BODY_SIZE_ANNOTATION))
            continue
        nginx_body_size_limit, nginx_document, directive_span, body_size_text = accepted_body_size
        if nginx_body_size_limit and (ingress_body_size_limit > nginx_body_size_limit or not ingress_body_size_limit):
            nginx_limit_related = Related(nginx_document.source, directive_span, f"the nginx behind it takes {body_size_text}")
            annotation_span = obj.annotations.at(_BODY_SIZE_ANNOTATION)
            yield hit(
                annotation_span,
                related=[nginx_limit_related],
                outer=ingress_body_size_text,
                inner=body_size_text,
                name=pod.resource,
            )
            return


def _pods_behind_ingress(ingress: Object, project: Project) -> Iterator[Pod]:
    """The pods that an Ingress sends to."""
    object_index_of_project = object_index(project)
    for _, service_name, _ in backends_of(ingress):
        matching_services = object_index_of_project.find_named(ingress, "Service", service_name).meant
        pod_selector = selector_of_service(matching_services[0]) if len(matching_services) == 1 else None
        selected_workloads = (
            object_index_of_project.resolve_selected_workloads(matching_services[0], pod_selector).meant if pod_selector is not None else ()
        )
        if len(selected_workloads) == 1 and selected_workloads[0].pod is not None:
            yield selected_workloads[0].pod


def _largest_accepted_body_size(pod: Pod, project: Project) -> tuple[int, Document, Span, str] | None:
    """The largest body that a pod's only container, an nginx, takes anywhere, and where that is told; 0 for any size."""
    main_and_sidecar_containers = [one for one in pod.containers() if one.role in {"main", "sidecar"}]
    if len(main_and_sidecar_containers) != 1:
        return None
    image = images.parse_image(main_and_sidecar_containers[0].image)
    if image.name_unknown or image.familiar_name not in {"nginx", "nginxinc/nginx-unprivileged"}:
        return None
    volume_mounts = list(main_and_sidecar_containers[0].node.mappings_under("volumeMounts"))
    nginx_volume_mounts = [volume_mount for volume_mount in volume_mounts if volume_mount.string_under("mountPath").startswith("/etc/nginx")]
    volume_by_name = {volume.string_under("name"): volume for volume in pod.node.mappings_under("volumes")}
    nginx_documents: list[Document] = []
    for volume_mount in nginx_volume_mounts:
        volume = volume_by_name.get(volume_mount.string_under("name"))
        config_map_name = volume.mapping_at_path("configMap").string_under("name") if volume is not None else ""
        config_map_documents = project.memoize(_nginx_documents_by_config_map).get((folder_of(pod.source), config_map_name), [])
        if not config_map_documents or len({one.source.root.path for one in config_map_documents}) > 1:
            return None
        nginx_documents += config_map_documents
    return _largest_client_max_body_size(nginx_documents)


def _nginx_documents_by_config_map(project: Project) -> dict[tuple[str, str], list[Document]]:
    """The nginx files in ConfigMaps, by the manifest's folder and the ConfigMap's name."""
    documents_by_folder_and_name: dict[tuple[str, str], list[Document]] = {}
    for nginx_document in project.documents_of_kind("nginx"):
        parent_source = nginx_document.source.parent
        config_map_name = nginx_document.source.path.rpartition("#")[2].partition("/")[0]
        if parent_source is not None and config_map_name:
            documents_by_folder_and_name.setdefault((folder_of(parent_source), config_map_name), []).append(nginx_document)
    return documents_by_folder_and_name


def _largest_client_max_body_size(documents: list[Document]) -> tuple[int, Document, Span, str] | None:
    """The largest size that any directive of the files sets; None where an include or a variable may set another."""
    largest_size_with_place: tuple[int, Document, Span, str] | None = None
    for document in documents:
        for directive in document.walk_directives():
            argument_text = directive.args[0] if directive.args else ""
            if directive.name == "include" and not argument_text.endswith(_STOCK_INCLUDE_SUFFIXES) and "conf.d" not in argument_text:
                return None
            if directive.name != "client_max_body_size":
                continue
            size_in_bytes = parse_nginx_size(argument_text)
            if size_in_bytes is None or not size_in_bytes:
                return None
            if largest_size_with_place is None or size_in_bytes > largest_size_with_place[0]:
                largest_size_with_place = size_in_bytes, document, directive.at(1), argument_text
    if largest_size_with_place is None and documents:
        server_directives = [d for d in documents[0].walk_directives() if d.name == "server" and d.block is not None]
        if server_directives:
            largest_size_with_place = _DEFAULT_BODY_SIZE, documents[0], server_directives[0].head_span, "1m, its default"
    return largest_size_with_place
