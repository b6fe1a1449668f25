"""Releases of languages and systems without updates, in pipelines that build and ship with them."""

from __future__ import annotations

import re

from readiness.checks.ci.gitlab import images_of
from readiness.checks.ci.pins import images_of_job
from readiness.facts.actions import action_property
from readiness.facts.releases import end_of_life, end_of_release
from readiness.kinds.delivery.model import AnyPipeline
from readiness.kinds.github.model import Job, Step, Workflow
from readiness.kinds.github.texts import contains_expression
from readiness.model import CheckOutcome, Span, Undecidable, hit
from readiness.model.project import Project
from readiness.syntax import image as images

_PLAIN_VERSION = re.compile(r"(?:v|ruby-)?([0-9]+(?:\.[0-9]+){0,2})(?:\.[x*])?\Z")


def release_end_of_life(pipeline: AnyPipeline, project: Project) -> CheckOutcome:
    """A language or an image of a release that gets no more updates; what a matrix draws is meant to be old."""
    if not isinstance(pipeline, Workflow):
        for resource, text, span in images_of(pipeline):
            yield from _ended_image_release_hits(resource, text, span, project)
        return
    for job in pipeline.jobs:
        if job.dead:
            continue
        drawn = job.node.get("strategy")
        for resource, span, value in images_of_job(job):
            if isinstance(value, str) and not (drawn and _is_in_matrix(span, job)):
                yield from _ended_image_release_hits(resource, value, span, project)
        for step in job.steps:
            yield from _ended_setup_release_hits(step, project)


def _is_in_matrix(span: Span, job: Job) -> bool:
    """Whether a value stands in the job's matrix."""
    matrix = job.node.entry_span("strategy")
    return matrix.start <= span.start < matrix.end


def _ended_image_release_hits(resource: str, text: str, span: Span, project: Project) -> CheckOutcome:
    if contains_expression(text):
        yield Undecidable(span)
        return
    found = end_of_life(images.parse_image(text.strip()), project.today)
    if found is not None:
        yield hit(
            span,
            resource=resource,
            what=f"image {text!r}",
            release=found.release,
            day=found.end_day,
        )


def _ended_setup_release_hits(step: Step, project: Project) -> CheckOutcome:
    used = step.parsed_uses
    installed = action_property(used.slug, "installs") if used is not None else None
    if installed is None:
        return
    key, product = installed["input"], installed["product"]
    value = step.with_inputs.get(key)
    if value is None or isinstance(value, bool) or step.dead:
        return
    if contains_expression(value):
        yield Undecidable(step.with_inputs.at(key))
        return
    match = _PLAIN_VERSION.match(str(value).strip())
    over = end_of_release(product, match.group(1), project.today) if match else None
    if over is not None:
        place, what = step.with_inputs.at(key), f"{key} {str(value).strip()}"
        yield hit(place, resource=step.resource, what=what, release=over.release, day=over.end_day)
