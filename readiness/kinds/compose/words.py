"""What checks of compose services share: what lacks, a value deep inside, the Dockerfile behind a build."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from readiness.kinds.compose.application import env_file_values, is_defined_here, merged_service
from readiness.kinds.compose.model import Service
from readiness.kinds.compose.parts import expand_scalar, string_entries
from readiness.kinds.dockerfile.model import Document as Dockerfile
from readiness.kinds.dockerfile.model import Stage
from readiness.kinds.variables import VariableSetting
from readiness.model import Hit, Related, Span, hit, missing
from readiness.model.project import Project
from readiness.syntax.interpolation import NO_VARIABLES, UNKNOWN_VALUE_MARK, InterpolatedValue
from readiness.syntax.yaml import Map, Seq


def missing_service_hit(service: Service, span: Span | None = None, **facts: Any) -> Hit:
    """A hit on what a service leaves out, at its name.

    Checks that look at other files see to it themselves whether those say it; so only a piece in prose, shown
    without its surroundings, is left alone.
    """
    make = missing if service.source.fragment else hit
    return make(span or service.name_span, **facts)


def merged_service_if_defined_here(service: Service, project: Project) -> tuple[Map, bool] | None:
    """The whole service and whether all of it is known; None where what it lacks is another file's business."""
    return merged_service(service, project) if is_defined_here(service, project) else None


def span_of(node: Map, *path: str) -> Span:
    """The place of a value some keys down, or of the deepest mapping on the way."""
    for step in path[:-1]:
        below = node.get(step)
        if not isinstance(below, Map):
            return node.at(step)
        node = below
    return node.at(path[-1])


def command_line(value: Any) -> str:
    """A command as one line, whether it is written as one or as a list; variables as HOLE."""
    if isinstance(value, Seq):
        return " ".join(expand_scalar(item).text for item in value if isinstance(item, str | int | float))
    return expand_scalar(value).text


def healthcheck_has_test(healthcheck: Map) -> bool:
    """Whether a health check says what it runs. Without a test, or with an empty list, the image's own stays in force.

    https://docs.docker.com/reference/api/engine/ (HealthConfig: `[]` inherits the health check from the image)
    """
    test = healthcheck.get("test")
    return isinstance(test, str) or (isinstance(test, Seq) and bool(test))


def healthcheck_words(healthcheck: Map) -> list[str]:
    """The words that a health check runs, with the defaults of their variables; a shell's script is one word."""
    test = healthcheck.get("test")
    if isinstance(test, str):
        items: list[Any] = ["sh", "-c", test]
    elif isinstance(test, Seq) and test[:1] == ["CMD-SHELL"]:
        items = ["sh", "-c", *test[1:2]]
    else:
        items = list(test[1:]) if isinstance(test, Seq) and test[:1] == ["CMD"] else []
    return [expand_scalar(item).text.replace(UNKNOWN_VALUE_MARK, "X") for item in items]


def is_truthy(value: Any) -> bool:
    """Whether a value is true, written as a boolean or as a string."""
    return value is True or expand_scalar(value).text.lower() in {"true", "yes", "on", "1"}


def service_variables(service: Service, project: Project, node: Map | None = None) -> Mapping[str, VariableSetting]:
    """The variables of a service with what all of its environment files give, those of files laid over its own too.

    `node` is the service as it runs, where that is more than its own file says.
    """
    return service.layer_variables(env_file_values(service, project)[0], node or service.extended_node)


def has_unread_settings(service: Service, project: Project, node: Map | None = None) -> bool:
    """Whether settings come from files that are not looked into, or could not be."""
    node = node or service.extended_node
    if node.get("secrets") or node.get("configs"):
        return True
    given, complete = env_file_values(service, project)
    return bool(node.get("env_file")) and (
        not complete or any(UNKNOWN_VALUE_MARK in one.value or not one.value for one in given.values())
    )


def replica_count(node: Map, values: Mapping[str, str] = NO_VARIABLES) -> int | None:
    """How many containers run; None where a variable says it."""
    for value in (node.mapping_at_path("deploy").get("replicas"), node.get("scale")):
        if value is not None:
            text = expand_scalar(value, values).text
            if UNKNOWN_VALUE_MARK in text:
                return None
            return int(text) if text.isdigit() and len(text) < 9 else 1
    return 1


def may_run_together(first: Service, second: Service) -> bool:
    """Whether two services may run at once: not if each is in profiles that the other is not in."""
    mine, theirs = ({text for text, _ in string_entries(service.extended_node.get("profiles"))} for service in (first, second))
    return not mine or not theirs or bool(mine & theirs)


def edit_location(service: Service, text: InterpolatedValue, start: int, end: int, span: Span) -> dict[str, Any]:
    """Where `text[start:end]`, written at `span`, is to be mended: in an environment file where all of it stands there.

    For `hit(**place(...))`.
    """
    first, _, name = text.filled_piece_around(start, end)
    setting = service.document.environment.env_file_values.get(name)
    if setting is None:
        return {"span": span}
    where = setting.span
    if setting.source.text[where.start : where.end] == setting.value:
        where = Span(where.start + start - first, where.start + end - first)
    used = [Related(service.source, span, f"service {service.name} uses it here")]
    return {"span": where, "at": setting.source, "related": used}


def dockerfile_of_service(service: Service) -> str | None:
    """The path of the Dockerfile that a service is built from; None where it is built from none of this tree's files."""
    build = service.extended_node.get("build")
    spec = build if isinstance(build, Map) else {"context": build}
    if build is None or "dockerfile_inline" in spec:
        return None
    return dockerfile_path(service, spec.get("context", "."), spec.get("dockerfile", "Dockerfile"))


def stage_built_by_service(service: Service, project: Project) -> Stage | None:
    """The stage of the project's Dockerfile that the service's build makes; None where it is not here."""
    path, build = dockerfile_of_service(service), service.extended_node.get("build")
    if path is None:
        return None
    documents = project.document_by_path("dockerfile")
    other = posixpath.join(posixpath.dirname(path), "Containerfile")
    target = build.get("target") if isinstance(build, Map) else None
    named = expand_scalar(target, service.env_values).text if isinstance(target, str) else None
    return stage_in(documents.get(path) or documents.get(other), named)


def dockerfile_path(service: Service, context: object, dockerfile: object) -> str | None:
    """The path of a build's Dockerfile; None for a remote context, an absolute path or a variable."""
    where, name = (expand_scalar(one, service.env_values).text for one in (context, dockerfile))
    if not where or not name or UNKNOWN_VALUE_MARK in where + name or "://" in where or "\\" in where + name:
        return None
    if where.startswith(("/", "~", "git@", "github.com/")) or name.startswith(("/", "~")):
        return None
    folder = posixpath.dirname(service.document.source.path)
    return posixpath.normpath(posixpath.join(folder, where, name))


def stage_in(document: Dockerfile | None, target: str | None) -> Stage | None:
    """The stage that a build of a Dockerfile makes: the one it names, else the last."""
    if document is None or not document.stages:
        return None
    return document.stages[-1] if target is None else document.stage_by_name(target)


_SECONDS_PER_UNIT = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
}
_DURATION_PART = re.compile(r"([0-9]{1,20}(?:\.[0-9]{1,20})?)(ns|us|µs|ms|s|m|h|d)")


def duration_seconds(value: Any) -> float | None:
    """A duration in seconds; None where it is none, or a variable hides it."""
    text = expand_scalar(value).text if isinstance(value, str) else ""
    parts = _DURATION_PART.findall(text)
    return sum(float(number) * _SECONDS_PER_UNIT[unit] for number, unit in parts) if parts else None


def command_words(text: str) -> Iterator[str]:
    """The words of a command line, without quotes."""
    yield from (word.strip("\"'") for word in text.split())
