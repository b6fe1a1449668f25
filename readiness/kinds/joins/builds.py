"""The builds of a project: every place that says which Dockerfile makes which image, in compose files and workflows."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.facts.table import fact_column
from readiness.kinds.compose.application import is_defined_here
from readiness.kinds.compose.model import Service
from readiness.kinds.compose.parts import expand_scalar, variable_settings
from readiness.kinds.compose.words import dockerfile_path, stage_in
from readiness.kinds.dockerfile.model import Stage
from readiness.kinds.github.model import Step
from readiness.kinds.github.texts import text_at
from readiness.kinds.github.uses import repository_root
from readiness.kinds.gitlab import model as gitlab_model
from readiness.kinds.joins.steps import LocatedCommand, commands_with_known_folder, path_inside
from readiness.model import Span
from readiness.model.project import Project
from readiness.syntax.holes import has_variable
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.yaml import Map

BuildSubject = Service | Step | gitlab_model.Job


@dataclass(frozen=True, slots=True)
class Build:
    """One build. `dockerfile_path` is the Dockerfile's path in the tree, None where the files don't tell it.

    `image_names` are the references that it gives its image, as written. `target_stage` is None where none is written and empty
    where a variable hides it. `arguments` are the build arguments with their places, `base_folder` what the Dockerfile's
    path is told from. `from_git`: the builder fetches the repository itself. `is_inline_dockerfile`: the Dockerfile stands in the
    compose file.
    """

    subject: BuildSubject
    image_names: tuple[str, ...]
    dockerfile_path: str | None
    dockerfile_span: Span
    target_stage: str | None
    target_place: Span
    arguments: tuple[tuple[str, Span], ...] = ()
    base_folder: str = ""
    command: LocatedCommand | None = None
    from_git: bool = False
    is_inline_dockerfile: bool = False


def build_of_service(service: Service, project: Project) -> Build | None:
    """The build of a compose service that its own file writes in full; None for any other."""
    node = service.node
    build = node.get("build")
    if "build" not in node or "extends" in node or not is_defined_here(service, project):
        return None
    names: tuple[str, ...] = ()
    image = node.get("image")
    if isinstance(image, str):
        names = (expand_scalar(image).text,)
    if isinstance(build, str):
        file, span = dockerfile_path(service, build, "Dockerfile"), node.at("build")
        return Build(service, names, file, span, None, span, base_folder=service.document.folder)
    if not isinstance(build, Map):
        return None
    context, named = build.get("context", "."), build.get("dockerfile", "Dockerfile")
    inline = "dockerfile_inline" in build
    file = None if inline else dockerfile_path(service, context, named)
    target = build.get("target")
    target_text = None if target is None else expand_scalar(target).text
    own = node.at("build")
    arguments = tuple(  # those of a shared anchor are meant for several Dockerfiles
        (one.name, one.name_span)
        for one in variable_settings(service.source, build, "args")
        if own.start <= one.name_span.start < own.end
    )
    key = "dockerfile" if "dockerfile" in build else "context"
    return Build(
        service,
        names,
        file,
        build.at(key),
        "" if target_text is not None and UNKNOWN_VALUE_MARK in target_text else target_text,
        build.at("target"),
        arguments,
        service.document.folder,
        is_inline_dockerfile=inline,
    )


_BUILD_PROGRAMS = {"docker", "podman", "nerdctl"}


def builds_of_runner(runner: Step | gitlab_model.Job) -> Iterator[Build]:
    """The builds of a step or a job: of docker's commands, or of its action."""
    used = runner.parsed_uses if isinstance(runner, Step) else None
    if isinstance(runner, Step) and used is not None:
        if used.lowercase_name == "docker/build-push-action":
            yield _build_of_action(runner)
        return
    for place in commands_with_known_folder(runner):
        words = _build_words(place)
        if words is not None:
            yield _build_of_command(runner, place, words)


def _build_words(command: LocatedCommand) -> tuple[str, ...] | None:
    """The words after `docker build`; None for another command."""
    words = command.call.words
    if command.call.program not in _BUILD_PROGRAMS or not words:
        return None
    for head in (("build",), ("buildx", "build"), ("image", "build"), ("builder", "build")):
        if words[: len(head)] == head:
            return words[len(head) :]
    return None


def _build_of_command(runner: Step | gitlab_model.Job, command: LocatedCommand, words: tuple[str, ...]) -> Build:
    options: dict[str, list[str]] = {}
    operands: list[str] = []
    index = 0
    while index < len(words):
        word = words[index]
        name, equals, value = word.partition("=")
        if not word.startswith("-") or word == "-":
            operands.append(word)
        elif word in fact_column("docker-words", "build-valued"):
            index += 1
            options.setdefault(word, []).append(words[index] if index < len(words) else "")
        elif equals:
            options.setdefault(name, []).append(value)
        index += 1
    named = [*options.get("-f", ()), *options.get("--file", ())]
    context = operands[0] if len(operands) == 1 else ""
    start = command.repository_path_of_word(context)
    file = None
    if named and start is not None:
        file = command.repository_path_of_word(named[-1])
    elif start is not None:
        file = posixpath.normpath(posixpath.join(start, "Dockerfile"))
    target = options["--target"][-1] if "--target" in options else None
    arguments = tuple(
        (argument.partition("=")[0], command.span_of_word(argument.partition("=")[0], 1))
        for argument in options.get("--build-arg", ())
    )
    word = named[-1] if named else context
    return Build(
        runner,
        (*options.get("-t", ()), *options.get("--tag", ())),
        file,
        _last_span_of_word(command, word),
        "" if target is not None and _has_variable(target) else target,
        _last_span_of_word(command, target or ""),
        arguments,
        command.run_folder,
        command,
    )


def _last_span_of_word(command: LocatedCommand, word: str) -> Span:
    """The last place of a whole word in a command: options and the context stand behind what they share letters with."""
    text = command.text
    if not word:
        return text.span_of_part(command.call.start, command.call.end)
    body = text.value[command.call.start : command.call.end]
    at = body.rfind(word)
    while at > 0 and (not _is_word_edge(body, at - 1) or not _is_word_edge(body, at + len(word))):
        at = body.rfind(word, 0, at + len(word) - 1)
    if at <= 0:
        return text.span_of_part(command.call.start, command.call.end)
    return text.span_of_part(command.call.start + at, command.call.start + at + len(word))


def _is_word_edge(text: str, at: int) -> bool:
    return at >= len(text) or text[at].isspace() or text[at] in "=\"'"


def _has_variable(text: str) -> bool:
    return has_variable(text) or "%" in text


def _build_of_action(step: Step) -> Build:
    options = step.with_inputs
    root = repository_root(step.source.path)
    context, file = options.get("context", "."), options.get("file")
    build = None
    if root is not None and isinstance(context, str) and not _has_variable(context) and step.job:
        start = path_inside(root, context.strip())
        if isinstance(file, str):
            build = path_inside(root, file.strip()) if start is not None else None
        elif start is not None and file is None:
            build = posixpath.normpath(posixpath.join(start, "Dockerfile"))
    tags = options.get("tags")
    names = tuple(tags.replace(",", " ").split()) if isinstance(tags, str) else ()
    target = options.get("target")
    target_name = target if isinstance(target, str) and target else None
    key = "file" if "file" in options else "context" if "context" in options else ""
    return Build(
        step,
        names,
        build,
        options.at(key) if key else step.node.at("uses"),
        "" if target_name is not None and _has_variable(target_name) else target_name,
        options.at("target"),
        tuple(_action_arguments(step)),
        root or "",
        from_git="context" not in options,
    )


def _action_arguments(step: Step) -> Iterator[tuple[str, Span]]:
    """The names under `build-args`, one a line; an entry may stand in the quotes of CSV."""
    text = text_at(step.with_inputs, "build-args", step.source)
    at = 0
    for line in text.value.splitlines(keepends=True) if text is not None else ():
        name = line.partition("=")[0].strip().removeprefix('"')
        start = at + len(line) - len(line.lstrip().removeprefix('"'))
        if name and text is not None and "=" in line and not has_variable(name):
            yield name, text.span_of_part(start, start + len(name))
        at += len(line)


def builds_of(subject: BuildSubject, project: Project) -> list[Build]:
    """The builds of a service or a step."""
    if isinstance(subject, Service):
        build = build_of_service(subject, project)
        return [build] if build is not None else []
    return list(builds_of_runner(subject))


def built_stage(build: Build, project: Project) -> Stage | None:
    """The stage that a build makes; None where the files don't tell."""
    if build.dockerfile_path is None or build.target_stage == "":
        return None
    return stage_in(project.document_by_path("dockerfile").get(build.dockerfile_path), build.target_stage)
