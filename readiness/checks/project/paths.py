"""Files that a build or a deployment names: Dockerfiles, stages, build arguments, manifests, charts, compose files."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator

from readiness.facts.arguments import platform_arguments, proxy_arguments
from readiness.facts.table import column
from readiness.kinds.compose.model import Service
from readiness.kinds.dockerfile.model import Document as Dockerfile
from readiness.kinds.github.model import Step
from readiness.kinds.github.uses import repository_root
from readiness.kinds.joins.builds import Build, Subject, builds_of
from readiness.kinds.joins.steps import (
    CommandPlace,
    Runner,
    count_mentions,
    is_checkout_untouched,
    is_conditional,
    path_inside,
    placed_commands,
)
from readiness.model import NotApplicable, Outcome, Related, Unknown, hit
from readiness.model.project import Project


def dockerfile_unresolved(subject: Subject, project: Project) -> Outcome:
    """A build of a Dockerfile that is not in the tree."""
    builds = [build for build in builds_of(subject, project) if not build.inline]
    if not builds:
        yield NotApplicable()
    for build in builds:
        if build.file is None:
            yield Unknown(build.place)
        elif project.exists(build.file):
            continue
        elif not project.is_surely_missing(build.file) or not _is_certainly_missing(
            build, build.file, project
        ):
            yield Unknown(build.place)
        else:
            yield hit(build.place, file=posixpath.relpath(build.file, build.folder or "."))


def _is_certainly_missing(build: Build, file: str, project: Project) -> bool:
    """Whether a path that is not there was meant where it was looked for, and nothing brings it before the build."""
    folder, name = posixpath.split(file)
    others = ("dockerfile", "Containerfile")  # what builders take in the place of the default
    if name == "Dockerfile" and any(project.exists(posixpath.join(folder, o)) for o in others):
        return False
    if isinstance(build.subject, Service):
        return not _exists_from_above(build, file, project)
    runner = build.subject
    if is_conditional(runner):
        return False
    if build.call is not None:
        return build.call.clean
    return build.from_git or (isinstance(runner, Step) and is_checkout_untouched(runner))


def _exists_from_above(build: Build, file: str, project: Project) -> bool:
    """Whether the path is there seen from a folder above: a file given with `-f` behind another is read from that one's folder."""
    written, folder = posixpath.relpath(file, build.folder or "."), build.folder
    while folder and folder not in project.walked:
        folder = posixpath.dirname(folder)
        if project.exists(posixpath.join(folder, written)):
            return True
    return False


def build_target_unresolved(subject: Subject, project: Project) -> Outcome:
    """A build whose target is no stage of its Dockerfile."""
    builds = [build for build in builds_of(subject, project) if build.target is not None]
    if not builds:
        yield NotApplicable()
    for build in builds:
        document = project.by_path("dockerfile").get(build.file or "")
        if (
            document is None
            or not build.target
            or not document.stages
            or _has_foreign_frontend(document)
        ):
            yield Unknown(build.target_place)
        elif document.stage(build.target) is None:
            names = [stage.name for stage in document.stages if stage.name]
            place = document.stages[-1].at()
            yield hit(
                build.target_place,
                related=[Related(document.source, place, "the last stage of the Dockerfile")],
                target=build.target,
                file=posixpath.basename(document.source.path),
                names=", ".join(names) or "none with a name",
            )


def _has_foreign_frontend(document: Dockerfile) -> bool:
    """Whether a Dockerfile is read by a frontend that is not Docker's and may take in other files."""
    return "docker/dockerfile" not in str(
        document.syntax.directives.get("syntax", "docker/dockerfile")
    )


def _predefined(name: str) -> bool:
    """Whether an argument is there without an ARG."""
    return name in proxy_arguments() | platform_arguments() | {"SOURCE_DATE_EPOCH"}


def build_argument_undeclared(subject: Subject, project: Project) -> Outcome:
    """A build argument that no ARG of the Dockerfile declares."""
    builds = [build for build in builds_of(subject, project) if build.arguments]
    if not builds:
        yield NotApplicable()
    for build in builds:
        document = project.by_path("dockerfile").get(build.file or "")
        if document is None or not document.stages:
            yield Unknown(build.arguments[0][1])
            continue
        bases = [stage.root.image for stage in document.stages]
        if _has_foreign_frontend(document) or any(
            image.name_unknown or "onbuild" in image.tag for image in bases
        ):
            yield Unknown(build.arguments[0][1])
            continue
        declared = {
            pair.name
            for step in document.steps
            if step.keyword == "ARG"
            for pair in step.instruction.pairs
        } | set(document.globals)
        for name, span in build.arguments:
            if name not in declared and not _predefined(name) and not name.startswith("BUILDKIT_"):
                yield hit(span, name=name, file=posixpath.basename(document.source.path))


def deployed_path_unresolved(runner: Runner, project: Project) -> Outcome:
    """A deployment of a manifest, chart, values file or compose file that is not in the tree."""
    uses = [(place, word) for place in placed_commands(runner) for word in _deployed_paths(place)]
    if not uses:
        yield NotApplicable()
    times = Counter(word for _, word in uses)
    for place, word in uses:
        path = place.path(word)
        if path is None or not project.is_surely_missing(path):
            if path is None or not project.exists(path):
                yield Unknown(place.span(word))
            continue
        if (
            place.clean
            and not is_conditional(runner)
            and count_mentions(runner, word) == times[word]
        ):
            path_of = runner.source.path
            root = (
                repository_root(path_of) if isinstance(runner, Step) else posixpath.dirname(path_of)
            )
            yield hit(place.span(word), file=posixpath.relpath(path, root or "."))
        else:
            yield Unknown(place.span(word))


def _deployed_paths(place: CommandPlace) -> Iterator[str]:
    """The local paths that a command deploys."""
    call = place.call
    words = call.words
    if call.program == "kubectl" and {"apply", "create", "replace"} & set(words[:3]):
        for value in _option_values(words, ("-f", "--filename", "-k", "--kustomize")):
            yield from value.split(",")
    elif call.program == "helm" and {"upgrade", "install"} & set(words[:2]):
        for word in _option_values(words, ("-f", "--values")):
            yield from word.split(",")
        yield from (word for word in call.verbs if word.startswith(("./", "../")))
    elif call.program == "docker-compose":
        yield from _option_values(_options_before_command(words), ("-f", "--file"))
    elif call.program == "docker" and words[:1] == ("compose",):
        yield from _option_values(_options_before_command(words[1:]), ("-f", "--file"))
    elif call.program == "docker" and words[:2] == ("stack", "deploy"):
        yield from _option_values(words, ("-c", "--compose-file"))


def _options_before_command(words: tuple[str, ...]) -> tuple[str, ...]:
    """The options of compose itself, before its command."""
    at = next(
        (
            index
            for index, word in enumerate(words)
            if word in column("docker-words", "compose-command")
        ),
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
