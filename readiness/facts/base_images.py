"""What is known of public images as bases: whether they run as root, what they start, and what they come without."""

from __future__ import annotations

from readiness.facts.images import fact, known, public_name
from readiness.facts.table import rows
from readiness.syntax.image import Image


def nonroot_user(image: Image) -> str | None:
    """The user that an image is documented to run as, when that is not root."""
    user = fact(image, "user")
    return None if user is None else str(user)


def official(image: Image) -> bool:
    """Whether it is one of Docker's official images, which run as root unless the table says otherwise."""
    return not image.name_unknown and "/" not in public_name(image)


def known_official(image: Image) -> bool:
    """Whether it is an official image by its name, and not just any name without a slash."""
    if not official(image):
        return False
    return public_name(image) in rows("official-images") or fact(image, "once-official") is True


def gives_root_up(image: Image) -> bool:
    """Whether an image's own entry point starts as root and runs the service as somebody else, as its page says."""
    return fact(image, "drops-root") is True


def starts_service(image: Image) -> bool | None:
    """Whether an image starts a service by itself, or only a shell, an interpreter or nothing; None where unknown."""
    if fact(image, "plain"):
        return False
    return True if official(image) else None


def lacks(image: Image, tool: str) -> bool:
    """Whether an image surely comes without a program; false where nobody can tell."""
    return any(tool in row.get("lacks", ()) for row in known(image))


def is_runtime(image: Image) -> bool:
    """Whether an image is one that runs what is put into it."""
    return fact(image, "runtime") is True


def environment_bare(image: Image) -> bool:
    """Whether an image is one whose ENV holds PATH and nothing else."""
    return fact(image, "path-only") is True


def without_application(image: Image) -> bool:
    """Whether an image is one that brings no files of an application."""
    return fact(image, "application") is False


def sets_folder(image: Image) -> bool | None:
    """Whether an image has a WORKDIR of its own, or starts at the root; None where unknown."""
    found = fact(image, "workdir")
    return found if isinstance(found, bool) else None


def shell_family(image: Image) -> str:
    """Which `/bin/sh` an image has: dash, busybox, bash, or an empty string where unknown."""
    shell = fact(image, "shell") or ""
    if shell != "dash":
        return str(shell)
    return "busybox" if "alpine" in image.tag else "" if image.tag_unknown else "dash"
