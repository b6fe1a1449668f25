"""What is known of public images as bases: whether they run as root, what they start, and what they come without."""

from __future__ import annotations

from readiness.facts.images import image_property, image_rows, public_name
from readiness.facts.table import rows
from readiness.syntax.image import Image


def nonroot_user(image: Image) -> str | None:
    """The user that an image is documented to run as, when that is not root."""
    user = image_property(image, "user")
    return None if user is None else str(user)


def is_official(image: Image) -> bool:
    """Whether it is one of Docker's official images, which run as root unless the table says otherwise."""
    return not image.name_unknown and "/" not in public_name(image)


def is_known_official(image: Image) -> bool:
    """Whether it is an official image by its name, and not just any name without a slash."""
    if not is_official(image):
        return False
    return (
        public_name(image) in rows("official-images")
        or image_property(image, "once-official") is True
    )


def drops_root(image: Image) -> bool:
    """Whether an image's own entry point starts as root and runs the service as somebody else, as its page says."""
    return image_property(image, "drops-root") is True


def starts_service(image: Image) -> bool | None:
    """Whether an image starts a service by itself, or only a shell, an interpreter or nothing; None where unknown."""
    if image_property(image, "plain"):
        return False
    return True if is_official(image) else None


def surely_lacks_tool(image: Image, tool: str) -> bool:
    """Whether an image surely comes without a program; false where nobody can tell."""
    return any(tool in row.get("lacks", ()) for row in image_rows(image))


def is_runtime(image: Image) -> bool:
    """Whether an image is one that runs what is put into it."""
    return image_property(image, "runtime") is True


def has_bare_environment(image: Image) -> bool:
    """Whether an image is one whose ENV holds PATH and nothing else."""
    return image_property(image, "path-only") is True


def is_without_application(image: Image) -> bool:
    """Whether an image is one that brings no files of an application."""
    return image_property(image, "application") is False


def sets_folder(image: Image) -> bool | None:
    """Whether an image has a WORKDIR of its own, or starts at the root; None where unknown."""
    found = image_property(image, "workdir")
    return found if isinstance(found, bool) else None


def shell_family(image: Image) -> str:
    """Which `/bin/sh` an image has: dash, busybox, bash, or an empty string where unknown."""
    shell = image_property(image, "shell") or ""
    if shell != "dash":
        return str(shell)
    return "busybox" if "alpine" in image.tag else "" if image.tag_unknown else "dash"
