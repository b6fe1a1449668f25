"""What a program is told through its environment: stores that let everybody in."""

from __future__ import annotations

from readiness.checks.variables import login_switches
from readiness.facts import public_images
from readiness.kinds.k8s.model import Container
from readiness.model import CheckOutcome, Span, hit
from readiness.syntax import image as images
from readiness.syntax.open_ports import engine_on_every_address, is_engine_opened_by_image
from readiness.syntax.yaml import Seq


def engine_without_tls(container: Container) -> tuple[str, Span] | None:
    """The word or the variable that opens Docker's engine on every address of a pod without TLS, and its place."""
    places = [(str(word), words.at(index)) for words in container.command_lists() for index, word in enumerate(words)]
    words = [word for word, _ in places]
    settings = {name: one.value or "" for name, one in container.variables.items() if one.value is not None}
    image = images.parse_image(container.image)
    is_engine_image = "dind" in f"{image.name.rpartition('/')[2]}:{image.tag}"
    index = engine_on_every_address(words, settings) if is_engine_image or "dockerd" in words else None
    if index is not None:
        return places[index]
    args = container.node.get("args")
    arguments = [str(word) for word in args] if isinstance(args, Seq) else []
    if is_engine_image and container.node.get("command") is None and is_engine_opened_by_image(arguments, settings):
        return "an empty DOCKER_TLS_CERTDIR", container.variables["DOCKER_TLS_CERTDIR"].span
    return None


def authentication_off(container: Container) -> CheckOutcome:
    """A setting that lets everybody into a store, a console or Docker's engine."""
    opened = engine_without_tls(container)
    if opened is not None:
        yield hit(opened[1], setting=opened[0])
    known = public_images.facts_of_public_image(images.parse_image(container.image)) if container.image else None
    if known is not None:
        words = [(word, listed.at(index)) for listed in container.command_lists() for index, word in enumerate(listed)]
        yield from login_switches(known, container.variables.values(), words)
