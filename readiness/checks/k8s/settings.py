"""What a program is told through its environment: stores that let everybody in."""

from __future__ import annotations

from readiness.checks.variables import open_login_hits
from readiness.facts import public_images
from readiness.kinds.k8s.model import Container
from readiness.kinds.variables import filled_variable_names
from readiness.model import CheckOutcome, Span, hit
from readiness.syntax import image as images
from readiness.syntax.open_ports import is_docker_port_opened_by_dind, open_docker_host_word_index
from readiness.syntax.yaml import Seq


def word_opening_engine(container: Container) -> tuple[str, Span] | None:
    """The word or the variable that opens Docker's engine on every address of a pod without TLS, and its place."""
    words_and_spans = [
        (str(word), command_words.at(index)) for command_words in container.command_lists() for index, word in enumerate(command_words)
    ]
    command_words = [word for word, _ in words_and_spans]
    value_by_variable = {name: one.value or "" for name, one in container.variables.items() if one.value is not None}
    image = images.parse_image(container.image)
    is_engine_image = "dind" in f"{image.name.rpartition('/')[2]}:{image.tag}"
    index = open_docker_host_word_index(command_words, value_by_variable) if is_engine_image or "dockerd" in command_words else None
    if index is not None:
        return words_and_spans[index]
    args_value = container.node.get("args")
    arguments = [str(word) for word in args_value] if isinstance(args_value, Seq) else []
    if is_engine_image and container.node.get("command") is None and is_docker_port_opened_by_dind(arguments, value_by_variable):
        return "an empty DOCKER_TLS_CERTDIR", container.variables["DOCKER_TLS_CERTDIR"].span
    return None


def authentication_off(container: Container) -> CheckOutcome:
    """A setting that lets everybody into a store, a console or Docker's engine."""
    engine_opening = word_opening_engine(container)
    if engine_opening is not None:
        yield hit(engine_opening[1], setting=engine_opening[0])
    image_facts = public_images.facts_of_public_image(images.parse_image(container.image)) if container.image else None
    if image_facts is not None:
        words_and_spans = [(word, command_list.at(index)) for command_list in container.command_lists() for index, word in enumerate(command_list)]
        yield from open_login_hits(
            image_facts,
            container.variables.values(),
            words_and_spans,
            filled_variables=filled_variable_names(container.variables),
            has_unread_variables=bool(container.node.get("envFrom")),
        )
