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
    ReleaseValues,
    argo_sources,
    argo_spec,
    is_release,
    values_of,
)
from readiness.loading.assembly import OUTSIDE, Assembly
from readiness.loading.discover import DiscoveredFiles
from readiness.loading.render.made import GeneratedSource
from readiness.model import Source, Span
from readiness.model.project import Project
from readiness.syntax.yaml import Map, Seq

if TYPE_CHECKING:
    from readiness.loading.render import helm
    from readiness.loading.render.kustomize import Kustomization

_MANY = 100  # releases of one chart that are rendered
_CREDENTIALS = re.compile(r"//[^/@\s]{0,500}@")
_VALID = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?")
_DEPTH = 50  # of the keys of a parameter


@dataclass(frozen=True, slots=True)
class Release:
    """One chart that an object installs. `chart` is what it names, `local` whether that is a path in a repository.

    `files` are further values files, relative to the chart or, with a leading `/`, to the tree; `parameters` are single values.
    """

    owner: Object
    chart: str
    local: bool
    repository: str
    name: str
    namespace: str
    values: tuple[ReleaseValues, ...] = ()
    files: tuple[str, ...] = ()
    parameters: tuple[tuple[str, Any, Span], ...] = ()


@dataclass(slots=True)
class Releases:
    """The releases of a tree: further environments of its charts. `written` is where the values of each stand, by its name."""

    discovered: DiscoveredFiles
    charts: frozenset[str]
    written: dict[str, set[tuple[str, int]]] = field(default_factory=dict)

    def collect(
        self, projects: Iterable[Project], assembly: Assembly
    ) -> dict[str, list[helm.Environment]]:
        """The releases in projects by the folders of their charts; the rows of those whose charts are elsewhere say so."""
        by_chart: dict[str, list[helm.Environment]] = {}
        for project in projects:
            for document in [] if project.prose else project.documents("k8s"):
                for obj in document.objects:
                    for release in releases_of(obj):
                        self._add(release, assembly, by_chart)
        return by_chart

    def collect_inflated(
        self, overlays: Iterable[Kustomization], by_chart: dict[str, list[helm.Environment]]
    ) -> None:
        """The charts of the tree that kustomizations inflate (`helmCharts`), with their inline values."""
        for overlay in overlays:
            for entry in overlay.charts:
                release = _inflated(overlay, entry)
                folder = self._folder(release)
                if folder is not None:
                    self._render(release, folder, by_chart)

    def places(self, names: Iterable[str]) -> frozenset[tuple[str, int]]:
        """Where the values of releases stand, of those with such names."""
        return frozenset().union(*(self.written.get(name, ()) for name in names))

    def _add(
        self, release: Release, assembly: Assembly, by_chart: dict[str, list[helm.Environment]]
    ) -> None:
        folder = self._folder(release) if release.local else None
        if folder is None:
            if not (release.local and self._is_there(release.chart)):
                _tell_outside(release, assembly)
            return
        self._render(release, folder, by_chart)

    def _render(
        self, release: Release, folder: str, by_chart: dict[str, list[helm.Environment]]
    ) -> None:
        listed = by_chart.setdefault(folder, [])
        environment = self._environment(release, folder)
        if len(listed) < _MANY and environment.name not in self.written:
            listed.append(environment)
            self.written[environment.name] = {one.place for one in release.values}

    def _roots(self) -> Iterator[str]:
        """The folders that a path of a repository may start from: the tree's, and those that were given."""
        yield ""
        yield from sorted(self.discovered.folders)

    def _folder(self, release: Release) -> str | None:
        """The chart of the tree that a release installs."""
        for root in self._roots():
            folder = posixpath.normpath(posixpath.join(root, release.chart.lstrip("/")))
            folder = "" if folder == "." else folder
            if folder in self.charts:
                return folder
        return None

    def _is_there(self, path: str) -> bool:
        """Whether manifests stand at a path: the walk judged them."""
        for root in self._roots():
            folder = posixpath.normpath(posixpath.join(root, path.lstrip("/")))
            if folder == "." or any(
                one == folder or one.startswith(f"{folder}/") for one in self.discovered.paths
            ):
                return True
        return False

    def _environment(self, release: Release, folder: str) -> helm.Environment:
        from readiness.loading.render import helm

        texts: list[str] = []
        given: list[tuple[Source, Map | None]] = []
        for path in release.files:
            source = self._values_file(path, folder)
            if source is not None:
                texts.append(source.text)
                given.append((source, None))
        for values in release.values:
            texts.append(json.dumps(values.node))
            given.append((values.source, values.node))
        if release.parameters:
            node = _nested(release.parameters)
            texts.append(json.dumps(node))
            given.append((release.owner.source, node))
        return helm.Environment(
            _name(release),
            tuple(texts),
            release=_valid_name(release.name) or helm.RELEASE,
            namespace=_valid_name(release.namespace) or helm.NAMESPACE,
            sources=tuple(given),
        )

    def _values_file(self, path: str, folder: str) -> Source | None:
        """A values file that the walk read; a remote one, or one that is not there, is none."""
        if "://" in path:
            return None
        places = [posixpath.join(root, path.lstrip("/")) for root in self._roots()]
        if not path.startswith("/"):
            places.insert(0, posixpath.join(folder, path))
        wanted = [posixpath.normpath(one) for one in places]
        known = {one.path: one for one in self.discovered.texts if one.path in wanted}
        return next((known[one] for one in wanted if one in known), None)


def releases_of(obj: Object) -> Iterator[Release]:
    """What an object installs."""
    if not is_release(obj):
        return
    if obj.kind == "HelmRelease":
        yield _flux_release(obj)
    elif obj.kind == "HelmChart":
        spec = obj.spec
        yield Release(
            obj,
            spec.text("chart") or "(packed into the object)",
            False,
            spec.text("repo"),
            obj.name,
            spec.text("targetNamespace"),
            tuple(values_of(obj)),
        )
    elif obj.group == "argoproj.io":
        yield from _argo_releases(obj)


def _flux_release(obj: Object) -> Release:
    """https://fluxcd.io/flux/components/helm/helmreleases/"""
    spec = obj.spec
    chart = spec.dig("chart", "spec")
    old = spec.dig("chart")  # helm.fluxcd.io: chart: {git: ..., path: ...}
    given = chart.dig("sourceRef")
    reference = spec.dig("chartRef")
    target = spec.text("targetNamespace")
    named = spec.text("releaseName") or (f"{target}-{obj.name}" if target else obj.name)
    return Release(
        obj,
        chart.text("chart")
        or old.text("path")
        or old.text("name")
        or f"{reference.get('kind')}/{reference.get('name')}",
        given.get("kind") in {"GitRepository", "Bucket"} or "path" in old,
        given.text("name") or old.text("repository"),
        named,
        target or obj.namespace,
        tuple(values_of(obj)),
        tuple(f"/{path}" for path in chart.get("valuesFiles") or () if isinstance(path, str))
        if isinstance(chart.get("valuesFiles"), Seq)
        else (),
    )


def _argo_releases(obj: Object) -> Iterator[Release]:
    """https://argo-cd.readthedocs.io/en/stable/user-guide/helm/"""
    namespace = argo_spec(obj).dig("destination").text("namespace")
    for source in argo_sources(obj):
        chart, path = source.text("chart"), source.text("path")
        if not chart and not path:
            continue  # a source of values files alone
        settings = source.dig("helm")
        listed = settings.get("valueFiles")
        yield Release(
            obj,
            chart or path,
            not chart,
            source.text("repoURL"),
            settings.text("releaseName") or obj.name,
            namespace,
            tuple(values_of(obj, source)),
            tuple(
                "/" + path.partition("/")[2] if path.startswith("$") else path
                for path in (listed if isinstance(listed, Seq) else ())
                if isinstance(path, str)
            ),
            tuple(
                (name, item.get("value"), item.at("value"))
                for item in settings.entries("parameters")
                if (name := item.text("name"))
            ),
        )


def _inflated(overlay: Kustomization, entry: Map) -> Release:
    """https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/helmcharts/"""
    where = overlay.source
    name = overlay.folder or posixpath.basename(where.path)
    owner = Object(where, entry, "kustomize.config.k8s.io/v1beta1", "Kustomization", name, "")
    inline, file = entry.get("valuesInline"), entry.text("valuesFile")
    chart = entry.text("name")
    return Release(
        owner,
        posixpath.join(overlay.folder, overlay.chart_home, chart),
        True,
        entry.text("repo"),
        entry.text("releaseName") or chart,
        entry.text("namespace"),
        (ReleaseValues(where, inline, owner),) if isinstance(inline, Map) else (),
        (f"/{posixpath.join(overlay.folder, file)}",) if file else (),
    )


def _nested(parameters: Iterable[tuple[str, Any, Span]]) -> Map:
    """Single values (`a.b=x`) as a mapping with their places; those that name an entry of a list are left out."""
    made = Map(Span(0, 0))
    for name, value, span in parameters:
        *above, last = (part.replace("\0", ".") for part in name.replace("\\.", "\0").split("."))
        if "[" in name or len(above) > _DEPTH:
            continue
        here: Any = made
        for key in above:
            here = here.setdefault(key, Map(span)) if isinstance(here, Map) else None
        if isinstance(here, Map):
            here.put(last, {"true": True, "false": False}.get(str(value), value), span)
    return made


def _written_in(obj: Object) -> Source:
    """The file that an object was written in."""
    root = obj.source.root
    return root.place(obj.node.at())[0] if isinstance(root, GeneratedSource) else root


def _valid_name(name: str) -> str:
    """A name of a release or a namespace, empty for what is none: it becomes a word of a command, and `-x` would be an option."""
    return name if _VALID.fullmatch(name) else ""


def _name(release: Release) -> str:
    """What reports call the environment that a release is: its file and object, and the overlay where that makes another."""
    owner = release.owner
    root = owner.source.root
    overlay = f" in {root.environment}" if isinstance(root, GeneratedSource) else ""
    return f"{owner.resource} of {_written_in(owner).path}{overlay}"


def _tell_outside(release: Release, assembly: Assembly) -> None:
    """Note in a file's row that something which it installs is not in the tree."""
    path = _written_in(release.owner).path
    row = next((row for row in assembly.rows if row.path == path), None)
    if row is None or row.status != "checked" or row.cause not in ("", OUTSIDE):
        return
    what = "the path" if release.local else "the chart"
    of = f" of {_CREDENTIALS.sub('//', release.repository)}" if release.repository else ""
    reason = f"{release.owner.resource}: {what} {release.chart}{of} is not in this tree and was not rendered"
    if reason not in row.reason:
        row.reason = f"{row.reason}; {reason}" if row.reason else reason
    row.cause = OUTSIDE
