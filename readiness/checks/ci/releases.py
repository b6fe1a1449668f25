"""Releases of languages and systems without updates, in pipelines that build and ship with them."""

from __future__ import annotations

from readiness.checks.ci.gitlab import images_of_gitlab_file
from readiness.checks.ci.pins import images_of_job
from readiness.facts.actions import action_property
from readiness.facts.releases import end_of_life_of_image, end_of_life_of_release
from readiness.kinds.delivery.model import AnyPipeline
from readiness.kinds.github.model import Job, Step, Workflow
from readiness.kinds.github.texts import is_text_with_expression
from readiness.model import CheckOutcome, Span, Undecidable, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax import image as images

_PLAIN_RELEASE_VERSION = lazy_regex(r"(?:v|ruby-)?([0-9]+(?:\.[0-9]+){0,2})(?:\.[x*])?\Z")


def release_end_of_life(pipeline: AnyPipeline, project: Project) -> CheckOutcome:
    """A language or an image of a release that gets no more updates; what a matrix draws is meant to be old."""
    if not isinstance(pipeline, Workflow):
        for resource, image_text, span in images_of_gitlab_file(pipeline):
            yield from _ended_image_release_hits(resource, image_text, span, project)
        return
    for job in pipeline.jobs:
        if job.dead:
            continue
        strategy = job.node.get("strategy")
        for resource, span, image_value in images_of_job(job):
            if isinstance(image_value, str) and not (strategy and _is_in_strategy(span, job)):
                yield from _ended_image_release_hits(resource, image_value, span, project)
        for step in job.steps:
            yield from _ended_setup_release_hits(step, project)


def _is_in_strategy(value_span: Span, job: Job) -> bool:
    """Whether a value stands in the job's matrix."""
    strategy_span = job.node.entry_span("strategy")
    return strategy_span.start <= value_span.start < strategy_span.end


def _ended_image_release_hits(resource: str, image_text: str, image_span: Span, project: Project) -> CheckOutcome:
    if is_text_with_expression(image_text):
        yield Undecidable(image_span)
        return
    ended_release = end_of_life_of_image(images.parse_image(image_text.strip()), project.today)
    if ended_release is not None:
        yield hit(
            image_span,
            resource=resource,
            what=f"image {image_text!r}",
            release=ended_release.release,
            day=ended_release.end_day,
        )


def _ended_setup_release_hits(step: Step, project: Project) -> CheckOutcome:
    uses_reference = step.parsed_uses
    installation_facts = action_property(uses_reference.slug, "installs") if uses_reference is not None else None
    if installation_facts is None:
        return
    version_input, product_name = installation_facts["input"], installation_facts["product"]
    requested_version = step.with_inputs.get(version_input)
    if requested_version is None or isinstance(requested_version, bool) or step.dead:
        return
    if is_text_with_expression(requested_version):
        yield Undecidable(step.with_inputs.at(version_input))
        return
    version_match = _PLAIN_RELEASE_VERSION.match(str(requested_version).strip())
    ended_release = end_of_life_of_release(product_name, version_match.group(1), project.today) if version_match else None
    if ended_release is not None:
        version_span, setting_text = step.with_inputs.at(version_input), f"{version_input} {str(requested_version).strip()}"
        yield hit(version_span, resource=step.resource, what=setting_text, release=ended_release.release, day=ended_release.end_day)
