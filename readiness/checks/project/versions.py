"""One store in two versions: what a compose file runs, against what the manifests beside it run."""

from __future__ import annotations

import posixpath
from dataclasses import field

from readiness.facts import public_images
from readiness.kinds.compose.model import Service
from readiness.kinds.k8s.model import Container
from readiness.model import CheckOutcome, NotApplicable, Related, Undecidable, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project, parent_folders
from readiness.model.records import dataclass
from readiness.syntax import image as images
from readiness.syntax.image import ImageReference

MAX_STORES_OF_ONE_IMAGE = 64  # so many that they are hardly one application's
_MAJOR_VERSION_PATTERN = lazy_regex(r"v?(\d{1,4})(?=[.\-]|\Z)")


@dataclass(frozen=True, slots=True)
class StoresByImage:
    """The stores of a project's compose files and manifests, by the image's name."""

    services: dict[str, list[tuple[Service, str]]] = field(default_factory=dict)
    containers: dict[str, list[tuple[Container, str]]] = field(default_factory=dict)


def stores_by_image(project: Project) -> StoresByImage:
    """The stores of a project with their major versions; ask for them with `project.memoize(store_versions)`."""
    stores_so_far = StoresByImage()
    for document in project.documents_of_kind("compose"):
        for service in document.services.values():
            image = service.image if "image" in service.node and not service.builds else None
            if image is not None and _is_data_store_image(image):
                service_and_major_version = service, major_version_of_image(image)
                stores_so_far.services.setdefault(image.familiar_name, []).append(service_and_major_version)
    for k8s_document in project.documents_of_kind("k8s"):
        for container in k8s_document.containers:
            image = images.parse_image(container.image)
            if container.role == "main" and _is_data_store_image(image):
                container_and_major_version = container, major_version_of_image(image)
                stores_so_far.containers.setdefault(image.familiar_name, []).append(container_and_major_version)
    return stores_so_far


def _is_data_store_image(image: ImageReference) -> bool:
    public_image_facts = None if image.name_unknown else public_images.facts_of_public_image(image)
    return public_image_facts is not None and public_image_facts.is_store


def major_version_of_image(image: ImageReference) -> str:
    """The major version that a tag names; empty where it names none, or a variable hides it."""
    major_version_match = None if image.tag_unknown else _MAJOR_VERSION_PATTERN.match(image.tag)
    return major_version_match[1] if major_version_match else ""


def version_drift(service: Service, project: Project) -> CheckOutcome:
    """A store of another major version than the one that the manifests beside the compose file run."""
    image = service.image if "image" in service.node and not service.builds else None
    project_stores = project.memoize(stores_by_image)
    containers_with_versions = project_stores.containers.get(image.familiar_name, ()) if image is not None else ()
    if image is None or service.source.fragment or not containers_with_versions or not _is_data_store_image(image):
        yield NotApplicable()
        return
    compose_versions = {version for _, version in project_stores.services[image.familiar_name]}
    manifest_versions = {version for _, version in containers_with_versions}
    if (
        len(compose_versions) != 1
        or len(manifest_versions) != 1
        or "" in compose_versions | manifest_versions
        or compose_versions == manifest_versions
    ):
        if compose_versions != manifest_versions:
            yield Undecidable(service.node.at("image"))
        return
    first_container = containers_with_versions[0][0]
    if len(containers_with_versions) > MAX_STORES_OF_ONE_IMAGE or not all(
        _is_manifest_near_compose_file(service, one) for one, _ in containers_with_versions
    ):
        yield Undecidable(service.node.at("image"))
        return
    compose_version, manifest_version = compose_versions.pop(), manifest_versions.pop()
    manifest_version_related = Related(first_container.source, first_container.node.at("image"), f"version {manifest_version} here")
    image_name = image.familiar_name
    yield hit(
        service.node.at("image"),
        related=[manifest_version_related],
        image=image_name,
        ours=compose_version,
        theirs=manifest_version,
    )


def _is_manifest_near_compose_file(service: Service, container: Container) -> bool:
    """Whether a manifest stands in or below the folder that holds the compose file, or the folder above that one.

    Elsewhere it is of another application.
    """
    compose_folder = posixpath.dirname(posixpath.normpath(service.source.root.path))
    manifest_parent_folders = set(parent_folders(posixpath.normpath(container.source.root.path)))
    return compose_folder in manifest_parent_folders or (bool(compose_folder) and posixpath.dirname(compose_folder) in manifest_parent_folders)
