"""What a program is told through its environment: debug modes, log levels, stores that let everybody in."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.facts import public_images, settings
from readiness.kinds.k8s.effective import variable
from readiness.kinds.k8s.model import Container, Object, mapping, maps, text
from readiness.model import Hit, Source, Span, Unknown, hit
from readiness.syntax import image as images
from readiness.syntax.yaml import Seq

Outcome = Iterator[Hit | Unknown]

_DEVELOPMENT = re.compile(
    r"(?:\A|[/._-])(?:dev|develop|development|local|tests?|testing|e2e|ci|minikube|kind)(?=[/._-]|\Z)"
)


def development(source: Source, namespace: str) -> bool:
    """Whether a file or a namespace is, by its name, for development or tests."""
    return bool(
        _DEVELOPMENT.search(source.root.path.lower()) or _DEVELOPMENT.search(namespace.lower())
    )


def variables(one: Container | Object) -> Iterator[tuple[str, str, Span]]:
    """Names, values and places of what a container's env, or a ConfigMap, sets in the file."""
    if isinstance(one, Container):
        for item in maps(one.node.get("env")):
            if isinstance(item.get("value"), str | int | bool):
                yield text(item.get("name")), str(item["value"]).strip(), item.at("value")
    elif one.kind == "ConfigMap":
        data = mapping(one.node, "data")
        for key, value in data.items():
            if isinstance(value, str | int | bool) and "\n" not in str(value):
                yield key, str(value).strip(), data.at(key)


def set_for_production(one: Container | Object) -> Iterator[tuple[str, str, Span]]:
    """The variables of a file that is not, by its name, for development."""
    namespace = one.pod.namespace if isinstance(one, Container) else one.namespace
    if not development(one.source, namespace):
        yield from variables(one)


def debug(one: Container | Object) -> Outcome:
    """Debug mode is on, or the environment is named development."""
    for name, value, span in set_for_production(one):
        if variable(value) and settings.may_turn_debug_on(name):
            yield Unknown(span)
        elif settings.turns_debug_on(name, value):
            yield hit(span, name=name, value=value)


def log_level(one: Container | Object) -> Outcome:
    """The log level is debug or finer."""
    for name, value, span in set_for_production(one):
        if settings.logs_too_much(name, value):
            yield hit(span, name=name, value=value)


def authentication_off(container: Container) -> Outcome:
    """A setting that lets everybody into a store or a console."""
    known = public_images.known(images.parse(container.image)) if container.image else None
    if known is None:
        return
    for name, value, span in variables(container):
        if known.opens(name, value):
            yield hit(span, setting=name)
    for key in ("command", "args"):
        words = container.node.get(key)
        words = words if isinstance(words, Seq) else Seq(container.node.at())
        for index, word in enumerate(words):
            if isinstance(word, str) and word in known.flags_off:
                yield hit(words.at(index), setting=word)
