"""Which Dockerfile of the project makes the image that a manifest names: only where nothing else can be meant."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from readiness.facts import public_images
from readiness.facts.base_images import may_be_official_image
from readiness.facts.programs import is_server_start
from readiness.kinds.dockerfile.model import Stage
from readiness.kinds.joins.every_build import all_builds
from readiness.kinds.k8s.model import Container
from readiness.kinds.units import MAX_CANDIDATES, file_distance
from readiness.model.project import Project, parent_folders
from readiness.syntax import image as images
from readiness.syntax.image import ImageReference
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK


class Maker(NamedTuple):
    """Who makes an image: the stage, None where its Dockerfile is not known; and the path of the file that says so."""

    stage: Stage | None
    path: str


StagesByKey = dict[str, list[Maker]]


@dataclass(frozen=True, slots=True)
class ImageStages:
    """Who makes an image: by its full name, by the last part of a name, by the folder of the Dockerfile.

    `dockerfile_folder_names` are those that hold a Dockerfile somewhere below them.
    """

    by_name: StagesByKey = field(default_factory=dict)
    by_part: StagesByKey = field(default_factory=dict)
    by_folder: StagesByKey = field(default_factory=dict)
    dockerfile_folder_names: set[str] = field(default_factory=set)


def image_makers(project: Project) -> ImageStages:
    """The makers of a project's images; ask for them with `project.memoize(image_makers)`."""
    makers = ImageStages()
    _add_built(makers, project)
    for path, document in project.document_by_path("dockerfile").items():
        folder = posixpath.basename(posixpath.dirname(path))
        makers.dockerfile_folder_names.update(parent_folders(path))
        if folder and document.stages and posixpath.basename(path).lower() == "dockerfile":
            maker = Maker(document.stages[-1], path)
            makers.by_folder.setdefault(folder, []).append(maker)
    return makers


def _add_built(makers: ImageStages, project: Project) -> None:
    """Add what the builds of compose files and pipelines name, where there are any."""
    builds = project.memoize(all_builds)
    if not builds:
        return
    from readiness.kinds.compose.model import Service
    from readiness.kinds.joins.builds import built_stage

    for build in builds:
        stage = built_stage(build, project)
        maker = Maker(stage, (stage or build.subject).source.root.path)
        for written in build.image_names:
            image = images.parse_image(written.replace(UNKNOWN_VALUE_MARK, "$X"))
            if not image.name_unknown:
                makers.by_name.setdefault(image.full_repository, []).append(maker)
            elif (part := _short_name(image)) and not _has_variable_name(image):
                makers.by_part.setdefault(part, []).append(maker)
        if isinstance(build.subject, Service) and not build.image_names:
            makers.by_part.setdefault(build.subject.name, []).append(maker)


def stage_of_container(container: Container, project: Project) -> Stage | None:
    """The stage that makes a container's image; None where the files leave a doubt.

    A build that names the image in full tells it. Else it is the build whose name ends as the image's does, or the
    Dockerfile in a folder of that name; for both, the image must be nobody else's: no public one, and no base of
    that Dockerfile. A tree may hold several variants of an application: of several that may be meant it is the one whose
    Dockerfile is nearest to the manifest, and no other Dockerfile stands closer.
    """
    image = images.parse_image(container.image)
    if not container.image or image.name_unknown:
        return None
    known = project.memoize(image_makers)
    stage = _stage_of_image(image, known, container.source.root.path)
    if stage is None:
        return None
    nearest = next(
        (one for one in parent_folders(container.source.root.path) if one in known.dockerfile_folder_names),
        "",
    )
    return stage if nearest in parent_folders(posixpath.normpath(stage.source.path)) else None


def stage_runs_server_of_base(stage: Stage, name: str) -> bool:
    """Whether an image runs the server of its public base: it starts what the base starts, or its server by name.

    Of an image with an entrypoint of its own the name it goes by has to say so: a dump has the same base and is no server.
    """
    if public_images.may_stand_aside_of_store(name):
        return False
    if stage.effective_value("ENTRYPOINT") is not None:
        last = _short_name(stage.root_stage.image)
        return last in name.lower() or bool(_DATABASE_WORD.search(name.lower()))
    command = stage.effective_value("CMD")
    words = [word.value for word in command.instruction.words] if command is not None else []
    return not words or is_server_start(words)


_DATABASE_WORD = re.compile(r"(?:^|[^a-z])(?:db|database|pg|sql)(?:[^a-z]|\Z)")


def _stage_of_image(image: ImageReference, image_stages: ImageStages, path: str) -> Stage | None:
    """The stage that makes an image for a manifest at a path, wherever its Dockerfile stands."""
    if image.full_repository in image_stages.by_name:
        return _nearest_stage(image_stages.by_name[image.full_repository], path)
    part = _short_name(image)
    if _is_public_image(image) or not part:
        return None
    guesses = [makers for makers in (image_stages.by_part.get(part), image_stages.by_folder.get(part)) if makers]
    if not guesses:
        return None
    stage = _nearest_stage([one for makers in guesses for one in makers], path)
    if stage is None or any(_short_name(below.image) == part for below in stage.document.stages):
        return None
    return stage


def _nearest_stage(makers: Sequence[Maker], path: str) -> Stage | None:
    """The stage of the nearest makers; None where they differ, one is not known, or there are too many to tell."""
    if len(makers) > MAX_CANDIDATES:
        return None
    far = [file_distance(path, posixpath.normpath(maker.path)) for maker in makers]
    least = min(far)
    nearest = [maker.stage for maker, steps in zip(makers, far, strict=True) if steps == least]
    return nearest[0] if all(stage is nearest[0] for stage in nearest) else None


def _short_name(image: ImageReference) -> str:
    """The last part of an image's name."""
    return image.name.rpartition("/")[2]


def _has_variable_name(image: ImageReference) -> bool:
    """Whether the last part of its name holds a variable."""
    return "\x00" in image.masked_text[: image.name_span.end].rpartition("/")[2]


def _is_public_image(image: ImageReference) -> bool:
    """Whether an image is one that others publish: an official name of Docker Hub, or one of the table."""
    return may_be_official_image(image) or public_images.facts_of_public_image(image) is not None
