"""All files that Helm would render of a chart: its own, its subcharts' in folders and archives, and local dependencies.

What stands in an archive gets a path as if the archive were a folder, for reports and for the copy that is rendered.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from readiness import files as reading
from readiness.loading.render import archive
from readiness.loading.render.archive import ARCHIVE_SUFFIX, MAX_BYTES, MAX_FILES, ArchiveError
from readiness.loading.render.made import LimitError, RenderError
from readiness.loading.render.tree import ConfinedTree, OutsideError
from readiness.model import ParseError, Source, Span, join_names
from readiness.syntax.yaml import Map, Seq, load_yaml_documents

CHART_FILENAME = "Chart.yaml"
GIT_FOLDER = ".git"  # a chart may be a whole repository
_MAX_CHART_DEPTH = 10  # of charts inside charts
_LOCAL_REPOSITORY_PREFIX = "file://"
_CHART_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,200}")
_WANTED_VERSION = re.compile(r"(?P<sign>\^|~|>=|=?)[ ]?v?(?P<numbers>[0-9xX*]{1,9}(?:\.[0-9xX*]{1,9}){0,2})(?:-[\w.]{1,40})?")


@dataclass(frozen=True, slots=True)
class Dependency:
    """A chart that a Chart.yaml (or requirements.yaml) declares; `span` is its entry's first line there."""

    source: Source
    span: Span
    name: str
    alias: str
    version: str
    repository: str


@dataclass(frozen=True, slots=True)
class AbsentDependency:
    """A declared dependency that is not under charts/; `reason` says why it cannot be taken from the tree, where that is known."""

    dependency: Dependency
    folder: str
    reason: str = ""


@dataclass(slots=True)
class ChartFiles:
    """The files of a chart, by their paths in the copy that is rendered.

    `report_path_by_path` are their paths as reports print them. `copy_folder_by_helm_path` says which folder of the copy holds
    what Helm calls `charts/ALIAS/`; `unpacked_archives` are those that were unpacked, `outside_folders_read` the folders
    outside of the chart that were read.
    """

    content_by_path: dict[str, bytes] = field(default_factory=dict)
    report_path_by_path: dict[str, str] = field(default_factory=dict)
    copy_folder_by_helm_path: dict[str, str] = field(default_factory=dict)
    absent_dependencies: list[AbsentDependency] = field(default_factory=list)
    unpacked_archives: list[str] = field(default_factory=list)
    outside_folders_read: list[str] = field(default_factory=list)
    size: int = 0

    def add_file(self, path: str, report_path: str, text: bytes) -> None:
        """Take in a file. Raises RenderError for one too many."""
        self.content_by_path[path], self.report_path_by_path[path] = text, report_path
        self.size += len(text)
        if len(self.content_by_path) > MAX_FILES or self.size > MAX_BYTES:
            raise LimitError(f"the chart has over {MAX_FILES} files or {MAX_BYTES >> 20} MiB")

    def template_of(self, rendered: str) -> str:
        """The path in the copy of what Helm calls `CHART/charts/ALIAS/templates/x.yaml`."""
        way, rest = subchart_names_and_rest(rendered)
        outer = "".join(f"charts/{name}/" for name in way)
        return self.copy_folder_by_helm_path.get(outer, outer) + rest


def subchart_names_and_rest(rendered: str) -> tuple[tuple[str, ...], str]:
    """The names of the subcharts on the way to what Helm calls `CHART/charts/ALIAS/templates/x.yaml`, and the rest."""
    parts = rendered.split("/")[1:]
    names = []
    while len(parts) > 2 and parts[0] == "charts":
        names.append(parts[1])
        parts = parts[2:]
    return tuple(names), "/".join(parts)


def read_chart(chart: Path, report_path: str, tree: ConfinedTree) -> ChartFiles:
    """All that Helm would render of the chart in a folder that reports call `report_path`.

    A local dependency (`file://`) is taken from the tree where it is not under charts/, as `helm dependency build` would.
    Raises RenderError for a chart that is too large, and for an archive that cannot be read.
    """
    made = ChartFiles()
    _add_folder(made, chart, "", report_path)
    _DependencyCompletion(made, tree).complete_dependencies("", [""], chart, report_path, 0)
    return made


def _add_folder(chart_files: ChartFiles, folder: Path, prefix: str, report_path: str) -> None:
    """A folder's files; a link that leads out of it is left out, for a template can print any file of its chart."""
    for parent, names, here in os.walk(folder, followlinks=False):
        names[:] = sorted(name for name in names if name != GIT_FOLDER and not (Path(parent) / name).is_symlink())
        for name in sorted(here):
            path = Path(parent) / name
            if not path.is_file() or (path.is_symlink() and not is_inside(folder, path)):
                continue
            inside = path.relative_to(folder).as_posix()
            try:
                text = reading.read_regular_file(path, MAX_BYTES)
            except OSError as error:
                if path.stat().st_size > MAX_BYTES:
                    raise LimitError(f"the chart has over {MAX_FILES} files or {MAX_BYTES >> 20} MiB") from None
                raise RenderError(f"{inside} cannot be read: {error.strerror}") from None
            chart_files.add_file(prefix + inside, posixpath.join(report_path, inside), text)


def is_inside(chart: Path, path: Path) -> bool:
    """Whether a file of a chart, or what it leads to by a link, stands in the chart."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(chart))


class _DependencyCompletion:
    """One pass over a chart and the charts inside it."""

    def __init__(self, made: ChartFiles, tree: ConfinedTree) -> None:
        self.made = made
        self.tree = tree

    def complete_dependencies(
        self, prefix: str, names: list[str], disk_folder: Path | None, report_path: str, depth: int
    ) -> None:
        """Unpack what a chart has under charts/, add its local dependencies, note what is absent, and go into each.

        `prefix` is the chart's folder in the copy, `names` are Helm's prefixes for it, `disk_folder` its folder on the disk, None
        where it comes from an archive.
        """
        if depth > _MAX_CHART_DEPTH:
            raise RenderError(f"charts stand over {_MAX_CHART_DEPTH} deep inside each other")
        declared = list(declared_dependencies(self.made, prefix))
        below = self._subcharts(prefix, report_path)
        known = {name for name, _, _ in below.values()}
        for dependency in declared:
            if dependency.name in known:
                continue
            known.add(dependency.name)
            reason = self._add_local_dependency(dependency, prefix, disk_folder, below) if dependency.repository else ""
            if reason is not None:
                self.made.absent_dependencies.append(AbsentDependency(dependency, report_path, reason))
        for folder, (name, inner, place) in below.items():
            called = [one.alias or name for one in declared if one.name == name]
            mine = [f"{outer}charts/{one}/" for outer in names for one in dict.fromkeys([*called, name])]
            self.made.copy_folder_by_helm_path |= dict.fromkeys(mine, folder)
            if len(self.made.copy_folder_by_helm_path) > MAX_FILES:
                raise LimitError(f"it takes in over {MAX_FILES} subcharts, one counted for each alias")
            self.complete_dependencies(folder, mine, inner, place, depth + 1)

    def _subcharts(self, prefix: str, report_path: str) -> dict[str, tuple[str, Path | None, str]]:
        """(name, folder on the disk, path in reports) of the charts under charts/, by their folders in the copy."""
        begin = f"{prefix}charts/"
        inside = sorted(path for path in self.made.content_by_path if path.startswith(begin))
        for path in inside:
            if path.endswith(ARCHIVE_SUFFIX) and "/" not in path.removeprefix(begin):
                self._unpack_archive(path)
        below: dict[str, tuple[str, Path | None, str]] = {}
        for path in sorted(self.made.content_by_path):
            if not path.startswith(begin) or not path.endswith(f"/{CHART_FILENAME}"):
                continue
            folder = path.removesuffix(CHART_FILENAME)
            if folder.removeprefix(begin).count("/") != 1 or folder.removeprefix(begin)[0] in "._":
                continue
            place = posixpath.dirname(self.made.report_path_by_path[path])
            on_disk = self.tree.base / place
            below[folder] = (self._chart_name(path), on_disk if on_disk.is_dir() else None, place)
        return below

    def _unpack_archive(self, path: str) -> None:
        """Put an archive's files in its place."""
        shown = self.made.report_path_by_path.pop(path)
        data = self.made.content_by_path.pop(path)
        self.made.size -= len(data)
        try:
            found = archive.unpacked_files(data)
        except ArchiveError as error:
            raise RenderError(f"{shown} cannot be unpacked: {error}") from None
        self.made.unpacked_archives.append(shown)
        for inside, text in found.items():
            self.made.add_file(
                f"{path.removesuffix(ARCHIVE_SUFFIX)}-unpacked/{inside}",
                posixpath.join(shown, inside),
                text,
            )

    def _add_local_dependency(
        self,
        dependency: Dependency,
        prefix: str,
        disk_folder: Path | None,
        subcharts: dict[str, tuple[str, Path | None, str]],
    ) -> str | None:
        """Takes in a dependency from a folder of the tree; why not, None where that is done.

        That is where `file://` leads, or a chart of that name and version beside this one, which the repository publishes.
        """
        if disk_folder is None:
            return ""
        beside = not dependency.repository.startswith(_LOCAL_REPOSITORY_PREFIX)
        given = f"../{dependency.name}" if beside else dependency.repository.removeprefix(_LOCAL_REPOSITORY_PREFIX)
        if beside and not self._is_beside(dependency, disk_folder, given):
            return ""
        try:
            there = self.tree.real_folder_path(posixpath.join(self.tree.path_in_tree(disk_folder), given))
        except OutsideError:
            return f"{dependency.repository} leads out of the tree and is not read"
        folder = self.tree.root / there if there is not None else None
        if folder is None or not (folder / CHART_FILENAME).is_file():
            return f"there is no chart at {dependency.repository}"
        if Path(os.path.realpath(disk_folder)).is_relative_to(folder):
            return f"{dependency.repository} holds the chart itself"
        target = f"{prefix}charts/local-{len(subcharts)}/"
        shown = self.tree.report_path(there or "")
        _add_folder(self.made, folder, target, shown)
        self.made.outside_folders_read.append(shown)
        name = self._chart_name(target + CHART_FILENAME)
        subcharts[target] = (name, folder, shown)
        return None if name == dependency.name else f"the chart at {dependency.repository} is called {name}"

    def _is_beside(self, dependency: Dependency, disk_folder: Path, given: str) -> bool:
        """Whether a chart beside one is a dependency that it declares: by its name, and by the version as far as one is given."""
        if not _CHART_NAME.fullmatch(dependency.name):
            return False
        try:
            there = self.tree.real_folder_path(posixpath.join(self.tree.path_in_tree(disk_folder), given))
            path = self.tree.root / there / CHART_FILENAME if there is not None else None
            about = _parse_mapping(reading.read_regular_file(path, MAX_BYTES)) if path is not None else None
        except (OSError, OutsideError):
            return False
        if about is None:
            return False
        found = about.get("name") == dependency.name and _may_be_version(dependency.version, about.string_under("version"))
        if not found:
            self.made.outside_folders_read.append(self.tree.report_path(there or ""))  # another version changes the result
        return found

    def _chart_name(self, path: str) -> str:
        about = _parse_mapping(self.made.content_by_path.get(path, b""))
        name = about.get("name") if about else None
        return name if isinstance(name, str) else ""


def _may_be_version(wanted: str, version: str) -> bool:
    """Whether a chart's version fits what is asked for: each number that is given, and those that `^` and `~` leave fixed."""
    found = _WANTED_VERSION.fullmatch(wanted.strip())
    given = version.removeprefix("v").split("-")[0].split(".")
    if found is None:
        return False
    numbers = [one for one in found["numbers"].split(".") if one.isdigit()]
    if found["sign"] in ("^", ">="):
        numbers = numbers[: 2 if numbers[:1] == ["0"] else 1]
    elif found["sign"] == "~":
        numbers = numbers[:2]
    return given[: len(numbers)] == numbers


def declared_dependencies(chart_files: ChartFiles, prefix: str) -> Iterator[Dependency]:
    """What a chart of the copy declares, in Chart.yaml, and for charts of apiVersion v1 in requirements.yaml."""
    for name in (CHART_FILENAME, "requirements.yaml"):
        text = chart_files.content_by_path.get(prefix + name)
        if text is not None:
            source = Source(chart_files.report_path_by_path[prefix + name], text.decode("utf-8", "replace"))
            yield from dependencies_in(source)


def dependencies_in(source: Source) -> Iterator[Dependency]:
    """The entries of a file's `dependencies`."""
    about = _parse_mapping(source.text.encode("utf-8", "replace"))
    listed = about.get("dependencies") if about else None
    for node in listed if isinstance(listed, Seq) else ():
        if isinstance(node, Map) and isinstance(node.get("name"), str):
            words = [node.get(key) for key in ("alias", "version", "repository")]
            alias, version, repository = (one if isinstance(one, str) else "" for one in words)
            span = source.one_line(node.at())
            yield Dependency(source, span, node["name"], alias, version, repository)


def _parse_mapping(text: bytes) -> Map | None:
    try:
        documents = load_yaml_documents(text.decode("utf-8", "replace"))
    except ParseError:
        return None
    return documents[0] if documents and isinstance(documents[0], Map) else None


def dependencies_text(absent: Iterable[AbsentDependency]) -> str:
    """What a message calls dependencies: `dependency a`, `dependencies a and b`."""
    names = dict.fromkeys(one.dependency.name for one in absent)
    return f"{'dependency' if len(names) == 1 else 'dependencies'} {join_names(names)}"
