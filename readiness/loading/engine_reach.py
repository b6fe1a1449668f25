"""What the GitOps engines of a tree apply: from the objects that somebody applies by hand, along kustomizations and further objects."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

from readiness.loading.put_away import PATH_WITH_FOLDER_PUT_AWAY
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import parent_folders
from readiness.model.records import dataclass

_COMMENT = lazy_regex(r"(?:^|\s)#[^\n]*")
_PATH_WORD = lazy_regex(r"[\w.@/-]+")


@dataclass(frozen=True, slots=True)
class EngineObject:
    """A Flux Kustomization, an Argo CD Application or their like: its file, and the directories that it applies, from the root."""

    path: str
    applied_folders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EngineReach:
    """The files that engines apply one by one, the directories of which they apply all, and those whose kustomizations they do not come to."""

    files: frozenset[str]
    whole_folders: frozenset[str]
    passed_folders: frozenset[str] = frozenset()

    def holds(self, path: str) -> bool:
        """Whether an engine applies a file."""
        return path in self.files or not self.whole_folders.isdisjoint(parent_folders(path))

    def passes_over(self, path: str, overlay_folders: Iterable[str]) -> bool:
        """Whether an engine applies a file, and by none of some overlays, whatever their names say."""
        return self.holds(path) and self.passed_folders.issuperset(overlay_folders)


def reach_of_engines(
    engine_objects: Sequence[EngineObject], further_folders: Iterable[str], kustomization_text_by_folder: Mapping[str, str], paths: Iterable[str]
) -> EngineReach:
    """What is applied: `further_folders` are those that people apply beside the engines. `paths` are all of the tree, from its root.

    An engine's object that lies in no directory of another is where it begins; without one all do. Nothing is where engines come to
    nothing of the tree: what they apply lies elsewhere.
    """
    all_paths = frozenset(paths)
    all_folders = frozenset(folder for path in all_paths for folder in parent_folders(path))
    objects_by_path: dict[str, list[EngineObject]] = {}
    object_paths_by_folder_above: dict[str, set[str]] = {}
    for engine_object in engine_objects:
        objects_by_path.setdefault(engine_object.path, []).append(engine_object)
        for folder in parent_folders(engine_object.path):
            object_paths_by_folder_above.setdefault(folder, set()).add(engine_object.path)
    first_objects = _objects_where_engines_begin(engine_objects)
    named_paths_by_folder = _named_paths_by_folder(kustomization_text_by_folder)
    walk = _ReachWalk(all_paths, all_folders, named_paths_by_folder, objects_by_path, object_paths_by_folder_above)
    walk.reach_folders(folder for one in first_objects for folder in one.applied_folders)
    walk.reach_folders(_kustomizations_above([one.path for one in first_objects], named_paths_by_folder))
    if walk.files or walk.whole_folders:
        walk.reach_folders(further_folders)
    passed_folders = (
        one
        for one in named_paths_by_folder
        if one not in walk.seen_folders and walk.whole_folders.isdisjoint(parent_folders(posixpath.join(one, "x")))
    )
    return EngineReach(frozenset(walk.files), frozenset(walk.whole_folders), frozenset(passed_folders))


def reach_of_kustomizations(folders: Iterable[str], kustomization_text_by_folder: Mapping[str, str], paths: Iterable[str]) -> EngineReach:
    """What the kustomizations of some folders take in, along further ones; the folders themselves hold one each. `paths` are all of the tree."""
    all_paths = frozenset(paths)
    all_folders = frozenset(folder for path in all_paths for folder in parent_folders(path))
    walk = _ReachWalk(all_paths, all_folders, _named_paths_by_folder(kustomization_text_by_folder), {}, {})
    walk.reach_folders(folders)
    return EngineReach(frozenset(walk.files), frozenset(walk.whole_folders))


def _named_paths_by_folder(kustomization_text_by_folder: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """What may be a path in the kustomization of each folder, from the root."""
    return {
        folder: frozenset(posixpath.normpath(posixpath.join(folder, word)) for word in _PATH_WORD.findall(_COMMENT.sub("", text)))
        for folder, text in kustomization_text_by_folder.items()
    }


@dataclass(slots=True)
class _ReachWalk:
    """A walk along kustomizations and objects of engines: the files that it came to one by one, and the folders that it takes whole."""

    all_paths: frozenset[str]
    all_folders: frozenset[str]
    named_paths_by_folder: Mapping[str, frozenset[str]]
    objects_by_path: Mapping[str, Sequence[EngineObject]]
    object_paths_by_folder_above: Mapping[str, Iterable[str]]
    files: set[str] = field(default_factory=set)
    whole_folders: set[str] = field(default_factory=set)
    seen_folders: set[str] = field(default_factory=set)

    def reach_folders(self, folders: Iterable[str]) -> None:
        """Apply folders, and all that follows from it."""
        waiting_folders = list(folders)
        while waiting_folders:
            folder = waiting_folders.pop()
            if folder in self.seen_folders or folder not in self.all_folders:
                continue
            self.seen_folders.add(folder)
            if folder not in self.named_paths_by_folder:
                self.whole_folders.add(folder)
                for path in self.object_paths_by_folder_above.get(folder, ()):
                    waiting_folders.extend(self._folders_behind_file(path))
                continue
            for named_path in self.named_paths_by_folder[folder]:
                if named_path in self.all_paths:
                    waiting_folders.extend(self._folders_behind_file(named_path))
                elif named_path in self.all_folders:
                    waiting_folders.append(named_path)

    def _folders_behind_file(self, path: str) -> Iterable[str]:
        """The folders that the objects in a file apply, where the walk comes to it for the first time."""
        if path in self.files:
            return ()
        self.files.add(path)
        return [folder for one in self.objects_by_path.get(path, ()) for folder in one.applied_folders]


def _objects_where_engines_begin(engine_objects: Sequence[EngineObject]) -> Sequence[EngineObject]:
    """The objects in no directory that another applies, but for those that are put away; all where there are none."""
    applying_paths_by_folder: dict[str, set[str]] = {}
    for engine_object in engine_objects:
        for folder in engine_object.applied_folders:
            applying_paths_by_folder.setdefault(folder, set()).add(engine_object.path)
    first_objects = [
        one for one in engine_objects if not any(applying_paths_by_folder.get(folder, set()) - {one.path} for folder in parent_folders(one.path))
    ] or engine_objects
    # What no engine applies here may begin one, unless it is put away.
    return [one for one in first_objects if not PATH_WITH_FOLDER_PUT_AWAY.search(one.path)] or first_objects


def _kustomizations_above(paths: Iterable[str], named_paths_by_folder: Mapping[str, frozenset[str]]) -> list[str]:
    """The folders of the kustomizations that take in some paths, and of those that take in these: who applies one applies all of it."""
    folders_by_named_path: dict[str, list[str]] = {}
    for folder, named_paths in named_paths_by_folder.items():
        for named_path in named_paths:
            folders_by_named_path.setdefault(named_path, []).append(folder)
    waiting_paths, found_folders = list(paths), dict[str, None]()
    for path in tuple(waiting_paths):
        for folder in parent_folders(path):
            if folder in named_paths_by_folder or not folder:
                break
            waiting_paths.append(folder)  # taken in as a whole
    while waiting_paths:
        for folder in folders_by_named_path.get(waiting_paths.pop(), ()):
            if folder not in found_folders:
                found_folders[folder] = None
                waiting_paths.append(folder)
    return list(found_folders)
