"""What checks of compose services share: what lacks, a value deep inside, the Dockerfile behind a build."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from readiness.kinds.compose.application import (
    env_file_values_and_is_complete,
    is_service_defined_in_own_file,
    merged_node_and_is_complete,
)
from readiness.kinds.compose.model import Document, Service
from readiness.kinds.compose.parts import expand_scalar, string_entries
from readiness.kinds.dockerfile.model import Document as Dockerfile
from readiness.kinds.dockerfile.model import Stage
from readiness.kinds.variables import VariableSetting
from readiness.model import Hit, Related, Span, hit, missing
from readiness.model.lazy_regex import lazy_regex
from readiness.model.number import decimal_number
from readiness.model.project import Project
from readiness.syntax.interpolation import NO_VARIABLES, UNKNOWN_VALUE_MARK, InterpolatedValue
from readiness.syntax.yaml import Map, Seq


def missing_service_hit(service: Service, span: Span | None = None, **facts: Any) -> Hit:
    """A hit on what a service leaves out, at its name.

    Checks that look at other files see to it themselves whether those say it; so only a piece in prose, shown
    without its surroundings, is left alone.
    """
    make_hit = missing if service.source.fragment else hit
    return make_hit(span or service.name_span, **facts)


def merged_node_if_defined_here(service: Service, project: Project) -> tuple[Map, bool] | None:
    """The whole service and whether all of it is known; None where what it lacks is another file's business."""
    return merged_node_and_is_complete(service, project) if is_service_defined_in_own_file(service, project) else None


def span_at_key_path(node: Map, *path: str) -> Span:
    """The place of a value some keys down, or of the deepest mapping on the way."""
    for key in path[:-1]:
        child_node = node.get(key)
        if not isinstance(child_node, Map):
            return node.at(key)
        node = child_node
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
    test_value = healthcheck.get("test")
    return isinstance(test_value, str) or (isinstance(test_value, Seq) and bool(test_value))


def healthcheck_words(healthcheck: Map) -> list[str]:
    """The words that a health check runs, with the defaults of their variables; a shell's script is one word."""
    test_value = healthcheck.get("test")
    if isinstance(test_value, str):
        command_items: list[Any] = ["sh", "-c", test_value]
    elif isinstance(test_value, Seq) and test_value[:1] == ["CMD-SHELL"]:
        command_items = ["sh", "-c", *test_value[1:2]]
    else:
        command_items = list(test_value[1:]) if isinstance(test_value, Seq) and test_value[:1] == ["CMD"] else []
    return [expand_scalar(item).text.replace(UNKNOWN_VALUE_MARK, "X") for item in command_items]


def is_true_value(value: Any) -> bool:
    """Whether a value is true, written as a boolean or as a string."""
    return value is True or expand_scalar(value).text.lower() in {"true", "yes", "on", "1"}


def variable_settings_by_name(service: Service, project: Project, node: Map | None = None) -> Mapping[str, VariableSetting]:
    """The variables of a service with what all of its environment files give, those of files laid over its own too.

    `node` is the service as it runs, where that is more than its own file says.
    """
    return service.layer_variables(env_file_values_and_is_complete(service, project)[0], node or service.extended_node)


def may_have_unread_settings(service: Service, project: Project, node: Map | None = None) -> bool:
    """Whether settings come from files that are not looked into, or could not be."""
    node = node or service.extended_node
    if node.get("secrets") or node.get("configs"):
        return True
    env_file_value_by_name, are_all_files_read = env_file_values_and_is_complete(service, project)
    return bool(node.get("env_file")) and (
        not are_all_files_read or any(UNKNOWN_VALUE_MARK in one.value or not one.value for one in env_file_value_by_name.values())
    )


def replica_count(node: Map, variable_values: Mapping[str, str] = NO_VARIABLES) -> int | None:
    """How many containers run; None where a variable says it."""
    for replicas_value in (node.mapping_at_path("deploy").get("replicas"), node.get("scale")):
        if replicas_value is not None:
            replicas_text = expand_scalar(replicas_value, variable_values).text
            if UNKNOWN_VALUE_MARK in replicas_text:
                return None
            written_count = decimal_number(replicas_text, 8)
            return 1 if written_count is None else written_count
    return 1


def may_run_together(one_service: Service, other_service: Service) -> bool:
    """Whether two services may run at once: not if each is in profiles that the other is not in."""
    profiles, other_profiles = (
        {text for text, _ in string_entries(service.extended_node.get("profiles"))} for service in (one_service, other_service)
    )
    return not profiles or not other_profiles or bool(profiles & other_profiles)


def edit_location_facts(service: Service, interpolated_value: InterpolatedValue, text_start: int, text_end: int, value_span: Span) -> dict[str, Any]:
    """Where `text[start:end]`, written at `value_or_key_span`, is to be mended: in an environment file where all of it stands there.

    For `hit(**place(...))`.
    """
    piece_start, _, variable_name = interpolated_value.filled_piece_around(text_start, text_end)
    env_file_setting = service.document.environment.env_file_values.get(variable_name)
    if env_file_setting is None:
        return {"span": value_span}
    edit_span = env_file_setting.span
    if env_file_setting.source.text[edit_span.start : edit_span.end] == env_file_setting.value:
        edit_span = Span(edit_span.start + text_start - piece_start, edit_span.start + text_end - piece_start)
    related_uses = [Related(service.source, value_span, f"service {service.name} uses it here")]
    return {"span": edit_span, "at": env_file_setting.source, "related": related_uses}


def dockerfile_path_of_service(service: Service) -> str | None:
    """The path of the Dockerfile that a service is built from; None where it is built from none of this tree's files."""
    build_value = service.extended_node.get("build")
    build_settings = build_value if isinstance(build_value, Map) else {"context": build_value}
    if build_value is None or "dockerfile_inline" in build_settings:
        return None
    return dockerfile_path(service, build_settings.get("context", "."), build_settings.get("dockerfile", "Dockerfile"))


def stage_built_by_service(service: Service, project: Project) -> Stage | None:
    """The stage of the project's Dockerfile that the service's build makes; None where it is not here."""
    dockerfile_path_in_tree, build_value = dockerfile_path_of_service(service), service.extended_node.get("build")
    if dockerfile_path_in_tree is None:
        return None
    dockerfile_by_path = project.document_by_path("dockerfile")
    containerfile_path = posixpath.join(posixpath.dirname(dockerfile_path_in_tree), "Containerfile")
    target_value = build_value.get("target") if isinstance(build_value, Map) else None
    target_name = expand_scalar(target_value, service.env_values).text if isinstance(target_value, str) else None
    return stage_for_build_target(dockerfile_by_path.get(dockerfile_path_in_tree) or dockerfile_by_path.get(containerfile_path), target_name)


def dockerfile_path(service: Service, context: object, dockerfile: object) -> str | None:
    """The path of a build's Dockerfile; None for a remote context, an absolute path or a variable."""
    context_path, dockerfile_name = (expand_scalar(one, service.env_values).text for one in (context, dockerfile))
    if (
        not context_path
        or not dockerfile_name
        or UNKNOWN_VALUE_MARK in context_path + dockerfile_name
        or "://" in context_path
        or "\\" in context_path + dockerfile_name
    ):
        return None
    if context_path.startswith(("/", "~", "git@", "github.com/")) or dockerfile_name.startswith(("/", "~")):
        return None
    compose_folder = posixpath.dirname(service.document.source.path)
    return posixpath.normpath(posixpath.join(compose_folder, context_path, dockerfile_name))


def stage_for_build_target(document: Dockerfile | None, target_name: str | None) -> Stage | None:
    """The stage that a build of a Dockerfile makes: the one it names, else the last."""
    if document is None or not document.stages:
        return None
    return document.stages[-1] if target_name is None else document.stage_by_name(target_name)


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
_DURATION_PART = lazy_regex(r"([0-9]{1,20}(?:\.[0-9]{1,20})?)(ns|us|µs|ms|s|m|h|d)")


def duration_seconds(value: Any) -> float | None:
    """A duration in seconds; None where it is none, or a variable hides it."""
    duration_text = expand_scalar(value).text if isinstance(value, str) else ""
    number_unit_pairs = _DURATION_PART.findall(duration_text)
    return sum(float(number) * _SECONDS_PER_UNIT[unit] for number, unit in number_unit_pairs) if number_unit_pairs else None


def unquoted_words(command_line_text: str) -> Iterator[str]:
    """The words of a command line, without quotes."""
    yield from (word.strip("\"'") for word in command_line_text.split())


_COMPOSE_FILE_NAME = lazy_regex(r"compose|stack|swarm")
_TEMPLATE_MARK = lazy_regex(r"\{\{|\{%|<%|@@|%%")  # of Jinja and Go, ERB, and what scripts replace


def is_surely_compose(document: Document) -> bool:
    """Whether a file is called as Compose's are, and has no mark of a template: what Docker refuses in it is refused."""
    file_name = posixpath.basename(document.source.path).lower()
    return _COMPOSE_FILE_NAME.search(file_name) is not None and _TEMPLATE_MARK.search(document.source.text) is None
