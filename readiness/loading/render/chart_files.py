"""All files that Helm would render of a chart: its own, its subcharts' in folders and archives, and local dependencies.

What stands in an archive gets a path as if the archive were a folder, for reports and for the copy that is rendered.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import field
from pathlib import Path

from readiness import files as reading
from readiness.loading.render import archive
from readiness.loading.render.archive import ARCHIVE_SUFFIX, MAX_BYTES_PER_CHART, MAX_FILES_PER_CHART, ArchiveError
from readiness.loading.render.made import LimitError, RenderError
from readiness.loading.render.tree import ConfinedTree
from readiness.model import ParseError, Source, Span, join_names
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.syntax.yaml import Map, Seq, load_yaml_documents
from readiness.tree_paths import OutsideError, is_inside_folder, is_version_control_name, link_refusal_reason

CHART_FILENAME = "Chart.yaml"
REASON_LINK_TO_FOLDER = "a link to a directory, which is not followed"
_SUBCHART_PREFIX = lazy_regex(r"(?:\A|(?<=/))charts/[^/]+/")
_HELM_READS_PATH = lazy_regex(r"(?:\A|/)(?:(?:templates|charts|ci)(?:/|\Z)|values[\w.-]*\.ya?ml\Z|values\.schema\.json\Z|Chart\.(?:yaml|lock)\Z)")
_MAX_SUBCHART_DEPTH = 10  # of charts inside charts
_LOCAL_REPOSITORY_PREFIX = "file://"
_CHART_NAME = lazy_regex(r"[a-z0-9][a-z0-9.-]{0,200}")
_VERSION_CONSTRAINT = lazy_regex(r"(?P<sign>\^|~|>=|=?)[ ]?v?(?P<numbers>[0-9xX*]{1,9}(?:\.[0-9xX*]{1,9}){0,2})(?:-[\w.]{1,40})?")


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
    outside of the chart that were read, `refusal_reason_by_path` why files and folders in it were not.
    """

    content_by_path: dict[str, bytes] = field(default_factory=dict)
    report_path_by_path: dict[str, str] = field(default_factory=dict)
    copy_folder_by_helm_path: dict[str, str] = field(default_factory=dict)
    absent_dependencies: list[AbsentDependency] = field(default_factory=list)
    unpacked_archives: list[str] = field(default_factory=list)
    outside_folders_read: list[str] = field(default_factory=list)
    refusal_reason_by_path: dict[str, str] = field(default_factory=dict)
    size: int = 0

    def add_file(self, path_in_copy: str, report_path: str, content: bytes) -> None:
        """Take in a file. Raises RenderError for one too many."""
        self.content_by_path[path_in_copy], self.report_path_by_path[path_in_copy] = content, report_path
        self.size += len(content)
        if len(self.content_by_path) > MAX_FILES_PER_CHART or self.size > MAX_BYTES_PER_CHART:
            raise LimitError(f"the chart has over {MAX_FILES_PER_CHART} files or {MAX_BYTES_PER_CHART >> 20} MiB")

    def missed_refusals(self) -> Iterator[tuple[str, str]]:
        """(path as reports print it, reason) of what was refused and Helm would have used: templates, charts, values, and files that templates print.

        A README, a licence or a `.helmignore` that is linked to the repository's own is in no chart's way, nor in that of a chart under charts/.
        """
        for path_in_copy, reason in self.refusal_reason_by_path.items():
            path_in_own_chart = _SUBCHART_PREFIX.sub("", path_in_copy)
            if posixpath.basename(path_in_copy) == ".helmignore":
                continue  # says what is left out of a package; what a template prints, it does not name
            if _HELM_READS_PATH.search(path_in_own_chart) or self._may_be_printed(path_in_copy):
                yield self.report_path_by_path[path_in_copy], reason

    def _may_be_printed(self, path_in_copy: str) -> bool:
        """Whether a template may print a file: it names it, or it goes over files by a pattern."""
        return any(
            b".Files" in content and (b".Glob" in content or posixpath.basename(path_in_copy).encode() in content)
            for template_path, content in self.content_by_path.items()
            if "templates/" in f"/{template_path}"
        )

    def template_of(self, helm_template_path: str) -> str:
        """The path in the copy of what Helm calls `CHART/charts/ALIAS/templates/x.yaml`."""
        subchart_names, path_in_subchart = subchart_names_and_rest(helm_template_path)
        helm_subchart_path = "".join(f"charts/{name}/" for name in subchart_names)
        return self.copy_folder_by_helm_path.get(helm_subchart_path, helm_subchart_path) + path_in_subchart


def subchart_names_and_rest(helm_template_path: str) -> tuple[tuple[str, ...], str]:
    """The names of the subcharts on the way to what Helm calls `CHART/charts/ALIAS/templates/x.yaml`, and the rest."""
    path_parts = helm_template_path.split("/")[1:]
    subchart_names = []
    while len(path_parts) > 2 and path_parts[0] == "charts":
        subchart_names.append(path_parts[1])
        path_parts = path_parts[2:]
    return tuple(subchart_names), "/".join(path_parts)


def read_chart(chart_folder: Path, report_path: str, tree: ConfinedTree) -> ChartFiles:
    """All that Helm would render of the chart in a folder that reports call `report_path`.

    A local dependency (`file://`) is taken from the tree where it is not under charts/, as `helm dependency build` would.
    Raises RenderError for a chart that is too large, and for an archive that cannot be read.
    """
    chart_files = ChartFiles()
    _add_folder_files(chart_files, chart_folder, "", report_path)
    _DependencyCompletion(chart_files, tree).complete_dependencies("", [""], chart_folder, report_path, 0)
    return chart_files


def _add_folder_files(chart_files: ChartFiles, folder: Path, copy_prefix: str, report_path: str) -> None:
    """A folder's files; a link that leads out of it is left out, for a template can print any file of its chart."""
    for parent_folder, subfolder_names, file_names in os.walk(folder, followlinks=False):
        linked_folder_names = [entry_name for entry_name in subfolder_names if (Path(parent_folder) / entry_name).is_symlink()]
        subfolder_names[:] = sorted(one for one in subfolder_names if one not in linked_folder_names and not is_version_control_name(one))
        for entry_name in sorted([*file_names, *linked_folder_names]):
            if is_version_control_name(entry_name):  # a chart may be a whole repository
                continue
            file_path = Path(parent_folder) / entry_name
            path_in_folder = file_path.relative_to(folder).as_posix()
            if refusal_reason := _chart_file_refusal(folder, file_path):
                chart_files.refusal_reason_by_path[copy_prefix + path_in_folder] = refusal_reason
                chart_files.report_path_by_path[copy_prefix + path_in_folder] = posixpath.join(report_path, path_in_folder)
                continue
            try:
                content = reading.read_regular_file(file_path, MAX_BYTES_PER_CHART)
            except OSError as error:
                if file_path.stat().st_size > MAX_BYTES_PER_CHART:
                    raise LimitError(f"the chart has over {MAX_FILES_PER_CHART} files or {MAX_BYTES_PER_CHART >> 20} MiB") from None
                raise RenderError(f"{path_in_folder} cannot be read: {error.strerror}") from None
            chart_files.add_file(copy_prefix + path_in_folder, posixpath.join(report_path, path_in_folder), content)


def _chart_file_refusal(chart_folder: Path, file_path: Path) -> str:
    """Why a file of a chart is not read; a link leads to a file of the chart, for a template can print any of them. Empty where it is."""
    if file_path.is_symlink():
        if file_path.is_dir() and is_inside_folder(chart_folder, file_path):
            return REASON_LINK_TO_FOLDER
        return link_refusal_reason(file_path, [os.path.realpath(chart_folder)])
    special_type = reading.special_file_type(file_path.lstat().st_mode)
    return f"it is {special_type}, no regular file" if special_type else ""


class _DependencyCompletion:
    """One pass over a chart and the charts inside it."""

    def __init__(self, chart_files: ChartFiles, tree: ConfinedTree) -> None:
        self.made = chart_files
        self.tree = tree

    def complete_dependencies(self, copy_folder: str, helm_prefixes: list[str], disk_folder: Path | None, report_path: str, depth: int) -> None:
        """Unpack what a chart has under charts/, add its local dependencies, note what is absent, and go into each.

        `copy_folder` is the chart's folder in the copy, `helm_prefixes` are Helm's prefixes for it, `disk_folder` its folder on the disk, None
        where it comes from an archive.
        """
        if depth > _MAX_SUBCHART_DEPTH:
            raise RenderError(f"charts stand over {_MAX_SUBCHART_DEPTH} deep inside each other")
        dependencies = list(declared_dependencies(self.made, copy_folder))
        subchart_by_copy_folder = self._subcharts(copy_folder, report_path)
        known_chart_names = {subchart_name for subchart_name, _, _ in subchart_by_copy_folder.values()}
        for dependency in dependencies:
            if dependency.name in known_chart_names:
                continue
            known_chart_names.add(dependency.name)
            absence_reason = (
                self._add_local_dependency(dependency, copy_folder, disk_folder, subchart_by_copy_folder) if dependency.repository else ""
            )
            if absence_reason is not None:
                self.made.absent_dependencies.append(AbsentDependency(dependency, report_path, absence_reason))
        for subchart_copy_folder, (
            subchart_name,
            subchart_disk_folder,
            subchart_report_path,
        ) in subchart_by_copy_folder.items():
            dependency_aliases = [one.alias or subchart_name for one in dependencies if one.name == subchart_name]
            subchart_helm_prefixes = [
                f"{helm_prefix}charts/{one}/" for helm_prefix in helm_prefixes for one in dict.fromkeys([*dependency_aliases, subchart_name])
            ]
            self.made.copy_folder_by_helm_path |= dict.fromkeys(subchart_helm_prefixes, subchart_copy_folder)
            if len(self.made.copy_folder_by_helm_path) > MAX_FILES_PER_CHART:
                raise LimitError(f"it takes in over {MAX_FILES_PER_CHART} subcharts, one counted for each alias")
            self.complete_dependencies(subchart_copy_folder, subchart_helm_prefixes, subchart_disk_folder, subchart_report_path, depth + 1)

    def _subcharts(self, copy_folder: str, chart_report_path: str) -> dict[str, tuple[str, Path | None, str]]:
        """(name, folder on the disk, path in reports) of the charts under charts/, by their folders in the copy."""
        charts_folder_prefix = f"{copy_folder}charts/"
        paths_under_charts = sorted(path_in_copy for path_in_copy in self.made.content_by_path if path_in_copy.startswith(charts_folder_prefix))
        for path_in_copy in paths_under_charts:
            if path_in_copy.endswith(ARCHIVE_SUFFIX) and "/" not in path_in_copy.removeprefix(charts_folder_prefix):
                self._unpack_archive(path_in_copy)
        subchart_by_folder: dict[str, tuple[str, Path | None, str]] = {}
        for path_in_copy in sorted(self.made.content_by_path):
            if not path_in_copy.startswith(charts_folder_prefix) or not path_in_copy.endswith(f"/{CHART_FILENAME}"):
                continue
            subchart_copy_folder = path_in_copy.removesuffix(CHART_FILENAME)
            if (
                subchart_copy_folder.removeprefix(charts_folder_prefix).count("/") != 1
                or subchart_copy_folder.removeprefix(charts_folder_prefix)[0] in "._"
            ):
                continue
            subchart_report_path = posixpath.dirname(self.made.report_path_by_path[path_in_copy])
            disk_folder = self.tree.base / subchart_report_path
            subchart_by_folder[subchart_copy_folder] = (
                self._chart_name(path_in_copy),
                disk_folder if disk_folder.is_dir() else None,
                subchart_report_path,
            )
        return subchart_by_folder

    def _unpack_archive(self, archive_path: str) -> None:
        """Put an archive's files in its place."""
        archive_report_path = self.made.report_path_by_path.pop(archive_path)
        archive_bytes = self.made.content_by_path.pop(archive_path)
        self.made.size -= len(archive_bytes)
        try:
            content_by_path = archive.content_by_path_in_chart(archive_bytes)
        except ArchiveError as error:
            raise RenderError(f"{archive_report_path} cannot be unpacked: {error}") from None
        self.made.unpacked_archives.append(archive_report_path)
        for path_in_archive, content in content_by_path.items():
            self.made.add_file(
                f"{archive_path.removesuffix(ARCHIVE_SUFFIX)}-unpacked/{path_in_archive}",
                posixpath.join(archive_report_path, path_in_archive),
                content,
            )

    def _add_local_dependency(
        self,
        dependency: Dependency,
        copy_folder: str,
        disk_folder: Path | None,
        subchart_by_copy_folder: dict[str, tuple[str, Path | None, str]],
    ) -> str | None:
        """Takes in a dependency from a folder of the tree; why not, None where that is done.

        That is where `file://` leads, or a chart of that name and version beside this one, which the repository publishes.
        """
        if disk_folder is None:
            return ""
        is_sibling_chart = not dependency.repository.startswith(_LOCAL_REPOSITORY_PREFIX)
        relative_chart_path = f"../{dependency.name}" if is_sibling_chart else dependency.repository.removeprefix(_LOCAL_REPOSITORY_PREFIX)
        if is_sibling_chart and not self._is_beside(dependency, disk_folder, relative_chart_path):
            return ""
        try:
            chart_path_in_tree = self.tree.real_folder_path(posixpath.join(self.tree.path_in_tree(disk_folder), relative_chart_path))
        except OutsideError:
            return f"{dependency.repository} leads out of the tree and is not read"
        dependency_folder = self.tree.root / chart_path_in_tree if chart_path_in_tree is not None else None
        if dependency_folder is None or not (dependency_folder / CHART_FILENAME).is_file():
            return f"there is no chart at {dependency.repository}"
        if Path(os.path.realpath(disk_folder)).is_relative_to(dependency_folder):
            return f"{dependency.repository} holds the chart itself"
        dependency_copy_folder = f"{copy_folder}charts/local-{len(subchart_by_copy_folder)}/"
        dependency_report_path = self.tree.report_path(chart_path_in_tree or "")
        _add_folder_files(self.made, dependency_folder, dependency_copy_folder, dependency_report_path)
        self.made.outside_folders_read.append(dependency_report_path)
        chart_name = self._chart_name(dependency_copy_folder + CHART_FILENAME)
        subchart_by_copy_folder[dependency_copy_folder] = (chart_name, dependency_folder, dependency_report_path)
        return None if chart_name == dependency.name else f"the chart at {dependency.repository} is called {chart_name}"

    def _is_beside(self, dependency: Dependency, disk_folder: Path, sibling_path: str) -> bool:
        """Whether a chart beside one is a dependency that it declares: by its name, and by the version as far as one is given."""
        if not _CHART_NAME.fullmatch(dependency.name):
            return False
        try:
            sibling_path_in_tree = self.tree.real_folder_path(posixpath.join(self.tree.path_in_tree(disk_folder), sibling_path))
            chart_yaml_path = self.tree.root / sibling_path_in_tree / CHART_FILENAME if sibling_path_in_tree is not None else None
            chart_yaml = (
                _first_mapping_in_yaml(reading.read_regular_file(chart_yaml_path, MAX_BYTES_PER_CHART)) if chart_yaml_path is not None else None
            )
        except (OSError, OutsideError):
            return False
        if chart_yaml is None:
            return False
        is_declared_chart = chart_yaml.get("name") == dependency.name and _may_satisfy_constraint(
            dependency.version, chart_yaml.string_under("version")
        )
        if not is_declared_chart:
            self.made.outside_folders_read.append(self.tree.report_path(sibling_path_in_tree or ""))  # another version changes the result
        return is_declared_chart

    def _chart_name(self, chart_yaml_path: str) -> str:
        chart_yaml = _first_mapping_in_yaml(self.made.content_by_path.get(chart_yaml_path, b""))
        name = chart_yaml.get("name") if chart_yaml else None
        return name if isinstance(name, str) else ""


def _may_satisfy_constraint(constraint: str, chart_version: str) -> bool:
    """Whether a chart's version fits what is asked for: each number that is given, and those that `^` and `~` leave fixed."""
    constraint_match = _VERSION_CONSTRAINT.fullmatch(constraint.strip())
    version_numbers = chart_version.removeprefix("v").split("-")[0].split(".")
    if constraint_match is None:
        return False
    fixed_numbers = [one for one in constraint_match["numbers"].split(".") if one.isdigit()]
    if constraint_match["sign"] in ("^", ">="):
        fixed_numbers = fixed_numbers[: 2 if fixed_numbers[:1] == ["0"] else 1]
    elif constraint_match["sign"] == "~":
        fixed_numbers = fixed_numbers[:2]
    return version_numbers[: len(fixed_numbers)] == fixed_numbers


def declared_dependencies(chart_files: ChartFiles, copy_folder: str) -> Iterator[Dependency]:
    """What a chart of the copy declares, in Chart.yaml, and for charts of apiVersion v1 in requirements.yaml."""
    for declaring_file_name in (CHART_FILENAME, "requirements.yaml"):
        content = chart_files.content_by_path.get(copy_folder + declaring_file_name)
        if content is not None:
            declaring_source = Source(chart_files.report_path_by_path[copy_folder + declaring_file_name], content.decode("utf-8-sig", "replace"))
            yield from dependencies_in(declaring_source)


def dependencies_in(declaring_source: Source) -> Iterator[Dependency]:
    """The entries of a file's `dependencies`."""
    chart_yaml = _first_mapping_in_yaml(declaring_source.text.encode("utf-8", "replace"))
    dependency_entries = chart_yaml.get("dependencies") if chart_yaml else None
    for dependency_entry in dependency_entries if isinstance(dependency_entries, Seq) else ():
        if isinstance(dependency_entry, Map) and isinstance(dependency_entry.get("name"), str):
            alias_version_and_repository = [dependency_entry.get(key) for key in ("alias", "version", "repository")]
            alias, version, repository = (one if isinstance(one, str) else "" for one in alias_version_and_repository)
            span = declaring_source.one_line(dependency_entry.at())
            yield Dependency(declaring_source, span, dependency_entry["name"], alias, version, repository)


def _first_mapping_in_yaml(yaml_bytes: bytes) -> Map | None:
    try:
        documents = load_yaml_documents(yaml_bytes.decode("utf-8-sig", "replace"))
    except ParseError:
        return None
    return documents[0] if documents and isinstance(documents[0], Map) else None


def dependencies_text(absent_dependencies: Iterable[AbsentDependency]) -> str:
    """What a message calls dependencies: `dependency a`, `dependencies a and b`."""
    dependency_names = dict.fromkeys(one.dependency.name for one in absent_dependencies)
    return f"{'dependency' if len(dependency_names) == 1 else 'dependencies'} {join_names(dependency_names)}"
