"""Which Dockerfile of the project makes the image that a manifest names: only where nothing else can be meant."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import field
from typing import NamedTuple

from readiness.facts import public_images
from readiness.facts.base_images import may_be_official_image
from readiness.facts.programs import is_database_server_start
from readiness.kinds.dockerfile.model import Stage
from readiness.kinds.joins.every_build import builds_of_project
from readiness.kinds.k8s.model import Container
from readiness.kinds.units import MAX_CANDIDATES_PER_QUESTION, file_distance
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project, parent_folders
from readiness.model.records import dataclass
from readiness.syntax import image as images
from readiness.syntax.image import ImageReference
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK


class Maker(NamedTuple):
    """Who makes an image: the stage, None where its Dockerfile is not known; and the path of the file that says so."""

    stage: Stage | None
    path: str


MakersByKey = dict[str, list[Maker]]


@dataclass(frozen=True, slots=True)
class ImageStages:
    """Who makes an image: by its full name, by the last part of a name, by the folder of the Dockerfile.

    `dockerfile_folder_names` are those that hold a Dockerfile somewhere below them.
    """

    by_name: MakersByKey = field(default_factory=dict)
    by_part: MakersByKey = field(default_factory=dict)
    by_folder: MakersByKey = field(default_factory=dict)
    dockerfile_folder_names: set[str] = field(default_factory=set)


def image_maker_index(project: Project) -> ImageStages:
    """The makers of a project's images; ask for them with `project.memoize(image_makers)`."""
    maker_index = ImageStages()
    _add_makers_from_builds(maker_index, project)
    for dockerfile_path, document in project.document_by_path("dockerfile").items():
        folder_name = posixpath.basename(posixpath.dirname(dockerfile_path))
        maker_index.dockerfile_folder_names.update(parent_folders(dockerfile_path))
        if folder_name and document.stages and posixpath.basename(dockerfile_path).lower() == "dockerfile":
            image_maker = Maker(document.stages[-1], dockerfile_path)
            maker_index.by_folder.setdefault(folder_name, []).append(image_maker)
    return maker_index


def _add_makers_from_builds(maker_index: ImageStages, project: Project) -> None:
    """Add what the builds of compose files and pipelines name, where there are any."""
    builds = project.memoize(builds_of_project)
    if not builds:
        return
    from readiness.kinds.compose.model import Service
    from readiness.kinds.joins.builds import stage_made_by_build

    for build in builds:
        stage_of_build = stage_made_by_build(build, project)
        image_maker = Maker(stage_of_build, (stage_of_build or build.subject).source.root.path)
        for written_image in build.image_names:
            image_reference = images.parse_image(written_image.replace(UNKNOWN_VALUE_MARK, "$X"))
            if not image_reference.name_unknown:
                maker_index.by_name.setdefault(image_reference.full_repository, []).append(image_maker)
            elif (short_name := _last_part_of_image_name(image_reference)) and not _has_variable_in_short_name(image_reference):
                maker_index.by_part.setdefault(short_name, []).append(image_maker)
        if isinstance(build.subject, Service) and not build.image_names:
            maker_index.by_part.setdefault(build.subject.name, []).append(image_maker)


def stage_of_container(container: Container, project: Project) -> Stage | None:
    """The stage that makes a container's image; None where the files leave a doubt."""
    return stage_of_named_image(container.image, container.source.root.path, project)


def stage_of_named_image(image_text: str, manifest_path: str, project: Project) -> Stage | None:
    """The stage that makes the image that a manifest names; None where the files leave a doubt.

    A build that names the image in full tells it. Else it is the build whose name ends as the image's does, or the
    Dockerfile in a folder of that name; for both, the image must be nobody else's: no public one, and no base of
    that Dockerfile. A tree may hold several variants of an application: of several that may be meant it is the one whose
    Dockerfile is nearest to the manifest, and no other Dockerfile stands closer.
    """
    image_reference = images.parse_image(image_text)
    if not image_text or image_reference.name_unknown:
        return None
    maker_index = project.memoize(image_maker_index)
    stage_of_image = _stage_of_image(image_reference, maker_index, manifest_path)
    if stage_of_image is None:
        return None
    nearest_dockerfile_folder = next(
        (one for one in parent_folders(manifest_path) if one in maker_index.dockerfile_folder_names),
        "",
    )
    return stage_of_image if nearest_dockerfile_folder in parent_folders(posixpath.normpath(stage_of_image.source.path)) else None


def stage_runs_server_of_base(stage: Stage, workload_name: str) -> bool:
    """Whether an image runs the server of its public base: it starts what the base starts, or its server by name.

    Of an image with an entrypoint of its own the name it goes by has to say so: a dump has the same base and is no server.
    """
    if public_images.is_store_companion_name(workload_name):
        return False
    if stage.effective_value("ENTRYPOINT") is not None:
        base_image_short_name = _last_part_of_image_name(stage.root_stage.image)
        return base_image_short_name in workload_name.lower() or bool(_DATABASE_WORD_PATTERN.search(workload_name.lower()))
    effective_command = stage.effective_value("CMD")
    command_words = [word.value for word in effective_command.instruction.words] if effective_command is not None else []
    return not command_words or is_database_server_start(command_words)


_DATABASE_WORD_PATTERN = lazy_regex(r"(?:^|[^a-z])(?:db|database|pg|sql)(?:[^a-z]|\Z)")


def _stage_of_image(image: ImageReference, maker_index: ImageStages, manifest_path: str) -> Stage | None:
    """The stage that makes an image for a manifest at a path, wherever its Dockerfile stands."""
    if image.full_repository in maker_index.by_name:
        return _stage_of_nearest_makers(maker_index.by_name[image.full_repository], manifest_path)
    short_name = _last_part_of_image_name(image)
    if _is_public_image(image) or not short_name:
        return None
    maker_lists = [makers for makers in (maker_index.by_part.get(short_name), maker_index.by_folder.get(short_name)) if makers]
    if not maker_lists:
        return None
    nearest_stage = _stage_of_nearest_makers([one for makers in maker_lists for one in makers], manifest_path)
    if nearest_stage is None or any(_last_part_of_image_name(below.image) == short_name for below in nearest_stage.document.stages):
        return None
    return nearest_stage


def _stage_of_nearest_makers(image_makers_to_compare: Sequence[Maker], manifest_path: str) -> Stage | None:
    """The stage of the nearest makers; None where they differ, one is not known, or there are too many to tell."""
    if len(image_makers_to_compare) > MAX_CANDIDATES_PER_QUESTION:
        return None
    distances = [file_distance(manifest_path, posixpath.normpath(maker.path)) for maker in image_makers_to_compare]
    least_distance = min(distances)
    nearest_stages = [maker.stage for maker, steps in zip(image_makers_to_compare, distances, strict=True) if steps == least_distance]
    return nearest_stages[0] if all(stage is nearest_stages[0] for stage in nearest_stages) else None


def _last_part_of_image_name(image: ImageReference) -> str:
    """The last part of an image's name."""
    return image.name.rpartition("/")[2]


def _has_variable_in_short_name(image: ImageReference) -> bool:
    """Whether the last part of its name holds a variable."""
    return "\x00" in image.masked_text[: image.name_span.end].rpartition("/")[2]


def _is_public_image(image: ImageReference) -> bool:
    """Whether an image is one that others publish: an official name of Docker Hub, or one of the table."""
    return may_be_official_image(image) or public_images.facts_of_public_image(image) is not None
