"""What a reader calls the things that findings are about: `step 6 of job test` for `job/test/step/6`."""

from __future__ import annotations

from readiness.model import Finding
from readiness.verdict.edit_groups import thing_title

NOUNS_OF_THINGS = frozenset({"action", "job", "location", "pipeline", "server", "service", "stage", "workflow"})  # as resources begin
_STEP_MARK = "/step/"


def edit_words(finding: Finding) -> str:
    """What is edited by the edit that mends a finding: the thing, and what is written there."""
    return ": ".join(filter(None, (thing_words(finding), finding.edit.at if finding.edit else "")))


def thing_words(finding: Finding) -> str:
    """The thing that an edit of a group is made in; empty where it is the file."""
    thing = thing_title(finding)
    if not finding.resource or not thing.startswith(finding.resource):
        return thing
    return resource_words(finding.resource) + thing.removeprefix(finding.resource)


def resource_words(resource: str) -> str:
    """A resource in words. What Kubernetes calls `Deployment/web` keeps that name, as kubectl takes it."""
    owner, step_mark, step = resource.rpartition(_STEP_MARK)
    if step_mark:
        return f"step {step} of {resource_words(owner)}"
    noun, _, name = resource.partition("/")
    if noun not in NOUNS_OF_THINGS:
        return resource.removesuffix("/")
    if noun == "stage" and name.isdecimal():  # a stage without a name has its number from 0, as `COPY --from` takes it
        name = str(int(name) + 1)
    return f"{noun} {name}"
