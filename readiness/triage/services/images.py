"""The Dockerfiles of a run: part of what runs their image, or the service itself where only a build shows it."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from readiness.kinds.purpose import dockerfile_purpose
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project, is_at_or_below, parent_folders
from readiness.model.service import ServicePart
from readiness.syntax.image import parse_image
from readiness.triage.services.graph import Belonging, Place, Runner, ServiceGraph
from readiness.triage.services.names import (
    checkout_folder_of_project,
    folder_without_variants,
    is_environment_word,
    name_of_folder,
    word_without_variants,
)

if TYPE_CHECKING:
    from readiness.kinds.dockerfile.model import Document
    from readiness.kinds.joins.builds import BuildSubject

_EXPRESSION = lazy_regex(r"\$\{\{\s{0,20}(?:env\.(?P<name>\w{1,100})\s{0,20}\}\}|[^{}]{0,500}\}\})")
_IMAGE_NAME = lazy_regex(r"[a-zA-Z0-9$][\w$.:/-]{0,250}")
_MAX_WORDS_PER_NAME = 12
_MAX_DOCKERFILES_OF_ONE_NAME = 64  # as many as are compared with each manifest that runs an image of that name
_MAX_RUNNERS_ASKED = 64  # as many of those that run one image as are asked what they are for
_NOBODY: list[Runner] = []
_DOCKERFILE_WORD = lazy_regex(r"\A(?:docker|container)file\b[._-]?|[._-]?(?:docker|container)file\Z", re.IGNORECASE)


class DockerfileJoins:
    """The Dockerfiles of a project, each with what runs its image."""

    def __init__(self, project: Project, graph: ServiceGraph) -> None:
        self.project = project
        self.graph = graph
        documents = [one for one in project.documents_of_kind("dockerfile") if one.source.parent is None and not one.source.fragment]
        self.documents = sorted(documents, key=lambda one: (bool(_word_of_file_name(one.source.path)), one.source.path))
        self.runners_by_path: dict[str, list[Runner]] = {}
        self.runners_by_folder: dict[str, list[Runner]] = {}
        self.runners_by_image: dict[str, list[Runner]] = {}
        self.runners_by_image_name: dict[str, list[Runner]] = {}
        self.runners_by_home: dict[str, list[Runner]] = {}
        self.built_runners_by_key: dict[tuple[str, str], list[Runner]] = {}
        self.reason_by_path: dict[str, str] = {}
        self.owners = {one.source.repository_owner for one in project.documents_of_kind("github")} - {""}
        self.images_by_path = images_by_dockerfile_path(project)
        self.checkout_folder = checkout_folder_of_project(project)
        self.image_names_by_key: dict[tuple[str, str], set[str]] = {}
        self.built_names_by_path: dict[str, set[str]] = {}
        for path, images in self.images_by_path.items():
            names = {one.rpartition("/")[2] for one in images}
            known_names = {one for one in names if "$" not in one and not is_environment_word(one)}
            self.built_names_by_path[path] = known_names
            self.image_names_by_key.setdefault(_key_of_image(path), set()).update(known_names)
        for runner in graph.runners:
            if runner.dockerfile_path:
                self.runners_by_path.setdefault(runner.dockerfile_path, []).append(runner)
            elif runner.image:
                self.runners_by_image.setdefault(runner.image, []).append(runner)
            if runner.image and not runner.dockerfile_path and (not runner.is_public or self._is_of_owner(runner)):
                words = runner.image_short_name.split("-")[:_MAX_WORDS_PER_NAME]
                for first in range(len(words)):
                    if first == 0 or len(words) - first > 1:  # one word at the end is many images' own
                        self.runners_by_image_name.setdefault("-".join(words[first:]), []).append(runner)
            if not runner.dockerfile_path and (runner.has_hidden_build or (runner.image and not runner.is_public)):
                self.runners_by_home.setdefault(runner.home, []).append(runner)
        for path, runners in self.runners_by_path.items():
            if all(one.is_for_tests for one in runners):
                continue
            self.runners_by_folder.setdefault(_folder_of(path), []).extend(runners)
        self.runners_by_path_and_name = self._nearest_runners_by_path_and_name()
        self.runners_of_owner = [one for one in graph.runners if one.image and not one.dockerfile_path and self._is_of_owner(one)]
        self._image_count_by_list_id: dict[int, int] = {}
        self._is_aside_by_list_id: dict[int, bool] = {}

    def claim_images(self) -> None:
        """Say of what runs an image that no file builds by name which Dockerfile makes it, before what runs is joined."""
        claimed_list_ids: set[int] = set()
        for path in map(_path_of, self.documents):
            if path not in self.runners_by_path and not self._runners_of_context(path):
                runners, reason = self._unclaimed_runners_and_reason(path)
                for runner in runners if id(runners) not in claimed_list_ids else ():
                    runner.dockerfile_path = runner.dockerfile_path or path
                claimed_list_ids.add(id(runners))
                if runners:
                    self.runners_by_path[path], self.reason_by_path[path] = runners, reason
                    self.runners_by_folder.setdefault(_folder_of(path), runners)

    def add_all(self) -> None:
        """Enter every Dockerfile: part of what runs its image, else a service of its own."""
        for document in self.documents:
            path = _path_of(document)
            unit_path, place = posixpath.dirname(path) or ".", Place(document.source.path, "", 0, len(document.source.text))
            is_listed, key = not self.project.is_around(document.source), _key_of_image(path)
            runners, reason = self.runners_by_path.get(path, _NOBODY), self.reason_by_path.get(path, "builds its image")
            if not runners:
                runners, reason = self._runners_of_context(path), f"builds in the context {_folder_of(path) or '.'}"
            if runners and not _is_aside(document) and all(one.is_for_tests for one in runners[:_MAX_RUNNERS_ASKED]):
                runners = _NOBODY
            if not runners and key in self.built_runners_by_key:
                runners, reason = self.built_runners_by_key[key], "builds a variant of its image"
            if not runners:
                runner = self._built_runner(document, path)
                runner.is_listed = is_listed
                self.runners_by_path[path] = self.built_runners_by_key[key] = [self.graph.add_runner(runner, place)]
                continue
            self.runners_by_path.setdefault(path, runners)
            part = ServicePart(unit_path, "dockerfile", document.source.path, "", reason)
            if self._is_all_that_lasts_of(document, runners):
                runner = Runner(part, runners[0].name, unit_path, (document.source.path, 0), dockerfile_path=path, is_listed=is_listed)
                self.graph.join([runners[0], self.graph.add_runner(runner, place)], reason)
                continue
            self.graph.belongings.append(Belonging(part, (place,), runners, is_listed))
        _add_ignore_files(self.project, self.graph, self.runners_by_path)

    def _is_all_that_lasts_of(self, document: Document, runners: list[Runner]) -> bool:
        """Whether a Dockerfile may be production's, and only tests or developers run its image here, in one service."""
        if _is_aside(document):
            return False
        if id(runners) not in self._is_aside_by_list_id:
            is_aside = all(one.is_for_tests or one.is_for_development for one in runners) and len(self.graph.roots_of(runners)) == 1
            self._is_aside_by_list_id[id(runners)] = is_aside
        return self._is_aside_by_list_id[id(runners)]

    def _runners_of_context(self, path: str) -> list[Runner]:
        """What runs the image of the Dockerfile of which another one of its folder is a variant."""
        plain_path = posixpath.join(posixpath.dirname(path), "Dockerfile")
        if _is_variant_of_folder(path) or plain_path in self.runners_by_path:
            return self.runners_by_folder.get(_folder_of(path), _NOBODY)
        return _NOBODY

    def _unclaimed_runners_and_reason(self, path: str) -> tuple[list[Runner], str]:
        """What runs the image of a Dockerfile that no file builds by name; nothing where nothing says it."""
        for image in sorted(self.images_by_path.get(path, ())):
            runners = self.runners_by_image.get(parse_image(image).full_repository, [])
            if runners:
                return runners, f"builds the image {image}"
        for image_name in sorted(self.built_names_by_path.get(path, ())):
            runners = self.runners_by_path_and_name.get((path, image_name), [])
            if runners:
                return runners, f"builds {runners[0].image.removeprefix('docker.io/')}, which a build calls by the same name"
        name = _name_of_image(path, self.checkout_folder)
        candidates = (
            (self.runners_by_image_name.get(name, _NOBODY), "called as its image"),
            (_NOBODY if name else self.runners_of_owner, "of the owner of this repository"),
            (self.runners_by_home.get(posixpath.dirname(path), _NOBODY) if _is_variant_of_folder(path) else _NOBODY, "beside it"),
        )
        for image_runners, reason in candidates:
            if self._has_one_image(image_runners):
                image = image_runners[0].image.removeprefix("docker.io/")
                return image_runners, f"builds {image or 'the image'} {reason}"
        return _NOBODY, ""

    def _nearest_runners_by_path_and_name(self) -> dict[tuple[str, str], list[Runner]]:
        """What runs an image of the last name that builds give that of a Dockerfile, wherever they send it: by the Dockerfile and the name.

        Of several Dockerfiles of that name the one is meant whose folder has most in common with the manifest's.
        """
        paths_by_name: dict[str, list[str]] = {}
        for path in map(_path_of, self.documents):
            for name in self.built_names_by_path.get(path, ()):
                paths_by_name.setdefault(name, []).append(path)
        runners_by_path_and_name: dict[tuple[str, str], list[Runner]] = {}
        for runner in self.graph.runners:
            paths = paths_by_name.get(runner.image_short_name, []) if not runner.dockerfile_path and not runner.is_public else []
            if paths and len(paths) <= _MAX_DOCKERFILES_OF_ONE_NAME:
                manifest_folders = set(parent_folders(runner.part.path))
                shared_counts = [len(manifest_folders.intersection(parent_folders(path))) for path in paths]
                if shared_counts.count(max(shared_counts)) == 1:
                    nearest_path = paths[shared_counts.index(max(shared_counts))]
                    runners_by_path_and_name.setdefault((nearest_path, runner.image_short_name), []).append(runner)
        return runners_by_path_and_name

    def _has_one_image(self, runners: list[Runner]) -> bool:
        """Whether some runners have one image, wherever they take it from."""
        if id(runners) not in self._image_count_by_list_id:
            self._image_count_by_list_id[id(runners)] = len({one.image_short_name for one in runners})
        return self._image_count_by_list_id[id(runners)] == 1

    def _is_of_owner(self, runner: Runner) -> bool:
        """Whether the owner of this repository publishes the image of what runs."""
        return not self.owners.isdisjoint(runner.image.split("/")[:-1])

    def _built_runner(self, document: Document, path: str) -> Runner:
        """The image that a Dockerfile makes, where only that shows it."""
        image_names = self.image_names_by_key.get(_key_of_image(path), set())
        name = min(image_names, key=lambda one: (len(one), one), default=_name_of_image(path, self.checkout_folder) or "image")
        unit_path = posixpath.dirname(path) or "."
        part = ServicePart(unit_path, "dockerfile", document.source.path, "", "builds an image that nothing here runs")
        runner = Runner(part, name, unit_path, (document.source.path, 0), dockerfile_path=path)
        runner.set_purpose(document.source.said or document.source.purposes.get(""))
        return runner


def _add_ignore_files(project: Project, graph: ServiceGraph, runners_by_path: dict[str, list[Runner]]) -> None:
    """Enter the .dockerignore files: part of what is built in their folder."""
    runners_by_folder: dict[str, list[Runner]] = {}
    for path, runners in runners_by_path.items():
        runners_by_folder.setdefault(posixpath.dirname(path), []).extend(runners)
    for document in project.documents_of_kind("dockerignore"):
        path = posixpath.normpath(document.source.path)
        runners_of_name = runners_by_path.get(path.removesuffix(".dockerignore"), [])
        if runners := runners_of_name or runners_by_folder.get(posixpath.dirname(path), []):
            part = ServicePart(posixpath.dirname(path) or ".", "dockerignore", document.source.path, "", "of its build context")
            place = Place(document.source.path, "", 0, len(document.source.text))
            graph.belongings.append(Belonging(part, (place,), runners, not project.is_around(document.source)))


def _word_of_file_name(path: str) -> str:
    """What the name of a Dockerfile says besides that it is one: `web` of `Dockerfile.web` and of `web.Dockerfile`."""
    return _DOCKERFILE_WORD.sub("", posixpath.basename(path)).lower()


def _is_aside(document: Document) -> bool:
    """Whether a Dockerfile was taken for something else than production."""
    purpose = document.source.said or document.source.purposes.get("")
    return purpose is not None and not purpose.is_production


def _path_of(document: Document) -> str:
    return posixpath.normpath(document.source.path)


def _folder_of(path: str) -> str:
    """The folder of a Dockerfile, without what tells variants apart."""
    return folder_without_variants(posixpath.dirname(path))


def _is_variant_of_folder(path: str) -> bool:
    """Whether a Dockerfile is one of several of its folder's image: by a purpose, a release or a distribution in its name."""
    return not word_without_variants(_word_of_file_name(path)) or dockerfile_purpose(posixpath.basename(path)) in {"dev", "test", "prod"}


def _key_of_image(path: str) -> tuple[str, str]:
    """What the Dockerfiles of one image's variants have in common."""
    return _folder_of(path), "" if _is_variant_of_folder(path) else word_without_variants(_word_of_file_name(path))


def _name_of_image(path: str, checkout_folder: str) -> str:
    """What an image is called by its Dockerfile: by the file's name, else by its folder; empty where neither says it.

    The folder of a checkout is called as somebody liked, and says nothing.
    """
    folder, word = posixpath.dirname(path), _key_of_image(path)[1]
    if is_at_or_below(folder, checkout_folder):
        folder = folder.removeprefix(checkout_folder).strip("/")
    return word or name_of_folder(folder_without_variants(folder))


def images_by_dockerfile_path(project: Project) -> dict[str, set[str]]:
    """The names that the builds of pipelines and compose files give the image of each Dockerfile; a variable in them stands as `$X`."""
    from readiness.kinds.joins.every_build import builds_of_project

    images_by_path: dict[str, set[str]] = {}
    for build in project.memoize(builds_of_project):
        if build.dockerfile_path is None:
            continue
        image_names = " ".join((*build.image_names, *_images_of_metadata(build.subject)))
        for image_text in _with_environment(image_names, build.subject).split():
            image_name = image_text.partition("@")[0].removeprefix("name=")
            name_end = image_name.rfind(":") if image_name.rfind(":") > image_name.rfind("/") else len(image_name)
            if _IMAGE_NAME.fullmatch(image_name[:name_end]):
                images_by_path.setdefault(posixpath.normpath(build.dockerfile_path), set()).add(image_name[:name_end])
    return images_by_path


def _with_environment(text: str, subject: BuildSubject) -> str:
    """A text of a step with the variables of its workflow and its job put in, and `$X` for every other expression."""
    from readiness.kinds.github.model import Step

    value_by_name: dict[str, str] = {}
    if isinstance(subject, Step) and subject.job is not None and subject.workflow is not None:
        for node in (subject.workflow.node, subject.job.node):
            value_by_name |= {name: value for name, value in node.mapping_at_path("env").items() if isinstance(value, str) and "${" not in value}
    return _EXPRESSION.sub(lambda match: value_by_name.get(match["name"] or "", "$X"), text)


def _images_of_metadata(subject: BuildSubject) -> list[str]:
    """The images that a job's one step for tags and labels names, where its one build takes them from there."""
    from readiness.kinds.github.model import Job, Step

    job = subject.job if isinstance(subject, Step) else None
    if not isinstance(job, Job):
        return []
    steps_by_action: dict[str, list[Step]] = {}
    for step in job.steps:
        if step.parsed_uses is not None:
            steps_by_action.setdefault(step.parsed_uses.lowercase_name, []).append(step)
    metadata_steps = steps_by_action.get("docker/metadata-action", [])
    if len(metadata_steps) != 1 or len(steps_by_action.get("docker/build-push-action", [])) != 1:
        return []
    images_input = metadata_steps[0].with_inputs.get("images")
    return images_input.replace(",", " ").splitlines() if isinstance(images_input, str) else []
