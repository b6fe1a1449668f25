"""GitLab pipelines: images, stages and needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from readiness.facts.moving import is_floating_image
from readiness.kinds.gitlab.model import GitlabFile, Job
from readiness.model import CheckOutcome, Span, Undecidable, hit, join_names
from readiness.syntax import image as images
from readiness.syntax.holes import has_variable
from readiness.syntax.yaml import Map, Seq


def _image_of(owner: Any, key: Any) -> tuple[str, Span] | None:
    value = owner.get(key)
    if isinstance(value, Map):
        owner, value, key = value, value.get("name"), "name"
    return (value, owner.at(key)) if isinstance(value, str) and value else None


def images_of(file: GitlabFile) -> Iterator[tuple[str, str, Span]]:
    """The images of the file, of its defaults and of its jobs, services among them: resource, image, place."""
    defaults = file.node.get("default")
    holders: list[tuple[str, Map]] = [(file.resource, file.node)]
    holders += [(file.resource, defaults)] if isinstance(defaults, Map) else []
    for name, node in file.node.items():
        if isinstance(node, Map) and ("script" in node or name.startswith(".")):
            holders.append((f"job/{name}", node))
    for resource, holder in holders:
        images = [_image_of(holder, "image")]
        services = holder.get("services")
        images += [_image_of(services, i) for i in range(len(services))] if isinstance(services, Seq) else []
        yield from ((resource, *item) for item in images if item is not None)


def floating_images(file: GitlabFile, *, digest: bool) -> CheckOutcome:
    """An image without a version (`digest: false`), or with one but without a digest (`digest: true`)."""
    for resource, text, span in images_of(file):
        image = images.parse_image(text)
        if image.is_variable:
            yield Undecidable(span)
        elif not image.is_pinned_by_digest and is_floating_image(image) is not digest:
            yield hit(span, resource=resource, image=text, tag=image.tag or "none")


def gitlab_stage_unknown(job: Job) -> CheckOutcome:
    """A stage that the file does not list."""
    stage = job.node.get("stage")
    if isinstance(stage, str) and not has_variable(stage) and not job.file.includes and stage not in job.file.stages:
        yield hit(job.node.at("stage"), stage=stage, stages=join_names(job.file.stages[1:-1]))


def gitlab_needs_unknown(job: Job) -> CheckOutcome:
    """`needs` of a job that is not there."""
    needs = job.node.get("needs")
    if job.file.includes or not isinstance(needs, Seq):
        return
    for index, item in enumerate(needs):
        if isinstance(item, Map) and (set(item) - {"job", "artifacts", "optional", "parallel"} or item.get("optional") is True):
            continue
        name = item.get("job") if isinstance(item, Map) else item
        if isinstance(name, str) and not has_variable(name) and job.file.value_and_file(name) is None:
            yield hit(needs.at(index), needed=name)
