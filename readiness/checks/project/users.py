"""The user that an image runs as, against a pod that refuses root."""

from __future__ import annotations

from readiness.facts.base_images import may_be_official_image, nonroot_user
from readiness.kinds.dockerfile.model import Stage
from readiness.kinds.dockerfile.users import is_root, user_of
from readiness.kinds.joins.images import stage_of_container
from readiness.kinds.k8s.effective import effective_security, has_user_namespace
from readiness.kinds.k8s.model import Container
from readiness.model import CheckOutcome, NotApplicable, Related, Span, Undecidable, hit
from readiness.model.project import Project
from readiness.syntax.holes import has_variable


def image_user_refused(container: Container, *, root: bool, project: Project) -> CheckOutcome:
    """An image whose user the kubelet refuses under `runAsNonRoot`: root, or a name that it cannot look up."""
    asked = effective_security(container, "runAsNonRoot") is True
    is_user_set = effective_security(container, "runAsUser") is not None
    stage = stage_of_container(container, project) if asked and not is_user_set else None
    if stage is None or container.windows or container.source.fragment:
        yield NotApplicable()
        return
    if stage.windows or has_user_namespace(container.pod) or project.memoize(is_openshift):
        yield Undecidable(container.node.at("image"))
        return
    image_user = _image_user(stage)
    if image_user is None:
        yield Undecidable(container.node.at("image"))
        return
    user, place = image_user
    if (not user or is_root(user)) is root and (root or not user.isdigit()):
        file = stage.source.path
        note = Related(stage.source, place, f"the image runs as {user or 'root'}")
        yield hit(container.node.at("image"), related=[note], user=user or "root", file=file)


def is_openshift(project: Project) -> bool:
    """Whether the manifests are for OpenShift, which gives each pod a numeric user where none is written."""
    return any(obj.group.endswith("openshift.io") for document in project.documents_of_kind("k8s") for obj in document.objects)


def _image_user(stage: Stage) -> tuple[str, Span] | None:
    """The user of an image, empty for the default, and where it is told; None where the Dockerfile does not tell it."""
    effective = stage.effective_value("USER")
    if effective is not None:
        user = None if has_variable(effective.instruction.arguments_text.text) else user_of(stage)
        return (user, effective.span) if user else None
    image = stage.root_stage.image
    if not may_be_official_image(image) or image.is_variable or nonroot_user(image) is not None:
        return None
    start = stage.root_stage.from_instruction
    return ("", start.span) if start is not None else None
