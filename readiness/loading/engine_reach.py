"""What the GitOps engines of a tree apply: from the objects that somebody applies by hand, along kustomizations and further objects."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence

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
    """The files that engines apply one by one, and the directories of which they apply all."""

    files: frozenset[str]
    whole_folders: frozenset[str]

    def holds(self, path: str) -> bool:
        """Whether an engine applies a file."""
        return path in self.files or not self.whole_folders.isdisjoint(parent_folders(path))


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
    named_paths_by_folder = {
        folder: frozenset(posixpath.normpath(posixpath.join(folder, word)) for word in _PATH_WORD.findall(_COMMENT.sub("", text)))
        for folder, text in kustomization_text_by_folder.items()
    }
    waiting_folders = [folder for one in first_objects for folder in one.applied_folders]
    waiting_folders += _kustomizations_above([one.path for one in first_objects], named_paths_by_folder)
    reached_files, whole_folders, seen_folders = set[str](), set[str](), set[str]()

    def reach_file(path: str) -> None:
        if path not in reached_files:
            reached_files.add(path)
            waiting_folders.extend(folder for one in objects_by_path.get(path, ()) for folder in one.applied_folders)

    def reach_waiting_folders() -> None:
        while waiting_folders:
            folder = waiting_folders.pop()
            if folder in seen_folders or folder not in all_folders:
                continue
            seen_folders.add(folder)
            if folder not in named_paths_by_folder:
                whole_folders.add(folder)
                for path in object_paths_by_folder_above.get(folder, ()):
                    reach_file(path)
                continue
            for named_path in named_paths_by_folder[folder]:
                if named_path in all_paths:
                    reach_file(named_path)
                elif named_path in all_folders:
                    waiting_folders.append(named_path)

    reach_waiting_folders()
    if reached_files or whole_folders:
        waiting_folders.extend(further_folders)
        reach_waiting_folders()
    return EngineReach(frozenset(reached_files), frozenset(whole_folders))


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
