"""GitOps objects: which chart of the tree each installs, with which values, as what; and what stands elsewhere."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import TYPE_CHECKING, Any

from readiness import tree_paths
from readiness.kinds.k8s.model import Object
from readiness.kinds.k8s.releases import (
    HelmReleaseValues,
    argo_application_sources,
    argo_application_spec,
    is_helm_release,
    release_values_of,
)
from readiness.loading.assembly import CAUSE_NOT_IN_TREE, Assembly
from readiness.loading.discover import DiscoveredFiles
from readiness.loading.refused import RefusedRows, path_relative_to_root
from readiness.loading.render.made import GeneratedSource, written_source_and_span
from readiness.model import Source, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project, parent_folders
from readiness.model.records import dataclass
from readiness.syntax.yaml import Map, Seq

if TYPE_CHECKING:
    from readiness.loading.render import helm
    from readiness.loading.render.kustomize import Kustomization

_MAX_RELEASES_PER_CHART = 100  # releases of one chart that are rendered
_MAX_VALUES_FILES_PER_RELEASE = 50  # values files of one release of which it is told that they are not in the tree
_URL_CREDENTIALS = lazy_regex(r"//[^/@\s]{0,500}@")
_RELEASE_OR_NAMESPACE_NAME = lazy_regex(r"[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?")
_MAX_PARAMETER_KEY_DEPTH = 50  # of the keys of a parameter


@dataclass(frozen=True, slots=True)
class ChartRelease:
    """One chart that an object installs. `chart_reference` is what it names, `is_local_path` whether that is a path in a repository.

    `values_files` are further values files, relative to the chart or, with a leading `/`, to the tree; `parameters` are single
    values.
    """

    owner: Object
    chart_reference: str
    is_local_path: bool
    repository: str
    name: str
    namespace: str
    values: tuple[HelmReleaseValues, ...] = ()
    values_files: tuple[str, ...] = ()
    parameters: tuple[tuple[str, Any, Span], ...] = ()


@dataclass(slots=True)
class ReleaseCollector:
    """The releases of a tree: further environments of its charts. `value_places_by_name` is where the values of each stand, by its name."""

    discovered: DiscoveredFiles
    chart_folders: frozenset[str]
    value_places_by_name: dict[str, set[tuple[str, int]]] = field(default_factory=dict)
    _seen_paths: frozenset[str] = frozenset()  # files and folders

    def collect_from_projects(self, projects: Iterable[Project], assembly: Assembly) -> dict[str, list[helm.ValuesEnvironment]]:
        """The releases in projects by the folders of their charts; the rows of those whose charts are elsewhere say so."""
        environments_by_chart: dict[str, list[helm.ValuesEnvironment]] = {}
        for project in projects:
            for document in [] if project.prose else project.documents_of_kind("k8s"):
                for kubernetes_object in document.objects:
                    for release in releases_of(kubernetes_object):
                        self._add_release(release, assembly, environments_by_chart)
        return environments_by_chart

    def collect_inflated(
        self,
        overlays: Iterable[Kustomization],
        environments_by_chart: dict[str, list[helm.ValuesEnvironment]],
    ) -> None:
        """The charts of the tree that kustomizations inflate (`helmCharts`), with their inline values."""
        for overlay in overlays:
            for helm_chart_entry in overlay.helm_charts:
                release = _inflated_chart_release(overlay, helm_chart_entry)
                chart_folder = self._chart_folder(release)
                if chart_folder is not None:
                    self._add_environment(release, chart_folder, environments_by_chart)

    def value_places(self, release_names: Iterable[str]) -> frozenset[tuple[str, int]]:
        """Where the values of releases stand, of those with such names."""
        return frozenset().union(*(self.value_places_by_name.get(name, ()) for name in release_names))

    def _add_release(
        self,
        release: ChartRelease,
        assembly: Assembly,
        environments_by_chart: dict[str, list[helm.ValuesEnvironment]],
    ) -> None:
        chart_folder = self._chart_folder(release) if release.is_local_path else None
        if chart_folder is None:
            if not (release.is_local_path and self._is_there(release.chart_reference)):
                _note_chart_outside_tree(release, assembly)
            return
        self._add_environment(release, chart_folder, environments_by_chart)
        for values_file_path in release.values_files[:_MAX_VALUES_FILES_PER_RELEASE]:
            if self._values_file(values_file_path, chart_folder) is None and "://" not in values_file_path:
                self._note_refused_values(release, values_file_path, chart_folder, assembly)

    def _note_refused_values(self, release: ChartRelease, values_file_path: str, chart_folder: str, assembly: Assembly) -> None:
        """Note in a file's row that values which it names lead out of the tree, or are no file that may be read."""
        from readiness.loading.render.inputs import named_path_input
        from readiness.loading.render.tree import tree_root_of_folder

        base_folder = self.discovered.base
        root = tree_root_of_folder(base_folder / chart_folder, [base_folder / one for one in self.discovered.walked_folders])
        path_in_chart = posixpath.join("" if values_file_path.startswith("/") else chart_folder, values_file_path.lstrip("/"))
        path_in_tree = path_relative_to_root(path_in_chart, base_folder, root)
        assembly.render_inputs.append(named_path_input(root, path_in_tree, base_folder))
        refused = tree_paths.refused_path_and_reason(root, path_in_tree)
        if refused is not None:
            reason = f"{release.owner.resource}: the values {values_file_path} were not taken in: {refused[1]}"
            RefusedRows(assembly, {}).note_out_of_tree(_root_source_of(release.owner).path, reason, is_gap=True)

    def _add_environment(
        self,
        release: ChartRelease,
        chart_folder: str,
        environments_by_chart: dict[str, list[helm.ValuesEnvironment]],
    ) -> None:
        chart_environments = environments_by_chart.setdefault(chart_folder, [])
        environment = self._make_environment(release, chart_folder)
        if len(chart_environments) < _MAX_RELEASES_PER_CHART and environment.name not in self.value_places_by_name:
            chart_environments.append(environment)
            self.value_places_by_name[environment.name] = {one.root_location for one in release.values}

    def _repository_roots(self) -> Iterator[str]:
        """The folders that a path of a repository may start from: the tree's, and those that were given."""
        yield ""
        yield from sorted(self.discovered.walked_folders)

    def _chart_folder(self, release: ChartRelease) -> str | None:
        """The chart of the tree that a release installs."""
        for repository_root in self._repository_roots():
            candidate_folder = posixpath.normpath(posixpath.join(repository_root, release.chart_reference.lstrip("/")))
            candidate_folder = "" if candidate_folder == "." else candidate_folder
            if candidate_folder in self.chart_folders:
                return candidate_folder
        return None

    def _is_there(self, manifests_path: str) -> bool:
        """Whether manifests stand at a path: the walk judged them."""
        if not self._seen_paths:
            self._seen_paths = frozenset((*self.discovered.paths, *(folder for path in self.discovered.paths for folder in parent_folders(path))))
        for repository_root in self._repository_roots():
            candidate_folder = posixpath.normpath(posixpath.join(repository_root, manifests_path.lstrip("/")))
            if candidate_folder == "." or candidate_folder in self._seen_paths:
                return True
        return False

    def _make_environment(self, release: ChartRelease, chart_folder: str) -> helm.ValuesEnvironment:
        from readiness.loading.render import helm

        values_texts: list[str] = []
        values_sources_and_nodes: list[tuple[Source, Map | None]] = []
        for values_file_path in release.values_files:
            values_file = self._values_file(values_file_path, chart_folder)
            if values_file is not None:
                values_texts.append(values_file.text)
                values_sources_and_nodes.append((values_file, None))
        for inline_values in release.values:
            values_texts.append(json.dumps(inline_values.node))
            values_sources_and_nodes.append((inline_values.source, inline_values.node))
        if release.parameters:
            parameters_mapping = _parameters_as_mapping(release.parameters)
            values_texts.append(json.dumps(parameters_mapping))
            values_sources_and_nodes.append((release.owner.source, parameters_mapping))
        return helm.ValuesEnvironment(
            _environment_name(release),
            tuple(values_texts),
            release_name=_valid_name_or_empty(release.name) or helm.DEFAULT_RELEASE_NAME,
            namespace=_valid_name_or_empty(release.namespace) or helm.DEFAULT_NAMESPACE,
            values_sources=tuple(values_sources_and_nodes),
        )

    def _values_file(self, values_file_path: str, chart_folder: str) -> Source | None:
        """A values file that the walk read; a remote one, or one that is not there, is none."""
        if "://" in values_file_path:
            return None
        unnormalized_paths = [posixpath.join(root, values_file_path.lstrip("/")) for root in self._repository_roots()]
        if not values_file_path.startswith("/"):
            unnormalized_paths.insert(0, posixpath.join(chart_folder, values_file_path))
        candidate_paths = [posixpath.normpath(one) for one in unnormalized_paths]
        source_by_path = {one.path: one for one in self.discovered.sources if one.path in candidate_paths}
        return next((source_by_path[one] for one in candidate_paths if one in source_by_path), None)


def releases_of(kubernetes_object: Object) -> Iterator[ChartRelease]:
    """What an object installs."""
    if not is_helm_release(kubernetes_object):
        return
    if kubernetes_object.kind == "HelmRelease":
        yield _flux_release(kubernetes_object)
    elif kubernetes_object.kind == "HelmChart":
        helm_chart_spec = kubernetes_object.spec
        yield ChartRelease(
            kubernetes_object,
            helm_chart_spec.string_under("chart") or "(packed into the object)",
            False,
            helm_chart_spec.string_under("repo"),
            kubernetes_object.name,
            helm_chart_spec.string_under("targetNamespace"),
            tuple(release_values_of(kubernetes_object)),
        )
    elif kubernetes_object.group == "argoproj.io":
        yield from _argo_releases(kubernetes_object)


def _flux_release(helm_release: Object) -> ChartRelease:
    """https://fluxcd.io/flux/components/helm/helmreleases/"""
    release_spec = helm_release.spec
    chart_spec = release_spec.mapping_at_path("chart", "spec")
    old_chart_mapping = release_spec.mapping_at_path("chart")  # helm.fluxcd.io: chart: {git: ..., path: ...}
    source_reference = chart_spec.mapping_at_path("sourceRef")
    chart_reference = release_spec.mapping_at_path("chartRef")
    target_namespace = release_spec.string_under("targetNamespace")
    release_name = release_spec.string_under("releaseName") or (f"{target_namespace}-{helm_release.name}" if target_namespace else helm_release.name)
    return ChartRelease(
        helm_release,
        chart_spec.string_under("chart")
        or old_chart_mapping.string_under("path")
        or old_chart_mapping.string_under("name")
        or f"{chart_reference.get('kind')}/{chart_reference.get('name')}",
        source_reference.get("kind") in {"GitRepository", "Bucket"} or "path" in old_chart_mapping,
        source_reference.string_under("name") or old_chart_mapping.string_under("repository"),
        release_name,
        target_namespace or helm_release.namespace,
        tuple(release_values_of(helm_release)),
        tuple(f"/{path}" for path in chart_spec.get("valuesFiles") or () if isinstance(path, str))
        if isinstance(chart_spec.get("valuesFiles"), Seq)
        else (),
    )


def _argo_releases(argo_object: Object) -> Iterator[ChartRelease]:
    """https://argo-cd.readthedocs.io/en/stable/user-guide/helm/"""
    destination_namespace = argo_application_spec(argo_object).mapping_at_path("destination").string_under("namespace")
    for application_source in argo_application_sources(argo_object):
        chart_name, path = application_source.string_under("chart"), application_source.string_under("path")
        if not chart_name and not path:
            continue  # a source of values files alone
        helm_settings = application_source.mapping_at_path("helm")
        value_files = helm_settings.get("valueFiles")
        yield ChartRelease(
            argo_object,
            chart_name or path,
            not chart_name,
            application_source.string_under("repoURL"),
            helm_settings.string_under("releaseName") or argo_object.name,
            destination_namespace,
            tuple(release_values_of(argo_object, application_source)),
            tuple(
                "/" + path.partition("/")[2] if path.startswith("$") else path
                for path in (value_files if isinstance(value_files, Seq) else ())
                if isinstance(path, str)
            ),
            tuple(
                (parameter_name, parameter.get("value"), parameter.at("value"))
                for parameter in helm_settings.mappings_under("parameters")
                if (parameter_name := parameter.string_under("name"))
            ),
        )


def _inflated_chart_release(overlay: Kustomization, helm_chart_entry: Map) -> ChartRelease:
    """https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/helmcharts/"""
    kustomization_source = overlay.source
    kustomization_name = overlay.folder or posixpath.basename(kustomization_source.path)
    kustomization_object = Object(kustomization_source, helm_chart_entry, "kustomize.config.k8s.io/v1beta1", "Kustomization", kustomization_name, "")
    inline_values, values_file = helm_chart_entry.get("valuesInline"), helm_chart_entry.string_under("valuesFile")
    chart_name = helm_chart_entry.string_under("name")
    return ChartRelease(
        kustomization_object,
        posixpath.join(overlay.folder, overlay.chart_home, chart_name),
        True,
        helm_chart_entry.string_under("repo"),
        helm_chart_entry.string_under("releaseName") or chart_name,
        helm_chart_entry.string_under("namespace"),
        (HelmReleaseValues(kustomization_source, inline_values, kustomization_object),) if isinstance(inline_values, Map) else (),
        (f"/{posixpath.join(overlay.folder, values_file)}",) if values_file else (),
    )


def _parameters_as_mapping(parameters: Iterable[tuple[str, Any, Span]]) -> Map:
    """Single values (`a.b=x`) as a mapping with their places; those that name an entry of a list are left out."""
    mapping = Map(Span(0, 0))
    for parameter_name, parameter_value, span in parameters:
        *parent_keys, last_key = (part.replace("\0", ".") for part in parameter_name.replace("\\.", "\0").split("."))
        if "[" in parameter_name or len(parent_keys) > _MAX_PARAMETER_KEY_DEPTH:
            continue
        current_mapping: Any = mapping
        for parent_key in parent_keys:
            current_mapping = current_mapping.setdefault(parent_key, Map(span)) if isinstance(current_mapping, Map) else None
        if isinstance(current_mapping, Map):
            current_mapping.put(last_key, {"true": True, "false": False}.get(str(parameter_value), parameter_value), span)
    return mapping


def _root_source_of(kubernetes_object: Object) -> Source:
    """The file that an object was written in."""
    return written_source_and_span(kubernetes_object.source, kubernetes_object.node.at())[0].root


def _valid_name_or_empty(release_or_namespace_name: str) -> str:
    """A name of a release or a namespace, empty for what is none: it becomes a word of a command, and `-x` would be an option."""
    return release_or_namespace_name if _RELEASE_OR_NAMESPACE_NAME.fullmatch(release_or_namespace_name) else ""


def _environment_name(release: ChartRelease) -> str:
    """What reports call the environment that a release is: its file and object, and the overlay where that makes another."""
    installing_object = release.owner
    root_source = installing_object.source.root
    overlay_suffix = f" in {root_source.environment}" if isinstance(root_source, GeneratedSource) else ""
    return f"{installing_object.resource} of {_root_source_of(installing_object).path}{overlay_suffix}"


def _note_chart_outside_tree(release: ChartRelease, assembly: Assembly) -> None:
    """Note in a file's row that something which it installs is not in the tree."""
    installing_file_path = _root_source_of(release.owner).path
    file_status = next((file_status for file_status in assembly.file_statuses if file_status.path == installing_file_path), None)
    if file_status is None or file_status.status != "checked" or file_status.cause not in ("", CAUSE_NOT_IN_TREE):
        return
    reference_noun = "the path" if release.is_local_path else "the chart"
    repository_suffix = f" of {_URL_CREDENTIALS.sub('//', release.repository)}" if release.repository else ""
    what = f"{reference_noun} {release.chart_reference}{repository_suffix}"
    not_rendered_reason = f"{release.owner.resource}: {what} is not in this tree and was not rendered"
    if not_rendered_reason not in file_status.reason:
        file_status.reason = f"{file_status.reason}; {not_rendered_reason}" if file_status.reason else not_rendered_reason
    file_status.cause = CAUSE_NOT_IN_TREE
