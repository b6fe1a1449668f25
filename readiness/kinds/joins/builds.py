"""The builds of a project: every place that says which Dockerfile makes which image, in compose files and workflows."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from readiness.facts.table import property_by_fact_name
from readiness.kinds.compose.application import is_service_defined_in_own_file
from readiness.kinds.compose.model import Service
from readiness.kinds.compose.parts import expand_scalar, variable_settings_under_key
from readiness.kinds.compose.words import dockerfile_path, stage_for_build_target
from readiness.kinds.dockerfile.model import Stage
from readiness.kinds.github.model import Step
from readiness.kinds.github.texts import located_text_at
from readiness.kinds.github.uses import repository_root_of_workflow_path
from readiness.kinds.gitlab import model as gitlab_model
from readiness.kinds.joins.steps import LocatedCommand, commands_with_known_folder, literal_path_from_folder
from readiness.model import Span
from readiness.model.project import Project
from readiness.model.records import dataclass
from readiness.syntax.holes import has_variable_sign
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
    service_node = service.node
    build_value = service_node.get("build")
    if "build" not in service_node or "extends" in service_node or not is_service_defined_in_own_file(service, project):
        return None
    image_names: tuple[str, ...] = ()
    image_value = service_node.get("image")
    if isinstance(image_value, str):
        image_names = (expand_scalar(image_value).text,)
    if isinstance(build_value, str):
        path_of_dockerfile, build_value_span = dockerfile_path(service, build_value, "Dockerfile"), service_node.at("build")
        return Build(
            service,
            image_names,
            path_of_dockerfile,
            build_value_span,
            None,
            build_value_span,
            base_folder=service.document.folder,
        )
    if not isinstance(build_value, Map):
        return None
    context_value, dockerfile_value = build_value.get("context", "."), build_value.get("dockerfile", "Dockerfile")
    is_inline_dockerfile = "dockerfile_inline" in build_value
    path_of_dockerfile = None if is_inline_dockerfile else dockerfile_path(service, context_value, dockerfile_value)
    target_value = build_value.get("target")
    target_stage_name = None if target_value is None else expand_scalar(target_value).text
    build_span = service_node.at("build")
    arguments_with_spans = tuple(  # those of a shared anchor are meant for several Dockerfiles
        (one.name, one.name_span)
        for one in variable_settings_under_key(service.source, build_value, "args")
        if build_span.start <= one.name_span.start < build_span.end
    )
    dockerfile_or_context_key = "dockerfile" if "dockerfile" in build_value else "context"
    return Build(
        service,
        image_names,
        path_of_dockerfile,
        build_value.at(dockerfile_or_context_key),
        "" if target_stage_name is not None and UNKNOWN_VALUE_MARK in target_stage_name else target_stage_name,
        build_value.at("target"),
        arguments_with_spans,
        service.document.folder,
        is_inline_dockerfile=is_inline_dockerfile,
    )


_IMAGE_BUILD_PROGRAMS = {"docker", "podman", "nerdctl"}


def builds_of_runner(step_or_job: Step | gitlab_model.Job) -> Iterator[Build]:
    """The builds of a step or a job: of docker's commands, or of its action."""
    parsed_uses = step_or_job.parsed_uses if isinstance(step_or_job, Step) else None
    if isinstance(step_or_job, Step) and parsed_uses is not None:
        if parsed_uses.lowercase_name == "docker/build-push-action":
            yield _build_of_action(step_or_job)
        return
    for located_command in commands_with_known_folder(step_or_job):
        build_words = _words_after_build_subcommand(located_command)
        if build_words is not None:
            yield _build_of_command(step_or_job, located_command, build_words)


def _words_after_build_subcommand(command: LocatedCommand) -> tuple[str, ...] | None:
    """The words after `docker build`; None for another command."""
    command_words = command.call.words
    if command.call.program not in _IMAGE_BUILD_PROGRAMS or not command_words:
        return None
    for build_subcommand in (("build",), ("buildx", "build"), ("image", "build"), ("builder", "build")):
        if command_words[: len(build_subcommand)] == build_subcommand:
            return command_words[len(build_subcommand) :]
    return None


def _build_of_command(step_or_job: Step | gitlab_model.Job, command: LocatedCommand, build_words: tuple[str, ...]) -> Build:
    values_by_option: dict[str, list[str]] = {}
    non_option_words: list[str] = []
    word_index = 0
    while word_index < len(build_words):
        current_word = build_words[word_index]
        option_name, equals_sign, option_value = current_word.partition("=")
        if not current_word.startswith("-") or current_word == "-":
            non_option_words.append(current_word)
        elif current_word in property_by_fact_name("docker-words", "build-valued"):
            word_index += 1
            values_by_option.setdefault(current_word, []).append(build_words[word_index] if word_index < len(build_words) else "")
        elif equals_sign:
            values_by_option.setdefault(option_name, []).append(option_value)
        word_index += 1
    written_dockerfiles = [*values_by_option.get("-f", ()), *values_by_option.get("--file", ())]
    written_context = non_option_words[0] if len(non_option_words) == 1 else ""
    context_folder = command.repository_path_of_word(written_context)
    path_of_dockerfile = None
    if written_dockerfiles and context_folder is not None:
        path_of_dockerfile = command.repository_path_of_word(written_dockerfiles[-1])
    elif context_folder is not None:
        path_of_dockerfile = posixpath.normpath(posixpath.join(context_folder, "Dockerfile"))
    target_name = values_by_option["--target"][-1] if "--target" in values_by_option else None
    arguments_with_spans = tuple(
        (argument.partition("=")[0], command.span_of_word(argument.partition("=")[0], 1)) for argument in values_by_option.get("--build-arg", ())
    )
    current_word = written_dockerfiles[-1] if written_dockerfiles else written_context
    return Build(
        step_or_job,
        (*values_by_option.get("-t", ()), *values_by_option.get("--tag", ())),
        path_of_dockerfile,
        _last_span_of_word(command, current_word),
        "" if target_name is not None and _has_variable_or_percent(target_name) else target_name,
        _last_span_of_word(command, target_name or ""),
        arguments_with_spans,
        command.run_folder,
        command,
    )


def _last_span_of_word(command: LocatedCommand, word: str) -> Span:
    """The last place of a whole word in a command: options and the context stand behind what they share letters with."""
    script_text = command.text
    if not word:
        return script_text.span_of_part(command.call.start, command.call.end)
    command_text = script_text.value[command.call.start : command.call.end]
    word_index = command_text.rfind(word)
    while word_index > 0 and (not _is_word_edge(command_text, word_index - 1) or not _is_word_edge(command_text, word_index + len(word))):
        word_index = command_text.rfind(word, 0, word_index + len(word) - 1)
    if word_index <= 0:
        return script_text.span_of_part(command.call.start, command.call.end)
    return script_text.span_of_part(command.call.start + word_index, command.call.start + word_index + len(word))


def _is_word_edge(text: str, index: int) -> bool:
    return index >= len(text) or text[index].isspace() or text[index] in "=\"'"


def _has_variable_or_percent(text: str) -> bool:
    return has_variable_sign(text) or "%" in text


@dataclass(frozen=True, slots=True)
class _ActionInputNames:
    """What one version of docker/build-push-action calls its context, its Dockerfile and its image."""

    context: str
    dockerfile: str
    tags: str


# https://github.com/docker/build-push-action/blob/releases/v1/README.md: it builds what stands in the workspace, and pushes `repository`.
_INPUT_NAMES_OF_VERSION_1 = _ActionInputNames("path", "dockerfile", "repository")
_INPUT_NAMES = _ActionInputNames("context", "file", "tags")


def _input_names_of_action(step: Step) -> _ActionInputNames | None:
    """What docker/build-push-action calls its inputs in a step's version; None where a commit does not tell the version."""
    parsed_uses = step.parsed_uses
    is_version_1 = parsed_uses is not None and parsed_uses.major_version == 1
    has_inputs_of_version_1 = bool({"path", "dockerfile", "repository"} & set(step.with_inputs))
    if is_version_1 or (parsed_uses is not None and parsed_uses.ref == "master"):  # the branch that stayed with version 1 for long
        return _INPUT_NAMES_OF_VERSION_1 if is_version_1 or has_inputs_of_version_1 else _INPUT_NAMES
    if parsed_uses is not None and parsed_uses.is_pinned_to_commit and has_inputs_of_version_1 and "file" not in step.with_inputs:
        return None
    return _INPUT_NAMES


def _build_of_action(step: Step) -> Build:
    action_inputs = step.with_inputs
    workspace_folder = repository_root_of_workflow_path(step.source.path)
    input_names = _input_names_of_action(step)
    names = input_names or _INPUT_NAMES
    from_git = names is _INPUT_NAMES and names.context not in action_inputs
    context_input, file_input = action_inputs.get(names.context, "."), action_inputs.get(names.dockerfile)
    path_of_dockerfile = None
    is_context_literal = isinstance(context_input, str) and not _has_variable_or_percent(context_input)
    if workspace_folder is not None and input_names is not None and is_context_literal and step.job:
        context_folder = literal_path_from_folder(workspace_folder, context_input.strip())
        if isinstance(file_input, str):
            path_of_dockerfile = literal_path_from_folder(workspace_folder, file_input.strip()) if context_folder is not None else None
        elif context_folder is not None and file_input is None:
            path_of_dockerfile = posixpath.normpath(posixpath.join(context_folder, "Dockerfile"))
        if path_of_dockerfile is not None and not from_git:
            path_of_dockerfile = _path_in_checkout(step, path_of_dockerfile, workspace_folder)
    tags_input = action_inputs.get(names.tags)
    image_names = tuple(tags_input.replace(",", " ").split()) if isinstance(tags_input, str) else ()
    target_input = action_inputs.get("target")
    target_stage_name = target_input if isinstance(target_input, str) and target_input else None
    written_keys = [one for one in (names.dockerfile, names.context) if one in action_inputs]
    return Build(
        step,
        image_names,
        path_of_dockerfile,
        action_inputs.at(written_keys[0]) if written_keys else step.node.at("uses"),
        "" if target_stage_name is not None and _has_variable_or_percent(target_stage_name) else target_stage_name,
        action_inputs.at("target"),
        tuple(_build_args_of_action(step)),
        workspace_folder or "",
        from_git=from_git,
    )


def _path_in_checkout(step: Step, workspace_path: str, workspace_folder: str) -> str | None:
    """The path in the repository of a file in the workspace of a step's job; None where no checkout of it tells.

    actions/checkout puts the repository where its `path` says, else into the workspace itself.
    """
    checkout_folders = []
    for other_step in step.job.steps if step.job is not None else ():
        if other_step is step:
            break
        parsed_uses = other_step.parsed_uses
        if parsed_uses is not None and parsed_uses.lowercase_name == "actions/checkout" and "repository" not in other_step.with_inputs:
            checkout_folders.append(other_step.with_inputs.get("path", "."))
    if not checkout_folders or checkout_folders == ["."]:
        return workspace_path
    if len(checkout_folders) > 1 or not isinstance(checkout_folders[0], str):
        return None
    checkout_folder = literal_path_from_folder(workspace_folder, checkout_folders[0].strip())
    if checkout_folder in {".", workspace_folder or "."}:
        return workspace_path
    if checkout_folder is None or not workspace_path.startswith(f"{checkout_folder}/"):
        return None
    return posixpath.normpath(posixpath.join(workspace_folder, workspace_path[len(checkout_folder) + 1 :]))


def _build_args_of_action(step: Step) -> Iterator[tuple[str, Span]]:
    """The names under `build-args`, one a line; an entry may stand in the quotes of CSV."""
    build_args_text = located_text_at(step.with_inputs, "build-args", step.source)
    line_start = 0
    for build_args_line in build_args_text.value.splitlines(keepends=True) if build_args_text is not None else ():
        argument_name = build_args_line.partition("=")[0].strip().removeprefix('"')
        name_start = line_start + len(build_args_line) - len(build_args_line.lstrip().removeprefix('"'))
        if argument_name and build_args_text is not None and "=" in build_args_line and not has_variable_sign(argument_name):
            yield argument_name, build_args_text.span_of_part(name_start, name_start + len(argument_name))
        line_start += len(build_args_line)


def builds_of_subject(subject: BuildSubject, project: Project) -> list[Build]:
    """The builds of a service or a step."""
    if isinstance(subject, Service):
        service_build = build_of_service(subject, project)
        return [service_build] if service_build is not None else []
    return list(builds_of_runner(subject))


def stage_made_by_build(image_build: Build, project: Project) -> Stage | None:
    """The stage that a build makes; None where the files don't tell."""
    if image_build.dockerfile_path is None or image_build.target_stage == "":
        return None
    return stage_for_build_target(project.document_by_path("dockerfile").get(image_build.dockerfile_path), image_build.target_stage)
