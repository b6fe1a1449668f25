"""Files that a build or a deployment names: Dockerfiles, stages, build arguments, manifests, charts, compose files."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator

from readiness.facts.arguments import platform_arguments, proxy_arguments
from readiness.facts.table import fact_column
from readiness.kinds.compose.model import Service
from readiness.kinds.dockerfile.model import Document as Dockerfile
from readiness.kinds.github.model import Step
from readiness.kinds.github.uses import repository_root
from readiness.kinds.joins.builds import Build, BuildSubject, builds_of
from readiness.kinds.joins.steps import (
    LocatedCommand,
    StepOrJob,
    commands_with_known_folder,
    count_mentions,
    is_checkout_untouched,
    may_tolerate_missing_files,
    path_inside,
)
from readiness.model import CheckOutcome, NotApplicable, Related, Undecidable, hit
from readiness.model.project import Project


def dockerfile_unresolved(subject: BuildSubject, project: Project) -> CheckOutcome:
    """A build of a Dockerfile that is not in the tree."""
    builds = [build for build in builds_of(subject, project) if not build.is_inline_dockerfile]
    if not builds:
        yield NotApplicable()
    for build in builds:
        if build.dockerfile_path is None:
            yield Undecidable(build.dockerfile_span)
        elif project.was_path_seen(build.dockerfile_path):
            continue
        elif not project.is_surely_missing(build.dockerfile_path) or not _is_certainly_missing(
            build, build.dockerfile_path, project
        ):
            yield Undecidable(build.dockerfile_span)
        else:
            yield hit(
                build.dockerfile_span,
                file=posixpath.relpath(build.dockerfile_path, build.base_folder or "."),
            )


def _is_certainly_missing(build: Build, path: str, project: Project) -> bool:
    """Whether a path that is not there was meant where it was looked for, and nothing brings it before the build."""
    folder, name = posixpath.split(path)
    others = ("dockerfile", "Containerfile")  # what builders take in the place of the default
    if name == "Dockerfile" and any(project.was_path_seen(posixpath.join(folder, o)) for o in others):
        return False
    if isinstance(build.subject, Service):
        return not _exists_from_above(build, path, project)
    runner = build.subject
    if may_tolerate_missing_files(runner):
        return False
    if build.command is not None:
        return build.command.runs_on_clean_checkout
    return build.from_git or (isinstance(runner, Step) and is_checkout_untouched(runner))


def _exists_from_above(build: Build, path: str, project: Project) -> bool:
    """Whether the path is there seen from a folder above: a file given with `-f` behind another is read from that one's folder."""
    written, folder = posixpath.relpath(path, build.base_folder or "."), build.base_folder
    while folder and folder not in project.walked:
        folder = posixpath.dirname(folder)
        if project.was_path_seen(posixpath.join(folder, written)):
            return True
    return False


def build_target_unresolved(subject: BuildSubject, project: Project) -> CheckOutcome:
    """A build whose target is no stage of its Dockerfile."""
    builds = [build for build in builds_of(subject, project) if build.target_stage is not None]
    if not builds:
        yield NotApplicable()
    for build in builds:
        document = project.document_by_path("dockerfile").get(build.dockerfile_path or "")
        if document is None or not build.target_stage or not document.stages or _has_foreign_frontend(document):
            yield Undecidable(build.target_place)
        elif document.stage_by_name(build.target_stage) is None:
            names = [stage.name for stage in document.stages if stage.name]
            place = document.stages[-1].at()
            yield hit(
                build.target_place,
                related=[Related(document.source, place, "the last stage of the Dockerfile")],
                target=build.target_stage,
                file=posixpath.basename(document.source.path),
                names=", ".join(names) or "none with a name",
            )


def _has_foreign_frontend(document: Dockerfile) -> bool:
    """Whether a Dockerfile is read by a frontend that is not Docker's and may take in other files."""
    return "docker/dockerfile" not in str(document.parsed_dockerfile.parser_directives.get("syntax", "docker/dockerfile"))


def _is_predefined_argument(name: str) -> bool:
    """Whether an argument is there without an ARG."""
    return name in proxy_arguments() | platform_arguments() | {"SOURCE_DATE_EPOCH"}


def build_argument_undeclared(subject: BuildSubject, project: Project) -> CheckOutcome:
    """A build argument that no ARG of the Dockerfile declares."""
    builds = [build for build in builds_of(subject, project) if build.arguments]
    if not builds:
        yield NotApplicable()
    for build in builds:
        document = project.document_by_path("dockerfile").get(build.dockerfile_path or "")
        if document is None or not document.stages:
            yield Undecidable(build.arguments[0][1])
            continue
        bases = [stage.root_stage.image for stage in document.stages]
        if _has_foreign_frontend(document) or any(image.name_unknown or "onbuild" in image.tag for image in bases):
            yield Undecidable(build.arguments[0][1])
            continue
        declared = {pair.name for step in document.steps if step.keyword == "ARG" for pair in step.instruction.pairs} | set(
            document.global_args
        )
        for name, span in build.arguments:
            if name not in declared and not _is_predefined_argument(name) and not name.startswith("BUILDKIT_"):
                yield hit(span, name=name, file=posixpath.basename(document.source.path))


def deployed_path_unresolved(runner: StepOrJob, project: Project) -> CheckOutcome:
    """A deployment of a manifest, chart, values file or compose file that is not in the tree."""
    uses = [(place, word) for place in commands_with_known_folder(runner) for word in _deployed_paths(place)]
    if not uses:
        yield NotApplicable()
    times = Counter(word for _, word in uses)
    for place, word in uses:
        path = place.repository_path_of_word(word)
        if path is None or not project.is_surely_missing(path):
            if path is None or not project.was_path_seen(path):
                yield Undecidable(place.span_of_word(word))
            continue
        if (
            place.runs_on_clean_checkout
            and not may_tolerate_missing_files(runner)
            and count_mentions(runner, word) == times[word]
        ):
            path_of = runner.source.path
            root = repository_root(path_of) if isinstance(runner, Step) else posixpath.dirname(path_of)
            yield hit(place.span_of_word(word), file=posixpath.relpath(path, root or "."))
        else:
            yield Undecidable(place.span_of_word(word))


def _deployed_paths(command: LocatedCommand) -> Iterator[str]:
    """The local paths that a command deploys."""
    call = command.call
    words = call.words
    if call.program == "kubectl" and {"apply", "create", "replace"} & set(words[:3]):
        for value in _option_values(words, ("-f", "--filename", "-k", "--kustomize")):
            yield from value.split(",")
    elif call.program == "helm" and {"upgrade", "install"} & set(words[:2]):
        for word in _option_values(words, ("-f", "--values")):
            yield from word.split(",")
        yield from (word for word in call.non_option_arguments if word.startswith(("./", "../")))
    elif call.program == "docker-compose":
        yield from _option_values(_options_before_command(words), ("-f", "--file"))
    elif call.program == "docker" and words[:1] == ("compose",):
        yield from _option_values(_options_before_command(words[1:]), ("-f", "--file"))
    elif call.program == "docker" and words[:2] == ("stack", "deploy"):
        yield from _option_values(words, ("-c", "--compose-file"))


def _options_before_command(words: tuple[str, ...]) -> tuple[str, ...]:
    """The options of compose itself, before its command."""
    at = next(
        (index for index, word in enumerate(words) if word in fact_column("docker-words", "compose-command")),
        len(words),
    )
    return words[:at]


def _option_values(words: tuple[str, ...], options: tuple[str, ...]) -> Iterator[str]:
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        if word in options and index + 1 < len(words):
            if path_inside("", words[index + 1]) is not None:
                yield words[index + 1]
        elif equals and name in options and path_inside("", value) is not None:
            yield value
