"""One store in two versions: what a compose file runs, against what the manifests beside it run."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field

from readiness.facts import public_images
from readiness.kinds.compose.model import Service
from readiness.kinds.k8s.model import Container
from readiness.model import CheckOutcome, NotApplicable, Related, Undecidable, hit
from readiness.model.project import Project, parent_folders
from readiness.syntax import image as images
from readiness.syntax.image import ImageReference

MAX_STORES = 64  # so many that they are hardly one application's
_MAJOR_VERSION = re.compile(r"v?(\d{1,4})(?=[.\-]|\Z)")


@dataclass(frozen=True, slots=True)
class StoresByImage:
    """The stores of a project's compose files and manifests, by the image's name."""

    services: dict[str, list[tuple[Service, str]]] = field(default_factory=dict)
    containers: dict[str, list[tuple[Container, str]]] = field(default_factory=dict)


def store_versions(project: Project) -> StoresByImage:
    """The stores of a project with their major versions; ask for them with `project.memoize(store_versions)`."""
    stores = StoresByImage()
    for document in project.documents_of_kind("compose"):
        for service in document.services.values():
            image = service.image if "image" in service.node and not service.builds else None
            if image is not None and _is_store_image(image):
                row = service, major_of(image)
                stores.services.setdefault(image.familiar_name, []).append(row)
    for manifest in project.documents_of_kind("k8s"):
        for container in manifest.containers:
            image = images.parse_image(container.image)
            if container.role == "main" and _is_store_image(image):
                row_of = container, major_of(image)
                stores.containers.setdefault(image.familiar_name, []).append(row_of)
    return stores


def _is_store_image(image: ImageReference) -> bool:
    known = None if image.name_unknown else public_images.facts_of_public_image(image)
    return known is not None and known.is_store


def major_of(image: ImageReference) -> str:
    """The major version that a tag names; empty where it names none, or a variable hides it."""
    found = None if image.tag_unknown else _MAJOR_VERSION.match(image.tag)
    return found[1] if found else ""


def version_drift(service: Service, project: Project) -> CheckOutcome:
    """A store of another major version than the one that the manifests beside the compose file run."""
    image = service.image if "image" in service.node and not service.builds else None
    known = project.memoize(store_versions)
    there = known.containers.get(image.familiar_name, ()) if image is not None else ()
    if image is None or service.source.fragment or not there or not _is_store_image(image):
        yield NotApplicable()
        return
    own = {version for _, version in known.services[image.familiar_name]}
    others = {version for _, version in there}
    if len(own) != 1 or len(others) != 1 or "" in own | others or own == others:
        if own != others:
            yield Undecidable(service.node.at("image"))
        return
    other = there[0][0]
    if len(there) > MAX_STORES or not all(_is_manifest_near_compose_file(service, one) for one, _ in there):
        yield Undecidable(service.node.at("image"))
        return
    ours, theirs = own.pop(), others.pop()
    note = Related(other.source, other.node.at("image"), f"version {theirs} here")
    name = image.familiar_name
    yield hit(service.node.at("image"), related=[note], image=name, ours=ours, theirs=theirs)


def _is_manifest_near_compose_file(service: Service, container: Container) -> bool:
    """Whether a manifest stands in or below the folder that holds the compose file, or the folder above that one.

    Elsewhere it is of another application.
    """
    folder = posixpath.dirname(posixpath.normpath(service.source.root.path))
    folders = set(parent_folders(posixpath.normpath(container.source.root.path)))
    return folder in folders or (bool(folder) and posixpath.dirname(folder) in folders)
