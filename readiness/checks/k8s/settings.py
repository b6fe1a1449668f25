"""What a program is told through its environment: stores that let everybody in."""

from __future__ import annotations

from readiness.checks.variables import login_switches
from readiness.facts import public_images
from readiness.kinds.k8s.model import Container
from readiness.model import CheckOutcome
from readiness.syntax import image as images


def authentication_off(container: Container) -> CheckOutcome:
    """A setting that lets everybody into a store or a console."""
    known = public_images.facts_of_public_image(images.parse_image(container.image)) if container.image else None
    if known is not None:
        words = [(word, listed.at(index)) for listed in container.command_lists() for index, word in enumerate(listed)]
        yield from login_switches(known, container.variables.values(), words)
