"""The images of a pipeline: under which tags they are pushed, and by which they are deployed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.checks.ci.delivery import JobNeighbourhood, neighbourhood_of_deploying_job
from readiness.facts.moving import is_floating_image, is_moving_name_of_kind
from readiness.kinds.delivery.effects import REMOTE_DEPLOYMENT_FAMILIES
from readiness.kinds.delivery.model import AnyJob, PipelineAction
from readiness.model import CheckOutcome, NotApplicable, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax import image as images
from readiness.syntax.holes import has_github_expression, has_variable_sign

_PLAIN_WORD_TAG = lazy_regex(r"(?:[A-Za-z0-9_}](?:[\w./${}-]{0,200})?:|(?:tag|TAG|version)=)(?P<tag>[a-z]+)(?=[\s\"',;)]|\Z)")


def deploy_tag_floating(job: AnyJob, *, project: Project) -> CheckOutcome:
    """An image deployed by a tag that moves."""
    neighbourhood = neighbourhood_of_deploying_job(job, project)
    if neighbourhood is None:
        yield NotApplicable()
        return
    for deployment in neighbourhood.deployments:
        floating_tag = next((found for found in _tag_words_in_command(deployment.text) if is_moving_name_of_kind("deployed", found)), None)
        if floating_tag is not None and deployment.tool_family in REMOTE_DEPLOYMENT_FAMILIES:
            yield hit(deployment.span, resource=job.resource, tag=floating_tag)


def _tag_words_in_command(command_text: str) -> Iterator[str]:
    """The words of a command that stand where a tag does."""
    return (match["tag"] for match in _PLAIN_WORD_TAG.finditer(command_text))


_PUSH_COMMAND_REFERENCE = lazy_regex(
    r"\b(?:docker|podman|buildah|nerdctl)(?: image)? push (?:-\S+ ){0,3}[\"']?(?P<push>[^\s\"']{1,300})"
    r"|(?:-t|--tag)[ =][\"']?(?P<tag>[^\s\"']{1,300})"
)


def image_tag_anonymous(job: AnyJob, *, project: Project) -> CheckOutcome:
    """An image pushed only under tags that do not tell which commit it is of."""
    neighbourhood = project.memoize_for_subject(JobNeighbourhood, job)
    push_actions = [push_action for push_action in neighbourhood.stage.actions if push_action.kind == "push"]
    if not push_actions:
        yield NotApplicable()
        return
    image_names_and_actions = []
    for push_action in push_actions:
        pushed_names = _pushed_image_names(push_action)
        if pushed_names is None:
            return  # the tags come from elsewhere
        image_names_and_actions += [(name, push_action) for name in pushed_names]
    images_and_actions = [(images.parse_image(name), push_action) for name, push_action in image_names_and_actions]
    if images_and_actions and all(not image.is_variable and not image.tag_unknown and is_floating_image(image) for image, _ in images_and_actions):
        image, push_action = images_and_actions[-1]
        yield hit(push_action.span, resource=job.resource, image=image.familiar_name, tag=image.tag or "none")


def _pushed_image_names(action: PipelineAction) -> list[str] | None:
    """The references that a push names; None where they are not written there."""
    if "docker/build-push-action" in action.text:
        tags_argument = re.search(r"(?:\A| )tags=", action.text)
        if tags_argument is None:
            return None
        tags_text = re.split(r" [a-z-]{2,20}=", action.text[tags_argument.end() :], maxsplit=1)[0]
        if not tags_text or len(tags_text) > 1500 or has_github_expression(tags_text):
            return None
        return [tag for tag in re.split(r"[\s,]+", tags_text) if tag]
    image_names = [match.group("push") or match.group("tag") for match in _PUSH_COMMAND_REFERENCE.finditer(action.text)]
    if not image_names or any(has_variable_sign(name) or "%" in name for name in image_names) or "--all-tags" in action.text:
        return None
    return image_names


_BUILD_TAG_OPTION = lazy_regex(r"(?:-t|--tag)[ =][\"']?([^\s\"']{1,300})")
_LOAD_IMAGE_COMMAND = lazy_regex(r"\b(?:kind load|minikube image|k3d image|ctr images? import|docker save)\b")


def image_never_pushed(job: AnyJob, *, project: Project) -> CheckOutcome:
    """An image deployed to a cluster that a job before built and nobody pushed."""
    neighbourhood = neighbourhood_of_deploying_job(job, project)
    cluster_deployments = (
        [cluster_deployment for cluster_deployment in neighbourhood.deployments if cluster_deployment.tool_family in ("kubernetes", "helm", "swarm")]
        if neighbourhood is not None
        else []
    )
    if neighbourhood is None or not cluster_deployments:
        yield NotApplicable()
        return
    all_job_deliveries = list(neighbourhood.stages.values())
    may_be_pushed = any(stage.performs_any("push") or stage.calls_unreadable_code for stage in all_job_deliveries)
    if may_be_pushed or any(
        _LOAD_IMAGE_COMMAND.search(cluster_deployment.text) for stage in all_job_deliveries for cluster_deployment in stage.actions
    ):
        return
    built_references = {
        _without_blanks_in_expressions(ref)
        for stage in neighbourhood.stages_before
        for cluster_deployment in stage.actions
        if cluster_deployment.kind == "build"
        for ref in _built_image_references(cluster_deployment)
    }
    for cluster_deployment in cluster_deployments:
        unpushed_reference = next(
            (ref for ref in sorted(built_references) if ref and ref in _without_blanks_in_expressions(cluster_deployment.text)),
            None,
        )
        if unpushed_reference is not None:
            yield hit(cluster_deployment.span, resource=job.resource, image=images.parse_image(unpushed_reference).familiar_name)
            return


def _built_image_references(action: PipelineAction) -> Iterator[str]:
    command_text = _without_blanks_in_expressions(action.text)
    for tag_option in _BUILD_TAG_OPTION.finditer(command_text):
        if ":" in tag_option.group(1):
            yield tag_option.group(1)


def _without_blanks_in_expressions(text_with_expressions: str) -> str:
    """A text with the blanks inside `${{ }}` taken out, so that the same reference reads the same."""
    return re.sub(r"\$\{\{\s+|(?<!\s)\s+\}\}", lambda match: match.group().strip(), text_with_expressions)
