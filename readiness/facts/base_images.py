"""What is known of public images as bases: whether they run as root, what they start, and what they come without."""

from __future__ import annotations

from readiness.facts.images import image_fact_rows, image_property, public_image_name
from readiness.facts.table import fact_row_by_name
from readiness.syntax.image import ImageReference


def nonroot_user(image: ImageReference) -> str | None:
    """The user that an image is documented to run as, when that is not root."""
    documented_user = image_property(image, "user")
    return None if documented_user is None else str(documented_user)


def may_be_official_image(image: ImageReference) -> bool:
    """Whether it is one of Docker's official images, which run as root unless the table says otherwise."""
    return not image.name_unknown and "/" not in public_image_name(image)


def is_known_official(image: ImageReference) -> bool:
    """Whether it is an official image by its name, and not just any name without a slash."""
    if not may_be_official_image(image):
        return False
    return public_image_name(image) in fact_row_by_name("official-images") or image_property(image, "once-official") is True


def drops_root_in_entrypoint(image: ImageReference) -> bool:
    """Whether an image's own entry point starts as root and runs the service as somebody else, as its page says."""
    return image_property(image, "drops-root") is True


def starts_service(image: ImageReference) -> bool | None:
    """Whether an image starts a service by itself, or only a shell, an interpreter or nothing; None where unknown."""
    if image_property(image, "plain"):
        return False
    return True if may_be_official_image(image) else None


def surely_lacks_tool(image: ImageReference, tool: str) -> bool:
    """Whether an image surely comes without a program; false where nobody can tell."""
    return any(tool in row.get("lacks", ()) for row in image_fact_rows(image))


def is_runtime(image: ImageReference) -> bool:
    """Whether an image is one that runs what is put into it."""
    return image_property(image, "runtime") is True


def sets_only_path_variable(image: ImageReference) -> bool:
    """Whether an image is one whose ENV holds PATH and nothing else."""
    return image_property(image, "path-only") is True


def is_without_application(image: ImageReference) -> bool:
    """Whether an image is one that brings no files of an application."""
    return image_property(image, "application") is False


def sets_working_folder(image: ImageReference) -> bool | None:
    """Whether an image has a WORKDIR of its own, or starts at the root; None where unknown."""
    has_working_folder = image_property(image, "workdir")
    return has_working_folder if isinstance(has_working_folder, bool) else None


def default_shell_family(image: ImageReference) -> str:
    """Which `/bin/sh` an image has: dash, busybox, bash, or an empty string where unknown."""
    shell_name = image_property(image, "shell") or ""
    if shell_name != "dash":
        return str(shell_name)
    return "busybox" if "alpine" in image.tag else "" if image.tag_unknown else "dash"
