"""What a kustomization builds, step by step as kustomize does; what is not known here is left to others, never guessed.

https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from readiness.files import decode_text
from readiness.loading.parsed import ParsedTexts
from readiness.loading.render import KUSTOMIZATION_FILENAMES
from readiness.loading.render.gather import HELM_CHART_KEYS, OverlayInputs, resolve_file, resolve_folder
from readiness.loading.render.made import LimitError, RenderError
from readiness.loading.render.overlay import patches, transform
from readiness.loading.render.overlay.generator_files import GeneratorFileReader
from readiness.loading.render.overlay.generators import generate_object, merge_generated
from readiness.loading.render.overlay.left_out import LeftOut, absent_entry_error, error_of_charts, error_of_entry_elsewhere, has_content
from readiness.loading.render.overlay.placed import (
    InvalidKustomizationError,
    PlacedSource,
    PlacedValue,
    UnsupportedFeatureError,
    WrittenPlace,
    make_placed_value,
    root_file_place,
    write_objects,
)
from readiness.loading.render.overlay.references import update_renamed_references
from readiness.loading.render.overlay.replacements import replace_values
from readiness.loading.render.overlay.resource import ObjectIdentity, OverlayResource, expand_list_object, overlay_resource_of, verify_is_object
from readiness.loading.render.overlay.selector import identity_count
from readiness.loading.render.overlay.variables import Fields, configured_fields, resolve_variables
from readiness.loading.render.work import OverlayWorkOfRun, WorkCounter
from readiness.model import ParseError, Source, Span
from readiness.syntax.yaml import blank_out_separator_comments, load_yaml_documents

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
_CONFIGURATION_KEYS_FOR_NAMES = frozenset({"nameReference", "varReference", "namespace", "namePrefix", "nameSuffix"})
KustomizationValueByKey = dict[str, PlacedValue]


class BuildOptions(NamedTuple):
    """How overlays are built.

    With `leaves_out_unknown_keys` it is without what the keys of kustomizations say that are not known here, plugins among them.
    `may_be_made` tells of a path where nothing is whether a .gitignore names it. `work_of_run` is what all overlays may take together.
    With `keep_removed_keys` it is as if no patch took a key away.
    """

    leaves_out_unknown_keys: bool = False
    may_be_made: Callable[[str], bool] = lambda path: False
    work_of_run: OverlayWorkOfRun | None = None
    keep_removed_keys: bool = False


def build_source(
    overlay_inputs: OverlayInputs,
    kustomization_source: Source,
    environment: str,
    source_by_path: Mapping[str, Source],
    parsed_yaml: ParsedTexts,
    options: BuildOptions = BuildOptions(),  # noqa: B008
) -> tuple[PlacedSource, OverlayBuilder]:
    """What an overlay builds, and the builder, which knows what else it took in and what it left out.

    `parsed_yaml` are the documents of files that the same run has read.

    Raises RenderError where nobody could build it, UnsupportedFeatureError where this builder does not know how, and where what is left out
    leaves nothing the reason of that.
    """
    builder = OverlayBuilder(overlay_inputs, source_by_path, parsed_yaml, options)
    try:
        placed_source = builder.build_text(kustomization_source, environment)
        if placed_source.removals:
            builder_keeping_removed_keys = OverlayBuilder(
                overlay_inputs, {**source_by_path, **builder.more}, parsed_yaml, options._replace(keep_removed_keys=True)
            )
            with suppress(RenderError):  # what went may be in the way of what came
                placed_source.kept = builder_keeping_removed_keys.build_text(kustomization_source, environment)
    except RecursionError:  # patches may put what is nested into what is nested
        raise UnsupportedFeatureError("it is nested too deeply") from None
    except (LimitError, UnsupportedFeatureError):
        raise
    except RenderError:
        part_changing_objects = next((one for one in builder.left_out.parts if one.changes_objects), None)
        if part_changing_objects is None:
            raise
        raise part_changing_objects.error from None  # with it what was tried may be possible
    return placed_source, builder


class OverlayBuilder:
    """One overlay and all that it takes in.

    What stands elsewhere is left out and noted in `left_out`. `partial_source` has what is known of objects in there, `read_paths` are the
    files that were read, as reports print them.
    """

    def __init__(self, overlay_inputs: OverlayInputs, source_by_path: Mapping[str, Source], parsed_yaml: ParsedTexts, options: BuildOptions) -> None:
        self.parsed = parsed_yaml
        self.keep = options.keep_removed_keys
        self.leaves_out_unknown_keys = options.leaves_out_unknown_keys
        self.may_be_made = options.may_be_made
        self.left_out = LeftOut()
        self.partial_source: PlacedSource | None = None
        self.read_paths: set[str] = set()
        self.top = overlay_inputs.folder
        self.tree = overlay_inputs.tree
        self.sources = source_by_path
        self.more: dict[str, Source] = {}
        self.counter = WorkCounter(options.work_of_run)
        self.variables: list[PlacedValue] = []
        self.fields: list[Fields] = []
        self.open: list[str] = []
        self.nodes_by_inline_text: dict[str, Sequence[Any]] = {}

    def build_text(self, kustomization_source: Source, environment: str) -> PlacedSource:
        """The text of what the overlay gives, its work charged to the run."""
        try:
            resources = self.built_resources()
        finally:
            self.counter.charge_run()
        complete_nodes = [one.node for one in resources if not one.is_partial]
        partial_nodes = [one.node for one in resources if one.is_partial]
        if self.left_out.parts and not complete_nodes and not any(has_content(one) for one in resources):
            raise self.left_out.parts[0].error
        if partial_nodes:
            self.partial_source = write_objects(partial_nodes, kustomization_source.path, environment, kustomization_source)
            self.partial_source.fragment = True
        return write_objects(complete_nodes, kustomization_source.path, environment, kustomization_source)

    def built_resources(self) -> list[OverlayResource]:
        """What the overlay gives. Raises RenderError, also where its patches leave something that is no object."""
        resources: list[OverlayResource] = []
        self.add_resources_of_folder(self.top, resources, is_component=False)
        update_renamed_references(resources, self.counter)
        resolve_variables(resources, self.variables, self.fields, self.counter)
        for resource in resources:
            verify_is_object(resource.node, after="after all patches and replacements ")
        return resources

    def add_resources_of_folder(self, kustomization_folder: str, resources: list[OverlayResource], *, is_component: bool) -> None:
        """Add what a kustomization gives to `resources`; a component changes what is there, too."""
        kustomization_source, document = self.read_kustomization(kustomization_folder)
        if not is_component:
            self.left_out.enter_kustomization(document.text_at_path("namespace"))
        spec = self.spec_of(document, kustomization_source)
        if (spec_text(spec, "kind") == "Component") is not is_component:
            kind_and_expected_key = ("no component", "components") if is_component else ("a component", "resources")
            raise InvalidKustomizationError(
                f"it is {kind_and_expected_key[0]}, and is taken in under `{kind_and_expected_key[1]}`",
                whole_file_place(kustomization_source),
            )
        self.open.append(kustomization_folder)
        own_resources: list[OverlayResource] = resources if is_component else []
        earlier_identities: set[ObjectIdentity] = set()
        for resource_list_key in ("resources", "bases"):
            for entry in self.list_entries(spec, resource_list_key):
                self.take_in(kustomization_folder, entry, own_resources, earlier_identities)
        self.add_generated_objects(kustomization_folder, spec, own_resources)
        for entry in self.list_entries(spec, "components"):
            if self.is_left_out(kustomization_folder, entry, may_hold_objects=True):
                continue
            self.add_resources_of_folder(self.folder_of_entry(kustomization_folder, entry), own_resources, is_component=True)
        self.apply_transformers(kustomization_folder, spec, own_resources)
        self.variables += self.list_entries(spec, "vars")
        if not is_component:
            resources += own_resources
            self.left_out.leave_kustomization()
        self.open.pop()

    def is_left_out(self, kustomization_folder: str, path_entry: PlacedValue, *, may_hold_objects: bool, changes_objects: bool = True) -> bool:
        """Whether what an entry names stands elsewhere, or is made first; that is noted, with what it may hold and do."""
        error = error_of_entry_elsewhere(self.tree, kustomization_folder, path_entry, self.may_be_made)
        if error is not None:
            self.left_out.add_part(error, path_entry.string, may_hold_objects=may_hold_objects, changes_objects=changes_objects)
        return error is not None

    @contextmanager
    def unsupported_left_out(self, *, may_hold_objects: bool = False) -> Iterator[None]:
        """Note what cannot be done here and maybe elsewhere, and go on without it, where that is asked. Raises RenderError elsewhere."""
        try:
            yield
        except RenderError as error:
            if not self.leaves_out_unknown_keys or isinstance(error, InvalidKustomizationError | LimitError):
                raise
            self.left_out.add_part(UnsupportedFeatureError(str(error)), may_hold_objects=may_hold_objects, changes_objects=True)

    def read_kustomization(self, kustomization_folder: str) -> tuple[Source, PlacedValue]:
        """The kustomization in a folder, which is a mapping."""
        kustomization_paths = [
            path
            for name in sorted(KUSTOMIZATION_FILENAMES)
            if (path := resolve_file(self.tree, posixpath.join(kustomization_folder, name), self.tree.report_path(kustomization_folder)))
        ]
        if len(kustomization_paths) != 1:
            found_text = f"{len(kustomization_paths)} of them" if kustomization_paths else "none"
            raise RenderError(f"{self.tree.report_path(kustomization_folder)} is to hold one kustomization file, and has {found_text}")
        kustomization_source = self.source_at(kustomization_paths[0])
        documents = self.parse_documents(kustomization_source)
        if len(documents) != 1 or not isinstance(documents[0].data, dict):
            raise InvalidKustomizationError("a kustomization is one mapping", whole_file_place(kustomization_source))
        return kustomization_source, documents[0]

    def spec_of(self, document: PlacedValue, kustomization_source: Source) -> KustomizationValueByKey:
        """The keys of a kustomization, in lower case. Raises UnsupportedFeatureError for one that is not known, unless it is left out."""
        spec: KustomizationValueByKey = {}
        for key, value in document.map.items():
            lowercase_key = key.casefold()
            if lowercase_key in HELM_CHART_KEYS:
                chart_error = error_of_charts(value, key, kustomization_source, self.tree.report_path(self.top))
                self.left_out.add_part(chart_error, may_hold_objects=True)
            elif lowercase_key == "helmglobals":
                continue  # says where `helmCharts` lie
            elif lowercase_key not in _KEYS_WITHOUT_EFFECT | _SUPPORTED_KEYS or lowercase_key in spec:
                error = UnsupportedFeatureError(f"{kustomization_source.path} has the key {key[:60]}, which is not known here")
                if not self.leaves_out_unknown_keys:
                    raise error
                self.left_out.add_part(error, may_hold_objects=lowercase_key not in {"validators", "openapi"}, changes_objects=True)
            elif value.data is not None:
                spec[lowercase_key] = value
        return spec

    def source_at(self, path_in_tree: str) -> Source:
        """The text of a file of the tree. Raises RenderError where it is none."""
        report_path = self.tree.report_path(path_in_tree)
        self.read_paths.add(report_path)
        source = self.sources.get(report_path) or self.more.get(report_path)
        if source is None:
            file_text = decode_text(self.tree.content_by_path[path_in_tree])
            if file_text is None:
                raise RenderError(f"{report_path} is not text")
            source = self.more[report_path] = Source(report_path, file_text)
        return source

    def parse_documents(self, source: Source) -> list[PlacedValue]:
        """The documents of a file. Raises RenderError where it does not parse."""
        try:
            document_nodes = self.parsed.documents(source)
        except ParseError as error:
            error_place = root_file_place(source, Span(error.offset, error.offset))
            raise InvalidKustomizationError(f"it does not parse: {error.message}", error_place) from None
        self.counter.count_visits(len(document_nodes))
        return [make_placed_value(node, source, node.at(), self.counter) for node in document_nodes if hasattr(node, "at")]

    def parsed_inline_documents(self, text: str) -> Sequence[Any]:
        """The documents of a patch that stands in a kustomization, parsed once for each text. Raises ParseError."""
        if text not in self.nodes_by_inline_text:
            self.nodes_by_inline_text[text] = load_yaml_documents(blank_out_separator_comments(text))
        return self.nodes_by_inline_text[text]

    def folder_of_entry(self, kustomization_folder: str, path_entry: PlacedValue) -> str:
        """The folder of an entry. Raises InvalidKustomizationError where there is none, and where the kustomization stands in it."""
        folder_path = posixpath.normpath(posixpath.join(kustomization_folder, path_entry.string))
        real_folder_path = resolve_folder(self.tree, folder_path, path_entry.place.source.path)
        if real_folder_path is None:
            raise absent_entry_error(path_entry)
        if any(real_folder_path in {"", ".", one} or one.startswith(f"{real_folder_path}/") for one in self.open):
            raise InvalidKustomizationError(
                f"it takes in {path_entry.string[:200]!r}, a directory that it stands in itself",
                path_entry.place,
            )
        return real_folder_path

    def file_of_entry(self, kustomization_folder: str, path_entry: PlacedValue) -> Source:
        """The file of an entry. Raises RenderError where there is none."""
        file_path = posixpath.normpath(posixpath.join(kustomization_folder, path_entry.string))
        real_file_path = resolve_file(self.tree, file_path, path_entry.place.source.path)
        if real_file_path is None:
            raise absent_entry_error(path_entry)
        return self.source_at(real_file_path)

    def documents_of_entry(self, kustomization_folder: str, path_entry: PlacedValue) -> list[PlacedValue]:
        """The documents of the file of an entry."""
        return self.parse_documents(self.file_of_entry(kustomization_folder, path_entry))

    def list_entries(self, spec: KustomizationValueByKey, list_key: str) -> list[PlacedValue]:
        """The entries of a list of a kustomization. Raises InvalidKustomizationError where something else stands there."""
        list_value = spec.get(list_key)
        if list_value is None:
            return []
        if not isinstance(list_value.data, list):
            raise InvalidKustomizationError(f"`{list_key}` is no list", list_value.place)
        return list_value.data

    def take_in(
        self,
        kustomization_folder: str,
        resource_entry: PlacedValue,
        resources: list[OverlayResource],
        earlier_identities: set[ObjectIdentity],
    ) -> None:
        """Add the objects of a file, or of the kustomization in a folder; `earlier_identities` are those of the entries before."""
        if self.is_left_out(kustomization_folder, resource_entry, may_hold_objects=True, changes_objects=False):
            return
        entry_path = posixpath.normpath(posixpath.join(kustomization_folder, resource_entry.string))
        resource_count_before = len(resources)
        if resolve_file(self.tree, entry_path, resource_entry.place.source.path) is None:
            self.add_resources_of_folder(self.folder_of_entry(kustomization_folder, resource_entry), resources, is_component=False)
        else:
            for document in self.documents_of_entry(kustomization_folder, resource_entry):
                resources += [overlay_resource_of(item) for item in expand_list_object(document)]
        self.counter.count_lookups(len(resources) - resource_count_before)
        for resource in (one for one in resources[resource_count_before:] if not one.is_partial):
            if resource.identity in earlier_identities:
                raise InvalidKustomizationError(f"{resource.kind} {resource.name} is taken in twice", resource_entry.place)
            earlier_identities.add(resource.identity)

    def add_generated_objects(self, folder: str, spec: KustomizationValueByKey, resources: list[OverlayResource]) -> None:
        """Add the ConfigMaps and Secrets that a kustomization makes."""
        for generator_key, generated_kind in (("configmapgenerator", "ConfigMap"), ("secretgenerator", "Secret")):
            for generator_entry in self.list_entries(spec, generator_key):
                with self.unsupported_left_out(may_hold_objects=True):
                    file_reader = GeneratorFileReader(self, folder)
                    options = spec.get("generatoroptions")
                    generated_object = generate_object(generated_kind, generator_entry, options, file_reader, self.counter)
                    generated_object.is_partial = file_reader.has_left_out_file
                    behavior_value = {name.casefold(): one for name, one in generator_entry.map.items()}.get("behavior")
                    self.counter.count_lookups(identity_count(resources))
                    behavior = behavior_value.string if behavior_value else ""
                    merge_generated(resources, generated_object, behavior, may_be_elsewhere=self.left_out.may_hold_target())

    def apply_transformers(self, folder: str, spec: KustomizationValueByKey, resources: list[OverlayResource]) -> None:
        """Change the objects as the kustomization says, in kustomize's order."""
        self.verify_configurations(folder, spec)
        self.counter.count_lookups(len(resources) * len(spec))
        patches.apply_patches(self, folder, spec, resources)
        if "namespace" in spec:
            transform.set_namespace(resources, spec["namespace"])
        name_prefix, name_suffix = spec_text(spec, "nameprefix"), spec_text(spec, "namesuffix")
        if name_prefix or name_suffix:
            transform.add_name_affixes(resources, name_prefix, name_suffix, self.counter)
        if "commonlabels" in spec:
            common_labels = spec["commonlabels"]
            transform.add_labels(resources, common_labels, self.counter, include_selectors=True, include_templates=True)
        for entry in self.list_entries(spec, "labels"):
            with self.unsupported_left_out():
                transform.add_labels_of_entry(resources, entry, self.counter)
        if "commonannotations" in spec:
            transform.add_annotations(resources, spec["commonannotations"], self.counter)
        patches.apply_json6902_patches(self, folder, spec, resources)
        with self.unsupported_left_out():
            if "replicas" in spec:
                transform.set_replicas(resources, spec["replicas"], self.counter, may_be_elsewhere=self.left_out.may_hold_target())
            if "images" in spec:
                transform.set_images(resources, spec["images"], self.counter)
        for entry in self.list_entries(spec, "replacements"):
            with self.unsupported_left_out():
                self.apply_replacement(folder, entry, resources)

    def apply_replacement(self, kustomization_folder: str, replacement_entry: PlacedValue, resources: list[OverlayResource]) -> None:
        """Carry out a replacement, or those of the file that it names."""
        path_value = replacement_entry.map.get("path")
        if path_value is None:
            replace_values(resources, replacement_entry, self.counter, may_be_elsewhere=self.left_out.may_hold_target())
            return
        if self.is_left_out(kustomization_folder, path_value, may_hold_objects=False):
            return
        for document in self.parse_documents(self.file_of_entry(kustomization_folder, path_value)):
            for replacement in document.list_entries if isinstance(document.data, list) else [document]:
                replace_values(resources, replacement, self.counter, may_be_elsewhere=self.left_out.may_hold_target())

    def verify_configurations(self, folder: str, spec: KustomizationValueByKey) -> None:
        """Note where variables may stand, and refuse settings of transformers that do more than name where names stand."""
        for configuration_entry in self.list_entries(spec, "configurations"):
            if self.is_left_out(folder, configuration_entry, may_hold_objects=False):
                continue
            for configuration in self.documents_of_entry(folder, configuration_entry):
                unknown_keys = set(configuration.map) - _CONFIGURATION_KEYS_FOR_NAMES
                if unknown_keys:
                    raise UnsupportedFeatureError(f"{configuration_entry.string[:120]} sets {min(unknown_keys)[:60]} of transformers")
                self.fields += configured_fields(configuration)


def whole_file_place(source: Source) -> WrittenPlace:
    """A file as a place."""
    return WrittenPlace(source, Span(0, len(source.text)))


def spec_text(spec: KustomizationValueByKey, key: str) -> str:
    """The text under a key of a kustomization; empty where there is none."""
    value = spec.get(key)
    return value.string if value else ""
