"""The user that an image runs as, against a pod that refuses root."""

from __future__ import annotations

from readiness.facts.base_images import may_be_official_image, nonroot_user
from readiness.kinds.dockerfile.model import Stage
from readiness.kinds.dockerfile.users import is_root_user, user_of
from readiness.kinds.joins.images import stage_of_container
from readiness.kinds.k8s.effective import effective_security_setting, has_user_namespace
from readiness.kinds.k8s.model import Container
from readiness.kinds.k8s.openshift import is_openshift
from readiness.model import CheckOutcome, NotApplicable, Related, Span, Undecidable, hit
from readiness.model.project import Project
from readiness.syntax.holes import has_variable_sign


def image_user_refused(container: Container, *, root: bool, project: Project) -> CheckOutcome:
    """An image whose user the kubelet refuses under `runAsNonRoot`: root, or a name that it cannot look up."""
    is_nonroot_required = effective_security_setting(container, "runAsNonRoot") is True
    is_run_as_user_set = effective_security_setting(container, "runAsUser") is not None
    built_stage = stage_of_container(container, project) if is_nonroot_required and not is_run_as_user_set else None
    if built_stage is None or container.windows or container.source.fragment:
        yield NotApplicable()
        return
    if built_stage.windows or has_user_namespace(container.pod) or project.memoize(is_openshift):
        yield Undecidable(container.node.at("image"))
        return
    user_and_span = _image_user_and_span(built_stage)
    if user_and_span is None:
        yield Undecidable(container.node.at("image"))
        return
    user_name, user_span = user_and_span
    if (not user_name or is_root_user(user_name)) is root and (root or not user_name.isdigit()):
        dockerfile_path = built_stage.source.path
        image_user_related = Related(built_stage.source, user_span, f"the image runs as {user_name or 'root'}")
        yield hit(container.node.at("image"), related=[image_user_related], user=user_name or "root", file=dockerfile_path)


def _image_user_and_span(stage: Stage) -> tuple[str, Span] | None:
    """The user of an image, empty for the default, and where it is told; None where the Dockerfile does not tell it."""
    effective_user_instruction = stage.effective_value("USER")
    if effective_user_instruction is not None:
        user_name = None if has_variable_sign(effective_user_instruction.instruction.arguments_text.text) else user_of(stage)
        return (user_name, effective_user_instruction.span) if user_name else None
    root_base_image = stage.root_stage.image
    if not may_be_official_image(root_base_image) or root_base_image.is_variable or nonroot_user(root_base_image) is not None:
        return None
    from_instruction = stage.root_stage.from_instruction
    return ("", from_instruction.span) if from_instruction is not None else None
