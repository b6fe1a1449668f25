"""What a kustomization builds, step by step as kustomize does; what is not known here is left to others, never guessed.

https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress

from readiness.loading.discover import decode_text
from readiness.loading.parsed import ParsedTexts
from readiness.loading.render import OVERLAYS
from readiness.loading.render.gather import CHARTS, Gathered, remote_chart
from readiness.loading.render.made import RenderError
from readiness.loading.render.overlay import patches, transform
from readiness.loading.render.overlay.generators import generated, merge_generated
from readiness.loading.render.overlay.placed import (
    AbsentError,
    BrokenError,
    Counter,
    Place,
    PlacedSource,
    UnknownError,
    Value,
    in_file,
    placed,
    written,
)
from readiness.loading.render.overlay.references import fix_references
from readiness.loading.render.overlay.replacements import replace_values
from readiness.loading.render.overlay.resource import Identity, Resource, resource_of
from readiness.loading.render.overlay.variables import Fields, configured_fields, resolve_variables
from readiness.model import ParseError, Source, Span

# Keys that say nothing of what is built.
_SILENT = frozenset("apiversion kind metadata sortoptions buildmetadata crds inventory".split())
_BUILT = frozenset(
    """
    resources bases components configmapgenerator secretgenerator generatoroptions patches patchesstrategicmerge
    patchesjson6902 namespace nameprefix namesuffix commonlabels labels commonannotations images replicas replacements
    configurations vars
    """.split()
)
# Parts of a configuration that speak of names alone, which nothing is said of here.
_NAMES_ONLY = frozenset({"nameReference", "varReference", "namespace", "namePrefix", "nameSuffix"})
# Where an entry of `helmCharts` says what the chart comes from; of `helmChartInflationGenerator` in older words.
_REPOSITORIES = ("repo", "chartRepo", "chartRepoUrl")
Spec = dict[str, Value]


def built_source(
    taken: Gathered,
    home: Source,
    environment: str,
    sources: Mapping[str, Source],
    parsed: ParsedTexts,
) -> tuple[PlacedSource, dict[str, Source]]:
    """What an overlay builds, and the files that it took in besides `sources`, by path.

    `parsed` are the documents of files that the same run has read.

    Raises RenderError where nobody could build it, UnknownError where this builder does not know how.
    """
    builder = Builder(taken, sources, parsed)
    try:
        source = builder.build(home, environment)
        if source.removals:
            kept = Builder(taken, {**sources, **builder.more}, parsed, keep=True)
            with suppress(RenderError):  # what went may be in the way of what came
                source.kept = kept.build(home, environment)
    except RecursionError:  # patches may put what is nested into what is nested
        raise UnknownError("it is nested too deeply") from None
    return source, builder.more


class Builder:
    """One overlay and all that it takes in; with `keep`, as if its patches took no key away."""

    def __init__(
        self,
        taken: Gathered,
        sources: Mapping[str, Source],
        parsed: ParsedTexts,
        *,
        keep: bool = False,
    ) -> None:
        self.parsed = parsed
        self.keep = keep
        self.top = taken.folder
        self.tree = taken.tree
        self.sources = sources
        self.more: dict[str, Source] = {}
        self.counter = Counter()
        self.variables: list[Value] = []
        self.fields: list[Fields] = []
        self.open: list[str] = []

    def build(self, home: Source, environment: str) -> PlacedSource:
        """The text of what the overlay gives."""
        resources: list[Resource] = []
        self.accumulate(self.top, resources, component=False)
        fix_references(resources)
        resolve_variables(resources, self.variables, self.fields)
        return written([one.node for one in resources], home.path, environment, home)

    def accumulate(self, folder: str, resources: list[Resource], *, component: bool) -> None:
        """Add what a kustomization gives to `resources`; a component changes what is there, too."""
        source, spec = self.kustomization(folder)
        if (spec_text(spec, "kind") == "Component") is not component:
            kinds = ("no component", "components") if component else ("a component", "resources")
            raise BrokenError(
                f"it is {kinds[0]}, and is taken in under `{kinds[1]}`", whole_place(source)
            )
        self.open.append(folder)
        mine: list[Resource] = resources if component else []
        known: set[Identity] = set()
        for key in ("resources", "bases"):
            for entry in self.entries(spec, key):
                self.take_in(folder, entry, mine, known)
        self.generate(folder, spec, mine)
        for entry in self.entries(spec, "components"):
            self.accumulate(self.folder(folder, entry), mine, component=True)
        self.transform(folder, spec, mine)
        self.variables += self.entries(spec, "vars")
        if not component:
            resources += mine
        self.open.pop()

    def kustomization(self, folder: str) -> tuple[Source, Spec]:
        """The keys of the kustomization in a folder, in lower case. Raises UnknownError for a key that is not known."""
        names = [
            path
            for name in sorted(OVERLAYS)
            if (path := self.tree.file(posixpath.join(folder, name)))
        ]
        if len(names) != 1:
            found = f"{len(names)} of them" if names else "none"
            raise RenderError(
                f"{self.tree.shown(folder)} is to hold one kustomization file, and has {found}"
            )
        source = self.source(names[0])
        nodes = self.values(source)
        if len(nodes) != 1 or not isinstance(nodes[0].data, dict):
            raise BrokenError("a kustomization is one mapping", whole_place(source))
        spec: Spec = {}
        for key, value in nodes[0].map.items():
            word = key.casefold()
            if word in CHARTS:
                raise self.chart_error(value, key, source)
            if word == "helmglobals":
                continue  # says where `helmCharts` lie
            if word not in _SILENT | _BUILT or word in spec:
                raise UnknownError(f"{source.path} has the key {key[:60]}, which is not known here")
            if value.data is not None:
                spec[word] = value
        return source, spec

    def chart_error(self, charts: Value, key: str, source: Source) -> RenderError:
        """Why charts are not inflated: one comes from elsewhere, or builders do so only where they are asked."""
        for entry in charts.items:
            repository = next((text for name in _REPOSITORIES if (text := entry.under(name))), "")
            if repository:
                return remote_chart(repository, source.path)
        where = shlex.quote(self.tree.shown(self.top) or ".")
        return AbsentError(
            f"it takes in Helm charts under `{key[:60]}`, and builders must specify --enable-helm for that;"
            f" `kustomize build --enable-helm {where} | readiness check -` judges what it gives",
            charts.key,
        )

    def source(self, path: str) -> Source:
        """The text of a file of the tree. Raises RenderError where it is none."""
        shown = self.tree.shown(path)
        found = self.sources.get(shown) or self.more.get(shown)
        if found is None:
            text = decode_text(self.tree.texts[path])
            if text is None:
                raise RenderError(f"{shown} is not text")
            found = self.more[shown] = Source(shown, text)
        return found

    def values(self, source: Source) -> list[Value]:
        """The documents of a file. Raises RenderError where it does not parse."""
        try:
            nodes = self.parsed.documents(source)
        except ParseError as error:
            place = in_file(source, Span(error.offset, error.offset))
            raise BrokenError(f"it does not parse: {error.message}", place) from None
        return [
            placed(node, source, node.at(), self.counter) for node in nodes if hasattr(node, "at")
        ]

    def folder(self, folder: str, entry: Value) -> str:
        """The folder of an entry. Raises BrokenError where there is none, and where the kustomization stands in it."""
        found = self.tree.folder(posixpath.normpath(posixpath.join(folder, entry.text)))
        if found is None:
            raise self.absent(entry)
        if any(found in {"", ".", one} or one.startswith(f"{found}/") for one in self.open):
            raise BrokenError(
                f"it takes in {entry.text[:200]!r}, a folder that it stands in itself", entry.place
            )
        return found

    def file(self, folder: str, entry: Value) -> Source:
        """The file of an entry. Raises RenderError where there is none."""
        found = self.tree.file(posixpath.normpath(posixpath.join(folder, entry.text)))
        if found is None:
            raise self.absent(entry)
        return self.source(found)

    def documents(self, folder: str, entry: Value) -> list[Value]:
        """The documents of the file of an entry."""
        return self.values(self.file(folder, entry))

    def absent(self, entry: Value) -> BrokenError:
        """What is wrong with an entry that names nothing."""
        return BrokenError(f"it takes in {entry.text[:200]!r}, which is not there", entry.place)

    def entries(self, spec: Spec, key: str) -> list[Value]:
        """The entries of a list of a kustomization. Raises BrokenError where something else stands there."""
        found = spec.get(key)
        if found is None:
            return []
        if not isinstance(found.data, list):
            raise BrokenError(f"`{key}` is no list", found.place)
        return found.data

    def take_in(
        self, folder: str, entry: Value, mine: list[Resource], known: set[Identity]
    ) -> None:
        """Add the objects of a file, or of the kustomization in a folder; `known` are those of the entries before."""
        path = posixpath.normpath(posixpath.join(folder, entry.text))
        before = len(mine)
        if self.tree.file(path) is None:
            self.accumulate(self.folder(folder, entry), mine, component=False)
        else:
            for node in self.documents(folder, entry):
                mine += [resource_of(item) for item in _opened(node)]
        for resource in mine[before:]:
            if resource.identity in known:
                raise BrokenError(f"{resource.kind} {resource.name} is taken in twice", entry.place)
            known.add(resource.identity)

    def generate(self, folder: str, spec: Spec, mine: list[Resource]) -> None:
        """Add the ConfigMaps and Secrets that a kustomization makes."""
        for key, kind in (("configmapgenerator", "ConfigMap"), ("secretgenerator", "Secret")):
            for entry in self.entries(spec, key):
                made = generated(
                    kind, entry, spec.get("generatoroptions"), _Reader(self, folder), self.counter
                )
                behavior = {name.casefold(): one for name, one in entry.map.items()}.get("behavior")
                self.counter.look(len(mine))
                merge_generated(mine, made, behavior.text if behavior else "")

    def transform(self, folder: str, spec: Spec, mine: list[Resource]) -> None:
        """Change the objects as the kustomization says, in kustomize's order."""
        self.configurations(folder, spec)
        patches.apply_all(self, folder, spec, mine)
        if "namespace" in spec:
            transform.set_namespace(mine, spec["namespace"])
        prefix, suffix = spec_text(spec, "nameprefix"), spec_text(spec, "namesuffix")
        if prefix or suffix:
            transform.rename(mine, prefix, suffix)
        if "commonlabels" in spec:
            labels = spec["commonlabels"]
            transform.add_labels(mine, labels, self.counter, selectors=True, templates=True)
        for entry in self.entries(spec, "labels"):
            self.labels(entry, mine)
        if "commonannotations" in spec:
            transform.add_annotations(mine, spec["commonannotations"], self.counter)
        patches.apply_old_operations(self, folder, spec, mine)
        if "replicas" in spec:
            transform.set_replicas(mine, spec["replicas"])
        if "images" in spec:
            transform.set_images(mine, spec["images"])
        for entry in self.entries(spec, "replacements"):
            self.replace(folder, entry, mine)

    def labels(self, spec: Value, mine: list[Resource]) -> None:
        """Add the labels of one entry of `labels`."""
        unknown = set(spec.map) - {"pairs", "includeSelectors", "includeTemplates"}
        if unknown:
            raise UnknownError(f"an entry of labels has the key {min(unknown)[:60]}")
        flags = [
            (found := spec.map.get(key)) is not None and found.data is True
            for key in ("includeSelectors", "includeTemplates")
        ]
        if pairs := spec.map.get("pairs"):
            transform.add_labels(mine, pairs, self.counter, selectors=flags[0], templates=flags[1])

    def replace(self, folder: str, entry: Value, mine: list[Resource]) -> None:
        """Carry out a replacement, or those of the file that it names."""
        path = entry.map.get("path")
        if path is None:
            replace_values(mine, entry, self.counter)
            return
        for node in self.values(self.file(folder, path)):
            for inner in node.items if isinstance(node.data, list) else [node]:
                replace_values(mine, inner, self.counter)

    def configurations(self, folder: str, spec: Spec) -> None:
        """Note where variables may stand, and refuse settings of transformers that do more than name where names stand."""
        for entry in self.entries(spec, "configurations"):
            for node in self.documents(folder, entry):
                unknown = set(node.map) - _NAMES_ONLY
                if unknown:
                    raise UnknownError(
                        f"{entry.text[:120]} sets {min(unknown)[:60]} of transformers"
                    )
                self.fields += configured_fields(node)


class _Reader:
    """Reads the files that generators name."""

    def __init__(self, builder: Builder, folder: str) -> None:
        self.builder = builder
        self.folder = folder

    def __call__(self, entry: Value, name: str) -> tuple[Source | None, bytes]:
        tree = self.builder.tree
        path = tree.file(posixpath.normpath(posixpath.join(self.folder, name)))
        if path is None:
            raise AbsentError(
                f"a generator takes in {name[:200]!r}, which is not there; make that file first where it is kept"
                " out of the tree on purpose",
                entry.place,
            )
        try:
            return self.builder.source(path), tree.texts[path]
        except RenderError:
            return None, tree.texts[path]


def whole_place(source: Source) -> Place:
    """A file as a place."""
    return Place(source, Span(0, len(source.text)))


def spec_text(spec: Spec, key: str) -> str:
    """The text under a key of a kustomization; empty where there is none."""
    found = spec.get(key)
    return found.text if found else ""


def _opened(node: Value) -> Iterator[Value]:
    """An object, or those of a List."""
    items = node.map.get("items")
    if node.under("kind").endswith("List") and items is not None and isinstance(items.data, list):
        for item in items.data:
            yield from _opened(item)
    else:
        yield node
