"""Which containers are databases, and where they keep their data: by their image, by what it is built from, by what they are given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from readiness.facts.programs import is_server_start
from readiness.facts.public_images import (
    data_folders,
    facts_of_public_image,
    facts_of_store_variable,
    may_stand_aside_of_store,
)
from readiness.kinds.k8s.model import Container
from readiness.model import Related
from readiness.model.project import Project
from readiness.syntax import image as images
from readiness.syntax.image import ImageReference
from readiness.syntax.yaml import Seq


@dataclass(frozen=True, slots=True)
class KeptData:
    """The folders of a store's data; `is_database` tells it from a queue or a search server, `related` says what is known from where."""

    folders: tuple[str, ...]
    is_database: bool
    related: Sequence[Related] = ()

    def is_server_with(self, arguments: object) -> bool:
        """Whether a database that is given these arguments is its server still: they are options, or begin with its name."""
        return self.is_database and isinstance(arguments, Seq) and is_server_start([str(word) for word in arguments])


def kept_data(container: Container, project: Project) -> KeptData | None:
    """What a container keeps that must last; None where it is no store, as far as the files tell."""
    image = images.parse_image(container.image)
    words = frozenset(word for part in container.command_lists() for text in part for word in str(text)[:2000].split())
    folders = data_folders(image, words)
    if folders:
        known = facts_of_public_image(image)
        return KeptData(_moved_folders(container) or folders, known is None or known.role == "database")
    if facts_of_public_image(image) is not None:
        return None
    return _of_base(container, words, project) or _of_settings(container, image)


def _moved_folders(container: Container) -> tuple[str, ...]:
    """The folder that a variable moves PostgreSQL's data to."""
    setting = container.variables.get("PGDATA")
    value = setting.value if setting is not None else None
    return (value,) if isinstance(value, str) and value.startswith("/") else ()


def _of_base(container: Container, words: frozenset[str], project: Project) -> KeptData | None:
    """What the base of an image keeps that is built in the tree."""
    if "dockerfile" not in project.by_kind:
        return None
    from readiness.kinds.joins.images import stage_of_container, stage_runs_server_of_base

    stage = stage_of_container(container, project)
    if stage is None or not stage_runs_server_of_base(stage, f"{container.image} {container.name}"):
        return None
    base = stage.root_stage
    folders = data_folders(base.image, words)
    if not folders or base.from_instruction is None:
        return None
    known = facts_of_public_image(base.image)
    related = Related(base.source, base.from_instruction.span, "its image is built from this one")
    return KeptData(folders, known is None or known.role == "database", (related,))


def _of_settings(container: Container, image: ImageReference) -> KeptData | None:
    """What an image of an unknown name keeps, by two signs of three: the database's port, the password that only its server is
    given, a volume on the folder of its data."""
    name = f"{image.name} {container.name}"
    if container.node.get("command") is not None or may_stand_aside_of_store(name):
        return None
    for variable, facts in facts_of_store_variable():
        folders = facts.state_folders_before_18
        signs = [
            variable in container.variables,
            any(port in facts.ports for port in _open_ports(container)),
            any(
                mount.string_under("mountPath").rstrip("/") in folders
                for mount in container.node.mappings_under("volumeMounts")
            ),
        ]
        if sum(signs) > 1:
            return KeptData(folders, is_database=True)
    return None


def _open_ports(container: Container) -> Iterator[object]:
    return (port.get("containerPort") for port in container.node.mappings_under("ports"))
