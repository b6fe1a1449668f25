"""Which files an `include` of nginx means, of many: looked up by their names and folders, with a budget for patterns."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from readiness.kinds.nginx import Document
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import parent_folders
from readiness.syntax import glob
from readiness.syntax.holes import has_variable_sign
from readiness.syntax.nginx import Directive

NGINX_CONFIG_PREFIX = lazy_regex(r"^(?:/etc/nginx|/usr/local/(?:etc/)?nginx(?:/conf)?|/usr/local/openresty/nginx/conf|/opt/(?:bitnami/)?nginx/conf)/")
_MAX_GUESSED_INCLUDES = 64  # of lost includes that one file is held against
MAX_MATCHED_PATHS = 1_000_000  # paths that all includes of a tree are held against; past them an include counts as lost
_GLOB_CHARACTERS = frozenset("*?[")


class ConfigurationPaths:
    """The paths of nginx files, by the name of the file and by the folder that it lies in."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._by_name: dict[str, list[str]] = {}
        self._by_folder_name: dict[str, list[str]] = {}
        self._by_folder: dict[str, list[str]] = {}
        self._budget = glob.WorkBudget(MAX_MATCHED_PATHS)
        for path in paths:
            folder, name = posixpath.split(path)
            self._by_name.setdefault(_without_template_suffix(name), []).append(path)
            self._by_folder.setdefault(folder, []).append(path)
            self._by_folder_name.setdefault(posixpath.basename(folder), []).append(path)

    def _paths_that_may_match(self, pattern: str, *, is_whole_path: bool = False) -> list[str]:
        """The paths among which are all that a pattern of an include matches; none where too many were looked at."""
        folder, name = posixpath.split(pattern)
        if is_whole_path and not _GLOB_CHARACTERS & set(folder):
            paths = list(self._by_folder.get(folder, []))
            if posixpath.basename(folder) == "conf.d":  # templates/x.conf.template becomes conf.d/x.conf in the container
                paths += self._by_folder.get(posixpath.join(posixpath.dirname(folder), "templates"), [])
            if not _GLOB_CHARACTERS & set(name) and len(paths) > len(self._by_name.get(name, ())):
                paths = self._by_name.get(name, [])
        elif not _GLOB_CHARACTERS & set(name):
            paths = self._by_name.get(name, [])
        else:
            folder_name = posixpath.basename(folder)
            is_any_folder = bool(_GLOB_CHARACTERS & set(folder_name)) or not folder
            folder_names = list(self._by_folder_name) if is_any_folder else [folder_name, *(["templates"] if folder_name == "conf.d" else [])]
            paths = [path for one in folder_names for path in self._by_folder_name.get(one, ())]
        return paths if self._budget.try_spend(len(paths)) else []

    def matching_include(self, include_pattern: str, including_folder: str, including_path: str) -> list[str]:
        """The paths that an include means: beside the file, else by the tail of the path, nearest first."""
        pattern_tail = NGINX_CONFIG_PREFIX.sub("", include_pattern).lstrip("/")
        if has_variable_sign(pattern_tail) or not pattern_tail or ".." in pattern_tail.split("/"):
            pattern_tail = "" if has_variable_sign(pattern_tail) else posixpath.normpath(posixpath.join("/", pattern_tail)).lstrip("/")
        if not pattern_tail:
            return []
        pattern_beside_file = posixpath.normpath(posixpath.join(including_folder, pattern_tail))
        paths_beside_file = [
            path
            for path in self._paths_that_may_match(pattern_beside_file, is_whole_path=True)
            if _path_matches_include_pattern(path, pattern_beside_file) and path != including_path
        ]
        if paths_beside_file:
            return sorted(paths_beside_file)
        parent_folder = posixpath.dirname(including_folder)
        tail_parts = pattern_tail.split("/")
        for part_count in range(len(tail_parts), 0, -1):
            shortened_tail = "/".join(tail_parts[-part_count:])
            search_folder = parent_folder if part_count > 1 else including_folder
            paths_with_tail = [
                path
                for path in self._paths_that_may_match(shortened_tail)
                if path != including_path
                and (not search_folder or path.startswith(search_folder + "/"))
                and _path_matches_include_pattern("/".join(path.split("/")[-part_count:]), shortened_tail)
            ]
            if paths_with_tail and (part_count > 1 or ("*" not in shortened_tail and len(paths_with_tail) == 1)):
                return sorted(paths_with_tail)
        return []


def _path_matches_include_pattern(path: str, pattern: str) -> bool:
    """Whether a path is the pattern's, component by component; `x.conf.template` becomes `x.conf` in the container."""
    path_parts, pattern_parts = path.split("/"), pattern.split("/")
    if len(path_parts) != len(pattern_parts):
        return False
    file_name_without_template_suffix = _without_template_suffix(path_parts[-1])
    if file_name_without_template_suffix != path_parts[-1] and path_parts[-2:-1] == ["templates"] and pattern_parts[-2:-1] == ["conf.d"]:
        path_parts[-2] = "conf.d"
    return all(glob.glob_matches(two, one) for one, two in zip([*path_parts[:-1], file_name_without_template_suffix], pattern_parts, strict=True))


def _without_template_suffix(file_name: str) -> str:
    return re.sub(r"\.(?:template|tmpl|tpl)$", "", file_name)


class UnresolvedIncludes:
    """The includes in `http` blocks that name no file of the tree, by the folders whose files they may mean."""

    def __init__(self, unresolved_include_ids: set[int], documents: list[Document]) -> None:
        self.by_folder: dict[str, list[tuple[int, Document, Directive]]] = {}
        self.by_parent_folder: dict[str, list[tuple[int, Document, Directive]]] = {}
        number = 0
        for document in documents if unresolved_include_ids else ():
            main_folder = posixpath.dirname(document.source.path)
            for directive in document.walk_directives():
                if id(directive) in unresolved_include_ids and directive.parent.opening_directive_name == "http":
                    number += 1
                    entry = number, document, directive
                    self.by_folder.setdefault(main_folder, []).append(entry)
                    self.by_parent_folder.setdefault(posixpath.dirname(main_folder), []).append(entry)

    def meaning_folder(self, file_folder: str) -> Iterator[tuple[Document, Directive]]:
        """(main file, include) of those that may mean a file of a folder, in their order; of many the first."""
        entries = {
            entry[0]: entry
            for folder in dict.fromkeys((file_folder, *parent_folders(file_folder), ""))
            for entry in self.by_folder.get(folder, ())[:_MAX_GUESSED_INCLUDES]
        } | {entry[0]: entry for entry in self.by_parent_folder.get(posixpath.dirname(file_folder), ())[:_MAX_GUESSED_INCLUDES]}
        for number in sorted(entries)[:_MAX_GUESSED_INCLUDES]:
            yield entries[number][1:]
