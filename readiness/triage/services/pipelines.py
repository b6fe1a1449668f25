"""The pipelines of a run: one that ships a single service is that service's, the others are a service of their own."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from typing import Any

from readiness.kinds.github.model import Workflow
from readiness.kinds.joins.builds import builds_of_runner
from readiness.kinds.joins.steps import commands_with_known_folder
from readiness.model.project import Project, parent_folders
from readiness.model.service import ServicePart
from readiness.syntax.image import parse_image
from readiness.triage.services.graph import Belonging, Place, Runner, ServiceGraph, SettledRoots

PIPELINES_NAME = "pipelines"


class ShippedThings:
    """What runs, by what a pipeline may name of it: the Dockerfile, the image, the folder or the file of its manifest."""

    def __init__(self, graph: ServiceGraph, runners_by_dockerfile: dict[str, list[Runner]]) -> None:
        self.roots = SettledRoots(graph)
        self.by_dockerfile = runners_by_dockerfile
        self.by_image: dict[str, list[Runner]] = {}
        self.by_path: dict[str, list[Runner]] = {}
        for runner in graph.runners:
            if runner.image and not runner.is_public:
                self.by_image.setdefault(runner.image, []).append(runner)
            home_folder = runner.home.partition(" (")[0]
            for path in {runner.part.path, home_folder, *parent_folders(home_folder)}:
                self.by_path.setdefault(path or ".", []).append(runner)

    def shipped_by(self, step_or_job: Any) -> Iterator[tuple[list[Runner], str]]:
        """What a step or a job builds or deploys, and how it says so; nothing where it hides what."""
        for build in builds_of_runner(step_or_job):
            path = build.dockerfile_path
            runners = self.by_dockerfile.get(posixpath.normpath(path), []) if path is not None else []
            if runners:
                yield runners, f"builds {path}"
                continue
            images = [one for one in map(parse_image, build.image_names) if not one.name_unknown]
            runners = [runner for one in images for runner in self.by_image.get(one.full_repository, ())]
            yield runners, f"builds the image {images[0].familiar_name}" if images else ""
        from readiness.checks.project.paths import deployed_path_words

        for command in commands_with_known_folder(step_or_job):
            if command.call.program == "docker-compose" or command.call.words[:1] == ("compose",):
                continue  # what a pipeline starts so lives on its own machine, and ends with the job
            for word in deployed_path_words(command):
                path = command.repository_path_of_word(word)
                if path is not None:
                    yield self.by_path.get(path, []), f"deploys {path}"


def add_pipelines(project: Project, graph: ServiceGraph, runners_by_dockerfile: dict[str, list[Runner]]) -> None:
    """Enter a project's pipelines and actions."""
    kinds_and_documents = [(kind, one) for kind in ("github", "gitlab") for one in project.documents_of_kind(kind)]
    things = ShippedThings(graph, runners_by_dockerfile)
    runner_by_home: dict[str, Runner] = {}
    for kind, document in kinds_and_documents:
        if document.source.parent is not None or document.source.fragment:
            continue
        unit_path = posixpath.dirname(document.source.path) or "."
        is_listed = not project.is_around(document.source)
        place = Place(document.source.path, "", 0, len(document.source.text))
        runners, reason = _single_shipped_service(document, things)
        if not runners:
            home = _repository_folder(document.source.path)
            if home not in runner_by_home:
                part = ServicePart(unit_path, kind, document.source.path, "", "ships no single service")
                runner = Runner(part, PIPELINES_NAME, home or ".", (document.source.path, 0), is_listed=is_listed)
                runner_by_home[home] = graph.add_runner(runner, place)
                continue
            runners, reason = [runner_by_home[home]], "ships no single service"
        graph.belongings.append(Belonging(ServicePart(unit_path, kind, document.source.path, "", reason), (place,), runners, is_listed))


def _repository_folder(path: str) -> str:
    """The folder of the repository whose pipelines stand at a path."""
    folder_names = posixpath.dirname(path).split("/")
    hidden_index = next((index for index, name in enumerate(folder_names) if name in {".github", ".gitlab", ".gitea", ".forgejo"}), len(folder_names))
    return "/".join(folder_names[:hidden_index])


def _single_shipped_service(document: Any, things: ShippedThings) -> tuple[list[Runner], str]:
    """What runs of the one service that a pipeline ships, and how it says so; nothing where that is none, or more than one."""
    first_reason = ""
    root_by_id: dict[int, Runner] = {}
    for step_or_job in _steps_and_jobs(document):
        for runners, reason in things.shipped_by(step_or_job):
            if not runners:
                return [], ""  # it ships something that is not known
            for root in things.roots.roots_of(runners):
                root_by_id[id(root)] = root
            first_reason = first_reason or reason
            if len(root_by_id) > 1:
                return [], ""
    return list(root_by_id.values()), first_reason


def _steps_and_jobs(document: Any) -> Iterable[Any]:
    if isinstance(document, Workflow):
        return [step for job in document.jobs for step in job.steps]
    return getattr(document, "jobs", ()) if hasattr(document, "merged_files") else ()
