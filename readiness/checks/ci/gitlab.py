"""GitLab pipelines: images, stages and needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from readiness.facts.moving import is_floating_image
from readiness.kinds.gitlab.model import GitlabFile, Job
from readiness.model import CheckOutcome, Span, Undecidable, hit, join_names
from readiness.syntax import image as images
from readiness.syntax.holes import has_variable_sign
from readiness.syntax.yaml import Map, Seq


def _image_and_span(parent_node: Any, image_key: Any) -> tuple[str, Span] | None:
    image_value = parent_node.get(image_key)
    if isinstance(image_value, Map):
        parent_node, image_value, image_key = image_value, image_value.get("name"), "name"
    return (image_value, parent_node.at(image_key)) if isinstance(image_value, str) and image_value else None


def images_of_gitlab_file(file: GitlabFile) -> Iterator[tuple[str, str, Span]]:
    """The images of the file, of its defaults and of its jobs, services among them: resource, image, place."""
    default_section = file.node.get("default")
    resources_with_images: list[tuple[str, Map]] = [(file.resource, file.node)]
    resources_with_images += [(file.resource, default_section)] if isinstance(default_section, Map) else []
    for top_level_key, section_node in file.node.items():
        if isinstance(section_node, Map) and ("script" in section_node or top_level_key.startswith(".")):
            resources_with_images.append((f"job/{top_level_key}", section_node))
    for resource, image_owner in resources_with_images:
        images_and_spans = [_image_and_span(image_owner, "image")]
        services_node = image_owner.get("services")
        images_and_spans += [_image_and_span(services_node, i) for i in range(len(services_node))] if isinstance(services_node, Seq) else []
        yield from ((resource, *item) for item in images_and_spans if item is not None)


def floating_images(file: GitlabFile, *, digest: bool) -> CheckOutcome:
    """An image without a version (`digest: false`), or with one but without a digest (`digest: true`)."""
    for resource, image_text, span in images_of_gitlab_file(file):
        image = images.parse_image(image_text)
        if image.is_variable:
            yield Undecidable(span)
        elif not image.is_pinned_by_digest and is_floating_image(image) is not digest:
            yield hit(span, resource=resource, image=image_text, tag=image.tag or "none")


def gitlab_stage_unknown(job: Job) -> CheckOutcome:
    """A stage that the file does not list."""
    stage_name = job.node.get("stage")
    if isinstance(stage_name, str) and not has_variable_sign(stage_name) and not job.file.includes and stage_name not in job.file.stages:
        yield hit(job.node.at("stage"), stage=stage_name, stages=join_names(job.file.stages[1:-1]))


def gitlab_needs_unknown(job: Job) -> CheckOutcome:
    """`needs` of a job that is not there."""
    needs = job.node.get("needs")
    if job.file.includes or not isinstance(needs, Seq):
        return
    for index, need in enumerate(needs):
        if isinstance(need, Map) and (set(need) - {"job", "artifacts", "optional", "parallel"} or need.get("optional") is True):
            continue
        needed_job_name = need.get("job") if isinstance(need, Map) else need
        if isinstance(needed_job_name, str) and not has_variable_sign(needed_job_name) and job.file.value_and_file(needed_job_name) is None:
            yield hit(needs.at(index), needed=needed_job_name)
