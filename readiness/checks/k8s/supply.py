"""Images: tag, digest, registry, and the pull policy beside them."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from typing import Any

from readiness.facts.moving import is_floating_image
from readiness.facts.releases import end_of_life_of_image
from readiness.kinds.k8s.effective import undecidable_if_variable
from readiness.kinds.k8s.model import Container
from readiness.model import CheckOutcome, Severity, Span, Undecidable, hit, missing
from readiness.model.project import Project, parent_folders
from readiness.syntax import glob
from readiness.syntax import image as images
from readiness.syntax.image import ImageReference
from readiness.syntax.yaml import Map


def images_tagged_at_deployment(project: Project) -> frozenset[str]:
    """Image names to which kustomize of this project gives tag or digest at deployment."""
    image_names: set[str] = set()
    for document in project.documents_of_kind("k8s"):
        for root_node in document.roots:
            if isinstance(root_node, Map) and root_node.get("kind") == "Kustomization":
                image_names |= {one.string_under("name") for one in root_node.mappings_under("images")}
    return frozenset(image_names - {""})


def folders_with_image_tool(project: Project) -> frozenset[str]:
    """The folders that hold the file of a tool that builds images and writes their names at deployment."""
    image_tool_file_names = {"skaffold.yaml", "skaffold.yml", "Tiltfile", "devspace.yaml"}
    return frozenset(posixpath.dirname(path) for path in project.paths if posixpath.basename(path) in image_tool_file_names)


def is_below_image_tool_folder(path: str, project: Project) -> bool:
    """Whether such a tool stands in the folder of a file, or in one above it."""
    tool_folders = project.memoize(folders_with_image_tool)
    return bool(tool_folders) and not tool_folders.isdisjoint(parent_folders(path))


def image_unless_set_by_tool(container: Container, project: Project) -> ImageReference | None:
    """The container's image; None where none is written or named, or where another tool of the project fills it in."""
    if not container.image or container.image != container.image.strip() or _is_nameless(container.image):
        return None
    image = images.parse_image(container.image)
    image_without_tag = container.image[: image.name_span.end]
    has_no_registry_path = image_without_tag == container.image and "/" not in image_without_tag
    return (
        None
        if image_without_tag in project.memoize(images_tagged_at_deployment) | container.source.root.replaced_images
        or (has_no_registry_path and is_below_image_tool_folder(container.source.root.path, project))
        else image
    )


def _is_nameless(image_text: str) -> bool:
    """Whether a reference has a registry or a tag, and no name of an image."""
    last_part = image_text.partition("@")[0].rpartition("/")[2]
    return not last_part.partition(":")[0]


def image_part_span(container: Container, inner: Span) -> Span:
    """The place of a part of the image reference; of the whole where it is quoted oddly."""
    image_value_span = container.node.at("image")
    image_value_text = container.source.text[image_value_span.start : image_value_span.end]
    image_offset = image_value_text.find(container.image)
    if image_offset < 0 or inner.start == inner.end:
        return image_value_span
    return Span(image_value_span.start + image_offset + inner.start, image_value_span.start + image_offset + inner.end)


def image_tag_missing(container: Container, *, project: Project) -> CheckOutcome:
    """The image has neither tag nor digest, so it is `latest`, or it has that tag.

    A reference without a name (`:latest` or `registry.example.net/:latest`, of a chart whose values give no repository) names
    no image; its tag is the default for whoever gives the repository alone.
    """
    if _is_nameless(container.image.strip()) and container.image.strip().endswith(":latest"):
        image_span = container.node.at("image")
        yield hit(image_span, severity=Severity.LOW, image=container.image, version="nameless")
        return
    image = image_unless_set_by_tool(container, project)
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
    image = image_unless_set_by_tool(container, project)
    if image is None or not image.tag or image.digest:
        return
    if image.tag_unknown or image.digest_unknown:
        yield Undecidable(container.node.at("image"))
    elif is_floating_image(image) and image.tag != "latest":
        yield hit(image_part_span(container, image.tag_span), image=image.text, tag=image.tag)


def image_end_of_life(container: Container, *, project: Project) -> CheckOutcome:
    """The image is of a release whose updates have ended."""
    image = image_unless_set_by_tool(container, project)
    if image is None:
        return
    if image.name_unknown or image.tag_unknown:
        yield Undecidable(container.node.at("image"))
        return
    release_past_end_of_life = end_of_life_of_image(image, project.today)
    if release_past_end_of_life is not None:
        tag_span = image_part_span(container, image.tag_span)
        yield hit(
            tag_span,
            image=image.text_without_digest,
            release=release_past_end_of_life.release,
            day=release_past_end_of_life.end_day,
        )


def image_digest_missing(container: Container, *, project: Project) -> CheckOutcome:
    """The image has no digest."""
    image = image_unless_set_by_tool(container, project)
    if image is None or image.digest:
        return
    if image.digest_unknown:
        yield Undecidable(container.node.at("image"))
    else:
        yield hit(container.node.at("image"), image=image.text)


def image_registry_untrusted(container: Container, *, project: Project, allow: Sequence[str]) -> CheckOutcome:
    """The image comes from a registry or repository that no pattern of `allow` matches."""
    image = image_unless_set_by_tool(container, project)
    if image is None:
        return
    if image.name_unknown:
        yield Undecidable(container.node.at("image"))
    elif not any(glob.glob_matches(pattern, image.full_repository) or glob.glob_matches(f"{pattern}/*", image.full_repository) for pattern in allow):
        yield hit(container.node.at("image"), image=image.text, registry=image.registry or "docker.io")


def image_registry_retired(container: Container, *, deny: Sequence[str]) -> CheckOutcome:
    """The image comes from a registry that gets no new images."""
    image = images.parse_image(container.image)
    for registry in deny:
        if image.full_repository.startswith(registry + "/") and not image.name_unknown:
            yield hit(container.node.at("image"), image=image.text, registry=registry)


def image_bitnami_gone(container: Container, *, owners: Sequence[str]) -> CheckOutcome:
    """The image comes from an owner who took every tag but `latest` away.

    One that is never pulled lies on its nodes, and the owner's tags have a version in them: another tag (`sandbox`) is one that somebody
    gave to an image of his own.
    """
    image = images.parse_image(container.image)
    if container.node.get("imagePullPolicy") == "Never" or not any(map(str.isdecimal, image.tag)):
        return
    if image.tag_unknown or image.name_unknown or image.digest:
        return
    if any(image.full_repository.startswith(owner + "/") for owner in owners):
        yield hit(container.node.at("image"), image=image.text)


# -- pull policy --------------------------------------------------------------------------------------------------


def has_floating_tag(image: ImageReference) -> bool:
    """Whether the image is surely one that its publisher moves."""
    return is_floating_image(image) and not image.digest_unknown


def image_pull_policy_stale(container: Container, *, project: Project) -> CheckOutcome:
    """A tag that moves, with a policy under which a node keeps what it pulled once; of Never `image_pull_policy_never` tells."""
    image, pull_policy = image_unless_set_by_tool(container, project), container.node.get("imagePullPolicy")
    if image is None or not has_floating_tag(image):
        return
    yield from undecidable_if_variable(container.node, "imagePullPolicy")
    if pull_policy == "IfNotPresent":
        tag_or_latest = image.tag or "latest"
        yield hit(container.node.at("imagePullPolicy"), policy=pull_policy, tag=tag_or_latest, image=image.text)


def policy_not_always(container: Container, *, project: Project, untagged: bool) -> CheckOutcome:
    """The pull policy is not Always, by word or by default; with `untagged`, unset counts for every image."""
    pull_policy: Any = container.node.get("imagePullPolicy")
    image = images.parse_image(container.image)
    if pull_policy is None:
        is_if_not_present_by_default = image.digest == "" and image.tag not in {"", "latest"} and not image.tag_unknown
        if is_if_not_present_by_default or (untagged and not image.digest):
            yield missing(container.node.at(), say="unset")
    elif isinstance(pull_policy, str) and pull_policy != "Always" and not image.digest:
        yield hit(container.node.at("imagePullPolicy"), say="other", policy=pull_policy)


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
