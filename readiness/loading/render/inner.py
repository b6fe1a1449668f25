"""Overlays inside of one that is not built, since it takes in something from elsewhere: what is here of it all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from readiness.loading.render.kustomize import Kustomization, reachable_kustomizations
from readiness.model.records import dataclass


@dataclass(frozen=True, slots=True)
class InnerOverlay:
    """A kustomization that can be built; `users` are the folders of those that take it in and are not, by whatever way."""

    kustomization: Kustomization
    users: tuple[str, ...]


def outermost_buildable_overlays(
    refused_kustomizations: Sequence[Kustomization],
    built_kustomizations: Iterable[Kustomization],
    kustomization_by_folder: Mapping[str, Kustomization],
    is_refused: Callable[[Kustomization], bool],
) -> list[InnerOverlay]:
    """The outermost kustomizations that can be built, of what others take in that are not, and that no `built_kustomizations` one takes in.

    `is_refused` says of one whether it cannot be built whatever it takes in; it is asked of each once.
    """
    built_folders = {inner.folder for one in built_kustomizations for inner in reachable_kustomizations(one, kustomization_by_folder)}
    reachable_by_refused_folder = {
        one.folder: {each.folder: each for each in reachable_kustomizations(one, kustomization_by_folder)} for one in refused_kustomizations
    }
    reachable_by_folder = {
        folder: one
        for reachable_kustomizations_by_folder in reachable_by_refused_folder.values()
        for folder, one in reachable_kustomizations_by_folder.items()
    }
    unbuildable_folders = _folders_with_their_users({folder for folder, one in reachable_by_folder.items() if is_refused(one)}, reachable_by_folder)
    unbuildable_folders.update(reachable_by_refused_folder)  # refused for something that is not among the known ones
    buildable_kustomizations = [one for folder, one in sorted(reachable_by_folder.items()) if folder not in unbuildable_folders]
    taken_in_folders = built_folders.union(*(one.resource_folders for one in buildable_kustomizations))
    return [
        InnerOverlay(
            one,
            tuple(
                user
                for user, reachable_kustomizations_by_folder in reachable_by_refused_folder.items()
                if one.folder in reachable_kustomizations_by_folder
            ),
        )
        for one in buildable_kustomizations
        if one.folder not in taken_in_folders and not one.is_component
    ]


def _folders_with_their_users(folders: set[str], kustomization_by_folder: Mapping[str, Kustomization]) -> set[str]:
    """Folders of kustomizations, and of all that take them in, by whatever way."""
    user_folders_by_folder: dict[str, list[str]] = {}
    for one in kustomization_by_folder.values():
        for folder in one.resource_folders:
            user_folders_by_folder.setdefault(folder, []).append(one.folder)
    all_folders: set[str] = set()
    pending_folders = list(folders)
    while pending_folders:
        folder = pending_folders.pop()
        if folder not in all_folders:
            all_folders.add(folder)
            pending_folders += user_folders_by_folder.get(folder, ())
    return all_folders
