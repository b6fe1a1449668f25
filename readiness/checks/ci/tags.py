"""The images of a pipeline: under which tags they are pushed, and by which they are deployed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.checks.ci.delivery import View, view_of
from readiness.facts.moving import is_floating_image, moves_as
from readiness.kinds.delivery.effects import REMOTE_FAMILIES
from readiness.kinds.delivery.model import Job, PipelineAction
from readiness.model import NotApplicable, Outcome, hit
from readiness.model.project import Project
from readiness.syntax import image as images
from readiness.syntax.holes import has_expression, has_variable

_TAGGED = re.compile(
    r"(?:[A-Za-z0-9_}](?:[\w./${}-]{0,200})?:|(?:tag|TAG|version)=)(?P<tag>[a-z]+)(?=[\s\"',;)]|\Z)"
)


def deploy_tag_floating(job: Job, *, project: Project) -> Outcome:
    """An image deployed by a tag that moves."""
    view = view_of(job, project)
    if view is None:
        yield NotApplicable()
        return
    for act in view.deployments:
        tag = next((found for found in _tags(act.text) if moves_as("deployed", found)), None)
        if tag is not None and act.family in REMOTE_FAMILIES:
            yield hit(act.span, resource=job.resource, tag=tag)


def _tags(text: str) -> Iterator[str]:
    """The words of a command that stand where a tag does."""
    return (match["tag"] for match in _TAGGED.finditer(text))


_PUSHED = re.compile(
    r"\b(?:docker|podman|buildah|nerdctl)(?: image)? push (?:-\S+ ){0,3}[\"']?(?P<push>[^\s\"']{1,300})"
    r"|(?:-t|--tag)[ =][\"']?(?P<tag>[^\s\"']{1,300})"
)


def image_tag_anonymous(job: Job, *, project: Project) -> Outcome:
    """An image pushed only under tags that do not tell which commit it is of."""
    view = project.once(View, job)
    acts = [act for act in view.stage.acts if act.kind == "push"]
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
    if known and all(
        not image.is_variable and not image.tag_unknown and is_floating_image(image)
        for image, _ in known
    ):
        image, act = known[-1]
        yield hit(act.span, resource=job.resource, image=image.familiar, tag=image.tag or "none")


def _pushed_names(act: PipelineAction) -> list[str] | None:
    """The references that a push names; None where they are not written there."""
    if "docker/build-push-action" in act.text:
        tags = re.search(r"(?:\A| )tags=", act.text)
        if tags is None:
            return None
        named = re.split(r" [a-z-]{2,20}=", act.text[tags.end() :], maxsplit=1)[0]
        if not named or len(named) > 1500 or has_expression(named):
            return None
        return [tag for tag in re.split(r"[\s,]+", named) if tag]
    names = [match.group("push") or match.group("tag") for match in _PUSHED.finditer(act.text)]
    if (
        not names
        or any(has_variable(name) or "%" in name for name in names)
        or "--all-tags" in act.text
    ):
        return None
    return names


_BUILT = re.compile(r"(?:-t|--tag)[ =][\"']?([^\s\"']{1,300})")
_LOADED = re.compile(r"\b(?:kind load|minikube image|k3d image|ctr images? import|docker save)\b")


def image_never_pushed(job: Job, *, project: Project) -> Outcome:
    """An image deployed to a cluster that a job before built and nobody pushed."""
    view = view_of(job, project)
    acts = (
        [act for act in view.deployments if act.family in ("kubernetes", "helm", "swarm")]
        if view is not None
        else []
    )
    if view is None or not acts:
        yield NotApplicable()
        return
    stages = list(view.stages.values())
    moved = any(stage.does("push") or stage.opaque for stage in stages)
    if moved or any(_LOADED.search(act.text) for stage in stages for act in stage.acts):
        return
    built = {
        _without_blanks(ref)
        for stage in view.stages_before
        for act in stage.acts
        if act.kind == "build"
        for ref in _image_references(act)
    }
    for act in acts:
        unpushed = next(
            (ref for ref in sorted(built) if ref and ref in _without_blanks(act.text)), None
        )
        if unpushed is not None:
            yield hit(act.span, resource=job.resource, image=images.parse_image(unpushed).familiar)
            return


def _image_references(act: PipelineAction) -> Iterator[str]:
    text = _without_blanks(act.text)
    for match in _BUILT.finditer(text):
        if ":" in match.group(1):
            yield match.group(1)


def _without_blanks(text: str) -> str:
    """A text with the blanks inside `${{ }}` taken out, so that the same reference reads the same."""
    return re.sub(r"\$\{\{\s+|(?<!\s)\s+\}\}", lambda match: match.group().strip(), text)
