"""GitOps objects: which chart of the tree each installs, with which values, as what; and what stands elsewhere."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from readiness.kinds.k8s.model import Object
from readiness.kinds.k8s.releases import (
    HelmReleaseValues,
    argo_sources,
    argo_spec,
    is_release,
    release_values_of,
)
from readiness.loading.assembly import CAUSE_OUTSIDE, Assembly
from readiness.loading.discover import DiscoveredFiles
from readiness.loading.render.made import GeneratedSource, written_place
from readiness.model import Source, Span
from readiness.model.project import Project
from readiness.syntax.yaml import Map, Seq

if TYPE_CHECKING:
    from readiness.loading.render import helm
    from readiness.loading.render.kustomize import Kustomization

_MAX_RELEASES_PER_CHART = 100  # releases of one chart that are rendered
_URL_CREDENTIALS = re.compile(r"//[^/@\s]{0,500}@")
_VALID_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?")
_MAX_KEY_DEPTH = 50  # of the keys of a parameter


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

    def collect_from_projects(self, projects: Iterable[Project], assembly: Assembly) -> dict[str, list[helm.ValuesEnvironment]]:
        """The releases in projects by the folders of their charts; the rows of those whose charts are elsewhere say so."""
        by_chart: dict[str, list[helm.ValuesEnvironment]] = {}
        for project in projects:
            for document in [] if project.prose else project.documents_of_kind("k8s"):
                for obj in document.objects:
                    for release in releases_of(obj):
                        self._add_release(release, assembly, by_chart)
        return by_chart

    def collect_inflated(
        self,
        overlays: Iterable[Kustomization],
        environments_by_chart: dict[str, list[helm.ValuesEnvironment]],
    ) -> None:
        """The charts of the tree that kustomizations inflate (`helmCharts`), with their inline values."""
        for overlay in overlays:
            for entry in overlay.helm_charts:
                release = _inflated_chart_release(overlay, entry)
                folder = self._chart_folder(release)
                if folder is not None:
                    self._add_environment(release, folder, environments_by_chart)

    def value_places(self, names: Iterable[str]) -> frozenset[tuple[str, int]]:
        """Where the values of releases stand, of those with such names."""
        return frozenset().union(*(self.value_places_by_name.get(name, ()) for name in names))

    def _add_release(
        self,
        release: ChartRelease,
        assembly: Assembly,
        environments_by_chart: dict[str, list[helm.ValuesEnvironment]],
    ) -> None:
        folder = self._chart_folder(release) if release.is_local_path else None
        if folder is None:
            if not (release.is_local_path and self._is_there(release.chart_reference)):
                _tell_outside(release, assembly)
            return
        self._add_environment(release, folder, environments_by_chart)

    def _add_environment(
        self,
        release: ChartRelease,
        folder: str,
        environments_by_chart: dict[str, list[helm.ValuesEnvironment]],
    ) -> None:
        listed = environments_by_chart.setdefault(folder, [])
        environment = self._make_environment(release, folder)
        if len(listed) < _MAX_RELEASES_PER_CHART and environment.name not in self.value_places_by_name:
            listed.append(environment)
            self.value_places_by_name[environment.name] = {one.root_location for one in release.values}

    def _repository_roots(self) -> Iterator[str]:
        """The folders that a path of a repository may start from: the tree's, and those that were given."""
        yield ""
        yield from sorted(self.discovered.walked_folders)

    def _chart_folder(self, release: ChartRelease) -> str | None:
        """The chart of the tree that a release installs."""
        for root in self._repository_roots():
            folder = posixpath.normpath(posixpath.join(root, release.chart_reference.lstrip("/")))
            folder = "" if folder == "." else folder
            if folder in self.chart_folders:
                return folder
        return None

    def _is_there(self, path: str) -> bool:
        """Whether manifests stand at a path: the walk judged them."""
        for root in self._repository_roots():
            folder = posixpath.normpath(posixpath.join(root, path.lstrip("/")))
            if folder == "." or any(one == folder or one.startswith(f"{folder}/") for one in self.discovered.paths):
                return True
        return False

    def _make_environment(self, release: ChartRelease, folder: str) -> helm.ValuesEnvironment:
        from readiness.loading.render import helm

        texts: list[str] = []
        given: list[tuple[Source, Map | None]] = []
        for path in release.values_files:
            source = self._values_file(path, folder)
            if source is not None:
                texts.append(source.text)
                given.append((source, None))
        for values in release.values:
            texts.append(json.dumps(values.node))
            given.append((values.source, values.node))
        if release.parameters:
            node = _parameters_as_mapping(release.parameters)
            texts.append(json.dumps(node))
            given.append((release.owner.source, node))
        return helm.ValuesEnvironment(
            _environment_name(release),
            tuple(texts),
            release_name=_valid_name(release.name) or helm.DEFAULT_RELEASE_NAME,
            namespace=_valid_name(release.namespace) or helm.DEFAULT_NAMESPACE,
            values_sources=tuple(given),
        )

    def _values_file(self, path: str, folder: str) -> Source | None:
        """A values file that the walk read; a remote one, or one that is not there, is none."""
        if "://" in path:
            return None
        places = [posixpath.join(root, path.lstrip("/")) for root in self._repository_roots()]
        if not path.startswith("/"):
            places.insert(0, posixpath.join(folder, path))
        wanted = [posixpath.normpath(one) for one in places]
        known = {one.path: one for one in self.discovered.sources if one.path in wanted}
        return next((known[one] for one in wanted if one in known), None)


def releases_of(obj: Object) -> Iterator[ChartRelease]:
    """What an object installs."""
    if not is_release(obj):
        return
    if obj.kind == "HelmRelease":
        yield _flux_release(obj)
    elif obj.kind == "HelmChart":
        spec = obj.spec
        yield ChartRelease(
            obj,
            spec.string_under("chart") or "(packed into the object)",
            False,
            spec.string_under("repo"),
            obj.name,
            spec.string_under("targetNamespace"),
            tuple(release_values_of(obj)),
        )
    elif obj.group == "argoproj.io":
        yield from _argo_releases(obj)


def _flux_release(obj: Object) -> ChartRelease:
    """https://fluxcd.io/flux/components/helm/helmreleases/"""
    spec = obj.spec
    chart = spec.mapping_at_path("chart", "spec")
    old = spec.mapping_at_path("chart")  # helm.fluxcd.io: chart: {git: ..., path: ...}
    given = chart.mapping_at_path("sourceRef")
    reference = spec.mapping_at_path("chartRef")
    target = spec.string_under("targetNamespace")
    named = spec.string_under("releaseName") or (f"{target}-{obj.name}" if target else obj.name)
    return ChartRelease(
        obj,
        chart.string_under("chart")
        or old.string_under("path")
        or old.string_under("name")
        or f"{reference.get('kind')}/{reference.get('name')}",
        given.get("kind") in {"GitRepository", "Bucket"} or "path" in old,
        given.string_under("name") or old.string_under("repository"),
        named,
        target or obj.namespace,
        tuple(release_values_of(obj)),
        tuple(f"/{path}" for path in chart.get("valuesFiles") or () if isinstance(path, str))
        if isinstance(chart.get("valuesFiles"), Seq)
        else (),
    )


def _argo_releases(obj: Object) -> Iterator[ChartRelease]:
    """https://argo-cd.readthedocs.io/en/stable/user-guide/helm/"""
    namespace = argo_spec(obj).mapping_at_path("destination").string_under("namespace")
    for source in argo_sources(obj):
        chart, path = source.string_under("chart"), source.string_under("path")
        if not chart and not path:
            continue  # a source of values files alone
        settings = source.mapping_at_path("helm")
        listed = settings.get("valueFiles")
        yield ChartRelease(
            obj,
            chart or path,
            not chart,
            source.string_under("repoURL"),
            settings.string_under("releaseName") or obj.name,
            namespace,
            tuple(release_values_of(obj, source)),
            tuple(
                "/" + path.partition("/")[2] if path.startswith("$") else path
                for path in (listed if isinstance(listed, Seq) else ())
                if isinstance(path, str)
            ),
            tuple(
                (name, item.get("value"), item.at("value"))
                for item in settings.mappings_under("parameters")
                if (name := item.string_under("name"))
            ),
        )


def _inflated_chart_release(overlay: Kustomization, entry: Map) -> ChartRelease:
    """https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/helmcharts/"""
    where = overlay.source
    name = overlay.folder or posixpath.basename(where.path)
    owner = Object(where, entry, "kustomize.config.k8s.io/v1beta1", "Kustomization", name, "")
    inline, file = entry.get("valuesInline"), entry.string_under("valuesFile")
    chart = entry.string_under("name")
    return ChartRelease(
        owner,
        posixpath.join(overlay.folder, overlay.chart_home, chart),
        True,
        entry.string_under("repo"),
        entry.string_under("releaseName") or chart,
        entry.string_under("namespace"),
        (HelmReleaseValues(where, inline, owner),) if isinstance(inline, Map) else (),
        (f"/{posixpath.join(overlay.folder, file)}",) if file else (),
    )


def _parameters_as_mapping(parameters: Iterable[tuple[str, Any, Span]]) -> Map:
    """Single values (`a.b=x`) as a mapping with their places; those that name an entry of a list are left out."""
    made = Map(Span(0, 0))
    for name, value, span in parameters:
        *above, last = (part.replace("\0", ".") for part in name.replace("\\.", "\0").split("."))
        if "[" in name or len(above) > _MAX_KEY_DEPTH:
            continue
        here: Any = made
        for key in above:
            here = here.setdefault(key, Map(span)) if isinstance(here, Map) else None
        if isinstance(here, Map):
            here.put(last, {"true": True, "false": False}.get(str(value), value), span)
    return made


def _root_source_of(obj: Object) -> Source:
    """The file that an object was written in."""
    return written_place(obj.source, obj.node.at())[0].root


def _valid_name(name: str) -> str:
    """A name of a release or a namespace, empty for what is none: it becomes a word of a command, and `-x` would be an option."""
    return name if _VALID_NAME.fullmatch(name) else ""


def _environment_name(release: ChartRelease) -> str:
    """What reports call the environment that a release is: its file and object, and the overlay where that makes another."""
    owner = release.owner
    root = owner.source.root
    overlay = f" in {root.environment}" if isinstance(root, GeneratedSource) else ""
    return f"{owner.resource} of {_root_source_of(owner).path}{overlay}"


def _tell_outside(release: ChartRelease, assembly: Assembly) -> None:
    """Note in a file's row that something which it installs is not in the tree."""
    path = _root_source_of(release.owner).path
    row = next((row for row in assembly.file_statuses if row.path == path), None)
    if row is None or row.status != "checked" or row.cause not in ("", CAUSE_OUTSIDE):
        return
    what = "the path" if release.is_local_path else "the chart"
    of = f" of {_URL_CREDENTIALS.sub('//', release.repository)}" if release.repository else ""
    reason = f"{release.owner.resource}: {what} {release.chart_reference}{of} is not in this tree and was not rendered"
    if reason not in row.reason:
        row.reason = f"{row.reason}; {reason}" if row.reason else reason
    row.cause = CAUSE_OUTSIDE
