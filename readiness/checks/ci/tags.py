"""The images of a pipeline: under which tags they are pushed, and by which they are deployed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.checks.ci.delivery import JobNeighbourhood, neighbourhood_of_deploying_job
from readiness.facts.moving import is_floating_image, moves_as
from readiness.kinds.delivery.effects import REMOTE_FAMILIES
from readiness.kinds.delivery.model import AnyJob, PipelineAction
from readiness.model import CheckOutcome, NotApplicable, hit
from readiness.model.project import Project
from readiness.syntax import image as images
from readiness.syntax.holes import has_expression, has_variable

_FLOATING_TAG_REFERENCE = re.compile(
    r"(?:[A-Za-z0-9_}](?:[\w./${}-]{0,200})?:|(?:tag|TAG|version)=)(?P<tag>[a-z]+)(?=[\s\"',;)]|\Z)"
)


def deploy_tag_floating(job: AnyJob, *, project: Project) -> CheckOutcome:
    """An image deployed by a tag that moves."""
    view = neighbourhood_of_deploying_job(job, project)
    if view is None:
        yield NotApplicable()
        return
    for act in view.deployments:
        tag = next((found for found in _tags(act.text) if moves_as("deployed", found)), None)
        if tag is not None and act.tool_family in REMOTE_FAMILIES:
            yield hit(act.span, resource=job.resource, tag=tag)


def _tags(text: str) -> Iterator[str]:
    """The words of a command that stand where a tag does."""
    return (match["tag"] for match in _FLOATING_TAG_REFERENCE.finditer(text))


_PUSH_COMMAND_REFERENCE = re.compile(
    r"\b(?:docker|podman|buildah|nerdctl)(?: image)? push (?:-\S+ ){0,3}[\"']?(?P<push>[^\s\"']{1,300})"
    r"|(?:-t|--tag)[ =][\"']?(?P<tag>[^\s\"']{1,300})"
)


def image_tag_anonymous(job: AnyJob, *, project: Project) -> CheckOutcome:
    """An image pushed only under tags that do not tell which commit it is of."""
    view = project.memoize_for_subject(JobNeighbourhood, job)
    acts = [act for act in view.stage.actions if act.kind == "push"]
    if not acts:
        yield NotApplicable()
        return
    names = []
    for act in acts:
        pushed = _pushed_names(act)
        if pushed is None:
            return  # the tags come from elsewhere
        names += [(name, act) for name in pushed]
    known = [(images.parse_image(name), act) for name, act in names]
    if known and all(not image.is_variable and not image.tag_unknown and is_floating_image(image) for image, _ in known):
        image, act = known[-1]
        yield hit(act.span, resource=job.resource, image=image.familiar_name, tag=image.tag or "none")


def _pushed_names(action: PipelineAction) -> list[str] | None:
    """The references that a push names; None where they are not written there."""
    if "docker/build-push-action" in action.text:
        tags = re.search(r"(?:\A| )tags=", action.text)
        if tags is None:
            return None
        named = re.split(r" [a-z-]{2,20}=", action.text[tags.end() :], maxsplit=1)[0]
        if not named or len(named) > 1500 or has_expression(named):
            return None
        return [tag for tag in re.split(r"[\s,]+", named) if tag]
    names = [match.group("push") or match.group("tag") for match in _PUSH_COMMAND_REFERENCE.finditer(action.text)]
    if not names or any(has_variable(name) or "%" in name for name in names) or "--all-tags" in action.text:
        return None
    return names


_BUILD_TAG_OPTION = re.compile(r"(?:-t|--tag)[ =][\"']?([^\s\"']{1,300})")
_LOAD_IMAGE_COMMAND = re.compile(r"\b(?:kind load|minikube image|k3d image|ctr images? import|docker save)\b")


def image_never_pushed(job: AnyJob, *, project: Project) -> CheckOutcome:
    """An image deployed to a cluster that a job before built and nobody pushed."""
    view = neighbourhood_of_deploying_job(job, project)
    acts = [act for act in view.deployments if act.tool_family in ("kubernetes", "helm", "swarm")] if view is not None else []
    if view is None or not acts:
        yield NotApplicable()
        return
    stages = list(view.stages.values())
    moved = any(stage.performs_any("push") or stage.calls_unreadable_code for stage in stages)
    if moved or any(_LOAD_IMAGE_COMMAND.search(act.text) for stage in stages for act in stage.actions):
        return
    built = {
        _without_blanks(ref)
        for stage in view.stages_before
        for act in stage.actions
        if act.kind == "build"
        for ref in _image_references(act)
    }
    for act in acts:
        unpushed = next((ref for ref in sorted(built) if ref and ref in _without_blanks(act.text)), None)
        if unpushed is not None:
            yield hit(act.span, resource=job.resource, image=images.parse_image(unpushed).familiar_name)
            return


def _image_references(action: PipelineAction) -> Iterator[str]:
    text = _without_blanks(action.text)
    for match in _BUILD_TAG_OPTION.finditer(text):
        if ":" in match.group(1):
            yield match.group(1)


def _without_blanks(text: str) -> str:
    """A text with the blanks inside `${{ }}` taken out, so that the same reference reads the same."""
    return re.sub(r"\$\{\{\s+|(?<!\s)\s+\}\}", lambda match: match.group().strip(), text)
