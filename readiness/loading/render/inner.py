"""Overlays inside of one that is not built, since it takes in something from elsewhere: what is here of it all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from readiness.loading.render.kustomize import Kustomization, reachable_kustomizations


@dataclass(frozen=True, slots=True)
class InnerOverlay:
    """A kustomization that can be built; `users` are the folders of those that take it in and are not, by whatever way."""

    kustomization: Kustomization
    users: tuple[str, ...]


def buildable_below(
    refused: Sequence[Kustomization],
    built: Iterable[Kustomization],
    known: Mapping[str, Kustomization],
    is_refused: Callable[[Kustomization], bool],
) -> list[InnerOverlay]:
    """The outermost kustomizations that can be built, of what others take in that are not, and that no `built` one takes in.

    `is_refused` says of one whether it cannot be built whatever it takes in; it is asked of each once.
    """
    done = {inner.folder for one in built for inner in reachable_kustomizations(one, known)}
    within = {one.folder: {each.folder: each for each in reachable_kustomizations(one, known)} for one in refused}
    inside = {folder: one for some in within.values() for folder, one in some.items()}
    bad = _with_users({folder for folder, one in inside.items() if is_refused(one)}, inside)
    bad.update(within)  # refused for something that is not among the known ones
    good = [one for folder, one in sorted(inside.items()) if folder not in bad]
    taken = done.union(*(one.resource_folders for one in good))
    return [
        InnerOverlay(one, tuple(user for user, some in within.items() if one.folder in some))
        for one in good
        if one.folder not in taken and not one.is_component
    ]


def _with_users(folders: set[str], inside: Mapping[str, Kustomization]) -> set[str]:
    """Folders of kustomizations, and of all that take them in, by whatever way."""
    users: dict[str, list[str]] = {}
    for one in inside.values():
        for folder in one.resource_folders:
            users.setdefault(folder, []).append(one.folder)
    found: set[str] = set()
    waiting = list(folders)
    while waiting:
        folder = waiting.pop()
        if folder not in found:
            found.add(folder)
            waiting += users.get(folder, ())
    return found
