"""The Dockerfiles of a run: part of what runs their image, or the service itself where only a build shows it."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from readiness.kinds.purpose import dockerfile_purpose
from readiness.model.project import Project
from readiness.model.service import ServicePart
from readiness.syntax.image import parse_image
from readiness.triage.services.graph import Belonging, Place, Runner, ServiceGraph
from readiness.triage.services.names import folder_without_variants

if TYPE_CHECKING:
    from readiness.kinds.dockerfile.model import Document

_DOCKERFILE_WORD = re.compile(r"\A(?:docker|container)file\b[._-]?|[._-]?(?:docker|container)file\Z", re.IGNORECASE)


def add_dockerfiles(project: Project, graph: ServiceGraph) -> dict[str, list[Runner]]:
    """Enter a project's Dockerfiles: what runs the image of each, by path."""
    documents: list[Document] = [one for one in project.documents_of_kind("dockerfile") if one.source.parent is None and not one.source.fragment]
    if not documents:
        return {}
    runners_by_path: dict[str, list[Runner]] = {}
    for runner in graph.runners:
        if runner.dockerfile_path:
            runners_by_path.setdefault(runner.dockerfile_path, []).append(runner)
    runners_by_folder: dict[str, list[Runner]] = {}
    for path, runners in runners_by_path.items():
        runners_by_folder.setdefault(folder_without_variants(posixpath.dirname(path)), []).extend(runners)
    image_name_by_path = _image_name_by_dockerfile_path(project)
    built_runner_by_key: dict[tuple[str, str], Runner] = {}
    for document in documents:
        path = posixpath.normpath(document.source.path)
        unit_path, folder = posixpath.dirname(path) or ".", folder_without_variants(posixpath.dirname(path))
        place, is_listed = Place(document.source.path, "", 0, len(document.source.text)), not project.is_around(document.source)
        runners, reason = runners_by_path.get(path, []), "builds its image"
        word = _word_of_file_name(path)
        if not runners and folder in runners_by_folder and (_is_variant_of_folder(path) or _plain_path_beside(path) in runners_by_path):
            runners, reason = runners_by_folder[folder], f"builds in the context {folder or '.'}"
        if not runners:
            key = (folder, "" if _is_variant_of_folder(path) else word)
            if key not in built_runner_by_key:
                name = image_name_by_path.get(path) or key[1] or posixpath.basename(folder) or "image"
                part = ServicePart(unit_path, "dockerfile", document.source.path, "", "builds an image that nothing here runs")
                runner = Runner(part, name, unit_path, (document.source.path, 0), dockerfile_path=path, is_listed=is_listed)
                built_runner_by_key[key] = graph.add_runner(runner, place)
                runners_by_path[path] = [runner]
                continue
            runners, reason = [built_runner_by_key[key]], "a variant of its image"
        runners_by_path[path] = runners
        part = ServicePart(unit_path, "dockerfile", document.source.path, "", reason)
        graph.belongings.append(Belonging(part, (place,), tuple(runners), is_listed))
    _add_ignore_files(project, graph, runners_by_path)
    return runners_by_path


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
            graph.belongings.append(Belonging(part, (place,), tuple(runners), not project.is_around(document.source)))


def _word_of_file_name(path: str) -> str:
    """What the name of a Dockerfile says besides that it is one: `web` of `Dockerfile.web` and of `web.Dockerfile`."""
    return _DOCKERFILE_WORD.sub("", posixpath.basename(path)).lower()


def _plain_path_beside(path: str) -> str:
    """The Dockerfile without a word in its name that may stand beside one."""
    return posixpath.join(posixpath.dirname(path), "Dockerfile")


def _is_variant_of_folder(path: str) -> bool:
    """Whether a Dockerfile is one of several of its folder's image: by a purpose, a release or a distribution in its name."""
    word = _word_of_file_name(path)
    return not word or not folder_without_variants(word) or dockerfile_purpose(posixpath.basename(path)) in {"dev", "test", "prod"}


def _image_name_by_dockerfile_path(project: Project) -> dict[str, str]:
    """The last part of the name that the builds of pipelines and compose files give the image of each Dockerfile."""
    from readiness.kinds.joins.every_build import builds_of_project

    names_by_path: dict[str, set[str]] = {}
    for build in project.memoize(builds_of_project):
        for image_text in build.image_names:
            image = parse_image(image_text)
            short_name = image.name.rpartition("/")[2]
            if build.dockerfile_path is not None and short_name and "$" not in short_name and "{" not in short_name:
                names_by_path.setdefault(build.dockerfile_path, set()).add(short_name)
    return {path: min(names) for path, names in names_by_path.items() if len(names) == 1}
