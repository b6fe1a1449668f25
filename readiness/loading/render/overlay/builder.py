"""What a kustomization builds, step by step as kustomize does; what is not known here is left to others, never guessed.

https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress

from readiness.files import decode_text
from readiness.loading.parsed import ParsedTexts
from readiness.loading.render import KUSTOMIZATION_FILENAMES
from readiness.loading.render.gather import CHARTS, OverlayInputs, remote_chart
from readiness.loading.render.made import RenderError
from readiness.loading.render.overlay import patches, transform
from readiness.loading.render.overlay.generators import generate_object, merge_generated
from readiness.loading.render.overlay.placed import (
    InvalidKustomizationError,
    NeedsOtherBuilderError,
    PlacedSource,
    PlacedValue,
    UnsupportedFeatureError,
    WorkCounter,
    WrittenPlace,
    make_placed_value,
    root_file_place,
    write_objects,
)
from readiness.loading.render.overlay.references import fix_references
from readiness.loading.render.overlay.replacements import replace_values
from readiness.loading.render.overlay.resource import ObjectIdentity, OverlayResource, resource_of
from readiness.loading.render.overlay.variables import Fields, configured_fields, resolve_variables
from readiness.model import ParseError, Source, Span

# Keys that say nothing of what is built.
_KEYS_WITHOUT_EFFECT = frozenset("apiversion kind metadata sortoptions buildmetadata crds inventory".split())
_SUPPORTED_KEYS = frozenset(
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
KustomizationSpec = dict[str, PlacedValue]


def build_source(
    inputs: OverlayInputs,
    kustomization_source: Source,
    environment: str,
    sources: Mapping[str, Source],
    documents_by_source: ParsedTexts,
) -> tuple[PlacedSource, dict[str, Source]]:
    """What an overlay builds, and the files that it took in besides `sources`, by path.

    `documents_by_source` are the documents of files that the same run has read.

    Raises RenderError where nobody could build it, UnsupportedFeatureError where this builder does not know how.
    """
    builder = OverlayBuilder(inputs, sources, documents_by_source)
    try:
        source = builder.build_text(kustomization_source, environment)
        if source.removals:
            kept = OverlayBuilder(inputs, {**sources, **builder.more}, documents_by_source, keep_removed_keys=True)
            with suppress(RenderError):  # what went may be in the way of what came
                source.kept = kept.build_text(kustomization_source, environment)
    except RecursionError:  # patches may put what is nested into what is nested
        raise UnsupportedFeatureError("it is nested too deeply") from None
    return source, builder.more


class OverlayBuilder:
    """One overlay and all that it takes in; with `keep_removed_keys`, as if its patches took no key away."""

    def __init__(
        self,
        inputs: OverlayInputs,
        sources: Mapping[str, Source],
        documents_by_source: ParsedTexts,
        *,
        keep_removed_keys: bool = False,
    ) -> None:
        self.parsed = documents_by_source
        self.keep = keep_removed_keys
        self.top = inputs.folder
        self.tree = inputs.tree
        self.sources = sources
        self.more: dict[str, Source] = {}
        self.counter = WorkCounter()
        self.variables: list[PlacedValue] = []
        self.fields: list[Fields] = []
        self.open: list[str] = []

    def build_text(self, kustomization_source: Source, environment: str) -> PlacedSource:
        """The text of what the overlay gives."""
        resources: list[OverlayResource] = []
        self.add_resources_of_folder(self.top, resources, is_component=False)
        fix_references(resources)
        resolve_variables(resources, self.variables, self.fields)
        return write_objects(
            [one.node for one in resources],
            kustomization_source.path,
            environment,
            kustomization_source,
        )

    def add_resources_of_folder(self, folder: str, resources: list[OverlayResource], *, is_component: bool) -> None:
        """Add what a kustomization gives to `resources`; a component changes what is there, too."""
        source, spec = self.read_kustomization(folder)
        if (spec_text(spec, "kind") == "Component") is not is_component:
            kinds = ("no component", "components") if is_component else ("a component", "resources")
            raise InvalidKustomizationError(f"it is {kinds[0]}, and is taken in under `{kinds[1]}`", whole_place(source))
        self.open.append(folder)
        mine: list[OverlayResource] = resources if is_component else []
        known: set[ObjectIdentity] = set()
        for key in ("resources", "bases"):
            for entry in self.list_entries(spec, key):
                self.take_in(folder, entry, mine, known)
        self.add_generated_objects(folder, spec, mine)
        for entry in self.list_entries(spec, "components"):
            self.add_resources_of_folder(self.folder_of_entry(folder, entry), mine, is_component=True)
        self.apply_transformers(folder, spec, mine)
        self.variables += self.list_entries(spec, "vars")
        if not is_component:
            resources += mine
        self.open.pop()

    def read_kustomization(self, folder: str) -> tuple[Source, KustomizationSpec]:
        """The keys of the kustomization in a folder, in lower case. Raises UnsupportedFeatureError for a key that is not known."""
        names = [
            path for name in sorted(KUSTOMIZATION_FILENAMES) if (path := self.tree.real_file_path(posixpath.join(folder, name)))
        ]
        if len(names) != 1:
            found = f"{len(names)} of them" if names else "none"
            raise RenderError(f"{self.tree.report_path(folder)} is to hold one kustomization file, and has {found}")
        source = self.source_at(names[0])
        nodes = self.parse_documents(source)
        if len(nodes) != 1 or not isinstance(nodes[0].data, dict):
            raise InvalidKustomizationError("a kustomization is one mapping", whole_place(source))
        spec: KustomizationSpec = {}
        for key, value in nodes[0].map.items():
            word = key.casefold()
            if word in CHARTS:
                raise self.chart_error(value, key, source)
            if word == "helmglobals":
                continue  # says where `helmCharts` lie
            if word not in _KEYS_WITHOUT_EFFECT | _SUPPORTED_KEYS or word in spec:
                raise UnsupportedFeatureError(f"{source.path} has the key {key[:60]}, which is not known here")
            if value.data is not None:
                spec[word] = value
        return source, spec

    def chart_error(self, charts: PlacedValue, key: str, source: Source) -> RenderError:
        """Why charts are not inflated: one comes from elsewhere, or builders do so only where they are asked."""
        for entry in charts.list_entries:
            repository = next((text for name in _REPOSITORIES if (text := entry.text_at_path(name))), "")
            if repository:
                return remote_chart(repository, source.path)
        where = shlex.quote(self.tree.report_path(self.top) or ".")
        return NeedsOtherBuilderError(
            f"it takes in Helm charts under `{key[:60]}`, and builders must specify --enable-helm for that;"
            f" `kustomize build --enable-helm {where} | readiness check -` judges what it gives",
            charts.key_place,
        )

    def source_at(self, path: str) -> Source:
        """The text of a file of the tree. Raises RenderError where it is none."""
        shown = self.tree.report_path(path)
        found = self.sources.get(shown) or self.more.get(shown)
        if found is None:
            text = decode_text(self.tree.content_by_path[path])
            if text is None:
                raise RenderError(f"{shown} is not text")
            found = self.more[shown] = Source(shown, text)
        return found

    def parse_documents(self, source: Source) -> list[PlacedValue]:
        """The documents of a file. Raises RenderError where it does not parse."""
        try:
            nodes = self.parsed.documents(source)
        except ParseError as error:
            place = root_file_place(source, Span(error.offset, error.offset))
            raise InvalidKustomizationError(f"it does not parse: {error.message}", place) from None
        return [make_placed_value(node, source, node.at(), self.counter) for node in nodes if hasattr(node, "at")]

    def folder_of_entry(self, folder: str, entry: PlacedValue) -> str:
        """The folder of an entry. Raises InvalidKustomizationError where there is none, and where the kustomization stands in it."""
        found = self.tree.real_folder_path(posixpath.normpath(posixpath.join(folder, entry.string)))
        if found is None:
            raise self.absent_entry_error(entry)
        if any(found in {"", ".", one} or one.startswith(f"{found}/") for one in self.open):
            raise InvalidKustomizationError(
                f"it takes in {entry.string[:200]!r}, a directory that it stands in itself",
                entry.place,
            )
        return found

    def file_of_entry(self, folder: str, entry: PlacedValue) -> Source:
        """The file of an entry. Raises RenderError where there is none."""
        found = self.tree.real_file_path(posixpath.normpath(posixpath.join(folder, entry.string)))
        if found is None:
            raise self.absent_entry_error(entry)
        return self.source_at(found)

    def documents_of_entry(self, folder: str, entry: PlacedValue) -> list[PlacedValue]:
        """The documents of the file of an entry."""
        return self.parse_documents(self.file_of_entry(folder, entry))

    def absent_entry_error(self, entry: PlacedValue) -> InvalidKustomizationError:
        """What is wrong with an entry that names nothing."""
        return InvalidKustomizationError(f"it takes in {entry.string[:200]!r}, which is not there", entry.place)

    def list_entries(self, spec: KustomizationSpec, key: str) -> list[PlacedValue]:
        """The entries of a list of a kustomization. Raises InvalidKustomizationError where something else stands there."""
        found = spec.get(key)
        if found is None:
            return []
        if not isinstance(found.data, list):
            raise InvalidKustomizationError(f"`{key}` is no list", found.place)
        return found.data

    def take_in(
        self,
        folder: str,
        entry: PlacedValue,
        resources: list[OverlayResource],
        earlier_identities: set[ObjectIdentity],
    ) -> None:
        """Add the objects of a file, or of the kustomization in a folder; `earlier_identities` are those of the entries before."""
        path = posixpath.normpath(posixpath.join(folder, entry.string))
        before = len(resources)
        if self.tree.real_file_path(path) is None:
            self.add_resources_of_folder(self.folder_of_entry(folder, entry), resources, is_component=False)
        else:
            for node in self.documents_of_entry(folder, entry):
                resources += [resource_of(item) for item in _expand_list_object(node)]
        for resource in resources[before:]:
            if resource.identity in earlier_identities:
                raise InvalidKustomizationError(f"{resource.kind} {resource.name} is taken in twice", entry.place)
            earlier_identities.add(resource.identity)

    def add_generated_objects(self, folder: str, spec: KustomizationSpec, resources: list[OverlayResource]) -> None:
        """Add the ConfigMaps and Secrets that a kustomization makes."""
        for key, kind in (("configmapgenerator", "ConfigMap"), ("secretgenerator", "Secret")):
            for entry in self.list_entries(spec, key):
                made = generate_object(
                    kind,
                    entry,
                    spec.get("generatoroptions"),
                    _GeneratorFileReader(self, folder),
                    self.counter,
                )
                behavior = {name.casefold(): one for name, one in entry.map.items()}.get("behavior")
                self.counter.count_lookups(len(resources))
                merge_generated(resources, made, behavior.string if behavior else "")

    def apply_transformers(self, folder: str, spec: KustomizationSpec, resources: list[OverlayResource]) -> None:
        """Change the objects as the kustomization says, in kustomize's order."""
        self.verify_configurations(folder, spec)
        patches.apply_patches(self, folder, spec, resources)
        if "namespace" in spec:
            transform.set_namespace(resources, spec["namespace"])
        prefix, suffix = spec_text(spec, "nameprefix"), spec_text(spec, "namesuffix")
        if prefix or suffix:
            transform.add_name_affixes(resources, prefix, suffix)
        if "commonlabels" in spec:
            labels = spec["commonlabels"]
            transform.add_labels(resources, labels, self.counter, include_selectors=True, include_templates=True)
        for entry in self.list_entries(spec, "labels"):
            self.add_labels_of_entry(entry, resources)
        if "commonannotations" in spec:
            transform.add_annotations(resources, spec["commonannotations"], self.counter)
        patches.apply_json6902_patches(self, folder, spec, resources)
        if "replicas" in spec:
            transform.set_replicas(resources, spec["replicas"])
        if "images" in spec:
            transform.set_images(resources, spec["images"])
        for entry in self.list_entries(spec, "replacements"):
            self.apply_replacement(folder, entry, resources)

    def add_labels_of_entry(self, spec: PlacedValue, resources: list[OverlayResource]) -> None:
        """Add the labels of one entry of `labels`."""
        unknown = set(spec.map) - {"pairs", "includeSelectors", "includeTemplates"}
        if unknown:
            raise UnsupportedFeatureError(f"an entry of labels has the key {min(unknown)[:60]}")
        flags = [
            (found := spec.map.get(key)) is not None and found.data is True for key in ("includeSelectors", "includeTemplates")
        ]
        if pairs := spec.map.get("pairs"):
            transform.add_labels(
                resources,
                pairs,
                self.counter,
                include_selectors=flags[0],
                include_templates=flags[1],
            )

    def apply_replacement(self, folder: str, entry: PlacedValue, resources: list[OverlayResource]) -> None:
        """Carry out a replacement, or those of the file that it names."""
        path = entry.map.get("path")
        if path is None:
            replace_values(resources, entry, self.counter)
            return
        for node in self.parse_documents(self.file_of_entry(folder, path)):
            for inner in node.list_entries if isinstance(node.data, list) else [node]:
                replace_values(resources, inner, self.counter)

    def verify_configurations(self, folder: str, spec: KustomizationSpec) -> None:
        """Note where variables may stand, and refuse settings of transformers that do more than name where names stand."""
        for entry in self.list_entries(spec, "configurations"):
            for node in self.documents_of_entry(folder, entry):
                unknown = set(node.map) - _NAMES_ONLY
                if unknown:
                    raise UnsupportedFeatureError(f"{entry.string[:120]} sets {min(unknown)[:60]} of transformers")
                self.fields += configured_fields(node)


class _GeneratorFileReader:
    """Reads the files that generators name."""

    def __init__(self, builder: OverlayBuilder, folder: str) -> None:
        self.builder = builder
        self.folder = folder

    def __call__(self, entry: PlacedValue, name: str) -> tuple[Source | None, bytes]:
        tree = self.builder.tree
        path = tree.real_file_path(posixpath.normpath(posixpath.join(self.folder, name)))
        if path is None:
            raise NeedsOtherBuilderError(
                f"a generator takes in {name[:200]!r}, which is not there; make that file first where it is kept"
                " out of the tree on purpose",
                entry.place,
            )
        try:
            return self.builder.source_at(path), tree.content_by_path[path]
        except RenderError:
            return None, tree.content_by_path[path]


def whole_place(source: Source) -> WrittenPlace:
    """A file as a place."""
    return WrittenPlace(source, Span(0, len(source.text)))


def spec_text(spec: KustomizationSpec, key: str) -> str:
    """The text under a key of a kustomization; empty where there is none."""
    found = spec.get(key)
    return found.string if found else ""


def _expand_list_object(node: PlacedValue) -> Iterator[PlacedValue]:
    """An object, or those of a List."""
    items = node.map.get("items")
    if node.text_at_path("kind").endswith("List") and items is not None and isinstance(items.data, list):
        for item in items.data:
            yield from _expand_list_object(item)
    else:
        yield node
