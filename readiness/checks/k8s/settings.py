"""What a program is told through its environment: debug modes, log levels, stores that let everybody in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from readiness.facts import public_images, settings
from readiness.facts.table import fact_column
from readiness.kinds.k8s.effective import is_variable
from readiness.kinds.k8s.model import Container, Object
from readiness.kinds.variables import scalar_text
from readiness.model import CheckOutcome, Source, Span, Undecidable, hit
from readiness.syntax import image as images
from readiness.syntax.open_ports import engine_on_every_address, is_engine_opened_by_image
from readiness.syntax.yaml import Seq


@cache
def _development_name_pattern() -> re.Pattern[str]:
    """The words of development and tests, each between the marks that part names and paths."""
    words = "|".join(map(re.escape, fact_column("purpose-words", "namespace")))
    return re.compile(rf"(?:\A|[/._-])(?:{words})(?=[/._-]|\Z)")


def is_for_development(source: Source, namespace: str) -> bool:
    """Whether a file or a namespace is, by its name, for development or tests."""
    return bool(
        _development_name_pattern().search(source.root.path.lower()) or _development_name_pattern().search(namespace.lower())
    )


def variables_of(owner: Container | Object) -> Iterator[tuple[str, str, Span]]:
    """Names, values and places of what a container's env, or a ConfigMap, sets in the file."""
    if isinstance(owner, Container):
        for name, setting in owner.variables.items():
            told = scalar_text(setting.raw_value)
            if told is not None:
                yield name, told.strip(), setting.span
    elif owner.kind == "ConfigMap":
        data = owner.node.mapping_at_path("data")
        for key, value in data.items():
            if isinstance(value, str | int | bool) and "\n" not in str(value):
                yield key, str(value).strip(), data.at(key)


def production_variables(owner: Container | Object) -> Iterator[tuple[str, str, Span]]:
    """The variables of a file that is not, by its name, for development."""
    namespace = owner.pod.namespace if isinstance(owner, Container) else owner.namespace
    if not is_for_development(owner.source, namespace):
        yield from variables_of(owner)


def debug_on(owner: Container | Object) -> CheckOutcome:
    """Debug mode is on, or the environment is named development."""
    for name, value, span in production_variables(owner):
        if is_variable(value) and settings.may_turn_debug_on(name):
            yield Undecidable(span)
        elif settings.turns_debug_on(name, value):
            yield hit(span, name=name, value=value)


def log_level_debug(owner: Container | Object) -> CheckOutcome:
    """The log level is debug or finer."""
    for name, value, span in production_variables(owner):
        if settings.logs_too_much(name, value):
            yield hit(span, name=name, value=value)


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
    arguments = [str(word) for word in args] if isinstance(args := container.node.get("args"), Seq) else []
    if is_engine_image and container.node.get("command") is None and is_engine_opened_by_image(arguments, settings):
        return "an empty DOCKER_TLS_CERTDIR", container.variables["DOCKER_TLS_CERTDIR"].span
    return None


def authentication_off(container: Container) -> CheckOutcome:
    """A setting that lets everybody into a store, a console or Docker's engine."""
    opened = engine_without_tls(container)
    if opened is not None:
        yield hit(opened[1], setting=opened[0])
    known = public_images.facts_of_public_image(images.parse_image(container.image)) if container.image else None
    if known is None:
        return
    for name, value, span in variables_of(container):
        if known.opens_to_all(name, value):
            yield hit(span, setting=name)
    for words in container.command_lists():
        for index, word in enumerate(words):
            if isinstance(word, str) and word in known.flags_off:
                yield hit(words.at(index), setting=word)
