"""Kustomizations: what an overlay builds, each object told in the base or the patch that says it."""

from __future__ import annotations

import json
import os
import posixpath
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from readiness.files import decode_text
from readiness.loading.parsed import ParsedTexts
from readiness.loading.render import KUSTOMIZATION_FILENAMES
from readiness.loading.render.gather import HELM_CHART_KEYS, OverlayInputs, is_remote_address
from readiness.loading.render.made import LimitError, RenderError
from readiness.loading.render.origins import BuiltOverlay, TreeCopy, trace_origins
from readiness.loading.render.process import run_renderer, was_run_without_network
from readiness.model import ParseError, Source
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.programs import find_program, is_script_or_snap
from readiness.syntax.yaml import Map, Seq, load_yaml_documents

REASON_NO_BUILDER = (
    "overlay was not built: neither `kustomize` nor `kubectl` is installed; install one of them (a snap or a version manager's shim does not serve)"
)
MAX_BUILD_OUTPUT_BYTES = 10 << 20  # bytes of what one overlay builds: what a single file may have
_DOCUMENT_SEPARATOR = lazy_regex(r"^---\n", re.MULTILINE)


@dataclass(slots=True)
class Kustomization:
    """One kustomization file: what it takes in, by paths as reports print them.

    `helm_charts` are the entries of `helmCharts` or `helmChartInflationGenerator`, `image_names` the images that it replaces.
    """

    source: Source
    folder: str
    is_component: bool
    resource_folders: list[str] = field(default_factory=list)
    resource_files: list[str] = field(default_factory=list)
    patch_files: list[str] = field(default_factory=list)
    helm_charts: list[Map] = field(default_factory=list)
    chart_home: str = "charts"
    image_names: list[str] = field(default_factory=list)


def kustomization_by_folder(source_by_path: Mapping[str, Source], parsed_yaml: ParsedTexts) -> dict[str, Kustomization]:
    """The kustomizations among the texts, by folder; those that are no YAML are left out."""
    kustomizations_by_their_folder = {}
    for source_path, source in source_by_path.items():
        if posixpath.basename(source_path) not in KUSTOMIZATION_FILENAMES:
            continue
        try:
            yaml_documents = parsed_yaml.documents(source)
        except ParseError:
            continue
        if yaml_documents and isinstance(yaml_documents[0], Map):
            kustomization = _read_kustomization(source, yaml_documents[0], source_by_path)
            kustomizations_by_their_folder[kustomization.folder] = kustomization
    return kustomizations_by_their_folder


def _read_kustomization(kustomization_source: Source, kustomization_mapping: Map, source_by_path: Mapping[str, Source]) -> Kustomization:
    """What a kustomization says it takes in; the builder reads its keys in any case."""
    kustomization_folder = posixpath.dirname(kustomization_source.path)
    value_by_lowercase_key = {path_list_key.casefold(): value for path_list_key, value in kustomization_mapping.items()}
    kustomization = Kustomization(kustomization_source, kustomization_folder, value_by_lowercase_key.get("kind") == "Component")
    kustomization.image_names = [one.string_under("name") for one in kustomization_mapping.mappings_under("images")]
    for path_list_key in (
        "resources",
        "bases",
        "components",
        "generators",
        "transformers",
        "validators",
        "crds",
    ):
        for entry in _string_list(value_by_lowercase_key.get(path_list_key)):
            if is_remote_address(entry):
                continue
            resource_path = _report_path_of_entry(kustomization_folder, entry)
            (kustomization.resource_files if resource_path in source_by_path else kustomization.resource_folders).append(resource_path)
    kustomization.patch_files += [
        _report_path_of_entry(kustomization_folder, entry) for entry in _string_list(value_by_lowercase_key.get("patchesstrategicmerge"))
    ]
    _read_helm_charts(kustomization, kustomization_mapping)
    for path_list_key in ("patches", "patchesjson6902"):
        kustomization.patch_files += [
            _report_path_of_entry(kustomization_folder, resource_path) for resource_path in _patch_paths(value_by_lowercase_key.get(path_list_key))
        ]
    return kustomization


def _read_helm_charts(kustomization: Kustomization, kustomization_mapping: Map) -> None:
    """Which charts a kustomization inflates."""
    for key, value in kustomization_mapping.items():
        if key.casefold() in HELM_CHART_KEYS and isinstance(value, Seq):
            kustomization.helm_charts += [entry for entry in value if isinstance(entry, Map)]
        chart_home = value.get("chartHome") if isinstance(value, Map) else None
        if key.casefold() == "helmglobals" and isinstance(chart_home, str):
            kustomization.chart_home = chart_home


def _report_path_of_entry(kustomization_folder: str, entry: str) -> str:
    """A path as reports print it, of an entry of a kustomization in a folder."""
    path = posixpath.normpath(posixpath.join(kustomization_folder, entry))
    return "" if path == "." else path


def _string_list(value: Any) -> Iterator[str]:
    if isinstance(value, Seq):
        yield from (entry for entry in value if isinstance(entry, str) and "\n" not in entry)


def _patch_paths(patches_value: Any) -> Iterator[str]:
    """The files of patches; a plain name is the form that builders took before kustomize 5."""
    if isinstance(patches_value, Seq):
        yield from _string_list(patches_value)
        for patch_entry in patches_value:
            if isinstance(patch_entry, Map) and isinstance(patch_entry.get("path"), str):
                yield patch_entry["path"]


def root_kustomizations(
    kustomizations_by_folder: Mapping[str, Kustomization],
) -> list[Kustomization]:
    """What is deployed: the kustomizations that no other one takes in, and one of each circle of them.

    One below a folder cannot take that in: builders refuse it.
    """
    taken_in_folders = {
        folder
        for kustomization in kustomizations_by_folder.values()
        for folder in kustomization.resource_folders
        if folder and not f"{kustomization.folder}/".startswith(f"{folder}/")
    }
    non_component_kustomizations = [one for _, one in sorted(kustomizations_by_folder.items()) if not one.is_component]
    deployed_kustomizations = [one for one in non_component_kustomizations if one.folder not in taken_in_folders]
    reached_kustomization_by_folder = _reached_by_folder(deployed_kustomizations, kustomizations_by_folder, {})
    for kustomization in non_component_kustomizations:
        if kustomization.folder not in reached_kustomization_by_folder:
            deployed_kustomizations.append(kustomization)
            _reached_by_folder([kustomization], kustomizations_by_folder, reached_kustomization_by_folder)
    return deployed_kustomizations


def reachable_kustomizations(starting_kustomization: Kustomization, kustomizations_by_folder: Mapping[str, Kustomization]) -> list[Kustomization]:
    """A kustomization and all that it takes in, directly or not."""
    return list(_reached_by_folder([starting_kustomization], kustomizations_by_folder, {}).values())


def _reached_by_folder(
    starting_kustomizations: Iterable[Kustomization],
    kustomizations_by_folder: Mapping[str, Kustomization],
    reached_kustomization_by_folder: dict[str, Kustomization],
) -> dict[str, Kustomization]:
    """Add to those that were reached before what some kustomizations take in, by folder."""
    pending_kustomizations = list(starting_kustomizations)
    while pending_kustomizations:
        kustomization = pending_kustomizations.pop()
        if kustomization.folder not in reached_kustomization_by_folder:
            reached_kustomization_by_folder[kustomization.folder] = kustomization
            pending_kustomizations += [
                kustomizations_by_folder[folder] for folder in kustomization.resource_folders if folder in kustomizations_by_folder
            ]
    return reached_kustomization_by_folder


def kustomize_build_command() -> list[str]:
    """What builds here: `kustomize`, else kubectl's; empty where there is neither.

    A shim is none: it needs a PATH and a home, and a builder is given neither.
    """
    for program_name, build_subcommand in (("kustomize", "build"), ("kubectl", "kustomize")):
        program_path = find_program(program_name)
        if program_path and not is_script_or_snap(program_path):
            return [program_path, build_subcommand]
    return []


def unread_source_by_path(overlay_inputs: Iterable[OverlayInputs], source_by_path: Mapping[str, Source]) -> dict[str, Source]:
    """The texts that overlays take in and the walk did not read, by their paths: from ignored or vendored folders, say."""
    unread_by_path = {}
    for inputs_of_overlay in overlay_inputs:
        for path_in_tree in sorted(inputs_of_overlay.files):
            report_path = inputs_of_overlay.tree.report_path(path_in_tree)
            if report_path not in source_by_path and report_path.endswith((".yaml", ".yml", *KUSTOMIZATION_FILENAMES)):
                file_text = decode_text(inputs_of_overlay.tree.content_by_path[path_in_tree])
                if file_text is not None:
                    unread_by_path[report_path] = Source(report_path, file_text)
    return unread_by_path


def build_overlay(
    overlay_kustomization: Kustomization,
    kustomizations: list[Kustomization],
    source_by_path: Mapping[str, Source],
    overlay_inputs: OverlayInputs,
    parsed_yaml: ParsedTexts,
) -> BuiltOverlay:
    """What an overlay builds, from a copy of what it takes in. Raises RenderError."""
    with tempfile.TemporaryDirectory(prefix="readiness-") as scratch_folder_path:
        scratch_folder = Path(os.path.realpath(scratch_folder_path))
        tree_copy = scratch_folder / "tree"
        overlay_inputs.tree.copy_to(overlay_inputs.folders, overlay_inputs.files, tree_copy)
        overlay_path_in_scratch = posixpath.join("tree", overlay_inputs.folder)
        kustomization_spec = {"resources": [overlay_path_in_scratch], "buildMetadata": ["originAnnotations"]}
        (scratch_folder / "kustomization.yaml").write_text(json.dumps(kustomization_spec), encoding="utf-8")
        try:
            program_result = run_renderer(
                [*kustomize_build_command(), str(scratch_folder)], "", scratch_folder, max_output_bytes=MAX_BUILD_OUTPUT_BYTES
            )
        except LimitError:
            raise
        except RenderError as error:
            raise RenderError(_clean_error(str(error), scratch_folder)) from None
        built_text, unparsed_documents = _text_without_unparsed_documents(program_result.output.decode("utf-8", "replace"))
        built_overlay = BuiltOverlay(overlay_kustomization.source.path, built_text, overlay_kustomization.folder or ".")
        built_overlay.lost = [(document_text, error, overlay_kustomization.source) for document_text, error in unparsed_documents]
        built_overlay.confined = was_run_without_network(program_result)
        trace_origins(built_overlay, kustomizations, source_by_path, TreeCopy(tree_copy, overlay_inputs.tree), parsed_yaml)
    return built_overlay


def _text_without_unparsed_documents(built_text: str) -> tuple[str, list[tuple[str, ParseError]]]:
    """A text with blanks for the documents that do not parse, every other character in its place; and those documents."""
    try:
        load_yaml_documents(built_text)
    except ParseError:
        document_texts, unparsed_documents = [], []
        for document_text in _DOCUMENT_SEPARATOR.split(built_text):
            try:
                load_yaml_documents(document_text)
                document_texts.append(document_text)
            except ParseError as error:
                unparsed_documents.append((document_text, error))
                document_texts.append(re.sub(r"[^\n]", " ", document_text))
        return "---\n".join(document_texts), unparsed_documents
    return built_text, []


def _clean_error(builder_message: str, scratch_folder: Path) -> str:
    """A builder's message without its log prefix and without paths of this machine."""
    _, separator, quoted_error = builder_message.partition('err="')
    shown_message = (quoted_error.removesuffix('"') if separator else builder_message).replace('\\"', '"').removeprefix("Error: ")
    for scratch_path in (f"{scratch_folder}/tree/", f"{scratch_folder}/tree", str(scratch_folder)):
        shown_message = shown_message.replace(scratch_path, "" if scratch_path.endswith("/") else ".")
    shown_message = re.sub(r"(?<![\w.])tree/(?=\S)", "", shown_message)
    shown_message = re.sub(r"(?<![\w.])/(?:[\w.+-]+/)+", "", shown_message)  # whatever other path of this machine there is
    return shown_message.rsplit("err='", 1)[-1].rstrip("'")[:300]
