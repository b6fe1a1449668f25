"""Which containers are databases, and where they keep their data: by their image, by what it is built from, by what they are given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from readiness.facts.programs import is_database_server_start
from readiness.facts.public_images import (
    facts_of_public_image,
    is_store_companion_name,
    lasting_data_folders,
    variable_and_store_facts_pairs,
)
from readiness.kinds.k8s.model import Container
from readiness.model import Related
from readiness.model.project import Project
from readiness.model.records import dataclass
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
        return self.is_database and isinstance(arguments, Seq) and is_database_server_start([str(word) for word in arguments])


def kept_data(container: Container, project: Project) -> KeptData | None:
    """What a container keeps that must last; None where it is no store, as far as the files tell."""
    image = images.parse_image(container.image)
    command_words = frozenset(word for part in container.command_lists() for text in part for word in str(text)[:2000].split())
    store_folders = lasting_data_folders(image, command_words)
    if store_folders:
        image_facts = facts_of_public_image(image)
        return KeptData(_folders_moved_by_pgdata(container) or store_folders, image_facts is None or image_facts.role == "database")
    if facts_of_public_image(image) is not None:
        return None
    return _kept_data_of_base_image(container, command_words, project) or _kept_data_by_settings(container, image)


def _folders_moved_by_pgdata(container: Container) -> tuple[str, ...]:
    """The folder that a variable moves PostgreSQL's data to."""
    pgdata_setting = container.variables.get("PGDATA")
    data_folder = pgdata_setting.value if pgdata_setting is not None else None
    return (data_folder,) if isinstance(data_folder, str) and data_folder.startswith("/") else ()


def _kept_data_of_base_image(container: Container, command_words: frozenset[str], project: Project) -> KeptData | None:
    """What the base of an image keeps that is built in the tree."""
    if "dockerfile" not in project.by_kind:
        return None
    from readiness.kinds.joins.images import stage_of_container, stage_runs_server_of_base

    stage = stage_of_container(container, project)
    if stage is None or not stage_runs_server_of_base(stage, f"{container.image} {container.name}"):
        return None
    root_stage = stage.root_stage
    store_folders = lasting_data_folders(root_stage.image, command_words)
    if not store_folders or root_stage.from_instruction is None:
        return None
    image_facts = facts_of_public_image(root_stage.image)
    base_location = Related(root_stage.source, root_stage.from_instruction.span, "its image is built from this one")
    return KeptData(store_folders, image_facts is None or image_facts.role == "database", (base_location,))


def _kept_data_by_settings(container: Container, image: ImageReference) -> KeptData | None:
    """What an image of an unknown name keeps, by two signs of three: the database's port, the password that only its server is
    given, a volume on the folder of its data."""
    image_and_container_name = f"{image.name} {container.name}"
    if container.node.get("command") is not None or is_store_companion_name(image_and_container_name):
        return None
    for password_variable, store_facts in variable_and_store_facts_pairs():
        state_folders = store_facts.state_folders_before_18
        store_signs = [
            password_variable in container.variables,
            any(port in store_facts.ports for port in _container_port_numbers(container)),
            any(mount.string_under("mountPath").rstrip("/") in state_folders for mount in container.node.mappings_under("volumeMounts")),
        ]
        if sum(store_signs) > 1:
            return KeptData(state_folders, is_database=True)
    return None


def _container_port_numbers(container: Container) -> Iterator[object]:
    return (port.get("containerPort") for port in container.node.mappings_under("ports"))
