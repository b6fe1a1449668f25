"""Images: tag, digest, registry, and the pull policy beside them."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from typing import Any

from readiness.facts.moving import is_floating_image
from readiness.facts.releases import end_of_life
from readiness.kinds.k8s.effective import unknown_if_variable
from readiness.kinds.k8s.model import Container
from readiness.model import CheckOutcome, Severity, Span, Undecidable, hit, missing
from readiness.model.project import Project, parent_folders
from readiness.syntax import glob
from readiness.syntax import image as images
from readiness.syntax.image import ImageReference


def images_tagged_at_deployment(project: Project) -> frozenset[str]:
    """Image names to which kustomize or Skaffold of this project gives tag or digest at deployment."""
    names: set[str] = set()
    for document in project.documents_of_kind("k8s"):
        for root in document.roots:
            kind = root.get("kind") if hasattr(root, "get") else None
            if kind == "Kustomization":
                names |= {one.string_under("name") for one in root.mappings_under("images")}
            elif kind == "Config" and root.text("apiVersion").startswith("skaffold/"):
                names |= {artifact.text("image") for artifact in root.mapping_at_path("build").entries("artifacts")}
    return frozenset(names - {""})


def image_tool_folders(project: Project) -> frozenset[str]:
    """The folders that hold the file of a tool that builds images and writes their names at deployment."""
    tools = {"skaffold.yaml", "skaffold.yml", "Tiltfile", "devspace.yaml"}
    return frozenset(posixpath.dirname(path) for path in project.paths if posixpath.basename(path) in tools)


def is_built_by_tool(path: str, project: Project) -> bool:
    """Whether such a tool stands in the folder of a file, or in one above it."""
    folders = project.memoize(image_tool_folders)
    return bool(folders) and not folders.isdisjoint(parent_folders(path))


def parsed_image(container: Container, project: Project) -> ImageReference | None:
    """The container's image; None where none is written, or where another tool of the project fills it in."""
    if not container.image or container.image != container.image.strip():
        return None
    image = images.parse_image(container.image)
    bare = container.image[: image.name_span.end]
    local = bare == container.image and "/" not in bare
    return (
        None
        if bare in project.memoize(images_tagged_at_deployment) | container.source.root.replaced_images
        or (local and is_built_by_tool(container.source.root.path, project))
        else image
    )


def image_part_span(container: Container, inner: Span) -> Span:
    """The place of a part of the image reference; of the whole where it is quoted oddly."""
    span = container.node.at("image")
    raw = container.source.text[span.start : span.end]
    start = raw.find(container.image)
    if start < 0 or inner.start == inner.end:
        return span
    return Span(span.start + start + inner.start, span.start + start + inner.end)


def image_tag_missing(container: Container, *, project: Project) -> CheckOutcome:
    """The image has neither tag nor digest, so it is `latest`, or it has that tag.

    A reference without a name (`:latest`, of a chart whose values give no repository) names no image; its tag is the
    default for whoever gives the repository alone.
    """
    if container.image.strip() == ":latest":
        span = container.node.at("image")
        yield hit(span, severity=Severity.LOW, image=container.image, version="nameless")
        return
    image = parsed_image(container, project)
    if image is None or image.digest:
        return
    if image.tag_unknown or image.digest_unknown:
        yield Undecidable(container.node.at("image"))
    elif not image.tag:
        yield hit(container.node.at("image"), image=image.text, version="untagged")
    elif is_floating_image(image) and image.tag == "latest":
        yield hit(image_part_span(container, image.tag_span), image=image.text, version="latest")


def image_tag_floating(container: Container, *, project: Project) -> CheckOutcome:
    """The image's tag is one that its publisher moves, and not `latest`."""
    image = parsed_image(container, project)
    if image is None or not image.tag or image.digest:
        return
    if image.tag_unknown or image.digest_unknown:
        yield Undecidable(container.node.at("image"))
    elif is_floating_image(image) and image.tag != "latest":
        yield hit(image_part_span(container, image.tag_span), image=image.text, tag=image.tag)


def image_end_of_life(container: Container, *, project: Project) -> CheckOutcome:
    """The image is of a release whose updates have ended."""
    image = parsed_image(container, project)
    if image is None:
        return
    if image.name_unknown or image.tag_unknown:
        yield Undecidable(container.node.at("image"))
        return
    ended = end_of_life(image, project.today)
    if ended is not None:
        place = image_part_span(container, image.tag_span)
        yield hit(place, image=image.text_without_digest, release=ended.release, day=ended.end_day)


def image_digest_missing(container: Container, *, project: Project) -> CheckOutcome:
    """The image has no digest."""
    image = parsed_image(container, project)
    if image is None or image.digest:
        return
    if image.digest_unknown:
        yield Undecidable(container.node.at("image"))
    else:
        yield hit(container.node.at("image"), image=image.text)


def image_registry_untrusted(container: Container, *, project: Project, allow: Sequence[str]) -> CheckOutcome:
    """The image comes from a registry or repository that no pattern of `allow` matches."""
    image = parsed_image(container, project)
    if image is None:
        return
    if image.name_unknown:
        yield Undecidable(container.node.at("image"))
    elif not any(
        glob.glob_matches(pattern, image.full_repository) or glob.glob_matches(f"{pattern}/*", image.full_repository)
        for pattern in allow
    ):
        yield hit(container.node.at("image"), image=image.text, registry=image.registry or "docker.io")


def image_registry_retired(container: Container, *, deny: Sequence[str]) -> CheckOutcome:
    """The image comes from a registry that gets no new images."""
    image = images.parse_image(container.image)
    for registry in deny:
        if image.full_repository.startswith(registry + "/") and not image.name_unknown:
            yield hit(container.node.at("image"), image=image.text, registry=registry)


def image_bitnami_gone(container: Container, *, owners: Sequence[str]) -> CheckOutcome:
    """The image comes from an owner who took every tag but `latest` away."""
    image = images.parse_image(container.image)
    if image.tag_unknown or image.name_unknown or image.digest or image.tag in {"", "latest"}:
        return
    if any(image.full_repository.startswith(owner + "/") for owner in owners):
        yield hit(container.node.at("image"), image=image.text)


# -- pull policy --------------------------------------------------------------------------------------------------


def is_mutable(image: ImageReference) -> bool:
    """Whether the image is surely one that its publisher moves."""
    return is_floating_image(image) and not image.digest_unknown


def image_pull_policy_stale(container: Container, *, project: Project) -> CheckOutcome:
    """A tag that moves, with a policy under which a node keeps what it pulled once; of Never `image_pull_policy_never` tells."""
    image, policy = parsed_image(container, project), container.node.get("imagePullPolicy")
    if image is None or not is_mutable(image):
        return
    yield from unknown_if_variable(container.node, "imagePullPolicy")
    if policy == "IfNotPresent":
        tag = image.tag or "latest"
        yield hit(container.node.at("imagePullPolicy"), policy=policy, tag=tag, image=image.text)


def policy_not_always(container: Container, *, project: Project, untagged: bool) -> CheckOutcome:
    """The pull policy is not Always, by word or by default; with `untagged`, unset counts for every image."""
    policy: Any = container.node.get("imagePullPolicy")
    image = images.parse_image(container.image)
    if policy is None:
        by_default = image.digest == "" and image.tag not in {"", "latest"} and not image.tag_unknown
        if by_default or (untagged and not image.digest):
            yield missing(container.node.at(), say="unset")
    elif isinstance(policy, str) and policy != "Always" and not image.digest:
        yield hit(container.node.at("imagePullPolicy"), say="other", policy=policy)


def image_pull_policy_always_fixed(container: Container) -> CheckOutcome:
    """Always for an image whose tag or digest never moves."""
    image = images.parse_image(container.image)
    if container.node.get("imagePullPolicy") != "Always" or image.tag_unknown or not container.image:
        return
    if image.digest or not is_floating_image(image):
        yield hit(container.node.at("imagePullPolicy"), image=image.text)


def image_pull_policy_never(container: Container) -> CheckOutcome:
    """The node must have the image already."""
    if container.node.get("imagePullPolicy") == "Never":
        yield hit(container.node.at("imagePullPolicy"), image=container.image)
