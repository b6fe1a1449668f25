"""Releases of languages and systems without updates, in pipelines that build and ship with them."""

from __future__ import annotations

import re

from readiness.checks.ci.gitlab import images_of
from readiness.checks.ci.pins import images_of_job
from readiness.facts.actions import action_property
from readiness.facts.releases import end_of_life, end_of_release
from readiness.kinds.delivery.model import Pipeline
from readiness.kinds.github.model import Job, Step, Workflow
from readiness.kinds.github.texts import is_expression
from readiness.model import Outcome, Span, Unknown, hit
from readiness.model.project import Project
from readiness.syntax import image as images

_ONE = re.compile(r"(?:v|ruby-)?([0-9]+(?:\.[0-9]+){0,2})(?:\.[x*])?\Z")


def release_end_of_life(pipeline: Pipeline, project: Project) -> Outcome:
    """A language or an image of a release that gets no more updates; what a matrix draws is meant to be old."""
    if not isinstance(pipeline, Workflow):
        for resource, text, span in images_of(pipeline):
            yield from _release_of_image(resource, text, span, project)
        return
    for job in pipeline.jobs:
        if job.dead:
            continue
        drawn = job.node.get("strategy")
        for resource, span, value in images_of_job(job):
            if isinstance(value, str) and not (drawn and _is_in_matrix(span, job)):
                yield from _release_of_image(resource, value, span, project)
        for step in job.steps:
            yield from _release_of_setup(step, project)


def _is_in_matrix(span: Span, job: Job) -> bool:
    """Whether a value stands in the job's matrix."""
    matrix = job.node.entry("strategy")
    return matrix.start <= span.start < matrix.end


def _release_of_image(resource: str, text: str, span: Span, project: Project) -> Outcome:
    if is_expression(text):
        yield Unknown(span)
        return
    found = end_of_life(images.parse_image(text.strip()), project.today)
    if found is not None:
        yield hit(
            span, resource=resource, what=f"image {text!r}", release=found.release, day=found.day
        )


def _release_of_setup(step: Step, project: Project) -> Outcome:
    used = step.uses
    installed = action_property(used.slug, "installs") if used is not None else None
    if installed is None:
        return
    key, product = installed["input"], installed["product"]
    value = step.options.get(key)
    if value is None or isinstance(value, bool) or step.dead:
        return
    if is_expression(value):
        yield Unknown(step.options.at(key))
        return
    match = _ONE.match(str(value).strip())
    over = end_of_release(product, match.group(1), project.today) if match else None
    if over is not None:
        place, what = step.options.at(key), f"{key} {str(value).strip()}"
        yield hit(place, resource=step.resource, what=what, release=over.release, day=over.day)
