"""Files that a build or a deployment names: Dockerfiles, stages, build arguments, manifests, charts, compose files."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator

from readiness.facts.arguments import platform_build_arguments, predefined_proxy_build_arguments
from readiness.facts.table import property_by_fact_name
from readiness.kinds.compose.model import Service
from readiness.kinds.dockerfile.model import Document as Dockerfile
from readiness.kinds.github.model import Step
from readiness.kinds.github.uses import repository_root_of_workflow_path
from readiness.kinds.joins.builds import Build, BuildSubject, builds_of_subject
from readiness.kinds.joins.steps import (
    LocatedCommand,
    StepOrJob,
    commands_with_known_folder,
    count_mentions_in_scripts,
    is_checkout_untouched_before_step,
    literal_path_from_folder,
    may_tolerate_missing_files,
)
from readiness.model import CheckOutcome, NotApplicable, Related, Undecidable, hit
from readiness.model.project import Project


def dockerfile_unresolved(subject: BuildSubject, project: Project) -> CheckOutcome:
    """A build of a Dockerfile that is not in the tree."""
    builds = [build for build in builds_of_subject(subject, project) if not build.is_inline_dockerfile]
    if not builds:
        yield NotApplicable()
    for build in builds:
        if build.dockerfile_path is None:
            yield Undecidable(build.dockerfile_span)
        elif project.was_path_seen(build.dockerfile_path):
            continue
        elif not project.is_surely_missing(build.dockerfile_path) or not _is_dockerfile_certainly_missing(build, build.dockerfile_path, project):
            yield Undecidable(build.dockerfile_span)
        else:
            yield hit(
                build.dockerfile_span,
                file=posixpath.relpath(build.dockerfile_path, build.base_folder or "."),
            )


def _is_dockerfile_certainly_missing(build: Build, dockerfile_path: str, project: Project) -> bool:
    """Whether a path that is not there was meant where it was looked for, and nothing brings it before the build."""
    dockerfile_folder, file_name = posixpath.split(dockerfile_path)
    alternative_dockerfile_names = ("dockerfile", "Containerfile")  # what builders take in the place of the default
    if file_name == "Dockerfile" and any(project.was_path_seen(posixpath.join(dockerfile_folder, o)) for o in alternative_dockerfile_names):
        return False
    if isinstance(build.subject, Service):
        return not _exists_relative_to_parent_folder(build, dockerfile_path, project)
    step_or_job = build.subject
    if may_tolerate_missing_files(step_or_job):
        return False
    if build.command is not None:
        return build.command.runs_on_clean_checkout
    return build.from_git or (isinstance(step_or_job, Step) and is_checkout_untouched_before_step(step_or_job))


def _exists_relative_to_parent_folder(build: Build, dockerfile_path: str, project: Project) -> bool:
    """Whether the path is there seen from a folder above: a file given with `-f` behind another is read from that one's folder."""
    relative_dockerfile_path, parent_folder = posixpath.relpath(dockerfile_path, build.base_folder or "."), build.base_folder
    while parent_folder and parent_folder not in project.walked:
        parent_folder = posixpath.dirname(parent_folder)
        if project.was_path_seen(posixpath.join(parent_folder, relative_dockerfile_path)):
            return True
    return False


def build_target_unresolved(subject: BuildSubject, project: Project) -> CheckOutcome:
    """A build whose target is no stage of its Dockerfile."""
    builds = [build for build in builds_of_subject(subject, project) if build.target_stage is not None]
    if not builds:
        yield NotApplicable()
    for build in builds:
        dockerfile_document = project.document_by_path("dockerfile").get(build.dockerfile_path or "")
        if (
            dockerfile_document is None
            or not build.target_stage
            or not dockerfile_document.stages
            or _has_custom_dockerfile_frontend(dockerfile_document)
        ):
            yield Undecidable(build.target_place)
        elif dockerfile_document.stage_by_name(build.target_stage) is None:
            stage_names = [stage.name for stage in dockerfile_document.stages if stage.name]
            last_stage_span = dockerfile_document.stages[-1].at()
            yield hit(
                build.target_place,
                related=[Related(dockerfile_document.source, last_stage_span, "the last stage of the Dockerfile")],
                target=build.target_stage,
                file=posixpath.basename(dockerfile_document.source.path),
                names=", ".join(stage_names) or "none with a name",
            )


def _has_custom_dockerfile_frontend(document: Dockerfile) -> bool:
    """Whether a Dockerfile is read by a frontend that is not Docker's and may take in other files."""
    return "docker/dockerfile" not in str(document.parsed_dockerfile.parser_directives.get("syntax", "docker/dockerfile"))


def _is_predefined_build_argument(argument_name: str) -> bool:
    """Whether an argument is there without an ARG."""
    return argument_name in predefined_proxy_build_arguments() | platform_build_arguments() | {"SOURCE_DATE_EPOCH"}


def build_argument_undeclared(subject: BuildSubject, project: Project) -> CheckOutcome:
    """A build argument that no ARG of the Dockerfile declares."""
    builds = [build for build in builds_of_subject(subject, project) if build.arguments]
    if not builds:
        yield NotApplicable()
    for build in builds:
        dockerfile_document = project.document_by_path("dockerfile").get(build.dockerfile_path or "")
        if dockerfile_document is None or not dockerfile_document.stages:
            yield Undecidable(build.arguments[0][1])
            continue
        root_base_images = [stage.root_stage.image for stage in dockerfile_document.stages]
        if _has_custom_dockerfile_frontend(dockerfile_document) or any(image.name_unknown or "onbuild" in image.tag for image in root_base_images):
            yield Undecidable(build.arguments[0][1])
            continue
        declared_argument_names = {pair.name for step in dockerfile_document.steps if step.keyword == "ARG" for pair in step.instruction.pairs} | set(
            dockerfile_document.global_args
        )
        for argument_name, argument_span in build.arguments:
            if (
                argument_name not in declared_argument_names
                and not _is_predefined_build_argument(argument_name)
                and not argument_name.startswith("BUILDKIT_")
            ):
                yield hit(argument_span, name=argument_name, file=posixpath.basename(dockerfile_document.source.path))


def deployed_path_unresolved(runner: StepOrJob, project: Project) -> CheckOutcome:
    """A deployment of a manifest, chart, values file or compose file that is not in the tree."""
    command_and_path_word_pairs = [
        (located_command, path_word) for located_command in commands_with_known_folder(runner) for path_word in deployed_path_words(located_command)
    ]
    if not command_and_path_word_pairs:
        yield NotApplicable()
    use_count_by_word = Counter(path_word for _, path_word in command_and_path_word_pairs)
    for located_command, path_word in command_and_path_word_pairs:
        repository_path = located_command.repository_path_of_word(path_word)
        if repository_path is None or not project.is_surely_missing(repository_path):
            if repository_path is None or not project.was_path_seen(repository_path):
                yield Undecidable(located_command.span_of_word(path_word))
            continue
        if (
            located_command.runs_on_clean_checkout
            and not may_tolerate_missing_files(runner)
            and count_mentions_in_scripts(runner, path_word) == use_count_by_word[path_word]
        ):
            workflow_path = runner.source.path
            repository_folder = repository_root_of_workflow_path(workflow_path) if isinstance(runner, Step) else posixpath.dirname(workflow_path)
            yield hit(located_command.span_of_word(path_word), file=posixpath.relpath(repository_path, repository_folder or "."))
        else:
            yield Undecidable(located_command.span_of_word(path_word))


def deployed_path_words(located_command: LocatedCommand) -> Iterator[str]:
    """The local paths that a command deploys."""
    command_call = located_command.call
    argument_words = command_call.words
    if command_call.program == "kubectl" and {"apply", "create", "replace"} & set(argument_words[:3]):
        for option_value in _local_path_option_values(argument_words, ("-f", "--filename", "-k", "--kustomize")):
            yield from option_value.split(",")
    elif command_call.program == "helm" and {"upgrade", "install"} & set(argument_words[:2]):
        for values_option in _local_path_option_values(argument_words, ("-f", "--values")):
            yield from values_option.split(",")
        yield from (values_option for values_option in command_call.non_option_arguments if values_option.startswith(("./", "../")))
    elif command_call.program == "docker-compose":
        yield from _local_path_option_values(_words_before_compose_command(argument_words), ("-f", "--file"))
    elif command_call.program == "docker" and argument_words[:1] == ("compose",):
        yield from _local_path_option_values(_words_before_compose_command(argument_words[1:]), ("-f", "--file"))
    elif command_call.program == "docker" and argument_words[:2] == ("stack", "deploy"):
        yield from _local_path_option_values(argument_words, ("-c", "--compose-file"))


def _words_before_compose_command(argument_words: tuple[str, ...]) -> tuple[str, ...]:
    """The options of compose itself, before its command."""
    compose_command_index = next(
        (index for index, word in enumerate(argument_words) if word in property_by_fact_name("docker-words", "compose-command")),
        len(argument_words),
    )
    return argument_words[:compose_command_index]


def _local_path_option_values(argument_words: tuple[str, ...], option_names: tuple[str, ...]) -> Iterator[str]:
    for word_index, argument_word in enumerate(argument_words):
        option_name, equals_sign, option_value = argument_word.partition("=")
        if argument_word in option_names and word_index + 1 < len(argument_words):
            if literal_path_from_folder("", argument_words[word_index + 1]) is not None:
                yield argument_words[word_index + 1]
        elif equals_sign and option_name in option_names and literal_path_from_folder("", option_value) is not None:
            yield option_value
